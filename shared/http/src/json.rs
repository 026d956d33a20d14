//! From bytes to typed input, with refusals that name the field and repeat no value.

use crate::{
    problem::{FieldError, Problem},
    shapes,
};
use axum::http::StatusCode;
use oubli_engine::ProblemCode;
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer},
};
use serde_json::{Value, error::Category};
use serde_path_to_error::{Error, Path, Segment};
use std::{fmt, marker::PhantomData};

/// Largest body accepted, in bytes.
pub(crate) const MAX_BODY_BYTES: usize = 64 * 1024;

/// A JSON object. Structs alone would also be read from arrays, field by field, which nobody means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OnlyMaps<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OnlyMaps<T> {
            type Value = Object<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }

        deserializer.deserialize_map(OnlyMaps(PhantomData))
    }
}

/// A whole number, or null. `7.0` is one too, since JSON has one kind of numbers (JSON Schema Core 2020-12, 4.2.3).
pub(crate) fn whole<'de, T: TryFrom<i64>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    struct WholeOrNull<T>(PhantomData<T>);

    impl<T: TryFrom<i64>> Visitor<'_> for WholeOrNull<T> {
        type Value = Option<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number")
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<Option<T>, E> {
            Ok(None)
        }

        fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Option<T>, E> {
            let value = T::try_from(number).map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))?;
            Ok(Some(value))
        }

        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Option<T>, E> {
            let signed = i64::try_from(number).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))?;
            self.visit_i64(signed)
        }

        fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Option<T>, E> {
            match as_whole(number) {
                Some(whole) => self.visit_i64(whole),
                None => Err(E::invalid_type(Unexpected::Float(number), &self)),
            }
        }
    }

    deserializer.deserialize_any(WholeOrNull(PhantomData))
}

/// The whole number that is written so, as far as every reader of JSON reads it exactly.
#[allow(clippy::cast_possible_truncation, reason = "it is whole, and small enough to be exact")]
pub(crate) fn as_whole(number: f64) -> Option<i64> {
    (number.fract() == 0.0 && number.abs() <= shapes::MOST as f64).then_some(number as i64)
}

/// Reads a body; an empty one counts as `{}`, and so does `null`.
pub(crate) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let nothing = matches!(bytes.trim_ascii(), b"" | b"null");
    let bytes = if nothing { b"{}" } else { bytes };
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let Object(value) = serde_path_to_error::deserialize(&mut json).map_err(refused)?;
    json.end().map_err(|e| malformed(&e))?;
    Ok(value)
}

/// Reads a query string into a struct of optional texts.
pub(crate) fn query<T: DeserializeOwned>(query: Option<&str>) -> Result<T, Problem> {
    let mut map = serde_json::Map::new();
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        if map.insert(name.to_string(), Value::String(value.into_owned())).is_some() {
            return Err(Problem::field(ProblemCode::InvalidValue, &shown(&name), "it is given twice", "each parameter once"));
        }
    }
    serde_path_to_error::deserialize(Value::Object(map)).map_err(refused)
}

fn malformed(error: &serde_json::Error) -> Problem {
    let detail = format!("The body is not well-formed JSON at line {}, column {}.", error.line(), error.column());
    Problem::new(StatusCode::BAD_REQUEST, ProblemCode::MalformedJson, detail, "Send one JSON object, encoded in UTF-8.")
}

fn refused(error: Error<serde_json::Error>) -> Problem {
    if matches!(error.inner().classify(), Category::Syntax | Category::Eof | Category::Io) {
        return malformed(error.inner());
    }
    let message = error.inner().to_string();
    let (code, field, reason) = if let Some((name, _)) = quoted(&message, "unknown field `") {
        (ProblemCode::UnknownField, join(&parent(error.path()), &shown(name)), "there is no such field")
    } else if let Some((name, _)) = quoted(&message, "missing field `") {
        (ProblemCode::MissingField, join(&text(error.path()), name), "it is missing")
    } else if let Some((name, _)) = quoted(&message, "duplicate field `") {
        (ProblemCode::InvalidValue, join(&parent(error.path()), name), "it is given twice")
    } else if message.starts_with("invalid type") {
        (ProblemCode::InvalidType, text(error.path()), "it has the wrong type")
    } else {
        (ProblemCode::InvalidValue, text(error.path()), "its value cannot be read")
    };
    let accepted = match code {
        ProblemCode::MissingField => "a value for it".to_owned(),
        _ => accepted(&message),
    };
    let error = FieldError { field, code, reason: reason.to_owned(), accepted };
    Problem::fields(StatusCode::BAD_REQUEST, vec![error])
}

fn quoted<'a>(message: &'a str, prefix: &str) -> Option<(&'a str, &'a str)> {
    message.strip_prefix(prefix)?.split_once('`')
}

/// What serde says it expected. The words behind the last `expected` are the program's own, never the sender's.
fn accepted(message: &str) -> String {
    let own = message.rsplit_once(", expected ").map_or("", |(_, own)| own);
    let own = own.split(" at line ").next().unwrap_or_default().trim_start_matches("one of ").replace('`', "");
    match own.as_str() {
        "" => "no field here".to_owned(),
        "a string" => "a text".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        other => other.to_owned(),
    }
}

/// A name that a caller made up. Names are needed to find the mistake, but anything could stand in one.
fn shown(name: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if !name.is_empty() && name.len() <= 64 && name.bytes().all(plain) { name.to_owned() } else { "?".to_owned() }
}

fn text(path: &Path) -> String {
    let path = path.iter().fold(String::new(), add);
    if path.is_empty() { "body".to_owned() } else { path }
}

fn parent(path: &Path) -> String {
    let segments: Vec<_> = path.iter().collect();
    segments.iter().take(segments.len().saturating_sub(1)).copied().fold(String::new(), add)
}

fn add(path: String, segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => format!("{path}[{index}]"),
        Segment::Map { key } => join(&path, key),
        Segment::Enum { variant } => join(&path, variant),
        Segment::Unknown => path,
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() || path == "body" { name.to_owned() } else { format!("{path}.{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read")]
    struct Outer {
        name: Option<String>,
        inner: Option<Object<Inner>>,
        list: Option<Vec<Object<Inner>>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read")]
    struct Inner {
        flag: bool,
        when: Option<String>,
        #[serde(default, deserialize_with = "whole")]
        often: Option<u32>,
    }

    fn refusal(text: &str) -> (String, String) {
        let problem = body::<Outer>(text.as_bytes()).expect_err(text);
        let shown = crate::samples::body(&problem);
        assert!(!shown.to_string().contains("alice"), "{shown}");
        (problem.code().to_string(), shown["errors"][0]["field"].as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn a_refusal_names_the_path_and_repeats_no_value() {
        let cases = [
            (r#"{"nam":"alice"}"#, "unknown_field", "nam"),
            (r#"{"alice@example.com":1}"#, "unknown_field", "?"),
            (r#"{"inner":{"flag":true,"extra":1}}"#, "unknown_field", "inner.extra"),
            (r#"{"list":[{"flag":true},{"when":"x"}]}"#, "missing_field", "list[1].flag"),
            (r#"{"list":[{"flag":"alice, expected alice"}]}"#, "invalid_type", "list[0].flag"),
            (r#"{"name":17}"#, "invalid_type", "name"),
            (r#"{"inner":[true]}"#, "invalid_type", "inner"),
            (r#"{"name":"alice","name":"alice"}"#, "invalid_value", "name"),
            (r#"["alice"]"#, "invalid_type", "body"),
            (r#""alice""#, "invalid_type", "body"),
            (r#"{"name":"alice""#, "malformed_json", ""),
            (r#"{"name":"alice"} {}"#, "malformed_json", ""),
            ("{\"name\":\"\u{1}\"}", "malformed_json", ""),
        ];
        for (text, code, field) in cases {
            assert_eq!(refusal(text), (code.to_owned(), field.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let read = |number: &str| {
            let body = body::<Outer>(format!(r#"{{"inner":{{"flag":true,"often":{number}}}}}"#).as_bytes());
            body.map(|outer| outer.inner.and_then(|inner| inner.0.often)).map_err(|problem| crate::samples::body(&problem))
        };
        for (number, accepted) in [("7", Some(7)), ("7.0", Some(7)), ("70e-1", Some(7)), ("-0.0", Some(0)), ("null", None)] {
            assert_eq!(read(number).expect(number), accepted, "{number}");
        }
        for number in ["7.5", "-1", "4294967296", "18446744073709551615", "1e30", "\"7\"", "true", "[7]"] {
            let refused = read(number).expect_err(number);
            assert_eq!(refused["errors"][0]["field"], "inner.often", "{number}");
            assert_eq!(refused["errors"][0]["accepted"], "a whole number", "{number}");
        }
    }

    #[test]
    fn nothing_is_an_empty_object() {
        assert!(body::<Outer>(b"  ").is_ok() && body::<Outer>(b" null").is_ok());
        assert!(body::<Outer>(b"nul").is_err() && body::<Outer>(b"null {}").is_err());
    }

    #[test]
    fn a_query_is_read_like_a_body() {
        let read = query::<Outer>(Some("name=a%20b")).expect("valid");
        assert_eq!(read.name.as_deref(), Some("a b"));
        assert_eq!(query::<Outer>(Some("nme=alice")).expect_err("unknown").code(), ProblemCode::UnknownField);
        assert_eq!(query::<Outer>(Some("name=1&name=2")).expect_err("twice").code(), ProblemCode::InvalidValue);
    }
}

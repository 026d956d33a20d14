//! Reading a tree as what a map consists of, with errors in words of the map. What is accepted is decided by the YAML
//! library; this tells what was wrong with what it refused, and reads the rest.

use super::tree::{Key, Node, Value};
use crate::datamap::nearest::nearest;
use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeSeed, Expected, IntoDeserializer as _, MapAccess, SeqAccess, Unexpected, Visitor,
        value::{MapAccessDeserializer, SeqAccessDeserializer},
    },
    forward_to_deserialize_any,
};
use std::fmt;

/// What has not the shape it should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::datamap) struct Misshapen {
    /// The line, as soon as it is known.
    pub line: Option<u64>,
    /// The keys that lead there.
    pub path: Vec<String>,
    /// What is wrong, and what is accepted.
    pub text: String,
}

/// Reads a node.
///
/// # Errors
/// [`Misshapen`].
pub(in crate::datamap) fn node<'de, T: Deserialize<'de>>(node: &'de Node) -> Result<T, Misshapen> {
    T::deserialize(node)
}

impl Misshapen {
    pub fn new(line: u64, text: String) -> Self {
        Self { line: Some(line), path: vec![], text }
    }

    pub fn on(mut self, line: u64) -> Self {
        self.line.get_or_insert(line);
        self
    }

    pub fn under(mut self, key: &Key) -> Self {
        self.path.insert(0, key.text.clone());
        self.on(key.line)
    }
}

impl std::error::Error for Misshapen {}

impl fmt::Display for Misshapen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What may stand under keys that have to be there.
const EXAMPLES: [(&str, &str); 10] = [
    ("name", "orders"),
    ("category", "order_history, what people call it"),
    ("store", "shop, one of those under stores"),
    ("connector", "dynamodb"),
    ("select", "[{by: subject_id, …}], the ways to its records"),
    ("by", "subject_id"),
    ("producer", "orders, by which it is found"),
    ("field", "order_id, the field of the other producer that holds the value"),
    ("fields", "{name: redaction}"),
    ("exception", "legal_obligation, which of Art. 17(3) GDPR it rests on"),
];

/// That a name is none of those accepted, and which of them may be meant.
pub(in crate::datamap) fn no_such(what: &str, given: &str, accepted: &[&str]) -> String {
    let meant = nearest(given, accepted).map(|name| format!("did you mean {name}? ")).unwrap_or_default();
    format!("there is no {given} {what}: {meant}Accepted are {}", accepted.join(", "))
}

impl de::Error for Misshapen {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self { line: None, path: vec![], text: text.to_string() }
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let found = match found {
            Unexpected::Seq => "a list".to_owned(),
            Unexpected::Map => "keys of its own".to_owned(),
            Unexpected::Unit | Unexpected::Option => "nothing".to_owned(),
            Unexpected::Str(text) => format!("{text:?}"),
            Unexpected::Bool(truth) => truth.to_string(),
            Unexpected::Signed(number) => number.to_string(),
            Unexpected::Unsigned(number) => number.to_string(),
            other => other.to_string(),
        };
        let expected = match expected.to_string().as_str() {
            "a sequence" => "a list, such as [a, b]".to_owned(),
            "a boolean" => "true or false".to_owned(),
            "u8" | "u16" | "u32" | "u64" => "a whole number".to_owned(),
            "a string" | "string or map" => "one text, without brackets".to_owned(),
            mapping if mapping == "a map" || mapping == "a mapping" || mapping.starts_with("struct ") => {
                "keys of its own, indented below it or in braces".to_owned()
            }
            // The words of a visitor of ours.
            words => words.to_owned(),
        };
        Self::custom(format!("expected {expected}, and here is {found}"))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(no_such("here", variant, expected))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(no_such("here", field, expected))
    }

    fn missing_field(field: &'static str) -> Self {
        let example = EXAMPLES.iter().find(|(name, _)| *name == field).map(|(_, example)| *example).unwrap_or("…");
        Self::custom(format!("{field} is missing: write {field}: {example}"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::custom(format!("{field} is written twice: leave one"))
    }
}

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Misshapen;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misshapen> {
        match &self.value {
            Value::List(members) => visitor.visit_seq(Members(members.iter())),
            Value::Keys(keys) => visitor.visit_map(Pairs::new(keys)),
            Value::Scalar { .. } if self.is_nothing() => visitor.visit_unit(),
            Value::Scalar { text, plain: true } => match text.as_str() {
                "true" | "True" | "TRUE" => visitor.visit_bool(true),
                "false" | "False" | "FALSE" => visitor.visit_bool(false),
                number => match (number.parse::<u64>(), number.parse::<i64>(), number.parse::<f64>()) {
                    (Ok(number), ..) => visitor.visit_u64(number),
                    (_, Ok(number), _) => visitor.visit_i64(number),
                    (.., Ok(part)) if number.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => {
                        visitor.visit_f64(part)
                    }
                    _ => visitor.visit_borrowed_str(text),
                },
            },
            Value::Scalar { text, plain: false } => visitor.visit_borrowed_str(text),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misshapen> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_nothing() => visitor.visit_borrowed_str(text),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misshapen> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misshapen> {
        if self.is_nothing() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Misshapen> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misshapen> {
        match &self.value {
            Value::Scalar { text, .. } => visitor.visit_enum(text.as_str().into_deserializer()),
            Value::Keys(keys) => visitor.visit_enum(MapAccessDeserializer::new(Pairs::new(keys))),
            Value::List(members) => SeqAccessDeserializer::new(Members(members.iter())).deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct
        map struct identifier ignored_any
    }
}

struct Members<'de>(std::slice::Iter<'de, Node>);

impl<'de> SeqAccess<'de> for Members<'de> {
    type Error = Misshapen;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misshapen> {
        self.0.next().map(|node| seed.deserialize(node).map_err(|wrong| wrong.on(node.line))).transpose()
    }
}

struct Pairs<'de> {
    left: std::slice::Iter<'de, (Key, Node)>,
    read: Vec<&'de str>,
    now: Option<&'de (Key, Node)>,
}

impl<'de> Pairs<'de> {
    fn new(keys: &'de [(Key, Node)]) -> Self {
        Self { left: keys.iter(), read: vec![], now: None }
    }
}

impl<'de> MapAccess<'de> for Pairs<'de> {
    type Error = Misshapen;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misshapen> {
        self.now = self.left.next();
        let Some((key, _)) = self.now else { return Ok(None) };
        if self.read.contains(&key.text.as_str()) {
            let wrong: Misshapen = de::Error::custom(format!("{} is written twice: leave one", key.text));
            return Err(wrong.on(key.line));
        }
        self.read.push(&key.text);
        let named = |wrong: Misshapen| match wrong.text.contains(&key.text) {
            true => wrong.on(key.line),
            false => wrong.under(key),
        };
        seed.deserialize(key.text.as_str().into_deserializer()).map(Some).map_err(named)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misshapen> {
        match self.now {
            Some((key, node)) => seed.deserialize(node).map_err(|wrong| wrong.under(key)),
            None => Err(de::Error::custom("a value has no key")),
        }
    }
}

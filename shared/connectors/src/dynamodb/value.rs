//! Items as JSON that loses nothing: DynamoDB's own form, in one order, so that equal items are equal bytes.

use aws_sdk_dynamodb::types::AttributeValue;
use aws_smithy_types::{Blob, base64};
use oubli_domain::{
    decimal::{MAX_DIGITS, decimal},
    personal::{Identifier, NormalForm},
};
use oubli_engine::ports::Row;
use serde_json::{Map, Value, json, value::RawValue};
use std::{borrow::Cow, collections::HashMap};

pub(super) type Attributes = HashMap<String, AttributeValue>;

/// An item, attributes and members of sets in order; `None` for types this code does not know.
pub(super) fn item_to_json(item: &Attributes) -> Option<Value> {
    let mut names: Vec<_> = item.keys().collect();
    names.sort();
    names.into_iter().map(|n| Some((n.clone(), to_json(&item[n])?))).collect::<Option<Map<_, _>>>().map(Value::Object)
}

/// Reads what [`item_to_json`] wrote.
pub(super) fn item_from_json(json: &Value) -> Option<Attributes> {
    json.as_object()?.iter().map(|(name, value)| Some((name.clone(), from_json(value)?))).collect()
}

pub(super) fn to_json(value: &AttributeValue) -> Option<Value> {
    let sorted = |mut members: Vec<String>| {
        members.sort();
        members
    };
    Some(match value {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::B(bytes) => json!({ "B": base64::encode(bytes) }),
        AttributeValue::Bool(value) => json!({ "BOOL": value }),
        AttributeValue::Null(value) => json!({ "NULL": value }),
        AttributeValue::Ss(texts) => json!({ "SS": sorted(texts.clone()) }),
        AttributeValue::Ns(numbers) => json!({ "NS": sorted(numbers.clone()) }),
        AttributeValue::Bs(many) => json!({ "BS": sorted(many.iter().map(base64::encode).collect()) }),
        AttributeValue::L(list) => json!({ "L": list.iter().map(to_json).collect::<Option<Vec<_>>>()? }),
        AttributeValue::M(map) => json!({ "M": item_to_json(map)? }),
        _ => return None,
    })
}

pub(super) fn from_json(json: &Value) -> Option<AttributeValue> {
    let object = json.as_object().filter(|o| o.len() == 1)?;
    let (kind, value) = object.iter().next()?;
    let text = || value.as_str().map(str::to_owned);
    let texts = || value.as_array()?.iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>();
    let blob = |text: String| base64::decode(text).ok().map(Blob::new);
    Some(match kind.as_str() {
        "S" => AttributeValue::S(text()?),
        "N" => AttributeValue::N(text()?),
        "B" => AttributeValue::B(blob(text()?)?),
        "BOOL" => AttributeValue::Bool(value.as_bool()?),
        "NULL" => AttributeValue::Null(value.as_bool()?),
        "SS" => AttributeValue::Ss(texts()?),
        "NS" => AttributeValue::Ns(texts()?),
        "BS" => AttributeValue::Bs(texts()?.into_iter().map(blob).collect::<Option<_>>()?),
        "L" => AttributeValue::L(value.as_array()?.iter().map(from_json).collect::<Option<_>>()?),
        "M" => AttributeValue::M(item_from_json(value)?),
        _ => return None,
    })
}

/// An item as plain JSON, for people and other services: numbers digit for digit, sets as lists, bytes as base64.
pub(super) fn row(item: &Attributes) -> Option<Row> {
    item.iter().map(|(name, value)| Some((name.clone(), RawValue::from_string(plain(value)?).ok()?))).collect()
}

fn plain(value: &AttributeValue) -> Option<String> {
    let quoted = |text: &str| serde_json::to_string(text).ok();
    let list = |members: Option<Vec<String>>| Some(format!("[{}]", members?.join(",")));
    let numbers = |number: &String| match serde_json::from_str::<&RawValue>(number) {
        Ok(_) => Some(number.clone()),
        Err(_) => quoted(number),
    };
    match value {
        AttributeValue::S(text) => quoted(text),
        AttributeValue::N(number) => numbers(number),
        AttributeValue::B(bytes) => quoted(&base64::encode(bytes)),
        AttributeValue::Bool(value) => Some(value.to_string()),
        AttributeValue::Null(_) => Some("null".to_owned()),
        AttributeValue::Ss(texts) => list(texts.iter().map(|t| quoted(t)).collect()),
        AttributeValue::Ns(all) => list(all.iter().map(numbers).collect()),
        AttributeValue::Bs(many) => list(many.iter().map(|b| quoted(&base64::encode(b))).collect()),
        AttributeValue::L(values) => list(values.iter().map(plain).collect()),
        AttributeValue::M(map) => serde_json::to_string(&row(map)?).ok(),
        _ => None,
    }
}

/// A text or number as text.
pub(super) fn text(value: &AttributeValue) -> Option<&str> {
    match value {
        AttributeValue::S(text) | AttributeValue::N(text) => Some(text),
        _ => None,
    }
}

/// A text, number or truth as a data map writes it.
pub(super) fn word(value: &AttributeValue) -> Option<Cow<'_, str>> {
    match value {
        AttributeValue::Bool(truth) => Some(Cow::Borrowed(if *truth { "true" } else { "false" })),
        other => text(other).map(Cow::Borrowed),
    }
}

/// Every text, number and truth at a path such as `meta.order_ids`, those in lists and sets too; and whether there is something
/// else. An attribute whose own name has dots is meant before a path.
pub(super) fn texts_at(item: &Attributes, path: &str) -> (Vec<String>, bool) {
    let mut found = (Vec::new(), false);
    match item.get(path) {
        Some(value) => gather(value, &[], &mut found),
        None => {
            let mut steps = path.split('.');
            let first = steps.next().and_then(|name| item.get(name));
            if let Some(value) = first {
                gather(value, &steps.collect::<Vec<_>>(), &mut found);
            }
        }
    }
    found
}

fn gather(value: &AttributeValue, path: &[&str], found: &mut (Vec<String>, bool)) {
    match (value, path) {
        (AttributeValue::L(members), path) => members.iter().for_each(|member| gather(member, path, found)),
        (AttributeValue::M(map), [name, rest @ ..]) => {
            if let Some(value) = map.get(*name) {
                gather(value, rest, found);
            }
        }
        (AttributeValue::S(text) | AttributeValue::N(text), []) => found.0.push(text.clone()),
        (AttributeValue::Ss(texts) | AttributeValue::Ns(texts), []) => found.0.extend(texts.iter().cloned()),
        (AttributeValue::Bool(truth), []) => found.0.push(truth.to_string()),
        (AttributeValue::Null(_), _) => {}
        _ => found.1 = true,
    }
}

/// Whether an item has something at a path, as [`texts_at`] follows it.
pub(super) fn has(item: &Attributes, path: &str) -> bool {
    let mut steps = path.split('.');
    let first = steps.next().and_then(|name| item.get(name));
    item.contains_key(path) || first.is_some_and(|value| leads_on(value, &steps.collect::<Vec<_>>()))
}

fn leads_on(value: &AttributeValue, path: &[&str]) -> bool {
    match (value, path) {
        (_, []) => true,
        (AttributeValue::L(members), path) => members.iter().any(|member| leads_on(member, path)),
        (AttributeValue::M(map), [name, rest @ ..]) => map.get(*name).is_some_and(|value| leads_on(value, rest)),
        _ => false,
    }
}

/// The names of an item's attributes, and the paths to what is within them.
pub(super) fn names(item: &Attributes) -> Vec<String> {
    let mut all = Vec::new();
    item.iter().for_each(|(name, value)| name_within(name, value, 0, &mut all));
    all
}

fn name_within(path: &str, value: &AttributeValue, depth: usize, all: &mut Vec<String>) {
    match value {
        AttributeValue::M(map) if depth < 4 => {
            map.iter().for_each(|(name, value)| name_within(&format!("{path}.{name}"), value, depth + 1, all));
        }
        AttributeValue::L(members) => members.iter().for_each(|member| {
            if let AttributeValue::M(_) = member {
                name_within(path, member, depth, all);
            }
        }),
        _ => {}
    }
    all.push(path.to_owned());
}

/// Whether an attribute is the text, or the number the text writes. One that is written otherwise than numbers are
/// compared finds nothing, and so is equal to none.
pub(super) fn equals_text(value: Option<&AttributeValue>, text: &str) -> bool {
    match value {
        Some(AttributeValue::S(own)) => own == text,
        Some(AttributeValue::N(own)) => own == text || is_plain(text) && decimal(own).is_some_and(|d| Some(d) == decimal(text)),
        _ => false,
    }
}

/// Whether a number is written as DynamoDB answers it: two spellings of one number must not be two people elsewhere.
pub(super) fn is_plain(text: &str) -> bool {
    let plain = Identifier::parse(text).and_then(|number| NormalForm::Number.normalize(&number, None));
    // Numbers with more places than it keeps digits come with an exponent.
    plain.is_ok_and(|plain| plain.expose() == text || (plain.expose().len() > MAX_DIGITS && text.contains('E')))
}

/// Bytes of an item as DynamoDB counts them.
pub(super) fn size(item: &Attributes) -> u64 {
    item.iter().map(|(name, value)| name.len() as u64 + size_of(value)).sum()
}

fn size_of(value: &AttributeValue) -> u64 {
    match value {
        AttributeValue::S(text) => text.len() as u64,
        AttributeValue::N(number) => number_size(number),
        AttributeValue::B(bytes) => bytes.as_ref().len() as u64,
        AttributeValue::Ss(texts) => texts.iter().map(|t| t.len() as u64).sum(),
        AttributeValue::Ns(numbers) => numbers.iter().map(|n| number_size(n)).sum(),
        AttributeValue::Bs(many) => many.iter().map(|b| b.as_ref().len() as u64).sum(),
        AttributeValue::L(list) => 3 + list.iter().map(|v| 1 + size_of(v)).sum::<u64>(),
        AttributeValue::M(map) => 3 + map.len() as u64 + size(map),
        _ => 1,
    }
}

/// One byte for every two significant digits on either side of the point, one more, and one for a sign.
fn number_size(number: &str) -> u64 {
    let Some((negative, digits, scale)) = decimal(number) else { return 1 };
    let digits = i64::try_from(digits.len()).unwrap_or(i64::MAX);
    let fraction = i64::from(-scale).clamp(0, digits);
    let halves = (digits - fraction + 1) / 2 + (fraction + 1) / 2;
    halves.unsigned_abs() + 1 + u64::from(negative)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everything() -> Attributes {
        let blob = |b: &[u8]| Blob::new(b);
        let map =
            HashMap::from([("z".to_owned(), AttributeValue::Null(true)), ("a".to_owned(), AttributeValue::S(String::new()))]);
        [
            ("s", AttributeValue::S("é".to_owned())),
            ("n", AttributeValue::N("-12345678901234567890.123456789".to_owned())),
            ("b", AttributeValue::B(blob(&[0, 255]))),
            ("bool", AttributeValue::Bool(false)),
            ("null", AttributeValue::Null(true)),
            ("ss", AttributeValue::Ss(vec!["b".to_owned(), "a".to_owned()])),
            ("ns", AttributeValue::Ns(vec!["2".to_owned(), "10".to_owned()])),
            ("bs", AttributeValue::Bs(vec![blob(b"y"), blob(b"x")])),
            ("l", AttributeValue::L(vec![AttributeValue::M(map), AttributeValue::L(Vec::new())])),
        ]
        .map(|(n, v)| (n.to_owned(), v))
        .into()
    }

    #[test]
    fn a_row_keeps_every_digit_and_is_plain() {
        let row = row(&everything()).expect("known types");
        let text = serde_json::to_string(&row).expect("json");
        assert_eq!(
            text,
            r#"{"b":"AP8=","bool":false,"bs":["eQ==","eA=="],"l":[{"a":"","z":null},[]],"n":-12345678901234567890.123456789,"ns":[2,10],"null":null,"s":"é","ss":["b","a"]}"#
        );
    }

    #[test]
    fn every_type_reads_back_and_sets_are_in_order() {
        let json = item_to_json(&everything()).expect("known types");
        assert_eq!(json["ss"], json!({ "SS": ["a", "b"] }));
        assert_eq!(json["b"], json!({ "B": "AP8=" }));
        let again = item_from_json(&json).expect("reads");
        assert_eq!(item_to_json(&again), Some(json));
        assert_eq!(again["n"], everything()["n"]);
        let text = serde_json::to_string(&item_to_json(&everything())).expect("json");
        assert!(text.starts_with(r#"{"b":"#), "{text}");
        for wrong in [json!({ "S": 1 }), json!({ "X": "a" }), json!({ "S": "a", "N": "1" }), json!({ "B": "!" }), json!("a")] {
            assert_eq!(from_json(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_number_is_what_finds_it_and_no_other_spelling() {
        let number = |text: &str| AttributeValue::N(text.to_owned());
        for (own, text) in [("7", "7"), ("100", "100"), ("-0.5", "-0.5"), ("1E+2", "100"), ("1.20", "1.2")] {
            assert!(equals_text(Some(&number(own)), text), "{own} {text}");
        }
        for (own, text) in [("7", "007"), ("100", "1E2"), ("7", "8"), ("7", "-7"), ("7", "7x"), ("7", ""), ("1", "10")] {
            assert!(!equals_text(Some(&number(own)), text), "{own} {text}");
        }
        assert!(!equals_text(Some(&AttributeValue::S("7".to_owned())), "07"));
        assert!(!equals_text(None, ""));
    }

    #[test]
    fn every_member_at_a_path_is_read_and_what_is_no_text_is_told() {
        let text = |text: &str| AttributeValue::S(text.to_owned());
        let map = |name: &str, value: AttributeValue| AttributeValue::M([(name.to_owned(), value)].into());
        let item: Attributes = [
            ("plain", text("a")),
            ("number", AttributeValue::N("7".to_owned())),
            ("set", AttributeValue::Ss(vec!["a".to_owned(), "b".to_owned()])),
            ("numbers", AttributeValue::Ns(vec!["1".to_owned()])),
            ("list", AttributeValue::L(vec![text("a"), AttributeValue::L(vec![text("b")]), AttributeValue::Null(true)])),
            ("deep", map("lines", AttributeValue::L(vec![map("id", text("x")), map("id", text("y")), map("other", text("z"))]))),
            ("a.b", text("by its own name")),
            ("a", map("b", text("by a path"))),
            ("truth", AttributeValue::Bool(true)),
            ("odd", AttributeValue::L(vec![text("a"), map("id", text("b"))])),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into();
        let cases: [(&str, &[&str], bool); 13] = [
            ("plain", &["a"], false),
            ("number", &["7"], false),
            ("set", &["a", "b"], false),
            ("numbers", &["1"], false),
            ("list", &["a", "b"], false),
            ("deep.lines.id", &["x", "y"], false),
            ("deep.lines", &[], true),
            ("a.b", &["by its own name"], false),
            ("truth", &["true"], false),
            ("odd", &["a"], true),
            ("plain.x", &[], true),
            ("none", &[], false),
            ("deep.none.id", &[], false),
        ];
        for (path, values, other) in cases {
            assert_eq!(texts_at(&item, path), (values.iter().map(|v| (*v).to_owned()).collect(), other), "{path}");
        }
    }

    #[test]
    fn sizes_are_those_of_dynamodb() {
        let cases = [("0", 1), ("42", 2), ("-42", 3), ("100", 2), ("123", 3), ("1.5", 3), ("0.001", 2), ("-12.345", 5)];
        for (number, size) in cases {
            assert_eq!(number_size(number), size, "{number}");
        }
        let item: Attributes = [
            ("pk", AttributeValue::S("abc".to_owned())),
            ("l", AttributeValue::L(vec![AttributeValue::Bool(true), AttributeValue::S("xy".to_owned())])),
            ("m", AttributeValue::M(HashMap::from([("k".to_owned(), AttributeValue::Null(true))]))),
        ]
        .map(|(n, v)| (n.to_owned(), v))
        .into();
        assert_eq!(size(&item), (2 + 3) + (1 + 3 + 1 + 1 + 1 + 2) + (1 + 3 + 1 + 1 + 1));
    }
}

//! What is kept of the values of one field: counts, shapes and keyed hashes.

use crate::{
    hash::{Hash, HashKey},
    shape::{Shape, object_key},
    value::{Record, Value},
};
use oubli_domain::datamap::{is_role, words_of};
use std::collections::{BTreeMap, BTreeSet};

/// Stands in a path for names that are data themselves.
pub(crate) const ANY: &str = "*";

/// Names below one attribute from which on they are data.
const MOST_NAMES: usize = 60;

/// Different values below which a field says nothing by itself.
pub(crate) const FEW: usize = 5;

/// A field of the records of one place.
#[derive(Clone, Default)]
pub(crate) struct Field {
    /// Its names from the top.
    pub path: Vec<String>,
    /// How many records have it.
    pub present: usize,
    /// How many records there are.
    pub of: usize,
    /// How many values were seen.
    pub values: usize,
    /// Some records have several.
    pub listed: bool,
    pub shapes: BTreeMap<Shape, usize>,
    /// Hashes of its values, and how often each came.
    pub whole: BTreeMap<Hash, u32>,
    /// What every value begins with: `USER#`.
    pub literal: Option<String>,
    /// Hashes of what follows.
    pub inner: BTreeMap<Hash, u32>,
    /// What follows has further parts of the kind.
    pub compound: bool,
    /// Hashes of the first of these parts: `F#u1#ACTIVE` begins with whom it is about.
    pub first_parts: BTreeMap<Hash, u32>,
    /// The hash of each record's one value.
    pub rows: Vec<Option<Hash>>,
    pub inner_rows: Vec<Option<Hash>>,
    /// Hashes of the keys of objects that its values are.
    pub keys: BTreeSet<Hash>,
    /// A few of its values, to look them up elsewhere.
    pub examples: Vec<Value>,
    /// The most digits of a whole number among its values.
    digits: usize,
}

impl Field {
    pub fn name(&self) -> String {
        self.path.join(".")
    }

    /// Its own name, without where it is.
    pub fn leaf(&self) -> &str {
        self.path.iter().rev().find(|name| *name != ANY).map_or("", String::as_str)
    }

    /// Whether a data map can name it.
    pub fn can_be_named(&self) -> bool {
        self.path.iter().all(|name| name != ANY) && (self.path.len() == 1 || self.path.iter().all(|name| !name.contains('.')))
    }

    pub fn is_top(&self) -> bool {
        self.path.len() == 1
    }

    pub fn distinct(&self) -> usize {
        self.whole.len()
    }

    /// Whether no two records have the same value.
    pub fn is_unique(&self) -> bool {
        !self.listed && self.values > 0 && self.distinct() * 100 >= self.values * 98
    }

    pub fn share(&self, is: impl Fn(Shape) -> bool) -> f64 {
        let count: usize = self.shapes.iter().filter(|(shape, _)| is(**shape)).map(|(_, count)| count).sum();
        ratio(count, self.values)
    }

    /// What most of its values look like.
    pub fn shape(&self) -> Option<Shape> {
        self.shapes.iter().max_by_key(|(_, count)| **count).map(|(shape, _)| *shape)
    }

    /// Whether its values can name records.
    pub fn may_be_an_id(&self) -> bool {
        let words = self.share(|shape| matches!(shape, Shape::Word | Shape::Other));
        self.share(Shape::may_be_an_id) >= 0.9 && (words < 0.5 || self.is_unique() || self.distinct() > 4 * FEW)
    }

    /// Whether values of other fields could be among its values by chance: small numbers, plain words.
    pub fn is_common(&self) -> bool {
        let numbers = self.share(|shape| shape == Shape::Integer) > 0.5 && self.digits <= 6;
        numbers || self.share(|shape| shape == Shape::Word) > 0.5 && self.distinct() < 50
    }

    pub fn present_share(&self) -> f64 {
        ratio(self.present, self.of)
    }
}

/// Values that are looked up elsewhere.
const EXAMPLES: usize = 10;

/// A value that may be a key.
fn example(number: Option<Shape>, text: &str) -> Option<Value> {
    match number {
        None => Some(Value::Text(text.to_owned())),
        Some(Shape::Truth | Shape::Bytes) => None,
        Some(_) => Some(Value::Number(text.to_owned())),
    }
}

pub(crate) fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of a sample")]
    let ratio = part as f64 / whole as f64;
    ratio
}

/// A beginning such as `USER#`, and what follows it.
pub(crate) fn literal(text: &str) -> Option<(&str, &str)> {
    let body = text.strip_prefix('#').unwrap_or(text);
    let letters = body.find(|c: char| !(c.is_ascii_alphabetic() || c == '_' || c == '-'))?;
    let delimiter = body[letters..].chars().next().filter(|c| "#|:~".contains(*c))?;
    let end = text.len() - body.len() + letters + delimiter.len_utf8();
    let rest = &text[end..];
    ((1..=32).contains(&letters) && !rest.is_empty() && !rest.starts_with('/')).then_some((&text[..end], rest))
}

/// Words of designs, as opposed to those of data: capitals, words for people and things, or the only beginning there is, with many
/// values behind it.
pub(crate) fn is_fixed(beginning: &str, values: usize, alone: bool) -> bool {
    let word = beginning.trim_matches(|c: char| !c.is_ascii_alphabetic());
    let capitals = !word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c == '_' || c == '-');
    values >= 3 && (capitals || is_of_a_design(word)) || alone && values >= 50
}

/// Whether a word is one for people in a role, or for things that records are of.
pub(crate) fn is_of_a_design(word: &str) -> bool {
    let words = words_of(word);
    !words.is_empty() && words.iter().all(|word| is_role(word) || crate::names::is_entity(word))
}

/// The fields of these records.
pub(crate) fn fields(records: &[&Record], key: &HashKey, beginnings: &BTreeSet<String>) -> Vec<Field> {
    let mut names = Names::default();
    for record in records {
        names.count(&[], record);
    }
    let data = names.data();
    let mut found: BTreeMap<Vec<String>, Collected> = BTreeMap::new();
    for (row, record) in records.iter().enumerate() {
        let mut walk = Walk { data: &data, row, found: &mut found };
        walk.record(&[], record);
    }
    let all = found.into_iter().map(|(path, collected)| collected.into_field(path, records.len(), key, beginnings));
    all.filter(|field| field.values > 0).collect()
}

/// How often each name stands below another.
#[derive(Default)]
struct Names(BTreeMap<Vec<String>, (usize, BTreeMap<String, usize>)>);

impl Names {
    fn count(&mut self, path: &[String], record: &Record) {
        let entry = self.0.entry(path.to_vec()).or_default();
        entry.0 += 1;
        for name in record.keys() {
            *entry.1.entry(name.clone()).or_default() += 1;
        }
        for (name, value) in record {
            let below: Vec<String> = path.iter().cloned().chain([step(name).to_owned()]).collect();
            self.value(&below, value);
        }
    }

    fn value(&mut self, path: &[String], value: &Value) {
        match value {
            Value::Fields(record) => self.count(path, record),
            Value::Members(members) => members.iter().for_each(|member| self.value(path, member)),
            _ => {}
        }
    }

    /// Below what names are data: many, and each in few records.
    fn data(self) -> BTreeSet<Vec<String>> {
        let is_data = |(_, (maps, names)): &(Vec<String>, (usize, BTreeMap<String, usize>))| {
            let times: usize = names.values().sum();
            let rare = ratio(times, names.len() * *maps) < 0.3;
            names.len() > MOST_NAMES && rare || names.len() > 8 && rare && *maps > 4
        };
        let nested = self.0.into_iter().filter(|(path, (_, names))| !path.is_empty() || names.len() > MOST_NAMES);
        nested.filter(is_data).map(|(path, _)| path).collect()
    }
}

/// A name as it stands in paths: one that looks like data is none.
fn step(name: &str) -> &str {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let data = match Shape::of_text(name) {
        Shape::Word | Shape::Other => name.chars().any(|c| c.is_control() || c == '\u{feff}') || name.len() > 64,
        Shape::Token => digits >= 4,
        _ => true,
    };
    if data { ANY } else { name }
}

struct Walk<'a> {
    data: &'a BTreeSet<Vec<String>>,
    row: usize,
    found: &'a mut BTreeMap<Vec<String>, Collected>,
}

impl Walk<'_> {
    fn record(&mut self, path: &[String], record: &Record) {
        for (name, value) in record {
            let name = if self.data.contains(path) { ANY } else { step(name) };
            let below: Vec<String> = path.iter().cloned().chain([name.to_owned()]).collect();
            self.value(&below, value, false);
        }
    }

    fn value(&mut self, path: &[String], value: &Value, listed: bool) {
        let (shape, text) = match value {
            Value::Fields(record) => return self.record(path, record),
            Value::Members(members) => return members.iter().for_each(|member| self.value(path, member, true)),
            Value::Null => return,
            Value::Text(text) if text.is_empty() => return,
            Value::Text(text) => (None, text.as_str()),
            Value::Number(number) => (Some(Shape::of_number(number)), number.as_str()),
            Value::Truth(true) => (Some(Shape::Truth), "true"),
            Value::Truth(false) => (Some(Shape::Truth), "false"),
            Value::Bytes => (Some(Shape::Bytes), ""),
        };
        let collected = self.found.entry(path.to_vec()).or_default();
        collected.listed |= listed;
        collected.values.push((self.row, shape, text.to_owned()));
    }
}

/// The values of a field, until they are hashed.
#[derive(Default)]
struct Collected {
    listed: bool,
    values: Vec<(usize, Option<Shape>, String)>,
}

impl Collected {
    fn into_field(self, path: Vec<String>, of: usize, key: &HashKey, beginnings: &BTreeSet<String>) -> Field {
        let literal = self.literal(beginnings);
        let mut field = Field { path, of, values: self.values.len(), ..Field::default() };
        (field.rows, field.inner_rows) = (vec![None; of], vec![None; of]);
        let mut rows = BTreeSet::new();
        for (row, shape, text) in &self.values {
            let hash = key.hash(text);
            let times = field.whole.entry(hash).or_default();
            *times += 1;
            if *times == 1 && field.examples.len() < EXAMPLES {
                field.examples.extend(example(*shape, text));
            }
            field.listed |= self.listed || !rows.insert(*row);
            field.rows[*row] = Some(hash);
            let inner = literal.as_deref().and_then(|literal| text.strip_prefix(literal)).unwrap_or(text);
            if literal.is_some() {
                let hash = key.hash(inner);
                *field.inner.entry(hash).or_default() += 1;
                field.inner_rows[*row] = Some(hash);
                if let Some((first, _)) = inner.split_once(['#', '|']) {
                    field.compound = true;
                    *field.first_parts.entry(key.hash(first)).or_default() += 1;
                }
            }
            let shape = shape.unwrap_or_else(|| Shape::of_text(inner));
            *field.shapes.entry(shape).or_default() += 1;
            if shape == Shape::Integer {
                field.digits = field.digits.max(inner.len());
            }
            if let Some(object) = object_key(text).filter(|_| matches!(shape, Shape::ObjectKey | Shape::Url)) {
                field.keys.insert(key.hash(object));
            }
        }
        field.present = rows.len();
        field.literal = literal;
        if field.listed {
            field.rows.fill(None);
            field.inner_rows.fill(None);
        }
        field
    }

    /// What every text begins with, if it is a part of the design.
    fn literal(&self, beginnings: &BTreeSet<String>) -> Option<String> {
        let (first, _) = literal(&self.values.first()?.2)?;
        let rests: BTreeSet<&str> = self.values.iter().filter_map(|(_, _, text)| text.strip_prefix(first)).collect();
        let all = self.values.iter().all(|(_, shape, text)| shape.is_none() && literal(text).is_some_and(|(l, _)| l == first));
        (all && (beginnings.contains(first) || is_fixed(first, rests.len(), true))).then(|| first.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_a_word_and_its_delimiter() {
        for (text, expected) in [
            ("USER#17", Some(("USER#", "17"))),
            ("#ORDER#17", Some(("#ORDER#", "17"))),
            ("user:17", Some(("user:", "17"))),
            ("https://example.org", None),
            ("cust-00042", None),
            ("2026-01-31T10:00", None),
            ("PROFILE", None),
            ("USER#", None),
            ("", None),
        ] {
            assert_eq!(literal(text), expected, "{text}");
        }
    }

    #[test]
    fn a_beginning_that_may_be_data_is_none() {
        let fixed = |beginning, values| is_fixed(beginning, values, false);
        assert!(fixed("USER#", 3) && fixed("user:", 3) && fixed("#ORDER#", 4) && is_fixed("xyz:", 50, true));
        assert!(!fixed("USER#", 2) && !fixed("mara#", 9) && !fixed("lindqvist:", 900) && !is_fixed("jo#", 12, true));
    }

    #[test]
    fn names_that_are_data_do_not_become_paths() {
        let of = |name: &str| Record::from([(name.to_owned(), Value::Text("x".to_owned()))]);
        let nested = |name: &str| Record::from([("seen".to_owned(), Value::Fields(of(name)))]);
        let names = ["ada", "bruno", "chloe", "dietmar", "elif", "fergus", "greta", "hamza", "ines", "jonas"];
        let records: Vec<Record> = names.iter().map(|n| nested(n)).chain([nested("mara@example.org")]).collect();
        let records: Vec<&Record> = records.iter().collect();
        let paths: Vec<String> = fields(&records, &HashKey::new([1; 32]), &BTreeSet::new()).iter().map(Field::name).collect();
        assert_eq!(paths, ["seen.*"]);
    }
}

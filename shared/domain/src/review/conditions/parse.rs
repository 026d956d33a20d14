//! From JSON to conditions.

use super::{
    comparison::Comparison,
    fault::{ConditionFault, InvalidConditions},
    group::{Group, Part},
    operator::Operator,
    path::FieldPath,
    possible,
};
use serde_json::Value;

/// How deep conditions may stand in one another; those at the top are at 1.
pub const DEEPEST_CONDITIONS: usize = 8;

/// Most comparisons of one rule, and most objects that they are in.
pub const MOST_COMPARISONS: usize = 100;

/// Most regular expressions of one rule: each takes room, and time wherever it is read.
pub const MOST_PATTERNS: usize = 10;

/// The keys of a comparison.
const KEYS: [&str; 2] = ["operator", "value"];

/// Reads conditions, as they stand under `conditions` in a body.
pub(super) fn read(conditions: &Value) -> Result<Group, InvalidConditions> {
    let group = Reader::default().group(conditions, "conditions", 1)?;
    possible::check(&group)?;
    Ok(group)
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    groups: usize,
    comparisons: usize,
    patterns: usize,
}

impl Reader {
    fn group(&mut self, conditions: &Value, place: &str, depth: usize) -> Result<Group, InvalidConditions> {
        if depth > DEEPEST_CONDITIONS {
            return Err(too_much(place, "it stands too deep", "up to 8 objects in one another are accepted"));
        }
        let Value::Object(fields) = conditions else {
            let accepted = "an object of fields and what they are compared with is accepted";
            return Err(InvalidConditions::new(place, ConditionFault::WrongType, "it is not an object", accepted));
        };
        counted(&mut self.groups, MOST_COMPARISONS, place, "up to 100 objects of conditions are accepted")?;
        fields.iter().map(|(key, value)| self.part(key, value, place, depth)).collect::<Result<Vec<_>, _>>().map(Group)
    }

    fn part(&mut self, key: &str, value: &Value, place: &str, depth: usize) -> Result<Part, InvalidConditions> {
        let place = format!("{place}.{}", shown(key));
        match key {
            "and" => self.groups(value, &place, depth).map(Part::All),
            "or" => {
                let groups = self.groups(value, &place, depth)?;
                if groups.is_empty() {
                    let (reason, accepted) = ("none of nothing holds", "at least one object of conditions is accepted");
                    return Err(InvalidConditions::new(place, ConditionFault::NeverHolds, reason, accepted));
                }
                Ok(Part::Any(groups))
            }
            _ => self.comparison(key, value, place).map(Part::One),
        }
    }

    fn groups(&mut self, value: &Value, place: &str, depth: usize) -> Result<Vec<Group>, InvalidConditions> {
        let Value::Array(groups) = value else {
            let accepted = "a list of objects of conditions is accepted";
            return Err(InvalidConditions::new(place, ConditionFault::WrongType, "it is not a list", accepted));
        };
        groups.iter().enumerate().map(|(number, group)| self.group(group, &format!("{place}[{number}]"), depth + 1)).collect()
    }

    fn comparison(&mut self, key: &str, asked: &Value, place: String) -> Result<Comparison, InvalidConditions> {
        counted(&mut self.comparisons, MOST_COMPARISONS, &place, "up to 100 comparisons are accepted")?;
        let path = FieldPath::parse(key, &place)?;
        let Value::Object(keys) = asked else {
            return Comparison::new(path, Operator::Equal, asked.clone(), place);
        };
        if let Some(other) = keys.keys().find(|key| !KEYS.contains(&key.as_str())) {
            let (place, accepted) = (format!("{place}.{}", shown(other)), "operator and value are accepted");
            return Err(InvalidConditions::new(place, ConditionFault::UnknownField, "there is no such key", accepted));
        }
        let operator = match keys.get("operator") {
            None => Operator::Equal,
            Some(word) => operator(word, format!("{place}.operator"))?,
        };
        let place = format!("{place}.value");
        let Some(value) = keys.get("value") else {
            let accepted = "a value for it is accepted";
            return Err(InvalidConditions::new(place, ConditionFault::MissingValue, "it is missing", accepted));
        };
        if operator == Operator::Matches {
            counted(&mut self.patterns, MOST_PATTERNS, &place, "up to 10 regular expressions are accepted")?;
        }
        Comparison::new(path, operator, value.clone(), place)
    }
}

fn operator(word: &Value, place: String) -> Result<Operator, InvalidConditions> {
    let accepted = "=, !=, <, >, <=, >=, contains, not_contains, in, not_in and matches are accepted";
    let Value::String(word) = word else {
        return Err(InvalidConditions::new(place, ConditionFault::WrongType, "it is not a text", accepted));
    };
    let unknown = |_| InvalidConditions::new(place, ConditionFault::UnknownOperator, "there is no such operator", accepted);
    word.parse::<Operator>().map_err(unknown)
}

/// Counts one more.
fn counted(count: &mut usize, most: usize, place: &str, accepted: &'static str) -> Result<(), InvalidConditions> {
    *count += 1;
    if *count > most { Err(too_much(place, "there are too many", accepted)) } else { Ok(()) }
}

fn too_much(place: &str, reason: &'static str, accepted: &'static str) -> InvalidConditions {
    InvalidConditions::new(place, ConditionFault::TooMuch, reason, accepted)
}

/// A key that a caller made up. It is needed to find the mistake, but anything could stand in it.
fn shown(key: &str) -> &str {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    if !key.is_empty() && key.len() <= 100 && key.bytes().all(plain) { key } else { "?" }
}

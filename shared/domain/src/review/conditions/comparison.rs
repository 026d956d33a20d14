//! One field, compared with one value.

use super::{
    compare::{order, same},
    fault::{ConditionFault, InvalidConditions},
    operator::Operator,
    path::{Domain, FieldPath, urgency},
};
use regex::{Regex, RegexBuilder};
use serde::Serialize;
use serde_json::Value;
use std::{cmp::Ordering, slice};

/// Largest value to compare with, in bytes of JSON.
pub const LARGEST_VALUE: usize = 4 * 1024;

/// Longest regular expression, in characters.
pub const LONGEST_PATTERN: usize = 500;

/// Room that one compiled regular expression may take, in bytes: some classes such as `\w` in it. Time to search goes with it.
const LARGEST_PROGRAM: usize = 512 * 1024;

/// What came of one comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// The field, by its path.
    pub path: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub expected: Value,
    /// What the review says there, if anything.
    pub found: Option<Value>,
    /// Whether the comparison holds.
    pub holds: bool,
}

/// One comparison.
#[derive(Debug, Clone)]
pub(super) struct Comparison {
    /// The field.
    pub path: FieldPath,
    /// How it is compared.
    pub operator: Operator,
    /// With what.
    pub expected: Value,
    /// Where that stands in the body.
    pub place: String,
    /// The expression, where it is compared with one.
    pattern: Option<Regex>,
}

impl Comparison {
    /// A comparison with what stands at a place of the body.
    pub fn new(path: FieldPath, operator: Operator, expected: Value, place: String) -> Result<Self, InvalidConditions> {
        let (fits, accepted) = match operator {
            Operator::Equal | Operator::NotEqual => (true, ""),
            Operator::Less | Operator::Greater | Operator::AtMost | Operator::AtLeast => {
                (expected.is_number() || expected.is_string(), "a number or a text is accepted")
            }
            Operator::Contains | Operator::NotContains => (
                expected.is_string() || expected.is_number() || expected.is_boolean(),
                "a text, a number, true or false is accepted",
            ),
            Operator::In | Operator::NotIn => (expected.is_array(), "a list of values is accepted"),
            Operator::Matches => (expected.is_string(), "a text is accepted: a regular expression"),
        };
        if !fits {
            return Err(InvalidConditions::new(
                place,
                ConditionFault::WrongType,
                "it has the wrong type for its operator",
                accepted,
            ));
        }
        let bytes = serde_json::to_vec(&expected).map_or(usize::MAX, |json| json.len());
        if bytes > LARGEST_VALUE {
            let accepted = "a value of up to 4096 bytes of JSON is accepted";
            return Err(InvalidConditions::new(place, ConditionFault::TooMuch, "it is too large", accepted));
        }
        let pattern = match (operator, &expected) {
            (Operator::Matches, Value::String(text)) => Some(pattern(text, &place)?),
            _ => None,
        };
        let comparison = Self { path, operator, expected, place, pattern };
        if comparison.path.domain() == Domain::Urgency && comparison.words().iter().any(|word| urgency(word).is_none()) {
            let (place, accepted) = (comparison.place, Domain::Urgency.accepted());
            return Err(InvalidConditions::new(place, ConditionFault::UnknownWord, "there is no such urgency", accepted));
        }
        Ok(comparison)
    }

    /// The values of which one is compared with the whole of the field.
    fn words(&self) -> &[Value] {
        match (self.operator, &self.expected) {
            (Operator::Contains | Operator::NotContains | Operator::Matches, _) => &[],
            (Operator::In | Operator::NotIn, Value::Array(values)) => values,
            (_, value) => slice::from_ref(value),
        }
    }

    /// Whether it holds of a review. It does not where the review says nothing.
    pub fn holds(&self, facts: &Value) -> bool {
        self.path.find(facts).is_some_and(|found| self.holds_of(found))
    }

    /// Whether it holds of what a review says in this field.
    pub fn holds_of(&self, found: &Value) -> bool {
        match self.operator {
            Operator::Equal => same(found, &self.expected),
            Operator::NotEqual => !same(found, &self.expected),
            Operator::Less => self.order(found) == Some(Ordering::Less),
            Operator::Greater => self.order(found) == Some(Ordering::Greater),
            Operator::AtMost => self.order(found).is_some_and(Ordering::is_le),
            Operator::AtLeast => self.order(found).is_some_and(Ordering::is_ge),
            Operator::Contains => self.is_in(found),
            Operator::NotContains => !self.is_in(found),
            Operator::In => self.has(found),
            Operator::NotIn => !self.has(found),
            Operator::Matches => match (&self.pattern, found) {
                (Some(pattern), Value::String(text)) => pattern.is_match(text),
                _ => false,
            },
        }
    }

    fn order(&self, found: &Value) -> Option<Ordering> {
        match self.path.domain() {
            Domain::Urgency => Some(urgency(found)?.cmp(&urgency(&self.expected)?)),
            _ => order(found, &self.expected),
        }
    }

    fn is_in(&self, found: &Value) -> bool {
        match (found, &self.expected) {
            (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
            (Value::Array(members), part) => members.iter().any(|member| same(member, part)),
            _ => false,
        }
    }

    fn has(&self, found: &Value) -> bool {
        self.expected.as_array().is_some_and(|values| values.iter().any(|value| same(value, found)))
    }

    /// What comes of it for a review.
    pub fn explain(&self, facts: &Value) -> Explanation {
        Explanation {
            path: self.path.as_str().to_owned(),
            operator: self.operator,
            expected: self.expected.clone(),
            found: self.path.find(facts).cloned(),
            holds: self.holds(facts),
        }
    }
}

fn pattern(text: &str, place: &str) -> Result<Regex, InvalidConditions> {
    if text.chars().count() > LONGEST_PATTERN {
        let accepted = "a regular expression of up to 500 characters is accepted";
        return Err(InvalidConditions::new(place, ConditionFault::TooMuch, "it is too long", accepted));
    }
    let built = RegexBuilder::new(text).size_limit(LARGEST_PROGRAM).build();
    built.map_err(|error| {
        let (reason, accepted) = match error {
            regex::Error::CompiledTooBig(_) => ("it needs too much room", "fewer repetitions and classes are accepted"),
            _ => (
                "it is not a regular expression",
                "the syntax of Rust's regex crate is accepted: no look-around and no back-references",
            ),
        };
        InvalidConditions::new(place, ConditionFault::InvalidPattern, reason, accepted)
    })
}

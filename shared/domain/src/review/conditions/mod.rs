//! Conditions: which reviews a routing rule is for.
//!
//! They are an object of fields of a review, by their dotted paths, each with what it is compared with: an object of an
//! `operator` (`=`, unless given) and a `value`, or a bare value, which it has to be (a bare list, the same list). All that one
//! object says must hold; under `and` and `or` are lists of such objects. An empty object holds of every review.
//!
//! Nothing holds of a field that is not there, or is null: what a review does not say leads it nowhere.

mod compare;
mod comparison;
mod fault;
mod group;
mod operator;
mod parse;
mod path;
mod possible;

#[cfg(test)]
mod refused_tests;
#[cfg(test)]
mod tests;

pub use comparison::{Explanation, LARGEST_VALUE, LONGEST_PATTERN};
pub use fault::{ConditionFault, InvalidConditions};
pub use operator::{Operator, UnknownOperator};
pub use parse::{DEEPEST_CONDITIONS, MOST_COMPARISONS, MOST_PATTERNS};
pub use path::LONGEST_PATH;

use group::Group;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Conditions that were accepted. They are kept, and shown, as they were written.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Conditions {
    written: Value,
    group: Group,
}

impl Conditions {
    /// As they were written.
    pub fn as_value(&self) -> &Value {
        &self.written
    }

    /// Whether they hold of a review: an object of its fields, named as they are sent. Takes time in proportion to the review
    /// times the conditions, whatever they are.
    pub fn matches(&self, facts: &Value) -> bool {
        self.group.holds(facts)
    }

    /// What came of every comparison for a review, in the order of the conditions. It shows what the review says.
    pub fn explain(&self, facts: &Value) -> Vec<Explanation> {
        let mut comparisons = Vec::new();
        self.group.comparisons(&mut comparisons);
        comparisons.into_iter().map(|comparison| comparison.explain(facts)).collect()
    }
}

impl TryFrom<Value> for Conditions {
    type Error = InvalidConditions;

    fn try_from(written: Value) -> Result<Self, InvalidConditions> {
        let group = parse::read(&written)?;
        Ok(Self { written, group })
    }
}

impl From<Conditions> for Value {
    fn from(conditions: Conditions) -> Self {
        conditions.written
    }
}

/// Those that hold of every review.
impl Default for Conditions {
    fn default() -> Self {
        Self { written: Value::Object(Map::new()), group: Group::default() }
    }
}

impl PartialEq for Conditions {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Conditions {}

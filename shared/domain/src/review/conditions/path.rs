//! Fields of a review, by their paths.

use super::fault::{ConditionFault, InvalidConditions};
use crate::review::urgency::Urgency;
use serde_json::Value;

/// Longest path, in characters.
pub const LONGEST_PATH: usize = 200;

/// What a review is about, in the caller's own fields.
const METADATA: &str = "metadata";

/// Fields in which there is nothing deeper.
const FIELDS: [&str; 8] = [
    "task_type",
    "proposed_action",
    "agent_reasoning",
    "confidence_score",
    "urgency",
    "framework",
    "agent_id",
    "organization_id",
];

const ACCEPTED: &str = "task_type, proposed_action, agent_reasoning, confidence_score, urgency, framework, agent_id, \
     organization_id, metadata with a dot and the name of a field in it, and and and or are accepted";

/// The path to a field of a review, its parts with dots between.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FieldPath(String);

impl FieldPath {
    /// Reads a path that stands at a place of the body.
    pub fn parse(text: &str, place: &str) -> Result<Self, InvalidConditions> {
        if text.chars().count() > LONGEST_PATH {
            let accepted = "a path of up to 200 characters is accepted";
            return Err(InvalidConditions::new(place, ConditionFault::TooMuch, "its path is too long", accepted));
        }
        let (first, rest) = text.split_once('.').map_or((text, None), |(first, rest)| (first, Some(rest)));
        let unnamed = |part: &str| part.is_empty() || part.chars().any(char::is_control);
        let reason = match rest {
            None if FIELDS.contains(&first) => None,
            None if first == METADATA => Some("the path ends before any field of it"),
            Some(rest) if first == METADATA => rest.split('.').any(unnamed).then_some("a part of its path is no name"),
            Some(_) if FIELDS.contains(&first) => Some("nothing is in this field"),
            _ => Some("there is no such field"),
        };
        match reason {
            None => Ok(Self(text.to_owned())),
            Some(reason) => Err(InvalidConditions::new(place, ConditionFault::UnknownField, reason, ACCEPTED)),
        }
    }

    /// The path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a review says in this field. A null says nothing.
    pub fn find<'a>(&self, facts: &'a Value) -> Option<&'a Value> {
        self.0.split('.').try_fold(facts, |value, part| value.get(part)).filter(|value| !value.is_null())
    }

    /// What a review can say in this field.
    pub fn domain(&self) -> Domain {
        match self.as_str() {
            "task_type" | "proposed_action" | "agent_reasoning" | "framework" => Domain::Text,
            "confidence_score" => Domain::Score,
            "urgency" => Domain::Urgency,
            _ => Domain::Any,
        }
    }
}

/// What a review can say in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Domain {
    /// A text.
    Text,
    /// A number from 0 to 1.
    Score,
    /// A word for urgency.
    Urgency,
    /// Anything.
    Any,
}

impl Domain {
    /// Whether a review can say this. Null it cannot: that says nothing.
    pub fn has(self, value: &Value) -> bool {
        match self {
            Domain::Text => value.is_string(),
            Domain::Score => value.as_f64().is_some_and(|score| (0.0..=1.0).contains(&score)),
            Domain::Urgency => urgency(value).is_some(),
            Domain::Any => !value.is_null(),
        }
    }

    /// What can hold of it, in words.
    pub const fn accepted(self) -> &'static str {
        match self {
            Domain::Text => "what a text can be is accepted",
            Domain::Score => "what a number from 0 to 1 can be is accepted",
            Domain::Urgency => "low, medium, high and critical are accepted, in this order",
            Domain::Any => "what a value can be is accepted: a field that is null counts as not there",
        }
    }
}

/// The urgency that a value is a word for.
pub(super) fn urgency(value: &Value) -> Option<Urgency> {
    value.as_str()?.parse().ok()
}

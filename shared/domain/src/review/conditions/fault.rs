//! Why conditions are not accepted.

use thiserror::Error;

/// What kind of mistake it is, for programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConditionFault {
    /// There is no such field of a review, or no such key of a comparison.
    UnknownField,
    /// What it is compared with is not there.
    MissingValue,
    /// Another JSON type is needed.
    WrongType,
    /// There is no such operator.
    UnknownOperator,
    /// There is no such word for this field.
    UnknownWord,
    /// It is not a regular expression, or one that needs too much room.
    InvalidPattern,
    /// There is more of it than is accepted.
    TooMuch,
    /// No review can fulfil it.
    NeverHolds,
}

/// Why conditions are not accepted: where, the reason, and what would be accepted. No value is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {reason}; {accepted}")]
pub struct InvalidConditions {
    /// Where in the body, as in `conditions.and[0].urgency.operator`.
    pub path: String,
    /// What kind of mistake it is.
    pub fault: ConditionFault,
    /// What is wrong.
    pub reason: &'static str,
    /// What would be accepted.
    pub accepted: &'static str,
}

impl InvalidConditions {
    pub(super) fn new(path: impl Into<String>, fault: ConditionFault, reason: &'static str, accepted: &'static str) -> Self {
        Self { path: path.into(), fault, reason, accepted }
    }
}

//! How a field is compared.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use thiserror::Error;

/// How a field is compared with a value. Of a field that is not there nothing holds, `!=`, `not_in` and `not_contains`
/// neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Operator {
    /// It is the value: numbers by what they count (1 is 1.0), texts to the letter.
    #[serde(rename = "=")]
    Equal,
    /// It is something else.
    #[serde(rename = "!=")]
    NotEqual,
    /// It is less: of two numbers, or of two texts by their code points, or of two words for urgency by their order.
    #[serde(rename = "<")]
    Less,
    /// It is greater.
    #[serde(rename = ">")]
    Greater,
    /// It is less or the same.
    #[serde(rename = "<=")]
    AtMost,
    /// It is greater or the same.
    #[serde(rename = ">=")]
    AtLeast,
    /// The value is a part of the text, or a member of the list.
    #[serde(rename = "contains")]
    Contains,
    /// It is there and does not contain the value.
    #[serde(rename = "not_contains")]
    NotContains,
    /// It is a member of the list that is the value.
    #[serde(rename = "in")]
    In,
    /// It is there and is no member of that list.
    #[serde(rename = "not_in")]
    NotIn,
    /// It is a text of which some part matches the regular expression that is the value.
    #[serde(rename = "matches")]
    Matches,
}

impl Operator {
    /// Every operator.
    pub const ALL: [Operator; 11] = [
        Operator::Equal,
        Operator::NotEqual,
        Operator::Less,
        Operator::Greater,
        Operator::AtMost,
        Operator::AtLeast,
        Operator::Contains,
        Operator::NotContains,
        Operator::In,
        Operator::NotIn,
        Operator::Matches,
    ];

    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Operator::Equal => "=",
            Operator::NotEqual => "!=",
            Operator::Less => "<",
            Operator::Greater => ">",
            Operator::AtMost => "<=",
            Operator::AtLeast => ">=",
            Operator::Contains => "contains",
            Operator::NotContains => "not_contains",
            Operator::In => "in",
            Operator::NotIn => "not_in",
            Operator::Matches => "matches",
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Operator {
    type Err = UnknownOperator;

    fn from_str(text: &str) -> Result<Self, UnknownOperator> {
        Self::ALL.into_iter().find(|operator| operator.name() == text).ok_or(UnknownOperator)
    }
}

/// An operator there is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("unknown operator: =, !=, <, >, <=, >=, contains, not_contains, in, not_in and matches are accepted")]
pub struct UnknownOperator;

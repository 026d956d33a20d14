//! Fields that are replaced in a record that stays.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// By what a value is replaced that says something of a person. None of it is erasure: what stays is at best pseudonymized
/// (Art. 4(5) GDPR).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replacement {
    /// A token that stands for it.
    Tokenization,
    /// Nothing: that there was something is all that is left.
    Redaction,
    /// A keyed hash.
    Hashing,
    /// Something that is true of many: a year for a day, a region for an address.
    Generalization,
}

impl Replacement {
    /// Its name, as data maps and the API write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tokenization => "tokenization",
            Self::Redaction => "redaction",
            Self::Hashing => "hashing",
            Self::Generalization => "generalization",
        }
    }

    /// Fields in words, each with what replaces it.
    pub fn in_words(fields: &BTreeMap<String, Self>) -> String {
        fields.iter().map(|(field, by)| format!("{field} ({})", by.name())).collect::<Vec<_>>().join(", ")
    }
}

//! Kinds of identifiers, and what a data map says of each.

use super::NormalForm;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt, str::FromStr};

/// A kind of identifier, by its name: `subject_id`, `subject_email`, or one that the data map declares.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct IdentifierKind(Cow<'static, str>);

impl IdentifierKind {
    /// The organization's own id of the person.
    pub const SUBJECT_ID: IdentifierKind = IdentifierKind(Cow::Borrowed("subject_id"));

    /// The person's email address.
    pub const SUBJECT_EMAIL: IdentifierKind = IdentifierKind(Cow::Borrowed("subject_email"));

    /// Longest name, in characters.
    pub const MAX_LENGTH: usize = 40;

    /// Its name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// It needs no declaration.
    pub fn is_built_in(&self) -> bool {
        *self == Self::SUBJECT_ID || *self == Self::SUBJECT_EMAIL
    }
}

impl fmt::Display for IdentifierKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for IdentifierKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for IdentifierKind {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let letters = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        let starts = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if letters && starts && text.len() <= Self::MAX_LENGTH {
            return Ok(Self(Cow::Owned(text.to_owned())));
        }
        Err("a kind of identifier is 1 to 40 characters a to z, 0 to 9 and _, a letter first")
    }
}

impl TryFrom<String> for IdentifierKind {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<IdentifierKind> for String {
    fn from(kind: IdentifierKind) -> String {
        kind.0.into_owned()
    }
}

/// What a data map says of a kind of identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindRules {
    /// How two of them are compared.
    pub form: NormalForm,
    /// Two of them are two people. Addresses and numbers can be shared, and one person can have several.
    pub unique: bool,
}

impl KindRules {
    /// What holds for a built-in kind that the map says nothing of.
    pub fn built_in(kind: &IdentifierKind) -> Option<Self> {
        if *kind == IdentifierKind::SUBJECT_ID {
            Some(Self { form: NormalForm::Exact, unique: true })
        } else if *kind == IdentifierKind::SUBJECT_EMAIL {
            Some(Self { form: NormalForm::Email, unique: false })
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_a_plain_word() {
        assert_eq!("subject_id".parse(), Ok(IdentifierKind::SUBJECT_ID));
        assert!("phone_2".parse::<IdentifierKind>().is_ok());
        for bad in ["", "Phone", "2fa", "a-b", "a b", "_a", &"x".repeat(41)] {
            assert!(bad.parse::<IdentifierKind>().is_err(), "{bad}");
        }
    }
}

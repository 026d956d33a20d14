//! Identifiers of people, as types that can be neither printed nor logged.

use serde::{Deserialize, Serialize};
use std::fmt;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A text that identifies a person. It has no `Display`, its `Debug` is blind, and it serializes only through
/// [`Identity::to_sealed_form`] on the way into a cipher.
#[derive(Clone, PartialEq, Eq, Hash, Zeroize, ZeroizeOnDrop)]
pub struct Identifier(String);

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[personal]")
    }
}

/// Why a text cannot identify a person.
#[derive(Debug, Clone, Copy, Error, PartialEq, Eq)]
pub enum InvalidIdentifier {
    /// An empty identity would select everything or nothing.
    #[error("it is empty")]
    Empty,
    /// Longer than any key a store accepts.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// Control characters never belong to an identifier and break prefixes and logs.
    #[error("it holds a control character")]
    Control,
    /// No local part or no domain.
    #[error("it is not an email address")]
    NotEmail,
}

impl Identifier {
    /// Longest identifier accepted, in bytes: no key of a supported store can hold more.
    pub const MAX_BYTES: usize = 1024;

    /// An identifier of any shape, white space at its ends removed.
    ///
    /// # Errors
    /// Empty, too long, or with control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidIdentifier> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidIdentifier::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidIdentifier::TooLong(Self::MAX_BYTES));
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidIdentifier::Control);
        }
        Ok(Self(text.to_owned()))
    }

    /// An email address, kept as given: stores differ in how they fold its case.
    ///
    /// # Errors
    /// As [`Identifier::parse`], and when it has no local part or no domain.
    pub fn parse_email(text: &str) -> Result<Self, InvalidIdentifier> {
        let id = Self::parse(text)?;
        match id.0.rsplit_once('@') {
            Some((local, domain)) if !local.is_empty() && !domain.is_empty() && !id.0.contains(' ') => Ok(id),
            _ => Err(InvalidIdentifier::NotEmail),
        }
    }

    /// The text itself, for the connector that must send it to a store. Call it as late as possible.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Which identifiers of a person a selection can start from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityKind {
    /// The organization's own id of the person.
    SubjectId,
    /// The person's email address.
    SubjectEmail,
}

impl IdentityKind {
    /// An identifier as two of them are compared, for keyed hashes, with what sets its kind apart.
    pub fn comparable(self, identifier: &Identifier) -> (&'static str, String) {
        match self {
            Self::SubjectId => ("id", identifier.expose().to_owned()),
            // Addresses differ in case between stores; a hold must find its person all the same.
            Self::SubjectEmail => ("email", identifier.expose().to_lowercase()),
        }
    }
}

/// Everything a request knows to find a person by; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    subject_id: Option<Identifier>,
    subject_email: Option<Identifier>,
}

impl Identity {
    /// An identity of one or two identifiers; none if both are missing.
    pub fn new(subject_id: Option<Identifier>, subject_email: Option<Identifier>) -> Option<Self> {
        (subject_id.is_some() || subject_email.is_some()).then_some(Self { subject_id, subject_email })
    }

    /// The identifier of this kind, if known.
    pub fn get(&self, kind: IdentityKind) -> Option<&Identifier> {
        match kind {
            IdentityKind::SubjectId => self.subject_id.as_ref(),
            IdentityKind::SubjectEmail => self.subject_email.as_ref(),
        }
    }

    /// The identifiers that are known, with their kinds.
    pub fn known(&self) -> impl Iterator<Item = (IdentityKind, &Identifier)> {
        [IdentityKind::SubjectId, IdentityKind::SubjectEmail].into_iter().filter_map(|k| self.get(k).map(|id| (k, id)))
    }

    /// Bytes for a cipher, and for nothing else.
    pub fn to_sealed_form(&self) -> Vec<u8> {
        let form = SealedForm {
            subject_id: self.subject_id.as_ref().map(|i| i.0.clone()),
            subject_email: self.subject_email.as_ref().map(|i| i.0.clone()),
        };
        serde_json::to_vec(&form).unwrap_or_default()
    }

    /// Reads what [`Identity::to_sealed_form`] wrote.
    pub fn from_sealed_form(bytes: &[u8]) -> Option<Self> {
        let form: SealedForm = serde_json::from_slice(bytes).ok()?;
        Self::new(form.subject_id.map(Identifier), form.subject_email.map(Identifier))
    }
}

#[derive(Serialize, Deserialize)]
struct SealedForm {
    subject_id: Option<String>,
    subject_email: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_does_not_print() {
        let id = Identifier::parse("alice").expect("valid");
        assert_eq!(format!("{id:?}"), "[personal]");
        assert!(!format!("{:?}", Identity::new(Some(id), None)).contains("alice"));
    }

    #[test]
    fn empty_and_broken_identifiers_are_refused() {
        assert_eq!(Identifier::parse("  "), Err(InvalidIdentifier::Empty));
        assert_eq!(Identifier::parse("a\u{0}b"), Err(InvalidIdentifier::Control));
        assert_eq!(Identifier::parse(&"x".repeat(1025)), Err(InvalidIdentifier::TooLong(1024)));
        for bad in ["alice", "@x", "x@", "a b@c"] {
            assert_eq!(Identifier::parse_email(bad), Err(InvalidIdentifier::NotEmail), "{bad}");
        }
        assert!(Identity::new(None, None).is_none());
    }

    #[test]
    fn the_sealed_form_reads_back() {
        let identity = Identity::new(Identifier::parse("u1").ok(), Identifier::parse_email("a@b.c").ok()).expect("known");
        assert_eq!(Identity::from_sealed_form(&identity.to_sealed_form()), Some(identity));
    }
}

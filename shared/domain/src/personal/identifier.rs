//! Identifiers of people, as types that can be neither printed nor logged.

use super::NormalForm;
use icu_properties::{CodePointMapData, props::GeneralCategory};
use std::fmt;
use thiserror::Error;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A text that identifies a person. It has no `Display`, its `Debug` is blind, and it serializes only on the way into a
/// cipher ([`super::Identity::to_sealed_form`]).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Zeroize, ZeroizeOnDrop)]
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
    /// Format characters show nothing and make two texts that look alike different: zero-width signs, direction marks.
    #[error("it holds a character that cannot be seen")]
    Format,
    /// No local part or no domain.
    #[error("it is not an email address")]
    NotEmail,
    /// Not a number that can be called.
    #[error("it is not a phone number")]
    NotPhone,
    /// Not a decimal number.
    #[error("it is not a number")]
    NotNumber,
}

const UNSEEN: [GeneralCategory; 3] =
    [GeneralCategory::Format, GeneralCategory::LineSeparator, GeneralCategory::ParagraphSeparator];

impl Identifier {
    /// Longest identifier accepted, in bytes: no key of a supported store can hold more.
    pub const MAX_BYTES: usize = 1024;

    /// An identifier of any shape, byte for byte: one that ends with a blank is another than one that does not.
    ///
    /// # Errors
    /// Empty or blank, too long, or with control or format characters.
    pub fn parse(text: &str) -> Result<Self, InvalidIdentifier> {
        if text.trim().is_empty() {
            return Err(InvalidIdentifier::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidIdentifier::TooLong(Self::MAX_BYTES));
        }
        if text.chars().any(char::is_control) {
            return Err(InvalidIdentifier::Control);
        }
        let categories = CodePointMapData::<GeneralCategory>::new();
        if text.chars().any(|c| UNSEEN.contains(&categories.get(c))) {
            return Err(InvalidIdentifier::Format);
        }
        Ok(Self(text.to_owned()))
    }

    /// An email address, kept as given.
    ///
    /// # Errors
    /// As [`Identifier::parse`], and when it has no local part or no domain.
    pub fn parse_email(text: &str) -> Result<Self, InvalidIdentifier> {
        let given = Self::parse(text)?;
        NormalForm::Email.normalize(&given, None).map(|_| given)
    }

    /// Whether it begins or ends with white space, which nobody sees.
    pub fn has_outer_blank(&self) -> bool {
        self.0.trim().len() < self.0.len()
    }

    /// One that was accepted before, out of a cipher.
    pub(super) fn kept(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for the connector that must send it to a store. Call it as late as possible.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_does_not_print() {
        let id = Identifier::parse("alice").expect("valid");
        assert_eq!(format!("{id:?}"), "[personal]");
    }

    #[test]
    fn empty_and_broken_identifiers_are_refused() {
        assert_eq!(Identifier::parse("  "), Err(InvalidIdentifier::Empty));
        assert_eq!(Identifier::parse("a\u{0}b"), Err(InvalidIdentifier::Control));
        assert_eq!(Identifier::parse(&"x".repeat(1025)), Err(InvalidIdentifier::TooLong(1024)));
    }

    #[test]
    fn characters_that_are_not_seen_are_refused() {
        for unseen in "\u{ad}\u{61c}\u{180e}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{2028}\u{2029}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}\u{e0041}".chars() {
            assert_eq!(Identifier::parse(&format!("a{unseen}b")), Err(InvalidIdentifier::Format), "U+{:04X}", u32::from(unseen));
        }
        assert_eq!(Identifier::parse("\u{feff}alice"), Err(InvalidIdentifier::Format), "the mark that begins a file");
    }

    #[test]
    fn a_text_is_kept_as_given() {
        for given in ["\u{a0}\u{3000} 007", "cust-1 ", "e\u{301}", "Åsa Öst"] {
            assert_eq!(Identifier::parse(given).expect("valid").expose(), given);
        }
        let ends = ["cust-1 ", "\u{a0}cust-1"].map(|text| Identifier::parse(text).expect("valid").has_outer_blank());
        assert_eq!((ends, Identifier::parse("cust 1").expect("valid").has_outer_blank()), ([true, true], false));
        assert_eq!(Identifier::parse("cust-1\n"), Err(InvalidIdentifier::Control));
    }
}

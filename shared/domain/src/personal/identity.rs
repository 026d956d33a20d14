//! What is known of a person.

use super::{Identifier, IdentifierKind, KindRules};
use serde::{Deserialize, Serialize};

/// An identifier of a person: as it was given, and as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// Its kind.
    pub kind: IdentifierKind,
    /// As it was given, or as a store has it.
    pub given: Identifier,
    /// Its normal form, by which it is compared and hashed.
    pub normal: Identifier,
}

impl Known {
    /// The forms by which it is looked for: as given, and in its normal form where that differs.
    pub fn forms(&self) -> impl Iterator<Item = &Identifier> {
        [Some(&self.given), (self.normal != self.given).then_some(&self.normal)].into_iter().flatten()
    }

    /// Whether both mean the same.
    pub fn is(&self, other: &Known) -> bool {
        self.kind == other.kind && self.normal == other.normal
    }
}

/// Everything by which a person was named; never empty, and nothing twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity(Vec<Known>);

impl Identity {
    /// Most identifiers that can be given together.
    pub const MOST: usize = 10;

    /// An identity of these identifiers; none if there are none.
    pub fn new(given: impl IntoIterator<Item = Known>) -> Option<Self> {
        let mut known: Vec<Known> = Vec::new();
        for one in given {
            if !known.iter().any(|k| k.is(&one)) {
                known.push(one);
            }
        }
        (!known.is_empty()).then_some(Self(known))
    }

    /// An identity by the built-in kinds, in the forms that need no data map.
    ///
    /// Texts that have no such form are left out.
    pub fn built_in(subject_id: Option<&str>, subject_email: Option<&str>) -> Option<Self> {
        let kinds = [(IdentifierKind::SUBJECT_ID, subject_id), (IdentifierKind::SUBJECT_EMAIL, subject_email)];
        Self::new(kinds.into_iter().filter_map(|(kind, text)| {
            let given = Identifier::parse(text?).ok()?;
            let normal = KindRules::built_in(&kind)?.form.normalize(&given, None).ok()?;
            Some(Known { kind, given, normal })
        }))
    }

    /// The first identifier of this kind, as it was given.
    pub fn get(&self, kind: &IdentifierKind) -> Option<&Identifier> {
        self.0.iter().find(|k| k.kind == *kind).map(|k| &k.given)
    }

    /// The identifiers that are known, in the order given.
    pub fn known(&self) -> impl Iterator<Item = &Known> {
        self.0.iter()
    }

    /// The first of them.
    pub fn first(&self) -> Option<&Known> {
        self.0.first()
    }

    /// Bytes for a cipher, and for nothing else.
    pub fn to_sealed_form(&self) -> Vec<u8> {
        let form: Vec<Sealed> = self.0.iter().map(Sealed::of).collect();
        serde_json::to_vec(&form).unwrap_or_default()
    }

    /// Reads what [`Identity::to_sealed_form`] wrote.
    pub fn from_sealed_form(bytes: &[u8]) -> Option<Self> {
        let form: Vec<Sealed> = serde_json::from_slice(bytes).ok()?;
        Self::new(form.into_iter().map(Sealed::opened))
    }
}

/// An identifier on its way into a cipher.
#[derive(Serialize, Deserialize)]
pub(super) struct Sealed {
    kind: IdentifierKind,
    given: String,
    normal: String,
}

impl Sealed {
    pub(super) fn of(known: &Known) -> Self {
        Self { kind: known.kind.clone(), given: known.given.expose().to_owned(), normal: known.normal.expose().to_owned() }
    }

    pub(super) fn opened(self) -> Known {
        Known { kind: self.kind, given: Identifier::kept(self.given), normal: Identifier::kept(self.normal) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_holds_something_and_nothing_twice() {
        assert!(Identity::built_in(None, None).is_none());
        let one = Identity::built_in(Some("u1"), None).expect("known");
        let twice = Identity::new(one.known().chain(one.known()).cloned()).expect("known");
        assert_eq!(one, twice);
        assert!(!format!("{one:?}").contains("u1"));
    }

    #[test]
    fn the_sealed_form_reads_back() {
        let identity = Identity::built_in(Some("u1"), Some("A@b.c")).expect("known");
        assert_eq!(Identity::from_sealed_form(&identity.to_sealed_form()), Some(identity));
    }
}

//! What is known of a person.

use super::{Identifier, IdentifierKind, KindRules};
use serde::{Deserialize, Serialize};

/// An identifier of a person: as it was given, and as it is compared.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Known {
    /// Its kind.
    pub kind: IdentifierKind,
    /// As it was given, or as the store has it that it was found in.
    pub given: Identifier,
    /// Its normal form, by which it is compared and hashed.
    pub normal: Identifier,
    /// Other spellings that were given too, or that stores have.
    pub also: Vec<Identifier>,
}

impl Known {
    /// The spellings by which it is looked for: as given, as stores have it, and at last in its normal form.
    pub fn forms(&self) -> impl Iterator<Item = &Identifier> {
        let spelled = std::iter::once(&self.given).chain(&self.also).filter(|form| **form != self.normal);
        spelled.chain([&self.normal])
    }

    /// Takes over the spellings of another that means the same. Answers whether any was new.
    pub fn spelled_too(&mut self, other: &Known) -> bool {
        let new: Vec<Identifier> = other.forms().filter(|form| self.forms().all(|own| own != *form)).cloned().collect();
        self.also.extend(new.iter().cloned());
        !new.is_empty()
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
            match known.iter_mut().find(|k| k.is(&one)) {
                Some(same) => {
                    same.spelled_too(&one);
                }
                None => known.push(one),
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
            Some(Known { kind, given, normal, also: vec![] })
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
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    also: Vec<String>,
}

impl Sealed {
    pub(super) fn of(known: &Known) -> Self {
        let text = |form: &Identifier| form.expose().to_owned();
        let also = known.also.iter().map(text).collect();
        Self { kind: known.kind.clone(), given: text(&known.given), normal: text(&known.normal), also }
    }

    pub(super) fn opened(self) -> Known {
        let also = self.also.into_iter().map(Identifier::kept).collect();
        Known { kind: self.kind, given: Identifier::kept(self.given), normal: Identifier::kept(self.normal), also }
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
    fn every_spelling_is_looked_for_and_none_twice() {
        let email = |text: &str| Identity::built_in(None, Some(text)).and_then(|i| i.first().cloned()).expect("known");
        let forms = |known: &Known| known.forms().map(|form| form.expose().to_owned()).collect::<Vec<_>>();
        assert_eq!(forms(&email("a@b.c")), ["a@b.c"]);
        assert_eq!(forms(&email("A@b.c")), ["A@b.c", "a@b.c"]);
        let both = Identity::new([email("a@b.c"), email("A@b.c"), email("A@B.c"), email("A@b.c")]).expect("known");
        assert_eq!(both.known().count(), 1);
        assert_eq!(forms(both.first().expect("one")), ["A@b.c", "A@B.c", "a@b.c"]);
        assert_eq!(Identity::from_sealed_form(&both.to_sealed_form()), Some(both));
    }

    #[test]
    fn the_sealed_form_reads_back() {
        let identity = Identity::built_in(Some("u1"), Some("A@b.c")).expect("known");
        assert_eq!(Identity::from_sealed_form(&identity.to_sealed_form()), Some(identity));
    }
}

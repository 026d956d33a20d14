//! A person as they are known: every identifier, where it comes from, and whether records are found by it.

use super::{Identifier, IdentifierKind, Known, identity::Sealed};
use crate::ids::ProducerName;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Where an identifier comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Origin {
    /// The request gives it.
    Given,
    /// A record has it.
    Found {
        /// The producer of the record.
        producer: ProducerName,
        /// The place of the identifier that led to the record.
        through: usize,
    },
}

/// Why an identifier selects nothing until somebody names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ambiguity {
    /// It leads to more than one person.
    Shared,
    /// Only one that is shared leads to it.
    BehindShared,
    /// It was given with others, and no record has it and them.
    Unmet,
    /// Records of many have it, and none is its own.
    NobodyInParticular,
    /// It was found, not given, and the organization wants it confirmed.
    Unconfirmed,
}

impl Ambiguity {
    /// Why, as one word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Shared => "shared",
            Self::BehindShared => "behind_shared",
            Self::Unmet => "unmet",
            Self::NobodyInParticular => "nobody_in_particular",
            Self::Unconfirmed => "unconfirmed",
        }
    }

    /// Why, in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Shared => "it leads to more than one person",
            Self::BehindShared => "only an identifier that several people share leads to it",
            Self::Unmet => "no record has it together with the others that were given",
            Self::NobodyInParticular => "records of several people have it, and none is its own",
            Self::Unconfirmed => "it was found, not given, and has to be confirmed",
        }
    }
}

/// Whether records are found by an identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// They are.
    Selects,
    /// Not until somebody names it.
    Ambiguous(Ambiguity),
}

impl Standing {
    /// Why nothing is found by it; none if it selects.
    pub const fn ambiguity(self) -> Option<Ambiguity> {
        match self {
            Self::Selects => None,
            Self::Ambiguous(why) => Some(why),
        }
    }
}

/// An identifier, and how it belongs to the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// Which.
    pub known: Known,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether records are found by it.
    pub standing: Standing,
    /// Somebody named it for this request.
    pub named: bool,
    /// Why it leads to nobody, also where somebody named it. Once records are gone, nothing else tells.
    pub shut: Option<Ambiguity>,
    /// Values that records have beside it, at most two of a kind: whoever has it once these are gone is somebody else.
    pub beside: Beside,
}

/// Values on the records that have an identifier, by kind.
pub type Beside = BTreeMap<IdentifierKind, BTreeSet<Identifier>>;

/// A person as they are known: those given first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Person {
    /// Every identifier; an [`Origin::Found`] goes by its place.
    pub identifiers: Vec<Resolved>,
    /// There may be more: the search for identifiers went past what it is bound to.
    pub incomplete: bool,
}

#[derive(Serialize, Deserialize)]
struct SealedPerson {
    identifiers: Vec<SealedResolved>,
    incomplete: bool,
}

#[derive(Serialize, Deserialize)]
struct SealedResolved {
    known: Sealed,
    origin: Origin,
    standing: Standing,
    #[serde(default)]
    named: bool,
    #[serde(default)]
    shut: Option<Ambiguity>,
    #[serde(default)]
    beside: BTreeMap<IdentifierKind, Vec<String>>,
}

impl Person {
    /// Bytes for a cipher, and for nothing else.
    pub fn to_sealed_form(&self) -> Vec<u8> {
        let sealed = |r: &Resolved| SealedResolved {
            known: Sealed::of(&r.known),
            origin: r.origin.clone(),
            standing: r.standing,
            named: r.named,
            shut: r.shut,
            beside: r.beside.iter().map(|(kind, v)| (kind.clone(), v.iter().map(|i| i.expose().to_owned()).collect())).collect(),
        };
        let form = SealedPerson { identifiers: self.identifiers.iter().map(sealed).collect(), incomplete: self.incomplete };
        serde_json::to_vec(&form).unwrap_or_default()
    }

    /// Reads what [`Person::to_sealed_form`] wrote.
    pub fn from_sealed_form(bytes: &[u8]) -> Option<Self> {
        let form: SealedPerson = serde_json::from_slice(bytes).ok()?;
        let opened = |r: SealedResolved| {
            let SealedResolved { known, origin, standing, named, shut, beside } = r;
            let kept = |(kind, values): (_, Vec<String>)| (kind, values.into_iter().map(Identifier::kept).collect());
            let beside = beside.into_iter().map(kept).collect();
            Resolved { known: known.opened(), origin, standing, named, shut, beside }
        };
        Some(Self { identifiers: form.identifiers.into_iter().map(opened).collect(), incomplete: form.incomplete })
    }

    /// The identifiers by which records are found, with their places.
    pub fn selecting(&self) -> impl Iterator<Item = (usize, &Resolved)> {
        self.identifiers.iter().enumerate().filter(|(_, r)| r.standing == Standing::Selects)
    }

    /// The identifiers that the person is guarded by: every one of theirs, those that others share too. Not those of
    /// somebody else behind a shared one, nor those that mean nobody.
    pub fn guarded(&self) -> impl Iterator<Item = &Resolved> {
        self.identifiers.iter().filter(|r| match r.standing {
            Standing::Selects | Standing::Ambiguous(Ambiguity::Shared | Ambiguity::Unmet | Ambiguity::Unconfirmed) => true,
            Standing::Ambiguous(Ambiguity::NobodyInParticular) => r.origin == Origin::Given,
            Standing::Ambiguous(Ambiguity::BehindShared) => false,
        })
    }

    /// The identifiers that a hold on the person holds by: those that are theirs alone, and those that it was placed by.
    pub fn held(&self) -> impl Iterator<Item = &Resolved> {
        let alone = |r: &&Resolved| {
            matches!(r.standing, Standing::Selects | Standing::Ambiguous(Ambiguity::Unconfirmed)) || r.origin == Origin::Given
        };
        self.identifiers.iter().filter(alone)
    }

    /// Whether somebody is the same: records of both are found by an identifier that is each one's own. One that leads to
    /// several is nobody's own, also where a reviewer named it; nor is one of which records say that it went from one
    /// to another, by values of a kind that tells people `apart`.
    pub fn is_same_as(&self, other: &Person, apart: impl Fn(&IdentifierKind) -> bool) -> bool {
        let mine = |r: &&Resolved| r.shut.is_none();
        let goes_on = |one: &Resolved, two: &Resolved| {
            one.beside.iter().filter(|(kind, _)| apart(kind)).all(|(kind, values)| {
                two.beside.get(kind).is_none_or(|others| others.is_empty() || values.is_empty() || !values.is_disjoint(others))
            })
        };
        let theirs: Vec<&Resolved> = other.selecting().map(|(_, r)| r).filter(mine).collect();
        self.selecting()
            .map(|(_, r)| r)
            .filter(mine)
            .any(|one| theirs.iter().any(|two| two.known.is(&one.known) && goes_on(one, two)))
    }

    /// Whether no record that says whom it is about has any of their identifiers.
    pub fn is_on_no_record(&self) -> bool {
        self.identifiers.iter().all(|r| r.origin == Origin::Given && r.beside.is_empty())
    }

    /// Takes over the identifiers of somebody who is the same: of those by which records are found, one is both's own.
    pub fn joined(&mut self, other: &Person) {
        let theirs = |own: &Resolved| other.selecting().map(|(_, r)| r).find(|r| r.known.is(&own.known));
        let held: Vec<Known> = self.held().map(|r| r.known.clone()).collect();
        let shared = self.identifiers.iter().position(|own| held.contains(&own.known) && theirs(own).is_some());
        let Some(through) = shared else { return };
        // Where each came from is a place among the others': here it came with the one they share.
        let found_in = |one: &Resolved| match (&one.origin, theirs(&self.identifiers[through]).map(|r| &r.origin)) {
            (Origin::Found { producer, .. }, _) | (_, Some(Origin::Found { producer, .. })) => Some(producer.clone()),
            _ => None,
        };
        let origin = |one: &Resolved| found_in(one).map_or(Origin::Given, |producer| Origin::Found { producer, through });
        let mine = |known: &Known| self.identifiers.iter().any(|r| r.known.is(known));
        let new = other.selecting().map(|(_, r)| r).filter(|r| !mine(&r.known));
        let new: Vec<Resolved> = new.map(|r| Resolved { origin: origin(r), ..r.clone() }).collect();
        self.identifiers.extend(new);
    }

    /// Whether a value of a kind that tells people apart is another person's.
    pub fn is_another(&self, value: &Known) -> bool {
        let own = self.identifiers.iter().find(|r| r.known.is(value));
        !own.is_some_and(|r| {
            matches!(r.standing, Standing::Selects | Standing::Ambiguous(Ambiguity::Unconfirmed | Ambiguity::NobodyInParticular))
        })
    }
}

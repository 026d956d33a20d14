//! By which identifiers of a person a saved query is asked, and by which it is not.
//!
//! Nothing in a query's rows tells whom they are about. So it is asked only by what is the person's alone, whatever else a
//! reviewer named as theirs.

use crate::{
    ids::{Category, QueryName},
    personal::{Ambiguity, Identifier, IdentifierKind, Person, Resolved, Standing},
    saved_query::SavedQuery,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A saved query that an export does not ask, or not by everything that is known of the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unasked {
    /// The query.
    pub query: QueryName,
    /// Its category.
    pub category: Category,
    /// Why.
    pub why: UnaskedBecause,
}

/// Why a saved query is not asked, or not by everything that is known of the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum UnaskedBecause {
    /// It asks by a kind of identifier of which none is known.
    NoIdentifier,
    /// It asks by a kind of identifier of which the person has none to themselves.
    AmbiguousIdentifier,
    /// It is asked, but not by identifiers that others may have too.
    SomeIdentifiers,
    /// It does not fit the data map any more.
    Unusable {
        /// Why.
        reason: String,
    },
}

impl UnaskedBecause {
    /// Why, as one word.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoIdentifier => "no_identifier",
            Self::AmbiguousIdentifier => "ambiguous_identifier",
            Self::SomeIdentifiers => "some_identifiers",
            Self::Unusable { .. } => "unusable",
        }
    }

    /// Why, in words.
    pub fn words(&self) -> &str {
        match self {
            Self::NoIdentifier => "it asks by an identifier that is not known",
            Self::AmbiguousIdentifier => "it asks by an identifier that others may have too",
            Self::SomeIdentifiers => "it is not asked by an identifier that others may have too",
            Self::Unusable { reason } => reason,
        }
    }

    /// Whether it is asked, though not by everything.
    pub const fn by_part(&self) -> bool {
        matches!(self, Self::SomeIdentifiers)
    }

    /// Why a query is not asked about a person, or not by all of their identifiers; none if it is.
    pub fn of(query: &SavedQuery, person: &Person) -> Option<Self> {
        let mut found = None;
        for kind in kinds(query) {
            // Whoever is only behind a shared one is somebody else.
            let theirs = |r: &&Resolved| r.known.kind == *kind && r.standing != Standing::Ambiguous(Ambiguity::BehindShared);
            let (own, others): (Vec<_>, Vec<_>) = person.identifiers.iter().filter(theirs).partition(|r| is_theirs_alone(r));
            match (own.is_empty(), others.is_empty()) {
                (true, true) => return Some(Self::NoIdentifier),
                (true, false) => found = Some(Self::AmbiguousIdentifier),
                (false, false) => found = found.or(Some(Self::SomeIdentifiers)),
                (false, true) => {}
            }
        }
        found
    }
}

/// The values for a query's parameters: once for each identifier of the person's alone that it asks by, in each form.
pub fn ways<'a>(query: &SavedQuery, person: &'a Person) -> Vec<Vec<&'a Identifier>> {
    let mut ways: Vec<BTreeMap<&IdentifierKind, &Identifier>> = vec![BTreeMap::new()];
    for kind in kinds(query) {
        let of_kind = person.identifiers.iter().filter(|r| r.known.kind == *kind && is_theirs_alone(r));
        let forms: Vec<&Identifier> = of_kind.flat_map(|r| r.known.forms()).collect();
        let longer = ways.iter().flat_map(|way| {
            forms.iter().map(|form| {
                let mut way = way.clone();
                way.insert(kind, *form);
                way
            })
        });
        ways = longer.collect();
    }
    let values =
        |way: &BTreeMap<&IdentifierKind, &'a Identifier>| query.parameters.iter().filter_map(|k| way.get(k).copied()).collect();
    ways.iter().map(values).collect()
}

fn kinds(query: &SavedQuery) -> BTreeSet<&IdentifierKind> {
    query.parameters.iter().collect()
}

/// A shared identifier stays one, also where a reviewer named it.
fn is_theirs_alone(resolved: &Resolved) -> bool {
    resolved.standing == Standing::Selects && resolved.shut.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::personal::{Beside, Known, Origin};

    const ID: IdentifierKind = IdentifierKind::SUBJECT_ID;
    const EMAIL: IdentifierKind = IdentifierKind::SUBJECT_EMAIL;

    fn query(parameters: &[IdentifierKind]) -> SavedQuery {
        SavedQuery {
            name: "q".parse().expect("a name"),
            category: "c".parse().expect("a name"),
            store: "db".parse().expect("a name"),
            statement: String::new(),
            parameters: parameters.to_vec(),
            description: None,
            columns: vec![],
            table: "t".to_owned(),
            by_index: false,
        }
    }

    fn is(kind: IdentifierKind, given: &str, standing: Standing, shut: Option<Ambiguity>) -> Resolved {
        let parse = |text: &str| Identifier::parse(text).expect("an identifier");
        let known = Known { kind, given: parse(given), normal: parse(&given.to_lowercase()), also: vec![] };
        Resolved { known, origin: Origin::Given, standing, named: shut.is_some(), shut, beside: Beside::new() }
    }

    fn own(kind: IdentifierKind, given: &str) -> Resolved {
        is(kind, given, Standing::Selects, None)
    }

    /// One that several people share, and that a reviewer named.
    fn named(given: &str) -> Resolved {
        is(EMAIL, given, Standing::Selects, Some(Ambiguity::Shared))
    }

    fn ambiguous(given: &str, why: Ambiguity) -> Resolved {
        is(EMAIL, given, Standing::Ambiguous(why), Some(why))
    }

    fn asked(parameters: &[IdentifierKind], identifiers: &[Resolved]) -> (Vec<String>, Option<&'static str>) {
        let person = Person { identifiers: identifiers.to_vec(), incomplete: false };
        let query = query(parameters);
        let shown = |way: &Vec<&Identifier>| way.iter().map(|i| i.expose()).collect::<Vec<_>>().join("+");
        (ways(&query, &person).iter().map(shown).collect(), UnaskedBecause::of(&query, &person).map(|why| why.code()))
    }

    #[test]
    fn a_query_is_asked_once_for_each_identifier_of_its_kind_in_each_form() {
        let person = [own(ID, "ann"), own(EMAIL, "A@x"), own(EMAIL, "b@x")];
        assert_eq!(asked(&[EMAIL], &person), (vec!["A@x".into(), "a@x".into(), "b@x".into()], None));
        assert_eq!(asked(&[EMAIL, ID, EMAIL], &person).0[2], "b@x+ann+b@x");
    }

    #[test]
    fn a_query_is_never_asked_by_what_others_have_too_whoever_named_it() {
        for shared in [named("s@x"), ambiguous("s@x", Ambiguity::Shared), ambiguous("s@x", Ambiguity::Unmet)] {
            let alone = [own(ID, "ann"), shared.clone()];
            assert_eq!(asked(&[EMAIL], &alone), (vec![], Some("ambiguous_identifier")), "{shared:?}");
            assert_eq!(asked(&[ID, EMAIL], &alone), (vec![], Some("ambiguous_identifier")), "{shared:?}");
            assert_eq!(asked(&[ID], &alone), (vec!["ann".into()], None), "{shared:?}");
            let besides = [shared.clone(), own(EMAIL, "a@x")];
            assert_eq!(asked(&[EMAIL], &besides), (vec!["a@x".into()], Some("some_identifiers")), "{shared:?}");
        }
    }

    #[test]
    fn a_query_by_a_kind_that_is_not_known_is_not_asked_and_strangers_are_none_to_ask_by() {
        assert_eq!(asked(&[EMAIL], &[own(ID, "ann")]), (vec![], Some("no_identifier")));
        assert_eq!(asked(&[EMAIL, ID], &[named("s@x")]), (vec![], Some("no_identifier")));
        let stranger = ambiguous("bo@x", Ambiguity::BehindShared);
        assert_eq!(asked(&[EMAIL], std::slice::from_ref(&stranger)), (vec![], Some("no_identifier")));
        assert_eq!(asked(&[EMAIL], &[own(EMAIL, "a@x"), stranger]), (vec!["a@x".into()], None));
    }
}

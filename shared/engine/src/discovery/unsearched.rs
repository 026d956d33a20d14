//! What a run of discovery does not look at, and what it can look at only in part.

use super::gaps::gaps;
use crate::{EngineError, Result, core::AskedScope, items::DiscoveryItem};
use oubli_domain::{
    datamap::{Cycle, DataMap, Reach, reach},
    ids::ProducerName,
    personal::{IdentifierKind, Person},
    plan::{KeptBecause, Unsearched, UnsearchedBecause},
};
use std::collections::{BTreeMap, BTreeSet};

/// What is not looked at, or only in part, given the kinds of identifiers that are known. What is walked only because
/// others are found through it was looked at, if all of its selections can be used.
fn unsearched(
    map: &DataMap,
    asked: AskedScope<'_>,
    known: &BTreeSet<IdentifierKind>,
    walked: &BTreeMap<ProducerName, Option<KeptBecause>>,
) -> Result<Vec<Unsearched>, Cycle> {
    let reach = reach(map, known)?;
    // What leads to unfinished uploads leads to the objects: they are named once.
    let named = map.declared().filter_map(|p| {
        let found = reach.get(&p.name).copied().unwrap_or(Reach::None);
        let why = match (asked.leaves_out(p), found) {
            (Some(_), Reach::Whole) if walked.contains_key(&p.name) => return None,
            (Some(why), _) => why,
            (None, Reach::Whole) => return None,
            (None, Reach::Part) => UnsearchedBecause::SomeIdentifiers,
            (None, Reach::None) => UnsearchedBecause::NoIdentifier,
        };
        Some(Unsearched { producer: p.name.clone(), category: p.category.clone(), why })
    });
    Ok(named.collect())
}

/// The kinds of identifiers that a person is searched by.
pub(super) fn known_kinds(person: Option<&Person>) -> BTreeSet<IdentifierKind> {
    person.into_iter().flat_map(Person::selecting).map(|(_, r)| r.known.kind.clone()).collect()
}

/// All that a run did not look at, or only in part, or could not look at.
pub(super) fn missed(
    map: &DataMap,
    asked: AskedScope<'_>,
    person: Option<&Person>,
    scope: &BTreeMap<ProducerName, Option<KeptBecause>>,
    walked: &[(u32, DiscoveryItem)],
) -> Result<Vec<Unsearched>> {
    let mut all = unsearched(map, asked, &known_kinds(person), scope).map_err(EngineError::caused_by)?;
    all.extend(gaps(map, walked));
    let said = all.clone();
    all.retain(|u| {
        let of = map.producer(&u.producer).and_then(|p| p.location.unfinished_of());
        of.is_none_or(|of| !said.iter().any(|s| s.producer == *of && s.why == u.why))
    });
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::discovery::run::scope_of;
    use oubli_domain::{ids::Category, request::Scope};

    const MAP: &str = "
version: 1
stores:
  db: {connector: dynamodb}
producers:
  - {name: profiles, category: profile, store: db, table: profiles, key: [id], select: [{by: subject_id, attribute: id}, {by: subject_email, index: i, attribute: email}]}
  - {name: orders, category: orders, store: db, table: orders, key: [id], select: [{by: subject_id, index: i, attribute: owner}]}
  - {name: lines, category: orders, store: db, table: lines, key: [id], select: [{by: {producer: orders, field: id}, index: i, attribute: order}]}
  - {name: visits, category: visits, store: db, table: visits, key: [id], log: true, select: [{by: {producer: profiles, field: id}, index: i, attribute: owner}]}
";

    fn named(scope: Scope, only: &[&str], known: &[IdentifierKind]) -> Vec<(String, &'static str)> {
        let (map, _) = oubli_domain::datamap::parse(MAP).expect("a map");
        let only: Vec<Category> = only.iter().map(|c| c.parse().expect("a name")).collect();
        let asked = AskedScope { scope, only: &only, not: &[] };
        let walked = scope_of(&map, asked, &[]);
        let found = unsearched(&map, asked, &known.iter().cloned().collect(), &walked).expect("no cycle");
        found.into_iter().map(|u| (u.producer.to_string(), u.why.code())).collect()
    }

    #[test]
    fn what_no_identifier_reaches_is_named_with_what_is_found_through_it() {
        const SUBJECT_ID: IdentifierKind = IdentifierKind::SUBJECT_ID;
        const SUBJECT_EMAIL: IdentifierKind = IdentifierKind::SUBJECT_EMAIL;
        let all = Scope::default();
        let by_address = named(all, &[], &[SUBJECT_EMAIL]);
        let expected = [
            ("profiles", "some_identifiers"),
            ("orders", "no_identifier"),
            ("lines", "no_identifier"),
            ("visits", "some_identifiers"),
        ];
        assert_eq!(by_address, expected.map(|(name, why)| (name.to_owned(), why)));
        assert_eq!(named(all, &[], &[SUBJECT_ID]).len(), 2, "profiles by address, and the visits found through them");
        assert!(named(all, &[], &[SUBJECT_ID, SUBJECT_EMAIL]).is_empty());
    }

    #[test]
    fn what_was_not_asked_for_is_named_unless_others_are_found_through_it() {
        const SUBJECT_ID: IdentifierKind = IdentifierKind::SUBJECT_ID;
        const SUBJECT_EMAIL: IdentifierKind = IdentifierKind::SUBJECT_EMAIL;
        let both = [SUBJECT_ID, SUBJECT_EMAIL];
        let no_logs = Scope { include_logs: false, ..Scope::default() };
        assert_eq!(named(no_logs, &[], &both), [("visits".to_owned(), "logs_left_out")]);
        let visits = named(Scope::default(), &["visits"], &both);
        assert_eq!(visits, [("orders".to_owned(), "not_asked"), ("lines".to_owned(), "not_asked")]);
    }
}

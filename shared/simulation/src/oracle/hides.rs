//! The instant before a record is hidden.

use super::{
    holds::{Cover, held},
    seen::Seen,
};
use crate::{
    promise::{self, Rule},
    stores::{Row, bucket_of},
    world::{
        WorldState,
        cast::Fields,
        map::{ID, Map, NOBODY, Produces, Way, Who},
    },
};

/// Clocks may disagree by this much.
pub const CLOCKS_MS: i64 = 6_000;

/// A worker is about to hide a record.
pub fn before_hiding(state: &mut WorldState, place: &str, key: &str, _version: u64, fields: &Fields) {
    let Some(id) = state.acting.request.clone() else { return };
    let Some(seen) = state.oracle.requests.get(&id) else { return };
    let mut broken: Vec<(Rule, &str)> = Vec::new();
    let (round, step, _) = state.acting.batch.unwrap_or_default();
    let address = (place.to_owned(), key.to_owned());
    if !seen.planned.get(&round).is_some_and(|(found, _)| found.contains_key(&address)) {
        broken.push((promise::OUTSIDE_PLAN, "no look of its round had found it"));
    }
    if seen.asked.not_before.is_some_and(|at| state.now_ms + CLOCKS_MS < at) {
        broken.push((promise::BEFORE_ITS_TIME, "it was asked for later"));
    }
    if seen.settled.is_some() {
        broken.push((promise::AFTER_CANCEL, "the cancel was settled"));
    }
    if seen.asked.export_first && seen.exported.is_none() {
        broken.push((promise::BEFORE_EXPORT, "no export can be opened"));
    }
    let works = |s: &Seen| {
        // What failed holds what it held when it failed.
        let mut before = s.runs.values().rev().map(|(phase, _)| phase.as_str()).filter(|phase| *phase != "failed");
        matches!(before.next(), Some("hiding" | "settling" | "recoverable" | "restoring" | "purging"))
    };
    let away = |s: &Seen| works(s) && s.hidden.values().any(|h| h.batch.0 == s.round);
    if state.oracle.requests.iter().any(|(other, s)| *other != id && !s.asked.export && seen.same_person(s) && away(s)) {
        broken.push((promise::TWO_AT_ONCE, "something of this person is hidden by another request"));
    }
    let producer = state.producer_of(&id, seen, round, step);
    match seen.decisions.get(&round).filter(|d| d.approved) {
        None => broken.push((promise::UNDECIDED, "nobody decided")),
        Some(decided) => {
            if decided.actor == Some(seen.asked.submitter) {
                broken.push((promise::OWN_DECISION, "whoever asked decided"));
            }
            if producer.as_ref().is_some_and(|p| decided.exclusions.contains(&p.category)) {
                broken.push((promise::EXCLUDED, "the decision left it out"));
            }
        }
    }
    if let Some(producer) = &producer {
        if !seen.asked.covers(producer) {
            broken.push((promise::OUT_OF_SCOPE, "it was not asked for"));
        }
        let theirs = state.people_named(&seen.asked.who.and(&seen.named));
        let untold = seen.untold.get(&round).cloned().unwrap_or_default();
        let by_untold = by_name(producer, key, fields, &untold);
        if !fields.is_empty() && !still_theirs(producer, fields, &theirs) && !by_untold {
            broken.push((promise::OTHERS_REMOVED, "it belongs to somebody else now"));
        }
        let silent = seen.silent(round);
        let meant = state.people_named(&seen.roots(round)).but(&silent);
        if !through_another(producer) && !by_name(producer, key, fields, &meant) {
            let rule = if by_untold { promise::ANOTHERS_UNTOLD } else { promise::ANOTHERS };
            broken.push((rule, "nobody named what leads to it"));
        }
        if is_anothers(producer, fields, &meant) && knows_another(seen, round) && !by_name(producer, key, fields, &seen.named) {
            broken.push((promise::ANOTHERS, "it says that it is about somebody else"));
        }
        let map = state.map_of(seen);
        for one in duties(state, &map, producer, key, fields) {
            let own = one.name == producer.name;
            broken.push((if own { promise::DUTY } else { promise::DUTY_OVERLAP }, "a duty keeps it"));
        }
        // What changed since the beginning may have changed while the engine looked.
        let unchanged = |row: &Row| row.written_ms <= state.cast.filled_ms;
        let row = state.shop.tables.get(place).and_then(|rows| rows.get(key));
        for (parent, of, row) in
            row.filter(|row| unchanged(row)).into_iter().flat_map(|_| stays_with(state, &map, producer, fields))
        {
            if unchanged(row) && duties(state, &map, parent, of, &row.fields).next().is_some() {
                broken.push((promise::DUTY_PARENT, "it stays with something that a duty keeps"));
            }
            if unchanged(row) && seen.decisions.get(&round).is_some_and(|d| d.exclusions.contains(&parent.category)) {
                broken.push((promise::DUTY_PARENT, "it stays with something that the decision left out"));
            }
        }
        let searching = seen.told.get(&round).map(|told| told.selecting.clone()).unwrap_or_default();
        let narrower = map.producers.iter().filter(|other| is_narrower(other, producer));
        if narrower.into_iter().any(|other| by_name(other, key, fields, &searching)) {
            broken.push((promise::OVERLAPPED, "it is a more specific producer's"));
        }
        match held(state, seen, &producer.category, fields, state.acting.claimed) {
            Some(Cover::Plainly) => broken.push((promise::HELD_HIDDEN, "it was claimed under a hold")),
            Some(Cover::Told) => broken.push((promise::HELD_OTHERWISE, "it was claimed under a hold by another identifier")),
            Some(Cover::Untold) => broken.push((promise::HELD_UNTOLD, "it carries the name of somebody on hold")),
            None => {}
        }
    }
    for (rule, why) in broken {
        state.broke(rule, || format!("{place}/{key} by {id} in round {round}: {why}"));
    }
}

fn reaches(producer: &Produces, fields: &Fields, who: &Who) -> bool {
    let by = |way: &Way| matches!(way, Way::By(kind, a) if who.has(kind, fields.get(*a)));
    is_of_type(producer, fields) && producer.ways.iter().any(by)
}

fn is_of_type(producer: &Produces, fields: &Fields) -> bool {
    producer.only.is_none_or(|of| fields.get("type").is_some_and(|own| own == of))
}

/// Whether a producer finds only records that another one finds by the same identifiers, too.
pub fn is_narrower(producer: &Produces, than: &Produces) -> bool {
    let within = |way: &Way| match way {
        Way::Prefix(inner) => {
            than.ways.iter().any(|w| matches!(w, Way::Prefix(outer) if inner != outer && inner.starts_with(outer)))
        }
        _ => producer.only.is_some() && than.only.is_none() && than.ways.contains(way),
    };
    producer.place == than.place && producer.name != than.name && producer.ways.iter().all(within)
}

/// Producers whose duty keeps a record of one of them, whoever it is about: its own, those that find whatever it finds, and
/// those that say by more than a name which records they find.
pub fn duties<'a>(
    state: &'a WorldState,
    map: &'a Map,
    producer: &'a Produces,
    key: &'a str,
    fields: &'a Fields,
) -> impl Iterator<Item = &'a Produces> {
    let here = map.producers.iter().filter(move |p| bucket_of(&p.place) == bucket_of(&producer.place) && duty(state, p, fields));
    here.filter(move |p| {
        if p.name == producer.name || is_narrower(producer, p) {
            return true;
        }
        let finds = |way: &Way| match way {
            Way::By(_, attribute) => p.only.is_some() && fields.contains_key(*attribute) && is_of_type(p, fields),
            Way::Prefix(template) => {
                let (before, after) = template.split_once("{}").unwrap_or_default();
                let of = key.strip_prefix(before).and_then(|rest| rest.split_once('/'));
                of.is_some_and(|(_, rest)| format!("/{rest}").starts_with(after))
            }
            Way::Parent(..) | Way::Listed(_) => false,
        };
        p.ways.iter().any(finds)
    })
}

/// What stands of the rows that a record stays with, and of those that these stay with.
pub fn stays_with<'a>(
    state: &'a WorldState,
    map: &'a Map,
    producer: &Produces,
    fields: &Fields,
) -> Vec<(&'a Produces, &'a String, &'a Row)> {
    let mut all = Vec::new();
    for (parent, attribute) in producer.ways.iter().filter(|_| producer.with_parent).filter_map(Way::parent) {
        let (Some(parent), Some(of)) = (map.producer(parent), fields.get(attribute)) else { continue };
        let Some((key, row)) = state.shop.tables.get(&parent.place).and_then(|rows| rows.get_key_value(of)) else { continue };
        all.push((parent, key, row));
        all.extend(stays_with(state, map, parent, &row.fields));
    }
    all
}

/// Whether a row is still the person's; of what is found through another row, as far as that row was looked at.
fn still_theirs(producer: &Produces, fields: &Fields, theirs: &Who) -> bool {
    through_another(producer) || reaches(producer, fields, theirs)
}

fn through_another(producer: &Produces) -> bool {
    producer.ways.iter().any(|w| w.parent().is_some())
}

pub fn by_name(producer: &Produces, key: &str, fields: &Fields, who: &Who) -> bool {
    reaches(producer, fields, who) || producer.ways.iter().any(|way| begins(way, key, who))
}

fn begins(way: &Way, key: &str, who: &Who) -> bool {
    let Way::Prefix(template) = way else { return false };
    who.of(ID).any(|id| key.starts_with(&template.replace("{}", id)))
}

/// Whether a record of a producer that says whose its records are is somebody else's than these.
pub fn is_anothers(producer: &Produces, fields: &Fields, who: &Who) -> bool {
    let said = producer.says.iter().filter(|(kind, _)| *kind == ID).filter_map(|(_, field)| fields.get(*field));
    said.into_iter().any(|id| !NOBODY.contains(&id.as_str()) && !who.has(ID, Some(id)))
}

/// Whoever searches knows an id of the person, by which others can be told apart.
fn knows_another(seen: &Seen, round: u32) -> bool {
    seen.told.get(&round).is_some_and(|told| told.selecting.of(ID).next().is_some())
}

/// Whether a duty of this producer keeps a record today, where the organization is.
pub fn duty(state: &WorldState, producer: &Produces, fields: &Fields) -> bool {
    let Some(years) = producer.duty else { return false };
    let issued: Option<jiff::civil::Date> = fields.get("issued").and_then(|d| d.parse().ok());
    let last = issued.filter(|_| years > 0).and_then(|d| d.checked_add(jiff::Span::new().years(years)).ok());
    let zone = jiff::tz::TimeZone::get("Europe/Paris").unwrap_or(jiff::tz::TimeZone::UTC);
    last.is_none_or(|last| zone.to_datetime(state.now()).date() <= last)
}

/// Whether any name the request gives leads to a producer.
pub fn is_searched(producer: &Produces, who: &Who, map: &Map) -> bool {
    producer.ways.iter().any(|way| match way {
        Way::Prefix(_) => who.of(ID).next().is_some(),
        Way::By(kind, _) => who.of(kind).next().is_some(),
        Way::Parent(parent, _) | Way::Listed(parent) => map.producer(parent).is_some_and(|p| is_searched(p, who, map)),
    })
}

/// Whether a map reaches a record by these names, through its parents too. `gone` tells of parents that are no more.
pub fn belongs(
    state: &WorldState,
    map: &Map,
    producer: &Produces,
    key: &str,
    fields: &Fields,
    who: &Who,
    gone: &dyn Fn(&Produces, &str) -> bool,
) -> bool {
    reaches(producer, fields, who)
        || producer.ways.iter().any(|way| match way {
            Way::Prefix(_) => begins(way, key, who),
            Way::Parent(..) | Way::Listed(_) => {
                let Some((parent, attribute)) = way.parent() else { return false };
                let (Some(parent), Some(of)) = (map.producer(parent), fields.get(attribute)) else { return false };
                let standing = state.shop.tables.get(&parent.place).and_then(|t| t.get(of));
                (is_searched(parent, who, map) && gone(parent, of))
                    || standing.is_some_and(|row| belongs(state, map, parent, of, &row.fields, who, gone))
            }
            Way::By(..) => false,
        })
}

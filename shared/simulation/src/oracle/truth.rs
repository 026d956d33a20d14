//! What stood when the last look began, by the world's own eyes, and what is said of it in the end.

use super::{
    hides::{belongs, by_name, duties, is_anothers, is_narrower, is_searched, stays_with},
    holds::{held_now, held_since},
    said::{Said, Why},
    seen::{Hid, Seen, number, text},
};
use crate::{
    promise::{self, Rule},
    stores::{Deed, Effect, INDEX_LAG_MS, bucket_of},
    world::{
        WorldState,
        cast::Fields,
        map::{ID, Map, Produces, Way, Who},
    },
};
use oubli_engine::ports::Item;
use std::collections::{BTreeMap, BTreeSet};

/// A record that stood, and the producer that reaches it.
#[derive(Debug, Clone)]
struct Standing {
    place: String,
    key: String,
    version: u64,
    fields: Fields,
    producer: Produces,
    /// Surely searched for; otherwise reached only by a name of the same person that may not lead anywhere.
    named: bool,
    /// Reached by what the request names, and by what the map can tell of it.
    given: bool,
    told: bool,
    /// The index shows it.
    settled: bool,
    /// A duty kept it then.
    duty: bool,
    /// A duty kept something that it stays with.
    bound: bool,
    /// It may be a more specific producer's.
    contested: bool,
}

/// The world at the instant at which a verifying look began.
#[derive(Debug, Clone, Default)]
pub struct Truth(Vec<Standing>);

fn records(state: &WorldState, producer: &Produces) -> Vec<(String, u64, Fields, i64)> {
    let rows = state.shop.tables.get(&producer.place).into_iter().flatten();
    let rows = rows.map(|(key, row)| (key.clone(), row.version, row.fields.clone(), row.written_ms));
    let objects = state.shop.buckets.get(&producer.place).into_iter().flatten();
    let versions = objects.flat_map(|(key, stack)| stack.iter().filter(|v| !v.marker).map(move |v| (key, v)));
    let uploads = state.shop.uploads.get(bucket_of(&producer.place)).filter(|_| bucket_of(&producer.place) != producer.place);
    let uploads = uploads.into_iter().flatten().map(|(key, id)| (key.clone(), *id, Fields::new(), 0));
    rows.chain(versions.map(|(key, v)| (key.clone(), v.id, Fields::new(), 0))).chain(uploads).collect()
}

/// Whether a request removed a row of this producer. What another producer of the same rows removed leads nowhere by this
/// one: see the rules that are known.
fn is_gone(state: &WorldState, seen: &Seen, id: &str, parent: &Produces, key: &str) -> bool {
    let by_it = |hid: &Hid| state.producer_of(id, seen, hid.batch.0, hid.batch.1).is_some_and(|p| p.name == parent.name);
    seen.ever.iter().any(|((place, k, _), hid)| *place == parent.place && k == key && by_it(hid))
}

/// Takes the truth for a request whose verifying look makes its first call.
pub fn take(state: &mut WorldState, id: &str) {
    let mut all = Vec::new();
    if let Some(seen) = state.oracle.requests.get(id) {
        let map = state.map_of(seen);
        // What somebody chose to name may never have been named.
        let (who, given) = (seen.selecting(), seen.asked.who.and(&seen.surely_named));
        let perhaps = given.and(&seen.named);
        let (told, person) = (seen.knew(), state.people_named(&perhaps));
        let possibly = state.possibly(&seen.asked.organization, &perhaps);
        let gone = |parent: &Produces, key: &str| is_gone(state, seen, id, parent, key);
        let gone_at_all = |parent: &Produces, key: &str| seen.ever.keys().any(|(p, k, _)| *p == parent.place && k == key);
        let producers: Vec<Produces> = map.with_uploads().collect();
        for producer in &producers {
            for (key, version, fields, written) in records(state, producer) {
                // What a more specific producer finds by the same names is that one's.
                let narrower = || producers.iter().filter(|other| is_narrower(other, producer));
                let is_left = |names: &Who| narrower().any(|other| by_name(other, &key, &fields, names));
                let reaches = |names: &Who, gone: &dyn Fn(&Produces, &str) -> bool| {
                    !is_left(names) && belongs(state, &map, producer, &key, &fields, names, gone)
                };
                let (named, given, told) = (reaches(&who, &gone), reaches(&given, &gone), reaches(&told, &gone));
                let contested = is_left(&possibly);
                // By its own words it is somebody else's, or it may be for whoever searches.
                if names_another(state, &map, producer, &fields, &who, &possibly) {
                    continue;
                }
                if !named && !given && !told && !reaches(&person, &gone_at_all) {
                    continue;
                }
                let old = |written: i64| written + 2 * INDEX_LAG_MS < state.now_ms;
                let led_by = |way: &Way| {
                    let (parent, attribute) = way.parent()?;
                    let rows = map.producer(parent).and_then(|p| state.shop.tables.get(&p.place));
                    rows.zip(fields.get(attribute)).and_then(|(rows, of)| rows.get(of))
                };
                let settled = old(written) && producer.ways.iter().filter_map(led_by).all(|row| old(row.written_ms));
                let duty = duties(state, &map, producer, &key, &fields).next().is_some();
                let parents = stays_with(state, &map, producer, &fields);
                let bound = parents.iter().any(|(parent, of, row)| duties(state, &map, parent, of, &row.fields).next().is_some());
                let (place, producer) = (producer.place.clone(), producer.clone());
                all.push(Standing { place, key, version, fields, producer, named, given, told, settled, duty, bound, contested });
            }
        }
    }
    if let Some(seen) = state.oracle.requests.get_mut(id) {
        seen.truth = Some(Truth(all));
        seen.truth_is_due = false;
    }
}

/// Whether whoever searches may take a record, or one that it is found through, for somebody else's.
fn names_another(state: &WorldState, map: &Map, producer: &Produces, fields: &Fields, who: &Who, possibly: &Who) -> bool {
    let knows = possibly.of(ID).next().is_some();
    let through = |way: &Way| {
        let Some((parent, attribute)) = way.parent() else { return false };
        let (Some(parent), Some(of)) = (map.producer(parent), fields.get(attribute)) else { return false };
        let row = state.shop.tables.get(&parent.place).and_then(|t| t.get(of));
        row.is_some_and(|row| names_another(state, map, parent, &row.fields, who, possibly))
    };
    // Whoever may find it too says whose it is.
    let mut beside = map.producers.iter().filter(|other| other.place == producer.place);
    let said = is_anothers(producer, fields, who) || beside.any(|other| is_anothers(other, fields, who));
    knows && (said || producer.ways.iter().any(through))
}

fn stands(state: &WorldState, one: &Standing) -> bool {
    let row = state.shop.tables.get(&one.place).and_then(|t| t.get(&one.key)).is_some_and(|r| r.version == one.version);
    let stack = state.shop.buckets.get(&one.place).and_then(|b| b.get(&one.key));
    let upload = || {
        let uploads = state.shop.uploads.get(bucket_of(&one.place)).filter(|_| bucket_of(&one.place) != one.place);
        uploads.is_some_and(|uploads| uploads.contains(&(one.key.clone(), one.version)))
    };
    row || stack.is_some_and(|s| s.iter().any(|v| !v.marker && v.id == one.version)) || upload()
}

/// A request said that it is complete: what stands must be named.
pub fn judge(state: &mut WorldState, id: &str) {
    // A look that had no store to ask: what an earlier one saw is not its truth.
    if state.oracle.requests.get(id).is_some_and(|seen| seen.truth_is_due || seen.truth.is_none()) {
        take(state, id);
    }
    let mut broken: Vec<(Rule, String)> = Vec::new();
    let Some(seen) = state.oracle.requests.get(id) else { return };
    let Some(truth) = &seen.truth else { return };
    let (map, said) = (state.map_of(seen), Said::of(state, seen, id));
    let mut staying: BTreeMap<&str, BTreeSet<(&str, &str, u64)>> = BTreeMap::new();
    for one in truth.0.iter().filter(|one| stands(state, one)) {
        if let Some(found) = left(state, seen, id, &map, &said, one) {
            broken.push(found);
        }
        let still = || still_belongs(state, seen, id, &map, one, &seen.selecting());
        let counts = one.named && one.settled && !one.contested && seen.asked.covers(&one.producer) && still();
        let flagged = || reasons(state, seen, id, &map, one).contains(&Why::Refused);
        if counts && said.knows(&one.producer) && !flagged() {
            staying.entry(&one.producer.category).or_default().insert((&one.place, &one.key, one.version));
        }
    }
    for (category, records) in staying {
        let steps = state.steps_of(&seen.asked.organization, id);
        let restored = ["restored", "conflicts", "given_up"];
        let of_step = |s: &Item| restored.iter().map(|name| number(s, name)).sum::<u64>();
        let restored = steps.iter().filter(|(.., s)| text(s, "category") == category).map(|(.., s)| of_step(s)).sum();
        let (there, said) = (records.len() as u64, said.staying(category, restored));
        if there > said {
            broken.push((promise::KEPT_TOO_FEW, format!("{there} of {category} stand after {id}, {said} are said to")));
        }
    }
    said.judge_erased(state, seen, id, &mut broken);
    for (rule, how) in broken {
        state.note(|| format!("claims {said:?}"));
        state.broke(rule, || how);
    }
}

/// What led to a record may have changed hands while the look went on.
fn still_belongs(state: &WorldState, seen: &Seen, id: &str, map: &Map, one: &Standing, by: &Who) -> bool {
    let gone = |parent: &Produces, key: &str| is_gone(state, seen, id, parent, key);
    belongs(state, map, &one.producer, &one.key, &one.fields, by, &gone)
}

/// What is wrong with what is said of a record that stands.
fn left(state: &WorldState, seen: &Seen, id: &str, map: &Map, said: &Said, one: &Standing) -> Option<(Rule, String)> {
    let whole = seen.phase == "completed";
    let asked = seen.asked.covers(&one.producer);
    let what = |more: &str| format!("{}/{} of {id}, {}{more}", one.place, one.key, seen.phase);
    let passed_over = passed_over(state, map, said, &one.producer);
    if !one.named {
        // It was asked for by a name that finds nothing by itself: that is no completion.
        if asked && whole && one.settled && (one.given || one.told) {
            let rule = if one.given { promise::LEFT_BEHIND } else { promise::LEFT_OTHERWISE };
            return Some((rule, what(": its name is ambiguous")));
        }
        let possibly = state.possibly(&seen.asked.organization, &seen.asked.who.and(&seen.named));
        if asked && is_searched(&one.producer, &possibly, map) {
            let category = &one.producer.category;
            let kept = reasons(state, seen, id, map, one).into_iter().any(|why| said.names(category, why));
            let said = kept || said.ambiguous || said.unsearched(&one.producer.name) || passed_over;
            return (whole || !said).then(|| (promise::LEFT_UNTOLD, what("")));
        }
        let named = said.unsearched(&one.producer.name) || passed_over;
        return (asked && (whole || !named)).then(|| (promise::UNSEARCHED, what("")));
    }
    if !asked {
        let partial = !seen.asked.only.is_empty() || !seen.asked.not.is_empty();
        return (whole && !partial).then(|| (promise::NOT_COMPLETE, what(": out of scope")));
    }
    if !still_belongs(state, seen, id, map, one, &seen.selecting()) {
        return None;
    }
    // What an earlier round went by may lead to somebody else, too, by now: that it finds nothing any more is said.
    let told = said.ambiguous && said.unsearched(&one.producer.name);
    if !whole && told && !still_belongs(state, seen, id, map, one, &seen.selecting_still()) {
        return None;
    }
    let mut why = reasons(state, seen, id, map, one);
    // A hold that came and went while the look went on may be what it found; if not, it excuses nothing.
    let category = &one.producer.category;
    if held_since(state, seen, category, seen.looking_since) && said.names(category, Why::Hold) {
        why.push(Why::Hold);
    }
    if why.is_empty() {
        let address = (one.place.clone(), one.key.clone());
        let planned = seen.planned.values().any(|(found, _)| found.contains_key(&address));
        let behind = whole || !passed_over && (one.settled || planned);
        let rule = if one.given { promise::LEFT_BEHIND } else { promise::LEFT_OTHERWISE };
        return behind.then(|| (rule, what("")));
    }
    if whole {
        return one.settled.then(|| (promise::NOT_COMPLETE, what(&format!(": {why:?}"))));
    }
    let categories: Vec<&str> =
        map.producers.iter().filter(|p| p.place == bucket_of(&one.place)).map(|p| p.category.as_str()).collect();
    let failed = why.contains(&Why::Refused) && said.fails() && flagged(state, seen, id, map, &one.producer) > 0;
    let named = failed || why.iter().any(|why| categories.iter().any(|c| said.names(c, *why)));
    // A duty is named whatever else keeps the record; under a hold it is named once the hold is gone.
    let duties = [(one.duty, Why::Duty), (one.bound, Why::Parent)];
    let mut duties = duties.into_iter().filter(|(is, _)| *is && !why.contains(&Why::Hold)).map(|(_, why)| why);
    let named = named && duties.all(|duty| categories.iter().any(|c| said.names(c, duty)));
    (!named && !passed_over).then(|| (promise::LEFT_BEHIND, what(&format!(": {why:?}, and not named"))))
}

/// Why a record may stand: each of these must be named, or one of them where there are several.
fn reasons(state: &WorldState, seen: &Seen, id: &str, map: &Map, one: &Standing) -> Vec<Why> {
    // A row is the same row whatever is written into it; a version of an object is a record of its own.
    let stack = state.shop.buckets.get(&one.place).and_then(|b| b.get(&one.key));
    let null = stack.is_some_and(|s| s.iter().any(|v| v.id == one.version && v.null));
    let row = null || state.shop.tables.contains_key(&one.place);
    let same = |e: &Effect| e.place == one.place && e.key == one.key && (row || e.version == one.version);
    let ours = |same: &dyn Fn(&Effect) -> bool| {
        let last = state.shop.effects.iter().rev().find(|e| same(e) && e.deed.is_ours());
        last.is_some_and(|e| matches!(e.deed, Deed::PutBack | Deed::Undeleted))
    };
    let version = (one.place.clone(), one.key.clone(), one.version);
    let back = ours(&same) || seen.given_back.contains(&version);
    let on_hold = held_now(state, seen, &one.producer.category);
    let address = (one.place.clone(), one.key.clone());
    let found = seen.planned.get(&seen.round).is_some_and(|(found, _)| found.contains_key(&address));
    let rejected = seen.decisions.get(&seen.round).is_some_and(|decided| !decided.approved);
    let closed = seen.closing && found;
    let is_left_out = |category: &String| seen.decisions.values().any(|d| d.exclusions.contains(category));
    let left_out = is_left_out(&one.producer.category) || closed && rejected;
    let parents = stays_with(state, map, &one.producer, &one.fields);
    let with_parent = parents.into_iter().any(|(parent, of, _)| {
        is_left_out(&parent.category)
            || ours(&|e: &Effect| e.place == parent.place && e.key == *of)
            || state.was_refused(&parent.place, of)
            || held_now(state, seen, &parent.category)
    });
    let is_locked = |until: Option<jiff::civil::Date>| until.is_some_and(|until| until > state.today());
    let locked = stack.is_some_and(|s| s.iter().any(|v| v.id == one.version && is_locked(v.locked_until)));
    let refused = state.was_refused(&one.place, &one.key) || flagged(state, seen, id, map, &one.producer) > 0;
    let all = [
        (back, Why::Restored),
        (one.duty, Why::Duty),
        (one.bound || with_parent, Why::Parent),
        (on_hold, Why::Hold),
        (left_out, Why::LeftOut),
        (locked, Why::Locked),
        (refused, Why::Refused),
        (closed && !rejected, Why::Cancelled),
    ];
    all.into_iter().filter(|(is, _)| *is).map(|(_, why)| why).collect()
}

/// A producer and those it is found through.
fn with_parents<'a>(map: &'a Map, producer: &'a Produces) -> Vec<&'a Produces> {
    let mut all = vec![producer];
    let mut next = 0;
    while let Some(one) = all.get(next).copied() {
        let parents = one.ways.iter().filter_map(|w| map.producer(w.parent()?.0));
        let new: Vec<_> = parents.filter(|p| all.iter().all(|known| known.name != p.name)).collect();
        all.extend(new);
        next += 1;
    }
    all
}

/// How many records of a producer, or of those it is found through, are counted as not handled.
fn flagged(state: &WorldState, seen: &Seen, id: &str, map: &Map, producer: &Produces) -> u64 {
    let family = with_parents(map, producer);
    let mine = |item: &Item| family.iter().any(|p| p.name == text(item, "producer"));
    state.steps_of(&seen.asked.organization, id).iter().filter(|(.., s)| mine(s)).map(|(.., s)| number(s, "failed")).sum()
}

/// Whether a producer is said not to have been looked at because its store could not be used, and that is so; or nobody
/// looked at all.
fn passed_over(state: &WorldState, map: &Map, said: &Said, producer: &Produces) -> bool {
    let shut = with_parents(map, producer).iter().any(|p| state.was_unusable(&p.place));
    (shut || !said.verified) && said.unusable(&producer.name)
}

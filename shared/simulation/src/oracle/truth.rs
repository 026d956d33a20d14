//! What stood when the last look began, by the world's own eyes, and what is said of it in the end.

use super::{
    hides::{belongs, duty, is_searched},
    holds::{Cover, held},
    seen::{Hid, number, text},
};
use crate::{
    promise::{self, Rule},
    stores::{Deed, Effect, INDEX_LAG_MS},
    world::{State, cast::Fields, map::Produces},
};
use serde_json::Value;

/// A record that stood, and the producer that reaches it.
#[derive(Debug, Clone)]
struct Standing {
    place: String,
    key: String,
    version: u64,
    fields: Fields,
    producer: Produces,
    /// Reached by what the request names; otherwise only by another name of the same person.
    named: bool,
    /// The index shows it.
    settled: bool,
}

/// The world at the instant at which a verifying look began.
#[derive(Debug, Clone, Default)]
pub struct Truth(Vec<Standing>);

fn records(state: &State, producer: &Produces) -> Vec<(String, u64, Fields, i64)> {
    let rows = state.shop.tables.get(&producer.place).into_iter().flatten();
    let rows = rows.map(|(key, row)| (key.clone(), row.version, row.fields.clone(), row.written_ms));
    let objects = state.shop.buckets.get(&producer.place).into_iter().flatten();
    let versions = objects.flat_map(|(key, stack)| stack.iter().filter(|v| !v.marker).map(move |v| (key, v)));
    rows.chain(versions.map(|(key, v)| (key.clone(), v.id, Fields::new(), 0))).collect()
}

/// Takes the truth for a request whose verifying look makes its first call.
pub fn take(state: &mut State, id: &str) {
    let mut all = Vec::new();
    if let Some(seen) = state.oracle.requests.get(id) {
        let map = state.map_of(seen);
        let who = &seen.asked.who;
        let person = state.cast.people.iter().find(|p| p.meets(who)).cloned().unwrap_or_default();
        let removed = |parent: &Produces, key: &str| {
            seen.ever.iter().filter(|((p, k, _), _)| *p == parent.place && k == key).map(|(_, h)| *h).collect::<Vec<_>>()
        };
        // What another producer of the same rows removed leads nowhere by this one: see the rules that are known.
        let by_it = |parent: &Produces, hid: &Hid| {
            state.producer_of(id, seen, hid.batch.0, hid.batch.1).is_some_and(|p| p.name == parent.name)
        };
        let gone = |parent: &Produces, key: &str| removed(parent, key).iter().any(|hid| by_it(parent, hid));
        let gone_at_all = |parent: &Produces, key: &str| !removed(parent, key).is_empty();
        for producer in &map.producers {
            for (key, version, fields, written) in records(state, producer) {
                let named = belongs(state, &map, producer, &key, &fields, who, &gone);
                if !named && !belongs(state, &map, producer, &key, &fields, &person, &gone_at_all) {
                    continue;
                }
                let settled = written + 2 * INDEX_LAG_MS < state.now_ms;
                let (place, producer) = (producer.place.clone(), producer.clone());
                all.push(Standing { place, key, version, fields, producer, named, settled });
            }
        }
    }
    if let Some(seen) = state.oracle.requests.get_mut(id) {
        seen.truth = Some(Truth(all));
        seen.truth_is_due = false;
    }
}

fn stands(state: &State, one: &Standing) -> bool {
    let row = state.shop.tables.get(&one.place).and_then(|t| t.get(&one.key)).is_some_and(|r| r.version == one.version);
    let stack = state.shop.buckets.get(&one.place).and_then(|b| b.get(&one.key));
    row || stack.is_some_and(|s| s.iter().any(|v| !v.marker && v.id == one.version))
}

/// A request said that it is complete: what stands must be named.
pub fn judge(state: &mut State, id: &str) {
    // A look that had no store to ask: what an earlier one saw is not its truth.
    if state.oracle.requests.get(id).is_some_and(|seen| seen.truth_is_due || seen.truth.is_none()) {
        take(state, id);
    }
    let mut broken: Vec<(Rule, String)> = Vec::new();
    let Some(seen) = state.oracle.requests.get(id) else { return };
    let Some(truth) = &seen.truth else { return };
    let map = state.map_of(seen);
    let claims = state.beside(&seen.asked.organization, id, "claims").map(|c| serde_json::to_string(c).unwrap_or_default());
    let claims = claims.unwrap_or_default();
    let is_named = |p: &Produces| claims.contains(&format!("\"{}\"", p.name)) || kept(state, seen, id, &p.category);
    let flagged: u64 = state.steps_of(&seen.asked.organization, id).iter().map(|(_, _, s)| number(s, "failed")).sum();
    let whole = seen.phase == "completed";
    for one in truth.0.iter().filter(|one| stands(state, one)) {
        let asked = seen.asked.covers(&one.producer);
        let partial = !seen.asked.only.is_empty() || !seen.asked.not.is_empty();
        let what = || format!("{}/{} of {id}, {}", one.place, one.key, seen.phase);
        if !one.named {
            if asked && is_searched(&one.producer, &seen.asked.who, &map) {
                broken.push((promise::LEFT_OTHERWISE, what()));
            } else if asked && (whole || !is_named(&one.producer)) {
                broken.push((promise::UNSEARCHED, what()));
            }
            continue;
        }
        if !asked {
            if whole && !partial {
                broken.push((promise::NOT_COMPLETE, format!("{}: out of scope", what())));
            }
            continue;
        }
        // A row is the same row whatever is written into it; a version of an object is a record of its own.
        let stack = state.shop.buckets.get(&one.place).and_then(|b| b.get(&one.key));
        let null = stack.is_some_and(|s| s.iter().any(|v| v.id == one.version && v.null));
        let row = null || state.shop.tables.contains_key(&one.place);
        let same = |e: &Effect| e.place == one.place && e.key == one.key && (row || e.version == one.version);
        let ours = state.shop.effects.iter().rev().find(|e| same(e) && e.deed.is_ours());
        let version = (one.place.clone(), one.key.clone(), one.version);
        let back = ours.is_some_and(|e| matches!(e.deed, Deed::PutBack | Deed::Revealed)) || seen.given_back.contains(&version);
        let duties = map.producers.iter().any(|p| p.place == one.place && duty(state, p, &one.fields));
        let on_hold = held(state, seen, &one.producer.category, &one.fields, state.instant + 1) == Some(Cover::Plainly);
        let left_out = seen.decisions.values().any(|d| d.exclusions.contains(&one.producer.category));
        let is_locked = |until: Option<jiff::civil::Date>| until.is_some_and(|until| until > state.today());
        let locked = stack.is_some_and(|s| s.iter().any(|v| v.id == one.version && is_locked(v.locked_until)));
        let refused = state.is_refused(&one.place, &one.key);
        let address = (one.place.clone(), one.key.clone());
        let planned = seen.planned.values().any(|(found, _)| found.contains_key(&address));
        if back || duties || on_hold || left_out || locked {
            if whole {
                broken.push((promise::NOT_COMPLETE, what()));
            } else if !(is_named(&one.producer) || back && flagged > 0) {
                broken.push((promise::LEFT_BEHIND, format!("{}: kept and not named", what())));
            }
        } else if refused || flagged > 0 {
            if whole {
                broken.push((promise::NOT_COMPLETE, format!("{}: it could not be handled", what())));
            }
        } else if whole || !passed_over(state, seen, id, &one.producer.name) && (one.settled || planned) {
            broken.push((promise::LEFT_BEHIND, what()));
        }
    }
    for (rule, how) in broken {
        state.note(|| format!("claims {claims}"));
        state.broke(rule, || how);
    }
}

/// Whether a producer is said not to have been looked at, because it could not be.
fn passed_over(state: &State, seen: &super::Seen, id: &str, producer: &str) -> bool {
    let claims = state.beside(&seen.asked.organization, id, "claims").and_then(|c| c.get("claims"));
    let all = claims.and_then(|c| c.get("unsearched")).and_then(Value::as_array).cloned().unwrap_or_default();
    let named = |u: &&Value| u.get("producer").and_then(Value::as_str) == Some(producer);
    all.iter().find(named).is_some_and(|u| u.get("reason").and_then(Value::as_str) == Some("unusable"))
}

/// Whether a category is among what is said to stay.
fn kept(state: &State, seen: &super::Seen, id: &str, category: &str) -> bool {
    let claims = state.beside(&seen.asked.organization, id, "claims");
    let all = claims.and_then(|c| c.get("claims").unwrap_or(&Value::Null).get("kept").or_else(|| c.get("kept")));
    let all = all.and_then(|k| k.as_array()).cloned().unwrap_or_default();
    all.iter().any(|k| k.as_object().is_some_and(|k| text(k, "category") == category))
}

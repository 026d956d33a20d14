//! The instant before something is destroyed: versions, copies in the vault, and keys.

use super::{
    hides::CLOCKS_MS,
    holds::{Cover, held},
    seen::Hid,
};
use crate::{
    promise,
    world::{WorldState, cast::Fields},
};
use oubli_engine::ports::{Item, Key, TableName};

/// A worker is about to destroy a version of an object.
pub fn before_destroying(state: &mut WorldState, bucket: &str, key: &str, version: u64) {
    let Some(id) = state.acting.request.clone() else { return };
    let Some(seen) = state.oracle.requests.get(&id) else { return };
    let (round, step, _) = state.acting.batch.unwrap_or_default();
    let mut broken = Vec::new();
    let address = (bucket.to_owned(), key.to_owned());
    if !seen.planned.get(&round).is_some_and(|(found, _)| found.contains_key(&address)) {
        broken.push((promise::OTHERS_DESTROYED, "no look of its round had found it"));
    }
    let top = state.shop.buckets.get(bucket).and_then(|b| b.get(key)).and_then(|s| s.last());
    if top.is_some_and(|v| v.id == version) {
        broken.push((promise::OTHERS_DESTROYED, "it stands for everybody to see"));
    }
    let window = seen.windows.get(&round).copied().unwrap_or_default();
    // An old version is hidden by being old: its window is its round's.
    let hid = seen.hidden.get(&(bucket.to_owned(), key.to_owned(), version)).map(|h| h.at_ms);
    let since = hid.or(seen.hiding_since.get(&round).copied());
    if since.is_none_or(|since| since + window - CLOCKS_MS > state.now_ms) {
        broken.push((promise::EARLY, "its window is open"));
    }
    let category = state.producer_of(&id, seen, round, step).map(|p| p.category).unwrap_or_default();
    if Cover::counts(held(state, seen, &category, &Fields::new(), state.acting.claimed)) {
        broken.push((promise::HELD_DESTROYED, "it was claimed under a hold"));
    }
    for (rule, why) in broken {
        state.broke(rule, || format!("{bucket}/{key} by {id}: {why}"));
    }
}

/// Copies of what is away are about to be lost.
fn lost(state: &mut WorldState, id: &str, what: &str, of: impl Fn(&Hid) -> bool, before: u64) {
    let Some(seen) = state.oracle.requests.get(id) else { return };
    let window = |hid: &Hid| seen.windows.get(&hid.batch.0).copied().unwrap_or_default();
    let mut broken = Vec::new();
    let given_up = |place: &String, key: &String| seen.given_up.contains(&(place.clone(), key.clone()));
    for ((place, key, _), hid) in seen.hidden.iter().filter(|(_, h)| !h.native && of(h)) {
        if !given_up(place, key) && hid.at_ms + window(hid) - CLOCKS_MS > state.now_ms {
            broken.push((promise::EARLY, format!("{what} of {place}/{key} of {id} in {}: its window is open", seen.phase)));
        }
        let category = state.producer_of(id, seen, hid.batch.0, hid.batch.1).map(|p| p.category).unwrap_or_default();
        if Cover::counts(held(state, seen, &category, &Fields::new(), before)) {
            broken.push((promise::HELD_COPY, format!("{what} of {place}/{key} of {id} in {}", seen.phase)));
        }
    }
    for (rule, how) in broken {
        state.broke(rule, || how);
    }
}

/// An object of the work bucket is deleted: `vault/org/…/request/…/round/step/batch/…`.
pub fn deleted_object(state: &mut WorldState, name: &str) {
    let parts: Vec<&str> = name.split('/').collect();
    let ["vault", "org", _, "request", id, round, step, batch, _] = parts.as_slice() else { return };
    let numbers = [round, step, batch].map(|n| n.parse::<u32>().unwrap_or_default());
    let of = (numbers[0], numbers[1], numbers[2]);
    let id = (*id).to_owned();
    if state.oracle.requests.get(&id).is_some_and(|s| s.keyless.contains(&(of.0, of.1))) {
        return;
    }
    let instant = state.instant;
    let claimed = if state.acting.batch.is_some() { state.acting.claimed } else { instant };
    lost(state, &id, "a copy", |hid| hid.batch == of, claimed);
}

/// An item is deleted: a vault key takes every copy with it.
pub fn deleted_item(state: &mut WorldState, key: &Key, _item: &Item) {
    if key.table != TableName::Keys || !key.sk.starts_with("vault#") {
        return;
    }
    let id = key.pk.rsplit('#').next().unwrap_or_default().to_owned();
    let mut parts = key.sk.split('#').skip(1).map(|p| p.parse::<u32>().unwrap_or_default());
    let (round, step) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let instant = state.instant;
    lost(state, &id, "the key", |hid| (hid.batch.0, hid.batch.1) == (round, step), instant);
    if let Some(seen) = state.oracle.requests.get_mut(&id) {
        seen.keyless.insert((round, step));
    }
}

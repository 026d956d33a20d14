//! What must hold, judged from what stores, table and log see happen; the engine is not asked.

mod copies;
mod counts;
mod ends;
mod hides;
mod holds;
mod items;
mod keys;
mod log;
mod returns;
mod said;
mod seen;
mod truth;
mod uploads;
mod whom;
mod witnesses;

pub use copies::{before_destroying, deleted_item, deleted_object};
pub use ends::{forgotten, in_the_open, verdict};
pub use hides::before_hiding;
pub use holds::{HoldSeen, resolved, while_held};
pub use items::{after_transaction, exported_while_touched, saw_item};
pub use keys::ownerless;
pub use log::audit;
pub use returns::undeletes;
pub use seen::{Asked, Seen, Wanted};
pub use uploads::before_aborting;

use crate::{
    promise,
    stores::{Deed, Effect},
    world::WorldState,
};
use oubli_engine::ports::{Found, Key};
use seen::Hid;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Everything the oracle remembers.
#[derive(Debug, Default)]
pub struct Oracle {
    /// Requests by their ids.
    pub requests: BTreeMap<String, Seen>,
    pub holds: BTreeMap<u128, HoldSeen>,
    /// Delete markers that the application put.
    pub markers_of_others: BTreeSet<u64>,
    /// Orders of audit events written, with how often, by organization.
    pub outbox: BTreeMap<(String, String), u32>,
    /// Requests whose end is still to be judged, once the transaction is whole.
    ended: Vec<String>,
    /// Keys that a step calls destroyed, likewise.
    called_destroyed: Vec<Key>,
}

/// A record's address.
pub type Address = (String, String);

/// A worker calls a store.
pub fn touches(state: &mut WorldState, place: &str) {
    let Some(ours) = state.acting.organization.clone() else { return };
    if state.owner_of(place).is_some_and(|shop| shop.name != ours) {
        state.broke(promise::TRESPASS, || format!("{ours} touched {place}"));
    }
    let Some(request) = state.acting.request.clone() else { return };
    let unverified = |seen: &Seen| !seen.verified;
    if !state.cast.cases.is_empty() && state.oracle.requests.get(&request).is_some_and(unverified) {
        state.broke(promise::UNVERIFIED, || format!("{request} touched {place}"));
    }
    if state.oracle.requests.get(&request).is_some_and(|seen| seen.truth_is_due) {
        truth::take(state, &request);
    }
}

/// A store showed these to a worker.
pub fn found(state: &mut WorldState, place: &str, records: &[Found]) {
    let Some(request) = state.acting.request.clone() else { return };
    let Some(seen) = state.oracle.requests.get_mut(&request) else { return };
    for one in records {
        let key = one.record.key.get("id").or_else(|| one.record.key.get("key")).and_then(Value::as_str);
        let version = one.record.key.get("version").or_else(|| one.record.key.get("upload_id"));
        let version = version.map(Value::to_string).unwrap_or_default();
        // Where versions have no names of their own, a marker and what it replaces are two records all the same.
        let version = if one.record.key.get("marker").is_some() { format!("marker {version}") } else { version };
        seen.looked.entry((place.to_owned(), key.unwrap_or_default().to_owned())).or_default().insert(version);
    }
}

/// A reply is about to be lost: whoever waits for it cannot know what was done.
pub fn reply_lost(state: &mut WorldState) {
    let (Some(request), Some(batch)) = (state.acting.request.clone(), state.acting.batch) else { return };
    if let Some(seen) = state.oracle.requests.get_mut(&request) {
        seen.doubtful.insert(batch);
    }
}

/// A version, or a marker of somebody else that lay on nothing, was destroyed by a worker.
pub fn destroyed(state: &mut WorldState, record: &(String, String, u64)) {
    let (Some(request), Some(batch)) = (state.acting.request.clone(), state.acting.batch) else { return };
    if let Some(seen) = state.oracle.requests.get_mut(&request) {
        seen.purged.insert(record.clone(), batch);
    }
}

/// Something happened in a store.
pub fn saw_effect(state: &mut WorldState, effect: &Effect) {
    let record = (effect.place.clone(), effect.key.clone(), effect.version);
    match effect.deed {
        Deed::Removed | Deed::SoftDeleted => {
            let (request, batch, claimed) = (state.acting.request.clone(), state.acting.batch, state.acting.claimed);
            let native = effect.deed == Deed::SoftDeleted;
            let hid = Hid { batch: batch.unwrap_or_default(), at_ms: effect.at_ms, instant: effect.instant, claimed, native };
            if let Some(seen) = request.and_then(|r| state.oracle.requests.get_mut(&r)) {
                seen.hidden.insert(record.clone(), hid);
                seen.ever.insert(record, hid);
            }
        }
        Deed::PutBack | Deed::Undeleted => {
            returns::resurrects(state, effect);
            returns::asked_for(state, effect);
            for seen in state.oracle.requests.values_mut() {
                seen.hidden.remove(&record);
            }
        }
        Deed::Purged => {
            destroyed(state, &record);
            for seen in state.oracle.requests.values_mut() {
                seen.hidden.remove(&record);
            }
        }
        Deed::AppWrote | Deed::AppDeleted => {}
    }
}

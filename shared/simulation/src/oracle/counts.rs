//! What was counted, against what happened.

use super::seen::{Seen, number, text};
use crate::{
    promise::{self, Rule},
    stores::{Deed, Effect, size},
    world::WorldState,
};
use std::collections::BTreeSet;

type Broken = Vec<(Rule, String)>;

/// Every record of every step is in exactly one count, and counted as often as it happened.
pub fn judge(state: &WorldState, id: &str, seen: &Seen, broken: &mut Broken) {
    for (round, step, item) in state.steps_of(&seen.asked.organization, id) {
        let what = format!("{} of {id} in round {round}", text(item, "producer"));
        let count = |name: &str| number(item, name);
        let records = count("records");
        let ended: u64 = ["erased", "already_absent", "retained", "failed", "restored", "conflicts", "given_up"]
            .iter()
            .map(|n| count(n))
            .sum();
        let through = count("hide_batches") + count("staying");
        // What a cancelled round had not hidden stands as it was, and is no outcome of it.
        let cancelled = seen.cancelled || seen.closing && round == seen.round;
        let whole = through == count("batches") && count("batches") > 0 && !cancelled;
        if ended > records || (whole && ended != records) {
            broken.push((promise::MISCOUNTED, format!("{what}: {ended} of {records} are counted")));
        }
        if count("hide_records") > records || through > count("batches") || count("uncertain") > count("erased") {
            broken.push((promise::OVERCOUNTED, format!("{what}: more was processed than there is")));
        }
        let Some(producer) = state.producer_of(id, seen, round, step) else { continue };
        let mine = seen.hidden.iter().filter(|(_, h)| (h.batch.0, h.batch.1) == (round, step));
        let vault = text(item, "method") == "vault";
        // A row is one record whatever its version; each version of an object is one.
        let objects = producer.is_bucket();
        let version = |v: &u64| if objects { *v } else { 0 };
        let mut keys: BTreeSet<(&String, &String, u64)> = mine.map(|((place, key, v), _)| (place, key, version(v))).collect();
        let destroyed = seen.purged.iter().filter(|(_, batch)| (batch.0, batch.1) == (round, step));
        keys.extend(destroyed.map(|((place, key, v), _)| (place, key, version(v))));
        let (erased, uncertain) = (count("erased"), count("uncertain"));
        if count("failed_batches") == 0 && vault {
            let hidden = keys.len() as u64;
            // A record that is rewritten after a crash may be removed twice, or kept: it is one record all the same.
            let sure: BTreeSet<_> = keys.iter().filter(|k| !rewritten(state, seen, k)).collect();
            if hidden < erased - uncertain.min(erased)
                || sure.len() as u64 > erased + count("conflicts") + count("given_up") + count("failed")
            {
                broken.push((promise::MISCOUNTED, format!("{what}: {hidden} are away, {erased} counted, {uncertain} uncertain")));
            }
            let bytes: u64 = keys.iter().map(|(_, key, _)| size(key)).sum();
            if uncertain == 0 && hidden == erased && bytes != count("bytes_erased") {
                broken.push((
                    promise::MISCOUNTED_BYTES,
                    format!("{what}: {bytes} bytes are away, {} counted", count("bytes_erased")),
                ));
            }
        }
        // What lies under something newer is hidden by that: only its destruction is seen.
        let native = text(item, "method") == "native" && seen.phase.starts_with("completed");
        if native && count("failed_batches") == 0 && state.rules(&producer.place).expiry_ms.is_none() {
            let (destroyed, others) = (keys.len() as u64, gone_by_others(state, id, seen, round, &producer.place, false));
            if destroyed + uncertain + others < erased {
                broken.push((promise::MISCOUNTED, format!("{what}: {destroyed} are destroyed, {erased} counted")));
            }
        }
        // What a lifecycle drops nobody removed.
        if count("already_absent") > 0 && (vault || state.rules(&producer.place).expiry_ms.is_none()) {
            let others = gone_by_others(state, id, seen, round, &producer.place, true);
            if count("already_absent") > others {
                let absent = count("already_absent");
                broken.push((promise::ABSENT_BY_NOBODY, format!("{what}: {absent} are absent, others touched {others}")));
            }
        }
    }
}

fn rewritten(state: &WorldState, seen: &Seen, (place, key, _): &(&String, &String, u64)) -> bool {
    let hides = seen.ever.iter().filter(|((p, k, _), _)| (&p, &k) == (place, key));
    let first = hides.map(|(_, h)| h.instant).min().unwrap_or_default();
    state.shop.effects.iter().any(|e| (&&e.place, &&e.key) == (place, key) && e.instant > first && !e.deed.is_ours())
}

/// How many of a plan's records somebody else removed since it was looked for, or changed, too: of an object at most as
/// many versions as it was touched.
pub(super) fn gone_by_others(state: &WorldState, id: &str, seen: &Seen, round: u32, place: &str, changes: bool) -> u64 {
    let Some((found, since)) = seen.planned.get(&round) else { return u64::MAX };
    let others = found.iter().filter(|((p, _), _)| p == place).map(|((p, key), versions)| {
        let touched = |e: &&Effect| e.deed == Deed::AppDeleted || changes && e.deed == Deed::AppWrote;
        let destroyed = |e: &&Effect| {
            let own = seen.purged.contains_key(&(e.place.clone(), e.key.clone(), e.version));
            e.deed == Deed::Purged && !own
        };
        let by_app = |e: &&Effect| e.instant >= *since && e.place == *p && e.key == *key && (touched(e) || destroyed(e));
        let by_other = |s: &Seen| s.ever.keys().filter(|(q, k, _)| q == p && k == key).count();
        let app = state.shop.effects.iter().filter(by_app).count();
        let other: usize = state.oracle.requests.iter().filter(|(other, _)| *other != id).map(|(_, s)| by_other(s)).sum();
        versions.len().min(app + other) as u64
    });
    others.sum()
}

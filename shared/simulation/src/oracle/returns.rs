//! What comes back, and what a restore must have brought back when it ends.

use super::{
    Address,
    seen::{Seen, Wanted, number},
};
use crate::{
    promise,
    stores::{Deed, Effect, ObjectVersion, Versioning, bucket_of},
    world::WorldState,
};

/// Something came back: not what somebody else had deleted meanwhile.
pub fn resurrects(state: &mut WorldState, effect: &Effect) {
    let same = |e: &&Effect| e.place == effect.place && e.key == effect.key && e.instant <= effect.instant;
    let mut before = state.shop.effects.iter().rev().skip(1).filter(same);
    let last = before.next().map(|e| (e.deed, e.version));
    // Nor can a restore that died before it was confirmed tell that what it had put back was deleted since.
    let again = before.any(|e| e.deed == Deed::PutBack && e.version == effect.version);
    if effect.deed == Deed::PutBack
        && last == Some((Deed::AppDeleted, effect.version))
        && !again
        && !knowingly(state, &(effect.place.clone(), effect.key.clone()))
    {
        state.broke(promise::RESURRECTED, || format!("{}/{}", effect.place, effect.key));
    }
}

/// Something came back to whoever restores: it was asked for.
pub fn asked_for(state: &mut WorldState, effect: &Effect) {
    let Some(id) = state.acting.request.clone() else { return };
    let Some(seen) = state.oracle.requests.get(&id).filter(|s| s.phase == "restoring") else { return };
    let Some(wanted) = &seen.restoring else { return };
    let (round, step, _) = state.acting.batch.unwrap_or_default();
    let category = state.producer_of(&id, seen, round, step).map(|p| p.category).unwrap_or_default();
    let record = (effect.place.clone(), effect.key.clone());
    let named = wanted.named.as_ref().is_none_or(|named| *named == record && !wanted.give_up);
    if !named || !(wanted.categories.is_empty() || wanted.categories.contains(&category)) {
        state.broke(promise::UNASKED, || format!("{}/{} of {id}", effect.place, effect.key));
    }
}

/// Whoever asks for what is uncertain as well, or names a record, wants it back whoever removed it.
fn knowingly(state: &WorldState, record: &Address) -> bool {
    let seen = state.acting.request.as_ref().and_then(|id| state.oracle.requests.get(id));
    let wanted = seen.and_then(|seen| seen.restoring.as_ref());
    wanted.is_some_and(|wanted| wanted.uncertain || wanted.named.as_ref() == Some(record))
}

/// A marker is about to be taken away: not one by which somebody else deleted the object.
pub fn undeletes(state: &mut WorldState, bucket: &str, key: &str, marker: u64) {
    if state.oracle.markers_of_others.contains(&marker) && !knowingly(state, &(bucket.to_owned(), key.to_owned())) {
        state.broke(promise::RESURRECTED, || format!("{bucket}/{key}: the marker is the application's"));
    }
}

/// A restore ended: what it was to put back stands as it was, but where somebody else did something since.
pub fn restored(state: &mut WorldState, id: &str) {
    let Some(seen) = state.oracle.requests.get(id) else { return };
    let Some(Wanted { categories, uncertain: uncertain_too, .. }) = seen.restoring.clone().filter(|w| w.named.is_none()) else {
        return;
    };
    let uncertain: u64 = state.steps_of(&seen.asked.organization, id).iter().map(|(_, _, s)| number(s, "uncertain")).sum();
    let mut away = Vec::new();
    for ((place, key, _), hid) in seen.hidden.iter().filter(|(_, h)| h.batch.0 == seen.round) {
        let category = state.producer_of(id, seen, hid.batch.0, hid.batch.1).map(|p| p.category).unwrap_or_default();
        let wanted = categories.is_empty() || categories.contains(&category);
        let touched = state
            .shop
            .effects
            .iter()
            .rev()
            .take_while(|e| e.instant >= hid.instant)
            .any(|e| &e.place == place && &e.key == key && !(e.deed.is_ours() && e.instant == hid.instant));
        // Old versions of a bucket that is suspended cannot be put back below newer ones.
        let odd = !hid.native && state.rules(place).versioning == Versioning::Suspended;
        let resolved = seen.resolved.contains(&hid.batch);
        if wanted && !touched && !odd && !resolved && !state.is_refused(place, key) {
            away.push(format!("{place}/{key} of {id}"));
        }
    }
    let stood = standing(state, seen, &categories);
    let allowed = if uncertain_too { 0 } else { uncertain };
    if away.len() as u64 > allowed {
        let count = away.len();
        state.broke(promise::NOT_RESTORED, || format!("{} ({count} away, {uncertain} uncertain)", away[0]));
    }
    if let Some(seen) = state.oracle.requests.get_mut(id) {
        seen.given_back.extend(stood);
    }
}

/// The versions of the round's plan that stand, of these categories.
fn standing(state: &WorldState, seen: &Seen, categories: &[String]) -> Vec<(String, String, u64)> {
    let map = state.map_of(seen);
    let asked = |place: &str| {
        let mut of = map.producers.iter().filter(|p| p.place == bucket_of(place));
        of.any(|p| categories.is_empty() || categories.contains(&p.category))
    };
    let Some((planned, _)) = seen.planned.get(&seen.round) else { return vec![] };
    let mut all = Vec::new();
    for ((place, key), names) in planned.iter().filter(|((place, _), _)| asked(place)) {
        let stack = state.shop.buckets.get(place).and_then(|b| b.get(key)).into_iter().flatten();
        // What was never hidden is not given back: it was left. An old version is hidden by being old.
        let top = state.shop.buckets.get(place).and_then(|b| b.get(key)).and_then(|stack| stack.last()).map(|v| v.id);
        let gone = |v: &ObjectVersion| seen.ever.contains_key(&(place.clone(), key.clone(), v.id)) || Some(v.id) != top;
        let deleted = state.shop.effects.iter().any(|e| e.place == *place && e.key == *key && e.deed == Deed::AppDeleted);
        let stack = stack.filter(|v| deleted || gone(v));
        let meant = stack.filter(|v| !v.marker && (names.contains("") || names.contains(&v.name().to_string())));
        all.extend(meant.map(|v| (place.clone(), key.clone(), v.id)));
        // Nobody saw an upload, hidden or not.
        let uploads = state.shop.uploads.get(bucket_of(place)).filter(|_| bucket_of(place) != place).into_iter().flatten();
        let uploads = uploads.filter(|(own, id)| own == key && names.contains(&id.to_string()));
        all.extend(uploads.map(|(_, id)| (place.clone(), key.clone(), *id)));
    }
    all
}

//! At the end of a run.

use super::{
    counts, keys,
    log::audited,
    seen::{Seen, number, partition},
    witnesses,
};
use crate::{
    promise::{self, Rule},
    world::{World, WorldState},
};
use oubli_engine::ports::{Key, TableName};

/// Nothing but a store of theirs shows a person's name.
pub fn in_the_open(world: &World) {
    let mut state = world.lock();
    let names: Vec<String> = state.cast.people.iter().flat_map(|p| p.0.iter().map(|(_, name)| format!("\"{name}\""))).collect();
    let shown = |text: &str| {
        let text = text.to_lowercase();
        text.contains("@example.org") || names.iter().any(|n| text.contains(n))
    };
    let text = |item: &oubli_engine::ports::Item| serde_json::to_string(item).unwrap_or_default();
    let item = state.items.iter().find(|(k, i)| shown(&k.pk) || shown(&k.sk) || shown(&text(i))).map(|(k, _)| k.sk.clone());
    let object = |body: &[u8]| shown(&String::from_utf8_lossy(body));
    let objects = state.objects.iter().find(|(name, body)| shown(name) || object(body)).map(|(name, _)| name.clone());
    let entries = state.ledger.iter().find(|(name, o)| shown(name) || object(&o.body)).map(|(name, _)| name.clone());
    let messages = state.messages.iter().find(|m| shown(&format!("{:?}", m.message))).map(|_| "a message".to_owned());
    if let Some(place) = item.or(objects).or(entries).or(messages) {
        state.broke(promise::PLAIN_NAME, || place);
    }
}

/// Everything that is judged at the end.
pub fn verdict(world: &World) {
    in_the_open(world);
    let mut state = world.lock();
    let mut broken: Vec<(Rule, String)> = Vec::new();
    let all: Vec<(&String, &Seen)> = state.oracle.requests.iter().collect();
    for (id, seen) in all {
        if seen.phase.is_empty() {
            continue;
        }
        if !seen.is_over() {
            let waiting = if seen.waiting_for.is_empty() { "" } else { seen.waiting_for.as_str() };
            broken.push((promise::NEVER_ENDS, format!("{id} stands in {} {waiting}", seen.phase)));
            continue;
        }
        key_kept(&state, id, seen, &mut broken);
        if !seen.asked.export {
            counts::judge(&state, id, seen, &mut broken);
            purged(&state, id, seen, &mut broken);
        }
    }
    exports(&state, &mut broken);
    broken.extend(keys::ownerless(&state).into_iter().map(|how| (promise::OWNERLESS_KEY, how)));
    let shops: Vec<String> = state.cast.shops.iter().map(|s| s.name.clone()).collect();
    for shop in shops {
        audited(&state, &shop, &mut broken);
        witnesses::cosigned(&state, &shop, &mut broken);
    }
    for (rule, how) in broken {
        state.broke(rule, || how);
    }
}

/// Keys of a request that is over are gone.
fn key_kept(state: &WorldState, id: &str, seen: &Seen, broken: &mut Vec<(Rule, String)>) {
    let pk = partition(&seen.asked.organization, id);
    let mine = |key: &Key| key.table == TableName::Keys && key.pk.split_once('#').is_some_and(|(_, of)| of == pk);
    if let Some(key) = state.items.keys().find(|key| mine(key) && key.sk != "identity") {
        broken.push((promise::KEY_KEPT, format!("{} of {id}", key.sk)));
    }
}

/// What a request had hidden in a bucket is gone for good once it is complete, or cancelled and its window over; but what
/// is locked or refused, or named as such.
fn purged(state: &WorldState, id: &str, seen: &Seen, broken: &mut Vec<(Rule, String)>) {
    if !seen.phase.starts_with("completed") && seen.phase != "cancelled" {
        return;
    }
    let steps = state.steps_of(&seen.asked.organization, id);
    let mut unhandled: u64 =
        steps.iter().map(|(_, _, s)| number(s, "failed") + number(s, "conflicts") + number(s, "given_up")).sum();
    for ((place, key, version), hid) in &seen.hidden {
        let stack = state.shop.buckets.get(place).and_then(|b| b.get(key));
        let kept = stack.and_then(|s| s.iter().find(|v| v.id == *version));
        let left = hid.native && kept.is_some_and(|v| v.locked_until.is_none()) && !state.is_refused(place, key);
        if left && unhandled > 0 {
            unhandled -= 1;
        } else if left {
            broken.push((promise::NEVER_PURGED, format!("{place}/{key} of {id}")));
        }
    }
}

fn exports(state: &WorldState, broken: &mut Vec<(Rule, String)>) {
    for (name, body) in &state.shelf.objects {
        if body.windows(12).any(|w| w == b"@example.org") {
            broken.push((promise::PLAIN_EXPORT, name.clone()));
        }
        let over = state.oracle.requests.iter().find(|(id, s)| name.contains(id.as_str()) && s.is_over());
        if let Some((id, seen)) = over {
            broken.push((promise::EXPORT_KEPT, format!("{id} is {}", seen.phase)));
        }
    }
}

/// Long after: nothing names anybody, however requests ended.
pub fn forgotten(world: &World) {
    let mut state = world.lock();
    let named = state.items.keys().filter(|k| k.table == TableName::Keys && k.sk == "identity");
    let ids: Vec<String> = named.filter_map(|k| k.pk.rsplit('#').next()).map(str::to_owned).collect();
    let flags = state.items.keys().find(|k| k.sk.starts_with("exception#")).map(|k| format!("{} of {}", k.sk, k.pk));
    if let Some(how) = flags {
        state.broke(promise::FLAGS_KEPT, || how);
    }
    if let Some(how) = keys::ownerless(&state).into_iter().next() {
        state.broke(promise::OWNERLESS_KEY, || how);
    }
    // Those of holds go with their words.
    let request = |id: &String| state.oracle.requests.get(id).filter(|seen| !seen.phase.is_empty());
    let kept = ids.iter().find_map(|id| request(id).map(|seen| format!("{id}, {}", seen.phase)));
    if let Some(how) = kept {
        state.broke(promise::NOT_FORGOTTEN, || how);
    }
}

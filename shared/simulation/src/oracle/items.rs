//! What the table shows of requests, plans, decisions, batches and events as it changes.

use super::{
    returns,
    seen::{Decided, Seen, number, text},
    truth,
};
use crate::{promise, world::State};
use oubli_engine::ports::{Item, Key, TableName};
use serde_json::Value;

fn numbers(sk: &str) -> Vec<u32> {
    sk.split('#').skip(1).map(|p| p.parse().unwrap_or_default()).collect()
}

/// An item is written.
pub fn saw_item(state: &mut State, key: &Key, before: Option<&Item>, after: &Item) {
    if let Some(organization) = key.pk.strip_suffix("#outbox").and_then(|pk| pk.strip_prefix("org#")) {
        *state.oracle.outbox.entry((organization.to_owned(), key.sk.clone())).or_default() += 1;
        return;
    }
    let Some((_, id)) = key.pk.split_once("#request#") else { return };
    if key.sk == "request" && key.table == TableName::Jobs {
        saw_request(state, id, after);
    } else if let Some(round) = key.sk.strip_prefix("plan#").and_then(|r| r.parse().ok()) {
        if let Some(seen) = state.oracle.requests.get_mut(id) {
            let (looked, since) = (seen.looked.clone(), seen.looking_since);
            // The look that confirms a plan adds nothing that this plan did not have.
            seen.planned.entry(round).or_insert((looked, since));
        }
    } else if let Some(round) = key.sk.strip_prefix("decision#").and_then(|r| r.parse().ok()) {
        let (actor, exclusions) = (state.acting.actor, state.acting.exclusions.clone());
        let approved = after.get("approved") == Some(&Value::Bool(true));
        if approved && actor.is_none() && !state.cast.shops.is_empty() {
            state.broke(promise::UNDECIDED, || format!("{id}: no person decided on round {round}"));
        }
        if let Some(seen) = state.oracle.requests.get_mut(id) {
            let run = seen.run;
            seen.decisions.insert(round, Decided { approved, actor, exclusions, run });
        }
    } else if key.sk.starts_with("batch#") {
        saw_batch(state, id, key, before, after);
    }
}

fn saw_batch(state: &mut State, id: &str, key: &Key, before: Option<&Item>, after: &Item) {
    let was = before.map(|b| text(b, "state")).unwrap_or_default();
    let is = text(after, "state");
    let outcomes = text(after, "outcomes");
    if before.is_some_and(|b| text(b, "outcomes") != outcomes) {
        state.note(|| format!("{} is {is}: {outcomes}", key.sk));
    }
    if is == "claimed" && before.is_some_and(|b| number(b, "fence") < number(after, "fence")) {
        if let [round, step, batch] = numbers(&key.sk)[..] {
            state.acting.batch = Some((round, step, batch));
            state.acting.claimed = state.instant;
        }
    } else if was == "claimed"
        && is != "claimed"
        && is != "failed"
        && number(after, "attempts") == 0
        && let Some(seen) = state.oracle.requests.get_mut(id)
    {
        seen.confirmed += 1;
    }
}

fn saw_request(state: &mut State, id: &str, item: &Item) {
    let (instant, now_ms) = (state.instant, state.now_ms);
    let restore = state.acting.actor.and(state.acting.restore.clone());
    let erasure = state.oracle.requests.get(text(item, "prior_to")).map(|s| s.asked.who.clone());
    let seen = state.oracle.requests.entry(id.to_owned()).or_default();
    if let Some(who) = erasure {
        seen.asked.who = who;
    }
    let was = seen.phase.clone();
    let inner = item.get("state");
    seen.phase = inner.and_then(|s| s.get("phase")).and_then(Value::as_str).unwrap_or_default().to_owned();
    seen.cancelled = inner.and_then(|s| s.get("cancelled")).and_then(Value::as_bool).unwrap_or_default();
    seen.run = number(item, "run");
    seen.round = u32::try_from(number(item, "round")).unwrap_or_default();
    seen.map_version = number(item, "map_version");
    seen.slot = item.get("slot").is_some_and(Value::is_number);
    seen.cleaned = item.get("cleaned") == Some(&Value::Bool(true));
    seen.waiting_for = text(item, "waiting_for").to_owned();
    seen.asked.export |= text(item, "kind") == "export";
    if seen.asked.organization.is_empty() {
        seen.asked.organization = text(item, "organization").to_owned();
    }
    let phase = seen.phase.clone();
    seen.runs.entry(seen.run).or_insert((phase.clone(), instant));
    if was != phase {
        if phase == "hiding" {
            seen.hiding_since.entry(seen.round).or_insert(now_ms);
        }
        let told = format!("{id} is {phase}");
        changed(seen, &was, &phase, instant, restore);
        if was == "restoring" && matches!(phase.as_str(), "recoverable" | "restored") {
            returns::restored(state, id);
        }
        if phase.starts_with("completed") {
            state.oracle.ended.push(id.to_owned());
        }
        if phase == "available" {
            opened(state, text(item, "prior_to"), instant);
        }
        bounded(state, id);
        state.note(|| told);
    }
}

fn changed(seen: &mut Seen, was: &str, phase: &str, instant: u64, restore: Option<(Vec<String>, bool)>) {
    match phase {
        "discovering" | "verifying" => {
            // One that failed while it looked goes on with what it found.
            if was != "failed" {
                seen.looked.clear();
                seen.looking_since = instant;
                seen.truth = None;
            }
            seen.truth_is_due = phase == "verifying";
        }
        "restoring" if was != "failed" => seen.restoring = restore,
        _ => {}
    }
    if seen.cancelled && !matches!(phase, "settling" | "failed") {
        seen.settled.get_or_insert(instant);
    }
}

/// The export that was to go before an erasure can be opened.
fn opened(state: &mut State, erasure: &str, instant: u64) {
    if let Some(seen) = state.oracle.requests.get_mut(erasure) {
        seen.exported.get_or_insert(instant);
    }
}

/// As many requests hide and destroy at once as the organization lets.
fn bounded(state: &mut State, id: &str) {
    let Some(organization) = state.oracle.requests.get(id).map(|s| s.asked.organization.clone()) else { return };
    let Some(slots) = state.shop_named(&organization).map(|s| s.slots as usize) else { return };
    // A request that is tried again takes a slot before it works.
    let works = |s: &&Seen| s.slot && matches!(s.phase.as_str(), "hiding" | "purging");
    let mine = state.oracle.requests.values().filter(|s| s.asked.organization == organization);
    let working = mine.filter(works).count();
    if working > slots {
        state.broke(promise::SLOTS, || format!("{working} requests of {organization} work, {slots} may"));
    }
}

/// A transaction is whole.
pub fn after_transaction(state: &mut State) {
    for id in std::mem::take(&mut state.oracle.ended) {
        truth::judge(state, &id);
    }
}

/// A copy of a person is made while what they have is taken away.
pub fn exported_while_touched(state: &State) -> bool {
    let all = state.oracle.requests.values();
    // A purge that gave up its slot stands still: a hold keeps it.
    let touches = |s: &&Seen| matches!(s.phase.as_str(), "hiding" | "settling") || (s.phase == "purging" && s.slot);
    let meets = |a: &Seen, b: &Seen| a.asked.organization == b.asked.organization && a.asked.who.meets(&b.asked.who);
    all.clone().filter(|s| s.phase == "packaging").any(|copy| all.clone().filter(touches).any(|t| meets(copy, t)))
}

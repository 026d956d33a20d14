//! What the table shows of requests, plans, decisions, batches and events as it changes.

use super::{
    counts::gone_by_others,
    returns,
    seen::{Decided, Seen, Wanted, number, text},
    truth,
};
use crate::{promise, world::WorldState};
use oubli_engine::ports::{Item, Key, TableName};
use serde_json::Value;

fn numbers(sk: &str) -> Vec<u32> {
    sk.split('#').skip(1).map(|p| p.parse().unwrap_or_default()).collect()
}

/// An item is written.
pub fn saw_item(state: &mut WorldState, key: &Key, before: Option<&Item>, after: &Item) {
    if let Some(organization) = key.pk.strip_suffix("#outbox").and_then(|pk| pk.strip_prefix("org#")) {
        *state.oracle.outbox.entry((organization.to_owned(), key.sk.clone())).or_default() += 1;
        return;
    }
    let Some((_, id)) = key.pk.split_once("#request#") else { return };
    if let Some(round) = key.sk.strip_prefix("person#").and_then(|r| r.parse().ok()) {
        saw_person(state, id, round);
    } else if key.sk == "request" && key.table == TableName::Control {
        saw_request(state, id, after);
    } else if let Some(round) = key.sk.strip_prefix("plan#").and_then(|r| r.parse().ok()) {
        if let Some(seen) = state.oracle.requests.get_mut(id) {
            let (looked, since) = (seen.looked.clone(), seen.looking_since);
            // The look that confirms a plan adds nothing that this plan did not have.
            seen.planned.entry(round).or_insert((looked, since));
        }
        saw_plan(state, id, round, number(after, "map_version"));
    } else if let Some(round) = key.sk.strip_prefix("decision#").and_then(|r| r.parse().ok()) {
        let (actor, exclusions, until) = (state.acting.actor, state.acting.exclusions.clone(), state.acting.until);
        let approved = after.get("approved") == Some(&Value::Bool(true));
        unseen(state, id, approved && actor.is_some());
        if approved && actor.is_none() && !state.cast.shops.is_empty() {
            state.broke(promise::UNDECIDED, || format!("{id}: no person decided on round {round}"));
        }
        if let Some(seen) = state.oracle.requests.get_mut(id) {
            seen.decisions.insert(round, Decided { approved, actor, exclusions, until });
        }
    } else if key.sk.starts_with("batch#") {
        saw_batch(state, id, key, before, after);
    } else if let Some(step) = key.sk.strip_prefix("step#").filter(|_| destroyed(after) && !before.is_some_and(destroyed)) {
        let vault = Key { table: TableName::Keys, pk: format!("vault#{}", key.pk), sk: format!("vault#{step}") };
        state.oracle.called_destroyed.push(vault);
    }
}

/// Whoever is meant in a round is known.
fn saw_person(state: &mut WorldState, id: &str, round: u32) {
    let Some(seen) = state.oracle.requests.get(id) else { return };
    let untold = state.led_to_by_nobody(&seen.asked.organization, &seen.asked.who.and(&seen.named));
    if let Some(seen) = state.oracle.requests.get_mut(id) {
        seen.untold.insert(round, untold);
    }
}

/// Whoever made a plan looked for the person before: what stands now, as it always did, stood then.
fn saw_plan(state: &mut WorldState, id: &str, round: u32, version: u64) {
    let Some(seen) = state.oracle.requests.get(id) else { return };
    let Some(shop) = state.shop_named(&seen.asked.organization) else { return };
    let place = usize::try_from(version).unwrap_or_default().max(1) - 1;
    let Some(map) = shop.maps.get(place) else { return };
    let told = state.told(&shop.name, map, &seen.asked.who, &seen.surely_named);
    let instant = state.instant;
    if let Some(seen) = state.oracle.requests.get_mut(id) {
        for name in &told.theirs.0 {
            seen.known.entry(name.clone()).or_insert(instant);
        }
        seen.told.insert(round, told);
    }
}

fn destroyed(step: &Item) -> bool {
    step.get("key_destroyed") == Some(&Value::Bool(true))
}

/// A person approves the plan that was shown to them. Only the first may be approved without naming it.
fn unseen(state: &mut WorldState, id: &str, by_person: bool) {
    let Some(seen) = state.oracle.requests.get(id).filter(|_| by_person) else { return };
    let (shown, plans, newest) = (state.acting.shown.clone(), seen.plans.len(), seen.plans.last().cloned());
    let another = if shown.is_some() { shown != newest } else { plans > 1 };
    if another {
        state.broke(promise::UNSEEN, || format!("{id}: {plans} plans, the person named {shown:?}, approved was {newest:?}"));
    }
}

fn saw_batch(state: &mut WorldState, id: &str, key: &Key, before: Option<&Item>, after: &Item) {
    let was = before.map(|b| text(b, "state")).unwrap_or_default();
    let is = text(after, "state");
    let outcomes = text(after, "outcomes");
    if before.is_some_and(|b| text(b, "outcomes") != outcomes) {
        state.note(|| format!("{} is {is}: {outcomes}", key.sk));
    }
    uncertain(state, id, &numbers(&key.sk), before, after);
    if is == "failed"
        && let ([round, step, batch], Some(seen)) = (&numbers(&key.sk)[..], state.oracle.requests.get_mut(id))
    {
        seen.hopeless.insert((*round, *step, *batch));
    }
    if is == "claimed" && before.is_some_and(|b| number(b, "fence") < number(after, "fence")) {
        if let [round, step, batch] = numbers(&key.sk)[..] {
            state.acting.batch = Some((round, step, batch));
            state.acting.claimed = state.instant;
            if let Some(seen) = state.oracle.requests.get_mut(id)
                && !seen.claimed.insert((round, step, batch))
            {
                seen.doubtful.insert((round, step, batch));
            }
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

/// Whoever was answered knows what they did: only what a reply was lost of, what was claimed again, and what others
/// touched, may be uncertain.
fn uncertain(state: &mut WorldState, id: &str, numbers: &[u32], before: Option<&Item>, after: &Item) {
    let many = |item: &Item| outcomes(text(item, "outcomes"), 'u');
    let count = many(after);
    let [round, step, batch] = *numbers else { return };
    if count <= before.map(many).unwrap_or_default() {
        return;
    }
    let Some(seen) = state.oracle.requests.get(id) else { return };
    let Some(producer) = state.producer_of(id, seen, round, step) else { return };
    let others = gone_by_others(state, id, seen, round, &producer.place, true);
    if !seen.doubtful.contains(&(round, step, batch)) && count > others {
        state.broke(promise::UNCERTAIN, || {
            format!("{count} of batch {batch} of {} of {id} in round {round}, others touched {others}", producer.name)
        });
    }
}

/// How many outcomes of this code there are in runs such as `998e2u`.
fn outcomes(runs: &str, code: char) -> u64 {
    let mut number = String::new();
    let mut sum = 0;
    for letter in runs.chars() {
        if letter.is_ascii_digit() {
            number.push(letter);
        } else {
            sum += if letter == code { number.parse().unwrap_or(1) } else { 0 };
            number.clear();
        }
    }
    sum
}

fn saw_request(state: &mut WorldState, id: &str, item: &Item) {
    let (instant, now_ms) = (state.instant, state.now_ms);
    let window = state.window_ms(text(item, "organization"));
    // Policy, too, goes on without what failed.
    let resolves = state.acting.resolves || state.acting.actor.is_none();
    let restore = state.acting.actor.and(state.acting.restore.clone());
    let erasure = state.oracle.requests.get(text(item, "prior_to")).map(|s| (s.asked.who.clone(), s.verified));
    let seen = state.oracle.requests.entry(id.to_owned()).or_default();
    if let Some((who, verified)) = erasure {
        (seen.asked.who, seen.verified) = (who, verified);
    }
    let digest = text(item, "plan_digest");
    if !digest.is_empty() && seen.plans.last().is_none_or(|last| last != digest) {
        seen.plans.push(digest.to_owned());
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
    seen.closing = item.get("closing").is_some_and(|why| !why.is_null());
    seen.asked.export |= text(item, "kind") == "export";
    if seen.asked.organization.is_empty() {
        seen.asked.organization = text(item, "organization").to_owned();
    }
    let phase = seen.phase.clone();
    seen.runs.entry(seen.run).or_insert((phase.clone(), instant));
    if was != phase {
        if phase == "hiding" {
            seen.hiding_since.entry(seen.round).or_insert(now_ms);
            seen.windows.entry(seen.round).or_insert(window);
        }
        let told = format!("{id} is {phase}");
        let failed = std::mem::take(&mut seen.hopeless);
        match (was.as_str(), phase.as_str()) {
            (_, "failed") => seen.hopeless = failed,
            ("failed", _) if resolves => seen.resolved.extend(failed),
            (_, "restoring") => seen.resolved.clear(),
            _ => {}
        }
        changed(seen, &was, &phase, instant, restore);
        if was == "restoring" && matches!(phase.as_str(), "recoverable" | "restored" | "verifying") {
            returns::restored(state, id);
        }
        if was == "restoring"
            && phase != "failed"
            && let Some(seen) = state.oracle.requests.get_mut(id)
        {
            seen.restoring = None;
        }
        if phase.starts_with("completed") {
            state.oracle.ended.push(id.to_owned());
        }
        let undone = matches!(phase.as_str(), "rejected" | "cancelled" | "restored");
        if undone && state.oracle.requests.get(id).is_some_and(|seen| seen.destroyed) {
            state.broke(promise::UNDONE, || format!("{id} is {phase}"));
        }
        if phase == "available" {
            opened(state, text(item, "prior_to"), instant);
        }
        bounded(state, id);
        state.note(|| told);
    }
}

fn changed(seen: &mut Seen, was: &str, phase: &str, instant: u64, restore: Option<Wanted>) {
    match phase {
        // A later round is over, and nobody looks again: its look is the last.
        "verifying" if seen.closing => {}
        "discovering" | "verifying" => {
            seen.destroyed |= was == "purging";
            // One that failed while it looked goes on with what it found.
            if was != "failed" {
                seen.looked.clear();
                seen.looking_since = instant;
                seen.truth = None;
            }
            seen.truth_is_due = phase == "verifying" || seen.destroyed;
        }
        "restoring" if was != "failed" => {
            seen.given_up.extend(restore.iter().filter(|w| w.give_up).filter_map(|w| w.named.clone()));
            seen.restoring = restore;
        }
        _ => {}
    }
    if seen.cancelled && !matches!(phase, "settling" | "failed") {
        seen.settled.get_or_insert(instant);
    }
}

/// The export that was to go before an erasure can be opened.
fn opened(state: &mut WorldState, erasure: &str, instant: u64) {
    if let Some(seen) = state.oracle.requests.get_mut(erasure) {
        seen.exported.get_or_insert(instant);
    }
}

/// As many requests hide and destroy at once as the organization lets.
fn bounded(state: &mut WorldState, id: &str) {
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
pub fn after_transaction(state: &mut WorldState) {
    for id in std::mem::take(&mut state.oracle.ended) {
        truth::judge(state, &id);
    }
    for vault in std::mem::take(&mut state.oracle.called_destroyed) {
        if state.items.contains_key(&vault) {
            state.broke(promise::KEY_KEPT, || format!("{} is called destroyed", vault.sk));
        }
    }
}

/// A copy of a person is made while what they have is taken away.
pub fn exported_while_touched(state: &WorldState) -> bool {
    let all = state.oracle.requests.values();
    // A purge that gave up its slot stands still: a hold keeps it.
    let touches = |s: &&Seen| matches!(s.phase.as_str(), "hiding" | "settling") || (s.phase == "purging" && s.slot);
    all.clone().filter(|s| s.phase == "packaging").any(|copy| all.clone().filter(touches).any(|t| copy.same_person(t)))
}

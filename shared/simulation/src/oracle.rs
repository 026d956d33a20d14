//! What must hold, judged from what stores, table and log look like; the engine is not asked.

use crate::{
    log::signing_key,
    people::{self, Act},
    stores::{Deed, Effect, INDEX_LAG_MS},
    world::{State, World},
};
use ct_merkle::mem_backed_tree::MemoryBackedTree as CtMerkleTree;
use oubli_domain::{
    audit::{AuditEntry, GENESIS},
    ids::RequestId,
    ledger::{Checkpoint, LogKey, Root, WIDTH, bundle_entries, bundle_name, check_leaf, origin},
};
use oubli_engine::ports::{Item, TableName};
use serde_json::Value;
use sha2::Sha256;
use std::collections::{BTreeMap, BTreeSet};

/// When holds were in force, in instants: from the answer to their placing, to the call that releases them.
#[derive(Debug, Default)]
pub struct HoldTimes {
    placed: BTreeMap<u128, u64>,
    released: BTreeMap<u128, u64>,
}

impl HoldTimes {
    /// Somebody begins to do this.
    pub fn asked(&mut self, act: Act, instant: u64) {
        if let Act::ReleaseHold(n) = act {
            self.released.entry(n).or_insert(instant);
        }
    }

    /// Whether this hold was placed.
    pub fn is_placed(&self, n: u128) -> bool {
        self.placed.contains_key(&n)
    }

    /// It was done.
    pub fn answered(&mut self, act: Act, instant: u64) {
        if let Act::PlaceHold(n) | Act::PlaceHoldOnOrders(n) = act {
            self.placed.entry(n).or_insert(instant);
        }
    }

    /// Since when a place is held without interruption up to now.
    fn held_since(&self, place: &str) -> Option<u64> {
        let covers = |n: u128| people::covers_everything(n) || matches!(place, "orders" | "lines");
        let in_force = self.placed.iter().filter(|(n, _)| covers(**n) && !self.released.contains_key(n));
        in_force.map(|(_, since)| *since).min()
    }
}

fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn number(item: &Item, name: &str) -> u64 {
    item.get(name).and_then(Value::as_u64).unwrap_or_default()
}

fn requests(state: &State) -> Vec<&Item> {
    all_requests(state).into_iter().filter(|r| text(r, "kind") != "export").collect()
}

fn all_requests(state: &State) -> Vec<&Item> {
    state.items.iter().filter(|(k, _)| k.table == TableName::Jobs && k.sk == "request").map(|(_, i)| i).collect()
}

fn request_item(state: &State, n: u128) -> Option<&Item> {
    let id = people::request(n).to_string();
    all_requests(state).into_iter().find(|i| text(i, "id") == id)
}

fn phase_of(item: &Item) -> &str {
    item.get("state").and_then(|s| s.get("phase")).and_then(Value::as_str).unwrap_or_default()
}

fn cancelled(item: &Item) -> bool {
    item.get("state").and_then(|s| s.get("cancelled")).and_then(Value::as_bool).unwrap_or_default()
}

/// The phase of the request of this number.
pub fn phase(state: &State, n: u128) -> Option<String> {
    request_item(state, n).map(|i| phase_of(i).to_owned())
}

const FINAL: [&str; 6] = ["restored", "completed", "completed_with_exceptions", "rejected", "cancelled", "expired"];

/// Whether a copy is made of what is being taken away, as far as the table says.
pub fn exported_while_touched(state: &State) -> bool {
    let is = |phases: &[&str]| all_requests(state).iter().any(|r| phases.contains(&phase_of(r)));
    // A purge that gave up its slot stands still: a hold keeps it.
    let purges = all_requests(state).iter().any(|r| phase_of(r) == "purging" && r.contains_key("slot"));
    is(&["packaging"]) && (is(&["hiding", "settling"]) || purges)
}

/// Every export, and its phase.
pub fn exports(state: &State) -> Vec<(RequestId, String)> {
    let exports = all_requests(state).into_iter().filter(|r| text(r, "kind") == "export");
    exports.filter_map(|r| Some((text(r, "id").parse().ok()?, phase_of(r).to_owned()))).collect()
}

/// Whether every request has come to its end and is cleaned up.
pub fn all_final(state: &State) -> bool {
    all_requests(state).iter().all(|r| FINAL.contains(&phase_of(r)) && r.get("cleaned") == Some(&Value::Bool(true)))
}

/// How requests ended.
pub fn endings(state: &State) -> Vec<String> {
    requests(state).iter().map(|r| format!("{}{}", phase_of(r), if cancelled(r) { " (cancelled)" } else { "" })).collect()
}

fn steps(state: &State, request: &Item) -> Vec<Item> {
    let partition = text(request, "pk");
    state.items.iter().filter(|(k, _)| k.pk == partition && k.sk.starts_with("step#")).map(|(_, i)| i.clone()).collect()
}

/// P2, while holds are in force and nothing is under way.
pub fn while_held(world: &World, holds: &HoldTimes) {
    let mut state = world.lock();
    let uncertain: u64 = requests(&state).iter().flat_map(|r| steps(&state, r)).map(|s| number(&s, "uncertain")).sum();
    let mut gone = 0;
    let mut broken = Vec::new();
    for effect in state.shop.effects.clone() {
        let Some(since) = holds.held_since(&effect.place).filter(|since| effect.instant > *since) else { continue };
        match effect.deed {
            Deed::Removed => {
                let later = state.shop.effects.iter().any(|e| {
                    e.instant >= effect.instant
                        && e.place == effect.place
                        && e.key == effect.key
                        && !matches!(e.deed, Deed::Removed)
                });
                gone += u64::from(!later);
            }
            Deed::Expunged if !purging_before(&state, since) => {
                broken.push(format!("{}/{} was destroyed under a hold", effect.place, effect.key))
            }
            _ => {}
        }
    }
    if gone > uncertain {
        broken.push(format!("{gone} records removed under a hold are gone, {uncertain} of them accounted for"));
    }
    for (partition, purpose, instant) in state.keys_destroyed.clone() {
        let place = match purpose.rsplit('#').next() {
            Some("000") => "lines",
            Some("001") => "orders",
            Some("002") => "invoices",
            _ => "files",
        };
        // What is over hides nothing: its keys protect only copies of what stands.
        let seen = state.states_seen.iter().filter(|((id, _), (_, at))| partition.ends_with(id.as_str()) && *at <= instant);
        let latest = seen.max_by_key(|((_, run), _)| *run).map(|(_, (phase, _))| phase.clone()).unwrap_or_default();
        let over = FINAL.iter().any(|f| latest.contains(&format!("\"{f}\"")));
        if !over && holds.held_since(place).is_some_and(|since| instant > since) {
            broken.push(format!("the vault key of {place} was destroyed under a hold"));
        }
    }
    for how in broken {
        state.break_promise("P2", how);
    }
}

fn purging_before(state: &State, instant: u64) -> bool {
    state.states_seen.values().any(|(phase, seen)| phase.contains("purging") && *seen <= instant)
}

/// Everything else, at the end.
pub fn verdict(world: &World) {
    let mut state = world.lock();
    let mut broken: Vec<(&'static str, String)> = Vec::new();
    for request in requests(&state) {
        let id = text(request, "id");
        if !FINAL.contains(&phase_of(request)) {
            broken.push(("it ends", format!("{id} stands in {} ({})", phase_of(request), text(request, "waiting_for"))));
            continue;
        }
        if phase_of(request).starts_with("completed") {
            nothing_left(&state, request, &mut broken);
        }
        counted_once(&state, request, &mut broken);
        nothing_kept(&state, request, &mut broken);
    }
    restored(&state, &mut broken);
    approved(&state, &mut broken);
    exported_first(&state, &mut broken);
    nothing_resurrected(&state, &mut broken);
    audited(&state, &mut broken);
    for (promise, how) in broken {
        state.break_promise(promise, how);
    }
}

fn last_of_ours(state: &State, place: &str, key: &str) -> Option<Deed> {
    let ours = |d: Deed| matches!(d, Deed::Removed | Deed::PutBack | Deed::Concealed | Deed::Revealed | Deed::Expunged);
    state.shop.effects.iter().rev().find(|e| e.place == place && e.key == key && ours(e.deed)).map(|e| e.deed)
}

/// P3: the verifying discovery began with nothing of the subject left.
fn nothing_left(state: &State, request: &Item, broken: &mut Vec<(&str, String)>) {
    let partition = text(request, "pk");
    let verified = state
        .items
        .iter()
        .filter(|(k, _)| k.pk == partition && k.sk.starts_with("plan#"))
        .filter_map(|(_, i)| text(i, "discovered_at").parse::<jiff::Timestamp>().ok())
        .max();
    let Some(verified) = verified else { return };
    let old = |written: i64| written + INDEX_LAG_MS < verified.as_millisecond();
    let restored = |place: &str, key: &str| matches!(last_of_ours(state, place, key), Some(Deed::PutBack | Deed::Revealed));
    let empty = BTreeMap::new();
    let rows = |table: &str| state.shop.tables.get(table).unwrap_or(&empty).clone();
    for (key, row) in rows("orders") {
        let theirs = row.fields.get("owner").map(String::as_str) == Some(people::SUBJECT)
            || row.fields.get("email").map(String::as_str) == Some(people::EMAIL);
        if theirs && old(row.written_ms) && !restored("orders", &key) {
            broken.push(("P3", format!("orders/{key} was left behind")));
        }
    }
    let removed: BTreeSet<&str> =
        state.shop.effects.iter().filter(|e| e.place == "orders" && e.deed == Deed::Removed).map(|e| e.key.as_str()).collect();
    for (key, row) in rows("lines") {
        let order = row.fields.get("order").cloned().unwrap_or_default();
        let orphan = removed.contains(order.as_str()) && !rows("orders").contains_key(&order);
        if orphan && old(row.written_ms) && !restored("lines", &key) {
            broken.push(("P3", format!("lines/{key} was left behind")));
        }
    }
    if rows("invoices").contains_key("i2") && !restored("invoices", "i2") {
        broken.push(("P3", "invoices/i2 was left behind".to_owned()));
    }
    if !rows("invoices").contains_key("i1") {
        broken.push(("P2", "invoices/i1 is gone, which tax law keeps".to_owned()));
    }
    for (key, versions) in state.shop.buckets.get("files").into_iter().flatten() {
        let theirs = key.starts_with("u/alice/");
        if theirs && versions.iter().any(|v| old(v.written_ms)) && !restored("files", key) {
            broken.push(("P3", format!("files/{key} was left behind")));
        }
        if !theirs && versions.iter().any(|v| v.marker) {
            broken.push(("P1", format!("files/{key} of somebody else was hidden")));
        }
    }
    for (table, key) in [("orders", "x1"), ("lines", "x2")] {
        if !rows(table).contains_key(key) {
            broken.push(("P1", format!("{table}/{key} of somebody else is gone")));
        }
    }
}

/// P4: every record of every step that was hidden is in exactly one count, and counted as often as it happened.
fn counted_once(state: &State, request: &Item, broken: &mut Vec<(&str, String)>) {
    let was_cancelled = cancelled(request);
    let undone = state.shop.effects.iter().any(|e| matches!(e.deed, Deed::PutBack | Deed::Revealed));
    let alone = requests(state).len() == 1;
    let mut certain: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for step in steps(state, request) {
        let hidden = ["erased", "already_absent", "retained", "failed", "restored", "conflicts"]
            .iter()
            .map(|n| number(&step, n))
            .sum::<u64>();
        let (producer, records) = (format!("{} ({})", text(&step, "producer"), text(&step, "sk")), number(&step, "records"));
        let executed = number(&step, "hide_batches") > 0;
        let whole = executed && !was_cancelled;
        if hidden > records || (whole && hidden != records) {
            broken.push(("P4", format!("{producer}: {hidden} of {records} records are counted")));
        }
        if number(&step, "hide_records") > records || number(&step, "hide_batches") > number(&step, "batches") {
            broken.push(("P4", format!("{producer}: more was processed than there is")));
        }
        if number(&step, "uncertain") > number(&step, "erased") {
            broken.push(("P4", format!("{producer}: more is uncertain than erased")));
        }
        let sums = certain.entry(text(&step, "producer").to_owned()).or_default();
        sums.0 += number(&step, "erased") - number(&step, "uncertain").min(number(&step, "erased"));
        sums.1 += number(&step, "erased") + number(&step, "conflicts");
    }
    if !undone && alone {
        for table in ["orders", "lines", "invoices"] {
            let ours = state.shop.effects.iter().filter(|e| e.place == table && e.deed == Deed::Removed);
            let removed = ours.clone().count() as u64;
            // A record rewritten after a crash may be removed twice, or kept: it is one record all the same.
            let rewritten = |e: &&Effect| {
                state
                    .shop
                    .effects
                    .iter()
                    .any(|l| l.place == table && l.key == e.key && l.instant > e.instant && l.deed == Deed::AppWrote)
            };
            let records = ours.filter(|e| !rewritten(e)).map(|e| e.key.as_str()).collect::<BTreeSet<_>>().len() as u64;
            let (sure, all) = certain.get(table).copied().unwrap_or_default();
            if removed < sure || records > all {
                broken.push(("P4", format!("{table}: {removed} records were removed, {sure} to {all} are counted")));
            }
        }
    }
}

/// P5 and P10: keys and objects of a request that is over are gone.
fn nothing_kept(state: &State, request: &Item, broken: &mut Vec<(&str, String)>) {
    let partition = text(request, "pk");
    let key = state.items.keys().find(|k| k.table == TableName::Keys && k.pk == partition && k.sk != "identity");
    if let Some(key) = key {
        broken.push(("P5", format!("the key {} is still there", key.sk)));
    }
}

/// P5: a wholly restored request leaves every record as it was, but where the application did something since.
fn restored(state: &State, broken: &mut Vec<(&str, String)>) {
    if requests(state).len() != 1 || requests(state).first().is_none_or(|r| phase_of(r) != "restored") {
        return;
    }
    for effect in state.shop.effects.iter().filter(|e| e.deed == Deed::Removed) {
        let since =
            state.shop.effects.iter().filter(|e| e.place == effect.place && e.key == effect.key && e.instant >= effect.instant);
        let moved_on = since.clone().any(|e| matches!(e.deed, Deed::AppWrote | Deed::AppDeleted));
        let back = since.clone().any(|e| e.deed == Deed::PutBack && e.version == effect.version);
        let stands = state.shop.tables.get(&effect.place).is_some_and(|t| t.contains_key(&effect.key));
        if !(moved_on || back && stands) {
            broken.push(("P5", format!("{}/{} was not restored as it was", effect.place, effect.key)));
        }
    }
}

/// P1: what was hidden stood when a plan was made that somebody else approved.
fn approved(state: &State, broken: &mut Vec<(&str, String)>) {
    let decisions: Vec<i64> = state
        .items
        .iter()
        .filter(|(k, i)| k.table == TableName::Decisions && i.get("approved") == Some(&Value::Bool(true)))
        .filter_map(|(_, i)| text(i, "decided_at").parse::<jiff::Timestamp>().ok())
        .map(jiff::Timestamp::as_millisecond)
        .collect();
    for effect in state.shop.effects.iter().filter(|e| matches!(e.deed, Deed::Removed | Deed::Concealed)) {
        let first =
            state.shop.effects.iter().find(|e| e.place == effect.place && e.key == effect.key && e.deed == Deed::AppWrote);
        let covered = decisions.iter().any(|d| *d <= effect.at_ms && first.is_some_and(|f| f.at_ms <= *d));
        if !covered {
            broken.push(("P1", format!("{}/{} was hidden without a decision", effect.place, effect.key)));
        }
    }
    for request in requests(state).into_iter().filter(|r| cancelled(r)) {
        let id = text(request, "id").to_owned();
        let settled = state
            .states_seen
            .iter()
            .filter(|((i, _), (phase, _))| *i == id && phase.contains("\"cancelled\":true") && !phase.contains("settling"));
        let Some(settled) = settled.map(|(_, (_, instant))| *instant).min() else { continue };
        if requests(state).len() == 1
            && let Some(effect) =
                state.shop.effects.iter().find(|e| e.instant > settled && matches!(e.deed, Deed::Removed | Deed::Concealed))
        {
            broken.push(("P1", format!("{}/{} was hidden after the request was cancelled", effect.place, effect.key)));
        }
    }
}

/// Where an export was to go first, nothing was hidden before one of the same could be opened.
fn exported_first(state: &State, broken: &mut Vec<(&str, String)>) {
    if !state.exports_first || requests(state).len() != 1 {
        return;
    }
    let exports: Vec<String> = all_requests(state)
        .iter()
        .filter(|r| r.get("prior_to").is_some_and(Value::is_string))
        .map(|r| text(r, "id").to_owned())
        .collect();
    let made = state.states_seen.iter().filter(|((id, _), (state, _))| exports.contains(id) && state.contains("\"available\""));
    let first = made.map(|(_, (_, instant))| *instant).min().unwrap_or(u64::MAX);
    let early = |e: &&Effect| e.instant < first && matches!(e.deed, Deed::Removed | Deed::Concealed);
    if let Some(effect) = state.shop.effects.iter().find(early) {
        broken.push(("P1", format!("{}/{} was hidden before its export could be opened", effect.place, effect.key)));
    }
}

/// P6: nothing comes back that the application had deleted.
fn nothing_resurrected(state: &State, broken: &mut Vec<(&str, String)>) {
    let mut last: BTreeMap<(&str, &str), (Deed, u64)> = BTreeMap::new();
    for effect in &state.shop.effects {
        let key = (effect.place.as_str(), effect.key.as_str());
        // Another version than the one deleted was removed by us, and no store tells what happened in between. Nor can
        // a restore that died before it was confirmed tell that what it had put back was deleted since.
        let again = state.shop.effects.iter().any(|e| {
            e.instant < effect.instant
                && e.deed == Deed::PutBack
                && (e.place.as_str(), e.key.as_str(), e.version) == (key.0, key.1, effect.version)
        });
        if effect.deed == Deed::PutBack && last.get(&key) == Some(&(Deed::AppDeleted, effect.version)) && !again {
            broken.push(("P6", format!("{}/{} was deleted by somebody else and came back", effect.place, effect.key)));
        }
        last.insert(key, (effect.deed, effect.version));
    }
}

/// What is wrong with the log.
pub fn audit(world: &World) -> Vec<String> {
    let mut broken = Vec::new();
    audited(&world.lock(), &mut broken);
    broken.into_iter().map(|(_, how)| how).collect()
}

/// P7: every change of state has one entry, in order, and the log is whole.
fn audited(state: &State, broken: &mut Vec<(&'static str, String)>) {
    let mut previous = GENESIS.to_owned();
    let mut ids: BTreeMap<String, u32> = BTreeMap::new();
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    let leaves = published(state, broken);
    for (place, leaf) in leaves.iter().enumerate() {
        let Ok(entry) = serde_json::from_slice::<AuditEntry>(leaf) else {
            broken.push(("P7", "an entry cannot be read".to_owned()));
            continue;
        };
        if entry.index != place as u64 || !entry.follows(&previous) || check_leaf(leaf).is_err() {
            broken.push(("P7", format!("the log does not hold at entry {place}")));
        }
        previous = entry.hash.clone();
        *ids.entry(entry.event.audit_id.clone()).or_default() += 1;
        if let Some(request) = entry.event.request_id {
            let before = last.insert(request.to_string(), entry.event.audit_id.clone());
            let place = |id: &str| id.split('_').nth(3).map(str::to_owned);
            if before.is_some_and(|b| place(&b) > place(&entry.event.audit_id)) {
                broken.push(("P7", format!("{} stands behind a later event", entry.event.audit_id)));
            }
        }
    }
    for (id, times) in &ids {
        if *times != 1 {
            broken.push(("P7", format!("{id} is logged {times} times")));
        }
    }
    for (request, run) in state.states_seen.keys() {
        if !ids.contains_key(&format!("aud_{request}_{run:08}_0")) {
            broken.push(("P7", format!("the change of {request} to run {run} is not logged")));
        }
    }
    let confirmed: u64 = requests(state).iter().flat_map(|r| steps(state, r)).map(|s| number(&s, "hide_batches")).sum();
    let logged = ids.keys().filter(|id| id.contains("_1_hide")).count() as u64;
    if confirmed != logged {
        broken.push(("P7", format!("{confirmed} batches were hidden, {logged} are logged")));
    }
    for order in state.outbox_writes.keys() {
        let id = format!("aud_{order}").replace('#', "_");
        if !ids.contains_key(&id) {
            broken.push(("P7", format!("{id} is not logged")));
        }
    }
    if state.items.keys().any(|k| k.pk.ends_with("#outbox")) {
        broken.push(("P7", "events were never sealed".to_owned()));
    }
}

/// The entries that everybody can read, with every checkpoint ever signed held against them.
fn published(state: &State, broken: &mut Vec<(&'static str, String)>) -> Vec<Vec<u8>> {
    let home = people::organization();
    let read = |name: &str| state.log.get(&format!("{home}/{name}")).map(|o| o.body.clone());
    let key = LogKey::new(origin("oubli", &home), signing_key().verifying_key().to_bytes());
    let open = |note: &[u8]| std::str::from_utf8(note).ok().and_then(|n| Checkpoint::open(n, &key).ok());
    let Some(newest) = read("checkpoint").as_deref().and_then(open) else {
        broken.push(("P7", "there is no checkpoint that can be believed".to_owned()));
        return vec![];
    };
    let mut leaves: Vec<Vec<u8>> = Vec::new();
    for n in 0..newest.size.div_ceil(WIDTH) {
        let bundle = read(&bundle_name(n, (newest.size - n * WIDTH).min(WIDTH))).unwrap_or_default();
        leaves.extend(bundle_entries(&bundle).unwrap_or_default().into_iter().map(<[u8]>::to_vec));
    }
    if leaves.len() as u64 != newest.size {
        broken.push(("P7", format!("{} entries of {} are published", leaves.len(), newest.size)));
        return leaves;
    }
    let mut checkpoints = vec![newest];
    let kept = format!("{home}/checkpoints/");
    for (name, object) in state.log.range(kept.clone()..).take_while(|(name, _)| name.starts_with(&kept)) {
        match open(&object.body) {
            Some(checkpoint) => checkpoints.push(checkpoint),
            None => broken.push(("P7", format!("{name} cannot be believed"))),
        }
    }
    let mut tree = CtMerkleTree::<Sha256, Vec<u8>>::new();
    let mut roots = vec![Root::EMPTY];
    for leaf in &leaves {
        tree.push(leaf.clone());
        roots.push(Root(tree.root().as_bytes().as_slice().try_into().unwrap_or_default()));
    }
    for checkpoint in checkpoints {
        let root = usize::try_from(checkpoint.size).ok().and_then(|size| roots.get(size));
        if root != Some(&checkpoint.root) {
            broken.push(("P7", format!("the checkpoint of {} entries is not of this log", checkpoint.size)));
        }
    }
    leaves
}

//! The log: whole, in order, with an entry for every change that the table showed.

use super::{seen::Seen, witnesses};
use crate::{
    ledger::signing_key,
    promise::{self, Rule},
    world::{World, WorldState},
};
use ct_merkle::mem_backed_tree::MemoryBackedTree as CtMerkleTree;
use oubli_domain::{
    audit::{AuditEntry, EventType, GENESIS},
    ids::ActorId,
    ledger::{Checkpoint, LedgerKey, Root, WIDTH, bundle_entries, bundle_name, check_leaf, origin},
};
use sha2::Sha256;
use std::collections::BTreeMap;
use uuid::Uuid;

type Broken = Vec<(Rule, String)>;

/// What is wrong with the log of the shop that tests open.
pub fn audit(world: &World) -> Vec<String> {
    let mut broken = Broken::new();
    audited(&world.lock(), crate::people::organization().as_str(), &mut broken);
    broken.into_iter().map(|(_, how)| how).collect()
}

/// Every change of state has one entry, in order, and the log is whole.
pub fn audited(state: &WorldState, organization: &str, broken: &mut Broken) {
    if !state.oracle.outbox.keys().any(|(o, _)| o == organization) {
        return;
    }
    let mut previous = GENESIS.to_owned();
    let mut ids: BTreeMap<String, u32> = BTreeMap::new();
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    let mut entries = Vec::new();
    for (place, leaf) in published(state, organization, broken).iter().enumerate() {
        let Ok(entry) = serde_json::from_slice::<AuditEntry>(leaf) else {
            broken.push((promise::BROKEN_LOG, "an entry cannot be read".to_owned()));
            continue;
        };
        if entry.index != place as u64 || !entry.follows(&previous) || check_leaf(leaf).is_err() {
            broken.push((promise::BROKEN_LOG, format!("the log does not hold at entry {place}")));
        }
        previous = entry.hash.clone();
        *ids.entry(entry.event.audit_id.clone()).or_default() += 1;
        if let Some(request) = entry.event.request_id {
            // Who read what has no place among the changes.
            let place = entry.event.audit_id.split('_').nth(3).map(str::to_owned);
            let before = place.and_then(|place| Some((last.insert(request.to_string(), place.clone())?, place)));
            if before.is_some_and(|(before, place)| before > place) {
                broken.push((promise::BROKEN_LOG, format!("{} stands behind a later event", entry.event.audit_id)));
            }
        }
        entries.push(entry);
    }
    let mine = |(_, seen): &(&String, &Seen)| seen.asked.organization == organization;
    for (request, seen) in state.oracle.requests.iter().filter(mine) {
        for run in seen.runs.keys() {
            if !ids.contains_key(&format!("aud_{request}_{run:08}_0")) {
                broken.push((promise::UNLOGGED, format!("the change of {request} to run {run}")));
            }
        }
        let of: Vec<&AuditEntry> =
            entries.iter().filter(|e| e.event.request_id.is_some_and(|r| r.to_string() == **request)).collect();
        about(request, seen, &of, broken);
    }
    for (n, hold) in state.oracle.holds.iter().filter(|(_, h)| h.organization == organization) {
        let id = crate::people::hold(*n);
        let by = ActorId::from_uuid(Uuid::from_u128(crate::acts::OFFICER));
        let placed = (hold.answered.is_some(), format!("aud_{id}_placed"), EventType::LegalHoldPlaced);
        let released = (hold.release_asked, format!("aud_{id}_released"), EventType::LegalHoldReleased);
        for (_, audit_id, kind) in [placed, released].into_iter().filter(|(done, ..)| *done) {
            let says = |e: &&AuditEntry| e.event.audit_id == audit_id && e.event.event_type == kind && e.event.actor == Some(by);
            if !entries.iter().any(|e| says(&e)) {
                broken.push((promise::UNLOGGED, audit_id));
            }
        }
    }
    for (id, times) in ids.iter().filter(|(_, times)| **times != 1) {
        broken.push((promise::UNLOGGED, format!("{id} is logged {times} times")));
    }
    witnesses::judge(state, organization, broken);
    for (_, order) in state.oracle.outbox.keys().filter(|(o, _)| o == organization) {
        let id = format!("aud_{order}").replace('#', "_");
        if !ids.contains_key(&id) {
            broken.push((promise::UNLOGGED, id));
        }
    }
    if state.items.keys().any(|k| k.pk == format!("org#{organization}#outbox")) {
        broken.push((promise::UNLOGGED, "events were never sealed".to_owned()));
    }
}

/// The entries of a request say what the table and the stores showed.
fn about(request: &str, seen: &Seen, entries: &[&AuditEntry], broken: &mut Broken) {
    let of = |kind: EventType| entries.iter().filter(move |e| e.event.event_type == kind);
    let batches = of(EventType::BatchHidden).chain(of(EventType::BatchRestored)).chain(of(EventType::BatchPurged)).count() as u64;
    if batches != seen.confirmed {
        broken.push((promise::UNLOGGED, format!("{} batches of {request} were confirmed, {batches} are logged", seen.confirmed)));
    }
    let actor = |n: u128| ActorId::from_uuid(Uuid::from_u128(n));
    if seen.asked.submitter > 0 && of(EventType::RequestReceived).any(|e| e.event.actor != Some(actor(seen.asked.submitter))) {
        broken.push((promise::MISLOGGED, format!("{request} was submitted by somebody else")));
    }
    for (round, decided) in &seen.decisions {
        let kind = if decided.approved { EventType::RequestApproved } else { EventType::RequestRejected };
        let says = |e: &&&AuditEntry| {
            let line = |c: &String| e.event.exclusions.iter().find(|x| x.category.as_str() == c);
            let left_out = decided.exclusions.iter().all(|c| line(c).is_some_and(|x| x.retention_until == decided.until));
            e.event.actor == decided.actor.map(actor) && left_out
        };
        if decided.actor.is_some() && !of(kind).any(|e| says(&e)) {
            broken.push((promise::MISLOGGED, format!("the decision on round {round} of {request}")));
        }
    }
    // What entries say was hidden is at least what was: a rewritten record may be hidden twice.
    let hidden: u64 = of(EventType::BatchHidden).map(|e| e.event.data_erased.documents).sum();
    let purged: u64 = of(EventType::BatchPurged).map(|e| e.event.data_erased.documents).sum();
    if purged > hidden {
        broken.push((promise::MISLOGGED, format!("{purged} records of {request} are logged as purged, {hidden} as hidden")));
    }
}

/// The entries that everybody can read, with every checkpoint ever signed held against them.
fn published(state: &WorldState, organization: &str, broken: &mut Broken) -> Vec<Vec<u8>> {
    let Ok(home) = organization.parse() else { return vec![] };
    let read = |name: &str| state.ledger.get(&format!("{home}/{name}")).map(|o| o.body.clone());
    let key = LedgerKey::new(origin("oubli", &home), signing_key().verifying_key().to_bytes());
    let open = |note: &[u8]| std::str::from_utf8(note).ok().and_then(|n| Checkpoint::open(n, &key).ok());
    let Some(newest) = read("checkpoint").as_deref().and_then(open) else {
        broken.push((promise::BROKEN_LOG, "there is no checkpoint that can be believed".to_owned()));
        return vec![];
    };
    let mut leaves: Vec<Vec<u8>> = Vec::new();
    for n in 0..newest.size.div_ceil(WIDTH) {
        let bundle = read(&bundle_name(n, (newest.size - n * WIDTH).min(WIDTH))).unwrap_or_default();
        leaves.extend(bundle_entries(&bundle).unwrap_or_default().into_iter().map(<[u8]>::to_vec));
    }
    if leaves.len() as u64 != newest.size {
        broken.push((promise::BROKEN_LOG, format!("{} entries of {} are published", leaves.len(), newest.size)));
        return leaves;
    }
    let mut checkpoints = vec![newest];
    let kept = format!("{home}/checkpoints/");
    for (name, object) in state.ledger.range(kept.clone()..).take_while(|(name, _)| name.starts_with(&kept)) {
        match open(&object.body) {
            Some(checkpoint) => checkpoints.push(checkpoint),
            None => broken.push((promise::BROKEN_LOG, format!("{name} cannot be believed"))),
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
            broken.push((promise::BROKEN_LOG, format!("the checkpoint of {} entries is not of this log", checkpoint.size)));
        }
    }
    leaves
}

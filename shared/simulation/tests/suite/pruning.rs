//! Entries that policy keeps no longer, removed with the storage failing at every step.

use jiff::Timestamp;
use oubli_domain::{
    access::{Caller, Role, Roles},
    audit::{AuditEvent, EventType},
    ids::ActorId,
    ledger::{TlogProof, check_leaf},
};
use oubli_engine::{
    Config, Engine, EngineError, LogSelection,
    items::{outbox_key, to_item},
    ports::{Condition, Write},
};
use oubli_simulation::{
    CallOutcome, World, organization,
    polls::{block_on, poll_for},
    ports,
};
use serde_json::Value;

fn engine(world: &World) -> Engine {
    Engine::with_config(ports(world), Config { entries_kept_days: Some(30), ..Config::default() })
}

fn auditor() -> Caller {
    let actor: ActorId = "actor_00000000000000000000000000000007".parse().expect("an id");
    Caller { organization: organization(), actor, roles: Roles::of(Role::Auditor) }
}

fn happen(world: &World, from: u64, count: u64) {
    let ports = ports(world);
    for n in from..from + count {
        let order = format!("req_00000000000000000000000000000001#{n:08}#0");
        let event = AuditEvent::new(&order, EventType::BatchHidden, ports.clock.now());
        let (key, item) = (outbox_key(&organization(), &order), to_item(&event).expect("an item"));
        block_on(ports.table.transact(vec![Write::Put { key, item, when: vec![Condition::ItemAbsent] }])).expect("written");
    }
}

/// 600 entries of 40 days ago and 100 of ten days ago; what is due, is due.
fn aged() -> World {
    let world = World::new(7, None, false);
    happen(&world, 0, 600);
    block_on(engine(&world).ledger().seal(&organization())).expect("sealed");
    world.pass(30 * 86_400);
    happen(&world, 600, 100);
    let without_policy = Engine::new(ports(&world));
    block_on(without_policy.ledger().seal(&organization())).expect("sealed");
    world.pass(10 * 86_400);
    world
}

fn bundles(world: &World) -> Vec<String> {
    let full = |n: &String| n.contains("/tile/entries/") && !n.contains(".p/");
    world.log_names().into_iter().filter(full).map(|n| n.rsplit('/').next().unwrap_or_default().to_owned()).collect()
}

/// Every entry that is left, in order.
fn exported(world: &World) -> Vec<Value> {
    let export = block_on(engine(world).ledger().export_log(&auditor(), LogSelection::default())).expect("exported");
    assert_eq!(export.next, None);
    export.leaves.iter().map(|leaf| check_leaf(leaf).expect("as it was hashed")).collect()
}

fn pruned_once(world: &World, how: &str) {
    for _ in 0..3 {
        block_on(engine(world).ledger().seal(&organization())).unwrap_or_else(|e| panic!("{how}: {e}"));
        world.pass(86_400);
    }
    assert_eq!(bundles(world), Vec::<String>::new(), "{how}");
    let left = exported(world);
    assert_eq!(left[0]["index"], 512, "{how}");
    let said: Vec<&Value> = left.iter().filter(|e| e["event_type"] == "audit_entries_pruned").collect();
    assert_eq!(said.len(), 1, "{how}");
    assert_eq!((&said[0]["details"]["from"], &said[0]["details"]["to"]), (&0.into(), &512.into()), "{how}");
    for pair in left.windows(2) {
        assert_eq!(pair[1]["previous_hash"], pair[0]["hash"], "{how}");
    }
}

#[test]
fn every_call_may_fail_with_and_without_having_happened() {
    let calm = aged();
    let made = calm.calls();
    block_on(engine(&calm).ledger().seal(&organization())).expect("sealed");
    let calls = calm.calls() - made;
    pruned_once(&calm, "calm");
    for call_outcome in [CallOutcome::Throttled, CallOutcome::ReplyLost] {
        for call in 0..calls {
            let world = aged();
            world.plan(call, call_outcome);
            let outcome = block_on(engine(&world).ledger().seal(&organization()));
            assert!(!matches!(outcome, Err(EngineError::Internal(_))), "{call_outcome:?} at call {call}: {outcome:?}");
            pruned_once(&world, &format!("{call_outcome:?} at call {call}"));
        }
    }
}

#[test]
fn the_process_may_die_at_every_await() {
    let world = aged();
    let (_, polls) = poll_for(engine(&world).ledger().seal(&organization()), u64::MAX);
    for alive in 0..polls {
        let world = aged();
        poll_for(engine(&world).ledger().seal(&organization()), alive);
        pruned_once(&world, &format!("died after {alive} polls"));
    }
}

#[test]
fn what_is_left_is_still_proved_and_what_is_gone_says_so() {
    let world = aged();
    pruned_once(&world, "calm");
    let key = block_on(engine(&world).ledger().log_checkpoint(&auditor())).expect("a checkpoint").key;
    for index in [512, 600, 700] {
        let proven = block_on(engine(&world).ledger().prove_entry(&auditor(), index)).expect("proved");
        let proof: TlogProof = proven.proof.parse().expect("a proof");
        proof.check(proven.entry.as_bytes(), &key).expect("it holds");
    }
    match block_on(engine(&world).ledger().prove_entry(&auditor(), 511)) {
        Err(EngineError::Refused(refusal)) => assert_eq!(refusal.code, "entry_pruned"),
        other => panic!("{other:?}"),
    }
    let grown = block_on(engine(&world).ledger().prove_consistency(&auditor(), 600)).expect("a proof");
    assert!(!grown.path.is_empty());
}

#[test]
fn without_a_policy_nothing_goes() {
    let world = aged();
    let kept = Engine::new(ports(&world));
    for _ in 0..3 {
        block_on(kept.ledger().seal(&organization())).expect("sealed");
        world.pass(86_400);
    }
    assert_eq!(bundles(&world), ["000", "001"]);
}

#[test]
fn an_export_between_two_times_holds_what_is_between_them() {
    let world = World::new(7, None, false);
    for day in 0..5 {
        happen(&world, day * 100, 100);
        block_on(engine(&world).ledger().seal(&organization())).expect("sealed");
        world.pass(86_400);
    }
    let sealed = |n: u64| -> Timestamp {
        let proven = block_on(engine(&world).ledger().prove_entry(&auditor(), n)).expect("proved");
        serde_json::from_str::<Value>(&proven.entry).expect("json")["timestamp"].as_str().expect("a time").parse().expect("one")
    };
    let (first, last) = (sealed(100), sealed(399));
    let between = |start, end| {
        let selection = LogSelection { from: 0, start, end };
        let leaves = block_on(engine(&world).ledger().export_log(&auditor(), selection)).expect("exported").leaves;
        let index = |leaf: &Vec<u8>| serde_json::from_slice::<Value>(leaf).expect("json")["index"].as_u64().expect("a place");
        (leaves.first().map(index), leaves.last().map(index), leaves.len())
    };
    assert_eq!(between(Some(first), Some(last)), (Some(100), Some(399), 300));
    assert_eq!(between(None, Some(last)), (Some(0), Some(399), 400));
    assert_eq!(between(Some(last + jiff::SignedDuration::from_secs(1)), Some(last)), (None, None, 0));
}

//! Sealing with its storage failing at every step, with and without the write having happened, after Sunlight's matrix.

use jiff::Timestamp;
use oubli_domain::{
    access::{Caller, Role, Roles},
    audit::{AuditEvent, EventType},
};
use oubli_engine::{
    Config, Engine, EngineError,
    api::AuditQuery,
    items::{outbox_key, to_item},
    ports::{Condition, Write},
};
use oubli_simulation::{
    CallOutcome, World, audit, organization,
    polls::{block_on, poll_for},
    ports,
};
use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

const REQUEST: &str = "req_00000000000000000000000000000001";

fn engine(world: &World) -> Engine {
    Engine::with_config(ports(world), Config::default())
}

/// So many events of one request wait.
fn happen(world: &World, from: u64, count: u64) {
    for n in from..from + count {
        let order = format!("{REQUEST}#{n:08}#0");
        let event = AuditEvent {
            request_id: Some(REQUEST.parse().expect("an id")),
            ..AuditEvent::new(&order, EventType::BatchHidden, Timestamp::UNIX_EPOCH)
        };
        let (key, item) = (outbox_key(&organization(), &order), to_item(&event).expect("an item"));
        let put = vec![Write::Put { key, item, when: vec![Condition::ItemAbsent] }];
        block_on(ports(world).table.transact(put)).expect("written");
    }
}

/// A log of 250 entries, and 10 events that wait: sealing them fills a tile and begins the next.
fn before() -> World {
    let world = World::new(7, None, false);
    happen(&world, 0, 250);
    block_on(engine(&world).ledger().seal(&organization())).expect("sealed");
    happen(&world, 250, 10);
    world
}

fn recovers(world: &World, how: &str) {
    // What happened meanwhile is sealed behind it.
    happen(world, 260, 3);
    block_on(engine(world).ledger().seal(&organization())).unwrap_or_else(|e| panic!("{how}: {e}"));
    assert_eq!(audit(world), Vec::<String>::new(), "{how}");
}

#[test]
fn every_call_may_fail_with_and_without_having_happened() {
    let calm = before();
    let made = calm.calls();
    block_on(engine(&calm).ledger().seal(&organization())).expect("sealed");
    let calls = calm.calls() - made;
    assert!(calls > 20, "{calls} calls");
    for call_outcome in [CallOutcome::Throttled, CallOutcome::ReplyLost] {
        for call in 0..calls {
            let world = before();
            world.plan(call, call_outcome);
            let outcome = block_on(engine(&world).ledger().seal(&organization()));
            assert!(!matches!(outcome, Err(EngineError::Internal(_))), "{call_outcome:?} at call {call}: {outcome:?}");
            recovers(&world, &format!("{call_outcome:?} at call {call}"));
        }
    }
}

#[test]
fn the_process_may_die_at_every_await() {
    let world = before();
    let (done, polls) = poll_for(engine(&world).ledger().seal(&organization()), u64::MAX);
    assert!(done.expect("it ends").is_ok());
    for alive in 0..polls {
        let world = before();
        poll_for(engine(&world).ledger().seal(&organization()), alive);
        recovers(&world, &format!("died after {alive} polls"));
    }
}

#[test]
fn two_sequencers_at_once_seal_everything_once() {
    let world = before();
    let (_, polls) = poll_for(engine(&world).ledger().seal(&organization()), u64::MAX);
    for head_start in 0..polls {
        let world = before();
        let (first, second) = (engine(&world).ledger(), engine(&world).ledger());
        let home = organization();
        let mut slow = pin!(first.seal(&home));
        let mut context = Context::from_waker(Waker::noop());
        let mut over = false;
        for _ in 0..head_start {
            over = over || slow.as_mut().poll(&mut context).is_ready();
        }
        let fast = block_on(second.seal(&home));
        assert!(!matches!(fast, Err(EngineError::Internal(_))), "after {head_start} polls: {fast:?}");
        while !over {
            match slow.as_mut().poll(&mut context) {
                Poll::Ready(Err(EngineError::Internal(fault))) => panic!("after {head_start} polls: {fault}"),
                Poll::Ready(_) => over = true,
                Poll::Pending => {}
            }
        }
        recovers(&world, &format!("a head start of {head_start} polls"));
    }
}

/// The ids of the events of the request, as an auditor reads them page by page.
async fn read(engine: &Engine, only_of_request: bool) -> Vec<String> {
    let actor = "actor_00000000000000000000000000000005".parse().expect("an id");
    let auditor = Caller { organization: organization(), actor, roles: Roles::of(Role::Auditor) };
    let request_id = only_of_request.then(|| REQUEST.parse().expect("an id"));
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let query = AuditQuery { request_id, cursor, limit: 100, ..AuditQuery::default() };
        let page = engine.ledger().audit(&auditor, query).await.expect("a page");
        let of_request = page.entries.into_iter().map(|e| e.entry.event).filter(|e| e.request_id.is_some());
        found.extend(of_request.map(|e| e.audit_id));
        cursor = page.next_cursor;
        if cursor.is_none() {
            return found;
        }
    }
}

fn all_of_them() -> Vec<String> {
    (0..260).map(|n| format!("aud_{REQUEST}_{n:08}_0")).collect()
}

#[test]
fn whoever_reads_misses_nothing_of_what_is_half_sealed() {
    let (_, polls) = poll_for(engine(&before()).ledger().seal(&organization()), u64::MAX);
    for only_of_request in [true, false] {
        for alive in 0..polls {
            let world = before();
            poll_for(engine(&world).ledger().seal(&organization()), alive);
            let found = block_on(read(&engine(&world), only_of_request));
            assert_eq!(found, all_of_them(), "sealing stopped after {alive} polls");
        }
    }
}

#[test]
fn whoever_reads_misses_nothing_of_what_is_sealed_meanwhile() {
    for only_of_request in [true, false] {
        let (_, polls) = poll_for(read(&engine(&before()), only_of_request), u64::MAX);
        for head_start in 0..polls {
            let world = before();
            let reader = engine(&world);
            let mut reading = pin!(read(&reader, only_of_request));
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..head_start {
                assert!(reading.as_mut().poll(&mut context).is_pending());
            }
            block_on(engine(&world).ledger().seal(&organization())).expect("sealed");
            let found = block_on(reading);
            assert_eq!(found, all_of_them(), "sealed after {head_start} polls of reading");
        }
    }
}

#[test]
fn a_silent_log_says_once_a_day_that_it_is_alive() {
    let world = before();
    let size = |world: &World| {
        block_on(engine(world).ledger().seal(&organization())).expect("sealed");
        let notes: Vec<String> = world.log_names().into_iter().filter(|n| n.contains("/checkpoints/")).collect();
        notes.last().and_then(|n| n.rsplit('/').next()).and_then(|n| n.parse::<u64>().ok()).expect("a checkpoint")
    };
    assert_eq!(size(&world), 260);
    assert_eq!(size(&world), 260, "nothing happened");
    world.pass(23 * 3600);
    assert_eq!(size(&world), 260, "not a day yet");
    world.pass(2 * 3600);
    assert_eq!(block_on(engine(&world).worker().sweep()).expect("swept"), 1, "the sweeper finds it due");
    assert_eq!(size(&world), 261);
    assert_eq!(size(&world), 261, "once");
    assert_eq!(audit(&world), Vec::<String>::new());
}

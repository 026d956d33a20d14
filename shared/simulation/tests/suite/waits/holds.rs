//! Holds: in force when their placing answers, whatever dies, however many requests are open; released once.

use super::drive::{
    self, advance, approved, deliver, engine, erasure, hold, minute, new_hold, number, officer, opened, phase, place, planned,
    release, until,
};
use oubli_domain::lifecycle::Phase;
use oubli_engine::{EngineError, api::NewRequest, ports::TableName};
use oubli_simulation::{
    World, organization,
    polls::{block_on, poll_for},
};
use std::{
    pin::pin,
    task::{Context, Waker},
};

/// Requests of as many people, none of whom has any data.
fn open_requests(world: &World, count: u128) {
    for n in 0..count {
        let name = format!("customer-{n}");
        block_on(engine(world).requests().submit(&officer(), erasure(world, 1_000 + n, &name))).expect("submitted");
    }
}

#[test]
fn placing_a_hold_on_everybody_takes_no_longer_the_more_requests_are_open() {
    let calls = |count| {
        let world = opened();
        open_requests(&world, count);
        let before = world.calls();
        place(&world, new_hold(1, None, &["orders"]));
        let placed = world.calls() - before;
        release(&world, 1);
        (placed, world.calls() - before - placed)
    };
    let (few, many) = (calls(150), calls(600));
    assert_eq!(few, many, "calls to place and to release");
    assert!(few.0 < 150, "{} calls", few.0);
}

/// An erasure of alice that hides and has removed nothing yet.
fn hiding() -> World {
    let world = opened();
    let id = planned(&world, erasure(&world, 1, "alice"));
    approved(&world, id);
    world.lock().messages.clear();
    block_on(engine(&world).worker().advance(&organization(), &id, false)).expect("begun");
    assert_eq!(phase(&world, id), Phase::Hiding);
    world
}

#[test]
fn a_hold_that_is_listed_is_in_force_wherever_its_placing_died() {
    for new in [new_hold(1, None, &["orders"]), new_hold(1, Some("alice"), &["orders"]), new_hold(1, Some("alice"), &[])] {
        let (_, polls) = poll_for(engine(&hiding()).holds().place_hold(&officer(), new.clone()), u64::MAX);
        for alive in 0..polls {
            let world = hiding();
            poll_for(engine(&world).holds().place_hold(&officer(), new.clone()), alive);
            let listed = block_on(engine(&world).holds().list(&officer(), None, true, None, 10)).expect("listed").holds;
            let rows = |world: &World| world.owned_rows("orders", "alice");
            let before = rows(&world);
            for _ in 0..3 {
                minute(&world);
            }
            if !listed.is_empty() {
                assert_eq!(rows(&world), before, "{:?} died after {alive} polls", new.categories);
            }
        }
    }
}

#[test]
fn a_hold_is_released_once_and_logged_once() {
    let event = format!("{}#released", hold(1));
    let (_, polls) = {
        let world = opened();
        place(&world, new_hold(1, Some("alice"), &[]));
        poll_for(engine(&world).holds().release_hold(&officer(), hold(1)), u64::MAX)
    };
    for asleep in 0..polls {
        let world = opened();
        place(&world, new_hold(1, Some("alice"), &[]));
        let slow_engine = engine(&world).holds();
        let caller = officer();
        let mut slow = pin!(slow_engine.release_hold(&caller, hold(1)));
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..asleep {
            assert!(slow.as_mut().poll(&mut context).is_pending());
        }
        let fast = block_on(engine(&world).holds().release_hold(&officer(), hold(1)));
        block_on(engine(&world).ledger().seal(&organization())).expect("sealed");
        let slow = block_on(slow);
        block_on(engine(&world).ledger().seal(&organization())).expect("sealed");
        let released = [fast.is_ok(), slow.is_ok()].into_iter().filter(|done| *done).count();
        assert_eq!((world.times_noted(&event), released), (1, 1), "asleep after {asleep} polls");
    }
}

/// Alice is erased but for what holds keep.
fn completed_under_holds() -> World {
    let world = opened();
    place(&world, new_hold(1, None, &["orders"]));
    place(&world, new_hold(2, Some("alice"), &["orders"]));
    let id = planned(&world, erasure(&world, 1, "alice"));
    approved(&world, id);
    deliver(&world);
    until(&world, id, Phase::CompletedWithExceptions);
    world
}

#[test]
fn what_two_holds_keep_is_looked_for_again_once_both_are_gone() {
    for (first, second) in [(1, 2), (2, 1)] {
        let world = completed_under_holds();
        release(&world, first);
        for _ in 0..15 {
            minute(&world);
        }
        assert_eq!(phase(&world, number(1)), Phase::CompletedWithExceptions, "hold {second} is in force");
        release(&world, second);
        until(&world, number(1), Phase::InReview);
    }
}

#[test]
fn the_words_of_a_released_hold_are_forgotten() {
    let world = opened();
    place(&world, new_hold(1, Some("alice"), &[]));
    world.pass(100 * 86_400);
    minute(&world);
    assert_eq!(
        block_on(engine(&world).holds().hold(&officer(), hold(1))).expect("there").0.reason.as_deref(),
        Some("litigation")
    );
    release(&world, 1);
    minute(&world);
    assert!(
        block_on(engine(&world).holds().hold(&officer(), hold(1))).expect("there").0.reason.is_some(),
        "policy keeps them a while"
    );
    let on = |name: Option<&str>| {
        let identity = name.map(drive::person);
        block_on(engine(&world).holds().list(&officer(), identity, false, None, 10)).expect("listed").holds
    };
    assert_eq!(on(Some("alice")).len(), 1);
    world.pass(2 * 86_400);
    minute(&world);
    let forgotten = block_on(engine(&world).holds().hold(&officer(), hold(1))).expect("there").0;
    assert!(forgotten.reason.is_none() && forgotten.identifiers.is_none());
    assert!(on(Some("alice")).is_empty(), "nobody is told by her id that she was on hold");
    assert!(on(Some("bob")).is_empty());
    let listed = on(None);
    assert_eq!(listed.len(), 1);
    assert!(listed[0].hold.scope.subject_keys.is_empty() && !listed[0].hold.scope.is_on_everybody());
    let keys = world.lock().items.keys().filter(|k| k.table == TableName::Keys && k.pk.contains("#hold#")).count();
    assert_eq!(keys, 0);
}

#[test]
fn an_export_that_was_decided_on_is_packaged_whatever_holds_come_and_go() {
    let world = opened();
    drive::set(&world, |s| s.export_review = true);
    let new = NewRequest { kind: oubli_engine::api::RequestKind::Export, ..erasure(&world, 1, "alice") };
    let id = planned(&world, new);
    approved(&world, id);
    place(&world, new_hold(1, Some("alice"), &[]));
    until(&world, id, Phase::Available);
}

#[test]
fn a_hold_that_meets_a_purge_keeps_nobody_else_waiting() {
    let world = opened();
    let first = planned(&world, erasure(&world, 1, "alice"));
    approved(&world, first);
    until(&world, first, Phase::Recoverable);
    world.pass(500);
    // The window closes, and before anything is destroyed the hold is there.
    let (_, polls) = poll_for(engine(&world).worker().advance(&organization(), &first, true), 0);
    assert_eq!(polls, 0);
    let mut alive = 0;
    while phase(&world, first) != Phase::Purging {
        alive += 1;
        poll_for(engine(&world).worker().advance(&organization(), &first, true), alive);
        assert!(alive < 1_000);
    }
    place(&world, new_hold(1, Some("alice"), &[]));
    advance(&world, first);
    let second = planned(&world, erasure(&world, 2, "bob"));
    approved(&world, second);
    let copy = NewRequest { kind: oubli_engine::api::RequestKind::Export, ..erasure(&world, 3, "alice") };
    let copy = planned(&world, copy);
    until(&world, copy, Phase::Available);
    until(&world, second, Phase::Recoverable);
    assert_eq!(phase(&world, first), Phase::Purging);
    release(&world, 1);
    until(&world, first, Phase::CompletedWithExceptions);
}

#[test]
fn a_plan_that_replaced_another_is_approved_by_its_digest_only() {
    let world = opened();
    let id = planned(&world, erasure(&world, 1, "alice"));
    approved(&world, id);
    world.lock().messages.clear();
    world.pass(2 * 86_400);
    world.lock().app_writes("orders", "late", &[("id", "late"), ("owner", "alice"), ("email", "a@example.org")]);
    world.pass(60);
    advance(&world, id);
    block_on(engine(&world).discovery().discover(&organization(), &id)).expect("discovered");
    assert_eq!(phase(&world, id), Phase::InReview);
    let blind = oubli_engine::api::Approval {
        plan_digest: None,
        approved_by: None,
        notes: None,
        exclusions: vec![],
        acknowledged: vec![],
    };
    match block_on(engine(&world).reviews().approve(&drive::reviewer(), id, blind)) {
        Err(EngineError::Refused(refusal)) => {
            assert_eq!(refusal.code, "plan_changed");
            let digest = drive::view(&world, id).plan_digest.expect("a plan").to_string();
            assert!(refusal.detail.contains(&digest) || refusal.remedy.contains(&digest));
        }
        other => panic!("{other:?}"),
    }
    approved(&world, id);
}

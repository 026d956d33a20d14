//! Notifications of exports with everything failing: each is sent, and noted in the log once.

use crate::support::{ID, begin_export, change_settings, engine, id, officer};
use oubli_domain::{
    lifecycle::Phase,
    notification::{About, Notification, NotificationKind},
};
use oubli_engine::{EngineError, ports::Message};
use oubli_simulation::{
    CallOutcome, SUBJECTS, World, organization,
    polls::{block_on, poll_for},
    ports, shop,
};

fn told(kind: NotificationKind) -> Message {
    Message::Notify { notification: Notification { organization: organization(), about: About::Request(id()), kind } }
}

/// An export that can be opened, and nobody told yet.
fn ready(notify: &[&str]) -> World {
    let world = World::new(11, None, false);
    let engine = engine(&world);
    block_on(shop(&world, &engine)).expect("opened");
    change_settings(&engine, |s| s.notify = notify.iter().map(|n| (*n).to_owned()).collect()).expect("set");
    begin_export(&world, SUBJECTS[0], false);
    block_on(engine.worker().handle(&Message::Package { organization: organization(), request: id() })).expect("packaged");
    assert_eq!(block_on(engine.requests().request(&officer(), id())).expect("there").request.state.phase, Phase::Available);
    world
}

fn subjects(world: &World) -> Vec<String> {
    world.lock().announcements.iter().map(|a| a.subject.clone()).collect()
}

fn noted(world: &World, event: &str) -> usize {
    world.outbox().iter().filter(|e| e["event_type"] == event).count()
}

/// What the sweeper finds due is done until nothing is.
fn sweep(world: &World, how: &str) {
    for _ in 0..12 {
        world.pass(301);
        match block_on(engine(world).worker().handle(&told(NotificationKind::ExportReady))) {
            Ok(_) | Err(EngineError::Transient(_) | EngineError::Conflict(_)) => {}
            Err(error) => panic!("{how}: {error}"),
        }
    }
}

#[test]
fn its_people_are_told_once_that_an_export_is_ready_and_once_before_its_end() {
    let world = ready(&["privacy@shop.example", "dpo@shop.example"]);
    for _ in 0..3 {
        block_on(engine(&world).worker().handle(&told(NotificationKind::ExportReady))).expect("told");
        block_on(engine(&world).worker().handle(&told(NotificationKind::ExportExpiring))).expect("not yet");
    }
    assert_eq!(subjects(&world), [format!("Export {ID} can be opened")]);
    world.pass(13 * 86_400 + 1);
    for _ in 0..3 {
        block_on(engine(&world).worker().handle(&told(NotificationKind::ExportExpiring))).expect("told");
    }
    assert_eq!(subjects(&world)[1..], [format!("Export {ID} is about to expire")]);
    assert_eq!(noted(&world, "notification_sent"), 2);
    let announcements = world.lock().announcements.clone();
    for said in &announcements {
        assert_eq!(said.to, ["privacy@shop.example", "dpo@shop.example"]);
        assert!(!said.text.contains(SUBJECTS[0]) && said.text.contains(ID), "{}", said.text);
    }
}

#[test]
fn the_sweeper_finds_what_is_due() {
    let world = ready(&["privacy@shop.example"]);
    world.lock().messages.clear();
    world.pass(1);
    block_on(engine(&world).worker().sweep()).expect("swept");
    let found: Vec<Message> = world.lock().messages.iter().map(|m| m.message.clone()).collect();
    assert!(found.contains(&told(NotificationKind::ExportReady)), "{found:?}");
    assert!(!found.contains(&told(NotificationKind::ExportExpiring)), "too early");
}

#[test]
fn nobody_is_told_of_what_is_over_or_where_nobody_is_to_be_told() {
    let world = ready(&["privacy@shop.example"]);
    block_on(engine(&world).exports().revoke_export(&officer(), id())).expect("revoked");
    block_on(engine(&world).worker().handle(&told(NotificationKind::ExportReady))).expect("dropped");
    world.pass(13 * 86_400 + 1);
    block_on(engine(&world).worker().handle(&told(NotificationKind::ExportExpiring))).expect("dropped");
    assert!(subjects(&world).is_empty());

    let quiet = ready(&[]);
    block_on(engine(&quiet).worker().handle(&told(NotificationKind::ExportReady))).expect("dropped");
    assert!(subjects(&quiet).is_empty() && noted(&quiet, "notification_sent") == 0);
}

#[test]
fn every_call_may_fail_and_the_process_die_at_every_await() {
    let message = told(NotificationKind::ExportReady);
    let calm = ready(&["privacy@shop.example"]);
    let before = calm.calls();
    block_on(engine(&calm).worker().handle(&message)).expect("told");
    let calls = calm.calls() - before;
    assert!(calls >= 5, "{calls}");
    let judge = |world: &World, how: &str| {
        sweep(world, how);
        let sent = subjects(world).len();
        assert!((1..=2).contains(&sent), "{how}: sent {sent} times");
        assert_eq!(noted(world, "notification_sent"), 1, "{how}");
    };
    for call in 0..calls {
        for call_outcome in [CallOutcome::Throttled, CallOutcome::ReplyLost] {
            let world = ready(&["privacy@shop.example"]);
            world.plan(call, call_outcome);
            block_on(engine(&world).worker().handle(&message)).ok();
            judge(&world, &format!("{call_outcome:?} at call {call}"));
        }
    }
    let (_, polls) = poll_for(engine(&ready(&["privacy@shop.example"])).worker().handle(&message), u64::MAX);
    for alive in 0..polls {
        let world = ready(&["privacy@shop.example"]);
        poll_for(engine(&world).worker().handle(&message), alive);
        judge(&world, &format!("died after {alive} polls"));
    }
}

#[test]
fn downloads_are_noted_once_each() {
    let world = ready(&[]);
    let download = |event: &str| oubli_engine::Download {
        object: format!("{}/{ID}.zip.enc", organization()),
        event: event.to_owned(),
        at: ports(&world).clock.now(),
        by_link: true,
        principal: Some("AROAEXAMPLE".to_owned()),
        bytes: 17,
    };
    for event in ["a", "a", "b"] {
        block_on(engine(&world).exports().note_download(&download(event))).expect("noted");
    }
    assert_eq!(noted(&world, "export_downloaded"), 2);
    let seen = block_on(engine(&world).requests().request(&officer(), id())).expect("there").request.export.expect("an export");
    assert_eq!(seen.downloads, 2);
    block_on(engine(&world).exports().revoke_export(&officer(), id())).expect("revoked");
    block_on(engine(&world).worker().advance(&organization(), &id(), false)).expect("cleaned");
    for event in ["a", "late", "late"] {
        block_on(engine(&world).exports().note_download(&download(event))).expect("noted");
    }
    assert_eq!(noted(&world, "export_downloaded"), 3, "one that is told of after the end is noted too");
    let other = oubli_engine::Download { object: "nobody/what.txt".to_owned(), ..download("c") };
    block_on(engine(&world).exports().note_download(&other)).expect("passed over");
    for call in 0..6 {
        for call_outcome in [CallOutcome::Throttled, CallOutcome::ReplyLost] {
            let world = ready(&[]);
            world.plan(call, call_outcome);
            for _ in 0..3 {
                block_on(engine(&world).exports().note_download(&download("d"))).ok();
            }
            assert_eq!(noted(&world, "export_downloaded"), 1, "{call_outcome:?} at call {call}");
        }
    }
}

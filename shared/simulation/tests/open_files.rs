//! Objects that outlast a worker are copied to their end by those after it, whatever happens between them.

mod support;

use oubli_domain::lifecycle::Phase;
use oubli_engine::{EngineError, ports::Message};
use oubli_simulation::{
    CallOutcome, World, organization,
    polls::{block_on, poll_for},
    shop,
};
use support::{
    ID, engine, id, officer,
    packaged::{exact, export_of, opened, phase, recovers},
};

const KEYS: [&str; 3] = ["u/erin/a", "u/erin/b", "u/erin/c"];

/// An export about to be packaged, of objects whose bytes come so slowly that no worker has time for one of them.
fn slow(versions: bool) -> World {
    let world = World::new(11, None, false);
    block_on(shop(&world, &engine(&world))).expect("opened");
    if !versions {
        world.without_versions("files");
    }
    for key in KEYS {
        world.lock().app_uploads("files", key);
        world.lock().shop.slow.insert(("files".to_owned(), key.to_owned()), 9);
    }
    world.pass(3_600);
    export_of(&world, "erin");
    world
}

fn message() -> Message {
    Message::Package { organization: organization(), request: id() }
}

/// Workers one after another until the export can be opened; what happens `between` two of them.
fn workers(world: &World, mut between: impl FnMut(usize)) -> usize {
    for n in 0..200 {
        if phase(world) == Phase::Available {
            return n;
        }
        assert_ne!(phase(world), Phase::Failed, "{n} workers");
        let came = block_on(engine(world).worker().handle(&message()));
        assert!(matches!(came, Ok(_) | Err(EngineError::Transient(_))), "{came:?}");
        world.pass(120);
        between(n);
    }
    panic!("200 workers did not end it");
}

fn is_inside_a_file(world: &World) -> bool {
    let state = world.lock();
    state.items.iter().any(|(key, item)| key.sk == "package" && item.get("open_file").is_some_and(|open| !open.is_null()))
}

#[test]
fn objects_that_outlast_every_worker_are_copied_whole_and_once() {
    let world = slow(true);
    let mut inside = 0;
    let count = workers(&world, |_| inside += usize::from(is_inside_a_file(&world)));
    assert!(count > 15 && inside > 12, "{count} workers, {inside} times inside of a file");
    exact(&world, "erin", "slow");
}

#[test]
fn the_process_may_die_at_every_await_inside_of_a_file() {
    let ready = || {
        let world = slow(true);
        block_on(engine(&world).worker().handle(&message())).expect("paused");
        world.pass(120);
        assert!(is_inside_a_file(&world));
        world
    };
    let (_, polls) = poll_for(engine(&ready()).worker().handle(&message()), u64::MAX);
    for alive in 0..=polls {
        let world = ready();
        poll_for(engine(&world).worker().handle(&message()), alive);
        world.lock().shop.slow.clear();
        let how = format!("died after {alive} of {polls} polls");
        recovers(&world, &how);
        exact(&world, "erin", &how);
    }
}

#[test]
fn every_call_inside_of_a_file_may_fail_with_and_without_having_happened() {
    let ready = || {
        let world = slow(false);
        block_on(engine(&world).worker().handle(&message())).expect("paused");
        world.pass(120);
        world
    };
    let calm = ready();
    let made = calm.calls();
    block_on(engine(&calm).worker().handle(&message())).expect("paused");
    for call_outcome in [CallOutcome::Throttled, CallOutcome::ReplyLost] {
        for call in 0..calm.calls() - made {
            let world = ready();
            world.plan(call, call_outcome);
            let how = format!("{call_outcome:?} at call {call}");
            let first = block_on(engine(&world).worker().handle(&message()));
            assert!(!matches!(first, Err(EngineError::Internal(_))), "{how}: {first:?}");
            world.lock().shop.slow.clear();
            recovers(&world, &how);
            exact(&world, "erin", &how);
        }
    }
}

#[test]
fn an_object_that_changed_between_two_workers_is_copied_as_it_is_now_and_not_as_half_of_each() {
    for times in 1..=3 {
        let world = slow(false);
        let mut changed = 0;
        workers(&world, |_| {
            if is_inside_a_file(&world) && changed < times {
                changed += 1;
                world.lock().app_uploads("files", KEYS[0]);
            }
        });
        assert_eq!(changed, times);
        if times < 3 {
            exact(&world, "erin", "changed");
            continue;
        }
        // It changes faster than it is copied.
        let (manifest, files) = opened(&world, "changed always");
        assert!(!manifest.summary.complete);
        let missing: Vec<_> = manifest.summary.missing.iter().map(|m| (m.record.to_string(), m.reason.as_str())).collect();
        assert!(missing.len() == 1 && missing[0].0.contains(KEYS[0]), "{missing:?}");
        assert_eq!(missing[0].1, "it changed, or could not be read, whenever it was copied");
        let mut objects: Vec<_> = files
            .iter()
            .filter(|(n, _)| n.starts_with("objects/"))
            .map(|(_, b)| String::from_utf8_lossy(b).into_owned())
            .collect();
        objects.sort();
        let (_, mut expected) = world.holdings("erin");
        expected.retain(|object| !object.starts_with(KEYS[0]));
        assert_eq!(objects, expected);
    }
}

#[test]
fn what_came_before_a_stream_broke_is_not_lost() {
    let world = slow(false);
    world.lock().shop.slow.clear();
    for key in KEYS {
        world.lock().shop.breaking.insert(("files".to_owned(), key.to_owned()), 2);
    }
    let count = workers(&world, |_| ());
    assert!(count > 20, "{count} workers for three objects of some twenty bytes, two at a time");
    exact(&world, "erin", "broken");
}

#[test]
fn an_object_that_went_between_two_workers_leaves_nothing_of_it_in_the_archive() {
    let world = slow(false);
    let mut gone = false;
    workers(&world, |_| {
        if is_inside_a_file(&world) && !gone {
            gone = true;
            world.lock().app_deletes_object("files", KEYS[0]);
        }
    });
    assert!(gone);
    exact(&world, "erin", "gone");
}

#[test]
fn one_cancelled_inside_of_a_file_leaves_nothing() {
    for more in 0..4 {
        let world = slow(true);
        for _ in 0..=more {
            block_on(engine(&world).worker().handle(&message())).expect("paused");
            world.pass(120);
            assert!(is_inside_a_file(&world));
        }
        block_on(engine(&world).requests().cancel(&officer(), id(), None)).expect("cancelled");
        block_on(engine(&world).worker().handle(&message())).expect("passed over");
        block_on(engine(&world).worker().advance(&organization(), &id(), false)).expect("cleaned");
        assert_eq!((phase(&world), world.left_of(ID)), (Phase::Cancelled, vec![]), "{more}");
    }
}

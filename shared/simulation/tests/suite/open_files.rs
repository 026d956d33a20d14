//! Objects that outlast a worker are copied to their end by those after it, whatever happens between them.

use crate::support::{
    ID, engine, id,
    inside::{
        KEYS, behind_others, far_inside, file, fill, is_inside_a_file, message, of_objects, slow, slowly, tails, worker, workers,
    },
    officer,
    packaged::{exact, opened, phase, recovers},
};
use oubli_domain::lifecycle::Phase;
use oubli_engine::EngineError;
use oubli_simulation::{
    CallOutcome, Filling, World, organization,
    polls::{block_on, poll_for},
};

/// One of the objects could not be read whenever it was copied, the others are in the archive.
fn misses(world: &World, key: &str, how: &str) {
    let (manifest, files) = opened(world, how);
    assert!(!manifest.summary.complete, "{how}");
    let missing: Vec<_> = manifest.summary.missing.iter().map(|m| (m.record.to_string(), m.reason.as_str())).collect();
    assert!(missing.len() == 1 && missing[0].0.contains(key), "{how}: {missing:?}");
    assert_eq!(missing[0].1, "it changed, or could not be read, whenever it was copied", "{how}");
    let mut objects: Vec<_> =
        files.iter().filter(|(n, _)| n.starts_with("objects/")).map(|(_, b)| String::from_utf8_lossy(b).into_owned()).collect();
    objects.sort();
    let (_, mut expected) = world.holdings("erin");
    expected.retain(|object| !object.contains(key));
    assert_eq!(objects, expected, "{how}");
}

/// Workers come until nobody tries again by himself.
fn fails(world: &World) {
    let gave_up = (1..40).find(|_| {
        worker(world, engine);
        phase(world) == Phase::Failed
    });
    assert!(gave_up.is_some_and(|count| (6..=8).contains(&count)), "{gave_up:?}");
}

fn advance(world: &World) {
    block_on(engine(world).worker().advance(&organization(), &id(), false)).expect("advanced");
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
        misses(&world, KEYS[0], "changed always");
    }
}

#[test]
fn an_object_that_changed_or_went_is_taken_back_to_the_end_of_those_before_it() {
    for went in [false, true] {
        for place in 1..=3 {
            let (world, how) = (behind_others(), format!("object {place} went: {went}"));
            let mut changed = 0;
            workers(&world, |_| {
                if far_inside(&world) == Some(place) && changed < 2 {
                    changed += 1;
                    let key = KEYS[usize::try_from(place).expect("small") - 1];
                    if went { world.lock().app_deletes_object("files", key) } else { world.lock().app_uploads("files", key) }
                }
            });
            assert_eq!(changed, if went { 1 } else { 2 }, "{how}");
            exact(&world, "erin", &how);
        }
    }
}

#[test]
fn objects_that_change_one_after_another_are_each_begun_anew() {
    let world = slow(false);
    let mut changed = [0; 2];
    workers(&world, |_| {
        let key = usize::from(changed[0] == 2);
        let of_it = || crate::support::inside::package(&world)["stage"]["pack"]["files"]["record"] == key;
        if is_inside_a_file(&world) && changed[key] < 2 && of_it() {
            changed[key] += 1;
            world.lock().app_uploads("files", KEYS[key]);
        }
    });
    assert_eq!(changed, [2, 2]);
    exact(&world, "erin", "each changed twice");
}

#[test]
fn what_is_known_of_an_object_is_as_of_its_end_and_its_kind_as_of_its_beginning() {
    let picture = Filling { first: b"\x89PNG\r\n\x1a\n", noise: 400 };
    let world = of_objects(&KEYS, true, |world| {
        fill(world, KEYS[0], picture);
        slowly(world, KEYS[0], 9);
    });
    let mut replaced = false;
    workers(&world, |_| {
        if is_inside_a_file(&world) && !replaced {
            replaced = true;
            world.lock().app_uploads("files", KEYS[0]);
        }
    });
    assert!(replaced);
    let (manifest, _) = opened(&world, "replaced");
    let copies = manifest.files.iter().filter(|f| f.object.as_ref().is_some_and(|object| object.key == KEYS[0]));
    let told: Vec<_> = copies.map(|f| (f.name.rsplit('.').next(), f.object.as_ref().expect("an object"))).collect();
    let [(ending, object)] = told.as_slice() else { panic!("{told:?}") };
    assert_eq!((*ending, object.media_type.as_deref(), object.current), (Some("png"), Some("image/png"), Some(false)));
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
fn bytes_that_all_came_before_a_stream_broke_are_asked_for_anew() {
    let world = of_objects(&KEYS, false, |world| KEYS.iter().for_each(|key| world.lock().shop.broken_ends.push(file(key))));
    worker(&world, engine);
    worker(&world, engine);
    assert!(phase(&world) == Phase::Packaging && !is_inside_a_file(&world));
    world.lock().shop.broken_ends.clear();
    recovers(&world, "broken behind the end");
    exact(&world, "erin", "broken behind the end");
}

#[test]
fn a_stream_that_breaks_before_its_first_byte_is_not_asked_for_ever() {
    fails(&of_objects(&KEYS, false, |world| _ = world.lock().shop.breaking.insert(file(KEYS[0]), 0)));
    // Nor is the rest of an object.
    let world = slow(false);
    worker(&world, engine);
    assert!(is_inside_a_file(&world));
    world.lock().shop.breaking.insert(file(KEYS[0]), 0);
    fails(&world);
}

#[test]
fn an_object_that_is_longer_or_shorter_than_it_is_said_to_be_is_not_in_an_archive() {
    for more in [-1, 1] {
        let misstated = |world: &World| _ = world.lock().shop.misstated.insert(file(KEYS[1]), more);
        fails(&of_objects(&KEYS, false, misstated));
        let world = of_objects(&KEYS, false, misstated);
        worker(&world, engine);
        assert_eq!(phase(&world), Phase::Packaging, "{more}");
        world.lock().shop.misstated.clear();
        recovers(&world, "said as it is");
        exact(&world, "erin", "said as it is");
    }
}

#[test]
fn nothing_behind_the_length_that_an_object_is_said_to_have_is_waited_for() {
    let world = of_objects(&KEYS[..1], false, |world| {
        slowly(world, KEYS[0], 1);
        world.lock().shop.misstated.insert(file(KEYS[0]), -10);
    });
    let begun = world.lock().now_ms;
    worker(&world, engine);
    let length = world.holdings("erin").1[0].len() as i64;
    assert_eq!((world.lock().now_ms - begun) / 1_000 - 120, length - 10 + 1, "one byte is too much");
}

#[test]
fn an_object_whose_rest_is_refused_is_begun_anew_and_in_the_end_said_to_be_missing() {
    for always in [false, true] {
        let world = slow(false);
        let mut refused = 0;
        workers(&world, |_| {
            let mut state = world.lock();
            state.shop.without_rest.clear();
            drop(state);
            if is_inside_a_file(&world) && (always || refused == 0) {
                refused += 1;
                world.lock().shop.without_rest.push(file(KEYS[0]));
            }
        });
        assert!(refused > 0);
        if always { misses(&world, KEYS[0], "refused always") } else { exact(&world, "erin", "refused once") }
    }
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

#[test]
fn one_cancelled_inside_of_a_file_leaves_no_end_of_its_upload_wherever_a_worker_died() {
    let ready = || {
        let world = behind_others();
        while far_inside(&world).is_none() {
            worker(&world, engine);
        }
        world
    };
    let (_, polls) = poll_for(engine(&ready()).worker().handle(&message()), u64::MAX);
    let mut most = 0;
    for alive in 0..=polls {
        let world = ready();
        poll_for(engine(&world).worker().handle(&message()), alive);
        world.pass(120);
        let named = tails(&world);
        most = most.max(named.len());
        block_on(engine(&world).requests().cancel(&officer(), id(), None)).expect("cancelled");
        advance(&world);
        let staged = world.staged(ID);
        // What the dead one put down and did not note, nobody can name.
        let left: Vec<_> = named.iter().filter(|name| staged.contains_key(*name)).collect();
        assert!(left.is_empty(), "died after {alive} of {polls} polls: {left:?}");
        assert!((1..polls).contains(&alive) || staged.is_empty(), "died after {alive} of {polls} polls: {:?}", staged.keys());
    }
    assert!(most > 2, "{most} at once");
}

#[test]
fn one_whose_time_is_over_leaves_no_end_of_an_upload_as_it_stood_before_a_file() {
    let world = behind_others();
    let mut most = 0;
    workers(&world, |_| most = most.max(tails(&world).len()));
    assert!((2..=4).contains(&most), "{most} ends of an upload at once");
    exact(&world, "erin", "behind others");
    world.pass(15 * 86_400);
    advance(&world);
    assert_eq!(phase(&world), Phase::Expired);
    assert!(world.staged(ID).is_empty(), "{:?}", world.staged(ID).keys());
}

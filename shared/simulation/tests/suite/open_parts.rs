//! Objects of many parts: how much of one is sent, saved and taken back.

use crate::support::{
    inside::{fill, is_inside_a_file, message, of_objects, package, slowly, worker, workers_of},
    packaged::{exact, phase},
    poll_some,
};
use oubli_domain::lifecycle::Phase;
use oubli_engine::{Config, Engine};
use oubli_simulation::{Filling, World, channel, ports};
use std::pin::Pin;

const KIB: u64 = 1_024;

/// Workers whose parts are of so many KiB, and who save after so many.
fn engine_of(part: u64, save: u64) -> impl Fn(&World) -> Engine {
    move |world| {
        let config = Config {
            worker_timeout_seconds: 30,
            export_part_bytes: part,
            export_save_bytes: save,
            resumable_file_bytes: 15,
            ..Config::default()
        };
        Engine::with_config(ports(world), config).with_channel(channel(world))
    }
}

/// An export of objects of so many KiB, whose bytes come in twenty pieces.
fn of_noise(objects: &[(&str, u64, i64)]) -> World {
    let keys: Vec<&str> = objects.iter().map(|(key, ..)| *key).collect();
    of_objects(&keys, false, |world| {
        for (key, kib, seconds) in objects {
            let noise = usize::try_from(kib * KIB).expect("small");
            fill(world, key, Filling { noise, ..Filling::default() });
            if *seconds > 0 {
                slowly(world, key, *seconds);
            }
        }
    })
}

fn number(of: &serde_json::Value) -> u64 {
    of.as_u64().expect("a number")
}

/// How many parts were sent of the object that the archive stands inside of.
fn parts_inside(world: &World) -> u64 {
    let package = package(world);
    let before = &package["open_file"]["before"]["parts"];
    before.as_u64().map_or(0, |before| number(&package["parts"]) - before)
}

#[test]
fn an_object_that_changed_or_went_after_parts_of_it_were_sent_is_taken_back_with_them() {
    for went in [false, true] {
        for place in ["u/erin/b", "u/erin/c"] {
            let world = of_noise(&[("u/erin/a", 200, 0), ("u/erin/b", 400, 2), ("u/erin/c", 400, 2)]);
            let how = format!("{place} went: {went}");
            let mut changed = 0;
            workers_of(&world, engine_of(64 * KIB, 64 * KIB), |_| {
                // The shop's batches are of two records.
                let key = if package(&world)["stage"]["pack"]["files"]["batch"] == 0 { "u/erin/b" } else { "u/erin/c" };
                if parts_inside(&world) > 0 && key == place && changed < 2 {
                    changed += 1;
                    if went { world.lock().app_deletes_object("files", key) } else { world.lock().app_uploads("files", key) }
                }
            });
            assert_eq!(changed, if went { 1 } else { 2 }, "{how}");
            exact(&world, "erin", &how);
        }
    }
}

/// Where the archive was put down inside of an object of so many KiB that is there at once, by a worker with time for all of it.
fn saved_inside(kib: u64, part: u64, save: u64) -> Vec<u64> {
    let world = of_noise(&[("u/erin/a", kib, 0)]);
    let (worker, message) = (engine_of(part * KIB, save * KIB)(&world).worker(), message());
    let mut future: Pin<Box<dyn Future<Output = _> + '_>> = Box::pin(worker.handle(&message));
    let mut saved = Vec::new();
    while !poll_some(&mut future, 1) {
        let package = package(&world);
        if !package["open_file"].is_null() {
            saved.push(number(&package["offset"]) / KIB);
        }
    }
    saved.dedup();
    exact(&world, "erin", "saved inside");
    saved
}

#[test]
fn a_worker_that_dies_inside_of_a_file_loses_one_save_and_one_piece_at_most() {
    let saved = saved_inside(1_000, 64, 64);
    let ends = saved.iter().chain(&[1_024]);
    let lost: Vec<u64> = ends.clone().zip([&0].into_iter().chain(ends)).map(|(now, before)| now - before).collect();
    assert!(lost.len() > 5 && lost.iter().all(|kib| *kib <= 64 + 64 + 12), "{lost:?}");
}

#[test]
fn where_a_part_is_larger_than_a_save_nothing_is_put_down_before_it_is_full() {
    let saved = saved_inside(1_000, 300, 64);
    assert!(saved.len() > 1 && saved[0] >= 300 && saved.windows(2).all(|two| two[1] - two[0] >= 300), "{saved:?}");
}

#[test]
fn where_parts_are_larger_than_usual_only_files_as_large_are_put_down_before_their_end() {
    // So many bytes take nine thousand parts of more than a byte.
    for (usual, inside) in [(1, false), (64, true)] {
        let world = of_noise(&[("u/erin/a", 300, 0), ("u/erin/b", 0, 9)]);
        let (engine, mut was_inside) = (engine_of(usual, 64 * KIB), false);
        for _ in 0..20 {
            worker(&world, &engine);
            was_inside |= phase(&world) == Phase::Packaging && is_inside_a_file(&world);
        }
        assert_eq!(was_inside, inside, "{usual}");
        exact(&world, "erin", "small ones");
    }
}

#[test]
fn a_worker_whose_time_is_over_inside_of_a_file_sends_no_part_any_more() {
    let world = of_noise(&[("u/erin/a", 1_400, 9)]);
    let mut late = 0;
    for _ in 0..20 {
        let begun = world.lock().now_ms;
        let sent = world.lock().shelf.sent_ms.len();
        worker(&world, engine_of(64 * KIB, 64 * KIB));
        let spent = world.lock().now_ms - 120_000 - begun;
        if spent >= 23_000 {
            late += 1;
            let times: Vec<i64> = world.lock().shelf.sent_ms[sent..].iter().map(|at| at - begun).collect();
            assert!(!times.is_empty() && times.iter().all(|ms| *ms < 23_000), "{times:?}");
        }
    }
    assert!(late > 3, "{late} were late");
    exact(&world, "erin", "late");
}

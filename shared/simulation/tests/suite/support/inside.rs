//! Exports of objects that outlast a worker, and where their archives stand.

use super::{
    engine, id,
    packaged::{export_of, phase},
};
use oubli_domain::lifecycle::Phase;
use oubli_engine::{Engine, EngineError, ports::Message};
use oubli_simulation::{Filling, World, organization, polls::block_on, shop};
use serde_json::Value;

pub const KEYS: [&str; 3] = ["u/erin/a", "u/erin/b", "u/erin/c"];

/// An export about to be packaged, of objects whose bytes come so slowly that no worker has time for one of them.
pub fn slow(versions: bool) -> World {
    of_objects(&KEYS, versions, |world| KEYS.iter().for_each(|key| slowly(world, key, 9)))
}

/// The same of larger objects, behind one that is there at once: frames of the message end inside of each.
pub fn behind_others() -> World {
    of_objects(&[KEYS[0], KEYS[1], "u/erin/0", KEYS[2]], false, |world| {
        ["u/erin/0"].iter().chain(&KEYS).for_each(|key| fill(world, key, Filling { noise: 12_000, ..Filling::default() }));
        KEYS.iter().for_each(|key| slowly(world, key, 9));
    })
}

/// An export about to be packaged, of these objects of erin's.
pub fn of_objects(keys: &[&str], versions: bool, with: impl FnOnce(&World)) -> World {
    let world = World::new(11, None, false);
    block_on(shop(&world, &engine(&world))).expect("opened");
    if !versions {
        world.without_versions("files");
    }
    keys.iter().for_each(|key| world.lock().app_uploads("files", key));
    with(&world);
    world.pass(3_600);
    export_of(&world, "erin");
    world
}

pub fn file(key: &str) -> (String, String) {
    ("files".to_owned(), key.to_owned())
}

pub fn slowly(world: &World, key: &str, seconds: i64) {
    world.lock().shop.slow.insert(file(key), seconds);
}

pub fn fill(world: &World, key: &str, filling: Filling) {
    world.lock().shop.fillings.insert(file(key), filling);
}

pub fn message() -> Message {
    Message::Package { organization: organization(), request: id() }
}

/// The next worker comes and goes.
pub fn worker(world: &World, engine: impl Fn(&World) -> Engine) {
    let came = block_on(engine(world).worker().handle(&message()));
    assert!(matches!(came, Ok(_) | Err(EngineError::Transient(_))), "{came:?}");
    world.pass(120);
}

/// Workers one after another until the export can be opened; what happens `between` two of them.
pub fn workers(world: &World, mut between: impl FnMut(usize)) -> usize {
    workers_of(world, engine, &mut between)
}

pub fn workers_of(world: &World, engine: impl Fn(&World) -> Engine, mut between: impl FnMut(usize)) -> usize {
    for n in 0..200 {
        if phase(world) == Phase::Available {
            return n;
        }
        assert_ne!(phase(world), Phase::Failed, "{n} workers");
        worker(world, &engine);
        between(n);
    }
    panic!("200 workers did not end it");
}

/// The packaging as it was put down.
pub fn package(world: &World) -> Value {
    let state = world.lock();
    let found = state.items.iter().find(|(key, _)| key.sk == "package");
    found.map(|(_, item)| Value::Object(item.clone())).unwrap_or_default()
}

pub fn is_inside_a_file(world: &World) -> bool {
    !package(world)["open_file"].is_null()
}

/// In the order of their keys, the place of the object that the archive stands inside of, some of whose bytes are sealed.
pub fn far_inside(world: &World) -> Option<u64> {
    let package = package(world);
    let number = |of: &Value| of.as_u64().expect("a number");
    let before = package.get("open_file")?.get("before")?;
    let at = &package["stage"]["pack"]["files"];
    // The shop's batches are of two records.
    (number(&package["size"]) > number(&before["size"])).then(|| number(&at["batch"]) * 2 + number(&at["record"]))
}

/// The objects with the upload's end that a worker may yet ask for, or has to delete.
pub fn tails(world: &World) -> Vec<String> {
    let package = package(world);
    let named = [&package["unflushed"], &package["open_file"]["before"]["unflushed"]];
    let superseded = package["superseded"].as_array().into_iter().flatten();
    named.into_iter().chain(superseded).filter_map(Value::as_str).map(str::to_owned).collect()
}

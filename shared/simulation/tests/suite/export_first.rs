//! An export that goes before an erasure, and lacks something.

use crate::support::{approval, change_settings, engine, id, officer, pass, plan, request, reviewer, scene::Scene};
use oubli_domain::lifecycle::Phase;
use oubli_engine::{
    api::{NewRequest, RequestDetail, RequestKind},
    ports::{Item, Key},
};
use oubli_simulation::{World, polls::block_on, shop};

/// An erasure that waits for its export, of which the store refuses to read one record.
fn waits_for_an_export_that_lacks_a_record() -> World {
    let world = World::new(11, None, false);
    let engine = engine(&world);
    block_on(shop(&world, &engine)).expect("opened");
    change_settings(&engine, |s| s.notify = vec!["privacy@shop.example".to_owned()]).expect("set");
    world.pass(3_600);
    plan(&world, NewRequest { export_first: true, ..request(&world, "alice", RequestKind::FullErasure) });
    block_on(engine.reviews().approve(&reviewer(), id(), approval())).expect("approved");
    world.lock().shop.refused.insert(("orders".to_owned(), "o0".to_owned()), i64::MAX);
    world
}

fn detail(world: &World) -> RequestDetail {
    block_on(engine(world).requests().request(&officer(), id())).expect("there")
}

#[test]
fn p1_nothing_is_hidden_where_the_export_before_it_lacks_a_record() {
    let world = waits_for_an_export_that_lacks_a_record();
    let before = world.holdings("alice");
    for _ in 0..10 {
        pass(&world, 600);
    }
    let erasure = detail(&world).request;
    assert_eq!(erasure.state.phase, Phase::Failed);
    let failure = erasure.failure.expect("it says why");
    assert_eq!(failure.code, "export_incomplete", "{failure:?}");
    assert_eq!(world.holdings("alice"), before);

    // Another export is asked for, and has everything.
    world.lock().shop.refused.clear();
    block_on(engine(&world).requests().retry(&officer(), id())).expect("tried again");
    for _ in 0..4 {
        pass(&world, 60);
    }
    assert_eq!(detail(&world).request.state.phase, Phase::Recoverable);
    assert_ne!(world.holdings("alice"), before);
}

#[test]
fn p1_what_is_found_late_is_exported_before_it_is_hidden_too() {
    let scene = Scene::new(
        "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: notes, category: notes, store: db, table: notes, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}
",
    );
    scene.row("notes", "early", &[("owner", "ada")]);
    scene.world.pass(3_600);
    scene.plan_of(NewRequest { export_first: true, ..scene.new_request() });
    scene.hide();
    assert_eq!(scene.phase(), Phase::Recoverable);
    let exports = || {
        let state = scene.world.lock();
        let is_export =
            |(key, item): &(&Key, &Item)| key.sk == "request" && item.get("kind").is_some_and(|kind| kind == "export");
        state.items.iter().filter(is_export).count()
    };
    assert_eq!(exports(), 1);
    scene.row("notes", "late", &[("owner", "ada")]);
    assert_eq!(scene.end().request.state.phase, Phase::InReview);
    scene.hide();
    assert_eq!((scene.phase(), scene.rows("notes").len()), (Phase::Recoverable, 0));
    assert_eq!(exports(), 2, "that of the first round has nothing of it");
}

#[test]
fn people_are_told_once_that_an_export_lacks_a_record() {
    let world = waits_for_an_export_that_lacks_a_record();
    for _ in 0..10 {
        pass(&world, 600);
    }
    let told = world.lock().announcements.clone();
    let problems: Vec<_> = told.iter().filter(|a| a.subject.ends_with("is not complete")).collect();
    assert_eq!((told.len(), problems.len()), (1, 1), "{told:?}");
    assert!(problems[0].text.contains("1 records could not be read") && !problems[0].text.contains("alice"), "{told:?}");
}

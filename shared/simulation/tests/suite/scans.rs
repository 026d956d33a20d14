//! Tables that are read as a whole, as far as their map allows.

use crate::support::{
    approval, drive, engine, id, officer, opened, pass, plan, request, reviewer,
    scene::{Scene, stayed},
};
use oubli_domain::{lifecycle::Phase, personal::Identity, settings::Settings};
use oubli_engine::{
    Config,
    api::{Approval, NewRequest, RequestDetail, RequestKind},
    ports::Item,
};
use oubli_simulation::{World, organization, polls::block_on};
use serde_json::Value;

/// Longer than the shop's recovery window, in seconds.
const WINDOW_AND_MORE: i64 = 500;

fn scanned(max_items: u32) -> World {
    let world = opened();
    let map = format!(
        "
version: 1
stores: {{db: {{connector: dynamodb}}}}
producers:
  - {{name: orders, category: orders, store: db, table: orders, key: [id], select: [{{by: subject_id, index: by_owner, attribute: owner}}]}}
  - {{name: letters, category: letters, store: db, table: letters, key: [id], select: [{{by: subject_id, scan: {{attribute: to, max_items: {max_items}}}}}]}}
"
    );
    block_on(engine(&world).directory().operator(&organization(), None).publish_map(&map)).expect("published");
    for n in 0..5 {
        let key = format!("l{n}");
        world.app_writes("letters", &key, &[("id", &key), ("to", if n < 2 { "alice" } else { "alice2" })]);
    }
    world.pass(60);
    world
}

fn detail(world: &World) -> RequestDetail {
    block_on(engine(world).requests().request(&officer(), id())).expect("there")
}

fn erased(world: &World) -> RequestDetail {
    plan(world, request(world, "alice", RequestKind::FullErasure));
    let approval = Approval { acknowledged: detail(world).to_acknowledge, ..approval() };
    block_on(engine(world).reviews().approve(&reviewer(), id(), approval)).expect("approved");
    drive(world);
    pass(world, WINDOW_AND_MORE);
    detail(world)
}

fn left(world: &World) -> Vec<String> {
    (0..5).map(|n| format!("l{n}")).filter(|key| world.row("letters", key).is_some()).collect()
}

#[test]
fn p3_what_a_scan_finds_is_erased_and_looked_for_again() {
    let world = scanned(5);
    assert_eq!(erased(&world).request.state.phase, Phase::Completed);
    assert_eq!(left(&world), ["l2", "l3", "l4"]);
}

#[test]
fn p3_a_table_larger_than_its_scan_may_read_is_named_as_not_searched() {
    let world = scanned(4);
    plan(&world, request(&world, "alice", RequestKind::FullErasure));
    let planned = detail(&world);
    assert!(planned.to_acknowledge.iter().any(|name| name == "letters"), "{:?}", planned.to_acknowledge);
    let approval = Approval { acknowledged: planned.to_acknowledge, ..approval() };
    block_on(engine(&world).reviews().approve(&reviewer(), id(), approval)).expect("approved");
    drive(&world);
    pass(&world, WINDOW_AND_MORE);
    let ended = detail(&world);
    assert_eq!(ended.request.state.phase, Phase::CompletedWithExceptions);
    assert!(ended.unsearched.iter().any(|u| u.producer.as_str() == "letters"), "{:?}", ended.unsearched);
    assert_eq!(left(&world).len(), 5, "nothing of it was touched");
}

#[test]
fn p3_what_a_plan_named_is_read_again_though_its_table_has_grown_too_large_to_scan() {
    let world = scanned(5);
    plan(&world, request(&world, "alice", RequestKind::FullErasure));
    block_on(engine(&world).reviews().approve(&reviewer(), id(), approval())).expect("approved");
    drive(&world);
    for (key, to) in [("l0", "alice"), ("l5", "bob"), ("l6", "bob")] {
        world.app_writes("letters", key, &[("id", key), ("to", to)]);
    }
    pass(&world, WINDOW_AND_MORE);
    let found = detail(&world);
    assert_eq!(found.request.state.phase, Phase::InReview, "somebody wrote it anew, and has to decide");
    let steps: Vec<_> = found.plan.iter().flat_map(|p| &p.steps).map(|s| (s.producer.as_str(), s.records)).collect();
    assert_eq!(steps, [("letters", 1)]);
    assert!(found.to_acknowledge.iter().any(|name| name == "letters"), "{:?}", found.to_acknowledge);
}

/// Letters by whom they are to, looked through, and those that a case of somebody's names.
fn letters_of_cases(max_items: u32) -> World {
    let world = opened();
    let map = format!(
        "
version: 1
stores: {{db: {{connector: dynamodb}}}}
producers:
  - {{name: cases, category: cases, store: db, table: cases, key: [id], select: [{{by: subject_id, index: by_owner, attribute: owner}}]}}
  - {{name: letters, category: letters, store: db, table: letters, key: [id], select: [{{by: subject_id, scan: {{attribute: to, max_items: {max_items}}}}}, {{by: {{producer: cases, field: letter}}, attribute: id}}]}}
"
    );
    block_on(engine(&world).directory().operator(&organization(), None).publish_map(&map)).expect("published");
    world.app_writes("cases", "c", &[("id", "c"), ("owner", "alice"), ("letter", "l0")]);
    for n in 0..5 {
        let key = format!("l{n}");
        world.app_writes("letters", &key, &[("id", &key), ("to", if n == 1 { "alice" } else { "nobody" })]);
    }
    world.pass(60);
    world
}

fn letters_planned(found: &RequestDetail) -> u64 {
    found.plan.iter().flat_map(|p| &p.steps).filter(|s| s.producer.as_str() == "letters").map(|s| s.records).sum()
}

#[test]
fn p3_what_other_selections_lead_to_is_found_in_a_table_too_large_to_scan() {
    let world = letters_of_cases(3);
    plan(&world, request(&world, "alice", RequestKind::FullErasure));
    let found = detail(&world);
    assert_eq!(letters_planned(&found), 1, "the one that her case names");
    assert!(found.to_acknowledge.iter().any(|name| name == "letters"), "{:?}", found.to_acknowledge);
    let approval = Approval { acknowledged: found.to_acknowledge, ..approval() };
    block_on(engine(&world).reviews().approve(&reviewer(), id(), approval)).expect("approved");
    drive(&world);
    pass(&world, WINDOW_AND_MORE);
    assert_eq!(detail(&world).request.state.phase, Phase::CompletedWithExceptions);
    assert_eq!(left(&world), ["l1", "l2", "l3", "l4"]);
}

#[test]
fn p3_what_a_scan_past_its_bound_took_back_is_found_by_the_next_selection() {
    let scene = Scene::new(
        "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: letters, category: letters, store: db, table: letters, key: [id], select: [{by: subject_id, scan: {attribute: to, max_items: 3}}, {by: subject_email, index: by_cc, attribute: cc}]}
",
    );
    scene.row("letters", "l0", &[("to", "ada"), ("cc", "ada@x.org")]);
    scene.row("letters", "l1", &[("cc", "ada@x.org")]);
    for key in ["l2", "l3", "l4"] {
        scene.row("letters", key, &[("to", "nobody")]);
    }
    scene.world.pass(3_600);
    let identity = Identity::built_in(Some("ada"), Some("ada@x.org")).expect("an identity");
    let (goes, _) = scene.plan_of(NewRequest { identity, ..scene.new_request() });
    assert_eq!(goes, [("letters".to_owned(), 2)]);
    assert_eq!(scene.detail().to_acknowledge, ["letters"]);
}

#[test]
fn p3_what_a_plan_named_by_several_selections_is_read_again_though_its_table_has_grown() {
    let world = letters_of_cases(5);
    plan(&world, request(&world, "alice", RequestKind::FullErasure));
    assert_eq!(letters_planned(&detail(&world)), 2);
    block_on(engine(&world).reviews().approve(&reviewer(), id(), approval())).expect("approved");
    drive(&world);
    for (key, to) in [("l0", "nobody"), ("l1", "alice"), ("l5", "bob"), ("l6", "bob")] {
        world.app_writes("letters", key, &[("id", key), ("to", to)]);
    }
    pass(&world, WINDOW_AND_MORE);
    let found = detail(&world);
    assert_eq!(found.request.state.phase, Phase::InReview, "somebody wrote them anew, and has to decide");
    assert_eq!(letters_planned(&found), 2);
    assert!(found.to_acknowledge.iter().any(|name| name == "letters"), "{:?}", found.to_acknowledge);
}

#[test]
fn p3_nothing_is_said_of_what_a_scan_found_before_it_went_past_its_bound() {
    let map = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: cases, category: cases, store: db, table: cases, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}
  - {name: letters, category: letters, store: db, table: letters, key: [id], select: [{by: subject_id, scan: {attribute: to, max_items: 4}}, {by: {producer: cases, field: letter}, attribute: id}]}
";
    let scene = Scene::new(map);
    let settings: Settings = block_on(scene.engine().directory().settings(&organization())).expect("settings");
    let small = Settings { batch_size: 1, ..settings };
    block_on(scene.engine().directory().operator(&organization(), None).update_settings(small, Some("no recovery")))
        .expect("changed");
    scene.row("cases", "c", &[("owner", "ada"), ("letter", "l0")]);
    ["l0", "l1", "l2", "l3"].into_iter().for_each(|key| scene.row("letters", key, &[("to", "ada")]));
    block_on(scene.engine().requests().submit(&officer(), scene.new_request())).expect("submitted");
    // Workers that have no time for a second page.
    let largest_record_bytes = Some(1 << 30);
    let tired = scene.engine_of(Config { worker_timeout_seconds: 0, largest_record_bytes, ..Config::default() });
    let parts = || {
        let state = scene.world.lock();
        let of_letters = |item: &Item| item.get("producer").and_then(Value::as_str) == Some("letters");
        let walk = state.items.iter().find(|(key, item)| key.sk.starts_with("discovery#001#") && of_letters(item));
        walk.and_then(|(_, item)| item.get("parts").and_then(Value::as_u64)).unwrap_or_default()
    };
    for _ in 0..30 {
        if parts() >= 2 {
            break;
        }
        block_on(tired.discovery().discover(&organization(), &id())).expect("looked");
        scene.world.pass(60);
    }
    assert_eq!(parts(), 2, "two pages of it were read");
    scene.row("letters", "l4", &[("to", "bob")]);
    scene.world.pass(60);
    scene.settle();
    assert_eq!(scene.planned().0, [("letters".to_owned(), 1), ("cases".to_owned(), 1)], "her case leads to one");
    assert_eq!(scene.detail().to_acknowledge, ["letters"]);
    scene.hide();
    assert_eq!(scene.rows("letters"), ["l1", "l2", "l3", "l4"]);
}

/// Letters that law keeps, found by a scan; and the same letters by whom they were copied to, which nothing keeps.
fn kept_letters(max_items: u32, copied_to: &str) -> World {
    let world = opened();
    let map = format!(
        "
version: 1
stores: {{db: {{connector: dynamodb}}}}
producers:
  - {{name: letters, category: letters, store: db, table: letters, key: [id], select: [{{by: subject_id, scan: {{attribute: to, max_items: {max_items}}}}}], retention: {{reason: accounts, exception: legal_obligation}}}}
  - {{name: copies, category: copies, store: db, table: letters, key: [id], select: [{{by: subject_id, index: by_copy, attribute: copy}}]}}
"
    );
    block_on(engine(&world).directory().operator(&organization(), None).publish_map(&map)).expect("published");
    for n in 0..5 {
        let key = format!("l{n}");
        world.app_writes("letters", &key, &[("id", &key), ("to", "alice"), ("copy", copied_to)]);
    }
    world.pass(60);
    world
}

#[test]
fn p2_what_a_scan_that_was_not_made_would_keep_is_not_erased_as_another_producers() {
    for max_items in [5, 4] {
        let world = kept_letters(max_items, "alice");
        plan(&world, request(&world, "alice", RequestKind::FullErasure));
        drive(&world);
        let failed = detail(&world);
        assert_eq!(failed.request.state.phase, Phase::Failed, "{max_items}");
        let failure = failed.request.failure.expect("it says why");
        let said = failure.message;
        assert!(failure.code == "producers_overlap" && said.contains("letters and copies"), "{max_items}: {said}");
        assert_eq!(said.contains("was not searched"), max_items == 4, "{said}");
        assert_eq!(left(&world).len(), 5);
    }
    // Where the other finds nothing, there is nothing that it could erase.
    let world = kept_letters(4, "bob");
    plan(&world, request(&world, "alice", RequestKind::FullErasure));
    assert_ne!(detail(&world).request.state.phase, Phase::Failed);
}

#[test]
fn p6_what_a_scan_found_and_was_given_to_somebody_else_stays() {
    let world = scanned(5);
    plan(&world, request(&world, "alice", RequestKind::FullErasure));
    world.app_writes("letters", "l0", &[("id", "l0"), ("to", "bob")]);
    block_on(engine(&world).reviews().approve(&reviewer(), id(), approval())).expect("approved");
    drive(&world);
    pass(&world, WINDOW_AND_MORE);
    assert_eq!(left(&world), ["l0", "l2", "l3", "l4"]);
}

#[test]
fn p3_a_bound_of_a_scan_is_one_for_all_spellings_that_a_person_is_looked_for_by() {
    // Given in capitals, an address is looked for as given and in its normal form.
    for (max_items, searched) in [(10, true), (9, false)] {
        let world = opened();
        let map = format!(
            "
version: 1
stores: {{db: {{connector: dynamodb}}}}
producers:
  - {{name: letters, category: letters, store: db, table: letters, key: [id], select: [{{by: subject_email, scan: {{attribute: to, max_items: {max_items}}}}}]}}
"
        );
        block_on(engine(&world).directory().operator(&organization(), None).publish_map(&map)).expect("published");
        for (n, to) in ["WHO@elsewhere.example", "who@elsewhere.example", "a@b.c", "b@b.c", "c@b.c"].into_iter().enumerate() {
            let key = format!("l{n}");
            world.app_writes("letters", &key, &[("id", &key), ("to", to)]);
        }
        world.pass(60);
        let identity = Identity::built_in(None, Some("WHO@elsewhere.example")).expect("an identity");
        plan(&world, NewRequest { identity, ..request(&world, "alice", RequestKind::FullErasure) });
        let planned = detail(&world);
        assert_eq!(planned.to_acknowledge.iter().any(|name| name == "letters"), !searched, "{max_items}");
        let found: u64 = planned.plan.iter().flat_map(|p| &p.steps).map(|s| s.records).sum();
        assert_eq!(found, if searched { 2 } else { 0 }, "{max_items}");
    }
}

/// Notes by whom they are to, looked through; and the reviews among them, which are not theirs to erase.
const NOTES: &str = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: notes, category: notes, store: db, table: letters, key: [id], select: [{by: subject_id, scan: {attribute: to, max_items: 1000}}]}
  - {name: reviews, category: reviews, store: db, table: letters, key: [id], select: [{by: subject_id, scan: {attribute: to, max_items: 1000}, where: {type: review}}], erase: false, because: the reviewer's own}
";

#[test]
fn p2_what_a_scan_found_and_became_a_more_specific_producers_is_left_for_the_next_look() {
    let scene = Scene::new(NOTES);
    for key in ["l0", "l1", "l2"] {
        scene.row("letters", key, &[("to", "ada"), ("type", "note")]);
    }
    let (goes, _) = scene.plan();
    assert_eq!(goes, [("notes".to_owned(), 3)]);
    scene.row("letters", "l0", &[("to", "ada"), ("type", "review")]);
    scene.row("letters", "l1", &[("to", "ada"), ("type", "letter")]);
    scene.hide();
    assert_eq!(scene.rows("letters"), ["l0"], "what is no review is still a note");
    // What was hidden and is written anew is not planned as what it was.
    scene.row("letters", "l1", &[("to", "ada"), ("type", "review")]);
    let end = scene.end();
    assert_eq!((end.request.state.phase, end.request.round), (Phase::CompletedWithExceptions, 1), "{:?}", end.plan);
    assert_eq!(stayed(&end.kept, "reviews", "export_only", "the reviewer's own"), 2, "{:?}", end.kept);
    assert_eq!(scene.rows("letters"), ["l0", "l1"]);
}

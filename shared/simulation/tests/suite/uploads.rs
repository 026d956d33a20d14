//! Uploads that nobody finished: in the plan as what they are, left alone while anything can be restored, then gone.

use crate::support::{approval, drive, engine, hold_on, id, officer, opened, pass, plan, poll_some, request, reviewer};
use oubli_domain::{
    lifecycle::Phase,
    plan::{Exclusion, PlannedStep},
};
use oubli_engine::api::{Approval, NewRequest, RequestDetail, RequestKind, RestoreOrder};
use oubli_simulation::{World, organization, polls::block_on};
use std::pin::Pin;

/// Longer than the shop's recovery window, in seconds.
const WINDOW_AND_MORE: i64 = 500;

const UPLOADS: &str = "files-unfinished-uploads";

/// A shop in which alice and alice2 began uploads: hers of two keys, and twice of one of them.
fn begun(versioned: bool) -> World {
    let world = opened();
    if !versioned {
        world.without_versions("files");
    }
    for key in ["u/alice/passport", "u/alice/passport", "u/alice/photo", "u/alice2/passport"] {
        world.app_begins_upload("files", key);
    }
    world
}

fn planned(world: &World) -> RequestDetail {
    plan(world, request(world, "alice", RequestKind::FullErasure));
    detail(world)
}

fn detail(world: &World) -> RequestDetail {
    block_on(engine(world).requests().request(&officer(), id())).expect("there")
}

fn approve(world: &World, approval: Approval) {
    block_on(engine(world).reviews().approve(&reviewer(), id(), approval)).expect("approved");
    drive(world);
}

fn steps(detail: &RequestDetail) -> Vec<PlannedStep> {
    detail.plan.as_ref().map(|p| p.steps.clone()).unwrap_or_default()
}

fn phase(world: &World) -> Phase {
    detail(world).request.state.phase
}

fn of_alice(world: &World) -> Vec<String> {
    world.uploads("files").into_iter().filter(|key| key.starts_with("u/alice/")).collect()
}

#[test]
fn p3_unfinished_uploads_are_planned_as_such_and_gone_in_the_end() {
    for versioned in [true, false] {
        let world = begun(versioned);
        let detail = planned(&world);
        let uploads = steps(&detail).into_iter().find(|s| s.producer.as_str() == UPLOADS).expect("planned");
        assert_eq!((uploads.records, uploads.category.as_str()), (3, "files"), "each upload is one, and alice2's is not hers");
        let cautions = detail.plan.as_ref().map(|p| p.cautions.clone()).unwrap_or_default();
        assert!(cautions.iter().any(|c| c.starts_with(UPLOADS) && c.contains("aborted for good")), "{cautions:?}");

        approve(&world, approval());
        assert_eq!(phase(&world), Phase::Recoverable);
        assert_eq!(of_alice(&world).len(), 3, "nobody sees them, and until the window ends they can be restored");
        pass(&world, WINDOW_AND_MORE);
        assert!(detail_is_final(&world), "{:?}", phase(&world));
        assert_eq!(world.uploads("files"), ["u/alice2/passport"], "hers are gone, somebody else's are not");
        assert!(world.versions("files", "u/alice/").is_empty());
    }
}

fn detail_is_final(world: &World) -> bool {
    detail(world).request.state.is_final()
}

#[test]
fn p3_a_plan_of_somebody_without_uploads_does_not_speak_of_them() {
    let world = opened();
    world.app_begins_upload("files", "u/alice2/passport");
    let detail = planned(&world);
    assert!(steps(&detail).iter().all(|s| s.producer.as_str() != UPLOADS));
    assert!(detail.plan.expect("a plan").cautions.iter().all(|c| !c.contains("upload")));
}

#[test]
fn p5_an_upload_of_a_restored_erasure_can_be_finished() {
    for versioned in [true, false] {
        let world = begun(versioned);
        planned(&world);
        approve(&world, approval());
        block_on(engine(&world).requests().restore(&officer(), id(), RestoreOrder::default())).expect("accepted");
        drive(&world);
        // What old versions there were cannot come back where none are kept.
        if versioned {
            assert_eq!((phase(&world), detail(&world).counts.conflicts), (Phase::Restored, 0));
        }
        pass(&world, WINDOW_AND_MORE);
        assert_eq!(of_alice(&world).len(), 3);
        world.app_finishes_upload("files", "u/alice/passport");
        assert!(world.versions("files", "u/alice/passport").len() == 1);
    }
}

#[test]
fn p2_an_upload_under_a_hold_is_not_aborted() {
    for (versioned, placed_while_hidden) in [(true, false), (true, true), (false, false), (false, true)] {
        let world = begun(versioned);
        let hold = || block_on(engine(&world).holds().place_hold(&officer(), hold_on("files"))).expect("placed");
        if !placed_while_hidden {
            hold();
        }
        let detail = planned(&world);
        assert_eq!(steps(&detail).iter().any(|s| s.producer.as_str() == UPLOADS), placed_while_hidden);
        approve(&world, approval());
        if placed_while_hidden {
            hold();
        }
        pass(&world, WINDOW_AND_MORE);
        assert_eq!(of_alice(&world).len(), 3, "versioned: {versioned}, placed while hidden: {placed_while_hidden}");
    }
}

#[test]
fn p1_an_upload_of_what_a_reviewer_left_out_is_not_aborted() {
    let world = begun(true);
    planned(&world);
    let files =
        Exclusion { category: "files".parse().expect("a category"), reason: "a dispute".to_owned(), retention_until: None };
    approve(&world, Approval { exclusions: vec![files], ..approval() });
    pass(&world, WINDOW_AND_MORE);
    assert!(detail_is_final(&world), "{:?}", phase(&world));
    assert_eq!(of_alice(&world).len(), 3);
}

#[test]
fn p3_what_an_upload_became_before_it_was_aborted_is_found_by_the_look_that_verifies() {
    for versioned in [true, false] {
        let world = begun(versioned);
        planned(&world);
        approve(&world, approval());
        world.app_finishes_upload("files", "u/alice/photo");
        pass(&world, WINDOW_AND_MORE);
        assert_eq!(phase(&world), Phase::InReview, "it is an object now, and somebody has to decide");
        let steps = steps(&detail(&world));
        assert_eq!(steps.iter().map(|s| (s.producer.as_str(), s.records)).collect::<Vec<_>>(), [("files", 1)]);
        assert_eq!(of_alice(&world), Vec::<String>::new());
        assert_eq!(world.versions("files", "u/alice/").len(), 1);
    }
}

#[test]
fn p3_an_upload_that_is_finished_while_it_is_looked_for_is_found_as_one_or_the_other() {
    let records = |world: &World, name: &str| -> u64 {
        steps(&detail(world)).iter().filter(|s| s.producer.as_str() == name).map(|s| s.records).sum()
    };
    let otherwise = begun(true);
    planned(&otherwise);
    let (uploads, files) = (records(&otherwise, UPLOADS), records(&otherwise, "files"));
    let (mut before, mut between) = (0, 0);
    for polls in 0.. {
        let world = begun(true);
        world.app_begins_upload("files", "u/alice/brought");
        let engine = engine(&world);
        block_on(engine.requests().submit(&officer(), request(&world, "alice", RequestKind::FullErasure))).expect("submitted");
        let (discovery, organization, id) = (engine.discovery(), organization(), id());
        let mut looking: Pin<Box<dyn Future<Output = _> + '_>> = Box::pin(discovery.discover(&organization, &id));
        let done = poll_some(&mut looking, polls);
        world.app_finishes_upload("files", "u/alice/brought");
        if !done {
            block_on(looking).expect("discovered");
        }
        match (records(&world, UPLOADS) - uploads, records(&world, "files") - files) {
            (0, 1) => before += 1,
            (1, 1) => between += 1,
            (1, 0) => {}
            neither => panic!("{polls}: {neither:?}"),
        }
        if done {
            break;
        }
    }
    assert!(before > 0 && between > 0, "{before} {between}");
}

#[test]
fn p4_an_upload_that_somebody_else_ended_is_not_said_to_be_erased() {
    for finished in [true, false] {
        let world = begun(true);
        let all: u64 = steps(&planned(&world)).iter().map(|s| s.records).sum();
        approve(&world, approval());
        world.lock().app_ends_upload("files", "u/alice/photo", finished);
        pass(&world, WINDOW_AND_MORE);
        let counts = detail(&world).counts;
        assert_eq!((counts.erased, counts.already_absent), (all - 1, 1), "finished: {finished}");
    }
}

#[test]
fn p3_an_upload_that_began_after_the_plan_is_a_late_arrival() {
    let world = begun(true);
    planned(&world);
    approve(&world, approval());
    world.app_begins_upload("files", "u/alice/late");
    pass(&world, WINDOW_AND_MORE);
    assert_eq!(phase(&world), Phase::InReview);
    assert_eq!(of_alice(&world), ["u/alice/late"]);
    approve(&world, Approval { plan_digest: detail(&world).request.plan_digest, ..approval() });
    pass(&world, WINDOW_AND_MORE);
    assert!(detail_is_final(&world), "{:?}", phase(&world));
    assert!(of_alice(&world).is_empty());
}

#[test]
fn p3_an_export_says_of_an_upload_that_it_cannot_show_it() {
    let world = begun(true);
    let new = NewRequest { deliver: false, ..request(&world, "alice", RequestKind::Export) };
    plan(&world, new);
    let uploads = steps(&detail(&world)).into_iter().find(|s| s.producer.as_str() == UPLOADS).expect("planned");
    assert_eq!(uploads.records, 3);
    block_on(engine(&world).worker().advance(&organization(), &id(), false)).expect("begun");
    drive(&world);
    assert_eq!(phase(&world), Phase::Available, "what cannot be shown stands in nobody's way");
    assert_eq!(of_alice(&world).len(), 3);
}

//! Exports that end, or begin anew, whose worker dies at every await: whoever comes next leaves nothing of them.

use crate::{
    packaging::fails,
    support::{
        ID, engine, id,
        inside::{message, package},
        officer,
        packaged::{exact, phase, planned, recovers},
    },
};
use oubli_domain::lifecycle::Phase;
use oubli_engine::ports::Message;
use oubli_simulation::{
    SUBJECTS, World, organization,
    polls::{block_on, poll_for},
};

const DAY: i64 = 86_400;

/// What there is of an export.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    exports: usize,
    /// Objects put down while it was packaged.
    staged: usize,
    /// What people are to be told of it.
    to_tell: usize,
    /// Items beside its request.
    items: usize,
}

fn left(world: &World) -> Left {
    let to_tell = world.lock().items.keys().filter(|key| key.sk.starts_with("notification#")).count();
    let items = world.left_of(ID).into_iter().filter(|item| !item.starts_with("Keys ")).count();
    Left { exports: world.exports().len(), staged: world.staged(ID).len(), to_tell, items }
}

/// Whether anything can be read that was copied.
fn is_readable(world: &World) -> bool {
    world.left_of(ID).iter().any(|item| ["Keys export", "Keys packaging"].contains(&item.as_str()))
}

/// A worker died with an upload begun, after so many polls.
fn died(polls: u64) -> World {
    let world = planned(SUBJECTS[0]);
    poll_for(engine(&world).worker().handle(&message()), polls);
    world
}

/// After how many polls an upload is noted.
fn polls_to_upload() -> u64 {
    (1..1_000).find(|polls| package(&died(*polls))["upload"].is_string()).expect("it uploads")
}

/// The request goes as far as it can, or so many polls. Answers how many it took.
fn advance(world: &World, polls: u64) -> u64 {
    poll_for(engine(world).worker().advance(&organization(), &id(), false), polls).1
}

/// The sweeper finds what is due of it.
fn sweep(world: &World, how: &str) {
    let again = Message::Sweep { organization: organization(), request: id() };
    world.lock().messages.clear();
    world.pass(60);
    block_on(engine(world).worker().sweep()).unwrap_or_else(|e| panic!("{how}: {e}"));
    // What was cleaned to its end is due only when it is forgotten.
    if world.lock().messages.iter().any(|waiting| waiting.message == again) {
        block_on(engine(world).worker().handle(&again)).unwrap_or_else(|e| panic!("{how}: {e}"));
    }
}

/// An end is broken off at every await, and the sweeper comes.
fn ends_wherever_a_worker_dies(end: Phase, ended: &dyn Fn() -> World) {
    let calm = ended();
    let began = left(&calm);
    let polls = advance(&calm, u64::MAX);
    let nothing = left(&calm);
    assert_eq!((phase(&calm), nothing.exports, nothing.to_tell, nothing.items), (end, 0, 0, 0));
    let mut between = 0;
    for alive in 0..=polls {
        let how = format!("{end:?}, of {began:?}, died after {alive} of {polls} polls");
        let world = ended();
        let upload = package(&world)["upload"].as_str().map(str::to_owned).expect("an upload");
        assert!(left(&world) == began && is_readable(&world), "{how}");
        advance(&world, alive);
        // Its keys go first: what is left meanwhile opens for nobody.
        if left(&world) != began {
            assert!(!is_readable(&world), "{how}");
            between += u32::from(left(&world) != nothing);
        }
        sweep(&world, &how);
        assert_eq!(phase(&world), end, "{how}");
        assert_eq!(left(&world), nothing, "{how}");
        assert_eq!(world.left_of(ID), Vec::<String>::new(), "{how}");
        assert!(!world.lock().shelf.uploads.contains_key(&upload), "{how}: its upload goes on");
        assert!(world.guards().iter().all(|guard| !guard.contains_key("exporting")), "{how}: its person still waits for it");
    }
    assert!(between > 2, "{end:?}: {between} died in the midst of it");
}

#[test]
fn p10_an_export_whose_time_is_over_leaves_nothing_wherever_a_worker_dies() {
    ends_wherever_a_worker_dies(Phase::Expired, &|| {
        let world = planned(SUBJECTS[0]);
        recovers(&world, "ready");
        assert_eq!(left(&world).to_tell, 2, "that it can be opened, and that its end is near");
        world.pass(15 * DAY);
        world
    });
}

#[test]
fn p10_an_export_that_was_cancelled_leaves_nothing_wherever_a_worker_dies() {
    let polls = polls_to_upload();
    ends_wherever_a_worker_dies(Phase::Cancelled, &|| {
        let world = died(polls);
        block_on(engine(&world).requests().cancel(&officer(), id(), None)).expect("cancelled");
        world.pass(120);
        world
    });
}

#[test]
fn p10_an_export_that_failed_and_is_not_retried_leaves_nothing_wherever_a_worker_dies() {
    let polls = polls_to_upload();
    ends_wherever_a_worker_dies(Phase::Cancelled, &|| {
        let world = died(polls);
        fails(&world);
        assert_eq!(left(&world).to_tell, 1, "that it failed");
        world.pass(15 * DAY);
        world
    });
}

#[test]
fn an_export_that_begins_anew_is_whole_and_leaves_nothing_of_the_one_before_wherever_a_worker_dies() {
    let polls = polls_to_upload();
    // What was uploaded is lost: nothing can go on where it stood.
    let retried = || {
        let world = died(polls);
        fails(&world);
        world.end_uploads();
        block_on(engine(&world).requests().retry(&officer(), id())).expect("retried");
        world
    };
    let begun = advance(&retried(), u64::MAX);
    assert!(begun > 10, "{begun}");
    for alive in 0..=begun {
        let how = format!("died after {alive} of {begun} polls");
        let world = retried();
        let before = package(&world)["message_id"].clone();
        advance(&world, alive);
        advance(&world, u64::MAX);
        assert_ne!(package(&world)["message_id"], before, "{how}: it begins anew");
        recovers(&world, &how);
        exact(&world, SUBJECTS[0], &how);
        block_on(engine(&world).exports().revoke_export(&officer(), id())).unwrap_or_else(|e| panic!("{how}: {e}"));
        advance(&world, u64::MAX);
        let Left { exports, staged, to_tell, items } = left(&world);
        assert_eq!((exports, staged, to_tell, items), (0, 0, 0, 0), "{how}");
        assert!(world.left_of(ID).is_empty() && world.lock().shelf.uploads.is_empty(), "{how}");
    }
}

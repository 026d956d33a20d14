//! What is put back, what cannot be, and what a hold keeps from being destroyed.

use crate::support::{
    approval, change_settings, drive, engine, hold_on, id, officer, opened, pass, plan, planned, poll_some, request, reviewer,
};
use oubli_domain::{batch::Counts, datamap::WorkerPool, ids::HoldId, lifecycle::Phase, request::WaitingFor};
use oubli_engine::{
    EngineError, Refusal,
    api::{RequestDetail, RequestKind, RestoreOrder},
    ports::Message,
};
use oubli_simulation::{
    CallOutcome, Mutant, World, organization,
    polls::{block_on, poll_for},
};
use std::pin::Pin;
use uuid::Uuid;

/// Longer than the shop's recovery window, in seconds.
const WINDOW_AND_MORE: i64 = 500;

fn approve_and_hide(world: &World) {
    while let Err(EngineError::Transient(_)) = block_on(engine(world).reviews().approve(&reviewer(), id(), approval())) {}
    drive(world);
}

fn approved(world: World) -> World {
    block_on(engine(&world).reviews().approve(&reviewer(), id(), approval())).expect("approved");
    world
}

/// An erasure of alice, hidden.
fn hidden() -> World {
    let world = planned();
    approve_and_hide(&world);
    assert_eq!(phase(&world), Phase::Recoverable);
    world
}

/// Whoever died is dead for all, and others go on.
fn leases_end(world: &World) {
    for _ in 0..4 {
        pass(world, 61);
    }
}

fn detail(world: &World) -> RequestDetail {
    block_on(engine(world).requests().request(&officer(), id())).expect("there")
}

fn phase(world: &World) -> Phase {
    detail(world).request.state.phase
}

fn counts(world: &World) -> Counts {
    detail(world).counts
}

fn restore(world: &World, order: RestoreOrder) {
    block_on(engine(world).requests().restore(&officer(), id(), order)).expect("accepted");
    drive(world);
}

fn refusal(error: EngineError) -> Refusal {
    match error {
        EngineError::Refused(refusal) => refusal,
        error => panic!("{error}"),
    }
}

#[test]
fn p5_the_window_that_opens_is_the_one_that_stores_were_asked_for() {
    let world = approved(planned());
    block_on(engine(&world).worker().advance(&organization(), &id(), false)).expect("begun");
    assert_eq!(phase(&world), Phase::Hiding);
    change_settings(&engine(&world), |s| s.recovery_window_seconds = 366 * 24 * 3_600).expect("set");
    drive(&world);
    assert_eq!(phase(&world), Phase::Recoverable);
    pass(&world, WINDOW_AND_MORE);
    assert!(detail(&world).request.state.is_final(), "nobody promised to keep it for a year: {:?}", phase(&world));
}

#[test]
fn p5_what_could_not_be_put_back_is_put_back_later() {
    let world = hidden();
    world.pass(60);
    world.app_writes("orders", "o0", &[("id", "o0"), ("owner", "alice"), ("email", "new@example.org")]);
    restore(&world, RestoreOrder::default());
    assert_eq!((phase(&world), counts(&world).conflicts), (Phase::Recoverable, 1), "its copy is kept while the window lasts");

    let page = block_on(engine(&world).requests().conflicts(&officer(), id(), None, 10)).expect("listed");
    assert_eq!(page.conflicts.len(), 1);
    assert_eq!(page.conflicts[0].producer.as_str(), "orders");
    assert!(page.conflicts[0].hidden_at < page.conflicts[0].conflict_at, "{:?}", page.conflicts[0]);
    assert_eq!(page.conflicts[0].reason.as_deref(), Some("something newer stands there"));

    world.app_deletes("orders", "o0");
    restore(&world, RestoreOrder { records: vec![page.conflicts[0].name], ..RestoreOrder::default() });
    assert_eq!((phase(&world), counts(&world).conflicts), (Phase::Restored, 0));
    let row = world.row("orders", "o0").expect("it stands");
    assert_eq!(row["email"], "alice@example.org", "as it was");
}

#[test]
fn p5_a_copy_that_a_person_gives_up_ends_the_restore() {
    let world = hidden();
    world.app_writes("orders", "o0", &[("id", "o0"), ("owner", "alice"), ("email", "new@example.org")]);
    restore(&world, RestoreOrder::default());
    let engine = engine(&world);
    let name = block_on(engine.requests().conflicts(&officer(), id(), None, 10)).expect("listed").conflicts[0].name;

    let none = RestoreOrder { give_up: true, ..RestoreOrder::default() };
    let error = block_on(engine.requests().restore(&officer(), id(), none)).expect_err("refused");
    assert_eq!(refusal(error).code, "empty_scope");
    let other = oubli_engine::api::RecordName::new(name.step_index, name.batch_index, 999);
    let many = RestoreOrder { give_up: true, records: vec![other; RestoreOrder::MOST_RECORDS + 1], ..RestoreOrder::default() };
    assert_eq!(refusal(block_on(engine.requests().restore(&officer(), id(), many)).expect_err("refused")).code, "too_many");
    let wrong = RestoreOrder { give_up: true, records: vec![other], ..RestoreOrder::default() };
    assert_eq!(
        refusal(block_on(engine.requests().restore(&officer(), id(), wrong)).expect_err("refused")).code,
        "unknown_record"
    );

    restore(&world, RestoreOrder { give_up: true, records: vec![name], ..RestoreOrder::default() });
    let counts = counts(&world);
    assert_eq!((phase(&world), counts.conflicts, counts.given_up), (Phase::Restored, 0, 1));
    let row = world.row("orders", "o0").expect("it stands");
    assert_eq!(row["email"], "new@example.org", "the newer one stays");
}

/// Something that could not be put back, by its name.
fn in_conflict(world: &World) -> oubli_engine::api::RecordName {
    world.app_writes("orders", "o0", &[("id", "o0"), ("owner", "alice"), ("email", "new@example.org")]);
    restore(world, RestoreOrder::default());
    block_on(engine(world).requests().conflicts(&officer(), id(), None, 10)).expect("listed").conflicts[0].name
}

fn is_covered(world: &World) -> bool {
    world.lock().shop.buckets["files"]["u/alice/b"].last().is_some_and(|version| version.marker)
}

/// Delivers messages until one of this kind is next, and answers it.
fn drive_to(world: &World, wanted: impl Fn(&Message) -> bool) -> Message {
    let engine = engine(world);
    loop {
        let message = world.next_message().expect("it comes");
        if wanted(&message) {
            return message;
        }
        block_on(engine.worker().handle(&message)).expect("handled");
    }
}

/// Somebody cancels while a worker stands still between its copies and their removal, and then it goes on. Answers how
/// many orders are away, and how many are counted.
fn cancelled_while_a_worker_stood_still(mutant: Option<Mutant>) -> (u64, u64) {
    let world = planned();
    let rows = || world.lock().shop.tables.values().map(|rows| rows.len() as u64).sum::<u64>();
    let before = rows();
    block_on(engine(&world).reviews().approve(&reviewer(), id(), approval())).expect("approved");
    let message = drive_to(&world, |m| matches!(m, Message::Batch { .. }));
    world.lock().mutant = mutant;
    let (copies, slow) = (world.lock().objects.len(), engine(&world).worker());
    let mut worker: Pin<Box<dyn Future<Output = _> + '_>> = Box::pin(slow.handle(&message));
    while world.lock().objects.len() == copies {
        assert!(!poll_some(&mut worker, 1), "it copies nothing");
    }
    assert_eq!(rows(), before);
    block_on(engine(&world).requests().cancel(&officer(), id(), None)).expect("cancelled");
    drive(&world);
    poll_some(&mut worker, u64::MAX);
    leases_end(&world);
    (before - rows(), counts(&world).erased)
}

#[test]
fn p4_a_cancel_waits_for_whoever_is_hiding() {
    let (away, counted) = cancelled_while_a_worker_stood_still(None);
    assert!(away > 0 && away == counted, "{away} are away, {counted} counted");
    let (away, counted) = cancelled_while_a_worker_stood_still(Some(Mutant::RestoreBeforeLeaseEnds));
    assert_ne!(away, counted, "the mutant is not noticed");
}

/// The batch's state and its fence: how often it was claimed.
fn claim_of(world: &World, batch: &str) -> (String, u64) {
    let state = world.lock();
    let item = state.items.iter().find(|(key, _)| key.sk == batch).map(|(_, item)| item).expect("a batch");
    (item["state"].as_str().unwrap_or_default().to_owned(), item["fence"].as_u64().unwrap_or_default())
}

#[test]
fn p4_whoever_slept_past_its_lease_confirms_nothing_of_the_next() {
    let message = drive_to(&approved(planned()), |m| matches!(m, Message::Batch { .. }));
    let Message::Batch { round, step_index: step, batch_index: batch, .. } = message else { panic!("{message:?}") };
    let batch = format!("batch#{round:03}#{step:03}#{batch:06}");
    let (mut asleep, mut taken_over) = (0, 0);
    loop {
        asleep += 1;
        let world = approved(planned());
        drive_to(&world, |m| *m == message);
        let (slow_engine, fast_engine) = (engine(&world).worker(), engine(&world).worker());
        let mut slow: Pin<Box<dyn Future<Output = _> + '_>> = Box::pin(slow_engine.handle(&message));
        if poll_some(&mut slow, asleep) {
            break;
        }
        world.pass(WINDOW_AND_MORE);
        let mut fast: Pin<Box<dyn Future<Output = _> + '_>> = Box::pin(fast_engine.handle(&message));
        while claim_of(&world, &batch).1 < 2 && !poll_some(&mut fast, 1) {}
        let taken = claim_of(&world, &batch);
        if taken == ("claimed".to_owned(), 2) {
            taken_over += 1;
            poll_some(&mut slow, u64::MAX);
            assert_eq!(claim_of(&world, &batch), taken, "asleep after {asleep} polls");
        }
    }
    assert!(taken_over > 0);
}

/// Worlds in which the worker that is to hide the file died, each a moment later than the one before. Something happened
/// before it was approved.
fn died_while_hiding(planned: fn() -> World, before: fn(&World)) -> impl Iterator<Item = World> {
    let begun = move |before: fn(&World)| {
        let world = planned();
        before(&world);
        approved(world)
    };
    let scratch = begun(|_| {});
    let hides = loop {
        let message = drive_to(&scratch, |m| matches!(m, Message::Batch { .. }));
        block_on(engine(&scratch).worker().handle(&message)).expect("handled");
        if is_covered(&scratch) {
            break message;
        }
    };
    (1..1_000).map_while(move |polls| {
        let world = begun(before);
        let message = drive_to(&world, |m| *m == hides);
        let (done, _) = poll_for(engine(&world).worker().handle(&message), polls);
        done.is_none().then_some(world)
    })
}

/// It hid it and died before it could confirm, or even note by which marker.
fn hidden_and_not_confirmed(noted: bool, planned: fn() -> World) -> World {
    let written = |world: &World| world.lock().objects.len();
    let mut hidden = died_while_hiding(planned, |_| {}).skip_while(|world| !is_covered(world));
    let first = hidden.next().expect("it hides");
    let before = written(&first);
    if noted { hidden.find(|world| written(world) > before).expect("it notes") } else { first }
}

/// It died just before.
fn claimed_and_not_hidden(before: fn(&World)) -> World {
    let moments = died_while_hiding(planned, |_| {}).take_while(|world| !is_covered(world)).count();
    died_while_hiding(planned, before).nth(moments - 1).expect("it does not hide at once")
}

#[test]
fn p5_a_marker_of_an_attempt_that_died_is_known_though_something_newer_lies_on_it() {
    let world = hidden_and_not_confirmed(true, planned);
    world.lock().app_uploads("files", "u/alice/b");
    leases_end(&world);
    assert_eq!(phase(&world), Phase::Recoverable);
    restore(&world, RestoreOrder { categories: vec!["files".parse().expect("a category")], ..RestoreOrder::default() });
    let conflicts = block_on(engine(&world).requests().conflicts(&officer(), id(), None, 10)).expect("listed").conflicts;
    let keys: Vec<_> = conflicts.iter().map(|c| c.record["key"].clone()).collect();
    assert_eq!(keys, ["u/alice/b"], "it does not stand as it stood");
}

#[test]
fn p4_nobody_can_tell_who_hid_what_an_attempt_died_over_without_a_note() {
    let world = hidden_and_not_confirmed(false, planned);
    world.lock().app_uploads("files", "u/alice/b");
    leases_end(&world);
    assert_eq!((phase(&world), counts(&world).uncertain), (Phase::Recoverable, 1));
    // A plain restore says nothing of it; it goes with its window, and only it.
    restore(&world, RestoreOrder::default());
    assert_eq!((phase(&world), counts(&world).uncertain), (Phase::Recoverable, 1));
    pass(&world, WINDOW_AND_MORE);
    let stack = world.lock().shop.buckets["files"]["u/alice/b"].clone();
    assert!(matches!(&stack[..], [hid, newer] if hid.marker && !newer.marker), "{stack:?}");
}

#[test]
fn p4_a_cancel_counts_what_an_attempt_died_over_without_a_note() {
    let world = hidden_and_not_confirmed(false, planned);
    world.lock().app_uploads("files", "u/alice/b");
    block_on(engine(&world).requests().cancel(&officer(), id(), None)).expect("cancelled");
    leases_end(&world);
    assert_eq!(counts(&world).uncertain, 1);
}

#[test]
fn p5_a_cancel_does_not_count_what_somebody_showed_again() {
    let erased = |shown_again: bool| {
        let world = hidden_and_not_confirmed(true, planned);
        if shown_again {
            world.lock().shop.buckets.get_mut("files").and_then(|b| b.get_mut("u/alice/b")).and_then(Vec::pop).expect("a marker");
        }
        block_on(engine(&world).requests().cancel(&officer(), id(), None)).expect("cancelled");
        leases_end(&world);
        counts(&world).erased
    };
    assert_eq!(erased(false), erased(true) + 1);
}

/// Found while the application had deleted it, which it takes back before anybody hides.
fn covered_when_it_was_found() -> World {
    let world = opened();
    world.lock().app_deletes_object("files", "u/alice/b");
    plan(&world, request(&world, "alice", RequestKind::FullErasure));
    world.lock().app_undeletes("files", "u/alice/b");
    world
}

#[test]
fn p5_a_marker_that_was_noted_is_known_though_the_version_was_covered_when_it_was_found() {
    let world = hidden_and_not_confirmed(true, covered_when_it_was_found);
    leases_end(&world);
    assert_eq!(phase(&world), Phase::Recoverable);
    restore(&world, RestoreOrder::default());
    assert!(!is_covered(&world), "it is called restored");

    let world = hidden_and_not_confirmed(false, covered_when_it_was_found);
    leases_end(&world);
    assert_eq!(counts(&world).uncertain, 1, "nobody noted by which marker");

    let world = hidden_and_not_confirmed(true, covered_when_it_was_found);
    let erased = counts(&world).erased;
    block_on(engine(&world).requests().cancel(&officer(), id(), None)).expect("cancelled");
    leases_end(&world);
    assert_eq!(counts(&world).erased, erased + 1, "what the attempt hid is counted");
}

/// The application deleted it and wrote it anew, which is how some replace.
fn replaced(world: &World) -> Vec<u64> {
    world.lock().app_deletes_object("files", "u/alice/b");
    world.lock().app_uploads("files", "u/alice/b");
    versions(world)
}

fn versions(world: &World) -> Vec<u64> {
    world.lock().shop.buckets["files"]["u/alice/b"].iter().map(|version| version.id).collect()
}

#[test]
fn p4_what_the_application_replaced_before_anybody_hid_is_nobody_elses_doubt() {
    let world = planned();
    let stack = replaced(&world);
    approve_and_hide(&world);
    assert_eq!(counts(&world).uncertain, 0);
    restore(&world, RestoreOrder::default());
    pass(&world, WINDOW_AND_MORE);
    assert_eq!(versions(&world), stack);

    // Nor after an attempt that died: this marker is older than the decision.
    let world = claimed_and_not_hidden(|world| {
        replaced(world);
        world.pass(60);
    });
    leases_end(&world);
    assert_eq!((phase(&world), counts(&world).uncertain), (Phase::Recoverable, 0));
}

/// A worker died, and then the application deleted: nobody can tell which of them did.
fn hidden_by_nobody_knows_whom() -> World {
    let world = claimed_and_not_hidden(|_| {});
    world.lock().app_deletes_object("files", "u/alice/b");
    leases_end(&world);
    assert_eq!((phase(&world), counts(&world).uncertain), (Phase::Recoverable, 1));
    world
}

#[test]
fn p6_a_marker_that_may_be_the_applications_stays_when_all_is_restored() {
    let world = hidden_by_nobody_knows_whom();
    restore(&world, RestoreOrder::default());
    assert!(is_covered(&world));
    restore(&world, RestoreOrder { include_uncertain: true, ..RestoreOrder::default() });
    assert!(!is_covered(&world), "whoever asks for it gets it");
}

#[test]
fn p6_a_marker_that_may_be_the_applications_stays_when_what_it_hid_is_purged() {
    let world = hidden_by_nobody_knows_whom();
    let theirs = *versions(&world).last().expect("a marker");
    world.lock().app_uploads("files", "u/alice/b");
    pass(&world, WINDOW_AND_MORE);
    let left = versions(&world);
    assert_eq!((left.len(), left[0]), (2, theirs), "the marker, and what is newer");
}

#[test]
fn p6_a_marker_that_the_application_put_stays_when_all_is_restored() {
    let world = planned();
    world.lock().app_deletes_object("files", "u/alice/b");
    approve_and_hide(&world);
    let stack = versions(&world);
    assert_eq!(counts(&world).uncertain, 0, "nobody of ours had tried before");
    restore(&world, RestoreOrder::default());
    assert_eq!(versions(&world), stack);
    pass(&world, WINDOW_AND_MORE);
    assert_eq!(versions(&world), stack, "what was restored as it stood is not destroyed");
}

#[test]
fn p2_a_copy_on_hold_is_not_given_up() {
    let world = hidden();
    let name = in_conflict(&world);
    place_hold(&world, "orders");
    let order = RestoreOrder { give_up: true, records: vec![name], ..RestoreOrder::default() };
    let error = block_on(engine(&world).requests().restore(&officer(), id(), order)).expect_err("refused");
    assert_eq!(refusal(error).code, "legal_hold_active");
    pass(&world, WINDOW_AND_MORE);
    assert_eq!((phase(&world), counts(&world).conflicts), (Phase::Recoverable, 1));
    assert!(world.vault_keys() > 0);
}

#[test]
fn p2_a_hold_keeps_what_was_about_to_be_given_up() {
    let world = hidden();
    let name = in_conflict(&world);
    let order = RestoreOrder { give_up: true, records: vec![name], ..RestoreOrder::default() };
    block_on(engine(&world).requests().restore(&officer(), id(), order)).expect("accepted");
    place_hold(&world, "orders");
    drive(&world);
    for _ in 0..5 {
        pass(&world, 120);
    }
    assert_eq!((phase(&world), counts(&world).conflicts, counts(&world).given_up), (Phase::Recoverable, 1, 0));
    assert!(world.vault_keys() > 0);
}

#[test]
fn p5_a_conflict_goes_with_the_window() {
    let world = hidden();
    world.app_writes("orders", "o0", &[("id", "o0"), ("owner", "bob"), ("email", "bob@example.org")]);
    restore(&world, RestoreOrder::default());
    assert_eq!(phase(&world), Phase::Recoverable);
    assert!(world.vault_keys() > 0);
    pass(&world, WINDOW_AND_MORE);
    assert_eq!(world.vault_keys(), 0, "{:?}", phase(&world));
    assert!(world.row("orders", "o0").is_some_and(|row| row["owner"] == "bob"));
}

fn place_hold(world: &World, category: &str) {
    block_on(engine(world).holds().place_hold(&officer(), hold_on(category))).expect("placed");
}

#[test]
fn p2_nothing_that_is_held_is_destroyed_by_its_store() {
    let world = hidden();
    world.pass(WINDOW_AND_MORE);
    // The window closes and destruction begins; every message it sends is kept for later, as a slow queue does.
    let message = Message::Advance { organization: organization(), request: id() };
    block_on(engine(&world).worker().advance(&organization(), &id(), true)).expect("begun");
    assert_eq!(phase(&world), Phase::Purging, "{message:?}");
    let before = world.versions("files", "u/alice/");
    assert!(!before.is_empty());
    place_hold(&world, "files");
    for _ in 0..3 {
        pass(&world, 120);
    }
    assert_eq!(world.versions("files", "u/alice/"), before, "every version is still there");
    let status = detail(&world).request;
    assert_eq!((status.state.phase, status.waiting_for), (Phase::Purging, Some(WaitingFor::LegalHold)));

    let hold = HoldId::from_uuid(Uuid::from_u128(1));
    block_on(engine(&world).holds().release_hold(&officer(), hold)).expect("released");
    for _ in 0..5 {
        pass(&world, 120);
    }
    assert!(world.versions("files", "u/alice/").is_empty(), "{:?}", phase(&world));
}

/// Whatever a slow or repeating queue may still deliver of this request's first two steps.
fn late_messages(world: &World) {
    let engine = engine(world);
    for (step, run) in (0..2).flat_map(|step| (1..40).map(move |run| (step, run))) {
        let (organization, request) = (organization(), id());
        let message =
            Message::Batch { organization, request, round: 1, step_index: step, batch_index: 0, run, pool: WorkerPool::Standard };
        block_on(engine.worker().handle(&message)).expect("handled");
    }
}

#[test]
fn p2_late_messages_destroy_nothing_that_is_held() {
    for category in ["orders", "files"] {
        let world = hidden();
        world.pass(WINDOW_AND_MORE);
        block_on(engine(&world).worker().advance(&organization(), &id(), true)).expect("begun");
        assert_eq!(phase(&world), Phase::Purging);
        place_hold(&world, category);
        let stands = |world: &World| (world.left_of(&id().to_string()), world.versions("files", "u/alice/"));
        for _ in 0..3 {
            pass(&world, 120);
        }
        assert_eq!(detail(&world).request.waiting_for, Some(WaitingFor::LegalHold), "{category}");
        let held = stands(&world);
        late_messages(&world);
        assert_eq!(stands(&world), held, "{category}");
    }
}

/// A version of a file that could not be put back, by its name.
fn file_in_conflict(world: &World) -> oubli_engine::api::RecordName {
    world.lock().app_uploads("files", "u/alice/b");
    restore(world, RestoreOrder::default());
    block_on(engine(world).requests().conflicts(&officer(), id(), None, 10)).expect("listed").conflicts[0].name
}

#[test]
fn p2_a_purge_by_the_store_takes_only_what_is_hidden() {
    let name = file_in_conflict(&hidden());
    let world = hidden();
    world.lock().app_uploads("files", "u/alice/b");
    restore(&world, RestoreOrder { records: vec![name], ..RestoreOrder::default() });
    let stack = versions(&world);
    assert_eq!((stack.len(), counts(&world).conflicts), (2, 1), "what was there, and what is newer");
    pass(&world, WINDOW_AND_MORE);
    assert!(world.versions("files", "u/alice/a").is_empty(), "{:?}", phase(&world));
    assert_eq!(versions(&world), stack, "its store keeps it for the person's new file");
}

#[test]
fn p5_a_restore_of_one_record_brings_back_only_that_one() {
    let name = in_conflict(&hidden());
    let world = hidden();
    restore(&world, RestoreOrder { records: vec![name], ..RestoreOrder::default() });
    assert!(world.row("orders", "o0").is_some(), "it was named");
    assert_eq!((world.owned_rows("orders", "alice"), counts(&world).restored), (1, 1));
}

#[test]
fn p4_a_batch_whose_workers_all_die_fails_visibly() {
    let world = approved(planned());
    block_on(engine(&world).worker().advance(&organization(), &id(), true)).expect("begun");
    assert_eq!(phase(&world), Phase::Hiding);
    // Every worker is stopped right after it claimed: as one is that needs more memory or time than there is.
    for _ in 0..12 {
        world.pass(60);
        block_on(engine(&world).worker().sweep()).expect("swept");
        let engine = engine(&world);
        while let Some(message) = world.next_message() {
            if matches!(message, Message::Batch { .. }) {
                poll_for(engine.worker().handle(&message), 6);
                continue;
            }
            block_on(engine.worker().handle(&message)).ok();
        }
        if phase(&world) == Phase::Failed {
            break;
        }
    }
    let detail = detail(&world);
    assert_eq!(detail.request.state.phase, Phase::Failed);
    assert!(detail.request.failure.expect("said").message.contains("stopped before it was through"));
}

#[test]
fn p4_a_call_that_is_throttled_leaves_no_doubt_about_any_record() {
    let calls = {
        let world = planned();
        let before = world.calls();
        approve_and_hide(&world);
        world.calls() - before
    };
    assert!(calls > 30, "{calls}");
    for n in 0..calls {
        let world = planned();
        world.plan(n, CallOutcome::Throttled);
        approve_and_hide(&world);
        for _ in 0..3 {
            pass(&world, 60);
        }
        let counts = counts(&world);
        assert_eq!((phase(&world), counts.uncertain), (Phase::Recoverable, 0), "call {n}: {counts:?}");
    }
}

//! A later round that is not carried out takes nothing back: what earlier ones destroyed is told, and what was found late
//! stays and is named, however that round ends.

use crate::support::{
    hold_on, id, officer, reviewer,
    scene::{NEW, OLD, Scene},
};
use oubli_domain::{
    ids::{HoldId, ReportId},
    ledger::{Certificate, Trust},
    lifecycle::{Phase, Status},
    plan::Kept,
    report::{Period, Report, ReportKind, Section},
};
use oubli_engine::{
    api::{ReportOrder, ReportOutcome, RestoreOrder},
    ports::{Item, TableName},
};
use oubli_simulation::polls::block_on;
use uuid::Uuid;

const MAP: &str = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: orders, category: orders, store: db, table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}
  - {name: notes, category: notes, store: db, table: notes, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}
";

/// Two orders and a note of Ada's; she is erased, and before the last look she has a new order. `held` keeps the note.
fn late(held: bool) -> Scene {
    let scene = Scene::new(MAP);
    for (table, key) in [("orders", "ada-1"), ("orders", "ada-2"), ("notes", "n1")] {
        scene.row(table, key, &[("owner", "ada")]);
    }
    scene.world.pass(3_600);
    if held {
        block_on(scene.engine().holds().place_hold(&officer(), hold_on("notes"))).expect("placed");
        scene.settle();
    }
    scene.plan();
    scene.hide();
    assert_eq!(scene.phase(), Phase::Recoverable);
    scene.row("orders", "ada-new", &[("owner", "ada")]);
    let seen = scene.end();
    assert_eq!((seen.request.state.phase, seen.counts.erased), (Phase::InReview, if held { 2 } else { 3 }));
    assert_eq!(scene.planned().0, [("orders".to_owned(), 1)]);
    assert_eq!(found_late(&scene), [("orders".to_owned(), 1)]);
    scene
}

/// What a plan says was found late, by producer.
fn found_late(scene: &Scene) -> Vec<(String, u64)> {
    let plan = scene.detail().plan.expect("a plan");
    plan.steps.into_iter().map(|step| (step.producer.to_string(), step.found_late)).collect()
}

#[test]
fn a_later_plan_tells_what_came_late_from_what_an_earlier_round_left_behind() {
    for batches in [1, 2] {
        let scene = Scene::new(MAP);
        scene.batches_of(batches);
        for (table, key) in [("orders", "ada-1"), ("orders", "ada-2"), ("notes", "n1")] {
            scene.row(table, key, &[("owner", "ada")]);
        }
        scene.world.pass(3_600);
        scene.plan();
        assert_eq!(found_late(&scene), [("orders".to_owned(), 0), ("notes".to_owned(), 0)]);
        let note = ("notes".to_owned(), "n1".to_owned());
        scene.world.lock().shop.refused.insert(note.clone(), i64::MAX);
        scene.hide();
        scene.world.lock().shop.refused.remove(&note);
        // She comes back under the same key, and has something new.
        scene.row("orders", "ada-1", &[("owner", "ada")]);
        scene.row("orders", "ada-3", &[("owner", "ada")]);
        let seen = scene.end();
        assert_eq!((seen.request.state.phase, seen.counts.erased, seen.counts.failed), (Phase::InReview, 2, 1));
        assert_eq!(scene.planned().0, [("orders".to_owned(), 2), ("notes".to_owned(), 1)]);
        assert_eq!(found_late(&scene), [("orders".to_owned(), 2), ("notes".to_owned(), 0)]);
    }
}

#[test]
fn a_later_plan_does_not_count_what_stays_as_late() {
    let map = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: orders, category: orders, store: db, table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], retention: {reason: tax law, exception: legal_obligation, from: issued, years: 7}}
  - {name: lines, category: lines, store: db, table: lines, key: [id], select: [{by: {producer: orders, field: id}, index: by_of, attribute: of}]}
";
    let scene = Scene::new(map);
    let order = |key: &str, issued: &str| scene.row("orders", key, &[("owner", "ada"), ("issued", issued)]);
    order("ada-old", OLD);
    order("ada-stays", NEW);
    scene.row("lines", "of-what-stays", &[("of", "ada-stays")]);
    scene.plan();
    scene.hide();
    order("ada-late", OLD);
    scene.row("lines", "of-what-stays-and-late", &[("of", "ada-stays")]);
    assert_eq!(scene.end().request.state.phase, Phase::InReview);
    assert_eq!(sorted(found_late(&scene).into_iter()), [("lines".to_owned(), 1), ("orders".to_owned(), 1)]);
}

/// Orders of Ada's that stand.
fn orders(scene: &Scene) -> Vec<String> {
    scene.rows("orders").into_iter().filter(|key| key.starts_with("ada-")).collect()
}

/// A day passes, and what is due happens.
fn day(scene: &Scene) {
    scene.world.pass(24 * 3_600);
    block_on(scene.engine().worker().sweep()).expect("swept");
    scene.settle();
}

fn reject(scene: &Scene) {
    block_on(scene.engine().reviews().reject(&reviewer(), id(), "a new account".to_owned())).expect("rejected");
    scene.settle();
}

fn cancel(scene: &Scene) {
    block_on(scene.engine().requests().cancel(&officer(), id(), None)).expect("cancelled");
    scene.settle();
}

fn sorted<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort();
    all
}

fn kept(kept: &[Kept]) -> Vec<(String, u64, &str)> {
    sorted(kept.iter().map(|k| (k.category.to_string(), k.records, k.why.code())))
}

fn certificate(scene: &Scene) -> Certificate {
    let certificate = block_on(scene.engine().reports().certificate(&officer(), &id(), true)).expect("a certificate");
    let trust = Trust::Key(certificate.log_key.parse().expect("a key"));
    let whole = certificate.check(&trust, None).expect("it holds");
    // The entries that are given unasked show the same order.
    let short = block_on(scene.engine().reports().certificate(&officer(), &id(), false)).expect("a certificate");
    let order = short.check(&trust, None).expect("it holds").order;
    assert!(short.entries.len() < certificate.entries.len() && order.is_some());
    assert_eq!(order, whole.order);
    certificate
}

fn report(scene: &Scene) -> Report {
    let (start_date, end_date) = ("2026-01-01".parse().expect("a date"), "2027-12-31".parse().expect("a date"));
    let order =
        ReportOrder { kind: ReportKind::CcpaMetrics, period: Period { start_date, end_date }, sections: Section::ALL.to_vec() };
    let report = block_on(scene.engine().reports().report(&officer(), ReportId::from_uuid(Uuid::nil()), order));
    let Ok(ReportOutcome::Done(report)) = report else { panic!("{report:?}") };
    *report
}

/// What every end of a late round has to say, when `left` stays of it and `erased` are gone for good.
fn told(scene: &Scene, how: &str, left: &[(&str, u64, &str)], erased: u64) {
    let seen = scene.detail();
    assert_eq!(seen.request.state.status(), Status::CompletedWithExceptions, "{how}");
    let left = sorted(left.iter().map(|(category, n, why)| ((*category).to_owned(), *n, *why)));
    assert_eq!(kept(&seen.kept), left, "{how}: the request");
    let status = block_on(scene.engine().requests().status(&officer(), id())).expect("there");
    assert_eq!((kept(&status.remains.kept), status.progress_percent), (left.clone(), 100), "{how}: the status");
    let claims = certificate(scene).claims;
    assert_eq!(claims.status, "completed_with_exceptions", "{how}");
    assert_eq!(claims.erased.iter().map(|e| e.documents).sum::<u64>(), erased, "{how}");
    let named = claims.kept.iter().map(|k| (k.category.to_string(), k.documents, k.reason.as_str()));
    assert_eq!(sorted(named), left, "{how}: the certificate");
    let report = report(scene);
    let summary = report.request_summary.expect("asked for");
    let ends = (summary.completed_with_exceptions, summary.rejected, summary.cancelled);
    assert_eq!((ends, summary.by_category.values().sum::<u64>()), ((1, 0, 0), erased), "{how}: the report");
    let ccpa = report.ccpa.expect("asked for");
    assert_eq!((ccpa.complied_in_part, ccpa.denied), (1, 0), "{how}");
}

/// In time nothing names the person any more, and no guard of theirs is held.
fn forgotten(scene: &Scene, how: &str) {
    (0..40).for_each(|_| day(scene));
    let seen = scene.detail();
    assert!(seen.request.identity.is_none(), "{how}");
    let state = scene.world.lock();
    let executing = |item: &Item| item.get("executing").is_some_and(serde_json::Value::is_string);
    assert!(state.items.values().all(|item| !executing(item)), "{how}: a guard is kept");
    let keys = state.items.keys().filter(|key| key.table == TableName::Keys);
    let keys: Vec<_> = keys.filter(|key| key.pk.ends_with(&id().to_string())).collect();
    assert!(keys.is_empty(), "{how}: {keys:?}");
}

#[test]
fn p3_a_rejected_late_round_leaves_what_was_destroyed_proven_and_what_is_new() {
    let scene = late(false);
    // Whoever reviews it takes an hour.
    scene.world.pass(3_600);
    reject(&scene);
    told(&scene, "rejected", &[("orders", 1, "excluded_by_reviewer")], 3);
    assert_eq!(orders(&scene), ["ada-new"]);
    let certificate = certificate(&scene);
    let look = certificate.claims.verification.expect("the look that found it");
    assert_eq!((look.rounds, look.found), (2, 0), "it found nothing but what is named");
    assert!(look.began_at < certificate.claims.completed_at);
    let events = certificate.entries.iter().map(|e| serde_json::from_str::<serde_json::Value>(&e.entry).expect("an entry"));
    let events: Vec<serde_json::Value> = events.collect();
    let approved = events.iter().filter(|e| e["event_type"] == "request_approved");
    let approved: Vec<String> = approved.map(|e| e["details"]["plan_digest"].as_str().expect("a digest").to_owned()).collect();
    let certified: Vec<String> = certificate.claims.plan_digests.iter().map(ToString::to_string).collect();
    assert_eq!((approved.len(), &certified), (1, &approved), "the plan that was rejected is not among them");
    let events: Vec<String> = events.iter().map(|e| e["event_type"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(events.iter().filter(|e| *e == "request_rejected").count(), 1, "{events:?}");
    assert_eq!(events[0], "request_completed");
    forgotten(&scene, "rejected");
}

#[test]
fn p3_a_late_round_that_is_cancelled_or_never_reviewed_is_named() {
    let left = [("orders", 1, "cancelled")];
    let scene = late(false);
    cancel(&scene);
    told(&scene, "cancelled", &left, 3);
    assert!(certificate(&scene).claims.verification.is_some());
    forgotten(&scene, "cancelled");

    // A quarter, unless the organization says otherwise.
    let scene = late(false);
    (0..100).for_each(|_| day(&scene));
    told(&scene, "not reviewed", &left, 3);
    assert_eq!(orders(&scene), ["ada-new"]);
}

#[test]
fn p3_a_late_round_that_is_cancelled_while_it_is_looked_for_claims_no_look() {
    let scene = late(false);
    scene.approve_but(&[]).expect("approved");
    // Nobody worked on it for so long that it is looked for again first.
    scene.world.lock().messages.clear();
    scene.world.pass(60 * 24 * 3_600);
    block_on(scene.engine().worker().advance(&oubli_simulation::organization(), &id(), false)).expect("looked at");
    assert_eq!(scene.phase(), Phase::Discovering);
    cancel(&scene);
    told(&scene, "discovering", &[("orders", 1, "cancelled")], 3);
    let claims = certificate(&scene).claims;
    assert!(claims.verification.is_none(), "nobody looked to the end");
    let unsearched: Vec<&str> = claims.unsearched.iter().map(|u| u.producer.as_str()).collect();
    assert_eq!(unsearched, ["notes", "orders"]);
}

#[test]
fn p3_a_late_round_that_is_restored_or_cancelled_once_it_was_hidden_is_told_of_as_well() {
    let restore = |scene: &Scene| {
        block_on(scene.engine().requests().restore(&officer(), id(), RestoreOrder::default())).expect("asked");
        scene.settle();
    };
    for (how, cancelled, restored) in [("restored", false, true), ("both", true, true), ("cancelled", true, false)] {
        let scene = late(false);
        scene.hide();
        assert_eq!(scene.phase(), Phase::Recoverable, "{how}");
        if cancelled {
            cancel(&scene);
            assert_eq!(scene.detail().request.state.status(), Status::Cancelled, "{how}");
        }
        if restored {
            restore(&scene);
        } else {
            scene.end();
        }
        told(&scene, how, &[], if restored { 3 } else { 4 });
        let claims = certificate(&scene).claims;
        assert_eq!((claims.restored, claims.verification.is_none()), (u64::from(restored), true), "{how}");
        assert_eq!(orders(&scene).len(), usize::from(restored), "{how}");
        forgotten(&scene, how);
    }
}

#[test]
fn p2_what_a_hold_kept_is_looked_for_again_after_a_rejected_late_round() {
    let scene = late(true);
    reject(&scene);
    let left = [("notes", 1, "legal_hold"), ("orders", 1, "excluded_by_reviewer")];
    told(&scene, "held", &left, 2);
    assert_eq!(scene.rows("notes"), ["n1"]);
    block_on(scene.engine().holds().release_hold(&officer(), HoldId::from_uuid(Uuid::from_u128(1)))).expect("released");
    scene.settle();
    day(&scene);
    assert_eq!(
        sorted(scene.planned().0.into_iter()),
        [("notes".to_owned(), 1), ("orders".to_owned(), 1)],
        "each needs a decision again"
    );
    cancel(&scene);
    told(&scene, "opened again", &[("orders", 1, "cancelled"), ("notes", 1, "cancelled")], 2);
    forgotten(&scene, "opened again");
}

#[test]
fn p3_what_a_late_round_retained_before_it_was_restored_is_named() {
    let scene = late(false);
    block_on(scene.engine().holds().place_hold(&officer(), hold_on("orders"))).expect("placed");
    scene.hide();
    if scene.phase() == Phase::Recoverable {
        cancel(&scene);
        scene.end();
    }
    let seen = scene.detail();
    assert_eq!(seen.request.state.status(), Status::CompletedWithExceptions);
    assert_eq!(kept(&seen.kept), [("orders".to_owned(), 1, "legal_hold")]);
    assert_eq!(orders(&scene), ["ada-new"]);
}

#[test]
fn p2_what_a_hold_kept_is_looked_for_again_where_nobody_reviewed_a_late_round() {
    let scene = late(true);
    scene.world.pass(100 * 24 * 3_600);
    (0..3).for_each(|_| day(&scene));
    assert_eq!(scene.detail().request.state.status(), Status::CompletedWithExceptions);
    block_on(scene.engine().holds().release_hold(&officer(), HoldId::from_uuid(Uuid::from_u128(1)))).expect("released");
    scene.settle();
    day(&scene);
    let found = sorted(scene.planned().0.into_iter());
    assert_eq!(found, [("notes".to_owned(), 1), ("orders".to_owned(), 1)], "nobody said that it should not be");
}

#[test]
fn a_first_round_that_is_rejected_is_rejected() {
    let scene = Scene::new(MAP);
    scene.row("orders", "ada-1", &[("owner", "ada")]);
    scene.world.pass(3_600);
    scene.plan();
    reject(&scene);
    assert_eq!(scene.phase(), Phase::Rejected);
    assert!(block_on(scene.engine().reports().certificate(&officer(), &id(), false)).is_err());
    assert_eq!(orders(&scene), ["ada-1"]);
}

//! The legal clock starts when a request is received, not when somebody types it in.

use crate::support::{id, officer, scene::Scene};
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    ids::ReportId,
    report::{Period, ReportKind, Section},
};
use oubli_engine::{
    EngineError,
    api::{NewRequest, ReportOrder, ReportOutcome, RequestFilter, RequestKind, RequestView},
};
use oubli_simulation::polls::block_on;
use uuid::Uuid;

const MAP: &str = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: orders, category: orders, store: db, table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}
";

/// On 5 January 2026, in Paris, what was received at a time is submitted.
fn submit(scene: &Scene, received_at: Option<Timestamp>, kind: RequestKind) -> Result<RequestView, EngineError> {
    let new = NewRequest { received_at, kind, ..scene.new_request() };
    block_on(scene.engine().requests().submit(&officer(), new))
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// How many requests a report of a month counts.
fn counted(scene: &Scene, start: &str, end: &str) -> u64 {
    let period = Period { start_date: start.parse().expect("a day"), end_date: end.parse().expect("a day") };
    let order = ReportOrder { kind: ReportKind::GdprErasure, period, sections: Section::ALL.to_vec() };
    let report = block_on(scene.engine().reports().report(&officer(), ReportId::from_uuid(Uuid::nil()), order));
    let Ok(ReportOutcome::Done(report)) = report else { panic!("{report:?}") };
    report.request_summary.expect("asked for").received
}

#[test]
fn deadlines_lists_reports_and_the_log_go_by_the_receipt() {
    for kind in [RequestKind::FullErasure, RequestKind::Export] {
        let scene = Scene::new(MAP);
        let received = at("2025-12-20T08:00:00Z");
        let submitted = submit(&scene, Some(received), kind).expect("accepted");
        assert_eq!(submitted.received_at, received);
        assert_eq!(submitted.submitted_at, scene.world.lock().now());
        // 30 days later at the same hour, and the end of 20 January in Paris.
        let deadlines = &submitted.deadlines;
        assert_eq!((deadlines.target, deadlines.legal), (at("2026-01-19T08:00:00Z"), at("2026-01-20T22:59:59Z")));
        assert_eq!(deadlines.extend_by, at("2026-01-20T22:59:59Z"));
        let outbox = scene.world.outbox();
        let event = outbox.iter().find(|e| e["event_type"] == "request_received").expect("an event");
        assert_eq!(event["details"]["received_at"], "2025-12-20T08:00:00Z");
        scene.settle();
        let status = block_on(scene.engine().requests().status(&officer(), id())).expect("there").request;
        assert_eq!((status.received_at, &status.deadlines), (received, deadlines));
        let filter = RequestFilter { kind, status: None, cursor: None, limit: 10 };
        let listed = block_on(scene.engine().requests().list(&officer(), filter)).expect("a page").requests;
        assert_eq!(listed.iter().map(|r| r.received_at).collect::<Vec<_>>(), [received]);
        if kind == RequestKind::FullErasure {
            assert_eq!(counted(&scene, "2025-12-01", "2025-12-31"), 1);
            assert_eq!(counted(&scene, "2026-01-01", "2026-01-31"), 0);
        }
        let extended = block_on(scene.engine().requests().extend(&officer(), id(), "many records".to_owned())).expect("extended");
        assert_eq!(extended.deadlines.legal, at("2026-03-20T22:59:59Z"), "three months after the receipt");
    }
}

#[test]
fn a_request_that_says_nothing_was_received_when_it_is_submitted() {
    let scene = Scene::new(MAP);
    let submitted = submit(&scene, None, RequestKind::FullErasure).expect("accepted");
    assert_eq!(submitted.received_at, submitted.submitted_at);
}

#[test]
fn a_receipt_in_the_future_or_before_the_law_is_refused_by_its_field() {
    let scene = Scene::new(MAP);
    let now = scene.world.lock().now();
    let refused = [now + SignedDuration::from_mins(6), now + SignedDuration::from_hours(24 * 365), at("2018-05-24T23:59:59Z")];
    for received in refused {
        let error = submit(&scene, Some(received), RequestKind::FullErasure).expect_err("refused");
        let EngineError::Refused(refusal) = error else { panic!("{error}") };
        assert_eq!(refusal.code, "invalid_date");
        assert_eq!(refusal.field.as_deref(), Some("received_at"));
        assert!(refusal.remedy.contains("2018-05-25T00:00:00Z"), "{}", refusal.remedy);
    }
    // A clock that is a little ahead is no reason to refuse, nor to answer later.
    let ahead = submit(&scene, Some(now + SignedDuration::from_mins(4)), RequestKind::FullErasure).expect("accepted");
    assert_eq!(ahead.received_at, now);
    let scene = Scene::new(MAP);
    submit(&scene, Some(at("2018-05-25T00:00:00Z")), RequestKind::FullErasure).expect("accepted");
}

//! What is said at the end is what is so: status, log, certificate and plan name the same, and nothing is left unsaid.

use crate::support::{id, officer, reviewer};
use oubli_domain::{
    audit::{AuditExclusion, commitment, exclusions},
    deadline::Country,
    ids::ReportId,
    ledger::{Certificate, CertificateError, Opened, Trust},
    lifecycle::Phase,
    personal::{Ambiguity, Identity, NormalForm},
    report::{Period, Report, ReportKind, Section},
};
use oubli_engine::{
    Config, Engine, EngineError, Language,
    api::{Approval, NewHold, NewRequest, ReportOrder, ReportOutcome, RequestDetail, RequestKind, Scope},
    certificate_document,
};
use oubli_simulation::{World, new_request, organization, polls::block_on, ports, shop};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Nothing is kept by a duty; the log is a copy that can be left out.
const SHOP: &str = r#"
version: 1
stores:
  db: {connector: dynamodb}
  files: {connector: s3}
producers:
  - {name: orders, category: orders, store: db, table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}, {by: subject_email, index: by_email, attribute: email}]}
  - {name: lines, category: orders, store: db, table: lines, key: [id], select: [{by: {producer: orders, field: id}, index: by_order, attribute: order}]}
  - {name: invoices, category: invoices, store: db, table: invoices, key: [id], log: true, select: [{by: subject_id, index: by_owner, attribute: owner}]}
  - {name: files, category: files, store: files, bucket: files, select: [{by: subject_id, prefix: "u/{}/"}]}
"#;

fn engine(world: &World) -> Engine {
    Engine::with_config(ports(world), Config { worker_timeout_seconds: 30, ..Config::default() })
}

fn by_id() -> Identity {
    Identity::built_in(Some("alice"), None).expect("an identity")
}

fn by_address() -> Identity {
    Identity::built_in(None, Some("alice@example.org")).expect("an identity")
}

fn by_both() -> Identity {
    Identity::built_in(Some("alice"), Some("alice@example.org")).expect("an identity")
}

fn open(map: &str) -> World {
    let world = World::new(3, None, false);
    block_on(shop(&world, &engine(&world))).expect("opened");
    block_on(engine(&world).directory().operator(&organization(), None).publish_map(map)).expect("a map");
    world.pass(3_600);
    world
}

/// Delivers messages, as they become due, until none is left.
fn settle(world: &World) {
    for _ in 0..3_000 {
        let due = {
            let mut state = world.lock();
            let Some(at) = state.messages.iter().map(|m| m.visible_at).min() else { return };
            state.now_ms = state.now_ms.max(at) + 10;
            let place = state.messages.iter().position(|m| m.visible_at == at).expect("there");
            state.messages.remove(place).message
        };
        match block_on(engine(world).worker().handle(&due)) {
            Ok(_) | Err(EngineError::Conflict(_)) => {}
            Err(error) => panic!("{due:?}: {error}"),
        }
    }
    panic!("it never rests");
}

fn detail(world: &World) -> RequestDetail {
    block_on(engine(world).requests().reveal(&officer(), id())).expect("there")
}

fn phase(world: &World) -> Phase {
    detail(world).request.state.phase
}

fn submit(world: &World, new: NewRequest) {
    block_on(engine(world).requests().submit(&officer(), new)).expect("submitted");
    settle(world);
}

fn approve(world: &World, excluded: &[&str]) {
    approve_only(world, excluded);
    settle(world);
}

fn approve_only(world: &World, excluded: &[&str]) {
    let exclusions = excluded.iter().map(|c| {
        let exclusion = serde_json::json!({ "category": c, "reason": "Tax audit", "retention_until": "2031-12-31" });
        serde_json::from_value(exclusion).expect("an exclusion")
    });
    let seen = detail(world);
    let (plan_digest, acknowledged) = (seen.request.plan_digest, seen.to_acknowledge);
    let exclusions = exclusions.collect();
    let approval = Approval { plan_digest, approved_by: None, notes: None, exclusions, acknowledged };
    block_on(engine(world).reviews().approve(&reviewer(), id(), approval)).expect("approved");
}

/// An erasure from end to end.
fn erase(map: &str, excluded: &[&str], ask: impl FnOnce(NewRequest) -> NewRequest) -> World {
    let world = open(map);
    submit(&world, ask(new_request(&world, id(), by_both())));
    assert_eq!(phase(&world), Phase::InReview);
    approve(&world, excluded);
    world
}

#[test]
fn everything_searched_and_gone_is_completed() {
    let world = erase(SHOP, &[], |new| new);
    assert_eq!(phase(&world), Phase::Completed);
}

#[test]
fn p3_what_somebody_deleted_between_approval_and_hiding_is_already_absent_and_the_erasure_completed() {
    let world = open(SHOP);
    world.without_versions("files");
    world.lock().app_uploads("files", "u/alice/letter");
    submit(&world, new_request(&world, id(), by_both()));
    let planned = detail(&world).plan.expect("a plan").records();
    approve_only(&world, &[]);
    let invoices: Vec<String> = world.lock().shop.tables["invoices"].keys().cloned().collect();
    let of_alice = |key: &&String| world.row("invoices", key).is_some_and(|row| row["owner"] == "alice");
    world.app_deletes("invoices", invoices.iter().find(of_alice).expect("an invoice"));
    world.lock().app_deletes_object("files", "u/alice/letter");
    settle(&world);
    let detail = detail(&world);
    assert_eq!(detail.request.state.phase, Phase::Completed);
    assert_eq!((detail.counts.already_absent, detail.counts.erased, detail.counts.uncertain), (2, planned - 2, 0));
    assert!(all_agree(&world, "by hand").is_empty());
    let certificate = block_on(engine(&world).reports().certificate(&officer(), &id(), false)).expect("a certificate");
    assert_eq!(certificate.claims.already_absent, 2);
    assert_eq!(certificate.claims.erased.iter().map(|e| e.documents).sum::<u64>(), planned - 2);
}

#[test]
fn an_erasure_by_address_alone_is_not_completed_where_the_id_leads_further() {
    let world = erase(SHOP, &[], |new| NewRequest { identity: by_address(), ..new });
    assert!(world.owned_rows("invoices", "alice") > 0, "no address leads to the invoices");
    assert_eq!(phase(&world), Phase::CompletedWithExceptions);
}

#[test]
fn an_erasure_by_id_alone_is_not_completed_where_the_address_leads_further() {
    let world = erase(SHOP, &[], |new| NewRequest { identity: by_id(), ..new });
    assert_eq!(phase(&world), Phase::CompletedWithExceptions);
}

#[test]
fn a_full_erasure_that_leaves_logs_out_is_not_completed() {
    let world = erase(SHOP, &[], |new| NewRequest { scope: Scope { include_logs: false, ..Scope::default() }, ..new });
    assert_eq!(phase(&world), Phase::CompletedWithExceptions);
}

#[test]
fn what_the_reviewer_left_out_is_an_exception_though_nothing_of_it_was_there() {
    let world = erase(SHOP, &["files"], |new| {
        // Orders are found by the address; no file carries this id.
        NewRequest { identity: Identity::built_in(Some("nobody"), Some("alice@example.org")).expect("an identity"), ..new }
    });
    assert_eq!(phase(&world), Phase::CompletedWithExceptions);
}

#[test]
fn a_partial_erasure_completes_when_what_it_asked_for_is_gone() {
    let world = erase(SHOP, &[], |new| NewRequest {
        kind: RequestKind::PartialErasure,
        categories: vec!["orders".parse().expect("a name")],
        ..new
    });
    assert_eq!(phase(&world), Phase::Completed);
}

#[test]
fn a_plan_says_which_holds_it_cannot_tell_apart() {
    let world = open(SHOP);
    let hold = NewHold {
        id: "hold_00000000000000000000000000000003".parse().expect("an id"),
        identity: Some(by_id()),
        categories: vec![],
        reason: "litigation".to_owned(),
        reference: None,
    };
    block_on(engine(&world).holds().place_hold(&officer(), hold)).expect("placed");
    submit(&world, NewRequest { identity: by_address(), ..new_request(&world, id(), by_both()) });
    let cautions = detail(&world).plan.expect("a plan").cautions;
    assert!(
        cautions.iter().any(|c| c.contains("hold_00000000000000000000000000000003") && c.contains("cannot be told apart")),
        "{cautions:?}"
    );
}

/// The same rows by two ways: as orders, and as bills that the law keeps.
const TWICE: &str = r#"
version: 1
stores:
  db: {connector: dynamodb}
producers:
  - {name: orders, category: orders, store: db, table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}
  - {name: bills, category: bills, store: db, table: orders, key: [id], select: [{by: subject_email, index: by_email, attribute: email}], retention: {reason: tax law, exception: legal_obligation}}
"#;

#[test]
fn a_record_that_one_producer_keeps_and_another_erases_is_not_planned() {
    let world = open(TWICE);
    let before = world.owned_rows("orders", "alice");
    submit(&world, new_request(&world, id(), by_both()));
    let detail = detail(&world);
    assert_eq!(detail.request.state.phase, Phase::Failed);
    let failure = detail.request.failure.expect("why").message;
    assert!(failure.contains("orders") && failure.contains("bills"), "{failure}");
    assert_eq!(world.owned_rows("orders", "alice"), before);
}

fn gdpr_report(world: &World) -> Report {
    let (start_date, end_date) = ("2026-01-01".parse().expect("a date"), "2026-12-31".parse().expect("a date"));
    let order =
        ReportOrder { kind: ReportKind::GdprErasure, period: Period { start_date, end_date }, sections: Section::ALL.to_vec() };
    match block_on(engine(world).reports().report(&officer(), ReportId::from_uuid(Uuid::nil()), order)) {
        Ok(ReportOutcome::Done(report)) => *report,
        other => panic!("{other:?}"),
    }
}

/// A set of categories and why they may not be gone.
type Named = BTreeSet<(String, String, Option<String>)>;

fn named(exclusions: &[AuditExclusion]) -> Named {
    let line = |e: &AuditExclusion| (e.category.to_string(), e.reason.clone(), e.retention_until.map(|d| d.to_string()));
    exclusions.iter().map(line).collect()
}

/// Status, request, log and certificate name the same; answers what.
fn all_agree(world: &World, how: &str) -> Named {
    let engine = engine(world);
    let certificate = block_on(engine.reports().certificate(&officer(), &id(), false)).unwrap_or_else(|e| panic!("{how}: {e}"));
    let claims = &certificate.claims;
    let entry: serde_json::Value = serde_json::from_str(&certificate.entries[0].entry).expect("an entry");
    let logged: Vec<AuditExclusion> = serde_json::from_value(entry["exclusions"].clone()).unwrap_or_default();
    let status = block_on(engine.requests().status(&officer(), id())).expect("there");
    let detail = detail(world);
    let remains = &status.remains;
    let said = named(&claims.exclusions());
    assert_eq!(said, named(&logged), "{how}: the log");
    assert_eq!(said, named(&exclusions(&remains.kept, &remains.left_out, &remains.unsearched)), "{how}: the status");
    assert_eq!((&detail.kept, &detail.unsearched), (&remains.kept, &remains.unsearched), "{how}: the request");
    assert_eq!(claims.status, detail.request.state.phase.name(), "{how}");
    // Nothing begins before it was approved, however many rounds there were.
    assert!(claims.approved_at <= claims.started_at, "{how}: {:?} {:?}", claims.approved_at, claims.started_at);
    for (what, records) in [("restored", claims.restored), ("conflicts", claims.conflicts), ("failed", claims.failed)] {
        assert_eq!(entry["details"][what], records, "{how}: {what}");
    }
    assert_eq!((remains.restored, remains.failed), (claims.restored, claims.failed), "{how}");
    // What is printed comes out of the certificate, and so does this word.
    let printed = certificate_document(&certificate, Language::En).expect("a document");
    let printed: serde_json::Value = serde_json::from_slice(&printed.data).expect("data");
    let nothing = said.is_empty() && claims.restored + claims.conflicts + claims.failed == 0;
    assert_eq!(printed["nothing_is_left"], nothing, "{how}: the pages");
    assert!(nothing || claims.status == "completed_with_exceptions" || claims.request_type == "partial_erasure", "{how}");
    if claims.request_type == "full_erasure" {
        assert_eq!(claims.nothing_is_left(), claims.status == "completed", "{how}: the certificate");
    }
    said
}

fn line(category: &str, reason: &str) -> (String, String, Option<String>) {
    (category.to_owned(), reason.to_owned(), None)
}

#[test]
fn status_log_certificate_and_pages_say_the_same() {
    let full = erase(SHOP, &[], |new| new);
    assert!(all_agree(&full, "full").is_empty());

    let by_address = erase(SHOP, &[], |new| NewRequest { identity: by_address(), ..new });
    let expected = [line("orders", "some_identifiers"), line("invoices", "no_identifier"), line("files", "no_identifier")];
    assert_eq!(all_agree(&by_address, "by address"), expected.into());

    let no_logs = erase(SHOP, &[], |new| NewRequest { scope: Scope { include_logs: false, ..Scope::default() }, ..new });
    assert_eq!(all_agree(&no_logs, "no logs"), [line("invoices", "logs_left_out")].into());

    let left_out = erase(SHOP, &["files"], |new| new);
    let files = ("files".to_owned(), "excluded_by_reviewer".to_owned(), Some("2031-12-31".to_owned()));
    assert_eq!(all_agree(&left_out, "left out"), [files].into());

    let partial = erase(SHOP, &[], |new| NewRequest {
        kind: RequestKind::PartialErasure,
        categories: vec!["orders".parse().expect("a name")],
        ..new
    });
    let expected = [line("invoices", "not_asked"), line("files", "not_asked")];
    assert_eq!(all_agree(&partial, "partial"), expected.into());
    assert_eq!(phase(&partial), Phase::Completed);

    let but = erase(SHOP, &[], |new| NewRequest {
        kind: RequestKind::PartialErasure,
        exclude_categories: vec!["files".parse().expect("a name")],
        ..new
    });
    assert_eq!(all_agree(&but, "all but files"), [line("files", "not_asked")].into());

    let duty = SHOP.replace("log: true,", "retention: {reason: tax law, exception: legal_obligation},");
    let kept = erase(&duty, &[], |new| new);
    assert_eq!(all_agree(&kept, "a duty"), [line("invoices", "retention")].into());
}

#[test]
fn p3_fields_that_this_version_does_not_replace_are_named_by_status_log_certificate_and_report() {
    let map = SHOP.replace("log: true,", "erase: {fields: {issued: generalization, email: hashing}},");
    let world = erase(&map, &[], |new| new);
    assert_eq!(phase(&world), Phase::CompletedWithExceptions);
    assert_eq!(all_agree(&world, "fields"), [line("invoices", "fields_not_replaced")].into());
    let certificate = block_on(engine(&world).reports().certificate(&officer(), &id(), false)).expect("a certificate");
    let claims = &certificate.claims;
    let said: Vec<_> = claims.kept.iter().map(|k| (k.reason.as_str(), k.duty.as_deref(), k.until)).collect();
    assert_eq!(said, [("fields_not_replaced", Some("email (hashing), issued (generalization)"), None)]);
    assert_eq!(claims.kept[0].documents, world.owned_rows("invoices", "alice") as u64);
    // Nothing was replaced, and what is replaced would not be erased.
    assert!(claims.pseudonymized.is_empty() && claims.erased.iter().all(|e| e.category.as_str() != "invoices"));
    let report = gdpr_report(&world);
    let exceptions: Vec<_> = report.exceptions.iter().flatten().flat_map(|line| line.kept.clone()).collect();
    assert_eq!(exceptions, ["invoices: fields_not_replaced"]);
    assert_eq!(report.request_summary.map(|summary| summary.completed_with_exceptions), Some(1));
}

#[test]
fn p3_a_duty_is_named_though_a_reviewer_left_its_category_out() {
    let duty = "log: true, retention: {reason: tax law, exception: legal_obligation, from: issued, years: 7},";
    let map = SHOP.replace("log: true,", duty);
    let world = erase(&map, &["invoices"], |new| new);
    let certificate = block_on(engine(&world).reports().certificate(&officer(), &id(), false)).expect("a certificate");
    let kept = certificate.claims.kept.iter().map(|k| (k.reason.as_str(), k.duty.as_deref(), k.until.map(|d| d.to_string())));
    let kept: Vec<_> = kept.filter(|(reason, ..)| *reason != "out_of_scope").collect();
    // One invoice is still under its duty; the other is kept on the reviewer's word alone.
    assert!(kept.contains(&("retention", Some("tax law"), Some("2032-05-01".to_owned()))), "{kept:?}");
    assert!(kept.iter().any(|(reason, ..)| *reason == "excluded_by_reviewer"), "{kept:?}");
    assert_eq!(certificate.claims.left_out[0].category.as_str(), "invoices");
}

#[test]
fn an_exclusion_is_of_what_was_asked_for_and_ends_in_the_future() {
    let world = open(SHOP);
    let orders = || vec!["orders".parse().expect("a category")];
    let new = NewRequest { kind: RequestKind::PartialErasure, categories: orders(), ..new_request(&world, id(), by_both()) };
    submit(&world, new);
    for (category, until, code) in [("files", "2031-12-31", "unknown_category"), ("orders", "2020-01-01", "invalid_date")] {
        let exclusion = serde_json::json!({ "category": category, "reason": "Tax audit", "retention_until": until });
        let exclusions = vec![serde_json::from_value(exclusion).expect("an exclusion")];
        let approval = Approval { plan_digest: None, approved_by: None, notes: None, exclusions, acknowledged: vec![] };
        match block_on(engine(&world).reviews().approve(&reviewer(), id(), approval)) {
            Err(EngineError::Refused(refusal)) => assert_eq!(refusal.code, code, "{refusal:?}"),
            other => panic!("{category} until {until}: {other:?}"),
        }
    }
    assert_eq!(phase(&world), Phase::InReview);
}

#[test]
fn a_report_counts_what_was_cancelled_too_late() {
    let world = open(SHOP);
    submit(&world, new_request(&world, id(), by_both()));
    block_on(engine(&world).reviews().approve(
        &reviewer(),
        id(),
        Approval { plan_digest: None, approved_by: None, notes: None, exclusions: vec![], acknowledged: vec![] },
    ))
    .expect("approved");
    while phase(&world) != Phase::Recoverable {
        let message = world.next_message().expect("a message");
        block_on(engine(&world).worker().handle(&message)).expect("handled");
    }
    block_on(engine(&world).requests().cancel(&officer(), id(), None)).expect("cancelled");
    world.pass(500);
    block_on(engine(&world).worker().sweep()).expect("swept");
    settle(&world);
    assert_eq!(phase(&world), Phase::Cancelled);
    let gone = detail(&world).counts.erased;
    let report = gdpr_report(&world);
    let (summary, stats) = (report.request_summary.expect("asked for"), report.completion_stats.expect("asked for"));
    assert_eq!((summary.cancelled, stats.documents_erased), (1, gone));
    assert_eq!(summary.by_category.values().sum::<u64>(), gone);
    assert!(gone > 0);
}

#[test]
fn who_left_something_out_stands_in_the_certificate() {
    let world = erase(SHOP, &["files"], |new| new);
    let certificate = block_on(engine(&world).reports().certificate(&officer(), &id(), false)).expect("a certificate");
    assert_eq!(certificate.claims.left_out[0].decided_by, reviewer().actor);
    let json = String::from_utf8(certificate.to_bytes()).expect("text");
    assert!(!json.contains("Tax audit"), "a reviewer's words are not for everybody");
}

#[test]
fn a_plan_names_what_was_not_searched_before_anybody_approves_it() {
    let world = open(SHOP);
    submit(&world, NewRequest { identity: by_address(), ..new_request(&world, id(), by_both()) });
    let plan = detail(&world).plan.expect("a plan");
    let named: Vec<_> = plan.unsearched.iter().map(|u| (u.producer.as_str(), u.why.code())).collect();
    let expected = [
        ("orders", "some_identifiers"),
        ("lines", "some_identifiers"),
        ("invoices", "no_identifier"),
        ("files", "no_identifier"),
    ];
    assert_eq!(named, expected);
}

/// Profiles tell id, address and number of a person apart.
const PEOPLE: &str = r#"
version: 1
identifiers: {phone: {form: phone}}
stores:
  db: {connector: dynamodb}
producers:
  - {name: people, category: profile, store: db, table: people, key: [id], select: [{by: subject_id, attribute: id}, {by: subject_email, index: by_email, attribute: email}], identifies: {subject_id: id, subject_email: email, phone: phone}}
  - {name: chat, category: chat, store: db, table: chat, key: [id], select: [{by: subject_email, index: by_email, attribute: email}]}
"#;

/// A plan for whoever has this address, with profiles of these people.
fn planned_by(address: &str, people: &[(&str, &str, &str)]) -> World {
    let world = open(PEOPLE);
    for (id, email, phone) in people {
        world.app_writes("people", id, &[("id", id), ("email", email), ("phone", phone)]);
    }
    world.pass(3_600);
    let identity = Identity::built_in(None, Some(address)).expect("an identity");
    submit(&world, NewRequest { identity, ..new_request(&world, id(), by_both()) });
    assert_eq!(phase(&world), Phase::InReview);
    world
}

fn name(world: &World, values: &[&str]) {
    let labels: Vec<String> = detail(world)
        .identifiers
        .into_iter()
        .filter(|i| i.known.as_ref().is_some_and(|known| values.contains(&known.normal.expose())))
        .map(|i| i.label)
        .collect();
    assert_eq!(labels.len(), values.len(), "all of them are known");
    block_on(engine(world).reviews().name_identifiers(&reviewer(), id(), &labels, None)).expect("named");
    settle(world);
}

fn certificate(world: &World) -> Certificate {
    block_on(engine(world).reports().certificate(&officer(), &id(), false)).expect("a certificate")
}

fn opening(certificate: &Certificate) -> [u8; 32] {
    let hex = certificate.subject_opening.as_deref().expect("an opening");
    std::array::from_fn(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).expect("hexadecimal"))
}

/// The kind of the identifier that opens a certificate.
fn opens(certificate: &Certificate, given: &str) -> Result<String, CertificateError> {
    let trust = Trust::Key(certificate.log_key.parse().expect("a key"));
    match certificate.check(&trust, Some(given))?.person {
        Some(Opened::Identifier(kind)) => Ok(kind.to_string()),
        other => panic!("{given} opened {other:?}"),
    }
}

const SHARED: &str = "family@example.org";

#[test]
fn p3_whoever_is_behind_a_shared_address_is_in_no_certificate_and_is_no_exception() {
    let world = planned_by(SHARED, &[("ann", SHARED, ""), ("bo", SHARED, "")]);
    name(&world, &[SHARED, "ann"]);
    let behind: Vec<String> = detail(&world)
        .identifiers
        .into_iter()
        .filter(|i| i.standing.ambiguity() == Some(Ambiguity::BehindShared))
        .filter_map(|i| Some(i.known.as_ref()?.normal.expose().to_owned()))
        .collect();
    assert_eq!(behind, ["bo"]);
    world.app_deletes("people", "bo");
    approve(&world, &[]);
    assert_eq!(phase(&world), Phase::Completed);
    assert!(all_agree(&world, "somebody behind").is_empty());
    let certificate = certificate(&world);
    assert!(certificate.claims.nothing_is_left());
    let file = String::from_utf8(certificate.to_bytes()).expect("text");
    assert!(file.contains(&commitment(&opening(&certificate), "ann")));
    assert!(!file.contains(&commitment(&opening(&certificate), "bo")), "who has it could guess another person");
    assert_eq!(opens(&certificate, "ann"), Ok("subject_id".to_owned()));
    assert_eq!(opens(&certificate, SHARED), Ok("subject_email".to_owned()));
    assert_eq!(opens(&certificate, "bo"), Err(CertificateError::OtherPerson));
}

#[test]
fn an_address_that_nothing_was_searched_by_opens_no_certificate_though_it_was_given() {
    let world = planned_by(SHARED, &[("ann", SHARED, ""), ("bo", SHARED, "")]);
    name(&world, &["ann"]);
    approve(&world, &[]);
    assert_eq!(phase(&world), Phase::CompletedWithExceptions);
    all_agree(&world, "a shared address");
    let certificate = certificate(&world);
    assert_eq!(opens(&certificate, SHARED), Err(CertificateError::OtherPerson));
    assert_eq!(opens(&certificate, "ann"), Ok("subject_id".to_owned()));
}

#[test]
fn a_certificate_is_about_identifiers_in_their_normal_form_and_says_which() {
    let world = planned_by("A@EXAMPLE.org", &[("ann", "a@example.org", "06 12 34 56 78")]);
    approve(&world, &[]);
    assert_eq!(phase(&world), Phase::Completed);
    let certificate = certificate(&world);
    let claimed = certificate.claims.identifiers.iter().map(|i| (i.kind.as_str(), i.form, i.country, i.commitment.clone()));
    let of = |text| commitment(&opening(&certificate), text);
    let expected = [
        ("subject_email", NormalForm::Email, None, of("a@example.org")),
        ("phone", NormalForm::Phone, Some(Country::Fr), of("+33612345678")),
        ("subject_id", NormalForm::Exact, None, of("ann")),
    ];
    assert_eq!(claimed.collect::<Vec<_>>(), expected);
    for (given, kind) in [("A@EXAMPLE.org", "subject_email"), ("06 12 34 56 78", "phone"), ("ann", "subject_id")] {
        assert_eq!(opens(&certificate, given), Ok(kind.to_owned()), "{given}");
    }
    assert_eq!(opens(&certificate, "ANN"), Err(CertificateError::OtherPerson));
}

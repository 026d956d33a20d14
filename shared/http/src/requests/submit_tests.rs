use super::*;
use crate::samples::{body, map, naming, refusals};
use oubli_engine::ProblemCode;
use serde_json::json;
use uuid::Uuid;

fn check(json: &serde_json::Value) -> Result<NewRequest, Problem> {
    let body: NewErasureRequest = crate::json::body(json.to_string().as_bytes())?;
    body.check(RequestId::from_uuid(Uuid::nil()), &naming(), Some(&map()))
}

/// A request that is accepted, with some fields replaced or, by null, left out.
fn with(changes: &serde_json::Value) -> serde_json::Value {
    let mut request = json!({
        "subject_id": "u1", "subject_email": "u1@example.com", "request_type": "full_erasure", "reason": "user_request",
        "verification": { "method": "email_link", "verified_at": "2026-11-02T09:30:00Z" },
    });
    for (name, value) in changes.as_object().expect("an object") {
        request[name] = value.clone();
    }
    request
}

#[test]
fn each_mistake_has_its_code_and_its_field() {
    let partial = |changes: serde_json::Value| {
        let mut all = changes;
        all["request_type"] = json!("partial_erasure");
        all
    };
    let cases = [
        (json!({ "subject_id": null, "subject_email": null }), "subject_id empty_identity"),
        (json!({ "subject_id": " " }), "subject_id empty_identity"),
        (json!({ "subject_email": "nobody" }), "subject_email invalid_email"),
        (json!({ "request_type": null }), "request_type missing_field"),
        (json!({ "request_type": "export" }), "request_type request_type_not_offered"),
        (json!({ "request_type": "pseudonymize" }), "request_type request_type_not_offered"),
        (json!({ "request_type": "delete" }), "request_type unknown_request_type"),
        (json!({ "reason": null }), "reason missing_field"),
        (json!({ "reason": "because" }), "reason unknown_reason"),
        (json!({ "scheduled_at": "2026-11-02T09:30:00" }), "scheduled_at invalid_date"),
        (json!({ "received_at": "2026-10-20T08:00:00" }), "received_at invalid_date"),
        (json!({ "received_at": "2026-10-20" }), "received_at invalid_date"),
        (json!({ "received_at": 1_760_947_200 }), "received_at invalid_type"),
        (json!({ "scheduled_at": "2026-02-30T09:30:00Z" }), "scheduled_at invalid_date"),
        (json!({ "verification": { "method": "m", "verified_at": "2 Nov" } }), "verification.verified_at invalid_date"),
        (json!({ "verification": { "verified_at": "2026-11-02T09:30:00Z" } }), "verification.method missing_field"),
        (json!({ "verification": { "method": "m" } }), "verification.verified_at missing_field"),
        (
            json!({ "verification": { "method": "m", "verified_at": "2026-11-02T09:30:00Z", "by": "x" } }),
            "verification.by unknown_field",
        ),
        (json!({ "verification": ["m", "2026-11-02T09:30:00Z"] }), "verification invalid_type"),
        (json!({ "scope": { "include_backups": "yes" } }), "scope.include_backups invalid_type"),
        (json!({ "scope": { "include_everything": true } }), "scope.include_everything unknown_field"),
        (json!({ "categories": "orders" }), "categories invalid_type"),
        (json!({ "categories": [7] }), "categories[0] invalid_type"),
        (json!({ "categories": [] }), "categories empty_scope"),
        (json!({ "categories": ["orders"] }), "categories categories_not_accepted"),
        (json!({ "exclude_categories": ["orders"] }), "exclude_categories categories_not_accepted"),
        (partial(json!({})), "categories empty_scope"),
        (partial(json!({ "categories": [] })), "categories empty_scope"),
        (partial(json!({ "exclude_categories": [] })), "categories empty_scope"),
        (partial(json!({ "categories": ["nothing"] })), "categories[0] unknown_category"),
        (partial(json!({ "categories": ["orders", "orders"] })), "categories[1] invalid_value"),
        (partial(json!({ "exclude_categories": ["orders", "chat_history", "invoices"] })), "exclude_categories empty_scope"),
        (
            partial(json!({ "categories": ["orders", "invoices"], "exclude_categories": ["orders"] })),
            "exclude_categories[0] category_conflict",
        ),
        (json!({ "regime": "ccpa" }), "regime regime_not_offered"),
        (json!({ "regime": "lgpd" }), "regime unknown_regime"),
        (json!({ "subject": "u1" }), "subject unknown_field"),
        (json!({ "subject_id": 17 }), "subject_id invalid_type"),
    ];
    for (changes, expected) in cases {
        let problem = check(&with(&changes)).expect_err(&changes.to_string());
        assert_eq!(refusals(&problem), [expected], "{changes}");
        assert_eq!(body(&problem)["status"], 400, "{changes}");
    }
}

#[test]
fn one_answer_names_everything_that_is_wrong() {
    let problem = check(&with(&json!({ "reason": "x", "regime": "x", "subject_email": "x" }))).expect_err("refused");
    assert_eq!(refusals(&problem), ["subject_email invalid_email", "reason unknown_reason", "regime unknown_regime"]);
    assert_eq!(problem.code(), ProblemCode::InvalidEmail);
}

#[test]
fn an_unknown_category_is_told_which_there_are() {
    let problem = check(&with(&json!({ "request_type": "partial_erasure", "categories": ["x"] }))).expect_err("refused");
    assert_eq!(body(&problem)["errors"][0]["accepted"], "orders, chat_history, invoices");
}

#[test]
fn a_list_is_bounded() {
    let many = vec!["orders"; 101];
    let problem = check(&with(&json!({ "request_type": "partial_erasure", "categories": many }))).expect_err("refused");
    assert_eq!(refusals(&problem), ["categories invalid_value"]);
}

#[test]
fn what_is_accepted_arrives() {
    let request = check(&with(&json!({
        "request_type": "partial_erasure", "exclude_categories": ["invoices"], "scope": { "include_logs": false },
        "scheduled_at": "2026-12-01T00:00:00+01:00", "regime": "gdpr", "export_first": false,
        "received_at": "2026-10-20T10:00:00+02:00",
    })))
    .expect("accepted");
    assert_eq!(request.kind, RequestKind::PartialErasure);
    assert_eq!(request.scope, Scope { include_backups: true, include_logs: false, include_derived_data: true });
    assert_eq!(request.exclude_categories.len(), 1);
    assert_eq!(request.scheduled_at.expect("a time").to_string(), "2026-11-30T23:00:00Z");
    assert_eq!(request.received_at.expect("a time").to_string(), "2026-10-20T08:00:00Z");
    assert_eq!(request.verification.expect("one").method, "email_link");
    assert!(check(&with(&json!({ "verification": null, "scope": null, "categories": null }))).is_ok());
}

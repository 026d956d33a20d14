//! Bad input over HTTP: each refusal has its code, names the field, says what would be accepted, and changes nothing.

use anyhow::{Context, Result, ensure};
use oubli_tests::{AUDIT, DISCOVERY, HOLDS, Job, Organization, REQUESTS, full_erasure, unique};
use serde_json::{Value, json};

/// Of an organization that only the caller uses.
fn everything(own: &Organization) -> Result<Value> {
    let list = |path, list| own.auditor.all(path, list, 100).map(|(found, _)| found);
    Ok(json!([list(REQUESTS, "requests")?, list(HOLDS, "holds")?, entries(list(AUDIT, "entries")?)]))
}

/// `base` with `field` (a path with dots) set to `value`; removed where that is null.
fn with(base: &Value, field: &str, value: Value) -> Value {
    let mut body = base.clone();
    let (parents, name) = field.rsplit_once('.').map_or(("", field), |(p, n)| (p, n));
    let place = parents.split('.').filter(|p| !p.is_empty()).try_fold(&mut body, |v, p| v.get_mut(p));
    if let Some(object) = place.and_then(Value::as_object_mut) {
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.to_owned(), value);
        }
    }
    body
}

/// How much is in the log besides that it was read.
fn entries(log: Vec<serde_json::Value>) -> usize {
    log.iter().filter(|e| e["event_type"] != "audit_log_read").count()
}

#[test]
fn a_request_with_bad_input_is_refused() -> Result<()> {
    let own = Organization::create(600)?;
    let before = everything(&own)?;
    let full = full_erasure("cust-00601");
    let partial = with(&full, "request_type", json!("partial_erasure"));
    let both = with(&with(&partial, "categories", json!(["profile"])), "exclude_categories", json!(["invoices", "profile"]));
    let all = json!([
        "profile",
        "order_history",
        "chat_history",
        "invoices",
        "audit_logs",
        "documents",
        "loyalty",
        "reviews",
        "redemptions",
        "returns",
    ]);
    let cases = [
        (with(&full, "subjct_id", json!("x")), "unknown_field", "subjct_id"),
        (with(&full, "verification.by", json!("x")), "unknown_field", "verification.by"),
        (with(&full, "subject_id", json!(17)), "invalid_type", "subject_id"),
        (with(&full, "verification", json!("yes")), "invalid_type", "verification"),
        (with(&full, "scope", json!([true])), "invalid_type", "scope"),
        (with(&full, "scope", json!({ "include_logs": "no" })), "invalid_type", "scope.include_logs"),
        (with(&partial, "categories", json!("profile")), "invalid_type", "categories"),
        (with(&full, "subject_id", Value::Null), "empty_identity", "subject_id"),
        (with(&full, "subject_id", json!("")), "empty_identity", "subject_id"),
        (with(&full, "subject_id", json!(" \t ")), "empty_identity", "subject_id"),
        (with(&full, "subject_email", json!("")), "empty_identity", "subject_email"),
        (with(&full, "subject_email", json!("nobody")), "invalid_email", "subject_email"),
        (with(&full, "subject_id", json!("x".repeat(1025))), "invalid_identity", "subject_id"),
        (with(&full, "subject_id", json!("a\u{0}b")), "invalid_identity", "subject_id"),
        (with(&full, "request_type", Value::Null), "missing_field", "request_type"),
        (with(&full, "request_type", json!("erase")), "unknown_request_type", "request_type"),
        (with(&full, "request_type", json!("export")), "request_type_not_offered", "request_type"),
        (with(&full, "reason", Value::Null), "missing_field", "reason"),
        (with(&full, "reason", json!("because")), "unknown_reason", "reason"),
        (with(&full, "verification.verified_at", json!("2026-01-05T09:00:00")), "invalid_date", "verification.verified_at"),
        (with(&full, "verification.verified_at", json!("5.1.2026")), "invalid_date", "verification.verified_at"),
        (with(&full, "verification.verified_at", json!("2026-02-30T09:00:00Z")), "invalid_date", "verification.verified_at"),
        (with(&full, "verification.verified_at", Value::Null), "missing_field", "verification.verified_at"),
        (with(&full, "verification.method", Value::Null), "missing_field", "verification.method"),
        (with(&full, "scheduled_at", json!("tomorrow")), "invalid_date", "scheduled_at"),
        (with(&full, "received_at", json!("2026-10-20T08:00:00")), "invalid_date", "received_at"),
        (with(&full, "received_at", json!("2099-01-01T00:00:00Z")), "invalid_date", "received_at"),
        (with(&full, "received_at", json!("2018-05-24T00:00:00Z")), "invalid_date", "received_at"),
        (partial.clone(), "empty_scope", "categories"),
        (with(&partial, "categories", json!([])), "empty_scope", "categories"),
        (with(&partial, "exclude_categories", all), "empty_scope", "exclude_categories"),
        (with(&partial, "categories", json!(["weather"])), "unknown_category", "categories[0]"),
        (with(&partial, "exclude_categories", json!(["profile", "weather"])), "unknown_category", "exclude_categories[1]"),
        (with(&partial, "categories", json!(["profile", "profile"])), "invalid_value", "categories[1]"),
        (both, "category_conflict", "exclude_categories[1]"),
        (with(&full, "categories", json!(["profile"])), "categories_not_accepted", "categories"),
        (with(&full, "regime", json!("lex")), "unknown_regime", "regime"),
        (with(&full, "regime", json!("ccpa")), "regime_not_offered", "regime"),
    ];
    for (body, code, field) in cases {
        let answer = own.officer.post(REQUESTS, &body)?;
        answer.refused(400, code).and_then(|a| a.names(field)).with_context(|| body.to_string())?;
    }
    // Everything that is wrong is said at once.
    let several = with(&with(&full, "reason", json!("because")), "subject_id", json!(""));
    let answer = own.officer.post(REQUESTS, &several)?;
    ensure!(answer.names("reason").is_ok() && answer.names("subject_id").is_ok(), "{}", answer.text);
    assert_eq!(everything(&own)?, before);
    Ok(())
}

#[test]
fn a_body_that_is_no_json_object_is_refused() -> Result<()> {
    let own = Organization::create(600)?;
    let before = everything(&own)?;
    let large = format!("{{\"subject_id\":\"{}\"}}", "x".repeat(70_000));
    let cases = [
        ("{\"subject_id\":", 400, "malformed_json"),
        ("{} {}", 400, "malformed_json"),
        ("[]", 400, "invalid_type"),
        ("\"cust\"", 400, "invalid_type"),
        ("{\"subject_id\":\"a\",\"subject_id\":\"b\"}", 400, "invalid_value"),
        (large.as_str(), 413, "body_too_large"),
    ];
    for path in [REQUESTS, DISCOVERY, HOLDS] {
        for (body, status, code) in cases {
            own.officer.call("POST", path, Some(body), &[])?.refused(status, code)?;
        }
        let form = [("content-type", "application/x-www-form-urlencoded")];
        own.officer.call("POST", path, Some("subject_id=a"), &form)?.refused(415, "unsupported_media_type")?;
    }
    assert_eq!(everything(&own)?, before);
    Ok(())
}

#[test]
fn a_discovery_or_hold_with_bad_input_is_refused() -> Result<()> {
    let own = Organization::create(600)?;
    let before = everything(&own)?;
    let cases = [
        (DISCOVERY, json!({}), "empty_identity", "subject_id"),
        (DISCOVERY, json!({ "subject_id": "" }), "empty_identity", "subject_id"),
        (DISCOVERY, json!({ "subject_email": "nobody" }), "invalid_email", "subject_email"),
        (DISCOVERY, json!({ "subject_id": "a", "include_metadata": "yes" }), "invalid_type", "include_metadata"),
        (DISCOVERY, json!({ "subject_id": "a", "depth": 3 }), "unknown_field", "depth"),
        (HOLDS, json!({ "reason": "r" }), "empty_hold", "subject_id"),
        (HOLDS, json!({ "subject_id": "a" }), "missing_field", "reason"),
        (HOLDS, json!({ "subject_id": "", "reason": "r" }), "empty_identity", "subject_id"),
        (HOLDS, json!({ "categories": [], "reason": "r" }), "empty_scope", "categories"),
        (HOLDS, json!({ "categories": ["weather"], "reason": "r" }), "unknown_category", "categories[0]"),
        (HOLDS, json!({ "subject_id": "a", "reason": "r", "until": "2027-01-01" }), "unknown_field", "until"),
    ];
    for (path, body, code, field) in cases {
        own.officer.post(path, &body)?.refused(400, code).and_then(|a| a.names(field)).with_context(|| body.to_string())?;
    }
    let queries = [
        (REQUESTS, "status=done", "unknown_status", "status"),
        (REQUESTS, "limit=0", "invalid_value", "limit"),
        (REQUESTS, "limit=101", "invalid_value", "limit"),
        (REQUESTS, "order=asc", "unknown_field", "order"),
        (HOLDS, "status=open", "unknown_status", "status"),
        (HOLDS, "subject_id=", "empty_identity", "subject_id"),
        (AUDIT, "event_type=erased", "unknown_event_type", "event_type"),
        (AUDIT, "start_date=yesterday", "invalid_date", "start_date"),
        (AUDIT, "start_date=2026-02-01&end_date=2026-01-01", "invalid_date", "end_date"),
        (AUDIT, "end_date=2026-01-01T00:00:00", "invalid_date", "end_date"),
        (AUDIT, "request_id=17", "invalid_value", "request_id"),
        (AUDIT, "limit=1&limit=2", "invalid_value", "limit"),
    ];
    for (path, query, code, field) in queries {
        own.officer.get(&format!("{path}?{query}"))?.refused(400, code)?.names(field).with_context(|| query.to_owned())?;
    }
    assert_eq!(everything(&own)?, before);
    Ok(())
}

#[test]
fn an_approval_with_bad_input_is_refused() -> Result<()> {
    let own = Organization::create(600)?;
    let job = Job::in_review(&own, &full_erasure(&format!("cust-{}", unique())))?;
    job.sealed_log("plan_created")?;
    let before = everything(&own)?;
    let exclusion = |category: &str, reason: &str, until: &str| json!({ "exclusions": [{ "category": category, "reason": reason, "retention_until": until }] });
    let cases = [
        (json!({ "approved": true }), "unknown_field", "approved"),
        (json!({ "approved_by": 7 }), "invalid_type", "approved_by"),
        (json!({ "approved_by": " " }), "invalid_value", "approved_by"),
        (json!({ "approval_notes": "x".repeat(2001) }), "invalid_value", "approval_notes"),
        (json!({ "plan_digest": "9f86d081" }), "invalid_value", "plan_digest"),
        (json!({ "exclusions": ["invoices"] }), "invalid_type", "exclusions[0]"),
        (json!({ "exclusions": [{ "category": "invoices" }] }), "missing_field", "exclusions[0].reason"),
        (exclusion("weather", "r", "2027-12-31"), "unknown_category", "exclusions[0].category"),
        (exclusion("invoices", "", "2027-12-31"), "invalid_value", "exclusions[0].reason"),
        (exclusion("invoices", "r", "31.12.2027"), "invalid_date", "exclusions[0].retention_until"),
        (exclusion("invoices", "r", "2027-02-30"), "invalid_date", "exclusions[0].retention_until"),
    ];
    for (body, code, field) in cases {
        job.execute(&body)?.refused(400, code).and_then(|a| a.names(field)).with_context(|| body.to_string())?;
    }
    let stale = json!({ "plan_digest": format!("sha256:{}", "0".repeat(64)) });
    job.execute(&stale)?.refused(409, "plan_changed")?;
    own.reviewer.post(&job.path("/reject"), &json!({}))?.refused(400, "missing_field")?.names("reason")?;
    assert_eq!(everything(&own)?, before);
    Ok(())
}

#[test]
fn what_does_not_fit_the_state_of_a_request_is_refused() -> Result<()> {
    let own = Organization::create(600)?;
    let subject = || full_erasure(&format!("cust-{}", unique()));
    let unverified = Job::submit(&own, &with(&subject(), "verification", Value::Null))?;
    assert_eq!(unverified.submitted["phase"], "awaiting_verification");
    unverified.execute(&json!({}))?.refused(409, "verification_required")?;
    unverified.restore(&json!({}))?.refused(409, "invalid_state")?;

    let rejected = Job::in_review(&own, &subject())?;
    let verified = json!({ "method": "email_link", "verified_at": "2026-01-05T09:00:00Z" });
    own.officer.post(&rejected.path("/verify"), &verified)?.refused(409, "already_verified")?;
    own.officer.post(&rejected.path("/retry"), &json!({}))?.refused(409, "invalid_state")?;
    own.reviewer.post(&rejected.path("/reject"), &json!({ "reason": "Dispute" }))?.ok()?;
    rejected.execute(&json!({}))?.refused(409, "invalid_state")?;

    let cancelled = Job::in_review(&own, &subject())?;
    cancelled.cancel()?.ok()?;
    cancelled.execute(&json!({}))?.refused(409, "invalid_state")?;

    let later = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
    let running = Job::in_review(&own, &with(&subject(), "scheduled_at", json!(later.to_string())))?;
    running.execute(&json!({}))?.ok()?;
    running.execute(&json!({}))?.refused(409, "already_executing")?;
    running.restore(&json!({}))?.refused(409, "invalid_state")?;
    assert_eq!(running.status()?["phase"], "scheduled");

    let extend = |reasons: &str| own.officer.post(&running.path("/extend"), &json!({ "reasons": reasons }));
    extend("Complex")?.ok()?;
    extend("Complex")?.refused(409, "already_extended")?;
    running.cancel()?.ok()?;
    Ok(())
}

#[test]
fn what_does_not_exist_is_not_found() -> Result<()> {
    let demo = Organization::demo()?;
    let nobody = "00000000000040008000000000000000";
    for id in [format!("req_{nobody}"), "req_1".to_owned(), "nonsense".to_owned(), format!("hold_{nobody}")] {
        demo.officer.get(&format!("{REQUESTS}/{id}"))?.refused(404, "not_found")?;
        demo.officer.get(&format!("{REQUESTS}/{id}/status"))?.refused(404, "not_found")?;
        demo.reviewer.post(&format!("{REQUESTS}/{id}/execute"), &json!({}))?.refused(404, "not_found")?;
        demo.officer.get(&format!("{HOLDS}/{id}"))?.refused(404, "not_found")?;
        demo.officer.get(&format!("{DISCOVERY}/{id}"))?.refused(404, "not_found")?;
    }
    for path in ["/v1/compliance/nothing-here", "/nothing", "/v1/compliance/reports/1/2/3"] {
        demo.officer.get(path)?.refused(404, "not_found")?;
    }
    Ok(())
}

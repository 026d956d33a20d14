//! Whole calls, through the engine: field names, who may what, idempotency, and refusals that change nothing.

mod support;

use oubli_engine::{Config, ports::Message};
use serde_json::{Value, json};
use support::{Answer, DAY, Deployment};

const REQUESTS: &str = "/v1/compliance/erasure-requests";
const HOLDS: &str = "/v1/compliance/legal-holds";
const DISCOVERY: &str = "/v1/compliance/data-discovery";
const AUDIT: &str = "/v1/compliance/audit-log";

fn submission() -> Value {
    json!({
        "subject_id": "cust-00042", "subject_email": "mara.lindqvist@example.com",
        "request_type": "full_erasure", "reason": "consent_withdrawn",
        "verification": { "method": "email_link", "verified_at": "2026-11-02T09:30:00Z" },
    })
}

async fn in_review(deployment: &Deployment) -> String {
    let answer = deployment.call("officer", "POST", REQUESTS, &submission()).await;
    assert_eq!(answer.status, 201, "{}", answer.body);
    deployment.work().await;
    answer.text("request_id")
}

fn has(answer: &Answer, fields: &[&str]) {
    for field in fields {
        assert!(answer.body.get(*field).is_some(), "no {field} in {}", answer.body);
    }
}

#[tokio::test]
async fn people_are_found_in_the_log_for_as_long_as_policy_says() {
    let shop = Deployment::with(Config { subject_index_kept_years: Some(1), ..Config::default() }).await;
    let hold = json!({ "subject_id": "cust-1", "reason": "Dispute", "categories": ["orders"] });
    assert_eq!(shop.call("officer", "POST", "/v1/compliance/legal-holds", &hold).await.status, 201);
    let found = async || {
        let answer = shop.call("auditor", "GET", "/v1/compliance/audit-log?subject_id=cust-1", &Value::Null).await;
        answer.body["entries"].as_array().map(Vec::len)
    };
    let retire = Message::Retire { organization: "demo".parse().expect("a name") };
    shop.world.pass(365 * DAY);
    shop.handle(&retire).await;
    assert_eq!(found().await, Some(1), "last year's is kept");
    shop.world.pass(365 * DAY);
    shop.handle(&retire).await;
    shop.handle(&retire).await;
    assert_eq!(found().await, Some(0));
    let path = "/v1/compliance/audit-log?event_type=subject_index_forgotten";
    let said = shop.call("auditor", "GET", path, &Value::Null).await;
    assert_eq!(said.body["entries"].as_array().map(Vec::len), Some(1), "{}", said.body);
    let held = shop.call("auditor", "GET", "/v1/compliance/audit-log?event_type=legal_hold_placed", &Value::Null).await;
    assert_eq!(held.body["entries"].as_array().map(Vec::len), Some(1), "the log itself is whole");
}

#[tokio::test]
async fn a_discovery_says_whom_the_call_named_to_that_call_alone() {
    let shop = Deployment::new().await;
    let whom = json!({ "subject_id": "cust-00042" });
    let found = shop.call("officer", "POST", DISCOVERY, &whom).await;
    assert_eq!(found.text("subject_id"), "cust-00042");
    let path = format!("{DISCOVERY}/{}", found.text("discovery_id"));
    let again = shop.call("service", "GET", &path, &Value::Null).await;
    assert_eq!(again.status, 200, "{}", again.body);
    assert_eq!(again.body.get("subject_id"), None);
}

#[tokio::test]
async fn a_request_goes_from_submission_to_approval_by_the_field_names_of_the_api() {
    let shop = Deployment::new().await;
    let submitted = shop.call("officer", "POST", REQUESTS, &submission()).await;
    assert_eq!(submitted.status, 201);
    has(&submitted, &["request_id", "status", "phase", "deadline", "legal_deadline", "duplicate_of"]);
    shop.work().await;

    let path = format!("{REQUESTS}/{}", submitted.text("request_id"));
    let shown = shop.call("reviewer", "GET", &format!("{path}?reveal=identity"), &Value::Null).await;
    assert_eq!((shown.text("phase"), shown.text("subject_id")), ("in_review".to_owned(), "cust-00042".to_owned()));
    assert_eq!(shown.body["plan"]["records"], 6);
    assert_eq!(shown.body["plan"]["kept"][0]["why"], "retention");
    assert_eq!(shown.body["plan"]["digest"], shown.body["plan_digest"]);

    let status = shop.call("auditor", "GET", &format!("{path}/status"), &Value::Null).await;
    assert_eq!(status.status, 200);
    let fields =
        ["request_id", "status", "phase", "progress_percent", "started_at", "estimated_completion_at", "steps", "job_status"];
    has(&status, &fields);
    for field in ["name", "status", "items_processed", "items_total"] {
        assert!(status.body["steps"][0].get(field).is_some(), "{}", status.body);
    }

    let approval = json!({
        "approved_by": "Rita", "approval_notes": "fine", "plan_digest": shown.text("plan_digest"),
        "exclusions": [{ "category": "chat_history", "reason": "dispute", "retention_until": "2027-12-31" }],
    });
    let executed = shop.call("reviewer", "POST", &format!("{path}/execute"), &approval).await;
    assert_eq!(executed.status, 202, "{}", executed.body);
    has(&executed, &["execution_id", "status", "phase"]);
    let again = shop.call("reviewer", "POST", &format!("{path}/execute"), &approval).await;
    assert_eq!(again.status, 409, "{}", again.body);
}

#[tokio::test]
async fn a_later_plan_says_what_was_found_late() {
    let shop = Deployment::new().await;
    let path = format!("{REQUESTS}/{}", in_review(&shop).await);
    let late = async || {
        let shown = shop.call("reviewer", "GET", &path, &Value::Null).await;
        assert_eq!(shown.text("phase"), "in_review", "{}", shown.body);
        let steps = shown.body["plan"]["steps"].as_array().expect("steps").clone();
        steps.iter().map(|step| (step["producer"].clone(), step["found_late"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(late().await, [(json!("orders"), json!(0)), (json!("chat"), json!(0))]);
    assert_eq!(shop.call("reviewer", "POST", &format!("{path}/execute"), &json!({})).await.status, 202);
    shop.pass(0).await;
    for key in ["late-1", "late-2"] {
        shop.world.app_writes("orders", key, &[("customer", "cust-00042")]);
    }
    shop.pass(31 * DAY).await;
    assert_eq!(late().await, [(json!("orders"), json!(2))]);
}

#[tokio::test]
async fn what_another_organization_owns_does_not_exist() {
    let shop = Deployment::new().await;
    let id = in_review(&shop).await;
    let hold = shop.call("officer", "POST", HOLDS, &json!({ "subject_id": "other", "reason": "r" })).await.text("hold_id");
    let found = shop.call("officer", "POST", DISCOVERY, &json!({ "subject_id": "u1" })).await.text("discovery_id");
    let request = format!("{REQUESTS}/{id}");
    let calls = [
        ("GET", request.clone(), Value::Null),
        ("GET", format!("{request}/status"), Value::Null),
        ("POST", format!("{request}/verify"), json!({ "method": "m", "verified_at": "2026-11-02T09:30:00Z" })),
        ("POST", format!("{request}/verify"), json!({})),
        ("POST", format!("{request}/extend"), json!({ "reasons": "r" })),
        ("POST", format!("{request}/execute"), json!({})),
        ("POST", format!("{request}/execute"), json!({ "exclusions": [{ "category": "nothing", "reason": "r" }] })),
        ("POST", format!("{request}/reject"), json!({ "reason": "r" })),
        ("POST", format!("{request}/reject"), json!({})),
        ("POST", format!("{request}/cancel"), Value::Null),
        ("POST", format!("{request}/restore"), json!({ "categories": ["nothing"] })),
        ("POST", format!("{request}/retry"), Value::Null),
        ("GET", format!("{HOLDS}/{hold}"), Value::Null),
        ("DELETE", format!("{HOLDS}/{hold}"), Value::Null),
        ("GET", format!("{DISCOVERY}/{found}"), Value::Null),
        ("GET", format!("{REQUESTS}/req_1"), Value::Null),
        ("GET", format!("{REQUESTS}?organization_id=demo"), Value::Null),
        ("POST", REQUESTS.to_owned(), json!({ "organization_id": "demo" })),
    ];
    for (method, path, body) in calls {
        let answer = shop.call("stranger", method, &path, &body).await;
        assert_eq!(answer.outcome(), (404, "not_found"), "{method} {path} {}", answer.body);
    }
    for (path, list) in [(REQUESTS, "requests"), (HOLDS, "holds"), (AUDIT, "entries")] {
        let answer = shop.call("stranger", "GET", path, &Value::Null).await;
        assert_eq!(json!(but_readings(&answer.body[list])), json!([]), "{path}");
        let named = shop.call("administrator", "GET", &format!("{path}?organization_id=demo"), &Value::Null).await;
        assert_eq!(named.status, 200, "{path}");
    }
}

#[tokio::test]
async fn a_role_does_what_it_may_and_nothing_else() {
    let shop = Deployment::new().await;
    let id = in_review(&shop).await;
    let request = format!("{REQUESTS}/{id}");
    let refused = [
        ("auditor", "POST", format!("{request}/execute"), json!({})),
        ("auditor", "POST", format!("{request}/execute"), json!({ "exclusions": [{ "category": "nothing", "reason": "r" }] })),
        ("auditor", "POST", REQUESTS.to_owned(), json!({ "subject_id": "" })),
        ("officer", "POST", format!("{request}/execute"), json!({})),
        ("reviewer", "POST", REQUESTS.to_owned(), submission()),
        ("reviewer", "GET", AUDIT.to_owned(), Value::Null),
        ("service", "POST", format!("{request}/cancel"), Value::Null),
        ("service", "POST", HOLDS.to_owned(), json!({ "subject_id": "u1", "reason": "r" })),
        ("auditor", "POST", DISCOVERY.to_owned(), json!({ "subject_id": "u1" })),
    ];
    for (who, method, path, body) in refused {
        let answer = shop.call(who, method, &path, &body).await;
        assert_eq!(answer.outcome(), (403, "forbidden"), "{who} {path} {}", answer.body);
    }
    let own = shop.call("administrator", "POST", REQUESTS, &submission()).await.text("request_id");
    shop.work().await;
    let answer = shop.call("administrator", "POST", &format!("{REQUESTS}/{own}/execute"), &json!({})).await;
    assert_eq!(answer.outcome(), (403, "own_request"), "{}", answer.body);
}

#[tokio::test]
async fn a_refusal_changes_nothing() {
    let shop = Deployment::new().await;
    let id = in_review(&shop).await;
    // That a key was used is noted, once an hour.
    shop.call("reviewer", "GET", HOLDS, &Value::Null).await;
    let before = shop.world.items_text();
    let request = format!("{REQUESTS}/{id}");
    let digest = format!("sha256:{}", "0".repeat(64));
    let refused = [
        (
            REQUESTS.to_owned(),
            json!({ "subject_id": "u1", "request_type": "full_erasure", "reason": "x" }),
            400,
            "unknown_reason",
        ),
        (REQUESTS.to_owned(), json!({ "subject": "u1" }), 400, "unknown_field"),
        (format!("{request}/execute"), json!({ "plan_digest": digest }), 409, "plan_changed"),
        (format!("{request}/execute"), json!({ "notes": "n" }), 400, "unknown_field"),
        (format!("{request}/restore"), json!({ "categories": [] }), 400, "empty_scope"),
        (format!("{request}/restore"), json!({}), 409, "invalid_state"),
        (HOLDS.to_owned(), json!({ "reason": "r" }), 400, "empty_hold"),
        (DISCOVERY.to_owned(), json!({}), 400, "empty_identity"),
    ];
    for (path, body, status, code) in refused {
        let who = if path.ends_with("execute") { "reviewer" } else { "officer" };
        let answer = shop.call(who, "POST", &path, &body).await;
        assert_eq!(answer.outcome(), (status, code), "{path} {}", answer.body);
        for field in ["type", "title", "status", "detail", "message", "remedy"] {
            assert!(answer.body.get(field).is_some(), "{}", answer.body);
        }
    }
    assert_eq!(shop.world.items_text(), before);
}

#[tokio::test]
async fn a_repeated_call_has_its_effect_once_and_the_same_answer() {
    let shop = Deployment::new().await;
    let first = shop.call_with("officer", "POST", REQUESTS, &submission(), Some("k1")).await;
    let again = shop.call_with("officer", "POST", REQUESTS, &submission(), Some("k1")).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");

    let mut other = submission();
    other["reason"] = json!("objection");
    let reused = shop.call_with("officer", "POST", REQUESTS, &other, Some("k1")).await;
    assert_eq!(reused.outcome(), (422, "idempotency_key_reused"));
    let by_another = shop.call_with("service", "POST", REQUESTS, &submission(), Some("k1")).await;
    assert_ne!(by_another.text("request_id"), first.text("request_id"));

    let listed = shop.call("officer", "GET", REQUESTS, &Value::Null).await;
    assert_eq!(listed.body["requests"].as_array().map(Vec::len), Some(2));

    for (path, body) in
        [(HOLDS, json!({ "subject_id": "u1", "reason": "words for few" })), (DISCOVERY, json!({ "subject_id": "u1" }))]
    {
        let first = shop.call_with("officer", "POST", path, &body, Some("k2")).await;
        let again = shop.call_with("officer", "POST", path, &body, Some("k2")).await;
        assert_eq!(again.body, first.body, "{path}");
    }
    for word in ["mara.lindqvist", "words for few"] {
        assert!(!shop.world.items_text().contains(word), "{word}");
    }
}

#[tokio::test]
async fn a_refused_call_leaves_its_key_unused() {
    let shop = Deployment::new().await;
    let id = in_review(&shop).await;
    let path = format!("{REQUESTS}/{id}/execute");
    let digest = json!({ "plan_digest": format!("sha256:{}", "0".repeat(64)) });
    for _ in 0..2 {
        let answer = shop.call_with("reviewer", "POST", &path, &digest, Some("k")).await;
        assert_eq!(answer.outcome(), (409, "plan_changed"));
    }
    let answer = shop.call_with("reviewer", "POST", &path, &json!({}), Some("k")).await;
    assert_eq!(answer.status, 202, "{}", answer.body);
    let again = shop.call_with("reviewer", "POST", &path, &json!({}), Some("k")).await;
    assert_eq!((again.status, again.body), (answer.status, answer.body));
}

#[tokio::test]
async fn nothing_that_answers_503_is_remembered() {
    let shop = Deployment::new().await;
    shop.world.unreachable(true);
    let answer = shop.call_with("officer", "POST", REQUESTS, &submission(), Some("k")).await;
    assert_eq!(answer.outcome(), (503, "unavailable"));
    shop.world.unreachable(false);
    assert_eq!(shop.call_with("officer", "POST", REQUESTS, &submission(), Some("k")).await.status, 201);
}

#[tokio::test]
async fn holds_are_placed_listed_and_released() {
    let shop = Deployment::new().await;
    let id = in_review(&shop).await;
    let hold = json!({ "subject_id": "cust-00042", "reason": "dispute", "reference": "4 O 117/26" });
    let placed = shop.call("officer", "POST", HOLDS, &hold).await;
    assert_eq!((placed.status.as_u16(), placed.text("status")), (201, "effective".to_owned()), "{}", placed.body);
    has(&placed, &["hold_id", "placed_at"]);
    let effect = &placed.body["effects"][0];
    assert_eq!(effect["request_id"], json!(id));
    for field in ["status", "phase", "recoverable", "purged", "untouched"] {
        assert!(effect.get(field).is_some(), "{effect}");
    }
    let path = format!("{HOLDS}/{}", placed.text("hold_id"));
    let blocked = shop.call("reviewer", "POST", &format!("{REQUESTS}/{id}/execute"), &json!({})).await;
    assert_eq!(blocked.outcome(), (409, "legal_hold_active"));

    let count = async |query: &str| {
        let answer = shop.call("auditor", "GET", &format!("{HOLDS}?{query}"), &Value::Null).await;
        answer.body["holds"].as_array().map(Vec::len)
    };
    assert_eq!(count("subject_id=cust-00042&status=effective").await, Some(1));
    assert_eq!(count("subject_id=somebody-else").await, Some(0));
    let search = async |list: &str, body: Value| shop.call("officer", "POST", &format!("{list}/search"), &body).await.body;
    let named = |value: &str| json!({ "identifiers": [{ "kind": "subject_id", "value": value }] });
    let log = "/v1/compliance/audit-log";
    for (whom, holds) in [("cust-00042", 1), ("somebody-else", 0)] {
        let found = search(HOLDS, named(whom)).await;
        assert_eq!(found["holds"].as_array().map(Vec::len), Some(holds), "{found}");
        let entries = search(log, named(whom)).await["entries"].as_array().expect("entries").clone();
        assert_eq!(entries.is_empty(), holds == 0, "{entries:?}");
    }
    let second = shop.call("officer", "POST", HOLDS, &json!({ "categories": ["chat_history"], "reason": "r" })).await;
    let page = async |cursor: Value| search(HOLDS, json!({ "status": "effective", "limit": 1, "cursor": cursor })).await;
    let first = page(Value::Null).await;
    let next = page(first["next_cursor"].clone()).await;
    let mut both = [&first, &next].map(|page| page["holds"][0]["hold_id"].as_str().expect("a hold").to_owned());
    both.sort();
    let mut placed_both = [placed.text("hold_id"), second.text("hold_id")];
    placed_both.sort();
    assert_eq!(both, placed_both);
    let second = format!("{HOLDS}/{}", second.text("hold_id"));
    assert_eq!(shop.call("officer", "DELETE", &second, &Value::Null).await.status, 200);
    let wiped = || shop.world.lock().wiped;
    let before = wiped();
    assert_eq!(shop.call("officer", "GET", &path, &Value::Null).await.status, 200);
    assert_eq!(wiped(), before + 1, "no key stays in memory after an answer");
    let released = shop.call("officer", "DELETE", &path, &Value::Null).await;
    assert_eq!((released.status.as_u16(), released.text("status")), (200, "released".to_owned()));
    assert!(!released.body.to_string().contains("cust-00042"), "{}", released.body);
    assert_eq!((count("status=effective").await, count("status=released").await), (Some(0), Some(2)));
}

#[tokio::test]
async fn discovery_says_what_is_there() {
    let shop = Deployment::new().await;
    let body = json!({ "subject_id": "cust-00042", "include_metadata": true });
    let found = shop.call("officer", "POST", DISCOVERY, &body).await;
    assert_eq!((found.status.as_u16(), found.text("status")), (200, "completed".to_owned()), "{}", found.body);
    // A record of the world has 10 to 14 bytes, by its key.
    assert_eq!((&found.body["total_items"], &found.body["total_size_bytes"]), (&json!(9), &json!(111)));
    let category = &found.body["data_categories"][2];
    assert_eq!((&category["retention_required"], &category["retention_reason"]), (&json!(true), &json!("Tax law")));
    assert_eq!(category["producers"][0]["count"], 3);
    let again = shop.call("officer", "GET", &format!("{DISCOVERY}/{}", found.text("discovery_id")), &Value::Null).await;
    assert_eq!(again.body["total_items"], 9);
    assert!(again.body["data_categories"][0].get("producers").is_none());
}

/// Entries, but for those that say the log was read, which looking makes, and of how the organization was set up.
fn but_readings(entries: &Value) -> Vec<Value> {
    let other =
        ["audit_log_read", "organization_created", "store_shared", "data_map_published", "member_added", "api_key_created"];
    let entries = entries.as_array().expect("entries").iter();
    entries.filter(|e| !other.contains(&e["event_type"].as_str().unwrap_or_default())).cloned().collect()
}

#[tokio::test]
async fn the_audit_log_is_paged_and_filtered() {
    let shop = Deployment::new().await;
    let id = in_review(&shop).await;
    let entries = async |query: &str| {
        let answer = shop.call("auditor", "GET", &format!("{AUDIT}?{query}"), &Value::Null).await;
        assert_eq!(answer.status, 200, "{query} {}", answer.body);
        answer.body
    };
    let all = entries(&format!("request_id={id}")).await;
    let all = all["entries"].as_array().expect("entries");
    assert!(all.len() >= 2, "{all:?}");
    for pair in all.windows(2) {
        assert_eq!(pair[1]["previous_hash"], pair[0]["hash"]);
    }
    assert_eq!((&all[0]["event_type"], &all[0]["executed_by"]), (&json!("request_received"), &json!("officer")));

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = entries(&format!("limit=1{cursor}")).await;
        seen.extend(but_readings(&page["entries"]).iter().map(|e| e["audit_id"].clone()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, all.iter().map(|e| e["audit_id"].clone()).collect::<Vec<_>>());
    let today = entries("start_date=2026-11-02&end_date=2026-11-02").await;
    assert_eq!(but_readings(&today["entries"]).len(), all.len());
    let readings = entries("event_type=audit_log_read").await;
    assert!(readings["entries"].as_array().is_some_and(|r| r.len() > all.len()), "every first page that was read is noted");
    let tomorrow = entries("start_date=2026-11-03").await;
    assert_eq!(tomorrow["entries"], json!([]));

    for bad in ["event_type=x", "start_date=x", "limit=0", "request_id=x", "actor=x", "cursor=x", "what=x", "limit=1&limit=2"] {
        let answer = shop.call("auditor", "GET", &format!("{AUDIT}?{bad}"), &Value::Null).await;
        assert_eq!(answer.status, 400, "{bad} {}", answer.body);
    }
}

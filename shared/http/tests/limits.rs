//! An organization that uses up more than it may is told to come again, and no other one notices.

mod support;

use axum::http::header;
use oubli_domain::limits::Limits;
use oubli_engine::Config;
use serde_json::{Value, json};
use support::{Answer, Deployment};

const REQUESTS: &str = "/v1/compliance/erasure-requests";
const DISCOVERY: &str = "/v1/compliance/data-discovery";

async fn limited(limits: Limits) -> Deployment {
    Deployment::with(Config { limits: Some(limits), ..Config::default() }).await
}

const TEN: Limits = Limits {
    calls_per_second: Some(1),
    calls_at_once: Some(10),
    batches_per_minute: None,
    discoveries_per_minute: None,
    discoveries_in_flight: None,
    reports_in_flight: None,
    reviews_waiting: None,
};

fn is_refused_for(answer: &Answer, seconds: &str) {
    assert_eq!(answer.outcome(), (429, "rate_limited"), "{}", answer.body);
    assert_eq!(answer.headers[header::RETRY_AFTER], seconds);
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
    assert!(answer.text("remedy").contains(&format!("{seconds} s")), "{}", answer.body);
}

#[tokio::test]
async fn p8_whoever_calls_too_much_waits_and_nobody_else_does() {
    let shop = limited(TEN).await;
    let one = format!("{REQUESTS}/req_00000000000000000000000000000001/status");
    for _ in 0..10 {
        assert_eq!(shop.call("officer", "GET", &one, &Value::Null).await.status, 404);
    }
    is_refused_for(&shop.call("officer", "GET", &one, &Value::Null).await, "1");
    is_refused_for(&shop.call("service", "GET", REQUESTS, &Value::Null).await, "2");
    assert_eq!(shop.call("stranger", "GET", REQUESTS, &Value::Null).await.status, 200, "another organization");
    shop.world.pass(2);
    assert_eq!(shop.call("service", "GET", REQUESTS, &Value::Null).await.status, 200, "a list costs two");
    is_refused_for(&shop.call("officer", "GET", &one, &Value::Null).await, "1");
}

#[tokio::test]
async fn p8_a_refused_call_did_nothing_and_can_be_made_again_with_its_key() {
    let shop = limited(TEN).await;
    let asked = json!({ "subject_id": "cust-00042", "request_type": "full_erasure", "reason": "consent_withdrawn" });
    for n in 0..2 {
        let body = json!({ "subject_id": format!("cust-{n}"), "request_type": "full_erasure", "reason": "consent_withdrawn" });
        assert_eq!(shop.call("officer", "POST", REQUESTS, &body).await.status, 201);
    }
    let noted = || shop.world.lock().items.keys().filter(|key| key.pk.ends_with("#outbox")).count();
    let before = noted();
    is_refused_for(&shop.call_with("officer", "POST", REQUESTS, &asked, Some("once")).await, "5");
    assert_eq!(noted(), before);
    shop.world.pass(5);
    let made = shop.call_with("officer", "POST", REQUESTS, &asked, Some("once")).await;
    assert_eq!(made.status, 201, "{}", made.body);
    shop.world.pass(5);
    let again = shop.call_with("officer", "POST", REQUESTS, &asked, Some("once")).await;
    assert_eq!((again.status.as_u16(), again.text("request_id")), (201, made.text("request_id")));
}

#[tokio::test]
async fn a_caller_nobody_knows_takes_nothing_from_anybody() {
    let shop = limited(TEN).await;
    for _ in 0..50 {
        let bearer = "Bearer oubli_0123_secret";
        let request = axum::http::Request::builder().uri(REQUESTS).header(header::AUTHORIZATION, bearer);
        let request = request.body(axum::body::Body::empty()).expect("a request");
        assert_eq!(shop.send(request).await.status, 401);
    }
    assert_eq!(shop.call("officer", "GET", REQUESTS, &Value::Null).await.status, 200);
}

#[tokio::test]
async fn p8_discoveries_are_refused_beyond_their_rate_with_a_time_to_come_again() {
    let shop = limited(Limits { discoveries_per_minute: Some(6), ..Limits::default() }).await;
    let asked = json!({ "subject_id": "cust-00042" });
    assert_eq!(shop.call("officer", "POST", DISCOVERY, &asked).await.status, 200);
    is_refused_for(&shop.call("officer", "POST", DISCOVERY, &asked).await, "10");
    assert_eq!(shop.call("stranger", "POST", DISCOVERY, &asked).await.status, 200);
    shop.world.pass(10);
    assert_eq!(shop.call("officer", "POST", DISCOVERY, &asked).await.status, 200);
}

#[tokio::test]
async fn an_organization_sees_its_limits_and_does_not_set_them() {
    let shop = limited(Limits { batches_per_minute: Some(600), ..Limits::default() }).await;
    let shown = shop.call("administrator", "GET", "/v1/organization", &Value::Null).await;
    assert_eq!(
        (&shown.body["limits"]["batches_per_minute"], &shown.body["limits"]["calls_per_second"]),
        (&json!(600), &Value::Null)
    );
    for body in [json!({ "limits": { "batches_per_minute": 0 } }), json!({ "batches_per_minute": 0 })] {
        let refused = shop.call("administrator", "PATCH", "/v1/organization", &body).await;
        assert_eq!(refused.outcome(), (400, "unknown_field"), "{}", refused.body);
    }
}

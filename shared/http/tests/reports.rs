//! Reports that take longer than their caller waits.

mod support;

use axum::http::header;
use oubli_engine::{Config, ports::Message};
use serde_json::{Value, json};
use support::Deployment;

const REPORTS: &str = "/v1/compliance/reports";

/// A page each: more than one worker is needed.
fn impatient() -> Config {
    Config { report_patience_seconds: 0, worker_timeout_seconds: 0, ..Config::default() }
}

fn order() -> Value {
    json!({ "type": "gdpr_erasure", "period": { "start_date": "2026-11-01", "end_date": "2026-11-30" } })
}

/// 350 requests; a page counts 100.
async fn busy(config: Config) -> Deployment {
    let shop = Deployment::with(config).await;
    for n in 0..350 {
        let body = json!({ "subject_id": format!("cust-{n}"), "request_type": "full_erasure", "reason": "consent_withdrawn" });
        assert_eq!(shop.call("officer", "POST", "/v1/compliance/erasure-requests", &body).await.status, 201);
    }
    while shop.world.next_message().is_some() {}
    shop
}

#[tokio::test]
async fn a_report_that_takes_long_is_made_in_the_background_and_says_the_same() {
    let shop = busy(impatient()).await;
    let begun = shop.call_with("officer", "POST", REPORTS, &order(), Some("once")).await;
    assert_eq!((begun.status.as_u16(), begun.body["status"].as_str()), (202, Some("running")));
    assert_eq!(begun.body["requests_counted"], 100);
    let id = begun.text("report_id");
    let path = format!("{REPORTS}/{id}");
    assert_eq!(begun.headers[header::LOCATION], path.as_str());
    let again = shop.call_with("officer", "POST", REPORTS, &order(), Some("once")).await;
    assert_eq!(again.body["report_id"], id.as_str(), "the same call, the same report");
    let early = shop.call("officer", "GET", &format!("{path}/file"), &Value::Null).await;
    assert_eq!(early.outcome(), (409, "report_not_ready"));

    shop.work().await;
    let done = shop.call("officer", "GET", &path, &Value::Null).await;
    assert_eq!((done.body["status"].as_str(), &done.body["requests_counted"]), (Some("completed"), &json!(350)));
    let made = shop.call("officer", "GET", &format!("{path}/file"), &Value::Null).await;
    assert_eq!(made.body["request_summary"]["received"], 350);
    let at_once = busy(Config::default()).await.call("officer", "POST", REPORTS, &order()).await;
    assert_eq!(made.body, at_once.body);

    for (who, path) in [("stranger", path.clone()), ("stranger", format!("{path}/file"))] {
        assert_eq!(shop.call(who, "GET", &path, &Value::Null).await.outcome(), (404, "not_found"));
    }
    let wrong = shop.call("officer", "GET", &format!("{path}/file?format=docx"), &Value::Null).await;
    assert_eq!(wrong.outcome(), (400, "unknown_format"));
}

#[tokio::test]
async fn a_report_is_forgotten() {
    let shop = busy(impatient()).await;
    let id = shop.call("officer", "POST", REPORTS, &order()).await.text("report_id");
    shop.work().await;
    let forget = Message::ForgetReport { organization: "demo".parse().expect("a name"), report: id.parse().expect("an id") };
    shop.handle(&forget).await;
    let gone = shop.call("officer", "GET", &format!("{REPORTS}/{id}"), &Value::Null).await;
    assert_eq!(gone.outcome(), (404, "not_found"));
    assert_eq!(shop.world.object_names(), [""; 0]);
}

#[tokio::test]
async fn a_report_counts_every_kind_of_erasure_and_no_export() {
    let shop = Deployment::with(Config::default()).await;
    let full = json!({ "subject_id": "u1", "request_type": "full_erasure", "reason": "consent_withdrawn" });
    let partial = json!({
        "subject_id": "u2", "request_type": "partial_erasure", "reason": "consent_withdrawn", "categories": ["orders"],
    });
    for (path, body) in
        [("erasure-requests", &full), ("erasure-requests", &partial), ("export-requests", &json!({ "subject_id": "u3" }))]
    {
        let answer = shop.call("officer", "POST", &format!("/v1/compliance/{path}"), body).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
    }
    let report = shop.call("officer", "POST", REPORTS, &order()).await;
    assert_eq!(report.body["request_summary"]["received"], 2, "{}", report.body);
}

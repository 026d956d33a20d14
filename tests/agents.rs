//! Agents that ask by the Model Context Protocol, with the protocol's own client.

use std::{
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use oubli_tests::{Organization, agent};
use serde_json::{Value, json};

fn ask(more: &Value) -> Value {
    let mut arguments = json!({ "task_type": "data_deletion", "proposed_action": "Drop the table", "confidence": 0.5 });
    for (name, value) in more.as_object().into_iter().flatten() {
        arguments[name] = value.clone();
    }
    arguments
}

#[test]
fn p1_an_agent_is_told_of_an_approval_only_where_somebody_approved() -> Result<()> {
    let shop = Organization::create(5)?;
    let one = json!({ "review_id": 1 });
    let wrong = json!({ "review_id": 1, "rating": 6 });
    let calls = [
        ("request_review", &ask(&json!({ "urgency": "high", "metadata": { "rows": 3 } }))),
        ("check_review_status", &one),
        ("get_review_decision", &one),
        ("get_review_decision", &json!({ "review_id": 77 })),
        ("request_review", &json!({ "task_type": "x" })),
        ("submit_feedback", &wrong),
    ];
    let (tools, results) = agent(&shop.service, &calls)?;
    let named = ["check_review_status", "get_review_decision", "request_review", "submit_feedback"];
    ensure!(tools.as_object().context("tools")?.keys().collect::<Vec<_>>() == named, "{tools}");
    let [asked, status, pending, nothing, incomplete, feedback] = &results[..] else { anyhow::bail!("{results:?}") };
    ensure!(asked["structuredContent"]["review_id"] == 1 && asked["structuredContent"]["status"] == "pending", "{asked}");
    ensure!(status["structuredContent"]["metadata"]["rows"] == 3 && status["structuredContent"]["urgency"] == "high", "{status}");
    ensure!(
        pending["structuredContent"]["status"] == "pending" && pending["structuredContent"]["decision"].is_null(),
        "{pending}"
    );
    for refused in [nothing, incomplete] {
        ensure!(refused["isError"] == true && refused["content"][0]["text"].to_string().contains("no approval"), "{refused}");
    }
    ensure!(feedback["isError"] == true && feedback["content"][0]["text"].to_string().contains("rating"), "{feedback}");
    shop.reviewer.post("/reviews/1/decide", &json!({ "decision_type": "approve", "notes": "Fine." }))?.ok()?;
    let calls = [("get_review_decision", &one), ("submit_feedback", &json!({ "review_id": 1, "rating": 5 }))];
    let (_, results) = agent(&shop.service, &calls)?;
    let told = &results[0]["structuredContent"];
    ensure!((&told["decision"], &told["action"]) == (&json!("approve"), &json!("Drop the table")), "{told}");
    ensure!(results[1]["structuredContent"]["success"] == true, "{}", results[1]);
    ensure!(shop.reviewer.get("/reviews/1/feedback")?.ok()?["feedback"][0]["rating"] == 5);
    Ok(())
}

#[test]
fn p1_an_agent_that_waits_hears_that_it_goes_on_and_then_what_was_decided() -> Result<()> {
    let shop = Organization::create(5)?;
    for (decision, told) in [
        (json!({ "decision_type": "reject", "notes": "Too early." }), ("reject", Value::Null)),
        (
            json!({ "decision_type": "modify", "modified_action": "Half. {\"rows\": 1}" }),
            ("modify", json!("Half. {\"rows\": 1}")),
        ),
        (json!({ "decision_type": "approve" }), ("approve", json!("Drop the table"))),
    ] {
        let results = scope(|threads| -> Result<Vec<Value>> {
            let waiting = threads.spawn(|| agent(&shop.service, &[("request_review", &ask(&json!({ "blocking": true })))]));
            let end = Instant::now() + Duration::from_secs(60);
            let id = loop {
                let page = shop.reviewer.get("/reviews?status=pending")?.ok()?;
                if let Some(id) = page["reviews"][0]["id"].as_u64() {
                    break id;
                }
                ensure!(Instant::now() < end, "nothing was asked");
                sleep(Duration::from_millis(200));
            };
            sleep(Duration::from_secs(3));
            shop.reviewer.post(&format!("/reviews/{id}/decide"), &decision)?.ok()?;
            Ok(waiting.join().expect("it does not panic")?.1)
        })?;
        let answer = &results[0]["structuredContent"];
        ensure!((&answer["decision"], &answer["action"]) == (&json!(told.0), &told.1), "{answer}");
        ensure!(results[0]["heard"][0] == "nobody has decided yet", "{}", results[0]);
    }
    Ok(())
}

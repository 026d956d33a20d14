//! Clients that others made take whatever is not a review for an approval: what fits their form is a review, however it is written
//! and however much there is of it.

mod support;

use axum::{
    body::Body,
    http::{Request, header},
};
use oubli_domain::limits::Limits;
use oubli_engine::Config;
use serde_json::{Value, json};
use support::{Answer, Deployment};

fn with(more: &Value) -> Value {
    let mut body = json!({ "task_type": "tool_call_shell", "proposed_action": "rm -r logs" });
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

async fn ask(shop: &Deployment, more: &Value) -> Answer {
    shop.call("service", "POST", "/reviews", &with(more)).await
}

/// A body as it is.
async fn ask_raw(shop: &Deployment, body: String) -> Answer {
    let bearer = format!("Bearer {}", shop.key("service"));
    let request = Request::builder().method("POST").uri("/reviews").header(header::AUTHORIZATION, bearer);
    let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body)).expect("a request");
    shop.send(request).await
}

async fn decide(shop: &Deployment, review: &Answer, decision: &str) -> Answer {
    let body = json!({ "decision_type": decision, "modified_action": "Less. {\"path\": \"tmp\"}" });
    shop.call("reviewer", "POST", &format!("/reviews/{}/decide", review.body["id"]), &body).await
}

#[tokio::test]
async fn p1_what_fits_the_form_of_others_is_asked_however_it_is_written() {
    let shop = Deployment::new().await;
    for more in [
        json!({ "task_type": " ", "proposed_action": "\n", "agent_reasoning": "", "framework": "" }),
        json!({ "task_type": "é".repeat(255), "framework": "x".repeat(100) }),
        json!({ "blocking": "false" }),
        json!({ "blocking": 0 }),
        json!({ "confidence_score": "0.5" }),
        json!({ "confidence_score": true }),
        json!({ "organization_id": "another", "agent_id": { "name": "a" } }),
        json!({ "organization_id": [1], "agent_id": 1.5 }),
        json!({ "organization_id": "x".repeat(201), "agent_id": true }),
        json!({ "nonsense": { "deeply": [1] }, "conditions": null }),
    ] {
        let answer = ask(&shop, &more).await;
        assert_eq!((answer.status.as_u16(), &answer.body["cut"]), (201, &json!(false)), "{more}\n{}", answer.body);
        assert_eq!(answer.body["proposed_action"], with(&more)["proposed_action"], "as it came");
    }
    let named = ask(&shop, &json!({ "organization_id": 7, "agent_id": "a" })).await;
    assert_eq!((&named.body["organization_id"], &named.body["agent_id"]), (&json!(7), &json!("a")));
    let score = ask(&shop, &json!({ "confidence_score": " 0.25 " })).await;
    assert_eq!(score.body["confidence_score"], 0.25);
}

#[tokio::test]
async fn p1_what_does_not_fit_it_either_is_refused() {
    let shop = Deployment::new().await;
    for (field, value) in [
        ("task_type", json!("")),
        ("task_type", Value::Null),
        ("task_type", json!(7)),
        ("task_type", json!("é".repeat(256))),
        ("proposed_action", json!("")),
        ("proposed_action", json!(["rm"])),
        ("framework", json!("x".repeat(101))),
        ("urgency", json!("now")),
        ("urgency", json!(1)),
        ("confidence_score", json!(1.1)),
        ("confidence_score", json!("nan")),
        ("confidence_score", json!("high")),
        ("metadata", json!([])),
        ("blocking", json!("perhaps")),
        ("blocking", json!(2)),
        ("conditions", json!({})),
    ] {
        let answer = ask(&shop, &json!({ field: value })).await;
        assert_eq!(answer.status, 422, "{field}: {}", answer.body);
        assert_eq!(answer.body["errors"][0]["field"], field, "{}", answer.body);
    }
    for body in ["", "[]", "hello", "{\"task_type\": \"x\""] {
        assert_eq!(ask_raw(&shop, body.to_owned()).await.status, 422, "{body}");
    }
}

#[tokio::test]
async fn p1_what_is_too_large_to_be_kept_is_asked_and_can_only_be_rejected() {
    let shop = Deployment::new().await;
    let long = "é".repeat(20_001);
    let arguments = json!({ "tool_name": "shell", "allowed_decisions": ["approve", "reject"], "input": "x".repeat(200_000) });
    let worst = "\u{1}".repeat(30_000);
    for more in [
        json!({ "proposed_action": long }),
        json!({ "agent_reasoning": long }),
        json!({ "metadata": arguments }),
        json!({ "proposed_action": worst, "agent_reasoning": worst, "metadata": { "input": "x".repeat(120_000) } }),
        json!({ "proposed_action": "x".repeat(4_000_000) }),
    ] {
        let asked = ask(&shop, &more).await;
        assert_eq!((asked.status.as_u16(), &asked.body["cut"]), (201, &json!(true)), "{}", asked.body["code"]);
        for decision in ["approve", "modify"] {
            let refused = decide(&shop, &asked, decision).await;
            assert_eq!(
                (refused.outcome(), refused.text("detail").contains("too large to be kept whole")),
                ((422, "invalid_value"), true)
            );
        }
        assert_eq!(decide(&shop, &asked, "reject").await.status, 200);
    }
    let cut = ask(&shop, &json!({ "proposed_action": long, "metadata": arguments })).await;
    assert!(cut.text("proposed_action").ends_with("é […]"));
    let kept = &cut.body["metadata"];
    assert_eq!((&kept["cut"], &kept["tool_name"]), (&json!(true), &json!("shell")), "{kept}");
    assert_eq!(kept["allowed_decisions"], json!(["approve", "reject"]));
    assert_eq!(
        (kept["bytes"].as_u64(), kept["sha256"].as_str().map(str::len)),
        (Some(arguments.to_string().len() as u64), Some(64))
    );
    let state = shop.world.lock();
    let largest = state.items.values().map(|item| serde_json::to_string(item).expect("JSON").len()).max();
    assert!(largest < Some(300 * 1024), "{largest:?}");
}

#[tokio::test]
async fn p1_what_cannot_be_read_here_is_asked_as_it_came_and_can_only_be_rejected() {
    let shop = Deployment::new().await;
    let deep = format!("{}1{}", "[".repeat(500), "]".repeat(500));
    for (name, value) in [("NaN", "NaN"), ("Infinity", "-Infinity"), ("deep", deep.as_str()), ("half", "\"\\ud800\"")] {
        let body = format!("{{\"task_type\": \"x\", \"proposed_action\": \"y\", \"metadata\": {{\"{name}\": {value}}}}}");
        let asked = ask_raw(&shop, body.clone()).await;
        assert_eq!((asked.status.as_u16(), &asked.body["cut"]), (201, &json!(true)), "{name}: {}", asked.body);
        assert_eq!((asked.text("task_type"), asked.text("proposed_action")), ("unreadable".to_owned(), body));
        assert_eq!(decide(&shop, &asked, "approve").await.status, 422);
        assert_eq!(decide(&shop, &asked, "reject").await.status, 200);
    }
    let twice = "{\"task_type\": \"x\", \"task_type\": \"y\", \"proposed_action\": \"z\"}";
    assert_eq!(ask_raw(&shop, twice.to_owned()).await.text("task_type"), "y", "the last one counts");
}

#[tokio::test]
async fn p1_asking_and_looking_are_not_refused_however_much_is_used_up() {
    let few = Limits { calls_per_second: Some(1), calls_at_once: Some(2), ..Limits::default() };
    let shop = Deployment::with(Config { limits: Some(few), ..Config::default() }).await;
    while shop.call("service", "GET", "/reviews", &Value::Null).await.status != 429 {}
    for _ in 0..20 {
        let asked = ask(&shop, &json!({})).await;
        assert_eq!(asked.status, 201, "{}", asked.body);
        for path in [format!("/reviews/{}", asked.body["id"]), format!("/reviews/{}/decision", asked.body["id"])] {
            assert_eq!(shop.call("service", "GET", &path, &Value::Null).await.status, 200);
        }
    }
    assert_eq!(shop.call("service", "GET", "/reviews", &Value::Null).await.status, 429);
}

#[tokio::test]
async fn whoever_asks_for_a_wait_is_answered_within_its_time() {
    let shop = Deployment::new().await;
    let before = shop.world.lock().now_ms;
    let asked = ask(&shop, &json!({ "blocking": "true" })).await;
    assert_eq!((asked.status.as_u16(), asked.text("status")), (201, "pending".to_owned()));
    let waited = shop.world.lock().now_ms - before;
    assert!((2_000..=3_500).contains(&waited), "{waited} ms");
}

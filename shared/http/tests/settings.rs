//! What an organization sets is kept as it was set, also where two set something at the same moment.

mod support;

use serde_json::{Value, json};
use std::{collections::BTreeSet, future::poll_fn, task::Poll};
use support::{Answer, Deployment};

const ORGANIZATION: &str = "/v1/organization";

async fn change(shop: &Deployment, body: &Value) -> Answer {
    shop.call("administrator", "PATCH", ORGANIZATION, body).await
}

async fn shown(shop: &Deployment) -> Value {
    shop.call("administrator", "GET", ORGANIZATION, &Value::Null).await.body
}

/// A change as far as so many steps, another one whole, and then the rest of the first. None where that had ended before.
async fn at_once(shop: &Deployment, slow: &Value, steps: usize, quick: &Value) -> Option<(Answer, Answer)> {
    let mut first = Box::pin(change(shop, slow));
    for _ in 0..steps {
        if poll_fn(|context| Poll::Ready(first.as_mut().poll(context).is_ready())).await {
            return None;
        }
    }
    let whole = change(shop, quick).await;
    Some((first.await, whole))
}

#[tokio::test]
async fn a_change_of_settings_undoes_none_that_came_meanwhile() {
    let shop = Deployment::new().await;
    let (slow, quick) = (json!({ "export_step_up": true }), json!({ "separate_attestation": true }));
    let neither = json!({ "export_step_up": false, "separate_attestation": false });
    let (mut kept, mut told) = (0, 0);
    for steps in 0.. {
        assert_eq!(change(&shop, &neither).await.status, 200);
        let Some((first, second)) = at_once(&shop, &slow, steps, &quick).await else { break };
        assert_eq!(second.status, 200, "{}", second.body);
        let now = shown(&shop).await;
        assert_eq!(now["separate_attestation"], true, "switched off again after {steps} steps: {}", first.body);
        if first.status == 200 {
            assert_eq!(now["export_step_up"], true, "after {steps} steps");
            kept += 1;
        } else {
            assert_eq!(first.outcome(), (409, "changed_meanwhile"));
            assert_eq!(now["export_step_up"], false, "after {steps} steps");
            told += 1;
        }
    }
    assert!(kept > 0 && told > 0, "{kept} kept, {told} told");
}

/// Each setting with the least and the most that it can be. Four eyes stay: more than one member could approve.
fn settings() -> Vec<(&'static str, [Value; 2])> {
    let roles = ["privacy_officer", "reviewer", "auditor", "administrator", "service"];
    let addresses: Vec<String> = (0..10).map(|n| format!("dpo{n}@shop.example")).collect();
    vec![
        ("name", [json!("n"), json!("n".repeat(200))]),
        ("country", [json!("FR"), json!("DE")]),
        ("time_zone", [json!("UTC"), json!("Europe/Berlin")]),
        ("recovery_window_seconds", [json!(0), json!(31_622_400)]),
        ("separate_attestation", [json!(false), json!(true)]),
        ("attestation_valid_days", [json!(0), json!(3650)]),
        ("map_review", [json!(false), json!(true)]),
        ("batch_size", [json!(1), json!(1000)]),
        ("concurrent_requests", [json!(1), json!(32)]),
        ("lanes", [json!(1), json!(32)]),
        ("decision_valid_seconds", [json!(1), json!(31_622_400)]),
        ("forget_after_days", [json!(0), json!(3650)]),
        ("unverified_ends_after_days", [json!(1), json!(3650)]),
        ("unreviewed_ends_after_days", [json!(1), json!(3650)]),
        ("failed_ends_after_days", [json!(1), json!(3650)]),
        ("export_kept_seconds", [json!(10), json!(7_776_000)]),
        ("export_review", [json!(false), json!(true)]),
        ("export_review_records", [json!(0), json!(100_000_000)]),
        ("export_openers", [json!(["auditor"]), json!(roles)]),
        ("export_step_up", [json!(false), json!(true)]),
        ("confirm_found_identifiers", [json!(false), json!(true)]),
        ("notify", [json!([]), json!(addresses)]),
        ("language", [json!("en"), json!("de")]),
        ("file_prefix", [json!(""), json!("p".repeat(40))]),
        ("delivery_names_people", [json!(false), json!(true)]),
        ("delivery_bucket", [json!(""), json!("b".repeat(63))]),
        ("delivery_app", [json!(""), json!("a".repeat(100))]),
    ]
}

/// Settings that are nothing where they are 0, or empty.
const NOTHING: [&str; 3] = ["attestation_valid_days", "delivery_bucket", "delivery_app"];

#[tokio::test]
async fn every_setting_is_shown_as_it_was_set() {
    let document = serde_json::to_value(oubli_http::openapi()).expect("JSON");
    let described = document["components"]["schemas"]["SettingsChange"]["properties"].as_object().expect("properties");
    let others = ["organization_id", "confirm", "four_eyes"];
    let tried: BTreeSet<&str> = settings().iter().map(|(name, _)| *name).chain(others).collect();
    assert_eq!(described.keys().map(String::as_str).collect::<BTreeSet<&str>>(), tried);

    let shop = Deployment::new().await;
    for extreme in [1, 0] {
        let mut body = json!({ "confirm": "no recovery" });
        for (name, values) in settings() {
            body[name] = values[extreme].clone();
        }
        let changed = change(&shop, &body).await;
        assert_eq!(changed.status, 200, "{}", changed.body);
        let now = shown(&shop).await;
        assert_eq!(changed.body, now);
        for (name, values) in settings() {
            let is_nothing = extreme == 0 && NOTHING.contains(&name);
            assert_eq!(now[name], if is_nothing { Value::Null } else { values[extreme].clone() }, "{name}");
        }
    }
}

#[tokio::test]
async fn p8_another_organizations_delivery_bucket_is_refused_by_the_name_of_its_field() {
    let shop = Deployment::new().await;
    let body = json!({ "delivery_bucket": "shop-deliveries", "lanes": 3 });
    assert_eq!(change(&shop, &body).await.status, 200);
    assert_eq!(change(&shop, &body).await.status, 200, "it is its own");
    let refused = shop.call("stranger", "PATCH", ORGANIZATION, &body).await;
    assert_eq!(refused.outcome(), (409, "store_claimed"), "{}", refused.body);
    assert_eq!(refused.body["errors"][0]["field"], "delivery_bucket");
    let theirs = shop.call("stranger", "GET", ORGANIZATION, &Value::Null).await.body;
    assert_eq!((&theirs["delivery_bucket"], &theirs["lanes"]), (&Value::Null, &json!(2)), "nothing changed");
    let document = serde_json::to_value(oubli_http::openapi()).expect("JSON");
    let told = &document["paths"][ORGANIZATION]["patch"]["responses"]["409"]["x-problems"];
    assert!(told.as_array().is_some_and(|codes| codes.contains(&json!("store_claimed"))), "{told}");
}

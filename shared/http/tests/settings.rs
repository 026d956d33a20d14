//! What an organization sets is kept as it was set, also where two set something at the same moment.

mod support;

use serde_json::{Value, json};
use std::{future::poll_fn, task::Poll};
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

//! What agents give to the tools.

use crate::{client::given, failure::Failure};
use oubli_domain::review::{ReviewId, Urgency};
use rmcp::model::JsonObject;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

/// Of `request_review`.
pub(super) struct Ask {
    /// What is posted.
    pub body: Value,
    /// Whether to wait until somebody decides.
    pub blocking: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    task_type: String,
    proposed_action: String,
    #[serde(alias = "agent_reasoning")]
    reasoning: Option<String>,
    #[serde(alias = "confidence_score")]
    confidence: Option<f64>,
    urgency: Option<String>,
    blocking: Option<bool>,
    metadata: Option<Map<String, Value>>,
    organization_id: Option<Value>,
    agent_id: Option<Value>,
}

/// Of the tools that look at one review.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct One {
    pub review_id: ReviewId,
}

/// Of `submit_feedback`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Feedback {
    pub review_id: ReviewId,
    pub rating: Option<u8>,
    pub comment: Option<String>,
}

impl Ask {
    /// # Errors
    /// [`Failure::Refused`] names what does not fit.
    pub(super) fn read(arguments: JsonObject) -> Result<Self, Failure> {
        let given_by: Given = read(arguments)?;
        let fits = |score: &f64| (0.0..=1.0).contains(score);
        if given_by.confidence.is_some_and(|score| !fits(&score)) {
            return Err(Failure::Refused("confidence: it is out of bounds; accepted: 0 to 1.".to_owned()));
        }
        let words: Vec<&str> = Urgency::ALL.iter().map(|urgency| urgency.name()).collect();
        if given_by.urgency.as_deref().is_some_and(|word| !words.contains(&word)) {
            return Err(Failure::Refused(format!("urgency: there is no such word; accepted: {}.", words.join(", "))));
        }
        let body = given([
            ("task_type", json!(given_by.task_type)),
            ("proposed_action", json!(given_by.proposed_action)),
            ("agent_reasoning", json!(given_by.reasoning)),
            ("confidence_score", json!(given_by.confidence)),
            ("urgency", json!(given_by.urgency)),
            ("framework", json!("mcp")),
            ("metadata", json!(given_by.metadata)),
            ("organization_id", json!(given_by.organization_id)),
            ("agent_id", json!(given_by.agent_id)),
            ("blocking", json!(false)),
        ]);
        Ok(Self { body, blocking: given_by.blocking.unwrap_or_default() })
    }
}

/// # Errors
/// [`Failure::Refused`] names what does not fit.
pub(super) fn read<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, Failure> {
    serde_json::from_value(Value::Object(arguments))
        .map_err(|error| Failure::Refused(format!("The arguments do not fit: {error}.")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> JsonObject {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn what_is_asked_is_asked_in_the_words_of_the_api() {
        let given = json!({
            "task_type": "data_deletion", "proposed_action": "Drop it", "reasoning": "It is old", "confidence": 0.5, "urgency": "high",
            "metadata": { "rows": 3 }, "organization_id": 7, "agent_id": "cleaner", "blocking": true,
        });
        let asked = Ask::read(object(given)).expect("it fits");
        let wanted = json!({
            "task_type": "data_deletion", "proposed_action": "Drop it", "agent_reasoning": "It is old", "confidence_score": 0.5,
            "urgency": "high", "framework": "mcp", "metadata": { "rows": 3 }, "organization_id": 7, "agent_id": "cleaner",
            "blocking": false,
        });
        assert_eq!((asked.body, asked.blocking), (wanted, true));
        let least = Ask::read(object(json!({ "task_type": "t", "proposed_action": "a" }))).expect("it fits");
        let wanted = json!({ "task_type": "t", "proposed_action": "a", "framework": "mcp", "blocking": false });
        assert_eq!((least.body, least.blocking), (wanted, false));
    }

    #[test]
    fn what_does_not_fit_is_named_and_not_asked() {
        let cases = [
            (json!({ "proposed_action": "a" }), "task_type"),
            (json!({ "task_type": "t" }), "proposed_action"),
            (json!({ "task_type": "t", "proposed_action": "a", "confidence": 1.5 }), "confidence"),
            (json!({ "task_type": "t", "proposed_action": "a", "urgency": "now" }), "urgency"),
            (json!({ "task_type": "t", "proposed_action": "a", "blocking": "yes" }), "boolean"),
            (json!({ "task_type": "t", "proposed_action": "a", "urgently": true }), "urgently"),
        ];
        for (given, named) in cases {
            let refused = Ask::read(object(given.clone())).err().map(|failure| failure.to_string());
            assert!(refused.as_ref().is_some_and(|text| text.contains(named)), "{given}: {refused:?}");
        }
        assert!(read::<One>(object(json!({ "review_id": 0 }))).is_err() && read::<One>(JsonObject::new()).is_err());
        assert_eq!(read::<One>(object(json!({ "review_id": 12 }))).expect("it fits").review_id.to_string(), "12");
    }
}

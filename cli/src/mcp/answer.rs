//! What tools answer, in the words that agents know.

use serde_json::{Map, Value, json};

/// These fields of a review that has them.
fn fields(review: &Value, names: &[&str]) -> Map<String, Value> {
    let given = |name: &&str| review.get(*name).filter(|value| !value.is_null()).map(|value| ((*name).to_owned(), value.clone()));
    names.iter().filter_map(given).collect()
}

fn with(review: &Value, names: &[&str], more: Value) -> Value {
    let mut all = fields(review, names);
    all.insert("review_id".to_owned(), review["id"].clone());
    all.extend(more.as_object().cloned().unwrap_or_default());
    Value::Object(all)
}

/// A review was asked for.
pub(super) fn asked(review: &Value) -> Value {
    let message = "People are asked. Nothing is approved yet: ask get_review_decision.";
    with(review, &["status", "task_type", "urgency", "closes_at"], json!({ "message": message }))
}

/// How a review stands.
pub(super) fn status(review: &Value) -> Value {
    let names = [
        "status",
        "task_type",
        "proposed_action",
        "agent_reasoning",
        "confidence_score",
        "urgency",
        "framework",
        "metadata",
        "created_at",
        "updated_at",
        "closes_at",
    ];
    let decided = review["decision"].is_object();
    let message = if decided {
        format!("The review is {}.", review["status"].as_str().unwrap_or("decided"))
    } else {
        "Nobody has decided yet, which is no approval.".to_owned()
    };
    with(review, &names, json!({ "decision_available": decided, "message": message }))
}

/// What was decided. Whatever is not understood is no approval.
pub(super) fn decision(review: &Value) -> Value {
    let decision = &review["decision"];
    if !decision.is_object() {
        let message = "Nobody has decided yet, which is no approval.";
        return with(review, &["closes_at"], json!({ "status": "pending", "message": message }));
    }
    let word = decision["decision_type"].as_str().unwrap_or_default();
    let notes = decision["notes"].as_str().map(|notes| format!(" {notes}")).unwrap_or_default();
    let (result, action, message) = match word {
        "approve" => ("approved", &review["proposed_action"], format!("It is approved.{notes}")),
        "modify" => ("modified", &decision["modified_action"], format!("Do what action says instead.{notes}")),
        _ if decision["decided_by"] == "timeout" => {
            ("rejected", &Value::Null, "Nobody decided in time: do not do it.".to_owned())
        }
        _ => ("rejected", &Value::Null, format!("It is rejected: do not do it.{notes}")),
    };
    let mut more = fields(decision, &["timestamp", "notes", "reviewer_name", "decided_by"]);
    more.extend(
        [("status", json!("completed")), ("decision", json!(word)), ("result", json!(result)), ("message", json!(message))]
            .map(|(name, value)| (name.to_owned(), value)),
    );
    if !action.is_null() {
        more.insert("action".to_owned(), action.clone());
    }
    with(review, &[], Value::Object(more))
}

/// Feedback was taken.
pub(super) fn feedback(said: &Value) -> Value {
    json!({ "success": true, "review_id": said["review_id"], "feedback_id": said["id"], "message": "It is kept with the review." })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review(status: &str, decision: Value) -> Value {
        json!({ "id": 7, "status": status, "proposed_action": "Drop it", "task_type": "data_deletion", "decision": decision })
    }

    /// Rows of what came, and what an agent is told: only the first is an approval.
    #[test]
    fn only_an_approval_is_one() {
        let decided =
            |word: &str| json!({ "decision_type": word, "modified_action": "Only half. {\"n\": 1}", "decided_by": "member" });
        let rows = [
            (review("approved", decided("approve")), "completed", "approve", json!("Drop it")),
            (review("modified", decided("modify")), "completed", "modify", json!("Only half. {\"n\": 1}")),
            (review("rejected", decided("reject")), "completed", "reject", Value::Null),
            (
                review("rejected", json!({ "decision_type": "reject", "decided_by": "timeout" })),
                "completed",
                "reject",
                Value::Null,
            ),
            (review("approved", json!({})), "completed", "", Value::Null),
            (review("pending", Value::Null), "pending", "", Value::Null),
            (review("approved", Value::Null), "pending", "", Value::Null),
            (json!({}), "pending", "", Value::Null),
        ];
        for (came, status, word, action) in rows {
            let told = decision(&came);
            assert_eq!(told["status"], status, "{came}");
            assert_eq!(told["decision"].as_str().unwrap_or_default(), word, "{came}");
            assert_eq!(told["action"], action, "{came}");
            let approved = told["decision"] == "approve" || told["result"] == "approved";
            assert_eq!(approved, word == "approve", "{came}");
        }
    }

    #[test]
    fn a_status_says_whether_there_is_a_decision() {
        assert_eq!(status(&review("pending", Value::Null))["decision_available"], false);
        let told = status(&review("rejected", json!({ "decision_type": "reject" })));
        assert_eq!((&told["decision_available"], &told["review_id"]), (&json!(true), &json!(7)));
        assert!(
            asked(&review("pending", Value::Null))["message"].as_str().is_some_and(|text| text.contains("Nothing is approved"))
        );
    }
}

//! The tools, as clients of Humancheck's server know them.

use rmcp::model::{JsonObject, Tool as Described, ToolAnnotations};
use serde_json::{Value, json};

/// A tool that an agent may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    RequestReview,
    CheckReviewStatus,
    GetReviewDecision,
    SubmitFeedback,
}

impl Tool {
    pub(super) const ALL: [Self; 4] =
        [Self::RequestReview, Self::CheckReviewStatus, Self::GetReviewDecision, Self::SubmitFeedback];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::RequestReview => "request_review",
            Self::CheckReviewStatus => "check_review_status",
            Self::GetReviewDecision => "get_review_decision",
            Self::SubmitFeedback => "submit_feedback",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tool| tool.name() == name)
    }

    fn description(self) -> &'static str {
        match self {
            Self::RequestReview => {
                "Ask people to review what you are about to do, before you do it. Nothing is approved until somebody decides: with \
                 blocking, the answer has the decision, or says that the review is still pending; without, ask get_review_decision. \
                 Only decision: approve is an approval; with modify, do what action says instead."
            }
            Self::CheckReviewStatus => "How a review stands: pending, approved, rejected or modified, and what was asked",
            Self::GetReviewDecision => {
                "What was decided of a review. Only decision: approve is an approval; status: pending means that nobody has decided, \
                 and that you must not do it yet."
            }
            Self::SubmitFeedback => "Say how good a review was: a rating from 1 to 5, a comment, or both",
        }
    }

    fn input(self) -> Value {
        let (review, required) =
            (json!({ "type": "integer", "minimum": 1, "description": "The review's number" }), json!(["review_id"]));
        let (properties, required) = match self {
            Self::RequestReview => (
                json!({
                    "task_type": { "type": "string", "minLength": 1, "maxLength": 255, "description": "What kind of thing it is, such as data_deletion" },
                    "proposed_action": { "type": "string", "minLength": 1, "description": "What you would do" },
                    "reasoning": { "type": "string", "description": "Why you would do it" },
                    "confidence": { "type": "number", "minimum": 0, "maximum": 1, "description": "How sure you are, from 0 to 1" },
                    "urgency": {
                        "type": "string", "enum": ["low", "medium", "high", "critical"], "default": "medium",
                        "description": "How soon somebody should look",
                    },
                    "blocking": { "type": "boolean", "default": false, "description": "Whether to wait until somebody decides" },
                    "metadata": { "type": "object", "description": "Anything else that whoever decides should see" },
                    "organization_id": { "type": "integer", "description": "The organization, as you call it" },
                    "agent_id": { "type": "integer", "description": "Yourself, as you call it" },
                }),
                json!(["task_type", "proposed_action"]),
            ),
            Self::CheckReviewStatus | Self::GetReviewDecision => (json!({ "review_id": review }), required),
            Self::SubmitFeedback => (
                json!({
                    "review_id": review,
                    "rating": { "type": "integer", "minimum": 1, "maximum": 5, "description": "From 1 to 5" },
                    "comment": { "type": "string", "description": "In words" },
                }),
                required,
            ),
        };
        json!({ "type": "object", "properties": properties, "required": required })
    }

    /// Hints for clients, which ask people before some calls: none of these destroys anything.
    fn hints(self) -> ToolAnnotations {
        let reads = matches!(self, Self::CheckReviewStatus | Self::GetReviewDecision);
        ToolAnnotations::from_raw(None, Some(reads), Some(false), Some(reads), Some(true))
    }

    pub(super) fn described(self) -> Described {
        let input: JsonObject = self.input().as_object().cloned().unwrap_or_default();
        Described::new(self.name(), self.description(), input).with_annotations(self.hints())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_found_by_its_name_and_says_what_it_needs() {
        for tool in Tool::ALL {
            assert_eq!(Tool::named(tool.name()), Some(tool));
            let input = tool.input();
            assert!(jsonschema::meta::is_valid(&input), "{input}");
            for name in input["required"].as_array().expect("a list") {
                assert!(input["properties"][name.as_str().expect("a name")].is_object(), "{name}");
            }
        }
        assert_eq!(Tool::named("approve"), None);
    }
}

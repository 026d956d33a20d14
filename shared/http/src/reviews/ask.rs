//! Asking for a review.

use super::read::ReviewAnswer;
use crate::{
    call::{Post, Scoped},
    checks::Checks,
    idempotency::{Answer, once},
    json::Object,
    problem::Problem,
    requests::allowed,
    rooms::ReviewRooms,
    shapes,
};
use axum::{extract::State, http::StatusCode};
use oubli_domain::{access::Action, review::Urgency};
use oubli_engine::{
    ProblemCode,
    reviews::{Asked, NewReview},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{fmt, time::Duration};
use utoipa::ToSchema;

/// Clients give up after five seconds of silence.
const PATIENCE: Duration = Duration::from_secs(4);

const MOST_OF_A_TEXT: usize = 20_000;

/// What a review takes up, sealed, has to fit into one item of the table, of 400 KB.
const MOST_BYTES: usize = 192 * 1024;

/// What somebody is to decide. Further fields are passed over.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = NewReview, example = json!({
    "task_type": "data_deletion",
    "proposed_action": "Erase everything of user 7",
    "agent_reasoning": "An Article 17 request; 42 records in 4 categories",
    "confidence_score": 0.9,
    "urgency": "medium",
    "framework": "custom",
    "metadata": {"user_id": "7", "data_points": 42},
    "blocking": false
}))]
pub(crate) struct ReviewBody {
    /// The organization, as whoever asks calls it: a number of theirs, or the credential's own id; any other id answers 404.
    #[schema(value_type = Option<shapes::OwnName>)]
    organization_id: Option<Value>,
    /// What kind of thing is asked.
    #[schema(value_type = shapes::TaskType)]
    task_type: Option<String>,
    /// What would be done.
    #[schema(value_type = shapes::LongText)]
    proposed_action: Option<String>,
    /// Why.
    #[schema(value_type = Option<shapes::LongText>)]
    agent_reasoning: Option<String>,
    /// How sure whoever asks is, from 0 to 1.
    #[schema(value_type = Option<shapes::Confidence>)]
    confidence_score: Option<f64>,
    /// How soon somebody should look; `medium` unless given.
    #[schema(value_type = Option<shapes::Urgency>)]
    urgency: Option<String>,
    /// What whoever asks is made with.
    #[schema(value_type = Option<shapes::Framework>)]
    framework: Option<String>,
    /// Who asks, as they call themselves.
    #[schema(value_type = Option<shapes::OwnName>)]
    agent_id: Option<Value>,
    /// Anything else. `allowed_decisions` in it says which decisions can be carried out; a rejection always can.
    #[schema(value_type = Option<shapes::Metadata>)]
    metadata: Option<Object<Map<String, Value>>>,
    /// Whether to wait for a decision, up to four seconds; then the answer is that there is none yet.
    blocking: Option<bool>,
    /// Rules have it, and are made elsewhere.
    #[schema(ignore)]
    conditions: Option<Value>,
}

/// It holds what people wrote, of people.
impl fmt::Debug for ReviewBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[review]")
    }
}

impl Scoped for ReviewBody {
    fn organization_id(&self) -> Option<&str> {
        super::named(self.organization_id.as_ref())
    }

    fn most_bytes() -> usize {
        MOST_BYTES
    }

    fn unfit() -> StatusCode {
        StatusCode::UNPROCESSABLE_ENTITY
    }
}

impl ReviewBody {
    /// What is asked, and whether to wait for an answer.
    pub(super) fn check(self) -> Result<(NewReview, bool), Problem> {
        let mut checks = Checks::default();
        if self.conditions.is_some() {
            let accepted = "POST /routing-rules, which is where rules that say who is asked are made";
            checks.refuse(ProblemCode::RuleNotReview, "conditions", "a rule has conditions, a review has none", accepted);
        }
        let task_type = checks.required_text("task_type", self.task_type, 255);
        let proposed_action = checks.required_text("proposed_action", self.proposed_action, MOST_OF_A_TEXT);
        let agent_reasoning = checks.text("agent_reasoning", self.agent_reasoning, MOST_OF_A_TEXT);
        let framework = checks.text("framework", self.framework, 100);
        if self.confidence_score.is_some_and(|score| !(0.0..=1.0).contains(&score)) {
            checks.refuse(ProblemCode::InvalidValue, "confidence_score", "it is out of bounds", "a number from 0 to 1");
        }
        let urgency = self.urgency.as_deref().unwrap_or("medium");
        let words: Vec<&str> = Urgency::ALL.iter().map(|urgency| urgency.name()).collect();
        let urgency = checks.word(ProblemCode::InvalidValue, "urgency", urgency, |word| word.parse().ok(), &words);
        super::check_own_name(&mut checks, "organization_id", self.organization_id.as_ref());
        super::check_own_name(&mut checks, "agent_id", self.agent_id.as_ref());
        let asked = task_type.zip(proposed_action).map(|(task_type, proposed_action)| Asked {
            task_type,
            proposed_action,
            agent_reasoning,
            confidence_score: self.confidence_score,
            framework,
            agent_id: self.agent_id,
            organization_id: self.organization_id,
            metadata: self.metadata.map(|Object(metadata)| metadata),
        });
        let new = asked.zip(urgency).map(|(asked, urgency)| (NewReview { asked, urgency }, self.blocking.unwrap_or_default()));
        checks.finish_with(new).map_err(|problem| problem.unfit(Self::unfit()))
    }
}

/// Ask for a review
///
/// Whoever the organization's rules name is asked. Every review that fits its description is answered 201, also one that nobody
/// decided on: `decision` is null until somebody does, and nothing but a decision of `approve` is an approval.
#[utoipa::path(
    post,
    path = "/reviews",
    tag = "reviews",
    operation_id = "request_review",
    request_body = ReviewBody,
    responses((status = 201, description = "The review, decided where somebody did while the call waited.", body = ReviewAnswer)),
)]
pub(crate) async fn request_review(State(engine): State<ReviewRooms>, post: Post<ReviewBody>) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |call| {
        let (new, waits) = allowed(&caller, Action::AskReview, body.check())?;
        let mut review = engine.reviews().ask(&caller, call, new).await?;
        if waits {
            // It is asked: what cannot be learned of it now can be later.
            match engine.reviews().decided_within(&caller, review.id, PATIENCE).await {
                Ok(decided) => review = decided,
                Err(error) => tracing::warn!(%error, "a caller waited for a decision in vain"),
            }
        }
        Answer::new(StatusCode::CREATED, &ReviewAnswer::from(review))
    })
    .await
}

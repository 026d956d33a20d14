//! Deciding on reviews.

use super::read::ReviewDecisionAnswer;
use crate::{
    call::{Id, Post, Scoped},
    checks::{Checks, MAX_LABEL},
    idempotency::{Answer, once},
    json,
    problem::Problem,
    requests::visible_where,
    rooms::ReviewRooms,
    shapes,
};
use axum::{extract::State, http::StatusCode};
use oubli_domain::{
    access::Action,
    review::{DecisionType, ReviewId},
};
use oubli_engine::{
    EngineError, ProblemCode,
    reviews::{NewReviewDecision, Said},
};
use serde::Deserialize;
use serde_json::Value;
use std::fmt;
use utoipa::ToSchema;

const MOST_OF_A_TEXT: usize = 20_000;

/// A decision.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReviewDecision, example = json!({"decision_type": "reject", "notes": "The identity is unclear."}))]
pub(crate) struct ReviewDecisionBody {
    /// The organization, as whoever decides calls it: a number of theirs, or the credential's own id; any other id answers 404.
    #[schema(value_type = Option<shapes::OwnName>)]
    organization_id: Option<Value>,
    /// What is decided.
    #[schema(value_type = shapes::DecisionType)]
    decision_type: Option<String>,
    /// What is to be done instead: a sentence, then one JSON object. Needed for `modify`.
    #[schema(value_type = Option<shapes::LongText>)]
    modified_action: Option<String>,
    /// Why, and anything else. Kept sealed, and out of the audit log.
    #[schema(value_type = Option<shapes::LongText>)]
    notes: Option<String>,
    /// A number that whoever decides gives for themselves; the credential says who they are.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(value_type = Option<shapes::Number>)]
    reviewer_id: Option<u64>,
    /// A name that whoever decides gives for themselves; the credential says who they are.
    #[schema(value_type = Option<shapes::Label>)]
    reviewer_name: Option<String>,
}

/// It holds what people wrote, of people.
impl fmt::Debug for ReviewDecisionBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[decision]")
    }
}

impl Scoped for ReviewDecisionBody {
    fn organization_id(&self) -> Option<&str> {
        super::named(self.organization_id.as_ref())
    }

    fn unfit() -> StatusCode {
        StatusCode::UNPROCESSABLE_ENTITY
    }
}

impl ReviewDecisionBody {
    fn check(self) -> Result<NewReviewDecision, Problem> {
        let mut checks = Checks::default();
        let words: Vec<&str> = DecisionType::ALL.iter().map(|decision| decision.name()).collect();
        if self.decision_type.is_none() {
            checks.missing("decision_type", words.join(", "));
        }
        let decision_type = self.decision_type.as_deref();
        let decision_type = decision_type
            .and_then(|word| checks.word(ProblemCode::InvalidValue, "decision_type", word, |word| word.parse().ok(), &words));
        super::check_own_name(&mut checks, "organization_id", self.organization_id.as_ref());
        if self.reviewer_id.is_some_and(|number| number == 0 || number > shapes::MOST) {
            checks.refuse(ProblemCode::InvalidValue, "reviewer_id", "it is out of bounds", "a whole number from 1");
        }
        let said = Said {
            modified_action: checks.text("modified_action", self.modified_action, MOST_OF_A_TEXT),
            notes: checks.text("notes", self.notes, MOST_OF_A_TEXT),
            reviewer_id: self.reviewer_id,
            reviewer_name: checks.text("reviewer_name", self.reviewer_name, MAX_LABEL),
        };
        let decision = decision_type.map(|decision_type| NewReviewDecision { decision_type, said });
        checks.finish_with(decision).map_err(|problem| problem.unfit(Self::unfit()))
    }
}

/// Decide on a review
///
/// Once, and not by who asked. To `modify` says what is to be done instead.
#[utoipa::path(
    post,
    path = "/reviews/{id}/decide",
    tag = "reviews",
    operation_id = "decide_review",
    params(("id" = shapes::Number, Path, description = "The review's number.")),
    request_body = ReviewDecisionBody,
    responses((status = 200, description = "The decision.", body = ReviewDecisionAnswer)),
)]
pub(crate) async fn decide_review(
    State(engine): State<ReviewRooms>,
    Id(id): Id<ReviewId>,
    post: Post<ReviewDecisionBody>,
) -> Result<Answer, Problem> {
    decide(&engine, id, post).await
}

/// Decide on a review, at the place of its decision
///
/// The same as `POST /reviews/{id}/decide`.
#[utoipa::path(
    post,
    path = "/reviews/{id}/decision",
    tag = "reviews",
    operation_id = "post_review_decision",
    params(("id" = shapes::Number, Path, description = "The review's number.")),
    request_body = ReviewDecisionBody,
    responses((status = 200, description = "The decision.", body = ReviewDecisionAnswer)),
)]
pub(crate) async fn post_review_decision(
    State(engine): State<ReviewRooms>,
    Id(id): Id<ReviewId>,
    post: Post<ReviewDecisionBody>,
) -> Result<Answer, Problem> {
    decide(&engine, id, post).await
}

async fn decide(engine: &ReviewRooms, id: ReviewId, post: Post<ReviewDecisionBody>) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(engine, &caller, key.as_ref(), async |_| {
        let there = async { engine.reviews().review(&caller, id).await.map(drop) };
        let new = visible_where(&caller, Action::Decide, there, body.check()).await?;
        let decided = engine.reviews().decide_asked(&caller, id, new).await;
        let decided = decided.map_err(|error| Problem::from(error).unfit(ReviewDecisionBody::unfit()))?;
        let decision = decided.decision.ok_or_else(|| EngineError::internal("a decision is not there"))?;
        Answer::new(StatusCode::OK, &ReviewDecisionAnswer::from(decision))
    })
    .await
}

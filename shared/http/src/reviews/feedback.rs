//! What people say of reviews afterwards.

use crate::{
    call::{Call, Id, NoQuery, Post, Scoped},
    checks::{Checks, MAX_TEXT},
    idempotency::{Answer, once},
    json,
    problem::Problem,
    requests::visible_where,
    rooms::ReviewRooms,
    shapes,
};
use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use oubli_domain::{access::Action, review::ReviewId};
use oubli_engine::{
    ProblemCode,
    reviews::{Feedback, NewFeedback},
};
use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

/// What somebody has to say: a rating, words, or both.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewReviewFeedback, example = json!({"rating": 4, "comment": "Decided within the hour."}))]
pub(crate) struct FeedbackBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// From 1 to 5.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(minimum = 1, maximum = 5)]
    rating: Option<u8>,
    /// In words. Kept sealed, and out of the audit log.
    #[schema(value_type = Option<shapes::Words>)]
    comment: Option<String>,
}

/// It holds what people wrote.
impl fmt::Debug for FeedbackBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[feedback]")
    }
}

impl Scoped for FeedbackBody {
    fn organization_id(&self) -> Option<&str> {
        self.organization_id.as_deref()
    }

    fn unfit() -> StatusCode {
        StatusCode::UNPROCESSABLE_ENTITY
    }
}

impl FeedbackBody {
    fn check(self) -> Result<NewFeedback, Problem> {
        let mut checks = Checks::default();
        if self.rating.is_none() && self.comment.is_none() {
            checks.refuse(ProblemCode::InvalidValue, "rating", "nothing is said", "rating, comment, or both");
        }
        if self.rating.is_some_and(|rating| !(1..=5).contains(&rating)) {
            checks.refuse(ProblemCode::InvalidValue, "rating", "it is out of bounds", "a whole number from 1 to 5");
        }
        let comment = checks.text("comment", self.comment, MAX_TEXT);
        let new = NewFeedback { rating: self.rating, comment };
        checks.finish_with(Some(new)).map_err(|problem| problem.unfit(Self::unfit()))
    }
}

/// What somebody said of a review.
#[derive(Serialize, ToSchema)]
#[schema(as = ReviewFeedback)]
pub(crate) struct FeedbackAnswer {
    /// Its number among those of the review.
    #[schema(value_type = shapes::Number)]
    id: u32,
    /// The review.
    #[schema(value_type = shapes::Number)]
    review_id: u64,
    /// From 1 to 5.
    #[schema(minimum = 1, maximum = 5)]
    rating: Option<u8>,
    /// In words; null for who may not see them, and once they are forgotten.
    comment: Option<String>,
    /// Opaque id of who said it.
    given_by: String,
    /// When.
    timestamp: Timestamp,
}

impl FeedbackAnswer {
    fn of(review: ReviewId, feedback: Feedback) -> Self {
        Self {
            id: feedback.number,
            review_id: review.number(),
            rating: feedback.rating,
            comment: feedback.comment,
            given_by: feedback.given_by.into(),
            timestamp: feedback.given_at,
        }
    }
}

/// What was said of a review, the first first.
#[derive(Serialize, ToSchema)]
#[schema(as = ReviewFeedbackList)]
pub(crate) struct FeedbackListAnswer {
    /// All of it.
    feedback: Vec<FeedbackAnswer>,
}

/// Say something of a review
///
/// Of how it was asked, or decided.
#[utoipa::path(
    post,
    path = "/reviews/{id}/feedback",
    tag = "reviews",
    operation_id = "give_review_feedback",
    params(("id" = shapes::Number, Path, description = "The review's number.")),
    request_body = FeedbackBody,
    responses((status = 201, description = "What was said.", body = FeedbackAnswer)),
)]
pub(crate) async fn give_review_feedback(
    State(engine): State<ReviewRooms>,
    Id(id): Id<ReviewId>,
    post: Post<FeedbackBody>,
) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        let there = async { engine.reviews().review(&caller, id).await.map(drop) };
        let new = visible_where(&caller, Action::GiveFeedback, there, body.check()).await?;
        let given = engine.reviews().give_feedback(&caller, id, new).await?;
        Answer::new(StatusCode::CREATED, &FeedbackAnswer::of(id, given))
    })
    .await
}

/// List what was said of a review
///
/// The first first.
#[utoipa::path(
    get,
    path = "/reviews/{id}/feedback",
    tag = "reviews",
    operation_id = "list_review_feedback",
    params(("id" = shapes::Number, Path, description = "The review's number."), NoQuery),
    responses((status = 200, description = "All of it.", body = FeedbackListAnswer)),
)]
pub(crate) async fn list_review_feedback(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
    Id(id): Id<ReviewId>,
) -> Result<Json<FeedbackListAnswer>, Problem> {
    let all = engine.reviews().feedback(&caller, id).await?;
    Ok(Json(FeedbackListAnswer { feedback: all.into_iter().map(|given| FeedbackAnswer::of(id, given)).collect() }))
}

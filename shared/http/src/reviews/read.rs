//! Showing reviews and their decisions.

use crate::{
    call::{Call, Id, NoQuery, Scoped},
    checks::Checks,
    problem::Problem,
    requests::allowed,
    rooms::ReviewRooms,
    shapes,
};
use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use oubli_domain::{
    access::Action,
    review::{MemberNumber, ReviewId, ReviewStatus, TeamId},
};
use oubli_engine::{
    ProblemCode,
    reviews::{AskedReview, DecidedBy, ReviewDecision, ReviewFilter, ReviewPage},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

/// A review.
#[derive(Serialize, ToSchema)]
#[schema(as = Review)]
pub(crate) struct ReviewAnswer {
    /// Its number.
    #[schema(value_type = shapes::Number)]
    id: u64,
    /// What kind of thing is asked.
    task_type: String,
    /// What would be done; empty for who may not see it, and once it is forgotten.
    proposed_action: String,
    /// Why, as whoever asks says.
    agent_reasoning: Option<String>,
    /// How sure whoever asks is, from 0 to 1.
    confidence_score: Option<f64>,
    /// How soon somebody should look.
    #[schema(value_type = shapes::Urgency)]
    urgency: &'static str,
    /// What whoever asks is made with.
    framework: Option<String>,
    /// Who asks, as they call themselves.
    #[schema(value_type = Option<shapes::OwnName>)]
    agent_id: Option<Value>,
    /// The organization, as whoever asks calls it.
    #[schema(value_type = Option<shapes::OwnName>)]
    organization_id: Option<Value>,
    /// How it stands.
    #[schema(value_type = shapes::ReviewStatus)]
    status: &'static str,
    /// Anything else, as it came; empty where nothing did.
    #[schema(value_type = shapes::Metadata)]
    metadata: Map<String, Value>,
    /// Whether there was more of it than is kept: then it can only be rejected.
    cut: bool,
    /// Opaque id of whoever asked.
    requested_by: String,
    /// When.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
    /// When it closes, rejected, unless somebody decides; null once it is decided.
    closes_at: Option<Timestamp>,
    /// The rule that says who is asked; null where none does.
    #[schema(value_type = Option<shapes::Number>)]
    routing_rule_id: Option<u64>,
    /// The team that is asked.
    #[schema(value_type = Option<shapes::Number>)]
    assigned_to_team_id: Option<u64>,
    /// The member who is asked.
    #[schema(value_type = Option<shapes::Number>)]
    assigned_to_user_id: Option<u64>,
    /// What was decided; null until somebody does.
    decision: Option<ReviewDecisionAnswer>,
}

/// A decision on a review.
#[derive(Serialize, ToSchema)]
#[schema(as = ReviewDecision)]
pub(crate) struct ReviewDecisionAnswer {
    /// Its number: that of the review.
    #[schema(value_type = shapes::Number)]
    id: u64,
    /// The review.
    #[schema(value_type = shapes::Number)]
    review_id: u64,
    /// The number that whoever decided gave for themselves.
    #[schema(value_type = Option<shapes::Number>)]
    reviewer_id: Option<u64>,
    /// The name that whoever decided gave for themselves.
    reviewer_name: Option<String>,
    /// Opaque id of the member who decided, or `timeout` where nobody did in time.
    decided_by: String,
    /// What was decided.
    #[schema(value_type = shapes::DecisionType)]
    decision_type: &'static str,
    /// What is to be done instead.
    modified_action: Option<String>,
    /// Why, and anything else.
    notes: Option<String>,
    /// When.
    timestamp: Timestamp,
    /// The same.
    created_at: Timestamp,
}

impl From<AskedReview> for ReviewAnswer {
    fn from(review: AskedReview) -> Self {
        let AskedReview { id, status, urgency, asked_by, created_at, updated_at, closes_at, rule, team, assignee, .. } = review;
        let asked = review.asked;
        let cut = asked.as_ref().is_some_and(|asked| asked.cut);
        let (mut task_type, mut proposed_action) = (String::new(), String::new());
        let (mut agent_reasoning, mut confidence_score, mut framework) = (None, None, None);
        let (mut agent_id, mut organization_id, mut metadata) = (None, None, None);
        if let Some(asked) = asked {
            (task_type, proposed_action) = (asked.task_type, asked.proposed_action);
            (agent_reasoning, confidence_score, framework) = (asked.agent_reasoning, asked.confidence_score, asked.framework);
            (agent_id, organization_id, metadata) = (asked.agent_id, asked.organization_id, asked.metadata);
        }
        Self {
            id: id.number(),
            task_type,
            proposed_action,
            agent_reasoning,
            confidence_score,
            urgency: urgency.name(),
            framework,
            agent_id,
            organization_id,
            status: status.name(),
            // Clients look into it without asking whether it is there, and take their own error for an approval.
            metadata: metadata.unwrap_or_default(),
            cut,
            requested_by: asked_by.into(),
            created_at,
            updated_at,
            closes_at,
            routing_rule_id: rule.map(|rule| rule.number()),
            assigned_to_team_id: team.map(TeamId::number),
            assigned_to_user_id: assignee.map(MemberNumber::number),
            decision: review.decision.map(Into::into),
        }
    }
}

impl From<ReviewDecision> for ReviewDecisionAnswer {
    fn from(decision: ReviewDecision) -> Self {
        let said = decision.said.unwrap_or_default();
        let (decided_by, notes) = match decision.decided_by {
            DecidedBy::Member(member) => (member.into(), said.notes),
            DecidedBy::Timeout => ("timeout".to_owned(), Some("Nobody decided in time.".to_owned())),
        };
        Self {
            id: decision.review.number(),
            review_id: decision.review.number(),
            reviewer_id: said.reviewer_id,
            reviewer_name: said.reviewer_name,
            decided_by,
            decision_type: decision.decision_type.name(),
            modified_action: said.modified_action,
            notes,
            timestamp: decision.decided_at,
            created_at: decision.decided_at,
        }
    }
}

/// Which reviews to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ReviewsQuery {
    /// The organization, as whoever asks calls it: a number of theirs, or the credential's own id; any other id answers 404.
    #[param(value_type = Option<shapes::OwnName>)]
    organization_id: Option<String>,
    /// Only those that stand so.
    #[param(value_type = Option<shapes::ReviewStatus>)]
    status: Option<String>,
    /// Only those asked for by what is made with this.
    #[param(value_type = Option<shapes::Framework>)]
    framework: Option<String>,
    /// Only those of this kind.
    #[param(value_type = Option<shapes::TaskType>)]
    task_type: Option<String>,
    /// Only those that this team is asked.
    #[param(value_type = Option<shapes::Number>)]
    team_id: Option<String>,
    /// Which page, from 1, the newest first; the first unless given.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 10_000)]
    page: Option<String>,
    /// How many a page holds, 1 to 100; 20 unless given.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    page_size: Option<String>,
}

/// A number is one of the caller's own, and says nothing here.
fn own_id(organization: Option<&str>) -> Option<&str> {
    organization.filter(|id| id.parse::<i64>().is_err())
}

impl Scoped for ReviewsQuery {
    fn organization_id(&self) -> Option<&str> {
        own_id(self.organization_id.as_deref())
    }

    fn unfit() -> StatusCode {
        StatusCode::UNPROCESSABLE_ENTITY
    }
}

/// A page of reviews.
#[derive(Serialize, ToSchema)]
#[schema(as = ReviewPage)]
pub(crate) struct ReviewPageAnswer {
    /// The newest first.
    reviews: Vec<ReviewAnswer>,
    /// How many there are, of the newest 5,000.
    #[schema(minimum = 0, maximum = 5_000)]
    total: u64,
    /// Which page this is.
    #[schema(minimum = 1, maximum = 10_000)]
    page: u32,
    /// How many a page holds.
    #[schema(minimum = 1, maximum = 100)]
    page_size: u32,
    /// There are older reviews than were looked at.
    more: bool,
}

fn number_within(checks: &mut Checks, field: &str, text: Option<&str>, most: u32, otherwise: u32) -> u32 {
    let Some(text) = text else { return otherwise };
    match text.parse() {
        Ok(number) if (1..=most).contains(&number) => number,
        _ => {
            let accepted = format!("a whole number from 1 to {most}");
            checks.refuse(ProblemCode::InvalidValue, field, "it is out of bounds", accepted);
            otherwise
        }
    }
}

/// List reviews
///
/// The newest first. A machine sees those that it asked for itself.
#[utoipa::path(
    get,
    path = "/reviews",
    tag = "reviews",
    operation_id = "list_reviews",
    params(ReviewsQuery),
    responses((status = 200, description = "A page.", body = ReviewPageAnswer)),
)]
pub(crate) async fn list_reviews(
    State(engine): State<ReviewRooms>,
    Call { caller, query }: Call<ReviewsQuery>,
) -> Result<Json<ReviewPageAnswer>, Problem> {
    let mut checks = Checks::default();
    let words: Vec<&str> = ReviewStatus::ALL.iter().map(|status| status.name()).collect();
    let status = query.status.as_deref();
    let status =
        status.and_then(|word| checks.word(ProblemCode::UnknownStatus, "status", word, |word| word.parse().ok(), &words));
    let team = query.team_id.as_deref().and_then(|text| {
        let team = text.parse::<TeamId>().ok();
        if team.is_none() {
            checks.refuse(ProblemCode::InvalidValue, "team_id", "it is no number of a team", "a whole number from 1");
        }
        team
    });
    let page = number_within(&mut checks, "page", query.page.as_deref(), 10_000, 1);
    let page_size = number_within(&mut checks, "page_size", query.page_size.as_deref(), 100, 20);
    let framework = checks.text("framework", query.framework, 100);
    let task_type = checks.text("task_type", query.task_type, 255);
    let checked = checks.finish().map_err(|problem| problem.unfit(ReviewsQuery::unfit()));
    allowed(&caller, Action::Read, checked)?;
    let filter = ReviewFilter { status, framework, task_type, team };
    let ReviewPage { reviews, total, more } = engine.reviews().list_asked(&caller, &filter, page, page_size).await?;
    let reviews = reviews.into_iter().map(Into::into).collect();
    Ok(Json(ReviewPageAnswer { reviews, total, page, page_size, more }))
}

/// Show a review
///
/// Whoever waits for a decision may look as often as they like.
#[utoipa::path(
    get,
    path = "/reviews/{id}",
    tag = "reviews",
    operation_id = "get_review",
    params(("id" = shapes::Number, Path, description = "Its number."), NoQuery),
    responses((status = 200, description = "The review.", body = ReviewAnswer)),
)]
pub(crate) async fn get_review(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
    Id(id): Id<ReviewId>,
) -> Result<Json<ReviewAnswer>, Problem> {
    Ok(Json(engine.reviews().review(&caller, id).await?.into()))
}

/// Show the decision on a review
///
/// `null` until somebody decides: that is no approval.
#[utoipa::path(
    get,
    path = "/reviews/{id}/decision",
    tag = "reviews",
    operation_id = "get_review_decision",
    params(("id" = shapes::Number, Path, description = "The review's number."), NoQuery),
    responses((status = 200, description = "The decision, or null.", body = Option<ReviewDecisionAnswer>)),
)]
pub(crate) async fn get_review_decision(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
    Id(id): Id<ReviewId>,
) -> Result<Json<Option<ReviewDecisionAnswer>>, Problem> {
    Ok(Json(engine.reviews().review(&caller, id).await?.decision.map(Into::into)))
}

//! What could not be put back: looked at, and given up.

use super::{Erasure, answers::RequestAnswer, visible};
use crate::{
    call::{Call, Post, scoped},
    checks::Checks,
    idempotency::{Answer, once},
    page::{self, limit},
    problem::Problem,
    requests::kind::IdOf,
    rooms::{DiscoveryRooms, IntakeRooms},
    shapes,
};
use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use oubli_domain::access::Action;
use oubli_engine::{
    ProblemCode,
    api::{ConflictView, RecordName, RestoreOrder},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which page of conflicts.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConflictsQuery {
    /// Accepted where it is the credential's own; any other answers 404.
    #[param(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<shapes::Cursor>)]
    cursor: Option<String>,
    /// About how many, 1 to 100; 20 unless given. A page ends with a batch.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Option<String>,
}

/// Copies to give up.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GivingUp, example = json!({ "records": ["rec_000_000000_000007"] }))]
pub(crate) struct GivingUpBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// By their names in the list of conflicts.
    #[schema(value_type = Vec<shapes::RecordName>, min_items = 1, max_items = 100)]
    records: Option<Vec<String>>,
}

scoped!(ConflictsQuery, GivingUpBody);

/// A record that could not be put back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Conflict)]
pub(crate) struct ConflictAnswer {
    /// What a restore, or giving it up, calls it by.
    name: String,
    /// The producer whose record it is.
    producer: String,
    /// Its category.
    category: String,
    /// Its address in its store.
    #[schema(value_type = Object)]
    record: serde_json::Value,
    /// Why it was not put back.
    reason: Option<String>,
    /// When it was hidden: its copy is of that time.
    hidden_at: Option<Timestamp>,
    /// When something else was last found in its place.
    conflict_at: Option<Timestamp>,
    /// When what stands in its place was written, where its store says so.
    standing_since: Option<Timestamp>,
}

/// A page of records that could not be put back.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ConflictPage)]
pub(crate) struct ConflictsAnswer {
    /// The records of the page.
    conflicts: Vec<ConflictAnswer>,
    /// For the next page; none after the last. A page may be short, or empty, and still have a next one.
    next_cursor: Option<String>,
}

impl From<ConflictView> for ConflictAnswer {
    fn from(view: ConflictView) -> Self {
        Self {
            name: view.name.to_string(),
            producer: view.producer.to_string(),
            category: view.category.to_string(),
            record: view.record,
            reason: view.reason,
            hidden_at: view.hidden_at,
            conflict_at: view.conflict_at,
            standing_since: view.standing_since,
        }
    }
}

/// Names of records, checked.
pub(super) fn names(checks: &mut Checks, given: Option<Vec<String>>) -> Vec<RecordName> {
    let given = given.unwrap_or_default();
    if given.len() > RestoreOrder::MOST_RECORDS {
        checks.refuse(ProblemCode::TooMany, "records", "too many records are named", "up to 100 records");
        return vec![];
    }
    let read = |text: String| match text.parse() {
        Ok(name) => Some(name),
        Err(_) => {
            checks.refuse(ProblemCode::InvalidRecord, "records", "a name is not one of a record", "names of GET …/conflicts");
            None
        }
    };
    given.into_iter().filter_map(read).collect()
}

/// List what could not be put back
///
/// Something newer stands in its place, somebody removed it, or its store refused it. The copies are kept until the
/// recovery window ends: put them back again with a restore, or give them up. Reading this list is logged.
#[utoipa::path(
    get,
    path = "/v1/compliance/erasure-requests/{id}/conflicts",
    tag = "erasure requests",
    operation_id = "list_erasure_request_conflicts",
    params(("id" = shapes::RequestId, Path, description = "The request."), ConflictsQuery),
    responses((status = 200, description = "A page.", body = ConflictsAnswer)),
)]
pub(crate) async fn list(
    State(engine): State<DiscoveryRooms>,
    Call { caller, query }: Call<ConflictsQuery>,
    IdOf { id, .. }: IdOf<Erasure>,
) -> Result<Json<ConflictsAnswer>, Problem> {
    let mut checks = Checks::default();
    let limit = limit(&mut checks, query.limit.as_deref());
    let cursor = page::cursor(&mut checks, query.cursor);
    visible(&engine, &caller, Action::Undo, id, checks.finish()).await?;
    let page = engine.requests().conflicts(&caller, id, cursor, limit).await?;
    let conflicts = page.conflicts.into_iter().map(Into::into).collect();
    Ok(Json(ConflictsAnswer { conflicts, next_cursor: page.next_cursor }))
}

/// Give up copies of what could not be put back
///
/// What stands in their place stays; the copies are destroyed.
#[utoipa::path(
    post,
    path = "/v1/compliance/erasure-requests/{id}/conflicts/give-up",
    tag = "erasure requests",
    operation_id = "give_up_erasure_request_conflicts",
    params(("id" = shapes::RequestId, Path, description = "The request.")),
    request_body = GivingUpBody,
    responses((status = 202, description = "Giving them up.", body = RequestAnswer)),
)]
pub(crate) async fn give_up(
    State(engine): State<IntakeRooms>,
    IdOf { id, .. }: IdOf<Erasure>,
    post: Post<GivingUpBody>,
) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        let mut checks = Checks::default();
        if body.records.as_ref().is_none_or(Vec::is_empty) {
            checks.refuse(ProblemCode::EmptyScope, "records", "nothing is named", "names of GET …/conflicts");
        }
        let records = names(&mut checks, body.records);
        visible(&engine, &caller, Action::Undo, id, checks.finish()).await?;
        let order = RestoreOrder { records, give_up: true, ..RestoreOrder::default() };
        let view = engine.requests().restore(&caller, id, order).await?;
        Answer::new(StatusCode::ACCEPTED, &RequestAnswer::from(view))
    })
    .await
}

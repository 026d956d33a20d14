//! Looking at requests.

use super::{
    Erasure,
    answers::{DetailAnswer, RequestAnswer, StatusAnswer},
};
use crate::{
    call::{Call, NoQuery, RevealQuery, scoped},
    checks::Checks,
    page::{self, limit},
    problem::Problem,
    requests::kind::{self, IdOf},
    rooms::IntakeRooms,
    shapes,
    words::{Status, Word},
};
use axum::{Json, extract::State};
use oubli_engine::{
    ProblemCode,
    api::{RequestFilter, RequestKind, RequestPage},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which requests to list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    /// Accepted where it is the credential's own; any other answers 404.
    #[param(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Only requests of this status.
    #[param(value_type = Option<Status>)]
    status: Option<String>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<shapes::Cursor>)]
    cursor: Option<String>,
    /// How many, 1 to 100; 20 unless given.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    limit: Option<String>,
}

scoped!(ListQuery);

impl ListQuery {
    /// Requests of this kind, chosen so.
    pub fn of(self, kind: RequestKind) -> Result<RequestFilter, Problem> {
        let mut checks = Checks::default();
        let status =
            self.status.and_then(|word| checks.word(ProblemCode::UnknownStatus, "status", &word, Status::parse, Status::all()));
        let limit = limit(&mut checks, self.limit.as_deref());
        let cursor = page::cursor(&mut checks, self.cursor);
        checks.finish()?;
        Ok(RequestFilter { kind, status, cursor, limit })
    }
}

/// A page of requests, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErasureRequestPage)]
pub(crate) struct RequestPageAnswer {
    /// The requests of the page.
    requests: Vec<RequestAnswer>,
    /// For the next page; none after the last. A page may be short, or empty, and still have a next one.
    next_cursor: Option<String>,
}

impl From<RequestPage> for RequestPageAnswer {
    fn from(page: RequestPage) -> Self {
        Self { requests: page.requests.into_iter().map(Into::into).collect(), next_cursor: page.next_cursor }
    }
}

/// List requests
///
/// Those that were received last come first.
#[utoipa::path(
    get,
    path = "/v1/compliance/erasure-requests",
    tag = "erasure requests",
    operation_id = "list_erasure_requests",
    params(ListQuery),
    responses((status = 200, description = "A page, newest first.", body = RequestPageAnswer)),
)]
pub(crate) async fn list(engine: State<IntakeRooms>, call: Call<ListQuery>) -> Result<Json<RequestPageAnswer>, Problem> {
    kind::list::<Erasure>(engine, call).await
}

/// Show a request
///
/// With its plan, which names what will go, what stays and why; by what the person is known only with `reveal=identity`.
#[utoipa::path(
    get,
    path = "/v1/compliance/erasure-requests/{id}",
    tag = "erasure requests",
    operation_id = "get_erasure_request",
    params(("id" = shapes::RequestId, Path, description = "Its id."), RevealQuery),
    responses((status = 200, description = "The request.", body = DetailAnswer)),
)]
pub(crate) async fn show(
    engine: State<IntakeRooms>,
    call: Call<RevealQuery>,
    id: IdOf<Erasure>,
) -> Result<Json<DetailAnswer>, Problem> {
    kind::show(engine, call, id).await
}

/// Show how far a request is
///
/// Its phase, its steps, and what stays and why. Reading it costs nothing, whatever the size of the request.
#[utoipa::path(
    get,
    path = "/v1/compliance/erasure-requests/{id}/status",
    tag = "erasure requests",
    operation_id = "get_erasure_request_status",
    params(("id" = shapes::RequestId, Path, description = "Its id."), NoQuery),
    responses((status = 200, description = "Its status.", body = StatusAnswer)),
)]
pub(crate) async fn status(
    engine: State<IntakeRooms>,
    call: Call<NoQuery>,
    id: IdOf<Erasure>,
) -> Result<Json<StatusAnswer>, Problem> {
    kind::status(engine, call, id).await
}

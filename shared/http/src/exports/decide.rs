//! Decisions on exports, where the organization's settings want them.

use super::{Export, ExportAnswer};
use crate::{
    call::Post,
    idempotency::Answer,
    problem::Problem,
    requests::{
        ApprovalBody, ExecutionAnswer, NamedIdentifiersBody, RejectionBody,
        kind::{self, IdOf},
    },
    rooms::ReviewRooms,
    shapes,
};
use axum::extract::State;

/// Approve an export
///
/// Only where the organization's settings want exports decided. Whoever submitted it cannot approve it.
#[utoipa::path(
    post,
    path = "/v1/compliance/export-requests/{id}/execute",
    tag = "decisions",
    operation_id = "execute_export_request",
    params(("id" = shapes::RequestId, Path, description = "The export.")),
    request_body = Option<ApprovalBody>,
    responses((status = 202, description = "Approved.", body = ExecutionAnswer)),
)]
pub(crate) async fn execute(engine: State<ReviewRooms>, id: IdOf<Export>, post: Post<ApprovalBody>) -> Result<Answer, Problem> {
    kind::execute(engine, id, post).await
}

/// Name ambiguous identifiers of an export
///
/// Says that ambiguous identifiers of the plan are the person's. The data is looked for again, by them too, and the plan
/// that comes of it needs a decision of its own.
#[utoipa::path(
    post,
    path = "/v1/compliance/export-requests/{id}/identifiers",
    tag = "decisions",
    operation_id = "name_export_identifiers",
    params(("id" = shapes::RequestId, Path, description = "The export.")),
    request_body = NamedIdentifiersBody,
    responses((status = 202, description = "It is looked for again.", body = ExportAnswer)),
)]
pub(crate) async fn identifiers(
    engine: State<ReviewRooms>,
    id: IdOf<Export>,
    post: Post<NamedIdentifiersBody>,
) -> Result<Answer, Problem> {
    kind::name_identifiers(engine, id, post).await
}

/// Reject an export
///
/// It ends as `rejected`, and nothing is packaged.
#[utoipa::path(
    post,
    path = "/v1/compliance/export-requests/{id}/reject",
    tag = "decisions",
    operation_id = "reject_export_request",
    params(("id" = shapes::RequestId, Path, description = "The export.")),
    request_body = RejectionBody,
    responses((status = 200, description = "Rejected.", body = ExportAnswer)),
)]
pub(crate) async fn reject(engine: State<ReviewRooms>, id: IdOf<Export>, post: Post<RejectionBody>) -> Result<Answer, Problem> {
    kind::reject(engine, id, post).await
}

//! Decisions on exports, where the organization's settings want them.

use super::{Export, ExportAnswer};
use crate::{
    call::Post,
    idempotency::Answer,
    problem::Problem,
    requests::{
        ApprovalBody, ExecutionAnswer, RejectionBody,
        kind::{self, IdOf},
    },
    rooms::ReviewRooms,
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
    params(("id" = String, Path, description = "The export.")),
    request_body = Option<ApprovalBody>,
    responses((status = 202, description = "Approved.", body = ExecutionAnswer)),
)]
pub(crate) async fn execute(engine: State<ReviewRooms>, id: IdOf<Export>, post: Post<ApprovalBody>) -> Result<Answer, Problem> {
    kind::execute(engine, id, post).await
}

/// Reject an export
#[utoipa::path(
    post,
    path = "/v1/compliance/export-requests/{id}/reject",
    tag = "decisions",
    operation_id = "reject_export_request",
    params(("id" = String, Path, description = "The export.")),
    request_body = RejectionBody,
    responses((status = 200, description = "Rejected.", body = ExportAnswer)),
)]
pub(crate) async fn reject(engine: State<ReviewRooms>, id: IdOf<Export>, post: Post<RejectionBody>) -> Result<Answer, Problem> {
    kind::reject(engine, id, post).await
}

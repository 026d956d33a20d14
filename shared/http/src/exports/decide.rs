//! Decisions on exports, where the organization's settings want them.

use super::ExportAnswer;
use crate::{
    call::{ExportId, Post},
    idempotency::{Answer, once},
    problem::Problem,
    requests::{ApprovalBody, ExecutionAnswer, RejectionBody},
};
use axum::{extract::State, http::StatusCode};
use oubli_engine::Engine;

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
pub(crate) async fn execute(
    State(engine): State<Engine>,
    ExportId(id): ExportId,
    post: Post<ApprovalBody>,
) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| Answer::new(StatusCode::ACCEPTED, &body.approve(&engine, &caller, id).await?))
        .await
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
pub(crate) async fn reject(
    State(engine): State<Engine>,
    ExportId(id): ExportId,
    post: Post<RejectionBody>,
) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        Answer::new(StatusCode::OK, &ExportAnswer::from(body.reject(&engine, &caller, id).await?))
    })
    .await
}

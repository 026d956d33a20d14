//! Opening an export, and revoking it.

use super::{Export, ExportAnswer};
use crate::{
    call::{NoQuery, Post, scoped},
    idempotency::{Answer, once},
    problem::Problem,
    requests::kind::IdOf,
    rooms::ExportRooms,
    shapes,
};
use axum::{
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use data_encoding::BASE64;
use jiff::Timestamp;
use oubli_domain::ids::RequestId;
use oubli_engine::api::ExportAccess;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What opening takes besides the credential.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewExportAccess, example = json!({ "code": "492039" }))]
pub(crate) struct AccessBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// A one-time code, where the organization's settings want one. Each is taken once.
    code: Option<String>,
}

scoped!(AccessBody);

/// What opens an export: two things that are of no use without each other.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportAccess)]
pub(crate) struct AccessAnswer {
    /// The export.
    request_id: String,
    /// Fetches the export, encrypted. Anybody who has it can fetch it as long as it works, and read nothing of it.
    download_url: String,
    /// Until when the link works.
    link_expires_at: Timestamp,
    /// The data key, base64. Pass it on by another way than the link.
    content_key: String,
    /// What the file is: a ZIP archive in a message of the AWS Encryption SDK, version 2.
    format: &'static str,
    /// What the link calls it.
    file_name: String,
    /// Of the encrypted file.
    size_bytes: u64,
    /// What the message is bound to; whoever decrypts it with KMS gives it.
    encryption_context: BTreeMap<String, String>,
    /// Until when the export can be opened at all.
    expires_at: Timestamp,
    /// Links given out, this one included.
    links: u32,
}

impl AccessAnswer {
    fn new(id: RequestId, access: ExportAccess) -> Self {
        Self {
            request_id: id.to_string(),
            download_url: access.download_url,
            link_expires_at: access.link_expires_at,
            content_key: BASE64.encode(&access.content_key.0),
            format: "aws-encryption-sdk-v2",
            file_name: access.file_name,
            size_bytes: access.size_bytes,
            encryption_context: access.encryption_context,
            expires_at: access.expires_at,
            links: access.links,
        }
    }
}

/// Open an export
///
/// Answers a link that works for five minutes and the key. Each call is noted in the log before it is answered. The
/// answer is never kept, so that a repeated `Idempotency-Key` is answered 409.
#[utoipa::path(
    post,
    path = "/v1/compliance/export-requests/{id}/access",
    tag = "export requests",
    operation_id = "open_export",
    params(("id" = shapes::RequestId, Path, description = "The export.")),
    request_body = Option<AccessBody>,
    responses((status = 200, description = "What opens it.", body = AccessAnswer)),
)]
pub(crate) async fn access(
    State(engine): State<ExportRooms>,
    IdOf { id, .. }: IdOf<Export>,
    post: Post<AccessBody>,
) -> Result<Response, Problem> {
    let Post { caller, body, key } = post;
    let done = once(&engine, &caller, key.as_ref(), async |_| {
        let access = engine.exports().open_export(&caller, id, body.code.as_deref()).await?;
        Ok(Answer::new(StatusCode::OK, &AccessAnswer::new(id, access))?.secret())
    })
    .await?;
    let mut response = done.into_response();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Revoke an export
///
/// It is gone at once, and with it every link that was given out.
#[utoipa::path(
    post,
    path = "/v1/compliance/export-requests/{id}/revoke",
    tag = "export requests",
    operation_id = "revoke_export",
    params(("id" = shapes::RequestId, Path, description = "The export.")),
    responses((status = 200, description = "Revoked.", body = ExportAnswer)),
)]
pub(crate) async fn revoke(
    State(engine): State<ExportRooms>,
    IdOf { id, .. }: IdOf<Export>,
    post: Post<NoQuery>,
) -> Result<Answer, Problem> {
    let Post { caller, key, .. } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        Answer::new(StatusCode::OK, &ExportAnswer::from(engine.exports().revoke_export(&caller, id).await?))
    })
    .await
}

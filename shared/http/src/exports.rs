//! Exports: a person's data as one encrypted archive (Art. 15 and 20 GDPR).

use crate::{
    call::{Call, ExportId, NoQuery, Post, scoped},
    checks::Checks,
    idempotency::{Answer, once},
    json::Object,
    openapi::IdempotencyKey,
    problem::{ChangeRefusals, Problem, Refusals},
    requests::{
        RequestAnswer, StatusAnswer, VerificationBody, allowed, map_for,
        read::ListQuery,
        undo::{AttestationBody, CancellationBody},
    },
    words::{Reason, Word},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use data_encoding::BASE64;
use jiff::Timestamp;
use oubli_domain::{
    access::Action,
    datamap::DataMap,
    grounds,
    ids::RequestId,
    personal::{Identifier, IdentityKind},
};
use oubli_engine::{
    Engine,
    api::{ExportAccess, NewRequest, RequestDetail, RequestKind, RequestView, Scope},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

/// What intake serves of them.
pub(crate) fn intake() -> OpenApiRouter<Engine> {
    OpenApiRouter::new()
        .routes(routes!(submit, list))
        .routes(routes!(show))
        .routes(routes!(status))
        .routes(routes!(verify))
        .routes(routes!(cancel))
        .routes(routes!(retry))
}

/// What export serves of them: opening and revoking.
pub(crate) fn export() -> OpenApiRouter<Engine> {
    OpenApiRouter::new().routes(routes!(access)).routes(routes!(revoke))
}

/// An export to make.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "subject_id": "cust-00042",
    "verification": { "method": "email_link", "verified_at": "2026-11-02T09:30:00Z" }
}))]
pub(crate) struct NewExportRequest {
    /// Accepted where it is the credential's own; any other answers 404.
    organization_id: Option<String>,
    /// The organization's own id of the person. This, or `subject_email`, or both.
    #[schema(max_length = 1024)]
    subject_id: Option<String>,
    /// The person's email address.
    #[schema(max_length = 1024)]
    subject_email: Option<String>,
    /// `user_request` unless given.
    #[schema(value_type = Option<Reason>)]
    reason: Option<String>,
    /// That the person's identity was checked. Without it the request waits for `verify`.
    #[schema(value_type = Option<VerificationBody>)]
    verification: Option<Object<VerificationBody>>,
    /// Only these categories.
    #[schema(max_items = 100)]
    categories: Option<Vec<String>>,
    /// All but these categories.
    #[schema(max_items = 100)]
    exclude_categories: Option<Vec<String>>,
    /// Copies kept as backups as well; not unless it says so.
    include_backups: Option<bool>,
}

scoped!(NewExportRequest);

impl NewExportRequest {
    fn names_categories(&self) -> bool {
        [&self.categories, &self.exclude_categories].into_iter().flatten().any(|list| !list.is_empty())
    }

    fn check(self, id: RequestId, map: Option<&DataMap>) -> Result<NewRequest, Problem> {
        let mut checks = Checks::default();
        let identity = checks.identity(self.subject_id.as_deref(), self.subject_email.as_deref());
        let reason = self.reason.as_deref().map_or(Some(grounds::Reason::UserRequest), |word| {
            checks.word("unknown_reason", "reason", word, Reason::parse, Reason::all())
        });
        let verification = self.verification.and_then(|Object(v)| v.check(&mut checks, "verification."));
        let categories = checks.narrowing("categories", self.categories.as_deref(), map);
        let exclude_categories = checks.categories("exclude_categories", &self.exclude_categories.unwrap_or_default(), map);
        let all = identity.zip(reason).map(|(identity, reason)| NewRequest {
            id,
            identity,
            kind: RequestKind::Export,
            reason,
            verification,
            scope: Scope { include_backups: self.include_backups.unwrap_or_default(), ..Scope::default() },
            categories,
            exclude_categories,
            scheduled_at: None,
        });
        checks.finish_with(all)
    }
}

/// An export request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExportRequest)]
pub(crate) struct ExportAnswer {
    #[serde(flatten)]
    request: RequestAnswer,
    /// Until when it can be opened.
    expires_at: Option<Timestamp>,
    /// Its size, encrypted.
    size_bytes: Option<u64>,
    /// Records in it.
    records: Option<u64>,
    /// Records that could not be read: the export is not complete where there are any.
    missing_records: Option<u64>,
    /// Links given out so far.
    links: u32,
    /// Somebody revoked it.
    revoked: bool,
}

impl From<RequestView> for ExportAnswer {
    fn from(view: RequestView) -> Self {
        let made = view.export.clone().filter(|e| e.expires_at.is_some());
        Self {
            expires_at: made.as_ref().and_then(|e| e.expires_at),
            size_bytes: made.as_ref().map(|e| e.size_bytes),
            records: made.as_ref().map(|e| e.records),
            missing_records: made.as_ref().map(|e| e.missing),
            links: made.as_ref().map_or(0, |e| e.links),
            revoked: made.is_some_and(|e| e.revoked),
            request: view.into(),
        }
    }
}

/// An export request with whom it is about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExportRequestDetail)]
pub(crate) struct ExportDetailAnswer {
    #[serde(flatten)]
    export: ExportAnswer,
    /// The person, until Oubli has forgotten who it was.
    subject_id: Option<String>,
    /// As `subject_id`.
    subject_email: Option<String>,
}

impl From<RequestDetail> for ExportDetailAnswer {
    fn from(detail: RequestDetail) -> Self {
        let identity = detail.request.identity.clone();
        let of = |kind| identity.as_ref().and_then(|i| i.get(kind)).map(Identifier::expose).map(ToOwned::to_owned);
        Self {
            subject_id: of(IdentityKind::SubjectId),
            subject_email: of(IdentityKind::SubjectEmail),
            export: detail.request.into(),
        }
    }
}

/// A page of export requests, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExportRequestPage)]
pub(crate) struct ExportPageAnswer {
    requests: Vec<ExportAnswer>,
    /// For the next page; none after the last.
    next_cursor: Option<String>,
}

/// What opens an export: two things that are of no use without each other.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExportAccess)]
pub(crate) struct AccessAnswer {
    request_id: String,
    /// Fetches the export, encrypted. Anybody who has it can fetch it as long as it works, and read nothing of it.
    download_url: String,
    /// Until when the link works.
    link_expires_at: Timestamp,
    /// The data key, base64. Pass it on by another way than the link.
    content_key: String,
    /// What the file is: a ZIP archive in a message of the AWS Encryption SDK, version 2.
    format: &'static str,
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

/// Submit an export request
///
/// The person's data is looked for as for an erasure, and copied into one encrypted archive. Nothing is changed. What
/// must be kept by law is in it too: that is no reason not to show it.
#[utoipa::path(
    post,
    path = "/v1/compliance/export-requests",
    tag = "export requests",
    operation_id = "submit_export_request",
    security(("bearer" = [])),
    params(IdempotencyKey),
    request_body = NewExportRequest,
    responses((status = 201, description = "Accepted.", body = ExportAnswer), Refusals, ChangeRefusals),
)]
pub(crate) async fn submit(State(engine): State<Engine>, post: Post<NewExportRequest>) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |id| {
        let map = map_for(&engine, &caller, body.names_categories()).await?;
        let request = allowed(&caller, Action::Submit, body.check(RequestId::from_uuid(id), map.as_ref()))?;
        let view = engine.submit(&caller, request).await?;
        Answer::new(StatusCode::CREATED, &ExportAnswer::from(view))
    })
    .await
}

/// List export requests
#[utoipa::path(
    get,
    path = "/v1/compliance/export-requests",
    tag = "export requests",
    operation_id = "list_export_requests",
    security(("bearer" = [])),
    params(ListQuery),
    responses((status = 200, description = "A page, newest first.", body = ExportPageAnswer), Refusals),
)]
pub(crate) async fn list(
    State(engine): State<Engine>,
    Call { caller, query }: Call<ListQuery>,
) -> Result<Json<ExportPageAnswer>, Problem> {
    let page = engine.requests(&caller, query.of(RequestKind::Export)?).await?;
    let requests = page.requests.into_iter().map(Into::into).collect();
    Ok(Json(ExportPageAnswer { requests, next_cursor: page.next_cursor }))
}

/// Show an export request
#[utoipa::path(
    get,
    path = "/v1/compliance/export-requests/{id}",
    tag = "export requests",
    operation_id = "get_export_request",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Its id."), NoQuery),
    responses((status = 200, description = "The request.", body = ExportDetailAnswer), Refusals),
)]
pub(crate) async fn show(
    State(engine): State<Engine>,
    Call { caller, .. }: Call<NoQuery>,
    ExportId(id): ExportId,
) -> Result<Json<ExportDetailAnswer>, Problem> {
    Ok(Json(engine.request(&caller, id).await?.into()))
}

/// Show how far an export is
#[utoipa::path(
    get,
    path = "/v1/compliance/export-requests/{id}/status",
    tag = "export requests",
    operation_id = "get_export_request_status",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "Its id."), NoQuery),
    responses((status = 200, description = "Its status.", body = StatusAnswer), Refusals),
)]
pub(crate) async fn status(
    State(engine): State<Engine>,
    Call { caller, .. }: Call<NoQuery>,
    ExportId(id): ExportId,
) -> Result<Json<StatusAnswer>, Problem> {
    Ok(Json(engine.status(&caller, id).await?.into()))
}

/// Attest a person's identity
#[utoipa::path(
    post,
    path = "/v1/compliance/export-requests/{id}/verify",
    tag = "export requests",
    operation_id = "verify_export_request",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "The request."), IdempotencyKey),
    request_body = AttestationBody,
    responses((status = 200, description = "Recorded as the caller's attestation.", body = ExportAnswer), Refusals, ChangeRefusals),
)]
pub(crate) async fn verify(
    State(engine): State<Engine>,
    ExportId(id): ExportId,
    post: Post<AttestationBody>,
) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        Answer::new(StatusCode::OK, &ExportAnswer::from(body.attest(&engine, &caller, id).await?))
    })
    .await
}

/// Cancel an export
///
/// Before it can be opened; after that it is revoked.
#[utoipa::path(
    post,
    path = "/v1/compliance/export-requests/{id}/cancel",
    tag = "export requests",
    operation_id = "cancel_export_request",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "The request."), IdempotencyKey),
    request_body = Option<CancellationBody>,
    responses((status = 200, description = "Cancelled; what was copied is removed.", body = ExportAnswer), Refusals, ChangeRefusals),
)]
pub(crate) async fn cancel(
    State(engine): State<Engine>,
    ExportId(id): ExportId,
    post: Post<CancellationBody>,
) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        Answer::new(StatusCode::OK, &ExportAnswer::from(body.cancel(&engine, &caller, id).await?.request))
    })
    .await
}

/// Try again what failed
#[utoipa::path(
    post,
    path = "/v1/compliance/export-requests/{id}/retry",
    tag = "export requests",
    operation_id = "retry_export_request",
    security(("bearer" = [])),
    params(("id" = String, Path, description = "The request."), IdempotencyKey),
    responses((status = 202, description = "Trying again.", body = ExportAnswer), Refusals, ChangeRefusals),
)]
pub(crate) async fn retry(State(engine): State<Engine>, ExportId(id): ExportId, post: Post<NoQuery>) -> Result<Answer, Problem> {
    let Post { caller, key, .. } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        Answer::new(StatusCode::ACCEPTED, &ExportAnswer::from(engine.retry(&caller, id).await?))
    })
    .await
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
    security(("bearer" = [])),
    params(("id" = String, Path, description = "The export."), IdempotencyKey),
    responses((status = 200, description = "What opens it.", body = AccessAnswer), Refusals, ChangeRefusals),
)]
pub(crate) async fn access(
    State(engine): State<Engine>,
    ExportId(id): ExportId,
    post: Post<NoQuery>,
) -> Result<Response, Problem> {
    let Post { caller, key, .. } = post;
    let done = once(&engine, &caller, key.as_ref(), async |_| {
        let access = engine.open_export(&caller, id).await?;
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
    security(("bearer" = [])),
    params(("id" = String, Path, description = "The export."), IdempotencyKey),
    responses((status = 200, description = "Revoked.", body = ExportAnswer), Refusals, ChangeRefusals),
)]
pub(crate) async fn revoke(State(engine): State<Engine>, ExportId(id): ExportId, post: Post<NoQuery>) -> Result<Answer, Problem> {
    let Post { caller, key, .. } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        Answer::new(StatusCode::OK, &ExportAnswer::from(engine.revoke_export(&caller, id).await?))
    })
    .await
}

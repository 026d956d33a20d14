//! Exports: a person's data as one encrypted archive (Art. 15 and 20 GDPR).

mod decide;
mod open;

use crate::{
    call::{Call, NoQuery, Post, RevealQuery, scoped},
    checks::Checks,
    idempotency::Answer,
    json::Object,
    problem::Problem,
    requests::{
        AttestationBody, CancellationBody, IdentifierAnswer, ListQuery, PlanAnswer, RequestAnswer, StatusAnswer,
        VerificationBody, WordsAnswer, any_named,
        kind::{self, IdOf, Kind, Submission},
        scope_of_categories,
    },
    rooms::{ExportRooms, IntakeRooms, ReviewRooms},
    routes::{Routes, routes},
    shapes,
    subject::{GivenIdentifiers, IdentifierBody},
    words::{IdentityShown, Reason, Word},
};
use axum::{Json, extract::State};
use jiff::Timestamp;
use oubli_domain::{
    datamap::DataMap,
    grounds,
    ids::RequestId,
    personal::{Identifier, IdentifierKind},
};
use oubli_engine::{
    Naming, ProblemCode,
    api::{Cancelled, NewRequest, RequestDetail, RequestKind, RequestPage, RequestView, Scope},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Exports.
pub(crate) struct Export;

impl Kind for Export {
    type New = NewExportRequest;
    type Answer = ExportAnswer;
    type Detail = ExportDetailAnswer;
    type Page = ExportPageAnswer;
    type Cancelled = ExportAnswer;
    const LISTED: RequestKind = RequestKind::Export;
    const NAME: &'static str = "export request";

    fn serves(kind: RequestKind) -> bool {
        kind == RequestKind::Export
    }
}

/// What intake serves of them.
pub(crate) fn intake() -> Routes<IntakeRooms> {
    routes!(submit, list, show, status, verify, cancel, retry)
}

/// What export serves of them: opening and revoking.
pub(crate) fn export() -> Routes<ExportRooms> {
    routes!(open::access, open::revoke)
}

/// What review serves of them: decisions.
pub(crate) fn review() -> Routes<ReviewRooms> {
    routes!(decide::execute, decide::identifiers, decide::reject)
}

/// An export to make.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "subject_id": "cust-00042",
    "verification": { "method": "email_link", "verified_at": "2026-01-05T09:00:00Z" }
}))]
pub(crate) struct NewExportRequest {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// The organization's own id of the person. This, or `subject_email`, or both.
    #[schema(value_type = Option<shapes::Identifier>)]
    subject_id: Option<String>,
    /// The person's email address.
    #[schema(value_type = Option<shapes::EmailAddress>)]
    subject_email: Option<String>,
    /// More identifiers of the person, of kinds that the data map declares.
    #[schema(max_items = 10, value_type = Option<Vec<IdentifierBody>>)]
    identifiers: Option<Vec<Object<IdentifierBody>>>,
    /// `user_request` unless given.
    #[schema(value_type = Option<Reason>)]
    reason: Option<String>,
    /// When the request reached the controller, if that was before it is submitted here: `deadline` and `legal_deadline`
    /// count from then. Now unless given; from 2018-05-25T00:00:00Z on, and not in the future.
    #[schema(format = DateTime, example = "2026-01-04T08:00:00Z")]
    received_at: Option<String>,
    /// That the person's identity was checked. Without it the request waits for `verify`.
    #[schema(value_type = Option<VerificationBody>)]
    verification: Option<Object<VerificationBody>>,
    /// Only these categories.
    #[schema(value_type = Option<shapes::SomeCategories>)]
    categories: Option<Vec<String>>,
    /// All but these categories.
    #[schema(value_type = Option<shapes::CategoryList>)]
    exclude_categories: Option<Vec<String>>,
    /// Copies kept as backups as well; not unless it says so.
    include_backups: Option<bool>,
    /// Saved queries to run, by their short names; unless given, all that fit whom and what the export is about.
    #[schema(value_type = Option<shapes::QueryList>)]
    saved_queries: Option<Vec<String>>,
    /// Copy the export, encrypted, into the organization's own bucket as well.
    deliver: Option<bool>,
}

scoped!(NewExportRequest);

impl Submission for NewExportRequest {
    fn names_categories(&self) -> bool {
        any_named([&self.categories, &self.exclude_categories])
    }

    fn check(self, id: RequestId, naming: &Naming, map: Option<&DataMap>) -> Result<NewRequest, Problem> {
        let mut checks = Checks::default();
        let identity = checks.identity(naming, GivenIdentifiers::of(&self.subject_id, &self.subject_email, &self.identifiers));
        let reason = self.reason.as_deref().map_or(Some(grounds::Reason::UserRequest), |word| {
            checks.word(ProblemCode::UnknownReason, "reason", word, Reason::parse, Reason::all())
        });
        let received_at = checks.timestamp("received_at", self.received_at.as_deref());
        let verification = self.verification.and_then(|Object(v)| v.check(&mut checks, "verification."));
        let kind = Some(RequestKind::Export);
        let (categories, exclude_categories) =
            scope_of_categories(&mut checks, kind, self.categories.as_deref(), self.exclude_categories.as_deref(), map);
        let saved_queries = self.saved_queries.map(|names| checks.queries("saved_queries", &names));
        let all = identity.zip(reason).map(|(identity, reason)| NewRequest {
            id,
            identity,
            kind: RequestKind::Export,
            reason,
            received_at,
            verification,
            scope: Scope { include_backups: self.include_backups.unwrap_or_default(), ..Scope::default() },
            categories,
            exclude_categories,
            scheduled_at: None,
            export_first: false,
            saved_queries,
            deliver: self.deliver.unwrap_or_default(),
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
    /// Downloads seen so far; one in several pieces is seen several times.
    downloads: u32,
    /// Somebody revoked it.
    revoked: bool,
    /// The erasure that it goes before.
    erasure_request_id: Option<String>,
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
            downloads: made.as_ref().map_or(0, |e| e.downloads),
            revoked: made.is_some_and(|e| e.revoked),
            erasure_request_id: view.prior_to.map(Into::into),
            request: view.into(),
        }
    }
}

impl From<Cancelled> for ExportAnswer {
    fn from(cancelled: Cancelled) -> Self {
        cancelled.request.into()
    }
}

/// An export request with everything a reviewer looks at.
#[derive(Serialize, ToSchema)]
#[schema(as = ExportRequestDetail)]
pub(crate) struct ExportDetailAnswer {
    #[serde(flatten)]
    export: ExportAnswer,
    /// Whether this says whom it is about: `withheld` unless `reveal=identity` was asked for, then `revealed`; `forgotten` once
    /// Oubli has forgotten who it was.
    identity: IdentityShown,
    /// The person, where that is revealed.
    subject_id: Option<String>,
    /// As `subject_id`.
    subject_email: Option<String>,
    /// By what the person is known, those given first; there once they were looked for.
    identifiers: Vec<IdentifierAnswer>,
    /// There may be more identifiers than were found.
    identifiers_incomplete: bool,
    /// What people said of it: notes, reasons, refusals. There where the person is revealed.
    words: Vec<WordsAnswer>,
    /// What an approval of the plan has to name under `acknowledged`.
    to_acknowledge: Vec<String>,
    /// What will be in it.
    plan: Option<PlanAnswer>,
    /// The saved queries that it runs.
    saved_queries: Vec<String>,
    /// Where it was delivered to, in the organization's own bucket. There where the person is revealed.
    delivered_to: Option<String>,
}

impl From<RequestDetail> for ExportDetailAnswer {
    fn from(detail: RequestDetail) -> Self {
        let identity = detail.request.identity.clone();
        let of = |kind| identity.as_ref().and_then(|i| i.get(kind)).map(Identifier::expose).map(ToOwned::to_owned);
        Self {
            identity: IdentityShown(detail.shown),
            subject_id: of(&IdentifierKind::SUBJECT_ID),
            subject_email: of(&IdentifierKind::SUBJECT_EMAIL),
            identifiers: IdentifierAnswer::all(detail.identifiers),
            identifiers_incomplete: detail.identifiers_incomplete,
            words: detail.words.into_iter().map(Into::into).collect(),
            to_acknowledge: detail.to_acknowledge,
            plan: detail.plan.map(Into::into),
            saved_queries: detail.saved_queries.into_iter().map(Into::into).collect(),
            delivered_to: detail.delivered_to,
            export: detail.request.into(),
        }
    }
}

/// A page of export requests, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExportRequestPage)]
pub(crate) struct ExportPageAnswer {
    /// The requests of the page.
    requests: Vec<ExportAnswer>,
    /// For the next page; none after the last. A page may be short, or empty, and still have a next one.
    next_cursor: Option<String>,
}

impl From<RequestPage> for ExportPageAnswer {
    fn from(page: RequestPage) -> Self {
        Self { requests: page.requests.into_iter().map(Into::into).collect(), next_cursor: page.next_cursor }
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
    request_body = NewExportRequest,
    responses((status = 201, description = "Accepted.", body = ExportAnswer)),
)]
pub(crate) async fn submit(engine: State<IntakeRooms>, post: Post<NewExportRequest>) -> Result<Answer, Problem> {
    kind::submit::<Export>(engine, post).await
}

/// List export requests
///
/// Those that were received last come first.
#[utoipa::path(
    get,
    path = "/v1/compliance/export-requests",
    tag = "export requests",
    operation_id = "list_export_requests",
    params(ListQuery),
    responses((status = 200, description = "A page, newest first.", body = ExportPageAnswer)),
)]
pub(crate) async fn list(engine: State<IntakeRooms>, call: Call<ListQuery>) -> Result<Json<ExportPageAnswer>, Problem> {
    kind::list::<Export>(engine, call).await
}

/// Show an export request
///
/// With the plan of what will be in it; by what the person is known only with `reveal=identity`.
#[utoipa::path(
    get,
    path = "/v1/compliance/export-requests/{id}",
    tag = "export requests",
    operation_id = "get_export_request",
    params(("id" = shapes::RequestId, Path, description = "Its id."), RevealQuery),
    responses((status = 200, description = "The request.", body = ExportDetailAnswer)),
)]
pub(crate) async fn show(
    engine: State<IntakeRooms>,
    call: Call<RevealQuery>,
    id: IdOf<Export>,
) -> Result<Json<ExportDetailAnswer>, Problem> {
    kind::show(engine, call, id).await
}

/// Show how far an export is
///
/// Its phase, its steps, and what is left out and why. Reading it costs nothing, whatever the size of the export.
#[utoipa::path(
    get,
    path = "/v1/compliance/export-requests/{id}/status",
    tag = "export requests",
    operation_id = "get_export_request_status",
    params(("id" = shapes::RequestId, Path, description = "Its id."), NoQuery),
    responses((status = 200, description = "Its status.", body = StatusAnswer)),
)]
pub(crate) async fn status(
    engine: State<IntakeRooms>,
    call: Call<NoQuery>,
    id: IdOf<Export>,
) -> Result<Json<StatusAnswer>, Problem> {
    kind::status(engine, call, id).await
}

/// Attest a person's identity
///
/// For a request that was submitted without. Discovery begins then.
#[utoipa::path(
    post,
    path = "/v1/compliance/export-requests/{id}/verify",
    tag = "export requests",
    operation_id = "verify_export_request",
    params(("id" = shapes::RequestId, Path, description = "The request.")),
    request_body = AttestationBody,
    responses((status = 200, description = "Recorded as the caller's attestation.", body = ExportAnswer)),
)]
pub(crate) async fn verify(engine: State<IntakeRooms>, id: IdOf<Export>, post: Post<AttestationBody>) -> Result<Answer, Problem> {
    kind::verify(engine, id, post).await
}

/// Cancel an export
///
/// Before it can be opened; after that it is revoked.
#[utoipa::path(
    post,
    path = "/v1/compliance/export-requests/{id}/cancel",
    tag = "export requests",
    operation_id = "cancel_export_request",
    params(("id" = shapes::RequestId, Path, description = "The request.")),
    request_body = Option<CancellationBody>,
    responses((status = 200, description = "Cancelled; what was copied is removed.", body = ExportAnswer)),
)]
pub(crate) async fn cancel(
    engine: State<IntakeRooms>,
    id: IdOf<Export>,
    post: Post<CancellationBody>,
) -> Result<Answer, Problem> {
    kind::cancel(engine, id, post).await
}

/// Try again what failed
///
/// Goes on in the phase in which the request failed.
#[utoipa::path(
    post,
    path = "/v1/compliance/export-requests/{id}/retry",
    tag = "export requests",
    operation_id = "retry_export_request",
    params(("id" = shapes::RequestId, Path, description = "The request.")),
    responses((status = 202, description = "Trying again.", body = ExportAnswer)),
)]
pub(crate) async fn retry(engine: State<IntakeRooms>, id: IdOf<Export>, post: Post<NoQuery>) -> Result<Answer, Problem> {
    kind::retry(engine, id, post).await
}

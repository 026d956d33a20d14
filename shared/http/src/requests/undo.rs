//! What can be said to a request on its way: verify, extend, cancel, restore, retry.

use super::{
    Erasure,
    answers::{AccountAnswer, RequestAnswer},
    map_for,
    submit::VerificationBody,
    visible,
};
use crate::{
    call::{NoQuery, Post, scoped},
    checks::{Checks, MAX_TEXT},
    idempotency::{Answer, once},
    problem::Problem,
    requests::kind::{self, IdOf},
    rooms::IntakeRooms,
    shapes,
};
use axum::{extract::State, http::StatusCode};
use oubli_domain::{
    access::{Action, Caller},
    ids::RequestId,
    lifecycle,
};
use oubli_engine::api::{Cancelled, RequestView, RestoreOrder};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An attestation that a person's identity was checked.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Attestation, example = json!({ "method": "id_document", "verified_at": "2026-01-05T09:00:00Z" }))]
pub(crate) struct AttestationBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// How, in the caller's words. Kept sealed.
    #[schema(value_type = shapes::Label)]
    method: Option<String>,
    /// When: not in the future, nor longer ago than the organization takes.
    #[schema(format = DateTime, value_type = String)]
    verified_at: Option<String>,
}

/// Reasons for a longer deadline.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Extension, example = json!({ "reasons": "The documents of twelve years have to be looked through." }))]
pub(crate) struct ExtensionBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Why the request needs longer, in words. Kept sealed until it is forgotten; the audit log has a commitment to them.
    #[schema(value_type = shapes::Words)]
    reasons: Option<String>,
}

/// A cancellation.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Cancellation, example = json!({ "reason": "Mara Lindqvist stays a customer." }))]
pub(crate) struct CancellationBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Why, in words. Kept sealed until the request is forgotten; the audit log has a commitment to them.
    #[schema(value_type = Option<shapes::Words>)]
    pub reason: Option<String>,
}

/// What to put back.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Restoration, example = json!({ "categories": ["order_history"] }))]
pub(crate) struct RestorationBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Only these categories; everything unless given.
    #[schema(value_type = Option<shapes::SomeCategories>)]
    categories: Option<Vec<String>>,
    /// Also records of which it is not known whether Oubli or somebody else removed them.
    include_uncertain: Option<bool>,
    /// Only these records, by their names in the list of conflicts.
    #[schema(value_type = Option<Vec<shapes::RecordName>>, max_items = 100)]
    records: Option<Vec<String>>,
}

impl AttestationBody {
    /// Checks it, and records it with the request.
    pub async fn attest(self, engine: &IntakeRooms, caller: &Caller, id: RequestId) -> Result<RequestView, Problem> {
        let mut checks = Checks::default();
        let verification = VerificationBody { method: self.method, verified_at: self.verified_at }.check(&mut checks, "");
        let verification = visible(engine, caller, Action::Attest, id, checks.finish_with(verification)).await?;
        Ok(engine.requests().verify(caller, id, verification).await?)
    }
}

impl CancellationBody {
    /// Checks it, and cancels the request.
    pub async fn cancel(self, engine: &IntakeRooms, caller: &Caller, id: RequestId) -> Result<Cancelled, Problem> {
        let mut checks = Checks::default();
        let reason = checks.text("reason", self.reason, MAX_TEXT);
        visible(engine, caller, Action::Undo, id, checks.finish()).await?;
        Ok(engine.requests().cancel(caller, id, reason).await?)
    }
}

scoped!(AttestationBody, ExtensionBody, CancellationBody, RestorationBody);

/// Attest a person's identity
///
/// For a request that was submitted without. Discovery begins then.
#[utoipa::path(
    post,
    path = "/v1/compliance/erasure-requests/{id}/verify",
    tag = "erasure requests",
    operation_id = "verify_erasure_request",
    params(("id" = shapes::RequestId, Path, description = "The request.")),
    request_body = AttestationBody,
    responses((status = 200, description = "Recorded as the caller's attestation.", body = RequestAnswer)),
)]
pub(crate) async fn verify(
    engine: State<IntakeRooms>,
    id: IdOf<Erasure>,
    post: Post<AttestationBody>,
) -> Result<Answer, Problem> {
    kind::verify(engine, id, post).await
}

/// Extend the legal deadline
///
/// Once, inside the first month, by two further months.
#[utoipa::path(
    post,
    path = "/v1/compliance/erasure-requests/{id}/extend",
    tag = "erasure requests",
    operation_id = "extend_erasure_request",
    params(("id" = shapes::RequestId, Path, description = "The request.")),
    request_body = ExtensionBody,
    responses((status = 200, description = "Extended.", body = RequestAnswer)),
)]
pub(crate) async fn extend(
    State(engine): State<IntakeRooms>,
    IdOf { id, .. }: IdOf<Erasure>,
    post: Post<ExtensionBody>,
) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        let mut checks = Checks::default();
        let reasons = checks.required_text("reasons", body.reasons, MAX_TEXT);
        let reasons = visible(&engine, &caller, Action::Extend, id, checks.finish_with(reasons)).await?;
        let view = engine.requests().extend(&caller, id, reasons).await?;
        Answer::new(StatusCode::OK, &RequestAnswer::from(view))
    })
    .await
}

/// A cancelled request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CancelledErasureRequest)]
pub(crate) struct CancelledAnswer {
    #[serde(flatten)]
    request: RequestAnswer,
    /// What had been done before.
    account: AccountAnswer,
    /// What happens to it now.
    note: String,
}

impl From<Cancelled> for CancelledAnswer {
    fn from(cancelled: Cancelled) -> Self {
        let note = match (cancelled.request.state.phase, cancelled.request.window_ends_at) {
            (lifecycle::Phase::Cancelled, _) => "Nothing of it is hidden.".to_owned(),
            (lifecycle::Phase::Verifying, _) => {
                "Nothing more is erased. What earlier rounds destroyed stays destroyed: the request ends as \
                 completed_with_exceptions, and names what it leaves."
                    .to_owned()
            }
            (_, Some(end)) => {
                format!("What was hidden stays hidden until it is restored; what nobody restores is destroyed after {end}.")
            }
            (_, None) => {
                "What was hidden stays hidden until it is restored; what nobody restores is destroyed when its window ends."
                    .to_owned()
            }
        };
        Self { account: cancelled.account.into(), request: cancelled.request.into(), note }
    }
}

/// Cancel a request
///
/// Stops what has not happened. What was hidden stays hidden until it is restored, and is destroyed when its window
/// ends. Once destruction has begun the answer is 409. A request of which an earlier round destroyed something ends as
/// `completed_with_exceptions`.
#[utoipa::path(
    post,
    path = "/v1/compliance/erasure-requests/{id}/cancel",
    tag = "erasure requests",
    operation_id = "cancel_erasure_request",
    params(("id" = shapes::RequestId, Path, description = "The request.")),
    request_body = Option<CancellationBody>,
    responses((status = 200, description = "Cancelled.", body = CancelledAnswer)),
)]
pub(crate) async fn cancel(
    engine: State<IntakeRooms>,
    id: IdOf<Erasure>,
    post: Post<CancellationBody>,
) -> Result<Answer, Problem> {
    kind::cancel(engine, id, post).await
}

/// Put back what was hidden
///
/// All of it, or what is named, until the recovery window closes. Nothing newer is overwritten: what stands in the way is
/// listed under `conflicts`.
#[utoipa::path(
    post,
    path = "/v1/compliance/erasure-requests/{id}/restore",
    tag = "erasure requests",
    operation_id = "restore_erasure_request",
    params(("id" = shapes::RequestId, Path, description = "The request.")),
    request_body = Option<RestorationBody>,
    responses((status = 202, description = "Restoring.", body = RequestAnswer)),
)]
pub(crate) async fn restore(
    State(engine): State<IntakeRooms>,
    IdOf { id, .. }: IdOf<Erasure>,
    post: Post<RestorationBody>,
) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        let map = map_for(&engine, &caller, body.categories.as_ref().is_some_and(|c| !c.is_empty())).await?;
        let mut checks = Checks::default();
        let categories = checks.narrowing("categories", body.categories.as_deref(), map.as_ref());
        let records = super::conflicts::names(&mut checks, body.records);
        let include_uncertain = body.include_uncertain.unwrap_or_default();
        visible(&engine, &caller, Action::Undo, id, checks.finish()).await?;
        let order = RestoreOrder { categories, include_uncertain, records, ..RestoreOrder::default() };
        let view = engine.requests().restore(&caller, id, order).await?;
        Answer::new(StatusCode::ACCEPTED, &RequestAnswer::from(view))
    })
    .await
}

/// Try again what failed
///
/// Goes on in the phase in which the request failed.
#[utoipa::path(
    post,
    path = "/v1/compliance/erasure-requests/{id}/retry",
    tag = "erasure requests",
    operation_id = "retry_erasure_request",
    params(("id" = shapes::RequestId, Path, description = "The request.")),
    responses((status = 202, description = "Trying again.", body = RequestAnswer)),
)]
pub(crate) async fn retry(engine: State<IntakeRooms>, id: IdOf<Erasure>, post: Post<NoQuery>) -> Result<Answer, Problem> {
    kind::retry(engine, id, post).await
}

/// Go on without what failed
///
/// For what stores keep refusing. A restore: what was to be put back stays hidden while the window lasts. A purge: what its
/// store does not destroy is counted as failed and named at the end. A cancel that cannot tell what was hidden: every copy
/// is kept as uncertain while the window lasts. A look that verifies: what it could not look at is named.
#[utoipa::path(
    post,
    path = "/v1/compliance/erasure-requests/{id}/resolve",
    tag = "erasure requests",
    operation_id = "resolve_erasure_request",
    params(("id" = shapes::RequestId, Path, description = "The request.")),
    responses((status = 202, description = "Going on.", body = RequestAnswer)),
)]
pub(crate) async fn resolve(
    State(engine): State<IntakeRooms>,
    IdOf { id, .. }: IdOf<Erasure>,
    post: Post<NoQuery>,
) -> Result<Answer, Problem> {
    let Post { caller, key, .. } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        let view = engine.requests().resolve(&caller, id).await?;
        Answer::new(StatusCode::ACCEPTED, &RequestAnswer::from(view))
    })
    .await
}

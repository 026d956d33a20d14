//! Deciding: a reviewer approves a plan or rejects it.

use super::{Erasure, answers::RequestAnswer, map_for, visible};
use crate::{
    call::{Post, scoped},
    checks::{Checks, MAX_LABEL, MAX_TEXT},
    idempotency::Answer,
    json::Object,
    problem::Problem,
    requests::kind::{self, IdOf},
    rooms::ReviewRooms,
    shapes,
    words::{Phase, Status},
};
use axum::extract::State;
use oubli_domain::{
    access::{Action, Caller},
    datamap::DataMap,
    ids::RequestId,
    plan::{Exclusion, PlanDigest},
};
use oubli_engine::{
    ProblemCode,
    api::{Approval, RequestView},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An approval.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewApproval, example = json!({
    "approved_by": "Rita Reviewer",
    "approval_notes": "Identity confirmed, no dispute open.",
    "exclusions": [{ "category": "invoices", "reason": "Tax audit 2026", "retention_until": "2036-12-31" }]
}))]
pub(crate) struct ApprovalBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Recorded as stated and sealed, beside the credential's own identity, which is what four eyes judges.
    #[schema(value_type = Option<shapes::Label>)]
    approved_by: Option<String>,
    /// Why it may go, in words. Kept sealed.
    #[schema(value_type = Option<shapes::Words>)]
    approval_notes: Option<String>,
    /// The plan that is approved. A first plan may be approved without it; one that replaced another is refused
    /// without its digest, with `plan_changed` and the digest that stands.
    #[schema(value_type = Option<shapes::Digest>)]
    plan_digest: Option<String>,
    /// Categories left out of the plan.
    #[schema(max_items = 100, value_type = Option<Vec<ExclusionBody>>)]
    exclusions: Option<Vec<Object<ExclusionBody>>>,
    /// All that the request's `to_acknowledge` lists: producers that were not searched, saved queries that are not asked, and
    /// ambiguous identifiers.
    #[schema(value_type = Option<Vec<shapes::LeftAside>>, max_items = 100)]
    acknowledged: Option<Vec<String>>,
}

/// Ambiguous identifiers that are the person's.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NamedIdentifiers, example = json!({ "identifiers": ["i2"] }))]
pub(crate) struct NamedIdentifiersBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// By the `id` of the request's `identifiers`.
    #[schema(min_items = 1, max_items = 100, value_type = Vec<shapes::IdentifierLabel>)]
    identifiers: Option<Vec<String>>,
    /// The plan that they were read in, as for an approval.
    #[schema(value_type = Option<shapes::Digest>)]
    plan_digest: Option<String>,
}

/// A category to leave out of the plan.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewExclusion, example = json!({ "category": "invoices", "reason": "Tax audit 2026" }))]
pub(crate) struct ExclusionBody {
    /// Which.
    #[schema(value_type = shapes::CategoryName)]
    category: Option<String>,
    /// Why, in words. Kept sealed.
    #[schema(value_type = shapes::Words)]
    reason: Option<String>,
    /// Until when it is kept: today, or a later day.
    #[schema(format = Date)]
    retention_until: Option<String>,
}

scoped!(ApprovalBody, NamedIdentifiersBody, RejectionBody);

impl ApprovalBody {
    fn names_categories(&self) -> bool {
        self.exclusions.as_ref().is_some_and(|e| !e.is_empty())
    }

    /// Approves a request of any kind.
    pub async fn approve(self, engine: &ReviewRooms, caller: &Caller, id: RequestId) -> Result<ExecutionAnswer, Problem> {
        let map = map_for(engine, caller, self.names_categories()).await?;
        let approval = visible(engine, caller, Action::Decide, id, self.check(map.as_ref())).await?;
        Ok(ExecutionAnswer::from(engine.reviews().approve(caller, id, approval).await?))
    }

    fn check(self, map: Option<&DataMap>) -> Result<Approval, Problem> {
        let mut checks = Checks::default();
        let approved_by = checks.text("approved_by", self.approved_by, MAX_LABEL);
        let notes = checks.text("approval_notes", self.approval_notes, MAX_TEXT);
        let plan_digest = plan_digest(&mut checks, "plan_digest", self.plan_digest);
        let acknowledged = self.acknowledged.unwrap_or_default();
        checks.bounded("acknowledged", &acknowledged);
        let mut exclusions: Vec<Exclusion> = Vec::new();
        let given = self.exclusions.unwrap_or_default();
        if checks.bounded("exclusions", &given) {
            for (place, Object(exclusion)) in given.into_iter().enumerate() {
                let field = format!("exclusions[{place}]");
                let Some(exclusion) = exclusion.check(&mut checks, &field, map) else { continue };
                if exclusions.iter().any(|e| e.category == exclusion.category) {
                    checks.refuse(
                        ProblemCode::InvalidValue,
                        &format!("{field}.category"),
                        "it is named twice",
                        "each category once",
                    );
                }
                exclusions.push(exclusion);
            }
        }
        checks.finish()?;
        Ok(Approval { plan_digest, approved_by, notes, exclusions, acknowledged })
    }
}

/// The digest of what was read, of a plan or of a data map.
pub(crate) fn plan_digest(checks: &mut Checks, field: &str, given: Option<String>) -> Option<PlanDigest> {
    let digest = PlanDigest::try_from(given?).ok();
    if digest.is_none() {
        let accepted = format!("{field} of what is read: sha256: and 64 lower-case hexadecimal digits");
        checks.refuse(ProblemCode::InvalidValue, field, "it is not a digest", accepted);
    }
    digest
}

impl NamedIdentifiersBody {
    /// Names them.
    pub async fn name(self, engine: &ReviewRooms, caller: &Caller, id: RequestId) -> Result<RequestView, Problem> {
        let mut checks = Checks::default();
        let digest = plan_digest(&mut checks, "plan_digest", self.plan_digest);
        if self.identifiers.is_none() {
            checks.missing("identifiers", "the id of each identifier that is the person's");
        }
        let labels = self.identifiers.unwrap_or_default();
        if labels.is_empty() {
            checks.refuse(ProblemCode::UnknownIdentifier, "identifiers", "nothing is named", "identifiers of the plan");
        }
        checks.bounded("identifiers", &labels);
        visible(engine, caller, Action::Decide, id, checks.finish()).await?;
        Ok(engine.reviews().name_identifiers(caller, id, &labels, digest.as_ref()).await?)
    }
}

impl ExclusionBody {
    fn check(self, checks: &mut Checks, prefix: &str, map: Option<&DataMap>) -> Option<Exclusion> {
        let field = format!("{prefix}.category");
        if self.category.is_none() {
            checks.missing(&field, "a category of the data map");
        }
        let category = self.category.and_then(|name| checks.category(&field, &name, map));
        let reason = checks.required_text(&format!("{prefix}.reason"), self.reason, MAX_TEXT);
        let retention_until = checks.date(&format!("{prefix}.retention_until"), self.retention_until.as_deref());
        Some(Exclusion { category: category?, reason: reason?, retention_until })
    }
}

/// The execution of an approved plan.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Execution)]
pub(crate) struct ExecutionAnswer {
    /// The request.
    request_id: String,
    /// Names this execution of this plan.
    execution_id: Option<String>,
    status: Status,
    phase: Phase,
    /// The plan that was approved.
    plan_digest: Option<String>,
}

impl From<RequestView> for ExecutionAnswer {
    fn from(view: RequestView) -> Self {
        Self {
            request_id: view.id.to_string(),
            execution_id: view.execution_id.map(Into::into),
            status: Status(view.state.status()),
            phase: Phase(view.state.phase),
            plan_digest: view.plan_digest.map(Into::into),
        }
    }
}

/// Approve a plan and run it
///
/// Whoever submitted the request cannot approve it.
#[utoipa::path(
    post,
    path = "/v1/compliance/erasure-requests/{id}/execute",
    tag = "decisions",
    operation_id = "execute_erasure_request",
    params(("id" = shapes::RequestId, Path, description = "The request.")),
    request_body = Option<ApprovalBody>,
    responses((status = 202, description = "Approved.", body = ExecutionAnswer)),
)]
pub(crate) async fn execute(engine: State<ReviewRooms>, id: IdOf<Erasure>, post: Post<ApprovalBody>) -> Result<Answer, Problem> {
    kind::execute(engine, id, post).await
}

/// Name ambiguous identifiers
///
/// Says that ambiguous identifiers of the plan are the person's. The data is looked for again, by them too, and the plan
/// that comes of it needs a decision of its own.
#[utoipa::path(
    post,
    path = "/v1/compliance/erasure-requests/{id}/identifiers",
    tag = "decisions",
    operation_id = "name_erasure_identifiers",
    params(("id" = shapes::RequestId, Path, description = "The request.")),
    request_body = NamedIdentifiersBody,
    responses((status = 202, description = "It is looked for again.", body = RequestAnswer)),
)]
pub(crate) async fn identifiers(
    engine: State<ReviewRooms>,
    id: IdOf<Erasure>,
    post: Post<NamedIdentifiersBody>,
) -> Result<Answer, Problem> {
    kind::name_identifiers(engine, id, post).await
}

/// A rejection.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRejection, example = json!({ "reason": "It was somebody else who asked." }))]
pub(crate) struct RejectionBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Why, in words. Kept sealed.
    #[schema(value_type = shapes::Words)]
    reason: Option<String>,
}

impl RejectionBody {
    /// Rejects a request of any kind.
    pub async fn reject(self, engine: &ReviewRooms, caller: &Caller, id: RequestId) -> Result<RequestView, Problem> {
        let mut checks = Checks::default();
        let reason = checks.required_text("reason", self.reason, MAX_TEXT);
        let reason = visible(engine, caller, Action::Decide, id, checks.finish_with(reason)).await?;
        Ok(engine.reviews().reject(caller, id, reason).await?)
    }
}

/// Reject a request
///
/// It ends as `rejected`. A request of which an earlier round destroyed something ends as `completed_with_exceptions`
/// instead: what the rejected plan names stays, as left out by the reviewer.
#[utoipa::path(
    post,
    path = "/v1/compliance/erasure-requests/{id}/reject",
    tag = "decisions",
    operation_id = "reject_erasure_request",
    params(("id" = shapes::RequestId, Path, description = "The request.")),
    request_body = RejectionBody,
    responses((status = 200, description = "Rejected.", body = RequestAnswer)),
)]
pub(crate) async fn reject(engine: State<ReviewRooms>, id: IdOf<Erasure>, post: Post<RejectionBody>) -> Result<Answer, Problem> {
    kind::reject(engine, id, post).await
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;

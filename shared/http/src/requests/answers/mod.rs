//! Requests as the API shows them.

mod identifiers;
mod plan;
mod progress;

pub(crate) use identifiers::{IdentifierAnswer, WordsAnswer};
pub(crate) use progress::{AccountAnswer, StatusAnswer};

use crate::words::{IdentityShown, JobStatus, Phase, Reason, RequestType, Status};
use jiff::Timestamp;
use oubli_domain::{
    personal::{Identifier, IdentifierKind},
    request::WaitingFor,
};
use oubli_engine::api::{Failure, RequestDetail, RequestView, Scope, VerificationView};
use plan::{ExclusionAnswer, KeptAnswer};
pub(crate) use plan::{PlanAnswer, UnsearchedAnswer};
use progress::CountsAnswer;
use serde::Serialize;
use utoipa::ToSchema;

/// A request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErasureRequest)]
pub(crate) struct RequestAnswer {
    /// Its id.
    #[schema(example = "req_0199a4c5d8b07c3a9a6c1f2e3d4c5b6a")]
    request_id: String,
    status: Status,
    phase: Phase,
    job_status: JobStatus,
    request_type: RequestType,
    reason: Reason,
    /// The law that sets the deadline.
    #[schema(example = "gdpr")]
    regime: &'static str,
    /// When it reached the controller: the deadlines count from then.
    received_at: Timestamp,
    /// When it was submitted here.
    submitted_at: Timestamp,
    /// Opaque id of whoever submitted it.
    submitted_by: String,
    /// How the person's identity was checked; null until it was.
    verification: Option<VerificationAnswer>,
    scope: ScopeAnswer,
    /// Only these categories, if any are named.
    categories: Vec<String>,
    /// Not these categories.
    exclude_categories: Vec<String>,
    /// Nothing is hidden before this time, if one is set.
    scheduled_at: Option<Timestamp>,
    /// The first verified open request of the same person and type, if this one repeats it.
    duplicate_of: Option<String>,
    /// When it should be answered.
    deadline: Timestamp,
    /// When the law wants it answered; an end on a closed day has moved to the next working day.
    legal_deadline: Timestamp,
    /// The last moment to extend the deadline.
    extend_by: Timestamp,
    /// The deadline was extended.
    extended: bool,
    /// Names the execution of the approved plan; null until one was approved.
    execution_id: Option<String>,
    /// When that began.
    started_at: Option<Timestamp>,
    /// Until when it can be restored.
    window_ends_at: Option<Timestamp>,
    /// When it ended; null while it goes on.
    finished_at: Option<Timestamp>,
    /// Why it stands still, if it failed.
    failure: Option<FailureAnswer>,
    /// An export goes before the erasure.
    export_first: bool,
    /// That export, once it was asked for.
    export_request_id: Option<String>,
    /// Why it waits, if it does: `another_request`, `legal_hold`, `capacity`, `export`.
    waiting_for: Option<&'static str>,
    /// What an approval names.
    plan_digest: Option<String>,
    /// How often its data was looked for to plan.
    round: u32,
}

/// How an identity was checked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Verification)]
pub(crate) struct VerificationAnswer {
    /// How, in the words of whoever attested it; shown with a single request until it is forgotten, and not to auditors and
    /// services.
    method: Option<String>,
    /// When.
    verified_at: Timestamp,
}

/// Copies covered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Scope)]
pub(crate) struct ScopeAnswer {
    /// Copies kept as backups.
    include_backups: bool,
    /// Logs.
    include_logs: bool,
    /// What was computed from the data.
    include_derived_data: bool,
}

/// Why a request or discovery stands still.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Failure)]
pub(crate) struct FailureAnswer {
    /// Stable, for programs.
    code: String,
    /// What happened and what to do next.
    message: String,
}

impl From<Failure> for FailureAnswer {
    fn from(failure: Failure) -> Self {
        Self { code: failure.code, message: failure.message }
    }
}

impl From<VerificationView> for VerificationAnswer {
    fn from(verification: VerificationView) -> Self {
        Self { method: verification.method, verified_at: verification.verified_at }
    }
}

impl From<Scope> for ScopeAnswer {
    fn from(scope: Scope) -> Self {
        let Scope { include_backups, include_logs, include_derived_data } = scope;
        Self { include_backups, include_logs, include_derived_data }
    }
}

impl From<RequestView> for RequestAnswer {
    fn from(view: RequestView) -> Self {
        Self {
            request_id: view.id.to_string(),
            status: Status(view.state.status()),
            phase: Phase(view.state.phase),
            job_status: view.state.into(),
            request_type: RequestType(view.kind),
            reason: Reason(view.reason),
            regime: "gdpr",
            received_at: view.received_at,
            submitted_at: view.submitted_at,
            submitted_by: view.submitted_by.to_string(),
            verification: view.verification.map(Into::into),
            scope: view.scope.into(),
            categories: view.categories.into_iter().map(Into::into).collect(),
            exclude_categories: view.exclude_categories.into_iter().map(Into::into).collect(),
            scheduled_at: view.scheduled_at,
            duplicate_of: view.duplicate_of.map(Into::into),
            deadline: view.deadlines.target,
            legal_deadline: view.deadlines.legal,
            extend_by: view.deadlines.extend_by,
            extended: view.extended,
            execution_id: view.execution_id.map(Into::into),
            started_at: view.started_at,
            window_ends_at: view.window_ends_at,
            finished_at: view.finished_at,
            failure: view.failure.map(Into::into),
            export_first: view.export_first,
            export_request_id: view.prior_export.map(Into::into),
            waiting_for: view.waiting_for.map(WaitingFor::name),
            plan_digest: view.plan_digest.map(Into::into),
            round: view.round,
        }
    }
}

/// A request with everything a reviewer looks at.
#[derive(Serialize, ToSchema)]
#[schema(as = ErasureRequestDetail)]
pub(crate) struct DetailAnswer {
    #[serde(flatten)]
    request: RequestAnswer,
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
    /// What will be done; null until it was looked for.
    plan: Option<PlanAnswer>,
    /// What the reviewer left out.
    exclusions: Vec<ExclusionAnswer>,
    counts: CountsAnswer,
    /// What stayed, and why.
    kept: Vec<KeptAnswer>,
    /// What was not looked at, or only in part.
    unsearched: Vec<UnsearchedAnswer>,
    /// Producers that were searched, and in which nothing was found. What a misspelt prefix leads nowhere is among them.
    nothing_found: Vec<String>,
}

impl From<RequestDetail> for DetailAnswer {
    fn from(detail: RequestDetail) -> Self {
        let identifier = |kind| {
            let identity = detail.request.identity.as_ref();
            identity.and_then(|i| i.get(kind)).map(Identifier::expose).map(ToOwned::to_owned)
        };
        Self {
            identity: IdentityShown(detail.shown),
            subject_id: identifier(&IdentifierKind::SUBJECT_ID),
            subject_email: identifier(&IdentifierKind::SUBJECT_EMAIL),
            identifiers: IdentifierAnswer::all(detail.identifiers),
            identifiers_incomplete: detail.identifiers_incomplete,
            words: detail.words.into_iter().map(Into::into).collect(),
            to_acknowledge: detail.to_acknowledge,
            request: detail.request.into(),
            plan: detail.plan.map(Into::into),
            exclusions: detail.exclusions.into_iter().map(Into::into).collect(),
            counts: detail.counts.into(),
            kept: detail.kept.into_iter().map(Into::into).collect(),
            unsearched: detail.unsearched.into_iter().map(Into::into).collect(),
            nothing_found: detail.nothing_found.into_iter().map(Into::into).collect(),
        }
    }
}

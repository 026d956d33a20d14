//! How far a request is, as the API shows it.

use super::{
    FailureAnswer,
    plan::{KeptAnswer, LeftOutAnswer, UnaskedAnswer, UnsearchedAnswer},
};
use crate::words::{JobStatus, Phase, Status};
use jiff::Timestamp;
use oubli_domain::{batch::Counts, request::WaitingFor};
use oubli_engine::api::{Account, StatusView, StepView};
use serde::Serialize;
use utoipa::ToSchema;

/// How records went.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Counts)]
pub(crate) struct CountsAnswer {
    /// Gone from their stores.
    erased: u64,
    /// Of those erased: it is not known whether Oubli or somebody else removed them.
    uncertain: u64,
    /// Somebody else had removed them.
    already_absent: u64,
    /// Kept by law or by a hold, or left for the next look, since another producer may have to keep them by now.
    retained: u64,
    /// Could not be handled; flagged for a person.
    failed: u64,
    /// Put back.
    restored: u64,
    /// Not put back, because something newer stands there, somebody removed them, or their store refused them. Their
    /// copies are kept until the recovery window ends.
    conflicts: u64,
    /// Not put back, and given up by a person.
    given_up: u64,
    /// Size of what was erased.
    size_bytes: u64,
}

impl From<Counts> for CountsAnswer {
    fn from(counts: Counts) -> Self {
        let Counts { erased, uncertain, already_absent, retained, failed, restored, conflicts, given_up, bytes } = counts;
        Self { erased, uncertain, already_absent, retained, failed, restored, conflicts, given_up, size_bytes: bytes }
    }
}

/// How far a request is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErasureStatus)]
pub(crate) struct StatusAnswer {
    /// The request.
    request_id: String,
    status: Status,
    phase: Phase,
    job_status: JobStatus,
    /// 0 to 100, only growing while a phase lasts.
    #[schema(maximum = 100)]
    progress_percent: u8,
    /// When the execution of the approved plan began.
    started_at: Option<Timestamp>,
    /// When the running phase will be done, by its measured rate.
    estimated_completion_at: Option<Timestamp>,
    /// What is done, producer by producer, in order.
    steps: Vec<StepAnswer>,
    /// Records flagged for a person.
    flagged: u64,
    /// What stays: by the last look once it is through, by the plan until then.
    kept: Vec<KeptAnswer>,
    /// What reviewers left out.
    left_out: Vec<LeftOutAnswer>,
    /// What was not looked at, or only in part.
    unsearched: Vec<UnsearchedAnswer>,
    /// Saved queries that an export does not ask, or not by everything that is known of the person.
    unasked_queries: Vec<UnaskedAnswer>,
    /// Identifiers that may be the person's and that nothing was searched by, by the `id` of the request's `identifiers`.
    ambiguous: Vec<String>,
    /// There may be more identifiers than were found.
    identifiers_incomplete: bool,
    /// No record of the person was found so far: an identifier may be mistyped.
    found_nobody: bool,
    /// Why it waits, if it does: `another_request`, `legal_hold`, `capacity`, `export`.
    waiting_for: Option<&'static str>,
    /// Why it stands still, if it failed.
    failure: Option<FailureAnswer>,
    /// Until when it can be restored.
    window_ends_at: Option<Timestamp>,
    /// When it ended; null while it goes on.
    finished_at: Option<Timestamp>,
    /// When it reached the controller: the deadlines count from then.
    received_at: Timestamp,
    /// When it should be answered.
    deadline: Timestamp,
    /// When the law wants it answered; an end on a closed day has moved to the next working day.
    legal_deadline: Timestamp,
    /// Names the execution of the approved plan; null until one was approved.
    execution_id: Option<String>,
    /// How often its data was looked for to plan.
    round: u32,
}

/// One step of a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Step)]
pub(crate) struct StepAnswer {
    /// What is done: `document_deletion`, `vector_deletion`, `backup_deletion` and the like.
    #[schema(example = "document_deletion")]
    name: String,
    /// `pending`, `in_progress`, `completed` or `failed`.
    status: &'static str,
    /// Records that it is through with.
    items_processed: u64,
    /// Records of the step.
    items_total: u64,
    /// The producer, as the data map names it.
    producer: String,
    /// Its category.
    category: String,
    counts: CountsAnswer,
    /// Why some of it failed.
    error: Option<String>,
}

impl From<StepView> for StepAnswer {
    fn from(step: StepView) -> Self {
        Self {
            name: step.name,
            status: step.status.name(),
            items_processed: step.items_processed,
            items_total: step.items_total,
            producer: step.producer,
            category: step.category.into(),
            counts: step.counts.into(),
            error: step.error,
        }
    }
}

impl From<StatusView> for StatusAnswer {
    fn from(view: StatusView) -> Self {
        let request = view.request;
        Self {
            request_id: request.id.to_string(),
            status: Status(request.state.status()),
            phase: Phase(request.state.phase),
            job_status: request.state.into(),
            progress_percent: view.progress_percent,
            started_at: request.started_at,
            estimated_completion_at: view.estimated_completion_at,
            steps: view.steps.into_iter().map(Into::into).collect(),
            flagged: view.flagged,
            kept: view.remains.kept.into_iter().map(Into::into).collect(),
            left_out: view.remains.left_out.into_iter().map(Into::into).collect(),
            unsearched: view.remains.unsearched.into_iter().map(Into::into).collect(),
            unasked_queries: view.remains.unasked.into_iter().map(Into::into).collect(),
            ambiguous: view.remains.ambiguous.into_iter().map(|i| i.label).collect(),
            identifiers_incomplete: view.remains.identifiers_incomplete,
            found_nobody: request.found_nobody,
            waiting_for: request.waiting_for.map(WaitingFor::name),
            failure: request.failure.map(Into::into),
            window_ends_at: request.window_ends_at,
            finished_at: request.finished_at,
            received_at: request.received_at,
            deadline: request.deadlines.target,
            legal_deadline: request.deadlines.legal,
            execution_id: request.execution_id.map(Into::into),
            round: request.round,
        }
    }
}

/// What had been done when something was to stop.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub(crate) struct AccountAnswer {
    /// Hidden, and can be restored.
    pub recoverable: u64,
    /// Destroyed, or being destroyed at this moment.
    pub purged: u64,
    /// Not touched.
    pub untouched: u64,
}

impl From<Account> for AccountAnswer {
    fn from(account: Account) -> Self {
        Self { recoverable: account.recoverable, purged: account.purged, untouched: account.untouched }
    }
}

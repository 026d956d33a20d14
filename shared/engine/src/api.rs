//! What the use cases take and answer, before any HTTP.

pub use crate::record_name::{NoRecordName, RecordName};
use crate::{items::ExportState, ports::DataKey};
use jiff::{Timestamp, civil::Date};
pub use oubli_domain::request::{RequestKind, Scope};
use oubli_domain::{
    audit::AuditEntry,
    batch::{Counts, RecordOutcome},
    deadline::Deadlines,
    grounds::Reason,
    hold::Hold,
    ids::{ActorId, Category, DiscoveryId, ExecutionId, HoldId, ProducerName, QueryName, ReportId, RequestId},
    lifecycle::State,
    personal::Identity,
    plan::{Exclusion, Kept, Plan, PlanDigest, Unsearched},
    remains::Remains,
    report::{Period, Report, ReportKind, Section},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How an identity was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// In the words of whoever checked it (`email_confirmation`, `id_document`, …).
    pub method: String,
    /// When.
    pub verified_at: Timestamp,
}

/// That an identity was checked, as it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerificationView {
    /// How; only [`crate::Engine::request`] opens it, and only until the request is forgotten.
    pub method: Option<String>,
    /// When.
    pub verified_at: Timestamp,
}

/// A request to submit.
#[derive(Debug, Clone)]
pub struct NewRequest {
    /// Chosen by the caller of the engine, so that a repeated submission finds the first one.
    pub id: RequestId,
    /// Whose data.
    pub identity: Identity,
    /// What is asked.
    pub kind: RequestKind,
    /// Why.
    pub reason: Reason,
    /// The caller's attestation, if it gives one.
    pub verification: Option<Verification>,
    /// Copies covered.
    pub scope: Scope,
    /// Only these, if any are named.
    pub categories: Vec<Category>,
    /// Not these.
    pub exclude_categories: Vec<Category>,
    /// Not before.
    pub scheduled_at: Option<Timestamp>,
    /// Before an erasure hides anything, an export of the same must be there to be opened.
    pub export_first: bool,
    /// The saved queries that an export runs; those that fit it, if none are named.
    pub saved_queries: Option<Vec<QueryName>>,
    /// Deliver an export to the organization's own bucket as well.
    pub deliver: bool,
}

/// A request as its organization sees it.
#[derive(Debug, Clone)]
pub struct RequestView {
    /// Its id.
    pub id: RequestId,
    /// What was asked.
    pub kind: RequestKind,
    /// Why.
    pub reason: Reason,
    /// Where it is.
    pub state: State,
    /// When it came in.
    pub submitted_at: Timestamp,
    /// From whom.
    pub submitted_by: ActorId,
    /// The identity, until it is forgotten. Only [`crate::Engine::request`] fills it in.
    pub identity: Option<Identity>,
    /// How the identity was checked.
    pub verification: Option<VerificationView>,
    /// Copies covered.
    pub scope: Scope,
    /// Only these, if any are named.
    pub categories: Vec<Category>,
    /// Not these.
    pub exclude_categories: Vec<Category>,
    /// Not before.
    pub scheduled_at: Option<Timestamp>,
    /// The first verified open request of the same subject and kind, if this one repeats it.
    pub duplicate_of: Option<RequestId>,
    /// When it must be answered.
    pub deadlines: Deadlines,
    /// It was extended.
    pub extended: bool,
    /// The approved execution.
    pub execution_id: Option<ExecutionId>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When the recovery window closes.
    pub window_ends_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What went wrong, if it did: code, message and what to do next.
    pub failure: Option<Failure>,
    /// What became of an export.
    pub export: Option<ExportState>,
    /// An export goes before the erasure.
    pub export_first: bool,
    /// That export, once it was asked for.
    pub prior_export: Option<RequestId>,
    /// The erasure that an export goes before.
    pub prior_to: Option<RequestId>,
    /// Why it waits, if it does: `another_request`, `legal_hold`, `capacity`, `export`.
    pub waiting_for: Option<String>,
    /// The plan's digest.
    pub plan_digest: Option<PlanDigest>,
    /// The round of discovery.
    pub round: u32,
}

/// Why a request stands still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable code.
    pub code: String,
    /// What happened and what to do next. No personal data.
    pub message: String,
}

/// A request with everything a reviewer or officer looks at.
#[derive(Debug, Clone)]
pub struct RequestDetail {
    /// The request.
    pub request: RequestView,
    /// The current plan.
    pub plan: Option<Plan>,
    /// What the reviewer left out.
    pub exclusions: Vec<Exclusion>,
    /// Counts over all rounds.
    pub counts: Counts,
    /// What stayed, and why.
    pub kept: Vec<Kept>,
    /// What was not looked at, or only in part.
    pub unsearched: Vec<Unsearched>,
    /// Where an export was delivered to, until its person is forgotten.
    pub delivered_to: Option<String>,
    /// The saved queries that an export runs.
    pub saved_queries: Vec<QueryName>,
}

/// One step of a status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepView {
    /// `document_deletion` or `backup_deletion`.
    pub name: String,
    /// The producer.
    pub producer: String,
    /// Its category.
    pub category: Category,
    /// `pending`, `in_progress`, `completed`, `failed`.
    pub status: &'static str,
    /// Records done.
    pub items_processed: u64,
    /// Records to do.
    pub items_total: u64,
    /// How they went.
    pub counts: Counts,
    /// Why batches failed, if any did.
    pub error: Option<String>,
}

/// The status of a request. Reading it scans nothing.
#[derive(Debug, Clone)]
pub struct StatusView {
    /// The request.
    pub request: RequestView,
    /// 0 to 100, only growing: up to 80 while hiding, to 95 while purging. A restore goes the other way.
    pub progress_percent: u8,
    /// When the running phase will be done, by its measured rate.
    pub estimated_completion_at: Option<Timestamp>,
    /// The steps of the current round.
    pub steps: Vec<StepView>,
    /// Records flagged for a person.
    pub flagged: u64,
    /// What may be left of the person: by the last look once it is through, by the plan until then.
    pub remains: Remains,
}

/// An approval.
#[derive(Debug, Clone)]
pub struct Approval {
    /// The plan approved; none: the one that stands.
    pub plan_digest: Option<PlanDigest>,
    /// As stated; four eyes judges the credential instead.
    pub approved_by: Option<String>,
    /// Free text, kept sealed.
    pub notes: Option<String>,
    /// Categories left out.
    pub exclusions: Vec<Exclusion>,
}

/// What a restore is to put back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestoreOrder {
    /// Only these categories, if any are named.
    pub categories: Vec<Category>,
    /// Also records of which it is not known who removed them.
    pub include_uncertain: bool,
    /// Only these records, if any are named; whoever removed them.
    #[serde(default)]
    pub records: Vec<RecordName>,
    /// The records named are conflicts, and their copies are given up instead of put back.
    #[serde(default)]
    pub give_up: bool,
}

impl RestoreOrder {
    /// Most records that one order can name.
    pub const MOST_RECORDS: usize = 100;

    /// Whether it may be about a record of this batch.
    pub(crate) fn concerns(&self, step: u32, batch: u32) -> bool {
        self.records.is_empty() || self.records.iter().any(|name| (name.step, name.batch) == (step, batch))
    }

    /// Whether it is about a record that went this way.
    pub(crate) fn wants(&self, outcome: RecordOutcome, name: RecordName) -> bool {
        let named = self.records.contains(&name);
        match outcome {
            RecordOutcome::Conflict => named || (self.records.is_empty() && !self.give_up),
            _ if self.give_up => false,
            RecordOutcome::Erased => named || self.records.is_empty(),
            RecordOutcome::Uncertain => named || (self.records.is_empty() && self.include_uncertain),
            _ => false,
        }
    }
}

/// A record that could not be put back. Its copy is kept until the recovery window ends.
#[derive(Debug, Clone)]
pub struct ConflictView {
    /// What a restore calls it by.
    pub name: RecordName,
    /// Its producer.
    pub producer: ProducerName,
    /// Its category.
    pub category: Category,
    /// Its address in its store. Personal: keys often carry a person's id.
    pub record: serde_json::Value,
    /// Why it was not put back.
    pub reason: Option<String>,
    /// When its copy was taken and it was hidden.
    pub hidden_at: Option<Timestamp>,
    /// When something else was last found in its place.
    pub conflict_at: Option<Timestamp>,
    /// When what stands in its place now was written, where its store says so.
    pub standing_since: Option<Timestamp>,
}

/// A page of conflicts.
#[derive(Debug, Clone)]
pub struct ConflictPage {
    /// In the order of steps, batches and records.
    pub conflicts: Vec<ConflictView>,
    /// For the next page.
    pub next_cursor: Option<String>,
}

/// A page of requests.
#[derive(Debug, Clone)]
pub struct RequestPage {
    /// Newest first.
    pub requests: Vec<RequestView>,
    /// For the next page.
    pub next_cursor: Option<String>,
}

/// Which requests to list.
#[derive(Debug, Clone)]
pub struct RequestFilter {
    /// Only exports, or only erasures.
    pub kind: RequestKind,
    /// Only these.
    pub status: Option<oubli_domain::lifecycle::Status>,
    /// From a page before.
    pub cursor: Option<String>,
    /// 1 to 100.
    pub limit: usize,
}

/// What a cancel or hold found it could not stop any more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Account {
    /// Hidden and in the vault: can be restored.
    pub recoverable: u64,
    /// Destroyed, or being destroyed at this moment.
    pub purged: u64,
    /// Not touched.
    pub untouched: u64,
}

/// The answer to a cancel.
#[derive(Debug, Clone)]
pub struct Cancelled {
    /// The request now.
    pub request: RequestView,
    /// What had been done.
    pub account: Account,
}

/// A hold to place.
#[derive(Debug, Clone)]
pub struct NewHold {
    /// Its id.
    pub id: HoldId,
    /// The subject, if it is about one.
    pub identity: Option<Identity>,
    /// The categories, if it is about some.
    pub categories: Vec<Category>,
    /// Why, in words; kept out of the log.
    pub reason: String,
    /// A case number or the like; kept out of the log.
    pub reference: Option<String>,
}

/// A hold as its organization sees it.
#[derive(Debug, Clone)]
pub struct LegalHoldView {
    /// The hold.
    pub hold: Hold,
    /// Why.
    pub reason: Option<String>,
    /// A case number or the like.
    pub reference: Option<String>,
}

/// What a new hold came too late for, in one request.
#[derive(Debug, Clone)]
pub struct HoldEffect {
    /// The request.
    pub request_id: RequestId,
    /// Its state when the hold took effect.
    pub state: State,
    /// What had been done to it.
    pub account: Account,
}

/// What a new hold came too late for, at most a hundred requests: first those of which something is hidden or under way.
#[derive(Debug, Clone, Default)]
pub struct HoldEffects {
    /// By request.
    pub effects: Vec<HoldEffect>,
    /// It touches more open requests than these.
    pub more: bool,
}

/// A page of holds.
#[derive(Debug, Clone)]
pub struct HoldPage {
    /// In the order placed.
    pub holds: Vec<LegalHoldView>,
    /// For the next page.
    pub next_cursor: Option<String>,
}

/// What is there for a subject, in one category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryInventory {
    /// The category.
    pub name: Category,
    /// Records other than vectors.
    pub document_count: u64,
    /// Vectors.
    pub vector_count: u64,
    /// Their size.
    pub total_size_bytes: u64,
    /// Some of it must be kept.
    pub retention_required: bool,
    /// Why.
    pub retention_reason: Option<String>,
    /// The producers behind it, with their counts.
    pub producers: Vec<(String, u64)>,
    /// The last day until which some of it is kept.
    pub retained_until: Option<Date>,
}

/// A stand-alone discovery.
#[derive(Debug, Clone)]
pub struct DiscoveryView {
    /// Its id.
    pub id: DiscoveryId,
    /// `running`, `completed`, `failed`.
    pub status: String,
    /// When it began.
    pub started_at: Timestamp,
    /// By category; empty while it runs.
    pub categories: Vec<CategoryInventory>,
    /// What was not looked at, or only in part: nothing is known of it.
    pub unsearched: Vec<Unsearched>,
    /// What went wrong.
    pub failure: Option<Failure>,
}

/// What opens an export.
#[derive(Debug, Clone)]
pub struct ExportAccess {
    /// Fetches it, encrypted.
    pub download_url: String,
    /// Until when the link works.
    pub link_expires_at: Timestamp,
    /// The data key.
    pub content_key: DataKey,
    /// What it is called.
    pub file_name: String,
    /// Its size, encrypted.
    pub size_bytes: u64,
    /// What the message's header says.
    pub encryption_context: BTreeMap<String, String>,
    /// Until when it can be opened at all.
    pub expires_at: Timestamp,
    /// Links given out, this one included.
    pub links: u32,
}

/// A compliance report to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportOrder {
    /// What about.
    pub kind: ReportKind,
    /// Requests received in it.
    pub period: Period,
    /// Its parts.
    pub sections: Vec<Section>,
}

/// A report, or where it is.
#[derive(Debug, Clone)]
pub enum ReportOutcome {
    /// It is made.
    Done(Box<Report>),
    /// It is being made.
    Running(ReportView),
}

/// A report being made in the background.
#[derive(Debug, Clone)]
pub struct ReportView {
    /// Its id.
    pub id: ReportId,
    /// `running`, `completed` or `failed`.
    pub status: String,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// Requests counted so far.
    pub requests_counted: u64,
    /// Why it failed.
    pub failure: Option<Failure>,
}

/// A query of the audit log.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Only these.
    pub event_type: Option<String>,
    /// Not before.
    pub start: Option<Timestamp>,
    /// Not after.
    pub end: Option<Timestamp>,
    /// Only this request's.
    pub request_id: Option<RequestId>,
    /// Only what this actor did.
    pub actor: Option<ActorId>,
    /// Only what is about this person, as far as the index reaches back.
    pub subject: Option<Identity>,
    /// From a page before.
    pub cursor: Option<String>,
    /// 1 to 100.
    pub limit: usize,
}

impl AuditQuery {
    /// What was asked for, for the log: which filters, and their values where these are nobody's name.
    pub(crate) fn filters(&self) -> Vec<(&'static str, serde_json::Value)> {
        let mut filters = Vec::new();
        let mut add = |name: &'static str, value: Option<String>| filters.extend(value.map(|v| (name, v.into())));
        add("event_type", self.event_type.clone());
        add("start_date", self.start.map(|t| t.to_string()));
        add("end_date", self.end.map(|t| t.to_string()));
        add("about_request", self.request_id.map(|id| id.to_string()));
        add("about_actor", self.actor.map(|a| a.to_string()));
        add("about_subject", self.subject.as_ref().map(|_| "given".to_owned()));
        filters
    }
}

/// An entry, or an event that is not sealed yet.
#[derive(Debug, Clone)]
pub struct AuditView {
    /// The entry; for unsealed events index and hashes mean nothing.
    pub entry: AuditEntry,
    /// It is in the log.
    pub sealed: bool,
    /// The actor's name, while the directory knows it.
    pub executed_by: Option<String>,
}

/// A page of the audit log.
#[derive(Debug, Clone)]
pub struct AuditPage {
    /// Sealed entries in order, then events not sealed yet.
    pub entries: Vec<AuditView>,
    /// For the next page.
    pub next_cursor: Option<String>,
}

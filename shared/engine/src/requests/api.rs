//! What the room of requests takes and answers.

use crate::{
    core::{Account, IdentifierView, RequestView, WordsView},
    record_name::RecordName,
};
use jiff::Timestamp;
use oubli_domain::{
    batch::Counts,
    ids::{Category, ProducerName, QueryName},
    plan::{Exclusion, Kept, Plan, Unsearched},
    remains::Remains,
    request::{RequestKind, StepStatus},
};
use serde::{Deserialize, Serialize};

/// A request with everything a reviewer or officer looks at.
#[derive(Debug, Clone)]
pub struct RequestDetail {
    /// The request.
    pub request: RequestView,
    /// Whether it says who the person is.
    pub shown: Shown,
    /// The identifiers that the person is known by, those given first; empty until they are looked for, and once the
    /// person is forgotten.
    pub identifiers: Vec<IdentifierView>,
    /// There may be more identifiers than were found.
    pub identifiers_incomplete: bool,
    /// What an approval of the plan has to name.
    pub to_acknowledge: Vec<String>,
    /// What people said of it, where the person is revealed.
    pub words: Vec<WordsView>,
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
    /// Producers that were searched, and in which nothing was found.
    pub nothing_found: Vec<ProducerName>,
    /// Where an export was delivered to, until its person is forgotten.
    pub delivered_to: Option<String>,
    /// The saved queries that an export runs.
    pub saved_queries: Vec<QueryName>,
}

/// Whether a view says who somebody is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shown {
    /// Nobody asked for it.
    Withheld,
    /// It does.
    Revealed,
    /// Nobody can say any more.
    Forgotten,
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
    pub status: StepStatus,
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
    /// For the next page. There may be one after a page without any request.
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

/// The answer to a cancel.
#[derive(Debug, Clone)]
pub struct Cancelled {
    /// The request now.
    pub request: RequestView,
    /// What had been done.
    pub account: Account,
}

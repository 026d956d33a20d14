//! What several rooms take and answer.

use crate::items::{ExportState, Failure};
use jiff::Timestamp;
use oubli_domain::{
    deadline::Deadlines,
    grounds::Reason,
    ids::{ActorId, Category, ExecutionId, QueryName, RequestId},
    lifecycle::State,
    personal::{IdentifierKind, Identity, Known, Origin, Person, Resolved, Standing},
    plan::{PlanDigest, PlannedIdentifier},
    request::{RequestKind, Scope, WaitingFor},
};
use serde::{Deserialize, Serialize};
use std::fmt;

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
    /// How; only [`crate::Requests::request`] opens it, and only until the request is forgotten.
    pub method: Option<String>,
    /// When.
    pub verified_at: Timestamp,
}

/// An identifier of a person, as it is shown to whoever may see it.
#[derive(Debug, Clone)]
pub struct IdentifierView {
    /// What the plan calls it.
    pub label: String,
    /// Its kind.
    pub kind: IdentifierKind,
    /// What it is, for whom that is revealed.
    pub known: Option<Known>,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether records are found by it.
    pub standing: Standing,
    /// A reviewer named it.
    pub named: bool,
}

impl IdentifierView {
    /// Those of a person.
    pub fn of(person: Person) -> Vec<Self> {
        let view = |(place, r): (usize, Resolved)| Self {
            label: PlannedIdentifier::label(place),
            kind: r.known.kind.clone(),
            known: Some(r.known),
            origin: r.origin,
            standing: r.standing,
            named: r.named,
        };
        person.identifiers.into_iter().enumerate().map(view).collect()
    }

    /// The same without what they are.
    pub fn withheld(person: Person) -> Vec<Self> {
        Self::of(person).into_iter().map(|view| Self { known: None, ..view }).collect()
    }
}

/// What somebody said about a request, and what shows that the log commits to it.
#[derive(Clone)]
pub struct WordsView {
    /// `notes`, `reason`, `reasons`, `approved_by`, `verification_method`, `exclusion_reasons` (JSON, by category): the entry's detail is called so, and `_commitment`.
    pub what: String,
    /// The words.
    pub text: String,
    /// 32 random bytes in hexadecimal: SHA-256 of them and the text is the commitment.
    pub opening: String,
    /// Who said it.
    pub said_by: Option<ActorId>,
    /// When.
    pub said_at: Timestamp,
    /// The entry that commits to it.
    pub audit_id: String,
}

/// Without the words.
impl fmt::Debug for WordsView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WordsView").field("what", &self.what).field("audit_id", &self.audit_id).finish_non_exhaustive()
    }
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
    /// When it reached the controller, where that was before it is submitted: the legal period begins then.
    pub received_at: Option<Timestamp>,
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
    /// When it reached the controller: its deadlines count from then.
    pub received_at: Timestamp,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// From whom.
    pub submitted_by: ActorId,
    /// The identity, until it is forgotten. Only [`crate::Requests::request`] fills it in.
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
    pub waiting_for: Option<WaitingFor>,
    /// The plan's digest.
    pub plan_digest: Option<PlanDigest>,
    /// The round of discovery.
    pub round: u32,
    /// No look found any record of the person so far.
    pub found_nobody: bool,
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

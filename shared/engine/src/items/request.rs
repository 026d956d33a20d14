//! A request, and the items that stand beside it.

use crate::{
    EngineError, Result,
    items::{ExportState, PriorExport},
    ports::{Key, TableName},
    record_name::RecordName,
};
use jiff::Timestamp;
use oubli_domain::{
    batch::{Counts, RecordOutcome},
    deadline::Deadlines,
    grounds::Reason,
    hold::HoldView,
    ids::{ActorId, Category, ExecutionId, HoldId, OrganizationId, RequestId},
    lifecycle::{Phase, State},
    plan::{KeptBecause, LeftOut, PlanDigest},
    request::{RequestKind, Scope, WaitingFor},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt::Display, time::Duration};

/// A request. Written whole, always on condition of its `version`. Its parts are one item: conditions name their attributes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RequestItem {
    /// Its owner.
    pub organization: OrganizationId,
    /// Its id.
    pub id: RequestId,
    /// Counts every write of this item.
    pub version: u64,
    /// Counts changes of state. Every claim and every confirm checks it, so that one write fences all batches.
    pub run: u64,
    /// Where it is.
    pub state: State,
    /// Where it failed, while it is failed.
    pub failed_in: Option<Phase>,
    /// Why, while it is failed.
    pub failure: Option<Failure>,
    /// Why.
    pub reason: Reason,
    /// Copies covered.
    pub scope: Scope,
    /// Only these, if any.
    pub categories: Vec<Category>,
    /// Not these.
    pub exclude_categories: Vec<Category>,
    /// Not before.
    pub scheduled_at: Option<Timestamp>,
    /// Keyed hashes of the subject's identifiers.
    pub subject_keys: Vec<String>,
    /// The identity, sealed under the request's own key.
    pub sealed_identity: Option<String>,
    /// The commitment that audit entries carry.
    pub subject_id_hash: String,
    /// Its opening, sealed.
    pub sealed_opening: Option<String>,
    /// Who submitted it.
    pub submitted_by: ActorId,
    /// When.
    pub submitted_at: Timestamp,
    /// When it reached the controller, where whoever submitted it said so.
    #[serde(default)]
    pub received_at: Option<Timestamp>,
    /// How the identity was checked.
    pub verification: Option<VerifiedItem>,
    /// Who says so.
    pub verified_by: Option<ActorId>,
    /// The first verified open request of the same subject and kind.
    pub duplicate_of: Option<RequestId>,
    /// When it must be answered.
    pub deadlines: Deadlines,
    /// They were extended.
    pub extended: bool,
    /// The controller's time zone: retention counts its days.
    pub time_zone: String,
    /// When the running phase began.
    pub phase_started_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it waits.
    pub waiting_for: Option<WaitingFor>,
    /// Since when.
    #[serde(default)]
    pub waiting_since: Option<Timestamp>,
    /// Where it stands in line, so that whoever ends the wait finds it.
    #[serde(default)]
    pub waits_in: Option<WaitsIn>,
    /// Its keys and objects are gone; what remains is the record of it.
    pub cleaned: bool,
    /// The index of an organization's requests by time.
    pub gsi_pk: String,
    /// As above.
    pub gsi_sk: String,
    /// The index of what wants attention; absent when nothing does.
    pub due_pk: Option<String>,
    /// As above: when.
    pub due_sk: Option<String>,
    /// The plan that stands, and how far it is carried out.
    #[serde(flatten)]
    pub execution: ExecutionItem,
    /// What was asked, with what only such requests have.
    #[serde(flatten)]
    pub asked: AskedItem,
}

/// The plan of a request, its decision, and how far it is carried out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExecutionItem {
    /// The round whose plan stands; 0 before the first.
    pub round: u32,
    /// The round being discovered.
    pub seeking: Option<u32>,
    /// The round whose discovery found nothing more, once one did.
    pub verified: Option<u32>,
    /// How often the search for the person of the round being discovered was begun.
    #[serde(default)]
    pub resolving: u32,
    /// The rounds whose plans were begun to be carried out: only these say what is known of the person for good.
    #[serde(default)]
    pub begun: Vec<u32>,
    /// The last round that was ever discovered for: no number is used twice.
    pub sought: u32,
    /// No look found any record of the person so far.
    #[serde(default)]
    pub found_nobody: bool,
    /// The data map's version that the plan of `round` was made by.
    pub map_version: u64,
    /// The data map's version that the round being discovered goes by, from its beginning to its end.
    #[serde(default)]
    pub seeking_map: Option<u64>,
    /// Nobody goes on looking whether anything is left: the end says that it was not looked at.
    #[serde(default)]
    pub unverified: bool,
    /// Why what the plan of a later round names, and what was not hidden of it, stays: that round is over, and what earlier
    /// ones destroyed is told with it.
    #[serde(default)]
    pub closing: Option<KeptBecause>,
    /// Somebody wants no more of it: what a hold kept is not looked for again once that is released.
    #[serde(default)]
    pub abandoned: bool,
    /// The plan's digest.
    pub plan_digest: Option<PlanDigest>,
    /// When discovery of that plan began.
    pub planned_at: Option<Timestamp>,
    /// The approved execution of the round.
    pub execution_id: Option<ExecutionId>,
    /// When the decision fell.
    pub decided_at: Option<Timestamp>,
    /// When its first plan was decided on.
    #[serde(default)]
    pub first_decided_at: Option<Timestamp>,
    /// Categories that reviewers left out.
    pub exclusions: Vec<LeftOut>,
    /// The same with the words that say why, sealed.
    pub sealed_exclusions: Option<String>,
    /// Ambiguous identifiers that a reviewer named as the person's, sealed.
    #[serde(default)]
    pub sealed_named: Option<String>,
    /// The round's steps that are to run, in order. A step's number is its producer's place in the deletion order.
    pub steps: Vec<u32>,
    /// The place in `steps` being worked on.
    pub current_step: u32,
    /// Batches that may be in flight at the same time.
    pub lanes: u32,
    /// When hiding first began.
    pub started_at: Option<Timestamp>,
    /// What the holds mean for it.
    pub holds: HoldView,
    /// Categories of which something goes that may be of another, each after that one: a hold on that one is on it, too.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub may_be_held_as: BTreeSet<(Category, Category)>,
    /// The place it holds while batches are in flight.
    pub slot: Option<u32>,
    /// Counts of the rounds that are purged.
    pub counts: Counts,
}

/// Who a round found the person to be, sealed under the request's key of identities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResolutionItem {
    /// A [`oubli_domain::personal::Person`].
    pub sealed_person: String,
}

/// What was asked, with what only such requests have.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AskedItem {
    /// Everything about the person.
    FullErasure(ErasureItem),
    /// Some categories of it.
    PartialErasure(ErasureItem),
    /// A copy.
    Export(ExportItem),
}

/// What only erasures have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ErasureItem {
    /// The recovery window that its data is hidden for, as set when hiding began.
    #[serde(default)]
    pub window_seconds: u32,
    /// When the recovery window closes.
    pub window_ends_at: Option<Timestamp>,
    /// What is being restored.
    pub restore: Option<RestoreOrder>,
    /// Holds that kept some of it when it was completed: their release opens it again.
    pub deferred_by: Vec<HoldId>,
    /// An export goes before the erasure.
    #[serde(default)]
    pub export_first: bool,
    /// The export that goes before it.
    #[serde(default)]
    pub prior_export: Option<PriorExport>,
}

/// What only exports have.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ExportItem {
    /// What became of an export.
    #[serde(default)]
    pub export: Option<ExportState>,
    /// The erasure that an export goes before.
    #[serde(default)]
    pub prior_to: Option<RequestId>,
    /// It is delivered to this bucket of the organization's as well.
    #[serde(default)]
    pub deliver_to: Option<String>,
    /// It may be packaged only once somebody decided so.
    #[serde(default)]
    pub reviewed: bool,
    /// Rows that its saved queries were seen to bring when it turned out to need a decision for that; there may be more.
    #[serde(default)]
    pub query_rows: u64,
}

impl AskedItem {
    /// Of a request that was just submitted.
    pub fn new(kind: RequestKind) -> Self {
        match kind {
            RequestKind::FullErasure => Self::FullErasure(ErasureItem::default()),
            RequestKind::PartialErasure => Self::PartialErasure(ErasureItem::default()),
            RequestKind::Export => Self::Export(ExportItem::default()),
        }
    }
}

impl RequestItem {
    /// What was asked.
    pub const fn kind(&self) -> RequestKind {
        match self.asked {
            AskedItem::FullErasure(_) => RequestKind::FullErasure,
            AskedItem::PartialErasure(_) => RequestKind::PartialErasure,
            AskedItem::Export(_) => RequestKind::Export,
        }
    }

    /// When it reached the controller: its deadlines count from then.
    pub fn received_at(&self) -> Timestamp {
        self.received_at.unwrap_or(self.submitted_at)
    }

    /// Whether a reviewer left a category out.
    pub fn leaves_out(&self, category: &Category) -> bool {
        self.execution.exclusions.iter().any(|e| e.category == *category)
    }

    /// What only erasures have.
    pub const fn erasure(&self) -> Option<&ErasureItem> {
        match &self.asked {
            AskedItem::FullErasure(erasure) | AskedItem::PartialErasure(erasure) => Some(erasure),
            AskedItem::Export(_) => None,
        }
    }

    /// The same, to change it.
    ///
    /// # Errors
    /// [`EngineError::Internal`] for what erases nothing.
    pub fn erasure_mut(&mut self) -> Result<&mut ErasureItem> {
        match &mut self.asked {
            AskedItem::FullErasure(erasure) | AskedItem::PartialErasure(erasure) => Ok(erasure),
            AskedItem::Export(_) => Err(EngineError::internal("an export is no erasure")),
        }
    }

    /// What only exports have.
    pub const fn export(&self) -> Option<&ExportItem> {
        match &self.asked {
            AskedItem::Export(export) => Some(export),
            AskedItem::FullErasure(_) | AskedItem::PartialErasure(_) => None,
        }
    }

    /// The same, to change it.
    ///
    /// # Errors
    /// [`EngineError::Internal`] for what exports nothing.
    pub fn export_mut(&mut self) -> Result<&mut ExportItem> {
        match &mut self.asked {
            AskedItem::Export(export) => Ok(export),
            AskedItem::FullErasure(_) | AskedItem::PartialErasure(_) => Err(EngineError::internal("an erasure is no export")),
        }
    }

    /// When the recovery window closes.
    pub fn window_ends_at(&self) -> Option<Timestamp> {
        self.erasure()?.window_ends_at
    }

    /// What is being restored.
    pub fn restore(&self) -> Option<&RestoreOrder> {
        self.erasure()?.restore.as_ref()
    }

    /// Holds that kept some of it when it was completed.
    pub fn deferred_by(&self) -> &[HoldId] {
        self.erasure().map_or(&[], |erasure| &erasure.deferred_by)
    }

    /// The export that goes before it.
    pub fn prior_export(&self) -> Option<PriorExport> {
        self.erasure()?.prior_export
    }

    /// The erasure that it goes before.
    pub fn prior_to(&self) -> Option<RequestId> {
        self.export()?.prior_to
    }

    /// What became of an export.
    pub fn export_state(&self) -> Option<&ExportState> {
        self.export()?.export.as_ref()
    }

    /// The same, to change it.
    pub fn export_state_mut(&mut self) -> Option<&mut ExportState> {
        self.export_mut().ok()?.export.as_mut()
    }

    /// How many shards the index of due items has.
    pub const DUE_SHARDS: u8 = 4;

    /// The recovery window that its data is hidden for.
    pub fn window(&self) -> Duration {
        Duration::from_secs(self.erasure().map_or(0, |erasure| u64::from(erasure.window_seconds)))
    }

    /// Asks for attention at a time.
    pub fn due(&mut self, at: Timestamp) {
        let (pk, sk) = due(at, &self.id);
        self.due_pk = Some(pk);
        self.due_sk = Some(sk);
    }

    /// When it asked for attention.
    pub fn due_at(&self) -> Option<Timestamp> {
        let millis = self.due_sk.as_deref()?.get(..16)?.parse().ok()?;
        Timestamp::from_millisecond(millis).ok()
    }

    /// Asks for a new round to be discovered.
    pub fn seek(&mut self) {
        self.execution.sought += 1;
        self.execution.seeking = Some(self.execution.sought);
        self.execution.seeking_map = None;
    }

    /// It is over without an erasure; or, where an earlier round destroyed something, this round is.
    pub fn end(&mut self, now: Timestamp, why: KeptBecause, abandoned: bool) {
        if self.state.is_final() {
            self.finished_at = Some(now);
            self.due(now);
        } else {
            self.close(why, abandoned);
        }
    }

    /// Ends a later round that is not carried out. Its own look is the last, unless that is under way, or something of the
    /// round was touched since. `abandoned`: whoever ends it wants no more of the request.
    fn close(&mut self, why: KeptBecause, abandoned: bool) {
        let touched = self.execution.begun.contains(&self.execution.round);
        self.execution.unverified = touched || self.execution.seeking.is_some();
        self.execution.closing = Some(why);
        self.execution.abandoned = abandoned;
        if self.execution.seeking.is_none() {
            self.seek();
        }
    }

    /// Its work may go on only once it has a slot again.
    pub fn lacks_slot(&self) -> bool {
        self.execution.slot.is_none() && matches!(self.state.phase, Phase::Hiding | Phase::Purging)
    }

    /// Stands in no line any more.
    pub fn waits_no_more(&mut self) {
        self.waiting_for = None;
        self.waiting_since = None;
        self.waits_in = None;
    }

    /// Asks for no attention.
    pub fn not_due(&mut self) {
        self.due_pk = None;
        self.due_sk = None;
    }
}

/// The address of a request's place in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitsIn {
    /// Its partition.
    pub pk: String,
    /// Its sort key.
    pub sk: String,
}

impl WaitsIn {
    /// The item of that place.
    pub fn key(&self) -> Key {
        Key { table: TableName::Control, pk: self.pk.clone(), sk: self.sk.clone() }
    }
}

/// That an identity was checked. How is free text, and sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedItem {
    /// When.
    pub verified_at: Timestamp,
    /// How, sealed under the request's key.
    pub sealed_method: String,
}

/// Where in the index of due items what has this id, or belongs to it, is found from a time on.
pub fn due(at: Timestamp, id: &impl Display) -> (String, String) {
    let id = id.to_string();
    let shard = id.bytes().last().unwrap_or_default() % RequestItem::DUE_SHARDS;
    (due_partition(shard), due_sort(at, &id))
}

/// A shard of the index of due items.
pub fn due_partition(shard: u8) -> String {
    format!("due#{shard}")
}

/// A place in a shard.
pub fn due_sort(at: Timestamp, id: &str) -> String {
    format!("{:016}#{id}", at.as_millisecond().max(0))
}

/// Which request executes for a subject, and how often its holds changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardItem {
    /// The request of which something is, or may be, hidden.
    #[serde(default)]
    pub executing: Option<RequestId>,
    /// The export that copies the subject's data.
    #[serde(default)]
    pub exporting: Option<RequestId>,
    /// Counts holds placed and released.
    #[serde(default)]
    pub holds_version: u64,
}

/// A request that is not final.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenItem {
    /// Which.
    pub request: RequestId,
    /// Whose.
    pub subject_keys: Vec<String>,
    /// What was asked.
    pub kind: RequestKind,
    /// Its identity is confirmed.
    pub verified: bool,
}

impl OpenItem {
    /// A request, as it stands among those that are not final.
    pub fn of(request: &RequestItem, verified: bool) -> Self {
        Self { request: request.id, subject_keys: request.subject_keys.clone(), kind: request.kind(), verified }
    }
}

/// A reviewer's decision. Only `review` writes it; `deletion` hides nothing without it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionItem {
    /// The approved execution.
    pub execution_id: ExecutionId,
    /// The plan it is about.
    pub plan_digest: PlanDigest,
    /// Approved, or rejected.
    pub approved: bool,
    /// The credential's own identity: what four eyes judges.
    pub decided_by: ActorId,
    /// When.
    pub decided_at: Timestamp,
    /// What is left out.
    pub exclusions: Vec<LeftOut>,
    /// Four eyes was relaxed by the organization's setting.
    pub four_eyes_relaxed: bool,
}

/// Why a request stands still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable code.
    pub code: String,
    /// What happened and what to do next. No personal data.
    pub message: String,
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
        self.records.is_empty() || self.records.iter().any(|name| (name.step_index, name.batch_index) == (step, batch))
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, to_value};
    use std::collections::BTreeSet;

    fn keys(part: &impl Serialize) -> BTreeSet<String> {
        let Ok(Value::Object(map)) = to_value(part) else { panic!("a part is a map") };
        map.into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn no_part_of_a_request_writes_over_another() {
        let execution = keys(&ExecutionItem::default());
        for kind in RequestKind::ALL {
            let asked = AskedItem::new(kind);
            assert!(execution.is_disjoint(&keys(&asked)), "{kind:?}");
            assert_eq!(to_value(&asked).expect("JSON")["kind"], kind.name());
        }
        let head = ["organization", "id", "version", "run", "state", "failure", "waiting_for", "due_pk", "due_sk", "gsi_pk"];
        assert!(head.iter().all(|name| !execution.contains(*name)));
    }
}

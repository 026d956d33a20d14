//! A request's steps and batches: how they are addressed, counted and sent on their way.

use crate::{
    EngineError, Result,
    core::Core,
    items::{BatchItem, RequestItem, StepItem, batch_prefix, from_item, request_partition, step_key},
    ports::{Change, Envelope, HideMethod, Message, Query, Range, TableName},
};
use oubli_domain::{
    batch::{BatchState, BatchWork, Counts},
    datamap::WorkerPool,
    ids::{OrganizationId, RequestId},
    lifecycle::Phase,
};
use serde_json::Value;

/// Which batch a message is about, and in which run of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchAddress {
    /// The round.
    pub round: u32,
    /// The step's number.
    pub step_index: u32,
    /// The batch's place in the step.
    pub batch_index: u32,
    /// The request's run.
    pub run: u64,
    /// Whose workers do it.
    pub pool: WorkerPool,
}

impl BatchAddress {
    pub(crate) fn message(self, organization: &OrganizationId, request: &RequestId) -> Message {
        let Self { round, step_index, batch_index, run, pool } = self;
        Message::Batch { organization: organization.clone(), request: *request, round, step_index, batch_index, run, pool }
    }
}

impl Core {
    /// Sends the current step's first batches, one per lane.
    pub(crate) async fn send_first(&self, request: &RequestItem) -> Result<()> {
        let Some(step_index) = request.execution.steps.get(request.execution.current_step as usize).copied() else {
            return Ok(());
        };
        let steps = self.steps_of(request).await?;
        let Some((_, step)) = steps.into_iter().find(|(n, _)| *n == step_index) else { return Ok(()) };
        let work = work_of(request.state.phase);
        let needs_key = work == BatchWork::Purge && step.method == HideMethod::Vault && !step.key_destroyed;
        if needs_key || !concerned(request, step_index, &step, work) {
            return Ok(());
        }
        let lanes = 0..request.execution.lanes.max(1).min(step.batches);
        let first: Vec<_> = lanes.map(|n| Envelope::now(batch_message(request, (step_index, &step), n))).collect();
        self.send_all(first).await
    }

    /// The steps of the round that are to run, with their numbers, in order.
    pub(crate) async fn steps_of(&self, item: &RequestItem) -> Result<Vec<(u32, StepItem)>> {
        let partition = request_partition(&item.organization, &item.id);
        let mut steps = Vec::new();
        for numbers in item.execution.steps.chunks(100) {
            let keys: Vec<_> = numbers.iter().map(|n| step_key(&partition, item.execution.round, *n)).collect();
            for (number, found) in numbers.iter().zip(self.ports.table.get_many(&keys).await?) {
                let found = found.ok_or_else(|| EngineError::internal("a step of the plan is gone"))?;
                steps.push((*number, from_item(found)?));
            }
        }
        Ok(steps)
    }

    /// A step's batches in order, consistently.
    pub(crate) async fn batches(&self, partition: &str, round: u32, step: u32) -> Result<Vec<(u32, BatchItem)>> {
        let query = Query::new(TableName::Control, partition.to_owned(), Range::Prefix(batch_prefix(round, step)));
        let items = self.query_all(query).await?;
        (0..).zip(items).map(|(n, item)| Ok((n, from_item(item)?))).collect()
    }
}

/// Whether a step has anything to do in this kind of work.
pub(crate) fn concerned(request: &RequestItem, step_index: u32, step: &StepItem, work: BatchWork) -> bool {
    match work {
        BatchWork::Hide => step.batches > 0,
        BatchWork::Restore => {
            let named = request.restore().is_none_or(|r| r.categories.is_empty() || r.categories.contains(&step.category));
            let meant =
                request.restore().is_none_or(|r| r.records.is_empty() || r.records.iter().any(|n| n.step_index == step_index));
            named && meant && (step.counts.restorable() > 0 || step.restore_batches > 0)
        }
        // The copies of what could not be put back are destroyed with the others; what a store keeps itself is no copy.
        BatchWork::Purge if step.method == HideMethod::Vault => step.counts.restorable() > 0,
        BatchWork::Purge => step.counts.erased > 0,
    }
}

pub(crate) fn difference(was: u64, is: u64) -> i64 {
    let signed = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    signed(is) - signed(was)
}

/// How the step's counters change when a batch's records go from one set of counts to another.
pub(crate) fn changes(was: &Counts, is: &Counts) -> Vec<Change> {
    let all = [
        ("erased", was.erased, is.erased),
        ("uncertain", was.uncertain, is.uncertain),
        ("already_absent", was.already_absent, is.already_absent),
        ("retained", was.retained, is.retained),
        ("failed", was.failed, is.failed),
        ("restored", was.restored, is.restored),
        ("conflicts", was.conflicts, is.conflicts),
        ("given_up", was.given_up, is.given_up),
        ("bytes_erased", was.bytes, is.bytes),
    ];
    all.into_iter().filter(|(_, was, is)| was != is).map(|(name, was, is)| Change::Add(name, difference(was, is))).collect()
}

/// A message for a batch of the request's round, in the request's run.
pub(crate) fn batch_message(request: &RequestItem, (step_index, step): (u32, &StepItem), batch_index: u32) -> Message {
    let at = BatchAddress { round: request.execution.round, step_index, batch_index, run: request.run, pool: step.pool };
    at.message(&request.organization, &request.id)
}

/// A state as items write it.
pub(crate) fn word(state: BatchState) -> Value {
    serde_json::to_value(state).unwrap_or_default()
}

/// What is done with batches in a phase.
pub(crate) fn work_of(phase: Phase) -> BatchWork {
    match phase {
        Phase::Restoring => BatchWork::Restore,
        Phase::Purging => BatchWork::Purge,
        _ => BatchWork::Hide,
    }
}

//! Whose turn it is: an organization's batches begin no faster than its limit lets them. Waiting for a turn is no attempt.
//!
//! A batch that waits has one message on its way. Another one that comes meanwhile is not needed: were it sent on, too, each look
//! of the sweeper would add one, for as long as the request takes.

use crate::{
    Result,
    core::{BatchAddress, seconds_to_wait, word},
    execution::Execution,
    items::{BatchItem, RequestItem, batch_key, request_partition},
    transaction::{Committed, Transaction, equals, set, unchanged},
};
use jiff::SignedDuration;
use oubli_domain::limits::Metered;

/// How much earlier than its turn a message may come that was sent for it, by clocks that disagree, in milliseconds.
const EARLY: i64 = 5_000;

/// Whose turn it is.
pub(super) enum Turn {
    /// The batch's.
    Now,
    /// Somebody else's for so many seconds.
    Later(u16),
    /// Another message comes when it is the batch's.
    Awaited,
}

impl Execution {
    /// Takes a turn for a batch.
    pub(super) async fn turn(&self, request: &RequestItem, batch: &BatchItem, at: BatchAddress) -> Result<Turn> {
        let now = self.core.now();
        if batch.awaits_turn(request.run, now.as_millisecond() + EARLY) {
            return Ok(Turn::Awaited);
        }
        let Some(until) = self.core.meter(&request.organization, Metered::Batches, 1).await else { return Ok(Turn::Now) };
        // Whoever came in vain lets others go first, or all lanes would come for every turn.
        let lanes = request.execution.lanes.max(1);
        let in_vain = batch.turn_run == Some(request.run);
        let behind = if in_vain { request.execution.slot.unwrap_or_default() * lanes + at.batch_index % lanes } else { 0 };
        let wait = until.duration_since(now).saturating_mul(i32::try_from(behind + 1).unwrap_or(i32::MAX));
        let seconds = seconds_to_wait(now, now + wait.min(SignedDuration::from_hours(1)));
        let turn_at = now.as_millisecond() + i64::from(seconds) * 1000;
        let key = batch_key(&request_partition(&request.organization, &request.id), at.round, at.step_index, at.batch_index);
        let as_read = vec![equals("state", word(batch.state)), equals("fence", batch.fence), unchanged("turn_at", batch.turn_at)];
        let changes = vec![set("turn_at", turn_at), set("turn_run", request.run)];
        let noted = Transaction::new().update(key, changes, as_read).commit(self.core.ports.table.as_ref()).await?;
        tracing::info!(organization = %request.organization, request = %request.id, of = Metered::Batches.name(), seconds, "throttled");
        Ok(if noted == Committed::Yes { Turn::Later(seconds) } else { Turn::Awaited })
    }
}

//! Going on without what failed, on a person's word.

use super::submit::not_in;
use crate::{
    Engine, Result,
    api::RequestView,
    engine::batch_order,
    execution::{changes, word},
    items::{BatchItem, RequestItem, StepItem, batch_key, request_key, request_partition, step_key},
    ports::{Change, Envelope, HideMethod},
    transaction::{Transaction, equals, set},
};
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    batch::{BatchState, Counts, Outcomes, RecordOutcome},
    ids::{ActorId, RequestId},
    lifecycle::{self, Event, Phase},
};

impl Engine {
    /// Leaves what could not be handled as it is, and goes on: what was to be put back stays hidden while the window lasts;
    /// what its store does not destroy is counted as failed; of what a cancel could not settle every copy is kept as
    /// uncertain; and what no look could verify is named as not looked at.
    ///
    /// # Errors
    /// `invalid_state` unless the request failed once it had hidden something, and not while hiding.
    pub async fn resolve(&self, caller: &Caller, id: RequestId) -> Result<RequestView> {
        Self::permit(caller, Action::Undo)?;
        let before = self.owned(caller, &id).await?;
        Ok(RequestView::from(&self.continue_without_failed(&before, Some(caller.actor)).await?))
    }

    /// As [`resolve`](Self::resolve), on a person's word or by policy.
    pub(crate) async fn continue_without_failed(&self, before: &RequestItem, actor: Option<ActorId>) -> Result<RequestItem> {
        let failed_in = before.failed_in.filter(|_| before.state.phase == Phase::Failed);
        let Some(failed_in) = failed_in.filter(|phase| phase.can_continue_without_failed()) else {
            return Err(not_in(before, "resolved"));
        };
        let state =
            lifecycle::resume(before.kind, before.state, failed_in, Event::Retried).map_err(|_| not_in(before, "resolved"))?;
        let mut after = self.moved_to(before, state);
        after.failed_in = None;
        after.failure = None;
        after.unverified = failed_in == Phase::Verifying;
        if failed_in != Phase::Recoverable {
            self.resolve_batches(before, &after, failed_in).await?;
        }
        let event = self.transition_event(&after, EventType::RequestResolved, actor);
        let transaction = self.write_request(before, &after, Some(event))?;
        transaction.commit_or_conflict(self.ports.table.as_ref(), "request").await?;
        let next = if after.unverified { Self::discover_message(&after) } else { Self::advance_message(&after) };
        self.notify_after_command(&after, Some(Envelope::now(next))).await?;
        Ok(after)
    }

    async fn resolve_batches(&self, before: &RequestItem, after: &RequestItem, failed_in: Phase) -> Result<()> {
        let Some(number) = before.steps.get(before.current_step as usize).copied() else { return Ok(()) };
        let partition = request_partition(&before.organization, &before.id);
        let steps = self.steps_of(before).await?;
        let Some((_, step)) = steps.into_iter().find(|(n, _)| *n == number) else { return Ok(()) };
        for (n, batch) in self.batches(&partition, before.round, number).await? {
            if batch.state != BatchState::Failed {
                continue;
            }
            let (mut batch_changes, mut step_changes) = match failed_in {
                // Through with this restore, and hidden still.
                Phase::Restoring => (vec![set("state", word(BatchState::Hidden)), set("restore_run", after.run)], vec![]),
                Phase::Settling => {
                    let back = batch.claimed_from.unwrap_or(BatchState::Pending);
                    (vec![set("state", word(back)), set("unanswered", true)], vec![])
                }
                _ => left_undestroyed(&step, &batch),
            };
            batch_changes.extend([set("attempts", 0), set("not_before", 0), Change::Remove("claimed_from")]);
            step_changes.push(Change::Add("failed_batches", -1));
            let order = format!("{}#{:08}", batch_order(before, "resolved", number, n), batch.fence);
            let mut event = self.event(before, EventType::BatchResolved, &order);
            event.details.insert("producer".to_owned(), step.producer.to_string().into());
            event.details.insert("category".to_owned(), step.category.to_string().into());
            event.details.insert("batch".to_owned(), n.into());
            let unchanged = vec![equals("state", word(BatchState::Failed)), equals("fence", batch.fence)];
            let transaction = Transaction::new()
                .check(request_key(&before.organization, &before.id), vec![equals("run", before.run)])
                .update(batch_key(&partition, before.round, number, n), batch_changes, unchanged)
                .update(step_key(&partition, before.round, number), step_changes, vec![]);
            let transaction = self.outbox(transaction, &before.organization, &order, &event)?;
            transaction.commit_or_conflict(self.ports.table.as_ref(), "batch").await?;
        }
        Ok(())
    }
}

/// What its store keeps is not erased. Without its key a vault's part is unreadable, whether or not the object is left.
fn left_undestroyed(step: &StepItem, batch: &BatchItem) -> (Vec<Change>, Vec<Change>) {
    let resolved = set("state", word(BatchState::Resolved));
    if step.method == HideMethod::Vault {
        return (vec![resolved], vec![]);
    }
    let was = batch.outcomes.clone().unwrap_or_else(|| Outcomes::new(vec![]));
    let is = Outcomes::new(was.as_slice().iter().map(|f| if f.is_hidden() { RecordOutcome::Failed } else { *f }).collect());
    let (was, is_now) = (was.counts(|_| 0), is.counts(|_| 0));
    let counts = changes(&Counts { bytes: batch.bytes_hidden, ..was }, &is_now);
    (vec![resolved, set("outcomes", String::from(is))], counts)
}

//! Stopping a request, and what is left of it then.

use crate::{
    Result,
    core::{Account, Core, batch_order, changes, not_in, word},
    items::{BatchItem, RequestItem, StepItem, batch_key, request_key, request_partition, step_key},
    ports::{Change, Condition, Envelope, HideMethod},
    transaction::{Transaction, add, equals, set},
};
use oubli_domain::{
    audit::{DataErased, EventType},
    batch::{BatchState, Counts, Outcomes, RecordOutcome},
    ids::ActorId,
    lifecycle::{self, Event, Phase},
    plan::KeptBecause,
};

impl Core {
    /// As [`resolve`](Self::resolve), on a person's word or by policy.
    pub(crate) async fn continue_without_failed(&self, before: &RequestItem, actor: Option<ActorId>) -> Result<RequestItem> {
        let failed_in = before.failed_in.filter(|_| before.state.phase == Phase::Failed);
        let Some(failed_in) = failed_in.filter(|phase| phase.can_continue_without_failed()) else {
            return Err(not_in(before, "resolved"));
        };
        let state =
            lifecycle::resume(before.kind(), before.state, failed_in, Event::Retried).map_err(|_| not_in(before, "resolved"))?;
        let mut after = self.moved_to(before, state);
        after.failed_in = None;
        after.failure = None;
        after.execution.unverified = failed_in == Phase::Verifying;
        if failed_in != Phase::Recoverable {
            self.resolve_batches(before, &after, failed_in).await?;
        }
        let event = self.transition_event(&after, EventType::RequestResolved, actor);
        let transaction = self.write_request(before, &after, Some(event))?;
        transaction.commit_or_conflict(self.ports.table.as_ref(), "request").await?;
        let next = if after.execution.unverified { Self::discover_message(&after) } else { Self::advance_message(&after) };
        self.notify_after_command(&after, Some(Envelope::now(next))).await?;
        Ok(after)
    }

    async fn resolve_batches(&self, before: &RequestItem, after: &RequestItem, failed_in: Phase) -> Result<()> {
        let Some(number) = before.execution.steps.get(before.execution.current_step as usize).copied() else { return Ok(()) };
        let partition = request_partition(&before.organization, &before.id);
        let steps = self.steps_of(before).await?;
        let Some((_, step)) = steps.into_iter().find(|(n, _)| *n == number) else { return Ok(()) };
        for (n, batch) in self.batches(&partition, before.execution.round, number).await? {
            if batch.state != BatchState::Failed {
                continue;
            }
            let nothing = DataErased::default;
            let (mut batch_changes, mut step_changes, erased) = match failed_in {
                // Through with this restore, and hidden still.
                Phase::Restoring => {
                    (vec![set("state", word(BatchState::Hidden)), set("restore_run", after.run)], vec![], nothing())
                }
                Phase::Settling => {
                    let back = batch.claimed_from.unwrap_or(BatchState::Pending);
                    (vec![set("state", word(back)), set("unanswered", true)], vec![], nothing())
                }
                _ => left_undestroyed(&step, &batch),
            };
            batch_changes.extend([set("attempts", 0), set("not_before", 0), Change::Remove("claimed_from")]);
            step_changes.push(Change::Add("failed_batches", -1));
            let order = format!("{}#{:08}", batch_order(before, "resolved", number, n), batch.fence);
            let mut event = self.event(before, EventType::BatchResolved, &order);
            event.data_erased = erased;
            event.details.insert("producer".to_owned(), step.producer.to_string().into());
            event.details.insert("category".to_owned(), step.category.to_string().into());
            event.details.insert("batch".to_owned(), n.into());
            let unchanged = vec![equals("state", word(BatchState::Failed)), equals("fence", batch.fence)];
            let transaction = Transaction::new()
                .check(request_key(&before.organization, &before.id), vec![equals("run", before.run)])
                .update(batch_key(&partition, before.execution.round, number, n), batch_changes, unchanged)
                .update(step_key(&partition, before.execution.round, number), step_changes, vec![]);
            let transaction = self.outbox(transaction, &before.organization, &order, &event)?;
            transaction.commit_or_conflict(self.ports.table.as_ref(), "batch").await?;
        }
        Ok(())
    }

    /// Cancels a request, for somebody or because its time is up. What earlier rounds destroyed stays told.
    ///
    /// # Errors
    /// `invalid_state` for requests that are over.
    pub(crate) async fn stop(&self, before: &RequestItem, actor: Option<ActorId>, reason: Option<&str>) -> Result<RequestItem> {
        let state = match before.failed_in {
            Some(phase) => lifecycle::resume(before.kind(), before.state, phase, Event::CancelAsked),
            None => lifecycle::next(before.kind(), before.state, Event::CancelAsked),
        };
        let mut after = self.moved_to(before, state.map_err(|_| not_in(before, "cancelled"))?);
        if before.failed_in.is_some() {
            // What failed is settled, or destroyed, with the rest.
            self.reset_failed_batches(before).await?;
        }
        after.failed_in = None;
        after.failure = None;
        match after.state.phase {
            Phase::Recoverable => {
                if let Some(end) = after.window_ends_at() {
                    after.due(end);
                }
            }
            Phase::Cancelled | Phase::Verifying => after.end(self.now(), KeptBecause::Cancelled, actor.is_some()),
            _ => {}
        }
        let mut event = self.transition_event(&after, EventType::RequestCancelled, actor);
        let kept = match reason {
            Some(reason) => self.keep_words(before, &mut event, "reason", reason).await?,
            None => Transaction::new(),
        };
        let transaction = self.write_request(before, &after, Some(event))?.and(kept);
        transaction.commit_or_conflict(self.ports.table.as_ref(), "request").await?;
        self.notify_after_command(&after, Some(Envelope::now(Self::next_message(&after)))).await?;
        Ok(after)
    }

    pub(crate) async fn reset_failed_batches(&self, request: &RequestItem) -> Result<()> {
        let Some(number) = request.execution.steps.get(request.execution.current_step as usize) else { return Ok(()) };
        let partition = request_partition(&request.organization, &request.id);
        for (n, batch) in self.batches(&partition, request.execution.round, *number).await? {
            if batch.state != BatchState::Failed {
                continue;
            }
            let back = batch.claimed_from.unwrap_or(BatchState::Pending);
            let changes = vec![
                set("state", serde_json::to_value(back).unwrap_or_default()),
                set("attempts", 0),
                set("not_before", 0),
                Change::Remove("claimed_from"),
            ];
            // A batch already reset by a retry that died half-way is left alone.
            Transaction::new()
                .update(batch_key(&partition, request.execution.round, *number, n), changes, failed(&batch))
                .update(step_key(&partition, request.execution.round, *number), vec![Change::Add("failed_batches", -1)], vec![])
                .commit(self.ports.table.as_ref())
                .await?;
        }
        Ok(())
    }

    /// What became of a request's records so far.
    pub(crate) async fn account(&self, request: &RequestItem) -> Result<Account> {
        // What earlier rounds destroyed, and this one once it is through.
        let mut account = Account { purged: request.execution.counts.erased, ..Account::default() };
        // What failed stands where it failed.
        let phase = request.failed_in.unwrap_or(request.state.phase);
        let away = matches!(phase, Phase::Hiding | Phase::Settling | Phase::Recoverable | Phase::Restoring | Phase::Purging);
        let through = matches!(phase, Phase::Verifying | Phase::Completed | Phase::CompletedWithExceptions);
        for (place, (number, step)) in self.steps_of(request).await?.into_iter().enumerate() {
            account.untouched += step.records.saturating_sub(step.counts.ended());
            if through {
                continue;
            }
            // What was destroyed before it was opened again can be restored no more.
            let kept = if away { step.counts.restorable() } else { 0 };
            let gone = match step.method {
                _ if phase != Phase::Purging => 0,
                HideMethod::Vault if step.key_destroyed => step.counts.erased,
                HideMethod::Vault => 0,
                HideMethod::Native if place < request.execution.current_step as usize => step.counts.erased,
                HideMethod::Native if place > request.execution.current_step as usize => 0,
                HideMethod::Native => self.destroyed_of(request, number).await?,
            };
            account.purged += gone;
            // With its key, a conflict's copy is gone as well.
            account.recoverable += if step.key_destroyed { 0 } else { kept.saturating_sub(gone) };
        }
        Ok(account)
    }

    /// Records of a step whose destruction by their store is done, or may be in flight.
    async fn destroyed_of(&self, request: &RequestItem, number: u32) -> Result<u64> {
        let partition = request_partition(&request.organization, &request.id);
        let batches = self.batches(&partition, request.execution.round, number).await?;
        let destroyed = batches.iter().map(|(_, batch)| {
            let all = match batch.state {
                BatchState::Purged | BatchState::Claimed | BatchState::Failed | BatchState::Resolved => &batch.outcomes,
                // Between two attempts.
                _ => &batch.destroyed,
            };
            all.iter().flat_map(|o| o.as_slice()).filter(|o| o.is_hidden()).count() as u64
        });
        Ok(destroyed.sum())
    }
}

/// What its store keeps is not erased, but for what is known to be gone by now. Without its key a vault's part is unreadable,
/// whether or not the object is left.
fn left_undestroyed(step: &StepItem, batch: &BatchItem) -> (Vec<Change>, Vec<Change>, DataErased) {
    let resolved = set("state", word(BatchState::Resolved));
    if step.method == HideMethod::Vault {
        return (vec![resolved], vec![], DataErased::default());
    }
    let was = batch.outcomes.clone().unwrap_or_else(|| Outcomes::new(vec![]));
    let gone = |place: usize| batch.destroyed.as_ref().and_then(|o| o.as_slice().get(place)).copied();
    let ends = |(place, was): (usize, &RecordOutcome)| match gone(place) {
        _ if !was.is_hidden() => *was,
        None | Some(RecordOutcome::Untouched) => RecordOutcome::Failed,
        Some(gone) => gone,
    };
    let is = Outcomes::new(was.as_slice().iter().enumerate().map(ends).collect());
    let was = Counts { bytes: batch.bytes_hidden, ..was.counts(|_| 0) };
    let now = Counts { bytes: batch.bytes_destroyed, ..is.counts(|_| 0) };
    let mut counts = changes(&was, &now);
    counts.push(add("purge_records", now.erased));
    let erased = DataErased { documents: now.erased, vectors: 0, size_bytes: now.bytes };
    (vec![resolved, set("outcomes", String::from(is))], counts, erased)
}

fn failed(batch: &BatchItem) -> Vec<Condition> {
    vec![equals("state", "failed"), equals("fence", batch.fence)]
}

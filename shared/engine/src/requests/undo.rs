//! Cancel, restore, retry.

use super::submit::not_in;
use crate::{
    Engine, ProblemCode, Refusal, Result,
    api::{Account, Cancelled, RequestView, RestoreOrder},
    items::{BatchItem, RequestItem, batch_key, request_key, request_partition, step_key},
    ports::{Change, Condition, Envelope, HideMethod},
    transaction::{Transaction, equals, set},
};
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    batch::BatchState,
    ids::{ActorId, Category, RequestId},
    lifecycle::{self, Event, Phase},
};

impl Engine {
    /// Stops what has not happened. What is hidden stays recoverable, what is purged is named.
    ///
    /// # Errors
    /// `purge_running` with the account, once destruction has begun; `invalid_state` for requests that are over.
    pub async fn cancel(&self, caller: &Caller, id: RequestId, reason: Option<String>) -> Result<Cancelled> {
        Self::permit(caller, Action::Undo)?;
        let before = self.owned(caller, &id).await?;
        if matches!(before.state.phase, Phase::Purging | Phase::Verifying) && !before.state.cancelled {
            let account = self.account(&before).await?;
            let text = format!(
                "Destruction has begun: {} records are gone or going, {} were not touched.",
                account.purged, account.untouched
            );
            return Err(Refusal::conflict(
                ProblemCode::PurgeRunning,
                text,
                "Nothing can be brought back; place a legal hold to stop the rest.",
            )
            .into());
        }
        // Read before, too: who is told of an error must not find it cancelled.
        let account = self.account(&before).await?;
        let after = self.stop(&before, Some(caller.actor), reason.as_deref()).await?;
        let account = self.account(&after).await.unwrap_or(account);
        Ok(Cancelled { account, request: RequestView::from(&after) })
    }

    /// Cancels a request, for somebody or because its time is up.
    ///
    /// # Errors
    /// `invalid_state` for requests that are over.
    pub(crate) async fn stop(&self, before: &RequestItem, actor: Option<ActorId>, reason: Option<&str>) -> Result<RequestItem> {
        let state = match before.failed_in {
            Some(phase) => lifecycle::resume(before.kind, before.state, phase, Event::CancelAsked),
            None => lifecycle::next(before.kind, before.state, Event::CancelAsked),
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
                if let Some(end) = after.window_ends_at {
                    after.due(end);
                }
            }
            Phase::Cancelled => {
                after.finished_at = Some(self.now());
                after.due(self.now());
            }
            _ => {}
        }
        let mut event = self.transition_event(&after, EventType::RequestCancelled, actor);
        if let Some(reason) = reason {
            event.details.insert("reason_commitment".to_owned(), self.commit_words(reason).into());
        }
        let transaction = self.write_request(before, &after, Some(event))?;
        transaction.commit_or_conflict(self.ports.table.as_ref(), "request").await?;
        self.notify_after_command(&after, Some(Envelope::now(Self::advance_message(&after)))).await?;
        Ok(after)
    }

    /// Puts back what was hidden, all of it or the categories named.
    ///
    /// # Errors
    /// `window_closed` once it is too late, `invalid_state` when nothing is hidden.
    pub async fn restore(&self, caller: &Caller, id: RequestId, order: RestoreOrder) -> Result<RequestView> {
        Self::permit(caller, Action::Undo)?;
        let before = self.owned(caller, &id).await?;
        let over = before.state.is_final() && before.counts.erased > 0;
        if over
            || matches!(before.state.phase, Phase::Purging | Phase::Verifying | Phase::Completed | Phase::CompletedWithExceptions)
        {
            let text = "The recovery window has closed: what was hidden is destroyed.";
            return Err(Refusal::conflict(ProblemCode::WindowClosed, text, "Nothing can be brought back.").into());
        }
        if before.state.phase != Phase::Recoverable {
            return Err(not_in(&before, "restored"));
        }
        if before.window_ends_at.is_some_and(|end| self.now() >= end) && before.waiting_for.as_deref() != Some("legal_hold") {
            let text = "The recovery window has closed.";
            return Err(Refusal::conflict(ProblemCode::WindowClosed, text, "Nothing can be brought back.").into());
        }
        self.known_categories(&before, &order.categories).await?;
        self.known_records(&before, &order).await?;
        let mut after = self.moved(&before, Event::RestoreAsked)?;
        after.restore = Some(order);
        after.current_step = 0;
        let partition = request_partition(&before.organization, &before.id);
        // Every restore counts its own batches.
        for numbers in before.steps.chunks(STEPS_TOGETHER) {
            let reset = || vec![set("restore_batches", 0), set("restore_records", 0)];
            let transaction = numbers.iter().fold(unchanged(&before), |transaction, number| {
                transaction.update(step_key(&partition, before.round, *number), reset(), vec![Condition::ItemPresent])
            });
            transaction.commit_or_conflict(self.ports.table.as_ref(), "steps").await?;
        }
        let event = self.transition_event(&after, EventType::RestoreStarted, Some(caller.actor));
        let transaction = self.write_request(&before, &after, Some(event))?;
        transaction.commit_or_conflict(self.ports.table.as_ref(), "request").await?;
        self.left_to_sweeper(&after.organization, self.send_first(&after).await).await?;
        self.notify_after_command(&after, Some(Envelope::now(Self::advance_message(&after)))).await?;
        Ok(RequestView::from(&after))
    }

    /// Every record named can be put back, or given up.
    async fn known_records(&self, request: &RequestItem, order: &RestoreOrder) -> Result<()> {
        let refuse =
            |text: String, accepted: &str| Err(Refusal::invalid(ProblemCode::UnknownRecord, "records", text, accepted).into());
        if order.give_up && order.records.is_empty() {
            return refuse("Which copies are given up must be said.".to_owned(), "Name records of GET …/conflicts.");
        }
        if order.records.len() > RestoreOrder::MOST_RECORDS {
            let most = RestoreOrder::MOST_RECORDS;
            return refuse(format!("More than {most} records are named."), "Name fewer, or none for all.");
        }
        let partition = request_partition(&request.organization, &request.id);
        if order.give_up {
            self.not_held(request, order).await?;
        }
        for name in &order.records {
            let key = batch_key(&partition, request.round, name.step, name.batch);
            let batch: Option<BatchItem> = self.find(key).await?;
            let outcome = batch.and_then(|b| b.outcomes).and_then(|o| o.as_slice().get(name.index).copied());
            if !outcome.is_some_and(|o| order.wants(o, *name)) {
                let what = if order.give_up { "given up: it is no conflict" } else { "put back: it is not hidden" };
                return refuse(format!("{name} cannot be {what}."), "Name records of GET …/conflicts.");
            }
        }
        Ok(())
    }

    /// Nothing that is given up is on hold.
    async fn not_held(&self, request: &RequestItem, order: &RestoreOrder) -> Result<()> {
        let (_, holds) = self.evaluate_holds(request).await?;
        for (number, step) in self.steps_of(request).await? {
            let named = order.records.iter().any(|name| name.step == number);
            if let Some(hold) = holds.on(&step.category).filter(|_| named) {
                let text = format!("Legal hold {hold} keeps the copies of {}.", step.category);
                return Err(Refusal::conflict(ProblemCode::LegalHoldActive, text, "Release the hold first.").into());
            }
        }
        Ok(())
    }

    async fn known_categories(&self, request: &RequestItem, named: &[Category]) -> Result<()> {
        let map = self.map_version(&request.organization, request.map_version).await?;
        let known = map.categories();
        match named.iter().find(|c| !known.contains(c)) {
            None => Ok(()),
            Some(unknown) => {
                let names = known.iter().map(|c| c.as_str()).collect::<Vec<_>>().join(", ");
                let text = format!("There is no category {unknown} in the plan.");
                Err(Refusal::invalid(ProblemCode::UnknownCategory, "categories", text, format!("Accepted: {names}.")).into())
            }
        }
    }

    /// Tries again what failed.
    ///
    /// # Errors
    /// `invalid_state` unless it failed.
    pub async fn retry(&self, caller: &Caller, id: RequestId) -> Result<RequestView> {
        Self::permit(caller, Action::Retry)?;
        let before = self.owned(caller, &id).await?;
        let Some(failed_in) = before.failed_in.filter(|_| before.state.phase == Phase::Failed) else {
            return Err(not_in(&before, "retried"));
        };
        self.reset_failed_batches(&before).await?;
        let state =
            lifecycle::resume(before.kind, before.state, failed_in, Event::Retried).map_err(|_| not_in(&before, "retried"))?;
        let mut after = self.moved_to(&before, state);
        after.failed_in = None;
        after.failure = None;
        after.unverified = false;
        // A look that failed by its data map begins anew by a better one.
        if after.state.phase == Phase::Discovering && self.has_newer_map(&after).await? {
            after.seek();
        }
        let event = self.transition_event(&after, EventType::RequestRetried, Some(caller.actor));
        let transaction = self.write_request(&before, &after, Some(event))?;
        transaction.commit_or_conflict(self.ports.table.as_ref(), "request").await?;
        let message = match after.state.phase {
            Phase::Discovering | Phase::Verifying => Self::discover_message(&after),
            _ => Self::advance_message(&after),
        };
        if after.state.phase.is_working() {
            self.left_to_sweeper(&after.organization, self.send_first(&after).await).await?;
        }
        self.notify_after_command(&after, Some(Envelope::now(message))).await?;
        Ok(RequestView::from(&after))
    }

    pub(super) async fn reset_failed_batches(&self, request: &RequestItem) -> Result<()> {
        let Some(number) = request.steps.get(request.current_step as usize) else { return Ok(()) };
        let partition = request_partition(&request.organization, &request.id);
        for (n, batch) in self.batches(&partition, request.round, *number).await? {
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
                .update(batch_key(&partition, request.round, *number, n), changes, failed(&batch))
                .update(step_key(&partition, request.round, *number), vec![Change::Add("failed_batches", -1)], vec![])
                .commit(self.ports.table.as_ref())
                .await?;
        }
        Ok(())
    }

    /// What became of a request's records so far.
    pub(crate) async fn account(&self, request: &RequestItem) -> Result<Account> {
        // What earlier rounds destroyed, and this one once it is through.
        let mut account = Account { purged: request.counts.erased, ..Account::default() };
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
                HideMethod::Native if place < request.current_step as usize => step.counts.erased,
                HideMethod::Native if place > request.current_step as usize => 0,
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
        let batches = self.batches(&partition, request.round, number).await?;
        let going =
            batches.iter().filter(|(_, b)| matches!(b.state, BatchState::Purged | BatchState::Claimed | BatchState::Failed));
        let hidden = |b: &BatchItem| b.outcomes.iter().flat_map(|o| o.as_slice()).filter(|o| o.is_hidden()).count() as u64;
        Ok(going.map(|(_, b)| hidden(b)).sum())
    }
}

/// Steps written by one transaction, besides the check of the request.
const STEPS_TOGETHER: usize = 90;

fn unchanged(request: &RequestItem) -> Transaction {
    Transaction::new().check(request_key(&request.organization, &request.id), vec![equals("version", request.version)])
}

fn failed(batch: &BatchItem) -> Vec<Condition> {
    vec![equals("state", "failed"), equals("fence", batch.fence)]
}

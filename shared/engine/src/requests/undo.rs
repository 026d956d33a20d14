//! Cancel, restore, retry.

use crate::{
    ProblemCode, Refusal, Result,
    core::{Core, PRODUCERS_OVERLAP, RequestView, not_in},
    items::{BatchItem, RequestItem, RestoreOrder, batch_key, request_key, request_partition, step_key},
    ports::{Condition, Envelope},
    requests::{Cancelled, Requests},
    transaction::{Transaction, equals, set},
};
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    ids::{Category, RequestId},
    lifecycle::{self, Event, Phase},
    request::WaitingFor,
};

impl Requests {
    /// Stops what has not happened. What is hidden stays recoverable, what is purged is named.
    ///
    /// # Errors
    /// `purge_running` with the account, once destruction has begun; `invalid_state` for requests that are over.
    pub async fn cancel(&self, caller: &Caller, id: RequestId, reason: Option<String>) -> Result<Cancelled> {
        Core::permit(caller, Action::Undo)?;
        let before = self.core.owned(caller, &id).await?;
        if matches!(before.state.phase, Phase::Purging | Phase::Verifying) && !before.state.cancelled {
            let account = self.core.account(&before).await?;
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
        let account = self.core.account(&before).await?;
        let after = self.core.stop(&before, Some(caller.actor), reason.as_deref()).await?;
        let account = self.core.account(&after).await.unwrap_or(account);
        Ok(Cancelled { account, request: RequestView::from(&after) })
    }

    /// Puts back what was hidden, all of it or the categories named.
    ///
    /// # Errors
    /// `window_closed` once it is too late, `invalid_state` when nothing is hidden, `unknown_category`; `unknown_record` for a
    /// record that cannot be put back or given up, `empty_scope` and `too_many` for none or too many of them.
    pub async fn restore(&self, caller: &Caller, id: RequestId, order: RestoreOrder) -> Result<RequestView> {
        Core::permit(caller, Action::Undo)?;
        let before = self.core.owned(caller, &id).await?;
        let over = before.state.is_final() && before.execution.counts.erased > 0;
        if over
            || matches!(before.state.phase, Phase::Purging | Phase::Verifying | Phase::Completed | Phase::CompletedWithExceptions)
        {
            let text = "The recovery window has closed: what was hidden is destroyed.";
            return Err(Refusal::conflict(ProblemCode::WindowClosed, text, "Nothing can be brought back.").into());
        }
        if before.state.phase != Phase::Recoverable {
            return Err(not_in(&before, "restored"));
        }
        if before.window_ends_at().is_some_and(|end| self.core.now() >= end) && before.waiting_for != Some(WaitingFor::LegalHold)
        {
            let text = "The recovery window has closed.";
            return Err(Refusal::conflict(ProblemCode::WindowClosed, text, "Nothing can be brought back.").into());
        }
        self.known_categories(&before, &order.categories).await?;
        self.known_records(&before, &order).await?;
        let mut after = self.core.moved(&before, Event::RestoreAsked)?;
        after.erasure_mut()?.restore = Some(order);
        after.execution.current_step = 0;
        let partition = request_partition(&before.organization, &before.id);
        // Every restore counts its own batches.
        for numbers in before.execution.steps.chunks(STEPS_TOGETHER) {
            let reset = || vec![set("restore_batches", 0), set("restore_records", 0)];
            let transaction = numbers.iter().fold(unchanged(&before), |transaction, number| {
                transaction.update(step_key(&partition, before.execution.round, *number), reset(), vec![Condition::ItemPresent])
            });
            transaction.commit_or_conflict(self.core.ports.table.as_ref(), "steps").await?;
        }
        let event = self.core.transition_event(&after, EventType::RestoreStarted, Some(caller.actor));
        let transaction = self.core.write_request(&before, &after, Some(event))?;
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
        self.core.left_to_sweeper(&after.organization, self.core.send_first(&after).await).await?;
        self.core.notify_after_command(&after, Some(Envelope::now(Core::advance_message(&after)))).await?;
        Ok(RequestView::from(&after))
    }

    /// Every record named can be put back, or given up.
    async fn known_records(&self, request: &RequestItem, order: &RestoreOrder) -> Result<()> {
        let refuse = |code, text: &str, accepted: &str| Err(Refusal::invalid(code, "records", text, accepted).into());
        if order.give_up && order.records.is_empty() {
            let text = "Which copies are given up must be said.";
            return refuse(ProblemCode::EmptyScope, text, "Name records of GET …/conflicts.");
        }
        if order.records.len() > RestoreOrder::MOST_RECORDS {
            let text = format!("More than {} records are named.", RestoreOrder::MOST_RECORDS);
            return refuse(ProblemCode::TooMany, &text, "Name fewer, or none for all.");
        }
        let partition = request_partition(&request.organization, &request.id);
        if order.give_up {
            self.not_held(request, order).await?;
        }
        for name in &order.records {
            let key = batch_key(&partition, request.execution.round, name.step_index, name.batch_index);
            let batch: Option<BatchItem> = self.core.find(key).await?;
            let outcome = batch.and_then(|b| b.outcomes).and_then(|o| o.as_slice().get(name.index).copied());
            if !outcome.is_some_and(|o| order.wants(o, *name)) {
                let what = if order.give_up { "given up: it is no conflict" } else { "put back: it is not hidden" };
                let text = format!("{name} cannot be {what}.");
                return refuse(ProblemCode::UnknownRecord, &text, "Name records of GET …/conflicts.");
            }
        }
        Ok(())
    }

    /// Nothing that is given up is on hold.
    async fn not_held(&self, request: &RequestItem, order: &RestoreOrder) -> Result<()> {
        let (_, holds) = self.core.evaluate_holds(request).await?;
        for (number, step) in self.core.steps_of(request).await? {
            let named = order.records.iter().any(|name| name.step_index == number);
            if let Some(hold) = holds.on(&step.category).filter(|_| named) {
                let text = format!("Legal hold {hold} keeps the copies of {}.", step.category);
                return Err(Refusal::conflict(ProblemCode::LegalHoldActive, text, "Release the hold first.").into());
            }
        }
        Ok(())
    }

    async fn known_categories(&self, request: &RequestItem, named: &[Category]) -> Result<()> {
        let map = self.core.map_version(&request.organization, request.execution.map_version).await?;
        let known = map.categories();
        match named.iter().find(|c| !known.contains(c)) {
            None => Ok(()),
            Some(unknown) => {
                let names = known.iter().map(|c| c.as_str()).collect::<Vec<_>>().join(", ");
                let text = format!("There is no category {unknown} in the data map of the plan.");
                Err(Refusal::invalid(ProblemCode::UnknownCategory, "categories", text, format!("Accepted: {names}.")).into())
            }
        }
    }

    /// Tries again what failed.
    ///
    /// # Errors
    /// `invalid_state` unless it failed.
    pub async fn retry(&self, caller: &Caller, id: RequestId) -> Result<RequestView> {
        Core::permit(caller, Action::Retry)?;
        let before = self.core.owned(caller, &id).await?;
        let Some(failed_in) = before.failed_in.filter(|_| before.state.phase == Phase::Failed) else {
            return Err(not_in(&before, "retried"));
        };
        self.core.reset_failed_batches(&before).await?;
        let state =
            lifecycle::resume(before.kind(), before.state, failed_in, Event::Retried).map_err(|_| not_in(&before, "retried"))?;
        let mut after = self.core.moved_to(&before, state);
        after.failed_in = None;
        after.failure = None;
        // What a later round leaves is told of as it was to be.
        after.execution.unverified &= after.execution.closing.is_some();
        // A look that failed by its data map begins anew by a better one; one that failed by what it could not search, by what
        // can be searched now.
        let overlapped = before.failure.as_ref().is_some_and(|failure| failure.code == PRODUCERS_OVERLAP);
        if overlapped || (after.state.phase == Phase::Discovering && self.core.has_newer_map(&after).await?) {
            after.seek();
        }
        let event = self.core.transition_event(&after, EventType::RequestRetried, Some(caller.actor));
        let transaction = self.core.write_request(&before, &after, Some(event))?;
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
        let message = match after.state.phase {
            Phase::Discovering | Phase::Verifying => Core::discover_message(&after),
            _ => Core::advance_message(&after),
        };
        if after.state.phase.is_working() {
            self.core.left_to_sweeper(&after.organization, self.core.send_first(&after).await).await?;
        }
        self.core.notify_after_command(&after, Some(Envelope::now(message))).await?;
        Ok(RequestView::from(&after))
    }
}

/// Steps written by one transaction, besides the check of the request.
const STEPS_TOGETHER: usize = 90;

fn unchanged(request: &RequestItem) -> Transaction {
    Transaction::new().check(request_key(&request.organization, &request.id), vec![equals("version", request.version)])
}

//! From approved to hiding, and from recoverable to purging: what must hold before anything is touched.

use crate::{
    EngineError, Result,
    core::{Core, Next, Wait, acquire_slot, holds_stand, seconds_until, take_guards},
    execution::Execution,
    items::{GuardItem, RequestItem, decision_key, request_key, request_partition},
    keyring::{self, Purpose},
    ports::{Condition, Envelope, HideMethod},
    transaction::{Transaction, equals},
};
use oubli_domain::{
    audit::EventType,
    lifecycle::{Event, Phase},
};

impl Execution {
    /// Begins to hide, if the decision stands, its time has come, nobody else executes for the subject, and there is
    /// room.
    pub(crate) async fn begin(&self, request: &RequestItem) -> Result<Next> {
        let now = self.core.now();
        if let Some(at) = request.scheduled_at.filter(|at| *at > now) {
            if let Some(seconds) = seconds_until(now, Some(at)) {
                self.core.ports.queue.send(vec![Envelope::after(Core::advance_message(request), seconds.max(1))]).await?;
            }
            return Ok(Next::Wait);
        }
        let partition = request_partition(&request.organization, &request.id);
        self.core.decision_stands(request, &partition).await?;
        let export_first = request.erasure().is_some_and(|e| e.export_first);
        let export = if export_first { self.prior_export(request).await? } else { None };
        if export_first && export.is_none() {
            return self.ask_for_export(request).await;
        }
        let settings = self.core.settings(&request.organization).await?;
        if self.core.is_plan_old(request, &settings) {
            return self.core.rediscover(request).await;
        }
        let (guards, holds) = self.core.evaluate_holds(request).await?;
        if let Some(hold) = holds.whole.first() {
            return self.core.wait_for(request, Wait::Hold(*hold)).await;
        }
        let busy = |g: &GuardItem| g.exporting.is_some() || g.executing.is_some_and(|other| other != request.id);
        if let Some(place) = guards.iter().position(|g| g.as_ref().is_some_and(busy)) {
            return self.core.wait_for(request, Wait::Subject(place)).await;
        }
        let Some(slot) = self.core.free_slot(request, settings.concurrent_requests).await? else {
            return self.core.wait_for(request, Wait::Slot).await;
        };
        for (step_index, step) in self.core.steps_of(request).await? {
            if step.method == HideMethod::Vault {
                let purpose = Purpose::Vault(request.execution.round, step_index);
                let checks = Core::unchanged(request);
                keyring::make_while(&self.core.ports, &request.organization, &partition, purpose, checks).await?;
            }
        }
        let mut after = self.core.moved(request, Event::HidingStarted)?;
        after.execution.holds = holds;
        after.execution.slot = Some(slot);
        after.execution.current_step = 0;
        after.execution.lanes = settings.lanes;
        after.erasure_mut()?.window_seconds = settings.recovery_window_seconds;
        after.execution.started_at = after.execution.started_at.or(Some(now));
        if after.execution.begun.last() != Some(&request.execution.round) {
            after.execution.begun.push(request.execution.round);
        }
        let event = self.core.transition_event(&after, EventType::GdprErasureStarted, None);
        let transaction = self.core.write_request(request, &after, Some(event))?;
        let transaction = take_guards(transaction, &after, &guards);
        let mut transaction = acquire_slot(transaction, &after, slot)?;
        if let Some(export) = export {
            transaction = transaction.check(request_key(&export.organization, &export.id), vec![equals("run", export.run)]);
        }
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "request, guard, slot or export").await?;
        self.core.notify_workers(&after, None).await?;
        self.core.send_first(&after).await?;
        Ok(Next::Again)
    }

    /// The check, within a transaction, that what is hidden was decided: by the decision itself, which no worker can write.
    pub(super) fn decided(request: &RequestItem, partition: &str, transaction: Transaction) -> Transaction {
        if request.state.phase != Phase::Hiding {
            return transaction;
        }
        // A request that names no plan or no execution has no decision.
        let plan = request.execution.plan_digest.as_ref().map(ToString::to_string).unwrap_or_default();
        let execution = request.execution.execution_id.map(|id| id.to_string()).unwrap_or_default();
        let decision = vec![equals("approved", true), equals("plan_digest", plan), equals("execution_id", execution)];
        transaction.check(decision_key(partition, request.execution.round), decision)
    }

    /// Begins to purge, if the window has closed and no hold wants anything of it.
    pub(crate) async fn close_window(&self, request: &RequestItem) -> Result<Next> {
        let Some(end) = request.window_ends_at() else {
            return Err(EngineError::internal("a recovery window has no end"));
        };
        if self.core.now() < end {
            return Ok(Next::Wait);
        }
        let (guards, holds) = self.core.evaluate_holds(request).await?;
        if let Some(place) = guards.iter().position(|g| g.as_ref().is_some_and(|g| g.exporting.is_some())) {
            return self.core.wait_for(request, Wait::Subject(place)).await;
        }
        let steps = self.core.steps_of(request).await?;
        if let Some(hold) = steps.iter().filter(|(_, s)| s.counts.restorable() > 0).find_map(|(_, s)| holds.on(&s.category)) {
            return self.core.wait_for(request, Wait::Hold(hold)).await;
        }
        let settings = self.core.settings(&request.organization).await?;
        let Some(slot) = self.core.free_slot(request, settings.concurrent_requests).await? else {
            return self.core.wait_for(request, Wait::Slot).await;
        };
        let mut after = self.core.moved(request, Event::WindowClosed)?;
        after.execution.holds = holds;
        after.execution.slot = Some(slot);
        after.execution.current_step = 0;
        let event = self.core.transition_event(&after, EventType::PurgeStarted, None);
        let transaction = acquire_slot(self.core.write_request(request, &after, Some(event))?, &after, slot)?;
        // No export of the subject is under way either.
        let transaction = holds_stand(transaction, &after, &[Condition::Missing("exporting")]);
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "request, hold or slot").await?;
        self.core.notify_workers(&after, None).await?;
        self.core.send_first(&after).await?;
        Ok(Next::Again)
    }
}

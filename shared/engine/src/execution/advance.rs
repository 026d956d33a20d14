//! One request at a time: look where it is and do what is due.

use crate::{
    EngineError, Result,
    core::{Core, Next, Wait, batch_message, concerned, work_of},
    execution::Execution,
    items::{BatchItem, RequestItem, StepItem, request_partition, step_key},
    keyring::{self, Purpose},
    ports::{Envelope, HideMethod},
    transaction::{Transaction, equals, set},
};
use jiff::SignedDuration;
use oubli_domain::{
    audit::EventType,
    batch::{BatchState, BatchWork},
    lifecycle::Event,
};

impl Execution {
    /// Cancels an export that failed and that nobody retried in time.
    pub(crate) async fn give_up(&self, request: &RequestItem) -> Result<Next> {
        if request.due_at().is_none_or(|at| at > self.core.now()) {
            return Ok(Next::Wait);
        }
        self.core.stop(request, None, None).await?;
        Ok(Next::Again)
    }

    pub(crate) async fn advance_step(&self, request: &RequestItem, sweep: bool) -> Result<Next> {
        let work = work_of(request.state.phase);
        if request.lacks_slot() {
            return self.core.take_slot_again(request).await;
        }
        let Some(step_index) = request.execution.steps.get(request.execution.current_step as usize).copied() else {
            return self.finish_phase(request).await;
        };
        let partition = request_partition(&request.organization, &request.id);
        let step = self.core.steps_of(request).await?.into_iter().find(|(n, _)| *n == step_index);
        let (_, step) = step.ok_or_else(|| EngineError::internal("a step is gone"))?;
        if !concerned(request, step_index, &step, work) {
            return self.next_step(request).await;
        }
        if work == BatchWork::Purge && step.method == HideMethod::Vault && !step.key_destroyed {
            return self.destroy_step_key(request, step_index, &partition).await;
        }
        if work == BatchWork::Purge
            && step.method == HideMethod::Native
            && let Some(next) = self.purge_is_held(request, step_index, &step).await?
        {
            return Ok(next);
        }
        let through = match work {
            BatchWork::Hide => step.hide_batches,
            BatchWork::Restore => step.restore_batches,
            BatchWork::Purge => step.purge_batches,
        };
        // Counters first: they are cheap. Only when they say so, or when sweeping, every batch is asked.
        if through + step.failed_batches < to_do(&step, work) && !sweep {
            return Ok(Next::Wait);
        }
        let batches = self.core.batches(&partition, request.execution.round, step_index).await?;
        let open: Vec<&(u32, BatchItem)> = batches.iter().filter(|(n, b)| is_open(request, step_index, *n, b, work)).collect();
        if open.is_empty() {
            if batches.iter().any(|(_, b)| b.state == BatchState::Failed) {
                let mut after = self.core.moved(request, Event::BatchesFailed)?;
                let reason = step.error.clone().unwrap_or_default();
                let text = format!("Batches of {} failed for good: {reason}", step.producer);
                self.core.write_failure(request, &mut after, "batches_failed", &text).await?;
                return Ok(Next::Wait);
            }
            return self.next_step(request).await;
        }
        if sweep {
            self.send_again(request, (step_index, &step), &open).await?;
        }
        Ok(Next::Wait)
    }

    /// If a hold keeps a step's records from being destroyed, the request waits for its end: once nobody is at work on
    /// them any more, for then others may go on.
    async fn purge_is_held(&self, request: &RequestItem, step_index: u32, step: &StepItem) -> Result<Option<Next>> {
        self.refresh_holds(&request.organization, &request.id).await?;
        let current = self.core.find_request(&request.organization, &request.id).await?;
        let current = current.ok_or(EngineError::Conflict("the request is gone"))?;
        if (current.run, current.execution.current_step) != (request.run, request.execution.current_step) {
            return Ok(Some(Next::Again));
        }
        let Some(hold) = current.execution.holds.on(&step.category) else { return Ok(None) };
        let now = self.core.now().as_millisecond();
        let partition = request_partition(&request.organization, &request.id);
        let batches = self.core.batches(&partition, request.execution.round, step_index).await?;
        if batches.iter().any(|(_, batch)| batch.is_leased(now)) {
            return Ok(Some(Next::Wait));
        }
        self.core.wait_for(&current, Wait::Hold(hold)).await.map(Some)
    }

    async fn send_again(&self, request: &RequestItem, step: (u32, &StepItem), open: &[&(u32, BatchItem)]) -> Result<()> {
        let now = self.core.now().as_millisecond();
        let waits = |b: &BatchItem| b.awaits_turn(request.run, now - BatchItem::TURN_LATE);
        let waiting = open.iter().filter(|(_, b)| waits(b)).count();
        let idle = open.iter().filter(|(_, b)| !b.is_leased(now) && b.not_before <= now && !waits(b));
        let again: Vec<Envelope> = idle
            .take((request.execution.lanes.max(1) as usize).saturating_sub(waiting))
            .map(|(n, _)| Envelope::now(batch_message(request, step, *n)))
            .collect();
        self.core.send_all(again).await
    }

    /// On to the next step, and its first batches on their way.
    async fn next_step(&self, request: &RequestItem) -> Result<Next> {
        let mut after = request.clone();
        after.version += 1;
        after.execution.current_step += 1;
        after.due(self.core.now() + SignedDuration::from_secs(60));
        self.core.write_request(request, &after, None)?.commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
        self.core.send_first(&after).await?;
        Ok(Next::Again)
    }

    /// The point of no return of a step: one transaction that a hold placed before it voids.
    async fn destroy_step_key(&self, request: &RequestItem, step_index: u32, partition: &str) -> Result<Next> {
        self.refresh_holds(&request.organization, &request.id).await?;
        let place = (request.run, request.execution.current_step);
        let request = self
            .core
            .find_request(&request.organization, &request.id)
            .await?
            .ok_or(EngineError::Conflict("the request is gone"))?;
        if (request.run, request.execution.current_step) != place {
            return Ok(Next::Again);
        }
        let steps = self.core.steps_of(&request).await?;
        let Some((_, step)) = steps.into_iter().find(|(n, _)| *n == step_index) else { return Ok(Next::Wait) };
        if let Some(hold) = request.execution.holds.on(&step.category) {
            return self.core.wait_for(&request, Wait::Hold(hold)).await;
        }
        let order = format!("{}#{:08}#1#key#{step_index:03}", request.id, request.run);
        let mut event = self.core.event(&request, EventType::VaultKeyDestroyed, &order);
        event.details.insert("producer".to_owned(), step.producer.to_string().into());
        event.details.insert("category".to_owned(), step.category.to_string().into());
        let address = step_key(partition, request.execution.round, step_index);
        let transaction = Transaction::new()
            .delete(keyring::address(partition, Purpose::Vault(request.execution.round, step_index)), vec![])
            .update(address, vec![set("key_destroyed", true)], vec![equals("key_destroyed", false)]);
        let transaction = Core::fences(&request, transaction);
        let transaction = self.core.outbox(transaction, &request.organization, &order, &event)?;
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "step").await?;
        self.core.send_first(&request).await?;
        Ok(Next::Wait)
    }

    pub(crate) async fn continue_settling(&self, request: &RequestItem) -> Result<Next> {
        let partition = request_partition(&request.organization, &request.id);
        let now = self.core.now().as_millisecond();
        if let Some(step_index) = request.execution.steps.get(request.execution.current_step as usize).copied() {
            let mut wait_until = None;
            let (mut idle, mut messages) = (Vec::new(), Vec::new());
            let mut hopeless = None;
            for (n, batch) in self.core.batches(&partition, request.execution.round, step_index).await? {
                if !batch.is_begun() {
                    continue;
                }
                if batch.is_hopeless(request.run) {
                    hopeless = batch.error.clone().or(hopeless);
                    continue;
                }
                if batch.is_leased(now) {
                    wait_until = Some(wait_until.map_or(batch.lease_until, |w: i64| w.max(batch.lease_until)));
                } else {
                    idle.push(n);
                }
            }
            if !idle.is_empty() {
                let step = self.core.find::<StepItem>(step_key(&partition, request.execution.round, step_index)).await?;
                let step = step.ok_or_else(|| EngineError::internal("a step is gone"))?;
                messages.extend(idle.into_iter().map(|n| Envelope::now(batch_message(request, (step_index, &step), n))));
            }
            if let Some(until) = wait_until {
                let seconds = u16::try_from((until - now + 999) / 1000).unwrap_or(Envelope::MAX_DELAY_SECONDS);
                messages.push(Envelope::after(Core::advance_message(request), seconds));
            }
            if !messages.is_empty() {
                self.core.ports.queue.send(messages).await?;
                return Ok(Next::Wait);
            }
            if let Some(reason) = hopeless {
                let mut after = self.core.moved(request, Event::BatchesFailed)?;
                let text = format!("It cannot be told what batches in flight at the cancellation have hidden: {reason}");
                self.core.write_failure(request, &mut after, "batches_failed", &text).await?;
                return Ok(Next::Wait);
            }
        }
        self.settled(request).await
    }
}

fn is_open(request: &RequestItem, step: u32, n: u32, batch: &BatchItem, work: BatchWork) -> bool {
    match (batch.state, work) {
        (BatchState::Claimed, _) | (BatchState::Pending, BatchWork::Hide) | (BatchState::Hidden, BatchWork::Purge) => true,
        (BatchState::Hidden, BatchWork::Restore) => {
            batch.restore_run != request.run && request.restore().is_none_or(|order| order.concerns(step, n))
        }
        _ => false,
    }
}

fn to_do(step: &StepItem, work: BatchWork) -> u32 {
    match work {
        BatchWork::Hide => step.batches - step.staying.min(step.batches),
        // Batches with nothing hidden are not worked on again, so their number is not known beforehand.
        BatchWork::Restore | BatchWork::Purge => 0,
    }
}

//! One request at a time: look where it is and do what is due.

use super::{
    lines::Wait,
    worker::{batch_message, work_of},
};
use crate::{
    Engine, EngineError, Result,
    items::{BatchItem, RequestItem, StepItem, request_partition},
    keyring::{self, Purpose},
    ports::{Envelope, HideMethod, Message},
    transaction::{Committed, Transaction, equals, set},
};
use jiff::SignedDuration;
use oubli_domain::{
    audit::EventType,
    batch::{BatchState, BatchWork},
    ids::{OrganizationId, RequestId},
    lifecycle::{Event, Phase},
};
use std::collections::BTreeSet;

/// Changes of state that one call makes before it lets others have a turn.
const TURNS: usize = 12;

/// Whether there is more to do at once.
pub(crate) enum Next {
    Again,
    Wait,
}

impl Engine {
    /// Moves a request as far as it goes now. `sweep` also sends again what may have been lost.
    ///
    /// # Errors
    /// [`EngineError::Transient`]: the same call should be made again.
    pub async fn advance(&self, organization: &OrganizationId, id: &RequestId, sweep: bool) -> Result<()> {
        for _ in 0..TURNS {
            let Some(request) = self.find_request(organization, id).await? else { return Ok(()) };
            let turn = match request.state.phase {
                Phase::Approved | Phase::Scheduled => request.rules().begin(self, &request).await,
                Phase::Exporting => self.await_export(&request).await,
                Phase::Packaging => self.send_package(&request).await.map(|()| Next::Wait),
                Phase::Available => self.expire(&request).await,
                Phase::Hiding | Phase::Restoring | Phase::Purging => self.advance_step(&request, sweep).await,
                Phase::Failed => request.rules().after_failure(self, &request).await,
                Phase::AwaitingVerification | Phase::InReview => self.end_by_policy(&request).await,
                Phase::Settling => self.continue_settling(&request).await,
                Phase::Recoverable => self.close_window(&request).await,
                Phase::Discovering | Phase::Verifying if sweep => {
                    self.send(Self::discover_message(&request)).await.map(|()| Next::Wait)
                }
                phase if phase.is_final() => self.clean_or_forget(&request).await,
                _ => Ok(Next::Wait),
            };
            match turn {
                Ok(Next::Again) | Err(EngineError::Conflict(_)) => {}
                Ok(Next::Wait) => return Ok(()),
                Err(EngineError::Internal(fault)) => return self.fail(&request, "broken", fault.reason()).await,
                Err(error) => return Err(error),
            }
        }
        // Others keep changing it: they look again themselves, and so does the sweeper.
        Ok(())
    }

    /// Stops a request until a person looks.
    pub(crate) async fn fail(&self, request: &RequestItem, code: &str, message: &str) -> Result<()> {
        tracing::error!(request = %request.id, organization = %request.organization, code, reason = message, "request failed");
        if request.state.is_final() || request.state.phase == Phase::Failed {
            return Ok(());
        }
        let mut after = self.moved(request, Event::Failed)?;
        self.write_failure(request, &mut after, code, message).await
    }

    pub(super) async fn write_failure(
        &self,
        request: &RequestItem,
        after: &mut RequestItem,
        code: &str,
        message: &str,
    ) -> Result<()> {
        // An export gives its person free, and has to begin again to take them.
        let packaging = request.state.phase == Phase::Packaging;
        // What waited for an export asks for another.
        let anew = packaging || request.state.phase == Phase::Exporting;
        after.failed_in = Some(if anew { Phase::Approved } else { request.state.phase });
        if anew {
            after.prior_export = None;
        }
        after.failure = Some(crate::api::Failure {
            code: code.to_owned(),
            message: format!("{message}. Mend the cause, then retry the request, or cancel it."),
        });
        let of_kind = request.rules().failing(self, request, after).await?;
        let mut event = self.transition_event(after, EventType::RequestFailed, None);
        event.details.insert("code".to_owned(), code.into());
        let slot_free = Self::release_slot(request, after, Transaction::new());
        let transaction = self.write_request(request, after, Some(event))?.and(slot_free).and(of_kind);
        if transaction.commit(self.ports.table.as_ref()).await? == Committed::Yes {
            request.rules().failed(self, request).await?;
            self.notify_waiting(request).await?;
        }
        Ok(())
    }

    /// Cancels an export that failed and that nobody retried in time.
    pub(crate) async fn give_up(&self, request: &RequestItem) -> Result<Next> {
        if request.due_at().is_none_or(|at| at > self.now()) {
            return Ok(Next::Wait);
        }
        self.stop(request, None, None).await?;
        Ok(Next::Again)
    }

    async fn advance_step(&self, request: &RequestItem, sweep: bool) -> Result<Next> {
        let work = work_of(request.state.phase);
        if request.lacks_slot() {
            return self.take_slot_again(request).await;
        }
        let Some(step_index) = request.steps.get(request.current_step as usize).copied() else {
            return self.finish_phase(request).await;
        };
        let partition = request_partition(&request.organization, &request.id);
        let step = self.steps_of(request).await?.into_iter().find(|(n, _)| *n == step_index);
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
        let batches = self.batches(&partition, request.round, step_index).await?;
        let open: Vec<&(u32, BatchItem)> = batches.iter().filter(|(n, b)| is_open(request, step_index, *n, b, work)).collect();
        if open.is_empty() {
            if batches.iter().any(|(_, b)| b.state == BatchState::Failed) {
                let mut after = self.moved(request, Event::BatchesFailed)?;
                let reason = step.error.clone().unwrap_or_default();
                let text = format!("Batches of {} failed for good: {reason}", step.producer);
                self.write_failure(request, &mut after, "batches_failed", &text).await?;
                return Ok(Next::Wait);
            }
            return self.next_step(request).await;
        }
        if sweep {
            self.send_again(request, step_index, &open).await?;
        }
        Ok(Next::Wait)
    }

    /// If a hold keeps a step's records from being destroyed, the request waits for its end: once nobody is at work on
    /// them any more, for then others may go on.
    async fn purge_is_held(&self, request: &RequestItem, step_index: u32, step: &StepItem) -> Result<Option<Next>> {
        self.refresh_holds(&request.organization, &request.id).await?;
        let current = self.find_request(&request.organization, &request.id).await?;
        let current = current.ok_or(EngineError::Conflict("the request is gone"))?;
        if (current.run, current.current_step) != (request.run, request.current_step) {
            return Ok(Some(Next::Again));
        }
        let Some(hold) = current.holds.on(&step.category) else { return Ok(None) };
        let now = self.now().as_millisecond();
        let partition = request_partition(&request.organization, &request.id);
        let batches = self.batches(&partition, request.round, step_index).await?;
        if batches.iter().any(|(_, batch)| batch.is_leased(now)) {
            return Ok(Some(Next::Wait));
        }
        self.wait_for(&current, Wait::Hold(hold)).await.map(Some)
    }

    async fn send_again(&self, request: &RequestItem, step_index: u32, open: &[&(u32, BatchItem)]) -> Result<()> {
        let now = self.now().as_millisecond();
        let idle = open.iter().filter(|(_, b)| !b.is_leased(now) && b.not_before <= now);
        let again: Vec<Envelope> = idle
            .take(request.lanes.max(1) as usize)
            .map(|(n, _)| Envelope::now(batch_message(request, step_index, *n)))
            .collect();
        if again.is_empty() { Ok(()) } else { Ok(self.ports.queue.send(again).await?) }
    }

    /// On to the next step, and its first batches on their way.
    async fn next_step(&self, request: &RequestItem) -> Result<Next> {
        let mut after = request.clone();
        after.version += 1;
        after.current_step += 1;
        after.due(self.now() + SignedDuration::from_secs(60));
        self.write_request(request, &after, None)?.commit_or_conflict(self.ports.table.as_ref(), "request").await?;
        self.send_first(&after).await?;
        Ok(Next::Again)
    }

    /// Sends the current step's first batches, one per lane.
    pub(crate) async fn send_first(&self, request: &RequestItem) -> Result<()> {
        let Some(step_index) = request.steps.get(request.current_step as usize).copied() else { return Ok(()) };
        let steps = self.steps_of(request).await?;
        let Some((_, step)) = steps.into_iter().find(|(n, _)| *n == step_index) else { return Ok(()) };
        let work = work_of(request.state.phase);
        let needs_key = work == BatchWork::Purge && step.method == HideMethod::Vault && !step.key_destroyed;
        if needs_key || !concerned(request, step_index, &step, work) {
            return Ok(());
        }
        let first: Vec<Envelope> =
            (0..request.lanes.max(1).min(step.batches)).map(|n| Envelope::now(batch_message(request, step_index, n))).collect();
        if first.is_empty() { Ok(()) } else { Ok(self.ports.queue.send(first).await?) }
    }

    /// The point of no return of a step: one transaction that a hold placed before it voids.
    async fn destroy_step_key(&self, request: &RequestItem, step_index: u32, partition: &str) -> Result<Next> {
        self.refresh_holds(&request.organization, &request.id).await?;
        let place = (request.run, request.current_step);
        let request =
            self.find_request(&request.organization, &request.id).await?.ok_or(EngineError::Conflict("the request is gone"))?;
        if (request.run, request.current_step) != place {
            return Ok(Next::Again);
        }
        let steps = self.steps_of(&request).await?;
        let Some((_, step)) = steps.into_iter().find(|(n, _)| *n == step_index) else { return Ok(Next::Wait) };
        if let Some(hold) = request.holds.on(&step.category) {
            return self.wait_for(&request, Wait::Hold(hold)).await;
        }
        let order = format!("{}#{:08}#1#key#{step_index:03}", request.id, request.run);
        let mut event = self.event(&request, EventType::VaultKeyDestroyed, &order);
        event.details.insert("producer".to_owned(), step.producer.to_string().into());
        event.details.insert("category".to_owned(), step.category.to_string().into());
        let address = crate::items::step_key(partition, request.round, step_index);
        let transaction = Transaction::new()
            .delete(keyring::address(partition, Purpose::Vault(request.round, step_index)), vec![])
            .update(address, vec![set("key_destroyed", true)], vec![equals("key_destroyed", false)]);
        let transaction = Self::fences(&request, transaction);
        let transaction = self.outbox(transaction, &request.organization, &order, &event)?;
        transaction.commit_or_conflict(self.ports.table.as_ref(), "step").await?;
        self.send_first(&request).await?;
        Ok(Next::Wait)
    }

    async fn continue_settling(&self, request: &RequestItem) -> Result<Next> {
        let partition = request_partition(&request.organization, &request.id);
        let now = self.now().as_millisecond();
        if let Some(step_index) = request.steps.get(request.current_step as usize).copied() {
            let mut wait_until = None;
            let mut messages = Vec::new();
            let mut hopeless = None;
            for (n, batch) in self.batches(&partition, request.round, step_index).await? {
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
                    messages.push(Envelope::now(batch_message(request, step_index, n)));
                }
            }
            if let Some(until) = wait_until {
                let seconds = u16::try_from((until - now + 999) / 1000).unwrap_or(Envelope::MAX_DELAY_SECONDS);
                messages.push(Envelope::after(Self::advance_message(request), seconds));
            }
            if !messages.is_empty() {
                self.ports.queue.send(messages).await?;
                return Ok(Next::Wait);
            }
            if let Some(reason) = hopeless {
                let mut after = self.moved(request, Event::BatchesFailed)?;
                let text = format!("It cannot be told what batches in flight at the cancellation have hidden: {reason}");
                self.write_failure(request, &mut after, "batches_failed", &text).await?;
                return Ok(Next::Wait);
            }
        }
        self.settled(request).await
    }

    /// Looks at everything that is due.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn sweep(&self) -> Result<usize> {
        let now = self.now();
        let mut found = 0;
        // One sealing takes all that waits in an outbox.
        let mut sealed: BTreeSet<OrganizationId> = BTreeSet::new();
        for shard in 0..RequestItem::DUE_SHARDS {
            let mut query = crate::ports::Query {
                table: crate::ports::TableName::Control,
                index: Some(crate::ports::Index::ByDue),
                partition: crate::items::due_partition(shard),
                range: crate::ports::Range::Between(String::new(), crate::items::due_sort(now, "~")),
                descending: false,
                limit: 100,
                after: None,
            };
            loop {
                let page = self.ports.table.query(query.clone()).await?;
                let mut messages: Vec<Envelope> = Vec::new();
                for item in page.items {
                    match due_messages(item) {
                        Ok(due) => {
                            found += 1;
                            messages.extend(due.into_iter().map(Envelope::now));
                        }
                        // One item that cannot be read must not keep the others waiting.
                        Err(error) => tracing::error!(%error, "a due item was passed over"),
                    }
                }
                let unsealed: BTreeSet<OrganizationId> =
                    messages.iter().map(|e| e.message.organization().clone()).filter(|o| !sealed.contains(o)).collect();
                sealed.extend(unsealed.iter().cloned());
                messages.extend(unsealed.into_iter().map(|organization| Envelope::now(Message::Seal { organization })));
                if !messages.is_empty() {
                    self.ports.queue.send(messages).await?;
                }
                match page.next {
                    Some(next) => query.after = Some(next),
                    None => break,
                }
            }
        }
        Ok(found)
    }
}

/// What is due of an item found in the index.
fn due_messages(item: crate::ports::Item) -> Result<Vec<Message>> {
    let text = |name: &str| item.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
    let broken = |_| EngineError::internal("a due item cannot be read");
    let organization: OrganizationId = text("organization").parse().map_err(broken)?;
    let kind = item.get("sk").and_then(|v| v.as_str());
    if kind == Some(crate::items::HEARTBEAT) {
        return Ok(vec![Message::Retire { organization: organization.clone() }, Message::Seal { organization }]);
    }
    if kind == Some(crate::items::FREED) {
        return Ok(vec![Message::Freed { organization }]);
    }
    if let Some(hold) = kind.and_then(|k| k.parse().ok()) {
        return Ok(vec![Message::Released { organization, hold }]);
    }
    if kind == Some("preview") {
        return Ok(vec![Message::Forget { organization, discovery: text("id").parse().map_err(broken)? }]);
    }
    if kind == Some(crate::items::REPORT) {
        return Ok(vec![Message::ForgetReport { organization, report: text("id").parse().map_err(broken)? }]);
    }
    let request = text("id").parse().map_err(broken)?;
    if let Some(notification) = kind.and_then(|k| k.strip_prefix(crate::items::NOTIFICATION)) {
        return Ok(crate::notifications::message_of(organization, request, notification).into_iter().collect());
    }
    let phase = item.get("state").and_then(|s| s.get("phase")).and_then(|p| p.as_str()).unwrap_or_default();
    Ok(vec![match phase {
        "discovering" | "verifying" => Message::Discover { organization, request },
        _ => Message::Sweep { organization, request },
    }])
}

/// Whether a step has anything to do in this kind of work.
pub(super) fn concerned(request: &RequestItem, step_index: u32, step: &StepItem, work: BatchWork) -> bool {
    match work {
        BatchWork::Hide => step.batches > 0,
        BatchWork::Restore => {
            let named = request.restore.as_ref().is_none_or(|r| r.categories.is_empty() || r.categories.contains(&step.category));
            let meant =
                request.restore.as_ref().is_none_or(|r| r.records.is_empty() || r.records.iter().any(|n| n.step == step_index));
            named && meant && (step.counts.restorable() > 0 || step.restore_batches > 0)
        }
        // The copies of what could not be put back are destroyed with the others; what a store keeps itself is no copy.
        BatchWork::Purge if step.method == HideMethod::Vault => step.counts.restorable() > 0,
        BatchWork::Purge => step.counts.erased > 0,
    }
}

fn is_open(request: &RequestItem, step: u32, n: u32, batch: &BatchItem, work: BatchWork) -> bool {
    match (batch.state, work) {
        (BatchState::Claimed, _) | (BatchState::Pending, BatchWork::Hide) | (BatchState::Hidden, BatchWork::Purge) => true,
        (BatchState::Hidden, BatchWork::Restore) => {
            batch.restore_run != request.run && request.restore.as_ref().is_none_or(|order| order.concerns(step, n))
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

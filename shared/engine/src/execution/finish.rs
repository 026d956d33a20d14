//! The ends of phases, and what is removed after the end.

use crate::{
    Result,
    core::{Core, Next, seconds_until},
    execution::Execution,
    items::RequestItem,
    ports::Envelope,
    transaction::Transaction,
};
use jiff::SignedDuration;
use oubli_domain::{
    audit::{DataErased, EventType, exclusions},
    batch::Counts,
    lifecycle::{Event, Phase},
    plan::KeptBecause,
};

impl Execution {
    /// All steps of the running phase are through.
    pub(super) async fn finish_phase(&self, request: &RequestItem) -> Result<Next> {
        match request.state.phase {
            Phase::Hiding => self.hiding_done(request).await,
            Phase::Restoring => self.restoring_done(request).await,
            Phase::Purging => self.purging_done(request).await,
            _ => Ok(Next::Wait),
        }
    }

    async fn totals(&self, request: &RequestItem) -> Result<Counts> {
        let mut counts = Counts::default();
        for (_, step) in self.core.steps_of(request).await? {
            counts += step.counts;
        }
        Ok(counts)
    }

    async fn hiding_done(&self, request: &RequestItem) -> Result<Next> {
        let counts = self.totals(request).await?;
        let hidden = counts.restorable() > 0;
        let mut after = self.core.moved(request, if hidden { Event::HidingDone } else { Event::NothingHidden })?;
        if hidden {
            self.open_window(&mut after)?;
        } else {
            after.seek();
            after.execution.counts += counts;
        }
        let event_type = if hidden { EventType::DataHidden } else { EventType::NothingToErase };
        let mut event = self.core.transition_event(&after, event_type, None);
        event.data_erased = erased(&counts);
        let freed = Core::release_slot(request, &mut after, Transaction::new());
        let mut transaction = self.core.write_request(request, &after, Some(event))?.and(freed);
        if !hidden {
            transaction = Core::release_guards(request, transaction);
        }
        self.leave_phase(&after, transaction).await
    }

    /// The window is the one that stores were asked about: they may not keep for longer what is hidden in them.
    fn open_window(&self, after: &mut RequestItem) -> Result<()> {
        let now = self.core.now();
        let erasure = after.erasure_mut()?;
        let end = now + SignedDuration::from_secs(i64::from(erasure.window_seconds));
        erasure.window_ends_at = Some(end);
        after.due(end);
        Ok(())
    }

    /// Commits the end of a phase, and sends on what comes next.
    async fn leave_phase(&self, after: &RequestItem, transaction: Transaction) -> Result<Next> {
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
        let look = match after.state.phase {
            Phase::Recoverable => seconds_until(self.core.now(), after.window_ends_at())
                .map(|seconds| Envelope::after(Core::advance_message(after), seconds)),
            _ => Some(Envelope::now(Core::next_message(after))),
        };
        self.core.notify_workers(after, look).await?;
        self.core.notify_waiting(after).await?;
        Ok(Next::Wait)
    }

    async fn restoring_done(&self, request: &RequestItem) -> Result<Next> {
        let counts = self.totals(request).await?;
        let all = counts.restorable() == 0;
        let mut after = self.core.moved(request, if all { Event::RestoredAll } else { Event::RestoredSome })?;
        after.erasure_mut()?.restore = None;
        if all {
            after.execution.counts += counts;
            after.end(self.core.now(), KeptBecause::Cancelled, request.state.cancelled);
        } else if let Some(end) = after.window_ends_at() {
            after.due(end);
        }
        let mut event = self.core.transition_event(&after, EventType::RestoreCompleted, None);
        event.details.insert("restored".to_owned(), counts.restored.into());
        event.details.insert("conflicts".to_owned(), counts.conflicts.into());
        event.details.insert("given_up".to_owned(), counts.given_up.into());
        event.details.insert("still_hidden".to_owned(), counts.erased.into());
        let freed = Core::release_slot(request, &mut after, Transaction::new());
        let mut transaction = self.core.write_request(request, &after, Some(event))?.and(freed);
        if all {
            transaction = Core::release_guards(request, transaction);
        }
        self.leave_phase(&after, transaction).await
    }

    async fn purging_done(&self, request: &RequestItem) -> Result<Next> {
        let counts = self.totals(request).await?;
        let mut after = self.core.moved(request, Event::PurgeDone)?;
        after.execution.counts += counts;
        if request.state.cancelled {
            after.end(self.core.now(), KeptBecause::Cancelled, request.state.cancelled);
        } else {
            after.seek();
        }
        let mut event = self.core.transition_event(&after, EventType::GdprErasureExecuted, None);
        event.data_erased = erased(&counts);
        let plan = self.core.plan_of(request).await?;
        let (kept, unsearched) = plan.map(|p| (p.kept, p.unsearched)).unwrap_or_default();
        event.exclusions = exclusions(&kept, &request.execution.exclusions, &unsearched);
        if let Some(id) = request.execution.execution_id {
            event.details.insert("execution_id".to_owned(), id.to_string().into());
        }
        let freed = Core::release_slot(request, &mut after, Transaction::new());
        let transaction = self.core.write_request(request, &after, Some(event))?.and(freed);
        self.leave_phase(&after, Core::release_guards(request, transaction)).await
    }

    /// Every batch in flight at the cancellation is settled.
    pub(super) async fn settled(&self, request: &RequestItem) -> Result<Next> {
        let counts = self.totals(request).await?;
        let hidden = counts.restorable() > 0;
        let mut after = self.core.moved(request, if hidden { Event::SettledHidden } else { Event::SettledClean })?;
        if hidden {
            self.open_window(&mut after)?;
        } else {
            after.execution.counts += counts;
            after.end(self.core.now(), KeptBecause::Cancelled, request.state.cancelled);
        }
        let mut event = self.core.transition_event(&after, EventType::CancellationSettled, None);
        event.data_erased = erased(&counts);
        let freed = Core::release_slot(request, &mut after, Transaction::new());
        let mut transaction = self.core.write_request(request, &after, Some(event))?.and(freed);
        if !hidden {
            transaction = Core::release_guards(request, transaction);
        }
        self.leave_phase(&after, transaction).await
    }
}

fn erased(counts: &Counts) -> DataErased {
    DataErased { documents: counts.erased, vectors: 0, size_bytes: counts.bytes }
}

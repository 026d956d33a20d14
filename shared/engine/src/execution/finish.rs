//! The ends of phases, and what is removed after the end.

use super::{advance::Next, lines::Wait};
use crate::{
    Engine, Result,
    items::{DOWNLOAD, OpenItem, RequestItem, StepItem, numbered, open_key, request_partition, step_prefix},
    keyring::{self, Purpose},
    ports::{Envelope, Key, Query, Range, TableName},
    requests::seconds_until,
    transaction::Transaction,
};
use jiff::SignedDuration;
use oubli_domain::{
    audit::{DataErased, EventType, exclusions},
    batch::Counts,
    ids::HoldId,
    lifecycle::{Event, Phase},
};

impl Engine {
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
        for (_, step) in self.steps_of(request).await? {
            counts += step.counts;
        }
        Ok(counts)
    }

    async fn hiding_done(&self, request: &RequestItem) -> Result<Next> {
        let counts = self.totals(request).await?;
        let hidden = counts.restorable() > 0;
        let mut after = self.moved(request, if hidden { Event::HidingDone } else { Event::NothingHidden })?;
        if hidden {
            self.open_window(&mut after);
        } else {
            after.seek();
            after.counts += counts;
        }
        let event_type = if hidden { EventType::DataHidden } else { EventType::NothingToErase };
        let mut event = self.transition_event(&after, event_type, None);
        event.data_erased = erased(&counts);
        let freed = Self::release_slot(request, &mut after, Transaction::new());
        let mut transaction = self.write_request(request, &after, Some(event))?.and(freed);
        if !hidden {
            transaction = Self::release_guards(request, transaction);
        }
        self.leave_phase(&after, transaction).await
    }

    /// The window is the one that stores were asked about: they may not keep for longer what is hidden in them.
    fn open_window(&self, after: &mut RequestItem) {
        let end = self.now() + SignedDuration::from_secs(i64::from(after.window_seconds));
        after.window_ends_at = Some(end);
        after.due(end);
    }

    /// Commits the end of a phase, and sends on what comes next.
    async fn leave_phase(&self, after: &RequestItem, transaction: Transaction) -> Result<Next> {
        transaction.commit_or_conflict(self.ports.table.as_ref(), "request").await?;
        let look = match after.state.phase {
            Phase::Recoverable => seconds_until(self.now(), after.window_ends_at)
                .map(|seconds| Envelope::after(Self::advance_message(after), seconds)),
            Phase::Verifying => Some(Envelope::now(Self::discover_message(after))),
            _ => Some(Envelope::now(Self::advance_message(after))),
        };
        self.notify_workers(after, look).await?;
        self.notify_waiting(after).await?;
        Ok(Next::Wait)
    }

    async fn restoring_done(&self, request: &RequestItem) -> Result<Next> {
        let counts = self.totals(request).await?;
        let all = counts.restorable() == 0;
        let mut after = self.moved(request, if all { Event::RestoredAll } else { Event::RestoredSome })?;
        after.restore = None;
        if all {
            after.finished_at = Some(self.now());
            after.counts += counts;
            after.due(self.now());
        } else if let Some(end) = after.window_ends_at {
            after.due(end);
        }
        let mut event = self.transition_event(&after, EventType::RestoreCompleted, None);
        event.details.insert("restored".to_owned(), counts.restored.into());
        event.details.insert("conflicts".to_owned(), counts.conflicts.into());
        event.details.insert("given_up".to_owned(), counts.given_up.into());
        event.details.insert("still_hidden".to_owned(), counts.erased.into());
        let freed = Self::release_slot(request, &mut after, Transaction::new());
        let mut transaction = self.write_request(request, &after, Some(event))?.and(freed);
        if all {
            transaction = Self::release_guards(request, transaction);
        }
        self.leave_phase(&after, transaction).await
    }

    async fn purging_done(&self, request: &RequestItem) -> Result<Next> {
        let counts = self.totals(request).await?;
        let mut after = self.moved(request, Event::PurgeDone)?;
        after.counts += counts;
        if after.state.is_final() {
            after.finished_at = Some(self.now());
            after.due(self.now());
        } else {
            after.seek();
        }
        let mut event = self.transition_event(&after, EventType::GdprErasureExecuted, None);
        event.data_erased = erased(&counts);
        let plan = self.plan_of(request).await?;
        let (kept, unsearched) = plan.map(|p| (p.kept, p.unsearched)).unwrap_or_default();
        event.exclusions = exclusions(&kept, &request.exclusions, &unsearched);
        if let Some(id) = request.execution_id {
            event.details.insert("execution_id".to_owned(), id.to_string().into());
        }
        let freed = Self::release_slot(request, &mut after, Transaction::new());
        let transaction = self.write_request(request, &after, Some(event))?.and(freed);
        self.leave_phase(&after, Self::release_guards(request, transaction)).await
    }

    /// Every batch in flight at the cancellation is settled.
    pub(super) async fn settled(&self, request: &RequestItem) -> Result<Next> {
        let counts = self.totals(request).await?;
        let hidden = counts.restorable() > 0;
        let mut after = self.moved(request, if hidden { Event::SettledHidden } else { Event::SettledClean })?;
        if hidden {
            self.open_window(&mut after);
        } else {
            after.finished_at = Some(self.now());
            after.counts += counts;
            after.due(self.now());
        }
        let mut event = self.transition_event(&after, EventType::CancellationSettled, None);
        event.data_erased = erased(&counts);
        let freed = Self::release_slot(request, &mut after, Transaction::new());
        let mut transaction = self.write_request(request, &after, Some(event))?.and(freed);
        if !hidden {
            transaction = Self::release_guards(request, transaction);
        }
        self.leave_phase(&after, transaction).await
    }

    /// After the end: keys and objects at once, the identity when policy says so.
    pub(super) async fn clean_or_forget(&self, request: &RequestItem) -> Result<Next> {
        if !request.cleaned {
            return self.clean(request).await;
        }
        if !request.deferred_by.is_empty() {
            return self.reopen_or_wait(request).await;
        }
        match request.due_at() {
            Some(at) if at <= self.now() && request.sealed_identity.is_some() => self.forget(request).await,
            _ => Ok(Next::Wait),
        }
    }

    /// Destroys the keys of manifests and vault, then their objects: crypto-shredding first, so that a crash in
    /// between leaves nothing readable. While a hold keeps it open, its manifests stay: what the hold keeps may be found
    /// through nothing else, and nothing else tells what was restored.
    async fn clean(&self, request: &RequestItem) -> Result<Next> {
        let partition = request_partition(&request.organization, &request.id);
        let over = request.deferred_by.is_empty();
        let mut rounds = Vec::new();
        for round in 1..=request.sought {
            rounds.push((round, self.steps_in(&partition, round).await?));
        }
        if let Some(hold) = self.destroy_given_up(request, &partition, &rounds).await? {
            return self.wait_for(request, Wait::Hold(hold)).await;
        }
        for (round, steps) in rounds {
            for (step_index, _) in steps {
                keyring::destroy(&self.ports, &partition, Purpose::Vault(round, step_index)).await?;
            }
            if over {
                keyring::destroy(&self.ports, &partition, Purpose::Manifest(round)).await?;
            }
        }
        for round in 1..=request.sought {
            self.delete_vault(&partition, round).await?;
            if over {
                self.delete_manifest(&partition, round).await?;
            }
        }
        request.rules().clean(self, request).await?;
        self.delete_items(&partition, "exception#").await?;
        let settings = self.settings(&request.organization).await?;
        let mut after = request.clone();
        after.version += 1;
        after.cleaned = true;
        after.waits_no_more();
        let ended = request.finished_at.unwrap_or_else(|| self.now());
        after.due(ended + SignedDuration::from_hours(24 * i64::from(settings.forget_after_days)));
        self.write_request(request, &after, None)?.commit_or_conflict(self.ports.table.as_ref(), "request").await?;
        self.notify_waiting(request).await?;
        Ok(Next::Again)
    }

    /// What a hold kept is looked for again once the hold is released.
    async fn reopen_or_wait(&self, request: &RequestItem) -> Result<Next> {
        let (_, holds) = self.evaluate_holds(request).await?;
        if let Some(hold) = request.deferred_by.iter().find(|id| holds.has(id)) {
            return self.wait_for(request, Wait::Hold(*hold)).await;
        }
        let mut after = self.moved(request, Event::HoldReleased)?;
        after.deferred_by = vec![];
        after.finished_at = None;
        after.verified = None;
        after.unverified = false;
        after.cleaned = false;
        after.execution_id = None;
        after.seek();
        let open =
            OpenItem { request: request.id, subject_keys: request.subject_keys.clone(), kind: request.kind, verified: true };
        let event = self.transition_event(&after, EventType::RequestReopened, None);
        let transaction =
            self.write_request(request, &after, Some(event))?.put(open_key(&request.organization, &request.id), &open, vec![])?;
        let transaction = Self::note_open(transaction, &after);
        transaction.commit_or_conflict(self.ports.table.as_ref(), "request").await?;
        self.notify_workers(&after, Some(Envelope::now(Self::discover_message(&after)))).await?;
        Ok(Next::Wait)
    }

    /// Removes what the request gathered about the person; the record of what was done stays.
    async fn forget(&self, request: &RequestItem) -> Result<Next> {
        let partition = request_partition(&request.organization, &request.id);
        keyring::destroy(&self.ports, &partition, Purpose::Identity).await?;
        self.delete_items(&partition, DOWNLOAD).await?;
        let mut after = request.clone();
        after.version += 1;
        after.run += 1;
        after.sealed_identity = None;
        after.sealed_opening = None;
        after.subject_keys = vec![];
        after.not_due();
        let event = self.transition_event(&after, EventType::RequestForgotten, None);
        self.write_request(request, &after, Some(event))?.commit_or_conflict(self.ports.table.as_ref(), "request").await?;
        self.notify_workers(&after, None).await?;
        Ok(Next::Wait)
    }

    async fn steps_in(&self, partition: &str, round: u32) -> Result<Vec<(u32, StepItem)>> {
        numbered(self.query_all(control_query(partition, &step_prefix(round))).await?)
    }

    /// Copies that somebody gave up go with the key of their step, on condition that no hold wants them. Answers the hold
    /// that does.
    async fn destroy_given_up(
        &self,
        request: &RequestItem,
        partition: &str,
        rounds: &[(u32, Vec<(u32, StepItem)>)],
    ) -> Result<Option<HoldId>> {
        for (round, steps) in rounds {
            for (step_index, step) in steps {
                if step.counts.given_up == 0 || step.key_destroyed {
                    continue;
                }
                let (_, holds) = self.evaluate_holds(request).await?;
                if let Some(hold) = holds.on(&step.category) {
                    return Ok(Some(hold));
                }
                let request = RequestItem { holds, ..request.clone() };
                let key = keyring::address(partition, Purpose::Vault(*round, *step_index));
                let transaction = Self::fences(&request, Transaction::new().delete(key, vec![]));
                transaction.commit_or_conflict(self.ports.table.as_ref(), "holds").await?;
            }
        }
        Ok(None)
    }

    /// Deletes a round's manifest parts.
    pub(crate) async fn delete_manifest(&self, partition: &str, round: u32) -> Result<()> {
        let mut names = Vec::new();
        for item in self.query_all(control_query(partition, &format!("batch#{round:03}#"))).await? {
            names.push(crate::items::from_item::<crate::items::BatchItem>(item)?.part);
        }
        self.delete_named(names).await
    }

    async fn delete_named(&self, names: Vec<String>) -> Result<()> {
        for names in names.chunks(1000) {
            self.ports.objects.delete(names).await?;
        }
        Ok(())
    }

    async fn delete_vault(&self, partition: &str, round: u32) -> Result<()> {
        let mut names = Vec::new();
        for item in self.query_all(control_query(partition, &format!("batch#{round:03}#"))).await? {
            let sk = item.get("sk").and_then(|v| v.as_str()).unwrap_or_default().to_owned();
            let mut places = sk.split('#').skip(2).filter_map(|n| n.parse::<u32>().ok());
            let batch: crate::items::BatchItem = crate::items::from_item(item)?;
            if let (Some(step), Some(n)) = (places.next(), places.next()) {
                for fence in 1..=batch.vault_fence.max(batch.fence) {
                    names.extend(
                        (0..crate::vault::PASSES).map(|pass| crate::vault::part_name(partition, round, step, n, fence, pass)),
                    );
                }
            }
        }
        self.delete_named(names).await
    }

    pub(crate) async fn delete_items(&self, partition: &str, prefix: &str) -> Result<()> {
        let items = self.query_all(control_query(partition, prefix)).await?;
        let keys: Vec<Key> = items
            .iter()
            .filter_map(|i| i.get("sk").and_then(|v| v.as_str()))
            .map(|sk| Key { table: TableName::Control, pk: partition.to_owned(), sk: sk.to_owned() })
            .collect();
        if keys.is_empty() { Ok(()) } else { Ok(self.ports.table.delete_all(keys).await?) }
    }
}

fn control_query(partition: &str, prefix: &str) -> Query {
    Query::new(TableName::Control, partition.to_owned(), Range::Prefix(prefix.to_owned()))
}

fn erased(counts: &Counts) -> DataErased {
    DataErased { documents: counts.erased, vectors: 0, size_bytes: counts.bytes }
}

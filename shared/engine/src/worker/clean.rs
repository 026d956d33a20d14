//! What is removed after the end.

use crate::{
    Result,
    core::{Core, Next, OPEN_TOGETHER, Wait, control_query},
    items::{
        BatchItem, DOWNLOAD, ExecutionItem, OpenItem, RESOLUTION, RequestItem, StepItem, WORDS, from_item, numbered, open_key,
        request_partition, step_prefix,
    },
    keyring::{self, Purpose},
    ports::Envelope,
    transaction::Transaction,
    vault,
    worker::Worker,
};
use jiff::SignedDuration;
use oubli_domain::{audit::EventType, ids::HoldId, lifecycle::Event};

impl Worker {
    /// After the end: keys and objects at once, the identity when policy says so.
    pub(crate) async fn clean_or_forget(&self, request: &RequestItem) -> Result<Next> {
        if !request.cleaned {
            return self.clean(request).await;
        }
        if !request.deferred_by().is_empty() {
            return self.reopen_or_wait(request).await;
        }
        match request.due_at() {
            Some(at) if at <= self.core.now() && request.sealed_identity.is_some() => self.forget(request).await,
            _ => Ok(Next::Wait),
        }
    }

    /// Destroys the keys of manifests and vault, then their objects: crypto-shredding first, so that a crash in
    /// between leaves nothing readable. While a hold keeps it open, its manifests stay: what the hold keeps may be found
    /// through nothing else, and nothing else tells what was restored.
    async fn clean(&self, request: &RequestItem) -> Result<Next> {
        let partition = request_partition(&request.organization, &request.id);
        let over = request.deferred_by().is_empty();
        let mut rounds = Vec::new();
        for round in 1..=request.execution.sought {
            rounds.push((round, self.steps_in(&partition, round).await?));
        }
        if let Some(hold) = self.destroy_given_up(request, &partition, &rounds).await? {
            return self.core.wait_for(request, Wait::Hold(hold)).await;
        }
        for (round, steps) in rounds {
            for (step_index, _) in steps {
                keyring::destroy(&self.core.ports, &partition, Purpose::Vault(round, step_index)).await?;
            }
            if over {
                keyring::destroy(&self.core.ports, &partition, Purpose::Manifest(round)).await?;
            }
        }
        for round in 1..=request.execution.sought {
            self.delete_vault(&partition, round).await?;
            if over {
                self.core.delete_manifest(&partition, round).await?;
            }
        }
        let open: Vec<_> = Core::open_of_subject(request).into_iter().skip(OPEN_TOGETHER).collect();
        self.core.ports.table.delete_all(open).await?;
        request.course().clean(self, request).await?;
        self.core.delete_items(&partition, "exception#").await?;
        let settings = self.core.settings(&request.organization).await?;
        let mut after = request.clone();
        after.version += 1;
        after.cleaned = true;
        after.waits_no_more();
        let ended = request.finished_at.unwrap_or_else(|| self.core.now());
        after.due(ended + SignedDuration::from_hours(24 * i64::from(settings.forget_after_days)));
        self.core.write_request(request, &after, None)?.commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
        self.core.notify_waiting(request).await?;
        Ok(Next::Again)
    }

    /// What a hold kept is looked for again once the hold is released.
    async fn reopen_or_wait(&self, request: &RequestItem) -> Result<Next> {
        let (_, holds) = self.core.evaluate_holds(request).await?;
        if let Some(hold) = request.deferred_by().iter().find(|id| holds.has(id)) {
            return self.core.wait_for(request, Wait::Hold(*hold)).await;
        }
        let mut after = self.core.moved(request, Event::HoldReleased)?;
        after.erasure_mut()?.deferred_by = vec![];
        after.finished_at = None;
        after.execution.verified = None;
        after.execution.unverified = false;
        after.execution.closing = None;
        after.execution.abandoned = false;
        after.cleaned = false;
        after.execution.execution_id = None;
        after.seek();
        let open = OpenItem::of(request, true);
        let event = self.core.transition_event(&after, EventType::RequestReopened, None);
        let transaction = self.core.write_request(request, &after, Some(event))?.put(
            open_key(&request.organization, &request.id),
            &open,
            vec![],
        )?;
        let transaction = Core::note_open(transaction, &after);
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
        self.core.notify_workers(&after, Some(Envelope::now(Core::discover_message(&after)))).await?;
        Ok(Next::Wait)
    }

    /// Removes what the request gathered about the person; the record of what was done stays.
    async fn forget(&self, request: &RequestItem) -> Result<Next> {
        let partition = request_partition(&request.organization, &request.id);
        keyring::destroy(&self.core.ports, &partition, Purpose::Identity).await?;
        for gathered in [DOWNLOAD, RESOLUTION, WORDS] {
            self.core.delete_items(&partition, gathered).await?;
        }
        let mut after = request.clone();
        after.version += 1;
        after.run += 1;
        after.sealed_identity = None;
        after.sealed_opening = None;
        after.subject_keys = vec![];
        after.not_due();
        let event = self.core.transition_event(&after, EventType::RequestForgotten, None);
        self.core
            .write_request(request, &after, Some(event))?
            .commit_or_conflict(self.core.ports.table.as_ref(), "request")
            .await?;
        self.core.notify_workers(&after, None).await?;
        Ok(Next::Wait)
    }

    async fn steps_in(&self, partition: &str, round: u32) -> Result<Vec<(u32, StepItem)>> {
        numbered(self.core.query_all(control_query(partition, &step_prefix(round))).await?)
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
                let (_, holds) = self.core.evaluate_holds(request).await?;
                if let Some(hold) = holds.on(&step.category) {
                    return Ok(Some(hold));
                }
                let request = RequestItem { execution: ExecutionItem { holds, ..request.execution.clone() }, ..request.clone() };
                let key = keyring::address(partition, Purpose::Vault(*round, *step_index));
                let transaction = Core::fences(&request, Transaction::new().delete(key, vec![]));
                transaction.commit_or_conflict(self.core.ports.table.as_ref(), "holds").await?;
            }
        }
        Ok(None)
    }

    async fn delete_vault(&self, partition: &str, round: u32) -> Result<()> {
        let mut names = Vec::new();
        for item in self.core.query_all(control_query(partition, &format!("batch#{round:03}#"))).await? {
            let sk = item.get("sk").and_then(|v| v.as_str()).unwrap_or_default().to_owned();
            let mut places = sk.split('#').skip(2).filter_map(|n| n.parse::<u32>().ok());
            let batch: BatchItem = from_item(item)?;
            if let (Some(step), Some(n)) = (places.next(), places.next()) {
                for fence in 1..=batch.vault_fence.max(batch.fence) {
                    names.extend((0..vault::PASSES).map(|pass| vault::part_name(partition, round, step, n, fence, pass)));
                }
            }
        }
        self.core.delete_named(names).await
    }
}

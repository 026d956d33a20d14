//! One batch at a time: claim, work, confirm, and on to the next.

use crate::{
    EngineError, Result,
    core::{BatchAddress, Core, batch_order, concerned, word, work_of},
    execution::{Execution, turns::Turn},
    items::{
        BatchItem, Lease, RequestItem, StepItem, batch_key, exception_key, from_item, request_key, request_partition, step_key,
    },
    keyring::{self, Purpose},
    ports::{Change, Condition, Connector, DataKey, Envelope, HideMethod, Item, Key, SoftDelete, StoreError},
    transaction::{Committed, Transaction, add, equals, set, unchanged},
    vault,
};
use jiff::SignedDuration;
use oubli_domain::{
    audit::{DataErased, EventType},
    batch::{BatchState, BatchWork, Counts, Outcomes, RecordOutcome},
    datamap::{Duty, OtherWay, Producer, Selection},
    ids::{OrganizationId, RequestId},
    lifecycle::Phase,
};
use serde_json::Value;
use std::sync::Arc;

/// Attempts after which a batch fails for good, those of workers that died among them.
pub(super) const MAX_ATTEMPTS: u32 = 8;

/// A batch under claim, with everything needed to work on it.
pub(super) struct Claimed {
    pub request: RequestItem,
    pub partition: String,
    pub step_index: u32,
    pub step: StepItem,
    pub batch_index: u32,
    pub batch: BatchItem,
    /// What the batch was before any claim.
    pub from: BatchState,
    pub lease: Lease,
    pub producer: Producer,
    /// Its own duties, and those of producers that would find its records too.
    pub duties: Vec<Duty>,
    /// The ways by which more specific producers find what is theirs.
    pub within: Vec<Vec<Selection>>,
    /// The ways by which its records may come to be found besides.
    pub others: Vec<OtherWay>,
    pub connector: Arc<dyn Connector>,
    pub manifest_key: DataKey,
    /// None where the step needs none, or where it is destroyed.
    pub vault_key: Option<DataKey>,
}

impl Claimed {
    pub fn batch_key(&self) -> Key {
        batch_key(&self.partition, self.request.execution.round, self.step_index, self.batch_index)
    }

    pub fn step_key(&self) -> Key {
        step_key(&self.partition, self.request.execution.round, self.step_index)
    }

    /// The store's own reversible delete, for a step that hides by it.
    pub fn soft_delete(&self) -> Result<&dyn SoftDelete> {
        let reason = "it has no reversible delete of its own: discover again".to_owned();
        let none = || StoreError::Unusable { store: self.producer.store.to_string(), reason };
        Ok(self.connector.soft_delete().ok_or_else(none)?)
    }

    /// An object beside the batch's records, of an attempt and a pass of it.
    pub fn vault_part(&self, fence: u64, pass: u32) -> String {
        vault::part_name(&self.partition, self.request.execution.round, self.step_index, self.batch_index, fence, pass)
    }
}

/// A record that could not be handled, flagged for a person.
pub(super) struct Flagged {
    pub index: usize,
    pub reason: String,
}

/// How a record stays with what it is found through.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stays {
    /// What may lead to it cannot be read: nobody can say whether that stays.
    Perhaps,
    /// What leads to it stays.
    Surely,
}

impl Stays {
    /// What becomes of it. Where nobody can say, the next look need not either: it takes what it finds as it finds it, and would
    /// plan the record again without end. So that counts as not handled: what two rounds could not handle is asked for no more.
    pub(super) const fn outcome(self) -> RecordOutcome {
        match self {
            Self::Perhaps => RecordOutcome::Failed,
            Self::Surely => RecordOutcome::Retained,
        }
    }
}

impl Flagged {
    /// A record of which nobody can say whether it stays with what it is found through.
    pub(super) fn untold(index: usize) -> Self {
        Self { index, reason: "something that it may have to stay with cannot be read".to_owned() }
    }
}

/// What an attempt did.
#[derive(Default)]
pub(super) struct Done {
    pub outcomes: Option<Outcomes>,
    pub state: Option<BatchState>,
    /// What the step's counters gain; negative where records leave a place for another.
    pub counts: Vec<Change>,
    pub erased: DataErased,
    /// By how much the size of what is hidden of the batch changes.
    pub bytes_hidden: i64,
    pub flagged: Vec<Flagged>,
    pub records: u64,
}

/// How long a confirmation waits before it is tried again; twice as long each time.
pub(super) const CONFIRM_AGAIN: SignedDuration = SignedDuration::from_millis(200);

/// Where a lane goes on.
pub(super) enum Lane {
    /// At this batch of the step.
    Next(u32),
    /// Nowhere: it is at the step's end.
    Ended,
    /// Somebody else goes on with it, now or later.
    Left,
}

enum ClaimResult {
    Claimed(Box<Claimed>),
    /// Somebody else is at it, or it is not its turn.
    Leave,
    /// Nothing is left to do in it.
    Finished {
        request: Box<RequestItem>,
        batches: u32,
    },
    Later(u16),
    /// Other workers reach its store.
    Elsewhere(BatchAddress),
}

impl Execution {
    /// Works on the batch that a message names, and on the lane's next ones while there is plenty of time. Answers what
    /// was done, and whether the lane has ended: then it is time to look whether its step is done.
    ///
    /// # Errors
    /// [`EngineError::Transient`]: the message should be delivered again.
    pub async fn work(&self, organization: &OrganizationId, id: &RequestId, first: BatchAddress) -> Result<(&'static str, bool)> {
        let enough = self.core.now() + self.core.config.turn();
        let (mut at, mut did) = (first, "pass");
        loop {
            let (what, next) = self.work_one(organization, id, at).await?;
            if what != "pass" {
                did = what;
            }
            match next {
                Lane::Next(batch) => at.batch_index = batch,
                Lane::Ended => return Ok((did, true)),
                Lane::Left => return Ok((did, false)),
            }
            if self.core.now() >= enough {
                self.core.send(at.message(organization, id)).await?;
                return Ok((did, false));
            }
        }
    }

    /// One batch; answers what was done and which batch the lane goes on with.
    async fn work_one(&self, organization: &OrganizationId, id: &RequestId, at: BatchAddress) -> Result<(&'static str, Lane)> {
        let (mut claim, mut voided) = (ClaimResult::Leave, 0);
        // A hold that comes or goes between reading and claiming voids the claim: then read again.
        for _ in 0..3 {
            match self.claim(organization, id, at).await {
                Ok(taken) => {
                    claim = taken;
                    break;
                }
                Err(EngineError::Conflict(_)) => {
                    voided += 1;
                    self.refresh_holds(organization, id).await?;
                }
                Err(error) => return Err(error),
            }
        }
        if voided == 3 {
            self.is_decided(organization, id).await?;
        }
        match claim {
            ClaimResult::Leave => Ok(("pass", Lane::Left)),
            // The lane goes on past batches that are done, or it would end at the first of them.
            ClaimResult::Finished { request, batches } => Ok(("pass", next_batch(&request, at.batch_index, batches))),
            ClaimResult::Elsewhere(there) => {
                self.core.send(there.message(organization, id)).await?;
                Ok(("pass", Lane::Left))
            }
            ClaimResult::Later(seconds) => {
                self.core.ports.queue.send(vec![Envelope::after(at.message(organization, id), seconds)]).await?;
                Ok(("pass", Lane::Left))
            }
            ClaimResult::Claimed(claimed) => {
                let phase = claimed.request.state.phase;
                Ok((phase.name(), self.work_claimed(*claimed, at).await?))
            }
        }
    }

    /// Fails a request whose claims are void because nobody decided what it hides.
    async fn is_decided(&self, organization: &OrganizationId, id: &RequestId) -> Result<()> {
        let Some(request) = self.core.find_request(organization, id).await?.filter(|r| r.state.phase == Phase::Hiding) else {
            return Ok(());
        };
        match self.core.decision_stands(&request, &request_partition(organization, id)).await {
            Err(EngineError::Internal(fault)) => self.core.fail(&request, "decision_missing", fault.reason()).await,
            stands => stands,
        }
    }

    async fn work_claimed(&self, claimed: Claimed, at: BatchAddress) -> Result<Lane> {
        let attempt = match claimed.request.state.phase {
            Phase::Hiding => self.hide(&claimed).await,
            Phase::Settling => self.settle(&claimed).await,
            Phase::Restoring => self.put_back(&claimed).await,
            Phase::Purging => self.purge_batch(&claimed).await,
            _ => return Ok(Lane::Left),
        };
        let confirmed = match attempt {
            Ok(done) => self.confirm(&claimed, done).await,
            Err(error) => Err(error),
        };
        match confirmed {
            Ok(()) => Ok(next_batch(&claimed.request, claimed.batch_index, claimed.step.batches)),
            Err(EngineError::Conflict(_)) => Ok(Lane::Left),
            Err(error) => self.release(&claimed, at, &error).await,
        }
    }

    async fn claim(&self, organization: &OrganizationId, id: &RequestId, at: BatchAddress) -> Result<ClaimResult> {
        let BatchAddress { round, step_index, batch_index, run, .. } = at;
        let partition = request_partition(organization, id);
        let keys = [
            request_key(organization, id),
            step_key(&partition, round, step_index),
            batch_key(&partition, round, step_index, batch_index),
            keyring::address(&partition, Purpose::Manifest(round)),
            keyring::address(&partition, Purpose::Vault(round, step_index)),
        ];
        let found = self.core.ports.table.get_many(&keys).await?;
        let [Some(request), Some(step), Some(batch), manifest, vault] = <[Option<Item>; 5]>::try_from(found).unwrap_or_default()
        else {
            return Ok(ClaimResult::Leave);
        };
        let request: RequestItem = from_item(request)?;
        let step: StepItem = from_item(step)?;
        let mut batch: BatchItem = from_item(batch)?;
        if request.lacks_slot() {
            return Ok(ClaimResult::Leave);
        }
        // A message that was late or doubled is of another run, and asks for something that is over.
        if request.run != run
            || request.execution.round != round
            || request.execution.steps.get(request.execution.current_step as usize) != Some(&step_index)
        {
            return Ok(ClaimResult::Leave);
        }
        if request.state.phase == Phase::Purging && !may_destroy(&request, &step) {
            return Ok(ClaimResult::Leave);
        }
        // Workers of another pool cannot reach its store.
        if at.pool != step.pool {
            let pool = step.pool;
            return Ok(ClaimResult::Elsewhere(BatchAddress { pool, ..at }));
        }
        // A message may come while an unconcerned step is being passed over.
        if request.state.phase != Phase::Settling && !concerned(&request, step_index, &step, work_of(request.state.phase)) {
            return Ok(ClaimResult::Leave);
        }
        let Some(from) = self.workable(&request, &batch, at) else {
            let busy = batch.is_leased(self.core.now().as_millisecond()) || !request.state.phase.is_working();
            return Ok(if busy {
                ClaimResult::Leave
            } else {
                ClaimResult::Finished { request: Box::new(request), batches: step.batches }
            });
        };
        let now = self.core.now();
        let early = batch.not_before.saturating_sub(now.as_millisecond());
        if early > 0 && batch.state != BatchState::Claimed {
            return Ok(ClaimResult::Later(u16::try_from((early + 999) / 1000).unwrap_or(Envelope::MAX_DELAY_SECONDS)));
        }
        match self.turn(&request, &batch, at).await? {
            Turn::Now => {}
            Turn::Later(seconds) => return Ok(ClaimResult::Later(seconds)),
            Turn::Awaited => return Ok(ClaimResult::Leave),
        }
        if batch.state == BatchState::Claimed {
            // Whoever had it died, and cannot say so itself.
            batch.attempts += 1;
            if batch.attempts >= MAX_ATTEMPTS {
                let lost = "every worker that tried it was stopped before it was through";
                self.fail_batch(&request, &step, at, &batch, lost).await?;
                return Ok(ClaimResult::Finished { request: Box::new(request), batches: step.batches });
            }
        }
        let lease = Lease { fence: batch.fence + 1, stop_at: self.core.config.stop_at(now) };
        let mut changes = vec![
            set("attempts", batch.attempts),
            set("state", word(BatchState::Claimed)),
            set("claimed_from", word(from)),
            set("fence", lease.fence),
            set("lease_until", self.core.config.lease_until(now)),
        ];
        // From here on somebody may have destroyed some of it, whatever becomes of this attempt and of its number.
        let destroys = request.state.phase == Phase::Purging && step.method == HideMethod::Native;
        changes.extend((destroys && batch.destroyed.is_none()).then(|| set("destroyed", "")));
        // Whoever was slow may have noted what it did since the batch was read: nobody goes on from less.
        let outcomes = unchanged("outcomes", batch.outcomes.clone().map(String::from));
        let destroyed = unchanged("destroyed", batch.destroyed.clone().map(String::from));
        let same = vec![equals("state", word(batch.state)), equals("fence", batch.fence), outcomes, destroyed];
        let transaction = Transaction::new().update(batch_key(&partition, round, step_index, batch_index), changes, same);
        let transaction = Self::decided(&request, &partition, transaction);
        let transaction = Core::fences(&request, transaction);
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "batch").await?;
        let map = self.core.map_version(organization, request.execution.map_version).await?;
        let producer = map.producer(&step.producer).cloned();
        let producer = producer.ok_or_else(|| EngineError::internal("a producer is not in its data map"))?;
        let duties = map.duties(&producer);
        let within = map.ways_within(&producer).into_iter().map(|ways| ways.into_iter().cloned().collect()).collect();
        let others = map.other_ways(&producer);
        let store = map.stores.get(&producer.store).ok_or_else(|| EngineError::internal("a store is not in its data map"))?;
        let connector = self.core.ports.stores.connector(&producer.store, store)?;
        let manifest_key =
            keyring::unwrap(&self.core.ports, organization, &partition, Purpose::Manifest(round), manifest.as_ref()).await?;
        let manifest_key = manifest_key.ok_or_else(|| EngineError::internal("the manifest's key is gone"))?;
        let vault_key =
            keyring::unwrap(&self.core.ports, organization, &partition, Purpose::Vault(round, step_index), vault.as_ref())
                .await?;
        Ok(ClaimResult::Claimed(Box::new(Claimed {
            request,
            partition,
            step_index,
            step,
            batch_index,
            batch,
            from,
            lease,
            duties,
            within,
            others,
            producer,
            connector,
            manifest_key,
            vault_key,
        })))
    }

    /// What the batch was before any claim, if there is something to do in it and nobody is at it.
    fn workable(&self, request: &RequestItem, batch: &BatchItem, at: BatchAddress) -> Option<BatchState> {
        let work = match request.state.phase {
            Phase::Hiding => BatchWork::Hide,
            Phase::Restoring => BatchWork::Restore,
            Phase::Purging => BatchWork::Purge,
            Phase::Settling => {
                // Whatever may have been begun is settled; what never was stays as it is.
                return (batch.is_begun()
                    && !batch.is_leased(self.core.now().as_millisecond())
                    && !batch.is_hopeless(request.run))
                .then_some(BatchState::Pending);
            }
            _ => return None,
        };
        match batch.state {
            BatchState::Claimed if !batch.is_leased(self.core.now().as_millisecond()) => batch.claimed_from,
            BatchState::Hidden if work == BatchWork::Restore && batch.restore_run == request.run => None,
            BatchState::Hidden if work == BatchWork::Restore && !meant(request, at) => None,
            state if state == work.starts_from() => Some(state),
            _ => None,
        }
    }

    /// Writes what an attempt did, with counters and audit event, if the claim still holds and nothing intervened.
    async fn confirm(&self, claimed: &Claimed, done: Done) -> Result<()> {
        self.flag(claimed, &done.flagged).await?;
        let state = done.state.unwrap_or(BatchState::Skipped);
        let mut request = claimed.request.clone();
        let mut done = done;
        let mut final_state = state;
        for _ in 0..4 {
            let transaction = self.confirmation(claimed, &request, &done, final_state)?;
            if self.commit_in_time(claimed, transaction).await? == Committed::Yes {
                return Ok(());
            }
            let keys = [request_key(&request.organization, &request.id), claimed.batch_key()];
            let [Some(item), Some(batch)] =
                <[Option<Item>; 2]>::try_from(self.core.ports.table.get_many(&keys).await?).unwrap_or_default()
            else {
                return Err(EngineError::Conflict("the request is gone"));
            };
            let batch: BatchItem = from_item(batch)?;
            if batch.fence != claimed.lease.fence {
                return Err(EngineError::Conflict("another worker took the batch over"));
            }
            if batch.state != BatchState::Claimed {
                // The reply to an earlier try was lost: it is confirmed.
                return Ok(());
            }
            still_its_work(&claimed.request, &from_item(item)?)?;
            self.refresh_holds(&request.organization, &request.id).await?;
            request = self
                .core
                .find_request(&request.organization, &request.id)
                .await?
                .ok_or(EngineError::Conflict("the request is gone"))?;
            still_its_work(&claimed.request, &request)?;
            let held = request.execution.holds.on(&claimed.step.category).is_some();
            let hiding = claimed.request.state.phase == Phase::Hiding;
            if held && hiding && self.core.ports.clock.now().as_millisecond() < claimed.lease.stop_at {
                done = self.undo_for_hold(claimed, done).await?;
                self.flag(claimed, &done.flagged).await?;
                final_state = done.state.unwrap_or(BatchState::Held);
            } else if held && hiding {
                self.note_removed(claimed, done.outcomes.as_ref()).await?;
                return Err(EngineError::Conflict("no time is left to put back what a hold wants"));
            } else if held && request.restore().is_some_and(|order| order.give_up) {
                return Err(EngineError::Conflict("a hold keeps what was to be given up"));
            }
        }
        Err(EngineError::transient("holds keep changing"))
    }

    /// What was done is known here and nowhere else: trouble in writing it down is sat out while the lease lasts, or the
    /// next attempt would not know who removed the records.
    pub(super) async fn commit_in_time(&self, claimed: &Claimed, transaction: Transaction) -> Result<Committed> {
        let mut wait = CONFIRM_AGAIN;
        loop {
            let answered = transaction.clone().commit(self.core.ports.table.as_ref()).await;
            let trouble = matches!(answered, Err(EngineError::Transient(_)));
            if !trouble || !self.may_try_again(claimed, &mut wait).await {
                return answered;
            }
        }
    }

    /// Waits before another try, the longer the more there were; not past the lease.
    pub(super) async fn may_try_again(&self, claimed: &Claimed, wait: &mut SignedDuration) -> bool {
        let lasts = (self.core.now() + *wait).as_millisecond() < claimed.lease.stop_at;
        if lasts {
            self.core.ports.clock.sleep(wait.unsigned_abs()).await;
            *wait *= 2;
        }
        lasts
    }

    fn confirmation(&self, claimed: &Claimed, request: &RequestItem, done: &Done, state: BatchState) -> Result<Transaction> {
        let batch = claimed.batch_key();
        let mut changes = vec![
            set("state", word(state)),
            set("lease_until", 0),
            set("attempts", 0),
            Change::Remove("claimed_from"),
            Change::Remove("error"),
        ];
        if let Some(outcomes) = &done.outcomes {
            changes.push(set("outcomes", String::from(outcomes.clone())));
        }
        let work = work_of(claimed.request.state.phase);
        if work != BatchWork::Purge {
            let hidden = claimed.batch.bytes_hidden.saturating_add_signed(done.bytes_hidden);
            changes.push(set("bytes_hidden", hidden));
            if done.outcomes.as_ref().is_some_and(|o| o.as_slice().contains(&RecordOutcome::Conflict)) {
                changes.push(set("conflict_at", self.core.now().to_string()));
            }
        }
        match work {
            BatchWork::Hide => {
                changes.extend([set("vault_fence", claimed.lease.fence), set("hidden_at", self.core.now().to_string())])
            }
            BatchWork::Restore => changes.push(set("restore_run", request.run)),
            BatchWork::Purge => {}
        }
        let mut counters =
            vec![add(counter(work).0, u64::from(state != BatchState::Pending)), add(counter(work).1, done.records)];
        counters.extend(done.counts.iter().cloned());
        let (what, event_type) = match work {
            BatchWork::Hide => ("hide", EventType::BatchHidden),
            BatchWork::Restore => ("restore", EventType::BatchRestored),
            BatchWork::Purge => ("purge", EventType::BatchPurged),
        };
        let order = batch_order(request, what, claimed.step_index, claimed.batch_index);
        let mut event = self.core.event(request, event_type, &order);
        event.data_erased = done.erased;
        event.details.insert("category".to_owned(), claimed.step.category.to_string().into());
        event.details.insert("producer".to_owned(), claimed.step.producer.to_string().into());
        event.details.insert("batch".to_owned(), claimed.batch_index.into());
        if let Some(plan) = &request.execution.plan_digest {
            event.details.insert("plan_digest".to_owned(), plan.to_string().into());
        }
        event.details.insert("state".to_owned(), word(state));
        event.details.insert("records".to_owned(), done.records.into());
        let transaction = Transaction::new().update(batch, changes, mine(claimed)).update(claimed.step_key(), counters, vec![]);
        let transaction = Self::decided(request, &claimed.partition, transaction);
        self.core.outbox(Core::fences(request, transaction), &request.organization, &order, &event)
    }

    async fn flag(&self, claimed: &Claimed, flagged: &[Flagged]) -> Result<()> {
        let items = flagged.iter().map(|f| {
            let key = exception_key(
                &claimed.partition,
                claimed.request.execution.round,
                claimed.step_index,
                claimed.batch_index,
                claimed.lease.fence,
                f.index,
            );
            (key, crate::core::plain_item([("reason", Value::from(f.reason.clone())), ("index", f.index.into())]))
        });
        let items: Vec<_> = items.collect();
        if items.is_empty() { Ok(()) } else { Ok(self.core.ports.table.put_all(items).await?) }
    }

    /// Brings the request's view of the holds up to date.
    pub(crate) async fn refresh_holds(&self, organization: &OrganizationId, id: &RequestId) -> Result<()> {
        for _ in 0..4 {
            let Some(request) = self.core.find_request(organization, id).await? else { return Ok(()) };
            let (_, holds) = self.core.evaluate_holds(&request).await?;
            if holds == request.execution.holds {
                return Ok(());
            }
            let mut after = request.clone();
            after.version += 1;
            after.execution.holds = holds;
            if self.core.write_request(&request, &after, None)?.commit(self.core.ports.table.as_ref()).await? == Committed::Yes {
                return Ok(());
            }
        }
        Err(EngineError::transient("the request keeps changing"))
    }
}

/// The lane's next batch.
pub(super) fn next_batch(request: &RequestItem, batch_index: u32, batches: u32) -> Lane {
    let next = batch_index + request.execution.lanes.max(1);
    if request.state.phase != Phase::Settling && next < batches { Lane::Next(next) } else { Lane::Ended }
}

/// What was claimed may still be confirmed: nothing happened since but a cancel, which waits for it.
fn still_its_work(claimed: &RequestItem, now: &RequestItem) -> Result<()> {
    let same = now.state.phase == claimed.state.phase && now.run == claimed.run;
    let cancelled = claimed.state.phase == Phase::Hiding && now.state.phase == Phase::Settling;
    if same || cancelled { Ok(()) } else { Err(EngineError::Conflict("the request moved on")) }
}

/// Whether a step's batches may be destroyed: nothing holds them, and where a key seals them, it is gone already.
pub(super) fn may_destroy(request: &RequestItem, step: &StepItem) -> bool {
    match step.method {
        HideMethod::Vault => step.key_destroyed,
        HideMethod::Native => request.execution.holds.on(&step.category).is_none(),
    }
}

fn meant(request: &RequestItem, at: BatchAddress) -> bool {
    request.restore().is_none_or(|order| order.concerns(at.step_index, at.batch_index))
}

/// The claim still holds.
pub(super) fn mine(claimed: &Claimed) -> Vec<Condition> {
    vec![equals("fence", claimed.lease.fence), equals("state", word(BatchState::Claimed))]
}

fn counter(work: BatchWork) -> (&'static str, &'static str) {
    match work {
        BatchWork::Hide => ("hide_batches", "hide_records"),
        BatchWork::Restore => ("restore_batches", "restore_records"),
        BatchWork::Purge => ("purge_batches", "purge_records"),
    }
}

/// Counters that gain all of these counts.
pub(super) fn gains(counts: &Counts) -> Vec<Change> {
    let all = [
        ("erased", counts.erased),
        ("uncertain", counts.uncertain),
        ("already_absent", counts.already_absent),
        ("retained", counts.retained),
        ("failed", counts.failed),
        ("restored", counts.restored),
        ("conflicts", counts.conflicts),
        ("given_up", counts.given_up),
        ("bytes_erased", counts.bytes),
    ];
    all.into_iter().filter(|(_, by)| *by > 0).map(|(name, by)| add(name, by)).collect()
}

//! Lines: what a request waits for, who goes first, and who is woken when the wait may be over.
//!
//! Whoever frees a slot or a guard wakes those who stand first in that line, and nobody else; a hold that is released
//! wakes all of its line, page by page. Should whoever frees one die before it does, the sweeper finds a freed slot and a released hold still due; for a guard, whoever waits looks again
//! by itself, the more rarely the longer it has waited.

use crate::{
    EngineError, Result,
    core::{Core, Next, holds_stand, plain_item},
    items::{
        RequestItem, WaitsIn, due_partition, due_sort, freed_key, slot_key, slots_partition, subject_partition,
        waiting_for_hold_key, waiting_for_subject_key, waiting_for_subject_prefix, waiting_key, waiting_partition,
    },
    ports::{Condition, Envelope, Item, Message, Query, Range, TableName},
    transaction::{Transaction, equals, set},
};
use jiff::SignedDuration;
use oubli_domain::{
    ids::{HoldId, OrganizationId, RequestId},
    lifecycle::Phase,
    request::WaitingFor,
};
use serde_json::Value;

/// How soon, and how late, a request that waits looks again by itself.
const FIRST_LOOK: SignedDuration = SignedDuration::from_mins(1);

const LAST_LOOK: SignedDuration = SignedDuration::from_hours(6);

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wait {
    /// The release of a hold.
    Hold(HoldId),
    /// The end of what is under way for its subject, known by this one of its keys.
    Subject(usize),
    /// A slot.
    Slot,
}

impl Wait {
    const fn waiting_for(self) -> WaitingFor {
        match self {
            Wait::Hold(_) => WaitingFor::LegalHold,
            Wait::Subject(_) => WaitingFor::AnotherRequest,
            Wait::Slot => WaitingFor::Capacity,
        }
    }

    fn place(self, request: &RequestItem) -> Result<WaitsIn> {
        let (organization, at, id) = (&request.organization, request.submitted_at, &request.id);
        let key = match self {
            Wait::Hold(hold) => waiting_for_hold_key(organization, &hold, id),
            Wait::Slot => waiting_key(organization, at, id),
            Wait::Subject(place) => {
                let subject = request.subject_keys.get(place);
                let subject = subject.ok_or_else(|| EngineError::internal("a request waits for nobody"))?;
                waiting_for_subject_key(organization, subject, request.kind().changes_records(), at, id)
            }
        };
        Ok(WaitsIn { pk: key.pk, sk: key.sk })
    }
}

impl Core {
    /// Puts a request in line and lets go of its slot, if it has one: whoever waits keeps nobody else waiting.
    pub(crate) async fn wait_for(&self, request: &RequestItem, wait: Wait) -> Result<Next> {
        let place = wait.place(request)?;
        let now = self.now();
        let mut after = request.clone();
        after.version += 1;
        if request.waiting_for != Some(wait.waiting_for()) {
            after.waiting_for = Some(wait.waiting_for());
            after.waiting_since = Some(now);
        }
        after.waits_in = Some(place);
        let waited = after.waiting_since.map_or(FIRST_LOOK, |since| now.duration_since(since));
        after.due(now + if wait == Wait::Slot { LAST_LOOK } else { waited.clamp(FIRST_LOOK, LAST_LOOK) });
        let freed = Self::release_slot(request, &mut after, Transaction::new());
        let mut transaction = self.write_request(request, &after, None)?.and(freed);
        // Whoever was woken and has to go on waiting was taken out of the line.
        if request.waits_in == after.waits_in {
            transaction = Self::take_place(transaction, &after);
        }
        transaction.commit_or_conflict(self.ports.table.as_ref(), "request").await?;
        let moved = request.waits_in != after.waits_in;
        let left_line = request.waiting_for == Some(WaitingFor::Capacity) && wait != Wait::Slot;
        if request.execution.slot.is_some() || left_line {
            self.fill_slots(&request.organization).await?;
        }
        // What was freed before it stood in line woke others only.
        Ok(if moved && wait == Wait::Slot { Next::Again } else { Next::Wait })
    }

    /// A slot for the request, if one is left by those who came before it.
    pub(crate) async fn free_slot(&self, request: &RequestItem, slots: u32) -> Result<Option<u32>> {
        let free = self.free_slots(&request.organization, slots).await?;
        if free.is_empty() {
            return Ok(None);
        }
        let mine = waiting_key(&request.organization, request.submitted_at, &request.id).sk;
        let first = self.first_in_line(&request.organization, free.len()).await?;
        let before_me = first.iter().filter(|(sk, _)| *sk < mine).count();
        Ok(free.get(before_me).copied())
    }

    async fn free_slots(&self, organization: &OrganizationId, slots: u32) -> Result<Vec<u32>> {
        let query = Query::new(TableName::Control, slots_partition(organization), Range::All);
        let taken = self.query_all(query).await?;
        let taken: Vec<&str> = taken.iter().filter_map(|i| i.get("sk").and_then(Value::as_str)).collect();
        Ok((0..slots).filter(|slot| !taken.contains(&slot_key(organization, *slot).sk.as_str())).collect())
    }

    async fn first_in_line(&self, organization: &OrganizationId, count: usize) -> Result<Vec<(String, RequestId)>> {
        let query = Query { limit: count, ..Query::new(TableName::Control, waiting_partition(organization), Range::All) };
        Ok(self.ports.table.query(query).await?.items.iter().filter_map(in_line).collect())
    }

    /// Wakes as many of those who wait for a slot as there are slots, and forgets that any was freed once nobody waits.
    pub(crate) async fn fill_slots(&self, organization: &OrganizationId) -> Result<()> {
        let key = freed_key(organization);
        let Some(word) = self.ports.table.get_many(std::slice::from_ref(&key)).await?.pop().flatten() else { return Ok(()) };
        let unchanged = vec![equals("version", word.get("version").cloned().unwrap_or_default())];
        let settings = self.settings(organization).await?;
        let free = self.free_slots(organization, settings.concurrent_requests).await?;
        let first = if free.is_empty() { vec![] } else { self.first_in_line(organization, free.len()).await? };
        let woken: Vec<RequestId> = first.into_iter().map(|(_, request)| request).collect();
        if woken.is_empty() {
            Transaction::new().delete(key, unchanged).commit(self.ports.table.as_ref()).await?;
            return Ok(());
        }
        let later = due_sort(self.now() + FIRST_LOOK, organization.as_str());
        let changes = vec![set("due_pk", due_partition(0)), set("due_sk", later)];
        Transaction::new().update(key, changes, unchanged).commit(self.ports.table.as_ref()).await?;
        self.look_at(organization, woken).await
    }

    /// Wakes those whom the end of a request's work may let go on: the first in each line.
    pub(crate) async fn notify_waiting(&self, request: &RequestItem) -> Result<()> {
        let organization = &request.organization;
        let mut woken: Vec<RequestId> = request.prior_to().into_iter().collect();
        for subject in &request.subject_keys {
            for erases in [true, false] {
                let range = Range::Prefix(waiting_for_subject_prefix(erases));
                let query = Query { limit: 1, ..Query::new(TableName::Control, subject_partition(organization, subject), range) };
                woken.extend(self.ports.table.query(query).await?.items.iter().filter_map(in_line).map(|(_, id)| id));
            }
        }
        self.look_at(organization, woken).await?;
        self.fill_slots(organization).await
    }

    async fn look_at(&self, organization: &OrganizationId, mut requests: Vec<RequestId>) -> Result<()> {
        requests.sort();
        requests.dedup();
        let look = |request| Envelope::now(Message::Sweep { organization: organization.clone(), request });
        self.send_all(requests.into_iter().map(look).collect()).await
    }

    /// Takes a slot for work that goes on: after a failure was mended, or a hold that it met is gone.
    pub(crate) async fn take_slot_again(&self, request: &RequestItem) -> Result<Next> {
        let (guards, holds) = self.evaluate_holds(request).await?;
        let purging = request.state.phase == Phase::Purging;
        if purging {
            let category = self.current_category(request).await?;
            if let Some(hold) = category.and_then(|c| holds.on(&c)) {
                return self.wait_for(request, Wait::Hold(hold)).await;
            }
            if let Some(place) = guards.iter().position(|g| g.as_ref().is_some_and(|g| g.exporting.is_some())) {
                return self.wait_for(request, Wait::Subject(place)).await;
            }
        }
        let settings = self.settings(&request.organization).await?;
        let Some(slot) = self.free_slot(request, settings.concurrent_requests).await? else {
            return self.wait_for(request, Wait::Slot).await;
        };
        let mut after = request.clone();
        after.version += 1;
        after.waits_no_more();
        after.execution.holds = holds;
        after.execution.slot = Some(slot);
        after.due(self.now() + FIRST_LOOK);
        let transaction = acquire_slot(self.write_request(request, &after, None)?, &after, slot)?;
        let nobody_copies: &[Condition] = if purging { &[Condition::Missing("exporting")] } else { &[] };
        let transaction = holds_stand(transaction, &after, nobody_copies);
        transaction.commit_or_conflict(self.ports.table.as_ref(), "request, guard or slot").await?;
        self.send_first(&after).await?;
        Ok(Next::Again)
    }

    async fn current_category(&self, request: &RequestItem) -> Result<Option<oubli_domain::ids::Category>> {
        let current = request.execution.steps.get(request.execution.current_step as usize);
        let steps = self.steps_of(request).await?;
        Ok(steps.into_iter().find(|(n, _)| Some(n) == current).map(|(_, step)| step.category))
    }
}

/// Who stands in a line, and where.
fn in_line(item: &Item) -> Option<(String, RequestId)> {
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    Some((text("sk")?.to_owned(), text("request")?.parse().ok()?))
}

/// Takes a place among the working requests.
pub(crate) fn acquire_slot(transaction: Transaction, after: &RequestItem, slot: u32) -> Result<Transaction> {
    let marker = plain_item([("request", after.id.to_string().into())]);
    transaction.put(slot_key(&after.organization, slot), &marker, vec![Condition::ItemAbsent])
}

//! From approved to hiding, and from recoverable to purging: what must hold before anything is touched.

use super::advance::Next;
use crate::{
    Engine, EngineError, Outcome,
    engine::{plain_item, take_guards},
    items::{
        DecisionItem, GuardItem, RequestItem, decision_key, guard_key, request_key, request_partition, slot_key, slots_partition,
        waiting_key, waiting_partition,
    },
    keyring::{self, Purpose},
    ports::{Condition, Envelope, HideMethod, Query, Range, TableName},
    requests::seconds_until,
    transaction::{Transaction, equals},
};
use jiff::SignedDuration;
use oubli_domain::{audit::EventType, ids::OrganizationId, settings::Settings, state::Event};

impl Engine {
    /// Begins to hide, if the decision stands, its time has come, nobody else executes for the subject, and there is
    /// room.
    pub(super) async fn begin(&self, request: &RequestItem) -> Outcome<Next> {
        let now = self.now();
        if let Some(at) = request.scheduled_at.filter(|at| *at > now) {
            if let Some(seconds) = seconds_until(now, Some(at)) {
                self.ports.queue.send(vec![Envelope::after(Self::advance_message(request), seconds.max(1))]).await?;
            }
            return Ok(Next::Wait);
        }
        let partition = request_partition(&request.organization, &request.id);
        self.decision_stands(request, &partition).await?;
        let export = if request.export_first { self.prior_export(request).await? } else { None };
        if request.export_first && export.is_none() {
            return self.ask_for_export(request).await;
        }
        let settings = self.settings(&request.organization).await?;
        if self.is_plan_old(request, &settings) {
            return self.look_again(request).await;
        }
        let (guards, holds) = self.evaluate_holds(&request.organization, &request.subject_keys).await?;
        if !holds.whole.is_empty() {
            self.wait_for(request, "legal_hold").await?;
            return Ok(Next::Wait);
        }
        let busy = |g: &GuardItem| g.exporting.is_some() || g.executing.is_some_and(|other| other != request.id);
        if guards.iter().flatten().any(busy) {
            self.wait_for(request, "another_request").await?;
            return Ok(Next::Wait);
        }
        let Some(slot) = self.free_slot(&request.organization, settings.concurrent_requests).await? else {
            self.wait_for(request, "capacity").await?;
            return Ok(Next::Wait);
        };
        for (number, step) in self.steps_of(request).await? {
            if step.method == HideMethod::Vault {
                let purpose = Purpose::Vault(request.round, number);
                let checks = Self::unchanged(request);
                keyring::ensure_while(&self.ports, &request.organization, &partition, purpose, checks).await?;
            }
        }
        let mut after = self.moved(request, Event::HidingStarted)?;
        after.holds = holds;
        after.slot = Some(slot);
        after.at = 0;
        after.lanes = settings.lanes;
        after.window_seconds = settings.recovery_window_seconds;
        after.started_at = after.started_at.or(Some(now));
        let event = self.transition_event(&after, EventType::GdprErasureStarted, None);
        let transaction = self.write_request(request, &after, Some(event))?;
        let transaction = take_guards(transaction, &after, &guards);
        let mut transaction = occupy(transaction, &after, slot)?;
        if let Some(export) = export {
            transaction = transaction.check(request_key(&export.organization, &export.id), vec![equals("run", export.run)]);
        }
        transaction.commit_or_overtaken(self.ports.table.as_ref(), "request, guard, slot or export").await?;
        self.wake(&after, None).await?;
        self.send_first(&after).await?;
        Ok(Next::Again)
    }

    /// What is to be done needs a recorded decision for exactly this plan.
    pub(crate) async fn decision_stands(&self, request: &RequestItem, partition: &str) -> Outcome<()> {
        let decision: Option<DecisionItem> = self.find(decision_key(partition, request.round)).await?;
        let stands = decision.is_some_and(|d| {
            d.approved && Some(&d.plan_digest) == request.plan_digest.as_ref() && Some(d.execution_id) == request.execution_id
        });
        if stands { Ok(()) } else { Err(EngineError::Broken("no decision is recorded for this plan".to_owned())) }
    }

    /// Whether more may have come since than what the plan has. It is as old as its decision, or as the last look that
    /// confirmed it; without a decision, as itself.
    pub(crate) fn is_plan_old(&self, request: &RequestItem, settings: &Settings) -> bool {
        let since = request.decided_at.max(request.planned_at).unwrap_or(request.submitted_at);
        let age = self.now().duration_since(since);
        age > SignedDuration::from_secs(i64::from(settings.decision_valid_seconds))
    }

    /// The decision is old: look again first.
    pub(crate) async fn look_again(&self, request: &RequestItem) -> Outcome<Next> {
        let mut after = self.moved(request, Event::PlanAged)?;
        after.seek();
        let event = self.transition_event(&after, EventType::PlanRefreshStarted, None);
        let transaction = self.write_request(request, &after, Some(event))?;
        transaction.commit_or_overtaken(self.ports.table.as_ref(), "request").await?;
        self.send(Self::discover_message(&after)).await?;
        Ok(Next::Wait)
    }

    /// Begins to purge, if the window has closed and no hold wants anything of it.
    pub(super) async fn close_window(&self, request: &RequestItem) -> Outcome<Next> {
        let Some(end) = request.window_ends_at else {
            return Err(EngineError::Broken("a recovery window has no end".to_owned()));
        };
        if self.now() < end {
            return Ok(Next::Wait);
        }
        let (guards, holds) = self.evaluate_holds(&request.organization, &request.subject_keys).await?;
        if guards.iter().flatten().any(|g| g.exporting.is_some()) {
            self.wait_for(request, "another_request").await?;
            return Ok(Next::Wait);
        }
        let steps = self.steps_of(request).await?;
        if steps.iter().any(|(_, s)| s.counts.restorable() > 0 && holds.on(&s.category).is_some()) {
            self.wait_for(request, "legal_hold").await?;
            return Ok(Next::Wait);
        }
        let settings = self.settings(&request.organization).await?;
        let Some(slot) = self.free_slot(&request.organization, settings.concurrent_requests).await? else {
            self.wait_for(request, "capacity").await?;
            return Ok(Next::Wait);
        };
        let mut after = self.moved(request, Event::WindowClosed)?;
        after.holds = holds.clone();
        after.slot = Some(slot);
        after.at = 0;
        let event = self.transition_event(&after, EventType::PurgeStarted, None);
        let mut transaction = occupy(self.write_request(request, &after, Some(event))?, &after, slot)?;
        for (key, version) in request.subject_keys.iter().zip(&holds.versions) {
            let guard = guard_key(&request.organization, key);
            // No export of the subject is under way either.
            let still = vec![equals("holds_version", *version), Condition::Missing("exporting")];
            transaction = transaction.check(guard, still);
        }
        transaction.commit_or_overtaken(self.ports.table.as_ref(), "request, hold or slot").await?;
        self.wake(&after, None).await?;
        self.send_first(&after).await?;
        Ok(Next::Again)
    }

    async fn free_slot(&self, organization: &OrganizationId, slots: u32) -> Outcome<Option<u32>> {
        let query = Query::new(TableName::Jobs, slots_partition(organization), Range::All);
        let taken: Vec<String> =
            self.query_all(query).await?.iter().filter_map(|i| i.get("sk").and_then(|v| v.as_str()).map(str::to_owned)).collect();
        Ok((0..slots).find(|slot| !taken.contains(&slot_key(organization, *slot).sk)))
    }

    /// Wakes whoever waits for a guard, a slot or the end of a hold.
    pub(crate) async fn wake_waiting(&self, organization: &OrganizationId) -> Outcome<()> {
        let query = Query::new(TableName::Jobs, waiting_partition(organization), Range::All);
        let mut messages = Vec::new();
        for item in self.query_all(query).await? {
            if let Some(request) = item.get("request").and_then(|v| v.as_str()).and_then(|t| t.parse().ok()) {
                messages.push(Envelope::now(crate::ports::Message::Sweep { organization: organization.clone(), request }));
            }
        }
        if messages.is_empty() { Ok(()) } else { Ok(self.ports.queue.send(messages).await?) }
    }
}

/// Takes a place among the working requests, and leaves the list of those that wait.
pub(super) fn occupy(transaction: Transaction, after: &RequestItem, slot: u32) -> Outcome<Transaction> {
    let marker = plain_item([("request", after.id.to_string().into())]);
    let transaction = transaction.put(slot_key(&after.organization, slot), &marker, vec![Condition::ItemAbsent])?;
    Ok(transaction.delete(waiting_key(&after.organization, &after.id), vec![]))
}

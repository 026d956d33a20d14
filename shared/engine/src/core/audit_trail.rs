//! Audit events, in the transaction of what they tell of.

use crate::{
    EngineError, Result,
    core::Core,
    items::{RequestItem, look_key, outbox_key},
    ports::{Condition, Message},
    transaction::{Committed, Transaction},
};
use data_encoding::HEXLOWER;
use oubli_domain::{
    access::Caller,
    audit::{AuditEvent, EventType},
    ids::{ActorId, OrganizationId},
    ledger::MAX_LEAF_BYTES,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const HOUR: i64 = 3600;

/// What sealing adds to an event: its place, hashes and a nonce.
const SEAL_BYTES: usize = 1024;

impl Core {
    pub(crate) fn outbox(
        &self,
        transaction: Transaction,
        organization: &OrganizationId,
        order: &str,
        event: &AuditEvent,
    ) -> Result<Transaction> {
        // The log takes no longer entry, and nothing behind one would ever be sealed.
        let event = event.clone().within(MAX_LEAF_BYTES - SEAL_BYTES);
        let event = event.ok_or_else(|| EngineError::internal("an audit event is too long for a log"))?;
        transaction.put(outbox_key(organization, order), &event, vec![Condition::ItemAbsent])
    }

    /// An audit event of a request.
    pub(crate) fn event(&self, request: &RequestItem, event_type: EventType, order: &str) -> AuditEvent {
        AuditEvent {
            request_id: Some(request.id),
            subject_id_hash: Some(request.subject_id_hash.clone()),
            ..AuditEvent::new(order, event_type, self.now())
        }
    }

    /// The audit event of a change of state that `after` is the result of.
    pub(crate) fn transition_event(&self, after: &RequestItem, event_type: EventType, actor: Option<ActorId>) -> AuditEvent {
        let mut event = self.event(after, event_type, &transition_order(after));
        event.actor = actor;
        event.details.insert("phase".to_owned(), after.state.phase.name().into());
        event.details.insert("round".to_owned(), after.execution.round.into());
        event
    }

    /// A place in the outbox for an event that belongs to no request.
    pub(crate) fn order_of(&self, what: &str) -> String {
        format!("{}#{what}", self.ports.entropy.uuid(self.now()).simple())
    }

    /// Writes changes and the one event that tells of them, and has it sealed. What is written is done: that nobody could be woken
    /// is no failure of it.
    pub(crate) async fn commit_told(
        &self,
        transaction: Transaction,
        organization: &OrganizationId,
        order: &str,
        event: &AuditEvent,
    ) -> Result<Committed> {
        let transaction = self.outbox(transaction, organization, order, event)?;
        let committed = transaction.commit(self.ports.table.as_ref()).await?;
        if committed == Committed::Yes {
            let told = self.send(Message::Seal { organization: organization.clone() }).await;
            if let Err(error) = self.left_to_sweeper(organization, told).await {
                tracing::warn!(%error, %organization, "an event is sealed with the organization's next one");
            }
        }
        Ok(committed)
    }

    /// Notes in the log that somebody was given something. It is refused where that cannot be noted.
    pub(crate) async fn record_reading(
        &self,
        caller: &Caller,
        event_type: EventType,
        request: Option<&RequestItem>,
        details: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Result<()> {
        match self.record(Transaction::new(), caller, event_type, request, details).await? {
            Committed::Yes => Ok(()),
            Committed::Refused => Err(EngineError::Conflict("outbox")),
        }
    }

    /// Notes in the log that somebody looked at something, as narrowed by `what`: once an hour, so that what looks all the
    /// time does not fill it. Looking is refused where that cannot be noted.
    pub(crate) async fn record_look(
        &self,
        caller: &Caller,
        event_type: EventType,
        request: Option<&RequestItem>,
        what: &Value,
        details: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Result<()> {
        let hour = self.now().as_second().div_euclid(HOUR);
        let told = format!("{}\n{}\n{what}", json!(event_type), request.map(|r| r.id.to_string()).unwrap_or_default());
        let key = look_key(&caller.organization, &caller.actor, hour, &HEXLOWER.encode(&Sha256::digest(told)));
        if self.find::<LookItem>(key.clone()).await?.is_some() {
            return Ok(());
        }
        let noted = LookItem { expires_at: (hour + 2) * HOUR };
        let transaction = Transaction::new().put(key.clone(), &noted, vec![Condition::ItemAbsent])?;
        match self.record(transaction, caller, event_type, request, details).await? {
            Committed::Yes => Ok(()),
            // By another call of theirs.
            Committed::Refused if self.find::<LookItem>(key).await?.is_some() => Ok(()),
            Committed::Refused => Err(EngineError::Conflict("outbox")),
        }
    }

    async fn record(
        &self,
        transaction: Transaction,
        caller: &Caller,
        event_type: EventType,
        request: Option<&RequestItem>,
        details: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Result<Committed> {
        let order = self.order_of("read");
        let event = AuditEvent {
            request_id: request.map(|r| r.id),
            subject_id_hash: request.map(|r| r.subject_id_hash.clone()),
            actor: Some(caller.actor),
            details: details.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
            ..AuditEvent::new(&order, event_type, self.now())
        };
        self.commit_told(transaction, &caller.organization, &order, &event).await
    }
}

/// That a look is noted.
#[derive(Serialize, Deserialize)]
struct LookItem {
    /// Epoch seconds after which the table may drop it.
    expires_at: i64,
}

/// Where a change of state sorts among a request's events: after every batch event of the run before.
pub fn transition_order(after: &RequestItem) -> String {
    format!("{}#{:08}#0", after.id, after.run)
}

/// Where a batch's event sorts: after the change of state that began its run.
pub fn batch_order(request: &RequestItem, what: &str, step: u32, batch: u32) -> String {
    format!("{}#{:08}#1#{what}#{step:03}#{batch:06}", request.id, request.run)
}

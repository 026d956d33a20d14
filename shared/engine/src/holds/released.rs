//! What follows a release, or that a hold's person is known: whoever waits for it goes on. In the end its words are
//! forgotten.

use crate::{
    Result,
    core::{hold_words_partition, set_hold},
    holds::Holds,
    items::{HoldItem, due_partition, due_sort, hold_key, waiting_for_hold_partition},
    keyring::{self, Purpose},
    ports::{Change, Envelope, Key, Message, Query, Range, TableName},
    transaction::{Committed, Transaction, equals, set},
};
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    audit::EventType,
    hold::Hold,
    ids::{HoldId, OrganizationId},
};
use serde_json::Value;

/// Most requests woken at once: what a message to itself goes on with.
const WOKEN_TOGETHER: usize = 100;

impl Holds {
    /// Goes on with a hold that was released, or whose person is known. Where it dies, the sweeper finds the hold still due.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`]: the message should be delivered again.
    pub async fn after_release(&self, organization: &OrganizationId, id: &HoldId) -> Result<()> {
        let Some(item) = self.core.find::<HoldItem>(hold_key(organization, id)).await? else { return Ok(()) };
        if item.released_at.is_none() && item.due_pk.is_some() {
            return self.core.send(Message::ResolveHold { organization: organization.clone(), hold: *id }).await;
        }
        if self.notify_held(organization, id).await? {
            return self.core.send(Message::Released { organization: organization.clone(), hold: *id }).await;
        }
        let Some(released_at) = item.released_at else { return Ok(()) };
        if item.sealed_words.is_none() {
            return Ok(());
        }
        let settings = self.core.settings(organization).await?;
        let end = released_at + SignedDuration::from_hours(24 * i64::from(settings.forget_after_days));
        if end <= self.core.now() {
            self.forget_words(organization, id, &item).await
        } else {
            self.look_at_hold(organization, id, end).await
        }
    }

    /// Wakes some of those that wait for the hold. Answers whether there may be more.
    async fn notify_held(&self, organization: &OrganizationId, id: &HoldId) -> Result<bool> {
        let partition = waiting_for_hold_partition(organization, id);
        let query = Query { limit: WOKEN_TOGETHER, ..Query::new(TableName::Control, partition.clone(), Range::All) };
        let page = self.core.ports.table.query(query).await?;
        let named = |name: &str| page.items.iter().filter_map(|i| i.get(name).and_then(Value::as_str)).collect::<Vec<_>>();
        let woken: Vec<Envelope> = named("request")
            .into_iter()
            .filter_map(|id| id.parse().ok())
            .map(|request| Envelope::now(Message::Sweep { organization: organization.clone(), request }))
            .collect();
        if page.items.is_empty() {
            return Ok(false);
        }
        self.core.ports.queue.send(woken).await?;
        let keys = named("sk").into_iter().map(|sk| Key { table: TableName::Control, pk: partition.clone(), sk: sk.to_owned() });
        self.core.ports.table.delete_all(keys.collect()).await?;
        Ok(page.next.is_some())
    }

    /// Somebody looks at it again at a time.
    async fn look_at_hold(&self, organization: &OrganizationId, id: &HoldId, at: Timestamp) -> Result<()> {
        let due = vec![set("due_pk", due_partition(0)), set("due_sk", due_sort(at, &id.to_string()))];
        let there = vec![crate::ports::Condition::ItemPresent];
        Transaction::new().update(hold_key(organization, id), due, there).commit(self.core.ports.table.as_ref()).await?;
        Ok(())
    }

    async fn forget_words(&self, organization: &OrganizationId, id: &HoldId, item: &HoldItem) -> Result<()> {
        keyring::destroy(&self.core.ports, &hold_words_partition(organization, id), Purpose::Identity).await?;
        let order = format!("{id}#words");
        let event = self.core.hold_event(&item.hold, EventType::LegalHoldWordsForgotten, None, &order);
        // Its hashes would still tell whoever names the person that they were on hold.
        let hold = Hold { scope: item.hold.scope.clone().forgotten(), ..item.hold.clone() };
        let changes = vec![
            set_hold(&hold)?,
            Change::Remove("sealed_words"),
            Change::Remove("sealed_identity"),
            Change::Remove("sealed_person"),
            Change::Remove("due_pk"),
            Change::Remove("due_sk"),
        ];
        let same = vec![equals("sealed_words", item.sealed_words.clone())];
        let transaction = Transaction::new().update(hold_key(organization, id), changes, same);
        let transaction = self.core.outbox(transaction, organization, &order, &event)?;
        if transaction.commit(self.core.ports.table.as_ref()).await? == Committed::Yes {
            self.core.send(Message::Seal { organization: organization.clone() }).await?;
        }
        Ok(())
    }
}

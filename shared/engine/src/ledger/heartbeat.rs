//! A log in which nothing happens says once a day that it is alive: a checkpoint that grows old is a sign of trouble.

use crate::{
    Result,
    core::{LedgerHead, plain_item},
    items::{due_partition, due_sort, heartbeat_key, ledger_head_key},
    ledger::Ledger,
    transaction::Transaction,
};
use jiff::{SignedDuration, tz::TimeZone};
use oubli_domain::{
    audit::{AuditEvent, EventType},
    ids::OrganizationId,
};
use serde_json::Value;

const DAY: SignedDuration = SignedDuration::from_hours(24);

impl Ledger {
    /// Called when nothing waits to be sealed. Puts a heartbeat into the outbox if the log has been silent for a day, and
    /// answers whether it did; sees to it that somebody looks again a day after the last entry.
    pub(super) async fn heartbeat(&self, organization: &OrganizationId, head: &LedgerHead) -> Result<bool> {
        if head.size == 0 {
            return Ok(false);
        }
        let now = self.core.now();
        let silent = now.duration_since(head.sealed_at) >= DAY;
        if silent {
            let day = now.to_zoned(TimeZone::UTC).date();
            let order = format!("heartbeat-{day}#{:012}", head.size);
            let event = AuditEvent::new(&order, EventType::LogHeartbeat, now);
            // Refused: another sequencer put the same one there, or sealed it already.
            let silent_still = Transaction::new().check(ledger_head_key(organization), head.unchanged());
            self.core.outbox(silent_still, organization, &order, &event)?.commit(self.core.ports.table.as_ref()).await?;
            return Ok(true);
        }
        let key = heartbeat_key(organization);
        let known = self.core.ports.table.get_many(std::slice::from_ref(&key)).await?.pop().flatten();
        let due = due_sort(head.sealed_at + DAY, organization.as_str());
        let stands = known.as_ref().and_then(|k| k.get("due_sk")).and_then(Value::as_str);
        // Not at every sealing: whoever looks too early puts the next look off.
        if stands.is_none_or(|stands| stands <= due_sort(now, "~").as_str()) {
            self.prune(organization, head).await?;
            let item = plain_item([
                ("organization", organization.as_str().into()),
                ("due_pk", due_partition(0).into()),
                ("due_sk", due.into()),
            ]);
            Transaction::new().put(key, &item, vec![])?.commit(self.core.ports.table.as_ref()).await?;
        }
        Ok(false)
    }
}

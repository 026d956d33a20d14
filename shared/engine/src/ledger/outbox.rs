//! What waits to be sealed.

use crate::{
    Result,
    core::{LedgerHead, read_entry},
    items::{from_item, outbox_partition},
    ledger::Ledger,
    ports::{Item, Query, Range, TableName},
};
use oubli_domain::{audit::AuditEvent, ids::OrganizationId};
use serde_json::Value;
use std::collections::BTreeMap;

/// Most entries sealed at once.
pub(super) const SEALED_TOGETHER: usize = 2_000;

fn order_of(item: &Item) -> &str {
    item.get("sk").and_then(Value::as_str).unwrap_or_default()
}

fn owner_of(order: &str) -> &str {
    order.split('#').next().unwrap_or_default()
}

impl Ledger {
    /// The next events in an order in which no event of a request precedes one that happened before it.
    ///
    /// A page read while events are written may hold a later one and miss an earlier. So what was seen is read a second
    /// time: whatever preceded an event seen at first is there by then; what is newer than that waits for the next turn.
    pub(super) async fn next_events(&self, organization: &OrganizationId) -> Result<Vec<(String, AuditEvent)>> {
        let first = self.core.ports.table.query(outbox(organization, Range::All)).await?;
        let Some((from, to)) = first.items.first().zip(first.items.last()).map(|(a, b)| (order_of(a), order_of(b))) else {
            return Ok(vec![]);
        };
        let last_seen: BTreeMap<&str, &str> = first.items.iter().map(order_of).map(|order| (owner_of(order), order)).collect();
        let range = Range::Between(format!("{}#", owner_of(from)), to.to_owned());
        let mut events = Vec::new();
        for item in self.core.query_all(outbox(organization, range)).await? {
            let order = order_of(&item).to_owned();
            if last_seen.get(owner_of(&order)).is_some_and(|last| order.as_str() <= *last) {
                events.push((order, from_item::<AuditEvent>(item)?));
            }
        }
        events.truncate(SEALED_TOGETHER);
        Ok(events)
    }

    /// Everything that is not published as of this head, in order: what waits, and what is committed and on its way.
    ///
    /// While it is read, a sealing may take events away from what waits. Then the head has moved, and whoever reads the
    /// log goes on from there.
    pub(super) async fn unpublished(&self, organization: &OrganizationId, head: &LedgerHead) -> Result<Unpublished> {
        let mut events: BTreeMap<String, AuditEvent> = BTreeMap::new();
        if !head.is_published() {
            let Some(staged) = self.staged(organization, head).await? else {
                return Ok(Unpublished::Moved(self.core.log_head(organization).await?));
            };
            for (order, leaf) in staged.outbox.into_iter().zip(staged.leaves) {
                events.insert(order, read_entry(leaf.as_bytes())?.event);
            }
        }
        for item in self.core.query_all(outbox(organization, Range::All)).await? {
            events.insert(order_of(&item).to_owned(), from_item(item)?);
        }
        let now = self.core.log_head(organization).await?;
        if now.size == head.size { Ok(Unpublished::Events(events.into_values().collect())) } else { Ok(Unpublished::Moved(now)) }
    }
}

/// What is not published yet.
pub(super) enum Unpublished {
    Events(Vec<AuditEvent>),
    /// The log has grown while it was read, to this.
    Moved(LedgerHead),
}

fn outbox(organization: &OrganizationId, range: Range) -> Query {
    Query { limit: SEALED_TOGETHER, ..Query::new(TableName::Control, outbox_partition(organization), range) }
}

//! What waits to be sealed.

use crate::{
    Engine, Outcome,
    items::{from_item, outbox_partition},
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

impl Engine {
    /// The next events in an order in which no event of a request precedes one that happened before it.
    ///
    /// A page read while events are written may hold a later one and miss an earlier. So what was seen is read a second
    /// time: whatever preceded an event seen at first is there by then; what is newer than that waits for the next turn.
    pub(super) async fn next_events(&self, organization: &OrganizationId) -> Outcome<Vec<(String, AuditEvent)>> {
        let first = self.ports.table.query(outbox(organization, Range::All)).await?;
        let Some((from, to)) = first.items.first().zip(first.items.last()).map(|(a, b)| (order_of(a), order_of(b))) else {
            return Ok(vec![]);
        };
        let last_seen: BTreeMap<&str, &str> = first.items.iter().map(order_of).map(|order| (owner_of(order), order)).collect();
        let range = Range::Between(format!("{}#", owner_of(from)), to.to_owned());
        let mut events = Vec::new();
        for item in self.query_all(outbox(organization, range)).await? {
            let order = order_of(&item).to_owned();
            if last_seen.get(owner_of(&order)).is_some_and(|last| order.as_str() <= *last) {
                events.push((order, from_item::<AuditEvent>(item)?));
            }
        }
        events.truncate(SEALED_TOGETHER);
        Ok(events)
    }

    /// Everything that waits.
    pub(super) async fn waiting_events(&self, organization: &OrganizationId) -> Outcome<Vec<AuditEvent>> {
        let items = self.query_all(outbox(organization, Range::All)).await?;
        items.into_iter().map(from_item).collect()
    }
}

fn outbox(organization: &OrganizationId, range: Range) -> Query {
    Query { limit: SEALED_TOGETHER, ..Query::new(TableName::Jobs, outbox_partition(organization), range) }
}

//! The audit log: sealing what waits in the outbox, and reading it.

use crate::{
    Engine, Outcome,
    api::{AuditPage, AuditQuery, AuditView},
    engine::{read_cursor, show_cursor},
    items::{audit_entry_key, from_item, ledger_head_key, outbox_partition},
    ports::{Condition, Cursor, Index, Key, Query, Range, TableName},
    transaction::{Committed, Transaction, equals},
};
use oubli_domain::{
    access::{Action, Caller},
    audit::{AuditEntry, AuditEvent, GENESIS},
    ids::{ActorId, OrganizationId},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Entries sealed by one transaction: two writes each, and the head.
const SEALED_TOGETHER: usize = 49;

/// Where a log ends. Written on condition of what was read: that is what makes one sequencer at a time enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Head {
    size: u64,
    hash: String,
}

#[derive(Serialize, Deserialize)]
struct EntryItem {
    #[serde(flatten)]
    entry: AuditEntry,
    gsi_pk: Option<String>,
    gsi_sk: Option<String>,
}

impl Engine {
    /// Seals what waits in an organization's outbox. A crash at any point loses nothing and doubles nothing: entries,
    /// head and outbox change together.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn seal(&self, organization: &OrganizationId) -> Outcome<usize> {
        let mut sealed = 0;
        loop {
            let events = self.next_events(organization).await?;
            if events.is_empty() {
                return Ok(sealed);
            }
            match self.append(organization, &events).await? {
                Committed::Yes => sealed += events.len(),
                // Another sequencer was faster.
                Committed::Refused => return Ok(sealed),
            }
        }
    }

    /// The next events in an order in which no event of a request precedes one that happened before it.
    ///
    /// A page read while events are written may hold a later one and miss an earlier. So the outbox of every request
    /// seen is read a second time: whatever preceded an event seen at first is there by then; what is newer than that
    /// waits for the next turn.
    async fn next_events(&self, organization: &OrganizationId) -> Outcome<Vec<(String, AuditEvent)>> {
        let first = self.ports.table.query(outbox(organization, Range::All)).await?;
        let orders: Vec<String> =
            first.items.iter().filter_map(|i| i.get("sk").and_then(Value::as_str).map(str::to_owned)).collect();
        let mut last_seen: BTreeMap<String, String> = BTreeMap::new();
        for order in &orders {
            let owner = order.split('#').next().unwrap_or_default().to_owned();
            last_seen.insert(owner, order.clone());
        }
        let mut events = Vec::new();
        for (owner, last) in last_seen {
            if events.len() >= SEALED_TOGETHER {
                break;
            }
            let items = self.query_all(outbox(organization, Range::Between(format!("{owner}#"), last))).await?;
            for item in items {
                let order = item.get("sk").and_then(Value::as_str).unwrap_or_default().to_owned();
                events.push((order, from_item::<AuditEvent>(item)?));
            }
        }
        events.truncate(SEALED_TOGETHER);
        Ok(events)
    }

    async fn append(&self, organization: &OrganizationId, events: &[(String, AuditEvent)]) -> Outcome<Committed> {
        let key = ledger_head_key(organization);
        let found = self.ports.table.get_many(std::slice::from_ref(&key)).await?.pop().flatten();
        let (mut head, when) = match found {
            Some(item) => {
                let head: Head = from_item(item)?;
                let unchanged = vec![equals("size", head.size), equals("hash", head.hash.clone())];
                (head, unchanged)
            }
            None => (Head { size: 0, hash: GENESIS.to_owned() }, vec![Condition::ItemAbsent]),
        };
        let mut transaction = Transaction::new();
        for (order, event) in events {
            let entry = AuditEntry::seal(head.size, event.clone(), head.hash.clone());
            head = Head { size: head.size + 1, hash: entry.hash.clone() };
            let index = entry.event.request_id.map(|r| format!("org#{organization}#request#{r}"));
            let item = EntryItem { gsi_sk: index.as_ref().map(|_| format!("{:012}", entry.index)), gsi_pk: index, entry };
            let address = audit_entry_key(organization, item.entry.index);
            let waiting = Key { table: TableName::Jobs, pk: outbox_partition(organization), sk: order.clone() };
            transaction =
                transaction.put(address, &item, vec![Condition::ItemAbsent])?.delete(waiting, vec![Condition::ItemPresent]);
        }
        transaction.put(key, &head, when)?.commit(self.ports.table.as_ref()).await
    }

    /// A page of the log in its order, and behind its end what is not sealed yet.
    ///
    /// # Errors
    /// `invalid_cursor`.
    pub async fn audit(&self, caller: &Caller, query: AuditQuery) -> Outcome<AuditPage> {
        Self::permit(caller, Action::ReadAudit)?;
        let organization = &caller.organization;
        let limit = query.limit.clamp(1, 100);
        let (index, partition, attribute) = match &query.request_id {
            Some(id) => (Some(Index::ByRequest), format!("org#{organization}#request#{id}"), "gsi_pk"),
            None => (None, format!("org#{organization}#log"), "pk"),
        };
        let mut cursor: Option<Cursor> = read_cursor(query.cursor.as_deref(), attribute, &partition)?;
        let mut entries = Vec::new();
        loop {
            let page = self
                .ports
                .table
                .query(Query {
                    table: TableName::Audit,
                    index,
                    partition: partition.clone(),
                    range: Range::All,
                    descending: false,
                    limit: limit - entries.len(),
                    after: cursor,
                })
                .await?;
            for item in page.items {
                let item: EntryItem = from_item(item)?;
                if wanted(&query, &item.entry.event) {
                    entries.push((item.entry, true));
                }
            }
            cursor = page.next;
            if cursor.is_none() || entries.len() >= limit {
                break;
            }
        }
        if cursor.is_none() {
            for item in self.query_all(outbox(organization, Range::All)).await? {
                let event: AuditEvent = from_item(item)?;
                if wanted(&query, &event) {
                    let entry = AuditEntry { index: 0, event, previous_hash: String::new(), hash: String::new() };
                    entries.push((entry, false));
                }
            }
        }
        let names = self.names(organization, &entries).await?;
        let view = |(entry, sealed): (AuditEntry, bool)| {
            let executed_by = entry.event.actor.and_then(|a| names.get(&a).cloned());
            AuditView { entry, sealed, executed_by }
        };
        Ok(AuditPage { entries: entries.into_iter().map(view).collect(), next_cursor: show_cursor(cursor)? })
    }

    async fn names(&self, organization: &OrganizationId, entries: &[(AuditEntry, bool)]) -> Outcome<BTreeMap<ActorId, String>> {
        let actors: BTreeSet<ActorId> = entries.iter().filter_map(|(e, _)| e.event.actor).collect();
        let mut names = BTreeMap::new();
        for actor in actors {
            if let Some(name) = self.actor_name(organization, &actor).await? {
                names.insert(actor, name);
            }
        }
        Ok(names)
    }
}

fn outbox(organization: &OrganizationId, range: Range) -> Query {
    Query { limit: 200, ..Query::new(TableName::Jobs, outbox_partition(organization), range) }
}

fn wanted(query: &AuditQuery, event: &AuditEvent) -> bool {
    let kind = serde_json::to_value(event.event_type).unwrap_or_default();
    query.event_type.as_ref().is_none_or(|t| kind.as_str() == Some(t))
        && query.start.is_none_or(|start| event.timestamp >= start)
        && query.end.is_none_or(|end| event.timestamp <= end)
        && query.request_id.is_none_or(|id| event.request_id == Some(id))
        && query.actor.is_none_or(|actor| event.actor == Some(actor))
}

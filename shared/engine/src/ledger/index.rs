//! The deletable index beside the log: which entries are about what, and what a full bundle holds. It is written after
//! the entries are published and only ever says where to look; what it leads to is read from the log.

use crate::{
    EngineError, Result,
    core::{IndexRange, about_partition},
    items::{from_item, to_item},
    ledger::{Ledger, seal::Staged},
    ports::{Item, Key, Query, Range, TableName},
};
use jiff::Timestamp;
use oubli_domain::{
    ids::OrganizationId,
    ledger::{TreeUpdate, WIDTH, bundle_entries, bundle_name},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeSet;

/// What a full bundle holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Summary {
    pub bundle: u64,
    pub earliest: Timestamp,
    pub latest: Timestamp,
    pub event_types: BTreeSet<String>,
    pub actors: BTreeSet<String>,
}

impl Summary {
    fn of(bundle: u64, entries: &[&[u8]]) -> Option<Self> {
        let entries: Vec<Value> = entries.iter().map(|e| serde_json::from_slice(e).ok()).collect::<Option<_>>()?;
        let times = || entries.iter().filter_map(|e| e["timestamp"].as_str()?.parse::<Timestamp>().ok());
        let texts = |field: &str| entries.iter().filter_map(|e| e[field].as_str().map(str::to_owned)).collect();
        let (earliest, latest) = times().min().zip(times().max())?;
        Some(Self { bundle, earliest, latest, event_types: texts("event_type"), actors: texts("actor") })
    }
}

/// What an entry is about: its request, or its hold.
pub(super) fn about(entry: &Value) -> Option<&str> {
    entry["request_id"].as_str().or_else(|| entry["details"]["hold_id"].as_str())
}

fn bundles_partition(organization: &OrganizationId) -> String {
    format!("org#{organization}#bundles")
}

impl Ledger {
    /// The rows that a sealing adds.
    pub(super) fn index_rows(organization: &OrganizationId, staged: &Staged, growth: &TreeUpdate) -> Result<Vec<(Key, Item)>> {
        let mut rows = Vec::new();
        let mut open: Option<(String, IndexRange)> = None;
        let mut close = |open: Option<(String, IndexRange)>| -> Result<()> {
            let Some((id, stretch)) = open else { return Ok(()) };
            let (pk, sk) = (about_partition(organization, &id), format!("{:012}", stretch.first));
            rows.push((Key { table: TableName::Ledger, pk, sk }, to_item(&stretch)?));
            Ok(())
        };
        for (index, leaf) in (staged.after..).zip(&staged.leaves) {
            let entry: Value = serde_json::from_str(leaf).map_err(|_| EngineError::internal("a staged entry is not JSON"))?;
            let id = about(&entry);
            match &mut open {
                Some((known, stretch)) if id == Some(known) => stretch.count += 1,
                _ => close(std::mem::replace(&mut open, id.map(|id| (id.to_owned(), IndexRange { first: index, count: 1 }))))?,
            }
        }
        close(open)?;
        for bundle in staged.after / WIDTH..growth.size / WIDTH {
            let name = bundle_name(bundle, WIDTH);
            let body = growth.objects.iter().find(|(n, _)| *n == name).map(|(_, body)| body.as_slice());
            let body = body.ok_or_else(|| EngineError::internal(format!("{name} is not among what grew")))?;
            let entries = bundle_entries(body).map_err(EngineError::caused_by)?;
            let summary = Summary::of(bundle, &entries);
            let summary = summary.ok_or_else(|| EngineError::internal("a bundle's entries cannot be read"))?;
            let (pk, sk) = (bundles_partition(organization), format!("{bundle:012}"));
            rows.push((Key { table: TableName::Ledger, pk, sk }, to_item(&summary)?));
        }
        Ok(rows)
    }

    /// What is known of the bundles from one on, at most 1,000 of them, by their numbers.
    pub(super) async fn summaries(&self, organization: &OrganizationId, from: u64) -> Result<Vec<Summary>> {
        let range = Range::Between(format!("{from:012}"), "9".repeat(12));
        let page = self.core.ports.table.query(Query::new(TableName::Ledger, bundles_partition(organization), range)).await?;
        page.items.into_iter().map(from_item).collect()
    }
}

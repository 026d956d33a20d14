//! What could not be put back: listed for a person, who puts it back again or gives it up.

use crate::{
    EngineError, Result,
    core::{Core, List, MOST_RESULTS, READS_A_PAGE, place_of},
    items::{BatchItem, RequestItem, StepItem, batch_prefix, exception_key, from_item, request_partition},
    keyring::{self, Purpose},
    manifest::{self, ManifestRecord},
    ports::{Connector, DataKey, Item, Query, Range, RecordRef, TableName},
    record_name::RecordName,
    requests::{ConflictPage, ConflictView, Requests},
};
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    batch::RecordOutcome,
    datamap::Producer,
    ids::RequestId,
};
use serde_json::Value;
use std::sync::Arc;

/// The field in which stores that know say when a record was written.
const WRITTEN: &str = "last_modified";

/// Where a step's records live.
struct Home {
    producer: Producer,
    connector: Arc<dyn Connector>,
}

impl Requests {
    /// A page of the records that could not be put back, with when each was hidden and what stands in its place. Their
    /// addresses name the person: reading them is logged.
    ///
    /// # Errors
    /// `not_found`, `invalid_cursor`.
    pub async fn conflicts(&self, caller: &Caller, id: RequestId, cursor: Option<String>, limit: usize) -> Result<ConflictPage> {
        Core::permit(caller, Action::Undo)?;
        let request = self.core.owned(caller, &id).await?;
        let partition = request_partition(&request.organization, &id);
        let list = List { caller, name: "conflicts", filters: id.to_string().into() };
        let mut cursor = self.core.read_cursor(&list, cursor.as_deref()).await?;
        let limit = limit.clamp(1, MOST_RESULTS);
        let mut conflicts = Vec::new();
        let key = keyring::find(&self.core.ports, &request.organization, &partition, Purpose::Manifest(request.execution.round))
            .await?;
        let steps: Vec<(u32, StepItem)> =
            self.core.steps_of(&request).await?.into_iter().filter(|(_, s)| s.counts.conflicts > 0).collect();
        let (Some(key), false) = (key, steps.is_empty()) else {
            return Ok(ConflictPage { conflicts, next_cursor: None });
        };
        let batches = Range::Prefix(format!("batch#{:03}#", request.execution.round));
        'pages: for _ in 0..READS_A_PAGE {
            let query = Query { limit: 100, after: cursor, ..Query::new(TableName::Control, partition.clone(), batches.clone()) };
            let page = self.core.ports.table.query(query).await?;
            for item in page.items {
                cursor = Some(place_of(&item, None));
                conflicts.extend(self.conflicts_of(&request, &partition, &key, &steps, item).await?);
                if conflicts.len() >= limit {
                    break 'pages;
                }
            }
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        if !conflicts.is_empty() {
            self.core.record_look(caller, EventType::ConflictsRead, Some(&request), &Value::Null, []).await?;
        }
        Ok(ConflictPage { conflicts, next_cursor: self.core.show_cursor(&list, cursor).await? })
    }

    async fn conflicts_of(
        &self,
        request: &RequestItem,
        partition: &str,
        key: &DataKey,
        steps: &[(u32, StepItem)],
        item: Item,
    ) -> Result<Vec<ConflictView>> {
        let place = item.get("sk").and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        let found = steps.iter().find(|(number, _)| place.starts_with(&batch_prefix(request.execution.round, *number)));
        let Some((number, step)) = found else { return Ok(vec![]) };
        let n: u32 = place.rsplit('#').next().and_then(|n| n.parse().ok()).unwrap_or_default();
        let batch: BatchItem = from_item(item)?;
        let outcomes = batch.outcomes.as_ref().map(|o| o.as_slice()).unwrap_or_default();
        let places: Vec<usize> = (0..outcomes.len()).filter(|p| outcomes[*p] == RecordOutcome::Conflict).collect();
        if places.is_empty() {
            return Ok(vec![]);
        }
        let records = manifest::read(&self.core.ports, key, &batch.part, &batch.part_sha256).await?;
        let records: Vec<ManifestRecord> = records.into_iter().filter(|r| !r.kept).collect();
        let home = self.home_of(request, step).await?;
        let refs: Vec<RecordRef> = places.iter().filter_map(|p| records.get(*p)).map(|r| r.record.clone()).collect();
        let standing = home.connector.reread(&home.producer, &refs, &[WRITTEN.to_owned()]).await;
        let reasons = self.reasons(request, partition, *number, n, batch.fence, &places).await?;
        let views = places.iter().zip(refs).zip(standing).zip(reasons).map(|(((place, record), standing), reason)| {
            let written = standing.ok().flatten().and_then(|found| found.fields.text(WRITTEN).map(str::to_owned));
            ConflictView {
                name: RecordName::new(*number, n, *place),
                producer: step.producer.clone(),
                category: step.category.clone(),
                record: record.key,
                reason,
                hidden_at: batch.hidden_at,
                conflict_at: batch.conflict_at,
                standing_since: written.and_then(|text| text.parse::<Timestamp>().ok()),
            }
        });
        Ok(views.collect())
    }

    async fn home_of(&self, request: &RequestItem, step: &StepItem) -> Result<Home> {
        let map = self.core.map_version(&request.organization, request.execution.map_version).await?;
        let gone = || EngineError::internal("a producer is not in its data map");
        let producer = map.producer(&step.producer).cloned().ok_or_else(gone)?;
        let store = map.stores.get(&producer.store).ok_or_else(gone)?;
        let connector = self.core.ports.stores.connector(&producer.store, store)?;
        Ok(Home { producer, connector })
    }

    /// Why each was not put back, as the last attempt noted it.
    async fn reasons(
        &self,
        request: &RequestItem,
        partition: &str,
        step: u32,
        n: u32,
        fence: u64,
        places: &[usize],
    ) -> Result<Vec<Option<String>>> {
        let mut reasons = Vec::new();
        for places in places.chunks(100) {
            let keys: Vec<_> =
                places.iter().map(|place| exception_key(partition, request.execution.round, step, n, fence, *place)).collect();
            let items = self.core.ports.table.get_many(&keys).await?;
            let reason = |item: Option<Item>| item.and_then(|i| i.get("reason").and_then(|r| r.as_str()).map(str::to_owned));
            reasons.extend(items.into_iter().map(reason));
        }
        Ok(reasons)
    }
}

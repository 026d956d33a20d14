//! Copying rows to the staging area.

use crate::{
    EngineError, Result,
    core::plain_item,
    crypt,
    exports::{
        Exports,
        packaging::{Packaging, Progress, Stage},
        sink::put_once,
        staging_prefix,
    },
    items::{BatchItem, batch_key, columns_key, columns_prefix, rows_key},
    manifest::{self, ManifestRecord},
    ports::{Connector, ExportForm, Query, Range, RecordRef, Row, Snapshot, StoreError, TableName},
    transaction::Transaction,
    vault::{FrameHeader, VaultWriter},
};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oubli_archive::{
    contents::Missing,
    paths,
    rows::{self, Columns},
};
use oubli_domain::datamap::{Producer, Showing};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{borrow::Cow, sync::Arc};

/// Records read at once.
pub(super) const TOGETHER: usize = 100;

/// Other records that are asked for, in all and at once, to tell a store that refuses some from one that refuses all.
const ASKED_BESIDE: usize = 200;
const BESIDE_TOGETHER: usize = 8;

/// The rows of one batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RowsItem {
    /// Where they are; none where there are none.
    #[serde(default)]
    pub object: Option<String>,
    pub records: u64,
    /// Of the rows as JSON; none where nobody counted them.
    #[serde(default)]
    pub bytes: Option<u64>,
}

/// What reading a record came to.
pub(super) enum ReadResult {
    There(Box<Snapshot>),
    /// Gone, or somebody else's by now.
    Gone,
    /// It cannot be read, and why.
    Unreadable(String),
}

impl Exports {
    /// Copies the rows of every table, batch after batch.
    pub(super) async fn collect(&self, work: &mut Packaging) -> Result<Progress> {
        while let Stage::Collect { at, batch } = work.item.stage {
            let next = if at >= work.steps.len() {
                Stage::Pack(super::packaging::Position::default())
            } else {
                let (_, step, _, connector) = work.step(&self.core, at)?;
                if matches!(connector.form(), ExportForm::Files(_)) || batch >= step.batches {
                    Stage::Collect { at: at + 1, batch: 0 }
                } else {
                    self.collect_batch(work, at, batch).await?;
                    if self.is_late(work) {
                        return Ok(Progress::Paused);
                    }
                    continue;
                }
            };
            work.item.stage = next;
        }
        Ok(Progress::Through)
    }

    async fn collect_batch(&self, work: &mut Packaging, at: usize, batch: u32) -> Result<()> {
        let (number, step, producer, connector) = work.step(&self.core, at)?;
        let (batches, producer) = (step.batches, producer.clone());
        let map = Arc::clone(&work.map);
        let showing = map.showing(&producer);
        let records = self.planned(work, number, batch).await?;
        let owner = staging_prefix(&work.partition);
        let name = format!("{owner}/rows/{:03}/{number:03}/{batch:06}-{:06}", work.request.execution.round, work.item.fence);
        let mut writer: Option<VaultWriter> = None;
        let (mut written, mut bytes, mut brought) = (0_u64, 0_u64, Vec::new());
        let mut columns = self.columns(work, number).await?;
        for (chunk, records) in records.chunks(TOGETHER).enumerate() {
            for (place, (wanted, read)) in (chunk * TOGETHER..).zip(self.read_each(work, at, batch, records).await?) {
                let row = match read {
                    ReadResult::There(snapshot) => row_of(&connector, (&producer, &showing), *snapshot).await?,
                    ReadResult::Gone => {
                        work.item.tallies.entry(number).or_default().gone += 1;
                        continue;
                    }
                    ReadResult::Unreadable(reason) => Err(reason),
                };
                let Shown { row, seen, masked } = match row {
                    Ok(shown) => shown,
                    Err(reason) => {
                        let missing = Missing { producer: producer.name.to_string(), record: wanted.key, reason };
                        work.note_missing((number, batch, place), missing);
                        continue;
                    }
                };
                brought.extend(row.keys().filter(|field| columns.take(field)).cloned());
                let tally = work.item.tallies.entry(number).or_default();
                tally.seen.extend(seen);
                tally.masked.extend(masked);
                let text = Bytes::from(serde_json::to_vec(&row).map_err(|_| EngineError::internal("a row is no JSON"))?);
                let writer = match &mut writer {
                    Some(writer) => writer,
                    None => writer.insert(VaultWriter::new(&self.core.ports, &work.staging_key, &name).await?),
                };
                let header = FrameHeader { index: place, envelope: Value::Null, length: text.len() as u64, mark: String::new() };
                bytes += header.length;
                writer.add(&header, stream::iter([Ok(text)]).boxed()).await?;
                written += 1;
            }
        }
        let tally = work.item.tallies.entry(number).or_default();
        tally.records += written;
        tally.bytes += bytes;
        tally.columns = u32::try_from(columns.names.len()).unwrap_or(u32::MAX);
        tally.more_fields = columns.more;
        work.columns.insert(number, columns);
        let object = match writer {
            Some(writer) => {
                writer.finish().await?;
                Some(name)
            }
            None => None,
        };
        work.item.stage =
            if batch + 1 < batches { Stage::Collect { at, batch: batch + 1 } } else { Stage::Collect { at: at + 1, batch: 0 } };
        let rows = RowsItem { object, records: written, bytes: Some(bytes) };
        let key = rows_key(&work.partition, work.request.execution.round, number, batch);
        work.notes.processed(number, records.len() as u64);
        let noted = self.noted(work)?.put(key, &rows, vec![])?;
        let noted = self.put_columns(work, noted, (number, batch), &brought).await?;
        self.save(work, noted).await
    }

    /// Puts the columns down that the rows of a batch brought.
    async fn put_columns(
        &self,
        work: &Packaging,
        transaction: Transaction,
        (number, batch): (u32, u32),
        brought: &[String],
    ) -> Result<Transaction> {
        if brought.is_empty() {
            return Ok(transaction);
        }
        let (owner, round) = (staging_prefix(&work.partition), work.request.execution.round);
        let name = format!("{owner}/columns/{round:03}/{number:03}/{batch:06}-{:06}", work.item.fence);
        let plain = serde_json::to_vec(brought).map_err(|_| EngineError::internal("columns do not serialize"))?;
        let sealed = crypt::seal_bytes(&work.staging_key, self.core.ports.entropy.as_ref(), &name, &plain)?;
        put_once(self, &name, sealed.into()).await?;
        transaction.put(columns_key(&work.partition, round, number, batch), &plain_item([("object", name.into())]), vec![])
    }

    /// The columns of a step's table, as they were put down.
    pub(super) async fn columns(&self, work: &Packaging, number: u32) -> Result<Columns> {
        if let Some(known) = work.columns.get(&number) {
            return Ok(known.clone());
        }
        let mut columns = Columns { more: work.tally(number).more_fields, ..Columns::default() };
        let prefix = columns_prefix(work.request.execution.round, number);
        let query = Query::new(TableName::Control, work.partition.clone(), Range::Prefix(prefix));
        for item in self.core.query_all(query).await? {
            let name = item.get("object").and_then(Value::as_str).unwrap_or_default();
            columns.names.extend(self.put_aside::<Vec<String>>(work, name).await?);
        }
        Ok(columns)
    }

    /// What a batch's part of the manifest names, without what is there only to find others by.
    pub(super) async fn planned(&self, work: &Packaging, number: u32, batch: u32) -> Result<Vec<ManifestRecord>> {
        let key = batch_key(&work.partition, work.request.execution.round, number, batch);
        let found: Option<BatchItem> = self.core.find(key).await?;
        let item = found.ok_or_else(|| EngineError::internal("a batch is gone"))?;
        let records = manifest::read(&self.core.ports, &work.manifest, &item.part, &item.part_sha256).await?;
        Ok(records.into_iter().filter(|r| !r.kept).collect())
    }

    /// Reads records of a batch; those that cannot be read are named, and stand in nobody's way.
    pub(super) async fn read_each(
        &self,
        work: &Packaging,
        at: usize,
        batch: u32,
        records: &[ManifestRecord],
    ) -> Result<Vec<(RecordRef, ReadResult)>> {
        let (_, _, producer, connector) = work.step(&self.core, at)?;
        let refs: Vec<RecordRef> = records.iter().map(|r| r.record.clone()).collect();
        let of = |snapshot: Option<Snapshot>| match snapshot {
            Some(snapshot) if snapshot.still_selected => ReadResult::There(Box::new(snapshot)),
            _ => ReadResult::Gone,
        };
        let snapshots = connector.show(producer, &refs).await;
        let refused = snapshots.iter().any(|s| matches!(s, Err(StoreError::Unusable { .. })));
        let theirs = refused && self.shows_others(work, at, batch, &refs).await?;
        let each = refs.into_iter().zip(snapshots).map(|(wanted, snapshot)| match snapshot {
            Ok(snapshot) => Ok((wanted, of(snapshot))),
            Err(StoreError::Record { reason, .. }) => Ok((wanted, ReadResult::Unreadable(reason))),
            Err(StoreError::Unusable { reason, .. }) if theirs => Ok((wanted, ReadResult::Unreadable(reason))),
            Err(error) => Err(error.into()),
        });
        each.collect()
    }

    /// Whether a store shows other records of the same step: then what it refuses is the trouble of those records, also of
    /// one that was asked for alone. Where it shows none, somebody has to let the deployment read it first.
    async fn shows_others(&self, work: &Packaging, at: usize, batch: u32, refused: &[RecordRef]) -> Result<bool> {
        let (number, step, producer, connector) = work.step(&self.core, at)?;
        let mut left = ASKED_BESIDE;
        for batch in std::iter::once(batch).chain((0..step.batches).filter(|other| *other != batch)) {
            let records = self.planned(work, number, batch).await?;
            let others = records.into_iter().map(|r| r.record).filter(|r| !refused.contains(r));
            let others: Vec<RecordRef> = others.take(left).collect();
            for some in others.chunks(BESIDE_TOGETHER) {
                if connector.show(producer, some).await.iter().any(|shown| matches!(shown, Ok(Some(_)))) {
                    return Ok(true);
                }
            }
            left -= others.len();
            if left == 0 {
                break;
            }
        }
        Ok(false)
    }
}

/// A row as it is shown, masked and with the names that people know.
struct Shown {
    row: Row,
    /// The fields that the data map names, and that it has.
    seen: Vec<String>,
    /// Those by which something of it is masked.
    masked: Vec<String>,
}

async fn row_of(
    connector: &Arc<dyn Connector>,
    (producer, showing): (&Producer, &Showing<'_>),
    snapshot: Snapshot,
) -> Result<Result<Shown, String>> {
    let ExportForm::Rows(rows) = connector.form() else {
        return Err(EngineError::internal("rows are read of a store that has files"));
    };
    let body: Vec<Bytes> = snapshot.body.try_collect().await?;
    Ok(match rows.row(&body.concat()) {
        Some(mut row) => {
            let seen = producer.export.named().filter(|field| paths::has(&row, field)).cloned().collect();
            let rules = showing.of(|field| word(&row, field));
            let masked = rows::mask(&mut row, &rules.mask).into_iter().cloned().collect();
            Ok(Shown { row: rows::select(row, &rules.fields), seen, masked })
        }
        None => Err("it cannot be read as a record of this table".to_owned()),
    })
}

/// A text, number or truth that a row has in a field, as selections compare it.
fn word<'r>(row: &'r Row, field: &str) -> Option<Cow<'r, str>> {
    let json = row.get(field)?.get();
    match json.as_bytes().first()? {
        b'"' => serde_json::from_str::<String>(json).ok().map(Cow::Owned),
        b'{' | b'[' | b'n' => None,
        _ => Some(Cow::Borrowed(json)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_row_has_is_read_as_selections_compare_it() {
        let text = r#"{"text": "a \"b\"", "number": 12.50, "truth": true, "list": ["a"], "map": {"a": 1}, "nothing": null}"#;
        let row: Row = serde_json::from_str(text).expect("a row");
        let read = |field: &str| word(&row, field).map(Cow::into_owned);
        assert_eq!(read("text").as_deref(), Some("a \"b\""));
        assert_eq!((read("number").as_deref(), read("truth").as_deref()), (Some("12.50"), Some("true")));
        assert_eq!(["list", "map", "nothing", "absent"].map(read), [None, None, None, None]);
    }
}

//! Copying rows to the staging area.

use crate::{
    EngineError, Result,
    core::plain_item,
    exports::{
        Exports,
        packaging::{Packaging, Progress, Stage},
        staging_prefix,
    },
    items::{BatchItem, StepItem, batch_key, missing_key, rows_key, step_key},
    manifest::{self, ManifestRecord},
    ports::{Connector, ExportForm, RecordRef, Row, Snapshot, StoreError},
    transaction::Transaction,
    vault::{FrameHeader, VaultWriter},
};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oubli_archive::{
    contents::{MOST_MISSING, Missing},
    paths, rows,
};
use oubli_domain::datamap::Producer;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

/// Records that cannot be read, listed in one item: their names may be long.
const LISTED_TOGETHER: usize = 50;

/// Records read at once.
pub(super) const TOGETHER: usize = 100;

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
                let (number, step, producer, connector) = work.step(&self.core, at)?;
                if matches!(connector.form(), ExportForm::Files(_)) || batch >= step.batches {
                    Stage::Collect { at: at + 1, batch: 0 }
                } else {
                    let (step, producer) = (step.clone(), producer.clone());
                    self.collect_batch(work, number, &step, &producer, &connector, at, batch).await?;
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

    #[expect(clippy::too_many_arguments, reason = "a step and a batch of it")]
    async fn collect_batch(
        &self,
        work: &mut Packaging,
        number: u32,
        step: &StepItem,
        producer: &Producer,
        connector: &Arc<dyn Connector>,
        at: usize,
        batch: u32,
    ) -> Result<()> {
        let records = self.planned(work, number, batch).await?;
        let owner = staging_prefix(&work.partition);
        let name = format!("{owner}/rows/{:03}/{number:03}/{batch:06}-{:06}", work.request.execution.round, work.item.fence);
        let mut writer: Option<VaultWriter> = None;
        let mut tally = work.item.tallies.get(&number).cloned().unwrap_or_default();
        let (mut written, mut bytes, mut missing) = (0_u64, 0_u64, Vec::new());
        for (chunk, records) in records.chunks(TOGETHER).enumerate() {
            for (place, (wanted, read)) in (chunk * TOGETHER..).zip(self.read_each(producer, connector, records).await?) {
                let row = match read {
                    ReadResult::There(snapshot) => row_of(connector, producer, *snapshot).await?,
                    ReadResult::Gone => {
                        tally.gone += 1;
                        continue;
                    }
                    ReadResult::Unreadable(reason) => Err(reason),
                };
                let (row, seen) = match row {
                    Ok(row) => row,
                    Err(reason) => {
                        tally.missing += 1;
                        missing.push(Missing { producer: producer.name.to_string(), record: wanted.key, reason });
                        continue;
                    }
                };
                tally.columns.extend(row.keys().cloned());
                tally.seen.extend(seen);
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
        tally.records += written;
        tally.bytes += bytes;
        let mut notes = Transaction::new();
        for (place, some) in missing.chunks(LISTED_TOGETHER).enumerate() {
            notes = self.note_missing(work, notes, number, batch, place, some)?;
        }
        work.item.tallies.insert(number, tally);
        let object = match writer {
            Some(writer) => {
                writer.finish().await?;
                Some(name)
            }
            None => None,
        };
        let batches = step.batches;
        work.item.stage =
            if batch + 1 < batches { Stage::Collect { at, batch: batch + 1 } } else { Stage::Collect { at: at + 1, batch: 0 } };
        let rows = RowsItem { object, records: written, bytes: Some(bytes) };
        let key = rows_key(&work.partition, work.request.execution.round, number, batch);
        let progress = self.count_processed(work, number, records.len() as u64);
        self.save(work, notes.put(key, &rows, vec![])?.and(progress)).await
    }

    /// What a batch's part of the manifest names, without what is there only to find others by.
    pub(super) async fn planned(&self, work: &Packaging, number: u32, batch: u32) -> Result<Vec<ManifestRecord>> {
        let key = batch_key(&work.partition, work.request.execution.round, number, batch);
        let found: Option<BatchItem> = self.core.find(key).await?;
        let item = found.ok_or_else(|| EngineError::internal("a batch is gone"))?;
        let records = manifest::read(&self.core.ports, &work.manifest, &item.part, &item.part_sha256).await?;
        Ok(records.into_iter().filter(|r| !r.kept).collect())
    }

    /// Reads records; those that cannot be read are named, and stand in nobody's way.
    pub(super) async fn read_each(
        &self,
        producer: &Producer,
        connector: &Arc<dyn Connector>,
        records: &[ManifestRecord],
    ) -> Result<Vec<(RecordRef, ReadResult)>> {
        let refs: Vec<RecordRef> = records.iter().map(|r| r.record.clone()).collect();
        let of = |snapshot: Option<Snapshot>| match snapshot {
            Some(snapshot) if snapshot.still_selected => ReadResult::There(Box::new(snapshot)),
            _ => ReadResult::Gone,
        };
        let snapshots = connector.show(producer, &refs).await;
        let each = refs.into_iter().zip(snapshots).map(|(wanted, snapshot)| match snapshot {
            Ok(snapshot) => Ok((wanted, of(snapshot))),
            Err(StoreError::Record { reason, .. }) => Ok((wanted, ReadResult::Unreadable(reason))),
            Err(error) => Err(error.into()),
        });
        each.collect()
    }

    /// Notes records that could not be read: the export says so, and is not complete.
    pub(super) fn note_missing(
        &self,
        work: &Packaging,
        transaction: Transaction,
        number: u32,
        batch: u32,
        place: usize,
        missing: &[Missing],
    ) -> Result<Transaction> {
        let (_, known) = work.item.totals();
        // The counts are of all; the list is as long as one can read.
        if known >= MOST_MISSING as u64 {
            return Ok(transaction);
        }
        let plain = serde_json::to_vec(missing).map_err(|_| EngineError::internal("a record is no JSON"))?;
        let item = plain_item([("sealed", self.seal_staged(work, "missing", &plain)?.into())]);
        transaction.put(missing_key(&work.partition, number, batch, place), &item, vec![])
    }

    /// Counts records as processed, for whoever watches.
    pub(super) fn count_processed(&self, work: &Packaging, number: u32, records: u64) -> Transaction {
        let key = step_key(&work.partition, work.request.execution.round, number);
        let records = i64::try_from(records).unwrap_or(i64::MAX);
        let add = |name, by| crate::ports::Change::Add(name, by);
        Transaction::new().update(key, vec![add("hide_records", records), add("hide_batches", 1)], vec![])
    }
}

/// A row as it is shown, masked and with the names that people know, and which of the fields that the data map names it has.
async fn row_of(
    connector: &Arc<dyn Connector>,
    producer: &Producer,
    snapshot: Snapshot,
) -> Result<Result<(Row, Vec<String>), String>> {
    let ExportForm::Rows(rows) = connector.form() else {
        return Err(EngineError::internal("rows are read of a store that has files"));
    };
    let body: Vec<Bytes> = snapshot.body.try_collect().await?;
    Ok(match rows.row(&body.concat()) {
        Some(mut row) => {
            let seen = producer.export.named().filter(|field| paths::has(&row, field)).cloned().collect();
            rows::mask(&mut row, &producer.export.mask);
            Ok((rows::select(row, &producer.export.fields), seen))
        }
        None => Err("it cannot be read as a record of this table".to_owned()),
    })
}

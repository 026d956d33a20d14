//! Writing the archive, file after file.

use super::{
    collect::{ReadOf, RowsItem},
    package::{Stage, Went, Work},
    sink::Sink,
};
use crate::{
    Engine, EngineError, Outcome,
    items::rows_key,
    manifest::ManifestRecord,
    ports::{Connector, ExportForm, RecordRef},
    transaction::Transaction,
};
use oubli_domain::datamap::Producer;
use oubli_package::{
    archive::{self, FileWriter},
    contents::{self, MANIFEST, Missing},
    page,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Batches whose rows share a file.
pub(super) const BATCHES_A_FILE: u32 = 50;

/// Where the archive goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Place {
    /// With a step, whatever it holds.
    Step {
        at: usize,
    },
    /// With a table, as JSON or for spreadsheets, from a batch on.
    Rows {
        at: usize,
        table: bool,
        batch: u32,
    },
    /// With files, from one on.
    Files {
        at: usize,
        batch: u32,
        record: usize,
    },
    /// With a saved query.
    Query {
        at: usize,
    },
    #[default]
    Begin,
    /// With the pages for people.
    Pages,
    Manifest,
    Directory,
}

impl Engine {
    /// Writes what is left of the archive, until it ends or time is up.
    pub(super) async fn pack(&self, work: &mut Work, mut archive: Sink) -> Outcome<Went> {
        let sink = &mut archive;
        while let Stage::Pack(place) = work.item.stage.clone() {
            let next = match place {
                Place::Begin => Place::Step { at: 0 },
                Place::Step { at } if at >= work.steps.len() => Place::Query { at: 0 },
                Place::Query { at } if at >= work.queries.len() => Place::Pages,
                Place::Query { at } => {
                    self.write_query(work, sink, at).await?;
                    Place::Query { at: at + 1 }
                }
                Place::Step { at } => match work.step(self, at)?.3.export_form() {
                    ExportForm::Rows => Place::Rows { at, table: false, batch: 0 },
                    ExportForm::Files => Place::Files { at, batch: 0, record: 0 },
                },
                Place::Rows { at, table, batch } if batch >= work.steps[at].1.batches => match table {
                    false => Place::Rows { at, table: true, batch: 0 },
                    true => Place::Step { at: at + 1 },
                },
                Place::Rows { at, table, batch } => {
                    self.write_rows(work, sink, at, table, batch).await?;
                    Place::Rows { at, table, batch: batch.saturating_add(BATCHES_A_FILE) }
                }
                Place::Files { at, batch, .. } if batch >= work.steps[at].1.batches => Place::Step { at: at + 1 },
                Place::Files { at, batch, record } => self.write_files(work, sink, at, batch, record).await?,
                Place::Pages => {
                    let summary = self.summary(work).await?;
                    for (name, text) in [("index.html", page::index(&summary)), ("README.txt", page::readme(&summary))] {
                        self.write_text(work, sink, name, &text).await?;
                    }
                    Place::Manifest
                }
                Place::Manifest => {
                    // The list of files is read from what was put down.
                    sink.put_down(self, work).await?;
                    self.write_manifest(work, sink).await?;
                    Place::Directory
                }
                Place::Directory => {
                    sink.put_down(self, work).await?;
                    self.write_directory(work, archive).await?;
                    return Ok(Went::Through);
                }
            };
            work.item.stage = Stage::Pack(next);
            if self.is_late(work) {
                sink.put_down(self, work).await?;
                return Ok(Went::Paused);
            }
            if sink.is_due() {
                sink.put_down(self, work).await?;
            }
        }
        Ok(Went::Through)
    }

    pub(super) async fn write_text(&self, work: &mut Work, sink: &mut Sink, name: &str, text: &str) -> Outcome<()> {
        let mut out = Vec::new();
        let mut file = FileWriter::begin(name, work.item.offset, sink.at, &mut out);
        file.write(text.as_bytes(), &mut out);
        let entry = file.finish(&mut out);
        sink.take(self, work, &mut out).await?;
        sink.written(work, entry);
        Ok(())
    }

    async fn write_manifest(&self, work: &mut Work, sink: &mut Sink) -> Outcome<()> {
        let summary = self.summary(work).await?;
        let mut out = Vec::new();
        let mut file = FileWriter::begin(MANIFEST, work.item.offset, sink.at, &mut out);
        file.write(contents::begin(&summary).as_bytes(), &mut out);
        let mut first = true;
        for number in 0..work.item.saves {
            for entry in self.entries(work, number).await? {
                file.write(contents::file(&entry, first).as_bytes(), &mut out);
                first = false;
            }
            sink.take(self, work, &mut out).await?;
        }
        file.write(contents::END.as_bytes(), &mut out);
        let entry = file.finish(&mut out);
        sink.take(self, work, &mut out).await?;
        sink.written(work, entry);
        Ok(())
    }

    /// The central directory, and the end of the message.
    async fn write_directory(&self, work: &mut Work, mut sink: Sink) -> Outcome<()> {
        let (offset, mut out, mut count) = (work.item.offset, Vec::new(), 0);
        for number in 0..work.item.saves {
            for entry in self.entries(work, number).await? {
                archive::central_record(&entry, sink.at, &mut out);
                count += 1;
            }
            sink.take(self, work, &mut out).await?;
        }
        if count != work.item.entries {
            return Err(EngineError::Broken(format!("an export wrote {} files and knows {count}", work.item.entries)));
        }
        let size = work.item.offset - offset;
        archive::end(count, offset, size, &mut out);
        sink.take(self, work, &mut out).await?;
        sink.finish(self, work).await?;
        work.item.stage = Stage::Written;
        self.save(work, Transaction::new()).await
    }

    /// Makes the object exist, of exactly the parts that were written.
    pub(super) async fn complete_package(&self, work: &Work) -> Outcome<()> {
        let object = work.request.export.as_ref().map(|e| e.object.clone()).unwrap_or_default();
        let upload = work.item.upload.clone().unwrap_or_default();
        let packages = &self.ports.packages;
        let Some(parts) = packages.parts(&object, &upload).await? else {
            return match packages.size(&object).await? {
                Some(size) if size == work.item.size => Ok(()),
                _ => Err(EngineError::Broken("an export's upload is gone".to_owned())),
            };
        };
        let parts = work.item.written(parts);
        let parts =
            parts.ok_or_else(|| EngineError::Broken("the parts of an export are not those that were written".to_owned()))?;
        packages.complete(&object, &upload, &parts).await?;
        Ok(())
    }

    /// The rows of a batch as they were copied aside.
    pub(super) async fn rows_item(&self, work: &Work, number: u32, batch: u32) -> Outcome<RowsItem> {
        let key = rows_key(&work.partition, work.request.round, number, batch);
        self.find(key).await?.ok_or_else(|| EngineError::Broken("rows of an export were not copied".to_owned()))
    }

    /// Writes the files of a part of a batch; answers where to go on.
    async fn write_files(&self, work: &mut Work, sink: &mut Sink, at: usize, batch: u32, record: usize) -> Outcome<Place> {
        let (number, _, producer, connector) = work.step(self, at)?;
        let producer = producer.clone();
        let records = self.planned(work, number, batch).await?;
        let mut begin = record;
        while begin < records.len() {
            let some = &records[begin..begin + together(&records[begin..])];
            for (place, (wanted, read)) in (begin..).zip(self.read_each(&producer, &connector, some).await?) {
                let (came_to, notes) =
                    self.write_one(work, sink, &producer, &connector, (number, batch, place), wanted, read).await?;
                let tally = work.item.tallies.entry(number).or_default();
                match came_to {
                    CameTo::File => tally.records += 1,
                    CameTo::Gone => tally.gone += 1,
                    CameTo::Missing => tally.missing += 1,
                }
                if !notes.is_empty() {
                    notes.commit(self.ports.table.as_ref()).await?;
                }
                work.item.stage = Stage::Pack(Place::Files { at, batch, record: place + 1 });
                if self.is_late(work) {
                    return Ok(Place::Files { at, batch, record: place + 1 });
                }
                if sink.is_due() {
                    sink.put_down(self, work).await?;
                }
            }
            begin += some.len();
        }
        self.count_processed(work, number, records.len() as u64).commit(self.ports.table.as_ref()).await?;
        Ok(Place::Files { at, batch: batch + 1, record: 0 })
    }

    /// Writes one object, if it is there and can be read.
    #[expect(clippy::too_many_arguments, reason = "a record, its place and what it came to")]
    async fn write_one(
        &self,
        work: &mut Work,
        sink: &mut Sink,
        producer: &Producer,
        connector: &Arc<dyn Connector>,
        (number, batch, place): (u32, u32, usize),
        wanted: RecordRef,
        read: ReadOf,
    ) -> Outcome<(CameTo, Transaction)> {
        let reason = match (read, connector.file_name(&wanted)) {
            // A delete marker has nothing to show.
            (ReadOf::Gone, _) | (ReadOf::There(_), None) => return Ok((CameTo::Gone, Transaction::new())),
            (ReadOf::Unreadable(reason), _) => Some(reason),
            (ReadOf::There(snapshot), Some(name)) => {
                let ordinal = u64::from(batch) * 1_000_000 + place as u64 + 1;
                self.write_file(work, sink, producer, ordinal, &name, *snapshot).await?
            }
        };
        let Some(reason) = reason else { return Ok((CameTo::File, Transaction::new())) };
        let missing = [Missing { producer: producer.name.to_string(), record: wanted.key, reason }];
        let notes = self.note_missing(work, Transaction::new(), number, batch, place, &missing)?;
        Ok((CameTo::Missing, notes))
    }
}

/// What became of an object.
enum CameTo {
    File,
    Gone,
    Missing,
}

/// Most files asked for at once, and their bytes; they are written one after another, and what waits is in memory.
const FILES_TOGETHER: usize = 8;
const BYTES_TOGETHER: u64 = 512 * 1024;

/// How many of the next files are asked for at once.
fn together(records: &[ManifestRecord]) -> usize {
    let mut bytes = 0_u64;
    let few = records.iter().take(FILES_TOGETHER).take_while(|r| {
        bytes = bytes.saturating_add(r.bytes);
        bytes <= BYTES_TOGETHER
    });
    few.count().max(1)
}

//! Writing the archive, file after file.

use crate::{
    EngineError, Result,
    exports::{
        Exports,
        collect::RowsItem,
        files::too_large,
        packaging::{FilePages, Packaging, Position, Progress, RowPages, Stage},
        sink::Sink,
    },
    items::rows_key,
    ports::ExportForm,
    transaction::Transaction,
};
use oubli_archive::{
    contents::{self, MANIFEST},
    page,
    zip::{self, Room},
};
use std::ops::Range;

/// Checkpoints that are read at the same time: one after another, those of an export of a hundred GiB would take longer than
/// a worker has.
fn in_tens(saves: u32) -> impl Iterator<Item = Range<u32>> {
    const TOGETHER: u32 = 10;
    (0..saves).step_by(TOGETHER as usize).map(move |from| from..saves.min(from + TOGETHER))
}

impl Exports {
    /// Writes what is left of the archive, until it ends or time is up.
    pub(super) async fn pack(&self, work: &mut Packaging, mut archive: Sink) -> Result<Progress> {
        let sink = &mut archive;
        while let Stage::Pack(place) = work.item.stage.clone() {
            let next = match place {
                Position::Begin => Position::Step { at: 0 },
                Position::Step { at } if at >= work.steps.len() => Position::Query { at: 0 },
                Position::Query { at } if at >= work.queries.len() => Position::Pages,
                Position::Query { at } => {
                    self.write_query(work, sink, at).await?;
                    Position::Query { at: at + 1 }
                }
                Position::Step { at } if matches!(work.step(&self.core, at)?.3.form(), ExportForm::Rows(_)) => {
                    Position::Rows { at, table: false, batch: 0, files: 0 }
                }
                Position::Step { at } => {
                    let number = work.steps[at].0;
                    work.item.tallies.entry(number).or_default().first_save = work.item.saves;
                    Position::Files { at, batch: 0, record: 0 }
                }
                Position::Rows { at, table, batch, .. } if batch >= work.steps[at].1.batches => match table {
                    false => Position::Rows { at, table: true, batch: 0, files: 0 },
                    true => Position::RowPages { at, pages: RowPages::default() },
                },
                Position::Rows { at, table, batch, files } => {
                    let (batch, files) = self.write_rows(work, sink, at, table, (batch, files)).await?;
                    Position::Rows { at, table, batch, files }
                }
                Position::RowPages { at, pages } => self.write_row_pages(work, sink, at, pages).await?,
                Position::Files { at, batch, .. } if batch >= work.steps[at].1.batches => {
                    // What its pages show is read from what was put down.
                    sink.checkpoint(self, work).await?;
                    let save = work.item.tallies.entry(work.steps[at].0).or_default().first_save;
                    Position::FilePages { at, pages: FilePages { save, skip: 0, page: 0, until: work.item.saves } }
                }
                Position::FilePages { at, pages } => self.write_file_pages(work, sink, at, pages).await?,
                Position::Files { at, batch, record } => self.write_files(work, sink, at, batch, record).await?,
                Position::Pages => {
                    let (summary, look) = (self.summary(work).await?, work.item.look.look());
                    let first = self.first_records(work).await?;
                    let pages =
                        [("index.html", page::index(&summary, &first, &look)), ("README.txt", page::readme(&summary, &look))];
                    for (name, text) in pages {
                        self.write_text(work, sink, name, &text).await?;
                    }
                    Position::Manifest
                }
                Position::Manifest => {
                    // The list of files is read from what was put down.
                    sink.checkpoint(self, work).await?;
                    self.write_manifest(work, sink).await?;
                    Position::Directory
                }
                Position::Directory => {
                    sink.checkpoint(self, work).await?;
                    self.write_directory(work, archive).await?;
                    return Ok(Progress::Through);
                }
            };
            work.item.stage = Stage::Pack(next);
            if self.is_late(work) {
                sink.checkpoint(self, work).await?;
                return Ok(Progress::Paused);
            }
            if sink.is_due(work) {
                sink.checkpoint(self, work).await?;
            }
        }
        Ok(Progress::Through)
    }

    pub(super) async fn write_text(&self, work: &mut Packaging, sink: &mut Sink, name: &str, text: &str) -> Result<()> {
        let mut out = Vec::new();
        let room = Room::for_at_most(Some(text.len() as u64));
        let mut file = sink.begin(work, name, room, &mut out)?;
        file.write(text.as_bytes(), &mut out).map_err(too_large)?;
        let entry = file.finish(&mut out).map_err(too_large)?;
        sink.take(self, work, &mut out).await?;
        sink.written(work, entry);
        Ok(())
    }

    async fn write_manifest(&self, work: &mut Packaging, sink: &mut Sink) -> Result<()> {
        let begin = contents::begin(&self.summary(work).await?);
        let mut out = Vec::new();
        let most = (begin.len() + contents::END.len()) as u64 + work.item.listed_bytes;
        let mut file = sink.begin(work, MANIFEST, Room::for_at_most(Some(most)), &mut out)?;
        file.write(begin.as_bytes(), &mut out).map_err(too_large)?;
        let mut first = true;
        for numbers in in_tens(work.item.saves) {
            for entry in self.entries_of(work, numbers).await? {
                file.write(contents::file(&entry, first).as_bytes(), &mut out).map_err(too_large)?;
                first = false;
            }
            sink.take(self, work, &mut out).await?;
        }
        file.write(contents::END.as_bytes(), &mut out).map_err(too_large)?;
        let entry = file.finish(&mut out).map_err(too_large)?;
        sink.take(self, work, &mut out).await?;
        sink.written(work, entry);
        Ok(())
    }

    /// The central directory, and the end of the message.
    async fn write_directory(&self, work: &mut Packaging, mut sink: Sink) -> Result<()> {
        let (offset, mut out, mut count) = (work.item.offset, Vec::new(), 0);
        for numbers in in_tens(work.item.saves) {
            for entry in self.entries_of(work, numbers).await? {
                zip::central_record(&entry, sink.at, &mut out);
                count += 1;
            }
            sink.take(self, work, &mut out).await?;
        }
        if count != work.item.entries {
            return Err(EngineError::internal(format!("an export wrote {} files and knows {count}", work.item.entries)));
        }
        let size = work.item.offset - offset;
        zip::end(count, offset, size, &mut out);
        sink.take(self, work, &mut out).await?;
        sink.finish(self, work).await?;
        work.item.stage = Stage::Written;
        self.save(work, Transaction::new()).await
    }

    /// Makes the object exist, of exactly the parts that were written.
    pub(super) async fn complete_package(&self, work: &Packaging) -> Result<()> {
        let object = work.request.export_state().map(|e| e.object.clone()).unwrap_or_default();
        let upload = work.item.upload.clone().unwrap_or_default();
        let exports = &self.core.ports.exports;
        let Some(parts) = exports.parts(&object, &upload).await? else {
            return match exports.size(&object).await? {
                Some(size) if size == work.item.size => Ok(()),
                _ => Err(EngineError::internal("an export's upload is gone")),
            };
        };
        let parts = work.item.written(parts);
        let parts = parts.ok_or_else(|| EngineError::internal("the parts of an export are not those that were written"))?;
        exports.complete(&object, &upload, &parts).await?;
        Ok(())
    }

    /// The rows of a batch as they were copied to the staging area.
    pub(super) async fn rows_item(&self, work: &Packaging, number: u32, batch: u32) -> Result<RowsItem> {
        let key = rows_key(&work.partition, work.request.execution.round, number, batch);
        self.core.find(key).await?.ok_or_else(|| EngineError::internal("rows of an export were not copied"))
    }
}

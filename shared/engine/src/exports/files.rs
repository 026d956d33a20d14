//! The files of an archive as they were put down, and the pages that show them.

use crate::{
    EngineError, Result,
    crypt::StreamOpener,
    exports::{
        Exports,
        packaging::{FilePages, Packaging, Position, Stage},
        sink::Sink,
    },
    items::entries_key,
};
use futures::future::try_join_all;
use oubli_archive::{
    contents::Listed,
    names,
    page::FILES_AT_FIRST,
    tables::{Page, ROWS_A_PAGE, page_name},
    zip::Entry,
};
use oubli_domain::datamap::Producer;
use serde::de::DeserializeOwned;
use std::ops::Range;

/// Bytes that are compressed and encrypted at once. Each stage holds as much.
pub(super) const PIECE: usize = 64 * 1024;

/// Where the files of a store's objects are.
pub(super) fn files_folder(producer: &Producer) -> String {
    format!("objects/{}/{}", names::folder(producer.category.as_str()), names::folder(producer.name.as_str()))
}

/// What an archive cannot go on with.
pub(super) fn too_large(error: oubli_archive::zip::TooLarge) -> EngineError {
    EngineError::internal(error.to_string())
}

impl Exports {
    /// The files put down under a number.
    pub(super) async fn entries(&self, work: &Packaging, number: u32) -> Result<Vec<Entry>> {
        let key = entries_key(&work.partition, number);
        let Some(item) = self.core.ports.table.get_many(&[key]).await?.pop().flatten() else { return Ok(vec![]) };
        let name = item.get("object").and_then(|o| o.as_str()).unwrap_or_default().to_owned();
        self.put_aside(work, &name).await
    }

    /// The files put down under some numbers, in their order.
    pub(super) async fn entries_of(&self, work: &Packaging, numbers: Range<u32>) -> Result<Vec<Entry>> {
        Ok(try_join_all(numbers.map(|number| self.entries(work, number))).await?.concat())
    }

    /// What was put aside as an object, sealed.
    pub(super) async fn put_aside<T: DeserializeOwned>(&self, work: &Packaging, name: &str) -> Result<T> {
        let source = self.core.ports.objects.reader(name).await?;
        let source = source.ok_or_else(|| EngineError::internal("what an export put aside is gone"))?;
        let plain = StreamOpener::new(&work.staging_key, name, source).await?.read_all().await?;
        serde_json::from_slice(&plain).map_err(|_| EngineError::internal("what an export put aside cannot be read"))
    }

    /// The pages of a step's objects, from one on; they are made of what was put down of the files.
    pub(super) async fn write_file_pages(
        &self,
        work: &mut Packaging,
        sink: &mut Sink,
        at: usize,
        from: FilePages,
    ) -> Result<Position> {
        let (number, _, producer, _) = work.step(&self.core, at)?;
        let (producer, look) = (producer.clone(), work.item.look.look());
        let records = work.item.tallies.get(&number).map_or(0, |t| t.records);
        let (controller, pages) = (work.item.look.controller.clone(), work.item.pages(number, true));
        let (mut shown, FilePages { mut page, mut skip, .. }) = (Vec::new(), from);
        for save in from.save..from.until {
            let listed = self.files_of(work, &producer, save).await?;
            for (place, file) in listed.into_iter().enumerate().skip(usize::try_from(skip).unwrap_or(usize::MAX)) {
                shown.push(file);
                let first = u64::from(page) * ROWS_A_PAGE + 1;
                let last = u64::from(page) * ROWS_A_PAGE + shown.len() as u64;
                if (shown.len() as u64) < ROWS_A_PAGE && last < records {
                    continue;
                }
                let (category, name) = (producer.category.as_str(), producer.name.as_str());
                let html = Page {
                    look: &look,
                    controller: &controller,
                    category,
                    producer: name,
                    number: page + 1,
                    of: pages,
                    records: (first, last, records),
                };
                self.write_text(work, sink, &page_name(category, name, page + 1), &html.of_files(&shown)).await?;
                shown.clear();
                page += 1;
                let next = FilePages { save, skip: place as u64 + 1, page, until: from.until };
                work.item.stage = Stage::Pack(Position::FilePages { at, pages: next });
                if self.is_late(work) {
                    return Ok(Position::FilePages { at, pages: next });
                }
                if sink.is_due(work) {
                    sink.checkpoint(self, work).await?;
                }
            }
            skip = 0;
        }
        Ok(Position::Step { at: at + 1 })
    }

    /// The objects of a producer that were put down under a number.
    async fn files_of(&self, work: &Packaging, producer: &Producer, save: u32) -> Result<Vec<Listed>> {
        let folder = format!("{}/", files_folder(producer));
        let entries = self.entries(work, save).await?;
        Ok(entries.iter().filter(|e| e.name.starts_with(&folder)).map(Listed::from).collect())
    }

    /// The first objects of a step.
    pub(super) async fn first_files(&self, work: &Packaging, number: u32, producer: &Producer) -> Result<Vec<Listed>> {
        let tally = work.item.tallies.get(&number).cloned().unwrap_or_default();
        let mut first = Vec::new();
        for save in tally.first_save..work.item.saves {
            if first.len() >= FILES_AT_FIRST || first.len() as u64 >= tally.records {
                break;
            }
            first.extend(self.files_of(work, producer, save).await?);
        }
        first.truncate(FILES_AT_FIRST);
        Ok(first)
    }
}

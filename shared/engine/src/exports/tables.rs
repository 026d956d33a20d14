//! The tables of an archive: rows as JSON, for spreadsheets, and on pages.

use crate::{
    EngineError, Result,
    exports::{
        Exports,
        files::{PIECE, too_large},
        packaging::{Packaging, Position, RowPages, Stage},
        sink::Sink,
    },
    ports::Row,
    vault::VaultReader,
};
use oubli_archive::{
    names,
    page::ROWS_AT_FIRST,
    rows::{self, Sheet},
    tables::{Page, page_name, table_name},
    zip::{FileWriter, Room},
};
use oubli_domain::datamap::Producer;

/// Batches whose rows share a file.
const BATCHES_A_FILE: u32 = 50;

/// Bytes of rows after which a file ends with the batch before: one worker writes it well within its time.
const BYTES_A_FILE: u64 = 128 * 1024 * 1024;

/// Where the files of a table are.
pub(super) fn rows_folder(producer: &Producer) -> String {
    format!("data/{}", names::folder(producer.category.as_str()))
}

/// The batches of a file, up to one, and what is in them.
struct Cut {
    end: u32,
    records: u64,
    /// None where nobody counted them.
    bytes: Option<u64>,
}

/// The rows of a batch as they were copied, one after another.
struct Copied {
    reader: Option<VaultReader>,
}

impl Copied {
    async fn next(&mut self) -> Result<Option<Row>> {
        let Some(reader) = &mut self.reader else { return Ok(None) };
        let Some(header) = reader.next().await? else { return Ok(None) };
        let row = serde_json::from_slice(&reader.payload(&header).await?);
        row.map(Some).map_err(|_| EngineError::internal("a copied row cannot be read"))
    }

    /// Passes over some.
    async fn skip(&mut self, rows: u64) -> Result<()> {
        let Some(reader) = &mut self.reader else { return Ok(()) };
        for _ in 0..rows {
            if let Some(header) = reader.next().await? {
                reader.skip(&header).await?;
            }
        }
        Ok(())
    }
}

impl Exports {
    async fn copied(&self, work: &Packaging, number: u32, batch: u32) -> Result<Copied> {
        let Some(object) = self.rows_item(work, number, batch).await?.object else { return Ok(Copied { reader: None }) };
        let reader = VaultReader::open(&self.core.ports, &work.staging_key, &object).await?;
        Ok(Copied { reader: Some(reader.ok_or_else(|| EngineError::internal("copied rows are gone"))?) })
    }

    /// Which batches share a file with this one: the same for every form that they are written in.
    async fn cut(&self, work: &Packaging, number: u32, batches: u32, from: u32) -> Result<Cut> {
        let mut cut = Cut { end: from, records: 0, bytes: Some(0) };
        while cut.end < batches.min(from.saturating_add(BATCHES_A_FILE)) {
            let item = self.rows_item(work, number, cut.end).await?;
            let bytes = cut.bytes.zip(item.bytes).map(|(before, more)| before.saturating_add(more));
            if cut.end > from && bytes.is_some_and(|bytes| bytes > BYTES_A_FILE) {
                break;
            }
            cut = Cut { end: cut.end + 1, records: cut.records + item.records, bytes };
        }
        Ok(cut)
    }

    /// Writes the rows of some batches as one file; answers where the next begins.
    pub(super) async fn write_rows(
        &self,
        work: &mut Packaging,
        sink: &mut Sink,
        at: usize,
        table: bool,
        (batch, before): (u32, u32),
    ) -> Result<(u32, u32)> {
        let (number, step, producer, _) = work.step(&self.core, at)?;
        let cut = self.cut(work, number, step.batches, batch).await?;
        // A packaging that began when files were not counted goes on behind those that it has.
        let before = before.max(batch / BATCHES_A_FILE);
        let only = before == 0 && cut.end >= step.batches;
        let ending = if table { "csv" } else { "json" };
        let name = table_name(&rows_folder(producer), producer.name.as_str(), before + 1, only, ending);
        let (columns, look) = (self.columns(work, number).await?, work.item.look.look());
        let names: Vec<String> = columns.names.into_iter().collect();
        let sheet = Sheet { look: &look, columns: &names, more: columns.more };
        let mut out = Vec::new();
        let room = Room::for_at_most(cut.bytes.map(|bytes| sheet.most_bytes(cut.records, bytes)));
        let mut file = sink.begin(work, &name, room, &mut out)?;
        let mut text = if table { sheet.begin() } else { b"[\n".to_vec() };
        // A row is written once it is known whether another follows: only the last has no comma behind it.
        let mut waiting: Option<Row> = None;
        for batch in batch..cut.end {
            let mut copied = self.copied(work, number, batch).await?;
            while let Some(row) = copied.next().await? {
                file.count(1);
                if table {
                    text.extend(sheet.line(&row));
                } else if let Some(before) = waiting.replace(row) {
                    text.extend(rows::json(&before, false).into_bytes());
                }
                if text.len() >= PIECE {
                    file.write(&text, &mut out).map_err(too_large)?;
                    text.clear();
                    sink.take(self, work, &mut out).await?;
                }
            }
        }
        if !table {
            text.extend(waiting.map(|row| rows::json(&row, true)).unwrap_or_default().into_bytes());
            text.extend(b"]\n");
        }
        file.write(&text, &mut out).map_err(too_large)?;
        let entry = file.finish(&mut out).map_err(too_large)?;
        sink.take(self, work, &mut out).await?;
        sink.written(work, entry);
        work.item.tallies.entry(number).or_default().tables = before + 1;
        Ok((cut.end, before + 1))
    }

    /// The pages of a table, from one on.
    pub(super) async fn write_row_pages(
        &self,
        work: &mut Packaging,
        sink: &mut Sink,
        at: usize,
        from: RowPages,
    ) -> Result<Position> {
        let (number, step, producer, _) = work.step(&self.core, at)?;
        let (batches, producer, look) = (step.batches, producer.clone(), work.item.look.look());
        let (controller, columns, of) =
            (work.item.look.controller.clone(), self.columns(work, number).await?, work.item.pages(number, false));
        let (columns, more): (Vec<String>, bool) = (columns.names.into_iter().collect(), columns.more);
        let (records, a_page) = (work.item.tallies.get(&number).map_or(0, |t| t.records), work.item.rows_a_page(number));
        let page_of = |page: u32| {
            let first = u64::from(page) * a_page;
            Page {
                look: &look,
                controller: &controller,
                category: producer.category.as_str(),
                producer: producer.name.as_str(),
                number: page + 1,
                of,
                records: (first + 1, records.min(first + a_page), records),
            }
        };
        let RowPages { mut page, mut row, .. } = from;
        let (mut out, mut text, mut file): (Vec<u8>, String, Option<FileWriter>) = (Vec::new(), String::new(), None);
        let mut seen = u64::from(page) * a_page;
        for batch in from.batch..batches {
            let mut copied = self.copied(work, number, batch).await?;
            copied.skip(row).await?;
            while let Some(shown) = copied.next().await? {
                let html = page_of(page);
                let writer = match &mut file {
                    Some(writer) => writer,
                    None => {
                        text.push_str(&html.begin_rows(&columns, more));
                        let room = Room::for_at_most(Some(Page::most_bytes(&columns, a_page)));
                        let name = page_name(html.category, html.producer, html.number);
                        file.insert(sink.begin(work, &name, room, &mut out)?)
                    }
                };
                (seen, row) = (seen + 1, row + 1);
                text.push_str(&html.row(seen, &columns, &shown));
                let last = seen >= html.records.1;
                if last {
                    text.push_str(&html.end());
                }
                if last || text.len() >= PIECE {
                    writer.write(text.as_bytes(), &mut out).map_err(too_large)?;
                    text.clear();
                    let entry = file.take_if(|_| last).map(|file| file.finish(&mut out)).transpose().map_err(too_large)?;
                    sink.take(self, work, &mut out).await?;
                    let Some(entry) = entry else { continue };
                    sink.written(work, entry);
                    page += 1;
                    let next = RowPages { batch, row, page };
                    work.item.stage = Stage::Pack(Position::RowPages { at, pages: next });
                    if self.is_late(work) {
                        return Ok(Position::RowPages { at, pages: next });
                    }
                    if sink.is_due(work) {
                        sink.checkpoint(self, work).await?;
                    }
                }
            }
            row = 0;
        }
        match file {
            // What was copied is what was counted: a page without its end would be half a page.
            Some(_) => Err(EngineError::internal("fewer rows of an export are there than were counted")),
            None => Ok(Position::Step { at: at + 1 }),
        }
    }

    /// The first rows of a step.
    pub(super) async fn first_rows(&self, work: &Packaging, number: u32, batches: u32) -> Result<Vec<Row>> {
        let mut first = Vec::new();
        for batch in 0..batches {
            let mut copied = self.copied(work, number, batch).await?;
            while first.len() < ROWS_AT_FIRST
                && let Some(row) = copied.next().await?
            {
                first.push(row);
            }
            if first.len() >= ROWS_AT_FIRST {
                break;
            }
        }
        Ok(first)
    }
}

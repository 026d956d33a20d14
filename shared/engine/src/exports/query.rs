//! The tables of saved queries.

use crate::{
    EngineError, Result,
    exports::{
        Exports,
        files::{PIECE, too_large},
        packaging::{Answered, Packaging},
        sink::Sink,
    },
    ports::{QueryPage, Row, StoreError},
};
use jiff::Timestamp;
use oubli_archive::{
    contents::{Answer, numbered},
    names::safe_path,
    rows::Sheet,
    zip::{FileWriter, Room},
};
use oubli_domain::{
    asking::{self, UnaskedBecause},
    personal::{Identifier, IdentifierKind, NormalForm},
    saved_query::SavedQuery,
};

/// A time as ISO 8601 writes it in names, where no colon may stand; one for all files of an export.
pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

impl Exports {
    /// Asks a saved query by each identifier that is the person's alone, and writes what it finds, page by page. Where its
    /// store refuses to be asked by one, it is asked by the others, and noted as not wholly answered. Nobody knows before how
    /// many rows there are: where there are more than the export may hold undecided, it ends here.
    pub(super) async fn write_query(&self, work: &mut Packaging, sink: &mut Sink, at: usize) -> Result<()> {
        let query = work.queries[at].clone();
        if let Some(reason) = query.misfit(&work.map) {
            work.item.queries.insert(query.name, Answered::not(reason));
            return Ok(());
        }
        let broken = || EngineError::internal("a saved query asks for what is not known");
        let person = self.core.person_of(&work.request, work.request.execution.round).await?.ok_or_else(broken)?;
        let ways = asking::ways(&query, &person);
        if ways.is_empty() {
            return Err(broken());
        }
        let store = work.map.stores.get(&query.store).ok_or_else(broken)?;
        let connector = self.core.ports.stores.connector(&query.store, store)?;
        let Some(queries) = connector.queries() else {
            work.item.queries.insert(query.name, Answered::not("it takes no queries".to_owned()));
            return Ok(());
        };
        let left = self.rows_left(work).await?;
        let look = work.item.look.look();
        let sheet = Sheet { look: &look, columns: &query.columns, more: false };
        let mut table = QueryTable { sheet, file: None, files: 0, rows: 0, text: Vec::new(), out: Vec::new() };
        let mut refused: Option<String> = None;
        for way in ways {
            // A number in another spelling is asked by as the number that it is, too.
            let number = |(kind, value): (&IdentifierKind, &&Identifier)| {
                let form = work.map.form_of(kind);
                form == NormalForm::Number && form.normalize(value, None).is_ok_and(|normal| normal != **value)
            };
            let asked_otherwise = query.parameters.iter().zip(&way).any(number);
            let values: Vec<String> = way.into_iter().map(|value| value.expose().to_owned()).collect();
            let mut after = None;
            loop {
                let QueryPage { rows, next } = match queries.query(&query, &values, after).await {
                    Ok(page) => page,
                    Err(StoreError::Record { .. }) if asked_otherwise => break,
                    Err(StoreError::Unusable { reason, .. } | StoreError::Record { reason, .. }) => {
                        refused.get_or_insert(reason);
                        break;
                    }
                    Err(error) => return Err(error.into()),
                };
                let brought = table.rows + rows.len() as u64;
                if left.is_some_and(|left| brought > left) {
                    return Err(self.ask_for_decision(work, brought).await?);
                }
                table.begin(work, sink, &query)?;
                for row in rows {
                    table.add(self, work, sink, &query, &row).await?;
                }
                after = next;
                if after.is_none() {
                    break;
                }
            }
        }
        table.end(self, work, sink).await?;
        let in_part = table.files > 0 && refused.is_some();
        let answered = Answered { rows: table.rows, in_part, failed: refused, files: table.files };
        work.item.queries.insert(query.name, answered);
        Ok(())
    }

    /// What the export says of its saved queries. `unasked`: those of its scope that are not asked, or not by everything.
    pub(super) fn answers(work: &Packaging, unasked: &[(SavedQuery, UnaskedBecause)]) -> Vec<Answer> {
        let why = |query: &SavedQuery| unasked.iter().find(|(q, _)| q.name == query.name).map(|(_, why)| why.words().to_owned());
        let answer = |query: &SavedQuery, answered: Answered| Answer {
            query: query.name.to_string(),
            category: query.category.to_string(),
            description: query.description.clone(),
            file: answered.has_table().then(|| query_file(work, query, 1)),
            rows: answered.rows,
            files: (answered.files > 1).then_some(answered.files),
            failed: answered.failed.or_else(|| why(query)),
        };
        let asked = |query: &SavedQuery| work.queries.iter().any(|q| q.name == query.name);
        let answered = work.queries.iter().map(|q| answer(q, work.item.queries.get(&q.name).cloned().unwrap_or_default()));
        let left = unasked.iter().filter(|(q, _)| !asked(q)).map(|(q, why)| answer(q, Answered::not(why.words().to_owned())));
        answered.chain(left).collect()
    }
}

fn query_file(work: &Packaging, query: &SavedQuery, number: u32) -> String {
    let first = |prefix: &str| format!("queries/{prefix}{}_{}.csv", query.name, stamp(work.item.began_at));
    let prefixed = first(&work.item.file_prefix);
    // A prefix that was set before such were refused.
    let first = if safe_path(&prefixed).is_some() { prefixed } else { first("") };
    numbered(&first, number)
}

/// Bytes after which the table of a saved query goes on in another file: nobody knows before how many rows there are, and a
/// file of at most so many is one that every reader opens.
const MOST_OF_A_TABLE: u64 = 1024 * 1024 * 1024;

/// The table of a saved query as it is written.
struct QueryTable<'a> {
    sheet: Sheet<'a>,
    file: Option<FileWriter>,
    files: u32,
    rows: u64,
    text: Vec<u8>,
    out: Vec<u8>,
}

impl QueryTable<'_> {
    /// Begins a file, where none is begun.
    fn begin(&mut self, work: &Packaging, sink: &Sink, query: &SavedQuery) -> Result<()> {
        if self.file.is_none() {
            self.files += 1;
            let (name, room) = (query_file(work, query, self.files), Room::for_at_most(Some(2 * MOST_OF_A_TABLE)));
            self.file = Some(sink.begin(work, &name, room, &mut self.out)?);
            self.text = self.sheet.begin();
        }
        Ok(())
    }

    async fn add(
        &mut self,
        engine: &Exports,
        work: &mut Packaging,
        sink: &mut Sink,
        query: &SavedQuery,
        row: &Row,
    ) -> Result<()> {
        if self.file.as_ref().is_some_and(|file| file.bytes() >= MOST_OF_A_TABLE) {
            self.end(engine, work, sink).await?;
        }
        self.begin(work, sink, query)?;
        self.text.extend(self.sheet.line(row));
        self.rows += 1;
        let Some(file) = &mut self.file else { return Ok(()) };
        file.count(1);
        if self.text.len() >= PIECE {
            file.write(&self.text, &mut self.out).map_err(too_large)?;
            self.text.clear();
            sink.take(engine, work, &mut self.out).await?;
        }
        Ok(())
    }

    /// Ends the file, where one is begun.
    async fn end(&mut self, engine: &Exports, work: &mut Packaging, sink: &mut Sink) -> Result<()> {
        let Some(mut file) = self.file.take() else { return Ok(()) };
        file.write(&self.text, &mut self.out).map_err(too_large)?;
        let entry = file.finish(&mut self.out).map_err(too_large)?;
        sink.take(engine, work, &mut self.out).await?;
        sink.written(work, entry);
        Ok(())
    }
}

//! The tables of saved queries.

use crate::{
    EngineError, Result,
    exports::{
        Exports,
        files::PIECE,
        packaging::{Answered, Packaging},
        sink::Sink,
    },
    ports::{QueryPage, StoreError},
};
use jiff::Timestamp;
use oubli_archive::{contents::Answer, rows, zip::FileWriter};
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
    /// store refuses to be asked by one, it is asked by the others, and noted as not wholly answered.
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
        let name = query_file(work, &query);
        let (mut out, mut text) = (Vec::new(), rows::csv_header(&query.columns));
        let (mut file, mut rows_seen, mut refused): (Option<FileWriter>, u64, Option<String>) = (None, 0, None);
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
                let file = file.get_or_insert_with(|| FileWriter::begin(&name, work.item.offset, sink.at, &mut out));
                for row in rows {
                    text.extend(rows::csv(&query.columns, &row));
                    rows_seen += 1;
                    if text.len() >= PIECE {
                        file.write(&text, &mut out);
                        text.clear();
                        sink.take(self, work, &mut out).await?;
                    }
                }
                after = next;
                if after.is_none() {
                    break;
                }
            }
        }
        let answered = Answered { rows: rows_seen, in_part: file.is_some() && refused.is_some(), failed: refused };
        if let Some(mut file) = file {
            file.write(&text, &mut out);
            file.count(rows_seen);
            let entry = file.finish(&mut out);
            sink.take(self, work, &mut out).await?;
            sink.written(work, entry);
        }
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
            file: answered.has_table().then(|| query_file(work, query)),
            rows: answered.rows,
            failed: answered.failed.or_else(|| why(query)),
        };
        let asked = |query: &SavedQuery| work.queries.iter().any(|q| q.name == query.name);
        let answered = work.queries.iter().map(|q| answer(q, work.item.queries.get(&q.name).cloned().unwrap_or_default()));
        let left = unasked.iter().filter(|(q, _)| !asked(q)).map(|(q, why)| answer(q, Answered::not(why.words().to_owned())));
        answered.chain(left).collect()
    }
}

fn query_file(work: &Packaging, query: &SavedQuery) -> String {
    format!("queries/{}{}_{}.csv", work.item.file_prefix, query.name, stamp(work.item.began_at))
}

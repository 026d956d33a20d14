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
    personal::{Identifier, IdentifierKind, Person},
    saved_query::SavedQuery,
};
use std::collections::{BTreeMap, BTreeSet};

/// A time as ISO 8601 writes it in names, where no colon may stand; one for all files of an export.
pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// The values for a query's parameters: once for each identifier that the person has of the kinds it asks by, in each form.
fn asked(query: &SavedQuery, person: &Person) -> Vec<Vec<String>> {
    let kinds: BTreeSet<&IdentifierKind> = query.parameters.iter().collect();
    let mut ways: Vec<BTreeMap<&IdentifierKind, &str>> = vec![BTreeMap::new()];
    for kind in kinds {
        let of_kind = person.selecting().filter(|(_, r)| r.known.kind == *kind);
        let forms: Vec<&str> = of_kind.flat_map(|(_, r)| r.known.forms()).map(Identifier::expose).collect();
        let mut longer = Vec::new();
        for way in &ways {
            for form in &forms {
                let mut way = way.clone();
                way.insert(kind, form);
                longer.push(way);
            }
        }
        ways = longer;
    }
    let values = |way: &BTreeMap<&IdentifierKind, &str>| -> Vec<String> {
        query.parameters.iter().filter_map(|kind| way.get(kind).map(|form| (*form).to_owned())).collect()
    };
    ways.iter().map(values).collect()
}

impl Exports {
    /// Runs a saved query and writes what it finds, page by page. One that its store refuses is noted as without answer.
    pub(super) async fn write_query(&self, work: &mut Packaging, sink: &mut Sink, at: usize) -> Result<()> {
        let query = work.queries[at].clone();
        if let Some(reason) = query.misfit(&work.map) {
            work.item.queries.insert(query.name, Answered { rows: 0, failed: Some(reason) });
            return Ok(());
        }
        let broken = || EngineError::internal("a saved query asks for what is not known");
        let person = self.core.person_of(&work.request, work.request.execution.round).await?.ok_or_else(broken)?;
        let mut ways = asked(&query, &person).into_iter();
        let mut values = ways.next().ok_or_else(broken)?;
        let store = work.map.stores.get(&query.store).ok_or_else(broken)?;
        let connector = self.core.ports.stores.connector(&query.store, store)?;
        let Some(queries) = connector.queries() else {
            let reason = "it takes no queries".to_owned();
            work.item.queries.insert(query.name, Answered { rows: 0, failed: Some(reason) });
            return Ok(());
        };
        let first = match queries.query(&query, &values, None).await {
            Ok(page) => page,
            Err(StoreError::Unusable { reason, .. } | StoreError::Record { reason, .. }) => {
                work.item.queries.insert(query.name, Answered { rows: 0, failed: Some(reason) });
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let name = query_file(work, &query);
        let mut out = Vec::new();
        let mut file = FileWriter::begin(&name, work.item.offset, sink.at, &mut out);
        let (mut text, mut rows_seen, mut page) = (rows::csv_header(&query.columns), 0, Some(first));
        while let Some(QueryPage { rows, next }) = page.take() {
            for row in rows {
                text.extend(rows::csv(&query.columns, &row));
                rows_seen += 1;
                if text.len() >= PIECE {
                    file.write(&text, &mut out);
                    text.clear();
                    sink.take(self, work, &mut out).await?;
                }
            }
            page = match next {
                Some(next) => Some(queries.query(&query, &values, Some(next)).await?),
                None => match ways.next() {
                    Some(other) => {
                        values = other;
                        Some(queries.query(&query, &values, None).await?)
                    }
                    None => None,
                },
            };
        }
        file.write(&text, &mut out);
        file.count(rows_seen);
        let entry = file.finish(&mut out);
        sink.take(self, work, &mut out).await?;
        sink.written(work, entry);
        work.item.queries.insert(query.name, Answered { rows: rows_seen, failed: None });
        Ok(())
    }

    /// What the export says of its saved queries.
    pub(super) fn answers(work: &Packaging) -> Vec<Answer> {
        let mut answers = Vec::new();
        for query in &work.queries {
            let answered = work.item.queries.get(&query.name).cloned().unwrap_or_default();
            let file = query_file(work, query);
            answers.push(Answer {
                query: query.name.to_string(),
                category: query.category.to_string(),
                description: query.description.clone(),
                file: answered.failed.is_none().then_some(file),
                rows: answered.rows,
                failed: answered.failed,
            });
        }
        answers
    }
}

fn query_file(work: &Packaging, query: &SavedQuery) -> String {
    format!("queries/{}{}_{}.csv", work.item.file_prefix, query.name, stamp(work.item.began_at))
}

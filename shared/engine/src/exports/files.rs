//! The files of an archive: tables, objects, and what is said about all of them.

use crate::{
    EngineError, Result,
    crypt::{self, StreamOpener},
    exports::{
        Exports,
        pack::BATCHES_A_FILE,
        packaging::{Packaging, Tally},
        sink::Sink,
    },
    items::{MISSING, entries_key},
    ports::{ExportForm, Query, Range, Row, Snapshot, StoreError, TableName},
    vault::VaultReader,
};
use bytes::Bytes;
use futures::StreamExt as _;
use oubli_archive::{
    contents::{About, FORMAT, MOST_MISSING, Missing, NotSearched, Part, Summary},
    names::{self, file_name},
    rows,
    zip::{Entry, FileWriter},
};
use oubli_domain::{
    datamap::{EndOf, Producer, RetentionPeriod},
    plan::{Plan, PlannedIdentifier, Unsearched},
};

/// Bytes that are compressed and encrypted at once. Each stage holds as much.
pub(super) const PIECE: usize = 64 * 1024;

/// Where a producer's files are.
fn folder(producer: &Producer, form: ExportForm<'_>) -> String {
    match form {
        ExportForm::Rows(_) => rows_folder(producer),
        ExportForm::Files(_) => files_folder(producer),
    }
}

fn rows_folder(producer: &Producer) -> String {
    format!("data/{}", names::folder(producer.category.as_str()))
}

fn files_folder(producer: &Producer) -> String {
    format!("objects/{}/{}", names::folder(producer.category.as_str()), names::folder(producer.name.as_str()))
}

impl Exports {
    /// Writes the rows of some batches as one file.
    pub(super) async fn write_rows(
        &self,
        work: &mut Packaging,
        sink: &mut Sink,
        at: usize,
        table: bool,
        batch: u32,
    ) -> Result<()> {
        let (number, step, producer, _) = work.step(&self.core, at)?;
        let end = step.batches.min(batch.saturating_add(BATCHES_A_FILE));
        let part = if step.batches > BATCHES_A_FILE { format!("-{:04}", batch / BATCHES_A_FILE + 1) } else { String::new() };
        let ending = if table { "csv" } else { "json" };
        let file = names::folder(producer.name.as_str());
        let name = format!("{}/{file}{part}.{ending}", rows_folder(producer));
        let columns: Vec<String> =
            work.item.tallies.get(&number).map(|t| t.columns.iter().cloned().collect()).unwrap_or_default();
        let mut out = Vec::new();
        let mut file = FileWriter::begin(&name, work.item.offset, sink.at, &mut out);
        file.write(&if table { rows::csv_header(&columns) } else { b"[\n".to_vec() }, &mut out);
        let mut text = Vec::new();
        // A row is written once it is known whether another follows: only the last has no comma behind it.
        let mut waiting: Option<Row> = None;
        for batch in batch..end {
            let item = self.rows_item(work, number, batch).await?;
            let Some(object) = item.object else { continue };
            let reader = VaultReader::open(&self.core.ports, &work.staging_key, &object).await?;
            let mut reader = reader.ok_or_else(|| EngineError::internal("copied rows are gone"))?;
            while let Some(header) = reader.next().await? {
                let row: Row = serde_json::from_slice(&reader.payload(&header).await?)
                    .map_err(|_| EngineError::internal("a copied row cannot be read"))?;
                file.count(1);
                if table {
                    text.extend(rows::csv(&columns, &row));
                } else if let Some(before) = waiting.replace(row) {
                    text.extend(rows::json(&before, false).into_bytes());
                }
                if text.len() >= PIECE {
                    file.write(&text, &mut out);
                    text.clear();
                    sink.take(self, work, &mut out).await?;
                }
            }
        }
        if !table {
            text.extend(waiting.map(|row| rows::json(&row, true)).unwrap_or_default().into_bytes());
            text.extend(b"]\n");
        }
        file.write(&text, &mut out);
        let entry = file.finish(&mut out);
        sink.take(self, work, &mut out).await?;
        sink.written(work, entry);
        Ok(())
    }

    /// Writes an object as it is. Answers why not, where its first bytes already cannot be had.
    pub(super) async fn write_file(
        &self,
        work: &mut Packaging,
        sink: &mut Sink,
        producer: &Producer,
        ordinal: u64,
        key: &str,
        snapshot: Snapshot,
    ) -> Result<Option<String>> {
        let mut body = snapshot.body;
        let first: Option<Bytes> = match body.next().await {
            Some(Ok(bytes)) => Some(bytes),
            None => None,
            Some(Err(StoreError::Record { reason, .. })) => return Ok(Some(reason)),
            Some(Err(error)) => return Err(error.into()),
        };
        let name = format!("{}/{ordinal:06}-{}", files_folder(producer), file_name(key));
        let mut out = Vec::new();
        let mut file = FileWriter::begin(&name, work.item.offset, sink.at, &mut out);
        let mut seen = 0_u64;
        let mut piece = first;
        while let Some(bytes) = piece {
            seen += bytes.len() as u64;
            for some in bytes.chunks(PIECE) {
                file.write(some, &mut out);
                if out.len() >= PIECE {
                    sink.take(self, work, &mut out).await?;
                }
            }
            piece = body.next().await.transpose()?;
        }
        if seen != snapshot.length {
            return Err(EngineError::transient("an object changed its length while it was read"));
        }
        file.count(1);
        let entry = file.finish(&mut out);
        sink.take(self, work, &mut out).await?;
        sink.written(work, entry);
        Ok(None)
    }

    /// The files put down under a number.
    pub(super) async fn entries(&self, work: &Packaging, number: u32) -> Result<Vec<Entry>> {
        let key = entries_key(&work.partition, number);
        let Some(item) = self.core.ports.table.get_many(&[key]).await?.pop().flatten() else { return Ok(vec![]) };
        let name = item.get("object").and_then(|o| o.as_str()).unwrap_or_default().to_owned();
        let source = self.core.ports.objects.reader(&name).await?;
        let source = source.ok_or_else(|| EngineError::internal("a list of an export's files is gone"))?;
        let plain = StreamOpener::new(&work.staging_key, &name, source).await?.read_all().await?;
        serde_json::from_slice(&plain).map_err(|_| EngineError::internal("a list of an export's files cannot be read"))
    }

    /// What the export says of itself.
    pub(super) async fn summary(&self, work: &Packaging) -> Result<Summary> {
        let mut parts = Vec::new();
        for at in 0..work.steps.len() {
            let (number, step, producer, connector) = work.step(&self.core, at)?;
            let none = Tally::default();
            let tally = work.item.tallies.get(&number).unwrap_or(&none);
            parts.push(Part {
                category: producer.category.to_string(),
                producer: producer.name.to_string(),
                folder: folder(producer, connector.form()),
                records: tally.records,
                found: step.records,
                gone: tally.gone,
                missing: tally.missing,
                // Of what nothing is known to be there, nothing can be said to be left out.
                masked: producer.export.mask.iter().filter(|field| tally.seen.contains(*field)).cloned().collect(),
                fields_not_found: producer.export.not_in(&tally.seen).filter(|_| tally.records > 0).cloned().collect(),
                about: about(producer),
            });
        }
        let (_, missing) = work.item.totals();
        let plan = self.core.plan_of(&work.request).await?;
        let by_all = plan.as_ref().is_some_and(|p| p.unclear().next().is_none() && !p.identifiers_incomplete);
        let why = |i: &PlannedIdentifier| i.standing.ambiguity().map(|why| (i.kind.to_string(), why.words().to_owned()));
        let not_searched_by = plan.iter().flat_map(Plan::unclear).filter_map(why).collect();
        let unsearched = plan.map(|p| p.unsearched).unwrap_or_default();
        let mut unasked = self.core.unasked_queries(&work.request, &work.map).await?;
        unasked.retain(|(query, _)| !work.leaves_out(&query.category));
        // What whoever asked left out was not asked for.
        let searched = by_all && unasked.is_empty() && unsearched.iter().all(|u| u.why.chosen());
        Ok(Summary {
            format: FORMAT.to_owned(),
            export_id: work.request.id.to_string(),
            controller: self.core.settings(&work.request.organization).await?.name,
            requested_at: work.request.submitted_at,
            collected_at: work.item.began_at,
            complete: missing == 0 && searched,
            parts,
            answers: Self::answers(work, &unasked),
            unsearched: unsearched.iter().map(not_searched).collect(),
            not_searched_by,
            missing: self.missing(work).await?,
        })
    }

    async fn missing(&self, work: &Packaging) -> Result<Vec<Missing>> {
        let query = Query::new(TableName::Control, work.partition.clone(), Range::Prefix(MISSING.to_owned()));
        let mut missing = Vec::new();
        for item in self.core.query_all(query).await? {
            let sealed = item.get("sealed").and_then(|s| s.as_str()).unwrap_or_default();
            let plain = crypt::open(&work.staging_key, "missing", sealed)?;
            let read: Vec<Missing> =
                serde_json::from_slice(&plain).map_err(|_| EngineError::internal("a list of missing records cannot be read"))?;
            missing.extend(read);
        }
        missing.truncate(MOST_MISSING);
        Ok(missing)
    }
}

fn not_searched(unsearched: &Unsearched) -> NotSearched {
    NotSearched {
        category: unsearched.category.to_string(),
        producer: unsearched.producer.to_string(),
        reason: unsearched.why.code().to_owned(),
        by_part: unsearched.why.by_part(),
    }
}

fn about(producer: &Producer) -> About {
    let rules = &producer.export;
    let kept = |period: &RetentionPeriod| {
        let parts = [(u16::from(period.years), "year"), (u16::from(period.months), "month"), (period.days, "day")];
        let words = parts.iter().filter(|(n, _)| *n > 0).map(|(n, unit)| format!("{n} {unit}{}", if *n == 1 { "" } else { "s" }));
        let end = match period.from_end_of {
            None => String::new(),
            Some(EndOf::Year) => "the end of the year of ".to_owned(),
            Some(EndOf::FiscalYear(day)) => format!("the end of the fiscal year (until {day}) of "),
        };
        format!("{} from {end}{}", words.collect::<Vec<_>>().join(", "), period.from)
    };
    let own = producer.retention.own.iter().map(|duty| match &duty.period {
        Some(period) => format!("{}: {}", duty.reason, kept(period)),
        None => duty.reason.clone(),
    });
    let with_parent = producer.retention.with_parent.then(|| "as long as what it belongs to".to_owned());
    let retention = own.chain(with_parent).collect::<Vec<_>>().join("; ");
    About {
        purpose: rules.purpose.clone(),
        legal_basis: rules.legal_basis.clone(),
        source: rules.source.clone(),
        recipients: rules.recipients.clone(),
        retention: (!retention.is_empty()).then_some(retention),
    }
}

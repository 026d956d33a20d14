//! What an export says of itself.

use crate::{
    EngineError, Result, crypt,
    exports::{
        Exports,
        files::files_folder,
        packaging::{Packaging, Tally},
        tables::rows_folder,
    },
    items::MISSING,
    ports::{ExportForm, Query, Range, TableName},
};
use oubli_archive::{
    contents::{About, Duty, FORMAT, LeftOut, MOST_MISSING, Missing, NotSearched, Part, Period, Searched, Summary},
    page::First,
};
use oubli_domain::{
    datamap::{EndOf, Producer, RetentionPeriod},
    plan::{Plan, PlannedIdentifier, Unsearched},
};

/// Where a producer's files are.
fn folder(producer: &Producer, form: ExportForm<'_>) -> String {
    match form {
        ExportForm::Rows(_) => rows_folder(producer),
        ExportForm::Files(_) => files_folder(producer),
    }
}

impl Exports {
    /// What the export says of itself.
    pub(super) async fn summary(&self, work: &Packaging) -> Result<Summary> {
        let mut parts = Vec::new();
        for at in 0..work.steps.len() {
            let (number, step, producer, connector) = work.step(&self.core, at)?;
            let none = Tally::default();
            let tally = work.item.tallies.get(&number).unwrap_or(&none);
            let masked = producer.export.mask.iter().filter(|field| tally.seen.contains(*field));
            parts.push(Part {
                category: producer.category.to_string(),
                producer: producer.name.to_string(),
                folder: folder(producer, connector.form()),
                tables: tally.tables,
                pages: work.item.pages(number, matches!(connector.form(), ExportForm::Files(_))),
                records: tally.records,
                found: step.records,
                gone: tally.gone,
                missing: tally.missing,
                // Of what nothing is known to be there, nothing can be said to be left out.
                masked: masked.map(|field| called(producer, field)).collect(),
                fields_not_found: producer.export.not_in(&tally.seen).filter(|_| tally.records > 0).cloned().collect(),
                about: about(producer),
            });
        }
        let (_, missing) = work.item.totals();
        let plan = self.core.plan_of(&work.request).await?;
        let by_all = plan.as_ref().is_some_and(|p| p.unclear().next().is_none() && !p.identifiers_incomplete);
        let why = |i: &PlannedIdentifier| i.standing.ambiguity().map(|why| (i.kind.to_string(), why.code().to_owned()));
        let not_searched_by = plan.iter().flat_map(Plan::unclear).filter_map(why).collect();
        let identifiers_incomplete = plan.as_ref().is_some_and(|p| p.identifiers_incomplete);
        let unsearched = plan.map(|p| p.unsearched).unwrap_or_default();
        let left_out = left_out(work, &unsearched);
        let mut unasked = self.core.unasked_queries(&work.request, &work.map).await?;
        unasked.retain(|(query, _)| !work.leaves_out(&query.category));
        // What whoever asked left out was not asked for.
        let whole = by_all && unasked.is_empty() && left_out.is_empty() && unsearched.iter().all(|u| u.why.chosen());
        let hidden = work.item.hidden.clone();
        Ok(Summary {
            format: FORMAT.to_owned(),
            export_id: work.request.id.to_string(),
            controller: self.core.settings(&work.request.organization).await?.name,
            requested_at: work.request.received_at(),
            collected_at: work.item.began_at,
            complete: missing == 0 && whole && hidden.is_empty(),
            parts,
            searched: nothing_found(work, &unsearched),
            hidden,
            left_out,
            answers: Self::answers(work, &unasked),
            unsearched: unsearched.iter().map(not_searched).collect(),
            not_searched_by,
            identifiers_incomplete,
            missing: self.missing(work).await?,
        })
    }

    /// The first records of each part.
    pub(super) async fn first_records(&self, work: &Packaging) -> Result<Vec<First>> {
        let mut first = Vec::new();
        for at in 0..work.steps.len() {
            let (number, step, producer, connector) = work.step(&self.core, at)?;
            first.push(match connector.form() {
                ExportForm::Rows(_) => First::Rows(self.first_rows(work, number, step.batches).await?),
                ExportForm::Files(_) => First::Files(self.first_files(work, number, producer).await?),
            });
        }
        Ok(first)
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

/// What a reviewer left out of what was asked for.
fn left_out(work: &Packaging, unsearched: &[Unsearched]) -> Vec<LeftOut> {
    let unasked = |producer: &&Producer| unsearched.iter().any(|u| u.producer == producer.name && u.why.chosen());
    let left = work.map.producers.iter().filter(|p| work.leaves_out(&p.category) && !unasked(p));
    left.map(|p| LeftOut { category: p.category.to_string(), producer: p.name.to_string() }).collect()
}

/// What was searched by all that leads to it, with nothing found.
fn nothing_found(work: &Packaging, unsearched: &[Unsearched]) -> Vec<Searched> {
    let found = |producer: &Producer| work.steps.iter().any(|(_, step)| step.producer == producer.name);
    let named = |producer: &Producer| unsearched.iter().any(|u| u.producer == producer.name);
    let others = work.map.producers.iter().filter(|p| !found(p) && !named(p) && !work.leaves_out(&p.category));
    others.map(|p| Searched { category: p.category.to_string(), producer: p.name.to_string() }).collect()
}

fn not_searched(unsearched: &Unsearched) -> NotSearched {
    NotSearched {
        category: unsearched.category.to_string(),
        producer: unsearched.producer.to_string(),
        reason: unsearched.why.code().to_owned(),
        by_part: unsearched.why.by_part(),
    }
}

/// A field as people know it, where the map says how they do.
fn called(producer: &Producer, field: &str) -> String {
    producer.export.fields.get(field).map_or(field, String::as_str).to_owned()
}

fn about(producer: &Producer) -> About {
    let rules = &producer.export;
    let period = |period: &RetentionPeriod| Period {
        years: period.years.into(),
        months: period.months.into(),
        days: period.days,
        from: called(producer, &period.from),
        from_end_of_year: period.from_end_of == Some(EndOf::Year),
        from_end_of_fiscal_year: match period.from_end_of {
            Some(EndOf::FiscalYear(day)) => Some(day.to_string()),
            Some(EndOf::Year) | None => None,
        },
    };
    let duties = producer.retention.own.iter();
    let duties = duties.map(|duty| Duty { reason: duty.reason.clone(), period: duty.period.as_ref().map(period) }).collect();
    About {
        purpose: rules.purpose.clone(),
        legal_basis: rules.legal_basis.clone(),
        source: rules.source.clone(),
        recipients: rules.recipients.clone(),
        duties,
        kept_with_parent: producer.retention.with_parent,
    }
}

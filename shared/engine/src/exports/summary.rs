//! What an export says of itself.

use crate::{
    Result,
    core::AskedScope,
    exports::{Exports, files::files_folder, packaging::Packaging, tables::rows_folder},
    items::StepItem,
    ports::ExportForm,
};
use oubli_archive::{
    contents::{About, Duty, FORMAT, LeftOut, NotSearched, Part, Period, Searched, Summary},
    page::First,
};
use oubli_domain::{
    datamap::{EndOf, Producer, RetentionPeriod},
    plan::{KeptBecause, Plan, PlannedIdentifier, Unsearched},
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
        for at in parts_of(work) {
            let (number, step, producer, connector) = work.step(&self.core, at)?;
            let tally = work.tally(number);
            let own = &producer.export.mask;
            // A packaging that began before these were noted knows what it saw.
            let is_masked = |field: &&String| tally.seen.contains(*field) || tally.masked.contains(*field);
            // Of what others may find too, they say what is masked.
            let others = tally.masked.iter().filter(|field| !own.contains(field));
            let masked = own.iter().filter(is_masked).chain(others);
            parts.push(Part {
                category: producer.category.to_string(),
                producer: producer.name.to_string(),
                folder: folder(producer, connector.form()),
                tables: tally.tables,
                pages: work.item.pages(number, matches!(connector.form(), ExportForm::Files(_))),
                records: tally.records,
                found: step.records.saturating_sub(tally.bare),
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
        let withheld = plan.iter().flat_map(|p| &p.kept).any(|k| k.why == KeptBecause::OutOfScope);
        let unsearched = not_looked_at(work, plan.map(|p| p.unsearched).unwrap_or_default());
        let left_out = left_out(work, &unsearched);
        let mut unasked = self.core.unasked_queries(&work.request, &work.map).await?;
        unasked.retain(|(query, _)| !work.leaves_out(&query.category));
        // What whoever asked left out was not asked for.
        let whole = by_all && unasked.is_empty() && left_out.is_empty() && unsearched.iter().all(|u| u.why.chosen());
        let hidden = work.item.hidden.clone();
        Ok(Summary {
            format: FORMAT.to_owned(),
            export_id: work.request.id.to_string(),
            controller: work.item.look.controller.clone(),
            requested_at: work.request.received_at(),
            collected_at: work.item.began_at,
            complete: missing == 0 && whole && hidden.is_empty(),
            parts,
            searched: nothing_found(work, &unsearched),
            hidden,
            withheld,
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
        for at in parts_of(work) {
            let (number, step, producer, connector) = work.step(&self.core, at)?;
            first.push(match connector.form() {
                ExportForm::Rows(_) => First::Rows(self.first_rows(work, number, step.batches).await?),
                ExportForm::Files(_) => First::Files(self.first_files(work, number, producer).await?),
            });
        }
        Ok(first)
    }
}

/// The steps that something is told of, by their places: where only delete markers stand, nothing is.
fn parts_of(work: &Packaging) -> impl Iterator<Item = usize> {
    let told = move |(_, (number, step)): &(usize, &(u32, StepItem))| step.records > work.tally(*number).bare;
    work.steps.iter().enumerate().filter(told).map(|(at, _)| at)
}

/// What was not looked at, with what was not asked for: what is found there only to find others by is not in the export.
fn not_looked_at(work: &Packaging, mut unsearched: Vec<Unsearched>) -> Vec<Unsearched> {
    let asked = AskedScope::of(&work.request);
    for producer in work.map.declared() {
        let Some(why) = asked.leaves_out(producer) else { continue };
        if unsearched.iter().all(|u| u.producer != producer.name) {
            unsearched.push(Unsearched { producer: producer.name.clone(), category: producer.category.clone(), why });
        }
    }
    unsearched
}

/// What a reviewer left out of what was asked for. Unfinished uploads go with the objects that they would become.
fn left_out(work: &Packaging, unsearched: &[Unsearched]) -> Vec<LeftOut> {
    let unasked = |producer: &&Producer| unsearched.iter().any(|u| u.producer == producer.name && u.why.chosen());
    let left = work.map.declared().filter(|p| work.leaves_out(&p.category) && !unasked(p));
    left.map(|p| LeftOut { category: p.category.to_string(), producer: p.name.to_string() }).collect()
}

/// What was asked for and searched by all that leads to it, with nothing found.
fn nothing_found(work: &Packaging, unsearched: &[Unsearched]) -> Vec<Searched> {
    let found = |producer: &Producer| parts_of(work).any(|at| work.steps[at].1.producer == producer.name);
    let named = |producer: &Producer| unsearched.iter().any(|u| u.producer == producer.name);
    let others = work.map.declared().filter(|p| !found(p) && !named(p) && !work.leaves_out(&p.category));
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

//! Plans, and what stays, as the API shows them.

use jiff::{Timestamp, civil::Date};
use oubli_domain::{
    asking::Unasked,
    plan::{Exclusion, Kept, KeptBecause, LeftOut, Plan, Unsearched, UnsearchedBecause},
};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What will be done, as approved by its digest.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Plan)]
pub(crate) struct PlanAnswer {
    /// What an approval names: it changes with everything that the plan says.
    digest: String,
    /// The look that it comes of, from 1.
    round: u32,
    /// The version of the data map it was made by.
    map_version: u64,
    /// What was written later is not in it.
    discovered_at: Timestamp,
    /// Records that go.
    records: u64,
    /// Records that stay.
    kept_records: u64,
    /// What goes, in order.
    steps: Vec<PlannedStepAnswer>,
    /// What stays.
    kept: Vec<KeptAnswer>,
    /// What was not looked at, or only in part: nothing found there says nothing.
    unsearched: Vec<UnsearchedAnswer>,
    /// Saved queries that an export does not ask, or not by everything that is known of the person.
    unasked_queries: Vec<UnaskedAnswer>,
    /// What a reviewer should know about the stores.
    cautions: Vec<String>,
    /// Identifiers that nothing was searched by, though they may be the person's: `id` of the request's `identifiers`.
    ambiguous: Vec<String>,
}

/// Records of one kind that go.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PlannedStep)]
pub(crate) struct PlannedStepAnswer {
    /// The producer, as the data map names it.
    producer: String,
    /// Its category.
    category: String,
    /// How many.
    records: u64,
    /// Their size.
    size_bytes: u64,
    /// In how many batches they go.
    batches: u32,
    /// Of the records, those that only an identifier led to which was not given, by its `id`.
    found_through: BTreeMap<String, u64>,
    /// Of the records, in a later round, those that no earlier one found, or that it kept: written since, perhaps by a person
    /// who came back, or there all the while, where an index lagged, a look-up failed or a bound was reached.
    found_late: u64,
}

impl From<Plan> for PlanAnswer {
    fn from(plan: Plan) -> Self {
        let ambiguous = plan.ambiguous().map(|i| i.label.clone()).collect();
        Self {
            digest: plan.digest().into(),
            round: plan.round,
            map_version: plan.map_version,
            discovered_at: plan.discovered_at,
            records: plan.records(),
            kept_records: plan.kept_records(),
            steps: plan
                .steps
                .into_iter()
                .map(|step| PlannedStepAnswer {
                    producer: step.producer.into(),
                    category: step.category.into(),
                    records: step.records,
                    size_bytes: step.bytes,
                    batches: step.batches,
                    found_through: step.found_through,
                    found_late: step.found_late,
                })
                .collect(),
            kept: plan.kept.into_iter().map(Into::into).collect(),
            unsearched: plan.unsearched.into_iter().map(Into::into).collect(),
            unasked_queries: plan.unasked.into_iter().map(Into::into).collect(),
            cautions: plan.cautions,
            ambiguous,
        }
    }
}

/// Records of one kind that stay.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Kept)]
pub(crate) struct KeptAnswer {
    /// The producer, as the data map names it.
    producer: String,
    /// Its category.
    category: String,
    /// How many.
    records: u64,
    /// Their size.
    size_bytes: u64,
    /// `retention`, `with_parent` (as long as what it is found through), `export_only` (the data map has it shown and not
    /// erased), `fields_not_replaced` (the data map has fields of it replaced, which this version does not do), `locked`,
    /// `legal_hold`, `out_of_scope`, `excluded_by_reviewer`, `restored`, `too_large`, `another_person`, `refused` or
    /// `cancelled` (found late, and its erasure was cancelled).
    why: &'static str,
    /// In words.
    reason: Option<String>,
    /// The last day of it, where one is known.
    retention_until: Option<Date>,
    /// The legal hold.
    hold_id: Option<String>,
}

impl From<Kept> for KeptAnswer {
    fn from(kept: Kept) -> Self {
        let hold_id = match &kept.why {
            KeptBecause::Hold { hold } => Some(hold.to_string()),
            _ => None,
        };
        Self {
            producer: kept.producer.into(),
            category: kept.category.into(),
            records: kept.records,
            size_bytes: kept.bytes,
            why: kept.why.code(),
            reason: kept.why.words(),
            retention_until: kept.why.until(),
            hold_id,
        }
    }
}

/// A kind of records that was not looked at, or only in part.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Unsearched)]
pub(crate) struct UnsearchedAnswer {
    /// The producer, as the data map names it.
    producer: String,
    /// Its category.
    category: String,
    /// `no_identifier`, `some_identifiers`, `backups_left_out`, `logs_left_out`, `derived_left_out`, `not_asked`, `unusable`
    /// or `unusable_identifier`.
    why: &'static str,
    /// It was looked at, though not by everything that leads to it.
    by_part: bool,
    /// In words, where its store said why.
    reason: Option<String>,
}

impl From<Unsearched> for UnsearchedAnswer {
    fn from(unsearched: Unsearched) -> Self {
        let Unsearched { producer, category, why } = unsearched;
        let (code, by_part) = (why.code(), why.by_part());
        let reason = match why {
            UnsearchedBecause::Unusable { reason } | UnsearchedBecause::Identifier { reason } => Some(reason),
            _ => None,
        };
        Self { producer: producer.into(), category: category.into(), why: code, by_part, reason }
    }
}

/// A saved query that an export does not ask, or not by everything that is known of the person.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UnaskedQuery)]
pub(crate) struct UnaskedAnswer {
    /// The query, by its short name.
    query: String,
    /// Its category.
    category: String,
    /// `no_identifier`, `ambiguous_identifier`, `some_identifiers` or `unusable`.
    why: &'static str,
    /// It is asked, though not by everything.
    by_part: bool,
    /// In words.
    reason: String,
}

impl From<Unasked> for UnaskedAnswer {
    fn from(unasked: Unasked) -> Self {
        let Unasked { query, category, why } = unasked;
        let reason = why.words().to_owned();
        Self { query: query.into(), category: category.into(), why: why.code(), by_part: why.by_part(), reason }
    }
}

/// A category that a reviewer left out, and who decided so.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeftOut)]
pub(crate) struct LeftOutAnswer {
    /// The category.
    category: String,
    /// The last day on which it is kept, if the reviewer named one.
    retention_until: Option<Date>,
    /// Opaque id.
    decided_by: String,
}

impl From<LeftOut> for LeftOutAnswer {
    fn from(left_out: LeftOut) -> Self {
        let LeftOut { category, retention_until, decided_by } = left_out;
        Self { category: category.into(), retention_until, decided_by: decided_by.to_string() }
    }
}

/// A category that the reviewer left out.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Exclusion)]
pub(crate) struct ExclusionAnswer {
    /// The category.
    category: String,
    /// Why, in the reviewer's words; empty for auditors and services, and once it is forgotten.
    reason: String,
    /// The last day on which it is kept, if the reviewer named one.
    retention_until: Option<Date>,
}

impl From<Exclusion> for ExclusionAnswer {
    fn from(exclusion: Exclusion) -> Self {
        let Exclusion { category, reason, retention_until } = exclusion;
        Self { category: category.into(), reason, retention_until }
    }
}

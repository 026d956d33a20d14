//! How many reviews there were, and what became of them.

use super::{
    labels::{Labels, labels_context},
    opened,
};
use crate::{
    Result,
    core::Core,
    items::{REVIEW_SHARDS, ReviewRow, from_item, review_counts_key},
    ports::{Change, DataKey},
    reviews::Reviews,
    transaction::add,
};
use oubli_domain::{
    access::{Action, Caller},
    review::{ReviewStatus, Urgency},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// Numbers of an organization's reviews.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReviewStats {
    /// All that were ever asked for.
    pub total: u64,
    /// Those that nobody decided on yet.
    pub pending: u64,
    /// Those that were approved.
    pub approved: u64,
    /// Those that were rejected, by somebody or because nobody decided in time.
    pub rejected: u64,
    /// Of those rejected, the ones that nobody decided on in time.
    pub timed_out: u64,
    /// Those that are to be done otherwise.
    pub modified: u64,
    /// How sure those were who asked, on average.
    pub average_confidence: Option<f64>,
    /// How many of each urgency.
    pub by_urgency: BTreeMap<Urgency, u64>,
    /// How many of the newest are of each kind.
    pub by_task_type: BTreeMap<String, u64>,
    /// How many of the newest come from what is made with each framework.
    pub by_framework: BTreeMap<String, u64>,
    /// How many of the newest were looked at for that.
    pub looked_at: u64,
}

/// Some of the counts.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Counts {
    asked: u64,
    approved: u64,
    rejected: u64,
    modified: u64,
    timed_out: u64,
    low: u64,
    medium: u64,
    high: u64,
    critical: u64,
    confident: u64,
    confidence_millionths: u64,
}

const MILLION: f64 = 1_000_000.0;

/// What a new review changes.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 1, as it was checked")]
pub(super) fn of_new(urgency: Urgency, confidence: Option<f64>) -> Vec<Change> {
    let urgency = match urgency {
        Urgency::Low => "low",
        Urgency::Medium => "medium",
        Urgency::High => "high",
        Urgency::Critical => "critical",
    };
    let mut changes = vec![add("asked", 1), add(urgency, 1)];
    if let Some(confidence) = confidence {
        let millionths = (confidence.clamp(0.0, 1.0) * MILLION).round() as u64;
        changes.extend([add("confident", 1), add("confidence_millionths", millionths)]);
    }
    changes
}

/// What a decision changes.
pub(super) fn of_decided(status: ReviewStatus) -> Vec<Change> {
    match status {
        ReviewStatus::Pending => vec![],
        ReviewStatus::Approved => vec![add("approved", 1)],
        ReviewStatus::Rejected => vec![add("rejected", 1)],
        ReviewStatus::Modified => vec![add("modified", 1)],
    }
}

/// What a review changes that nobody decided on in time.
pub(super) fn of_timed_out() -> Vec<Change> {
    vec![add("rejected", 1), add("timed_out", 1)]
}

impl Reviews {
    /// How many reviews there were, and what became of them; what they are about for who may see that.
    ///
    /// # Errors
    /// A role that may not.
    pub async fn stats(&self, caller: &Caller) -> Result<ReviewStats> {
        Core::permit(caller, Action::ReadStats)?;
        let places: Vec<_> = (0..REVIEW_SHARDS).map(|shard| review_counts_key(&caller.organization, shard)).collect();
        let mut sum = Counts::default();
        for found in self.core.ports.table.get_many(&places).await?.into_iter().flatten() {
            let some: Counts = from_item(found)?;
            sum.asked += some.asked;
            sum.approved += some.approved;
            sum.rejected += some.rejected;
            sum.modified += some.modified;
            sum.timed_out += some.timed_out;
            sum.low += some.low;
            sum.medium += some.medium;
            sum.high += some.high;
            sum.critical += some.critical;
            sum.confident += some.confident;
            sum.confidence_millionths += some.confidence_millionths;
        }
        let mut stats = ReviewStats {
            total: sum.asked,
            pending: sum.asked.saturating_sub(sum.approved + sum.rejected + sum.modified),
            approved: sum.approved,
            rejected: sum.rejected,
            timed_out: sum.timed_out,
            modified: sum.modified,
            average_confidence: average(&sum),
            by_urgency: [
                (Urgency::Low, sum.low),
                (Urgency::Medium, sum.medium),
                (Urgency::High, sum.high),
                (Urgency::Critical, sum.critical),
            ]
            .into(),
            ..ReviewStats::default()
        };
        if caller.may(Action::Reveal) {
            self.count_labels(caller, &mut stats).await?;
        }
        Ok(stats)
    }

    async fn count_labels(&self, caller: &Caller, stats: &mut ReviewStats) -> Result<()> {
        let mut keys = Keys::default();
        let (rows, _) = self.newest_rows(&caller.organization).await?;
        for row in rows {
            stats.looked_at += 1;
            if let Some(labels) = self.labels_of(caller, &row, &mut keys).await? {
                *stats.by_task_type.entry(labels.task_type).or_default() += 1;
                if let Some(framework) = labels.framework {
                    *stats.by_framework.entry(framework).or_default() += 1;
                }
            }
        }
        Ok(())
    }

    /// What a review is filtered by; none for who may not see what it asks, and once it is forgotten.
    pub(super) async fn labels_of(&self, caller: &Caller, row: &ReviewRow, keys: &mut Keys) -> Result<Option<Labels>> {
        if !caller.may(Action::Reveal) && row.asked_by != caller.actor {
            return Ok(None);
        }
        if !keys.0.contains_key(&row.month) {
            let key = self.key_of(&caller.organization, &row.month).await?;
            keys.0.insert(row.month.clone(), key);
        }
        let key = keys.0.get(&row.month).and_then(Option::as_ref);
        key.map(|key| opened(key, &labels_context(row.id), &row.sealed)).transpose()
    }
}

/// What seals the months that were met so far.
#[derive(Default)]
pub(super) struct Keys(HashMap<String, Option<DataKey>>);

#[expect(clippy::cast_precision_loss, reason = "an average for people")]
fn average(counts: &Counts) -> Option<f64> {
    (counts.confident > 0).then(|| counts.confidence_millionths as f64 / MILLION / counts.confident as f64)
}

//! A step of a plan, and discovery's progress with a producer.

use crate::ports::HideMethod;
use jiff::Timestamp;
use oubli_domain::{
    batch::Counts,
    datamap::WorkerPool,
    ids::{Category, ProducerName},
    plan::{Kept, UnsearchedBecause},
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A step with its counters. Counters change only inside the transaction that confirms a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepItem {
    /// The producer.
    pub producer: ProducerName,
    /// Its category.
    pub category: Category,
    /// Batches in all.
    pub batches: u32,
    /// Records that go, in all.
    pub records: u64,
    /// Their size.
    pub bytes: u64,
    /// How its store hides.
    pub method: HideMethod,
    /// Whose workers do it.
    #[serde(default, skip_serializing_if = "WorkerPool::is_standard")]
    pub pool: WorkerPool,
    /// The map marks it as a backup.
    pub backup: bool,
    /// Batches that are through hiding.
    #[serde(default)]
    pub hide_batches: u32,
    /// Batches in which everything stays: nobody works on them.
    #[serde(default)]
    pub staying: u32,
    /// Records that are through hiding.
    #[serde(default)]
    pub hide_records: u64,
    /// Batches through the latest restore.
    #[serde(default)]
    pub restore_batches: u32,
    /// Records through it.
    #[serde(default)]
    pub restore_records: u64,
    /// Batches destroyed.
    #[serde(default)]
    pub purge_batches: u32,
    /// Records destroyed.
    #[serde(default)]
    pub purge_records: u64,
    /// Batches that failed for good.
    #[serde(default)]
    pub failed_batches: u32,
    /// How the records went: `erased` and so on, one attribute each.
    #[serde(flatten)]
    pub counts: Counts,
    /// The step's vault key is destroyed.
    #[serde(default)]
    pub key_destroyed: bool,
    /// Why the last batch failed, if one did.
    #[serde(default)]
    pub error: Option<String>,
}

/// How far discovery is with one producer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DiscoveryItem {
    /// The producer. Its number is its place in one data map only, so whoever looks for it goes by this.
    pub producer: ProducerName,
    /// Counts claims.
    pub fence: u64,
    /// Claims since the last checkpoint, those of workers that died included.
    pub attempts: u32,
    /// Until when the claim holds, in milliseconds.
    pub lease_until: i64,
    /// Through with it.
    pub done: bool,
    /// Where to go on, sealed.
    pub sealed_position: Option<String>,
    /// Manifest parts written.
    pub parts: u32,
    /// Of those, the parts in which everything stays.
    #[serde(default)]
    pub staying: u32,
    /// Records that go.
    pub records: u64,
    /// Their size.
    pub bytes: u64,
    /// The parts' SHA-256, chained.
    pub parts_digest: String,
    /// What stays.
    pub kept: Vec<Kept>,
    /// How its store hides.
    pub method: HideMethod,
    /// What a reviewer should know.
    pub cautions: Vec<String>,
    /// A fingerprint of the set of records that go, whatever their order, keyed by the request's opening.
    pub content: String,
    /// When this producer's walk began.
    pub began_at: Timestamp,
    /// It could not be searched, and why.
    pub unsearched: Option<UnsearchedBecause>,
    /// Records that go and that an identifier led to which was not given, by its label.
    #[serde(default)]
    pub found_through: BTreeMap<String, u64>,
    /// Records that go, and that no earlier round left behind.
    #[serde(default)]
    pub found_late: u64,
    /// What its store refused to look up, by what it said.
    pub refused: Vec<Refused>,
    /// Producers by whose selections something of what goes may be found too, with the places of these.
    #[serde(default)]
    pub may_be_found: BTreeMap<ProducerName, BTreeSet<usize>>,
    /// How it stood before the source that is being walked, of which nothing is said if it turns out larger than its bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<DiscoveryItem>>,
}

/// Look-ups that a store refused, though it can be used. Whatever they lead to was not found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// What the store said, never the value.
    pub reason: String,
    /// How many.
    pub lookups: u64,
}

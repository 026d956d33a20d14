//! The customers' stores: tables that hide by the vault, buckets that hide by themselves, and an application that keeps
//! writing to both.

mod bodies;
mod connector;
mod objects;
mod rows;
mod uploads;

pub use bodies::{Filling, ObjectName};
pub use connector::SimStores;
pub use objects::{ObjectVersion, Rules, Versioning};
pub use rows::Row;
pub use uploads::{bucket_of, uploads_of};

use crate::{
    oracle,
    world::{Weather, WorldState},
};
use oubli_engine::ports::StoreError;
use std::collections::{BTreeMap, BTreeSet};

/// What happened to a record, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    AppWrote,
    AppDeleted,
    Removed,
    PutBack,
    SoftDeleted,
    Undeleted,
    Purged,
}

impl Deed {
    /// The engine did it.
    pub const fn is_ours(self) -> bool {
        !matches!(self, Self::AppWrote | Self::AppDeleted)
    }
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub struct Effect {
    pub instant: u64,
    pub at_ms: i64,
    pub place: String,
    pub key: String,
    pub deed: Deed,
    pub version: u64,
}

/// For how long something is refused, in milliseconds of the world; the end of time where it never ends.
pub type Until = i64;

/// The stores.
#[derive(Debug, Default)]
pub struct Shop {
    pub tables: BTreeMap<String, BTreeMap<String, Row>>,
    pub buckets: BTreeMap<String, BTreeMap<String, Vec<ObjectVersion>>>,
    pub rules: BTreeMap<String, Rules>,
    /// Uploads to a bucket that nobody finished, each with its number.
    pub uploads: BTreeMap<String, BTreeSet<(String, u64)>>,
    pub effects: Vec<Effect>,
    /// What applications ever wrote into a table.
    pub written: BTreeMap<String, BTreeSet<BTreeMap<String, String>>>,
    pub next_version: u64,
    /// Records that are refused one by one.
    pub refused: BTreeMap<(String, String), Until>,
    /// Tables and buckets that cannot be used.
    pub unusable: BTreeMap<String, Until>,
    /// What objects hold besides.
    pub fillings: BTreeMap<ObjectName, Filling>,
    /// Objects whose bytes never end in time.
    pub endless: Vec<ObjectName>,
    /// Objects whose bytes come in some twenty pieces, each after so many seconds.
    pub slow: BTreeMap<ObjectName, i64>,
    /// Objects whose bytes break off each time after so many.
    pub breaking: BTreeMap<ObjectName, usize>,
    /// Objects whose bytes all come, and an error behind them.
    pub broken_ends: Vec<ObjectName>,
    /// Objects that are said to be so many bytes longer than they are.
    pub misstated: BTreeMap<ObjectName, i64>,
    /// Objects of which nobody is given the rest.
    pub without_rest: Vec<ObjectName>,
}

/// The size of a record, which is the same in every version of it.
pub fn size(key: &str) -> u64 {
    10 + key.bytes().map(u64::from).sum::<u64>() % 5
}

impl WorldState {
    pub(crate) fn did(&mut self, place: &str, key: &str, deed: Deed, version: u64) {
        let (instant, at_ms) = (self.instant, self.now_ms);
        self.note(|| format!("{deed:?} {place}/{key} v{version}"));
        let effect = Effect { instant, at_ms, place: place.to_owned(), key: key.to_owned(), deed, version };
        self.shop.effects.push(effect.clone());
        oracle::saw_effect(self, &effect);
    }

    /// What a store answers for a record that it refuses.
    fn refusal(&self, place: &str, key: &str) -> Option<StoreError> {
        let until = self.shop.refused.get(&(place.to_owned(), key.to_owned()))?;
        let reason = "InvalidObjectState".to_owned();
        (self.now_ms < *until).then(|| StoreError::Record { store: "shop".to_owned(), reason })
    }

    fn closed(&self, place: &str) -> Option<StoreError> {
        let until = self.shop.unusable.get(place)?;
        (self.now_ms < *until).then(|| unusable("ResourceNotFoundException: create it again"))
    }

    /// Whether the application acts on a record just before the engine does.
    fn interferes(&mut self) -> bool {
        self.cast.busy && self.chance(30)
    }

    /// How long an index may not show what was written, in milliseconds.
    fn lag(&self) -> i64 {
        if self.weather == Weather::Storm && self.cast.lagging { INDEX_LAG_MS } else { 0 }
    }
}

/// Written so lately that an index may not show it yet, in milliseconds.
pub const INDEX_LAG_MS: i64 = 3_000;

pub(super) fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable { store: "shop".to_owned(), reason: why.to_owned() }
}

pub(super) fn unusable(why: &str) -> StoreError {
    StoreError::Unusable { store: "shop".to_owned(), reason: why.to_owned() }
}

#[cfg(test)]
mod tests;

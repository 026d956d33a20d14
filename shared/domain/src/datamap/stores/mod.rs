//! What a data map says of each kind of store, a module each: where records are, the ways to them, and what that means.
//! Nobody else tells kinds apart.

mod dynamodb;
mod keys;
mod s3;

pub use dynamodb::DynamoTable;
pub(in crate::datamap) use keys::{StoreKey, StoreKeys};
pub use s3::{S3Objects, S3Uploads};

use super::selection::{ItemSelection, SelectBy, Selection};
use crate::ids::ProducerName;
use serde::{Deserialize, Serialize};

/// The stores Oubli has connectors for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreKind {
    /// Items in DynamoDB tables.
    Dynamodb,
    /// Objects in an S3 bucket.
    S3,
}

impl StoreKind {
    /// Every kind.
    pub const ALL: [StoreKind; 2] = [StoreKind::Dynamodb, StoreKind::S3];

    /// The kind that exports are delivered to.
    pub const OF_DELIVERIES: StoreKind = StoreKind::S3;

    /// The connector's name, as data maps write it.
    pub const fn name(self) -> &'static str {
        match self {
            StoreKind::Dynamodb => "dynamodb",
            StoreKind::S3 => "s3",
        }
    }

    /// Whether names are one Region's: elsewhere the same name is another store.
    pub const fn is_regional(self) -> bool {
        match self {
            StoreKind::Dynamodb => true,
            StoreKind::S3 => false,
        }
    }

    /// Whether a name can be another account's, so that calls say whose it has to be.
    pub const fn has_owners(self) -> bool {
        match self {
            StoreKind::Dynamodb => false,
            StoreKind::S3 => true,
        }
    }

    /// Whether saved queries can be run in it.
    pub const fn takes_queries(self) -> bool {
        matches!(self, StoreKind::Dynamodb)
    }

    /// Whose workers reach it.
    pub const fn worker_pool(self) -> WorkerPool {
        match self {
            StoreKind::Dynamodb | StoreKind::S3 => WorkerPool::Standard,
        }
    }

    /// The keys by which a producer says where its records are.
    pub(super) const fn location_keys(self) -> &'static [StoreKey] {
        match self {
            StoreKind::Dynamodb => &dynamodb::LOCATION,
            StoreKind::S3 => &s3::LOCATION,
        }
    }

    /// The keys by which a selection says how they are found.
    pub(super) const fn selection_keys(self) -> &'static [StoreKey] {
        match self {
            StoreKind::Dynamodb => &dynamodb::SELECTION,
            StoreKind::S3 => &s3::SELECTION,
        }
    }

    pub(super) fn location(self, keys: StoreKeys) -> Result<Location, String> {
        if let Some(foreign) = self.foreign(&keys, Self::location_keys) {
            let own: Vec<_> = self.location_keys().iter().map(|key| key.name()).collect();
            return Err(format!("{foreign}; {} accepted", several(&own, "is", "are")));
        }
        match self {
            StoreKind::Dynamodb => dynamodb::location(keys).map(Location::Table),
            StoreKind::S3 => s3::location(keys).map(Location::Bucket),
        }
    }

    pub(super) fn selection(self, by: SelectBy, keys: StoreKeys, location: &Location) -> Result<Selection, String> {
        if let Some(foreign) = self.foreign(&keys, Self::selection_keys) {
            let own: Vec<_> = self.selection_keys().iter().map(|key| key.name()).collect();
            return Err(format!("select: {foreign}; {} accepted", several(&own, "is", "are")));
        }
        match location {
            Location::Table(table) => dynamodb::selection(by, keys, table).map(Selection::Items),
            Location::Bucket(_) | Location::Uploads(_) => s3::selection(by, keys).map(Selection::Objects),
        }
    }

    /// Whose keys were given that this kind does not take.
    fn foreign(self, given: &StoreKeys, taken: fn(StoreKind) -> &'static [StoreKey]) -> Option<String> {
        let takes = |kind: StoreKind, name: &str| taken(kind).iter().any(|key| key.name() == name);
        let foreign = given.names().find(|name| !takes(self, name))?;
        let other = StoreKind::ALL.into_iter().find(|kind| takes(*kind, foreign))?;
        let theirs: Vec<_> = taken(other).iter().map(|key| key.name()).filter(|name| !takes(self, name)).collect();
        Some(format!("{} to stores with connector {}", several(&theirs, "belongs", "belong"), other.name()))
    }
}

/// Names in words, with what they do.
fn several(names: &[&str], one: &str, many: &str) -> String {
    match names {
        [] => String::new(),
        [name] => format!("{name} {one}"),
        [names @ .., last] => format!("{} and {last} {many}", names.join(", ")),
    }
}

/// Workers that are alike: of one size, in one network. Each pool reads a queue of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerPool {
    /// Of the size that rows and objects need, in no network of the organization's.
    #[default]
    Standard,
}

impl WorkerPool {
    /// Whether it need not be named.
    pub fn is_standard(&self) -> bool {
        *self == WorkerPool::Standard
    }
}

/// Where a producer's records are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Location {
    /// Items of a table.
    Table(DynamoTable),
    /// Objects of a bucket.
    Bucket(S3Objects),
    /// Uploads to a bucket that nobody finished: what they sent is kept, and is no object.
    Uploads(S3Uploads),
}

impl Location {
    /// Where the uploads to it are that nobody finished, and whose they are then; none where there is no such thing.
    pub(in crate::datamap) fn unfinished(&self, of: &ProducerName) -> Option<Location> {
        match self {
            Location::Bucket(b) => Some(Location::Uploads(S3Uploads { bucket: b.bucket.clone(), of: of.clone() })),
            Location::Table(_) | Location::Uploads(_) => None,
        }
    }

    /// The producer that these unfinished uploads would have become records of.
    pub const fn unfinished_of(&self) -> Option<&ProducerName> {
        match self {
            Location::Uploads(u) => Some(&u.of),
            Location::Table(_) | Location::Bucket(_) => None,
        }
    }

    /// The table or bucket by name.
    pub fn name(&self) -> &str {
        match self {
            Location::Table(t) => &t.table,
            Location::Bucket(b) => &b.bucket,
            Location::Uploads(u) => &u.bucket,
        }
    }

    /// Whether its records have fields that can be named: what can be masked, renamed and asked for.
    pub const fn has_fields(&self) -> bool {
        matches!(self, Location::Table(_))
    }

    /// The fields that its primary key is made of.
    pub fn key_fields(&self) -> &[String] {
        match self {
            Location::Table(t) => &t.key,
            Location::Bucket(_) | Location::Uploads(_) => &[],
        }
    }

    /// The field that changes with every write, where there is one.
    pub fn version_field(&self) -> Option<&str> {
        match self {
            Location::Table(t) => t.version_attribute.as_deref(),
            Location::Bucket(_) | Location::Uploads(_) => None,
        }
    }

    /// Whether its name is the only one in the world, whatever its region.
    pub const fn is_named_worldwide(&self) -> bool {
        matches!(self, Location::Bucket(_) | Location::Uploads(_))
    }

    /// Whether a selection says the whole primary key of a record: it finds one at most.
    pub fn is_whole_key(&self, items: &ItemSelection) -> bool {
        match self {
            Location::Table(t) => t.is_whole_key(items),
            Location::Bucket(_) | Location::Uploads(_) => false,
        }
    }

    /// Whether no two of its records have the same value in a field.
    pub fn is_key(&self, field: &str) -> bool {
        match self {
            Location::Table(t) => t.is_key(field),
            Location::Bucket(_) | Location::Uploads(_) => false,
        }
    }
}

fn non_empty(value: Option<String>, field: &str) -> Result<String, String> {
    value.filter(|v| !v.trim().is_empty()).ok_or_else(|| format!("{field} is missing or empty"))
}

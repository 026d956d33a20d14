//! What was found in stores, as far as it is kept.

use crate::{
    answered::{Answered, At},
    column::{Field, fields},
    groups::{Sort, groups},
    hash::HashKey,
    value::{Record, Table},
};
use std::collections::BTreeMap;

/// A place that was not looked at, or not to the end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotLookedAt {
    /// Its name.
    pub place: String,
    /// Why, and what would help.
    pub reason: String,
}

/// What was found.
pub struct Survey {
    pub(crate) hashes: HashKey,
    pub(crate) tables: Vec<Sampled>,
    pub(crate) places: Vec<Place>,
    pub(crate) buckets: Vec<Bucket>,
    pub(crate) not_looked_at: Vec<NotLookedAt>,
    /// Values that were looked up, by the field they are of and the key they may be.
    pub(crate) answers: BTreeMap<(At, At), Answered>,
}

/// A table that was sampled.
pub(crate) struct Sampled {
    pub table: Table,
    pub records: usize,
    /// Whether these are all.
    pub whole: bool,
}

/// Records of a table that belong together: all of them, or a group.
pub(crate) struct Place {
    /// Which of the tables.
    pub table: usize,
    /// What it is called among the groups of its table.
    pub label: Option<String>,
    pub sort: Sort,
    pub records: usize,
    pub fields: Vec<Field>,
}

/// A bucket that was listed. Its keys cannot be printed, but for what many of them have in common.
pub(crate) struct Bucket {
    pub name: String,
    pub keys: Vec<String>,
    pub whole: bool,
}

impl Survey {
    /// Nothing yet. The key is of this run alone: random, and forgotten with it.
    pub fn new(key: [u8; 32]) -> Self {
        let hashes = HashKey::new(key);
        Self {
            hashes,
            tables: Vec::new(),
            places: Vec::new(),
            buckets: Vec::new(),
            not_looked_at: Vec::new(),
            answers: BTreeMap::new(),
        }
    }

    /// A table, and some of its records; `whole` if these are all.
    pub fn add_table(&mut self, table: Table, records: Vec<Record>, whole: bool) {
        let number = self.tables.len();
        let (groups, beginnings) = groups(&table.keys, &records, &self.hashes);
        for group in groups {
            let fields = fields(&group.records, &self.hashes, &beginnings);
            let (label, sort, records) = (group.label, group.sort, group.records.len());
            self.places.push(Place { table: number, label, sort, records, fields });
        }
        self.tables.push(Sampled { table, records: records.len(), whole });
    }

    /// A bucket, and some of its keys; `whole` if these are all.
    pub fn add_bucket(&mut self, name: &str, keys: Vec<String>, whole: bool) {
        self.buckets.push(Bucket { name: name.to_owned(), keys, whole });
    }

    /// A place that could not be looked at.
    pub fn add_not_looked_at(&mut self, place: &str, reason: &str) {
        self.not_looked_at.push(NotLookedAt { place: place.to_owned(), reason: reason.to_owned() });
    }

    /// Whether there is nothing to draw conclusions from.
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty() && self.buckets.is_empty()
    }

    /// Places that could not be looked at, and why.
    pub fn not_looked_at(&self) -> impl Iterator<Item = (&str, &str)> {
        self.not_looked_at.iter().map(|not| (not.place.as_str(), not.reason.as_str()))
    }

    pub(crate) fn sampled(&self, place: &Place) -> &Sampled {
        &self.tables[place.table]
    }

    /// A place's name: `orders`, or `app[order]`.
    pub(crate) fn name(&self, place: &Place) -> String {
        let table = &self.sampled(place).table.name;
        place.label.as_ref().map_or_else(|| table.clone(), |label| format!("{table}[{label}]"))
    }
}

impl Place {
    pub(crate) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.is_top() && field.path[0] == name)
    }
}

//! What whoever looks into stores hands over.

use std::collections::BTreeMap;

/// A value of a record. It cannot be printed.
#[derive(Clone, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A number as its store writes it.
    Number(String),
    /// True or false.
    Truth(bool),
    /// Bytes, which nobody reads.
    Bytes,
    /// Nothing.
    Null,
    /// A list or a set.
    Members(Vec<Value>),
    /// Values by name.
    Fields(Record),
}

/// A record: its attributes by name.
pub type Record = BTreeMap<String, Value>;

/// Attributes of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys {
    /// The partition key.
    pub partition: String,
    /// The sort key, if there is one.
    pub sort: Option<String>,
}

impl Keys {
    pub(crate) fn names(&self) -> Vec<&str> {
        std::iter::once(self.partition.as_str()).chain(self.sort.as_deref()).collect()
    }
}

/// An index beside a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its name.
    pub name: String,
    /// What it is queried by.
    pub keys: Keys,
}

/// What a store says of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its primary key.
    pub keys: Keys,
    /// Indexes of a partition key of their own.
    pub indexes: Vec<Index>,
    /// How many records it has, as far as its store knows.
    pub records: Option<u64>,
}

/// About how many bytes a record takes.
pub fn size(record: &Record) -> usize {
    record.iter().map(|(name, value)| name.len() + size_of(value)).sum()
}

fn size_of(value: &Value) -> usize {
    match value {
        Value::Text(text) | Value::Number(text) => text.len(),
        Value::Members(members) => members.iter().map(size_of).sum(),
        Value::Fields(record) => size(record),
        Value::Truth(_) | Value::Bytes | Value::Null => 1,
    }
}

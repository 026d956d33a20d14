//! A transactional table of items: the part of DynamoDB the engine uses, in types small enough that an in-memory
//! twin can be checked against it operation by operation.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

/// An item's attributes, `pk` and `sk` included. Numbers are integers; there are no binary attributes.
pub type Item = Map<String, Value>;

/// The tables of a deployment. They are apart because their permissions and their backups differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TableName {
    /// Requests, steps, batches, guards, holds, outbox.
    Control,
    /// Wrapped data keys; never backed up, so that destroying one is final.
    Keys,
    /// Organizations, API keys, actors, data maps.
    Directory,
    /// Decisions of reviewers; only `review` may write here.
    Decisions,
    /// Sealed audit entries; only `ledger` may write here.
    Ledger,
}

impl TableName {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Control, Self::Keys, Self::Directory, Self::Decisions, Self::Ledger];
}

/// A secondary index. What it returns is a hint: it may lag, so decide on a consistent read of the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Index {
    /// `gsi_pk`, `gsi_sk` of the control table: an organization's requests by when they were received.
    ByOrganization,
    /// `due_pk`, `due_sk` of the control table: what wants attention, by time.
    ByDue,
}

impl Index {
    /// The attributes that key the index.
    pub const fn attributes(self) -> (&'static str, &'static str) {
        match self {
            Index::ByOrganization => ("gsi_pk", "gsi_sk"),
            Index::ByDue => ("due_pk", "due_sk"),
        }
    }

    /// What the index holds of an item besides its keys; all of it where nothing is named. Every change of what is held
    /// is a write to the index, and what it holds cannot be changed once it is there.
    pub const fn projected(self) -> Option<&'static [&'static str]> {
        match self {
            Index::ByOrganization => None,
            Index::ByDue => Some(&["organization", "id", "state"]),
        }
    }
}

/// An item's address.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Its table.
    pub table: TableName,
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

/// What must hold of an item for a write to happen. An attribute of an item that does not exist is missing.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// There is no such item.
    ItemAbsent,
    /// There is such an item.
    ItemPresent,
    /// The attribute is there and equal.
    Equals(&'static str, Value),
    /// The attribute is not there.
    Missing(&'static str),
}

/// One change to an item.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Sets an attribute.
    Set(&'static str, Value),
    /// Adds to a number; a missing one counts as zero.
    Add(&'static str, i64),
    /// Removes an attribute.
    Remove(&'static str),
}

/// One action of a transaction. No two of a transaction may name the same item.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// Replaces the whole item; `pk` and `sk` are added to `item`.
    Put {
        /// Its address.
        key: Key,
        /// Its other attributes.
        item: Item,
        /// All must hold.
        when: Vec<Condition>,
    },
    /// Changes some attributes; makes the item if there is none.
    Update {
        /// Its address.
        key: Key,
        /// At most one per attribute.
        changes: Vec<Change>,
        /// All must hold.
        when: Vec<Condition>,
    },
    /// Removes the item, if there is one.
    Delete {
        /// Its address.
        key: Key,
        /// All must hold.
        when: Vec<Condition>,
    },
    /// Changes nothing; fails the transaction unless all hold.
    Check {
        /// Its address.
        key: Key,
        /// All must hold.
        when: Vec<Condition>,
    },
}

impl Write {
    /// The item concerned.
    pub fn key(&self) -> &Key {
        match self {
            Write::Put { key, .. } | Write::Update { key, .. } | Write::Delete { key, .. } | Write::Check { key, .. } => key,
        }
    }
}

/// Which items of a partition a query returns, by sort key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Range {
    /// All.
    All,
    /// Those that start with this text.
    Prefix(String),
    /// Those from the first to the second, both included.
    Between(String, String),
}

/// Where a page ended: the keys of its last item. Opaque to callers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(pub Map<String, Value>);

/// A query. On the table itself it reads consistently, on an index never.
#[derive(Debug, Clone)]
pub struct Query {
    /// The table.
    pub table: TableName,
    /// An index instead of the table's own keys.
    pub index: Option<Index>,
    /// The partition.
    pub partition: String,
    /// Which of its items.
    pub range: Range,
    /// From the last to the first.
    pub descending: bool,
    /// At most so many items; a page may hold fewer and still have a next one.
    pub limit: usize,
    /// Goes on after this place.
    pub after: Option<Cursor>,
}

impl Query {
    /// A table's items of a partition, from the first on.
    pub fn new(table: TableName, partition: impl Into<String>, range: Range) -> Self {
        Self { table, index: None, partition: partition.into(), range, descending: false, limit: 1000, after: None }
    }
}

/// A page of items.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The items, in the order of their sort keys.
    pub items: Vec<Item>,
    /// Where to go on; `None` at the end.
    pub next: Option<Cursor>,
}

/// Why a call failed.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum TableError {
    /// Conditions did not hold; nothing was written. Holds the places, in the transaction, of the writes refused.
    #[error("conditions refused at {0:?}")]
    Refused(Vec<usize>),
    /// Throttled, in conflict or unreachable. A write may or may not have happened.
    #[error("table unavailable: {0}")]
    Unavailable(String),
    /// The call itself is wrong; repeating it cannot help.
    #[error("table call invalid: {0}")]
    Invalid(String),
}

/// The control plane's store.
#[async_trait]
pub trait Table: Send + Sync {
    /// Reads items consistently, at most 100, over any of the tables; answers in the order asked.
    ///
    /// # Errors
    /// [`TableError::Unavailable`] when some could not be read after retries.
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError>;

    /// Reads a page.
    ///
    /// # Errors
    /// [`TableError::Unavailable`].
    async fn query(&self, query: Query) -> Result<Page, TableError>;

    /// Does all of at most 100 writes, or none of them.
    ///
    /// # Errors
    /// [`TableError::Refused`] if any condition fails: then nothing was written.
    async fn transact(&self, writes: Vec<Write>) -> Result<(), TableError>;

    /// Puts items without conditions and not as one: for items nobody reads until a later transaction names them.
    ///
    /// # Errors
    /// [`TableError::Unavailable`]; some may have been written.
    async fn put_all(&self, items: Vec<(Key, Item)>) -> Result<(), TableError>;

    /// Deletes items without conditions and not as one.
    ///
    /// # Errors
    /// [`TableError::Unavailable`]; some may have been deleted.
    async fn delete_all(&self, keys: Vec<Key>) -> Result<(), TableError>;
}

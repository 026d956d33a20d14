//! Writes that happen together.

use crate::{
    EngineError, Result,
    items::to_item,
    ports::{Change, Condition, Key, Table, TableError, Write},
};
use serde::Serialize;
use serde_json::Value;

/// A transaction in the making.
#[derive(Debug, Clone, Default)]
pub struct Transaction {
    writes: Vec<Write>,
}

/// How a transaction ended, apart from trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Committed {
    /// All of it happened.
    Yes,
    /// Some condition did not hold: nothing happened.
    Refused,
}

impl Transaction {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a record.
    pub fn put<T: Serialize>(mut self, key: Key, record: &T, when: Vec<Condition>) -> Result<Self> {
        self.writes.push(Write::Put { key, item: to_item(record)?, when });
        Ok(self)
    }

    /// Changes attributes.
    #[must_use]
    pub fn update(mut self, key: Key, changes: Vec<Change>, when: Vec<Condition>) -> Self {
        self.writes.push(Write::Update { key, changes, when });
        self
    }

    /// Deletes an item.
    #[must_use]
    pub fn delete(mut self, key: Key, when: Vec<Condition>) -> Self {
        self.writes.push(Write::Delete { key, when });
        self
    }

    /// Checks an item.
    #[must_use]
    pub fn check(mut self, key: Key, when: Vec<Condition>) -> Self {
        self.writes.push(Write::Check { key, when });
        self
    }

    /// Whether it would do nothing.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }

    /// Whether it is about an item already: none may be named twice.
    pub fn touches(&self, key: &Key) -> bool {
        self.writes.iter().any(|w| w.key() == key)
    }

    /// This one and another, together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.writes.extend(other.writes);
        self
    }

    /// Does it.
    ///
    /// # Errors
    /// [`EngineError::Transient`] when it is not known whether it happened.
    pub async fn commit(self, table: &dyn Table) -> Result<Committed> {
        match table.transact(self.writes).await {
            Ok(()) => Ok(Committed::Yes),
            Err(TableError::Refused(_)) => Ok(Committed::Refused),
            Err(error) => Err(error.into()),
        }
    }

    /// Does it, and fails as [`EngineError::Conflict`] if a condition did not hold.
    ///
    /// # Errors
    /// [`EngineError::Conflict`], [`EngineError::Transient`].
    pub async fn commit_or_conflict(self, table: &dyn Table, what: &'static str) -> Result<()> {
        match self.commit(table).await? {
            Committed::Yes => Ok(()),
            Committed::Refused => Err(EngineError::Conflict(what)),
        }
    }
}

/// Sets an attribute.
pub fn set(name: &'static str, value: impl Into<Value>) -> Change {
    Change::Set(name, value.into())
}

/// Adds to a number.
pub fn add(name: &'static str, by: u64) -> Change {
    Change::Add(name, i64::try_from(by).unwrap_or(i64::MAX))
}

/// The attribute is as it was read: this, or not there.
pub fn unchanged(name: &'static str, value: Option<impl Into<Value>>) -> Condition {
    value.map_or(Condition::Missing(name), |value| equals(name, value))
}

/// The attribute equals this.
pub fn equals(name: &'static str, value: impl Into<Value>) -> Condition {
    Condition::Equals(name, value.into())
}

//! Looking for what a data map forgot.

use async_trait::async_trait;
use std::collections::BTreeSet;

/// A place of a store, and what it calls the fields of some of its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// What its store calls it, with its name: `table orders`.
    pub place: String,
    /// Names of fields, never values.
    pub fields: BTreeSet<String>,
}

/// A look that could not be finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotSurveyed {
    /// What its store calls its places: `tables`.
    pub places: &'static str,
    /// An error code, never a record.
    pub reason: String,
    /// What whoever looks must be allowed.
    pub needs: &'static str,
}

/// What a store offers that can say what it holds.
#[async_trait]
pub trait Survey: Send + Sync {
    /// The store's places but for those of these names, with fields of some of their records.
    ///
    /// # Errors
    /// [`NotSurveyed`]; nothing is said then.
    async fn places(&self, but: &BTreeSet<&str>) -> Result<Vec<Surveyed>, NotSurveyed>;
}

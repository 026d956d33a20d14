//! How stores are looked into.

use crate::value::{Record, Table, Value};
use async_trait::async_trait;
use thiserror::Error;

/// A place that could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{reason}: {remedy}")]
pub struct NotSampled {
    /// An error code, never a record.
    pub reason: String,
    /// What to do about it.
    pub remedy: String,
}

/// What a place holds.
pub enum Contents {
    /// Rows of a table.
    Table(Table),
    /// Objects of a bucket.
    Bucket,
}

/// Something of a place.
pub enum Seen {
    /// A row.
    Record(Record),
    /// An object's key.
    Key(String),
}

/// Who sees what is read.
pub type See<'a> = dyn FnMut(Seen) + Send + 'a;

/// What a look cost, and how far it went.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Read {
    /// Whether all that is there was seen.
    pub whole: bool,
    /// Read capacity units; none for stores that have no such thing.
    pub capacity: f64,
    /// Calls made.
    pub calls: u32,
}

/// A kind of store that can be looked into.
#[async_trait]
pub trait Sampling: Send + Sync {
    /// What it calls its places: `tables`.
    fn places_are(&self) -> &'static str;

    /// Every place there is.
    ///
    /// # Errors
    /// [`NotSampled`].
    async fn places(&self) -> Result<Vec<String>, NotSampled>;

    /// What a place is.
    ///
    /// # Errors
    /// [`NotSampled`]: it is not there, or may not be looked at.
    async fn contents(&self, place: &str) -> Result<Contents, NotSampled>;

    /// Whether a table has a record of this partition key; false where there are no tables.
    ///
    /// # Errors
    /// [`NotSampled`].
    async fn has(&self, table: &str, attribute: &str, value: &Value) -> Result<bool, NotSampled>;

    /// Shows some of what a place holds, at most `limit` times.
    ///
    /// # Errors
    /// [`NotSampled`]; what was seen until then is good.
    async fn sample(&self, place: &str, limit: usize, see: &mut See<'_>) -> Result<Read, NotSampled>;
}

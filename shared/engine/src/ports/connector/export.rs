//! What a store's records are in an export, and saved queries.

use super::{RecordRef, Snapshot, StoreError, Version};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
pub use oubli_archive::contents::ObjectFacts;
pub use oubli_archive::rows::Row;
use oubli_domain::{datamap::Producer, saved_query::SavedQuery};

/// What a store's records are in an export, with who knows how to show them.
#[derive(Clone, Copy)]
pub enum ExportForm<'a> {
    /// Rows of a table.
    Rows(&'a dyn Rows),
    /// Files.
    Files(&'a dyn Files),
}

/// Shows records as rows.
pub trait Rows: Send + Sync {
    /// A row, from the bytes that [`Connector::read`](super::Connector::read) gave of it; `None` where they are none.
    fn row(&self, body: &[u8]) -> Option<Row>;
}

/// Shows records as files.
pub trait Files: Send + Sync {
    /// What its store knows of a file, as [`Connector::show`](super::Connector::show) found it; `None` for what has no bytes of
    /// its own.
    fn facts(&self, record: &RecordRef, shown: &Snapshot) -> Option<ObjectFacts>;

    /// The bytes of a file from this one on, counted from 0; there is at least one. They are of the version that was shown, and
    /// of no other: where another one stands, the store is said to be unavailable. Nothing is asked of it before they are.
    ///
    /// # Errors
    /// As for [`Connector::show`](super::Connector::show).
    fn rest(
        &self,
        producer: &Producer,
        record: &RecordRef,
        version: &Version,
        from: u64,
    ) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, StoreError>;
}

/// A page of what a saved query finds.
#[derive(Default)]
pub struct QueryPage {
    /// Its rows, with the attributes that they have.
    pub rows: Vec<Row>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
}

/// What a store offers that takes saved queries.
#[async_trait]
pub trait Queries: Send + Sync {
    /// A page of what a saved query finds with these values for its parameters.
    ///
    /// # Errors
    /// Any [`StoreError`].
    async fn query(&self, query: &SavedQuery, values: &[String], after: Option<String>) -> Result<QueryPage, StoreError>;
}

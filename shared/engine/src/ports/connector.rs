//! A customer's store.
//!
//! A store hides records in one of two ways. With [`HideMethod::Vault`] the engine reads them, keeps encrypted copies
//! and has them removed on condition that they did not change ([`Connector::read`], [`Connector::remove`],
//! [`Connector::put_back`]). With [`HideMethod::Native`] the store has a cheap reversible delete of its own
//! ([`Connector::soft_delete`], [`Connector::undelete`], [`Connector::purge`]).
//!
//! Every method pages, retries throttling by itself and answers for each record in the order given. Errors name
//! stores, tables and codes, never records.

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use jiff::{Timestamp, civil::Date};
pub use oubli_archive::rows::Row;
use oubli_domain::{
    datamap::{Producer, Selection, Store},
    ids::StoreName,
    saved_query::SavedQuery,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, sync::Arc, time::Duration};
use thiserror::Error;

/// A record's address in its store, as its connector writes it. Personal: keys often carry a person's id.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRef {
    /// The primary key, or object key and version.
    pub key: Value,
    /// What made it the subject's when it was found; checked again before it is touched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matched: Option<Matched>,
}

impl fmt::Debug for RecordRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[record]")
    }
}

/// An attribute and the value that a record was selected by.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matched {
    /// The attribute.
    pub attribute: String,
    /// Its value.
    pub value: String,
}

impl fmt::Debug for Matched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[personal]")
    }
}

/// One selection with its value filled in.
#[derive(Clone, Copy)]
pub struct Selector<'a> {
    /// The way to the records.
    pub selection: &'a Selection,
    /// What it starts from.
    pub value: &'a str,
    /// Fields of each record to bring along, for retention rules and for producers found through this one.
    pub fields: &'a [String],
    /// Records that match any of these are left out: an earlier selection of the producer finds them.
    pub found_otherwise: &'a [Matched],
}

/// A record found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its address.
    pub record: RecordRef,
    /// Its size in bytes, as the store counts it.
    pub bytes: u64,
    /// The fields asked for, as text; those missing or not texts or numbers are left out.
    pub fields: BTreeMap<String, String>,
    /// The store itself forbids its deletion until this day (Object Lock). [`Date::MAX`] where it names none.
    pub locked_until: Option<Date>,
}

/// A page of records found.
#[derive(Debug, Clone, Default)]
pub struct Discovered {
    /// The records.
    pub records: Vec<Found>,
    /// Where to go on; `None` at the end. Connector's own form, may hold personal data.
    pub next: Option<Value>,
}

/// A page of what a saved query finds.
#[derive(Default)]
pub struct QueryPage {
    /// Its rows, with the attributes that they have.
    pub rows: Vec<Row>,
    /// Where to go on; `None` at the end.
    pub next: Option<String>,
}

/// How a store hides records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HideMethod {
    /// Encrypted copies in Oubli's vault, then conditional deletion.
    Vault,
    /// The store's own reversible delete.
    Native,
}

/// What a store's records are in an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportForm {
    /// Rows of a table.
    Rows,
    /// Files.
    Files,
}

/// What a store can promise for a producer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// How it hides.
    pub hide: HideMethod,
    /// What a reviewer should know, in words.
    pub cautions: Vec<String>,
}

/// What makes a record exactly the version that was read.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Version(pub Value);

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[version]")
    }
}

/// A record as it stands, with all that is needed to put it back.
pub struct Snapshot {
    /// Its version.
    pub version: Version,
    /// It still matches what it was selected by.
    pub still_selected: bool,
    /// The fields asked for, as in [`Found::fields`].
    pub fields: BTreeMap<String, String>,
    /// What belongs to it besides its bytes (content type, metadata).
    pub envelope: Value,
    /// Exact length of its bytes.
    pub length: u64,
    /// Its bytes.
    pub body: BoxStream<'static, Result<Bytes, StoreError>>,
}

/// A record to remove if it is still this version.
#[derive(Debug, Clone)]
pub struct Expected {
    /// Its address.
    pub record: RecordRef,
    /// The version.
    pub version: Version,
}

/// What became of a removal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    /// Removed by this call, on a reply that this very try did it.
    Removed,
    /// There, but another version: not touched.
    Changed,
    /// Not there. After a lost reply this may have been our own doing.
    Absent,
}

/// A record to put back.
pub struct Returned {
    /// Its address.
    pub record: RecordRef,
    /// What [`Snapshot::envelope`] said.
    pub envelope: Value,
    /// Exact length of its bytes.
    pub length: u64,
    /// Its bytes.
    pub body: BoxStream<'static, Result<Bytes, StoreError>>,
}

/// What became of a return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutBack {
    /// It stands again; also when it already stood and is equal.
    Restored,
    /// Something newer stands there: left alone.
    Conflict,
    /// Neither it nor what hid it is there any more: somebody else removed it.
    Gone,
}

/// What a store's own reversible delete left (a delete marker's version).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tombstone(pub Value);

impl fmt::Debug for Tombstone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[tombstone]")
    }
}

/// What became of a native hide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SoftDeletion {
    /// Hidden by this call, with the tombstone it left; none where the record was not visible anyway.
    Hidden(Option<Tombstone>),
    /// The tombstone known to be ours still lies on it, or where it was; or this tombstone lies directly on it, which an earlier
    /// try of ours or somebody else may have left. Something newer may lie on either.
    AlreadyHidden(Tombstone),
    /// The record itself is gone.
    Absent,
}

/// What became of a native destruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Destruction {
    /// Gone for good; also when it was gone already.
    Destroyed,
    /// The store's own lock keeps it until this day ([`Date::MAX`] where it names none). It stays hidden.
    Locked(Date),
    /// It stands for everybody to see: somebody took away what hid it. It is left alone.
    Stands,
}

/// Why a store could not do it.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// Throttled, timed out or unreachable: try again later. The effect may have happened.
    #[error("{store} is unreachable: {reason}")]
    Unavailable {
        /// Store and table or bucket.
        store: String,
        /// An error code, never a record.
        reason: String,
    },
    /// Access refused, table or bucket or index missing: somebody must mend it first.
    #[error("{store} cannot be used: {reason}")]
    Unusable {
        /// Store and table or bucket.
        store: String,
        /// An error code and the remedy.
        reason: String,
    },
    /// This record cannot be handled, though the store can.
    #[error("{store} refused a record: {reason}")]
    Record {
        /// Store and table or bucket.
        store: String,
        /// What is wrong and the remedy, never the record's content.
        reason: String,
    },
}

/// A customer's store, for the producers that live in it.
#[async_trait]
pub trait Connector: Send + Sync {
    /// What the store promises for this producer, to an organization whose recovery window is this long. Asks the store;
    /// also shows that it exists.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when table, index or bucket are missing or closed.
    async fn capabilities(&self, producer: &Producer, window: Duration) -> Result<Capabilities, StoreError>;

    /// A page of the subject's records, about `limit` of them.
    ///
    /// # Errors
    /// Any [`StoreError`]; nothing was found then.
    async fn discover(
        &self,
        producer: &Producer,
        selector: Selector<'_>,
        after: Option<&Value>,
        limit: usize,
    ) -> Result<Discovered, StoreError>;

    /// Reads records consistently by their keys: those that are there and still match, as if just found.
    async fn reread(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Vec<Result<Option<Found>, StoreError>>;

    /// Reads records to keep them, consistently; `None` for those not there.
    async fn read(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Vec<Result<Option<Snapshot>, StoreError>>;

    /// Reads records to show them: as [`Connector::read`], without what is needed only to put them back.
    async fn show(&self, producer: &Producer, records: &[RecordRef]) -> Vec<Result<Option<Snapshot>, StoreError>> {
        self.read(producer, records, &[]).await
    }

    /// What its records are in an export.
    fn export_form(&self) -> ExportForm;

    /// A row, from the bytes that [`Connector::read`] gave of it; `None` where they are none.
    fn row(&self, body: &[u8]) -> Option<Row>;

    /// What a file is called in its store; `None` for what has no bytes of its own.
    fn file_name(&self, record: &RecordRef) -> Option<String>;

    /// A page of what a saved query finds with these values for its parameters.
    ///
    /// # Errors
    /// Any [`StoreError`]; [`StoreError::Unusable`] from a store that takes no queries.
    async fn query(&self, query: &SavedQuery, values: &[String], after: Option<String>) -> Result<QueryPage, StoreError> {
        let _ = (values, after);
        Err(StoreError::Unusable { store: query.store.to_string(), reason: "it takes no queries".to_owned() })
    }

    /// Removes records that are still the version given.
    async fn remove(&self, producer: &Producer, expected: &[Expected]) -> Vec<Result<Removal, StoreError>>;

    /// Puts records back where nothing stands.
    async fn put_back(&self, producer: &Producer, returned: Vec<Returned>) -> Vec<Result<PutBack, StoreError>>;

    /// Hides records by the store's own means, so that they can be undeleted for at least this recovery window. Asks the
    /// store again whether it can promise that, and hides nothing if not.
    ///
    /// With each record comes the tombstone that an earlier try is known to have put on it. Other tries, since the time
    /// given, may have put tombstones that nobody noted; none were made where no time is given.
    async fn soft_delete(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
        tried_since: Option<Timestamp>,
        window: Duration,
    ) -> Vec<Result<SoftDeletion, StoreError>>;

    /// Which tombstone [`Connector::soft_delete`] would call [`SoftDeletion::AlreadyHidden`]. Changes nothing.
    async fn soft_deleted(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
        tried_since: Timestamp,
    ) -> Vec<Result<Option<Tombstone>, StoreError>>;

    /// Undoes [`Connector::soft_delete`].
    async fn undelete(&self, producer: &Producer, records: &[(RecordRef, Option<Tombstone>)])
    -> Vec<Result<PutBack, StoreError>>;

    /// Deletes for good what was soft-deleted: exactly these records, and their tombstones.
    async fn purge(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
    ) -> Vec<Result<Destruction, StoreError>>;
}

/// The connectors of a deployment.
pub trait Stores: Send + Sync {
    /// The connector for a store.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] where this deployment, or this function, has none.
    fn connector(&self, name: &StoreName, store: &Store) -> Result<Arc<dyn Connector>, StoreError>;
}

/// For functions that reach no store, so that they need no connector.
#[derive(Debug, Clone, Copy)]
pub struct NoStores;

impl Stores for NoStores {
    fn connector(&self, name: &StoreName, _: &Store) -> Result<Arc<dyn Connector>, StoreError> {
        Err(StoreError::Unusable { store: name.to_string(), reason: "this function reaches no store".to_owned() })
    }
}

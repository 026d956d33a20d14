//! A store's own cheap, reversible delete.

use super::{PutBack, RecordRef, StoreError};
use async_trait::async_trait;
use jiff::{Timestamp, civil::Date};
use oubli_domain::datamap::Producer;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{fmt, time::Duration};

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
    /// Gone for good; also when it was gone already, if nothing else can have become of it.
    Destroyed,
    /// It is not there, this call did nothing to it, and nothing tells whether it was destroyed or became something else.
    Absent,
    /// It is not there, and a reply was lost that would have told whether this call destroyed it.
    Uncertain,
    /// The store's own lock keeps it until this day ([`Date::MAX`] where it names none). It stays hidden.
    Locked(Date),
    /// It stands for everybody to see: somebody took away what hid it. It is left alone.
    Stands,
}

/// What a store offers that can hide records by itself. Whether it may be used for a producer is what
/// [`Capabilities::hide`](super::Capabilities::hide) says.
#[async_trait]
pub trait SoftDelete: Send + Sync {
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

    /// Which tombstone [`SoftDelete::soft_delete`] would call [`SoftDeletion::AlreadyHidden`]. Changes nothing.
    async fn soft_deleted(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
        tried_since: Timestamp,
    ) -> Vec<Result<Option<Tombstone>, StoreError>>;

    /// Undoes [`SoftDelete::soft_delete`].
    async fn undelete(&self, producer: &Producer, records: &[(RecordRef, Option<Tombstone>)])
    -> Vec<Result<PutBack, StoreError>>;

    /// Deletes for good what was soft-deleted: exactly these records, and their tombstones.
    async fn purge(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
    ) -> Vec<Result<Destruction, StoreError>>;
}

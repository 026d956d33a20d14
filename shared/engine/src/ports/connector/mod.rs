//! A customer's store.
//!
//! Every store can find, read, change and take back records. What else one offers it answers with a trait of its own:
//! [`SoftDelete`], [`Queries`], [`Survey`], and [`ExportForm`] for what its records are in an export.
//!
//! A store hides records in one of two ways. With [`HideMethod::Vault`] the engine reads them, keeps encrypted copies
//! and has them removed on condition that they did not change ([`Connector::read`], [`Connector::apply`],
//! [`Connector::put_back`]). With [`HideMethod::Native`] the store has a cheap reversible delete of its own
//! ([`SoftDelete`]).
//!
//! Every method pages, retries throttling by itself and answers for each record in the order given. Errors name
//! stores, tables and codes, never records.

mod export;
mod failure;
mod fields;
mod records;
mod soft_delete;
mod survey;

pub use export::{ExportForm, Files, ObjectFacts, Queries, QueryPage, Row, Rows};
pub use failure::StoreError;
pub use fields::Fields;
pub use oubli_domain::capabilities::{
    Asked, Capabilities, Caution, ConditionalDelete, HideMethod, Listing, OldVersions, RecordKind,
};
pub use records::{
    Applied, Discovered, Effect, Expected, Found, Matched, PutBack, RecordRef, Returned, Selector, Snapshot, Version, Way,
};
pub use soft_delete::{Destruction, SoftDelete, SoftDeletion, Tombstone};
pub use survey::{Beginning, Named, Need, NoText, NotSurveyed, Sampled, Survey, Surveyed, Work};

use async_trait::async_trait;
use oubli_domain::{
    datamap::{Producer, Store},
    ids::StoreName,
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};

/// A customer's store, for the producers that live in it.
#[async_trait]
pub trait Connector: Send + Sync {
    /// What the store promises for this producer, to an organization whose recovery window is this long. Asks the store;
    /// also shows that it exists.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when table, index or bucket are missing or closed.
    async fn capabilities(&self, producer: &Producer, window: Duration) -> Result<Capabilities, StoreError>;

    /// A page of the subject's records, at most `limit` of them; fewer, or none, say nothing of whether there are more.
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
    fn form(&self) -> ExportForm<'_>;

    /// Does this to records that are still the version given, and to no others.
    async fn apply(&self, producer: &Producer, changes: &[(Expected, Effect)]) -> Vec<Result<Applied, StoreError>>;

    /// Puts records back where nothing stands.
    async fn put_back(&self, producer: &Producer, returned: Vec<Returned>) -> Vec<Result<PutBack, StoreError>>;

    /// Its own reversible delete, where it has one.
    fn soft_delete(&self) -> Option<&dyn SoftDelete> {
        None
    }

    /// Saved queries, where it takes them.
    fn queries(&self) -> Option<&dyn Queries> {
        None
    }

    /// What it holds, where it can say that.
    fn survey(&self) -> Option<&dyn Survey> {
        None
    }
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

//! What the engine needs from outside, as traits. `oubli-aws` and `oubli-connectors` stand them on AWS,
//! `oubli-simulation` in memory with faults; both pass the contract that is in `oubli-simulation`.

mod channel;
mod connector;
mod export_bucket;
mod issuers;
mod ledger;
mod objects;
mod pdf;
mod queue;
mod scratch;
mod system;
mod table;
mod witness;

pub use channel::{Announcement, Channel, ChannelError, NoChannel};
pub use connector::{
    Applied, Asked, Beginning, Capabilities, Caution, ConditionalDelete, Connector, Destruction, Discovered, Effect, Expected,
    ExportForm, Fields, Files, Found, HideMethod, Listing, Matched, Named, Need, NoStores, NoText, NotSurveyed, ObjectFacts,
    OldVersions, PutBack, Queries, QueryPage, RecordKind, RecordRef, Returned, Row, Rows, Sampled, Selector, Snapshot,
    SoftDelete, SoftDeletion, StoreError, Stores, Survey, Surveyed, Tombstone, Version, Way, Work,
};
pub use export_bucket::{CompletedUpload, DeliveryTarget, ExportBucket, WithdrawOutcome};
pub use issuers::{IssuerDocuments, IssuerUnreachable, NoIssuers};
pub use ledger::{LedgerStore, Signer, Stored};
pub use objects::{ByteStream, ObjectError, ObjectWriter, Objects};
pub use pdf::{Document, NoPdfRenderer, PdfRenderer, PrintError, Template};
pub use queue::{Envelope, Message, Queue, QueueError, QueueName};
pub use scratch::{Body, Scratch, ScratchError, ScratchFile};
pub use system::{Clock, DataKey, Entropy, KeyService, KeyServiceError, WrappedKey, WrappingKey};
pub use table::{Change, Condition, Cursor, Index, Item, Key, Page, Query, Range, Table, TableError, TableName, Write};
pub use witness::{NoWitness, Witness, WitnessAddress};

use std::sync::Arc;

/// Everything an engine stands on.
#[derive(Clone)]
pub struct Ports {
    /// The control plane's items.
    pub table: Arc<dyn Table>,
    /// The work bucket: manifests and vault.
    pub objects: Arc<dyn Objects>,
    /// The bucket of exports.
    pub exports: Arc<dyn ExportBucket>,
    /// The worker's own disk.
    pub scratch: Arc<dyn Scratch>,
    /// The organizations' logs.
    pub ledger: Arc<dyn LedgerStore>,
    /// Signs their checkpoints.
    pub signer: Arc<dyn Signer>,
    /// Wraps data keys and computes keyed hashes.
    pub keys: Arc<dyn KeyService>,
    /// Carries work between functions.
    pub queue: Arc<dyn Queue>,
    /// The customer's stores.
    pub stores: Arc<dyn Stores>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

//! The audit log: from the outbox into the organization's Merkle log, and what is asked of it.
//!
//! Sealing goes in the order of [Sunlight](https://github.com/FiloSottile/sunlight): finish what an earlier sealing
//! published only in part; rebuild the root from the stored edge; stage the entries; sign; commit the head by one
//! conditional write; only then publish, and only then clear the outbox. Then witnesses are asked to cosign, which nothing
//! waits for.

mod api;
mod export;
mod heartbeat;
mod index;
mod outbox;
mod prove;
mod prune;
mod publish;
mod query;
mod read;
mod seal;
mod subjects;
mod witness;

pub use api::{AuditPage, AuditQuery, AuditView};

pub use export::{LogExport, LogSelection};
pub use prove::{CheckpointView, Consistency};
pub use witness::WitnessView;

use crate::core::Core;

/// Sealing, querying, proving and exporting the audit log.
#[derive(Clone)]
pub struct Ledger {
    pub(crate) core: Core,
}

//! Where a log ends.

use crate::{EngineError, Result, core::Core, items::ledger_head_key, ports::Condition, transaction::equals};
use bytes::Bytes;
use jiff::Timestamp;
use oubli_domain::{
    audit::GENESIS,
    ids::OrganizationId,
    ledger::{LedgerKey, Root, origin},
};
use serde::{Deserialize, Serialize};

/// The head of a log. Written on condition of what was read: that is the commit of a sealing, and what makes one
/// sequencer at a time enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerHead {
    /// Entries committed.
    pub size: u64,
    /// Their root.
    pub root: Root,
    /// The hash of the last one.
    pub hash: String,
    /// Entries published: tiles, bundles and checkpoint of so many are there.
    pub published: u64,
    /// The signed checkpoint of `size` entries.
    pub checkpoint: String,
    /// The one of `published` entries.
    pub published_checkpoint: Option<String>,
    /// When it was committed.
    pub sealed_at: Timestamp,
}

impl LedgerHead {
    fn genesis() -> Self {
        Self {
            size: 0,
            root: Root::EMPTY,
            hash: GENESIS.to_owned(),
            published: 0,
            checkpoint: String::new(),
            published_checkpoint: None,
            sealed_at: Timestamp::UNIX_EPOCH,
        }
    }

    /// What a write that follows this one is on condition of.
    pub(crate) fn unchanged(&self) -> Vec<Condition> {
        if self.size == 0 {
            return vec![Condition::ItemAbsent];
        }
        vec![equals("size", self.size), equals("root", self.root.to_string()), equals("published", self.published)]
    }

    pub(crate) fn is_published(&self) -> bool {
        self.published == self.size
    }
}

impl Core {
    pub(crate) async fn log_head(&self, organization: &OrganizationId) -> Result<LedgerHead> {
        Ok(self.find(ledger_head_key(organization)).await?.unwrap_or_else(LedgerHead::genesis))
    }

    /// The public key of an organization's log.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn log_key(&self, organization: &OrganizationId) -> Result<LedgerKey> {
        let public = self.ports.signer.public_key().await.map_err(EngineError::from)?;
        Ok(LedgerKey::new(origin(&self.config.ledger_name, organization), public))
    }

    /// A tile or a bundle, by the name of its partial form: where only the full one is left, that.
    pub(crate) async fn partial_or_full(
        &self,
        organization: &OrganizationId,
        partial: &str,
        full: &str,
    ) -> Result<Option<Bytes>> {
        let mut stored = self.ports.ledger.read(&object(organization, partial)).await?;
        if stored.is_none() && partial != full {
            stored = self.ports.ledger.read(&object(organization, full)).await?;
        }
        Ok(stored.map(|s| s.body))
    }
}

/// The name of an object of an organization's log.
pub(crate) fn object(organization: &OrganizationId, name: &str) -> String {
    format!("{organization}/{name}")
}

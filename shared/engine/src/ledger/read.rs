//! Entries out of the published log.

use super::head::LedgerHead;
use crate::{Engine, EngineError, Result};
use oubli_domain::{
    audit::AuditEntry,
    ids::OrganizationId,
    ledger::{WIDTH, bundle_entries, bundle_name},
};

/// An entry, and its bytes.
pub(super) struct Read {
    pub entry: AuditEntry,
    pub leaf: Vec<u8>,
}

/// An entry from its bytes.
pub(super) fn read_entry(leaf: &[u8]) -> Result<AuditEntry> {
    serde_json::from_slice(leaf).map_err(|_| EngineError::internal("an entry cannot be read"))
}

impl Engine {
    /// A bundle, as far as it is published. Where only its full form is left, its beginning.
    pub(super) async fn bundle(&self, organization: &OrganizationId, head: &LedgerHead, n: u64) -> Result<Vec<Read>> {
        let width = head.published.saturating_sub(n * WIDTH).min(WIDTH);
        if width == 0 {
            return Ok(vec![]);
        }
        let stored = self.partial_or_full(organization, &bundle_name(n, width), &bundle_name(n, WIDTH)).await?;
        // Entries go by policy; the tree above them stays.
        let Some(stored) = stored else { return Ok(vec![]) };
        let leaves = bundle_entries(&stored).map_err(EngineError::caused_by)?;
        let read = |leaf: &&[u8]| Ok(Read { entry: read_entry(leaf)?, leaf: leaf.to_vec() });
        leaves.iter().take(usize::try_from(width).unwrap_or(usize::MAX)).map(read).collect()
    }

    /// The published entries about a request or a hold, in order.
    pub(crate) async fn entries_about(&self, organization: &OrganizationId, id: &str) -> Result<Vec<AuditEntry>> {
        let head = self.log_head(organization).await?;
        let mut entries: Vec<AuditEntry> = Vec::new();
        for stretch in self.stretches(organization, id).await? {
            let (from, to) = (stretch.first, (stretch.first + stretch.count).min(head.published));
            for n in from / WIDTH..to.div_ceil(WIDTH) {
                let read = self.bundle(organization, &head, n).await?.into_iter();
                entries.extend(read.map(|r| r.entry).filter(|e| (from..to).contains(&e.index)));
            }
        }
        Ok(entries)
    }
}

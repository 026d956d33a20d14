//! Reading an organization's log, with proofs.

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, LedgerHead},
    items::from_item,
    ports::{Query, Range, TableName},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oubli_domain::{
    audit::AuditEntry,
    ids::OrganizationId,
    ledger::{KnownTiles, ProvenEntry, Proving, Root, TileRef, TlogProof, WIDTH, bundle_entries, bundle_name, inclusion_proof},
};
use serde::{Deserialize, Serialize};

/// Entries about one request or hold that stand one after another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct IndexRange {
    pub first: u64,
    pub count: u64,
}

pub(crate) fn about_partition(organization: &OrganizationId, id: &str) -> String {
    format!("org#{organization}#about#{id}")
}

/// Tiles read at the same time.
pub(crate) const TOGETHER: usize = 16;

/// An entry, and its bytes.
pub(crate) struct Read {
    pub entry: AuditEntry,
    pub leaf: Vec<u8>,
}

/// An entry from its bytes.
pub(crate) fn read_entry(leaf: &[u8]) -> Result<AuditEntry> {
    serde_json::from_slice(leaf).map_err(|_| EngineError::internal("an entry cannot be read"))
}

impl Core {
    /// Where the entries about a request or a hold stand, in order.
    pub(crate) async fn stretches(&self, organization: &OrganizationId, id: &str) -> Result<Vec<IndexRange>> {
        let query = Query::new(TableName::Ledger, about_partition(organization, id), Range::All);
        self.query_all(query).await?.into_iter().map(from_item).collect()
    }

    /// Entries with their proofs, all at one checkpoint.
    ///
    /// # Errors
    /// As [`Core::prove_entry`].
    pub(crate) async fn proven_entries(&self, organization: &OrganizationId, indexes: &[u64]) -> Result<Vec<ProvenEntry>> {
        let last = indexes.iter().copied().max().unwrap_or_default();
        let (head, checkpoint, note) = self.proving(organization, last).await?;
        let (mut bundle, mut bundle_at) = (vec![], None);
        let mut known = KnownTiles::new();
        let mut proven = Vec::new();
        for index in indexes.iter().copied() {
            if index >= checkpoint.size {
                let text = format!("The log has {} entries; number {index} is not sealed yet.", checkpoint.size);
                return Err(
                    Refusal::conflict(ProblemCode::NotSealed, &text, "Entries are sealed within a minute of the event.").into()
                );
            }
            if bundle_at != Some(index / WIDTH) {
                bundle = self.bundle(organization, &head, index / WIDTH).await?;
                bundle_at = Some(index / WIDTH);
            }
            let place = usize::try_from(index % WIDTH).unwrap_or(usize::MAX);
            let Some(read) = bundle.get(place) else {
                let text = "This entry was removed when its retention ended; the tree still proves what it hashed to.";
                return Err(Refusal::conflict(ProblemCode::EntryPruned, text, "Use an export made before.").into());
            };
            let prove = |known: &KnownTiles| inclusion_proof(checkpoint.size, checkpoint.root, index, known);
            let path = self.proof(organization, &mut known, prove).await?;
            let proof = TlogProof { index, path, checkpoint: note.clone() };
            let entry = String::from_utf8(read.leaf.clone()).map_err(|_| EngineError::internal("an entry is not text"))?;
            proven.push(ProvenEntry { entry, proof: proof.to_string() });
        }
        Ok(proven)
    }

    /// Fetches what a proof needs, until it stands.
    pub(crate) async fn proof(
        &self,
        organization: &OrganizationId,
        known: &mut KnownTiles,
        prove: impl Fn(&KnownTiles) -> Proving,
    ) -> Result<Vec<Root>> {
        loop {
            match prove(known) {
                Proving::Proof(path) => return Ok(path),
                Proving::Needs(tiles) => {
                    let reads = tiles.into_iter().map(|tile| self.tile(organization, tile));
                    known.extend(stream::iter(reads).buffered(TOGETHER).try_collect::<Vec<_>>().await?);
                }
                Proving::Impossible => {
                    return Err(EngineError::internal(format!("the tiles of the log of {organization} do not make up its root")));
                }
            }
        }
    }

    pub(crate) async fn tile(&self, organization: &OrganizationId, tile: TileRef) -> Result<(TileRef, Vec<u8>)> {
        let stored = self.partial_or_full(organization, &tile.name(), &tile.full_name()).await?;
        let stored = stored.ok_or_else(|| EngineError::internal(format!("{} is missing from a log", tile.name())))?;
        let length = usize::try_from(tile.width).unwrap_or(usize::MAX).saturating_mul(32);
        let bytes = stored.get(..length).ok_or_else(|| EngineError::internal(format!("{} is cut", tile.name())))?;
        Ok((tile, bytes.to_vec()))
    }

    /// A bundle, as far as it is published. Where only its full form is left, its beginning.
    pub(crate) async fn bundle(&self, organization: &OrganizationId, head: &LedgerHead, n: u64) -> Result<Vec<Read>> {
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

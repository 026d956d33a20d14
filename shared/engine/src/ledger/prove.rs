//! Checkpoints and proofs for whoever asks.

use super::head::{LedgerHead, object};
use crate::{Engine, EngineError, ProblemCode, Refusal, Result};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Caller},
    ids::OrganizationId,
    ledger::{
        Checkpoint, KnownTiles, LedgerKey, ProvenEntry, Proving, Root, TileRef, TlogProof, WIDTH, checkpoint_name,
        consistency_proof, inclusion_proof,
    },
};

/// Tiles read at the same time.
const TOGETHER: usize = 16;

/// The newest checkpoint.
#[derive(Debug, Clone)]
pub struct CheckpointView {
    /// What it says.
    pub checkpoint: Checkpoint,
    /// The signed note.
    pub note: String,
    /// The key that signed it.
    pub key: LedgerKey,
    /// When.
    pub sealed_at: Timestamp,
}

/// That one tree is the beginning of another.
#[derive(Debug, Clone)]
pub struct Consistency {
    /// The earlier checkpoint, as it was signed then.
    pub earlier: String,
    /// The newest one.
    pub note: String,
    /// RFC 6962, 2.1.2.
    pub path: Vec<Root>,
}

impl Engine {
    /// The newest published checkpoint.
    ///
    /// # Errors
    /// `log_empty` before the first.
    pub async fn log_checkpoint(&self, caller: &Caller) -> Result<CheckpointView> {
        Self::permit(caller, Action::ReadAudit)?;
        let (head, checkpoint) = self.published(&caller.organization).await?;
        let note = head.published_checkpoint.unwrap_or_default();
        Ok(CheckpointView { checkpoint, note, key: self.log_key(&caller.organization).await?, sealed_at: head.sealed_at })
    }

    pub(super) async fn published(&self, organization: &OrganizationId) -> Result<(LedgerHead, Checkpoint)> {
        let head = self.log_head(organization).await?;
        let Some(note) = &head.published_checkpoint else {
            let text = "Nothing is sealed in this organization's log yet.";
            return Err(Refusal::conflict(ProblemCode::LogEmpty, text, "Ask again in a minute.").into());
        };
        let checkpoint = Checkpoint::read(note).map_err(EngineError::caused_by)?;
        Ok((head, checkpoint))
    }

    /// An entry with the proof that it is in the log.
    ///
    /// # Errors
    /// `not_sealed` for a place that is not in the log yet, `entry_pruned` where policy removed the entry.
    pub async fn prove_entry(&self, caller: &Caller, index: u64) -> Result<ProvenEntry> {
        Self::permit(caller, Action::ReadAudit)?;
        self.proven_entry(&caller.organization, index).await
    }

    pub(crate) async fn proven_entry(&self, organization: &OrganizationId, index: u64) -> Result<ProvenEntry> {
        let proven = self.proven_entries(organization, &[index]).await?.pop();
        proven.ok_or_else(|| EngineError::internal("an entry was not proved"))
    }

    /// Entries with their proofs, all at one checkpoint.
    ///
    /// # Errors
    /// As [`Engine::prove_entry`].
    pub(crate) async fn proven_entries(&self, organization: &OrganizationId, indexes: &[u64]) -> Result<Vec<ProvenEntry>> {
        let (head, checkpoint) = self.published(organization).await?;
        let note = head.published_checkpoint.clone().unwrap_or_default();
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

    /// That the log of an earlier checkpoint is the beginning of what it is now.
    ///
    /// # Errors
    /// `unknown_checkpoint` for a size at which no checkpoint was signed.
    pub async fn prove_consistency(&self, caller: &Caller, from: u64) -> Result<Consistency> {
        Self::permit(caller, Action::ReadAudit)?;
        let organization = &caller.organization;
        let (head, checkpoint) = self.published(organization).await?;
        let earlier = self.ports.ledger.read(&object(organization, &checkpoint_name(from))).await?;
        let earlier = earlier.filter(|_| from <= checkpoint.size).and_then(|s| String::from_utf8(s.body.to_vec()).ok());
        let Some(earlier) = earlier else {
            let text = format!("No checkpoint was signed at {from} entries.");
            let remedy = "Name the size of a checkpoint you hold; it stands on its second line.";
            return Err(Refusal::invalid(ProblemCode::UnknownCheckpoint, "from", &text, remedy).into());
        };
        let before = Checkpoint::read(&earlier).map_err(EngineError::caused_by)?;
        let (before, now) = ((before.size, before.root), (checkpoint.size, checkpoint.root));
        let path = self.proof(organization, &mut KnownTiles::new(), |known| consistency_proof(before, now, known)).await?;
        Ok(Consistency { earlier, note: head.published_checkpoint.unwrap_or_default(), path })
    }

    /// Fetches what a proof needs, until it stands.
    async fn proof(
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

    async fn tile(&self, organization: &OrganizationId, tile: TileRef) -> Result<(TileRef, Vec<u8>)> {
        let stored = self.partial_or_full(organization, &tile.name(), &tile.full_name()).await?;
        let stored = stored.ok_or_else(|| EngineError::internal(format!("{} is missing from a log", tile.name())))?;
        let length = usize::try_from(tile.width).unwrap_or(usize::MAX).saturating_mul(32);
        let bytes = stored.get(..length).ok_or_else(|| EngineError::internal(format!("{} is cut", tile.name())))?;
        Ok((tile, bytes.to_vec()))
    }
}

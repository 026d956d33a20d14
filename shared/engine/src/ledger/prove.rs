//! Checkpoints and proofs for whoever asks.

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::Core,
    ledger::{Ledger, WitnessView},
};
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    ids::OrganizationId,
    ledger::{Checkpoint, KnownTiles, LedgerKey, ProvenEntry, Root, consistency_proof},
};
use serde_json::json;

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
    /// How far each witness is with the log.
    pub witnesses: Vec<WitnessView>,
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

impl Ledger {
    /// The newest published checkpoint.
    ///
    /// # Errors
    /// `log_empty` before the first.
    pub async fn log_checkpoint(&self, caller: &Caller) -> Result<CheckpointView> {
        Core::permit(caller, Action::ReadAudit)?;
        // Before the checkpoint: whoever is said to have cosigned it is on it.
        let witnesses = self.witnesses(&caller.organization).await?;
        let (head, checkpoint) = self.core.published(&caller.organization).await?;
        let note = head.published_checkpoint.unwrap_or_default();
        let key = self.core.log_key(&caller.organization).await?;
        Ok(CheckpointView { checkpoint, note, key, sealed_at: head.sealed_at, witnesses })
    }

    /// An entry with the proof that it is in the log. Whoever is given entries one by one reads the log, which is noted once an
    /// hour, whichever they are.
    ///
    /// # Errors
    /// `not_sealed` for a place that is not in the log yet, `entry_pruned` where policy removed the entry.
    pub async fn prove_entry(&self, caller: &Caller, index: u64) -> Result<ProvenEntry> {
        Core::permit(caller, Action::ReadAudit)?;
        let proven = self.proven_entry(&caller.organization, index).await?;
        let details = [("proofs", json!(true))];
        self.core.record_look(caller, EventType::AuditLogRead, None, &json!("proofs"), details).await?;
        Ok(proven)
    }

    async fn proven_entry(&self, organization: &OrganizationId, index: u64) -> Result<ProvenEntry> {
        let proven = self.core.proven_entries(organization, &[index]).await?.pop();
        proven.ok_or_else(|| EngineError::internal("an entry was not proved"))
    }

    /// That the log of an earlier checkpoint is the beginning of what it is now.
    ///
    /// # Errors
    /// `unknown_checkpoint` for a size at which no checkpoint was signed.
    pub async fn prove_consistency(&self, caller: &Caller, from: u64) -> Result<Consistency> {
        Core::permit(caller, Action::ReadAudit)?;
        let organization = &caller.organization;
        let (head, checkpoint) = self.core.published(organization).await?;
        let signed = self.signed_checkpoint(organization, from).await?;
        let Some((earlier, before)) = signed.filter(|_| from <= checkpoint.size) else {
            let text = format!("No checkpoint was signed at {from} entries.");
            let remedy = "Name the size of a checkpoint you hold; it stands on its second line.";
            return Err(Refusal::invalid(ProblemCode::UnknownCheckpoint, "from", &text, remedy).into());
        };
        let (before, now) = ((before.size, before.root), (checkpoint.size, checkpoint.root));
        let path = self.core.proof(organization, &mut KnownTiles::new(), |known| consistency_proof(before, now, known)).await?;
        Ok(Consistency { earlier, note: head.published_checkpoint.unwrap_or_default(), path })
    }
}

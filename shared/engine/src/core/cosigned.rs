//! Checkpoints that witnesses cosigned, and which of them a proof goes by.

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, LedgerHead},
    items::{cosigned_key, from_item, ledger_head_key},
    ports::Condition,
    transaction::equals,
};
use oubli_domain::{
    ids::OrganizationId,
    ledger::{Checkpoint, with_signature},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A checkpoint with its cosignatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct CosignedNote {
    /// Its entries.
    size: u64,
    /// The numbers of the keys by which it is cosigned.
    witnesses: BTreeSet<u32>,
    /// The signed note.
    note: String,
}

/// The newest checkpoint that each witness cosigned, and older ones that more of them did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CosignedCheckpoints {
    version: u64,
    notes: Vec<CosignedNote>,
}

impl CosignedCheckpoints {
    /// What a write that follows this one is on condition of.
    pub(crate) fn unchanged(&self) -> Vec<Condition> {
        vec![if self.version == 0 { Condition::ItemAbsent } else { equals("version", self.version) }]
    }

    /// These with one more cosignature; none if that changes nothing.
    pub(crate) fn with(&self, size: u64, checkpoint: &str, witness: u32, line: &str) -> Option<Self> {
        let mut notes = self.notes.clone();
        let fresh = || CosignedNote { size, witnesses: BTreeSet::new(), note: checkpoint.to_owned() };
        let mut note = notes.iter().position(|n| n.size == size).map_or_else(fresh, |place| notes.remove(place));
        note.witnesses.insert(witness);
        note.note = with_signature(&note.note, line);
        notes.push(note);
        // An older one, which no witness cosigned that the newer one lacks, is better for no proof.
        let all = notes.clone();
        let replaced =
            |n: &CosignedNote| all.iter().any(|newer| newer.size > n.size && newer.witnesses.is_superset(&n.witnesses));
        notes.retain(|n| !replaced(n));
        notes.sort_by_key(|n| n.size);
        (notes != self.notes).then_some(Self { version: self.version + 1, notes })
    }

    /// The checkpoint of this size with what cosigns it, if anything does.
    pub(crate) fn of_size(&self, size: u64) -> Option<&str> {
        self.notes.iter().find(|n| n.size == size).map(|n| n.note.as_str())
    }

    /// Of the checkpoints with an entry, none larger than `most`, the one that most witnesses cosigned; of several the newest.
    fn proving(&self, index: u64, most: u64) -> Option<&str> {
        let fit = self.notes.iter().filter(|n| n.size > index && n.size <= most);
        fit.max_by_key(|n| (n.witnesses.len(), n.size)).map(|n| n.note.as_str())
    }
}

impl Core {
    async fn published_and_cosigned(&self, organization: &OrganizationId) -> Result<(LedgerHead, String, CosignedCheckpoints)> {
        let keys = [ledger_head_key(organization), cosigned_key(organization)];
        let mut found = self.ports.table.get_many(&keys).await?;
        let cosigned = found.pop().flatten().map(from_item).transpose()?.unwrap_or_default();
        let head: Option<LedgerHead> = found.pop().flatten().map(from_item).transpose()?;
        let published = head.and_then(|head| head.published_checkpoint.clone().map(|note| (head, note)));
        let Some((head, note)) = published else {
            let text = "Nothing is sealed in this organization's log yet.";
            return Err(Refusal::conflict(ProblemCode::LogEmpty, text, "Ask again in a minute.").into());
        };
        Ok((head, note, cosigned))
    }

    /// The log as everybody can read it, with its newest checkpoint and who cosigned that so far.
    ///
    /// # Errors
    /// `log_empty` before the first.
    pub(crate) async fn published(&self, organization: &OrganizationId) -> Result<(LedgerHead, Checkpoint)> {
        let (head, note, cosigned) = self.published_and_cosigned(organization).await?;
        let note = cosigned.of_size(head.published).map_or(note, str::to_owned);
        let checkpoint = Checkpoint::read(&note).map_err(EngineError::caused_by)?;
        Ok((LedgerHead { published_checkpoint: Some(note), ..head }, checkpoint))
    }

    /// The log, and the checkpoint to prove its entries by, up to one: where witnesses cosign, the newest may not be cosigned
    /// yet while one before it is.
    ///
    /// # Errors
    /// `log_empty` before the first.
    pub(crate) async fn proving(&self, organization: &OrganizationId, up_to: u64) -> Result<(LedgerHead, Checkpoint, String)> {
        let (head, note, cosigned) = self.published_and_cosigned(organization).await?;
        let note = cosigned.proving(up_to, head.published).map_or(note, str::to_owned);
        let checkpoint = Checkpoint::read(&note).map_err(EngineError::caused_by)?;
        Ok((head, checkpoint, note))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After cosignatures, each of a size by a witness.
    fn after(cosignatures: &[(u64, u32)]) -> CosignedCheckpoints {
        let add = |all: CosignedCheckpoints, (size, witness): &(u64, u32)| {
            all.with(*size, &format!("of {size}\n"), *witness, &format!("by {witness}\n")).unwrap_or(all)
        };
        cosignatures.iter().fold(CosignedCheckpoints::default(), add)
    }

    fn sizes(all: &CosignedCheckpoints) -> Vec<u64> {
        all.notes.iter().map(|n| n.size).collect()
    }

    #[test]
    fn what_a_newer_checkpoint_has_as_well_is_kept_no_longer() {
        assert_eq!(sizes(&after(&[(5, 1), (9, 1)])), [9]);
        assert_eq!(sizes(&after(&[(5, 1), (9, 2)])), [5, 9], "who asks for the first has the older one");
        assert_eq!(sizes(&after(&[(5, 1), (5, 2), (9, 1)])), [5, 9], "two cosigned the older one");
        assert_eq!(sizes(&after(&[(5, 1), (5, 2), (9, 1), (9, 2)])), [9]);
        assert_eq!(sizes(&after(&[(9, 1), (5, 1)])), [9], "one that comes late");
        assert_eq!(after(&[(5, 1)]).with(5, "of 5\n", 1, "by 1\n"), None, "nothing changes");
        assert_eq!(after(&[(5, 1), (5, 2)]).of_size(5), Some("of 5\nby 1\nby 2\n"));
    }

    #[test]
    fn a_proof_goes_by_the_checkpoint_that_most_witnesses_cosigned() {
        let all = after(&[(5, 1), (5, 2), (9, 1)]);
        assert_eq!(all.proving(4, 12), Some("of 5\nby 1\nby 2\n"));
        assert_eq!(all.proving(5, 12), Some("of 9\nby 1\n"), "the older one has not got it");
        assert_eq!(all.proving(9, 12), None);
        assert_eq!(all.proving(5, 8), None, "the reader knows nothing of it yet");
    }
}

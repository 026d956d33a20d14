//! Proofs that travel (C2SP tlog-proof): an entry's place, its path to the root, and the signed checkpoint.

use super::{Checkpoint, CheckpointError, LedgerKey, Root};
use std::{fmt, str::FromStr};
use thiserror::Error;
use tlog_tiles::{Hash, check_record, record_hash};

const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// Why a proof does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProofError {
    /// Not of the format.
    #[error("the proof is not a {HEADER}")]
    Shape,
    /// The checkpoint is not believed.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The path does not lead from the entry to the checkpoint's root.
    #[error("the entry is not in the tree that the checkpoint names, or not at that place")]
    Inclusion,
}

/// A proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlogProof {
    /// The entry's place, from 0.
    pub index: u64,
    /// The path from the entry to the root.
    pub path: Vec<Root>,
    /// The signed note.
    pub checkpoint: String,
}

impl TlogProof {
    /// Checks that this entry is in the log of this key; answers the checkpoint that says so.
    ///
    /// # Errors
    /// Any [`ProofError`].
    pub fn check(&self, leaf: &[u8], key: &LedgerKey) -> Result<Checkpoint, ProofError> {
        let checkpoint = Checkpoint::open(&self.checkpoint, key)?;
        self.check_path(leaf, &checkpoint)?;
        Ok(checkpoint)
    }

    /// Checks only the path, against a checkpoint that is believed already.
    ///
    /// # Errors
    /// [`ProofError::Inclusion`].
    pub fn check_path(&self, leaf: &[u8], checkpoint: &Checkpoint) -> Result<(), ProofError> {
        // A path is never longer than the tree is high; beyond that the check would only waste time.
        if self.path.len() > 64 || self.index >= checkpoint.size {
            return Err(ProofError::Inclusion);
        }
        let path = self.path.iter().map(|h| Hash(h.0)).collect();
        check_record(&path, checkpoint.size, Hash(checkpoint.root.0), self.index, record_hash(leaf))
            .map_err(|_| ProofError::Inclusion)
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEADER}\nindex {}", self.index)?;
        for hash in &self.path {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

impl FromStr for TlogProof {
    type Err = ProofError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (proof, checkpoint) = text.split_once("\n\n").ok_or(ProofError::Shape)?;
        let mut lines = proof.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(ProofError::Shape);
        }
        let index = lines.next().and_then(|l| l.strip_prefix("index ")).ok_or(ProofError::Shape)?;
        let canonical = index == "0" || !index.starts_with(['0', '+']);
        let index = index.parse().ok().filter(|_| canonical).ok_or(ProofError::Shape)?;
        let path = lines.map(|l| Root::try_from(l.to_owned())).collect::<Result<_, _>>().map_err(|_| ProofError::Shape)?;
        Ok(Self { index, path, checkpoint: checkpoint.to_owned() })
    }
}

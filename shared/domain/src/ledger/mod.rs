//! The ledger: an append-only Merkle log (RFC 6962) of audit entries, one for each organization, stored as C2SP
//! tlog-tiles, with checkpoints that are C2SP signed notes and proofs that are C2SP tlog-proofs.
//!
//! The trees themselves are `tlog_tiles`; here is what belongs to Oubli: how a log grows, what its objects are named,
//! and how what it says is checked by somebody who trusts nobody.

mod certificate;
mod checkpoint;
mod cosignature;
mod growth;
mod leaf;
mod names;
mod policy;
mod prove;
mod tlog_proof;
mod witness;

#[cfg(test)]
mod cosignature_tests;
#[cfg(test)]
mod tests;

pub use certificate::{
    AskedClaim, CERTIFICATE_FORMAT, CategoryClaim, Certificate, CertificateError, Claims, IdentifierClaim, KeptClaim,
    LeftOutClaim, Opened, Order, ProvenEntry, SubjectClaim, Trust, UnsearchedClaim, VerificationClaim, Verified,
};
pub use checkpoint::{Checkpoint, CheckpointError, LedgerKey, origin};
pub use cosignature::{CLOCKS_APART, CosignatureError, Cosigned, WitnessKey, WitnessKeyError, cosignatures, with_signature};
pub use growth::{Edge, EdgeMismatch, TreeUpdate};
pub use leaf::{LeafError, MAX_LEAF_BYTES, bundle_entries, check_leaf, push_leaf};
pub use names::{
    HEIGHT, WIDTH, bundle_name, checkpoint_name, cosignature_name, is_full_tile, partial_bundles, partial_tiles, staging_name,
    tile_name,
};
pub use policy::{Period, Policy, PolicyError, PolicyProblem, PolicyRefusal};
pub use prove::{KnownTiles, Proving, TileRef, consistency_proof, inclusion_proof, is_consistent};
pub use tlog_proof::{ProofError, TlogProof};
pub use witness::{MOST_ANSWERED, Submission, WitnessAnswer};

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The hash of a tree or of a part of one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Root(pub [u8; 32]);

impl Root {
    /// The hash of the tree without entries.
    pub const EMPTY: Self = Self(tlog_tiles::EMPTY_HASH.0);
}

/// In standard base64, as checkpoints write it.
impl fmt::Display for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64.encode(&self.0))
    }
}

impl fmt::Debug for Root {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Root {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE64.decode(text.as_bytes()).ok().and_then(|b| <[u8; 32]>::try_from(b).ok());
        bytes.map(Self).ok_or("a tree's hash is 32 bytes in base64")
    }
}

impl From<Root> for String {
    fn from(root: Root) -> String {
        root.to_string()
    }
}

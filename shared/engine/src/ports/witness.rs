//! Witnesses of the logs (C2SP tlog-witness).

use async_trait::async_trait;
use oubli_domain::ledger::{Submission, WitnessAnswer, WitnessKey};

/// Where a witness is, and by which key it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessAddress {
    /// Its key.
    pub key: WitnessKey,
    /// Its submission prefix, without a slash at its end.
    pub url: String,
}

/// Reaches witnesses. What they answer is checked by whoever keeps it.
#[async_trait]
pub trait Witness: Send + Sync {
    /// Asks a witness to cosign. It may have, whatever is answered.
    async fn add_checkpoint(&self, witness: &WitnessAddress, submission: &Submission) -> WitnessAnswer;
}

/// Of functions that reach no network.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoWitness;

#[async_trait]
impl Witness for NoWitness {
    async fn add_checkpoint(&self, _: &WitnessAddress, _: &Submission) -> WitnessAnswer {
        WitnessAnswer::unavailable("this function reaches no witness")
    }
}

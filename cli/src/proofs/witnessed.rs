//! Which log is believed, and whose cosignatures are asked for.

use super::{key, read_text};
use crate::failure::Failure;
use clap::Args;
use jiff::Timestamp;
use oubli_domain::ledger::{Checkpoint, Cosigned, LedgerKey, Period, Policy};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// A log's key, a policy, or both.
#[derive(Args)]
pub struct Asked {
    /// The log's public key, name+hash+key, from another source than the file; not needed where the policy names the log
    #[arg(long, value_name = "KEY", required_unless_present = "policy")]
    key: Option<String>,
    /// Whose cosignatures the checkpoint must carry, and of which logs it may be: a C2SP tlog-policy
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
}

impl Asked {
    /// The policy, if there is one.
    ///
    /// # Errors
    /// It cannot be read, or is none.
    pub fn policy(&self) -> Result<Option<Policy>, Failure> {
        self.policy.as_deref().map(policy).transpose()
    }

    /// The key that a checkpoint is to be checked with.
    ///
    /// # Errors
    /// Neither the command line nor the policy names one.
    pub fn key_for(&self, policy: Option<&Policy>, note: &str) -> Result<LedgerKey, Failure> {
        match (&self.key, policy) {
            (Some(text), _) => key(text),
            (None, Some(policy)) => key_of(policy, note),
            (None, None) => Err(Failure::Usage("give --key".to_owned())),
        }
    }
}

/// A policy out of a file.
///
/// # Errors
/// It cannot be read, or is none.
pub fn policy(path: &Path) -> Result<Policy, Failure> {
    Policy::parse(&read_text(path)?).map_err(|e| Failure::Usage(format!("{}: {e}", path.display())))
}

/// The key of the policy's log that a checkpoint is of.
///
/// # Errors
/// The policy names no log, or no such log.
pub fn key_of(policy: &Policy, note: &str) -> Result<LedgerKey, Failure> {
    if policy.logs().is_empty() {
        return Err(Failure::Usage("the policy names no log: give --key, from another source than the file".to_owned()));
    }
    let origin = Checkpoint::read(note).map_err(not_verified)?.origin;
    let named = || policy.logs().iter().filter(|log| log.name() == origin);
    // A log may have changed its key.
    let signed = named().find(|log| Checkpoint::open(note, log).is_ok()).or_else(|| named().next());
    signed.cloned().ok_or_else(|| not_verified(format!("the policy names no log {origin}")))
}

/// A refusal.
pub fn not_verified(why: impl std::fmt::Display) -> Failure {
    Failure::Refused(format!("not verified: {why}"))
}

/// Checks a log's checkpoint against a policy, if there is one. `since`: when the last entry that is known to be in it was
/// written.
///
/// # Errors
/// It is not cosigned as the policy asks.
pub fn check(policy: Option<&Policy>, note: &str, log: &LedgerKey, since: Option<Timestamp>) -> Result<Vec<Cosigned>, Failure> {
    let Some(policy) = policy else { return Ok(vec![]) };
    let period = Period { since, until: Timestamp::now() };
    policy.check(note, log, period).map_err(refusal)
}

/// That a policy is not met, and what may help.
pub fn refusal(error: impl std::fmt::Display) -> Failure {
    let help =
        "Witnesses sign some seconds after a checkpoint is made, or later where one was down: ask for it again in a minute.";
    not_verified(format!("{error}. {help}"))
}

/// Who cosigned and when, for people.
pub fn words(cosigned: &[Cosigned]) -> String {
    let one = |c: &Cosigned| format!("{} ({})", c.witness.name(), c.at);
    cosigned.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The same for machines.
pub fn listed(cosigned: &[Cosigned]) -> Value {
    let one = |c: &Cosigned| json!({ "witness": c.witness.name(), "key": c.witness.to_string(), "at": c.at });
    cosigned.iter().map(one).collect()
}

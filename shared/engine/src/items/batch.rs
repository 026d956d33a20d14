//! A batch: one manifest part and what was done with it.

use jiff::Timestamp;
use oubli_domain::batch::{BatchState, Outcomes};
use serde::{Deserialize, Serialize};

/// A batch. One item, whatever the number of its records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchItem {
    /// What it has been through.
    pub state: BatchState,
    /// Counts claims; every write by a worker checks it.
    pub fence: u64,
    /// Until when the claim holds, in milliseconds; 0 without one.
    #[serde(default)]
    pub lease_until: i64,
    /// What it was before it was claimed.
    #[serde(default)]
    pub claimed_from: Option<BatchState>,
    /// Attempts that ended in trouble, those of workers that died among them.
    #[serde(default)]
    pub attempts: u32,
    /// Not before, in milliseconds.
    #[serde(default)]
    pub not_before: i64,
    /// When its turn comes, if it waits for one, in milliseconds: a message is sent for then.
    #[serde(default)]
    pub turn_at: Option<i64>,
    /// The run of its request in which it waits.
    #[serde(default)]
    pub turn_run: Option<u64>,
    /// The manifest part's object.
    pub part: String,
    /// SHA-256 of that object, in hexadecimal.
    pub part_sha256: String,
    /// Records in it that go.
    pub records: u32,
    /// Their size.
    pub bytes: u64,
    /// What became of its records, once hidden.
    #[serde(default)]
    pub outcomes: Option<Outcomes>,
    /// What is known to be gone of it by its store's own destruction, each record by the outcome it ends with; the others are
    /// untouched. There, however empty, since somebody first began to destroy.
    #[serde(default)]
    pub destroyed: Option<Outcomes>,
    /// Size of what is known to be destroyed.
    #[serde(default)]
    pub bytes_destroyed: u64,
    /// The last fence whose attempt may have written vault parts, once hidden.
    #[serde(default)]
    pub vault_fence: u64,
    /// Size of what is hidden of it.
    #[serde(default)]
    pub bytes_hidden: u64,
    /// When it was hidden.
    #[serde(default)]
    pub hidden_at: Option<Timestamp>,
    /// When some of it was last found not to fit back.
    #[serde(default)]
    pub conflict_at: Option<Timestamp>,
    /// The run in which it failed for good.
    #[serde(default)]
    pub failed_run: u64,
    /// The run of the restore it last went through.
    #[serde(default)]
    pub restore_run: u64,
    /// Somebody went on without an answer of its store: what it hid is told from what was noted only.
    #[serde(default)]
    pub unanswered: bool,
    /// Why it failed, or why the last attempt did.
    #[serde(default)]
    pub error: Option<String>,
}

/// A claim that a worker holds on a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    /// The claim's number.
    pub fence: u64,
    /// No effect may begin at or after this time, in milliseconds.
    pub stop_at: i64,
}

impl BatchItem {
    /// How long after its turn the message for a batch may come before it is taken for lost, in milliseconds.
    pub const TURN_LATE: i64 = 60_000;

    /// Some of it may be hidden, by a worker that has not said so.
    pub fn is_begun(&self) -> bool {
        matches!(self.state, BatchState::Claimed | BatchState::Failed) || (self.state == BatchState::Pending && self.fence > 0)
    }

    /// It failed for good in this run of its request: nothing tries it again by itself.
    pub fn is_hopeless(&self, run: u64) -> bool {
        self.state == BatchState::Failed && self.failed_run == run
    }

    /// A message is on its way that comes at a turn after this time, in milliseconds.
    pub fn awaits_turn(&self, run: u64, after: i64) -> bool {
        self.turn_run == Some(run) && self.turn_at.is_some_and(|at| at > after)
    }

    /// Somebody else may be at work on it.
    pub fn is_leased(&self, now_ms: i64) -> bool {
        self.state == BatchState::Claimed && self.lease_until > now_ms
    }
}

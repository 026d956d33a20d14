//! Work in transit.

use async_trait::async_trait;
use oubli_domain::{
    datamap::WorkerPool,
    ids::{DiscoveryId, HoldId, OrganizationId, ReportId, RequestId},
    ledger::{Submission, WitnessAnswer, WitnessKey},
    notification::Notification,
    review::ReviewId,
};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The queues of a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum QueueName {
    /// Read by `discovery`.
    Discovery,
    /// Read by `deletion`.
    Deletion,
    /// Read by `ledger`; first in, first out, per organization.
    Ledger,
    /// Read by `report`.
    Report,
    /// Read by `export`.
    Export,
    /// Read by `notifier`.
    Notifier,
}

impl QueueName {
    /// Every queue.
    pub const ALL: [QueueName; 6] =
        [QueueName::Discovery, QueueName::Deletion, QueueName::Ledger, QueueName::Report, QueueName::Export, QueueName::Notifier];

    /// What it is called in the template and its variables.
    pub const fn name(self) -> &'static str {
        match self {
            QueueName::Discovery => "discovery",
            QueueName::Deletion => "deletion",
            QueueName::Ledger => "ledger",
            QueueName::Report => "report",
            QueueName::Export => "export",
            QueueName::Notifier => "notifier",
        }
    }

    /// It keeps the order of what is sent, per organization, and delays nothing.
    pub const fn is_fifo(self) -> bool {
        matches!(self, QueueName::Ledger)
    }

    /// The queue of the batches that this pool's workers do.
    pub const fn of_batches(pool: WorkerPool) -> Self {
        match pool {
            WorkerPool::Standard => QueueName::Deletion,
        }
    }
}

/// What functions put into queues. Messages hold no personal data and no state: each says only where to look, so that a lost
/// one costs time and a doubled one nothing. Those about witnesses carry what is said, since who reaches them reads no log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Message {
    /// Go on discovering for a request.
    Discover {
        /// Its owner.
        organization: OrganizationId,
        /// The request.
        request: RequestId,
    },
    /// Go on with a stand-alone discovery.
    Preview {
        /// Its owner.
        organization: OrganizationId,
        /// The discovery.
        discovery: DiscoveryId,
    },
    /// Look at a request and do what is due.
    Advance {
        /// Its owner.
        organization: OrganizationId,
        /// The request.
        request: RequestId,
    },
    /// The same, and send again what may have been lost.
    Sweep {
        /// Its owner.
        organization: OrganizationId,
        /// The request.
        request: RequestId,
    },
    /// Find the other identifiers of whom a hold is about.
    ResolveHold {
        /// Its owner.
        organization: OrganizationId,
        /// The hold.
        hold: HoldId,
    },
    /// Go on with a hold that was released.
    Released {
        /// Its owner.
        organization: OrganizationId,
        /// The hold.
        hold: HoldId,
    },
    /// Wake whoever waits for a slot that was freed.
    Freed {
        /// Whose.
        organization: OrganizationId,
    },
    /// Remove a stand-alone discovery.
    Forget {
        /// Its owner.
        organization: OrganizationId,
        /// The discovery.
        discovery: DiscoveryId,
    },
    /// Go on with a compliance report.
    Report {
        /// Its owner.
        organization: OrganizationId,
        /// The report.
        report: ReportId,
    },
    /// Go on packaging an export.
    Package {
        /// Its owner.
        organization: OrganizationId,
        /// The export request.
        request: RequestId,
    },
    /// Tell people something.
    Notify {
        /// What.
        notification: Notification,
    },
    /// Remove a compliance report.
    ForgetReport {
        /// Its owner.
        organization: OrganizationId,
        /// The report.
        report: ReportId,
    },
    /// Close a review that nobody decided on in time.
    TimeOutReview {
        /// Its owner.
        organization: OrganizationId,
        /// The review.
        review: ReviewId,
    },
    /// Forget what policy keeps no longer, besides requests, and what something else took the place of: the index of people, what
    /// was said in reviews, and what one-time codes were made of.
    Retire {
        /// Whose.
        organization: OrganizationId,
    },
    /// Work on one batch.
    Batch {
        /// Its owner.
        organization: OrganizationId,
        /// The request.
        request: RequestId,
        /// The round of discovery it belongs to.
        round: u32,
        /// The step's place in the plan.
        step_index: u32,
        /// The batch's place in the step.
        batch_index: u32,
        /// The request's run it was sent in: what is to be done with the batch. In any other run it asks for nothing.
        run: u64,
        /// Whose workers do it.
        #[serde(default, skip_serializing_if = "WorkerPool::is_standard")]
        pool: WorkerPool,
    },
    /// Seal what waits in the outbox.
    Seal {
        /// Whose log.
        organization: OrganizationId,
    },
    /// Ask a witness to cosign a checkpoint.
    AskWitness {
        /// Whose log.
        organization: OrganizationId,
        /// Which witness.
        witness: Box<WitnessKey>,
        /// Entries of the checkpoint.
        size: u64,
        /// What it is sent.
        submission: Box<Submission>,
    },
    /// Keep what a witness answered.
    WitnessAnswered {
        /// Whose log.
        organization: OrganizationId,
        /// Which witness.
        witness: Box<WitnessKey>,
        /// Entries of the checkpoint that it was asked about.
        size: u64,
        /// What it said.
        answer: WitnessAnswer,
    },
}

impl Message {
    /// Whose work it is.
    pub fn organization(&self) -> &OrganizationId {
        match self {
            Message::Discover { organization, .. }
            | Message::Preview { organization, .. }
            | Message::Advance { organization, .. }
            | Message::Sweep { organization, .. }
            | Message::Forget { organization, .. }
            | Message::Report { organization, .. }
            | Message::Package { organization, .. }
            | Message::Notify { notification: Notification { organization, .. } }
            | Message::ForgetReport { organization, .. }
            | Message::TimeOutReview { organization, .. }
            | Message::Retire { organization }
            | Message::ResolveHold { organization, .. }
            | Message::Released { organization, .. }
            | Message::Freed { organization }
            | Message::Batch { organization, .. }
            | Message::AskWitness { organization, .. }
            | Message::WitnessAnswered { organization, .. }
            | Message::Seal { organization } => organization,
        }
    }

    /// The request it is about, if it is about one.
    pub const fn request(&self) -> Option<&RequestId> {
        match self {
            Message::Discover { request, .. }
            | Message::Advance { request, .. }
            | Message::Sweep { request, .. }
            | Message::Package { request, .. }
            | Message::Batch { request, .. } => Some(request),
            Message::Notify { notification } => notification.about.request(),
            Message::Preview { .. }
            | Message::Forget { .. }
            | Message::Report { .. }
            | Message::ForgetReport { .. }
            | Message::TimeOutReview { .. }
            | Message::Retire { .. }
            | Message::ResolveHold { .. }
            | Message::Released { .. }
            | Message::Freed { .. }
            | Message::AskWitness { .. }
            | Message::WitnessAnswered { .. }
            | Message::Seal { .. } => None,
        }
    }

    /// The queue whose reader understands it.
    pub const fn queue(&self) -> QueueName {
        match self {
            Message::Discover { .. } | Message::Preview { .. } | Message::ResolveHold { .. } => QueueName::Discovery,
            Message::Advance { .. }
            | Message::Sweep { .. }
            | Message::Forget { .. }
            | Message::ForgetReport { .. }
            | Message::TimeOutReview { .. }
            | Message::Retire { .. }
            | Message::Released { .. }
            | Message::Freed { .. } => QueueName::Deletion,
            Message::Batch { pool, .. } => QueueName::of_batches(*pool),
            Message::Report { .. } => QueueName::Report,
            Message::Package { .. } => QueueName::Export,
            Message::Notify { .. } | Message::AskWitness { .. } => QueueName::Notifier,
            Message::Seal { .. } | Message::WitnessAnswered { .. } => QueueName::Ledger,
        }
    }
}

/// A message to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What it says.
    pub message: Message,
    /// Not before so many seconds from now; at most 900.
    pub delay_seconds: u16,
}

impl Envelope {
    /// Longest delay a queue offers, in seconds.
    pub const MAX_DELAY_SECONDS: u16 = 900;

    /// A message for now.
    pub const fn now(message: Message) -> Self {
        Self { message, delay_seconds: 0 }
    }

    /// A message for later.
    pub fn after(message: Message, seconds: u16) -> Self {
        Self { message, delay_seconds: seconds.min(Self::MAX_DELAY_SECONDS) }
    }
}

/// Why sending failed. It may have happened all the same.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("queue unavailable: {0}")]
pub struct QueueError(pub String);

/// Sends messages; at least once, in any order.
#[async_trait]
pub trait Queue: Send + Sync {
    /// Sends all of them, grouped by organization. The ledger's queue ignores delays.
    ///
    /// # Errors
    /// [`QueueError`] when some could not be sent.
    async fn send(&self, envelopes: Vec<Envelope>) -> Result<(), QueueError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_message_that_names_no_pool_is_of_the_standard_pool() {
        let text = json!({
            "kind": "batch", "organization": "acme", "request": "req_00000000000000000000000000000001",
            "round": 1, "step_index": 0, "batch_index": 2, "run": 3
        });
        let message: Message = serde_json::from_value(text.clone()).expect("reads");
        assert_eq!(message.queue(), QueueName::Deletion);
        assert_eq!(serde_json::to_value::<&Message>(&message).expect("writes"), text);
        let mut named = text;
        named["pool"] = Value::from("standard");
        assert_eq!(serde_json::from_value::<Message>(named).expect("reads"), message);
    }
}

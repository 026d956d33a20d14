//! Enums as the API writes them: the words, their meaning in the domain, and their description for OpenAPI.

use oubli_domain::{audit::EventType as AuditEventType, grounds, state};
use oubli_engine::api::RequestKind;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, Type},
};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident for $domain:ty { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $name(pub $domain);

        impl $name {
            /// Every word.
            pub const ALL: &'static [&'static str] = &[$($word),+];

            /// The word.
            pub const fn word(self) -> &'static str {
                match self.0 {
                    $(<$domain>::$variant => $word),+
                }
            }

            /// The value of a word.
            #[allow(dead_code, reason = "some are only written")]
            pub fn parse(word: &str) -> Option<$domain> {
                match word {
                    $($word => Some(<$domain>::$variant),)+
                    _ => None,
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.word())
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some(Self::ALL.iter().copied())).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> Cow<'static, str> {
                Cow::Borrowed(stringify!($name))
            }
        }
    };
}

words!(
    /// What a request asks for.
    RequestType for RequestKind { FullErasure = "full_erasure", PartialErasure = "partial_erasure" }
);

words!(
    /// Why it is asked.
    Reason for grounds::Reason {
        NoLongerNecessary = "no_longer_necessary",
        ConsentWithdrawn = "consent_withdrawn",
        Objection = "objection",
        UnlawfulProcessing = "unlawful_processing",
        LegalObligation = "legal_obligation",
        ChildData = "child_data",
        UserRequest = "user_request",
    }
);

words!(
    /// Where a request is, in the words of people.
    Status for state::Status {
        Pending = "pending",
        InReview = "in_review",
        Scheduled = "scheduled",
        InProgress = "in_progress",
        Recoverable = "recoverable",
        Completed = "completed",
        CompletedWithExceptions = "completed_with_exceptions",
        Rejected = "rejected",
        Cancelled = "cancelled",
        Failed = "failed",
    }
);

words!(
    /// Where exactly a request is.
    Phase for state::Phase {
        Received = "received",
        AwaitingVerification = "awaiting_verification",
        Discovering = "discovering",
        InReview = "in_review",
        Approved = "approved",
        Scheduled = "scheduled",
        Hiding = "hiding",
        Settling = "settling",
        Recoverable = "recoverable",
        Restoring = "restoring",
        Purging = "purging",
        Verifying = "verifying",
        Restored = "restored",
        Completed = "completed",
        CompletedWithExceptions = "completed_with_exceptions",
        Rejected = "rejected",
        Cancelled = "cancelled",
        Failed = "failed",
    }
);

/// A request as a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Nothing is being erased yet.
    Queued,
    /// Something is hidden, or being hidden, restored or destroyed.
    Running,
    /// The erasure is done.
    Completed,
    /// It ended without the erasure: failed, rejected, cancelled or restored.
    Failed,
}

words!(
    /// A request as a job. `completed` means erased; a request that was rejected, cancelled or restored shows as
    /// `failed`, because a job that asked for an erasure did not get it.
    JobStatus for Job { Queued = "queued", Running = "running", Completed = "completed", Failed = "failed" }
);

impl From<state::State> for JobStatus {
    fn from(state: state::State) -> Self {
        use state::Phase as P;
        Self(match state.phase {
            P::Received | P::AwaitingVerification | P::Discovering | P::InReview | P::Approved | P::Scheduled => Job::Queued,
            P::Hiding | P::Settling | P::Recoverable | P::Restoring | P::Purging | P::Verifying => Job::Running,
            P::Completed | P::CompletedWithExceptions => Job::Completed,
            P::Restored | P::Rejected | P::Cancelled | P::Failed => Job::Failed,
        })
    }
}

words!(
    /// What happened.
    EventType for AuditEventType {
        RequestReceived = "request_received",
        VerificationRequested = "verification_requested",
        IdentityVerified = "identity_verified",
        PlanCreated = "plan_created",
        PlanConfirmed = "plan_confirmed",
        PlanRefreshStarted = "plan_refresh_started",
        RequestApproved = "request_approved",
        RequestRejected = "request_rejected",
        GdprErasureStarted = "gdpr_erasure_started",
        BatchHidden = "batch_hidden",
        BatchFailed = "batch_failed",
        DataHidden = "data_hidden",
        NothingToErase = "nothing_to_erase",
        RequestCancelled = "request_cancelled",
        CancellationSettled = "cancellation_settled",
        RestoreStarted = "restore_started",
        BatchRestored = "batch_restored",
        RestoreCompleted = "restore_completed",
        PurgeStarted = "purge_started",
        VaultKeyDestroyed = "vault_key_destroyed",
        BatchPurged = "batch_purged",
        GdprErasureExecuted = "gdpr_erasure_executed",
        LateArrivalsFound = "late_arrivals_found",
        RequestCompleted = "request_completed",
        RequestFailed = "request_failed",
        RequestRetried = "request_retried",
        DeadlineExtended = "deadline_extended",
        LegalHoldPlaced = "legal_hold_placed",
        LegalHoldReleased = "legal_hold_released",
        RequestForgotten = "request_forgotten",
        DiscoveryPerformed = "discovery_performed",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_those_of_the_domain() {
        for word in EventType::ALL {
            let domain = EventType::parse(word).expect("parses");
            assert_eq!(serde_json::to_value(domain).expect("serializes"), *word);
        }
        for phase in state::Phase::ALL {
            assert_eq!(Phase(phase).word(), phase.name());
        }
        for word in Status::ALL {
            assert_eq!(serde_json::to_value(Status::parse(word).expect("parses")).expect("serializes"), *word);
        }
        for word in Reason::ALL {
            assert_eq!(serde_json::to_value(Reason::parse(word).expect("parses")).expect("serializes"), *word);
        }
    }

    #[test]
    fn a_job_is_completed_only_by_an_erasure() {
        for phase in state::Phase::ALL {
            let erased = matches!(phase, state::Phase::Completed | state::Phase::CompletedWithExceptions);
            assert_eq!(JobStatus::from(state::State { phase, cancelled: false }).word() == "completed", erased, "{phase:?}");
        }
    }
}

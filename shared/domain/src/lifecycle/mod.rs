//! The life of a request: one enum of phases, one function for every change. What is common to all kinds until something
//! is done for the first time is in `head`, the rest with the kind.

mod erasure;
mod export;
mod head;

use crate::request::RequestKind;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Where exactly a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Accepted, nothing checked yet.
    Received,
    /// Waits until the person's identity is confirmed.
    AwaitingVerification,
    /// Looks for the person's data, to plan.
    Discovering,
    /// A plan waits for a decision.
    InReview,
    /// Decided, waits for its turn.
    Approved,
    /// Decided, waits for its time.
    Scheduled,
    /// Waits until the export that goes before the erasure can be opened.
    Exporting,
    /// Copies the person's data into an export.
    Packaging,
    /// The export can be opened.
    Available,
    /// The export is gone: its time is over, or somebody revoked it.
    Expired,
    /// Hides batch after batch.
    Hiding,
    /// Cancelled while hiding: waits until every batch in flight has been settled.
    Settling,
    /// Hidden; the recovery window is open.
    Recoverable,
    /// Puts back what was hidden.
    Restoring,
    /// Destroys what was hidden. No way back.
    Purging,
    /// Looks again, at the live stores; or names what a later round leaves, once that is rejected, cancelled or restored.
    Verifying,
    /// Everything was put back.
    Restored,
    /// Nothing is left.
    Completed,
    /// Nothing is left but what is retained, restored, or found late and not erased, each with its reason.
    CompletedWithExceptions,
    /// A reviewer said no.
    Rejected,
    /// Stopped, and nothing of it is hidden any more.
    Cancelled,
    /// A person must look at it.
    Failed,
}

impl Phase {
    /// Every phase, for tests and tables.
    pub const ALL: [Phase; 22] = [
        Phase::Received,
        Phase::AwaitingVerification,
        Phase::Discovering,
        Phase::InReview,
        Phase::Approved,
        Phase::Scheduled,
        Phase::Exporting,
        Phase::Packaging,
        Phase::Available,
        Phase::Expired,
        Phase::Hiding,
        Phase::Settling,
        Phase::Recoverable,
        Phase::Restoring,
        Phase::Purging,
        Phase::Verifying,
        Phase::Restored,
        Phase::Completed,
        Phase::CompletedWithExceptions,
        Phase::Rejected,
        Phase::Cancelled,
        Phase::Failed,
    ];

    /// Nothing happens any more by itself; only the end of a hold opens a request again.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Phase::Restored
                | Phase::Completed
                | Phase::CompletedWithExceptions
                | Phase::Rejected
                | Phase::Cancelled
                | Phase::Expired
        )
    }

    /// Batches may be in flight.
    pub const fn is_working(self) -> bool {
        matches!(self, Phase::Hiding | Phase::Settling | Phase::Restoring | Phase::Purging)
    }

    /// Whether a person can go on without what failed in this phase.
    pub const fn can_continue_without_failed(self) -> bool {
        matches!(self, Phase::Settling | Phase::Recoverable | Phase::Restoring | Phase::Purging | Phase::Verifying)
    }

    /// The phase as the API writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Phase::Received => "received",
            Phase::AwaitingVerification => "awaiting_verification",
            Phase::Discovering => "discovering",
            Phase::InReview => "in_review",
            Phase::Approved => "approved",
            Phase::Scheduled => "scheduled",
            Phase::Exporting => "exporting",
            Phase::Packaging => "packaging",
            Phase::Available => "available",
            Phase::Expired => "expired",
            Phase::Hiding => "hiding",
            Phase::Settling => "settling",
            Phase::Recoverable => "recoverable",
            Phase::Restoring => "restoring",
            Phase::Purging => "purging",
            Phase::Verifying => "verifying",
            Phase::Restored => "restored",
            Phase::Completed => "completed",
            Phase::CompletedWithExceptions => "completed_with_exceptions",
            Phase::Rejected => "rejected",
            Phase::Cancelled => "cancelled",
            Phase::Failed => "failed",
        }
    }
}

/// A request's state. A cancelled request may still have hidden data to purge or to restore, and a plan that is looked at
/// again may be one that was decided, so both are apart from the phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct State {
    /// The exact phase.
    pub phase: Phase,
    /// Somebody cancelled it.
    pub cancelled: bool,
    /// The decision that its plan needs stands, if it needs one.
    #[serde(default)]
    pub decided: bool,
    /// A round of it destroyed something: whatever becomes of a later one, that is done, and the end says so.
    #[serde(default)]
    pub destroyed: bool,
}

impl State {
    /// The state of a request just accepted.
    pub const START: State = State { phase: Phase::Received, cancelled: false, decided: false, destroyed: false };

    const fn to(self, phase: Phase) -> State {
        State { phase, ..self }
    }

    const fn cancelled_in(self, phase: Phase) -> State {
        State { phase, cancelled: true, ..self }
    }

    const fn decided_in(self, phase: Phase) -> State {
        State { phase, decided: true, ..self }
    }

    const fn undecided_in(self, phase: Phase) -> State {
        State { phase, decided: false, ..self }
    }

    const fn destroyed_in(self, phase: Phase) -> State {
        State { phase, destroyed: true, ..self }
    }

    /// An end without an erasure. Where an earlier round destroyed something there is none: what became of the later one is
    /// named, and the request is complete with exceptions.
    const fn ended(self) -> State {
        if self.destroyed { State { phase: Phase::Verifying, cancelled: false, ..self } } else { self }
    }

    /// Nothing happens any more.
    pub const fn is_final(self) -> bool {
        self.phase.is_final()
    }

    /// The state in the words of people.
    pub const fn status(self) -> Status {
        if self.cancelled {
            return Status::Cancelled;
        }
        match self.phase {
            Phase::Received | Phase::AwaitingVerification | Phase::Discovering => Status::Pending,
            Phase::InReview => Status::InReview,
            Phase::Scheduled => Status::Scheduled,
            Phase::Approved
            | Phase::Exporting
            | Phase::Packaging
            | Phase::Hiding
            | Phase::Settling
            | Phase::Restoring
            | Phase::Purging
            | Phase::Verifying => Status::InProgress,
            Phase::Recoverable => Status::Recoverable,
            Phase::Completed | Phase::Available | Phase::Expired => Status::Completed,
            Phase::CompletedWithExceptions => Status::CompletedWithExceptions,
            Phase::Rejected => Status::Rejected,
            Phase::Restored | Phase::Cancelled => Status::Cancelled,
            Phase::Failed => Status::Failed,
        }
    }
}

/// The status users know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not yet before a reviewer.
    Pending,
    /// Before a reviewer.
    InReview,
    /// Approved for a later time.
    Scheduled,
    /// Running.
    InProgress,
    /// Hidden, can be restored.
    Recoverable,
    /// Done, nothing left.
    Completed,
    /// Done, something retained or restored.
    CompletedWithExceptions,
    /// Refused by a reviewer.
    Rejected,
    /// Cancelled, or wholly restored.
    Cancelled,
    /// Needs a person.
    Failed,
}

/// What can happen to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// It was accepted, and its identity must be confirmed first.
    IdentityNeeded,
    /// Identity is confirmed.
    IdentityConfirmed,
    /// A plan stands.
    Planned,
    /// A reviewer named ambiguous identifiers: look again, by them too.
    IdentifiersNamed,
    /// The decision is old: look again before hiding.
    PlanAged,
    /// A second look found what the plan has, so the approval stands.
    PlanConfirmed,
    /// Approved, to run now.
    Approved,
    /// Approved, to run at a later time.
    ApprovedForLater,
    /// A reviewer said no.
    Rejected,
    /// A plan stands that needs no decision: nothing is changed by it.
    DecisionNotNeeded,
    /// The export that goes before the erasure was asked for.
    ExportAsked,
    /// The export that goes before the erasure can be opened.
    ExportMade,
    /// Its turn to be packaged has come.
    PackagingStarted,
    /// An export turned out to hold more than may be packaged without a decision: look again, for a plan to decide on.
    DecisionNeeded,
    /// The export is whole.
    Packaged,
    /// The export's time is over, or somebody revoked it.
    AccessEnded,
    /// Its turn has come.
    HidingStarted,
    /// Every batch is terminal and something is hidden.
    HidingDone,
    /// Every batch is terminal and nothing is hidden.
    NothingHidden,
    /// Batches failed for good.
    BatchesFailed,
    /// A person asked to try again what failed.
    Retried,
    /// Somebody stops it.
    CancelAsked,
    /// Batches in flight are settled, and something is hidden.
    SettledHidden,
    /// Batches in flight are settled, and nothing is hidden.
    SettledClean,
    /// Somebody wants it back.
    RestoreAsked,
    /// What was asked for is back, and more is hidden still.
    RestoredSome,
    /// All of it is back.
    RestoredAll,
    /// The window has closed.
    WindowClosed,
    /// All of it is destroyed.
    PurgeDone,
    /// The second look found nothing more.
    VerifiedClean,
    /// The second look found nothing but what is retained or restored.
    VerifiedWithExceptions,
    /// The second look found more.
    LateArrivals,
    /// The hold that kept some of it was released.
    HoldReleased,
    /// It cannot go on without a person.
    Failed,
}

impl Event {
    /// Every event, for tests and tables.
    pub const ALL: [Event; 34] = [
        Event::IdentityNeeded,
        Event::IdentityConfirmed,
        Event::Planned,
        Event::IdentifiersNamed,
        Event::PlanAged,
        Event::PlanConfirmed,
        Event::Approved,
        Event::ApprovedForLater,
        Event::Rejected,
        Event::DecisionNotNeeded,
        Event::ExportAsked,
        Event::ExportMade,
        Event::PackagingStarted,
        Event::DecisionNeeded,
        Event::Packaged,
        Event::AccessEnded,
        Event::HidingStarted,
        Event::HidingDone,
        Event::NothingHidden,
        Event::BatchesFailed,
        Event::Retried,
        Event::CancelAsked,
        Event::SettledHidden,
        Event::SettledClean,
        Event::RestoreAsked,
        Event::RestoredSome,
        Event::RestoredAll,
        Event::WindowClosed,
        Event::PurgeDone,
        Event::VerifiedClean,
        Event::VerifiedWithExceptions,
        Event::LateArrivals,
        Event::HoldReleased,
        Event::Failed,
    ];
}

/// An event that does not fit the state. Nothing changes.
#[derive(Debug, Clone, Copy, Error, PartialEq, Eq)]
#[error("a request that is {} cannot take {event:?}", from.phase.name())]
pub struct Refused {
    /// The state.
    pub from: State,
    /// The event.
    pub event: Event,
}

/// The state after an event, of a request of this kind.
///
/// # Errors
/// [`Refused`] for every pair that its kind does not list.
pub const fn next(kind: RequestKind, from: State, event: Event) -> Result<State, Refused> {
    let after = match (head::next(from, event), kind) {
        (Some(after), _) => Some(after),
        (None, RequestKind::FullErasure | RequestKind::PartialErasure) => erasure::next(from, event),
        (None, RequestKind::Export) => export::next(from, event),
    };
    match after {
        Some(after) => Ok(after),
        None => Err(Refused { from, event }),
    }
}

/// The state a failed request goes back to when a person retries it, or the one it cancels from.
///
/// # Errors
/// [`Refused`] unless it failed, and for phases that nothing can be retried in.
pub const fn resume(kind: RequestKind, from: State, failed_in: Phase, event: Event) -> Result<State, Refused> {
    match (from.phase, event) {
        (Phase::Failed, Event::Retried) if !failed_in.is_final() && !matches!(failed_in, Phase::Failed) => Ok(from.to(failed_in)),
        // A restore that failed is left where it is: what is hidden still goes when its window ends.
        (Phase::Failed, Event::CancelAsked) if matches!(failed_in, Phase::Restoring) && !from.cancelled => {
            Ok(from.cancelled_in(Phase::Recoverable))
        }
        (Phase::Failed, Event::CancelAsked) => next(kind, from.to(failed_in), Event::CancelAsked),
        _ => Err(Refused { from, event }),
    }
}

#[cfg(test)]
mod tests;

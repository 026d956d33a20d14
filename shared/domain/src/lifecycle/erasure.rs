//! An erasure: hidden, recoverable, purged, verified.

use super::{Event as E, Phase as P, State};

pub(super) const fn next(from: State, event: E) -> Option<State> {
    Some(match (from.phase, event) {
        (P::Approved | P::Scheduled, E::ExportAsked) => from.to(P::Exporting),
        (P::Exporting, E::ExportMade) => from.to(P::Approved),
        (P::Exporting, E::CancelAsked) if !from.cancelled => from.cancelled_in(P::Cancelled).ended(),
        (P::Approved | P::Scheduled, E::HidingStarted) if from.decided => from.to(P::Hiding),
        (P::Hiding, E::HidingDone) => from.to(P::Recoverable),
        (P::Hiding, E::NothingHidden) => from.to(P::Verifying),
        (P::Hiding, E::CancelAsked) if !from.cancelled => from.cancelled_in(P::Settling),
        (P::Settling, E::SettledHidden) => from.to(P::Recoverable),
        (P::Settling, E::SettledClean) => from.to(P::Cancelled).ended(),
        (P::Recoverable, E::CancelAsked) if !from.cancelled => from.cancelled_in(P::Recoverable),
        (P::Recoverable, E::RestoreAsked) => from.to(P::Restoring),
        (P::Restoring, E::RestoredSome) => from.to(P::Recoverable),
        (P::Restoring, E::RestoredAll) => from.to(if from.cancelled { P::Cancelled } else { P::Restored }).ended(),
        (P::Recoverable, E::WindowClosed) => from.to(P::Purging),
        (P::Purging, E::PurgeDone) if from.cancelled => from.to(P::Cancelled).ended(),
        (P::Purging, E::PurgeDone) => from.destroyed_in(P::Verifying),
        (P::Verifying, E::VerifiedClean) => from.to(P::Completed),
        (P::Verifying, E::VerifiedWithExceptions) => from.to(P::CompletedWithExceptions),
        // What was not in the plan was not decided.
        (P::Verifying, E::LateArrivals) => from.undecided_in(P::InReview),
        (P::CompletedWithExceptions, E::HoldReleased) => from.undecided_in(P::Discovering),
        (P::Hiding | P::Settling | P::Restoring | P::Purging, E::BatchesFailed) => from.to(P::Failed),
        (P::Exporting | P::Hiding | P::Settling | P::Recoverable | P::Restoring | P::Purging | P::Verifying, E::Failed) => {
            from.to(P::Failed)
        }
        _ => return None,
    })
}

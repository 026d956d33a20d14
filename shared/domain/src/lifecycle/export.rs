//! An export: packaged, open for a while, gone.

use super::{Event as E, Phase as P, State};

pub(super) const fn next(from: State, event: E) -> Option<State> {
    Some(match (from.phase, event) {
        (P::Discovering, E::DecisionNotNeeded) => from.decided_in(P::Approved),
        (P::Approved | P::Scheduled, E::PackagingStarted) if from.decided => from.to(P::Packaging),
        // More comes to light than may be handed out without a decision: its plan is made anew, for somebody to decide on.
        (P::Packaging, E::DecisionNeeded) => from.undecided_in(P::Discovering),
        (P::Packaging, E::Packaged) => from.to(P::Available),
        (P::Available, E::AccessEnded) => from.to(P::Expired),
        (P::Packaging, E::CancelAsked) if !from.cancelled => from.cancelled_in(P::Cancelled),
        (P::Packaging, E::Failed) => from.to(P::Failed),
        _ => return None,
    })
}

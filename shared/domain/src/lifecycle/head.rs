//! From submission to the decision, for every kind of request.

use super::{Event as E, Phase as P, State};

pub(super) const fn next(from: State, event: E) -> Option<State> {
    Some(match (from.phase, event) {
        (P::Received, E::IdentityNeeded) => from.to(P::AwaitingVerification),
        (P::Received | P::AwaitingVerification, E::IdentityConfirmed) => from.to(P::Discovering),
        // Another plan needs another decision.
        (P::Discovering, E::Planned) => from.undecided_in(P::InReview),
        (P::InReview, E::Approved) => from.decided_in(P::Approved),
        (P::InReview, E::ApprovedForLater) => from.decided_in(P::Scheduled),
        (P::InReview, E::Rejected) => from.to(P::Rejected).ended(),
        (P::InReview, E::IdentifiersNamed) => from.undecided_in(P::Discovering),
        (P::Approved | P::Scheduled, E::PlanAged) => from.to(P::Discovering),
        (P::Discovering, E::PlanConfirmed) if from.decided => from.to(P::Approved),
        (phase, E::CancelAsked) if has_begun_nothing(phase) && !from.cancelled => from.cancelled_in(P::Cancelled).ended(),
        (phase, E::Failed) if has_begun_nothing(phase) => from.to(P::Failed),
        _ => return None,
    })
}

const fn has_begun_nothing(phase: P) -> bool {
    matches!(phase, P::Received | P::AwaitingVerification | P::Discovering | P::InReview | P::Approved | P::Scheduled)
}

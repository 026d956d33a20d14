use super::*;
use std::collections::{BTreeSet, HashSet, VecDeque};

const KINDS: [RequestKind; 3] = [RequestKind::FullErasure, RequestKind::PartialErasure, RequestKind::Export];

/// Every state that a request of this kind comes to, along every event that it takes, with what a walker noted on the
/// way there.
fn walk<N: Copy + Eq + std::hash::Hash>(
    kind: RequestKind,
    start: N,
    noted: impl Fn(N, Event, State) -> N,
) -> HashSet<(State, N)> {
    let begun = (State::START, None, start);
    let mut seen = HashSet::from([begun]);
    let mut open = VecDeque::from([begun]);
    while let Some((state, failed_in, note)) = open.pop_front() {
        for event in Event::ALL {
            let taken = match failed_in {
                Some(phase) if state.phase == Phase::Failed => resume(kind, state, phase, event),
                _ => next(kind, state, event),
            };
            let Ok(after) = taken else { continue };
            let failed_in = if after.phase == Phase::Failed { Some(state.phase) } else { None };
            let step = (after, failed_in, noted(note, event, after));
            if seen.insert(step) {
                open.push_back(step);
            }
        }
    }
    seen.into_iter().map(|(state, _, note)| (state, note)).collect()
}

fn reachable(kind: RequestKind) -> HashSet<State> {
    walk(kind, (), |(), _, _| ()).into_iter().map(|(state, ())| state).collect()
}

/// Every pair of a phase and an event that changes anything, written out: a change of the life cycle is a change here.
#[test]
fn every_pair_is_decided() {
    let written = |kind| {
        let mut allowed = BTreeSet::new();
        let reached = reachable(kind);
        for phase in Phase::ALL {
            for event in Event::ALL {
                let after = |cancelled, decided, destroyed| {
                    next(kind, State { phase, cancelled, decided, destroyed }, event).ok().map(|then| then.phase)
                };
                let Some(then) = after(false, true, false) else { continue };
                let only = if after(false, false, false).is_none() { ", if decided" } else { "" };
                let is_late = reached.iter().any(|s| s.destroyed && s.phase == phase);
                let late = after(false, true, true).filter(|late| is_late && *late != then);
                let late = late.map(|late| format!(", in a later round {}", late.name())).unwrap_or_default();
                let stopped = after(true, true, false).filter(|stopped| *stopped != then);
                let stopped = stopped.map(|stopped| format!(", cancelled {}", stopped.name())).unwrap_or_default();
                allowed.insert(format!("{} + {event:?} = {}{only}{stopped}{late}", phase.name(), then.name()));
            }
        }
        allowed
    };
    for (kind, expected) in [
        (RequestKind::FullErasure, include_str!("erasure.txt")),
        (RequestKind::PartialErasure, include_str!("erasure.txt")),
        (RequestKind::Export, include_str!("export.txt")),
    ] {
        let allowed = written(kind);
        let expected: BTreeSet<String> = expected.lines().map(str::to_owned).collect();
        assert_eq!(allowed, expected, "\n{}", allowed.iter().cloned().collect::<Vec<_>>().join("\n"));
    }
}

#[test]
fn every_phase_is_reached_and_final_ones_stay() {
    for phase in Phase::ALL {
        assert!(KINDS.iter().any(|k| reachable(*k).iter().any(|s| s.phase == phase)), "{phase:?} is never reached");
    }
    for kind in KINDS {
        for state in reachable(kind).into_iter().filter(|s| s.is_final()) {
            for event in Event::ALL {
                let reopened = state.phase == Phase::CompletedWithExceptions && event == Event::HoldReleased;
                assert_eq!(next(kind, state, event).is_ok(), reopened, "{state:?} took {event:?}");
            }
        }
    }
}

/// What a reviewer was shown last, and whether it was approved: told by the events alone, not by the state.
fn approved(before: bool, event: Event, after: State) -> bool {
    match event {
        Event::Approved | Event::ApprovedForLater => true,
        // Another plan, or another round: nobody has decided on it.
        _ if after.phase == Phase::InReview => false,
        Event::HoldReleased => false,
        _ => before,
    }
}

#[test]
fn p1_every_way_of_an_erasure_to_hiding_passes_an_approval_of_that_round() {
    for kind in [RequestKind::FullErasure, RequestKind::PartialErasure] {
        let states = walk(kind, false, approved);
        let hiding = || states.iter().filter(|(state, _)| state.phase == Phase::Hiding);
        assert!(hiding().count() > 0);
        assert!(hiding().all(|(_, approved)| *approved), "{:?}", hiding().collect::<Vec<_>>());
    }
}

#[test]
fn p1_an_export_is_packaged_once_it_is_decided_or_needs_no_decision() {
    let noted = |before, event, after: State| approved(before, event, after) || event == Event::DecisionNotNeeded;
    let states = walk(RequestKind::Export, false, noted);
    assert!(states.iter().any(|(state, _)| state.phase == Phase::Packaging));
    assert!(states.iter().filter(|(state, _)| state.phase == Phase::Packaging).all(|(_, decided)| *decided));
}

#[test]
fn p1_an_export_that_turns_out_to_need_a_decision_is_not_packaged_by_the_one_before() {
    let packaging = State { phase: Phase::Packaging, cancelled: false, decided: true, destroyed: false };
    let looking = next(RequestKind::Export, packaging, Event::DecisionNeeded).expect("it is looked at again");
    assert_eq!((looking.phase, looking.decided), (Phase::Discovering, false));
    assert!(next(RequestKind::Export, looking, Event::PlanConfirmed).is_err(), "nobody confirmed anything");
    let planned = next(RequestKind::Export, looking, Event::Planned).expect("a plan");
    assert!(next(RequestKind::Export, planned, Event::PackagingStarted).is_err());
    for kind in [RequestKind::FullErasure, RequestKind::PartialErasure] {
        assert!(reachable(kind).into_iter().all(|state| next(kind, state, Event::DecisionNeeded).is_err()));
    }
}

#[test]
fn no_export_hides_and_no_erasure_is_packaged() {
    use Phase as P;
    let changes = [P::Exporting, P::Hiding, P::Settling, P::Recoverable, P::Restoring, P::Purging, P::Verifying];
    assert!(reachable(RequestKind::Export).iter().all(|state| !changes.contains(&state.phase)));
    for kind in [RequestKind::FullErasure, RequestKind::PartialErasure] {
        let packaged = [P::Packaging, P::Available, P::Expired];
        assert!(reachable(kind).iter().all(|state| !packaged.contains(&state.phase)));
    }
}

#[test]
fn a_cancelled_request_stays_cancelled_and_never_completes() {
    for kind in KINDS {
        for state in reachable(kind).into_iter().filter(|s| s.cancelled) {
            assert_eq!(state.status(), Status::Cancelled);
            assert!(!matches!(state.phase, Phase::Completed | Phase::CompletedWithExceptions | Phase::Verifying), "{state:?}");
            for event in Event::ALL {
                if let Ok(after) = next(kind, state, event) {
                    // Unless an earlier round had destroyed something: then the end says so.
                    let told = state.destroyed && after == State { phase: Phase::Verifying, cancelled: false, ..state };
                    assert!(after.cancelled || told, "{state:?} + {event:?}");
                }
            }
        }
    }
}

/// Whether a round was purged and nobody had cancelled it: told by the events alone, not by the state.
fn purged(before: bool, event: Event, after: State) -> bool {
    before || (event == Event::PurgeDone && !after.cancelled)
}

#[test]
fn p3_what_a_round_destroyed_is_never_called_rejected_cancelled_or_restored() {
    let undone = [Phase::Rejected, Phase::Cancelled, Phase::Restored];
    for kind in [RequestKind::FullErasure, RequestKind::PartialErasure] {
        let states = walk(kind, false, purged);
        for (state, purged) in &states {
            assert_eq!(state.destroyed, *purged, "{state:?}");
            assert!(!(*purged && undone.contains(&state.phase)), "{state:?}");
        }
        for phase in undone {
            assert!(states.iter().any(|(state, _)| state.phase == phase), "a first round ends as {phase:?}");
        }
    }
}

#[test]
fn a_later_round_that_is_not_carried_out_is_told_of_in_the_end() {
    use Event as E;
    use Phase as P;
    let late = |phase| State { phase, cancelled: false, decided: true, destroyed: true };
    let told = State { phase: P::Verifying, cancelled: false, decided: true, destroyed: true };
    let kind = RequestKind::FullErasure;
    assert_eq!(next(kind, late(P::InReview), E::Rejected), Ok(told));
    for phase in [P::Discovering, P::InReview, P::Approved, P::Scheduled, P::Exporting] {
        assert_eq!(next(kind, late(phase), E::CancelAsked), Ok(told), "{phase:?}");
        let failed = next(kind, late(phase), E::Failed).expect("it fails");
        assert_eq!(resume(kind, failed, phase, E::CancelAsked), Ok(told), "failed while {phase:?}");
    }
    assert_eq!(next(kind, late(P::Restoring), E::RestoredAll), Ok(told));
    for (phase, event) in [(P::Settling, E::SettledClean), (P::Restoring, E::RestoredAll), (P::Purging, E::PurgeDone)] {
        assert_eq!(next(kind, State { cancelled: true, ..late(phase) }, event), Ok(told), "{phase:?}");
    }
    assert_eq!(next(kind, told, E::VerifiedWithExceptions).map(State::status), Ok(Status::CompletedWithExceptions));
    // A hold that kept some of it all along may end later still.
    let opened = next(kind, late(P::CompletedWithExceptions), E::HoldReleased).expect("it opens");
    assert_eq!(next(kind, opened, E::CancelAsked).map(|s| s.phase), Ok(P::Verifying));
}

#[test]
fn purging_cannot_be_cancelled_nor_restored() {
    let purging = State { phase: Phase::Purging, cancelled: false, decided: true, destroyed: false };
    for event in [Event::CancelAsked, Event::RestoreAsked] {
        assert!(next(RequestKind::FullErasure, purging, event).is_err());
    }
}

#[test]
fn a_failed_request_resumes_where_it_failed_or_is_cancelled_from_there() {
    let failed = State { phase: Phase::Failed, cancelled: false, decided: true, destroyed: false };
    let resume = |from, failed_in, event| resume(RequestKind::FullErasure, from, failed_in, event);
    assert_eq!(resume(failed, Phase::Hiding, Event::Retried), Ok(State { phase: Phase::Hiding, ..failed }));
    assert_eq!(resume(failed, Phase::Hiding, Event::CancelAsked).map(|s| s.phase), Ok(Phase::Settling));
    assert_eq!(resume(failed, Phase::Restoring, Event::CancelAsked).map(|s| s.phase), Ok(Phase::Recoverable));
    assert!(resume(State { cancelled: true, ..failed }, Phase::Restoring, Event::CancelAsked).is_err());
    assert!(resume(failed, Phase::Purging, Event::CancelAsked).is_err());
    assert!(resume(failed, Phase::Completed, Event::Retried).is_err());
    assert!(resume(State::START, Phase::Hiding, Event::Retried).is_err());
}

use super::*;
use std::collections::{BTreeSet, HashSet, VecDeque};

fn reachable() -> HashSet<State> {
    let mut seen = HashSet::from([State::START]);
    let mut open = VecDeque::from([State::START]);
    while let Some(state) = open.pop_front() {
        for event in Event::ALL {
            if let Ok(after) = next(state, event)
                && seen.insert(after)
            {
                open.push_back(after);
            }
        }
    }
    seen
}

/// Every pair of a phase and an event that changes anything, written out: a change of the life cycle is a change here.
#[test]
fn every_pair_is_decided() {
    let mut allowed = BTreeSet::new();
    for phase in Phase::ALL {
        for event in Event::ALL {
            if let Ok(after) = next(State { phase, cancelled: false }, event) {
                allowed.insert(format!("{} + {event:?} = {}", phase.name(), after.phase.name()));
            }
        }
    }
    let expected: BTreeSet<String> = include_str!("pairs.txt").lines().map(str::to_owned).collect();
    assert_eq!(allowed, expected, "\n{}", allowed.iter().cloned().collect::<Vec<_>>().join("\n"));
}

#[test]
fn every_phase_is_reached_and_final_ones_stay() {
    let reached = reachable();
    for phase in Phase::ALL {
        assert!(reached.iter().any(|s| s.phase == phase), "{phase:?} is never reached");
    }
    for state in reached.iter().filter(|s| s.is_final()) {
        for event in Event::ALL {
            let reopened = state.phase == Phase::CompletedWithExceptions && event == Event::HoldReleased;
            assert_eq!(next(*state, event).is_ok(), reopened, "{state:?} took {event:?}");
        }
    }
}

#[test]
fn nothing_hides_without_an_approval() {
    for phase in Phase::ALL {
        for event in Event::ALL {
            if let Ok(after) = next(State { phase, cancelled: false }, event)
                && after.phase == Phase::Hiding
            {
                assert!(matches!(phase, Phase::Approved | Phase::Scheduled), "{phase:?}");
            }
        }
    }
}

#[test]
fn a_cancelled_request_stays_cancelled_and_never_completes() {
    for state in reachable().into_iter().filter(|s| s.cancelled) {
        assert_eq!(state.status(), Status::Cancelled);
        assert!(!matches!(state.phase, Phase::Completed | Phase::CompletedWithExceptions | Phase::Verifying), "{state:?}");
        for event in Event::ALL {
            if let Ok(after) = next(state, event) {
                assert!(after.cancelled, "{state:?} + {event:?}");
            }
        }
    }
}

#[test]
fn purging_cannot_be_cancelled_nor_restored() {
    let purging = State { phase: Phase::Purging, cancelled: false };
    assert!(next(purging, Event::CancelAsked).is_err());
    assert!(next(purging, Event::RestoreAsked).is_err());
}

#[test]
fn a_failed_request_resumes_where_it_failed_or_is_cancelled_from_there() {
    let failed = State { phase: Phase::Failed, cancelled: false };
    assert_eq!(resume(failed, Phase::Hiding, Event::Retried).map(|s| s.phase), Ok(Phase::Hiding));
    assert_eq!(resume(failed, Phase::Hiding, Event::CancelAsked).map(|s| s.phase), Ok(Phase::Settling));
    assert_eq!(resume(failed, Phase::Restoring, Event::CancelAsked).map(|s| s.phase), Ok(Phase::Recoverable));
    assert!(resume(State { cancelled: true, ..failed }, Phase::Restoring, Event::CancelAsked).is_err());
    assert!(resume(failed, Phase::Purging, Event::CancelAsked).is_err());
    assert!(resume(failed, Phase::Completed, Event::Retried).is_err());
    assert!(resume(State::START, Phase::Hiding, Event::Retried).is_err());
}

//! Who does not answer is left alone for a while: a circuit breaker for each host.

use jiff::Timestamp;
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

/// When a host is left alone, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trip {
    /// After so many requests in a row that it did not answer.
    pub failures: u32,
    /// How long nobody asks it then. After that one asks, and if that fails nobody does for as long again.
    pub pause: Duration,
    /// How many hosts are remembered. Beyond that, those that failed longest ago are forgotten, and asked as if nothing had been.
    pub most_hosts: usize,
}

impl Default for Trip {
    fn default() -> Self {
        Self { failures: 5, pause: Duration::from_secs(30), most_hosts: 1_000 }
    }
}

/// Who is asked, and for whom.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Circuit {
    pub(crate) behalf: String,
    pub(crate) host: String,
    pub(crate) port: u16,
}

/// A host that failed.
#[derive(Debug, Clone, Copy)]
struct Failed {
    in_a_row: u32,
    /// When it failed last, or was tried again.
    at: Timestamp,
}

/// The hosts that failed last time. Who answers is not among them.
#[derive(Debug)]
pub(crate) struct Breakers {
    trip: Trip,
    failed: Mutex<HashMap<Circuit, Failed>>,
}

impl Breakers {
    pub(crate) fn new(trip: Trip) -> Self {
        Self { trip, failed: Mutex::default() }
    }

    /// Lets one through, unless the host is left alone: then it is told until when.
    pub(crate) fn admit(&self, circuit: &Circuit, now: Timestamp) -> Result<(), Timestamp> {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(host) = failed.get_mut(circuit).filter(|host| host.in_a_row >= self.trip.failures) else { return Ok(()) };
        let until = host.at.checked_add(self.trip.pause).unwrap_or(Timestamp::MAX);
        // A clock that was put back does not keep a host closed for longer than a pause.
        if (host.at..until).contains(&now) {
            return Err(until);
        }
        // One tries, and the others wait for it; if it never says how it went, as long as a pause.
        host.at = now;
        Ok(())
    }

    /// A host answered.
    pub(crate) fn answered(&self, circuit: &Circuit) {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner).remove(circuit);
    }

    /// A host did not answer somebody who began to ask at this time.
    pub(crate) fn failed(&self, circuit: Circuit, now: Timestamp) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        if !failed.contains_key(&circuit) && failed.len() >= self.trip.most_hosts {
            let longest_ago = failed.iter().min_by_key(|(_, host)| host.at).map(|(circuit, _)| circuit.clone());
            if let Some(circuit) = longest_ago {
                failed.remove(&circuit);
            }
        }
        let host = failed.entry(circuit).or_insert(Failed { in_a_row: 0, at: now });
        *host = Failed { in_a_row: host.in_a_row.saturating_add(1), at: now };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRIP: Trip = Trip { failures: 2, pause: Duration::from_secs(30), most_hosts: 3 };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_767_603_600 + second).expect("a time")
    }

    fn circuit(host: &str) -> Circuit {
        Circuit { behalf: "org".to_owned(), host: host.to_owned(), port: 443 }
    }

    #[test]
    fn a_host_that_fails_in_a_row_is_left_alone_and_tried_by_one() {
        let (breakers, host) = (Breakers::new(TRIP), circuit("a.example"));
        breakers.failed(host.clone(), at(0));
        assert_eq!(breakers.admit(&host, at(1)), Ok(()), "once is not in a row");
        breakers.failed(host.clone(), at(1));
        assert_eq!(breakers.admit(&host, at(2)), Err(at(31)));
        assert_eq!(breakers.admit(&host, at(30)), Err(at(31)));
        assert_eq!(breakers.admit(&host, at(31)), Ok(()), "one tries");
        assert_eq!(breakers.admit(&host, at(32)), Err(at(61)), "and the others wait for it");
        breakers.failed(host.clone(), at(31));
        assert_eq!(breakers.admit(&host, at(33)), Err(at(61)));
        assert_eq!(breakers.admit(&host, at(61)), Ok(()));
        breakers.answered(&host);
        assert_eq!(breakers.admit(&host, at(62)), Ok(()));
        assert_eq!(breakers.admit(&host, at(62)), Ok(()), "it is open to everybody");
        breakers.failed(host.clone(), at(62));
        assert_eq!(breakers.admit(&host, at(63)), Ok(()), "it is counted from the start");
    }

    #[test]
    fn an_answer_ends_the_row() {
        let (breakers, host) = (Breakers::new(TRIP), circuit("a.example"));
        for second in 0..10 {
            breakers.failed(host.clone(), at(second));
            breakers.answered(&host);
        }
        assert_eq!(breakers.admit(&host, at(10)), Ok(()));
    }

    #[test]
    fn a_host_is_left_alone_at_its_port_by_whom_it_did_not_answer() {
        let (breakers, host) = (Breakers::new(TRIP), circuit("a.example"));
        for second in 0..2 {
            breakers.failed(host.clone(), at(second));
        }
        assert!(breakers.admit(&host, at(2)).is_err());
        for other in [
            circuit("b.example"),
            Circuit { port: 8443, ..host.clone() },
            Circuit { behalf: "another".to_owned(), ..host.clone() },
        ] {
            assert_eq!(breakers.admit(&other, at(2)), Ok(()), "{other:?}");
        }
    }

    #[test]
    fn a_clock_that_is_put_back_keeps_nobody_closed() {
        let (breakers, host) = (Breakers::new(TRIP), circuit("a.example"));
        for second in 1_000..1_002 {
            breakers.failed(host.clone(), at(second));
        }
        assert!(breakers.admit(&host, at(1_002)).is_err());
        assert_eq!(breakers.admit(&host, at(0)), Ok(()));
        assert_eq!(breakers.admit(&host, at(1)), Err(at(30)));
    }

    #[test]
    fn only_so_many_hosts_are_remembered() {
        let breakers = Breakers::new(TRIP);
        for (second, host) in (0..).zip(["a.example", "b.example", "c.example"]) {
            breakers.failed(circuit(host), at(second));
            breakers.failed(circuit(host), at(second));
        }
        assert!(breakers.admit(&circuit("a.example"), at(3)).is_err());
        breakers.failed(circuit("d.example"), at(4));
        assert_eq!(breakers.admit(&circuit("a.example"), at(5)), Ok(()), "it failed longest ago");
        assert!(breakers.admit(&circuit("b.example"), at(5)).is_err() && breakers.admit(&circuit("c.example"), at(5)).is_err());
        assert_eq!(breakers.failed.lock().expect("no panic").len(), 3);
    }
}

//! How much of a deployment one organization may use up.

use crate::rate::Rate;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// What one organization may use up. Those of the deployment hold for whoever has none of its own; 0, and what neither names, is
/// not limited.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Calls of the API in a second, each by what it costs: a read of one thing costs 1.
    #[serde(default)]
    pub calls_per_second: Option<u32>,
    /// What calls that come at once may cost; a second's worth unless set.
    #[serde(default)]
    pub calls_at_once: Option<u32>,
    /// Batches begun in a minute.
    #[serde(default)]
    pub batches_per_minute: Option<u32>,
    /// Discoveries without a request, begun in a minute.
    #[serde(default)]
    pub discoveries_per_minute: Option<u32>,
    /// Discoveries without a request that are under way at the same time.
    #[serde(default)]
    pub discoveries_in_flight: Option<u32>,
    /// Compliance reports that are made at the same time.
    #[serde(default)]
    pub reports_in_flight: Option<u32>,
    /// Calls that wait for the decision on a review at the same time.
    #[serde(default)]
    pub reviews_waiting: Option<u32>,
}

/// What is taken a token at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metered {
    /// Calls of the API.
    Calls,
    /// Batches of requests.
    Batches,
    /// Discoveries without a request.
    Discoveries,
}

impl Metered {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Metered::Calls => "calls",
            Metered::Batches => "batches",
            Metered::Discoveries => "discoveries",
        }
    }
}

/// What takes long, and of which only some may be under way at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum InFlight {
    /// A discovery without a request.
    Discovery,
    /// A compliance report.
    Report,
    /// A call that waits for the decision on a review.
    WaitingReview,
}

impl InFlight {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            InFlight::Discovery => "discoveries",
            InFlight::Report => "reports",
            InFlight::WaitingReview => "waiting-reviews",
        }
    }
}

/// What comes by the minute may come at once as fast as in so many seconds of it.
const SECONDS_AT_ONCE: u32 = 10;

impl Limits {
    /// These, and where they say nothing, those.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            calls_per_second: self.calls_per_second.or(others.calls_per_second),
            calls_at_once: self.calls_at_once.or(others.calls_at_once),
            batches_per_minute: self.batches_per_minute.or(others.batches_per_minute),
            discoveries_per_minute: self.discoveries_per_minute.or(others.discoveries_per_minute),
            discoveries_in_flight: self.discoveries_in_flight.or(others.discoveries_in_flight),
            reports_in_flight: self.reports_in_flight.or(others.reports_in_flight),
            reviews_waiting: self.reviews_waiting.or(others.reviews_waiting),
        }
    }

    /// How fast tokens come back; none where nothing is limited.
    pub fn rate(&self, of: Metered) -> Option<Rate> {
        let some = |limit: Option<u32>| limit.and_then(NonZeroU32::new);
        let by_the_minute = |limit: Option<u32>| {
            let tokens = some(limit)?;
            Some(Rate::per_minute(tokens, some(Some(tokens.get().div_ceil(60 / SECONDS_AT_ONCE)))?))
        };
        match of {
            Metered::Calls => {
                let tokens = some(self.calls_per_second)?;
                Some(Rate::per_second(tokens, some(self.calls_at_once).unwrap_or(tokens)))
            }
            Metered::Batches => by_the_minute(self.batches_per_minute),
            Metered::Discoveries => by_the_minute(self.discoveries_per_minute),
        }
    }

    /// How many may be under way at the same time; none where nothing is limited.
    pub fn in_flight(&self, of: InFlight) -> Option<u32> {
        let most = match of {
            InFlight::Discovery => self.discoveries_in_flight,
            InFlight::Report => self.reports_in_flight,
            InFlight::WaitingReview => self.reviews_waiting,
        };
        most.filter(|most| *most > 0)
    }

    /// What is wrong with them: the limit, and the most that is accepted.
    pub fn problems(&self) -> Vec<(&'static str, u32)> {
        let all = [
            ("calls_per_second", self.calls_per_second, 10_000),
            ("calls_at_once", self.calls_at_once, 10_000),
            ("batches_per_minute", self.batches_per_minute, 60_000),
            ("discoveries_per_minute", self.discoveries_per_minute, 60_000),
            // As many as one read of the table asks for.
            ("discoveries_in_flight", self.discoveries_in_flight, 100),
            ("reports_in_flight", self.reports_in_flight, 100),
            ("reviews_waiting", self.reviews_waiting, 100),
        ];
        all.into_iter().filter(|(_, limit, most)| limit.is_some_and(|l| l > *most)).map(|(name, _, most)| (name, most)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rate::{Bucket, Take};
    use jiff::Timestamp;

    #[test]
    fn an_organization_has_its_own_limits_and_else_the_deployments() {
        let deployment = Limits { calls_per_second: Some(25), batches_per_minute: Some(600), ..Limits::default() };
        let own = Limits { batches_per_minute: Some(0), discoveries_in_flight: Some(1), ..Limits::default() };
        let both = own.or(deployment);
        assert_eq!(both.calls_per_second, Some(25));
        assert_eq!((both.rate(Metered::Batches), both.in_flight(InFlight::Discovery)), (None, Some(1)), "0 is no limit");
        assert_eq!((both.rate(Metered::Discoveries), both.in_flight(InFlight::Report)), (None, None));
    }

    #[test]
    fn as_many_at_once_as_was_said() {
        let at_once = |limits: Limits, of| {
            let rate = limits.rate(of).expect("a limit");
            let now = Timestamp::UNIX_EPOCH;
            assert!(matches!(rate.take(Bucket::FULL, now, 1), Take::Taken(_)));
            rate.available(Bucket::FULL, now)
        };
        let calls =
            |per_second, at_once| Limits { calls_per_second: Some(per_second), calls_at_once: at_once, ..Limits::default() };
        assert_eq!(at_once(calls(25, Some(100)), Metered::Calls), 100);
        assert_eq!(at_once(calls(25, None), Metered::Calls), 25);
        let batches = |per_minute| Limits { batches_per_minute: Some(per_minute), ..Limits::default() };
        assert_eq!(at_once(batches(600), Metered::Batches), 100);
        assert_eq!(at_once(batches(1), Metered::Batches), 1);
    }

    #[test]
    fn what_is_out_of_bounds_is_named_with_what_is_accepted() {
        let limits =
            Limits { calls_per_second: Some(10_001), reports_in_flight: Some(101), calls_at_once: Some(0), ..Limits::default() };
        assert_eq!(limits.problems(), [("calls_per_second", 10_000), ("reports_in_flight", 100)]);
        assert_eq!(Limits::default().problems(), []);
    }
}

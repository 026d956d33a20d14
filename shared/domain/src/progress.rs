//! How far a request is, and when it will be done.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Items done of items to do, in one step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Done.
    pub processed: u64,
    /// To do, in all.
    pub total: u64,
}

/// Whole percent of all steps together; 100 only when everything is done.
pub fn percent(steps: &[Progress]) -> u8 {
    let (done, total) =
        steps.iter().fold((0_u128, 0_u128), |(d, t), s| (d + u128::from(s.processed.min(s.total)), t + u128::from(s.total)));
    if total == 0 {
        return 100;
    }
    u8::try_from(done * 100 / total).unwrap_or(100)
}

/// Percent of a request when all of it is hidden.
pub const HIDDEN: u8 = 80;

/// Percent of a request when all of it is purged and it only looks again.
pub const VERIFYING: u8 = 95;

/// A percentage on a part of the scale.
pub fn share(percent: u8, from: u8, to: u8) -> u8 {
    let part = u16::from(percent.min(100)) * u16::from(to.saturating_sub(from)) / 100;
    from.saturating_add(u8::try_from(part).unwrap_or(u8::MAX))
}

/// When the rest will be done at the rate measured since `started`; `None` before anything is done.
pub fn estimate(started: Timestamp, now: Timestamp, done: u64, left: u64) -> Option<Timestamp> {
    let elapsed = now.duration_since(started).as_millis();
    if done == 0 || elapsed <= 0 {
        return None;
    }
    let millis = elapsed.checked_mul(i128::from(left))? / i128::from(done);
    now.checked_add(SignedDuration::from_millis(i64::try_from(millis).ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_reaches_100_only_at_the_end() {
        let p = |processed, total| Progress { processed, total };
        assert_eq!(percent(&[p(999, 1000)]), 99);
        assert_eq!(percent(&[p(1000, 1000), p(0, 1)]), 99);
        assert_eq!(percent(&[p(1, 1)]), 100);
        assert_eq!(percent(&[]), 100);
        assert_eq!(percent(&[p(0, 5)]), 0);
    }

    #[test]
    fn the_estimate_follows_the_measured_rate() {
        let start = Timestamp::UNIX_EPOCH;
        let now = start + SignedDuration::from_secs(10);
        assert_eq!(estimate(start, now, 100, 300), Some(start + SignedDuration::from_secs(40)));
        assert_eq!(estimate(start, now, 0, 300), None);
    }
}

//! How fast somebody may go: the generic cell rate algorithm (ITU-T I.371), by its virtual schedule.

use jiff::{SignedDuration, Timestamp};
use std::num::NonZeroU32;

/// So many tokens come back in a time, and so many can be taken at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Microseconds in which one token comes back: the emission interval.
    interval: i64,
    at_once: u32,
}

/// What is left to take, as the time at which nothing is missing any more: the theoretical arrival time. In microseconds
/// since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket(pub i64);

/// The answer to whoever wants tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    /// They are theirs; this is left.
    Taken(Bucket),
    /// Nothing was taken. There are enough at this time, unless somebody else comes first.
    Wait(Timestamp),
}

/// How far ahead of anybody's clock a bucket may be: one that is further was written by a clock that was wrong.
const AHEAD: i64 = 60_000_000;

const SECOND: u64 = 1_000_000;

impl Bucket {
    /// Of whoever took nothing yet.
    pub const FULL: Self = Self(0);
}

impl Rate {
    /// So many tokens a second.
    pub fn per_second(tokens: NonZeroU32, at_once: NonZeroU32) -> Self {
        Self::new(SECOND, tokens, at_once)
    }

    /// So many tokens a minute.
    pub fn per_minute(tokens: NonZeroU32, at_once: NonZeroU32) -> Self {
        Self::new(60 * SECOND, tokens, at_once)
    }

    fn new(time: u64, tokens: NonZeroU32, at_once: NonZeroU32) -> Self {
        // Rounded so that never more comes back than was said.
        let interval = time.div_ceil(u64::from(tokens.get()));
        Self { interval: i64::try_from(interval).unwrap_or(i64::MAX), at_once: at_once.get() }
    }

    /// Takes tokens, all or none. Whoever wants more than there can be at once is given all there can be.
    pub fn take(self, bucket: Bucket, now: Timestamp, tokens: u32) -> Take {
        let now = now.as_microsecond();
        let taken = self.full_at(bucket, now) + self.interval * i64::from(self.at_most(tokens));
        let enough = taken - self.depth();
        if enough <= now {
            Take::Taken(Bucket(taken))
        } else {
            Take::Wait(Timestamp::from_microsecond(enough).unwrap_or(Timestamp::MAX))
        }
    }

    /// How many tokens can be taken.
    pub fn available(self, bucket: Bucket, now: Timestamp) -> u32 {
        let now = now.as_microsecond();
        let room = now + self.depth() - self.full_at(bucket, now);
        u32::try_from(room.max(0) / self.interval).unwrap_or(u32::MAX)
    }

    /// As many tokens as can be taken at once.
    pub fn at_most(self, tokens: u32) -> u32 {
        tokens.min(self.at_once)
    }

    /// The tokens that come back in a second; at least one.
    pub fn of_a_second(self) -> u32 {
        u32::try_from(1_000_000 / self.interval).unwrap_or(u32::MAX).max(1)
    }

    /// In what time so many tokens come back.
    pub fn time_of(self, tokens: u32) -> SignedDuration {
        SignedDuration::from_micros(self.interval.saturating_mul(i64::from(tokens)))
    }

    /// The time in which an empty bucket fills.
    fn depth(self) -> i64 {
        self.interval * i64::from(self.at_once)
    }

    fn full_at(self, bucket: Bucket, now: i64) -> i64 {
        if bucket.0.saturating_sub(now) > self.depth() + AHEAD { now } else { bucket.0.max(now) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-01-05, 09:00 UTC, in microseconds.
    const DAWN: i64 = 1_767_603_600_000_000;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_microsecond(DAWN + micros).expect("a time")
    }

    fn number(n: u32) -> NonZeroU32 {
        NonZeroU32::new(n).expect("not zero")
    }

    /// A rate, with tokens and the microseconds in which they come back, as they were said.
    fn rates() -> impl Strategy<Value = (Rate, u32, i64, u32)> {
        let said = (any::<bool>(), 1_u32..2_000, 1_u32..200);
        said.prop_map(|(minute, tokens, at_once)| {
            let (tokens_of, at_most) = (number(tokens), number(at_once));
            if minute {
                (Rate::per_minute(tokens_of, at_most), tokens, 60_000_000, at_once)
            } else {
                (Rate::per_second(tokens_of, at_most), tokens, 1_000_000, at_once)
            }
        })
    }

    /// The most tokens that may be let in from one moment to another, both included.
    fn most((_, tokens, time, at_once): (Rate, u32, i64, u32), elapsed: i64) -> i64 {
        i64::from(at_once) + i64::try_from(i128::from(elapsed) * i128::from(tokens) / i128::from(time)).expect("few")
    }

    proptest! {
        #[test]
        fn p8_in_no_stretch_of_time_is_more_let_in_than_was_said(
            rate in rates(),
            calls in prop::collection::vec((0_i64..3_000_000, 1_u32..250), 1..80),
        ) {
            let (mut bucket, mut now, mut taken) = (Bucket::FULL, 0, vec![]);
            for (gap, tokens) in calls {
                now += gap;
                let asked = i64::from(tokens.min(rate.3));
                if let Take::Taken(left) = rate.0.take(bucket, at(now), tokens) {
                    bucket = left;
                    taken.push((now, asked));
                }
            }
            for from in 0..taken.len() {
                let mut sum = 0;
                for (now, tokens) in &taken[from..] {
                    sum += tokens;
                    prop_assert!(sum <= most(rate, now - taken[from].0), "{} tokens in {} µs", sum, now - taken[from].0);
                }
            }
        }

        #[test]
        fn whoever_waits_as_told_is_let_in_and_not_a_moment_earlier(
            rate in rates(),
            before in prop::collection::vec((0_i64..1_000_000, 1_u32..250), 0..40),
            tokens in 1_u32..250,
        ) {
            let (mut bucket, mut now) = (Bucket::FULL, 0);
            for (gap, tokens) in before {
                now += gap;
                if let Take::Taken(left) = rate.0.take(bucket, at(now), tokens) {
                    bucket = left;
                }
            }
            if let Take::Wait(until) = rate.0.take(bucket, at(now), tokens) {
                prop_assert!(until > at(now));
                prop_assert!(matches!(rate.0.take(bucket, until, tokens), Take::Taken(_)));
                let too_early = until - SignedDuration::from_micros(1);
                prop_assert_eq!(rate.0.take(bucket, too_early, tokens), Take::Wait(until));
            }
        }

        #[test]
        fn what_is_available_can_be_taken_and_one_more_cannot(
            rate in rates(),
            before in prop::collection::vec((0_i64..1_000_000, 1_u32..250), 0..40),
        ) {
            let (mut bucket, mut now) = (Bucket::FULL, 0);
            for (gap, tokens) in before {
                now += gap;
                if let Take::Taken(left) = rate.0.take(bucket, at(now), tokens) {
                    bucket = left;
                }
                let available = rate.0.available(bucket, at(now));
                prop_assert!(available <= rate.3);
                prop_assert!(available == 0 || matches!(rate.0.take(bucket, at(now), available), Take::Taken(_)));
                let one_more = rate.0.take(bucket, at(now), available + 1);
                prop_assert!(available == rate.3 || matches!(one_more, Take::Wait(_)));
            }
        }

        /// Several machines take from one bucket, and their clocks disagree by up to 30 seconds each way.
        #[test]
        fn a_clock_that_goes_back_lets_nothing_more_in_than_the_clocks_disagree_by(
            rate in rates(),
            calls in prop::collection::vec((0_i64..3_000_000, -30_000_000_i64..=30_000_000, 1_u32..250), 1..80),
        ) {
            let (mut bucket, mut now, mut sum, mut first) = (Bucket::FULL, 0, 0, None);
            for (gap, skew, tokens) in calls {
                now += gap;
                if let Take::Taken(left) = rate.0.take(bucket, at(now + skew), tokens) {
                    bucket = left;
                    sum += i64::from(tokens.min(rate.3));
                    let elapsed = now - *first.get_or_insert(now);
                    prop_assert!(sum <= most(rate, elapsed + 60_000_000));
                }
            }
        }

        #[test]
        fn nobody_is_kept_out_by_a_clock_that_was_wrong(rate in rates(), ahead in 0_i64..4_000_000_000_000_000, tokens in 1_u32..250) {
            let bucket = Bucket(DAWN + ahead);
            if let Take::Wait(until) = rate.0.take(bucket, at(0), tokens) {
                let longest = SignedDuration::from_mins(1) + rate.0.time_of(2 * rate.3);
                prop_assert!(until.duration_since(at(0)) <= longest);
                prop_assert!(matches!(rate.0.take(bucket, until, tokens), Take::Taken(_)));
            }
        }
    }

    #[test]
    fn five_a_second_and_ten_at_once() {
        let rate = Rate::per_second(number(5), number(10));
        let Take::Taken(empty) = rate.take(Bucket::FULL, at(0), 10) else { panic!("ten at once") };
        assert_eq!(rate.take(empty, at(0), 1), Take::Wait(at(200_000)));
        assert_eq!(rate.take(empty, at(0), 3), Take::Wait(at(600_000)));
        assert_eq!((rate.available(empty, at(999_999)), rate.available(empty, at(1_000_000))), (4, 5));
        assert_eq!(rate.take(empty, at(0), 1_000), Take::Wait(at(2_000_000)), "no more than there can be is asked for");
        assert_eq!((rate.of_a_second(), Rate::per_minute(number(12), number(2)).of_a_second()), (5, 1));
    }
}

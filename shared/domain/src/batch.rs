//! A batch: one manifest part, the unit of work.

use serde::{Deserialize, Serialize};
use std::ops::{Add, AddAssign};

/// What a batch has been through. Being claimed is apart: see the engine's lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchState {
    /// Nothing done yet.
    Pending,
    /// A worker has a lease on it.
    Claimed,
    /// Hidden, in the vault or by the store's own means.
    Hidden,
    /// Under a legal hold that was placed after planning: not touched, or put back.
    Held,
    /// Nothing in it to do.
    Skipped,
    /// It could not be destroyed, and a person decided to go on without.
    Resolved,
    /// Tried too often; a person must look.
    Failed,
    /// Put back.
    Restored,
    /// Destroyed.
    Purged,
}

/// What is being done with batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchWork {
    /// Into the vault, out of the store.
    Hide,
    /// Back into the store.
    Restore,
    /// Destroyed.
    Purge,
}

impl BatchWork {
    /// The state a batch must be in to be worked on.
    pub const fn starts_from(self) -> BatchState {
        match self {
            BatchWork::Hide => BatchState::Pending,
            BatchWork::Restore | BatchWork::Purge => BatchState::Hidden,
        }
    }
}

/// How many records of a batch, step or request went which way. The places exclude each other, except that
/// `uncertain` counts those among `erased` of which it is not known whether Oubli or somebody else removed them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    /// Gone from the store, with a copy in the vault.
    pub erased: u64,
    /// Of those erased: gone after a crash between copy and removal. Restored only when named.
    pub uncertain: u64,
    /// Somebody else had removed them, or they belong to somebody else now.
    pub already_absent: u64,
    /// Kept by law or by a hold that turned up after planning, or left for the next look: by what they say now, another producer
    /// may have to keep them, or something that they belong to.
    pub retained: u64,
    /// Could not be handled; flagged for a person.
    pub failed: u64,
    /// Put back.
    pub restored: u64,
    /// Not put back, because something newer stands there, somebody else removed them, or the store refused them. Their
    /// copies are kept like those of what is hidden.
    pub conflicts: u64,
    /// Not put back, and given up by a person.
    pub given_up: u64,
    /// Size of what was erased.
    #[serde(rename = "bytes_erased")]
    pub bytes: u64,
}

impl Counts {
    /// Records that ended, one way or another.
    pub const fn ended(&self) -> u64 {
        self.erased + self.already_absent + self.retained + self.failed + self.restored + self.conflicts + self.given_up
    }

    /// Records of which a copy can still be put back.
    pub const fn restorable(&self) -> u64 {
        self.erased + self.conflicts
    }
}

impl Add for Counts {
    type Output = Counts;

    fn add(self, other: Counts) -> Counts {
        Counts {
            erased: self.erased + other.erased,
            uncertain: self.uncertain + other.uncertain,
            already_absent: self.already_absent + other.already_absent,
            retained: self.retained + other.retained,
            failed: self.failed + other.failed,
            restored: self.restored + other.restored,
            conflicts: self.conflicts + other.conflicts,
            given_up: self.given_up + other.given_up,
            bytes: self.bytes + other.bytes,
        }
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        *self = *self + other;
    }
}

/// What became of one record of a batch while hiding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordOutcome {
    /// Copied to the vault, then removed on a reply that says so.
    Erased,
    /// In the vault and gone from the store, but no reply says who removed it.
    Uncertain,
    /// Gone, and no copy was ever taken; or no longer the subject's.
    AlreadyAbsent,
    /// Under a duty or hold, or left for the next look.
    Retained,
    /// Could not be handled.
    Failed,
    /// Not reached.
    Untouched,
    /// Was hidden, stands again.
    Restored,
    /// Was hidden, and could not be put back: something newer stands there, somebody else removed it, or the store refused
    /// it. Its copy is kept until the window ends.
    Conflict,
    /// Was such a conflict, and a person gave the copy up.
    GivenUp,
}

impl RecordOutcome {
    const CODES: [(RecordOutcome, char); 9] = [
        (RecordOutcome::Erased, 'e'),
        (RecordOutcome::Uncertain, 'u'),
        (RecordOutcome::AlreadyAbsent, 'a'),
        (RecordOutcome::Retained, 'r'),
        (RecordOutcome::Failed, 'f'),
        (RecordOutcome::Untouched, '-'),
        (RecordOutcome::Restored, 'b'),
        (RecordOutcome::Conflict, 'c'),
        (RecordOutcome::GivenUp, 'g'),
    ];

    /// Whether the record is out of the store with a copy in the vault.
    pub const fn is_hidden(self) -> bool {
        matches!(self, RecordOutcome::Erased | RecordOutcome::Uncertain)
    }

    /// Whether a copy is kept that can still be put back.
    pub const fn is_restorable(self) -> bool {
        self.is_hidden() || matches!(self, RecordOutcome::Conflict)
    }
}

/// The outcomes of a batch's records in order, written as runs (`998e2u`), so that an item stays small.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Outcomes(Vec<RecordOutcome>);

impl Outcomes {
    /// Outcomes in the order of the batch's records.
    pub fn new(outcomes: Vec<RecordOutcome>) -> Self {
        Self(outcomes)
    }

    /// In the order of the batch's records.
    pub fn as_slice(&self) -> &[RecordOutcome] {
        &self.0
    }

    /// How many went which way; `bytes` gives each record's size.
    pub fn counts(&self, bytes: impl Fn(usize) -> u64) -> Counts {
        let mut counts = Counts::default();
        for (place, outcome) in self.0.iter().enumerate() {
            match outcome {
                RecordOutcome::Erased => counts.erased += 1,
                RecordOutcome::Uncertain => {
                    counts.erased += 1;
                    counts.uncertain += 1;
                }
                RecordOutcome::AlreadyAbsent => counts.already_absent += 1,
                RecordOutcome::Retained => counts.retained += 1,
                RecordOutcome::Failed => counts.failed += 1,
                RecordOutcome::Restored => counts.restored += 1,
                RecordOutcome::Conflict => counts.conflicts += 1,
                RecordOutcome::GivenUp => counts.given_up += 1,
                RecordOutcome::Untouched => {}
            }
            if outcome.is_hidden() {
                counts.bytes += bytes(place);
            }
        }
        counts
    }
}

impl From<Outcomes> for String {
    fn from(outcomes: Outcomes) -> String {
        let code = |o: RecordOutcome| RecordOutcome::CODES.iter().find(|(c, _)| *c == o).map_or('-', |(_, l)| *l);
        let mut text = String::new();
        let mut rest = outcomes.0.as_slice();
        while let Some(first) = rest.first() {
            let run = rest.iter().take_while(|o| *o == first).count();
            text.push_str(&run.to_string());
            text.push(code(*first));
            rest = &rest[run..];
        }
        text
    }
}

impl TryFrom<String> for Outcomes {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let mut outcomes = Vec::new();
        let mut run = 0_usize;
        for c in text.chars() {
            if let Some(digit) = c.to_digit(10) {
                run = run * 10 + digit as usize;
                if run > 1_000_000 {
                    return Err("a run of outcomes is too long");
                }
            } else {
                let (outcome, _) = RecordOutcome::CODES.iter().find(|(_, l)| *l == c).ok_or("unknown outcome")?;
                outcomes.extend(std::iter::repeat_n(*outcome, run));
                run = 0;
            }
        }
        Ok(Self(outcomes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn outcomes_read_back(places in proptest::collection::vec(0_usize..9, 0..300)) {
            let outcomes = Outcomes::new(places.iter().map(|p| RecordOutcome::CODES[*p].0).collect());
            let text = String::from(outcomes.clone());
            prop_assert_eq!(Outcomes::try_from(text), Ok(outcomes));
        }
    }

    #[test]
    fn every_record_is_counted_in_one_place() {
        let outcomes = Outcomes::try_from("3e2u1a1r1f".to_owned()).expect("valid");
        let counts = outcomes.counts(|_| 10);
        assert_eq!(counts.ended(), 8);
        assert_eq!((counts.erased, counts.uncertain, counts.bytes), (5, 2, 50));
        assert!(Outcomes::try_from("3x".to_owned()).is_err());
        assert!(Outcomes::try_from("9999999e".to_owned()).is_err());
    }
}

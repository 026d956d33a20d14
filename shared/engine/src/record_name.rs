//! Names for single records of a request, which say nothing about their person.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A record of a request's round, by its place in step and batch: `rec_003_000012_000007`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecordName {
    /// The step's number.
    pub step_index: u32,
    /// The batch's place in the step.
    pub batch_index: u32,
    /// The record's place in the batch.
    pub index: usize,
}

/// A text that names no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record is named like rec_003_000012_000007")]
pub struct NoRecordName;

impl RecordName {
    /// The name of a record.
    pub const fn new(step_index: u32, batch_index: u32, index: usize) -> Self {
        Self { step_index, batch_index, index }
    }
}

impl fmt::Display for RecordName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rec_{:03}_{:06}_{:06}", self.step_index, self.batch_index, self.index)
    }
}

impl From<RecordName> for String {
    fn from(name: RecordName) -> String {
        name.to_string()
    }
}

impl FromStr for RecordName {
    type Err = NoRecordName;

    fn from_str(text: &str) -> Result<Self, NoRecordName> {
        let mut parts = text.strip_prefix("rec_").ok_or(NoRecordName)?.split('_').map(|part| part.parse::<u32>());
        let mut next = || parts.next().and_then(Result::ok).ok_or(NoRecordName);
        let name = Self { step_index: next()?, batch_index: next()?, index: next()? as usize };
        // One spelling only, so that what is named twice is seen to be the same.
        if name.to_string() == text { Ok(name) } else { Err(NoRecordName) }
    }
}

impl TryFrom<String> for RecordName {
    type Error = NoRecordName;

    fn try_from(text: String) -> Result<Self, NoRecordName> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_read_back_and_have_one_spelling() {
        let name = RecordName::new(3, 12, 7);
        assert_eq!(name.to_string(), "rec_003_000012_000007");
        assert_eq!("rec_003_000012_000007".parse(), Ok(name));
        for wrong in ["", "rec_", "rec_3_12_7", "rec_003_000012", "rec_003_000012_000007_1", "rec_+03_000012_000007"] {
            assert_eq!(wrong.parse::<RecordName>(), Err(NoRecordName), "{wrong}");
        }
    }
}

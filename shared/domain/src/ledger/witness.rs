//! What a log and its witnesses say to each other (C2SP tlog-witness, `add-checkpoint`).

use super::Root;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Longest answer that is read, in bytes: a signature line has about 150.
pub const MOST_ANSWERED: usize = 16 * 1024;

/// A checkpoint for a witness, with the proof that it follows what the witness holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submission {
    /// Entries of the checkpoint that the witness holds; 0 if it holds none.
    pub old_size: u64,
    /// That the log only grew since (RFC 6962, 2.1.2).
    pub proof: Vec<Root>,
    /// The checkpoint, a signed note.
    pub checkpoint: String,
}

/// The body of the request.
impl fmt::Display for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old_size)?;
        for hash in &self.proof {
            writeln!(f, "{hash}")?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

/// What a witness says to a submission. Nothing of it is believed yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum WitnessAnswer {
    /// It cosigned.
    Cosigned {
        /// Signature lines of a note, one of which is the cosignature.
        lines: String,
    },
    /// It holds another checkpoint than the submission begins at.
    Conflict {
        /// The entries of that one.
        size: u64,
    },
    /// It does not cosign this.
    Refused {
        /// Why, in a few words of ours.
        reason: String,
    },
    /// It did not answer, or not now.
    Unavailable {
        /// Why, in a few words of ours.
        reason: String,
    },
}

impl WitnessAnswer {
    /// A refusal, in these words.
    pub fn refused(reason: impl Into<String>) -> Self {
        Self::Refused { reason: reason.into() }
    }

    /// No answer, for this reason.
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self::Unavailable { reason: reason.into() }
    }

    /// What an answer over HTTP means.
    pub fn of_http(status: u16, content_type: Option<&str>, body: &[u8]) -> Self {
        let text = std::str::from_utf8(body).ok().filter(|text| text.len() <= MOST_ANSWERED);
        match (status, text) {
            (200, Some(text)) => Self::Cosigned { lines: text.to_owned() },
            (409, Some(text)) if content_type.is_some_and(|t| t.split(';').next() == Some("text/x.tlog.size")) => {
                let size = text.strip_suffix('\n').and_then(|size| size.parse().ok().filter(|n: &u64| n.to_string() == size));
                size.map_or_else(|| Self::refused("it answered with a size that is none"), |size| Self::Conflict { size })
            }
            (200, None) => Self::refused("its answer is not text, or too long"),
            (403, _) => Self::refused("it does not trust the log's key (403)"),
            (404, _) => Self::refused("it does not know the log (404)"),
            (409, _) => Self::refused("it holds another checkpoint of this size (409)"),
            (422, _) => Self::refused("the proof does not lead from the checkpoint that it holds (422)"),
            (429 | 500..=u16::MAX, _) => Self::unavailable(format!("it answered {status}")),
            _ => Self::refused(format!("it answered {status}")),
        }
    }
}

//! What is wrong with a map, and where.

use serde::Serialize;
use std::fmt;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The map works, but somebody should look.
    Warning,
    /// The map is not accepted.
    Refused,
}

/// Something wrong. Its message begins with what it is about, as `producer orders: retention: from …`: [`super::Lines`] finds
/// the line by that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// The line of the key concerned, or of what it would belong to, from 1.
    pub line: Option<u64>,
    /// The key concerned: `orders.retention.from`.
    pub field: Option<String>,
    /// What and what to do.
    pub message: String,
    /// How much of the message the field says, too.
    #[serde(skip)]
    pub(super) named: usize,
}

impl Finding {
    /// A reason not to accept the map.
    pub fn refuse(line: Option<u64>, message: String) -> Self {
        Self { severity: Severity::Refused, line, field: None, message, named: 0 }
    }

    /// Something to look at.
    pub fn warn(line: Option<u64>, message: String) -> Self {
        Self { severity: Severity::Warning, ..Self::refuse(line, message) }
    }

    /// What and what to do, without what the field says.
    pub fn words(&self) -> &str {
        self.message.get(self.named..).unwrap_or(&self.message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

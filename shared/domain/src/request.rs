//! What a request asks for.

use serde::{Deserialize, Serialize};

/// What a request asks for. Pseudonymization is not offered by this engine yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RequestKind {
    /// Everything about the person.
    FullErasure,
    /// The categories named, or all but those named.
    PartialErasure,
    /// A copy of it (Art. 15 and 20 GDPR). Changes nothing.
    Export,
}

impl RequestKind {
    /// Every kind.
    pub const ALL: [RequestKind; 3] = [RequestKind::FullErasure, RequestKind::PartialErasure, RequestKind::Export];

    /// The kind as the API writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FullErasure => "full_erasure",
            Self::PartialErasure => "partial_erasure",
            Self::Export => "export",
        }
    }

    /// It erases.
    pub const fn erases(self) -> bool {
        matches!(self, Self::FullErasure | Self::PartialErasure)
    }
}

/// What kinds of copies a request covers, besides the data itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Producers marked `backup`.
    pub include_backups: bool,
    /// Producers marked `log`.
    pub include_logs: bool,
    /// Producers marked `derived`.
    pub include_derived_data: bool,
}

impl Default for Scope {
    fn default() -> Self {
        Self { include_backups: true, include_logs: true, include_derived_data: true }
    }
}

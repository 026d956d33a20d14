//! What people are told by email of what becomes of a request.

use serde::{Deserialize, Serialize};

/// What they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// An export can be opened.
    ExportReady,
    /// An export can soon be opened no more.
    ExportExpiring,
    /// An export failed, or lacks records.
    ExportProblem,
}

impl Notice {
    /// Every notice.
    pub const ALL: [Notice; 3] = [Notice::ExportReady, Notice::ExportExpiring, Notice::ExportProblem];

    /// Its name in items and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Notice::ExportReady => "export_ready",
            Notice::ExportExpiring => "export_expiring",
            Notice::ExportProblem => "export_problem",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_that_are_written() {
        for notice in Notice::ALL {
            assert_eq!(serde_json::to_value(notice).expect("JSON"), notice.name());
        }
    }
}

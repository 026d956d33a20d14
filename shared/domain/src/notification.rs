//! What people are told by email of what becomes of a request.

use serde::{Deserialize, Serialize};

/// What they are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NotificationKind {
    /// An export can be opened.
    ExportReady,
    /// An export can soon be opened no more.
    ExportExpiring,
    /// An export failed, or lacks records.
    ExportProblem,
}

impl NotificationKind {
    /// Every notification.
    pub const ALL: [NotificationKind; 3] =
        [NotificationKind::ExportReady, NotificationKind::ExportExpiring, NotificationKind::ExportProblem];

    /// Its name in items and messages.
    pub const fn name(self) -> &'static str {
        match self {
            NotificationKind::ExportReady => "export_ready",
            NotificationKind::ExportExpiring => "export_expiring",
            NotificationKind::ExportProblem => "export_problem",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_that_are_written() {
        for notification in NotificationKind::ALL {
            assert_eq!(serde_json::to_value(notification).expect("JSON"), notification.name());
        }
    }
}

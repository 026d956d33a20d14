//! What people of an organization are told.

use crate::ids::{InvalidId, OrganizationId, RequestId};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// One thing that people of an organization are told, once.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notification {
    /// Whose people.
    pub organization: OrganizationId,
    /// What it is about.
    pub about: About,
    /// What they are told of it.
    pub kind: NotificationKind,
}

/// What a notification can be about. Written as the id, which says by its prefix what it is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum About {
    /// A request.
    Request(RequestId),
}

impl About {
    /// The request it is, if it is one.
    pub const fn request(&self) -> Option<&RequestId> {
        match self {
            About::Request(id) => Some(id),
        }
    }
}

impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            About::Request(id) => id.fmt(f),
        }
    }
}

impl FromStr for About {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        text.parse().map(About::Request)
    }
}

impl TryFrom<String> for About {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, InvalidId> {
        text.parse()
    }
}

impl From<About> for String {
    fn from(about: About) -> String {
        about.to_string()
    }
}

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

    #[test]
    fn what_it_is_about_is_read_back_from_its_id() {
        let id = "req_0190a5d8c0de7000a000000000000042";
        let about = About::Request(id.parse().expect("an id"));
        assert_eq!(serde_json::to_value(about).expect("JSON"), id);
        assert_eq!(serde_json::from_value::<About>(id.into()).expect("read"), about);
        assert!("hold_0190a5d8c0de7000a000000000000042".parse::<About>().is_err());
    }
}

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

    /// It changes the records it finds: what is found is compared from round to round, and belongs to one producer.
    pub const fn changes_records(self) -> bool {
        match self {
            Self::FullErasure | Self::PartialErasure => true,
            Self::Export => false,
        }
    }

    /// It hands out copies of what it finds, in an archive that somebody opens.
    pub const fn copies_records(self) -> bool {
        match self {
            Self::FullErasure | Self::PartialErasure => false,
            Self::Export => true,
        }
    }

    /// A legal hold keeps it from what is held. No hold keeps a person's data from being shown to them.
    pub const fn yields_to_holds(self) -> bool {
        match self {
            Self::FullErasure | Self::PartialErasure => true,
            Self::Export => false,
        }
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

/// What a request waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitingFor {
    /// The release of a legal hold.
    LegalHold,
    /// The end of what is under way for the same person.
    AnotherRequest,
    /// Its turn: as many requests as the organization lets work at once do.
    Capacity,
    /// A store that answers again.
    StoreUnreachable,
    /// The export that goes before it.
    Export,
}

impl WaitingFor {
    /// As the API and items write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LegalHold => "legal_hold",
            Self::AnotherRequest => "another_request",
            Self::Capacity => "capacity",
            Self::StoreUnreachable => "store_unreachable",
            Self::Export => "export",
        }
    }
}

/// How far a step of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// Not begun.
    Pending,
    /// Under way.
    InProgress,
    /// Done.
    Completed,
    /// Not done, and a person has to look.
    Failed,
}

impl StepStatus {
    /// As the API writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

/// How far what is done in the background is: a look at what is there, a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// It goes on.
    Running,
    /// It is done.
    Completed,
    /// It ended without an answer.
    Failed,
}

impl TaskStatus {
    /// As the API and items write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::to_value;

    #[test]
    fn names_are_those_that_are_written() {
        use WaitingFor::{AnotherRequest, Capacity, Export, LegalHold, StoreUnreachable};
        for waiting in [LegalHold, AnotherRequest, Capacity, StoreUnreachable, Export] {
            assert_eq!(to_value(waiting).expect("JSON"), waiting.name());
        }
        for step in [StepStatus::Pending, StepStatus::InProgress, StepStatus::Completed, StepStatus::Failed] {
            assert_eq!(to_value(step).expect("JSON"), step.name());
        }
        for task in [TaskStatus::Running, TaskStatus::Completed, TaskStatus::Failed] {
            assert_eq!(to_value(task).expect("JSON"), task.name());
        }
    }
}

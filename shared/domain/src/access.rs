//! Who may do what.

use crate::ids::{ActorId, OrganizationId};
use serde::{Deserialize, Serialize};

/// What a credential stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Submits, watches, places holds.
    PrivacyOfficer,
    /// Approves and rejects.
    Reviewer,
    /// Reads, above all the audit log.
    Auditor,
    /// Everything an organization can do.
    Administrator,
    /// A machine that submits and watches.
    Service,
}

impl Role {
    /// Every role, for tests and tables.
    pub const ALL: [Role; 5] = [Role::PrivacyOfficer, Role::Reviewer, Role::Auditor, Role::Administrator, Role::Service];
}

impl std::str::FromStr for Role {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|_| UnknownRole)
    }
}

/// A role there is not.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("unknown role: privacy_officer, reviewer, auditor, administrator and service are accepted")]
pub struct UnknownRole;

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Submit a request.
    Submit,
    /// Read requests and their status.
    Read,
    /// Say that a person's identity was checked.
    Attest,
    /// Approve or reject a plan.
    Decide,
    /// Cancel or restore.
    Undo,
    /// Try again what failed.
    Retry,
    /// Look at what is there for a subject.
    Discover,
    /// Place or release a legal hold.
    Hold,
    /// See legal holds.
    ReadHolds,
    /// Read the audit log.
    ReadAudit,
    /// Extend a deadline.
    Extend,
    /// Have a certificate, which carries what opens the commitment to the person.
    Certify,
    /// Make compliance reports.
    Report,
    /// Register and remove saved queries.
    Configure,
}

impl Action {
    /// Every action, for tests and tables.
    pub const ALL: [Action; 14] = [
        Action::Submit,
        Action::Read,
        Action::Attest,
        Action::Decide,
        Action::Undo,
        Action::Retry,
        Action::Discover,
        Action::Hold,
        Action::ReadHolds,
        Action::ReadAudit,
        Action::Extend,
        Action::Certify,
        Action::Report,
        Action::Configure,
    ];
}

impl Role {
    /// Whether this role may do this.
    pub const fn may(self, action: Action) -> bool {
        use Action as A;
        match self {
            Role::Administrator => true,
            Role::PrivacyOfficer => !matches!(action, A::Decide | A::Configure),
            Role::Reviewer => matches!(action, A::Read | A::Decide | A::ReadHolds | A::Discover),
            Role::Auditor => matches!(action, A::Read | A::ReadAudit | A::ReadHolds | A::Report),
            Role::Service => matches!(action, A::Submit | A::Read | A::Attest | A::Discover | A::Certify),
        }
    }
}

/// Whoever is behind a call, as its credential says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose data it may see. From the credential and from nowhere else.
    pub organization: OrganizationId,
    /// The opaque id that the audit log names.
    pub actor: ActorId,
    /// What it may do.
    pub role: Role,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_reviewers_and_administrators_decide() {
        for role in Role::ALL {
            assert_eq!(role.may(Action::Decide), matches!(role, Role::Reviewer | Role::Administrator), "{role:?}");
        }
    }

    #[test]
    fn an_auditor_changes_nothing() {
        for action in Action::ALL {
            let reads = matches!(action, Action::Read | Action::ReadAudit | Action::ReadHolds | Action::Report);
            assert_eq!(Role::Auditor.may(action), reads, "{action:?}");
        }
    }
}

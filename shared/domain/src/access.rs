//! Who may do what.

use crate::ids::{ActorId, OrganizationId};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

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

impl Role {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Role::PrivacyOfficer => "privacy_officer",
            Role::Reviewer => "reviewer",
            Role::Auditor => "auditor",
            Role::Administrator => "administrator",
            Role::Service => "service",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
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
    /// See by what a person is known, and the words of people about them.
    Reveal,
    /// Say that a person's identity was checked.
    Attest,
    /// Approve or reject a plan, or what somebody else asks to be decided.
    Decide,
    /// Ask for a decision on something of one's own.
    AskReview,
    /// Say something of a review afterwards.
    GiveFeedback,
    /// See how many reviews there were, and what became of them.
    ReadStats,
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
    /// Open an export, or revoke it, unless the organization says otherwise.
    OpenExport,
    /// Change members, keys, settings and the data map.
    Administer,
    /// See members, keys, settings and the data map.
    ReadOrganization,
}

impl Action {
    /// Every action, for tests and tables.
    pub const ALL: [Action; 21] = [
        Action::Submit,
        Action::Read,
        Action::Reveal,
        Action::Attest,
        Action::Decide,
        Action::AskReview,
        Action::GiveFeedback,
        Action::ReadStats,
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
        Action::OpenExport,
        Action::Administer,
        Action::ReadOrganization,
    ];
}

impl Action {
    /// The roles that may, for whoever is told that theirs may not.
    pub fn roles(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| role.may(self))
    }
}

impl Role {
    /// Whether this role may do this.
    pub const fn may(self, action: Action) -> bool {
        use Action as A;
        match self {
            Role::Administrator => true,
            Role::PrivacyOfficer => !matches!(action, A::Decide | A::Configure | A::Administer | A::ReadOrganization),
            Role::Reviewer => {
                matches!(action, A::Read | A::Reveal | A::Decide | A::GiveFeedback | A::ReadStats | A::ReadHolds | A::Discover)
            }
            Role::Auditor => {
                matches!(action, A::Read | A::ReadStats | A::ReadAudit | A::ReadHolds | A::Report | A::ReadOrganization)
            }
            Role::Service => {
                matches!(action, A::Submit | A::Read | A::Attest | A::Discover | A::Certify | A::AskReview | A::GiveFeedback)
            }
        }
    }
}

/// The roles of a member, or that of a service: never none, and `service` only by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "BTreeSet<Role>", into = "BTreeSet<Role>")]
pub struct Roles(BTreeSet<Role>);

/// Roles that nobody has together.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum InvalidRoles {
    /// There is none.
    #[error("at least one role is needed")]
    None,
    /// A machine is nobody, and a person is no machine.
    #[error("service stands by itself: what is a machine's is not also a person's")]
    ServiceAndOthers,
}

impl Roles {
    /// One role.
    pub fn of(role: Role) -> Self {
        Self([role].into())
    }

    /// All that a member can have.
    pub fn of_members() -> Self {
        Self(Role::ALL.into_iter().filter(|role| *role != Role::Service).collect())
    }

    /// These roles.
    ///
    /// # Errors
    /// None, or `service` among others.
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Result<Self, InvalidRoles> {
        let roles: BTreeSet<Role> = roles.into_iter().collect();
        match roles.len() {
            0 => Err(InvalidRoles::None),
            1 => Ok(Self(roles)),
            _ if roles.contains(&Role::Service) => Err(InvalidRoles::ServiceAndOthers),
            _ => Ok(Self(roles)),
        }
    }

    /// Whether any of them may do this.
    pub fn may(&self, action: Action) -> bool {
        self.iter().any(|role| role.may(action))
    }

    /// Whether this is one of them.
    pub fn contains(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    /// Whether any of them is among these.
    pub fn any_of(&self, roles: &[Role]) -> bool {
        self.iter().any(|role| roles.contains(&role))
    }

    /// Whether it is one that is none of a member's.
    pub fn is_service(&self) -> bool {
        self.contains(Role::Service)
    }

    /// Those of them that are among others, too; none where none is.
    #[must_use]
    pub fn within(&self, others: &Self) -> Option<Self> {
        Self::new(self.0.intersection(&others.0).copied()).ok()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = Role> {
        self.0.iter().copied()
    }
}

impl TryFrom<BTreeSet<Role>> for Roles {
    type Error = InvalidRoles;

    fn try_from(roles: BTreeSet<Role>) -> Result<Self, InvalidRoles> {
        Self::new(roles)
    }
}

impl From<Roles> for BTreeSet<Role> {
    fn from(roles: Roles) -> Self {
        roles.0
    }
}

impl fmt::Display for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Role::name).collect();
        f.write_str(&names.join(", "))
    }
}

/// Whoever is behind a call, as its credential says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Whose data it may see. From the credential and from nowhere else.
    pub organization: OrganizationId,
    /// The opaque id that the audit log names: the member's, whichever of their credentials came, or a service's own.
    pub actor: ActorId,
    /// What it may do.
    pub roles: Roles,
}

impl Caller {
    /// Whether it may do this.
    pub fn may(&self, action: Action) -> bool {
        self.roles.may(action)
    }
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
            use Action as A;
            let reads = matches!(action, A::Read | A::ReadStats | A::ReadAudit | A::ReadHolds | A::Report | A::ReadOrganization);
            assert_eq!(Role::Auditor.may(action), reads, "{action:?}");
        }
    }

    #[test]
    fn a_service_has_no_other_role_and_nobody_has_none() {
        assert_eq!(Roles::new([]), Err(InvalidRoles::None));
        assert_eq!(Roles::new([Role::Service, Role::Reviewer]), Err(InvalidRoles::ServiceAndOthers));
        assert_eq!(Roles::new([Role::Service]), Ok(Roles::of(Role::Service)));
        assert!(serde_json::from_str::<Roles>(r#"["service","auditor"]"#).is_err());
        assert!(serde_json::from_str::<Roles>("[]").is_err());
    }

    #[test]
    fn several_roles_may_what_any_of_them_may_and_a_narrower_key_no_more() {
        let both = Roles::new([Role::PrivacyOfficer, Role::Reviewer]).expect("roles");
        assert!(both.may(Action::Submit) && both.may(Action::Decide) && !both.may(Action::Administer));
        let narrow = both.within(&Roles::of(Role::PrivacyOfficer)).expect("one");
        assert!(narrow.may(Action::Submit) && !narrow.may(Action::Decide));
        assert_eq!(both.within(&Roles::of(Role::Administrator)), None);
    }
}

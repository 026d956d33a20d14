//! Organizations: who may act for one, its settings and its data maps.

mod administration;
mod authenticate;
mod forms;
mod issuers;
mod keys;
mod limits;
mod maps;
mod members;
mod routing_rules;
mod settings;
mod stores;
mod subjects;
mod teams;
mod token;
mod tokens;

pub use administration::Administration;
pub use issuers::IssuerView;
pub use keys::{KeyView, NewKey, NewKeyWanted, Source};
pub use maps::{Affected, AffectedRequests, MapProposal, PublishedMap, Publishing};
pub use members::{Member, MemberChange, NewMember};
pub use routing_rules::{NewRule, RuleChange, RuleView, TriedRule};
pub use settings::NO_RECOVERY;
pub use subjects::GivenSubject;
pub use teams::{Team, TeamChange};

use crate::{
    Refusal, Result,
    core::{Core, MemberItem, members_of},
};
use administration::By;
use oubli_domain::{
    access::{Action, Caller},
    datamap::DataMap,
    ids::OrganizationId,
    settings::Settings,
};

/// Organizations, their members, settings, keys and data maps.
#[derive(Clone)]
pub struct Directory {
    pub(crate) core: Core,
}

impl Directory {
    /// An organization's settings.
    ///
    /// # Errors
    /// [`crate::EngineError::Internal`] if there is no such organization.
    pub async fn settings(&self, organization: &OrganizationId) -> Result<Settings> {
        self.core.settings(organization).await
    }

    /// The settings, for whoever may see them.
    ///
    /// # Errors
    /// A role that may not.
    pub async fn settings_for(&self, caller: &Caller) -> Result<Settings> {
        Core::permit(caller, Action::ReadOrganization)?;
        self.settings(&caller.organization).await
    }

    /// The newest version of an organization's data map.
    ///
    /// # Errors
    /// `data_map_missing` when none was published.
    pub async fn data_map(&self, organization: &OrganizationId) -> Result<(u64, DataMap)> {
        self.core.data_map(organization).await
    }

    /// Every member of an organization, in the order in which they came.
    ///
    /// # Errors
    /// A role that may not see them.
    pub async fn members(&self, caller: &Caller) -> Result<Vec<Member>> {
        Core::permit(caller, Action::ReadOrganization)?;
        let mut members = members_of(&self.core, &caller.organization).await?;
        members.sort_by_key(|member| (member.created_at, member.id));
        Ok(members.into_iter().map(Member::from).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// A role that may not see them; `not_found`.
    pub async fn member(&self, caller: &Caller, id: &oubli_domain::ids::ActorId) -> Result<Member> {
        Core::permit(caller, Action::ReadOrganization)?;
        let member: Option<MemberItem> = self.core.member(&caller.organization, id).await?;
        member.map(Member::from).ok_or_else(|| Refusal::not_found("member").into())
    }

    /// Who calls: the member, or a machine by the name of its key.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`].
    pub async fn caller(&self, caller: &Caller) -> Result<(Option<Member>, Option<String>)> {
        let member: Option<MemberItem> = self.core.member(&caller.organization, &caller.actor).await?;
        let name = self.core.actor_name(&caller.organization, &caller.actor).await?;
        Ok((member.map(Member::from), name))
    }

    /// What a member with the role for it may change.
    ///
    /// # Errors
    /// A role that may not.
    pub fn administration(&self, caller: &Caller) -> Result<Administration> {
        Core::permit(caller, Action::Administer)?;
        Ok(self.by(caller.organization.clone(), By::Member(caller.actor)))
    }

    /// The same for whoever operates the deployment, with rights on its tables; `name` is who that is, as AWS knows them.
    pub fn operator(&self, organization: &OrganizationId, name: Option<&str>) -> Administration {
        self.by(organization.clone(), By::Operator(name.map(str::to_owned)))
    }

    fn by(&self, organization: OrganizationId, by: By) -> Administration {
        Administration { core: self.core.clone(), organization, by }
    }
}

//! Teams: members who are asked together.

use super::{
    Directory,
    administration::{Administration, details},
};
use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, Numbered, TeamItem, directory, organization_partition, plain_item, team_key},
    ports::{Condition, Key},
    transaction::{Committed, Transaction, equals},
};
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    ids::OrganizationId,
    review::TeamId,
};
use serde_json::json;

/// Most teams of an organization.
const MOST_TEAMS: usize = 100;

/// Members who are asked together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// Its number.
    pub id: TeamId,
    /// As members name the teams they are in.
    pub name: String,
    /// Since when there is one.
    pub created_at: Timestamp,
}

impl From<TeamItem> for Team {
    fn from(item: TeamItem) -> Self {
        let TeamItem { id, name, created_at, revision: _ } = item;
        Self { id, name, created_at }
    }
}

fn name_key(organization: &OrganizationId, name: &str) -> Key {
    directory(organization_partition(organization), format!("team-name#{}", name.to_lowercase()))
}

impl Directory {
    /// Every team, the oldest first.
    ///
    /// # Errors
    /// A role that may not see them.
    pub async fn teams(&self, caller: &Caller) -> Result<Vec<Team>> {
        Core::permit(caller, Action::ReadOrganization)?;
        Ok(self.core.teams(&caller.organization).await?.into_iter().map(Team::from).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// A role that may not see them; `not_found`.
    pub async fn team(&self, caller: &Caller, id: TeamId) -> Result<Team> {
        Core::permit(caller, Action::ReadOrganization)?;
        let team: Option<TeamItem> = self.core.find(team_key(&caller.organization, id)).await?;
        team.map(Team::from).ok_or_else(|| Refusal::not_found("team").into())
    }
}

impl Administration {
    /// Makes a team.
    ///
    /// # Errors
    /// `team_exists`; too many; no such organization; somebody else changed teams at the same moment.
    pub async fn add_team(&self, name: String) -> Result<Team> {
        if self.core.teams(&self.organization).await?.len() >= MOST_TEAMS {
            let text = format!("There are {MOST_TEAMS} teams already.");
            return Err(Refusal::conflict(ProblemCode::TooMany, text, "Remove one that is not needed any more.").into());
        }
        let (number, numbered) = self.core.next_number(&self.organization, Numbered::Teams).await?;
        let id = TeamId::new(number).map_err(|_| EngineError::internal("teams have no more numbers"))?;
        let item = TeamItem { id, name, created_at: self.core.now(), revision: 1 };
        let settings = directory(organization_partition(&self.organization), "settings");
        let transaction = self.claim_name(numbered, &item)?.check(settings, vec![Condition::ItemPresent]).put(
            team_key(&self.organization, id),
            &item,
            vec![Condition::ItemAbsent],
        )?;
        match self.commit(transaction, EventType::TeamAdded, details([("team", json!(id))])).await? {
            Committed::Yes => Ok(item.into()),
            Committed::Refused => Err(self.why_no_team(&item).await?),
        }
    }

    /// Renames a team. Members name the teams they are in: theirs are not changed.
    ///
    /// # Errors
    /// `not_found`; `team_exists`; somebody else changed it at the same moment.
    pub async fn rename_team(&self, id: TeamId, name: String) -> Result<Team> {
        let before = self.team(id).await?;
        if before.name == name {
            return Ok(before.into());
        }
        let after = TeamItem { name, revision: before.revision + 1, ..before.clone() };
        let mut transaction =
            Transaction::new().put(team_key(&self.organization, id), &after, vec![equals("revision", before.revision)])?;
        if name_key(&self.organization, &before.name) != name_key(&self.organization, &after.name) {
            transaction = self.claim_name(transaction, &after)?.delete(name_key(&self.organization, &before.name), vec![]);
        }
        match self.commit(transaction, EventType::TeamChanged, details([("team", json!(id))])).await? {
            Committed::Yes => Ok(after.into()),
            Committed::Refused => Err(self.why_no_team(&after).await?),
        }
    }

    /// Removes a team that no rule names.
    ///
    /// # Errors
    /// `not_found`; `team_in_use`; somebody else changed it at the same moment.
    pub async fn remove_team(&self, id: TeamId) -> Result<()> {
        let team = self.team(id).await?;
        let rules = self.core.routing_rules(&self.organization).await?;
        if let Some(rule) = rules.iter().find(|item| item.rule.assign_to_team == Some(id)) {
            let text = format!("The rule {} names this team.", rule.rule.id);
            return Err(Refusal::conflict(ProblemCode::TeamInUse, text, "Change the rule, or remove it, first.").into());
        }
        let transaction = Transaction::new()
            .delete(team_key(&self.organization, id), vec![equals("revision", team.revision)])
            .delete(name_key(&self.organization, &team.name), vec![]);
        match self.commit(transaction, EventType::TeamRemoved, details([("team", json!(id))])).await? {
            Committed::Yes => Ok(()),
            Committed::Refused => Err(EngineError::Conflict("the team")),
        }
    }

    async fn team(&self, id: TeamId) -> Result<TeamItem> {
        let team = self.core.find(team_key(&self.organization, id)).await?;
        team.ok_or_else(|| Refusal::not_found("team").into())
    }

    fn claim_name(&self, transaction: Transaction, team: &TeamItem) -> Result<Transaction> {
        let owner = plain_item([("team", json!(team.id))]);
        transaction.put(name_key(&self.organization, &team.name), &owner, vec![Condition::ItemAbsent])
    }

    async fn why_no_team(&self, wanted: &TeamItem) -> Result<EngineError> {
        self.core.there_is(&self.organization).await?;
        let found = self.core.ports.table.get_many(&[name_key(&self.organization, &wanted.name)]).await?.pop().flatten();
        if found.is_some_and(|owner| owner.get("team") != Some(&json!(wanted.id))) {
            let refusal =
                Refusal::conflict(ProblemCode::TeamExists, "name: there is a team of this name.", "Choose another name.");
            return Ok(Refusal { field: Some("name".to_owned()), ..refusal }.into());
        }
        Ok(EngineError::Conflict("teams"))
    }
}

//! Teams: members who are asked together.

use super::{
    Directory,
    administration::{Administration, details},
};
use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{
        Core, DefaultTeamItem, Numbered, TeamItem, default_team_key, directory, organization_partition, plain_item, team_key,
    },
    ports::{Condition, Key},
    transaction::{Committed, Transaction, equals, unchanged},
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
    /// It is asked where no rule says who is.
    pub is_default: bool,
    /// Since when there is one.
    pub created_at: Timestamp,
}

/// What is to be changed of a team; the rest stays.
#[derive(Debug, Clone, Default)]
pub struct TeamChange {
    /// As members name the teams they are in.
    pub name: Option<String>,
    /// Whether it is asked where no rule says who is. No more than one team is.
    pub is_default: Option<bool>,
}

fn view(item: TeamItem, default: Option<TeamId>) -> Team {
    let TeamItem { id, name, created_at, revision: _ } = item;
    Team { id, name, is_default: default == Some(id), created_at }
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
        let default = self.core.default_team(&caller.organization).await?;
        Ok(self.core.teams(&caller.organization).await?.into_iter().map(|item| view(item, default)).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// A role that may not see them; `not_found`.
    pub async fn team(&self, caller: &Caller, id: TeamId) -> Result<Team> {
        Core::permit(caller, Action::ReadOrganization)?;
        let team: Option<TeamItem> = self.core.find(team_key(&caller.organization, id)).await?;
        let team = team.ok_or_else(|| Refusal::not_found("team"))?;
        Ok(view(team, self.core.default_team(&caller.organization).await?))
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
            Committed::Yes => Ok(view(item, None)),
            Committed::Refused => Err(self.why_no_team(&item).await?),
        }
    }

    /// Renames a team, or has it asked where no rule says who is, in the place of the one before. Members name the teams they are
    /// in: theirs are not changed. What is as it was leaves no trace.
    ///
    /// # Errors
    /// `not_found`; `team_exists`; somebody else changed it, or which team is asked, at the same moment.
    pub async fn change_team(&self, id: TeamId, change: TeamChange) -> Result<Team> {
        let before = self.team(id).await?;
        let default = self.core.default_team(&self.organization).await?;
        let was_default = default == Some(id);
        let is_default = change.is_default.unwrap_or(was_default);
        let name = change.name.unwrap_or_else(|| before.name.clone());
        let after = TeamItem { name, revision: before.revision + 1, ..before.clone() };
        let now_default = if is_default { Some(id) } else { default.filter(|_| !was_default) };
        if before.name == after.name && is_default == was_default {
            return Ok(view(before, default));
        }
        // Whoever removes it at the same moment saw another revision: one of both is refused.
        let mut transaction =
            Transaction::new().put(team_key(&self.organization, id), &after, vec![equals("revision", before.revision)])?;
        if name_key(&self.organization, &before.name) != name_key(&self.organization, &after.name) {
            transaction = self.claim_name(transaction, &after)?.delete(name_key(&self.organization, &before.name), vec![]);
        }
        let mut facts = details([("team", json!(id))]);
        if is_default != was_default {
            let (key, unchanged) = (default_team_key(&self.organization), vec![unchanged("team", default.map(TeamId::number))]);
            transaction = match now_default {
                Some(team) => transaction.put(key, &DefaultTeamItem { team }, unchanged)?,
                None => transaction.delete(key, unchanged),
            };
            facts.extend(details([("is_default", json!({ "before": was_default, "after": is_default }))]));
        }
        match self.commit(transaction, EventType::TeamChanged, facts).await? {
            Committed::Yes => Ok(view(after, now_default)),
            Committed::Refused => Err(self.why_no_team(&after).await?),
        }
    }

    /// Removes a team that no rule names, and that is not the default.
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
        if self.core.default_team(&self.organization).await? == Some(id) {
            let text = "It is the team that is asked where no rule says who is.";
            return Err(Refusal::conflict(ProblemCode::TeamInUse, text, "Make another one the default, or none, first.").into());
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

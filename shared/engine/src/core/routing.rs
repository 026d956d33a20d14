//! Teams, and the rules that say who is asked, as they are written.

use crate::{
    Result,
    core::{Core, directory, directory_query, organization_partition},
    items::from_item,
    ports::{Item, Key},
    transaction::{Transaction, set, unchanged},
};
use jiff::Timestamp;
use oubli_domain::{
    ids::OrganizationId,
    review::{RoutingRule, RuleId, TeamId},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Members who are asked together.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct TeamItem {
    pub(crate) id: TeamId,
    /// As members name the teams they are in.
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    /// Goes up with every change.
    pub(crate) revision: u64,
}

/// The team that is asked where no rule says who is.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct DefaultTeamItem {
    pub(crate) team: TeamId,
}

/// A rule that says who is asked.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RuleItem {
    pub(crate) rule: RoutingRule,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Goes up with every change.
    pub(crate) revision: u64,
}

/// Things of an organization that have numbers of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbered {
    /// Members.
    Members,
    /// Rules that say who is asked.
    Rules,
    /// Teams.
    Teams,
}

impl Numbered {
    const fn name(self) -> &'static str {
        match self {
            Numbered::Members => "members",
            Numbered::Rules => "rules",
            Numbered::Teams => "teams",
        }
    }
}

pub(crate) fn team_key(organization: &OrganizationId, id: TeamId) -> Key {
    directory(organization_partition(organization), format!("team#{:016}", id.number()))
}

pub(crate) fn default_team_key(organization: &OrganizationId) -> Key {
    directory(organization_partition(organization), "default-team")
}

pub(crate) fn rule_key(organization: &OrganizationId, id: RuleId) -> Key {
    directory(organization_partition(organization), format!("rule#{:016}", id.number()))
}

impl Core {
    /// Every team of an organization, the oldest first.
    pub(crate) async fn teams(&self, organization: &OrganizationId) -> Result<Vec<TeamItem>> {
        let items = self.query_all(directory_query(organization, "team#", false, 100)).await?;
        items.into_iter().map(from_item).collect()
    }

    /// The team that is asked where no rule says who is.
    pub(crate) async fn default_team(&self, organization: &OrganizationId) -> Result<Option<TeamId>> {
        let item: Option<DefaultTeamItem> = self.find(default_team_key(organization)).await?;
        Ok(item.map(|item| item.team))
    }

    /// Every rule of an organization that can be read, the oldest first.
    pub(crate) async fn routing_rules(&self, organization: &OrganizationId) -> Result<Vec<RuleItem>> {
        let items = self.query_all(directory_query(organization, "rule#", false, 100)).await?;
        Ok(items.into_iter().filter_map(|item| readable(organization, item)).collect())
    }

    /// Those of them that count.
    pub(crate) async fn active_rules(&self, organization: &OrganizationId) -> Result<Vec<RoutingRule>> {
        let items = self.query_all(directory_query(organization, "rule#", false, 100)).await?;
        // Before they are read: what does not count costs nothing, and cannot fail.
        let active = items.into_iter().filter(|item| is_active(item) != Some(false));
        Ok(active.filter_map(|item| readable(organization, item)).map(|item| item.rule).collect())
    }

    /// A number that nothing of this kind ever had, and what takes it.
    pub(crate) async fn next_number(&self, organization: &OrganizationId, of: Numbered) -> Result<(u64, Transaction)> {
        let place = directory(organization_partition(organization), "numbers");
        let found = self.ports.table.get_many(std::slice::from_ref(&place)).await?.pop().flatten();
        let last = found.and_then(|item| item.get(of.name())?.as_u64());
        let next = last.unwrap_or_default() + 1;
        Ok((next, Transaction::new().update(place, vec![set(of.name(), next)], vec![unchanged(of.name(), last)])))
    }
}

fn is_active(item: &Item) -> Option<bool> {
    item.get("rule")?.get("is_active").and_then(Value::as_bool)
}

/// A rule, unless it cannot be read: then it says nothing, and whoever asks is not kept from asking.
fn readable(organization: &OrganizationId, item: Item) -> Option<RuleItem> {
    let rule = item.get("sk").and_then(Value::as_str).unwrap_or_default().to_owned();
    match from_item(item) {
        Ok(item) => Some(item),
        Err(error) => {
            tracing::warn!(%organization, %rule, %error, "a rule that cannot be read is passed over");
            None
        }
    }
}

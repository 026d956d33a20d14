//! Routing: who is asked to review what.

use super::{
    conditions::Conditions,
    number::{MemberNumber, RuleId, TeamId},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{cmp::Reverse, ops::RangeInclusive};

/// Priorities that a rule may have. The highest goes first.
pub const PRIORITIES: RangeInclusive<i32> = 0..=1_000_000;

/// Says who is asked to review what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoutingRule {
    /// Its id.
    pub id: RuleId,
    /// What people call it.
    pub name: String,
    /// How early it is looked at, within [`PRIORITIES`].
    pub priority: i32,
    /// Which reviews it is for. Written as text, which keeps numbers as they are whatever keeps it.
    #[serde(with = "as_text")]
    pub conditions: Conditions,
    /// The member who is asked.
    #[serde(default)]
    pub assign_to_user: Option<MemberNumber>,
    /// The team that is asked.
    #[serde(default)]
    pub assign_to_team: Option<TeamId>,
    /// Whether it is looked at.
    pub is_active: bool,
}

impl RoutingRule {
    /// What rules are looked at by: no two of an organization have the same.
    pub fn place(&self) -> (Reverse<i32>, RuleId) {
        (Reverse(self.priority), self.id)
    }
}

mod as_text {
    use super::Conditions;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(conditions: &Conditions, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&conditions.as_value().to_string())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Conditions, D::Error> {
        let text = String::deserialize(deserializer)?;
        // What the parser says may quote a value.
        serde_json::from_str(&text).map_err(|_| D::Error::custom("conditions that cannot be read"))
    }
}

/// The rule that says who reviews this: of those that are active, the first whose conditions hold, in the order of their
/// priorities from the highest, and where these are the same, in the order in which they were made. In which order the rules
/// are given means nothing.
pub fn route<'a>(rules: impl IntoIterator<Item = &'a RoutingRule>, facts: &Value) -> Option<&'a RoutingRule> {
    let mut active: Vec<&RoutingRule> = rules.into_iter().filter(|rule| rule.is_active).collect();
    active.sort_unstable_by_key(|rule| rule.place());
    active.into_iter().find(|rule| rule.conditions.matches(facts))
}

/// Whom a review is put to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Assignment {
    /// The rule that says so.
    pub rule: Option<RuleId>,
    /// The member.
    pub user: Option<MemberNumber>,
    /// The team.
    pub team: Option<TeamId>,
}

/// Whom a review is put to: whoever the rule names that [`route`] finds, and where there is none, the organization's default
/// team.
pub fn assign<'a>(rules: impl IntoIterator<Item = &'a RoutingRule>, facts: &Value, default: Option<TeamId>) -> Assignment {
    match route(rules, facts) {
        Some(rule) => Assignment { rule: Some(rule.id), user: rule.assign_to_user, team: rule.assign_to_team },
        None => Assignment { team: default, ..Assignment::default() },
    }
}

/// The active rules of a priority, oldest first, besides one: between these, and it, age decides, which may surprise.
pub fn sharing_priority<'a>(
    rules: impl IntoIterator<Item = &'a RoutingRule>,
    priority: i32,
    besides: Option<RuleId>,
) -> Vec<&'a RoutingRule> {
    let shares = |rule: &&RoutingRule| rule.is_active && rule.priority == priority && Some(rule.id) != besides;
    let mut sharing: Vec<&RoutingRule> = rules.into_iter().filter(shares).collect();
    sharing.sort_unstable_by_key(|rule| rule.id);
    sharing
}

#[cfg(test)]
#[path = "routing_tests.rs"]
mod tests;

//! Rules that say who is asked.

use super::{
    Directory,
    administration::{Administration, details},
};
use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{Core, Numbered, RuleItem, directory, members_of, organization_partition, rule_key, team_key},
    ports::Condition,
    transaction::{Committed, Transaction, add, equals},
};
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Caller},
    audit::EventType,
    review::{Assignment, Conditions, Explanation, MemberNumber, RoutingRule, RuleId, TeamId, assign, sharing_priority},
};
use serde_json::{Value, json};

/// Most rules of an organization.
const MOST_RULES: usize = 200;

/// A rule as it is listed.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleView {
    /// The rule.
    pub rule: RoutingRule,
    /// Other rules that count as much, by their numbers: of those that match the oldest decides.
    pub as_important: Vec<RuleId>,
    /// Since when there is one.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// A rule to make.
#[derive(Debug, Clone)]
pub struct NewRule {
    /// What people call it.
    pub name: String,
    /// The higher, the sooner it is asked.
    pub priority: i32,
    /// What has to hold.
    pub conditions: Conditions,
    /// Who is asked.
    pub assign_to_user: Option<MemberNumber>,
    /// Which team is asked.
    pub assign_to_team: Option<TeamId>,
    /// Whether it counts.
    pub is_active: bool,
}

/// What is to be changed of a rule; the rest stays.
#[derive(Debug, Clone, Default)]
pub struct RuleChange {
    /// What people call it.
    pub name: Option<String>,
    /// The higher, the sooner it is asked.
    pub priority: Option<i32>,
    /// What has to hold.
    pub conditions: Option<Conditions>,
    /// Who is asked; none: no member.
    pub assign_to_user: Option<Option<MemberNumber>>,
    /// Which team is asked; none: no team.
    pub assign_to_team: Option<Option<TeamId>>,
    /// Whether it counts.
    pub is_active: Option<bool>,
}

/// What became of a rule when rules were tried.
#[derive(Debug, Clone, PartialEq)]
pub struct TriedRule {
    /// The rule.
    pub rule: RoutingRule,
    /// Whether all of it holds.
    pub matches: bool,
    /// Each comparison.
    pub explanations: Vec<Explanation>,
}

impl Directory {
    /// Every rule, in the order in which they are asked.
    ///
    /// # Errors
    /// A role that may not see them.
    pub async fn routing_rules(&self, caller: &Caller) -> Result<Vec<RuleView>> {
        Core::permit(caller, Action::ReadOrganization)?;
        let mut rules = self.core.routing_rules(&caller.organization).await?;
        rules.sort_by_key(|item| item.rule.place());
        Ok(rules.iter().map(|item| view(item, &rules)).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// A role that may not see them; `not_found`.
    pub async fn routing_rule(&self, caller: &Caller, id: RuleId) -> Result<RuleView> {
        let rules = self.routing_rules(caller).await?;
        rules.into_iter().find(|view| view.rule.id == id).ok_or_else(|| Refusal::not_found("routing rule").into())
    }

    /// Who would be asked, and why: every active rule, in order.
    ///
    /// # Errors
    /// A role that may not see them.
    pub async fn try_rules(&self, caller: &Caller, facts: &Value) -> Result<(Assignment, Vec<TriedRule>)> {
        let rules: Vec<RoutingRule> = self.routing_rules(caller).await?.into_iter().map(|view| view.rule).collect();
        let asked_of = assign(&rules, facts, self.core.default_team(&caller.organization).await?);
        let tried = rules.into_iter().filter(|rule| rule.is_active).map(|rule| {
            let explanations = rule.conditions.explain(facts);
            TriedRule { matches: rule.conditions.matches(facts), explanations, rule }
        });
        Ok((asked_of, tried.collect()))
    }
}

fn view(item: &RuleItem, all: &[RuleItem]) -> RuleView {
    let sharing = sharing_priority(all.iter().map(|other| &other.rule), item.rule.priority, Some(item.rule.id));
    let as_important = sharing.into_iter().filter(|_| item.rule.is_active).map(|other| other.id).collect();
    RuleView { rule: item.rule.clone(), as_important, created_at: item.created_at, updated_at: item.updated_at }
}

impl Administration {
    /// Makes a rule.
    ///
    /// # Errors
    /// `unknown_team`, `unknown_member`; too many; no such organization; somebody else changed rules at the same moment.
    pub async fn add_rule(&self, new: NewRule) -> Result<RuleView> {
        let all = self.core.routing_rules(&self.organization).await?;
        if all.len() >= MOST_RULES {
            let text = format!("There are {MOST_RULES} rules already.");
            return Err(Refusal::conflict(ProblemCode::TooMany, text, "Remove one that is not needed any more.").into());
        }
        let (number, numbered) = self.core.next_number(&self.organization, Numbered::Rules).await?;
        let id = RuleId::new(number).map_err(|_| EngineError::internal("rules have no more numbers"))?;
        let NewRule { name, priority, conditions, assign_to_user, assign_to_team, is_active } = new;
        let rule = RoutingRule { id, name, priority, conditions, assign_to_user, assign_to_team, is_active };
        let now = self.core.now();
        let item = RuleItem { rule, created_at: now, updated_at: now, revision: 1 };
        let settings = directory(organization_partition(&self.organization), "settings");
        let transaction = self
            .names_who_is_there(numbered, &item.rule)
            .await?
            .check(settings, vec![Condition::ItemPresent])
            .put(rule_key(&self.organization, id), &item, vec![Condition::ItemAbsent])?;
        match self.commit(transaction, EventType::RoutingRuleAdded, facts(None, &item.rule)).await? {
            Committed::Yes => Ok(view(&item, &all)),
            Committed::Refused => {
                self.core.there_is(&self.organization).await?;
                Err(EngineError::Conflict("rules"))
            }
        }
    }

    /// Changes a rule: reviews that are asked for from now on go by it. What is as it was leaves no trace.
    ///
    /// # Errors
    /// `not_found`; `unknown_team`, `unknown_member`; somebody else changed it at the same moment.
    pub async fn change_rule(&self, id: RuleId, change: RuleChange) -> Result<RuleView> {
        let all = self.core.routing_rules(&self.organization).await?;
        let before = all.iter().find(|item| item.rule.id == id).ok_or_else(|| Refusal::not_found("routing rule"))?;
        let mut rule = before.rule.clone();
        rule.name = change.name.unwrap_or(rule.name);
        rule.priority = change.priority.unwrap_or(rule.priority);
        rule.conditions = change.conditions.unwrap_or(rule.conditions);
        rule.assign_to_user = change.assign_to_user.unwrap_or(rule.assign_to_user);
        rule.assign_to_team = change.assign_to_team.unwrap_or(rule.assign_to_team);
        rule.is_active = change.is_active.unwrap_or(rule.is_active);
        if rule == before.rule {
            return Ok(view(before, &all));
        }
        let after = RuleItem { rule, updated_at: self.core.now(), revision: before.revision + 1, ..before.clone() };
        let transaction = self.names_who_is_there(Transaction::new(), &after.rule).await?.put(
            rule_key(&self.organization, id),
            &after,
            vec![equals("revision", before.revision)],
        )?;
        match self.commit(transaction, EventType::RoutingRuleChanged, facts(Some(&before.rule), &after.rule)).await? {
            Committed::Yes => Ok(view(&after, &all)),
            Committed::Refused => Err(EngineError::Conflict("the rule")),
        }
    }

    /// Removes a rule.
    ///
    /// # Errors
    /// `not_found`; somebody else changed it at the same moment.
    pub async fn remove_rule(&self, id: RuleId) -> Result<()> {
        let item: Option<RuleItem> = self.core.find(rule_key(&self.organization, id)).await?;
        let item = item.ok_or_else(|| Refusal::not_found("routing rule"))?;
        let unchanged = vec![equals("revision", item.revision)];
        let transaction = Transaction::new().delete(rule_key(&self.organization, id), unchanged);
        match self.commit(transaction, EventType::RoutingRuleRemoved, details([("rule", json!(id))])).await? {
            Committed::Yes => Ok(()),
            Committed::Refused => Err(EngineError::Conflict("the rule")),
        }
    }

    /// Goes on only while there is whoever a rule names.
    async fn names_who_is_there(&self, transaction: Transaction, rule: &RoutingRule) -> Result<Transaction> {
        if let Some(number) = rule.assign_to_user {
            let members = members_of(&self.core, &self.organization).await?;
            if !members.iter().any(|member| member.number == Some(number) && member.approves()) {
                let text = "assign_to_user_id: no active member who may decide has this number.";
                let accepted = "Accepted: the number of a reviewer or an administrator.";
                return Err(Refusal::invalid(ProblemCode::InvalidValue, "assign_to_user_id", text, accepted).into());
            }
        }
        let Some(team) = rule.assign_to_team else { return Ok(transaction) };
        let teams = self.core.teams(&self.organization).await?;
        if !teams.iter().any(|there| there.id == team) {
            let numbers: Vec<String> = teams.iter().map(|team| team.id.to_string()).collect();
            let accepted =
                if numbers.is_empty() { "There is none yet.".to_owned() } else { format!("Accepted: {}.", numbers.join(", ")) };
            let text = "assign_to_team_id: there is no team of this number.";
            return Err(Refusal::invalid(ProblemCode::UnknownTeam, "assign_to_team_id", text, accepted).into());
        }
        // Whoever removes the team at the same moment saw no rule that names it: one of both is refused.
        let named = vec![add("revision", 1)];
        Ok(transaction.update(team_key(&self.organization, team), named, vec![Condition::ItemPresent]))
    }
}

/// What changed of a rule. Its name and what it compares with may be about people, and even a digest of them could be guessed: of
/// these the log has only that they changed.
fn facts(before: Option<&RoutingRule>, after: &RoutingRule) -> serde_json::Map<String, Value> {
    let told = |rule: &RoutingRule| {
        [
            ("priority", json!(rule.priority)),
            ("assign_to_user_id", json!(rule.assign_to_user)),
            ("assign_to_team_id", json!(rule.assign_to_team)),
            ("is_active", json!(rule.is_active)),
        ]
    };
    let mut facts = details([("rule", json!(after.id))]);
    let Some(before) = before else {
        facts.extend(told(after).into_iter().filter(|(_, to)| !to.is_null()).map(|(name, to)| (name.to_owned(), to)));
        return facts;
    };
    for ((name, from), (_, to)) in told(before).into_iter().zip(told(after)) {
        if from != to {
            facts.insert(name.to_owned(), json!({ "before": from, "after": to }));
        }
    }
    let unsaid = [("name", before.name != after.name), ("conditions", before.conditions != after.conditions)];
    let changed: Vec<&str> = unsaid.into_iter().filter(|(_, changed)| *changed).map(|(name, _)| name).collect();
    if !changed.is_empty() {
        facts.insert("changed".to_owned(), json!(changed));
    }
    facts
}

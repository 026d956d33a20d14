//! Rules that say who is asked.

use super::ask::ReviewBody;
use crate::{
    call::{Call, Id, NoQuery, Post, Scoped},
    checks::{Checks, MAX_LABEL},
    idempotency::{Answer, once},
    json::{self, Object},
    problem::Problem,
    requests::{allowed, visible_where},
    rooms::{Gate as _, ReviewRooms},
    shapes,
};
use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use oubli_domain::{
    access::Action,
    review::{ConditionFault, Conditions, Explanation, MemberNumber, PRIORITIES, RoutingRule, RuleId, TeamId},
};
use oubli_engine::{
    ProblemCode,
    directory::{NewRule, RuleChange, RuleView, TriedRule},
    reviews::facts,
};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use std::fmt;
use utoipa::ToSchema;

const MOST_OF_PRIORITY: u32 = 1_000_000;

/// A rule that says who is asked.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRoutingRule, example = json!({
    "name": "Erasures go to Compliance",
    "priority": 200,
    "conditions": {"task_type": "data_deletion", "metadata.data_points": {"operator": ">", "value": 1000}},
    "assign_to_team_id": 1,
    "is_active": true
}))]
pub(crate) struct RuleBody {
    /// The organization, as whoever calls has it: a number of theirs, or the credential's own id; any other id answers 404.
    #[schema(value_type = Option<shapes::OwnName>)]
    organization_id: Option<Value>,
    /// What people call it.
    #[schema(value_type = shapes::Label)]
    name: Option<String>,
    /// The higher, the sooner it is looked at; among equals the oldest goes first. 0 unless given.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(value_type = Option<u32>, minimum = 0, maximum = 1_000_000)]
    priority: Option<i64>,
    /// Which reviews it is for; all of them, where it is empty.
    #[schema(value_type = shapes::Conditions)]
    conditions: Option<Object<Map<String, Value>>>,
    /// The member who is asked, by their number. This, or a team, or both.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(value_type = Option<shapes::Number>)]
    assign_to_user_id: Option<u64>,
    /// The team that is asked, by its number.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(value_type = Option<shapes::Number>)]
    assign_to_team_id: Option<u64>,
    /// Whether it counts; it does, unless it says no.
    is_active: Option<bool>,
}

/// What to change of a rule; what is left out stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RoutingRuleChange, example = json!({"is_active": false}))]
pub(crate) struct RuleChangeBody {
    /// The organization, as whoever calls has it: a number of theirs, or the credential's own id; any other id answers 404.
    #[schema(value_type = Option<shapes::OwnName>)]
    organization_id: Option<Value>,
    /// What people call it.
    #[schema(value_type = Option<shapes::Label>)]
    name: Option<String>,
    /// The higher, the sooner it is looked at.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(value_type = Option<u32>, minimum = 0, maximum = 1_000_000)]
    priority: Option<i64>,
    /// Which reviews it is for.
    #[schema(value_type = Option<shapes::Conditions>)]
    conditions: Option<Object<Map<String, Value>>>,
    /// The member who is asked; null: no member.
    #[serde(default, deserialize_with = "number_or_none")]
    #[schema(value_type = Option<shapes::Number>)]
    assign_to_user_id: Option<Option<u64>>,
    /// The team that is asked; null: no team.
    #[serde(default, deserialize_with = "number_or_none")]
    #[schema(value_type = Option<shapes::Number>)]
    assign_to_team_id: Option<Option<u64>>,
    /// Whether it counts.
    is_active: Option<bool>,
}

/// What is there, if only to say null.
fn number_or_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u64>>, D::Error> {
    json::whole(deserializer).map(Some)
}

macro_rules! of_rules {
    ($($name:ident),+) => {
        $(
            /// It holds what people wrote.
            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("[rule]")
                }
            }

            impl Scoped for $name {
                fn organization_id(&self) -> Option<&str> {
                    super::named(self.organization_id.as_ref())
                }

                fn unfit() -> StatusCode {
                    StatusCode::UNPROCESSABLE_ENTITY
                }
            }
        )+
    };
}

of_rules!(RuleBody, RuleChangeBody);

fn priority(checks: &mut Checks, given: Option<i64>) -> Option<i32> {
    let priority = i32::try_from(given?).ok().filter(|priority| PRIORITIES.contains(priority));
    if priority.is_none() {
        let accepted = format!("a whole number from 0 to {MOST_OF_PRIORITY}");
        checks.refuse(ProblemCode::InvalidValue, "priority", "it is out of bounds", accepted);
    }
    priority
}

fn number<T: TryFrom<u64>>(checks: &mut Checks, field: &str, given: Option<u64>) -> Option<T> {
    let number = T::try_from(given?).ok();
    if number.is_none() {
        checks.refuse(ProblemCode::InvalidValue, field, "it is out of bounds", "a whole number from 1");
    }
    number
}

fn conditions(checks: &mut Checks, given: Option<Object<Map<String, Value>>>) -> Option<Conditions> {
    let Object(given) = given?;
    match Conditions::try_from(Value::Object(given)) {
        Ok(conditions) => Some(conditions),
        Err(invalid) => {
            let code = match invalid.fault {
                ConditionFault::UnknownField => ProblemCode::UnknownField,
                ConditionFault::MissingValue => ProblemCode::MissingField,
                ConditionFault::WrongType => ProblemCode::InvalidType,
                ConditionFault::TooMuch => ProblemCode::TooMany,
                _ => ProblemCode::InvalidValue,
            };
            checks.refuse(code, &invalid.path, invalid.reason, invalid.accepted.trim_end_matches(" is accepted"));
            None
        }
    }
}

impl RuleBody {
    fn check(self) -> Result<NewRule, Problem> {
        let mut checks = Checks::default();
        super::check_own_name(&mut checks, "organization_id", self.organization_id.as_ref());
        let name = checks.required_text("name", self.name, MAX_LABEL);
        let priority = priority(&mut checks, Some(self.priority.unwrap_or_default()));
        if self.conditions.is_none() {
            checks.missing("conditions", "an object of what has to hold; {} for every review");
        }
        let conditions = conditions(&mut checks, self.conditions);
        if self.assign_to_user_id.is_none() && self.assign_to_team_id.is_none() {
            checks.missing("assign_to_team_id", "assign_to_team_id, assign_to_user_id, or both");
        }
        let assign_to_user = number(&mut checks, "assign_to_user_id", self.assign_to_user_id);
        let assign_to_team = number(&mut checks, "assign_to_team_id", self.assign_to_team_id);
        let is_active = self.is_active.unwrap_or(true);
        let rule = name.zip(priority).zip(conditions).map(|((name, priority), conditions)| NewRule {
            name,
            priority,
            conditions,
            assign_to_user,
            assign_to_team,
            is_active,
        });
        checks.finish_with(rule).map_err(|problem| problem.unfit(Self::unfit()))
    }
}

impl RuleChangeBody {
    fn check(self) -> Result<RuleChange, Problem> {
        let mut checks = Checks::default();
        super::check_own_name(&mut checks, "organization_id", self.organization_id.as_ref());
        let user = self.assign_to_user_id;
        let team = self.assign_to_team_id;
        let change = RuleChange {
            name: checks.text("name", self.name, MAX_LABEL),
            priority: priority(&mut checks, self.priority),
            conditions: conditions(&mut checks, self.conditions),
            assign_to_user: user.map(|user| number::<MemberNumber>(&mut checks, "assign_to_user_id", user)),
            assign_to_team: team.map(|team| number::<TeamId>(&mut checks, "assign_to_team_id", team)),
            is_active: self.is_active,
        };
        checks.finish_with(Some(change)).map_err(|problem| problem.unfit(Self::unfit()))
    }
}

/// A rule that says who is asked.
#[derive(Serialize, ToSchema)]
#[schema(as = RoutingRule)]
pub(crate) struct RuleAnswer {
    /// Its number.
    #[schema(value_type = shapes::Number)]
    id: u64,
    /// What people call it.
    name: String,
    /// The higher, the sooner it is looked at.
    #[schema(minimum = 0, maximum = 1_000_000)]
    priority: i32,
    /// Which reviews it is for.
    #[schema(value_type = shapes::Conditions)]
    conditions: Value,
    /// The member who is asked.
    #[schema(value_type = Option<shapes::Number>)]
    assign_to_user_id: Option<u64>,
    /// The team that is asked.
    #[schema(value_type = Option<shapes::Number>)]
    assign_to_team_id: Option<u64>,
    /// Whether it counts.
    is_active: bool,
    /// Since when there is one.
    created_at: Timestamp,
    /// When it last changed.
    updated_at: Timestamp,
    /// What may surprise: other rules of the same priority, among which the oldest goes first.
    warnings: Vec<String>,
}

impl From<RuleView> for RuleAnswer {
    fn from(view: RuleView) -> Self {
        let RuleView { rule, as_important, created_at, updated_at } = view;
        let others: Vec<String> = as_important.iter().map(ToString::to_string).collect();
        let warning = format!(
            "Rules {} have the same priority: where several are for a review, the oldest says who is asked.",
            others.join(", ")
        );
        Self {
            id: rule.id.number(),
            name: rule.name,
            priority: rule.priority,
            conditions: rule.conditions.as_value().clone(),
            assign_to_user_id: rule.assign_to_user.map(MemberNumber::number),
            assign_to_team_id: rule.assign_to_team.map(TeamId::number),
            is_active: rule.is_active,
            created_at,
            updated_at,
            warnings: if others.is_empty() { vec![] } else { vec![warning] },
        }
    }
}

/// Every rule, in the order in which they are looked at.
#[derive(Serialize, ToSchema)]
#[schema(as = RoutingRules)]
pub(crate) struct RulesAnswer {
    /// All of them.
    rules: Vec<RuleAnswer>,
}

/// A rule that there is no more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RemovedRoutingRule)]
pub(crate) struct RemovedRuleAnswer {
    /// Which.
    #[schema(value_type = shapes::Number)]
    id: u64,
    /// That it is.
    removed: bool,
}

/// What rules would say of a review.
#[derive(Serialize, ToSchema)]
#[schema(as = TriedRoutingRules)]
pub(crate) struct TriedAnswer {
    /// The rule that would say who is asked; null where none does.
    #[schema(value_type = Option<shapes::Number>)]
    matched_rule_id: Option<u64>,
    /// The team that would be asked.
    #[schema(value_type = Option<shapes::Number>)]
    assigned_to_team_id: Option<u64>,
    /// The member who would be asked.
    #[schema(value_type = Option<shapes::Number>)]
    assigned_to_user_id: Option<u64>,
    /// Every rule that counts, in the order in which they are looked at, and why.
    rules: Vec<TriedRuleAnswer>,
}

/// What became of a rule.
#[derive(Serialize, ToSchema)]
#[schema(as = TriedRoutingRule)]
pub(crate) struct TriedRuleAnswer {
    /// The rule.
    #[schema(value_type = shapes::Number)]
    id: u64,
    /// What people call it.
    name: String,
    /// Whether all of it holds.
    matches: bool,
    /// Every comparison.
    comparisons: Vec<ComparisonAnswer>,
}

/// What came of a comparison.
#[derive(Serialize, ToSchema)]
#[schema(as = TriedComparison)]
pub(crate) struct ComparisonAnswer {
    /// The field.
    field: String,
    /// How it is compared.
    operator: &'static str,
    /// With what.
    #[schema(value_type = shapes::Anything)]
    expected: Value,
    /// What the review says there; null where nothing.
    #[schema(value_type = shapes::Anything)]
    found: Value,
    /// Whether it holds.
    holds: bool,
}

impl From<TriedRule> for TriedRuleAnswer {
    fn from(tried: TriedRule) -> Self {
        let compared = |explanation: Explanation| ComparisonAnswer {
            field: explanation.path,
            operator: explanation.operator.name(),
            expected: explanation.expected,
            found: explanation.found.unwrap_or_default(),
            holds: explanation.holds,
        };
        let RoutingRule { id, name, .. } = tried.rule;
        let comparisons = tried.explanations.into_iter().map(compared).collect();
        Self { id: id.number(), name, matches: tried.matches, comparisons }
    }
}

/// Make a rule
///
/// It says who is asked for reviews that are asked for from now on.
#[utoipa::path(
    post,
    path = "/routing-rules",
    tag = "reviews",
    operation_id = "add_routing_rule",
    request_body = RuleBody,
    responses((status = 201, description = "The rule.", body = RuleAnswer)),
)]
pub(crate) async fn add_routing_rule(State(engine): State<ReviewRooms>, post: Post<RuleBody>) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        let new = allowed(&caller, Action::Administer, body.check())?;
        let made = engine.directory().administration(&caller)?.add_rule(new).await;
        let made = made.map_err(|error| Problem::from(error).unfit(RuleBody::unfit()))?;
        Answer::new(StatusCode::CREATED, &RuleAnswer::from(made))
    })
    .await
}

/// List rules
///
/// In the order in which they are looked at.
#[utoipa::path(
    get,
    path = "/routing-rules",
    tag = "reviews",
    operation_id = "list_routing_rules",
    params(NoQuery),
    responses((status = 200, description = "All of them.", body = RulesAnswer)),
)]
pub(crate) async fn list_routing_rules(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
) -> Result<Json<RulesAnswer>, Problem> {
    let rules = engine.directory().routing_rules(&caller).await?.into_iter().map(Into::into).collect();
    Ok(Json(RulesAnswer { rules }))
}

/// Try rules
///
/// Which rule would say who is asked for a review, and why. Nothing is asked, and nothing kept.
#[utoipa::path(
    post,
    path = "/routing-rules/test",
    tag = "reviews",
    operation_id = "try_routing_rules",
    request_body = ReviewBody,
    responses((status = 200, description = "What the rules say.", body = TriedAnswer)),
)]
pub(crate) async fn try_routing_rules(
    State(engine): State<ReviewRooms>,
    post: Post<ReviewBody>,
) -> Result<Json<TriedAnswer>, Problem> {
    let Post { caller, body, .. } = post;
    let (new, _) = allowed(&caller, Action::ReadOrganization, body.check())?;
    let (asked_of, tried) = engine.directory().try_rules(&caller, &facts(&new)).await?;
    Ok(Json(TriedAnswer {
        matched_rule_id: asked_of.rule.map(RuleId::number),
        assigned_to_team_id: asked_of.team.map(TeamId::number),
        assigned_to_user_id: asked_of.user.map(MemberNumber::number),
        rules: tried.into_iter().map(Into::into).collect(),
    }))
}

/// Show a rule
///
/// By its number.
#[utoipa::path(
    get,
    path = "/routing-rules/{id}",
    tag = "reviews",
    operation_id = "get_routing_rule",
    params(("id" = shapes::Number, Path, description = "Its number."), NoQuery),
    responses((status = 200, description = "The rule.", body = RuleAnswer)),
)]
pub(crate) async fn get_routing_rule(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
    Id(id): Id<RuleId>,
) -> Result<Json<RuleAnswer>, Problem> {
    Ok(Json(engine.directory().routing_rule(&caller, id).await?.into()))
}

/// Change a rule
///
/// Reviews that were asked for before stay with whom they were given to.
#[utoipa::path(
    patch,
    path = "/routing-rules/{id}",
    tag = "reviews",
    operation_id = "change_routing_rule",
    params(("id" = shapes::Number, Path, description = "Its number.")),
    request_body = RuleChangeBody,
    responses((status = 200, description = "The rule.", body = RuleAnswer)),
)]
pub(crate) async fn change_routing_rule(
    State(engine): State<ReviewRooms>,
    Id(id): Id<RuleId>,
    post: Post<RuleChangeBody>,
) -> Result<Json<RuleAnswer>, Problem> {
    let Post { caller, body, .. } = post;
    let there = async { engine.directory().routing_rule(&caller, id).await.map(drop) };
    let change = visible_where(&caller, Action::Administer, there, body.check()).await?;
    let changed = engine.directory().administration(&caller)?.change_rule(id, change).await;
    Ok(Json(changed.map_err(|error| Problem::from(error).unfit(RuleChangeBody::unfit()))?.into()))
}

/// Remove a rule
///
/// Reviews that were asked for before stay with whom they were given to.
#[utoipa::path(
    delete,
    path = "/routing-rules/{id}",
    tag = "reviews",
    operation_id = "remove_routing_rule",
    params(("id" = shapes::Number, Path, description = "Its number."), NoQuery),
    responses((status = 200, description = "Removed.", body = RemovedRuleAnswer)),
)]
pub(crate) async fn remove_routing_rule(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
    Id(id): Id<RuleId>,
) -> Result<Json<RemovedRuleAnswer>, Problem> {
    engine.directory().administration(&caller)?.remove_rule(id).await?;
    Ok(Json(RemovedRuleAnswer { id: id.number(), removed: true }))
}

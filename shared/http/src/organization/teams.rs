//! Teams: members who are asked together.

use crate::{
    call::{Call, Id, NoQuery, Post, scoped},
    checks::{Checks, MAX_LABEL},
    idempotency::{Answer, once},
    problem::Problem,
    requests::{allowed, visible_where},
    rooms::{Gate as _, ReviewRooms},
    shapes,
};
use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use oubli_domain::{access::Action, review::TeamId};
use oubli_engine::directory::{Team, TeamChange};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A team, by its name.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTeam, example = json!({"name": "Compliance"}))]
pub(crate) struct TeamBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// What it is called: members are in it who name it among their teams.
    #[schema(value_type = shapes::Label)]
    name: Option<String>,
}

scoped!(TeamBody);

/// What to change of a team; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TeamChange, example = json!({"is_default": true}))]
pub(crate) struct TeamChangeBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// What it is called: members are in it who name it among their teams.
    #[schema(value_type = Option<shapes::Label>)]
    name: Option<String>,
    /// Whether it is asked where no rule says who is; the one before is not any more.
    is_default: Option<bool>,
}

scoped!(TeamChangeBody);

impl TeamChangeBody {
    fn check(self) -> Result<TeamChange, Problem> {
        let mut checks = Checks::default();
        let name = checks.text("name", self.name, MAX_LABEL);
        checks.finish_with(Some(TeamChange { name, is_default: self.is_default }))
    }
}

impl TeamBody {
    fn check(self) -> Result<String, Problem> {
        let mut checks = Checks::default();
        let name = checks.required_text("name", self.name, MAX_LABEL);
        checks.finish_with(name)
    }
}

/// A team.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Team)]
pub(crate) struct TeamAnswer {
    /// Its number.
    #[schema(value_type = shapes::Number)]
    id: u64,
    /// What it is called.
    name: String,
    /// It is asked where no rule says who is.
    is_default: bool,
    /// Since when there is one.
    created_at: Timestamp,
}

impl From<Team> for TeamAnswer {
    fn from(team: Team) -> Self {
        Self { id: team.id.number(), name: team.name, is_default: team.is_default, created_at: team.created_at }
    }
}

/// Every team, the oldest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Teams)]
pub(crate) struct TeamsAnswer {
    /// All of them.
    teams: Vec<TeamAnswer>,
}

/// A team that there is no more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RemovedTeam)]
pub(crate) struct RemovedTeamAnswer {
    /// Which.
    #[schema(value_type = shapes::Number)]
    id: u64,
    /// That it is.
    removed: bool,
}

/// List teams
///
/// The oldest first.
#[utoipa::path(
    get,
    path = "/v1/organization/teams",
    tag = "organization",
    operation_id = "list_teams",
    params(NoQuery),
    responses((status = 200, description = "All of them.", body = TeamsAnswer)),
)]
pub(crate) async fn list_teams(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
) -> Result<Json<TeamsAnswer>, Problem> {
    let teams = engine.directory().teams(&caller).await?.into_iter().map(Into::into).collect();
    Ok(Json(TeamsAnswer { teams }))
}

/// Make a team
///
/// Rules that say who is asked name it by its number.
#[utoipa::path(
    post,
    path = "/v1/organization/teams",
    tag = "organization",
    operation_id = "add_team",
    request_body = TeamBody,
    responses((status = 201, description = "The team.", body = TeamAnswer)),
)]
pub(crate) async fn add_team(State(engine): State<ReviewRooms>, post: Post<TeamBody>) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        let name = allowed(&caller, Action::Administer, body.check())?;
        let team = engine.directory().administration(&caller)?.add_team(name).await?;
        Answer::new(StatusCode::CREATED, &TeamAnswer::from(team))
    })
    .await
}

/// Change a team
///
/// Its name, and whether it is asked where no rule says who is. Members name the teams they are in: whoever is to stay in one that
/// is renamed has to name it anew.
#[utoipa::path(
    patch,
    path = "/v1/organization/teams/{id}",
    tag = "organization",
    operation_id = "change_team",
    params(("id" = shapes::Number, Path, description = "Its number.")),
    request_body = TeamChangeBody,
    responses((status = 200, description = "The team.", body = TeamAnswer)),
)]
pub(crate) async fn change_team(
    State(engine): State<ReviewRooms>,
    Id(id): Id<TeamId>,
    post: Post<TeamChangeBody>,
) -> Result<Json<TeamAnswer>, Problem> {
    let Post { caller, body, .. } = post;
    let there = async { engine.directory().team(&caller, id).await.map(drop) };
    let change = visible_where(&caller, Action::Administer, there, body.check()).await?;
    Ok(Json(engine.directory().administration(&caller)?.change_team(id, change).await?.into()))
}

/// Remove a team
///
/// One that a rule names stays, and so does the default.
#[utoipa::path(
    delete,
    path = "/v1/organization/teams/{id}",
    tag = "organization",
    operation_id = "remove_team",
    params(("id" = shapes::Number, Path, description = "Its number."), NoQuery),
    responses((status = 200, description = "Removed.", body = RemovedTeamAnswer)),
)]
pub(crate) async fn remove_team(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
    Id(id): Id<TeamId>,
) -> Result<Json<RemovedTeamAnswer>, Problem> {
    engine.directory().administration(&caller)?.remove_team(id).await?;
    Ok(Json(RemovedTeamAnswer { id: id.number(), removed: true }))
}

//! Members.

use crate::{
    call::{Call, Id, NoQuery, Post, scoped},
    checks::{Checks, MAX_LABEL},
    idempotency::{Answer, once},
    json::Object,
    problem::Problem,
    requests::allowed,
    rooms::{Gate as _, ReviewRooms},
    shapes,
};
use axum::{Json, extract::State, http::StatusCode};
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Role, Roles},
    ids::ActorId,
    issuer::OidcSubject,
    personal::Identifier,
    review::MemberNumber,
};
use oubli_engine::{
    ProblemCode,
    directory::{GivenSubject, Member, MemberChange, NewMember},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Most teams of a member.
const MOST_TEAMS: usize = 20;

/// Somebody at an issuer.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOidcSubject, example = json!({"issuer": "https://login.acme.example", "subject": "248289761001"}))]
pub(crate) struct SubjectBody {
    /// The issuer, as its tokens say.
    #[schema(max_length = 512)]
    issuer: String,
    /// What it calls them, in the claim that the organization takes of it: `sub`, unless set.
    #[schema(max_length = 255)]
    subject: String,
}

/// Most roles that somebody has together.
const MOST_ROLES: usize = Role::ALL.len() - 1;

/// Somebody to add.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Rita Reviewer", "email": "rita@shop.example", "roles": ["reviewer"]}))]
pub(crate) struct NewMemberBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Their name; the audit log's readers see it for as long as they are in the directory.
    #[schema(value_type = shapes::Label)]
    name: Option<String>,
    /// Their address. No two members have the same: somebody with two credentials is one member.
    #[schema(value_type = shapes::MemberAddress)]
    email: Option<String>,
    /// What they may do.
    #[schema(value_type = Vec<shapes::MemberRole>, min_items = 1, max_items = 4)]
    roles: Option<Vec<String>>,
    /// The teams they are in.
    #[schema(value_type = Option<Vec<shapes::Label>>, max_items = 20)]
    teams: Option<Vec<String>>,
    /// Whom issuers mean by them: their tokens act as this member. Somebody at an issuer is one member.
    #[schema(value_type = Option<Vec<SubjectBody>>, max_items = 10)]
    oidc_subjects: Option<Vec<Object<SubjectBody>>>,
}

/// What to change of a member; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"active": false}))]
pub(crate) struct MemberChangeBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Their name.
    #[schema(value_type = Option<shapes::Label>)]
    name: Option<String>,
    /// Their address.
    #[schema(value_type = Option<shapes::MemberAddress>)]
    email: Option<String>,
    /// What they may do.
    #[schema(value_type = Option<Vec<shapes::MemberRole>>, min_items = 1, max_items = 4)]
    roles: Option<Vec<String>>,
    /// The teams they are in.
    #[schema(value_type = Option<Vec<shapes::Label>>, max_items = 20)]
    teams: Option<Vec<String>>,
    /// Whom issuers mean by them, instead of whom before.
    #[schema(value_type = Option<Vec<SubjectBody>>, max_items = 10)]
    oidc_subjects: Option<Vec<Object<SubjectBody>>>,
    /// Whether their credentials are accepted. What they did stays theirs.
    active: Option<bool>,
}

scoped!(NewMemberBody, MemberChangeBody);

/// Roles as they are written.
pub(super) fn roles(checks: &mut Checks, given: Option<Vec<String>>) -> Option<Roles> {
    let given = given?;
    if given.len() > MOST_ROLES {
        checks.refuse(ProblemCode::TooMany, "roles", "there are too many", format!("up to {MOST_ROLES}"));
        return None;
    }
    let mut roles = Vec::new();
    for (place, word) in given.iter().enumerate() {
        match word.parse::<Role>() {
            Ok(role) => roles.push(role),
            Err(unknown) => {
                let accepted = Role::ALL.map(Role::name).join(", ");
                checks.refuse(ProblemCode::InvalidValue, &format!("roles[{place}]"), &unknown.to_string(), accepted);
                return None;
            }
        }
    }
    let roles = Roles::new(roles);
    if let Err(invalid) = &roles {
        checks.refuse(ProblemCode::InvalidValue, "roles", &invalid.to_string(), "roles of a person, or service alone");
    }
    roles.ok()
}

fn email(checks: &mut Checks, given: Option<String>) -> Option<String> {
    let text = checks.text("email", given, 254)?;
    if Identifier::parse_email(&text).is_err() {
        checks.refuse(ProblemCode::InvalidEmail, "email", "it is no email address", "such as rita@shop.example");
        return None;
    }
    Some(text)
}

fn teams(checks: &mut Checks, given: Option<Vec<String>>) -> Option<Vec<String>> {
    let given = given?;
    if given.len() > MOST_TEAMS {
        checks.refuse(ProblemCode::TooMany, "teams", "there are too many", format!("up to {MOST_TEAMS}"));
        return None;
    }
    let mut teams: Vec<String> = Vec::new();
    for (place, team) in given.into_iter().enumerate() {
        let team = checks.text(&format!("teams[{place}]"), Some(team), MAX_LABEL)?;
        if !teams.contains(&team) {
            teams.push(team);
        }
    }
    Some(teams)
}

fn subjects(given: Vec<Object<SubjectBody>>) -> Vec<GivenSubject> {
    given.into_iter().map(|Object(SubjectBody { issuer, subject })| GivenSubject { issuer, subject }).collect()
}

impl NewMemberBody {
    fn check(self) -> Result<NewMember, Problem> {
        let mut checks = Checks::default();
        let name = checks.required_text("name", self.name, MAX_LABEL);
        if self.email.is_none() {
            checks.missing("email", "their address");
        }
        let email = email(&mut checks, self.email);
        if self.roles.is_none() {
            checks.missing("roles", "at least one role");
        }
        let roles = roles(&mut checks, self.roles);
        let teams = teams(&mut checks, Some(self.teams.unwrap_or_default()));
        let oidc_subjects = subjects(self.oidc_subjects.unwrap_or_default());
        let new = name.zip(email).zip(roles).zip(teams);
        checks.finish_with(new.map(|(((name, email), roles), teams)| NewMember { name, email, roles, teams, oidc_subjects }))
    }
}

impl MemberChangeBody {
    fn check(self) -> Result<MemberChange, Problem> {
        let mut checks = Checks::default();
        let change = MemberChange {
            name: checks.text("name", self.name, MAX_LABEL),
            email: email(&mut checks, self.email),
            roles: roles(&mut checks, self.roles),
            teams: teams(&mut checks, self.teams),
            oidc_subjects: self.oidc_subjects.map(subjects),
            active: self.active,
        };
        checks.finish_with(Some(change))
    }
}

/// Somebody at an issuer, who is this member.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OidcSubject)]
pub(crate) struct SubjectAnswer {
    /// The issuer, as its tokens say.
    issuer: String,
    /// The claim that says it.
    claim: String,
    /// What it says.
    subject: String,
}

impl From<OidcSubject> for SubjectAnswer {
    fn from(OidcSubject { issuer, claim, subject }: OidcSubject) -> Self {
        Self { issuer, claim, subject }
    }
}

/// Somebody who works for the organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Member)]
pub(crate) struct MemberAnswer {
    /// Who acts, whichever of their credentials they use: `actor` in the audit log.
    member_id: String,
    /// What rules that say who is asked call them; null for who became a member before there were numbers, until they are
    /// changed.
    #[schema(value_type = Option<shapes::Number>)]
    number: Option<u64>,
    /// Their name.
    name: String,
    /// Their address.
    email: String,
    /// What they may do.
    roles: Vec<&'static str>,
    /// The teams they are in.
    teams: Vec<String>,
    /// Whether their credentials are accepted.
    active: bool,
    /// Whom issuers mean by them.
    oidc_subjects: Vec<SubjectAnswer>,
    /// Since when they are a member.
    created_at: Timestamp,
}

impl From<Member> for MemberAnswer {
    fn from(member: Member) -> Self {
        let Member { id, number, name, email, roles, teams, active, oidc_subjects, created_at } = member;
        let number = number.map(MemberNumber::number);
        let roles = roles.iter().map(Role::name).collect();
        let oidc_subjects = oidc_subjects.into_iter().map(Into::into).collect();
        Self { member_id: id.into(), number, name, email, roles, teams, active, oidc_subjects, created_at }
    }
}

/// Who calls.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Caller)]
pub(crate) struct CallerAnswer {
    /// The organization that the credential is for.
    organization_id: String,
    /// Who acts: `actor` in the audit log.
    actor: String,
    /// The member; null for a machine.
    member_id: Option<String>,
    /// Their name, or the key's.
    name: Option<String>,
    /// The roles that this credential has now: the member's, or some of them.
    roles: Vec<&'static str>,
    /// The teams that the member is in.
    teams: Vec<String>,
}

/// Every member, in the order in which they came.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Members)]
pub(crate) struct MembersAnswer {
    /// The members.
    members: Vec<MemberAnswer>,
}

/// Add a member
///
/// A member owns API keys, and is whom issuers mean by their tokens: what they do with any of them is theirs, and whoever
/// asked for something does not approve it with another.
#[utoipa::path(
    post,
    path = "/v1/organization/members",
    tag = "organization",
    operation_id = "add_member",
    request_body = NewMemberBody,
    responses((status = 201, description = "Added.", body = MemberAnswer)),
)]
pub(crate) async fn add_member(State(engine): State<ReviewRooms>, post: Post<NewMemberBody>) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |id| {
        let new = allowed(&caller, Action::Administer, body.check())?;
        let member = engine.directory().administration(&caller)?.create_member(id, new).await?;
        Answer::new(StatusCode::CREATED, &MemberAnswer::from(member))
    })
    .await
}

/// List members
///
/// Those who are not active any more, too: what they did is in their name.
#[utoipa::path(
    get,
    path = "/v1/organization/members",
    tag = "organization",
    operation_id = "list_members",
    params(NoQuery),
    responses((status = 200, description = "All of them.", body = MembersAnswer)),
)]
pub(crate) async fn list_members(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
) -> Result<Json<MembersAnswer>, Problem> {
    let members = engine.directory().members(&caller).await?.into_iter().map(Into::into).collect();
    Ok(Json(MembersAnswer { members }))
}

/// Show who calls
///
/// With a token of an issuer that is taken so, whoever it means becomes a member here when they are first seen.
#[utoipa::path(
    get,
    path = "/v1/organization/me",
    tag = "organization",
    operation_id = "show_caller",
    params(NoQuery),
    responses((status = 200, description = "Who calls.", body = CallerAnswer)),
)]
pub(crate) async fn show_caller(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
) -> Result<Json<CallerAnswer>, Problem> {
    let (member, name) = engine.directory().caller(&caller).await?;
    let roles = caller.roles.iter().map(Role::name).collect();
    let (member_id, teams) = member.map(|member| (member.id.into(), member.teams)).unzip();
    let (organization_id, actor) = (caller.organization.into(), caller.actor.into());
    Ok(Json(CallerAnswer { organization_id, actor, member_id, name, roles, teams: teams.unwrap_or_default() }))
}

/// Show a member
///
/// Whoever acts in the audit log, by the id that it has of them.
#[utoipa::path(
    get,
    path = "/v1/organization/members/{id}",
    tag = "organization",
    operation_id = "show_member",
    params(("id" = shapes::ActorId, Path, description = "`member_id`."), NoQuery),
    responses((status = 200, description = "The member.", body = MemberAnswer)),
)]
pub(crate) async fn show_member(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
    Id(id): Id<ActorId>,
) -> Result<Json<MemberAnswer>, Problem> {
    Ok(Json(engine.directory().member(&caller, &id).await?.into()))
}

/// Change a member
///
/// One who is not active any more is refused at once, with every credential. What was done stays in their name.
#[utoipa::path(
    patch,
    path = "/v1/organization/members/{id}",
    tag = "organization",
    operation_id = "change_member",
    params(("id" = shapes::ActorId, Path, description = "`member_id`.")),
    request_body = Option<MemberChangeBody>,
    responses((status = 200, description = "As they are now.", body = MemberAnswer)),
)]
pub(crate) async fn change_member(
    State(engine): State<ReviewRooms>,
    Id(id): Id<ActorId>,
    post: Post<MemberChangeBody>,
) -> Result<Json<MemberAnswer>, Problem> {
    let change = allowed(&post.caller, Action::Administer, post.body.check())?;
    Ok(Json(engine.directory().administration(&post.caller)?.change_member(&id, change).await?.into()))
}

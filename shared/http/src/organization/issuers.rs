//! Issuers: OpenID providers whose tokens an organization takes instead of an API key.

use crate::{
    call::{Call, Id, NoQuery, Post, scoped},
    checks::Checks,
    json::{self, Object},
    problem::Problem,
    requests::allowed,
    rooms::{Gate as _, ReviewRooms},
    shapes,
};
use axum::{Json, extract::State};
use jiff::Timestamp;
use oubli_domain::{
    access::{Action, Role, Roles},
    ids::IssuerName,
    issuer::{ClaimMapping, Issuer, MOST_AUDIENCES, ProviderUrl, SigningAlgorithm, USUAL_CLOCK_SKEW_SECONDS},
};
use oubli_engine::{ProblemCode, directory::IssuerView};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    str::FromStr,
};
use utoipa::ToSchema;

const AN_ADDRESS: &str = "an https address such as https://login.acme.example, as its tokens write it";

/// The roles that the values of a claim stand for.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RoleMapping, example = json!({"claim": "groups", "values": {"oubli-dpo": ["privacy_officer", "reviewer"]}}))]
pub(crate) struct RoleMappingBody {
    /// The claim: its name, or the path to it with dots between, such as `realm_access.roles`.
    #[schema(max_length = 100)]
    claim: String,
    /// What each of its values stands for; any other stands for nothing.
    #[schema(value_type = shapes::RoleValues)]
    values: Named,
}

/// The teams that the values of a claim stand for.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TeamMapping, example = json!({"claim": "groups", "values": {"europe": ["EU"]}}))]
pub(crate) struct TeamMappingBody {
    /// The claim: its name, or the path to it with dots between, such as `realm_access.groups`.
    #[schema(max_length = 100)]
    claim: String,
    /// What each of its values stands for; any other stands for nothing.
    #[schema(value_type = shapes::TeamValues)]
    values: Named,
}

/// What each value of a claim stands for, as it is written.
type Named = BTreeMap<String, Vec<String>>;

/// An OpenID provider, as its tokens are to be taken.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "issuer": "https://login.acme.example",
    "audiences": ["oubli"],
    "algorithms": ["RS256"],
    "roles": {"claim": "groups", "values": {"oubli-dpo": ["privacy_officer"], "oubli-review": ["reviewer"]}},
}))]
pub(crate) struct IssuerBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Who it is: `iss` in its tokens, to the letter.
    #[schema(value_type = String, max_length = 512)]
    issuer: Option<String>,
    /// For whom its tokens have to be: one of these is in `aud`. An issuer's audience belongs to one organization.
    #[schema(value_type = Vec<shapes::Audience>, min_items = 1, max_items = 10)]
    audiences: Option<Vec<String>>,
    /// How its tokens may be signed: `RS256`, `PS256`, `ES256`, `EdDSA`. Nothing else is ever taken, whatever a token says.
    #[schema(value_type = Vec<shapes::TokenAlgorithm>, min_items = 1, max_items = 4)]
    algorithms: Option<Vec<String>>,
    /// Where it publishes its keys; what its discovery document says, unless given.
    #[schema(max_length = 512)]
    jwks_uri: Option<String>,
    /// The claim that says whom it means: `sub`, unless given. It must never be given to somebody else.
    #[schema(max_length = 100)]
    subject_claim: Option<String>,
    /// The roles that a token has: of the member's own, these are in force. All of the member's, unless given.
    #[schema(value_type = Option<RoleMappingBody>)]
    roles: Option<Object<RoleMappingBody>>,
    /// The teams of somebody who becomes a member at first sight.
    #[schema(value_type = Option<TeamMappingBody>)]
    teams: Option<Object<TeamMappingBody>>,
    /// By how many seconds its clock may differ; 30 unless given.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(minimum = 0, maximum = 120)]
    clock_skew_seconds: Option<u32>,
    /// Whoever it means, and has a role, becomes a member at first sight; not, unless given.
    create_members: Option<bool>,
}

scoped!(IssuerBody);

fn address(checks: &mut Checks, field: &str, given: Option<String>) -> Option<ProviderUrl> {
    let parsed = given?.parse::<ProviderUrl>();
    if let Err(why) = &parsed {
        checks.refuse(ProblemCode::InvalidValue, field, &why.to_string(), AN_ADDRESS);
    }
    parsed.ok()
}

fn mapping<T: Ord>(
    checks: &mut Checks,
    field: &str,
    given: Option<(String, Named)>,
    read: impl Fn(&str) -> Result<T, String>,
) -> Option<ClaimMapping<T>> {
    let (claim, given) = given?;
    let mut values: BTreeMap<String, BTreeSet<T>> = BTreeMap::new();
    for (value, targets) in given {
        let mut meant = BTreeSet::new();
        for target in targets {
            match read(&target) {
                Ok(target) => meant.extend([target]),
                Err(why) => {
                    let accepted = Roles::of_members().to_string();
                    checks.refuse(ProblemCode::InvalidValue, &format!("{field}.values"), &why, accepted);
                    return None;
                }
            }
        }
        values.insert(value, meant);
    }
    Some(ClaimMapping { claim, values })
}

impl IssuerBody {
    fn check(self) -> Result<Issuer, Problem> {
        let mut checks = Checks::default();
        if self.issuer.is_none() {
            checks.missing("issuer", AN_ADDRESS);
        }
        if self.audiences.is_none() {
            checks.missing("audiences", "at least one audience");
        }
        if self.algorithms.is_none() {
            checks.missing("algorithms", SigningAlgorithm::ALL.map(SigningAlgorithm::name).join(", "));
        }
        if self.audiences.as_ref().is_some_and(|all| all.len() > MOST_AUDIENCES) {
            checks.refuse(ProblemCode::InvalidValue, "audiences", "there are too many", format!("at most {MOST_AUDIENCES}"));
        }
        let most = SigningAlgorithm::ALL.len();
        if self.algorithms.as_ref().is_some_and(|all| all.len() > most) {
            checks.refuse(ProblemCode::InvalidValue, "algorithms", "there are too many", format!("at most {most}"));
        }
        let issuer = address(&mut checks, "issuer", self.issuer);
        let jwks_uri = address(&mut checks, "jwks_uri", self.jwks_uri);
        let mut algorithms = BTreeSet::new();
        for (place, word) in self.algorithms.unwrap_or_default().iter().enumerate() {
            match SigningAlgorithm::from_str(word) {
                Ok(algorithm) => algorithms.extend([algorithm]),
                Err(unknown) => {
                    let accepted = SigningAlgorithm::ALL.map(SigningAlgorithm::name).join(", ");
                    checks.refuse(ProblemCode::InvalidValue, &format!("algorithms[{place}]"), &unknown.to_string(), accepted);
                }
            }
        }
        let role = |word: &str| word.parse::<Role>().map_err(|unknown| unknown.to_string());
        let given = self.roles.map(|Object(RoleMappingBody { claim, values })| (claim, values));
        let roles = mapping(&mut checks, "roles", given, role);
        let given = self.teams.map(|Object(TeamMappingBody { claim, values })| (claim, values));
        let teams = mapping(&mut checks, "teams", given, |team: &str| Ok(team.to_owned()));
        let issuer = issuer.map(|issuer| Issuer {
            issuer,
            audiences: self.audiences.unwrap_or_default().into_iter().collect(),
            algorithms,
            jwks_uri,
            subject_claim: self.subject_claim.unwrap_or_else(|| "sub".to_owned()),
            roles,
            teams,
            clock_skew_seconds: self.clock_skew_seconds.unwrap_or(USUAL_CLOCK_SKEW_SECONDS),
            create_members: self.create_members.unwrap_or_default(),
        });
        checks.finish()?;
        let mut checks = Checks::default();
        for (field, accepted) in issuer.iter().flat_map(Issuer::problems) {
            checks.refuse(ProblemCode::InvalidValue, field, "it is out of bounds", accepted);
        }
        checks.finish_with(issuer)
    }
}

/// An issuer, as its tokens are taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Issuer)]
pub(crate) struct IssuerAnswer {
    /// How the organization calls it.
    name: String,
    /// Who it is: `iss` in its tokens.
    issuer: String,
    /// For whom its tokens have to be.
    audiences: Vec<String>,
    /// How its tokens may be signed.
    algorithms: Vec<&'static str>,
    /// Where it publishes its keys; null: where its discovery document says.
    jwks_uri: Option<String>,
    /// The claim that says whom it means.
    subject_claim: String,
    /// The roles that a token has; null: all of the member's.
    roles: Option<RoleMappingBody>,
    /// The teams of somebody who becomes a member at first sight.
    teams: Option<TeamMappingBody>,
    /// By how many seconds its clock may differ.
    clock_skew_seconds: u32,
    /// Whether whoever it means becomes a member at first sight.
    create_members: bool,
    /// Since when its tokens are taken.
    created_at: Timestamp,
    /// The hour in which a token of it was last used; null where none ever was.
    last_used_at: Option<Timestamp>,
}

fn named<T: ToString>(values: BTreeMap<String, BTreeSet<T>>) -> Named {
    let words = |targets: BTreeSet<T>| targets.iter().map(ToString::to_string).collect();
    values.into_iter().map(|(value, targets)| (value, words(targets))).collect()
}

impl From<ClaimMapping<Role>> for RoleMappingBody {
    fn from(mapping: ClaimMapping<Role>) -> Self {
        Self { claim: mapping.claim, values: named(mapping.values) }
    }
}

impl From<ClaimMapping<String>> for TeamMappingBody {
    fn from(mapping: ClaimMapping<String>) -> Self {
        Self { claim: mapping.claim, values: named(mapping.values) }
    }
}

impl From<IssuerView> for IssuerAnswer {
    fn from(view: IssuerView) -> Self {
        let IssuerView { name, taken, created_at, last_used_at } = view;
        Self {
            name: name.into(),
            issuer: taken.issuer.into(),
            audiences: taken.audiences.into_iter().collect(),
            algorithms: taken.algorithms.into_iter().map(SigningAlgorithm::name).collect(),
            jwks_uri: taken.jwks_uri.map(Into::into),
            subject_claim: taken.subject_claim,
            roles: taken.roles.map(Into::into),
            teams: taken.teams.map(Into::into),
            clock_skew_seconds: taken.clock_skew_seconds,
            create_members: taken.create_members,
            created_at,
            last_used_at,
        }
    }
}

/// Every issuer, by its name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Issuers)]
pub(crate) struct IssuersAnswer {
    /// All of them.
    issuers: Vec<IssuerAnswer>,
}

/// An issuer whose tokens are taken no more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RemovedIssuer)]
pub(crate) struct RemovedIssuerAnswer {
    /// Which.
    name: String,
    /// That it is.
    removed: bool,
}

/// List issuers
///
/// OpenID providers whose tokens are taken instead of an API key.
#[utoipa::path(
    get,
    path = "/v1/organization/issuers",
    tag = "organization",
    operation_id = "list_issuers",
    params(NoQuery),
    responses((status = 200, description = "All of them.", body = IssuersAnswer)),
)]
pub(crate) async fn list_issuers(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
) -> Result<Json<IssuersAnswer>, Problem> {
    let issuers = engine.directory().issuers(&caller).await?.into_iter().map(Into::into).collect();
    Ok(Json(IssuersAnswer { issuers }))
}

/// Take an issuer's tokens
///
/// In this way, and no more as before: what is left out is as if it had never been given. A token is a member's as their keys
/// are: it acts as the member whose `oidc_subjects` name whom it means.
#[utoipa::path(
    put,
    path = "/v1/organization/issuers/{id}",
    tag = "organization",
    operation_id = "set_issuer",
    params(("id" = shapes::IssuerName, Path, description = "How the organization calls it: a to z, 0 to 9, _ and -.")),
    request_body = IssuerBody,
    responses((status = 200, description = "As it is taken now.", body = IssuerAnswer)),
)]
pub(crate) async fn set_issuer(
    State(engine): State<ReviewRooms>,
    Id(name): Id<IssuerName>,
    post: Post<IssuerBody>,
) -> Result<Json<IssuerAnswer>, Problem> {
    let Post { caller, body, .. } = post;
    let taken = allowed(&caller, Action::Administer, body.check())?;
    Ok(Json(engine.directory().administration(&caller)?.set_issuer(name, taken).await?.into()))
}

/// Take an issuer's tokens no more
///
/// No call with one is accepted from now on. Members stay whom they are.
#[utoipa::path(
    delete,
    path = "/v1/organization/issuers/{id}",
    tag = "organization",
    operation_id = "remove_issuer",
    params(("id" = shapes::IssuerName, Path, description = "Its name."), NoQuery),
    responses((status = 200, description = "Removed.", body = RemovedIssuerAnswer)),
)]
pub(crate) async fn remove_issuer(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
    Id(name): Id<IssuerName>,
) -> Result<Json<RemovedIssuerAnswer>, Problem> {
    engine.directory().administration(&caller)?.remove_issuer(&name).await?;
    Ok(Json(RemovedIssuerAnswer { name: name.into(), removed: true }))
}

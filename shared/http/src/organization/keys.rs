//! API keys.

use super::members::roles;
use crate::{
    call::{Call, Id, NoQuery, Post, scoped},
    checks::{Checks, MAX_LABEL},
    idempotency::{Answer, once},
    json,
    problem::Problem,
    requests::allowed,
    rooms::{Gate as _, ReviewRooms},
    shapes,
    words::RoleName,
};
use axum::{Json, extract::State, http::StatusCode};
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    access::{Action, Role},
    ids::{ActorId, KeyId},
};
use oubli_engine::{
    NewCodes, ProblemCode,
    directory::{KeyView, NewKey, NewKeyWanted, Source},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How long a key that was rotated goes on, unless said otherwise: a day.
const OVERLAP_SECONDS: u32 = 24 * 3600;

/// A key to make.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Shop backend"}))]
pub(crate) struct NewKeyBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// Whom or what it is for.
    #[schema(value_type = shapes::Label)]
    name: Option<String>,
    /// Whose it is. Without one it is a machine's: its role is `service`, and it approves nothing.
    #[schema(value_type = Option<shapes::ActorId>)]
    member_id: Option<String>,
    /// Of the member's roles, those that it has; all of them, whatever they become, unless given.
    #[schema(value_type = Option<Vec<RoleName>>, min_items = 1, max_items = 4)]
    roles: Option<Vec<String>>,
    /// Until when it is in force; a year unless given, two at most.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Ranges of addresses that it may be used from, such as `203.0.113.0/24`; from anywhere unless given.
    #[schema(value_type = Option<Vec<shapes::SourceRange>>, max_items = 20)]
    sources: Option<Vec<String>>,
}

/// How to rotate a key.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"overlap_seconds": 3600}))]
pub(crate) struct RotateBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// For how long the old key goes on, 0 to 604800, a week; a day unless given.
    #[serde(default, deserialize_with = "json::whole")]
    #[schema(minimum = 0, maximum = 604_800)]
    overlap_seconds: Option<u32>,
}

/// Nothing to say.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub(crate) struct CodesBody {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
}

scoped!(NewKeyBody, RotateBody, CodesBody);

impl NewKeyBody {
    fn check(self) -> Result<NewKeyWanted, Problem> {
        let mut checks = Checks::default();
        let name = checks.required_text("name", self.name, MAX_LABEL);
        let member = self.member_id.and_then(|text| {
            let id = text.parse::<ActorId>().ok();
            if id.is_none() {
                checks.refuse(
                    ProblemCode::InvalidValue,
                    "member_id",
                    "it is no id of a member",
                    "member_id as members are listed",
                );
            }
            id
        });
        let roles = roles(&mut checks, self.roles);
        let expires_at = checks.timestamp("expires_at", self.expires_at.as_deref());
        let mut sources: Vec<Source> = Vec::new();
        for (place, text) in self.sources.unwrap_or_default().iter().enumerate() {
            match text.parse() {
                Ok(range) => sources.push(range),
                Err(_) => {
                    let field = format!("sources[{place}]");
                    checks.refuse(ProblemCode::InvalidValue, &field, "it is no range of addresses", "such as 203.0.113.0/24");
                }
            }
        }
        checks.finish_with(name.map(|name| NewKeyWanted { member, name, roles, expires_at, sources }))
    }
}

impl RotateBody {
    fn check(self) -> Result<SignedDuration, Problem> {
        let mut checks = Checks::default();
        let seconds = self.overlap_seconds.unwrap_or(OVERLAP_SECONDS);
        if seconds > 7 * 24 * 3600 {
            checks.refuse(ProblemCode::InvalidValue, "overlap_seconds", "it is too long", "0 to 604800, a week");
        }
        checks.finish_with(Some(SignedDuration::from_secs(i64::from(seconds))))
    }
}

/// A key just made.
#[derive(Serialize, ToSchema)]
#[schema(as = NewKey)]
pub(crate) struct NewKeyAnswer {
    /// Names it.
    key_id: String,
    /// The bearer token. Nobody keeps it, and it is not shown again.
    key: String,
    /// Who acts when it is used: the member, or the machine itself.
    actor: String,
    /// Until when it is in force.
    expires_at: Option<Timestamp>,
}

impl From<NewKey> for NewKeyAnswer {
    fn from(key: NewKey) -> Self {
        Self { key_id: key.key_id, key: key.key, actor: key.actor.into(), expires_at: key.expires_at }
    }
}

/// A key as it is listed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Key)]
pub(crate) struct KeyAnswer {
    /// Names it.
    key_id: String,
    /// Whom or what it is for.
    name: String,
    /// Whose it is; null: a machine's.
    member_id: Option<String>,
    /// Who acts when it is used.
    actor: String,
    /// Of the member's roles, those that it has; null: all of them.
    roles: Option<Vec<&'static str>>,
    /// When it was made.
    created_at: Timestamp,
    /// Until when it is in force.
    expires_at: Option<Timestamp>,
    /// The hour in which it was last used; null where it never was.
    last_used_at: Option<Timestamp>,
    /// Ranges of addresses that it may be used from; none: from anywhere.
    sources: Vec<String>,
    /// When it was revoked; null while it is not.
    revoked_at: Option<Timestamp>,
    /// The key that it stands in the place of.
    rotated_from: Option<String>,
}

impl From<KeyView> for KeyAnswer {
    fn from(key: KeyView) -> Self {
        Self {
            key_id: key.key_id,
            name: key.name,
            member_id: key.member.map(Into::into),
            actor: key.actor.into(),
            roles: key.roles.map(|roles| roles.iter().map(Role::name).collect()),
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            sources: key.sources,
            revoked_at: key.revoked_at,
            rotated_from: key.rotated_from,
        }
    }
}

/// Every key, in the order in which they were made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Keys)]
pub(crate) struct KeysAnswer {
    /// The keys.
    keys: Vec<KeyAnswer>,
}

/// What an app that makes one-time codes is given. It is shown this once.
#[derive(Serialize, ToSchema)]
#[schema(as = OneTimeCodes)]
pub(crate) struct CodesAnswer {
    /// The key whose owner they are for.
    key_id: String,
    /// For a QR code (RFC 6238, as apps read it).
    url: String,
    /// The same for typing in, base32.
    secret: String,
}

impl From<NewCodes> for CodesAnswer {
    fn from(codes: NewCodes) -> Self {
        let NewCodes { key_id, url, secret } = codes;
        Self { key_id, url, secret }
    }
}

/// A key that is in force no more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RevokedKey)]
pub(crate) struct RevokedAnswer {
    /// Which.
    key_id: String,
    /// That it is.
    revoked: bool,
}

/// Make an API key
///
/// It is shown this once.
#[utoipa::path(
    post,
    path = "/v1/organization/keys",
    tag = "organization",
    operation_id = "create_key",
    request_body = NewKeyBody,
    responses((status = 201, description = "Made.", body = NewKeyAnswer)),
)]
pub(crate) async fn create_key(State(engine): State<ReviewRooms>, post: Post<NewKeyBody>) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |id| {
        let wanted = allowed(&caller, Action::Administer, body.check())?;
        let made = engine.directory().administration(&caller)?.create_key(id, wanted).await?;
        Answer::new(StatusCode::CREATED, &NewKeyAnswer::from(made)).map(Answer::secret)
    })
    .await
}

/// List API keys
///
/// What they may do and when they were last used. The keys themselves are kept nowhere.
#[utoipa::path(
    get,
    path = "/v1/organization/keys",
    tag = "organization",
    operation_id = "list_keys",
    params(NoQuery),
    responses((status = 200, description = "All of them, the revoked ones too.", body = KeysAnswer)),
)]
pub(crate) async fn list_keys(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
) -> Result<Json<KeysAnswer>, Problem> {
    let keys = engine.directory().keys(&caller).await?.into_iter().map(Into::into).collect();
    Ok(Json(KeysAnswer { keys }))
}

/// Rotate an API key
///
/// A new key of the same member or machine; the old one goes on for a while, so that whoever uses it has time.
#[utoipa::path(
    post,
    path = "/v1/organization/keys/{id}/rotate",
    tag = "organization",
    operation_id = "rotate_key",
    params(("id" = shapes::KeyId, Path, description = "`key_id`.")),
    request_body = Option<RotateBody>,
    responses((status = 201, description = "Made.", body = NewKeyAnswer)),
)]
pub(crate) async fn rotate_key(
    State(engine): State<ReviewRooms>,
    Id(old): Id<KeyId>,
    post: Post<RotateBody>,
) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |id| {
        let overlap = allowed(&caller, Action::Administer, body.check())?;
        let made = engine.directory().administration(&caller)?.rotate_key(id, old.as_str(), overlap).await?;
        Answer::new(StatusCode::CREATED, &NewKeyAnswer::from(made)).map(Answer::secret)
    })
    .await
}

/// Revoke an API key
///
/// No call with it is taken from now on.
#[utoipa::path(
    delete,
    path = "/v1/organization/keys/{id}",
    tag = "organization",
    operation_id = "revoke_key",
    params(("id" = shapes::KeyId, Path, description = "`key_id`."), NoQuery),
    responses((status = 200, description = "Revoked.", body = RevokedAnswer)),
)]
pub(crate) async fn revoke_key(
    State(engine): State<ReviewRooms>,
    Call { caller, .. }: Call<NoQuery>,
    Id(key): Id<KeyId>,
) -> Result<Json<RevokedAnswer>, Problem> {
    engine.directory().administration(&caller)?.revoke_key(key.as_str()).await?;
    Ok(Json(RevokedAnswer { key_id: key.into(), revoked: true }))
}

/// Give somebody new one-time codes
///
/// For organizations that want one to open an export. Whoever owns the key has them, with each of their keys; those they
/// had before are void.
#[utoipa::path(
    post,
    path = "/v1/organization/keys/{id}/codes",
    tag = "organization",
    operation_id = "enroll_codes",
    params(("id" = shapes::KeyId, Path, description = "`key_id`.")),
    request_body = Option<CodesBody>,
    responses((status = 201, description = "Given.", body = CodesAnswer)),
)]
pub(crate) async fn enroll_codes(
    State(engine): State<ReviewRooms>,
    Id(of): Id<KeyId>,
    post: Post<CodesBody>,
) -> Result<Answer, Problem> {
    let Post { caller, key, .. } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        let codes = engine.directory().administration(&caller)?.enroll_codes(of.as_str()).await?;
        Answer::new(StatusCode::CREATED, &CodesAnswer::from(codes)).map(Answer::secret)
    })
    .await
}

//! API keys: of members, and of machines.

use super::{
    Directory,
    administration::{Administration, details},
    authenticate::PREFIX,
};
use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::{
        CodesItem, Core, Credential, NewCodes, SourceRange, actor_key, api_key_key, codes_key, directory, directory_query,
        member_key, organization_partition, plain_item,
    },
    items::{key_use_key, step_up_key},
    ports::{Condition, Message},
    transaction::{Committed, Transaction, equals, set, unchanged},
};
use data_encoding::HEXLOWER;
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    access::{Action, Caller, Role, Roles},
    audit::EventType,
    ids::{ActorId, OrganizationId},
};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::fmt;
use uuid::Uuid;

/// Where calls with a key may come from.
pub type Source = SourceRange;

/// How long a key is in force unless somebody says otherwise.
const VALID_DAYS: i64 = 365;

/// How long at most.
const MOST_VALID_DAYS: i64 = 731;

/// Most ranges that one key may be used from.
const MOST_SOURCES: usize = 20;

/// A key to make.
#[derive(Debug, Clone, Default)]
pub struct NewKeyWanted {
    /// Whose; none: a machine's, whose role is `service`.
    pub member: Option<ActorId>,
    /// Whom or what it is for.
    pub name: String,
    /// Of the member's roles, those that it has; none: all, whatever they become.
    pub roles: Option<Roles>,
    /// Until when; in a year, unless given.
    pub expires_at: Option<Timestamp>,
    /// Where calls with it may come from; none: from anywhere.
    pub sources: Vec<Source>,
}

/// A credential just made. The key itself is shown this once.
#[derive(Clone, Serialize)]
pub struct NewKey {
    /// Names the key in lists and for revocation.
    pub key_id: String,
    /// The bearer token.
    pub key: String,
    /// Who acts when it is used: the member, or the machine itself.
    pub actor: ActorId,
    /// Until when it is in force.
    pub expires_at: Option<Timestamp>,
}

/// Without the key.
impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewKey").field("key_id", &self.key_id).field("actor", &self.actor).finish_non_exhaustive()
    }
}

/// A credential as it is listed.
#[derive(Debug, Clone, Serialize)]
pub struct KeyView {
    /// Its id.
    pub key_id: String,
    /// Whom or what it is for.
    pub name: String,
    /// Whose it is; none: a machine's.
    pub member: Option<ActorId>,
    /// Who acts when it is used.
    pub actor: ActorId,
    /// Of the member's roles, those that it has; none: all of them.
    pub roles: Option<Roles>,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when it is in force.
    pub expires_at: Option<Timestamp>,
    /// The hour in which it was last used.
    pub last_used_at: Option<Timestamp>,
    /// Where calls with it may come from; none: from anywhere.
    pub sources: Vec<String>,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
    /// The key that it stands in the place of.
    pub rotated_from: Option<String>,
}

impl Directory {
    /// An organization's API keys.
    ///
    /// # Errors
    /// A role that may not see them.
    pub async fn keys(&self, caller: &Caller) -> Result<Vec<KeyView>> {
        Core::permit(caller, Action::ReadOrganization)?;
        keys_of(&self.core, &caller.organization).await
    }
}

/// Every key of an organization, the revoked ones too.
async fn keys_of(core: &Core, organization: &OrganizationId) -> Result<Vec<KeyView>> {
    let listed = core.query_all(directory_query(organization, "key#", false, 100)).await?;
    let ids: Vec<String> = listed.iter().filter_map(|i| i.get("key_id")?.as_str().map(str::to_owned)).collect();
    let mut views = Vec::new();
    for some in ids.chunks(50) {
        let places: Vec<_> = some.iter().flat_map(|id| [api_key_key(id), key_use_key(organization, id)]).collect();
        let found = core.ports.table.get_many(&places).await?;
        for (id, pair) in some.iter().zip(found.chunks(2)) {
            let [Some(item), used] = pair else { continue };
            let key: Credential = crate::items::from_item(item.clone())?;
            let used = used.as_ref().and_then(|u| u.get("used_at")?.as_str()?.parse().ok());
            views.push(view(id.clone(), key, used));
        }
    }
    views.sort_by(|a, b| (a.created_at, &a.key_id).cmp(&(b.created_at, &b.key_id)));
    Ok(views)
}

fn view(key_id: String, key: Credential, last_used_at: Option<Timestamp>) -> KeyView {
    KeyView {
        key_id,
        name: key.name,
        actor: key.member.unwrap_or(key.actor),
        roles: Some(key.roles).filter(|roles| *roles != Roles::of_members()),
        member: key.member,
        created_at: key.created_at,
        expires_at: key.expires_at,
        last_used_at,
        sources: key.sources.iter().map(ToString::to_string).collect(),
        revoked_at: key.revoked_at,
        rotated_from: key.rotated_from,
    }
}

impl Administration {
    /// Makes an API key, which `id` names. Only its hash is kept.
    ///
    /// # Errors
    /// No such organization or active member; roles that the member has not; an end that is over or too far away; too many
    /// source ranges; `changed_meanwhile` where the key was made before.
    pub async fn create_key(&self, id: Uuid, wanted: NewKeyWanted) -> Result<NewKey> {
        let now = self.core.now();
        let expires_at = until(now, wanted.expires_at)?;
        if wanted.sources.len() > MOST_SOURCES {
            let text = format!("sources: there are more than {MOST_SOURCES}.");
            return Err(
                Refusal::invalid(ProblemCode::TooMany, "sources", text, format!("Accepted: up to {MOST_SOURCES}.")).into()
            );
        }
        let roles = self.roles_of_key(&wanted).await?;
        let actor = ActorId::from_uuid(self.core.ports.entropy.uuid(now));
        let credential = Credential {
            organization: self.organization.clone(),
            member: wanted.member,
            actor,
            roles,
            name: wanted.name,
            secret_sha256: String::new(),
            created_at: now,
            expires_at: Some(expires_at),
            sources: wanted.sources,
            revoked_at: None,
            rotated_from: None,
        };
        self.put_key(&id.simple().to_string(), credential, Transaction::new(), EventType::ApiKeyCreated).await
    }

    /// Makes a key in the place of another: of the same member or machine, for as long again. The old one stays in force for
    /// `overlap` more, so that whoever uses it has time.
    ///
    /// # Errors
    /// No such key in force; somebody else rotated or revoked it at the same moment.
    pub async fn rotate_key(&self, id: Uuid, old: &str, overlap: SignedDuration) -> Result<NewKey> {
        let now = self.core.now();
        let key = self.key_in_force(old).await?;
        let old_ends = now + overlap;
        let valid = key.expires_at.map_or(SignedDuration::from_hours(24 * VALID_DAYS), |at| at.duration_since(key.created_at));
        let ends = key.expires_at.map_or(old_ends, |at| at.min(old_ends));
        // Whoever ends it sooner at the same moment has the last word.
        let as_read = unchanged("expires_at", key.expires_at.map(|at| at.to_string()));
        let end = Transaction::new().update(
            api_key_key(old),
            vec![set("expires_at", ends.to_string())],
            vec![equals("organization", self.organization.to_string()), Condition::Missing("revoked_at"), as_read],
        );
        let credential = Credential { created_at: now, expires_at: Some(now + valid), rotated_from: Some(old.to_owned()), ..key };
        self.put_key(&id.simple().to_string(), credential, end, EventType::ApiKeyRotated).await
    }

    /// Writes a key with a secret of its own.
    async fn put_key(&self, key_id: &str, key: Credential, with: Transaction, what: EventType) -> Result<NewKey> {
        let mut secret = [0_u8; 32];
        self.core.ports.entropy.fill(&mut secret);
        let secret = HEXLOWER.encode(&secret);
        let hash = HEXLOWER.encode(&Sha256::digest(secret.as_bytes()));
        let key = Credential { secret_sha256: hash, ..key };
        let facts = details([
            ("key_id", key_id.into()),
            ("for", String::from(key.member.unwrap_or(key.actor)).into()),
            ("roles", key.roles.to_string().into()),
            ("expires_at", key.expires_at.map(|at| at.to_string()).into()),
            ("sources", key.sources.iter().map(ToString::to_string).collect::<Vec<_>>().into()),
            ("rotated_from", key.rotated_from.clone().into()),
        ]);
        let facts = facts.into_iter().filter(|(_, v)| !v.is_null()).collect();
        let settings = directory(organization_partition(&self.organization), "settings");
        let mut transaction =
            with.check(settings, vec![Condition::ItemPresent]).put(api_key_key(key_id), &key, vec![Condition::ItemAbsent])?.put(
                directory(organization_partition(&self.organization), format!("key#{key_id}")),
                &plain_item([("key_id", key_id.into())]),
                vec![],
            )?;
        transaction = match &key.member {
            Some(member) => transaction.check(member_key(&self.organization, member), vec![equals("active", true)]),
            None => transaction.put(
                actor_key(&self.organization, &key.actor),
                &plain_item([("name", key.name.clone().into())]),
                vec![],
            )?,
        };
        match self.commit(transaction, what, facts).await? {
            Committed::Yes => Ok(NewKey {
                key: format!("{PREFIX}{key_id}_{secret}"),
                key_id: key_id.to_owned(),
                actor: key.member.unwrap_or(key.actor),
                expires_at: key.expires_at,
            }),
            Committed::Refused => {
                self.core.there_is(&self.organization).await?;
                Err(EngineError::Conflict("the key, or whose it is"))
            }
        }
    }

    async fn roles_of_key(&self, wanted: &NewKeyWanted) -> Result<Roles> {
        let invalid = |text: &str, accepted: String| Refusal::invalid(ProblemCode::InvalidValue, "roles", text, accepted).into();
        let Some(member) = &wanted.member else {
            return match &wanted.roles {
                Some(roles) if !roles.is_service() => Err(invalid(
                    "roles: a key without a member is a machine's.",
                    "Accepted: service, or a member_id beside.".to_owned(),
                )),
                _ => Ok(Roles::of(Role::Service)),
            };
        };
        let member = self.core.member(&self.organization, member).await?.filter(|m| m.active);
        let member = member.ok_or_else(|| Refusal::not_found("active member"))?;
        match &wanted.roles {
            None => Ok(Roles::of_members()),
            Some(roles) if roles.within(&member.roles).as_ref() == Some(roles) => Ok(roles.clone()),
            Some(_) => Err(invalid("roles: the member has not all of them.", format!("Accepted: {}.", member.roles))),
        }
    }

    async fn key_in_force(&self, key_id: &str) -> Result<Credential> {
        let key: Option<Credential> = self.core.find(api_key_key(key_id)).await?;
        let in_force = key.filter(|key| {
            let over = key.expires_at.is_some_and(|at| at <= self.core.now());
            key.organization == self.organization && key.revoked_at.is_none() && !over
        });
        in_force.ok_or_else(|| Refusal::not_found("key in force").into())
    }

    /// Revokes an API key: no call with it is taken from now on. One that was revoked before stays as it is.
    ///
    /// # Errors
    /// No such key of this organization.
    pub async fn revoke_key(&self, key_id: &str) -> Result<()> {
        let key: Option<Credential> = self.core.find(api_key_key(key_id)).await?;
        let key = key.filter(|key| key.organization == self.organization).ok_or_else(|| Refusal::not_found("key"))?;
        if key.revoked_at.is_some() {
            return Ok(());
        }
        let revoke = Transaction::new().update(
            api_key_key(key_id),
            vec![set("revoked_at", self.core.now().to_string())],
            vec![equals("organization", self.organization.to_string()), Condition::Missing("revoked_at")],
        );
        let whose = String::from(key.member.unwrap_or(key.actor));
        let facts = details([("key_id", key_id.into()), ("for", whose.into())]);
        match self.commit(revoke, EventType::ApiKeyRevoked, facts).await? {
            Committed::Yes => Ok(()),
            Committed::Refused => Err(EngineError::Conflict("the key")),
        }
    }

    /// Gives whoever a key belongs to new one-time codes; those they had before are void, and what they were made of is
    /// destroyed.
    ///
    /// # Errors
    /// No such key in force.
    pub async fn enroll_codes(&self, key_id: &str) -> Result<NewCodes> {
        let key = self.key_in_force(key_id).await?;
        let actor = key.member.unwrap_or(key.actor);
        let name = self.core.actor_name(&self.organization, &actor).await?.unwrap_or(key.name);
        let facts = details([("key_id", key_id.into()), ("for", String::from(actor).into())]);
        let place = codes_key(&self.organization, &actor);
        let before: Option<CodesItem> = self.core.find(place.clone()).await?;
        let generation = before.map_or(1, |codes| codes.generation + 1);
        let (codes, kept) = self.core.new_codes(&self.organization, key_id, &actor, generation, &name).await?;
        // Those they had are void once they have others, and not before.
        let given = kept
            .put(place, &CodesItem { generation }, vec![unchanged("generation", before.map(|codes| codes.generation))])?
            .delete(step_up_key(&self.organization, &actor), vec![]);
        if self.commit(given, EventType::OneTimeCodesEnrolled, facts).await? == Committed::Refused {
            return Err(EngineError::Conflict("the codes"));
        }
        if before.is_some() {
            let retire = Message::Retire { organization: self.organization.clone() };
            self.core.left_to_sweeper(&self.organization, self.core.send(retire).await).await?;
        }
        Ok(codes)
    }
}

fn until(now: Timestamp, wanted: Option<Timestamp>) -> Result<Timestamp> {
    let days = |days: i64| now + SignedDuration::from_hours(24 * days);
    let accepted = format!("Accepted: a time within the next {MOST_VALID_DAYS} days.");
    match wanted {
        None => Ok(days(VALID_DAYS)),
        Some(at) if at > now && at <= days(MOST_VALID_DAYS) => Ok(at),
        Some(_) => {
            let text = "expires_at: it is over, or too far away.";
            Err(Refusal::invalid(ProblemCode::InvalidDate, "expires_at", text, accepted).into())
        }
    }
}

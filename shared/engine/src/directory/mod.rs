//! Organizations, their settings, credentials and data maps.

mod forms;
mod maps;

pub use maps::{Affected, AffectedRequests, PublishedMap};

use crate::{
    EngineError, ProblemCode, Refusal, RefusalKind, Result,
    core::{Core, NewCodes, actor_key, directory, directory_query, organization_partition, plain_item},
    items::from_item,
    ports::{Condition, Key},
    transaction::{Committed, Transaction, equals, set},
};
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use oubli_domain::{
    access::{Caller, Role},
    datamap::DataMap,
    ids::{ActorId, OrganizationId},
    settings::Settings,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

fn api_key_key(key_id: &str) -> Key {
    directory(format!("key#{key_id}"), "key")
}

#[derive(Serialize, Deserialize)]
struct ApiKeyItem {
    organization: OrganizationId,
    role: Role,
    actor: ActorId,
    name: String,
    secret_sha256: String,
    created_at: Timestamp,
    revoked_at: Option<Timestamp>,
}

/// A credential just made. The key itself is shown this once.
#[derive(Debug, Clone, Serialize)]
pub struct NewKey {
    /// Names the key in lists and for revocation.
    pub key_id: String,
    /// The bearer token.
    pub key: String,
    /// Who acts when it is used.
    pub actor: ActorId,
}

/// A credential as it is listed.
#[derive(Debug, Clone, Serialize)]
pub struct KeyView {
    /// Its id.
    pub key_id: String,
    /// Whom or what it is for.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Who acts when it is used.
    pub actor: ActorId,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

const PREFIX: &str = "oubli_";

/// Organizations, their settings, keys and data maps.
#[derive(Clone)]
pub struct Directory {
    pub(crate) core: Core,
}

impl Directory {
    /// An organization's settings.
    ///
    /// # Errors
    /// [`EngineError::Internal`] if there is no such organization.
    pub async fn settings(&self, organization: &OrganizationId) -> Result<Settings> {
        self.core.settings(organization).await
    }

    /// The newest version of an organization's data map.
    ///
    /// # Errors
    /// `data_map_missing` when none was published.
    pub async fn data_map(&self, organization: &OrganizationId) -> Result<(u64, DataMap)> {
        self.core.data_map(organization).await
    }

    /// Who is behind a bearer token.
    ///
    /// # Errors
    /// A refusal with code `unauthenticated` for anything but a key in force; it does not say what is wrong with it.
    pub async fn authenticate(&self, bearer: &str) -> Result<Caller> {
        let unauthenticated = || {
            EngineError::from(Refusal {
                kind: RefusalKind::Forbidden,
                code: ProblemCode::Unauthenticated,
                detail: "This credential is not accepted.".to_owned(),
                field: None,
                remedy: "Send Authorization: Bearer with an API key of this deployment.".to_owned(),
            })
        };
        let parts = bearer.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_'));
        let Some((key_id, secret)) = parts.filter(|(id, _)| !id.is_empty() && id.len() <= 64) else {
            return Err(unauthenticated());
        };
        let mut items = self.core.ports.table.get_many(&[api_key_key(key_id)]).await?;
        let Some(item) = items.pop().flatten() else { return Err(unauthenticated()) };
        let key: ApiKeyItem = from_item(item)?;
        let given = Sha256::digest(secret.as_bytes());
        let kept = HEXLOWER.decode(key.secret_sha256.as_bytes()).unwrap_or_default();
        // Both sides are digests: comparing them tells an attacker nothing about the secret's own bytes.
        if given.as_slice() != kept.as_slice() || key.revoked_at.is_some() {
            return Err(unauthenticated());
        }
        Ok(Caller { organization: key.organization, actor: key.actor, role: key.role })
    }

    /// Makes an organization; one that is there already is left as it is.
    ///
    /// # Errors
    /// Settings out of their bounds.
    pub async fn create_organization(&self, id: OrganizationId, settings: Settings) -> Result<()> {
        check_settings(&settings)?;
        let key = directory(organization_partition(&id), "settings");
        Transaction::new().put(key, &settings, vec![Condition::ItemAbsent])?.commit(self.core.ports.table.as_ref()).await?;
        Ok(())
    }

    /// Changes an organization's settings.
    ///
    /// # Errors
    /// Settings out of their bounds, no such organization, or `identifier_form_in_use`: another country would part people from
    /// their holds and requests.
    pub async fn update_settings(&self, id: &OrganizationId, settings: Settings) -> Result<()> {
        check_settings(&settings)?;
        let before = self.core.settings_if_any(id).await?.ok_or_else(|| Refusal::not_found("organization"))?;
        if before.country != settings.country {
            self.country_may_change(id).await?;
        }
        let key = directory(organization_partition(id), "settings");
        let written =
            Transaction::new().put(key, &settings, vec![Condition::ItemPresent])?.commit(self.core.ports.table.as_ref()).await?;
        match written {
            Committed::Yes => Ok(()),
            Committed::Refused => Err(Refusal::not_found("organization").into()),
        }
    }

    /// Makes an API key. Only its hash is kept.
    ///
    /// # Errors
    /// No such organization.
    pub async fn create_key(&self, organization: &OrganizationId, role: Role, name: String) -> Result<NewKey> {
        let now = self.core.now();
        let mut secret = [0_u8; 32];
        self.core.ports.entropy.fill(&mut secret);
        let secret = HEXLOWER.encode(&secret);
        let key_id = self.core.ports.entropy.uuid(now).simple().to_string();
        let actor = ActorId::from_uuid(self.core.ports.entropy.uuid(now));
        let item = ApiKeyItem {
            organization: organization.clone(),
            role,
            actor,
            name: name.clone(),
            secret_sha256: HEXLOWER.encode(&Sha256::digest(secret.as_bytes())),
            created_at: now,
            revoked_at: None,
        };
        let listed = plain_item([("key_id", key_id.clone().into())]);
        let actor_item = plain_item([("name", name.into())]);
        let settings = directory(organization_partition(organization), "settings");
        let written = Transaction::new()
            .check(settings, vec![Condition::ItemPresent])
            .put(api_key_key(&key_id), &item, vec![Condition::ItemAbsent])?
            .put(directory(organization_partition(organization), format!("key#{key_id}")), &listed, vec![])?
            .put(actor_key(organization, &actor), &actor_item, vec![])?
            .commit(self.core.ports.table.as_ref())
            .await?;
        match written {
            Committed::Yes => Ok(NewKey { key: format!("{PREFIX}{key_id}_{secret}"), key_id, actor }),
            Committed::Refused => Err(Refusal::not_found("organization").into()),
        }
    }

    /// An organization's API keys.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn keys(&self, organization: &OrganizationId) -> Result<Vec<KeyView>> {
        let listed = self.core.query_all(directory_query(organization, "key#", false, 100)).await?;
        let mut views = Vec::new();
        for entry in listed {
            let Some(key_id) = entry.get("key_id").and_then(|v| v.as_str()).map(str::to_owned) else { continue };
            let Some(item) = self.core.ports.table.get_many(&[api_key_key(&key_id)]).await?.pop().flatten() else { continue };
            let key: ApiKeyItem = from_item(item)?;
            views.push(KeyView {
                key_id,
                name: key.name,
                role: key.role,
                actor: key.actor,
                created_at: key.created_at,
                revoked_at: key.revoked_at,
            });
        }
        Ok(views)
    }

    /// Revokes an API key.
    ///
    /// # Errors
    /// No such key of this organization.
    pub async fn revoke_key(&self, organization: &OrganizationId, key_id: &str) -> Result<()> {
        let now = self.core.now().to_string();
        let owned = vec![equals("organization", organization.to_string())];
        let written = Transaction::new()
            .update(api_key_key(key_id), vec![set("revoked_at", now)], owned)
            .commit(self.core.ports.table.as_ref())
            .await?;
        match written {
            Committed::Yes => Ok(()),
            Committed::Refused => Err(Refusal::not_found("key").into()),
        }
    }

    /// Gives a credential new one-time codes; those it had before are void.
    ///
    /// # Errors
    /// No such key of this organization.
    pub async fn enroll_codes(&self, organization: &OrganizationId, key_id: &str) -> Result<NewCodes> {
        let keys = self.keys(organization).await?;
        let known = keys.into_iter().find(|k| k.key_id == key_id && k.revoked_at.is_none());
        let known = known.ok_or_else(|| Refusal::not_found("key"))?;
        self.core.new_codes(organization, key_id, &known.actor, &known.name).await
    }
}

fn check_settings(settings: &Settings) -> Result<()> {
    match settings.problems().first() {
        None => Ok(()),
        Some((field, accepted)) => {
            Err(Refusal::invalid(ProblemCode::InvalidSetting, field, format!("{field} is out of bounds."), *accepted).into())
        }
    }
}

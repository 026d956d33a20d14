//! Who is behind a credential.

use crate::{
    EngineError, ProblemCode, Refusal, RefusalKind, Result,
    core::{Credential, api_key_key},
    directory::Directory,
};
use data_encoding::HEXLOWER;
use oubli_domain::access::Caller;
use sha2::{Digest, Sha256};
use std::net::IpAddr;

/// What every key of a deployment begins with, so that a lost one is found and known for what it is.
pub(super) const PREFIX: &str = "oubli_";

impl Directory {
    /// Who is behind a bearer token that came from this address.
    ///
    /// # Errors
    /// A refusal with code `unauthenticated` for anything but a key in force; only the log of the function says what is
    /// wrong with it.
    pub async fn authenticate(&self, bearer: &str, from: Option<IpAddr>) -> Result<Caller> {
        let parts = bearer.strip_prefix(PREFIX).and_then(|rest| rest.split_once('_'));
        let well_formed = |id: &str| (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit());
        let Some((key_id, secret)) = parts.filter(|(id, _)| well_formed(id)) else {
            return Err(unauthenticated());
        };
        let Some(key) = self.core.find::<Credential>(api_key_key(key_id)).await? else { return Err(unauthenticated()) };
        let given = Sha256::digest(secret.as_bytes());
        let kept = HEXLOWER.decode(key.secret_sha256.as_bytes()).unwrap_or_default();
        // Both sides are digests: comparing them tells an attacker nothing about the secret's own bytes.
        if given.as_slice() != kept.as_slice() {
            return Err(refused(key_id, "another secret"));
        }
        if key.revoked_at.is_some() {
            return Err(refused(key_id, "revoked"));
        }
        if key.expires_at.is_some_and(|at| at <= self.core.now()) {
            return Err(refused(key_id, "expired"));
        }
        if !key.sources.is_empty() && !from.is_some_and(|from| key.sources.iter().any(|s| s.contains(from))) {
            return Err(refused(key_id, "from elsewhere"));
        }
        let roles = match &key.member {
            // Whoever is nobody is a machine, and may no more than one.
            None => Some(key.roles.clone()).filter(oubli_domain::access::Roles::is_service),
            Some(member) => match self.core.member(&key.organization, member).await? {
                Some(member) if member.active => member.roles.within(&key.roles),
                _ => return Err(refused(key_id, "its member is not active")),
            },
        };
        let Some(roles) = roles else { return Err(refused(key_id, "no role is left")) };
        self.core.note_use(&key.organization, key_id).await;
        Ok(Caller { organization: key.organization, actor: key.member.unwrap_or(key.actor), roles })
    }
}

fn refused(key_id: &str, why: &str) -> EngineError {
    tracing::warn!(key_id, why, "a credential was refused");
    unauthenticated()
}

fn unauthenticated() -> EngineError {
    EngineError::from(Refusal {
        kind: RefusalKind::Forbidden,
        code: ProblemCode::Unauthenticated,
        detail: "This credential is not accepted.".to_owned(),
        field: None,
        remedy: "Send Authorization: Bearer with an API key of this deployment.".to_owned(),
    })
}

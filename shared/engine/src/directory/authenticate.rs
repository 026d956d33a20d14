//! Who is behind a credential.

use super::token::Token;
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

/// Whether whoever an issuer vouches for becomes a member when they are first seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FirstSight {
    /// They do, where their issuer says so.
    Admits,
    /// They do not: who asks may not write the directory.
    Refuses,
}

impl Directory {
    /// Who is behind a bearer token that came from this address: an API key, or a token of an issuer.
    ///
    /// # Errors
    /// A refusal with code `unauthenticated` for anything but a key in force or a token to be believed; only the log of the
    /// function says what is wrong with it. `unknown_member` where a token means nobody who is a member.
    pub async fn authenticate(&self, bearer: &str, from: Option<IpAddr>) -> Result<Caller> {
        self.identify(bearer, from, FirstSight::Refuses).await
    }

    /// The same for who may write the directory: whoever an issuer vouches for becomes a member when they are first seen, if
    /// the issuer is taken so.
    ///
    /// # Errors
    /// As [`Directory::authenticate`].
    pub async fn admit(&self, bearer: &str, from: Option<IpAddr>) -> Result<Caller> {
        self.identify(bearer, from, FirstSight::Admits).await
    }

    async fn identify(&self, bearer: &str, from: Option<IpAddr>, sight: FirstSight) -> Result<Caller> {
        match bearer.strip_prefix(PREFIX) {
            Some(key) => self.by_key(key, from).await,
            None if Token::is_one(bearer) => self.by_token(bearer, sight).await,
            None => Err(unauthenticated()),
        }
    }

    async fn by_key(&self, key: &str, from: Option<IpAddr>) -> Result<Caller> {
        let well_formed = |id: &str| (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit());
        let Some((key_id, secret)) = key.split_once('_').filter(|(id, _)| well_formed(id)) else {
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

pub(super) fn unauthenticated() -> EngineError {
    EngineError::from(Refusal {
        kind: RefusalKind::Forbidden,
        code: ProblemCode::Unauthenticated,
        detail: "This credential is not accepted.".to_owned(),
        field: None,
        remedy: "Send Authorization: Bearer with an API key of this deployment, or a token of an issuer that your organization \
                 takes."
            .to_owned(),
    })
}

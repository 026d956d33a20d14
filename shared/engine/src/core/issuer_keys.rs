//! Keys of issuers, fetched once, kept for a while, and asked for again where a token names one that is not among them.

use crate::{
    EngineError, Result,
    core::{Core, IssuerKeys},
    ports::{IssuerDocuments, IssuerUnreachable},
};
use futures::lock::Mutex as AsyncMutex;
use jiff::{SignedDuration, Timestamp};
use oubli_domain::issuer::{Issuer, ProviderUrl};
use serde::Deserialize;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// For so long keys are taken as they were fetched.
const FRESH: SignedDuration = SignedDuration::from_mins(10);

/// For so long they are taken while their issuer cannot be reached; a key that it withdraws meanwhile, too.
const KEPT: SignedDuration = SignedDuration::from_hours(1);

/// So long after a try there is no other, whatever tokens come.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);

/// Most issuers whose keys a process remembers.
const REMEMBERED: usize = 100;

/// Who an issuer is, and where its keys are said to be.
type Place = (String, Option<String>);

/// What this process fetched.
#[derive(Default)]
pub(crate) struct FetchedKeys(Mutex<HashMap<Place, Arc<AsyncMutex<Fetched>>>>);

#[derive(Default)]
struct Fetched {
    keys: Option<(Timestamp, Arc<IssuerKeys>)>,
    tried_at: Option<Timestamp>,
}

impl FetchedKeys {
    fn place(&self, issuer: &Issuer) -> Arc<AsyncMutex<Fetched>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.clear();
        }
        let place = (issuer.issuer.to_string(), issuer.jwks_uri.as_ref().map(ToString::to_string));
        all.entry(place).or_default().clone()
    }

    /// The keys of an issuer, with the one that a token names, if it has it.
    async fn keys(
        &self,
        documents: &dyn IssuerDocuments,
        issuer: &Issuer,
        named: Option<&str>,
        now: Timestamp,
    ) -> Result<Arc<IssuerKeys>> {
        let place = self.place(issuer);
        // Whoever comes meanwhile waits, and finds what was fetched.
        let mut fetched = place.lock().await;
        let age = |at: Timestamp| now.duration_since(at);
        if let Some((at, keys)) = &fetched.keys
            && age(*at) < FRESH
            && named.is_none_or(|id| keys.has(id))
        {
            return Ok(keys.clone());
        }
        if fetched.tried_at.is_none_or(|at| age(at) >= PAUSE) {
            fetched.tried_at = Some(now);
            match fetch(documents, issuer).await {
                Ok(keys) => fetched.keys = Some((now, Arc::new(keys))),
                Err(error) => tracing::warn!(issuer = issuer.issuer.as_str(), reason = %error, "no keys of an issuer"),
            }
        }
        match &fetched.keys {
            Some((at, keys)) if age(*at) < KEPT => Ok(keys.clone()),
            _ => Err(EngineError::transient("the keys of an issuer cannot be had")),
        }
    }
}

/// What a provider says of itself (`OpenID` Connect Discovery 1.0, section 3).
#[derive(Deserialize)]
struct Provider {
    issuer: String,
    jwks_uri: ProviderUrl,
}

async fn fetch(documents: &dyn IssuerDocuments, issuer: &Issuer) -> Result<IssuerKeys, IssuerUnreachable> {
    let unusable = |what: &str| IssuerUnreachable(what.to_owned());
    let place = match &issuer.jwks_uri {
        Some(place) => place.clone(),
        None => discovered(documents, issuer).await?,
    };
    let document = documents.get(&place).await?;
    IssuerKeys::read(&document).ok_or_else(|| unusable("there is no set of at most 50 keys"))
}

async fn discovered(documents: &dyn IssuerDocuments, issuer: &Issuer) -> Result<ProviderUrl, IssuerUnreachable> {
    let unusable = |what: &str| IssuerUnreachable(what.to_owned());
    let place = format!("{}/.well-known/openid-configuration", issuer.issuer.as_str().trim_end_matches('/'));
    let place: ProviderUrl = place.parse().map_err(|_| unusable("its discovery document has no address"))?;
    let document = documents.get(&place).await?;
    let said: Provider = serde_json::from_slice(&document).map_err(|_| unusable("there is no discovery document"))?;
    if said.issuer != issuer.issuer.as_str() {
        return Err(unusable("the discovery document is another issuer's"));
    }
    if said.jwks_uri.is_local() && !issuer.issuer.is_local() {
        return Err(unusable("the discovery document leads to this machine"));
    }
    Ok(said.jwks_uri)
}

impl Core {
    /// The keys of an issuer, with the one that a token names, if it has it.
    ///
    /// # Errors
    /// [`EngineError::Transient`] where they cannot be had.
    pub(crate) async fn keys_of(&self, issuer: &Issuer, named: Option<&str>) -> Result<Arc<IssuerKeys>> {
        self.fetched_keys.keys(self.issuers.as_ref(), issuer, named, self.now()).await
    }
}

#[cfg(test)]
#[path = "issuer_keys_tests.rs"]
mod tests;

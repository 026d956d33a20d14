//! Words sealed under a request's own key: its identity, notes, reasons.

use crate::{
    EngineError, Result,
    core::Core,
    crypt,
    items::{RequestItem, request_partition},
    keyring::{self, Purpose},
};
use oubli_domain::{
    audit::commitment,
    personal::Identity,
    plan::{Exclusion, LeftOut},
};

impl Core {
    /// A commitment to somebody's words: the log never holds the words themselves.
    pub(crate) fn commit_words(&self, words: &str) -> String {
        let mut salt = [0_u8; 32];
        self.ports.entropy.fill(&mut salt);
        commitment(&salt, words)
    }

    /// What reviewers left out and why; without the words once they are forgotten.
    pub(crate) async fn exclusions_of(&self, item: &RequestItem) -> Result<Vec<Exclusion>> {
        match self.words_of(item, "exclusions", item.execution.sealed_exclusions.as_deref()).await? {
            Some(words) => serde_json::from_str(&words).map_err(|_| EngineError::internal("exclusions cannot be read")),
            None => {
                let bare = |e: &LeftOut| Exclusion {
                    category: e.category.clone(),
                    reason: String::new(),
                    retention_until: e.retention_until,
                };
                Ok(item.execution.exclusions.iter().map(bare).collect())
            }
        }
    }

    /// A text sealed under the request's key; none if there is none, or once it is forgotten.
    pub(crate) async fn words_of(&self, item: &RequestItem, what: &str, sealed: Option<&str>) -> Result<Option<String>> {
        let Some(sealed) = sealed else { return Ok(None) };
        let partition = request_partition(&item.organization, &item.id);
        let Some(key) = keyring::find(&self.ports, &item.organization, &partition, Purpose::Identity).await? else {
            return Ok(None);
        };
        Ok(String::from_utf8(crypt::open(&key, what, sealed)?).ok())
    }

    pub(crate) async fn identity_of(&self, item: &RequestItem) -> Result<Option<Identity>> {
        let Some(sealed) = &item.sealed_identity else { return Ok(None) };
        let partition = request_partition(&item.organization, &item.id);
        let Some(key) = keyring::find(&self.ports, &item.organization, &partition, Purpose::Identity).await? else {
            return Ok(None);
        };
        Ok(Identity::from_sealed_form(&crypt::open(&key, "identity", sealed)?))
    }
}

//! Words sealed under a request's own key: its identity, notes, reasons.

use crate::{
    EngineError, Result,
    core::Core,
    core::WordsView,
    crypt,
    items::{RequestItem, WORDS, from_item, request_partition, words_key},
    keyring::{self, Purpose},
    ports::{DataKey, Query, Range, TableName},
    transaction::Transaction,
};
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use oubli_domain::{
    audit::{AuditEvent, commitment},
    ids::ActorId,
    personal::Identity,
    plan::{Exclusion, LeftOut},
};
use serde::{Deserialize, Serialize};

/// Somebody's words about a request.
#[derive(Serialize, Deserialize)]
struct WordsItem {
    what: String,
    said_by: Option<ActorId>,
    said_at: Timestamp,
    audit_id: String,
    sealed: String,
}

impl Core {
    /// Has an event commit to somebody's words about a request, and keeps them beside it, sealed, with what opens the
    /// commitment: the log never holds the words themselves.
    pub(crate) async fn keep_words(
        &self,
        request: &RequestItem,
        event: &mut AuditEvent,
        what: &'static str,
        words: &str,
    ) -> Result<Transaction> {
        let partition = request_partition(&request.organization, &request.id);
        let key = keyring::find(&self.ports, &request.organization, &partition, Purpose::Identity).await?;
        self.keep_words_under(key.as_ref(), request, event, what, words)
    }

    /// The same under the key of a request, which may not be written yet. Without one the request is forgotten, and what is said
    /// of it is, too.
    pub(crate) fn keep_words_under(
        &self,
        key: Option<&DataKey>,
        request: &RequestItem,
        event: &mut AuditEvent,
        what: &'static str,
        words: &str,
    ) -> Result<Transaction> {
        let mut opening = [0_u8; 32];
        self.ports.entropy.fill(&mut opening);
        event.details.insert(format!("{what}_commitment"), commitment(&opening, words).into());
        let Some(key) = key else { return Ok(Transaction::new()) };
        let partition = request_partition(&request.organization, &request.id);
        let plain = serde_json::to_vec(&(HEXLOWER.encode(&opening), words));
        let plain = plain.map_err(|_| EngineError::internal("words do not serialize"))?;
        let item = WordsItem {
            what: what.to_owned(),
            said_by: event.actor,
            said_at: event.timestamp,
            audit_id: event.audit_id.clone(),
            sealed: crypt::seal(key, self.ports.entropy.as_ref(), "words", &plain)?,
        };
        Transaction::new().put(words_key(&partition, &event.audit_id, what), &item, vec![])
    }

    /// What people said of a request, with what shows that the log commits to it; nothing once it is forgotten.
    pub(crate) async fn words_about(&self, request: &RequestItem) -> Result<Vec<WordsView>> {
        let partition = request_partition(&request.organization, &request.id);
        let Some(key) = keyring::find(&self.ports, &request.organization, &partition, Purpose::Identity).await? else {
            return Ok(vec![]);
        };
        let kept = Query::new(TableName::Control, partition, Range::Prefix(WORDS.to_owned()));
        let mut views = Vec::new();
        for item in self.query_all(kept).await? {
            let item: WordsItem = from_item(item)?;
            let (opening, text): (String, String) = serde_json::from_slice(&crypt::open(&key, "words", &item.sealed)?)
                .map_err(|_| EngineError::internal("words cannot be read"))?;
            let WordsItem { what, said_by, said_at, audit_id, .. } = item;
            views.push(WordsView { what, text, opening, said_by, said_at, audit_id });
        }
        views.sort_by_key(|view| view.said_at);
        Ok(views)
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

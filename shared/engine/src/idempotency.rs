//! Answers kept for calls that are made twice.

use crate::{
    Engine, Outcome,
    items::{from_item, idempotency_key},
    ports::Condition,
    transaction::{Committed, Transaction, equals},
};
use oubli_domain::ids::OrganizationId;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A call under way is given up after so long: the function that made it is dead by then.
const UNDER_WAY_MS: i64 = 60_000;

/// Answers are kept for a day.
const KEPT_SECONDS: i64 = 24 * 3600;

#[derive(Serialize, Deserialize)]
struct AnswerItem {
    body_hash: String,
    begun_at: i64,
    status: Option<u16>,
    body: Option<Value>,
    /// When the table removes it, in seconds.
    expires_at: i64,
}

/// What is known of a call with an idempotency key.
#[derive(Debug, Clone, PartialEq)]
pub enum Begun {
    /// It was never made, or never answered.
    Fresh,
    /// It was answered like this.
    Replay {
        /// HTTP status.
        status: u16,
        /// JSON body.
        body: Value,
    },
    /// It is being made.
    InProgress,
    /// The same key came with another body.
    Mismatch,
}

impl Engine {
    /// Begins a call with an idempotency key.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`].
    pub async fn begin_idempotent(&self, organization: &OrganizationId, key_hash: &str, body_hash: &str) -> Outcome<Begun> {
        let key = idempotency_key(organization, key_hash);
        let now = self.now();
        let found = self.ports.table.get_many(std::slice::from_ref(&key)).await?.pop().flatten();
        let mut when = vec![Condition::ItemAbsent];
        if let Some(item) = found {
            let answer: AnswerItem = from_item(item)?;
            let expired = answer.expires_at <= now.as_second();
            match (answer.status, answer.body) {
                _ if !expired && answer.body_hash != body_hash => return Ok(Begun::Mismatch),
                (Some(status), Some(body)) if !expired => return Ok(Begun::Replay { status, body }),
                _ if !expired && answer.begun_at + UNDER_WAY_MS > now.as_millisecond() => return Ok(Begun::InProgress),
                _ => when = vec![equals("begun_at", answer.begun_at)],
            }
        }
        let item = AnswerItem {
            body_hash: body_hash.to_owned(),
            begun_at: now.as_millisecond(),
            status: None,
            body: None,
            expires_at: now.as_second() + KEPT_SECONDS,
        };
        match Transaction::new().put(key, &item, when)?.commit(self.ports.table.as_ref()).await? {
            Committed::Yes => Ok(Begun::Fresh),
            Committed::Refused => Ok(Begun::InProgress),
        }
    }

    /// Keeps the answer of a call.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`]: the call stands all the same.
    pub async fn finish_idempotent(
        &self,
        organization: &OrganizationId,
        key_hash: &str,
        status: u16,
        body: &Value,
    ) -> Outcome<()> {
        let key = idempotency_key(organization, key_hash);
        let changes = vec![crate::transaction::set("status", status), crate::transaction::set("body", body.clone())];
        Transaction::new().update(key, changes, vec![Condition::ItemPresent]).commit(self.ports.table.as_ref()).await?;
        Ok(())
    }

    /// Forgets a call that was not answered, so that it can be made again at once.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`].
    pub async fn abandon_idempotent(&self, organization: &OrganizationId, key_hash: &str) -> Outcome<()> {
        let key = idempotency_key(organization, key_hash);
        Transaction::new().delete(key, vec![Condition::Missing("status")]).commit(self.ports.table.as_ref()).await?;
        Ok(())
    }
}

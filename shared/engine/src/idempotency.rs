//! Answers kept for calls that are made twice. What they say is sealed: it takes both the key service and what the caller
//! repeats to read one.

use crate::{
    EngineError, Result,
    core::Core,
    crypt,
    items::{from_item, idempotency_key},
    ports::{Condition, DataKey, WrappedKey, WrappingKey},
    transaction::{Committed, Transaction, equals, set},
};
use data_encoding::BASE64;
use oubli_domain::ids::OrganizationId;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;

/// A call under way is given up after so long at least.
const UNDER_WAY_MS: i64 = 60_000;

/// Answers are kept for a day.
const KEPT_SECONDS: i64 = 24 * 3600;

#[derive(Serialize, Deserialize)]
struct AnswerItem {
    body_hash: String,
    begun_at: i64,
    status: Option<u16>,
    /// The answer, sealed.
    sealed: Option<String>,
    /// Half of what opens it, wrapped by the key service.
    wrapped: Option<String>,
    /// When the table removes it, in seconds.
    expires_at: i64,
}

/// A call made with an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeatable<'a> {
    /// Names the call: a hash of its key, its caller and its path.
    pub name: &'a str,
    /// A hash of its body.
    pub body: &'a str,
    /// Another hash of its key, never stored: half of what opens the answer that is kept.
    pub secret: &'a str,
}

/// What is known of a call with an idempotency key.
#[derive(Debug, Clone, PartialEq)]
pub enum IdempotencyState {
    /// It was never made, or never answered. This attempt began then, in milliseconds, which names it.
    Fresh(i64),
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

/// Answers kept for calls that are repeated.
#[derive(Clone)]
pub struct Idempotency {
    pub(crate) core: Core,
}

impl Idempotency {
    /// Begins a call with an idempotency key.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`].
    pub async fn begin_idempotent(&self, organization: &OrganizationId, call: &Repeatable<'_>) -> Result<IdempotencyState> {
        let key = idempotency_key(organization, call.name);
        let now = self.core.now();
        let found = self.core.ports.table.get_many(std::slice::from_ref(&key)).await?.pop().flatten();
        let mut when = vec![Condition::ItemAbsent];
        if let Some(item) = found {
            let answer: AnswerItem = from_item(item)?;
            let expired = answer.expires_at <= now.as_second();
            match (answer.status, answer.sealed, answer.wrapped) {
                _ if !expired && answer.body_hash != call.body => return Ok(IdempotencyState::Mismatch),
                (Some(status), Some(sealed), Some(wrapped)) if !expired => {
                    let body = self.open_answer(organization, call, &wrapped, &sealed).await?;
                    return Ok(IdempotencyState::Replay { status, body });
                }
                _ if !expired && answer.begun_at + self.under_way_ms() > now.as_millisecond() => {
                    return Ok(IdempotencyState::InProgress);
                }
                _ => when = vec![equals("begun_at", answer.begun_at)],
            }
        }
        let item = AnswerItem {
            body_hash: call.body.to_owned(),
            begun_at: now.as_millisecond(),
            status: None,
            sealed: None,
            wrapped: None,
            expires_at: now.as_second() + KEPT_SECONDS,
        };
        match Transaction::new().put(key, &item, when)?.commit(self.core.ports.table.as_ref()).await? {
            Committed::Yes => Ok(IdempotencyState::Fresh(item.begun_at)),
            Committed::Refused => Ok(IdempotencyState::InProgress),
        }
    }

    /// How long an attempt may go on: the function that makes it is dead by then.
    fn under_way_ms(&self) -> i64 {
        UNDER_WAY_MS.max((i64::from(self.core.config.worker_timeout_seconds) + 15) * 1000)
    }

    /// Keeps the answer of an attempt at a call, unless another one began since.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`]: the call stands all the same.
    pub async fn finish_idempotent(
        &self,
        organization: &OrganizationId,
        call: &Repeatable<'_>,
        attempt: i64,
        status: u16,
        body: &Value,
    ) -> Result<()> {
        let key = idempotency_key(organization, call.name);
        let (half, wrapped) = self.core.ports.keys.generate(WrappingKey::Identity, &context(organization)).await?;
        let plain = serde_json::to_vec(body).map_err(|_| EngineError::internal("an answer does not serialize"))?;
        let sealed = crypt::seal(&opens(&half, call), self.core.ports.entropy.as_ref(), "answer", &plain)?;
        let changes = vec![set("status", status), set("sealed", sealed), set("wrapped", BASE64.encode(&wrapped.0))];
        let mine = vec![equals("begun_at", attempt)];
        Transaction::new().update(key, changes, mine).commit(self.core.ports.table.as_ref()).await?;
        Ok(())
    }

    /// Forgets an attempt that was not answered, so that the call can be made again at once.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`].
    pub async fn abandon_idempotent(&self, organization: &OrganizationId, call: &Repeatable<'_>, attempt: i64) -> Result<()> {
        let key = idempotency_key(organization, call.name);
        let mine = vec![equals("begun_at", attempt), Condition::Missing("status")];
        Transaction::new().delete(key, mine).commit(self.core.ports.table.as_ref()).await?;
        Ok(())
    }

    async fn open_answer(
        &self,
        organization: &OrganizationId,
        call: &Repeatable<'_>,
        wrapped: &str,
        sealed: &str,
    ) -> Result<Value> {
        let broken = || EngineError::internal("a kept answer cannot be read");
        let wrapped = WrappedKey(BASE64.decode(wrapped.as_bytes()).map_err(|_| broken())?);
        let half = self.core.ports.keys.unwrap(WrappingKey::Identity, &wrapped, &context(organization)).await?;
        let plain = crypt::open(&opens(&half, call), "answer", sealed)?;
        serde_json::from_slice(&plain).map_err(|_| broken())
    }
}

fn context(organization: &OrganizationId) -> BTreeMap<String, String> {
    BTreeMap::from([("organization".to_owned(), organization.to_string()), ("purpose".to_owned(), "answer".to_owned())])
}

fn opens(half: &DataKey, call: &Repeatable<'_>) -> DataKey {
    let mut hash = Sha256::new();
    hash.update(b"oubli answer 1");
    hash.update(half.0);
    hash.update(call.secret.as_bytes());
    DataKey(hash.finalize().into())
}

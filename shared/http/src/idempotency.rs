//! `Idempotency-Key`: a POST repeated with the same key has its effect once and gets the same answer.
//!
//! Only what was done is remembered. A refusal changed nothing, so its key is as good as unused: the same call may
//! succeed later. What a repeated call creates has an id made of the key, so that not even a crash between the
//! effect and its remembered answer can create a second one.

use crate::{problem::Problem, rooms::Gate, shapes};
use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use data_encoding::HEXLOWER;
use oubli_domain::access::Caller;
use oubli_engine::{IdempotencyState, ProblemCode, Repeatable};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use uuid::Uuid;

/// A header that every POST accepts.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) struct IdempotencyKey {
    /// Makes it safe to repeat this call: within 24 hours the same key with the same body, from the same member or
    /// machine, has its effect once and gets the same answer. 1 to 255 printable ASCII characters, such as a UUID.
    #[param(rename = "Idempotency-Key", required = false, value_type = shapes::RepeatKey)]
    idempotency_key: Option<String>,
}

const HEADER: &str = "idempotency-key";
const MAX_BYTES: usize = 255;

/// A key, bound to caller, route and body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    scope: String,
    body: String,
    secret: String,
    id: Uuid,
}

impl Key {
    /// The key of a call, if it has one.
    ///
    /// # Errors
    /// `invalid_idempotency_key` for one that is empty, too long or not printable ASCII.
    pub fn read(headers: &HeaderMap, caller: &Caller, path: &str, body: &[u8]) -> Result<Option<Self>, Problem> {
        let Some(value) = headers.get(HEADER) else { return Ok(None) };
        let printable = |key: &&str| (1..=MAX_BYTES).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
        let Some(key) = value.to_str().ok().filter(printable) else {
            let accepted = format!("1 to {MAX_BYTES} printable ASCII characters without spaces, such as a UUID");
            return Err(Problem::field(ProblemCode::InvalidIdempotencyKey, "Idempotency-Key", "it cannot be read", accepted));
        };
        let (organization, actor) = (caller.organization.as_str(), caller.actor.to_string());
        let scope = digest(&[b"oubli key", organization.as_bytes(), actor.as_bytes(), path.as_bytes(), key.as_bytes()]);
        // Not to be had from the scope, which is stored.
        let secret = digest(&[b"oubli answer", organization.as_bytes(), actor.as_bytes(), path.as_bytes(), key.as_bytes()]);
        // The key goes in too: a bare hash of a body could be guessed from the few things a body may say.
        let body = digest(&[b"oubli body", &scope, key.as_bytes(), body]);
        // The body belongs to the id: a key used again for something else, a day later, must not find the first.
        let id = digest(&[b"oubli id", &scope, &body]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&id[..16]);
        let [scope, body, secret] = [scope, body, secret].map(|hash| HEXLOWER.encode(&hash));
        Ok(Some(Self { scope, body, secret, id: Uuid::new_v8(bytes) }))
    }

    fn call(&self) -> Repeatable<'_> {
        Repeatable { name: &self.scope, body: &self.body, secret: &self.secret }
    }

    /// The id of what the call creates.
    pub const fn id(&self) -> Uuid {
        self.id
    }
}

/// SHA-256 over parts whose borders count.
fn digest(parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The answer to a POST that did something.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    body: Value,
    replayed: bool,
    secret: bool,
}

impl Answer {
    /// An answer of this status.
    ///
    /// # Errors
    /// An internal problem if it cannot be written as JSON.
    pub fn new(status: StatusCode, body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_value(body).map_err(|e| oubli_engine::EngineError::internal(format!("an answer: {e}")))?;
        Ok(Self { status, body, replayed: false, secret: false })
    }

    /// The same, never to be kept: a repeated call is refused instead of answered again.
    #[must_use]
    pub fn secret(self) -> Self {
        Self { secret: true, ..self }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if self.replayed {
            response.headers_mut().insert("idempotency-replayed", HeaderValue::from_static("true"));
        }
        response
    }
}

/// What is kept in the place of an answer that held a secret.
fn kept_of_a_secret() -> Value {
    serde_json::json!({ "kept": false })
}

/// Does `work` unless it was done before. `work` gets the id of what it creates.
///
/// # Errors
/// Those of `work`; `idempotency_in_progress` while an equal call runs; `idempotency_key_reused` for another body.
pub(crate) async fn once<G: Gate, F>(gate: &G, caller: &Caller, key: Option<&Key>, work: F) -> Result<Answer, Problem>
where
    F: AsyncFnOnce(Uuid) -> Result<Answer, Problem>,
{
    let Some(key) = key else { return work(Uuid::now_v7()).await };
    let organization = &caller.organization;
    let attempt = match gate.idempotency().begin_idempotent(organization, &key.call()).await? {
        IdempotencyState::Fresh(attempt) => attempt,
        IdempotencyState::Replay { status, body } => {
            if body == kept_of_a_secret() {
                let detail = "The answer to this call held a secret, and was not kept.";
                let remedy = "Make the call again with a new Idempotency-Key, or with none.";
                return Err(Problem::new(StatusCode::CONFLICT, ProblemCode::AnswerNotKept, detail, remedy));
            }
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            return Ok(Answer { status, body, replayed: true, secret: false });
        }
        IdempotencyState::InProgress => {
            let detail = "A call with this Idempotency-Key is still running.";
            let remedy = "Send the same call again in a moment to get its answer.";
            return Err(Problem::new(StatusCode::CONFLICT, ProblemCode::IdempotencyInProgress, detail, remedy).retry_after(1));
        }
        IdempotencyState::Mismatch => {
            let detail = "This Idempotency-Key came before, with another body.";
            let remedy = "Use a new key for a new call, or repeat the first body exactly.";
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, ProblemCode::IdempotencyKeyReused, detail, remedy));
        }
    };
    match work(key.id).await {
        Ok(answer) => {
            // What was done is done: the caller learns it even if it could not be noted.
            let kept = if answer.secret { &kept_of_a_secret() } else { &answer.body };
            let status = answer.status.as_u16();
            let noted = gate.idempotency().finish_idempotent(organization, &key.call(), attempt, status, kept).await;
            if let Err(error) = noted {
                tracing::warn!(%error, "an answer was not kept for its repetition");
            }
            Ok(answer)
        }
        Err(problem) => {
            if let Err(error) = gate.idempotency().abandon_idempotent(organization, &key.call(), attempt).await {
                tracing::warn!(%error, "an idempotency key was not set free");
            }
            Err(problem)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use oubli_domain::{
        access::{Role, Roles},
        ids::ActorId,
    };

    fn key(organization: &str, path: &str, key: &str, body: &str) -> Key {
        let caller = Caller {
            organization: organization.parse().expect("name"),
            actor: ActorId::from_uuid(Uuid::nil()),
            roles: Roles::of(Role::Service),
        };
        let mut headers = HeaderMap::new();
        headers.insert(HEADER, key.parse().expect("header"));
        Key::read(&headers, &caller, path, body.as_bytes()).expect("valid").expect("present")
    }

    #[test]
    fn the_same_call_has_the_same_id_and_no_other_has_it() {
        let first = key("a", "/p", "k1", "{}");
        assert_eq!(first, key("a", "/p", "k1", "{}"));
        for other in [key("b", "/p", "k1", "{}"), key("a", "/q", "k1", "{}"), key("a", "/p", "k2", "{}")] {
            assert_ne!(first.scope, other.scope);
            assert_ne!(first.id, other.id);
        }
        let other_body = key("a", "/p", "k1", "{ }");
        assert_eq!(first.scope, other_body.scope);
        assert_ne!(first.body, other_body.body);
        assert_ne!(first.id, other_body.id);
        assert_eq!(first.id.get_version_num(), 8);
    }

    #[test]
    fn borders_between_parts_count() {
        assert_ne!(key("ab", "/p", "k", "").scope, key("a", "b/p", "k", "").scope);
    }

    #[test]
    fn a_key_is_printable_and_bounded() {
        let caller = Caller {
            organization: "a".parse().expect("name"),
            actor: ActorId::from_uuid(Uuid::nil()),
            roles: Roles::of(Role::Service),
        };
        for bad in [String::new(), "a b".to_owned(), "x".repeat(256)] {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, bad.parse().expect("header"));
            assert_eq!(Key::read(&headers, &caller, "/p", b"").expect_err("refused").code(), ProblemCode::InvalidIdempotencyKey);
        }
        assert_eq!(Key::read(&HeaderMap::new(), &caller, "/p", b"").expect("none"), None);
    }
}

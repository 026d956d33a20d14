//! The logs' bucket and key in memory.

use crate::{
    faults::call,
    mutant::Mutant,
    world::{World, WorldState},
};
use async_trait::async_trait;
use bytes::Bytes;
use ed25519_dalek::{Signer as _, SigningKey};
use jiff::Timestamp;
use oubli_engine::ports::{KeyServiceError, LedgerStore, ObjectError, Signer, Stored};
use serde_json::Value;

/// The bucket and the key.
pub struct SimLedger(pub World);

/// An object of a log.
#[derive(Debug, Clone)]
pub struct LedgerObject {
    pub body: Bytes,
    /// Counts its writes.
    pub tag: u64,
    pub locked_until: Option<Timestamp>,
}

fn unavailable(why: &str) -> ObjectError {
    ObjectError::Unavailable(why.to_owned())
}

fn store(state: &mut WorldState, name: &str, body: Bytes, locked_until: Option<Timestamp>) -> Result<(), ObjectError> {
    if state.ledger.contains_key(name) {
        return Err(ObjectError::Exists);
    }
    state.note(|| format!("log {name}"));
    state.ledger.insert(name.to_owned(), LedgerObject { body, tag: 1, locked_until });
    Ok(())
}

/// What two of the mutants do when entries are staged.
fn staged(state: &mut WorldState, name: &str, body: &Bytes) -> bool {
    match state.mutant {
        // What is staged is written with the first tile, which is after the commit.
        Some(Mutant::CommitBeforeStaging) => {
            state.staged_later.push((name.to_owned(), body.clone()));
            true
        }
        Some(Mutant::OutboxRemovedBeforeCommit) => {
            let staged: Value = serde_json::from_slice(body).unwrap_or_default();
            let sealed: Vec<&str> = staged["outbox"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            state.items.retain(|key, _| !(key.pk.ends_with("#outbox") && sealed.contains(&key.sk.as_str())));
            false
        }
        _ => false,
    }
}

#[async_trait]
impl LedgerStore for SimLedger {
    async fn read(&self, name: &str) -> Result<Option<Stored>, ObjectError> {
        let world = self.0.clone();
        let found = |o: &LedgerObject| Stored { body: o.body.clone(), tag: o.tag.to_string() };
        call(&self.0, unavailable, move || Ok(world.lock().ledger.get(name).map(found))).await
    }

    async fn create(&self, name: &str, body: Bytes) -> Result<(), ObjectError> {
        let world = self.0.clone();
        call(&self.0, unavailable, move || {
            let mut state = world.lock();
            if name.contains("/staging/") && staged(&mut state, name, &body) {
                return Ok(());
            }
            for (name, body) in std::mem::take(&mut state.staged_later) {
                store(&mut state, &name, body, None).ok();
            }
            store(&mut state, name, body, None)
        })
        .await
    }

    async fn preserve(&self, name: &str, body: Bytes, until: Timestamp) -> Result<(), ObjectError> {
        let world = self.0.clone();
        call(&self.0, unavailable, move || store(&mut world.lock(), name, body, Some(until))).await
    }

    async fn replace(&self, name: &str, body: Bytes, before: Option<&str>) -> Result<(), ObjectError> {
        let world = self.0.clone();
        call(&self.0, unavailable, move || {
            let mut state = world.lock();
            let tag = state.ledger.get(name).map_or(0, |o| o.tag);
            if before != Some(tag.to_string().as_str()).filter(|_| tag > 0) {
                return Err(ObjectError::Exists);
            }
            state.note(|| format!("log {name} again"));
            state.ledger.insert(name.to_owned(), LedgerObject { body, tag: tag + 1, locked_until: None });
            Ok(())
        })
        .await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError> {
        let world = self.0.clone();
        call(&self.0, unavailable, move || {
            let state = world.lock();
            let names = state.ledger.range(prefix.to_owned()..).map(|(name, _)| name).take_while(|n| n.starts_with(prefix));
            Ok(names.take(1_000).cloned().collect())
        })
        .await
    }

    async fn delete(&self, names: &[String]) -> Result<(), ObjectError> {
        let world = self.0.clone();
        call(&self.0, unavailable, move || {
            let mut state = world.lock();
            let now = state.now();
            for name in names {
                if state.ledger.get(name).is_some_and(|o| o.locked_until.is_some_and(|until| until > now)) {
                    return Err(unavailable("AccessDenied"));
                }
                state.ledger.remove(name);
            }
            Ok(())
        })
        .await
    }
}

/// The world's key: signatures are the same in every run.
pub fn signing_key() -> SigningKey {
    SigningKey::from_bytes(b"the log key of the little world ")
}

#[async_trait]
impl Signer for SimLedger {
    async fn public_key(&self) -> Result<[u8; 32], KeyServiceError> {
        Ok(signing_key().verifying_key().to_bytes())
    }

    async fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyServiceError> {
        let refused = |w: &str| KeyServiceError::Unavailable(w.to_owned());
        call(&self.0, refused, || Ok(signing_key().sign(message).to_bytes())).await
    }
}

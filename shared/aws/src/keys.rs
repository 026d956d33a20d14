//! Data keys and keyed hashes by KMS.

use crate::{
    failure,
    settings::{Settings, SettingsError},
};
use async_trait::async_trait;
use aws_sdk_kms::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    primitives::Blob,
    types::{DataKeySpec, MacAlgorithmSpec},
};
use oubli_engine::ports::{DataKey, KeyService, KeyServiceError, WrappedKey, WrappingKey};
use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use zeroize::Zeroize as _;

/// Longest that a plain key stays in memory within an invocation: so long may work go on with a key just destroyed.
const CACHED_FOR: Duration = Duration::from_secs(60);
/// Most plain keys in memory.
const CACHED: usize = 64;

/// [`KeyService`] on AWS KMS.
#[derive(Debug, Clone)]
pub struct Kms {
    client: Client,
    settings: Arc<Settings>,
    cache: Arc<Mutex<Cache>>,
}

impl Kms {
    /// The keys that the settings name.
    pub fn new(client: Client, settings: Arc<Settings>) -> Self {
        Self { client, settings, cache: Arc::default() }
    }

    fn remember(&self, name: Name, key: &DataKey) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.put(name, key.clone(), Instant::now());
    }
}

#[async_trait]
impl KeyService for Kms {
    async fn generate(
        &self,
        by: WrappingKey,
        context: &BTreeMap<String, String>,
    ) -> Result<(DataKey, WrappedKey), KeyServiceError> {
        let request = self.client.generate_data_key().key_id(self.settings.wrapping_key_id(by)?).key_spec(DataKeySpec::Aes256);
        let reply = request.set_encryption_context(Some(to_map(context))).send().await.map_err(|e| failed(&e))?;
        let key = data_key(reply.plaintext)?;
        let wrapped = WrappedKey(reply.ciphertext_blob.ok_or_else(incomplete)?.into_inner());
        self.remember((by, wrapped.0.clone(), context.clone()), &key);
        Ok((key, wrapped))
    }

    async fn unwrap(
        &self,
        by: WrappingKey,
        wrapped: &WrappedKey,
        context: &BTreeMap<String, String>,
    ) -> Result<DataKey, KeyServiceError> {
        let name = (by, wrapped.0.clone(), context.clone());
        let cached = {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            cache.get(&name, Instant::now())
        };
        if let Some(key) = cached {
            return Ok(key);
        }
        let request = self.client.decrypt().key_id(self.settings.wrapping_key_id(by)?);
        let request = request.ciphertext_blob(Blob::new(wrapped.0.clone()));
        let reply = request.set_encryption_context(Some(to_map(context))).send().await.map_err(|e| failed(&e))?;
        let key = data_key(reply.plaintext)?;
        self.remember(name, &key);
        Ok(key)
    }

    fn name(&self, of: WrappingKey) -> Result<String, KeyServiceError> {
        Ok(self.settings.wrapping_key_id(of)?.to_owned())
    }

    fn forget(&self) {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).0.clear();
    }

    async fn mac(&self, message: &[u8]) -> Result<[u8; 32], KeyServiceError> {
        let request = self.client.generate_mac().key_id(self.settings.mac_key_id()?).message(Blob::new(message));
        let reply = request.mac_algorithm(MacAlgorithmSpec::HmacSha256).send().await.map_err(|e| failed(&e))?;
        let mac = reply.mac.ok_or_else(incomplete)?.into_inner();
        mac.try_into().map_err(|_| incomplete())
    }
}

fn data_key(plaintext: Option<Blob>) -> Result<DataKey, KeyServiceError> {
    let mut bytes = plaintext.ok_or_else(incomplete)?.into_inner();
    let key = <[u8; 32]>::try_from(bytes.as_slice()).map(DataKey);
    bytes.zeroize();
    key.map_err(|_| incomplete())
}

fn incomplete() -> KeyServiceError {
    KeyServiceError::Unavailable("IncompleteReply".to_owned())
}

fn to_map(context: &BTreeMap<String, String>) -> HashMap<String, String> {
    context.iter().map(|(k, v)| (k.clone(), v.clone())).collect()
}

fn failed<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> KeyServiceError {
    let code = failure::code(error);
    match code.as_str() {
        // A right that is missing is not missing for ever: policies of keys take a while to be known everywhere.
        "InvalidCiphertextException" | "IncorrectKeyException" => KeyServiceError::Refused(code),
        _ => KeyServiceError::Unavailable(code),
    }
}

impl From<SettingsError> for KeyServiceError {
    fn from(error: SettingsError) -> Self {
        KeyServiceError::Unavailable(error.to_string())
    }
}

type Name = (WrappingKey, Vec<u8>, BTreeMap<String, String>);

/// Plain keys by what they were wrapped as and bound to. Those evicted are wiped as they drop.
#[derive(Default)]
struct Cache(HashMap<Name, (DataKey, Instant)>);

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[keys]")
    }
}

impl Cache {
    fn get(&mut self, name: &Name, now: Instant) -> Option<DataKey> {
        self.forget_old(now);
        self.0.get(name).map(|(key, _)| key.clone())
    }

    fn put(&mut self, name: Name, key: DataKey, now: Instant) {
        self.forget_old(now);
        if self.0.len() >= CACHED
            && let Some(oldest) = self.0.iter().min_by_key(|(_, (_, since))| *since).map(|(name, _)| name.clone())
        {
            self.0.remove(&oldest);
        }
        self.0.insert(name, (key, now));
    }

    fn forget_old(&mut self, now: Instant) {
        self.0.retain(|_, (_, since)| now.duration_since(*since) < CACHED_FOR);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: u8) -> Name {
        (WrappingKey::Vault, vec![n], BTreeMap::from([("request".to_owned(), "r".to_owned())]))
    }

    #[test]
    fn a_key_is_forgotten_after_a_minute_and_another_context_never_finds_it() {
        let (mut cache, start) = (Cache::default(), Instant::now());
        cache.put(name(1), DataKey([7; 32]), start);
        assert_eq!(cache.get(&name(1), start + Duration::from_secs(59)), Some(DataKey([7; 32])));
        assert_eq!(cache.get(&(WrappingKey::Vault, vec![1], BTreeMap::new()), start), None);
        assert_eq!(cache.get(&(WrappingKey::Identity, name(1).1, name(1).2), start), None);
        assert_eq!(cache.get(&name(1), start + CACHED_FOR), None);
        assert!(cache.0.is_empty());
    }

    #[test]
    fn the_oldest_key_makes_room() {
        let (mut cache, start) = (Cache::default(), Instant::now());
        for n in 0..=64 {
            cache.put(name(n), DataKey([n; 32]), start + Duration::from_millis(n.into()));
        }
        assert_eq!(cache.0.len(), CACHED);
        assert!(!cache.0.contains_key(&name(0)) && cache.0.contains_key(&name(64)));
    }
}

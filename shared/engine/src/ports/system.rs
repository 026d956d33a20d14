//! Time, randomness and the key service.

use async_trait::async_trait;
use jiff::Timestamp;
use std::{collections::BTreeMap, fmt, time::Duration};
use thiserror::Error;
use uuid::Uuid;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Waits.
    async fn sleep(&self, duration: Duration);
}

/// Randomness.
pub trait Entropy: Send + Sync {
    /// Fills a buffer with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]);

    /// A new UUID, version 7, whose time is `now`.
    fn uuid(&self, now: Timestamp) -> Uuid {
        let mut random = [0_u8; 10];
        self.fill(&mut random);
        let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// A key for AES-256-GCM; wiped when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct DataKey(pub [u8; 32]);

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[key]")
    }
}

/// A data key encrypted by the key service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey(pub Vec<u8>);

/// The key service's own keys that wrap data keys. Each is one that others may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum WrappingKey {
    /// Identities, the words of people, one-time codes, kept answers.
    Identity,
    /// Lists of what was found.
    Manifest,
    /// Copies of what is hidden.
    Vault,
    /// Exports.
    Export,
}

impl WrappingKey {
    /// As settings and addresses call it.
    pub fn name(self) -> &'static str {
        match self {
            WrappingKey::Identity => "identity",
            WrappingKey::Manifest => "manifest",
            WrappingKey::Vault => "vault",
            WrappingKey::Export => "export",
        }
    }
}

/// Why a call failed.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum KeyServiceError {
    /// Throttled or unreachable.
    #[error("key service unavailable: {0}")]
    Unavailable(String),
    /// The wrapped key is not one of this service's, or its context differs.
    #[error("key refused: {0}")]
    Refused(String),
}

/// Wraps data keys and computes keyed hashes; its own keys never leave it (AWS KMS).
#[async_trait]
pub trait KeyService: Send + Sync {
    /// A new data key, plain and wrapped. The context is bound to it and must be given again to unwrap it.
    ///
    /// # Errors
    /// [`KeyServiceError::Unavailable`].
    async fn generate(
        &self,
        by: WrappingKey,
        context: &BTreeMap<String, String>,
    ) -> Result<(DataKey, WrappedKey), KeyServiceError>;

    /// Opens a wrapped data key.
    ///
    /// # Errors
    /// [`KeyServiceError::Refused`] for a foreign key, one that was wrapped by another, or another context.
    async fn unwrap(
        &self,
        by: WrappingKey,
        wrapped: &WrappedKey,
        context: &BTreeMap<String, String>,
    ) -> Result<DataKey, KeyServiceError>;

    /// What the key service calls a key of its own (an ARN).
    ///
    /// # Errors
    /// [`KeyServiceError::Unavailable`].
    fn name(&self, of: WrappingKey) -> Result<String, KeyServiceError>;

    /// Wipes the plain keys that it keeps in memory, if it keeps any: whoever called may be frozen for hours now.
    fn forget(&self);

    /// HMAC-SHA-256 of a message of at most 4,096 bytes.
    ///
    /// # Errors
    /// [`KeyServiceError::Unavailable`].
    async fn mac(&self, message: &[u8]) -> Result<[u8; 32], KeyServiceError>;
}

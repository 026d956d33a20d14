//! The bucket that holds the organizations' logs, and the key that signs their checkpoints.

use super::{KeyServiceError, ObjectError};
use async_trait::async_trait;
use bytes::Bytes;
use jiff::Timestamp;

/// An object, and which of its contents it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its bytes.
    pub body: Bytes,
    /// Changes with every write (an ETag).
    pub tag: String,
}

/// Objects of the logs. Small ones: none is larger than some MiB.
#[async_trait]
pub trait LedgerStore: Send + Sync {
    /// Reads an object; `None` if there is none.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    async fn read(&self, name: &str) -> Result<Option<Stored>, ObjectError>;

    /// Writes an object that never changes while it is there: something else replaces it, or policy lets it go.
    ///
    /// # Errors
    /// [`ObjectError::Exists`] if there is one of this name.
    async fn create(&self, name: &str, body: Bytes) -> Result<(), ObjectError>;

    /// Writes an object that never changes and that nobody can delete before a time.
    ///
    /// # Errors
    /// [`ObjectError::Exists`] if there is one of this name.
    async fn preserve(&self, name: &str, body: Bytes, until: Timestamp) -> Result<(), ObjectError>;

    /// Writes an object in the place of one with this tag, or where there is none.
    ///
    /// # Errors
    /// [`ObjectError::Exists`] if what stands there is another one.
    async fn replace(&self, name: &str, body: Bytes, before: Option<&str>) -> Result<(), ObjectError>;

    /// The names that start with this, in order; at most 1,000.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    async fn list(&self, prefix: &str) -> Result<Vec<String>, ObjectError>;

    /// Deletes objects, at most 1,000; those not there count as deleted.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`]; some may have been deleted.
    async fn delete(&self, names: &[String]) -> Result<(), ObjectError>;
}

/// Signs with an Ed25519 key that never leaves it.
#[async_trait]
pub trait Signer: Send + Sync {
    /// The public key.
    ///
    /// # Errors
    /// [`KeyServiceError::Unavailable`].
    async fn public_key(&self) -> Result<[u8; 32], KeyServiceError>;

    /// A signature of a message of at most 4,096 bytes.
    ///
    /// # Errors
    /// [`KeyServiceError`].
    async fn sign(&self, message: &[u8]) -> Result<[u8; 64], KeyServiceError>;
}

//! The work bucket.

use super::Body;
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use thiserror::Error;

/// Why a call failed.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
pub enum ObjectError {
    /// Throttled or unreachable. A write may or may not have happened.
    #[error("bucket unavailable: {0}")]
    Unavailable(String),
    /// The bucket is not there, or closed to us.
    #[error("bucket cannot be used: {0}")]
    Refused(String),
    /// An object of this name is there already, and another one was not to replace it.
    #[error("an object of this name exists")]
    Exists,
    /// The upload is complete or was given up.
    #[error("the upload is over")]
    Over,
}

/// An object's bytes, in order.
pub type ByteStream = BoxStream<'static, Result<Bytes, ObjectError>>;

/// Objects by name. A name never changes its content: writes are put-if-absent.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Writes a whole object.
    ///
    /// # Errors
    /// [`ObjectError::Exists`] if there is one of this name.
    async fn put(&self, name: &str, body: Body) -> Result<(), ObjectError>;

    /// Starts an object that is written piece by piece and exists only once finished.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`].
    async fn writer(&self, name: &str) -> Result<Box<dyn ObjectWriter>, ObjectError>;

    /// Reads an object as a stream; `None` if there is none.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`], also inside the stream.
    async fn reader(&self, name: &str) -> Result<Option<ByteStream>, ObjectError>;

    /// Deletes objects, at most 1,000; those not there count as deleted.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`]; some may have been deleted.
    async fn delete(&self, names: &[String]) -> Result<(), ObjectError>;
}

/// An object in the making. Dropped unfinished, it leaves nothing readable behind.
#[async_trait]
pub trait ObjectWriter: Send {
    /// Adds bytes.
    ///
    /// # Errors
    /// [`ObjectError::Unavailable`]: the writer is then of no more use.
    async fn write(&mut self, bytes: Bytes) -> Result<(), ObjectError>;

    /// Makes the object exist.
    ///
    /// # Errors
    /// [`ObjectError::Exists`] if there is one of this name.
    async fn finish(self: Box<Self>) -> Result<(), ObjectError>;
}

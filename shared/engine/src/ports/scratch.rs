//! A worker's own disk.

use async_trait::async_trait;
use bytes::Bytes;
use std::path::PathBuf;
use thiserror::Error;

/// Why a call failed: the disk is full, or gone.
#[derive(Debug, Error, Clone, PartialEq, Eq)]
#[error("disk unavailable: {0}")]
pub struct ScratchError(pub String);

/// What is written to a bucket.
pub enum Body {
    /// Bytes in memory.
    Bytes(Bytes),
    /// Bytes of a file, which does not change until they are written.
    File {
        /// Where the file is found.
        path: PathBuf,
        /// Bytes before them.
        from: u64,
        /// How many they are.
        length: u64,
    },
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Body::Bytes(bytes)
    }
}

/// Makes files for what is too large to be kept in memory. Nothing plain is written to them: a disk may be looked at later.
#[async_trait]
pub trait Scratch: Send + Sync {
    /// A new file, empty. It is gone once dropped, and with the process however that ends.
    ///
    /// # Errors
    /// [`ScratchError`].
    async fn create(&self) -> Result<Box<dyn ScratchFile>, ScratchError>;
}

/// A file of one worker.
#[async_trait]
pub trait ScratchFile: Send + Sync {
    /// Adds bytes at its end.
    ///
    /// # Errors
    /// [`ScratchError`]: the file is then of no more use.
    async fn append(&mut self, bytes: &[u8]) -> Result<(), ScratchError>;

    /// Its bytes from an offset on.
    ///
    /// # Errors
    /// As [`ScratchFile::append`].
    async fn body(&mut self, from: u64) -> Result<Body, ScratchError>;

    /// Makes it empty.
    ///
    /// # Errors
    /// As [`ScratchFile::append`].
    async fn clear(&mut self) -> Result<(), ScratchError>;
}

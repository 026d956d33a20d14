//! Vault parts: encrypted copies of what a batch hides.
//!
//! Plain form, inside the sealed stream: frames of a 4-byte big-endian header length, the header as JSON, and as many
//! bytes of payload as the header says.

use crate::{
    EngineError, Result,
    crypt::{StreamOpener, StreamSealer},
    ports::{DataKey, ObjectError, ObjectWriter, Ports, StoreError, Version},
};
use bytes::Bytes;
use data_encoding::HEXLOWER;
use futures::{StreamExt, lock::Mutex, stream, stream::BoxStream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use thiserror::Error;

/// What stands before each payload.
#[derive(Clone, Serialize, Deserialize)]
pub struct FrameHeader {
    /// The record's index in its batch.
    pub index: usize,
    /// What belongs to it besides its bytes.
    pub envelope: Value,
    /// Length of its payload.
    pub length: u64,
    /// Tells whether what stands there is still what was copied: a digest of what its store calls its version; empty where
    /// nobody noted it.
    #[serde(default)]
    pub mark: String,
}

/// The mark of a version.
pub fn mark(version: &Version) -> String {
    HEXLOWER.encode(&Sha256::digest(version.0.to_string()))
}

/// The objects of one batch: attempts by fence, and passes of an attempt over records that changed meanwhile.
pub fn part_name(owner: &str, round: u32, step: u32, batch: u32, fence: u64, pass: u32) -> String {
    format!("vault/{}/{round:03}/{step:03}/{batch:06}/{fence:06}-{pass}", owner.replace('#', "/"))
}

/// Passes of one attempt.
pub const PASSES: u32 = 4;

/// Longest header accepted.
const MAX_HEADER: usize = 1024 * 1024;

/// Payload pieces handed on at once.
const PIECE: usize = 256 * 1024;

/// Why a record could not be added to a part.
#[derive(Debug, Error)]
pub enum AddError {
    /// Its store refuses it, and for this reason. The others of the batch are not concerned.
    #[error("a record was refused: {0}")]
    Refused(String),
    /// Anything else.
    #[error(transparent)]
    Trouble(#[from] EngineError),
}

impl From<AddError> for EngineError {
    fn from(error: AddError) -> Self {
        match error {
            AddError::Refused(reason) => EngineError::internal(reason),
            AddError::Trouble(error) => error,
        }
    }
}

/// Writes a part.
pub struct VaultWriter {
    sealer: StreamSealer,
    writer: Box<dyn ObjectWriter>,
}

impl VaultWriter {
    /// A writer for the part of this name.
    pub async fn new(ports: &Ports, key: &DataKey, name: &str) -> Result<Self> {
        let sealer = StreamSealer::new(key, ports.entropy.as_ref(), name)?;
        Ok(Self { sealer, writer: ports.objects.writer(name).await? })
    }

    async fn push(&mut self, plain: &[u8]) -> Result<()> {
        let sealed = self.sealer.push(plain)?;
        if !sealed.is_empty() {
            self.writer.write(sealed).await?;
        }
        Ok(())
    }

    /// Adds a record. After an error the part cannot be finished.
    ///
    /// # Errors
    /// [`AddError::Refused`] when the store refuses its bytes; trouble, and bytes that are not as many as announced
    /// because it changed under the reader, otherwise.
    pub async fn add(
        &mut self,
        header: &FrameHeader,
        mut body: BoxStream<'static, Result<Bytes, StoreError>>,
    ) -> Result<(), AddError> {
        let text = serde_json::to_vec(header).map_err(|_| EngineError::internal("a frame does not serialize"))?;
        let length = u32::try_from(text.len()).map_err(|_| EngineError::internal("a frame header is too long"))?;
        self.push(&length.to_be_bytes()).await?;
        self.push(&text).await?;
        let mut seen = 0_u64;
        while let Some(bytes) = body.next().await {
            let bytes = match bytes {
                Err(StoreError::Record { reason, .. }) => return Err(AddError::Refused(reason)),
                bytes => bytes.map_err(EngineError::from)?,
            };
            seen += bytes.len() as u64;
            self.push(&bytes).await?;
        }
        if seen != header.length {
            return Err(EngineError::transient("a record changed its length while it was read").into());
        }
        Ok(())
    }

    /// Makes the part exist. One of this name that stands already was written by this same attempt.
    pub async fn finish(mut self) -> Result<()> {
        let rest = self.sealer.finish()?;
        self.writer.write(rest).await?;
        match self.writer.finish().await {
            Ok(()) => Ok(()),
            Err(ObjectError::Exists) => Err(EngineError::transient("a vault part was written by a call whose reply was lost")),
            Err(error) => Err(error.into()),
        }
    }
}

/// Reads a part frame by frame.
pub struct VaultReader {
    opener: Arc<Mutex<StreamOpener>>,
}

impl VaultReader {
    /// A reader for the part of this name; `None` if there is none.
    pub async fn open(ports: &Ports, key: &DataKey, name: &str) -> Result<Option<Self>> {
        let Some(source) = ports.objects.reader(name).await? else { return Ok(None) };
        let opener = StreamOpener::new(key, name, source).await?;
        Ok(Some(Self { opener: Arc::new(Mutex::new(opener)) }))
    }

    /// The next frame's header and, after it has been handled, its payload: take or skip it before the next frame.
    pub async fn next(&mut self) -> Result<Option<FrameHeader>> {
        let mut opener = self.opener.lock().await;
        let Some(length) = opener.read_exact(4).await? else { return Ok(None) };
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        if length > MAX_HEADER {
            return Err(EngineError::internal("a vault part cannot be read"));
        }
        let text = opener.read_exact(length).await?.ok_or_else(|| EngineError::internal("a vault part ends too early"))?;
        serde_json::from_slice(&text).map(Some).map_err(|_| EngineError::internal("a vault part cannot be read"))
    }

    /// The payload whole.
    pub async fn payload(&mut self, header: &FrameHeader) -> Result<Bytes> {
        let length = usize::try_from(header.length).map_err(|_| EngineError::internal("a payload is too large"))?;
        if length == 0 {
            return Ok(Bytes::new());
        }
        let payload = self.opener.lock().await.read_exact(length).await?;
        payload.ok_or_else(|| EngineError::internal("a vault part ends too early"))
    }

    /// The payload as a stream, to be read to its end before the next frame.
    pub fn payload_stream(&self, header: &FrameHeader) -> BoxStream<'static, Result<Bytes, StoreError>> {
        let state = (Arc::clone(&self.opener), header.length);
        stream::try_unfold(state, |(opener, left)| async move {
            if left == 0 {
                return Ok(None);
            }
            let most = PIECE.min(usize::try_from(left).unwrap_or(PIECE));
            let read = opener.lock().await.read_some(most).await;
            match read {
                Ok(Some(bytes)) => {
                    let left = left - bytes.len() as u64;
                    Ok(Some((bytes, (opener, left))))
                }
                Ok(None) => Err(unreadable("it ends too early")),
                Err(error) => Err(unreadable(&error.to_string())),
            }
        })
        .boxed()
    }

    /// Passes over the payload.
    pub async fn skip(&mut self, header: &FrameHeader) -> Result<()> {
        let mut left = header.length;
        let mut opener = self.opener.lock().await;
        while left > 0 {
            let most = PIECE.min(usize::try_from(left).unwrap_or(PIECE));
            let bytes = opener.read_some(most).await?.ok_or_else(|| EngineError::internal("a vault part ends too early"))?;
            left -= bytes.len() as u64;
        }
        Ok(())
    }
}

fn unreadable(reason: &str) -> StoreError {
    StoreError::Unavailable { store: "vault".to_owned(), reason: reason.to_owned() }
}

//! Sealing: small texts on items, and streams of any size in the work bucket.
//!
//! A stream is a header (magic, 32-byte salt), then AES-256-GCM chunks of 64 KiB in the STREAM construction
//! (Hoang, Reyhanitabar, Rogaway, Vizár 2015), so that reordering, truncation and extension are detected. Its key is
//! derived from the data key, the salt and the object's name by HKDF-SHA-256 (RFC 5869): no nonce is ever used twice
//! under one key, and no object can stand in for another.

use crate::{
    EngineError,
    ports::{ByteStream, DataKey, Entropy},
};
use aead_stream::{DecryptorBE32, EncryptorBE32};
use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{Aead, Payload},
};
use bytes::{Bytes, BytesMut};
use data_encoding::BASE64;
use futures::StreamExt;
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

const MAGIC: &[u8; 4] = b"OUB1";
const SALT: usize = 32;
const CHUNK: usize = 64 * 1024;
const TAG: usize = 16;
const NONCE: usize = 12;

fn broken(what: &str) -> EngineError {
    EngineError::internal(what.to_owned())
}

/// Seals a small text; `context` must be given again to open it.
pub fn seal(key: &DataKey, entropy: &dyn Entropy, context: &str, plain: &[u8]) -> Result<String, EngineError> {
    let mut nonce = [0_u8; NONCE];
    entropy.fill(&mut nonce);
    let cipher = Aes256Gcm::new(&key.0.into());
    let sealed =
        cipher.encrypt(&nonce.into(), Payload { msg: plain, aad: context.as_bytes() }).map_err(|_| broken("sealing failed"))?;
    Ok(BASE64.encode(&[nonce.as_slice(), &sealed].concat()))
}

/// Opens what [`seal`] made.
pub fn open(key: &DataKey, context: &str, sealed: &str) -> Result<Vec<u8>, EngineError> {
    let bytes = BASE64.decode(sealed.as_bytes()).map_err(|_| broken("a sealed text is not base64"))?;
    let (nonce, body) = bytes.split_at_checked(NONCE).ok_or_else(|| broken("a sealed text is too short"))?;
    let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| broken("a sealed text is too short"))?;
    Aes256Gcm::new(&key.0.into())
        .decrypt(&nonce.into(), Payload { msg: body, aad: context.as_bytes() })
        .map_err(|_| broken("a sealed text does not open"))
}

fn stream_cipher(key: &DataKey, salt: &[u8], name: &str) -> Result<Aes256Gcm, EngineError> {
    let mut derived = Zeroizing::new([0_u8; 32]);
    Hkdf::<Sha256>::new(Some(salt), &key.0)
        .expand(name.as_bytes(), derived.as_mut())
        .map_err(|_| broken("key derivation failed"))?;
    Ok(Aes256Gcm::new((&*derived).into()))
}

/// Encrypts a stream piece by piece.
pub struct StreamSealer {
    encryptor: EncryptorBE32<Aes256Gcm>,
    head: Option<Bytes>,
    buffer: BytesMut,
}

impl StreamSealer {
    /// A sealer for the object of this name.
    pub fn new(key: &DataKey, entropy: &dyn Entropy, name: &str) -> Result<Self, EngineError> {
        let mut salt = [0_u8; SALT];
        entropy.fill(&mut salt);
        let encryptor = EncryptorBE32::from_aead(stream_cipher(key, &salt, name)?, &[0_u8; 7].into());
        let head = [MAGIC.as_slice(), &salt].concat();
        Ok(Self { encryptor, head: Some(head.into()), buffer: BytesMut::new() })
    }

    /// Takes plain bytes, answers those that are ready to be written.
    pub fn push(&mut self, plain: &[u8]) -> Result<Bytes, EngineError> {
        self.buffer.extend_from_slice(plain);
        let mut out = BytesMut::from(self.head.take().unwrap_or_default().as_ref());
        // The last chunk is sealed differently, so a full buffer waits until more bytes show that it is not the last.
        while self.buffer.len() > CHUNK {
            let chunk = self.buffer.split_to(CHUNK);
            out.extend(self.encryptor.encrypt_next(chunk.as_ref()).map_err(|_| broken("sealing failed"))?);
        }
        Ok(out.freeze())
    }

    /// The end of the stream.
    pub fn finish(mut self) -> Result<Bytes, EngineError> {
        let mut out = BytesMut::from(self.head.take().unwrap_or_default().as_ref());
        out.extend(self.encryptor.encrypt_last(self.buffer.as_ref()).map_err(|_| broken("sealing failed"))?);
        Ok(out.freeze())
    }
}

/// Seals bytes that are all at hand, as a stream.
pub fn seal_bytes(key: &DataKey, entropy: &dyn Entropy, name: &str, plain: &[u8]) -> Result<Bytes, EngineError> {
    let mut sealer = StreamSealer::new(key, entropy, name)?;
    let mut out = BytesMut::from(sealer.push(plain)?.as_ref());
    out.extend_from_slice(&sealer.finish()?);
    Ok(out.freeze())
}

/// Decrypts a stream piece by piece; nothing that was not authenticated ever comes out.
pub struct StreamOpener {
    source: ByteStream,
    decryptor: Option<DecryptorBE32<Aes256Gcm>>,
    sealed: BytesMut,
    plain: BytesMut,
    ended: bool,
}

impl StreamOpener {
    /// An opener for the object of this name.
    ///
    /// # Errors
    /// When the stream has no valid header.
    pub async fn new(key: &DataKey, name: &str, source: ByteStream) -> Result<Self, EngineError> {
        let mut opener = Self { source, decryptor: None, sealed: BytesMut::new(), plain: BytesMut::new(), ended: false };
        opener.fill(MAGIC.len() + SALT).await?;
        if opener.sealed.len() < MAGIC.len() + SALT || !opener.sealed.starts_with(MAGIC) {
            return Err(broken("an object has no valid header"));
        }
        let head = opener.sealed.split_to(MAGIC.len() + SALT);
        let cipher = stream_cipher(key, &head[MAGIC.len()..], name)?;
        opener.decryptor = Some(DecryptorBE32::from_aead(cipher, &[0_u8; 7].into()));
        Ok(opener)
    }

    async fn fill(&mut self, wanted: usize) -> Result<(), EngineError> {
        while !self.ended && self.sealed.len() < wanted {
            match self.source.next().await {
                Some(bytes) => self.sealed.extend_from_slice(&bytes?),
                None => self.ended = true,
            }
        }
        Ok(())
    }

    async fn decrypt_more(&mut self) -> Result<bool, EngineError> {
        let size = CHUNK + TAG;
        self.fill(size + 1).await?;
        if self.sealed.len() > size {
            let chunk = self.sealed.split_to(size);
            let decryptor = self.decryptor.as_mut().ok_or_else(|| broken("an object goes on after its end"))?;
            let plain = decryptor.decrypt_next(chunk.as_ref()).map_err(|_| broken("an object was altered"))?;
            self.plain.extend_from_slice(&plain);
            return Ok(true);
        }
        let Some(decryptor) = self.decryptor.take() else { return Ok(false) };
        let plain = decryptor.decrypt_last(self.sealed.split().as_ref()).map_err(|_| broken("an object was altered or cut"))?;
        self.plain.extend_from_slice(&plain);
        Ok(true)
    }

    /// Exactly so many bytes; `None` at the end of the stream.
    ///
    /// # Errors
    /// When the stream was altered or ends in between.
    pub async fn read_exact(&mut self, length: usize) -> Result<Option<Bytes>, EngineError> {
        while self.plain.len() < length {
            if !self.decrypt_more().await? {
                return if self.plain.is_empty() { Ok(None) } else { Err(broken("an object ends too early")) };
            }
        }
        if length == 0 && self.plain.is_empty() && self.decryptor.is_none() {
            return Ok(None);
        }
        Ok(Some(self.plain.split_to(length).freeze()))
    }

    /// Some bytes, at most so many; `None` at the end of the stream.
    ///
    /// # Errors
    /// When the stream was altered.
    pub async fn read_some(&mut self, most: usize) -> Result<Option<Bytes>, EngineError> {
        while self.plain.is_empty() {
            if !self.decrypt_more().await? {
                return Ok(None);
            }
        }
        let length = most.min(self.plain.len());
        Ok(Some(self.plain.split_to(length).freeze()))
    }

    /// All the rest.
    ///
    /// # Errors
    /// When the stream was altered.
    pub async fn read_all(&mut self) -> Result<Bytes, EngineError> {
        while self.decrypt_more().await? {}
        Ok(self.plain.split().freeze())
    }
}

#[cfg(test)]
mod tests;

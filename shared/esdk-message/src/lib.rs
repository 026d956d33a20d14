//! The AWS Encryption SDK's message format, version 2, with algorithm suite 0x0478: AES-256-GCM in frames under a key
//! derived by HKDF-SHA-512 that the header commits to, without a signature.
//!
//! Written after the [AWS Encryption SDK Specification](https://github.com/awslabs/aws-encryption-sdk-specification)
//! (client-apis and data-format), for the library has no streaming writer in Rust.
#![forbid(unsafe_code)]

mod read;
mod write;

pub use read::{MessageError, MessageReader};
pub use write::{MessageState, MessageWriter};

use aes_gcm::{Aes256Gcm, KeyInit as _};
use hkdf::Hkdf;
use sha2::Sha512;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Plain bytes in a full frame: the SDK's default.
pub const FRAME: usize = 4_096;

const VERSION: u8 = 2;
const SUITE: u16 = 0x0478;
const FRAMED: u8 = 2;
const LAST: u32 = u32::MAX;
const TAG: usize = 16;
const NONCE: usize = 12;
const KMS: &str = "aws-kms";

/// The encryption context: authenticated, not secret.
pub type Context = BTreeMap<String, String>;

/// A data key encrypted by KMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptedDataKey {
    /// The ARN of the KMS key.
    pub key_arn: String,
    /// What KMS answered.
    pub ciphertext: Vec<u8>,
}

struct Derived {
    cipher: Aes256Gcm,
    commitment: [u8; 32],
}

/// The keys of a message: one that encrypts, and one that shows whoever decrypts that it is the right one.
fn derive(data_key: &[u8; 32], message_id: &[u8; 32]) -> Derived {
    let hkdf = Hkdf::<Sha512>::new(Some(message_id), data_key);
    let expand = |info: &[u8]| {
        let mut key = Zeroizing::new([0_u8; 32]);
        // 32 bytes are never too many for SHA-512.
        let expanded = hkdf.expand(info, key.as_mut());
        debug_assert!(expanded.is_ok());
        key
    };
    let key = expand(&[&SUITE.to_be_bytes()[..], b"DERIVEKEY"].concat());
    Derived { cipher: Aes256Gcm::new((&*key).into()), commitment: *expand(b"COMMITKEY") }
}

fn frame_aad(message_id: &[u8; 32], last: bool, sequence: u32, length: usize) -> Vec<u8> {
    let content: &[u8] = if last { b"AWSKMSEncryptionClient Final Frame" } else { b"AWSKMSEncryptionClient Frame" };
    [message_id.as_slice(), content, &sequence.to_be_bytes(), &(length as u64).to_be_bytes()].concat()
}

#[cfg(test)]
mod tests;

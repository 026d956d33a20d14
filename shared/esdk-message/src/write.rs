//! Writing.

use super::{Context, Derived, EncryptedDataKey, FRAME, FRAMED, KMS, LAST, NONCE, SUITE, VERSION, derive, frame_aad};
use aes_gcm::{
    Aes256Gcm,
    aead::{Aead as _, AeadInOut as _, Payload},
};
use serde::{Deserialize, Serialize};

/// Where a message was put down, between two calls of [`MessageWriter::push`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageState {
    /// Frames written.
    pub frames: u32,
    /// Plain bytes that do not fill a frame yet.
    pub rest: Vec<u8>,
}

/// Encrypts a message piece by piece.
///
/// Nonces are made of the attempt and the frame's number: whoever goes on with a message does so under a new attempt, so
/// that no nonce is used for two texts, even where the one before wrote frames that were lost.
pub struct MessageWriter {
    cipher: Aes256Gcm,
    message_id: [u8; 32],
    attempt: u32,
    state: MessageState,
}

impl MessageWriter {
    /// A new message, and its header.
    pub fn begin(data_key: &[u8; 32], message_id: [u8; 32], context: &Context, wrapped: &EncryptedDataKey) -> (Self, Vec<u8>) {
        let Derived { cipher, commitment } = derive(data_key, &message_id);
        let mut header = vec![VERSION];
        header.extend(SUITE.to_be_bytes());
        header.extend(message_id);
        let context = context_bytes(context);
        header.extend(length(context.len()));
        header.extend(context);
        header.extend(1_u16.to_be_bytes());
        for field in [KMS.as_bytes(), wrapped.key_arn.as_bytes(), &wrapped.ciphertext] {
            header.extend(length(field.len()));
            header.extend(field);
        }
        header.push(FRAMED);
        header.extend(u32::try_from(FRAME).unwrap_or(u32::MAX).to_be_bytes());
        header.extend(commitment);
        let tag = cipher.encrypt(&[0_u8; NONCE].into(), Payload { msg: &[], aad: &header }).unwrap_or_default();
        header.extend(tag);
        let state = MessageState { frames: 0, rest: vec![] };
        (Self { cipher, message_id, attempt: 0, state }, header)
    }

    /// Goes on with a message. No attempt may be used twice.
    pub fn resume(data_key: &[u8; 32], message_id: [u8; 32], attempt: u32, state: MessageState) -> Self {
        Self { cipher: derive(data_key, &message_id).cipher, message_id, attempt, state }
    }

    /// Where it is.
    pub fn state(&self) -> &MessageState {
        &self.state
    }

    /// Encrypts more; what is ready goes to `out`.
    pub fn push(&mut self, mut plain: &[u8], out: &mut Vec<u8>) {
        while self.state.rest.len() + plain.len() >= FRAME {
            let (now, later) = plain.split_at(FRAME - self.state.rest.len());
            plain = later;
            let mut frame = std::mem::take(&mut self.state.rest);
            frame.extend_from_slice(now);
            self.frame(&mut frame, false, out);
            frame.clear();
            self.state.rest = frame;
        }
        self.state.rest.extend_from_slice(plain);
    }

    /// The end. The last frame is shorter than the others, if need be empty: readers insist on it.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        let mut rest = std::mem::take(&mut self.state.rest);
        self.frame(&mut rest, true, out);
    }

    fn frame(&mut self, plain: &mut [u8], last: bool, out: &mut Vec<u8>) {
        self.state.frames += 1;
        let sequence = self.state.frames;
        let mut nonce = [0_u8; NONCE];
        nonce[..4].copy_from_slice(&self.attempt.to_be_bytes());
        nonce[8..].copy_from_slice(&sequence.to_be_bytes());
        if last {
            out.extend(LAST.to_be_bytes());
        }
        out.extend(sequence.to_be_bytes());
        out.extend(nonce);
        if last {
            out.extend(u32::try_from(plain.len()).unwrap_or(u32::MAX).to_be_bytes());
        }
        let aad = frame_aad(&self.message_id, last, sequence, plain.len());
        // AES-GCM refuses only texts of more than 64 GiB.
        let tag = self.cipher.encrypt_inout_detached(&nonce.into(), &aad, plain.into()).unwrap_or_default();
        out.extend_from_slice(plain);
        out.extend_from_slice(&tag);
    }
}

fn length(bytes: usize) -> [u8; 2] {
    u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes()
}

/// Pairs in the order of their keys; nothing at all where there are none.
fn context_bytes(context: &Context) -> Vec<u8> {
    if context.is_empty() {
        return vec![];
    }
    let mut bytes = length(context.len()).to_vec();
    for text in context.iter().flat_map(|(key, value)| [key, value]) {
        bytes.extend(length(text.len()));
        bytes.extend(text.as_bytes());
    }
    bytes
}

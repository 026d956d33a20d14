//! Reading, for whoever has the data key.

use super::{Context, FRAMED, LAST, NONCE, SUITE, TAG, VERSION, derive, frame_aad};
use aes_gcm::{
    Aes256Gcm,
    aead::{Aead as _, AeadInOut as _, Payload},
};
use std::collections::VecDeque;
use subtle::ConstantTimeEq as _;
use thiserror::Error;

/// Why a message is not opened. Nothing that follows is to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum MessageError {
    /// Not a message of this kind.
    #[error("it is not a message of the AWS Encryption SDK, version 2, with algorithm suite 0x0478")]
    Format,
    /// The data key is another one.
    #[error("it was not encrypted with this key")]
    OtherKey,
    /// The header was changed.
    #[error("its header was changed")]
    Header,
    /// A frame was changed, or is not where it was.
    #[error("frame {0} was changed or moved")]
    Frame(u32),
    /// It ends before its last frame.
    #[error("its end is missing")]
    Truncated,
    /// Something follows its last frame.
    #[error("something was added behind its end")]
    Added,
}

enum Section {
    Header,
    Body { cipher: Box<Aes256Gcm>, message_id: [u8; 32], frame: usize, done: u32 },
    End,
}

/// Decrypts a message piece by piece; nothing that was not authenticated comes out.
pub struct MessageReader {
    data_key: [u8; 32],
    buffer: VecDeque<u8>,
    section: Section,
    context: Context,
}

/// Longest header accepted: what the lengths in it can add up to in one written here.
const MAX_HEADER: usize = 256 * 1024;

impl MessageReader {
    /// A reader with a data key.
    pub fn new(data_key: [u8; 32]) -> Self {
        Self { data_key, buffer: VecDeque::new(), section: Section::Header, context: Context::new() }
    }

    /// What the header says besides, once it was read.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Takes more of the message; what is decrypted goes to `out`.
    ///
    /// # Errors
    /// [`MessageError`]: the reader is then of no more use.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), MessageError> {
        self.buffer.extend(bytes);
        while self.step(out)? {}
        Ok(())
    }

    /// The end of the message.
    ///
    /// # Errors
    /// [`MessageError::Truncated`] before its last frame.
    pub fn finish(self) -> Result<(), MessageError> {
        if matches!(self.section, Section::End) { Ok(()) } else { Err(MessageError::Truncated) }
    }

    /// Whether there may be more to do with what is at hand.
    fn step(&mut self, out: &mut Vec<u8>) -> Result<bool, MessageError> {
        match &mut self.section {
            Section::Header => self.header(),
            Section::End if self.buffer.is_empty() => Ok(false),
            Section::End => Err(MessageError::Added),
            Section::Body { cipher, message_id, frame, done } => {
                let next = *done + 1;
                let wrong = MessageError::Frame(next);
                let bytes = self.buffer.make_contiguous();
                let Some(first) = number(bytes, 0) else { return Ok(false) };
                let last = first == LAST;
                let start = if last { 4 } else { 0 };
                let (sequence, length) = match last {
                    false => (first, Some(*frame)),
                    true => (number(bytes, 4).unwrap_or(next), number(bytes, 8 + NONCE).map(|n| n as usize)),
                };
                let Some(length) = length else { return Ok(false) };
                if sequence != next || length > *frame {
                    return Err(wrong);
                }
                let text = start + 4 + NONCE + if last { 4 } else { 0 };
                let end = text + length + TAG;
                if bytes.len() < end {
                    return Ok(false);
                }
                let nonce: [u8; NONCE] = bytes[start + 4..start + 4 + NONCE].try_into().map_err(|_| wrong)?;
                let tag: [u8; TAG] = bytes[text + length..end].try_into().map_err(|_| wrong)?;
                let aad = frame_aad(message_id, last, sequence, length);
                let plain = &mut bytes[text..text + length];
                cipher.decrypt_inout_detached(&nonce.into(), &aad, (&mut *plain).into(), &tag.into()).map_err(|_| wrong)?;
                out.extend_from_slice(plain);
                *done = next;
                self.buffer.drain(..end);
                if last {
                    self.section = Section::End;
                }
                Ok(true)
            }
        }
    }

    fn header(&mut self) -> Result<bool, MessageError> {
        let bytes = self.buffer.make_contiguous();
        let mut fields = Fields { bytes, at: 0 };
        let Some(header) = read_header(&mut fields)? else {
            return if bytes.len() > MAX_HEADER { Err(MessageError::Format) } else { Ok(false) };
        };
        let derived = derive(&self.data_key, &header.message_id);
        if !bool::from(derived.commitment.ct_eq(&header.commitment)) {
            return Err(MessageError::OtherKey);
        }
        let payload = Payload { msg: &header.tag, aad: &bytes[..header.body] };
        derived.cipher.decrypt(&[0_u8; NONCE].into(), payload).map_err(|_| MessageError::Header)?;
        self.buffer.drain(..header.body + TAG);
        self.context = header.context;
        self.section =
            Section::Body { cipher: Box::new(derived.cipher), message_id: header.message_id, frame: header.frame, done: 0 };
        Ok(true)
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes)
}

struct Header {
    message_id: [u8; 32],
    context: Context,
    frame: usize,
    commitment: [u8; 32],
    tag: [u8; TAG],
    /// Length of what the tag is about.
    body: usize,
}

struct Fields<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at + length)?;
        self.at += length;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn field(&mut self) -> Option<&'a [u8]> {
        let length = u16::from_be_bytes(self.array()?);
        self.take(length.into())
    }
}

/// `None` where more bytes are needed.
fn read_header(fields: &mut Fields<'_>) -> Result<Option<Header>, MessageError> {
    let Some([version, high, low]) = fields.array() else { return Ok(None) };
    if version != VERSION || u16::from_be_bytes([high, low]) != SUITE {
        return Err(MessageError::Format);
    }
    let rest = |fields: &mut Fields<'_>| {
        let message_id = fields.array()?;
        let context = fields.field()?.to_vec();
        for _ in 0..u16::from_be_bytes(fields.array()?) {
            for _ in 0..3 {
                fields.field()?;
            }
        }
        let [kind] = fields.array()?;
        let frame = u32::from_be_bytes(fields.array()?) as usize;
        let commitment = fields.array()?;
        let body = fields.at;
        let tag = fields.array()?;
        Some((kind, context, Header { message_id, context: Context::new(), frame, commitment, tag, body }))
    };
    let Some((kind, context, header)) = rest(fields) else { return Ok(None) };
    let context = read_context(&context).ok_or(MessageError::Format)?;
    if kind != FRAMED || header.frame == 0 {
        return Err(MessageError::Format);
    }
    Ok(Some(Header { context, ..header }))
}

fn read_context(bytes: &[u8]) -> Option<Context> {
    let mut context = Context::new();
    if bytes.is_empty() {
        return Some(context);
    }
    let mut fields = Fields { bytes, at: 0 };
    for _ in 0..u16::from_be_bytes(fields.array()?) {
        let mut text = || String::from_utf8(fields.field()?.to_vec()).ok();
        let (key, value) = (text()?, text()?);
        context.insert(key, value);
    }
    (fields.at == bytes.len()).then_some(context)
}

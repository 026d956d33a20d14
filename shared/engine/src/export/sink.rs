//! Where the archive's bytes go: through the message's encryption into the parts of an upload.

use super::{
    aside,
    package::{PackageItem, Work},
};
use crate::{
    Engine, EngineError, Outcome, crypt,
    items::{entries_key, request_partition},
    keyring::{self, Purpose},
    ports::ObjectError,
    transaction::Transaction,
};
use bytes::{Bytes, BytesMut};
use data_encoding::HEXLOWER;
use futures::TryStreamExt as _;
use jiff::civil::DateTime;
use oubli_package::{
    archive::Entry,
    message::{EncryptedDataKey, MessageState, MessageWriter},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::task::Poll;

/// Bytes of a part, the fewest that S3 takes of any but the last: one is in memory at a time. 10,000 of them are the most,
/// so exports of more than 40 GiB have larger parts.
const PART: usize = 5 * 1024 * 1024;
const MOST_PARTS: u64 = 9_000;

/// What a part outgrows its size by before it is sent.
const SLACK: usize = 512 * 1024;

/// Bytes after which a worker puts itself down at the end of a file.
const SAVE_EVERY: u64 = 32 * 1024 * 1024;

/// The archive being written.
pub(super) struct Sink {
    writer: MessageWriter,
    /// Of the message, in no part yet. One allocation, used again once a part is sent.
    buffer: BytesMut,
    /// Bytes at its beginning that are the message's header, which carries the wrapped key: it is never put down, so that
    /// nothing put down can be read once the key is destroyed.
    header: usize,
    /// Of the message, just encrypted.
    sealed: Vec<u8>,
    part_bytes: usize,
    upload: String,
    object: String,
    /// Files written since it was last put down.
    entries: Vec<Entry>,
    /// Bytes of the message since then.
    unsaved: u64,
    /// The date that files of the archive have.
    pub at: DateTime,
}

impl Sink {
    /// The archive as it was put down.
    pub async fn open(engine: &Engine, work: &mut Work) -> Outcome<Self> {
        let organization = &work.request.organization;
        let partition = request_partition(organization, &work.request.id);
        let data_key = keyring::need(&engine.ports, organization, &partition, Purpose::Export).await?;
        let object = work.request.export.as_ref().map(|e| e.object.clone()).unwrap_or_default();
        let message_id = message_id(&work.item)?;
        let attempt = work.item.fence.saturating_sub(1);
        let bytes: u64 = work.steps.iter().map(|(_, s)| s.bytes).sum();
        let part_bytes = PART.max(usize::try_from(bytes.saturating_mul(5) / 4 / MOST_PARTS).unwrap_or(usize::MAX));
        let mut buffer = BytesMut::with_capacity(PART + SLACK);
        let mut state: Option<MessageState> = None;
        if work.item.parts == 0 {
            let context = keyring::context(organization, &partition, Purpose::Export);
            let key_arn = engine.ports.keys.name()?;
            let ciphertext = keyring::wrapped(&engine.ports, &partition, Purpose::Export).await?;
            let wrapped = EncryptedDataKey { key_arn, ciphertext };
            let (writer, header) = MessageWriter::begin(&data_key.0, message_id, &context, &wrapped);
            buffer.extend_from_slice(&header);
            state = Some(writer.state().clone());
        }
        let header = buffer.len();
        if let Some(sealed) = &work.item.sealed_message {
            let plain = crypt::open(&work.aside, "message", sealed)?;
            let read = serde_json::from_slice(&plain);
            state = Some(read.map_err(|_| EngineError::Broken("a message's state cannot be read".to_owned()))?);
        } else {
            work.item.size = header as u64;
        }
        let state = state.ok_or_else(|| EngineError::Broken("a message has parts and no state".to_owned()))?;
        let writer = MessageWriter::resume(&data_key.0, message_id, attempt, state);
        if let Some(tail) = &work.item.tail {
            let stored = engine.ports.objects.reader(tail).await?;
            let mut stored = stored.ok_or_else(|| EngineError::Broken("the end of an export's upload is gone".to_owned()))?;
            while let Some(piece) = stored.try_next().await? {
                buffer.extend_from_slice(&piece);
            }
        }
        let upload = match work.item.upload.clone() {
            Some(upload) => upload,
            None => {
                let upload = engine.ports.packages.begin(&object).await?;
                work.item.upload = Some(upload.clone());
                engine.save(work, Transaction::new()).await?;
                upload
            }
        };
        let at = work.item.began_at.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        Ok(Self { writer, buffer, header, sealed: Vec::new(), part_bytes, upload, object, entries: vec![], unsaved: 0, at })
    }

    /// Takes bytes of the archive, and empties them.
    pub async fn take(&mut self, engine: &Engine, work: &mut Work, plain: &mut Vec<u8>) -> Outcome<()> {
        self.writer.push(plain, &mut self.sealed);
        work.item.offset += plain.len() as u64;
        plain.clear();
        self.grown(work);
        if self.buffer.len() >= self.part_bytes {
            self.send(engine, work).await?;
        }
        Ok(())
    }

    fn grown(&mut self, work: &mut Work) {
        let more = self.sealed.len() as u64;
        work.item.size += more;
        self.unsaved += more;
        self.buffer.extend_from_slice(&self.sealed);
        self.sealed.clear();
    }

    /// Sends what there is as a part; its memory is used again.
    async fn send(&mut self, engine: &Engine, work: &mut Work) -> Outcome<()> {
        if engine.is_late(work) {
            return Err(EngineError::Transient("a file of an export is longer than one worker's time".to_owned()));
        }
        let part = std::mem::take(&mut self.buffer).freeze();
        upload_part(engine, work, &self.object, &self.upload, part.clone()).await?;
        self.buffer = taken_back(part, self.part_bytes + SLACK).await;
        self.buffer.clear();
        self.header = 0;
        Ok(())
    }

    /// Notes a file that is written.
    pub fn written(&mut self, work: &mut Work, entry: Entry) {
        work.item.entries += 1;
        self.entries.push(entry);
    }

    /// Whether enough was written to put it down.
    pub fn is_due(&self) -> bool {
        self.unsaved >= SAVE_EVERY
    }

    /// Puts it down, between two files.
    pub async fn put_down(&mut self, engine: &Engine, work: &mut Work) -> Outcome<()> {
        let owner = aside(&work.partition);
        let mut transaction = Transaction::new();
        let before = work.item.tail.take();
        if self.buffer.len() > self.header {
            let name = format!("{owner}/tail/{:06}-{:06}", work.item.saves, work.item.fence);
            let whole = std::mem::take(&mut self.buffer).freeze();
            put_once(engine, &name, whole.slice(self.header..)).await?;
            self.buffer = taken_back(whole, self.part_bytes + SLACK).await;
            work.item.tail = Some(name);
        }
        let number = work.item.saves;
        work.item.saves += 1;
        if !self.entries.is_empty() {
            let name = format!("{owner}/entries/{number:06}-{:06}", work.item.fence);
            let plain =
                serde_json::to_vec(&self.entries).map_err(|_| EngineError::Broken("files do not serialize".to_owned()))?;
            let sealed = crypt::seal_bytes(&work.aside, engine.ports.entropy.as_ref(), &name, &plain)?;
            put_once(engine, &name, sealed).await?;
            let row = crate::engine::plain_item([("object", Value::from(name))]);
            transaction = transaction.put(entries_key(&work.partition, number), &row, vec![])?;
            self.entries.clear();
        }
        let state = serde_json::to_vec(self.writer.state()).map_err(|_| EngineError::Broken("a state is no JSON".to_owned()))?;
        work.item.sealed_message = Some(engine.seal_aside(work, "message", &state)?);
        engine.save(work, transaction).await?;
        self.unsaved = 0;
        if let Some(before) = before {
            engine.ports.objects.delete(&[before]).await?;
        }
        Ok(())
    }

    /// Ends the message and sends its last part.
    pub async fn finish(self, engine: &Engine, work: &mut Work) -> Outcome<()> {
        let Self { writer, mut buffer, mut sealed, object, upload, .. } = self;
        writer.finish(&mut sealed);
        work.item.size += sealed.len() as u64;
        buffer.extend_from_slice(&sealed);
        upload_part(engine, work, &object, &upload, buffer.freeze()).await
    }
}

async fn upload_part(engine: &Engine, work: &mut Work, object: &str, upload: &str, part: Bytes) -> Outcome<()> {
    let number = work.item.parts + 1;
    let tag = engine.ports.packages.part(object, upload, number, part).await?;
    work.item.parts = number;
    work.item.parts_digest = chain(&work.item.parts_digest, number, &tag);
    Ok(())
}

/// Turns in which whoever sent a part may let go of it.
const TURNS: usize = 32;

/// What was sent, to be written on in its own memory. A connection may hold it a moment longer than its reply takes: a second
/// allocation beside it would be half of all that a worker needs.
async fn taken_back(sent: Bytes, capacity: usize) -> BytesMut {
    for _ in 0..TURNS {
        if sent.is_unique() {
            break;
        }
        turn().await;
    }
    sent.try_into_mut().unwrap_or_else(|shared| {
        let mut copy = BytesMut::with_capacity(capacity);
        copy.extend_from_slice(&shared);
        copy
    })
}

/// Lets others have a turn.
async fn turn() {
    let mut waited = false;
    futures::future::poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// An object of this fence: one that is there was written by this worker, whose reply was lost.
async fn put_once(engine: &Engine, name: &str, body: Bytes) -> Outcome<()> {
    match engine.ports.objects.put(name, body).await {
        Ok(()) => Ok(()),
        Err(ObjectError::Exists) => {
            Err(EngineError::Transient("an object was written by a call whose reply was lost".to_owned()))
        }
        Err(error) => Err(error.into()),
    }
}

fn message_id(item: &PackageItem) -> Outcome<[u8; 32]> {
    let bytes = HEXLOWER.decode(item.message_id.as_bytes()).ok().and_then(|b| b.try_into().ok());
    bytes.ok_or_else(|| EngineError::Broken("a message's id cannot be read".to_owned()))
}

/// Chains a part's number and tag onto those before it.
pub(super) fn chain(before: &str, number: u32, tag: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(before.as_bytes());
    hash.update(number.to_be_bytes());
    hash.update(tag.as_bytes());
    HEXLOWER.encode(&hash.finalize())
}

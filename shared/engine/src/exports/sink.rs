//! Where the archive's bytes go: through the message's encryption into the parts of an upload.

use crate::{
    EngineError, Result, crypt,
    exports::{
        Exports,
        packaging::{PackageItem, Packaging, chain},
        staging_prefix,
    },
    items::{entries_key, request_partition},
    keyring::{self, Purpose},
    ports::{Body, ObjectError, ScratchFile},
    transaction::Transaction,
};
use data_encoding::HEXLOWER;
use futures::TryStreamExt as _;
use jiff::civil::DateTime;
use oubli_archive::{
    contents,
    names::safe_path,
    zip::{Entry, FileWriter, Room},
};
use oubli_esdk_message::{EncryptedDataKey, MessageState, MessageWriter};
use serde_json::Value;

/// S3 takes 10,000 parts of an upload, so exports of more than 40 GiB have larger ones.
const MOST_PARTS: u64 = 9_000;

/// Files after which a worker writes a checkpoint, however small they are: what is noted of them is in memory until then.
const MOST_ENTRIES: usize = 2_000;

/// The archive being written.
pub(super) struct Sink {
    writer: MessageWriter,
    part: Part,
    part_bytes: u64,
    /// Bytes after which a worker writes a checkpoint.
    save_bytes: u64,
    /// Of the message, just encrypted.
    sealed: Vec<u8>,
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
    pub async fn open(engine: &Exports, work: &mut Packaging) -> Result<Self> {
        // Who saves once in its time says never that it deleted something: the list would grow with every worker.
        delete_superseded(engine, work).await?;
        let organization = &work.request.organization;
        let partition = request_partition(organization, &work.request.id);
        let data_key = keyring::need(&engine.core.ports, organization, &partition, Purpose::Export).await?;
        let object = work.request.export_state().map(|e| e.object.clone()).unwrap_or_default();
        let message_id = message_id(&work.item)?;
        let attempt = work.item.fence.saturating_sub(1);
        let bytes: u64 = work.steps.iter().map(|(_, s)| s.bytes).sum();
        let config = &engine.core.config;
        let part_bytes = config.export_part_bytes.max(bytes.saturating_mul(5) / 4 / MOST_PARTS);
        let save_bytes = config.export_save_bytes.max(part_bytes);
        let mut part = Part { file: engine.core.ports.scratch.create().await?, bytes: 0, header: 0 };
        let mut state: Option<MessageState> = None;
        if work.item.parts == 0 {
            let context = keyring::context(organization, &partition, Purpose::Export);
            let key_arn = engine.core.ports.keys.name(Purpose::Export.wrapped_by())?;
            let ciphertext = keyring::wrapped(&engine.core.ports, &partition, Purpose::Export).await?;
            let wrapped = EncryptedDataKey { key_arn, ciphertext };
            let (writer, header) = MessageWriter::begin(&data_key.0, message_id, &context, &wrapped);
            part.append(&header).await?;
            part.header = part.bytes;
            state = Some(writer.state().clone());
        }
        if let Some(sealed) = &work.item.sealed_message {
            let plain = crypt::open(&work.staging_key, "message", sealed)?;
            let read = serde_json::from_slice(&plain);
            state = Some(read.map_err(|_| EngineError::internal("a message's state cannot be read"))?);
        } else {
            work.item.size = part.header;
        }
        let state = state.ok_or_else(|| EngineError::internal("a message has parts and no state"))?;
        let writer = MessageWriter::resume(&data_key.0, message_id, attempt, state);
        if let Some(unflushed) = &work.item.unflushed {
            let stored = engine.core.ports.objects.reader(unflushed).await?;
            let mut stored = stored.ok_or_else(|| EngineError::internal("the end of an export's upload is gone"))?;
            while let Some(piece) = stored.try_next().await? {
                part.append(&piece).await?;
            }
        }
        let upload = match work.item.upload.clone() {
            Some(upload) => upload,
            None => {
                let upload = engine.core.ports.exports.begin(&object).await?;
                work.item.upload = Some(upload.clone());
                engine.save(work, Transaction::new()).await?;
                upload
            }
        };
        let at = work.item.began_at.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        Ok(Self { writer, part, part_bytes, save_bytes, sealed: Vec::new(), upload, object, entries: vec![], unsaved: 0, at })
    }

    /// Takes bytes of the archive, and empties them.
    pub async fn take(&mut self, engine: &Exports, work: &mut Packaging, plain: &mut Vec<u8>) -> Result<()> {
        self.keep(work, plain).await?;
        if self.part.bytes >= self.part_bytes && engine.is_late(work) {
            return Err(EngineError::transient("a file of an export is longer than one worker's time"));
        }
        self.send_if_full(engine, work).await
    }

    /// Sends what has become a part.
    pub async fn send_if_full(&mut self, engine: &Exports, work: &mut Packaging) -> Result<()> {
        if self.part.bytes < self.part_bytes {
            return Ok(());
        }
        self.part.send(engine, work, &self.object, &self.upload).await
    }

    /// Takes bytes of the archive and sends none, to be put down with them.
    pub async fn keep(&mut self, work: &mut Packaging, plain: &mut Vec<u8>) -> Result<()> {
        self.writer.push(plain, &mut self.sealed);
        work.item.offset += plain.len() as u64;
        plain.clear();
        let more = self.sealed.len() as u64;
        work.item.size += more;
        self.unsaved += more;
        self.part.append(&self.sealed).await?;
        self.sealed.clear();
        Ok(())
    }

    /// Notes a file that is written.
    pub fn written(&mut self, work: &mut Packaging, entry: Entry) {
        work.item.entries += 1;
        work.item.listed_bytes += contents::file(&entry, false).len() as u64;
        self.entries.push(entry);
    }

    /// Makes what is left of the upload's parts large enough for so many bytes more: an object may have grown since it was
    /// planned for.
    pub fn make_room(&mut self, work: &Packaging, bytes: u64) {
        self.part_bytes = part_for(self.part_bytes, work.item.parts, bytes);
        self.save_bytes = self.save_bytes.max(self.part_bytes);
    }

    /// Whether enough was written for a checkpoint.
    pub fn is_due(&self, work: &Packaging) -> bool {
        self.unsaved >= self.save_bytes || self.entries.len() >= MOST_ENTRIES || work.notes.is_due()
    }

    /// Begins a file where the archive stands, under a name that can be unpacked everywhere.
    pub fn begin(&self, work: &Packaging, name: &str, room: Room, out: &mut Vec<u8>) -> Result<FileWriter> {
        if safe_path(name).is_none() {
            return Err(EngineError::internal("a file of an export has a name that cannot be unpacked everywhere"));
        }
        Ok(FileWriter::begin(name, work.item.offset, self.at, room, out))
    }

    /// Whether a file is so large that it may be put down before its end: what fills no part is put down each time, so parts
    /// that are larger than usual have to be worth it.
    pub fn may_be_left(&self, engine: &Exports, bytes: u64) -> bool {
        let config = &engine.core.config;
        let larger = if self.part_bytes > config.export_part_bytes { self.part_bytes } else { 0 };
        bytes >= config.resumable_file_bytes.max(larger)
    }

    /// Puts it down before a file, unless nothing was written since that was done.
    pub async fn checkpoint_before_file(&mut self, engine: &Exports, work: &mut Packaging) -> Result<()> {
        let is_down = self.unsaved == 0 && self.entries.is_empty() && work.item.sealed_message.is_some();
        if is_down { Ok(()) } else { self.checkpoint(engine, work).await }
    }

    /// Writes where it stands, between two files or inside of one, so that another worker goes on from there.
    pub async fn checkpoint(&mut self, engine: &Exports, work: &mut Packaging) -> Result<()> {
        let owner = staging_prefix(&work.partition);
        let mut transaction = engine.noted(work)?;
        let before = work.item.unflushed.take();
        work.item.superseded.extend(before);
        if self.part.bytes > self.part.header {
            let name = format!("{owner}/tail/{:06}-{:06}", work.item.tails, work.item.fence);
            work.item.tails += 1;
            put_once(engine, &name, self.part.file.body(self.part.header).await?).await?;
            work.item.unflushed = Some(name);
        }
        if !self.entries.is_empty() {
            let number = work.item.saves;
            work.item.saves += 1;
            let name = format!("{owner}/entries/{number:06}-{:06}", work.item.fence);
            let plain = serde_json::to_vec(&self.entries).map_err(|_| EngineError::internal("files do not serialize"))?;
            let sealed = crypt::seal_bytes(&work.staging_key, engine.core.ports.entropy.as_ref(), &name, &plain)?;
            put_once(engine, &name, sealed.into()).await?;
            let row = crate::core::plain_item([("object", Value::from(name))]);
            transaction = transaction.put(entries_key(&work.partition, number), &row, vec![])?;
            self.entries.clear();
        }
        let state = serde_json::to_vec(self.writer.state()).map_err(|_| EngineError::internal("a state is no JSON"))?;
        work.item.sealed_message = Some(engine.seal_staged(work, "message", &state)?);
        engine.save(work, transaction).await?;
        self.unsaved = 0;
        delete_superseded(engine, work).await
    }

    /// Ends the message and sends its last part.
    pub async fn finish(self, engine: &Exports, work: &mut Packaging) -> Result<()> {
        let Self { writer, mut part, mut sealed, object, upload, .. } = self;
        writer.finish(&mut sealed);
        work.item.size += sealed.len() as u64;
        part.append(&sealed).await?;
        part.send(engine, work, &object, &upload).await
    }
}

/// Bytes of the message that were not sent yet.
struct Part {
    file: Box<dyn ScratchFile>,
    bytes: u64,
    /// Those at its beginning that are the message's header, which carries the wrapped key: it is never put down, so that
    /// nothing put down can be read once the key is destroyed.
    header: u64,
}

impl Part {
    async fn append(&mut self, sealed: &[u8]) -> Result<()> {
        if !sealed.is_empty() {
            self.file.append(sealed).await?;
            self.bytes += sealed.len() as u64;
        }
        Ok(())
    }

    async fn send(&mut self, engine: &Exports, work: &mut Packaging, object: &str, upload: &str) -> Result<()> {
        let (number, body) = (work.item.parts + 1, self.file.body(0).await?);
        let tag = engine.core.ports.exports.part(object, upload, number, body).await?;
        work.item.parts = number;
        work.item.parts_digest = chain(&work.item.parts_digest, number, &tag);
        self.file.clear().await?;
        (self.bytes, self.header) = (0, 0);
        Ok(())
    }
}

/// Deletes what was written over. The next save says so; until then whoever comes does it again.
async fn delete_superseded(engine: &Exports, work: &mut Packaging) -> Result<()> {
    let needed: Vec<String> = work.item.needed_tails().cloned().collect();
    let over: Vec<String> = work.item.superseded.iter().filter(|name| !needed.contains(name)).cloned().collect();
    if !over.is_empty() {
        engine.core.ports.objects.delete(&over).await?;
        work.item.superseded.retain(|name| needed.contains(name));
    }
    Ok(())
}

/// An object of this fence: one that is there was written by this worker, whose reply was lost.
pub(super) async fn put_once(engine: &Exports, name: &str, body: Body) -> Result<()> {
    match engine.core.ports.objects.put(name, body).await {
        Ok(()) => Ok(()),
        Err(ObjectError::Exists) => Err(EngineError::transient("an object was written by a call whose reply was lost")),
        Err(error) => Err(error.into()),
    }
}

fn message_id(item: &PackageItem) -> Result<[u8; 32]> {
    let bytes = HEXLOWER.decode(item.message_id.as_bytes()).ok().and_then(|b| b.try_into().ok());
    bytes.ok_or_else(|| EngineError::internal("a message's id cannot be read"))
}

/// Bytes of a part, no fewer than so many, with which what is still to come fits into the parts that are left.
fn part_for(part_bytes: u64, parts: u32, bytes: u64) -> u64 {
    let left = MOST_PARTS.saturating_sub(u64::from(parts)).max(1);
    part_bytes.max(bytes.div_ceil(left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_that_grew_fits_into_the_parts_that_are_left() {
        let (usual, gib) = (5 << 20, 1 << 30);
        assert_eq!(part_for(usual, 0, gib), usual);
        for (parts, bytes) in [(0, 60 * gib), (4_000, 60 * gib), (8_000, 400 * gib), (8_999, gib)] {
            let part = part_for(usual, parts, bytes);
            // S3 takes 10,000; what else is in the archive has the rest.
            assert!(u64::from(parts) + bytes.div_ceil(part) <= MOST_PARTS, "{parts} {bytes}: {part}");
        }
    }
}

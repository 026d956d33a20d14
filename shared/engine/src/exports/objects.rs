//! The objects of an archive, copied as they are.

use crate::{
    EngineError, Result,
    exports::{
        Exports,
        collect::{ReadResult, TOGETHER},
        files::{PIECE, files_folder, too_large},
        open_file::{BeforeFile, MOST_BEGUN_ANEW, OpenFileItem, OpenObject, SEALED_AS},
        packaging::{Packaging, Position, Stage},
        sink::Sink,
    },
    manifest::ManifestRecord,
    ports::{ExportForm, Files, ObjectFacts, RecordRef, Snapshot, StoreError, Version},
    transaction::Transaction,
};
use bytes::Bytes;
use futures::{StreamExt as _, stream::BoxStream};
use oubli_archive::{
    contents::Missing,
    names::{self, file_name},
    zip::{FileWriter, Room},
};
use oubli_domain::datamap::Producer;

/// What became of an object.
enum FileOutcome {
    File,
    /// Its end is left for the next worker.
    Open,
    Gone,
    /// A delete marker: it stands, and has nothing to show.
    Bare,
    /// It cannot be read, and why.
    Missing(String),
}

/// Most bytes of files that are asked for at once; they are written one after another, and what waits is in memory.
const BYTES_TOGETHER: u64 = 512 * 1024;

/// Whose objects are copied, and who shows them.
#[derive(Clone, Copy)]
struct Folder<'a> {
    producer: &'a Producer,
    files: &'a dyn Files,
}

/// What stands under a key by now.
struct Stands {
    facts: ObjectFacts,
    version: Version,
    length: u64,
}

/// A file being written, and what is left to write of it.
struct Copying {
    file: FileWriter,
    /// Where the archive stood before it, if it is so large that it may be put down.
    before: Option<BeforeFile>,
    version: Version,
    /// Of the whole object.
    length: u64,
    first: Option<Bytes>,
    body: BoxStream<'static, Result<Bytes, StoreError>>,
}

impl Exports {
    /// Writes the files of a part of a batch; answers where to go on.
    pub(super) async fn write_files(
        &self,
        work: &mut Packaging,
        sink: &mut Sink,
        at: usize,
        batch: u32,
        record: usize,
    ) -> Result<Position> {
        let (number, _, producer, connector) = work.step(&self.core, at)?;
        let ExportForm::Files(files) = connector.form() else {
            return Err(EngineError::internal("files are written of a store that has rows"));
        };
        let producer = producer.clone();
        let folder = Folder { producer: &producer, files };
        let records = self.planned(work, number, batch).await?;
        let mut begin = record;
        while begin < records.len() {
            let some = &records[begin..begin + together(&records[begin..])];
            for (place, (wanted, read)) in (begin..).zip(self.read_each(work, at, batch, some).await?) {
                let ordinal = u64::from(batch) * 1_000_000 + place as u64 + 1;
                let came_to = self.write_one(work, sink, folder, ordinal, &wanted, read).await?;
                let tally = work.item.tallies.entry(number).or_default();
                match came_to {
                    FileOutcome::Open => return Ok(Position::Files { at, batch, record: place }),
                    FileOutcome::File => tally.records += 1,
                    FileOutcome::Gone => tally.gone += 1,
                    FileOutcome::Bare => tally.bare += 1,
                    FileOutcome::Missing(reason) => {
                        let missing = Missing { producer: producer.name.to_string(), record: wanted.key, reason };
                        work.note_missing((number, batch, place), missing);
                    }
                }
                work.item.begun_anew = 0;
                work.item.stage = Stage::Pack(Position::Files { at, batch, record: place + 1 });
                if self.is_late(work) {
                    return Ok(Position::Files { at, batch, record: place + 1 });
                }
                if sink.is_due(work) {
                    sink.checkpoint(self, work).await?;
                }
            }
            begin += some.len();
        }
        work.notes.processed(number, records.len() as u64);
        Ok(Position::Files { at, batch: batch + 1, record: 0 })
    }

    /// Writes one object, if it is there and can be read.
    async fn write_one(
        &self,
        work: &mut Packaging,
        sink: &mut Sink,
        folder: Folder<'_>,
        ordinal: u64,
        wanted: &RecordRef,
        read: ReadResult,
    ) -> Result<FileOutcome> {
        let without_bytes = match read {
            ReadResult::Gone => FileOutcome::Gone,
            ReadResult::Unreadable(reason) => FileOutcome::Missing(reason),
            ReadResult::There(snapshot) => match folder.files.facts(wanted, &snapshot) {
                None => FileOutcome::Bare,
                Some(facts) if work.item.open_file.is_some() => {
                    let Snapshot { version, length, .. } = *snapshot;
                    return self.go_on(work, sink, folder, wanted, Stands { facts, version, length }).await;
                }
                Some(facts) => return self.copy(work, sink, folder, ordinal, facts, *snapshot).await,
            },
        };
        if work.item.open_file.is_some() {
            return Err(self.begin_anew(work).await?);
        }
        Ok(without_bytes)
    }

    /// Writes an object from its first byte on, unless that cannot be had.
    async fn copy(
        &self,
        work: &mut Packaging,
        sink: &mut Sink,
        folder: Folder<'_>,
        ordinal: u64,
        mut facts: ObjectFacts,
        snapshot: Snapshot,
    ) -> Result<FileOutcome> {
        let Snapshot { version, length, mut body, .. } = snapshot;
        let may_be_left = sink.may_be_left(self, length);
        if may_be_left && work.item.begun_anew >= MOST_BEGUN_ANEW {
            return Ok(FileOutcome::Missing("it changed, or could not be read, whenever it was copied".to_owned()));
        }
        let first = match body.next().await.transpose() {
            Ok(first) => first,
            Err(StoreError::Record { reason, .. }) => return Ok(FileOutcome::Missing(reason)),
            Err(error) => return Err(error.into()),
        };
        let mut name = file_name(&facts.key);
        if let Some((media_type, ending)) = first.as_ref().and_then(|bytes| names::kind_of(bytes)) {
            facts.media_type = Some(media_type.to_owned());
            name = names::with_ending(name, ending);
        }
        let name = format!("{}/{ordinal:06}-{name}", files_folder(folder.producer));
        let before = if may_be_left {
            sink.checkpoint_before_file(self, work).await?;
            Some(work.item.before_file())
        } else {
            None
        };
        let mut out = Vec::new();
        let mut file = sink.begin(work, &name, Room::for_at_most(Some(length)), &mut out)?;
        file.is_copy_of(facts);
        self.copy_rest(work, sink, Copying { file, before, version, length, first, body }, out).await
    }

    /// Goes on with an object that an earlier worker began, if it still is what it was.
    async fn go_on(
        &self,
        work: &mut Packaging,
        sink: &mut Sink,
        folder: Folder<'_>,
        wanted: &RecordRef,
        stands: Stands,
    ) -> Result<FileOutcome> {
        let before = work.item.open_file.as_ref().map(|open| open.before.clone());
        let open = work.item.open_file.as_ref().map(|open| open.object(&work.staging_key)).transpose()?.flatten();
        let open = open.filter(|open| stands.version == open.version && stands.length == open.length);
        let Some((OpenObject { file, version, length }, before)) = open.zip(before) else {
            return Err(self.begin_anew(work).await?);
        };
        let mut body = folder.files.rest(folder.producer, wanted, &version, file.bytes())?;
        let first = match body.next().await.transpose() {
            Ok(first) => first,
            Err(StoreError::Record { .. }) => return Err(self.begin_anew(work).await?),
            Err(error) => return Err(error.into()),
        };
        let Some(mut file) = FileWriter::resume(file) else { return Err(self.begin_anew(work).await?) };
        // What is known of it is as of now; of what type it is, its first bytes told.
        let media_type = file.object().and_then(|object| object.media_type.clone());
        file.is_copy_of(ObjectFacts { media_type, ..stands.facts });
        self.copy_rest(work, sink, Copying { file, before: Some(before), version, length, first, body }, Vec::new()).await
    }

    async fn copy_rest(&self, work: &mut Packaging, sink: &mut Sink, copying: Copying, mut out: Vec<u8>) -> Result<FileOutcome> {
        let Copying { mut file, before, version, length, first, mut body } = copying;
        sink.make_room(work, length.saturating_sub(file.bytes()));
        let (mut piece, begun_at) = (first, file.bytes());
        while let Some(bytes) = piece {
            if file.bytes() + bytes.len() as u64 > length {
                return Err(self.changed(work).await?);
            }
            if bytes.is_empty() && self.is_late(work) {
                // A service without ranges sends again what was read before, and that takes too long.
                return Err(EngineError::transient("a store is too slow to be read again up to where an object was left"));
            }
            for some in bytes.chunks(PIECE) {
                file.write(some, &mut out).map_err(too_large)?;
                let late = self.is_late(work);
                if out.len() >= PIECE {
                    self.take_or_keep(work, sink, &mut out).await?;
                }
                if let Some(before) = before.as_ref().filter(|_| file.bytes() < length && (late || sink.is_due(work))) {
                    let open = OpenObject { file: file.put_down(&mut out).map_err(too_large)?, version: version.clone(), length };
                    self.keep_open(work, sink, &open, before.clone(), &mut out).await?;
                    if late {
                        return Ok(FileOutcome::Open);
                    }
                    sink.checkpoint(self, work).await?;
                }
            }
            piece = match body.next().await.transpose() {
                Ok(piece) => piece,
                Err(error) => {
                    let broke = matches!(error, StoreError::Unavailable { .. }) && file.bytes() > begun_at;
                    // What came before it broke is not asked for again.
                    if let Some(before) = before.filter(|_| broke && file.bytes() < length) {
                        let open = OpenObject { file: file.put_down(&mut out).map_err(too_large)?, version, length };
                        self.keep_open(work, sink, &open, before, &mut out).await?;
                        sink.checkpoint(self, work).await?;
                    }
                    return Err(error.into());
                }
            };
        }
        if file.bytes() != length {
            return Err(self.changed(work).await?);
        }
        file.count(1);
        let entry = file.finish(&mut out).map_err(too_large)?;
        self.take_or_keep(work, sink, &mut out).await?;
        sink.written(work, entry);
        // What was put down before it is among what was written over since it was first left.
        work.item.open_file = None;
        Ok(FileOutcome::File)
    }

    /// Who is late sends nothing more, and puts down what there is.
    async fn take_or_keep(&self, work: &mut Packaging, sink: &mut Sink, out: &mut Vec<u8>) -> Result<()> {
        sink.keep(work, out).await?;
        if self.is_late(work) { Ok(()) } else { sink.send_if_full(self, work).await }
    }

    /// Notes an object as far as it is, with its last bytes; it is put down with the next checkpoint.
    async fn keep_open(
        &self,
        work: &mut Packaging,
        sink: &mut Sink,
        object: &OpenObject,
        before: BeforeFile,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        sink.keep(work, out).await?;
        let plain = serde_json::to_vec(object).map_err(|_| EngineError::internal("a file is no JSON"))?;
        let sealed = self.seal_staged(work, SEALED_AS, &plain)?;
        work.item.open_file = Some(OpenFileItem { sealed, before });
        Ok(())
    }

    /// Takes back what was written of an object that is no longer what it was. Another worker begins it anew: this one used
    /// its nonces behind that place.
    async fn begin_anew(&self, work: &mut Packaging) -> Result<EngineError> {
        let Some(OpenFileItem { before, .. }) = work.item.open_file.take() else {
            return Ok(EngineError::internal("there is no file to begin anew"));
        };
        let BeforeFile { offset, size, parts, parts_digest, sealed_message, unflushed } = before;
        let item = &mut work.item;
        item.superseded.extend(std::mem::replace(&mut item.unflushed, unflushed));
        (item.offset, item.size, item.parts) = (offset, size, parts);
        (item.parts_digest, item.sealed_message) = (parts_digest, sealed_message);
        item.begun_anew += 1;
        self.save(work, Transaction::new()).await?;
        Ok(EngineError::transient("an object changed while it was copied: it is begun anew"))
    }

    /// What to say of an object that is not as long as it was said to be.
    async fn changed(&self, work: &mut Packaging) -> Result<EngineError> {
        match work.item.open_file {
            Some(_) => self.begin_anew(work).await,
            None => Ok(EngineError::transient("an object changed its length while it was read")),
        }
    }
}

/// How many of the next files are asked for at once.
fn together(records: &[ManifestRecord]) -> usize {
    let mut bytes = 0_u64;
    let few = records.iter().take(TOGETHER).take_while(|r| {
        bytes = bytes.saturating_add(r.bytes);
        bytes <= BYTES_TOGETHER
    });
    few.count().max(1)
}

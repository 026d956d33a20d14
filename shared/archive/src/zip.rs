//! A ZIP archive written front to back: deflate, data descriptors, ZIP64 where it is needed (APPNOTE 6.3.10).
//!
//! Whoever writes it keeps the [`Entry`] of each file and can stop between any two, or inside of one ([`OpenFile`]); the
//! central directory is made of the entries, one at a time. That is what the crates for ZIP do not offer: they hold all
//! entries in memory until the end.
//!
//! A file's sizes stand behind its bytes, with four bytes each or with eight. Which, its header has to say before one byte
//! of it is seen: see [`Room`].

use crate::objects::ObjectFacts;
use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress};
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use sha2::{
    Digest as _, Sha256,
    digest::common::hazmat::{SerializableState as _, SerializedState},
};

/// A file in an archive.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name, with slashes.
    pub name: String,
    /// CRC-32 of its bytes.
    pub crc: u32,
    /// Their number in the archive.
    pub compressed: u64,
    /// Their number.
    pub bytes: u64,
    /// Where its header stands.
    pub offset: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// How many records it holds.
    pub records: u64,
    /// Its header says that its sizes have eight bytes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub zip64: bool,
    /// The object it is a copy of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectFacts>,
}

/// A file put down before its end. It tells of the file's bytes: of those whose digest was begun.
#[derive(Clone, Serialize, Deserialize)]
pub struct OpenFile {
    entry: Entry,
    crc: u32,
    /// The digest of what was written, as far as it is.
    sha256: Vec<u8>,
}

impl OpenFile {
    /// Bytes of the file so far.
    pub const fn bytes(&self) -> u64 {
        self.entry.bytes
    }
}

/// What a file may grow to. Readers that go through an archive front to back, as Java's `ZipInputStream` does, expect sizes
/// of four bytes behind a file that is smaller than 4 GiB, whatever its header announces; macOS refuses such announcements
/// in small files, too. So only what may be larger is announced as ZIP64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    /// It stays below 4 GiB: what grows larger is refused.
    Small,
    /// It may be larger (ZIP64).
    Large,
}

impl Room {
    /// The room for a file of at most so many bytes; `None` where nobody can know.
    pub const fn for_at_most(bytes: Option<u64>) -> Self {
        match bytes {
            // Deflate adds up to 5 bytes to 16 KiB that cannot be compressed: 1.3 MiB to 4 GiB.
            Some(bytes) if bytes <= u32::MAX as u64 - 8 * 1024 * 1024 => Self::Small,
            _ => Self::Large,
        }
    }
}

/// A file outgrew the room that was announced for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a file of the archive is larger than it was announced")]
pub struct TooLarge;

const LOCAL: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;

/// What a reader must know: deflate, or ZIP64 as well.
const VERSION: u16 = 20;
const VERSION_64: u16 = 45;
/// Unix, so that permissions are read from the upper half of the attributes.
const MADE_BY: u16 = (3 << 8) | VERSION_64;
/// Sizes follow the bytes; the name is UTF-8.
const FLAGS: u16 = (1 << 3) | (1 << 11);
const DEFLATE: u16 = 8;
const EXTRA_64: u16 = 1;
/// A regular file that its owner reads and writes.
const ATTRIBUTES: u32 = 0o100_600 << 16;

fn put(out: &mut Vec<u8>, numbers: &[&[u8]]) {
    numbers.iter().for_each(|n| out.extend_from_slice(n));
}

/// Date and time as MS-DOS had them: two seconds are the finest, and 1980 the first year.
fn dos(at: DateTime) -> (u16, u16) {
    let number = |n: i8| u16::from(n.unsigned_abs());
    let year = u16::try_from((at.year() - 1980).clamp(0, 127)).unwrap_or_default();
    let time = (number(at.hour()) << 11) | (number(at.minute()) << 5) | (number(at.second()) / 2);
    (time, (year << 9) | (number(at.month()) << 5) | number(at.day()))
}

fn short(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes()
}

/// A file being written.
pub struct FileWriter {
    compress: Compress,
    crc: Hasher,
    sha: Sha256,
    entry: Entry,
}

impl FileWriter {
    /// Begins a file at an offset of the archive. `name` is at most 65,535 bytes long.
    pub fn begin(name: &str, offset: u64, at: DateTime, room: Room, out: &mut Vec<u8>) -> Self {
        let (time, date) = dos(at);
        let zip64 = room == Room::Large;
        // The extra field announces that the sizes behind the bytes have eight bytes each.
        let (version, sizes, extra): (u16, [u8; 8], &[u8]) = match room {
            Room::Small => (VERSION, [0; 8], &[]),
            Room::Large => (VERSION_64, [0xff; 8], &[1, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
        };
        put(out, &[&LOCAL.to_le_bytes(), &version.to_le_bytes(), &FLAGS.to_le_bytes(), &DEFLATE.to_le_bytes()]);
        put(out, &[&time.to_le_bytes(), &date.to_le_bytes(), &[0; 4], &sizes, &short(name.len()), &short(extra.len())]);
        put(out, &[name.as_bytes(), extra]);
        let entry = Entry { name: name.to_owned(), offset, zip64, ..Entry::default() };
        Self { compress: Compress::new(Compression::fast(), false), crc: Hasher::new(), sha: Sha256::new(), entry }
    }

    /// Puts the file down where it stands, for this writer or another one to go on with. A full flush ends the compressed
    /// bytes at a whole byte, and what follows refers to none of them: another compressor may write it.
    ///
    /// # Errors
    /// As for [`FileWriter::write`].
    pub fn put_down(&mut self, out: &mut Vec<u8>) -> Result<OpenFile, TooLarge> {
        self.deflate(&[], FlushCompress::Full, out)?;
        let (crc, sha256) = (self.crc.clone().finalize(), self.sha.serialize().to_vec());
        Ok(OpenFile { entry: self.entry.clone(), crc, sha256 })
    }

    /// Goes on with a file that was put down; `None` where the digest in it is none.
    pub fn resume(open: OpenFile) -> Option<Self> {
        let OpenFile { entry, crc, sha256 } = open;
        let state = SerializedState::<Sha256>::try_from(sha256.as_slice()).ok()?;
        let sha = Sha256::deserialize(&state).ok()?;
        let compress = Compress::new(Compression::fast(), false);
        Some(Self { compress, crc: Hasher::new_with_initial_len(crc, entry.bytes), sha, entry })
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// The file outgrew its [`Room`]; the archive cannot be gone on with then.
    pub fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), TooLarge> {
        self.crc.update(bytes);
        self.sha.update(bytes);
        self.entry.bytes += bytes.len() as u64;
        self.deflate(bytes, FlushCompress::None, out)
    }

    /// Bytes of the file so far.
    pub const fn bytes(&self) -> u64 {
        self.entry.bytes
    }

    /// The object that it is a copy of.
    pub const fn object(&self) -> Option<&ObjectFacts> {
        self.entry.object.as_ref()
    }

    /// Notes the object that it is a copy of.
    pub fn is_copy_of(&mut self, object: ObjectFacts) {
        self.entry.object = Some(object);
    }

    /// Counts records.
    pub fn count(&mut self, records: u64) {
        self.entry.records += records;
    }

    fn deflate(&mut self, mut bytes: &[u8], flush: FlushCompress, out: &mut Vec<u8>) -> Result<(), TooLarge> {
        let begun = out.len();
        loop {
            out.reserve(bytes.len() / 2 + 4_096);
            let taken = self.compress.total_in();
            let status = self.compress.compress_vec(bytes, out, flush);
            let taken = usize::try_from(self.compress.total_in() - taken).unwrap_or(bytes.len());
            bytes = &bytes[taken..];
            let done = match flush {
                FlushCompress::Finish => matches!(status, Ok(flate2::Status::StreamEnd) | Err(_)),
                _ => bytes.is_empty() && out.len() < out.capacity() || status.is_err(),
            };
            if done {
                break;
            }
        }
        self.entry.compressed += (out.len() - begun) as u64;
        let fits = self.entry.zip64 || small(self.entry.bytes.max(self.entry.compressed)).is_some();
        fits.then_some(()).ok_or(TooLarge)
    }

    /// Ends the file.
    ///
    /// # Errors
    /// As for [`FileWriter::write`].
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<Entry, TooLarge> {
        self.deflate(&[], FlushCompress::Finish, out)?;
        self.entry.crc = self.crc.finalize();
        self.entry.sha256 = self.sha.finalize().iter().map(|b| format!("{b:02x}")).collect();
        put(out, &[&DESCRIPTOR.to_le_bytes(), &self.entry.crc.to_le_bytes()]);
        for number in [self.entry.compressed, self.entry.bytes] {
            let bytes = number.to_le_bytes();
            put(out, &[if self.entry.zip64 { &bytes } else { &bytes[..4] }]);
        }
        Ok(self.entry)
    }
}

/// A number that fits into four bytes, and is not the mark of one that does not.
fn small(number: u64) -> Option<u32> {
    u32::try_from(number).ok().filter(|n| *n != u32::MAX)
}

/// A file's line in the central directory.
pub fn central_record(entry: &Entry, at: DateTime, out: &mut Vec<u8>) {
    let (time, date) = dos(at);
    let mut extra = Vec::new();
    // Only what does not fit into four bytes, in this order.
    for number in [entry.bytes, entry.compressed, entry.offset] {
        if small(number).is_none() {
            extra.extend(number.to_le_bytes());
        }
    }
    if !extra.is_empty() {
        let head = [EXTRA_64.to_le_bytes(), short(extra.len())].concat();
        extra.splice(0..0, head);
    }
    let shown = |n: u64| small(n).unwrap_or(u32::MAX).to_le_bytes();
    let version = if entry.zip64 || !extra.is_empty() { VERSION_64 } else { VERSION };
    put(out, &[&CENTRAL.to_le_bytes(), &MADE_BY.to_le_bytes(), &version.to_le_bytes(), &FLAGS.to_le_bytes()]);
    put(out, &[&DEFLATE.to_le_bytes(), &time.to_le_bytes(), &date.to_le_bytes(), &entry.crc.to_le_bytes()]);
    put(out, &[&shown(entry.compressed), &shown(entry.bytes), &short(entry.name.len()), &short(extra.len())]);
    put(out, &[&[0; 2], &[0; 2], &[0; 2], &ATTRIBUTES.to_le_bytes(), &shown(entry.offset), entry.name.as_bytes(), &extra]);
}

/// The end of an archive whose central directory has so many entries and bytes, and begins at an offset.
pub fn end(entries: u64, offset: u64, size: u64, out: &mut Vec<u8>) {
    let at = offset + size;
    let few = small(size.max(offset)).is_some() && u16::try_from(entries).is_ok_and(|n| n != u16::MAX);
    // Only where they are needed: readers that go by the size of the directory would look for it behind them.
    if !few {
        end_64(entries, offset, size, at, out);
    }
    let count = u16::try_from(entries).unwrap_or(u16::MAX).to_le_bytes();
    let shown = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    put(out, &[&END.to_le_bytes(), &[0; 4], &count, &count, &shown(size), &shown(offset), &[0; 2]]);
}

fn end_64(entries: u64, offset: u64, size: u64, at: u64, out: &mut Vec<u8>) {
    put(out, &[&END_64.to_le_bytes(), &44_u64.to_le_bytes(), &MADE_BY.to_le_bytes(), &VERSION_64.to_le_bytes(), &[0; 8]]);
    put(out, &[&entries.to_le_bytes(), &entries.to_le_bytes(), &size.to_le_bytes(), &offset.to_le_bytes()]);
    put(out, &[&LOCATOR_64.to_le_bytes(), &[0; 4], &at.to_le_bytes(), &1_u32.to_le_bytes()]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Read as _};

    const AT: DateTime = jiff::civil::date(2026, 11, 21).at(18, 30, 44, 0);

    fn archive(files: &[(&str, Vec<u8>, Room)]) -> Vec<u8> {
        let (mut out, mut entries) = (Vec::new(), Vec::new());
        for (name, bytes, room) in files {
            let mut file = FileWriter::begin(name, out.len() as u64, AT, *room, &mut out);
            bytes.chunks(1_000).for_each(|piece| file.write(piece, &mut out).expect("room"));
            entries.push(file.finish(&mut out).expect("room"));
        }
        let offset = out.len() as u64;
        entries.iter().for_each(|e| central_record(e, AT, &mut out));
        let size = out.len() as u64 - offset;
        end(entries.len() as u64, offset, size, &mut out);
        out
    }

    #[test]
    fn another_reader_finds_every_file_as_it_was() {
        let noise: Vec<u8> = (0..70_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
        let small = Room::Small;
        let files = [
            ("a.txt", b"hello".to_vec(), small),
            ("data/é.json", vec![b'x'; 300_000], Room::Large),
            ("empty", vec![], small),
            ("noise", noise, small),
        ];
        let mut zip = zip::ZipArchive::new(Cursor::new(archive(&files))).expect("an archive");
        assert_eq!(zip.len(), 4);
        for (name, bytes, _) in files {
            let mut file = zip.by_name(name).expect(name);
            let mut read = Vec::new();
            file.read_to_end(&mut read).expect("its CRC is right");
            assert_eq!(read, bytes, "{name}");
            let at = file.last_modified().expect("a date");
            assert_eq!((at.year(), at.month(), at.hour(), at.second()), (2026, 11, 18, 44));
        }
    }

    #[test]
    fn a_file_put_down_anywhere_and_gone_on_with_by_others_is_the_file_that_one_would_write() {
        let text: Vec<u8> = (0..40_000_u32).flat_map(|n| format!("{} ", n / 7).into_bytes()).collect();
        let noise: Vec<u8> = (0..200_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
        for (bytes, room) in [(text, Room::Small), (noise, Room::Large), (b"ab".to_vec(), Room::Small)] {
            for step in [1, 63, 64, 4_096, 65_537].into_iter().filter(|step| bytes.len() / step < 5_000) {
                let mut out = Vec::new();
                let mut file = FileWriter::begin("f", 0, AT, room, &mut out);
                for (place, piece) in bytes.chunks(step).enumerate() {
                    file.write(piece, &mut out).expect("room");
                    let open = file.put_down(&mut out).expect("room");
                    assert_eq!(open.bytes(), (place * step + piece.len()) as u64);
                    // Now and then the same writer goes on.
                    if place % 3 != 2 {
                        let kept = serde_json::to_vec(&open).expect("json");
                        file = FileWriter::resume(serde_json::from_slice(&kept).expect("the same")).expect("a digest");
                    }
                }
                let entry = file.finish(&mut out).expect("room");
                let sha256: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
                assert_eq!((entry.sha256.as_str(), entry.bytes), (sha256.as_str(), bytes.len() as u64), "{step}");
                let offset = out.len() as u64;
                central_record(&entry, AT, &mut out);
                end(1, offset, out.len() as u64 - offset, &mut out);
                let mut zip = zip::ZipArchive::new(Cursor::new(out)).expect("an archive");
                let mut read = Vec::new();
                zip.by_name("f").expect("it").read_to_end(&mut read).expect("its CRC is right");
                assert!(read == bytes, "in steps of {step}");
            }
        }
    }

    #[test]
    fn a_file_put_down_with_a_digest_that_is_none_is_not_gone_on_with() {
        let mut out = Vec::new();
        let mut file = FileWriter::begin("f", 0, AT, Room::Small, &mut out);
        let open = file.put_down(&mut out).expect("room");
        assert!(FileWriter::resume(OpenFile { sha256: open.sha256[1..].to_vec(), ..open.clone() }).is_none());
        assert!(FileWriter::resume(open).is_some());
    }

    #[test]
    fn a_file_that_stays_small_says_nothing_of_zip64_anywhere() {
        let zip = archive(&[("name", b"hello".to_vec(), Room::Small)]);
        // APPNOTE 4.3.7: version 20, flags, deflate, time and date; then no CRC, no sizes, no extra field.
        assert_eq!(zip[..10], [b"PK\x03\x04".as_slice(), &[20, 0, 8, 8, 8, 0]].concat());
        assert_eq!((&zip[14..26], &zip[26..30]), ([0_u8; 12].as_slice(), [4_u8, 0, 0, 0].as_slice()));
        let at = zip.windows(4).position(|w| w == b"PK\x07\x08").expect("a descriptor");
        assert_eq!((&zip[at + 12..at + 16], &zip[at + 16..at + 20]), ([5, 0, 0, 0].as_slice(), b"PK\x01\x02".as_slice()));
        assert_eq!(zip[at + 16 + 6..at + 16 + 8], [20, 0]);
        assert!(!zip.windows(4).any(|w| w == [0xff; 4] || w == b"PK\x06\x06"), "{zip:x?}");
    }

    #[test]
    fn room_is_small_only_for_what_is_known_to_stay_below_four_gibibytes() {
        let most = u64::from(u32::MAX);
        for (bytes, room) in [
            (Some(0), Room::Small),
            (Some(4_000_000_000), Room::Small),
            (Some(most - 1), Room::Large),
            (Some(most + 1), Room::Large),
            (None, Room::Large),
        ] {
            assert_eq!(Room::for_at_most(bytes), room, "{bytes:?}");
        }
    }

    #[test]
    fn a_file_that_outgrows_its_room_is_refused_and_never_written_with_a_wrong_size() {
        let mut out = Vec::new();
        let mut file = FileWriter::begin("big", 0, AT, Room::Small, &mut out);
        file.entry.bytes = u64::from(u32::MAX) - 3;
        assert_eq!(file.write(b"ab", &mut out), Ok(()));
        assert_eq!(file.write(b"c", &mut out), Err(TooLarge));
        assert_eq!(file.finish(&mut out), Err(TooLarge));
        let mut file = FileWriter::begin("big", 0, AT, Room::Large, &mut out);
        file.entry.bytes = u64::from(u32::MAX);
        assert_eq!(file.write(b"ab", &mut out), Ok(()));
    }

    #[test]
    fn what_does_not_fit_in_four_bytes_stands_in_the_extra_field() {
        let big = Entry { name: "big".to_owned(), crc: 1, compressed: 5, bytes: 6 << 32, offset: 7 << 32, ..Entry::default() };
        let mut out = Vec::new();
        central_record(&big, AT, &mut out);
        let extra = &out[46 + 3..];
        assert_eq!(extra[..4], [1, 0, 16, 0]);
        assert_eq!(extra[4..12], (6_u64 << 32).to_le_bytes());
        assert_eq!(extra[12..20], (7_u64 << 32).to_le_bytes());
        assert_eq!(out[20..24], 5_u32.to_le_bytes());
        assert_eq!(out[24..28], [0xff; 4]);
    }
}

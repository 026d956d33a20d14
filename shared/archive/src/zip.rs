//! A ZIP archive written front to back: deflate, data descriptors, ZIP64 (APPNOTE 6.3.10).
//!
//! Whoever writes it keeps the [`Entry`] of each file and can stop between any two; the central directory is made of the
//! entries, one at a time. That is what the crates for ZIP do not offer: they hold all entries in memory until the end.

use crc32fast::Hasher;
use flate2::{Compress, Compression, FlushCompress};
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A file in an archive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}

const LOCAL: u32 = 0x0403_4b50;
const DESCRIPTOR: u32 = 0x0807_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;

/// ZIP64.
const VERSION: u16 = 45;
/// Unix, so that permissions are read from the upper half of the attributes.
const MADE_BY: u16 = (3 << 8) | VERSION;
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
    pub fn begin(name: &str, offset: u64, at: DateTime, out: &mut Vec<u8>) -> Self {
        let (time, date) = dos(at);
        put(out, &[&LOCAL.to_le_bytes(), &VERSION.to_le_bytes(), &FLAGS.to_le_bytes(), &DEFLATE.to_le_bytes()]);
        put(out, &[&time.to_le_bytes(), &date.to_le_bytes(), &[0; 4], &[0xff; 8], &short(name.len()), &20_u16.to_le_bytes()]);
        // The extra field announces that the sizes behind the bytes have eight bytes each.
        put(out, &[name.as_bytes(), &EXTRA_64.to_le_bytes(), &16_u16.to_le_bytes(), &[0; 16]]);
        let entry = Entry { name: name.to_owned(), crc: 0, compressed: 0, bytes: 0, offset, sha256: String::new(), records: 0 };
        Self { compress: Compress::new(Compression::fast(), false), crc: Hasher::new(), sha: Sha256::new(), entry }
    }

    /// Adds bytes.
    pub fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        self.crc.update(bytes);
        self.sha.update(bytes);
        self.entry.bytes += bytes.len() as u64;
        self.deflate(bytes, FlushCompress::None, out);
    }

    /// Counts records.
    pub fn count(&mut self, records: u64) {
        self.entry.records += records;
    }

    fn deflate(&mut self, mut bytes: &[u8], flush: FlushCompress, out: &mut Vec<u8>) {
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
    }

    /// Ends the file.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Entry {
        self.deflate(&[], FlushCompress::Finish, out);
        self.entry.crc = self.crc.finalize();
        self.entry.sha256 = self.sha.finalize().iter().map(|b| format!("{b:02x}")).collect();
        let Entry { crc, compressed, bytes, .. } = self.entry;
        put(out, &[&DESCRIPTOR.to_le_bytes(), &crc.to_le_bytes(), &compressed.to_le_bytes(), &bytes.to_le_bytes()]);
        self.entry
    }
}

/// A file's line in the central directory.
pub fn central_record(entry: &Entry, at: DateTime, out: &mut Vec<u8>) {
    let (time, date) = dos(at);
    let small = |n: u64| u32::try_from(n).ok().filter(|n| *n != u32::MAX);
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
    put(out, &[&CENTRAL.to_le_bytes(), &MADE_BY.to_le_bytes(), &VERSION.to_le_bytes(), &FLAGS.to_le_bytes()]);
    put(out, &[&DEFLATE.to_le_bytes(), &time.to_le_bytes(), &date.to_le_bytes(), &entry.crc.to_le_bytes()]);
    put(out, &[&shown(entry.compressed), &shown(entry.bytes), &short(entry.name.len()), &short(extra.len())]);
    put(out, &[&[0; 2], &[0; 2], &[0; 2], &ATTRIBUTES.to_le_bytes(), &shown(entry.offset), entry.name.as_bytes(), &extra]);
}

/// The end of an archive whose central directory has so many entries and bytes, and begins at an offset.
pub fn end(entries: u64, offset: u64, size: u64, out: &mut Vec<u8>) {
    let at = offset + size;
    let small =
        u32::try_from(size.max(offset)).is_ok_and(|n| n != u32::MAX) && u16::try_from(entries).is_ok_and(|n| n != u16::MAX);
    // Only where they are needed: readers that go by the size of the directory would look for it behind them.
    if !small {
        end_64(entries, offset, size, at, out);
    }
    let count = u16::try_from(entries).unwrap_or(u16::MAX).to_le_bytes();
    let shown = |n: u64| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes();
    put(out, &[&END.to_le_bytes(), &[0; 4], &count, &count, &shown(size), &shown(offset), &[0; 2]]);
}

fn end_64(entries: u64, offset: u64, size: u64, at: u64, out: &mut Vec<u8>) {
    put(out, &[&END_64.to_le_bytes(), &44_u64.to_le_bytes(), &MADE_BY.to_le_bytes(), &VERSION.to_le_bytes(), &[0; 8]]);
    put(out, &[&entries.to_le_bytes(), &entries.to_le_bytes(), &size.to_le_bytes(), &offset.to_le_bytes()]);
    put(out, &[&LOCATOR_64.to_le_bytes(), &[0; 4], &at.to_le_bytes(), &1_u32.to_le_bytes()]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Cursor, Read as _};

    const AT: DateTime = jiff::civil::date(2026, 11, 21).at(18, 30, 44, 0);

    fn archive(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
        let (mut out, mut entries) = (Vec::new(), Vec::new());
        for (name, bytes) in files {
            let mut file = FileWriter::begin(name, out.len() as u64, AT, &mut out);
            bytes.chunks(1_000).for_each(|piece| file.write(piece, &mut out));
            entries.push(file.finish(&mut out));
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
        let files = [("a.txt", b"hello".to_vec()), ("data/é.json", vec![b'x'; 300_000]), ("empty", vec![]), ("noise", noise)];
        let mut zip = zip::ZipArchive::new(Cursor::new(archive(&files))).expect("an archive");
        assert_eq!(zip.len(), 4);
        for (name, bytes) in files {
            let mut file = zip.by_name(name).expect(name);
            let mut read = Vec::new();
            file.read_to_end(&mut read).expect("its CRC is right");
            assert_eq!(read, bytes, "{name}");
            let at = file.last_modified().expect("a date");
            assert_eq!((at.year(), at.month(), at.hour(), at.second()), (2026, 11, 18, 44));
        }
    }

    #[test]
    fn more_files_than_two_bytes_can_count_are_all_found() {
        let (mut out, mut entries) = (Vec::new(), Vec::new());
        for n in 0..70_000 {
            let mut file = FileWriter::begin(&format!("{n}"), out.len() as u64, AT, &mut out);
            file.write(b"x", &mut out);
            entries.push(file.finish(&mut out));
        }
        let offset = out.len() as u64;
        entries.iter().for_each(|e| central_record(e, AT, &mut out));
        let size = out.len() as u64 - offset;
        end(entries.len() as u64, offset, size, &mut out);
        let mut zip = zip::ZipArchive::new(Cursor::new(out)).expect("an archive");
        assert_eq!(zip.len(), 70_000);
        assert!(zip.by_name("69999").is_ok());
    }

    #[test]
    fn what_does_not_fit_in_four_bytes_stands_in_the_extra_field() {
        let big = Entry {
            name: "big".to_owned(),
            crc: 1,
            compressed: 5,
            bytes: 6 << 32,
            offset: 7 << 32,
            sha256: String::new(),
            records: 0,
        };
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

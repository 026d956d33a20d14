//! Archives, opened by software that is not ours. Python is needed; Java, Info-ZIP, libarchive and 7-Zip are asked where the
//! machine has them, and those it has not are named.

use jiff::civil::DateTime;
use oubli_archive::zip::{Entry, FileWriter, Room, central_record, end};
use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

const AT: DateTime = jiff::civil::date(2026, 11, 21).at(18, 30, 44, 0);

/// An archive on disk, written as the engine does.
struct Archive {
    folder: tempfile::TempDir,
    file: BufWriter<File>,
    at: u64,
    entries: Vec<Entry>,
}

impl Archive {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let file = BufWriter::new(File::create(folder.path().join("export.zip")).expect("a file"));
        Self { folder, file, at: 0, entries: vec![] }
    }

    fn put(&mut self, out: &mut Vec<u8>) {
        self.file.write_all(out).expect("written");
        self.at += out.len() as u64;
        out.clear();
    }

    /// Adds a file of so many pieces.
    fn add(&mut self, name: &str, piece: &[u8], times: u64) {
        let mut out = Vec::new();
        let room = Room::for_at_most(Some(piece.len() as u64 * times));
        let mut file = FileWriter::begin(name, self.at, AT, room, &mut out);
        for _ in 0..times {
            file.write(piece, &mut out).expect("room");
            self.put(&mut out);
        }
        let entry = file.finish(&mut out).expect("room");
        self.put(&mut out);
        self.entries.push(entry);
    }

    fn finish(&mut self) -> PathBuf {
        let (mut out, offset) = (Vec::new(), self.at);
        self.entries.iter().for_each(|e| central_record(e, AT, &mut out));
        let size = out.len() as u64;
        end(self.entries.len() as u64, offset, size, &mut out);
        self.put(&mut out);
        self.file.flush().expect("written");
        self.folder.path().join("export.zip")
    }

    /// Name, bytes and CRC-32 of each file.
    fn listed(&self) -> String {
        self.entries.iter().map(|e| format!("{}\t{}\t{:08x}\n", e.name, e.bytes, e.crc)).collect()
    }
}

fn here(name: &str) -> String {
    format!("{}/tests/foreign/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// What a program says of an archive; `None` where the machine does not have it.
fn ask(program: &str, arguments: &[&str], archive: &Path) -> Option<String> {
    let command = Command::new(program).args(arguments).arg(archive).output();
    let Ok(output) = command else {
        println!("{program} is not on this machine: not asked");
        return None;
    };
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{errors}", &said[said.len().saturating_sub(2_000)..]);
    Some(said)
}

/// Everything that can be asked finds all the files, whole.
fn opens_everywhere(archive: &mut Archive) {
    let path = archive.finish();
    let listed = archive.listed();
    for way in ["stream", "directory"] {
        let said = ask("python3", &[&here("read.py"), way], &path).expect("python3 is needed");
        assert!(said == listed, "python3, {way}, finds other files");
    }
    if let Some(said) = ask("java", &["-Dstdout.encoding=UTF-8", &here("Read.java")], &path) {
        assert!(said == listed, "Java's ZipInputStream finds other files");
    }
    ask("unzip", &["-tqq"], &path);
    for seven in ["7zz", "7z"] {
        ask(seven, &["t"], &path);
    }
    let names = |said: &str| said.lines().map(str::to_owned).collect::<Vec<_>>();
    let own: Vec<String> = archive.entries.iter().map(|e| e.name.clone()).collect();
    if let Some(said) = ask("bsdtar", &["-tf"], &path) {
        assert_eq!(names(&said).len(), own.len(), "bsdtar");
    }
    if let Some(said) = ask("jar", &["-J-Dstdout.encoding=UTF-8", "tf"], &path) {
        assert!(names(&said) == own, "jar finds other files");
    }
}

#[test]
fn an_archive_of_small_files_opens_everywhere_also_read_front_to_back() {
    let mut archive = Archive::new();
    let noise: Vec<u8> = (0..300_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
    archive.add("index.html", b"<!DOCTYPE html>", 1);
    archive.add("data/orders/orders.csv", &vec![b'x'; 300_000], 3);
    archive.add("objects/empty", b"", 1);
    archive.add("objects/Überweisung März 株式会社.pdf", &noise, 4);
    archive.add("manifest.json", b"{}", 1);
    opens_everywhere(&mut archive);
}

#[test]
fn a_file_beyond_four_gibibytes_and_more_files_than_two_bytes_count_open_where_zip64_is_known() {
    let mut archive = Archive::new();
    archive.add("before", b"small", 1);
    archive.add("objects/film.mov", &vec![0; 1 << 20], 4_097);
    for n in 0..66_000 {
        archive.add(&format!("objects/{n}"), b"x", 1);
    }
    opens_everywhere(&mut archive);
}

/// A hole stands where four gibibytes of files would: readers that go by the directory need not read them.
#[test]
fn files_behind_four_gibibytes_of_archive_are_found() {
    let mut archive = Archive::new();
    archive.at = (4 << 30) + 5;
    archive.file.get_mut().set_len(archive.at).expect("a hole");
    std::io::Seek::seek(&mut archive.file, std::io::SeekFrom::End(0)).expect("behind it");
    archive.add("behind", b"small", 1);
    archive.add("data/too", b"small", 2);
    let path = archive.finish();
    let said = ask("python3", &[&here("read.py"), "directory"], &path).expect("python3 is needed");
    assert_eq!(said, archive.listed());
    ask("unzip", &["-tqq"], &path);
}

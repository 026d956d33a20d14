//! Unpacking an archive that is not trusted: nothing leads out of the folder, nothing is overwritten, nothing is larger than
//! its manifest says, and what does not hold leaves nothing behind.

use crate::failure::Failure;
use oubli_archive::{
    contents::{Listed, MANIFEST, Manifest},
    names::safe_path,
};
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{Read, Write as _},
    path::{Path, PathBuf},
};
use zip::ZipArchive;

/// Largest manifest read.
const MOST_MANIFEST_BYTES: u64 = 1024 * 1024 * 1024;

fn refused(why: impl std::fmt::Display) -> Failure {
    Failure::Refused(format!("not opened: {why}"))
}

/// Files that only their owner reads.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Unpacks into a folder that is not there yet.
///
/// # Errors
/// The folder is there; the archive is not what its manifest says, or would write outside the folder.
pub fn unpack(archive: File, out: &Path) -> Result<Manifest, Failure> {
    let unwritten = |e: std::io::Error| Failure::Usage(format!("cannot make the folder {}: {e}", out.display()));
    let mut zip = ZipArchive::new(archive).map_err(refused)?;
    let manifest = manifest(&mut zip)?;
    let mut listed: BTreeMap<&str, &Listed> = manifest.files.iter().map(|f| (f.name.as_str(), f)).collect();
    if listed.len() != manifest.files.len() {
        return Err(refused("its manifest names a file twice"));
    }
    private_folder(out).map_err(unwritten)?;
    let written = (|| {
        for place in 0..zip.len() {
            let mut file = zip.by_index(place).map_err(refused)?;
            let name = file.name().map_err(refused)?.into_owned();
            if name == MANIFEST {
                write(&mut file, &target(out, &name)?, None)?;
                continue;
            }
            let expected = listed.remove(name.as_str()).ok_or_else(|| refused(format!("{name:?} is not in its manifest")))?;
            write(&mut file, &target(out, &name)?, Some(expected))?;
        }
        match listed.keys().next() {
            Some(missing) => Err(refused(format!("{missing:?} is in its manifest and not in it"))),
            None => Ok(()),
        }
    })();
    if let Err(failure) = written {
        // What was written so far may not be what it says it is.
        fs::remove_dir_all(out).map_err(unwritten)?;
        return Err(failure);
    }
    Ok(manifest)
}

fn manifest(zip: &mut ZipArchive<File>) -> Result<Manifest, Failure> {
    let mut file = zip.by_name(MANIFEST).map_err(|_| refused("it has no manifest"))?;
    let mut text = Vec::new();
    (&mut file).take(MOST_MANIFEST_BYTES).read_to_end(&mut text).map_err(refused)?;
    serde_json::from_slice(&text).map_err(|e| refused(format!("its manifest cannot be read: {e}")))
}

/// Where a file goes; its folders are made.
fn target(out: &Path, name: &str) -> Result<PathBuf, Failure> {
    let parts = safe_path(name).ok_or_else(|| refused(format!("the name {name:?} leads elsewhere")))?;
    let mut path = out.to_owned();
    for (place, part) in parts.iter().enumerate() {
        path.push(part);
        if place + 1 < parts.len() && !path.is_dir() {
            private_folder(&path).map_err(|e| refused(format!("{}: {e}", path.display())))?;
        }
    }
    Ok(path)
}

fn write(file: &mut impl Read, path: &Path, expected: Option<&Listed>) -> Result<(), Failure> {
    let unwritten = |e: std::io::Error| refused(format!("{}: {e}", path.display()));
    let mut out = private().write(true).create_new(true).open(path).map_err(unwritten)?;
    let limit = expected.map_or(MOST_MANIFEST_BYTES, |listed| listed.bytes);
    let mut source = file.take(limit.saturating_add(1));
    let (mut hash, mut bytes, mut piece) = (Sha256::new(), 0_u64, vec![0; 256 * 1024]);
    loop {
        let read = source.read(&mut piece).map_err(unwritten)?;
        if read == 0 {
            break;
        }
        hash.update(&piece[..read]);
        bytes += read as u64;
        out.write_all(&piece[..read]).map_err(unwritten)?;
    }
    let Some(expected) = expected else { return Ok(()) };
    let digest: String = hash.finalize().iter().map(|b| format!("{b:02x}")).collect();
    if bytes != expected.bytes || digest != expected.sha256 {
        return Err(refused(format!("{:?} is not as its manifest says", expected.name)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use oubli_archive::zip::{FileWriter, Room, central_record, end};

    /// An archive of these files; the manifest says of each what is given.
    fn archive(files: &[(&str, &[u8], &str, usize)]) -> File {
        let at = jiff::civil::date(2026, 1, 1).at(0, 0, 0, 0);
        let listed: Vec<String> = files
            .iter()
            .map(|(name, _, sha256, bytes)| {
                serde_json::json!({ "name": name, "bytes": bytes, "sha256": sha256, "records": 0 }).to_string()
            })
            .collect();
        let manifest = format!(
            r#"{{"format":"oubli-export/v1","export_id":"x","controller":"c","requested_at":"2026-01-01T00:00:00Z","collected_at":"2026-01-01T00:00:00Z","complete":true,"parts":[],"missing":[],"files":[{}]}}"#,
            listed.join(",")
        );
        let (mut out, mut entries) = (Vec::new(), Vec::new());
        let all = files.iter().map(|(name, bytes, ..)| (*name, *bytes)).chain([(MANIFEST, manifest.as_bytes())]);
        for (name, bytes) in all {
            let mut file = FileWriter::begin(name, out.len() as u64, at, Room::Small, &mut out);
            file.write(bytes, &mut out).expect("room");
            entries.push(file.finish(&mut out).expect("room"));
        }
        let offset = out.len() as u64;
        entries.iter().for_each(|e| central_record(e, at, &mut out));
        let size = out.len() as u64 - offset;
        end(entries.len() as u64, offset, size, &mut out);
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&out).expect("written");
        file
    }

    const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

    #[test]
    fn what_holds_is_unpacked_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("export");
        unpack(archive(&[("data/a/b.txt", b"hello", HELLO, 5)]), &out).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(fs::read(out.join("data/a/b.txt")).expect("there"), b"hello");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &str| fs::metadata(out.join(path)).expect("there").permissions().mode() & 0o777;
            assert_eq!((mode("data/a"), mode("data/a/b.txt")), (0o700, 0o600));
        }
        let again = unpack(archive(&[("data/a/b.txt", b"hello", HELLO, 5)]), &out);
        assert!(matches!(again, Err(Failure::Usage(_))), "nothing is overwritten");
    }

    #[test]
    fn what_does_not_hold_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let cases: [(&str, &str, usize, &str); 6] = [
            ("../evil", HELLO, 5, "leads elsewhere"),
            ("/etc/evil", HELLO, 5, "leads elsewhere"),
            ("a/../../evil", HELLO, 5, "leads elsewhere"),
            ("C:/evil", HELLO, 5, "leads elsewhere"),
            ("a", "00", 5, "as its manifest says"),
            ("a", HELLO, 4, "as its manifest says"),
        ];
        for (name, sha256, bytes, why) in cases {
            let out = folder.path().join("export");
            match unpack(archive(&[("first", b"hello", HELLO, 5), (name, b"hello", sha256, bytes)]), &out) {
                Err(Failure::Refused(reason)) => assert!(reason.contains(why), "{name}: {reason}"),
                other => panic!("{name}: {other:?}"),
            }
            assert!(!out.exists() && !folder.path().join("evil").exists(), "{name}");
        }
    }
}

//! What is in an export.

use super::{engine, officer};
use oubli_archive::{
    contents::{MANIFEST, Manifest},
    names::safe_path,
};
use oubli_domain::{access::Caller, ids::RequestId};
use oubli_esdk_message::MessageReader;
use oubli_simulation::{World, polls::block_on};
use std::{
    collections::BTreeMap,
    io::{Cursor, Read as _},
};

/// The manifest and the files of an export's archive.
pub fn opened(world: &World, export: RequestId, how: &str) -> (Manifest, BTreeMap<String, Vec<u8>>) {
    opened_by(&officer(), world, export, how)
}

/// The same, opened by somebody.
pub fn opened_by(caller: &Caller, world: &World, export: RequestId, how: &str) -> (Manifest, BTreeMap<String, Vec<u8>>) {
    let access = block_on(engine(world).exports().open_export(caller, export, None)).unwrap_or_else(|e| panic!("{how}: {e}"));
    let mine = world.exports().into_iter().find(|(name, _)| name.contains(&export.to_string()));
    let message = mine.unwrap_or_else(|| panic!("{how}: no object")).1;
    assert_eq!(message.len() as u64, access.size_bytes, "{how}");
    let mut reader = MessageReader::new(access.content_key.0);
    let mut zip = Vec::new();
    reader.push(&message, &mut zip).unwrap_or_else(|e| panic!("{how}: {e}"));
    assert_eq!(reader.context(), &access.encryption_context, "{how}");
    reader.finish().unwrap_or_else(|e| panic!("{how}: {e}"));
    let mut zip = zip::ZipArchive::new(Cursor::new(zip)).unwrap_or_else(|e| panic!("{how}: {e}"));
    let (mut files, mut written) = (BTreeMap::new(), 0);
    for n in 0..zip.len() {
        let mut file = zip.by_index(n).unwrap_or_else(|e| panic!("{how}: {e}"));
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap_or_else(|e| panic!("{how}: {e}"));
        follows(file.header_start(), written, how);
        written = file.data_start().expect("a place") + file.compressed_size();
        let name = file.name().unwrap_or_else(|e| panic!("{how}: {e}")).into_owned();
        assert!(safe_path(&name).is_some(), "{name}");
        assert!(files.insert(name, bytes).is_none(), "{how}: a name twice");
    }
    follows(zip.central_directory_start(), written, how);
    let manifest = serde_json::from_slice(&files[MANIFEST]).unwrap_or_else(|e| panic!("{how}: {e}"));
    (manifest, files)
}

/// No bytes that no file has stand between one and the next, but for the sizes behind its bytes.
fn follows(next: u64, written: u64, how: &str) {
    let between = next - written;
    assert!(
        if written == 0 { next == 0 } else { between == 16 || between == 24 },
        "{how}: {between} bytes at {written} are no file's"
    );
}

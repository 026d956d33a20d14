//! Objects that outlast a worker: put down before their end, then gone on with; or begun anew where they have changed.

use crate::{
    Result, crypt,
    ports::{DataKey, Version},
};
use oubli_archive::zip::OpenFile;
use serde::{Deserialize, Serialize};

/// How often a file is begun anew because its object had changed: one that changes faster than it is copied is said to be
/// missing.
pub(super) const MOST_BEGUN_ANEW: u32 = 3;

/// What the file is sealed as.
pub(super) const SEALED_AS: &str = "file";

/// A file that the archive stands inside of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct OpenFileItem {
    /// An [`OpenObject`], sealed.
    pub sealed: String,
    /// Where the archive stood before it.
    pub before: BeforeFile,
}

/// Where the archive stood before a file, as it was put down there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct BeforeFile {
    pub offset: u64,
    pub size: u64,
    pub parts: u32,
    pub parts_digest: String,
    pub sealed_message: Option<String>,
    pub unflushed: Option<String>,
}

/// An object being copied, and how far it is.
#[derive(Serialize, Deserialize)]
pub(super) struct OpenObject {
    pub file: OpenFile,
    pub version: Version,
    pub length: u64,
}

impl OpenFileItem {
    /// What was put down, if it can be read: perhaps another version of Oubli wrote it.
    pub fn object(&self, staging_key: &DataKey) -> Result<Option<OpenObject>> {
        let plain = crypt::open(staging_key, SEALED_AS, &self.sealed)?;
        Ok(serde_json::from_slice(&plain).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::Entropy;

    struct Zeros;

    impl Entropy for Zeros {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(0);
        }
    }

    #[test]
    fn what_another_version_put_down_is_read_as_nothing_and_is_no_fault() {
        let key = DataKey([7; 32]);
        let before =
            BeforeFile { offset: 0, size: 0, parts: 0, parts_digest: String::new(), sealed_message: None, unflushed: None };
        for plain in ["{}", "", "[1]", r#"{"file": 1, "version": 2, "length": 3}"#] {
            let sealed = crypt::seal(&key, &Zeros, SEALED_AS, plain.as_bytes()).expect("sealed");
            let item = OpenFileItem { sealed, before: before.clone() };
            assert!(item.object(&key).expect("opens").is_none(), "{plain}");
        }
        let sealed = crypt::seal(&key, &Zeros, "message", b"{}").expect("sealed");
        assert!(OpenFileItem { sealed, before }.object(&key).is_err(), "something else was put in its place");
    }
}

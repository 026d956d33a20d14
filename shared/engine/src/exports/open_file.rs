//! Objects that outlast a worker: put down before their end, then gone on with; or begun anew where they have changed.

use crate::ports::Version;
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

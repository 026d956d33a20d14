//! What the room of exports answers.

use crate::ports::DataKey;
use jiff::Timestamp;
use std::{collections::BTreeMap, fmt};

/// What opens an export.
#[derive(Clone)]
pub struct ExportAccess {
    /// Fetches it, encrypted.
    pub download_url: String,
    /// Until when the link works.
    pub link_expires_at: Timestamp,
    /// The data key.
    pub content_key: DataKey,
    /// What it is called.
    pub file_name: String,
    /// Its size, encrypted.
    pub size_bytes: u64,
    /// What the message's header says.
    pub encryption_context: BTreeMap<String, String>,
    /// Until when it can be opened at all.
    pub expires_at: Timestamp,
    /// Links given out, this one included.
    pub links: u32,
}

/// Without the key and the link.
impl fmt::Debug for ExportAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExportAccess").field("file_name", &self.file_name).finish_non_exhaustive()
    }
}

//! What is said of the objects in an archive.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Which object a file is a copy of, as its store knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectFacts {
    /// Its key, unchanged.
    pub key: String,
    /// Its version, where its bucket keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// When it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<Timestamp>,
    /// It is what stands under its key: no version of it is newer, and it was not deleted. None where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<bool>,
    /// It was deleted, and its bucket keeps it: a delete marker stands on its key. None where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
    /// What its first bytes show it to be, as a media type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
}

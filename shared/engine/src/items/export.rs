//! What an export has made, and where it was delivered to.

use jiff::Timestamp;
use oubli_domain::ids::RequestId;
use serde::{Deserialize, Serialize};

/// An export that goes before an erasure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriorExport {
    /// Which.
    pub request: RequestId,
    /// The round whose plan it goes before: what is planned anew is exported anew.
    pub round: u32,
}

/// Where an export is delivered to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// The organization's own bucket.
    pub bucket: String,
    /// The key there, which names the person: sealed under the request's key.
    pub sealed_key: String,
    /// The version that stands there, where their bucket keeps versions.
    #[serde(default)]
    pub version: Option<String>,
    /// It was begun anew, after it may have been finished already: there may be another version.
    #[serde(default)]
    pub repeated: bool,
}

/// What became of an export.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportState {
    /// Its object.
    pub object: String,
    /// Until when it can be opened.
    pub expires_at: Option<Timestamp>,
    /// Its size, encrypted.
    pub size_bytes: u64,
    /// Records in it.
    pub records: u64,
    /// Records that could not be read.
    pub missing: u64,
    /// Links that were given out.
    pub links: u32,
    /// Downloads that were seen.
    #[serde(default)]
    pub downloads: u32,
    /// Somebody revoked it.
    pub revoked: bool,
    /// Where it was delivered to.
    #[serde(default)]
    pub delivery: Option<Delivery>,
}

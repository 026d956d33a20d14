//! Objects of S3 buckets.

use super::{StoreKey, StoreKeys, non_empty};
use crate::datamap::selection::{SelectBy, Selection};
use serde::{Deserialize, Serialize};

/// Objects of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Objects {
    /// The bucket's name.
    pub bucket: String,
}

pub(super) const LOCATION: [StoreKey; 1] = [StoreKey::Text("bucket")];

pub(super) const SELECTION: [StoreKey; 1] = [StoreKey::Text("prefix")];

pub(super) fn location(mut keys: StoreKeys) -> Result<S3Objects, String> {
    Ok(S3Objects { bucket: non_empty(keys.text("bucket"), "bucket")? })
}

pub(super) fn selection(by: SelectBy, mut keys: StoreKeys) -> Result<Selection, String> {
    Ok(Selection::Prefix { by, template: non_empty(keys.text("prefix"), "select: prefix")? })
}

//! Objects of S3 buckets.

use super::{LocationKeys, SelectionKeys, non_empty};
use crate::datamap::model::{SelectBy, Selection};
use serde::{Deserialize, Serialize};

/// Objects of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Objects {
    /// The bucket's name.
    pub bucket: String,
}

pub(super) fn location(keys: LocationKeys) -> Result<S3Objects, String> {
    if keys.table.is_some() || keys.key.is_some() || keys.version_attribute.is_some() {
        return Err("table, key and version_attribute belong to stores with connector dynamodb".to_owned());
    }
    Ok(S3Objects { bucket: non_empty(keys.bucket, "bucket")? })
}

pub(super) fn selection(by: SelectBy, keys: SelectionKeys) -> Result<Selection, String> {
    if keys.attribute.is_some() || keys.index.is_some() {
        return Err("select: attribute and index belong to stores with connector dynamodb; prefix is accepted".to_owned());
    }
    Ok(Selection::Prefix { by, template: non_empty(keys.prefix, "select: prefix")? })
}

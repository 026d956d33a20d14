//! Items of DynamoDB tables.

use super::{LocationKeys, SelectionKeys, non_empty};
use crate::datamap::model::{SelectBy, Selection};
use serde::{Deserialize, Serialize};

/// A DynamoDB table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DynamoTable {
    /// Its name.
    pub table: String,
    /// Attributes of its primary key: partition key, then sort key if it has one.
    pub key: Vec<String>,
    /// An attribute that changes with every write. Without one, a record is compared attribute by attribute.
    pub version_attribute: Option<String>,
}

impl DynamoTable {
    /// Whether a field is the whole of the primary key.
    pub(super) fn is_key(&self, field: &str) -> bool {
        matches!(self.key.as_slice(), [only] if only == field)
    }
}

pub(super) fn location(keys: LocationKeys) -> Result<DynamoTable, String> {
    if keys.bucket.is_some() {
        return Err("bucket belongs to stores with connector s3".to_owned());
    }
    let table = non_empty(keys.table, "table")?;
    let key = keys.key.unwrap_or_default();
    if key.is_empty() || key.len() > 2 || key.iter().any(String::is_empty) {
        return Err("key must name the attributes of the table's primary key, one or two".to_owned());
    }
    Ok(DynamoTable { table, key, version_attribute: keys.version_attribute })
}

pub(super) fn selection(by: SelectBy, keys: SelectionKeys) -> Result<Selection, String> {
    if keys.prefix.is_some() {
        return Err("select: prefix belongs to stores with connector s3; attribute and index are accepted".to_owned());
    }
    Ok(Selection::Key { by, attribute: non_empty(keys.attribute, "select: attribute")?, index: keys.index })
}

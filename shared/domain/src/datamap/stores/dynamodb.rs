//! Items of DynamoDB tables.

use super::{StoreKey, StoreKeys, non_empty};
use crate::datamap::selection::{SelectBy, Selection};
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

pub(super) const LOCATION: [StoreKey; 3] = [StoreKey::Text("table"), StoreKey::Texts("key"), StoreKey::Text("version_attribute")];

pub(super) const SELECTION: [StoreKey; 2] = [StoreKey::Text("attribute"), StoreKey::Text("index")];

pub(super) fn location(mut keys: StoreKeys) -> Result<DynamoTable, String> {
    let table = non_empty(keys.text("table"), "table")?;
    let key = keys.texts("key").unwrap_or_default();
    if key.is_empty() || key.len() > 2 || key.iter().any(String::is_empty) {
        return Err("key must name the attributes of the table's primary key, one or two".to_owned());
    }
    Ok(DynamoTable { table, key, version_attribute: keys.text("version_attribute") })
}

pub(super) fn selection(by: SelectBy, mut keys: StoreKeys) -> Result<Selection, String> {
    let attribute = non_empty(keys.text("attribute"), "select: attribute")?;
    Ok(Selection::Key { by, attribute, index: keys.text("index") })
}

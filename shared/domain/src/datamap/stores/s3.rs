//! Objects of S3 buckets.

use super::{StoreKey, StoreKeys, non_empty};
use crate::datamap::{
    selection::{ObjectKeys, ObjectSelection, SelectBy},
    template::Template,
};
use serde::{Deserialize, Serialize};

/// Objects of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Objects {
    /// The bucket's name.
    pub bucket: String,
}

pub(super) const LOCATION: [StoreKey; 1] = [StoreKey::Text("bucket")];

pub(super) const SELECTION: [StoreKey; 2] = [StoreKey::Text("prefix"), StoreKey::Text("object")];

/// Signs that end an identity in a prefix: hardly any identity has them, and one that does is not looked for.
const DELIMITERS: [char; 8] = ['/', '#', '|', ':', ',', ';', '=', '~'];

pub(super) fn location(mut keys: StoreKeys) -> Result<S3Objects, String> {
    Ok(S3Objects { bucket: non_empty(keys.text("bucket"), "bucket")? })
}

pub(super) fn selection(by: SelectBy, mut keys: StoreKeys) -> Result<ObjectSelection, String> {
    let template = |name: &str, text: String| Template::parse(&text).map_err(|wrong| format!("select: {name} {wrong}"));
    let keys = match (keys.text("prefix"), keys.text("object")) {
        (Some(prefix), None) => ObjectKeys::Under(template("prefix", non_empty(Some(prefix), "select: prefix")?)?),
        (None, Some(key)) => ObjectKeys::Exactly(template("object", non_empty(Some(key), "select: object")?)?),
        (None, None) => return Err("select: prefix or object is missing".to_owned()),
        (Some(_), Some(_)) => return Err("select: prefix and object are two ways: write them as two selections".to_owned()),
    };
    if let ObjectKeys::Under(prefix) = &keys
        && !prefix.after().starts_with(DELIMITERS)
    {
        let accepted = DELIMITERS.map(String::from).join(" ");
        return Err(format!(
            "select: prefix must have a delimiter (one of {accepted}) right after {{}}, or it would select other people's \
             objects too"
        ));
    }
    Ok(ObjectSelection { by, keys })
}

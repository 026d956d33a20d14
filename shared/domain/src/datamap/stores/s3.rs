//! Objects of S3 buckets.

use super::{StoreKey, StoreKeys, non_empty};
use crate::datamap::{
    selection::{ObjectKeys, ObjectSelection, SelectBy},
    template::Template,
};
use crate::ids::ProducerName;
use serde::{Deserialize, Serialize};

/// Objects of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Objects {
    /// The bucket's name.
    pub bucket: String,
}

/// Uploads to a bucket that nobody finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct S3Uploads {
    /// The bucket's name.
    pub bucket: String,
    /// The producer of the objects that they would become.
    pub of: ProducerName,
}

pub(super) const LOCATION: [StoreKey; 1] = [StoreKey::Text("bucket")];

pub(super) const SELECTION: [StoreKey; 2] = [StoreKey::Text("prefix"), StoreKey::Text("object")];

/// Signs that end an identity in a prefix: hardly any identity has them, and one that does is not looked for.
const DELIMITERS: [char; 8] = ['/', '#', '|', ':', ',', ';', '=', '~'];

pub(super) fn location(mut keys: StoreKeys) -> Result<S3Objects, String> {
    let bucket = non_empty(keys.text("bucket"), "bucket")?;
    if bucket.contains([':', '/']) {
        return Err("bucket takes the bucket's name, without s3://, arn or path".to_owned());
    }
    Ok(S3Objects { bucket })
}

pub(super) fn selection(by: SelectBy, mut keys: StoreKeys) -> Result<ObjectSelection, String> {
    let template = |name: &str, text: String| Template::parse(&text).map_err(|wrong| format!("select: {name} {wrong}"));
    let given = (keys.text("prefix"), keys.text("object"));
    if [&given.0, &given.1].into_iter().flatten().any(|key| key.contains("://") || key.starts_with("arn:")) {
        return Err("select: a key within the bucket is meant, without s3:// and the bucket's name".to_owned());
    }
    let keys = match given {
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

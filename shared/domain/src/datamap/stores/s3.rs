//! Objects of S3 buckets.

use super::{StoreKey, StoreKeys, non_empty};
use crate::datamap::{
    pattern::Pattern,
    selection::{ObjectKeys, ObjectSelection, SelectBy},
    template::Template,
};
use crate::ids::ProducerName;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

pub(super) const SELECTION: [StoreKey; 3] = [StoreKey::Text("prefix"), StoreKey::Text("object"), StoreKey::Mapping("list")];

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
    if let Some(list) = keys.mapping("list") {
        if given != (None, None) {
            return Err("select: list, prefix and object are ways of their own: write them as several selections".to_owned());
        }
        return Ok(ObjectSelection { by, keys: listed(list)? });
    }
    if [&given.0, &given.1].into_iter().flatten().any(|key| key.contains("://") || key.starts_with("arn:")) {
        return Err("select: a key within the bucket is meant, without s3:// and the bucket's name".to_owned());
    }
    let keys = match given {
        (Some(prefix), None) => ObjectKeys::Under(template("prefix", non_empty(Some(prefix), "select: prefix")?)?),
        (None, Some(key)) => ObjectKeys::Exactly(template("object", non_empty(Some(key), "select: object")?)?),
        (None, None) => return Err("select: prefix, object or list is missing".to_owned()),
        (Some(_), Some(_)) => return Err("select: prefix and object are two ways: write them as two selections".to_owned()),
    };
    if let ObjectKeys::Under(prefix) = &keys
        && !prefix.after().starts_with(DELIMITERS)
    {
        let accepted = DELIMITERS.map(String::from).join(" ");
        return Err(format!(
            "select: prefix must have a delimiter (one of {accepted}) right after {{}}, or it would select other people's \
             objects too. For the one object of that key write object: \"{prefix}\"; for keys of another form, list: {{pattern: \
             logs/*/{{}}/**, max_keys: 100000}}"
        ));
    }
    Ok(ObjectSelection { by, keys })
}

/// Keys of a pattern, and how many are listed at most.
fn listed(mut given: BTreeMap<String, Vec<String>>) -> Result<ObjectKeys, String> {
    let accepted = "select: list takes pattern and max_keys, such as {pattern: logs/*/{}/**, max_keys: 100000}";
    let mut one = |name: &str| match given.remove(name).map(<[String; 1]>::try_from) {
        Some(Ok([word])) if !word.is_empty() => Ok(word),
        None => Err(format!("{accepted}: {name} is missing")),
        Some(_) => Err(format!("{accepted}: {name} is empty, or more than one")),
    };
    let (pattern, most) = (one("pattern")?, one("max_keys")?);
    if let Some(unknown) = given.keys().next() {
        return Err(format!("{accepted}: there is no {unknown}"));
    }
    let max_keys = most.parse::<u64>().ok().filter(|n| *n > 0);
    let max_keys = max_keys.ok_or_else(|| format!("{accepted}: max_keys is {most}, which is no whole number above 0"))?;
    if pattern.contains("://") || pattern.starts_with("arn:") {
        return Err("select: keys within the bucket are meant, without s3:// and the bucket's name".to_owned());
    }
    // Values have no `/`, which ends them in any case.
    let pattern = Pattern::parse(&pattern).map_err(|wrong| format!("select: list: pattern {wrong}"))?;
    Ok(ObjectKeys::Matching { pattern, max_keys })
}

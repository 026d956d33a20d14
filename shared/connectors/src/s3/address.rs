//! How objects are named: addresses, templates, versions.

use crate::failure::Resource;
use oubli_engine::ports::{Matched, RecordRef, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What a version is matched by: whether it was the current one when it was found, and its ETag where that must be known.
/// Not part of its key: it stays the same version when somebody writes over it.
const CURRENT: &str = "is_latest";

/// What S3 calls versions that were written while versioning was not on.
pub(super) const NULL: &str = "null";

/// An object, or one version of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Address {
    pub(super) key: String,
    /// None in a bucket that was never versioned; `null` for what was written while it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version_id: Option<String>,
    /// It is a delete marker with nothing under it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) delete_marker: bool,
    /// It was the current version when it was found.
    #[serde(skip)]
    pub(super) latest: bool,
    /// Of a version `null` in a bucket that hides: what it was. Writes replace it while versioning is suspended.
    #[serde(skip)]
    pub(super) etag: Option<String>,
}

impl Address {
    pub(super) fn of(resource: &Resource, record: &RecordRef) -> Result<Self, StoreError> {
        let address = Self::deserialize(&record.key).map_err(|_| resource.record("its address is not one of an object"))?;
        let current = record.matched.as_ref().filter(|m| m.attribute == CURRENT).map(|m| m.value.as_str());
        let (latest, etag) =
            current.map(|c| c.split_once(' ').map_or((c, None), |(c, etag)| (c, Some(etag)))).unwrap_or_default();
        Ok(Self { latest: latest == "true", etag: etag.map(str::to_owned), ..address })
    }

    pub(super) fn to_record(&self) -> RecordRef {
        let told = self.version_id.is_some() && (self.latest || self.etag.is_some());
        let value = match &self.etag {
            Some(etag) => format!("{} {etag}", self.latest),
            None => self.latest.to_string(),
        };
        RecordRef {
            key: serde_json::to_value(self).unwrap_or(Value::Null),
            matched: told.then(|| Matched { attribute: CURRENT.to_owned(), value }),
            selection: None,
        }
    }
}

/// Undoes S3's `encoding-type=url`.
pub(super) fn decode(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
                digit(rest.next())? * 16 + digit(rest.next())?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn resource() -> Resource {
        Resource::bucket("b")
    }

    #[test]
    fn addresses_read_back_and_plain_ones_are_plain() {
        let plain = Address { key: "a".to_owned(), version_id: None, etag: None, delete_marker: false, latest: false };
        assert_eq!(plain.to_record(), RecordRef { key: json!({ "key": "a" }), matched: None, selection: None });
        for latest in [false, true] {
            let version = Address { version_id: Some("v".to_owned()), latest, ..plain.clone() };
            let record = version.to_record();
            // The same version is the same record whether or not it is current.
            assert_eq!(record.key, json!({ "key": "a", "version_id": "v" }));
            assert_eq!(Address::of(&resource(), &record), Ok(version.clone()));
            let null = Address { version_id: Some(NULL.to_owned()), etag: Some("\"e\"".to_owned()), ..version };
            let record = null.to_record();
            // Nor when it is found while versioning is suspended, and no ETag is needed.
            assert_eq!(record.key, json!({ "key": "a", "version_id": "null" }));
            assert_eq!(Address::of(&resource(), &record), Ok(null));
        }
        let marker = Address { version_id: Some("m".to_owned()), delete_marker: true, ..plain };
        assert_eq!(marker.to_record().key, json!({ "key": "a", "version_id": "m", "delete_marker": true }));
        assert!(Address::of(&resource(), &RecordRef { key: json!({}), matched: None, selection: None }).is_err());
    }

    #[test]
    fn encoded_keys_are_decoded() {
        assert_eq!(decode("a+b%2Fc%0d%C3%A9").as_deref(), Some("a b/c\ré"));
        assert_eq!(decode("a%2"), None);
        assert_eq!(decode("%ff"), None);
    }
}

//! What belongs to an object besides its bytes.

use super::S3;
use crate::failure::{Resource, code};
use aws_sdk_s3::{
    operation::head_object::HeadObjectOutput,
    types::{ServerSideEncryption, Tag},
};
use oubli_engine::ports::StoreError;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// An object's headers, metadata and tags, as they are put back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Envelope {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_encoding: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_language: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) content_disposition: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cache_control: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) redirect: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) storage_class: Option<String>,
    /// How KMS encrypted it, and with which key; none where S3 did by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) encryption: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) kms_key: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) metadata: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) tags: BTreeMap<String, String>,
}

impl Envelope {
    pub(super) fn new(head: &HeadObjectOutput) -> Self {
        let text = |value: Option<&str>| value.map(str::to_owned);
        let kms = |e: &&ServerSideEncryption| matches!(e, ServerSideEncryption::AwsKms | ServerSideEncryption::AwsKmsDsse);
        let encryption = head.server_side_encryption().filter(kms).map(|e| e.as_str());
        Self {
            etag: text(head.e_tag()),
            content_type: text(head.content_type()),
            content_encoding: text(head.content_encoding()),
            content_language: text(head.content_language()),
            content_disposition: text(head.content_disposition()),
            cache_control: text(head.cache_control()),
            expires: text(head.expires_string()),
            redirect: text(head.website_redirect_location()),
            storage_class: text(head.storage_class().map(|c| c.as_str())),
            encryption: text(encryption),
            kms_key: text(head.ssekms_key_id()).filter(|_| encryption.is_some()),
            metadata: head.metadata().into_iter().flatten().map(|(k, v)| (k.clone(), v.clone())).collect(),
            tags: BTreeMap::new(),
        }
    }

    /// Whether two objects are the same to whoever reads them. Entity tags depend on how an object was uploaded and
    /// where it is encrypted, so they do not count.
    pub(super) fn reads_like(&self, other: &Self) -> bool {
        let read = |e: &Self| Self { etag: None, storage_class: None, encryption: None, kms_key: None, ..e.clone() };
        read(self) == read(other)
    }

    /// Tags as a header carries them.
    pub(super) fn tagging(&self) -> Option<String> {
        let pairs = self.tags.iter().map(|(k, v)| format!("{}={}", encode(k), encode(v)));
        (!self.tags.is_empty()).then(|| pairs.collect::<Vec<_>>().join("&"))
    }
}

impl S3 {
    /// Headers, metadata and tags of an object that was just asked for.
    pub(super) async fn envelope(
        &self,
        bucket: &str,
        resource: &Resource,
        key: &str,
        version_id: Option<&str>,
        head: &HeadObjectOutput,
    ) -> Result<Envelope, StoreError> {
        // S3 counts tags in its replies only for those who may read them, so no count does not mean no tags.
        let request = self.client.get_object_tagging().bucket(bucket).key(key).set_version_id(version_id.map(str::to_owned));
        let reply = request.send().await.map_err(|e| match code(&e).as_str() {
            "NoSuchKey" | "NoSuchVersion" => resource.unavailable("it changed while it was read"),
            _ => resource.failed_record(&e),
        })?;
        let tags = reply.tag_set.into_iter().map(|Tag { key, value, .. }| (key, value)).collect();
        Ok(Envelope { tags, ..Envelope::new(head) })
    }
}

fn encode(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tags_are_encoded_for_their_header() {
        let tags = [("a b", "x&y"), ("é", "")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let envelope = Envelope { tags, ..Envelope::default() };
        assert_eq!(envelope.tagging().as_deref(), Some("a%20b=x%26y&%C3%A9="));
        assert_eq!(Envelope::default().tagging(), None);
    }

    #[test]
    fn an_envelope_holds_only_what_the_object_had() {
        let head = HeadObjectOutput::builder().content_type("text/plain").e_tag("\"e\"").metadata("k", "v").build();
        let json = serde_json::to_value(Envelope::new(&head)).expect("json");
        assert_eq!(json, json!({ "content_type": "text/plain", "etag": "\"e\"", "metadata": { "k": "v" } }));
        let other = HeadObjectOutput::builder().content_type("text/plain").e_tag("\"f\"").metadata("k", "v").build();
        assert!(Envelope::new(&head).reads_like(&Envelope::new(&other)));
        let other = HeadObjectOutput::builder().content_type("text/html").e_tag("\"e\"").metadata("k", "v").build();
        assert!(!Envelope::new(&head).reads_like(&Envelope::new(&other)));
    }
}

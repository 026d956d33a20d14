//! Copies for the vault, and the removal of what was copied.

use super::{
    S3,
    address::{Address, NULL},
    bucket::Versioning,
    delete::{Refused, Target},
    discover::field,
    list::{Entry, Listed, timestamp},
};
use crate::failure::{Resource, apart, code};
use aws_sdk_s3::{Client, operation::head_object::HeadObjectOutput, primitives::ByteStream, types::StorageClass};
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream, stream::BoxStream};
use jiff::Timestamp;
use oubli_domain::datamap::Producer;
use oubli_engine::ports::{Applied, Effect, Expected, Fields, ObjectFacts, RecordRef, Snapshot, StoreError, Version};
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// Objects asked for at once.
const PARALLEL: usize = 32;

/// What objects are read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// To put them back one day, with all that belongs to them.
    Keep,
    /// To show what they hold.
    Show,
}

impl S3 {
    pub(super) async fn snapshots(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
        reading: Reading,
    ) -> Result<Vec<Result<Option<Snapshot>, StoreError>>, StoreError> {
        let (bucket, resource) = super::bucket(producer)?;
        let tops = match reading {
            Reading::Show => self.tops_of(bucket, &resource, records).await?,
            Reading::Keep => HashMap::new(),
        };
        let snapshots = records.iter().map(|record| {
            let (address, resource) = (Address::of(&resource, record), &resource);
            let top = address.as_ref().ok().and_then(|a| tops.get(&a.key));
            async move { self.snapshot(bucket, resource, &address?, fields, (reading, top)).await }
        });
        let snapshots = stream::iter(snapshots.collect::<Vec<_>>()).buffered(PARALLEL).collect().await;
        Ok(apart(snapshots, |read| read.is_some()))
    }

    /// What stands on top of the keys of versions, to say which of them are old and which were deleted. A listing that is
    /// refused, or cannot be read, tells nothing of them.
    async fn tops_of(
        &self,
        bucket: &str,
        resource: &Resource,
        records: &[RecordRef],
    ) -> Result<HashMap<String, Entry>, StoreError> {
        let addresses = records.iter().filter_map(|record| Address::of(resource, record).ok());
        let keys: BTreeSet<String> = addresses.filter(|a| a.version_id.is_some()).map(|a| a.key).collect();
        match self.tops(Listed { bucket, resource, versions: true }, &keys).await {
            Ok(tops) => Ok(tops),
            Err(error @ StoreError::Unavailable { .. }) => Err(error),
            Err(_) => Ok(HashMap::new()),
        }
    }

    async fn snapshot(
        &self,
        bucket: &str,
        resource: &Resource,
        address: &Address,
        fields: &[String],
        (reading, top): (Reading, Option<&Entry>),
    ) -> Result<Option<Snapshot>, StoreError> {
        let request = self.client.head_object().bucket(bucket).key(&address.key);
        let head = match request.set_version_id(address.version_id.clone()).send().await {
            Ok(head) => head,
            Err(error) => {
                return match code(&error).as_str() {
                    "NotFound" | "NoSuchKey" | "NoSuchVersion" => Ok(None),
                    // What S3 says of a delete marker.
                    "MethodNotAllowed" | "HTTP 405" if address.delete_marker => Ok(Some(marker_snapshot())),
                    // What S3 says of an object whose key it must be given.
                    "HTTP 400" => Err(resource.record("HTTP 400: it cannot be read without a key of its owner's own (SSE-C)")),
                    _ => Err(resource.failed_record(&error)),
                };
            }
        };
        if archived(&head) {
            return Err(resource.judge_record("InvalidObjectState", None));
        }
        let etag = head.e_tag().ok_or_else(|| resource.unavailable("IncompleteReply"))?.to_owned();
        let length = head.content_length().and_then(|l| u64::try_from(l).ok()).unwrap_or_default();
        let envelope = match reading {
            Reading::Keep => {
                let envelope = self.envelope(bucket, resource, &address.key, address.version_id.as_deref(), &head);
                serde_json::to_value(envelope.await?)
            }
            Reading::Show => serde_json::to_value(facts(address, head.last_modified.and_then(timestamp), top)),
        };
        let entry = Entry {
            key: address.key.clone(),
            etag: Some(etag.clone()),
            size: length,
            modified: head.last_modified.and_then(timestamp),
            ..Entry::default()
        };
        let (bucket, resource, address) = (bucket.to_owned(), resource.clone(), address.clone());
        let source = Source { bucket, resource, address, etag: etag.clone(), from: 0 };
        Ok(Some(Snapshot {
            version: Version(json!({ "etag": etag })),
            still_selected: true,
            fields: fields.iter().filter_map(|name| Some((name.clone(), field(&entry, name)?))).collect(),
            envelope: envelope.unwrap_or(Value::Null),
            length,
            body: source.open(self.client.clone()),
        }))
    }

    /// The bytes of a version from one on.
    pub(super) fn open_from(
        &self,
        producer: &Producer,
        record: &RecordRef,
        version: &Version,
        from: u64,
    ) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, StoreError> {
        let (bucket, resource) = super::bucket(producer)?;
        let address = Address::of(&resource, record)?;
        let etag = version.0["etag"].as_str().ok_or_else(|| resource.record("it has no bytes"))?.to_owned();
        Ok(Source { bucket: bucket.to_owned(), resource, address, etag, from }.open(self.client.clone()))
    }

    pub(super) async fn remove_unchanged(
        &self,
        producer: &Producer,
        removals: &[(Expected, Effect)],
    ) -> Result<Vec<Result<Applied, StoreError>>, StoreError> {
        let (bucket, resource) = super::bucket(producer)?;
        // A plain deletion in a bucket that has been versioned since would leave the data behind a marker.
        let versioning = self.ask_versioning(bucket, &resource).await?;
        let listed = Listed { bucket, resource: &resource, versions: versioning != Versioning::Never };
        let mut wanted: Vec<Result<Wanted, StoreError>> =
            removals.iter().map(|(expected, Effect::Remove)| Wanted::new(&resource, expected, versioning)).collect();
        let keys = wanted.iter().flatten().filter(|w| w.address.version_id.is_some()).map(|w| w.address.key.clone()).collect();
        let stacks = self.survey(listed, &keys).await?;

        let mut answers: Vec<Result<Applied, StoreError>> = Vec::with_capacity(removals.len());
        let (mut older, mut current) = (Vec::new(), Vec::new());
        for (at, wanted) in wanted.iter_mut().enumerate() {
            answers.push(match wanted {
                Err(error) => Err(error.clone()),
                Ok(wanted) => {
                    let entry = stacks.get(&wanted.address.key).and_then(|s| s.find(wanted.address.version_id.as_deref()));
                    match wanted.plan(&resource, entry) {
                        Ok(Planned::Delete { target, latest }) => {
                            if latest {
                                current.push((at, target))
                            } else {
                                older.push((at, target))
                            }
                            Ok(Applied::Done)
                        }
                        Ok(Planned::Done(applied)) => Ok(applied),
                        Err(error) => Err(error),
                    }
                }
            });
        }
        // Oldest first: taking the current version away first would show the one below it.
        for (owners, targets) in [older, current].map(|planned| planned.into_iter().unzip::<_, _, Vec<_>, Vec<_>>()) {
            for (at, deleted) in owners.into_iter().zip(self.delete(listed, &targets).await) {
                answers[at] = match deleted {
                    Ok(_) => Ok(Applied::Done),
                    Err(Refused::Changed) => Ok(Applied::Changed),
                    Err(Refused::Absent) => Ok(Applied::Absent),
                    Err(Refused::Failed(error)) => Err(error),
                };
            }
        }
        Ok(answers)
    }
}

/// What is known of an object, and of what stands on top of its key.
fn facts(address: &Address, last_modified: Option<Timestamp>, top: Option<&Entry>) -> ObjectFacts {
    let (current, deleted) = match (&address.version_id, top) {
        (None, _) => (Some(true), Some(false)),
        (Some(_), Some(top)) => (Some(top.version_id == address.version_id), Some(top.delete_marker)),
        (Some(_), None) => (None, None),
    };
    ObjectFacts {
        key: address.key.clone(),
        version_id: address.version_id.clone(),
        last_modified,
        current,
        deleted,
        media_type: None,
    }
}

/// Whether an object's bytes must be fetched from an archive before they can be read.
fn archived(head: &HeadObjectOutput) -> bool {
    let cold = matches!(head.storage_class(), Some(StorageClass::Glacier | StorageClass::DeepArchive));
    let fetched = head.restore().is_some_and(|r| r.contains("ongoing-request=\"false\""));
    (cold || head.archive_status().is_some()) && !fetched
}

/// A removal as asked for.
struct Wanted {
    address: Address,
    etag: Option<String>,
}

enum Planned {
    Delete { target: Target, latest: bool },
    Done(Applied),
}

impl Wanted {
    fn new(resource: &Resource, expected: &Expected, versioning: Versioning) -> Result<Self, StoreError> {
        let address = Address::of(resource, &expected.record)?;
        if versioning == Versioning::On || (versioning == Versioning::Suspended) != address.version_id.is_some() {
            return Err(resource.unusable("its versioning has changed since it was looked at: discover again"));
        }
        let etag = expected.version.0.get("etag").and_then(Value::as_str).map(str::to_owned);
        if etag.is_none() && !address.delete_marker {
            return Err(resource.record("its version is not one of this connector's"));
        }
        Ok(Self { address, etag })
    }

    /// What to delete, given what is listed of a version; plain objects need no listing, since S3 compares their tag.
    fn plan(&self, resource: &Resource, entry: Option<&Entry>) -> Result<Planned, StoreError> {
        let target = |version_id, etag| Target { key: self.address.key.clone(), version_id, etag };
        let Some(version) = self.address.version_id.clone() else {
            return Ok(Planned::Delete { target: target(None, self.etag.clone()), latest: true });
        };
        let Some(entry) = entry else { return Ok(Planned::Done(Applied::Absent)) };
        if entry.etag != self.etag {
            return Ok(Planned::Done(Applied::Changed));
        }
        match (version == NULL, entry.latest) {
            (false, latest) => Ok(Planned::Delete { target: target(Some(version), None), latest }),
            (true, true) if !entry.delete_marker => {
                Ok(Planned::Delete { target: target(Some(version), self.etag.clone()), latest: true })
            }
            // The next write replaces it, and S3 compares only the tags of current versions.
            (true, _) => Err(resource.record(
                "it is an old version `null` in a bucket with versioning suspended, which cannot be removed safely: turn versioning on",
            )),
        }
    }
}

/// Where an object's bytes come from.
struct Source {
    bucket: String,
    resource: Resource,
    address: Address,
    etag: String,
    /// The first byte.
    from: u64,
}

impl Source {
    /// The bytes of exactly this version; nothing is asked of S3 before they are.
    fn open(self, client: Client) -> BoxStream<'static, Result<Bytes, StoreError>> {
        let opened = async move {
            let Self { bucket, resource, address, etag, from } = self;
            let request = client.get_object().bucket(bucket).key(address.key).set_version_id(address.version_id).if_match(etag);
            let request = request.set_range((from > 0).then(|| format!("bytes={from}-")));
            match request.send().await {
                // Who answers may give all of it where a range was asked for (RFC 9110, 14.2).
                Ok(reply) if from > 0 && reply.content_range.is_none() => Ok(behind(from, pieces(resource, reply.body))),
                Ok(reply) => Ok(pieces(resource, reply.body)),
                Err(error) => match code(&error).as_str() {
                    "PreconditionFailed" | "NoSuchKey" | "NoSuchVersion" => {
                        Err(resource.unavailable("it changed while it was read"))
                    }
                    // Its headers were shown, so what is refused is the key it is encrypted with.
                    "AccessDenied" => Err(resource.judge_record("KMS.AccessDeniedException", None)),
                    _ => Err(resource.failed_record(&error)),
                },
            }
        };
        stream::once(opened).try_flatten().boxed()
    }
}

/// What follows so many bytes.
fn behind(bytes: u64, pieces: BoxStream<'static, Result<Bytes, StoreError>>) -> BoxStream<'static, Result<Bytes, StoreError>> {
    let mut left = bytes;
    let cut = move |mut piece: Bytes| {
        let over = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        left -= over as u64;
        piece.split_off(over)
    };
    pieces.map_ok(cut).boxed()
}

pub(super) fn pieces(resource: Resource, body: ByteStream) -> BoxStream<'static, Result<Bytes, StoreError>> {
    stream::unfold(Some((resource, body)), |state| async {
        let (resource, mut body) = state?;
        match body.next().await? {
            Ok(bytes) => Some((Ok(bytes), Some((resource, body)))),
            Err(_) => Some((Err(resource.unavailable("StreamBroken")), None)),
        }
    })
    .boxed()
}

fn marker_snapshot() -> Snapshot {
    Snapshot {
        version: Version(json!({ "delete_marker": true })),
        still_selected: true,
        fields: Fields::default(),
        envelope: Value::Null,
        length: 0,
        body: stream::empty().boxed(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_follows_is_the_same_wherever_the_pieces_end() {
        for (bytes, follows) in [(0, "abcdef"), (1, "bcdef"), (2, "cdef"), (3, "def"), (5, "f"), (6, "")] {
            for piece in 1..=6 {
                let pieces: Vec<_> = b"abcdef".chunks(piece).map(|some| Ok(Bytes::from_static(some))).collect();
                let read: Vec<Bytes> = behind(bytes, stream::iter(pieces).boxed()).try_collect().await.expect("read");
                assert_eq!(read.concat(), follows.as_bytes(), "behind {bytes}, in pieces of {piece}");
            }
        }
    }
}

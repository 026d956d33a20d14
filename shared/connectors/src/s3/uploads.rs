//! Uploads that nobody finished. S3 keeps the parts that were sent, and gives them to nobody: they can be neither read nor
//! hidden, so nothing is done to them before they are to be destroyed. Then they are aborted.

use super::{
    S3,
    discover::field,
    keys::{Begin, Keys, keys},
    list::{After, Entry, PAGE, Spelling, is_after, timestamp},
};
use crate::failure::{Resource, code, pauses};
use aws_sdk_s3::{
    config::{self, retry::RetryConfig},
    types::EncodingType,
};
use backon::BackoffBuilder as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use oubli_domain::datamap::{Location, Producer, Selection};
use oubli_engine::ports::{
    Capabilities, Caution, ConditionalDelete, Destruction, Discovered, Found, HideMethod, Listing, OldVersions, PutBack,
    RecordKind, RecordRef, Selector, Snapshot, SoftDeletion, StoreError, Tombstone, Way,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// Uploads asked for at once.
const PARALLEL: usize = 32;

const UNREADABLE: &str = "it is an upload that nobody finished, and S3 gives its parts to nobody: whoever began it can finish it";

/// How an upload is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Upload {
    pub(super) key: String,
    upload_id: String,
}

impl Upload {
    pub(super) fn named_by(record: &RecordRef) -> Option<Self> {
        Self::deserialize(&record.key).ok()
    }

    fn of(resource: &Resource, record: &RecordRef) -> Result<Self, StoreError> {
        Self::named_by(record).ok_or_else(|| resource.record("its address is not one of an unfinished upload"))
    }
}

/// An upload as it is listed.
#[derive(Debug, Clone)]
struct Listed {
    upload: Upload,
    begun: Option<Timestamp>,
}

/// The unfinished uploads of a bucket.
pub(super) struct Uploads<'a> {
    s3: &'a S3,
    bucket: &'a str,
    resource: Resource,
}

impl<'a> Uploads<'a> {
    /// Those that a producer is about; none if it is about objects.
    pub(super) fn of(s3: &'a S3, producer: &'a Producer) -> Option<Self> {
        match &producer.location {
            Location::Uploads(uploads) => {
                Some(Self { s3, bucket: &uploads.bucket, resource: Resource::uploads(&uploads.bucket) })
            }
            _ => None,
        }
    }

    pub(super) async fn promises(&self, producer: &Producer) -> Result<Capabilities, StoreError> {
        for selection in &producer.select {
            keys(&self.resource, self.bucket, Way { selection, value: "x" })?;
        }
        // Shows that they may be listed at all.
        let heads = producer.select.iter().filter_map(Selection::head);
        for head in heads.collect::<BTreeSet<_>>() {
            self.page(head, None, 1).await?;
        }
        Ok(Capabilities {
            hide: HideMethod::Native,
            conditional_delete: ConditionalDelete::Version,
            old_versions: OldVersions::None,
            listing: Listing::Consistent,
            records: RecordKind::Document,
            cautions: vec![Caution::UnfinishedUploads],
        })
    }

    async fn page(&self, prefix: &str, after: Option<&After>, limit: usize) -> Result<(Vec<Listed>, Option<After>), StoreError> {
        let limit = i32::try_from(limit.clamp(1, PAGE)).unwrap_or(1);
        let request = self.s3.client.list_multipart_uploads().bucket(self.bucket).prefix(prefix).max_uploads(limit);
        let request = request.set_key_marker(after.map(|a| a.key.clone()));
        let request = request.set_upload_id_marker(after.and_then(|a| a.version_id.clone()));
        let reply = request.encoding_type(EncodingType::Url).send().await.map_err(|e| self.resource.failed(&e))?;
        let spelling = Spelling::new(&self.resource, reply.encoding_type.as_ref());
        let uploads = reply.uploads.unwrap_or_default().into_iter().map(|upload| {
            let incomplete = || self.resource.unavailable("IncompleteReply");
            let key = spelling.key(upload.key.ok_or_else(incomplete)?)?;
            let upload_id = upload.upload_id.ok_or_else(incomplete)?;
            Ok(Listed { upload: Upload { key, upload_id }, begun: upload.initiated.and_then(timestamp) })
        });
        let mut uploads = uploads.collect::<Result<Vec<_>, StoreError>>()?;
        uploads.retain(|u| is_after(&u.upload.key, after));
        let next = match (reply.is_truncated, reply.next_key_marker) {
            (Some(true), Some(key)) => {
                Some(After { key: spelling.key(key)?, version_id: reply.next_upload_id_marker, listed: 0 })
            }
            (Some(true), None) => return Err(self.resource.unavailable("IncompleteReply")),
            _ => None,
        };
        Ok((uploads, next))
    }

    /// How many bytes its parts have; none where there is no such upload any more. What S3 refuses to say of one upload is that
    /// upload's trouble.
    async fn size(&self, upload: &Upload) -> Result<Option<u64>, StoreError> {
        let (mut size, mut after) = (0, None);
        loop {
            let request = self.s3.client.list_parts().bucket(self.bucket).key(&upload.key).upload_id(&upload.upload_id);
            let reply = match request.set_part_number_marker(after).send().await {
                Ok(reply) => reply,
                Err(error) if code(&error) == "NoSuchUpload" => return Ok(None),
                Err(error) => {
                    return Err(match self.resource.failed_record(&error) {
                        StoreError::Unusable { reason, .. } => self.resource.record(reason),
                        error => error,
                    });
                }
            };
            size += reply.parts().iter().filter_map(|p| u64::try_from(p.size()?).ok()).sum::<u64>();
            match (reply.is_truncated, reply.next_part_number_marker) {
                (Some(true), Some(next)) => after = Some(next),
                (Some(true), None) => return Err(self.resource.unavailable("IncompleteReply")),
                _ => return Ok(Some(size)),
            }
        }
    }

    /// What these are as records, without those that are gone by now.
    async fn found(&self, listed: Vec<Listed>, fields: &[String]) -> Result<Vec<Found>, StoreError> {
        let found = listed.into_iter().map(|Listed { upload, begun }| async move {
            let size = match self.size(&upload).await {
                Ok(Some(size)) => size,
                Ok(None) => return Ok(None),
                // It is there, however large it is.
                Err(StoreError::Record { .. }) => 0,
                Err(error) => return Err(error),
            };
            let entry = Entry { key: upload.key.clone(), size, modified: begun, ..Entry::default() };
            let fields = fields.iter().filter_map(|name| Some((name.clone(), field(&entry, name)?))).collect();
            let key = serde_json::to_value(&upload).unwrap_or(Value::Null);
            let record = RecordRef { key, matched: None, selection: None };
            Ok(Some(Found { record, bytes: size, fields, locked_until: None }))
        });
        let found: Vec<_> = stream::iter(found.collect::<Vec<_>>()).buffered(PARALLEL).try_collect().await?;
        Ok(found.into_iter().flatten().collect())
    }

    pub(super) async fn find(
        &self,
        selector: Selector<'_>,
        after: Option<&Value>,
        limit: usize,
    ) -> Result<Discovered, StoreError> {
        let wanted = keys(&self.resource, self.bucket, selector.way)?;
        let others: Vec<Keys> = selector.but.iter().filter_map(|way| keys(&self.resource, self.bucket, *way).ok()).collect();
        let begin = Begin::at(&self.resource, after)?;
        let is_wanted = |key: &str| wanted.hold(key) && !others.iter().any(|other| other.hold(key));
        let mut page = wanted
            .list(&self.resource, &begin, limit, (is_wanted, |listed: &Listed| listed.upload.key.as_str()), |limit| {
                self.page(wanted.prefix(), begin.after.as_ref(), limit)
            })
            .await?;
        let mut uploads = std::mem::take(&mut page.entries);
        uploads.retain(|u| is_wanted(&u.upload.key));
        let records = self.found(uploads, selector.fields).await?;
        Ok(page.found(&wanted, records))
    }

    pub(super) async fn find_again(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Result<Vec<Result<Option<Found>, StoreError>>, StoreError> {
        // By the map of an earlier round it may have been this producer's, and not be it by this one.
        let is_ours = |upload: &Upload| producer.select.iter().any(|way| way.may_find(|_| Some(upload.key.as_str().into())));
        let asked: Vec<_> = records.iter().map(|r| Upload::of(&self.resource, r)).collect();
        let keys: BTreeSet<&str> = asked.iter().flatten().filter(|u| is_ours(u)).map(|u| u.key.as_str()).collect();
        let listed = keys.into_iter().map(|key| async move {
            let (mut open, mut after) = (Vec::new(), None);
            loop {
                let (some, next) = self.page(key, after.as_ref(), PAGE).await?;
                open.extend(some.into_iter().filter(|u| u.upload.key == key));
                match next {
                    Some(next) if next.key == key => after = Some(next),
                    _ => return Ok::<_, StoreError>(open),
                }
            }
        });
        let listed: Vec<Vec<Listed>> = stream::iter(listed.collect::<Vec<_>>()).buffer_unordered(PARALLEL).try_collect().await?;
        let wanted: BTreeSet<(&str, &str)> = asked.iter().flatten().map(|u| (u.key.as_str(), u.upload_id.as_str())).collect();
        let standing = listed.into_iter().flatten();
        let standing = standing.filter(|u| wanted.contains(&(u.upload.key.as_str(), u.upload.upload_id.as_str()))).collect();
        let found = self.found(standing, fields).await?;
        let found: HashMap<String, Found> = found.into_iter().map(|f| (f.record.key.to_string(), f)).collect();
        let answer = |(record, upload): (&RecordRef, &Result<Upload, StoreError>)| {
            upload.as_ref().map_err(Clone::clone)?;
            Ok(found.get(&record.key.to_string()).map(|f| Found { record: record.clone(), ..f.clone() }))
        };
        Ok(records.iter().zip(&asked).map(answer).collect())
    }

    /// Whether each is still there.
    async fn stand(&self, records: impl Iterator<Item = &RecordRef>) -> Vec<Result<bool, StoreError>> {
        let asked = records.map(|record| {
            let upload = Upload::of(&self.resource, record);
            async move { Ok(self.size(&upload?).await?.is_some()) }
        });
        stream::iter(asked.collect::<Vec<_>>()).buffered(PARALLEL).collect().await
    }

    pub(super) async fn read(&self, records: &[RecordRef]) -> Vec<Result<Option<Snapshot>, StoreError>> {
        let standing = self.stand(records.iter()).await.into_iter();
        standing.map(|stands| if stands? { Err(self.resource.record(UNREADABLE)) } else { Ok(None) }).collect()
    }

    /// Nobody sees them: only whether they are there is asked.
    pub(super) async fn soft_delete(&self, records: &[(RecordRef, Option<Tombstone>)]) -> Vec<Result<SoftDeletion, StoreError>> {
        let standing = self.stand(records.iter().map(|(record, _)| record)).await.into_iter();
        let hidden = |stands| match stands {
            Ok(false) => Ok(SoftDeletion::Absent),
            // What S3 does not say now it has to say when it is aborted.
            Ok(true) | Err(StoreError::Record { .. }) => Ok(SoftDeletion::Hidden(None)),
            Err(error) => Err(error),
        };
        standing.map(hidden).collect()
    }

    pub(super) async fn undelete(&self, records: &[(RecordRef, Option<Tombstone>)]) -> Vec<Result<PutBack, StoreError>> {
        let standing = self.stand(records.iter().map(|(record, _)| record)).await.into_iter();
        standing.map(|stands| stands.map(|stands| if stands { PutBack::Restored } else { PutBack::Gone })).collect()
    }

    pub(super) async fn purge(&self, records: &[(RecordRef, Option<Tombstone>)]) -> Vec<Result<Destruction, StoreError>> {
        let aborted = records.iter().map(|(record, _)| {
            let upload = Upload::of(&self.resource, record);
            async move { self.abort(&upload?).await }
        });
        stream::iter(aborted.collect::<Vec<_>>()).buffered(PARALLEL).collect().await
    }

    /// Aborts an upload until nothing is left of it: parts that are on their way may arrive after the first time
    /// ([AbortMultipartUpload](https://docs.aws.amazon.com/AmazonS3/latest/API/API_AbortMultipartUpload.html)). One that is not
    /// there was aborted by somebody else or was finished, and is an object then: nothing was destroyed. After a try without an
    /// answer it may be gone by that: the SDK would try again by itself and not say so.
    async fn abort(&self, upload: &Upload) -> Result<Destruction, StoreError> {
        let mut pauses = pauses().build();
        let mut absent = Destruction::Absent;
        loop {
            let request = self.s3.client.abort_multipart_upload().bucket(self.bucket).key(&upload.key);
            let once = config::Builder::new().retry_config(RetryConfig::disabled());
            let trouble = match request.upload_id(&upload.upload_id).customize().config_override(once).send().await {
                Ok(_) => {
                    absent = Destruction::Destroyed;
                    if self.size(upload).await?.is_none() {
                        return Ok(absent);
                    }
                    self.resource.record("somebody keeps sending parts: let whoever does so stop")
                }
                Err(error) => match (code(&error).as_str(), self.resource.failed_record(&error)) {
                    ("NoSuchUpload", _) => return Ok(absent),
                    ("AccessDenied", _) => {
                        return Err(self.resource.record("AccessDenied: allow the deployment's role to abort uploads there"));
                    }
                    (_, passing @ StoreError::Unavailable { .. }) => {
                        if absent == Destruction::Absent {
                            absent = Destruction::Uncertain;
                        }
                        passing
                    }
                    (_, error) => return Err(error),
                },
            };
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(trouble),
            }
        }
    }
}

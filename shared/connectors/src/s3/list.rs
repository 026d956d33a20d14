//! Listing objects and their versions.

use super::{
    S3,
    address::{Address, decode},
};
use crate::failure::Resource;
use aws_sdk_s3::{
    primitives::DateTime,
    types::{DeleteMarkerEntry, EncodingType, Object, ObjectVersion},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use oubli_engine::ports::StoreError;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};

/// Most entries of a page.
pub(super) const PAGE: usize = 1_000;
/// Keys asked for one by one at once, where listing them together would read too much.
const PARALLEL: usize = 32;
/// Reading a page costs about as much as asking for so many keys one by one.
const KEYS_PER_PAGE: usize = 20;

/// A bucket as it is listed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed<'a> {
    pub(super) bucket: &'a str,
    pub(super) resource: &'a Resource,
    /// With all versions and delete markers.
    pub(super) versions: bool,
}

/// An object, a version of one, or a delete marker.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) version_id: Option<String>,
    pub(super) latest: bool,
    pub(super) delete_marker: bool,
    pub(super) etag: Option<String>,
    pub(super) size: u64,
    pub(super) modified: Option<Timestamp>,
}

/// Where a listing goes on; at its beginning, where no key is named.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct After {
    pub(super) key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) version_id: Option<String>,
    /// How many were listed before it, where that is bounded.
    #[serde(default, skip_serializing_if = "is_none")]
    pub(super) listed: u64,
}

const fn is_none(listed: &u64) -> bool {
    *listed == 0
}

/// What stands under one key, newest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Stack {
    pub(super) versions: Vec<Entry>,
    pub(super) markers: Vec<Entry>,
}

impl Stack {
    fn push(&mut self, entry: Entry) {
        if entry.delete_marker { self.markers.push(entry) } else { self.versions.push(entry) }
    }

    /// The version or marker of this id.
    pub(super) fn find(&self, version_id: Option<&str>) -> Option<&Entry> {
        self.versions.iter().chain(&self.markers).find(|e| e.version_id.as_deref() == version_id)
    }

    /// The version of this address, if it is still that.
    pub(super) fn version_of(&self, address: &Address) -> Option<&Entry> {
        let same = |e: &&Entry| {
            let unchanged = address.etag.is_none() || address.etag == e.etag;
            unchanged && e.delete_marker == address.delete_marker
        };
        self.find(address.version_id.as_deref()).filter(same)
    }

    pub(super) fn latest(&self) -> Option<&Entry> {
        self.versions.iter().chain(&self.markers).find(|e| e.latest)
    }
}

impl S3 {
    /// A page of what is listed under a prefix: versions and markers apart, each newest first within its key.
    pub(super) async fn page(
        &self,
        listed: Listed<'_>,
        prefix: &str,
        after: Option<&After>,
        limit: usize,
    ) -> Result<(Vec<Entry>, Option<After>), StoreError> {
        let limit = i32::try_from(limit.clamp(1, PAGE)).unwrap_or(1);
        if listed.versions {
            self.page_of_versions(listed, prefix, after, limit).await
        } else {
            self.page_of_objects(listed, prefix, after, limit).await
        }
    }

    async fn page_of_versions(
        &self,
        listed: Listed<'_>,
        prefix: &str,
        after: Option<&After>,
        limit: i32,
    ) -> Result<(Vec<Entry>, Option<After>), StoreError> {
        let request = self.client.list_object_versions().bucket(listed.bucket).prefix(prefix).max_keys(limit);
        let request = request.set_key_marker(after.map(|a| a.key.clone()));
        let request = request.set_version_id_marker(after.and_then(|a| a.version_id.clone()));
        let reply = request.encoding_type(EncodingType::Url).send().await.map_err(|e| listed.resource.failed(&e))?;
        let readable = Spelling::new(listed.resource, reply.encoding_type.as_ref());
        let versions = reply.versions.unwrap_or_default().into_iter().map(version);
        let markers = reply.delete_markers.unwrap_or_default().into_iter().map(marker);
        let mut entries = versions.chain(markers).map(|e| readable.entry(e)).collect::<Result<Vec<_>, _>>()?;
        entries.retain(|entry| is_after(&entry.key, after));
        let next = match (reply.is_truncated, reply.next_key_marker) {
            (Some(true), Some(key)) => {
                Some(After { key: readable.key(key)?, version_id: reply.next_version_id_marker, listed: 0 })
            }
            (Some(true), None) => return Err(listed.resource.unavailable("IncompleteReply")),
            _ => None,
        };
        Ok((entries, next))
    }

    async fn page_of_objects(
        &self,
        listed: Listed<'_>,
        prefix: &str,
        after: Option<&After>,
        limit: i32,
    ) -> Result<(Vec<Entry>, Option<After>), StoreError> {
        let request = self.client.list_objects_v2().bucket(listed.bucket).prefix(prefix).max_keys(limit);
        let request = request.set_start_after(after.map(|a| a.key.clone()));
        let reply = request.encoding_type(EncodingType::Url).send().await.map_err(|e| listed.resource.failed(&e))?;
        let readable = Spelling::new(listed.resource, reply.encoding_type.as_ref());
        let entries = reply.contents.unwrap_or_default().into_iter().map(object);
        let entries = entries.map(|e| readable.entry(e)).collect::<Result<Vec<_>, _>>()?;
        let next = match (reply.is_truncated, entries.last()) {
            (Some(true), Some(last)) => Some(After { key: last.key.clone(), version_id: None, listed: 0 }),
            (Some(true), None) => return Err(listed.resource.unavailable("IncompleteReply")),
            _ => None,
        };
        Ok((entries, next))
    }

    /// What stands under each of these keys; keys under which nothing stands are left out.
    ///
    /// Keys of one batch lie close together, so they are listed as a range; when too much else lies between them, the
    /// rest is asked for key by key.
    pub(super) async fn survey(&self, listed: Listed<'_>, keys: &BTreeSet<String>) -> Result<HashMap<String, Stack>, StoreError> {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(HashMap::new()) };
        let mut stacks: HashMap<String, Stack> = HashMap::new();
        let mut after = just_before(first);
        let mut budget = 2 + keys.len() / KEYS_PER_PAGE;
        let common = common_prefix(first, last);
        let uncovered = loop {
            let (entries, next) = self.page(listed, common, after.as_ref(), PAGE).await?;
            for entry in entries.into_iter().filter(|e| keys.contains(&e.key)) {
                stacks.entry(entry.key.clone()).or_default().push(entry);
            }
            budget -= 1;
            match next {
                None => return Ok(stacks),
                Some(next) if next.key > *last => return Ok(stacks),
                Some(next) if budget == 0 => break keys.range(next.key..),
                Some(next) => after = Some(next),
            }
        };
        let singly = uncovered.map(|key| async move { Ok((key.clone(), self.stack(listed, key).await?)) });
        let stood: Vec<_> = stream::iter(singly.collect::<Vec<_>>()).buffer_unordered(PARALLEL).try_collect().await?;
        stacks.extend(stood);
        Ok(stacks)
    }

    /// What stands on top of each of these keys: its newest version, or the delete marker on it. However many versions lie
    /// below, they are passed over; keys under which nothing stands are left out.
    pub(super) async fn tops(&self, listed: Listed<'_>, keys: &BTreeSet<String>) -> Result<HashMap<String, Entry>, StoreError> {
        let (Some(first), Some(last)) = (keys.first(), keys.last()) else { return Ok(HashMap::new()) };
        let mut tops: HashMap<String, Entry> = HashMap::new();
        let mut after = just_before(first);
        // One key is asked for by itself.
        let mut budget = if keys.len() == 1 { 0 } else { 2 + keys.len() / KEYS_PER_PAGE };
        let common = common_prefix(first, last);
        let mut from = first.clone();
        while budget > 0 {
            let (entries, next) = self.page(listed, common, after.as_ref(), PAGE).await?;
            let newest: Vec<Entry> = entries.into_iter().filter(|e| e.latest).collect();
            let seen = next.as_ref().is_some_and(|next| newest.iter().any(|e| e.key == next.key));
            tops.extend(newest.into_iter().filter(|e| keys.contains(&e.key)).map(|e| (e.key.clone(), e)));
            let Some(mut next) = next.filter(|next| next.key <= *last) else { return Ok(tops) };
            if seen {
                // What is left of this key is older: on with the next.
                next.version_id = None;
            }
            from.clone_from(&next.key);
            after = Some(next);
            budget -= 1;
        }
        let left = keys.range(from..).filter(|key| !tops.contains_key(*key)).map(|key| async move {
            // Of all that begins so the key itself comes first, and of its versions the newest.
            let (entries, _) = self.page(listed, key, None, 1).await?;
            Ok(entries.into_iter().find(|e| e.key == *key && e.latest))
        });
        let singly: Vec<Option<Entry>> =
            stream::iter(left.collect::<Vec<_>>()).buffer_unordered(PARALLEL).try_collect::<Vec<_>>().await?;
        tops.extend(singly.into_iter().flatten().map(|e| (e.key.clone(), e)));
        Ok(tops)
    }

    /// What stands under one key.
    pub(super) async fn stack(&self, listed: Listed<'_>, key: &str) -> Result<Stack, StoreError> {
        self.stack_below(listed, key, None).await
    }

    /// What stands under one key, below one of its versions.
    pub(super) async fn stack_below(&self, listed: Listed<'_>, key: &str, below: Option<&str>) -> Result<Stack, StoreError> {
        let mut stack = Stack::default();
        let mut after = below.map(|version| After { key: key.to_owned(), version_id: Some(version.to_owned()), listed: 0 });
        loop {
            // Few keys start with another whole key, and the key itself comes first among them.
            let (entries, next) = self.page(listed, key, after.as_ref(), PAGE).await?;
            entries.into_iter().filter(|e| e.key == key).for_each(|e| stack.push(e));
            match next {
                Some(next) if next.key == key && listed.versions => after = Some(next),
                _ => return Ok(stack),
            }
        }
    }
}

/// Keys in a reply, which are encoded only if it says so.
pub(super) struct Spelling<'a> {
    resource: &'a Resource,
    encoded: bool,
}

impl<'a> Spelling<'a> {
    pub(super) fn new(resource: &'a Resource, encoding: Option<&EncodingType>) -> Self {
        Self { resource, encoded: encoding == Some(&EncodingType::Url) }
    }

    pub(super) fn key(&self, key: String) -> Result<String, StoreError> {
        if self.encoded { decode(&key).ok_or_else(|| self.resource.record("its key is not UTF-8")) } else { Ok(key) }
    }

    fn entry(&self, entry: Entry) -> Result<Entry, StoreError> {
        Ok(Entry { key: self.key(entry.key)?, ..entry })
    }
}

fn version(version: ObjectVersion) -> Entry {
    Entry {
        key: version.key.unwrap_or_default(),
        version_id: version.version_id,
        latest: version.is_latest.unwrap_or_default(),
        delete_marker: false,
        etag: version.e_tag,
        size: version.size.and_then(|s| s.try_into().ok()).unwrap_or_default(),
        modified: version.last_modified.and_then(timestamp),
    }
}

fn marker(marker: DeleteMarkerEntry) -> Entry {
    Entry {
        key: marker.key.unwrap_or_default(),
        version_id: marker.version_id,
        latest: marker.is_latest.unwrap_or_default(),
        delete_marker: true,
        modified: marker.last_modified.and_then(timestamp),
        ..Entry::default()
    }
}

fn object(object: Object) -> Entry {
    Entry {
        key: object.key.unwrap_or_default(),
        latest: true,
        etag: object.e_tag,
        size: object.size.and_then(|s| s.try_into().ok()).unwrap_or_default(),
        modified: object.last_modified.and_then(timestamp),
        ..Entry::default()
    }
}

pub(super) fn timestamp(time: DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

/// Whether a key follows that after which a listing goes on, whether or not S3 counts the marker itself in.
pub(super) fn is_after(key: &str, after: Option<&After>) -> bool {
    after.is_none_or(|after| after.version_id.is_some() || *key > *after.key)
}

/// A place before a key and close to it, whether or not S3 counts the marker itself in.
fn just_before(key: &str) -> Option<After> {
    let mut shorter = key.to_owned();
    shorter.pop();
    (!shorter.is_empty()).then_some(After { key: shorter, version_id: None, listed: 0 })
}

fn common_prefix<'a>(first: &'a str, last: &str) -> &'a str {
    let same = first.char_indices().zip(last.chars()).find(|((_, a), b)| a != b).map(|((at, _), _)| at);
    &first[..same.unwrap_or(first.len().min(last.len()))]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_range_of_keys_is_listed_from_just_before_the_first() {
        assert_eq!(common_prefix("users/u1/a", "users/u1/b"), "users/u1/");
        assert_eq!(common_prefix("users/é1", "users/é2"), "users/é");
        assert_eq!(common_prefix("a", "ab"), "a");
        assert_eq!(common_prefix("a", "b"), "");
        assert!(just_before("users/é").is_some_and(|a| a.key == "users/"));
        assert!(just_before("a").is_none());
    }
}

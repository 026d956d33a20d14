//! Buckets, with versions, markers, locks and expiry, as S3 and its connector have them.

use super::{Deed, bodies::id_in, size, unavailable, unusable};
use crate::{
    oracle,
    world::{Weather, WorldState},
};
use jiff::{Timestamp, civil::Date};
use oubli_engine::ports::{
    Applied, Destruction, Expected, Fields, Found, Matched, ObjectFacts, PutBack, RecordRef, SoftDeletion, StoreError, Tombstone,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Whether a bucket keeps old versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Versioning {
    /// It never did.
    Never,
    /// It does.
    On,
    /// It did: new writes replace one another as the version `null`.
    Suspended,
}

/// How a bucket behaves.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub versioning: Versioning,
    /// Versions that are not current are dropped after so long.
    pub expiry_ms: Option<i64>,
}

impl Default for Rules {
    fn default() -> Self {
        Self { versioning: Versioning::On, expiry_ms: None }
    }
}

/// A version of an object; a marker has no body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectVersion {
    pub id: u64,
    pub marker: bool,
    pub written_ms: i64,
    /// It was written while the bucket was not versioned.
    pub null: bool,
    pub locked_until: Option<Date>,
}

impl ObjectVersion {
    /// What the store calls it.
    pub fn name(&self) -> Value {
        if self.null { json!("null") } else { json!(self.id) }
    }
}

/// An object of a record, as the connector of S3 addresses it.
pub(super) struct Address {
    pub(super) key: String,
    version: Option<Value>,
    /// Of a version `null` in a bucket that hides: what it is. Writes may replace it.
    content: Option<u64>,
    marker: bool,
    /// It was current when it was found.
    latest: bool,
}

const CURRENT: &str = "is_latest";

/// Two clocks of this world differ by less.
const CLOCKS_DIFFER_MS: i64 = 6_000;

impl Address {
    pub(super) fn of(record: &RecordRef) -> Self {
        let current = record.matched.as_ref().filter(|m| m.attribute == CURRENT).map(|m| m.value.as_str());
        Self {
            key: record.key.get("key").and_then(Value::as_str).unwrap_or_default().to_owned(),
            version: record.key.get("version").cloned(),
            content: current.and_then(|c| c.split_once(' ')).and_then(|(_, content)| content.parse().ok()),
            marker: record.key.get("marker").is_some(),
            latest: current.is_some_and(|c| c.starts_with("true")),
        }
    }

    fn to_record(&self) -> RecordRef {
        let mut key = json!({ "key": self.key });
        if let Some(version) = &self.version {
            key["version"] = version.clone();
        }
        if self.marker {
            key["marker"] = true.into();
        }
        let told = self.version.is_some() && (self.latest || self.content.is_some());
        let value = match self.content {
            Some(content) => format!("{} {content}", self.latest),
            None => self.latest.to_string(),
        };
        RecordRef { key, matched: told.then(|| Matched { attribute: CURRENT.to_owned(), value }), selection: None }
    }

    fn place_in(&self, stack: &[ObjectVersion]) -> Option<usize> {
        match &self.version {
            None => stack.len().checked_sub(1).filter(|n| !stack[*n].marker),
            Some(name) => stack.iter().position(|v| v.name() == *name),
        }
    }

    /// As stores see it that hide by themselves: a version `null` that was replaced is another.
    fn unchanged_in(&self, stack: &[ObjectVersion]) -> Option<usize> {
        self.place_in(stack).filter(|n| self.content.is_none_or(|content| stack[*n].id == content))
    }
}

fn markers(marker: Option<&Tombstone>) -> Vec<u64> {
    marker.and_then(|m| m.0.as_array()).into_iter().flatten().filter_map(Value::as_u64).collect()
}

pub(super) fn refused(why: &str) -> StoreError {
    StoreError::Record { store: "shop".to_owned(), reason: why.to_owned() }
}

impl WorldState {
    pub(crate) fn rules(&self, bucket: &str) -> Rules {
        self.shop.rules.get(bucket).copied().unwrap_or_default()
    }

    pub(super) fn stack(&self, bucket: &str, key: &str) -> Vec<ObjectVersion> {
        self.shop.buckets.get(bucket).and_then(|b| b.get(key)).cloned().unwrap_or_default()
    }

    fn push(&mut self, bucket: &str, key: &str, id: u64, marker: bool) {
        let (written_ms, versioning) = (self.now_ms, self.rules(bucket).versioning);
        let stack = self.shop.buckets.entry(bucket.to_owned()).or_default().entry(key.to_owned()).or_default();
        let null = versioning != Versioning::On;
        if null {
            stack.retain(|v| !v.null);
        }
        stack.push(ObjectVersion { id, marker, written_ms, null, locked_until: None });
    }

    /// The application writes an object.
    pub fn app_uploads(&mut self, bucket: &str, key: &str) {
        self.shop.next_version += 1;
        let id = self.shop.next_version;
        self.push(bucket, key, id, false);
        self.did(bucket, key, Deed::AppWrote, id);
    }

    /// The application deletes an object, as its bucket does that.
    pub fn app_deletes_object(&mut self, bucket: &str, key: &str) {
        let Some(top) = self.stack(bucket, key).last().cloned() else { return };
        if self.rules(bucket).versioning == Versioning::Never {
            self.delete_version(bucket, key, top.id);
        } else {
            self.shop.next_version += 1;
            let id = self.shop.next_version;
            self.oracle.markers_of_others.insert(id);
            self.push(bucket, key, id, true);
        }
        self.did(bucket, key, Deed::AppDeleted, top.id);
    }

    /// The application takes its own marker away again.
    pub fn app_undeletes(&mut self, bucket: &str, key: &str) {
        let Some(top) = self.stack(bucket, key).last().cloned() else { return };
        if top.marker && self.oracle.markers_of_others.contains(&top.id) {
            self.delete_version(bucket, key, top.id);
            self.did(bucket, key, Deed::AppWrote, top.id);
        }
    }

    /// What a lifecycle rule does each day.
    pub fn expire_versions(&mut self) {
        let now = self.now_ms;
        let mut dropped = Vec::new();
        for (bucket, rules) in &self.shop.rules {
            let Some(expiry) = rules.expiry_ms else { continue };
            for (key, stack) in self.shop.buckets.get(bucket).into_iter().flatten() {
                let old = stack.windows(2).filter(|w| w[1].written_ms + expiry < now).map(|w| w[0].id);
                dropped.extend(old.map(|id| (bucket.clone(), key.clone(), id)));
            }
        }
        for (bucket, key, id) in dropped {
            self.delete_version(&bucket, &key, id);
            self.did(&bucket, &key, Deed::AppDeleted, id);
        }
    }

    fn delete_version(&mut self, bucket: &str, key: &str, id: u64) -> bool {
        let Some(stack) = self.shop.buckets.get_mut(bucket).and_then(|b| b.get_mut(key)) else { return false };
        let before = stack.len();
        stack.retain(|v| v.id != id);
        let gone = stack.len() < before;
        if stack.is_empty()
            && let Some(objects) = self.shop.buckets.get_mut(bucket)
        {
            objects.remove(key);
        }
        gone
    }

    pub(super) fn list(&self, bucket: &str, prefix: &str) -> Vec<Found> {
        let Some(objects) = self.shop.buckets.get(bucket) else { return vec![] };
        let versioning = self.rules(bucket).versioning;
        let versioned = versioning != Versioning::Never;
        let mut found = Vec::new();
        for (key, stack) in objects.iter().filter(|(k, _)| k.starts_with(prefix)) {
            let bare = stack.iter().all(|v| v.marker);
            for (n, version) in stack.iter().enumerate().filter(|(_, v)| !v.marker || bare) {
                let latest = n + 1 == stack.len();
                let name = versioned.then(|| version.name());
                let content = (versioning == Versioning::On && version.null).then_some(version.id);
                let address = Address { key: key.clone(), version: name, content, marker: version.marker, latest };
                found.push(Found {
                    record: address.to_record(),
                    bytes: size(key) + self.filled(bucket, key),
                    fields: [("key".to_owned(), key.clone())].into_iter().collect::<Fields>(),
                    locked_until: version.locked_until,
                });
            }
        }
        found
    }

    pub(super) fn object(&self, bucket: &str, record: &RecordRef) -> Option<ObjectVersion> {
        let address = Address::of(record);
        let stack = self.stack(bucket, &address.key);
        address.place_in(&stack).map(|n| stack[n].clone())
    }

    /// What is known of a version, beside what else stands under its key.
    pub(super) fn facts(&self, bucket: &str, record: &RecordRef, version: &ObjectVersion) -> ObjectFacts {
        let Address { key, version: name, .. } = Address::of(record);
        let latest = self.stack(bucket, &key).pop();
        ObjectFacts {
            key,
            version_id: name.map(|name| name.as_str().map_or_else(|| name.to_string(), str::to_owned)),
            last_modified: Timestamp::from_millisecond(version.written_ms).ok(),
            current: latest.as_ref().map(|latest| latest.id == version.id),
            deleted: latest.map(|latest| latest.marker),
            media_type: None,
        }
    }

    /// Removal of what was copied, in buckets that do not hide by themselves.
    pub(super) fn remove_object(&mut self, bucket: &str, expected: &Expected) -> Result<Applied, StoreError> {
        let address = Address::of(&expected.record);
        let versioning = self.rules(bucket).versioning;
        if versioning == Versioning::On || (versioning == Versioning::Suspended) != address.version.is_some() {
            return Err(unusable("its versioning has changed since it was looked at: discover again"));
        }
        if let Some(refused) = self.refusal(bucket, &address.key) {
            return Err(refused);
        }
        if self.interferes() {
            if self.chance(500) { self.app_deletes_object(bucket, &address.key) } else { self.app_uploads(bucket, &address.key) }
        }
        let stack = self.stack(bucket, &address.key);
        let Some(n) = address.place_in(&stack) else { return Ok(Applied::Absent) };
        let (version, latest) = (stack[n].clone(), n + 1 == stack.len());
        if json!(version.id) != expected.version.0 {
            return Ok(Applied::Changed);
        }
        if version.null && !latest {
            return Err(refused("it is an old version null in a bucket with versioning suspended"));
        }
        if version.locked_until.is_some_and(|until| until > self.today()) {
            return Err(refused("AccessDenied"));
        }
        oracle::before_hiding(self, bucket, &address.key, version.id, &BTreeMap::new());
        self.delete_version(bucket, &address.key, version.id);
        self.did(bucket, &address.key, Deed::Removed, version.id);
        Ok(Applied::Done)
    }

    pub(super) fn return_object(&mut self, bucket: &str, record: &RecordRef, bytes: &[u8]) -> Result<PutBack, StoreError> {
        let address = Address::of(record);
        if let Some(refused) = self.refusal(bucket, &address.key) {
            return Err(refused);
        }
        let id: u64 = id_in(bytes).ok_or_else(|| unavailable("unreadable"))?;
        if address.marker {
            // It lay on nothing, and nothing is what readers see again.
            self.did(bucket, &address.key, Deed::PutBack, id);
            return Ok(PutBack::Restored);
        }
        if address.version.is_some() && !address.latest {
            return Err(refused("it was an old version, which cannot be put back below newer ones"));
        }
        match self.stack(bucket, &address.key).last() {
            Some(top) if !top.marker => Ok(if top.id == id { PutBack::Restored } else { PutBack::Conflict }),
            _ => {
                self.push(bucket, &address.key, id, false);
                self.did(bucket, &address.key, Deed::PutBack, id);
                Ok(PutBack::Restored)
            }
        }
    }

    pub(crate) fn today(&self) -> Date {
        jiff::tz::TimeZone::UTC.to_datetime(self.now()).date()
    }

    /// The marker that is ours, or those that lie directly on a version and that we may have put.
    fn covered(
        address: &Address,
        stack: &[ObjectVersion],
        noted: Option<&Tombstone>,
        tried_since: Option<Timestamp>,
    ) -> Option<Tombstone> {
        let ours = markers(noted);
        if stack.iter().any(|v| v.marker && ours.contains(&v.id)) {
            return noted.cloned();
        }
        let n = address.unchanged_in(stack).filter(|n| !stack[*n].marker)?;
        let since = tried_since?.as_millisecond() - CLOCKS_DIFFER_MS;
        let on: Vec<_> = stack[n + 1..].iter().take_while(|v| v.marker).collect();
        let may_be_ours = on.iter().any(|v| v.written_ms >= since);
        may_be_ours.then(|| Tombstone(json!(on.iter().map(|v| v.id).collect::<Vec<_>>())))
    }

    pub(super) fn soft_delete_one(
        &mut self,
        bucket: &str,
        record: &RecordRef,
        noted: Option<&Tombstone>,
        tried_since: Option<Timestamp>,
    ) -> Result<SoftDeletion, StoreError> {
        let address = Address::of(record);
        if let Some(refused) = self.refusal(bucket, &address.key) {
            return Err(refused);
        }
        let stack = self.stack(bucket, &address.key);
        let found = address.unchanged_in(&stack);
        let Some(n) = found.filter(|n| n + 1 == stack.len() && !stack[*n].marker) else {
            let bare = if found.is_some() { SoftDeletion::Hidden(None) } else { SoftDeletion::Absent };
            return Ok(Self::covered(&address, &stack, noted, tried_since).map_or(bare, SoftDeletion::AlreadyHidden));
        };
        oracle::before_hiding(self, bucket, &address.key, stack[n].id, &BTreeMap::new());
        self.shop.next_version += 1;
        let marker = self.shop.next_version;
        self.push(bucket, &address.key, marker, true);
        self.did(bucket, &address.key, Deed::SoftDeleted, stack[n].id);
        Ok(SoftDeletion::Hidden(Some(Tombstone(json!([marker])))))
    }

    pub(super) fn soft_deleted_by(
        &self,
        bucket: &str,
        record: &RecordRef,
        noted: Option<&Tombstone>,
        tried_since: Option<Timestamp>,
    ) -> Option<Tombstone> {
        let address = Address::of(record);
        Self::covered(&address, &self.stack(bucket, &address.key), noted, tried_since)
    }

    pub(super) fn undelete_one(
        &mut self,
        bucket: &str,
        record: &RecordRef,
        marker: Option<&Tombstone>,
    ) -> Result<PutBack, StoreError> {
        let address = Address::of(record);
        if let Some(refused) = self.refusal(bucket, &address.key) {
            return Err(refused);
        }
        let stack = self.stack(bucket, &address.key);
        let ours = markers(marker);
        let outlook = match address.unchanged_in(&stack) {
            None => PutBack::Gone,
            Some(n) if ours.is_empty() || n + 1 == stack.len() => PutBack::Restored,
            Some(n) => {
                let above = &stack[n + 1..];
                let all_ours = above.iter().all(|v| v.marker && ours.contains(&v.id));
                if all_ours { PutBack::Restored } else { PutBack::Conflict }
            }
        };
        let mut taken = false;
        for id in ours {
            oracle::undeletes(self, bucket, &address.key, id);
            taken |= stack.iter().any(|v| v.marker && v.id == id) && self.delete_version(bucket, &address.key, id);
        }
        let shown = self.stack(bucket, &address.key).last().filter(|v| !v.marker).map(|v| v.id);
        if let Some(id) = shown.filter(|_| taken) {
            self.did(bucket, &address.key, Deed::Undeleted, id);
        }
        Ok(outlook)
    }

    pub(super) fn purge_one(
        &mut self,
        bucket: &str,
        record: &RecordRef,
        marker: Option<&Tombstone>,
    ) -> Result<Destruction, StoreError> {
        let address = Address::of(record);
        if let Some(refused) = self.refusal(bucket, &address.key) {
            return Err(refused);
        }
        if address.version.is_none() {
            return Err(refused("it names no version: discover again"));
        }
        if address.version == Some(json!("null")) && self.rules(bucket).versioning != Versioning::On {
            return Err(refused("it is a version `null` in a bucket with versioning suspended: turn versioning on"));
        }
        let stack = self.stack(bucket, &address.key);
        let place = address.unchanged_in(&stack);
        if place.is_some_and(|n| n + 1 == stack.len() && !stack[n].marker) {
            return Ok(Destruction::Stands);
        }
        let own = place.map(|n| stack[n].clone());
        if let Some(until) = own.as_ref().and_then(|v| v.locked_until).filter(|until| *until > self.today()) {
            return Ok(Destruction::Locked(until));
        }
        if let Some(own) = own.filter(|v| !v.marker) {
            oracle::before_destroying(self, bucket, &address.key, own.id);
            self.delete_version(bucket, &address.key, own.id);
            self.did(bucket, &address.key, Deed::Purged, own.id);
        }
        let stack = self.stack(bucket, &address.key);
        let ours = markers(marker);
        let bare = stack.iter().all(|v| v.marker);
        let top = stack.last().map(|v| v.id);
        for version in stack.iter().filter(|v| v.marker && (bare || (Some(v.id) != top && ours.contains(&v.id)))) {
            self.delete_version(bucket, &address.key, version.id);
            if !ours.contains(&version.id) {
                oracle::destroyed(self, &(bucket.to_owned(), address.key.clone(), version.id));
            }
        }
        Ok(Destruction::Destroyed)
    }

    /// A version is locked, or a bucket's versioning changes, while people look elsewhere.
    pub fn bucket_changes(&mut self) {
        let buckets: Vec<String> = self.shop.rules.keys().cloned().collect();
        let Some(bucket) = self.choose(&buckets).cloned() else { return };
        let rules = self.rules(&bucket);
        if rules.versioning == Versioning::On && self.chance(600) {
            let keys: Vec<String> = self.shop.buckets.get(&bucket).into_iter().flatten().map(|(k, _)| k.clone()).collect();
            let Some(key) = self.choose(&keys).cloned() else { return };
            let days = self.choose(&[2, 20]).copied().unwrap_or(2);
            let until = self.today().saturating_add(jiff::Span::new().days(days));
            let stack = self.shop.buckets.get_mut(&bucket).and_then(|b| b.get_mut(&key));
            if let Some(version) = stack.and_then(|s| s.iter_mut().rev().find(|v| !v.marker)) {
                version.locked_until = Some(until);
            }
            return self.note(|| format!("lock {bucket}/{key}"));
        }
        let versioning = match rules.versioning {
            Versioning::On => Versioning::Suspended,
            Versioning::Never | Versioning::Suspended => Versioning::On,
        };
        self.note(|| format!("versioning of {bucket}: {versioning:?}"));
        self.shop.rules.insert(bucket, Rules { versioning, ..rules });
    }

    /// Whether anything may go wrong now.
    pub(super) fn stormy(&self) -> bool {
        self.weather == Weather::Storm
    }
}

//! Uploads to buckets that nobody finished, as S3 and its connector have them: nobody sees them, and they end by becoming
//! objects or by being aborted.

use super::{Deed, size};
use crate::{oracle, world::WorldState};
use oubli_engine::ports::{Destruction, Fields, Found, PutBack, RecordRef, SoftDeletion, StoreError};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Where the unfinished uploads of a bucket are, among the places that the oracle tells apart.
pub fn uploads_of(bucket: &str) -> String {
    format!("{bucket}{ENDING}")
}

/// The bucket of such a place, or the place itself.
pub fn bucket_of(place: &str) -> &str {
    place.strip_suffix(ENDING).unwrap_or(place)
}

const ENDING: &str = "?uploads";

/// An upload of a record: its key, and its number.
pub(super) fn upload_of(record: &RecordRef) -> (String, u64) {
    let key = record.key.get("key").and_then(Value::as_str).unwrap_or_default().to_owned();
    (key, record.key.get("upload_id").and_then(Value::as_u64).unwrap_or_default())
}

impl WorldState {
    fn uploads(&self, bucket: &str) -> BTreeSet<(String, u64)> {
        self.shop.uploads.get(bucket).cloned().unwrap_or_default()
    }

    /// The application begins an upload.
    pub fn app_begins_upload(&mut self, bucket: &str, key: &str) -> u64 {
        self.shop.next_version += 1;
        let id = self.shop.next_version;
        self.shop.uploads.entry(bucket.to_owned()).or_default().insert((key.to_owned(), id));
        self.did(&uploads_of(bucket), key, Deed::AppWrote, id);
        id
    }

    /// The application ends its oldest upload of a key: it becomes an object, or is aborted.
    pub fn app_ends_upload(&mut self, bucket: &str, key: &str, finished: bool) {
        let Some((_, id)) = self.uploads(bucket).into_iter().find(|(own, _)| own == key) else { return };
        self.end_upload(bucket, key, id);
        self.did(&uploads_of(bucket), key, Deed::AppDeleted, id);
        if finished {
            self.app_uploads(bucket, key);
        }
    }

    fn end_upload(&mut self, bucket: &str, key: &str, id: u64) -> bool {
        self.shop.uploads.get_mut(bucket).is_some_and(|uploads| uploads.remove(&(key.to_owned(), id)))
    }

    pub(super) fn list_uploads(&self, bucket: &str, prefix: &str) -> Vec<Found> {
        let uploads = self.uploads(bucket).into_iter().filter(|(key, _)| key.starts_with(prefix));
        let found = uploads.map(|(key, id)| Found {
            record: RecordRef { key: json!({ "key": key, "upload_id": id }), matched: None, selection: None },
            bytes: size(&key),
            fields: Fields::default(),
            locked_until: None,
        });
        found.collect()
    }

    pub(super) fn upload_stands(&self, bucket: &str, record: &RecordRef) -> Result<bool, StoreError> {
        let upload = upload_of(record);
        match self.refusal(bucket, &upload.0) {
            Some(refused) => Err(refused),
            None => Ok(self.uploads(bucket).contains(&upload)),
        }
    }

    pub(super) fn hide_upload(&self, bucket: &str, record: &RecordRef) -> Result<SoftDeletion, StoreError> {
        Ok(if self.upload_stands(bucket, record)? { SoftDeletion::Hidden(None) } else { SoftDeletion::Absent })
    }

    pub(super) fn show_upload(&self, bucket: &str, record: &RecordRef) -> Result<PutBack, StoreError> {
        Ok(if self.upload_stands(bucket, record)? { PutBack::Restored } else { PutBack::Gone })
    }

    pub(super) fn abort_upload(&mut self, bucket: &str, record: &RecordRef) -> Result<Destruction, StoreError> {
        let (key, id) = upload_of(record);
        if self.interferes() {
            let finished = self.chance(500);
            self.app_ends_upload(bucket, &key, finished);
        }
        if !self.upload_stands(bucket, record)? {
            return Ok(Destruction::Absent);
        }
        oracle::before_aborting(self, &uploads_of(bucket), &key, id);
        self.end_upload(bucket, &key, id);
        self.did(&uploads_of(bucket), &key, Deed::Purged, id);
        Ok(Destruction::Destroyed)
    }
}

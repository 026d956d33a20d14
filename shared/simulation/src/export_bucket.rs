//! The bucket of exports in memory.

use crate::{faults::call, scratch, world::World};
use async_trait::async_trait;
use bytes::Bytes;
use oubli_engine::ports::{Body, CompletedUpload, DeliveryTarget, ExportBucket, ObjectError, WithdrawOutcome};
use std::{collections::BTreeMap, ops::Range};

/// The bucket.
pub struct SimExportBucket(pub World);

/// What is in it.
#[derive(Debug, Default)]
pub struct Shelf {
    /// Objects by name.
    pub objects: BTreeMap<String, Bytes>,
    /// What stands in buckets of organizations, by bucket and key.
    pub delivered: BTreeMap<String, Bytes>,
    /// Parts of uploads by their ids.
    pub uploads: BTreeMap<String, BTreeMap<u32, Bytes>>,
    /// When each part was sent, in milliseconds.
    pub sent_ms: Vec<i64>,
    begun: u64,
}

fn unavailable(why: &str) -> ObjectError {
    ObjectError::Unavailable(why.to_owned())
}

fn gone() -> ObjectError {
    unavailable("NoSuchUpload")
}

/// As an entity tag: what the part holds.
fn tag(body: &Bytes) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(body).iter().take(8).map(|b| format!("{b:02x}")).collect()
}

fn put_together(there: &BTreeMap<u32, Bytes>, parts: impl IntoIterator<Item = (u32, String)>) -> Result<Bytes, ObjectError> {
    let mut object = Vec::new();
    for (number, wanted) in parts {
        let part = there.get(&number).filter(|body| tag(body) == wanted);
        object.extend_from_slice(part.ok_or_else(|| unavailable("InvalidPart"))?);
    }
    Ok(object.into())
}

impl SimExportBucket {
    async fn shelf<T: Send>(&self, what: impl FnOnce(&mut Shelf) -> Result<T, ObjectError> + Send) -> Result<T, ObjectError> {
        let world = self.0.clone();
        call(&self.0, unavailable, move || what(&mut world.lock().shelf)).await
    }
}

#[async_trait]
impl ExportBucket for SimExportBucket {
    async fn begin(&self, name: &str) -> Result<String, ObjectError> {
        let name = name.to_owned();
        self.shelf(move |shelf| {
            shelf.begun += 1;
            let id = format!("{name}?{}", shelf.begun);
            shelf.uploads.insert(id.clone(), BTreeMap::new());
            Ok(id)
        })
        .await
    }

    async fn part(&self, _: &str, upload: &str, number: u32, body: Body) -> Result<String, ObjectError> {
        let (upload, body) = (upload.to_owned(), scratch::bytes(body)?);
        let now = self.0.lock().now_ms;
        self.shelf(move |shelf| {
            let tag = tag(&body);
            shelf.sent_ms.push(now);
            shelf.uploads.get_mut(&upload).ok_or(ObjectError::Over)?.insert(number, body);
            Ok(tag)
        })
        .await
    }

    async fn parts(&self, _: &str, upload: &str) -> Result<Option<Vec<(u32, String)>>, ObjectError> {
        let upload = upload.to_owned();
        let tags = |parts: &BTreeMap<u32, Bytes>| parts.iter().map(|(n, body)| (*n, tag(body))).collect();
        self.shelf(move |shelf| Ok(shelf.uploads.get(&upload).map(tags))).await
    }

    async fn complete(&self, name: &str, upload: &str, parts: &[(u32, String)]) -> Result<(), ObjectError> {
        let (name, upload, parts) = (name.to_owned(), upload.to_owned(), parts.to_vec());
        self.shelf(move |shelf| {
            let there = shelf.uploads.get(&upload).ok_or_else(gone)?;
            let object = put_together(there, parts)?;
            shelf.uploads.remove(&upload);
            shelf.objects.insert(name, object);
            Ok(())
        })
        .await
    }

    async fn abandon(&self, _: &str, upload: &str) -> Result<(), ObjectError> {
        let upload = upload.to_owned();
        self.shelf(move |shelf| {
            shelf.uploads.remove(&upload);
            Ok(())
        })
        .await
    }

    async fn size(&self, name: &str) -> Result<Option<u64>, ObjectError> {
        let name = name.to_owned();
        self.shelf(move |shelf| Ok(shelf.objects.get(&name).map(|o| o.len() as u64))).await
    }

    async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        let name = name.to_owned();
        self.shelf(move |shelf| {
            shelf.objects.remove(&name);
            Ok(())
        })
        .await
    }

    async fn begin_delivery(&self, bucket: &str, key: &str) -> Result<String, ObjectError> {
        self.begin(&format!("{bucket}/{key}")).await
    }

    async fn deliver_part(
        &self,
        name: &str,
        bytes: Option<Range<u64>>,
        to: DeliveryTarget<'_>,
        number: u32,
    ) -> Result<Option<String>, ObjectError> {
        let (name, upload) = (name.to_owned(), to.upload.to_owned());
        let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
        self.shelf(move |shelf| {
            let object = shelf.objects.get(&name).ok_or_else(gone)?;
            let part = bytes.map_or_else(|| object.clone(), |b| object.slice(place(b.start)..place(b.end)));
            let Some(parts) = shelf.uploads.get_mut(&upload) else { return Ok(None) };
            let tag = tag(&part);
            parts.insert(number, part);
            Ok(Some(tag))
        })
        .await
    }

    async fn complete_delivery(&self, to: DeliveryTarget<'_>, tags: &[String]) -> Result<Option<CompletedUpload>, ObjectError> {
        let (place, upload, tags) = (format!("{}/{}", to.bucket, to.key), to.upload.to_owned(), tags.to_vec());
        self.shelf(move |shelf| {
            let Some(there) = shelf.uploads.get(&upload) else { return Ok(None) };
            let object = put_together(there, (1..).zip(tags))?;
            shelf.uploads.remove(&upload);
            shelf.delivered.insert(place, object);
            Ok(Some(CompletedUpload { version: None }))
        })
        .await
    }

    async fn abandon_delivery(&self, to: DeliveryTarget<'_>) -> Result<bool, ObjectError> {
        let upload = to.upload.to_owned();
        self.shelf(move |shelf| Ok(shelf.uploads.remove(&upload).is_some())).await
    }

    async fn withdraw(&self, bucket: &str, key: &str, _: Option<&str>) -> Result<WithdrawOutcome, ObjectError> {
        let place = format!("{bucket}/{key}");
        self.shelf(move |shelf| {
            shelf.delivered.remove(&place);
            Ok(WithdrawOutcome::Gone)
        })
        .await
    }

    async fn link(&self, name: &str, _: &str, seconds: u32) -> Result<String, ObjectError> {
        Ok(format!("memory://exports/{name}?expires={seconds}"))
    }
}

//! Objects in S3 buckets: hidden by delete markers where the bucket is versioned, through the vault where it is not. And
//! uploads to them that nobody finished, which are seen by nobody until they are aborted.

mod address;
mod bucket;
mod delete;
mod discover;
mod elsewhere;
mod envelope;
mod keys;
mod list;
mod native;
mod owner;
mod put;
mod sample;
mod survey;
mod uploads;
mod vault;

use crate::{
    Options,
    failure::{Resource, all},
};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_s3::{Client, config::SharedInterceptor};
use bucket::Known;
use bytes::Bytes;
use futures::stream::BoxStream;
use jiff::Timestamp;
use oubli_domain::datamap::{Location, Producer};
use oubli_engine::ports::{
    Applied, Capabilities, Connector, Destruction, Discovered, Effect, Expected, ExportForm, Files, Found, ObjectFacts, PutBack,
    RecordRef, Returned, Selector, Snapshot, SoftDelete, SoftDeletion, StoreError, Survey, Tombstone, Version,
};
use owner::ExpectedOwner;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use uploads::Uploads;
use vault::Reading;

/// [`Connector`] for S3 buckets.
#[derive(Debug)]
pub struct S3 {
    client: Client,
    known: Mutex<HashMap<String, Known>>,
}

impl S3 {
    /// A connector that calls through this client.
    pub fn new(client: Client) -> Self {
        Self { client, known: Mutex::default() }
    }
}

/// The connector of this deployment.
pub(crate) fn connect(config: &SdkConfig, options: &Options) -> Arc<dyn Connector> {
    let mut config = aws_sdk_s3::config::Builder::from(config).force_path_style(options.path_style);
    options.observer.clone().map(|observer| config.push_interceptor(observer));
    options.owner.clone().map(|owner| config.push_interceptor(SharedInterceptor::new(ExpectedOwner(owner))));
    Arc::new(S3::new(Client::from_conf(config.build())))
}

/// The producer's bucket, and its name for errors.
fn bucket(producer: &Producer) -> Result<(&str, Resource), StoreError> {
    let resource = Resource::bucket(producer.location.name());
    match &producer.location {
        Location::Bucket(bucket) => Ok((&bucket.bucket, resource)),
        _ => Err(resource.unusable("its store's connector is s3: correct the data map")),
    }
}

#[async_trait]
impl Connector for S3 {
    async fn capabilities(&self, producer: &Producer, window: Duration) -> Result<Capabilities, StoreError> {
        if let Some(uploads) = Uploads::of(self, producer) {
            return uploads.promises(producer).await;
        }
        let (bucket, resource) = bucket(producer)?;
        self.promises(producer, bucket, &resource, window).await
    }

    async fn discover(
        &self,
        producer: &Producer,
        selector: Selector<'_>,
        after: Option<&Value>,
        limit: usize,
    ) -> Result<Discovered, StoreError> {
        match Uploads::of(self, producer) {
            Some(uploads) => uploads.find(selector, after, limit).await,
            None => self.find(producer, selector, after, limit).await,
        }
    }

    async fn reread(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Vec<Result<Option<Found>, StoreError>> {
        let found = match Uploads::of(self, producer) {
            Some(uploads) => uploads.find_again(producer, records, fields).await,
            None => self.find_again(producer, records, fields).await,
        };
        found.unwrap_or_else(|error| all(records.len(), &error))
    }

    async fn read(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Vec<Result<Option<Snapshot>, StoreError>> {
        if let Some(uploads) = Uploads::of(self, producer) {
            return uploads.read(records).await;
        }
        self.snapshots(producer, records, fields, Reading::Keep).await.unwrap_or_else(|error| all(records.len(), &error))
    }

    async fn show(&self, producer: &Producer, records: &[RecordRef]) -> Vec<Result<Option<Snapshot>, StoreError>> {
        if let Some(uploads) = Uploads::of(self, producer) {
            return uploads.read(records).await;
        }
        self.snapshots(producer, records, &[], Reading::Show).await.unwrap_or_else(|error| all(records.len(), &error))
    }

    fn form(&self) -> ExportForm<'_> {
        ExportForm::Files(self)
    }

    async fn apply(&self, producer: &Producer, changes: &[(Expected, Effect)]) -> Vec<Result<Applied, StoreError>> {
        self.remove_unchanged(producer, changes).await.unwrap_or_else(|error| all(changes.len(), &error))
    }

    async fn put_back(&self, producer: &Producer, returned: Vec<Returned>) -> Vec<Result<PutBack, StoreError>> {
        self.put_where_absent(producer, returned).await
    }

    fn soft_delete(&self) -> Option<&dyn SoftDelete> {
        Some(self)
    }

    fn survey(&self) -> Option<&dyn Survey> {
        Some(self)
    }
}

impl Files for S3 {
    fn facts(&self, _: &RecordRef, shown: &Snapshot) -> Option<ObjectFacts> {
        serde_json::from_value(shown.envelope.clone()).ok()
    }

    fn rest(
        &self,
        producer: &Producer,
        record: &RecordRef,
        version: &Version,
        from: u64,
    ) -> Result<BoxStream<'static, Result<Bytes, StoreError>>, StoreError> {
        self.open_from(producer, record, version, from)
    }
}

#[async_trait]
impl SoftDelete for S3 {
    async fn soft_delete(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
        tried_since: Option<Timestamp>,
        window: Duration,
    ) -> Vec<Result<SoftDeletion, StoreError>> {
        if let Some(uploads) = Uploads::of(self, producer) {
            return uploads.soft_delete(records).await;
        }
        self.soft_delete_visible(producer, records, tried_since, window).await.unwrap_or_else(|error| all(records.len(), &error))
    }

    async fn soft_deleted(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
        tried_since: Timestamp,
    ) -> Vec<Result<Option<Tombstone>, StoreError>> {
        // Nothing is put on an upload: it was out of sight before.
        if Uploads::of(self, producer).is_some() {
            return records.iter().map(|_| Ok(None)).collect();
        }
        self.covered(producer, records, tried_since).await.unwrap_or_else(|error| all(records.len(), &error))
    }

    async fn undelete(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
    ) -> Vec<Result<PutBack, StoreError>> {
        if let Some(uploads) = Uploads::of(self, producer) {
            return uploads.undelete(records).await;
        }
        self.undelete_hidden(producer, records).await.unwrap_or_else(|error| all(records.len(), &error))
    }

    async fn purge(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
    ) -> Vec<Result<Destruction, StoreError>> {
        if let Some(uploads) = Uploads::of(self, producer) {
            return uploads.purge(records).await;
        }
        self.purge_hidden(producer, records).await.unwrap_or_else(|error| all(records.len(), &error))
    }
}

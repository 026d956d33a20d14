//! A bucket of a test's own on the emulator.

use crate::support::{WINDOW, body, discover, expected, producer, read_one, removals, returned, under};
use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, ExpirationStatus,
    LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration, VersioningConfiguration,
};
use jiff::Timestamp;
use oubli_connectors::S3;
use oubli_domain::datamap::{Location, Producer, S3Objects};
use oubli_engine::ports::{
    Applied, Connector, Destruction, Found, PutBack, RecordRef, Selector, SoftDeletion, StoreError, Tombstone, Way,
};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

pub const REGION: &str = "eu-central-1";

#[derive(Clone)]
pub struct Fixture {
    pub client: Client,
    pub connector: Arc<S3>,
    pub bucket: String,
    pub producer: Producer,
}

pub enum BucketKind {
    Plain,
    Versioned,
    Locking,
}

impl Fixture {
    pub async fn new(kind: BucketKind) -> Self {
        static BUCKETS: AtomicU32 = AtomicU32::new(0);
        let endpoint = std::env::var("AWS_ENDPOINT_URL").expect("AWS_ENDPOINT_URL names the emulator");
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(REGION))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(endpoint)
            .force_path_style(true)
            .build();
        let client = Client::from_conf(config);
        let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_micros();
        let bucket = format!("data-{started}-{}", BUCKETS.fetch_add(1, Ordering::Relaxed));
        let place = CreateBucketConfiguration::builder().location_constraint(BucketLocationConstraint::from(REGION)).build();
        let request = client.create_bucket().bucket(&bucket).create_bucket_configuration(place);
        request.object_lock_enabled_for_bucket(matches!(kind, BucketKind::Locking)).send().await.expect("created");
        let select = vec![under("users/{}/")];
        let producer = producer(Location::Bucket(S3Objects { bucket: bucket.clone() }), select);
        let world = Self { connector: Arc::new(S3::new(client.clone())), client, bucket, producer };
        if !matches!(kind, BucketKind::Plain) {
            world.version(BucketVersioningStatus::Enabled).await;
        }
        world
    }

    pub async fn version(&self, status: BucketVersioningStatus) {
        let versioning = VersioningConfiguration::builder().status(status).build();
        self.client.put_bucket_versioning().bucket(&self.bucket).versioning_configuration(versioning).send().await.expect("set");
    }

    pub async fn drop_old_versions_after(&self, days: i32) {
        let rule = LifecycleRule::builder()
            .id("old")
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix("users/").build())
            .noncurrent_version_expiration(NoncurrentVersionExpiration::builder().noncurrent_days(days).build());
        let rules = BucketLifecycleConfiguration::builder().rules(rule.build().expect("complete")).build().expect("complete");
        let request = self.client.put_bucket_lifecycle_configuration().bucket(&self.bucket);
        request.lifecycle_configuration(rules).send().await.expect("set");
    }

    pub async fn put(&self, key: &str, body: &str) -> Option<String> {
        let body = ByteStream::from(body.as_bytes().to_vec());
        self.client.put_object().bucket(&self.bucket).key(key).body(body).send().await.expect("put").version_id
    }

    pub async fn get(&self, key: &str) -> Option<String> {
        let reply = self.client.get_object().bucket(&self.bucket).key(key).send().await.ok()?;
        let bytes = reply.body.collect().await.expect("a body").into_bytes();
        Some(String::from_utf8(bytes.to_vec()).expect("text"))
    }

    pub async fn delete(&self, key: &str, version: Option<&str>) -> Option<String> {
        let request = self.client.delete_object().bucket(&self.bucket).key(key).set_version_id(version.map(str::to_owned));
        request.send().await.expect("deleted").version_id
    }

    /// Versions and markers under a key, markers with a `!`.
    pub async fn history(&self, key: &str) -> BTreeSet<String> {
        let reply = self.client.list_object_versions().bucket(&self.bucket).prefix(key).send().await.expect("listed");
        let versions = reply.versions().iter().filter_map(|v| v.version_id().map(str::to_owned));
        let markers = reply.delete_markers().iter().filter_map(|m| m.version_id().map(|v| format!("!{v}")));
        versions.chain(markers).collect()
    }

    pub async fn find(&self, subject: &str, limit: usize) -> Vec<Found> {
        let selection = &self.producer.select[0];
        let selector = Selector { way: Way { selection, value: subject }, fields: &[], but: &[] };
        discover(self.connector.as_ref(), &self.producer, selector, limit).await.0
    }

    pub async fn records(&self, subject: &str) -> Vec<RecordRef> {
        self.find(subject, 1_000).await.into_iter().map(|f| f.record).collect()
    }

    pub async fn soft_delete(&self, records: &[RecordRef]) -> Vec<SoftDeletion> {
        self.soft_delete_again(&unnoted(records), None).await
    }

    /// By a try that knows of earlier ones.
    pub async fn soft_delete_again(
        &self,
        noted: &[(RecordRef, Option<Tombstone>)],
        tried_since: Option<Timestamp>,
    ) -> Vec<SoftDeletion> {
        let soft_deleted =
            self.connector.soft_delete().expect("offered").soft_delete(&self.producer, noted, tried_since, WINDOW).await;
        soft_deleted.into_iter().map(|c| c.expect("an answer")).collect()
    }

    pub async fn undelete(&self, hidden: &[(RecordRef, Option<Tombstone>)]) -> Vec<PutBack> {
        let undeleted = self.connector.soft_delete().expect("offered").undelete(&self.producer, hidden).await;
        undeleted.into_iter().map(|r| r.expect("an answer")).collect()
    }

    pub async fn purge(&self, hidden: &[(RecordRef, Option<Tombstone>)]) -> Vec<Result<Destruction, StoreError>> {
        self.connector.soft_delete().expect("offered").purge(&self.producer, hidden).await
    }

    pub async fn hide(&self, records: &[RecordRef]) -> Vec<(RecordRef, Option<Tombstone>)> {
        let soft_deleted = self.soft_delete(records).await;
        let marker = |c: SoftDeletion| match c {
            SoftDeletion::Hidden(marker) => marker,
            SoftDeletion::AlreadyHidden(marker) => Some(marker),
            SoftDeletion::Absent => panic!("absent"),
        };
        records.iter().cloned().zip(soft_deleted.into_iter().map(marker)).collect()
    }

    /// The record of one version.
    pub fn record(records: &[RecordRef], version: &str) -> RecordRef {
        records.iter().find(|r| r.key["version_id"] == version).expect("found").clone()
    }

    pub async fn vault(&self, record: &RecordRef) -> (oubli_engine::ports::Expected, serde_json::Value, Vec<u8>) {
        let snapshot = read_one(self.connector.as_ref(), &self.producer, record).await.expect("there");
        let (expected, envelope, length) = (expected(record, &snapshot), snapshot.envelope.clone(), snapshot.length);
        let bytes = body(snapshot).await;
        assert_eq!(bytes.len() as u64, length);
        (expected, envelope, bytes)
    }

    pub async fn remove(&self, expected: oubli_engine::ports::Expected) -> Result<Applied, StoreError> {
        self.connector.apply(&self.producer, &removals([expected])).await.remove(0)
    }

    pub async fn put_back(&self, record: &RecordRef, envelope: serde_json::Value, body: Vec<u8>) -> Result<PutBack, StoreError> {
        self.connector.put_back(&self.producer, vec![returned(record, envelope, body)]).await.remove(0)
    }
}

/// Records of which no earlier try noted anything.
pub fn unnoted(records: &[RecordRef]) -> Vec<(RecordRef, Option<Tombstone>)> {
    records.iter().map(|r| (r.clone(), None)).collect()
}

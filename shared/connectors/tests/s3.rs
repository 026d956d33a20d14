//! The S3 connector on the emulator at `AWS_ENDPOINT_URL`.

mod support;

use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    primitives::{ByteStream, DateTime},
    types::{
        BucketLifecycleConfiguration, BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration,
        ExpirationStatus, LifecycleRule, LifecycleRuleFilter, NoncurrentVersionExpiration, ObjectLockLegalHold,
        ObjectLockLegalHoldStatus, ObjectLockRetention, ObjectLockRetentionMode, VersioningConfiguration,
    },
};
use jiff::civil::Date;
use oubli_connectors::S3;
use oubli_domain::datamap::{Location, Producer, S3Objects, Selection};
use oubli_engine::ports::{Concealment, Connector, Found, HideMethod, Marker, PutBack, RecordRef, Removal, Selector, StoreError};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};
use support::{NOBODY, body, by_subject, discover, expected, producer, read_one, returned};

const WINDOW: Duration = Duration::from_secs(30 * 24 * 3600);
const REGION: &str = "eu-central-1";

struct World {
    client: Client,
    connector: Arc<S3>,
    bucket: String,
    producer: Producer,
}

enum Kind {
    Plain,
    Versioned,
    Locking,
}

impl World {
    async fn new(kind: Kind) -> Self {
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
        request.object_lock_enabled_for_bucket(matches!(kind, Kind::Locking)).send().await.expect("created");
        let select = vec![Selection::Prefix { by: by_subject(), template: "users/{}/".to_owned() }];
        let producer = producer(Location::Bucket(S3Objects { bucket: bucket.clone() }), select);
        let world = Self { connector: Arc::new(S3::new(client.clone(), WINDOW)), client, bucket, producer };
        if !matches!(kind, Kind::Plain) {
            world.version(BucketVersioningStatus::Enabled).await;
        }
        world
    }

    async fn version(&self, status: BucketVersioningStatus) {
        let versioning = VersioningConfiguration::builder().status(status).build();
        self.client.put_bucket_versioning().bucket(&self.bucket).versioning_configuration(versioning).send().await.expect("set");
    }

    async fn put(&self, key: &str, body: &str) -> Option<String> {
        let body = ByteStream::from(body.as_bytes().to_vec());
        self.client.put_object().bucket(&self.bucket).key(key).body(body).send().await.expect("put").version_id
    }

    async fn get(&self, key: &str) -> Option<String> {
        let reply = self.client.get_object().bucket(&self.bucket).key(key).send().await.ok()?;
        let bytes = reply.body.collect().await.expect("a body").into_bytes();
        Some(String::from_utf8(bytes.to_vec()).expect("text"))
    }

    async fn delete(&self, key: &str, version: Option<&str>) -> Option<String> {
        let request = self.client.delete_object().bucket(&self.bucket).key(key).set_version_id(version.map(str::to_owned));
        request.send().await.expect("deleted").version_id
    }

    /// Versions and markers under a key, markers with a `!`.
    async fn history(&self, key: &str) -> BTreeSet<String> {
        let reply = self.client.list_object_versions().bucket(&self.bucket).prefix(key).send().await.expect("listed");
        let versions = reply.versions().iter().filter_map(|v| v.version_id().map(str::to_owned));
        let markers = reply.delete_markers().iter().filter_map(|m| m.version_id().map(|v| format!("!{v}")));
        versions.chain(markers).collect()
    }

    async fn find(&self, subject: &str, limit: usize) -> Vec<Found> {
        let selection = &self.producer.select[0];
        let selector = Selector { selection, value: subject, fields: &[], found_otherwise: NOBODY };
        discover(self.connector.as_ref(), &self.producer, selector, limit).await.0
    }

    async fn records(&self, subject: &str) -> Vec<RecordRef> {
        self.find(subject, 1_000).await.into_iter().map(|f| f.record).collect()
    }

    async fn conceal(&self, records: &[RecordRef]) -> Vec<Concealment> {
        let concealed = self.connector.conceal(&self.producer, records).await;
        concealed.into_iter().map(|c| c.expect("an answer")).collect()
    }

    async fn reveal(&self, hidden: &[(RecordRef, Option<Marker>)]) -> Vec<PutBack> {
        let revealed = self.connector.reveal(&self.producer, hidden).await;
        revealed.into_iter().map(|r| r.expect("an answer")).collect()
    }

    async fn expunge(&self, hidden: &[(RecordRef, Option<Marker>)]) -> Vec<Result<(), StoreError>> {
        self.connector.expunge(&self.producer, hidden).await
    }

    async fn hide(&self, records: &[RecordRef]) -> Vec<(RecordRef, Option<Marker>)> {
        let concealed = self.conceal(records).await;
        let marker = |c: Concealment| match c {
            Concealment::Hidden(marker) | Concealment::AlreadyHidden(marker) => marker,
            Concealment::Absent => panic!("absent"),
        };
        records.iter().cloned().zip(concealed.into_iter().map(marker)).collect()
    }

    /// The record of one version.
    fn record(records: &[RecordRef], version: &str) -> RecordRef {
        records.iter().find(|r| r.key["version_id"] == version).expect("found").clone()
    }

    async fn vault(&self, record: &RecordRef) -> (oubli_engine::ports::Expected, serde_json::Value, Vec<u8>) {
        let snapshot = read_one(self.connector.as_ref(), &self.producer, record).await.expect("there");
        let (expected, envelope, length) = (expected(record, &snapshot), snapshot.envelope.clone(), snapshot.length);
        let bytes = body(snapshot).await;
        assert_eq!(bytes.len() as u64, length);
        (expected, envelope, bytes)
    }

    async fn remove(&self, expected: oubli_engine::ports::Expected) -> Result<Removal, StoreError> {
        self.connector.remove(&self.producer, &[expected]).await.remove(0)
    }

    async fn put_back(&self, record: &RecordRef, envelope: serde_json::Value, body: Vec<u8>) -> Result<PutBack, StoreError> {
        self.connector.put_back(&self.producer, vec![returned(record, envelope, body)]).await.remove(0)
    }
}

#[tokio::test]
async fn versioning_decides_how_a_bucket_hides() {
    let plain = World::new(Kind::Plain).await;
    let capabilities = plain.connector.capabilities(&plain.producer).await.expect("usable");
    assert_eq!((capabilities.hide, capabilities.cautions.len()), (HideMethod::Vault, 0));

    let world = World::new(Kind::Versioned).await;
    let capabilities = world.connector.capabilities(&world.producer).await.expect("usable");
    assert_eq!((capabilities.hide, capabilities.cautions.len()), (HideMethod::Native, 0));
    for (days, cautions) in [(7, 1), (60, 0)] {
        let rule = LifecycleRule::builder()
            .id("old")
            .status(ExpirationStatus::Enabled)
            .filter(LifecycleRuleFilter::builder().prefix("users/").build())
            .noncurrent_version_expiration(NoncurrentVersionExpiration::builder().noncurrent_days(days).build());
        let rules = BucketLifecycleConfiguration::builder().rules(rule.build().expect("complete")).build().expect("complete");
        let request = world.client.put_bucket_lifecycle_configuration().bucket(&world.bucket);
        request.lifecycle_configuration(rules).send().await.expect("set");
        let capabilities = world.connector.capabilities(&world.producer).await.expect("usable");
        assert_eq!((capabilities.hide, capabilities.cautions.len()), (HideMethod::Native, cautions), "{days}");
    }

    world.version(BucketVersioningStatus::Suspended).await;
    let capabilities = world.connector.capabilities(&world.producer).await.expect("usable");
    assert_eq!((capabilities.hide, capabilities.cautions.len()), (HideMethod::Vault, 1));

    let mut missing = world.producer.clone();
    missing.location = Location::Bucket(S3Objects { bucket: "no-such-bucket-here".to_owned() });
    let error = world.connector.capabilities(&missing).await.expect_err("missing");
    assert!(matches!(error, StoreError::Unusable { .. }) && error.to_string().contains("no-such-bucket-here"), "{error}");
}

#[tokio::test]
async fn discovery_pages_to_the_end_and_stays_inside_the_prefix() {
    for kind in [Kind::Plain, Kind::Versioned] {
        let world = World::new(kind).await;
        for n in 0..23 {
            world.put(&format!("users/u1/{n:02} é&+%41.txt"), "x").await;
        }
        world.put("users/u10/other", "x").await;
        world.put("users/u1", "x").await;
        let found = world.find("u1", 5).await;
        let keys: BTreeSet<_> = found.iter().map(|f| f.record.key["key"].as_str().expect("a key").to_owned()).collect();
        assert_eq!((found.len(), keys.len()), (23, 23));
        assert!(keys.contains("users/u1/07 é&+%41.txt"), "{keys:?}");
        let fields = ["size", "last_modified", "key", "none"].map(str::to_owned);
        let records: Vec<_> = found.iter().rev().map(|f| f.record.clone()).collect();
        let again = world.connector.reread(&world.producer, &records, &fields).await.expect("read");
        for (record, again) in records.iter().zip(again) {
            let again = again.expect("there");
            assert_eq!(&again.record, record);
            assert_eq!((again.bytes, again.fields.len()), (1, 3));
        }
    }
}

#[tokio::test]
async fn an_identity_with_a_delimiter_is_refused() {
    let world = World::new(Kind::Plain).await;
    for value in ["", "u1/../u2"] {
        let selector = Selector { selection: &world.producer.select[0], value, fields: &[], found_otherwise: NOBODY };
        let error = world.connector.discover(&world.producer, selector, None, 10).await.expect_err("refused");
        assert!(matches!(error, StoreError::Record { .. }) && !error.to_string().contains("u2"), "{error}");
    }
}

#[tokio::test]
async fn old_versions_are_found_and_markers_that_cover_them_are_not() {
    let world = World::new(Kind::Versioned).await;
    let old = world.put("users/u1/a", "1").await.expect("a version");
    let new = world.put("users/u1/a", "2").await.expect("a version");
    world.delete("users/u1/a", None).await;
    let kept = world.put("users/u1/b", "3").await.expect("a version");
    // A marker on nothing still names the person in its key.
    let lone = world.delete("users/u1/c", None).await.expect("a marker");
    let expected = BTreeMap::from([(old, (false, false)), (new, (false, false)), (kept, (true, false)), (lone, (true, true))]);
    for limit in 1..6 {
        let found = world.find("u1", limit).await;
        let seen: BTreeMap<_, _> = found
            .iter()
            .map(|f| {
                let version = f.record.key["version_id"].as_str().expect("a version").to_owned();
                (version, (f.record.matched.is_some(), f.record.key["delete_marker"] == json!(true)))
            })
            .collect();
        assert_eq!(seen, expected, "pages of {limit}");
        assert_eq!(found.len(), 4);
    }
}

#[tokio::test]
async fn what_is_concealed_is_revealed_and_purged_to_the_last_version() {
    let world = World::new(Kind::Versioned).await;
    world.put("users/u1/a", "old").await;
    world.put("users/u1/a", "new").await;
    world.put("users/u1/b", "b").await;
    world.put("users/u2/a", "other").await;
    let records = world.records("u1").await;
    assert_eq!(records.len(), 3);

    let hidden = world.hide(&records).await;
    assert_eq!(hidden.iter().filter(|(_, marker)| marker.is_some()).count(), 2);
    assert_eq!(world.get("users/u1/a").await, None);
    // A repeated try after a lost reply puts no second marker on it.
    let again = world.conceal(&records).await;
    for ((_, marker), again) in hidden.iter().zip(again) {
        let expected = marker.as_ref().map_or(Concealment::Hidden(None), |m| Concealment::AlreadyHidden(Some(m.clone())));
        assert_eq!(again, expected);
    }
    let markers: Vec<_> = hidden.iter().map(|(_, marker)| marker.clone()).collect();
    assert_eq!(world.connector.concealed(&world.producer, &records).await, Ok(markers));
    assert_eq!(world.history("users/u1/").await.len(), 5);

    assert_eq!(world.reveal(&hidden).await, [PutBack::Restored; 3]);
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("new"));
    assert_eq!(world.reveal(&hidden).await, [PutBack::Restored; 3]);
    assert_eq!(world.history("users/u1/").await.len(), 3);

    let hidden = world.hide(&records).await;
    assert_eq!(world.expunge(&hidden).await, [Ok(()), Ok(()), Ok(())]);
    assert_eq!(world.expunge(&hidden).await, [Ok(()), Ok(()), Ok(())]);
    assert_eq!(world.history("users/u1/").await, BTreeSet::new());
    assert_eq!(world.reveal(&hidden).await, [PutBack::Gone; 3]);
    assert_eq!(world.conceal(&records).await, [Concealment::Absent, Concealment::Absent, Concealment::Absent]);
    assert_eq!(world.get("users/u2/a").await.as_deref(), Some("other"));
}

#[tokio::test]
async fn markers_of_a_lost_reply_are_all_taken_away() {
    let world = World::new(Kind::Versioned).await;
    world.put("users/u1/a", "a").await;
    let records = world.records("u1").await;
    // Two tries whose replies were lost.
    world.delete("users/u1/a", None).await;
    world.delete("users/u1/a", None).await;
    let hidden = world.hide(&records).await;
    assert_eq!(world.connector.concealed(&world.producer, &records).await, Ok(vec![hidden[0].1.clone()]));
    assert_eq!(world.reveal(&hidden).await, [PutBack::Restored]);
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("a"));
}

#[tokio::test]
async fn a_version_that_somebody_wrote_over_is_old_history() {
    let world = World::new(Kind::Versioned).await;
    world.put("users/u1/a", "mine").await;
    let records = world.records("u1").await;
    let newer = world.put("users/u1/a", "newer").await.expect("a version");
    assert_eq!(world.conceal(&records).await, [Concealment::Hidden(None)]);
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("newer"));
    assert_eq!(world.expunge(&[(records[0].clone(), None)]).await, [Ok(())]);
    assert_eq!(world.history("users/u1/a").await, BTreeSet::from([newer]));
}

#[tokio::test]
async fn a_key_rewritten_after_hiding_keeps_what_is_newer() {
    let world = World::new(Kind::Versioned).await;
    for purge in [false, true] {
        let key = format!("users/u{purge}/a");
        world.put(&key, "mine").await;
        let hidden = world.hide(&world.records(&format!("u{purge}")).await).await;
        let newer = world.put(&key, "newer").await.expect("a version");
        if purge {
            assert_eq!(world.expunge(&hidden).await, [Ok(())]);
            assert_eq!(world.history(&key).await, BTreeSet::from([newer]));
        } else {
            assert_eq!(world.reveal(&hidden).await, [PutBack::Conflict]);
            // Our marker is gone from below it, so that the history is whole.
            assert!(world.history(&key).await.iter().all(|v| !v.starts_with('!')));
        }
        assert_eq!(world.get(&key).await.as_deref(), Some("newer"));
    }
}

#[tokio::test]
async fn what_somebody_deleted_after_us_stays_deleted() {
    let world = World::new(Kind::Versioned).await;
    world.put("users/u1/a", "mine").await;
    let hidden = world.hide(&world.records("u1").await).await;
    let theirs = world.delete("users/u1/a", None).await.expect("a marker");
    assert_eq!(world.reveal(&hidden).await, [PutBack::Conflict]);
    assert_eq!(world.get("users/u1/a").await, None);
    assert!(world.history("users/u1/a").await.contains(&format!("!{theirs}")));
}

#[tokio::test]
async fn purging_never_shows_an_older_version_that_stays() {
    let world = World::new(Kind::Versioned).await;
    let old = world.put("users/u1/a", "old").await.expect("a version");
    let new = world.put("users/u1/a", "new").await.expect("a version");
    let records = world.records("u1").await;
    let hidden = world.hide(&[World::record(&records, &new)]).await;
    assert_eq!(world.expunge(&hidden).await, [Ok(())]);
    assert_eq!(world.get("users/u1/a").await, None);
    // The retained version is all that discovery finds, and once it goes nothing is left.
    let left = world.records("u1").await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].key["version_id"], json!(old));
    assert_eq!(world.expunge(&[(left[0].clone(), None)]).await, [Ok(())]);
    assert_eq!(world.history("users/u1/a").await, BTreeSet::new());
}

#[tokio::test]
async fn a_lone_marker_is_purged_and_never_counts_as_data() {
    let world = World::new(Kind::Versioned).await;
    world.delete("users/u1/a", None).await;
    let records = world.records("u1").await;
    let hidden = world.hide(&records).await;
    assert_eq!(hidden[0].1, None);
    assert_eq!(world.reveal(&hidden).await, [PutBack::Restored]);
    assert_eq!(world.expunge(&hidden).await, [Ok(())]);
    assert_eq!(world.history("users/u1/a").await, BTreeSet::new());
}

#[tokio::test]
async fn concealing_needs_versioning_still_on() {
    let world = World::new(Kind::Versioned).await;
    world.put("users/u1/a", "a").await;
    let records = world.records("u1").await;
    world.version(BucketVersioningStatus::Suspended).await;
    let answers = world.connector.conceal(&world.producer, &records).await;
    assert!(matches!(&answers[..], [Err(StoreError::Unusable { .. })]), "{answers:?}");
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("a"));
}

#[tokio::test]
async fn a_batch_larger_than_a_call_is_hidden_and_purged() {
    let world = Arc::new(World::new(Kind::Versioned).await);
    let puts = (0..1_100).map(|n| {
        let world = world.clone();
        async move { world.put(&format!("users/u1/{n:04}"), "x").await }
    });
    futures::StreamExt::collect::<Vec<_>>(futures::StreamExt::buffer_unordered(futures::stream::iter(puts), 16)).await;
    let records = world.records("u1").await;
    assert_eq!(records.len(), 1_100);
    // The second half of a batch starts in the middle of the prefix.
    for half in [&records[550..], &records[..550]] {
        let hidden = world.hide(half).await;
        assert!(hidden.iter().all(|(_, marker)| marker.is_some()));
        assert!(world.expunge(&hidden).await.iter().all(Result::is_ok));
    }
    assert_eq!(world.history("users/u1/").await, BTreeSet::new());
}

#[tokio::test]
async fn locks_are_told_and_a_locked_version_is_not_purged() {
    let world = World::new(Kind::Locking).await;
    let version = world.put("users/u1/locked", "x").await.expect("a version");
    let until = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs() + 10 * 24 * 3600;
    let retention = ObjectLockRetention::builder()
        .mode(ObjectLockRetentionMode::Governance)
        .retain_until_date(DateTime::from_secs(i64::try_from(until).expect("small")))
        .build();
    let request = world.client.put_object_retention().bucket(&world.bucket).key("users/u1/locked").version_id(&version);
    request.retention(retention).send().await.expect("locked");
    let held = world.put("users/u1/held", "x").await.expect("a version");
    let hold = ObjectLockLegalHold::builder().status(ObjectLockLegalHoldStatus::On).build();
    let request = world.client.put_object_legal_hold().bucket(&world.bucket).key("users/u1/held").version_id(&held);
    request.legal_hold(hold).send().await.expect("held");
    world.put("users/u1/free", "x").await;

    let found = world.find("u1", 10).await;
    let locked: BTreeMap<_, _> = found.iter().map(|f| (f.record.key["key"].as_str().expect("a key"), f.locked_until)).collect();
    assert_eq!(locked["users/u1/free"], None);
    assert_eq!(locked["users/u1/held"], Some(Date::MAX));
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    assert!(locked["users/u1/locked"].is_some_and(|d| d > today));

    let records: Vec<_> = found.iter().map(|f| f.record.clone()).collect();
    let hidden = world.hide(&records).await;
    let purged = world.expunge(&hidden).await;
    for ((record, _), purged) in hidden.iter().zip(&purged) {
        let free = record.key["key"] == "users/u1/free";
        assert_eq!(purged.is_ok(), free);
        assert!(free || matches!(purged, Err(StoreError::Record { reason, .. }) if reason.contains("Object Lock")));
    }
    // What could not go stays out of sight.
    assert_eq!(world.get("users/u1/locked").await, None);
    assert_eq!(world.history("users/u1/free").await, BTreeSet::new());
}

#[tokio::test]
async fn an_object_comes_back_byte_for_byte_with_its_headers() {
    let world = World::new(Kind::Plain).await;
    let big: Vec<u8> = (0..20_000_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[2]).collect();
    // The emulator drops the tags of what is uploaded in parts.
    let cases = [("empty", "", Vec::new()), ("small", "team=a%20b&empty=", b"hello".to_vec()), ("big", "", big)];
    for (name, tagging, bytes) in cases {
        let key = &format!("users/u1/{name}");
        world
            .client
            .put_object()
            .bucket(&world.bucket)
            .key(key)
            .content_type("text/x-note")
            .content_encoding("identity")
            .cache_control("no-store")
            .metadata("owner", "u1")
            .set_tagging((!tagging.is_empty()).then(|| tagging.to_owned()))
            .body(ByteStream::from(bytes.clone()))
            .send()
            .await
            .expect("put");
        let record = RecordRef { key: json!({ "key": key }), matched: None };
        let (expected, envelope, copy) = world.vault(&record).await;
        assert_eq!(copy, bytes);
        assert_eq!(world.remove(expected.clone()).await, Ok(Removal::Removed));
        assert_eq!(world.get(key).await, None);
        assert_eq!(world.remove(expected).await, Ok(Removal::Absent));
        assert!(read_one(world.connector.as_ref(), &world.producer, &record).await.is_none());

        assert_eq!(world.put_back(&record, envelope.clone(), copy.clone()).await, Ok(PutBack::Restored), "{key}");
        let reply = world.client.get_object().bucket(&world.bucket).key(key).send().await.expect("there");
        assert_eq!(reply.content_type(), Some("text/x-note"));
        assert_eq!(reply.content_encoding(), Some("identity"));
        assert_eq!(reply.cache_control(), Some("no-store"));
        assert_eq!(reply.metadata().and_then(|m| m.get("owner")).map(String::as_str), Some("u1"));
        assert_eq!(reply.body.collect().await.expect("a body").to_vec(), bytes);
        let tags = world.client.get_object_tagging().bucket(&world.bucket).key(key).send().await.expect("tags");
        let tags: BTreeMap<_, _> = tags.tag_set().iter().map(|t| (t.key(), t.value())).collect();
        let expected = if tagging.is_empty() { BTreeMap::new() } else { BTreeMap::from([("team", "a b"), ("empty", "")]) };
        assert_eq!(tags, expected);

        // A repeated try finds its own work, even where the entity tag is that of another way of uploading.
        assert_eq!(world.put_back(&record, envelope, copy).await, Ok(PutBack::Restored), "{key}");
    }
}

#[tokio::test]
async fn a_changed_object_is_neither_removed_nor_overwritten() {
    let world = World::new(Kind::Plain).await;
    world.put("users/u1/a", "old").await;
    let record = world.records("u1").await.remove(0);
    let (expected, envelope, copy) = world.vault(&record).await;
    world.put("users/u1/a", "new").await;
    assert_eq!(world.remove(expected).await, Ok(Removal::Changed));
    assert_eq!(world.put_back(&record, envelope.clone(), copy.clone()).await, Ok(PutBack::Conflict));
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("new"));
    // As long as it was, but cut or stretched on its way.
    world.delete("users/u1/a", None).await;
    let mut short = returned(&record, envelope, copy);
    short.length += 1;
    let answer = world.connector.put_back(&world.producer, vec![short]).await.remove(0);
    assert!(matches!(answer, Err(StoreError::Record { .. })), "{answer:?}");
    assert_eq!(world.get("users/u1/a").await, None);
}

#[tokio::test]
async fn a_body_is_of_the_version_read_or_of_none() {
    let world = World::new(Kind::Plain).await;
    world.put("users/u1/a", "old").await;
    let record = world.records("u1").await.remove(0);
    let snapshot = read_one(world.connector.as_ref(), &world.producer, &record).await.expect("there");
    world.put("users/u1/a", "new").await;
    let pieces: Vec<_> = futures::StreamExt::collect(snapshot.body).await;
    assert!(matches!(&pieces[..], [Err(StoreError::Unavailable { .. })]), "{pieces:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_removers_one_removes() {
    let world = Arc::new(World::new(Kind::Plain).await);
    for n in 0..10 {
        world.put(&format!("users/u1/{n}"), "x").await;
    }
    let records = world.records("u1").await;
    let mut all = Vec::new();
    for record in &records {
        all.push(world.vault(record).await.0);
    }
    let removers: Vec<_> = (0..16)
        .map(|_| {
            let (world, all) = (world.clone(), all.clone());
            tokio::spawn(async move { world.connector.remove(&world.producer, &all).await })
        })
        .collect();
    let mut removed = 0;
    for remover in removers {
        for answer in remover.await.expect("no panic") {
            match answer.expect("an answer") {
                Removal::Removed => removed += 1,
                Removal::Absent => {}
                Removal::Changed => panic!("nothing changed"),
            }
        }
    }
    assert_eq!(removed, 10);
}

#[tokio::test]
async fn a_bucket_versioned_since_is_not_deleted_from() {
    let world = World::new(Kind::Plain).await;
    world.put("users/u1/a", "a").await;
    let record = world.records("u1").await.remove(0);
    let (expected, ..) = world.vault(&record).await;
    world.version(BucketVersioningStatus::Enabled).await;
    let answer = world.remove(expected).await;
    assert!(matches!(answer, Err(StoreError::Unusable { .. })), "{answer:?}");
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("a"));
}

#[tokio::test]
async fn a_suspended_bucket_gives_up_its_old_versions_too() {
    let world = World::new(Kind::Versioned).await;
    world.put("users/u1/a", "old").await;
    world.version(BucketVersioningStatus::Suspended).await;
    world.put("users/u1/a", "current").await;
    let connector = S3::new(world.client.clone(), WINDOW);
    let world = World { connector: Arc::new(connector), ..world };
    let records = world.records("u1").await;
    assert_eq!(records.len(), 2);
    let mut copies = Vec::new();
    for record in &records {
        copies.push(world.vault(record).await);
    }
    let all: Vec<_> = copies.iter().map(|c| c.0.clone()).collect();
    assert_eq!(world.connector.remove(&world.producer, &all).await, [Ok(Removal::Removed), Ok(Removal::Removed)]);
    assert_eq!(world.history("users/u1/a").await, BTreeSet::new());
    for (record, (_, envelope, copy)) in records.iter().zip(copies) {
        let current = record.matched.is_some();
        let answer = world.put_back(record, envelope, copy).await;
        assert_eq!(answer.is_ok(), current, "{answer:?}");
    }
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("current"));
}

#[tokio::test]
async fn no_error_repeats_a_key() {
    let world = World::new(Kind::Plain).await;
    let mut missing = world.producer.clone();
    missing.location = Location::Bucket(S3Objects { bucket: "no-such-bucket-here".to_owned() });
    let secret = RecordRef { key: json!({ "key": "users/alice/x", "version_id": "v" }), matched: None };
    let selector = Selector { selection: &missing.select[0], value: "alice", fields: &[], found_otherwise: NOBODY };
    let hidden = [(secret.clone(), None)];
    let connector = &world.connector;
    let expected =
        [oubli_engine::ports::Expected { record: secret.clone(), version: oubli_engine::ports::Version(json!({ "etag": "e" })) }];
    let errors = [
        connector.discover(&missing, selector, None, 1).await.err(),
        connector.reread(&missing, &[secret.clone()], &[]).await.err(),
        connector.conceal(&missing, &[secret.clone()]).await.remove(0).err(),
        connector.reveal(&missing, &hidden).await.remove(0).err(),
        connector.expunge(&missing, &hidden).await.remove(0).err(),
        connector.remove(&missing, &expected).await.remove(0).err(),
        connector.put_back(&missing, vec![returned(&secret, json!({}), Vec::new())]).await.remove(0).err(),
    ];
    for (place, error) in errors.into_iter().enumerate() {
        let error = error.unwrap_or_else(|| panic!("call {place} fails"));
        for form in [error.to_string(), format!("{error:?}")] {
            assert!(!form.contains("alice"), "{form}");
        }
    }
}

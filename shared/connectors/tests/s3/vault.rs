//! Hiding through the vault: what is special to objects.

use crate::{
    support::{read_one, removals, returned},
    world::{BucketKind, Fixture},
};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::BucketVersioningStatus;
use oubli_connectors::S3;
use oubli_engine::ports::{Applied, Connector, PutBack, RecordRef, StoreError};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

#[tokio::test]
async fn objects_of_every_size_come_back_with_their_headers() {
    let world = Fixture::new(BucketKind::Plain).await;
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
        let record = RecordRef { key: json!({ "key": key }), matched: None, selection: None };
        let (expected, envelope, copy) = world.vault(&record).await;
        assert_eq!(copy, bytes);
        assert_eq!(world.remove(expected).await, Ok(Applied::Done));
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
async fn a_copy_that_was_cut_on_its_way_is_refused() {
    let world = Fixture::new(BucketKind::Plain).await;
    world.put("users/u1/a", "old").await;
    let record = world.records("u1").await.remove(0);
    let (_, envelope, copy) = world.vault(&record).await;
    world.delete("users/u1/a", None).await;
    let mut short = returned(&record, envelope, copy);
    short.length += 1;
    let answer = world.connector.put_back(&world.producer, vec![short]).await.remove(0);
    assert!(matches!(answer, Err(StoreError::Record { .. })), "{answer:?}");
    assert_eq!(world.get("users/u1/a").await, None);
}

#[tokio::test]
async fn a_body_is_of_the_version_read_or_of_none() {
    let world = Fixture::new(BucketKind::Plain).await;
    world.put("users/u1/a", "old").await;
    let record = world.records("u1").await.remove(0);
    let snapshot = read_one(world.connector.as_ref(), &world.producer, &record).await.expect("there");
    world.put("users/u1/a", "new").await;
    let pieces: Vec<_> = futures::StreamExt::collect(snapshot.body).await;
    assert!(matches!(&pieces[..], [Err(StoreError::Unavailable { .. })]), "{pieces:?}");
}

#[tokio::test]
async fn a_bucket_versioned_since_is_not_deleted_from() {
    let world = Fixture::new(BucketKind::Plain).await;
    world.put("users/u1/a", "a").await;
    let record = world.records("u1").await.remove(0);
    let (expected, ..) = world.vault(&record).await;
    world.version(BucketVersioningStatus::Enabled).await;
    let answer = world.remove(expected).await;
    assert!(matches!(answer, Err(StoreError::Unusable { .. })), "{answer:?}");
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("a"));
}

#[tokio::test]
async fn a_bucket_versioned_since_takes_its_objects_back() {
    let world = Fixture::new(BucketKind::Plain).await;
    for key in ["users/u1/a", "users/u1/b", "users/u1/c"] {
        world.put(key, "old").await;
    }
    let records = world.records("u1").await;
    let mut copies = Vec::new();
    for record in &records {
        let (expected, envelope, copy) = world.vault(record).await;
        assert_eq!(world.remove(expected).await, Ok(Applied::Done));
        copies.push((envelope, copy));
    }
    world.version(BucketVersioningStatus::Enabled).await;
    // Whoever restores days later has not seen the bucket before.
    let world = Fixture { connector: Arc::new(S3::new(world.client.clone())), ..world };
    // Something newer, and something newer that was deleted again.
    world.put("users/u1/b", "newer").await;
    world.put("users/u1/c", "newer").await;
    world.delete("users/u1/c", None).await;
    let mut answers = Vec::new();
    for _ in 0..2 {
        for (record, (envelope, copy)) in records.iter().zip(&copies) {
            answers.push(world.put_back(record, envelope.clone(), copy.clone()).await.expect("an answer"));
        }
    }
    // A second try finds what the first one did.
    let expected = [PutBack::Restored, PutBack::Conflict, PutBack::Restored];
    assert_eq!(answers, [expected, expected].concat());
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("old"));
    assert_eq!(world.get("users/u1/b").await.as_deref(), Some("newer"));
    assert_eq!(world.get("users/u1/c").await.as_deref(), Some("old"));
    assert_eq!(world.history("users/u1/a").await.len(), 1);
}

#[tokio::test]
async fn a_suspended_bucket_gives_up_its_old_versions_too() {
    let world = Fixture::new(BucketKind::Versioned).await;
    world.put("users/u1/a", "old").await;
    world.version(BucketVersioningStatus::Suspended).await;
    world.put("users/u1/a", "current").await;
    let connector = S3::new(world.client.clone());
    let world = Fixture { connector: Arc::new(connector), ..world };
    let records = world.records("u1").await;
    assert_eq!(records.len(), 2);
    let mut copies = Vec::new();
    for record in &records {
        copies.push(world.vault(record).await);
    }
    let all: Vec<_> = copies.iter().map(|c| c.0.clone()).collect();
    assert_eq!(world.connector.apply(&world.producer, &removals(all)).await, [Ok(Applied::Done), Ok(Applied::Done)]);
    assert_eq!(world.history("users/u1/a").await, BTreeSet::new());
    for (record, (_, envelope, copy)) in records.iter().zip(copies) {
        if record.matched.is_some() {
            assert_eq!(world.put_back(record, envelope, copy).await, Ok(PutBack::Restored));
            continue;
        }
        // Also where versioning is on again, it would become the current one.
        for status in [BucketVersioningStatus::Enabled, BucketVersioningStatus::Suspended] {
            world.version(status).await;
            let world = Fixture { connector: Arc::new(S3::new(world.client.clone())), ..world.clone() };
            let answer = world.put_back(record, envelope.clone(), copy.clone()).await;
            assert!(matches!(&answer, Err(StoreError::Record { reason, .. }) if reason.contains("old version")), "{answer:?}");
        }
    }
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("current"));
}

#[tokio::test]
async fn keys_that_no_list_of_keys_can_hold_are_hidden_and_put_back() {
    let world = Fixture::new(BucketKind::Plain).await;
    for key in ["users/u1/\u{1}odd", "users/u1/Icon\r", "users/u1/a&<b>"] {
        world.put(key, "x").await;
        let record = world.records("u1").await.remove(0);
        assert_eq!(record.key, json!({ "key": key }));
        let (expected, envelope, copy) = world.vault(&record).await;
        assert_eq!(world.remove(expected.clone()).await, Ok(Applied::Done));
        assert_eq!(world.remove(expected.clone()).await, Ok(Applied::Absent));
        assert_eq!(world.put_back(&record, envelope, copy).await, Ok(PutBack::Restored));
        world.put(key, "y").await;
        assert_eq!(world.remove(expected).await, Ok(Applied::Changed));
        world.delete(key, None).await;
    }
}

//! Hard keys, as far as the emulator takes them: what it changes itself is in the tests with answers of our own.

use crate::{
    support::hard_keys,
    world::{BucketKind, Fixture},
};
use oubli_engine::ports::{Applied, Destruction, PutBack};
use std::collections::BTreeSet;

async fn filled(kind: BucketKind) -> (Fixture, BTreeSet<String>) {
    let world = Fixture::new(kind).await;
    let keys: BTreeSet<String> = hard_keys::plain("users/u1/").into_iter().collect();
    for key in &keys {
        world.put(key, &format!("what is in {key:?}")).await;
        assert!(world.get(key).await.is_some(), "the emulator takes {key:?}");
    }
    (world, keys)
}

#[tokio::test]
async fn hard_keys_of_a_versioned_bucket_are_hidden_shown_and_destroyed() {
    let (world, keys) = filled(BucketKind::Versioned).await;
    let records = world.records("u1").await;
    let found: BTreeSet<_> = records.iter().map(|r| r.key["key"].as_str().expect("a key").to_owned()).collect();
    assert_eq!(found, keys);
    let hidden = world.hide(&records).await;
    for key in &keys {
        assert_eq!(world.get(key).await, None, "{key:?}");
    }
    assert_eq!(world.undelete(&hidden).await, vec![PutBack::Restored; hidden.len()]);
    for key in &keys {
        assert_eq!(world.get(key).await, Some(format!("what is in {key:?}")));
    }
    let hidden = world.hide(&records).await;
    assert_eq!(world.purge(&hidden).await, vec![Ok(Destruction::Destroyed); hidden.len()]);
    assert!(world.records("u1").await.is_empty());
}

#[tokio::test]
async fn hard_keys_of_a_plain_bucket_are_copied_removed_and_put_back() {
    let (world, keys) = filled(BucketKind::Plain).await;
    let records = world.records("u1").await;
    assert_eq!(records.len(), keys.len());
    for record in records {
        let (expected, envelope, bytes) = world.vault(&record).await;
        assert_eq!(world.remove(expected).await, Ok(Applied::Done));
        let key = record.key["key"].as_str().expect("a key");
        assert_eq!(world.get(key).await, None, "{key:?}");
        assert_eq!(world.put_back(&record, envelope, bytes).await, Ok(PutBack::Restored));
        assert_eq!(world.get(key).await, Some(format!("what is in {key:?}")));
    }
}

//! Finding objects.

use crate::{
    support::{WINDOW, discover, exactly, removals, returned, under},
    world::{BucketKind, Fixture},
};
use aws_sdk_s3::types::BucketVersioningStatus;
use oubli_domain::datamap::{Location, S3Objects};
use oubli_engine::ports::{Caution, Connector, HideMethod, OldVersions, RecordRef, Selector, StoreError, Way};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

#[tokio::test]
async fn versioning_decides_how_a_bucket_hides() {
    let plain = Fixture::new(BucketKind::Plain).await;
    let capabilities = plain.connector.capabilities(&plain.producer, WINDOW).await.expect("usable");
    assert_eq!((capabilities.hide, capabilities.old_versions), (HideMethod::Vault, OldVersions::None));
    assert_eq!(capabilities.cautions, vec![]);

    let world = Fixture::new(BucketKind::Versioned).await;
    let capabilities = world.connector.capabilities(&world.producer, WINDOW).await.expect("usable");
    assert_eq!((capabilities.hide, capabilities.old_versions), (HideMethod::Native, OldVersions::Kept));
    assert_eq!(capabilities.cautions, vec![]);
    for (days, kept) in [(7, false), (30, false), (31, true), (60, true)] {
        world.drop_old_versions_after(days).await;
        match world.connector.capabilities(&world.producer, WINDOW).await {
            // No lifecycle spares what a hold is placed on later.
            Ok(capabilities) => {
                let dropped = Caution::OldVersionsDropped { days: days.unsigned_abs() };
                assert_eq!((kept, capabilities.hide, capabilities.cautions), (true, HideMethod::Native, vec![dropped]));
            }
            Err(error) => {
                assert!(!kept && matches!(error, StoreError::Unusable { .. }), "{days}: {error}");
                let words = error.to_string();
                assert!(words.contains(&format!("after {days} days")) && words.contains("31 days or more"), "{words}");
            }
        }
        let short = world.connector.capabilities(&world.producer, WINDOW / 10).await.expect("usable");
        assert_eq!(short.hide, HideMethod::Native);
    }

    world.version(BucketVersioningStatus::Suspended).await;
    let capabilities = world.connector.capabilities(&world.producer, WINDOW).await.expect("usable");
    assert_eq!((capabilities.hide, capabilities.old_versions), (HideMethod::Vault, OldVersions::Suspended));
    assert_eq!(capabilities.cautions, [Caution::VersioningSuspended]);

    let mut missing = world.producer.clone();
    missing.location = Location::Bucket(S3Objects { bucket: "no-such-bucket-here".to_owned() });
    let error = world.connector.capabilities(&missing, WINDOW).await.expect_err("missing");
    assert!(matches!(error, StoreError::Unusable { .. }) && error.to_string().contains("no-such-bucket-here"), "{error}");
}

#[tokio::test]
async fn discovery_pages_to_the_end_and_stays_inside_the_prefix() {
    for kind in [BucketKind::Plain, BucketKind::Versioned] {
        let world = Fixture::new(kind).await;
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
        let again = world
            .connector
            .reread(&world.producer, &records, &fields)
            .await
            .into_iter()
            .collect::<Result<Vec<_>, _>>()
            .expect("read");
        for (record, again) in records.iter().zip(again) {
            let again = again.expect("there");
            assert_eq!(&again.record, record);
            assert_eq!(again.bytes, 1);
            assert!(fields[..3].iter().all(|name| again.fields.text(name).is_some()), "{fields:?}");
        }
    }
}

#[tokio::test]
async fn an_identity_with_a_delimiter_is_refused() {
    let world = Fixture::new(BucketKind::Plain).await;
    for value in ["", "u1/../u2"] {
        let selector = Selector { way: Way { selection: &world.producer.select[0], value }, fields: &[], but: &[] };
        let error = world.connector.discover(&world.producer, selector, None, 10).await.expect_err("refused");
        assert!(matches!(error, StoreError::Record { .. }) && !error.to_string().contains("u2"), "{error}");
    }
}

#[tokio::test]
async fn an_object_of_a_key_is_found_and_none_that_begins_with_it() {
    for (kind, versions) in [(BucketKind::Plain, 1), (BucketKind::Versioned, 2)] {
        let world = Fixture::new(kind).await;
        for key in ["avatars/u1.png", "avatars/u1.png.bak", "avatars/u10.png", "avatars/u1.png/x"] {
            world.put(key, "1").await;
        }
        world.put("avatars/u1.png", "2").await;
        for (template, value) in [("avatars/{}.png", "u1"), ("{}", "avatars/u1.png")] {
            let way = exactly(template);
            for limit in [1, 2, 1_000] {
                let selector = Selector { way: Way { selection: &way, value }, fields: &[], but: &[] };
                let (found, _) = discover(world.connector.as_ref(), &world.producer, selector, limit).await;
                assert_eq!(found.len(), versions, "{template}, pages of {limit}");
                assert!(found.iter().all(|f| f.record.key["key"] == json!("avatars/u1.png")), "{found:?}");
            }
        }
        let nobody = exactly("avatars/{}.png");
        let selector = Selector { way: Way { selection: &nobody, value: "u" }, fields: &[], but: &[] };
        assert!(discover(world.connector.as_ref(), &world.producer, selector, 10).await.0.is_empty());
    }
}

#[tokio::test]
async fn what_a_longer_prefix_or_a_key_finds_is_left_to_it() {
    let world = Fixture::new(BucketKind::Versioned).await;
    for key in ["users/u1/a", "users/u1/contracts/1", "users/u1/contracts/2", "users/u1/contractsx", "users/u1/photo.jpg"] {
        world.put(key, "1").await;
        world.put(key, "2").await;
    }
    let (contracts, photo) = (under("users/{}/contracts/"), exactly("users/{}/photo.jpg"));
    let others = [&contracts, &photo].map(|selection| Way { selection, value: "u1" });
    for limit in [1, 3, 1_000] {
        let way = Way { selection: &world.producer.select[0], value: "u1" };
        let selector = Selector { way, fields: &[], but: &others };
        let (found, _) = discover(world.connector.as_ref(), &world.producer, selector, limit).await;
        let keys: Vec<_> = found.iter().map(|f| f.record.key["key"].as_str().expect("a key").to_owned()).collect();
        assert_eq!(keys, ["users/u1/a", "users/u1/a", "users/u1/contractsx", "users/u1/contractsx"], "pages of {limit}");
    }
}

#[tokio::test]
async fn old_versions_are_found_and_markers_that_cover_them_are_not() {
    let world = Fixture::new(BucketKind::Versioned).await;
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
async fn no_error_repeats_a_key() {
    let world = Fixture::new(BucketKind::Plain).await;
    let mut missing = world.producer.clone();
    missing.location = Location::Bucket(S3Objects { bucket: "no-such-bucket-here".to_owned() });
    let secret = RecordRef { key: json!({ "key": "users/alice/x", "version_id": "v" }), matched: None, selection: None };
    let selector = Selector { way: Way { selection: &missing.select[0], value: "alice" }, fields: &[], but: &[] };
    let hidden = [(secret.clone(), None)];
    let connector = &world.connector;
    let expected =
        [oubli_engine::ports::Expected { record: secret.clone(), version: oubli_engine::ports::Version(json!({ "etag": "e" })) }];
    let errors = [
        connector.discover(&missing, selector, None, 1).await.err(),
        connector.reread(&missing, std::slice::from_ref(&secret), &[]).await.remove(0).err(),
        connector
            .soft_delete()
            .expect("offered")
            .soft_delete(&missing, &[(secret.clone(), None)], None, WINDOW)
            .await
            .remove(0)
            .err(),
        connector.soft_delete().expect("offered").undelete(&missing, &hidden).await.remove(0).err(),
        connector.soft_delete().expect("offered").purge(&missing, &hidden).await.remove(0).err(),
        connector.apply(&missing, &removals(expected)).await.remove(0).err(),
        connector.put_back(&missing, vec![returned(&secret, json!({}), Vec::new())]).await.remove(0).err(),
    ];
    for (place, error) in errors.into_iter().enumerate() {
        let error = error.unwrap_or_else(|| panic!("call {place} fails"));
        for form in [error.to_string(), format!("{error:?}")] {
            assert!(!form.contains("alice"), "{form}");
        }
    }
}

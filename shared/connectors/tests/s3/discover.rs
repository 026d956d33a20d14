//! Finding objects.

use crate::{
    support::{NOBODY, WINDOW, removals, returned},
    world::{BucketKind, Fixture},
};
use aws_sdk_s3::types::BucketVersioningStatus;
use oubli_domain::datamap::{Location, S3Objects};
use oubli_engine::ports::{Caution, Connector, HideMethod, OldVersions, RecordRef, Selector, StoreError};
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
            assert_eq!((again.bytes, again.fields.len()), (1, 3));
        }
    }
}

#[tokio::test]
async fn an_identity_with_a_delimiter_is_refused() {
    let world = Fixture::new(BucketKind::Plain).await;
    for value in ["", "u1/../u2"] {
        let selector = Selector { selection: &world.producer.select[0], value, fields: &[], found_otherwise: NOBODY };
        let error = world.connector.discover(&world.producer, selector, None, 10).await.expect_err("refused");
        assert!(matches!(error, StoreError::Record { .. }) && !error.to_string().contains("u2"), "{error}");
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
    let secret = RecordRef { key: json!({ "key": "users/alice/x", "version_id": "v" }), matched: None };
    let selector = Selector { selection: &missing.select[0], value: "alice", fields: &[], found_otherwise: NOBODY };
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

//! Hiding by delete markers.

use crate::{
    support::WINDOW,
    world::{BucketKind, Fixture, unnoted},
};
use aws_sdk_s3::primitives::DateTime;
use aws_sdk_s3::types::{
    BucketVersioningStatus, ObjectLockLegalHold, ObjectLockLegalHoldStatus, ObjectLockRetention, ObjectLockRetentionMode,
};
use jiff::{SignedDuration, Timestamp, civil::Date};
use oubli_engine::ports::{
    Connector,
    Destruction::{Destroyed, Locked, Stands},
    PutBack, RecordRef, SoftDeletion, StoreError, Tombstone,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::SystemTime;

/// What may be ours of what lies on records, to whoever noted nothing and may have tried this minute.
async fn soft_deleted(world: &Fixture, records: &[RecordRef]) -> Vec<Option<Tombstone>> {
    let soft_deleted =
        world.connector.soft_delete().expect("offered").soft_deleted(&world.producer, &unnoted(records), Timestamp::now()).await;
    soft_deleted.into_iter().map(|c| c.expect("an answer")).collect()
}

#[tokio::test]
async fn soft_deleted_versions_undelete_and_purge_to_the_last() {
    let world = Fixture::new(BucketKind::Versioned).await;
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
    let again = world.soft_delete_again(&unnoted(&records), Some(Timestamp::now())).await;
    for ((_, marker), again) in hidden.iter().zip(again) {
        let expected = marker.as_ref().map_or(SoftDeletion::Hidden(None), |m| SoftDeletion::AlreadyHidden(m.clone()));
        assert_eq!(again, expected);
    }
    let markers: Vec<_> = hidden.iter().map(|(_, marker)| marker.clone()).collect();
    assert_eq!(soft_deleted(&world, &records).await, markers);
    assert_eq!(world.history("users/u1/").await.len(), 5);

    assert_eq!(world.undelete(&hidden).await, [PutBack::Restored; 3]);
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("new"));
    assert_eq!(world.undelete(&hidden).await, [PutBack::Restored; 3]);
    assert_eq!(world.history("users/u1/").await.len(), 3);

    let hidden = world.hide(&records).await;
    assert_eq!(world.purge(&hidden).await, [Ok(Destroyed), Ok(Destroyed), Ok(Destroyed)]);
    assert_eq!(world.purge(&hidden).await, [Ok(Destroyed), Ok(Destroyed), Ok(Destroyed)]);
    assert_eq!(world.history("users/u1/").await, BTreeSet::new());
    assert_eq!(world.undelete(&hidden).await, [PutBack::Gone; 3]);
    assert_eq!(world.soft_delete(&records).await, [SoftDeletion::Absent, SoftDeletion::Absent, SoftDeletion::Absent]);
    assert_eq!(world.get("users/u2/a").await.as_deref(), Some("other"));
}

#[tokio::test]
async fn markers_of_a_lost_reply_are_all_taken_away() {
    let world = Fixture::new(BucketKind::Versioned).await;
    world.put("users/u1/a", "a").await;
    let records = world.records("u1").await;
    // Two tries whose replies were lost.
    let tried_since = Timestamp::now();
    world.delete("users/u1/a", None).await;
    world.delete("users/u1/a", None).await;
    assert_eq!(world.soft_delete(&records).await, [SoftDeletion::Hidden(None)], "before the first try no marker can be ours");
    let found = soft_deleted(&world, &records).await.remove(0).expect("markers");
    let again = world.soft_delete_again(&unnoted(&records), Some(tried_since)).await;
    assert_eq!(again, [SoftDeletion::AlreadyHidden(found.clone())]);
    let hidden = [(records[0].clone(), Some(found))];
    assert_eq!(world.undelete(&hidden).await, [PutBack::Restored]);
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("a"));
}

#[tokio::test]
async fn a_version_that_somebody_wrote_over_is_old_history() {
    let world = Fixture::new(BucketKind::Versioned).await;
    world.put("users/u1/a", "mine").await;
    let records = world.records("u1").await;
    let newer = world.put("users/u1/a", "newer").await.expect("a version");
    assert_eq!(world.soft_delete(&records).await, [SoftDeletion::Hidden(None)]);
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("newer"));
    assert_eq!(world.purge(&[(records[0].clone(), None)]).await, [Ok(Destroyed)]);
    assert_eq!(world.history("users/u1/a").await, BTreeSet::from([newer]));
}

#[tokio::test]
async fn a_key_rewritten_after_hiding_keeps_what_is_newer() {
    let world = Fixture::new(BucketKind::Versioned).await;
    for purge in [false, true] {
        let key = format!("users/u{purge}/a");
        world.put(&key, "mine").await;
        let hidden = world.hide(&world.records(&format!("u{purge}")).await).await;
        let newer = world.put(&key, "newer").await.expect("a version");
        if purge {
            assert_eq!(world.purge(&hidden).await, [Ok(Destroyed)]);
            assert_eq!(world.history(&key).await, BTreeSet::from([newer]));
        } else {
            assert_eq!(world.undelete(&hidden).await, [PutBack::Conflict]);
            // Our marker is gone from below it, so that the history is whole.
            assert!(world.history(&key).await.iter().all(|v| !v.starts_with('!')));
        }
        assert_eq!(world.get(&key).await.as_deref(), Some("newer"));
    }
}

#[tokio::test]
async fn a_marker_that_nobody_noted_is_told_though_something_newer_lies_on_it() {
    let world = Fixture::new(BucketKind::Versioned).await;
    world.put("users/u1/a", "before").await;
    world.delete("users/u1/a", None).await;
    let mine = world.put("users/u1/a", "mine").await.expect("a version");
    let records = [Fixture::record(&world.records("u1").await, &mine)];
    let hidden = world.hide(&records).await;
    world.put("users/u1/a", "newer").await;
    world.delete("users/u1/a", None).await;
    // Neither the marker below it nor the one above what is newer.
    let marker = hidden[0].1.clone().expect("a marker");
    assert_eq!(soft_deleted(&world, &records).await, [Some(marker.clone())]);
    assert_eq!(world.soft_delete(&records).await, [SoftDeletion::Hidden(None)], "before the first try no marker can be ours");
    let again = world.soft_delete_again(&unnoted(&records), Some(Timestamp::now())).await;
    assert_eq!(again, [SoftDeletion::AlreadyHidden(marker)]);
    let tomorrow = Timestamp::now() + SignedDuration::from_hours(24);
    let before_any_try = world.soft_delete_again(&unnoted(&records), Some(tomorrow)).await;
    assert_eq!(before_any_try, [SoftDeletion::Hidden(None)], "it was put before we tried");
}

#[tokio::test]
async fn a_marker_that_was_noted_is_told_whatever_lies_on_it() {
    let world = Fixture::new(BucketKind::Versioned).await;
    world.put("users/u1/a", "mine").await;
    let cover = world.delete("users/u1/a", None).await;
    // Found while it was covered, and shown again before it was hidden.
    let records = world.records("u1").await;
    world.delete("users/u1/a", cover.as_deref()).await;
    let hidden = world.hide(&records).await;
    let noted = hidden[0].1.clone().expect("a marker");
    for delete in [true, false] {
        if delete {
            world.delete("users/u1/a", None).await;
        } else {
            world.put("users/u1/a", "newer").await;
        }
        let told = world.connector.soft_delete().expect("offered").soft_deleted(&world.producer, &hidden, Timestamp::now()).await;
        assert_eq!(told, [Ok(Some(noted.clone()))]);
        let again = world.soft_delete_again(&hidden, Some(Timestamp::now())).await;
        assert_eq!(again, [SoftDeletion::AlreadyHidden(noted.clone())]);
    }
    assert_eq!(world.undelete(&hidden).await, [PutBack::Conflict]);
}

#[tokio::test]
async fn a_marker_that_was_noted_is_told_though_its_version_is_gone() {
    let world = Fixture::new(BucketKind::Versioned).await;
    world.put("users/u1/a", "before").await;
    let mine = world.put("users/u1/a", "mine").await.expect("a version");
    let records = world.records("u1").await;
    let hidden = world.hide(&[Fixture::record(&records, &mine)]).await;
    world.delete("users/u1/a", Some(&mine)).await;
    let again = world.soft_delete_again(&hidden, Some(Timestamp::now())).await;
    assert_eq!(again, [SoftDeletion::AlreadyHidden(hidden[0].1.clone().expect("a marker"))]);
    // Whoever went back to the version before it sees that again.
    assert_eq!(world.undelete(&hidden).await, [PutBack::Gone]);
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("before"));
}

#[tokio::test]
async fn what_somebody_deleted_after_us_stays_deleted() {
    let world = Fixture::new(BucketKind::Versioned).await;
    world.put("users/u1/a", "mine").await;
    let hidden = world.hide(&world.records("u1").await).await;
    let theirs = world.delete("users/u1/a", None).await.expect("a marker");
    assert_eq!(world.undelete(&hidden).await, [PutBack::Conflict]);
    assert_eq!(world.get("users/u1/a").await, None);
    assert!(world.history("users/u1/a").await.contains(&format!("!{theirs}")));
}

#[tokio::test]
async fn what_somebody_shows_again_is_not_purged() {
    let world = Fixture::new(BucketKind::Versioned).await;
    world.put("users/u1/a", "mine").await;
    world.put("users/u1/b", "mine").await;
    let hidden = world.hide(&world.records("u1").await).await;
    for marker in hidden[0].1.iter().flat_map(|m| m.0["version_ids"].as_array().expect("ids").clone()) {
        world.delete("users/u1/a", marker.as_str()).await;
    }
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("mine"));
    assert_eq!(world.purge(&hidden).await, [Ok(Stands), Ok(Destroyed)]);
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("mine"));
    assert_eq!(world.history("users/u1/b").await, BTreeSet::new());
}

#[tokio::test]
async fn purging_never_shows_an_older_version_that_stays() {
    let world = Fixture::new(BucketKind::Versioned).await;
    let old = world.put("users/u1/a", "old").await.expect("a version");
    let new = world.put("users/u1/a", "new").await.expect("a version");
    let records = world.records("u1").await;
    let hidden = world.hide(&[Fixture::record(&records, &new)]).await;
    assert_eq!(world.purge(&hidden).await, [Ok(Destroyed)]);
    assert_eq!(world.get("users/u1/a").await, None);
    // The retained version is all that discovery finds, and once it goes nothing is left.
    let left = world.records("u1").await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].key["version_id"], json!(old));
    assert_eq!(world.purge(&[(left[0].clone(), None)]).await, [Ok(Destroyed)]);
    assert_eq!(world.history("users/u1/a").await, BTreeSet::new());
}

#[tokio::test]
async fn a_lone_marker_is_purged_and_never_counts_as_data() {
    let world = Fixture::new(BucketKind::Versioned).await;
    world.delete("users/u1/a", None).await;
    let records = world.records("u1").await;
    let hidden = world.hide(&records).await;
    assert_eq!(hidden[0].1, None);
    assert_eq!(world.undelete(&hidden).await, [PutBack::Restored]);
    assert_eq!(world.purge(&hidden).await, [Ok(Destroyed)]);
    assert_eq!(world.history("users/u1/a").await, BTreeSet::new());
}

#[tokio::test]
async fn soft_delete_needs_versioning_still_on() {
    let world = Fixture::new(BucketKind::Versioned).await;
    world.put("users/u1/a", "a").await;
    let records = world.records("u1").await;
    world.version(BucketVersioningStatus::Suspended).await;
    let answers =
        world.connector.soft_delete().expect("offered").soft_delete(&world.producer, &unnoted(&records), None, WINDOW).await;
    assert!(matches!(&answers[..], [Err(StoreError::Unusable { .. })]), "{answers:?}");
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("a"));
}

#[tokio::test]
async fn soft_delete_needs_old_versions_kept_longer_than_the_window() {
    let world = Fixture::new(BucketKind::Versioned).await;
    world.put("users/u1/a", "a").await;
    let records = world.records("u1").await;
    for (days, hidden) in [(30, false), (31, true)] {
        world.drop_old_versions_after(days).await;
        let answers =
            world.connector.soft_delete().expect("offered").soft_delete(&world.producer, &unnoted(&records), None, WINDOW).await;
        match &answers[..] {
            [Ok(SoftDeletion::Hidden(Some(_)))] => assert!(hidden, "{days}"),
            [Err(StoreError::Unusable { reason, .. })] => assert!(!hidden && reason.contains("lifecycle"), "{days}: {reason}"),
            other => panic!("{days}: {other:?}"),
        }
        assert_eq!(world.get("users/u1/a").await.is_none(), hidden);
    }
}

#[tokio::test]
async fn a_batch_larger_than_a_call_is_hidden_and_purged() {
    let world = Arc::new(Fixture::new(BucketKind::Versioned).await);
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
        assert!(world.purge(&hidden).await.iter().all(Result::is_ok));
    }
    assert_eq!(world.history("users/u1/").await, BTreeSet::new());
}

#[tokio::test]
async fn locks_are_told_and_a_locked_version_is_not_purged() {
    let world = Fixture::new(BucketKind::Locking).await;
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
    for _ in 0..2 {
        let purged = world.purge(&hidden).await;
        for ((record, _), purged) in hidden.iter().zip(purged) {
            let until = locked[record.key["key"].as_str().expect("a key")];
            assert_eq!(purged, Ok(until.map_or(Destroyed, Locked)));
        }
        // What could not go stays out of sight, under the marker it has.
        for key in ["users/u1/locked", "users/u1/held"] {
            assert_eq!((world.get(key).await, world.history(key).await.len()), (None, 2), "{key}");
        }
        assert_eq!(world.history("users/u1/free").await, BTreeSet::new());
    }

    // Nor does its marker go from below what was written since.
    world.put("users/u1/held", "newer").await;
    assert_eq!(world.purge(&hidden).await.iter().filter(|p| **p == Ok(Locked(Date::MAX))).count(), 1);
    assert_eq!(world.history("users/u1/held").await.len(), 3);

    // Once it is released it goes.
    let hold = ObjectLockLegalHold::builder().status(ObjectLockLegalHoldStatus::Off).build();
    let request = world.client.put_object_legal_hold().bucket(&world.bucket).key("users/u1/held").version_id(&held);
    request.legal_hold(hold).send().await.expect("released");
    let held: Vec<_> = hidden.iter().filter(|(r, _)| r.key["key"] == "users/u1/held").cloned().collect();
    assert_eq!(world.purge(&held).await, [Ok(Destroyed)]);
    assert_eq!(world.history("users/u1/held").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_keeps_writing_loses_no_version() {
    let world = Arc::new(Fixture::new(BucketKind::Versioned).await);
    for n in 0..8 {
        world.put(&format!("users/u1/{n}"), "first").await;
    }
    let records = world.records("u1").await;
    let writers: Vec<_> = (0..8)
        .map(|n| {
            let world = world.clone();
            tokio::spawn(async move {
                let key = format!("users/u1/{n}");
                let mut written = BTreeSet::new();
                for version in 0..20 {
                    written.insert(world.put(&key, &format!("{n} {version}")).await.expect("a version"));
                }
                written
            })
        })
        .collect();
    let mut hidden = Vec::new();
    for _ in 0..3 {
        hidden = world.hide(&records).await;
        world.undelete(&hidden).await;
    }
    let mut written = BTreeSet::new();
    for writer in writers {
        written.extend(writer.await.expect("no panic"));
    }
    assert!(world.purge(&hidden).await.iter().all(Result::is_ok));
    let left: BTreeSet<_> = world.history("users/u1/").await.into_iter().filter(|v| !v.starts_with('!')).collect();
    assert_eq!(left, written);
    for n in 0..8 {
        assert_eq!(world.get(&format!("users/u1/{n}")).await, Some(format!("{n} 19")));
    }
}

#[tokio::test]
async fn what_was_written_as_null_since_it_was_found_is_another() {
    let world = Fixture::new(BucketKind::Plain).await;
    for key in ["users/u1/a", "users/u1/b"] {
        world.put(key, "mine").await;
    }
    world.version(BucketVersioningStatus::Enabled).await;
    let records = world.records("u1").await;
    assert!(records.iter().all(|r| r.key["version_id"] == "null"));
    let hidden = world.hide(&records).await;
    // It replaces both: the application writes one anew, and deletes the other.
    world.version(BucketVersioningStatus::Suspended).await;
    let refused = world.purge(&hidden).await;
    assert!(refused.iter().all(|r| matches!(r, Err(StoreError::Record { .. }))), "each write may replace it: {refused:?}");
    world.put("users/u1/a", "newer").await;
    world.delete("users/u1/b", None).await;
    world.version(BucketVersioningStatus::Enabled).await;
    assert_eq!(world.undelete(&hidden[1..]).await, [PutBack::Gone]);
    assert_eq!(world.purge(&hidden).await, [Ok(Destroyed), Ok(Destroyed)]);
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("newer"));
    assert_eq!(world.soft_delete(&records[..1]).await, [SoftDeletion::Absent]);
    assert_eq!(world.get("users/u1/a").await.as_deref(), Some("newer"));
}

//! Keys of every kind that S3 takes, found, hidden, put back and destroyed.

use crate::{
    bucket::Bucket,
    service::{bare, service},
    support::{WINDOW, body, discover, exactly, expected, hard_keys, producer, removals, returned, under},
};
use oubli_connectors::S3;
use oubli_domain::datamap::{Location, Producer, S3Objects};
use oubli_engine::ports::{Applied, Connector, Destruction, PutBack, RecordRef, Selector, SoftDeletion, StoreError, Way};
use std::collections::BTreeSet;

/// A bucket in which two people have an object of every hard key, and others have what is like theirs.
fn hard(versioned: bool) -> (Bucket, S3, Producer) {
    let bucket = Bucket::new(versioned);
    for key in hard_keys::all("users/u1/").iter().chain(&hard_keys::all("users/u10/")) {
        bucket.put(key, &format!("what is in {key:?}"));
    }
    for key in ["users/u1", "users/u1\u{1}", "users/../u1/x", "users//u1/x", "/users/u1/x", "users/U1/x"] {
        bucket.put(key, "somebody else's");
    }
    let own = bucket.clone();
    let producer = producer(Location::Bucket(S3Objects { bucket: "data".to_owned() }), vec![under("users/{}/")]);
    (bucket, service(move |asked| own.answer(asked)), producer)
}

fn others(bucket: &Bucket) -> Vec<String> {
    bucket.keys().into_iter().filter(|key| !key.starts_with("users/u1/")).collect()
}

async fn found(s3: &S3, producer: &Producer, value: &str, limit: usize) -> Vec<RecordRef> {
    let selector = Selector { way: Way { selection: &producer.select[0], value }, fields: &[], but: &[] };
    discover(s3, producer, selector, limit).await.0.into_iter().map(|f| f.record).collect()
}

fn keys(records: &[RecordRef]) -> BTreeSet<String> {
    records.iter().map(|r| r.key["key"].as_str().expect("a key").to_owned()).collect()
}

#[tokio::test]
async fn every_key_is_found_on_pages_of_every_size() {
    for versioned in [false, true] {
        let (_, s3, producer) = hard(versioned);
        for limit in [1, 2, 7, 1_000] {
            let records = found(&s3, &producer, "u1", limit).await;
            let wanted: BTreeSet<String> = hard_keys::all("users/u1/").into_iter().collect();
            assert_eq!(keys(&records), wanted, "pages of {limit}");
            assert_eq!(records.len(), wanted.len(), "each once");
        }
        // Nothing is a path: two dots are two dots.
        let odd: BTreeSet<String> = ["users/../u1/x".to_owned()].into();
        assert_eq!(keys(&found(&s3, &producer, "..", 10).await), odd);
    }
}

#[tokio::test]
async fn p3_a_key_that_a_row_writes_otherwise_than_its_object_is_flagged_and_no_other_object_taken() {
    for versioned in [false, true] {
        let bucket = Bucket::new(versioned);
        for key in ["up/1.jpg", "up/a b.jpg", "/up/2.jpg", "up/2.jpg", "up/50%25.jpg", "up/50%.jpg", "img/default.png"] {
            bucket.put(key, "x");
        }
        let s3 = service(move |asked| bucket.answer(asked));
        let producer = producer(Location::Bucket(S3Objects { bucket: "data".to_owned() }), vec![exactly("{}")]);
        let nobody = [Way { selection: &producer.select[0], value: "img/default.png" }];
        let find = async |value: &str| {
            let way = Way { selection: &producer.select[0], value };
            s3.discover(&producer, Selector { way, fields: &[], but: &nobody }, None, 10).await
        };
        for odd in ["/up/1.jpg", "//up/1.jpg", "up/a%20b.jpg", "/up/a%20b.jpg"] {
            let refused = find(odd).await.expect_err(odd);
            assert!(
                matches!(&refused, StoreError::Record { .. }) && refused.to_string().contains("as it is written"),
                "{refused}"
            );
            assert!(!refused.to_string().contains("1.jpg") && !refused.to_string().contains("a b"), "{refused}");
        }
        // What is there as it is written is that, whatever else is there.
        for plain in ["up/1.jpg", "/up/2.jpg", "up/50%25.jpg", "up/50%.jpg"] {
            let found = find(plain).await.expect(plain).records;
            assert_eq!(found.iter().map(|f| f.record.key["key"].as_str()).collect::<Vec<_>>(), [Some(plain)]);
        }
        // What nobody has, and what is nobody's, is nothing to flag.
        for nothing in ["/up/3.jpg", "up/%20", "/img/default.png"] {
            assert_eq!(find(nothing).await.expect(nothing).records, []);
        }
    }
}

#[tokio::test]
async fn p5_every_key_of_a_versioned_bucket_is_hidden_shown_and_destroyed() {
    let (bucket, s3, producer) = hard(true);
    let (before, elsewhere) = (bucket.current(), others(&bucket));
    let records: Vec<_> = found(&s3, &producer, "u1", 1_000).await.into_iter().map(|r| (r, None)).collect();
    let own = s3.soft_delete().expect("offered");
    for destroy in [false, true] {
        let done = own.soft_delete(&producer, &records, None, WINDOW).await;
        let hidden = records.iter().zip(done).map(|((record, _), done)| match done {
            Ok(SoftDeletion::Hidden(Some(tombstone))) => (record.clone(), Some(tombstone)),
            other => panic!("{other:?} of {:?}", record.key),
        });
        let hidden: Vec<_> = hidden.collect();
        assert!(bucket.current().keys().all(|key| !key.starts_with("users/u1/")));
        if destroy {
            assert_eq!(own.purge(&producer, &hidden).await, vec![Ok(Destruction::Destroyed); hidden.len()]);
            assert_eq!(bucket.keys(), elsewhere, "nothing of it is left, and nothing else is gone");
        } else {
            assert_eq!(own.undelete(&producer, &hidden).await, vec![Ok(PutBack::Restored); hidden.len()]);
            assert_eq!(bucket.current(), before, "byte for byte");
        }
    }
}

#[tokio::test]
async fn p5_every_key_of_a_plain_bucket_is_copied_removed_and_put_back() {
    let (bucket, s3, producer) = hard(false);
    let (before, elsewhere) = (bucket.current(), others(&bucket));
    let records = found(&s3, &producer, "u1", 1_000).await;
    let mut copies = Vec::new();
    for (record, snapshot) in records.iter().zip(s3.read(&producer, &records, &[]).await) {
        let snapshot = snapshot.expect("readable").expect("there");
        let (expected, envelope) = (expected(record, &snapshot), snapshot.envelope.clone());
        copies.push((expected, envelope, body(snapshot).await));
    }
    let applied = s3.apply(&producer, &removals(copies.iter().map(|(expected, ..)| expected.clone()))).await;
    assert_eq!(applied, vec![Ok(Applied::Done); records.len()]);
    assert_eq!(bucket.keys(), elsewhere, "nothing of it is left, and nothing else is gone");
    let back = copies.iter().map(|(expected, envelope, body)| returned(&expected.record, envelope.clone(), body.clone()));
    assert_eq!(s3.put_back(&producer, back.collect()).await, vec![Ok(PutBack::Restored); records.len()]);
    assert_eq!(bucket.current(), before, "byte for byte");
}

#[tokio::test]
async fn what_has_to_be_deleted_by_itself_is_tried_again_where_the_service_is_at_fault() {
    for (status, passing) in [(503, true), (500, true), (429, true), (400, false)] {
        let bucket = Bucket::new(false);
        bucket.put("users/u1/a\u{1}", "x");
        let own = bucket.clone();
        let s3 = service(move |asked| if asked.method == "DELETE" { bare(status, &[]) } else { own.answer(asked) });
        let producer = producer(Location::Bucket(S3Objects { bucket: "data".to_owned() }), vec![under("users/{}/")]);
        let records = found(&s3, &producer, "u1", 10).await;
        let snapshot = s3.read(&producer, &records, &[]).await.remove(0).expect("readable").expect("there");
        let removed = removals([expected(&records[0], &snapshot)]);
        let applied = s3.apply(&producer, &removed).await;
        match &applied[0] {
            Err(StoreError::Unavailable { .. }) => assert!(passing, "{status}"),
            Err(StoreError::Record { .. }) => assert!(!passing, "{status}"),
            other => panic!("{status}: {other:?}"),
        }
        assert_eq!(bucket.keys().len(), 1);
    }
}

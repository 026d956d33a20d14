//! What an export says of versions, and what it costs to know it.

use crate::{
    bucket::Bucket,
    service::{Asked, service},
    support::{producer, under},
};
use oubli_domain::datamap::{Location, S3Objects};
use oubli_engine::ports::{Connector, ExportForm, ObjectFacts, RecordRef};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// A version as [`Bucket`] names it: the later it was written, the smaller.
fn version(key: &str, written: usize) -> RecordRef {
    let key = json!({ "key": key, "version_id": format!("{:08}", 99_999_999 - written) });
    RecordRef { key, matched: None, selection: None }
}

/// What is said of records that are asked for so many at once, and the listings and what they asked for at most.
async fn told(bucket: &Bucket, records: &[RecordRef], together: usize) -> (Vec<ObjectFacts>, usize, usize) {
    let counts = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
    let (own, counting) = (bucket.clone(), counts.clone());
    let s3 = service(move |asked: &Asked<'_>| {
        if asked.method == "GET" && asked.asks("versions") {
            let most = asked.parameter("max-keys").and_then(|most| most.parse().ok()).unwrap_or(1_000);
            counting.0.fetch_add(1, Ordering::Relaxed);
            counting.1.fetch_add(most, Ordering::Relaxed);
        }
        own.answer(asked)
    });
    let producer = producer(Location::Bucket(S3Objects { bucket: "data".to_owned() }), vec![under("users/{}/")]);
    let ExportForm::Files(files) = s3.form() else { panic!("objects are files") };
    let mut facts = Vec::new();
    for some in records.chunks(together) {
        for (record, shown) in some.iter().zip(s3.show(&producer, some).await) {
            facts.push(files.facts(record, &shown.expect("answered").expect("there")).expect("an object"));
        }
    }
    (facts, counts.0.load(Ordering::Relaxed), counts.1.load(Ordering::Relaxed))
}

#[tokio::test]
async fn what_a_version_is_costs_no_more_the_more_of_them_there_are() {
    for versions in [200, 2_000] {
        let bucket = Bucket::new(true);
        (0..versions).for_each(|n| bucket.put("users/u1/log", &format!("{n}")));
        // Others whose keys begin as this one does, as many.
        (0..versions).for_each(|n| bucket.put("users/u1/log2", &format!("{n}")));
        let records: Vec<RecordRef> = (1..=versions).map(|n| version("users/u1/log", n)).collect();
        for together in [8, 100] {
            let (facts, listings, listed) = told(&bucket, &records, together).await;
            let calls = versions.div_ceil(together);
            assert!(listings <= calls && listed <= calls, "{versions}, {together}: {listings} listings of {listed}");
            let current: Vec<_> = facts.iter().filter(|f| f.current == Some(true)).map(|f| f.version_id.clone()).collect();
            assert_eq!(current, [records[versions - 1].key["version_id"].as_str().map(str::to_owned)]);
            assert!(facts.iter().all(|f| f.current.is_some() && f.deleted == Some(false)), "{facts:?}");
        }
    }
}

#[tokio::test]
async fn of_keys_side_by_side_each_is_judged_by_what_stands_on_top_of_it() {
    let bucket = Bucket::new(true);
    let mut records = Vec::new();
    let mut written = 0;
    // More versions of each key than a page of a listing has room for.
    for n in 0..30 {
        for _ in 0..90 {
            written += 1;
            bucket.put(&format!("users/u1/{n:02}"), "x");
            records.push((version(&format!("users/u1/{n:02}"), written), n));
        }
        if n % 3 == 0 {
            written += 1;
            bucket.mark_deleted(&format!("users/u1/{n:02}"));
        }
    }
    let refs: Vec<RecordRef> = records.iter().map(|(record, _)| record.clone()).collect();
    for together in [7, 100, 2_700] {
        let (facts, _, _) = told(&bucket, &refs, together).await;
        for (place, (facts, (_, n))) in facts.iter().zip(&records).enumerate() {
            let deleted = n % 3 == 0;
            let newest = place % 90 == 89 && !deleted;
            assert_eq!((facts.current, facts.deleted), (Some(newest), Some(deleted)), "{together}: {facts:?}");
        }
    }
}

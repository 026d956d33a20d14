//! Keys listed by a pattern, no further than the data map allows.

use crate::{
    bucket::Bucket,
    service::service,
    support::{WINDOW, by_subject, producer},
};
use oubli_connectors::S3;
use oubli_domain::datamap::{Location, ObjectKeys, ObjectSelection, Pattern, Producer, S3Objects, Selection};
use oubli_engine::ports::{Caution, Connector, Discovered, Selector, StoreError, Way};
use std::collections::BTreeSet;

fn matching(pattern: &str, max_keys: u64) -> Producer {
    let pattern = Pattern::parse(pattern).expect("a pattern");
    let selection = Selection::Objects(ObjectSelection { by: by_subject(), keys: ObjectKeys::Matching { pattern, max_keys } });
    producer(Location::Bucket(S3Objects { bucket: "data".to_owned() }), vec![selection])
}

const LOGS: [&str; 6] = ["logs/01/u1/a", "logs/01/u10/a", "logs/02/u1/b/c", "logs/02/u1/d", "logs/02/u1", "logs/u1/01/x"];

fn bucket(versioned: bool) -> (Bucket, S3) {
    let bucket = Bucket::new(versioned);
    for key in LOGS.iter().chain(&["other/01/u1/a"]) {
        bucket.put(key, "x");
    }
    let own = bucket.clone();
    (bucket, service(move |asked| own.answer(asked)))
}

async fn find(s3: &S3, producer: &Producer, limit: usize) -> Result<BTreeSet<String>, StoreError> {
    let selector = Selector { way: Way { selection: &producer.select[0], value: "u1" }, fields: &[], but: &[] };
    let (mut found, mut found_once, mut after) = (BTreeSet::new(), BTreeSet::new(), None);
    loop {
        let Discovered { records, next, .. } = s3.discover(producer, selector, after.as_ref(), limit).await?;
        assert!(records.len() <= limit, "{} of {limit}", records.len());
        for one in &records {
            assert!(found_once.insert(one.record.key.to_string()), "nothing twice");
        }
        found.extend(records.iter().map(|f| f.record.key["key"].as_str().expect("a key").to_owned()));
        let text = serde_json::to_string(&next).expect("json");
        after = serde_json::from_str(&text).expect("json");
        if after.is_none() {
            return Ok(found);
        }
    }
}

#[tokio::test]
async fn what_is_of_a_pattern_is_found_among_what_is_others() {
    for versioned in [false, true] {
        let (_, s3) = bucket(versioned);
        let wanted: BTreeSet<String> = ["logs/01/u1/a", "logs/02/u1/b/c", "logs/02/u1/d"].map(str::to_owned).into();
        for limit in [1, 2, 1_000] {
            assert_eq!(find(&s3, &matching("logs/*/{}/**", 6), limit).await.as_ref(), Ok(&wanted), "pages of {limit}");
        }
    }
}

#[tokio::test]
async fn p3_more_keys_than_may_be_listed_are_not_said_to_hold_nothing() {
    let (_, s3) = bucket(false);
    let refused = find(&s3, &matching("logs/*/{}/**", 5), 1_000).await.expect_err("too many");
    assert!(matches!(&refused, StoreError::TooLarge { .. }) && refused.to_string().contains("was not searched"), "{refused}");
    // What begins with the identity is listed no further than that.
    assert_eq!(find(&s3, &matching("logs/{}/*/x", 1), 1_000).await, Ok([LOGS[5].to_owned()].into()));
}

#[tokio::test]
async fn a_listing_of_many_pages_counts_all_of_them() {
    let many = Bucket::new(false);
    for n in 0..2_500 {
        many.put(&format!("logs/{n:04}/{}/x", if n % 1_000 == 999 { "u1" } else { "u2" }), "x");
    }
    let s3 = service(move |asked| many.answer(asked));
    assert_eq!(find(&s3, &matching("logs/*/{}/**", 2_500), 10).await.map(|found| found.len()), Ok(2));
    assert!(find(&s3, &matching("logs/*/{}/**", 2_499), 10).await.is_err());
}

#[tokio::test]
async fn a_page_has_no_more_than_was_asked_for_however_many_are_listed() {
    for versioned in [false, true] {
        let many = Bucket::new(versioned);
        let keys: BTreeSet<String> = (0..300).map(|n| format!("logs/{n:03}/u1/x")).collect();
        for key in &keys {
            many.put(key, "x");
            many.put(&key.replace("u1", "u2"), "x");
        }
        // Of one key alone there is more than a page takes.
        (0..7).for_each(|_| many.put("logs/150/u1/x", "another"));
        let s3 = service(move |asked| many.answer(asked));
        for limit in [1, 3, 80, 1_000] {
            let found = find(&s3, &matching("logs/*/{}/**", 600), limit).await;
            assert_eq!(found.as_ref(), Ok(&keys), "pages of {limit}, versioned: {versioned}");
        }
    }
}

#[tokio::test]
async fn p3_versions_of_a_key_are_one_key_in_what_is_listed_and_in_what_is_told_before() {
    let bucket = Bucket::new(true);
    (0..6).for_each(|_| bucket.put("logs/01/u1/a", "x"));
    let s3 = service(move |asked| bucket.answer(asked));
    for (limit, most) in [(1, 1), (2, 5), (1_000, 5)] {
        assert_eq!(find(&s3, &matching("logs/*/{}/**", most), limit).await, Ok(["logs/01/u1/a".to_owned()].into()));
    }
    let cautions = s3.capabilities(&matching("logs/*/{}/**", 5), WINDOW).await.expect("usable").cautions;
    assert_eq!(cautions, [Caution::Listed { head: "logs/".to_owned(), keys: 1, more: false, max_keys: 5 }]);
}

#[tokio::test]
async fn p3_a_listing_for_several_values_is_bounded_once() {
    let (_, s3) = bucket(true);
    for (most, whole) in [(12, true), (11, false)] {
        let producer = matching("logs/*/{}/**", most);
        let of = |value| Selector { way: Way { selection: &producer.select[0], value }, fields: &[], but: &[] };
        let first = s3.discover(&producer, of("u1"), None, 1_000).await.expect("listed");
        assert_eq!((first.records.len(), first.next), (3, None));
        let second = s3.discover(&producer, of("u10"), first.looked.as_ref(), 1_000).await;
        match second {
            Ok(second) => assert!(whole && second.records.len() == 1, "from the beginning, {most}"),
            Err(error) => assert!(!whole && matches!(error, StoreError::TooLarge { .. }), "{most}: {error}"),
        }
    }
}

#[tokio::test]
async fn what_a_listing_takes_is_told_before() {
    let (_, s3) = bucket(false);
    let told = |pattern: &'static str| {
        let s3 = &s3;
        async move { s3.capabilities(&matching(pattern, 50), WINDOW).await.expect("usable").cautions }
    };
    let expected = Caution::Listed { head: "logs/".to_owned(), keys: 6, more: false, max_keys: 50 };
    assert_eq!(told("logs/*/{}/**").await, [expected]);
    assert_eq!(told("logs/{}/*").await, [], "nobody else's are listed");
}

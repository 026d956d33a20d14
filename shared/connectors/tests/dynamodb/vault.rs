//! Removing items and putting them back: what is special to tables.

use crate::{
    support::{body, expected, read_one, removals},
    world::{Fixture, number, orders, record, text},
};
use aws_sdk_dynamodb::types::AttributeValue;
use oubli_engine::ports::{Applied, Connector, Expected, PutBack, RecordRef, StoreError, Version};
use serde_json::json;

#[tokio::test]
async fn every_type_of_attribute_comes_back_to_the_last_digit() {
    let world = Fixture::new().await;
    let blob = |b: &[u8]| AttributeValue::B(aws_sdk_dynamodb::primitives::Blob::new(b));
    let precise = AttributeValue::N("-12345678901234567890.1234567890123".to_owned());
    let list =
        AttributeValue::L(vec![AttributeValue::M([("k".to_owned(), text(""))].into()), AttributeValue::Bool(false), precise]);
    world
        .put("u1", 1, &[("blob", blob(&[0, 255])), ("list", list), ("set", AttributeValue::Ss(vec!["b".into(), "a".into()]))])
        .await;
    let before = world.get("u1", 1).await.expect("there");

    let (producer, record) = (orders(None), record("u1", 1));
    let snapshot = read_one(world.connector.as_ref(), &producer, &record).await.expect("there");
    let expected = expected(&record, &snapshot);
    let copy = body(snapshot).await;
    assert_eq!(world.remove(&producer, expected).await, Ok(Applied::Done));
    assert_eq!(world.put_back(&record, copy).await, Ok(PutBack::Restored));
    assert_eq!(world.get("u1", 1).await, Some(before));
}

#[tokio::test]
async fn a_version_attribute_decides_alone_and_is_missed_where_an_item_has_none() {
    let world = Fixture::new().await;
    let (producer, record) = (orders(Some("v")), record("u1", 1));
    world.put("u1", 1, &[("v", text("etag-1"))]).await;
    let snapshot = read_one(world.connector.as_ref(), &producer, &record).await.expect("there");
    assert_eq!((&snapshot.version.0["attribute"], &snapshot.version.0["value"]), (&json!("v"), &json!({ "S": "etag-1" })));
    // Written anew with the same version it is another item, and a copy of the first is not one of it.
    world.put("u1", 1, &[("v", text("etag-1")), ("s", text("anew"))]).await;
    let anew = read_one(world.connector.as_ref(), &producer, &record).await.expect("there");
    assert_ne!(anew.version, snapshot.version);
    assert_eq!(world.remove(&producer, expected(&record, &snapshot)).await, Ok(Applied::Done));

    world.put("u1", 1, &[]).await;
    let snapshot = read_one(world.connector.as_ref(), &producer, &record).await.expect("there");
    assert!(snapshot.version.0.get("item").is_some());
    assert_eq!(world.remove(&producer, expected(&record, &snapshot)).await, Ok(Applied::Done));
}

#[tokio::test]
async fn an_attribute_added_after_the_copy_brings_the_item_back() {
    let world = Fixture::new().await;
    let (producer, record) = (orders(None), record("u1", 1));
    world.put("u1", 1, &[("s", text("old"))]).await;
    let snapshot = read_one(world.connector.as_ref(), &producer, &record).await.expect("there");
    world.put("u1", 1, &[("s", text("old")), ("added", text("later"))]).await;
    assert_eq!(world.remove(&producer, expected(&record, &snapshot)).await, Ok(Applied::Changed));
    assert_eq!(world.get("u1", 1).await.expect("put back")["added"], text("later"));
}

#[tokio::test]
async fn an_item_too_wide_to_compare_is_refused_with_the_remedy() {
    let world = Fixture::new().await;
    let wide =
        |count: usize| -> Vec<(String, AttributeValue)> { (0..count).map(|n| (format!("attribute{n}"), number(1))).collect() };
    for (n, count, removed) in [(1, 140, true), (2, 141, false)] {
        let attributes = wide(count);
        let attributes: Vec<_> = attributes.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
        world.put("u1", n, &attributes).await;
        let (producer, record) = (orders(None), record("u1", n));
        let snapshot = read_one(world.connector.as_ref(), &producer, &record).await.expect("there");
        let answer = world.remove(&producer, expected(&record, &snapshot)).await;
        if removed {
            assert_eq!(answer, Ok(Applied::Done));
        } else {
            assert!(
                matches!(&answer, Err(StoreError::Record { reason, .. }) if reason.contains("version_attribute")),
                "{answer:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_one_of_the_table_is_refused_alone() {
    let world = Fixture::new().await;
    world.put("u1", 1, &[("s", text("x"))]).await;
    let odd = |user: serde_json::Value, n: serde_json::Value| RecordRef {
        key: json!({ "user": user, "n": n }),
        matched: None,
        selection: None,
    };
    let records = [
        odd(json!({ "S": "" }), json!({ "N": "1" })),
        record("u1", 1),
        odd(json!({ "N": "1" }), json!({ "N": "1" })),
        odd(json!({ "S": "u1" }), json!({ "N": "one" })),
    ];
    let producer = orders(None);
    let read = world.connector.read(&producer, &records, &[]).await;
    let again = world.connector.reread(&producer, &records, &[]).await;
    let version = read[1].as_ref().expect("read").as_ref().expect("there").version.clone();
    let all: Vec<_> = records.iter().map(|r| Expected { record: r.clone(), version: version.clone() }).collect();
    let removed = world.connector.apply(&producer, &removals(all)).await;
    assert!(matches!(again[1], Ok(Some(_))));
    assert_eq!(removed[1], Ok(Applied::Done));
    for place in [0, 2, 3] {
        assert!(matches!(read[place], Err(StoreError::Record { .. })), "{place}");
        assert!(matches!(again[place], Err(StoreError::Record { .. })), "{place}");
        assert!(matches!(removed[place], Err(StoreError::Record { .. })), "{place}");
    }
}

#[tokio::test]
async fn a_copy_that_is_not_the_records_is_refused() {
    let world = Fixture::new().await;
    let other = serde_json::to_vec(&json!({ "user": { "S": "other" }, "n": { "N": "1" } })).expect("json");
    for copy in [other, b"{}".to_vec(), b"x".to_vec()] {
        let answer = world.put_back(&record("u1", 1), copy).await;
        assert!(matches!(answer, Err(StoreError::Record { .. })), "{answer:?}");
    }
    let foreign = Expected { record: record("u1", 1), version: Version(json!({ "etag": "x" })) };
    assert!(matches!(world.remove(&orders(None), foreign).await, Err(StoreError::Record { .. })));
}

//! Values that a table cannot be asked for: their trouble, and not the table's.

use crate::{
    service::{Answer, table_service},
    support::{by_subject, producer},
};
use oubli_connectors::DynamoDb;
use oubli_domain::datamap::{DynamoTable, ItemSelection, Location, Producer, Selection, SortKey, SortKeyIs, Template};
use oubli_engine::ports::{Connector, Discovered, Selector, StoreError, Way};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// Orders by what they refer to, which is written behind `REF#`.
fn orders(sort: Option<SortKeyIs>) -> Producer {
    let items = ItemSelection {
        by: by_subject(),
        attribute: "ref".to_owned(),
        index: Some("by_ref".to_owned()),
        value: Template::parse("REF#{}").expect("a template"),
        sort: sort.map(|is| SortKey { attribute: "sk".to_owned(), is }),
        conditions: [].into(),
        scan: None,
    };
    let table = DynamoTable { table: "orders".to_owned(), key: vec!["id".to_owned()], version_attribute: None };
    producer(Location::Table(table), vec![Selection::Items(items)])
}

fn reply(status: u16, body: &Value) -> Answer {
    (status, vec![("content-type", "application/x-amz-json-1.0".to_owned())], body.to_string())
}

fn described(indexes: Value) -> Answer {
    let attribute = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
    let table = json!({
        "TableName": "orders", "TableStatus": "ACTIVE", "GlobalSecondaryIndexes": indexes,
        "KeySchema": [{ "AttributeName": "id", "KeyType": "HASH" }],
        "AttributeDefinitions": [attribute("id"), attribute("ref"), attribute("sk")],
    });
    reply(200, &json!({ "Table": table }))
}

fn by_ref() -> Value {
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    json!([{ "IndexName": "by_ref", "IndexStatus": "ACTIVE", "KeySchema": [key("ref", "HASH"), key("sk", "RANGE")] }])
}

/// A table that answers so to a query, with this index the first time that it is described, and with that one later. Counts
/// the queries.
fn table(answer: Answer, later: Value) -> (Arc<AtomicUsize>, DynamoDb) {
    let asked = Arc::new(AtomicUsize::new(0));
    let (queries, before) = (Arc::clone(&asked), AtomicUsize::new(0));
    let store = table_service(move |body| {
        let asked: Value = serde_json::from_str(body).expect("JSON");
        if asked["KeyConditionExpression"].is_string() {
            queries.fetch_add(1, Ordering::Relaxed);
            return answer.clone();
        }
        let first = before.fetch_add(1, Ordering::Relaxed) == 0;
        described(if first { by_ref() } else { later.clone() })
    });
    (asked, store)
}

async fn find(store: &DynamoDb, producer: &Producer, value: &str, after: Option<&Value>) -> Result<Discovered, StoreError> {
    let selector = Selector { way: Way { selection: &producer.select[0], value }, fields: &[], but: &[] };
    store.discover(producer, selector, after, 10).await
}

fn nothing() -> Answer {
    reply(200, &json!({ "Count": 0, "ScannedCount": 0, "Items": [] }))
}

fn refused(code: &str) -> Answer {
    let message = "One or more parameter values were invalid: secret";
    reply(400, &json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": message }))
}

#[tokio::test]
async fn a_value_longer_than_a_key_is_told_as_that_values_trouble_and_asked_for_by_nobody() {
    let (asked, store) = table(nothing(), by_ref());
    let producer = orders(None);
    let most = "x".repeat(2_048 - "REF#".len());
    assert!(find(&store, &producer, &most, None).await.expect("asked for").records.is_empty());
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    // Bytes count, not letters.
    for long in [format!("{most}x"), "x".repeat(3_000), "é".repeat(1_023)] {
        let error = find(&store, &producer, &long, None).await.expect_err("refused");
        assert!(matches!(&error, StoreError::Record { reason, .. } if reason.contains("at most 2048 bytes")), "{error}");
        assert!(!error.to_string().contains(&long), "{error}");
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1, "the table is not asked");
}

#[tokio::test]
async fn a_sort_key_that_is_longer_than_one_can_be_is_the_data_maps() {
    let (asked, store) = table(nothing(), by_ref());
    let of = |bytes: usize| orders(Some(SortKeyIs::BeginningWith("s".repeat(bytes))));
    assert!(find(&store, &of(1_024), "a", None).await.is_ok());
    let error = find(&store, &of(1_025), "a", None).await.expect_err("refused");
    assert!(matches!(&error, StoreError::Unusable { reason, .. } if reason.contains("at most 1024 bytes")), "{error}");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn what_a_table_refuses_as_invalid_is_the_values_unless_its_index_is_gone_or_it_had_answered() {
    let producer = orders(None);
    let page = json!({ "id": { "S": "1" } });
    for (code, later, after, kind) in [
        ("ValidationException", by_ref(), None, "record"),
        ("ValidationException", by_ref(), Some(&page), "unusable"),
        ("ValidationException", json!([]), None, "unusable"),
        ("ResourceNotFoundException", by_ref(), None, "unusable"),
        ("ThrottlingException", by_ref(), None, "unavailable"),
    ] {
        let (_, store) = table(refused(code), later.clone());
        let error = find(&store, &producer, "o-1", after).await.expect_err("refused");
        let is = match &error {
            StoreError::Record { .. } => "record",
            StoreError::Unusable { .. } => "unusable",
            StoreError::Unavailable { .. } => "unavailable",
            StoreError::TooLarge { .. } => "too large",
        };
        assert_eq!(is, kind, "{code} {later}: {error}");
        assert!(!error.to_string().contains("secret"), "{error}");
        assert_eq!(error.to_string().contains("no global secondary index by_ref"), later == json!([]), "{error}");
    }
}

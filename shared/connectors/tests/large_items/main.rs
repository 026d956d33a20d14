//! A person with a thousand items of nearly the largest size, behind an index that has their keys only. It is a program of
//! its own, so that the memory it took is this test's.

#[expect(dead_code, reason = "others use the rest")]
#[path = "../answers/service.rs"]
mod service;
#[expect(dead_code, reason = "others use the rest")]
#[path = "../support/mod.rs"]
mod support;

use oubli_domain::datamap::{DynamoTable, ItemSelection, Location, Producer, Selection, Template};
use oubli_engine::ports::{Connector, RecordRef};
use oubli_engine::ports::{Selector, Way};
use serde_json::{Value, json};
use service::{Answer, table_service};
use support::{by_subject, discover, producer};

const ITEMS: usize = 1_000;

const BYTES: usize = 390 * 1024;

/// Items of a reply of 16 MB.
const A_REPLY: usize = 16 * 1024 * 1024 / BYTES;

fn key(n: usize) -> Value {
    json!({ "pk": { "S": format!("order-{n:04}") } })
}

fn item(key: &Value, text: &Value) -> Value {
    json!({ "pk": key["pk"], "customer": { "S": "u1" }, "text": { "S": text } })
}

fn described() -> Value {
    let (pk, customer) =
        (json!({ "AttributeName": "pk", "KeyType": "HASH" }), json!({ "AttributeName": "customer", "KeyType": "HASH" }));
    json!({ "Table": {
        "TableName": "orders", "TableStatus": "ACTIVE", "KeySchema": [pk],
        "AttributeDefinitions": [
            { "AttributeName": "pk", "AttributeType": "S" }, { "AttributeName": "customer", "AttributeType": "S" },
        ],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by_customer", "IndexStatus": "ACTIVE", "KeySchema": [customer],
            "Projection": { "ProjectionType": "KEYS_ONLY" },
        }],
    } })
}

fn answer(body: &str, text: &Value) -> Answer {
    let asked: Value = serde_json::from_str(body).expect("JSON");
    let reply = if asked["KeyConditionExpression"].is_string() {
        let keys: Vec<Value> = (0..ITEMS).map(|n| json!({ "pk": key(n)["pk"], "customer": { "S": "u1" } })).collect();
        json!({ "Items": keys, "Count": ITEMS })
    } else if let Some(keys) = asked["RequestItems"]["orders"]["Keys"].as_array() {
        let (now, later) = keys.split_at(A_REPLY.min(keys.len()));
        let unprocessed = if later.is_empty() { json!({}) } else { json!({ "orders": { "Keys": later } }) };
        let items: Vec<Value> = now.iter().map(|key| item(key, text)).collect();
        json!({ "Responses": { "orders": items }, "UnprocessedKeys": unprocessed })
    } else {
        described()
    };
    (200, vec![("content-type", "application/x-amz-json-1.0".to_owned())], reply.to_string())
}

fn orders() -> Producer {
    let selection = ItemSelection {
        by: by_subject(),
        attribute: "customer".to_owned(),
        index: Some("by_customer".to_owned()),
        value: Template::plain(),
        sort: None,
        conditions: Default::default(),
        scan: None,
    };
    let table = DynamoTable { table: "orders".to_owned(), key: vec!["pk".to_owned()], version_attribute: None };
    producer(Location::Table(table), vec![Selection::Items(selection)])
}

/// The most memory that this process ever had, in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

#[tokio::test]
async fn what_a_thousand_items_of_390_kb_take_is_not_all_of_them() {
    let text = Value::from("x".repeat(BYTES - 100));
    let connector = table_service(move |body| answer(body, &text));
    let orders = orders();
    let selector = Selector { way: Way { selection: &orders.select[0], value: "u1" }, fields: &[], but: &[] };
    let (found, _) = discover(&connector, &orders, selector, ITEMS).await;
    assert_eq!(found.len(), ITEMS);
    assert!(found.iter().all(|f| f.bytes > BYTES as u64 - 200), "{}", found[0].bytes);
    let records: Vec<RecordRef> = found.into_iter().map(|f| f.record).collect();
    let again = connector.reread(&orders, &records, &[]).await;
    assert!(again.iter().all(|found| matches!(found, Ok(Some(found)) if found.bytes > BYTES as u64 - 200)));
    // All of them are 381 MiB. Four replies of 16 MB are under way, each as text, as JSON of this service, and as items.
    assert!(peak() < 250, "{} MiB", peak());
}

//! A table read as a whole, as the reference of DynamoDB's API has it: Scan and DescribeTable.

use crate::{
    service::{Answer, table_service},
    support::{WINDOW, by_subject, discover, producer},
};
use oubli_connectors::DynamoDb;
use oubli_domain::datamap::{DynamoTable, ItemSelection, Location, Producer, ScanBound, Selection, Template};
use oubli_engine::ports::{Caution, Connector, Found, Selector, StoreError, Way};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};

/// Items read on a page of small tables, whatever more is asked for.
const PAGE: u64 = 4;

struct Table {
    items: Vec<Value>,
    /// Bytes of each item: units of 4,096 bytes are charged whole, for each call. Of others two items make a unit.
    weigh: Option<u64>,
    /// It tells how much it read.
    tells: bool,
    /// Items read in all, and whether every read was consistent.
    read: u64,
    consistent: bool,
}

type Shared = Arc<Mutex<Table>>;

fn is_equal(item: &Value, asked: &Value) -> bool {
    let name = asked["ExpressionAttributeNames"]["#a"].as_str().expect("a name");
    let values = asked["ExpressionAttributeValues"].as_object().expect("values");
    let same = |value: &Value| match (value["N"].as_str(), item[name]["N"].as_str()) {
        (Some(a), Some(b)) => a.parse::<f64>().ok() == b.parse::<f64>().ok(),
        _ => *value == item[name],
    };
    values.values().any(same)
}

fn scan(table: &mut Table, asked: &Value) -> Value {
    let from = asked["ExclusiveStartKey"]["pk"]["S"].as_str();
    let begin = from.map_or(0, |key| table.items.iter().position(|i| i["pk"]["S"] == key).expect("a key") + 1);
    let limit = asked["Limit"].as_u64().unwrap_or(PAGE).min(if table.weigh.is_some() { u64::MAX } else { PAGE });
    let page: Vec<Value> = table.items[begin..].iter().take(usize::try_from(limit).expect("small")).cloned().collect();
    table.read += page.len() as u64;
    table.consistent &= asked["ConsistentRead"] == true;
    let mut reply = json!({
        "ScannedCount": page.len(),
        "Items": page.iter().filter(|item| is_equal(item, asked)).collect::<Vec<_>>(),
    });
    if begin + page.len() < table.items.len() {
        reply["LastEvaluatedKey"] = json!({ "pk": page.last().expect("an item")["pk"] });
    }
    if table.tells && asked["ReturnConsumedCapacity"] == "TOTAL" {
        let units = match table.weigh {
            Some(bytes) => (page.len() as u64 * bytes).div_ceil(4_096) as f64,
            None => page.len() as f64 / 2.0,
        };
        reply["ConsumedCapacity"] = json!({ "TableName": "people", "CapacityUnits": units });
    }
    reply
}

fn described(table: &Table) -> Value {
    let items = table.items.len();
    json!({ "Table": {
        "TableName": "people", "TableStatus": "ACTIVE", "ItemCount": items,
        "TableSizeBytes": table.weigh.map_or(8_193, |bytes| bytes * items as u64),
        "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
    } })
}

fn answer(table: &Shared, body: &str) -> Answer {
    let mut table = table.lock().expect("unpoisoned");
    let asked: Value = serde_json::from_str(body).expect("JSON");
    let reply = if asked["FilterExpression"].is_string() { scan(&mut table, &asked) } else { described(&table) };
    (200, vec![("content-type", "application/x-amz-json-1.0".to_owned())], reply.to_string())
}

fn people(items: Vec<Value>, tells: bool) -> (Shared, DynamoDb) {
    weighing(None, items, tells)
}

fn weighing(weigh: Option<u64>, items: Vec<Value>, tells: bool) -> (Shared, DynamoDb) {
    let table: Shared = Arc::new(Mutex::new(Table { items, weigh, tells, read: 0, consistent: true }));
    let own = Arc::clone(&table);
    (table, table_service(move |body| answer(&own, body)))
}

fn scanning(max_items: Option<u64>, max_read_units: Option<u64>) -> Producer {
    let items = ItemSelection {
        by: by_subject(),
        attribute: "owner".to_owned(),
        index: None,
        value: Template::plain(),
        sort: None,
        conditions: [("kind".to_owned(), vec!["a".to_owned(), "b".to_owned()])].into(),
        scan: Some(ScanBound { max_items, max_read_units }),
    };
    let location =
        DynamoTable { table: "people".to_owned(), key: vec!["pk".to_owned()], version_attribute: Some("v".to_owned()) };
    producer(Location::Table(location), vec![Selection::Items(items)])
}

fn item(pk: &str, owner: Value, kind: &str) -> Value {
    json!({ "pk": { "S": pk }, "owner": owner, "kind": { "S": kind } })
}

/// Eleven items: three of u1, one of another kind, and others.
fn eleven() -> Vec<Value> {
    let text = |owner: &str| json!({ "S": owner });
    let mut all = vec![item("00", text("u1"), "a"), item("01", text("u10"), "a"), item("02", text("u1"), "other")];
    all.extend((3..9).map(|n| item(&format!("{n:02}"), text("somebody"), "a")));
    all.extend([item("09", text("u1"), "b"), item("10", text("u1"), "a")]);
    all
}

async fn find(store: &DynamoDb, producer: &Producer, value: &str) -> Result<Vec<Found>, StoreError> {
    on_pages(store, producer, value, 2).await
}

async fn on_pages(store: &DynamoDb, producer: &Producer, value: &str, limit: usize) -> Result<Vec<Found>, StoreError> {
    let selector = Selector { way: Way { selection: &producer.select[0], value }, fields: &["owner".to_owned()], but: &[] };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.discover(producer, selector, after.as_ref(), limit).await?;
        assert!(page.records.len() <= limit, "{} of {limit}", page.records.len());
        found.extend(page.records);
        // A place to go on from is kept as text.
        let text = serde_json::to_string(&page.next).expect("json");
        after = serde_json::from_str(&text).expect("json");
        if after.is_none() {
            return Ok(found);
        }
    }
}

fn keys(found: &[Found]) -> Vec<&str> {
    found.iter().map(|f| f.record.key["pk"]["S"].as_str().expect("a key")).collect()
}

#[tokio::test]
async fn a_table_is_read_to_its_end_consistently_and_only_what_matches_is_found() {
    let (table, store) = people(eleven(), true);
    let producer = scanning(Some(11), None);
    let found = find(&store, &producer, "u1").await.expect("searched");
    assert_eq!(keys(&found), ["00", "09", "10"]);
    // What it was found by is looked at again before it is touched: no key says so.
    assert!(found.iter().all(|f| f.record.matched.as_ref().is_some_and(|m| m.attribute == "owner" && m.value == "u1")));
    assert_eq!(found[0].fields.text("owner"), Some("u1"));
    let table = table.lock().expect("unpoisoned");
    assert!(table.consistent);
    assert_eq!(table.read, 11, "each item once");
}

#[tokio::test]
async fn numbers_are_found_as_numbers_and_as_texts() {
    let numbers = |n: &str| json!({ "N": n });
    let (_, store) =
        people(vec![item("0", numbers("7"), "a"), item("1", json!({ "S": "7" }), "a"), item("2", numbers("70"), "a")], true);
    assert_eq!(keys(&find(&store, &scanning(Some(10), None), "7").await.expect("searched")), ["0", "1"]);
}

#[tokio::test]
async fn p3_a_table_larger_than_may_be_read_is_not_said_to_hold_nothing() {
    for (bound, most_read) in [((Some(10), None), 11), ((Some(3), None), 4), ((None, Some(3)), 8), ((Some(100), Some(1)), 4)] {
        let (table, store) = people(eleven(), true);
        let refused = find(&store, &scanning(bound.0, bound.1), "nobody").await.expect_err("too large");
        assert!(matches!(&refused, StoreError::TooLarge { .. }) && refused.to_string().contains("was not searched"), "{refused}");
        assert!(table.lock().expect("unpoisoned").read <= most_read, "{bound:?}");
    }
    // As large as may be is searched whole, and so is what ends on its last page.
    for bound in [(Some(11), None), (None, Some(5)), (Some(11), Some(6))] {
        let (_, store) = people(eleven(), true);
        assert_eq!(find(&store, &scanning(bound.0, bound.1), "u10").await.expect("searched").len(), 1, "{bound:?}");
    }
}

#[tokio::test]
async fn units_that_are_not_told_cannot_bound_a_scan() {
    let (_, store) = people(eleven(), false);
    let refused = find(&store, &scanning(None, Some(100)), "u1").await.expect_err("not told");
    assert!(matches!(&refused, StoreError::Unusable { reason, .. } if reason.contains("max_items")), "{refused}");
    assert_eq!(find(&store, &scanning(Some(100), None), "u1").await.expect("searched").len(), 3);
}

#[tokio::test]
async fn an_empty_identity_scans_nothing() {
    let (table, store) = people(eleven(), true);
    assert!(matches!(find(&store, &scanning(Some(100), None), "").await, Err(StoreError::Record { .. })));
    assert_eq!(table.lock().expect("unpoisoned").read, 0);
}

#[tokio::test]
async fn what_a_scan_takes_is_told_before() {
    for (bound, enough) in
        [((Some(11), None), true), ((Some(10), None), false), ((None, Some(3)), true), ((None, Some(2)), false)]
    {
        let (_, store) = people(eleven(), true);
        let cautions = store.capabilities(&scanning(bound.0, bound.1), WINDOW).await.expect("usable").cautions;
        // 8,193 bytes are three units of 4,096.
        let told = Caution::Scanned { attribute: "owner".to_owned(), items: 11, read_units: 3, enough };
        assert_eq!(cautions, [told], "{bound:?}");
    }
}

#[tokio::test]
async fn a_page_is_kept_as_text_and_gone_on_from() {
    let (_, store) = people(eleven(), true);
    let producer = scanning(Some(100), Some(100));
    let selector = Selector { way: Way { selection: &producer.select[0], value: "u1" }, fields: &[], but: &[] };
    for limit in [1, 2, 1_000] {
        let (found, pages) = discover(&store, &producer, selector, limit).await;
        assert_eq!(found.len(), 3, "pages of {limit}");
        assert!(pages > 1, "the store gives no more than {PAGE} items together");
    }
}

#[tokio::test]
async fn however_few_records_are_asked_for_together_each_item_is_read_once() {
    for limit in [1, 2, 100] {
        let (table, store) = people(eleven(), true);
        let found = on_pages(&store, &scanning(Some(11), None), "u1", limit).await.expect("searched");
        assert_eq!(keys(&found), ["00", "09", "10"], "pages of {limit}");
        assert_eq!(table.lock().expect("unpoisoned").read, 11, "pages of {limit}");
    }
}

/// What is found for one value after another, each going on after what was looked at for those before.
async fn one_after_another(store: &dyn Connector, producer: &Producer, values: &[&str]) -> Result<Vec<usize>, StoreError> {
    let (mut found, mut looked) = (Vec::new(), None);
    for value in values {
        let selector = Selector { way: Way { selection: &producer.select[0], value }, fields: &[], but: &[] };
        let (mut of_it, mut after) = (0, looked.take());
        loop {
            let page = store.discover(producer, selector, after.as_ref(), 2).await?;
            of_it += page.records.len();
            (after, looked) = (page.next, page.looked);
            if after.is_none() {
                break;
            }
        }
        found.push(of_it);
    }
    Ok(found)
}

#[tokio::test]
async fn p3_a_scan_for_several_values_is_bounded_once() {
    let values = ["u1", "nobody", "u10"];
    for (bound, whole) in
        [((Some(33), None), true), ((Some(32), None), false), ((None, Some(16)), true), ((None, Some(13)), false)]
    {
        let (table, store) = people(eleven(), true);
        let found = one_after_another(&store, &scanning(bound.0, bound.1), &values).await;
        match found {
            Ok(found) => assert!(whole && found == [3, 0, 1], "{bound:?}: {found:?}"),
            Err(error) => assert!(!whole && matches!(error, StoreError::TooLarge { .. }), "{bound:?}: {error}"),
        }
        assert!(table.lock().expect("unpoisoned").read <= 33, "{bound:?}");
    }
}

#[tokio::test]
async fn what_is_too_much_to_be_kept_for_the_next_page_is_read_again() {
    let long = "x".repeat(60_000);
    let all: Vec<Value> = (0..8)
        .map(|n| {
            let mut item = item(&format!("{n}"), json!({ "S": "u1" }), "a");
            item["note"] = json!({ "S": long });
            item
        })
        .collect();
    let (_, store) = weighing(Some(50), all, true);
    let producer = scanning(Some(1_000), None);
    let fields = ["note".to_owned()];
    let selector = Selector { way: Way { selection: &producer.select[0], value: "u1" }, fields: &fields, but: &[] };
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = store.discover(&producer, selector, after.as_ref(), 1).await.expect("a page");
        found.extend(page.records);
        after = page.next;
        let Some(place) = &after else { break };
        assert!(place.to_string().len() < 200_000, "it is kept in an item of at most 400 KB");
    }
    assert_eq!(keys(&found), ["0", "1", "2", "3", "4", "5", "6", "7"], "each once");
}

#[tokio::test]
async fn p3_a_bound_that_is_said_to_be_enough_is_enough() {
    let owner = |n: usize| if n.is_multiple_of(3) { "u1" } else { "somebody" };
    let all: Vec<Value> = (0..2_500).map(|n| item(&format!("{n:04}"), json!({ "S": owner(n) }), "a")).collect();
    let mut said = [false; 2];
    for most in 31..35 {
        for limit in [1, 100, 1_000] {
            let (_, store) = weighing(Some(50), all.clone(), true);
            let producer = scanning(None, Some(most));
            let cautions = store.capabilities(&producer, WINDOW).await.expect("usable").cautions;
            let [Caution::Scanned { enough, .. }] = &cautions[..] else { panic!("{cautions:?}") };
            said[usize::from(*enough)] = true;
            if *enough {
                let found = on_pages(&store, &producer, "u1", limit).await.map(|found| found.len());
                assert_eq!(found, Ok(834), "{most} units, pages of {limit}");
            }
        }
    }
    assert_eq!(said, [true, true], "125,000 bytes are 31 units and what three calls round up");
}

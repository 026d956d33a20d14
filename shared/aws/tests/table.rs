//! The table port on a strict DynamoDB.

mod support;

use oubli_engine::ports::{Change, Condition, Cursor, Index, Item, Key, Query, Range, Table, TableError, TableName, Write};
use serde_json::{Value, json};
use std::sync::Arc;

/// A table nobody else uses.
async fn table() -> oubli_aws::DynamoDb {
    let address = support::server().await;
    support::tables(address).await;
    support::table_at(address)
}

fn key(sk: &str) -> Key {
    Key { table: TableName::Control, pk: "p".to_owned(), sk: sk.to_owned() }
}

fn item(value: Value) -> Item {
    value.as_object().cloned().expect("an object")
}

fn put(sk: &str, value: Value, when: &[Condition]) -> Write {
    Write::Put { key: key(sk), item: item(value), when: when.to_vec() }
}

fn update(sk: &str, changes: &[Change], when: &[Condition]) -> Write {
    Write::Update { key: key(sk), changes: changes.to_vec(), when: when.to_vec() }
}

fn check(sk: &str, when: &[Condition]) -> Write {
    Write::Check { key: key(sk), when: when.to_vec() }
}

fn all(range: Range, limit: usize) -> Query {
    let (table, partition) = (TableName::Control, "p".to_owned());
    Query { table, index: None, partition, range, descending: false, limit, after: None }
}

async fn get(table: &dyn Table, sk: &str) -> Option<Item> {
    table.get_many(&[key(sk)]).await.expect("read").remove(0)
}

#[tokio::test]
async fn what_is_written_reads_back_as_json() {
    let table = table().await;
    let written = json!({ "n": -7, "big": i64::MAX, "none": null, "yes": true, "list": [1, "a", {}], "map": {"k": ""} });
    table.transact(vec![put("a", written.clone(), &[])]).await.expect("written");
    let mut expected = item(written);
    expected.extend(item(json!({ "pk": "p", "sk": "a" })));
    assert_eq!(get(&table, "a").await, Some(expected));
}

#[tokio::test]
async fn many_items_of_several_tables_come_back_in_the_order_asked() {
    let table = table().await;
    let other = Key { table: TableName::Keys, ..key("a") };
    let writes = vec![
        put("a", json!({ "v": 1 }), &[]),
        Write::Put { key: other.clone(), item: item(json!({ "v": 2 })), when: Vec::new() },
    ];
    table.transact(writes).await.expect("written");
    let keys = [key("none"), other.clone(), key("a"), other];
    let found = table.get_many(&keys).await.expect("read");
    let values: Vec<_> = found.iter().map(|i| i.as_ref().map(|i| i["v"].clone())).collect();
    assert_eq!(values, [None, Some(json!(2)), Some(json!(1)), Some(json!(2))]);
    assert_eq!(table.get_many(&[]).await, Ok(Vec::new()));
}

#[tokio::test]
async fn each_condition_holds_exactly_when_it_says() {
    let table = table().await;
    table.transact(vec![put("a", json!({ "s": "x", "n": 5, "none": null }), &[])]).await.expect("written");
    let equals = |name, value: Value| Condition::Equals(name, value);
    let holds = [
        ("a", Condition::ItemPresent),
        ("b", Condition::ItemAbsent),
        ("a", equals("s", json!("x"))),
        ("a", equals("none", Value::Null)),
        ("a", Condition::Missing("gone")),
        ("b", Condition::Missing("s")),
    ];
    let fails = [
        ("b", Condition::ItemPresent),
        ("a", Condition::ItemAbsent),
        ("a", equals("s", json!("y"))),
        ("a", equals("n", json!("5"))),
        ("a", equals("gone", Value::Null)),
        ("b", equals("s", json!("x"))),
        ("a", Condition::Missing("none")),
    ];
    for (sk, condition) in holds {
        assert_eq!(table.transact(vec![check(sk, std::slice::from_ref(&condition))]).await, Ok(()), "{condition:?}");
    }
    for (sk, condition) in fails {
        let refused = table.transact(vec![check(sk, std::slice::from_ref(&condition))]).await;
        assert_eq!(refused, Err(TableError::Refused(vec![0])), "{condition:?}");
    }
}

#[tokio::test]
async fn changes_make_the_item_and_count_from_zero() {
    let table = table().await;
    let changes = [Change::Add("n", 3), Change::Set("s", json!("x")), Change::Remove("gone")];
    table.transact(vec![update("a", &changes, &[Condition::ItemAbsent])]).await.expect("made");
    let more = [Change::Add("n", -1), Change::Remove("s")];
    table.transact(vec![update("a", &more, &[Condition::Equals("n", json!(3))])]).await.expect("changed");
    assert_eq!(get(&table, "a").await, Some(item(json!({ "pk": "p", "sk": "a", "n": 2 }))));
}

#[tokio::test]
async fn a_refused_transaction_names_its_places_and_writes_nothing() {
    let table = table().await;
    table.transact(vec![put("a", json!({ "n": 1 }), &[])]).await.expect("written");
    let refused = table
        .transact(vec![
            put("b", json!({}), &[Condition::ItemAbsent]),
            put("a", json!({}), &[Condition::ItemAbsent]),
            update("c", &[Change::Add("n", 1)], &[]),
            Write::Delete { key: key("d"), when: vec![Condition::ItemPresent] },
        ])
        .await;
    assert_eq!(refused, Err(TableError::Refused(vec![1, 3])));
    assert_eq!(get(&table, "b").await, None);
    assert_eq!(get(&table, "c").await, None);
    table.transact(vec![Write::Delete { key: key("a"), when: vec![Condition::Equals("n", json!(1))] }]).await.expect("deleted");
    assert_eq!(get(&table, "a").await, None);
    assert_eq!(table.transact(Vec::new()).await, Ok(()));
}

#[tokio::test]
async fn a_wrong_call_is_invalid_and_names_no_value() {
    let table = table().await;
    let twice = vec![put("secret", json!({}), &[]), update("secret", &[Change::Add("n", 1)], &[])];
    let too_many = (0..101).map(|n| put(&format!("k{n}"), json!({}), &[])).collect();
    for writes in [twice, too_many, vec![check("secret", &[])], vec![update("secret", &[], &[])]] {
        let error = table.transact(writes).await.expect_err("invalid");
        assert!(matches!(error, TableError::Invalid(_)), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_writers_comparing_and_swapping_lose_no_update() {
    const WRITERS: usize = 16;
    const EACH: i64 = 6;
    let table = Arc::new(table().await);
    table.transact(vec![put("n", json!({ "n": 0 }), &[])]).await.expect("written");
    let write = |table: Arc<oubli_aws::DynamoDb>| async move {
        let mut won = 0;
        while won < EACH {
            let n = get(table.as_ref(), "n").await.and_then(|i| i["n"].as_i64()).expect("a number");
            let swap = update("n", &[Change::Set("n", json!(n + 1))], &[Condition::Equals("n", json!(n))]);
            match table.transact(vec![swap]).await {
                Ok(()) => won += 1,
                Err(TableError::Refused(places)) => assert_eq!(places, [0]),
                Err(TableError::Unavailable(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    let writers: Vec<_> = (0..WRITERS).map(|_| tokio::spawn(write(table.clone()))).collect();
    for writer in writers {
        writer.await.expect("no panic");
    }
    let total = get(table.as_ref(), "n").await.expect("there")["n"].clone();
    assert_eq!(total, json!(EACH * i64::try_from(WRITERS).expect("small")));
}

#[tokio::test]
async fn pages_follow_their_cursors_in_both_directions() {
    let table = table().await;
    let names: Vec<String> = (0..30).map(|n| format!("i#{n:02}")).collect();
    table.put_all(names.iter().map(|n| (key(n), item(json!({ "v": n })))).collect()).await.expect("written");
    table.transact(vec![put("j", json!({}), &[])]).await.expect("written");
    for descending in [false, true] {
        let (mut seen, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = Query { descending, after, ..all(Range::Prefix("i#".to_owned()), 7) };
            let page = table.query(page).await.expect("a page");
            assert!(page.items.len() <= 7);
            seen.extend(page.items.iter().map(|i| i["sk"].as_str().expect("text").to_owned()));
            pages += 1;
            // A cursor survives its way through an API's reply.
            let text = serde_json::to_string(&page.next).expect("json");
            after = serde_json::from_str::<Option<Cursor>>(&text).expect("json");
            if after.is_none() {
                break;
            }
        }
        if descending {
            seen.reverse();
        }
        assert_eq!(seen, names);
        assert_eq!(pages, 5);
    }
}

#[tokio::test]
async fn ranges_mean_what_they_say_even_at_their_edges() {
    let table = table().await;
    let items = ["a", "b", "c"].map(|sk| (key(sk), item(json!({}))));
    table.put_all(items.to_vec()).await.expect("written");
    let between = |low: &str, high: &str| Range::Between(low.to_owned(), high.to_owned());
    let cases = [
        (Range::All, "abc"),
        (Range::Prefix(String::new()), "abc"),
        (Range::Prefix("b".to_owned()), "b"),
        (between("a", "b"), "ab"),
        (between("", "b"), "ab"),
        (between("c", "a"), ""),
        (between("", ""), ""),
    ];
    for (range, expected) in cases {
        let page = table.query(all(range.clone(), 10)).await.expect("a page");
        let seen: String = page.items.iter().filter_map(|i| i["sk"].as_str()).collect();
        assert_eq!(seen, expected, "{range:?}");
    }
    assert!(matches!(table.query(all(Range::All, 0)).await, Err(TableError::Invalid(_))));
}

#[tokio::test]
async fn an_index_finds_items_of_all_partitions_and_a_foreign_cursor_leads_nowhere() {
    let table = table().await;
    let due = |pk: &str, at: &str| {
        let key = Key { table: TableName::Control, pk: pk.to_owned(), sk: "x".to_owned() };
        (key, item(json!({ "due_pk": "due", "due_sk": at })))
    };
    table.put_all(vec![due("p1", "2026-01"), due("p2", "2026-02"), due("p3", "2026-03")]).await.expect("written");
    let query = Query {
        index: Some(Index::ByDue),
        partition: "due".to_owned(),
        ..all(Range::Between("2026-01".to_owned(), "2026-02".to_owned()), 1)
    };
    let first = table.query(query.clone()).await.expect("a page");
    assert_eq!(first.items[0]["pk"], json!("p1"));
    let second = table.query(Query { after: first.next.clone(), ..query.clone() }).await.expect("a page");
    assert_eq!(second.items[0]["pk"], json!("p2"));

    let foreign = Query { partition: "other".to_owned(), after: first.next, ..query };
    assert!(matches!(table.query(foreign).await, Err(TableError::Invalid(_))));
}

#[tokio::test]
async fn bulk_writes_pass_the_limit_of_one_call() {
    let table = table().await;
    let keys: Vec<Key> = (0..120).map(|n| key(&format!("{n:03}"))).collect();
    let mut items: Vec<_> = keys.iter().map(|k| (k.clone(), item(json!({ "v": 1 })))).collect();
    items.push((keys[0].clone(), item(json!({ "v": 2 }))));
    table.put_all(items).await.expect("written");
    assert_eq!(table.query(all(Range::All, 500)).await.expect("a page").items.len(), 120);
    assert_eq!(get(&table, "000").await.expect("there")["v"], json!(2));
    table.delete_all(keys.iter().chain(&keys).cloned().collect()).await.expect("deleted");
    assert!(table.query(all(Range::All, 500)).await.expect("a page").items.is_empty());
}

#[tokio::test]
async fn dynamodb_keeps_the_contract_of_the_port() {
    oubli_simulation::contract::table(&table().await, "contract").await;
}

#[test]
fn the_deployment_projects_what_is_read_of_each_index() {
    let template = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml"));
    for (name, index) in [("by_org", Index::ByOrganization), ("by_due", Index::ByDue)] {
        let after = template.split_once(&format!("- IndexName: {name}\n")).expect("there").1;
        let projection = after.lines().find_map(|line| line.trim().strip_prefix("Projection: ")).expect("one");
        let expected = match index.projected() {
            None => "{ProjectionType: ALL}".to_owned(),
            Some(names) => format!("{{ProjectionType: INCLUDE, NonKeyAttributes: [{}]}}", names.join(", ")),
        };
        assert_eq!(projection, expected, "{name}");
    }
}

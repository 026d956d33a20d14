//! What every [`Table`] does.

use oubli_engine::ports::{Change, Condition, Cursor, Index, Item, Key, Query, Range, Table, TableError, TableName, Write};
use serde_json::{Value, json};

fn key(pk: &str, sk: &str) -> Key {
    Key { table: TableName::Control, pk: pk.to_owned(), sk: sk.to_owned() }
}

fn item(attributes: Value) -> Item {
    attributes.as_object().cloned().unwrap_or_default()
}

fn put(key: Key, attributes: Value, when: Vec<Condition>) -> Write {
    Write::Put { key, item: item(attributes), when }
}

async fn get(table: &dyn Table, key: &Key) -> Option<Item> {
    table.get_many(std::slice::from_ref(key)).await.expect("read").pop().flatten()
}

fn all(partition: &str) -> Query {
    Query {
        table: TableName::Control,
        index: None,
        partition: partition.to_owned(),
        range: Range::All,
        descending: false,
        limit: 100,
        after: None,
    }
}

/// The whole contract of [`Table`]. `space` keeps runs on one table apart.
pub async fn table(table: &dyn Table, space: &str) {
    conditions(table, &format!("{space}-conditions")).await;
    changes(table, &format!("{space}-changes")).await;
    together(table, &format!("{space}-together")).await;
    pages(table, &format!("{space}-pages")).await;
    cursors(table, &format!("{space}-cursors")).await;
    index(table, &format!("{space}-index")).await;
    in_bulk(table, &format!("{space}-bulk")).await;
}

/// Every condition, holding and not.
async fn conditions(table: &dyn Table, pk: &str) {
    let there = key(pk, "there");
    table.transact(vec![put(there.clone(), json!({"n": 5, "s": "a"}), vec![Condition::ItemAbsent])]).await.expect("first put");
    let cases = [
        (Condition::ItemAbsent, false),
        (Condition::ItemPresent, true),
        (Condition::Equals("s", "a".into()), true),
        (Condition::Equals("s", "b".into()), false),
        (Condition::Equals("n", 5.into()), true),
        (Condition::Equals("none", "a".into()), false),
        (Condition::Missing("none"), true),
        (Condition::Missing("n"), false),
    ];
    for (condition, holds) in cases {
        let checked = table.transact(vec![Write::Check { key: there.clone(), when: vec![condition.clone()] }]).await;
        let expected = if holds { Ok(()) } else { Err(TableError::Refused(vec![0])) };
        assert_eq!(checked, expected, "{condition:?}");
    }
    let absent = key(pk, "absent");
    for (condition, holds) in [(Condition::ItemAbsent, true), (Condition::ItemPresent, false), (Condition::Missing("n"), true)] {
        let checked = table.transact(vec![Write::Check { key: absent.clone(), when: vec![condition.clone()] }]).await;
        assert_eq!(checked.is_ok(), holds, "{condition:?} of an item that is not there");
    }
}

/// Set, add and remove, on items that are there and on those that are not.
async fn changes(table: &dyn Table, pk: &str) {
    let one = key(pk, "one");
    let changes = vec![Change::Add("n", 2), Change::Set("s", json!({"deep": [1, "x", true]}))];
    table.transact(vec![Write::Update { key: one.clone(), changes, when: vec![] }]).await.expect("an update makes an item");
    let changes = vec![Change::Add("n", -5), Change::Remove("s"), Change::Remove("none")];
    table.transact(vec![Write::Update { key: one.clone(), changes, when: vec![] }]).await.expect("an update changes it");
    let expected = item(json!({"pk": pk, "sk": "one", "n": -3}));
    assert_eq!(get(table, &one).await, Some(expected));
    table.transact(vec![put(one.clone(), json!({"other": "x"}), vec![])]).await.expect("a put replaces");
    assert_eq!(get(table, &one).await, Some(item(json!({"pk": pk, "sk": "one", "other": "x"}))));
    table.transact(vec![Write::Delete { key: one.clone(), when: vec![] }]).await.expect("a delete");
    table.transact(vec![Write::Delete { key: one.clone(), when: vec![] }]).await.expect("a delete of nothing");
    assert_eq!(get(table, &one).await, None);
}

/// All or nothing, and the places of those refused.
async fn together(table: &dyn Table, pk: &str) {
    let (a, b) = (key(pk, "a"), key(pk, "b"));
    let other = Key { table: TableName::Ledger, ..key(pk, "c") };
    table.transact(vec![put(a.clone(), json!({"v": 1}), vec![])]).await.expect("put");
    let refused = table
        .transact(vec![
            put(b.clone(), json!({"v": 1}), vec![Condition::ItemAbsent]),
            Write::Update {
                key: a.clone(),
                changes: vec![Change::Set("v", 2.into())],
                when: vec![Condition::Equals("v", 9.into())],
            },
            put(other.clone(), json!({"v": 1}), vec![]),
        ])
        .await;
    assert_eq!(refused, Err(TableError::Refused(vec![1])));
    assert_eq!((get(table, &b).await, get(table, &other).await), (None, None), "nothing of a refused transaction happens");
    table
        .transact(vec![
            put(b.clone(), json!({"v": 1}), vec![Condition::ItemAbsent]),
            Write::Check { key: a.clone(), when: vec![Condition::Equals("v", 1.into())] },
            put(other.clone(), json!({"v": 1}), vec![]),
        ])
        .await
        .expect("over two tables");
    let read = table.get_many(&[other.clone(), key(pk, "none"), b.clone()]).await.expect("read");
    assert_eq!(read.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, true], "answers come in the order asked");
    let twice = table.transact(vec![put(a.clone(), json!({}), vec![]), put(a.clone(), json!({}), vec![])]).await;
    assert!(matches!(twice, Err(TableError::Invalid(_))), "one item twice: {twice:?}");
}

/// Ranges, both directions, and cursors to the end.
async fn pages(table: &dyn Table, pk: &str) {
    for n in 0..7 {
        table.transact(vec![put(key(pk, &format!("p#{n}")), json!({"n": n}), vec![])]).await.expect("put");
    }
    table.transact(vec![put(key(pk, "q"), json!({"n": 9}), vec![])]).await.expect("put");
    for descending in [false, true] {
        let mut seen = Vec::new();
        let mut query = Query { range: Range::Prefix("p#".to_owned()), descending, limit: 3, ..all(pk) };
        loop {
            let page = table.query(query.clone()).await.expect("page");
            assert!(page.items.len() <= 3);
            seen.extend(page.items.iter().filter_map(|i| i.get("n").and_then(Value::as_i64)));
            match page.next {
                Some(next) => query.after = Some(next),
                None => break,
            }
        }
        let mut expected: Vec<i64> = (0..7).collect();
        if descending {
            expected.reverse();
        }
        assert_eq!(seen, expected);
    }
    let between = Query { range: Range::Between("p#2".to_owned(), "p#4".to_owned()), ..all(pk) };
    assert_eq!(table.query(between).await.expect("range").items.len(), 3);
    assert!(table.query(all(&format!("{pk}-empty"))).await.expect("empty").items.is_empty());
}

/// A query goes on after any item, by its keys, and not only where a page ended.
async fn cursors(table: &dyn Table, pk: &str) {
    for n in 0..5 {
        let attributes = json!({"n": n, "gsi_pk": pk, "gsi_sk": format!("{n:03}")});
        table.transact(vec![put(key(pk, &format!("c#{n}")), attributes, vec![])]).await.expect("put");
    }
    let by_time = Query { index: Some(Index::ByOrganization), ..all(pk) };
    for (query, keys) in [(all(pk), &["pk", "sk"][..]), (by_time, &["pk", "sk", "gsi_pk", "gsi_sk"][..])] {
        for descending in [false, true] {
            let query = Query { descending, ..query.clone() };
            let whole = table.query(query.clone()).await.expect("query").items;
            assert_eq!(whole.len(), 5);
            for (place, item) in whole.iter().enumerate() {
                let here = keys.iter().map(|name| ((*name).to_owned(), item[*name].clone())).collect();
                let rest = table.query(Query { after: Some(Cursor(here)), ..query.clone() }).await.expect("goes on").items;
                assert_eq!(rest, whole[place + 1..], "after {place}");
            }
        }
    }
}

/// Items leave an index with its attributes.
async fn index(table: &dyn Table, pk: &str) {
    let one = key(pk, "one");
    table.transact(vec![put(one.clone(), json!({"due_pk": pk, "due_sk": "005"}), vec![])]).await.expect("put");
    table.transact(vec![put(key(pk, "two"), json!({"due_pk": pk, "due_sk": "009"}), vec![])]).await.expect("put");
    let due = Query { index: Some(Index::ByDue), range: Range::Between(String::new(), "007".to_owned()), ..all(pk) };
    let found = table.query(due.clone()).await.expect("index").items;
    assert_eq!(found.iter().filter_map(|i| i.get("sk").and_then(Value::as_str)).collect::<Vec<_>>(), ["one"]);
    let changes = vec![Change::Remove("due_pk"), Change::Remove("due_sk")];
    table.transact(vec![Write::Update { key: one, changes, when: vec![] }]).await.expect("update");
    assert!(table.query(due).await.expect("index").items.is_empty());
}

/// More than one call can carry.
async fn in_bulk(table: &dyn Table, pk: &str) {
    let keys: Vec<Key> = (0..60).map(|n| key(pk, &format!("{n:03}"))).collect();
    table.put_all(keys.iter().map(|k| (k.clone(), item(json!({"v": 1})))).collect()).await.expect("put all");
    assert_eq!(table.query(all(pk)).await.expect("query").items.len(), 60);
    table.delete_all(keys).await.expect("delete all");
    assert!(table.query(all(pk)).await.expect("query").items.is_empty());
}

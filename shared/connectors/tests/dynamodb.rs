//! The DynamoDB connector on a strict DynamoDB.

mod support;

use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    types::{
        AttributeDefinition, AttributeValue, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType, Projection,
        ProjectionType, ScalarAttributeType,
    },
};
use oubli_connectors::DynamoDb;
use oubli_domain::datamap::{DynamoTable, Location, Producer, Selection};
use oubli_engine::ports::{Connector, Expected, HideMethod, Matched, PutBack, RecordRef, Removal, Selector, StoreError, Version};
use serde_json::{Value, json};
use std::{collections::HashMap, sync::Arc};
use support::{NOBODY, body, by_subject, discover, expected, producer, read_one, returned};

struct World {
    client: Client,
    connector: Arc<DynamoDb>,
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn number(value: i64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

impl World {
    /// A table `orders` with key (`user`, `n`), an index of whole items by `email` and one of keys by `badge`, a number.
    async fn new() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("bound"));
        tokio::spawn(dynoxide::server::serve_on(listener, dynoxide::Database::memory().expect("memory")));
        let config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(endpoint)
            .build();
        let client = Client::from_conf(config);
        let key = |name: &str, kind| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("complete");
        let attribute = |name: &str, kind| {
            AttributeDefinition::builder().attribute_name(name).attribute_type(kind).build().expect("complete")
        };
        let index = |name: &str, attribute: &str, projection| {
            GlobalSecondaryIndex::builder()
                .index_name(name)
                .key_schema(key(attribute, KeyType::Hash))
                .projection(Projection::builder().projection_type(projection).build())
                .build()
                .expect("complete")
        };
        client
            .create_table()
            .table_name("orders")
            .billing_mode(BillingMode::PayPerRequest)
            .key_schema(key("user", KeyType::Hash))
            .key_schema(key("n", KeyType::Range))
            .attribute_definitions(attribute("user", ScalarAttributeType::S))
            .attribute_definitions(attribute("n", ScalarAttributeType::N))
            .attribute_definitions(attribute("email", ScalarAttributeType::S))
            .attribute_definitions(attribute("badge", ScalarAttributeType::N))
            .global_secondary_indexes(index("by_email", "email", ProjectionType::All))
            .global_secondary_indexes(index("by_badge", "badge", ProjectionType::KeysOnly))
            .send()
            .await
            .expect("created");
        Self { connector: Arc::new(DynamoDb::new(client.clone())), client }
    }

    async fn put(&self, user: &str, n: i64, more: &[(&str, AttributeValue)]) {
        let mut item: HashMap<_, _> = more.iter().map(|(k, v)| ((*k).to_owned(), v.clone())).collect();
        item.extend([("user".to_owned(), text(user)), ("n".to_owned(), number(n))]);
        self.client.put_item().table_name("orders").set_item(Some(item)).send().await.expect("put");
    }

    async fn get(&self, user: &str, n: i64) -> Option<HashMap<String, AttributeValue>> {
        let request = self.client.get_item().table_name("orders").consistent_read(true);
        request.key("user", text(user)).key("n", number(n)).send().await.expect("get").item
    }

    async fn remove(&self, producer: &Producer, expected: Expected) -> Result<Removal, StoreError> {
        self.connector.remove(producer, &[expected]).await.remove(0)
    }

    async fn put_back(&self, record: &RecordRef, body: Vec<u8>) -> Result<PutBack, StoreError> {
        self.connector.put_back(&orders(None), vec![returned(record, Value::Null, body)]).await.remove(0)
    }
}

fn select(attribute: &str, index: Option<&str>) -> Selection {
    Selection::Key { by: by_subject(), attribute: attribute.to_owned(), index: index.map(str::to_owned) }
}

fn orders(version_attribute: Option<&str>) -> Producer {
    let location = DynamoTable {
        table: "orders".to_owned(),
        key: vec!["user".to_owned(), "n".to_owned()],
        version_attribute: version_attribute.map(str::to_owned),
    };
    let select = vec![select("user", None), select("email", Some("by_email")), select("badge", Some("by_badge"))];
    producer(Location::Table(location), select)
}

fn selector<'a>(producer: &'a Producer, place: usize, value: &'a str) -> Selector<'a> {
    Selector { selection: &producer.select[place], value, fields: &[], found_otherwise: NOBODY }
}

fn record(user: &str, n: i64) -> RecordRef {
    RecordRef { key: json!({ "user": { "S": user }, "n": { "N": n.to_string() } }), matched: None }
}

#[tokio::test]
async fn a_table_promises_the_vault_and_cautions_without_a_version_attribute() {
    let world = World::new().await;
    let capabilities = world.connector.capabilities(&orders(None)).await.expect("usable");
    assert_eq!(capabilities.hide, HideMethod::Vault);
    assert!(capabilities.cautions.iter().any(|c| c.contains("version_attribute")));
    let capabilities = world.connector.capabilities(&orders(Some("v"))).await.expect("usable");
    assert_eq!(capabilities.cautions, Vec::<String>::new());
}

#[tokio::test]
async fn a_map_that_does_not_fit_the_table_is_unusable_with_the_remedy() {
    let world = World::new().await;
    let with = |change: &dyn Fn(&mut DynamoTable, &mut Vec<Selection>)| {
        let mut producer = orders(None);
        let Location::Table(table) = &mut producer.location else { unreachable!() };
        change(table, &mut producer.select);
        producer
    };
    let cases = [
        (with(&|t, _| t.table = "none".to_owned()), "ResourceNotFoundException"),
        (with(&|t, _| t.key = vec!["user".to_owned()]), "[user, n]"),
        (with(&|_, s| s[0] = select("email", None)), "partitioned by [user]"),
        (with(&|_, s| s[0] = select("email", Some("by_mail"))), "no global secondary index by_mail"),
        (with(&|_, s| s[0] = select("email", Some("by_badge"))), "partitioned by [badge]"),
        (with(&|_, s| s[0] = Selection::Prefix { by: by_subject(), template: "{}/".to_owned() }), "prefix"),
    ];
    for (producer, says) in cases {
        let error = world.connector.capabilities(&producer).await.expect_err("unusable");
        assert!(matches!(error, StoreError::Unusable { .. }) && error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn discovery_reads_past_the_first_megabyte_and_counts_bytes() {
    let world = World::new().await;
    let filler = text(&"x".repeat(60_000));
    for n in 0..40 {
        world.put("u1", n, &[("filler", filler.clone())]).await;
    }
    world.put("u10", 1, &[]).await;
    let producer = orders(None);
    let (found, pages) = discover(world.connector.as_ref(), &producer, selector(&producer, 0, "u1"), 1_000).await;
    assert_eq!(found.len(), 40);
    assert!(pages > 2, "{pages} pages");
    assert_eq!(found[7].record.key, json!({ "n": { "N": "7" }, "user": { "S": "u1" } }));
    assert_eq!(found[7].record.matched, None);
    assert_eq!(found[7].bytes, (4 + 2) + (1 + 2) + (6 + 60_000));
    let (found, pages) = discover(world.connector.as_ref(), &producer, selector(&producer, 0, "u1"), 7).await;
    assert_eq!((found.len(), pages), (40, 6));
}

#[tokio::test]
async fn indexes_find_items_once_with_their_fields_and_what_they_matched() {
    let world = World::new().await;
    let mail = ("email", text("a@b.c"));
    world.put("u1", 1, &[mail.clone(), ("badge", number(7)), ("total", number(30)), ("note", AttributeValue::Null(true))]).await;
    world.put("u2", 2, &[mail, ("badge", number(8)), ("day", text("2026-01-31"))]).await;
    let producer = orders(None);
    let fields = ["total", "day", "note", "none"].map(str::to_owned);

    let otherwise = [Matched { attribute: "user".to_owned(), value: "u1".to_owned() }];
    let by_email = Selector { fields: &fields, found_otherwise: &otherwise, ..selector(&producer, 1, "a@b.c") };
    let (found, _) = discover(world.connector.as_ref(), &producer, by_email, 10).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].fields, [("day".to_owned(), "2026-01-31".to_owned())].into());
    let matched = found[0].record.matched.as_ref().expect("matched");
    assert_eq!((matched.attribute.as_str(), matched.value.as_str()), ("email", "a@b.c"));

    // The index holds keys only: fields and size come from the items themselves. A number is a number however written.
    let by_badge = Selector { fields: &fields, ..selector(&producer, 2, "007") };
    let (found, _) = discover(world.connector.as_ref(), &producer, by_badge, 10).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].fields, [("total".to_owned(), "30".to_owned())].into());
    assert_eq!(found[0].bytes, (4 + 2) + (1 + 2) + (5 + 5) + (5 + 2) + (5 + 2) + (4 + 1));
}

#[tokio::test]
async fn an_identity_that_cannot_be_compared_is_refused_and_not_repeated() {
    let world = World::new().await;
    let producer = orders(None);
    for (place, value) in [(0, ""), (2, "alice")] {
        let found = world.connector.discover(&producer, selector(&producer, place, value), None, 10).await;
        let error = found.expect_err("refused");
        assert!(matches!(error, StoreError::Record { .. }), "{error}");
        assert!(!error.to_string().contains("alice"), "{error}");
    }
    let broken =
        world.connector.reread(&producer, &[RecordRef { key: json!({ "user": { "S": "alice" } }), matched: None }], &[]).await;
    let error = broken.expect_err("refused");
    assert!(matches!(error, StoreError::Record { .. }) && !error.to_string().contains("alice"), "{error}");
}

#[tokio::test]
async fn rereading_answers_in_order_past_one_call_and_drops_what_no_longer_matches() {
    let world = World::new().await;
    for n in 0..130 {
        world.put("u1", n, &[("email", text(if n == 5 { "new" } else { "old" }))]).await;
    }
    let matched = Matched { attribute: "email".to_owned(), value: "old".to_owned() };
    let mut records: Vec<_> = (0..130).rev().map(|n| RecordRef { matched: Some(matched.clone()), ..record("u1", n) }).collect();
    records.push(record("gone", 1));
    records.push(record("u1", 5));
    let fields = ["n".to_owned()];
    let again = world.connector.reread(&orders(None), &records, &fields).await.expect("read");
    assert_eq!(again.len(), 132);
    for (place, n) in (0..130).rev().enumerate() {
        let number = again[place].as_ref().map(|f| f.fields["n"].clone());
        assert_eq!(number, (n != 5).then(|| n.to_string()));
    }
    assert_eq!(again[130], None);
    assert!(again[131].is_some());
}

#[tokio::test]
async fn an_item_comes_back_byte_for_byte() {
    let world = World::new().await;
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
    let length = snapshot.length;
    let copy = body(snapshot).await;
    assert_eq!(copy.len() as u64, length);
    assert_eq!(world.remove(&producer, expected.clone()).await, Ok(Removal::Removed));
    assert_eq!(world.get("u1", 1).await, None);
    assert_eq!(world.remove(&producer, expected).await, Ok(Removal::Absent));
    assert!(read_one(world.connector.as_ref(), &producer, &record).await.is_none());

    assert_eq!(world.put_back(&record, copy.clone()).await, Ok(PutBack::Restored));
    assert_eq!(world.get("u1", 1).await, Some(before));
    // It stands there and is equal: a repeated try is no conflict.
    assert_eq!(world.put_back(&record, copy).await, Ok(PutBack::Restored));
}

#[tokio::test]
async fn a_changed_item_is_neither_removed_nor_overwritten() {
    let world = World::new().await;
    for version_attribute in [None, Some("v")] {
        let (producer, record) = (orders(version_attribute), record("u1", 1));
        world.put("u1", 1, &[("v", number(1)), ("s", text("old"))]).await;
        let snapshot = read_one(world.connector.as_ref(), &producer, &record).await.expect("there");
        let expected = expected(&record, &snapshot);
        let copy = body(snapshot).await;
        world.put("u1", 1, &[("v", number(2)), ("s", text("new"))]).await;
        assert_eq!(world.remove(&producer, expected).await, Ok(Removal::Changed));
        assert_eq!(world.put_back(&record, copy).await, Ok(PutBack::Conflict));
        assert_eq!(world.get("u1", 1).await.expect("there")["s"], text("new"));
    }
}

#[tokio::test]
async fn a_version_attribute_decides_alone_and_is_missed_where_an_item_has_none() {
    let world = World::new().await;
    let (producer, record) = (orders(Some("v")), record("u1", 1));
    world.put("u1", 1, &[("v", text("etag-1"))]).await;
    let snapshot = read_one(world.connector.as_ref(), &producer, &record).await.expect("there");
    assert_eq!(snapshot.version.0, json!({ "attribute": "v", "value": { "S": "etag-1" } }));
    assert_eq!(world.remove(&producer, expected(&record, &snapshot)).await, Ok(Removal::Removed));

    world.put("u1", 1, &[]).await;
    let snapshot = read_one(world.connector.as_ref(), &producer, &record).await.expect("there");
    assert!(snapshot.version.0.get("item").is_some());
    assert_eq!(world.remove(&producer, expected(&record, &snapshot)).await, Ok(Removal::Removed));
}

#[tokio::test]
async fn an_attribute_added_after_the_copy_brings_the_item_back() {
    let world = World::new().await;
    let (producer, record) = (orders(None), record("u1", 1));
    world.put("u1", 1, &[("s", text("old"))]).await;
    let snapshot = read_one(world.connector.as_ref(), &producer, &record).await.expect("there");
    world.put("u1", 1, &[("s", text("old")), ("added", text("later"))]).await;
    assert_eq!(world.remove(&producer, expected(&record, &snapshot)).await, Ok(Removal::Changed));
    assert_eq!(world.get("u1", 1).await.expect("put back")["added"], text("later"));
}

#[tokio::test]
async fn an_item_too_wide_to_compare_is_refused_with_the_remedy() {
    let world = World::new().await;
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
            assert_eq!(answer, Ok(Removal::Removed));
        } else {
            assert!(
                matches!(&answer, Err(StoreError::Record { reason, .. }) if reason.contains("version_attribute")),
                "{answer:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_sixteen_removers_one_removes() {
    let world = World::new().await;
    let producer = Arc::new(orders(None));
    for n in 0..20 {
        world.put("u1", n, &[("s", text("x"))]).await;
    }
    let records: Vec<_> = (0..20).map(|n| record("u1", n)).collect();
    let snapshots = world.connector.read(&producer, &records, &[]).await.expect("read");
    let all: Vec<_> = records.iter().zip(&snapshots).map(|(r, s)| expected(r, s.as_ref().expect("there"))).collect();
    let removers: Vec<_> = (0..16)
        .map(|_| {
            let (connector, producer, all) = (world.connector.clone(), producer.clone(), all.clone());
            tokio::spawn(async move { connector.remove(&producer, &all).await })
        })
        .collect();
    let mut removed = 0;
    for remover in removers {
        for answer in remover.await.expect("no panic") {
            match answer.expect("an answer") {
                Removal::Removed => removed += 1,
                Removal::Absent => {}
                Removal::Changed => panic!("nothing changed"),
            }
        }
    }
    assert_eq!(removed, 20);
}

#[tokio::test]
async fn a_copy_that_is_not_the_records_is_refused() {
    let world = World::new().await;
    let other = serde_json::to_vec(&json!({ "user": { "S": "other" }, "n": { "N": "1" } })).expect("json");
    for copy in [other, b"{}".to_vec(), b"x".to_vec()] {
        let answer = world.put_back(&record("u1", 1), copy).await;
        assert!(matches!(answer, Err(StoreError::Record { .. })), "{answer:?}");
    }
    let foreign = Expected { record: record("u1", 1), version: Version(json!({ "etag": "x" })) };
    assert!(matches!(world.remove(&orders(None), foreign).await, Err(StoreError::Record { .. })));
}

#[tokio::test]
async fn there_is_no_native_hiding() {
    let world = World::new().await;
    let concealed = world.connector.conceal(&orders(None), &[record("u1", 1), record("u1", 2)]).await;
    assert_eq!(concealed.len(), 2);
    assert!(concealed.iter().all(|c| matches!(c, Err(StoreError::Unusable { .. }))));
}

#[tokio::test]
async fn no_error_repeats_a_key_or_a_value() {
    let world = World::new().await;
    let secret = "alice@example.com";
    let mut missing = orders(None);
    let Location::Table(table) = &mut missing.location else { unreachable!() };
    table.table = "none".to_owned();
    let (gone, wrong) =
        (record(secret, 1), RecordRef { key: json!({ "user": { "N": "1" }, "n": { "S": secret } }), matched: None });
    let version = Version(json!({ "item": { "s": { "S": secret } } }));
    let expected = |record: &RecordRef| Expected { record: record.clone(), version: version.clone() };
    let copy = json!({ "user": { "S": secret }, "n": { "N": "1" }, "broken": { "N": secret } }).to_string().into_bytes();

    let mut errors = vec![
        world.connector.discover(&missing, selector(&missing, 0, secret), None, 1).await.err(),
        world.connector.reread(&missing, &[gone.clone()], &[]).await.err(),
        world.connector.read(&orders(None), &[wrong.clone()], &[]).await.err(),
        world.connector.discover(&orders(None), selector(&orders(None), 0, secret), Some(&json!({ "x": secret })), 1).await.err(),
    ];
    errors.extend(world.connector.remove(&orders(None), &[expected(&wrong)]).await.into_iter().map(Result::err));
    errors.extend(world.connector.remove(&missing, &[expected(&gone)]).await.into_iter().map(Result::err));
    errors.push(world.put_back(&gone, copy).await.err());
    for (place, error) in errors.into_iter().enumerate() {
        let error = error.unwrap_or_else(|| panic!("call {place} fails"));
        for form in [error.to_string(), format!("{error:?}")] {
            assert!(!form.contains("alice"), "{form}");
        }
    }
}

//! One table for everything: key templates, sort keys and conditions.

use crate::{
    support::{by_subject, discover, producer},
    world::{Fixture, number, text},
};
use aws_sdk_dynamodb::types::{AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType};
use oubli_domain::datamap::{DynamoTable, ItemSelection, Location, Producer, Selection, SortKey, SortKeyIs, Template};
use oubli_engine::ports::{Connector, RecordRef, Selector, StoreError, Way};
use serde_json::json;

async fn fixture() -> Fixture {
    let world = Fixture::new().await;
    let attribute = |name: &str| {
        AttributeDefinition::builder().attribute_name(name).attribute_type(ScalarAttributeType::S).build().expect("complete")
    };
    let key =
        |name: &str, kind: KeyType| KeySchemaElement::builder().attribute_name(name).key_type(kind).build().expect("complete");
    let request = world.client.create_table().table_name("app").billing_mode(BillingMode::PayPerRequest);
    let request = request.attribute_definitions(attribute("pk")).attribute_definitions(attribute("sk"));
    request.key_schema(key("pk", KeyType::Hash)).key_schema(key("sk", KeyType::Range)).send().await.expect("created");
    world
}

async fn put(world: &Fixture, pk: &str, sk: &str, more: &[(&str, AttributeValue)]) {
    let request = world.client.put_item().table_name("app").item("pk", text(pk)).item("sk", text(sk));
    let request = more.iter().fold(request, |request, (name, value)| request.item(*name, value.clone()));
    request.send().await.expect("put");
}

fn users(sort: Option<SortKeyIs>, conditions: &[(&str, &[&str])]) -> Producer {
    let location = DynamoTable { table: "app".to_owned(), key: vec!["pk".to_owned(), "sk".to_owned()], version_attribute: None };
    let conditions = conditions.iter().map(|(n, values)| ((*n).to_owned(), values.iter().map(|v| (*v).to_owned()).collect()));
    let items = ItemSelection {
        by: by_subject(),
        attribute: "pk".to_owned(),
        index: None,
        value: Template::parse("USER#{}").expect("a template"),
        sort: sort.map(|is| SortKey { attribute: "sk".to_owned(), is }),
        conditions: conditions.collect(),
        scan: None,
    };
    producer(Location::Table(location), vec![Selection::Items(items)])
}

async fn keys(world: &Fixture, producer: &Producer, value: &str, but: &[Way<'_>]) -> Vec<String> {
    let way = Way { selection: &producer.select[0], value };
    let (found, _) = discover(world.connector.as_ref(), producer, Selector { way, fields: &[], but }, 2).await;
    let sort = |record: &RecordRef| record.key["sk"]["S"].as_str().expect("a text").to_owned();
    found.iter().map(|f| sort(&f.record)).collect()
}

#[tokio::test]
async fn a_person_of_one_table_is_found_by_the_way_its_keys_are_written() {
    let world = fixture().await;
    for (pk, sk) in [("USER#u-901", "PROFILE"), ("USER#u-901", "ORDER#1"), ("USER#u-901", "ORDER#2"), ("USER#u-9011", "PROFILE")]
    {
        put(&world, pk, sk, &[]).await;
    }
    let begins = |with: &str| Some(SortKeyIs::BeginningWith(with.to_owned()));
    assert_eq!(keys(&world, &users(None, &[]), "u-901", &[]).await, ["ORDER#1", "ORDER#2", "PROFILE"]);
    assert_eq!(keys(&world, &users(begins("ORDER#"), &[]), "u-901", &[]).await, ["ORDER#1", "ORDER#2"]);
    assert_eq!(keys(&world, &users(Some(SortKeyIs::Equal("PROFILE".to_owned())), &[]), "u-901", &[]).await, ["PROFILE"]);
    assert!(keys(&world, &users(Some(SortKeyIs::Equal("PROF".to_owned())), &[]), "u-901", &[]).await.is_empty());
    assert!(keys(&world, &users(None, &[]), "USER#u-901", &[]).await.is_empty(), "the template is not part of the identity");
    // What a more specific producer finds is left to it.
    let orders = users(begins("ORDER#"), &[]);
    let theirs = [Way { selection: &orders.select[0], value: "u-901" }];
    assert_eq!(keys(&world, &users(None, &[]), "u-901", &theirs).await, ["PROFILE"]);
    let of_another = [Way { selection: &orders.select[0], value: "u-9011" }];
    assert_eq!(keys(&world, &users(None, &[]), "u-901", &of_another).await.len(), 3);
}

#[tokio::test]
async fn conditions_are_of_texts_numbers_and_truths_and_are_looked_at_again() {
    let world = fixture().await;
    put(&world, "USER#u1", "a", &[("type", text("order")), ("n", number(1)), ("gone", AttributeValue::Bool(false))]).await;
    put(&world, "USER#u1", "b", &[("type", text("refund")), ("n", number(2)), ("gone", AttributeValue::Bool(true))]).await;
    put(&world, "USER#u1", "c", &[("type", AttributeValue::Null(true))]).await;
    put(&world, "USER#u1", "d", &[]).await;
    for (conditions, found) in [
        (&[("type", &["order"][..])][..], &["a"][..]),
        (&[("type", &["order", "refund"])], &["a", "b"]),
        (&[("n", &["2"])], &["b"]),
        (&[("gone", &["false"])], &["a"]),
        (&[("type", &["order"]), ("n", &["2"])], &[]),
    ] {
        assert_eq!(keys(&world, &users(None, conditions), "u1", &[]).await, found, "{conditions:?}");
    }
    let orders = users(None, &[("type", &["order"])]);
    let record = RecordRef { key: json!({ "pk": { "S": "USER#u1" }, "sk": { "S": "a" } }), matched: None, selection: None };
    let selected = async || {
        let again = world.connector.reread(&orders, std::slice::from_ref(&record), &[]).await.remove(0).expect("read");
        let snapshot = world.connector.read(&orders, std::slice::from_ref(&record), &[]).await.remove(0).expect("read");
        (again.is_some(), snapshot.expect("there").still_selected)
    };
    assert_eq!(selected().await, (true, true));
    put(&world, "USER#u1", "a", &[("type", text("invoice"))]).await;
    assert_eq!(selected().await, (false, false), "it is another producer's now");
}

#[tokio::test]
async fn keys_that_cannot_be_compared_so_are_refused_before_anything_is_searched() {
    let world = fixture().await;
    let window = std::time::Duration::from_secs(1);
    let sorted = |attribute: &str| {
        let mut producer = users(None, &[]);
        let Selection::Items(items) = &mut producer.select[0] else { unreachable!("items") };
        items.sort = Some(SortKey { attribute: attribute.to_owned(), is: SortKeyIs::Equal("x".to_owned()) });
        producer
    };
    let error = world.connector.capabilities(&sorted("made"), window).await.expect_err("refused");
    assert!(
        matches!(&error, StoreError::Unusable { .. }) && error.to_string().contains("its sort key is sk, not made"),
        "{error}"
    );
    world.connector.capabilities(&sorted("sk"), window).await.expect("usable");
    let location =
        DynamoTable { table: "orders".to_owned(), key: vec!["user".to_owned(), "n".to_owned()], version_attribute: None };
    let Selection::Items(mut items) = sorted("n").select.remove(0) else { unreachable!("items") };
    (items.attribute, items.value) = ("user".to_owned(), Template::plain());
    let by_number = producer(Location::Table(location), vec![Selection::Items(items)]);
    let error = world.connector.capabilities(&by_number, window).await.expect_err("refused");
    assert!(error.to_string().contains("n is not a text"), "{error}");
}

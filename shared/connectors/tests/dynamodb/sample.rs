//! A bounded look at a table.

use crate::world::{Fixture, number, text};
use aws_sdk_dynamodb::types::AttributeValue;
use oubli_suggest::{Contents, Keys, Record, Sampling as _, Seen, Value};
use std::collections::HashMap;

async fn sampled(world: &Fixture, limit: usize) -> (Vec<Record>, oubli_suggest::Read) {
    let mut records = Vec::new();
    let mut see = |seen| {
        if let Seen::Record(record) = seen {
            records.push(record);
        }
    };
    let read = world.connector.sample("orders", limit, &mut see).await.expect("read");
    (records, read)
}

#[tokio::test]
async fn a_table_is_described_with_its_keys_and_indexes() {
    let world = Fixture::new().await;
    assert!(world.connector.places().await.expect("listed").contains(&"orders".to_owned()));
    let Contents::Table(table) = world.connector.contents("orders").await.expect("there") else { panic!("it is a table") };
    assert_eq!(table.keys, Keys { partition: "user".to_owned(), sort: Some("n".to_owned()) });
    let mut indexes: Vec<_> = table.indexes.iter().map(|i| (i.name.as_str(), i.keys.partition.as_str())).collect();
    indexes.sort_unstable();
    assert_eq!(indexes, [("by_badge", "badge"), ("by_email", "email")]);
}

#[tokio::test]
async fn a_table_is_read_to_its_end_or_to_the_limit_and_says_which() {
    let world = Fixture::new().await;
    for n in 0..130 {
        world.put(&format!("u{}", n % 9), n, &[]).await;
    }
    let (all, read) = sampled(&world, 1_000).await;
    assert_eq!((all.len(), read.whole), (130, true));
    assert!(read.capacity > 0.0 && read.calls > 1, "{read:?}");
    for limit in [1, 99, 100, 129] {
        let (some, read) = sampled(&world, limit).await;
        assert_eq!((some.len(), read.whole), (limit, false), "{read:?}");
    }
}

#[tokio::test]
async fn values_of_every_type_are_handed_over() {
    let world = Fixture::new().await;
    let map = HashMap::from([("city".to_owned(), text("Angers"))]);
    let more = [
        ("flag", AttributeValue::Bool(true)),
        ("none", AttributeValue::Null(true)),
        ("set", AttributeValue::Ns(vec!["4".to_owned()])),
        ("list", AttributeValue::L(vec![text("a"), number(2)])),
        ("map", AttributeValue::M(map)),
        ("bytes", AttributeValue::B(b"x".to_vec().into())),
    ];
    world.put("u1", 7, &more).await;
    let (records, _) = sampled(&world, 10).await;
    let (text, number) = (|t: &str| Value::Text(t.to_owned()), |n: &str| Value::Number(n.to_owned()));
    let expected: Record = [
        ("user", text("u1")),
        ("n", number("7")),
        ("flag", Value::Truth(true)),
        ("none", Value::Null),
        ("set", Value::Members(vec![number("4")])),
        ("list", Value::Members(vec![text("a"), number("2")])),
        ("map", Value::Fields(Record::from([("city".to_owned(), text("Angers"))]))),
        ("bytes", Value::Bytes),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    assert!(records == [expected]);
}

#[tokio::test]
async fn a_table_that_is_not_there_is_named_with_what_it_takes() {
    let world = Fixture::new().await;
    let Err(not) = world.connector.contents("nothing").await else { panic!("there is none") };
    assert_eq!(not.to_string(), "ResourceNotFoundException: there is none of this name in this Region");
}

#[tokio::test]
async fn a_partition_key_is_looked_up() {
    let world = Fixture::new().await;
    world.put("u1", 7, &[]).await;
    for (value, there) in [("u1", true), ("u10", false), ("u", false)] {
        let has = world.connector.has("orders", "user", &Value::Text(value.to_owned())).await;
        assert_eq!(has.expect("asked"), there, "{value}");
    }
    // A value of another type is no key of the table.
    assert!(world.connector.has("orders", "user", &Value::Number("7".to_owned())).await.is_err());
}

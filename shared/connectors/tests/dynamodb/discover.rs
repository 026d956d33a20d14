//! Finding items.

use crate::{
    support::{WINDOW, discover, removals, under},
    world::{Fixture, number, orders, record, select, selector, text},
};
use aws_sdk_dynamodb::types::AttributeValue;
use oubli_domain::datamap::{DynamoTable, Location, Selection};
use oubli_engine::ports::{
    Caution, ConditionalDelete, Connector, Expected, Fields, HideMethod, Listing, Matched, RecordRef, Selector, StoreError,
    Version,
};
use serde_json::json;

#[tokio::test]
async fn a_table_promises_the_vault_and_cautions_without_a_version_attribute() {
    let world = Fixture::new().await;
    let capabilities = world.connector.capabilities(&orders(None), WINDOW).await.expect("usable");
    assert_eq!((capabilities.hide, capabilities.conditional_delete), (HideMethod::Vault, ConditionalDelete::Attributes));
    assert_eq!((capabilities.listing, capabilities.cautions), (Listing::Lagging, vec![Caution::NoVersionAttribute]));
    let capabilities = world.connector.capabilities(&orders(Some("v")), WINDOW).await.expect("usable");
    assert_eq!((capabilities.conditional_delete, capabilities.cautions), (ConditionalDelete::Version, vec![]));
}

#[tokio::test]
async fn a_map_that_does_not_fit_the_table_is_unusable_with_the_remedy() {
    let world = Fixture::new().await;
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
        (with(&|_, s| s[0] = under("{}/")), "prefix"),
    ];
    for (producer, says) in cases {
        let error = world.connector.capabilities(&producer, WINDOW).await.expect_err("unusable");
        assert!(matches!(error, StoreError::Unusable { .. }) && error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn discovery_reads_past_the_first_megabyte_and_counts_bytes() {
    let world = Fixture::new().await;
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
    let world = Fixture::new().await;
    let mail = ("email", text("a@b.c"));
    world.put("u1", 1, &[mail.clone(), ("badge", number(7)), ("total", number(30)), ("note", AttributeValue::Null(true))]).await;
    world.put("u2", 2, &[mail, ("badge", number(8)), ("day", text("2026-01-31"))]).await;
    let producer = orders(None);
    let fields = ["total", "day", "note", "none"].map(str::to_owned);

    let otherwise = [selector(&producer, 0, "u1").way];
    let by_email = Selector { fields: &fields, but: &otherwise, ..selector(&producer, 1, "a@b.c") };
    let (found, _) = discover(world.connector.as_ref(), &producer, by_email, 10).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].fields, Fields::from_iter([("day".to_owned(), "2026-01-31".to_owned())]));
    let matched = found[0].record.matched.as_ref().expect("matched");
    assert_eq!((matched.attribute.as_str(), matched.value.as_str()), ("email", "a@b.c"));

    // The index holds keys only: fields and size come from the items themselves.
    let by_badge = Selector { fields: &fields, ..selector(&producer, 2, "7") };
    let (found, _) = discover(world.connector.as_ref(), &producer, by_badge, 10).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].fields, Fields::from_iter([("total".to_owned(), "30".to_owned())]));
    assert_eq!(found[0].bytes, (4 + 2) + (1 + 2) + (5 + 5) + (5 + 2) + (5 + 2) + (4 + 1));
    // What another spelling would find was not found by it: that one is refused.
    let otherwise = [selector(&producer, 2, "007").way];
    let again = Selector { fields: &fields, but: &otherwise, ..selector(&producer, 2, "7") };
    assert_eq!(discover(world.connector.as_ref(), &producer, again, 10).await.0.len(), 1);
}

#[tokio::test]
async fn an_identity_that_cannot_be_compared_is_refused_and_not_repeated() {
    let world = Fixture::new().await;
    let producer = orders(None);
    for (place, value) in [(0, ""), (2, "alice"), (2, "007"), (2, "7.0")] {
        let found = world.connector.discover(&producer, selector(&producer, place, value), None, 10).await;
        let error = found.expect_err("refused");
        assert!(matches!(error, StoreError::Record { .. }), "{error}");
        assert!(value.is_empty() || !error.to_string().contains(value), "{error}");
    }
    let mut broken = world
        .connector
        .reread(&producer, &[RecordRef { key: json!({ "user": { "S": "alice" } }), matched: None, selection: None }], &[])
        .await;
    let error = broken.remove(0).expect_err("refused");
    assert!(matches!(error, StoreError::Record { .. }) && !error.to_string().contains("alice"), "{error}");
}

#[tokio::test]
async fn rereading_answers_in_order_past_one_call_and_drops_what_no_longer_matches() {
    let world = Fixture::new().await;
    for n in 0..130 {
        world.put("u1", n, &[("email", text(if n == 5 { "new" } else { "old" }))]).await;
    }
    let matched = Matched { attribute: "email".to_owned(), value: "old".to_owned() };
    let mut records: Vec<_> = (0..130).rev().map(|n| RecordRef { matched: Some(matched.clone()), ..record("u1", n) }).collect();
    records.push(record("gone", 1));
    records.push(record("u1", 5));
    let fields = ["n".to_owned()];
    let again =
        world.connector.reread(&orders(None), &records, &fields).await.into_iter().collect::<Result<Vec<_>, _>>().expect("read");
    assert_eq!(again.len(), 132);
    for (place, n) in (0..130).rev().enumerate() {
        let number = again[place].as_ref().map(|f| f.fields.text("n").expect("there").to_owned());
        assert_eq!(number, (n != 5).then(|| n.to_string()));
    }
    assert_eq!(again[130], None);
    assert!(again[131].is_some());
}

#[tokio::test]
async fn no_error_repeats_a_key_or_a_value() {
    let world = Fixture::new().await;
    let secret = "alice@example.com";
    let mut missing = orders(None);
    let Location::Table(table) = &mut missing.location else { unreachable!() };
    table.table = "none".to_owned();
    let (gone, wrong) = (
        record(secret, 1),
        RecordRef { key: json!({ "user": { "N": "1" }, "n": { "S": secret } }), matched: None, selection: None },
    );
    let version = Version(json!({ "item": { "s": { "S": secret } } }));
    let expected = |record: &RecordRef| Expected { record: record.clone(), version: version.clone() };
    let copy = json!({ "user": { "S": secret }, "n": { "N": "1" }, "broken": { "N": secret } }).to_string().into_bytes();

    let mut errors = vec![
        world.connector.discover(&missing, selector(&missing, 0, secret), None, 1).await.err(),
        world.connector.reread(&missing, std::slice::from_ref(&gone), &[]).await.remove(0).err(),
        world.connector.read(&orders(None), std::slice::from_ref(&wrong), &[]).await.remove(0).err(),
        world.connector.discover(&orders(None), selector(&orders(None), 0, secret), Some(&json!({ "x": secret })), 1).await.err(),
    ];
    errors.extend(world.connector.apply(&orders(None), &removals([expected(&wrong)])).await.into_iter().map(Result::err));
    errors.extend(world.connector.apply(&missing, &removals([expected(&gone)])).await.into_iter().map(Result::err));
    errors.push(world.put_back(&gone, copy).await.err());
    for (place, error) in errors.into_iter().enumerate() {
        let error = error.unwrap_or_else(|| panic!("call {place} fails"));
        for form in [error.to_string(), format!("{error:?}")] {
            assert!(!form.contains("alice"), "{form}");
        }
    }
}

#[tokio::test]
async fn what_a_table_cannot_do_is_not_offered() {
    let world = Fixture::new().await;
    assert!(world.connector.soft_delete().is_none());
    assert!(world.connector.queries().is_some() && world.connector.survey().is_some());
}

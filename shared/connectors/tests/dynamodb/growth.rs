//! Items that gain an attribute while they are removed.

use crate::{
    support::{
        body, expected,
        meddler::{CallOutcome, meddled},
        read_one, removals,
    },
    world::{Fixture, connected, number, orders, record, text},
};
use aws_sdk_dynamodb::Client;
use futures::FutureExt as _;
use oubli_engine::ports::{Applied, Connector, Expected, StoreError};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

async fn grow(client: Client) {
    let update = client.update_item().table_name("orders").key("user", text("u1")).key("n", number(1));
    let update = update.update_expression("SET added = :a").expression_attribute_values(":a", text("later"));
    update.send().await.expect("updated");
}

/// An item, and what is expected of it by whoever copied it.
async fn copied(world: &Fixture) -> Expected {
    world.put("u1", 1, &[("s", text("old"))]).await;
    let snapshot = read_one(world.connector.as_ref(), &orders(None), &record("u1", 1)).await.expect("there");
    let expected = expected(&record("u1", 1), &snapshot);
    body(snapshot).await;
    expected
}

#[tokio::test]
async fn an_item_that_grew_since_its_copy_is_not_deleted_at_all() {
    let world = Fixture::new().await;
    let expected = copied(&world).await;
    grow(world.client.clone()).await;
    // Nothing can be put back: a worker that dies after its deletion.
    let deletions = Arc::new(AtomicUsize::new(0));
    let counted = deletions.clone();
    let connector = connected(
        &world.client,
        meddled(move |operation| {
            let counted = counted.clone();
            async move {
                match operation.as_str() {
                    "PutItem" => return CallOutcome::Fails,
                    "DeleteItem" => drop(counted.fetch_add(1, Ordering::Relaxed)),
                    _ => {}
                }
                CallOutcome::Passes
            }
            .boxed()
        }),
    );
    assert_eq!(connector.apply(&orders(None), &removals([expected])).await, [Ok(Applied::Changed)]);
    assert_eq!(deletions.load(Ordering::Relaxed), 0);
    assert_eq!(world.get("u1", 1).await.expect("untouched")["added"], text("later"));
}

#[tokio::test]
async fn an_item_that_grows_between_the_look_and_the_deletion_comes_back_however_often_that_fails() {
    let world = Fixture::new().await;
    let expected = copied(&world).await;
    let (client, cuts) = (world.client.clone(), Arc::new(AtomicUsize::new(0)));
    let cut = cuts.clone();
    let connector = connected(
        &world.client,
        meddled(move |operation| {
            let (client, cut) = (client.clone(), cut.clone());
            async move {
                match operation.as_str() {
                    "DeleteItem" => grow(client).await,
                    // More often than the SDK tries by itself.
                    "PutItem" if cut.fetch_add(1, Ordering::Relaxed) < 5 => return CallOutcome::Fails,
                    _ => {}
                }
                CallOutcome::Passes
            }
            .boxed()
        }),
    );
    assert_eq!(connector.apply(&orders(None), &removals([expected])).await, [Ok(Applied::Changed)]);
    assert!(cuts.load(Ordering::Relaxed) > 5);
    let back = world.get("u1", 1).await.expect("put back");
    assert_eq!((&back["s"], &back["added"]), (&text("old"), &text("later")));
}

#[tokio::test]
async fn what_cannot_be_put_back_is_never_called_removed() {
    let world = Fixture::new().await;
    let expected = copied(&world).await;
    let client = world.client.clone();
    let connector = connected(
        &world.client,
        meddled(move |operation| {
            let client = client.clone();
            async move {
                match operation.as_str() {
                    "DeleteItem" => grow(client).await,
                    "PutItem" => return CallOutcome::Fails,
                    _ => {}
                }
                CallOutcome::Passes
            }
            .boxed()
        }),
    );
    let answer = connector.apply(&orders(None), &removals([expected])).await.remove(0);
    assert!(
        matches!(&answer, Err(StoreError::Unavailable { reason, .. }) if reason.contains("lacks what was added")),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_newer_item_written_after_the_deletion_is_left() {
    let world = Fixture::new().await;
    let expected = copied(&world).await;
    let client = world.client.clone();
    let connector = connected(
        &world.client,
        meddled(move |operation| {
            let client = client.clone();
            async move {
                if operation == "DeleteItem" {
                    grow(client.clone()).await;
                }
                if operation == "PutItem" {
                    let put = client.put_item().table_name("orders").item("user", text("u1")).item("n", number(1));
                    put.item("s", text("newest")).send().await.expect("put");
                }
                CallOutcome::Passes
            }
            .boxed()
        }),
    );
    assert_eq!(connector.apply(&orders(None), &removals([expected])).await, [Ok(Applied::Changed)]);
    assert_eq!(world.get("u1", 1).await.expect("there")["s"], text("newest"));
}

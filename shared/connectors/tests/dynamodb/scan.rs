//! Tables that are read as a whole.

use crate::{
    support::{discover, expected, producer, read_one},
    world::{Fixture, number, orders, scan, selector, text},
};
use oubli_domain::datamap::Producer;
use oubli_engine::ports::{Applied, Connector, StoreError};

fn scanned(max_items: u64) -> Producer {
    producer(orders(Some("v")).location, vec![scan("owner", max_items)])
}

/// Twelve items: three of `u1`, one of them by a number, and what is like theirs.
async fn filled() -> Fixture {
    let world = Fixture::new().await;
    for n in 0..9 {
        let owner = if n % 4 == 0 { "u1" } else { "u10" };
        world.put("x", n, &[("owner", text(owner)), ("v", number(n))]).await;
    }
    world.put("y", 0, &[("v", number(1))]).await;
    world.put("y", 1, &[("owner", number(7)), ("v", number(1))]).await;
    world.put("y", 2, &[("owner", text("")), ("v", number(1))]).await;
    world
}

#[tokio::test]
async fn p6_what_a_scan_found_is_removed_only_while_it_is_still_theirs() {
    let world = filled().await;
    let producer = scanned(12);
    for limit in [1, 5, 1_000] {
        let (found, _) = discover(world.connector.as_ref(), &producer, selector(&producer, 0, "u1"), limit).await;
        assert_eq!(found.len(), 3, "pages of {limit}");
    }
    assert_eq!(discover(world.connector.as_ref(), &producer, selector(&producer, 0, "7"), 10).await.0.len(), 1);
    let (found, _) = discover(world.connector.as_ref(), &producer, selector(&producer, 0, "u1"), 10).await;
    let snapshot = read_one(world.connector.as_ref(), &producer, &found[0].record).await.expect("there");
    assert!(snapshot.still_selected);
    assert_eq!(world.remove(&producer, expected(&found[0].record, &snapshot)).await, Ok(Applied::Done));
    // Another owner since: no key says whose it is.
    let key = found[1].record.key["n"]["N"].as_str().and_then(|n| n.parse().ok()).expect("a number");
    world.put("x", key, &[("owner", text("u2")), ("v", number(99))]).await;
    let snapshot = read_one(world.connector.as_ref(), &producer, &found[1].record).await.expect("there");
    assert!(!snapshot.still_selected, "it is somebody else's now");
    let again = world.connector.reread(&producer, std::slice::from_ref(&found[1].record), &[]).await;
    assert_eq!(again, [Ok(None)]);
}

#[tokio::test]
async fn p3_a_scan_ends_at_its_bound_and_says_so() {
    let world = filled().await;
    for (most, whole) in [(12, true), (11, false), (1, false)] {
        let producer = scanned(most);
        let mut after = None;
        let ended = loop {
            match world.connector.discover(&producer, selector(&producer, 0, "nobody"), after.as_ref(), 5).await {
                Ok(page) if page.next.is_none() => break Ok(()),
                Ok(page) => after = page.next,
                Err(error) => break Err(error),
            }
        };
        match ended {
            Ok(()) => assert!(whole, "{most}"),
            Err(error) => assert!(!whole && matches!(error, StoreError::TooLarge { .. }), "{most}: {error}"),
        }
    }
}

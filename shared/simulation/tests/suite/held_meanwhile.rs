//! A hold that comes while a worker hides: what the worker had not seen is not hidden for good.

use crate::support::{approval, drive, engine, hold_on, id, officer, pass, planned, poll_some, reviewer};
use oubli_engine::{api::NewHold, ports::Message};
use oubli_simulation::{Mutant, World, polls::block_on};
use std::pin::Pin;

fn rows(world: &World) -> usize {
    world.lock().shop.tables.values().map(|rows| rows.len()).sum()
}

/// A hold on everything is placed while a worker stands still between its copies and their removal, and then it goes on.
/// Answers how many records are away in the end.
fn away_of_what_is_held(mutant: Option<Mutant>) -> usize {
    let world = planned();
    let before = rows(&world);
    block_on(engine(&world).reviews().approve(&reviewer(), id(), approval())).expect("approved");
    let message = loop {
        let message = world.next_message().expect("a batch is sent");
        if matches!(message, Message::Batch { .. }) {
            break message;
        }
        block_on(engine(&world).worker().handle(&message)).expect("handled");
    };
    world.lock().mutant = mutant;
    let (copies, slow) = (world.lock().objects.len(), engine(&world).worker());
    let mut worker: Pin<Box<dyn Future<Output = _> + '_>> = Box::pin(slow.handle(&message));
    while world.lock().objects.len() == copies {
        assert!(!poll_some(&mut worker, 1), "it copies nothing");
    }
    assert_eq!(rows(&world), before);
    let categories = ["orders", "invoices", "files"].map(|name| name.parse().expect("a category")).into();
    block_on(engine(&world).holds().place_hold(&officer(), NewHold { categories, ..hold_on("orders") })).expect("placed");
    drive(&world);
    poll_some(&mut worker, u64::MAX);
    // Whoever died is dead for all, and others go on.
    for _ in 0..4 {
        pass(&world, 61);
    }
    before - rows(&world)
}

#[test]
fn p2_what_a_hold_finds_being_hidden_is_put_back() {
    assert_eq!(away_of_what_is_held(None), 0);
    assert_ne!(away_of_what_is_held(Some(Mutant::HoldReadOnce)), 0, "the mutant is not noticed");
}

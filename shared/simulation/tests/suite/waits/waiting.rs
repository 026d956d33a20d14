//! Who waits costs little however many wait, goes on in the order of asking, and does not wait for ever.

use super::drive::{
    Waited, advance, all_erased, approved, deliver, engine, erasure, minute, number, officer, opened, phase, planned, until,
};
use oubli_domain::{ids::RequestId, lifecycle::Phase};
use oubli_engine::api::NewRequest;
use oubli_simulation::{World, organization, polls::block_on};

#[test]
fn messages_and_calls_of_a_request_do_not_grow_with_those_that_wait() {
    let Waited { messages: few, calls: few_calls, .. } = all_erased(50);
    let Waited { messages: many, calls: many_calls, hold_calls: beside_many } = all_erased(400);
    println!("messages {few} {many}, calls {few_calls} {many_calls}");
    assert!(many * 50 < few * 400 * 11 / 10, "messages: {few} for 50, {many} for 400");
    assert!(many_calls * 50 < few_calls * 400 * 11 / 10, "calls: {few_calls} for 50, {many_calls} for 400");
    // The answer names a hundred requests at most, and looks at each once.
    assert!(beside_many < 130, "calls of a hold on everybody: {beside_many}");
}

#[test]
fn they_begin_in_the_order_in_which_they_were_asked_for() {
    let world = opened();
    for n in 0..6 {
        let (id, owner) = (format!("q{n}"), format!("customer-{n}"));
        world.lock().app_writes("orders", &id, &[("id", &id), ("owner", &owner), ("email", "x@example.org")]);
    }
    world.pass(60);
    // Ids tell nothing of the order.
    let ids: Vec<_> = [5_u128, 2, 4, 1, 3, 0]
        .iter()
        .enumerate()
        .map(|(n, id)| {
            world.pass(1);
            planned(&world, erasure(&world, 1_000 + id, &format!("customer-{n}")))
        })
        .collect();
    world.lock().messages.clear();
    ids.iter().for_each(|id| approved(&world, *id));
    ids.iter().rev().for_each(|id| advance(&world, *id));
    ids.iter().for_each(|id| until(&world, *id, Phase::CompletedWithExceptions));
    let mut turns: Vec<_> = ids[..5].iter().map(|id| (began(&world, *id), *id)).collect();
    turns.sort();
    // The last to ask found the slot free; the others took their turns.
    let turns: Vec<_> = turns.into_iter().map(|(_, id)| id).collect();
    assert_eq!(turns, ids[..5], "in the order of asking");
}

/// The instant at which it began to hide.
fn began(world: &World, wanted: RequestId) -> u64 {
    world.first_in(&wanted.to_string(), "hiding").expect("begun")
}

fn unverified(world: &World) -> NewRequest {
    NewRequest { verification: None, ..erasure(world, 1, "alice") }
}

/// Days pass, with so many minutes of each swept. Answers messages.
fn days(world: &World, count: i64) -> usize {
    let mut messages = 0;
    for _ in 0..count {
        for _ in 0..5 {
            messages += minute(world);
        }
        world.pass(86_400 - 5 * 61);
    }
    messages
}

#[test]
fn what_nobody_verifies_ends_and_is_forgotten_and_costs_next_to_nothing() {
    let world = opened();
    block_on(engine(&world).requests().submit(&officer(), unverified(&world))).expect("submitted");
    deliver(&world);
    let messages = days(&world, 25);
    assert_eq!(phase(&world, number(1)), Phase::AwaitingVerification, "a month is theirs");
    assert!(messages < 120, "{messages} messages while it waited");
    days(&world, 35);
    assert_eq!(phase(&world, number(1)), Phase::Cancelled);
    assert_eq!(keys_of(&world), 0, "nothing gathered is left");
}

fn keys_of(world: &World) -> usize {
    world.lock().items.keys().filter(|k| k.table == oubli_engine::ports::TableName::Keys && k.pk.contains("#request#")).count()
}

#[test]
fn what_nobody_reviews_ends_and_is_forgotten() {
    let world = opened();
    planned(&world, erasure(&world, 1, "alice"));
    deliver(&world);
    days(&world, 80);
    assert_eq!(phase(&world, number(1)), Phase::InReview);
    days(&world, 15);
    assert_eq!((phase(&world, number(1)), keys_of(&world)), (Phase::Cancelled, 0));
}

#[test]
fn a_duplicate_names_the_first_and_finding_it_costs_the_same_with_many_open() {
    let world = opened();
    block_on(engine(&world).requests().submit(&officer(), erasure(&world, 900, "alice"))).expect("submitted");
    world.pass(1);
    block_on(engine(&world).requests().submit(&officer(), erasure(&world, 100, "alice"))).expect("submitted");
    world.pass(1);
    let before = world.calls();
    let third = block_on(engine(&world).requests().submit(&officer(), erasure(&world, 500, "alice"))).expect("submitted");
    let calls = world.calls() - before;
    assert_eq!(third.duplicate_of, Some(number(900)));
    for n in 0..1_050 {
        block_on(engine(&world).requests().submit(&officer(), erasure(&world, 10_000 + n, &format!("c{n}")))).expect("submitted");
        world.lock().messages.clear();
    }
    let before = world.calls();
    block_on(engine(&world).requests().submit(&officer(), erasure(&world, 600, "alice"))).expect("submitted");
    assert_eq!(world.calls() - before, calls);
}

#[test]
fn whoever_retries_while_working_takes_a_slot_again() {
    let world = opened();
    let first = planned(&world, erasure(&world, 1, "alice"));
    let second = planned(&world, erasure(&world, 2, "bob"));
    world.lock().messages.clear();
    approved(&world, first);
    block_on(engine(&world).worker().advance(&organization(), &first, false)).expect("begun");
    assert_eq!(phase(&world, first), Phase::Hiding);
    fail(&world, first);
    approved(&world, second);
    block_on(engine(&world).worker().advance(&organization(), &second, false)).expect("begun");
    assert_eq!(phase(&world, second), Phase::Hiding);
    block_on(engine(&world).requests().retry(&officer(), first)).expect("retried");
    let before = world.owned_rows("orders", "alice");
    world.lock().messages.retain(|m| m.message.request() == Some(&first));
    deliver(&world);
    assert_eq!(world.owned_rows("orders", "alice"), before, "there is a slot for one");
    until(&world, second, Phase::Recoverable);
    until(&world, first, Phase::Recoverable);
}

/// Its manifest is not what was planned, until somebody sees to it.
fn fail(world: &World, id: RequestId) {
    let set = |digests: &[String]| {
        let mut state = world.lock();
        let mine = state.items.iter_mut().filter(|(k, _)| k.sk.starts_with("batch#") && k.pk.ends_with(&id.to_string()));
        let replaced = mine.zip(digests.iter().cycle()).map(|((_, item), digest)| {
            let before = item.insert("part_sha256".to_owned(), digest.clone().into());
            before.and_then(|b| b.as_str().map(str::to_owned)).unwrap_or_default()
        });
        replaced.collect::<Vec<_>>()
    };
    let planned = set(&["00".repeat(32)]);
    for n in 0..60 {
        if phase(world, id) == Phase::Failed {
            break;
        }
        assert!(n < 59, "it does not fail");
        world.pass(400);
        advance(world, id);
        deliver_broken(world);
    }
    set(&planned);
}

fn deliver_broken(world: &World) {
    let due: Vec<_> = {
        let mut state = world.lock();
        let now = state.now_ms;
        let (due, later) = std::mem::take(&mut state.messages).into_iter().partition(|m| m.visible_at <= now);
        state.messages = later;
        due
    };
    for message in due {
        block_on(engine(world).worker().handle(&message.message)).ok();
    }
}

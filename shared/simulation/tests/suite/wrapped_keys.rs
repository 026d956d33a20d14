//! Every wrapped key belongs to something that is there, whoever is refused and wherever a process dies: nobody looks for one
//! that nothing names.

use crate::support::{approval, drive, engine, hold_on, id, officer, opened, pass, plan, poll_some, request, reviewer};
use oubli_domain::{
    ids::{DiscoveryId, HoldId},
    limits::Limits,
    personal::Identity,
};
use oubli_engine::{
    Config, Engine, EngineError, NewCodes, ProblemCode,
    api::{NewHold, NewRequest, RequestKind},
    directory::NewKeyWanted,
    ports::Message,
};
use oubli_simulation::{
    World, organization,
    polls::{block_on, poll_for},
    ports,
};
use std::pin::Pin;
use uuid::Uuid;

const DAY: i64 = 86_400;

const KEY: Uuid = Uuid::from_u128(5);

/// Somebody does something.
type Doing<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// What they do, and in which world.
type Does = for<'a> fn(&'a World) -> Doing<'a>;
type Begins = fn() -> World;

fn alice() -> Identity {
    Identity::built_in(Some("alice"), None).expect("an identity")
}

fn discovery(n: u128) -> DiscoveryId {
    DiscoveryId::from_uuid(Uuid::from_u128(n))
}

fn export(world: &World) -> NewRequest {
    request(world, "alice", RequestKind::Export)
}

fn code<T>(answer: Result<T, EngineError>) -> Option<ProblemCode> {
    match answer {
        Ok(_) => None,
        Err(EngineError::Refused(refusal)) => Some(refusal.code),
        Err(other) => panic!("{other}"),
    }
}

fn submits(world: &World) -> Doing<'_> {
    Box::pin(async move { drop(engine(world).requests().submit(&officer(), export(world)).await) })
}

fn holds(world: &World) -> Doing<'_> {
    let new = NewHold { identity: Some(alice()), ..hold_on("orders") };
    Box::pin(async move { drop(engine(world).holds().place_hold(&officer(), new).await) })
}

fn looks(world: &World) -> Doing<'_> {
    Box::pin(async move { drop(engine(world).discovery().start_preview(&officer(), discovery(1), alice()).await) })
}

fn advances(world: &World) -> Doing<'_> {
    Box::pin(async move { drop(engine(world).worker().advance(&organization(), &id(), false).await) })
}

async fn enroll(world: &World) -> Result<NewCodes, EngineError> {
    engine(world).directory().operator(&organization(), None).enroll_codes(&KEY.simple().to_string()).await
}

fn enrolls(world: &World) -> Doing<'_> {
    Box::pin(async move { drop(enroll(world).await) })
}

/// An erasure that is approved, and that an export is to go before.
fn exported_first() -> World {
    let world = opened();
    plan(&world, NewRequest { export_first: true, ..request(&world, "alice", RequestKind::FullErasure) });
    block_on(engine(&world).reviews().approve(&reviewer(), id(), approval())).expect("approved");
    world
}

/// A machine with a credential.
fn with_machine() -> World {
    let world = opened();
    let wanted = NewKeyWanted { name: "a machine".to_owned(), ..NewKeyWanted::default() };
    block_on(engine(&world).directory().operator(&organization(), None).create_key(KEY, wanted)).expect("a key");
    world
}

/// The same, with one-time codes.
fn enrolled() -> World {
    let world = with_machine();
    block_on(enroll(&world)).expect("codes");
    drive(&world);
    world
}

#[test]
fn p10_whoever_is_refused_leaves_no_key() {
    let world = opened();
    let asks = |new: NewRequest| code(block_on(engine(&world).requests().submit(&officer(), new)));
    let nowhere = NewRequest { deliver: true, ..export(&world) };
    assert_eq!(asks(nowhere), Some(ProblemCode::DeliveryNotSet));
    let unheard_of = Some(vec!["nothing".parse().expect("a name")]);
    assert_eq!(asks(NewRequest { saved_queries: unheard_of, ..export(&world) }), Some(ProblemCode::UnknownSavedQuery));
    assert_eq!(world.ownerless_keys(), Vec::<String>::new());

    // The only seat is taken by somebody who died.
    let limits = Limits { discoveries_in_flight: Some(1), ..Limits::default() };
    let config = Config { worker_timeout_seconds: 30, limits: Some(limits), ..Config::default() };
    let limited = &Engine::with_config(ports(&world), config);
    let start = |n| async move { limited.discovery().start_preview(&officer(), discovery(n), alice()).await };
    let refused = (2..200_u64).find_map(|polls| {
        let died = poll_for(start(1), polls).0.is_none();
        code(block_on(start(1_000 + u128::from(polls)))).filter(|_| died)
    });
    assert_eq!(refused, Some(ProblemCode::RateLimited));
    assert_eq!(world.ownerless_keys(), Vec::<String>::new());
}

#[test]
fn p10_wherever_a_process_dies_every_key_has_an_owner() {
    let all: [(&str, Begins, Does); 5] = [
        ("a request", opened, submits),
        ("a hold", opened, holds),
        ("a look", opened, looks),
        ("an export before an erasure", exported_first, advances),
        ("one-time codes", with_machine, enrolls),
    ];
    for (what, from, does) in all {
        let (_, polls) = poll_for(does(&from()), u64::MAX);
        assert!(polls > 2, "{what}");
        for alive in 0..=polls {
            let world = from();
            poll_for(does(&world), alive);
            assert_eq!(world.ownerless_keys(), Vec::<String>::new(), "{what}, dead after {alive} of {polls} polls");
        }
    }
}

#[test]
fn p10_what_codes_were_made_of_goes_once_there_are_others() {
    let (_, polls) = poll_for(enrolls(&enrolled()), u64::MAX);
    for alive in 0..=polls {
        let world = enrolled();
        poll_for(enrolls(&world), alive);
        // Whoever died woke nobody; somebody comes once a day.
        (0..2).for_each(|_| pass(&world, DAY + 60));
        let how = format!("dead after {alive} of {polls} polls");
        assert_eq!((world.ownerless_keys(), world.keys_of_codes()), (vec![], 1), "{how}");
        // There may be others yet.
        block_on(enroll(&world)).expect("codes");
        drive(&world);
        assert_eq!((world.ownerless_keys(), world.keys_of_codes()), (vec![], 1), "{how}");
    }
}

#[test]
fn p10_a_look_that_is_forgotten_gets_no_key_from_whoever_still_looks() {
    let forget = Message::Forget { organization: organization(), discovery: discovery(1) };
    let (_, polls) = poll_for(looks(&opened()), u64::MAX);
    for slow in 1..polls {
        let world = opened();
        let mut looking = looks(&world);
        assert!(!poll_some(&mut looking, slow), "it is through after {slow} polls");
        block_on(engine(&world).worker().handle(&forget)).expect("forgotten");
        poll_some(&mut looking, u64::MAX);
        drive(&world);
        assert_eq!(world.ownerless_keys(), Vec::<String>::new(), "forgotten after {slow} of {polls} polls");
    }
}

#[test]
fn p10_a_hold_whose_words_are_forgotten_gets_no_key_from_whoever_places_it_again() {
    let world = opened();
    let place = || block_on(engine(&world).holds().place_hold(&officer(), hold_on("orders"))).expect("placed");
    place();
    block_on(engine(&world).holds().release_hold(&officer(), HoldId::from_uuid(Uuid::from_u128(1)))).expect("released");
    drive(&world);
    pass(&world, 2 * DAY);
    let (view, _) = place();
    assert_eq!(view.reason, None, "its words are forgotten");
    assert_eq!(world.ownerless_keys(), Vec::<String>::new());
}

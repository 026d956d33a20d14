//! How a kind is compared stays as it is while anybody is found by it: what was hashed by another form is found no more.

use crate::support::{change_settings, engine, hold_on, id, officer, opened, plan, request};
use oubli_domain::{
    deadline::Country,
    ids::HoldId,
    personal::{Identifier, IdentifierKind, Identity},
    settings::Settings,
};
use oubli_engine::{
    EngineError, Refusal, RefusalKind,
    api::{NewHold, RequestKind},
};
use oubli_simulation::{World, organization, polls::block_on};
use uuid::Uuid;

const PHONE: &str = "identifiers: {phone: {form: phone}}";

/// A map that says this of kinds.
fn map(identifiers: &str) -> String {
    format!(
        "
version: 1
{identifiers}
stores: {{db: {{connector: dynamodb}}}}
producers:
  - {{name: orders, category: orders, store: db, table: orders, key: [id], select: [{{by: subject_id, index: by_owner, attribute: owner}}]}}
"
    )
}

fn publish(world: &World, identifiers: &str) -> Result<u64, EngineError> {
    block_on(engine(world).directory().operator(&organization(), None).publish_map(&map(identifiers)))
        .map(|published| published.version().expect("published"))
}

fn refused<T: std::fmt::Debug>(answer: Result<T, EngineError>) -> Refusal {
    match answer {
        Err(EngineError::Refused(refusal)) => {
            assert_eq!(refusal.code, "identifier_form_in_use");
            assert_eq!(refusal.kind, RefusalKind::Conflict);
            refusal
        }
        other => panic!("{other:?}"),
    }
}

/// A shop that knows numbers.
fn knows_numbers() -> World {
    let world = opened();
    assert_eq!(publish(&world, PHONE).expect("nothing is open"), 2);
    world
}

fn hold_on_alice(n: u128) -> NewHold {
    let map = oubli_domain::datamap::parse(&map(PHONE)).expect("a map").0;
    let kind: IdentifierKind = "phone".parse().expect("a kind");
    let number = Identifier::parse("01 23 45 67 89").expect("an identifier");
    let identity = Identity::new([map.known(&kind, number, "FR").expect("a number")]);
    let id = HoldId::from_uuid(Uuid::from_u128(n));
    NewHold { id, identity, categories: vec![], reason: "litigation".to_owned(), reference: None }
}

fn place(world: &World, new: NewHold) {
    block_on(engine(world).holds().place_hold(&officer(), new)).expect("placed");
}

fn submit(world: &World) {
    plan(world, request(world, "alice", RequestKind::FullErasure));
}

#[test]
fn p2_a_map_that_compares_a_kind_otherwise_is_refused_while_a_hold_is_in_force_or_a_request_open() {
    for (busy, counted) in [
        (vec![hold_on_alice as fn(u128) -> NewHold], "1 legal hold in force and 0 open requests"),
        (vec![hold_on_alice, hold_on_alice], "2 legal holds in force and 0 open requests"),
        (vec![], "0 legal holds in force and 1 open request"),
    ] {
        let world = knows_numbers();
        for (n, hold) in busy.iter().enumerate() {
            place(&world, hold(n as u128));
        }
        if busy.is_empty() {
            submit(&world);
        }
        for (identifiers, kinds) in [
            ("identifiers: {phone: {}}", "kind phone"),
            ("identifiers: {phone: {form: number}, mobile: {form: phone}}", "kind phone"),
            ("", "kind phone"),
            ("identifiers: {phone: {form: phone}, subject_id: {form: lower}}", "kind subject_id"),
            ("identifiers: {phone: {form: lower}, subject_email: {form: exact}}", "kind subject_email, phone"),
        ] {
            let refusal = refused(publish(&world, identifiers));
            assert!(refusal.detail.contains(kinds) && refusal.detail.contains(counted), "{identifiers}: {}", refusal.detail);
            assert!(refusal.remedy.contains("another kind beside it"), "{}", refusal.remedy);
            let (version, stands) = block_on(engine(&world).directory().data_map(&organization())).expect("a map");
            assert_eq!((version, stands.identifiers.len()), (2, 1), "nothing changed");
        }
        let beside = "identifiers: {phone: {form: phone, unique: true}, mobile: {form: phone}, subject_id: {form: exact}}";
        assert_eq!(publish(&world, beside).expect("no form changes"), 3);
    }
}

#[test]
fn a_kind_is_compared_otherwise_once_holds_are_released_and_requests_have_ended() {
    let world = knows_numbers();
    place(&world, hold_on_alice(1));
    submit(&world);
    refused(publish(&world, ""));
    block_on(engine(&world).holds().release_hold(&officer(), HoldId::from_uuid(Uuid::from_u128(1)))).expect("released");
    let refusal = refused(publish(&world, ""));
    assert!(refusal.detail.contains("0 legal holds in force and 1 open request"), "{}", refusal.detail);
    block_on(engine(&world).requests().cancel(&officer(), id(), None)).expect("cancelled");
    assert_eq!(publish(&world, "").expect("nothing is open"), 3);
    place(&world, hold_on("orders"));
    assert_eq!(publish(&world, "identifiers: {phone: {}}").expect("nobody was found by it"), 4);
    assert_eq!(publish(&world, "identifiers: {phone: {form: number}}").expect("a hold on everybody finds nobody"), 5);
}

#[test]
fn p2_a_hold_on_somebody_behind_many_on_everybody_is_seen() {
    let world = knows_numbers();
    for n in 1..=120 {
        place(&world, NewHold { id: HoldId::from_uuid(Uuid::from_u128(n)), ..hold_on("orders") });
    }
    assert_eq!(publish(&world, "identifiers: {phone: {}}").expect("nobody is on hold"), 3);
    assert_eq!(publish(&world, PHONE).expect("nobody is on hold"), 4);
    place(&world, hold_on_alice(200));
    assert!(refused(publish(&world, "")).detail.contains("1 legal hold in force"));
}

#[test]
fn more_holds_than_are_counted_are_at_least_so_many() {
    let world = knows_numbers();
    for n in 0..101 {
        place(&world, hold_on_alice(n));
    }
    let detail = refused(publish(&world, "")).detail;
    assert!(detail.contains("at least 100 legal holds in force and 0 open requests"), "{detail}");
}

#[test]
fn p2_the_country_stays_while_somebody_is_found_by_a_number() {
    let change = |world: &World, change: fn(&mut Settings)| change_settings(&engine(world), change);
    let country = |world: &World| block_on(engine(world).directory().settings(&organization())).expect("settings").country;
    let german = |settings: &mut Settings| settings.country = Country::De;
    let world = knows_numbers();
    place(&world, hold_on_alice(1));
    let refusal = refused(change(&world, german));
    assert!(refusal.detail.contains("kind phone") && refusal.detail.contains("1 legal hold in force"), "{}", refusal.detail);
    assert!(refusal.remedy.contains("Leave the country as it is"), "{}", refusal.remedy);
    assert_eq!(country(&world), Country::Fr, "nothing changed");
    change(&world, |settings| settings.lanes = 3).expect("anything else may change");
    block_on(engine(&world).holds().release_hold(&officer(), HoldId::from_uuid(Uuid::from_u128(1)))).expect("released");
    change(&world, german).expect("nobody is found by a number");
    assert_eq!(country(&world), Country::De);
    let world = opened();
    place(&world, hold_on_alice(1));
    change(&world, german).expect("the map knows no numbers");
}

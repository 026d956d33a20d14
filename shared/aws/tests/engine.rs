//! The engine on a strict DynamoDB, with a clock that the test sets and stores in memory.

mod support;

use oubli_domain::{
    access::{Caller, Role, Roles},
    ids::{ActorId, HoldId, RequestId},
    lifecycle::Phase,
    personal::Identity,
};
use oubli_engine::{
    Config, Engine, EngineError,
    api::{Approval, NewHold},
    ports::Ports,
};
use oubli_simulation::{World, new_request, organization, ports, shop};
use std::{sync::Arc, time::Instant};
use uuid::Uuid;

fn caller(n: u128, role: Role) -> Caller {
    Caller { organization: organization(), actor: ActorId::from_uuid(Uuid::from_u128(n)), roles: Roles::of(role) }
}

fn officer() -> Caller {
    caller(1, Role::PrivacyOfficer)
}

fn number(n: u128) -> RequestId {
    RequestId::from_uuid(Uuid::from_u128(n))
}

fn person(name: &str) -> Identity {
    Identity::built_in(Some(name), Some(&format!("{name}@example.org"))).expect("an identity")
}

/// A shop whose control plane is that DynamoDB.
async fn opened() -> (World, Engine) {
    let world = World::new(3, None, false);
    let address = support::server().await;
    support::tables(address).await;
    let ports = Ports { table: Arc::new(support::table_at(address)), ..ports(&world) };
    let engine = Engine::with_config(ports, Config { worker_timeout_seconds: 30, ..Config::default() });
    shop(&world, &engine).await.expect("opened");
    world.pass(3_600);
    (world, engine)
}

/// Handles messages until none is due.
async fn settle(world: &World, engine: &Engine) {
    while let Some(message) = world.next_message() {
        match engine.worker().handle(&message).await {
            Ok(_) | Err(EngineError::Conflict(_)) => {}
            Err(error) => panic!("{message:?}: {error}"),
        }
    }
}

async fn phase(engine: &Engine, id: RequestId) -> Phase {
    engine.requests().request(&officer(), id).await.expect("there").request.state.phase
}

async fn approve(engine: &Engine, id: RequestId) -> Result<(), EngineError> {
    let approval = Approval { plan_digest: None, approved_by: None, notes: None, exclusions: vec![], acknowledged: vec![] };
    engine.reviews().approve(&caller(2, Role::Reviewer), id, approval).await.map(drop)
}

#[tokio::test]
async fn p2_a_hold_on_a_category_is_in_force_at_once_whatever_is_open() {
    let (world, engine) = opened().await;
    let open = 1_500;
    for n in 1..=open {
        engine.requests().submit(&officer(), new_request(&world, number(n), person(&format!("p{n}")))).await.expect("submitted");
    }
    world.lock().messages.clear();
    let alice = number(open + 1);
    engine.requests().submit(&officer(), new_request(&world, alice, person("alice"))).await.expect("submitted");
    settle(&world, &engine).await;
    assert_eq!(phase(&engine, alice).await, Phase::InReview);
    let hold = NewHold {
        id: HoldId::from_uuid(Uuid::from_u128(1)),
        identity: None,
        categories: vec!["orders".parse().expect("a category")],
        reason: "litigation".to_owned(),
        reference: None,
    };
    let since = Instant::now();
    engine.holds().place_hold(&officer(), hold).await.expect("placed");
    let took = since.elapsed();
    println!("a hold on a category beside {open} open requests: {took:?}");
    assert!(took.as_secs() < 3, "{took:?}");
    approve(&engine, alice).await.expect("approved, but for what is held");
    settle(&world, &engine).await;
    assert_eq!(phase(&engine, alice).await, Phase::Recoverable);
    assert!(world.row("orders", "o0").is_some(), "it is held");
    assert!(world.row("invoices", "i2").is_none(), "the rest is hidden");
}

#[tokio::test]
async fn p1_a_day_after_an_approval_it_is_looked_again_before_anything_goes() {
    let (world, engine) = opened().await;
    let id = number(9);
    engine.requests().submit(&officer(), new_request(&world, id, person("alice"))).await.expect("submitted");
    settle(&world, &engine).await;
    approve(&engine, id).await.expect("approved");
    world.lock().messages.clear();
    world.app_writes("orders", "late", &[("id", "late"), ("owner", "alice"), ("email", "alice@example.org")]);
    world.pass(25 * 3_600);
    engine.worker().sweep().await.expect("swept");
    settle(&world, &engine).await;
    // What was approved is not all there is now: somebody decides again, by the new plan's digest.
    assert_eq!(phase(&engine, id).await, Phase::InReview);
    assert!(world.row("orders", "o0").is_some() && world.row("orders", "late").is_some(), "nothing is hidden");
    let refused = approve(&engine, id).await.expect_err("by the old plan");
    assert!(matches!(&refused, EngineError::Refused(r) if r.code == "plan_changed"), "{refused}");
    let plan_digest = engine.requests().request(&officer(), id).await.expect("there").request.plan_digest;
    let approval = Approval { plan_digest, approved_by: None, notes: None, exclusions: vec![], acknowledged: vec![] };
    engine.reviews().approve(&caller(2, Role::Reviewer), id, approval).await.expect("approved");
    settle(&world, &engine).await;
    assert_eq!(phase(&engine, id).await, Phase::Recoverable);
    assert!(world.row("orders", "late").is_none());
}

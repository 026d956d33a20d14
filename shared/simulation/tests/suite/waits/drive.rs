//! People who ask, decide and hold, and the messages that follow.

use oubli_domain::{
    access::{Caller, Role, Roles},
    ids::{ActorId, HoldId, RequestId},
    lifecycle::Phase,
    personal::Identity,
    settings::Settings,
};
use oubli_engine::{
    Config, Engine, EngineError,
    api::{Approval, NewHold, NewRequest, RequestView},
    directory::NO_RECOVERY,
};
use oubli_simulation::{World, new_request, organization, polls::block_on, ports, shop};
use uuid::Uuid;

pub fn officer() -> Caller {
    let actor: ActorId = "actor_00000000000000000000000000000007".parse().expect("an id");
    Caller { organization: organization(), actor, roles: Roles::of(Role::PrivacyOfficer) }
}

pub fn engine(world: &World) -> Engine {
    Engine::with_config(ports(world), Config { worker_timeout_seconds: 30, ..Config::default() })
}

/// A shop whose data has been there for a while.
pub fn opened() -> World {
    let world = World::new(7, None, false);
    block_on(shop(&world, &engine(&world))).expect("opened");
    world.pass(3_600);
    world
}

/// Changes the organization's settings.
pub fn set(world: &World, change: impl FnOnce(&mut Settings)) {
    let changed = |mut settings: Settings| {
        change(&mut settings);
        Ok::<_, EngineError>(settings)
    };
    let operator = engine(world).directory().operator(&organization(), None);
    block_on(operator.update_settings(Some(NO_RECOVERY), changed)).expect("set");
}

pub fn reviewer() -> Caller {
    let actor: ActorId = "actor_00000000000000000000000000000008".parse().expect("an id");
    Caller { organization: organization(), actor, roles: Roles::of(Role::Reviewer) }
}

pub fn number(n: u128) -> RequestId {
    RequestId::from_uuid(Uuid::from_u128(n))
}

pub fn hold(n: u128) -> HoldId {
    HoldId::from_uuid(Uuid::from_u128(n))
}

pub fn person(name: &str) -> Identity {
    Identity::built_in(Some(name), None).expect("an identity")
}

/// An erasure of everything about a person.
pub fn erasure(world: &World, n: u128, name: &str) -> NewRequest {
    new_request(world, number(n), person(name))
}

/// Submits a request and makes its plan.
pub fn planned(world: &World, new: NewRequest) -> RequestId {
    let id = new.id;
    block_on(engine(world).requests().submit(&officer(), new)).expect("submitted");
    block_on(engine(world).discovery().discover(&organization(), &id)).expect("discovered");
    id
}

/// A member approves exactly the plan that stands.
pub fn approved(world: &World, id: RequestId) {
    let seen = block_on(engine(world).requests().request(&officer(), id)).expect("there");
    let (plan_digest, acknowledged) = (seen.request.plan_digest, seen.to_acknowledge);
    let approval = Approval { plan_digest, approved_by: None, notes: None, exclusions: vec![], acknowledged };
    block_on(engine(world).reviews().approve(&reviewer(), id, approval)).expect("approved");
}

pub fn view(world: &World, id: RequestId) -> RequestView {
    block_on(engine(world).requests().request(&officer(), id)).expect("there").request
}

pub fn phase(world: &World, id: RequestId) -> Phase {
    view(world, id).state.phase
}

pub fn advance(world: &World, id: RequestId) {
    block_on(engine(world).worker().advance(&organization(), &id, true)).expect("advanced");
}

/// Delivers what is due, in the order sent, until nothing is. Answers how many messages there were.
pub fn deliver(world: &World) -> usize {
    for delivered in 0..100_000 {
        let next = {
            let mut state = world.lock();
            let now = state.now_ms;
            state.messages.iter().position(|m| m.visible_at <= now).map(|place| state.messages.remove(place))
        };
        let Some(next) = next else { return delivered };
        match block_on(engine(world).worker().handle(&next.message)) {
            Ok(_) | Err(EngineError::Transient(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("messages never cease");
}

/// The sweeper's minute, and what it brings about. Answers how many messages there were.
pub fn minute(world: &World) -> usize {
    world.pass(61);
    block_on(engine(world).worker().sweep()).expect("swept");
    deliver(world)
}

/// Minutes pass until a request is in this phase.
pub fn until(world: &World, id: RequestId, wanted: Phase) {
    deliver(world);
    for _ in 0..40 {
        if phase(world, id) == wanted {
            return;
        }
        minute(world);
    }
    assert_eq!(phase(world, id), wanted, "it waits for {:?}", view(world, id).waiting_for);
}

/// A hold on a person, on categories, or on both.
pub fn new_hold(n: u128, name: Option<&str>, categories: &[&str]) -> NewHold {
    NewHold {
        id: hold(n),
        identity: name.map(person),
        categories: categories.iter().map(|c| c.parse().expect("a name")).collect(),
        reason: "litigation".to_owned(),
        reference: None,
    }
}

pub fn place(world: &World, new: NewHold) {
    block_on(engine(world).holds().place_hold(&officer(), new)).expect("placed");
}

pub fn release(world: &World, n: u128) {
    block_on(engine(world).holds().release_hold(&officer(), hold(n))).expect("released");
}

/// What it takes for many to be erased one after the other.
pub struct Waited {
    pub messages: usize,
    pub calls: u64,
    /// Calls of placing a hold on everybody while all of them are open.
    pub hold_calls: u64,
}

/// As many people with an order each ask to be erased; a slot is there for one at a time.
pub fn all_erased(count: u128) -> Waited {
    let world = opened();
    set(&world, |s| s.decision_valid_seconds = 100 * 86_400);
    for n in 0..count {
        let (id, owner) = (format!("q{n}"), format!("customer-{n}"));
        world.lock().app_writes("orders", &id, &[("id", &id), ("owner", &owner), ("email", "x@example.org")]);
    }
    world.pass(60);
    let ids: Vec<_> = (0..count).map(|n| planned(&world, erasure(&world, 1_000 + n, &format!("customer-{n}")))).collect();
    world.lock().messages.clear();
    let before = world.calls();
    place(&world, new_hold(1, None, &["files"]));
    let hold_calls = world.calls() - before;
    release(&world, 1);
    world.lock().messages.clear();
    let before = world.calls();
    ids.iter().for_each(|id| approved(&world, *id));
    ids.iter().for_each(|id| advance(&world, *id));
    let mut messages = deliver(&world);
    for _ in 0..200 {
        if ids.iter().all(|id| phase(&world, *id) == Phase::CompletedWithExceptions) {
            return Waited { messages, calls: world.calls() - before, hold_calls };
        }
        messages += minute(&world);
    }
    panic!("not all of {count} came to an end");
}

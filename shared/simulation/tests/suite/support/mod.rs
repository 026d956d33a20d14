//! What these tests start from.

pub mod archive;
pub mod inside;
pub mod odd;
pub mod packaged;
pub mod scene;
pub mod stubborn;

use oubli_domain::{
    access::{Caller, Role, Roles},
    ids::{ActorId, HoldId, RequestId},
    personal::Identity,
    settings::Settings,
};
use oubli_engine::{
    Config, Engine, EngineError,
    api::{Approval, AuditQuery, NewHold, NewRequest, RequestKind},
    directory::NO_RECOVERY,
    ports::Message,
};
use oubli_simulation::{World, channel, new_request, organization, polls::block_on, ports, shop};
use std::{
    pin::Pin,
    task::{Context, Waker},
};
use uuid::Uuid;

pub const ID: &str = "req_00000000000000000000000000000009";

pub fn id() -> RequestId {
    ID.parse().expect("an id")
}

pub fn officer() -> Caller {
    let actor: ActorId = "actor_00000000000000000000000000000007".parse().expect("an id");
    Caller { organization: organization(), actor, roles: Roles::of(Role::PrivacyOfficer) }
}

pub fn engine(world: &World) -> Engine {
    let config = Config { worker_timeout_seconds: 30, delivery_part_bytes: 700, resumable_file_bytes: 15, ..Config::default() };
    Engine::with_config(ports(world), config).with_channel(channel(world))
}

/// Changes the organization's settings, whatever has to be confirmed for it.
pub fn change_settings(engine: &Engine, change: impl FnOnce(&mut Settings)) -> Result<Settings, EngineError> {
    let changed = |mut settings: Settings| {
        change(&mut settings);
        Ok(settings)
    };
    block_on(engine.directory().operator(&organization(), None).update_settings(Some(NO_RECOVERY), changed))
}

/// Everything that can happen by itself happens, but for some messages, which wait. Each is a new worker's.
pub fn settle_but(world: &World, engine: impl Fn() -> Engine, waits: impl Fn(&Message) -> bool) {
    for _ in 0..2_000 {
        let due = {
            let mut state = world.lock();
            let now = state.now_ms;
            let place = state.messages.iter().position(|m| m.visible_at <= now && !waits(&m.message));
            place.map(|n| state.messages.remove(n).message)
        };
        let Some(message) = due else { return };
        match block_on(engine().worker().handle(&message)) {
            Ok(_) | Err(EngineError::Conflict(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("it goes on for ever");
}

/// An export of a person, its plan made, about to be packaged.
pub fn begin_export(world: &World, subject: &str, deliver: bool) {
    plan_export(world, subject, deliver);
    block_on(engine(world).worker().advance(&organization(), &id(), false)).expect("begun");
}

/// An export of a person, its plan made.
pub fn plan_export(world: &World, subject: &str, deliver: bool) {
    plan(world, NewRequest { deliver, ..request(world, subject, RequestKind::Export) });
}

/// A hold on a category, whoever it is about.
pub fn hold_on(category: &str) -> NewHold {
    NewHold {
        id: HoldId::from_uuid(Uuid::from_u128(1)),
        identity: None,
        categories: vec![category.parse().expect("a category")],
        reason: "litigation".to_owned(),
        reference: None,
    }
}

/// A request about a person, by an id and an address that nobody's records carry: everything is searched.
pub fn request(world: &World, subject: &str, kind: RequestKind) -> NewRequest {
    let identity = Identity::built_in(Some(subject), Some(&format!("{subject}@elsewhere.example"))).expect("an identity");
    NewRequest { kind, ..new_request(world, id(), identity) }
}

/// Submits a request and makes its plan.
pub fn plan(world: &World, new: NewRequest) {
    let engine = engine(world);
    block_on(engine.requests().submit(&officer(), new)).expect("submitted");
    block_on(engine.discovery().discover(&organization(), &id())).expect("discovered");
}

pub fn reviewer() -> Caller {
    Caller { actor: ActorId::from_uuid(Uuid::from_u128(2)), roles: Roles::of(Role::Reviewer), ..officer() }
}

pub fn approval() -> Approval {
    Approval { plan_digest: None, approved_by: None, notes: None, exclusions: vec![], acknowledged: vec![] }
}

/// The entries of the log, as an auditor reads them, but for the readings.
pub fn entries(world: &World) -> Vec<(String, String)> {
    let engine = engine(world);
    let auditor = Caller {
        organization: organization(),
        actor: "actor_00000000000000000000000000000005".parse().expect("an id"),
        roles: Roles::of(Role::Auditor),
    };
    let (mut all, mut cursor) = (Vec::new(), None);
    loop {
        let page = block_on(engine.ledger().audit(&auditor, AuditQuery { cursor, limit: 100, ..AuditQuery::default() }));
        let page = page.expect("a page");
        for view in page.entries {
            let event = serde_json::to_value(&view.entry.event).expect("JSON");
            let name = event["event_type"].as_str().expect("a name").to_owned();
            if name != "audit_log_read" {
                all.push((name, event.to_string()));
            }
        }
        cursor = page.next_cursor;
        if cursor.is_none() {
            return all;
        }
    }
}

/// A shop whose data has been there for a while.
pub fn opened() -> World {
    let world = World::new(3, None, false);
    block_on(shop(&world, &engine(&world))).expect("opened");
    world.pass(3_600);
    world
}

/// An erasure of alice, in review.
pub fn planned() -> World {
    let world = opened();
    plan(&world, request(&world, "alice", RequestKind::FullErasure));
    world
}

/// Delivers messages until none is due.
pub fn drive(world: &World) {
    let engine = engine(world);
    for message in std::iter::from_fn(|| world.next_message()).take(2_000) {
        match block_on(engine.worker().handle(&message)) {
            Ok(_) | Err(EngineError::Transient(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Time passes, and the sweeper looks.
pub fn pass(world: &World, seconds: i64) {
    world.pass(seconds);
    block_on(engine(world).worker().sweep()).expect("swept");
    drive(world);
}

/// Polls so many times, or until it is done.
pub fn poll_some<T>(future: &mut Pin<Box<dyn Future<Output = T> + '_>>, polls: u64) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).any(|_| future.as_mut().poll(&mut context).is_ready())
}

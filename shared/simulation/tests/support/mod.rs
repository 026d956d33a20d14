//! What the tests of exports start from.

use jiff::Timestamp;
use oubli_domain::{
    access::{Caller, Role},
    grounds::Reason,
    ids::{ActorId, RequestId},
    personal::{Identifier, Identity},
};
use oubli_engine::{
    Config, Engine,
    api::{NewRequest, RequestKind, Scope, Verification},
};
use oubli_simulation::{World, mailer, organization, polls::block_on, ports};

pub const ID: &str = "req_00000000000000000000000000000009";

pub fn id() -> RequestId {
    ID.parse().expect("an id")
}

pub fn officer() -> Caller {
    let actor: ActorId = "actor_00000000000000000000000000000007".parse().expect("an id");
    Caller { organization: organization(), actor, role: Role::PrivacyOfficer }
}

pub fn engine(world: &World) -> Engine {
    let config = Config { worker_timeout_seconds: 30, delivery_part_bytes: 700, ..Config::default() };
    Engine::with_config(ports(world), config).with_mailer(mailer(world))
}

/// An export of a person, its plan made, about to be packaged.
pub fn begin_export(world: &World, subject: &str, deliver: bool) {
    plan_export(world, subject, deliver);
    block_on(engine(world).advance(&organization(), &id(), false)).expect("begun");
}

/// An export of a person, its plan made.
pub fn plan_export(world: &World, subject: &str, deliver: bool) {
    plan(world, NewRequest { deliver, ..request(world, subject, RequestKind::Export) });
}

/// A request about a person.
pub fn request(world: &World, subject: &str, kind: RequestKind) -> NewRequest {
    let at: Timestamp = ports(world).clock.now();
    NewRequest {
        id: id(),
        identity: Identity::new(Some(Identifier::parse(subject).expect("an id")), None).expect("an identity"),
        kind,
        reason: Reason::UserRequest,
        verification: Some(Verification { method: "email".to_owned(), verified_at: at }),
        scope: Scope::default(),
        categories: vec![],
        exclude_categories: vec![],
        scheduled_at: None,
        export_first: false,
        saved_queries: None,
        deliver: false,
    }
}

/// Submits a request and makes its plan.
pub fn plan(world: &World, new: NewRequest) {
    let engine = engine(world);
    block_on(engine.submit(&officer(), new)).expect("submitted");
    block_on(engine.discover(&organization(), &id())).expect("discovered");
}

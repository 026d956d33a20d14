//! Whoever says that a person is who they say: how old their word may be, and that a machine's is not enough for an export.

use crate::support::{change_settings, drive, engine, id, officer, opened, request};
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    access::{Caller, Role, Roles},
    lifecycle::Phase,
};
use oubli_engine::{
    EngineError, ProblemCode, RefusalKind,
    api::{NewRequest, RequestKind, Verification},
};
use oubli_simulation::{World, organization, polls::block_on};

const DAYS: i64 = 24;

fn attested(world: &World, days_ago: i64) -> Option<Verification> {
    let now = Timestamp::from_millisecond(world.lock().now_ms).expect("a time");
    Some(Verification { method: "passport".to_owned(), verified_at: now - SignedDuration::from_hours(DAYS * days_ago) })
}

/// Submits an erasure of alice whose identity was checked so long ago.
fn submits(world: &World, days_ago: i64) -> Result<(), EngineError> {
    let new = request(world, "alice", RequestKind::FullErasure);
    let new = NewRequest { verification: attested(world, days_ago), ..new };
    block_on(engine(world).requests().submit(&officer(), new)).map(drop)
}

fn cautions(world: &World) -> Vec<String> {
    block_on(engine(world).discovery().discover(&organization(), &id())).expect("discovered");
    let detail = block_on(engine(world).requests().request(&officer(), id())).expect("there");
    detail.plan.expect("a plan").cautions
}

#[test]
fn p1_an_old_attestation_is_a_caution_and_refused_where_the_organization_says_so() {
    let world = opened();
    submits(&world, 89).expect("taken");
    assert!(!cautions(&world).iter().any(|c| c.contains("identity was checked")));
    let world = opened();
    submits(&world, 20_000).expect("old ones are taken unless somebody says otherwise");
    let cautions = cautions(&world);
    assert!(cautions.iter().any(|c| c.contains("20000 days before")), "{cautions:?}");

    let world = opened();
    change_settings(&engine(&world), |s| s.attestation_valid_days = Some(30)).expect("set");
    let refused = submits(&world, 31).expect_err("too old");
    assert!(matches!(&refused, EngineError::Refused(r) if r.code == ProblemCode::InvalidDate), "{refused}");
    submits(&world, 29).expect("taken");
}

#[test]
fn p9_a_machine_that_asked_and_attested_does_not_open_the_export() {
    let world = opened();
    change_settings(&engine(&world), |s| s.export_openers.push(Role::Service)).expect("set");
    let machine = Caller { roles: Roles::of(Role::Service), ..officer() };
    let other = Caller { actor: "actor_00000000000000000000000000000008".parse().expect("an id"), ..machine.clone() };
    let new = NewRequest { kind: RequestKind::Export, ..request(&world, "alice", RequestKind::Export) };
    block_on(engine(&world).requests().submit(&machine, new)).expect("submitted");
    drive(&world);
    let phase = block_on(engine(&world).requests().status(&officer(), id())).expect("there").request.state.phase;
    assert_eq!(phase, Phase::Available);
    let refused = block_on(engine(&world).exports().open_export(&machine, id(), None)).expect_err("alone");
    let EngineError::Refused(refusal) = refused else { panic!("{refused}") };
    assert_eq!((refusal.kind, refusal.code), (RefusalKind::Forbidden, ProblemCode::OwnRequest));
    block_on(engine(&world).exports().open_export(&other, id(), None)).expect("another one opens it");
}

//! What a command answers is what happened, whichever of its calls is not made: who is told that it failed finds nothing
//! changed, and who is told that it is done need not hope that somebody could be woken.

use crate::support::{approval, drive, engine, hold_on, id, officer, opened, pass, plan, planned, request, reviewer};
use oubli_domain::{
    access::{Caller, Role, Roles},
    ids::HoldId,
    lifecycle::Phase,
    personal::IdentifierKind,
    request::StepStatus,
    review::{Conditions, DecisionType, ReviewId, TeamId, Urgency},
    saved_query::SavedQuery,
};
use oubli_engine::{
    EngineError,
    api::{NewHold, RequestKind, RestoreOrder},
    directory::NewRule,
    reviews::{Asked, AskedReview, NewFeedback, NewReview, NewReviewDecision, Said},
};
use oubli_simulation::{CallOutcome, World, organization, polls::block_on};
use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};
use uuid::Uuid;

fn hidden() -> World {
    let world = planned();
    block_on(engine(&world).reviews().approve(&reviewer(), id(), approval())).expect("approved");
    drive(&world);
    assert_eq!(phase(&world), "Recoverable");
    world
}

fn held() -> World {
    let world = planned();
    block_on(engine(&world).holds().place_hold(&officer(), hold())).expect("placed");
    world
}

fn hold() -> NewHold {
    hold_on("orders")
}

fn phase(world: &World) -> String {
    block_on(engine(world).requests().request(&officer(), id()))
        .map_or("none".to_owned(), |d| format!("{:?}", d.request.state.phase))
}

/// Whether the hold is in force, and whether it was ever placed.
fn hold_state(world: &World) -> String {
    let id = HoldId::from_uuid(Uuid::from_u128(1));
    block_on(engine(world).holds().hold(&officer(), id))
        .map_or("none".to_owned(), |(h, _)| format!("{:?}", h.hold.released_at.is_some()))
}

fn administrator() -> Caller {
    Caller { roles: Roles::of(Role::Administrator), ..officer() }
}

fn review() -> ReviewId {
    ReviewId::new(1).expect("an id")
}

fn ask(world: &World) -> Result<AskedReview, EngineError> {
    let asked = Asked { task_type: "deploy".to_owned(), proposed_action: "Deploy it".to_owned(), ..Asked::default() };
    block_on(engine(world).reviews().ask(&officer(), Uuid::from_u128(1), NewReview { asked, urgency: Urgency::Medium }))
}

fn asked() -> World {
    let world = opened();
    ask(&world).expect("asked");
    world
}

fn rejection() -> NewReviewDecision {
    NewReviewDecision { decision_type: DecisionType::Reject, said: Said::default() }
}

fn feedback() -> NewFeedback {
    NewFeedback { rating: Some(4), comment: None }
}

fn with_a_team() -> World {
    let world = opened();
    block_on(engine(&world).directory().operator(&organization(), None).add_team("Compliance".to_owned())).expect("a team");
    world
}

fn rule() -> NewRule {
    NewRule {
        name: "All".to_owned(),
        priority: 1,
        conditions: Conditions::try_from(serde_json::json!({})).expect("conditions"),
        assign_to_user: None,
        assign_to_team: Some(TeamId::new(1).expect("an id")),
        is_active: true,
    }
}

/// How a review stands, and how much was said of it.
fn review_state(world: &World) -> String {
    let Ok(found) = block_on(engine(world).reviews().review(&officer(), review())) else { return "none".to_owned() };
    let said = block_on(engine(world).reviews().feedback(&officer(), review())).expect("what was said").len();
    format!("{:?} {said}", found.status)
}

/// A command, what it starts from, what it changes, and where that ends by itself once sweepers look.
struct Command {
    name: &'static str,
    from: fn() -> World,
    act: fn(&World) -> Result<(), EngineError>,
    state: fn(&World) -> String,
    ends: &'static str,
}

fn commands() -> Vec<Command> {
    vec![
        Command {
            name: "submit",
            from: opened,
            act: |w| block_on(engine(w).requests().submit(&officer(), request(w, "alice", RequestKind::FullErasure))).map(drop),
            state: phase,
            ends: "InReview",
        },
        Command {
            name: "approve",
            from: planned,
            act: |w| block_on(engine(w).reviews().approve(&reviewer(), id(), approval())).map(drop),
            state: phase,
            ends: "Recoverable",
        },
        Command {
            name: "reject",
            from: planned,
            act: |w| block_on(engine(w).reviews().reject(&reviewer(), id(), "not theirs".to_owned())).map(drop),
            state: phase,
            ends: "Rejected",
        },
        Command {
            name: "cancel",
            from: planned,
            act: |w| block_on(engine(w).requests().cancel(&officer(), id(), None)).map(drop),
            state: phase,
            ends: "Cancelled",
        },
        Command {
            name: "restore",
            from: hidden,
            act: |w| block_on(engine(w).requests().restore(&officer(), id(), RestoreOrder::default())).map(drop),
            state: phase,
            ends: "Restored",
        },
        Command {
            name: "place a hold",
            from: planned,
            act: |w| block_on(engine(w).holds().place_hold(&officer(), hold())).map(drop),
            state: hold_state,
            ends: "false",
        },
        Command {
            name: "release a hold",
            from: held,
            act: |w| block_on(engine(w).holds().release_hold(&officer(), hold().id)).map(drop),
            state: hold_state,
            ends: "true",
        },
        Command { name: "ask for a review", from: opened, act: |w| ask(w).map(drop), state: review_state, ends: "Pending 0" },
        Command {
            name: "decide on a review",
            from: asked,
            act: |w| block_on(engine(w).reviews().decide_asked(&reviewer(), review(), rejection())).map(drop),
            state: review_state,
            ends: "Rejected 0",
        },
        Command {
            name: "say something of a review",
            from: asked,
            act: |w| block_on(engine(w).reviews().give_feedback(&officer(), review(), feedback())).map(drop),
            state: review_state,
            ends: "Pending 1",
        },
        Command {
            name: "make a team",
            from: opened,
            act: |w| {
                let name = "Compliance".to_owned();
                block_on(engine(w).directory().operator(&organization(), None).add_team(name)).map(drop)
            },
            state: |w| block_on(engine(w).directory().teams(&administrator())).expect("teams").len().to_string(),
            ends: "1",
        },
        Command {
            name: "make a rule",
            from: with_a_team,
            act: |w| block_on(engine(w).directory().operator(&organization(), None).add_rule(rule())).map(drop),
            state: |w| block_on(engine(w).directory().routing_rules(&administrator())).expect("rules").len().to_string(),
            ends: "1",
        },
    ]
}

/// What nothing is due of: once somebody is woken they are, and else the sweeper is told.
const ONLY_WOKEN: [&str; 5] =
    ["ask for a review", "decide on a review", "say something of a review", "make a team", "make a rule"];

#[test]
fn a_command_that_could_not_make_a_call_changed_nothing_or_is_done() {
    for Command { name, from, act, state, ends } in commands() {
        let mut failed = 0;
        for call in 0.. {
            let world = from();
            let before = state(&world);
            let made = world.plan(call, CallOutcome::Throttled);
            let answer = act(&world);
            let reached = world.calls() - made > call;
            world.plan(u64::MAX / 2, CallOutcome::Happens);
            match answer {
                Err(EngineError::Transient(_)) => {
                    failed += 1;
                    // A hold is effective before its effects are counted: who is told of an error places it again.
                    assert!(name == "place a hold" || state(&world) == before, "{name}, call {call}");
                    act(&world).unwrap_or_else(|error| panic!("{name}, again after call {call}: {error}"));
                }
                Err(error) => panic!("{name}, call {call}: {error}"),
                Ok(()) => assert_ne!(state(&world), before, "{name}, call {call}"),
            }
            // Nobody was woken: the sweeper looks.
            if !ONLY_WOKEN.contains(&name) {
                world.lock().messages.clear();
            }
            (0..6).for_each(|_| pass(&world, 61));
            assert_eq!(state(&world), ends, "{name}, call {call}");
            let unsealed = world.lock().items.keys().filter(|k| k.pk.ends_with("#outbox")).count();
            assert_eq!(unsealed, 0, "{name}, call {call}");
            if !reached {
                break;
            }
        }
        assert!(failed > 0, "{name}: nothing failed");
    }
}

#[test]
fn p7_what_an_idle_organization_did_is_sealed_though_nobody_could_be_woken() {
    let mut unheard = 0;
    for call in 0.. {
        let world = opened();
        let made = world.plan(call, CallOutcome::Throttled);
        let answer = block_on(engine(&world).holds().place_hold(&officer(), hold()));
        let reached = world.calls() - made > call;
        world.plan(u64::MAX / 2, CallOutcome::Happens);
        if !reached {
            break;
        }
        if answer.is_ok() {
            unheard += 1;
            (0..6).for_each(|_| pass(&world, 61));
            assert!(world.outbox().is_empty(), "call {call}");
        }
    }
    assert!(unheard > 0, "every call that failed was an error");
}

#[test]
fn a_part_in_which_everything_stays_is_not_waited_for() {
    let world = opened();
    let map = "
version: 1
stores:
  db: {connector: dynamodb}
producers:
  - {name: bills, category: bills, store: db, table: bills, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], retention: {reason: tax law, exception: legal_obligation, from: issued, years: 7}}
  - {name: items, category: bills, store: db, table: items, key: [id], select: [{by: {producer: bills, field: id}, index: by_bill, attribute: bill}]}
";
    block_on(engine(&world).directory().operator(&organization(), None).publish_map(map)).expect("published");
    for (id, issued) in [("b0", "2025-05-01"), ("b1", "2025-05-01"), ("b2", "2015-05-01"), ("b3", "2015-05-01")] {
        world.lock().app_writes("bills", id, &[("id", id), ("owner", "alice"), ("issued", issued)]);
    }
    world.pass(60);
    plan(&world, request(&world, "alice", RequestKind::FullErasure));
    let steps = || block_on(engine(&world).requests().status(&officer(), id())).expect("there").steps;
    let planned = block_on(engine(&world).requests().request(&officer(), id())).expect("there").plan.expect("a plan");
    assert_eq!((planned.steps.len(), planned.steps[0].batches), (1, 2), "one of which stays whole");
    block_on(engine(&world).reviews().approve(&reviewer(), id(), approval())).expect("approved");
    drive(&world);
    let after = block_on(engine(&world).requests().request(&officer(), id())).expect("there");
    assert_eq!(after.request.state.phase, Phase::Recoverable);
    assert_eq!(steps()[0].status, StepStatus::Completed);
    let standing: Vec<String> = world.lock().shop.tables["bills"].keys().cloned().collect();
    assert_eq!(standing, ["b0", "b1"]);
}

/// Registers, or removes, the saved query `mine`.
async fn change_query(world: &World, columns: &str, remove: bool) -> Result<SavedQuery, EngineError> {
    let engine = engine(world);
    let administrator = Caller { roles: Roles::of(Role::Administrator), ..officer() };
    let name = "mine".parse().expect("a name");
    if remove {
        return engine.requests().remove_query(&administrator, &name).await;
    }
    let (_, map) = engine.directory().data_map(&organization()).await?;
    let (category, store) = ("orders".parse().expect("a name"), "db".parse().expect("a name"));
    let statement = format!("SELECT {columns} FROM orders WHERE owner = ?");
    let query = SavedQuery::new(name, category, store, statement, vec![IdentifierKind::SUBJECT_ID], None, &map);
    engine.requests().register_query(&administrator, query.expect("a query")).await
}

#[test]
fn who_loses_a_race_for_a_saved_query_is_told_to_repeat_the_call() {
    for (remove, before) in [(true, "not_found"), (false, "saved_query_exists")] {
        let mut lost = 0;
        for polls in 0.. {
            let world = opened();
            if remove {
                block_on(change_query(&world, "id", false)).expect("registered");
            }
            let mut context = Context::from_waker(Waker::noop());
            let mut slow = pin!(change_query(&world, "id", remove));
            if (0..polls).any(|_| slow.as_mut().poll(&mut context).is_ready()) {
                break;
            }
            let other = block_on(change_query(&world, "id, email", remove));
            let slow = loop {
                if let Poll::Ready(answer) = slow.as_mut().poll(&mut context) {
                    break answer;
                }
            };
            match slow {
                Ok(_) => assert!(other.is_err(), "after {polls} polls: both"),
                Err(EngineError::Conflict(_)) => lost += 1,
                Err(EngineError::Refused(refusal)) => assert_eq!(refusal.code, before, "after {polls} polls"),
                Err(error) => panic!("after {polls} polls: {error}"),
            }
        }
        assert!(lost > 0, "nobody lost the race");
    }
}

#[test]
fn a_plan_that_lacks_a_step_is_no_fault_of_who_asks() {
    let world = planned();
    world.lock().items.retain(|key, _| !key.sk.starts_with("step#"));
    let error = block_on(engine(&world).requests().request(&officer(), id())).expect_err("broken");
    assert!(matches!(error, EngineError::Internal(_)), "{error}");
}

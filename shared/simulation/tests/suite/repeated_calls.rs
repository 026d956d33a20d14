//! A call that is made twice is done once, also where the first attempt is slow.

use oubli_engine::{Config, Engine, IdempotencyState, Repeatable};
use oubli_simulation::{World, organization, polls::block_on, ports};
use serde_json::json;

const CALL: Repeatable<'static> = Repeatable { name: "call", body: "body", secret: "secret" };

/// As long as the slowest worker may take.
const WORKER: u32 = 300;

#[test]
fn p4_no_second_attempt_begins_while_the_first_may_still_run_and_a_late_one_answers_nothing() {
    let world = World::new(0, None, false);
    let config = Config { worker_timeout_seconds: WORKER, ..Config::default() };
    let calls = Engine::with_config(ports(&world), config).idempotency();
    let begin = || block_on(calls.begin_idempotent(&organization(), &CALL)).expect("answered");
    let IdempotencyState::Fresh(first) = begin() else { panic!("nobody made it before") };
    world.pass(i64::from(WORKER));
    assert_eq!(begin(), IdempotencyState::InProgress, "the first may be at its last second");
    world.pass(30);
    let IdempotencyState::Fresh(second) = begin() else { panic!("the first is over") };

    let (late, right) = (json!({ "by": "the first" }), json!({ "by": "the second" }));
    block_on(calls.finish_idempotent(&organization(), &CALL, first, 201, &late)).expect("ignored");
    block_on(calls.abandon_idempotent(&organization(), &CALL, first)).expect("ignored");
    assert_eq!(begin(), IdempotencyState::InProgress, "what came late neither answers for the second nor ends it");
    block_on(calls.finish_idempotent(&organization(), &CALL, second, 201, &right)).expect("kept");
    assert_eq!(begin(), IdempotencyState::Replay { status: 201, body: right });
}

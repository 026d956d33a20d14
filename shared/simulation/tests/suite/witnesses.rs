//! Witnesses of the log: asked, answering, silent, slow of memory, lying; with every call failing.

use jiff::Timestamp;
use oubli_domain::{
    access::{Caller, Role, Roles},
    audit::{AuditEvent, EventType},
    ledger::{TlogProof, cosignatures},
};
use oubli_engine::{
    CheckpointView, Config, Engine, EngineError, WitnessView,
    items::{outbox_key, to_item},
    ports::{Condition, Message, Write},
};
use oubli_simulation::{
    CallOutcome, Mood, Witnessing, World, audit, organization,
    polls::{block_on, poll_for},
    ports, witness, witnesses,
};

fn engine(world: &World) -> Engine {
    let config = Config { witnesses: witnesses(1), ..Config::default() };
    Engine::with_config(ports(world), config).with_witness(witness(world))
}

fn auditor() -> Caller {
    let actor = "actor_00000000000000000000000000000005".parse().expect("an id");
    Caller { organization: organization(), actor, roles: Roles::of(Role::Auditor) }
}

/// So many events wait.
fn happen(world: &World, from: u64, count: u64) {
    for n in from..from + count {
        let order = format!("req_00000000000000000000000000000001#{n:08}#0");
        let event = AuditEvent::new(&order, EventType::BatchHidden, Timestamp::UNIX_EPOCH);
        let (key, item) = (outbox_key(&organization(), &order), to_item(&event).expect("an item"));
        let put = vec![Write::Put { key, item, when: vec![Condition::ItemAbsent] }];
        block_on(ports(world).table.transact(put)).expect("written");
    }
}

/// A world with witnesses, and events that wait.
fn before(mood: Mood) -> World {
    let world = World::new(7, None, false);
    world.lock().witnessing = Some(Witnessing { mood, ..Witnessing::default() });
    happen(&world, 0, 260);
    world
}

fn mood(world: &World, mood: Mood) {
    if let Some(witnessing) = &mut world.lock().witnessing {
        witnessing.mood = mood;
    }
}

fn asked(world: &World) -> u64 {
    world.lock().witnessing.as_ref().expect("some").asked
}

fn seal() -> Message {
    Message::Seal { organization: organization() }
}

/// Seals, and delivers what is due until nothing is.
fn settle(world: &World) {
    deliver(world, Some(seal()));
}

/// Delivers a message, and what is due until nothing is. What fails is delivered again.
fn deliver(world: &World, mut next: Option<Message>) {
    for _ in 0..500 {
        let Some(message) = next.take().or_else(|| world.next_message()) else { return };
        match block_on(engine(world).worker().handle(&message)) {
            Ok(_) | Err(EngineError::Conflict(_)) => {}
            Err(EngineError::Transient(_)) => next = Some(message),
            Err(error) => panic!("{message:?}: {error}"),
        }
    }
    panic!("it goes on for ever");
}

/// A minute passes, and the sweeper looks.
fn minute(world: &World) {
    world.pass(60);
    block_on(engine(world).worker().sweep()).expect("swept");
    deliver(world, None);
}

fn newest(world: &World) -> CheckpointView {
    block_on(engine(world).ledger().log_checkpoint(&auditor())).expect("a checkpoint")
}

fn of_witness(world: &World) -> WitnessView {
    newest(world).witnesses.pop().expect("one")
}

/// How many witnesses cosigned a note.
fn cosigned_by(note: &str) -> usize {
    cosignatures(note, &[witnesses(1).remove(0).key]).expect("none that is bad").len()
}

fn shown(world: &World) -> String {
    let body = world.lock().ledger["shop/checkpoint"].body.to_vec();
    String::from_utf8(body).expect("a note")
}

fn kept(world: &World) -> Vec<String> {
    world.log_names().into_iter().filter(|n| n.contains("/cosignatures/")).collect()
}

/// Whatever happened, in calm the witness cosigns what everybody sees, and nothing else is kept or shown.
fn recovers(world: &World, how: &str) {
    mood(world, Mood::Honest);
    settle(world);
    for _ in 0..10 {
        minute(world);
    }
    assert_eq!(audit(world), Vec::<String>::new(), "{how}");
    assert_eq!(cosigned_by(&shown(world)), 1, "{how}: {:?}", of_witness(world));
    assert_eq!(newest(world).note, shown(world), "{how}: what is answered is what lies there");
}

#[test]
fn p7_a_checkpoint_is_cosigned_and_everybody_sees_it() {
    let world = before(Mood::Honest);
    settle(&world);
    assert_eq!((kept(&world).len(), cosigned_by(&shown(&world))), (1, 1));
    let view = of_witness(&world);
    assert_eq!((view.cosigned, view.failing), (Some(260), None));
    assert_eq!(asked(&world), 1, "nothing more is asked");
    // What is sealed next is proved to the witness to follow.
    happen(&world, 260, 300);
    world.pass(60);
    settle(&world);
    assert_eq!((of_witness(&world).cosigned, asked(&world)), (Some(560), 2));
    let proof = block_on(engine(&world).ledger().prove_entry(&auditor(), 3)).expect("proved");
    let proof: TlogProof = proof.proof.parse().expect("a proof");
    assert_eq!(cosigned_by(&proof.checkpoint), 1);
    recovers(&world, "all went well");
}

#[test]
fn an_entry_is_proved_by_a_cosigned_checkpoint_where_there_is_one() {
    let world = before(Mood::Honest);
    settle(&world);
    mood(&world, Mood::Down);
    happen(&world, 260, 5);
    world.pass(60);
    settle(&world);
    let checkpoint = |index: u64| {
        let proven = block_on(engine(&world).ledger().prove_entry(&auditor(), index)).expect("proved");
        proven.proof.parse::<TlogProof>().expect("a proof").checkpoint
    };
    assert_eq!(cosigned_by(&checkpoint(259)), 1, "by the one before the newest");
    assert_eq!(cosigned_by(&checkpoint(260)), 0, "only the newest has it");
    assert_eq!(cosigned_by(&newest(&world).note), 0);
    recovers(&world, "the witness is back");
    assert_eq!(cosigned_by(&checkpoint(260)), 1);
}

#[test]
fn a_witness_is_asked_about_a_log_once_in_ten_seconds() {
    let world = before(Mood::Honest);
    settle(&world);
    for n in 0..20 {
        happen(&world, 260 + n, 1);
        world.pass(1);
        settle(&world);
    }
    assert!((2..=4).contains(&asked(&world)), "{} times in 20 seconds", asked(&world));
    recovers(&world, "after that");
}

#[test]
fn a_witness_that_is_down_keeps_nobody_waiting_and_is_asked_ever_more_rarely() {
    let world = before(Mood::Down);
    settle(&world);
    assert_eq!(newest(&world).checkpoint.size, 260, "it is published all the same");
    let (since, why) = of_witness(&world).failing.expect("it is told");
    assert_eq!(why, "down");
    for _ in 0..24 * 60 {
        minute(&world);
    }
    let in_a_day = asked(&world);
    assert!((10..=16).contains(&in_a_day), "{in_a_day} times in a day");
    assert_eq!(of_witness(&world).failing, Some((since, "down".to_owned())), "since it began");
    mood(&world, Mood::Honest);
    for _ in 0..6 * 60 + 1 {
        minute(&world);
    }
    assert_eq!((cosigned_by(&shown(&world)), of_witness(&world).failing), (1, None));
    assert_eq!(audit(&world), Vec::<String>::new());
}

#[test]
fn a_witness_that_lost_its_memory_or_cosigned_unseen_is_asked_from_where_it_stands() {
    let world = before(Mood::Honest);
    settle(&world);
    let remembered = world.lock().witnessing.clone();
    world.pass(60);
    happen(&world, 260, 5);
    settle(&world);
    // It is put back to an older checkpoint, then to none.
    for forgotten in [remembered, Some(Witnessing::default())] {
        world.lock().witnessing = forgotten;
        world.pass(60);
        let size = newest(&world).checkpoint.size;
        happen(&world, size, 5);
        settle(&world);
        assert_eq!((of_witness(&world).cosigned, of_witness(&world).failing), (Some(size + 5), None));
    }
    recovers(&world, "it forgot");
}

#[test]
fn p7_what_a_witness_says_wrong_is_neither_kept_nor_shown() {
    for (wrong, told) in [
        (Mood::Lying, "the cosignature of w1.example does not hold"),
        (Mood::Fast, "its clock is ahead"),
        (Mood::Strange, "it does not know the log (404)"),
        (Mood::Elsewhere(1_000_000), "it holds 1000000 entries, more than this log published"),
    ] {
        let world = before(wrong);
        settle(&world);
        assert_eq!((kept(&world).len(), cosigned_by(&shown(&world))), (0, 0), "{wrong:?}");
        let (_, why) = of_witness(&world).failing.expect("it is told");
        assert!(why.starts_with(told), "{wrong:?}: {why}");
        recovers(&world, told);
    }
}

#[test]
fn a_witness_that_names_another_size_each_time_is_not_asked_without_end() {
    let world = before(Mood::Elsewhere(0));
    settle(&world);
    // Sizes at which this log did sign something, and one at which it did not.
    for (n, size) in [260, 0, 261, 77].into_iter().cycle().take(12).enumerate() {
        happen(&world, 260 + n as u64, 1);
        mood(&world, Mood::Elsewhere(size));
        world.pass(3_600);
        settle(&world);
    }
    assert!(asked(&world) < 24, "{} times in half a day", asked(&world));
    assert!(of_witness(&world).failing.is_some(), "it is told");
    assert!(kept(&world).is_empty());
    mood(&world, Mood::Honest);
    // Three times the longest pause: it is asked what it holds, and then from there.
    for _ in 0..18 * 60 + 3 {
        minute(&world);
    }
    recovers(&world, "it knows where it stands");
}

#[test]
fn an_answer_that_nobody_asked_for_changes_nothing() {
    let world = before(Mood::Honest);
    settle(&world);
    let (kept_before, shown_before) = (kept(&world), shown(&world));
    let stranger = witnesses(2).remove(1).key;
    let lines = shown_before.lines().last().map(|line| format!("{line}\n")).expect("a line");
    for (by, size) in [(witnesses(1).remove(0).key, 9_999), (stranger, 260)] {
        let answer = oubli_domain::ledger::WitnessAnswer::Cosigned { lines: lines.clone() };
        let message = Message::WitnessAnswered { organization: organization(), witness: Box::new(by), size, answer };
        block_on(engine(&world).worker().handle(&message)).expect("passed over");
    }
    assert_eq!((kept(&world), shown(&world)), (kept_before, shown_before));
    recovers(&world, "somebody else answered");
}

/// The messages of one cosigning, from sealing to what is kept.
fn messages(world: &World) -> Vec<Message> {
    let mut all = vec![seal()];
    block_on(engine(world).worker().handle(&all[0])).expect("sealed");
    while let Some(message) = world.next_message() {
        block_on(engine(world).worker().handle(&message)).expect("handled");
        all.push(message);
    }
    all
}

/// A world in which all messages of a cosigning but the last ones are handled, and the next one.
fn at_message(place: usize) -> (World, Message) {
    let world = before(Mood::Honest);
    let mut message = seal();
    for _ in 0..place {
        block_on(engine(&world).worker().handle(&message)).expect("handled");
        message = world.next_message().expect("another one");
    }
    (world, message)
}

#[test]
fn every_call_may_fail_with_and_without_having_happened() {
    let many = messages(&before(Mood::Honest)).len();
    assert_eq!(many, 3, "seal, ask, answer");
    for place in 0..many {
        let (calm, message) = at_message(place);
        let made = calm.calls();
        block_on(engine(&calm).worker().handle(&message)).expect("handled");
        let calls = calm.calls() - made;
        assert!(calls >= 2, "{calls} calls of {message:?}");
        for outcome in [CallOutcome::Throttled, CallOutcome::ReplyLost] {
            for call in 0..calls {
                let (world, message) = at_message(place);
                world.plan(call, outcome);
                let handled = block_on(engine(&world).worker().handle(&message));
                assert!(!matches!(handled, Err(EngineError::Internal(_))), "{outcome:?} at call {call} of {place}: {handled:?}");
                recovers(&world, &format!("{outcome:?} at call {call} of message {place}"));
            }
        }
    }
}

#[test]
fn the_process_may_die_at_every_await_and_every_message_come_twice() {
    let many = messages(&before(Mood::Honest)).len();
    for place in 0..many {
        let (calm, message) = at_message(place);
        let (done, polls) = poll_for(engine(&calm).worker().handle(&message), u64::MAX);
        assert!(done.expect("it ends").is_ok());
        for alive in 0..polls {
            let (world, message) = at_message(place);
            poll_for(engine(&world).worker().handle(&message), alive);
            recovers(&world, &format!("died after {alive} polls of message {place}"));
        }
    }
    let world = before(Mood::Honest);
    for message in messages(&world) {
        for _ in 0..2 {
            block_on(engine(&world).worker().handle(&message)).expect("handled");
        }
    }
    recovers(&world, "all of it came again");
}

#[test]
fn p7_what_is_sealed_right_after_a_cosignature_is_cosigned_too_whoever_has_the_clock() {
    // By so much the clock of whoever takes the answer is ahead of that of whoever seals next.
    for ahead in [0, 4_000] {
        let (world, answer) = at_message(2);
        world.lock().acting.skew_ms = ahead;
        block_on(engine(&world).worker().handle(&answer)).expect("handled");
        world.lock().acting.skew_ms = 0;
        happen(&world, 260, 5);
        settle(&world);
        // It is asked once in ten seconds.
        world.pass(11);
        deliver(&world, None);
        assert_eq!((of_witness(&world).cosigned, cosigned_by(&shown(&world))), (Some(265), 1), "{ahead} ms ahead");
    }
}

/// Nothing more is sealed; minutes pass, and the sweeper looks.
fn is_cosigned_in_minutes(world: &World, how: &str) {
    (0..5).for_each(|_| minute(world));
    assert_eq!(audit(world), Vec::<String>::new(), "{how}");
    let size = newest(world).checkpoint.size;
    assert_eq!((of_witness(world).cosigned, cosigned_by(&shown(world))), (Some(size), 1), "{how}");
}

#[test]
fn p7_the_newest_checkpoint_is_cosigned_in_minutes_whatever_failed_and_though_nothing_more_is_sealed() {
    // Each message of a cosigning; and an answer that comes once the log has grown.
    for (place, grown) in [(0, false), (1, false), (2, false), (2, true)] {
        let begun = || {
            let (world, message) = at_message(place);
            if grown {
                happen(&world, 260, 5);
                block_on(engine(&world).worker().handle(&seal())).expect("sealed");
            }
            (world, message)
        };
        let (calm, message) = begun();
        let made = calm.calls();
        block_on(engine(&calm).worker().handle(&message)).expect("handled");
        let calls = calm.calls() - made;
        for outcome in [CallOutcome::Throttled, CallOutcome::ReplyLost] {
            for call in 0..calls {
                let (world, message) = begun();
                world.plan(call, outcome);
                deliver(&world, Some(message));
                is_cosigned_in_minutes(&world, &format!("{outcome:?} at call {call} of message {place}, grown: {grown}"));
            }
        }
        let (calm, message) = begun();
        let (_, polls) = poll_for(engine(&calm).worker().handle(&message), u64::MAX);
        for alive in 0..polls {
            let (world, message) = begun();
            poll_for(engine(&world).worker().handle(&message), alive);
            // The queue has it still.
            deliver(&world, Some(message));
            is_cosigned_in_minutes(&world, &format!("died after {alive} polls of message {place}, grown: {grown}"));
        }
    }
}

#[test]
fn of_a_log_what_is_written_once_is_locked_and_the_rest_is_not() {
    let world = before(Mood::Honest);
    settle(&world);
    happen(&world, 260, 300);
    world.pass(60);
    settle(&world);
    let state = world.lock();
    let full = |name: &str| name.contains("/tile/") && !name.contains("/entries/") && !name.contains(".p/");
    let (mut locked, mut open) = (0, 0);
    for (name, object) in &state.ledger {
        let stays = full(name) || name.contains("/checkpoints/") || name.contains("/cosignatures/");
        assert_eq!(object.locked_until.is_some(), stays, "{name}");
        if stays { locked += 1 } else { open += 1 }
    }
    assert!(locked >= 5 && open >= 4, "{locked} and {open}");
}

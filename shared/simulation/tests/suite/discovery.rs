//! Looking, and looking again: what a round goes by stays the same, what leads to records is not forgotten, and what
//! could not be looked at is named.

use crate::support::odd::Odd;
use crate::support::{ID, change_settings, id, officer, reviewer};
use oubli_domain::{
    ids::{DiscoveryId, HoldId},
    lifecycle::Phase,
    personal::Identity,
    plan::{Exclusion, Plan},
    request::TaskStatus,
};
use oubli_engine::{
    Config, Engine, EngineError,
    api::{Approval, NewHold, RequestDetail, RestoreOrder},
    ports::{Envelope, Message, Ports},
};
use oubli_simulation::{
    World, channel, new_request, organization,
    polls::{block_on, poll_for},
    ports, shop,
};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
};

const DAY: i64 = 24 * 3600;

fn alice() -> Identity {
    Identity::built_in(Some("alice"), None).expect("an identity")
}

/// A world, and what may go wrong in its stores.
struct Scene {
    world: World,
    odd: Odd,
    ports: Ports,
}

impl Scene {
    fn new() -> Self {
        let world = World::new(11, None, false);
        let odd = Odd::new(ports(&world).stores);
        let ports = Ports { stores: Arc::new(odd.clone()), ..ports(&world) };
        let scene = Self { world, odd, ports };
        block_on(shop(&scene.world, &scene.engine())).expect("opened");
        scene.world.pass(3_600);
        scene
    }

    /// The same, with a data map in place of the shop's.
    fn with_map(map: &str) -> Self {
        let scene = Self::new();
        scene.publish(map);
        scene
    }

    fn engine(&self) -> Engine {
        self.engine_of(Config { worker_timeout_seconds: 30, ..Config::default() })
    }

    fn engine_of(&self, config: Config) -> Engine {
        Engine::with_config(self.ports.clone(), config).with_channel(channel(&self.world))
    }

    /// Workers that have no time for a second page.
    fn tired(&self) -> Engine {
        let largest_record_bytes = Some(1 << 30);
        self.engine_of(Config { worker_timeout_seconds: 0, largest_record_bytes, ..Config::default() })
    }

    fn publish(&self, map: &str) {
        block_on(self.engine().directory().operator(&organization(), None).publish_map(map)).expect("published");
    }

    fn row(&self, table: &str, fields: &[(&str, &str)]) {
        let key = fields[0].1;
        self.world.lock().app_writes(table, key, fields);
    }

    fn submit(&self) {
        let new = new_request(&self.world, id(), alice());
        block_on(self.engine().requests().submit(&officer(), new)).expect("submitted");
    }

    /// Everything that can happen by itself happens.
    fn settle(&self) {
        let engine = self.engine();
        for _ in 0..400 {
            let due = {
                let mut state = self.world.lock();
                let now = state.now_ms;
                let (due, later) = state.messages.drain(..).partition::<Vec<_>, _>(|m| m.visible_at <= now);
                state.messages = later;
                due
            };
            if due.is_empty() {
                return;
            }
            for message in due {
                match block_on(engine.worker().handle(&message.message)) {
                    Ok(_) | Err(EngineError::Conflict(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
        panic!("it goes on for ever");
    }

    /// Everything that can happen by itself happens, but for some messages, which wait.
    fn drive_but(&self, waits: impl Fn(&Message) -> bool) {
        let engine = self.engine();
        for _ in 0..400 {
            let due = {
                let mut state = self.world.lock();
                let now = state.now_ms;
                let place = state.messages.iter().position(|m| m.visible_at <= now && !waits(&m.message));
                place.map(|n| state.messages.remove(n).message)
            };
            let Some(message) = due else { return };
            match block_on(engine.worker().handle(&message)) {
                Ok(_) | Err(EngineError::Conflict(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        panic!("it goes on for ever");
    }

    /// Time passes, and the sweeper comes.
    fn later(&self, seconds: i64) {
        self.world.pass(seconds);
        block_on(self.engine().worker().sweep()).expect("swept");
        self.settle();
    }

    fn detail(&self) -> RequestDetail {
        block_on(self.engine().requests().request(&officer(), id())).expect("there")
    }

    fn phase(&self) -> Phase {
        self.detail().request.state.phase
    }

    fn approve(&self, exclusions: Vec<Exclusion>) {
        let seen = self.detail();
        let (plan_digest, acknowledged) = (seen.request.plan_digest, seen.to_acknowledge);
        let approval = Approval { plan_digest, approved_by: None, notes: None, exclusions, acknowledged };
        block_on(self.engine().reviews().approve(&reviewer(), id(), approval)).expect("approved");
    }

    /// From a request to the point where its window is open.
    fn hidden(&self) {
        self.submit();
        self.settle();
        self.approve(vec![]);
        self.settle();
        assert_eq!(self.phase(), Phase::Recoverable);
    }

    /// The plan that was found in a round.
    fn plan(&self, round: u32) -> Plan {
        let state = self.world.lock();
        let stored = state.items.iter().find(|(k, _)| k.sk == format!("plan#{round:03}")).expect("a plan").1;
        serde_json::from_value(Value::Object(stored.clone())).expect("readable")
    }

    /// How many records go, by producer.
    fn goes(&self, round: u32) -> BTreeMap<String, u64> {
        self.plan(round).steps.into_iter().map(|s| (s.producer.to_string(), s.records)).collect()
    }

    /// What was not looked at, or not by everything, and why.
    fn unsearched(&self, round: u32) -> Vec<(String, &'static str)> {
        self.plan(round).unsearched.into_iter().map(|u| (u.producer.to_string(), u.why.code())).collect()
    }

    /// What was written of every batch.
    fn batches(&self, producer_number: u32) -> Vec<(u64, u64)> {
        let state = self.world.lock();
        let of_step = |sk: &str| sk.starts_with(&format!("batch#001#{producer_number:03}#"));
        let number = |item: &oubli_engine::ports::Item, name: &str| item.get(name).and_then(Value::as_u64).unwrap_or_default();
        let batches = state.items.iter().filter(|(k, _)| of_step(&k.sk));
        batches.map(|(_, b)| (number(b, "records"), number(b, "bytes"))).collect()
    }

    fn stands(&self, table: &str, key: &str) -> bool {
        self.world.lock().shop.tables.get(table).is_some_and(|t| t.contains_key(key))
    }
}

fn hold(scene: &Scene, category: &str) -> HoldId {
    let id: HoldId = "hold_00000000000000000000000000000001".parse().expect("an id");
    let categories = vec![category.parse().expect("a name")];
    let new = NewHold { id, identity: None, categories, reason: "litigation".to_owned(), reference: None };
    block_on(scene.engine().holds().place_hold(&officer(), new)).expect("held");
    id
}

fn release(scene: &Scene, hold: HoldId) {
    block_on(scene.engine().holds().release_hold(&officer(), hold)).expect("released");
}

const STORES: &str = "version: 1\nstores: {db: {connector: dynamodb}, files: {connector: s3}}\nproducers:\n";
const ORDERS: &str = "  - {name: orders, category: orders, store: db, table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}\n";
const LINES: &str = "  - {name: lines, category: lines, store: db, table: lines, key: [id], select: [{by: {producer: orders, field: id}, index: by_order, attribute: order}]}\n";
const INVOICES: &str = "  - {name: invoices, category: invoices, store: db, table: invoices, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}\n";
const WISHES: &str = "  - {name: wishes, category: wishes, store: db, table: wishes, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}\n";
const FILES: &str =
    "  - {name: files, category: files, store: files, bucket: files, select: [{by: subject_id, prefix: \"u/{}/\"}]}\n";

fn map(producers: &[&str]) -> String {
    format!("{STORES}{}", producers.concat())
}

#[test]
fn a_map_published_meanwhile_changes_nothing_of_the_look_under_way() {
    let untouched = Scene::with_map(&map(&[ORDERS, LINES, INVOICES, FILES]));
    untouched.submit();
    untouched.settle();
    let expected = untouched.goes(1);

    let scene = Scene::with_map(&map(&[ORDERS, LINES, INVOICES, FILES]));
    scene.row("wishes", &[("id", "w1"), ("owner", "alice")]);
    scene.submit();
    scene.world.lock().messages.clear();
    block_on(scene.tired().discovery().discover(&organization(), &id())).expect("paused");
    scene.publish(&map(&[WISHES, ORDERS, LINES, INVOICES, FILES]));
    scene.settle();
    let plan = scene.plan(1);
    assert_eq!(plan.map_version, 2);
    assert_eq!(scene.goes(1), expected);
    let order: Vec<&str> = plan.steps.iter().map(|s| s.producer.as_str()).collect();
    assert!(order.iter().position(|p| *p == "lines") < order.iter().position(|p| *p == "orders"), "{order:?}");
}

#[test]
fn p3_whoever_slept_since_an_earlier_look_says_nothing_of_the_last() {
    let mut slept_long_enough = 0;
    for alive in 1.. {
        let scene = Scene::new();
        scene.submit();
        scene.world.lock().messages.clear();
        let (sleeper, whose, what) = (scene.engine().discovery(), organization(), id());
        let mut sleeping = pin!(sleeper.discover(&whose, &what));
        let mut context = Context::from_waker(Waker::noop());
        if (0..alive).any(|_| sleeping.as_mut().poll(&mut context).is_ready()) {
            break;
        }
        // Others take over, and everything goes its way up to the last look.
        scene.later(120);
        if scene.phase() != Phase::InReview {
            continue;
        }
        scene.approve(vec![]);
        scene.settle();
        scene.world.pass(500);
        scene.world.lock().messages.clear();
        for _ in 0..9 {
            block_on(scene.engine().worker().sweep()).expect("swept");
            scene.drive_but(|m| matches!(m, Message::Discover { .. }));
            scene.world.pass(61);
        }
        assert_eq!(scene.phase(), Phase::Verifying, "after {alive} polls");
        // Somebody begins the last look, and dies before anything is walked.
        let begun = || scene.world.lock().items.iter().any(|(k, r)| k.sk == "request" && r.contains_key("seeking_map"));
        for polls in 1..20 {
            if !begun() {
                poll_for(scene.engine().discovery().discover(&organization(), &id()), polls);
            }
        }
        assert!(begun());
        while sleeping.as_mut().poll(&mut context).is_pending() {}
        let looked = scene.world.lock().items.keys().any(|k| k.sk.starts_with("discovery#002"));
        assert!(looked || scene.phase() == Phase::Verifying, "nobody looked, and it is over: after {alive} polls");
        slept_long_enough += u32::from(!looked);
    }
    assert!(slept_long_enough > 20, "{slept_long_enough}");
}

#[test]
fn what_was_searched_and_had_nothing_is_named() {
    let scene = Scene::with_map(&map(&[ORDERS, WISHES]));
    scene.world.pass(60);
    scene.submit();
    assert!(scene.detail().nothing_found.is_empty(), "nobody looked yet");
    scene.settle();
    let quiet: Vec<String> = scene.detail().nothing_found.iter().map(ToString::to_string).collect();
    assert_eq!(quiet, ["wishes"]);
    let other = Scene::with_map(&map(&[ORDERS, WISHES]));
    other.row("wishes", &[("id", "w1"), ("owner", "alice")]);
    other.world.pass(60);
    other.submit();
    other.settle();
    assert!(other.detail().nothing_found.is_empty());
}

#[test]
fn p3_a_producer_that_a_new_map_dropped_is_named() {
    let scene = Scene::with_map(&map(&[ORDERS, WISHES]));
    scene.row("wishes", &[("id", "w1"), ("owner", "alice")]);
    scene.world.pass(60);
    scene.submit();
    scene.settle();
    assert_eq!(scene.goes(1).get("wishes"), Some(&1));
    scene.approve(vec![]);
    scene.world.lock().messages.clear();
    scene.publish(&map(&[ORDERS]));
    scene.later(25 * 3_600);
    assert_eq!(scene.unsearched(2), [("wishes".to_owned(), "unusable")]);
    assert!(scene.stands("wishes", "w1"));
}

#[test]
fn what_is_found_anew_is_not_read_again_for_every_earlier_round() {
    let scene = Scene::new();
    scene.hidden();
    scene.row("lines", &[("id", "late"), ("order", "o0")]);
    scene.world.pass(60);
    scene.later(500);
    assert_eq!(scene.goes(2), BTreeMap::from([("lines".to_owned(), 1)]));
    // Its parent's manifest leads to it, though its store does not show it by its key.
    scene.odd.with().refused_records.insert("late".to_owned());
    scene.approve(vec![]);
    scene.world.lock().messages.clear();
    scene.later(25 * 3_600);
    assert_eq!(scene.phase(), Phase::Recoverable, "the approval stands: the same was found");
}

#[test]
fn a_table_that_is_gone_at_the_last_look_is_named_and_the_request_ends() {
    let scene = Scene::with_map(&map(&[ORDERS, LINES, INVOICES, FILES]));
    scene.hidden();
    scene.odd.with().unusable.insert("orders".to_owned());
    scene.later(500);
    assert_eq!(scene.phase(), Phase::CompletedWithExceptions);
    // What is found through it was not looked for by all that leads to it.
    assert_eq!(scene.unsearched(2), [("lines".to_owned(), "unusable"), ("orders".to_owned(), "unusable")]);
    scene.later(2 * DAY);
    assert_eq!(scene.world.left_of(ID), Vec::<String>::new());
}

#[test]
fn a_table_that_is_not_there_at_the_first_look_fails_it_by_name_until_a_map_is_right() {
    let scene = Scene::new();
    scene.odd.with().unusable.insert("files".to_owned());
    scene.submit();
    scene.settle();
    assert_eq!(scene.phase(), Phase::Failed);
    let failure = scene.detail().request.failure.expect("a failure");
    assert!(failure.message.contains("files"), "{}", failure.message);
    // The same map fails the same way; a corrected one helps.
    block_on(scene.engine().requests().retry(&officer(), id())).expect("retried");
    scene.settle();
    assert_eq!(scene.phase(), Phase::Failed);
    scene.publish(&map(&[ORDERS, LINES]));
    block_on(scene.engine().requests().retry(&officer(), id())).expect("retried");
    scene.settle();
    assert_eq!(scene.phase(), Phase::InReview);
    let round = scene.detail().request.round;
    assert_eq!(scene.plan(round).map_version, 2);
}

#[test]
fn p3_a_store_that_promises_a_delete_of_its_own_and_has_none_is_known_before_anything_is_planned() {
    let scene = Scene::new();
    scene.odd.with().empty_promises.insert("files".to_owned());
    scene.submit();
    scene.settle();
    assert_eq!(scene.phase(), Phase::Failed);
    let failure = scene.detail().request.failure.expect("a failure");
    assert!(failure.message.contains("files") && failure.message.contains("no delete of its own"), "{}", failure.message);
}

#[test]
fn a_plan_is_as_old_as_its_decision() {
    let scene = Scene::new();
    scene.submit();
    scene.settle();
    scene.later(25 * 3600);
    scene.approve(vec![]);
    scene.settle();
    assert_eq!((scene.phase(), scene.detail().request.round), (Phase::Recoverable, 1));
    // Nobody looked again.
    assert!(!scene.world.lock().items.keys().any(|k| k.sk.starts_with("discovery#002")));
}

#[test]
fn what_only_an_earlier_round_leads_to_is_found_again_when_the_plan_has_aged() {
    let scene = Scene::new();
    scene.hidden();
    // A line of an order that is hidden: nothing leads to it but the manifest.
    scene.row("lines", &[("id", "late"), ("order", "o0")]);
    scene.world.pass(60);
    scene.later(500);
    assert_eq!(scene.phase(), Phase::InReview);
    assert_eq!(scene.goes(2), BTreeMap::from([("lines".to_owned(), 1)]));
    scene.approve(vec![]);
    // Nobody comes by for a day.
    scene.world.lock().messages.clear();
    scene.later(25 * 3600);
    assert_eq!(scene.phase(), Phase::Recoverable);
    scene.later(500);
    assert_eq!(scene.phase(), Phase::CompletedWithExceptions);
    assert!(!scene.stands("lines", "late"));
}

#[test]
fn a_repeated_look_goes_by_the_newest_map_and_by_the_names_of_earlier_rounds() {
    let scene = Scene::with_map(&map(&[ORDERS, LINES]));
    scene.hidden();
    scene.row("lines", &[("id", "late"), ("order", "o0")]);
    scene.world.pass(60);
    scene.later(500);
    assert_eq!(scene.phase(), Phase::InReview);
    scene.approve(vec![]);
    scene.world.lock().messages.clear();
    // Every producer has another number now.
    scene.row("wishes", &[("id", "w1"), ("owner", "alice")]);
    scene.world.pass(60);
    scene.publish(&map(&[WISHES, ORDERS, LINES]));
    scene.later(25 * 3600);
    assert_eq!(scene.phase(), Phase::InReview);
    let round = scene.detail().request.round;
    assert_eq!(scene.plan(round).map_version, 3);
    assert_eq!(scene.goes(round), BTreeMap::from([("lines".to_owned(), 1), ("wishes".to_owned(), 1)]));
    scene.approve(vec![]);
    scene.settle();
    scene.later(500);
    assert_eq!(scene.phase(), Phase::Completed);
    assert!(!scene.stands("lines", "late") && !scene.stands("wishes", "w1"));
}

#[test]
fn a_plan_that_aged_before_anything_was_done_starts_over() {
    let scene = Scene::with_map(&map(&[ORDERS, LINES]));
    scene.submit();
    scene.settle();
    scene.approve(vec![]);
    scene.world.lock().messages.clear();
    let before = scene.goes(1)["orders"];
    scene.world.lock().app_deletes("orders", "o0");
    scene.later(25 * 3600);
    assert_eq!(scene.phase(), Phase::InReview);
    assert_eq!(scene.goes(2)["orders"], before - 1);
}

#[test]
fn an_approval_with_exclusions_stands_when_the_same_is_found_again() {
    let scene = Scene::new();
    scene.submit();
    scene.settle();
    let left_out = Exclusion { category: "files".parse().expect("a name"), reason: "needed".to_owned(), retention_until: None };
    scene.approve(vec![left_out]);
    scene.world.lock().messages.clear();
    scene.later(25 * 3600);
    assert_eq!((scene.phase(), scene.detail().request.round), (Phase::Recoverable, 1));
}

#[test]
fn what_somebody_had_restored_stays_when_a_hold_is_released() {
    let scene = Scene::with_map(&map(&[ORDERS, LINES, INVOICES]));
    let held = hold(&scene, "invoices");
    scene.hidden();
    let order = RestoreOrder { categories: vec!["orders".parse().expect("a name")], ..RestoreOrder::default() };
    block_on(scene.engine().requests().restore(&officer(), id(), order)).expect("restoring");
    scene.settle();
    scene.later(500);
    assert_eq!(scene.phase(), Phase::CompletedWithExceptions);
    assert!(scene.stands("orders", "o0"));
    release(&scene, held);
    scene.later(700);
    assert_eq!(scene.phase(), Phase::InReview);
    let round = scene.detail().request.round;
    assert_eq!(scene.goes(round).into_keys().collect::<Vec<_>>(), ["invoices"]);
    let kept: Vec<(String, &str)> = scene.plan(round).kept.iter().map(|k| (k.producer.to_string(), k.why.code())).collect();
    assert_eq!(kept, [("orders".to_owned(), "restored")]);
}

#[test]
fn what_a_hold_kept_is_found_although_what_led_to_it_is_gone() {
    let scene = Scene::with_map(&map(&[ORDERS, LINES]));
    let held = hold(&scene, "lines");
    scene.hidden();
    scene.later(500);
    assert_eq!(scene.phase(), Phase::CompletedWithExceptions);
    assert!(!scene.stands("orders", "o0") && scene.stands("lines", "l0"));
    // A day later everything that may be gone is gone.
    scene.later(2 * DAY);
    release(&scene, held);
    scene.later(700);
    assert_eq!(scene.phase(), Phase::InReview);
    scene.approve(vec![]);
    scene.settle();
    scene.later(500);
    assert_eq!(scene.phase(), Phase::Completed);
    assert!(!scene.stands("lines", "l0"));
    scene.later(2 * DAY);
    assert_eq!(scene.world.left_of(ID), Vec::<String>::new());
}

#[test]
fn a_value_that_its_store_refuses_is_flagged_and_stops_nothing() {
    let scene = Scene::with_map(&map(&[ORDERS, LINES, INVOICES, FILES]));
    scene.odd.with().refused_values.insert(("lines".to_owned(), "o0".to_owned()));
    scene.submit();
    scene.settle();
    assert_eq!(scene.phase(), Phase::InReview);
    assert_eq!(scene.unsearched(1), [("lines".to_owned(), "unusable_identifier")]);
    assert!(!serde_json::to_string(&scene.plan(1).unsearched).expect("json").contains("o0"));
    scene.approve(vec![]);
    scene.settle();
    scene.later(500);
    assert_eq!(scene.phase(), Phase::CompletedWithExceptions);
    // Looked up by the orders of two rounds, or by one: each refusal counts.
    assert!(scene.stands("lines", "l0") && !scene.stands("orders", "o0"));
}

#[test]
fn an_identifier_that_a_store_refuses_names_its_producer() {
    let scene = Scene::with_map(&map(&[ORDERS, LINES, INVOICES, FILES]));
    scene.odd.with().refused_values.insert(("files".to_owned(), "alice".to_owned()));
    scene.submit();
    scene.settle();
    assert_eq!(scene.phase(), Phase::InReview);
    assert_eq!(scene.unsearched(1), [("files".to_owned(), "unusable_identifier")]);
    assert!(!scene.goes(1).contains_key("files") && scene.goes(1).contains_key("orders"));
}

#[test]
fn a_record_that_cannot_be_read_again_is_flagged() {
    let scene = Scene::with_map(&map(&[ORDERS, LINES]));
    scene.hidden();
    scene.odd.with().refused_records.insert("l0".to_owned());
    scene.later(500);
    assert_eq!(scene.phase(), Phase::CompletedWithExceptions);
    assert_eq!(scene.unsearched(2), [("lines".to_owned(), "unusable_identifier")]);
}

#[test]
fn what_no_worker_can_copy_is_kept_with_words_before_anybody_approves() {
    let scene = Scene::with_map(&map(&[ORDERS, LINES]));
    scene.odd.with().bytes.insert("o0".to_owned(), 1 << 42);
    scene.submit();
    scene.settle();
    let kept: Vec<(String, u64, &str)> =
        scene.plan(1).kept.iter().map(|k| (k.producer.to_string(), k.records, k.why.code())).collect();
    assert_eq!(kept, [("orders".to_owned(), 1, "too_large")]);
    scene.approve(vec![]);
    scene.later(60);
    scene.later(500);
    assert_eq!(scene.phase(), Phase::CompletedWithExceptions);
    assert!(scene.stands("orders", "o0") && !scene.stands("lines", "l0"));
}

#[test]
fn a_look_that_every_worker_dies_of_fails_by_name() {
    let scene = Scene::new();
    scene.odd.with().silent = Some("orders".to_owned());
    scene.submit();
    for _ in 0..30 {
        let engine = scene.engine();
        poll_for(engine.discovery().discover(&organization(), &id()), 200);
        scene.world.pass(60);
    }
    assert_eq!(scene.phase(), Phase::Failed);
    let failure = scene.detail().request.failure.expect("a failure");
    assert!(failure.message.contains("orders"), "{}", failure.message);
    // A retry begins to count anew.
    scene.odd.with().silent = None;
    block_on(scene.engine().requests().retry(&officer(), id())).expect("retried");
    scene.later(60);
    assert_eq!(scene.phase(), Phase::InReview);
}

fn batch_size(scene: &Scene, batch_size: u32) {
    change_settings(&scene.engine(), |s| s.batch_size = batch_size).expect("changed");
}

#[test]
fn children_of_many_parents_fill_no_part_beyond_its_size() {
    let scene = Scene::with_map(&map(&[ORDERS, LINES]));
    for order in 0..9 {
        let order = format!("p{order}");
        scene.row("orders", &[("id", &order), ("owner", "alice")]);
        for line in 0..7 {
            scene.row("lines", &[("id", &format!("{order}-{line}")), ("order", &order)]);
        }
    }
    scene.world.pass(60);
    batch_size(&scene, 8);
    scene.submit();
    scene.settle();
    let batches = scene.batches(0);
    assert!(scene.goes(1)["lines"] >= 63);
    assert!(batches.iter().all(|(records, _)| *records <= 8), "{batches:?}");
}

#[test]
fn a_part_closes_by_bytes_too() {
    const MIB: u64 = 1024 * 1024;
    let scene = Scene::with_map(&map(&[ORDERS]));
    for order in 0..12 {
        let order = format!("p{order:02}");
        scene.odd.with().bytes.insert(order.clone(), 30 * MIB);
        scene.row("orders", &[("id", &order), ("owner", "alice")]);
    }
    scene.world.pass(60);
    batch_size(&scene, 100);
    scene.submit();
    scene.settle();
    let batches = scene.batches(0);
    assert!(batches.iter().all(|(_, bytes)| *bytes <= 64 * MIB), "{batches:?}");
    let (records, bytes) = batches.iter().fold((0, 0), |(r, b), (records, bytes)| (r + records, b + bytes));
    assert_eq!(records, scene.goes(1)["orders"]);
    assert!(bytes >= 360 * MIB);
}

#[test]
fn a_part_closes_by_bytes_where_large_records_come_after_small_ones() {
    const MIB: u64 = 1024 * 1024;
    let scene = Scene::with_map(&map(&[ORDERS]));
    for order in 0..300 {
        let order = format!("p{order:03}");
        let large = order.as_str() >= "p100";
        scene.odd.with().bytes.insert(order.clone(), if large { 40 * MIB } else { 1 });
        scene.row("orders", &[("id", &order), ("owner", "alice")]);
    }
    scene.world.pass(60);
    batch_size(&scene, 1_000);
    scene.submit();
    scene.settle();
    let batches = scene.batches(0);
    assert!(batches.iter().all(|(records, bytes)| *bytes <= 64 * MIB || *records == 1), "{batches:?}");
    assert_eq!(batches.iter().map(|(records, _)| records).sum::<u64>(), scene.goes(1)["orders"]);
}

#[test]
fn what_stays_is_listed_in_parts_that_fit_into_a_workers_memory() {
    const MIB: usize = 1024 * 1024;
    let kept =
        ORDERS.replace("attribute: owner}]", "attribute: owner}], retention: {reason: tax law, exception: legal_obligation}");
    let parcels = LINES.replace("field: id}, index: by_order, attribute: order}", "field: parcels}, attribute: id}");
    let scene = Scene::with_map(&map(&[&kept, &parcels]));
    let parcels = "p".repeat(33 * MIB);
    for order in ["p1", "p2"] {
        scene.row("orders", &[("id", order), ("owner", "alice"), ("parcels", &parcels)]);
    }
    scene.world.pass(60);
    scene.submit();
    scene.settle();
    assert_eq!(scene.phase(), Phase::InReview);
    let state = scene.world.lock();
    let of_orders = |item: &&Value| item.get("producer").and_then(Value::as_str) == Some("orders");
    let walks = state.items.iter().filter(|(key, _)| key.sk.starts_with("discovery#001#"));
    let walks: Vec<Value> = walks.map(|(_, item)| Value::Object(item.clone())).collect();
    let parts = walks.iter().find(of_orders).and_then(|walk| walk.get("parts")?.as_u64());
    assert!(parts.is_some_and(|parts| parts >= 2), "{parts:?}: nobody copies them, and whoever reads a part holds what it lists");
}

fn preview(scene: &Scene, engine: &Engine) -> DiscoveryId {
    let id: DiscoveryId = "disc_00000000000000000000000000000001".parse().expect("an id");
    poll_for(engine.discovery().start_preview(&officer(), id, alice()), 2_000);
    scene.world.lock().messages.clear();
    id
}

#[test]
fn a_doubled_preview_leaves_it_to_whoever_is_at_it() {
    let scene = Scene::new();
    scene.odd.with().silent = Some("orders".to_owned());
    let id = preview(&scene, &scene.engine());
    let message = Message::Preview { organization: organization(), discovery: id };
    block_on(scene.engine().worker().handle(&message)).expect("busy");
    let now = scene.world.lock().now_ms;
    let at_once = scene.world.lock().messages.iter().filter(|m| m.visible_at <= now).count();
    assert_eq!(at_once, 0);
    // Whoever was at it is dead: the next one goes on.
    scene.odd.with().silent = None;
    scene.later(i64::from(Envelope::MAX_DELAY_SECONDS));
    let view = block_on(scene.engine().discovery().preview(&officer(), id)).expect("there");
    assert_eq!(view.status, TaskStatus::Completed);
}

#[test]
fn p3_a_preview_names_what_was_not_looked_at() {
    let by_both = ORDERS.replace("select: [", "select: [{by: subject_email, index: by_address, attribute: address}, ");
    let scene = Scene::with_map(&map(&[&by_both, INVOICES]));
    scene.row("orders", &[("id", "o1"), ("owner", "alice")]);
    scene.world.pass(60);
    let id = preview(&scene, &scene.engine());
    let view = block_on(scene.engine().discovery().preview(&officer(), id)).expect("there");
    assert_eq!(view.status, TaskStatus::Completed);
    let missed: Vec<_> = view.unsearched.iter().map(|u| (u.producer.to_string(), u.why.code())).collect();
    assert_eq!(missed, [("orders".to_owned(), "some_identifiers")]);
}

#[test]
fn without_end_is_later_than_any_date() {
    const DATED: &str = "  - {name: invoices, category: papers, store: db, table: invoices, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], retention: {reason: tax law, exception: legal_obligation, from: issued, years: 7}}\n";
    const ENDLESS: &str = "  - {name: deeds, category: papers, store: db, table: deeds, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], retention: {reason: notary law, exception: legal_obligation}}\n";
    for order in [[DATED, ENDLESS], [ENDLESS, DATED]] {
        let scene = Scene::with_map(&map(&order));
        scene.row("deeds", &[("id", "d1"), ("owner", "alice")]);
        scene.world.pass(60);
        let id = preview(&scene, &scene.engine());
        let view = block_on(scene.engine().discovery().preview(&officer(), id)).expect("there");
        assert_eq!(view.status, TaskStatus::Completed);
        assert_eq!(view.categories.len(), 1);
        assert!(view.categories[0].retention_required);
        assert_eq!(view.categories[0].retained_until, None);
    }
}

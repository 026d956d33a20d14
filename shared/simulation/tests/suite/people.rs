//! A person is not one string: whoever is meant is found by all their identifiers, and nobody else is.

use crate::support::{
    id, officer, reviewer,
    scene::{NEW, OLD, stayed},
    settle_but,
};
use oubli_domain::{
    ids::{HoldId, RequestId},
    lifecycle::Phase,
    personal::{Ambiguity, Identity, Standing},
};
use oubli_engine::{
    Config, Engine, EngineError,
    api::{Approval, NewHold, RequestDetail},
    ports::Message,
};
use oubli_simulation::{World, channel, new_request, organization, polls::block_on, ports, shop};
use std::{pin::pin, task::Context, task::Waker};

fn hold() -> HoldId {
    "hold_00000000000000000000000000000001".parse().expect("an id")
}

/// Profiles tell id, address and device of a person apart; chats know addresses only.
const MAP: &str = "
version: 1
identifiers: {device: {form: lower}}
nobody: [guest]
stores: {db: {connector: dynamodb}}
producers:
  - {name: people, category: profile, store: db, table: people, key: [id], select: [{by: subject_id, attribute: id}, {by: subject_email, index: by_email, attribute: email}], identifies: {subject_id: id, subject_email: email}}
  - {name: carts, category: carts, store: db, table: carts, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}, {by: device, index: by_device, attribute: device}], identifies: {subject_id: owner, subject_email: email, device: device}}
  - {name: chat, category: chat, store: db, table: chat, key: [id], select: [{by: subject_email, index: by_email, attribute: email}]}
";

struct Scene {
    world: World,
}

impl Scene {
    /// Rows are written as table, key, owner, address and device; what is empty is not there.
    fn new(rows: &[[&str; 5]]) -> Self {
        Self::mapped(MAP, rows)
    }

    fn mapped(map: &str, rows: &[[&str; 5]]) -> Self {
        let world = World::new(11, None, false);
        let scene = Self { world };
        block_on(shop(&scene.world, &scene.engine())).expect("opened");
        block_on(scene.engine().directory().operator(&organization(), None).publish_map(map)).expect("published");
        rows.iter().for_each(|row| scene.row(*row));
        scene.world.pass(3_600);
        scene
    }

    fn row(&self, [table, key, owner, email, device]: [&str; 5]) {
        let all = [("id", key), ("owner", owner), ("email", email), ("device", device)];
        let fields: Vec<(&str, &str)> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        self.world.app_writes(table, key, &fields);
    }

    fn engine(&self) -> Engine {
        let config = Config { worker_timeout_seconds: 30, ..Config::default() };
        Engine::with_config(ports(&self.world), config).with_channel(channel(&self.world))
    }

    fn settle_but(&self, waits: impl Fn(&Message) -> bool) {
        settle_but(&self.world, || self.engine(), waits);
    }

    fn settle(&self) {
        self.settle_but(|_| false);
    }

    fn later(&self, seconds: i64) {
        self.world.pass(seconds);
        block_on(self.engine().worker().sweep()).expect("swept");
        self.settle();
    }

    fn submit(&self, identity: Identity) {
        let new = new_request(&self.world, id(), identity);
        block_on(self.engine().requests().submit(&officer(), new)).expect("submitted");
    }

    fn plan(&self, identity: Identity) {
        self.submit(identity);
        self.settle();
        assert_eq!(self.phase(), Phase::InReview);
    }

    fn detail(&self) -> RequestDetail {
        block_on(self.engine().requests().reveal(&officer(), id())).expect("there")
    }

    fn phase(&self) -> Phase {
        self.detail().request.state.phase
    }

    fn approve_with(&self, acknowledged: Vec<String>) -> Result<(), EngineError> {
        let plan_digest = self.detail().request.plan_digest;
        let approval = Approval { plan_digest, approved_by: None, notes: None, exclusions: vec![], acknowledged };
        block_on(self.engine().reviews().approve(&reviewer(), id(), approval)).map(drop)
    }

    fn approve(&self) {
        self.approve_with(self.detail().to_acknowledge).expect("approved");
    }

    /// Approves what is planned, and goes on until the window is open.
    fn hide(&self) {
        self.approve();
        self.settle();
    }

    fn goes(&self) -> Vec<(String, u64)> {
        let plan = self.detail().plan.expect("a plan");
        plan.steps.into_iter().map(|s| (s.producer.to_string(), s.records)).collect()
    }

    fn standing(&self, value: &str) -> Option<Standing> {
        self.detail()
            .identifiers
            .into_iter()
            .find(|i| i.known.as_ref().is_some_and(|known| known.normal.expose() == value))
            .map(|i| i.standing)
    }

    fn name(&self, value: &str) {
        let seen = self.detail();
        let labels: Vec<String> = seen
            .identifiers
            .iter()
            .filter(|i| i.known.as_ref().is_some_and(|known| known.normal.expose() == value))
            .map(|i| i.label.clone())
            .collect();
        let digest = seen.request.plan_digest;
        block_on(self.engine().reviews().name_identifiers(&reviewer(), id(), &labels, digest.as_ref())).expect("named");
        self.settle();
    }

    fn place(&self, identity: Identity) {
        let (reason, reference) = ("litigation".to_owned(), None);
        let new = NewHold { id: hold(), identity: Some(identity), categories: vec![], reason, reference };
        block_on(self.engine().holds().place_hold(&officer(), new)).expect("held");
    }

    fn stands(&self, table: &str, key: &str) -> bool {
        self.world.row(table, key).is_some()
    }
}

fn by_id(subject: &str) -> Identity {
    Identity::built_in(Some(subject), None).expect("an identity")
}

fn by_address(address: &str) -> Identity {
    Identity::built_in(None, Some(address)).expect("an identity")
}

fn by_device(device: &str) -> Identity {
    use oubli_domain::personal::{Identifier, Known};
    let given = Identifier::parse(device).expect("an identifier");
    Identity::new([Known { kind: "device".parse().expect("a kind"), normal: given.clone(), given, also: vec![] }])
        .expect("an identity")
}

const A: &str = "a@example.org";
const B: &str = "b@example.org";

/// Somebody with a profile, a cart and a chat.
const ANN: [[&str; 5]; 3] = [["people", "ann", "", A, ""], ["carts", "c1", "ann", "", ""], ["chat", "t1", "", A, ""]];

fn goes(all: &[(&str, u64)]) -> Vec<(String, u64)> {
    all.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect()
}

fn sorted(mut all: Vec<(String, u64)>) -> Vec<(String, u64)> {
    all.sort();
    all
}

#[test]
fn p3_a_chain_of_three_steps_is_followed_to_its_end() {
    // From a device to an id, from the id to a profile with an address, from the address to chats.
    let scene = Scene::new(&[ANN[0], ["carts", "c1", "ann", "", "d1"], ANN[2], ["chat", "t2", "", B, ""]]);
    scene.plan(by_device("d1"));
    assert_eq!(sorted(scene.goes()), goes(&[("carts", 1), ("chat", 1), ("people", 1)]));
    scene.hide();
    assert!(!scene.stands("chat", "t1") && scene.stands("chat", "t2"));
}

#[test]
fn p3_a_shared_address_finds_nothing_until_somebody_names_it() {
    let scene = Scene::new(&[ANN[0], ANN[1], ANN[2], ["people", "bo", "", A, ""]]);
    scene.plan(by_address(A));
    assert_eq!(scene.standing(A), Some(Standing::Ambiguous(Ambiguity::Shared)));
    assert_eq!(scene.goes(), []);
    assert!(scene.approve_with(vec![]).is_err(), "nobody said that it is left aside");
    scene.name("ann");
    assert_eq!(scene.goes().iter().filter(|(producer, _)| producer == "chat").count(), 0);
    assert_eq!(sorted(scene.goes()), goes(&[("carts", 1), ("people", 1)]), "those of the one who was named");
    scene.hide();
    assert!(scene.stands("people", "bo") && scene.stands("chat", "t1"));
    scene.later(500);
    assert_eq!(scene.phase(), Phase::CompletedWithExceptions);
}

#[test]
fn p3_the_id_of_one_person_with_the_address_of_another_finds_neither() {
    let bo = [["people", "bo", "", B, ""], ["chat", "t2", "", B, ""]];
    let scene = Scene::new(&[ANN[0], ANN[1], ANN[2], bo[0], bo[1]]);
    scene.plan(Identity::built_in(Some("ann"), Some(B)).expect("an identity"));
    assert_eq!(scene.goes(), []);
    for given in ["ann", B] {
        assert_eq!(scene.standing(given), Some(Standing::Ambiguous(Ambiguity::Unmet)), "{given}");
    }
    scene.name("ann");
    scene.hide();
    assert!(!scene.stands("people", "ann") && scene.stands("people", "bo") && scene.stands("chat", "t2"));
}

#[test]
fn p2_a_hold_by_address_stops_an_erasure_by_id_in_every_phase_up_to_the_claim() {
    let steps: [fn(&Scene); 4] = [
        |scene| scene.submit(by_id("ann")),
        |scene| scene.settle(),
        |scene| drop(scene.approve_with(scene.detail().to_acknowledge)),
        |scene| scene.settle_but(|m| matches!(m, Message::Batch { .. })),
    ];
    for before in 0..=steps.len() {
        let scene = Scene::new(&ANN);
        steps[..before].iter().for_each(|step| step(&scene));
        scene.place(by_address(A));
        for (place, step) in steps.iter().enumerate().skip(before) {
            // Whoever decides may find nothing to decide any more.
            if place != 2 || scene.phase() == Phase::InReview {
                step(&scene);
            }
        }
        scene.later(61);
        for [table, key, ..] in ANN {
            assert!(scene.stands(table, key), "{table} went, with the hold placed after {before} steps");
        }
    }
}

#[test]
fn p2_a_hold_by_a_name_that_only_leads_to_the_id_is_extended_to_it() {
    // When the erasure is asked for, no record leads from the id to the address any more.
    let scene = Scene::new(&[ANN[0], ["carts", "c9", "ann", "", ""]]);
    scene.place(by_address(A));
    scene.settle();
    scene.world.app_deletes("people", "ann");
    scene.submit(by_id("ann"));
    scene.settle();
    let refused = scene.approve_with(scene.detail().to_acknowledge);
    assert!(matches!(refused, Err(EngineError::Refused(_))), "{refused:?}");
    assert!(scene.stands("carts", "c9"), "the hold knows the id that its address led to");
}

#[test]
fn p3_a_last_look_still_searches_by_the_address_that_a_profile_led_to() {
    let scene = Scene::new(&ANN);
    scene.plan(by_id("ann"));
    scene.hide();
    assert!(!scene.stands("people", "ann"));
    scene.row(["chat", "t9", "", A, ""]);
    scene.later(500);
    assert_eq!(scene.phase(), Phase::InReview, "what came late is another plan");
    assert_eq!(scene.goes(), goes(&[("chat", 1)]));
}

#[test]
fn p1_an_address_that_was_searched_leads_to_nobody_who_has_it_next() {
    let scene = Scene::new(&ANN);
    scene.plan(by_id("ann"));
    scene.hide();
    for row in [["people", "bo", "", A, ""], ["carts", "c2", "bo", "", ""], ["chat", "t9", "", A, ""]] {
        scene.row(row);
    }
    scene.later(500);
    assert_eq!(scene.phase(), Phase::CompletedWithExceptions, "nothing is found by an address that is another's now");
    assert_eq!(scene.standing(A), Some(Standing::Ambiguous(Ambiguity::Shared)));
    assert!(scene.stands("people", "bo") && scene.stands("carts", "c2") && scene.stands("chat", "t9"));
}

#[test]
fn p1_an_address_leads_to_nobody_else_than_whoever_the_record_is_about_that_has_it() {
    // No profile of ann has it, a cart of hers does.
    let scene = Scene::new(&[["carts", "c1", "ann", A, "d1"], ["people", "bo", "", A, ""], ["carts", "c2", "bo", "", ""]]);
    scene.plan(by_device("d1"));
    assert_eq!(scene.goes(), goes(&[("carts", 1)]));
    assert_eq!(scene.standing(A), Some(Standing::Ambiguous(Ambiguity::Shared)));
}

#[test]
fn p3_a_shared_address_that_a_profile_led_to_is_named_in_the_end() {
    let scene = Scene::new(&[ANN[0], ANN[1], ANN[2], ["people", "bo", "", A, ""]]);
    scene.plan(by_id("ann"));
    scene.hide();
    assert!(!scene.stands("people", "ann") && scene.stands("people", "bo") && scene.stands("chat", "t1"));
    scene.later(500);
    assert_eq!(scene.phase(), Phase::CompletedWithExceptions, "nobody searched by it");
}

#[test]
fn p2_a_release_that_races_an_extension_leaves_no_marker_in_force() {
    for asleep in 1.. {
        let scene = Scene::new(&ANN);
        scene.place(by_address(A));
        scene.world.lock().messages.clear();
        let (engine, whose, which) = (scene.engine().discovery(), organization(), hold());
        let mut extending = pin!(engine.resolve_hold(&whose, &which));
        let mut context = Context::from_waker(Waker::noop());
        let ended = (0..asleep).any(|_| extending.as_mut().poll(&mut context).is_ready());
        block_on(scene.engine().holds().release_hold(&officer(), hold())).expect("released");
        if !ended {
            while extending.as_mut().poll(&mut context).is_pending() {}
        }
        scene.settle();
        let in_force = scene.world.lock().items.iter().any(|(key, item)| {
            let active = item.get("hold").and_then(|h| h.get("released_at")).is_some_and(serde_json::Value::is_null);
            active && key.sk.contains(&hold().to_string())
        });
        assert!(!in_force, "a marker after {asleep} polls");
        scene.plan(by_id("ann"));
        scene.hide();
        assert!(!scene.stands("people", "ann"), "after {asleep} polls");
        if ended {
            return;
        }
    }
}

/// Holds everything back that resolves a hold.
fn resolves(message: &Message) -> bool {
    matches!(message, Message::ResolveHold { .. })
}

#[test]
fn p1_what_belongs_to_a_record_of_somebody_else_stays_with_it() {
    let map = format!(
        "{MAP}  - {{name: lines, category: carts, store: db, table: lines, key: [id], select: [{{by: {{producer: carts, field: id}}, index: by_cart, attribute: email}}]}}\n"
    );
    let carts = [["carts", "c1", "ann", "", "d1"], ["carts", "c2", "bo", "", "d1"]];
    let scene = Scene::mapped(&map, &[ANN[0], carts[0], carts[1], ["lines", "l1", "", "c1", ""], ["lines", "l2", "", "c2", ""]]);
    scene.plan(Identity::new(by_id("ann").known().chain(by_device("d1").known()).cloned()).expect("an identity"));
    scene.name("d1");
    assert_eq!(sorted(scene.goes()), goes(&[("carts", 1), ("lines", 1), ("people", 1)]));
    scene.hide();
    assert!(!scene.stands("lines", "l1") && scene.stands("carts", "c2") && scene.stands("lines", "l2"));
}

/// The carts of the map, with what more is said of them than whose they are, and another producer.
fn carts_and(more: &str, other: &str) -> String {
    let own = "identifies: {subject_id: owner, subject_email: email, device: device}";
    assert!(MAP.contains(own));
    format!("{}  - {other}\n", MAP.replace(own, &format!("identifies: {{subject_id: owner, device: device}}{more}")))
}

fn by_id_and_device(subject: &str, device: &str) -> Identity {
    Identity::new(by_id(subject).known().chain(by_device(device).known()).cloned()).expect("an identity")
}

/// Calls in the table of the carts, by the address of whoever made them.
const CALLS: &str = "{name: calls, category: calls, store: db, table: carts, key: [id], select: [{by: subject_email, index: by_email, attribute: email}]}";

/// Two carts of one device, one of them somebody else's, who gave ann's address.
const OF_ONE_DEVICE: [[&str; 5]; 3] = [ANN[0], ["carts", "c1", "ann", "", "d1"], ["carts", "c2", "bo", A, "d1"]];

#[test]
fn p2_what_one_producer_keeps_as_somebody_elses_does_not_go_as_anothers() {
    let scene = Scene::mapped(&carts_and("", CALLS), &OF_ONE_DEVICE);
    scene.plan(by_id_and_device("ann", "d1"));
    scene.name("d1");
    assert_eq!(scene.phase(), Phase::InReview);
    assert_eq!(sorted(scene.goes()), goes(&[("carts", 1), ("people", 1)]));
    let kept = scene.detail().plan.expect("a plan").kept;
    assert_eq!(stayed(&kept, "carts", "another_person", ""), 1, "{kept:?}");
    scene.hide();
    assert!(!scene.stands("carts", "c1") && scene.stands("carts", "c2"), "ann's address in it makes it no call of hers");
}

#[test]
fn p3_what_is_somebody_elses_by_all_that_find_it_stays_and_the_rest_goes() {
    let calls = CALLS.replace("attribute: email}]", "attribute: email}], identifies: {subject_id: owner}");
    let scene = Scene::mapped(&carts_and("", &calls), &OF_ONE_DEVICE);
    scene.plan(by_id_and_device("ann", "d1"));
    scene.name("d1");
    scene.name(A);
    assert_eq!(scene.phase(), Phase::InReview);
    assert_eq!(sorted(scene.goes()), goes(&[("carts", 1), ("people", 1)]));
    let kept = scene.detail().plan.expect("a plan").kept;
    for producer in ["carts", "calls"] {
        assert_eq!(stayed(&kept, producer, "another_person", ""), 1, "{producer}: {kept:?}");
    }
    scene.hide();
    assert!(!scene.stands("carts", "c1") && scene.stands("carts", "c2"));
}

#[test]
fn p2_what_belongs_to_a_record_of_somebody_else_that_a_duty_keeps_stays_with_it() {
    let duty = ", retention: {reason: tax law, exception: legal_obligation, from: issued, years: 7}";
    let lines = "{name: lines, category: lines, store: db, table: lines, key: [id], select: [{by: subject_email, index: by_email, attribute: email}, {by: {producer: carts, field: id}, index: by_cart, attribute: cart}], retention: {with: parent}}";
    for (planned, hidden) in [(NEW, NEW), (OLD, NEW), (OLD, OLD)] {
        let scene = Scene::mapped(&carts_and(duty, lines), &[ANN[0]]);
        let cart = |key: &str, owner: &str, issued: &str| {
            scene.world.app_writes("carts", key, &[("id", key), ("owner", owner), ("device", "d1"), ("issued", issued)]);
        };
        cart("c1", "ann", OLD);
        cart("c2", "bo", planned);
        scene.world.app_writes("lines", "l-own", &[("id", "l-own"), ("cart", "c1")]);
        scene.world.app_writes("lines", "l-of-both", &[("id", "l-of-both"), ("cart", "c2"), ("email", A)]);
        scene.world.app_writes("lines", "l-of-bo", &[("id", "l-of-bo"), ("cart", "c2")]);
        scene.world.pass(3_600);
        scene.plan(by_id_and_device("ann", "d1"));
        scene.name("d1");
        let (stays, what) = (u64::from(planned == NEW), format!("{planned}, then {hidden}"));
        assert_eq!(sorted(scene.goes()), goes(&[("carts", 1), ("lines", 2 - stays), ("people", 1)]), "{what}");
        let kept = scene.detail().plan.expect("a plan").kept;
        assert_eq!(stayed(&kept, "carts", "another_person", ""), 1, "{what}: {kept:?}");
        let with_parent = stayed(&kept, "lines", "with_parent", "as long as carts: tax law");
        assert_eq!(with_parent, stays, "{what}: what only bo's cart leads to is nobody's to count: {kept:?}");
        cart("c2", "bo", hidden);
        scene.hide();
        assert_eq!(scene.stands("lines", "l-of-both"), hidden == NEW, "{what}");
        assert!(!scene.stands("lines", "l-own") && scene.stands("lines", "l-of-bo") && scene.stands("carts", "c2"), "{what}");
    }
}

#[test]
fn p2_a_hold_on_somebody_holds_what_is_found_by_an_address_they_share() {
    let bo = ["people", "bo", "", A, ""];
    for named in [false, true] {
        let scene = Scene::new(&[ANN[0], ANN[1], ANN[2], bo]);
        scene.place(by_id("bo"));
        scene.settle();
        scene.plan(by_id("ann"));
        if named {
            scene.name(A);
            assert!(matches!(scene.approve_with(scene.detail().to_acknowledge), Err(EngineError::Refused(_))));
        } else {
            scene.hide();
            assert!(!scene.stands("people", "ann"), "a hold on one holds nobody else of the family");
        }
        assert!(scene.stands("chat", "t1"), "it may be bo's");
    }
}

#[test]
fn p2_nothing_is_purged_before_it_is_known_whom_a_hold_is_about() {
    for (device, hers) in [("d9", true), ("zz", false)] {
        let scene = Scene::new(&ANN);
        scene.plan(by_id("ann"));
        scene.hide();
        scene.row(["carts", "c9", "ann", "", "d9"]);
        scene.place(by_device(device));
        scene.world.pass(500);
        for _ in 0..3 {
            block_on(scene.engine().worker().sweep()).expect("swept");
            scene.settle_but(resolves);
            scene.world.pass(61);
        }
        assert_eq!(scene.phase(), Phase::Recoverable, "{device}");
        scene.settle();
        assert_eq!(scene.phase() == Phase::Recoverable, hers, "{device}: known to be hers, or nobody waits for more");
        if hers {
            block_on(scene.engine().holds().release_hold(&officer(), hold())).expect("released");
            scene.settle();
            assert_ne!(scene.phase(), Phase::Recoverable);
        }
    }
}

#[test]
fn p2_a_hold_whose_message_was_lost_is_resolved_all_the_same() {
    let scene = Scene::new(&ANN);
    scene.place(by_address(A));
    scene.world.lock().messages.clear();
    scene.later(61);
    scene.world.app_deletes("people", "ann");
    scene.plan(by_id("ann"));
    assert!(matches!(scene.approve_with(scene.detail().to_acknowledge), Err(EngineError::Refused(_))));
}

/// No profile is found by its id.
fn one_way() -> String {
    MAP.replace(
        "{by: subject_id, attribute: id}, {by: subject_email, index: by_email, attribute: email}], identifies: {subject_id: id",
        "{by: subject_email, index: by_email, attribute: email}], identifies: {subject_id: id",
    )
}

#[test]
fn p2_holds_are_looked_at_again_where_a_search_finds_more_from_their_side() {
    let scene = Scene::mapped(&one_way(), &[ANN[1]]);
    scene.place(by_address(A));
    scene.settle();
    scene.row(ANN[0]);
    scene.plan(by_id("ann"));
    assert!(matches!(scene.approve_with(scene.detail().to_acknowledge), Err(EngineError::Refused(_))));
    // Also where the worker dies in between.
    let scene = Scene::mapped(&one_way(), &[ANN[1]]);
    scene.place(by_address(A));
    scene.settle();
    scene.row(ANN[0]);
    scene.submit(by_id("ann"));
    for polls in 1..400 {
        let message = scene.world.lock().messages.iter().find(|m| matches!(m.message, Message::Discover { .. })).cloned();
        let Some(message) = message else { break };
        let engine = scene.engine();
        let worker = engine.worker();
        let mut dies = pin!(worker.handle(&message.message));
        let mut context = Context::from_waker(Waker::noop());
        if (0..polls).any(|_| dies.as_mut().poll(&mut context).is_ready()) {
            break;
        }
        if scene.detail().request.state.phase != Phase::Discovering {
            break;
        }
        if polls % 19 == 0 {
            break;
        }
    }
    scene.settle();
    assert!(matches!(scene.approve_with(scene.detail().to_acknowledge), Err(EngineError::Refused(_))));
}

#[test]
fn p2_an_extension_stops_what_is_under_way_and_is_logged_once() {
    let scene = Scene::mapped(&one_way(), &[ANN[0], ANN[1]]);
    scene.plan(by_id("ann"));
    scene.approve();
    scene.settle_but(|m| matches!(m, Message::Batch { .. }));
    scene.place(by_address(A));
    scene.settle_but(|m| !resolves(m));
    let extended = scene.world.lock().items.keys().filter(|key| key.sk.contains("#extended#")).count();
    assert_eq!(extended, 1, "one extension, one entry");
    scene.later(61);
    assert!(scene.stands("carts", "c1"));
}

#[test]
fn p1_a_plan_by_other_identifiers_is_another_plan() {
    let scene = Scene::new(&ANN);
    scene.plan(by_id("ann"));
    scene.approve();
    scene.world.lock().messages.clear();
    // The same records, one of which leads to another address now.
    scene.row(["carts", "c1", "ann", B, ""]);
    scene.later(25 * 3_600);
    assert_eq!((scene.phase(), scene.detail().request.round), (Phase::InReview, 2));
}

#[test]
fn requests_of_two_people_who_share_an_address_are_no_duplicates() {
    let scene = Scene::new(&[ANN[0], ["people", "bo", "", A, ""]]);
    let both = |id: &str| Identity::built_in(Some(id), Some(A)).expect("an identity");
    scene.plan(both("ann"));
    let second = "req_00000000000000000000000000000002".parse().expect("an id");
    let new = new_request(&scene.world, second, both("bo"));
    block_on(scene.engine().requests().submit(&officer(), new)).expect("submitted");
    scene.settle();
    let detail = block_on(scene.engine().requests().reveal(&officer(), second)).expect("there");
    assert_eq!(detail.request.duplicate_of, None);
    // A third is about the first person, by what only their profile tells.
    let third = "req_00000000000000000000000000000003".parse().expect("an id");
    block_on(scene.engine().requests().submit(&officer(), new_request(&scene.world, third, by_id("ann")))).expect("submitted");
    scene.settle();
    let detail = block_on(scene.engine().requests().reveal(&officer(), third)).expect("there");
    assert_eq!(detail.request.duplicate_of, Some(id()));
}

#[test]
fn p3_every_spelling_that_was_given_or_that_a_store_has_is_searched_and_counted_once() {
    const CAPITALS: &str = "A@Example.org";
    let rows = [["people", "ann", "", CAPITALS, ""], ["chat", "t1", "", CAPITALS, ""], ["chat", "t2", "", A, ""]];
    for identity in [by_address(CAPITALS), Identity::built_in(Some("ann"), Some(A)).expect("an identity"), by_id("ann")] {
        let scene = Scene::new(&rows);
        scene.plan(identity);
        assert_eq!(sorted(scene.goes()), goes(&[("chat", 2), ("people", 1)]));
    }
}

#[test]
fn naming_goes_by_the_plan_that_was_seen_and_adds_to_what_was_named() {
    let scene = Scene::new(&[ANN[0], ANN[1], ANN[2], ["people", "bo", "", A, ""], ["people", "cy", "", A, ""]]);
    scene.plan(by_address(A));
    let seen = scene.detail();
    let label = |value: &str| {
        let found = seen.identifiers.iter().find(|i| i.known.as_ref().is_some_and(|known| known.normal.expose() == value));
        found.map(|i| i.label.clone()).expect("an identifier")
    };
    scene.name("ann");
    let stale = seen.request.plan_digest;
    let refused = block_on(scene.engine().reviews().name_identifiers(&reviewer(), id(), &[label("bo")], stale.as_ref()));
    assert!(matches!(refused, Err(EngineError::Refused(_))), "{refused:?}");
    scene.name("bo");
    for named in ["ann", "bo"] {
        assert_eq!(scene.standing(named), Some(Standing::Selects), "{named}");
    }
    assert_eq!(scene.standing("cy"), Some(Standing::Ambiguous(Ambiguity::BehindShared)));
}

/// Another request, planned and approved while the first one has everything hidden.
fn second(scene: &Scene, identity: Identity) -> RequestId {
    let second = "req_00000000000000000000000000000002".parse().expect("an id");
    block_on(scene.engine().requests().submit(&officer(), new_request(&scene.world, second, identity))).expect("submitted");
    scene.settle();
    second
}

#[test]
fn p2_a_hold_placed_while_the_profile_is_hidden_is_about_whoever_the_request_hides() {
    let scene = Scene::new(&ANN);
    scene.plan(by_id("ann"));
    scene.hide();
    assert_eq!(scene.phase(), Phase::Recoverable);
    scene.place(by_address(A));
    scene.settle();
    let (held, _) = block_on(scene.engine().holds().reveal_hold(&officer(), hold())).expect("a hold");
    let covers = held.identifiers.expect("resolved");
    assert!(
        covers.iter().any(|i| i.known.as_ref().is_some_and(|known| known.normal.expose() == "ann")),
        "no store tells, but the request does: {covers:?}"
    );
    assert!(!held.found_nobody);
    // What somebody writes meanwhile is held for a request by id, too.
    scene.row(["carts", "c2", "ann", "", ""]);
    let second = second(&scene, by_id("ann"));
    let detail = block_on(scene.engine().requests().reveal(&officer(), second)).expect("there");
    let plan_digest = detail.request.plan_digest;
    let approval =
        Approval { plan_digest, approved_by: None, notes: None, exclusions: vec![], acknowledged: detail.to_acknowledge };
    let refused = block_on(scene.engine().reviews().approve(&reviewer(), second, approval));
    assert!(matches!(refused, Err(EngineError::Refused(_))), "{refused:?}");
    scene.later(24 * 3_600);
    assert!(scene.stands("carts", "c2"));
}

#[test]
fn p1_an_id_that_ends_with_a_blank_is_another_persons() {
    let rows = [
        ["people", "ann", "", A, ""],
        ["people", "ann ", "", B, ""],
        ["carts", "c1", "ann", "", ""],
        ["carts", "c2", "ann ", "", ""],
    ];
    let scene = Scene::new(&rows);
    scene.plan(by_address(B));
    assert_eq!(sorted(scene.goes()), goes(&[("carts", 1), ("people", 1)]));
    scene.hide();
    assert!(!scene.stands("people", "ann ") && !scene.stands("carts", "c2"));
    assert!(scene.stands("people", "ann") && scene.stands("carts", "c1"));
}

#[test]
fn p1_naming_an_address_that_is_somebody_elses_takes_nothing_of_theirs() {
    let rows = [ANN[0], ANN[1], ["people", "bo", "", B, ""], ["carts", "c9", "bo", "", ""]];
    let scene = Scene::new(&rows);
    scene.plan(Identity::built_in(Some("ann"), Some(B)).expect("an identity"));
    scene.name("ann");
    scene.name(B);
    assert_eq!(scene.standing("bo"), Some(Standing::Ambiguous(Ambiguity::BehindShared)));
    scene.hide();
    assert!(scene.stands("people", "bo") && scene.stands("carts", "c9"), "they are somebody else's");
    assert!(!scene.stands("people", "ann"));
}

#[test]
fn a_mistyped_id_is_said_to_be_nobodys_to_the_end() {
    let scene = Scene::new(&ANN);
    scene.plan(by_id("amn"));
    scene.hide();
    scene.later(24 * 3_600);
    let status = block_on(scene.engine().requests().status(&officer(), id())).expect("there");
    assert!(status.request.found_nobody && status.request.state.phase.is_final(), "{:?}", status.request.state);
    scene.place(by_address("nobody@example.org"));
    scene.settle();
    assert!(block_on(scene.engine().holds().hold(&officer(), hold())).expect("a hold").0.found_nobody);
}

#[test]
fn an_acknowledgement_of_what_the_plan_does_not_name_is_refused() {
    let scene = Scene::new(&ANN);
    scene.plan(by_id("ann"));
    let refused = scene.approve_with(vec!["nonsense".to_owned()]);
    assert!(matches!(&refused, Err(EngineError::Refused(r)) if r.field.as_deref() == Some("acknowledged[0]")), "{refused:?}");
    assert_eq!(scene.phase(), Phase::InReview);
    let more = scene.detail().to_acknowledge.into_iter().chain(["people".to_owned()]).collect();
    scene.approve_with(more).expect("a producer of the map may be named");
}

//! Whom an export is about: all of one person by what is theirs alone, and what it lacks is named.

use crate::support::odd::Odd;
use crate::support::{archive, change_settings, id, officer, reviewer, settle_but};
use oubli_archive::contents::{Answer, Manifest};
use oubli_domain::{
    access::{Caller, Role, Roles},
    ids::RequestId,
    language::Language,
    lifecycle::Phase,
    personal::{IdentifierKind, Identity},
    plan::Exclusion,
    saved_query::SavedQuery,
    settings::Settings,
};
use oubli_engine::{
    Config, Engine, EngineError,
    api::{Approval, NewHold, NewRequest, RequestDetail, RequestKind},
    ports::{Message, Ports},
};
use oubli_simulation::{
    World, channel, new_request, organization,
    polls::{block_on, poll_for},
    ports, shop,
};
use std::{collections::BTreeMap, sync::Arc};

/// Profiles and carts tell people apart; chats know addresses only.
const MAP: &str = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: people, category: profile, store: db, table: people, key: [id], select: [{by: subject_id, attribute: id}, {by: subject_email, index: by_email, attribute: email}], identifies: {subject_id: id, subject_email: email}}
  - {name: carts, category: carts, store: db, table: carts, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}], identifies: {subject_id: owner, subject_email: email}}
";
const CHAT: &str = "  - {name: chat, category: chat, store: db, table: chat, key: [id], select: [{by: subject_email, index: by_email, attribute: email}]}\n";

const A: &str = "a@example.org";
const B: &str = "b@example.org";

/// Somebody with a profile under one address and a cart under another, and chats of both.
const ANN: [[&str; 4]; 4] = [["people", "ann", "", A], ["carts", "c1", "ann", B], ["chat", "t1", "", A], ["chat", "t2", "", B]];

/// Somebody else who has the first of them, too.
const BO: [&str; 4] = ["people", "bo", "", A];

struct Scene {
    world: World,
    odd: Odd,
}

impl Scene {
    /// Rows are written as table, key, owner and address; what is empty is not there.
    fn new(rows: &[[&str; 4]]) -> Self {
        let world = World::new(11, None, false);
        let odd = Odd::new(ports(&world).stores);
        let scene = Self { world, odd };
        block_on(shop(&scene.world, &scene.engine())).expect("opened");
        scene.publish(&format!("{MAP}{CHAT}"));
        rows.iter().for_each(|row| scene.row(*row));
        scene.world.pass(3_600);
        scene
    }

    fn engine(&self) -> Engine {
        let config = Config { worker_timeout_seconds: 30, ..Config::default() };
        let ports = Ports { stores: Arc::new(self.odd.clone()), ..ports(&self.world) };
        Engine::with_config(ports, config).with_channel(channel(&self.world))
    }

    fn publish(&self, map: &str) {
        block_on(self.engine().directory().operator(&organization(), None).publish_map(map)).expect("published");
    }

    fn set(&self, change: impl FnOnce(&mut Settings)) {
        change_settings(&self.engine(), change).expect("set");
    }

    fn row(&self, [table, key, owner, email]: [&str; 4]) {
        let all = [("id", key), ("owner", owner), ("email", email)];
        let fields: Vec<(&str, &str)> = all.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        self.world.app_writes(table, key, &fields);
    }

    /// Registers a query of the chats by address.
    fn ask_chats(&self) {
        let (_, map) = block_on(self.engine().directory().data_map(&organization())).expect("a map");
        let parts = ("chats".parse().expect("a name"), "chat".parse().expect("a name"), "db".parse().expect("a name"));
        let statement = "SELECT id, email FROM chat WHERE email = ?".to_owned();
        let query = SavedQuery::new(parts.0, parts.1, parts.2, statement, vec![IdentifierKind::SUBJECT_EMAIL], None, &map);
        let caller = Caller { roles: Roles::of(Role::Administrator), ..officer() };
        block_on(self.engine().requests().register_query(&caller, query.expect("a query"))).expect("registered");
    }

    fn settle(&self) {
        for message in std::iter::from_fn(|| self.world.next_message()).take(2_000) {
            match block_on(self.engine().worker().handle(&message)) {
                Ok(_) | Err(EngineError::Conflict(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn later(&self, seconds: i64) {
        self.world.pass(seconds);
        block_on(self.engine().worker().sweep()).expect("swept");
        self.settle();
    }

    fn ask(&self, new: NewRequest) {
        block_on(self.engine().requests().submit(&officer(), new)).expect("submitted");
        self.settle();
    }

    fn export(&self, identity: Identity) {
        self.ask(NewRequest { kind: RequestKind::Export, ..new_request(&self.world, id(), identity) });
    }

    /// An erasure that an export goes before.
    fn erasure(&self, identity: Identity) {
        self.ask(NewRequest { export_first: true, ..new_request(&self.world, id(), identity) });
        assert_eq!(self.phase(id()), Phase::InReview);
    }

    fn detail(&self, request: RequestId) -> RequestDetail {
        block_on(self.engine().requests().reveal(&officer(), request)).expect("there")
    }

    fn phase(&self, request: RequestId) -> Phase {
        self.detail(request).request.state.phase
    }

    fn approve_but(&self, left_out: &str) -> Result<(), EngineError> {
        let mut acknowledged = self.detail(id()).to_acknowledge;
        acknowledged.retain(|name| name != left_out);
        self.decide(id(), vec![], acknowledged)
    }

    /// Approves a plan, but for what is left out.
    fn decide(&self, request: RequestId, exclusions: Vec<Exclusion>, acknowledged: Vec<String>) -> Result<(), EngineError> {
        let plan_digest = self.detail(request).request.plan_digest;
        let approval = Approval { plan_digest, approved_by: None, notes: None, exclusions, acknowledged };
        block_on(self.engine().reviews().approve(&reviewer(), request, approval)).map(drop)
    }

    /// Approves an export, but for a category.
    fn leave_out(&self, category: &str) {
        let category = category.parse().expect("a category");
        let exclusions = vec![Exclusion { category, reason: "a gift".to_owned(), retention_until: None }];
        self.decide(id(), exclusions, vec![]).expect("approved");
        self.settle();
    }

    fn approve(&self) {
        self.approve_but("").expect("approved");
        self.settle();
    }

    /// A reviewer says that this is the person's.
    fn name(&self, value: &str) {
        let seen = self.detail(id());
        let of_value = seen.identifiers.iter().filter(|i| i.known.as_ref().is_some_and(|known| known.normal.expose() == value));
        let labels: Vec<String> = of_value.map(|i| i.label.clone()).collect();
        let digest = seen.request.plan_digest;
        block_on(self.engine().reviews().name_identifiers(&reviewer(), id(), &labels, digest.as_ref())).expect("named");
        self.settle();
    }

    /// The queries that the plan of the export does not ask, or not by everything, and why.
    fn unasked(&self) -> Vec<(String, &'static str)> {
        let plan = self.detail(id()).plan.expect("a plan");
        plan.unasked.into_iter().map(|u| (u.query.to_string(), u.why.code())).collect()
    }

    /// The export that goes before the erasure, which can be opened.
    fn prior(&self) -> RequestId {
        let export = self.detail(id()).request.prior_export.expect("an export");
        assert_eq!(self.phase(export), Phase::Available);
        export
    }

    /// How many records of each producer are in an export.
    fn copied(&self, export: RequestId) -> BTreeMap<String, u64> {
        let (manifest, _) = archive::opened(&self.world, export, "an export");
        manifest.summary.parts.into_iter().map(|p| (p.producer, p.records)).collect()
    }

    /// What the export says of itself, and its one saved query's answer and table.
    fn answered(&self) -> (Manifest, Answer, Option<String>) {
        assert_eq!(self.phase(id()), Phase::Available);
        let (manifest, mut files) = archive::opened(&self.world, id(), "an export");
        let [answer] = manifest.summary.answers.as_slice() else { panic!("{:?}", manifest.summary.answers) };
        let table = files.iter().any(|(name, _)| name.starts_with("queries/"));
        assert_eq!(answer.file.is_some(), table, "a table without its name, or a name without its table");
        let answer = answer.clone();
        let text = answer.file.as_ref().map(|name| String::from_utf8(files.remove(name).expect("its table")).expect("text"));
        (manifest, answer, text)
    }
}

fn by_id(subject: &str) -> Identity {
    Identity::built_in(Some(subject), None).expect("an identity")
}

fn by_address(address: &str) -> Identity {
    Identity::built_in(None, Some(address)).expect("an identity")
}

#[test]
fn a_query_by_address_is_asked_by_both_addresses_of_somebody_found_by_id() {
    let scene = Scene::new(&ANN);
    scene.ask_chats();
    scene.export(by_id("ann"));
    assert_eq!(scene.unasked(), []);
    let (manifest, answer, table) = scene.answered();
    assert_eq!((answer.rows, answer.failed), (2, None));
    assert!(table.is_some_and(|t| t.contains(A) && t.contains(B)));
    assert!(manifest.summary.complete);
}

#[test]
fn a_query_is_not_asked_by_a_shared_address_though_a_reviewer_named_it_and_the_plan_and_the_export_say_so() {
    let scene = Scene::new(&[ANN[0], ANN[2], BO, ["chat", "t9", "", A]]);
    scene.ask_chats();
    scene.set(|s| s.export_review = true);
    scene.export(by_id("ann"));
    let expected = [("chats".to_owned(), "ambiguous_identifier")];
    assert_eq!(scene.unasked(), expected, "nobody named it");
    scene.name(A);
    assert_eq!(scene.unasked(), expected, "somebody named it");
    let seen = scene.detail(id());
    assert_eq!((seen.to_acknowledge, seen.saved_queries), (vec!["chats".to_owned()], vec![]));
    let status = block_on(scene.engine().requests().status(&officer(), id())).expect("a status");
    assert_eq!(status.remains.unasked.len(), 1);
    let refused = scene.approve_but("chats");
    assert!(matches!(&refused, Err(EngineError::Refused(r)) if r.code == "not_acknowledged"), "{refused:?}");
    scene.approve();
    let (manifest, answer, _) = scene.answered();
    assert_eq!((answer.file, answer.rows), (None, 0));
    assert_eq!(answer.failed.as_deref(), Some("it asks by an identifier that others may have too"));
    assert!(!manifest.summary.complete && manifest.summary.not_searched_by.is_empty());
}

#[test]
fn a_query_that_is_asked_by_one_address_and_not_by_a_shared_one_has_a_table_and_is_named() {
    let scene = Scene::new(&[ANN[0], ANN[1], ANN[2], ANN[3], BO]);
    scene.ask_chats();
    scene.export(by_id("ann"));
    scene.name(A);
    assert_eq!(scene.unasked(), [("chats".to_owned(), "some_identifiers")]);
    assert_eq!(scene.phase(id()), Phase::InReview, "whoever names it does not decide alone");
    scene.approve();
    let (manifest, answer, table) = scene.answered();
    assert_eq!(answer.rows, 1);
    assert!(answer.failed.is_some_and(|why| why.contains("others may have")));
    assert!(table.is_some_and(|t| t.contains(B) && !t.contains(A)));
    assert!(!manifest.summary.complete);
}

#[test]
fn a_query_that_a_store_refuses_to_be_asked_by_one_form_is_asked_by_the_other_and_named() {
    let given = "Ann@example.org";
    for (refused, rows) in [(&[][..], 1), (&[given][..], 1), (&["ann@example.org"][..], 0), (&[given, "ann@example.org"][..], 0)]
    {
        let scene = Scene::new(&[["people", "ann", "", "ann@example.org"], ["chat", "t1", "", "ann@example.org"]]);
        scene.ask_chats();
        let values = refused.iter().map(|value| ("chats".to_owned(), (*value).to_owned()));
        scene.odd.with().refused_values.extend(values);
        scene.export(Identity::built_in(Some("ann"), Some(given)).expect("an identity"));
        let (manifest, answer, table) = scene.answered();
        assert_eq!((answer.rows, table.is_some()), (rows, refused.len() < 2), "{refused:?}");
        assert_eq!(answer.failed.is_some(), !refused.is_empty(), "{refused:?}");
        assert_eq!(manifest.summary.complete, refused.is_empty(), "{refused:?}");
    }
}

#[test]
fn p9_an_export_of_more_records_than_the_organization_says_needs_a_second_member() {
    for (most, waits) in [(3, true), (4, false), (0, false)] {
        let scene = Scene::new(&ANN);
        scene.set(|s| s.export_review_records = most);
        scene.export(by_id("ann"));
        assert_eq!(scene.phase(id()) == Phase::InReview, waits, "{most}");
    }
}

/// Nothing of the export can be opened, it waits for a decision, and its person does not wait for it.
fn waits_undecided(scene: &Scene, how: &str) {
    assert_eq!(scene.phase(id()), Phase::InReview, "{how}");
    assert!(scene.world.exports().is_empty(), "{how}");
    assert!(scene.world.guards().iter().all(|guard| !guard.contains_key("exporting")), "{how}");
    let plan = scene.detail(id()).plan.expect("a plan");
    assert!(plan.cautions.iter().any(|caution| caution.contains("at least 2 rows")), "{how}: {:?}", plan.cautions);
}

#[test]
fn p9_rows_of_saved_queries_count_where_an_export_of_many_records_needs_a_second_member() {
    // Four records, and two rows of a query.
    for (most, waits) in [(5, true), (6, false), (0, false)] {
        let (scene, how) = (Scene::new(&ANN), format!("{most}"));
        scene.ask_chats();
        scene.set(|s| s.export_review_records = most);
        scene.export(by_id("ann"));
        if waits {
            waits_undecided(&scene, &how);
            scene.approve();
        }
        let (manifest, answer, _) = scene.answered();
        let copied: u64 = manifest.summary.parts.iter().map(|part| part.records).sum();
        assert_eq!((copied, answer.rows, manifest.summary.complete), (4, 2, true), "{how}");
        let rounds = scene.detail(id()).plan.expect("a plan").round;
        assert_eq!(rounds, if waits { 2 } else { 1 }, "{how}");
    }
}

#[test]
fn p9_whoever_decided_on_an_export_or_the_erasure_after_it_decided_on_what_its_saved_queries_bring() {
    let scene = Scene::new(&ANN);
    scene.ask_chats();
    scene.set(|s| (s.export_review, s.export_review_records) = (true, 1));
    scene.export(by_id("ann"));
    assert_eq!(scene.phase(id()), Phase::InReview);
    scene.approve();
    let (_, answer, _) = scene.answered();
    assert_eq!((answer.rows, scene.detail(id()).plan.expect("a plan").round), (2, 1));

    let scene = Scene::new(&ANN);
    scene.ask_chats();
    scene.set(|s| s.export_review_records = 1);
    scene.erasure(by_id("ann"));
    scene.approve();
    assert_eq!(scene.phase(id()), Phase::Recoverable, "one decision is for both");
    let (manifest, _) = archive::opened(&scene.world, scene.prior(), "an export");
    assert_eq!(manifest.summary.answers.iter().map(|answer| answer.rows).collect::<Vec<_>>(), [2]);
}

#[test]
fn p9_an_export_that_turns_out_to_need_a_decision_gets_around_it_by_no_death_of_a_worker() {
    let begun = || {
        let scene = Scene::new(&ANN);
        scene.ask_chats();
        scene.set(|s| s.export_review_records = 5);
        let new = NewRequest { kind: RequestKind::Export, ..new_request(&scene.world, id(), by_id("ann")) };
        block_on(scene.engine().requests().submit(&officer(), new)).expect("submitted");
        settle_but(&scene.world, || scene.engine(), |message| matches!(message, Message::Package { .. }));
        assert_eq!(scene.phase(id()), Phase::Packaging);
        scene
    };
    let message = Message::Package { organization: organization(), request: id() };
    let (_, polls) = poll_for(begun().engine().worker().handle(&message), u64::MAX);
    for alive in (0..=polls).step_by(3) {
        let scene = begun();
        poll_for(scene.engine().worker().handle(&message), alive);
        (0..4).for_each(|_| scene.later(120));
        waits_undecided(&scene, &format!("died after {alive} of {polls} polls"));
    }
}

#[test]
fn a_query_that_cannot_be_used_does_not_keep_an_export_from_its_person() {
    let scene = Scene::new(&ANN);
    scene.ask_chats();
    scene.odd.with().unusable.insert("chats".to_owned());
    scene.export(by_id("ann"));
    let (manifest, answer, _) = scene.answered();
    assert_eq!((answer.file, answer.failed.as_deref()), (None, Some("ResourceNotFoundException")));
    assert!(!manifest.summary.complete);
}

#[test]
fn a_query_that_does_not_fit_the_data_map_any_more_is_named_in_the_plan_and_acknowledged() {
    let scene = Scene::new(&ANN);
    scene.ask_chats();
    scene.publish(MAP);
    scene.set(|s| s.export_review = true);
    scene.export(by_id("ann"));
    assert_eq!(scene.unasked(), [("chats".to_owned(), "unusable")]);
    assert_eq!(scene.detail(id()).saved_queries, []);
    assert!(scene.approve_but("chats").is_err(), "nobody said that it is left aside");
    scene.approve();
    let (manifest, answer, _) = scene.answered();
    assert!(answer.file.is_none() && answer.failed.is_some() && !manifest.summary.complete);
}

#[test]
fn an_export_of_somebody_with_a_shared_address_names_it_and_is_not_complete() {
    let scene = Scene::new(&[ANN[0], ANN[2], BO]);
    scene.export(by_id("ann"));
    scene.approve();
    let (manifest, _) = archive::opened(&scene.world, id(), "an export");
    let expected = [("subject_email".to_owned(), "shared".to_owned())];
    assert_eq!(manifest.summary.not_searched_by, expected);
    assert!(!manifest.summary.complete);
}

#[test]
fn an_export_by_a_shared_address_is_reviewed_though_no_export_is_and_one_before_an_erasure_is_not() {
    let scene = Scene::new(&[ANN[0], ANN[2], BO]);
    scene.export(by_address(A));
    assert_eq!(scene.phase(id()), Phase::InReview);

    let scene = Scene::new(&[ANN[0], ANN[2], BO]);
    scene.erasure(by_id("ann"));
    scene.approve();
    assert_eq!(scene.phase(id()), Phase::Recoverable, "one decision is for both");
    assert_eq!(scene.copied(scene.prior()), BTreeMap::from([("people".to_owned(), 1)]));
}

#[test]
fn an_export_before_an_erasure_has_what_a_reviewer_named_for_the_erasure() {
    let scene = Scene::new(&[ANN[0], ANN[2], BO]);
    scene.erasure(by_id("ann"));
    scene.name(A);
    scene.approve();
    assert_eq!(scene.phase(id()), Phase::Recoverable);
    assert!(scene.world.row("chat", "t1").is_none() && scene.world.row("people", "bo").is_some());
    assert_eq!(scene.copied(scene.prior()), BTreeMap::from([("people".to_owned(), 1), ("chat".to_owned(), 1)]));
}

#[test]
fn an_export_before_a_later_round_has_what_came_by_an_address_that_only_what_is_gone_led_to() {
    let scene = Scene::new(&[["people", "ann", "", B], ["carts", "c1", "ann", A]]);
    scene.erasure(Identity::built_in(Some("ann"), Some(A)).expect("an identity"));
    scene.approve();
    assert_eq!(scene.phase(id()), Phase::Recoverable);
    let first = scene.prior();
    scene.row(["chat", "t9", "", B]);
    scene.later(500);
    assert_eq!(scene.phase(id()), Phase::InReview, "what came late is another plan");
    scene.approve();
    let second = scene.prior();
    assert_ne!(first, second);
    assert_eq!(scene.copied(second), BTreeMap::from([("chat".to_owned(), 1)]));
    assert!(scene.world.row("chat", "t9").is_none(), "the erasure goes on");

    // Once both are forgotten, nobody knows any more whom they were about.
    for _ in 0..40 {
        scene.later(86_400);
    }
    let people: Vec<String> =
        scene.world.lock().items.keys().map(|k| k.sk.clone()).filter(|sk| sk.starts_with("person#")).collect();
    assert_eq!(people, Vec::<String>::new());
}

/// The two pages that tell of an export.
fn pages(scene: &Scene, export: RequestId) -> (Manifest, [String; 2]) {
    let (manifest, files) = archive::opened(&scene.world, export, "an export");
    (manifest, ["index.html", "README.txt"].map(|name| String::from_utf8(files[name].clone()).expect("text")))
}

#[test]
fn an_export_while_an_erasure_can_be_undone_says_what_is_kept_for_that_and_is_not_complete() {
    let scene = Scene::new(&ANN);
    scene.ask(new_request(&scene.world, id(), by_id("ann")));
    scene.approve();
    assert_eq!(scene.phase(id()), Phase::Recoverable);
    let export = |id: RequestId| {
        scene.ask(NewRequest { kind: RequestKind::Export, ..new_request(&scene.world, id, by_id("ann")) });
        assert_eq!(scene.phase(id), Phase::Available);
        pages(&scene, id)
    };
    let (manifest, said) = export("req_00000000000000000000000000000021".parse().expect("an id"));
    let mut hidden: Vec<_> = manifest.summary.hidden.iter().map(|h| (h.category.as_str(), h.records)).collect();
    hidden.sort_unstable();
    assert_eq!(hidden, [("carts", 1), ("chat", 2), ("profile", 1)]);
    assert!(manifest.summary.hidden.iter().all(|h| h.request_id == id().to_string() && h.until.is_some()));
    assert!(!manifest.summary.complete, "what is kept is not in it");
    for page in &said {
        assert!(page.contains("Removed, and not destroyed yet") && page.contains("Chat: 2, until"), "{page}");
        assert!(!page.contains("every place"), "{page}");
    }
    // Once it is destroyed nothing is kept, and nobody says so.
    for _ in 0..40 {
        scene.later(86_400);
    }
    let (manifest, said) = export("req_00000000000000000000000000000022".parse().expect("an id"));
    assert_eq!(manifest.summary.hidden, []);
    assert!(said.iter().all(|page| !page.contains("not destroyed yet")), "{said:?}");
}

#[test]
fn an_export_that_finds_nobody_claims_only_the_places_that_were_searched() {
    let scene = Scene::new(&[ANN[1]]);
    scene.export(by_address("guest@example.org"));
    let (manifest, said) = pages(&scene, id());
    let searched: Vec<&str> = manifest.summary.searched.iter().map(|s| s.producer.as_str()).collect();
    assert_eq!(searched, ["chat"]);
    let unsearched: Vec<_> = manifest.summary.unsearched.iter().map(|u| (u.producer.as_str(), u.reason.as_str())).collect();
    assert_eq!(unsearched, [("people", "some_identifiers"), ("carts", "no_identifier")]);
    assert!(!manifest.summary.complete);
    for page in &said {
        assert!(page.contains("no personal data about you") && page.contains("Searched, and nothing found"), "{page}");
        assert!(page.contains("Profile, People: it was searched, but not by everything"), "{page}");
        assert!(page.contains("Carts: nothing that was given about you leads there"), "{page}");
    }
}

#[test]
fn what_a_reviewer_left_out_of_an_export_is_named_in_it_and_it_is_not_complete() {
    let scene = Scene::new(&ANN);
    scene.set(|s| s.export_review = true);
    scene.export(by_id("ann"));
    scene.leave_out("carts");
    let (manifest, said) = pages(&scene, id());
    let left_out: Vec<_> = manifest.summary.left_out.iter().map(|l| l.producer.as_str()).collect();
    assert_eq!((left_out, manifest.summary.unsearched), (vec!["carts"], vec![]));
    assert!(!manifest.summary.complete);
    assert!(said.iter().all(|page| page.contains("Left out by Shop") && !page.contains("Not searched")), "{said:?}");
}

#[test]
fn an_export_of_which_a_reviewer_left_out_all_that_was_found_does_not_say_that_nothing_was() {
    let scene = Scene::new(&[ANN[1]]);
    scene.set(|s| s.export_review = true);
    scene.export(by_id("ann"));
    scene.leave_out("carts");
    let (manifest, said) = pages(&scene, id());
    assert_eq!((manifest.summary.parts.len(), manifest.summary.left_out.len()), (0, 1));
    assert!(said.iter().all(|page| page.contains("Left out by Shop")), "{said:?}");
    assert!(said.iter().all(|page| !page.contains("no personal data about you")), "{said:?}");
}

#[test]
fn p1_an_export_that_was_to_be_decided_on_is_not_packaged_without_the_decision() {
    let scene = Scene::new(&ANN);
    scene.set(|s| s.export_review = true);
    scene.export(by_id("ann"));
    scene.decide(id(), vec![], vec![]).expect("approved");
    // Whoever can write requests, and not decisions, has written that it is approved.
    scene.world.lock().items.retain(|key, _| !key.sk.starts_with("decision#"));
    while let Some(message) = scene.world.next_message() {
        // What fails is delivered again some day.
        drop(block_on(scene.engine().worker().handle(&message)));
    }
    assert_ne!(scene.phase(id()), Phase::Available);
    assert!(scene.world.exports().is_empty(), "nothing of it was written");
}

const LATER: [&str; 2] = ["req_00000000000000000000000000000021", "req_00000000000000000000000000000022"];

/// What an export made now says was removed, by category.
fn said_hidden(scene: &Scene, request: &str, new: NewRequest) -> (Manifest, Vec<(String, u64)>) {
    said_hidden_to(&officer(), scene, request, new)
}

/// The same, opened by somebody.
fn said_hidden_to(caller: &Caller, scene: &Scene, request: &str, new: NewRequest) -> (Manifest, Vec<(String, u64)>) {
    let request: RequestId = request.parse().expect("an id");
    scene.ask(NewRequest { id: request, kind: RequestKind::Export, ..new });
    if scene.phase(request) == Phase::InReview {
        scene.decide(request, vec![], scene.detail(request).to_acknowledge).expect("approved");
        scene.settle();
    }
    assert_eq!(scene.phase(request), Phase::Available);
    let (manifest, _) = archive::opened_by(caller, &scene.world, request, "an export");
    let mut hidden: Vec<_> = manifest.summary.hidden.iter().map(|h| (h.category.clone(), h.records)).collect();
    hidden.sort_unstable();
    (manifest, hidden)
}

#[test]
fn an_export_of_somebody_who_shares_an_address_says_nothing_of_what_is_removed_of_the_other() {
    for named in [false, true] {
        let scene = Scene::new(&[ANN[0], ANN[1], ANN[2], BO]);
        scene.ask(new_request(&scene.world, id(), by_id("ann")));
        if named {
            scene.name(A);
        }
        scene.approve();
        assert_eq!(scene.phase(id()), Phase::Recoverable);
        assert!(scene.world.row("people", "ann").is_none() && scene.world.row("people", "bo").is_some());
        let of = |identity| new_request(&scene.world, id(), identity);
        let (manifest, hidden) = said_hidden(&scene, LATER[0], of(by_id("bo")));
        assert_eq!(hidden, [], "Bo is told of Ann's, named: {named}");
        assert!(!manifest.summary.parts.is_empty(), "Bo's own is there");
        let (manifest, hidden) = said_hidden(&scene, LATER[1], of(by_id("ann")));
        assert!(hidden.contains(&("profile".to_owned(), 1)), "{hidden:?}");
        assert!(!manifest.summary.complete);
    }
}

#[test]
fn an_export_of_some_categories_says_nothing_of_what_is_removed_of_others() {
    let scene = Scene::new(&ANN);
    scene.ask(new_request(&scene.world, id(), by_id("ann")));
    scene.approve();
    assert_eq!(scene.phase(id()), Phase::Recoverable);
    let new = || new_request(&scene.world, id(), by_id("ann"));
    let only = vec!["chat".parse().expect("a category")];
    let (_, hidden) = said_hidden(&scene, LATER[0], NewRequest { categories: only.clone(), ..new() });
    assert_eq!(hidden, [("chat".to_owned(), 2)]);
    let (_, hidden) = said_hidden(&scene, LATER[1], NewRequest { exclude_categories: only, ..new() });
    assert_eq!(hidden, [("carts".to_owned(), 1), ("profile".to_owned(), 1)]);
}

#[test]
fn an_export_during_a_purge_that_a_hold_keeps_standing_says_only_what_is_still_kept_and_not_until_when() {
    let scene = Scene::new(&ANN);
    scene.ask(new_request(&scene.world, id(), by_id("ann")));
    scene.approve();
    assert_eq!(scene.phase(id()), Phase::Recoverable);
    // The window closes, and the hold is there before anything is destroyed.
    scene.world.pass(40 * 86_400);
    block_on(scene.engine().worker().advance(&organization(), &id(), true)).expect("begun");
    assert_eq!(scene.phase(id()), Phase::Purging);
    let (hold, reason) = ("hold_00000000000000000000000000000001".parse().expect("an id"), "a dispute".to_owned());
    let categories = vec!["chat".parse().expect("a category")];
    let new = NewHold { id: hold, identity: Some(by_id("ann")), categories, reason, reference: None };
    block_on(scene.engine().holds().place_hold(&officer(), new)).expect("held");
    for _ in 0..3 {
        scene.later(86_400);
    }
    assert_eq!(scene.phase(id()), Phase::Purging);
    let (manifest, hidden) = said_hidden(&scene, LATER[0], new_request(&scene.world, id(), by_id("ann")));
    assert_eq!(hidden, [("chat".to_owned(), 2)], "what was destroyed is not kept");
    assert_eq!(manifest.summary.hidden[0].until, None);
    let (_, said) = pages(&scene, LATER[0].parse().expect("an id"));
    assert!(said.iter().all(|page| page.contains("Chat: 2, cannot be brought back")), "{said:?}");
}

#[test]
fn an_export_shows_what_a_bucket_hides_by_its_own_means_and_does_not_say_that_it_is_not_in_it() {
    let scene = Scene::new(&ANN);
    let files =
        "  - {name: files, category: files, store: files, bucket: files, select: [{by: subject_id, prefix: \"u/{}/\"}]}\n";
    let map = format!("{MAP}{CHAT}{files}").replace("stores: {db:", "stores: {files: {connector: s3}, db:");
    scene.publish(&map);
    scene.world.lock().app_uploads("files", "u/ann/a");
    scene.ask(new_request(&scene.world, id(), by_id("ann")));
    scene.approve();
    assert_eq!(scene.phase(id()), Phase::Recoverable);
    let (manifest, hidden) = said_hidden(&scene, LATER[0], new_request(&scene.world, id(), by_id("ann")));
    assert_eq!(hidden, [("carts".to_owned(), 1), ("chat".to_owned(), 2), ("profile".to_owned(), 1)]);
    let shown: Vec<_> = manifest.summary.parts.iter().map(|p| (p.producer.as_str(), p.records)).collect();
    assert_eq!(shown, [("files", 1)]);
}

#[test]
fn an_export_is_not_opened_by_a_role_that_may_not_see_what_it_says_was_removed() {
    let scene = Scene::new(&ANN);
    let restricted = MAP.replace("identifies: {subject_id: owner", "export: {roles: [reviewer]}, identifies: {subject_id: owner");
    assert_ne!(restricted, MAP);
    scene.publish(&format!("{restricted}{CHAT}"));
    scene.set(|s| s.export_openers = vec![Role::Reviewer, Role::PrivacyOfficer]);
    scene.ask(new_request(&scene.world, id(), by_id("ann")));
    scene.approve();
    let new = new_request(&scene.world, id(), by_id("ann"));
    let (manifest, hidden) = said_hidden_to(&reviewer(), &scene, LATER[0], new);
    assert!(manifest.summary.parts.is_empty() && hidden.contains(&("carts".to_owned(), 1)), "{hidden:?}");
    let export = LATER[0].parse().expect("an id");
    let refused = block_on(scene.engine().exports().open_export(&officer(), export, None));
    assert!(matches!(&refused, Err(EngineError::Refused(r)) if r.code == "category_restricted"), "{refused:?}");
    assert!(block_on(scene.engine().exports().open_export(&reviewer(), export, None)).is_ok());
}

#[test]
fn the_pages_of_an_export_are_in_the_organizations_language_and_by_its_clock() {
    for (language, texts) in [
        (Language::Fr, ["lang=\"fr\"", "Vos données chez Shop", "Tout afficher (2)"]),
        (Language::De, ["lang=\"de\"", "Ihre Daten bei Shop", "Alle zeigen (2)"]),
    ] {
        let scene = Scene::new(&ANN);
        scene.set(|s| s.language = language);
        scene.export(by_id("ann"));
        let (_, [index, readme]) = pages(&scene, id());
        assert!(texts.iter().all(|text| index.contains(text)), "{index}");
        assert!(readme.contains(texts[1]), "{readme}");
        let (_, files) = archive::opened(&scene.world, id(), "an export");
        let page = String::from_utf8_lossy(&files["pages/chat/chat-0001.html"]).into_owned();
        assert!(page.contains(texts[0]) && !page.contains("Overview"), "{page}");
    }
}

#[test]
fn a_query_that_asks_by_what_is_not_given_is_refused_with_the_kind_that_it_needs() {
    let scene = Scene::new(&ANN);
    scene.ask_chats();
    scene.publish(&format!("version: 1\nstores: {{db: {{connector: dynamodb}}}}\nproducers:\n{CHAT}"));
    let saved_queries = Some(vec!["chats".parse().expect("a name")]);
    let new = NewRequest { kind: RequestKind::Export, saved_queries, ..new_request(&scene.world, id(), by_id("ann")) };
    let refused = block_on(scene.engine().requests().submit(&officer(), new));
    let Err(EngineError::Refused(refusal)) = refused else { panic!("taken") };
    assert_eq!(refusal.code, "identifier_needed");
    assert!(refusal.remedy.contains("subject_email") && !refusal.remedy.contains("subject_id"), "{}", refusal.remedy);
}

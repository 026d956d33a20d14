//! Exports of what stores refuse, hide or hold in odd ways: what is not in them is named, and nothing else is.

use crate::support::odd::Odd;
use crate::support::{ID, archive, change_settings, id, officer};
use oubli_archive::contents::Manifest;
use oubli_domain::{
    access::{Caller, Role, Roles},
    ids::Category,
    lifecycle::Phase,
    personal::{IdentifierKind, Identity},
    saved_query::SavedQuery,
    settings::Settings,
};
use oubli_engine::{
    Config, Engine, EngineError,
    api::{NewRequest, RequestKind},
    ports::{Message, Ports},
};
use oubli_simulation::{
    World, channel, new_request, organization,
    polls::{block_on, poll_for},
    ports, shop,
};
use std::{collections::BTreeMap, sync::Arc};

const PROFILES: &str = "
version: 1
stores: {db: {connector: dynamodb}, s3: {connector: s3}}
producers:
  - {name: profiles, category: profile, store: db, table: profiles, key: [id], select: [{by: subject_id, attribute: id}, {by: subject_email, index: by_email, attribute: email}], identifies: {subject_id: id, subject_email: email}}
  - {name: visits, category: visits, store: db, table: visits, key: [id], select: [{by: {producer: profiles, field: id}, index: by_owner, attribute: owner}]}
";

const UPLOADS: &str = "
version: 1
stores: {db: {connector: dynamodb}, s3: {connector: s3}}
producers:
  - {name: people, category: profile, store: db, table: people, key: [id], select: [{by: subject_email, index: by_email, attribute: email}]}
  - {name: files, category: files, store: s3, bucket: files, select: [{by: subject_id, prefix: 'u/{}/'}]}
";

/// Rows found by an index, and objects by a prefix.
const SHOP: &str = "
version: 1
stores: {db: {connector: dynamodb}, s3: {connector: s3}}
producers:
  - {name: events, category: events, store: db, table: events, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}
  - {name: files, category: files, store: s3, bucket: files, select: [{by: subject_id, prefix: 'u/{}/'}]}
";

struct Scene {
    world: World,
    odd: Odd,
}

impl Scene {
    fn new(map: &str) -> Self {
        let world = World::new(11, None, false);
        let odd = Odd::new(ports(&world).stores);
        let scene = Self { world, odd };
        block_on(shop(&scene.world, &scene.engine())).expect("opened");
        block_on(scene.engine().directory().operator(&organization(), None).publish_map(map)).expect("published");
        scene
    }

    fn engine(&self) -> Engine {
        let config = Config { worker_timeout_seconds: 30, ..Config::default() };
        let ports = Ports { stores: Arc::new(self.odd.clone()), ..ports(&self.world) };
        Engine::with_config(ports, config).with_channel(channel(&self.world))
    }

    fn set(&self, change: impl FnOnce(&mut Settings)) {
        change_settings(&self.engine(), change).expect("set");
    }

    fn uploads(&self, names: &[&str]) {
        names.iter().for_each(|name| self.world.lock().app_uploads("files", &format!("u/dora/{name}")));
    }

    /// Asks for an export, up to where it is packaged.
    fn begin(&self, email: Option<&str>, subject: Option<&str>, categories: &[&str]) {
        self.world.pass(3_600);
        let identity = Identity::built_in(subject, email).expect("an identity");
        let categories: Vec<Category> = categories.iter().map(|c| c.parse().expect("a name")).collect();
        let new = NewRequest { kind: RequestKind::Export, categories, ..new_request(&self.world, id(), identity) };
        block_on(self.engine().requests().submit(&officer(), new)).expect("submitted");
        block_on(self.engine().discovery().discover(&organization(), &id())).expect("discovered");
        block_on(self.engine().worker().advance(&organization(), &id(), false)).expect("advanced");
        assert_eq!(self.phase(), Phase::Packaging);
    }

    fn phase(&self) -> Phase {
        block_on(self.engine().requests().request(&officer(), id())).expect("there").request.state.phase
    }

    fn message() -> Message {
        Message::Package { organization: organization(), request: id() }
    }

    /// Whoever comes next, until it ends one way or the other.
    fn package(&self) -> Phase {
        for _ in 0..12 {
            if self.phase() != Phase::Packaging {
                break;
            }
            self.world.pass(120);
            match block_on(self.engine().worker().handle(&Self::message())) {
                Ok(_) | Err(EngineError::Transient(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        self.phase()
    }

    fn opened(&self, how: &str) -> (Manifest, BTreeMap<String, Vec<u8>>) {
        assert_eq!(self.package(), Phase::Available, "{how}");
        archive::opened(&self.world, id(), how)
    }
}

fn named<'a>(of: impl IntoIterator<Item = &'a String>) -> Vec<&'a str> {
    of.into_iter().map(String::as_str).collect()
}

fn pages(files: &BTreeMap<String, Vec<u8>>) -> [String; 2] {
    ["index.html", "README.txt"].map(|name| String::from_utf8(files[name].clone()).expect("text"))
}

#[test]
fn p3_what_was_walked_only_to_find_others_by_is_said_not_to_be_asked_for_and_not_to_be_empty() {
    for visits in [true, false] {
        let scene = Scene::new(PROFILES);
        scene.world.app_writes("profiles", "dora", &[("id", "dora"), ("email", "dora@example.org")]);
        if visits {
            scene.world.app_writes("visits", "v1", &[("id", "v1"), ("owner", "dora")]);
        }
        scene.begin(Some("dora@example.org"), Some("dora"), &["visits"]);
        let (manifest, files) = scene.opened("visits alone");
        let summary = &manifest.summary;
        let searched: &[&str] = if visits { &[] } else { &["visits"] };
        assert_eq!(named(summary.searched.iter().map(|s| &s.producer)), searched, "{summary:?}");
        let unsearched: Vec<(&str, &str)> = summary.unsearched.iter().map(|u| (u.producer.as_str(), u.reason.as_str())).collect();
        assert_eq!(unsearched, [("profiles", "not_asked")]);
        assert_eq!(named(summary.parts.iter().map(|p| &p.producer)), if visits { vec!["visits"] } else { vec![] });
        assert!(summary.withheld && summary.complete, "{summary:?}");
        assert!(pages(&files).iter().all(|page| !page.contains("no personal data about you")));
    }
}

#[test]
fn p3_unfinished_uploads_are_searched_and_left_out_as_the_objects_are() {
    let scene = Scene::new(UPLOADS);
    scene.begin(Some("dora@example.org"), None, &[]);
    let (manifest, files) = scene.opened("by an address");
    let summary = &manifest.summary;
    assert_eq!(named(summary.searched.iter().map(|s| &s.producer)), ["people"]);
    assert_eq!(named(summary.unsearched.iter().map(|u| &u.producer)), ["files"]);
    assert!(summary.left_out.is_empty() && !summary.complete, "{summary:?}");
    assert!(pages(&files).iter().all(|page| !page.to_lowercase().contains("unfinished uploads")));
}

#[test]
fn p3_an_object_that_its_bucket_refuses_is_missing_whatever_its_size_and_whoever_is_beside_it() {
    for size in [1_000, 600_000] {
        for batch_size in [1, 100] {
            let how = format!("{size} bytes, {batch_size} in a batch");
            let scene = Scene::new(SHOP);
            scene.set(|settings| settings.batch_size = batch_size);
            scene.uploads(&["a", "b", "c"]);
            scene.odd.with().closed.insert("u/dora/b".to_owned());
            scene.odd.with().bytes.insert("u/dora/b".to_owned(), size);
            scene.begin(None, Some("dora"), &[]);
            let (manifest, files) = scene.opened(&how);
            let [part] = &manifest.summary.parts[..] else { panic!("{how}: {:?}", manifest.summary.parts) };
            assert_eq!((part.records, part.missing, part.found), (2, 1, 3), "{how}");
            assert_eq!(files.keys().filter(|name| name.starts_with("objects/")).count(), 2, "{how}");
            let [missing] = &manifest.summary.missing[..] else { panic!("{how}: {:?}", manifest.summary.missing) };
            assert_eq!((&missing.record["key"], missing.reason.as_str()), (&"u/dora/b".into(), "AccessDenied"), "{how}");
            assert!(!manifest.summary.complete, "{how}");
        }
    }
}

#[test]
fn a_bucket_that_refuses_every_object_has_to_be_opened_first() {
    let scene = Scene::new(SHOP);
    scene.uploads(&["a", "b"]);
    scene.odd.with().closed.extend(["u/dora/a", "u/dora/b"].map(str::to_owned));
    scene.begin(None, Some("dora"), &[]);
    assert_eq!(scene.package(), Phase::Failed);
    scene.odd.with().closed.clear();
    block_on(scene.engine().requests().retry(&officer(), id())).expect("retried");
    block_on(scene.engine().worker().advance(&organization(), &id(), false)).expect("advanced");
    let (manifest, _) = scene.opened("opened");
    assert!(manifest.summary.complete && manifest.summary.parts[0].records == 2, "{:?}", manifest.summary);
}

#[test]
fn rows_whose_field_names_are_data_are_all_in_it_and_no_name_lies_in_the_clear() {
    let scene = Scene::new(SHOP);
    let address = "mara@example.org";
    for n in 0..300 {
        let field = if n == 7 { address.to_owned() } else { format!("{n:03}{}", "x".repeat(2_000)) };
        let key = format!("e{n:03}");
        scene.world.app_writes("events", &key, &[("id", key.as_str()), ("owner", "dora"), (field.as_str(), "1")]);
    }
    scene.set(|settings| settings.batch_size = 50);
    scene.begin(None, Some("dora"), &[]);
    let clear = || {
        let staged = scene.world.staged(ID);
        let aside = staged
            .iter()
            .any(|(name, body)| name.contains(address) || body.windows(address.len()).any(|window| window == address.as_bytes()));
        aside || scene.world.items_text().contains(address)
    };
    poll_for(scene.engine().worker().handle(&Scene::message()), 400);
    assert!(!clear(), "while it is packaged");
    let (manifest, files) = scene.opened("rows with names of their own");
    assert!(!clear(), "once it is");
    assert_eq!((manifest.summary.parts[0].records, manifest.summary.complete), (300, true));
    let rows: Vec<BTreeMap<String, serde_json::Value>> = serde_json::from_slice(&files["data/events/events.json"]).expect("JSON");
    assert!(rows.len() == 300 && rows.iter().any(|row| row.contains_key(address)));
    let table = String::from_utf8(files["data/events/events.csv"].clone()).expect("text");
    let heads = table.lines().next().expect("a head").matches("\",\"").count() + 1;
    assert_eq!(heads, 302, "id, owner and 300 others");
}

#[test]
fn more_fields_than_anybody_can_show_side_by_side_are_counted_in_the_table_and_whole_in_the_json() {
    let scene = Scene::new(SHOP);
    for n in 0..30 {
        let key = format!("e{n:03}");
        let names: Vec<String> = (0..40).map(|field| format!("n{n:03}_{field}")).collect();
        let more = names.iter().map(|name| (name.as_str(), "1"));
        let fields: Vec<(&str, &str)> = [("id", key.as_str()), ("owner", "dora")].into_iter().chain(more).collect();
        scene.world.app_writes("events", &key, &fields);
    }
    scene.set(|settings| settings.batch_size = 7);
    scene.begin(None, Some("dora"), &[]);
    let (manifest, files) = scene.opened("1,202 fields");
    assert_eq!(manifest.summary.parts[0].records, 30);
    let table = String::from_utf8(files["data/events/events.csv"].clone()).expect("text");
    let mut lines = table.lines();
    assert!(lines.next().expect("a head").ends_with(",\"more fields, only in the .json file\""));
    let counts = lines.map(|line| line.rsplit(',').next().unwrap_or_default().trim_matches('"').parse().unwrap_or(0_usize));
    assert_eq!(counts.sum::<usize>(), 30 * 42 - 30 * 2 - 998, "{table}");
    let rows: Vec<BTreeMap<String, serde_json::Value>> = serde_json::from_slice(&files["data/events/events.json"]).expect("JSON");
    assert_eq!(rows.iter().map(BTreeMap::len).sum::<usize>(), 30 * 42);
}

#[test]
fn p4_what_is_listed_as_missing_is_what_is_missing_wherever_a_worker_dies() {
    let refused = || {
        let scene = Scene::new(SHOP);
        scene.uploads(&["a", "b", "c", "d"]);
        scene.set(|settings| settings.batch_size = 2);
        scene.odd.with().closed.insert("u/dora/b".to_owned());
        scene.begin(None, Some("dora"), &[]);
        scene
    };
    let calm = refused();
    let (_, polls) = poll_for(calm.engine().worker().handle(&Scene::message()), u64::MAX);
    assert_eq!(calm.phase(), Phase::Available);
    let (mut listed, mut whole) = (0, 0);
    for alive in 0..polls {
        let how = format!("died after {alive} of {polls} polls");
        let scene = refused();
        poll_for(scene.engine().worker().handle(&Scene::message()), alive);
        // Whoever goes on may read it.
        scene.odd.with().closed.clear();
        let (manifest, files) = scene.opened(&how);
        let summary = &manifest.summary;
        let missing: u64 = summary.parts.iter().map(|p| p.missing).sum();
        assert_eq!(summary.missing.len() as u64, missing, "{how}: {summary:?}");
        assert_eq!(summary.complete, missing == 0, "{how}");
        assert_eq!(files.keys().filter(|name| name.starts_with("objects/")).count() as u64, 4 - missing, "{how}");
        let (records, batches) = processed(&scene);
        assert_eq!((records, batches), (4, 2), "{how}: counted twice, or not at all");
        if missing == 0 { whole += 1 } else { listed += 1 }
    }
    assert!(listed > 0 && whole > 0, "{listed} with it missing, {whole} whole");
}

/// Records and batches that the step of the objects is said to be through with.
fn processed(scene: &Scene) -> (u64, u64) {
    let state = scene.world.lock();
    let steps = state.items.iter().filter(|(key, item)| key.sk.starts_with("step#") && item.contains_key("hide_records"));
    let number = |value: &serde_json::Value| value.as_u64().unwrap_or_default();
    steps.fold((0, 0), |(records, batches), (_, step)| {
        (records + number(&step["hide_records"]), batches + number(&step["hide_batches"]))
    })
}

#[test]
fn a_delete_marker_with_nothing_below_it_is_nothing_that_was_removed() {
    for others in [false, true] {
        let how = format!("with others: {others}");
        let scene = Scene::new(SHOP);
        scene.uploads(&["gone"]);
        scene.world.pass(60);
        {
            let mut state = scene.world.lock();
            state.app_deletes_object("files", "u/dora/gone");
            let stack = state.shop.buckets.get_mut("files").and_then(|b| b.get_mut("u/dora/gone")).expect("a stack");
            stack.retain(|version| version.marker);
            assert_eq!(stack.len(), 1);
        }
        if others {
            scene.uploads(&["there"]);
        }
        scene.begin(None, Some("dora"), &[]);
        let (manifest, files) = scene.opened(&how);
        let summary = &manifest.summary;
        let parts: Vec<_> = summary.parts.iter().map(|p| (p.producer.as_str(), p.found, p.records, p.gone)).collect();
        let searched = named(summary.searched.iter().map(|s| &s.producer));
        if others {
            assert_eq!((parts, searched), (vec![("files", 1, 1, 0)], vec!["events"]), "{how}");
        } else {
            assert_eq!((parts, searched), (vec![], vec!["events", "files"]), "{how}");
        }
        assert!(summary.complete, "{how}: {summary:?}");
        assert!(pages(&files).iter().all(|page| !page.contains("removed before")), "{how}");
    }
}

#[test]
fn a_prefix_that_makes_a_file_nobody_can_unpack_is_refused() {
    let scene = Scene::new(SHOP);
    for prefix in ["con.", "nul.", "COM1."] {
        let refused = change_settings(&scene.engine(), |s| s.file_prefix = prefix.to_owned()).expect_err("refused");
        assert!(format!("{refused:?}").contains("file_prefix"), "{refused:?}");
    }
}

#[test]
fn an_export_whose_prefix_was_set_before_such_were_refused_can_be_unpacked_everywhere() {
    let scene = Scene::new(SHOP);
    scene.world.app_writes("events", "e1", &[("id", "e1"), ("owner", "dora")]);
    let (_, map) = block_on(scene.engine().directory().data_map(&organization())).expect("a map");
    let statement = "SELECT id FROM events WHERE owner = ?".to_owned();
    let parts = ("all".parse().expect("a name"), "events".parse().expect("a name"), "db".parse().expect("a name"));
    let query = SavedQuery::new(parts.0, parts.1, parts.2, statement, vec![IdentifierKind::SUBJECT_ID], None, &map);
    let caller = Caller { roles: Roles::of(Role::Administrator), ..officer() };
    block_on(scene.engine().requests().register_query(&caller, query.expect("a query"))).expect("registered");
    let mut set = 0;
    for (_, item) in scene.world.lock().items.iter_mut().filter(|(key, _)| key.sk == "settings") {
        item.insert("file_prefix".to_owned(), "con.".into());
        set += 1;
    }
    assert_eq!(set, 1);
    scene.begin(None, Some("dora"), &[]);
    // Whoever opens it looks at every name.
    let (manifest, files) = scene.opened("a prefix of before");
    let [answer] = &manifest.summary.answers[..] else { panic!("{:?}", manifest.summary.answers) };
    let file = answer.file.as_ref().expect("a table");
    assert!(answer.rows == 1 && file.starts_with("queries/all_") && files.contains_key(file), "{answer:?}");
}

#[test]
fn an_export_names_who_holds_the_data_as_it_did_when_it_began() {
    let scene = Scene::new(SHOP);
    scene.set(|settings| settings.name = "Before Ltd".to_owned());
    scene.uploads(&["a"]);
    scene.begin(None, Some("dora"), &[]);
    scene.set(|settings| settings.name = "After Ltd".to_owned());
    let (manifest, files) = scene.opened("renamed");
    assert_eq!(manifest.summary.controller, "Before Ltd");
    assert!(files.values().all(|body| !String::from_utf8_lossy(body).contains("After Ltd")));
}

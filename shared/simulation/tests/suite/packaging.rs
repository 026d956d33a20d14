//! Exports with everything failing at every step: the archive that comes out is whole, exact and of one person.

use crate::support::{
    ID, change_settings, engine, id,
    inside::tails,
    officer,
    packaged::{csv_rows, exact, export_of, export_with, opened, phase, planned, recovers},
    plan, plan_export, poll_some, request, settle_but,
};
use oubli_domain::{
    access::{Caller, Role, Roles},
    ids::RequestId,
    lifecycle::Phase,
    personal::{IdentifierKind, Identity},
    saved_query::SavedQuery,
    settings::Settings,
};
use oubli_engine::{
    EngineError,
    api::{Approval, NewRequest, RequestKind},
    ports::Message,
};
use oubli_simulation::{
    CallOutcome, World, organization,
    polls::{block_on, poll_for},
    shop,
};
use serde_json::Value;
use std::{collections::BTreeSet, pin::Pin};

#[test]
fn everything_of_the_person_is_in_it_and_nothing_of_anybody_else() {
    for subject in oubli_simulation::SUBJECTS {
        let world = planned(subject);
        recovers(&world, subject);
        exact(&world, subject, subject);
    }
}

#[test]
fn of_any_people_that_share_stores_each_gets_their_own_and_all_of_it() {
    let names = ["u1", "u10", "u1a", "u", "U1"];
    for seed in 0..60_u64 {
        let world = World::new(seed, None, false);
        let engine = engine(&world);
        block_on(shop(&world, &engine)).expect("opened");
        let mut dice = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut roll = |of: u64| {
            dice ^= dice << 13;
            dice ^= dice >> 7;
            dice ^= dice << 17;
            dice % of
        };
        for n in 0..roll(60) {
            let owner = names[usize::try_from(roll(5)).expect("small")];
            let (id, order) = (format!("r{n}"), format!("r{}", roll(60)));
            let mut state = world.lock();
            match roll(4) {
                0 => state.app_writes("lines", &id, &[("id", &id), ("order", &order), ("note", "=1+1")]),
                1 => state.app_writes("invoices", &id, &[("id", &id), ("owner", owner), ("issued", "2025-01-01")]),
                2 => state.app_uploads("files", &format!("u/{owner}/{id}")),
                _ => state.app_writes("orders", &id, &[("id", &id), ("owner", owner), ("email", "x@example.org"), (owner, "\"")]),
            }
        }
        drop(engine);
        world.pass(60);
        for name in names {
            let how = format!("seed {seed}, {name}");
            export_of(&world, name);
            recovers(&world, &how);
            exact(&world, name, &how);
            block_on(self::engine(&world).exports().revoke_export(&officer(), id())).expect("revoked");
            world.forget_request(ID);
        }
    }
}

#[test]
fn somebody_unknown_has_an_honest_empty_export() {
    let world = planned("nobody-at-all");
    recovers(&world, "nobody");
    let (manifest, files) = opened(&world, "nobody");
    assert!(manifest.summary.complete && manifest.summary.parts.is_empty());
    let page = String::from_utf8_lossy(&files["index.html"]).into_owned();
    assert!(page.contains("no personal data"), "{page}");
}

#[test]
fn every_call_may_fail_with_and_without_having_happened() {
    let subject = oubli_simulation::SUBJECTS[0];
    let calm = planned(subject);
    let made = calm.calls();
    let message = Message::Package { organization: organization(), request: id() };
    block_on(engine(&calm).worker().handle(&message)).expect("packaged");
    let calls = calm.calls() - made;
    assert!(calls > 30, "{calls} calls");
    for call_outcome in [CallOutcome::Throttled, CallOutcome::ReplyLost] {
        for call in 0..calls {
            let world = planned(subject);
            world.plan(call, call_outcome);
            let how = format!("{call_outcome:?} at call {call}");
            let first = block_on(engine(&world).worker().handle(&message));
            assert!(!matches!(first, Err(EngineError::Internal(_))), "{how}: {first:?}");
            recovers(&world, &how);
            exact(&world, subject, &how);
        }
    }
}

#[test]
fn the_process_may_die_at_every_await() {
    let subject = oubli_simulation::SUBJECTS[0];
    let message = Message::Package { organization: organization(), request: id() };
    let world = planned(subject);
    let (_, polls) = poll_for(engine(&world).worker().handle(&message), u64::MAX);
    for alive in 0..polls {
        let world = planned(subject);
        poll_for(engine(&world).worker().handle(&message), alive);
        let how = format!("died after {alive} polls");
        let staged = world.staged(ID);
        recovers(&world, &how);
        exact(&world, subject, &how);
        let header = header_of(&world);
        let mut staged = staged.into_iter().chain(world.staged(ID));
        let shown = staged.find(|(_, body)| body.windows(header.len()).any(|window| window == header));
        assert_eq!(shown.map(|(name, _)| name), None, "{how}: what carries the wrapped key can be read for ever");
    }
}

#[test]
fn p4_who_takes_an_export_over_writes_over_nothing_that_a_slow_worker_saved() {
    let message = Message::Package { organization: organization(), request: id() };
    // The slow one stands still for longer than its lease, and goes on while another is about to claim.
    for slow in (10..).step_by(6) {
        let mut through = false;
        for claiming in 1..=8 {
            let how = format!("the slow one after {slow} polls, the other after {claiming}");
            let world = planned("alice");
            let (first, second) = (engine(&world).worker(), engine(&world).worker());
            let mut slow_one: Pin<Box<dyn Future<Output = _> + '_>> = Box::pin(first.handle(&message));
            through = poll_some(&mut slow_one, slow);
            if through {
                break;
            }
            world.pass(120);
            let mut other: Pin<Box<dyn Future<Output = _> + '_>> = Box::pin(second.handle(&message));
            let early = poll_some(&mut other, claiming);
            poll_some(&mut slow_one, u64::MAX);
            if !early {
                poll_some(&mut other, u64::MAX);
            }
            recovers(&world, &how);
            exact(&world, "alice", &how);
        }
        if through {
            break;
        }
    }
}

/// The message's id, which only its header carries, and beside it the wrapped key.
fn header_of(world: &World) -> Vec<u8> {
    world.exports().values().next().expect("an export")[3..35].to_vec()
}

/// So many workers die before they get anywhere that nobody tries again by himself.
pub fn fails(world: &World) {
    let message = Message::Package { organization: organization(), request: id() };
    let package = || world.lock().items.iter().find(|(key, _)| key.sk == "package").map(|(_, item)| item.clone());
    let number = |name: &str| package().and_then(|item| item[name].as_u64()).expect("a number");
    while number("attempts") < 6 {
        world.pass(120);
        let before = number("fence");
        // It dies with the claim in its hands.
        let died = (1..).find(|polls| {
            poll_for(engine(world).worker().handle(&message), *polls);
            number("fence") > before
        });
        assert!(died.is_some());
    }
    world.pass(120);
    block_on(engine(world).worker().handle(&message)).expect("given up");
    assert_eq!(phase(world), Phase::Failed);
    assert!(world.guards().iter().all(|guard| !guard.contains_key("exporting")), "its person waits for it no longer");
}

#[test]
fn one_that_failed_goes_on_where_it_stood_and_begins_anew_where_nothing_stands() {
    let subject = oubli_simulation::SUBJECTS[0];
    let message = Message::Package { organization: organization(), request: id() };
    let (_, polls) = poll_for(engine(&planned(subject)).worker().handle(&message), u64::MAX);
    for lost in [false, true] {
        for alive in (20..polls).step_by(7) {
            let world = planned(subject);
            poll_for(engine(&world).worker().handle(&message), alive);
            if phase(&world) == Phase::Available {
                break;
            }
            fails(&world);
            if lost {
                world.end_uploads();
            }
            let how = format!("failed after {alive} polls, its upload lost: {lost}");
            block_on(engine(&world).requests().retry(&officer(), id())).unwrap_or_else(|e| panic!("{how}: {e}"));
            block_on(engine(&world).worker().advance(&organization(), &id(), false)).unwrap_or_else(|e| panic!("{how}: {e}"));
            recovers(&world, &how);
            exact(&world, subject, &how);
        }
    }
}

#[test]
fn one_that_failed_and_is_not_retried_leaves_nothing_in_the_end() {
    let world = planned(oubli_simulation::SUBJECTS[0]);
    let message = Message::Package { organization: organization(), request: id() };
    poll_for(engine(&world).worker().handle(&message), 40);
    fails(&world);
    let advance = || block_on(engine(&world).worker().advance(&organization(), &id(), false)).expect("advanced");
    world.pass(13 * 86_400);
    advance();
    assert_eq!(phase(&world), Phase::Failed, "it can still be retried");
    world.pass(2 * 86_400);
    advance();
    assert_eq!((phase(&world), world.left_of(ID)), (Phase::Cancelled, vec![]));
}

#[test]
fn an_old_plan_is_looked_over_before_it_is_packaged() {
    let subject = oubli_simulation::SUBJECTS[0];
    let world = World::new(11, None, false);
    block_on(shop(&world, &engine(&world))).expect("opened");
    plan_export(&world, subject, false);
    world.pass(2 * 86_400);
    world.lock().app_writes("invoices", "late", &[("id", "late"), ("owner", subject), ("issued", "2025-01-01")]);
    block_on(engine(&world).worker().advance(&organization(), &id(), false)).expect("advanced");
    assert_eq!(phase(&world), Phase::Discovering);
    block_on(engine(&world).discovery().discover(&organization(), &id())).expect("discovered");
    block_on(engine(&world).worker().advance(&organization(), &id(), false)).expect("begun");
    recovers(&world, "an old plan");
    exact(&world, subject, "an old plan");
}

/// Somebody with more records than one page, one save and one file of a table have room for.
fn crowded() -> World {
    let world = World::new(11, None, false);
    let engine = engine(&world);
    block_on(shop(&world, &engine)).expect("opened");
    change_settings(&engine, |s| s.batch_size = 3).expect("set");
    for n in 0..215 {
        world.app_writes(
            "invoices",
            &format!("n{n:03}"),
            &[("id", &format!("n{n:03}")), ("owner", "carol"), ("issued", "2025-01-01")],
        );
        world.lock().app_uploads("files", &format!("u/carol/{n:03}"));
    }
    world.pass(3_600);
    export_of(&world, "carol");
    world
}

#[test]
fn what_fills_many_pages_is_shown_once_and_whole_wherever_a_worker_dies() {
    let message = Message::Package { organization: organization(), request: id() };
    let (_, polls) = poll_for(engine(&crowded()).worker().handle(&message), u64::MAX);
    for alive in (0..=polls).step_by(usize::try_from(polls / 40).expect("few")) {
        let world = crowded();
        poll_for(engine(&world).worker().handle(&message), alive);
        let how = format!("died after {alive} of {polls} polls");
        recovers(&world, &how);
        exact(&world, "carol", &how);
        let (manifest, _) = opened(&world, &how);
        let mut parts: Vec<_> = manifest.summary.parts.iter().map(|p| (p.tables, p.records, p.pages)).collect();
        parts.sort_unstable();
        assert_eq!(parts, [(0, 215, 3), (2, 215, 3)], "{how}");
    }
}

#[test]
fn whoever_has_time_for_one_page_only_leaves_the_next_to_others() {
    let world = crowded();
    let message = Message::Package { organization: organization(), request: id() };
    let mut workers = 0;
    while phase(&world) != Phase::Available {
        workers += 1;
        assert!(workers < 2_000, "it goes on for ever");
        world.pass(120);
        let worker = engine(&world).worker();
        let mut future: Pin<Box<dyn Future<Output = _> + '_>> = Box::pin(worker.handle(&message));
        if !poll_some(&mut future, 40) {
            // It is late whatever it does next, and ends with that.
            world.pass(40);
            poll_some(&mut future, u64::MAX);
        }
        // However many workers come, what each wrote over is not named for ever.
        assert!(tails(&world).len() <= 4, "{:?}", tails(&world));
    }
    assert!(workers > 20, "{workers} workers had time for all of it");
    exact(&world, "carol", "one page each");
}

#[test]
fn each_object_is_named_by_its_key_and_version_with_its_date_and_whether_it_is_current_or_deleted() {
    let world = World::new(11, None, false);
    block_on(shop(&world, &engine(&world))).expect("opened");
    for key in ["u/dora/twice", "u/dora/twice", "u/dora/gone", "u/dora/once"] {
        world.lock().app_uploads("files", key);
    }
    world.lock().app_deletes_object("files", "u/dora/gone");
    world.pass(3_600);
    export_of(&world, "dora");
    recovers(&world, "objects");
    let (manifest, files) = opened(&world, "objects");
    let objects = manifest.files.iter().filter_map(|file| Some((file, file.object.as_ref()?)));
    let mut told: Vec<_> = objects.map(|(_, o)| (o.key.as_str(), o.current, o.deleted)).collect();
    told.sort_unstable();
    let (yes, no) = (Some(true), Some(false));
    let expected = [("u/dora/gone", no, yes), ("u/dora/once", yes, no), ("u/dora/twice", no, no), ("u/dora/twice", yes, no)];
    assert_eq!(told, expected);
    for file in manifest.files.iter().filter(|file| file.name.starts_with("objects/")) {
        let object = file.object.as_ref().unwrap_or_else(|| panic!("{file:?}"));
        // What the simulated bucket puts into an object names its key and version.
        let (version, body) = (object.version_id.as_deref().expect("a version"), &files[&file.name]);
        assert_eq!(String::from_utf8_lossy(body), format!("{} version {version}", object.key));
        assert!(object.last_modified.is_some(), "{file:?}");
    }
    let page = String::from_utf8_lossy(&files["pages/files/files-0001.html"]).into_owned();
    for state in ["current", "earlier version", "deleted, still kept"] {
        assert!(page.contains(state), "{state}: {page}");
    }
}

/// A shop that shows people their orders by a saved query, and takes deliveries.
fn queried(subject: &str) -> World {
    let world = World::new(11, None, false);
    let engine = engine(&world);
    block_on(shop(&world, &engine)).expect("opened");
    change_settings(&engine, |s| {
        s.file_prefix = "shop_".to_owned();
        s.delivery_bucket = Some("own-bucket".to_owned());
        s.delivery_app = Some("Shop / EU".to_owned());
    })
    .expect("set");
    let (_, map) = block_on(engine.directory().data_map(&organization())).expect("a map");
    for (name, table) in [("all", "orders"), ("gone", "invoices")] {
        let statement = format!("SELECT id, email FROM {table} WHERE owner = ?");
        let parts = (name.parse().expect("a name"), table.parse().expect("a name"), "db".parse().expect("a name"));
        let query = SavedQuery::new(parts.0, parts.1, parts.2, statement, vec![IdentifierKind::SUBJECT_ID], None, &map);
        let caller = Caller { roles: Roles::of(Role::Administrator), ..officer() };
        block_on(engine.requests().register_query(&caller, query.expect("a query"))).expect("registered");
    }
    world.pass(3_600);
    export_with(&world, subject, true);
    world
}

/// The tables of its saved queries are in the archive, and a copy of it where the organization wants it.
fn answered(world: &World, subject: &str, how: &str) {
    let (manifest, files) = opened(world, how);
    assert_eq!(manifest.summary.answers.len(), 2, "{how}");
    let tables: Vec<&String> = files.keys().filter(|name| name.starts_with("queries/")).collect();
    assert_eq!(tables.len(), 2, "{how}");
    let stamps: BTreeSet<&str> = tables.iter().filter_map(|name| name.rsplit('_').next()).collect();
    assert_eq!(stamps.len(), 1, "{how}: one time for all");
    for answer in &manifest.summary.answers {
        let file = answer.file.as_ref().unwrap_or_else(|| panic!("{how}: {answer:?}"));
        assert!(file.starts_with(&format!("queries/shop_{}_", answer.query)), "{file}");
        let table = if answer.query == "all" { "orders" } else { "invoices" };
        assert_eq!(answer.rows as usize, world.owned_rows(table, subject), "{how}");
        assert_eq!(csv_rows(&files[file]), answer.rows as usize, "{how}");
    }
    let delivered = world.delivered();
    let (place, bytes) = delivered.first_key_value().unwrap_or_else(|| panic!("{how}: not delivered"));
    let folder = "own-bucket/GDPR access - Shop _ EU - person-";
    assert!(delivered.len() == 1 && place.starts_with(folder) && place.contains("/shop_export_"), "{how}: {place}");
    assert!(!place.contains(subject), "{how}: the name of a folder stands in logs and inventories: {place}");
    assert_eq!(Some(bytes), world.exports().values().next(), "{how}");
    let shown = block_on(engine(world).requests().reveal(&officer(), id())).expect("there").delivered_to;
    assert_eq!(shown, Some(format!("s3://{place}")), "{how}");
    for role in Role::ALL {
        let caller = Caller { roles: Roles::of(role), ..officer() };
        let shown = block_on(engine(world).requests().request(&caller, id())).expect("there").delivered_to;
        assert_eq!(shown, None, "{how}: where it lies can say whose it is, to {role}");
    }
}

#[test]
fn saved_queries_are_answered_and_exports_delivered_whatever_fails() {
    let subject = oubli_simulation::SUBJECTS[0];
    let message = Message::Package { organization: organization(), request: id() };
    let calm = queried(subject);
    let made = calm.calls();
    block_on(engine(&calm).worker().handle(&message)).expect("packaged");
    let calls = calm.calls() - made;
    answered(&calm, subject, "calm");
    for call in 0..calls {
        for call_outcome in [CallOutcome::Throttled, CallOutcome::ReplyLost] {
            let world = queried(subject);
            world.plan(call, call_outcome);
            block_on(engine(&world).worker().handle(&message)).ok();
            let how = format!("{call_outcome:?} at call {call}");
            recovers(&world, &how);
            answered(&world, subject, &how);
        }
    }
    let (_, polls) = poll_for(engine(&queried(subject)).worker().handle(&message), u64::MAX);
    for alive in (0..polls).step_by(3) {
        let world = queried(subject);
        poll_for(engine(&world).worker().handle(&message), alive);
        let how = format!("died after {alive} polls");
        recovers(&world, &how);
        answered(&world, subject, &how);
    }
}

const ANOTHER: &str = "req_0000000000000000000000000000000a";

/// What two exports of these people, made and delivered at the same time, are called where they lie. Each is its own.
fn delivered_together(world: &World, people: [Identity; 2]) -> Vec<String> {
    let another: RequestId = ANOTHER.parse().expect("an id");
    let mut places = Vec::new();
    for (id, identity) in [id(), another].into_iter().zip(people) {
        let new = NewRequest { id, identity, deliver: true, ..request(world, "nobody", RequestKind::Export) };
        block_on(engine(world).requests().submit(&officer(), new)).expect("submitted");
        settle_but(world, || engine(world), |_| false);
        let seen = block_on(engine(world).requests().reveal(&officer(), id)).expect("there");
        assert_eq!(seen.request.state.phase, Phase::Available);
        places.push(seen.delivered_to.expect("delivered").trim_start_matches("s3://").to_owned());
    }
    let (made, delivered) = (world.exports(), world.delivered());
    for (id, place) in [ID, ANOTHER].into_iter().zip(&places) {
        let export = made.iter().find(|(name, _)| name.contains(id)).map(|(_, bytes)| bytes);
        assert!(export.is_some() && delivered.get(place) == export, "{place} is another's, or nobody's");
    }
    let seconds: BTreeSet<_> = places.iter().filter_map(|place| place.rsplit('_').nth(1)).collect();
    assert_eq!(seconds.len(), 1, "they began in one second: {places:?}");
    places
}

#[test]
fn exports_that_are_delivered_in_one_second_lie_beside_each_other() {
    let subject = oubli_simulation::SUBJECTS[0];
    let deliveries = |names_people| {
        let world = World::new(11, None, false);
        block_on(shop(&world, &engine(&world))).expect("opened");
        let delivers = |settings: &mut Settings| {
            settings.delivery_bucket = Some("own-bucket".to_owned());
            settings.delivery_names_people = names_people;
        };
        change_settings(&engine(&world), delivers).expect("set");
        world.pass(3_600);
        world
    };
    let known = |id, address| Identity::built_in(id, address).expect("an identity");
    let of_one = delivered_together(&deliveries(false), [known(Some(subject), None), known(Some(subject), None)]);
    let folder = |place: &String| place.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    assert_eq!(folder(&of_one[0]), folder(&of_one[1]), "one person has one folder");
    // An address that somebody else has as a name.
    let address = "carol@example.org";
    delivered_together(&deliveries(true), [known(Some(address), None), known(None, Some(address))]);
}

#[test]
fn what_was_delivered_goes_with_a_revoked_or_cancelled_export_and_stays_with_one_whose_time_is_over() {
    let subject = oubli_simulation::SUBJECTS[0];
    let message = Message::Package { organization: organization(), request: id() };
    let advance = |world: &World| block_on(engine(world).worker().advance(&organization(), &id(), false)).expect("advanced");

    let revoked = queried(subject);
    recovers(&revoked, "ready");
    block_on(engine(&revoked).exports().revoke_export(&officer(), id())).expect("revoked");
    assert!(revoked.delivered().is_empty(), "gone at once");

    let over = queried(subject);
    recovers(&over, "ready");
    over.pass(15 * 86_400);
    advance(&over);
    assert_eq!((phase(&over), over.delivered().len()), (Phase::Expired, 1));
    assert!(block_on(engine(&over).requests().reveal(&officer(), id())).expect("there").delivered_to.is_some());

    let (_, polls) = poll_for(engine(&queried(subject)).worker().handle(&message), u64::MAX);
    let mut found = 0;
    for alive in 0..polls {
        let world = queried(subject);
        poll_for(engine(&world).worker().handle(&message), alive);
        if phase(&world) == Phase::Available {
            break;
        }
        found += world.delivered().len();
        block_on(engine(&world).requests().cancel(&officer(), id(), None)).expect("cancelled");
        world.pass(120);
        advance(&world);
        assert!(world.delivered().is_empty(), "died after {alive} polls, then cancelled");
    }
    assert!(found > 0, "no cancel came between delivery and the end");
}

#[test]
fn what_is_revoked_or_over_is_gone_with_its_key() {
    for revoke in [true, false] {
        let world = planned(oubli_simulation::SUBJECTS[0]);
        recovers(&world, "ready");
        let engine = engine(&world);
        if revoke {
            block_on(engine.exports().revoke_export(&officer(), id())).expect("revoked");
            assert!(world.exports().is_empty(), "gone at once");
        } else {
            world.pass(15 * 86_400);
        }
        block_on(engine.worker().advance(&organization(), &id(), false)).expect("advanced");
        assert_eq!(phase(&world), Phase::Expired);
        assert!(world.exports().is_empty());
        assert_eq!(world.left_of(ID), Vec::<String>::new(), "nothing that was copied is left, nor a key but the identity's");
        assert!(world.staged(ID).is_empty(), "{:?}", world.staged(ID).keys());
        let refused = block_on(engine.exports().open_export(&officer(), id(), None)).expect_err("refused");
        let code = if revoke { "export_revoked" } else { "export_expired" };
        assert!(matches!(&refused, EngineError::Refused(r) if r.code == code), "{refused:?}");
    }
}

#[test]
fn a_cancelled_export_leaves_nothing_and_frees_its_person() {
    let world = planned(oubli_simulation::SUBJECTS[0]);
    let message = Message::Package { organization: organization(), request: id() };
    poll_for(engine(&world).worker().handle(&message), 40);
    block_on(engine(&world).requests().cancel(&officer(), id(), None)).expect("cancelled");
    world.pass(120);
    block_on(engine(&world).worker().handle(&message)).expect("passed over");
    block_on(engine(&world).worker().advance(&organization(), &id(), false)).expect("cleaned");
    assert_eq!(phase(&world), Phase::Cancelled);
    assert!(world.exports().is_empty());
    assert_eq!(world.left_of(ID), Vec::<String>::new());
    let guards = world.guards();
    assert!(guards.iter().all(|g| g.get("exporting").is_none()), "{guards:?}");
}

#[test]
fn whoever_cancels_an_erasure_stops_the_export_before_it_even_if_the_call_dies() {
    let subject = oubli_simulation::SUBJECTS[0];
    let waiting = || {
        let world = World::new(11, None, false);
        block_on(shop(&world, &engine(&world))).expect("opened");
        plan(&world, NewRequest { export_first: true, ..request(&world, subject, RequestKind::FullErasure) });
        let reviewer = Caller { actor: "actor_00000000000000000000000000000008".parse().expect("an id"), ..officer() };
        let reviewer = Caller { roles: Roles::of(Role::Reviewer), ..reviewer };
        let approval = Approval { plan_digest: None, approved_by: None, notes: None, exclusions: vec![], acknowledged: vec![] };
        block_on(engine(&world).reviews().approve(&reviewer, id(), approval)).expect("approved");
        block_on(engine(&world).worker().advance(&organization(), &id(), false)).expect("advanced");
        assert_eq!(phase(&world), Phase::Exporting);
        world
    };
    let (_, polls) = poll_for(engine(&waiting()).requests().cancel(&officer(), id(), None), u64::MAX);
    let mut stopped = 0;
    for alive in 0..=polls {
        let world = waiting();
        poll_for(engine(&world).requests().cancel(&officer(), id(), None), alive);
        block_on(engine(&world).worker().advance(&organization(), &id(), false)).expect("advanced");
        let erasure = block_on(engine(&world).requests().request(&officer(), id())).expect("there");
        let export = erasure.request.prior_export.expect("an export");
        let export = block_on(engine(&world).requests().request(&officer(), export)).expect("there").request.state.phase;
        let cancelled = erasure.request.state.phase == Phase::Cancelled;
        assert_eq!(export == Phase::Cancelled, cancelled, "died after {alive} polls: {export:?}");
        stopped += u32::from(cancelled);
    }
    assert!(stopped > 1, "no call died after it had cancelled");
}

#[test]
fn each_opening_is_in_the_log_with_who_and_when() {
    let world = planned(oubli_simulation::SUBJECTS[0]);
    recovers(&world, "ready");
    for links in 1..=3 {
        assert_eq!(block_on(engine(&world).exports().open_export(&officer(), id(), None)).expect("opened").links, links);
    }
    let waiting = world.outbox();
    let opened: Vec<&Value> = waiting.iter().filter(|e| e["event_type"] == "export_accessed").collect();
    assert_eq!(opened.len(), 3);
    assert!(opened.iter().all(|e| e["actor"] == officer().actor.to_string() && e["timestamp"].is_string()), "{opened:?}");
}

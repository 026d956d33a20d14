//! Who may act for an organization, and that every change of it is one entry of its log.

use crate::support::{approval, engine, entries, id, opened, poll_some, request};
use jiff::{SignedDuration, Timestamp};
use oubli_domain::{
    access::{Caller, Role, Roles},
    datamap::StoreAddress,
    deadline::Country,
    ids::{ActorId, OrganizationId},
    language::Language,
    settings::Settings,
};
use oubli_engine::{
    Config, Directory, Engine, EngineError, ProblemCode,
    api::{RequestKind, Verification},
    directory::{Administration, MemberChange, NO_RECOVERY, NewKeyWanted, NewMember},
};
use oubli_simulation::{World, organization, polls::block_on, ports};
use std::{net::IpAddr, pin::Pin};
use uuid::Uuid;

fn directory(world: &World) -> Directory {
    engine(world).directory()
}

fn now(world: &World) -> Timestamp {
    Timestamp::from_millisecond(world.lock().now_ms).expect("a time")
}

fn operator(world: &World) -> Administration {
    directory(world).operator(&organization(), None)
}

fn roles(roles: &[Role]) -> Roles {
    Roles::new(roles.iter().copied()).expect("roles")
}

/// A member with these roles.
fn member(world: &World, name: &str, of: &[Role]) -> ActorId {
    let email = format!("{name}@staff.example");
    let new = NewMember { name: name.to_owned(), email, roles: roles(of), teams: vec![], oidc_subjects: vec![] };
    block_on(operator(world).create_member(Uuid::now_v7(), new)).expect("a member").id
}

fn key_of(world: &World, member: ActorId) -> String {
    let wanted = NewKeyWanted { member: Some(member), name: "key".to_owned(), ..NewKeyWanted::default() };
    block_on(operator(world).create_key(Uuid::now_v7(), wanted)).expect("a key").key
}

fn calls(world: &World, key: &str) -> Result<Caller, EngineError> {
    block_on(directory(world).authenticate(key, None))
}

fn code<T>(answer: Result<T, EngineError>) -> Option<ProblemCode> {
    match answer {
        Ok(_) => None,
        Err(EngineError::Refused(refusal)) => Some(refusal.code),
        Err(other) => panic!("{other}"),
    }
}

/// Submits an erasure of alice, and makes its plan.
fn submits(world: &World, caller: &Caller) {
    let engine = engine(world);
    block_on(engine.requests().submit(caller, request(world, "alice", RequestKind::FullErasure))).expect("submitted");
    block_on(engine.discovery().discover(&organization(), &id())).expect("discovered");
}

fn approves(world: &World, caller: &Caller) -> Option<ProblemCode> {
    code(block_on(engine(world).reviews().approve(caller, id(), approval())))
}

fn set_confirmed(world: &World, confirmed: Option<&str>, change: impl FnOnce(&mut Settings)) -> Option<ProblemCode> {
    let changed = |mut settings: Settings| {
        change(&mut settings);
        Ok::<_, EngineError>(settings)
    };
    code(block_on(operator(world).update_settings(confirmed, changed)))
}

fn set(world: &World, change: impl FnOnce(&mut Settings)) -> Option<ProblemCode> {
    set_confirmed(world, None, change)
}

#[test]
fn p1_whoever_asked_does_not_approve_with_another_key_of_theirs() {
    let world = opened();
    let ada = member(&world, "ada", &[Role::PrivacyOfficer, Role::Reviewer]);
    let (first, second) = (key_of(&world, ada), key_of(&world, ada));
    submits(&world, &calls(&world, &first).expect("accepted"));
    assert_eq!(approves(&world, &calls(&world, &second).expect("accepted")), Some(ProblemCode::OwnRequest));
    let old = first.split('_').nth(1).expect("an id");
    let rotated = block_on(operator(&world).rotate_key(Uuid::now_v7(), old, SignedDuration::ZERO)).expect("rotated");
    assert_eq!(rotated.actor, ada, "a new key makes nobody new");
    assert_eq!(code(calls(&world, &first)), Some(ProblemCode::Unauthenticated), "the old one is over");
    assert_eq!(approves(&world, &calls(&world, &rotated.key).expect("accepted")), Some(ProblemCode::OwnRequest));
    let bo = member(&world, "bo", &[Role::Reviewer]);
    assert_eq!(approves(&world, &calls(&world, &key_of(&world, bo)).expect("accepted")), None);
}

#[test]
fn p1_four_eyes_are_given_up_only_while_there_is_one_pair() {
    let world = opened();
    let ada = member(&world, "ada", &[Role::Administrator]);
    let bo = member(&world, "bo", &[Role::Reviewer]);
    assert_eq!(set(&world, |s| s.four_eyes = false), Some(ProblemCode::FourEyesNeeded));
    let away = |active| MemberChange { active: Some(active), ..MemberChange::default() };
    block_on(operator(&world).change_member(&bo, away(false))).expect("changed");
    assert_eq!(set(&world, |s| s.four_eyes = false), None);
    let caller = calls(&world, &key_of(&world, ada)).expect("accepted");
    submits(&world, &caller);
    // Somebody else is there again: what was set for one alone does not count.
    block_on(operator(&world).change_member(&bo, away(true))).expect("changed");
    assert_eq!(approves(&world, &caller), Some(ProblemCode::OwnRequest));
    block_on(operator(&world).change_member(&bo, away(false))).expect("changed");
    assert_eq!(approves(&world, &caller), None);
}

#[test]
fn p1_whoever_attested_does_not_approve_where_that_is_asked_for() {
    let world = opened();
    let (ada, bo) = (member(&world, "ada", &[Role::PrivacyOfficer]), member(&world, "bo", &[Role::Administrator]));
    let (ada, bo) = (calls(&world, &key_of(&world, ada)), calls(&world, &key_of(&world, bo)));
    let (ada, bo) = (ada.expect("accepted"), bo.expect("accepted"));
    assert_eq!(set(&world, |s| s.separate_attestation = true), None);
    let engine = engine(&world);
    let new = oubli_engine::api::NewRequest { verification: None, ..request(&world, "alice", RequestKind::FullErasure) };
    block_on(engine.requests().submit(&ada, new)).expect("submitted");
    let attested = Verification { method: "passport".to_owned(), verified_at: now(&world) };
    block_on(engine.requests().verify(&bo, id(), attested)).expect("attested");
    block_on(engine.discovery().discover(&organization(), &id())).expect("discovered");
    assert_eq!(approves(&world, &bo), Some(ProblemCode::OwnAttestation));
    assert_eq!(set(&world, |s| s.separate_attestation = false), None);
    assert_eq!(approves(&world, &bo), None);
}

#[test]
fn p8_a_key_is_taken_while_it_is_in_force_from_where_it_may_come_and_for_no_more_than_its_member() {
    let world = opened();
    let ada = member(&world, "ada", &[Role::PrivacyOfficer, Role::Auditor]);
    let make = |wanted: NewKeyWanted| block_on(operator(&world).create_key(Uuid::now_v7(), wanted));
    let plain = || NewKeyWanted { member: Some(ada), name: "key".to_owned(), ..NewKeyWanted::default() };

    let narrow = make(NewKeyWanted { roles: Some(roles(&[Role::Auditor])), ..plain() }).expect("made");
    assert_eq!(calls(&world, &narrow.key).expect("accepted").roles, roles(&[Role::Auditor]));
    let more = make(NewKeyWanted { roles: Some(roles(&[Role::Administrator])), ..plain() });
    assert_eq!(code(more), Some(ProblemCode::InvalidValue), "no more than the member");
    let machine = make(NewKeyWanted { member: None, roles: Some(roles(&[Role::Reviewer])), ..plain() });
    assert_eq!(code(machine), Some(ProblemCode::InvalidValue), "a machine approves nothing");
    let machine = make(NewKeyWanted { member: None, ..plain() }).expect("made");
    assert_eq!(calls(&world, &machine.key).expect("accepted").roles, roles(&[Role::Service]));

    let office = NewKeyWanted { sources: vec!["203.0.113.0/24".parse().expect("a range")], ..plain() };
    let office = make(office).expect("made").key;
    let from = |address: &str| {
        let address: IpAddr = address.parse().expect("an address");
        code(block_on(directory(&world).authenticate(&office, Some(address))))
    };
    assert_eq!((from("203.0.113.9"), from("::ffff:203.0.113.9")), (None, None));
    assert_eq!(from("203.0.114.9"), Some(ProblemCode::Unauthenticated));
    assert_eq!(code(calls(&world, &office)), Some(ProblemCode::Unauthenticated), "from nobody knows where");

    let soon = now(&world) + SignedDuration::from_secs(60);
    let short = make(NewKeyWanted { expires_at: Some(soon), ..plain() }).expect("made").key;
    let forever = now(&world) + SignedDuration::from_hours(24 * 800);
    assert_eq!(code(make(NewKeyWanted { expires_at: Some(forever), ..plain() })), Some(ProblemCode::InvalidDate));
    assert_eq!(code(make(NewKeyWanted { expires_at: Some(now(&world)), ..plain() })), Some(ProblemCode::InvalidDate));
    let lasting = key_of(&world, ada);
    assert_eq!(code(calls(&world, &short)), None);
    world.pass(60);
    assert_eq!(code(calls(&world, &short)), Some(ProblemCode::Unauthenticated), "over");
    assert_eq!(code(calls(&world, &lasting)), None);

    let fewer = MemberChange { roles: Some(roles(&[Role::PrivacyOfficer])), ..MemberChange::default() };
    block_on(operator(&world).change_member(&ada, fewer)).expect("changed");
    assert_eq!(code(calls(&world, &narrow.key)), Some(ProblemCode::Unauthenticated), "no role is left of it");
    assert_eq!(calls(&world, &lasting).expect("accepted").roles, roles(&[Role::PrivacyOfficer]));
    let away = MemberChange { active: Some(false), ..MemberChange::default() };
    block_on(operator(&world).change_member(&ada, away)).expect("changed");
    assert_eq!(code(calls(&world, &lasting)), Some(ProblemCode::Unauthenticated), "nobody acts for who has left");
    let wrong = lasting.replace(&lasting[lasting.len() - 4..], "0000");
    assert_eq!(code(calls(&world, &wrong)), Some(ProblemCode::Unauthenticated));
}

#[test]
fn a_key_that_was_ended_at_once_is_not_in_force_again_by_a_rotation_that_began_before() {
    let mut told = 0;
    for polls in 0.. {
        let world = opened();
        let ada = member(&world, "ada", &[Role::Auditor]);
        let key = key_of(&world, ada);
        let id = key.split('_').nth(1).expect("an id");
        let lenient = operator(&world);
        let mut slow: Pin<Box<dyn Future<Output = _> + '_>> =
            Box::pin(lenient.rotate_key(Uuid::now_v7(), id, SignedDuration::from_hours(24)));
        if poll_some(&mut slow, polls) {
            break;
        }
        block_on(operator(&world).rotate_key(Uuid::now_v7(), id, SignedDuration::ZERO)).expect("rotated");
        told += usize::from(matches!(block_on(slow), Err(EngineError::Conflict(_))));
        assert_eq!(code(calls(&world, &key)), Some(ProblemCode::Unauthenticated), "after {polls} polls");
    }
    assert!(told > 0);
}

#[test]
fn nobody_publishes_a_map_alone_who_began_before_a_second_member_was_wanted() {
    let mut told = 0;
    for polls in 0.. {
        let world = opened();
        let ada = member(&world, "ada", &[Role::Administrator]);
        let caller = calls(&world, &key_of(&world, ada)).expect("accepted");
        let stands = || block_on(directory(&world).published_map(&organization(), None)).expect("a map");
        let text = format!("{}\n# again\n", stands().yaml);
        let administration = directory(&world).administration(&caller).expect("she may");
        let mut slow: Pin<Box<dyn Future<Output = _> + '_>> = Box::pin(administration.publish_map(&text));
        if poll_some(&mut slow, polls) {
            break;
        }
        assert_eq!(set(&world, |s| s.map_review = true), None);
        let version = stands().version;
        told += usize::from(matches!(block_on(slow), Err(EngineError::Conflict(_))));
        assert_eq!(stands().version, version, "after {polls} polls");
    }
    assert!(told > 0);
}

#[test]
fn an_organization_is_never_without_somebody_who_administers() {
    let world = opened();
    let ada = member(&world, "ada", &[Role::Administrator]);
    let demote = || MemberChange { roles: Some(roles(&[Role::Auditor])), ..MemberChange::default() };
    let away = MemberChange { active: Some(false), ..MemberChange::default() };
    let change = |who: &ActorId, change: MemberChange| code(block_on(operator(&world).change_member(who, change)));
    assert_eq!(change(&ada, demote()), Some(ProblemCode::LastAdministrator));
    assert_eq!(change(&ada, away), Some(ProblemCode::LastAdministrator));
    let bo = member(&world, "bo", &[Role::Administrator, Role::Reviewer]);
    assert_eq!(change(&ada, demote()), None);
    assert_eq!(change(&bo, demote()), Some(ProblemCode::LastAdministrator));
}

#[test]
fn nobody_is_two_members() {
    let world = opened();
    let new = |email: &str| NewMember {
        name: "Ada".to_owned(),
        email: email.to_owned(),
        roles: roles(&[Role::Auditor]),
        teams: vec![],
        oidc_subjects: vec![],
    };
    let add = |email: &str| code(block_on(operator(&world).create_member(Uuid::now_v7(), new(email))));
    assert_eq!((add("ada@staff.example"), add("ADA@staff.example")), (None, Some(ProblemCode::MemberExists)));
    let bo = member(&world, "bo", &[Role::Auditor]);
    let to = |email: &str| MemberChange { email: Some(email.to_owned()), ..MemberChange::default() };
    let moved = |email: &str| code(block_on(operator(&world).change_member(&bo, to(email))));
    assert_eq!((moved("Ada@staff.example"), moved("b@staff.example")), (Some(ProblemCode::MemberExists), None));
    assert_eq!(add("bo@staff.example"), None, "what is given up is free again");
}

#[test]
fn p7_every_change_of_an_organization_is_one_entry_and_nothing_else_is() {
    let world = opened();
    let admin = || operator(&world);
    let seen = std::cell::RefCell::new(entries(&world));
    let noted = |what: &str, names: &[&str]| {
        let now = entries(&world);
        let before = seen.replace(now.clone());
        let new: Vec<_> = now.into_iter().filter(|e| !before.contains(e)).collect();
        // What happened in one millisecond has no order of its own.
        let sorted = |mut names: Vec<&str>| {
            names.sort_unstable();
            names.join(" ")
        };
        let told: Vec<&str> = new.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(sorted(told), sorted(names.to_vec()), "{what}: {new:?}");
        new.into_iter().map(|(_, text)| text).collect::<String>()
    };
    let ada = member(&world, "ada", &[Role::Administrator]);
    let added = noted("a member", &["member_added"]);
    assert!(added.contains(&String::from(ada)) && !added.contains("ada@staff"), "{added}");
    let nothing = MemberChange { active: Some(true), ..MemberChange::default() };
    block_on(admin().change_member(&ada, nothing)).expect("as it is");
    noted("nothing changed", &[]);
    let both = MemberChange {
        name: Some("Ada Lovelace".to_owned()),
        roles: Some(roles(&[Role::Administrator, Role::Reviewer])),
        ..MemberChange::default()
    };
    block_on(admin().change_member(&ada, both)).expect("changed");
    let changed = noted("roles", &["member_changed"]);
    assert!(changed.contains("\"before\":\"administrator\"") && !changed.contains("Lovelace"), "{changed}");
    let key = key_of(&world, ada);
    let made = noted("a key", &["api_key_created"]);
    let (key_id, secret) = key.trim_start_matches("oubli_").split_once('_').expect("both");
    assert!(made.contains(key_id) && !made.contains(secret), "{made}");
    let rotated = block_on(admin().rotate_key(Uuid::now_v7(), key_id, SignedDuration::from_secs(60))).expect("rotated");
    noted("rotated", &["api_key_rotated"]);
    let codes = block_on(admin().enroll_codes(&rotated.key_id)).expect("codes");
    assert!(!noted("codes", &["one_time_codes_enrolled"]).contains(&codes.secret));
    block_on(admin().revoke_key(&rotated.key_id)).expect("revoked");
    block_on(admin().revoke_key(&rotated.key_id)).expect("revoked before");
    noted("revoked", &["api_key_revoked"]);
    assert_eq!(set(&world, |s| s.notify = vec!["dpo@shop.example".to_owned()]), None);
    assert_eq!(set(&world, |_| ()), None);
    let told = noted("settings", &["settings_changed"]);
    assert!(told.contains("notify") && !told.contains("dpo@"), "{told}");
    let named = |s: &mut Settings| (s.name, s.delivery_app) = ("Lovelace & Sons".to_owned(), Some("Lovelace".to_owned()));
    assert_eq!(set(&world, named), None);
    let told = noted("names in settings", &["settings_changed"]);
    assert!(told.contains("delivery_app") && told.contains("\"changed\":true") && !told.contains("Lovelace"), "{told}");
    let current = block_on(directory(&world).published_map(&organization(), None)).expect("a map").yaml;
    let shorter: String = current.lines().filter(|line| !line.contains("name: invoices")).map(|l| format!("{l}\n")).collect();
    block_on(admin().publish_map(&shorter)).expect("published");
    let published = noted("a map", &["data_map_published"]);
    assert!(published.contains("\"producers_dropped\":[\"invoices\"]"), "{published}");
    block_on(admin().publish_map(&current.replace("years: 7", "years: 6").replace("table: lines", "table: parts")))
        .expect("published");
    noted("a map with a new store", &["stores_claimed", "data_map_published"]);
    for refused in [
        code(block_on(admin().revoke_key("0123"))),
        set(&world, |s| s.batch_size = 0),
        set(&world, |s| s.recovery_window_seconds = 0),
        code(block_on(admin().publish_map("version: 2"))),
        code(block_on(admin().confirm_map("sha256:0"))),
    ] {
        assert!(refused.is_some());
    }
    noted("refusals", &[]);
}

/// The least that each setting can be, and nothing where it need not be set.
fn least() -> Settings {
    Settings {
        name: "n".to_owned(),
        country: Country::Fr,
        time_zone: "UTC".to_owned(),
        recovery_window_seconds: 0,
        four_eyes: false,
        separate_attestation: false,
        attestation_valid_days: None,
        map_review: false,
        batch_size: 1,
        concurrent_requests: 1,
        lanes: 1,
        decision_valid_seconds: 1,
        forget_after_days: 0,
        unverified_ends_after_days: 1,
        unreviewed_ends_after_days: 1,
        failed_ends_after_days: 1,
        export_kept_seconds: 10,
        export_review: false,
        export_review_records: 0,
        export_openers: vec![Role::Auditor],
        export_step_up: false,
        confirm_found_identifiers: false,
        notify: vec![],
        language: Language::En,
        file_prefix: String::new(),
        delivery_bucket: None,
        delivery_names_people: false,
        delivery_app: None,
    }
}

/// The most that each can be.
fn most() -> Settings {
    Settings {
        name: "n".repeat(200),
        country: Country::De,
        time_zone: "Europe/Berlin".to_owned(),
        recovery_window_seconds: 366 * 24 * 3600,
        four_eyes: true,
        separate_attestation: true,
        attestation_valid_days: Some(3650),
        map_review: true,
        batch_size: 1000,
        concurrent_requests: 32,
        lanes: 32,
        decision_valid_seconds: 366 * 24 * 3600,
        forget_after_days: 3650,
        unverified_ends_after_days: 3650,
        unreviewed_ends_after_days: 3650,
        failed_ends_after_days: 3650,
        export_kept_seconds: 90 * 24 * 3600,
        export_review: true,
        export_review_records: 100_000_000,
        export_openers: Role::ALL.to_vec(),
        export_step_up: true,
        confirm_found_identifiers: true,
        notify: (0..10).map(|n| format!("dpo{n}@shop.example")).collect(),
        language: Language::De,
        file_prefix: "p".repeat(40),
        delivery_bucket: Some("b".repeat(63)),
        delivery_names_people: true,
        delivery_app: Some("a".repeat(100)),
    }
}

#[test]
fn settings_are_read_as_they_were_written_whatever_they_are() {
    let fields = |settings: &Settings| serde_json::to_value(settings).expect("JSON");
    for (name, value) in fields(&least()).as_object().expect("settings") {
        assert_ne!(*value, fields(&most())[name], "{name} is tried with one value");
    }
    for (first, second) in [(least(), most()), (most(), least())] {
        let world = opened();
        let acme: OrganizationId = "acme".parse().expect("an id");
        let read = || block_on(directory(&world).settings(&acme)).expect("settings");
        assert_eq!(first.problems(), []);
        assert_eq!(block_on(directory(&world).operator(&acme, None).create_organization(first.clone())).ok(), Some(true));
        assert_eq!(read(), first, "as it was made");
        for next in [&second, &first] {
            let change = |_| Ok::<_, EngineError>(next.clone());
            let changed = block_on(directory(&world).operator(&acme, None).update_settings(Some(NO_RECOVERY), change));
            assert_eq!((changed.as_ref().ok(), &read()), (Some(next), next), "as it was changed");
        }
    }
}

#[test]
fn p5_a_window_of_nothing_has_to_be_meant() {
    let world = opened();
    let none = |confirmed: Option<&str>| set_confirmed(&world, confirmed, |s| s.recovery_window_seconds = 0);
    assert_eq!(none(None), Some(ProblemCode::ConfirmationNeeded));
    assert_eq!(none(Some("yes")), Some(ProblemCode::ConfirmationNeeded));
    assert_eq!(none(Some("no recovery")), None);
}

#[test]
fn p8_a_store_belongs_to_one_organization_unless_whoever_operates_it_all_shares_it() {
    let world = opened();
    let acme: OrganizationId = "acme".parse().expect("an id");
    let acme = || directory(&world).operator(&acme, None);
    let settings = Settings::new("Acme".to_owned(), Country::Fr, "Europe/Paris".to_owned());
    block_on(acme().create_organization(settings)).expect("made");
    let map = |store: &str, location: &str| {
        format!("version: 1\nstores:\n  s: {store}\nproducers:\n  - {{name: p, category: c, store: s, {location}}}\n")
    };
    let orders = "table: orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]";
    let by_arn = "table: 'arn:aws:dynamodb:local:111122223333:table/orders', key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]";
    let own = "table: acme-orders, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]";
    let files = "bucket: files, select: [{by: subject_id, prefix: 'u/{}/'}]";
    let publish = |store: &str, location: &str| code(block_on(acme().publish_map(&map(store, location))));
    for (store, location) in [
        ("{connector: dynamodb}", orders),
        ("{connector: dynamodb, region: local}", orders),
        ("{connector: dynamodb}", by_arn),
        ("{connector: s3}", files),
    ] {
        assert_eq!(publish(store, location), Some(ProblemCode::StoreClaimed), "{store} {location}");
    }
    assert_eq!(publish("{connector: dynamodb, region: elsewhere}", orders), None, "another table of that name");
    assert_eq!(publish("{connector: dynamodb}", own), None);
    let theirs = map("{connector: dynamodb}", own);
    assert_eq!(code(block_on(operator(&world).publish_map(&theirs))), Some(ProblemCode::StoreClaimed), "it is acme's now");
    block_on(acme().share_store("dynamodb/orders")).expect("shared");
    assert_eq!(publish("{connector: dynamodb}", orders), None);
    assert_eq!(publish("{connector: s3}", files), Some(ProblemCode::StoreClaimed), "no more than was shared");
}

#[test]
fn p1_oublis_own_stores_are_no_organizations() {
    let world = opened();
    let address = |text: &str| StoreAddress::parse(text, "local").expect("a store");
    let own_stores = vec![address("dynamodb/oubli-keys"), address("s3/oubli-work")];
    let engine = Engine::with_config(ports(&world), Config { own_stores, ..Config::default() });
    let ours = || engine.directory().operator(&organization(), None);
    let map = |store: &str, location: &str| {
        format!("version: 1\nstores:\n  s: {store}\nproducers:\n  - {{name: p, category: c, store: s, {location}}}\n")
    };
    let table =
        |name: &str| format!("table: '{name}', key: [id], select: [{{by: subject_id, index: by_owner, attribute: owner}}]");
    let bucket = |name: &str| format!("bucket: {name}, select: [{{by: subject_id, prefix: 'u/{{}}/'}}]");
    let (dynamodb, s3) = ("{connector: dynamodb}", "{connector: s3}");
    let publish = |store: &str, location: &str| code(block_on(ours().publish_map(&map(store, location))));
    let refused = Some(ProblemCode::StoreClaimed);
    for (store, location) in [
        (dynamodb, table("oubli-keys")),
        (dynamodb, table("arn:aws:dynamodb:local:111122223333:table/oubli-keys")),
        (s3, bucket("oubli-work")),
    ] {
        assert_eq!(publish(store, &location), refused, "{location}");
    }
    assert_eq!(code(block_on(ours().share_store("s3/oubli-work"))), refused, "nor does whoever operates it share one");
    let delivers = |stand: Settings| Ok::<_, EngineError>(Settings { delivery_bucket: Some("oubli-work".to_owned()), ..stand });
    assert_eq!(code(block_on(ours().update_settings(None, delivers))), refused);
    assert_eq!(publish(s3, &bucket("oubli-works")), None);
}

#[test]
fn p8_a_delivery_bucket_belongs_to_one_organization_as_every_store_does() {
    let world = opened();
    let (ours, acme): (OrganizationId, OrganizationId) = (organization(), "acme".parse().expect("an id"));
    let of = |organization: &OrganizationId| directory(&world).operator(organization, None);
    let plain = || Settings::new("Acme".to_owned(), Country::Fr, "Europe/Paris".to_owned());
    block_on(of(&acme).create_organization(plain())).expect("made");
    let delivers = |organization: &OrganizationId, bucket: Option<&str>| {
        let change = |stand: Settings| Ok::<_, EngineError>(Settings { delivery_bucket: bucket.map(str::to_owned), ..stand });
        code(block_on(of(organization).update_settings(None, change)))
    };
    let map = |bucket: &str| {
        let files = format!("bucket: {bucket}, select: [{{by: subject_id, prefix: 'u/{{}}/'}}]");
        format!("version: 1\nstores:\n  s: {{connector: s3}}\nproducers:\n  - {{name: p, category: c, store: s, {files}}}\n")
    };
    let claimed = Some(ProblemCode::StoreClaimed);

    assert_eq!(delivers(&ours, Some("exports")), None);
    let told = entries(&world);
    let tells = |name: &str, text: &str| name == "settings_changed" && text.contains("\"stores_claimed\":[\"s3/exports\"]");
    assert!(told.iter().any(|(name, text)| tells(name, text)), "{told:?}");
    assert_eq!(delivers(&acme, Some("exports")), claimed);
    assert_eq!(block_on(directory(&world).settings(&acme)).expect("settings").delivery_bucket, None, "nothing changed");
    assert_eq!(code(block_on(of(&acme).publish_map(&map("exports")))), claimed, "nor does a map name it");
    assert_eq!(delivers(&acme, Some("files")), claimed, "a map of ours names it");
    assert_eq!(delivers(&ours, Some("files")), None, "which does not keep it from us");
    assert_eq!(code(block_on(of(&acme).publish_map(&map("acme-files")))), None);
    assert_eq!(delivers(&ours, Some("acme-files")), claimed);
    assert_eq!(delivers(&ours, None), None);
    assert_eq!(delivers(&acme, Some("exports")), claimed, "what was delivered there may still be taken back from there");

    let third: OrganizationId = "third".parse().expect("an id");
    let settings = || Settings { delivery_bucket: Some("exports".to_owned()), ..plain() };
    assert_eq!(code(block_on(of(&third).create_organization(settings()))), claimed);
    assert_eq!(block_on(of(&third).create_organization(plain())).ok(), Some(true), "it was not made by half");
    let fourth: OrganizationId = "fourth".parse().expect("an id");
    let settings = || Settings { delivery_bucket: Some("fourth-exports".to_owned()), ..plain() };
    assert_eq!(block_on(of(&fourth).create_organization(settings())).ok(), Some(true));
    assert_eq!(delivers(&acme, Some("fourth-exports")), claimed, "from the beginning");

    block_on(of(&acme).share_store("s3/exports")).expect("shared");
    assert_eq!(delivers(&acme, Some("exports")), None);
    assert_eq!(delivers(&third, Some("exports")), claimed, "with nobody else");
}

#[test]
fn p8_of_two_organizations_that_name_a_bucket_at_once_one_has_it() {
    let mut told = 0;
    for polls in 0.. {
        let world = opened();
        let acme: OrganizationId = "acme".parse().expect("an id");
        let settings = Settings::new("Acme".to_owned(), Country::Fr, "Europe/Paris".to_owned());
        block_on(directory(&world).operator(&acme, None).create_organization(settings)).expect("made");
        let exports = |stand: Settings| Ok::<_, EngineError>(Settings { delivery_bucket: Some("exports".to_owned()), ..stand });
        let ours = operator(&world);
        let mut slow: Pin<Box<dyn Future<Output = _> + '_>> = Box::pin(ours.update_settings(None, exports));
        if poll_some(&mut slow, polls) {
            break;
        }
        let quick = block_on(directory(&world).operator(&acme, None).update_settings(None, exports));
        let slow = block_on(slow);
        told += usize::from(matches!(slow, Err(EngineError::Conflict(_))));
        assert!(slow.is_ok() != quick.is_ok(), "after {polls} polls: {slow:?} {quick:?}");
    }
    assert!(told > 0);
}

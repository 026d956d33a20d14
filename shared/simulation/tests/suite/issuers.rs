//! Tokens of issuers beside API keys: whose they are, and that nobody becomes somebody else by one.

use crate::support::{approval, entries, id, opened, request};
use jiff::Timestamp;
use oubli_domain::{
    access::{Caller, Role, Roles},
    deadline::Country,
    ids::{ActorId, OrganizationId},
    issuer::{ClaimMapping, Issuer, SigningAlgorithm},
    settings::Settings,
};
use oubli_engine::{
    Directory, Engine, EngineError, ProblemCode,
    api::RequestKind,
    directory::{Administration, GivenSubject, Member, MemberChange, NewKeyWanted, NewMember},
};
use oubli_simulation::{SimIssuers, World, organization, polls::block_on};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc};
use uuid::Uuid;

const LOGIN: &str = "https://login.acme.example";

fn engine(world: &World) -> Engine {
    crate::support::engine(world).with_issuers(Arc::new(SimIssuers))
}

fn directory(world: &World) -> Directory {
    engine(world).directory()
}

fn of(world: &World, organization: &str) -> Administration {
    directory(world).operator(&organization.parse().expect("an id"), None)
}

fn operator(world: &World) -> Administration {
    directory(world).operator(&organization(), None)
}

fn now(world: &World) -> i64 {
    Timestamp::from_millisecond(world.lock().now_ms).expect("a time").as_second()
}

fn roles(roles: &[Role]) -> Roles {
    Roles::new(roles.iter().copied()).expect("roles")
}

/// An issuer as it is taken for an audience.
fn issuer(audience: &str) -> Issuer {
    Issuer {
        issuer: LOGIN.parse().expect("an address"),
        audiences: [audience.to_owned()].into(),
        algorithms: [SigningAlgorithm::EdDsa].into(),
        jwks_uri: None,
        subject_claim: "sub".to_owned(),
        roles: None,
        teams: None,
        clock_skew_seconds: 30,
        create_members: false,
    }
}

/// The same, with roles by groups.
fn by_groups(audience: &str) -> Issuer {
    let pairs = [("dpo", Role::PrivacyOfficer), ("review", Role::Reviewer), ("audit", Role::Auditor)];
    let values = pairs.into_iter().map(|(group, role)| (group.to_owned(), [role].into())).collect();
    let teams = BTreeMap::from([("europe".to_owned(), ["EU".to_owned()].into())]);
    let groups = "groups".to_owned();
    Issuer {
        roles: Some(ClaimMapping { claim: groups.clone(), values }),
        teams: Some(ClaimMapping { claim: groups, values: teams }),
        ..issuer(audience)
    }
}

fn take(administration: &Administration, name: &str, taken: Issuer) -> Option<ProblemCode> {
    code(block_on(administration.set_issuer(name.parse().expect("a name"), taken)))
}

/// A token for the audience `oubli`, for five minutes, with some claims otherwise.
fn token(world: &World, subject: &str, other: &Value) -> String {
    let now = now(world);
    let mut claims = json!({ "iss": LOGIN, "aud": "oubli", "sub": subject, "iat": now, "exp": now + 300 });
    for (name, value) in other.as_object().expect("claims") {
        claims[name] = value.clone();
    }
    SimIssuers::token(LOGIN, &claims)
}

fn calls(world: &World, bearer: &str) -> Result<Caller, EngineError> {
    block_on(directory(world).authenticate(bearer, None))
}

fn admitted(world: &World, bearer: &str) -> Result<Caller, EngineError> {
    block_on(directory(world).admit(bearer, None))
}

fn code<T>(answer: Result<T, EngineError>) -> Option<ProblemCode> {
    match answer {
        Ok(_) => None,
        Err(EngineError::Refused(refusal)) => Some(refusal.code),
        Err(other) => panic!("{other}"),
    }
}

fn at_login(subject: &str) -> GivenSubject {
    GivenSubject { issuer: LOGIN.to_owned(), subject: subject.to_owned() }
}

fn new_member(name: &str, of: &[Role], subjects: &[&str]) -> NewMember {
    NewMember {
        name: name.to_owned(),
        email: format!("{name}@staff.example"),
        roles: roles(of),
        teams: vec![],
        oidc_subjects: subjects.iter().map(|subject| at_login(subject)).collect(),
    }
}

fn member(world: &World, name: &str, of: &[Role], subjects: &[&str]) -> ActorId {
    block_on(operator(world).create_member(Uuid::now_v7(), new_member(name, of, subjects))).expect("a member").id
}

fn known_as(world: &World, member: &ActorId, subjects: &[&str]) -> Result<Member, EngineError> {
    let oidc_subjects = Some(subjects.iter().map(|subject| at_login(subject)).collect());
    block_on(operator(world).change_member(member, MemberChange { oidc_subjects, ..MemberChange::default() }))
}

fn key_of(world: &World, member: ActorId) -> String {
    let wanted = NewKeyWanted { member: Some(member), name: "key".to_owned(), ..NewKeyWanted::default() };
    block_on(operator(world).create_key(Uuid::now_v7(), wanted)).expect("a key").key
}

#[test]
fn p1_whoever_asked_with_a_key_does_not_approve_with_a_token() {
    let world = opened();
    assert_eq!(take(&operator(&world), "login", issuer("oubli")), None);
    let ada = member(&world, "ada", &[Role::PrivacyOfficer, Role::Reviewer], &["248289761001"]);
    let bo = member(&world, "bo", &[Role::Reviewer], &["248289761002"]);
    let engine = engine(&world);
    let by_key = calls(&world, &key_of(&world, ada)).expect("accepted");
    let by_token = calls(&world, &token(&world, "248289761001", &json!({}))).expect("accepted");
    assert_eq!(by_key, by_token, "one and the same");
    block_on(engine.requests().submit(&by_key, request(&world, "alice", RequestKind::FullErasure))).expect("submitted");
    block_on(engine.discovery().discover(&organization(), &id())).expect("discovered");
    let approves = |caller: &Caller| code(block_on(engine.reviews().approve(caller, id(), approval())));
    assert_eq!(approves(&by_token), Some(ProblemCode::OwnRequest));
    let other = calls(&world, &token(&world, "248289761002", &json!({}))).expect("accepted");
    assert_eq!(other.actor, bo);
    assert_eq!(approves(&other), None);
}

#[test]
fn p8_a_token_leads_to_the_one_organization_that_takes_it() {
    let world = opened();
    let acme: OrganizationId = "acme".parse().expect("an id");
    let settings = Settings::new("Acme".to_owned(), Country::Fr, "Europe/Paris".to_owned());
    block_on(of(&world, "acme").create_organization(settings)).expect("made");
    let both = json!({ "aud": ["oubli", "oubli-demo"] });
    let ours = || code(calls(&world, &token(&world, "ada", &json!({}))));

    assert_eq!(ours(), Some(ProblemCode::Unauthenticated), "nobody takes it");
    assert_eq!(take(&of(&world, "acme"), "login", issuer("oubli")), None);
    assert_eq!(ours(), Some(ProblemCode::UnknownMember));
    assert_eq!(take(&operator(&world), "sso", issuer("oubli")), Some(ProblemCode::IssuerClaimed));
    assert_eq!(take(&operator(&world), "sso", issuer("oubli-demo")), None, "the same issuer for an audience of its own");
    let ada = member(&world, "ada", &[Role::Auditor], &["ada"]);
    assert_eq!(ours(), Some(ProblemCode::UnknownMember), "whom it means here is nobody there");
    let theirs = calls(&world, &token(&world, "ada", &json!({ "aud": "oubli-demo" }))).expect("accepted");
    assert_eq!((theirs.organization, theirs.actor), (organization(), ada));
    assert_eq!(code(calls(&world, &token(&world, "ada", &both))), Some(ProblemCode::Unauthenticated), "for two at once");
    let more = Issuer { audiences: ["oubli".to_owned(), "oubli-demo".to_owned()].into(), ..issuer("oubli-demo") };
    assert_eq!(take(&operator(&world), "sso", more.clone()), Some(ProblemCode::IssuerClaimed));
    assert_eq!(take(&operator(&world), "second", issuer("oubli-demo")), Some(ProblemCode::IssuerClaimed), "nor for two of ours");

    let away = block_on(directory(&world).operator(&acme, None).remove_issuer(&"login".parse().expect("a name")));
    assert_eq!(code(away), None);
    assert_eq!(ours(), Some(ProblemCode::Unauthenticated));
    assert_eq!(take(&operator(&world), "sso", more), None, "what is given up is free again");
    assert_eq!(calls(&world, &token(&world, "ada", &both)).map(|caller| caller.actor).ok(), Some(ada));
    assert_eq!(take(&operator(&world), "sso", issuer("oubli-demo")), None);
    assert_eq!(ours(), Some(ProblemCode::Unauthenticated));
}

#[test]
fn p8_a_token_is_taken_in_its_time_of_an_active_member_and_for_no_more_roles_than_both_have() {
    let world = opened();
    assert_eq!(take(&operator(&world), "login", by_groups("oubli")), None);
    let ada = member(&world, "ada", &[Role::PrivacyOfficer, Role::Auditor], &["ada"]);
    let with = |groups: Value| calls(&world, &token(&world, "ada", &json!({ "groups": groups })));
    assert_eq!(with(json!(["dpo", "audit", "staff"])).expect("accepted").roles, roles(&[Role::PrivacyOfficer, Role::Auditor]));
    assert_eq!(with(json!(["audit", "review"])).expect("accepted").roles, roles(&[Role::Auditor]), "no more than the member");
    assert_eq!(with(json!("dpo")).expect("accepted").roles, roles(&[Role::PrivacyOfficer]));
    for none in [json!(["review"]), json!(["staff"]), json!([]), Value::Null] {
        assert_eq!(code(with(none)), Some(ProblemCode::Unauthenticated), "no role is left");
    }
    let groups = json!({ "groups": ["dpo"] });
    let lasting = token(&world, "ada", &groups);
    assert_eq!(code(calls(&world, &lasting)), None);
    world.pass(329);
    assert_eq!(code(calls(&world, &lasting)), None, "clocks may differ");
    world.pass(1);
    assert_eq!(code(calls(&world, &lasting)), Some(ProblemCode::Unauthenticated), "over");
    let fresh = || code(calls(&world, &token(&world, "ada", &groups)));
    assert_eq!(fresh(), None);
    let active = |active| {
        let change = MemberChange { active: Some(active), ..MemberChange::default() };
        block_on(operator(&world).change_member(&ada, change)).expect("changed");
    };
    active(false);
    assert_eq!(fresh(), Some(ProblemCode::Unauthenticated), "nobody acts for who has left");
    active(true);
    assert_eq!(fresh(), None);
    let wrong = token(&world, "ada", &groups);
    let swapped = format!("{}.{}", wrong.rsplit_once('.').expect("a token").0, lasting.rsplit('.').next().expect("a signature"));
    assert_eq!(code(calls(&world, &swapped)), Some(ProblemCode::Unauthenticated));
    assert_eq!(code(calls(&world, &token(&world, "eve", &groups))), Some(ProblemCode::UnknownMember));
}

#[test]
fn somebody_at_an_issuer_is_one_member() {
    let world = opened();
    let unknown = block_on(operator(&world).create_member(Uuid::now_v7(), new_member("ada", &[Role::Auditor], &["a1"])));
    assert_eq!(code(unknown), Some(ProblemCode::InvalidValue), "the organization takes no tokens of it yet");
    assert_eq!(take(&operator(&world), "login", issuer("oubli")), None);
    let ada = member(&world, "ada", &[Role::Auditor], &["a1", "a2"]);
    let again = block_on(operator(&world).create_member(Uuid::now_v7(), new_member("bo", &[Role::Auditor], &["a2"])));
    assert_eq!(code(again), Some(ProblemCode::OidcSubjectTaken));
    let bo = member(&world, "bo", &[Role::Auditor], &[]);
    assert_eq!(code(known_as(&world, &bo, &["b1", "a1"])), Some(ProblemCode::OidcSubjectTaken));
    let actor = |subject: &str| calls(&world, &token(&world, subject, &json!({}))).map(|caller| caller.actor).ok();
    assert_eq!((actor("a1"), actor("a2"), actor("b1")), (Some(ada), Some(ada), None), "nothing of a refused change is done");
    let left = known_as(&world, &ada, &["a2"]).expect("changed");
    assert_eq!(left.oidc_subjects.len(), 1);
    assert_eq!(code(known_as(&world, &bo, &["a1"])), None, "what is given up is free again");
    assert_eq!((actor("a1"), actor("a2")), (Some(bo), Some(ada)));
    for wrong in ["", &"a".repeat(256), "a\nb"] {
        assert_eq!(code(known_as(&world, &bo, &[wrong])), Some(ProblemCode::InvalidValue));
    }
    let many: Vec<String> = (0..11).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(code(known_as(&world, &bo, &many)), Some(ProblemCode::TooMany));
}

#[test]
fn nobody_becomes_somebody_else_when_an_issuer_goes_by_another_claim() {
    let world = opened();
    assert_eq!(take(&operator(&world), "login", issuer("oubli")), None);
    let ada = member(&world, "ada", &[Role::Administrator], &["ada"]);
    // Whoever may choose a name for themselves would be the member who is called so in `sub`.
    let other = Issuer { subject_claim: "nickname".to_owned(), ..issuer("oubli") };
    let second = Issuer { audiences: ["second".to_owned()].into(), ..other.clone() };
    assert_eq!(take(&operator(&world), "second", second), Some(ProblemCode::InvalidValue), "one issuer, one claim");
    assert_eq!(take(&operator(&world), "login", other), None);
    let chosen = token(&world, "eve", &json!({ "nickname": "ada" }));
    assert_eq!(code(calls(&world, &chosen)), Some(ProblemCode::UnknownMember));
    assert_eq!(code(known_as(&world, &ada, &["ada"])), None, "an administrator says so anew");
    assert_eq!(calls(&world, &chosen).expect("accepted").actor, ada);
    let name = "login".parse().expect("a name");
    block_on(operator(&world).remove_issuer(&name)).expect("removed");
    assert_eq!(code(known_as(&world, &ada, &["ada"])), None, "what a member has is kept without its issuer");
    assert_eq!(code(known_as(&world, &ada, &["other"])), Some(ProblemCode::InvalidValue));
}

#[test]
fn somebody_becomes_a_member_at_first_sight_where_the_issuer_is_taken_so() {
    let world = opened();
    let admits = Issuer { create_members: true, ..by_groups("oubli") };
    assert_eq!(take(&operator(&world), "login", by_groups("oubli")), None);
    let about = |email: &str| json!({ "email": email, "name": " Ada Lovelace ", "groups": ["audit", "europe"] });
    let ada = token(&world, "ada", &about("ada@acme.example"));
    assert_eq!(code(admitted(&world, &ada)), Some(ProblemCode::UnknownMember), "not so");
    assert_eq!(take(&operator(&world), "login", admits), None);
    assert_eq!(code(calls(&world, &ada)), Some(ProblemCode::UnknownMember), "not by who may not write the directory");
    let first = admitted(&world, &ada).expect("admitted");
    assert_eq!(first.roles, roles(&[Role::Auditor]));
    assert_eq!(calls(&world, &ada).expect("accepted"), first);
    assert_eq!(admitted(&world, &ada).expect("accepted"), first, "nobody becomes a member twice");
    let auditor = Caller { roles: Roles::of(Role::Auditor), ..first.clone() };
    let made = block_on(directory(&world).member(&auditor, &first.actor)).expect("a member");
    assert_eq!(
        (made.name.as_str(), made.email.as_str(), made.teams),
        ("Ada Lovelace", "ada@acme.example", vec!["EU".to_owned()])
    );

    let with = |subject: &str, other: &Value| {
        let mut claims = about("bo@acme.example");
        for (name, value) in other.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        code(admitted(&world, &token(&world, subject, &claims)))
    };
    for (why, other) in [
        ("another member has the address, who may be somebody else", json!({ "email": "ADA@acme.example" })),
        ("nobody knows whose the address is", json!({ "email_verified": false })),
        ("no address", json!({ "email": null })),
        ("no address that can be one", json!({ "email": "bo" })),
        ("no role", json!({ "groups": ["staff"] })),
    ] {
        assert_eq!(with("bo", &other), Some(ProblemCode::UnknownMember), "{why}");
    }
    assert_eq!(with("bo", &json!({ "email_verified": true, "name": null })), None);
    let away = MemberChange { active: Some(false), ..MemberChange::default() };
    block_on(operator(&world).change_member(&first.actor, away)).expect("changed");
    assert_eq!(code(admitted(&world, &ada)), Some(ProblemCode::Unauthenticated), "whoever left does not come back by it");
}

#[test]
fn p7_every_change_of_issuers_and_whom_they_mean_is_one_entry_that_names_nobody() {
    let world = opened();
    let seen = std::cell::RefCell::new(entries(&world));
    let noted = |what: &str, names: &[&str]| {
        let now = entries(&world);
        let before = seen.replace(now.clone());
        let new: Vec<_> = now.into_iter().filter(|entry| !before.contains(entry)).collect();
        assert_eq!(new.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), names, "{what}: {new:?}");
        new.into_iter().map(|(_, text)| text).collect::<String>()
    };
    assert_eq!(take(&operator(&world), "login", by_groups("oubli")), None);
    let set = noted("an issuer", &["issuer_set"]);
    assert!(set.contains(LOGIN) && set.contains("privacy_officer") && set.contains("EdDSA"), "{set}");
    assert_eq!(take(&operator(&world), "login", by_groups("oubli")), None);
    noted("as it was", &[]);
    let admits = Issuer { create_members: true, ..by_groups("oubli") };
    assert_eq!(take(&operator(&world), "login", admits), None);
    let changed = noted("another way", &["issuer_set"]);
    assert!(changed.contains("\"before\":false") && !changed.contains("EdDSA"), "{changed}");
    let ada = member(&world, "ada", &[Role::Administrator], &["248289761001"]);
    assert!(!noted("a member", &["member_added"]).contains("248289761001"));
    known_as(&world, &ada, &["248289761002"]).expect("changed");
    let moved = noted("whom an issuer means", &["member_changed"]);
    assert!(moved.contains("[\"oidc_subjects\"]") && !moved.contains("24828976100"), "{moved}");
    known_as(&world, &ada, &["248289761002"]).expect("as they were");
    noted("the same", &[]);
    let claims = json!({ "email": "bo@acme.example", "name": "Bo", "groups": ["audit"] });
    let bo = admitted(&world, &token(&world, "248289761003", &claims)).expect("admitted");
    let made = noted("at first sight", &["member_added"]);
    assert!(made.contains("\"by\":\"issuer\"") && made.contains(&String::from(bo.actor)), "{made}");
    assert!(!made.contains("bo@acme") && !made.contains("248289761003"), "{made}");
    admitted(&world, &token(&world, "248289761003", &claims)).expect("accepted");
    calls(&world, &token(&world, "248289761002", &json!({ "groups": ["audit"] }))).expect_err("no role is left");
    noted("calls", &[]);
    for refused in [
        take(&operator(&world), "login", Issuer { clock_skew_seconds: 121, ..issuer("oubli") }),
        take(&operator(&world), "here", Issuer { issuer: "http://127.0.0.1:9001".parse().expect("local"), ..issuer("x") }),
        code(block_on(operator(&world).remove_issuer(&"nobody".parse().expect("a name")))),
        code(known_as(&world, &ada, &["248289761003"])),
    ] {
        assert!(refused.is_some());
    }
    noted("refusals", &[]);
    block_on(operator(&world).remove_issuer(&"login".parse().expect("a name"))).expect("removed");
    noted("an issuer no more", &["issuer_removed"]);
}

/// What the newest entry says that an issuer was set by.
fn newest_set(world: &World) -> Value {
    let set = entries(world).into_iter().filter(|(name, _)| name == "issuer_set").map(|(_, text)| text);
    let events: Vec<Value> = set.map(|text| serde_json::from_str(&text).expect("JSON")).collect();
    let newest = events.into_iter().max_by_key(|event| event["timestamp"].as_str().map(ToOwned::to_owned));
    newest.expect("an entry")["details"].clone()
}

#[test]
fn p7_what_the_values_of_an_issuers_claims_are_is_in_no_entry() {
    let world = opened();
    let roles = |pairs: &[(&str, &[Role])]| {
        let values = pairs.iter().map(|(value, roles)| ((*value).to_owned(), roles.iter().copied().collect())).collect();
        Some(ClaimMapping { claim: "email".to_owned(), values })
    };
    let teams = |team: &str| {
        let values = BTreeMap::from([("cn=lovelace".to_owned(), [team.to_owned(), "EU".to_owned()].into())]);
        Some(ClaimMapping { claim: "groups".to_owned(), values })
    };
    let set = |roles, teams| {
        world.pass(60);
        assert_eq!(take(&operator(&world), "login", Issuer { roles, teams, ..issuer("oubli") }), None);
        newest_set(&world)
    };
    let ada: &[Role] = &[Role::Auditor, Role::Reviewer];
    let new = set(roles(&[("ada@acme.example", ada), ("bo@acme.example", &[Role::Auditor])]), teams("Friends of Ada"));
    let by_email = |values: usize, values_for: Value| json!({ "claim": "email", "values": values, "values_for": values_for });
    let first = by_email(2, json!({ "auditor": 2, "reviewer": 1 }));
    assert_eq!(new["taken"]["roles"], first);
    assert_eq!(new["taken"]["teams"], json!({ "claim": "groups", "values": 1, "teams": 2 }));

    let other = set(roles(&[("cy@acme.example", ada), ("bo@acme.example", &[Role::Auditor])]), teams("Friends of Ada"));
    assert_eq!(other["roles"], json!({ "before": first, "after": first, "values_changed": true }), "as many, and others");
    assert_eq!(other["teams"], Value::Null, "it stayed");
    let renamed = set(roles(&[("cy@acme.example", ada), ("bo@acme.example", &[Role::Auditor])]), teams("Friends of Cy"));
    assert_eq!((&renamed["teams"]["values_changed"], &renamed["roles"]), (&json!(true), &Value::Null));
    let gone = set(roles(&[("cy@acme.example", ada)]), None);
    let one = by_email(1, json!({ "auditor": 1, "reviewer": 1 }));
    assert_eq!(gone["roles"], json!({ "before": first, "after": one, "values_changed": true }));
    assert_eq!((&gone["teams"]["after"], &gone["teams"]["values_changed"]), (&Value::Null, &json!(true)));

    for (name, text) in entries(&world) {
        for word in ["@acme.example", "lovelace", "Friends of"] {
            assert!(!text.contains(word), "{word} stands in {name}: {text}");
        }
    }
    let auditor = Caller {
        organization: organization(),
        actor: member(&world, "au", &[Role::Auditor], &[]),
        roles: Roles::of(Role::Auditor),
    };
    let kept = block_on(directory(&world).issuers(&auditor)).expect("issuers").pop().expect("one").taken;
    assert_eq!(kept.roles, roles(&[("cy@acme.example", ada)]), "where it is set it stands");
}

#[test]
fn the_hour_in_which_tokens_of_an_issuer_were_last_used_is_known() {
    let world = opened();
    assert_eq!(take(&operator(&world), "login", issuer("oubli")), None);
    let ada = member(&world, "ada", &[Role::Auditor], &["ada"]);
    let auditor = Caller { organization: organization(), actor: ada, roles: Roles::of(Role::Auditor) };
    let used = || block_on(directory(&world).issuers(&auditor)).expect("issuers").pop().expect("one").last_used_at;
    assert_eq!(used(), None);
    calls(&world, &token(&world, "eve", &json!({}))).expect_err("nobody");
    assert_eq!(used(), None, "what is refused is no use");
    calls(&world, &token(&world, "ada", &json!({}))).expect("accepted");
    let hour = Timestamp::from_second(now(&world) / 3600 * 3600).ok();
    assert_eq!(used(), hour);
}

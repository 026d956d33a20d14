//! Who sees whom something is about, what is noted of that, and which pages a cursor opens.

use crate::support::{approval, drive, engine, id, officer, opened, plan, planned, request, reviewer};
use data_encoding::HEXLOWER;
use oubli_domain::{
    access::{Caller, Role, Roles},
    audit::AuditEvent,
    ids::{ActorId, RequestId},
    personal::Identity,
    plan::Exclusion,
};
use oubli_engine::{
    EngineError, ProblemCode,
    api::{Approval, AuditQuery, NewHold, RequestFilter, RequestKind, RestoreOrder, Shown},
};
use oubli_simulation::{World, new_request, organization, polls::block_on};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

fn somebody(number: u128, role: Role) -> Caller {
    Caller { actor: ActorId::from_uuid(Uuid::from_u128(number)), roles: Roles::of(role), ..officer() }
}

fn code<T>(answer: Result<T, EngineError>) -> Option<ProblemCode> {
    match answer {
        Ok(_) => None,
        Err(EngineError::Refused(refusal)) => Some(refusal.code),
        Err(other) => panic!("{other}"),
    }
}

/// What the log, sealed or not, says of readings; read by nobody who would be noted again.
fn noted(world: &World, name: &str) -> Vec<AuditEvent> {
    let mut events: Vec<AuditEvent> = Vec::new();
    {
        let state = world.lock();
        let outbox = state.items.iter().filter(|(key, _)| key.pk.ends_with("#outbox")).map(|(_, item)| item.clone());
        let read = |item: oubli_engine::ports::Item| {
            let event = item.get("event").cloned().unwrap_or_else(|| serde_json::to_value(item).expect("JSON"));
            serde_json::from_value(event).ok()
        };
        events.extend(outbox.filter_map(read));
    }
    events.retain(|event| serde_json::to_value(event.event_type).expect("JSON") == name);
    events
}

#[test]
fn p8_who_somebody_is_is_shown_to_whoever_asks_and_may_and_is_noted() {
    let world = planned();
    let requests = || engine(&world).requests();
    for role in Role::ALL {
        let caller = somebody(40 + role as u128, role);
        let plain = block_on(requests().request(&caller, id())).expect("shown");
        assert_eq!(plain.shown, Shown::Withheld, "{role}");
        assert!(plain.request.identity.is_none() && plain.identifiers.iter().all(|i| i.known.is_none()), "{role}");
        assert!(!plain.identifiers.is_empty(), "{role}: that there are some is no secret");
        let may = !matches!(role, Role::Auditor | Role::Service);
        let revealed = block_on(requests().reveal(&caller, id()));
        assert_eq!(revealed.is_ok(), may, "{role}");
        if let Ok(revealed) = revealed {
            assert_eq!(revealed.shown, Shown::Revealed);
            let named = |i: &oubli_engine::api::IdentifierView| i.known.as_ref().is_some_and(|k| k.given.expose() == "alice");
            assert!(revealed.identifiers.iter().any(named) && revealed.request.identity.is_some(), "{role}");
        }
    }
    let by: Vec<_> = noted(&world, "identity_revealed").into_iter().map(|e| (e.actor, e.request_id)).collect();
    assert_eq!(by.len(), 3, "one of each who saw it: {by:?}");
    assert!(by.iter().all(|(actor, request)| actor.is_some() && *request == Some(id())));
    // Again and again is once.
    let looks = |n: u128| block_on(requests().reveal(&somebody(40 + n, Role::PrivacyOfficer), id())).map(drop);
    (0..5).for_each(|_| looks(Role::PrivacyOfficer as u128).expect("shown"));
    assert_eq!(noted(&world, "identity_revealed").len(), 3);
    world.pass(3_600);
    looks(Role::PrivacyOfficer as u128).expect("shown");
    assert_eq!(noted(&world, "identity_revealed").len(), 4, "an hour later it is another look");
}

#[test]
fn p8_a_reviewer_sees_who_it_is_while_they_decide_and_of_what_they_decided() {
    let world = planned();
    let other = somebody(90, Role::Reviewer);
    let reveals = |who: &Caller| code(block_on(engine(&world).requests().reveal(who, id())));
    assert_eq!((reveals(&reviewer()), reveals(&other)), (None, None));
    block_on(engine(&world).reviews().approve(&reviewer(), id(), approval())).expect("approved");
    assert_eq!(reveals(&reviewer()), None);
    assert_eq!(reveals(&other), Some(ProblemCode::Forbidden), "it was none of theirs");
    assert_eq!(reveals(&somebody(90, Role::Administrator)), None);
}

#[test]
fn p8_words_of_a_hold_are_for_whoever_may_see_people() {
    let world = opened();
    let identity = Identity::built_in(Some("alice"), None);
    let hold = oubli_domain::ids::HoldId::from_uuid(Uuid::from_u128(1));
    let new = NewHold { id: hold, identity, categories: vec![], reason: "Mara sued us".to_owned(), reference: None };
    block_on(engine(&world).holds().place_hold(&officer(), new)).expect("placed");
    for (role, may) in [(Role::Auditor, false), (Role::Reviewer, true), (Role::PrivacyOfficer, true)] {
        let caller = somebody(70 + role as u128, role);
        let (seen, _) = block_on(engine(&world).holds().hold(&caller, hold)).expect("shown");
        assert_eq!(seen.reason.is_some(), may, "{role}");
        assert!(seen.identifiers.iter().flatten().all(|i| i.known.is_none()), "{role}");
        assert_eq!(code(block_on(engine(&world).holds().reveal_hold(&caller, hold))).is_none(), may, "{role}");
    }
    assert_eq!(noted(&world, "identity_revealed").len(), 2);
    // Another hold is another look, and each says which.
    let second = oubli_domain::ids::HoldId::from_uuid(Uuid::from_u128(2));
    let identity = Identity::built_in(Some("bob"), None);
    let new = NewHold { id: second, identity, categories: vec![], reason: "r".to_owned(), reference: None };
    block_on(engine(&world).holds().place_hold(&officer(), new)).expect("placed");
    for hold in [hold, second, second] {
        block_on(engine(&world).holds().reveal_hold(&somebody(99, Role::PrivacyOfficer), hold)).expect("shown");
    }
    let by_them = noted(&world, "identity_revealed").into_iter().filter(|e| e.actor == Some(somebody(99, Role::Auditor).actor));
    let which: Vec<_> = by_them.map(|e| e.details["hold_id"].as_str().expect("an id").to_owned()).collect();
    assert_eq!(which.len(), 2, "{which:?}");
    assert!(which.contains(&hold.to_string()) && which.contains(&second.to_string()), "{which:?}");
    // Who releases it is told no more.
    let released = block_on(engine(&world).holds().release_hold(&officer(), hold)).expect("released");
    assert!(released.identifiers.iter().flatten().all(|i| i.known.is_none()));
}

#[test]
fn p8_each_person_who_is_shown_is_a_look_of_its_own() {
    let world = planned();
    let other = oubli_domain::ids::RequestId::from_uuid(Uuid::from_u128(77));
    let identity = Identity::built_in(Some("bob"), None).expect("an identity");
    block_on(engine(&world).requests().submit(&officer(), new_request(&world, other, identity))).expect("submitted");
    for request in [id(), other, id(), other] {
        block_on(engine(&world).requests().reveal(&officer(), request)).expect("shown");
    }
    let shown: std::collections::BTreeSet<_> =
        noted(&world, "identity_revealed").into_iter().filter_map(|e| e.request_id).map(|id| id.to_string()).collect();
    assert_eq!(shown, [id(), other].map(|id| id.to_string()).into());
}

fn query(cursor: Option<String>) -> AuditQuery {
    AuditQuery { cursor, limit: 1, ..AuditQuery::default() }
}

#[test]
fn p7_reading_the_log_is_noted_whatever_cursor_comes_and_once_an_hour() {
    let world = planned();
    let auditor = somebody(80, Role::Auditor);
    let read = |asked: AuditQuery| block_on(engine(&world).ledger().audit(&auditor, asked));
    let page = read(query(None)).expect("a page");
    let cursor = page.next_cursor.expect("more");
    (0..3).for_each(|_| drop(read(query(Some(cursor.clone()))).expect("a page")));
    assert_eq!(noted(&world, "audit_log_read").len(), 1, "one reading, however many pages");
    // A cursor made at home, and one of another list or query, open nothing; and that somebody tried is a reading.
    let about = Identity::built_in(Some("alice"), None);
    let made = data_encoding::BASE64URL_NOPAD.encode(br#"{"log":"org#shop#log","next":0,"waiting":0}"#);
    for cursor in [made, cursor.clone()] {
        let asked = AuditQuery { subject: about.clone(), ..query(Some(cursor)) };
        assert_eq!(code(read(asked)), Some(ProblemCode::InvalidCursor));
    }
    let readings = noted(&world, "audit_log_read");
    assert_eq!(readings.len(), 2, "who was asked about is another reading");
    assert!(readings.iter().any(|e| e.details.contains_key("about_subject")));
    assert!(!serde_json::to_string(&readings).expect("JSON").contains("alice"));
    // Each person who is asked about is a question of its own, and a cursor of one opens nothing of another.
    let of = |name: &str, cursor| AuditQuery { subject: Identity::built_in(Some(name), None), ..query(cursor) };
    read(of("alice", None)).expect("a page");
    assert_eq!(noted(&world, "audit_log_read").len(), 2, "the same question");
    let page = read(of("bob", None)).expect("a page");
    assert_eq!(noted(&world, "audit_log_read").len(), 3);
    let of_alice = read(of("alice", None)).expect("a page").next_cursor;
    assert!(page.next_cursor.is_none() && of_alice.is_some(), "there is more of alice, and nothing of bob");
    assert_eq!(code(read(of("bob", of_alice))), Some(ProblemCode::InvalidCursor));
    world.pass(3_600);
    read(query(None)).expect("a page");
    assert_eq!(noted(&world, "audit_log_read").len(), 4);
    let kept = world
        .lock()
        .items
        .iter()
        .filter(|(key, _)| key.pk.contains("#look#"))
        .map(|(_, i)| i["expires_at"].clone())
        .collect::<Vec<_>>();
    let now = world.lock().now_ms / 1000;
    assert!(kept.iter().all(|at| at.as_i64().is_some_and(|at| at <= now + 7_200)), "{kept:?}, {now}");
    assert!(kept.iter().any(|at| at.as_i64().is_some_and(|at| at >= now + 3_600)), "{kept:?}, {now}");
}

/// An erasure of somebody is restored, and an order of theirs was written anew while it was hidden.
fn restored_but_for(world: &World, erasure: RequestId, order: &str, owner: &str) {
    let engine = engine(world);
    block_on(engine.reviews().approve(&reviewer(), erasure, approval())).expect("approved");
    drive(world);
    world.app_writes("orders", order, &[("id", order), ("owner", owner), ("email", "new@example.org")]);
    world.lock().app_uploads("files", &format!("u/{owner}/b"));
    block_on(engine.requests().restore(&officer(), erasure, RestoreOrder::default())).expect("accepted");
    drive(world);
}

#[test]
fn p7_reading_what_could_not_be_put_back_is_noted_once_an_hour_for_each_reader_whatever_cursor_comes() {
    let world = planned();
    let of_bob = RequestId::from_uuid(Uuid::from_u128(78));
    let bob = Identity::built_in(Some("bob"), Some("bob@elsewhere.example")).expect("an identity");
    block_on(engine(&world).requests().submit(&officer(), new_request(&world, of_bob, bob))).expect("submitted");
    block_on(engine(&world).discovery().discover(&organization(), &of_bob)).expect("discovered");
    let read_of = |who: &Caller, erasure: RequestId, cursor: Option<String>| {
        block_on(engine(&world).requests().conflicts(who, erasure, cursor, 1))
    };
    let read = |who: &Caller, cursor: Option<String>| read_of(who, id(), cursor);
    let readings = || noted(&world, "conflicts_read");
    assert!(read(&officer(), None).expect("a page").conflicts.is_empty());
    assert!(readings().is_empty(), "nothing was there to be seen");
    restored_but_for(&world, id(), "o0", "alice");
    restored_but_for(&world, of_bob, "x1", "bob");

    let first = read(&officer(), None).expect("a page");
    let cursor = first.next_cursor.expect("more");
    let second = read(&officer(), Some(cursor.clone())).expect("a page");
    assert_eq!((first.conflicts.len(), second.conflicts.len()), (1, 1), "an order and a file");
    assert_ne!(first.conflicts[0].name, second.conflicts[0].name);
    let once = readings();
    let [reading] = once.as_slice() else { panic!("one reading, however many pages: {once:?}") };
    assert_eq!((reading.actor, reading.request_id), (Some(officer().actor), Some(id())));
    let said = serde_json::to_string(reading).expect("JSON");
    assert!(!said.contains("alice") && !said.contains("example.org"), "{said}");

    // Whoever looks all the time fills neither the log nor the queue that seals it.
    let grown = || (world.outbox().len(), world.lock().messages.len());
    let before = grown();
    for cursor in [None, Some(cursor.clone())].iter().cycle().take(40) {
        assert_eq!(read(&officer(), cursor.clone()).expect("a page").conflicts.len(), 1);
    }
    assert_eq!(grown(), before);

    let another = somebody(60, Role::Administrator);
    assert_eq!(code(read(&another, Some(cursor))), Some(ProblemCode::InvalidCursor), "it was given to somebody else");
    assert_eq!(code(read(&somebody(61, Role::Reviewer), None)), Some(ProblemCode::Forbidden));
    assert_eq!(readings().len(), 1, "nothing was shown to them");
    read(&another, None).expect("a page");
    assert_eq!(readings().len(), 2, "each reader's is a reading of its own");
    read_of(&officer(), of_bob, None).expect("a page");
    assert_eq!(readings().len(), 3, "and each request's");
    assert_eq!(readings().iter().filter(|reading| reading.request_id == Some(of_bob)).count(), 1);
    world.pass(3_600);
    read(&officer(), None).expect("a page");
    assert_eq!(readings().len(), 4, "an hour later it is another");
}

#[test]
fn p7_having_entries_proved_is_a_reading_of_the_log_once_an_hour_whichever_they_are() {
    let world = planned();
    block_on(engine(&world).ledger().seal(&officer().organization)).expect("sealed");
    let auditor = somebody(82, Role::Auditor);
    let prove = |who: &Caller, index| block_on(engine(&world).ledger().prove_entry(who, index));
    let readings = || noted(&world, "audit_log_read");
    assert_eq!(code(prove(&auditor, 9_999)), Some(ProblemCode::NotSealed));
    assert!(readings().is_empty(), "nothing was given");
    for index in [0, 1, 2, 1] {
        assert!(prove(&auditor, index).expect("proved").entry.contains(&format!("\"index\":{index}")));
    }
    let noted = readings();
    let [reading] = noted.as_slice() else { panic!("once, however many: {noted:?}") };
    assert_eq!((reading.actor, reading.details.get("proofs")), (Some(auditor.actor), Some(&serde_json::Value::Bool(true))));
    block_on(engine(&world).ledger().audit(&auditor, query(None))).expect("a page");
    assert_eq!(readings().len(), 2, "a query is another reading");
    prove(&somebody(83, Role::Auditor), 0).expect("proved");
    assert_eq!(readings().len(), 3, "so is that of somebody else");
    world.pass(3_600);
    prove(&auditor, 0).expect("proved");
    assert_eq!(readings().len(), 4);
}

#[test]
fn p7_who_asks_whether_somebody_is_on_hold_is_noted_once_an_hour_for_each_person() {
    let world = opened();
    let hold = oubli_domain::ids::HoldId::from_uuid(Uuid::from_u128(1));
    let identity = Identity::built_in(Some("alice"), None);
    let new = NewHold { id: hold, identity, categories: vec![], reason: "r".to_owned(), reference: None };
    block_on(engine(&world).holds().place_hold(&officer(), new)).expect("placed");
    let auditor = somebody(84, Role::Auditor);
    let list = |who: &Caller, name: Option<&str>, active: bool, cursor: Option<&str>| {
        let identity = name.and_then(|name| Identity::built_in(Some(name), None));
        block_on(engine(&world).holds().list(who, identity, active, cursor.map(str::to_owned), 10))
    };
    let found = |who: &Caller, name, active| list(who, name, active, None).expect("a page").holds.len();
    let searches = || noted(&world, "legal_holds_searched");
    assert_eq!(found(&auditor, None, true), 1);
    assert!(searches().is_empty(), "nobody was asked about");
    assert_eq!(code(list(&auditor, Some("alice"), false, Some("x"))), Some(ProblemCode::InvalidCursor));
    assert!(searches().is_empty(), "nothing was answered");
    for (name, holds) in [("alice", 1), ("bob", 0), ("alice", 1)] {
        assert_eq!(found(&auditor, Some(name), false), holds, "{name}");
    }
    let noted = searches();
    assert_eq!(noted.len(), 2, "each of them once, on hold or not: {noted:?}");
    for search in &noted {
        let said = ["about_subject", "effective_only"].map(|name| search.details[name].clone());
        assert_eq!((search.actor, said), (Some(auditor.actor), [serde_json::json!("given"), serde_json::json!(false)]));
    }
    let text = serde_json::to_string(&noted).expect("JSON");
    assert!(!text.contains("alice") && !text.contains("bob"), "{text}");
    assert_eq!((found(&auditor, Some("alice"), true), searches().len()), (1, 3), "another question");
    assert_eq!((found(&reviewer(), Some("alice"), true), searches().len()), (1, 4), "and another who asks");
    world.pass(3_600);
    assert_eq!((found(&auditor, Some("alice"), true), searches().len()), (1, 5));
}

#[test]
fn p8_a_cursor_is_good_for_its_list_its_filters_its_caller_and_a_day() {
    let world = opened();
    for n in 1..=3 {
        let identity = Identity::built_in(Some(&format!("nobody-{n}")), None).expect("an identity");
        let id = oubli_domain::ids::RequestId::from_uuid(Uuid::from_u128(n));
        block_on(engine(&world).requests().submit(&officer(), new_request(&world, id, identity))).expect("submitted");
    }
    let list = |caller: &Caller, kind: RequestKind, cursor: Option<&String>| {
        let filter = RequestFilter { kind, status: None, cursor: cursor.cloned(), limit: 1 };
        block_on(engine(&world).requests().list(caller, filter))
    };
    let first = list(&officer(), RequestKind::FullErasure, None).expect("a page");
    let cursor = first.next_cursor.expect("more");
    let second = list(&officer(), RequestKind::FullErasure, Some(&cursor)).expect("a page");
    assert_ne!(first.requests[0].id, second.requests[0].id);
    let refused = |answer| assert_eq!(code(answer), Some(ProblemCode::InvalidCursor));
    refused(list(&reviewer(), RequestKind::FullErasure, Some(&cursor)));
    refused(list(&officer(), RequestKind::Export, Some(&cursor)));
    let mut bent = cursor.clone();
    bent.replace_range(8..9, if &cursor[8..9] == "A" { "B" } else { "A" });
    refused(list(&officer(), RequestKind::FullErasure, Some(&bent)));
    let pending = |status| {
        let filter = RequestFilter { kind: RequestKind::FullErasure, status, cursor: Some(cursor.clone()), limit: 1 };
        block_on(engine(&world).requests().list(&officer(), filter))
    };
    assert!(pending(None).is_ok());
    refused(pending(Some(oubli_domain::lifecycle::Status::InReview)));
    let log = block_on(engine(&world).ledger().audit(&officer(), query(Some(cursor.clone()))));
    assert_eq!(code(log), Some(ProblemCode::InvalidCursor));
    world.pass(24 * 3_600 + 1);
    refused(list(&officer(), RequestKind::FullErasure, Some(&cursor)));
}

#[test]
fn p8_a_cursor_of_holds_is_good_for_the_holds_that_were_asked_for() {
    let world = opened();
    for n in 1..=3 {
        let id = oubli_domain::ids::HoldId::from_uuid(Uuid::from_u128(n));
        let identity = Identity::built_in(Some("alice"), None);
        let new = NewHold { id, identity, categories: vec![], reason: "r".to_owned(), reference: None };
        block_on(engine(&world).holds().place_hold(&officer(), new)).expect("placed");
    }
    let list = |name: Option<&str>, active: bool, cursor: Option<String>| {
        let identity = name.and_then(|name| Identity::built_in(Some(name), None));
        block_on(engine(&world).holds().list(&officer(), identity, active, cursor, 1))
    };
    let cursor = list(Some("alice"), false, None).expect("a page").next_cursor;
    assert!(list(Some("alice"), false, cursor.clone()).expect("a page").next_cursor.is_some());
    for other in [list(Some("bob"), false, cursor.clone()), list(None, false, cursor.clone()), list(Some("alice"), true, cursor)]
    {
        assert_eq!(code(other), Some(ProblemCode::InvalidCursor));
    }
}

#[test]
fn p7_why_somebody_refused_is_kept_too() {
    let world = planned();
    block_on(engine(&world).reviews().reject(&reviewer(), id(), "not theirs".to_owned())).expect("rejected");
    let words = block_on(engine(&world).requests().reveal(&officer(), id())).expect("shown").words;
    let [how, said] = words.as_slice() else { panic!("{words:?}") };
    assert_eq!((how.what.as_str(), how.said_by), ("verification_method", Some(officer().actor)));
    assert_eq!((said.what.as_str(), said.text.as_str(), said.said_by), ("reason", "not theirs", Some(reviewer().actor)));
    let event = noted(&world, "request_rejected").pop().expect("the entry");
    assert_eq!((event.audit_id.as_str(), event.timestamp), (said.audit_id.as_str(), said.said_at));
}

#[test]
fn p7_what_people_say_is_kept_with_what_opens_its_commitment_and_forgotten_with_the_request() {
    let world = opened();
    plan(&world, request(&world, "alice", RequestKind::FullErasure));
    block_on(engine(&world).requests().extend(&officer(), id(), "many stores".to_owned())).expect("extended");
    let category = "files".parse().expect("a category");
    let exclusions = vec![Exclusion { category, reason: "court case 12".to_owned(), retention_until: None }];
    let (notes, approved_by) = (Some("looked at twice".to_owned()), Some("Mara L.".to_owned()));
    let said = Approval { notes, approved_by, exclusions, ..approval() };
    block_on(engine(&world).reviews().approve(&reviewer(), id(), said)).expect("approved");
    block_on(engine(&world).requests().cancel(&officer(), id(), Some("asked twice".to_owned()))).expect("cancelled");
    let detail = block_on(engine(&world).requests().reveal(&officer(), id())).expect("shown");
    let mut texts: Vec<_> = detail.words.iter().map(|w| (w.what.as_str(), w.text.as_str())).collect();
    texts.sort_unstable();
    let expected = [
        ("approved_by", "Mara L."),
        ("exclusion_reasons", r#"{"files":"court case 12"}"#),
        ("notes", "looked at twice"),
        ("reason", "asked twice"),
        ("reasons", "many stores"),
        ("verification_method", "id"),
    ];
    assert_eq!(texts, expected);
    let plain = block_on(engine(&world).requests().request(&officer(), id())).expect("shown");
    assert!(plain.words.is_empty(), "not unless somebody asks");
    // The log says nothing of it, but holds each to what was said: SHA-256 of the opening and the text, by hand.
    let events: Vec<AuditEvent> = ["deadline_extended", "identity_verified", "request_approved", "request_cancelled"]
        .iter()
        .flat_map(|name| noted(&world, name))
        .collect();
    for words in &detail.words {
        let by = if matches!(words.what.as_str(), "reason" | "reasons" | "verification_method") { officer() } else { reviewer() };
        assert_eq!(words.said_by, Some(by.actor), "{}", words.what);
        let event = events.iter().find(|e| e.audit_id == words.audit_id).expect("the entry");
        let opening = HEXLOWER.decode(words.opening.as_bytes()).expect("hexadecimal");
        let digest = Sha256::digest([opening.as_slice(), words.text.as_bytes()].concat());
        let committed = event.details[&format!("{}_commitment", words.what)].as_str().expect("a commitment");
        assert_eq!(committed, format!("sha256:{}", HEXLOWER.encode(&digest)));
        // The shortest of them is a part of other words.
        let said = if words.text == "id" { "\"id\"" } else { &words.text };
        assert!(!serde_json::to_string(event).expect("JSON").contains(said), "{said}");
    }
    let kept = |world: &World| world.lock().items.keys().filter(|key| key.sk.starts_with("words#")).count();
    assert_eq!(kept(&world), 6);
    for _ in 0..60 {
        crate::support::pass(&world, 24 * 3_600);
    }
    assert_eq!(kept(&world), 0);
    let after = block_on(engine(&world).requests().reveal(&officer(), id())).expect("shown");
    assert!(after.words.is_empty() && after.shown == Shown::Forgotten, "{:?}", after.shown);
}

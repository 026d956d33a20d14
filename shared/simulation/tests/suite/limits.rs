//! No organization uses up the deployment: calls, batches and what takes long are limited for each, waiting is no failure, and
//! lists are read some at a time whatever they are asked for.

use crate::support::{approval, change_settings, engine, id, officer, opened, plan, poll_some, request, reviewer, settle_but};
use oubli_domain::{
    access::{Caller, Role, Roles},
    ids::{ActorId, DiscoveryId, HoldId, OrganizationId, ReportId, RequestId},
    lifecycle::{Phase, Status},
    limits::Limits,
    personal::Identity,
    report::{Period, ReportKind, Section},
    request::TaskStatus,
    review::Urgency,
};
use oubli_engine::{
    Config, Engine, EngineError, ProblemCode, RefusalKind,
    api::{AuditQuery, NewHold, ReportOrder, ReportOutcome, RequestFilter, RequestKind},
    ports::{Item, Message},
    reviews::{Asked, NewReview},
};
use oubli_simulation::{
    World, new_request, organization,
    polls::{block_on, poll_for},
    ports,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    pin::Pin,
    time::Duration,
};
use uuid::Uuid;

/// Another sandbox of a deployment with these limits.
fn limited(world: &World, limits: Limits) -> Engine {
    Engine::with_config(ports(world), Config { worker_timeout_seconds: 30, limits: Some(limits), ..Config::default() })
}

fn other() -> OrganizationId {
    "other".parse().expect("a name")
}

fn of(organization: OrganizationId, role: Role) -> Caller {
    let actor: ActorId = "actor_00000000000000000000000000000007".parse().expect("an id");
    Caller { organization, actor, roles: Roles::of(role) }
}

fn administrator() -> Caller {
    of(organization(), Role::Administrator)
}

/// After how many seconds it may come again, where it was refused for now.
fn refused_for<T>(answer: &Result<T, EngineError>) -> Option<u16> {
    match answer {
        Err(EngineError::Refused(refusal)) if refusal.code == ProblemCode::RateLimited => match refusal.kind {
            RefusalKind::Throttled { seconds } => Some(seconds),
            kind => panic!("{kind:?}"),
        },
        Ok(_) => None,
        Err(error) => panic!("{error}"),
    }
}

fn admit(engine: &Engine, caller: &Caller, cost: u32) -> Option<u16> {
    refused_for(&block_on(engine.directory().charge(caller, cost)))
}

const CALLS: Limits = Limits {
    calls_per_second: Some(5),
    calls_at_once: Some(20),
    batches_per_minute: None,
    discoveries_per_minute: None,
    discoveries_in_flight: None,
    reports_in_flight: None,
    reviews_waiting: None,
};

#[test]
fn p8_what_one_organization_uses_up_is_another_ones_to_use() {
    let world = opened();
    let (mine, theirs) = (of(organization(), Role::Service), of(other(), Role::Service));
    // Each call comes to another sandbox: only the table tells them of each other.
    let let_in = |caller: &Caller| (0..100).filter(|_| admit(&limited(&world, CALLS), caller, 1).is_none()).count();
    assert_eq!(let_in(&mine), 20);
    assert_eq!(let_in(&theirs), 20);
    world.pass(2);
    assert_eq!((let_in(&mine), let_in(&theirs)), (10, 10));
}

#[test]
fn p8_calls_go_by_their_cost_and_whoever_waits_as_told_is_let_in() {
    let world = opened();
    let (engine, caller) = (limited(&world, CALLS), officer());
    assert_eq!(admit(&engine, &caller, 20), None);
    assert_eq!(admit(&engine, &caller, 10), Some(2));
    assert_eq!(admit(&engine, &caller, 1), Some(1), "a part of a second is rounded up");
    world.pass(2);
    assert_eq!(admit(&engine, &caller, 10), None);
    assert_eq!(admit(&engine, &caller, 1), Some(1));
    // What costs more than there ever is takes all there is.
    world.pass(60);
    assert_eq!(admit(&engine, &caller, 1_000), None);
    assert_eq!(admit(&engine, &caller, 1), Some(1));
}

#[test]
fn p8_a_process_lets_in_as_much_as_it_took_and_no_more() {
    let world = opened();
    let engine = limited(&world, CALLS);
    let let_in = || (0..100).filter(|_| admit(&engine, &officer(), 1).is_none()).count();
    assert_eq!(let_in(), 20);
    world.pass(1);
    assert_eq!(let_in(), 5);
    world.pass(60);
    assert_eq!(let_in(), 20, "what was not used for a minute is no more than there is at once");
}

#[test]
fn a_process_asks_the_table_about_once_a_second_and_a_refused_flood_does_not_reach_it() {
    let world = opened();
    let generous = Limits { calls_per_second: Some(1_000), calls_at_once: Some(2_000), ..CALLS };
    let (engine, caller) = (limited(&world, generous), officer());
    for _ in 0..20 {
        admit(&engine, &caller, 1);
        world.pass(1);
    }
    let before = world.calls();
    for _ in 0..10 {
        assert!((0..100).all(|_| admit(&engine, &caller, 1).is_none()));
        world.pass(1);
    }
    let calls = world.calls() - before;
    // Some takes until it knows how much it needs, and then one a second, each a read and a write.
    assert!(calls <= 2 * (10 + 10), "{calls} calls of the table for 1,000 in 10 seconds");
    let engine = limited(&world, CALLS);
    while admit(&engine, &caller, 1).is_none() {}
    let before = world.calls();
    assert!((0..1_000).all(|_| admit(&engine, &caller, 1).is_some()));
    assert_eq!(world.calls(), before);
}

#[test]
fn limits_that_cannot_be_read_keep_nobody_waiting() {
    let world = opened();
    let (engine, caller) = (limited(&world, CALLS), officer());
    world.unreachable(true);
    assert!((0..50).all(|_| admit(&engine, &caller, 1).is_none()));
    world.unreachable(false);
    world.pass(2);
    let let_in = (0..50).filter(|_| admit(&engine, &caller, 1).is_none()).count();
    assert_eq!(let_in, 20, "from then on they hold again");
}

#[test]
fn p7_limits_of_ones_own_hold_at_once_are_logged_once_and_are_not_the_organizations_to_set() {
    let world = opened();
    let engine = limited(&world, CALLS);
    let operator = engine.directory().operator(&organization(), Some("arn:aws:iam::1:user/op"));
    let own = Limits { calls_per_second: Some(1), calls_at_once: Some(2), reports_in_flight: Some(0), ..Limits::default() };
    block_on(operator.set_limits(|_| own)).expect("set");
    block_on(operator.set_limits(|_| own)).expect("as it was");
    assert_eq!((0..10).filter(|_| admit(&limited(&world, CALLS), &officer(), 1).is_none()).count(), 2);
    let hold = block_on(engine.directory().limits(&organization())).expect("read");
    assert_eq!(hold, own, "the deployment's say nothing else");
    let too_many = Limits { calls_per_second: Some(10_001), ..own };
    assert!(matches!(
        block_on(operator.set_limits(|_| too_many)),
        Err(EngineError::Refused(refusal)) if refusal.code == ProblemCode::InvalidSetting
    ));
    let nobody: OrganizationId = "nobody".parse().expect("a name");
    assert!(block_on(engine.directory().operator(&nobody, None).set_limits(|_| own)).is_err());
    let query = AuditQuery { event_type: Some("settings_changed".to_owned()), ..everything() };
    let entries = block_on(engine.ledger().audit(&administrator(), query)).expect("read").entries;
    assert_eq!(entries.len(), 1);
    let details = serde_json::to_value(&entries[0].entry.event.details).expect("JSON");
    assert_eq!(details["calls_per_second"], serde_json::json!({ "before": null, "after": 1 }));
    assert_eq!(details["by"], "operator");
}

#[test]
fn a_change_of_limits_undoes_none_that_came_meanwhile() {
    let (mut kept, mut told) = (0, 0);
    for polls in 0.. {
        let world = opened();
        let engine = limited(&world, CALLS);
        let operator = engine.directory().operator(&organization(), None);
        let mut first: Pin<Box<dyn Future<Output = _> + '_>> =
            Box::pin(operator.set_limits(|own| Limits { calls_per_second: Some(1), ..own }));
        if poll_some(&mut first, polls) {
            break;
        }
        block_on(operator.set_limits(|own| Limits { reports_in_flight: Some(2), ..own })).expect("set");
        let first = match block_on(first) {
            Ok(limits) => limits.calls_per_second,
            Err(EngineError::Conflict(_)) => None,
            Err(error) => panic!("{error}"),
        };
        let now = block_on(operator.set_limits(|own| own)).expect("as they are");
        assert_eq!((now.calls_per_second, now.reports_in_flight), (first, Some(2)), "after {polls} polls");
        if first.is_some() {
            kept += 1;
        } else {
            told += 1;
        }
    }
    assert!(kept > 0 && told > 0, "{kept} kept, {told} told");
}

fn everything() -> AuditQuery {
    AuditQuery { limit: 100, ..AuditQuery::default() }
}

// ---- Batches ---------------------------------------------------------------

/// Six batches a minute, one at once.
const BATCHES: Limits = Limits { calls_per_second: None, calls_at_once: None, batches_per_minute: Some(6), ..CALLS };

/// Alice's batches by their sort keys: attempts, fence and state.
fn batches(world: &World) -> BTreeMap<String, (u64, u64, String)> {
    let state = world.lock();
    let mine = state.items.iter().filter(|(key, _)| key.sk.starts_with("batch#") && key.pk.ends_with(crate::support::ID));
    let number = |item: &Item, name: &str| item.get(name).and_then(|v| v.as_u64()).unwrap_or_default();
    let of = |item: &Item| {
        let state = item.get("state").and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        (number(item, "attempts"), number(item, "fence"), state)
    };
    mine.map(|(key, item)| (key.sk.clone(), of(item))).collect()
}

/// An erasure of alice that hides, batch by batch of one record in four lanes.
fn hiding() -> World {
    let world = opened();
    change_settings(&engine(&world), |s| (s.batch_size, s.lanes) = (1, 4)).expect("set");
    for n in 0..12 {
        let order = format!("many-{n}");
        world.app_writes("orders", &order, &[("id", &order), ("owner", "alice"), ("email", "x@example.org")]);
    }
    world.pass(60);
    plan(&world, request(&world, "alice", RequestKind::FullErasure));
    block_on(engine(&world).reviews().approve(&reviewer(), id(), approval())).expect("approved");
    world
}

fn phase(world: &World) -> Phase {
    block_on(engine(world).requests().request(&reviewer(), id())).expect("there").request.state.phase
}

/// Everything that can happen by itself until a time happens, second by second, with a look of the sweeper every minute.
fn live(world: &World, engine: &Engine, seconds: i64) {
    for second in 0..seconds {
        if second % 60 == 59 {
            block_on(engine.worker().sweep()).expect("swept");
        }
        settle_but(world, || engine.clone(), |_| false);
        world.pass(1);
    }
}

#[test]
fn p4_a_batch_that_waits_for_its_turn_is_not_tried_and_the_request_ends() {
    let world = hiding();
    let engine = limited(&world, BATCHES);
    for _ in 0..5 {
        live(&world, &engine, 10);
        let tried: Vec<_> = batches(&world).into_iter().filter(|(_, (attempts, ..))| *attempts > 0).collect();
        assert!(tried.is_empty(), "waiting counts: {tried:?}");
        let pending = batches(&world).values().filter(|(_, fence, _)| *fence > 0).count();
        assert!(pending <= 6, "{pending} batches in a minute");
    }
    assert_eq!(phase(&world), Phase::Hiding);
    live(&world, &engine, 1_500);
    assert!(!matches!(phase(&world), Phase::Hiding | Phase::Failed), "{:?}", phase(&world));
    assert!(
        batches(&world).values().all(|(_, fence, _)| *fence <= 2),
        "claimed once to hide, once to purge: {:?}",
        batches(&world)
    );
}

#[test]
fn p8_batches_of_one_organization_leave_the_turns_of_another_alone() {
    let world = hiding();
    live(&world, &limited(&world, BATCHES), 10);
    let taken = |organization: &OrganizationId| {
        let state = world.lock();
        state.items.keys().filter(|key| key.pk == format!("org#{organization}#limits")).count()
    };
    assert_eq!((taken(&organization()), taken(&other())), (1, 0));
}

#[test]
fn messages_of_batches_that_wait_do_not_multiply() {
    let world = hiding();
    let engine = limited(&world, Limits { batches_per_minute: Some(1), ..BATCHES });
    let waiting = || world.lock().messages.iter().filter(|m| matches!(m.message, Message::Batch { .. })).count();
    for minute in 0..12 {
        live(&world, &engine, 60);
        assert!(waiting() <= 4, "{} messages for four lanes after {minute} minutes", waiting());
    }
}

#[test]
fn a_message_that_is_lost_while_its_batch_waits_is_sent_again() {
    let world = hiding();
    let engine = limited(&world, BATCHES);
    live(&world, &engine, 5);
    world.lock().messages.retain(|m| !matches!(m.message, Message::Batch { .. }));
    live(&world, &engine, 1_500);
    assert!(!matches!(phase(&world), Phase::Hiding | Phase::Failed), "{:?}", phase(&world));
}

// ---- What takes long -------------------------------------------------------

fn discovery(n: u128) -> DiscoveryId {
    DiscoveryId::from_uuid(Uuid::from_u128(n))
}

fn alice() -> Identity {
    Identity::built_in(Some("alice"), None).expect("an identity")
}

const FEW: Limits = Limits {
    calls_per_second: None,
    calls_at_once: None,
    batches_per_minute: None,
    discoveries_per_minute: Some(60),
    discoveries_in_flight: Some(2),
    reports_in_flight: Some(1),
    reviews_waiting: None,
};

/// Begins a discovery, and dies once it is under way.
fn dies_in_the_middle(world: &World, n: u128) {
    let taken = || {
        let state = world.lock();
        let free_at = |item: &Item| item.get("free_at").and_then(|v| v.as_i64()).unwrap_or_default();
        let seats = state.items.iter().filter(|(key, _)| key.pk.ends_with("#in-flight"));
        seats.filter(|(_, item)| free_at(item) > state.now_ms).count()
    };
    let before = taken();
    let slow = Limits { discoveries_per_minute: None, ..FEW };
    for polls in 1..500 {
        let whole = poll_for(limited(world, slow).discovery().start_preview(&officer(), discovery(n), alice()), polls).0;
        assert!(whole.is_none(), "it is through before it was seen under way");
        if taken() > before {
            return;
        }
    }
    panic!("it takes no seat");
}

#[test]
fn p8_few_discoveries_are_under_way_at_once_and_a_dead_one_frees_its_place() {
    let world = opened();
    let start = |n| block_on(limited(&world, FEW).discovery().start_preview(&officer(), discovery(n), alice()));
    // One that ends leaves its place.
    for n in 0..5 {
        assert_eq!(start(n).expect("let in").status, TaskStatus::Completed);
    }
    (10..12).for_each(|n| dies_in_the_middle(&world, n));
    assert_eq!(refused_for(&start(20)), Some(5));
    world.pass(300);
    assert_eq!(start(21).expect("let in").status, TaskStatus::Completed);
    // Nothing is known of the one that was refused.
    assert!(block_on(limited(&world, FEW).discovery().preview(&officer(), discovery(20))).is_err());
}

#[test]
fn p8_discoveries_are_begun_no_faster_than_they_may() {
    let world = opened();
    let start = |n| block_on(limited(&world, FEW).discovery().start_preview(&officer(), discovery(n), alice()));
    let let_in = (0..30).filter(|n| refused_for(&start(*n)).is_none()).count();
    assert_eq!(let_in, 10, "those of ten seconds");
    world.pass(3);
    assert_eq!((100..110).filter(|n| refused_for(&start(*n)).is_none()).count(), 3);
}

#[test]
fn p8_few_calls_wait_for_decisions_at_once_and_the_others_are_answered_at_once() {
    let world = opened();
    let engine = limited(&world, Limits { reviews_waiting: Some(2), ..Limits::default() });
    let caller = of(organization(), Role::Service);
    let asked = Asked { task_type: "deploy".to_owned(), proposed_action: "Deploy it".to_owned(), ..Asked::default() };
    let new = NewReview { asked, urgency: Urgency::Medium };
    let review = block_on(engine.reviews().ask(&caller, Uuid::from_u128(1), new)).expect("asked");
    let patience = Duration::from_millis(3_500);
    let waits = || {
        let before = world.lock().now_ms;
        block_on(engine.reviews().decided_within(&caller, review.clone(), patience)).expect("an answer, not a refusal");
        world.lock().now_ms - before
    };
    // Whoever ends leaves their place.
    assert!((0..4).all(|_| waits() > 3_000));
    for _ in 0..2 {
        // Two that die while they wait.
        let whole = poll_for(engine.reviews().decided_within(&caller, review.clone(), patience), 12).0;
        assert!(whole.is_none(), "it is through before it was seen to wait");
    }
    assert_eq!(waits(), 0);
    world.pass(11);
    assert!(waits() > 3_000, "the dead leave their places");
}

#[test]
fn what_costs_nothing_is_let_in_however_little_is_left() {
    let world = opened();
    let engine = limited(&world, CALLS);
    while admit(&engine, &officer(), 1).is_none() {}
    let before = world.calls();
    assert_eq!(admit(&engine, &officer(), 0), None);
    assert_eq!(admit(&limited(&world, CALLS), &officer(), 0), None);
    assert_eq!(world.calls(), before);
}

fn order() -> ReportOrder {
    let day = |text: &str| text.parse().expect("a date");
    let period = Period { start_date: day("2026-01-01"), end_date: day("2026-12-31") };
    ReportOrder { kind: ReportKind::Sla, period, sections: Section::ALL.to_vec() }
}

#[test]
fn p8_few_reports_are_made_at_once_and_a_finished_one_makes_room() {
    let world = opened();
    // More than are counted at once.
    for n in 0..150 {
        submit(&world, n, &format!("customer-{n}"));
    }
    let impatient = || {
        let config = Config { limits: Some(FEW), report_patience_seconds: 0, ..Config::default() };
        Engine::with_config(ports(&world), config)
    };
    let report = |n| {
        let id = ReportId::from_uuid(Uuid::from_u128(n));
        block_on(impatient().reports().report(&administrator(), id, order()))
    };
    assert!(matches!(report(1).expect("let in"), ReportOutcome::Running(_)));
    assert_eq!(refused_for(&report(2)), Some(5));
    assert!(matches!(report(1).expect("begun before"), ReportOutcome::Running(_)));
    settle_but(&world, impatient, |_| false);
    assert!(matches!(report(3).expect("let in"), ReportOutcome::Running(_)));
}

#[test]
fn a_refusal_for_now_leaves_no_entry() {
    let world = opened();
    let engine = limited(&world, Limits { calls_per_second: Some(1), calls_at_once: Some(1), ..FEW });
    let noted = || world.lock().items.keys().filter(|key| key.pk.ends_with("#outbox")).count();
    while admit(&engine, &officer(), 1).is_none() {}
    let start = |n| block_on(engine.discovery().start_preview(&officer(), discovery(n), alice()));
    (0..10).for_each(|n| drop(start(n)));
    let before = noted();
    assert!(admit(&engine, &officer(), 20).is_some() && refused_for(&start(50)).is_some());
    assert_eq!(noted(), before);
}

/// A request that nobody goes on with.
fn submit(world: &World, n: u128, subject: &str) {
    let identity = Identity::built_in(Some(subject), None).expect("an identity");
    block_on(engine(world).requests().submit(&officer(), new_request(world, number(n), identity))).expect("submitted");
    world.lock().messages.clear();
    world.pass(1);
}

fn number(n: u128) -> RequestId {
    RequestId::from_uuid(Uuid::from_u128(n))
}

// ---- Lists -----------------------------------------------------------------

/// Port calls that one page may take, whatever it is asked for: three of them where that somebody is asked about is noted.
const CALLS_A_PAGE: u64 = 15;

fn filter(status: Option<Status>, limit: usize, cursor: Option<String>) -> RequestFilter {
    RequestFilter { kind: RequestKind::FullErasure, status, cursor, limit }
}

/// Every page of a list, its entries one after another, and how many pages there were.
fn walk<T>(world: &World, mut page: impl FnMut(Option<String>) -> (Vec<T>, Option<String>)) -> (Vec<T>, usize) {
    let (mut all, mut cursor) = (vec![], None);
    for pages in 1..5_000 {
        let before = world.calls();
        let (found, next) = page(cursor);
        let calls = world.calls() - before;
        assert!(calls <= CALLS_A_PAGE + 2 * found.len() as u64, "{calls} calls for a page of {}", found.len());
        all.extend(found);
        match next {
            Some(next) => cursor = Some(next),
            None => return (all, pages),
        }
    }
    panic!("the walk does not end");
}

#[test]
fn a_status_that_nothing_has_is_answered_with_few_reads_and_the_walk_to_the_end_ends() {
    let world = opened();
    let engine = engine(&world);
    for n in 0..2_000 {
        submit(&world, n, &format!("customer-{n}"));
    }
    let list = |status, limit| {
        walk(&world, |cursor| {
            let page = block_on(engine.requests().list(&officer(), filter(status, limit, cursor))).expect("listed");
            (page.requests, page.next_cursor)
        })
    };
    for limit in [1, 7, 100] {
        let (none, pages) = list(Some(Status::Failed), limit);
        assert!(none.is_empty() && (2..=20).contains(&pages), "{} in {pages} pages", none.len());
    }
    let (all, _) = list(None, 100);
    assert_eq!(all.len(), 2_000);
    assert!(all.windows(2).all(|two| two[0].submitted_at > two[1].submitted_at), "the newest first, each once");
    // A page ends in the middle of what was read for it, and the next one goes on there.
    for n in [3, 1_000, 1_001, 1_500] {
        block_on(engine.requests().cancel(&officer(), number(n), None)).expect("cancelled");
    }
    for limit in [1, 2, 100] {
        let (cancelled, _) = list(Some(Status::Cancelled), limit);
        let found: Vec<_> = cancelled.iter().map(|r| r.id).collect();
        let wanted = [1_500, 1_001, 1_000, 3].map(number);
        assert_eq!(found, wanted, "{limit} a page");
    }
    let (others, _) = list(Some(Status::Pending), 90);
    let left: BTreeSet<_> = others.iter().map(|r| r.id).collect();
    assert_eq!((left.len(), others.len()), (1_996, 1_996), "each once");
}

#[test]
fn holds_on_whom_nothing_is_held_are_answered_with_few_reads() {
    let world = opened();
    let engine = engine(&world);
    for n in 0..600 {
        let new = NewHold {
            id: HoldId::from_uuid(Uuid::from_u128(n)),
            identity: Identity::built_in(Some(&format!("customer-{}", n % 300)), None),
            categories: vec![],
            reason: "litigation".to_owned(),
            reference: None,
        };
        block_on(engine.holds().place_hold(&officer(), new)).expect("placed");
        world.lock().messages.clear();
    }
    for active_only in [true, false] {
        let list = |name: &str| {
            walk(&world, |cursor| {
                let identity = Identity::built_in(Some(name), None);
                let page = block_on(engine.holds().list(&officer(), identity, active_only, cursor, 1)).expect("listed");
                (page.holds, page.next_cursor)
            })
        };
        let (nobody, pages) = list("nobody");
        assert!(nobody.is_empty() && pages <= 4, "{pages} pages");
        let (two, _) = list("customer-7");
        assert_eq!(two.len(), 2);
    }
}

#[test]
fn a_log_in_which_nothing_fits_is_read_some_at_a_time() {
    let world = opened();
    let engine = engine(&world);
    // Sealed in so many goes that a person is in more places than one page looks up.
    for n in 0..80 {
        submit(&world, n, "alice");
        block_on(engine.ledger().seal(&organization())).expect("sealed");
    }
    let read = |query: &AuditQuery| {
        let mut all = vec![];
        let mut cursor = None;
        for _ in 0..2_000 {
            let before = world.calls();
            let asked = AuditQuery { cursor: cursor.take(), ..query.clone() };
            let page = block_on(engine.ledger().audit(&administrator(), asked)).expect("read");
            assert!(world.calls() - before < 300, "{} calls for a page", world.calls() - before);
            all.extend(page.entries);
            match page.next_cursor {
                Some(next) => cursor = Some(next),
                None => return all,
            }
        }
        panic!("the walk does not end");
    };
    let none = AuditQuery { event_type: Some("batch_purged".to_owned()), limit: 1, ..everything() };
    assert!(read(&none).is_empty());
    let about = AuditQuery { subject: Some(alice()), event_type: Some("request_received".to_owned()), limit: 7, ..everything() };
    assert_eq!(read(&about).len(), 80, "a person of more requests than are looked up one by one");
}

//! One record that its store refuses never stops the others, and what a store keeps refusing comes to an end.

use crate::support::{
    hold_on, id, officer, request,
    stubborn::{At, Refusals, StubbornStores},
};
use jiff::civil::date;
use oubli_domain::{
    access::{Caller, Role, Roles},
    batch::Counts,
    ids::{ActorId, HoldId},
    lifecycle::Phase,
    plan::{KeptBecause, Plan},
};
use oubli_engine::{
    Config, Engine, EngineError,
    api::{Approval, RequestDetail, RequestKind, RestoreOrder},
    ports::Message,
};
use oubli_simulation::{
    World, organization,
    polls::{block_on, poll_for},
    ports, shop,
};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    pin::pin,
    sync::Arc,
    task::{Context, Waker},
};
use uuid::Uuid;

/// Longer than the shop's recovery window, in seconds.
const WINDOW_AND_MORE: i64 = 500;

/// A shop whose stores refuse what they are told to.
struct RefusingShop {
    world: World,
    engine: Engine,
    refusals: Refusals,
}

impl RefusingShop {
    /// Hides what there is of alice, with these records refused.
    fn hiding(refused: &[(&str, At)]) -> Self {
        let this = Self::reviewed();
        this.refuse(refused);
        this.approve();
        this
    }

    /// A plan of alice, in review.
    fn reviewed() -> Self {
        let this = Self::opened();
        this.submit();
        this
    }

    fn submit(&self) {
        let new = request(&self.world, "alice", RequestKind::FullErasure);
        block_on(self.engine.requests().submit(&officer(), new)).expect("submitted");
        self.drive();
    }

    fn opened() -> Self {
        let world = World::new(3, None, false);
        let refusals = Refusals::default();
        let mut ports = ports(&world);
        ports.stores = Arc::new(StubbornStores { inner: ports.stores.clone(), refusals: refusals.clone() });
        let engine = Engine::with_config(ports, Config { worker_timeout_seconds: 30, ..Config::default() });
        let this = Self { world, engine, refusals };
        block_on(shop(&this.world, &this.engine)).expect("opened");
        this.world.pass(3_600);
        this
    }

    fn approve(&self) {
        self.approve_only();
        self.drive();
    }

    fn approve_only(&self) {
        let reviewer = Caller { actor: ActorId::from_uuid(Uuid::from_u128(2)), roles: Roles::of(Role::Reviewer), ..officer() };
        let plan_digest = self.detail().request.plan_digest;
        let approval = Approval { plan_digest, approved_by: None, notes: None, exclusions: vec![], acknowledged: vec![] };
        block_on(self.engine.reviews().approve(&reviewer, id(), approval)).expect("approved");
    }

    /// The latest plan: what the last look found.
    fn plan(&self) -> Plan {
        let state = self.world.lock();
        let stored = state.items.iter().rfind(|(k, _)| k.sk.starts_with("plan#")).expect("a plan").1;
        serde_json::from_value(Value::Object(stored.clone())).expect("readable")
    }

    fn hold(&self, category: &str) {
        block_on(self.engine.holds().place_hold(&officer(), hold_on(category))).expect("placed");
    }

    fn release(&self) {
        block_on(self.engine.holds().release_hold(&officer(), HoldId::from_uuid(Uuid::from_u128(1)))).expect("released");
        self.drive();
    }

    /// Workers die of the look that verifies until it fails for good.
    fn fails_to_look(&self) {
        for _ in 0..60 {
            self.world.pass(61);
            block_on(self.engine.worker().sweep()).expect("swept");
            while let Some(message) = self.world.next_message() {
                if matches!(message, Message::Discover { .. }) {
                    self.dies_once_it_claimed(&message);
                } else {
                    block_on(self.engine.worker().handle(&message)).ok();
                }
            }
            if self.phase() == Phase::Failed {
                return;
            }
        }
    }

    /// A worker that dies as soon as it has claimed the walk of a producer.
    fn dies_once_it_claimed(&self, message: &Message) {
        let claims = || -> u64 {
            let state = self.world.lock();
            let walks = state.items.iter().filter(|(key, _)| key.sk.starts_with("discovery#"));
            walks.filter_map(|(_, item)| item.get("attempts")?.as_u64()).sum()
        };
        let (engine, before) = (self.engine.worker(), claims());
        let mut handling = pin!(engine.handle(message));
        let mut context = Context::from_waker(Waker::noop());
        while handling.as_mut().poll(&mut context).is_pending() && claims() <= before {}
    }

    fn refuse(&self, refused: &[(&str, At)]) {
        *self.refusals.lock().expect("unbroken") = refused.iter().map(|(key, at)| ((*key).to_owned(), *at)).collect();
    }

    /// Delivers messages until none is due.
    fn drive(&self) {
        for message in std::iter::from_fn(|| self.world.next_message()).take(2_000) {
            match block_on(self.engine.worker().handle(&message)) {
                Ok(_) | Err(EngineError::Transient(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Time passes, and the sweeper looks.
    fn pass(&self, seconds: i64) {
        self.world.pass(seconds);
        block_on(self.engine.worker().sweep()).expect("swept");
        self.drive();
    }

    fn restore(&self) {
        block_on(self.engine.requests().restore(&officer(), id(), RestoreOrder::default())).expect("accepted");
        self.drive();
    }

    fn detail(&self) -> RequestDetail {
        block_on(self.engine.requests().request(&officer(), id())).expect("there")
    }

    fn phase(&self) -> Phase {
        self.detail().request.state.phase
    }

    fn counts(&self) -> Counts {
        self.detail().counts
    }
}

#[test]
fn p3_p4_a_record_refused_while_hiding_is_flagged_and_the_others_go() {
    for (key, at) in [("o0", At::Read), ("o0", At::Body), ("o0", At::Remove), ("u/alice/b", At::Conceal)] {
        let shop = RefusingShop::hiding(&[(key, at)]);
        let counts = shop.counts();
        assert_eq!((shop.phase(), counts.failed), (Phase::Recoverable, 1), "{key} {at:?}");
        let stands = |key: &str| shop.world.row("orders", key).is_some() || !shop.world.versions("files", key).is_empty();
        assert!(stands(key), "{key} {at:?}");
        assert!(shop.world.row("orders", "o2").is_none(), "{key} {at:?}: its neighbours are hidden");
        shop.pass(WINDOW_AND_MORE);
        assert_ne!(shop.phase(), Phase::Completed, "{key} {at:?}: what failed is not gone");
        assert_ne!(shop.phase(), Phase::Failed, "{key} {at:?}");
    }
}

#[test]
fn p3_what_is_refused_round_after_round_is_named_and_ends() {
    let shop = RefusingShop::hiding(&[("o0", At::Read)]);
    let mut rounds = 1;
    while !shop.phase().is_final() {
        shop.pass(WINDOW_AND_MORE);
        if shop.phase() == Phase::InReview {
            rounds += 1;
            shop.approve();
        }
        assert!(rounds < 4, "a person is asked again and again");
    }
    assert_eq!((shop.phase(), rounds), (Phase::CompletedWithExceptions, 2), "asked for once more, and named then");
    let kept = shop.plan().kept;
    let refused: Vec<_> =
        kept.iter().filter(|k| k.why == KeptBecause::Refused).map(|k| (k.producer.as_str(), k.records)).collect();
    assert_eq!(refused, [("orders", 1)]);
    assert!(shop.world.row("orders", "o0").is_some());
}

/// A hide whose worker died after it had removed an order, and before it said so to anybody.
fn left_in_the_dark() -> (RefusingShop, World) {
    for alive in 1..2_000 {
        let shop = RefusingShop::reviewed();
        shop.approve_only();
        let mut left = alive;
        while left > 0 {
            let Some(message) = shop.world.next_message() else { break };
            left -= poll_for(shop.engine.worker().handle(&message), left).1.min(left);
        }
        let claimed = |item: &oubli_engine::ports::Item| item.get("state").is_some_and(|s| s == "claimed");
        let unsaid = shop.world.lock().items.iter().any(|(k, item)| k.sk.starts_with("batch#") && claimed(item));
        if unsaid && shop.world.row("orders", "o0").is_none() && shop.world.row("orders", "o2").is_some() {
            shop.world.lock().messages.clear();
            let world = shop.world.clone();
            return (shop, world);
        }
    }
    panic!("no worker ever dies between the two");
}

#[test]
fn p5_what_somebody_wrote_anew_over_a_removed_record_does_not_cost_its_copy() {
    for next in ["cancel", "hold", "another attempt"] {
        let (shop, world) = left_in_the_dark();
        world.app_writes("orders", "o0", &[("id", "o0"), ("owner", "alice"), ("email", "new@example.org")]);
        match next {
            "cancel" => drop(block_on(shop.engine.requests().cancel(&officer(), id(), None)).expect("cancelled")),
            "hold" => shop.hold("orders"),
            _ => {}
        }
        for _ in 0..4 {
            shop.pass(61);
        }
        assert_eq!((shop.phase(), shop.counts().conflicts), (Phase::Recoverable, 1), "{next}");
        assert!(world.vault_keys() > 0);
        world.app_deletes("orders", "o0");
        if next == "hold" {
            shop.release();
        }
        let name = block_on(shop.engine.requests().conflicts(&officer(), id(), None, 10)).expect("listed").conflicts[0].name;
        let order = RestoreOrder { records: vec![name], ..RestoreOrder::default() };
        block_on(shop.engine.requests().restore(&officer(), id(), order)).expect("accepted");
        shop.drive();
        assert_eq!(world.row("orders", "o0").expect("back")["email"], "alice@example.org", "{next}");
    }
}

#[test]
fn p5_what_a_cancel_cannot_settle_is_kept_for_its_window() {
    let (shop, world) = left_in_the_dark();
    block_on(shop.engine.requests().cancel(&officer(), id(), None)).expect("cancelled");
    shop.refuse(&[("", At::Unusable)]);
    for _ in 0..40 {
        shop.pass(600);
    }
    assert_eq!(shop.phase(), Phase::Failed);
    block_on(shop.engine.requests().resolve(&officer(), id())).expect("resolved");
    shop.drive();
    let counts = shop.counts();
    assert_eq!(shop.phase(), Phase::Recoverable, "{counts:?}");
    assert!(counts.uncertain > 0 && world.vault_keys() > 0, "{counts:?}");
    shop.pass(WINDOW_AND_MORE);
    for _ in 0..4 {
        shop.pass(61);
    }
    assert_eq!((shop.phase(), world.vault_keys()), (Phase::Cancelled, 0));
}

#[test]
fn p3_a_last_look_that_nobody_goes_on_with_is_named() {
    for by_policy in [false, true] {
        let shop = RefusingShop::hiding(&[]);
        shop.world.pass(WINDOW_AND_MORE);
        shop.fails_to_look();
        assert_eq!(shop.phase(), Phase::Failed);
        if by_policy {
            shop.pass(200 * 86_400);
        } else {
            block_on(shop.engine.requests().resolve(&officer(), id())).expect("resolved");
            shop.drive();
        }
        assert_eq!(shop.phase(), Phase::CompletedWithExceptions, "by policy: {by_policy}");
        let unsearched = shop.plan().unsearched;
        let named: BTreeSet<&str> = unsearched.iter().map(|u| u.producer.as_str()).collect();
        assert_eq!(named, BTreeSet::from(["files", "invoices", "lines", "orders"]));
    }
}

#[test]
fn p3_what_ended_without_its_last_look_looks_again_once_its_hold_is_gone() {
    let shop = RefusingShop::opened();
    shop.hold("invoices");
    shop.submit();
    shop.approve();
    shop.world.pass(WINDOW_AND_MORE);
    shop.fails_to_look();
    block_on(shop.engine.requests().resolve(&officer(), id())).expect("resolved");
    shop.drive();
    assert_eq!(shop.phase(), Phase::CompletedWithExceptions);
    let claims = shop.world.lock().items.iter().find(|(k, _)| k.sk == "claims").expect("claims").1["claims"].clone();
    assert!(claims["verification"].is_null(), "nobody looked: {}", claims["verification"]);
    shop.release();
    for _ in 0..4 {
        shop.pass(61);
    }
    assert_eq!(shop.phase(), Phase::InReview, "what the hold had kept is found");
    assert!(shop.plan().steps.iter().any(|s| s.producer.as_str() == "invoices"));
    // And the end of that is looked at like any other.
    shop.approve();
    shop.pass(WINDOW_AND_MORE);
    for _ in 0..4 {
        shop.pass(61);
    }
    assert_eq!(shop.phase(), Phase::CompletedWithExceptions);
    let claims = shop.world.lock().items.iter().find(|(k, _)| k.sk == "claims").expect("claims").1["claims"].clone();
    assert_eq!(claims["verification"]["found"], 0);
}

#[test]
fn p2_what_an_attempt_surely_removed_is_put_back_by_the_next_one() {
    let shop = RefusingShop::reviewed();
    shop.approve_only();
    let mut context = Context::from_waker(Waker::noop());
    let gone = || shop.world.row("orders", "o0").is_none();
    while !gone() {
        let message = shop.world.next_message().expect("work");
        let worker = shop.engine.worker();
        let mut work = pin!(worker.handle(&message));
        while !gone() && work.as_mut().poll(&mut context).is_pending() {}
        if gone() {
            // Right then the hold comes, and the store does not take anything back.
            shop.hold("orders");
            let all: Vec<String> = (0..9).map(|n| format!("o{n}")).collect();
            shop.refuse(&all.iter().map(|key| (key.as_str(), At::NoAnswer)).collect::<Vec<_>>());
            while work.as_mut().poll(&mut context).is_pending() {}
        }
    }
    assert!(gone(), "it could not be put back yet");
    shop.refuse(&[]);
    for _ in 0..6 {
        shop.pass(61);
    }
    assert!(!gone(), "{:?}: {:?}", shop.phase(), shop.counts());
    assert_eq!(shop.counts().uncertain, 0);
}

#[test]
fn p1_no_worker_hides_what_no_decision_covers() {
    let shop = RefusingShop::reviewed();
    shop.approve_only();
    block_on(shop.engine.worker().advance(&organization(), &id(), false)).expect("begun");
    assert_eq!(shop.phase(), Phase::Hiding);
    // Whoever can write a request cannot write a decision.
    shop.world.lock().items.retain(|key, _| !key.sk.starts_with("decision#"));
    for _ in 0..3 {
        shop.pass(61);
    }
    assert!(shop.world.row("orders", "o0").is_some() && shop.world.row("lines", "l0").is_some());
    assert_eq!((shop.phase(), shop.counts().erased), (Phase::Failed, 0), "and it says so");
}

#[test]
fn p5_a_record_refused_while_it_is_put_back_keeps_its_copy() {
    for (key, at) in [("o0", At::PutBack), ("u/alice/b", At::Reveal)] {
        let shop = RefusingShop::hiding(&[]);
        shop.refuse(&[(key, at)]);
        shop.restore();
        let counts = shop.counts();
        assert_eq!((shop.phase(), counts.conflicts), (Phase::Recoverable, 1), "{key} {at:?}");
        assert!(shop.world.row("orders", "o2").is_some(), "{key} {at:?}: its neighbours are back");
        let listed = block_on(shop.engine.requests().conflicts(&officer(), id(), None, 10)).expect("listed").conflicts;
        assert_eq!(listed[0].reason.as_deref(), Some("it is archived"), "{key} {at:?}");

        shop.refuse(&[]);
        shop.restore();
        assert_eq!((shop.phase(), shop.counts().conflicts), (Phase::Restored, 0), "{key} {at:?}");
    }
}

#[test]
fn p2_p4_what_its_store_locks_is_retained_and_what_it_refuses_to_destroy_has_failed() {
    let shop = RefusingShop::hiding(&[]);
    shop.refuse(&[("u/alice/b", At::Locked(date(2099, 1, 1)))]);
    shop.pass(WINDOW_AND_MORE);
    let counts = shop.counts();
    assert_eq!((counts.retained, counts.failed), (1, 0), "{:?}", shop.phase());
    assert!(!shop.world.versions("files", "u/alice/b").is_empty());
    assert!(shop.world.versions("files", "u/alice/a").is_empty(), "the others are destroyed");

    let shop = RefusingShop::hiding(&[]);
    shop.refuse(&[("u/alice/b", At::Expunge)]);
    shop.pass(WINDOW_AND_MORE);
    assert_eq!((shop.counts().retained, shop.counts().failed), (0, 1), "{:?}", shop.phase());
    assert_ne!(shop.phase(), Phase::Completed);
}

/// Until nobody tries it any more by itself.
fn fails(shop: &RefusingShop) {
    for _ in 0..20 {
        shop.pass(400);
    }
    assert_eq!(shop.phase(), Phase::Failed);
}

#[test]
fn p5_a_restore_that_its_store_does_not_take_can_be_retried_resolved_or_cancelled() {
    let failed = || {
        let shop = RefusingShop::hiding(&[]);
        shop.refuse(&[("", At::Unusable)]);
        block_on(shop.engine.requests().restore(&officer(), id(), RestoreOrder::default())).expect("accepted");
        fails(&shop);
        shop
    };
    let shop = failed();
    shop.refuse(&[]);
    block_on(shop.engine.requests().retry(&officer(), id())).expect("retried");
    shop.drive();
    assert_eq!(shop.phase(), Phase::Restored);

    let shop = failed();
    block_on(shop.engine.requests().resolve(&officer(), id())).expect("resolved");
    assert_ne!(shop.phase(), Phase::Failed, "the window is looked at again");

    let shop = failed();
    let cancelled = block_on(shop.engine.requests().cancel(&officer(), id(), None)).expect("cancelled");
    assert_eq!(cancelled.request.state.phase, Phase::Recoverable);
    shop.refuse(&[]);
    shop.pass(WINDOW_AND_MORE);
    assert_eq!((shop.phase(), shop.world.vault_keys()), (Phase::Cancelled, 0));
}

#[test]
fn p3_a_purge_that_its_store_does_not_take_can_be_resolved_and_never_says_completed() {
    let shop = RefusingShop::hiding(&[]);
    shop.refuse(&[("", At::Unusable)]);
    shop.pass(WINDOW_AND_MORE);
    fails(&shop);
    shop.refuse(&[]);
    block_on(shop.engine.requests().resolve(&officer(), id())).expect("resolved");
    shop.drive();
    shop.pass(120);
    assert!(shop.counts().failed > 0, "{:?}", shop.counts());
    assert_ne!(shop.phase(), Phase::Completed);
    let error = block_on(shop.engine.requests().resolve(&officer(), id())).expect_err("once");
    assert!(matches!(error, EngineError::Refused(refusal) if refusal.code == "invalid_state"));
}

/// Three uploads of alice that nobody finished, two to a batch, hidden with the rest, and how many records that makes.
fn with_uploads() -> (RefusingShop, u64) {
    let shop = RefusingShop::opened();
    for key in ["u/alice/p", "u/alice/q", "u/alice/r"] {
        shop.world.app_begins_upload("files", key);
    }
    shop.submit();
    shop.approve();
    let all = shop.counts().erased;
    (shop, all)
}

/// How its records end: erased, those of them that are uncertain, already absent, failed.
fn ends(shop: &RefusingShop) -> (u64, u64, u64, u64) {
    let counts = shop.counts();
    (counts.erased, counts.uncertain, counts.already_absent, counts.failed)
}

#[test]
fn p4_one_upload_without_an_answer_does_not_cost_what_was_said_of_the_others() {
    let (shop, all) = with_uploads();
    shop.refuse(&[("u/alice/q", At::Unanswered)]);
    shop.pass(WINDOW_AND_MORE);
    assert_eq!((shop.phase(), shop.world.uploads("files").as_slice()), (Phase::Purging, &["u/alice/q".to_owned()][..]));
    shop.refuse(&[]);
    shop.pass(400);
    assert_eq!((shop.phase().is_final(), ends(&shop)), (true, (all, 0, 0, 0)), "{:?}", shop.phase());

    // Of one alone nobody can tell.
    let (shop, all) = with_uploads();
    shop.refuse(&[("u/alice/q", At::ReplyLost)]);
    shop.pass(WINDOW_AND_MORE);
    shop.refuse(&[]);
    shop.pass(400);
    assert_eq!(ends(&shop), (all, 1, 0, 0));
}

#[test]
fn p4_a_purge_that_is_tried_anew_after_it_failed_knows_what_it_had_done() {
    let (shop, all) = with_uploads();
    shop.refuse(&[("u/alice/p", At::ReplyLost), ("u/alice/q", At::Unanswered)]);
    shop.pass(WINDOW_AND_MORE);
    fails(&shop);
    shop.refuse(&[]);
    block_on(shop.engine.requests().retry(&officer(), id())).expect("retried");
    shop.drive();
    shop.pass(120);
    assert_eq!(ends(&shop), (all, 1, 0, 0), "none of them is laid to others");
    assert!(shop.phase().is_final(), "{:?}", shop.phase());
}

#[test]
fn p4_a_purge_that_is_given_up_has_destroyed_what_it_was_told_so() {
    let (shop, all) = with_uploads();
    let bytes = shop.counts().bytes;
    shop.refuse(&[("u/alice/q", At::Unanswered)]);
    shop.pass(WINDOW_AND_MORE);
    fails(&shop);
    let status = block_on(shop.engine.requests().status(&officer(), id())).expect("there");
    assert_eq!(status.steps.iter().map(|s| s.counts.erased).sum::<u64>(), all, "of what is under way nothing is said");
    block_on(shop.engine.requests().resolve(&officer(), id())).expect("resolved");
    assert_eq!(ends(&shop), (all - 1, 0, 0, 1));
    let left = shop.counts().bytes;
    assert!(left < bytes && left > 0, "{left} of {bytes}");
    let resolved = shop.world.outbox().into_iter().find(|e| e["event_type"] == "batch_resolved").expect("in the log");
    assert_eq!(resolved["data_erased"]["documents"], 1, "{resolved}");
    shop.refuse(&[]);
    shop.drive();
    shop.pass(120);
    assert_ne!(shop.phase(), Phase::Completed, "one is left");
}

#[test]
fn p7_a_cancellation_that_cannot_be_settled_fails_once() {
    let shop = RefusingShop::hiding(&[("", At::Unremovable)]);
    assert_eq!(shop.phase(), Phase::Hiding);
    shop.refuse(&[("", At::Unusable)]);
    block_on(shop.engine.requests().cancel(&officer(), id(), None)).expect("cancelled");
    assert_eq!(shop.phase(), Phase::Settling);
    fails(&shop);
    let count = || {
        let events = shop.world.outbox();
        events.iter().filter(|e| e["event_type"] == "batch_failed").count()
    };
    let failed = count();
    for _ in 0..20 {
        shop.pass(400);
    }
    assert_eq!((shop.phase(), count()), (Phase::Failed, failed), "no more entries, however long it waits");
    shop.refuse(&[]);
    block_on(shop.engine.requests().retry(&officer(), id())).expect("retried");
    shop.drive();
    shop.pass(120);
    assert!(matches!(shop.phase(), Phase::Recoverable | Phase::Cancelled), "{:?}", shop.phase());
    assert!(shop.detail().request.state.cancelled);
}

#[test]
fn p3_p4_what_was_put_back_before_trouble_is_not_counted_with_what_is_away() {
    let shop = RefusingShop::hiding(&[]);
    let orders = || {
        let status = block_on(shop.engine.requests().status(&officer(), id())).expect("there");
        status.steps.into_iter().find(|s| s.producer == "orders").expect("a step").counts
    };
    let standing = || (0..9).filter(|n| shop.world.row("orders", &format!("o{n}")).is_some()).count() as u64;
    let (hidden, stood) = (orders().erased, standing());
    shop.refuse(&[("o0", At::NoAnswer)]);
    shop.restore();
    for _ in 0..30 {
        shop.pass(330);
    }
    assert_eq!(shop.phase(), Phase::Failed, "no attempt comes through");
    let back = standing() - stood;
    let counts = orders();
    assert!(back > 0 && shop.world.row("orders", "o0").is_none(), "its neighbours are back");
    assert_eq!((counts.restored, counts.erased), (back, hidden - back), "{counts:?}");
}

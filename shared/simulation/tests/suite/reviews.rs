//! Reviews that somebody asks for: decided once, by somebody else, or by nobody, which is no approval.

use crate::support::{engine, entries, officer, opened, poll_some, reviewer, settle_but};
use oubli_domain::{
    access::{Caller, Role, Roles},
    ids::ActorId,
    review::{Conditions, DecisionType, ReviewId, ReviewStatus, RuleId, Urgency},
};
use oubli_engine::{
    EngineError, ProblemCode,
    directory::{NewRule, RuleChange, TeamChange},
    ports::{Key, TableName},
    reviews::{Asked, AskedReview, DecidedBy, NewFeedback, NewReview, NewReviewDecision, ReviewFilter, ReviewPage, Said},
};
use oubli_simulation::{
    World, organization,
    polls::{block_on, poll_for},
};
use serde_json::{Value, json};
use std::{
    pin::{Pin, pin},
    task::{Context, Waker},
    time::Duration,
};
use uuid::Uuid;

const DAY: i64 = 86_400;

/// Planted where only sealed words may be.
const SECRET: &str = "Mara Lindqvist, cust-00042";

fn somebody(number: u128, role: Role) -> Caller {
    Caller { actor: ActorId::from_uuid(Uuid::from_u128(number)), roles: Roles::of(role), ..officer() }
}

fn agent() -> Caller {
    somebody(70, Role::Service)
}

fn new(task_type: &str) -> NewReview {
    let metadata = json!({ "data_points": 42, "who": SECRET });
    NewReview {
        asked: Asked {
            task_type: task_type.to_owned(),
            proposed_action: format!("Erase everything of {SECRET}"),
            agent_reasoning: Some(format!("{SECRET} asked for it")),
            confidence_score: Some(0.5),
            framework: Some("custom".to_owned()),
            agent_id: None,
            organization_id: Some(json!(1)),
            metadata: metadata.as_object().cloned(),
            cut: false,
        },
        urgency: Urgency::Medium,
    }
}

fn ask(world: &World, call: u128) -> AskedReview {
    block_on(engine(world).reviews().ask(&agent(), Uuid::from_u128(call), new("data_deletion"))).expect("asked")
}

fn says(decision_type: DecisionType, modified_action: Option<&str>) -> NewReviewDecision {
    let said = Said { modified_action: modified_action.map(str::to_owned), notes: Some(SECRET.to_owned()), ..Said::default() };
    NewReviewDecision { decision_type, said }
}

fn decide(world: &World, caller: &Caller, id: ReviewId, decision: NewReviewDecision) -> Result<AskedReview, EngineError> {
    block_on(engine(world).reviews().decide_asked(caller, id, decision))
}

fn shown(world: &World, id: ReviewId) -> AskedReview {
    block_on(engine(world).reviews().review(&agent(), id)).expect("shown")
}

fn code<T>(answer: Result<T, EngineError>) -> Option<ProblemCode> {
    match answer {
        Ok(_) => None,
        Err(EngineError::Refused(refusal)) => Some(refusal.code),
        Err(other) => panic!("{other}"),
    }
}

fn count_of(world: &World, event: &str) -> usize {
    settle_but(world, || engine(world), |_| false);
    entries(world).into_iter().filter(|(name, _)| name == event).count()
}

/// Whether anything that is written says this.
fn is_written(world: &World, text: &str) -> bool {
    let state = world.lock();
    state.items.iter().any(|(key, item)| format!("{key:?} {item:?}").contains(text))
}

#[test]
fn p1_a_review_is_decided_once_and_by_somebody_else() {
    let world = opened();
    let asked = ask(&world, 1);
    assert_eq!((asked.id.number(), asked.status, asked.decision.is_none()), (1, ReviewStatus::Pending, true));
    let by_officer = block_on(engine(&world).reviews().ask(&officer(), Uuid::from_u128(2), new("data_deletion"))).expect("asked");
    assert_eq!(by_officer.id.number(), 2);
    // Whoever may ask need not be who may decide, and who asked may not.
    for caller in [agent(), officer(), somebody(71, Role::Auditor)] {
        assert_eq!(code(decide(&world, &caller, asked.id, says(DecisionType::Approve, None))), Some(ProblemCode::Forbidden));
    }
    let administrator = Caller { roles: Roles::of(Role::Administrator), ..officer() };
    let own = decide(&world, &administrator, by_officer.id, says(DecisionType::Approve, None));
    assert_eq!(code(own), Some(ProblemCode::OwnRequest));
    assert_eq!(shown(&world, asked.id).status, ReviewStatus::Pending);

    let decided = decide(&world, &reviewer(), asked.id, says(DecisionType::Reject, None)).expect("decided");
    assert_eq!(decided.status, ReviewStatus::Rejected);
    for again in [DecisionType::Approve, DecisionType::Reject] {
        assert_eq!(code(decide(&world, &administrator, asked.id, says(again, None))), Some(ProblemCode::AlreadyDecided));
    }
    let seen = shown(&world, asked.id);
    let decision = seen.decision.expect("a decision");
    assert_eq!((seen.status, decision.decision_type), (ReviewStatus::Rejected, DecisionType::Reject));
    assert_eq!(decision.decided_by, DecidedBy::Member(reviewer().actor));
    assert_eq!(decision.said.expect("said").notes.as_deref(), Some(SECRET));
    assert_eq!((count_of(&world, "review_requested"), count_of(&world, "review_decided")), (2, 1));
    assert!(!is_written(&world, "Lindqvist"), "what people wrote is sealed");
    assert!(entries(&world).iter().all(|(_, event)| !event.contains("Lindqvist")));
}

#[test]
fn p1_what_is_changed_has_to_say_how_and_nobody_decides_what_the_asker_cannot_carry_out() {
    let world = opened();
    let id = ask(&world, 1).id;
    // Clients carry out what was asked at first where they find no object.
    for (action, refused) in [
        (None, ProblemCode::MissingField),
        (Some("Only the chats, please."), ProblemCode::InvalidValue),
        (Some("Only {the chats}."), ProblemCode::InvalidValue),
        (Some("{\"categories\": [\"chats\"]} and no more"), ProblemCode::InvalidValue),
    ] {
        assert_eq!(code(decide(&world, &reviewer(), id, says(DecisionType::Modify, action))), Some(refused), "{action:?}");
        assert_eq!(shown(&world, id).status, ReviewStatus::Pending);
    }
    let action = "Only the chats. {\"categories\": [\"chats\"]}";
    let modified = decide(&world, &reviewer(), id, says(DecisionType::Modify, Some(action))).expect("decided");
    assert_eq!(modified.status, ReviewStatus::Modified);

    let mut narrow = new("tool_call_shell");
    narrow.asked.metadata = json!({ "allowed_decisions": ["approve"] }).as_object().cloned();
    let id = block_on(engine(&world).reviews().ask(&agent(), Uuid::from_u128(2), narrow)).expect("asked").id;
    assert_eq!(code(decide(&world, &reviewer(), id, says(DecisionType::Modify, Some(action)))), Some(ProblemCode::InvalidValue));
    assert_eq!(
        decide(&world, &reviewer(), id, says(DecisionType::Reject, None)).expect("decided").status,
        ReviewStatus::Rejected
    );
}

#[test]
fn p1_what_nobody_decides_in_time_is_rejected_and_says_so() {
    let world = opened();
    let id = ask(&world, 1).id;
    let closes = shown(&world, id).closes_at.expect("a time");
    world.pass(90 * DAY - 60);
    block_on(engine(&world).worker().sweep()).expect("swept");
    settle_but(&world, || engine(&world), |_| false);
    assert_eq!(shown(&world, id).status, ReviewStatus::Pending, "its time is not over");
    world.pass(120);
    for _ in 0..2 {
        block_on(engine(&world).worker().sweep()).expect("swept");
        settle_but(&world, || engine(&world), |_| false);
    }
    let seen = shown(&world, id);
    let decision = seen.decision.expect("a decision");
    assert_eq!((seen.status, decision.decision_type), (ReviewStatus::Rejected, DecisionType::Reject));
    assert_eq!(decision.decided_by, DecidedBy::Timeout);
    assert!(decision.decided_at >= closes && seen.closes_at.is_none());
    assert_eq!(code(decide(&world, &reviewer(), id, says(DecisionType::Approve, None))), Some(ProblemCode::AlreadyDecided));
    assert_eq!(count_of(&world, "review_timed_out"), 1);
    let stats = block_on(engine(&world).reviews().stats(&officer())).expect("numbers");
    assert_eq!((stats.total, stats.pending, stats.rejected, stats.timed_out), (1, 0, 1, 1));
}

#[test]
fn p1_a_decision_and_the_end_of_its_time_at_the_same_moment_are_one_of_both() {
    let world = opened();
    let id = ask(&world, 1).id;
    world.pass(90 * DAY + 1);
    let polls = poll_for(engine(&world).reviews().time_out(&organization(), id), u64::MAX).1;
    assert!(polls > 2, "{polls}");
    for alive in 0..=polls {
        let world = opened();
        let id = ask(&world, 1).id;
        world.pass(90 * DAY + 1);
        poll_for(engine(&world).reviews().time_out(&organization(), id), alive);
        let decided = decide(&world, &reviewer(), id, says(DecisionType::Approve, None));
        block_on(engine(&world).reviews().time_out(&organization(), id)).expect("closed, or not");
        let approved = decided.is_ok();
        let seen = shown(&world, id);
        let expected = if approved { ReviewStatus::Approved } else { ReviewStatus::Rejected };
        assert_eq!(seen.status, expected, "died after {alive} of {polls}");
        let told = (count_of(&world, "review_decided"), count_of(&world, "review_timed_out"));
        assert_eq!(told, if approved { (1, 0) } else { (0, 1) }, "died after {alive} of {polls}");
        let stats = block_on(engine(&world).reviews().stats(&officer())).expect("numbers");
        assert_eq!((stats.total, stats.pending, stats.approved + stats.rejected), (1, 0, 1), "died after {alive} of {polls}");
    }
}

#[test]
fn p4_a_call_that_is_sent_again_asks_once_wherever_it_died() {
    let polls = {
        let world = opened();
        poll_for(engine(&world).reviews().ask(&agent(), Uuid::from_u128(1), new("data_deletion")), u64::MAX).1
    };
    assert!(polls > 4, "{polls}");
    for alive in 0..=polls {
        let world = opened();
        poll_for(engine(&world).reviews().ask(&agent(), Uuid::from_u128(1), new("data_deletion")), alive);
        let first = ask(&world, 1);
        let again = ask(&world, 1);
        let other = ask(&world, 2);
        assert_eq!((first.id, first.id.number()), (again.id, 1), "died after {alive} of {polls}");
        assert_eq!(other.id.number(), 2, "died after {alive} of {polls}");
        assert_eq!(count_of(&world, "review_requested"), 2, "died after {alive} of {polls}");
        let stats = block_on(engine(&world).reviews().stats(&officer())).expect("numbers");
        assert_eq!((stats.total, stats.pending), (2, 2), "died after {alive} of {polls}");
    }
}

#[test]
fn p1_two_who_ask_at_the_same_moment_get_two_numbers() {
    let polls = {
        let world = opened();
        poll_for(engine(&world).reviews().ask(&agent(), Uuid::from_u128(1), new("data_deletion")), u64::MAX).1
    };
    for before in 0..polls {
        let world = opened();
        let (asks, caller) = (engine(&world), agent());
        let reviews = asks.reviews();
        let mut first = pin!(reviews.ask(&caller, Uuid::from_u128(1), new("data_deletion")));
        for _ in 0..before {
            assert!(first.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        }
        let second = ask(&world, 2);
        let first = block_on(first).expect("asked");
        let mut numbers = [first.id.number(), second.id.number()];
        numbers.sort_unstable();
        assert_eq!(numbers, [1, 2], "{before} of {polls}");
        assert_eq!(ask(&world, 3).id.number(), 3, "{before} of {polls}");
    }
}

#[test]
fn p1_a_number_is_never_given_again_though_everything_that_had_one_is_forgotten() {
    let world = opened();
    let id = ask(&world, 1).id;
    decide(&world, &reviewer(), id, says(DecisionType::Approve, None)).expect("decided");
    world.pass(160 * DAY);
    block_on(engine(&world).reviews().forget_months(&organization())).expect("forgotten");
    assert_eq!(code(block_on(engine(&world).reviews().review(&agent(), id))), Some(ProblemCode::NotFound));
    let next = ask(&world, 2);
    assert_eq!((next.id.number(), next.status), (2, ReviewStatus::Pending));
    assert!(next.decision.is_none());
}

#[test]
fn p1_a_decision_is_of_one_review_whoever_takes_its_number() {
    for number_too in [false, true] {
        let world = opened();
        let id = ask(&world, 1).id;
        decide(&world, &reviewer(), id, says(DecisionType::Approve, None)).expect("decided");
        // Whoever may write what is asked, but no decisions, takes all of it away.
        world.lock().items.retain(|key, _| {
            let is_number = key.pk.ends_with("#review-number");
            key.table != TableName::Control || !key.pk.contains("#review") || (is_number && !number_too)
        });
        let next = ask(&world, 2);
        assert_eq!(next.id.number(), if number_too { 1 } else { 2 });
        assert_eq!((next.status, next.decision.is_none()), (ReviewStatus::Pending, true));
        assert_eq!(shown(&world, next.id).status, ReviewStatus::Pending);
        let decided = decide(&world, &reviewer(), next.id, says(DecisionType::Reject, None)).expect("decided");
        assert_eq!(decided.status, ReviewStatus::Rejected);
    }
    // Where only the number is gone, those that are there keep theirs.
    let world = opened();
    for call in 1..=20 {
        ask(&world, call);
    }
    world.lock().items.retain(|key, _| !key.pk.ends_with("#review-number"));
    assert_eq!(ask(&world, 21).id.number(), 21);
}

#[test]
fn p8_an_auditor_learns_of_no_words_by_counts_nor_by_filters() {
    let world = opened();
    ask(&world, 1);
    let auditor = somebody(71, Role::Auditor);
    let stats = block_on(engine(&world).reviews().stats(&auditor)).expect("numbers");
    assert_eq!((stats.total, stats.pending, stats.looked_at), (1, 1, 0));
    assert!(stats.by_task_type.is_empty() && stats.by_framework.is_empty());
    let by = |filter: ReviewFilter| block_on(engine(&world).reviews().list_asked(&auditor, &filter, 1, 20));
    assert_eq!(by(ReviewFilter::default()).expect("a page").total, 1);
    let words = || Some("data_deletion".to_owned());
    for filter in [
        ReviewFilter { task_type: words(), ..ReviewFilter::default() },
        ReviewFilter { framework: words(), ..ReviewFilter::default() },
    ] {
        assert_eq!(code(by(filter)), Some(ProblemCode::Forbidden));
    }
    let deletions = ReviewFilter { task_type: words(), ..ReviewFilter::default() };
    let own = block_on(engine(&world).reviews().list_asked(&agent(), &deletions, 1, 20)).expect("a page");
    assert_eq!(own.total, 1);
}

#[test]
fn a_page_that_is_too_long_is_short_of_what_is_long() {
    let world = opened();
    for call in 1..=18 {
        let mut long = new("data_deletion");
        long.asked.metadata = json!({ "long": "x".repeat(200_000) }).as_object().cloned();
        block_on(engine(&world).reviews().ask(&agent(), Uuid::from_u128(call), long)).expect("asked");
    }
    let all = ReviewFilter::default();
    let page = block_on(engine(&world).reviews().list_asked(&reviewer(), &all, 1, 20)).expect("a page");
    assert_eq!((page.reviews.len(), page.total), (18, 18));
    let whole = |review: &AskedReview| {
        let metadata = review.asked.as_ref().and_then(|asked| asked.metadata.as_ref());
        metadata.is_some_and(|metadata| metadata.contains_key("long"))
    };
    assert!(page.reviews.first().is_some_and(whole));
    let last = page.reviews.last().expect("the oldest");
    assert!(!whole(last));
    assert_eq!(last.asked.as_ref().expect("words").metadata, json!({ "omitted": true }).as_object().cloned());
    assert!(whole(&shown(&world, last.id)), "by itself it is shown whole");
}

#[test]
fn p8_a_machine_knows_of_what_it_asked_and_another_organization_of_nothing() {
    let world = opened();
    let id = ask(&world, 1).id;
    let other_agent = somebody(72, Role::Service);
    let elsewhere = Caller { organization: "other".parse().expect("an id"), ..reviewer() };
    for caller in [&other_agent, &elsewhere] {
        assert_eq!(code(block_on(engine(&world).reviews().review(caller, id))), Some(ProblemCode::NotFound));
        let said = block_on(engine(&world).reviews().feedback(caller, id)).map(drop);
        assert_eq!(code(said), Some(ProblemCode::NotFound));
        let page = block_on(engine(&world).reviews().list_asked(caller, &ReviewFilter::default(), 1, 20)).expect("a page");
        assert_eq!((page.reviews.len(), page.total), (0, 0));
    }
    assert_eq!(code(decide(&world, &elsewhere, id, says(DecisionType::Approve, None))), Some(ProblemCode::NotFound));
    // An auditor sees that there is one, and how it stands, but no words about people.
    let audited = block_on(engine(&world).reviews().review(&somebody(71, Role::Auditor), id)).expect("shown");
    assert!(audited.asked.is_none() && audited.status == ReviewStatus::Pending);
    for caller in [officer(), reviewer(), agent()] {
        let seen = block_on(engine(&world).reviews().review(&caller, id)).expect("shown");
        assert_eq!(seen.asked.expect("words"), new("data_deletion").asked);
    }
}

fn listed(world: &World, filter: &ReviewFilter, page: u32, size: u32) -> (Vec<u64>, u64) {
    let found = block_on(engine(world).reviews().list_asked(&reviewer(), filter, page, size)).expect("a page");
    let ReviewPage { reviews, total, more } = found;
    assert!(!more);
    (reviews.iter().map(|review| review.id.number()).collect(), total)
}

#[test]
fn reviews_are_listed_newest_first_by_pages_and_what_narrows_them() {
    let world = opened();
    for (call, task_type) in [(1, "data_deletion"), (2, "deploy"), (3, "data_deletion"), (4, "deploy"), (5, "data_deletion")] {
        block_on(engine(&world).reviews().ask(&agent(), Uuid::from_u128(call), new(task_type))).expect("asked");
    }
    let third = ReviewId::new(3).expect("an id");
    decide(&world, &reviewer(), third, says(DecisionType::Approve, None)).expect("decided");
    let all = ReviewFilter::default();
    assert_eq!(listed(&world, &all, 1, 2), (vec![5, 4], 5));
    assert_eq!(listed(&world, &all, 3, 2), (vec![1], 5));
    assert_eq!(listed(&world, &all, 4, 2), (vec![], 5));
    let deletions = ReviewFilter { task_type: Some("data_deletion".to_owned()), ..all.clone() };
    assert_eq!(listed(&world, &deletions, 1, 20), (vec![5, 3, 1], 3));
    let pending = ReviewFilter { status: Some(ReviewStatus::Pending), ..deletions };
    assert_eq!(listed(&world, &pending, 1, 20), (vec![5, 1], 2));
    let frameworks = ReviewFilter { framework: Some("other".to_owned()), ..all };
    assert_eq!(listed(&world, &frameworks, 1, 20), (vec![], 0));
    let stats = block_on(engine(&world).reviews().stats(&officer())).expect("numbers");
    assert_eq!((stats.total, stats.pending, stats.approved), (5, 4, 1));
    assert_eq!(stats.by_task_type.into_iter().collect::<Vec<_>>(), [("data_deletion".to_owned(), 3), ("deploy".to_owned(), 2)]);
    assert_eq!(stats.average_confidence, Some(0.5));
}

fn conditions(value: Value) -> Conditions {
    Conditions::try_from(value).expect("conditions")
}

#[test]
fn rules_say_who_is_asked_and_those_that_are_gone_say_nothing() {
    let world = opened();
    let operator = || engine(&world).directory().operator(&organization(), None);
    let team = block_on(operator().add_team("Compliance".to_owned())).expect("a team");
    let platform = block_on(operator().add_team("Platform".to_owned())).expect("a team");
    assert_eq!((team.id.number(), platform.id.number()), (1, 2));
    assert_eq!(code(block_on(operator().add_team("compliance".to_owned()))), Some(ProblemCode::TeamExists));
    let rule = |priority, value, assign_to_team| NewRule {
        name: SECRET.to_owned(),
        priority,
        conditions: conditions(value),
        assign_to_user: None,
        assign_to_team: Some(assign_to_team),
        is_active: true,
    };
    let deletions = json!({ "task_type": { "operator": "=", "value": "data_deletion" } });
    let first = block_on(operator().add_rule(rule(200, deletions.clone(), team.id))).expect("a rule");
    let large = json!({ "metadata.data_points": { "operator": ">", "value": 40 } });
    let second = block_on(operator().add_rule(rule(200, large, platform.id))).expect("a rule");
    assert_eq!(second.as_important, [first.rule.id], "of those that count as much the oldest decides");
    assert_eq!((ask(&world, 1).team, ask(&world, 2).rule), (Some(team.id), Some(first.rule.id)));
    let change = RuleChange { is_active: Some(false), ..RuleChange::default() };
    block_on(operator().change_rule(first.rule.id, change)).expect("changed");
    assert_eq!(ask(&world, 3).team, Some(platform.id));
    assert_eq!(code(block_on(operator().remove_team(team.id))), Some(ProblemCode::TeamInUse));
    block_on(operator().remove_rule(first.rule.id)).expect("removed");
    block_on(operator().remove_team(team.id)).expect("removed");
    let unknown = block_on(operator().add_rule(rule(1, json!({}), team.id)));
    assert_eq!(code(unknown), Some(ProblemCode::UnknownTeam));
    let third = block_on(operator().add_rule(rule(1, json!({}), platform.id))).expect("a rule");
    assert_eq!(third.rule.id.number(), 3, "a number is never given twice");
    assert_eq!(shown(&world, ReviewId::new(1).expect("an id")).team, Some(team.id), "who was asked stays who was asked");
    assert_eq!(count_of(&world, "routing_rule_added"), 3);
    assert!(entries(&world).iter().all(|(_, event)| !event.contains("Lindqvist")));
}

#[test]
fn where_no_rule_says_who_is_asked_the_default_team_is() {
    let world = opened();
    let operator = || engine(&world).directory().operator(&organization(), None);
    let made_default = |is_default| TeamChange { is_default: Some(is_default), ..TeamChange::default() };
    let [first, second] = ["Compliance", "Platform"].map(|name| block_on(operator().add_team(name.to_owned())).expect("a team"));
    assert_eq!((ask(&world, 1).team, first.is_default), (None, false));
    assert!(block_on(operator().change_team(first.id, made_default(true))).expect("changed").is_default);
    assert_eq!(block_on(operator().change_team(first.id, made_default(true))).ok().map(|team| team.is_default), Some(true));
    let asked = ask(&world, 2);
    assert_eq!((asked.team, asked.rule), (Some(first.id), None));
    assert_eq!(code(block_on(operator().remove_team(first.id))), Some(ProblemCode::TeamInUse));
    // One is, and the other is not any more.
    block_on(operator().change_team(second.id, made_default(true))).expect("changed");
    assert_eq!(ask(&world, 3).team, Some(second.id));
    block_on(operator().change_team(first.id, made_default(false))).expect("as it was");
    assert_eq!(ask(&world, 4).team, Some(second.id), "what is not the default is not taken from it");
    block_on(operator().remove_team(first.id)).expect("removed");
    // A rule that names a member alone names no team.
    let everything = NewRule {
        name: "All".to_owned(),
        priority: 0,
        conditions: conditions(json!({})),
        assign_to_user: None,
        assign_to_team: None,
        is_active: true,
    };
    let rule = block_on(operator().add_rule(everything)).expect("a rule").rule.id;
    let asked = ask(&world, 5);
    assert_eq!((asked.team, asked.rule), (None, Some(rule)));
    block_on(operator().remove_rule(rule)).expect("removed");
    block_on(operator().change_team(second.id, made_default(false))).expect("changed");
    assert_eq!(ask(&world, 6).team, None);
    assert_eq!(count_of(&world, "team_changed"), 3, "what is as it was leaves no trace");
}

#[test]
fn a_rule_that_cannot_be_read_keeps_nobody_from_asking() {
    let world = opened();
    let operator = || engine(&world).directory().operator(&organization(), None);
    let team = block_on(operator().add_team("Compliance".to_owned())).expect("a team");
    for priority in [200, 100] {
        let rule = NewRule {
            name: "Everything".to_owned(),
            priority,
            conditions: conditions(json!({})),
            assign_to_user: None,
            assign_to_team: Some(team.id),
            is_active: true,
        };
        block_on(operator().add_rule(rule)).expect("a rule");
    }
    for (key, item) in &mut world.lock().items {
        if key.sk == format!("rule#{:016}", 1) {
            item.insert("rule".to_owned(), json!({ "conditions": "{" }));
        }
    }
    let asked = ask(&world, 1);
    assert_eq!((asked.rule.map(RuleId::number), asked.team), (Some(2), Some(team.id)));
    let administrator = Caller { roles: Roles::of(Role::Administrator), ..officer() };
    let listed = block_on(engine(&world).directory().routing_rules(&administrator)).expect("those that can be read");
    assert_eq!(listed.iter().map(|view| view.rule.id.number()).collect::<Vec<_>>(), [2]);
}

#[test]
fn whoever_waits_learns_of_a_decision_and_else_that_there_is_none() {
    let world = opened();
    let id = ask(&world, 1).id;
    let waits = |review: AskedReview, millis| {
        let before = world.lock().now_ms;
        let patience = Duration::from_millis(millis);
        let seen = block_on(engine(&world).reviews().decided_within(&agent(), review, patience)).expect("an answer");
        (seen.status, world.lock().now_ms - before)
    };
    let pending = shown(&world, id);
    let (status, waited) = waits(pending.clone(), 3_500);
    assert!(status == ReviewStatus::Pending && (3_000..=3_500).contains(&waited), "{waited} ms");
    // Who has no time left is answered with what is known.
    let calls = world.calls();
    assert_eq!(waits(pending.clone(), 100), (ReviewStatus::Pending, 0));
    assert_eq!(world.calls(), calls, "no look is begun");
    decide(&world, &reviewer(), id, says(DecisionType::Approve, None)).expect("decided");
    assert_eq!(waits(shown(&world, id), 3_500), (ReviewStatus::Approved, 0), "at once");
    let (status, waited) = waits(pending, 3_500);
    assert!(status == ReviewStatus::Approved && waited <= 1_000, "{waited} ms");
}

#[test]
fn p1_what_was_too_large_to_be_kept_whole_can_only_be_rejected() {
    let world = opened();
    let mut large = new("tool_call_shell");
    large.asked.cut = true;
    let id = block_on(engine(&world).reviews().ask(&agent(), Uuid::from_u128(1), large)).expect("asked").id;
    for (decision, action) in [(DecisionType::Approve, None), (DecisionType::Modify, Some("Less. {\"rows\": 1}"))] {
        assert_eq!(code(decide(&world, &reviewer(), id, says(decision, action))), Some(ProblemCode::InvalidValue));
    }
    assert_eq!(shown(&world, id).status, ReviewStatus::Pending);
    let rejected = decide(&world, &reviewer(), id, says(DecisionType::Reject, None)).expect("decided");
    assert_eq!(rejected.status, ReviewStatus::Rejected);
}

#[test]
fn p7_the_log_says_that_a_rule_changed_and_nothing_that_could_be_guessed() {
    let world = opened();
    let operator = || engine(&world).directory().operator(&organization(), None);
    let team = block_on(operator().add_team("Compliance".to_owned())).expect("a team");
    let rule = NewRule {
        name: SECRET.to_owned(),
        priority: 1,
        conditions: conditions(json!({ "metadata.who": SECRET })),
        assign_to_user: None,
        assign_to_team: Some(team.id),
        is_active: true,
    };
    let rule = block_on(operator().add_rule(rule)).expect("a rule").rule.id;
    let change = RuleChange {
        name: Some("Somebody".to_owned()),
        conditions: Some(conditions(json!({ "metadata.who": "somebody" }))),
        ..RuleChange::default()
    };
    block_on(operator().change_rule(rule, change)).expect("changed");
    settle_but(&world, || engine(&world), |_| false);
    let told: Vec<String> =
        entries(&world).into_iter().filter(|(name, _)| name.starts_with("routing_rule")).map(|(_, event)| event).collect();
    assert_eq!(told.len(), 2);
    assert!(told.iter().all(|event| !event.contains("sha256")), "a digest of a name can be guessed: {told:?}");
    let said = "\"changed\":[\"name\",\"conditions\"]";
    assert!(told.iter().any(|event| event.contains(said)), "{told:?}");
}

#[test]
fn a_team_that_is_removed_while_a_rule_comes_to_name_it_is_named_by_none() {
    let rule = |team| NewRule {
        name: "All".to_owned(),
        priority: 1,
        conditions: conditions(json!({})),
        assign_to_user: None,
        assign_to_team: Some(team),
        is_active: true,
    };
    let mut refused = 0;
    for polls in 0.. {
        let world = opened();
        let engine = engine(&world);
        let operator = engine.directory().operator(&organization(), None);
        let team = block_on(operator.add_team("Compliance".to_owned())).expect("a team").id;
        let mut removal: Pin<Box<dyn Future<Output = _> + '_>> = Box::pin(operator.remove_team(team));
        if poll_some(&mut removal, polls) {
            break;
        }
        let made = block_on(operator.add_rule(rule(team))).is_ok();
        let removed = block_on(removal).is_ok();
        assert!(!(made && removed), "after {polls} polls: a rule names a team that is not there");
        refused += u32::from(made);
    }
    assert!(refused > 0);
}

#[test]
fn p10_what_a_months_reviews_said_is_forgotten_wherever_a_worker_dies() {
    let forgotten = || {
        let world = opened();
        let id = ask(&world, 1).id;
        decide(&world, &reviewer(), id, says(DecisionType::Reject, None)).expect("decided");
        let said = NewFeedback { rating: Some(5), comment: Some(SECRET.to_owned()) };
        block_on(engine(&world).reviews().give_feedback(&agent(), id, said)).expect("said");
        world.pass(40 * DAY);
        ask(&world, 2);
        // The first month is over, and what was asked in it has been kept for as long as it is.
        world.pass(115 * DAY);
        (world, id)
    };
    let kept = |world: &World| {
        let state = world.lock();
        let of = |part: &str| state.items.keys().filter(|key| key.pk.contains(part)).count();
        (of("#review#"), of("#reviews#"), of("#review-months"))
    };
    let (world, id) = forgotten();
    let polls = poll_for(engine(&world).reviews().forget_months(&organization()), u64::MAX).1;
    assert_eq!(code(block_on(engine(&world).reviews().review(&agent(), id))), Some(ProblemCode::NotFound));
    assert_eq!(count_of(&world, "reviews_forgotten"), 1);
    let nothing = kept(&world);
    assert!(polls > 20, "{polls}");
    for alive in 0..=polls {
        let (world, id) = forgotten();
        let (before, _, _) = kept(&world);
        poll_for(engine(&world).reviews().forget_months(&organization()), alive);
        let (reviews, keys, _) = kept(&world);
        assert!(reviews == before || keys == nothing.1, "died after {alive}: what opens them goes first");
        block_on(engine(&world).reviews().forget_months(&organization())).expect("forgotten");
        assert_eq!(code(block_on(engine(&world).reviews().review(&agent(), id))), Some(ProblemCode::NotFound), "{alive}");
        assert_eq!(kept(&world), nothing, "died after {alive}");
        assert_eq!(count_of(&world, "reviews_forgotten"), 1, "died after {alive}");
    }
}

fn rows(world: &World) -> usize {
    world.lock().items.keys().filter(|key| key.table == TableName::Control && key.pk.ends_with("#reviews")).count()
}

#[test]
fn p10_a_month_of_many_reviews_is_forgotten_by_workers_that_all_die_early() {
    let world = opened();
    for call in 1..=300 {
        ask(&world, call);
    }
    for (key, item) in &mut world.lock().items {
        if key.pk.ends_with("#reviews") {
            item.insert("status".to_owned(), json!(ReviewStatus::Rejected));
        }
    }
    world.pass(160 * DAY);
    let mut before = rows(&world);
    assert_eq!(before, 300);
    while before > 0 {
        // Less than it takes to look for what belongs to each review.
        poll_for(engine(&world).reviews().forget_months(&organization()), 480);
        let after = rows(&world);
        assert!(after < before, "{after} of {before}");
        before = after;
    }
    block_on(engine(&world).reviews().forget_months(&organization())).expect("forgotten");
    assert_eq!(count_of(&world, "reviews_forgotten"), 1);
    let left = |key: &&Key| key.table == TableName::Control && key.pk.contains("#review#");
    assert_eq!(world.lock().items.keys().filter(left).count(), 0);
}

#[test]
fn p10_a_month_that_fails_or_is_open_keeps_no_other_one() {
    let world = opened();
    let open = ask(&world, 1).id;
    world.pass(40 * DAY);
    let id = ask(&world, 2).id;
    decide(&world, &reviewer(), id, says(DecisionType::Reject, None)).expect("decided");
    let months = world.lock().items.keys().find(|key| key.pk.ends_with("#review-months")).cloned().expect("a month");
    let broken = Key { sk: "0000-13".to_owned(), ..months };
    let item = json!({ "pk": broken.pk, "sk": broken.sk }).as_object().cloned().expect("an object");
    world.lock().items.insert(broken, item);
    world.pass(160 * DAY);
    let failed = block_on(engine(&world).reviews().forget_months(&organization()));
    assert!(matches!(failed, Err(EngineError::Internal(_))));
    assert_eq!(code(block_on(engine(&world).reviews().review(&agent(), id))), Some(ProblemCode::NotFound));
    assert_eq!(shown(&world, open).status, ReviewStatus::Pending);
}

#[test]
fn p10_what_ended_late_is_kept_as_long_as_anything_else() {
    let world = opened();
    let id = ask(&world, 1).id;
    world.pass(160 * DAY);
    block_on(engine(&world).reviews().time_out(&organization(), id)).expect("closed");
    block_on(engine(&world).reviews().forget_months(&organization())).expect("nothing yet");
    assert_eq!(shown(&world, id).status, ReviewStatus::Rejected, "whoever asked can still see it");
    world.pass(40 * DAY);
    block_on(engine(&world).reviews().forget_months(&organization())).expect("forgotten");
    assert_eq!(code(block_on(engine(&world).reviews().review(&agent(), id))), Some(ProblemCode::NotFound));
}

use super::{ConditionFault as Fault, Conditions, InvalidConditions};
use serde_json::{Value, json};

fn refused(written: &Value) -> InvalidConditions {
    Conditions::try_from(written.clone()).expect_err(&written.to_string())
}

fn accepted(written: &Value) {
    let read = Conditions::try_from(written.clone());
    assert!(read.is_ok(), "{written}: {read:?}");
}

/// A field that holds anything, compared.
fn n(operator: &str, value: Value) -> Value {
    json!({ "metadata.n": { "operator": operator, "value": value } })
}

fn score(operator: &str, value: Value) -> Value {
    json!({ "confidence_score": { "operator": operator, "value": value } })
}

fn urgency(operator: &str, value: Value) -> Value {
    json!({ "urgency": { "operator": operator, "value": value } })
}

#[test]
fn a_mistake_is_named_with_its_place() {
    for (written, path, fault) in [
        (json!(null), "conditions", Fault::WrongType),
        (json!([]), "conditions", Fault::WrongType),
        (json!("task_type"), "conditions", Fault::WrongType),
        (json!({ "colour": "red" }), "conditions.colour", Fault::UnknownField),
        (json!({ "": "red" }), "conditions.?", Fault::UnknownField),
        (json!({ "was für ein Feld": 1 }), "conditions.?", Fault::UnknownField),
        (json!({ "metadata": { "value": {} } }), "conditions.metadata", Fault::UnknownField),
        (json!({ "metadata.": 1 }), "conditions.metadata.", Fault::UnknownField),
        (json!({ "metadata..n": 1 }), "conditions.metadata..n", Fault::UnknownField),
        (json!({ "metadata.a\nb": 1 }), "conditions.?", Fault::UnknownField),
        (json!({ "urgency.word": "high" }), "conditions.urgency.word", Fault::UnknownField),
        (json!({ "status": "pending" }), "conditions.status", Fault::UnknownField),
        (json!({ "And": [] }), "conditions.And", Fault::UnknownField),
        (json!({ "and": {} }), "conditions.and", Fault::WrongType),
        (json!({ "or": "urgency" }), "conditions.or", Fault::WrongType),
        (json!({ "and": [{}, 7] }), "conditions.and[1]", Fault::WrongType),
        (json!({ "or": [{ "and": [{ "x": 1 }] }] }), "conditions.or[0].and[0].x", Fault::UnknownField),
        (json!({ "metadata.n": {} }), "conditions.metadata.n.value", Fault::MissingValue),
        (json!({ "metadata.n": { "operator": "=" } }), "conditions.metadata.n.value", Fault::MissingValue),
        (json!({ "metadata.n": { "value": 1, "operater": "=" } }), "conditions.metadata.n.operater", Fault::UnknownField),
        (json!({ "metadata.n": { "value": 1, "operator": null } }), "conditions.metadata.n.operator", Fault::WrongType),
        (json!({ "and": [urgency("==", json!("high"))] }), "conditions.and[0].urgency.operator", Fault::UnknownOperator),
        (n("in", json!("a")), "conditions.metadata.n.value", Fault::WrongType),
        (n("not_in", json!({ "a": 1 })), "conditions.metadata.n.value", Fault::WrongType),
        (n("<", json!(null)), "conditions.metadata.n.value", Fault::WrongType),
        (n(">=", json!([1])), "conditions.metadata.n.value", Fault::WrongType),
        (n(">", json!(true)), "conditions.metadata.n.value", Fault::WrongType),
        (n("contains", json!(["a"])), "conditions.metadata.n.value", Fault::WrongType),
        (n("not_contains", json!(null)), "conditions.metadata.n.value", Fault::WrongType),
        (n("matches", json!(7)), "conditions.metadata.n.value", Fault::WrongType),
        (n("matches", json!("(")), "conditions.metadata.n.value", Fault::InvalidPattern),
        (n("matches", json!("(?=a)")), "conditions.metadata.n.value", Fault::InvalidPattern),
        (n("matches", json!("(a)\\1")), "conditions.metadata.n.value", Fault::InvalidPattern),
        (n("matches", json!("((\\w{100}){100}){100}")), "conditions.metadata.n.value", Fault::InvalidPattern),
        (urgency("!=", json!("urgent")), "conditions.urgency.value", Fault::UnknownWord),
        (urgency("not_in", json!(["high", "urgent"])), "conditions.urgency.value", Fault::UnknownWord),
        (urgency(">", json!(2)), "conditions.urgency.value", Fault::UnknownWord),
        (json!({ "urgency": "High" }), "conditions.urgency", Fault::UnknownWord),
    ] {
        let InvalidConditions { path: at, fault: what, reason, accepted } = refused(&written);
        assert_eq!((at.as_str(), what), (path, fault), "{written}: {reason}");
        assert!(!reason.is_empty() && !accepted.is_empty(), "{written}");
    }
}

#[test]
fn a_refusal_says_what_would_be_accepted_and_repeats_no_value() {
    let said = refused(&n("like", json!("secret"))).to_string();
    assert!(said.contains("=, !=, <, >, <=, >=, contains, not_contains, in, not_in and matches are accepted"), "{said}");
    let said = refused(&json!({ "secret word": "secret" })).to_string();
    assert!(said.contains("metadata") && said.contains("agent_id") && !said.contains("secret"), "{said}");
    assert!(!refused(&n("matches", json!("(secret"))).to_string().contains("secret"));
}

#[test]
fn what_can_never_hold_is_refused() {
    let value = "conditions.metadata.n.value";
    let both = |a: Value, b: Value| json!({ "and": [a, b] });
    let second = "conditions.and[1].metadata.n.value";
    for (written, path) in [
        (json!({ "or": [] }), "conditions.or"),
        (json!({ "and": [{ "or": [] }] }), "conditions.and[0].or"),
        (n("in", json!([])), value),
        (n("in", json!([null])), value),
        (n("=", json!(null)), value),
        (json!({ "metadata.n": null }), "conditions.metadata.n"),
        (json!({ "task_type": 7 }), "conditions.task_type"),
        (json!({ "task_type": { "operator": ">", "value": 7 } }), "conditions.task_type.value"),
        (json!({ "framework": { "operator": "contains", "value": true } }), "conditions.framework.value"),
        (score("=", json!(1.01)), "conditions.confidence_score.value"),
        (score("=", json!("0.5")), "conditions.confidence_score.value"),
        (score(">", json!(1)), "conditions.confidence_score.value"),
        (score(">=", json!(80)), "conditions.confidence_score.value"),
        (score("<", json!(0)), "conditions.confidence_score.value"),
        (score("<", json!(-0.5)), "conditions.confidence_score.value"),
        (score("in", json!([50, 80])), "conditions.confidence_score.value"),
        (score("matches", json!("^0")), "conditions.confidence_score.value"),
        (score("contains", json!("5")), "conditions.confidence_score.value"),
        (urgency(">", json!("critical")), "conditions.urgency.value"),
        (urgency("<", json!("low")), "conditions.urgency.value"),
        (urgency("not_in", json!(["low", "medium", "high", "critical"])), "conditions.urgency.value"),
        (urgency("matches", json!("^urgent$")), "conditions.urgency.value"),
        (both(n("=", json!(1)), n("=", json!(2))), second),
        (both(n("=", json!(1)), n("=", json!("1"))), second),
        (both(n("=", json!(1)), n("!=", json!(1.0))), second),
        (both(n(">", json!(5)), n("<", json!(3))), second),
        (both(n("<", json!(5)), n(">=", json!(5))), second),
        (both(n("<=", json!(5)), n(">", json!(5))), second),
        (both(n(">", json!(9_007_199_254_740_993_u64)), n("<", json!(9_007_199_254_740_992_u64))), second),
        (both(n(">", json!("b")), n("<", json!("a"))), second),
        (both(n(">", json!(5)), n("<", json!("a"))), second),
        (both(n(">", json!(5)), n("matches", json!("a"))), second),
        (both(n("=", json!(4)), n(">", json!(5))), second),
        (both(n("in", json!([1, 2])), n("in", json!([3, 4]))), second),
        (both(n("in", json!([1, 2])), n("not_in", json!([2, 1]))), second),
        (both(n("=", json!("abc")), n("matches", json!("^b"))), second),
        (both(n("contains", json!("a")), n("not_contains", json!("a"))), second),
        (json!({ "metadata.n": 1, "and": [{ "and": [{ "metadata.n": 2 }] }] }), "conditions."),
        (json!({ "or": [{}, both(n("=", json!(1)), n("=", json!(2)))] }), "conditions.or[1].and[1].metadata.n.value"),
        (both(score(">=", json!(0.9)), score("<", json!(0.5))), "conditions.and[1].confidence_score.value"),
        (both(urgency(">", json!("low")), urgency("<", json!("medium"))), "conditions.and[1].urgency.value"),
    ] {
        let refused = refused(&written);
        assert_eq!(refused.fault, Fault::NeverHolds, "{written}: {refused}");
        assert!(refused.path.starts_with(path), "{written}: {refused}");
    }
}

#[test]
fn what_can_hold_is_accepted() {
    let both = |a: Value, b: Value| json!({ "and": [a, b] });
    for written in [
        n("!=", json!(null)),
        n("not_in", json!([])),
        n("in", json!([null, 1])),
        score(">=", json!(1)),
        score("<=", json!(0)),
        score("=", json!(0)),
        score("!=", json!(5)),
        score("<", json!(80)),
        urgency(">", json!("high")),
        both(n(">", json!(5)), n("<", json!(6))),
        both(n(">=", json!(5)), n("<=", json!(5.0))),
        both(n("=", json!(1)), n("=", json!(1.0))),
        both(n("!=", json!(1)), n("!=", json!(2))),
        both(n("in", json!([1, 2])), n("in", json!([2, 3]))),
        both(n("contains", json!("a")), n("contains", json!("b"))),
        both(n("contains", json!("ab")), n("matches", json!("c"))),
        both(n(">", json!("a")), n("contains", json!("b"))),
        both(urgency(">", json!("low")), urgency("<", json!("high"))),
        // They are no one AND.
        json!({ "or": [n("=", json!(1)), n("=", json!(2))] }),
        json!({ "metadata.n": 1, "or": [{ "metadata.n": 2 }, { "task_type": "a" }] }),
        both(n("=", json!(1)), json!({ "metadata.m": 2 })),
    ] {
        accepted(&written);
    }
    for field in [
        "task_type",
        "proposed_action",
        "agent_reasoning",
        "framework",
        "agent_id",
        "organization_id",
        "metadata.a",
        "metadata.été.b c",
        "metadata.metadata.and",
    ] {
        accepted(&json!({ field: "x" }));
    }
    accepted(&json!({ "agent_id": 7, "organization_id": 1, "confidence_score": 0.5, "urgency": "low" }));
}

/// Conditions that stand so deep, those at the top being at 1.
fn deep(levels: usize) -> Value {
    (1..levels).fold(json!({ "urgency": "high" }), |inner, level| {
        if level % 2 == 0 { json!({ "and": [inner] }) } else { json!({ "or": [inner] }) }
    })
}

#[test]
fn conditions_are_bounded() {
    let fields = |count: usize| -> Value { (0..count).map(|n| (format!("metadata.f{n}"), json!(n))).collect() };
    let named = |length: usize| json!({ format!("metadata.{}", "é".repeat(length - 9)): 1 });
    let patterns = |count: usize| json!({ "or": vec![n("matches", json!("a")); count] });
    for (name, within, beyond) in [
        ("depth", deep(8), deep(9)),
        ("comparisons", fields(100), fields(101)),
        ("comparisons in lists", json!({ "or": vec![json!({ "task_type": "a" }); 99] }), json!({ "or": vec![fields(51); 2] })),
        ("objects", json!({ "and": vec![json!({}); 99] }), json!({ "and": vec![json!({}); 100] })),
        ("path", named(200), named(201)),
        ("value", n("=", json!("x".repeat(4094))), n("=", json!("x".repeat(4095)))),
        ("list", n("in", json!(vec![0; 2047])), n("in", json!(vec![0; 2048]))),
        ("pattern", n("matches", json!("é".repeat(500))), n("matches", json!("é".repeat(501)))),
        ("patterns", patterns(10), patterns(11)),
    ] {
        assert!(Conditions::try_from(within).is_ok(), "{name}");
        let refused = refused(&beyond);
        assert_eq!(refused.fault, Fault::TooMuch, "{name}: {refused}");
        assert!(refused.path.len() < 200, "{name}: {refused}");
    }
}

#[test]
fn what_a_caller_made_up_is_not_shown_at_any_length() {
    let long = format!("metadata.{}", "a".repeat(5_000));
    assert_eq!(refused(&json!({ long: 1 })).path, "conditions.?");
}

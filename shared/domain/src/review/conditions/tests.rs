use super::{Conditions, Explanation, Operator};
use serde_json::{Value, json};

fn conditions(written: Value) -> Conditions {
    Conditions::try_from(written).expect("conditions")
}

fn review() -> Value {
    json!({
        "task_type": "data_deletion",
        "proposed_action": "Effacer les données de l’utilisateur 7",
        "confidence_score": 0.9,
        "urgency": "high",
        "framework": null,
        "organization_id": 1,
        "metadata": {
            "data_points": 42,
            "share": 1.0,
            "digits": "42",
            "since": "2026-02-01",
            "big": 9_007_199_254_740_993_u64,
            "greatest": u64::MAX,
            "tags": ["gdpr", "größe", 7],
            "nothing": null,
            "empty": "",
            "erased": false,
            "where": { "größe": { "in": "EU" }, "dotted.name": 1 },
        },
    })
}

/// Whether it holds of the review above.
fn holds(written: Value) -> bool {
    conditions(written).matches(&review())
}

fn compared(path: &str, operator: &str, value: &Value) -> Value {
    json!({ path: { "operator": operator, "value": value } })
}

/// A value that each operator takes, for a field of any kind.
fn taken(operator: Operator) -> Value {
    match operator {
        Operator::In | Operator::NotIn => json!(["a", 1]),
        Operator::Matches => json!("."),
        _ => json!("a"),
    }
}

#[test]
fn no_conditions_hold_of_everything() {
    for written in [json!({}), json!({ "and": [] }), json!({ "and": [{}] }), json!({ "or": [{}] })] {
        assert!(holds(written.clone()), "{written}");
        assert!(conditions(written.clone()).matches(&json!({})), "{written}");
        assert!(conditions(written.clone()).matches(&Value::Null), "{written}");
    }
    assert!(Conditions::default().matches(&review()));
    assert_eq!(Conditions::default(), conditions(json!({})));
}

#[test]
fn nothing_holds_of_what_a_review_does_not_say() {
    for operator in Operator::ALL {
        for path in ["metadata.missing", "metadata.nothing", "metadata.digits.deeper", "metadata.tags.0", "agent_id"] {
            let written = compared(path, operator.name(), &taken(operator));
            assert!(!holds(written.clone()), "{written}");
            for nothing in [json!({}), json!({ "metadata": null }), json!({ "metadata": [] }), json!("metadata"), Value::Null] {
                assert!(!conditions(written.clone()).matches(&nothing), "{written} of {nothing}");
            }
        }
    }
    for operator in ["!=", "not_in", "not_contains"] {
        let value = if operator == "not_in" { json!(["crewai"]) } else { json!("crewai") };
        assert!(!holds(compared("framework", operator, &value)), "null is nothing, either: {operator}");
    }
}

#[test]
fn every_operator_compares_as_it_says() {
    for (path, operator, value, wanted) in [
        ("task_type", "=", json!("data_deletion"), true),
        ("task_type", "=", json!("Data_Deletion"), false),
        ("task_type", "!=", json!("data_deletion"), false),
        ("task_type", "!=", json!("export"), true),
        ("metadata.data_points", "=", json!(42), true),
        ("metadata.data_points", "=", json!(42.0), true),
        ("metadata.data_points", "=", json!("42"), false),
        ("metadata.data_points", "!=", json!("42"), true),
        ("metadata.digits", "=", json!("42"), true),
        ("metadata.digits", "=", json!(42), false),
        ("metadata.share", "=", json!(1), true),
        ("metadata.share", "<=", json!(1), true),
        ("metadata.share", "<", json!(1), false),
        ("metadata.share", "=", json!(true), false),
        ("metadata.erased", "=", json!(false), true),
        ("metadata.erased", "=", json!(0), false),
        ("metadata.empty", "=", json!(""), true),
        ("metadata.empty", "!=", json!(null), true),
        ("metadata.data_points", "<", json!(42), false),
        ("metadata.data_points", "<", json!(42.5), true),
        ("metadata.data_points", ">", json!(41.999), true),
        ("metadata.data_points", ">=", json!(42.0), true),
        ("metadata.data_points", ">", json!("41"), false),
        ("metadata.digits", ">", json!(41), false),
        ("metadata.digits", "<", json!("5"), true),
        ("metadata.since", ">=", json!("2026-01-31"), true),
        ("metadata.since", "<", json!("2026-01-31"), false),
        ("metadata.erased", ">=", json!(0), false),
        ("metadata.big", "=", json!(9_007_199_254_740_993_u64), true),
        ("metadata.big", "=", json!(9_007_199_254_740_992_u64), false),
        ("metadata.big", ">", json!(9_007_199_254_740_992.0), true),
        ("metadata.greatest", "=", json!(u64::MAX), true),
        ("metadata.greatest", ">", json!(u64::MAX - 1), true),
        ("metadata.greatest", "<", json!(18_446_744_073_709_551_616.0), true),
        ("confidence_score", "<", json!(0.91), true),
        ("confidence_score", ">=", json!(0.9), true),
        ("metadata.tags", "contains", json!("gdpr"), true),
        ("metadata.tags", "contains", json!("gdp"), false),
        ("metadata.tags", "contains", json!("größe"), true),
        ("metadata.tags", "contains", json!(7.0), true),
        ("metadata.tags", "contains", json!("7"), false),
        ("metadata.tags", "not_contains", json!("gdpr"), false),
        ("metadata.tags", "not_contains", json!("ccpa"), true),
        ("metadata.tags", "=", json!(["gdpr", "größe", 7.0]), true),
        ("metadata.tags", "=", json!(["größe", "gdpr", 7]), false),
        ("proposed_action", "contains", json!("données"), true),
        ("proposed_action", "contains", json!("donne\u{301}es"), false),
        ("proposed_action", "not_contains", json!("données"), false),
        ("proposed_action", "not_contains", json!("Daten"), true),
        ("metadata.data_points", "contains", json!(4), false),
        ("metadata.data_points", "not_contains", json!(4), true),
        ("metadata.empty", "contains", json!(""), true),
        ("task_type", "in", json!(["export", "data_deletion"]), true),
        ("task_type", "in", json!(["export"]), false),
        ("task_type", "not_in", json!(["export"]), true),
        ("task_type", "not_in", json!(["export", "data_deletion"]), false),
        ("task_type", "not_in", json!([]), true),
        ("metadata.data_points", "in", json!([41, 42.0]), true),
        ("metadata.data_points", "in", json!(["42"]), false),
        ("metadata.tags", "in", json!([["gdpr", "größe", 7]]), true),
        ("metadata.tags", "in", json!(["gdpr"]), false),
        ("task_type", "matches", json!("deletion"), true),
        ("task_type", "matches", json!("^deletion"), false),
        ("task_type", "matches", json!("^data_(deletion|export)$"), true),
        ("proposed_action", "matches", json!("donn\\p{L}+es"), true),
        ("metadata.data_points", "matches", json!("42"), false),
        ("metadata.where.größe.in", "=", json!("EU"), true),
        ("metadata.where.größe", "=", json!({ "in": "EU" }), true),
        ("metadata.where.dotted.name", "=", json!(1), false),
        ("organization_id", "=", json!(1), true),
    ] {
        assert_eq!(holds(compared(path, operator, &value)), wanted, "{path} {operator} {value}");
    }
}

#[test]
fn urgency_is_compared_by_its_order() {
    for (operator, value, wanted) in [
        ("=", json!("high"), true),
        ("!=", json!("high"), false),
        (">", json!("medium"), true),
        (">", json!("high"), false),
        (">=", json!("high"), true),
        ("<", json!("critical"), true),
        ("<=", json!("low"), false),
        ("in", json!(["high", "critical"]), true),
        ("not_in", json!(["high", "critical"]), false),
        ("contains", json!("ig"), true),
        ("matches", json!("^(high|critical)$"), true),
    ] {
        assert_eq!(holds(compared("urgency", operator, &value)), wanted, "{operator} {value}");
    }
    let elsewhere = compared("metadata.urgency", ">", &json!("medium"));
    assert!(!conditions(elsewhere).matches(&json!({ "metadata": { "urgency": "high" } })), "there they are texts");
    let urgent = conditions(compared("urgency", ">=", &json!("low")));
    for no_word in [json!("urgent"), json!("HIGH"), json!(3), json!(["high"])] {
        assert!(!urgent.matches(&json!({ "urgency": no_word })), "{no_word}");
    }
}

#[test]
fn a_bare_value_and_one_without_an_operator_are_compared_for_equality() {
    for (written, wanted) in [
        (json!({ "task_type": "data_deletion" }), true),
        (json!({ "task_type": "export" }), false),
        (json!({ "metadata.data_points": 42.0 }), true),
        (json!({ "metadata.tags": ["gdpr", "größe", 7] }), true),
        (json!({ "metadata.tags": ["gdpr"] }), false),
        (json!({ "metadata.erased": false }), true),
        (json!({ "metadata.data_points": { "value": 42 } }), true),
        (json!({ "metadata.where.größe": { "value": { "in": "EU" } } }), true),
    ] {
        assert_eq!(holds(written.clone()), wanted, "{written}");
    }
}

#[test]
fn and_and_or_stand_in_one_another() {
    let (yes, no) = (json!({ "task_type": "data_deletion" }), json!({ "metadata.data_points": 7 }));
    for (written, wanted) in [
        (json!({ "and": [yes, yes] }), true),
        (json!({ "and": [yes, no] }), false),
        (json!({ "or": [no, yes] }), true),
        (json!({ "or": [no, no] }), false),
        (json!({ "or": [{ "and": [yes, no] }, { "and": [yes, { "or": [no, yes] }] }] }), true),
        (json!({ "and": [{ "or": [no, yes] }, { "or": [no, no] }] }), false),
        (json!({ "urgency": "high", "or": [yes, no] }), true),
        (json!({ "urgency": "low", "or": [yes, no] }), false),
        (json!({ "urgency": "low", "and": [yes] }), false),
        (json!({ "urgency": "high", "and": [yes], "or": [no] }), false),
        (json!({ "urgency": "high", "metadata.data_points": { "operator": ">", "value": 10 } }), true),
        (json!({ "urgency": "high", "metadata.data_points": { "operator": ">", "value": 100 } }), false),
    ] {
        assert_eq!(holds(written.clone()), wanted, "{written}");
    }
}

#[test]
fn every_comparison_is_explained() {
    let written = json!({
        "and": [
            { "task_type": { "operator": "in", "value": ["export"] } },
            { "or": [{ "framework": "custom" }, { "metadata.data_points": { "operator": ">=", "value": 42 } }] },
        ],
    });
    let explained = conditions(written).explain(&review());
    let line =
        |path: &str, operator, expected, found, holds| Explanation { path: path.to_owned(), operator, expected, found, holds };
    assert_eq!(
        explained,
        [
            line("task_type", Operator::In, json!(["export"]), Some(json!("data_deletion")), false),
            line("framework", Operator::Equal, json!("custom"), None, false),
            line("metadata.data_points", Operator::AtLeast, json!(42), Some(json!(42)), true),
        ]
    );
    assert_eq!(
        serde_json::to_value(&explained[1]).expect("JSON"),
        json!({ "path": "framework", "operator": "=", "expected": "custom", "found": null, "holds": false })
    );
    assert!(Conditions::default().explain(&review()).is_empty());
}

#[test]
fn conditions_are_kept_as_they_were_written() {
    for text in [
        "{}",
        r#"{"urgency":"high"}"#,
        r#"{"metadata.n":{"operator":"=","value":1.0}}"#,
        r#"{"metadata.n":{"value":18446744073709551615}}"#,
        r#"{"or":[{"task_type":"a"},{"and":[]}]}"#,
    ] {
        let read: Conditions = serde_json::from_str(text).expect("conditions");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), text);
        assert_eq!(read.as_value(), &serde_json::from_str::<Value>(text).expect("JSON"));
    }
    let refused = serde_json::from_str::<Conditions>(r#"{"colour":"red"}"#).expect_err("no such field").to_string();
    assert!(refused.starts_with("conditions.colour: there is no such field"), "{refused}");
}

#[test]
fn operators_are_read_as_they_are_written() {
    for operator in Operator::ALL {
        assert_eq!(operator.to_string().parse(), Ok(operator));
        assert_eq!(serde_json::to_value(operator).expect("JSON"), operator.name());
    }
    for other in ["==", "<>", "IN", "", " =", "not in"] {
        assert!(other.parse::<Operator>().is_err(), "{other}");
    }
}

/// Where backtracking takes longer than the universe has stood, this takes a moment.
#[test]
fn no_expression_makes_it_take_long() {
    let facts = json!({ "metadata": { "text": format!("{}!", "a".repeat(10_000)) } });
    for pattern in ["^(a+)+$", "^(a|aa)+$", "^(a|a?)+$", "(.*a){12}$", "^(([a-z])+.)+[A-Z]([a-z])+$"] {
        assert!(!conditions(compared("metadata.text", "matches", &json!(pattern))).matches(&facts), "{pattern}");
    }
}

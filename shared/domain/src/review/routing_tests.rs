use super::*;
use proptest::prelude::*;
use serde_json::json;

fn rule(id: u64, priority: i32, is_active: bool, conditions: Value) -> RoutingRule {
    RoutingRule {
        id: RuleId::new(id).expect("an id"),
        name: format!("rule {id}"),
        priority,
        conditions: conditions.try_into().expect("conditions"),
        assign_to_user: None,
        assign_to_team: TeamId::new(id).ok(),
        is_active,
    }
}

fn routed(rules: &[RoutingRule], facts: &Value) -> Option<u64> {
    route(rules, facts).map(|rule| rule.id.number())
}

#[test]
fn the_highest_priority_goes_first_and_then_the_older() {
    let deletion = json!({ "task_type": "data_deletion" });
    let large = json!({ "metadata.data_points": { "operator": ">", "value": 1_000 } });
    let rules = [
        rule(5, 10, true, deletion.clone()),
        rule(2, 10, true, deletion.clone()),
        rule(1, 5, true, json!({})),
        rule(3, 20, true, large),
        rule(4, 30, false, json!({})),
        rule(6, 10, true, deletion),
    ];
    for (facts, wanted) in [
        (json!({ "task_type": "data_deletion", "metadata": { "data_points": 7 } }), Some(2)),
        (json!({ "task_type": "data_deletion", "metadata": { "data_points": 1_001 } }), Some(3)),
        (json!({ "task_type": "export" }), Some(1)),
        (json!({}), Some(1)),
    ] {
        assert_eq!(routed(&rules, &facts), wanted, "{facts}");
    }
    assert_eq!(routed(&rules[..2], &json!({ "task_type": "export" })), None);
    assert_eq!(routed(&[], &json!({})), None);
}

#[test]
fn a_rule_that_is_not_active_is_not_looked_at() {
    assert_eq!(routed(&[rule(1, 10, false, json!({})), rule(2, 0, true, json!({}))], &json!({})), Some(2));
    assert_eq!(routed(&[rule(1, 10, false, json!({}))], &json!({})), None);
}

#[test]
fn rules_that_share_a_priority_are_named() {
    let rules =
        [rule(4, 10, true, json!({})), rule(1, 10, true, json!({})), rule(2, 10, false, json!({})), rule(3, 11, true, json!({}))];
    let named = |priority, besides: Option<u64>| {
        let besides = besides.map(|id| RuleId::new(id).expect("an id"));
        sharing_priority(&rules, priority, besides).into_iter().map(|rule| rule.id.number()).collect::<Vec<_>>()
    };
    assert_eq!(named(10, None), [1, 4]);
    assert_eq!(named(10, Some(1)), [4]);
    assert_eq!(named(11, Some(3)), [0; 0]);
    assert_eq!(named(12, None), [0; 0]);
}

#[test]
fn a_rule_is_kept_and_read_back() {
    let kept = serde_json::to_value(rule(7, 200, true, json!({ "urgency": "high" }))).expect("JSON");
    assert_eq!(
        kept,
        json!({
            "id": 7, "name": "rule 7", "priority": 200, "conditions": "{\"urgency\":\"high\"}", "assign_to_user": null,
            "assign_to_team": 7, "is_active": true,
        })
    );
    let read: RoutingRule = serde_json::from_value(kept).expect("a rule");
    assert_eq!(read, rule(7, 200, true, json!({ "urgency": "high" })));
    assert!(PRIORITIES.contains(&read.priority) && !PRIORITIES.contains(&-1) && !PRIORITIES.contains(&1_000_001));
}

fn some_conditions() -> impl Strategy<Value = serde_json::Value> {
    let field = prop::sample::select(vec!["task_type", "metadata.a", "metadata.b"]);
    let operator = prop::sample::select(vec!["=", "!=", "<", ">=", "contains", "not_contains"]);
    let comparison = (field, operator, prop::sample::select(vec!["a", "b", "ab"]))
        .prop_map(|(field, operator, value)| json!({ field: { "operator": operator, "value": value } }));
    prop_oneof![
        1 => Just(json!({})),
        4 => comparison.clone(),
        2 => prop::collection::vec(comparison, 1..4).prop_map(|all| json!({ "or": all })),
    ]
}

fn some_rules() -> impl Strategy<Value = Vec<RoutingRule>> {
    prop::collection::vec((0_i32..3, prop::bool::weighted(0.8), some_conditions()), 0..12).prop_map(|rules| {
        let numbered = (1..).zip(rules);
        numbered.map(|(id, (priority, is_active, conditions))| rule(id, priority, is_active, conditions)).collect()
    })
}

fn some_review() -> impl Strategy<Value = serde_json::Value> {
    let word = || prop::option::of(prop::sample::select(vec!["a", "b", "ab", "c"]));
    (word(), word(), word()).prop_map(|(task_type, a, b)| json!({ "task_type": task_type, "metadata": { "a": a, "b": b } }))
}

proptest! {
    #[test]
    fn one_rule_or_none_says_who_is_asked_in_whatever_order_rules_are_given(
        (rules, shuffled) in some_rules().prop_flat_map(|rules| (Just(rules.clone()), Just(rules).prop_shuffle())),
        facts in some_review(),
    ) {
        let found = routed(&rules, &facts);
        prop_assert_eq!(routed(&rules, &facts), found);
        prop_assert_eq!(routed(&shuffled, &facts), found);
        let fits = |rule: &&RoutingRule| rule.is_active && rule.conditions.matches(&facts);
        let best = rules.iter().filter(fits).map(|rule| (-rule.priority, rule.id.number())).min();
        prop_assert_eq!(found, best.map(|(_, id)| id));
        // Exactly one team: that of the rule, or the default.
        let default = TeamId::new(99).ok();
        let asked = assign(&shuffled, &facts, default);
        prop_assert_eq!(asked.rule.map(|rule| rule.number()), found);
        prop_assert_eq!(asked.team, found.map_or(default, |id| TeamId::new(id).ok()));
        prop_assert_eq!(assign(&rules, &facts, default), asked);
    }
}

//! `oubli review`, `rule` and `team`, against a service that says what each test wants.

mod support;

use serde_json::{Value, json};
use support::{Seen, code, oubli, service, text};

fn review(status: &str, decision: Value) -> Value {
    json!({
        "id": 7, "task_type": "data_deletion", "proposed_action": "Drop the table logs-2024", "agent_reasoning": "Nobody reads it",
        "confidence_score": 0.8, "urgency": "high", "framework": "custom", "agent_id": "agent-7", "status": status,
        "metadata": { "rows": 120_000 }, "requested_by": "key_1", "created_at": "2026-11-02T10:00:00Z",
        "closes_at": "2027-01-31T10:00:00Z", "routing_rule_id": 3, "assigned_to_team_id": 1, "assigned_to_user_id": null,
        "decision": decision,
    })
}

fn pending() -> Value {
    review("pending", Value::Null)
}

fn decided(word: &str, status: &str) -> Value {
    let decision = json!({
        "review_id": 7, "decision_type": word, "decided_by": "mem_1", "notes": "because", "timestamp": "2026-11-02T11:00:00Z",
    });
    review(status, decision)
}

/// What a command calls, and with what, where the service answers it so.
fn call(arguments: &[&str], answer: (u16, Value)) -> Seen {
    let (url, calls) = service(vec![answer]);
    let output = oubli(&url, arguments);
    assert_eq!(code(&output), Some(0), "{arguments:?}: {}", text(&output.stderr));
    calls.iter().next().expect("a call")
}

#[test]
fn a_review_is_shown_in_words() {
    let (url, _calls) = service(vec![(200, decided("reject", "rejected"))]);
    let shown = text(&oubli(&url, &["review", "show", "7"]).stdout);
    for part in
        ["Drop the table", "Nobody reads it", "0.8 of 1", "high", "key_1", "agent-7", "rejected", "rows: 120000", "because"]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let (url, calls) = service(vec![(200, pending())]);
    let output = oubli(&url, &["review", "show", "7", "--json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("only JSON");
    assert_eq!(answer, pending());
    assert_eq!(calls.iter().next().expect("a call").line, "GET /v1/reviews/7 HTTP/1.1");
    assert_eq!(code(&oubli(&url, &["review", "show", "../7"])), Some(2));
}

#[test]
fn reviews_are_listed_by_what_was_given() {
    let page = json!({ "reviews": [pending()], "total": 41, "page": 2, "page_size": 20, "more": false });
    let (url, calls) = service(vec![(200, page)]);
    let output = oubli(&url, &["review", "list", "--status", "pending", "--team", "1", "--page", "2"]);
    let shown = text(&output.stdout);
    assert!(shown.contains("Drop the table") && shown.contains("--page 3"), "{shown}");
    let line = calls.iter().next().expect("a call").line;
    assert!(["status=pending", "team_id=1", "page=2", "page_size=20"].iter().all(|part| line.contains(part)), "{line}");
    assert!(!line.contains("task_type") && !line.contains("framework"), "{line}");
    assert_eq!(code(&oubli(&url, &["review", "list", "--status", "open"])), Some(2));
}

#[test]
fn whoever_asks_and_waits_ends_with_0_only_where_somebody_approves() {
    let ask = ["review", "ask", "--task-type", "data_deletion", "--action", "Drop it", "--wait"];
    for (word, status, expected) in [("approve", "approved", 0), ("reject", "rejected", 1), ("modify", "modified", 1)] {
        let (url, calls) = service(vec![(201, pending()), (200, decided(word, status))]);
        let output = oubli(&url, &ask);
        assert_eq!(code(&output), Some(expected), "{word}: {}", text(&output.stderr));
        let seen: Vec<Seen> = calls.iter().collect();
        assert_eq!((seen[0].line.as_str(), seen[1].line.as_str()), ("POST /v1/reviews HTTP/1.1", "GET /v1/reviews/7 HTTP/1.1"));
        assert!(!seen[0].header("idempotency-key").is_empty() && seen[0].body["blocking"] == true);
    }
    // Nobody decides; and what was decided cannot be learned: neither is an approval, and the number is told all the same.
    let (url, _calls) = service(vec![(201, pending())]);
    let output = oubli(&url, &[&ask[..], &["--timeout", "0", "--json"]].concat());
    let answer: Value = serde_json::from_slice(&output.stdout).expect("only JSON");
    assert_eq!((code(&output), &answer["id"]), (Some(1), &json!(7)));
    let (url, _calls) = service(vec![(201, pending()), (404, json!({ "code": "not_found" }))]);
    let output = oubli(&url, &ask);
    assert_eq!(code(&output), Some(3));
    assert!(text(&output.stdout).contains("Review 7"), "{}", text(&output.stdout));
}

#[test]
fn a_decision_says_what_was_given_and_nothing_else() {
    let decision = decided("reject", "rejected")["decision"].clone();
    let instead = "Only the chats. {\"categories\": [\"chat_history\"]}";
    for (arguments, body) in [
        (&["approve", "7"][..], json!({ "decision_type": "approve" })),
        (&["reject", "7", "--notes", "because"], json!({ "decision_type": "reject", "notes": "because" })),
        (&["modify", "7", "--action", instead], json!({ "decision_type": "modify", "modified_action": instead })),
    ] {
        let seen = call(&[&["review"], arguments].concat(), (200, decision.clone()));
        assert_eq!((seen.line.as_str(), &seen.body), ("POST /v1/reviews/7/decide HTTP/1.1", &body));
        assert!(!seen.header("idempotency-key").is_empty(), "{arguments:?}");
    }
    let (url, _calls) = service(vec![(409, json!({ "code": "already_decided", "detail": "It is decided.", "remedy": "Look." }))]);
    assert_eq!(code(&oubli(&url, &["review", "approve", "7"])), Some(4));
    assert_eq!(code(&oubli(&url, &["review", "modify", "7"])), Some(2), "it says what is to be done instead");
}

#[test]
fn feedback_is_given_or_shown() {
    let said = json!({ "id": 1, "review_id": 7, "rating": 4, "comment": "Thanks.", "given_by": "mem_1" });
    let given = call(&["review", "feedback", "7", "--rating", "4"], (201, said.clone()));
    assert_eq!((given.line.as_str(), given.body), ("POST /v1/reviews/7/feedback HTTP/1.1", json!({ "rating": 4 })));
    let shown = call(&["review", "feedback", "7"], (200, json!({ "feedback": [said] })));
    assert_eq!(shown.line, "GET /v1/reviews/7/feedback HTTP/1.1");
    assert_eq!(code(&oubli("http://127.0.0.1:1", &["review", "feedback", "7", "--rating", "6"])), Some(2));
}

#[test]
fn reviews_are_counted() {
    let stats = json!({
        "total_reviews": 7, "pending_reviews": 1, "avg_confidence_score": null, "breakdown_of": 5,
        "urgency_breakdown": { "high": 7 }, "task_type_breakdown": { "data_deletion": 5 }, "framework_breakdown": {},
    });
    let (url, _calls) = service(vec![(200, stats)]);
    let shown = text(&oubli(&url, &["review", "stats"]).stdout);
    assert!(shown.contains("data_deletion") && shown.contains("of the newest 5") && !shown.contains("FRAMEWORK"), "{shown}");
}

#[test]
fn rules_are_shown_in_their_order_with_their_warnings() {
    let rule = |id: u64, warnings: Value| {
        json!({
            "id": id, "name": format!("rule {id}"), "priority": 200, "conditions": { "task_type": "data_deletion" },
            "assign_to_team_id": 1, "assign_to_user_id": null, "is_active": true, "warnings": warnings,
        })
    };
    let warned = rule(2, json!(["Rules 1 have the same priority."]));
    let (url, _calls) = service(vec![(200, json!({ "rules": [warned.clone(), rule(1, json!([]))] }))]);
    let shown = text(&oubli(&url, &["rule", "list"]).stdout);
    let place = |part: &str| shown.find(part).unwrap_or_else(|| panic!("{part} in {shown}"));
    assert!(place("rule 2") < place("rule 1") && place("rule 1") < place("Warning of rule 2: Rules 1 have"), "{shown}");
    assert!(shown.contains("team 1") && shown.contains("{\"task_type\":\"data_deletion\"}"), "{shown}");
    let (url, _calls) = service(vec![(201, warned)]);
    let add = ["rule", "add", "--name", "x", "--priority", "200", "--conditions", "{}", "--team", "1"];
    let shown = text(&oubli(&url, &add).stdout);
    assert!(shown.contains("Warning: Rules 1 have the same priority."), "{shown}");
    let changed = call(&["rule", "change", "2", "--user", "", "--active", "false"], (200, rule(2, json!([]))));
    assert_eq!(changed.line, "PATCH /v1/routing-rules/2 HTTP/1.1");
    assert_eq!(changed.body, json!({ "assign_to_user_id": null, "is_active": false }));
    let removed = call(&["rule", "remove", "2"], (200, json!({ "id": 2, "removed": true })));
    assert_eq!(removed.line, "DELETE /v1/routing-rules/2 HTTP/1.1");
}

#[test]
fn a_rule_is_tried_without_asking_anybody() {
    let comparison = json!({ "field": "metadata.rows", "operator": ">", "expected": 40, "found": 3, "holds": false });
    let rule = json!({ "id": 1, "name": "Large", "matches": false, "comparisons": [comparison] });
    let (url, calls) = service(vec![(200, json!({ "matched_rule_id": null, "rules": [rule] }))]);
    let output = oubli(&url, &["rule", "test", "--review", "{\"task_type\": \"t\", \"proposed_action\": \"a\"}"]);
    let shown = text(&output.stdout);
    assert!(shown.contains("No rule is for it") && shown.contains("no   metadata.rows > 40: found 3"), "{shown}");
    let seen = calls.iter().next().expect("a call");
    assert_eq!((seen.line.as_str(), &seen.body["task_type"]), ("POST /v1/routing-rules/test HTTP/1.1", &json!("t")));
    let output = oubli(&url, &["rule", "test", "--review", "@/no/such/file"]);
    assert_eq!(code(&output), Some(2));
    assert!(text(&output.stderr).contains("--review"), "{}", text(&output.stderr));
}

#[test]
fn teams_and_the_numbers_of_members() {
    let team = json!({ "id": 1, "name": "Compliance", "created_at": "2026-11-02T10:00:00Z" });
    let added = call(&["team", "add", "Compliance"], (201, team.clone()));
    assert_eq!((added.line.as_str(), added.body), ("POST /v1/organization/teams HTTP/1.1", json!({ "name": "Compliance" })));
    let renamed = call(&["team", "rename", "1", "Privacy"], (200, team.clone()));
    assert_eq!((renamed.line.as_str(), renamed.body), ("PATCH /v1/organization/teams/1 HTTP/1.1", json!({ "name": "Privacy" })));
    let removed = call(&["team", "remove", "1"], (200, json!({ "id": 1, "removed": true })));
    assert_eq!(removed.line, "DELETE /v1/organization/teams/1 HTTP/1.1");
    let (url, _calls) = service(vec![(200, json!({ "teams": [team] }))]);
    assert!(text(&oubli(&url, &["team", "list"]).stdout).contains("Compliance"));
    let member = json!({ "member_id": "mem_1", "number": 12, "name": "Rita", "email": "r@shop.example", "roles": ["reviewer"] });
    let (url, _calls) = service(vec![(200, json!({ "members": [member.clone()] })), (200, member)]);
    let listed = text(&oubli(&url, &["member", "list"]).stdout);
    assert!(listed.contains("NUMBER") && listed.contains("12"), "{listed}");
    assert!(text(&oubli(&url, &["member", "show", "mem_1"]).stdout).contains("12"));
}

//! The program itself, against a service that says what each test wants.

mod support;

use serde_json::{Value, json};
use support::{code, oubli, service, text};

fn request(phase: &str) -> Value {
    json!({
        "request_id": "req_1", "status": "in_review", "phase": phase, "plan_digest": "sha256:ab",
        "plan": {
            "digest": "sha256:ab", "records": 5, "kept_records": 2, "discovered_at": "2026-11-02T10:00:00Z",
            "steps": [{ "category": "orders", "producer": "orders", "records": 5, "size_bytes": 2048 }],
            "kept": [{ "category": "invoices", "producer": "invoices", "records": 2, "why": "retention", "reason": "Tax law" }],
            "cautions": [],
        },
    })
}

#[test]
fn a_call_is_repeated_with_the_same_key_while_the_service_is_unavailable() {
    let unavailable = (503, json!({ "code": "unavailable" }));
    let created = (201, json!({ "request_id": "req_1", "status": "pending", "deadline": "2026-12-02T10:00:00Z" }));
    let (url, calls) = service(vec![unavailable.clone(), unavailable, created]);
    let output = oubli(&url, &["submit", "--subject-id", "u1", "--reason", "objection"]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("req_1"));
    let seen: Vec<_> = calls.iter().take(3).collect();
    let key = seen[0].header("idempotency-key");
    assert!(!key.is_empty() && seen.iter().all(|s| s.header("idempotency-key") == key));
    assert_eq!(seen[0].line, "POST /v1/compliance/erasure-requests HTTP/1.1");
    assert_eq!(seen[0].header("authorization"), "Bearer secret");
    assert_eq!(seen[0].body["reason"], "objection");
}

#[test]
fn a_problem_is_explained_and_has_its_exit_code() {
    for (status, expected) in [(400, 1), (403, 1), (404, 3), (409, 4), (500, 5)] {
        let problem = json!({ "code": "some_code", "detail": "It is so.", "remedy": "Do that." });
        let (url, _calls) = service(vec![(status, problem)]);
        let output = oubli(&url, &["cancel", "req_1"]);
        assert_eq!(code(&output), Some(expected), "{status}");
        let words = text(&output.stderr);
        assert!(words.contains("some_code") && words.contains("It is so.") && words.contains("Do that."), "{words}");
    }
}

#[test]
fn nothing_is_approved_unless_somebody_says_so() {
    let (url, calls) = service(vec![(200, request("in_review"))]);
    let output = oubli(&url, &["approve", "req_1"]);
    assert_eq!(code(&output), Some(2));
    let shown = text(&output.stdout);
    for part in ["Goes: 5 records", "2.0 KiB", "Stays: 2 records", "Tax law", "sha256:ab"] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    assert_eq!(calls.iter().count(), 1);
}

#[test]
fn the_plan_that_was_shown_is_the_one_approved() {
    let executed = json!({ "request_id": "req_1", "status": "in_progress", "phase": "approved", "execution_id": "exec_1" });
    let (url, calls) = service(vec![(200, request("in_review")), (202, executed)]);
    let output = oubli(&url, &["approve", "req_1", "--yes", "--notes", "fine", "--exclude", "invoices:tax:2027-12-31", "--json"]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).expect("only JSON is printed");
    assert_eq!(answer["execution_id"], "exec_1");
    let approval = calls.iter().nth(1).expect("a second call");
    assert_eq!(approval.line, "POST /v1/compliance/erasure-requests/req_1/execute HTTP/1.1");
    let exclusion = json!({ "category": "invoices", "reason": "tax", "retention_until": "2027-12-31" });
    assert_eq!(approval.body, json!({ "plan_digest": "sha256:ab", "approval_notes": "fine", "exclusions": [exclusion] }));
}

/// A plan that leaves a producer and an identifier aside.
fn aside() -> Value {
    let mut request = request("in_review");
    request["identifiers"] = json!([
        { "id": "i1", "kind": "subject_id", "value": "u1", "given": true, "found_in": null, "through": null,
          "searched_by": true, "ambiguous": null, "reason": null, "named": false },
        { "id": "i2", "kind": "subject_email", "value": "a@b.example", "given": false, "found_in": "profiles", "through": "i1",
          "searched_by": true, "ambiguous": null, "reason": null, "named": false },
        { "id": "i3", "kind": "phone", "value": "+33123456789", "given": true, "found_in": null, "through": null,
          "searched_by": false, "ambiguous": "shared", "reason": "it leads to more than one person", "named": false },
    ]);
    request["identifiers_incomplete"] = false.into();
    request["to_acknowledge"] = json!(["letters", "logins", "i3"]);
    request["plan"]["steps"][0]["found_through"] = json!({ "i2": 3 });
    request["plan"]["steps"][0]["found_late"] = json!(2);
    request["plan"]["unsearched"] = json!([
        { "category": "letters", "producer": "letters", "why": "no_identifier", "by_part": false, "reason": null }
    ]);
    request["plan"]["unasked_queries"] = json!([
        { "category": "profile", "query": "logins", "why": "ambiguous_identifier", "by_part": false,
          "reason": "it asks by an identifier that others may have too" }
    ]);
    request
}

#[test]
fn a_request_says_who_is_meant_and_what_only_found_identifiers_led_to() {
    let (url, _calls) = service(vec![(200, aside())]);
    let output = oubli(&url, &["show", "req_1"]);
    let shown = text(&output.stdout);
    for part in [
        "Known by subject_id u1 (i1)",
        "also subject_email a@b.example (i2), found in profiles through subject_id u1",
        "Ambiguous: phone +33123456789 (i3): it leads to more than one person",
        "3 by subject_email a@b.example (i2): orders 3",
        "Of these, found late: 2 (orders 2). No earlier round found them, or it kept them",
        "Whoever approves has to acknowledge",
        "letters: not searched",
        "logins: saved query, it asks by an identifier that others may have too",
    ] {
        assert!(shown.contains(part), "{part} in {shown}");
    }
    let (url, _calls) = service(vec![(200, aside())]);
    let answer: Value = serde_json::from_slice(&oubli(&url, &["show", "req_1", "--json"]).stdout).expect("only JSON");
    assert_eq!(answer, aside());
}

#[test]
fn p1_what_a_plan_leaves_aside_is_not_acknowledged_by_a_blind_yes() {
    for more in [&[][..], &["--acknowledge", "letters"], &["--json"]] {
        let (url, calls) = service(vec![(200, aside())]);
        let output = oubli(&url, &[&["approve", "req_1", "--yes"], more].concat());
        assert_eq!(code(&output), Some(2));
        let words = text(&output.stderr);
        assert!(words.contains("--acknowledge i3") && words.contains("more than one person"), "{words}");
        assert_eq!(words.contains("--acknowledge letters"), !more.contains(&"letters"), "{words}");
        assert_eq!(calls.iter().count(), 1);
    }
    let executed = json!({ "request_id": "req_1", "status": "in_progress", "phase": "approved" });
    let (url, calls) = service(vec![(200, aside()), (202, executed)]);
    let output =
        oubli(&url, &["approve", "req_1", "--yes", "--acknowledge", "letters", "--acknowledge", "logins", "--acknowledge", "i3"]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    assert_eq!(calls.iter().nth(1).expect("an approval").body["acknowledged"], json!(["letters", "logins", "i3"]));
}

#[test]
fn identifiers_are_named_in_the_plan_they_were_read_in() {
    for (command, path) in [(&["identify"][..], "erasure-requests"), (&["export", "identify"], "export-requests")] {
        // Where nobody can be asked, the plan is named: in another one i3 may be somebody else.
        let (url, calls) = service(vec![(200, aside())]);
        let output = oubli(&url, &[command, &["req_1", "i3"]].concat());
        let made: Vec<_> = calls.iter().collect();
        assert_eq!((code(&output), made.len()), (Some(2), 1), "{}", text(&output.stderr));
        assert!(made[0].line.contains("/req_1?reveal=identity "), "whoever is asked sees what they are: {}", made[0].line);
        // Nobody is asked about what they are not shown.
        let mut hidden = aside();
        hidden["identifiers"].as_array_mut().expect("some").iter_mut().for_each(|i| i["value"] = Value::Null);
        let (url, _) = service(vec![(403, json!({ "code": "forbidden" })), (200, hidden)]);
        let blind = oubli(&url, &[command, &["req_1", "i3"]].concat());
        assert_eq!(code(&blind), Some(2));
        assert!(text(&blind.stderr).contains("ou are not shown what they are"), "{}", text(&blind.stderr));
        assert!(text(&output.stderr).contains("--plan-digest sha256:ab"), "{}", text(&output.stderr));
        let answer = json!({ "request_id": "req_1", "status": "pending", "phase": "discovering" });
        let (url, calls) = service(vec![(200, aside()), (202, answer)]);
        let output = oubli(&url, &[command, &["req_1", "i3", "--plan-digest", "sha256:ab"]].concat());
        assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains("By these, too: phone +33123456789."), "{}", text(&output.stdout));
        let named = calls.iter().nth(1).expect("a second call");
        assert_eq!(named.line, format!("POST /v1/compliance/{path}/req_1/identifiers HTTP/1.1"));
        assert_eq!(named.body, json!({ "identifiers": ["i3"], "plan_digest": "sha256:ab" }));
    }
}

#[test]
fn a_submission_says_who_is_meant_once_that_is_known() {
    let created = json!({ "request_id": "req_1", "status": "pending", "phase": "discovering" });
    let unknown = json!({ "request_id": "req_1", "phase": "discovering", "identifiers": [] });
    let (url, calls) = service(vec![(201, created.clone()), (200, unknown), (200, aside())]);
    let output = oubli(&url, &["submit", "--identifier", "phone=+33 1 23 45 67 89"]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("also subject_email a@b.example"), "{}", text(&output.stdout));
    assert_eq!(calls.iter().next().expect("a call").body["identifiers"][0]["value"], "+33 1 23 45 67 89");
    for quick in ["--json", "--no-wait"] {
        let (url, calls) = service(vec![(201, created.clone())]);
        assert_eq!(code(&oubli(&url, &["submit", "--subject-id", "u1", quick])), Some(0));
        assert_eq!(calls.iter().count(), 1);
    }
    let (url, _calls) = service(vec![(201, created)]);
    let output = oubli(&url, &["submit", "--subject-id", "u1"]);
    assert_eq!(code(&output), Some(0), "a look that fails is no failure of the submission: {}", text(&output.stderr));
    assert!(text(&output.stdout).contains("still looked for: oubli show req_1"), "{}", text(&output.stdout));
}

#[test]
fn a_hold_says_whom_it_covers_and_what_it_touches() {
    let hold = json!({ "hold_id": "hold_1", "status": "effective", "covers": "subject", "identifiers": null, "categories": [] });
    let mut placed = hold.clone();
    placed["effects"] = json!([{ "request_id": "req_7", "status": "in_review", "phase": "in_review" }]);
    let mut resolved = hold.clone();
    resolved["identifiers"] = aside()["identifiers"].clone();
    let touched = |id: &str| json!({ "request_id": id, "status": "in_review", "phase": "in_review" });
    resolved["effects"] = json!([touched("req_7"), touched("req_8")]);
    let (url, _calls) = service(vec![(201, placed), (200, hold), (200, resolved.clone())]);
    let output = oubli(&url, &["hold", "place", "--subject-id", "u1", "--reason", "r"]);
    let shown = text(&output.stdout);
    let covers = "Covers whoever is known by subject_id u1\nalso subject_email a@b.example, found in profiles";
    assert!(shown.contains(covers) && shown.contains("req_7") && shown.contains("req_8"), "{shown}");
    let (url, _calls) = service(vec![(200, json!({ "holds": [resolved], "next_cursor": null }))]);
    let listed = text(&oubli(&url, &["hold", "list"]).stdout);
    assert!(listed.contains("subject_id u1, subject_email a@b.example, phone"), "{listed}");
}

#[test]
fn that_nobody_was_found_is_said_in_words() {
    let mut nobody = aside();
    (nobody["plan"]["records"], nobody["plan"]["steps"], nobody["plan"]["kept"]) = (0.into(), json!([]), json!([]));
    let (url, _calls) = service(vec![(200, nobody)]);
    let shown = text(&oubli(&url, &["show", "req_1"]).stdout);
    assert!(shown.contains("Nobody known by subject_id u1, subject_email a@b.example was found"), "{shown}");
    assert!(shown.contains("letters") && !shown.contains("Goes"), "{shown}");

    let producers: Vec<_> = (0..8).map(|n| json!({ "name": format!("p{n}"), "count": 0 })).collect();
    let category = json!({ "name": "c", "document_count": 0, "vector_count": 0, "total_size_bytes": 0, "producers": producers });
    let unsearched = json!([{ "category": "c", "producer": "p7", "why": "no_identifier", "by_part": false }]);
    let found = json!({ "discovery_id": "d", "status": "completed", "total_items": 0, "total_size_bytes": 0,
                        "data_categories": [category], "unsearched": unsearched });
    let (url, _calls) = service(vec![(200, found)]);
    let shown = text(&oubli(&url, &["discover", "--identifier", "phone=+33123456789"]).stdout);
    assert!(shown.contains("Nobody known by what was given was found in the 7 places searched."), "{shown}");
}

#[test]
fn the_demo_map_reaches_everything_by_id_and_by_address() {
    for map in ["demo-shop.yaml", "other-company.yaml"] {
        let path = format!("{}/../infra/maps/{map}", env!("CARGO_MANIFEST_DIR"));
        let output = oubli("", &["map", "check", &path]);
        assert_eq!(code(&output), Some(0), "{map}: {}", text(&output.stdout));
        assert!(!text(&output.stdout).contains("does not reach"), "{map}: {}", text(&output.stdout));
    }
}

#[test]
fn the_data_map_that_the_guide_shows_is_accepted() {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/data-map.md")).expect("the guide");
    let map = guide.split("```yaml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a map");
    let file = std::env::temp_dir().join(format!("oubli-guide-{}.yaml", std::process::id()));
    std::fs::write(&file, map).expect("written");
    let output = oubli("", &["map", "check", &file.display().to_string()]);
    std::fs::remove_file(&file).ok();
    assert_eq!(code(&output), Some(0), "{}", text(&output.stdout));
    assert!(!text(&output.stdout).contains("does not reach"), "{}", text(&output.stdout));
}

#[test]
fn watching_prints_each_change_once_and_ends_where_it_should() {
    let status = |phase: &str, done: u64| {
        json!({
            "request_id": "req_1", "status": "in_progress", "phase": phase, "progress_percent": done,
            "steps": [{ "name": "document_deletion", "status": "in_progress", "items_processed": done, "items_total": 100 }],
        })
    };
    let answers = [("hiding", 10), ("hiding", 10), ("hiding", 60), ("recoverable", 100)];
    let (url, _calls) = service(answers.iter().map(|(phase, done)| (200, status(phase, *done))).collect());
    let output = oubli(&url, &["watch", "req_1", "--interval", "0.1"]);
    assert_eq!(code(&output), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    assert_eq!(shown.matches("hiding 10 %  10 of 100").count(), 1, "{shown}");
    assert!(shown.contains("hiding 60 %  60 of 100") && shown.contains("recoverable 100 %"), "{shown}");

    let (url, _calls) = service(vec![(200, status("failed", 10))]);
    assert_eq!(code(&oubli(&url, &["watch", "req_1", "--until", "completed"])), Some(1));
}

#[test]
fn every_page_of_the_audit_log_is_read() {
    let entry =
        |n: u64| json!({ "audit_id": format!("aud_{n}"), "event_type": "x", "sealed": true, "index": n, "hash": "sha256:0" });
    let pages = vec![
        (200, json!({ "entries": [entry(0)], "next_cursor": "more" })),
        (200, json!({ "entries": [entry(1)], "next_cursor": null })),
    ];
    let (url, calls) = service(pages);
    let output = oubli(&url, &["audit", "--all", "--json", "--request", "req_1"]);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["entries"].as_array().map(Vec::len), Some(2));
    assert_eq!(calls.iter().nth(1).expect("a second call").body["cursor"], "more");
}

#[test]
fn whoever_is_asked_about_stands_in_no_address() {
    let page = |list: &str| vec![(200, json!({ list: [], "next_cursor": null }))];
    for (arguments, list) in [
        (["audit", "--subject-id", "cust-7", "--subject-email", "a@example.org"].as_slice(), "entries"),
        (["hold", "list", "--subject-id", "cust-7", "--subject-email", "a@example.org"].as_slice(), "holds"),
    ] {
        let (url, calls) = service(page(list));
        assert_eq!(code(&oubli(&url, arguments)), Some(0), "{arguments:?}");
        let call = calls.iter().next().expect("a call");
        assert!(call.line.starts_with("POST ") && call.line.ends_with("/search HTTP/1.1"), "{}", call.line);
        assert_eq!((&call.body["subject_id"], &call.body["subject_email"]), (&json!("cust-7"), &json!("a@example.org")));
    }
}

#[test]
fn whom_a_request_is_about_is_asked_for_by_name() {
    for (arguments, query) in [(vec!["show", "req_1"], ""), (vec!["show", "req_1", "--reveal"], "?reveal=identity")] {
        let (url, calls) = service(vec![(200, request("in_review"))]);
        assert_eq!(code(&oubli(&url, &arguments)), Some(0), "{arguments:?}");
        let line = calls.iter().next().expect("a call").line.clone();
        assert_eq!(line, format!("GET /v1/compliance/erasure-requests/req_1{query} HTTP/1.1"));
    }
}

#[test]
fn a_refused_map_names_its_lines() {
    let file = std::env::temp_dir().join(format!("oubli-map-{}.yaml", std::process::id()));
    let map = "version: 1\nstores:\n  s: {connector: s3}\nproducers:\n  - {name: a, category: a, store: s, bucket: b, select: [{by: subject_id, prefix: \"u/{}\"}]}\n";
    std::fs::write(&file, map).expect("written");
    let output = oubli("", &["map", "check", &file.display().to_string()]);
    std::fs::remove_file(&file).ok();
    assert_eq!(code(&output), Some(1));
    let shown = text(&output.stdout);
    assert!(shown.contains(":5: refused: ") && shown.contains("delimiter"), "{shown}");
}

#[test]
fn without_url_or_with_a_wrong_command_line_it_ends_with_2() {
    assert_eq!(code(&oubli("", &["list"])), Some(2));
    assert_eq!(code(&oubli("http://127.0.0.1:1", &["submit"])), Some(2));
    assert_eq!(code(&oubli("http://127.0.0.1:1", &["list", "--limit", "0"])), Some(2));
    assert_eq!(code(&oubli("http://127.0.0.1:1", &["list"])), Some(5));
}

#[test]
fn a_list_goes_on_past_pages_in_which_nothing_fits() {
    let empty = |next: &str| (200, json!({ "requests": [], "next_cursor": next }));
    let (url, calls) =
        service(vec![empty("a"), empty("b"), (200, json!({ "requests": [request("failed")], "next_cursor": "c" }))]);
    let listed = oubli(&url, &["list", "--status", "failed", "--limit", "5"]);
    assert_eq!(code(&listed), Some(0), "{}", text(&listed.stderr));
    let shown = text(&listed.stdout);
    assert!(shown.contains("req_1") && shown.contains("--cursor c"), "{shown}");
    let asked: Vec<String> = calls.iter().map(|call| call.line).collect();
    assert!(asked.iter().all(|line| line.contains("status=failed") && line.contains("limit=5")), "{asked:?}");
    let cursors = |line: &String| line.matches("cursor=").count();
    assert_eq!(asked.iter().map(cursors).collect::<Vec<_>>(), [0, 1, 1]);
    assert!(asked[1].contains("cursor=a") && asked[2].contains("cursor=b"), "{asked:?}");
}

#[test]
fn whoever_is_told_to_come_again_does() {
    let throttled = (429, json!({ "code": "rate_limited", "detail": "Too much.", "remedy": "Later." }));
    let (url, calls) = service(vec![throttled.clone(), throttled, (200, json!({ "requests": [], "next_cursor": null }))]);
    assert_eq!(code(&oubli(&url, &["list"])), Some(0));
    assert_eq!(calls.iter().count(), 3);
}

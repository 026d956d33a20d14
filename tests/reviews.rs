//! Reviews that somebody outside asks for, over HTTP, as clients that others made ask for them.

use std::{
    thread::{scope, sleep},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use oubli_tests::{Answer, Api, Organization, adapter, new_key, oubli, unique};
use serde_json::{Value, json};

fn body(more: &Value) -> Value {
    let mut body = json!({
        "task_type": "data_deletion", "proposed_action": "Erase everything of user 7", "agent_reasoning": "Article 17",
        "confidence_score": 1.0, "urgency": "medium", "framework": "custom", "organization_id": 1, "agent_id": "agent-7",
        "metadata": { "user_id": "7", "data_points": 42, "data_summary": { "count": 42 } },
        // Clients of later versions send more.
        "tool_version": "9.9",
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        body[name] = value.clone();
    }
    body
}

fn asked(api: &Api, more: &Value) -> Result<u64> {
    let answer = api.post("/reviews", &body(more))?;
    ensure!(answer.status == 201, "{} {}", answer.status, answer.text);
    ensure!(answer.body["status"] == "pending" && answer.body["decision"].is_null(), "{}", answer.text);
    ensure!(answer.body["metadata"]["data_points"] == 42, "{}", answer.text);
    answer.body["id"].as_u64().context("a number")
}

fn unprocessable(answer: &Answer, field: &str) -> Result<()> {
    ensure!(answer.status == 422, "{} {}", answer.status, answer.text);
    ensure!(answer.body["errors"][0]["field"] == field && answer.body["detail"].is_string(), "{}", answer.text);
    Ok(())
}

#[test]
fn p1_what_somebody_outside_asks_a_member_decides_once() -> Result<()> {
    let (shop, other) = (Organization::create(5)?, Organization::other()?);
    let first = asked(&shop.service, &json!({}))?;
    ensure!(first == 1, "each organization counts its own: {first}");
    let nobody = shop.service.get("/reviews/1/decision")?;
    ensure!((nobody.status, nobody.text.trim()) == (200, "null"), "{} {}", nobody.status, nobody.text);
    let reject = json!({ "decision_type": "reject", "notes": "identity unclear", "reviewer_name": "R." });
    for (api, status) in [(&shop.service, 403), (&shop.officer, 403), (&shop.auditor, 403), (&other, 403)] {
        let refused = api.post("/reviews/1/decide", &reject)?;
        ensure!(refused.status == status || refused.status == 404, "{} {}", refused.status, refused.text);
    }
    ensure!(other.get("/reviews/1")?.status == 404);
    let decided = shop.reviewer.post("/reviews/1/decide", &reject)?.ok()?;
    for field in ["id", "review_id", "decision_type", "notes", "timestamp", "created_at"] {
        ensure!(!decided[field].is_null(), "{field}: {decided}");
    }
    let again = shop.reviewer.post("/reviews/1/decide", &json!({ "decision_type": "approve" }))?;
    ensure!((again.status, again.body["code"].as_str()) == (409, Some("already_decided")), "{}", again.text);
    let seen = shop.service.get("/v1/reviews/1")?.ok()?;
    ensure!(seen["status"] == "rejected" && seen["decision"]["notes"] == "identity unclear", "{seen}");
    // Who asks does not decide, whichever role they have besides.
    let own = asked(&shop.administrator, &json!({}))?;
    let own = shop.administrator.post(&format!("/reviews/{own}/decide"), &json!({ "decision_type": "approve" }))?;
    ensure!((own.status, own.body["code"].as_str()) == (403, Some("own_request")), "{}", own.text);
    // Nobody sees words about people who may see no people.
    let audited = shop.auditor.get("/reviews/1")?.ok()?;
    ensure!(audited["status"] == "rejected" && audited["proposed_action"] == "" && audited["metadata"] == json!({}), "{audited}");
    let stats = shop.officer.get("/stats")?.ok()?;
    ensure!((stats["total_reviews"].as_u64(), stats["rejected_reviews"].as_u64()) == (Some(2), Some(1)), "{stats}");
    let said = shop.service.post("/reviews/1/feedback", &json!({ "rating": 4, "comment": "Thanks." }))?;
    ensure!((said.status, said.body["id"].as_u64()) == (201, Some(1)), "{}", said.text);
    ensure!(shop.reviewer.get("/reviews/1/feedback")?.ok()?["feedback"][0]["comment"] == "Thanks.");
    Ok(())
}

#[test]
fn what_does_not_fit_is_answered_422_and_says_what_would() -> Result<()> {
    let shop = Organization::create(5)?;
    let id = asked(&shop.service, &json!({}))?;
    let decide = format!("/reviews/{id}/decide");
    let modify = |action: Value| json!({ "decision_type": "modify", "modified_action": action, "notes": "later" });
    unprocessable(&shop.reviewer.post(&decide, &json!({ "decision_type": "modify" }))?, "modified_action")?;
    unprocessable(&shop.reviewer.post(&decide, &modify(json!("Only the chats.")))?, "modified_action")?;
    unprocessable(&shop.reviewer.post(&decide, &json!({ "decision_type": "maybe" }))?, "decision_type")?;
    unprocessable(&shop.service.post("/reviews", &json!({ "task_type": "x" }))?, "proposed_action")?;
    unprocessable(&shop.service.post("/reviews", &body(&json!({ "urgency": "now" })))?, "urgency")?;
    unprocessable(&shop.service.post("/reviews", &body(&json!({ "confidence_score": 1.5 })))?, "confidence_score")?;
    let rule = shop.service.post("/reviews", &body(&json!({ "conditions": { "task_type": "x" } })))?;
    unprocessable(&rule, "conditions")?;
    ensure!(rule.text.contains("/routing-rules"), "{}", rule.text);
    unprocessable(&shop.officer.get("/reviews?page_size=1000")?, "page_size")?;
    let conditions = json!({ "and": [{ "urgency": { "operator": "~", "value": "high" } }] });
    let unknown = json!({ "name": "x", "conditions": conditions, "assign_to_team_id": 1 });
    unprocessable(&shop.administrator.post("/routing-rules", &unknown)?, "conditions.and[0].urgency.operator")?;
    let nobody = json!({ "name": "x", "conditions": {}, "assign_to_team_id": 77 });
    unprocessable(&shop.administrator.post("/routing-rules", &nobody)?, "assign_to_team_id")?;
    // What others' form takes is asked, and of what is too large to be kept nobody can say yes.
    let odd = json!({ "organization_id": "another", "confidence_score": "0.5", "blocking": "false", "agent_reasoning": " " });
    asked(&shop.service, &odd)?;
    let large = shop.service.post("/reviews", &body(&json!({ "metadata": { "input": "x".repeat(1_000_000) } })))?;
    ensure!((large.status, &large.body["cut"]) == (201, &json!(true)), "{} {}", large.status, large.text);
    let approve = json!({ "decision_type": "approve" });
    unprocessable(&shop.reviewer.post(&format!("/reviews/{}/decide", large.body["id"]), &approve)?, "decision_type")?;
    ensure!(shop.service.get(&format!("/reviews/{id}"))?.ok()?["status"] == "pending");
    shop.reviewer.post(&decide, &modify(json!("Only the chats. {\"categories\": [\"chat_history\"]}")))?.ok()?;
    ensure!(shop.service.get(&format!("/reviews/{id}"))?.ok()?["status"] == "modified");
    Ok(())
}

#[test]
fn rules_say_who_is_asked() -> Result<()> {
    let shop = Organization::create(5)?;
    let team = shop.administrator.post("/v1/organization/teams", &json!({ "name": "Compliance" }))?;
    ensure!((team.status, team.body["id"].as_u64()) == (201, Some(1)), "{}", team.text);
    let conditions = json!({ "task_type": { "operator": "=", "value": "data_deletion" }, "metadata.data_points": { "operator": ">", "value": 40 } });
    let rule = json!({ "name": "Erasures", "organization_id": 1, "priority": 200, "conditions": conditions, "assign_to_team_id": 1, "is_active": true });
    let made = shop.administrator.post("/routing-rules", &rule)?;
    ensure!((made.status, made.body["id"].as_u64(), &made.body["conditions"]) == (201, Some(1), &conditions), "{}", made.text);
    let second = shop.administrator.post("/v1/routing-rules", &rule)?;
    ensure!(second.body["warnings"][0].as_str().is_some_and(|text| text.contains('1')), "{}", second.text);
    let tried = shop.administrator.post("/routing-rules/test", &body(&json!({})))?.ok()?;
    ensure!((tried["matched_rule_id"].as_u64(), tried["assigned_to_team_id"].as_u64()) == (Some(1), Some(1)), "{tried}");
    let small = shop.administrator.post("/routing-rules/test", &body(&json!({ "metadata": { "data_points": 3 } })))?.ok()?;
    ensure!(small["matched_rule_id"].is_null() && small["rules"][0]["comparisons"][0]["found"] == 3, "{small}");
    let id = asked(&shop.service, &json!({}))?;
    let review = shop.reviewer.get(&format!("/reviews/{id}"))?.ok()?;
    ensure!((review["assigned_to_team_id"].as_u64(), review["routing_rule_id"].as_u64()) == (Some(1), Some(1)), "{review}");
    let page = shop.reviewer.get("/reviews?status=pending&task_type=data_deletion&team_id=1&page=1&page_size=2")?.ok()?;
    ensure!((page["total"].as_u64(), page["reviews"].as_array().map(Vec::len)) == (Some(1), Some(1)), "{page}");
    let refused = shop.administrator.delete("/v1/organization/teams/1")?;
    ensure!((refused.status, refused.body["code"].as_str()) == (409, Some("team_in_use")), "{}", refused.text);
    for id in [1, 2] {
        shop.administrator.delete(&format!("/routing-rules/{id}"))?.ok()?;
    }
    let default = shop.administrator.patch("/v1/organization/teams/1", &json!({ "is_default": true }))?.ok()?;
    ensure!(default["is_default"] == true && default["name"] == "Compliance", "{default}");
    let id = asked(&shop.service, &json!({}))?;
    let review = shop.reviewer.get(&format!("/reviews/{id}"))?.ok()?;
    ensure!(review["assigned_to_team_id"] == 1 && review["routing_rule_id"].is_null(), "{review}");
    let refused = shop.administrator.delete("/v1/organization/teams/1")?;
    ensure!((refused.status, refused.body["code"].as_str()) == (409, Some("team_in_use")), "{}", refused.text);
    shop.administrator.patch("/v1/organization/teams/1", &json!({ "is_default": false }))?.ok()?;
    shop.administrator.delete("/v1/organization/teams/1")?.ok()?;
    Ok(())
}

#[test]
fn whoever_waits_is_answered_within_five_seconds_and_learns_of_a_decision_at_once() -> Result<()> {
    let shop = Organization::create(5)?;
    let begun = Instant::now();
    asked(&shop.service, &json!({ "blocking": true }))?;
    ensure!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    scope(|threads| -> Result<()> {
        let waiting = threads.spawn(|| shop.service.post("/reviews", &body(&json!({ "blocking": true }))));
        sleep(Duration::from_millis(1_500));
        shop.reviewer.post("/reviews/2/decide", &json!({ "decision_type": "approve" }))?.ok()?;
        let answer = waiting.join().expect("it does not panic")?;
        ensure!(answer.status == 201 && answer.body["status"] == "approved", "{} {}", answer.status, answer.text);
        ensure!(answer.body["decision"]["decision_type"] == "approve", "{}", answer.text);
        Ok(())
    })
}

/// What a command answers.
fn answered(key: &str, arguments: &[&str]) -> Result<Value> {
    let out = oubli(key, &[arguments, &["--json"]].concat())?.succeeded().with_context(|| arguments.join(" "))?;
    Ok(serde_json::from_str(&out)?)
}

/// What it prints for people.
fn printed(key: &str, arguments: &[&str]) -> Result<String> {
    oubli(key, arguments)?.succeeded().with_context(|| arguments.join(" "))
}

/// How it ends.
fn ended(key: &str, arguments: &[&str]) -> Result<i32> {
    Ok(oubli(key, arguments)?.code)
}

#[test]
fn the_command_line_says_who_is_asked_asks_and_decides() -> Result<()> {
    let shop = Organization::create(5)?;
    let (administrator, reviewer, service) = (&shop.key, new_key(&shop.key, "reviewer")?, new_key(&shop.key, "service")?);
    // Who is asked.
    ensure!(answered(administrator, &["team", "add", "Compliance"])?["id"] == 1);
    let members = printed(administrator, &["member", "list"])?;
    ensure!(members.lines().next().is_some_and(|header| header.contains("NUMBER")), "{members}");
    let add = |name: &'static str, conditions: &'static str| {
        ["rule", "add", "--priority", "200", "--team", "1", "--name", name, "--conditions", conditions]
    };
    let large = r#"{"task_type": "data_deletion", "metadata.rows": {"operator": ">", "value": 40}}"#;
    printed(administrator, &add("Large", large))?;
    let second = printed(administrator, &add("All", "{}"))?;
    ensure!(second.contains("Warning") && second.contains("team 1"), "{second}");
    ensure!(answered(administrator, &["rule", "change", "2", "--priority", "300", "--active", "false"])?["is_active"] == false);
    let rules = printed(administrator, &["rule", "list"])?;
    ensure!(rules.find("All") < rules.find("Large"), "they are looked at in this order: {rules}");
    let tried = r#"{"task_type": "data_deletion", "proposed_action": "Drop it", "metadata": {"rows": 42}}"#;
    let tried = printed(administrator, &["rule", "test", "--review", tried])?;
    ensure!(tried.contains("Rule 1 says who is asked: team 1") && tried.contains("metadata.rows > 40: found 42"), "{tried}");
    // Somebody asks, and somebody else decides.
    let file = std::env::temp_dir().join(format!("oubli-review-{}.json", unique()));
    std::fs::write(&file, r#"{"rows": 42}"#)?;
    let metadata = format!("@{}", file.display());
    let ask = ["review", "ask", "--task-type", "data_deletion", "--action", "Drop the logs", "--reasoning", "Nobody reads them"];
    let how = ["--confidence", "0.9", "--urgency", "high", "--framework", "custom", "--metadata", &metadata];
    let asked = answered(&service, &[&ask[..], &how].concat());
    std::fs::remove_file(&file).ok();
    let asked = asked?;
    ensure!((asked["id"].as_u64(), asked["assigned_to_team_id"].as_u64()) == (Some(1), Some(1)), "{asked}");
    let listed = printed(&reviewer, &["review", "list", "--status", "pending", "--team", "1"])?;
    ensure!(listed.contains("Drop the logs"), "{listed}");
    let shown = printed(&reviewer, &["review", "show", "1"])?;
    for part in ["Drop the logs", "Nobody reads them", "0.9 of 1", "high", "rows: 42", "none yet"] {
        ensure!(shown.contains(part), "{part} in {shown}");
    }
    ensure!(ended(&service, &["review", "approve", "1"])? == 1, "whoever asks does not decide");
    ensure!(answered(&reviewer, &["review", "reject", "1", "--notes", "They are needed"])?["decision_type"] == "reject");
    ensure!(ended(&reviewer, &["review", "approve", "1"])? == 4, "nobody decides twice");
    let shown = printed(&service, &["review", "show", "1"])?;
    ensure!(shown.contains("rejected") && shown.contains("They are needed"), "{shown}");
    // Whoever waits learns of it, and goes on only where it is approved.
    for (number, decision, code) in
        [("2", &["approve", "2"][..], 0), ("3", &["modify", "3", "--action", "Only the old ones. {\"rows\": 7}"], 1)]
    {
        let ran = scope(|threads| -> Result<_> {
            let waiting = threads.spawn(|| oubli(&service, &[&ask[..], &["--wait", "--timeout", "60"]].concat()));
            let end = Instant::now() + Duration::from_secs(30);
            while ended(&reviewer, &["review", "show", number])? != 0 {
                ensure!(Instant::now() < end, "review {number} was not asked for");
                sleep(Duration::from_millis(200));
            }
            printed(&reviewer, &[&["review"], decision].concat())?;
            waiting.join().expect("it does not panic")
        })?;
        ensure!(ran.code == code, "{} {}{}", ran.code, ran.out, ran.err);
    }
    ensure!(ended(&service, &[&ask[..], &["--wait", "--timeout", "1"]].concat())? == 1, "nobody decided: that is no approval");
    // What is said of it, and what there is.
    printed(&service, &["review", "feedback", "1", "--rating", "4", "--comment", "Thanks."])?;
    ensure!(printed(&reviewer, &["review", "feedback", "1"])?.contains("Thanks."));
    let stats = answered(&reviewer, &["review", "stats"])?;
    ensure!((stats["total_reviews"].as_u64(), stats["pending_reviews"].as_u64()) == (Some(4), Some(1)), "{stats}");
    // A team that is asked stays.
    ensure!(ended(administrator, &["team", "remove", "1"])? == 4, "rules name it");
    for rule in ["1", "2"] {
        printed(administrator, &["rule", "remove", rule])?;
    }
    printed(administrator, &["team", "rename", "1", "Privacy"])?;
    printed(administrator, &["team", "remove", "1"])?;
    ensure!(ended(administrator, &["rule", "show", "1"])? == 3);
    Ok(())
}

/// The adapter for LangChain takes every trouble for an approval: none may reach it.
#[test]
fn p1_an_adapter_that_others_made_is_told_what_a_person_decided_and_nothing_else() -> Result<()> {
    let shop = Organization::create(5)?;
    for (task, decision, expected) in [
        ("approve", json!({ "decision_type": "approve" }), json!({ "type": "approve" })),
        ("reject", json!({ "decision_type": "reject", "notes": "no" }), json!({ "type": "reject", "message": "no" })),
        (
            "modify",
            json!({ "decision_type": "modify", "modified_action": "Less. {\"amount\": 3}" }),
            json!({ "type": "edit", "edited_action": { "name": "modify", "args": { "amount": 3 } } }),
        ),
    ] {
        let answer = scope(|threads| -> Result<Value> {
            let waiting = threads.spawn(|| adapter(&shop.service, task, &json!({ "amount": 100 })));
            let end = Instant::now() + Duration::from_secs(60);
            // Longer than one of its calls waits.
            sleep(Duration::from_secs(6));
            let id = loop {
                let page = shop.reviewer.get(&format!("/reviews?status=pending&task_type=tool_call_{task}"))?.ok()?;
                if let Some(id) = page["reviews"][0]["id"].as_u64() {
                    break id;
                }
                ensure!(Instant::now() < end, "{task} was not asked");
                sleep(Duration::from_millis(200));
            };
            shop.reviewer.post(&format!("/reviews/{id}/decide"), &decision)?.ok()?;
            waiting.join().expect("it does not panic")
        })?;
        ensure!(answer == expected, "{task}: {answer}");
    }
    Ok(())
}

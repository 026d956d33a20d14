//! Whatever is written into whichever field of the API, nothing of it stands in tables, queues, logs, kept answers, object names
//! or metrics.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use oubli_tests::{
    Answer, Api, Customer, Description, Export, Field, Job, Organization, python, resolved_hold, root, text, unique,
};
use serde_json::{Value, json};

/// Stands where a word is planted.
const PLANT: &str = "PLANT";
/// Stand for the id and the address of somebody who has records.
const CUSTOMER: &str = "CUSTOMER";
const CUSTOMER_MAIL: &str = "MAIL-OF-CUSTOMER";
/// The issuer that was set: members are of no other.
const ISSUED: &str = "https://ISSUER-THAT-WAS-SET.example";

/// What is sent, in the order in which each operation is called. A field that is not here fails the test below.
fn bodies() -> Vec<(&'static str, Value)> {
    let method = json!({ "method": "PLANT showed a card", "verified_at": "2026-01-05T09:00:00Z" });
    let member = json!({
        "name": "PLANT", "email": "PLANT@planted.example", "roles": ["auditor"], "teams": ["Friends of PLANT"],
        "oidc_subjects": [{ "issuer": ISSUED, "subject": "PLANT of the till" }],
    });
    let issuer = json!({
        "issuer": "https://PLANT.planted.example", "audiences": ["For PLANT"], "algorithms": ["RS256"],
        "jwks_uri": "https://PLANT.planted.example/keys", "subject_claim": "PLANT",
        "roles": { "claim": "roles of PLANT", "values": { "PLANT@planted.example": ["auditor"] } },
        "teams": { "claim": "teams of PLANT", "values": { "cn=PLANT": ["Friends of PLANT"] } },
    });
    let page = json!({ "cursor": PLANT });
    let person = json!({
        "subject_id": PLANT, "subject_email": "PLANT@planted.example",
        "identifiers": [{ "kind": "subject_email", "value": "PLANT@planted.example" }],
    });
    let erasure = |mut body: Value| {
        body["request_type"] = json!("full_erasure");
        body["reason"] = json!("consent_withdrawn");
        body
    };
    let with = |mut body: Value, name: &str, value: Value| {
        body[name] = value;
        body
    };
    let approval = json!({
        "approved_by": "PLANT", "approval_notes": "I called PLANT",
        "exclusions": [{ "category": "chat_history", "reason": "PLANT wants it back" }],
    });
    let customer = json!({ "subject_id": CUSTOMER, "subject_email": CUSTOMER_MAIL, "verification": method });
    let nobody = json!({ "subject_id": PLANT, "verification": method });
    let map = std::fs::read_to_string(root().join("infra/maps/demo-shop.yaml")).unwrap_or_default();
    let map = json!({ "yaml": format!("{map}\n# PLANT asked for it\n") });
    let reason = json!({ "reason": "PLANT called again" });
    let asked = json!({
        "task_type": "forget PLANT", "proposed_action": "Erase PLANT", "agent_reasoning": "PLANT wrote", "framework": "by PLANT",
        "agent_id": "agent of PLANT", "organization_id": "PLANT and Sons", "metadata": { "who": PLANT },
    });
    let decision = json!({
        "modified_action": "All but PLANT. {\"who\": \"PLANT\"}", "notes": "PLANT called", "reviewer_name": "PLANT",
    });
    vec![
        (
            "change_settings",
            json!({
                "name": "PLANT and Sons", "delivery_app": "PLANT's shop", "notify": ["PLANT@planted.example"],
                "export_review": true,
            }),
        ),
        ("add_member", member.clone()),
        ("change_member", member),
        ("set_issuer", issuer),
        ("create_key", json!({ "name": "Till of PLANT" })),
        ("preview_map", map.clone()),
        ("publish_map", map),
        (
            "register_saved_query",
            json!({
                "short_name": "planted", "category": "profile", "store": "shop", "parameters": ["subject_id"],
                "statement": "SELECT name FROM \"shop-profiles\" WHERE customer_id = ? AND name <> 'PLANT'",
                "description": "What PLANT is called",
            }),
        ),
        ("discover_data", person.clone()),
        ("place_legal_hold", with(with(person.clone(), "reason", json!("PLANT sued us")), "reference", json!("4 O PLANT/26"))),
        ("submit_erasure_request", erasure(customer.clone())),
        ("submit_erasure_request", erasure(person.clone())),
        ("submit_erasure_request", erasure(nobody.clone())),
        ("verify_erasure_request", method.clone()),
        ("extend_erasure_request", json!({ "reasons": "PLANT has many records" })),
        ("cancel_erasure_request", reason.clone()),
        ("execute_erasure_request", approval.clone()),
        ("reject_erasure_request", reason.clone()),
        ("submit_export_request", customer),
        ("search_audit_log", person.clone()),
        ("search_audit_log", page.clone()),
        ("search_legal_holds", person.clone()),
        ("search_legal_holds", page),
        ("submit_export_request", person),
        ("submit_export_request", nobody),
        ("verify_export_request", method),
        ("cancel_export_request", reason.clone()),
        ("execute_export_request", approval),
        ("reject_export_request", reason),
        ("open_export", json!({ "code": PLANT })),
        ("add_team", json!({ "name": "Friends of PLANT" })),
        ("change_team", json!({ "name": "Foes of PLANT" })),
        ("add_routing_rule", json!({ "name": "For PLANT", "conditions": { "metadata.who": PLANT }, "assign_to_team_id": 1 })),
        ("change_routing_rule", json!({ "name": "Not for PLANT", "conditions": { "metadata.who": PLANT } })),
        ("try_routing_rules", asked.clone()),
        ("request_review", asked.clone()),
        ("request_review", asked),
        ("decide_review", with(decision.clone(), "decision_type", json!("modify"))),
        ("post_review_decision", with(decision, "decision_type", json!("reject"))),
        ("give_review_feedback", json!({ "comment": "PLANT was quick" })),
    ]
}

/// What is asked for, by a query.
const QUERIES: [(&str, &[&str]); 8] = [
    ("list_reviews", &["task_type=PLANT", "framework=PLANT"]),
    ("query_audit_log", &["subject_id=PLANT", "subject_email=PLANT%40planted.example"]),
    ("query_audit_log", &["cursor=PLANT"]),
    ("list_legal_holds", &["subject_id=PLANT", "subject_email=PLANT%40planted.example"]),
    ("list_legal_holds", &["cursor=PLANT"]),
    ("list_erasure_requests", &["cursor=PLANT"]),
    ("list_export_requests", &["cursor=PLANT"]),
    ("list_erasure_request_conflicts", &["cursor=PLANT"]),
];

const MEMBER: &[&str] =
    &["body.name", "body.email", "body.teams[]", "body.oidc_subjects[].issuer", "body.oidc_subjects[].subject"];
const ISSUER: &[&str] =
    &["body.issuer", "body.audiences[]", "body.jwks_uri", "body.subject_claim", "body.roles.claim", "body.teams.claim"];
/// What an issuer's claims say of members, and the teams that it stands for.
const CLAIMED: &[&str] = &["body.roles.values.(name)", "body.teams.values.(name)", "body.teams.values.*[]"];

/// What an organization says of itself, and where it stands for as long as it does. None of it is about somebody who asks.
const OWN_WORDS: [(&str, &[&str], &str); 19] = [
    ("add_team", &["body.name"], "directory table"),
    ("change_team", &["body.name"], "directory table"),
    ("add_routing_rule", &["body.name", "body.conditions.metadata.who"], "directory table"),
    ("change_routing_rule", &["body.name", "body.conditions.metadata.who"], "directory table"),
    ("change_settings", &["body.name", "body.delivery_app", "body.notify[]"], "directory table"),
    // How an export looks is settled when it is packaged: the controller it names, too.
    ("change_settings", &["body.name"], "control table"),
    ("add_member", MEMBER, "directory table"),
    ("change_member", MEMBER, "directory table"),
    ("set_issuer", ISSUER, "directory table"),
    ("set_issuer", CLAIMED, "directory table"),
    // Whose word is taken for who somebody is stands in the log for good; whom it calls what does not.
    ("set_issuer", ISSUER, "ledger table"),
    ("set_issuer", ISSUER, "objects"),
    ("add_member", &["body.oidc_subjects[].issuer"], "ledger table"),
    ("add_member", &["body.oidc_subjects[].issuer"], "objects"),
    ("change_member", &["body.oidc_subjects[].issuer"], "ledger table"),
    ("change_member", &["body.oidc_subjects[].issuer"], "objects"),
    ("create_key", &["body.name"], "directory table"),
    ("publish_map", &["body.yaml"], "directory table"),
    ("register_saved_query", &["body.statement", "body.description"], "control table"),
];

/// Where anything may be, of which no description says what.
const OPEN: [&str; 2] = ["body.metadata.", "body.conditions."];

/// Where a name is that words are planted in, and where what it leads to is: the same for all names of a map.
fn of_name(name: &str, place: &str) -> (Option<String>, String) {
    let planted = name.contains(PLANT);
    (planted.then(|| format!("{place}.(name)")), format!("{place}.{}", if planted { "*" } else { name }))
}

/// The places of a body that words are planted in.
fn planted_in(value: &Value, place: &str) -> Vec<String> {
    match value {
        Value::Object(map) => {
            let parts = map.iter().map(|(name, part)| (of_name(name, place), part));
            parts.flat_map(|((own, inner), part)| own.into_iter().chain(planted_in(part, &inner))).collect()
        }
        Value::Array(list) => list.iter().flat_map(|part| planted_in(part, &format!("{place}[]"))).collect(),
        Value::String(text) if [PLANT, CUSTOMER, ISSUED].iter().any(|word| text.contains(word)) => vec![place.to_owned()],
        _ => vec![],
    }
}

#[test]
fn every_field_that_anything_can_be_written_into_is_planted() -> Result<()> {
    let description = Description::read()?;
    let mut planted: BTreeSet<Field> = BTreeSet::new();
    for (operation, body) in bodies() {
        planted.extend(planted_in(&body, "body").iter().map(|place| Field::new(operation, place)));
    }
    for (operation, asked) in QUERIES {
        let names = asked.iter().filter_map(|one| one.split_once('=')).map(|(name, _)| format!("query.{name}"));
        planted.extend(names.map(|place| Field::new(operation, &place)));
    }
    let free = description.free_texts()?;
    ensure!(free.len() > 60, "{free:?}");
    let is_key = |field: &&Field| field.place == "header.Idempotency-Key";
    let forgotten: Vec<String> = free.iter().filter(|f| !planted.contains(f) && !is_key(f)).map(ToString::to_string).collect();
    ensure!(forgotten.is_empty(), "the planting run does not fill, in tests/planting.rs:\n{}", forgotten.join("\n"));
    let open = |field: &&Field| OPEN.iter().any(|place| field.place.starts_with(place));
    let unknown: Vec<String> = planted.difference(&free).filter(|f| !open(f)).map(ToString::to_string).collect();
    ensure!(unknown.is_empty(), "nothing free can be written into:\n{}", unknown.join("\n"));
    Ok(())
}

/// An organization in which every field is filled with a word of its own.
struct Run {
    description: Description,
    organization: Organization,
    bodies: Vec<(&'static str, Value)>,
    words: Vec<(Field, String)>,
}

impl Run {
    fn word(&mut self, operation: &str, place: &str) -> String {
        let word = format!("plant{}x", unique());
        self.words.push((Field::new(operation, place), word.clone()));
        word
    }

    fn filled(&mut self, operation: &str, place: &str, value: &Value, customer: Option<&Customer>) -> Value {
        match value {
            Value::Object(map) => {
                let filled = |(name, part): (&String, &Value)| {
                    let (own, inner) = of_name(name, place);
                    let part = self.filled(operation, &inner, part, customer);
                    let name = own.map_or_else(|| name.clone(), |own| name.replace(PLANT, &self.word(operation, &own)));
                    (name, part)
                };
                Value::Object(map.iter().map(filled).collect())
            }
            Value::Array(list) => list.iter().map(|part| self.filled(operation, &format!("{place}[]"), part, customer)).collect(),
            Value::String(text) if text.contains(PLANT) => text.replace(PLANT, &self.word(operation, place)).into(),
            Value::String(text) if text == ISSUED => {
                let set = Field::new("set_issuer", "body.issuer");
                let (_, word) = self.words.iter().find(|(field, _)| *field == set).cloned().unwrap_or((set, String::new()));
                let address = format!("https://{word}.planted.example");
                self.words.push((Field::new(operation, place), word));
                address.into()
            }
            Value::String(text) => {
                let known = customer.and_then(|customer| match text.as_str() {
                    CUSTOMER => Some((customer.id.clone(), customer.id.clone())),
                    CUSTOMER_MAIL => Some((customer.email.clone(), customer.word.clone())),
                    _ => None,
                });
                match known {
                    Some((text, word)) => {
                        self.words.push((Field::new(operation, place), word));
                        text.into()
                    }
                    None => value.clone(),
                }
            }
            _ => value.clone(),
        }
    }

    /// Calls an operation about a thing, with what is next to be sent to it.
    fn call(&mut self, api: &Api, operation: &str, id: &str, customer: Option<&Customer>, more: &Value) -> Result<Answer> {
        let next = self.bodies.iter().position(|(of, _)| *of == operation);
        let body = next.map_or_else(|| self.description.example(operation), |next| self.bodies.remove(next).1);
        let mut body = self.filled(operation, "body", &body, customer);
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let (method, path) = self.description.place_of(operation)?;
        let key = if method == "POST" { Some(self.word(operation, "header.Idempotency-Key")) } else { None };
        let headers: Vec<(&str, &str)> = key.iter().map(|key| ("Idempotency-Key", key.as_str())).collect();
        let (path, body) = (path.replace("{id}", id), body.to_string());
        let mut answer = api.call(&method, &path, Some(&body), &headers)?;
        // A worker that is looking for the person may write at the same moment: the answer says to repeat the call.
        for _ in 0..20 {
            if answer.body["code"] != "changed_meanwhile" {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(250));
            answer = api.call(&method, &path, Some(&body), &headers)?;
        }
        Ok(answer)
    }

    /// The same, done, with an id of the answer.
    fn made(&mut self, api: &Api, operation: &str, customer: Option<&Customer>, id: &str) -> Result<String> {
        let answer = self.call(api, operation, "", customer, &json!({}))?.ok().context(operation.to_owned())?;
        text(&answer, id).map(ToOwned::to_owned)
    }

    fn done(&mut self, api: &Api, operation: &str, id: &str, more: &Value) -> Result<()> {
        self.call(api, operation, id, None, more)?.ok().map(drop).context(operation.to_owned())
    }

    fn ask(&mut self, api: &Api, operation: &str, asked: &[&str], id: &str) -> Result<()> {
        let mut query = Vec::new();
        for one in asked {
            let name = one.split_once('=').map_or("", |(name, _)| name);
            let word = self.word(operation, &format!("query.{name}"));
            query.push(one.replace(PLANT, &word));
        }
        let (_, path) = self.description.place_of(operation)?;
        let answer = api.get(&format!("{}?{}", path.replace("{id}", id), query.join("&")))?;
        ensure!(answer.status < 500, "{operation}: {} {}", answer.status, answer.text);
        Ok(())
    }

    fn job(&self, id: &str) -> Job {
        Job { organization: self.organization.clone(), id: id.to_owned(), submitted: json!({}) }
    }

    /// That no word stands where it may not.
    fn search(&self, when: &str) -> Result<()> {
        let words: Vec<&str> = self.words.iter().map(|(_, word)| word.as_str()).collect();
        let report: Value = serde_json::from_str(&python("leaks.py", &words)?)?;
        let mut wrong = Vec::new();
        for found in report["found"].as_array().context("nothing was searched")? {
            let (word, place) = (text(found, "word")?, text(found, "where")?);
            let of = self.words.iter().filter(|(_, planted)| planted == word);
            let own = |field: &Field| {
                OWN_WORDS.iter().any(|(operation, places, stands)| {
                    *operation == field.operation && places.contains(&field.place.as_str()) && *stands == place
                })
            };
            wrong.extend(of.filter(|(field, _)| !own(field)).map(|(field, _)| format!("{field} in {place}: {}", found["shown"])));
        }
        ensure!(wrong.is_empty(), "{when}:\n{}", wrong.join("\n"));
        for place in ["logs", "control table", "directory table", "ledger table", "decisions table", "queues", "object names"] {
            ensure!(report["searched"][place].as_u64() > Some(0), "nothing was searched in {place}: {}", report["searched"]);
        }
        Ok(())
    }
}

/// An administrator's part: what the organization says of itself. Answers a member and a key.
fn administered(run: &mut Run) -> Result<(String, String)> {
    let administrator = run.organization.administrator.clone();
    let nothing = json!({});
    run.done(&administrator, "change_settings", "", &nothing)?;
    run.done(&administrator, "set_issuer", "planted", &nothing)?;
    let member = run.made(&administrator, "add_member", None, "member_id")?;
    run.done(&administrator, "change_member", &member, &nothing)?;
    let key = run.made(&administrator, "create_key", None, "key_id")?;
    run.done(&administrator, "preview_map", "", &nothing)?;
    run.done(&administrator, "publish_map", "", &nothing)?;
    Ok((member, key))
}

/// What somebody outside asks, who is asked, and what they say.
fn reviewed(run: &mut Run) -> Result<()> {
    let (administrator, reviewer) = (run.organization.administrator.clone(), run.organization.reviewer.clone());
    let service = run.organization.service.clone();
    let nothing = json!({});
    let number = |answer: Value| answer["id"].as_u64().map(|id| id.to_string()).with_context(|| answer.to_string());
    let team = number(run.call(&administrator, "add_team", "", None, &nothing)?.ok()?)?;
    run.done(&administrator, "change_team", &team, &nothing)?;
    let named = json!({ "assign_to_team_id": team.parse::<u64>()? });
    let rule = number(run.call(&administrator, "add_routing_rule", "", None, &named)?.ok()?)?;
    run.done(&administrator, "change_routing_rule", &rule, &nothing)?;
    run.done(&administrator, "try_routing_rules", "", &nothing)?;
    for decided in ["decide_review", "post_review_decision"] {
        let review = number(run.call(&service, "request_review", "", None, &nothing)?.ok()?)?;
        run.done(&reviewer, decided, &review, &nothing)?;
        if decided == "decide_review" {
            run.done(&service, "give_review_feedback", &review, &nothing)?;
        }
    }
    Ok(())
}

#[test]
fn p7_p10_nothing_that_anybody_wrote_anywhere_stands_where_it_could_be_read() -> Result<()> {
    let organization = Organization::create(5)?;
    let (officer, reviewer) = (organization.officer.clone(), organization.reviewer.clone());
    let (auditor, administrator) = (organization.auditor.clone(), organization.administrator.clone());
    let mut run = Run { description: Description::read()?, organization, bodies: bodies(), words: vec![] };
    let nothing = json!({});
    let (member, key) = administered(&mut run)?;

    reviewed(&mut run)?;
    run.done(&officer, "discover_data", "", &nothing)?;
    let hold = run.made(&officer, "place_legal_hold", None, "hold_id")?;
    resolved_hold(&officer, &hold)?;

    let (erased, exported) = (Customer::plant()?, Customer::plant()?);
    let erasure = run.made(&officer, "submit_erasure_request", Some(&erased), "request_id")?;
    let unverified = run.made(&officer, "submit_erasure_request", None, "request_id")?;
    let rejected = run.made(&officer, "submit_erasure_request", None, "request_id")?;
    for operation in ["verify_erasure_request", "extend_erasure_request", "cancel_erasure_request"] {
        run.done(&officer, operation, &unverified, &nothing)?;
    }
    let job = run.job(&erasure);
    job.wait_for("in_review")?;
    let acknowledged = json!({ "acknowledged": job.detail()?["to_acknowledge"] });
    run.done(&reviewer, "execute_erasure_request", &erasure, &acknowledged)?;
    run.job(&rejected).wait_for("in_review")?;
    run.done(&reviewer, "reject_erasure_request", &rejected, &nothing)?;

    let export = run.made(&officer, "submit_export_request", Some(&exported), "request_id")?;
    let unverified = run.made(&officer, "submit_export_request", None, "request_id")?;
    let rejected = run.made(&officer, "submit_export_request", None, "request_id")?;
    for operation in ["verify_export_request", "cancel_export_request"] {
        run.done(&officer, operation, &unverified, &nothing)?;
    }
    let of = |id: &str, run: &Run| Export { organization: run.organization.clone(), id: id.to_owned() };
    let planned = of(&export, &run).wait_for("in_review")?;
    let acknowledged = json!({ "acknowledged": planned["to_acknowledge"] });
    run.done(&reviewer, "execute_export_request", &export, &acknowledged)?;
    of(&rejected, &run).wait_for("in_review")?;
    run.done(&reviewer, "reject_export_request", &rejected, &nothing)?;
    of(&export, &run).wait_for("available")?;
    run.done(&officer, "open_export", &export, &nothing)?;
    run.search("while an export can be opened")?;
    run.done(&administrator, "register_saved_query", "", &nothing)?;

    for (operation, asked) in QUERIES {
        let api = if operation == "query_audit_log" { &auditor } else { &officer };
        run.ask(api, operation, asked, &erasure)?;
    }
    for (api, operation) in [(&auditor, "search_audit_log"), (&officer, "search_legal_holds")] {
        run.done(api, operation, "", &nothing)?;
        run.call(api, operation, "", None, &nothing)?.refused(400, "invalid_cursor")?;
    }
    job.until(|status| Ok(status["finished_at"].is_string() || status["phase"] == "in_review"))?;
    for (operation, method, path, _) in described(&run.description) {
        let sent = Field::new(&operation, "header.Idempotency-Key");
        if method == "POST" && run.words.iter().all(|(field, _)| *field != sent) {
            let id = match path.as_str() {
                p if p.contains("/export-requests/") => &export,
                p if p.contains("/keys/") => &key,
                p if p.contains("/members/") => &member,
                _ => &erasure,
            };
            let answer = run.call(&administrator, &operation, id, None, &nothing)?;
            ensure!(answer.status < 500, "{operation}: {} {}", answer.status, answer.text);
        }
    }
    officer.delete(&format!("{}/{hold}", oubli_tests::HOLDS))?.ok()?;
    job.sealed_log("request_approved")?;
    run.search("at the end")?;

    let planted: BTreeSet<Field> = run.words.iter().map(|(field, _)| field.clone()).collect();
    let unsent: Vec<String> = run.description.free_texts()?.difference(&planted).map(ToString::to_string).collect();
    ensure!(unsent.is_empty() && run.bodies.is_empty(), "nothing was sent in\n{}\n{:?}", unsent.join("\n"), run.bodies);
    Ok(())
}

/// Operations, by themselves.
fn described(description: &Description) -> Vec<(String, String, String, Value)> {
    description.operations().into_iter().map(|(id, method, path, operation)| (id, method, path, operation.clone())).collect()
}

//! Who may do what, and what another organization can see: nothing.

use anyhow::{Context, Result, ensure};
use oubli_tests::{
    AUDIT, Api, Customer, DISCOVERY, EXPORTS, HOLDS, Job, Organization, QUERIES, REQUESTS, full_erasure, python, unique,
    verification,
};
use serde_json::{Value, json};

const ISSUERS: &str = "/v1/organization/issuers";
const TEAMS: &str = "/v1/organization/teams";

/// A request, a hold and a discovery of the demo organization.
struct Things {
    job: Job,
    hold: String,
    discovery: String,
    export: String,
    query: String,
    member: String,
    key: String,
    issuer: String,
    review: String,
    team: String,
    rule: String,
}

impl Things {
    /// What would be in the way of other tests.
    fn remove(&self, demo: &Organization) -> Result<()> {
        demo.administrator.delete(&format!("{QUERIES}/{}", self.query))?.ok()?;
        demo.administrator.delete(&format!("{ISSUERS}/{}", self.issuer))?.ok()?;
        demo.administrator.delete(&format!("/routing-rules/{}", self.rule))?.ok()?;
        demo.administrator.delete(&format!("{TEAMS}/{}", self.team))?.ok()?;
        demo.officer.delete(&format!("{HOLDS}/{}", self.hold))?.ok().map(drop)
    }
}

fn things(demo: &Organization) -> Result<Things> {
    let subject = format!("cust-{}", unique());
    let text = |value: &Value, name: &str| value[name].as_str().map(ToOwned::to_owned).with_context(|| value.to_string());
    let job = Job::in_review(demo, &full_erasure(&subject))?;
    let about = json!({ "subject_id": subject, "categories": ["profile"], "reason": "Dispute" });
    let hold = text(&demo.officer.post(HOLDS, &about)?.ok()?, "hold_id")?;
    let discovery = text(&demo.officer.post(DISCOVERY, &json!({ "subject_id": subject }))?.ok()?, "discovery_id")?;
    let export = text(&demo.officer.post(EXPORTS, &json!({ "subject_id": subject }))?.ok()?, "request_id")?;
    let query = format!("query-{}", unique());
    let statement = "SELECT name FROM \"shop-profiles\" WHERE customer_id = ?";
    let body = json!({
        "short_name": query, "category": "profile", "store": "shop", "statement": statement, "parameters": ["subject_id"],
    });
    demo.administrator.post(QUERIES, &body)?.ok()?;
    let first = |list: &str, id: &str| {
        let all = demo.administrator.get(&format!("/v1/organization/{list}"))?.ok()?;
        text(&all[list][0], id)
    };
    let (member, key) = (first("members", "member_id")?, first("keys", "key_id")?);
    let issuer = format!("issuer-{}", unique());
    let taken = json!({ "issuer": format!("https://{issuer}.example"), "audiences": ["oubli"], "algorithms": ["RS256"] });
    demo.administrator.call("PUT", &format!("{ISSUERS}/{issuer}"), Some(&taken.to_string()), &[])?.ok()?;
    let number = |answer: &Value| answer["id"].as_u64().map(|id| id.to_string()).with_context(|| answer.to_string());
    let asked = json!({ "task_type": "access", "proposed_action": "Look at it" });
    let review = number(&demo.service.post("/reviews", &asked)?.ok()?)?;
    let team = number(&demo.administrator.post(TEAMS, &json!({ "name": format!("Team {}", unique()) }))?.ok()?)?;
    let rule = json!({ "name": "For nothing", "conditions": { "task_type": unique() }, "assign_to_team_id": 1 });
    let rule = number(&demo.administrator.post("/routing-rules", &rule)?.ok()?)?;
    Ok(Things { job, hold, discovery, export, query, member, key, issuer, review, team, rule })
}

/// Every operation about one thing, as the API itself describes them, with the id of one that exists.
fn operations(things: &Things) -> Result<Vec<(String, String)>> {
    let document = Api::new(None)?.get("/openapi.json")?.ok()?;
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().context("no paths")? {
        let id = match path {
            p if p.starts_with(&format!("{REQUESTS}/{{")) => &things.job.id,
            p if p.starts_with(&format!("{HOLDS}/{{")) => &things.hold,
            p if p.starts_with(&format!("{DISCOVERY}/{{")) => &things.discovery,
            p if p.starts_with(&format!("{EXPORTS}/{{")) => &things.export,
            p if p.starts_with(&format!("{QUERIES}/{{")) => &things.query,
            p if p.starts_with("/v1/organization/members/{") => &things.member,
            p if p.starts_with("/v1/organization/keys/{") => &things.key,
            p if p.starts_with("/v1/organization/issuers/{") => &things.issuer,
            p if p.starts_with("/v1/organization/teams/{") => &things.team,
            p if p.starts_with("/reviews/{") => &things.review,
            p if p.starts_with("/routing-rules/{") => &things.rule,
            // Reports exist by themselves only where counting takes long.
            p if p.starts_with("/v1/compliance/reports/{") => "rep_00000000000000000000000000000001",
            p => {
                ensure!(!p.contains('{'), "this test knows no id for {p}");
                continue;
            }
        };
        let methods = methods.as_object().context("no methods")?.keys();
        found.extend(methods.map(|m| (m.to_uppercase(), path.replace("{id}", id))));
    }
    ensure!(found.len() >= 12, "only {found:?}");
    Ok(found)
}

fn good_body(path: &str) -> Value {
    match path.rsplit('/').next().unwrap_or_default() {
        "verify" => verification(),
        "extend" => json!({ "reasons": "Complex" }),
        "reject" => json!({ "reason": "No" }),
        "decide" | "decision" => json!({ "decision_type": "approve" }),
        "feedback" => json!({ "rating": 3 }),
        _ => json!({}),
    }
}

#[test]
fn p8_another_organization_finds_nothing() -> Result<()> {
    let demo = Organization::demo()?;
    let things = things(&demo)?;
    let other = Organization::other()?;
    // What is put at a name is the caller's own.
    for (method, path) in operations(&things)?.into_iter().filter(|(method, _)| method != "PUT") {
        let bodies =
            if method == "POST" || method == "PATCH" { vec![Some(good_body(&path)), Some(json!({}))] } else { vec![None] };
        for body in bodies {
            let answer = other.call(&method, &path, body.map(|b| b.to_string()).as_deref(), &[])?;
            answer.refused(404, "not_found").with_context(|| format!("{method} {path}"))?;
        }
    }
    for (path, list, ids) in [(REQUESTS, "requests", "request_id"), (HOLDS, "holds", "hold_id"), (AUDIT, "entries", "request_id")]
    {
        let (seen, _) = other.all(path, list, 100)?;
        ensure!(seen.iter().all(|s| s[ids] != things.job.id.as_str() && s[ids] != things.hold.as_str()), "{path}");
        other.get(&format!("{path}?organization_id=demo"))?.refused(404, "not_found")?;
    }
    ensure!(other.all(&format!("{AUDIT}?request_id={}", things.job.id), "entries", 10)?.0.is_empty());
    for path in [REQUESTS, EXPORTS, HOLDS, DISCOVERY] {
        other.post(path, &json!({ "organization_id": "demo" }))?.refused(404, "not_found")?;
    }
    let mut own = full_erasure(&format!("cust-{}", unique()));
    own["organization_id"] = json!("demo");
    demo.officer.post(REQUESTS, &own)?.ok()?;

    assert_eq!(things.job.status()?["phase"], "in_review");
    things.remove(&demo)
}

#[test]
fn without_a_valid_key_nothing_is_answered() -> Result<()> {
    let demo = Organization::demo()?;
    let things = things(&demo)?;
    let wrong = format!("{}x", oubli_tests::variable("OUBLI_ADMIN_KEY")?);
    let mut all = operations(&things)?;
    for path in [REQUESTS, HOLDS] {
        all.extend([("GET".to_owned(), path.to_owned()), ("POST".to_owned(), path.to_owned())]);
    }
    all.extend([("GET".to_owned(), AUDIT.to_owned()), ("POST".to_owned(), DISCOVERY.to_owned())]);
    for key in [None, Some(""), Some("nonsense"), Some(wrong.as_str())] {
        let anybody = Api::new(key)?;
        for (method, path) in &all {
            let body = (method == "POST").then(|| good_body(path).to_string());
            anybody.call(method, path, body.as_deref(), &[])?.refused(401, "unauthenticated")?;
        }
    }
    things.remove(&demo)
}

#[test]
fn each_role_does_its_own_work_and_no_other() -> Result<()> {
    let demo = Organization::demo()?;
    let things = things(&demo)?;
    let subject = json!({ "subject_id": format!("cust-{}", unique()) });
    let act = |path: &str| (things.job.path(path), good_body(path));
    let submit = || (REQUESTS.to_owned(), full_erasure(&format!("cust-{}", unique())));
    let opening = |end: &str| (format!("{EXPORTS}/{}{end}", things.export), json!({}));
    let hold = || (HOLDS.to_owned(), json!({ "subject_id": subject["subject_id"], "reason": "Dispute" }));
    let discover = || (DISCOVERY.to_owned(), subject.clone());
    let refused = [
        ("auditor", &demo.auditor, vec![submit(), hold(), discover()]),
        (
            "auditor",
            &demo.auditor,
            ["/execute", "/reject", "/cancel", "/restore", "/verify", "/extend", "/retry"].map(act).into(),
        ),
        ("auditor", &demo.auditor, vec![opening("/access"), opening("/revoke")]),
        ("reviewer", &demo.reviewer, vec![opening("/access"), opening("/revoke"), opening("/cancel")]),
        ("service", &demo.service, vec![opening("/access"), opening("/revoke")]),
        ("reviewer", &demo.reviewer, vec![submit(), hold()]),
        ("reviewer", &demo.reviewer, ["/cancel", "/restore", "/verify", "/extend", "/retry"].map(act).into()),
        ("officer", &demo.officer, ["/execute", "/reject"].map(act).into()),
        ("service", &demo.service, vec![hold()]),
        ("service", &demo.service, ["/execute", "/reject", "/cancel", "/restore", "/extend", "/retry"].map(act).into()),
    ];
    for (role, api, calls) in refused {
        for (path, body) in calls {
            api.post(&path, &body)?.refused(403, "forbidden").with_context(|| format!("{role} {path}"))?;
            // Nor do they learn what would be wrong with their input.
            let wrong = json!({ "organization_id": "demo" });
            api.post(&path, &wrong)?.refused(403, "forbidden").with_context(|| format!("{role} {path}, bad input"))?;
        }
    }
    demo.reviewer.get(AUDIT)?.refused(403, "forbidden")?;
    demo.service.get(AUDIT)?.refused(403, "forbidden")?;
    demo.service.get(HOLDS)?.refused(403, "forbidden")?;
    demo.auditor.get(&things.job.path(""))?.ok()?;
    demo.service.get(&things.job.path("/status"))?.ok()?;
    assert_eq!(things.job.status()?["phase"], "in_review");
    things.remove(&demo)
}

#[test]
fn p1_whoever_submitted_it_cannot_decide_it() -> Result<()> {
    let demo = Organization::demo()?;
    let own = Organization { officer: demo.administrator.clone(), reviewer: demo.administrator.clone(), ..demo.clone() };
    let job = Job::in_review(&own, &full_erasure(&format!("cust-{}", unique())))?;
    job.execute(&json!({ "approved_by": "Somebody Else" }))?.refused(403, "own_request")?;
    assert_eq!(job.status()?["phase"], "in_review");
    demo.reviewer.post(&job.path("/execute"), &json!({}))?.ok().map(drop)
}

#[test]
fn p1_a_request_written_as_hiding_without_a_decision_hides_nothing() -> Result<()> {
    let demo = Organization::demo()?;
    let customer = Customer::plant()?;
    let before = customer.look()?;
    let job = Job::in_review(&demo, &full_erasure(&customer.id))?;
    let forged: Value = serde_json::from_str(&python("forge.py", &["demo", &job.id])?)?;
    if oubli_tests::variable("OUBLI_ROLES_ENFORCED").is_ok_and(|on| on == "true") {
        ensure!(forged["decisions"] == "AccessDeniedException", "intake may write decisions: {forged}");
    }
    let failed = job.until(|status| Ok(status["phase"] == "failed"))?;
    ensure!(failed["failure"]["code"] == "decision_missing", "{failed}");
    ensure!(customer.look()? == before, "something was taken from the stores");
    Ok(())
}

//! Tokens of an OpenID provider instead of API keys: a provider on this machine, and the deployed functions.

use anyhow::{Context, Result, ensure};
use oubli_tests::{AUDIT, Api, DISCOVERY, EXPORTS, Issuer, Job, Organization, REQUESTS, full_erasure, oubli, text, unique};
use serde_json::{Value, json};

const ME: &str = "/v1/organization/me";
const REPORTS: &str = "/v1/compliance/reports";
const AUDIENCE: &str = "oubli";

/// An organization that takes a provider's tokens, with roles by groups.
struct Taking {
    organization: Organization,
    issuer: Issuer,
}

impl Taking {
    fn new(more: &[&str]) -> Result<Self> {
        let (organization, issuer) = (Organization::create(5)?, Issuer::start()?);
        let set = ["organization", "issuer", "set", "login", "--issuer", &issuer.url, "--audience", AUDIENCE];
        let roles = ["--role-claim", "groups", "--role", "dpo=privacy_officer", "--role", "review=reviewer"];
        oubli(&organization.key, &[&set[..], &roles, more].concat())?.succeeded()?;
        Ok(Self { organization, issuer })
    }

    /// A member whom the provider means, and what it calls them.
    fn member(&self, name: &str, roles: &str, groups: &[&str]) -> Result<(String, String)> {
        let called = format!("{name}-{}", unique());
        self.issuer.knows(&called, &json!({ "groups": groups }), 300)?;
        let (email, subject) = (format!("{called}@e2e.example"), format!("issuer={},subject={called}", self.issuer.url));
        let add = ["member", "add", "--name", name, "--email", &email, "--role", roles, "--oidc-subject", &subject, "--json"];
        let added: Value = serde_json::from_str(&oubli(&self.organization.key, &add)?.succeeded()?)?;
        Ok((text(&added, "member_id")?.to_owned(), called))
    }

    fn token(&self, called: &str) -> Result<String> {
        self.issuer.token(called, AUDIENCE)
    }
}

#[test]
fn p1_whoever_asked_with_a_key_does_not_approve_with_a_token() -> Result<()> {
    let taking = Taking::new(&[])?;
    let (ada, called) = taking.member("ada", "privacy_officer,reviewer", &["dpo", "review"])?;
    let create = ["key", "create", "--name", "laptop", "--member", &ada, "--json"];
    let made: Value = serde_json::from_str(&oubli(&taking.organization.key, &create)?.succeeded()?)?;
    let token = Api::new(Some(&taking.token(&called)?))?;
    let key = Api::new(Some(text(&made, "key")?))?;
    let (by_token, by_key) = (token.get(ME)?.ok()?, key.get(ME)?.ok()?);
    ensure!(by_token == by_key && by_token["member_id"] == ada.as_str(), "{by_token} {by_key}");

    let own = Organization { officer: key, reviewer: token, ..taking.organization.clone() };
    let job = Job::in_review(&own, &full_erasure(&format!("cust-{}", unique())))?;
    job.execute(&json!({}))?.refused(403, "own_request")?;
    let (_, other) = taking.member("rita", "reviewer", &["review"])?;
    let other = Organization { reviewer: Api::new(Some(&taking.token(&other)?))?, ..own };
    Job { organization: other, ..job }.execute(&json!({}))?.ok().map(drop)
}

#[test]
fn p8_every_function_takes_a_token_and_none_a_wrong_one() -> Result<()> {
    let taking = Taking::new(&[])?;
    let (_, ada) = taking.member("ada", "privacy_officer,reviewer", &["dpo"])?;
    let good = taking.token(&ada)?;
    let nothing = "req_00000000000000000000000000000001";
    let period = json!({ "start_date": "2026-01-01", "end_date": "2026-12-31" });
    let calls = [
        ("GET", REQUESTS.to_owned(), None, 200),
        ("POST", format!("{REQUESTS}/{nothing}/execute"), Some(json!({})), 403),
        ("GET", format!("{DISCOVERY}/disc_00000000000000000000000000000001"), None, 404),
        ("POST", REPORTS.to_owned(), Some(json!({ "type": "gdpr_erasure", "format": "json", "period": period })), 200),
        ("POST", format!("{EXPORTS}/{nothing}/access"), Some(json!({})), 404),
    ];
    let call = |token: &str, method: &str, path: &str, body: &Option<Value>| {
        Api::new(Some(token))?.call(method, path, body.as_ref().map(Value::to_string).as_deref(), &[])
    };
    for (method, path, body, status) in &calls {
        let answer = call(&good, method, path, body)?;
        ensure!(answer.status == *status, "{method} {path}: {} {}", answer.status, answer.text);
    }

    let late = format!("late-{}", unique());
    taking.issuer.knows(&late, &json!({ "groups": ["dpo"] }), -3_600)?;
    let stranger = Issuer::start()?;
    stranger.knows(&ada, &json!({ "groups": ["dpo"] }), 300)?;
    let forged = |kind: &str| taking.issuer.forged(kind, &good);
    let wrong = [
        ("none", forged("none")?),
        ("HS256 with the public key", forged("hs256")?),
        ("a key that is not there", forged("unknown_key")?),
        ("another key", forged("other_key")?),
        ("expired", taking.issuer.token(&late, AUDIENCE)?),
        ("another audience", taking.issuer.token(&ada, "somebody-else")?),
        ("another issuer", stranger.token(&ada, AUDIENCE)?),
    ];
    for (method, path, body, _) in &calls {
        let unknown = call("oubli_00000000000000000000000000000001_00", method, path, body)?;
        unknown.refused(401, "unauthenticated")?;
        for (what, token) in &wrong {
            let refused = call(token, method, path, body)?;
            refused.refused(401, "unauthenticated").with_context(|| format!("{what}: {method} {path}"))?;
            ensure!(refused.text == unknown.text, "{what} is told apart: {} {}", refused.text, unknown.text);
        }
    }
    let before = taking.issuer.keys_fetched()?;
    for _ in 0..40 {
        call(&good, "GET", REQUESTS, &None)?.ok()?;
    }
    let fetched = taking.issuer.keys_fetched()? - before;
    ensure!(fetched < 20, "40 calls asked {fetched} times for keys");

    oubli(&taking.organization.key, &["organization", "issuer", "remove", "login"])?.succeeded()?;
    call(&good, "GET", REQUESTS, &None)?.refused(401, "unauthenticated").map(drop)
}

#[test]
fn p7_whoever_an_issuer_vouches_for_becomes_a_member_and_the_log_says_so() -> Result<()> {
    let taking = Taking::new(&["--create-members"])?;
    let called = format!("bo-{}", unique());
    let email = format!("{called}@e2e.example");
    taking.issuer.knows(&called, &json!({ "groups": ["dpo"], "email": email, "name": "Bo" }), 300)?;
    let token = taking.token(&called)?;
    let bo = Api::new(Some(&token))?;
    bo.get(REQUESTS)?.refused(403, "unknown_member")?;
    let me: Value = serde_json::from_str(&oubli(&token, &["member", "me", "--json"])?.succeeded()?)?;
    ensure!(me["name"] == "Bo" && me["roles"] == json!(["privacy_officer"]), "{me}");
    bo.get(REQUESTS)?.ok()?;
    let path = format!("{AUDIT}?event_type=member_added");
    let (entries, _) = taking.organization.auditor.all(&path, "entries", 100)?;
    let told: Vec<&Value> = entries.iter().filter(|entry| entry["details"]["by"] == "issuer").collect();
    ensure!(told.len() == 1 && told[0]["details"]["member"] == me["member_id"], "{entries:?}");
    ensure!(!told[0].to_string().contains(&called), "the log names somebody: {}", told[0]);

    let change = ["member", "change", text(&me, "member_id")?, "--active", "false"];
    oubli(&taking.organization.key, &change)?.succeeded()?;
    bo.get(ME)?.refused(401, "unauthenticated").map(drop)
}

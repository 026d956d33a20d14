//! Calls with a token of an issuer instead of an API key.

mod support;

use axum::http::header;
use oubli_simulation::SimIssuers;
use serde_json::{Value, json};
use support::{Answer, Deployment};

const LOGIN: &str = "https://login.acme.example";
const ISSUER: &str = "/v1/organization/issuers/login";
const ISSUERS: &str = "/v1/organization/issuers";
const MEMBERS: &str = "/v1/organization/members";
const ME: &str = "/v1/organization/me";
const REQUESTS: &str = "/v1/compliance/erasure-requests";

/// 2 November 2026, 10:00 UTC: it is then in a deployment.
const NOW: i64 = 1_793_613_600;

fn taken(other: &Value) -> Value {
    with(json!({ "issuer": LOGIN, "audiences": ["oubli"], "algorithms": ["EdDSA"] }), other)
}

fn claims(other: &Value) -> Value {
    with(json!({ "iss": LOGIN, "aud": "oubli", "sub": "ada", "iat": NOW, "exp": NOW + 300 }), other)
}

fn with(mut all: Value, other: &Value) -> Value {
    for (name, value) in other.as_object().expect("an object") {
        all[name] = value.clone();
    }
    all
}

fn token(other: &Value) -> String {
    SimIssuers::token(LOGIN, &claims(other))
}

/// A deployment that takes tokens, and whose member `ada` they mean.
async fn taking(other: &Value) -> (Deployment, String) {
    let shop = Deployment::new().await;
    let set = shop.call("administrator", "PUT", ISSUER, &taken(other)).await;
    assert_eq!(set.status, 200, "{}", set.body);
    let body = json!({
        "name": "Ada", "email": "ada@shop.example", "roles": ["privacy_officer", "auditor"],
        "oidc_subjects": [{ "issuer": LOGIN, "subject": "ada" }],
    });
    let added = shop.call("administrator", "POST", MEMBERS, &body).await;
    assert_eq!(added.status, 201, "{}", added.body);
    let member = added.text("member_id");
    (shop, member)
}

async fn get(shop: &Deployment, credential: &str, path: &str) -> Answer {
    shop.call_as(credential, "GET", path, &Value::Null, None).await
}

#[tokio::test]
async fn a_token_acts_as_the_member_whom_it_means_and_so_does_their_key() {
    let (shop, member) = taking(&json!({})).await;
    let by_token = get(&shop, &token(&json!({})), ME).await;
    assert_eq!(by_token.status, 200, "{}", by_token.body);
    assert_eq!((by_token.text("member_id"), by_token.text("name")), (member.clone(), "Ada".to_owned()));
    assert_eq!(by_token.body["roles"], json!(["privacy_officer", "auditor"]));
    let made = json!({ "name": "laptop", "member_id": member });
    let key = shop.call("administrator", "POST", "/v1/organization/keys", &made).await.text("key");
    assert_eq!(get(&shop, &key, ME).await.body, by_token.body);
    let service = get(&shop, shop.key("service"), ME).await;
    assert_eq!((&service.body["member_id"], &service.body["roles"]), (&Value::Null, &json!(["service"])), "{}", service.body);

    // What was done with the one is answered again to the other: it is the same person's.
    let body = json!({
        "subject_id": "cust-00042", "request_type": "full_erasure", "reason": "consent_withdrawn",
        "verification": { "method": "email_link", "verified_at": "2026-11-02T09:30:00Z" },
    });
    let first = shop.call_as(&key, "POST", REQUESTS, &body, Some("once")).await;
    assert_eq!(first.status, 201, "{}", first.body);
    let again = shop.call_as(&token(&json!({ "jti": "another" })), "POST", REQUESTS, &body, Some("once")).await;
    assert_eq!((again.status, &again.body), (first.status, &first.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let elsewhere = shop.call_with("officer", "POST", REQUESTS, &body, Some("once")).await;
    assert_ne!(elsewhere.body["request_id"], first.body["request_id"], "another member's key is another");
}

#[tokio::test]
async fn every_refusal_of_a_token_says_what_that_of_a_key_says() {
    let (shop, _) = taking(&json!({})).await;
    let unknown = get(&shop, "oubli_00000000000000000000000000000001_00", ME).await;
    assert_eq!(unknown.outcome(), (401, "unauthenticated"));
    let header = |header: Value| SimIssuers::signed(LOGIN, &header, &claims(&json!({})));
    let good = token(&json!({}));
    let unsigned = good.rsplit_once('.').expect("a token").0;
    for (what, credential) in [
        ("none", format!("{}.", header(json!({ "alg": "none" })).rsplit_once('.').expect("a token").0)),
        ("none with a signature", header(json!({ "alg": "none", "kid": "k1" }))),
        ("HS256", header(json!({ "alg": "HS256", "kid": "k1" }))),
        ("RS256", header(json!({ "alg": "RS256", "kid": "k1" }))),
        ("no such key", header(json!({ "alg": "EdDSA", "kid": "k2" }))),
        ("crit", header(json!({ "alg": "EdDSA", "kid": "k1", "crit": ["x"] }))),
        ("another signer", SimIssuers::token("https://other.example", &claims(&json!({})))),
        ("another issuer", SimIssuers::token("https://other.example", &claims(&json!({ "iss": "https://other.example" })))),
        ("another audience", token(&json!({ "aud": "somebody" }))),
        ("over", token(&json!({ "exp": NOW - 31 }))),
        ("without an end", token(&json!({ "exp": null }))),
        ("not yet", token(&json!({ "nbf": NOW + 60 }))),
        ("of the future", token(&json!({ "iat": NOW + 60 }))),
        ("bound to its sender", token(&json!({ "cnf": { "jkt": "x" } }))),
        ("without a signature", format!("{unsigned}.")),
        ("of two parts", unsigned.to_owned()),
        ("longer than is read", token(&json!({ "more": "a".repeat(8_192) }))),
        ("nonsense", "a.b.c".to_owned()),
    ] {
        let refused = get(&shop, &credential, ME).await;
        assert_eq!((refused.status, &refused.body), (unknown.status, &unknown.body), "{what}");
        assert_eq!(refused.headers[header::WWW_AUTHENTICATE], "Bearer", "{what}");
    }
    assert_eq!(get(&shop, &good, ME).await.status, 200);
}

#[tokio::test]
async fn whom_a_token_means_has_to_be_a_member_and_is_told_so() {
    let (shop, member) = taking(&json!({})).await;
    let eve = token(&json!({ "sub": "eve" }));
    let refused = get(&shop, &eve, REQUESTS).await;
    assert_eq!(refused.outcome(), (403, "unknown_member"));
    assert!(refused.text("remedy").contains("administrator"), "{}", refused.body);
    let path = format!("{MEMBERS}/{member}");
    let known = json!({ "oidc_subjects": [{ "issuer": LOGIN, "subject": "ada" }, { "issuer": LOGIN, "subject": "eve" }] });
    let changed = shop.call("administrator", "PATCH", &path, &known).await;
    assert_eq!(
        changed.body["oidc_subjects"][1],
        json!({ "issuer": LOGIN, "claim": "sub", "subject": "eve" }),
        "{}",
        changed.body
    );
    assert_eq!(get(&shop, &eve, REQUESTS).await.status, 200);
    let unknown = json!({ "oidc_subjects": [{ "issuer": "https://other.example", "subject": "ada" }] });
    let refused = shop.call("administrator", "PATCH", &path, &unknown).await;
    assert_eq!(refused.outcome(), (400, "invalid_value"));
    assert_eq!(refused.body["errors"][0]["field"], "oidc_subjects[0].issuer");
    let other = shop.call("administrator", "GET", MEMBERS, &Value::Null).await;
    let other = other.body["members"].as_array().expect("members").iter().find(|m| m["name"] == "officer").expect("an officer");
    let path = format!("{MEMBERS}/{}", other["member_id"].as_str().expect("an id"));
    let taken = json!({ "oidc_subjects": [{ "issuer": LOGIN, "subject": "eve" }] });
    assert_eq!(shop.call("administrator", "PATCH", &path, &taken).await.outcome(), (409, "oidc_subject_taken"));
}

#[tokio::test]
async fn somebody_becomes_a_member_where_the_directory_is_written_and_nowhere_else() {
    let roles = json!({ "claim": "groups", "values": { "dpo": ["privacy_officer"] } });
    let (shop, _) = taking(&json!({ "roles": roles, "create_members": true })).await;
    let bo = token(&json!({ "sub": "bo", "groups": ["dpo"], "email": "bo@shop.example", "name": "Bo" }));
    let refused = get(&shop, &bo, REQUESTS).await;
    assert_eq!(refused.outcome(), (403, "unknown_member"));
    assert!(refused.text("remedy").contains(ME), "{}", refused.body);
    let admitted = get(&shop, &bo, ME).await;
    assert_eq!((admitted.status.as_u16(), &admitted.body["roles"]), (200, &json!(["privacy_officer"])), "{}", admitted.body);
    assert_eq!(get(&shop, &bo, REQUESTS).await.status, 200);
    let narrowed = token(&json!({ "groups": ["dpo"] }));
    assert_eq!(get(&shop, &narrowed, ME).await.body["roles"], json!(["privacy_officer"]), "of two that the member has");
    assert_eq!(get(&shop, &narrowed, "/v1/compliance/audit-log").await.status, 200, "an officer reads the log");
    assert_eq!(get(&shop, &narrowed, MEMBERS).await.outcome(), (403, "forbidden"), "which an auditor may");
}

#[tokio::test]
async fn an_issuer_is_set_shown_and_removed() {
    let shop = Deployment::new().await;
    let roles = json!({ "claim": "groups", "values": { "dpo": ["privacy_officer", "reviewer"] } });
    let set = shop.call("administrator", "PUT", ISSUER, &taken(&json!({ "roles": roles }))).await;
    assert_eq!(set.status, 200, "{}", set.body);
    for (field, value) in [
        ("name", json!("login")),
        ("issuer", json!(LOGIN)),
        ("audiences", json!(["oubli"])),
        ("algorithms", json!(["EdDSA"])),
        ("jwks_uri", Value::Null),
        ("subject_claim", json!("sub")),
        ("roles", roles),
        ("teams", Value::Null),
        ("clock_skew_seconds", json!(30)),
        ("create_members", json!(false)),
        ("last_used_at", Value::Null),
    ] {
        assert_eq!(set.body[field], value, "{field}");
    }
    let listed = shop.call("auditor", "GET", ISSUERS, &Value::Null).await;
    assert_eq!(listed.body["issuers"], json!([set.body]));
    let theirs = shop.call("stranger", "PUT", ISSUER, &taken(&json!({}))).await;
    assert_eq!(theirs.outcome(), (409, "issuer_claimed"), "its audience is taken, and the name is everybody's own");
    assert_eq!(shop.call("stranger", "DELETE", ISSUER, &Value::Null).await.outcome(), (404, "not_found"));
    let removed = shop.call("administrator", "DELETE", ISSUER, &Value::Null).await;
    assert_eq!(removed.body, json!({ "name": "login", "removed": true }));
    assert_eq!(shop.call("administrator", "DELETE", ISSUER, &Value::Null).await.outcome(), (404, "not_found"));
    assert_eq!(get(&shop, &token(&json!({})), ME).await.outcome(), (401, "unauthenticated"));
}

#[tokio::test]
async fn what_is_wrong_with_an_issuer_is_named() {
    let shop = Deployment::new().await;
    let of = |claim: &str, values: Value| json!({ "claim": claim, "values": values });
    for (other, field) in [
        (json!({ "issuer": null }), "issuer"),
        (json!({ "issuer": "login.acme.example" }), "issuer"),
        (json!({ "issuer": "http://login.acme.example" }), "issuer"),
        (json!({ "issuer": "https://LOGIN.acme.example" }), "issuer"),
        (json!({ "issuer": "https://login.acme.example?a=b" }), "issuer"),
        (json!({ "issuer": "http://127.0.0.1:9400" }), "issuer"),
        (json!({ "audiences": null }), "audiences"),
        (json!({ "audiences": [] }), "audiences"),
        (json!({ "algorithms": null }), "algorithms"),
        (json!({ "algorithms": [] }), "algorithms"),
        (json!({ "algorithms": ["RS256", "none"] }), "algorithms[1]"),
        (json!({ "algorithms": ["HS256"] }), "algorithms[0]"),
        (json!({ "jwks_uri": "http://keys.acme.example" }), "jwks_uri"),
        (json!({ "jwks_uri": "http://127.0.0.1:9001/" }), "jwks_uri"),
        (json!({ "subject_claim": "" }), "subject_claim"),
        (json!({ "clock_skew_seconds": 121 }), "clock_skew_seconds"),
        (json!({ "create_members": true }), "create_members"),
        (json!({ "roles": of("groups", json!({ "dpo": ["boss"] })) }), "roles.values"),
        (json!({ "roles": of("groups", json!({ "robots": ["service"] })) }), "roles.values"),
        (json!({ "roles": of("groups", json!({})) }), "roles.values"),
        (json!({ "roles": { "claim": "groups" } }), "roles.values"),
        (json!({ "teams": of("", json!({ "eu": ["EU"] })) }), "teams.claim"),
        (json!({ "nonsense": 1 }), "nonsense"),
    ] {
        let answer = shop.call("administrator", "PUT", ISSUER, &taken(&other)).await;
        assert_eq!(answer.status, 400, "{other}: {}", answer.body);
        assert_eq!(answer.body["errors"][0]["field"], field, "{other}: {}", answer.body);
        assert!(!answer.body["errors"][0]["accepted"].as_str().unwrap_or_default().is_empty(), "{other}");
    }
    let listed = shop.call("administrator", "GET", ISSUERS, &Value::Null).await;
    assert_eq!(listed.body["issuers"], json!([]), "nothing was changed");
}

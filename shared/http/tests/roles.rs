//! Every operation with every role: who may goes on, and nobody else does.

mod support;

use oubli_domain::access::Role;
use serde_json::{Value, json};
use support::{Deployment, ROLES, is_kept};

struct Operation {
    id: String,
    method: String,
    path: String,
    roles: Vec<String>,
}

/// What the description says needs a credential.
fn operations() -> Vec<Operation> {
    let document = serde_json::to_value(oubli_http::openapi()).expect("JSON");
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            if operation["security"] == json!([{}]) {
                continue;
            }
            let id = operation["operationId"].as_str().expect("an id").to_owned();
            let roles = operation["x-roles"].as_array();
            let roles = roles.unwrap_or_else(|| {
                panic!("{id}: nobody said which roles may: name its action in shared/http/src/roles.rs, and in docs/roles.md by OUBLI_UPDATE=1")
            });
            let roles = roles.iter().map(|r| r.as_str().expect("a role").to_owned()).collect();
            all.push(Operation { id, method: method.to_uppercase(), path: path.clone(), roles });
        }
    }
    assert!(all.len() >= 60, "{}", all.len());
    all
}

/// A path to something that there is not, of each kind of id that paths hold.
fn somewhere(path: &str) -> String {
    let id = match path {
        p if p.contains("/members/") => "actor_00000000000000000000000000000001",
        p if p.contains("/keys/") => "00000000000000000000000000000001",
        p if p.contains("/legal-holds/") => "hold_00000000000000000000000000000001",
        p if p.contains("/data-discovery/") => "disc_00000000000000000000000000000001",
        p if p.contains("/reports/") => "rep_00000000000000000000000000000001",
        p if p.contains("/saved-queries/") => "logins",
        p if ["/reviews/", "/routing-rules/", "/teams/"].iter().any(|part| p.contains(part)) => "77",
        _ => "req_00000000000000000000000000000001",
    };
    path.replace("{id}", id)
}

#[tokio::test]
async fn p1_p8_every_operation_is_refused_to_every_role_but_those_that_may() {
    let shop = Deployment::new().await;
    for operation in operations() {
        let path = somewhere(&operation.path);
        for (who, role) in ROLES {
            // Nonsense, too: what is wrong with it is nobody's business who may not do it at all.
            for body in [json!({}), json!({ "nonsense": 1 })] {
                let body = if operation.method == "GET" || operation.method == "DELETE" { Value::Null } else { body };
                let answer = shop.call(who, &operation.method, &path, &body).await;
                let may = operation.roles.iter().any(|r| r == role.name());
                let refused = answer.outcome() == (403, "forbidden");
                let unread = [(400, "unknown_field"), (422, "unknown_field")].contains(&answer.outcome());
                assert!(answer.status.as_u16() != 401 && answer.status.as_u16() < 500, "{} {}", operation.id, answer.body);
                assert!(may != refused || (!may && unread), "{} as {role}: {} {}", operation.id, answer.status, answer.body);
                if refused {
                    let remedy = answer.text("remedy");
                    let named = Role::ALL.into_iter().filter(|r| remedy.contains(r.name())).map(Role::name);
                    assert_eq!(named.collect::<Vec<_>>(), operation.roles, "{}: the refusal says who may", operation.id);
                }
            }
        }
    }
}

#[test]
fn the_table_in_the_documentation_is_what_the_description_says() {
    let mut page = PAGE.to_owned();
    for operation in operations() {
        let marks = Role::ALL.map(|role| if operation.roles.iter().any(|r| r == role.name()) { " yes |" } else { " |" }).concat();
        page.push_str(&format!("| `{} {}` |{marks}\n", operation.method, operation.path));
    }
    is_kept("roles.md", &page);
}

const PAGE: &str = "\
# Roles

Who may call what. A member has one role or several, a key of theirs all of them or some; a machine's key has `service` and
nothing else. Whoever may not is answered 403 `forbidden`, with the roles that may. Exports are opened and revoked by the roles
that the organization's `export_openers` names, these two unless set. This page is written by a test that tries every pair.

| operation | privacy_officer | reviewer | auditor | administrator | service |
|---|---|---|---|---|---|
";

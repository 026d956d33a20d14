//! The description is as strict as the code: what it does not allow is refused, and what it allows is refused only for a reason
//! that it names.

mod support;

use serde_json::{Value, json};
use support::{Answer, Deployment};

const ADMINISTRATOR: &str = "administrator";

/// An operation that takes a body, with a path to something that there is.
struct Operation {
    id: String,
    method: String,
    path: String,
    responses: Value,
    schema: Value,
}

/// A schema without its reference, and without that it can be nothing.
fn resolved(document: &Value, schema: &Value) -> Value {
    if let Some(to) = schema["$ref"].as_str() {
        return resolved(document, document.pointer(to.trim_start_matches('#')).expect("it"));
    }
    match schema["oneOf"].as_array().and_then(|one| one.iter().find(|one| one["type"] != "null")) {
        Some(one) => resolved(document, one),
        None => schema.clone(),
    }
}

fn operations(document: &Value, shop: &Things) -> Vec<Operation> {
    let mut all = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if schema.is_object() {
                all.push(Operation {
                    id: operation["operationId"].as_str().expect("an id").to_owned(),
                    method: method.to_uppercase(),
                    path: shop.somewhere(path),
                    responses: operation["responses"].clone(),
                    schema: resolved(document, schema),
                });
            }
        }
    }
    assert!(all.len() >= 25, "{}", all.len());
    all
}

/// Things that there are, by their ids.
struct Things {
    request: String,
    export: String,
    member: String,
    key: String,
    review: String,
    team: String,
    rule: String,
}

impl Things {
    async fn of(shop: &Deployment) -> Self {
        let verification = json!({ "method": "email_link", "verified_at": "2026-11-02T09:30:00Z" });
        let request = json!({
            "subject_id": "cust-00042", "request_type": "full_erasure", "reason": "consent_withdrawn", "verification": verification,
        });
        let export = json!({ "subject_id": "cust-00042" });
        let request = shop.call("officer", "POST", "/v1/compliance/erasure-requests", &request).await.text("request_id");
        let export = shop.call("officer", "POST", "/v1/compliance/export-requests", &export).await.text("request_id");
        shop.work().await;
        let member = json!({ "name": "Nadia New", "email": "nadia@shop.example", "roles": ["auditor"] });
        let member = shop.call(ADMINISTRATOR, "POST", "/v1/organization/members", &member).await.text("member_id");
        let key = shop.call(ADMINISTRATOR, "POST", "/v1/organization/keys", &json!({ "name": "Till" })).await.text("key_id");
        let review = json!({ "task_type": "deploy", "proposed_action": "Deploy it" });
        let review = shop.call("service", "POST", "/reviews", &review).await.body["id"].to_string();
        let team = shop.call(ADMINISTRATOR, "POST", "/v1/organization/teams", &json!({ "name": "Night shift" })).await;
        let team = team.body["id"].clone();
        let rule = json!({ "name": "All", "conditions": {}, "assign_to_team_id": team });
        let rule = shop.call(ADMINISTRATOR, "POST", "/routing-rules", &rule).await.body["id"].to_string();
        Self { request, export, member, key, review, team: team.to_string(), rule }
    }

    fn somewhere(&self, path: &str) -> String {
        let id = match path {
            p if p.contains("/export-requests/") => &self.export,
            p if p.contains("/members/") => &self.member,
            p if p.contains("/keys/") => &self.key,
            p if p.contains("/reviews/") => &self.review,
            p if p.contains("/teams/") => &self.team,
            p if p.contains("/routing-rules/") => &self.rule,
            _ => &self.request,
        };
        path.replace("{id}", id)
    }
}

fn is(schema: &Value, what: &str) -> bool {
    schema["type"] == what || schema["type"].as_array().is_some_and(|types| types.contains(&json!(what)))
}

/// Bodies that a schema does not allow, each with the field that is wrong with it.
fn violations(document: &Value, schema: &Value, good: &Value, at: &str) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let with = |name: &str, value: Value| {
        let mut body = good.clone();
        body[name] = value;
        body
    };
    // What takes any field refuses none.
    if schema["additionalProperties"] != true {
        all.push((format!("{at}nonsense"), with("nonsense", json!(1))));
    }
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        let mut body = good.clone();
        body.as_object_mut().expect("an object").remove(name);
        all.push((format!("{at}{name}"), body));
    }
    for (name, property) in schema["properties"].as_object().expect("properties") {
        let property = resolved(document, property);
        // What can be anything is never wrong.
        if ["type", "enum", "anyOf", "allOf"].iter().all(|says| property[*says].is_null()) {
            continue;
        }
        let mut wrong = |value: Value| all.push((format!("{at}{name}"), with(name, value)));
        wrong(if is(&property, "string") { json!(17) } else { json!("x") });
        if ["enum", "pattern", "format", "anyOf"].iter().any(|bound| !property[*bound].is_null()) && !is(&property, "integer") {
            wrong(json!(" "));
        }
        if let Some(most) = property["maxLength"].as_u64() {
            wrong(json!("x".repeat(most as usize + 1)));
        }
        if let Some(most) = property["maximum"].as_u64() {
            wrong(json!(most + 1));
        }
        if let Some(least) = property["minimum"].as_u64().filter(|least| *least > 0) {
            wrong(json!(least - 1));
        }
        let item = resolved(document, &property["items"]);
        let good_item = [&item["example"], &item["examples"][0], &item["enum"][0]].into_iter().find(|one| !one.is_null());
        if let Some(most) = property["maxItems"].as_u64() {
            let good_item = good_item.cloned().unwrap_or_else(|| json!("x"));
            wrong(Value::Array(vec![good_item; most as usize + 1]));
        }
        if property["minItems"].as_u64().is_some_and(|least| least > 0) {
            wrong(json!([]));
        }
        if property["uniqueItems"] == true && good_item.is_some() {
            wrong(json!([good_item, good_item]));
        }
        if property["properties"].is_object() && good[name].is_object() {
            let inner = violations(document, &property, &good[name], &format!("{at}{name}."));
            all.extend(inner.into_iter().map(|(field, value)| (field, with(name, value))));
        }
        if item["properties"].is_object() && good[name][0].is_object() {
            let inner = violations(document, &item, &good[name][0], &format!("{at}{name}[0]."));
            all.extend(inner.into_iter().map(|(field, value)| (field, with(name, json!([value])))));
        }
    }
    all
}

/// That the answer is one that the operation says it can have, for this reason, of what fits its description.
fn is_told_of(operation: &Operation, answer: &Answer) {
    let (status, code) = answer.outcome();
    assert!(status < 500, "{}: {}", operation.id, answer.body);
    let told = &operation.responses[status.to_string()];
    assert!(told.is_object(), "{} does not say that it answers {status}: {}", operation.id, answer.body);
    if status >= 400 {
        let codes = told["x-problems"].as_array().expect("codes");
        assert!(codes.contains(&json!(code)), "{} does not say that it answers {status} {code}: {}", operation.id, answer.body);
    }
}

#[tokio::test]
async fn what_the_description_does_not_allow_is_refused_and_named() {
    let shop = Deployment::new().await;
    let document = serde_json::to_value(oubli_http::openapi()).expect("JSON");
    let things = Things::of(&shop).await;
    let mut tried = 0;
    for operation in operations(&document, &things) {
        for (field, body) in violations(&document, &operation.schema, &operation.schema["example"], "") {
            let answer = shop.call(ADMINISTRATOR, &operation.method, &operation.path, &body).await;
            // Another organization is none of the caller's.
            let stranger = field == "organization_id" && body["organization_id"].is_string();
            let wrong = if operation.responses["400"].is_object() { 400 } else { 422 };
            let expected = if stranger { 404 } else { wrong };
            assert_eq!(answer.status, expected, "{} {field}: {body}\n{}", operation.id, answer.body);
            let named = answer.body["errors"].as_array().cloned().unwrap_or_default();
            let names = |error: &Value| error["field"].as_str().is_some_and(|named| named.starts_with(&field));
            assert!(stranger || named.iter().any(names), "{} {field}: {body}\n{}", operation.id, answer.body);
            tried += 1;
        }
    }
    assert!(tried > 200, "{tried}");
}

#[tokio::test]
async fn what_the_description_allows_is_refused_only_for_a_reason_that_it_names() {
    let shop = Deployment::new().await;
    let document = serde_json::to_value(oubli_http::openapi()).expect("JSON");
    let things = Things::of(&shop).await;
    for operation in operations(&document, &things) {
        let mut body = operation.schema["example"].clone();
        // Nothing prints in this world.
        if body["format"] == "pdf" {
            body["format"] = json!("json");
        }
        is_told_of(&operation, &shop.call(ADMINISTRATOR, &operation.method, &operation.path, &body).await);
        // With every field that can be nothing being nothing.
        let required = operation.schema["required"].as_array().cloned().unwrap_or_default();
        for name in operation.schema["properties"].as_object().expect("properties").keys() {
            if !required.contains(&json!(name)) {
                body[name] = Value::Null;
            }
        }
        is_told_of(&operation, &shop.call(ADMINISTRATOR, &operation.method, &operation.path, &body).await);
    }
}

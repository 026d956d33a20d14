//! What is decided before any port is asked: credentials, routes, shapes, and the description of it all.

mod support;

use axum::{
    body::{Body, to_bytes},
    http::{Method, Request, StatusCode, header},
};
use oubli_engine::ProblemCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use support::{Answer, is_kept, send, unreachable};
use tower::ServiceExt as _;

const TOKEN: &str = "Bearer oubli_0123_secret";

async fn call(request: Request<Body>) -> Answer {
    send(&oubli_http::everything(unreachable()), request).await
}

fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder().method(Method::from_bytes(method.as_bytes()).expect("a method")).uri(path)
}

/// Method, path and description of every operation.
fn operations() -> Vec<(String, String, Value)> {
    let document = serde_json::to_value(oubli_http::openapi()).expect("JSON");
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let path = path.replace("{id}", "req_00000000000000000000000000000001");
            operations.push((method.to_uppercase(), path, operation.clone()));
        }
    }
    assert!(operations.len() >= 20, "{}", operations.len());
    operations
}

fn is_open(operation: &Value) -> bool {
    operation["security"] == json!([{}])
}

#[tokio::test]
async fn every_operation_but_the_open_ones_answers_401_without_a_credential() {
    let mut open = Vec::new();
    for (method, path, operation) in operations() {
        if is_open(&operation) {
            let answer = call(request(&method, &path).body(Body::empty()).expect("a request")).await;
            assert_eq!(answer.status, StatusCode::OK, "{method} {path}");
            open.push(path);
            continue;
        }
        for credential in [None, Some("Basic dTpw"), Some("Bearer "), Some("Bearer"), Some("Bearer nonsense")] {
            let mut builder = request(&method, &path).header(header::CONTENT_TYPE, "application/json");
            if let Some(credential) = credential {
                builder = builder.header(header::AUTHORIZATION, credential);
            }
            let answer = call(builder.body(Body::from("{not json")).expect("a request")).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path} {credential:?}");
            assert_eq!(answer.body["code"], "unauthenticated");
            assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer");
            assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
        }
    }
    open.sort_unstable();
    assert_eq!(open, ["/health", "/openapi.json"]);
}

#[tokio::test]
async fn every_post_describes_its_idempotency_key_and_every_operation_its_refusals() {
    for (method, path, operation) in operations() {
        let parameters = operation["parameters"].to_string();
        assert_eq!(method == "POST", parameters.contains("Idempotency-Key"), "{method} {path}");
        if !is_open(&operation) {
            let responses = operation["responses"].as_object().expect("responses");
            // Where clients that others made expect so, wrong input is answered 422.
            let unfit = if responses.contains_key("400") { "400" } else { "422" };
            let mut every = vec![unfit, "401", "403", "404", "429", "500", "503"];
            if method != "GET" {
                every.push("409");
            }
            if ["POST", "PUT", "PATCH"].contains(&method.as_str()) {
                every.extend(["413", "415"]);
            }
            for status in every {
                assert!(responses.contains_key(status), "{method} {path} {status}");
            }
            assert!(method == "POST" || unfit == "422" || !responses.contains_key("422"), "{method} {path}");
            for status in ["429", "503"] {
                assert!(responses[status]["headers"]["Retry-After"].is_object(), "{method} {path} {status}");
            }
            assert!(
                operation["x-cost"].as_u64().is_some_and(|cost| (0..=20).contains(&cost)),
                "{method} {path}: nobody said what it costs: shared/http/src/costs.rs"
            );
        }
    }
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_503_and_worth_repeating() {
    let builder = request("GET", "/v1/compliance/erasure-requests").header(header::AUTHORIZATION, TOKEN);
    let answer = call(builder.body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.body["code"], "unavailable");
    assert_eq!(answer.headers[header::RETRY_AFTER], "1");
    assert!(!answer.body.to_string().contains("throttled"));
}

#[tokio::test]
async fn what_no_route_takes_is_a_problem_too() {
    let answer = call(request("GET", "/v1/nothing").body(Body::empty()).expect("a request")).await;
    assert_eq!((answer.status, &answer.body["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
    let answer = call(request("PATCH", "/v1/compliance/legal-holds").body(Body::empty()).expect("a request")).await;
    assert_eq!((answer.status, &answer.body["code"]), (StatusCode::METHOD_NOT_ALLOWED, &json!("method_not_allowed")));
    assert_eq!(answer.headers[header::CONTENT_TYPE], "application/problem+json");
}

#[tokio::test]
async fn answers_are_not_cached_and_carry_nothing_internal() {
    let answer = call(request("GET", "/health").body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
    assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert!(answer.headers[header::STRICT_TRANSPORT_SECURITY].to_str().is_ok_and(|v| v.starts_with("max-age=63072000")));
    let answer = call(request("GET", "/v1/nothing").body(Body::empty()).expect("a request")).await;
    assert!(!answer.headers.contains_key("oubli-problem"));
}

/// Method, path and function of every route of the deployment.
fn deployed() -> Vec<(String, String, String)> {
    let template = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../template.yaml"));
    let routes = template.lines().filter_map(|line| {
        let (_, rest) = line.split_once("RouteKey: \"")?;
        let (route, rest) = rest.split_once('"')?;
        let (method, path) = route.split_once(' ')?;
        let (function, _) = rest.split_once("integrations/${")?.1.split_once("Integration}")?;
        Some((method.to_owned(), path.to_owned(), function.to_owned()))
    });
    routes.collect()
}

fn router_of(function: &str) -> axum::Router {
    match function {
        "Intake" => oubli_http::intake(unreachable()),
        "Review" => oubli_http::review(unreachable()),
        "Discovery" => oubli_http::discovery(unreachable()),
        "Report" => oubli_http::report(unreachable()),
        "Export" => oubli_http::export(unreachable()),
        other => panic!("template.yaml sends calls to {other}: its router of shared/http/src/lib.rs belongs in this list"),
    }
}

/// Where something is besides that others made, and that is below `/v1`, too.
fn below_v1(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("/v1")?;
    ["/reviews", "/stats", "/routing-rules"].iter().any(|begin| rest.starts_with(begin)).then_some(rest)
}

#[tokio::test]
async fn the_deployment_sends_every_described_path_to_the_function_that_serves_it() {
    let document = serde_json::to_value(oubli_http::openapi()).expect("JSON");
    let described: BTreeSet<_> = document["paths"]
        .as_object()
        .expect("paths")
        .iter()
        .flat_map(|(path, item)| item.as_object().expect("operations").keys().map(move |m| (m.to_uppercase(), path.clone())))
        .collect();
    let (rest, own): (Vec<_>, Vec<_>) = deployed().into_iter().partition(|(_, path, _)| path == "/{proxy+}");
    let (aliases, own): (Vec<_>, Vec<_>) = own.into_iter().partition(|(_, path, _)| below_v1(path).is_some());
    for (method, path, function) in &aliases {
        let moved = below_v1(path).unwrap_or_default();
        let is_there = |(m, p): &(String, String)| m == method && p.starts_with(moved.trim_end_matches("{proxy+}"));
        assert!(function == "Review" && described.iter().any(is_there), "{method} {path} is nothing that is elsewhere");
    }
    for (method, path) in described.iter().filter(|(_, path)| !path.starts_with("/v1/")) {
        let is_there = |(m, p, _): &&(String, String, String)| {
            let moved = below_v1(p).unwrap_or_default();
            m == method && (moved == path || moved.strip_suffix("{proxy+}").is_some_and(|begin| path.starts_with(begin)))
        };
        let open = ["/openapi.json", "/health", "/"].contains(&path.as_str());
        assert!(open || aliases.iter().any(|route| is_there(&route)), "{method} {path} is not below /v1, too");
    }
    let rest: Vec<_> = rest.iter().map(|(method, _, function)| (method.as_str(), function.as_str())).collect();
    // A route for ANY or OPTIONS would take browsers' preflights from API Gateway.
    assert_eq!(rest, [("GET", "Intake"), ("POST", "Intake"), ("DELETE", "Intake")]);
    for (method, path, function) in &own {
        let known = described.contains(&(method.clone(), path.clone())) && function != "Intake";
        assert!(known, "{method} {path} of {function}: intake needs no route, and another's has to be in openapi::everything()");
    }
    for (method, path) in described {
        let function = own.iter().find(|(m, p, _)| (m, p) == (&method, &path)).map_or("Intake", |(_, _, function)| function);
        let path = path.replace("{id}", "req_00000000000000000000000000000001");
        let answer = send(&router_of(function), request(&method, &path).body(Body::empty()).expect("a request")).await;
        let served = [StatusCode::OK, StatusCode::UNAUTHORIZED].contains(&answer.status);
        assert!(served, "{method} {path} comes to {function}: template.yaml needs a route to the function that serves it");
    }
}

#[tokio::test]
async fn intake_answers_a_wrong_method_on_another_functions_path_and_runs_nothing_of_it() {
    let routes = deployed();
    let (rest, others): (Vec<_>, Vec<_>) = routes.iter().partition(|(_, path, _)| path == "/{proxy+}");
    let others: Vec<_> = others.into_iter().filter(|(_, path, _)| below_v1(path).is_none()).collect();
    let intake = oubli_http::intake(unreachable());
    for (taken, path, _) in &others {
        let own = |method: &str| others.iter().any(|(m, p, _)| m == method && p == path);
        let path = path.replace("{id}", "req_00000000000000000000000000000001");
        for (method, ..) in &rest {
            let answer = send(&intake, request(method, &path).body(Body::empty()).expect("a request")).await;
            if own(method) {
                assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {path}");
            } else {
                assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
                assert_eq!(answer.body["code"], "method_not_allowed");
                let allowed = answer.headers[header::ALLOW].to_str().expect("text");
                assert!(
                    allowed.split(',').any(|m| m == taken) && !allowed.contains(method.as_str()),
                    "{method} {path} {allowed}"
                );
            }
        }
    }
    let answer = send(&intake, request("GET", "/v1/nothing").body(Body::empty()).expect("a request")).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
}

fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str).map(ToOwned::to_owned));
            map.values().for_each(|v| references(v, found));
        }
        Value::Array(list) => list.iter().for_each(|v| references(v, found)),
        _ => {}
    }
}

#[test]
fn every_reference_in_the_description_leads_somewhere() {
    let document = serde_json::to_value(oubli_http::openapi()).expect("JSON");
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn the_description_in_the_repository_is_the_one_served() {
    let asked = request("GET", "/openapi.json").body(Body::empty()).expect("a request");
    let served = oubli_http::everything(unreachable()).oneshot(asked).await.expect("infallible");
    let bytes = to_bytes(served.into_body(), usize::MAX).await.expect("a body");
    is_kept("openapi.json", std::str::from_utf8(&bytes).expect("a text"));
}

#[test]
fn every_problem_code_is_documented() {
    let mut page = PROBLEMS.to_owned();
    for code in ProblemCode::ALL {
        page.push_str(&format!("| `{code}` | {} |\n", code.meaning()));
    }
    is_kept("problems.md", &page);
    let mut codes: Vec<&str> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
    codes.dedup();
    assert!(codes.is_sorted() && codes.len() == ProblemCode::ALL.len(), "in order and each once: {codes:?}");
}

const PROBLEMS: &str = "\
# Problems

Every refusal is a problem document (RFC 9457, `application/problem+json`). Programs go by `code`, which keeps its meaning
for ever; `type` is `urn:oubli:problem:` and the code. `detail` says what is wrong with this very call and `remedy` what to
do instead; `errors` names each field concerned, with a code, the reason, and what is accepted. `message` is `detail` again,
for clients that print nothing else. Nothing changed.

The description of the API says of each operation and status under `x-problems` which codes there are for what fits its
description. What does not fit is answered 400 with `malformed_json`, `unknown_field`, `missing_field`, `invalid_type`,
`invalid_value`, or the code of the field. What API Gateway answers by itself (429, 500, 503, and 413 above 10 MB) is plain
JSON with `message`.

| code | what it says |
|---|---|
";

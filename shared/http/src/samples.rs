//! What several tests start from.

use crate::problem::Problem;
use axum::response::IntoResponse;
use oubli_domain::datamap::{DataMap, parse};
use oubli_engine::Naming;
use serde_json::Value;
use std::sync::Arc;

/// A map of three categories.
pub(crate) fn map() -> DataMap {
    let yaml = "
version: 1
stores:
  shop: { connector: dynamodb }
anchors: {}
producers:
  - { name: orders, category: orders, store: shop, table: orders, key: [id], select: [{ by: subject_id, index: by_customer, attribute: customer }] }
  - { name: chat, category: chat_history, store: shop, table: chat, key: [id], select: [{ by: subject_id, index: by_customer, attribute: customer }] }
  - { name: invoices, category: invoices, store: shop, table: invoices, key: [id], select: [{ by: subject_id, index: by_customer, attribute: customer }] }
";
    parse(yaml).expect("a valid map").0
}

/// How people are named in an organization of that map.
pub(crate) fn naming() -> Naming {
    Naming { map: Arc::new(map()), country: "FR" }
}

/// The body of a problem.
pub(crate) fn body(problem: &Problem) -> Value {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("runtime");
    let body = problem.clone().into_response().into_body();
    let bytes = runtime.block_on(axum::body::to_bytes(body, usize::MAX)).expect("a body");
    serde_json::from_slice(&bytes).expect("JSON")
}

/// Fields and codes of a problem.
pub(crate) fn refusals(problem: &Problem) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let body = body(problem);
    let errors = body["errors"].as_array().cloned().unwrap_or_default();
    errors.iter().map(|e| format!("{} {}", text(&e["field"]), text(&e["code"]))).collect()
}

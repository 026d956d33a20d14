//! Which crate may build on which: `docs/architecture.md` draws it.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::shell;

/// The functions whose work reaches customers' stores. No other links a connector.
const REACH_STORES: [&str; 3] = ["deletion", "discovery", "export"];

/// The function that carries a PDF engine.
const PRINTS: &str = "report";

/// What a crate of the workspace may build on, tests and examples aside.
fn may(name: &str, folder: &str) -> Vec<&'static str> {
    match (folder, name) {
        (_, "domain" | "esdk-message" | "outgoing") => vec![],
        (_, "archive" | "suggest") => vec!["domain"],
        (_, "engine") => vec!["domain", "archive", "esdk-message"],
        (_, "aws") => vec!["domain", "engine", "outgoing"],
        (_, "http" | "pdf") => vec!["domain", "engine"],
        (_, "connectors") => vec!["domain", "engine", "suggest"],
        (_, "simulation") => vec!["domain", "engine", "archive", "esdk-message"],
        ("functions", name) => {
            let mut all = vec!["aws", "domain", "engine", "http"];
            all.extend(REACH_STORES.contains(&name).then_some("connectors"));
            all.extend((name == PRINTS).then_some("pdf"));
            all
        }
        (_, "cli") => vec!["archive", "aws", "connectors", "domain", "engine", "esdk-message", "pdf", "suggest"],
        _ => vec![],
    }
}

pub fn check() -> Result<Vec<String>> {
    let text = shell::output(shell::cargo().args(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&text)?;
    faults(&metadata)
}

fn faults(metadata: &Value) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for package in metadata["packages"].as_array().context("cargo names the workspace's packages")? {
        let manifest = package["manifest_path"].as_str().unwrap_or_default();
        let mut folders = manifest.rsplit('/').skip(1);
        let (name, folder) = (folders.next().unwrap_or_default(), folders.next().unwrap_or_default());
        let allowed = may(name, folder);
        let built_on = package["dependencies"].as_array().into_iter().flatten().filter(|d| d["kind"].is_null());
        for on in built_on.filter_map(|d| d["name"].as_str()?.strip_prefix("oubli-")) {
            if !allowed.contains(&on) {
                found.push(format!("{name} builds on {on}: the arrows of docs/architecture.md do not go there"));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_arrow_that_goes_up_is_named() {
        let on = |name: &str, kind: Value| json!({ "name": format!("oubli-{name}"), "kind": kind });
        let crates = json!({ "packages": [
            { "manifest_path": "/w/shared/domain/Cargo.toml", "dependencies": [on("engine", Value::Null)] },
            { "manifest_path": "/w/shared/engine/Cargo.toml", "dependencies": [on("domain", Value::Null), on("simulation", "dev".into())] },
            { "manifest_path": "/w/functions/sweeper/Cargo.toml", "dependencies": [on("aws", Value::Null), on("connectors", Value::Null)] },
            { "manifest_path": "/w/functions/export/Cargo.toml", "dependencies": [on("connectors", Value::Null)] },
        ] });
        let found = faults(&crates).expect("packages");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            found[0].starts_with("domain builds on engine") && found[1].starts_with("sweeper builds on connectors"),
            "{found:?}"
        );
    }
}

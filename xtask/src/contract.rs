//! `contract`: whether the deployed API keeps to its description. schemathesis sends what it allows and what it does not, as an
//! officer and as an administrator of an organization made for that, with tables of its own.

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Value, json};

use crate::{
    environment::Environment,
    http::{self, Api},
    seed::{DEMO_SUBJECT, DEMO_SUBJECT_EMAIL, oubli, text},
    shell,
    tools::Venv,
};

#[derive(Args)]
pub struct Options {
    /// How many inputs of each operation are made up, besides its examples and its bounds
    #[arg(long, default_value_t = 5)]
    examples: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { examples: 5 }
    }
}

/// Tries the stack that is running.
pub fn run(options: &Options) -> Result<()> {
    check(&Environment::read()?, options)
}

pub fn check(environment: &Environment, options: &Options) -> Result<()> {
    let trial = Trial::prepare(environment)?;
    let described: Value = serde_json::from_str(&http::get(&format!("{}/openapi.json", environment.get("OUBLI_URL")?))?)?;
    let officers = operations(&described, |roles| roles.is_empty() || roles.contains(&"privacy_officer"))?;
    let administrators = operations(&described, |roles| !roles.is_empty() && !roles.contains(&"privacy_officer"))?;
    ensure!(officers.len() > 30 && administrators.len() > 15, "too few operations are described: {described}");
    // Both are tried, whatever becomes of the first.
    let officer = trial.run("a privacy officer", &trial.officer, &officers, options);
    let administrator = trial.run("an administrator", &trial.administrator, &administrators, options);
    officer.and(administrator)
}

/// The operations that these roles may call, by their ids.
fn operations(described: &Value, wanted: impl Fn(&[&str]) -> bool) -> Result<Vec<String>> {
    let paths = described["paths"].as_object().context("no paths are described")?;
    let all = paths.values().filter_map(Value::as_object).flat_map(|item| item.values());
    let wanted = all.filter(|operation| {
        let roles: Vec<&str> = operation["x-roles"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        wanted(&roles)
    });
    Ok(wanted.filter_map(|operation| operation["operationId"].as_str().map(ToOwned::to_owned)).collect())
}

/// An organization to try the API in, and what there is in it.
struct Trial<'a> {
    environment: &'a Environment,
    officer: String,
    administrator: String,
    /// Something of each kind that paths name. What ends a key or a member is tried on these, which nobody uses.
    things: Value,
}

impl<'a> Trial<'a> {
    fn prepare(environment: &'a Environment) -> Result<Self> {
        let name = format!("contract-{}", jiff::Timestamp::now().as_millisecond());
        let tables = format!("people-{name}");
        people(environment, &["make", &tables])?;
        let profile = json!({ "id": DEMO_SUBJECT, "email": DEMO_SUBJECT_EMAIL });
        let order = json!({ "order_id": format!("{name}-1"), "customer_id": DEMO_SUBJECT });
        people(environment, &["put", &format!("{tables}-profiles"), &profile.to_string()])?;
        people(environment, &["put", &format!("{tables}-orders"), &order.to_string()])?;

        let create = ["admin", "organization", "create", "--id", &name, "--name", "Contract", "--country", "DE"];
        let settings = ["--time-zone", "Europe/Berlin", "--recovery-window-seconds", "5"];
        let first = ["--administrator", "Ada Admin", "--email", "ada@contract.example", "--json"];
        let administrator = text(&oubli(environment, None, &[&create[..], &settings, &first].concat())?, "key")?;
        let map = std::fs::read_to_string(shell::root().join("infra/contract/map.yaml"))?;
        let file = shell::local_dir().join("contract-map.yaml");
        std::fs::write(&file, map.replace("people-contract", &tables))?;
        oubli(environment, Some(&administrator), &["map", "publish", &file.to_string_lossy()])?;
        let add = ["member", "add", "--name", "Otto", "--email", "otto@contract.example", "--role", "privacy_officer", "--json"];
        let otto = text(&oubli(environment, Some(&administrator), &add)?, "member_id")?;
        let key = ["key", "create", "--name", "Otto", "--member", &otto, "--json"];
        let officer = text(&oubli(environment, Some(&administrator), &key)?, "key")?;
        let things = things(environment, &name, &tables, &officer, &administrator)?;
        Ok(Self { environment, officer, administrator, things })
    }

    fn run(&self, who: &str, key: &str, operations: &[String], options: &Options) -> Result<()> {
        println!("\n   {} operations as {who}", operations.len());
        let url = self.environment.get("OUBLI_URL")?;
        let mut trial = shell::command(Venv::Contract.bin()?.join("schemathesis"));
        trial.args(["--config-file", "infra/contract/schemathesis.toml", "run", &format!("{url}/openapi.json"), "--url", url]);
        trial.args(["--phases", "examples,coverage,fuzzing", "--max-examples", &options.examples.to_string()]);
        trial.args(["--header", &format!("Authorization: Bearer {key}")]);
        for operation in operations {
            trial.args(["--include-operation-id", operation]);
        }
        shell::run(trial.env("OUBLI_CONTRACT_THINGS", self.things.to_string()))
    }
}

fn people(environment: &Environment, arguments: &[&str]) -> Result<()> {
    shell::output(Venv::Tools.script("tests/support/people.py")?.args(arguments).envs(&environment.0)).map(drop)
}

fn things(environment: &Environment, name: &str, tables: &str, officer: &str, administrator: &str) -> Result<Value> {
    let url = environment.get("OUBLI_URL")?;
    let (officer, administrator) = (Api::new(url, officer), Api::new(url, administrator));
    let verification = json!({ "method": "email_link", "verified_at": jiff::Timestamp::now().to_string() });
    let made = |api: &Api, path: &str, body: Value, id: &str| text(&api.post(path, &body)?.to_string(), id);
    let erasure = json!({
        "subject_id": DEMO_SUBJECT, "request_type": "full_erasure", "reason": "consent_withdrawn", "verification": verification,
    });
    let export = json!({ "subject_id": DEMO_SUBJECT, "verification": verification });
    let query = json!({
        "short_name": "logins", "category": "profile", "store": "shop", "parameters": ["subject_id"],
        "statement": format!("SELECT email FROM \"{tables}-profiles\" WHERE id = ?"),
    });
    let member = json!({ "name": "Sven Spare", "email": "sven@contract.example", "roles": ["auditor"] });
    let hold = json!({ "subject_id": "cust-00007", "reason": "A dispute" });
    Ok(json!({
        "organization": name,
        "erasure-requests": made(&officer, "/v1/compliance/erasure-requests", erasure, "request_id")?,
        "export-requests": made(&officer, "/v1/compliance/export-requests", export, "request_id")?,
        "legal-holds": made(&officer, "/v1/compliance/legal-holds", hold, "hold_id")?,
        "data-discovery": made(&officer, "/v1/compliance/data-discovery", json!({ "subject_id": DEMO_SUBJECT }), "discovery_id")?,
        "saved-queries": made(&administrator, "/v1/compliance/saved-queries", query, "short_name")?,
        "members": made(&administrator, "/v1/organization/members", member, "member_id")?,
        "keys": made(&administrator, "/v1/organization/keys", json!({ "name": "Spare" }), "key_id")?,
    }))
}

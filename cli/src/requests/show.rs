//! `oubli show`.

use super::{One, PATH, plan};
use crate::{
    client::{Client, Parameter},
    failure::Failure,
    output::{self, lines, list, plain, table},
};
use clap::Args;
use serde_json::Value;

const FIELDS: [&str; 25] = [
    "request_id",
    "status",
    "phase",
    "request_type",
    "reason",
    "subject_id",
    "subject_email",
    "categories",
    "exclude_categories",
    "received_at",
    "submitted_at",
    "submitted_by",
    "duplicate_of",
    "scheduled_at",
    "deadline",
    "legal_deadline",
    "extended",
    "execution_id",
    "started_at",
    "window_ends_at",
    "finished_at",
    "waiting_for",
    "regime",
    "round",
    "plan_digest",
];

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    reveal: Reveal,
}

/// Whether to show whom something is about.
#[derive(Args)]
pub struct Reveal {
    /// Also by what the person is known, and what people said of it; noted in the audit log
    #[arg(long)]
    reveal: bool,
}

impl Reveal {
    /// The parameter that asks for it.
    pub fn parameter(&self) -> Parameter<'static> {
        ("reveal", self.reveal.then(|| "identity".to_owned()))
    }
}

/// A request and whom it is about, for whoever is about to be asked; without the person where they may not see that.
///
/// # Errors
/// Any [`Failure`] of the service.
pub fn revealed(client: &Client, path: &str) -> Result<Value, Failure> {
    let asked = [("reveal", Some("identity".to_owned()))];
    match client.get(path, &asked) {
        Err(Failure::Problem { status: 403, .. }) => client.get(path, &[]),
        answer => answer,
    }
}

pub fn run(client: &Client, options: &Options, json: bool) -> Result<(), Failure> {
    let request = client.get(&options.one.path(PATH, "")?, &[options.reveal.parameter()])?;
    if json {
        output::print_json(&request);
    } else {
        output::print(&describe(&request));
    }
    Ok(())
}

fn describe(request: &Value) -> String {
    let mut text = lines(request, &FIELDS);
    let verification = &request["verification"];
    if verification.is_object() {
        text.push_str(&format!("verified by {} at {}\n", plain(&verification["method"]), plain(&verification["verified_at"])));
    }
    let failure = &request["failure"];
    if failure.is_object() {
        text.push_str(&format!("\nFailed ({}): {}\n", plain(&failure["code"]), plain(&failure["message"])));
    }
    for said in list(&request["words"]) {
        let (what, words, by) = (plain(&said["what"]), plain(&said["text"]), plain(&said["said_by"]));
        text.push_str(&format!("{} by {by}: {words}\n", what.replace('_', " ")));
    }
    let plan = plan::describe(request);
    if !plan.is_empty() {
        text.push_str(&format!("\n{plan}"));
    }
    if !list(&request["exclusions"]).is_empty() {
        let rows = list(&request["exclusions"]).iter();
        let rows = rows.map(|e| vec![e["category"].clone(), e["reason"].clone(), e["retention_until"].clone()]);
        text.push_str(&format!("\nLeft out by the reviewer\n{}\n", table(&["category", "reason", "until"], rows)));
    }
    if let Some(counts) = request["counts"].as_object().filter(|c| c.values().any(|n| n.as_u64() != Some(0))) {
        let shown: Vec<_> = counts.iter().map(|(name, n)| format!("{} {n}", name.replace('_', " "))).collect();
        text.push_str(&format!("\nSo far: {}\n", shown.join(", ")));
    }
    text
}

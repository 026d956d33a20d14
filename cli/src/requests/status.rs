//! `oubli status`.

use super::{One, PATH, plan};
use crate::{
    client::Client,
    failure::Failure,
    output::{self, fields, lines, list, plain},
};
use serde_json::Value;

pub fn run(client: &Client, one: &One, json: bool) -> Result<(), Failure> {
    let status = client.get(&one.path(PATH, "/status")?, &[])?;
    if json {
        output::print_json(&status);
    } else {
        output::print(&describe(&status));
    }
    Ok(())
}

/// A status in words and numbers.
pub fn describe(status: &Value) -> String {
    let shown = [
        "request_id",
        "status",
        "phase",
        "progress_percent",
        "started_at",
        "estimated_completion_at",
        "window_ends_at",
        "finished_at",
        "received_at",
        "legal_deadline",
        "waiting_for",
    ];
    let mut text = lines(status, &shown);
    if status["flagged"].as_u64().is_some_and(|n| n > 0) {
        text.push_str(&format!("\n{} records need a person to look at them.\n", plain(&status["flagged"])));
    }
    if status["found_nobody"] == true {
        text.push_str("\nNobody known by what was given was found in the places searched: look for a typing error.\n");
    }
    let failure = &status["failure"];
    if failure.is_object() {
        text.push_str(&format!("\nFailed ({}): {}\n", plain(&failure["code"]), plain(&failure["message"])));
    }
    if !list(&status["kept"]).is_empty() {
        text.push_str(&format!("\nStays\n{}\n", plan::kept(&status["kept"])));
    }
    if !list(&status["left_out"]).is_empty() {
        text.push_str(&format!(
            "\nLeft out by reviewers\n{}\n",
            fields(list(&status["left_out"]), &["category", "retention_until", "decided_by"])
        ));
    }
    text.push_str(&plan::unsearched(&status["unsearched"]));
    text.push_str(&plan::unasked(&status["unasked_queries"]));
    let steps = list(&status["steps"]);
    if !steps.is_empty() {
        text.push_str(&format!(
            "\n{}\n",
            fields(steps, &["producer", "name", "status", "items_processed", "items_total", "error"])
        ));
    }
    text
}

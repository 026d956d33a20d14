//! `oubli review ask`.

use super::{PATH, print, show};
use crate::{
    client::{Client, given},
    failure::Failure,
    object::object,
    output::{self, plain},
};
use clap::Args;
use oubli_domain::review::Urgency;
use serde_json::{Value, json};
use std::{
    thread::sleep,
    time::{Duration, Instant},
};

/// Between two looks at what became of it.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Args)]
pub struct Options {
    /// What kind of thing is asked, such as data_deletion
    #[arg(long)]
    task_type: String,
    /// What would be done
    #[arg(long, value_name = "TEXT")]
    action: String,
    /// Why
    #[arg(long, value_name = "TEXT")]
    reasoning: Option<String>,
    /// How sure you are, from 0 to 1
    #[arg(long, value_parser = confidence)]
    confidence: Option<f64>,
    /// How soon somebody should look: low, medium, high or critical; medium unless given
    #[arg(long)]
    urgency: Option<Urgency>,
    /// What whoever asks is made with
    #[arg(long)]
    framework: Option<String>,
    /// Anything else, as a JSON object, or in a file
    #[arg(long, value_name = "JSON|@FILE")]
    metadata: Option<String>,
    /// Wait until somebody decides, and end with 0 only where they approve
    #[arg(long)]
    wait: bool,
    /// Wait so many seconds at most
    #[arg(long, value_name = "SECONDS", requires = "wait")]
    timeout: Option<u64>,
}

fn confidence(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|score| (0.0..=1.0).contains(score)).ok_or("accepted: 0 to 1")
}

impl Options {
    fn body(&self) -> Result<Value, Failure> {
        let metadata = self.metadata.as_deref().map(|text| object("--metadata", text)).transpose()?;
        Ok(given([
            ("task_type", json!(self.task_type)),
            ("proposed_action", json!(self.action)),
            ("agent_reasoning", json!(self.reasoning)),
            ("confidence_score", json!(self.confidence)),
            ("urgency", json!(self.urgency.map(Urgency::name))),
            ("framework", json!(self.framework)),
            ("metadata", json!(metadata)),
            ("blocking", json!(self.wait)),
        ]))
    }
}

pub fn run(client: &Client, options: &Options, json: bool) -> Result<(), Failure> {
    let body = options.body()?;
    let since = Instant::now();
    let mut review = client.post(PATH, &body)?;
    if !options.wait {
        print(&review, begun, json);
        return Ok(());
    }
    if !json && review["status"] == "pending" {
        output::print(&format!("Review {} is asked for; nobody has decided yet.", plain(&review["id"])));
    }
    let limit = options.timeout.map(Duration::from_secs);
    let ended = decided(client, &mut review, || limit.is_some_and(|limit| since.elapsed() >= limit));
    // Whatever ended the waiting, what was last seen has the number to look for later.
    print(&review, show::described, json);
    ended
}

/// Looks at a review until somebody decides. Only an approval is none of the errors.
fn decided(client: &Client, review: &mut Value, is_over: impl Fn() -> bool) -> Result<(), Failure> {
    let path = format!("{PATH}/{}", plain(&review["id"]));
    while review["status"] == "pending" {
        if is_over() {
            return Err(Failure::Refused("nobody decided in time, which is no approval".to_owned()));
        }
        sleep(PAUSE);
        *review = client.get(&path, &[])?;
    }
    if review["decision"]["decision_type"] == "approve" {
        Ok(())
    } else {
        Err(Failure::Refused(format!("it is not approved: it is {}", plain(&review["status"]))))
    }
}

fn begun(review: &Value) -> String {
    let id = plain(&review["id"]);
    let mut text = output::lines(review, &["id", "status", "urgency", "assigned_to_team_id", "assigned_to_user_id", "closes_at"]);
    text.push_str(&format!("\nNothing is approved yet: oubli review show {id}\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Options,
    }

    fn body(more: &[&str]) -> Option<Value> {
        let line = Line::try_parse_from([&["x", "--task-type", "t", "--action", "a"], more].concat()).ok()?;
        line.options.body().ok()
    }

    #[test]
    fn nothing_is_sent_that_was_not_given() {
        let plain = json!({ "task_type": "t", "proposed_action": "a", "blocking": false });
        assert_eq!(body(&[]), Some(plain));
        let more = ["--confidence", "0.5", "--urgency", "high", "--metadata", "{\"rows\": 1}", "--wait", "--timeout", "5"];
        let all = body(&more).expect("a body");
        let wanted = json!({
            "task_type": "t", "proposed_action": "a", "confidence_score": 0.5, "urgency": "high",
            "metadata": { "rows": 1 }, "blocking": true,
        });
        assert_eq!(all, wanted);
    }

    #[test]
    fn what_does_not_fit_is_refused_here() {
        for wrong in
            [["--confidence", "1.5"], ["--confidence", "NaN"], ["--urgency", "now"], ["--metadata", "[]"], ["--timeout", "5"]]
        {
            assert_eq!(body(&wrong), None, "{wrong:?}");
        }
    }
}

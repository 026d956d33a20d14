//! `oubli watch`.

use super::{One, PATH, status};
use crate::{
    client::Client,
    failure::Failure,
    output::{self, list, plain},
};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use oubli_domain::lifecycle::Phase;
use serde_json::Value;
use std::{
    io::IsTerminal as _,
    thread::sleep,
    time::{Duration, Instant},
};

#[derive(Args)]
pub struct Options {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    how: How,
}

/// How long to watch, and for what.
#[derive(Args)]
pub struct How {
    /// A phase or status to wait for, or `final`; several with commas. Unless given: until a person is needed
    /// (awaiting_verification, in_review, recoverable, failed) or it is over
    #[arg(long, value_delimiter = ',', value_name = "PHASE_OR_STATUS", value_parser = goal)]
    until: Vec<String>,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Ask every so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = interval)]
    interval: f64,
}

const STATUSES: [&str; 2] = ["pending", "in_progress"];
const FINAL: &str = "final";

fn goal(text: &str) -> Result<String, String> {
    let phases: Vec<_> = Phase::ALL.iter().map(|p| p.name()).chain(STATUSES).chain([FINAL]).collect();
    if phases.contains(&text) { Ok(text.to_owned()) } else { Err(format!("accepted: {}", phases.join(", "))) }
}

fn interval(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|s| (0.1..=3600.0).contains(s)).ok_or_else(|| "accepted: 0.1 to 3600 seconds".to_owned())
}

/// What a status means to whoever watches.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    GoOn,
    Reached,
    /// It will not get there any more.
    Missed,
}

fn judge(until: &[String], phase: &str, status: &str) -> Seen {
    let over = Phase::ALL.iter().any(|p| p.name() == phase && p.is_final());
    if until.is_empty() {
        return match phase {
            "failed" => Seen::Missed,
            "awaiting_verification" | "in_review" | "recoverable" | "available" => Seen::Reached,
            _ if over => Seen::Reached,
            _ => Seen::GoOn,
        };
    }
    let hit = |goal: &String| goal == phase || goal == status || (goal == FINAL && over);
    if until.iter().any(hit) {
        Seen::Reached
    } else if over || phase == "failed" {
        Seen::Missed
    } else {
        Seen::GoOn
    }
}

pub fn run(client: &Client, options: &Options, json: bool) -> Result<(), Failure> {
    follow(client, &options.one.path(PATH, "/status")?, &options.how, json)
}

/// Watches what a path says.
///
/// # Errors
/// It ended otherwise than awaited, or time is up.
pub fn follow(client: &Client, path: &str, options: &How, json: bool) -> Result<(), Failure> {
    let since = Instant::now();
    let mut display = Display::new(json);
    loop {
        let answer = client.get(path, &[])?;
        display.update(&answer);
        match judge(&options.until, &plain(&answer["phase"]), &plain(&answer["status"])) {
            Seen::GoOn => {}
            seen => {
                display.finish(&answer);
                return match seen {
                    Seen::Missed => Err(Failure::Refused(format!("it is {}", plain(&answer["status"])))),
                    _ => Ok(()),
                };
            }
        }
        if options.timeout.is_some_and(|limit| since.elapsed() >= Duration::from_secs(limit)) {
            display.finish(&answer);
            return Err(Failure::Refused("time is up; it goes on without being watched".to_owned()));
        }
        sleep(Duration::from_secs_f64(options.interval));
    }
}

/// A bar on a terminal, lines elsewhere, JSON lines where asked for: each time something changed.
enum Display {
    Bar(ProgressBar),
    Lines { last: String },
    Json { last: Value },
}

impl Display {
    fn new(json: bool) -> Self {
        if json {
            return Display::Json { last: Value::Null };
        }
        if !std::io::stderr().is_terminal() {
            return Display::Lines { last: String::new() };
        }
        let bar = ProgressBar::new(100);
        if let Ok(style) = ProgressStyle::with_template("{prefix:>22} [{bar:40}] {percent:>3} %  {msg}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Display::Bar(bar)
    }

    fn update(&mut self, status: &Value) {
        match self {
            Display::Bar(bar) => {
                bar.set_prefix(plain(&status["phase"]));
                bar.set_position(status["progress_percent"].as_u64().unwrap_or_default());
                bar.set_message(remark(status));
            }
            Display::Lines { last } => {
                let line = format!("{} {} %  {}", plain(&status["phase"]), plain(&status["progress_percent"]), remark(status));
                if line != *last {
                    output::print(&line);
                    *last = line;
                }
            }
            Display::Json { last } => {
                if status != last {
                    output::print(&status.to_string());
                    *last = status.clone();
                }
            }
        }
    }

    fn finish(&self, answer: &Value) {
        if let Display::Bar(bar) = self {
            bar.abandon();
        }
        if !matches!(self, Display::Json { .. }) {
            output::print(&format!("\n{}", status::describe(answer)));
        }
    }
}

/// Items, estimate, or why it waits.
fn remark(status: &Value) -> String {
    if let Some(cause) = status["waiting_for"].as_str() {
        return format!("waits for {}", output::clean(cause).replace('_', " "));
    }
    let sum = |field: &str| list(&status["steps"]).iter().filter_map(|s| s[field].as_u64()).sum::<u64>();
    let mut parts = Vec::new();
    if sum("items_total") > 0 {
        parts.push(format!("{} of {}", sum("items_processed"), sum("items_total")));
    }
    let end = if status["phase"] == "recoverable" { "window_ends_at" } else { "estimated_completion_at" };
    let word = if status["phase"] == "recoverable" { "until" } else { "done about" };
    if status[end].is_string() {
        parts.push(format!("{word} {}", plain(&status[end])));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stops_when_somebody_is_needed_or_it_is_over() {
        for phase in ["in_review", "recoverable", "completed", "rejected", "cancelled", "awaiting_verification"] {
            assert_eq!(judge(&[], phase, ""), Seen::Reached, "{phase}");
        }
        for phase in ["discovering", "hiding", "approved", "purging"] {
            assert_eq!(judge(&[], phase, ""), Seen::GoOn, "{phase}");
        }
        assert_eq!(judge(&[], "failed", "failed"), Seen::Missed);
    }

    #[test]
    fn a_goal_is_reached_or_missed() {
        let until = |goals: &[&str]| goals.iter().map(|g| (*g).to_owned()).collect::<Vec<_>>();
        assert_eq!(judge(&until(&["final"]), "completed", "completed"), Seen::Reached);
        assert_eq!(judge(&until(&["completed"]), "recoverable", "recoverable"), Seen::GoOn);
        assert_eq!(judge(&until(&["completed"]), "cancelled", "cancelled"), Seen::Missed);
        assert_eq!(judge(&until(&["completed", "rejected"]), "rejected", "rejected"), Seen::Reached);
        assert_eq!(judge(&until(&["cancelled"]), "recoverable", "cancelled"), Seen::Reached);
        assert!(goal("done").is_err() && goal("in_progress").is_ok());
    }
}

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde_json::Value;

use super::{PATIENCE, SUBJECT};
use crate::{
    deploy,
    job::{self, Job, text},
    local::{Options as LocalOptions, Running},
    shell,
};

const ALLOWED: f64 = 0.8;
const WINDOW_SECONDS: u64 = 3_600;
/// What hiding has in flight: two lanes of 32.
const IN_FLIGHT: u64 = 64;

/// Measures between two runs of the plain program, so that a machine that slows down slows both.
pub fn run(records: u64) -> Result<()> {
    let options = LocalOptions { recovery_window_seconds: WINDOW_SECONDS, release: true, ..Default::default() };
    let running = super::stack(records, &options)?;
    for customer in ["cust-plain-1", "cust-plain-2"] {
        super::seed(&running, customer, records)?;
    }
    let before = plain(&running, "cust-plain-1", records)?;
    let hidden = hide(&running, records)?;
    let after = plain(&running, "cust-plain-2", records)?;
    super::end()?;
    let beside = f64::midpoint(before, after);
    println!(
        "\n{:<44} {:>9} {:>12} {:>7}",
        format!("{records} items, {IN_FLIGHT} requests in flight"),
        "seconds",
        "items/s",
        "ratio"
    );
    let row = |name: &str, seconds: f64| {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let rate = records as f64 / seconds;
        println!("{name:<44} {seconds:>9.2} {rate:>12.0} {:>7.2}", beside / seconds);
    };
    row("plain conditional deletes, before", before);
    row("plain conditional deletes, after", after);
    row("hiding, with vault, claims and log", hidden);
    ensure!(beside / hidden >= ALLOWED, "hiding is slower than {ALLOWED} of plain deletes: {:.2}", beside / hidden);
    Ok(())
}

/// From the start of hiding to the last item: the window opens then.
fn hide(running: &Running, records: u64) -> Result<f64> {
    let job = Job::submit(&running.environment, SUBJECT, &format!("{SUBJECT}@example.org"))?;
    job.wait(PATIENCE, job::in_review, |_| ())?;
    job.approve()?;
    let status = job.wait(PATIENCE, |status| status["phase"] == "recoverable", |_| ())?;
    let processed: u64 = status["steps"].as_array().into_iter().flatten().filter_map(|s| s["items_processed"].as_u64()).sum();
    ensure!(processed == records, "{processed} items were hidden instead of {records}");
    let at = |name: &str| -> Result<Timestamp> { Ok(text(&status, name)?.parse()?) };
    let window = Duration::from_secs(WINDOW_SECONDS);
    Ok((at("window_ends_at")? - window).duration_since(at("started_at")?).as_secs_f64())
}

fn plain(running: &Running, customer: &str, records: u64) -> Result<f64> {
    let mut program = shell::cargo();
    program.args(["run", "--quiet", "--release", "-p", "oubli-connectors", "--example", "delete_one_by_one", "--"]);
    program.args(["shop-chat", "customer_id", "message_id", customer, &IN_FLIGHT.to_string()]);
    let printed = shell::output(program.envs(deploy::QUICK_RELEASE).envs(&running.environment.0))?;
    let printed: Value = serde_json::from_str(&printed).context("the plain program's answer")?;
    // A bulk customer has a profile besides.
    ensure!(printed["deleted"].as_u64() == Some(records - 1), "the plain program deleted {printed}");
    printed["seconds"].as_f64().context("no seconds")
}

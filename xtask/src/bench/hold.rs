use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{PATIENCE, SUBJECT};
use crate::job::{self, Job};
use crate::local::{Options as LocalOptions, Running};
use crate::{shell, tools::Venv};

/// Digests by record, over all stores.
type Holdings = BTreeMap<String, String>;

pub fn run(records: u64) -> Result<()> {
    let running = super::stack(records, &LocalOptions { recovery_window_seconds: 3_600, ..super::hasty() })?;
    let before = look(&running)?;
    ensure!(before.len() as u64 == records, "{} records stand at the start", before.len());
    let job = Job::submit(&running.environment, SUBJECT, &format!("{SUBJECT}@example.org"))?;
    job.wait(PATIENCE, job::in_review, |_| ())?;
    job.approve()?;
    job.wait(PATIENCE, |status| status["phase"] == "hiding" && percent(status) >= 25.0, |_| ())?;
    let effect = job.hold(SUBJECT)?;
    let named = |what: &str| effect[what].as_u64().with_context(|| format!("no {what} in {effect}"));
    let (recoverable, purged) = (named("recoverable")?, named("purged")?);
    let held = job.wait(PATIENCE, |status| status["phase"] == "recoverable", |_| ())?;

    let after = look(&running)?;
    let changed = after.iter().filter(|(key, digest)| before.get(*key) != Some(digest)).count();
    ensure!(changed == 0, "{changed} records that stand are not what they were");
    let gone = before.len() as u64 - after.len() as u64;
    ensure!(gone > 0 && gone < records, "the hold came too early or too late: {gone} records are gone");
    ensure!(purged == 0 && gone <= recoverable, "{gone} records are gone; the hold's answer named {effect}");

    job.restore()?;
    let restored = job.wait(PATIENCE, |status| status["phase"] == "restored", |_| ())?;
    ensure!(look(&running)? == before, "not every record came back byte for byte: {restored}");
    super::end()?;
    println!("\n{records} records; a hold was placed while they were being hidden");
    println!("the hold's answer named {recoverable} as hidden and {purged} as purged; {gone} were gone in the end");
    println!("its status then: {}; after a restore all {records} stood again, byte for byte", held["status"]);
    Ok(())
}

fn percent(status: &Value) -> f64 {
    status["progress_percent"].as_f64().unwrap_or_default()
}

fn look(running: &Running) -> Result<Holdings> {
    let mut script = Venv::Tools.script("tests/support/customer.py")?;
    let seen = shell::output(script.args(["look", SUBJECT]).envs(&running.environment.0))?;
    let stores: BTreeMap<String, Holdings> = serde_json::from_str(&seen)?;
    let named = |store: &str, key: String| format!("{store} {key}");
    Ok(stores.into_iter().flat_map(|(store, held)| held.into_iter().map(move |(key, d)| (named(&store, key), d))).collect())
}

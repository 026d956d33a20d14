use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use crate::{local::Options as LocalOptions, shell, tools::Venv};

const BATCH: u64 = 1_000;
const ALLOWED: u64 = 6;

pub fn run(records: u64) -> Result<()> {
    let running = super::stack(records, &LocalOptions { count_calls: true, ..Default::default() })?;
    let mut steps = BTreeMap::new();
    super::erase(&running, records, |status| {
        for step in status["steps"].as_array().into_iter().flatten() {
            steps.insert(step["producer"].to_string(), step["items_total"].as_u64().unwrap_or_default());
        }
    })?;
    let mut script = Venv::Tools.script("infra/local/aws_calls.py")?;
    let counted = shell::output(script.envs(&running.environment.0))?;
    super::end()?;
    let phases: BTreeMap<String, BTreeMap<String, u64>> = serde_json::from_str(&counted)?;
    let batches: u64 = steps.values().map(|items| items.div_ceil(BATCH)).sum();
    println!("\n{records} records, {batches} batches of up to {BATCH}");
    println!("{:<20} {:<46} {:>8} {:>10}", "phase", "operation", "calls", "per batch");
    let line = |phase: &str, operation: &str, calls: u64| {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let each = calls as f64 / batches as f64;
        println!("{phase:<20} {operation:<46} {calls:>8} {each:>10.2}");
    };
    let mut over = Vec::new();
    for (phase, operations) in &phases {
        for (operation, calls) in operations {
            line(phase, operation, *calls);
        }
        for plane in ["control", "data"] {
            let calls = operations.iter().filter(|(name, _)| name.starts_with(plane)).map(|(_, n)| n).sum();
            line(phase, &format!("all of the {plane} plane"), calls);
            if plane == "control" && calls > ALLOWED * batches {
                over.push(phase.clone());
            }
        }
    }
    ensure!(over.is_empty(), "more than {ALLOWED} calls per batch: {}", over.join(", "));
    Ok(())
}

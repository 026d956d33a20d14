use std::collections::BTreeMap;

use anyhow::Result;

use crate::{shell, tools::Venv};

const BATCH: u64 = 1_000;

pub fn run(records: u64) -> Result<()> {
    let running = super::stack(records, true)?;
    super::erase(&running, records, |_| ())?;
    let mut script = Venv::Tools.script("infra/local/aws_calls.py")?;
    let counted = shell::output(script.envs(&running.environment.0))?;
    super::end()?;
    let phases: BTreeMap<String, BTreeMap<String, u64>> = serde_json::from_str(&counted)?;
    let batches = records.div_ceil(BATCH);
    println!("\n{records} records, {batches} batches of up to {BATCH}");
    println!("{:<20} {:<46} {:>8} {:>10}", "phase", "operation", "calls", "per batch");
    let line = |phase: &str, operation: &str, calls: u64| {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let each = calls as f64 / batches as f64;
        println!("{phase:<20} {operation:<46} {calls:>8} {each:>10.2}");
    };
    for (phase, operations) in &phases {
        for (operation, calls) in operations {
            line(phase, operation, *calls);
        }
        for plane in ["control", "data"] {
            let calls = operations.iter().filter(|(name, _)| name.starts_with(plane)).map(|(_, n)| n).sum();
            line(phase, &format!("all of the {plane} plane"), calls);
        }
    }
    Ok(())
}

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};

use crate::{local::Options as LocalOptions, shell, tools::Venv};

const BATCH: u64 = 1_000;
const ALLOWED: f64 = 6.0;
/// The large request has so many times the records of the small one.
const TIMES: u64 = 3;

/// Calls by phase and operation of a request, and its batches.
struct Counted {
    batches: u64,
    calls: BTreeMap<String, BTreeMap<String, u64>>,
}

impl Counted {
    fn of(&self, phase: &str, operation: impl Fn(&str) -> bool) -> u64 {
        self.calls.get(phase).into_iter().flatten().filter(|(name, _)| operation(name)).map(|(_, calls)| calls).sum()
    }
}

/// What a batch costs is the difference between a small and a large request; what every request costs is the rest.
pub fn run(records: u64) -> Result<()> {
    let (small, large) = (count(records)?, count(records * TIMES)?);
    let more = large.batches.checked_sub(small.batches).filter(|more| *more > 0).context("no more batches")?;
    println!("\n{records} records in {} batches of up to {BATCH}, and {} in {}", small.batches, records * TIMES, large.batches);
    println!("{:<20} {:<46} {:>8} {:>8} {:>10} {:>12}", "phase", "operation", "small", "large", "per batch", "per request");
    let each = |phase: &str, name: &str, operation: &dyn Fn(&str) -> bool| {
        let (few, many) = (small.of(phase, operation), large.of(phase, operation));
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let [in_few, in_many, more, batches] = [few, many, more, small.batches].map(|count| count as f64);
        let per_batch = (in_many - in_few) / more;
        let rest = in_few - per_batch * batches;
        println!("{phase:<20} {name:<46} {few:>8} {many:>8} {per_batch:>10.2} {rest:>12.1}");
        per_batch
    };
    let mut over = Vec::new();
    for (phase, operations) in &large.calls {
        let names: BTreeSet<&String> =
            operations.keys().chain(small.calls.get(phase).into_iter().flat_map(BTreeMap::keys)).collect();
        for operation in names {
            each(phase, operation, &|name| name == operation);
        }
        let per_batch = ["control", "data"].map(|plane| {
            let name = format!("all of the {plane} plane");
            each(phase, &name, &|name| name.starts_with(plane))
        });
        if per_batch[0] > ALLOWED {
            over.push(phase.clone());
        }
    }
    ensure!(over.is_empty(), "more than {ALLOWED} calls per batch: {}", over.join(", "));
    Ok(())
}

fn count(records: u64) -> Result<Counted> {
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
    let batches = steps.values().map(|items| items.div_ceil(BATCH)).sum();
    Ok(Counted { batches, calls: serde_json::from_str(&counted)? })
}

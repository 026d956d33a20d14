use std::collections::BTreeMap;

use anyhow::{Result, ensure};

use super::processes;

const SMALL: u64 = 1_000;
const ALLOWED: f64 = 1.5;

pub fn run(large: u64) -> Result<()> {
    let (few, many) = (peaks(SMALL)?, peaks(large)?);
    println!("\n{:<20} {:>14} {:>14} {:>7}", "peak memory, MiB", format!("{SMALL} records"), format!("{large} records"), "ratio");
    let mut worst = 0.0_f64;
    for (function, small) in &few {
        let big = many.get(function).copied().unwrap_or_default();
        let ratio = big / small;
        worst = worst.max(ratio);
        println!("{function:<20} {small:>14.1} {big:>14.1} {ratio:>7.2}");
    }
    ensure!(worst <= ALLOWED, "memory grows with the request: {worst:.2} times");
    Ok(())
}

fn peaks(records: u64) -> Result<BTreeMap<String, f64>> {
    let running = super::stack(records, &super::hasty())?;
    let mut peaks = BTreeMap::new();
    let took = super::erase(&running, records, |_| {
        for process in processes::all(&running) {
            #[expect(clippy::cast_precision_loss, reason = "memory sizes are far below 2^52")]
            let mib = process.peak_memory().unwrap_or_default() as f64 / 1024.0;
            let peak = peaks.entry(process.function).or_insert(mib);
            *peak = mib.max(*peak);
        }
    })?;
    super::end()?;
    println!("{records} records erased in {:.1} s", took.as_secs_f64());
    Ok(peaks)
}

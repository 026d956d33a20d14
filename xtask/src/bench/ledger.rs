use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use serde::Deserialize;

use crate::{deploy, local::Options as LocalOptions, shell};

const TIMES_A_CHAIN: f64 = 20.0;

#[derive(Deserialize)]
struct Measured {
    events: f64,
    tree_seconds: f64,
    calls: BTreeMap<String, f64>,
    links: f64,
    chain_seconds: f64,
    writers: u32,
}

pub fn run(events: u64) -> Result<()> {
    deploy::build_with_tests()?;
    let running = crate::local::up(&LocalOptions::default())?;
    let mut bench = shell::command(shell::binaries().join("examples/ledger_bench"));
    let printed = shell::output(bench.arg(events.to_string()).envs(&running.environment.0))?;
    super::end()?;
    let measured: Measured = serde_json::from_str(&printed)?;
    let (tree, chain) = (measured.events / measured.tree_seconds, measured.links / measured.chain_seconds);
    println!("\n{:<44} {:>16} {:>7}", "entries sealed", "a second", "ratio");
    println!("{:<44} {chain:>16.0} {:>7.1}", format!("chain, its head in every transaction, {} writers", measured.writers), 1.0);
    println!("{:<44} {tree:>16.0} {:>7.1}", format!("Merkle log, {} entries", measured.events), tree / chain);
    println!("\n{:<44} {:>16}", "AWS calls of the Merkle log", "per 1,000");
    for (operation, calls) in &measured.calls {
        println!("{operation:<44} {:>16.2}", calls * 1_000.0 / measured.events);
    }
    let all: f64 = measured.calls.values().sum();
    println!("{:<44} {:>16.2}", "all", all * 1_000.0 / measured.events);
    ensure!(tree / chain >= TIMES_A_CHAIN, "less than {TIMES_A_CHAIN} times the chain");
    Ok(())
}

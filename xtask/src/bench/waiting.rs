//! `bench waiting`: what a request costs beside many that wait for the one slot.

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::{deploy, shell};

/// What a request may cost more beside the most than beside the fewest.
const GROWTH: f64 = 1.1;

#[derive(Deserialize)]
struct Measured {
    waiting: f64,
    messages: f64,
    calls: f64,
    hold_calls: f64,
}

pub fn run() -> Result<()> {
    deploy::build_with_tests()?;
    let mut bench = shell::command(shell::binaries().join("examples/waiting_bench"));
    let printed = shell::output(bench.args(["50", "500", "5000"]))?;
    let all: Vec<Measured> = printed.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let first = all.first().context("nothing was measured")?;
    println!("\n{:<22} {:>16} {:>16} {:>24}", "requests that wait", "messages each", "calls each", "calls of a hold on all");
    for m in &all {
        println!("{:<22} {:>16.1} {:>16.1} {:>24}", m.waiting, m.messages / m.waiting, m.calls / m.waiting, m.hold_calls);
    }
    let most = |of: fn(&Measured) -> f64| all.iter().map(of).fold(0.0, f64::max);
    let (messages, calls) = (|m: &Measured| m.messages / m.waiting, |m: &Measured| m.calls / m.waiting);
    ensure!(most(messages) <= messages(first) * GROWTH, "messages of a request grow with those that wait");
    ensure!(most(calls) <= calls(first) * GROWTH, "calls of a request grow with those that wait");
    // The answer to a hold names a hundred requests: beside more than those it costs the same.
    let holds: Vec<f64> = all.iter().filter(|m| m.waiting > 100.0).map(|m| m.hold_calls).collect();
    ensure!(holds.windows(2).all(|two| two[0] == two[1]), "calls of a hold grow with what is open: {holds:?}");
    Ok(())
}

//! Runs seeds, and mutants to test the test.
#![forbid(unsafe_code)]

use clap::Parser;
use oubli_simulation::{Mutant, Report, simulate};
use std::{collections::BTreeMap, process::ExitCode, time::Instant};

/// Simulates the protocol under faults and judges it by the promises.
#[derive(Parser)]
struct Arguments {
    /// How many seeds to run.
    #[arg(long, default_value_t = 5000)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Runs one seed and tells everything that happened.
    #[arg(long)]
    replay: Option<u64>,
    /// Breaks the protocol in this way.
    #[arg(long, value_enum)]
    mutant: Option<Mutant>,
    /// Leaves the mutants out.
    #[arg(long)]
    no_mutants: bool,
    /// Stops at the first seed that breaks a promise, and does nothing else.
    #[arg(long)]
    until_broken: bool,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(seed) = arguments.replay {
        return replay(seed, arguments.mutant);
    }
    let seeds = arguments.from..arguments.from + arguments.seeds;
    if arguments.until_broken {
        return until_broken(seeds);
    }
    let mut failed = 0;
    if arguments.mutant.is_none() {
        failed += u64::from(!all_hold(seeds.clone()));
        failed += u64::from(!same_twice(seeds.clone().take(50)));
    }
    let mutants: Vec<Mutant> = match arguments.mutant {
        Some(mutant) => vec![mutant],
        None if arguments.no_mutants => vec![],
        None => Mutant::ALL.to_vec(),
    };
    for mutant in mutants {
        failed += u64::from(!caught(mutant, seeds.clone()));
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn replay(seed: u64, mutant: Option<Mutant>) -> ExitCode {
    let report = simulate(seed, mutant, true);
    for line in &report.story {
        println!("{line}");
    }
    println!("seed {seed}: {} steps, trace {}, {:?}, broken: {:?}", report.steps, report.trace, report.endings, report.broken);
    if report.broken.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Tells of the first seed that breaks a promise.
fn until_broken(seeds: std::ops::Range<u64>) -> ExitCode {
    for from in seeds.clone().step_by(64) {
        let stretch: Vec<u64> = (from..seeds.end.min(from + 64)).collect();
        let reports = over(&stretch, |seed| simulate(seed, None, false));
        if let Some(report) = reports.iter().find(|r| !r.broken.is_empty()) {
            println!("seed {}: {}", report.seed, report.broken.join("; "));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Spreads seeds over the cores and gathers what `keep` keeps, in order of seeds.
fn over<T: Send>(seeds: &[u64], keep: impl Fn(u64) -> T + Sync) -> Vec<T> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(seeds.len().max(1));
    let chunk = seeds.len().div_ceil(cores).max(1);
    let keep = &keep;
    std::thread::scope(|scope| {
        let running: Vec<_> =
            seeds.chunks(chunk).map(|part| scope.spawn(move || part.iter().map(|s| keep(*s)).collect::<Vec<T>>())).collect();
        running.into_iter().flat_map(|r| r.join().unwrap_or_default()).collect()
    })
}

fn all_hold(seeds: impl Iterator<Item = u64>) -> bool {
    let started = Instant::now();
    let seeds: Vec<u64> = seeds.collect();
    let reports = over(&seeds, |seed| simulate(seed, None, false));
    let mut endings: BTreeMap<String, u64> = BTreeMap::new();
    for ending in reports.iter().flat_map(|r| &r.endings) {
        *endings.entry(ending.clone()).or_default() += 1;
    }
    let broken: Vec<&Report> = reports.iter().filter(|r| !r.broken.is_empty()).collect();
    println!("{} seeds in {:.1?}: {} broke a promise", reports.len(), started.elapsed(), broken.len());
    println!("requests ended: {endings:?}");
    for report in broken.iter().take(10) {
        println!("  seed {}: {}", report.seed, report.broken.join("; "));
        println!("    replay: cargo xtask simulate -- --replay {}", report.seed);
    }
    broken.is_empty() && reports.len() == seeds.len()
}

fn same_twice(seeds: impl Iterator<Item = u64>) -> bool {
    let differing: Vec<u64> =
        seeds.filter(|seed| simulate(*seed, None, false).trace != simulate(*seed, None, false).trace).collect();
    println!("the same seed twice gives the same trace: {}", if differing.is_empty() { "yes" } else { "NO" });
    differing.is_empty()
}

fn caught(mutant: Mutant, seeds: impl Iterator<Item = u64>) -> bool {
    let started = Instant::now();
    let mut tried = 0_u64;
    for seed in seeds {
        tried += 1;
        let report = simulate(seed, Some(mutant), false);
        if let Some(how) = report.broken.first() {
            println!("mutant {mutant:?} caught by seed {seed} after {tried} seeds in {:.1?}: {how}", started.elapsed());
            return true;
        }
    }
    println!("mutant {mutant:?} NOT CAUGHT by {tried} seeds");
    false
}

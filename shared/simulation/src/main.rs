//! Runs seeds, and mutants to test the test.
#![forbid(unsafe_code)]

use clap::Parser;
use oubli_simulation::{Mutant, Report, promise::Break, simulate};
use std::{
    collections::BTreeMap,
    fs::OpenOptions,
    io::Write as _,
    ops::Range,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

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
    /// Notes progress in this file, and goes on from where it ends.
    #[arg(long)]
    resume: Option<PathBuf>,
}

/// Too rare for a run's seeds: `p4_a_cancel_waits_for_whoever_is_hiding` and `p2_what_a_hold_finds_being_hidden_is_put_back` notice
/// them, each time.
const TOO_RARE: [Mutant; 2] = [Mutant::RestoreBeforeLeaseEnds, Mutant::HoldReadOnce];

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
    let mut tally = Tally::default();
    if arguments.mutant.is_none() {
        failed += u64::from(!all_hold(seeds.clone(), arguments.resume.as_deref(), &mut tally));
        failed += u64::from(!same_twice(seeds.clone().take(50)));
    }
    let mutants: Vec<Mutant> = match arguments.mutant {
        Some(mutant) => vec![mutant],
        None if arguments.no_mutants => vec![],
        None => Mutant::ALL.into_iter().filter(|mutant| !TOO_RARE.contains(mutant)).collect(),
    };
    let verdicts = over(&mutants, |mutant| caught(mutant, seeds.clone(), &tally));
    failed += verdicts.into_iter().filter(|caught| !caught).count() as u64;
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn replay(seed: u64, mutant: Option<Mutant>) -> ExitCode {
    let report = simulate(seed, mutant, true);
    for line in &report.story {
        println!("{line}");
    }
    println!("seed {seed}: {} steps, trace {}, {:?}", report.steps, report.trace, report.endings);
    report.broken.iter().for_each(|b| println!("  {b}{}", if b.rule.known { " (known)" } else { "" }));
    if report.faults().next().is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Tells of the first seed that breaks a promise.
fn until_broken(seeds: Range<u64>) -> ExitCode {
    for from in seeds.clone().step_by(64) {
        let stretch: Vec<u64> = (from..seeds.end.min(from + 64)).collect();
        let reports = over(&stretch, |seed| simulate(seed, None, false));
        for report in &reports {
            if let Some(found) = report.faults().next() {
                println!("seed {}: {found}", report.seed);
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// Spreads seeds or mutants over the cores and gathers what `keep` keeps, in their order.
fn over<I: Copy + Sync, T: Send>(seeds: &[I], keep: impl Fn(I) -> T + Sync) -> Vec<T> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(seeds.len().max(1));
    let chunk = seeds.len().div_ceil(cores).max(1);
    let keep = &keep;
    std::thread::scope(|scope| {
        let running: Vec<_> =
            seeds.chunks(chunk).map(|part| scope.spawn(move || part.iter().map(|s| keep(*s)).collect::<Vec<T>>())).collect();
        running.into_iter().flat_map(|r| r.join().unwrap_or_default()).collect()
    })
}

/// What a stretch of seeds came to: by rule how many seeds broke it, the first few of them, and an example.
#[derive(Default, Clone)]
struct Tally {
    seeds: u64,
    broken: u64,
    endings: BTreeMap<String, u64>,
    rules: BTreeMap<&'static str, (Break, u64, Vec<u64>)>,
}

/// Seeds named for each rule.
const TOLD: usize = 8;

impl Tally {
    fn add(&mut self, report: &Report) {
        self.seeds += 1;
        self.broken += u64::from(report.faults().next().is_some());
        for ending in &report.endings {
            *self.endings.entry(ending.clone()).or_default() += 1;
        }
        for found in &report.broken {
            let entry = self.rules.entry(found.rule.name).or_insert_with(|| (found.clone(), 0, vec![]));
            entry.1 += 1;
            if entry.2.len() < TOLD {
                entry.2.push(report.seed);
            }
        }
    }

    fn print(&self) {
        println!("requests ended: {:?}", self.endings);
        for (name, (found, seeds, first)) in &self.rules {
            let known = if found.rule.known { " (known, counted apart)" } else { "" };
            println!("{} {name}{known}: {seeds} seeds, {first:?}: {}", found.rule.promise, found.how);
            println!("    replay: cargo xtask simulate -- --replay {}", first.first().copied().unwrap_or_default());
        }
    }
}

fn all_hold(seeds: Range<u64>, progress: Option<&Path>, tally: &mut Tally) -> bool {
    let started = Instant::now();
    let before = progress.and_then(|p| std::fs::read_to_string(p).ok()).unwrap_or_default();
    let (from, mut failed) = resumed(&before, seeds.start);
    let mut at = from.min(seeds.end);
    while at < seeds.end {
        let end = (at + STRETCH).min(seeds.end);
        let reports = over(&(at..end).collect::<Vec<u64>>(), |seed| simulate(seed, None, false));
        let mut stretch = Tally::default();
        reports.iter().for_each(|r| stretch.add(r));
        reports.iter().for_each(|r| tally.add(r));
        failed += stretch.broken;
        at = end;
        if let Some(path) = progress
            && let Err(error) = note_progress(path, at, &stretch)
        {
            eprintln!("the progress file cannot be written: {error}");
            return false;
        }
    }
    let known = tally.rules.values().filter(|(f, ..)| f.rule.known).count();
    println!("seeds {from} to {} in {:.1?}: {failed} broke a promise, {known} known rules", seeds.end, started.elapsed());
    tally.print();
    failed == 0 && tally.seeds == seeds.end - from
}

/// Seeds between two notes of progress.
const STRETCH: u64 = 500;

/// The seed after the last that a progress file tells of, and how many broke a promise before it.
fn resumed(text: &str, from: u64) -> (u64, u64) {
    let numbers = |line: &str| -> Vec<u64> { line.split([' ', '(']).filter_map(|word| word.parse().ok()).collect() };
    let done: Vec<Vec<u64>> = text.lines().filter(|l| l.starts_with("done ")).map(numbers).collect();
    let last = done.iter().filter_map(|d| d.first().copied()).max().unwrap_or(from);
    (last, done.iter().filter_map(|d| d.get(1)).sum())
}

fn note_progress(path: &Path, done: u64, stretch: &Tally) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(path)?;
    for (name, (found, seeds, first)) in &stretch.rules {
        writeln!(file, "{} {name}: {seeds} seeds, {first:?}: {}", found.rule.promise, found.how)?;
    }
    writeln!(file, "done {done} ({} of {} broke a promise)", stretch.broken, stretch.seeds)
}

fn same_twice(seeds: impl Iterator<Item = u64>) -> bool {
    let differing: Vec<u64> =
        seeds.filter(|seed| simulate(*seed, None, false).trace != simulate(*seed, None, false).trace).collect();
    println!("the same seed twice gives the same trace: {}", if differing.is_empty() { "yes" } else { "NO" });
    differing.is_empty()
}

/// A mutant is caught by a rule that the engine as it is keeps: in every seed of this run, and in the very seed.
fn caught(mutant: Mutant, seeds: impl Iterator<Item = u64>, sound: &Tally) -> bool {
    let started = Instant::now();
    let mut tried = 0_u64;
    for seed in seeds {
        tried += 1;
        let report = simulate(seed, Some(mutant), false);
        let new = |b: &&Break| !sound.rules.contains_key(b.rule.name);
        let suspects: Vec<&Break> = report.faults().filter(new).collect();
        if suspects.is_empty() {
            continue;
        }
        let unbroken = simulate(seed, None, false);
        let only_here = |b: &&&Break| unbroken.faults().all(|u| u.rule.name != b.rule.name);
        if let Some(how) = suspects.iter().find(only_here) {
            println!("mutant {mutant:?} caught by seed {seed} after {tried} seeds in {:.1?}: {how}", started.elapsed());
            return true;
        }
    }
    println!("mutant {mutant:?} NOT CAUGHT by {tried} seeds");
    false
}

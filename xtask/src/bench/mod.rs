//! `bench`: measurements, most of them over the local stack, as ratios side by side.

mod calls;
mod export;
mod fairness;
mod hide;
mod hold;
mod kill;
mod ledger;
mod memory;
mod processes;
mod start;
mod waiting;

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::job::{self, Job};
use crate::local::{self, Options as LocalOptions, Running};
use crate::{emulator, shell, tools::Venv};

const SUBJECT: &str = "cust-bulk";
const PATIENCE: Duration = Duration::from_secs(1_800);

#[derive(Args)]
pub struct Options {
    what: Bench,
    /// Records of the large request
    #[arg(long)]
    records: Option<u64>,
    /// MiB of objects of the large export
    #[arg(long, default_value_t = 1_024)]
    mib: u64,
    /// Functions built for release, whose own memory is smaller (export)
    #[arg(long)]
    release: bool,
    /// Do not build: take the binaries as they were built last
    #[arg(long)]
    built: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Bench {
    /// AWS calls per batch and phase, by service and operation, and what a request costs besides
    Calls,
    /// Exactness and slow-down under kill -9
    Kill,
    /// Entries sealed a second, beside a linear chain, and AWS calls per 1,000
    Ledger,
    /// Memory and throughput of a large export whose workers are killed, beside a plain copy
    Export,
    /// A small request beside ten organizations with a large one each, and calls beside another organization's flood
    Fairness,
    /// Hiding, beside a plain program that deletes the same number of items one by one
    Hide,
    /// A legal hold placed while records are being hidden, and what a restore gives back
    Hold,
    /// Resident memory of a small request and of a large one
    Memory,
    /// Milliseconds from the start of each function to its first question for an event
    Start,
    /// Messages and calls of a request beside 50, 500 and 5,000 that wait for the one slot
    Waiting,
}

pub fn run(options: &Options) -> Result<()> {
    ensure!(!options.release || matches!(options.what, Bench::Export), "--release is for `bench export` alone");
    let start = matches!(options.what, Bench::Start | Bench::Hide);
    if !options.built && !start {
        crate::deploy::build()?;
    }
    if !options.built && (start || options.release) {
        crate::deploy::build_release()?;
    }
    match options.what {
        Bench::Calls => calls::run(options.records.unwrap_or(10_000)),
        Bench::Kill => kill::run(options.records.unwrap_or(20_000)),
        Bench::Ledger => ledger::run(options.records.unwrap_or(20_000)),
        Bench::Export => export::run(options.records.unwrap_or(100_000), options.mib, options.release),
        Bench::Fairness => fairness::run(options.records.unwrap_or(5_000)),
        Bench::Hide => hide::run(options.records.unwrap_or(10_000)),
        Bench::Hold => hold::run(options.records.unwrap_or(20_000)),
        Bench::Start => start::run(),
        Bench::Waiting => waiting::run(),
        Bench::Memory => memory::run(options.records.unwrap_or(100_000)),
    }
}

/// A fresh stack that holds one more customer, of this many chat messages and a profile.
fn stack(records: u64, options: &LocalOptions) -> Result<Running> {
    let running = local::up(options)?;
    seed(&running, SUBJECT, records)?;
    Ok(running)
}

fn seed(running: &Running, customer: &str, records: u64) -> Result<()> {
    let mut seeder = Venv::Tools.script("infra/local/seed_shop.py")?;
    seeder.args(["--bulk", customer, &records.saturating_sub(1).to_string()]).envs(&running.environment.0);
    shell::output(&mut seeder).map(drop)
}

/// Workers whose leases run out soon, so that what a killed one left is taken over soon.
fn hasty() -> LocalOptions {
    LocalOptions { worker_timeout_seconds: 10, ..Default::default() }
}

/// Erases the bulk customer; returns the time from approval to completion.
fn erase(running: &Running, records: u64, mut watch: impl FnMut(&Value)) -> Result<Duration> {
    let job = Job::submit(&running.environment, SUBJECT, &format!("{SUBJECT}@example.org"))?;
    job.wait(PATIENCE, job::in_review, &mut watch)?;
    job.approve()?;
    let since = Instant::now();
    let mut progress = Progress::default();
    let done = job.wait(PATIENCE, job::completed, |status| {
        progress.look(status);
        watch(status);
    })?;
    let took = since.elapsed();
    let processed: u64 = done["steps"].as_array().into_iter().flatten().filter_map(|s| s["items_processed"].as_u64()).sum();
    ensure!(processed == records, "{processed} records were counted instead of {records}");
    ensure!(!progress.shrank, "progress shrank within a phase");
    Ok(took)
}

#[derive(Default)]
struct Progress {
    phase: String,
    percent: f64,
    shrank: bool,
}

impl Progress {
    fn look(&mut self, status: &Value) {
        let percent = status["progress_percent"].as_f64().unwrap_or_default();
        let phase = status["phase"].as_str().unwrap_or_default();
        self.shrank |= phase == self.phase && percent < self.percent;
        (self.phase, self.percent) = (phase.to_owned(), percent);
    }
}

fn end() -> Result<()> {
    emulator::stop().map(drop)
}

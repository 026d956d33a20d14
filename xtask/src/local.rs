//! `local` and `down`: the whole system on this machine.

use std::time::Instant;

use anyhow::{Context, Result};
use clap::Args;

use crate::{
    deploy, emulator, emulator::Emulator, environment::Environment, seed, shell, tools::Venv, witness, witness::Witness,
};

#[derive(Args)]
pub struct Options {
    /// Do not build: take the binaries as they were built last
    #[arg(long)]
    pub built: bool,
    /// Return when ready instead of serving until Ctrl-C
    #[arg(long)]
    pub detach: bool,
    /// How long hidden data can be restored, as an ordinary setting of the organizations
    #[arg(long, default_value_t = 5)]
    pub recovery_window_seconds: u64,
    /// Time limit of one discovery or deletion invocation, one that template.yaml allows
    #[arg(long, default_value_t = 30)]
    pub worker_timeout_seconds: u32,
    /// Enforce each function's own role
    #[arg(long)]
    pub auth: bool,
    /// A witness cosigns the logs.
    #[arg(skip = true)]
    pub witness: bool,
    #[arg(skip)]
    pub count_calls: bool,
    #[arg(skip)]
    pub release: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            built: false,
            detach: false,
            recovery_window_seconds: 5,
            worker_timeout_seconds: 30,
            auth: false,
            witness: false,
            count_calls: false,
            release: false,
        }
    }
}

pub struct Running {
    pub environment: Environment,
    pub emulator: Emulator,
}

pub fn run(options: &Options) -> Result<()> {
    if !options.built {
        deploy::build()?;
    }
    let running = up(options)?;
    serve(running, options.detach)
}

/// Starts everything, with the binaries as they were built last.
pub fn up(options: &Options) -> Result<Running> {
    Venv::Ministack.bin()?;
    Venv::Tools.bin()?;
    if options.witness {
        Venv::Witness.bin()?;
    }
    let since = Instant::now();
    if emulator::stop()? {
        println!("Stopped the previous one.");
    }
    Environment::remove();
    let emulator = emulator::start(&emulator::Start {
        enforce_iam: options.auth,
        detach: options.detach,
        count_calls: options.count_calls,
    })?;
    let environment = prepare(&emulator, options).inspect_err(|_| {
        if let Err(error) = emulator::stop() {
            eprintln!("{error:#}");
        }
    })?;
    println!("Ready after {:.1} s.", since.elapsed().as_secs_f64());
    Ok(Running { environment, emulator })
}

fn prepare(emulator: &Emulator, options: &Options) -> Result<Environment> {
    println!("Emulator on {}.", emulator.endpoint());
    let since = Instant::now();
    let binaries = if options.release { shell::release_binaries() } else { shell::binaries() };
    let witness = options.witness.then(|| witness::start(emulator)).transpose()?;
    let outputs = deploy::deploy(emulator, &binaries, options.worker_timeout_seconds, witness.as_ref().map(Witness::named))?;
    println!("Deployed template.yaml in {:.1} s.", since.elapsed().as_secs_f64());
    let mut environment = Environment::new(emulator, &outputs)?;
    let since = Instant::now();
    let seeded = seed::shop(&environment)?;
    seed::organizations(&mut environment, options.recovery_window_seconds)?;
    if let Some(witness) = witness {
        witness.trust(&mut environment)?;
    }
    println!("Demo data in {:.1} s: {}.", since.elapsed().as_secs_f64(), seeded.trim());
    environment.write()?;
    Ok(environment)
}

pub fn serve(running: Running, detach: bool) -> Result<()> {
    println!("\n  {}\n  . .local/env    sets this URL, keys and table names", running.environment.get("OUBLI_URL")?);
    if detach {
        println!("  cargo xtask down    stops it");
        return Ok(());
    }
    println!("  Ctrl-C stops it");
    if let Some(mut child) = running.emulator.leash {
        // Waiting through `Child::wait` would close the leash first.
        let leash = child.stdin.take();
        let status = child.wait().context("lost sight of the emulator")?;
        drop(leash);
        println!("The emulator ended with {status}.");
    }
    Ok(())
}

pub fn down() -> Result<()> {
    let stopped = emulator::stop()?;
    Environment::remove();
    println!("{}", if stopped { "Stopped." } else { "Nothing was running." });
    Ok(())
}

//! `test`: all that CI asks for, in the order in which it fails soonest.

use std::path::Path;

use anyhow::Result;
use clap::Args;

use crate::check::{self, Steps};
use crate::{contract, emulator, local, shell, tools::Venv};

#[derive(Args)]
pub struct Options {
    /// Seeds for the simulation
    #[arg(long, default_value_t = 5_000)]
    seeds: u64,
}

#[derive(Args)]
pub struct SimulateOptions {
    /// How many seeds to run
    #[arg(long, default_value_t = 5_000)]
    seeds: u64,
    /// Anything else the simulation understands, after `--`
    #[arg(last = true)]
    rest: Vec<String>,
}

pub fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::default();
    check::all(&mut steps);
    if steps.run("build", crate::deploy::build_with_tests) {
        // A stack of the developer's own is left alone, but two do not fit on one `.local`.
        emulator::stop()?;
        steps.run("unit tests", unit_tests);
        steps.run("simulation", || simulation(&shell::binaries(), options.seeds, &[]));
        steps.run("end to end and the API's description, roles enforced", end_to_end);
    }
    steps.finish()
}

/// Those of the adapters speak to a bare emulator.
fn unit_tests() -> Result<()> {
    let emulator = emulator::start(&emulator::Start { enforce_iam: false, detach: false, count_calls: false })?;
    let tests = shell::run(
        shell::cargo()
            .args(["test", "--quiet", "--workspace", "--exclude", "oubli-tests", "--no-fail-fast"])
            .args(["--features", shell::ADAPTERS_TESTED])
            .envs(emulator::client_environment(emulator.port)),
    );
    emulator::stop()?;
    tests
}

/// Seeds for which it pays to build with optimizations first.
const MANY_SEEDS: u64 = 20_000;

pub fn simulate(options: &SimulateOptions) -> Result<()> {
    if options.seeds < MANY_SEEDS {
        crate::deploy::build()?;
        return simulation(&shell::binaries(), options.seeds, &options.rest);
    }
    let mut build = shell::cargo();
    build.args(["build", "--quiet", "--release", "--package", "oubli-simulation", "--bins"]);
    shell::run(build.envs(crate::deploy::QUICK_RELEASE))?;
    simulation(&shell::release_binaries(), options.seeds, &options.rest)
}

fn simulation(binaries: &Path, seeds: u64, rest: &[String]) -> Result<()> {
    let mut simulate = shell::command(binaries.join("simulate"));
    shell::run(simulate.arg("--seeds").arg(seeds.to_string()).args(rest))
}

fn end_to_end() -> Result<()> {
    Venv::Humancheck.bin()?;
    Venv::Mcp.bin()?;
    let running = local::up(&local::Options { auth: true, witness: true, ..Default::default() })?;
    let tests = shell::run(
        shell::cargo()
            // The whole workspace: one package alone would build its dependencies again with other features.
            .args(["test", "--workspace", "--features", shell::ALL_TESTED, "--test", "e2e"])
            .args(["--", "--test-threads", "4"])
            .envs(&running.environment.0)
            .env("OUBLI_ROLES_ENFORCED", "true"),
    );
    let contract = contract::check(&running.environment, &contract::Options::default());
    emulator::stop()?;
    tests.and(contract)
}

#![forbid(unsafe_code)]
//! Every developer command: `cargo xtask <command>`.

mod bench;
mod check;
mod contract;
mod demo;
mod deploy;
mod emulator;
mod environment;
mod http;
mod job;
mod local;
mod mutants;
mod seed;
mod shell;
mod story;
mod test;
mod tidy;
mod tools;
mod witness;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "Build, run, test and measure Oubli")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Deploy locally, erase one person from submission to completion, keep serving
    Demo(local::Options),
    /// Deploy locally with demo data and ready-made keys
    Local(local::Options),
    /// Stop what demo or local started
    Down,
    /// Everything: format, lints, dependencies, unit tests, simulation, template, end to end, the API's description
    Test(test::Options),
    /// Format, lints, dependencies and template only
    Check,
    /// Whether the running stack's API keeps to its own description
    Contract(contract::Options),
    /// Measure: prints ratios side by side
    Bench(bench::Options),
    /// Break the engine on purpose, one place at a time, and see that it is noticed
    Mutants(mutants::Options),
    /// Try to break the protocol under random faults
    Simulate(test::SimulateOptions),
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Local(options) => local::run(&options),
        Command::Down => local::down(),
        Command::Test(options) => test::run(&options),
        Command::Check => check::run(),
        Command::Contract(options) => contract::run(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Mutants(options) => mutants::run(&options),
        Command::Simulate(options) => test::simulate(&options),
    }
}

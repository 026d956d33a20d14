//! Building the functions and deploying template.yaml to the emulator.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context, Result};

use crate::{emulator, emulator::Emulator, shell, tools::Venv};

pub type Outputs = BTreeMap<String, String>;

pub fn build() -> Result<()> {
    shell::run(shell::cargo().args(["build", "--quiet", "--workspace"]))
}

/// The same with all tests. Features of what only tests use change what functions are built with, so a run of tests
/// that began with [`build`] would build everything twice.
pub fn build_with_tests() -> Result<()> {
    shell::run(shell::cargo().args(["build", "--quiet", "--workspace", "--all-targets", "--features", shell::ALL_TESTED]))
}

/// A release build without link-time optimization, which takes long.
pub const QUICK_RELEASE: [(&str, &str); 2] =
    [("CARGO_PROFILE_RELEASE_LTO", "off"), ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")];

/// The functions as they run on AWS, but without link-time optimization, which takes long.
pub fn build_release() -> Result<()> {
    let mut build = shell::cargo();
    build.args(["build", "--quiet", "--release", "--workspace", "--exclude", "xtask"]);
    shell::run(build.envs(QUICK_RELEASE))
}

/// Tests make calls as fast as they can, for one organization: limits are there, so that everything goes through them, and let
/// all of it through.
const LIMITS: [&str; 7] = [
    "OrganizationCallsPerSecond=10000",
    "OrganizationCallsAtOnce=10000",
    "OrganizationBatchesPerMinute=60000",
    "OrganizationDiscoveriesPerMinute=60000",
    "OrganizationDiscoveriesInFlight=30",
    "OrganizationReportsInFlight=30",
    "OrganizationReviewsWaiting=30",
];

pub fn deploy(emulator: &Emulator, binaries: &Path, worker_timeout_seconds: u32, witness: Option<String>) -> Result<Outputs> {
    let out = shell::local_dir().join("outputs.json");
    shell::output(
        Venv::Tools
            .script("infra/local/deploy.py")?
            .arg("--bin-dir")
            .arg(binaries)
            .arg("--out")
            .arg(&out)
            .arg("--parameter")
            .arg(format!("WorkerTimeoutSeconds={worker_timeout_seconds}"))
            .args(witness.map(|named| format!("--parameter=LedgerWitnesses={named}")))
            .args(LIMITS.iter().flat_map(|limit| ["--parameter", limit]))
            .envs(emulator::client_environment(emulator.port)),
    )?;
    let text = std::fs::read_to_string(&out)?;
    serde_json::from_str(&text).with_context(|| format!("{} is not what a deploy writes", out.display()))
}

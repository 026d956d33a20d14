//! Running other programs from the repository's root.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, bail};

pub fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        here.parent().unwrap_or(here).to_path_buf()
    })
}

/// Tests of adapters, which speak to an emulator.
pub const ADAPTERS_TESTED: &str = "oubli-aws/emulator,oubli-connectors/emulator";

/// And those that need everything deployed.
pub const ALL_TESTED: &str = "oubli-aws/emulator,oubli-connectors/emulator,oubli-tests/e2e";

/// Where everything that a local run leaves behind is kept.
pub fn local_dir() -> PathBuf {
    root().join(".local")
}

/// Where cargo put the binaries of the dev profile.
pub fn binaries() -> PathBuf {
    target().join("debug")
}

/// Where cargo put those of the release profile.
pub fn release_binaries() -> PathBuf {
    target().join("release")
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

pub fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// Cargo, with the versions that are written down and no others.
pub fn cargo() -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.arg("--locked");
    cargo
}

/// Runs with the terminal's own output.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", name(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", name(command));
    }
    Ok(())
}

/// Runs silently and returns what was printed; shows it only when it fails.
pub fn output(command: &mut Command) -> Result<String> {
    let done = command.stdin(Stdio::null()).output().with_context(|| format!("cannot start {}", name(command)))?;
    if !done.status.success() {
        bail!(
            "{} ended with {}\n{}{}",
            name(command),
            done.status,
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&done.stdout).into_owned())
}

fn name(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let arguments = command.get_args().take(4).map(|a| a.to_string_lossy().into_owned());
    let mut words = vec![program.to_string_lossy().into_owned()];
    words.extend(arguments);
    format!("`{}`", words.join(" "))
}

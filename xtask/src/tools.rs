//! Private Python environments, made once for each version of their requirements.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

use crate::shell;

/// They are apart because their pins of the same libraries exclude each other.
#[derive(Clone, Copy)]
pub enum Venv {
    Ministack,
    Sam,
    Tools,
    Witness,
    Contract,
    Deny,
    Humancheck,
    Mcp,
}

impl Venv {
    fn name(self) -> &'static str {
        match self {
            Self::Ministack => "ministack",
            Self::Sam => "sam",
            Self::Tools => "tools",
            Self::Witness => "witness",
            Self::Contract => "contract",
            Self::Deny => "deny",
            Self::Humancheck => "humancheck",
            Self::Mcp => "mcp",
        }
    }

    /// The environment's `bin` directory, installed first where needed.
    pub fn bin(self) -> Result<PathBuf> {
        let requirements = shell::root().join(format!("infra/requirements-{}.txt", self.name()));
        let text = std::fs::read(&requirements).with_context(|| format!("cannot read {}", requirements.display()))?;
        let digest = HEXLOWER.encode(&Sha256::digest(&text)[..6]);
        let venvs = shell::local_dir().join("venvs");
        let venv = venvs.join(format!("{}-{digest}", self.name()));
        if !venv.join("ready").exists() {
            println!("Installing {} (once)", self.name());
            install(&venv, &requirements, self.options())
                .with_context(|| format!("cannot install {}; is there a Python 3 with venv?", requirements.display()))?;
        }
        Ok(venv.join("bin"))
    }

    /// What pip is told besides.
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Witness => &["--ignore-requires-python"],
            Self::Humancheck => &["--no-deps"],
            Self::Ministack | Self::Sam | Self::Tools | Self::Contract | Self::Deny | Self::Mcp => &[],
        }
    }

    pub fn python(self) -> Result<PathBuf> {
        Ok(self.bin()?.join("python"))
    }

    /// A Python script of this repository, run with the environment's own interpreter.
    pub fn script(self, path: &str) -> Result<Command> {
        let mut command = shell::command(self.python()?);
        command.arg(path);
        Ok(command)
    }
}

fn install(venv: &Path, requirements: &Path, options: &[&str]) -> Result<()> {
    // An interrupted install leaves no `ready` file and starts over.
    if venv.exists() {
        std::fs::remove_dir_all(venv)?;
    }
    shell::output(shell::command("python3").args(["-m", "venv"]).arg(venv))?;
    shell::output(
        shell::command(venv.join("bin/python"))
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(options)
            .arg("-r")
            .arg(requirements),
    )?;
    std::fs::write(venv.join("ready"), "")?;
    Ok(())
}

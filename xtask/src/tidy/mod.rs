//! `check`: what compilers and linters do not see.

mod arrows;
mod promises;

use anyhow::{Result, ensure};

pub fn run() -> Result<()> {
    let found = [promises::check()?, arrows::check()?].concat();
    ensure!(found.is_empty(), "\n{}", found.join("\n"));
    Ok(())
}

//! `check`: what compilers and linters do not see.

mod arrows;
mod kinds;
mod loops;
mod promises;

use anyhow::{Result, ensure};

pub fn run() -> Result<()> {
    let found = [promises::check()?, arrows::check()?, kinds::check()?, loops::check()?].concat();
    ensure!(found.is_empty(), "\n{}", found.join("\n"));
    Ok(())
}

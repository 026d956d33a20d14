//! `demo`: one erasure from submission to completion, told as it happens.

use std::time::Instant;

use anyhow::Result;

use crate::local::{self, Options};
use crate::story;

pub fn run(options: &Options) -> Result<()> {
    crate::deploy::build()?;
    let running = local::up(options)?;
    let since = Instant::now();
    if let Err(error) = story::tell(&running.environment) {
        // The evidence outlives the failure.
        eprintln!("\nThe demo failed: {error:#}\nLogs: {}", crate::emulator::log_file().display());
        crate::emulator::stop()?;
        return Err(error);
    }
    println!("\nThe whole story took {:.1} s.", since.elapsed().as_secs_f64());
    local::serve(running, options.detach)
}

//! The processes that the emulator runs functions in.

use std::fs;

use anyhow::Result;

use crate::{emulator, local::Running, shell};

pub struct Process {
    pub pid: u32,
    pub function: String,
}

pub fn all(running: &Running) -> Vec<Process> {
    emulator::members(running.emulator.group)
        .into_iter()
        .filter_map(|pid| {
            let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
            let environment = String::from_utf8_lossy(&environment);
            let name = environment.split('\0').find_map(|v| v.strip_prefix("AWS_LAMBDA_FUNCTION_NAME="))?;
            Some(Process { pid, function: name.to_owned() })
        })
        .collect()
}

impl Process {
    /// The most memory it ever had resident, in KiB.
    pub fn peak_memory(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    }

    pub fn kill(&self) -> Result<()> {
        shell::output(shell::command("kill").args(["-s", "KILL", &self.pid.to_string()])).map(drop)
    }
}

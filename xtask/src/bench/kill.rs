use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use super::processes;
use crate::local::Running;

const KILLS_PER_PHASE: usize = 2;
const BETWEEN: Duration = Duration::from_millis(1_500);

pub fn run(records: u64) -> Result<()> {
    let running = super::stack(records, &super::hasty())?;
    let calm = super::erase(&running, records, |_| ())?;
    super::end()?;

    let running = super::stack(records, &super::hasty())?;
    let mut killer = Killer { running: &running, last: Instant::now(), killed: Vec::new() };
    let troubled = super::erase(&running, records, |status| killer.strike(status))?;
    let killed = killer.killed;
    super::end()?;

    ensure!(!killed.is_empty(), "the job was over before anything was killed: ask for more records");
    println!("\n{records} records, counted exactly both times; killed: {}", killed.join(", "));
    println!("{:<12} {:>9} {:>7}", "", "seconds", "ratio");
    println!("{:<12} {:>9.1} {:>7.2}", "undisturbed", calm.as_secs_f64(), 1.0);
    println!("{:<12} {:>9.1} {:>7.2}", "kill -9", troubled.as_secs_f64(), troubled.as_secs_f64() / calm.as_secs_f64());
    Ok(())
}

struct Killer<'a> {
    running: &'a Running,
    last: Instant,
    killed: Vec<String>,
}

impl Killer<'_> {
    fn strike(&mut self, status: &Value) {
        let phase = status["phase"].as_str().unwrap_or_default();
        let working = ["discovering", "hiding", "purging", "verifying"].contains(&phase);
        let so_far = self.killed.iter().filter(|k| k.ends_with(phase)).count();
        if !working || so_far == KILLS_PER_PHASE || self.last.elapsed() < BETWEEN {
            return;
        }
        let workers = processes::all(self.running)
            .into_iter()
            .filter(|p| p.function.ends_with("-deletion") || p.function.ends_with("-discovery"));
        // The youngest is the likeliest to be at work.
        if let Some(victim) = workers.max_by_key(|p| p.pid)
            && victim.kill().is_ok()
        {
            self.killed.push(format!("{} in {phase}", victim.function));
            self.last = Instant::now();
        }
    }
}

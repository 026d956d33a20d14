//! A witness of the local logs: a program that is not ours, in a process of its own and with a key of its own.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{emulator::Emulator, environment::Environment, http, shell, tools::Venv};

const NAME: &str = "witness.local/oubli";

/// What it cosigns once it has been told of them: the logs of these organizations.
const WITNESSED: [&str; 2] = ["demo", "other"];

pub struct Witness {
    /// Its public key.
    key: String,
    url: String,
    pid: u32,
    config: PathBuf,
}

/// Starts a new one, which ends with the emulator.
pub fn start(emulator: &Emulator) -> Result<Witness> {
    let program = Venv::Witness.bin()?.join("aics-witness");
    let home = shell::local_dir().join("run/witness");
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    fs::create_dir_all(&home)?;
    let config = home.join("witness.json");
    let address = TcpListener::bind(("127.0.0.1", 0)).context("no free port on loopback")?.local_addr()?.to_string();
    let init =
        shell::output(shell::command(&program).args(["init", "--name", NAME, "--listen", &address, "--config"]).arg(&config))?;
    let log = File::create(shell::local_dir().join("logs/witness.log"))?;
    let mut serve = shell::command(&program);
    serve.args(["serve", "--config"]).arg(&config).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let child = serve.process_group(i32::try_from(emulator.group)?).spawn().context("cannot start the witness")?;
    let url = format!("http://{address}");
    let since = Instant::now();
    while http::get(&format!("{url}/healthz")).is_err() {
        ensure!(since.elapsed() < Duration::from_secs(10), "the witness does not answer; see .local/logs/witness.log");
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(Witness { key: init.trim().to_owned(), url, pid: child.id(), config })
}

impl Witness {
    /// As the template names it: its key, and where it answers.
    pub fn named(&self) -> String {
        format!("{} {}", self.key, self.url)
    }

    /// Has it trust the logs of the organizations that there are, and tells tests how to add others.
    pub fn trust(&self, environment: &mut Environment) -> Result<()> {
        let log_key = log_key(environment)?;
        let config = self.config.display().to_string();
        environment.set("OUBLI_WITNESS_KEY", &self.key);
        environment.set("OUBLI_WITNESS_CONFIG", &config);
        environment.set("OUBLI_WITNESS_PID", self.pid.to_string());
        environment.set("OUBLI_WITNESS_PYTHON", Venv::Witness.python()?.display().to_string());
        let origin = log_key.split('+').next().unwrap_or_default();
        let deployment = origin.trim_end_matches(WITNESSED[0]).to_owned();
        let mut trust = Venv::Witness.script("infra/local/trust_logs.py")?;
        trust.args([&config, &self.pid.to_string(), &log_key]);
        shell::output(trust.args(WITNESSED.map(|organization| format!("{deployment}{organization}")))).map(drop)
    }
}

/// The key of the demo's log, once it has an entry.
fn log_key(environment: &Environment) -> Result<String> {
    let mut ask = shell::command(shell::binaries().join("oubli"));
    ask.args(["ledger", "checkpoint", "--json"]).envs(&environment.0);
    ask.env("OUBLI_API_KEY", environment.get("OUBLI_AUDITOR_KEY")?);
    let since = Instant::now();
    loop {
        match shell::output(&mut ask) {
            Ok(answer) => {
                let answer: Value = serde_json::from_str(&answer)?;
                return answer["log_key"].as_str().map(ToOwned::to_owned).context("a checkpoint came without its key");
            }
            Err(error) if since.elapsed() > Duration::from_secs(30) => return Err(error.context("nothing was sealed")),
            Err(_) => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}

//! The AWS emulator: one process group on loopback, its state under `.local/`.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{http, shell, tools::Venv};

pub const REGION: &str = "eu-central-1";
const USUAL_PORT: u16 = 4566;
const LAUNCHER: &str = "infra/local/ministack_launcher.py";

pub struct Emulator {
    pub port: u16,
    /// Its process group, to which the functions belong too.
    pub group: u32,
    /// Its standard input: when this side goes away, for whatever reason, the emulator ends itself.
    pub leash: Option<Child>,
}

pub struct Start {
    pub enforce_iam: bool,
    pub detach: bool,
    /// Functions print how often they called AWS.
    pub count_calls: bool,
}

impl Emulator {
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

pub fn start(options: &Start) -> Result<Emulator> {
    let port = free_port()?;
    for directory in ["run", "logs", "tmp"] {
        fs::create_dir_all(shell::local_dir().join(directory))?;
    }
    let log = File::create(log_file())?;
    let mut command = Venv::Ministack.script(LAUNCHER)?;
    command
        .env("GATEWAY_PORT", port.to_string())
        .env("BIND_HOST", "127.0.0.1")
        .env("MINISTACK_HOST", "127.0.0.1")
        .env("MINISTACK_REGION", REGION)
        .env("IOT_MTLS_ENABLED", "0")
        .env("AUTH", options.enforce_iam.to_string())
        // Functions inherit the emulator's environment.
        .env("OUBLI_COUNT_CALLS", u8::from(options.count_calls).to_string())
        .env("OUBLI_LOCAL_ISSUERS", "1")
        .env("TMPDIR", shell::local_dir().join("tmp"))
        .envs(client_environment(port))
        .env_remove("AWS_CA_BUNDLE")
        .env_remove("AWS_PROFILE")
        .stdout(log.try_clone()?)
        .stderr(log)
        // A group of its own, so that it can be ended together with the functions it runs.
        .process_group(0);
    if options.detach {
        command.stdin(Stdio::null());
    } else {
        command.stdin(Stdio::piped()).env("OUBLI_ON_LEASH", "1");
    }
    let mut child = command.spawn().context("cannot start the emulator")?;
    fs::write(pid_file(), child.id().to_string())?;
    let emulator = Emulator { port, group: child.id(), leash: None };
    let since = Instant::now();
    while http::get(&format!("{}/_ministack/health", emulator.endpoint())).is_err() {
        if let Some(status) = child.try_wait()? {
            bail!("the emulator ended with {status}; see {}", log_file().display());
        }
        if since.elapsed() > Duration::from_secs(30) {
            stop()?;
            bail!("the emulator does not answer; see {}", log_file().display());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(Emulator { leash: (!options.detach).then_some(child), ..emulator })
}

/// Ends the emulator and its functions. Returns whether there was one.
pub fn stop() -> Result<bool> {
    let Ok(text) = fs::read_to_string(pid_file()) else { return Ok(false) };
    let group: u32 = text.trim().parse().context("the emulator's pid file is damaged")?;
    let ours = alive(group);
    if ours {
        for name in ["TERM", "KILL"] {
            signal(name, group);
            let since = Instant::now();
            while !members(group).is_empty() && since.elapsed() < Duration::from_secs(5) {
                std::thread::sleep(Duration::from_millis(50));
            }
            if members(group).is_empty() {
                break;
            }
        }
    }
    fs::remove_file(pid_file()).ok();
    fs::remove_dir_all(shell::local_dir().join("tmp")).ok();
    Ok(ours)
}

pub fn log_file() -> PathBuf {
    shell::local_dir().join("logs/emulator.log")
}

/// What any AWS client needs to talk to the emulator.
pub fn client_environment(port: u16) -> [(&'static str, String); 5] {
    [
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "test".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
    ]
}

/// Processes of the emulator's group: itself and the functions it runs.
pub fn members(group: u32) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok())
        .filter(|pid| {
            let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // The command in parentheses may hold spaces; after it come state, parent and group.
            let mut fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace();
            let running = fields.next() != Some("Z");
            running && fields.nth(1) == Some(group.to_string().as_str())
        })
        .collect()
}

fn alive(group: u32) -> bool {
    // A recorded pid may meanwhile be somebody else's process.
    fs::read(format!("/proc/{group}/cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(LAUNCHER))
        || members(group).iter().any(|pid| {
            fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|env| String::from_utf8_lossy(&env).contains("AWS_LAMBDA_RUNTIME_API="))
        })
}

fn signal(name: &str, group: u32) {
    shell::output(shell::command("kill").args(["-s", name, "--", &format!("-{group}")])).ok();
}

fn pid_file() -> PathBuf {
    shell::local_dir().join("run/emulator.pid")
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", USUAL_PORT)).or_else(|_| TcpListener::bind(("127.0.0.1", 0)));
    Ok(listener.context("no free port on loopback")?.local_addr()?.port())
}

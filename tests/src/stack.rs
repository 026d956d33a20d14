//! The running stack: its variables, and the programs that talk to it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::Api;

pub fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}

/// A variable of the stack: from the environment, else from the file that a local run leaves.
pub fn variable(name: &str) -> Result<String> {
    if let Ok(value) = std::env::var(name) {
        return Ok(value);
    }
    variables()?.into_iter().find(|(n, _)| n == name).map(|(_, v)| v).with_context(|| format!("the stack has no {name}"))
}

fn variables() -> Result<Vec<(String, String)>> {
    let file = root().join(".local/env");
    let text = std::fs::read_to_string(file).context("no stack is running: cargo xtask local --detach")?;
    let lines = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
    Ok(lines.map(|(name, value)| (name.to_owned(), value.trim_matches('\'').to_owned())).collect())
}

/// Never the same twice, so that tests can run side by side and again on the same stack.
pub fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
    format!("{:09}{:02}", now % 1_000_000_000, COUNT.fetch_add(1, Ordering::Relaxed))
}

/// How a program ended.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    pub fn succeeded(self) -> Result<String> {
        if self.code != 0 {
            bail!("it ended with {}: {}{}", self.code, self.out, self.err);
        }
        Ok(self.out)
    }
}

/// A script of `tests/support`, run by the Python that has boto3.
pub fn python(script: &str, arguments: &[&str]) -> Result<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("support").join(script);
    run(Command::new(tools_python()?).arg(path).args(arguments))?.succeeded().with_context(|| script.to_owned())
}

/// The same, going on until its standard input is closed; what it says can be read meanwhile.
pub(crate) fn start_python(script: &str) -> Result<Child> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("support").join(script);
    let mut command = Command::new(tools_python()?);
    command.arg(path).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().with_context(|| script.to_owned())
}

/// A script of `tests/support`, run by Node.
pub fn node(script: &str, arguments: &[&str]) -> Result<Ran> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("support").join(script);
    run(Command::new("node").arg(path).args(arguments))
}

fn tools_python() -> Result<PathBuf> {
    match std::env::var_os("OUBLI_TOOLS_PYTHON") {
        Some(python) => Ok(python.into()),
        None => python_of("tools"),
    }
}

fn python_of(environment: &str) -> Result<PathBuf> {
    let venvs = std::fs::read_dir(root().join(".local/venvs"))?;
    let named = format!("{environment}-");
    let those = venvs.flatten().filter(|venv| venv.file_name().to_string_lossy().starts_with(&named));
    let newest = those.max_by_key(|venv| venv.metadata().and_then(|m| m.modified()).ok());
    let newest = newest.with_context(|| format!("no environment {environment} is installed: cargo xtask test installs it"))?;
    Ok(newest.path().join("bin/python"))
}

/// Has Humancheck's adapter for LangChain ask whether a tool may be called so. Answers what it takes the answer for.
pub fn adapter(api: &Api, tool: &str, arguments: &Value) -> Result<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/humancheck_adapter.py");
    let (url, key) = api.place();
    let mut asks = Command::new(python_of("humancheck")?);
    asks.arg(path).args([url, key, tool, &arguments.to_string()]);
    let said = run(&mut asks)?.succeeded()?;
    let decision = said.lines().find_map(|line| line.strip_prefix("DECISION ")).context("it says nothing")?;
    Ok(serde_json::from_str(decision)?)
}

/// Has the Model Context Protocol's own client for Python call tools of `oubli mcp`: the tools that there are, and each result.
pub fn agent(api: &Api, calls: &[(&str, &Value)]) -> Result<(Value, Vec<Value>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("support/mcp_client.py");
    let (url, key) = api.place();
    let mut agent = Command::new(python_of("mcp")?);
    agent.arg(path).arg(target().join("debug/oubli")).env("OUBLI_URL", url).env("OUBLI_API_KEY", key);
    for (tool, arguments) in calls {
        agent.args([(*tool).to_owned(), arguments.to_string()]);
    }
    let said = run(&mut agent)?.succeeded()?;
    let of = |word: &str| {
        said.lines().filter_map(|line| line.strip_prefix(word)).map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()
    };
    let tools = of("TOOLS ")?.pop().context("it says nothing")?;
    Ok((tools, of("RESULT ")?))
}

/// Has the stack's witness trust the log of an organization; `log_key` is that of any log of the stack.
pub fn trust_log(log_key: &str, organization: &str) -> Result<()> {
    let (origin, _) = log_key.split_once('+').context("no key of a log")?;
    let (deployment, _) = origin.rsplit_once('/').context("no name of a log")?;
    let mut trust = Command::new(variable("OUBLI_WITNESS_PYTHON")?);
    trust.arg(root().join("infra/local/trust_logs.py"));
    trust.args([variable("OUBLI_WITNESS_CONFIG")?, variable("OUBLI_WITNESS_PID")?]);
    run(trust.args([log_key, &format!("{deployment}/{organization}")]))?.succeeded().map(drop)
}

/// A program that was built beside the command line.
pub fn example(name: &str) -> PathBuf {
    target().join("debug/examples").join(name)
}

/// Runs one of them.
pub fn run_example(name: &str, arguments: &[&str]) -> Result<Ran> {
    run(Command::new(example(name)).args(arguments))
}

fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The command line, called with `key`.
pub fn oubli(key: &str, arguments: &[&str]) -> Result<Ran> {
    run(Command::new(target().join("debug/oubli")).args(arguments).env("OUBLI_API_KEY", key))
}

fn run(command: &mut Command) -> Result<Ran> {
    let own = std::env::vars().map(|(name, _)| name).collect::<Vec<_>>();
    // A run without the stack still checks files; so a missing one is not an error here.
    let missing = variables().unwrap_or_default().into_iter().filter(|(name, _)| !own.contains(name));
    let done = command.envs(missing).current_dir(root()).output().context("cannot start a program")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok(Ran { code: done.status.code().unwrap_or(-1), out: text(&done.stdout), err: text(&done.stderr) })
}

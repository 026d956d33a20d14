//! `bench start`: how long a function takes from its start to its first question for an event. Lambda starts a function anew
//! whenever none is idle, and somebody waits for it.

use std::{
    fs,
    io::Read as _,
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Stdio},
    sync::mpsc::{self, Receiver, Sender},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

use crate::{emulator, shell};

const STARTS: usize = 20;
const PATIENCE: Duration = Duration::from_secs(10);
const GOAL_MILLIS: f64 = 15.0;
/// It loads fonts and a PDF engine.
const WITHOUT_GOAL: &str = "report";

/// What a function asks for first (<https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>).
const NEXT: &[u8] = b"GET /2018-06-01/runtime/invocation/next ";

/// When a function asked, and the connection on which it waits.
type Poll = (Instant, TcpStream);

struct Measured {
    function: String,
    median: f64,
    worst: f64,
}

pub fn run() -> Result<()> {
    let settings = settings()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let (polled, polls) = mpsc::channel();
    thread::spawn(move || serve(&listener, &polled));
    let mut all = Vec::new();
    for folder in fs::read_dir(shell::root().join("functions"))? {
        let function = folder?.file_name().to_string_lossy().into_owned();
        let mut millis = Vec::new();
        for _ in 0..STARTS {
            millis.push(start(&function, &settings, address, &polls)?.as_secs_f64() * 1_000.0);
        }
        millis.sort_by(f64::total_cmp);
        all.push(Measured { function, median: millis[STARTS / 2], worst: millis[STARTS - 1] });
    }
    all.sort_by(|a, b| b.median.total_cmp(&a.median));
    println!("\n{:<12} {:>11} {:>11} {:>11}", format!("{STARTS} starts"), "median, ms", "worst, ms", "goal, ms");
    for Measured { function, median, worst } in &all {
        let goal = if function == WITHOUT_GOAL { "none".to_owned() } else { format!("{GOAL_MILLIS:.1}") };
        println!("{function:<12} {median:>11.1} {worst:>11.1} {goal:>11}");
    }
    let slow = all.iter().filter(|m| m.function != WITHOUT_GOAL && m.median >= GOAL_MILLIS).map(|m| m.function.as_str());
    let slow: Vec<_> = slow.collect();
    ensure!(slow.is_empty(), "slow to start: {}", slow.join(", "));
    Ok(())
}

/// What the template tells every function. None of it is used before the first event; where a number is read, this is one.
fn settings() -> Result<Vec<(String, String)>> {
    let template = fs::read_to_string(shell::root().join("template.yaml"))?;
    let names = template.lines().filter_map(|line| line.trim().split_once(':')).map(|(name, _)| name);
    Ok(names.filter(|name| name.starts_with("OUBLI_")).map(|name| (name.to_owned(), "1".to_owned())).collect())
}

/// Starts a function, and ends it once it has asked for an event.
fn start(function: &str, settings: &[(String, String)], runtime: SocketAddr, polls: &Receiver<Poll>) -> Result<Duration> {
    let mut command = shell::command(shell::release_binaries().join(function));
    command
        .env_clear()
        .envs(settings.iter().cloned())
        .env("RUST_LOG", "info")
        .env("AWS_LAMBDA_RUNTIME_API", runtime.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", function)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .env("AWS_REGION", emulator::REGION)
        .env("AWS_ACCESS_KEY_ID", "nobody")
        .env("AWS_SECRET_ACCESS_KEY", "nothing")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let since = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start {function}"))?;
    let polled = polls.recv_timeout(PATIENCE);
    let said = end(&mut child)?;
    match polled {
        Ok((at, _)) => Ok(at - since),
        Err(_) => bail!("{function} asked for no event in {} seconds: {said}", PATIENCE.as_secs()),
    }
}

/// Ends a function; answers what it complained of.
fn end(child: &mut Child) -> Result<String> {
    child.kill()?;
    child.wait()?;
    let mut said = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_string(&mut said)?;
    }
    Ok(said)
}

/// A Runtime API that never has an event: it passes on who asks, and when.
fn serve(listener: &TcpListener, polled: &Sender<Poll>) {
    for mut connection in listener.incoming().flatten() {
        if asks(&mut connection) && polled.send((Instant::now(), connection)).is_err() {
            return;
        }
    }
}

/// Whether somebody asks for an event.
fn asks(connection: &mut TcpStream) -> bool {
    let mut line = [0; NEXT.len()];
    connection.read_exact(&mut line).is_ok() && line == NEXT
}

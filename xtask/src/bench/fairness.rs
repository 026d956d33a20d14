use std::{
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::PATIENCE;
use crate::{
    environment::Environment,
    http::Api,
    job::{self, Job},
    local::{self, Options as LocalOptions, Running},
    seed,
};

const MAP: &str = "infra/maps/demo-shop.yaml";
const DISCOVERY: &str = "/v1/compliance/data-discovery";

/// Organizations that are busy.
const BUSY: usize = 10;
/// Records of the small request.
const SMALL: u64 = 200;
/// Small requests of which the mean is taken.
const TIMES: usize = 2;
/// The emulator is one process: limits are to it as those of a deployment are to a Region.
const BATCHES_PER_MINUTE: &str = "12";
const RECORDS_A_BATCH: &str = "100";
const SLOWER_REQUEST: f64 = 3.0;

/// Threads that flood, and how long each waits after an answer, whatever that says.
const FLOODING: usize = 4;
const IMPATIENCE: Duration = Duration::from_millis(200);
const DISCOVERIES_PER_MINUTE: &str = "30";
/// Until what the flood may do at once is done.
const FIRST_WAVE: Duration = Duration::from_secs(15);
const READS: usize = 150;
const LOOKS: usize = 10;
const SLOWER_CALL: f64 = 1.5;

pub fn run(records: u64) -> Result<()> {
    let requests = requests(records)?;
    let [reads, looks] = calls()?;
    println!("\n{:<52} {:>10} {:>10} {:>7} {:>7}", "milliseconds", "alone", "beside", "ratio", "below");
    for Compared { what, alone, beside, below } in [&requests, &reads, &looks] {
        println!("{what:<52} {alone:>10.0} {beside:>10.0} {:>7.2} {below:>7.1}", beside / alone);
    }
    for Compared { what, alone, beside, below } in [&requests, &reads, &looks] {
        ensure!(beside / alone < *below, "{what}: {:.2} times as long", beside / alone);
    }
    Ok(())
}

/// What something took alone, and beside others.
struct Compared {
    what: String,
    alone: f64,
    beside: f64,
    below: f64,
}

/// Another organization, with the demo's stores and an administrator who decides alone.
struct Organization {
    id: String,
    environment: Environment,
}

impl Organization {
    fn new(running: &Running, id: &str, limits: &[&str]) -> Result<Self> {
        let mut environment = running.environment.clone();
        let email = format!("ada@{id}.example");
        let create =
            ["admin", "organization", "create", "--id", id, "--name", id, "--country", "DE", "--time-zone", "Europe/Berlin"];
        let settings = ["--recovery-window-seconds", "5", "--four-eyes", "false", "--batch-size", RECORDS_A_BATCH];
        let made = seed::oubli(
            &environment,
            None,
            &[&create[..], &settings, &["--administrator", "Ada", "--email", &email, "--json"]].concat(),
        )?;
        let key = seed::text(&made, "key")?;
        seed::oubli(&environment, None, &["admin", "store", "share", "--with", id, "--map", MAP])?;
        seed::oubli(&environment, Some(&key), &["map", "publish", MAP])?;
        seed::oubli(&environment, None, &[&["admin", "organization", "limits", "--id", id], limits].concat())?;
        environment.set("OUBLI_ADMIN_KEY", &key);
        environment.set("OUBLI_REVIEWER_KEY", &key);
        Ok(Self { id: id.to_owned(), environment })
    }
}

/// A small request, alone and beside ten organizations with a large one each.
fn requests(records: u64) -> Result<Compared> {
    let running = local::up(&LocalOptions::default())?;
    let small = |n: usize| -> Result<f64> {
        let customer = format!("cust-small-{n}");
        super::seed(&running, &customer, SMALL)?;
        erased(&running.environment, &customer)
    };
    let mean = |first: usize| -> Result<f64> {
        let took = (first..first + TIMES).map(small).collect::<Result<Vec<_>>>()?;
        #[expect(clippy::cast_precision_loss, reason = "a few")]
        let times = took.len() as f64;
        Ok(took.iter().sum::<f64>() / times)
    };
    small(0)?;
    let alone = mean(1)?;
    let mut large = Vec::new();
    for n in 0..BUSY {
        let busy = Organization::new(&running, &format!("busy-{n}"), &["--batches-per-minute", BATCHES_PER_MINUTE])?;
        let customer = format!("cust-{}", busy.id);
        super::seed(&running, &customer, records)?;
        let job = submitted(&busy.environment, &customer)?;
        job.wait(PATIENCE, job::in_review, |_| {})?;
        large.push(job);
    }
    large.iter().try_for_each(|job| job.approve().map(drop))?;
    for job in &large {
        job.wait(PATIENCE, hides, |_| {})?;
    }
    let beside = mean(1 + TIMES)?;
    for job in &large {
        let status = job.status()?;
        ensure!(
            hides(&status),
            "a large request was through before the small one: ask for more --records than {records}: {status}"
        );
    }
    super::end()?;
    let what = format!("a request of {SMALL} records, beside {BUSY} of {records}");
    Ok(Compared { what, alone, beside, below: SLOWER_REQUEST })
}

fn submitted(environment: &Environment, customer: &str) -> Result<Job> {
    Job::submit(environment, customer, &format!("{customer}@example.org"))
}

/// Milliseconds from submission to completion.
fn erased(environment: &Environment, customer: &str) -> Result<f64> {
    let since = Instant::now();
    let job = submitted(environment, customer)?;
    job.wait(PATIENCE, job::in_review, |_| {})?;
    job.approve()?;
    job.wait(PATIENCE, job::completed, |_| {})?;
    Ok(since.elapsed().as_secs_f64() * 1000.0)
}

fn hides(status: &Value) -> bool {
    status["phase"] == "hiding"
}

/// Calls of one organization, alone and while another one floods `data-discovery`.
fn calls() -> Result<[Compared; 2]> {
    let running = local::up(&LocalOptions::default())?;
    let limits = ["--discoveries-per-minute", DISCOVERIES_PER_MINUTE, "--discoveries-in-flight", "2"];
    let flooding = Organization::new(&running, "flood", &limits)?;
    let api = Api::new(running.environment.get("OUBLI_URL")?, running.environment.get("OUBLI_ADMIN_KEY")?);
    let (subject, email) = (running.environment.get("OUBLI_DEMO_SUBJECT")?, running.environment.get("OUBLI_DEMO_SUBJECT_EMAIL")?);
    let whom = json!({ "subject_id": subject, "subject_email": email });
    let read = || api.get("/v1/compliance/legal-holds").map(drop);
    let look = || api.post(DISCOVERY, &whom).map(drop);
    (0..5).try_for_each(|_| read().and_then(|()| look()))?;
    let alone = (median(READS, read)?, median(LOOKS, look)?);
    let (over, let_in, refused) = (AtomicBool::new(false), AtomicU32::new(0), AtomicU32::new(0));
    let beside = thread::scope(|scope| -> Result<(f64, f64)> {
        let floods: Vec<_> =
            (0..FLOODING).map(|_| scope.spawn(|| flood(&flooding.environment, &whom, &over, &let_in, &refused))).collect();
        thread::sleep(FIRST_WAVE);
        let beside = median(READS, read).and_then(|reads| Ok((reads, median(LOOKS, look)?)));
        over.store(true, Ordering::Relaxed);
        for flood in floods {
            flood.join().map_err(|_| anyhow::anyhow!("a flood broke off"))??;
        }
        beside
    })?;
    super::end()?;
    let (let_in, refused) = (let_in.into_inner(), refused.into_inner());
    println!("the flood: {let_in} discoveries were let in, {refused} were answered 429 with Retry-After");
    ensure!(refused > let_in, "nothing was flooded");
    let compared = |what: &str, alone, beside| Compared { what: what.to_owned(), alone, beside, below: SLOWER_CALL };
    Ok([
        compared("a read beside a flood of discoveries, median", alone.0, beside.0),
        compared("a discovery beside a flood of another's, median", alone.1, beside.1),
    ])
}

fn flood(environment: &Environment, whom: &Value, over: &AtomicBool, let_in: &AtomicU32, refused: &AtomicU32) -> Result<()> {
    let api = Api::new(environment.get("OUBLI_URL")?, environment.get("OUBLI_ADMIN_KEY")?);
    while !over.load(Ordering::Relaxed) {
        match api.try_post(DISCOVERY, whom)? {
            (200 | 202, _) => let_in.fetch_add(1, Ordering::Relaxed),
            (429, Some(seconds)) if seconds > 0 => refused.fetch_add(1, Ordering::Relaxed),
            (status, _) => anyhow::bail!("a flooding call was answered {status}"),
        };
        thread::sleep(IMPATIENCE);
    }
    Ok(())
}

/// Milliseconds that the call in the middle takes.
fn median(times: usize, call: impl Fn() -> Result<()>) -> Result<f64> {
    let mut took = Vec::new();
    for _ in 0..times {
        let since = Instant::now();
        call()?;
        took.push(since.elapsed().as_secs_f64() * 1000.0);
    }
    took.sort_by(f64::total_cmp);
    took.get(times / 2).copied().context("nothing was measured")
}

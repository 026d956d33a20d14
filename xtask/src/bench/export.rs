use std::{
    collections::BTreeSet,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::{SUBJECT, processes};
use crate::{
    environment::Environment,
    http::Api,
    job::text,
    local::{Options as LocalOptions, Running},
    shell,
    tools::Venv,
};

const EXPORTS: &str = "/v1/compliance/export-requests";
const SMALL: u64 = 1_000;
const OBJECT_MIB: u64 = 64;
const ALLOWED: f64 = 1.2;
const KILLS: usize = 2;
/// A million records take the emulator long.
const PATIENCE: Duration = Duration::from_secs(3_600);
const SILENCE: Duration = Duration::from_secs(300);
const BETWEEN: Duration = Duration::from_secs(4);

/// What exports of one customer came to.
struct Made {
    calm: Duration,
    /// The same once more, its workers killed so many times.
    killed: Option<(Duration, usize)>,
    peak_mib: f64,
    /// Of the plain copy: seconds and bytes.
    copy: (f64, f64),
}

pub fn run(records: u64, mib: u64, release: bool) -> Result<()> {
    let few = export(SMALL, 1, 1, 0, release)?;
    let objects = (mib / OBJECT_MIB).max(1);
    let many = export(records, objects, OBJECT_MIB.min(mib), KILLS, release)?;
    let ratio = many.peak_mib / few.peak_mib;
    println!("\n{:<34} {:>18} {:>24} {:>7}", "", "1,000 records, 1 MiB", format!("{records} records, {mib} MiB"), "ratio");
    println!("{:<34} {:>18.1} {:>24.1} {ratio:>7.2}", "peak memory of export, MiB", few.peak_mib, many.peak_mib);
    let (copy_seconds, bytes) = many.copy;
    let rate = |seconds: f64| bytes / seconds / 1024.0 / 1024.0;
    println!("\n{:<34} {:>10} {:>10} {:>7}", "the same bytes, same emulator", "seconds", "MiB/s", "ratio");
    let row = |name: &str, seconds: f64| {
        println!("{name:<34} {seconds:>10.1} {:>10.1} {:>7.2}", rate(seconds), rate(seconds) / rate(copy_seconds));
    };
    row("plain copy", copy_seconds);
    row("export", many.calm.as_secs_f64());
    let (killed, kills) = many.killed.context("nothing was killed")?;
    row(&format!("export, killed {kills} times"), killed.as_secs_f64());
    ensure!(kills == KILLS, "the export was over after {kills} kills: ask for more");
    ensure!(ratio <= ALLOWED, "memory grows with the export: {ratio:.2} times");
    Ok(())
}

fn export(records: u64, objects: u64, mib: u64, kills: usize, release: bool) -> Result<Made> {
    let running = super::stack(records, &LocalOptions { worker_timeout_seconds: 20, release, ..Default::default() })?;
    let environment = &running.environment;
    let python = |arguments: &[&str]| -> Result<Value> {
        let mut script = Venv::Tools.script("infra/local/bulk_objects.py")?;
        Ok(serde_json::from_str(&shell::output(script.args(arguments).envs(&environment.0))?)?)
    };
    let digests = python(&["seed", SUBJECT, &objects.to_string(), &mib.to_string()])?;
    let digests: BTreeSet<String> = serde_json::from_value(digests)?;
    let api = Api::new(environment.get("OUBLI_URL")?, environment.get("OUBLI_ADMIN_KEY")?);
    // However many there are: nobody is there to decide.
    api.patch("/v1/organization", &json!({ "export_review_records": 0 }))?;
    let once = |kills: usize| -> Result<(Duration, f64, usize)> {
        let verified = json!({ "method": "email_link", "verified_at": jiff::Timestamp::now().to_string() });
        let asked = api.post(
            EXPORTS,
            &json!({ "subject_id": SUBJECT, "subject_email": format!("{SUBJECT}@bench.example"), "verification": verified }),
        )?;
        let id = text(&asked, "request_id")?.to_owned();
        let watched = watch(&running, &api, &id, kills)?;
        check(environment, &api, &id, records + objects, &digests)?;
        api.post(&format!("{EXPORTS}/{id}/revoke"), &json!({}))?;
        println!("{records} records and {objects} objects exported in {:.1} s, checked", watched.0.as_secs_f64());
        Ok(watched)
    };
    let (calm, mut peak_mib, _) = once(0)?;
    let mut killed = None;
    if kills > 0 {
        let (took, peak, kills) = once(kills)?;
        killed = Some((took, kills));
        peak_mib = peak_mib.max(peak);
    }
    let copied = python(&["copy", SUBJECT, environment.get("OUBLI_EXPORT_BUCKET")?])?;
    let number = |name: &str| copied[name].as_f64().with_context(|| format!("no {name} in {copied}"));
    let copy = (number("seconds")?, number("bytes")?);
    super::end()?;
    Ok(Made { calm, killed, peak_mib, copy })
}

/// Until it can be opened: how long packaging took, the most memory of any worker, and how many were killed.
fn watch(running: &Running, api: &Api, id: &str, kills: usize) -> Result<(Duration, f64, usize)> {
    let (mut peak_mib, mut killed, mut began, mut last) = (0.0_f64, 0, None, Instant::now());
    let (patience, mut answered) = (Instant::now(), Instant::now());
    loop {
        let status = match api.get(&format!("{EXPORTS}/{id}/status")) {
            Ok(status) => status,
            // The emulator answers nobody while it puts gigabytes of parts together.
            Err(_) if answered.elapsed() < SILENCE => continue,
            Err(error) => return Err(error),
        };
        answered = Instant::now();
        let workers: Vec<_> = processes::all(running).into_iter().filter(|p| p.function.ends_with("-export")).collect();
        for worker in &workers {
            #[expect(clippy::cast_precision_loss, reason = "memory sizes are far below 2^52")]
            let mib = worker.peak_memory().unwrap_or_default() as f64 / 1024.0;
            peak_mib = peak_mib.max(mib);
        }
        match text(&status, "phase")? {
            "available" => return Ok((began.unwrap_or(patience).elapsed(), peak_mib, killed)),
            "failed" => anyhow::bail!("the export failed: {status}"),
            "packaging" => {
                let since = *began.get_or_insert_with(Instant::now);
                let due = killed < kills && since.elapsed() > BETWEEN && last.elapsed() > BETWEEN;
                if let Some(victim) = workers.iter().max_by_key(|p| p.pid).filter(|_| due)
                    && victim.kill().is_ok()
                {
                    (killed, last) = (killed + 1, Instant::now());
                }
            }
            _ => {}
        }
        ensure!(patience.elapsed() < PATIENCE, "not done: {status}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Opens it as an officer would, and compares it with its sources.
fn check(environment: &Environment, api: &Api, id: &str, records: u64, digests: &BTreeSet<String>) -> Result<()> {
    let folder = shell::local_dir().join("bench-export");
    std::fs::remove_dir_all(&folder).ok();
    let mut open = shell::command(shell::binaries().join("oubli"));
    open.args(["export", "open", id, "--json", "--out"]).arg(&folder).envs(&environment.0);
    let said: Value = serde_json::from_str(&shell::output(open.env("OUBLI_API_KEY", environment.get("OUBLI_ADMIN_KEY")?))?)?;
    ensure!(said["complete"] == true && said["records"] == records, "it holds {said}, not {records} records");
    let shown = api.get(&format!("{EXPORTS}/{id}"))?;
    ensure!(shown["records"] == records, "{shown}");
    let found = objects(&folder)?;
    ensure!(found == *digests, "the objects in it are not the sources");
    std::fs::remove_dir_all(&folder).context("cannot remove what was unpacked")
}

fn objects(folder: &Path) -> Result<BTreeSet<String>> {
    let manifest: Value = serde_json::from_slice(&std::fs::read(folder.join("manifest.json"))?)?;
    let files = manifest["files"].as_array().context("a manifest without files")?;
    let objects = files.iter().filter(|f| f["name"].as_str().is_some_and(|n| n.starts_with("objects/")));
    Ok(objects.filter_map(|f| f["sha256"].as_str().map(str::to_owned)).collect())
}

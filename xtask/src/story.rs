//! The demo's erasure over HTTP, and the facts checked behind its back.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::environment::Environment;
use crate::http::Api;
use crate::job::{self, Job, text};
use crate::seed::{DEMO_SUBJECT, DEMO_SUBJECT_EMAIL};
use crate::{shell, tools::Venv};

const PATIENCE: Duration = Duration::from_secs(120);
/// What must stay of the demo subject: invoices and vouchers of the last seven years, and the audit logs.
const KEPT: [(&str, u64); 3] = [("shop-invoices", 3), ("shop-audit-logs", 20), ("shop-loyalty", 1)];

pub fn tell(environment: &Environment) -> Result<()> {
    let api = |key| Ok::<_, anyhow::Error>(Api::new(environment.get("OUBLI_URL")?, environment.get(key)?));
    let shop = Shop { environment };

    heading("What the shop holds");
    let before = shop.inspect("before")?;
    println!("  Customer {DEMO_SUBJECT}: {}", counts(&before.left));

    heading("Submitted");
    let job = Job::submit(environment, DEMO_SUBJECT, DEMO_SUBJECT_EMAIL)?;
    println!("  {}, {}, due {}", job.id, text(&job.submitted, "status")?, text(&job.submitted, "deadline")?);

    heading("Found");
    let mut watch = Watch::default();
    job.wait(PATIENCE, job::in_review, |status| watch.show(status))?;
    categories(&discover(&api("OUBLI_ADMIN_KEY")?)?);

    heading("Approved by somebody else");
    let approval = job.approve()?;
    println!("  execution {}, {}", text(&approval, "execution_id")?, text(&approval, "status")?);

    heading("Hidden, restorable, then gone");
    let mut watch = Watch::default();
    let finished = job.wait(PATIENCE, job::completed, |status| watch.show(status))?;
    steps(&finished);

    heading("Checked in the stores themselves");
    let after = shop.inspect("after")?;
    println!("  Left of {DEMO_SUBJECT}: {}", counts(&after.left));
    println!("  Everybody else's data: {}", if after.others_unchanged { "unchanged" } else { "CHANGED" });
    for (store, left) in &after.left {
        let kept = KEPT.iter().find(|(name, _)| name == store).map_or(0, |(_, count)| *count);
        ensure!(*left == kept, "{store} should hold {kept} records of the subject and holds {left}");
    }
    ensure!(after.others_unchanged, "data of other customers changed");

    heading("The audit log");
    let auditor = api("OUBLI_AUDITOR_KEY")?;
    audit(&auditor, &job.id)?;

    heading("Certified, and checked without a network");
    certify(environment, &auditor, &job.id)
}

/// Prints a status whenever its phase changes.
struct Watch {
    since: Instant,
    last: String,
}

impl Default for Watch {
    fn default() -> Self {
        Self { since: Instant::now(), last: String::new() }
    }
}

impl Watch {
    fn show(&mut self, status: &Value) {
        let line = format!("{} ({})", plain(&status["phase"]), plain(&status["status"]));
        if line != self.last {
            let seconds = self.since.elapsed().as_secs_f64();
            println!("  {seconds:>5.1} s  {line:<44} {:>3} %", plain(&status["progress_percent"]));
            self.last = line;
        }
    }
}

fn discover(api: &Api) -> Result<Value> {
    let body = json!({ "subject_id": DEMO_SUBJECT, "subject_email": DEMO_SUBJECT_EMAIL });
    let mut found = api.post("/v1/compliance/data-discovery", &body)?;
    let since = Instant::now();
    while found.get("data_categories").is_none() {
        ensure!(since.elapsed() < PATIENCE, "discovery does not finish: {found}");
        let path = format!("/v1/compliance/data-discovery/{}", text(&found, "discovery_id")?);
        std::thread::sleep(Duration::from_millis(300));
        let next = api.get(&path)?;
        if next.get("data_categories").is_some() {
            found = next;
        }
    }
    Ok(found)
}

fn categories(found: &Value) {
    println!("  {:<22} {:>9} {:>12}  kept because", "category", "documents", "bytes");
    for category in found["data_categories"].as_array().into_iter().flatten() {
        println!(
            "  {:<22} {:>9} {:>12}  {}",
            plain(&category["name"]),
            plain(&category["document_count"]),
            plain(&category["total_size_bytes"]),
            plain(&category["retention_reason"]),
        );
    }
    println!("  {:<22} {:>9} {:>12}", "all", plain(&found["total_items"]), plain(&found["total_size_bytes"]));
}

fn steps(status: &Value) {
    for step in status["steps"].as_array().into_iter().flatten() {
        println!(
            "           {:<28} {:<10} {} of {}",
            plain(&step["name"]),
            plain(&step["status"]),
            plain(&step["items_processed"]),
            plain(&step["items_total"]),
        );
    }
}

fn audit(auditor: &Api, id: &str) -> Result<()> {
    let since = Instant::now();
    let log = loop {
        let log = whole_log(auditor)?;
        let mine = log.iter().filter(|e| e["request_id"] == id).collect::<Vec<_>>();
        if mine.iter().any(|e| e["event_type"] == "request_completed") && mine.iter().all(|e| e["sealed"] != false) {
            break log;
        }
        ensure!(since.elapsed() < PATIENCE, "the audit log is not sealed: {mine:?}");
        std::thread::sleep(Duration::from_millis(250));
    };
    let short = |value: &Value| plain(value).chars().take(15).collect::<String>();
    println!("  {:<30} {:<24} {:<16} {:<16}", "time", "event", "hash", "previous");
    for entry in log.iter().filter(|e| e["request_id"] == id) {
        println!(
            "  {:<30} {:<24} {:<16} {:<16}",
            plain(&entry["timestamp"]),
            plain(&entry["event_type"]),
            short(&entry["hash"]),
            short(&entry["previous_hash"]),
        );
    }
    let log: Vec<_> = log.iter().filter(|e| e["sealed"] != false).collect();
    for pair in log.windows(2) {
        ensure!(pair[1]["previous_hash"] == pair[0]["hash"], "the hash chain breaks at {}", pair[1]["audit_id"]);
    }
    println!("  {} entries in the organization's log, each holding the hash of the one before it.", log.len());
    Ok(())
}

/// The certificate as the person gets it, and what the verifier says of it.
fn certify(environment: &Environment, auditor: &Api, id: &str) -> Result<()> {
    let checkpoint = auditor.get("/v1/compliance/audit-log/checkpoint")?;
    let file = shell::local_dir().join("certificate.pdf");
    std::fs::remove_file(&file).ok();
    let oubli = || shell::command(shell::binaries().join("oubli"));
    let mut certify = oubli();
    certify.args(["certificate", id, "--out"]).arg(&file).env("OUBLI_API_KEY", environment.get("OUBLI_OFFICER_KEY")?);
    shell::output(certify.env("OUBLI_URL", environment.get("OUBLI_URL")?))?;
    let key = text(&checkpoint, "log_key")?;
    let said = shell::output(oubli().arg("verify").arg(&file).args(["--key", key, "--subject", DEMO_SUBJECT]))?;
    println!("  {}\n  key {key}", file.display());
    for line in said.lines() {
        println!("  {line}");
    }
    Ok(())
}

/// Every entry of the organization, since one request's entries need not be neighbours.
fn whole_log(auditor: &Api) -> Result<Vec<Value>> {
    let (mut log, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = auditor.get(&format!("/v1/compliance/audit-log?limit=100{cursor}"))?;
        log.extend(page["entries"].as_array().cloned().unwrap_or_default());
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(log),
        }
    }
}

/// The emulator's stores, seen without Oubli.
struct Shop<'a> {
    environment: &'a Environment,
}

struct Inspection {
    left: BTreeMap<String, u64>,
    others_unchanged: bool,
}

impl Shop<'_> {
    fn inspect(&self, moment: &str) -> Result<Inspection> {
        let mut script = Venv::Tools.script("infra/local/inspect_shop.py")?;
        script.arg(moment).arg(shell::local_dir().join("run/shop.json")).envs(&self.environment.0);
        let seen: Value = serde_json::from_str(&shell::output(&mut script)?)?;
        let left = seen["left"].as_object().context("the shop's inspection names no stores")?;
        Ok(Inspection {
            left: left.iter().map(|(store, n)| (store.clone(), n.as_u64().unwrap_or_default())).collect(),
            others_unchanged: seen["others_unchanged"] == true,
        })
    }
}

fn counts(left: &BTreeMap<String, u64>) -> String {
    let shown: Vec<_> = left.iter().filter(|(_, n)| **n > 0).map(|(store, n)| format!("{store} {n}")).collect();
    shown.join(", ")
}

fn heading(text: &str) {
    println!("\n{text}");
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

//! `oubli report`.

use crate::{
    client::{Client, path_id},
    failure::Failure,
    output::{self, plain},
    proofs::write_new,
};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::{
    path::PathBuf,
    thread::sleep,
    time::{Duration, Instant},
};

const PATH: &str = "/v1/compliance/reports";

#[derive(Clone, Copy, ValueEnum)]
enum ReportKind {
    /// Erasures under Art. 17 GDPR
    GdprErasure,
    /// The metrics that 11 CCR 7102 (CCPA) asks for
    CcpaMetrics,
    /// Response and completion against their targets
    Sla,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Csv,
    Pdf,
}

#[derive(Args)]
pub struct Options {
    /// What about
    #[arg(value_enum)]
    kind: ReportKind,
    /// First day of the period
    #[arg(long, value_name = "DATE")]
    from: String,
    /// Last day of the period
    #[arg(long, value_name = "DATE")]
    to: String,
    /// How it is written
    #[arg(long, value_enum, default_value_t = Format::Pdf)]
    format: Format,
    /// The file to write; named after the period unless given
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Wait so many seconds for a report that takes long
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    timeout: u64,
}

pub fn run(client: &Client, options: &Options, json: bool) -> Result<(), Failure> {
    let kind = match options.kind {
        ReportKind::GdprErasure => "gdpr_erasure",
        ReportKind::CcpaMetrics => "ccpa_metrics",
        ReportKind::Sla => "sla",
    };
    let format = match options.format {
        Format::Json => "json",
        Format::Csv => "csv",
        Format::Pdf => "pdf",
    };
    let period = json!({ "start_date": options.from, "end_date": options.to });
    let mut file = client.post_file(PATH, &json!({ "type": kind, "period": period, "format": format }))?;
    if file.status == 202 {
        let id = plain(&serde_json::from_slice::<Value>(&file.bytes).unwrap_or_default()["report_id"]);
        wait(client, &id, options.timeout)?;
        file = client.get_file(&format!("{PATH}/{}/file", path_id(&id)?), &[("format", Some(format.to_owned()))])?;
    }
    let out = options.out.clone().unwrap_or_else(|| format!("{kind}-{}-{}.{format}", options.from, options.to).into());
    write_new(&out, &file.bytes)?;
    if json {
        output::print_json(&json!({ "file": out, "bytes": file.bytes.len() }));
    } else {
        output::print(&format!("Wrote {}.", out.display()));
    }
    Ok(())
}

fn wait(client: &Client, id: &str, timeout: u64) -> Result<(), Failure> {
    let since = Instant::now();
    loop {
        let report = client.get(&format!("{PATH}/{}", path_id(id)?), &[])?;
        match report["status"].as_str() {
            Some("completed") => return Ok(()),
            Some("running") if since.elapsed() < Duration::from_secs(timeout) => sleep(Duration::from_secs(1)),
            Some("running") => return Err(Failure::Refused(format!("report {id} still runs; GET {PATH}/{id}/file later"))),
            _ => return Err(Failure::Refused(format!("the report failed: {}", plain(&report["failure"]["message"])))),
        }
    }
}

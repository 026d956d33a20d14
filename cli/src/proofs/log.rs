//! `oubli log`.

use super::write_new;
use crate::{client::Client, failure::Failure, output};
use clap::{Args, Subcommand};
use data_encoding::BASE64;
use serde_json::json;
use std::path::PathBuf;

const PATH: &str = "/v1/compliance/audit-log";

#[derive(Subcommand)]
pub enum Command {
    /// Show the newest signed checkpoint and the key it is signed with; keep both
    Checkpoint,
    /// Prove that an entry is in the log, or that the log only grew since an earlier checkpoint
    Prove(Prove),
    /// Export the whole log, with its checkpoint beside it
    Export(Export),
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Prove {
    /// The entry's place, from 0
    #[arg(long, value_name = "N")]
    index: Option<u64>,
    /// The size of an earlier checkpoint
    #[arg(long, value_name = "SIZE")]
    from: Option<u64>,
}

#[derive(Args)]
pub struct Export {
    /// The file to write, an entry a line; the checkpoint goes beside it, with .checkpoint at the end of its name
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

pub fn run(client: &Client, command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Checkpoint => {
            let answer = client.get(&format!("{PATH}/checkpoint"), &[])?;
            if json {
                output::print_json(&answer);
            } else {
                output::print(&output::lines(&answer, &["origin", "size", "root", "sealed_at", "log_key"]));
                output::print(answer["checkpoint"].as_str().unwrap_or_default());
            }
        }
        Command::Prove(Prove { index, from }) => {
            let number = |n: &Option<u64>| n.map(|n| n.to_string());
            let answer = client.get(&format!("{PATH}/proof"), &[("index", number(index)), ("from", number(from))])?;
            match answer["proof"].as_str().filter(|_| !json) {
                Some(proof) => output::print(proof),
                None => output::print_json(&answer),
            }
        }
        Command::Export(export) => run_export(client, export, json)?,
    }
    Ok(())
}

fn run_export(client: &Client, export: &Export, json: bool) -> Result<(), Failure> {
    let (mut lines, mut from) = (Vec::new(), Some(0_u64));
    let mut checkpoint = Vec::new();
    while let Some(at) = from {
        let part = client.post_file(&format!("{PATH}/exports"), &json!({ "format": "ndjson", "from": at }))?;
        lines.extend_from_slice(&part.bytes);
        from = part.header("oubli-next-index").and_then(|n| n.parse().ok());
        let note = part.header("oubli-checkpoint").and_then(|n| BASE64.decode(n.as_bytes()).ok());
        checkpoint = note.ok_or_else(|| Failure::Unreachable("an export came without its checkpoint".to_owned()))?;
    }
    let beside = PathBuf::from(format!("{}.checkpoint", export.out.display()));
    write_new(&export.out, &lines)?;
    write_new(&beside, &checkpoint)?;
    let entries = lines.iter().filter(|b| **b == b'\n').count();
    if json {
        output::print_json(&json!({ "file": export.out, "checkpoint": beside, "entries": entries }));
    } else {
        let out = export.out.display();
        output::print(&format!("Wrote {entries} entries to {out}; check them with: oubli verify log {out} --key KEY"));
    }
    Ok(())
}

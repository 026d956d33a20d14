//! `oubli ledger`.

use super::write_new;
use crate::{client::Client, failure::Failure, output};
use clap::{Args, Subcommand};
use data_encoding::BASE64;
use oubli_domain::ledger::Checkpoint;
use serde_json::{Value, json};
use std::path::PathBuf;

const PATH: &str = "/v1/compliance/audit-log";

#[derive(Subcommand)]
pub enum Command {
    /// Show the newest signed checkpoint and the key it is signed with; keep both
    Checkpoint,
    /// Prove that an entry is in the log, or that the log only grew since an earlier checkpoint
    Prove(Prove),
    /// Export the log, or what is in it between two dates, with its checkpoint beside it
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
    /// The file to write, an entry a line; the checkpoint goes beside it, with .checkpoint at the end of its name, and
    /// for a part of the log a .proof
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Begin with the first entry not before this date, or time with its offset
    #[arg(long, value_name = "DATE")]
    start_date: Option<String>,
    /// End with the last entry not after this date, which is included, or time with its offset
    #[arg(long, value_name = "DATE")]
    end_date: Option<String>,
}

pub fn run(client: &Client, command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Checkpoint => {
            let answer = client.get(&format!("{PATH}/checkpoint"), &[])?;
            if json {
                output::print_json(&answer);
            } else {
                output::print(&output::lines(&answer, &["origin", "size", "root", "sealed_at", "log_key"]));
                answer["witnesses"].as_array().into_iter().flatten().for_each(|witness| output::print(&of_witness(witness)));
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

/// How far a witness is, in a line.
fn of_witness(witness: &Value) -> String {
    let text = |name: &str| witness[name].as_str().unwrap_or_default();
    let far = match witness["cosigned_size"].as_u64() {
        Some(size) => format!("cosigned {size} entries at {}", text("cosigned_at")),
        None => "cosigned nothing yet".to_owned(),
    };
    let failing = match witness["failing_since"].as_str() {
        Some(since) => format!("; does not cosign since {since}: {}", text("failure")),
        None => String::new(),
    };
    format!("witness {}: {far}{failing}", text("key"))
}

fn run_export(client: &Client, export: &Export, json: bool) -> Result<(), Failure> {
    let (mut lines, mut from) = (Vec::new(), Some(0_u64));
    let mut checkpoint = Vec::new();
    while let Some(at) = from {
        let mut body = json!({ "format": "ndjson", "from": at });
        for (name, date) in [("start_date", &export.start_date), ("end_date", &export.end_date)] {
            if let Some(date) = date {
                body[name] = date.clone().into();
            }
        }
        let part = client.post_file(&format!("{PATH}/exports"), &body)?;
        lines.extend_from_slice(&part.bytes);
        from = part.header("oubli-next-index").and_then(|n| n.parse().ok());
        let note = part.header("oubli-checkpoint").and_then(|n| BASE64.decode(n.as_bytes()).ok());
        checkpoint = note.ok_or_else(|| Failure::Unreachable("an export came without its checkpoint".to_owned()))?;
    }
    let beside = |ending: &str| PathBuf::from(format!("{}.{ending}", export.out.display()));
    let entries = lines.iter().filter(|b| **b == b'\n').count();
    write_new(&export.out, &lines)?;
    write_new(&beside("checkpoint"), &checkpoint)?;
    let (first, last) = (place(lines.split(|b| *b == b'\n').next()), place(lines.rsplit(|b| *b == b'\n').nth(1)));
    let size = Checkpoint::read(&String::from_utf8_lossy(&checkpoint)).map(|c| c.size).unwrap_or_default();
    // A part of a log: its last entry is proved, and those before it by the chain.
    let part = (first, last) != (Some(0), size.checked_sub(1));
    if let Some(last) = last.filter(|_| part) {
        let proof = client.get(&format!("{PATH}/proof"), &[("index", Some(last.to_string()))])?;
        write_new(&beside("proof"), proof["proof"].as_str().unwrap_or_default().as_bytes())?;
    }
    if json {
        let proof = last.filter(|_| part).map(|_| beside("proof"));
        let files = json!({ "file": export.out, "checkpoint": beside("checkpoint"), "proof": proof, "entries": entries });
        output::print_json(&files);
    } else if entries == 0 {
        output::print("The log has no entry between these dates.");
    } else {
        let out = export.out.display();
        output::print(&format!("Wrote {entries} entries to {out}; check them with: oubli verify log {out} --key KEY"));
    }
    Ok(())
}

/// An entry's place in the log.
fn place(line: Option<&[u8]>) -> Option<u64> {
    serde_json::from_slice::<serde_json::Value>(line?).ok()?["index"].as_u64()
}

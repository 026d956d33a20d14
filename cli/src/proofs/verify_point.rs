//! `oubli verify checkpoint` and `oubli verify entry`.

use super::{
    read_text,
    witnessed::{Asked, check, listed, not_verified, words},
};
use crate::{failure::Failure, output};
use clap::Args;
use oubli_domain::ledger::{Checkpoint, TlogProof, check_leaf};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Args)]
pub struct CheckpointOptions {
    /// A checkpoint, a signed note
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Args)]
pub struct EntryOptions {
    /// As `oubli ledger prove --index N --json` prints it
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    asked: Asked,
}

pub fn checkpoint(options: &CheckpointOptions, json: bool) -> Result<(), Failure> {
    let note = read_text(&options.file)?;
    let policy = options.asked.policy()?;
    let key = options.asked.key_for(policy.as_ref(), &note)?;
    let checkpoint = Checkpoint::open(&note, &key).map_err(not_verified)?;
    let cosigned = check(policy.as_ref(), &note, &key, None)?;
    if json {
        output::print_json(&json!({
            "verified": true, "origin": checkpoint.origin, "size": checkpoint.size, "root": checkpoint.root,
            "cosigned_by": listed(&cosigned),
        }));
        return Ok(());
    }
    let by = if cosigned.is_empty() { String::new() } else { format!(", and cosigned by {}", words(&cosigned)) };
    let (origin, size) = (&checkpoint.origin, checkpoint.size);
    output::print(&format!("Verified: the log {origin} signed this checkpoint of {size} entries{by}."));
    Ok(())
}

pub fn entry(options: &EntryOptions, json: bool) -> Result<(), Failure> {
    let file: Value = serde_json::from_str(&read_text(&options.file)?).unwrap_or_default();
    let shape = || not_verified("the file is not an entry with its proof, as oubli ledger prove --index N --json prints it");
    let (entry, proof) = file["entry"].as_str().zip(file["proof"].as_str()).ok_or_else(shape)?;
    let proof: TlogProof = proof.parse().map_err(not_verified)?;
    let policy = options.asked.policy()?;
    let key = options.asked.key_for(policy.as_ref(), &proof.checkpoint)?;
    let content = check_leaf(entry.as_bytes()).map_err(not_verified)?;
    let checkpoint = proof.check(entry.as_bytes(), &key).map_err(not_verified)?;
    if content["index"].as_u64() != Some(proof.index) {
        return Err(not_verified("the entry names another place in the log than its proof"));
    }
    let written = content["timestamp"].as_str().and_then(|at| at.parse().ok());
    let cosigned = check(policy.as_ref(), &proof.checkpoint, &key, written)?;
    if json {
        output::print_json(&json!({
            "verified": true, "index": proof.index, "origin": checkpoint.origin, "size": checkpoint.size, "entry": content,
            "cosigned_by": listed(&cosigned),
        }));
        return Ok(());
    }
    let by = if cosigned.is_empty() { String::new() } else { format!(", cosigned by {}", words(&cosigned)) };
    output::print(&format!(
        "Verified: this is entry {} of the log {}, among the {} of its signed checkpoint{by}.",
        proof.index, checkpoint.origin, checkpoint.size
    ));
    Ok(())
}

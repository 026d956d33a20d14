//! What can be proved: certificates and the audit log, fetched and checked. Checking needs no network.

pub mod certificate;
pub mod ledger;
pub mod verify;
mod verify_log;
mod verify_point;
mod witnessed;

use crate::failure::Failure;
use oubli_domain::ledger::LedgerKey;
use std::{fs, path::Path};

/// A file's bytes.
///
/// # Errors
/// It cannot be read.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|e| Failure::Usage(format!("cannot read {}: {e}", path.display())))
}

/// A file's text.
///
/// # Errors
/// It cannot be read, or is not text.
fn read_text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(read(path)?).map_err(|_| Failure::Usage(format!("{} is not a text file", path.display())))
}

/// Writes a new file; one that is there is left alone.
///
/// # Errors
/// It is there, or cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    use std::io::Write as _;
    let file = fs::OpenOptions::new().write(true).create_new(true).open(path);
    let written = file.and_then(|mut file| file.write_all(bytes));
    written.map_err(|e| Failure::Usage(format!("cannot write {}: {e}", path.display())))
}

fn key(text: &str) -> Result<LedgerKey, Failure> {
    text.trim().parse().map_err(|e: oubli_domain::ledger::CheckpointError| Failure::Usage(e.to_string()))
}

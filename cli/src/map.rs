//! `oubli map`.

use crate::{failure::Failure, output};
use clap::{Args, Subcommand};
use oubli_domain::datamap::{Finding, InvalidMap, MAX_BYTES, Severity, parse};
use serde_json::json;
use std::{fs::File, io::Read as _, path::PathBuf};

#[derive(Subcommand)]
pub enum Command {
    /// Check a data map without publishing it
    Check(OneFile),
}

#[derive(Args)]
pub struct OneFile {
    /// The map, YAML
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl OneFile {
    /// The file's text.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self) -> Result<String, Failure> {
        let mut text = String::new();
        let unreadable = |e: std::io::Error| Failure::Usage(format!("cannot read {}: {e}", self.file.display()));
        let file = File::open(&self.file).map_err(unreadable)?;
        // One byte more than is accepted tells that it is too large.
        file.take(MAX_BYTES as u64 + 1).read_to_string(&mut text).map_err(unreadable)?;
        Ok(text)
    }

    /// A finding, so that an editor can jump to it.
    pub fn locate(&self, finding: &Finding) -> String {
        let severity = if finding.severity == Severity::Refused { "refused" } else { "warning" };
        let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}{line}: {severity}: {}", self.file.display(), finding.message)
    }
}

pub fn run(command: &Command, json: bool) -> Result<(), Failure> {
    let Command::Check(file) = command;
    let (summary, findings, refused) = match parse(&file.read()?) {
        Ok((map, warnings)) => {
            let summary = format!("Accepted: {} stores, {} producers.", map.stores.len(), map.producers.len());
            (summary, warnings, None)
        }
        Err(InvalidMap::Refused(findings)) => (String::new(), findings, Some("the data map is refused".to_owned())),
        Err(other) => (String::new(), Vec::new(), Some(format!("the data map is refused: {other}"))),
    };
    if json {
        output::print_json(&json!({ "accepted": refused.is_none(), "findings": findings, "error": refused }));
    } else {
        let mut lines: Vec<_> = findings.iter().map(|f| file.locate(f)).collect();
        lines.push(summary);
        output::print(&lines.join("\n"));
    }
    refused.map_or(Ok(()), |reason| Err(Failure::Refused(reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_leads_to_its_line() {
        let file = OneFile { file: "map.yaml".into() };
        let finding = Finding { severity: Severity::Warning, line: Some(7), message: "look".to_owned() };
        assert_eq!(file.locate(&finding), "map.yaml:7: warning: look");
    }
}

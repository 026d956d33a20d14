//! `oubli map`.

use crate::{failure::Failure, output};
use clap::{Args, Subcommand};
use oubli_aws::Aws;
use oubli_connectors::{Options, Registry, survey};
use oubli_domain::datamap::{DataMap, Finding, InvalidMap, MAX_BYTES, Severity, parse, producer_lines};
use serde_json::json;
use std::{fs::File, io::Read as _, path::PathBuf};

#[derive(Subcommand)]
pub enum Command {
    /// Check a data map without publishing it
    Check(Check),
    /// Draft a data map from tables and buckets, with your AWS credentials
    Suggest(crate::suggest::Options),
}

#[derive(Args)]
pub struct Check {
    #[command(flatten)]
    file: OneFile,
    /// Ask the stores too, with your AWS credentials: missing tables, keys, indexes and buckets are refused, and tables
    /// that no producer names are looked through for fields that look personal
    #[arg(long)]
    live: bool,
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
    let Check { file, live } = match command {
        Command::Check(check) => check,
        Command::Suggest(options) => return crate::suggest::run(options, json),
    };
    let text = file.read()?;
    let (summary, findings, refused) = match parse(&text) {
        Ok((map, mut findings)) => {
            let summary = format!("Accepted: {} stores, {} producers.", map.stores.len(), map.producers.len());
            if *live {
                findings.extend(ask_stores(&map, &text)?);
            }
            let refused = findings.iter().any(|f| f.severity == Severity::Refused);
            let refused = refused.then(|| "the stores are not as the data map says".to_owned());
            (if refused.is_some() { String::new() } else { summary }, findings, refused)
        }
        Err(InvalidMap::Refused(findings)) => (String::new(), findings, Some("the data map is refused".to_owned())),
        Err(other) => (String::new(), Vec::new(), Some(format!("the data map is refused: {other}"))),
    };
    if json {
        output::print_json(&json!({ "accepted": refused.is_none(), "findings": findings, "error": refused }));
    } else {
        let mut lines: Vec<_> = findings.iter().map(|f| file.locate(f)).collect();
        lines.extend(Some(summary).filter(|s| !s.is_empty()));
        output::print(&lines.join("\n"));
    }
    refused.map_or(Ok(()), |reason| Err(Failure::Refused(reason)))
}

fn ask_stores(map: &DataMap, text: &str) -> Result<Vec<Finding>, Failure> {
    crate::admin::with_runtime(async {
        let aws = Aws::from_env().await.map_err(|e| Failure::Usage(e.to_string()))?;
        let options = Options { path_style: aws.path_style(), ..Options::default() };
        Ok(survey(&Registry::new(aws.config().clone(), options), map, &producer_lines(text)).await)
    })
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

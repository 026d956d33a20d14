//! `oubli map`.

mod check;
mod diff;
mod live;
mod publish;
mod roles;
mod show;

use crate::{client::Client, failure::Failure, output};
use clap::{Args, Subcommand};
use oubli_domain::datamap::{Finding, MAX_BYTES, Severity};
use serde_json::Value;
use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
};

#[derive(Subcommand)]
pub enum Command {
    /// Check a data map without publishing it
    Check(Box<check::Options>),
    /// Publish a data map as a new version
    Publish(publish::Options),
    /// Publish the data map that another administrator proposed
    Confirm(publish::Confirm),
    /// Print the data map that is published, as it was written
    Show(show::Options),
    /// Say what one data map says otherwise than another; ends with 0 if nothing, with 1 if something
    Diff(diff::Options),
    /// Draft a data map from tables and buckets, with your AWS credentials
    Suggest(crate::suggest::Options),
}

#[derive(Args, Clone)]
pub struct OneFile {
    /// The map, YAML
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl OneFile {
    /// This one.
    pub fn of(file: &Path) -> Self {
        Self { file: file.to_owned() }
    }

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

    /// A finding as compilers write it, so that an editor can jump to it.
    pub fn locate(&self, finding: &Finding) -> String {
        let severity = if finding.severity == Severity::Refused { "refused" } else { "warning" };
        let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
        let field = finding.field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default();
        output::clean(&format!("{}{line}: {severity}: {field}{}", self.file.display(), finding.words()))
    }

    /// The same of a finding that the service answered.
    fn located(&self, finding: &Value) -> String {
        let line = finding["line"].as_u64().map(|line| format!(":{line}")).unwrap_or_default();
        let (severity, message) = (output::plain(&finding["severity"]), output::plain(&finding["message"]));
        output::clean(&format!("{}{line}: {severity}: {message}", self.file.display()))
    }
}

pub fn run(client: impl FnOnce() -> Result<Client, Failure>, command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Check(options) => check::run(options, json),
        Command::Publish(options) => publish::run(&client()?, options, json),
        Command::Confirm(options) => publish::confirm(&client()?, options, json),
        Command::Show(options) => show::run(&client()?, options, json),
        Command::Diff(options) => diff::run(client, options, json),
        Command::Suggest(options) => crate::suggest::run(options, json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_leads_to_its_line() {
        let file = OneFile { file: "map.yaml".into() };
        let finding = Finding::warn(Some(7), "look".to_owned());
        assert_eq!(file.locate(&finding), "map.yaml:7: warning: look");
    }
}

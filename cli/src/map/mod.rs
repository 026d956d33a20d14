//! `oubli map`.

mod check;
mod diff;
mod live;
mod roles;
mod show;

use crate::{failure::Failure, output};
use clap::{Args, Subcommand};
use oubli_domain::datamap::{Finding, MAX_BYTES, Severity};
use std::{fs::File, io::Read as _, path::PathBuf};

#[derive(Subcommand)]
pub enum Command {
    /// Check a data map without publishing it
    Check(Box<check::Options>),
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
}

pub fn run(command: &Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Check(options) => check::run(options, json),
        Command::Show(options) => show::run(options, json),
        Command::Diff(options) => diff::run(options, json),
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

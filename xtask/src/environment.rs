//! `.local/env`: what a shell, the tests and the command line need to talk to the local stack.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::{deploy::Outputs, emulator, emulator::Emulator, shell};

/// Variables by name, in the order of the alphabet.
#[derive(Clone, Default)]
pub struct Environment(pub BTreeMap<String, String>);

/// Template outputs under the names that functions and command line read. Queues are not listed: those of `DiscoveryQueueUrl`
/// and its like follow from the output's own name.
const FROM_OUTPUTS: [(&str, &str); 15] = [
    ("OUBLI_CONTROL_TABLE", "ControlTable"),
    ("OUBLI_KEYS_TABLE", "KeysTable"),
    ("OUBLI_DIRECTORY_TABLE", "DirectoryTable"),
    ("OUBLI_DECISIONS_TABLE", "DecisionsTable"),
    ("OUBLI_LEDGER_TABLE", "LedgerTable"),
    ("OUBLI_WORK_BUCKET", "WorkBucket"),
    ("OUBLI_LEDGER_BUCKET", "LedgerBucket"),
    ("OUBLI_IDENTITY_KEY_ID", "IdentityKeyId"),
    ("OUBLI_MANIFEST_KEY_ID", "ManifestKeyId"),
    ("OUBLI_VAULT_KEY_ID", "VaultKeyId"),
    ("OUBLI_EXPORT_KEY_ID", "ExportKeyId"),
    ("OUBLI_MAC_KEY_ID", "MacKeyId"),
    ("OUBLI_LEDGER_KEY_ID", "LedgerKeyId"),
    ("OUBLI_EXPORT_BUCKET", "ExportBucket"),
    ("OUBLI_API_ID", "ApiId"),
];

impl Environment {
    pub fn new(emulator: &Emulator, outputs: &Outputs) -> Result<Self> {
        let mut environment = Self::default();
        for (name, value) in emulator::client_environment(emulator.port) {
            environment.set(name, value);
        }
        for (name, output) in FROM_OUTPUTS {
            let value = outputs.get(output).with_context(|| format!("the template has no output {output}"))?;
            environment.set(name, value);
        }
        for (output, url) in outputs {
            if let Some(queue) = output.strip_suffix("QueueUrl") {
                environment.set(&format!("OUBLI_{}_QUEUE_URL", queue.to_uppercase()), url);
            }
        }
        let api = environment.get("OUBLI_API_ID")?.to_owned();
        environment.set("OUBLI_URL", format!("{}/_aws/execute-api/{api}", emulator.endpoint()));
        Ok(environment)
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.0.insert(name.to_owned(), value.into());
    }

    pub fn get(&self, name: &str) -> Result<&str> {
        self.0.get(name).map(String::as_str).with_context(|| format!("{name} is not in the local environment"))
    }

    /// That of the stack that is running.
    pub fn read() -> Result<Self> {
        let text = std::fs::read_to_string(file()).context("no stack is running: cargo xtask local --detach")?;
        let lines = text.lines().filter_map(|line| line.strip_prefix("export ")?.split_once('='));
        let plain = |value: &str| value.trim_matches('\'').replace(r"'\''", "'");
        Ok(Self(lines.map(|(name, value)| (name.to_owned(), plain(value))).collect()))
    }

    pub fn write(&self) -> Result<()> {
        let mut text = String::new();
        for (name, value) in &self.0 {
            writeln!(text, "export {name}='{}'", value.replace('\'', r"'\''"))?;
        }
        // It holds keys: nobody else on the machine reads them.
        Self::remove();
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let mut file = options.open(file()).context("cannot write .local/env")?;
        file.write_all(text.as_bytes()).context("cannot write .local/env")
    }

    pub fn remove() {
        std::fs::remove_file(file()).ok();
    }
}

fn file() -> PathBuf {
    shell::local_dir().join("env")
}

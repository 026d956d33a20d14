//! `oubli admin map`.

use super::organization_id;
use crate::{failure::Failure, map::OneFile, output};
use clap::{Args, Subcommand};
use oubli_domain::ids::OrganizationId;
use oubli_engine::Engine;
use serde_json::json;

#[derive(Subcommand)]
pub enum Command {
    /// Publish a new version of the data map; requests under way keep theirs
    Publish(Publish),
}

#[derive(Args)]
pub struct Publish {
    /// Whose
    #[arg(long, value_parser = organization_id, value_name = "ID")]
    organization: OrganizationId,
    #[command(flatten)]
    file: OneFile,
}

pub async fn run(engine: &Engine, command: &Command, json: bool) -> Result<(), Failure> {
    let Command::Publish(Publish { organization, file }) = command;
    let (version, findings) = engine.directory().publish_map(organization, &file.read()?).await?;
    if json {
        output::print_json(&json!({ "version": version, "findings": findings }));
        return Ok(());
    }
    let mut lines: Vec<_> = findings.iter().map(|f| file.locate(f)).collect();
    lines.push(format!("Published version {version}."));
    output::print(&lines.join("\n"));
    Ok(())
}

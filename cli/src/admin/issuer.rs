//! `oubli admin issuer`.

use super::organization_id;
use crate::{failure::Failure, output};
use clap::{Args, Subcommand};
use oubli_domain::ids::{InvalidId, IssuerName, OrganizationId};
use oubli_engine::Engine;
use serde_json::json;

#[derive(Subcommand)]
pub enum Command {
    /// Take an issuer from an organization that has another one's: no token of it is accepted there any more
    Remove(Remove),
}

#[derive(Args)]
pub struct Remove {
    /// From whom
    #[arg(long = "from", value_parser = organization_id, value_name = "ID")]
    organization: OrganizationId,
    /// What that organization calls it
    #[arg(value_parser = issuer_name, value_name = "NAME")]
    name: IssuerName,
}

fn issuer_name(text: &str) -> Result<IssuerName, String> {
    text.parse().map_err(|e: InvalidId| e.to_string())
}

pub async fn run(engine: &Engine, operator: Option<&str>, command: &Command, json: bool) -> Result<(), Failure> {
    let Command::Remove(Remove { organization, name }) = command;
    engine.directory().operator(organization, operator).remove_issuer(name).await?;
    if json {
        output::print_json(&json!({ "organization_id": organization, "name": name, "removed": true }));
    } else {
        output::print(&format!("{organization} takes no tokens of {name} any more."));
    }
    Ok(())
}

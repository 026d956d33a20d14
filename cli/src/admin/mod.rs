//! `oubli admin`: straight to the deployment's tables, with the caller's own AWS credentials.

mod key;
mod map;
mod organization;

use crate::failure::Failure;
use clap::Subcommand;
use oubli_aws::Aws;
use oubli_connectors::{Options, Registry};
use oubli_domain::ids::OrganizationId;
use std::sync::Arc;

#[derive(Subcommand)]
pub enum Command {
    /// Organizations and their settings
    #[command(subcommand)]
    Organization(organization::Command),
    /// API keys
    #[command(subcommand)]
    Key(key::Command),
    /// Data maps
    #[command(subcommand)]
    Map(map::Command),
}

/// Runs an admin command.
pub fn run(command: Command, json: bool) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::Refused(format!("no runtime: {e}")))?;
    runtime.block_on(async {
        let aws = Aws::from_env().await.map_err(|e| Failure::Usage(e.to_string()))?;
        let stores = Registry::new(aws.config().clone(), Options::default());
        let engine = aws.engine(Arc::new(stores)).map_err(|e| Failure::Usage(e.to_string()))?;
        match command {
            Command::Organization(command) => organization::run(&engine, command, json).await,
            Command::Key(command) => key::run(&engine, command, json).await,
            Command::Map(command) => map::run(&engine, &command, json).await,
        }
    })
}

/// An organization's id as clap reads it.
fn organization_id(text: &str) -> Result<OrganizationId, String> {
    text.parse().map_err(|e: oubli_domain::ids::InvalidId| e.to_string())
}

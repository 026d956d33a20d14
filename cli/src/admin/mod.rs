//! `oubli admin`: straight to the deployment's tables, with the caller's own AWS credentials.

mod index;
mod issuer;
mod organization;
mod store;

use crate::failure::Failure;
use clap::Subcommand;
use oubli_aws::Aws;
use oubli_domain::ids::OrganizationId;
use oubli_engine::{Engine, ports::NoStores};
use std::sync::Arc;

#[derive(Subcommand)]
pub enum Command {
    /// New organizations, and their administrators
    #[command(subcommand)]
    Organization(organization::Command),
    /// The audit log's index of people
    #[command(subcommand)]
    Index(index::Command),
    /// Stores, which belong to one organization each
    #[command(subcommand)]
    Store(store::Command),
    /// Issuers of tokens, each audience of which belongs to one organization
    #[command(subcommand)]
    Issuer(issuer::Command),
}

/// Runs an admin command.
pub fn run(command: Command, json: bool) -> Result<(), Failure> {
    with_engine(async |aws, engine| {
        let operator = aws.caller().await;
        match command {
            Command::Organization(command) => organization::run(engine, operator.as_deref(), command, json).await,
            Command::Index(command) => index::run(engine, &command, json).await,
            Command::Store(command) => store::run(engine, operator.as_deref(), &command, json).await,
            Command::Issuer(command) => issuer::run(engine, operator.as_deref(), &command, json).await,
        }
    })
}

/// Runs what needs the deployment's tables.
///
/// # Errors
/// Its own, or the environment cannot be read.
pub fn with_engine<T>(work: impl AsyncFnOnce(&Aws, &Engine) -> Result<T, Failure>) -> Result<T, Failure> {
    with_runtime(async {
        let aws = Aws::from_env().await.map_err(|e| Failure::Usage(e.to_string()))?;
        let engine = aws.engine(Arc::new(NoStores)).map_err(|e| Failure::Usage(e.to_string()))?;
        work(&aws, &engine).await
    })
}

/// Runs what calls AWS.
///
/// # Errors
/// Its own.
pub fn with_runtime<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|e| Failure::Refused(format!("no runtime: {e}")))?.block_on(work)
}

/// An organization's id as clap reads it.
pub fn organization_id(text: &str) -> Result<OrganizationId, String> {
    text.parse().map_err(|e: oubli_domain::ids::InvalidId| e.to_string())
}

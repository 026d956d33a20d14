//! `oubli admin store`.

use super::organization_id;
use crate::{failure::Failure, map::OneFile, output};
use clap::{Args, Subcommand};
use oubli_domain::ids::OrganizationId;
use oubli_engine::Engine;
use serde_json::json;
use std::path::PathBuf;

#[derive(Subcommand)]
pub enum Command {
    /// Let an organization name stores that belong to another one: it will search, export and erase there, too
    Share(Share),
}

#[derive(Args)]
pub struct Share {
    /// With whom
    #[arg(long = "with", value_parser = organization_id, value_name = "ID")]
    organization: OrganizationId,
    /// Which: dynamodb/TABLE, dynamodb/REGION/TABLE or s3/BUCKET
    #[arg(value_name = "STORE", required_unless_present = "map")]
    stores: Vec<String>,
    /// Every store that this data map names
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
}

pub async fn run(engine: &Engine, operator: Option<&str>, command: &Command, json: bool) -> Result<(), Failure> {
    let Command::Share(Share { organization, stores, map }) = command;
    let administration = engine.directory().operator(organization, operator);
    for store in stores {
        administration.share_store(store).await?;
    }
    let mut shared = stores.clone();
    if let Some(file) = map {
        shared.extend(administration.share_stores_of(&OneFile::of(file).read()?).await?);
    }
    if json {
        output::print_json(&json!({ "organization_id": organization, "shared": shared }));
    } else {
        output::print(&format!("Shared with {organization}: {}", shared.join(", ")));
    }
    Ok(())
}

//! `oubli admin index`.

use super::organization_id;
use crate::{failure::Failure, output};
use clap::{Args, Subcommand};
use oubli_domain::ids::OrganizationId;
use oubli_engine::Engine;
use serde_json::json;

#[derive(Subcommand)]
pub enum Command {
    /// Make a year's index of people unreadable, for ever; the audit log itself stays whole
    Forget(Forget),
}

#[derive(Args)]
pub struct Forget {
    /// Whose
    #[arg(long, value_parser = organization_id, value_name = "ID")]
    organization: OrganizationId,
    /// Which
    #[arg(long, value_parser = clap::value_parser!(i16).range(2026..=9999))]
    year: i16,
}

pub async fn run(engine: &Engine, command: &Command, json: bool) -> Result<(), Failure> {
    let Command::Forget(Forget { organization, year }) = command;
    if !engine.ledger().forget_subject_index(organization, *year).await? {
        return Err(Failure::Refused(format!("{organization} has no index of {year}, or it was forgotten before")));
    }
    if json {
        output::print_json(&json!({ "organization_id": organization, "forgotten": year }));
    } else {
        output::print(&format!("Nobody can look up people in the audit log's index of {year} any more."));
    }
    Ok(())
}

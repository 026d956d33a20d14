//! `oubli admin key`.

use super::organization_id;
use crate::{failure::Failure, output};
use clap::{Args, Subcommand};
use oubli_domain::{access::Role, ids::OrganizationId};
use oubli_engine::{Engine, EngineError};
use serde_json::{Value, json};

#[derive(Subcommand)]
pub enum Command {
    /// Make an API key; it is shown this once
    Create(Create),
    /// List an organization's keys
    List(Of),
    /// Give a key one-time codes, for organizations that want one to open an export; those it had are void
    Enroll(Revoke),
    /// Revoke a key
    Revoke(Revoke),
}

#[derive(Args)]
pub struct Of {
    /// Whose
    #[arg(long, value_parser = organization_id, value_name = "ID")]
    organization: OrganizationId,
}

#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    of: Of,
    /// privacy_officer, reviewer, auditor, administrator or service
    #[arg(long)]
    role: Role,
    /// Whom or what it is for
    #[arg(long)]
    name: String,
}

#[derive(Args)]
pub struct Revoke {
    #[command(flatten)]
    of: Of,
    /// The key's id, as listed
    #[arg(value_name = "KEY_ID")]
    key_id: String,
}

pub async fn run(engine: &Engine, command: Command, json: bool) -> Result<(), Failure> {
    let (answer, text) = match command {
        Command::Create(create) => {
            let key = value(&engine.directory().create_key(&create.of.organization, create.role, create.name).await?)?;
            let text = output::lines(&key, &["key", "key_id", "actor"]) + "\nThe key is not shown again.";
            (key, text)
        }
        Command::List(of) => {
            let keys = value(&engine.directory().keys(&of.organization).await?)?;
            let columns = ["key_id", "name", "role", "actor", "created_at", "revoked_at"];
            let text = output::fields(output::list(&keys), &columns);
            (json!({ "keys": keys }), text)
        }
        Command::Enroll(one) => {
            let codes = value(&engine.directory().enroll_codes(&one.of.organization, &one.key_id).await?)?;
            let text = output::lines(&codes, &["key_id", "url", "secret"])
                + "\nAdd it to an app for one-time codes; it is not shown again.";
            (codes, text)
        }
        Command::Revoke(revoke) => {
            engine.directory().revoke_key(&revoke.of.organization, &revoke.key_id).await?;
            (json!({ "key_id": revoke.key_id, "revoked": true }), "Revoked.".to_owned())
        }
    };
    if json {
        output::print_json(&answer);
    } else {
        output::print(&text);
    }
    Ok(())
}

fn value(from: &impl serde::Serialize) -> Result<Value, Failure> {
    serde_json::to_value(from).map_err(|e| EngineError::internal(format!("an answer: {e}")).into())
}

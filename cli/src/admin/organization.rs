//! `oubli admin organization`.

use super::organization_id;
use crate::{failure::Failure, organization::Limits, output};
use clap::{Args, Subcommand};
use oubli_domain::{
    access::{Role, Roles},
    deadline::Country,
    ids::OrganizationId,
    personal::Identifier,
    settings::Settings,
};
use oubli_engine::{
    Engine,
    directory::{Administration, Member, NewKey, NewKeyWanted, NewMember},
};
use serde_json::{Value, json};
use uuid::Uuid;

#[derive(Subcommand)]
pub enum Command {
    /// Make an organization with its first administrator; one that is there already is left as it is
    Create(Box<Create>),
    /// Add an administrator with a key, where nobody else can any more
    Administrator(Add),
}

#[derive(Args)]
pub struct Create {
    #[command(flatten)]
    of: Of,
    /// Its name
    #[arg(long)]
    name: String,
    /// The controller's country, whose public holidays move deadlines
    #[arg(long)]
    country: Country,
    /// The controller's time zone, such as Europe/Berlin
    #[arg(long)]
    time_zone: String,
    #[command(flatten)]
    administrator: Administrator,
    #[command(flatten)]
    limits: Limits,
}

#[derive(Args)]
pub struct Of {
    /// Its id: a to z, 0 to 9, _ and -
    #[arg(long, value_parser = organization_id)]
    id: OrganizationId,
}

#[derive(Args)]
struct Administrator {
    /// The administrator's name
    #[arg(long, value_name = "NAME")]
    administrator: String,
    /// The administrator's address
    #[arg(long, value_parser = address, value_name = "ADDRESS")]
    email: String,
}

#[derive(Args)]
pub struct Add {
    #[command(flatten)]
    of: Of,
    #[command(flatten)]
    administrator: Administrator,
}

pub async fn run(engine: &Engine, operator: Option<&str>, command: Command, json: bool) -> Result<(), Failure> {
    match command {
        Command::Create(create) => {
            let mut settings = Settings::new(create.name, create.country, create.time_zone);
            create.limits.apply(&mut settings);
            let administration = engine.directory().operator(&create.of.id, operator);
            if !administration.create_organization(settings).await? {
                let text = "It is there already. Its administrators change it: oubli organization set.";
                return Err(Failure::Refused(text.to_owned()));
            }
            add(&administration, create.of.id, create.administrator, json).await
        }
        Command::Administrator(Add { of, administrator }) => {
            add(&engine.directory().operator(&of.id, operator), of.id.clone(), administrator, json).await
        }
    }
}

async fn add(
    administration: &Administration,
    id: OrganizationId,
    Administrator { administrator, email }: Administrator,
    json: bool,
) -> Result<(), Failure> {
    let roles = Roles::of(Role::Administrator);
    let new = NewMember { name: administrator.clone(), email, roles, teams: vec![], oidc_subjects: vec![] };
    let member = administration.create_member(Uuid::now_v7(), new).await?;
    let wanted = NewKeyWanted { member: Some(member.id), name: administrator, ..NewKeyWanted::default() };
    let key = administration.create_key(Uuid::now_v7(), wanted).await?;
    let answer = as_json(&id, &member, &key);
    if json {
        output::print_json(&answer);
    } else {
        let text = output::lines(&answer, &["organization_id", "member_id", "key", "key_id", "expires_at"]);
        output::print(&(text + "\nThe key is not shown again."));
    }
    Ok(())
}

/// An email address as clap reads it.
fn address(text: &str) -> Result<String, &'static str> {
    Identifier::parse_email(text).map(|_| text.to_owned()).map_err(|_| "it is no email address")
}

fn as_json(id: &OrganizationId, member: &Member, key: &NewKey) -> Value {
    json!({
        "organization_id": id,
        "member_id": member.id,
        "key": key.key,
        "key_id": key.key_id,
        "expires_at": key.expires_at,
    })
}

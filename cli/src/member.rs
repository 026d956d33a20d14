//! `oubli member`.

use crate::{
    client::{Client, given, path_id},
    failure::Failure,
    output::{self, fields, list},
};
use clap::{Args, Subcommand};
use oubli_domain::access::Role;
use serde_json::{Value, json};

const PATH: &str = "/v1/organization/members";
const SHOWN: [&str; 6] = ["member_id", "name", "email", "roles", "teams", "active"];

#[derive(Subcommand)]
pub enum Command {
    /// Add a member
    Add(Add),
    /// List the members
    List,
    /// Show a member
    Show(One),
    /// Change a member; what is not given stays
    Change(Change),
}

#[derive(Args)]
pub struct Add {
    /// Their name
    #[arg(long)]
    name: String,
    /// Their address
    #[arg(long)]
    email: String,
    /// What they may do: privacy_officer, reviewer, auditor, administrator; with commas between
    #[arg(long = "role", value_name = "ROLES", value_delimiter = ',', required = true)]
    roles: Vec<Role>,
    /// The teams they are in, with commas between
    #[arg(long = "team", value_name = "TEAMS", value_delimiter = ',')]
    teams: Vec<String>,
}

#[derive(Args)]
pub struct One {
    /// The member's id, as listed
    #[arg(value_name = "MEMBER_ID")]
    id: String,
}

#[derive(Args)]
pub struct Change {
    #[command(flatten)]
    one: One,
    /// Their name
    #[arg(long)]
    name: Option<String>,
    /// Their address
    #[arg(long)]
    email: Option<String>,
    /// What they may do, instead of what they might before; with commas between
    #[arg(long = "role", value_name = "ROLES", value_delimiter = ',')]
    roles: Option<Vec<Role>>,
    /// The teams they are in, instead of those before; none: --team ''
    #[arg(long = "team", value_name = "TEAMS", value_delimiter = ',')]
    teams: Option<Vec<String>>,
    /// Whether their credentials are accepted
    #[arg(long, value_name = "BOOL")]
    active: Option<bool>,
}

pub fn run(client: &Client, command: Command, json: bool) -> Result<(), Failure> {
    let answer = match command {
        Command::Add(Add { name, email, roles, teams }) => {
            client.post(PATH, &json!({ "name": name, "email": email, "roles": roles, "teams": teams }))?
        }
        Command::List => {
            let answer = client.get(PATH, &[])?;
            if json {
                output::print_json(&answer);
            } else {
                output::print(&fields(list(&answer["members"]), &SHOWN));
            }
            return Ok(());
        }
        Command::Show(One { id }) => client.get(&format!("{PATH}/{}", path_id(&id)?), &[])?,
        Command::Change(change) => client.patch(&format!("{PATH}/{}", path_id(&change.one.id)?), &body(&change))?,
    };
    if json {
        output::print_json(&answer);
    } else {
        output::print(&output::lines(&answer, &SHOWN));
    }
    Ok(())
}

fn body(change: &Change) -> Value {
    let teams = change.teams.as_ref().map(|teams| teams.iter().filter(|team| !team.is_empty()).collect::<Vec<_>>());
    given([
        ("name", json!(change.name)),
        ("email", json!(change.email)),
        ("roles", json!(change.roles)),
        ("teams", json!(teams)),
        ("active", json!(change.active)),
    ])
}

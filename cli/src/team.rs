//! `oubli team`.

use crate::{
    client::Client,
    failure::Failure,
    output::{self, fields, lines, list},
};
use clap::{Args, Subcommand};
use oubli_domain::review::TeamId;
use serde_json::{Value, json};

const PATH: &str = "/v1/organization/teams";
const SHOWN: [&str; 4] = ["id", "name", "is_default", "created_at"];

#[derive(Subcommand)]
pub enum Command {
    /// List the teams
    List,
    /// Add a team; members are in it who name it: oubli member change --team
    Add(Add),
    /// Rename a team; members who are to stay in it have to name it anew
    Rename(Rename),
    /// Have a team asked where no rule says who is; with false, no team
    Default(Default),
    /// Remove a team that no rule names, and that is not the default
    Remove(One),
}

#[derive(Args)]
pub struct Add {
    /// What it is called
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Args)]
pub struct One {
    /// The team's number
    #[arg(value_name = "ID")]
    id: TeamId,
}

#[derive(Args)]
pub struct Rename {
    #[command(flatten)]
    one: One,
    /// What it is to be called
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Args)]
pub struct Default {
    #[command(flatten)]
    one: One,
    /// Whether it is
    #[arg(value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set)]
    is_default: bool,
}

impl One {
    fn path(&self) -> String {
        format!("{PATH}/{}", self.id)
    }
}

pub fn run(client: &Client, command: Command, json: bool) -> Result<(), Failure> {
    let (answer, text): (Value, fn(&Value) -> String) = match command {
        Command::List => (client.get(PATH, &[])?, listed),
        Command::Add(Add { name }) => (client.post(PATH, &json!({ "name": name }))?, shown),
        Command::Rename(Rename { one, name }) => (client.patch(&one.path(), &json!({ "name": name }))?, shown),
        Command::Default(Default { one, is_default }) => {
            (client.patch(&one.path(), &json!({ "is_default": is_default }))?, shown)
        }
        Command::Remove(one) => (client.delete(&one.path())?, removed),
    };
    if json {
        output::print_json(&answer);
    } else {
        output::print(&text(&answer));
    }
    Ok(())
}

fn shown(team: &Value) -> String {
    lines(team, &SHOWN)
}

fn listed(answer: &Value) -> String {
    let teams = list(&answer["teams"]);
    if teams.is_empty() { "There are no teams.".to_owned() } else { fields(teams, &SHOWN) }
}

fn removed(answer: &Value) -> String {
    format!("Removed: team {}", output::plain(&answer["id"]))
}

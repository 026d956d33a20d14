//! `oubli key`: API keys.

use crate::{
    client::{Client, given, path_id},
    failure::Failure,
    output::{self, fields, list},
};
use clap::{Args, Subcommand};
use oubli_domain::access::Role;
use serde_json::{Value, json};

const PATH: &str = "/v1/organization/keys";

#[derive(Subcommand)]
pub enum Command {
    /// Make an API key; it is shown this once
    Create(Create),
    /// List the API keys
    List,
    /// Make a key in the place of another, which goes on for a while
    Rotate(Rotate),
    /// Revoke a key
    Revoke(One),
    /// Give whoever owns a key new one-time codes; those they had are void
    Enroll(One),
}

#[derive(Args)]
pub struct Create {
    /// Whom or what it is for
    #[arg(long)]
    name: String,
    /// Whose it is; without one it is a machine's, whose role is service
    #[arg(long, value_name = "MEMBER_ID")]
    member: Option<String>,
    /// Of the member's roles, those that it has; all unless given
    #[arg(long = "role", value_name = "ROLES", value_delimiter = ',')]
    roles: Option<Vec<Role>>,
    /// Until when it is in force, such as 2027-01-31T00:00:00Z; a year unless given
    #[arg(long, value_name = "TIME")]
    expires_at: Option<String>,
    /// Ranges of addresses that it may be used from, such as 203.0.113.0/24; with commas between
    #[arg(long = "source", value_name = "RANGES", value_delimiter = ',')]
    sources: Option<Vec<String>>,
}

#[derive(Args)]
pub struct One {
    /// The key's id, as listed
    #[arg(value_name = "KEY_ID")]
    key_id: String,
}

#[derive(Args)]
pub struct Rotate {
    #[command(flatten)]
    one: One,
    /// For how long the old key goes on; a day unless given
    #[arg(long, value_name = "SECONDS")]
    overlap_seconds: Option<u32>,
}

pub fn run(client: &Client, command: Command, json: bool) -> Result<(), Failure> {
    let of = |one: &One, what: &str| Ok::<_, Failure>(format!("{PATH}/{}{what}", path_id(&one.key_id)?));
    let (answer, text) = match command {
        Command::Create(create) => made(client.post(PATH, &body(&create))?),
        Command::Rotate(Rotate { one, overlap_seconds }) => {
            let body = overlap_seconds.map_or(json!({}), |seconds| json!({ "overlap_seconds": seconds }));
            made(client.post(&of(&one, "/rotate")?, &body)?)
        }
        Command::List => {
            let answer = client.get(PATH, &[])?;
            let columns = ["key_id", "name", "member_id", "roles", "expires_at", "last_used_at", "revoked_at"];
            let text = fields(list(&answer["keys"]), &columns);
            (answer, text)
        }
        Command::Enroll(one) => {
            let codes = client.post(&of(&one, "/codes")?, &json!({}))?;
            let text = output::lines(&codes, &["key_id", "url", "secret"])
                + "\nAdd it to an app for one-time codes; it is not shown again.";
            (codes, text)
        }
        Command::Revoke(one) => (client.delete(&of(&one, "")?)?, "Revoked.".to_owned()),
    };
    if json {
        output::print_json(&answer);
    } else {
        output::print(&text);
    }
    Ok(())
}

fn made(key: Value) -> (Value, String) {
    let text = output::lines(&key, &["key", "key_id", "actor", "expires_at"]) + "\nThe key is not shown again.";
    (key, text)
}

fn body(create: &Create) -> Value {
    given([
        ("name", json!(create.name)),
        ("member_id", json!(create.member)),
        ("roles", json!(create.roles)),
        ("expires_at", json!(create.expires_at)),
        ("sources", json!(create.sources)),
    ])
}

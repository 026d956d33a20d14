//! `oubli organization issuer`: OpenID providers whose tokens are taken instead of an API key.

use crate::{
    client::{Client, given, path_id},
    failure::Failure,
    output::{self, fields, list},
};
use clap::{Args, Subcommand};
use oubli_domain::{access::Role, issuer::SigningAlgorithm};
use serde_json::{Map, Value, json};

const PATH: &str = "/v1/organization/issuers";
const SHOWN: [&str; 9] = [
    "name",
    "issuer",
    "audiences",
    "algorithms",
    "jwks_uri",
    "subject_claim",
    "clock_skew_seconds",
    "create_members",
    "last_used_at",
];

#[derive(Subcommand)]
pub enum Command {
    /// List the issuers
    List,
    /// Take an issuer's tokens, in this way and no more as before
    Set(Box<Set>),
    /// Take an issuer's tokens no more
    Remove(One),
}

#[derive(Args)]
pub struct One {
    /// What the organization calls it: a to z, 0 to 9, _ and -
    #[arg(value_name = "NAME")]
    name: String,
}

#[derive(Args)]
pub struct Set {
    #[command(flatten)]
    one: One,
    /// Who it is, as its tokens write it, such as https://login.acme.example
    #[arg(long, value_name = "URL")]
    issuer: String,
    /// For whom its tokens have to be, with commas between
    #[arg(long = "audience", value_name = "AUDIENCES", value_delimiter = ',', required = true)]
    audiences: Vec<String>,
    /// How its tokens are signed: RS256, PS256, ES256, EdDSA; with commas between
    #[arg(long = "algorithm", value_name = "ALGORITHMS", value_delimiter = ',', default_value = "RS256")]
    algorithms: Vec<SigningAlgorithm>,
    /// Where it publishes its keys; where its discovery document says, unless given
    #[arg(long, value_name = "URL")]
    jwks_uri: Option<String>,
    /// The claim that says whom it means; sub unless given
    #[arg(long, value_name = "CLAIM")]
    subject_claim: Option<String>,
    /// The claim with the roles of a token; without it a token has all roles of its member
    #[arg(long, value_name = "CLAIM", requires = "roles")]
    role_claim: Option<String>,
    /// A role that a value of that claim stands for; once for each
    #[arg(long = "role", value_name = "VALUE=ROLE", value_parser = pair::<Role>, requires = "role_claim")]
    roles: Vec<(String, Role)>,
    /// The claim with the teams of whoever becomes a member at first sight
    #[arg(long, value_name = "CLAIM", requires = "teams")]
    team_claim: Option<String>,
    /// A team that a value of that claim stands for; once for each
    #[arg(long = "team", value_name = "VALUE=TEAM", value_parser = pair::<String>, requires = "team_claim")]
    teams: Vec<(String, String)>,
    /// By how much its clock may differ; 30 unless given, 120 at most
    #[arg(long, value_name = "SECONDS")]
    clock_skew_seconds: Option<u32>,
    /// Whoever it means, and has a role, becomes a member at first sight
    #[arg(long)]
    create_members: bool,
}

/// A value and what it stands for, as clap reads them; the value may have an equals sign of its own.
fn pair<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<(String, T), String> {
    let (value, target) = text.rsplit_once('=').ok_or("a value, an equals sign, and what it stands for are needed")?;
    Ok((value.to_owned(), target.parse().map_err(|why: T::Err| why.to_string())?))
}

pub fn run(client: &Client, command: Command, json: bool) -> Result<(), Failure> {
    let place = |one: &One| Ok::<_, Failure>(format!("{PATH}/{}", path_id(&one.name)?));
    let (answer, text) = match command {
        Command::List => {
            let answer = client.get(PATH, &[])?;
            let text = fields(list(&answer["issuers"]), &["name", "issuer", "audiences", "algorithms", "last_used_at"]);
            (answer, text)
        }
        Command::Set(set) => {
            let answer = client.put(&place(&set.one)?, &body(&set))?;
            let text = output::lines(&answer, &SHOWN);
            (answer, text)
        }
        Command::Remove(one) => (client.delete(&place(&one)?)?, "Removed.".to_owned()),
    };
    if json {
        output::print_json(&answer);
    } else {
        output::print(&text);
    }
    Ok(())
}

fn mapping(claim: Option<&String>, pairs: Vec<(&String, String)>) -> Value {
    let Some(claim) = claim else { return Value::Null };
    let mut values: Map<String, Value> = Map::new();
    for (value, target) in pairs {
        if let Value::Array(targets) = values.entry(value.clone()).or_insert_with(|| json!([])) {
            targets.push(target.into());
        }
    }
    json!({ "claim": claim, "values": values })
}

fn body(set: &Set) -> Value {
    let algorithms: Vec<&str> = set.algorithms.iter().map(|algorithm| algorithm.name()).collect();
    let roles = set.roles.iter().map(|(value, role)| (value, role.to_string())).collect();
    let teams = set.teams.iter().map(|(value, team)| (value, team.clone())).collect();
    given([
        ("issuer", json!(set.issuer)),
        ("audiences", json!(set.audiences)),
        ("algorithms", json!(algorithms)),
        ("jwks_uri", json!(set.jwks_uri)),
        ("subject_claim", json!(set.subject_claim)),
        ("roles", mapping(set.role_claim.as_ref(), roles)),
        ("teams", mapping(set.team_claim.as_ref(), teams)),
        ("clock_skew_seconds", json!(set.clock_skew_seconds)),
        ("create_members", json!(set.create_members)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_and_what_it_stands_for_are_told_apart_at_the_last_equals_sign() {
        assert_eq!(pair::<Role>("cn=dpo,dc=acme=reviewer"), Ok(("cn=dpo,dc=acme".to_owned(), Role::Reviewer)));
        assert!(pair::<Role>("dpo").is_err() && pair::<Role>("dpo=boss").is_err());
    }

    #[test]
    fn a_value_can_stand_for_several() {
        let (claim, dpo) = ("groups".to_owned(), "dpo".to_owned());
        let of = mapping(Some(&claim), vec![(&dpo, "reviewer".to_owned()), (&dpo, "auditor".to_owned())]);
        assert_eq!(of, json!({ "claim": "groups", "values": { "dpo": ["reviewer", "auditor"] } }));
        assert_eq!(mapping(None, vec![]), Value::Null);
    }
}

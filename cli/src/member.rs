//! `oubli member`.

use crate::{
    client::{Client, given, path_id},
    failure::Failure,
    output::{self, fields, list, plain},
};
use clap::{Args, Subcommand};
use oubli_domain::access::Role;
use serde_json::{Value, json};

const PATH: &str = "/v1/organization/members";
const SHOWN: [&str; 7] = ["member_id", "number", "name", "email", "roles", "teams", "active"];

#[derive(Subcommand)]
pub enum Command {
    /// Add a member
    Add(Add),
    /// List the members
    List,
    /// Show who calls, and with which roles
    Me,
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
    /// Whom an issuer means by them: issuer=URL,subject=TEXT; once for each issuer
    #[arg(long = "oidc-subject", value_name = "SUBJECT", value_parser = oidc_subject)]
    oidc_subjects: Vec<OidcSubject>,
}

/// Somebody at an issuer; none where nothing was said, for nobody at all.
#[derive(Clone, Debug, PartialEq)]
struct OidcSubject(Option<(String, String)>);

/// One as clap reads it. What an issuer calls somebody may hold anything, and comes last.
fn oidc_subject(text: &str) -> Result<OidcSubject, &'static str> {
    if text.is_empty() {
        return Ok(OidcSubject(None));
    }
    let parts = text.strip_prefix("issuer=").and_then(|rest| rest.split_once(",subject="));
    let (issuer, subject) = parts.ok_or("it is written issuer=URL,subject=TEXT")?;
    Ok(OidcSubject(Some((issuer.to_owned(), subject.to_owned()))))
}

fn oidc_subjects(given: &[OidcSubject]) -> Vec<Value> {
    given
        .iter()
        .filter_map(|one| one.0.as_ref())
        .map(|(issuer, subject)| json!({ "issuer": issuer, "subject": subject }))
        .collect()
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
    /// Whom issuers mean by them, instead of whom before: issuer=URL,subject=TEXT; once for each; nobody: --oidc-subject ''
    #[arg(long = "oidc-subject", value_name = "SUBJECT", value_parser = oidc_subject)]
    oidc_subjects: Option<Vec<OidcSubject>>,
    /// Whether their credentials are accepted
    #[arg(long, value_name = "BOOL")]
    active: Option<bool>,
}

pub fn run(client: &Client, command: Command, json: bool) -> Result<(), Failure> {
    let answer = match command {
        Command::Add(Add { name, email, roles, teams, oidc_subjects: given }) => {
            let body = json!({
                "name": name, "email": email, "roles": roles, "teams": teams, "oidc_subjects": oidc_subjects(&given),
            });
            client.post(PATH, &body)?
        }
        Command::Me => {
            let answer = client.get("/v1/organization/me", &[])?;
            if json {
                output::print_json(&answer);
            } else {
                output::print(&output::lines(&answer, &["organization_id", "name", "member_id", "roles", "teams"]));
            }
            return Ok(());
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
        let known =
            list(&answer["oidc_subjects"]).iter().map(|one| format!("{} at {}", plain(&one["subject"]), plain(&one["issuer"])));
        let known: String = known.map(|one| format!("known as {one}\n")).collect();
        output::print(&(output::lines(&answer, &SHOWN) + &known));
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
        ("oidc_subjects", json!(change.oidc_subjects.as_deref().map(oidc_subjects))),
        ("active", json!(change.active)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_at_an_issuer_is_read_whatever_the_issuer_calls_them() {
        let read = oidc_subject("issuer=https://login.acme.example,subject=a,subject=b=c").expect("read");
        let wanted = json!([{ "issuer": "https://login.acme.example", "subject": "a,subject=b=c" }]);
        assert_eq!(json!(oidc_subjects(&[read])), wanted);
        assert_eq!(oidc_subjects(&[oidc_subject("").expect("nobody")]), [Value::Null; 0]);
        assert!(oidc_subject("subject=a,issuer=b").is_err() && oidc_subject("ada").is_err());
    }
}

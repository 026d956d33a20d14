//! Demo data: the shop's own stores, two organizations, their keys and data maps.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{environment::Environment, shell, tools::Venv};

pub const DEMO_SUBJECT: &str = "cust-00042";
pub const DEMO_SUBJECT_EMAIL: &str = "mara.lindqvist@example.com";

struct Organization {
    id: &'static str,
    name: &'static str,
    map: &'static str,
    /// The first member, and the variable that holds their key.
    administrator: (&'static str, &'static str),
    /// The variable that holds each role's key, and whose it is.
    keys: &'static [(&'static str, &'static str, &'static str)],
    /// The team that is asked about erasures, and who is in it.
    team: Option<(&'static str, &'static str)>,
}

const ORGANIZATIONS: [Organization; 2] = [
    Organization {
        id: "demo",
        name: "Demo Shop",
        map: "infra/maps/demo-shop.yaml",
        administrator: ("OUBLI_ADMIN_KEY", "Ada Admin"),
        keys: &[
            ("OUBLI_OFFICER_KEY", "privacy_officer", "Otto Officer"),
            ("OUBLI_REVIEWER_KEY", "reviewer", "Rita Reviewer"),
            ("OUBLI_AUDITOR_KEY", "auditor", "Aldo Auditor"),
            ("OUBLI_SERVICE_KEY", "service", "Shop backend"),
        ],
        team: Some(("Compliance", "Rita Reviewer")),
    },
    Organization {
        id: "other",
        name: "Other Company",
        map: "infra/maps/other-company.yaml",
        administrator: ("OUBLI_OTHER_ORG_KEY", "Olga Other"),
        keys: &[],
        team: None,
    },
];

pub fn shop(environment: &Environment) -> Result<String> {
    shell::output(Venv::Tools.script("infra/local/seed_shop.py")?.envs(&environment.0))
}

pub fn organizations(environment: &mut Environment, recovery_window_seconds: u64) -> Result<()> {
    for Organization { id, name, map, administrator: (variable, administrator), keys, team } in &ORGANIZATIONS {
        let (window, email) = (recovery_window_seconds.to_string(), address(administrator, id));
        let create = ["admin", "organization", "create", "--id", id, "--name", name, "--country", "DE"];
        let settings = ["--time-zone", "Europe/Berlin", "--recovery-window-seconds", &window];
        let first = ["--administrator", administrator, "--email", &email, "--json"];
        let made = oubli(environment, None, &[&create[..], &settings, &first].concat())?;
        let administrator = text(&made, "key")?;
        environment.set(variable, &administrator);
        oubli(environment, Some(&administrator), &["map", "publish", map])?;
        if let Some((team, _)) = team {
            route_erasures(environment, &administrator, team)?;
        }
        for (variable, role, name) in *keys {
            let mut create = vec!["key", "create", "--name", name, "--json"];
            let member;
            if *role != "service" {
                let email = address(name, id);
                let mut add = vec!["member", "add", "--name", name, "--email", &email, "--role", role, "--json"];
                if let Some((team, _)) = team.filter(|(_, member)| member == name) {
                    add.extend(["--team", team]);
                }
                member = text(&oubli(environment, Some(&administrator), &add)?, "member_id")?;
                create.extend(["--member", &member]);
            }
            environment.set(variable, &text(&oubli(environment, Some(&administrator), &create)?, "key")?);
        }
    }
    environment.set("OUBLI_DEMO_SUBJECT", DEMO_SUBJECT);
    environment.set("OUBLI_DEMO_SUBJECT_EMAIL", DEMO_SUBJECT_EMAIL);
    Ok(())
}

/// Makes a team, and a rule by which it is asked about erasures.
fn route_erasures(environment: &Environment, administrator: &str, team: &str) -> Result<()> {
    let made: Value = serde_json::from_str(&oubli(environment, Some(administrator), &["team", "add", team, "--json"])?)?;
    let (number, name) = (made["id"].to_string(), format!("Erasures go to {team}"));
    let conditions = r#"{"task_type": "data_deletion"}"#;
    let add = ["rule", "add", "--name", &name, "--priority", "100", "--conditions", conditions, "--team", &number];
    oubli(environment, Some(administrator), &add).map(drop)
}

fn address(name: &str, organization: &str) -> String {
    format!("{}@{organization}.example", name.to_lowercase().replace(' ', "."))
}

pub fn text(answer: &str, field: &str) -> Result<String> {
    let answer: Value = serde_json::from_str(answer).context("the command line printed no JSON")?;
    answer[field].as_str().map(ToOwned::to_owned).with_context(|| format!("the command line printed no {field}"))
}

pub fn oubli(environment: &Environment, key: Option<&str>, arguments: &[&str]) -> Result<String> {
    let mut command = shell::command(shell::binaries().join("oubli"));
    command.args(arguments).envs(&environment.0);
    key.map(|key| command.env("OUBLI_API_KEY", key));
    shell::output(&mut command)
}

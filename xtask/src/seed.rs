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
    /// The variable that holds each role's key.
    keys: &'static [(&'static str, &'static str, &'static str)],
}

const ORGANIZATIONS: [Organization; 2] = [
    Organization {
        id: "demo",
        name: "Demo Shop",
        map: "infra/maps/demo-shop.yaml",
        keys: &[
            ("OUBLI_ADMIN_KEY", "administrator", "Ada Admin"),
            ("OUBLI_OFFICER_KEY", "privacy_officer", "Otto Officer"),
            ("OUBLI_REVIEWER_KEY", "reviewer", "Rita Reviewer"),
            ("OUBLI_AUDITOR_KEY", "auditor", "Aldo Auditor"),
            ("OUBLI_SERVICE_KEY", "service", "Shop backend"),
        ],
    },
    Organization {
        id: "other",
        name: "Other Company",
        map: "infra/maps/other-company.yaml",
        keys: &[("OUBLI_OTHER_ORG_KEY", "administrator", "Olga Other")],
    },
];

pub fn shop(environment: &Environment) -> Result<String> {
    shell::output(Venv::Tools.script("infra/local/seed_shop.py")?.envs(&environment.0))
}

pub fn organizations(environment: &mut Environment, recovery_window_seconds: u64) -> Result<()> {
    for organization in &ORGANIZATIONS {
        let window = recovery_window_seconds.to_string();
        oubli(
            environment,
            &[
                "admin",
                "organization",
                "create",
                "--id",
                organization.id,
                "--name",
                organization.name,
                "--country",
                "DE",
                "--time-zone",
                "Europe/Berlin",
                "--recovery-window-seconds",
                &window,
            ],
        )?;
        oubli(environment, &["admin", "map", "publish", "--organization", organization.id, organization.map])?;
        for (variable, role, name) in organization.keys {
            let arguments =
                ["admin", "key", "create", "--organization", organization.id, "--role", role, "--name", name, "--json"];
            let answer = oubli(environment, &arguments)?;
            let key: Value = serde_json::from_str(&answer).context("`oubli admin key create` did not print JSON")?;
            let key = key["key"].as_str().context("`oubli admin key create` printed no key")?;
            environment.set(variable, key);
        }
    }
    environment.set("OUBLI_DEMO_SUBJECT", DEMO_SUBJECT);
    environment.set("OUBLI_DEMO_SUBJECT_EMAIL", DEMO_SUBJECT_EMAIL);
    Ok(())
}

fn oubli(environment: &Environment, arguments: &[&str]) -> Result<String> {
    shell::output(shell::command(shell::binaries().join("oubli")).args(arguments).envs(&environment.0))
}

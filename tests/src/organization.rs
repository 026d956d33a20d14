//! An organization and a key for each of its roles.

use anyhow::Result;
use serde_json::Value;

use crate::{Api, oubli, text, unique, variable};

#[derive(Clone)]
pub struct Organization {
    pub id: String,
    pub officer: Api,
    pub reviewer: Api,
    pub auditor: Api,
    pub administrator: Api,
    pub service: Api,
    /// The administrator's, for the command line.
    pub key: String,
}

const MAP: &str = "infra/maps/demo-shop.yaml";

impl Organization {
    /// The demo shop, with a recovery window of seconds.
    pub fn demo() -> Result<Self> {
        Ok(Self {
            id: "demo".to_owned(),
            officer: Api::of("OUBLI_OFFICER_KEY")?,
            reviewer: Api::of("OUBLI_REVIEWER_KEY")?,
            auditor: Api::of("OUBLI_AUDITOR_KEY")?,
            administrator: Api::of("OUBLI_ADMIN_KEY")?,
            service: Api::of("OUBLI_SERVICE_KEY")?,
            key: variable("OUBLI_ADMIN_KEY")?,
        })
    }

    /// A new organization over the demo shop's stores.
    pub fn create(window_seconds: u32) -> Result<Self> {
        let id = format!("e2e-{}", unique());
        let window = window_seconds.to_string();
        let create = ["admin", "organization", "create", "--id", &id, "--name", "End to end", "--country", "DE"];
        let settings = ["--time-zone", "Europe/Berlin", "--recovery-window-seconds", &window];
        let first = ["--administrator", "Ada Admin", "--email", "ada@e2e.example", "--json"];
        let made: Value = serde_json::from_str(&oubli("", &[&create[..], &settings, &first].concat())?.succeeded()?)?;
        let administrator = text(&made, "key")?;
        // The demo shop's stores are the demo's own, and one organization's only, unless somebody shares them.
        oubli("", &["admin", "store", "share", "--with", &id, "--map", MAP])?.succeeded()?;
        oubli(administrator, &["map", "publish", MAP])?.succeeded()?;
        let api = |role| Api::new(Some(&new_key(administrator, role)?));
        Ok(Self {
            officer: api("privacy_officer")?,
            reviewer: api("reviewer")?,
            auditor: api("auditor")?,
            administrator: Api::new(Some(administrator))?,
            service: api("service")?,
            key: administrator.to_owned(),
            id,
        })
    }

    /// Publishes a map of a test's own.
    pub fn publish(&self, name: &str, map: &str) -> Result<()> {
        let file = std::env::temp_dir().join(format!("{name}.yaml"));
        std::fs::write(&file, map)?;
        let name = file.to_string_lossy();
        let shared = oubli("", &["admin", "store", "share", "--with", &self.id, "--map", &name]);
        let published = oubli(&self.key, &["map", "publish", "--yes", &name]);
        std::fs::remove_file(&file).ok();
        shared?.succeeded()?;
        published?.succeeded().map(drop)
    }

    /// Lets it name stores that other tests' organizations have, too: `s3/BUCKET`.
    pub fn share(&self, stores: &[&str]) -> Result<()> {
        oubli("", &[&["admin", "store", "share", "--with", &self.id], stores].concat())?.succeeded().map(drop)
    }

    /// Changes settings, as the administrator's command line does.
    pub fn set(&self, settings: &[&str]) -> Result<()> {
        oubli(&self.key, &[&["organization", "set"], settings].concat())?.succeeded().map(drop)
    }

    /// Somebody else's, over a store of its own.
    pub fn other() -> Result<Api> {
        Api::new(Some(&variable("OUBLI_OTHER_ORG_KEY")?))
    }
}

/// A key of a new member with this role, or of a machine, as the administrator's command line makes it.
pub fn new_key(administrator: &str, role: &str) -> Result<String> {
    let mut create = vec!["key", "create", "--name", role, "--json"];
    let member;
    if role != "service" {
        let email = format!("{role}-{}@e2e.example", unique());
        let add = ["member", "add", "--name", role, "--email", &email, "--role", role, "--json"];
        let added: Value = serde_json::from_str(&oubli(administrator, &add)?.succeeded()?)?;
        member = text(&added, "member_id")?.to_owned();
        create.extend(["--member", &member]);
    }
    let answer: Value = serde_json::from_str(&oubli(administrator, &create)?.succeeded()?)?;
    text(&answer, "key").map(ToOwned::to_owned)
}

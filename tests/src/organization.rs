//! An organization and a key for each of its roles.

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{Api, oubli, unique, variable};

#[derive(Clone)]
pub struct Organization {
    pub id: String,
    pub officer: Api,
    pub reviewer: Api,
    pub auditor: Api,
    pub administrator: Api,
    pub service: Api,
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
        })
    }

    /// A new organization over the demo shop's stores.
    pub fn create(window_seconds: u32) -> Result<Self> {
        let id = format!("e2e-{}", unique());
        let window = window_seconds.to_string();
        let create = ["admin", "organization", "create", "--id", &id, "--name", "End to end", "--country", "DE"];
        let settings = ["--time-zone", "Europe/Berlin", "--recovery-window-seconds", &window];
        oubli("", &[&create[..], &settings].concat())?.succeeded()?;
        oubli("", &["admin", "map", "publish", "--organization", &id, MAP])?.succeeded()?;
        let api = |role| Api::new(Some(&new_key(&id, role)?));
        Ok(Self {
            officer: api("privacy_officer")?,
            reviewer: api("reviewer")?,
            auditor: api("auditor")?,
            administrator: api("administrator")?,
            service: api("service")?,
            id,
        })
    }

    /// Publishes a map of a test's own.
    pub fn publish(&self, name: &str, map: &str) -> Result<()> {
        let file = std::env::temp_dir().join(format!("{name}.yaml"));
        std::fs::write(&file, map)?;
        let published = oubli("", &["admin", "map", "publish", "--yes", "--organization", &self.id, &file.to_string_lossy()]);
        std::fs::remove_file(&file).ok();
        published?.succeeded().map(drop)
    }

    /// Changes settings, as the administrator's command line does.
    pub fn set(&self, settings: &[&str]) -> Result<()> {
        let of = ["admin", "organization", "settings", "--id", &self.id];
        oubli("", &[&of[..], settings].concat())?.succeeded().map(drop)
    }

    /// Somebody else's, over a store of its own.
    pub fn other() -> Result<Api> {
        Api::new(Some(&variable("OUBLI_OTHER_ORG_KEY")?))
    }
}

/// A key of a role, as the administrator's command line makes it.
pub fn new_key(organization: &str, role: &str) -> Result<String> {
    let arguments = ["admin", "key", "create", "--organization", organization, "--role", role, "--name", role, "--json"];
    let answer: Value = serde_json::from_str(&oubli("", &arguments)?.succeeded()?)?;
    answer["key"].as_str().map(ToOwned::to_owned).context("no key was printed")
}

//! One export on its way, and what a link to it answers.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{EXPORTS, Organization, unique, verification};

/// A folder of a test's own, gone with it.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Result<Self> {
        let folder = std::env::temp_dir().join(format!("oubli-exports-{}", unique()));
        std::fs::create_dir(&folder)?;
        Ok(Self(folder))
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

/// An export on its way.
pub struct Export {
    pub organization: Organization,
    pub id: String,
}

impl Export {
    pub fn submit(organization: &Organization, body: &Value) -> Result<Self> {
        let answer = organization.officer.post(EXPORTS, body)?.ok()?;
        assert_eq!(answer["request_type"], "export");
        Ok(Self { organization: organization.clone(), id: answer["request_id"].as_str().context("no id")?.to_owned() })
    }

    pub fn of(organization: &Organization, subject: &str) -> Result<Self> {
        Self::submit(organization, &json!({ "subject_id": subject, "verification": verification() }))
    }

    pub fn path(&self, end: &str) -> String {
        format!("{EXPORTS}/{}{end}", self.id)
    }

    pub fn wait_for(&self, phase: &str) -> Result<Value> {
        let since = Instant::now();
        loop {
            let status = self.organization.officer.get(&self.path("/status"))?.ok()?;
            if status["phase"] == phase {
                return self.organization.officer.get(&self.path(""))?.ok();
            }
            ensure!(status["phase"] != "failed" && since.elapsed() < Duration::from_secs(120), "{status}");
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    pub fn ready(organization: &Organization, subject: &str) -> Result<Self> {
        let export = Self::of(organization, subject)?;
        export.wait_for("available")?;
        Ok(export)
    }

    pub fn access(&self) -> Result<Value> {
        self.organization.officer.post(&self.path("/access"), &json!({}))?.ok()
    }
}

/// What a link answers, without any credential.
pub fn fetch(url: &str) -> Result<(u16, Vec<u8>)> {
    let config = ureq::Agent::config_builder().http_status_as_error(false).build();
    let mut answer = ureq::Agent::from(config).get(url).call()?;
    Ok((answer.status().as_u16(), answer.body_mut().with_config().limit(1 << 30).read_to_vec()?))
}

/// A field's text.
pub fn text<'a>(value: &'a Value, name: &str) -> Result<&'a str> {
    value[name].as_str().with_context(|| format!("no {name} in {value}"))
}

//! The few HTTP calls of the developer commands.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(40))).http_status_as_error(false).build().into()
}

pub fn get(url: &str) -> Result<String> {
    let mut answer = agent().get(url).call()?;
    let body = answer.body_mut().read_to_string()?;
    if !answer.status().is_success() {
        bail!("GET {url} answered {}: {body}", answer.status());
    }
    Ok(body)
}

/// The deployed API, called with one key.
pub struct Api {
    base: String,
    key: String,
    agent: ureq::Agent,
}

impl Api {
    pub fn new(base: &str, key: &str) -> Self {
        Self { base: base.to_owned(), key: format!("Bearer {key}"), agent: agent() }
    }

    pub fn get(&self, path: &str) -> Result<Value> {
        let url = format!("{}{path}", self.base);
        let answer = self.agent.get(&url).header("authorization", &self.key).call();
        read("GET", path, answer)
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.base);
        let answer = self.agent.post(&url).header("authorization", &self.key).send_json(body);
        read("POST", path, answer)
    }

    pub fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.base);
        let answer = self.agent.patch(&url).header("authorization", &self.key).send_json(body);
        read("PATCH", path, answer)
    }

    /// Answers the status, and after how many seconds the call may come again, where that is said.
    pub fn try_post(&self, path: &str, body: &Value) -> Result<(u16, Option<u64>)> {
        let url = format!("{}{path}", self.base);
        let answer = self.agent.post(&url).header("authorization", &self.key).send_json(body);
        let answer = answer.with_context(|| format!("POST {path}"))?;
        let again = answer.headers().get("retry-after").and_then(|v| v.to_str().ok()?.parse().ok());
        Ok((answer.status().as_u16(), again))
    }
}

fn read(method: &str, path: &str, answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Value> {
    let mut answer = answer.with_context(|| format!("{method} {path}"))?;
    let body = answer.body_mut().read_to_string()?;
    if !answer.status().is_success() {
        bail!("{method} {path} answered {}: {body}", answer.status());
    }
    serde_json::from_str(&body).with_context(|| format!("{method} {path} did not answer JSON: {body}"))
}

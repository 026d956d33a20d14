//! The deployed API, called with one key.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use ureq::http::Request;

use crate::stack::variable;

#[derive(Clone)]
pub struct Api {
    base: String,
    key: Option<String>,
    agent: ureq::Agent,
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub content_type: String,
    pub replayed: bool,
    pub text: String,
    /// `null` where the text is not JSON.
    pub body: Value,
}

impl Api {
    pub fn new(key: Option<&str>) -> Result<Self> {
        let config = ureq::Agent::config_builder().timeout_global(Some(Duration::from_secs(60))).http_status_as_error(false);
        Ok(Self { base: variable("OUBLI_URL")?, key: key.map(ToOwned::to_owned), agent: config.build().into() })
    }

    /// With the key in this variable of the stack.
    pub fn of(name: &str) -> Result<Self> {
        Self::new(Some(&variable(name)?))
    }

    pub fn call(&self, method: &str, path: &str, body: Option<&str>, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        if body.is_some() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = match body {
            Some(body) => self.agent.run(request.body(body.to_owned())?),
            None => self.agent.run(request.body(())?),
        };
        let mut answer = answer.with_context(|| format!("{method} {path}"))?;
        let header = |name| answer.headers().get(name).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        let (content_type, replayed) = (header("content-type"), header("idempotency-replayed") == "true");
        let status = answer.status().as_u16();
        // A PDF is no text.
        let text = String::from_utf8_lossy(&answer.body_mut().read_to_vec()?).into_owned();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Ok(Answer { status, content_type, replayed, text, body })
    }

    /// Where it is, and the key.
    pub fn place(&self) -> (&str, &str) {
        (&self.base, self.key.as_deref().unwrap_or_default())
    }

    pub fn get(&self, path: &str) -> Result<Answer> {
        self.call("GET", path, None, &[])
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.call("POST", path, Some(&body.to_string()), &[])
    }

    pub fn patch(&self, path: &str, body: &Value) -> Result<Answer> {
        self.call("PATCH", path, Some(&body.to_string()), &[])
    }

    pub fn delete(&self, path: &str) -> Result<Answer> {
        self.call("DELETE", path, None, &[])
    }

    /// Every element of a list, page by page, and how many pages there were.
    pub fn all(&self, path: &str, list: &str, limit: usize) -> Result<(Vec<Value>, usize)> {
        let (mut found, mut pages, mut cursor) = (Vec::new(), 0, String::new());
        let sign = if path.contains('?') { '&' } else { '?' };
        loop {
            let page = self.get(&format!("{path}{sign}limit={limit}{cursor}"))?.ok()?;
            let elements = page[list].as_array().with_context(|| format!("no {list} in {page}"))?;
            ensure!(elements.len() <= limit, "a page holds more than {limit}");
            found.extend(elements.iter().cloned());
            pages += 1;
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return Ok((found, pages)),
            }
        }
    }
}

impl Answer {
    pub fn ok(self) -> Result<Value> {
        ensure!((200..300).contains(&self.status), "it answered {}: {}", self.status, self.text);
        Ok(self.body)
    }

    /// That this is a refusal as every refusal is: problem details with a stable code and a remedy.
    pub fn refused(&self, status: u16, code: &str) -> Result<&Self> {
        let shown = || format!("{} {}: {}", self.status, self.content_type, self.text);
        ensure!(self.status == status, "expected {status} {code}, got {}", shown());
        ensure!(self.content_type.starts_with("application/problem+json"), "not a problem: {}", shown());
        ensure!(self.body["code"] == code, "expected code {code}, got {}", shown());
        ensure!(self.body["status"] == status && self.body["type"] == format!("urn:oubli:problem:{code}"), "{}", shown());
        for field in ["title", "detail", "message", "remedy"] {
            ensure!(self.body[field].as_str().is_some_and(|t| !t.is_empty()), "no {field} in {}", shown());
        }
        Ok(self)
    }

    /// That a refusal names this field, why, and what would be accepted.
    pub fn names(&self, field: &str) -> Result<()> {
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        let error = errors.iter().find(|e| e["field"] == field);
        let error = error.with_context(|| format!("{field} is not named in {}", self.text))?;
        for part in ["code", "reason", "accepted"] {
            ensure!(error[part].as_str().is_some_and(|t| !t.is_empty()), "no {part} for {field} in {}", self.text);
        }
        Ok(())
    }
}

//! One erasure over HTTP: submitted, approved, watched.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};

use crate::{environment::Environment, http::Api};

const REQUESTS: &str = "/v1/compliance/erasure-requests";

pub struct Job {
    officer: Api,
    reviewer: Api,
    pub id: String,
    pub submitted: Value,
}

impl Job {
    pub fn submit(environment: &Environment, subject: &str, email: &str) -> Result<Self> {
        let officer = Api::new(environment.get("OUBLI_URL")?, environment.get("OUBLI_ADMIN_KEY")?);
        let reviewer = Api::new(environment.get("OUBLI_URL")?, environment.get("OUBLI_REVIEWER_KEY")?);
        let body = json!({
            "subject_id": subject,
            "subject_email": email,
            "request_type": "full_erasure",
            "reason": "consent_withdrawn",
            "verification": { "method": "email_link", "verified_at": jiff::Timestamp::now().to_string() },
            "scope": { "include_backups": true, "include_logs": true, "include_derived_data": true },
        });
        let submitted = officer.post(REQUESTS, &body)?;
        let id = text(&submitted, "request_id")?.to_owned();
        Ok(Self { officer, reviewer, id, submitted })
    }

    pub fn approve(&self) -> Result<Value> {
        let request = self.reviewer.get(&format!("{REQUESTS}/{}", self.id))?;
        let mut approval = json!({
            "approved_by": "Rita Reviewer",
            "approval_notes": "Identity confirmed, no dispute open.",
        });
        let digest = request.get("plan_digest").or_else(|| request.pointer("/plan/digest"));
        if let Some(digest) = digest.filter(|d| d.is_string()) {
            approval["plan_digest"] = digest.clone();
        }
        self.reviewer.post(&format!("{REQUESTS}/{}/execute", self.id), &approval)
    }

    pub fn restore(&self) -> Result<Value> {
        self.officer.post(&format!("{REQUESTS}/{}/restore", self.id), &json!({}))
    }

    /// Holds everything of a person; answers what the hold came too late for in this request.
    pub fn hold(&self, subject: &str) -> Result<Value> {
        let hold = json!({ "subject_id": subject, "reason": "A dispute that began meanwhile" });
        let placed = self.officer.post("/v1/compliance/legal-holds", &hold)?;
        let effects = placed["effects"].as_array();
        let mine = effects.and_then(|e| e.iter().find(|e| e["request_id"] == self.id.as_str()));
        mine.cloned().with_context(|| format!("the hold does not name the request: {placed}"))
    }

    pub fn status(&self) -> Result<Value> {
        self.officer.get(&format!("{REQUESTS}/{}/status", self.id))
    }

    /// Looks at the status until it is what is awaited, showing each one to `watch`.
    pub fn wait(&self, patience: Duration, reached: impl Fn(&Value) -> bool, mut watch: impl FnMut(&Value)) -> Result<Value> {
        let since = Instant::now();
        loop {
            let status = self.status()?;
            watch(&status);
            if reached(&status) {
                return Ok(status);
            }
            if ["failed", "rejected", "cancelled"].iter().any(|s| status["status"] == *s) {
                bail!("the request ended as {status}");
            }
            ensure!(since.elapsed() < patience, "not done after {} s: {status}", patience.as_secs());
            std::thread::sleep(Duration::from_millis(250));
        }
    }
}

pub fn in_review(status: &Value) -> bool {
    status["phase"] == "in_review"
}

pub fn completed(status: &Value) -> bool {
    ["completed", "completed_with_exceptions"].iter().any(|s| status["status"] == *s)
}

pub fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str> {
    value[field].as_str().with_context(|| format!("no `{field}` in {value}"))
}

//! One request on its way.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::{Answer, Organization, REQUESTS};

const PATIENCE: Duration = Duration::from_secs(150);
const OVER: [&str; 5] = ["failed", "rejected", "cancelled", "completed", "completed_with_exceptions"];

pub fn verification() -> Value {
    json!({ "method": "email_link", "verified_at": jiff::Timestamp::now().to_string() })
}

pub fn full_erasure(subject: &str) -> Value {
    json!({
        "subject_id": subject,
        "request_type": "full_erasure",
        "reason": "consent_withdrawn",
        "verification": verification(),
    })
}

pub fn partial_erasure(subject: &str, list: &str, categories: &[&str]) -> Value {
    let mut body = full_erasure(subject);
    body["request_type"] = json!("partial_erasure");
    body[list] = json!(categories);
    body
}

pub struct Job {
    pub organization: Organization,
    pub id: String,
    pub submitted: Value,
}

impl Job {
    pub fn submit(organization: &Organization, body: &Value) -> Result<Self> {
        let submitted = organization.officer.post(REQUESTS, body)?.ok()?;
        let id = submitted["request_id"].as_str().context("no request_id")?.to_owned();
        Ok(Self { organization: organization.clone(), id, submitted })
    }

    /// Submitted, and with a plan before the reviewer.
    pub fn in_review(organization: &Organization, body: &Value) -> Result<Self> {
        let job = Self::submit(organization, body)?;
        job.wait_for("in_review")?;
        Ok(job)
    }

    /// Approved, hidden, and restorable.
    pub fn recoverable(organization: &Organization, body: &Value) -> Result<Self> {
        let job = Self::in_review(organization, body)?;
        job.execute(&json!({}))?.ok()?;
        job.wait_for("recoverable")?;
        Ok(job)
    }

    pub fn path(&self, end: &str) -> String {
        format!("{REQUESTS}/{}{end}", self.id)
    }

    pub fn status(&self) -> Result<Value> {
        self.organization.officer.get(&self.path("/status"))?.ok()
    }

    pub fn detail(&self) -> Result<Value> {
        self.organization.reviewer.get(&self.path(""))?.ok()
    }

    /// The same, and whom it is about.
    pub fn revealed(&self) -> Result<Value> {
        self.organization.officer.get(&self.path("?reveal=identity"))?.ok()
    }

    pub fn execute(&self, approval: &Value) -> Result<Answer> {
        self.organization.reviewer.post(&self.path("/execute"), approval)
    }

    pub fn cancel(&self) -> Result<Answer> {
        self.organization.officer.post(&self.path("/cancel"), &json!({}))
    }

    pub fn restore(&self, order: &Value) -> Result<Answer> {
        self.organization.officer.post(&self.path("/restore"), order)
    }

    /// What could not be put back.
    pub fn conflicts(&self) -> Result<Vec<Value>> {
        let page = self.organization.officer.get(&self.path("/conflicts"))?.ok()?;
        Ok(page["conflicts"].as_array().cloned().unwrap_or_default())
    }

    pub fn give_up(&self, names: &Value) -> Result<Answer> {
        self.organization.officer.post(&self.path("/conflicts/give-up"), &serde_json::json!({ "records": names }))
    }

    /// Until its phase or its status is this.
    pub fn wait_for(&self, word: &str) -> Result<Value> {
        self.watch(word, |_| Ok(()))
    }

    /// As `wait_for`, showing every status on the way.
    pub fn watch(&self, word: &str, mut see: impl FnMut(&Value) -> Result<()>) -> Result<Value> {
        self.until(|status| {
            see(status)?;
            let reached = status["phase"] == word || status["status"] == word;
            let over = status["finished_at"].is_string() && OVER.iter().any(|s| status["status"] == *s);
            ensure!(reached || !over, "it ended without {word}: {status}");
            Ok(reached)
        })
    }

    /// Until a running restore has ended.
    pub fn restored(&self) -> Result<Value> {
        self.until(|status| Ok(status["phase"] != "restoring"))
    }

    pub fn until(&self, mut reached: impl FnMut(&Value) -> Result<bool>) -> Result<Value> {
        let since = Instant::now();
        loop {
            let status = self.status()?;
            if reached(&status)? {
                return Ok(status);
            }
            ensure!(since.elapsed() < PATIENCE, "not in time: {status}");
            std::thread::sleep(Duration::from_millis(150));
        }
    }

    /// The entries about this request, once they are sealed and this event is among them.
    pub fn sealed_log(&self, event: &str) -> Result<Vec<Value>> {
        let since = Instant::now();
        loop {
            let path = format!("{}?request_id={}", crate::AUDIT, self.id);
            let (entries, _) = self.organization.auditor.all(&path, "entries", 100)?;
            if entries.iter().any(|e| e["event_type"] == event) && entries.iter().all(|e| e["sealed"] == true) {
                return Ok(entries);
            }
            ensure!(since.elapsed() < PATIENCE, "{event} is not sealed in time: {entries:?}");
            std::thread::sleep(Duration::from_millis(150));
        }
    }
}

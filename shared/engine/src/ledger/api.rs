//! What the room of the audit log takes and answers.

use jiff::Timestamp;
use oubli_domain::{
    audit::AuditEntry,
    ids::{ActorId, RequestId},
    personal::Identity,
};

/// A query of the audit log.
#[derive(Debug, Clone, Default)]
pub struct AuditQuery {
    /// Only these.
    pub event_type: Option<String>,
    /// Not before.
    pub start: Option<Timestamp>,
    /// Not after.
    pub end: Option<Timestamp>,
    /// Only this request's.
    pub request_id: Option<RequestId>,
    /// Only what this actor did.
    pub actor: Option<ActorId>,
    /// Only what is about this person, as far as the index reaches back.
    pub subject: Option<Identity>,
    /// From a page before.
    pub cursor: Option<String>,
    /// 1 to 100.
    pub limit: usize,
}

impl AuditQuery {
    /// What was asked for, for the log: which filters, and their values where these are nobody's name.
    pub(crate) fn filters(&self) -> Vec<(&'static str, serde_json::Value)> {
        let mut filters = Vec::new();
        let mut add = |name: &'static str, value: Option<String>| filters.extend(value.map(|v| (name, v.into())));
        add("event_type", self.event_type.clone());
        add("start_date", self.start.map(|t| t.to_string()));
        add("end_date", self.end.map(|t| t.to_string()));
        add("about_request", self.request_id.map(|id| id.to_string()));
        add("about_actor", self.actor.map(|a| a.to_string()));
        add("about_subject", self.subject.as_ref().map(|_| "given".to_owned()));
        filters
    }
}

/// An entry, or an event that is not sealed yet.
#[derive(Debug, Clone)]
pub struct AuditView {
    /// The entry; for unsealed events index and hashes mean nothing.
    pub entry: AuditEntry,
    /// It is in the log.
    pub sealed: bool,
    /// The actor's name, while the directory knows it.
    pub executed_by: Option<String>,
}

/// A page of the audit log.
#[derive(Debug, Clone)]
pub struct AuditPage {
    /// Sealed entries in order, then events not sealed yet.
    pub entries: Vec<AuditView>,
    /// For the next page.
    pub next_cursor: Option<String>,
}

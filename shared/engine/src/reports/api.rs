//! What the room of reports takes and answers.

use crate::items::Failure;
use jiff::Timestamp;
use oubli_domain::{
    ids::ReportId,
    report::{Period, Report, ReportKind, Section},
    request::TaskStatus,
};
use serde::{Deserialize, Serialize};

/// A compliance report to make.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReportOrder {
    /// What about.
    pub kind: ReportKind,
    /// Requests received in it.
    pub period: Period,
    /// Its parts.
    pub sections: Vec<Section>,
}

/// A report, or where it is.
#[derive(Debug, Clone)]
pub enum ReportOutcome {
    /// It is made.
    Done(Box<Report>),
    /// It is being made.
    Running(ReportView),
}

/// A report being made in the background.
#[derive(Debug, Clone)]
pub struct ReportView {
    /// Its id.
    pub id: ReportId,
    /// How far it is.
    pub status: TaskStatus,
    /// When it was asked for.
    pub started_at: Timestamp,
    /// Requests counted so far.
    pub requests_counted: u64,
    /// Why it failed.
    pub failure: Option<Failure>,
}

//! Certificates and compliance reports.

mod api;
mod certificate;
mod report;

pub use api::{ReportOrder, ReportOutcome, ReportView};

pub use certificate::certificate_document;

use crate::core::Core;

/// Certificates and compliance reports.
#[derive(Clone)]
pub struct Reports {
    pub(crate) core: Core,
}

//! Certificates and compliance reports.

mod certificate;
mod report;

pub use certificate::{Language, certificate_document};

use crate::core::Core;

/// Certificates and compliance reports.
#[derive(Clone)]
pub struct Reports {
    pub(crate) core: Core,
}

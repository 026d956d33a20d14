//! What people do with requests.

mod api;
mod conflicts;
mod queries;
mod read;
mod resolve;
mod submit;
mod undo;

pub use api::{Cancelled, ConflictPage, ConflictView, RequestDetail, RequestFilter, RequestPage, Shown, StatusView, StepView};

use crate::core::Core;

/// Submitting, watching, cancelling and restoring requests.
#[derive(Clone)]
pub struct Requests {
    pub(crate) core: Core,
}

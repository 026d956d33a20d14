//! What people do with requests.

mod conflicts;
mod queries;
mod read;
mod resolve;
mod submit;
mod undo;

use crate::core::Core;

/// Submitting, watching, cancelling and restoring requests.
#[derive(Clone)]
pub struct Requests {
    pub(crate) core: Core,
}

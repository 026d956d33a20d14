//! What lists of reviews are filtered by, and reviews are counted by.

use oubli_domain::review::ReviewId;
use serde::{Deserialize, Serialize};

/// What a list is filtered by.
#[derive(Serialize, Deserialize)]
pub(super) struct Labels {
    pub(super) task_type: String,
    pub(super) framework: Option<String>,
}

pub(super) fn labels_context(id: ReviewId) -> String {
    format!("review#{id}#labels")
}

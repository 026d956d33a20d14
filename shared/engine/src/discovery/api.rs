//! What the room of discoveries answers.

use crate::core::IdentifierView;
use crate::items::Failure;
use jiff::{Timestamp, civil::Date};
use oubli_domain::{
    ids::{Category, DiscoveryId},
    plan::Unsearched,
    request::TaskStatus,
};
use serde::{Deserialize, Serialize};

/// What is there for a subject, in one category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryInventory {
    /// The category.
    pub name: Category,
    /// Records other than vectors.
    pub document_count: u64,
    /// Vectors.
    pub vector_count: u64,
    /// Their size.
    pub total_size_bytes: u64,
    /// Some of it must be kept.
    pub retention_required: bool,
    /// Why.
    pub retention_reason: Option<String>,
    /// The producers behind it, with their counts.
    pub producers: Vec<(String, u64)>,
    /// The last day until which some of it is kept.
    pub retained_until: Option<Date>,
}

/// A stand-alone discovery.
#[derive(Debug, Clone)]
pub struct DiscoveryView {
    /// By what the person is known, once they were looked for.
    pub identifiers: Vec<IdentifierView>,
    /// There may be more identifiers than were found.
    pub identifiers_incomplete: bool,
    /// Its id.
    pub id: DiscoveryId,
    /// How far it is.
    pub status: TaskStatus,
    /// When it began.
    pub started_at: Timestamp,
    /// By category; empty while it runs.
    pub categories: Vec<CategoryInventory>,
    /// What was not looked at, or only in part: nothing is known of it.
    pub unsearched: Vec<Unsearched>,
    /// What went wrong.
    pub failure: Option<Failure>,
}

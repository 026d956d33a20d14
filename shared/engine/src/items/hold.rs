//! A legal hold as it is kept.

use jiff::Timestamp;
use oubli_domain::{hold::Hold, ids::OrganizationId};
use serde::{Deserialize, Serialize};

/// A hold with its words, which are sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldItem {
    /// Its owner.
    pub organization: OrganizationId,
    /// The hold.
    pub hold: Hold,
    /// Why and by which case number, sealed under the hold's own key, until they are forgotten.
    #[serde(default)]
    pub sealed_words: Option<String>,
    /// Whom it was placed on, sealed as its words.
    #[serde(default)]
    pub sealed_identity: Option<String>,
    /// Who that was found to be, sealed as its words.
    #[serde(default)]
    pub sealed_person: Option<String>,
    /// Counts what it was extended to: whoever writes knows all that it covers.
    #[serde(default)]
    pub scope_version: u64,
    /// When it was released: an attribute of its own, so that it happens once.
    #[serde(default)]
    pub released_at: Option<Timestamp>,
    /// The index of what wants attention; absent when nothing does.
    #[serde(default)]
    pub due_pk: Option<String>,
    /// As above: when.
    #[serde(default)]
    pub due_sk: Option<String>,
}

/// A hold, where those in force are listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveHoldItem {
    /// The hold.
    pub hold: Hold,
}

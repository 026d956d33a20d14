//! What the room of holds takes and answers.

use crate::core::{Account, IdentifierView};
use oubli_domain::{
    hold::Hold,
    ids::{Category, HoldId, RequestId},
    lifecycle::State,
    personal::Identity,
};

/// A hold to place.
#[derive(Debug, Clone)]
pub struct NewHold {
    /// Its id.
    pub id: HoldId,
    /// The subject, if it is about one.
    pub identity: Option<Identity>,
    /// The categories, if it is about some.
    pub categories: Vec<Category>,
    /// Why, in words; kept out of the log.
    pub reason: String,
    /// A case number or the like; kept out of the log.
    pub reference: Option<String>,
}

/// A hold as its organization sees it.
#[derive(Debug, Clone)]
pub struct LegalHoldView {
    /// The hold.
    pub hold: Hold,
    /// By what the person is known; none until they were looked for, for a hold on nobody in particular, and once its
    /// words are forgotten.
    pub identifiers: Option<Vec<IdentifierView>>,
    /// There may be more of them than are looked for.
    pub identifiers_incomplete: bool,
    /// No record that says whom it is about has any of them.
    pub found_nobody: bool,
    /// Why.
    pub reason: Option<String>,
    /// A case number or the like.
    pub reference: Option<String>,
}

/// What a new hold came too late for, in one request.
#[derive(Debug, Clone)]
pub struct HoldEffect {
    /// The request.
    pub request_id: RequestId,
    /// Its state when the hold took effect.
    pub state: State,
    /// What had been done to it.
    pub account: Account,
}

/// What a new hold came too late for, at most a hundred requests: first those of which something is hidden or under way.
#[derive(Debug, Clone, Default)]
pub struct HoldEffects {
    /// By request.
    pub effects: Vec<HoldEffect>,
    /// It touches more open requests than these.
    pub more: bool,
}

/// A page of holds.
#[derive(Debug, Clone)]
pub struct HoldPage {
    /// In the order placed.
    pub holds: Vec<LegalHoldView>,
    /// For the next page. There may be one after a page without any hold.
    pub next_cursor: Option<String>,
}

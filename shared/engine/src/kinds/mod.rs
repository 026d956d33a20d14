//! What differs between the kinds of requests, each thing answered once. A new kind is a file beside these.

mod erasure;
mod export;

use crate::{
    Result,
    core::{Core, Next},
    items::{RequestItem, StepItem},
    transaction::Transaction,
    worker::Worker,
};
use async_trait::async_trait;
use oubli_domain::{ids::OrganizationId, request::RequestKind};
use std::collections::BTreeSet;

/// A kind of request, to every use case.
#[async_trait]
pub(crate) trait Kind: Send + Sync {
    /// Whether somebody decides on its plan, of so many records.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`].
    async fn needs_decision(&self, core: &Core, request: &RequestItem, records: u64) -> Result<bool>;

    /// The partition of the index that lists it among its like.
    fn listed_in(&self, organization: &OrganizationId) -> String;

    /// What one of its steps is called.
    fn step_name(&self, step: &StepItem) -> &'static str;

    /// How many of a step's batches are through.
    fn batches_through(&self, step: &StepItem) -> u32;

    /// What else its failure writes; `after` is the failed request.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`].
    async fn failing(&self, core: &Core, before: &RequestItem, after: &mut RequestItem) -> Result<Transaction>;

    /// Tells of a failure that is written.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`].
    async fn failed(&self, core: &Core, request: &RequestItem) -> Result<()>;
}

/// A kind of request, to the worker that moves it.
#[async_trait]
pub(crate) trait Course: Send + Sync {
    /// Begins to carry out an approved plan.
    ///
    /// # Errors
    /// [`crate::EngineError::Conflict`] when somebody else did.
    async fn begin(&self, worker: &Worker, request: &RequestItem) -> Result<Next>;

    /// Goes on with one that failed.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`].
    async fn after_failure(&self, worker: &Worker, request: &RequestItem) -> Result<Next>;

    /// Removes what is its own, once it is over.
    ///
    /// # Errors
    /// [`crate::EngineError::Transient`].
    async fn clean(&self, worker: &Worker, request: &RequestItem) -> Result<()>;
}

impl RequestItem {
    /// What differs by its kind.
    pub(crate) fn rules(&self) -> &'static dyn Kind {
        of(self.kind())
    }

    /// What is done with it, by its kind.
    pub(crate) fn course(&self) -> &'static dyn Course {
        match self.kind() {
            RequestKind::FullErasure | RequestKind::PartialErasure => &erasure::Erasure,
            RequestKind::Export => &export::Export,
        }
    }
}

/// What differs by a kind.
pub(crate) fn of(kind: RequestKind) -> &'static dyn Kind {
    match kind {
        RequestKind::FullErasure | RequestKind::PartialErasure => &erasure::Erasure,
        RequestKind::Export => &export::Export,
    }
}

/// The partitions of the index that list what erases, each once.
pub(crate) fn lists_of_erasures(organization: &OrganizationId) -> Vec<String> {
    let erasing = RequestKind::ALL.into_iter().filter(|kind| kind.changes_records());
    let lists: BTreeSet<String> = erasing.map(|kind| of(kind).listed_in(organization)).collect();
    lists.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_of_erasures_hold_each_kind_that_erases_once_and_no_other() {
        let organization = "demo".parse().expect("a name");
        let lists = lists_of_erasures(&organization);
        for kind in RequestKind::ALL {
            let times = lists.iter().filter(|list| **list == of(kind).listed_in(&organization)).count();
            assert_eq!(times, usize::from(kind.changes_records()), "{kind:?} in {lists:?}");
        }
    }
}

//! What a request asks for, and why a producer is left out of it.

use crate::items::RequestItem;
use oubli_domain::{
    datamap::Producer,
    ids::Category,
    plan::{Copies, UnsearchedBecause},
    request::Scope,
};

/// What a request asks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AskedScope<'a> {
    pub scope: Scope,
    /// Only these, if any are named.
    pub only: &'a [Category],
    /// Not these.
    pub not: &'a [Category],
}

impl<'a> AskedScope<'a> {
    /// Everything there is.
    pub fn everything() -> Self {
        Self { scope: Scope::default(), only: &[], not: &[] }
    }

    /// What a request asks for.
    pub fn of(request: &'a RequestItem) -> Self {
        Self { scope: request.scope, only: &request.categories, not: &request.exclude_categories }
    }

    /// Whether a category is not asked for.
    pub fn leaves_out_category(&self, category: &Category) -> bool {
        (!self.only.is_empty() && !self.only.contains(category)) || self.not.contains(category)
    }

    /// Why a producer is not asked for; none if it is.
    pub fn leaves_out(&self, producer: &Producer) -> Option<UnsearchedBecause> {
        if self.leaves_out_category(&producer.category) {
            return Some(UnsearchedBecause::NotAsked);
        }
        let copies = [
            (producer.backup && !self.scope.include_backups, Copies::Backups),
            (producer.log && !self.scope.include_logs, Copies::Logs),
            (producer.derived && !self.scope.include_derived_data, Copies::Derived),
        ];
        copies.into_iter().find(|(out, _)| *out).map(|(_, which)| UnsearchedBecause::LeftOutCopies { which })
    }
}

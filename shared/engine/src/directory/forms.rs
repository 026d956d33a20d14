//! Holds and requests find their person by hashes of normal forms: how a kind is compared stays as it is while any does.

use crate::{
    ProblemCode, Refusal, Result,
    directory::Administration,
    items::{ActiveHoldItem, active_holds_partition, from_item, open_partition},
    ports::{Item, Query, Range, TableName},
};
use oubli_domain::{datamap::DataMap, ids::OrganizationId, personal::IdentifierKind};

/// Most holds, or requests, that are counted: one is enough.
const COUNTED: usize = 100;

impl Administration {
    /// Refuses a map that compares identifiers otherwise than the current version while somebody is found by that.
    pub(super) async fn forms_may_change(&self, current: u64, newer: &DataMap) -> Result<()> {
        let kinds = self.core.kinds_in_map(&self.organization, current).await?.compared_otherwise(newer);
        self.none_in_use(&self.organization, &kinds, "Leave it as it is and declare another kind beside it").await
    }

    /// Refuses another country while somebody is found by a number that the present one completes.
    pub(super) async fn country_may_change(&self) -> Result<()> {
        let Some(current) = self.core.current_map_version(&self.organization).await? else { return Ok(()) };
        let kinds = self.core.kinds_in_map(&self.organization, current).await?.compared_by_country();
        self.none_in_use(&self.organization, &kinds, "Leave the country as it is").await
    }

    async fn none_in_use(&self, organization: &OrganizationId, kinds: &[IdentifierKind], instead: &str) -> Result<()> {
        if kinds.is_empty() {
            return Ok(());
        }
        let on_somebody = |item| Ok(!from_item::<ActiveHoldItem>(item)?.hold.scope.is_on_everybody());
        let holds = self.counted(active_holds_partition(organization), on_somebody).await?;
        let requests = self.counted(open_partition(organization), |_| Ok(true)).await?;
        if holds.number == 0 && requests.number == 0 {
            return Ok(());
        }
        let names = kinds.iter().map(IdentifierKind::as_str).collect::<Vec<_>>().join(", ");
        let (holds, requests) = (holds.of("legal hold"), requests.of("open request"));
        let text = format!(
            "Identifiers of kind {names} would be compared otherwise, and whom these are about would not be found by them any \
             more: {holds} in force and {requests}."
        );
        let remedy = format!("{instead}, or release these holds and end these requests first.");
        Err(Refusal::conflict(ProblemCode::IdentifierFormInUse, text, remedy).into())
    }

    /// How many items of a partition count, as far as the first page that holds one tells.
    async fn counted(&self, partition: String, counts: impl Fn(Item) -> Result<bool>) -> Result<Count> {
        let mut query = Query { limit: COUNTED, ..Query::new(TableName::Control, partition, Range::All) };
        loop {
            let page = self.core.ports.table.query(query.clone()).await?;
            let mut number = 0;
            for item in page.items {
                number += usize::from(counts(item)?);
            }
            if number > 0 || page.next.is_none() {
                return Ok(Count { number, more: page.next.is_some() });
            }
            query.after = page.next;
        }
    }
}

struct Count {
    number: usize,
    more: bool,
}

impl Count {
    fn of(&self, what: &str) -> String {
        let least = if self.more { "at least " } else { "" };
        let plural = if self.number == 1 { "" } else { "s" };
        format!("{least}{} {what}{plural}", self.number)
    }
}

//! What a reviewer should know of a plan, besides what the stores say of themselves.

use crate::{
    Result,
    discovery::Discovery,
    items::{ActiveHoldItem, RequestItem, active_holds_partition, from_item},
    ports::{Query, Range, TableName},
};

/// Most holds named in a caution.
const MOST_NAMED: usize = 10;

impl Discovery {
    /// Cautions on the whole of a request's plan.
    pub(super) async fn cautions_on(&self, request: &RequestItem) -> Result<Vec<String>> {
        let mut cautions = Vec::new();
        if request.kind().yields_to_holds() {
            cautions.extend(self.holds_apart(request).await?);
        }
        Ok(cautions)
    }

    /// Holds on people who are known by other kinds of identifiers than this request gives: whether they are on this
    /// person cannot be seen.
    async fn holds_apart(&self, request: &RequestItem) -> Result<Option<String>> {
        let query = Query::new(TableName::Control, active_holds_partition(&request.organization), Range::All);
        let mut apart = Vec::new();
        for item in self.core.query_all(query).await? {
            let ActiveHoldItem { hold } = from_item(item)?;
            if !hold.scope.tells_apart(&request.subject_keys) {
                apart.push(hold.id.to_string());
            }
        }
        if apart.is_empty() {
            return Ok(None);
        }
        let more = apart.len().saturating_sub(MOST_NAMED);
        apart.truncate(MOST_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Ok(Some(format!(
            "the person of this request and those of the legal holds {}{more} cannot be told apart: they are known by other \
             identifiers",
            apart.join(", ")
        )))
    }
}

//! Pages of queries, and cursors that callers hold.

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::Core,
    ports::{Cursor, Index, Item, Query, Range, TableName},
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

/// Most results of a page.
pub const MOST_RESULTS: usize = 100;

impl Core {
    /// Every page of a query, in order.
    pub(crate) async fn query_all(&self, mut query: Query) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        loop {
            let page = self.ports.table.query(query.clone()).await?;
            items.extend(page.items);
            match page.next {
                Some(next) => query.after = Some(next),
                None => return Ok(items),
            }
        }
    }

    /// The organization's requests by time.
    pub(crate) fn by_time(partition: String, cursor: Option<Cursor>, limit: usize) -> Query {
        Query {
            table: TableName::Control,
            index: Some(Index::ByOrganization),
            partition,
            range: Range::All,
            descending: true,
            limit,
            after: cursor,
        }
    }
}

/// A cursor as callers see it.
pub fn show_cursor(cursor: Option<Cursor>) -> Result<Option<String>> {
    let Some(cursor) = cursor else { return Ok(None) };
    let text = serde_json::to_vec(&cursor).map_err(|_| EngineError::internal("a cursor does not serialize"))?;
    Ok(Some(BASE64URL_NOPAD.encode(&text)))
}

/// A caller's cursor, if it belongs to the partition asked for: nobody pages into another organization.
pub fn read_cursor(text: Option<&str>, attribute: &str, partition: &str) -> Result<Option<Cursor>> {
    let Some(text) = text else { return Ok(None) };
    let parsed = BASE64URL_NOPAD.decode(text.as_bytes()).ok().and_then(|b| serde_json::from_slice::<Cursor>(&b).ok());
    match parsed {
        Some(cursor) if cursor.0.get(attribute).and_then(Value::as_str) == Some(partition) => Ok(Some(cursor)),
        _ => {
            let refusal = Refusal::invalid(
                ProblemCode::InvalidCursor,
                "cursor",
                "This is not a cursor of this list.",
                "Pass next_cursor of the page before, unchanged, or none.",
            );
            Err(refusal.into())
        }
    }
}

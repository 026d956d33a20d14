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

/// Pages of items that are read for one page of results: it may hold fewer than were asked for, or none, and still have a next
/// one.
pub(crate) const READS_A_PAGE: usize = 5;

/// Items read at once where only some of them are wanted.
const LOOKED_AT: usize = 100;

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

    /// What is wanted of a partition, so many at most, and where to go on. `filtered`: much of it may not be wanted.
    pub(crate) async fn wanted<T>(
        &self,
        query: Query,
        limit: usize,
        filtered: bool,
        mut wanted: impl FnMut(Item) -> Result<Option<T>>,
    ) -> Result<(Vec<T>, Option<Cursor>)> {
        let mut query = Query { limit: if filtered { LOOKED_AT } else { limit }, ..query };
        let mut found = Vec::new();
        for _ in 0..READS_A_PAGE {
            let page = self.ports.table.query(query.clone()).await?;
            let mut items = page.items.into_iter().peekable();
            while let Some(item) = items.next() {
                let here = place_of(&item, query.index);
                found.extend(wanted(item)?);
                if found.len() >= limit && items.peek().is_some() {
                    return Ok((found, Some(here)));
                }
            }
            query.after = page.next;
            if query.after.is_none() || found.len() >= limit {
                break;
            }
        }
        Ok((found, query.after))
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

/// The place of an item in its partition, or in an index: whoever goes on after it reads what follows.
pub fn place_of(item: &Item, index: Option<Index>) -> Cursor {
    let keys = index.map(|index| <[&str; 2]>::from(index.attributes())).into_iter().flatten();
    let names = ["pk", "sk"].into_iter().chain(keys);
    Cursor(names.filter_map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect())
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

//! Pages of queries, and cursors that callers hold: sealed, and bound to the list, its filters and who asked.

use crate::{
    EngineError, ProblemCode, Refusal, Result,
    core::Core,
    crypt,
    keyring::{self, Purpose},
    ports::{Cursor, Index, Item, Query, Range, TableName},
};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use jiff::{SignedDuration, Timestamp};
use oubli_domain::access::Caller;
use serde::{Deserialize, Serialize};
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

/// A list as somebody asks for it. A cursor of it leads on in no other, and for nobody else.
pub(crate) struct List<'a> {
    pub(crate) caller: &'a Caller,
    /// Which list it is.
    pub(crate) name: &'static str,
    /// What narrows it; not how long its pages are.
    pub(crate) filters: Value,
}

/// What a cursor says to us alone.
#[derive(Serialize, Deserialize)]
struct Place {
    cursor: Cursor,
    until: Timestamp,
}

/// How long a cursor is taken.
const TAKEN_FOR: SignedDuration = SignedDuration::from_hours(24);

impl List<'_> {
    /// What a cursor is bound to, beside the organization, whose key seals it.
    fn binding(&self) -> String {
        format!("cursor\n{}\n{}\n{}", self.name, self.caller.actor, self.filters)
    }

    fn partition(&self) -> String {
        format!("org#{}#cursors", self.caller.organization)
    }
}

impl Core {
    /// A cursor as callers see it: sealed.
    pub(crate) async fn show_cursor(&self, list: &List<'_>, cursor: Option<Cursor>) -> Result<Option<String>> {
        let Some(cursor) = cursor else { return Ok(None) };
        let plain = serde_json::to_vec(&Place { cursor, until: self.now() + TAKEN_FOR });
        let plain = plain.map_err(|_| EngineError::internal("a cursor does not serialize"))?;
        let key = keyring::ensure(&self.ports, &list.caller.organization, &list.partition(), Purpose::Cursors).await?;
        let sealed = crypt::seal(&key, self.ports.entropy.as_ref(), &list.binding(), &plain)?;
        let bytes = BASE64.decode(sealed.as_bytes()).map_err(|_| EngineError::internal("a sealed text is not base64"))?;
        Ok(Some(BASE64URL_NOPAD.encode(&bytes)))
    }

    /// A caller's cursor, if this list gave it to them, and not too long ago.
    pub(crate) async fn read_cursor(&self, list: &List<'_>, text: Option<&str>) -> Result<Option<Cursor>> {
        let Some(text) = text else { return Ok(None) };
        let refused = || {
            EngineError::from(Refusal::invalid(
                ProblemCode::InvalidCursor,
                "cursor",
                "This is not a cursor of this list with these filters, or it is older than a day.",
                "Pass next_cursor of the page before, unchanged and with the same filters, or none.",
            ))
        };
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| refused())?;
        let key = keyring::find(&self.ports, &list.caller.organization, &list.partition(), Purpose::Cursors).await?;
        let key = key.ok_or_else(refused)?;
        let plain = crypt::open(&key, &list.binding(), &BASE64.encode(&bytes)).map_err(|_| refused())?;
        let place: Place = serde_json::from_slice(&plain).map_err(|_| refused())?;
        if place.until < self.now() { Err(refused()) } else { Ok(Some(place.cursor)) }
    }
}

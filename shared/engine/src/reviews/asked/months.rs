//! The keys of reviews, one a month: what a month's reviews say is forgotten together.

use super::super::Reviews;
use crate::{
    EngineError, Result,
    items::{
        ReviewRow, feedback_key, from_item, review_key, review_month_key, review_months_partition, review_row_key,
        reviews_partition,
    },
    keyring::{self, Purpose},
    ports::{Condition, DataKey, Item, Key, Message, Query, Range, TableName},
    transaction::{Committed, Transaction, set},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use oubli_domain::{
    audit::{AuditEvent, EventType},
    ids::OrganizationId,
    review::ReviewStatus,
};
use std::cmp::Ordering;

/// Reviews that are deleted in one go: as many as are read by their keys at once.
const ROWS_AT_ONCE: usize = 100;

/// How often that is done for one call.
const PAGES_AT_ONCE: usize = 50;

/// Numbers and months go up together, but for those made at the turn of one: behind so many of later months there is none.
const LATER_ENDS: usize = 1_000;

/// The month of a time, as `2026-11`.
pub(super) fn month_of(at: Timestamp) -> String {
    at.strftime("%Y-%m").to_string()
}

/// When a month is over; none for what is no month.
fn end_of(month: &str) -> Option<Timestamp> {
    let first: Date = format!("{month}-01").parse().ok()?;
    let next = first.last_of_month().tomorrow().ok()?;
    Some(next.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn keys_partition(organization: &OrganizationId, month: &str) -> String {
    format!("org#{organization}#reviews#{month}")
}

impl Reviews {
    /// What seals a month's reviews; none once they are forgotten.
    pub(super) async fn key_of(&self, organization: &OrganizationId, month: &str) -> Result<Option<DataKey>> {
        keyring::find(&self.core.ports, organization, &keys_partition(organization, month), Purpose::Reviews).await
    }

    /// What seals the reviews of the month that it is now.
    pub(super) async fn key_of_now(&self, organization: &OrganizationId) -> Result<(String, DataKey)> {
        let month = month_of(self.core.now());
        if let Some(key) = self.key_of(organization, &month).await? {
            return Ok((month, key));
        }
        // First, so that no month is forgotten to be forgotten.
        let noted = Transaction::new().put(review_month_key(organization, &month), &Item::new(), vec![])?;
        noted.commit(self.core.ports.table.as_ref()).await?;
        let partition = keys_partition(organization, &month);
        let key = keyring::ensure(&self.core.ports, organization, &partition, Purpose::Reviews).await?;
        Ok((month, key))
    }

    /// Has months forgotten of which every review closed, and was kept as long as a request's words are: first what opens them
    /// goes, then what it opened. What is too much for one call is done by the next, which is called for.
    ///
    /// # Errors
    /// [`EngineError::Transient`]; months that did not fail are forgotten all the same.
    pub async fn forget_months(&self, organization: &OrganizationId) -> Result<()> {
        let months = self.core.query_all(months_query(organization)).await?;
        if months.is_empty() {
            return Ok(());
        }
        let settings = self.core.settings(organization).await?;
        let days = |days: i64| SignedDuration::from_hours(24 * days);
        let kept = Kept {
            open: days(i64::from(settings.unreviewed_ends_after_days)),
            ended: days(i64::from(settings.forget_after_days)),
        };
        let (mut pages, mut failed) = (PAGES_AT_ONCE, None);
        for month in months {
            if let Err(error) = self.forget_month(organization, &month, &kept, &mut pages).await {
                tracing::warn!(%organization, %error, "a month of reviews is forgotten later");
                failed = Some(error);
            }
            if pages == 0 {
                self.core.send(Message::Retire { organization: organization.clone() }).await?;
                break;
            }
        }
        failed.map_or(Ok(()), Err)
    }

    /// Forgets a month if its time has come, as far as so many pages of reviews go.
    async fn forget_month(&self, organization: &OrganizationId, item: &Item, kept: &Kept, pages: &mut usize) -> Result<()> {
        let month = item.get("sk").and_then(|sk| sk.as_str()).unwrap_or_default();
        let end = end_of(month).ok_or_else(|| EngineError::internal("a month of reviews has no end"))?;
        let now = self.core.now();
        if end + kept.open + kept.ended > now {
            return Ok(());
        }
        let place = review_month_key(organization, month);
        let reviews = if let Some(begun) = item.get("reviews").and_then(|reviews| reviews.as_u64()) {
            begun
        } else {
            let Some(reviews) = self.ended_by(organization, month, now - kept.ended).await? else { return Ok(()) };
            // Whoever goes on need not look at all of them again, and knows how many there were.
            let begun = Transaction::new().update(place.clone(), vec![set("reviews", reviews)], vec![Condition::ItemPresent]);
            if begun.commit(self.core.ports.table.as_ref()).await? == Committed::Refused {
                return Ok(());
            }
            reviews
        };
        keyring::destroy(&self.core.ports, &keys_partition(organization, month), Purpose::Reviews).await?;
        if !self.delete_reviews(organization, month, pages).await? {
            return Ok(());
        }
        let order = format!("reviews-{month}#forgotten");
        let mut event = AuditEvent::new(&order, EventType::ReviewsForgotten, now);
        event.details.insert("month".to_owned(), month.into());
        event.details.insert("reviews".to_owned(), reviews.into());
        let gone = Transaction::new().delete(place, vec![Condition::ItemPresent]);
        // Refused: another worker did it.
        self.core.commit_told(gone, organization, &order, &event).await.map(|_: Committed| ())
    }

    /// How many reviews a month has; none while one of them is open, or ended after this time.
    async fn ended_by(&self, organization: &OrganizationId, month: &str, time: Timestamp) -> Result<Option<u64>> {
        let mut walk = Walk::of(organization, month, 1000);
        let mut reviews = 0_u64;
        while let Some(rows) = self.next_rows(&mut walk).await? {
            // Of one that began under other settings the time may not be over.
            if rows.iter().any(|row| row.status == ReviewStatus::Pending || row.ended_at.is_some_and(|at| at > time)) {
                return Ok(None);
            }
            reviews += u64::try_from(rows.len()).unwrap_or(u64::MAX);
        }
        Ok(Some(reviews))
    }

    /// Deletes a month's reviews page by page, so that whoever comes next goes on there. Answers whether that is all.
    async fn delete_reviews(&self, organization: &OrganizationId, month: &str, pages: &mut usize) -> Result<bool> {
        let mut walk = Walk::of(organization, month, ROWS_AT_ONCE);
        while let Some(rows) = self.next_rows(&mut walk).await? {
            if rows.is_empty() {
                continue;
            }
            if *pages == 0 {
                return Ok(false);
            }
            *pages -= 1;
            self.delete_page(organization, &rows).await?;
        }
        Ok(true)
    }

    async fn delete_page(&self, organization: &OrganizationId, rows: &[ReviewRow]) -> Result<()> {
        let table = self.core.ports.table.as_ref();
        table.delete_all(rows.iter().map(|row| review_key(organization, row.id)).collect()).await?;
        // From here on nothing more is said of them: what the rows count now is all.
        let places: Vec<Key> = rows.iter().map(|row| review_row_key(organization, row.id)).collect();
        let mut said = Vec::new();
        for found in table.get_many(&places).await?.into_iter().flatten() {
            let row: ReviewRow = from_item(found)?;
            said.extend((1..=row.feedback).map(|number| feedback_key(organization, row.id, number)));
        }
        if !said.is_empty() {
            table.delete_all(said).await?;
        }
        // Last, since they lead to the rest.
        Ok(table.delete_all(places).await?)
    }

    /// The next rows of a month, of which a page may have none; none where there are no more.
    async fn next_rows(&self, walk: &mut Walk<'_>) -> Result<Option<Vec<ReviewRow>>> {
        if walk.over {
            return Ok(None);
        }
        let page = self.core.ports.table.query(walk.query.clone()).await?;
        let mut rows = Vec::new();
        for item in page.items {
            // What cannot be read of another month is that month's trouble.
            let order = item.get("month").and_then(|month| month.as_str()).unwrap_or_default().cmp(walk.month);
            match order {
                Ordering::Less => {}
                Ordering::Equal => {
                    walk.later = 0;
                    rows.push(from_item(item)?);
                }
                Ordering::Greater => walk.later += 1,
            }
        }
        walk.query.after = page.next;
        walk.over = walk.later >= LATER_ENDS || walk.query.after.is_none();
        Ok(Some(rows))
    }
}

/// How long reviews are kept.
struct Kept {
    /// While nobody decides.
    open: SignedDuration,
    /// Once they are decided or closed.
    ended: SignedDuration,
}

/// How far somebody is with the rows of a month.
struct Walk<'a> {
    month: &'a str,
    query: Query,
    /// Rows of later months that came one after the other.
    later: usize,
    over: bool,
}

impl<'a> Walk<'a> {
    fn of(organization: &OrganizationId, month: &'a str, limit: usize) -> Self {
        let query = Query { limit, ..Query::new(TableName::Control, reviews_partition(organization), Range::All) };
        Self { month, query, later: 0, over: false }
    }
}

fn months_query(organization: &OrganizationId) -> Query {
    Query::new(TableName::Control, review_months_partition(organization), Range::All)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_where_the_next_begins() {
        let at = |text: &str| text.parse::<Timestamp>().expect("a time");
        assert_eq!(month_of(at("2026-11-30T23:59:59Z")), "2026-11");
        assert_eq!(end_of("2026-11"), Some(at("2026-12-01T00:00:00Z")));
        assert_eq!(end_of("2026-12"), Some(at("2027-01-01T00:00:00Z")));
        assert_eq!(end_of("2028-02"), Some(at("2028-03-01T00:00:00Z")));
        assert_eq!(end_of("2026-13"), None);
    }
}

//! The keys of reviews, one a month: what a month's reviews say is forgotten together.

use super::super::Reviews;
use crate::{
    EngineError, Result,
    items::{
        ReviewRow, from_item, review_month_key, review_months_partition, review_partition, review_row_key, reviews_partition,
    },
    keyring::{self, Purpose},
    ports::{Condition, DataKey, Item, Key, Query, Range, TableName},
    transaction::{Committed, Transaction},
};
use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use oubli_domain::{
    audit::{AuditEvent, EventType},
    ids::OrganizationId,
    review::ReviewStatus,
};

/// Months that are looked at in one go.
const MONTHS_AT_ONCE: usize = 12;

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
    /// goes, then what it opened.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn forget_months(&self, organization: &OrganizationId) -> Result<()> {
        let months = Query { limit: MONTHS_AT_ONCE, ..months_query(organization) };
        let page = self.core.ports.table.query(months).await?;
        if page.items.is_empty() {
            return Ok(());
        }
        let settings = self.core.settings(organization).await?;
        let days = i64::from(settings.unreviewed_ends_after_days) + i64::from(settings.forget_after_days);
        let kept = SignedDuration::from_hours(24 * days);
        for item in page.items {
            let month = item.get("sk").and_then(|sk| sk.as_str()).unwrap_or_default().to_owned();
            let end = end_of(&month).ok_or_else(|| EngineError::internal("a month of reviews has no end"))?;
            if end + kept > self.core.now() {
                continue;
            }
            let rows = self.rows_of(organization, &month).await?;
            // Of one that began under other settings the time may not be over.
            if rows.iter().all(|row| row.status != ReviewStatus::Pending) {
                self.forget_month(organization, &month, &rows).await?;
            }
        }
        Ok(())
    }

    async fn forget_month(&self, organization: &OrganizationId, month: &str, rows: &[ReviewRow]) -> Result<()> {
        keyring::destroy(&self.core.ports, &keys_partition(organization, month), Purpose::Reviews).await?;
        for row in rows {
            self.core.delete_items(&review_partition(organization, row.id), "").await?;
        }
        let places: Vec<Key> = rows.iter().map(|row| review_row_key(organization, row.id)).collect();
        if !places.is_empty() {
            self.core.ports.table.delete_all(places).await?;
        }
        let place = review_month_key(organization, month);
        let order = format!("reviews-{month}#forgotten");
        let mut event = AuditEvent::new(&order, EventType::ReviewsForgotten, self.core.now());
        event.details.insert("month".to_owned(), month.into());
        event.details.insert("reviews".to_owned(), rows.len().into());
        let gone = Transaction::new().delete(place, vec![Condition::ItemPresent]);
        // Refused: another worker did it.
        self.core.commit_told(gone, organization, &order, &event).await.map(|_: Committed| ())
    }

    /// The reviews of a month, which is one of the oldest there is.
    async fn rows_of(&self, organization: &OrganizationId, month: &str) -> Result<Vec<ReviewRow>> {
        let mut query = Query::new(TableName::Control, reviews_partition(organization), Range::All);
        let mut found: Vec<ReviewRow> = Vec::new();
        loop {
            let page = self.core.ports.table.query(query.clone()).await?;
            let rows: Vec<ReviewRow> = page.items.into_iter().map(from_item).collect::<Result<_>>()?;
            let later = !rows.is_empty() && rows.iter().all(|row| row.month.as_str() > month);
            found.extend(rows.into_iter().filter(|row| row.month == month));
            query.after = page.next;
            // Numbers and months go up together, but for those made at the turn of one.
            if later || query.after.is_none() {
                return Ok(found);
            }
        }
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

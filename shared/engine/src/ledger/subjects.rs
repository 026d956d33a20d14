//! Who a request or a hold is about, for auditors, in an index that can be forgotten while the log stays whole: keyed
//! hashes, under a key of each year, which goes when policy says so.

use crate::{
    Result,
    core::{keys_partition, names, year},
    items::subject_index_partition,
    keyring::{self, Purpose},
    ledger::Ledger,
    ports::{Condition, Message, Query, Range, TableName},
    transaction::{Committed, Transaction},
};
use oubli_domain::{
    audit::{AuditEvent, EventType},
    ids::OrganizationId,
    personal::Identity,
};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The first year there is an index of.
const FIRST_YEAR: i16 = 2026;

impl Ledger {
    /// The requests and holds about somebody, as far back as the index goes.
    pub(super) async fn about_subject(&self, organization: &OrganizationId, identity: &Identity) -> Result<BTreeSet<String>> {
        let partition = keys_partition(organization);
        let mut found = BTreeSet::new();
        for year in FIRST_YEAR..=year(self.core.now()) {
            let Some(key) = keyring::find(&self.core.ports, organization, &partition, Purpose::SubjectIndex(year)).await? else {
                continue;
            };
            for name in names(&key, year, identity)? {
                let pk = subject_index_partition(organization, &name);
                let rows = self.core.query_all(Query::new(TableName::Control, pk, Range::All)).await?;
                found.extend(rows.iter().filter_map(|r| r.get("about").and_then(Value::as_str)).map(str::to_owned));
            }
        }
        Ok(found)
    }

    /// Makes the index of a year unreadable, and notes it in the log, which stays whole. Answers whether there was one.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn forget_subject_index(&self, organization: &OrganizationId, year: i16) -> Result<bool> {
        let order = format!("subject-index-{year}#{}", self.core.ports.entropy.uuid(self.core.now()).simple());
        let event = AuditEvent {
            details: Map::from_iter([("year".to_owned(), year.into())]),
            ..AuditEvent::new(&order, EventType::SubjectIndexForgotten, self.core.now())
        };
        let address = keyring::address(&keys_partition(organization), Purpose::SubjectIndex(year));
        let transaction = Transaction::new().delete(address, vec![Condition::ItemPresent]);
        let forgotten =
            self.core.outbox(transaction, organization, &order, &event)?.commit(self.core.ports.table.as_ref()).await?;
        self.core
            .left_to_sweeper(organization, self.core.send(Message::Seal { organization: organization.clone() }).await)
            .await?;
        Ok(forgotten == Committed::Yes)
    }

    /// Forgets the indexes of the years that policy keeps no longer.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn retire_subject_indexes(&self, organization: &OrganizationId) -> Result<()> {
        let Some(kept) = self.core.config.subject_index_kept_years else { return Ok(()) };
        let this_year = year(self.core.now());
        for year in (FIRST_YEAR..this_year).filter(|y| u32::from((this_year - y).unsigned_abs()) > kept) {
            let address = keyring::address(&keys_partition(organization), Purpose::SubjectIndex(year));
            if self.core.ports.table.get_many(&[address]).await?.pop().flatten().is_some() {
                self.forget_subject_index(organization, year).await?;
            }
        }
        Ok(())
    }
}

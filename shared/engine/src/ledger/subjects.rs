//! Who a request or a hold is about, for auditors, in an index that can be forgotten while the log stays whole: keyed
//! hashes, under a key of each year, which goes when policy says so.

use crate::{
    Engine, EngineError, Result,
    engine::plain_item,
    items::{subject_index_key, subject_index_partition},
    keyring::{self, Purpose},
    ports::{Condition, DataKey, Message, Query, Range, TableName},
    transaction::{Committed, Transaction},
};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{Timestamp, tz::TimeZone};
use oubli_domain::{
    audit::{AuditEvent, EventType},
    ids::OrganizationId,
    personal::Identity,
};
use serde_json::{Map, Value};
use sha2::Sha256;
use std::collections::BTreeSet;

/// The first year there is an index of.
const FIRST_YEAR: i16 = 2026;

fn year(at: Timestamp) -> i16 {
    at.to_zoned(TimeZone::UTC).year()
}

fn keys_partition(organization: &OrganizationId) -> String {
    format!("org#{organization}#subjects")
}

/// A person's names in the index of a year.
fn names(key: &DataKey, year: i16, identity: &Identity) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for (kind, identifier) in identity.known() {
        let (label, text) = kind.comparable(identifier);
        let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).map_err(|_| EngineError::internal("a key has no length"))?;
        mac.update(format!("{label}\n{text}").as_bytes());
        names.push(format!("{year}-{}", HEXLOWER.encode(&mac.finalize().into_bytes())));
    }
    Ok(names)
}

impl Engine {
    /// Adds to a transaction that a request or a hold is about somebody.
    pub(crate) async fn index_subject(
        &self,
        mut transaction: Transaction,
        organization: &OrganizationId,
        identity: &Identity,
        about: &str,
    ) -> Result<Transaction> {
        let year = year(self.now());
        let purpose = Purpose::SubjectIndex(year);
        let key = keyring::ensure(&self.ports, organization, &keys_partition(organization), purpose).await?;
        for name in names(&key, year, identity)? {
            let item = plain_item([("about", about.into())]);
            transaction = transaction.put(subject_index_key(organization, &name, about), &item, vec![])?;
        }
        Ok(transaction)
    }

    /// The requests and holds about somebody, as far back as the index goes.
    pub(super) async fn about_subject(&self, organization: &OrganizationId, identity: &Identity) -> Result<BTreeSet<String>> {
        let partition = keys_partition(organization);
        let mut found = BTreeSet::new();
        for year in FIRST_YEAR..=year(self.now()) {
            let Some(key) = keyring::find(&self.ports, organization, &partition, Purpose::SubjectIndex(year)).await? else {
                continue;
            };
            for name in names(&key, year, identity)? {
                let pk = subject_index_partition(organization, &name);
                let rows = self.query_all(Query::new(TableName::Control, pk, Range::All)).await?;
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
        let order = format!("subject-index-{year}#{}", self.ports.entropy.uuid(self.now()).simple());
        let event = AuditEvent {
            details: Map::from_iter([("year".to_owned(), year.into())]),
            ..AuditEvent::new(&order, EventType::SubjectIndexForgotten, self.now())
        };
        let address = keyring::address(&keys_partition(organization), Purpose::SubjectIndex(year));
        let transaction = Transaction::new().delete(address, vec![Condition::ItemPresent]);
        let forgotten = self.outbox(transaction, organization, &order, &event)?.commit(self.ports.table.as_ref()).await?;
        self.left_to_sweeper(organization, self.send(Message::Seal { organization: organization.clone() }).await).await?;
        Ok(forgotten == Committed::Yes)
    }

    /// Forgets the indexes of the years that policy keeps no longer.
    ///
    /// # Errors
    /// [`EngineError::Transient`].
    pub async fn retire_subject_indexes(&self, organization: &OrganizationId) -> Result<()> {
        let Some(kept) = self.config.subject_index_kept_years else { return Ok(()) };
        let this_year = year(self.now());
        for year in (FIRST_YEAR..this_year).filter(|y| u32::from((this_year - y).unsigned_abs()) > kept) {
            let address = keyring::address(&keys_partition(organization), Purpose::SubjectIndex(year));
            if self.ports.table.get_many(&[address]).await?.pop().flatten().is_some() {
                self.forget_subject_index(organization, year).await?;
            }
        }
        Ok(())
    }
}

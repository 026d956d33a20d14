//! Where a person's entries are found again.

use crate::{
    EngineError, Result,
    core::{Core, plain_item},
    items::subject_index_key,
    keyring::{self, Purpose},
    ports::DataKey,
    transaction::Transaction,
};
use data_encoding::HEXLOWER;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{Timestamp, tz::TimeZone};
use oubli_domain::{
    ids::OrganizationId,
    personal::{Identity, Known},
};
use sha2::Sha256;

pub(crate) fn year(at: Timestamp) -> i16 {
    at.to_zoned(TimeZone::UTC).year()
}

pub(crate) fn keys_partition(organization: &OrganizationId) -> String {
    format!("org#{organization}#subjects")
}

/// A person's names in the index of a year.
pub(crate) fn names(key: &DataKey, year: i16, identity: &Identity) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for Known { kind, normal, .. } in identity.known() {
        let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).map_err(|_| EngineError::internal("a key has no length"))?;
        mac.update(format!("{kind}\n{}", normal.expose()).as_bytes());
        names.push(format!("{year}-{}", HEXLOWER.encode(&mac.finalize().into_bytes())));
    }
    Ok(names)
}

impl Core {
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
}

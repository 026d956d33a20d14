//! Enrolling one-time codes.

use crate::{
    EngineError, Refusal, Result,
    core::{NewCodes, SECRET, codes, partition},
    directory::Directory,
    items::step_up_key,
    keyring::{self, Purpose},
    transaction::Transaction,
};
use data_encoding::BASE32_NOPAD;
use oubli_domain::ids::OrganizationId;

impl Directory {
    /// Gives a credential new one-time codes; those it had before are void.
    ///
    /// # Errors
    /// No such key of this organization.
    pub async fn enroll_codes(&self, organization: &OrganizationId, key_id: &str) -> Result<NewCodes> {
        let keys = self.keys(organization).await?;
        let known = keys.into_iter().find(|k| k.key_id == key_id && k.revoked_at.is_none());
        let known = known.ok_or_else(|| Refusal::not_found("key"))?;
        let partition = partition(organization, &known.actor);
        keyring::destroy(&self.core.ports, &partition, Purpose::StepUp).await?;
        let key = keyring::ensure(&self.core.ports, organization, &partition, Purpose::StepUp).await?;
        Transaction::new().delete(step_up_key(organization, &known.actor), vec![]).commit(self.core.ports.table.as_ref()).await?;
        let issuer = format!("Oubli {organization}");
        let url = codes(&key, &issuer, &known.name)?.to_url();
        let url = url.map_err(|e| EngineError::internal(format!("one-time codes: {e}")))?;
        Ok(NewCodes { key_id: key_id.to_owned(), url, secret: BASE32_NOPAD.encode(&key.0[..SECRET]) })
    }
}

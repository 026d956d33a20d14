//! Delivery of an export, encrypted as it is, into a bucket of the organization's own.

use super::{
    package::{PackageItem, Work},
    query::stamp,
};
use crate::{
    Engine, EngineError, Outcome, crypt,
    items::{Delivery, RequestItem, package_key, request_partition},
    keyring::{self, Purpose},
    ports::ObjectError,
    transaction::Transaction,
};
use oubli_domain::personal::Identifier;
use oubli_package::names::folder_part;

impl Engine {
    /// Copies the export where the organization wants it. Made again, it writes the same object again. Where is noted
    /// first, so that what a cancelled export has delivered can be taken back.
    pub(super) async fn deliver_export(&self, work: &mut Work) -> Outcome<()> {
        let Some(bucket) = work.request.deliver_to.clone() else { return Ok(()) };
        let key = self.delivery_key(work).await?;
        if work.item.delivery.is_none() {
            let organization = &work.request.organization;
            let seal = keyring::need(&self.ports, organization, &work.partition, Purpose::Identity).await?;
            let sealed_key = crypt::seal(&seal, self.ports.entropy.as_ref(), "delivery", key.as_bytes())?;
            work.item.delivery = Some(Delivery { bucket: bucket.clone(), sealed_key });
            self.save(work, Transaction::new()).await?;
        }
        let object = work.request.export.as_ref().map(|e| e.object.clone()).unwrap_or_default();
        match self.ports.packages.deliver(&object, work.item.size, &bucket, &key).await {
            Err(ObjectError::Refused(code)) => {
                let text = format!("the export cannot be delivered to the bucket {bucket}: {code}");
                Err(EngineError::Broken(text))
            }
            delivered => Ok(delivered?),
        }
    }

    /// `GDPR access - {app} - {subject}/{prefix}export_{iso8601}.zip.enc`
    async fn delivery_key(&self, work: &Work) -> Outcome<String> {
        let settings = self.settings(&work.request.organization).await?;
        let identity = self.identity_of(&work.request).await?;
        let identity = identity.ok_or_else(|| EngineError::Broken("nobody knows any more whom it is about".to_owned()))?;
        let subject = identity.known().next().map(|(_, id)| Identifier::expose(id)).unwrap_or_default();
        let app = settings.delivery_app.unwrap_or(settings.name);
        let folder = format!("GDPR access - {} - {}", folder_part(&app), folder_part(subject));
        Ok(format!("{folder}/{}export_{}.zip.enc", settings.file_prefix, stamp(work.item.began_at)))
    }

    /// Where it was delivered to, for those who may see whom it is about.
    pub(crate) async fn delivered_to(&self, request: &RequestItem) -> Outcome<Option<String>> {
        let Some(Delivery { bucket, sealed_key }) = self.delivery_of(request).await? else { return Ok(None) };
        Ok(self.words_of(request, "delivery", Some(&sealed_key)).await?.map(|key| format!("s3://{bucket}/{key}")))
    }

    async fn delivery_of(&self, request: &RequestItem) -> Outcome<Option<Delivery>> {
        let known = request.export.as_ref().and_then(|e| e.delivery.clone());
        if known.is_some() || request.deliver_to.is_none() {
            return Ok(known);
        }
        let partition = request_partition(&request.organization, &request.id);
        Ok(self.find::<PackageItem>(package_key(&partition)).await?.and_then(|p| p.delivery))
    }

    /// Takes back what was delivered of an export that was revoked or cancelled.
    pub(super) async fn withdraw_export(&self, request: &RequestItem) -> Outcome<()> {
        let Some(Delivery { bucket, sealed_key }) = self.delivery_of(request).await? else { return Ok(()) };
        if let Some(key) = self.words_of(request, "delivery", Some(&sealed_key)).await? {
            match self.ports.packages.withdraw(&bucket, &key).await {
                Err(ObjectError::Refused(code)) => {
                    let (request, organization) = (request.id, &request.organization);
                    tracing::error!(%request, %organization, bucket, code, "a delivered export cannot be taken back");
                }
                done => done?,
            }
        }
        Ok(())
    }
}

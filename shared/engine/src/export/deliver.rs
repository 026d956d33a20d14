//! Delivery of an export, encrypted as it is, into a bucket of the organization's own.

use super::{
    package::{PackageItem, Work},
    query::stamp,
};
use crate::{
    Engine, EngineError, Outcome, crypt,
    engine::transition_order,
    items::{Delivery, RequestItem, package_key, request_partition},
    keyring::{self, Purpose},
    ports::ObjectError,
    transaction::Transaction,
};
use oubli_domain::{audit::EventType, personal::Identifier};
use oubli_package::names::folder_part;

impl Engine {
    /// Copies the export where the organization wants it. Made again, it writes the same object again. Where is noted
    /// first, so that what a cancelled export has delivered can be taken back.
    pub(super) async fn deliver_export(&self, work: &mut Work) -> Outcome<()> {
        let Some(wanted) = work.request.deliver_to.clone() else { return Ok(()) };
        let organization = work.request.organization.clone();
        let seal = keyring::need(&self.ports, &organization, &work.partition, Purpose::Identity).await?;
        let delivery = match work.item.delivery.clone() {
            Some(delivery) => delivery,
            None => {
                let bucket = self.settings(&organization).await?.delivery_bucket.unwrap_or(wanted);
                let key = self.delivery_key(work).await?;
                let sealed_key = crypt::seal(&seal, self.ports.entropy.as_ref(), "delivery", key.as_bytes())?;
                let delivery = Delivery { bucket, sealed_key };
                work.item.delivery = Some(delivery.clone());
                self.save(work, Transaction::new()).await?;
                delivery
            }
        };
        let key = String::from_utf8(crypt::open(&seal, "delivery", &delivery.sealed_key)?);
        let key = key.map_err(|_| EngineError::Broken("a delivery cannot be read".to_owned()))?;
        let object = work.request.export.as_ref().map(|e| e.object.clone()).unwrap_or_default();
        match self.ports.packages.deliver(&object, work.item.size, &delivery.bucket, &key).await {
            Err(ObjectError::Refused(code)) => {
                // Nothing stands there; once the settings are mended, they say where.
                work.item.delivery = None;
                self.save(work, Transaction::new()).await?;
                let text = format!("the export cannot be delivered to the bucket {}: {code}", delivery.bucket);
                return Err(EngineError::Broken(text));
            }
            delivered => delivered?,
        }
        // Whoever cancelled meanwhile may have looked there too early.
        let now = self.find_request(&organization, &work.request.id).await?;
        if now.is_none_or(|r| r.run != work.request.run) {
            self.ports.packages.withdraw(&delivery.bucket, &key).await?;
            return Err(EngineError::Overtaken("the export was stopped while it was delivered"));
        }
        Ok(())
    }

    /// `GDPR access - {app} - {subject}/{prefix}export_{iso8601}.zip.enc`
    async fn delivery_key(&self, work: &Work) -> Outcome<String> {
        let settings = self.settings(&work.request.organization).await?;
        let identity = self.identity_of(&work.request).await?;
        let identity = identity.ok_or_else(|| EngineError::Broken("nobody knows any more whom it is about".to_owned()))?;
        let subject = identity.known().next().map(|(_, id)| Identifier::expose(id)).unwrap_or_default();
        let app = settings.delivery_app.unwrap_or(settings.name);
        let folder = format!("GDPR access - {} - {}", folder_part(&app), folder_part(subject));
        Ok(format!("{folder}/{}export_{}.zip.enc", work.item.file_prefix, stamp(work.item.began_at)))
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
    pub(super) async fn withdraw_export(&self, item: &RequestItem) -> Outcome<()> {
        let Some(Delivery { bucket, sealed_key }) = self.delivery_of(item).await? else { return Ok(()) };
        if let Some(key) = self.words_of(item, "delivery", Some(&sealed_key)).await? {
            match self.ports.packages.withdraw(&bucket, &key).await {
                Err(ObjectError::Refused(code)) => {
                    let (request, organization) = (item.id, &item.organization);
                    tracing::error!(%request, %organization, bucket, code, "a delivered export cannot be taken back");
                    self.note_left(item, &code).await?;
                }
                done => done?,
            }
        }
        Ok(())
    }

    /// That a copy is left, for whoever has to remove it by hand.
    async fn note_left(&self, request: &RequestItem, code: &str) -> Outcome<()> {
        let order = format!("{}#delivery-left", transition_order(request));
        let mut event = self.event(request, EventType::DeliveryLeft, &order);
        event.details.insert("reason".to_owned(), code.into());
        let transaction = self.outbox(Transaction::new(), &request.organization, &order, &event)?;
        transaction.commit(self.ports.table.as_ref()).await.map(drop)
    }
}

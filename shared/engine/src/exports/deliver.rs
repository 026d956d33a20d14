//! Delivery of an export, encrypted as it is, into a bucket of the organization's own.

use crate::{
    EngineError, Result,
    core::{Copying, Stand, plain_item, transition_order},
    crypt,
    exports::{
        Exports,
        packaging::{Packaging, Progress},
        query::stamp,
    },
    items::{Delivery, RequestItem, left_key, request_partition},
    keyring::{self, Purpose},
    ports::{Condition, DataKey, DeliveryTarget, ObjectError, WithdrawOutcome},
    transaction::Transaction,
};
use data_encoding::HEXLOWER;
use oubli_archive::names::folder_part;
use oubli_domain::audit::EventType;
use sha2::{Digest as _, Sha256};

/// The most parts of a copy: their tags are kept together.
const MOST_PARTS: u64 = 1_000;

/// Parts after which it is noted how far it is.
const NOTED_TOGETHER: usize = 16;

/// Bytes of a pseudonym: no two people of an organization get the same.
const PSEUDONYM_BYTES: usize = 10;

/// Digits of a request's id in the name of its copy, from the end, where they are drawn by lot.
const ID_DIGITS: usize = 12;

/// Uploads that may be lost before a person has to look.
const MOST_LOST: u32 = 8;

impl Exports {
    /// Copies the export where the organization wants it, part by part. Where is noted first, so that what a cancelled
    /// export has delivered can be taken back.
    pub(super) async fn deliver_export(&self, work: &mut Packaging) -> Result<Progress> {
        if work.request.export().is_none_or(|e| e.deliver_to.is_none()) {
            return Ok(Progress::Through);
        }
        let seal = keyring::need(&self.core.ports, &work.request.organization, &work.partition, Purpose::Identity).await?;
        let delivery = self.delivery_noted(work, &seal).await?;
        let key = String::from_utf8(crypt::open(&seal, "delivery", &delivery.sealed_key)?);
        let key = key.map_err(|_| EngineError::internal("a delivery cannot be read"))?;
        match self.copy_over(work, &delivery.bucket, &key).await {
            Ok(Progress::Through) => {}
            Ok(Progress::Paused) => return Ok(Progress::Paused),
            Err(NotCopied::Closed(code)) => {
                // Where nothing can stand, the settings say where once they are mended.
                work.item.delivered.delivery = work.item.delivered.delivery.take().filter(|d| d.repeated);
                work.item.delivered.copy = None;
                self.save(work, Transaction::new()).await?;
                let text = format!("the export cannot be delivered to the bucket {}: {code}", delivery.bucket);
                return Err(EngineError::internal(text));
            }
            Err(NotCopied::Failed(error)) => return Err(error),
        }
        // Whoever cancelled meanwhile may have looked there too early.
        let now = self.core.find_request(&work.request.organization, &work.request.id).await?;
        if now.is_none_or(|r| r.run != work.request.run) {
            self.take_back(&work.request, work.item.delivered.delivery.as_ref(), Stand::There).await?;
            return Err(EngineError::Conflict("the export was stopped while it was delivered"));
        }
        Ok(Progress::Through)
    }

    /// Where it goes, noted before anything stands there.
    async fn delivery_noted(&self, work: &mut Packaging, seal: &DataKey) -> Result<Delivery> {
        if let Some(delivery) = work.item.delivered.delivery.clone() {
            return Ok(delivery);
        }
        let wanted = work.request.export().and_then(|e| e.deliver_to.clone());
        let bucket = self.core.settings(&work.request.organization).await?.delivery_bucket.or(wanted).unwrap_or_default();
        let key = self.delivery_key(work).await?;
        let sealed_key = crypt::seal(seal, self.core.ports.entropy.as_ref(), "delivery", key.as_bytes())?;
        let delivery = Delivery { bucket, sealed_key, version: None, repeated: false };
        work.item.delivered.delivery = Some(delivery.clone());
        self.save(work, Transaction::new()).await?;
        Ok(delivery)
    }

    /// Copies what is not copied yet, until it is whole or time is up.
    async fn copy_over(&self, work: &mut Packaging, bucket: &str, key: &str) -> Result<Progress, NotCopied> {
        let object = work.request.export_state().map(|e| e.object.clone()).unwrap_or_default();
        let exports = self.core.ports.exports.as_ref();
        let mut copy = match work.item.delivered.copy.clone() {
            Some(copy) => copy,
            None => {
                let upload = exports.begin_delivery(bucket, key).await?;
                self.note_copy(work, Copying { upload, tags: vec![], whole: false }).await?
            }
        };
        let size = work.item.size;
        let part = self.core.config.delivery_part_bytes.max(size.div_ceil(MOST_PARTS));
        while !copy.whole {
            let to = DeliveryTarget { bucket, key, upload: &copy.upload };
            let begin = copy.tags.len() as u64 * part;
            let over = if begin < size {
                if self.is_late(work) {
                    self.note_copy(work, copy).await?;
                    return Ok(Progress::Paused);
                }
                // S3 takes no range of an object as small as one part may be.
                let bytes = (size > part).then(|| begin..size.min(begin + part));
                let number = u32::try_from(copy.tags.len() + 1).unwrap_or(u32::MAX);
                let tag = exports.deliver_part(&object, bytes, to, number).await?;
                let copied = tag.map(|tag| copy.tags.push(tag));
                if copied.is_some() && copy.tags.len() % NOTED_TOGETHER == 0 {
                    copy = self.note_copy(work, copy).await?;
                }
                copied.is_none()
            } else {
                let placed = exports.complete_delivery(to, &copy.tags).await?;
                copy.whole = placed.is_some();
                if let (Some(placed), Some(delivery)) = (placed, &mut work.item.delivered.delivery) {
                    delivery.version = placed.version;
                }
                !copy.whole
            };
            if over {
                // It was completed and nobody heard of it, or somebody ended it: only a new one is certain.
                if let Some(delivery) = &mut work.item.delivered.delivery {
                    delivery.repeated = true;
                }
                work.item.delivered.copy = None;
                work.item.uploads_lost += 1;
                let too_often = work.item.uploads_lost >= MOST_LOST;
                if too_often {
                    // A retry begins to count anew.
                    work.item.uploads_lost = 0;
                }
                self.save(work, Transaction::new()).await?;
                return Err(if too_often {
                    EngineError::internal(format!("{MOST_LOST} uploads to the bucket {bucket} were ended by somebody else"))
                        .into()
                } else {
                    EngineError::transient("a delivery has to begin anew").into()
                });
            }
        }
        self.note_copy(work, copy).await?;
        Ok(Progress::Through)
    }

    async fn note_copy(&self, work: &mut Packaging, copy: Copying) -> Result<Copying> {
        work.item.delivered.copy = Some(copy.clone());
        self.save(work, Transaction::new()).await?;
        Ok(copy)
    }

    /// `GDPR access - {app} - {person}/{prefix}export_{iso8601}_{request}.zip.enc`, the person by a pseudonym, unless the
    /// organization wants their identifier to stand in its bucket, its inventories and its logs. No other request's copy has
    /// this name, whoever it is about and whatever second it began in.
    async fn delivery_key(&self, work: &Packaging) -> Result<String> {
        let settings = self.core.settings(&work.request.organization).await?;
        let identity = self.core.identity_of(&work.request).await?;
        let identity = identity.ok_or_else(|| EngineError::internal("nobody knows any more whom it is about"))?;
        let first = identity.first().ok_or_else(|| EngineError::internal("an identity has no identifier"))?;
        let pseudonym = pseudonym(&work.request);
        let given = first.given.expose();
        let person = match (settings.delivery_names_people, folder_part(given)) {
            (false, _) => pseudonym,
            (true, part) if part == given => part,
            // Signs that no folder takes make two people alike.
            (true, part) => format!("{part} {pseudonym}"),
        };
        let app = settings.delivery_app.unwrap_or(settings.name);
        let folder = format!("GDPR access - {} - {person}", folder_part(&app));
        let (at, of_request) = (stamp(work.item.began_at), last_digits(&work.request));
        Ok(format!("{folder}/{}export_{at}_{of_request}.zip.enc", work.item.file_prefix))
    }

    /// Takes back what was delivered of an export that was revoked or cancelled.
    pub(super) async fn withdraw_export(&self, request: &RequestItem) -> Result<()> {
        let (delivery, stand) = self.core.delivery_of(request).await?;
        self.take_back(request, delivery.as_ref(), stand).await
    }

    async fn take_back(&self, request: &RequestItem, delivery: Option<&Delivery>, stand: Stand) -> Result<()> {
        let Some(Delivery { bucket, sealed_key, version, repeated }) = delivery else { return Ok(()) };
        let Some(key) = self.core.words_of(request, "delivery", Some(sealed_key)).await? else { return Ok(()) };
        let exports = self.core.ports.exports.as_ref();
        // What is on its way is stopped first, so that it cannot arrive afterwards.
        let there = match stand {
            Stand::Not => false,
            Stand::There => true,
            Stand::OnItsWay(upload) => {
                match exports.abandon_delivery(DeliveryTarget { bucket, key: &key, upload: &upload }).await {
                    // Then nothing can be removed either, which is noted.
                    Err(ObjectError::Refused(_)) => true,
                    stopped => !stopped?,
                }
            }
        };
        if !there && !repeated {
            return Ok(());
        }
        let code = match exports.withdraw(bucket, &key, version.as_deref()).await {
            Ok(WithdrawOutcome::Gone) if *repeated && version.is_some() => "OtherVersion".to_owned(),
            Ok(WithdrawOutcome::Gone) => return Ok(()),
            Ok(WithdrawOutcome::Hidden) => "OlderVersion".to_owned(),
            Err(ObjectError::Refused(code)) => code,
            Err(error) => return Err(error.into()),
        };
        let (id, organization) = (request.id, &request.organization);
        tracing::error!(request = %id, %organization, bucket, code, "a delivered export cannot be taken back");
        self.note_left(request, &code).await
    }

    /// That a copy is left, for whoever has to remove it by hand; once.
    async fn note_left(&self, request: &RequestItem, code: &str) -> Result<()> {
        let order = format!("{}#delivery-left", transition_order(request));
        let mut event = self.core.event(request, EventType::DeliveryLeft, &order);
        event.details.insert("reason".to_owned(), code.into());
        let marker = left_key(&request_partition(&request.organization, &request.id));
        let noted = plain_item([("reason", code.into())]);
        let transaction = Transaction::new().put(marker, &noted, vec![Condition::ItemAbsent])?;
        let transaction = self.core.outbox(transaction, &request.organization, &order, &event)?;
        transaction.commit(self.core.ports.table.as_ref()).await.map(drop)
    }
}

/// What stands for somebody in the names of folders: the same for every export that is asked for by the same, and nothing that
/// tells who, since it is made of a keyed hash.
fn pseudonym(request: &RequestItem) -> String {
    let mut hash = Sha256::new();
    hash.update(b"oubli delivery 1");
    hash.update(request.subject_keys.first().map(String::as_bytes).unwrap_or_default());
    format!("person-{}", HEXLOWER.encode(&hash.finalize()[..PSEUDONYM_BYTES]))
}

/// The end of a request's id.
fn last_digits(request: &RequestItem) -> String {
    let id = request.id.to_string();
    id.chars().skip(id.len() - ID_DIGITS).collect()
}

/// Why a copy is not whole.
enum NotCopied {
    /// The bucket is not there, or closed.
    Closed(String),
    Failed(EngineError),
}

impl From<ObjectError> for NotCopied {
    fn from(error: ObjectError) -> Self {
        match error {
            ObjectError::Refused(code) => Self::Closed(code),
            other => Self::Failed(other.into()),
        }
    }
}

impl From<EngineError> for NotCopied {
    fn from(error: EngineError) -> Self {
        Self::Failed(error)
    }
}

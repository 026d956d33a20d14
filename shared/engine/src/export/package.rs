//! The packaging of an export as it is kept, and its claim.

use super::{
    pack::Position,
    sink::{Sink, chain},
};
use crate::{
    Engine, EngineError, Result, crypt,
    items::{Delivery, RequestItem, StepItem, package_key, request_partition},
    keyring::{self, Purpose},
    ports::{Condition, Connector, DataKey, Envelope},
    transaction::{Committed, Transaction, equals},
};
use data_encoding::HEXLOWER;
use jiff::Timestamp;
use oubli_domain::{
    datamap::{DataMap, Producer},
    ids::{OrganizationId, QueryName, RequestId},
    lifecycle::Phase,
    saved_query::SavedQuery,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Claims in a row that got nowhere before a person has to look.
const MOST_ATTEMPTS: u32 = 6;

/// How far the packaging of an export is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct PackageItem {
    /// Counts claims: every write checks it.
    pub fence: u32,
    /// Until when the claim holds, in milliseconds.
    pub lease_until: i64,
    /// Claims since it last got on.
    pub attempts: u32,
    /// Uploads to the organization's own bucket that were lost.
    #[serde(default)]
    pub uploads_lost: u32,
    pub stage: Stage,
    /// The time that the archive shows.
    pub began_at: Timestamp,
    /// The message's id, in hexadecimal.
    pub message_id: String,
    pub upload: Option<String>,
    /// Parts uploaded, and the SHA-256 chain of their tags.
    pub parts: u32,
    pub parts_digest: String,
    /// Bytes of the archive so far.
    pub offset: u64,
    /// Bytes of the message so far.
    pub size: u64,
    /// The message's state, sealed.
    pub sealed_message: Option<String>,
    /// The object with the message's bytes that are in no part yet.
    pub unflushed: Option<String>,
    /// The object is there.
    #[serde(default)]
    pub whole: bool,
    /// Objects with entries.
    pub saves: u32,
    /// Files so far.
    pub entries: u64,
    /// By step.
    pub tallies: BTreeMap<u32, Tally>,
    /// What became of each saved query.
    #[serde(default)]
    pub queries: BTreeMap<QueryName, Answered>,
    /// What its files begin with.
    #[serde(default)]
    pub file_prefix: String,
    /// Where it is delivered to, once that has begun.
    #[serde(default)]
    pub delivery: Option<Delivery>,
    /// The copy under way there.
    #[serde(default)]
    pub copy: Option<Copying>,
}

/// How far a delivery is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Copying {
    /// The upload in the other bucket.
    pub upload: String,
    /// The tags of the parts copied.
    pub tags: Vec<String>,
    /// It is there as a whole.
    pub whole: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// Copies rows to the staging area.
    Collect { at: usize, batch: u32 },
    /// Writes the archive.
    Pack(Position),
    /// All of it is written.
    Written,
}

/// What became of a step's records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub records: u64,
    pub gone: u64,
    pub missing: u64,
    /// Columns of its table.
    pub columns: BTreeSet<String>,
}

impl PackageItem {
    /// Nobody wrote since. Whoever was slow may go on saving until somebody else claims: what it saved is not written over.
    pub fn as_read(&self) -> Vec<Condition> {
        vec![equals("fence", self.fence), equals("lease_until", self.lease_until)]
    }

    pub fn new(engine: &Engine, file_prefix: String, fence: u32) -> Self {
        let mut message_id = [0_u8; 32];
        engine.ports.entropy.fill(&mut message_id);
        Self {
            fence,
            lease_until: 0,
            attempts: 0,
            uploads_lost: 0,
            stage: Stage::Collect { at: 0, batch: 0 },
            began_at: engine.now(),
            message_id: HEXLOWER.encode(&message_id),
            upload: None,
            parts: 0,
            parts_digest: String::new(),
            offset: 0,
            size: 0,
            sealed_message: None,
            unflushed: None,
            whole: false,
            saves: 0,
            entries: 0,
            tallies: BTreeMap::new(),
            queries: BTreeMap::new(),
            file_prefix,
            delivery: None,
            copy: None,
        }
    }

    /// The parts that were written, if those of an upload are these.
    pub fn written(&self, parts: Vec<(u32, String)>) -> Option<Vec<(u32, String)>> {
        let parts: Vec<(u32, String)> = parts.into_iter().filter(|(number, _)| *number <= self.parts).collect();
        let digest = parts.iter().fold(String::new(), |digest, (number, tag)| chain(&digest, *number, tag));
        (digest == self.parts_digest).then_some(parts)
    }

    /// Records in the archive, and those that could not be read; a saved query without an answer counts as one of them.
    pub fn totals(&self) -> (u64, u64) {
        let unanswered = self.queries.values().filter(|a| a.failed.is_some()).count() as u64;
        self.tallies.values().fold((0, unanswered), |(records, missing), t| (records + t.records, missing + t.missing))
    }
}

/// What became of a saved query.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answered {
    pub rows: u64,
    /// Why it has no answer.
    pub failed: Option<String>,
}

/// A packaging under claim.
pub(super) struct Packaging {
    pub request: RequestItem,
    pub partition: String,
    pub item: PackageItem,
    pub map: Arc<DataMap>,
    pub steps: Vec<(u32, StepItem)>,
    pub queries: Vec<SavedQuery>,
    /// Opens the manifest.
    pub manifest: DataKey,
    /// Seals what is staged.
    pub staging_key: DataKey,
    /// No effect begins at or after this time, in milliseconds.
    pub stop_at: i64,
}

/// How far a worker got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// To the end.
    Through,
    /// Until its time was used up.
    Paused,
}

impl Packaging {
    /// A step's number, what it is about, and who speaks to its store.
    pub fn step(&self, engine: &Engine, at: usize) -> Result<(u32, &StepItem, &Producer, Arc<dyn Connector>)> {
        let broken = || EngineError::internal("a step of an export is not in its data map");
        let (number, step) = self.steps.get(at).ok_or_else(broken)?;
        let producer = self.map.producer(&step.producer).ok_or_else(broken)?;
        let store = self.map.stores.get(&producer.store).ok_or_else(broken)?;
        Ok((*number, step, producer, engine.ports.stores.connector(&producer.store, store)?))
    }
}

impl Engine {
    /// Goes on packaging an export.
    ///
    /// # Errors
    /// [`EngineError::Transient`]: the message should be delivered again.
    pub async fn package(&self, organization: &OrganizationId, id: &RequestId) -> Result<()> {
        let Some(request) = self.find_request(organization, id).await? else { return Ok(()) };
        if request.state.phase != Phase::Packaging {
            return Ok(());
        }
        match self.package_for(&request).await {
            Ok(Progress::Through) | Err(EngineError::Conflict(_)) => Ok(()),
            Ok(Progress::Paused) => self.send_package(&request).await,
            Err(EngineError::Internal(fault)) => self.fail(&request, "packaging_failed", fault.reason()).await,
            Err(EngineError::Transient(fault)) => self.later(&request, fault.reason()).await,
            Err(error) => Err(error),
        }
    }

    async fn package_for(&self, request: &RequestItem) -> Result<Progress> {
        let Some(mut work) = self.claim_package(request).await? else { return Ok(Progress::Through) };
        let progress = self.continue_packaging(&mut work).await;
        if matches!(progress, Ok(Progress::Paused) | Err(EngineError::Transient(_))) {
            self.release_lease(&work).await?;
        }
        if matches!(progress, Err(EngineError::Internal(_))) {
            // What is broken for a worker that slept may be whole for whoever took over.
            let now: Option<PackageItem> = self.find(package_key(&work.partition)).await?;
            if now.is_none_or(|now| now.fence != work.item.fence) {
                return Err(EngineError::Conflict("somebody else packages"));
            }
        }
        progress
    }

    /// Somebody tries again, the later the more often it did not work.
    async fn later(&self, request: &RequestItem, reason: &str) -> Result<()> {
        let key = package_key(&request_partition(&request.organization, &request.id));
        let attempts = self.find::<PackageItem>(key).await?.map_or(0, |p| p.attempts);
        let seconds = 5_u16.saturating_mul(1 << attempts.min(6));
        tracing::warn!(request = %request.id, organization = %request.organization, reason, seconds, "packaging goes on later");
        Ok(self.ports.queue.send(vec![Envelope::after(Self::package_message(request), seconds)]).await?)
    }

    async fn continue_packaging(&self, work: &mut Packaging) -> Result<Progress> {
        if self.collect(work).await? == Progress::Paused {
            return Ok(Progress::Paused);
        }
        let sink = Sink::open(self, work).await?;
        if self.pack(work, sink).await? == Progress::Paused {
            return Ok(Progress::Paused);
        }
        if !work.item.whole {
            self.complete_package(work).await?;
            work.item.whole = true;
            self.save(work, Transaction::new()).await?;
        }
        if self.deliver_export(work).await? == Progress::Paused {
            return Ok(Progress::Paused);
        }
        self.packaged(&work.request, &work.item).await?;
        Ok(Progress::Through)
    }

    async fn claim_package(&self, request: &RequestItem) -> Result<Option<Packaging>> {
        let partition = request_partition(&request.organization, &request.id);
        let key = package_key(&partition);
        let found: Option<PackageItem> = self.find(key.clone()).await?;
        let before = found.ok_or(EngineError::Conflict("the packaging is gone"))?;
        let now = self.now();
        if before.lease_until > now.as_millisecond() {
            return Ok(None);
        }
        let same = before.as_read();
        if before.attempts >= MOST_ATTEMPTS {
            let text =
                format!("{MOST_ATTEMPTS} workers in a row could not get past one file: it may be too large for one of them");
            // A retry begins to count anew.
            let item = PackageItem { attempts: 0, ..before.clone() };
            return match Transaction::new().put(key, &item, same)?.commit(self.ports.table.as_ref()).await? {
                Committed::Yes => Err(EngineError::internal(text)),
                Committed::Refused => Ok(None),
            };
        }
        let item = PackageItem {
            fence: before.fence + 1,
            attempts: before.attempts + 1,
            lease_until: self.config.lease_until(now),
            ..before.clone()
        };
        let transaction = Self::fences(request, Transaction::new().put(key, &item, same)?);
        if transaction.commit(self.ports.table.as_ref()).await? == Committed::Refused {
            return Ok(None);
        }
        let organization = &request.organization;
        let left_out = |s: &StepItem| request.exclusions.iter().any(|e| e.category == s.category);
        let steps = self.steps_of(request).await?.into_iter().filter(|(_, s)| !left_out(s)).collect();
        let queries = self.queries_in_scope(request).await?;
        Ok(Some(Packaging {
            map: self.map_version(organization, request.map_version).await?,
            steps,
            queries,
            manifest: keyring::need(&self.ports, organization, &partition, Purpose::Manifest(request.round)).await?,
            staging_key: keyring::need(&self.ports, organization, &partition, Purpose::Packaging).await?,
            stop_at: self.config.stop_at(now),
            request: request.clone(),
            partition,
            item,
        }))
    }

    /// Whether what is written of an export is still there: an upload nobody goes on with ends some day.
    pub(super) async fn is_package_whole(&self, request: &RequestItem, item: &PackageItem) -> Result<bool> {
        let (Some(export), Some(upload)) = (&request.export, &item.upload) else { return Ok(item.upload.is_none()) };
        match self.ports.exports.parts(&export.object, upload).await? {
            Some(parts) => Ok(item.written(parts).is_some()),
            None => Ok(item.whole),
        }
    }

    /// Gives up the claim, so that the next worker need not wait for its end.
    async fn release_lease(&self, work: &Packaging) -> Result<()> {
        let key = package_key(&work.partition);
        let mine = vec![equals("fence", work.item.fence)];
        Transaction::new()
            .update(key, vec![crate::transaction::set("lease_until", 0)], mine)
            .commit(self.ports.table.as_ref())
            .await?;
        Ok(())
    }

    /// Notes how far it is, with whatever else belongs to that.
    pub(super) async fn save(&self, work: &mut Packaging, more: Transaction) -> Result<()> {
        work.item.attempts = 0;
        work.item.lease_until = self.config.lease_until(self.now());
        let mine = vec![equals("fence", work.item.fence)];
        let transaction = Transaction::new().put(package_key(&work.partition), &work.item, mine)?.and(more);
        transaction.commit_or_conflict(self.ports.table.as_ref(), "packaging").await
    }

    pub(super) fn is_late(&self, work: &Packaging) -> bool {
        self.now().as_millisecond() >= work.stop_at
    }

    pub(super) fn seal_staged(&self, work: &Packaging, what: &str, plain: &[u8]) -> Result<String> {
        crypt::seal(&work.staging_key, self.ports.entropy.as_ref(), what, plain)
    }
}

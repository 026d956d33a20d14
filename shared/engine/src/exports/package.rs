//! The packaging of an export as it is kept, and its claim.

use crate::{
    EngineError, Result,
    core::Core,
    crypt,
    exports::{
        Exports,
        packaging::{Notes, PackageItem, Packaging, Progress},
        sink::Sink,
    },
    items::{RequestItem, StepItem, package_key, request_partition},
    keyring::{self, Purpose},
    ports::Envelope,
    transaction::{Committed, Transaction, equals},
};
use oubli_domain::{
    ids::{OrganizationId, RequestId},
    lifecycle::Phase,
};
use std::collections::BTreeMap;

/// Claims in a row that got nowhere before a person has to look.
const MOST_ATTEMPTS: u32 = 6;

impl Exports {
    /// Goes on packaging an export.
    ///
    /// # Errors
    /// [`EngineError::Transient`]: the message should be delivered again.
    pub async fn package(&self, organization: &OrganizationId, id: &RequestId) -> Result<()> {
        let Some(request) = self.core.find_request(organization, id).await? else { return Ok(()) };
        if request.state.phase != Phase::Packaging {
            return Ok(());
        }
        match self.package_for(&request).await {
            Ok(Progress::Through) | Err(EngineError::Conflict(_)) => Ok(()),
            Ok(Progress::Paused) => self.send_package(&request).await,
            Err(EngineError::Internal(fault)) => self.core.fail(&request, "packaging_failed", fault.reason()).await,
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
            let now: Option<PackageItem> = self.core.find(package_key(&work.partition)).await?;
            if now.is_none_or(|now| now.fence != work.item.fence) {
                return Err(EngineError::Conflict("somebody else packages"));
            }
        }
        progress
    }

    /// Somebody tries again, the later the more often it did not work.
    async fn later(&self, request: &RequestItem, reason: &str) -> Result<()> {
        let key = package_key(&request_partition(&request.organization, &request.id));
        let attempts = self.core.find::<PackageItem>(key).await?.map_or(0, |p| p.attempts);
        let seconds = 5_u16.saturating_mul(1 << attempts.min(6));
        tracing::warn!(request = %request.id, organization = %request.organization, reason, seconds, "packaging goes on later");
        Ok(self.core.ports.queue.send(vec![Envelope::after(Self::package_message(request), seconds)]).await?)
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
        let found: Option<PackageItem> = self.core.find(key.clone()).await?;
        let before = found.ok_or(EngineError::Conflict("the packaging is gone"))?;
        let now = self.core.now();
        if before.lease_until > now.as_millisecond() {
            return Ok(None);
        }
        let same = before.as_read();
        if before.attempts >= MOST_ATTEMPTS {
            let text =
                format!("{MOST_ATTEMPTS} workers in a row got no further: a store may give nothing of what it is asked for");
            // A retry begins to count anew.
            let item = PackageItem { attempts: 0, ..before.clone() };
            return match Transaction::new().put(key, &item, same)?.commit(self.core.ports.table.as_ref()).await? {
                Committed::Yes => Err(EngineError::internal(text)),
                Committed::Refused => Ok(None),
            };
        }
        let item = PackageItem {
            fence: before.fence + 1,
            attempts: before.attempts + 1,
            lease_until: self.core.config.lease_until(now),
            ..before.clone()
        };
        let transaction = Core::fences(request, Transaction::new().put(key, &item, same)?);
        if transaction.commit(self.core.ports.table.as_ref()).await? == Committed::Refused {
            return Ok(None);
        }
        let organization = &request.organization;
        let left_out = |s: &StepItem| request.leaves_out(&s.category);
        let steps = self.core.steps_of(request).await?.into_iter().filter(|(_, s)| !left_out(s)).collect();
        let queries = self.core.queries_in_scope(request).await?;
        Ok(Some(Packaging {
            map: self.core.map_version(organization, request.execution.map_version).await?,
            steps,
            queries,
            manifest: keyring::need(&self.core.ports, organization, &partition, Purpose::Manifest(request.execution.round))
                .await?,
            staging_key: keyring::need(&self.core.ports, organization, &partition, Purpose::Packaging).await?,
            columns: BTreeMap::new(),
            notes: Notes::default(),
            stop_at: self.core.config.stop_at(now),
            request: request.clone(),
            partition,
            reached: item.reached(),
            item,
        }))
    }

    /// Whether what is written of an export is still there: an upload nobody goes on with ends some day.
    pub(super) async fn is_package_whole(&self, request: &RequestItem, item: &PackageItem) -> Result<bool> {
        let (Some(export), Some(upload)) = (request.export_state(), &item.upload) else { return Ok(item.upload.is_none()) };
        match self.core.ports.exports.parts(&export.object, upload).await? {
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
            .commit(self.core.ports.table.as_ref())
            .await?;
        Ok(())
    }

    /// Notes how far it is, with whatever else belongs to that.
    pub(super) async fn save(&self, work: &mut Packaging, more: Transaction) -> Result<()> {
        let reached = work.item.reached();
        if reached.is_beyond(&work.reached, self.core.config.least_progress()) {
            work.item.attempts = 0;
            work.reached = reached;
        }
        work.item.lease_until = self.core.config.lease_until(self.core.now());
        let mine = vec![equals("fence", work.item.fence)];
        let transaction = Transaction::new().put(package_key(&work.partition), &work.item, mine)?.and(more);
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "packaging").await
    }

    pub(super) fn is_late(&self, work: &Packaging) -> bool {
        self.core.now().as_millisecond() >= work.stop_at
    }

    pub(super) fn seal_staged(&self, work: &Packaging, what: &str, plain: &[u8]) -> Result<String> {
        crypt::seal(&work.staging_key, self.core.ports.entropy.as_ref(), what, plain)
    }
}

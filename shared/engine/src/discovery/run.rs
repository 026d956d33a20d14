//! All producers in selection order, until the worker's time is used up or a plan stands.

use crate::{
    EngineError, Result,
    core::{AskedScope, Core},
    crypt,
    discovery::{
        Discovery,
        sources::{EarlierRound, Run, telling_others},
        walk::Walked,
    },
    items::{RequestItem, request_partition},
    keyring::{self, Purpose},
    transaction::Committed,
};
use oubli_domain::{
    datamap::{DataMap, Producer, SelectBy, deletion_order, overlaps, selection_order},
    ids::{OrganizationId, ProducerName, RequestId},
    lifecycle::Phase,
    personal::Person,
    plan::{KeptBecause, LeftOut},
    request::WaitingFor,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

impl Discovery {
    /// Goes on discovering for a request; answers what was done.
    ///
    /// # Errors
    /// [`EngineError::Transient`]: the message should be delivered again.
    pub async fn discover(&self, organization: &OrganizationId, id: &RequestId) -> Result<&'static str> {
        let Some(request) = self.core.find_request(organization, id).await? else { return Ok("pass") };
        if !matches!(request.state.phase, Phase::Discovering | Phase::Verifying) {
            return Ok("pass");
        }
        self.discover_for(&request).await?;
        Ok(request.state.phase.name())
    }

    async fn discover_for(&self, request: &RequestItem) -> Result<()> {
        let mut pinned = request.clone();
        let execution = &request.execution;
        let told = (execution.unverified || execution.closing.is_some()) && request.state.phase == Phase::Verifying;
        let walked = match self.pin_map(request).await {
            Ok(after) if told => {
                pinned = after;
                Ok(true)
            }
            Ok(after) => {
                pinned = after;
                self.discover_round(&mut pinned).await
            }
            // Somebody else began the round, or the request moved on: whoever comes next sees how it stands.
            Err(EngineError::Conflict(_)) => Ok(false),
            Err(error) => Err(error),
        };
        let request = &pinned;
        let done = match walked {
            Ok(true) if told => self.complete_without_looking(request).await,
            Ok(true) => self.commit_round(request).await,
            Ok(false) => self.core.send(Core::discover_message(request)).await,
            Err(EngineError::Conflict(_)) => Ok(()),
            Err(error) => Err(error),
        };
        match done {
            Err(EngineError::Internal(fault)) => self.core.fail(request, "discovery_failed", fault.reason()).await,
            Err(error @ EngineError::Transient(_)) => {
                self.wait_visibly(request).await;
                Err(error)
            }
            done => done,
        }
    }

    /// A store that cannot be reached shows in the status; the message comes back.
    async fn wait_visibly(&self, request: &RequestItem) {
        let mut after = request.clone();
        after.version += 1;
        after.waiting_for = Some(WaitingFor::StoreUnreachable);
        if let Ok(transaction) = self.core.write_request(request, &after, None) {
            // Only for people to see: should it fail, the retry is what matters.
            let _: Result<Committed> = transaction.commit(self.core.ports.table.as_ref()).await;
        }
    }

    /// Whether every producer is through. The request goes on as whose it was found to be.
    async fn discover_round(&self, request: &mut RequestItem) -> Result<bool> {
        let map = self.core.map_version(&request.organization, sought_map(request)?).await?;
        let person = self.resolved(request, &map).await?;
        let run = self.run_of(request, map, person).await?;
        let order = selection_order(&run.map).map_err(EngineError::caused_by)?;
        for name in order.iter().filter(|n| run.in_scope.contains_key(n)) {
            let Some(producer) = run.map.producer(name) else { continue };
            match self.walk(&run, producer).await? {
                Walked::Done => {}
                Walked::Paused => return Ok(false),
                Walked::Busy => return Err(EngineError::Conflict("another worker discovers")),
            }
        }
        Ok(true)
    }

    async fn run_of(&self, request: &RequestItem, map: Arc<DataMap>, person: Person) -> Result<Run> {
        let organization = &request.organization;
        let partition = request_partition(organization, &request.id);
        let round = request.execution.seeking.ok_or_else(|| EngineError::internal("no round is to be discovered"))?;
        let settings = self.core.settings(organization).await?;
        let identity_key = self.core.identity_key(request).await?;
        let opening = crypt::open(&identity_key, "opening", request.sealed_opening.as_deref().unwrap_or_default())?;
        let (_, holds) = self.core.evaluate_holds(request).await?;
        let earlier = self.earlier_rounds(request, &partition, round).await?;
        let order = deletion_order(&map).map_err(EngineError::caused_by)?;
        let in_scope = scope_of(&map, AskedScope::of(request), &request.execution.exclusions);
        let compared = if request.kind().changes_records() { compared(&map) } else { BTreeSet::new() };
        Ok(Run {
            key: keyring::ensure_while(
                &self.core.ports,
                organization,
                &partition,
                Purpose::Manifest(round),
                Core::unchanged(request),
            )
            .await?,
            partition,
            round,
            person,
            country: settings.country.code(),
            telling_others: telling_others(&map),
            map,
            order,
            holds,
            earlier,
            opening,
            for_export: request.kind().copies_records(),
            passes_over: request.kind().changes_records() && request.execution.round > 0,
            largest_record: self.core.config.largest_record(),
            time_zone: settings.time_zone.clone(),
            batch_size: settings.batch_size as usize,
            window: settings.recovery_window(),
            in_scope,
            compared,
            stop_at: self.core.config.stop_at(self.core.now()),
        })
    }

    /// The data map that the round goes by is fixed when it begins, before anything is walked: what is found is told by
    /// its numbers, and a part of the walk must not go by others.
    async fn pin_map(&self, request: &RequestItem) -> Result<RequestItem> {
        if request.execution.seeking_map.is_some() {
            return Ok(request.clone());
        }
        let mut after = request.clone();
        after.version += 1;
        // What was planned by a map is verified by it; every other look takes the newest.
        after.execution.seeking_map = Some(if request.state.phase == Phase::Verifying {
            request.execution.map_version
        } else {
            self.core.data_map(&request.organization).await?.0
        });
        self.core.write_request(request, &after, None)?.commit_or_conflict(self.core.ports.table.as_ref(), "request").await?;
        Ok(after)
    }

    /// The rounds that were carried out, whose manifests are still there: only they lead to what belongs to records that
    /// are gone, and only they tell what was restored. What was only planned is looked for anew.
    async fn earlier_rounds(&self, request: &RequestItem, partition: &str, round: u32) -> Result<Vec<EarlierRound>> {
        let mut earlier = Vec::new();
        if !request.kind().changes_records() {
            return Ok(earlier);
        }
        for before in request.execution.begun.iter().copied().filter(|begun| *begun < round) {
            let purpose = Purpose::Manifest(before);
            let Some(key) = keyring::find(&self.core.ports, &request.organization, partition, purpose).await? else { continue };
            let walked = self.walked(partition, before).await?;
            let numbers = walked.into_iter().map(|(number, walk)| (walk.producer, number)).collect();
            earlier.push(EarlierRound { round: before, key, numbers });
        }
        Ok(earlier)
    }
}

/// The version of the data map that the round being discovered goes by.
pub(super) fn sought_map(request: &RequestItem) -> Result<u64> {
    request.execution.seeking_map.ok_or_else(|| EngineError::internal("a round has no data map"))
}

/// Producers whose records may be another's too: all that is found of them is listed, so that it can be compared.
fn compared(map: &DataMap) -> BTreeSet<ProducerName> {
    let possible = overlaps(map).into_iter().filter(|o| o.sharing.depends_on_data());
    possible.flat_map(|o| [o.first.name.clone(), o.second.name.clone()]).collect()
}

/// The producers to walk: those in scope; and, with why these stay, those that others in scope are found through or share
/// records with.
pub(super) fn scope_of(
    map: &DataMap,
    asked: AskedScope<'_>,
    excluded: &[LeftOut],
) -> BTreeMap<ProducerName, Option<KeptBecause>> {
    let why = |p: &Producer| {
        let left_out = excluded.iter().find(|e| e.category == p.category);
        left_out.map(|e| KeptBecause::Excluded { until: e.retention_until })
    };
    let mut walked: BTreeMap<ProducerName, Option<KeptBecause>> =
        map.producers.iter().filter(|p| asked.leaves_out(p).is_none()).map(|p| (p.name.clone(), why(p))).collect();
    let mut overlaps = overlaps(map);
    overlaps.retain(|o| o.sharing.depends_on_data());
    loop {
        let parents = walked.keys().filter_map(|n| map.producer(n)).flat_map(|p| &p.select).filter_map(|s| match s.by() {
            SelectBy::Parent { producer, .. } => Some(map.with_those_within(producer)),
            SelectBy::Identity(_) => None,
        });
        let parents = parents.flatten().filter(|parent| !walked.contains_key(*parent)).cloned();
        let sharing = overlaps.iter().flat_map(|o| [(&o.first.name, &o.second.name), (&o.second.name, &o.first.name)]);
        let sharing = sharing.filter(|(one, other)| walked.contains_key(*one) && !walked.contains_key(*other));
        let missing: Vec<ProducerName> = parents.chain(sharing.map(|(_, other)| other.clone())).collect();
        if missing.is_empty() {
            return walked;
        }
        walked.extend(missing.into_iter().map(|p| (p, Some(KeptBecause::OutOfScope))));
    }
}

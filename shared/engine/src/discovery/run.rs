//! All producers in selection order, until the worker's time is used up or a plan stands.

use super::{sources::Run, unsearched::Asked, walk::Walked};
use crate::{
    Engine, EngineError, Outcome, crypt,
    items::{RequestItem, request_partition},
    keyring::{self, Purpose},
    transaction::Committed,
};
use oubli_domain::{
    datamap::{DataMap, Producer, SelectBy, deletion_order, overlaps, selection_order},
    ids::{OrganizationId, ProducerName, RequestId},
    plan::{KeptBecause, LeftOut},
    state::Phase,
};
use std::collections::{BTreeMap, BTreeSet};

impl Engine {
    /// Goes on discovering for a request; answers what was done.
    ///
    /// # Errors
    /// [`EngineError::Transient`]: the message should be delivered again.
    pub async fn discover(&self, organization: &OrganizationId, id: &RequestId) -> Outcome<&'static str> {
        let Some(request) = self.find_request(organization, id).await? else { return Ok("pass") };
        if !matches!(request.state.phase, Phase::Discovering | Phase::Verifying) {
            return Ok("pass");
        }
        self.discover_for(&request).await?;
        Ok(request.state.phase.name())
    }

    async fn discover_for(&self, request: &RequestItem) -> Outcome<()> {
        match self.discover_round(request).await {
            Ok(true) => self.commit_round(request).await,
            Ok(false) => self.send(Self::discover_message(request)).await,
            Err(EngineError::Broken(reason)) => self.fail(request, "discovery_failed", &reason).await,
            Err(EngineError::Overtaken(_)) => Ok(()),
            Err(error) => {
                self.wait_visibly(request).await;
                Err(error)
            }
        }
    }

    /// A store that cannot be reached shows in the status; the message comes back.
    async fn wait_visibly(&self, request: &RequestItem) {
        let mut after = request.clone();
        after.version += 1;
        after.waiting_for = Some("store_unreachable".to_owned());
        if let Ok(transaction) = self.write_request(request, &after, None) {
            // Only for people to see: should it fail, the retry is what matters.
            let _: Outcome<Committed> = transaction.commit(self.ports.table.as_ref()).await;
        }
    }

    /// Whether every producer is through.
    async fn discover_round(&self, request: &RequestItem) -> Outcome<bool> {
        let run = self.run_of(request).await?;
        let order = selection_order(&run.map).map_err(|c| EngineError::Broken(c.to_string()))?;
        for name in order.iter().filter(|n| run.in_scope.contains_key(n)) {
            let Some(producer) = run.map.producer(name) else { continue };
            match self.walk(&run, producer).await? {
                Walked::Done => {}
                Walked::Paused => return Ok(false),
                Walked::Busy => return Err(EngineError::Overtaken("another worker discovers")),
            }
        }
        Ok(true)
    }

    async fn run_of(&self, request: &RequestItem) -> Outcome<Run> {
        let organization = &request.organization;
        let partition = request_partition(organization, &request.id);
        let round = request.seeking.ok_or_else(|| EngineError::Broken("no round is to be discovered".to_owned()))?;
        // The verifying discovery goes by the map the plan was made by; a first or repeated one by the newest.
        let (version, map) = if request.round == 0 {
            self.data_map(organization).await?
        } else {
            (request.map_version, self.map_version(organization, request.map_version).await?.as_ref().clone())
        };
        if request.map_version != version {
            self.pin_map(request, version).await?;
        }
        let settings = self.settings(organization).await?;
        let identity = self.identity_of(request).await?.ok_or_else(|| EngineError::Broken("the identity is gone".to_owned()))?;
        let identity_key = keyring::need(&self.ports, organization, &partition, Purpose::Identity).await?;
        let opening = crypt::open(&identity_key, "opening", request.sealed_opening.as_deref().unwrap_or_default())?;
        let (_, holds) = self.evaluate_holds(organization, &request.subject_keys).await?;
        let mut earlier = Vec::new();
        // A repeated look before hiding starts over; one after purging also asks for what earlier plans named.
        if request.state.phase == Phase::Verifying {
            for before in 1..round {
                if let Some(key) = keyring::find(&self.ports, organization, &partition, Purpose::Manifest(before)).await? {
                    earlier.push((before, key));
                }
            }
        }
        let order = deletion_order(&map).map_err(|c| EngineError::Broken(c.to_string()))?;
        let in_scope = scope_of(&map, Asked::of(request), &request.exclusions);
        let compared = if request.kind.erases() { compared(&map) } else { BTreeSet::new() };
        Ok(Run {
            key: keyring::ensure_while(&self.ports, organization, &partition, Purpose::Manifest(round), Self::unchanged(request))
                .await?,
            partition,
            round,
            identity,
            map: map.into(),
            order,
            holds,
            earlier,
            opening,
            for_export: !request.kind.erases(),
            time_zone: settings.time_zone.clone(),
            batch_size: settings.batch_size as usize,
            window: settings.recovery_window(),
            in_scope,
            compared,
            stop_at: self.config.stop_at(self.now()),
        })
    }

    async fn pin_map(&self, request: &RequestItem, version: u64) -> Outcome<()> {
        let mut after = request.clone();
        after.version += 1;
        after.map_version = version;
        self.write_request(request, &after, None)?.commit_or_overtaken(self.ports.table.as_ref(), "request").await
    }
}

/// Producers whose records may be another's too: all that is found of them is listed, so that it can be compared.
fn compared(map: &DataMap) -> BTreeSet<ProducerName> {
    overlaps(map).into_iter().flat_map(|o| [o.first.name.clone(), o.second.name.clone()]).collect()
}

/// The producers to walk: those in scope; and, with why these stay, those that others in scope are found through or share
/// records with.
pub(super) fn scope_of(map: &DataMap, asked: Asked<'_>, excluded: &[LeftOut]) -> BTreeMap<ProducerName, Option<KeptBecause>> {
    let why = |p: &Producer| {
        let left_out = excluded.iter().find(|e| e.category == p.category);
        left_out.map(|e| KeptBecause::Excluded { until: e.retention_until })
    };
    let mut walked: BTreeMap<ProducerName, Option<KeptBecause>> =
        map.producers.iter().filter(|p| asked.leaves_out(p).is_none()).map(|p| (p.name.clone(), why(p))).collect();
    let overlaps = overlaps(map);
    loop {
        let parents = walked.keys().filter_map(|n| map.producer(n)).flat_map(|p| &p.select).filter_map(|s| match s.by() {
            SelectBy::Parent { producer, .. } if !walked.contains_key(producer) => Some(producer.clone()),
            _ => None,
        });
        let sharing = overlaps.iter().flat_map(|o| [(&o.first.name, &o.second.name), (&o.second.name, &o.first.name)]);
        let sharing = sharing.filter(|(one, other)| walked.contains_key(*one) && !walked.contains_key(*other));
        let missing: Vec<ProducerName> = parents.chain(sharing.map(|(_, other)| other.clone())).collect();
        if missing.is_empty() {
            return walked;
        }
        walked.extend(missing.into_iter().map(|p| (p, Some(KeptBecause::OutOfScope))));
    }
}

//! Who walks a producer: one worker at a time, and not without end.

use crate::{
    EngineError, Result,
    discovery::{
        Discovery,
        sorting::{Walk, nothing},
        sources::Run,
    },
    items::{DiscoveryItem, discovery_key, from_item},
    ports::{Condition, Connector, HideMethod, Key, StoreError},
    transaction::{Committed, Transaction, equals, unchanged},
};
use oubli_domain::{datamap::Producer, plan::UnsearchedBecause};
use std::collections::BTreeMap;

/// Claims without a checkpoint in between, after which a walk fails for good.
pub(super) const MOST_CLAIMS: u32 = 20;

impl Discovery {
    pub(super) async fn claim_walk(
        &self,
        run: &Run,
        producer: &Producer,
        step: u32,
        connector: &dyn Connector,
    ) -> Result<Option<DiscoveryItem>> {
        let key = discovery_key(&run.partition, run.round, step);
        let found = self.core.ports.table.get_many(std::slice::from_ref(&key)).await?.pop().flatten();
        let now = self.core.now();
        let lease_until = self.core.config.lease_until(now);
        let (item, when) = match found {
            Some(found) => {
                let before: DiscoveryItem = from_item(found)?;
                if before.producer != producer.name {
                    let text = format!("what was found of {} is filed under {}", before.producer, producer.name);
                    return Err(EngineError::internal(text));
                }
                if before.done {
                    return Ok(Some(before));
                }
                if before.lease_until > now.as_millisecond() {
                    return Ok(None);
                }
                // Sealed anew at every checkpoint: whoever claims takes over exactly what it read.
                let position = unchanged("sealed_position", before.sealed_position.clone());
                let same = vec![equals("fence", before.fence), position, equals("done", false)];
                if before.attempts >= MOST_CLAIMS {
                    return self.give_up_walk(key, before, same).await;
                }
                (DiscoveryItem { fence: before.fence + 1, attempts: before.attempts + 1, lease_until, ..before }, same)
            }
            None => {
                let (method, cautions, unsearched) = match connector.capabilities(producer, run.window).await {
                    // Nothing can be hidden natively by what offers no soft delete: better known before it is planned.
                    Ok(promised) if promised.hide == HideMethod::Native && connector.soft_delete().is_none() => {
                        let store = producer.store.to_string();
                        let error = StoreError::Unusable { store, reason: "it has no delete of its own to undo".to_owned() };
                        (HideMethod::Vault, vec![], Some(passed_over(run, producer, error)?))
                    }
                    Ok(capabilities) => (capabilities.hide, capabilities.words(producer, &run.map), None),
                    Err(error) => (HideMethod::Vault, vec![], Some(passed_over(run, producer, error)?)),
                };
                let item = DiscoveryItem {
                    producer: producer.name.clone(),
                    fence: 1,
                    attempts: 1,
                    lease_until,
                    done: unsearched.is_some(),
                    sealed_position: None,
                    parts: 0,
                    staying: 0,
                    records: 0,
                    bytes: 0,
                    parts_digest: String::new(),
                    kept: vec![],
                    method,
                    cautions,
                    content: nothing(),
                    began_at: now,
                    unsearched,
                    found_through: BTreeMap::new(),
                    found_late: 0,
                    refused: vec![],
                    may_be_found: BTreeMap::new(),
                    before: None,
                };
                (item, vec![Condition::ItemAbsent])
            }
        };
        match Transaction::new().put(key, &item, when)?.commit(self.core.ports.table.as_ref()).await? {
            Committed::Yes => Ok(Some(item)),
            Committed::Refused => Ok(None),
        }
    }

    /// Fails a walk that no worker gets on with. A retry counts anew.
    async fn give_up_walk(&self, key: Key, before: DiscoveryItem, same: Vec<Condition>) -> Result<Option<DiscoveryItem>> {
        let text = format!("{}: {MOST_CLAIMS} workers in a row did not get on with searching it", before.producer);
        let anew = DiscoveryItem { attempts: 0, ..before };
        match Transaction::new().put(key, &anew, same)?.commit(self.core.ports.table.as_ref()).await? {
            Committed::Yes => Err(EngineError::internal(text)),
            Committed::Refused => Ok(None),
        }
    }

    /// Ends the walk of a producer that cannot be searched. What it found may not be there any more: nothing of it goes.
    pub(super) async fn pass_over(&self, walk: &Walk<'_>, why: UnsearchedBecause) -> Result<()> {
        let mut after = walk.item.clone();
        after.done = true;
        after.lease_until = 0;
        (after.records, after.bytes, after.content) = (0, 0, nothing());
        after.found_through.clear();
        after.found_late = 0;
        after.may_be_found.clear();
        after.before = None;
        after.unsearched = Some(why);
        let key = discovery_key(&walk.run.partition, walk.run.round, walk.step);
        let mine = vec![equals("fence", walk.item.fence), equals("parts", walk.item.parts)];
        let transaction = Transaction::new().put(key, &after, mine)?;
        transaction.commit_or_conflict(self.core.ports.table.as_ref(), "discovery").await
    }
}

/// Why a producer is passed over after an error of its store, where that may be; otherwise the error, with its name.
pub(super) fn passed_over(run: &Run, producer: &Producer, error: StoreError) -> Result<UnsearchedBecause> {
    match error {
        StoreError::Unavailable { .. } => Err(error.into()),
        // Nobody has to mend what the map itself bounds.
        StoreError::TooLarge { reason, .. } => Ok(UnsearchedBecause::Unusable { reason }),
        StoreError::Unusable { reason, .. } if run.passes_over => Ok(UnsearchedBecause::Unusable { reason }),
        error => Err(EngineError::internal(format!("{}: {error}", producer.name))),
    }
}

//! Hiding by delete markers.
//!
//! A marker is put on exactly the version the plan names, and taken away only while nothing newer lies on it. Purging
//! deletes versions first and markers last, and leaves a marker that still covers data which stays: taking it away
//! would show that data.

use super::{
    S3,
    address::{Address, NULL},
    bucket::{CLOCKS_DIFFER, Versioning},
    delete::{Deleted, Refused, Target},
    list::{Entry, Listed, Stack},
};
use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use oubli_domain::datamap::Producer;
use oubli_engine::ports::{Destruction, PutBack, RecordRef, SoftDeletion, StoreError, Tombstone};
use serde_json::{Value, json};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

/// How often a batch is looked at anew because somebody wrote to it in the meantime.
const ROUNDS: usize = 4;

/// Locks asked for at once.
const PARALLEL: usize = 32;

type Answers<T> = Result<Vec<Result<T, StoreError>>, StoreError>;

/// How a version stands towards being hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
enum VersionState {
    Absent,
    /// Something lies on it.
    OutOfSight,
    /// It is what readers see.
    Visible {
        etag: Option<String>,
    },
}

fn standing(address: &Address, stack: Option<&Stack>) -> VersionState {
    let Some(own) = stack.and_then(|s| s.version_of(address)) else { return VersionState::Absent };
    if own.latest && !own.delete_marker { VersionState::Visible { etag: own.etag.clone() } } else { VersionState::OutOfSight }
}

/// The version next after another.
fn next_version<'a>(stack: &'a Stack, own: &Entry) -> Option<&'a Entry> {
    let at = stack.versions.iter().position(|v| v.version_id == own.version_id)?;
    stack.versions.get(at.checked_sub(1)?)
}

/// The markers that by their times may lie between a version and the next one.
fn directly_on<'a>(stack: &'a Stack, own: &'a Entry) -> impl Iterator<Item = &'a Entry> {
    let next = next_version(stack, own);
    let before_next = move |m: &Entry| next.is_none_or(|next| !m.latest && m.modified <= next.modified);
    stack.markers.iter().filter(move |m| before_next(m) && (m.latest || m.modified >= own.modified))
}

impl S3 {
    pub(super) async fn soft_delete_visible(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
        tried_since: Option<Timestamp>,
        window: Duration,
    ) -> Answers<SoftDeletion> {
        let (bucket, resource) = super::bucket(producer)?;
        // Without versioning a marker would not hide but destroy, and so it would under a lifecycle that drops what it
        // covers: both are asked each time.
        if self.ask_versioning(bucket, &resource).await? != Versioning::On {
            return Err(resource.unusable("versioning is no longer on: turn it on, or discover again"));
        }
        self.keeps_old_versions(producer, bucket, &resource, window).await?;
        let listed = Listed { bucket, resource: &resource, versions: true };
        let addresses: Vec<_> = records.iter().map(|(r, _)| Address::of(&resource, r)).collect();
        let busy = || Err(resource.unavailable("somebody keeps writing to it"));
        let mut answers: Vec<_> = addresses.iter().map(|a| a.as_ref().map_or_else(|e| Err(e.clone()), |_| busy())).collect();
        let mut pending: Vec<_> = addresses.iter().enumerate().filter_map(|(at, a)| Some((at, a.as_ref().ok()?))).collect();
        let mut tried_since = tried_since;
        for round in 0..ROUNDS {
            let stacks = match self.survey(listed, &pending.iter().map(|(_, a)| a.key.clone()).collect()).await {
                Ok(stacks) => stacks,
                Err(error) if round == 0 => return Err(error),
                // What was done to the others is known, and must not be forgotten.
                Err(error) => {
                    pending.iter().for_each(|(at, _)| answers[*at] = Err(error.clone()));
                    return Ok(answers);
                }
            };
            let mut visible = Vec::new();
            for (at, address) in std::mem::take(&mut pending) {
                let stack = stacks.get(&address.key);
                answers[at] = match standing(address, stack) {
                    still @ (VersionState::Absent | VersionState::OutOfSight) => {
                        let on = self.lies_on(listed, address, stack, records[at].1.as_ref(), tried_since).await;
                        let bare = if still == VersionState::Absent { SoftDeletion::Absent } else { SoftDeletion::Hidden(None) };
                        on.map(|marker| marker.map_or(bare, SoftDeletion::AlreadyHidden))
                    }
                    VersionState::Visible { etag } => {
                        visible.push(((at, address), Target { key: address.key.clone(), version_id: None, etag }));
                        continue;
                    }
                };
            }
            // From here on, a reply that is lost may have put a marker.
            tried_since = tried_since.or(Some(Timestamp::now()));
            let (owners, targets): (Vec<_>, Vec<_>) = visible.into_iter().unzip();
            for ((at, address), deleted) in owners.into_iter().zip(self.delete(listed, &targets).await) {
                match deleted {
                    Ok(Some(marker)) => answers[at] = Ok(SoftDeletion::Hidden(Some(to_tombstone(vec![marker])))),
                    Ok(None) => {
                        answers[at] = Err(resource.record("it was deleted without a marker: versioning was turned off meanwhile"))
                    }
                    Err(Refused::Failed(error)) => answers[at] = Err(error),
                    Err(Refused::Changed | Refused::Absent) => pending.push((at, address)),
                }
            }
            if pending.is_empty() {
                return Ok(answers);
            }
            for (at, _) in &pending {
                answers[*at] = busy();
            }
        }
        Ok(answers)
    }

    pub(super) async fn undelete_hidden(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
    ) -> Answers<PutBack> {
        let (bucket, resource) = super::bucket(producer)?;
        let listed = Listed { bucket, resource: &resource, versions: true };
        let addresses: Vec<_> = records.iter().map(|(r, _)| Address::of(&resource, r)).collect();
        let keys = addresses.iter().flatten().map(|a| a.key.clone()).collect();
        let stacks = self.survey(listed, &keys).await?;

        let (mut answers, mut targets, mut owners) = (Vec::new(), Vec::new(), Vec::new());
        for (at, ((_, marker), address)) in records.iter().zip(&addresses).enumerate() {
            let address = match address {
                Ok(address) => address,
                Err(error) => {
                    answers.push(Err(error.clone()));
                    continue;
                }
            };
            let stack = stacks.get(&address.key).cloned().unwrap_or_default();
            let ours = marker_versions(marker.as_ref());
            answers.push(Ok(self.outlook(listed, address, &stack, &ours).await?));
            let present = stack.markers.iter().filter_map(|m| m.version_id.clone()).filter(|v| ours.contains(v));
            for version in present {
                targets.push(Target { key: address.key.clone(), version_id: Some(version), etag: None });
                owners.push(at);
            }
        }
        for (at, deleted) in owners.into_iter().zip(self.delete(listed, &targets).await) {
            if let Err(Refused::Failed(error)) = deleted {
                answers[at] = Err(error);
            }
        }
        Ok(answers)
    }

    /// How things will be once our markers are gone.
    async fn outlook(
        &self,
        listed: Listed<'_>,
        address: &Address,
        stack: &Stack,
        ours: &HashSet<String>,
    ) -> Result<PutBack, StoreError> {
        let Some(own) = stack.version_of(address) else { return Ok(PutBack::Gone) };
        // Where nothing was put on it, it is as it was.
        if ours.is_empty() || own.latest {
            return Ok(PutBack::Restored);
        }
        let newest = stack.versions.first().is_some_and(|v| v.version_id == own.version_id);
        let top_is_ours = stack.latest().and_then(|top| top.version_id.as_ref()).is_some_and(|top| ours.contains(top));
        if !newest || !top_is_ours {
            return Ok(PutBack::Conflict);
        }
        let covers = self.covers(listed, stack, own).await?;
        Ok(if marker_versions(covers.as_ref()).is_subset(ours) { PutBack::Restored } else { PutBack::Conflict })
    }

    /// The markers that lie directly on a version: between it and the next one.
    async fn covers(&self, listed: Listed<'_>, stack: &Stack, own: &Entry) -> Result<Option<Tombstone>, StoreError> {
        let mut on: Vec<_> = directly_on(stack, own).collect();
        // S3 tells times in seconds, and the SDK does not tell how versions and markers alternate.
        if on.iter().any(|m| !m.latest && m.modified == own.modified) {
            let below = self.stack_below(listed, &own.key, own.version_id.as_deref()).await?;
            on.retain(|m| below.find(m.version_id.as_deref()).is_none());
        }
        if let Some(next) = next_version(stack, own)
            && on.iter().any(|m| m.modified == next.modified)
        {
            let below = self.stack_below(listed, &own.key, next.version_id.as_deref()).await?;
            on.retain(|m| below.find(m.version_id.as_deref()).is_some());
        }
        let ids: Vec<_> = on.iter().filter_map(|m| m.version_id.clone()).collect();
        Ok((!ids.is_empty()).then(|| to_tombstone(ids)))
    }

    /// The marker on a version that is ours, or may be: as long as it lies there at all, that which is known to be; else
    /// what lies directly on it since we may have tried.
    async fn lies_on(
        &self,
        listed: Listed<'_>,
        address: &Address,
        stack: Option<&Stack>,
        noted: Option<&Tombstone>,
        tried_since: Option<Timestamp>,
    ) -> Result<Option<Tombstone>, StoreError> {
        let Some(stack) = stack else { return Ok(None) };
        let ours = marker_versions(noted);
        if stack.markers.iter().filter_map(|m| m.version_id.as_ref()).any(|id| ours.contains(id)) {
            return Ok(noted.cloned());
        }
        let Some((own, since)) = stack.version_of(address).zip(tried_since).filter(|(own, _)| !own.delete_marker) else {
            return Ok(None);
        };
        let may_be_ours = |m: &Entry| m.modified.is_none_or(|at| at >= since - CLOCKS_DIFFER);
        if !directly_on(stack, own).any(may_be_ours) {
            return Ok(None);
        }
        self.covers(listed, stack, own).await
    }

    /// What lies on versions and may be ours.
    pub(super) async fn covered(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
        tried_since: Timestamp,
    ) -> Answers<Option<Tombstone>> {
        let (bucket, resource) = super::bucket(producer)?;
        let listed = Listed { bucket, resource: &resource, versions: true };
        let addresses: Vec<_> = records.iter().map(|(r, _)| Address::of(&resource, r)).collect();
        let stacks = self.survey(listed, &addresses.iter().flatten().map(|a| a.key.clone()).collect()).await?;
        let mut markers = Vec::with_capacity(records.len());
        for (address, (_, noted)) in addresses.into_iter().zip(records) {
            let stack = address.as_ref().ok().and_then(|a| stacks.get(&a.key));
            markers.push(match address {
                Err(error) => Err(error),
                Ok(address) if matches!(standing(&address, stack), VersionState::Visible { .. }) => Ok(None),
                Ok(address) => self.lies_on(listed, &address, stack, noted.as_ref(), Some(tried_since)).await,
            });
        }
        Ok(markers)
    }

    pub(super) async fn purge_hidden(
        &self,
        producer: &Producer,
        records: &[(RecordRef, Option<Tombstone>)],
    ) -> Answers<Destruction> {
        let (bucket, resource) = super::bucket(producer)?;
        let listed = Listed { bucket, resource: &resource, versions: true };
        let addresses: Vec<_> = records.iter().map(|(r, _)| Address::of(&resource, r)).collect();
        let mut answers: Vec<Result<Destruction, StoreError>> =
            addresses.iter().map(|a| a.as_ref().map(|_| Destruction::Destroyed).map_err(Clone::clone)).collect();

        let asked = addresses.iter().flatten().map(|a| a.key.clone()).collect();
        let replaceable = addresses.iter().flatten().any(|a| a.version_id.as_deref() == Some(NULL));
        let versioned = !replaceable || self.ask_versioning(bucket, &resource).await? == Versioning::On;
        let before = self.survey(listed, &asked).await?;
        let (mut owners, mut targets) = (Vec::new(), Vec::new());
        for (at, address) in addresses.iter().enumerate() {
            let Ok(address) = address else { continue };
            let stack = before.get(&address.key);
            match (&address.version_id, standing(address, stack)) {
                (None, _) => answers[at] = Err(resource.record("it names no version: discover again")),
                (_, VersionState::Visible { .. }) => answers[at] = Ok(Destruction::Stands),
                (_, VersionState::Absent) => {}
                (Some(version), _) if version == NULL && !versioned => {
                    answers[at] = Err(resource.record("it is a version `null` in a bucket with versioning suspended, where writes replace it: turn versioning on"));
                }
                _ if address.delete_marker => {}
                (Some(version), _) => {
                    owners.push(at);
                    targets.push(Target { key: address.key.clone(), version_id: Some(version.clone()), etag: None });
                }
            }
        }
        settle(&mut answers, &owners, self.delete(listed, &targets).await);
        self.tell_locks(listed, &addresses, &mut answers).await;

        // The markers over what stays are left: they are what keeps it out of sight.
        let stays = |done: &Result<Destruction, StoreError>| *done != Ok(Destruction::Destroyed);
        let keys_of = |kept: bool| {
            let those = addresses.iter().zip(&answers).filter(move |(_, done)| stays(done) == kept);
            those.flat_map(|(a, _)| a).map(|a| a.key.clone()).collect::<BTreeSet<_>>()
        };
        let keys: BTreeSet<_> = keys_of(false).difference(&keys_of(true)).cloned().collect();
        let stacks = self.survey(listed, &keys).await?;
        let mut ours: HashMap<&str, HashSet<String>> = HashMap::new();
        for (address, (_, marker)) in addresses.iter().zip(records) {
            let Ok(address) = address else { continue };
            let own = address.version_id.clone().filter(|_| address.delete_marker);
            ours.entry(&address.key).or_default().extend(marker_versions(marker.as_ref()).into_iter().chain(own));
        }
        let targets: Vec<_> = stacks
            .iter()
            .flat_map(|(key, stack)| {
                let ours = ours.get(key.as_str());
                removable(stack, ours).map(|version| Target { key: key.clone(), version_id: Some(version), etag: None })
            })
            .collect();
        let failed: HashMap<_, _> = targets
            .iter()
            .zip(self.delete(listed, &targets).await)
            .filter_map(|(target, deleted)| match deleted {
                Err(Refused::Failed(error)) => Some((target.key.as_str(), error)),
                _ => None,
            })
            .collect();
        for (answer, address) in answers.iter_mut().zip(&addresses) {
            if let (Ok(Destruction::Destroyed), Ok(address)) = (&answer, address)
                && let Some(error) = failed.get(address.key.as_str())
            {
                *answer = Err(error.clone());
            }
        }
        Ok(answers)
    }

    /// Of versions that S3 refused to delete: which of them a lock keeps, and how long.
    async fn tell_locks(
        &self,
        listed: Listed<'_>,
        addresses: &[Result<Address, StoreError>],
        answers: &mut [Result<Destruction, StoreError>],
    ) {
        let refused = addresses.iter().zip(&*answers).enumerate().filter_map(|(at, (address, answer))| {
            let address = address.as_ref().ok()?;
            let version = address.version_id.as_deref()?;
            matches!(answer, Err(StoreError::Record { .. })).then_some((at, address.key.as_str(), version))
        });
        let asked = refused
            .map(|(at, key, version)| async move { (at, self.locked_until(listed.bucket, listed.resource, key, version).await) });
        let told: Vec<_> = stream::iter(asked.collect::<Vec<_>>()).buffer_unordered(PARALLEL).collect().await;
        for (at, lock) in told {
            match lock {
                Ok(Some(day)) => answers[at] = Ok(Destruction::Locked(day)),
                Err(error @ StoreError::Unavailable { .. }) => answers[at] = Err(error),
                // No lock: the refusal stands as it was told.
                Ok(None) | Err(_) => {}
            }
        }
    }
}

/// The markers that may go after the versions: all of them once no data is left under the key, which then no longer
/// exists for anybody; otherwise ours, unless it is the one that keeps what stays out of sight.
fn removable<'a>(stack: &'a Stack, ours: Option<&'a HashSet<String>>) -> impl Iterator<Item = String> + 'a {
    let empty = stack.versions.is_empty();
    let may_go = move |version: &String, latest: bool| empty || (!latest && ours.is_some_and(|o| o.contains(version)));
    stack.markers.iter().filter_map(move |m| m.version_id.clone().filter(|v| may_go(v, m.latest)))
}

fn settle(answers: &mut [Result<Destruction, StoreError>], owners: &[usize], deleted: Vec<Deleted>) {
    for (at, deleted) in owners.iter().zip(deleted) {
        if let Err(Refused::Failed(error)) = deleted {
            answers[*at] = Err(error);
        }
    }
}

/// Delete markers as one: a lost reply may leave several. The same ones are the same marker.
fn to_tombstone(mut versions: Vec<String>) -> Tombstone {
    versions.sort();
    Tombstone(json!({ "version_ids": versions }))
}

fn marker_versions(marker: Option<&Tombstone>) -> HashSet<String> {
    let versions = marker.and_then(|m| m.0.get("version_ids")).and_then(Value::as_array);
    versions.into_iter().flatten().filter_map(|v| v.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests;

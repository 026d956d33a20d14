//! Into the vault, then out of the store; and back again when a hold or a cancel comes in between.

use super::{
    native,
    worker::{Claimed, Done, Flagged, gains},
};
use crate::{
    Engine, EngineError, Outcome,
    manifest::{self, ManifestRecord},
    ports::{Expected, HideMethod, RecordRef, Removal, Snapshot, StoreError},
    vault::{self, FrameHeader, PASSES, VaultReader, VaultWriter},
};
use oubli_domain::{
    audit::DataErased,
    batch::{BatchState, Outcome as Fate, Outcomes},
    datamap::Retention,
};
use std::collections::{BTreeMap, BTreeSet};

/// Records read at once.
const READ: usize = 100;

impl Engine {
    pub(super) async fn records_of(&self, claimed: &Claimed) -> Outcome<Vec<ManifestRecord>> {
        let all = manifest::read(&self.ports, &claimed.manifest_key, &claimed.batch.part, &claimed.batch.part_sha256).await?;
        Ok(all.into_iter().filter(|r| !r.kept).collect())
    }

    pub(super) async fn hide(&self, claimed: &Claimed) -> Outcome<Done> {
        let records = self.records_of(claimed).await?;
        if claimed.request.holds.on(&claimed.step.category).is_some() {
            return self.hold_back(claimed, &records).await;
        }
        let (fates, flagged) = match claimed.step.method {
            HideMethod::Vault => self.hide_in_vault(claimed, &records).await?,
            HideMethod::Native => self.hide_natively(claimed, &records).await?,
        };
        Ok(hidden(&records, fates, flagged, BatchState::Skipped))
    }

    /// The records of this batch that an earlier attempt copied to the vault.
    pub(super) async fn copied_before(&self, claimed: &Claimed) -> Outcome<BTreeSet<usize>> {
        let mut places = BTreeSet::new();
        let Some(key) = &claimed.vault_key else { return Ok(places) };
        for fence in 1..claimed.lease.fence {
            for pass in 0..PASSES {
                let name = vault::part_name(&claimed.partition, claimed.request.round, claimed.number, claimed.n, fence, pass);
                let Some(mut reader) = VaultReader::open(&self.ports, key, &name).await? else { break };
                while let Some(header) = reader.next().await? {
                    reader.skip(&header).await?;
                    places.insert(header.place);
                }
            }
        }
        Ok(places)
    }

    async fn hide_in_vault(&self, claimed: &Claimed, records: &[ManifestRecord]) -> Outcome<(Vec<Fate>, Vec<Flagged>)> {
        let key = claimed.vault_key.as_ref().ok_or_else(|| EngineError::Broken("the step's vault key is gone".to_owned()))?;
        let mut copied = self.copied_before(claimed).await?;
        let mut fates = vec![Fate::Untouched; records.len()];
        let mut flagged = Vec::new();
        let mut open: Vec<usize> = (0..records.len()).collect();
        for pass in 0..PASSES {
            let name =
                vault::part_name(&claimed.partition, claimed.request.round, claimed.number, claimed.n, claimed.lease.fence, pass);
            let mut writer: Option<VaultWriter> = None;
            let mut expected: Vec<(usize, Expected)> = Vec::new();
            for places in open.chunks(READ) {
                let refs: Vec<RecordRef> = places.iter().map(|p| records[*p].record.clone()).collect();
                let fields = retention_fields(claimed.producer.retention.as_ref());
                let snapshots = claimed.connector.read(&claimed.producer, &refs, &fields).await;
                let snapshots: Vec<Option<Snapshot>> = snapshots.into_iter().collect::<Result<_, _>>()?;
                for ((place, record), snapshot) in places.iter().zip(refs).zip(snapshots) {
                    let Some(snapshot) = snapshot else {
                        fates[*place] = if copied.contains(place) { Fate::Uncertain } else { Fate::AlreadyAbsent };
                        continue;
                    };
                    if !snapshot.still_selected {
                        // Somebody else's now. What was the subject's, an earlier attempt may have removed.
                        fates[*place] = if copied.contains(place) { Fate::Uncertain } else { Fate::AlreadyAbsent };
                        continue;
                    }
                    if self.retained(claimed, &snapshot.fields)? {
                        fates[*place] = Fate::Retained;
                        continue;
                    }
                    let target = match &mut writer {
                        Some(writer) => writer,
                        None => writer.insert(VaultWriter::new(&self.ports, key, &name).await?),
                    };
                    let header = FrameHeader { place: *place, envelope: snapshot.envelope, length: snapshot.length };
                    target.add(&header, snapshot.body).await?;
                    expected.push((*place, Expected { record, version: snapshot.version }));
                }
            }
            let Some(writer) = writer else { return Ok((fates, flagged)) };
            writer.finish().await?;
            copied.extend(expected.iter().map(|(place, _)| *place));
            self.in_time(claimed)?;
            let asked: Vec<Expected> = expected.iter().map(|(_, e)| e.clone()).collect();
            let removals = claimed.connector.remove(&claimed.producer, &asked).await;
            open.clear();
            for ((place, _), removal) in expected.iter().zip(removals) {
                match removal {
                    Ok(Removal::Removed) => fates[*place] = Fate::Erased,
                    Ok(Removal::Changed) => open.push(*place),
                    // Copied by this very attempt, and gone without a reply that says by whom.
                    Ok(Removal::Absent) => fates[*place] = Fate::Uncertain,
                    Err(StoreError::Record { reason, .. }) => {
                        fates[*place] = Fate::Failed;
                        flagged.push(Flagged { place: *place, reason });
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            if open.is_empty() {
                return Ok((fates, flagged));
            }
        }
        for place in open {
            fates[place] = Fate::Failed;
            flagged.push(Flagged { place, reason: "it kept changing while it was to be hidden".to_owned() });
        }
        Ok((fates, flagged))
    }

    /// Nothing begins that might end after the lease.
    pub(super) fn in_time(&self, claimed: &Claimed) -> Outcome<()> {
        if self.now().as_millisecond() >= claimed.lease.stop_at {
            return Err(EngineError::Transient("the worker's time is used up".to_owned()));
        }
        Ok(())
    }

    fn retained(&self, claimed: &Claimed, fields: &BTreeMap<String, String>) -> Outcome<bool> {
        let Some(retention) = &claimed.producer.retention else { return Ok(false) };
        let today = today(self.now(), &claimed.request.time_zone)?;
        Ok(retention.applies(started(retention, fields), today))
    }

    /// A hold turned up: what an earlier attempt may have hidden is kept in the vault, the rest is not touched.
    async fn hold_back(&self, claimed: &Claimed, records: &[ManifestRecord]) -> Outcome<Done> {
        let fates = self.fates_after_interruption(claimed, records, Fate::Retained).await?;
        Ok(hidden(records, fates, vec![], BatchState::Held))
    }

    /// A cancel turned up: what an earlier attempt may have hidden can be restored, the rest is not touched.
    pub(super) async fn settle(&self, claimed: &Claimed) -> Outcome<Done> {
        let records = self.records_of(claimed).await?;
        let fates = self.fates_after_interruption(claimed, &records, Fate::Untouched).await?;
        Ok(hidden(&records, fates, vec![], BatchState::Skipped))
    }

    /// Compares the vault with the store: copied and gone is hidden, though by whom nobody can tell.
    async fn fates_after_interruption(&self, claimed: &Claimed, records: &[ManifestRecord], rest: Fate) -> Outcome<Vec<Fate>> {
        let mut fates = vec![rest; records.len()];
        if claimed.lease.fence == 1 {
            return Ok(fates);
        }
        if claimed.step.method == HideMethod::Native {
            native::settle(self, claimed, records, &mut fates).await?;
            return Ok(fates);
        }
        let copied: Vec<usize> = self.copied_before(claimed).await?.into_iter().filter(|p| *p < records.len()).collect();
        for places in copied.chunks(READ) {
            let refs: Vec<RecordRef> = places.iter().map(|p| records[*p].record.clone()).collect();
            let snapshots = claimed.connector.read(&claimed.producer, &refs, &[]).await;
            let snapshots: Vec<Option<Snapshot>> = snapshots.into_iter().collect::<Result<_, _>>()?;
            for (place, snapshot) in places.iter().zip(snapshots) {
                if snapshot.is_none() {
                    fates[*place] = Fate::Uncertain;
                }
            }
        }
        Ok(fates)
    }

    /// A hold was placed while this attempt worked: what it surely hid goes back where it was.
    pub(super) async fn undo_for_hold(&self, claimed: &Claimed, done: Done) -> Outcome<Done> {
        let records = self.records_of(claimed).await?;
        let mut fates = done.outcomes.map(|o| o.as_slice().to_vec()).unwrap_or_else(|| vec![Fate::Untouched; records.len()]);
        let wanted: BTreeSet<usize> = (0..fates.len()).filter(|p| fates[*p] == Fate::Erased).collect();
        let returned = self.return_records(claimed, &records, &wanted, claimed.lease.fence).await?;
        for (place, fate) in returned {
            fates[place] = if fate == Fate::Restored { Fate::Retained } else { fate };
        }
        for fate in &mut fates {
            if *fate == Fate::Untouched {
                *fate = Fate::Retained;
            }
        }
        Ok(hidden(&records, fates, done.flagged, BatchState::Held))
    }
}

/// What an attempt at hiding did, with the state the batch gets: hidden if anything of it is.
fn hidden(records: &[ManifestRecord], fates: Vec<Fate>, flagged: Vec<Flagged>, otherwise: BatchState) -> Done {
    let any = fates.iter().any(|f| f.is_hidden());
    let outcomes = Outcomes::new(fates);
    let counts = outcomes.counts(|place| records.get(place).map_or(0, |r| r.bytes));
    Done {
        state: Some(if any { BatchState::Hidden } else { otherwise }),
        counts: gains(&counts),
        erased: DataErased { documents: counts.erased, vectors: 0, size_bytes: counts.bytes },
        records: counts.ended(),
        outcomes: Some(outcomes),
        flagged,
    }
}

/// The field a retention duty is counted from.
pub(crate) fn retention_fields(retention: Option<&Retention>) -> Vec<String> {
    retention.and_then(|r| r.period.as_ref()).map(|p| vec![p.from.clone()]).unwrap_or_default()
}

/// The day it is where the controller is.
pub(crate) fn today(now: jiff::Timestamp, time_zone: &str) -> Outcome<jiff::civil::Date> {
    let zoned = now.in_tz(time_zone).map_err(|_| EngineError::Broken("the time zone is unknown".to_owned()))?;
    Ok(zoned.date())
}

/// The date a record's retention is counted from: a date, or a time of which the date counts.
pub(crate) fn started(retention: &Retention, fields: &BTreeMap<String, String>) -> Option<jiff::civil::Date> {
    let text = fields.get(&retention.period.as_ref()?.from)?;
    text.parse().ok().or_else(|| text.get(..10).and_then(|d| d.parse().ok()))
}

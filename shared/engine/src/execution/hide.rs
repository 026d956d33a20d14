//! Into the vault, then out of the store; and back again when a hold or a cancel comes in between.

use crate::{
    EngineError, Result,
    core::{duty_applies, is_found_otherwise, is_within, telling_fields, today},
    execution::{
        Execution, native,
        worker::{Claimed, Done, Flagged, Stays, gains, mine},
    },
    manifest::{self, ManifestRecord},
    ports::{Applied, Effect, Expected, Fields, HideMethod, RecordRef, StoreError, Version},
    transaction::{Transaction, set},
    vault::{self, AddError, FrameHeader, PASSES, VaultReader, VaultWriter},
};
use oubli_domain::{
    audit::DataErased,
    batch::{BatchState, Outcomes, RecordOutcome},
    datamap::OtherWay,
};
use std::collections::{BTreeMap, BTreeSet};

/// Records read at once.
const READ: usize = 100;

/// Bytes of records read at once, as their stores counted them.
const READ_BYTES: u64 = 8 * 1024 * 1024;

impl Execution {
    pub(super) async fn records_of(&self, claimed: &Claimed) -> Result<Vec<ManifestRecord>> {
        let all =
            manifest::read(&self.core.ports, &claimed.manifest_key, &claimed.batch.part, &claimed.batch.part_sha256).await?;
        Ok(all.into_iter().filter(|r| !r.kept).collect())
    }

    pub(super) async fn hide(&self, claimed: &Claimed) -> Result<Done> {
        let records = self.records_of(claimed).await?;
        if claimed.request.execution.holds.on(&claimed.step.category).is_some() {
            return self.mark_held(claimed, &records).await;
        }
        let bound = self.bound(claimed, &records).await?;
        let (outcomes, flagged) = match claimed.step.method {
            HideMethod::Vault => {
                let mut outcomes = vec![RecordOutcome::Untouched; records.len()];
                match self.hide_in_vault(claimed, &records, &bound, &mut outcomes).await {
                    Ok(flagged) => (outcomes, flagged),
                    Err(error) => {
                        self.remember_removed(claimed, outcomes).await?;
                        return Err(error);
                    }
                }
            }
            HideMethod::Native => self.hide_natively(claimed, &records, &bound).await?,
        };
        Ok(hidden(&records, outcomes, flagged, BatchState::Skipped))
    }

    /// The records of this batch that an earlier attempt copied to the vault, with the mark of the latest copy.
    pub(super) async fn copied_before(&self, claimed: &Claimed) -> Result<BTreeMap<usize, String>> {
        let mut indexes = BTreeMap::new();
        let Some(key) = &claimed.vault_key else { return Ok(indexes) };
        for fence in 1..claimed.lease.fence {
            for pass in 0..PASSES {
                let name = claimed.vault_part(fence, pass);
                let Some(mut reader) = VaultReader::open(&self.core.ports, key, &name).await? else { break };
                while let Some(header) = reader.next().await? {
                    reader.skip(&header).await?;
                    indexes.insert(header.index, header.mark);
                }
            }
        }
        Ok(indexes)
    }

    /// An attempt that could not be finished knows what it removed, and the next one could only guess.
    async fn remember_removed(&self, claimed: &Claimed, outcomes: Vec<RecordOutcome>) -> Result<()> {
        let known = removed_before(claimed);
        let ours =
            |(index, outcome): (usize, RecordOutcome)| if known.contains(&index) { RecordOutcome::Erased } else { outcome };
        let outcomes: Vec<RecordOutcome> = outcomes.into_iter().enumerate().map(ours).collect();
        if !outcomes.contains(&RecordOutcome::Erased) {
            return Ok(());
        }
        self.note_removed(claimed, Some(&Outcomes::new(outcomes))).await
    }

    /// Notes what is surely removed, under the claim, for whoever comes next.
    pub(super) async fn note_removed(&self, claimed: &Claimed, outcomes: Option<&Outcomes>) -> Result<()> {
        let Some(outcomes) = outcomes else { return Ok(()) };
        let surely = |outcome: &RecordOutcome| {
            if *outcome == RecordOutcome::Erased { RecordOutcome::Erased } else { RecordOutcome::Untouched }
        };
        let known = Outcomes::new(outcomes.as_slice().iter().map(surely).collect());
        let batch = claimed.batch_key();
        let transaction = Transaction::new().update(batch, vec![set("outcomes", String::from(known))], mine(claimed));
        self.commit_in_time(claimed, transaction).await.map(drop)
    }

    async fn hide_in_vault(
        &self,
        claimed: &Claimed,
        records: &[ManifestRecord],
        bound: &BTreeMap<usize, Stays>,
        outcomes: &mut [RecordOutcome],
    ) -> Result<Vec<Flagged>> {
        let mut flagged = Vec::new();
        let mut trouble = None;
        let mut copied = self.copied_before(claimed).await?;
        let mut open: Vec<usize> = (0..records.len()).collect();
        for pass in 0..PASSES {
            let (indexes, expected) = loop {
                match self.copy(claimed, (records, bound), &open, pass, &copied, outcomes, &mut flagged).await {
                    Ok(copies) => break copies,
                    // The part cannot be finished any more: begin it again without the record that was refused.
                    Err((index, AddError::Refused(reason))) => {
                        outcomes[index] = RecordOutcome::Failed;
                        flagged.push(Flagged { index, reason });
                        open.retain(|p| outcomes[*p] == RecordOutcome::Untouched);
                    }
                    Err((_, AddError::Trouble(error))) => return Err(error),
                }
            };
            copied.extend(indexes.iter().copied().zip(expected.iter().map(|e| vault::mark(&e.version))));
            if !indexes.is_empty() {
                self.in_time(claimed)?;
            }
            open.clear();
            let removals: Vec<_> = expected.into_iter().map(|expected| (expected, Effect::Remove)).collect();
            let applied = claimed.connector.apply(&claimed.producer, &removals).await;
            for (index, applied) in indexes.into_iter().zip(applied) {
                match applied {
                    Ok(Applied::Done) => outcomes[index] = RecordOutcome::Erased,
                    Ok(Applied::Changed) => open.push(index),
                    // Copied by this very attempt, and gone without a reply that says by whom.
                    Ok(Applied::Absent) => outcomes[index] = RecordOutcome::Uncertain,
                    Err(StoreError::Record { reason, .. }) => {
                        outcomes[index] = RecordOutcome::Failed;
                        flagged.push(Flagged { index, reason });
                    }
                    // The others' answers stand: this one is looked at again.
                    Err(error) => {
                        open.push(index);
                        trouble = Some(error);
                    }
                }
            }
            if open.is_empty() {
                return Ok(flagged);
            }
        }
        if let Some(error) = trouble {
            return Err(error.into());
        }
        for index in open {
            outcomes[index] = RecordOutcome::Failed;
            flagged.push(Flagged { index, reason: "it kept changing while it was to be hidden".to_owned() });
        }
        Ok(flagged)
    }

    /// Copies what stands of these records into one vault part, and says what must stand for each to be removed. What
    /// becomes of the others is noted.
    #[expect(clippy::too_many_arguments, reason = "they are one attempt's state, borrowed apart")]
    async fn copy(
        &self,
        claimed: &Claimed,
        (records, bound): (&[ManifestRecord], &BTreeMap<usize, Stays>),
        open: &[usize],
        pass: u32,
        copied: &BTreeMap<usize, String>,
        outcomes: &mut [RecordOutcome],
        flagged: &mut Vec<Flagged>,
    ) -> Result<(Vec<usize>, Vec<Expected>), (usize, AddError)> {
        let trouble = |error: EngineError| (0, AddError::Trouble(error));
        let key = claimed.vault_key.as_ref();
        let key = key.ok_or_else(|| trouble(EngineError::internal("the step's vault key is gone")))?;
        let name = claimed.vault_part(claimed.lease.fence, pass);
        let told_by = claimed.within.iter().flatten().chain(claimed.others.iter().flat_map(OtherWay::selections));
        let fields = telling_fields(&claimed.duties, told_by);
        let removed = removed_before(claimed);
        let mut writer: Option<VaultWriter> = None;
        let (mut indexes, mut expected) = (Vec::new(), Vec::new());
        for some in read_together(open, records, (READ, READ_BYTES)) {
            let refs: Vec<RecordRef> = some.iter().map(|p| records[*p].record.clone()).collect();
            let snapshots = claimed.connector.read(&claimed.producer, &refs, &fields).await;
            for ((index, record), snapshot) in some.iter().zip(refs).zip(snapshots) {
                let snapshot = match snapshot {
                    Ok(snapshot) => snapshot.filter(|s| s.still_selected),
                    Err(StoreError::Record { reason, .. }) => {
                        outcomes[*index] = RecordOutcome::Failed;
                        flagged.push(Flagged { index: *index, reason });
                        continue;
                    }
                    Err(error) => return Err(trouble(error.into())),
                };
                // Gone, or somebody else's now. What was the subject's, an earlier attempt may have removed.
                let Some(snapshot) = snapshot else {
                    outcomes[*index] = match (removed.contains(index), copied.contains_key(index)) {
                        (true, _) => RecordOutcome::Erased,
                        (false, true) => RecordOutcome::Uncertain,
                        (false, false) => RecordOutcome::AlreadyAbsent,
                    };
                    continue;
                };
                let retained = self.retained(claimed, &records[*index], &snapshot.fields).map_err(trouble)?;
                let stays = if retained { Some(Stays::Surely) } else { bound.get(index).copied() };
                if let Some(outcome) = stays.map(Stays::outcome) {
                    outcomes[*index] = match copied.get(index) {
                        Some(mark) => stands(*index, outcome, mark, &snapshot.version, flagged),
                        None => outcome,
                    };
                    flagged.extend((outcomes[*index] == RecordOutcome::Failed).then(|| Flagged::untold(*index)));
                    continue;
                }
                // An earlier attempt may have removed what it copied, and this was written since.
                if let (0, Some(before)) = (pass, copied.get(index))
                    && *before != vault::mark(&snapshot.version)
                {
                    outcomes[*index] = stands(*index, RecordOutcome::Untouched, before, &snapshot.version, flagged);
                    continue;
                }
                let target = match &mut writer {
                    Some(writer) => writer,
                    None => writer.insert(VaultWriter::new(&self.core.ports, key, &name).await.map_err(trouble)?),
                };
                let mark = vault::mark(&snapshot.version);
                let header = FrameHeader { index: *index, envelope: snapshot.envelope, length: snapshot.length, mark };
                target.add(&header, snapshot.body).await.map_err(|error| (*index, error))?;
                indexes.push(*index);
                expected.push(Expected { record, version: snapshot.version });
            }
        }
        if let Some(writer) = writer {
            writer.finish().await.map_err(trouble)?;
        }
        Ok((indexes, expected))
    }

    /// Nothing begins that might end after the lease.
    pub(super) fn in_time(&self, claimed: &Claimed) -> Result<()> {
        if self.core.now().as_millisecond() >= claimed.lease.stop_at {
            return Err(EngineError::transient("the worker's time is used up"));
        }
        Ok(())
    }

    /// Whether a record stays by what it says of itself now: a duty keeps it; or it may have become another producer's, or belong
    /// to something that it did not belong to when it was planned. The next look says what becomes of it then.
    fn retained(&self, claimed: &Claimed, planned: &ManifestRecord, now: &Fields) -> Result<bool> {
        if is_within(&claimed.within, &planned.record, now) || is_found_otherwise(&claimed.others, &planned.fields, now) {
            return Ok(true);
        }
        let time_zone = &claimed.request.time_zone;
        duty_applies(&claimed.duties, now, time_zone, today(self.core.now(), time_zone)?)
    }

    /// A hold turned up: what an earlier attempt surely hid goes back where it was, what it may have hidden is kept in the
    /// vault, the rest is not touched.
    async fn mark_held(&self, claimed: &Claimed, records: &[ManifestRecord]) -> Result<Done> {
        let (outcomes, flagged) = self.outcomes_after_interruption(claimed, records, RecordOutcome::Retained).await?;
        let done = hidden(records, outcomes, flagged, BatchState::Held);
        self.undo_for_hold(claimed, done).await
    }

    /// A cancel turned up: what an earlier attempt may have hidden can be restored, the rest is not touched.
    pub(super) async fn settle(&self, claimed: &Claimed) -> Result<Done> {
        let records = self.records_of(claimed).await?;
        let (outcomes, flagged) = self.outcomes_after_interruption(claimed, &records, RecordOutcome::Untouched).await?;
        Ok(hidden(&records, outcomes, flagged, BatchState::Skipped))
    }

    /// Compares the vault with the store: copied and gone is hidden, though by whom nobody can tell; copied, and there in
    /// another version, may be what somebody wrote anew after it was removed: the copy is kept as that of a conflict.
    async fn outcomes_after_interruption(
        &self,
        claimed: &Claimed,
        records: &[ManifestRecord],
        rest: RecordOutcome,
    ) -> Result<(Vec<RecordOutcome>, Vec<Flagged>)> {
        let mut outcomes = vec![rest; records.len()];
        let mut flagged = Vec::new();
        if claimed.lease.fence == 1 {
            return Ok((outcomes, flagged));
        }
        if claimed.step.method == HideMethod::Native {
            native::settle(self, claimed, records, &mut outcomes, &mut flagged).await?;
            return Ok((outcomes, flagged));
        }
        let removed = removed_before(claimed);
        if claimed.batch.unanswered {
            for index in self.copied_before(claimed).await?.into_keys().filter(|p| *p < records.len()) {
                // It may be gone by somebody else's hand: only whoever names it puts it back.
                outcomes[index] = if removed.contains(&index) { RecordOutcome::Erased } else { RecordOutcome::Uncertain };
            }
            return Ok((outcomes, flagged));
        }
        let copied: Vec<(usize, String)> =
            self.copied_before(claimed).await?.into_iter().filter(|(p, _)| *p < records.len()).collect();
        for some in copied.chunks(READ) {
            let refs: Vec<RecordRef> = some.iter().map(|(p, _)| records[*p].record.clone()).collect();
            let snapshots = claimed.connector.read(&claimed.producer, &refs, &[]).await;
            for ((index, mark), snapshot) in some.iter().zip(snapshots) {
                outcomes[*index] = match snapshot {
                    Ok(None) if removed.contains(index) => RecordOutcome::Erased,
                    Ok(None) => RecordOutcome::Uncertain,
                    Ok(Some(there)) => stands(*index, rest, mark, &there.version, &mut flagged),
                    Err(StoreError::Record { reason, .. }) => {
                        flagged.push(Flagged { index: *index, reason });
                        RecordOutcome::Conflict
                    }
                    Err(error) => return Err(error.into()),
                };
            }
        }
        Ok((outcomes, flagged))
    }

    /// A hold was placed while this attempt worked: what it surely hid goes back where it was.
    pub(super) async fn undo_for_hold(&self, claimed: &Claimed, done: Done) -> Result<Done> {
        let records = self.records_of(claimed).await?;
        let mut outcomes =
            done.outcomes.map(|o| o.as_slice().to_vec()).unwrap_or_else(|| vec![RecordOutcome::Untouched; records.len()]);
        let wanted: BTreeSet<usize> = (0..outcomes.len()).filter(|p| outcomes[*p] == RecordOutcome::Erased).collect();
        let mut flagged = done.flagged;
        let mut returned = BTreeMap::new();
        if !wanted.is_empty() && claimed.step.method == HideMethod::Vault {
            // Should this attempt die, the next one must know what to put back.
            self.note_removed(claimed, Some(&Outcomes::new(outcomes.clone()))).await?;
        }
        let back = self.return_records(claimed, &records, &wanted, claimed.lease.fence, &mut returned, &mut flagged).await;
        for (index, outcome) in returned {
            outcomes[index] = if outcome == RecordOutcome::Restored { RecordOutcome::Retained } else { outcome };
        }
        if let Err(error) = back {
            // Whoever comes next puts back the rest: it must know what that is.
            self.note_removed(claimed, Some(&Outcomes::new(outcomes))).await?;
            return Err(error);
        }
        for outcome in &mut outcomes {
            if *outcome == RecordOutcome::Untouched {
                *outcome = RecordOutcome::Retained;
            }
        }
        Ok(hidden(&records, outcomes, flagged, BatchState::Held))
    }
}

/// What becomes of a record that an earlier attempt copied, and that stands and is to stay.
fn stands(index: usize, unchanged: RecordOutcome, copied: &str, there: &Version, flagged: &mut Vec<Flagged>) -> RecordOutcome {
    if vault::mark(there) == copied {
        return unchanged;
    }
    let reason = "something newer stands there than an attempt had copied that may have removed it".to_owned();
    flagged.push(Flagged { index, reason });
    RecordOutcome::Conflict
}

/// Records that an earlier attempt surely removed.
fn removed_before(claimed: &Claimed) -> BTreeSet<usize> {
    let known = claimed.batch.outcomes.as_ref().map(|o| o.as_slice()).unwrap_or_default();
    (0..known.len()).filter(|index| known[*index] == RecordOutcome::Erased).collect()
}

/// Places in groups that are read together, each of so many records and bytes at most or of one record: none larger than a worker's
/// memory takes, whatever the records' size.
pub(super) fn read_together<'a>(
    open: &'a [usize],
    records: &[ManifestRecord],
    (most, most_bytes): (usize, u64),
) -> Vec<&'a [usize]> {
    let (mut groups, mut from, mut bytes) = (Vec::new(), 0, 0_u64);
    for (n, index) in open.iter().enumerate() {
        let size = records.get(*index).map_or(0, |r| r.bytes);
        if n > from && (n - from >= most || bytes + size > most_bytes) {
            groups.push(&open[from..n]);
            (from, bytes) = (n, 0);
        }
        bytes += size;
    }
    if from < open.len() {
        groups.push(&open[from..]);
    }
    groups
}

/// What an attempt at hiding did, with the state the batch gets: hidden if anything of it is.
fn hidden(records: &[ManifestRecord], outcomes: Vec<RecordOutcome>, flagged: Vec<Flagged>, otherwise: BatchState) -> Done {
    let any = outcomes.iter().any(|f| f.is_restorable());
    let outcomes = Outcomes::new(outcomes);
    let counts = outcomes.counts(|index| records.get(index).map_or(0, |r| r.bytes));
    Done {
        bytes_hidden: i64::try_from(counts.bytes).unwrap_or(i64::MAX),
        state: Some(if any { BatchState::Hidden } else { otherwise }),
        counts: gains(&counts),
        erased: DataErased { documents: counts.erased, vectors: 0, size_bytes: counts.bytes },
        records: counts.ended(),
        outcomes: Some(outcomes),
        flagged,
    }
}

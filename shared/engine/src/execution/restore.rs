//! Back into the store.

use crate::{
    EngineError, Result,
    core::{changes, difference},
    execution::{
        Execution,
        worker::{Claimed, Done, Flagged, mine},
    },
    manifest::ManifestRecord,
    ports::{HideMethod, PutBack, RecordRef, Returned, StoreError, Tombstone},
    record_name::RecordName,
    transaction::{Transaction, add, equals, set},
    vault::{PASSES, VaultReader},
};
use futures::{StreamExt, stream};
use oubli_domain::batch::{BatchState, Outcomes, RecordOutcome};
use std::collections::{BTreeMap, BTreeSet};

/// Payloads up to this size are put back together, larger ones one at a time as a stream.
const SMALL: u64 = 1024 * 1024;

/// Records put back together.
const TOGETHER: usize = 100;

impl Execution {
    pub(super) async fn put_back(&self, claimed: &Claimed) -> Result<Done> {
        let records = self.records_of(claimed).await?;
        let before = claimed.batch.outcomes.as_ref().map(|o| o.as_slice().to_vec()).unwrap_or_default();
        let order = claimed.request.restore().cloned().unwrap_or_default();
        let wanted: BTreeSet<usize> = (0..before.len())
            .filter(|index| order.wants(before[*index], RecordName::new(claimed.step_index, claimed.batch_index, *index)))
            .collect();
        self.in_time(claimed)?;
        let mut flagged = Vec::new();
        let mut outcomes = BTreeMap::new();
        // Given up before the hold was placed, and not gone yet: it stays.
        let held = claimed.request.execution.holds.on(&claimed.step.category).is_some();
        if order.give_up && held {
            outcomes.clear();
        } else if order.give_up {
            outcomes.extend(wanted.iter().map(|index| (*index, RecordOutcome::GivenUp)));
        } else {
            let returned =
                self.return_records(claimed, &records, &wanted, claimed.batch.vault_fence, &mut outcomes, &mut flagged);
            if let Err(error) = returned.await {
                outcomes.retain(|_, outcome| *outcome == RecordOutcome::Restored);
                self.remember_returned(claimed, put_back(&records, before, &outcomes, vec![])).await?;
                return Err(error);
            }
        }
        Ok(put_back(&records, before, &outcomes, flagged))
    }

    /// What an attempt put back before it ran into trouble stands in its store again: should no attempt ever come through,
    /// it must not be counted, nor said to be destroyed, with what is still away.
    async fn remember_returned(&self, claimed: &Claimed, done: Done) -> Result<()> {
        let Some(outcomes) = done.outcomes.filter(|_| done.records > 0) else { return Ok(()) };
        let hidden = claimed.batch.bytes_hidden.saturating_add_signed(done.bytes_hidden);
        let known = vec![set("outcomes", String::from(outcomes)), set("bytes_hidden", hidden)];
        let mut counters = done.counts;
        counters.push(add("restore_records", done.records));
        // Written twice, should a reply be lost, it counts once.
        let mut unchanged = mine(claimed);
        unchanged.extend(claimed.batch.outcomes.clone().map(|before| equals("outcomes", String::from(before))));
        let transaction =
            Transaction::new().update(claimed.batch_key(), known, unchanged).update(claimed.step_key(), counters, vec![]);
        self.commit_in_time(claimed, transaction).await.map(drop)
    }

    /// Puts these records back from the latest copy of each. What became of each is noted, whatever becomes of others.
    pub(super) async fn return_records(
        &self,
        claimed: &Claimed,
        records: &[ManifestRecord],
        wanted: &BTreeSet<usize>,
        last_fence: u64,
        outcomes: &mut BTreeMap<usize, RecordOutcome>,
        flagged: &mut Vec<Flagged>,
    ) -> Result<()> {
        match claimed.step.method {
            HideMethod::Vault => self.return_from_vault(claimed, records, wanted, last_fence, outcomes, flagged).await,
            HideMethod::Native => self.undelete(claimed, records, wanted, last_fence, outcomes, flagged).await,
        }
    }

    async fn undelete(
        &self,
        claimed: &Claimed,
        records: &[ManifestRecord],
        wanted: &BTreeSet<usize>,
        last_fence: u64,
        outcomes: &mut BTreeMap<usize, RecordOutcome>,
        flagged: &mut Vec<Flagged>,
    ) -> Result<()> {
        let notes = self.notes(claimed, last_fence).await?;
        let asked: Vec<(usize, (RecordRef, Option<Tombstone>))> = wanted
            .iter()
            .filter_map(|p| records.get(*p).map(|r| (*p, (r.record.clone(), notes.get(p).and_then(|(m, _)| m.clone())))))
            .collect();
        let pairs: Vec<_> = asked.iter().map(|(_, pair)| pair.clone()).collect();
        self.in_time(claimed)?;
        let results = claimed.soft_delete()?.undelete(&claimed.producer, &pairs).await;
        note_outcomes(asked.iter().map(|(index, _)| *index).zip(results), outcomes, flagged)
    }

    async fn return_from_vault(
        &self,
        claimed: &Claimed,
        records: &[ManifestRecord],
        wanted: &BTreeSet<usize>,
        last_fence: u64,
        outcomes: &mut BTreeMap<usize, RecordOutcome>,
        flagged: &mut Vec<Flagged>,
    ) -> Result<()> {
        if wanted.is_empty() {
            return Ok(());
        }
        let key = claimed.vault_key.as_ref().ok_or_else(|| EngineError::internal("the step's vault key is gone"))?;
        let mut open: BTreeSet<usize> = wanted.clone();
        // Newest copies first: what was copied again had changed in between.
        for fence in (1..=last_fence).rev() {
            for pass in (0..PASSES).rev() {
                if open.is_empty() {
                    return Ok(());
                }
                let name = claimed.vault_part(fence, pass);
                let Some(mut reader) = VaultReader::open(&self.core.ports, key, &name).await? else { continue };
                self.return_part(claimed, records, &mut reader, &mut open, outcomes, flagged).await?;
            }
        }
        if open.is_empty() { Ok(()) } else { Err(EngineError::internal("a record's copy is not in the vault")) }
    }

    async fn return_part(
        &self,
        claimed: &Claimed,
        records: &[ManifestRecord],
        reader: &mut VaultReader,
        open: &mut BTreeSet<usize>,
        outcomes: &mut BTreeMap<usize, RecordOutcome>,
        flagged: &mut Vec<Flagged>,
    ) -> Result<()> {
        let mut together: Vec<(usize, Returned)> = Vec::new();
        while let Some(header) = reader.next().await? {
            let Some(record) = records.get(header.index).filter(|_| open.remove(&header.index)) else {
                reader.skip(&header).await?;
                continue;
            };
            let body = if header.length <= SMALL {
                let bytes = reader.payload(&header).await?;
                stream::iter([Ok::<_, StoreError>(bytes)]).boxed()
            } else {
                reader.payload_stream(&header)
            };
            let single = header.length > SMALL;
            let returned = Returned { record: record.record.clone(), envelope: header.envelope, length: header.length, body };
            together.push((header.index, returned));
            if single || together.len() >= TOGETHER {
                self.return_together(claimed, std::mem::take(&mut together), outcomes, flagged).await?;
            }
        }
        self.return_together(claimed, together, outcomes, flagged).await
    }

    async fn return_together(
        &self,
        claimed: &Claimed,
        returned: Vec<(usize, Returned)>,
        outcomes: &mut BTreeMap<usize, RecordOutcome>,
        flagged: &mut Vec<Flagged>,
    ) -> Result<()> {
        if returned.is_empty() {
            return Ok(());
        }
        self.in_time(claimed)?;
        let (indexes, returned): (Vec<usize>, Vec<Returned>) = returned.into_iter().unzip();
        let results = claimed.connector.put_back(&claimed.producer, returned).await;
        note_outcomes(indexes.into_iter().zip(results), outcomes, flagged)
    }
}

/// Notes what became of each; trouble with one does not hide what the store said of those after it.
fn note_outcomes(
    results: impl Iterator<Item = (usize, Result<PutBack, StoreError>)>,
    outcomes: &mut BTreeMap<usize, RecordOutcome>,
    flagged: &mut Vec<Flagged>,
) -> Result<()> {
    let mut trouble = None;
    for (index, result) in results {
        match outcome(index, result, flagged) {
            Ok(outcome) => drop(outcomes.insert(index, outcome)),
            Err(error) => trouble = Some(error),
        }
    }
    trouble.map_or(Ok(()), Err)
}

/// A batch as it is once these of its records are back, or not.
fn put_back(
    records: &[ManifestRecord],
    before: Vec<RecordOutcome>,
    outcomes: &BTreeMap<usize, RecordOutcome>,
    flagged: Vec<Flagged>,
) -> Done {
    let mut after = before.clone();
    for (index, outcome) in outcomes {
        after[*index] = *outcome;
    }
    let bytes = |index: usize| records.get(index).map_or(0, |r| r.bytes);
    let (before, after) = (Outcomes::new(before), Outcomes::new(after));
    let (was, is) = (before.counts(bytes), after.counts(bytes));
    let left = after.as_slice().iter().any(|f| f.is_restorable());
    Done {
        state: Some(if left { BatchState::Hidden } else { BatchState::Restored }),
        counts: changes(&was, &is),
        bytes_hidden: difference(was.bytes, is.bytes),
        outcomes: Some(after),
        flagged,
        records: outcomes.len() as u64,
        ..Done::default()
    }
}

/// What became of a record; what is not back keeps its copy, and a person sees why.
fn outcome(index: usize, back: Result<PutBack, StoreError>, flagged: &mut Vec<Flagged>) -> Result<RecordOutcome> {
    let reason = match back {
        Ok(PutBack::Restored) => return Ok(RecordOutcome::Restored),
        Ok(PutBack::Conflict) => "something newer stands there".to_owned(),
        Ok(PutBack::Gone) => "somebody else removed it".to_owned(),
        Err(StoreError::Record { reason, .. }) => reason,
        Err(error) => return Err(error.into()),
    };
    flagged.push(Flagged { index, reason });
    Ok(RecordOutcome::Conflict)
}

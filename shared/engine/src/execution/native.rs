//! Hiding by a store's own reversible delete. What was hidden, and by which tombstone, is written beside the vault, under
//! the manifest's key: it holds addresses, not payloads.

use crate::{
    EngineError, Result,
    crypt::{StreamOpener, seal_bytes},
    execution::{
        Execution,
        worker::{Claimed, Flagged, Stays},
    },
    manifest::ManifestRecord,
    ports::{ObjectError, RecordRef, SoftDeletion, StoreError, Tombstone},
};
use jiff::Timestamp;
use oubli_domain::batch::RecordOutcome;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One soft-deleted record of an attempt.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Note {
    index: usize,
    tombstone: Option<Tombstone>,
    /// The attempt's own reply said that it hid it.
    certain: bool,
}

/// What is known of a batch's soft-deleted records, the latest attempt last.
pub(super) type Notes = BTreeMap<usize, (Option<Tombstone>, bool)>;

impl Execution {
    pub(super) async fn hide_natively(
        &self,
        claimed: &Claimed,
        records: &[ManifestRecord],
        bound: &BTreeMap<usize, Stays>,
    ) -> Result<(Vec<RecordOutcome>, Vec<Flagged>)> {
        let before = self.notes(claimed, claimed.lease.fence - 1).await?;
        self.in_time(claimed)?;
        let tried_since = (claimed.lease.fence > 1).then(|| tried_since(claimed));
        let noted = noted(records, &before);
        let store = claimed.soft_delete()?;
        let (staying, going): (Vec<usize>, Vec<usize>) = (0..records.len()).partition(|index| bound.contains_key(index));
        let asked: Vec<_> = going.iter().map(|index| noted[*index].clone()).collect();
        let soft_deleted = store.soft_delete(&claimed.producer, &asked, tried_since, claimed.request.window()).await;
        let mut outcomes = vec![RecordOutcome::Untouched; records.len()];
        let mut flagged = Vec::new();
        let mut notes = Vec::new();
        let mut trouble = None;
        for (index, result) in going.into_iter().zip(soft_deleted) {
            match result {
                Ok(SoftDeletion::Hidden(tombstone)) => {
                    outcomes[index] = RecordOutcome::Erased;
                    notes.push(Note { index, tombstone, certain: true });
                }
                Ok(SoftDeletion::AlreadyHidden(tombstone)) => {
                    let ours = noted[index].1.as_ref() == Some(&tombstone);
                    outcomes[index] = if ours { RecordOutcome::Erased } else { RecordOutcome::Uncertain };
                    notes.push(Note { index, tombstone: Some(tombstone), certain: ours });
                }
                Ok(SoftDeletion::Absent) => outcomes[index] = RecordOutcome::AlreadyAbsent,
                Err(StoreError::Record { reason, .. }) => {
                    outcomes[index] = RecordOutcome::Failed;
                    flagged.push(Flagged { index, reason });
                }
                Err(error) => trouble = Some(error),
            }
        }
        bound.iter().for_each(|(index, stays)| outcomes[*index] = stays.outcome());
        let mut untold: Vec<usize> = staying.iter().copied().filter(|index| outcomes[*index] == RecordOutcome::Failed).collect();
        // What stays with something now may be hidden since an earlier attempt.
        if let Some(since) = tried_since.filter(|_| !staying.is_empty()) {
            let asked: Vec<_> = staying.iter().map(|index| noted[*index].clone()).collect();
            for (index, result) in staying.into_iter().zip(store.soft_deleted(&claimed.producer, &asked, since).await) {
                match result {
                    Ok(Some(tombstone)) => {
                        let certain = noted[index].1.as_ref() == Some(&tombstone);
                        outcomes[index] = if certain { RecordOutcome::Erased } else { RecordOutcome::Uncertain };
                        notes.push(Note { index, tombstone: Some(tombstone), certain });
                    }
                    Ok(None) => {}
                    Err(StoreError::Record { reason, .. }) => {
                        outcomes[index] = RecordOutcome::Failed;
                        flagged.push(Flagged { index, reason });
                        untold.retain(|one| *one != index);
                    }
                    Err(error) => trouble = Some(error),
                }
            }
        }
        untold.retain(|index| outcomes[*index] == RecordOutcome::Failed);
        flagged.extend(untold.into_iter().map(Flagged::untold));
        // Noted even in trouble: the next attempt then knows which tombstones are ours.
        self.write_notes(claimed, &notes).await?;
        match trouble {
            Some(error) => Err(error.into()),
            None => Ok((outcomes, flagged)),
        }
    }

    fn notes_name(claimed: &Claimed, fence: u64) -> String {
        claimed.vault_part(fence, 0)
    }

    async fn write_notes(&self, claimed: &Claimed, notes: &[Note]) -> Result<()> {
        let name = Self::notes_name(claimed, claimed.lease.fence);
        let plain = serde_json::to_vec(notes).map_err(|_| EngineError::internal("notes do not serialize"))?;
        let sealed = seal_bytes(&claimed.manifest_key, self.core.ports.entropy.as_ref(), &name, &plain)?;
        let mut wait = super::worker::CONFIRM_AGAIN;
        loop {
            // Which tombstones are ours is known here and nowhere else.
            match self.core.ports.objects.put(&name, sealed.clone().into()).await {
                Ok(()) | Err(ObjectError::Exists) => return Ok(()),
                Err(ObjectError::Unavailable(_)) if self.may_try_again(claimed, &mut wait).await => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    pub(super) async fn notes(&self, claimed: &Claimed, last_fence: u64) -> Result<Notes> {
        let mut notes = Notes::new();
        for fence in 1..=last_fence {
            let name = Self::notes_name(claimed, fence);
            let Some(source) = self.core.ports.objects.reader(&name).await? else { continue };
            let plain = StreamOpener::new(&claimed.manifest_key, &name, source).await?.read_all().await?;
            let part: Vec<Note> = serde_json::from_slice(&plain).map_err(|_| EngineError::internal("notes cannot be read"))?;
            for note in part {
                // A tombstone once known to be ours stays ours; one that may be another's is left where it lies.
                let before = notes.get(&note.index);
                let known = before.is_some_and(|(tombstone, certain)| *certain && *tombstone == note.tombstone);
                notes.insert(note.index, (note.tombstone, note.certain || known));
            }
        }
        Ok(notes)
    }
}

/// These records with the tombstones that are surely ours.
pub(super) fn noted(records: &[ManifestRecord], notes: &Notes) -> Vec<(RecordRef, Option<Tombstone>)> {
    let surely = |index: &usize| notes.get(index).filter(|(_, certain)| *certain).and_then(|(tombstone, _)| tombstone.clone());
    records.iter().enumerate().map(|(index, r)| (r.record.clone(), surely(&index))).collect()
}

/// Nobody hides before it is decided and begun.
fn tried_since(claimed: &Claimed) -> Timestamp {
    let request = &claimed.request;
    request.execution.started_at.max(request.execution.decided_at).unwrap_or(request.submitted_at)
}

/// After an interruption: what is under a tombstone is hidden. Soft-deleting again tells which, and harms nothing that was
/// not going to be hidden, so it is asked of the store only for records an attempt may have reached.
pub(super) async fn settle(
    engine: &Execution,
    claimed: &Claimed,
    records: &[ManifestRecord],
    outcomes: &mut [RecordOutcome],
    flagged: &mut Vec<Flagged>,
) -> Result<()> {
    let notes = engine.notes(claimed, claimed.lease.fence - 1).await?;
    if claimed.batch.unanswered {
        // What the store's own replies said is hidden; what lies under a tombstone that may be another's comes back only to
        // whoever names it; and of what no attempt noted nobody knows.
        for (index, outcome) in outcomes.iter_mut().enumerate() {
            *outcome = match notes.get(&index) {
                Some((_, true)) => RecordOutcome::Erased,
                Some((Some(_), false)) => RecordOutcome::Uncertain,
                Some((None, false)) | None => {
                    flagged.push(Flagged { index, reason: "its store was given up on: nobody knows what hides it".to_owned() });
                    RecordOutcome::Failed
                }
            };
        }
        return Ok(());
    }
    let noted = noted(records, &notes);
    let standing = claimed.soft_delete()?.soft_deleted(&claimed.producer, &noted, tried_since(claimed)).await;
    let mut found = Vec::new();
    for (index, tombstone) in standing.into_iter().enumerate() {
        match tombstone {
            Ok(Some(tombstone)) => {
                let certain = noted[index].1.as_ref() == Some(&tombstone);
                outcomes[index] = if certain { RecordOutcome::Erased } else { RecordOutcome::Uncertain };
                found.push(Note { index, tombstone: Some(tombstone), certain });
            }
            // Nothing of ours lies on it: it stands, or is old, whoever showed it again or wrote over it.
            Ok(None) => {}
            // Nobody can say what hides it: it is flagged, and neither put back nor destroyed.
            Err(StoreError::Record { reason, .. }) => {
                outcomes[index] = RecordOutcome::Failed;
                flagged.push(Flagged { index, reason });
            }
            Err(error) => return Err(error.into()),
        }
    }
    engine.write_notes(claimed, &found).await
}

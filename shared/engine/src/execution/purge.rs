//! Destroyed.

use crate::{
    EngineError, Result,
    core::changes,
    execution::{
        Execution, native,
        worker::{Claimed, Done, Flagged, mine},
    },
    ports::{Destruction, HideMethod, RecordRef, StoreError, Tombstone},
    transaction::{Transaction, set},
    vault::PASSES,
};
use oubli_domain::{
    audit::DataErased,
    batch::{BatchState, Outcomes, RecordOutcome},
};

impl Execution {
    /// What of a batch outlives its key: the objects, or the store's own hidden versions.
    pub(super) async fn purge_batch(&self, claimed: &Claimed) -> Result<Done> {
        let outcomes = claimed.batch.outcomes.as_ref().map(|o| o.as_slice().to_vec()).unwrap_or_default();
        match claimed.step.method {
            HideMethod::Vault => self.purge_vault(claimed, &outcomes).await,
            HideMethod::Native => self.purge_natively(claimed, outcomes).await,
        }
    }

    async fn purge_vault(&self, claimed: &Claimed, outcomes: &[RecordOutcome]) -> Result<Done> {
        self.in_time(claimed)?;
        let names: Vec<String> = (1..=claimed.batch.vault_fence)
            .flat_map(|fence| (0..PASSES).map(move |pass| claimed.vault_part(fence, pass)))
            .collect();
        for names in names.chunks(1000) {
            self.core.ports.objects.delete(names).await?;
        }
        let destroyed = outcomes.iter().filter(|f| f.is_hidden()).count() as u64;
        Ok(Done {
            state: Some(BatchState::Purged),
            records: destroyed,
            erased: DataErased { documents: destroyed, vectors: 0, size_bytes: claimed.batch.bytes_hidden },
            ..Done::default()
        })
    }

    async fn purge_natively(&self, claimed: &Claimed, mut outcomes: Vec<RecordOutcome>) -> Result<Done> {
        let records = self.records_of(claimed).await?;
        let notes = self.notes(claimed, claimed.batch.vault_fence).await?;
        // Of a first attempt nobody had tried before; of a later one, what is not known to be gone may be gone by our hand.
        let tried = claimed.batch.destroyed.is_some();
        let mut gone = claimed.batch.destroyed.as_ref().map(|o| o.as_slice().to_vec()).unwrap_or_default();
        gone.resize(outcomes.len(), RecordOutcome::Untouched);
        let all = 0..outcomes.len().min(records.len());
        let going: Vec<usize> = all.filter(|p| outcomes[*p].is_hidden() && gone[*p] == RecordOutcome::Untouched).collect();
        // A tombstone that may be another's is not taken away: it may be what keeps something else out of sight.
        let noted = native::noted(&records, &notes);
        let asked: Vec<(RecordRef, Option<Tombstone>)> = going.iter().map(|p| noted[*p].clone()).collect();
        // No store can be asked to destroy only while nothing is held, so this is looked at as late as can be.
        let (_, holds) = self.core.evaluate_holds(&claimed.request).await?;
        if holds.on(&claimed.step.category).is_some() {
            return Err(EngineError::Conflict("a legal hold was placed"));
        }
        self.in_time(claimed)?;
        let before = Outcomes::new(outcomes.clone());
        let (mut flagged, mut trouble) = (Vec::new(), None);
        for (index, result) in going.into_iter().zip(claimed.soft_delete()?.purge(&claimed.producer, &asked).await) {
            match result {
                Ok(Destruction::Destroyed) => gone[index] = outcomes[index],
                Ok(Destruction::Uncertain) => gone[index] = RecordOutcome::Uncertain,
                // An earlier attempt may have destroyed it and not come back to say so.
                Ok(Destruction::Absent) => {
                    gone[index] = if tried { RecordOutcome::Uncertain } else { RecordOutcome::AlreadyAbsent };
                }
                Ok(Destruction::Locked(_)) => outcomes[index] = RecordOutcome::Retained,
                // Whoever showed it again may have meant to: the look that verifies finds it, and a person decides anew.
                Ok(Destruction::Stands) => {
                    outcomes[index] = RecordOutcome::Failed;
                    flagged.push(Flagged { index, reason: "somebody took away what hid it: it stands again".to_owned() });
                }
                Err(StoreError::Record { reason, .. }) => {
                    outcomes[index] = RecordOutcome::Failed;
                    flagged.push(Flagged { index, reason });
                }
                // The others' answers stand: this one is asked for again.
                Err(error) => trouble = Some(error),
            }
        }
        let bytes = |index: usize| records.get(index).map_or(0, |r| r.bytes);
        if let Some(error) = trouble {
            self.note_destroyed(claimed, Outcomes::new(gone), bytes).await?;
            return Err(error.into());
        }
        for (outcome, gone) in outcomes.iter_mut().zip(gone).filter(|(_, gone)| *gone != RecordOutcome::Untouched) {
            *outcome = gone;
        }
        let after = Outcomes::new(outcomes);
        let (was, is) = (before.counts(bytes), after.counts(bytes));
        Ok(Done {
            state: Some(BatchState::Purged),
            records: was.erased,
            counts: changes(&was, &is),
            erased: DataErased { documents: is.erased, vectors: 0, size_bytes: is.bytes },
            outcomes: Some(after),
            flagged,
            ..Done::default()
        })
    }

    /// Notes what is surely gone, under the claim, for whoever comes next: asked again, its store could only say that it is not
    /// there.
    async fn note_destroyed(&self, claimed: &Claimed, gone: Outcomes, bytes: impl Fn(usize) -> u64) -> Result<()> {
        let size = gone.counts(bytes).bytes;
        let known = vec![set("destroyed", String::from(gone)), set("bytes_destroyed", size)];
        let transaction = Transaction::new().update(claimed.batch_key(), known, mine(claimed));
        self.commit_in_time(claimed, transaction).await.map(drop)
    }
}

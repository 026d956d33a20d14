//! Destroyed.

use crate::{
    EngineError, Result,
    core::changes,
    execution::{
        Execution, native,
        worker::{Claimed, Done, Flagged},
    },
    ports::{Destruction, HideMethod, RecordRef, StoreError, Tombstone},
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
        let going: Vec<usize> = (0..outcomes.len().min(records.len())).filter(|index| outcomes[*index].is_hidden()).collect();
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
        let mut flagged = Vec::new();
        for (index, result) in going.into_iter().zip(claimed.soft_delete()?.purge(&claimed.producer, &asked).await) {
            match result {
                Ok(Destruction::Destroyed) => {}
                // An earlier try may have destroyed it and not come back to say so.
                Ok(Destruction::Absent) => {
                    let tried = claimed.batch.attempts > 0;
                    outcomes[index] = if tried { RecordOutcome::Uncertain } else { RecordOutcome::AlreadyAbsent };
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
                Err(error) => return Err(error.into()),
            }
        }
        let bytes = |index: usize| records.get(index).map_or(0, |r| r.bytes);
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
}

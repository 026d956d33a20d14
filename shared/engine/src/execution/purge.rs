//! Destroyed.

use super::{
    native,
    restore::changes,
    worker::{Claimed, Done, Flagged},
};
use crate::{
    Engine, EngineError, Outcome,
    ports::{Destruction, HideMethod, Marker, RecordRef, StoreError},
    vault::{self, PASSES},
};
use oubli_domain::{
    audit::DataErased,
    batch::{BatchState, Outcome as Fate, Outcomes},
};

impl Engine {
    /// What of a batch outlives its key: the objects, or the store's own hidden versions.
    pub(super) async fn purge_batch(&self, claimed: &Claimed) -> Outcome<Done> {
        let fates = claimed.batch.outcomes.as_ref().map(|o| o.as_slice().to_vec()).unwrap_or_default();
        match claimed.step.method {
            HideMethod::Vault => self.purge_vault(claimed, &fates).await,
            HideMethod::Native => self.purge_natively(claimed, fates).await,
        }
    }

    async fn purge_vault(&self, claimed: &Claimed, fates: &[Fate]) -> Outcome<Done> {
        self.in_time(claimed)?;
        let names: Vec<String> = (1..=claimed.batch.vault_fence)
            .flat_map(|fence| {
                (0..PASSES).map(move |pass| {
                    vault::part_name(&claimed.partition, claimed.request.round, claimed.number, claimed.n, fence, pass)
                })
            })
            .collect();
        for names in names.chunks(1000) {
            self.ports.objects.delete(names).await?;
        }
        let destroyed = fates.iter().filter(|f| f.is_hidden()).count() as u64;
        Ok(Done {
            state: Some(BatchState::Purged),
            records: destroyed,
            erased: DataErased { documents: destroyed, vectors: 0, size_bytes: claimed.batch.bytes_hidden },
            ..Done::default()
        })
    }

    async fn purge_natively(&self, claimed: &Claimed, mut fates: Vec<Fate>) -> Outcome<Done> {
        let records = self.records_of(claimed).await?;
        let notes = self.notes(claimed, claimed.batch.vault_fence).await?;
        let going: Vec<usize> = (0..fates.len().min(records.len())).filter(|place| fates[*place].is_hidden()).collect();
        // A marker that may be another's is not taken away: it may be what keeps something else out of sight.
        let noted = native::noted(&records, &notes);
        let asked: Vec<(RecordRef, Option<Marker>)> = going.iter().map(|p| noted[*p].clone()).collect();
        // No store can be asked to destroy only while nothing is held, so this is looked at as late as can be.
        let (_, holds) = self.evaluate_holds(&claimed.request).await?;
        if holds.on(&claimed.step.category).is_some() {
            return Err(EngineError::Overtaken("a legal hold was placed"));
        }
        self.in_time(claimed)?;
        let before = Outcomes::new(fates.clone());
        let mut flagged = Vec::new();
        for (place, result) in going.into_iter().zip(claimed.connector.expunge(&claimed.producer, &asked).await) {
            match result {
                Ok(Destruction::Destroyed) => {}
                Ok(Destruction::Locked(_)) => fates[place] = Fate::Retained,
                // Whoever showed it again may have meant to: the look that verifies finds it, and a person decides anew.
                Ok(Destruction::Stands) => {
                    fates[place] = Fate::Failed;
                    flagged.push(Flagged { place, reason: "somebody took away what hid it: it stands again".to_owned() });
                }
                Err(StoreError::Record { reason, .. }) => {
                    fates[place] = Fate::Failed;
                    flagged.push(Flagged { place, reason });
                }
                Err(error) => return Err(error.into()),
            }
        }
        let bytes = |place: usize| records.get(place).map_or(0, |r| r.bytes);
        let after = Outcomes::new(fates);
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

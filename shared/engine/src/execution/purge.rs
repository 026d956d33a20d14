//! Destroyed.

use super::worker::{Claimed, Done};
use crate::{
    Engine, Outcome,
    ports::{HideMethod, Marker, RecordRef},
    vault::{self, PASSES},
};
use oubli_domain::{
    audit::DataErased,
    batch::{BatchState, Outcome as Fate},
};

impl Engine {
    /// What of a batch outlives its key: the objects, or the store's own hidden versions.
    pub(super) async fn purge_batch(&self, claimed: &Claimed) -> Outcome<Done> {
        let fates = claimed.batch.outcomes.as_ref().map(|o| o.as_slice().to_vec()).unwrap_or_default();
        self.in_time(claimed)?;
        match claimed.step.method {
            HideMethod::Vault => self.delete_parts(claimed).await?,
            HideMethod::Native => self.expunge(claimed, &fates).await?,
        }
        let hidden = fates.iter().filter(|f| f.is_hidden()).count() as u64;
        Ok(Done {
            state: Some(BatchState::Purged),
            records: hidden,
            erased: DataErased { documents: hidden, vectors: 0, size_bytes: claimed.batch.bytes },
            ..Done::default()
        })
    }

    async fn delete_parts(&self, claimed: &Claimed) -> Outcome<()> {
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
        Ok(())
    }

    async fn expunge(&self, claimed: &Claimed, fates: &[Fate]) -> Outcome<()> {
        let records = self.records_of(claimed).await?;
        let notes = self.notes(claimed, claimed.batch.vault_fence).await?;
        let going: Vec<(RecordRef, Option<Marker>)> = records
            .into_iter()
            .enumerate()
            .filter(|(place, _)| fates.get(*place).is_some_and(|f| f.is_hidden()))
            .map(|(place, r)| (r.record, notes.get(&place).and_then(|(m, _)| m.clone())))
            .collect();
        for result in claimed.connector.expunge(&claimed.producer, &going).await {
            result?;
        }
        Ok(())
    }
}

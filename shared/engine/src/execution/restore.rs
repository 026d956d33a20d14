//! Back into the store.

use super::worker::{Claimed, Done, Flagged, tally};
use crate::{
    Engine, EngineError, Outcome,
    manifest::ManifestRecord,
    ports::{Change, HideMethod, Marker, PutBack, RecordRef, Returned, StoreError},
    vault::{self, PASSES, VaultReader},
};
use futures::{StreamExt, stream};
use oubli_domain::batch::{BatchState, Outcome as Fate, Outcomes};
use std::collections::{BTreeMap, BTreeSet};

/// Payloads up to this size are put back together, larger ones one at a time as a stream.
const SMALL: u64 = 1024 * 1024;

/// Records put back together.
const TOGETHER: usize = 100;

impl Engine {
    pub(super) async fn put_back(&self, claimed: &Claimed) -> Outcome<Done> {
        let records = self.records_of(claimed).await?;
        let mut fates = claimed.batch.outcomes.as_ref().map(|o| o.as_slice().to_vec()).unwrap_or_default();
        let uncertain_too = claimed.request.restore.as_ref().is_some_and(|r| r.include_uncertain);
        let wanted: BTreeSet<usize> =
            (0..fates.len()).filter(|p| fates[*p] == Fate::Erased || (uncertain_too && fates[*p] == Fate::Uncertain)).collect();
        self.in_time(claimed)?;
        let returned = self.return_records(claimed, &records, &wanted, claimed.batch.vault_fence).await?;
        let mut lost_uncertain = 0_i64;
        let mut lost_bytes = 0_i64;
        for (place, fate) in &returned {
            if fates[*place] == Fate::Uncertain {
                lost_uncertain += 1;
            }
            lost_bytes += i64::try_from(records.get(*place).map_or(0, |r| r.bytes)).unwrap_or_default();
            fates[*place] = *fate;
        }
        let news: Vec<Fate> = returned.values().copied().collect();
        let back = i64::try_from(returned.len()).unwrap_or_default();
        let flagged = returned
            .iter()
            .filter(|(_, fate)| **fate == Fate::Conflict)
            .map(|(place, _)| Flagged {
                place: *place,
                reason: "something newer stands there, or somebody else removed it".to_owned(),
            })
            .collect();
        let left = fates.iter().any(|f| f.is_hidden());
        Ok(Done {
            state: Some(if left { BatchState::Hidden } else { BatchState::Restored }),
            outcomes: Some(Outcomes::new(fates)),
            counts: vec![
                Change::Add("restored", i64::try_from(tally(&news, Fate::Restored)).unwrap_or_default()),
                Change::Add("conflicts", i64::try_from(tally(&news, Fate::Conflict)).unwrap_or_default()),
                Change::Add("erased", -back),
                Change::Add("uncertain", -lost_uncertain),
                Change::Add("bytes_erased", -lost_bytes),
            ],
            flagged,
            records: returned.len() as u64,
            ..Done::default()
        })
    }

    /// Puts these records back from the latest copy of each; answers what became of each.
    pub(super) async fn return_records(
        &self,
        claimed: &Claimed,
        records: &[ManifestRecord],
        wanted: &BTreeSet<usize>,
        last_fence: u64,
    ) -> Outcome<BTreeMap<usize, Fate>> {
        match claimed.step.method {
            HideMethod::Vault => self.return_from_vault(claimed, records, wanted, last_fence).await,
            HideMethod::Native => self.reveal(claimed, records, wanted, last_fence).await,
        }
    }

    async fn reveal(
        &self,
        claimed: &Claimed,
        records: &[ManifestRecord],
        wanted: &BTreeSet<usize>,
        last_fence: u64,
    ) -> Outcome<BTreeMap<usize, Fate>> {
        let notes = self.notes(claimed, last_fence).await?;
        let asked: Vec<(usize, (RecordRef, Option<Marker>))> = wanted
            .iter()
            .filter_map(|p| records.get(*p).map(|r| (*p, (r.record.clone(), notes.get(p).and_then(|(m, _)| m.clone())))))
            .collect();
        let pairs: Vec<_> = asked.iter().map(|(_, pair)| pair.clone()).collect();
        let results = claimed.connector.reveal(&claimed.producer, &pairs).await;
        let mut fates = BTreeMap::new();
        for ((place, _), result) in asked.iter().zip(results) {
            fates.insert(*place, fate(result?));
        }
        Ok(fates)
    }

    async fn return_from_vault(
        &self,
        claimed: &Claimed,
        records: &[ManifestRecord],
        wanted: &BTreeSet<usize>,
        last_fence: u64,
    ) -> Outcome<BTreeMap<usize, Fate>> {
        let mut fates = BTreeMap::new();
        if wanted.is_empty() {
            return Ok(fates);
        }
        let key = claimed.vault_key.as_ref().ok_or_else(|| EngineError::Broken("the step's vault key is gone".to_owned()))?;
        let mut open: BTreeSet<usize> = wanted.clone();
        // Newest copies first: what was copied again had changed in between.
        for fence in (1..=last_fence).rev() {
            for pass in (0..PASSES).rev() {
                if open.is_empty() {
                    return Ok(fates);
                }
                let name = vault::part_name(&claimed.partition, claimed.request.round, claimed.number, claimed.n, fence, pass);
                let Some(mut reader) = VaultReader::open(&self.ports, key, &name).await? else { continue };
                self.return_part(claimed, records, &mut reader, &mut open, &mut fates).await?;
            }
        }
        if open.is_empty() { Ok(fates) } else { Err(EngineError::Broken("a record's copy is not in the vault".to_owned())) }
    }

    async fn return_part(
        &self,
        claimed: &Claimed,
        records: &[ManifestRecord],
        reader: &mut VaultReader,
        open: &mut BTreeSet<usize>,
        fates: &mut BTreeMap<usize, Fate>,
    ) -> Outcome<()> {
        let mut together: Vec<(usize, Returned)> = Vec::new();
        while let Some(header) = reader.next().await? {
            let Some(record) = records.get(header.place).filter(|_| open.remove(&header.place)) else {
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
            together.push((header.place, returned));
            if single || together.len() >= TOGETHER {
                self.return_together(claimed, std::mem::take(&mut together), fates).await?;
            }
        }
        self.return_together(claimed, together, fates).await
    }

    async fn return_together(
        &self,
        claimed: &Claimed,
        returned: Vec<(usize, Returned)>,
        fates: &mut BTreeMap<usize, Fate>,
    ) -> Outcome<()> {
        if returned.is_empty() {
            return Ok(());
        }
        let (places, returned): (Vec<usize>, Vec<Returned>) = returned.into_iter().unzip();
        let results = claimed.connector.put_back(&claimed.producer, returned).await;
        for (place, result) in places.into_iter().zip(results) {
            fates.insert(place, fate(result?));
        }
        Ok(())
    }
}

fn fate(back: PutBack) -> Fate {
    match back {
        PutBack::Restored => Fate::Restored,
        PutBack::Conflict | PutBack::Gone => Fate::Conflict,
    }
}

//! Records that two producers found.

use crate::{
    Result,
    discovery::{Discovery, sorting::fingerprint},
    items::{BatchItem, DiscoveryItem, RequestItem, batch_key, request_partition},
    keyring::{self, Purpose},
    manifest::{self, ManifestRecord},
    ports::DataKey,
};
use oubli_domain::{
    datamap::{DataMap, Producer, Selection, overlaps},
    ids::ProducerName,
    plan::{Unsearched, UnsearchedBecause},
};
use std::collections::HashSet;

/// Records of one producer that are compared with another's at the same time: memory does not grow with a person's data.
const COMPARED_TOGETHER: usize = 200_000;

/// A producer's manifest.
struct Found<'a> {
    round: u32,
    step: u32,
    parts: u32,
    partition: &'a str,
    key: &'a DataKey,
}

/// Whether it does not matter which of two producers a record is found as.
fn keeps_alike(a: &Producer, b: &Producer) -> bool {
    a.category == b.category
        && a.retention == b.retention
        && a.erase == b.erase
        && a.show_only.is_empty()
        && b.show_only.is_empty()
}

fn why(why: &UnsearchedBecause) -> &str {
    match why {
        UnsearchedBecause::Unusable { reason } | UnsearchedBecause::Identifier { reason } => reason,
        other => other.code(),
    }
}

impl Discovery {
    /// Why a plan cannot stand: two producers found the same record, or one of them may have missed it, since it was searched in
    /// part or not at all. What one of them must keep, the other would erase, whatever hold, duty or decision is on its
    /// category only.
    pub(super) async fn found_twice(
        &self,
        request: &RequestItem,
        round: u32,
        map: &DataMap,
        walked: &[(u32, &ProducerName, &DiscoveryItem)],
        missed: &[Unsearched],
    ) -> Result<Option<String>> {
        let pairs = overlaps(map);
        if pairs.is_empty() || !request.kind().changes_records() {
            return Ok(None);
        }
        let partition = request_partition(&request.organization, &request.id);
        let key = keyring::need(&self.core.ports, &request.organization, &partition, Purpose::Manifest(round)).await?;
        let of = |name: &ProducerName| {
            let (step, _, item) = walked.iter().find(|(_, n, _)| *n == name)?;
            (item.parts > 0).then_some(Found { round, step: *step, parts: item.parts, partition: &partition, key: &key })
        };
        for pair in pairs.into_iter().filter(|pair| pair.sharing.depends_on_data()) {
            for (blind, other) in [(pair.first, pair.second), (pair.second, pair.first)] {
                let finds = walked.iter().any(|(_, name, item)| **name == other.name && item.records > 0);
                let missed = missed.iter().find(|m| m.producer == blind.name);
                // A later look passes over what cannot be used for a while, and whoever reviews it is told.
                let for_good = |m: &&Unsearched| {
                    request.execution.round == 0
                        || matches!(m.why, UnsearchedBecause::Identifier { .. })
                        || blind.select.iter().any(Selection::looks_at_others)
                };
                if let Some(missed) = missed.filter(for_good).filter(|_| finds && !keeps_alike(blind, other)) {
                    return Ok(Some(format!(
                        "Producers {} and {} can find the same records of {}, and {} was not searched ({}): what it must keep, {} \
                         would erase. Let it be searched (raise its bound, or correct what was refused), declare one producer for \
                         them, or leave {} out, and ask again",
                        pair.first.name,
                        pair.second.name,
                        pair.first.location.name(),
                        blind.name,
                        why(&missed.why),
                        other.name,
                        other.category,
                    )));
                }
            }
            let (Some(first), Some(second)) = (of(&pair.first.name), of(&pair.second.name)) else { continue };
            if self.share_a_record(&first, &second).await? {
                return Ok(Some(format!(
                    "Producers {} and {} both find the same records of {}: what one must keep, the other would erase. Declare one \
                     producer for them, with the selections of both and the stricter duty, and ask again",
                    pair.first.name,
                    pair.second.name,
                    pair.first.location.name()
                )));
            }
        }
        Ok(None)
    }

    async fn share_a_record(&self, a: &Found<'_>, b: &Found<'_>) -> Result<bool> {
        let mut marks: HashSet<[u8; 16]> = HashSet::new();
        for n in 0..a.parts {
            marks.extend(self.found_part(a, n).await?.iter().map(|r| fingerprint(&[], &r.record)));
            if marks.len() < COMPARED_TOGETHER && n + 1 < a.parts {
                continue;
            }
            for m in 0..b.parts {
                let records = self.found_part(b, m).await?;
                if records.iter().any(|r| marks.contains(&fingerprint(&[], &r.record))) {
                    return Ok(true);
                }
            }
            marks.clear();
        }
        Ok(false)
    }

    async fn found_part(&self, of: &Found<'_>, n: u32) -> Result<Vec<ManifestRecord>> {
        let batch: Option<BatchItem> = self.core.find(batch_key(of.partition, of.round, of.step, n)).await?;
        match batch {
            Some(batch) => manifest::read(&self.core.ports, of.key, &batch.part, &batch.part_sha256).await,
            None => Ok(vec![]),
        }
    }
}

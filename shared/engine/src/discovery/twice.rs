//! Records that two producers found.

use crate::{
    EngineError, Result,
    core::AskedScope,
    discovery::{Discovery, sorting::fingerprint, unsearched::known_kinds},
    items::{BatchItem, DiscoveryItem, RequestItem, batch_key, request_partition},
    keyring::{self, Purpose},
    manifest::{self, ManifestRecord},
    ports::DataKey,
};
use oubli_domain::{
    datamap::{DataMap, Producer, Reach, SelectBy, Selection, overlaps, reach},
    hold::HoldView,
    ids::{Category, ProducerName},
    personal::{IdentifierKind, Person},
    plan::{Unsearched, UnsearchedBecause},
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

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

/// How a record stands in one producer's manifest.
#[derive(Clone, Copy)]
struct Stands {
    kept: bool,
    anothers: bool,
}

impl Stands {
    fn of(record: &ManifestRecord) -> Self {
        Self { kept: record.kept, anothers: record.anothers }
    }

    /// Whether two producers that have a record cannot both have it. What is somebody else's by the word of either, and stays in
    /// both, neither erases.
    fn disagrees(self, other: Self) -> bool {
        !(self.kept && other.kept && (self.anothers || other.anothers))
    }
}

/// What one look knew, and could not look at.
struct Look<'a> {
    map: &'a DataMap,
    request: &'a RequestItem,
    known: BTreeSet<IdentifierKind>,
    reach: BTreeMap<ProducerName, Reach>,
}

impl<'a> Look<'a> {
    fn new(map: &'a DataMap, request: &'a RequestItem, person: Option<&Person>) -> Result<Self> {
        let known = known_kinds(person);
        Ok(Self { map, request, reach: reach(map, &known).map_err(EngineError::caused_by)?, known })
    }

    /// Whether a request asks for the category of one producer and not for that of another, or a reviewer left one out.
    fn asks_otherwise(&self, one: &Producer, other: &Producer) -> bool {
        self.is_left_out(one) != self.is_left_out(other)
    }

    fn is_left_out(&self, producer: &Producer) -> bool {
        AskedScope::of(self.request).leaves_out(producer).is_some() || self.request.leaves_out(&producer.category)
    }

    /// Whether another producer would erase what one may have to keep, and did not find for this reason.
    fn endangers(
        &self,
        missed: &Unsearched,
        blind: &Producer,
        (other, found): (&Producer, &DiscoveryItem),
        holds: &HoldView,
    ) -> bool {
        // A later look passes over what cannot be used for a while, and whoever reviews it is told.
        let for_good = match missed.why {
            UnsearchedBecause::Identifier { .. } => true,
            // Nothing was carried out yet: whatever cannot be used is mended before anything goes.
            UnsearchedBecause::Unusable { .. } => {
                self.request.execution.round == 0 || blind.select.iter().any(Selection::looks_at_others)
            }
            _ => false,
        };
        if for_good && (!self.map.keep_alike(blind, other) || self.asks_otherwise(blind, other)) {
            return true;
        }
        // Nobody who decides on a plan lifts a duty or a hold.
        let lost = self.lost(missed, blind, found);
        let held = || holds.on(&blind.category).is_some() && holds.on(&other.category).is_none();
        let shown = || blind.erase != other.erase || !blind.show_only.is_empty();
        let left_out = || self.asks_otherwise(blind, other) && !self.is_left_out(other);
        let by_itself = !lost.is_empty() && (held() || self.map.keeps_more(blind, other) || shown() || left_out());
        by_itself || (self.map.stays_with_parent(blind) && lost.iter().any(|way| matches!(way.by(), SelectBy::Parent { .. })))
    }

    /// The selections that were not made, or not wholly, and may find something of what another producer found and goes.
    fn lost<'b>(&self, missed: &Unsearched, blind: &'b Producer, found: &DiscoveryItem) -> Vec<&'b Selection> {
        let places = found.may_be_found.get(&blind.name).into_iter().flatten();
        let ways = places.filter_map(|place| blind.select.get(*place));
        ways.filter(|way| self.was_lost(way, &missed.why)).collect()
    }

    /// Whether a selection was not made, or not wholly.
    fn was_lost(&self, way: &Selection, why: &UnsearchedBecause) -> bool {
        match (why, way.by()) {
            (UnsearchedBecause::Unusable { .. } | UnsearchedBecause::Identifier { .. }, _) => true,
            (_, SelectBy::Identity(kind)) => !self.known.contains(kind),
            (_, SelectBy::Parent { producer, .. }) => self.reach.get(producer) != Some(&Reach::Whole),
        }
    }
}

/// Whether what was missed was a producer's. What leads to unfinished uploads leads to the objects: they are named once.
fn is_of(missed: &Unsearched, producer: &Producer) -> bool {
    missed.producer == producer.name || producer.location.unfinished_of() == Some(&missed.producer)
}

fn why(why: &UnsearchedBecause) -> &str {
    match why {
        UnsearchedBecause::Unusable { reason } | UnsearchedBecause::Identifier { reason } => reason,
        other => other.code(),
    }
}

/// Categories of which something goes that may be found as another's, which was not searched for it, each with that one's: a
/// hold on this that comes later is on the other, too.
pub(super) fn may_be_held_as(
    map: &DataMap,
    request: &RequestItem,
    walked: &[(u32, DiscoveryItem)],
    (person, missed): (Option<&Person>, &[Unsearched]),
) -> Result<BTreeSet<(Category, Category)>> {
    let look = Look::new(map, request, person)?;
    let mut all = BTreeSet::new();
    for (_, found) in walked.iter().filter(|(_, found)| found.records > 0) {
        let Some(other) = map.producer(&found.producer) else { continue };
        for blind in found.may_be_found.keys().filter_map(|name| map.producer(name)) {
            let mut missed = missed.iter().filter(|missed| is_of(missed, blind));
            if missed.any(|missed| !look.lost(missed, blind, found).is_empty()) {
                all.insert((blind.category.clone(), other.category.clone()));
            }
        }
    }
    Ok(all)
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
        (person, missed): (Option<&Person>, &[Unsearched]),
    ) -> Result<Option<String>> {
        let pairs = overlaps(map);
        if pairs.is_empty() || !request.kind().changes_records() {
            return Ok(None);
        }
        let partition = request_partition(&request.organization, &request.id);
        let key = keyring::need(&self.core.ports, &request.organization, &partition, Purpose::Manifest(round)).await?;
        let (_, holds) = self.core.evaluate_holds(request).await?;
        let look = Look::new(map, request, person)?;
        let of = |name: &ProducerName| {
            let (step, _, item) = walked.iter().find(|(_, n, _)| *n == name)?;
            (item.parts > 0).then_some(Found { round, step: *step, parts: item.parts, partition: &partition, key: &key })
        };
        for pair in pairs.into_iter().filter(|pair| pair.sharing.depends_on_data()) {
            for (blind, other) in [(pair.first, pair.second), (pair.second, pair.first)] {
                let found = walked.iter().find(|(_, name, item)| **name == other.name && item.records > 0);
                let Some((.., found)) = found else { continue };
                let mut missed = missed.iter().filter(|missed| is_of(missed, blind));
                if let Some(missed) = missed.find(|missed| look.endangers(missed, blind, (other, found), &holds)) {
                    return Ok(Some(format!(
                        "Producers {} and {} can find the same records of {}, and {} was not searched ({}): what it must keep, {} \
                         would erase. Let it be searched (raise its bound, correct what was refused, or name the person by what \
                         leads to it), declare one producer for them, or leave {} out, and ask again",
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
        let mut marks: HashMap<[u8; 16], Stands> = HashMap::new();
        for n in 0..a.parts {
            marks.extend(self.found_part(a, n).await?.iter().map(|r| (fingerprint(&[], &r.record), Stands::of(r))));
            if marks.len() < COMPARED_TOGETHER && n + 1 < a.parts {
                continue;
            }
            for m in 0..b.parts {
                let records = self.found_part(b, m).await?;
                let as_the_other = |r: &ManifestRecord| marks.get(&fingerprint(&[], &r.record)).copied();
                if records.iter().any(|r| as_the_other(r).is_some_and(|other| other.disagrees(Stands::of(r)))) {
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

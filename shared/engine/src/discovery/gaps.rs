//! What a run wanted to look at and could not, or not by everything that leads to it.

use crate::items::{DiscoveryItem, Refused};
use oubli_domain::{
    datamap::{DataMap, Producer, SelectBy},
    ids::ProducerName,
    plan::{Unsearched, UnsearchedBecause},
};

/// The producers that were passed over, those found through them, and those of which something was refused.
pub(super) fn gaps(map: &DataMap, walked: &[(u32, DiscoveryItem)]) -> Vec<Unsearched> {
    let mut found = Vec::new();
    for (_, walk) in walked {
        let Some(producer) = map.producer(&walk.producer) else { continue };
        let mut add = |why| found.push(Unsearched { producer: producer.name.clone(), category: producer.category.clone(), why });
        if let Some(why) = &walk.unsearched {
            add(why.clone());
            continue;
        }
        if let Some(parent) = passed_over_above(map, walked, producer) {
            add(UnsearchedBecause::Unusable { reason: format!("it is found through {parent}, which could not be searched") });
        }
        for Refused { reason, lookups } in &walk.refused {
            add(UnsearchedBecause::Identifier { reason: format!("{lookups} could not be looked up: {reason}") });
        }
    }
    found
}

/// The producer above this one that was passed over. Producers found through each other form no circle.
fn passed_over_above(map: &DataMap, walked: &[(u32, DiscoveryItem)], producer: &Producer) -> Option<ProducerName> {
    let is_passed_over = |name: &ProducerName| walked.iter().any(|(_, w)| w.producer == *name && w.unsearched.is_some());
    let parents = producer.select.iter().filter_map(|s| match s.by() {
        SelectBy::Parent { producer, .. } => Some(map.with_those_within(producer)),
        SelectBy::Identity(_) => None,
    });
    parents.flatten().find_map(|name| {
        if is_passed_over(name) { Some(name.clone()) } else { passed_over_above(map, walked, map.producer(name)?) }
    })
}

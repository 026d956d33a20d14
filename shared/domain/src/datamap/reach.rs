//! How far each producer is reached from the identifiers that are known.

use super::{
    model::DataMap,
    order::{Cycle, selection_order},
    selection::SelectBy,
};
use crate::{ids::ProducerName, personal::IdentifierKind};
use std::collections::{BTreeMap, BTreeSet};

/// How many of a producer's selections lead from what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// None.
    None,
    /// Some.
    Part,
    /// All.
    Whole,
}

/// How far each producer is reached: a child no further than the parent it is found through.
///
/// # Errors
/// [`Cycle`] where producers are found through each other.
pub fn reach(map: &DataMap, known: &BTreeSet<IdentifierKind>) -> Result<BTreeMap<ProducerName, Reach>, Cycle> {
    let mut reached: BTreeMap<ProducerName, Reach> = BTreeMap::new();
    for name in selection_order(map)? {
        let Some(producer) = map.producer(&name) else { continue };
        let ways: Vec<Reach> = producer
            .select
            .iter()
            .map(|s| match s.by() {
                SelectBy::Identity(kind) if known.contains(kind) => Reach::Whole,
                SelectBy::Identity(_) => Reach::None,
                SelectBy::Parent { producer, .. } => reached.get(producer).copied().unwrap_or(Reach::None),
            })
            .collect();
        let all = |what| ways.iter().all(|w| *w == what);
        // A person's one record there is found by the key that it has: other ways lead to other people's.
        let found = if producer.is_found_by_own_key(map, known) || all(Reach::Whole) {
            Reach::Whole
        } else if all(Reach::None) {
            Reach::None
        } else {
            Reach::Part
        };
        reached.insert(name, found);
    }
    Ok(reached)
}

/// Whether a search finds the same identifiers of a person whichever it begins with: every producer that says whom its
/// records are about is looked up by what it says, and says what it is looked up by.
pub fn leads_both_ways(map: &DataMap) -> bool {
    let mut asked = map.producers.iter().filter(|p| !p.identifies.is_empty());
    asked.all(|p| p.kinds().collect::<BTreeSet<_>>() == p.identifies.keys().collect())
}

/// The kinds that may become known from these, by what producers say their records identify.
pub fn identifies_further(map: &DataMap, known: &BTreeSet<IdentifierKind>) -> BTreeSet<IdentifierKind> {
    let mut all = known.clone();
    loop {
        let asked = map.producers.iter().filter(|p| p.kinds().any(|kind| all.contains(kind)));
        let further: BTreeSet<IdentifierKind> = asked.flat_map(|p| p.identifies.keys().cloned()).collect();
        let before = all.len();
        all.extend(further);
        if all.len() == before {
            return all;
        }
    }
}

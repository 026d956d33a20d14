//! Which producers can reach the same records.

use super::{
    model::{DataMap, Producer},
    selection::Selection,
};

/// Two producers that can reach the same record. What one of them keeps, the other would erase.
#[derive(Debug, Clone, Copy)]
pub struct Overlap<'a> {
    /// The one written first.
    pub first: &'a Producer,
    /// The other.
    pub second: &'a Producer,
    /// They do; otherwise it depends on the data.
    pub certain: bool,
}

/// Every two producers that can reach the same record.
pub fn overlaps(map: &DataMap) -> Vec<Overlap<'_>> {
    let mut found = Vec::new();
    for (place, second) in map.producers.iter().enumerate() {
        for first in map.producers.iter().take(place).filter(|p| same_place(map, p, second)) {
            let pairs = first.select.iter().flat_map(|a| second.select.iter().map(move |b| meet(a, b)));
            let has_fields = first.location.has_fields();
            match pairs.flatten().max() {
                Some(certain) => found.push(Overlap { first, second, certain }),
                // An item can have every attribute that any of them asks for.
                None if has_fields => found.push(Overlap { first, second, certain: false }),
                None => {}
            }
        }
    }
    found
}

/// One table or bucket, as far as the map tells: a store without a region is in the function's own, whichever that is.
fn same_place(map: &DataMap, a: &Producer, b: &Producer) -> bool {
    let store = |p: &Producer| map.stores.get(&p.store).map(|s| (s.connector, s.region.clone()));
    let (Some((a_kind, a_region)), Some((b_kind, b_region))) = (store(a), store(b)) else { return false };
    let region = a.location.is_named_worldwide() || a_region.is_none() || b_region.is_none() || a_region == b_region;
    a_kind == b_kind && a.location.name() == b.location.name() && region
}

/// Whether two selections reach the same records, where that can be: certainly, or depending on the data.
fn meet(a: &Selection, b: &Selection) -> Option<bool> {
    match (a, b) {
        (Selection::Key { .. }, Selection::Key { .. }) => (a == b).then_some(true),
        (Selection::Prefix { template: a, .. }, Selection::Prefix { template: b, .. }) => {
            let (a, b) = (a.split_once("{}")?, b.split_once("{}")?);
            let inside = |a: &str, b: &str| a.starts_with(b) || b.starts_with(a);
            match a.0 == b.0 {
                true => inside(a.1, b.1).then_some(true),
                // An identity can be what stands before the other's.
                false => inside(a.0, b.0).then_some(false),
            }
        }
        _ => None,
    }
}

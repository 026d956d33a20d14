//! What a reviewer should know of a plan, besides what the stores say of themselves.

use crate::{
    Result,
    discovery::Discovery,
    items::{DiscoveryItem, RequestItem},
};
use oubli_domain::{
    datamap::{DataMap, Producer, SelectBy},
    ids::ProducerName,
};
use std::collections::BTreeSet;

/// Days after which an attestation is worth a thought: who is known now may be somebody else by then.
const OLD_ATTESTATION_DAYS: i64 = 90;

/// Most holds named in a caution.
const MOST_NAMED: usize = 10;

/// Records that are read again before each batch of what may stay with them, and that are many. At several calls of a hundred at a
/// time a worker of two minutes reads a few times as many.
const MANY: u64 = 200_000;

impl Discovery {
    /// Cautions on the whole of a request's plan.
    pub(super) async fn cautions_on(&self, request: &RequestItem) -> Result<Vec<String>> {
        let mut cautions = Vec::new();
        if request.kind().yields_to_holds() {
            cautions.extend(self.holds_apart(request).await?);
        }
        cautions.extend(old_attestation(request));
        Ok(cautions)
    }

    /// Holds on people who are known by other kinds of identifiers than this request gives: whether they are on this
    /// person cannot be seen.
    async fn holds_apart(&self, request: &RequestItem) -> Result<Option<String>> {
        let active = self.core.active_holds(&request.organization).await?;
        let apart = active.iter().filter(|hold| !hold.scope.tells_apart(&request.subject_keys));
        let mut apart: Vec<String> = apart.map(|hold| hold.id.to_string()).collect();
        if apart.is_empty() {
            return Ok(None);
        }
        let more = apart.len().saturating_sub(MOST_NAMED);
        apart.truncate(MOST_NAMED);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Ok(Some(format!(
            "the person of this request and those of the legal holds {}{more} cannot be told apart: they are known by other \
             identifiers. See whether these holds are on this person before you approve",
            apart.join(", ")
        )))
    }
}

fn old_attestation(request: &RequestItem) -> Option<String> {
    let attested = request.verification.as_ref()?.verified_at;
    let days = request.submitted_at.duration_since(attested).as_hours() / 24;
    (days > OLD_ATTESTATION_DAYS).then(|| {
        format!("the person's identity was checked {days} days before the request was submitted: see whether it is still theirs")
    })
}

/// What stays with what it is found through, where so much of that is read again before each batch that a worker's time may not do.
pub(super) fn many_parents(map: &DataMap, walked: &[(u32, DiscoveryItem)]) -> Vec<String> {
    let listed = |item: &DiscoveryItem| item.records + item.kept.iter().map(|kept| kept.records).sum::<u64>();
    let of = |name: &ProducerName| walked.iter().find(|(_, item)| item.producer == *name).map_or(0, |(_, item)| listed(item));
    let going = walked.iter().filter(|(_, item)| item.records > 0).filter_map(|(_, item)| map.producer(&item.producer));
    let many = going.filter_map(|child| {
        let records: u64 = read_again_for(map, child).into_iter().map(&of).sum();
        (records > MANY).then(|| {
            format!(
                "{}: whether it stays with what it is found through is asked again before each of its batches is hidden, of \
                 {records} records. If a worker's time is not enough for that, the request fails, and nothing of it is hidden: \
                 give workers more time, or let it be found by a part of the key of these",
                child.name
            )
        })
    });
    many.collect()
}

/// Producers of which all that was found is read again before each batch of another one is hidden: its parents, unless a part of
/// their keys tells which of them lead to it, and all that these stay with.
fn read_again_for<'a>(map: &'a DataMap, child: &'a Producer) -> BTreeSet<&'a ProducerName> {
    let (mut read, mut open) = (BTreeSet::new(), vec![(child, false)]);
    while let Some((child, whole)) = open.pop() {
        for way in child.select.iter().filter(|_| map.stays_with_parent(child)) {
            let SelectBy::Parent { producer, field } = way.by() else { continue };
            for parent in map.with_those_within(producer).into_iter().filter_map(|name| map.producer(name)) {
                let keys = parent.location.key_fields();
                let all = whole || !(keys.is_empty() || keys.contains(field));
                if !all || read.insert(&parent.name) {
                    open.push((parent, true));
                }
            }
        }
    }
    read
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_that_a_part_of_their_key_tells_are_not_all_read_for_each_batch_of_their_children() {
        const MAP: &str = "
version: 1
stores: {db: {connector: dynamodb}}
producers:
  - {name: people, category: p, store: db, table: people, key: [id], select: [{by: subject_id, attribute: id}]}
  - {name: orders, category: o, store: db, table: orders, key: [id], select: [{by: {producer: people, field: orders}, attribute: id}], retention: {with: parent}}
  - {name: lines, category: l, store: db, table: lines, key: [id], select: [{by: {producer: orders, field: id}, index: i, attribute: order}], retention: {with: parent}}
  - {name: parcels, category: q, store: db, table: parcels, key: [id], select: [{by: {producer: orders, field: parcels}, attribute: id}], retention: {with: parent}}
  - {name: tags, category: t, store: db, table: tags, key: [id], select: [{by: {producer: orders, field: tags}, attribute: id}]}
";
        let (map, _) = oubli_domain::datamap::parse(MAP).expect("a map");
        let read = |name: &str| -> Vec<String> {
            let child = map.producers.iter().find(|p| p.name.as_str() == name).expect("declared");
            read_again_for(&map, child).into_iter().map(ToString::to_string).collect()
        };
        assert_eq!(read("orders"), ["people"]);
        assert_eq!(read("lines"), ["people"], "of orders those that lead to its lines");
        assert_eq!(read("parcels"), ["orders", "people"]);
        assert!(read("tags").is_empty() && read("people").is_empty(), "these stay with nothing");
    }
}

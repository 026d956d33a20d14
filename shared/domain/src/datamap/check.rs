//! What can be wrong with a map that has the right shape.

use super::{
    erase::check_replaced,
    finding::Finding,
    model::{DataMap, EraseAction, Producer},
    nearest::nearest,
    order::{deletion_order, selection_order},
    overlap::{Overlap, Sharing, overlaps},
    reach::{Reach, identifies_further, reach},
    retention::Retention,
    selection::{ObjectKeys, ObjectSelection, SelectBy, Selection},
};
use crate::{
    ids::{Anchor, ProducerName, StoreName},
    personal::IdentifierKind,
    plan::PlannedIdentifier,
};
use std::collections::{BTreeMap, BTreeSet};

/// Every finding. The lines say where each producer is written.
pub fn check(map: &DataMap, lines: &BTreeMap<ProducerName, u64>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let line = |producer: &Producer| lines.get(&producer.name).copied();
    if map.declared().next().is_none() {
        findings.push(Finding::refuse(None, "the map declares no producer".to_owned()));
    }
    for producer in map.declared() {
        let at = line(producer);
        findings.extend(check_alone(map, producer, at));
        for selection in &producer.select {
            check_selection(map, producer, selection, at, &mut findings);
        }
        check_with_parent(map, producer, at, &mut findings);
        findings.extend(check_replaced(map, producer, at));
        if !reached(map, producer, &mut Vec::new()) {
            let text = format!(
                "producer {}: select: no identity reaches it: let one of its selections, or of those that lead to it, start by \
                 subject_id or another kind of identifier",
                producer.name
            );
            findings.push(Finding::refuse(at, text));
        }
    }
    let elsewhere = |name: &StoreName| {
        let text = format!(
            "store {name}: account: it is for buckets: a table is found in the deployment's own account by its name; leave it out"
        );
        Finding::refuse(None, text)
    };
    let tables = map.stores.iter().filter(|(_, store)| store.account.is_some() && !store.connector.has_owners());
    findings.extend(tables.map(|(name, _)| elsewhere(name)));
    check_identifiers(map, lines, &mut findings);
    check_anchors(map, lines, &mut findings);
    let declared = |o: &&Overlap<'_>| o.first.is_declared() && o.second.is_declared();
    findings.extend(overlaps(map).iter().filter(declared).flat_map(|o| check_overlap(o, line(o.second))));
    for cycle in [selection_order(map).err(), deletion_order(map).err()].into_iter().flatten() {
        let at = cycle.0.first().and_then(|p| lines.get(p)).copied();
        if !findings.iter().any(|f| f.message == cycle.to_string()) {
            findings.push(Finding::refuse(at, cycle.to_string()));
        }
    }
    findings
}

/// What is wrong with a producer whatever the others are like.
pub(super) fn check_alone(map: &DataMap, producer: &Producer, at: Option<u64>) -> Vec<Finding> {
    let name = &producer.name;
    let mut found = Vec::new();
    if PlannedIdentifier::means_identifiers(name.as_str()) {
        found.push(format!(
            "producer {name}: name: an approval acknowledges producers by their names, identifiers as i1, i2 and so on, and that \
             some may be missing as {}: choose another name",
            PlannedIdentifier::INCOMPLETE
        ));
    }
    let read =
        [("reads_as_discriminator", &producer.reads_as_discriminator), ("reads_as_reference", &producer.reads_as_reference)];
    for (key, anchors) in [("owns", &producer.owns)].into_iter().chain(read) {
        for anchor in anchors.iter().filter(|anchor| !map.anchors.contains_key(anchor)) {
            let declared: Vec<&str> = map.anchors.keys().map(Anchor::as_str).collect();
            let meant = nearest(anchor.as_str(), &declared).map(|near| format!("did you mean {near}? Or ")).unwrap_or_default();
            found.push(format!(
                "producer {name}: {key}: anchor {anchor} is not declared under anchors: {meant}write there {anchor}: [{}/{}]",
                producer.store,
                producer.location.name()
            ));
        }
    }
    let kinds = map.kinds();
    let known: Vec<&str> = kinds.iter().map(IdentifierKind::as_str).collect();
    for (key, given) in
        [("select: by", producer.kinds().collect::<BTreeSet<_>>()), ("identifies", producer.identifies.keys().collect())]
    {
        for unknown in given.into_iter().filter(|kind| !kinds.contains(kind)) {
            let meant = nearest(unknown.as_str(), &known).map(|near| format!("did you mean {near}? Or ")).unwrap_or_default();
            found.push(format!(
                "producer {name}: {key}: there is no kind of identifier {unknown}: {meant}declare it under identifiers, or use one of {}",
                known.join(", ")
            ));
        }
    }
    found.extend(misread_fields(producer));
    found.into_iter().map(|text| Finding::refuse(at, text)).collect()
}

fn check_selection(map: &DataMap, producer: &Producer, selection: &Selection, at: Option<u64>, findings: &mut Vec<Finding>) {
    let name = &producer.name;
    if let SelectBy::Parent { producer: parent, field } = selection.by() {
        if selection.looks_at_others() {
            let way = if selection.scans() { "scan" } else { "list" };
            let text = format!(
                "producer {name}: select: {way}: everybody's records would be looked at once for each record of {parent}: select by \
                 a key, an index, a prefix or an object, or by an identifier of the person"
            );
            findings.push(Finding::refuse(at, text));
        }
        if map.producer(parent).is_none_or(|parent| !parent.is_declared()) {
            let declared: Vec<&str> = map.declared().map(|p| p.name.as_str()).collect();
            let meant = nearest(parent.as_str(), &declared).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
            let text = format!(
                "producer {name}: select: by: it is found through {parent}, which is not declared: {meant}Write a producer of that \
                 name, or one of {}",
                declared.join(", ")
            );
            findings.push(Finding::refuse(at, text));
        }
        let mut kept = map.with_those_within(parent).into_iter().filter_map(|parent| why_kept(map, map.producer(parent)?));
        if let Some(duty) = kept.next().filter(|_| !map.has_duty(producer)) {
            let text = format!(
                "producer {name}: what it is found through in {parent} may be kept ({duty}), and it has no duty of its own: it \
                 goes though that stays. Write retention: {{with: parent}} if it stays as long, or its own duty if it has one"
            );
            findings.push(Finding::warn(at, text));
        }
        if let Selection::Objects(ObjectSelection { keys: ObjectKeys::Exactly(key), .. }) = selection
            && key.is_plain()
        {
            let text = format!(
                "producer {name}: whoever can write {field} of {parent} says which objects of {} go: list what many records share \
                 under nobody",
                producer.location.name()
            );
            findings.push(Finding::warn(at, text));
        }
        if field.is_empty() {
            let text =
                format!("producer {name}: select: by: field: it is empty: name the field of {parent} that holds the value");
            findings.push(Finding::refuse(at, text));
        }
    }
}

/// What may keep records of a producer, in words.
fn why_kept(map: &DataMap, producer: &Producer) -> Option<String> {
    let with_parent = || map.stays_with_parent(producer).then(|| "as long as what it is found through".to_owned());
    let shown = || producer.shows_only_some().then(|| "some of it is shown and not erased".to_owned());
    let replaced =
        || matches!(producer.erase, EraseAction::Fields(_)).then(|| "its records stay, and fields are replaced".to_owned());
    map.duties(producer)
        .into_iter()
        .find(|duty| duty.ways.is_empty())
        .map(|duty| duty.retention.reason)
        .or_else(with_parent)
        .or_else(shown)
        .or_else(replaced)
}

/// What stays with its parent needs one, and one that may stay.
fn check_with_parent(map: &DataMap, producer: &Producer, at: Option<u64>, findings: &mut Vec<Finding>) {
    if !producer.retention.with_parent {
        return;
    }
    let name = &producer.name;
    let through = |way: &&Selection| matches!(way.by(), SelectBy::Parent { .. });
    let (found_through, otherwise): (Vec<_>, Vec<_>) = producer.select.iter().partition(through);
    if found_through.is_empty() {
        let text = format!(
            "producer {name}: retention: with: parent needs a selection through another producer, as in by: {{producer: orders, \
             field: order_id}}, and it has none: declare its own duty, with reason and exception"
        );
        return findings.push(Finding::refuse(at, text));
    }
    if !otherwise.is_empty() {
        let text = format!(
            "producer {name}: retention: with: parent keeps what is found through another producer; what only its other \
             selections find has no parent, and goes unless another duty keeps it"
        );
        findings.push(Finding::warn(at, text));
    }
    let parents = map.parents(producer);
    if parents.iter().all(|parent| why_kept(map, parent).is_none()) {
        let names = parents.iter().map(|parent| parent.name.as_str()).collect::<Vec<_>>().join(", ");
        let text = format!(
            "producer {name}: retention: with: parent, and no duty keeps {names}: it stays only with what a hold or a reviewer \
             keeps there"
        );
        findings.push(Finding::warn(at, text));
    }
}

/// Kinds that nobody declared, and what a request by one kind alone does not reach.
fn check_identifiers(map: &DataMap, lines: &BTreeMap<ProducerName, u64>, findings: &mut Vec<Finding>) {
    let kinds = map.kinds();
    for word in map.nobody.iter().filter(|word| word.trim().is_empty()) {
        findings.push(Finding::refuse(None, format!("nobody: {word:?} is empty, and an empty identifier is refused anyway")));
    }
    for producer in map.declared() {
        let at = lines.get(&producer.name).copied();
        findings.extend(scanned_for_identifiers(producer).map(|text| Finding::refuse(at, text)));
        findings.extend(orphaned(map, producer).map(|text| Finding::warn(at, text)));
    }
    let used = |kind: &&IdentifierKind| map.producers.iter().any(|p| p.kinds().any(|by| by == *kind));
    for kind in kinds.iter().filter(|kind| !used(kind)) {
        findings.push(Finding::warn(None, format!("a request by {kind} alone reaches nothing: no producer selects by it")));
    }
    for kind in kinds.iter().filter(used) {
        let known = identifies_further(map, &BTreeSet::from([kind.clone()]));
        let Ok(reached) = reach(map, &known) else { return };
        let missed = reached.iter().filter(|(_, how)| **how == Reach::None).map(|(name, _)| name);
        let missed = missed.filter(|name| map.producer(name).is_some_and(Producer::is_declared));
        let missed: Vec<&str> = missed.map(ProducerName::as_str).collect();
        if !missed.is_empty() {
            let text = format!(
                "a request by {kind} alone does not reach {}: say under identifies which field of a producer that {kind} finds is \
                 an identifier that leads there",
                missed.join(", ")
            );
            findings.push(Finding::warn(None, text));
        }
    }
}

/// Identifiers that could be looked up only by reading a whole table, time and again.
fn scanned_for_identifiers(producer: &Producer) -> Option<String> {
    let looks = !producer.identifies.is_empty() && producer.select.iter().any(Selection::looks_at_others);
    let way = if producer.select.iter().any(Selection::scans) { "scan" } else { "list" };
    looks.then(|| {
        format!(
            "producer {}: identifies and {way} do not go together: identifiers are looked up before anything is searched, one after \
             the other, and each would look at everybody's records: leave identifies out, or select by a key, an index or a prefix",
            producer.name
        )
    })
}

/// Fields under `identifies` that hold an identifier with something around it.
fn misread_fields(producer: &Producer) -> impl Iterator<Item = String> {
    producer.identifies.iter().filter_map(|(kind, field)| {
        let template = producer.select.iter().find_map(|way| match (way.by(), way) {
            (SelectBy::Identity(by), Selection::Items(items)) if by == kind && items.attribute == *field => Some(&items.value),
            _ => None,
        })?;
        let name = &producer.name;
        (!template.is_plain()).then(|| {
            format!(
                "producer {name}: identifies takes {kind} from {field} as it stands, and there it is written {template}: name a \
                 field that holds the identifier alone, or leave it out and find the others through this producer, by: {{producer: \
                 {name}, field: {field}}}"
            )
        })
    })
}

/// What stays under a duty after what alone leads to it may be gone.
fn orphaned(map: &DataMap, producer: &Producer) -> Option<String> {
    let duties = sure_duties(map, producer);
    let by_itself = producer.select.iter().any(|way| matches!(way.by(), SelectBy::Identity(_)));
    let goes_first = |parent: &&Producer| duties.iter().any(|duty| !stays_as_long(map, parent, duty, &mut Vec::new()));
    let parents: Vec<&str> = map.parents(producer).into_iter().filter(goes_first).map(|parent| parent.name.as_str()).collect();
    (!by_itself && !parents.is_empty()).then(|| {
        let parents = parents.join(", ");
        format!(
            "producer {}: its records may be kept longer than those of {parents}, and are found only through them: nobody finds \
             them once they may go. Give it a selection of its own, or {parents} a duty as long that is counted from the same date",
            producer.name
        )
    })
}

/// The duties on every record of a producer.
fn sure_duties(map: &DataMap, producer: &Producer) -> Vec<Retention> {
    map.duties(producer).into_iter().filter(|duty| duty.ways.is_empty()).map(|duty| duty.retention).collect()
}

/// Whether no record of a producer goes before a duty on what is found through it ends.
fn stays_as_long<'a>(map: &'a DataMap, producer: &'a Producer, duty: &Retention, walked: &mut Vec<&'a ProducerName>) -> bool {
    let never_goes = !matches!(producer.erase, EraseAction::Delete);
    if never_goes || sure_duties(map, producer).iter().any(|own| own.outlasts(duty)) {
        return true;
    }
    let through_others = producer.select.iter().all(|way| matches!(way.by(), SelectBy::Parent { .. }));
    if !through_others || !map.stays_with_parent(producer) || walked.contains(&&producer.name) {
        return false;
    }
    walked.push(&producer.name);
    let stay = map.parents(producer).into_iter().all(|parent| stays_as_long(map, parent, duty, walked));
    walked.pop();
    stay
}

/// What one producer must keep, another would erase.
fn check_overlap(overlap: &Overlap<'_>, at: Option<u64>) -> Vec<Finding> {
    let Overlap { first, second, sharing } = overlap;
    let place = format!("{}/{}", second.store, second.location.name());
    let mut findings = Vec::new();
    if *sharing == Sharing::Undecided {
        let (first, second) = (&first.name, &second.name);
        let text = format!(
            "producer {second}: it reaches records of {place} that producer {first} reaches too, and neither is more specific, so \
             that nothing says whose they are: tell them apart by value, sort or where, or by their prefixes, or declare one \
             producer with both selections and the stricter duty"
        );
        return vec![Finding::refuse(at, text)];
    }
    if let Some((inner, outer)) = overlap.within() {
        let duty = if outer.retention.is_none() { "" } else { ", whose duty keeps it too" };
        let (inner, outer) = (&inner.name, &outer.name);
        let text =
            format!("in {place}, what producer {inner} finds belongs to it, also where producer {outer} would find it{duty}");
        findings.push(Finding::warn(at, text));
    }
    if sharing.depends_on_data() {
        let text = format!(
            "producer {} shares {place} with producer {}: a request whose discovery finds a record by both of them fails before \
             anything is erased",
            second.name, first.name
        );
        findings.push(Finding::warn(at, text));
    }
    findings
}

/// Whether some chain of selections leads from an identity to this producer.
fn reached<'a>(map: &'a DataMap, producer: &'a Producer, walked: &mut Vec<&'a ProducerName>) -> bool {
    if walked.contains(&&producer.name) {
        return false;
    }
    walked.push(&producer.name);
    let found = producer.select.iter().any(|s| match s.by() {
        SelectBy::Identity(_) => true,
        SelectBy::Parent { producer, .. } => map.producer(producer).is_some_and(|parent| reached(map, parent, walked)),
    });
    walked.pop();
    found
}

fn check_anchors(map: &DataMap, lines: &BTreeMap<ProducerName, u64>, findings: &mut Vec<Finding>) {
    for (anchor, tables) in &map.anchors {
        let here = None;
        let owners: Vec<_> = map.producers.iter().filter(|p| p.owns.contains(anchor)).collect();
        match owners.as_slice() {
            [_] => {}
            [] => findings.push(Finding::refuse(
                here,
                format!("anchor {anchor} has no owner: one producer must own it, by owns: [{anchor}]"),
            )),
            [.., last] => {
                let names = owners.iter().map(|p| p.name.as_str()).collect::<Vec<_>>().join(", ");
                let text =
                    format!("producer {}: owns: anchor {anchor} has more than one owner: {names}: leave it with one", last.name);
                findings.push(Finding::refuse(lines.get(&last.name).copied(), text));
            }
        }
        if tables.is_empty() {
            findings.push(Finding::refuse(here, format!("anchor {anchor} names no table: write [store/table]")));
        }
        let places: Vec<String> = map.producers.iter().map(|p| format!("{}/{}", p.store, p.location.name())).collect();
        for table in tables.iter().filter(|table| !places.contains(table)) {
            let places: Vec<&str> = places.iter().map(String::as_str).collect();
            let meant = nearest(table, &places).map(|near| format!("did you mean {near}? ")).unwrap_or_default();
            let text = format!("anchor {anchor} names {table}, which no producer uses: {meant}Write it as store/table");
            findings.push(Finding::refuse(here, text));
        }
    }
    let ordered = map.producers.iter().any(|p| !p.reads_as_discriminator.is_empty());
    for producer in map.declared().filter(|p| ordered && p.owns.is_empty()) {
        let at = lines.get(&producer.name).copied();
        let text = format!("producer {} owns no anchor: no other producer can be ordered before it", producer.name);
        findings.push(Finding::warn(at, text));
    }
}

//! A walk under way: what each record found is, going or staying.

use super::{
    sources::Run,
    staying::{Staying, last_day},
};
use crate::{
    core::{is_on, places_that_find, started},
    items::{DiscoveryItem, Refused},
    manifest::ManifestRecord,
    ports::{Connector, Fields, Found, HideMethod, RecordRef},
};
use data_encoding::HEXLOWER;
use jiff::civil::Date;
use oubli_domain::{
    datamap::{Duty, EraseAction, Producer, Retention, SelectBy, Selection},
    ids::ProducerName,
    personal::Origin,
    plan::{Kept, KeptBecause, PlannedIdentifier},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

/// A part closes at so many bytes of records: what it hides later is read and copied within one worker's time, and what it lists
/// within a worker's memory.
const PART_BYTES: u64 = 64 * 1024 * 1024;

/// Parts written together.
const PARTS_TOGETHER: usize = 80;

/// Most records asked for where somebody will have to copy them: each may be as large as a part, and what was buffered is one.
const COPIED_TOGETHER: usize = PARTS_TOGETHER - 1;

/// Where a walk goes on from.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Position {
    pub source: usize,
    pub part: u32,
    pub record: usize,
    /// Of the record's values of the field that others are found by.
    #[serde(default)]
    pub value: usize,
    pub cursor: Option<Value>,
    /// How much of others' records was looked at for earlier values of the same selection.
    #[serde(default)]
    pub looked: Option<Value>,
    /// What was found by this selection is being taken back.
    #[serde(default)]
    pub taking_back: bool,
}

impl Position {
    pub(super) fn is_at_the_start_of_a_part(&self) -> bool {
        self.record == 0 && self.value == 0 && self.cursor.is_none()
    }
}

/// A walk under claim.
pub(super) struct Walk<'a> {
    pub run: &'a Run,
    pub producer: &'a Producer,
    pub step: u32,
    pub connector: Arc<dyn Connector>,
    pub item: DiscoveryItem,
    pub position: Position,
    pub fields: Vec<String>,
    /// Its own, and those of producers that would find its records too.
    pub duties: Vec<Duty>,
    /// The ways by which more specific producers find what is theirs.
    pub within: Vec<Vec<&'a Selection>>,
    /// Producers that may find its records, too.
    pub sharing: Vec<&'a Producer>,
    pub children_fields: Vec<String>,
    /// The fields by which it is found through another, where it stays with that, and those by which producers that share its
    /// records may find them.
    pub lead_fields: Vec<String>,
    /// Something that is found through it stays with it.
    pub binds: bool,
    /// Parents that its records stay with, and that could not be looked at, or not wholly.
    pub unclear: BTreeSet<ProducerName>,
    /// Those that stay, by what they lead to.
    pub staying: Staying,
    pub today: Date,
    pub buffer: Vec<ManifestRecord>,
    pub buffered: u64,
    /// Records and bytes that this worker has seen: what the next page will be like.
    pub met: (u64, u64),
    pub seen: Option<HashSet<[u8; 16]>>,
    /// Records of earlier rounds that were read again: several rounds may have found the same.
    pub again: HashSet<[u8; 16]>,
    pub restored: HashSet<[u8; 16]>,
    /// In how many rounds a record could not be handled.
    pub failures: HashMap<[u8; 16], u32>,
}

/// Rounds that try to hide a record which its store refuses.
const TRIES: u32 = 2;

pub(super) fn fingerprint(opening: &[u8], record: &RecordRef) -> [u8; 16] {
    let mut hash = Sha256::new();
    hash.update(opening);
    hash.update(canonical(&record.key));
    let mut short = [0_u8; 16];
    short.copy_from_slice(&hash.finalize()[..16]);
    short
}

/// Record keys are flat maps that connectors write in one way, so their text is stable.
fn canonical(key: &Value) -> Vec<u8> {
    serde_json::to_vec(key).unwrap_or_default()
}

impl Walk<'_> {
    /// How many records to ask for: as many as fill a part by their number, and by their bytes if they are like those before;
    /// never more than are parts that can be written together.
    pub(super) fn room(&self) -> usize {
        let by_bytes = if self.copies() { room_for_copies(self.met, self.buffered) } else { usize::MAX };
        self.run.batch_size.saturating_sub(self.buffer.len()).min(by_bytes).max(1)
    }

    /// A part is full.
    pub(super) fn is_full(&self) -> bool {
        self.buffer.len() >= self.run.batch_size || self.buffered >= PART_BYTES
    }

    /// What is buffered as parts, each within its size; a record larger than any is a part of its own.
    pub(super) fn parts(&self) -> Vec<&[ManifestRecord]> {
        let weights = self.buffer.iter().map(|record| self.weight(record));
        parts_of(weights, self.run.batch_size).into_iter().map(|part| &self.buffer[part]).collect()
    }

    /// Whether somebody will have to copy what goes: not where its store hides it by itself.
    fn copies(&self) -> bool {
        self.item.method == HideMethod::Vault || self.run.for_export
    }

    /// Bytes that somebody will have to copy, and those of what is listed: whoever reads a part holds all of it at once.
    fn weight(&self, record: &ManifestRecord) -> u64 {
        let copied = if self.copies() && !record.kept { record.bytes } else { 0 };
        copied + record.fields.bytes()
    }

    /// Notes that its store refused to look something up.
    pub(super) fn refuse(&mut self, reason: String) {
        match self.item.refused.iter_mut().find(|r| r.reason == reason) {
            Some(refused) => refused.lookups += 1,
            None => self.item.refused.push(Refused { reason, lookups: 1 }),
        }
    }

    /// Whether a record of an earlier round was neither found nor read again yet.
    pub(super) fn is_new(&mut self, record: &RecordRef) -> bool {
        let mark = fingerprint(&self.run.opening, record);
        !self.seen.as_ref().is_some_and(|seen| seen.contains(&mark)) && self.again.insert(mark)
    }

    /// Sorts what a page of a selection brought into what goes and what stays.
    /// `via` is the place of the identifier that led to them, `parent` why what they were found through has them stay.
    pub(super) fn take(&mut self, found: Vec<Found>, via: u32, by: &Selection, parent: Option<&KeptBecause>) {
        let selection = self.producer.select.iter().position(|own| own == by).and_then(|place| u16::try_from(place).ok());
        for found in found {
            let record = RecordRef { selection, ..found.record };
            self.take_one(Found { record, ..found }, via, parent);
        }
    }

    /// The same with one record.
    pub(super) fn take_one(&mut self, found: Found, via: u32, parent: Option<&KeptBecause>) {
        // One that nobody copies tells nothing of the others.
        if found.bytes <= self.run.largest_record {
            self.met = (self.met.0 + 1, self.met.1 + found.bytes);
        }
        let told = self.staying.on(self.producer, &found.fields).cloned();
        let parent = parent.into_iter().chain(told.as_ref()).max_by_key(|why| last_day(why));
        let mark = fingerprint(&self.run.opening, &found.record);
        if self.seen.as_mut().is_some_and(|seen| !seen.insert(mark)) {
            // Of several that it stays with, the one that stays longest says until when.
            if let Some(parent) = parent
                && let Some(kept) = self.item.kept.iter_mut().find(|k| same_duty(&k.why, parent))
            {
                kept.why = later(&kept.why, parent);
            }
            return;
        }
        let anothers = self.run.is_anothers(self.producer, &found.fields, via);
        let bound = self.must_stay(&found, parent);
        let why = if anothers { Some(KeptBecause::AnotherPerson) } else { self.why_kept(&found, &mark, bound.clone()) };
        // What is not erased stays, whether it is asked for or not.
        let binds = self.binds.then(|| bound.or_else(|| self.not_erased(&found)).or(why.clone())).flatten();
        let binds = binds.and_then(|why| why.of_children(&self.producer.name));
        if let Some(why) = &why {
            self.count_kept(&found, why);
            // What is found through somebody else's is not the person's either; but what is found otherwise may stay with it.
            let leads_on = !self.children_fields.is_empty() && (self.binds || !anothers);
            // Where it could be found twice, also by another worker, it is listed: it counts once.
            let twice = self.seen.is_some() || self.run.compared.contains(&self.producer.name);
            if !leads_on && !twice {
                return;
            }
        } else {
            self.note_sharing(&found.fields);
        }
        let listed = |name: &&String| self.children_fields.contains(name) || self.lead_fields.contains(name);
        let listed: Vec<String> = self.fields.iter().filter(listed).cloned().collect();
        let fields = found.fields.only(&listed);
        let (record, bytes, kept) = (found.record, found.bytes, why.is_some());
        let record = ManifestRecord { record, bytes, fields, kept, anothers, binds, via };
        self.buffered += self.weight(&record);
        self.buffer.push(record);
    }

    /// Notes by which selections of others a record that goes may be found, too.
    fn note_sharing(&mut self, fields: &Fields) {
        for other in &self.sharing {
            let ways = other.select.iter().enumerate();
            let finding =
                ways.filter(|(_, way)| way.may_find(|name| fields.text(name).map(Cow::Borrowed))).map(|(place, _)| place);
            let places: Vec<usize> = finding.collect();
            if !places.is_empty() {
                self.item.may_be_found.entry(other.name.clone()).or_default().extend(places);
            }
        }
    }

    /// What law, a hold or its store keeps, whether it is asked for or not.
    fn must_stay(&self, found: &Found, parent: Option<&KeptBecause>) -> Option<KeptBecause> {
        if self.run.for_export {
            return None;
        }
        let hold = self.run.holds.on(&self.producer.category).map(|hold| KeptBecause::Hold { hold });
        let until = found.locked_until.filter(|day| *day > self.today);
        let locked = || until.map(|until| KeptBecause::Locked { until: (until != Date::MAX).then_some(until) });
        let unknown = self.unknown_parent(&found.fields);
        hold.or_else(|| self.duty(&found.fields, parent.or(unknown.as_ref()))).or_else(locked)
    }

    /// A parent that could not be looked at, or not wholly, and may be one of a record: it may have to stay with that.
    fn unknown_parent(&self, fields: &Fields) -> Option<KeptBecause> {
        let selections = self.producer.select.iter().filter(|_| !self.unclear.is_empty());
        selections.into_iter().find_map(|selection| {
            let SelectBy::Parent { producer, .. } = selection.by() else { return None };
            let text = |name: &str| fields.text(name).map(Cow::Borrowed);
            let led = selection.value_in(text).is_some()
                || selection.whole_key(text).is_some()
                || selection.telling_fields().any(|field| fields.is_unreadable(field));
            let unclear = || self.run.map.with_those_within(producer).into_iter().any(|parent| self.unclear.contains(parent));
            (led && unclear()).then(|| KeptBecause::WithParent {
                producer: producer.clone(),
                reason: "not all of it could be looked at".to_owned(),
                until: None,
            })
        })
    }

    fn why_kept(&self, found: &Found, mark: &[u8; 16], bound: Option<KeptBecause>) -> Option<KeptBecause> {
        let left_out = self.run.in_scope.get(&self.producer.name).cloned().flatten();
        // What a reviewer leaves out is kept by law, where a law keeps it.
        let by_a_person = matches!(left_out, Some(KeptBecause::Excluded { .. }));
        if self.run.for_export || left_out.is_some() && !by_a_person {
            return left_out;
        }
        if bound.is_some() {
            return bound;
        }
        if let Some(stays) = self.not_erased(found) {
            return Some(stays);
        }
        if left_out.is_some() {
            return left_out;
        }
        if self.restored.contains(mark) {
            return Some(KeptBecause::Restored);
        }
        if self.failures.get(mark).is_some_and(|rounds| *rounds >= TRIES) {
            return Some(KeptBecause::Refused);
        }
        let limit = self.run.largest_record;
        let too_large = self.item.method == HideMethod::Vault && found.bytes > limit;
        too_large.then_some(KeptBecause::TooLarge { limit })
    }

    /// Why the data map has a record stay that no duty keeps.
    fn not_erased(&self, found: &Found) -> Option<KeptBecause> {
        let shown = self.shown_only(found).map(|reason| KeptBecause::ExportOnly { reason: reason.to_owned() });
        shown.or_else(|| match &self.producer.erase {
            EraseAction::Fields(fields) => Some(KeptBecause::FieldsNotReplaced { fields: fields.clone() }),
            EraseAction::Delete | EraseAction::ShowOnly { .. } => None,
        })
    }

    /// Why a record is shown and not erased; none where any selection that may have found it erases.
    fn shown_only(&self, found: &Found) -> Option<&str> {
        let producer = self.producer;
        if !producer.shows_only_some() {
            return None;
        }
        let mut places = places_that_find(producer, &found.record, &found.fields);
        if places.is_empty() {
            // It does not tell: rather one too many stays.
            places = (0..producer.select.len()).filter(|place| producer.shown_only(*place).is_some()).collect();
        }
        let why: Option<Vec<&str>> = places.into_iter().map(|place| producer.shown_only(place)).collect();
        why?.first().copied()
    }

    /// The duty that keeps a record longest, that of what it is found through among them.
    fn duty(&self, fields: &Fields, parent: Option<&KeptBecause>) -> Option<KeptBecause> {
        // A zone that nobody knows reads no date, and what has none is kept.
        let started = |retention: &Retention| started(retention, fields, &self.run.time_zone).unwrap_or_default();
        let on_it = self.duties.iter().filter(|duty| is_on(duty, fields)).map(|duty| &duty.retention);
        let duties = on_it.map(|retention| (retention, started(retention)));
        let applying = duties.filter(|(retention, since)| retention.applies(*since, self.today));
        let own = applying.map(|(retention, since)| KeptBecause::Retention {
            reason: retention.words(since),
            until: retention.kept_until(since),
        });
        parent.cloned().into_iter().chain(own).max_by_key(last_day)
    }

    /// One line per reason; dates of the same duty are joined to the latest.
    fn count_kept(&mut self, found: &Found, why: &KeptBecause) {
        let same = |k: &&mut Kept| same_duty(&k.why, why);
        if let Some(kept) = self.item.kept.iter_mut().find(same) {
            kept.records += 1;
            kept.bytes += found.bytes;
            kept.why = later(&kept.why, why);
            return;
        }
        self.item.kept.push(Kept {
            producer: self.producer.name.clone(),
            category: self.producer.category.clone(),
            records: 1,
            bytes: found.bytes,
            why: why.clone(),
        });
    }

    /// Adds the buffered records that go to those that an identifier led to which was not given.
    pub(super) fn count_found_through(&self, counted: &mut BTreeMap<String, u64>) {
        for record in self.buffer.iter().filter(|r| !r.kept) {
            let resolved = self.run.person.identifiers.get(record.via as usize);
            if resolved.is_some_and(|r| r.origin != Origin::Given) {
                *counted.entry(PlannedIdentifier::label(record.via as usize)).or_default() += 1;
            }
        }
    }

    /// How many of the buffered records that go are there in a later round though no earlier one failed to hide them.
    pub(super) fn found_late(&self) -> u64 {
        if self.run.earlier.is_empty() {
            return 0;
        }
        let left_behind = |r: &&ManifestRecord| self.failures.contains_key(&fingerprint(&self.run.opening, &r.record));
        self.buffer.iter().filter(|r| !r.kept).filter(|r| !left_behind(r)).count() as u64
    }

    /// The fingerprint of the set found so far, whatever its order: a sum that each record adds to.
    pub(super) fn content(&self, before: &str) -> String {
        let bytes = HEXLOWER.decode(before.as_bytes()).unwrap_or_default();
        let mut sum = <[u8; 16]>::try_from(bytes.as_slice()).map(u128::from_be_bytes).unwrap_or_default();
        for record in self.buffer.iter().filter(|r| !r.kept) {
            sum = sum.wrapping_add(u128::from_be_bytes(fingerprint(&self.run.opening, &record.record)));
        }
        HEXLOWER.encode(&sum.to_be_bytes())
    }
}

/// How many records may be asked for that somebody will have to copy, after those that were met.
fn room_for_copies((records, bytes): (u64, u64), buffered: u64) -> usize {
    let like_those = bytes.checked_div(records).map(|each| PART_BYTES.saturating_sub(buffered) / each.max(1));
    like_those.and_then(|room| usize::try_from(room).ok()).unwrap_or(COPIED_TOGETHER).min(COPIED_TOGETHER)
}

/// Records of these weights as parts.
fn parts_of(weights: impl Iterator<Item = u64>, batch_size: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut from, mut to, mut bytes) = (0, 0, 0);
    for weight in weights {
        let full = to - from >= batch_size || bytes + weight > PART_BYTES;
        if full && to > from {
            parts.push(from..to);
            (from, bytes) = (to, 0);
        }
        (to, bytes) = (to + 1, bytes + weight);
    }
    if from < to {
        parts.push(from..to);
    }
    parts
}

fn same_duty(a: &KeptBecause, b: &KeptBecause) -> bool {
    use KeptBecause as K;
    match (a, b) {
        (K::Retention { reason: a, .. }, K::Retention { reason: b, .. }) => a == b,
        (K::WithParent { producer: a, reason, .. }, K::WithParent { producer: b, reason: other, .. }) => {
            a == b && reason == other
        }
        (K::Locked { .. }, K::Locked { .. }) => true,
        _ => a == b,
    }
}

fn later(a: &KeptBecause, b: &KeptBecause) -> KeptBecause {
    use KeptBecause as K;
    // No date means without end, which is later than any.
    let max = |a: Option<Date>, b: Option<Date>| a.and_then(|a| b.map(|b| a.max(b)));
    match (a, b) {
        (K::Retention { reason, until: a }, K::Retention { until: b, .. }) => {
            K::Retention { reason: reason.clone(), until: max(*a, *b) }
        }
        (K::WithParent { producer, reason, until: a }, K::WithParent { until: b, .. }) => {
            K::WithParent { producer: producer.clone(), reason: reason.clone(), until: max(*a, *b) }
        }
        (K::Locked { until: a }, K::Locked { until: b }) => K::Locked { until: max(*a, *b) },
        _ => a.clone(),
    }
}

/// The fingerprint of no records.
pub(super) fn nothing() -> String {
    HEXLOWER.encode(&[0; 16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_within_its_size_or_one_record_and_no_more_are_asked_for_than_are_written_together() {
        for met in [(0, 0), (1_000, 1_000), (1, PART_BYTES)] {
            assert!(room_for_copies(met, 0) <= COPIED_TOGETHER, "{met:?}: the next may be larger than those before");
        }
        let mega = 1024 * 1024;
        let large = PART_BYTES + 1;
        for batch_size in [1, 3, 1_000] {
            for buffered in [vec![], vec![1], vec![40 * mega], vec![mega; 60]] {
                for page in [vec![large; COPIED_TOGETHER], vec![40 * mega; COPIED_TOGETHER], vec![0; 1_000], vec![1, large, 1]] {
                    let buffered: Vec<u64> = buffered.iter().copied().take(batch_size - 1).collect();
                    let page = page.into_iter().take(batch_size.max(1));
                    let weights: Vec<u64> = buffered.into_iter().chain(page).collect();
                    let parts = parts_of(weights.iter().copied(), batch_size);
                    assert!(parts.len() <= PARTS_TOGETHER, "{}", parts.len());
                    assert_eq!(parts.iter().flat_map(Clone::clone).collect::<Vec<_>>(), (0..weights.len()).collect::<Vec<_>>());
                    for part in parts {
                        let bytes: u64 = weights[part.clone()].iter().sum();
                        assert!(part.len() <= batch_size && (bytes <= PART_BYTES || part.len() == 1), "{part:?}: {bytes} bytes");
                    }
                }
            }
        }
    }
}

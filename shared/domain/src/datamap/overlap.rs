//! Which producers can reach the same records, and whose they are then.

use super::{
    model::{DataMap, Producer},
    retention::Retention,
    selection::{ItemSelection, ObjectKeys, ObjectSelection, SelectBy, Selection},
};
use crate::ids::{Category, ProducerName};
use std::{borrow::Cow, collections::BTreeSet};

/// Two producers that can reach the same record.
#[derive(Debug, Clone, Copy)]
pub struct Overlap<'a> {
    /// The one written first.
    pub first: &'a Producer,
    /// The other.
    pub second: &'a Producer,
    /// How.
    pub sharing: Sharing,
}

/// How two producers share records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// Whatever a selection of the first finds is found by one of the second's: it is the first's.
    FirstWithin {
        /// Other selections of the two may meet besides: it depends on the data.
        besides: bool,
    },
    /// The same the other way round.
    SecondWithin {
        /// Other selections of the two may meet besides: it depends on the data.
        besides: bool,
    },
    /// It depends on the data.
    Possibly,
    /// They do, and nothing says whose a record is.
    Undecided,
}

impl Sharing {
    /// Whether records can be found by both though neither's selection says whose they are.
    pub fn depends_on_data(self) -> bool {
        match self {
            Sharing::FirstWithin { besides } | Sharing::SecondWithin { besides } => besides,
            Sharing::Possibly | Sharing::Undecided => true,
        }
    }
}

impl<'a> Overlap<'a> {
    /// The producer that is more specific, and the one that leaves these records to it.
    pub fn within(&self) -> Option<(&'a Producer, &'a Producer)> {
        match self.sharing {
            Sharing::FirstWithin { .. } => Some((self.first, self.second)),
            Sharing::SecondWithin { .. } => Some((self.second, self.first)),
            Sharing::Possibly | Sharing::Undecided => None,
        }
    }
}

/// Every two producers that can reach the same record.
pub fn overlaps(map: &DataMap) -> Vec<Overlap<'_>> {
    let mut found = Vec::new();
    for (place, second) in map.producers.iter().enumerate() {
        for first in map.producers.iter().take(place) {
            let Some(surely) = same_place(map, first, second) else { continue };
            let Some(sharing) = sharing(first, second) else { continue };
            // Nothing is left to a producer that may be elsewhere.
            let sharing = if surely || sharing == Sharing::Possibly { sharing } else { Sharing::Undecided };
            found.push(Overlap { first, second, sharing });
        }
    }
    found
}

/// A duty to keep records of a producer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Duty {
    /// Which.
    pub retention: Retention,
    /// It is of another producer, and is on what one of these finds; without any it is on every record.
    pub ways: Vec<Selection>,
}

impl Duty {
    /// Whether it is on a record. `text` reads a field.
    pub fn is_on<'t>(&self, text: impl Fn(&str) -> Option<Cow<'t, str>>) -> bool {
        self.ways.is_empty() || self.ways.iter().any(|way| way.may_find(&text))
    }
}

/// A way by which a record may come to be found that was planned by another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherWay {
    /// It is of another producer, or starts from what the record stays with.
    pub way: Selection,
    /// The producer's own ways that are within it: what one of these finds is left to them.
    pub left_to: Vec<Selection>,
}

impl OtherWay {
    /// All of the selections that tell whether it finds a record for itself.
    pub fn selections(&self) -> impl Iterator<Item = &Selection> {
        std::iter::once(&self.way).chain(&self.left_to)
    }
}

impl DataMap {
    /// The ways by which more specific producers find what a selection of this one finds too: these records are theirs.
    pub fn more_specific<'a>(&'a self, producer: &Producer, selection: &Selection) -> Vec<&'a Selection> {
        let inner = self.within(&producer.name).flat_map(|inner| &inner.select);
        inner.filter(|way| meet(way, selection) == Some(Meeting::Within)).collect()
    }

    /// A producer and those within it: together they have what it would find.
    pub fn with_those_within<'a>(&'a self, name: &'a ProducerName) -> Vec<&'a ProducerName> {
        std::iter::once(name).chain(self.within(name).map(|inner| &inner.name)).collect()
    }

    /// The producers that are more specific than one.
    fn within<'a>(&'a self, name: &ProducerName) -> impl Iterator<Item = &'a Producer> {
        let pairs = overlaps(self).into_iter().filter_map(|o| o.within());
        pairs.filter(move |(_, outer)| outer.name == *name).map(|(inner, _)| inner)
    }

    /// The ways by which more specific producers find what this one would find too, for each of its selections.
    pub fn ways_within<'a>(&'a self, producer: &Producer) -> Vec<Vec<&'a Selection>> {
        producer.select.iter().map(|selection| self.more_specific(producer, selection)).collect()
    }

    /// The producers that may find records of one where no selection says whose they are: it depends on the data.
    pub fn sharing_with<'a>(&'a self, producer: &Producer) -> Vec<&'a Producer> {
        self.beside(producer).filter(|(sharing, _)| sharing.depends_on_data()).map(|(_, other)| other).collect()
    }

    /// The ways that may come to find a producer's records besides those that it is planned by: of producers that share them, and
    /// from what they stay with. The keys of objects tell all that leads to these, and do not change: items only.
    pub fn other_ways(&self, producer: &Producer) -> Vec<OtherWay> {
        let within = |way: &Selection| -> Vec<Selection> {
            producer.select.iter().filter(|own| meet(own, way) == Some(Meeting::Within)).cloned().collect()
        };
        let shared = self.sharing_with(producer).into_iter().flat_map(|other| &other.select);
        let shared = shared.map(|way| OtherWay { way: way.clone(), left_to: within(way) });
        let stays = self.stays_with_parent(producer);
        let links = producer.select.iter().filter(|way| stays && matches!(way.by(), SelectBy::Parent { .. }));
        let links = links.map(|way| OtherWay { way: way.clone(), left_to: vec![] });
        shared.chain(links).filter(|other| matches!(other.way, Selection::Items(_))).collect()
    }

    /// The producers that may find records of one too, whosever these are then.
    pub fn finding_with<'a>(&'a self, producer: &Producer) -> Vec<&'a Producer> {
        self.beside(producer).map(|(_, other)| other).collect()
    }

    /// Producers that overlap with one, each with how.
    fn beside<'a>(&'a self, producer: &Producer) -> impl Iterator<Item = (Sharing, &'a Producer)> {
        overlaps(self).into_iter().filter_map(|pair| match (&pair.first.name, &pair.second.name) {
            (first, _) if *first == producer.name => Some((pair.sharing, pair.second)),
            (_, second) if *second == producer.name => Some((pair.sharing, pair.first)),
            _ => None,
        })
    }

    /// The duties on every record of a producer, whatever it says: its own, and those of producers that find whatever it finds.
    fn sure_duties<'a>(&'a self, producer: &'a Producer) -> impl Iterator<Item = &'a Retention> {
        self.with_those_around(producer).flat_map(|p| &p.retention.own)
    }

    /// Whether the map makes no difference between a record that one of two producers finds and one that the other does: the
    /// same keeps it, and the same tells whose it is. Whoever asks may make one between their categories.
    pub fn keep_alike(&self, a: &Producer, b: &Producer) -> bool {
        let with_parent = || self.stays_with_parent(a) || self.stays_with_parent(b);
        self.sure_duties(a).eq(self.sure_duties(b))
            && !with_parent()
            && a.erase == b.erase
            && a.show_only.is_empty()
            && b.show_only.is_empty()
            && a.identifies == b.identifies
            && (a.backup, a.log, a.derived) == (b.backup, b.log, b.derived)
    }

    /// Whether a duty keeps what one of two producers finds and not the same record where it is found as the other's. Its
    /// parents' duties are not among these.
    pub fn keeps_more(&self, one: &Producer, other: &Producer) -> bool {
        let theirs = self.duties(other);
        let finds_all = |ways: &[Selection]| ways.is_empty() || one.select.iter().all(|way| ways.contains(way));
        let is_theirs = |retention: &Retention| theirs.iter().any(|duty| duty.retention == *retention && finds_all(&duty.ways));
        !self.sure_duties(one).all(is_theirs)
    }

    /// Every duty to keep records of a producer: its own and those of producers that find whatever it finds; and, for records
    /// that another one finds by a condition or by how their keys are written, whoever is searched for, that one's.
    pub fn duties(&self, producer: &Producer) -> Vec<Duty> {
        let around: Vec<&Producer> = self.with_those_around(producer).collect();
        let apart = |other: &&Producer| around.iter().all(|one| one.name != other.name);
        let sharing = self.beside(producer).map(|(_, other)| other);
        let own = |p: &Producer, ways: &[Selection]| -> Vec<Duty> {
            p.retention.own.iter().map(|retention| Duty { retention: retention.clone(), ways: ways.to_vec() }).collect()
        };
        let surely = around.iter().flat_map(|p| own(p, &[]));
        // By a value alone anything that has the attribute would be found.
        let specific = |p: &Producer| p.select.iter().filter(|way| way.is_specific()).cloned().collect::<Vec<Selection>>();
        let sharing = sharing.filter(apart).map(|p| (p, specific(p))).filter(|(_, ways)| !ways.is_empty());
        surely.chain(sharing.flat_map(|(p, ways)| own(p, &ways))).collect()
    }

    /// Whether a record of a producer stays as long as anything stays that it is found through: by its own duties, or by those
    /// of producers that would find it too.
    pub fn stays_with_parent(&self, producer: &Producer) -> bool {
        self.with_those_around(producer).any(|p| p.retention.with_parent)
    }

    /// Whether a duty keeps records of a producer, its parents' among them.
    pub fn has_duty(&self, producer: &Producer) -> bool {
        self.with_those_around(producer).any(|p| !p.retention.is_none())
    }

    /// The producers whose records a producer's stay with: those that it is found through.
    pub fn parents<'a>(&'a self, producer: &'a Producer) -> Vec<&'a Producer> {
        let through = producer.select.iter().filter_map(|way| match way.by() {
            SelectBy::Parent { producer, .. } => Some(self.with_those_within(producer)),
            SelectBy::Identity(_) => None,
        });
        let mut names: Vec<&ProducerName> = through.flatten().collect();
        names.sort();
        names.dedup();
        names.into_iter().filter_map(|name| self.producer(name)).collect()
    }

    /// A category, and those whose records stay with its records: what lies within its producers, what stays with what it is
    /// found through, and so on.
    pub fn categories_staying_with(&self, category: &Category) -> BTreeSet<Category> {
        let mut held = BTreeSet::from([category.clone()]);
        loop {
            let is_held = |one: &Producer| held.contains(&one.category);
            let with_parent = |p: &Producer| self.stays_with_parent(p) && self.parents(p).into_iter().any(is_held);
            let more = self.producers.iter().filter(|p| with_parent(p) || self.with_those_around(p).any(is_held));
            let more: Vec<Category> = more.map(|p| p.category.clone()).filter(|c| !held.contains(c)).collect();
            if more.is_empty() {
                return held;
            }
            held.extend(more);
        }
    }

    /// A producer and those that are less specific.
    fn with_those_around<'a>(&'a self, producer: &'a Producer) -> impl Iterator<Item = &'a Producer> {
        let within = overlaps(self).into_iter().filter_map(|o| o.within());
        let outer = within.filter(move |(inner, _)| inner.name == producer.name).map(|(_, outer)| outer);
        std::iter::once(producer).chain(outer)
    }
}

fn sharing(first: &Producer, second: &Producer) -> Option<Sharing> {
    let pairs = || first.select.iter().flat_map(|a| second.select.iter().map(move |b| meet(a, b)));
    let any = |meeting: Meeting| pairs().any(|m| m == Some(meeting));
    let besides = any(Meeting::Possibly);
    match (any(Meeting::Undecided), any(Meeting::Within), any(Meeting::Around)) {
        (true, ..) | (_, true, true) => Some(Sharing::Undecided),
        (_, true, false) => Some(Sharing::FirstWithin { besides }),
        (_, false, true) => Some(Sharing::SecondWithin { besides }),
        _ => besides.then_some(Sharing::Possibly),
    }
}

/// Whether two producers are in one table or bucket, where they may be, by whatever names.
fn same_place(map: &DataMap, a: &Producer, b: &Producer) -> Option<bool> {
    let also = map.place_of(a)?.is_also(map.place_of(b)?);
    also.filter(|_| a.is_declared() == b.is_declared())
}

/// How two selections meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meeting {
    /// What the first finds, the second finds too.
    Within,
    /// What the second finds, the first finds too.
    Around,
    /// Some records may be found by both.
    Possibly,
    /// Some are, and neither is within the other.
    Undecided,
}

/// How two selections meet, where they can.
fn meet(a: &Selection, b: &Selection) -> Option<Meeting> {
    match (a, b) {
        (Selection::Items(a), Selection::Items(b)) => items_meet(a, b),
        (Selection::Objects(a), Selection::Objects(b)) => objects_meet(a, b),
        _ => None,
    }
}

/// An item can have every attribute that any of them asks for.
fn items_meet(a: &ItemSelection, b: &ItemSelection) -> Option<Meeting> {
    if a.excludes(b) {
        return None;
    }
    let alike = a.by == b.by && a.attribute == b.attribute && a.value == b.value && a.index == b.index;
    let alike = alike && a.scan.is_some() == b.scan.is_some();
    if !alike {
        return Some(Meeting::Possibly);
    }
    Some(match (b.covers(a), a.covers(b)) {
        (true, false) => Meeting::Within,
        (false, true) => Meeting::Around,
        _ => Meeting::Undecided,
    })
}

fn objects_meet(a: &ObjectSelection, b: &ObjectSelection) -> Option<Meeting> {
    use ObjectKeys::{Exactly, Matching, Under};
    let (Under(x) | Exactly(x), Under(y) | Exactly(y)) = (&a.keys, &b.keys) else {
        let alike = matches!((&a.keys, &b.keys), (Matching { pattern: x, .. }, Matching { pattern: y, .. }) if x == y);
        let (x, y) = (a.keys.head(), b.keys.head());
        // What a pattern leaves to others is not told: whoever else finds it is seen when it is found.
        let meeting = if alike { Meeting::Undecided } else { Meeting::Possibly };
        return (x.starts_with(y) || y.starts_with(x)).then_some(meeting);
    };
    if x.before() != y.before() {
        // An identity can be what stands before the other's.
        let inside = x.before().starts_with(y.before()) || y.before().starts_with(x.before());
        return inside.then_some(Meeting::Possibly);
    }
    let meeting = match (&a.keys, &b.keys) {
        _ if a.keys == b.keys => Some(Meeting::Undecided),
        (_, Under(_)) if x.after().starts_with(y.after()) => Some(Meeting::Within),
        (Under(_), _) if y.after().starts_with(x.after()) => Some(Meeting::Around),
        (Exactly(_), Exactly(_)) => {
            let ends = x.after().ends_with(y.after()) || y.after().ends_with(x.after());
            ends.then_some(Meeting::Possibly)
        }
        // Values of one identifier are alike and without a delimiter; what a row names can be any key.
        (Under(_), Under(_)) => None,
        _ if a.by == b.by && matches!(a.by, SelectBy::Identity(_)) => None,
        _ => Some(Meeting::Possibly),
    };
    // By another identifier of the person, the more specific one does not find what the other leaves to it.
    let leaves = |meeting| if a.by == b.by || meeting == Meeting::Possibly { meeting } else { Meeting::Undecided };
    meeting.map(leaves)
}

#[cfg(test)]
#[path = "overlap_tests.rs"]
mod tests;

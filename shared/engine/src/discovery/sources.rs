//! What a run of discovery looks at: its scope, and the ways to each producer's records.

use crate::{
    EngineError, Result,
    manifest::ManifestRecord,
    ports::{DataKey, Fields, Way},
};
use oubli_domain::{
    datamap::{DataMap, Producer, SelectBy, Selection, overlaps},
    hold::HoldView,
    ids::ProducerName,
    personal::{Identifier, IdentifierKind, Known, Person, Resolved},
    plan::KeptBecause,
};
use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

/// One run of discovery, for a request's round or for a preview.
pub(super) struct Run {
    pub partition: String,
    pub round: u32,
    /// Whose records are looked for.
    pub person: Person,
    /// The controller's country, for numbers that name none.
    pub country: &'static str,
    pub map: Arc<DataMap>,
    /// Producers in deletion order: the place of each is its step's number.
    pub order: Vec<ProducerName>,
    pub holds: HoldView,
    pub key: DataKey,
    /// The rounds before that this one asks for what they named.
    pub earlier: Vec<EarlierRound>,
    pub opening: Vec<u8>,
    pub time_zone: String,
    pub batch_size: usize,
    /// How long the organization can restore what is hidden.
    pub window: Duration,
    /// Nothing is kept from an export but what is out of its scope: duties to keep data do not keep it from its person.
    pub for_export: bool,
    /// A producer that cannot be searched is named and passed over; otherwise the run fails by it.
    pub passes_over: bool,
    /// The largest record that can be hidden through the vault.
    pub largest_record: u64,
    pub in_scope: BTreeMap<ProducerName, Option<KeptBecause>>,
    /// Producers of which what stays is listed too, to be compared with what others find.
    pub compared: BTreeSet<ProducerName>,
    /// Producers that say whose their records are, and may find those of others, too: by the names of these.
    pub telling_others: BTreeMap<ProducerName, Vec<ProducerName>>,
    /// No page is asked for at or after this time, in milliseconds.
    pub stop_at: i64,
}

/// An earlier round, with its manifest's key. It may have gone by another data map, so its producers are known by name.
pub(super) struct EarlierRound {
    pub round: u32,
    pub key: DataKey,
    pub numbers: BTreeMap<ProducerName, u32>,
}

/// A producer's part of a round's manifest.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub round: u32,
    pub step: u32,
}

/// One way to a producer's records.
pub(super) enum Source<'a> {
    /// `tried_otherwise`: by the normal form of the same identifier as well.
    Identity {
        way: Way<'a>,
        but: Vec<Way<'a>>,
        via: u32,
        tried_otherwise: bool,
    },
    Parent {
        selection: &'a Selection,
        field: &'a str,
        parents: Part,
        which: Parents,
    },
    Again(Part),
}

impl Source<'_> {
    /// Whether both look for values of one selection.
    pub(super) fn is_of_the_same_selection(&self, other: &Source<'_>) -> bool {
        match (self, other) {
            (Source::Identity { way, .. }, Source::Identity { way: other, .. }) => std::ptr::eq(way.selection, other.selection),
            _ => false,
        }
    }
}

/// For each producer, the others that may find its records and say whose these are by what tells people apart.
pub(super) fn telling_others(map: &DataMap) -> BTreeMap<ProducerName, Vec<ProducerName>> {
    let tells = |producer: &Producer| producer.identifies.keys().any(|kind| map.tells_apart(kind));
    let mut all: BTreeMap<ProducerName, Vec<ProducerName>> = BTreeMap::new();
    for pair in overlaps(map) {
        for (one, other) in [(pair.first, pair.second), (pair.second, pair.first)] {
            if tells(other) {
                all.entry(one.name.clone()).or_default().push(other.name.clone());
            }
        }
    }
    all
}

/// Which parents of a manifest lead on; none that are about somebody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parents {
    /// All.
    All,
    /// Those with which their children stay.
    Staying,
    /// The others.
    Going,
}

impl Parents {
    pub(super) fn are(self, parent: &ManifestRecord) -> bool {
        let these = match self {
            Parents::All => true,
            Parents::Staying => parent.binds.is_some(),
            Parents::Going => parent.binds.is_none(),
        };
        these && !parent.anothers
    }
}

impl Run {
    /// A producer's number in this round.
    pub(super) fn step_of(&self, producer: &ProducerName) -> Result<u32> {
        let place = self.order.iter().position(|p| p == producer).and_then(|p| u32::try_from(p).ok());
        place.ok_or_else(|| EngineError::internal(format!("{producer} is not in the data map that this round goes by")))
    }

    pub(super) fn key_of(&self, round: u32) -> Option<&DataKey> {
        if round == self.round { Some(&self.key) } else { self.earlier.iter().find(|e| e.round == round).map(|e| &e.key) }
    }

    /// What the rounds before named of a producer.
    pub(super) fn before(&self, producer: &ProducerName) -> impl Iterator<Item = Part> {
        self.earlier.iter().filter_map(|e| e.numbers.get(producer).map(|step| Part { round: e.round, step: *step }))
    }

    /// Whether a record that a shared or mistaken identifier led to is, by its own words, about somebody else: as its producer
    /// reads them, or another one that may find it, too.
    pub(super) fn is_anothers(&self, producer: &Producer, fields: &Fields, via: u32) -> bool {
        let through = self.person.identifiers.get(via as usize);
        // One that tells people apart leads to its own, unless several have it.
        let meant = through.is_some_and(|r| self.map.tells_apart(&r.known.kind) && r.shut.is_none());
        let says = |(kind, field): (&IdentifierKind, &String)| self.names_another(kind, fields.all(field));
        !meant && (self.telling(producer).any(says) || self.told_by_others(producer, fields, through).any(says))
    }

    /// What other producers that may find a record, too, say of whose it is, by fields that tell people apart. Where nothing of a
    /// kind is known of the person, only those count that are looked up by what led to the record: what they say is known.
    fn told_by_others<'a>(
        &'a self,
        producer: &'a Producer,
        fields: &'a Fields,
        through: Option<&'a Resolved>,
    ) -> impl Iterator<Item = (&'a IdentifierKind, &'a String)> {
        let text = move |name: &str| fields.text(name).map(Cow::Borrowed);
        let others = self.others_telling(producer);
        let finding = others.filter(move |other| other.select.iter().any(|way| way.may_find(text)));
        let known = move |kind: &IdentifierKind| self.person.identifiers.iter().any(|r| r.known.kind == *kind);
        finding.flat_map(move |other| {
            let looked_up = through.is_some_and(|r| other.kinds().any(|kind| *kind == r.known.kind));
            self.telling(other).filter(move |(kind, _)| looked_up || known(kind))
        })
    }

    /// Whether all that a field names are others than the person. A record of several people is everybody's who is on it.
    fn names_another(&self, kind: &IdentifierKind, said: &[String]) -> bool {
        let said = said.iter().filter_map(|text| Identifier::parse(text).ok());
        let known = said.filter_map(|given| self.map.known(kind, given, self.country).ok());
        let known: Vec<Known> = known.filter(|known| !self.map.is_nobody(known)).collect();
        !known.is_empty() && known.iter().all(|known| self.person.is_another(known))
    }

    /// Other producers that say whose their records are, and may find those of one, too.
    fn others_telling<'a>(&'a self, producer: &'a Producer) -> impl Iterator<Item = &'a Producer> {
        self.telling_others.get(&producer.name).into_iter().flatten().filter_map(|name| self.map.producer(name))
    }

    /// The fields that tell whose a record of a producer is.
    pub(super) fn fields_telling_whose(&self, producer: &Producer) -> Vec<String> {
        let own = self.telling(producer).map(|(_, field)| field.clone());
        let of_others = self.others_telling(producer).flat_map(|other| {
            let found_by = other.select.iter().flat_map(Selection::telling_fields).map(str::to_owned);
            found_by.chain(self.telling(other).map(|(_, field)| field.clone())).collect::<Vec<_>>()
        });
        own.chain(of_others).collect()
    }

    /// Fields of a producer that tell people apart.
    pub(super) fn telling<'a>(&'a self, producer: &'a Producer) -> impl Iterator<Item = (&'a IdentifierKind, &'a String)> {
        producer.identifies.iter().filter(|(kind, _)| self.map.tells_apart(kind))
    }

    /// Fields that producers found through this one start from.
    pub(super) fn fields_for_children(&self, producer: &ProducerName) -> Vec<String> {
        let selections = self.map.producers.iter().filter(|p| self.in_scope.contains_key(&p.name)).flat_map(|p| &p.select);
        let fields = selections.filter_map(|s| match s.by() {
            SelectBy::Parent { producer: parent, field } if self.map.with_those_within(parent).contains(&producer) => {
                Some(field.clone())
            }
            _ => None,
        });
        let mut fields: Vec<String> = fields.collect();
        fields.sort();
        fields.dedup();
        fields
    }

    /// Whether a producer's records stay with what they are found through.
    pub(super) fn stays_with_parent(&self, producer: &Producer) -> bool {
        !self.for_export && self.map.stays_with_parent(producer)
    }

    /// Whether something that is found through a producer's records stays with them.
    pub(super) fn binds(&self, producer: &Producer) -> bool {
        let mut others = self.map.producers.iter().filter(|p| self.in_scope.contains_key(&p.name) && self.stays_with_parent(p));
        others.any(|child| self.map.parents(child).iter().any(|parent| parent.name == producer.name))
    }

    /// `unclear` are parents of which this round could not tell how all of those stand that an earlier one found.
    pub(super) fn sources<'a>(&'a self, producer: &'a Producer, unclear: &BTreeSet<ProducerName>) -> Result<Vec<Source<'a>>> {
        let stays = self.stays_with_parent(producer);
        let mut sources = Vec::new();
        // What any of its parents keeps stays: these come first, and what they lead to is found by them.
        for (_, selection) in producer.select_in_order().filter(|_| stays) {
            let SelectBy::Parent { producer: parent, field } = selection.by() else { continue };
            for parent in self.map.with_those_within(parent) {
                let now = Part { round: self.round, step: self.step_of(parent)? };
                let before = self.before(parent).filter(|_| unclear.contains(parent));
                let which = Parents::Staying;
                sources.extend(std::iter::once(now).chain(before).map(|parents| Source::Parent {
                    selection,
                    field,
                    parents,
                    which,
                }));
            }
        }
        let mut earlier: Vec<Way<'_>> = Vec::new();
        for (_, selection) in producer.select_in_order() {
            match selection.by() {
                SelectBy::Identity(kind) => {
                    let of_kind = self.person.selecting().filter(|(_, r)| r.known.kind == *kind);
                    let forms = of_kind.flat_map(|(place, r)| r.known.forms().map(move |form| (place, form, &r.known.normal)));
                    for (place, form, normal) in forms {
                        let tried_otherwise = form != normal;
                        let via = u32::try_from(place).unwrap_or(u32::MAX);
                        let way = Way { selection, value: form.expose() };
                        let but = earlier.iter().copied().chain(self.ways_of_others(producer, way)).collect();
                        sources.push(Source::Identity { way, but, via, tried_otherwise });
                        // An index may lack what its table has, and what a bound takes back nobody found.
                        if !selection.goes_by_index() && !selection.looks_at_others() {
                            earlier.push(way);
                        }
                    }
                }
                SelectBy::Parent { producer: parent, field } => {
                    // What a more specific producer has of the parent leads on, too.
                    for parent in self.map.with_those_within(parent) {
                        let now = Part { round: self.round, step: self.step_of(parent)? };
                        let others = if stays { Parents::Going } else { Parents::All };
                        // How those of earlier rounds stand now, this round says; what it does not know is gone.
                        let parts = self.before(parent).map(|part| (part, Parents::All)).chain([(now, others)]);
                        sources.extend(parts.map(|(parents, which)| Source::Parent { selection, field, parents, which }));
                    }
                }
            }
        }
        sources.extend(self.before(&producer.name).map(Source::Again));
        Ok(sources)
    }

    /// The ways by which producers that are more specific find what this way finds, too.
    pub(super) fn ways_of_others<'a>(&'a self, producer: &Producer, way: Way<'a>) -> Vec<Way<'a>> {
        let others = self.map.more_specific(producer, way.selection).into_iter();
        others.map(|selection| Way { selection, value: way.value }).collect()
    }

    /// Whether a record could be found twice, so that those found must be remembered.
    pub(super) fn may_repeat(&self, producer: &Producer) -> bool {
        let parents = producer.select.iter().filter_map(|s| match s.by() {
            SelectBy::Parent { producer, .. } => Some(self.map.with_those_within(producer).len()),
            SelectBy::Identity(_) => None,
        });
        let parents: usize = parents.sum();
        let by_other_than_key = producer.select.iter().any(|s| match s.by() {
            SelectBy::Parent { producer: parent, field } => self.map.producer(parent).is_none_or(|p| !p.location.is_key(field)),
            SelectBy::Identity(_) => false,
        });
        let by_name = |s: &Selection| match s {
            Selection::Objects(objects) => matches!(objects.by, SelectBy::Parent { .. }),
            Selection::Items(_) => false,
        };
        let named = producer.select.iter().any(by_name);
        let may_lack = |s: &Selection| s.goes_by_index() || s.looks_at_others();
        let by_index = producer.select.iter().take(producer.select.len().saturating_sub(1)).any(may_lack);
        !self.earlier.is_empty()
            || self.stays_with_parent(producer)
            || !producer.show_only.is_empty()
            || named
            || by_index
            || parents > 1
            || (parents == 1 && producer.select.len() > 1)
            || by_other_than_key
    }
}

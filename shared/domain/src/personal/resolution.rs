//! From the identifiers given to all that belong to the same person.
//!
//! Identifiers are the nodes of a graph, records are its edges: a record found through one says which others are on it.
//! Who searches the stores asks [`Resolver::next`] what to look up, and says by [`Resolver::learn`] what was there.

use super::{Ambiguity, Beside, Identifier, IdentifierKind, Known, Origin, Person, Resolved, Standing};
use crate::{
    datamap::{DataMap, SelectBy},
    ids::ProducerName,
};
use std::collections::{BTreeMap, BTreeSet};

/// Most identifiers of one person: the guards of all of them are taken together, in one transaction.
pub const MOST_IDENTIFIERS: usize = 20;

/// Most spellings of one identifier that are looked up.
const MOST_SPELLINGS: usize = 10;

/// How many values beside an identifier are remembered of each kind: two are enough to know that there are several.
const REMEMBERED: usize = 2;

/// Most steps from an identifier that was given to one that was found.
const MOST_STEPS: usize = 5;

/// Most people that are named behind one identifier that leads to several; that there are more is said.
const MOST_BEHIND: usize = 10;

/// Most of them behind all such identifiers.
const MOST_BEHIND_ALL: usize = 30;

/// A way to look an identifier up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lookup<'a> {
    /// The place of the producer in the map.
    pub producer: usize,
    /// The place of the selection in the producer.
    pub selection: usize,
    /// The identifier.
    pub known: &'a Known,
}

/// What one record says of whom it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The producer.
    pub producer: ProducerName,
    /// The identifiers that are on it.
    pub names: Vec<Known>,
    /// It is the one record of the kind's value: its whole key.
    pub own: Vec<IdentifierKind>,
}

struct Node {
    known: Known,
    origin: Origin,
    steps: usize,
    /// The request gives it.
    asked: bool,
    /// Named by a person, or taken over from a round that was decided: it selects, whatever leads where.
    settled: bool,
    named: bool,
    /// An earlier round found that it leads to nobody.
    shut: Option<Ambiguity>,
    /// Only records of an identifier that leads to several have it: it takes no room from the person's own.
    behind: bool,
    looked_up: bool,
    /// Some record was found through it.
    met: bool,
    /// It has a record of its own.
    own: bool,
    next_to: BTreeSet<usize>,
    others: Beside,
}

impl Node {
    fn new(known: Known, origin: Origin, steps: usize) -> Self {
        Self {
            known,
            origin,
            steps,
            asked: false,
            settled: false,
            named: false,
            shut: None,
            behind: false,
            looked_up: false,
            met: false,
            own: false,
            next_to: BTreeSet::new(),
            others: BTreeMap::new(),
        }
    }
}

fn found(record: &Seen, through: usize) -> Origin {
    Origin::Found { producer: record.producer.clone(), through }
}

/// Closes the set of a person's identifiers.
pub struct Resolver<'a> {
    map: &'a DataMap,
    nodes: Vec<Node>,
    confirm_found: bool,
    incomplete: bool,
}

impl<'a> Resolver<'a> {
    /// Starts from what was given, what an earlier round went by, and what somebody named.
    pub fn new<'k>(
        map: &'a DataMap,
        given: impl IntoIterator<Item = &'k Known>,
        earlier: Option<&Person>,
        named: &[Known],
        confirm_found: bool,
    ) -> Self {
        let mut resolver =
            Self { map, nodes: Vec::new(), confirm_found, incomplete: earlier.is_some_and(|before| before.incomplete) };
        for known in given {
            if let Some(place) = resolver.add(known.clone(), Origin::Given, 0) {
                resolver.nodes[place].asked = true;
            }
        }
        // Places stay what they were.
        for before in earlier.into_iter().flat_map(|e| &e.identifiers) {
            let place = resolver.place_of(&before.known).unwrap_or_else(|| {
                let behind = before.standing == Standing::Ambiguous(Ambiguity::BehindShared);
                resolver.nodes.push(Node { behind, ..Node::new(before.known.clone(), before.origin.clone(), 0) });
                resolver.nodes.len() - 1
            });
            let node = &mut resolver.nodes[place];
            node.settled |= before.standing == Standing::Selects;
            node.named |= before.named;
            node.shut = before.shut;
            for (kind, values) in &before.beside {
                node.others.entry(kind.clone()).or_default().extend(values.iter().cloned());
            }
            node.known.spelled_too(&before.known);
        }
        for known in named {
            let place = resolver.add(known.clone(), Origin::Given, 0);
            if let Some(node) = place.and_then(|p| resolver.nodes.get_mut(p)) {
                (node.settled, node.named) = (true, true);
            }
        }
        resolver
    }

    fn place_of(&self, known: &Known) -> Option<usize> {
        self.nodes.iter().position(|n| n.known.is(known))
    }

    fn add(&mut self, known: Known, origin: Origin, steps: usize) -> Option<usize> {
        let place = self.place_of(&known);
        if let Some(node) = place.and_then(|place| self.nodes.get_mut(place)) {
            if node.known.also.len() >= MOST_SPELLINGS {
                self.incomplete = true;
            } else if node.known.spelled_too(&known) {
                // A store that does not fold has the rest under this spelling.
                node.looked_up = false;
            }
        }
        if let Some(own) = place.filter(|place| !self.nodes[*place].behind) {
            return Some(own);
        }
        if self.nodes.iter().filter(|n| !n.behind).count() >= MOST_IDENTIFIERS || steps > MOST_STEPS {
            self.incomplete = true;
            return None;
        }
        if let Some(place) = place {
            self.nodes[place].behind = false;
            return Some(place);
        }
        self.nodes.push(Node::new(known, origin, steps));
        Some(self.nodes.len() - 1)
    }

    /// Notes whom an identifier leads to that leads to several.
    fn add_behind(&mut self, known: Known, origin: Origin, steps: usize) {
        if self.place_of(&known).is_some() {
            return;
        }
        let through = |origin: &Origin| match origin {
            Origin::Found { through, .. } => Some(*through),
            Origin::Given => None,
        };
        let behind = || self.nodes.iter().filter(|n| n.behind);
        let of_this = behind().filter(|n| through(&n.origin) == through(&origin)).count();
        if of_this >= MOST_BEHIND || behind().count() >= MOST_BEHIND_ALL {
            self.incomplete = true;
            return;
        }
        self.nodes.push(Node { behind: true, ..Node::new(known, origin, steps) });
    }

    /// The next identifier to look up, with every way to do so. Only producers that say who their records are about are
    /// asked.
    pub fn next(&self) -> Option<(usize, Vec<Lookup<'_>>)> {
        let followed = self.followed();
        let place = (0..self.nodes.len()).find(|place| !self.nodes[*place].looked_up && followed.contains(place))?;
        let known = &self.nodes[place].known;
        let asked = self.map.producers.iter().enumerate().filter(|(_, p)| !p.identifies.is_empty());
        let lookups = asked.flat_map(|(producer, p)| {
            let ways = p.select.iter().enumerate();
            let mine = ways.filter(|(_, s)| matches!(s.by(), SelectBy::Identity(kind) if *kind == known.kind));
            mine.map(move |(selection, _)| Lookup { producer, selection, known })
        });
        Some((place, lookups.collect()))
    }

    /// What the records found through an identifier say; `whole` unless there were more than are looked at.
    pub fn learn<'s>(&mut self, place: usize, seen: &'s [Seen], whole: bool) {
        self.incomplete |= !whole;
        let Some(node) = self.nodes.get_mut(place) else { return };
        node.looked_up = true;
        node.met |= !seen.is_empty();
        let known = node.known.clone();
        let steps = node.steps + 1;
        let apart = |kind: &IdentifierKind| self.map.tells_apart(kind);
        // A record of several people is nobody's own.
        let of_one = |s: &Seen| s.names.iter().all(|a| !apart(&a.kind) || s.names.iter().all(|b| a.kind != b.kind || a.is(b)));
        node.own |= seen.iter().any(|s| s.own.contains(&known.kind) && s.names.iter().any(|n| n.is(&known)) && of_one(s));
        let said = |record: &'s Seen| -> Vec<&'s Known> { record.names.iter().filter(|n| !self.map.is_nobody(n)).collect() };
        let records: Vec<(&Seen, Vec<&Known>)> = seen.iter().map(|record| (record, said(record))).collect();
        // Whether it leads on is known once all of them were seen.
        for (record, names) in &records {
            self.note(place, names);
            for same in names.iter().filter(|n| n.is(&known)) {
                self.add((*same).clone(), found(record, place), steps);
            }
        }
        for (record, names) in records {
            if let Some(why) = self.kept_out(place) {
                // Strangers of an identifier that means nobody would only flood the list.
                if why == Ambiguity::Shared {
                    let people: Vec<&Known> = names.into_iter().filter(|n| self.unique(&n.kind)).collect();
                    for name in people {
                        self.add_behind(name.clone(), found(record, place), steps);
                    }
                }
                continue;
            }
            let on_record: Vec<&Known> = names.iter().copied().chain([&known]).collect();
            for name in names.into_iter().filter(|n| !n.is(&known)) {
                // A record of several people leads from what they share to none of them.
                let alike = |other: &&&Known| other.kind == name.kind && !other.is(name);
                if name.kind != known.kind && self.unique(&name.kind) && on_record.iter().any(|other| alike(&other)) {
                    self.add_behind(name.clone(), found(record, place), steps);
                    continue;
                }
                let Some(other) = self.add(name.clone(), found(record, place), steps) else { continue };
                // Who is on the record where it was found is known of it, too.
                self.note(other, &on_record);
                // Two of a kind that tells people apart are two people, whatever record has both.
                if !(self.unique(&known.kind) && name.kind == known.kind) {
                    self.nodes[place].next_to.insert(other);
                }
            }
        }
    }

    fn note(&mut self, place: usize, names: &[&Known]) {
        for name in names {
            self.nodes[place].others.entry(name.kind.clone()).or_default().insert(name.normal.clone());
        }
    }

    fn unique(&self, kind: &IdentifierKind) -> bool {
        self.map.tells_apart(kind)
    }

    /// Why an identifier cannot lead on, by what is on the records with it, and on those of whatever is on these. Naming
    /// one that several share makes it the person's, and nobody else who has it.
    fn kept_out(&self, place: usize) -> Option<Ambiguity> {
        let node = &self.nodes[place];
        let several = |kind: &&IdentifierKind| node.others.get(*kind).is_some_and(|values| values.len() > 1);
        let others = || node.others.keys().filter(|kind| **kind != node.known.kind);
        if node.settled && self.unique(&node.known.kind) {
            // Whoever says that it is the person's says nothing of the others who have it.
            let of_several = node.named && others().any(|kind| self.unique(kind) && several(&kind));
            return of_several.then_some(Ambiguity::NobodyInParticular);
        }
        if node.shut.is_some() {
            return node.shut;
        }
        if self.is_contradicted(place) {
            return Some(Ambiguity::BehindShared);
        }
        if self.unique(&node.known.kind) {
            // Two are two people, whatever they share.
            let alike = |other: &Node| other.asked && other.known.kind == node.known.kind && !other.known.is(&node.known);
            if node.asked && self.nodes.iter().any(alike) {
                return Some(Ambiguity::Unmet);
            }
            let of_nobody = others().any(|kind| several(&kind)) && !node.own;
            return of_nobody.then_some(Ambiguity::NobodyInParticular);
        }
        others().any(|kind| self.unique(kind) && (several(&kind) || self.leads_apart(place, kind))).then_some(Ambiguity::Shared)
    }

    /// Whether an identifier that was found is somebody else's, whatever led to it: the person has another of its kind, of
    /// which two are two people.
    fn is_contradicted(&self, place: usize) -> bool {
        let node = &self.nodes[place];
        let theirs = |other: &Node| other.settled && other.known.kind == node.known.kind && !other.known.is(&node.known);
        self.unique(&node.known.kind) && !node.settled && !node.asked && self.nodes.iter().any(theirs)
    }

    /// Whether what is on the records with an identifier is of somebody else than the identifier is, by a kind that tells
    /// people apart.
    fn leads_apart(&self, place: usize, kind: &IdentifierKind) -> bool {
        let own = self.owners(place, kind);
        own.len() > 1
            || self.beside(place).into_iter().any(|other| {
                let theirs = self.owners(other, kind);
                theirs.len() == 1 && own.len() == 1 && theirs != own
            })
    }

    /// Whose an identifier is, of a kind that tells people apart: who is on the records with it; if nobody is, who is on
    /// the records of those beside it.
    fn owners(&self, place: usize, kind: &IdentifierKind) -> BTreeSet<&Identifier> {
        let direct = |place: usize| self.nodes[place].others.get(kind).filter(|values| !values.is_empty());
        if let Some(own) = direct(place) {
            return own.iter().collect();
        }
        let (mut reached, mut open, mut owners) = (BTreeSet::from([place]), vec![place], BTreeSet::new());
        while let Some(place) = open.pop() {
            for next in self.beside(place).into_iter().filter(|next| reached.insert(*next)) {
                match direct(next) {
                    // One that several share says nothing of what is beside it.
                    Some(theirs) if theirs.len() == 1 => owners.extend(theirs),
                    Some(_) => {}
                    None => open.push(next),
                }
            }
        }
        owners
    }

    /// Identifiers on records with this one, of kinds that people may share.
    fn beside(&self, place: usize) -> BTreeSet<usize> {
        let here = self.nodes[place].next_to.iter().copied();
        let there = (0..self.nodes.len()).filter(|other| self.nodes[*other].next_to.contains(&place));
        let shareable = |place: &usize| !self.unique(&self.nodes[*place].known.kind) && self.nodes[*place].shut.is_none();
        here.chain(there).filter(shareable).collect()
    }

    /// What is reached from those given, named or settled, through identifiers that lead on.
    fn followed(&self) -> BTreeSet<usize> {
        let root = |place: &usize| {
            let node = &self.nodes[*place];
            node.origin == Origin::Given || node.settled && (self.kept_out(*place).is_some() || self.upheld(*place))
        };
        self.reached((0..self.nodes.len()).filter(root).collect())
    }

    /// Whether what an earlier round searched by is the person's still: nothing says that it leads to somebody else, and
    /// somebody who is the person was beside it, or what led to it has not become somebody else's either.
    fn upheld(&self, place: usize) -> bool {
        let node = &self.nodes[place];
        if !node.settled {
            return false;
        }
        if node.named || self.unique(&node.known.kind) {
            return true;
        }
        let theirs = |kind: &IdentifierKind, value: &Identifier| {
            self.unique(kind) && self.nodes.iter().any(|n| n.settled && n.known.kind == *kind && n.known.normal == *value)
        };
        let beside_them = || node.others.iter().any(|(kind, values)| values.iter().any(|value| theirs(kind, value)));
        self.kept_out(place).is_none()
            && match node.origin {
                Origin::Given => true,
                Origin::Found { through, .. } => beside_them() || self.kept_out(through).is_none() && self.leads(through),
            }
    }

    fn leads(&self, place: usize) -> bool {
        self.nodes[place].origin == Origin::Given || self.upheld(place)
    }

    /// These, and what identifiers that lead on lead to from them.
    fn reached(&self, mut reached: BTreeSet<usize>) -> BTreeSet<usize> {
        let mut open: Vec<usize> = reached.iter().copied().collect();
        while let Some(place) = open.pop() {
            if self.kept_out(place).is_none() {
                open.extend(self.nodes[place].next_to.iter().filter(|next| reached.insert(**next)));
            }
        }
        reached
    }

    /// The person, once nothing is left to look up.
    pub fn person(self) -> Person {
        let followed = self.followed();
        let unmet = self.unmet();
        let standing = |place: usize, node: &Node| {
            let found = node.origin != Origin::Given;
            // What was searched by may have become somebody else's too; what somebody named is the person's.
            let why = if node.named || self.upheld(place) {
                None
            } else if node.shut.is_some() {
                node.shut
            } else if !followed.contains(&place) {
                Some(Ambiguity::BehindShared)
            } else {
                let unconfirmed = (found && self.confirm_found).then_some(Ambiguity::Unconfirmed);
                self.kept_out(place).or_else(|| unmet.contains(&place).then_some(Ambiguity::Unmet)).or(unconfirmed)
            };
            why.map_or(Standing::Selects, Standing::Ambiguous)
        };
        let seen = |(place, node)| {
            let standing: Standing = standing(place, node);
            (standing, standing.ambiguity().or_else(|| self.kept_out(place)))
        };
        let seen: Vec<(Standing, Option<Ambiguity>)> = self.nodes.iter().enumerate().map(seen).collect();
        let few = |(kind, values): (_, BTreeSet<Identifier>)| (kind, values.into_iter().take(REMEMBERED).collect());
        let resolved = |(node, (standing, shut)): (Node, (Standing, Option<Ambiguity>))| Resolved {
            known: node.known,
            origin: node.origin,
            standing,
            named: node.named,
            shut,
            beside: node.others.into_iter().map(few).collect(),
        };
        Person { identifiers: self.nodes.into_iter().zip(seen).map(resolved).collect(), incomplete: self.incomplete }
    }

    /// Identifiers, with what was found through them, that were given together and do not meet, where the map can tell.
    /// Beside an address that nobody has, whoever is given by such a kind is meant; an address beside an id that nobody has
    /// may be anybody's, where somebody has the address.
    fn unmet(&self) -> BTreeSet<usize> {
        let given = |place: &usize| self.nodes[*place].origin == Origin::Given;
        let mut groups: Vec<BTreeSet<usize>> = Vec::new();
        for place in (0..self.nodes.len()).filter(given) {
            let mut reached = self.reached(BTreeSet::from([place]));
            reached.extend((0..self.nodes.len()).filter(|other| given(other) && self.is_beside(place, *other)));
            let (near, mut far): (Vec<_>, Vec<_>) = groups.into_iter().partition(|group| !group.is_disjoint(&reached));
            far.push(near.into_iter().fold(reached, |mut all, group| {
                all.extend(group);
                all
            }));
            groups = far;
        }
        let kinds = |group: &BTreeSet<usize>| -> Vec<IdentifierKind> {
            group.iter().filter(|place| given(place)).map(|place| self.nodes[*place].known.kind.clone()).collect()
        };
        let linked = self.linked_kinds();
        let could_meet = |a: &BTreeSet<usize>, b: &BTreeSet<usize>| {
            kinds(a).iter().any(|x| kinds(b).iter().any(|y| linked.get(x).is_some_and(|l| linked.get(y) == Some(l))))
        };
        // What an earlier round went by had records then; to name one gives it none.
        let met = |group: &BTreeSet<usize>| {
            group.iter().any(|place| self.nodes[*place].met || self.nodes[*place].settled && !self.nodes[*place].named)
        };
        let apart: Vec<&BTreeSet<usize>> = groups.iter().filter(|a| groups.iter().any(|b| a != &b && could_meet(a, b))).collect();
        let unique = |group: &BTreeSet<usize>| kinds(group).iter().any(|kind| self.unique(kind));
        let with_records = apart.iter().filter(|group| met(group)).count();
        let only_unique = apart.iter().filter(|group| unique(group)).count() == 1;
        let meant = |group: &&&BTreeSet<usize>| match with_records {
            // No record says whose any of them is: nothing contradicts the one that is of one person.
            0 => only_unique && unique(group),
            1 => met(group) && unique(group),
            _ => false,
        };
        // What somebody named, or an earlier round went by, stands with what it leads to; that says nothing of the others.
        let settled = |group: &&&BTreeSet<usize>| group.iter().any(|place| self.nodes[*place].settled);
        apart.iter().filter(|group| !meant(group) && !settled(group)).flat_map(|group| group.iter().copied()).collect()
    }

    /// Whether a record has both, also where neither leads on. Two of a kind that tells people apart are two people.
    fn is_beside(&self, place: usize, other: usize) -> bool {
        let Known { kind, normal, .. } = &self.nodes[other].known;
        let apart = self.unique(kind) && self.nodes[place].known.kind == *kind;
        !apart && self.nodes[place].others.get(kind).is_some_and(|values| values.contains(normal))
    }

    /// Kinds that some producer has together on its records, by the first of their group.
    fn linked_kinds(&self) -> BTreeMap<IdentifierKind, IdentifierKind> {
        let mut groups: Vec<BTreeSet<IdentifierKind>> = Vec::new();
        for producer in self.map.producers.iter().filter(|p| !p.identifies.is_empty()) {
            let mut kinds: BTreeSet<IdentifierKind> = producer.identifies.keys().chain(producer.kinds()).cloned().collect();
            groups.retain(|group| {
                let apart = group.is_disjoint(&kinds);
                if !apart {
                    kinds.extend(group.iter().cloned());
                }
                apart
            });
            groups.push(kinds);
        }
        let firsts = groups.iter().filter_map(|group| group.first().map(|first| (group, first)));
        firsts.flat_map(|(group, first)| group.iter().map(|kind| (kind.clone(), first.clone()))).collect()
    }
}

#[cfg(test)]
#[path = "resolution_tests.rs"]
mod tests;

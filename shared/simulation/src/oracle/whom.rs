//! Who is meant: what the map can tell from what stands, and what it could ever have told.
//!
//! The map *can tell* one identifier from another where a row that stands as it was put there before anybody came carries
//! both, in fields that its producer says identify the person, and is found by the first; where each identifier on the way
//! was never on a row of two people, nor beside one that was; and where no table on the way was ever out of use. Whatever
//! else led from one to the other may have been there when the engine looked, or not.

use super::seen::Seen;
use crate::world::{
    WorldState,
    cast::Fields,
    map::{DEVICE, EMAIL, ID, Map, NOBODY, Name, Produces, Way, Who},
};
use std::collections::{BTreeMap, BTreeSet};

/// Most steps from what is given to what is found.
const STEPS: usize = 5;

/// What the map can tell of whoever is named.
#[derive(Debug, Clone, Default)]
pub struct Told {
    /// Identifiers that are theirs.
    pub theirs: Who,
    /// Those of them by which records are found.
    pub selecting: Who,
    /// Those that find nothing until somebody names them: they lead to several people, or do not meet.
    pub silent: Who,
}

fn field_of(kind: &str) -> &'static str {
    match kind {
        ID => "owner",
        EMAIL => "email",
        _ => "device",
    }
}

fn value(fields: &Fields, field: &str) -> Option<String> {
    fields.get(field).filter(|v| !NOBODY.contains(&v.as_str())).cloned()
}

/// Ways by which a producer that says whose its records are is searched by a kind.
fn asked<'a>(producer: &'a Produces, kind: &'a str) -> impl Iterator<Item = &'static str> + 'a {
    let by = producer.ways.iter().filter_map(move |w| if let Way::By(k, a) = w { (*k == kind).then_some(*a) } else { None });
    by.filter(|_| !producer.says.is_empty())
}

impl WorldState {
    /// Values of a kind that were ever written beside an identifier.
    fn ever_beside(&self, organization: &str, name: &Name, kind: &str) -> BTreeSet<String> {
        let mine = self.shop.written.iter().filter(|(place, _)| self.owner_of(place).is_some_and(|s| s.name == organization));
        let with = mine.flat_map(|(_, all)| all).filter(|fields| fields.get(field_of(name.0)) == Some(&name.1));
        with.filter_map(|fields| value(fields, field_of(kind))).collect()
    }

    fn may_lead_to_several(&self, organization: &str, name: &Name) -> bool {
        match name.0 {
            ID => [EMAIL, DEVICE].iter().any(|kind| self.ever_beside(organization, name, kind).len() > 1),
            _ => self.ids_around(organization, name).len() > 1,
        }
    }

    /// Ids that were ever written beside an address or a device, or beside others that were written beside it.
    fn ids_around(&self, organization: &str, name: &Name) -> BTreeSet<String> {
        let (mut reached, mut open, mut ids) = (BTreeSet::from([name.clone()]), vec![name.clone()], BTreeSet::new());
        while let Some(name) = open.pop() {
            ids.extend(self.ever_beside(organization, &name, ID));
            for kind in [EMAIL, DEVICE] {
                let beside = self.ever_beside(organization, &name, kind).into_iter().map(|value| (kind, value));
                open.extend(beside.filter(|next| reached.insert(next.clone())));
            }
        }
        ids
    }

    /// What stands since before anybody came, and is found by a name in a producer that says whose its records are.
    fn standing_by<'a>(&'a self, map: &'a Map, name: &'a Name) -> impl Iterator<Item = (&'a Produces, &'a String, &'a Fields)> {
        let usable = map.producers.iter().filter(|p| !self.was_unusable(&p.place));
        usable.flat_map(move |p| {
            let rows = self.shop.tables.get(&p.place).into_iter().flatten();
            let untouched = rows.filter(|(key, row)| row.written_ms <= self.cast.filled_ms && !self.was_refused(&p.place, key));
            let found = untouched.filter(|(_, row)| asked(p, name.0).any(|a| row.fields.get(a) == Some(&name.1)));
            found.map(move |(key, row)| (p, key, &row.fields))
        })
    }

    fn said(producer: &Produces, fields: &Fields) -> Vec<Name> {
        producer.says.iter().filter_map(|(kind, field)| Some((*kind, value(fields, field)?))).collect()
    }

    /// It has a row of its own: its key.
    fn is_own(&self, map: &Map, name: &Name) -> bool {
        self.standing_by(map, name).any(|(p, key, _)| *key == name.1 && p.says.contains(&(name.0, "id")))
    }

    fn leads_on(&self, organization: &str, map: &Map, name: &Name, named: &Who) -> bool {
        named.0.contains(name) || !self.may_lead_to_several(organization, name) || (name.0 == ID && self.is_own(map, name))
    }

    /// What the map can tell of whoever is given and named.
    pub fn told(&self, organization: &str, map: &Map, given: &Who, named: &Who) -> Told {
        let mut theirs = given.and(named);
        let mut edge = theirs.clone();
        for _ in 0..STEPS {
            let mut next = Who::default();
            for name in edge.0.iter().filter(|name| self.leads_on(organization, map, name, named)) {
                for (producer, _, fields) in self.standing_by(map, name) {
                    next.0.extend(Self::said(producer, fields).into_iter().filter(|n| !theirs.0.contains(n)));
                }
            }
            theirs = theirs.and(&next);
            edge = next;
        }
        let looked = theirs.clone();
        // Two ids are two people: one that is found beside another that was said to be theirs may be somebody else's.
        let said = given.and(named);
        theirs.0.retain(|(kind, id)| *kind != ID || said.of(ID).next().is_none() || said.of(ID).any(|own| own == id));
        // An id that is found, and may be that of nobody in particular, is nobody's.
        theirs.0.retain(|name| given.0.contains(name) || name.0 != ID || self.leads_on(organization, map, name, named));
        let mut selecting = theirs.clone();
        selecting.0.retain(|name| self.leads_on(organization, map, name, named));
        let identifies = map.producers.iter().any(|p| !p.says.is_empty());
        let ids: Vec<Name> = given.0.iter().filter(|name| name.0 == ID).cloned().collect();
        // Two ids are two people, whatever map there is.
        let several = Who(if ids.len() > 1 { ids.into_iter().collect() } else { BTreeSet::new() });
        if !several.0.is_empty() || identifies && !self.all_meet(organization, map, given, named) {
            selecting = named.clone();
        }
        let shared = |name: &&Name| name.0 != ID && self.people_behind(map, name) > 1;
        let silent = looked.0.iter().filter(shared).cloned().collect();
        let silent = Who(silent).and(&self.apart(organization, map, given)).and(&several);
        Told { theirs, selecting, silent: silent.but(named) }
    }

    /// People on what is found by a name and stands.
    fn people_behind(&self, map: &Map, name: &Name) -> usize {
        let rows = self.standing_by(map, name).filter_map(|(p, _, fields)| {
            let field = p.says.iter().find(|(kind, _)| *kind == ID)?.1;
            value(fields, field)
        });
        rows.collect::<BTreeSet<String>>().len()
    }

    /// Identifiers on records that say of nobody in particular whose they are, and have somebody's name: they may be that
    /// person's, where no record tells now that the name is somebody else's, too.
    pub fn led_to_by_nobody(&self, organization: &str, given: &Who) -> Who {
        let mut meant = self.people_named(given);
        let maps = self.shop_named(organization).map(|s| s.maps.as_slice()).unwrap_or_default();
        let mut led = Who::default();
        for producer in
            maps.iter().flat_map(|m| &m.producers).cycle().take(STEPS * maps.iter().map(|m| m.producers.len()).sum::<usize>())
        {
            let Some((_, whose)) = producer.says.iter().find(|(kind, _)| *kind == ID) else { continue };
            for row in self.shop.tables.get(&producer.place).into_iter().flat_map(BTreeMap::values) {
                let by = |name: &&Name| asked(producer, name.0).any(|a| row.fields.get(a) == Some(&name.1));
                let told = |name: &&Name| self.ids_beside(maps, name).iter().all(|id| meant.has(ID, Some(id)));
                if value(&row.fields, whose).is_none() && meant.0.iter().filter(by).any(|name| told(&name)) {
                    led.0.extend(Self::said(producer, &row.fields));
                }
            }
            meant = meant.and(&led);
        }
        led
    }

    /// Ids on the records that stand, and are found by a name.
    fn ids_beside(&self, maps: &[Map], (kind, name): &Name) -> BTreeSet<String> {
        let producers = maps.iter().flat_map(|m| &m.producers);
        let found = producers.flat_map(|producer| {
            let rows = self.shop.tables.get(&producer.place).into_iter().flat_map(BTreeMap::values);
            rows.filter(|row| asked(producer, kind).any(|a| row.fields.get(a) == Some(name)))
                .flat_map(|row| Self::said(producer, &row.fields))
        });
        found.filter(|(kind, _)| *kind == ID).map(|(_, id)| id).collect()
    }

    /// Whether one of those given leads to all others, and to whatever was named.
    fn all_meet(&self, organization: &str, map: &Map, given: &Who, named: &Who) -> bool {
        let Some(first) = given.0.iter().find(|name| !named.0.contains(*name)) else { return true };
        let mut reached = BTreeSet::from([first.clone()]);
        for _ in 0..STEPS {
            let from: Vec<Name> = reached.iter().filter(|n| self.leads_on(organization, map, n, named)).cloned().collect();
            for name in from {
                reached.extend(self.standing_by(map, &name).flat_map(|(p, _, fields)| Self::said(p, fields)));
            }
        }
        given.0.union(&named.0).all(|name| reached.contains(name))
    }

    /// Of those given, those that could have met, have records each, and never did.
    fn apart(&self, organization: &str, map: &Map, given: &Who) -> Who {
        let alone = |name: &Name| Who([name.clone()].into());
        let kinds = |p: &Produces| -> BTreeSet<&str> {
            let by = p.ways.iter().filter_map(|w| if let Way::By(kind, _) = w { Some(*kind) } else { None });
            by.chain(p.says.iter().map(|(kind, _)| *kind)).collect()
        };
        let linked =
            |a: &str, b: &str| map.producers.iter().any(|p| !p.says.is_empty() && kinds(p).contains(a) && kinds(p).contains(b));
        let met = |name: &Name| self.standing_by(map, name).next().is_some();
        let led_to: Vec<Who> = given.0.iter().map(|name| self.possibly(organization, &alone(name))).collect();
        // A third of them may lead to both.
        let never = |a: &Name, b: &Name| {
            let (a, b) = (self.possibly(organization, &alone(a)), self.possibly(organization, &alone(b)));
            !led_to.iter().any(|both| both.meets(&a) && both.meets(&b))
        };
        let unmet = |a: &&Name| {
            let mut others = given.0.iter().filter(|b| b != a);
            others.any(|b| linked(a.0, b.0) && met(a) && met(b) && never(a, b))
        };
        Who(given.0.iter().filter(unmet).cloned().collect())
    }

    /// All that any map could ever have told of whoever is named.
    pub fn possibly(&self, organization: &str, from: &Who) -> Who {
        let mut reached = from.clone();
        let maps = self.shop_named(organization).map(|s| s.maps.as_slice()).unwrap_or_default();
        loop {
            let before = reached.0.len();
            for producer in maps.iter().flat_map(|m| &m.producers).filter(|p| !p.says.is_empty()) {
                for fields in self.shop.written.get(&producer.place).into_iter().flatten() {
                    let by = |name: &Name| asked(producer, name.0).any(|a| fields.get(a) == Some(&name.1));
                    if reached.0.iter().any(by) {
                        reached.0.extend(Self::said(producer, fields));
                    }
                }
            }
            if reached.0.len() == before {
                return reached;
            }
        }
    }

    /// Everybody who has one of these names, with all their names, by the world's own register.
    pub fn people_named(&self, names: &Who) -> Who {
        let theirs = self.cast.people.iter().filter(|p| p.meets(names));
        theirs.fold(names.clone(), |all, person| all.and(person))
    }
}

impl Seen {
    /// What it gives, and what the map could tell of it before an instant.
    pub fn theirs(&self, before: u64) -> Who {
        let told = self.known.iter().filter(|(_, at)| **at < before).map(|(name, _)| name.clone());
        self.asked.who.and(&Who(told.collect()))
    }

    fn carried_out(&self) -> impl Iterator<Item = &Told> {
        self.told.iter().filter(|(round, _)| self.hiding_since.contains_key(round)).map(|(_, told)| told)
    }

    /// By what the rounds that were carried out surely searched. What one of them may have found to lead to several, or not
    /// to meet, finds nothing later either, whatever the map says then, until somebody names it.
    pub fn selecting(&self) -> Who {
        let (mut sure, mut doubted) = (Who::default(), Who::default());
        for told in self.carried_out() {
            let now = told.selecting.but(&doubted.but(&self.surely_named));
            doubted = doubted.and(&self.asked.who.and(&told.theirs).but(&now));
            sure = sure.and(&now);
        }
        sure
    }

    /// By what the last look surely searched.
    pub fn selecting_still(&self) -> Who {
        self.told.values().next_back().map(|told| told.selecting.clone()).unwrap_or_default()
    }

    /// Whom the rounds that were carried out surely knew.
    pub fn knew(&self) -> Who {
        self.carried_out().fold(self.asked.who.clone(), |all, told| all.and(&told.theirs))
    }

    /// Whether two requests are about one person, as far as the map can tell.
    pub fn same_person(&self, other: &Seen) -> bool {
        self.asked.organization == other.asked.organization && self.theirs(u64::MAX).meets(&other.theirs(u64::MAX))
    }

    /// What it gives and what a reviewer named, but for what surely finds nothing in a round.
    pub fn roots(&self, round: u32) -> Who {
        self.asked.who.but(&self.silent(round)).and(&self.named)
    }

    /// What finds nothing in a round until somebody names it.
    pub fn silent(&self, round: u32) -> Who {
        let mut silent = self.told.get(&round).map(|t| t.silent.clone()).unwrap_or_default();
        for (_, told) in self.told.range(..round) {
            silent.0.retain(|name| told.silent.0.contains(name));
        }
        silent.but(&self.named)
    }
}

//! Holds: in force from the answer to their placing, to the call that releases them.

use super::{hides::is_narrower, seen::Seen};
use crate::{
    promise,
    stores::{Deed, bucket_of},
    world::{
        World, WorldState,
        cast::Fields,
        map::{EMAIL, ID, Map, Name, Produces, Way, Who},
    },
};
use std::collections::{BTreeMap, BTreeSet};

/// A hold, as whoever placed it knows it.
#[derive(Debug, Clone, Default)]
pub struct HoldSeen {
    pub organization: String,
    /// None: everybody.
    pub who: Option<Who>,
    /// It is written in capitals.
    pub loud: bool,
    /// What the map could tell of them when somebody had looked, and the instant from which it counts.
    pub known: BTreeMap<Name, u64>,
    /// None: every category.
    pub categories: Vec<String>,
    pub answered: Option<u64>,
    pub released: Option<u64>,
    /// Its release was answered.
    pub release_asked: bool,
}

/// How a hold covers a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cover {
    /// Only a name on the record says so, and nothing tells that it is of the same person.
    Untold,
    /// The map tells that both name one person.
    Told,
    /// Both name one identifier, or the hold is on everybody.
    Plainly,
}

impl Cover {
    /// Whoever is to keep the hold can know of it.
    pub fn counts(cover: Option<Self>) -> bool {
        matches!(cover, Some(Self::Told | Self::Plainly))
    }
}

impl HoldSeen {
    /// In force now, and answered before this instant.
    fn since(&self, before: u64) -> bool {
        self.answered.is_some_and(|at| at < before) && self.released.is_none()
    }

    fn is_on(&self, state: &WorldState, seen: &Seen, category: &str) -> bool {
        let named = || {
            let map = state.map_of(seen);
            with_what_follows(&map, &self.categories).contains(category)
        };
        self.organization == seen.asked.organization && (self.categories.is_empty() || named())
    }

    fn covers(&self, state: &WorldState, seen: &Seen, category: &str, fields: &Fields, before: u64) -> Option<Cover> {
        if !self.is_on(state, seen, category) {
            return None;
        }
        let Some(who) = &self.who else { return Some(Cover::Plainly) };
        if who.meets(&seen.asked.who) {
            return Some(Cover::Plainly);
        }
        let known = self.known.iter().filter(|(_, at)| **at < before).map(|(name, _)| name.clone());
        if who.and(&Who(known.collect())).meets(&seen.theirs(before)) {
            return Some(Cover::Told);
        }
        let carries = |field: &str, kind: &str| who.has(kind, fields.get(field));
        (carries("owner", ID) || carries("email", EMAIL)).then_some(Cover::Untold)
    }

    /// Whether it can be that somebody knows of both that they are about one person.
    fn may_cover(&self, state: &WorldState, seen: &Seen, category: &str) -> bool {
        let asked = || state.possibly(&self.organization, &seen.asked.who.and(&seen.named));
        let mine = |who: &Who| state.possibly(&self.organization, who);
        self.is_on(state, seen, category) && self.who.as_ref().is_none_or(|who| mine(who).meets(&asked()))
    }
}

/// These categories, and what lies within their producers or stays with their records, and so on.
fn with_what_follows(map: &Map, categories: &[String]) -> BTreeSet<String> {
    let mut all: BTreeSet<String> = categories.iter().cloned().collect();
    loop {
        let of = |p: &Produces| all.contains(&p.category);
        let within = |p: &Produces| map.producers.iter().any(|outer| is_narrower(p, outer) && of(outer));
        let parents = |p: &Produces| p.ways.iter().filter_map(Way::parent).filter_map(|(of, _)| map.producer(of)).any(of);
        let follows = |p: &&Produces| !of(p) && (within(p) || p.with_parent && parents(p));
        let Some(more) = map.producers.iter().find(follows).map(|p| p.category.clone()) else { return all };
        all.insert(more);
    }
}

/// How a record of a request is held by what was answered before this instant.
pub fn held(state: &WorldState, seen: &Seen, category: &str, fields: &Fields, before: u64) -> Option<Cover> {
    let in_force = state.oracle.holds.values().filter(|h| h.since(before));
    in_force.filter_map(|h| h.covers(state, seen, category, fields, before)).max()
}

/// Whether a hold that was not released before this instant may cover what is found of a request.
pub fn held_since(state: &WorldState, seen: &Seen, category: &str, since: u64) -> bool {
    let lasted = |h: &&HoldSeen| h.released.is_none_or(|at| at >= since);
    state.oracle.holds.values().filter(lasted).any(|h| h.may_cover(state, seen, category))
}

/// Whether a hold in force may cover what is found of a request.
pub fn held_now(state: &WorldState, seen: &Seen, category: &str) -> bool {
    let in_force = state.oracle.holds.values().filter(|h| h.since(state.instant + 1));
    in_force.into_iter().any(|h| h.may_cover(state, seen, category))
}

/// Somebody looked, from a time on, whom a hold is about: it goes by all that the map can tell. What stands as it always
/// did stood then, too; and whichever of the maps since was looked into says so.
pub fn resolved(state: &mut WorldState, n: u128, began: u64) {
    let Some(hold) = state.oracle.holds.get(&n).filter(|h| h.released.is_none()) else { return };
    let Some(who) = hold.who.clone().filter(|_| hold.answered.is_some_and(|at| at < began)) else { return };
    let Some(shop) = state.shop_named(&hold.organization) else { return };
    let maps = shop.maps.iter().filter(|m| !m.producers.is_empty());
    let told = maps.map(|map| state.told(&shop.name, map, &who, &Who::default()).theirs);
    let told = told.reduce(|a, b| Who(a.0.intersection(&b.0).cloned().collect())).unwrap_or_default();
    let instant = state.instant;
    if let Some(hold) = state.oracle.holds.get_mut(&n) {
        for name in told.0 {
            hold.known.entry(name).or_insert(instant);
        }
    }
}

/// While holds are in force and nothing is under way: what was hidden as they were placed is back, or it is not known
/// who removed it.
pub fn while_held(world: &World) {
    let mut state = world.lock();
    let mut broken = Vec::new();
    for (id, seen) in &state.oracle.requests {
        let mut gone: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        for ((place, key, _), hid) in &seen.hidden {
            let Some(producer) = state.producer_of(id, seen, hid.batch.0, hid.batch.1) else { continue };
            let plainly = Cover::counts(held(&state, seen, &producer.category, &Fields::new(), hid.instant));
            let moved_on = || {
                let later = state.shop.effects.iter().rev().take_while(|e| e.instant >= hid.instant);
                later.clone().any(|e| (&e.place, &e.key) == (place, key) && matches!(e.deed, Deed::AppWrote | Deed::AppDeleted))
            };
            if plainly && !state.is_refused(place, key) && !moved_on() {
                *gone.entry((hid.batch.0, hid.batch.1)).or_default() += 1;
            }
        }
        for (round, step, item) in state.steps_of(&seen.asked.organization, id) {
            let uncertain = super::seen::number(item, "uncertain");
            let failed = super::seen::number(item, "failed_batches") > 0 || seen.phase == "failed";
            let count = gone.get(&(round, step)).copied().unwrap_or_default();
            if count > uncertain && !failed {
                broken.push(format!("{id}: {count} records hidden under a hold are away, {uncertain} accounted for"));
            }
        }
    }
    for how in broken {
        state.broke(promise::HELD_KEPT_AWAY, || how);
    }
}

impl WorldState {
    /// The world refuses this record now.
    pub(super) fn is_refused(&self, place: &str, key: &str) -> bool {
        let record = (place.to_owned(), key.to_owned());
        let for_now = |until: Option<&i64>| until.is_some_and(|u| *u > self.now_ms);
        for_now(self.shop.refused.get(&record)) || for_now(self.shop.unusable.get(place)) || self.shop.endless.contains(&record)
    }

    /// The world refused this record, now or before.
    pub(super) fn was_refused(&self, place: &str, key: &str) -> bool {
        let record = (bucket_of(place).to_owned(), key.to_owned());
        self.shop.refused.contains_key(&record) || self.was_unusable(place) || self.shop.endless.contains(&record)
    }

    /// This table or bucket could not be used, now or before.
    pub(super) fn was_unusable(&self, place: &str) -> bool {
        self.shop.unusable.contains_key(bucket_of(place))
    }
}

//! Uploads that nobody finished: a producer of their own beside that of the objects, which the world's map does not name.

use super::before_destroying;
use crate::{
    promise,
    stores::uploads_of,
    world::{
        WorldState,
        map::{Map, Produces},
    },
};

/// What the name of such a producer ends with.
const ENDING: &str = "-unfinished-uploads";

/// The producer of what a bucket's producer would have got.
pub fn unfinished(of: &Produces) -> Produces {
    Produces { name: format!("{}{ENDING}", of.name), place: uploads_of(&of.place), ..of.clone() }
}

/// The name of the producer that the map has: it is said of both at once where it is true of both.
pub fn declared(name: &str) -> &str {
    name.strip_suffix(ENDING).unwrap_or(name)
}

impl Map {
    /// A producer of the map, or the unfinished uploads of one.
    pub fn any_producer(&self, name: &str) -> Option<Produces> {
        match name.strip_suffix(ENDING) {
            Some(of) => self.producer(of).map(unfinished),
            None => self.producer(name).cloned(),
        }
    }

    /// The producers of the map, and their unfinished uploads.
    pub fn with_uploads(&self) -> impl Iterator<Item = Produces> {
        self.producers.iter().flat_map(|p| [Some(p.clone()), p.is_bucket().then(|| unfinished(p))]).flatten()
    }
}

/// A worker is about to abort an upload.
pub fn before_aborting(state: &mut WorldState, place: &str, key: &str, id: u64) {
    before_destroying(state, place, key, id);
    let Some(request) = state.acting.request.clone() else { return };
    let Some(seen) = state.oracle.requests.get(&request) else { return };
    let (round, step, _) = state.acting.batch.unwrap_or_default();
    let category = state.producer_of(&request, seen, round, step).map(|p| p.category).unwrap_or_default();
    let looked = seen.planned.get(&round).and_then(|(found, _)| found.get(&(place.to_owned(), key.to_owned())));
    let mut broken = Vec::new();
    if !looked.is_some_and(|ids| ids.contains(&id.to_string())) {
        broken.push((promise::OUTSIDE_PLAN, "no look of its round had found it"));
    }
    match seen.decisions.get(&round).filter(|d| d.approved) {
        None => broken.push((promise::UNDECIDED, "nobody decided")),
        Some(decided) if decided.exclusions.contains(&category) => broken.push((promise::EXCLUDED, "the decision left it out")),
        Some(_) => {}
    }
    for (rule, why) in broken {
        state.broke(rule, || format!("{place}/{key} by {request} in round {round}: {why}"));
    }
}

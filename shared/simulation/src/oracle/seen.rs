//! What was seen of a request.

use super::{Address, truth::Truth, whom::Told};
use crate::world::{
    WorldState,
    map::{Map, Name, Produces, Who},
};
use oubli_engine::ports::{Item, Key, TableName};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What was asked for, as the person who asked knows it.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub organization: String,
    pub who: Who,
    /// It is written in capitals.
    pub loud: bool,
    pub submitter: u128,
    /// Only these categories, if any.
    pub only: Vec<String>,
    pub not: Vec<String>,
    pub logs: bool,
    pub export: bool,
    pub export_first: bool,
    /// Not before this time, in milliseconds.
    pub not_before: Option<i64>,
}

impl Asked {
    /// Whether a producer is asked for.
    pub fn covers(&self, producer: &Produces) -> bool {
        (self.only.is_empty() || self.only.contains(&producer.category))
            && !self.not.contains(&producer.category)
            && (self.logs || !producer.log)
    }
}

/// What a person wants restored.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Only these categories, if any.
    pub categories: Vec<String>,
    /// Also what is uncertain.
    pub uncertain: bool,
    /// Only the record that they name, whoever removed it; or its copy is given up.
    pub named: Option<Address>,
    pub give_up: bool,
}

/// Records by their addresses, each with the names of its versions.
pub type Looked = BTreeMap<Address, BTreeSet<String>>;

/// A record hidden.
#[derive(Debug, Clone, Copy)]
pub struct Hid {
    /// Round, step and number.
    pub batch: (u32, u32, u32),
    pub at_ms: i64,
    pub instant: u64,
    pub claimed: u64,
    pub native: bool,
}

/// A decision, by whoever took it.
#[derive(Debug, Clone)]
pub struct Decided {
    pub approved: bool,
    pub actor: Option<u128>,
    pub exclusions: Vec<String>,
    pub until: Option<jiff::civil::Date>,
}

/// A request as it was seen from outside.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub asked: Asked,
    /// What reviewers may have named, and what was answered.
    pub named: Who,
    pub surely_named: Who,
    /// What the map could tell of its person when each round's plan was made.
    pub told: BTreeMap<u32, Told>,
    /// What records of nobody in particular led to when each round's person was looked for.
    pub untold: BTreeMap<u32, Who>,
    /// Their identifiers by then, and the instant of each.
    pub known: BTreeMap<Name, u64>,
    pub phase: String,
    pub cancelled: bool,
    pub run: u64,
    pub round: u32,
    pub map_version: u64,
    /// Somebody confirmed who asks.
    pub verified: bool,
    /// Every plan that it had, the newest last, by its digest.
    pub plans: Vec<String>,
    pub slot: bool,
    pub cleaned: bool,
    pub waiting_for: String,
    /// Records shown to it since it began to look, and which versions of each: every version of an object is a record.
    pub looked: Looked,
    pub looking_since: u64,
    /// What the looks before each round's plan showed, and the instant these began.
    pub planned: BTreeMap<u32, (Looked, u64)>,
    pub decisions: BTreeMap<u32, Decided>,
    pub hidden: BTreeMap<(String, String, u64), Hid>,
    pub ever: BTreeMap<(String, String, u64), Hid>,
    /// Old versions and markers that were destroyed, though nobody saw them hidden: the batch of each.
    pub purged: BTreeMap<(String, String, u64), (u32, u32, u32)>,
    /// Batches that were claimed.
    pub claimed: BTreeSet<(u32, u32, u32)>,
    /// Batches of which nobody can know all: claimed again, or a reply was lost.
    pub doubtful: BTreeSet<(u32, u32, u32)>,
    pub settled: Option<u64>,
    /// A round of it was purged, and nobody had cancelled it.
    pub destroyed: bool,
    /// A later round is over without being carried out.
    pub closing: bool,
    pub truth_is_due: bool,
    pub truth: Option<Truth>,
    /// What a restore under way is to put back.
    pub restoring: Option<Wanted>,
    /// Versions that a restore let stand: it was asked for them, and they stood when it ended.
    pub given_back: BTreeSet<(String, String, u64)>,
    /// Batches that failed for good, and those that somebody went on without.
    pub hopeless: BTreeSet<(u32, u32, u32)>,
    pub resolved: BTreeSet<(u32, u32, u32)>,
    /// Records whose copies somebody gave up by name.
    pub given_up: BTreeSet<Address>,
    /// When a round's hiding began, in milliseconds, and how long what it hides can be restored.
    pub hiding_since: BTreeMap<u32, i64>,
    pub windows: BTreeMap<u32, i64>,
    /// Batches confirmed.
    pub confirmed: u64,
    /// Phases by run, and the instant of the change.
    pub runs: BTreeMap<u64, (String, u64)>,
    /// An export of its person could be opened from then on.
    pub exported: Option<u64>,
    /// Vault keys that are gone: round and step.
    pub keyless: BTreeSet<(u32, u32)>,
}

/// Phases that nothing follows.
pub const FINAL: [&str; 6] = ["restored", "completed", "completed_with_exceptions", "rejected", "cancelled", "expired"];

impl Seen {
    pub fn is_final(&self) -> bool {
        FINAL.contains(&self.phase.as_str())
    }

    pub fn is_over(&self) -> bool {
        self.is_final() && self.cleaned
    }
}

pub fn text<'a>(item: &'a Item, name: &str) -> &'a str {
    item.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub fn number(item: &Item, name: &str) -> u64 {
    item.get(name).and_then(Value::as_u64).unwrap_or_default()
}

/// Where a request's items stand.
pub fn partition(organization: &str, id: &str) -> String {
    format!("org#{organization}#request#{id}")
}

impl WorldState {
    pub(super) fn beside(&self, organization: &str, id: &str, sk: &str) -> Option<&Item> {
        self.items.get(&Key { table: TableName::Control, pk: partition(organization, id), sk: sk.to_owned() })
    }

    pub(crate) fn steps_of(&self, organization: &str, id: &str) -> Vec<(u32, u32, &Item)> {
        let pk = partition(organization, id);
        let from = Key { table: TableName::Control, pk: pk.clone(), sk: "step#".to_owned() };
        let of = |key: &Key| {
            let mut parts = key.sk.split('#').skip(1).map(|p| p.parse::<u32>().unwrap_or_default());
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
        };
        let items = self
            .items
            .range(from..)
            .take_while(|(k, _)| k.table == TableName::Control && k.pk == pk && k.sk.starts_with("step#"));
        items.map(|(key, item)| (of(key).0, of(key).1, item)).collect()
    }

    /// The map a request goes by.
    pub(crate) fn map_of(&self, seen: &Seen) -> Map {
        let maps = self.shop_named(&seen.asked.organization).map(|s| s.maps.as_slice()).unwrap_or_default();
        let place = usize::try_from(seen.map_version).unwrap_or_default().max(1);
        maps.get(place - 1).or(maps.last()).cloned().unwrap_or_default()
    }

    /// The producer of a step.
    pub(super) fn producer_of(&self, id: &str, seen: &Seen, round: u32, step: u32) -> Option<Produces> {
        let item = self.beside(&seen.asked.organization, id, &format!("step#{round:03}#{step:03}"))?;
        self.map_of(seen).any_producer(text(item, "producer"))
    }

    /// The shortest window that hiding which begins now may have read in the settings.
    pub(super) fn window_ms(&self, organization: &str) -> i64 {
        let Some(shop) = self.shop_named(organization) else { return 0 };
        let lately = shop.windows_before.iter().filter(|(until, _)| *until + 600_000 > self.now_ms).map(|(_, window)| *window);
        i64::from(lately.chain([shop.window]).min().unwrap_or_default()) * 1000
    }
}

//! The state of everything, and the dice.

pub mod cast;
pub mod map;

use crate::{
    export_bucket::Shelf,
    faults::CallOutcome,
    ledger::LedgerObject,
    mutant::Mutant,
    oracle::{Oracle, Wanted},
    promise::{Break, Rule},
    stores::Shop,
    witness::Witnessing,
};
use bytes::Bytes;
use jiff::Timestamp;
use oubli_engine::ports::{Announcement, Item, Key, Message};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

/// A message on its way.
#[derive(Debug, Clone)]
pub struct InFlight {
    pub visible_at: i64,
    pub message: Message,
}

/// How rough the weather is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Nothing goes wrong.
    Calm,
    /// Everything may.
    Storm,
}

/// On whose behalf something happens: what the scheduler knows of the task being polled.
#[derive(Debug, Clone, Default)]
pub struct Acting {
    pub organization: Option<String>,
    /// The request a worker works for.
    pub request: Option<String>,
    /// The member, where a person acts.
    pub actor: Option<u128>,
    /// The digest of the plan that a person names with a decision, if they name one.
    pub shown: Option<String>,
    /// What a person leaves out with a decision, and until when.
    pub exclusions: Vec<String>,
    pub until: Option<jiff::civil::Date>,
    /// A person goes on without what failed.
    pub resolves: bool,
    /// What a person wants restored.
    pub restore: Option<Wanted>,
    /// The batch claimed, as round, step and number, and the instant of the claim.
    pub batch: Option<(u32, u32, u32)>,
    pub claimed: u64,
    /// It is past its time: the platform lets nothing of it reach a store any more.
    pub dead: bool,
    /// Its clock is wrong by so much.
    pub skew_ms: i64,
}

/// Everything there is.
pub struct WorldState {
    pub now_ms: i64,
    pub rng: ChaCha8Rng,
    pub weather: Weather,
    pub items: BTreeMap<Key, Item>,
    pub objects: BTreeMap<String, Bytes>,
    pub ledger: BTreeMap<String, LedgerObject>,
    /// How often keys in memory were to be wiped.
    pub wiped: u64,
    /// The logs' witnesses, in worlds that have some.
    pub witnessing: Option<Witnessing>,
    /// What a mutant stages too late.
    pub staged_later: Vec<(String, Bytes)>,
    pub messages: Vec<InFlight>,
    /// The bucket of exports.
    pub shelf: Shelf,
    pub shop: Shop,
    pub mutant: Option<Mutant>,
    pub next_key: u64,
    /// What the oracle saw.
    pub oracle: Oracle,
    /// Who and what there is.
    pub cast: cast::Cast,
    /// Who acts.
    pub acting: Acting,
    /// What people were told.
    pub announcements: Vec<Announcement>,
    /// Messages sent, by request.
    pub sent: BTreeMap<String, u64>,
    /// What indexes still show of items that changed, and until when.
    pub stale: BTreeMap<Key, (Option<Item>, i64)>,
    /// Counts instants.
    pub instant: u64,
    /// Calls made, and what becomes of one of them.
    calls: u64,
    planned: Option<(u64, CallOutcome)>,
    unreachable: bool,
    trace: Sha256,
    pub broken: BTreeMap<&'static str, Break>,
    pub story: Vec<String>,
    pub tell: bool,
}

/// A handle on the world.
#[derive(Clone)]
pub struct World(Arc<Mutex<WorldState>>);

/// The first instant: 2026-01-05, 09:00 UTC.
const DAWN: i64 = 1_767_603_600_000;

impl World {
    /// A new world.
    pub fn new(seed: u64, mutant: Option<Mutant>, tell: bool) -> Self {
        Self(Arc::new(Mutex::new(WorldState {
            now_ms: DAWN,
            rng: ChaCha8Rng::seed_from_u64(seed),
            weather: Weather::Calm,
            items: BTreeMap::new(),
            objects: BTreeMap::new(),
            ledger: BTreeMap::new(),
            wiped: 0,
            witnessing: None,
            staged_later: Vec::new(),
            messages: Vec::new(),
            shelf: Shelf::default(),
            shop: Shop::default(),
            mutant,
            next_key: 0,
            oracle: Oracle::default(),
            cast: cast::Cast::default(),
            acting: Acting::default(),
            announcements: Vec::new(),
            sent: BTreeMap::new(),
            stale: BTreeMap::new(),
            instant: 0,
            calls: 0,
            planned: None,
            unreachable: false,
            trace: Sha256::new(),
            broken: BTreeMap::new(),
            story: Vec::new(),
            tell,
        })))
    }

    /// The state, for one instant.
    pub fn lock(&self) -> MutexGuard<'_, WorldState> {
        match self.0.lock() {
            Ok(state) => state,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// What becomes of the next call.
    pub fn call_outcome(&self) -> CallOutcome {
        let mut state = self.lock();
        state.instant += 1;
        state.calls += 1;
        if let Some((call, call_outcome)) = state.planned
            && call == state.calls
        {
            return call_outcome;
        }
        if state.unreachable {
            return CallOutcome::Throttled;
        }
        if state.weather == Weather::Calm {
            return CallOutcome::Happens;
        }
        match state.rng.random_range(0..100) {
            0 => CallOutcome::Throttled,
            1 => CallOutcome::ReplyLost,
            _ => CallOutcome::Happens,
        }
    }

    /// Lets the call that comes after so many others fail in this way. Answers how many were made before this plan.
    pub fn plan(&self, after: u64, call_outcome: CallOutcome) -> u64 {
        let mut state = self.lock();
        state.planned = Some((state.calls + after + 1, call_outcome));
        state.calls
    }

    /// From now on no call happens, or every call does again.
    pub fn unreachable(&self, unreachable: bool) {
        self.lock().unreachable = unreachable;
    }

    /// Time passes.
    pub fn pass(&self, seconds: i64) {
        self.lock().now_ms += seconds * 1000;
    }

    /// What the bucket of exports holds.
    pub fn exports(&self) -> BTreeMap<String, Bytes> {
        self.lock().shelf.objects.clone()
    }

    /// What the work bucket holds.
    pub fn object_names(&self) -> Vec<String> {
        self.lock().objects.keys().cloned().collect()
    }

    /// What the logs' bucket holds.
    pub fn log_names(&self) -> Vec<String> {
        self.lock().ledger.keys().cloned().collect()
    }

    /// Calls made so far.
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// Notes what happens, for the trace and, if wanted, for the reader.
    pub fn note(&self, what: impl FnOnce() -> String) {
        let mut state = self.lock();
        state.note(what);
    }
}

impl WorldState {
    /// Notes what happens.
    pub fn note(&mut self, what: impl FnOnce() -> String) {
        let text = what();
        self.trace.update(text.as_bytes());
        if self.tell {
            let at = self.now_ms - DAWN;
            self.story.push(format!("{:>9} ms #{:<6} {text}", at, self.instant));
        }
    }

    /// A rule was broken; the first example of each is kept.
    pub fn broke(&mut self, rule: Rule, how: impl FnOnce() -> String) {
        let found = Break { rule, how: how() };
        self.note(|| format!("BROKEN {found}"));
        self.broken.entry(rule.name).or_insert(found);
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.now_ms).unwrap_or_default()
    }

    /// A digest of everything that happened.
    pub fn trace(&self) -> String {
        let digest = self.trace.clone().finalize();
        digest.iter().take(8).map(|b| format!("{b:02x}")).collect()
    }

    /// One of these.
    pub fn choose<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.choose(&mut self.rng)
    }

    /// True so many times in a thousand.
    pub fn chance(&mut self, per_mille: u32) -> bool {
        self.rng.random_range(0..1000) < per_mille
    }
}

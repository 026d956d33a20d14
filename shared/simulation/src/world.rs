//! The state of everything, and the dice.

use crate::{faults::Fate, log::LogObject, mutant::Mutant, packages::Shelf, stores::Shop};
use bytes::Bytes;
use jiff::Timestamp;
use oubli_engine::ports::{Item, Key, Mail, Message};
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
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

/// Everything there is.
pub struct State {
    pub now_ms: i64,
    pub rng: ChaCha8Rng,
    pub weather: Weather,
    pub items: BTreeMap<Key, Item>,
    pub objects: BTreeMap<String, Bytes>,
    pub log: BTreeMap<String, LogObject>,
    /// What a mutant stages too late.
    pub staged_later: Vec<(String, Bytes)>,
    pub messages: Vec<InFlight>,
    /// The bucket of exports.
    pub shelf: Shelf,
    pub shop: Shop,
    pub mutant: Option<Mutant>,
    pub next_key: u64,
    /// Orders of audit events written, with how often.
    pub outbox_writes: BTreeMap<String, u32>,
    /// Every state a request was seen in, by run, and the instant it was first seen.
    pub states_seen: BTreeMap<(String, u64), (String, u64)>,
    /// Emails sent.
    pub mails: Vec<Mail>,
    /// The first erasure was asked for with an export before it.
    pub exports_first: bool,
    /// Vault keys destroyed: partition, purpose, and the instant.
    pub keys_destroyed: Vec<(String, String, u64)>,
    /// The task being polled is past its time: it must not touch a store any more.
    pub overdue: bool,
    /// Counts instants.
    pub instant: u64,
    /// Calls made, and what becomes of one of them.
    calls: u64,
    planned: Option<(u64, Fate)>,
    trace: Sha256,
    pub broken: BTreeSet<String>,
    pub story: Vec<String>,
    pub tell: bool,
}

/// A handle on the world.
#[derive(Clone)]
pub struct World(Arc<Mutex<State>>);

/// The first instant: 2026-01-05, 09:00 UTC.
const DAWN: i64 = 1_767_603_600_000;

impl World {
    /// A new world.
    pub fn new(seed: u64, mutant: Option<Mutant>, tell: bool) -> Self {
        Self(Arc::new(Mutex::new(State {
            now_ms: DAWN,
            rng: ChaCha8Rng::seed_from_u64(seed),
            weather: Weather::Calm,
            items: BTreeMap::new(),
            objects: BTreeMap::new(),
            log: BTreeMap::new(),
            staged_later: Vec::new(),
            messages: Vec::new(),
            shelf: Shelf::default(),
            shop: Shop::default(),
            mutant,
            next_key: 0,
            outbox_writes: BTreeMap::new(),
            states_seen: BTreeMap::new(),
            mails: Vec::new(),
            exports_first: false,
            keys_destroyed: Vec::new(),
            overdue: false,
            instant: 0,
            calls: 0,
            planned: None,
            trace: Sha256::new(),
            broken: BTreeSet::new(),
            story: Vec::new(),
            tell,
        })))
    }

    /// The state, for one instant.
    pub fn lock(&self) -> MutexGuard<'_, State> {
        match self.0.lock() {
            Ok(state) => state,
            Err(poisoned) => poisoned.into_inner(),
        }
    }

    /// What becomes of the next call.
    pub fn fate(&self) -> Fate {
        let mut state = self.lock();
        state.instant += 1;
        state.calls += 1;
        if let Some((call, fate)) = state.planned
            && call == state.calls
        {
            return fate;
        }
        if state.weather == Weather::Calm {
            return Fate::Happens;
        }
        match state.rng.random_range(0..100) {
            0 => Fate::Throttled,
            1 => Fate::ReplyLost,
            _ => Fate::Happens,
        }
    }

    /// Lets the call that comes after so many others fail in this way. Answers how many were made before this plan.
    pub fn plan(&self, after: u64, fate: Fate) -> u64 {
        let mut state = self.lock();
        state.planned = Some((state.calls + after + 1, fate));
        state.calls
    }

    /// Time passes.
    pub fn pass(&self, seconds: i64) {
        self.lock().now_ms += seconds * 1000;
    }

    /// What the bucket of exports holds.
    pub fn exports(&self) -> BTreeMap<String, Bytes> {
        self.lock().shelf.objects.clone()
    }

    /// What the logs' bucket holds.
    pub fn log_names(&self) -> Vec<String> {
        self.lock().log.keys().cloned().collect()
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

impl State {
    /// Notes what happens.
    pub fn note(&mut self, what: impl FnOnce() -> String) {
        let text = what();
        self.trace.update(text.as_bytes());
        if self.tell {
            let at = self.now_ms - DAWN;
            self.story.push(format!("{:>9} ms #{:<6} {text}", at, self.instant));
        }
    }

    /// A promise was broken.
    pub fn break_promise(&mut self, promise: &str, how: String) {
        self.note(|| format!("BROKEN {promise}: {how}"));
        self.broken.insert(format!("{promise}: {how}"));
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

//! The end of a run: calm, people who act, and then the long wait after which everything is forgotten.

use crate::{
    acts::Act,
    mutant::Mutant,
    oracle, promise,
    scheduler::{Run, finish},
    stores::Until,
};
use oubli_engine::ports::Message;

/// Messages a request that waits for a person may cost in an hour of sweeps.
const PATIENCE: u64 = 20;

impl Run {
    /// Nothing goes wrong any more: everything must come to an end.
    pub(crate) fn close(&mut self) -> usize {
        let mut steps = 0;
        oracle::in_the_open(&self.world);
        self.settle(&mut steps);
        if self.world.lock().broken.contains_key(promise::NEVER_QUIET.name) {
            return steps;
        }
        oracle::while_held(&self.world);
        let holds: Vec<u128> = self.world.lock().oracle.holds.keys().copied().collect();
        for n in holds {
            self.does(Act::ReleaseHold(n));
        }
        let idle = self.world.lock().cast.idle;
        self.acts.clear();
        // By policy alone, what fails again and again takes a year to end.
        let rounds = if idle { 150 } else { 90 };
        for round in 0..rounds {
            self.settle(&mut steps);
            if self.all_over() || self.world.lock().broken.contains_key(promise::NEVER_QUIET.name) {
                break;
            }
            if !idle {
                self.people_act(round);
            }
            let seconds = match round {
                0..=29 => 61,
                30..=49 => 3_700,
                50..=69 => 25 * 3_600,
                _ if idle => 20 * 24 * 3_600,
                _ => 25 * 3_600,
            };
            self.pass(seconds);
            if round == 12 && idle {
                self.waits();
            }
        }
        self.settle(&mut steps);
        // Whatever was logged is sealed once lost messages have been seen again, whoever was woken.
        for _ in 0..4 {
            self.pass(61);
            self.settle(&mut steps);
        }
        // What a worker logged that died before it could wake anybody is sealed with the day's heartbeat.
        if self.world.lock().items.keys().any(|key| key.pk.ends_with("#outbox")) {
            self.pass(25 * 3_600);
            self.settle(&mut steps);
        }
        self.witnesses_catch_up(&mut steps);
        oracle::verdict(&self.world);
        if self.all_final() {
            self.long_after(&mut steps);
        }
        steps
    }

    /// Witnesses that failed in the storm are asked again after hours, and about what was sealed meanwhile some seconds later.
    fn witnesses_catch_up(&mut self, steps: &mut usize) {
        if self.world.lock().witnessing.is_none() {
            return;
        }
        for seconds in [7 * 3_600, 7 * 3_600, 61] {
            self.pass(seconds);
            self.settle(steps);
        }
        // Nobody sweeps: nothing more is sealed.
        for _ in 0..3 {
            self.world.lock().now_ms += 20_000;
            self.settle(steps);
        }
    }

    fn pass(&mut self, seconds: i64) {
        let sweeps = {
            let mut state = self.world.lock();
            state.now_ms += seconds * 1000;
            state.expire_versions();
            state.mutant != Some(Mutant::CompletionOnEdgeOnly)
        };
        if sweeps {
            let engine = self.engine.clone();
            finish(async move { engine.worker().sweep().await.is_ok() });
        }
    }

    fn all_over(&self) -> bool {
        self.world.lock().oracle.requests.values().all(|s| s.phase.is_empty() || s.is_over())
    }

    fn all_final(&self) -> bool {
        self.world.lock().oracle.requests.values().all(|s| s.phase.is_empty() || s.is_final())
    }

    /// Does one thing, without anything in between.
    pub(crate) fn does(&mut self, what: Act) -> bool {
        let acting = {
            let mut state = self.world.lock();
            state.asks(&what);
            state.acting_for(&what)
        };
        self.world.lock().acting = acting;
        let done = finish(crate::acts::act(self.world.clone(), self.engine.clone(), what.clone()));
        let mut state = self.world.lock();
        state.acting = crate::world::Acting::default();
        if done {
            state.answered(&what);
        }
        done
    }

    /// Somebody does what every request waits for.
    fn people_act(&mut self, round: usize) {
        let cases: Vec<u128> = self.world.lock().cast.cases.keys().copied().collect();
        for n in cases {
            let phase = self.world.lock().seen(n).map(|s| s.phase.clone()).unwrap_or_default();
            match phase.as_str() {
                "awaiting_verification" if round > 13 => drop(self.does(Act::Verify(n))),
                "in_review" => self.approve_or_reject(n, round),
                "failed" => self.mend(n, round),
                "available" => drop(self.does(Act::Revoke(n))),
                _ => {}
            }
        }
        if round == 13 {
            self.waits();
        }
    }

    fn approve_or_reject(&mut self, n: u128, round: usize) {
        let act = Act::Approve { request: n, own: false, digest: true, exclusions: vec![], until: None, silent: false };
        if round > 80 || !self.does(act) {
            self.does(Act::Reject(n));
        }
    }

    /// What failed is tried again; where that does not help, its cause is mended or it is given up.
    fn mend(&mut self, n: u128, round: usize) {
        if round == 6 {
            self.drop_closed_places();
        }
        // A failure that comes back every few rounds must not keep meeting those in which it is only tried again.
        let gives_up = round > 10 && (round.is_multiple_of(3) || round > 60);
        let given_up = gives_up && (self.does(Act::Cancel(n)) || self.does(Act::Resolve(n)));
        if !given_up {
            self.does(Act::Retry(n));
        }
    }

    /// Tables that are gone for good leave the map.
    fn drop_closed_places(&mut self) {
        let shops = self.world.lock().cast.shops.len();
        for shop in 0..shops {
            let map = {
                let state = self.world.lock();
                let closed = |place: &str| state.shop.unusable.get(place) == Some(&Until::MAX);
                let newest = state.cast.shops[shop].maps.last().cloned().unwrap_or_default();
                let gone = newest.producers.iter().find(|p| closed(&p.place)).map(|p| p.name.clone());
                gone.map(|name| newest.without(&name))
            };
            if let Some(map) = map {
                self.publish(shop, map);
            }
        }
    }

    /// What waits for a person costs next to nothing: an hour of sweeps is held against it.
    fn waits(&mut self) {
        let waiting: Vec<String> = {
            let mut state = self.world.lock();
            state.sent.clear();
            let waits = |phase: &str| matches!(phase, "awaiting_verification" | "in_review" | "failed");
            state.oracle.requests.iter().filter(|(_, s)| waits(&s.phase)).map(|(id, _)| id.clone()).collect()
        };
        if waiting.is_empty() {
            return;
        }
        let mut steps = 0;
        for _ in 0..60 {
            self.pass(61);
            self.settle(&mut steps);
        }
        let mut state = self.world.lock();
        for id in waiting {
            let sent = state.sent.get(&id).copied().unwrap_or_default();
            let phase = state.oracle.requests.get(&id).map(|s| s.phase.clone()).unwrap_or_default();
            if sent > PATIENCE {
                state.broke(promise::RESTLESS, || format!("{sent} messages in an hour for {id} in {phase}"));
            }
        }
    }

    /// Long after everything ended, nothing of anybody is left.
    fn long_after(&mut self, steps: &mut usize) {
        for _ in 0..4 {
            self.pass(30 * 24 * 3_600);
            self.settle(steps);
        }
        oracle::forgotten(&self.world);
    }

    /// Where batches wait their turn, time passes until the next one's.
    fn turn_comes(&self) -> bool {
        let mut state = self.world.lock();
        let batches = state.messages.iter().filter(|m| matches!(m.message, Message::Batch { .. })).map(|m| m.visible_at);
        let soon = state.now_ms + 60_000;
        let next = batches.filter(|at| state.cast.limited() && *at <= soon).min();
        state.now_ms = next.unwrap_or(0).max(state.now_ms);
        next.is_some()
    }

    /// Runs until no task and no due message is left.
    pub(crate) fn settle(&mut self, steps: &mut usize) {
        for _ in 0..20_000 {
            *steps += 1;
            if !self.tasks.is_empty() {
                self.poll_one();
                continue;
            }
            if self.due().is_empty() && !self.turn_comes() {
                return;
            }
            self.deliver();
        }
        self.world.lock().broke(promise::NEVER_QUIET, || "messages never cease".to_owned());
    }
}

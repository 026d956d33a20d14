//! One run: a storm, then calm, then the oracle's verdict.

use crate::{
    log::SimLog,
    mutant::Mutant,
    objects::SimObjects,
    oracle,
    packages::SimPackages,
    people::{self, Act, act, app_acts},
    scratch::SimScratch,
    stores::SimStores,
    system::{SimSystem, short},
    table::SimTable,
    world::{InFlight, State, Weather, World},
};
use futures::task::noop_waker_ref;
use oubli_engine::{
    Config, Engine, EngineError,
    ports::{Mailer, Message, Ports},
};
use rand::Rng;
use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// What a run came to.
#[derive(Debug, Clone)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// Promises broken, each once.
    pub broken: Vec<String>,
    /// A digest of everything that happened.
    pub trace: String,
    /// Steps taken.
    pub steps: usize,
    /// How requests ended.
    pub endings: Vec<String>,
    /// Everything that happened, if it was asked for.
    pub story: Vec<String>,
}

/// Seconds after which the platform kills a worker.
const TIMEOUT: u32 = 30;

/// Milliseconds after which a message that was not deleted is seen again.
const VISIBILITY_MS: i64 = 6 * TIMEOUT as i64 * 1000;

enum Kind {
    Worker { message: Message, delivery: InFlight },
    Person(Act),
    Sweeper,
}

struct Task {
    future: Pin<Box<dyn Future<Output = bool> + Send>>,
    started_ms: i64,
    kind: Kind,
    /// The platform forgets to kill this one for a while.
    zombie: bool,
    /// The platform froze it until then, in milliseconds.
    frozen_until: i64,
}

struct Run {
    world: World,
    engine: Engine,
    tasks: Vec<Task>,
    acts: Vec<Act>,
    holds: oracle::HoldTimes,
}

/// Runs one seed.
pub fn simulate(seed: u64, mutant: Option<Mutant>, tell: bool) -> Report {
    let world = World::new(seed, mutant, tell);
    let engine = Engine::with_config(ports(&world), Config { worker_timeout_seconds: TIMEOUT, ..Config::default() });
    let mut run = Run { world, engine, tasks: Vec::new(), acts: Vec::new(), holds: oracle::HoldTimes::default() };
    let steps = run.live();
    let state = run.world.lock();
    Report {
        seed,
        broken: state.broken.iter().cloned().collect(),
        trace: state.trace(),
        steps,
        endings: oracle::endings(&state),
        story: state.story.clone(),
    }
}

/// Everything an engine stands on, in a world.
pub fn ports(world: &World) -> Ports {
    let system = Arc::new(SimSystem(world.clone()));
    Ports {
        table: Arc::new(SimTable(world.clone())),
        objects: Arc::new(SimObjects(world.clone())),
        packages: Arc::new(SimPackages(world.clone())),
        scratch: Arc::new(SimScratch(world.clone())),
        log: Arc::new(SimLog(world.clone())),
        signer: Arc::new(SimLog(world.clone())),
        keys: system.clone(),
        queue: system.clone(),
        stores: Arc::new(SimStores(world.clone())),
        clock: system.clone(),
        entropy: system,
    }
}

/// What sends emails in a world.
pub fn mailer(world: &World) -> Arc<dyn Mailer> {
    Arc::new(SimSystem(world.clone()))
}

impl Run {
    fn live(&mut self) -> usize {
        let opening = people::open_shop(&self.world, &self.engine);
        if let Err(error) = finish(opening) {
            self.world.lock().break_promise("the shop opens", error.to_string());
            return 0;
        }
        self.plan_acts();
        self.world.lock().weather = Weather::Storm;
        let storm = self.world.lock().rng.random_range(400..6000);
        let mut steps = 0;
        while steps < storm {
            self.step();
            steps += 1;
        }
        self.world.lock().weather = Weather::Calm;
        self.tasks.iter_mut().for_each(|t| t.frozen_until = 0);
        self.world.note(|| "calm".to_owned());
        steps + self.calm()
    }

    /// A handful of things people will do, in an order that the dice choose.
    fn plan_acts(&mut self) {
        let mut state = self.world.lock();
        let mut acts = vec![if state.chance(150) { Act::SubmitAfterExport(1) } else { Act::Submit(1) }];
        if state.chance(300) {
            acts.push(Act::Submit(2));
        }
        let export = state.chance(300);
        let cancel = state.chance(350);
        let restore = state.chance(400);
        let hold = state.chance(600);
        drop(state);
        if export {
            acts.push(Act::Export(people::EXPORT));
        }
        if cancel {
            acts.push(Act::Cancel(1));
        }
        if restore {
            acts.push(Act::Restore(1));
            acts.push(Act::RestoreOrders(1));
        }
        if hold {
            for n in people::HOLDS {
                acts.push(if people::covers_everything(n) { Act::PlaceHold(n) } else { Act::PlaceHoldOnOrders(n) });
                acts.push(Act::ReleaseHold(n));
            }
        }
        self.acts = acts;
    }

    fn step(&mut self) {
        let dice = self.world.lock().rng.random_range(0..1000);
        match dice {
            0..=699 => self.poll_one(),
            700..=879 => self.deliver(),
            880..=884 => self.kill_one(),
            885..=892 => self.freeze_one(),
            893..=919 => self.pass_time(),
            920..=934 => app_acts(&mut self.world.lock()),
            935..=944 => self.sweep(),
            945..=979 => self.next_act(),
            980..=992 => self.decide(),
            _ => self.bury(),
        }
    }

    fn spawn(&mut self, kind: Kind, future: Pin<Box<dyn Future<Output = bool> + Send>>) {
        let mut state = self.world.lock();
        let zombie = state.chance(400);
        let started_ms = state.now_ms;
        drop(state);
        self.tasks.push(Task { future, started_ms, kind, zombie, frozen_until: 0 });
    }

    fn poll_one(&mut self) {
        if self.tasks.is_empty() {
            return self.deliver();
        }
        let now = self.world.lock().now_ms;
        let awake: Vec<usize> = (0..self.tasks.len()).filter(|n| self.tasks[*n].frozen_until <= now).collect();
        let chosen = self.world.lock().choose(&awake).copied();
        match chosen {
            Some(place) => self.poll(place),
            None => self.pass_time(),
        }
    }

    /// A worker stands still for longer than its lease, and then goes on as if nothing had happened.
    fn freeze_one(&mut self) {
        let workers: Vec<usize> = (0..self.tasks.len()).filter(|n| matches!(self.tasks[*n].kind, Kind::Worker { .. })).collect();
        let chosen = self.world.lock().choose(&workers).copied();
        if let Some(place) = chosen {
            self.freeze(place);
        }
    }

    fn freeze(&mut self, place: usize) {
        let until = self.world.lock().now_ms + 3 * i64::from(TIMEOUT) * 1000;
        self.tasks[place].zombie = true;
        self.tasks[place].frozen_until = until;
    }

    /// Whoever looks whether data may be destroyed can do the most harm by deciding on what it saw long ago: it stands
    /// still between two of its calls, and somebody places a hold.
    fn freeze_destroyer(&mut self, place: usize) {
        let looks = |kind: &Kind| matches!(kind, Kind::Worker { message: Message::Advance { .. } | Message::Sweep { .. }, .. });
        let calm = self.world.lock().weather == Weather::Calm;
        if calm || !self.tasks.get(place).is_some_and(|t| looks(&t.kind)) || !self.world.lock().chance(150) {
            return;
        }
        let phase = oracle::phase(&self.world.lock(), 1);
        if !matches!(phase.as_deref(), Some("recoverable" | "purging")) {
            return;
        }
        self.freeze(place);
        let hold = self.acts.iter().find(|a| matches!(a, Act::PlaceHold(_) | Act::PlaceHoldOnOrders(_))).copied();
        if let Some(hold) = hold {
            self.acts.retain(|a| *a != hold);
            self.start(hold);
        }
    }

    fn poll(&mut self, place: usize) {
        let task = &mut self.tasks[place];
        let age = self.world.lock().now_ms - task.started_ms;
        let person = matches!(task.kind, Kind::Person(_));
        let overdue = age > i64::from(TIMEOUT) * 1000 && !person;
        if overdue && (!task.zombie || age > 20 * i64::from(TIMEOUT) * 1000) {
            self.drop_task(place, false);
            return;
        }
        self.world.lock().overdue = overdue;
        let mut context = Context::from_waker(noop_waker_ref());
        let polled = self.tasks[place].future.as_mut().poll(&mut context);
        self.world.lock().overdue = false;
        match polled {
            Poll::Ready(done) => self.drop_task(place, done),
            Poll::Pending => self.freeze_destroyer(place),
        }
    }

    /// A task that ended deletes its message, mostly; one that did not leaves it to be seen again.
    fn drop_task(&mut self, place: usize, done: bool) {
        let task = self.tasks.swap_remove(place);
        let mut state = self.world.lock();
        match task.kind {
            Kind::Worker { message, mut delivery } => {
                let again = !done || (state.weather == Weather::Storm && state.chance(30));
                state.note(|| format!("{} {}", if done { "end" } else { "lost" }, short(&message)));
                if again {
                    delivery.visible_at = if done { state.now_ms } else { state.now_ms + VISIBILITY_MS };
                    state.messages.push(delivery);
                }
            }
            Kind::Person(act) if done => {
                let instant = state.instant;
                self.holds.answered(act, instant);
            }
            Kind::Person(_) | Kind::Sweeper => {}
        }
    }

    fn kill_one(&mut self) {
        let workers: Vec<usize> = (0..self.tasks.len()).filter(|n| !matches!(self.tasks[*n].kind, Kind::Person(_))).collect();
        let chosen = self.world.lock().choose(&workers).copied();
        if let Some(place) = chosen {
            self.drop_task(place, false);
        }
    }

    /// Workers past their time are killed, but for zombies.
    fn bury(&mut self) {
        let now = self.world.lock().now_ms;
        let dead = |t: &Task| now - t.started_ms > i64::from(TIMEOUT) * 1000 && !t.zombie && !matches!(t.kind, Kind::Person(_));
        while let Some(place) = self.tasks.iter().position(dead) {
            self.drop_task(place, false);
        }
    }

    fn pass_time(&mut self) {
        let mut state = self.world.lock();
        let by = *state.choose(&[5, 100, 1_000, 5_000, 20_000, 60_000]).unwrap_or(&5);
        state.now_ms += by;
    }

    fn due(state: &State) -> Vec<usize> {
        (0..state.messages.len()).filter(|n| state.messages[*n].visible_at <= state.now_ms).collect()
    }

    fn deliver(&mut self) {
        let delivery = {
            let mut state = self.world.lock();
            let due = Self::due(&state);
            let Some(chosen) = state.choose(&due).copied() else { return };
            let delivery = state.messages.swap_remove(chosen);
            // A queue may deliver a message twice.
            if state.weather == Weather::Storm && state.chance(20) {
                state.messages.push(delivery.clone());
            }
            state.note(|| format!("deliver {}", short(&delivery.message)));
            delivery
        };
        let (engine, world, message) = (self.engine.clone(), self.world.clone(), delivery.message.clone());
        let handled = message.clone();
        let work = async move {
            match engine.handle(&handled).await {
                Ok(_) => true,
                Err(EngineError::Broken(reason)) => {
                    world.lock().break_promise("no handler breaks", format!("{}: {reason}", short(&handled)));
                    true
                }
                Err(_) => false,
            }
        };
        self.spawn(Kind::Worker { message, delivery }, Box::pin(work));
    }

    fn sweep(&mut self) {
        if self.world.lock().mutant == Some(Mutant::CompletionOnEdgeOnly) {
            return;
        }
        let engine = self.engine.clone();
        self.spawn(Kind::Sweeper, Box::pin(async move { engine.sweep().await.is_ok() }));
    }

    fn next_act(&mut self) {
        let phase = oracle::phase(&self.world.lock(), 1);
        let recoverable = phase.as_deref() == Some("recoverable");
        let under_way = recoverable || matches!(phase.as_deref(), Some("hiding" | "settling" | "restoring" | "purging"));
        let early = self.world.lock().chance(30);
        let fits = |a: &Act| match a {
            Act::Submit(_) | Act::SubmitAfterExport(_) | Act::Export(_) => true,
            Act::Restore(_) | Act::RestoreOrders(_) => recoverable,
            Act::ReleaseHold(n) => self.holds.is_placed(*n),
            // Where a hold or a cancel meets work under way is where it can go wrong.
            Act::PlaceHold(_) | Act::PlaceHoldOnOrders(_) => under_way || early,
            _ => phase.is_some(),
        };
        let acts: Vec<Act> = self.acts.iter().copied().filter(fits).collect();
        // Destruction is short and cannot be undone: what meets it matters most.
        let meets = |a: &&Act| phase.as_deref() == Some("purging") && matches!(a, Act::PlaceHold(_) | Act::PlaceHoldOnOrders(_));
        let first = acts.iter().find(meets).copied();
        let chosen = first.or_else(|| self.world.lock().choose(&acts).copied());
        let Some(chosen) = chosen else { return };
        self.acts.retain(|a| *a != chosen);
        self.start(chosen);
    }

    fn start(&mut self, what: Act) {
        let instant = self.world.lock().instant;
        self.holds.asked(what, instant);
        self.spawn(Kind::Person(what), Box::pin(act(self.world.clone(), self.engine.clone(), what)));
    }

    /// A reviewer looks at what waits.
    fn decide(&mut self) {
        for n in [1, 2] {
            if oracle::phase(&self.world.lock(), n).as_deref() == Some("in_review") {
                self.start(Act::Approve(n));
                return;
            }
        }
    }

    /// Nothing goes wrong any more: everything must come to an end.
    fn calm(&mut self) -> usize {
        let mut steps = 0;
        self.settle(&mut steps);
        oracle::while_held(&self.world, &self.holds);
        for n in people::HOLDS {
            let instant = self.world.lock().instant;
            self.holds.asked(Act::ReleaseHold(n), instant);
            finish(act(self.world.clone(), self.engine.clone(), Act::ReleaseHold(n)));
        }
        for _ in 0..150 {
            self.settle(&mut steps);
            if oracle::all_final(&self.world.lock()) {
                break;
            }
            for n in [1, 2] {
                let phase = oracle::phase(&self.world.lock(), n);
                let next = match phase.as_deref() {
                    Some("in_review") => Act::Approve(n),
                    Some("failed") => Act::Retry(n),
                    _ => continue,
                };
                finish(act(self.world.clone(), self.engine.clone(), next));
            }
            let exports = oracle::exports(&self.world.lock());
            for (export, phase) in exports {
                finish(people::tend(&self.engine, export, &phase)).ok();
            }
            self.world.lock().now_ms += 61_000;
            if self.world.lock().mutant != Some(Mutant::CompletionOnEdgeOnly) {
                let engine = self.engine.clone();
                finish(async move { engine.sweep().await.is_ok() });
            }
        }
        self.settle(&mut steps);
        finish(self.engine.seal(&people::organization())).ok();
        oracle::verdict(&self.world);
        steps
    }

    /// Runs until no task and no due message is left.
    fn settle(&mut self, steps: &mut usize) {
        for _ in 0..20_000 {
            *steps += 1;
            if !self.tasks.is_empty() {
                self.poll_one();
                continue;
            }
            if Self::due(&self.world.lock()).is_empty() {
                return;
            }
            self.deliver();
        }
        self.world.lock().break_promise("it ends", "messages never cease".to_owned());
    }
}

/// Polls a future to its end, without interleaving.
fn finish<T>(future: impl Future<Output = T>) -> T {
    futures::executor::block_on(async {
        let mut future = Box::pin(future);
        loop {
            let polled = futures::future::poll_immediate(&mut future).await;
            if let Some(done) = polled {
                return done;
            }
        }
    })
}

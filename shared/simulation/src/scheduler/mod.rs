//! One run: a storm, then calm, then the oracle's verdict.

mod weather;

use crate::{
    acts::{Act, act},
    export_bucket::SimExportBucket,
    ledger::SimLedger,
    mutant::Mutant,
    objects::SimObjects,
    promise::{self, Break},
    scratch::SimScratch,
    stores::SimStores,
    system::{SimSystem, organization_of, request_of, short},
    table::SimTable,
    witness::{Witnessing, witness, witnesses},
    world::{Acting, InFlight, Weather, World, cast::ShopCast, map::Map},
};
use futures::task::noop_waker_ref;
use oubli_domain::{deadline::Country, limits::Limits, settings::Settings};
use oubli_engine::{
    Config, Engine, EngineError,
    ports::{Channel, Message, Ports},
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
    /// Rules broken, each with its first example.
    pub broken: Vec<Break>,
    /// A digest of everything that happened.
    pub trace: String,
    /// Steps taken.
    pub steps: usize,
    /// How requests ended.
    pub endings: Vec<String>,
    /// Everything that happened, if it was asked for.
    pub story: Vec<String>,
}

impl Report {
    /// What is broken and not known to need what the engine cannot do yet.
    pub fn faults(&self) -> impl Iterator<Item = &Break> {
        self.broken.iter().filter(|b| !b.rule.known)
    }
}

/// Seconds after which the platform kills a worker.
const TIMEOUT: i64 = 30;

/// Seconds after which nothing of a worker reaches a store any more: less than its lease.
const REACH: i64 = 44;

/// In one of so many worlds the logs have witnesses. By the seed, and by no draw: the others stay as they were.
const WITNESSED: u64 = 8;

/// Milliseconds after which a message that was not deleted is seen again.
const VISIBILITY_MS: i64 = 6 * TIMEOUT * 1000;

enum TaskKind {
    Worker { message: Message, delivery: InFlight },
    Person(Act),
    Sweeper,
}

pub(crate) struct Task {
    future: Pin<Box<dyn Future<Output = bool> + Send>>,
    started_ms: i64,
    /// The instant at which it began.
    began: u64,
    kind: TaskKind,
    acting: Acting,
    /// The platform forgets to kill this one for a while.
    zombie: bool,
    /// The platform froze it until then, in milliseconds.
    frozen_until: i64,
}

pub(crate) struct Run {
    pub(crate) world: World,
    pub(crate) engine: Engine,
    pub(crate) tasks: Vec<Task>,
    pub(crate) acts: Vec<Act>,
}

/// Runs one seed.
pub fn simulate(seed: u64, mutant: Option<Mutant>, tell: bool) -> Report {
    let world = World::new(seed, mutant, tell);
    let witnessed = seed % WITNESSED == WITNESSED - 1;
    world.lock().witnessing = witnessed.then(Witnessing::default);
    let engine = Engine::with_config(ports(&world), config(&world)).with_witness(witness(&world));
    let mut run = Run { world, engine, tasks: Vec::new(), acts: Vec::new() };
    let steps = run.live();
    let state = run.world.lock();
    let ending = |s: &crate::oracle::Seen| format!("{}{}", s.phase, if s.cancelled { " (cancelled)" } else { "" });
    Report {
        seed,
        broken: state.broken.values().cloned().collect(),
        trace: state.trace(),
        steps,
        endings: state.oracle.requests.values().map(ending).collect(),
        story: state.story.clone(),
    }
}

fn config(world: &World) -> Config {
    let witnessed = world.lock().witnessing.is_some();
    Config {
        worker_timeout_seconds: TIMEOUT as u32,
        resumable_file_bytes: 1,
        witnesses: if witnessed { witnesses(2) } else { vec![] },
        ..Config::default()
    }
}

/// Batches that an organization may begin in a minute, where they are limited.
const BATCHES_PER_MINUTE: u32 = 20;

/// Everything an engine stands on, in a world.
pub fn ports(world: &World) -> Ports {
    let system = Arc::new(SimSystem(world.clone()));
    Ports {
        table: Arc::new(SimTable(world.clone())),
        objects: Arc::new(SimObjects(world.clone())),
        exports: Arc::new(SimExportBucket(world.clone())),
        scratch: Arc::new(SimScratch(world.clone())),
        ledger: Arc::new(SimLedger(world.clone())),
        signer: Arc::new(SimLedger(world.clone())),
        keys: system.clone(),
        queue: system.clone(),
        stores: Arc::new(SimStores(world.clone())),
        clock: system.clone(),
        entropy: system,
    }
}

/// What reaches people in a world.
pub fn channel(world: &World) -> Arc<dyn Channel> {
    Arc::new(SimSystem(world.clone()))
}

impl Run {
    fn live(&mut self) -> usize {
        self.world.lock().draw_cast();
        if self.world.lock().cast.limited() {
            let limits = Limits { batches_per_minute: Some(BATCHES_PER_MINUTE), ..Limits::default() };
            let config = Config { limits: Some(limits), ..config(&self.world) };
            self.engine = Engine::with_config(ports(&self.world), config).with_witness(witness(&self.world));
        }
        let shops = self.world.lock().cast.shops.len();
        for shop in 0..shops {
            self.open(shop);
        }
        self.plan_acts();
        self.world.lock().weather = Weather::Storm;
        let mut steps = self.storm(400..5000);
        if self.windows_end() {
            steps += self.storm(300..1500);
        }
        self.world.lock().weather = Weather::Calm;
        self.tasks.iter_mut().for_each(|t| t.frozen_until = 0);
        self.world.note(|| "calm".to_owned());
        steps + self.close()
    }

    fn storm(&mut self, of: std::ops::Range<usize>) -> usize {
        let steps = self.world.lock().rng.random_range(of);
        (0..steps).for_each(|_| self.step());
        steps
    }

    /// Where something is hidden, its window ends in the storm: destruction is short, and other people then want other
    /// holds.
    fn windows_end(&mut self) -> bool {
        let mut state = self.world.lock();
        let window = state.cast.shops.iter().map(|s| i64::from(s.window)).max().unwrap_or_default();
        let hidden = state.oracle.requests.values().any(|s| s.phase == "recoverable");
        if hidden {
            state.now_ms += (window + 61) * 1000;
            state.draw_holds(10);
            let later: Vec<u128> = state.cast.holds.keys().copied().filter(|n| *n > 10).collect();
            drop(state);
            self.acts.extend(later.iter().map(|n| Act::PlaceHold(*n)));
            self.sweep();
        }
        hidden
    }

    fn open(&mut self, shop: usize) {
        let (name, settings, map) = {
            let mut state = self.world.lock();
            let shop = &mut state.cast.shops[shop];
            (shop.name.clone(), settings_of(shop), std::mem::take(&mut shop.maps).remove(0))
        };
        let Ok(organization) = name.parse() else { return };
        if let Err(error) = finish(self.engine.directory().operator(&organization, None).create_organization(settings)) {
            self.world.lock().broke(promise::BROKE, || format!("the shop does not open: {error}"));
        }
        self.publish(shop, map);
    }

    /// Publishes a map; one whose producers reach one record is published without the second, should it be refused.
    pub(crate) fn publish(&mut self, shop: usize, map: Map) {
        let name = self.world.lock().cast.shops[shop].name.clone();
        let Ok(organization) = name.parse() else { return };
        let apart = map.without("ledger");
        for map in [map, apart] {
            match self.calmly(self.engine.directory().operator(&organization, None).publish_map(&map.yaml())) {
                Ok(published) => {
                    let version = published.version().unwrap_or_default();
                    self.world.note(|| format!("map {version} of {organization}:\n{}", map.yaml()));
                    let maps = &mut self.world.lock().cast.shops[shop].maps;
                    maps.resize(usize::try_from(version).unwrap_or(1).max(1), map.clone());
                    break;
                }
                Err(error) => self.world.note(|| format!("map refused: {error}")),
            }
        }
    }

    /// Does what is no part of the storm, on nobody's behalf.
    fn calmly<T>(&self, what: impl Future<Output = T>) -> T {
        let (weather, acting) = {
            let mut state = self.world.lock();
            (std::mem::replace(&mut state.weather, Weather::Calm), std::mem::take(&mut state.acting))
        };
        let done = finish(what);
        let mut state = self.world.lock();
        (state.weather, state.acting) = (weather, acting);
        done
    }

    /// A handful of things people will do, in an order that the dice choose.
    fn plan_acts(&mut self) {
        let mut state = self.world.lock();
        state.draw_cases();
        state.draw_holds(0);
        let mut acts: Vec<Act> = state.cast.cases.keys().map(|n| Act::Submit(*n)).collect();
        for n in state.cast.holds.keys() {
            acts.push(Act::PlaceHold(*n));
            acts.push(Act::ReleaseHold(*n));
        }
        if state.chance(350) {
            acts.push(Act::Cancel(1));
        }
        if state.chance(450) {
            let categories = state.cast.shops[0].maps[0].categories();
            let one: Vec<String> = state.choose(&categories).cloned().into_iter().collect();
            let uncertain = state.chance(300);
            acts.push(Act::Restore { request: 1, categories: one, uncertain });
            acts.push(Act::Restore { request: 1, categories: vec![], uncertain });
            if state.chance(500) {
                let give_up = state.chance(400);
                acts.push(Act::Recover { request: 1, give_up });
            }
        }
        drop(state);
        self.acts = acts;
    }

    fn step(&mut self) {
        let dice = self.world.lock().rng.random_range(0..1000);
        match dice {
            0..=699 => self.poll_one(),
            700..=879 => self.deliver(),
            880..=884 => self.kill_one(),
            885..=892 => self.freeze_one(),
            893..=918 => self.pass_time(),
            919 => self.jump(),
            920..=932 => self.world.lock().app_acts(),
            933 => self.trouble(),
            934 => self.new_map(),
            935..=944 => self.sweep(),
            945..=979 => self.next_act(),
            980..=992 => self.decide(),
            _ => self.bury(),
        }
    }

    fn spawn(&mut self, kind: TaskKind, acting: Acting, future: Pin<Box<dyn Future<Output = bool> + Send>>) {
        let mut state = self.world.lock();
        let zombie = state.chance(400);
        let skew = state.cast.skew_ms;
        let skew_ms = if skew > 0 { state.rng.random_range(-skew..=skew) } else { 0 };
        let (started_ms, began) = (state.now_ms, state.instant);
        drop(state);
        let acting = Acting { skew_ms, ..acting };
        self.tasks.push(Task { future, started_ms, began, kind, acting, zombie, frozen_until: 0 });
    }

    pub(crate) fn poll_one(&mut self) {
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

    fn poll(&mut self, place: usize) {
        let task = &mut self.tasks[place];
        let age = self.world.lock().now_ms - task.started_ms;
        let person = matches!(task.kind, TaskKind::Person(_));
        let overdue = age > TIMEOUT * 1000 && !person;
        if overdue && (!task.zombie || age > 20 * TIMEOUT * 1000) {
            self.drop_task(place, false);
            return;
        }
        task.acting.dead = age > REACH * 1000 && !person;
        self.world.lock().acting = task.acting.clone();
        let mut context = Context::from_waker(noop_waker_ref());
        let polled = task.future.as_mut().poll(&mut context);
        task.acting = std::mem::take(&mut self.world.lock().acting);
        match polled {
            Poll::Ready(done) => self.drop_task(place, done),
            Poll::Pending => {
                self.freeze_destroyer(place);
                self.freeze_hider(place);
            }
        }
    }

    /// A task that ended deletes its message, mostly; one that did not leaves it to be seen again.
    fn drop_task(&mut self, place: usize, done: bool) {
        let task = self.tasks.swap_remove(place);
        let mut state = self.world.lock();
        match task.kind {
            TaskKind::Worker { message, mut delivery } => {
                let again = !done || (state.weather == Weather::Storm && state.chance(30));
                state.note(|| format!("{} {}", if done { "end" } else { "lost" }, short(&message)));
                if let (true, Message::ResolveHold { hold, .. }) = (done, &message) {
                    let n = state.oracle.holds.keys().copied().find(|n| crate::people::hold(*n) == *hold);
                    n.into_iter().for_each(|n| crate::oracle::resolved(&mut state, n, task.began));
                }
                if again {
                    delivery.visible_at = if done { state.now_ms } else { state.now_ms + VISIBILITY_MS };
                    state.messages.push(delivery);
                }
            }
            TaskKind::Person(act) if done => state.answered(&act),
            TaskKind::Person(_) | TaskKind::Sweeper => {}
        }
    }

    /// Workers past their time are killed, but for zombies.
    fn bury(&mut self) {
        let now = self.world.lock().now_ms;
        let dead = |t: &Task| now - t.started_ms > TIMEOUT * 1000 && !t.zombie && !matches!(t.kind, TaskKind::Person(_));
        while let Some(place) = self.tasks.iter().position(dead) {
            self.drop_task(place, false);
        }
    }

    fn pass_time(&mut self) {
        let mut state = self.world.lock();
        let by = *state.choose(&[5, 100, 1_000, 5_000, 20_000, 60_000]).unwrap_or(&5);
        state.now_ms += by;
    }

    /// Messages that can be seen now.
    pub(crate) fn due(&self) -> Vec<usize> {
        let state = self.world.lock();
        (0..state.messages.len()).filter(|n| state.messages[*n].visible_at <= state.now_ms).collect()
    }

    pub(crate) fn deliver(&mut self) {
        let due = self.due();
        let delivery = {
            let mut state = self.world.lock();
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
            match engine.worker().handle(&handled).await {
                Ok(_) => true,
                Err(EngineError::Internal(fault)) => {
                    world.lock().broke(promise::BROKE, || format!("{}: {fault}", short(&handled)));
                    true
                }
                Err(_) => false,
            }
        };
        let (organization, request) = (Some(organization_of(&message)), request_of(&message));
        let acting = Acting { organization, request, ..Acting::default() };
        self.spawn(TaskKind::Worker { message, delivery }, acting, Box::pin(work));
    }

    fn sweep(&mut self) {
        if self.world.lock().mutant == Some(Mutant::CompletionOnEdgeOnly) {
            return;
        }
        let engine = self.engine.clone();
        self.spawn(TaskKind::Sweeper, Acting::default(), Box::pin(async move { engine.worker().sweep().await.is_ok() }));
    }

    fn next_act(&mut self) {
        let early = self.world.lock().chance(30);
        let acts: Vec<Act> = {
            let state = self.world.lock();
            let phase = |n: u128| state.seen(n).map(|s| s.phase.clone());
            let works = |p: &str| matches!(p, "recoverable" | "hiding" | "settling" | "restoring" | "purging");
            let under_way = state.oracle.requests.values().any(|s| works(&s.phase));
            let fits = |a: &&Act| match a {
                Act::Submit(_) => true,
                Act::Restore { request, .. } => phase(*request).as_deref() == Some("recoverable"),
                Act::Recover { request, .. } => {
                    phase(*request).as_deref() == Some("recoverable") && state.has_conflicts(*request)
                }
                Act::ReleaseHold(n) => state.oracle.holds.get(n).is_some_and(|h| h.answered.is_some()),
                // Where a hold or a cancel meets work under way is where it can go wrong.
                Act::PlaceHold(_) => under_way || early,
                other => other.request().and_then(phase).is_some(),
            };
            self.acts.iter().filter(fits).cloned().collect()
        };
        // Destruction is short and cannot be undone: what meets it matters most.
        let purging = self.world.lock().oracle.requests.values().any(|s| s.phase == "purging");
        let first = acts.iter().find(|a| purging && matches!(a, Act::PlaceHold(_))).cloned();
        let chosen = first.or_else(|| self.world.lock().choose(&acts).cloned());
        let Some(chosen) = chosen else { return };
        if let Some(n) = self.acts.iter().position(|a| *a == chosen) {
            self.acts.remove(n);
        }
        self.start(chosen);
    }

    fn start(&mut self, what: Act) {
        let acting = {
            let mut state = self.world.lock();
            state.asks(&what);
            state.acting_for(&what)
        };
        self.spawn(TaskKind::Person(what.clone()), acting, Box::pin(act(self.world.clone(), self.engine.clone(), what)));
    }

    /// Somebody looks at what waits for a person.
    fn decide(&mut self) {
        let waiting: Vec<(u128, String)> = {
            let state = self.world.lock();
            let phases = state.cast.cases.keys().filter_map(|n| state.seen(*n).map(|s| (*n, s.phase.clone())));
            phases.filter(|(_, p)| matches!(p.as_str(), "in_review" | "failed" | "awaiting_verification")).collect()
        };
        let Some((n, phase)) = self.world.lock().choose(&waiting).cloned() else { return };
        let act = match phase.as_str() {
            "failed" if self.world.lock().chance(150) => Act::Resolve(n),
            "failed" => Act::Retry(n),
            "in_review" => self.decision(n),
            _ if self.world.lock().chance(300) => Act::Verify(n),
            _ => return,
        };
        self.start(act);
    }

    fn decision(&mut self, n: u128) -> Act {
        let mut state = self.world.lock();
        let own = state.chance(50);
        if !own && state.chance(40) {
            return Act::Reject(n);
        }
        let digest = state.chance(700);
        let organization = state.seen(n).map(|s| s.asked.organization.clone()).unwrap_or_default();
        let categories = state.shop_named(&organization).and_then(|s| s.maps.first()).map(Map::categories).unwrap_or_default();
        let one = state.choose(&categories).cloned();
        let exclusions: Vec<String> = if state.chance(150) { one.into_iter().collect() } else { vec![] };
        let dated = !exclusions.is_empty() && state.chance(300);
        let until = dated.then(|| state.today().saturating_add(jiff::Span::new().days(400)));
        if state.chance(150) {
            return Act::Name { request: n, all: state.chance(500) };
        }
        let silent = state.chance(60);
        Act::Approve { request: n, own, digest, exclusions, until, silent }
    }
}

/// What an organization has set.
fn settings_of(shop: &ShopCast) -> Settings {
    let mut settings = Settings::new(shop.name.clone(), Country::Fr, "Europe/Paris".to_owned());
    settings.batch_size = shop.batch;
    settings.lanes = shop.lanes;
    settings.recovery_window_seconds = shop.window;
    settings.concurrent_requests = shop.slots;
    settings.forget_after_days = 1;
    settings
}

/// Polls a future to its end, without interleaving.
pub(crate) fn finish<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(noop_waker_ref());
    loop {
        if let Poll::Ready(done) = future.as_mut().poll(&mut context) {
            return done;
        }
    }
}

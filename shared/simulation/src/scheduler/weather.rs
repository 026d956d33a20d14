//! What goes wrong in a storm, and what people change meanwhile.

use super::{Run, TIMEOUT, Task, TaskKind, settings_of};
use crate::{acts::Act, promise, system::request_of, world::Weather};
use oubli_engine::{EngineError, ports::Message};

impl Run {
    /// Hours, days or months pass in which nothing else happens.
    pub(super) fn jump(&mut self) {
        let mut state = self.world.lock();
        if !state.cast.jumps {
            return;
        }
        let hours = state.choose(&[1, 1, 25, 25, 8 * 24, 40 * 24]).copied().unwrap_or(1);
        state.now_ms += hours * 3_600_000;
        state.note(|| format!("{hours} hours pass"));
        state.expire_versions();
    }

    /// A store begins to refuse, or changes its rules.
    pub(super) fn trouble(&mut self) {
        let mut state = self.world.lock();
        if !state.cast.troubled {
            return;
        }
        let until = state.now_ms + 600_000;
        let until = state.choose(&[until, until, until, i64::MAX]).copied().unwrap_or(until);
        let rows = state.shop.tables.iter().flat_map(|(t, rows)| rows.keys().map(move |k| (t.clone(), k.clone())));
        let objects = state.shop.buckets.iter().flat_map(|(b, all)| all.keys().map(move |k| (b.clone(), k.clone())));
        let records: Vec<(String, String)> = rows.chain(objects).collect();
        let Some(record) = state.choose(&records).cloned() else { return };
        match state.choose(&[0, 0, 0, 1, 2, 2, 2, 3, 4]).copied().unwrap_or_default() {
            0 => {
                state.note(|| format!("refused {}/{}", record.0, record.1));
                state.shop.refused.insert(record, until);
            }
            1 => {
                state.note(|| format!("closed {}", record.0));
                state.shop.unusable.insert(record.0, until);
            }
            2 => state.bucket_changes(),
            4 => {
                state.note(|| format!("slow {}/{}", record.0, record.1));
                state.shop.slow.insert(record, TIMEOUT / 6);
            }
            _ => {
                state.note(|| format!("endless {}/{}", record.0, record.1));
                state.shop.endless.push(record);
            }
        }
    }

    /// Somebody publishes another map, or changes the window.
    pub(super) fn new_map(&mut self) {
        if self.world.lock().chance(300) {
            return self.new_window();
        }
        let mut state = self.world.lock();
        if !state.chance(400) || state.cast.shops.first().is_none_or(|s| s.maps.len() > 2) {
            return;
        }
        let map = state.redraw_map(0);
        drop(state);
        if let Some(map) = map {
            self.publish(0, map);
        }
    }

    /// The organization wants another window from now on.
    fn new_window(&mut self) {
        let shop = {
            let mut state = self.world.lock();
            let (now, window) = (state.now_ms, state.draw_window());
            let shop = &mut state.cast.shops[0];
            shop.windows_before.push((now, shop.window));
            shop.window = window;
            let shop = shop.clone();
            state.note(|| format!("window of {}: {window} s", shop.name));
            shop
        };
        if let Ok(organization) = shop.name.parse()
            && let Err(error) = self.calmly(
                self.engine
                    .directory()
                    .operator(&organization, None)
                    .update_settings(Some("no recovery"), |_| Ok::<_, EngineError>(settings_of(&shop))),
            )
        {
            self.world.lock().broke(promise::BROKE, || format!("settings do not change: {error}"));
        }
    }

    /// A worker stands still for longer than its lease, and then goes on as if nothing had happened.
    pub(super) fn freeze_one(&mut self) {
        let workers: Vec<usize> =
            (0..self.tasks.len()).filter(|n| matches!(self.tasks[*n].kind, TaskKind::Worker { .. })).collect();
        let chosen = self.world.lock().choose(&workers).copied();
        if let Some(place) = chosen {
            self.freeze(place);
        }
    }

    fn freeze(&mut self, place: usize) {
        let until = self.world.lock().now_ms + 3 * TIMEOUT * 1000;
        self.tasks[place].zombie = true;
        self.tasks[place].frozen_until = until;
    }

    /// Whoever looks whether data may be destroyed can do the most harm by deciding on what it saw long ago: it stands
    /// still between two of its calls, and somebody places a hold.
    pub(super) fn freeze_destroyer(&mut self, place: usize) {
        let Some(Task { kind: TaskKind::Worker { message, .. }, .. }) = self.tasks.get(place) else { return };
        let looks = matches!(message, Message::Advance { .. } | Message::Sweep { .. });
        let calm = self.world.lock().weather == Weather::Calm;
        if calm || !looks || !self.world.lock().chance(150) {
            return;
        }
        let phase = request_of(message).and_then(|id| self.world.lock().oracle.requests.get(&id).map(|s| s.phase.clone()));
        if !matches!(phase.as_deref(), Some("recoverable" | "purging")) {
            return;
        }
        self.freeze(place);
        if let Some(n) = self.acts.iter().position(|a| matches!(a, Act::PlaceHold(_))) {
            let hold = self.acts.remove(n);
            self.start(hold);
        }
    }

    /// Whoever hides stands still for less than its lease, and somebody cancels or places a hold: what it has begun must
    /// be waited for.
    pub(super) fn freeze_hider(&mut self, place: usize) {
        let Some(Task { kind: TaskKind::Worker { message: Message::Batch { .. }, .. }, .. }) = self.tasks.get(place) else {
            return;
        };
        let stops = |a: &Act| matches!(a, Act::PlaceHold(_) | Act::Cancel(_));
        let Some(n) = self.acts.iter().position(stops) else { return };
        let request = self.tasks[place].acting.request.clone().unwrap_or_default();
        let mut state = self.world.lock();
        let hides = state.oracle.requests.get(&request).is_some_and(|s| s.phase == "hiding");
        if state.weather == Weather::Calm || !hides || !state.chance(30) {
            return;
        }
        let until = state.now_ms + TIMEOUT * 1000 / 2;
        drop(state);
        (self.tasks[place].zombie, self.tasks[place].frozen_until) = (true, until);
        let act = self.acts.remove(n);
        self.start(act);
    }

    pub(super) fn kill_one(&mut self) {
        let workers: Vec<usize> = (0..self.tasks.len()).filter(|n| !matches!(self.tasks[*n].kind, TaskKind::Person(_))).collect();
        let chosen = self.world.lock().choose(&workers).copied();
        if let Some(place) = chosen {
            self.drop_task(place, false);
        }
    }
}

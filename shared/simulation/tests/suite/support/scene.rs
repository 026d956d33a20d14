//! A shop with a data map of the test's own, and an erasure of Ada in it.

use super::{change_settings, id, officer, reviewer, settle_but};
use oubli_domain::{
    lifecycle::Phase,
    personal::Identity,
    plan::{Exclusion, Kept},
};
use oubli_engine::{
    Config, Engine, EngineError,
    api::{Approval, NewRequest, RequestDetail, RequestKind, RequestView},
    ports::{Ports, Stores},
};
use oubli_simulation::{World, channel, new_request, organization, polls::block_on, ports, shop};
use std::sync::Arc;

/// Dates that every duty of these tests is over for, and none.
pub const OLD: &str = "1999-01-01";
pub const NEW: &str = "2026-01-01";

pub struct Scene {
    pub world: World,
    /// Other stores than the world's.
    pub stores: Option<Arc<dyn Stores>>,
}

impl Scene {
    pub fn new(map: &str) -> Self {
        let scene = Self { world: World::new(11, None, false), stores: None };
        block_on(shop(&scene.world, &scene.engine())).expect("opened");
        scene.publish(map);
        scene.world.pass(3_600);
        scene
    }

    pub fn publish(&self, map: &str) {
        block_on(self.engine().directory().operator(&organization(), None).publish_map(map)).expect("published");
    }

    /// So many records in a batch, from now on.
    pub fn batches_of(&self, records: u32) {
        change_settings(&self.engine(), |s| s.batch_size = records).expect("set");
    }

    pub fn engine(&self) -> Engine {
        let config = Config { worker_timeout_seconds: 30, ..Config::default() };
        self.engine_of(config)
    }

    pub fn engine_of(&self, config: Config) -> Engine {
        let ports = ports(&self.world);
        let stores = self.stores.clone().unwrap_or_else(|| ports.stores.clone());
        Engine::with_config(Ports { stores, ..ports }, config).with_channel(channel(&self.world))
    }

    pub fn row(&self, table: &str, key: &str, fields: &[(&str, &str)]) {
        let fields: Vec<(&str, &str)> = [("id", key)].into_iter().chain(fields.iter().copied()).collect();
        self.world.app_writes(table, key, &fields);
    }

    pub fn settle(&self) {
        settle_but(&self.world, || self.engine(), |_| false);
    }

    pub fn detail(&self) -> RequestDetail {
        block_on(self.engine().requests().request(&reviewer(), id())).expect("there")
    }

    pub fn phase(&self) -> Phase {
        self.detail().request.state.phase
    }

    pub fn new_request(&self) -> NewRequest {
        new_request(&self.world, id(), Identity::built_in(Some("ada"), None).expect("an identity"))
    }

    /// A plan for Ada.
    pub fn plan(&self) -> (Vec<(String, u64)>, Vec<Kept>) {
        self.plan_of(self.new_request())
    }

    /// A plan for some categories of Ada's.
    pub fn partial_plan(&self, categories: &[&str]) -> (Vec<(String, u64)>, Vec<Kept>) {
        let categories = categories.iter().map(|c| c.parse().expect("a category")).collect();
        self.plan_of(NewRequest { kind: RequestKind::PartialErasure, categories, ..self.new_request() })
    }

    pub fn plan_of(&self, new: NewRequest) -> (Vec<(String, u64)>, Vec<Kept>) {
        block_on(self.engine().requests().submit(&officer(), new)).expect("submitted");
        self.settle();
        self.planned()
    }

    /// The plan in review.
    pub fn planned(&self) -> (Vec<(String, u64)>, Vec<Kept>) {
        let seen = self.detail();
        assert_eq!(seen.request.state.phase, Phase::InReview);
        let plan = seen.plan.expect("a plan");
        (plan.steps.into_iter().map(|s| (s.producer.to_string(), s.records)).collect(), plan.kept)
    }

    pub fn hide(&self) {
        self.hide_but(&[]);
    }

    /// Hides what is planned, but for categories that the reviewer leaves out.
    pub fn hide_but(&self, categories: &[&str]) {
        self.approve_but(categories).expect("approved");
        self.settle();
    }

    /// Approves what is planned, but for categories.
    pub fn approve_but(&self, categories: &[&str]) -> Result<RequestView, EngineError> {
        let seen = self.detail();
        let (plan_digest, acknowledged) = (seen.request.plan_digest, seen.to_acknowledge);
        let leave_out = |category: &&str| Exclusion {
            category: category.parse().expect("a category"),
            reason: "a dispute".to_owned(),
            retention_until: None,
        };
        let exclusions = categories.iter().map(leave_out).collect();
        let approval = Approval { plan_digest, approved_by: None, notes: None, exclusions, acknowledged };
        block_on(self.engine().reviews().approve(&reviewer(), id(), approval))
    }

    /// The window passes, what was hidden is destroyed, and the stores are searched again.
    pub fn end(&self) -> RequestDetail {
        self.world.pass(40 * 24 * 3_600);
        block_on(self.engine().worker().sweep()).expect("swept");
        self.settle();
        self.detail()
    }

    /// Keys of objects that can be seen.
    pub fn objects(&self, bucket: &str) -> Vec<String> {
        let state = self.world.lock();
        let objects = state.shop.buckets.get(bucket).into_iter().flatten();
        let standing = objects.filter(|(_, stack)| stack.last().is_some_and(|version| !version.marker));
        standing.map(|(key, _)| key.clone()).collect()
    }

    pub fn rows(&self, table: &str) -> Vec<String> {
        self.world.lock().shop.tables.get(table).into_iter().flatten().map(|(key, _)| key.clone()).collect()
    }
}

pub fn went(plan: &[(String, u64)], producer: &str) -> u64 {
    plan.iter().find(|(name, _)| name == producer).map_or(0, |(_, records)| *records)
}

/// Records of a producer that stay for a reason, in one word, whose words begin so.
pub fn stayed(kept: &[Kept], producer: &str, code: &str, words: &str) -> u64 {
    let of = kept.iter().filter(|k| k.producer.as_str() == producer && k.why.code() == code);
    of.filter(|k| k.why.words().unwrap_or_default().starts_with(words)).map(|k| k.records).sum()
}

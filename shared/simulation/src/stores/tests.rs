//! The stores in memory keep the contract of connectors.

use super::{Rules, SimStores, Versioning};
use crate::{
    CallOutcome, Mutant, World,
    contract::{self, ConnectorFixture},
    polls::block_on,
};
use async_trait::async_trait;
use jiff::Timestamp;
use oubli_domain::datamap::{Location, Producer, parse};
use oubli_engine::ports::{Connector, Stores as _};
use std::sync::Arc;

const MAP: &str = r#"
version: 1
stores:
  db: {connector: dynamodb}
  files: {connector: s3}
producers:
  - {name: rows, category: rows, store: db, table: rows, key: [id], select: [{by: subject_id, index: by_owner, attribute: owner}]}
  - {name: scanned, category: rows, store: db, table: rows, key: [id], select: [{by: subject_id, scan: {attribute: owner, max_items: 1000}}]}
  - {name: objects, category: objects, store: files, bucket: objects, select: [{by: subject_id, prefix: "users/{}/"}]}
"#;

struct Fixture {
    world: World,
    connector: Arc<dyn Connector>,
    producer: Producer,
}

impl Fixture {
    fn new(producer: &str) -> Self {
        Self::with(producer, None)
    }

    fn with(producer: &str, mutant: Option<Mutant>) -> Self {
        let world = World::new(1, mutant, false);
        let (map, _) = parse(MAP).expect("a map");
        let producer = map.producer(&producer.parse().expect("a name")).expect("declared").clone();
        let store = &map.stores[&producer.store];
        let connector = SimStores(world.clone()).connector(&producer.store, store).expect("a connector");
        Self { world, connector, producer }
    }

    fn bucket(versioning: Versioning) -> Self {
        let fixture = Self::new("objects");
        fixture.world.lock().shop.rules.insert("objects".to_owned(), Rules { versioning, expiry_ms: None });
        fixture
    }

    fn objects(&self) -> bool {
        matches!(self.producer.location, Location::Bucket(_))
    }

    fn key(&self, subject: &str, number: u32) -> String {
        if self.objects() { format!("users/{subject}/{number}") } else { format!("{subject}#{number}") }
    }
}

#[async_trait]
impl ConnectorFixture for Fixture {
    fn connector(&self) -> &dyn Connector {
        self.connector.as_ref()
    }

    fn producer(&self) -> &Producer {
        &self.producer
    }

    async fn write(&self, subject: &str, number: u32, content: &str) {
        let key = self.key(subject, number);
        let mut state = self.world.lock();
        match self.objects() {
            true => state.app_uploads("objects", &key),
            false => state.app_writes("rows", &key, &[("owner", subject), ("content", content)]),
        }
    }

    async fn delete(&self, subject: &str, number: u32) {
        let key = self.key(subject, number);
        let mut state = self.world.lock();
        if self.objects() { state.app_deletes_object("objects", &key) } else { state.app_deletes("rows", &key) }
    }

    async fn raw(&self, subject: &str, number: u32) -> Option<Vec<u8>> {
        let key = self.key(subject, number);
        let state = self.world.lock();
        if self.objects() {
            let top = state.stack("objects", &key).last().cloned()?;
            return (!top.marker).then(|| state.bytes_of(&("objects".to_owned(), key), top.id).to_vec());
        }
        Some(state.shop.tables.get("rows")?.get(&key)?.body().to_vec())
    }

    fn loses_a_reply(&self) -> Option<Arc<dyn Connector>> {
        self.world.plan(0, CallOutcome::ReplyLost);
        Some(self.connector.clone())
    }

    fn now(&self) -> Timestamp {
        self.world.lock().now()
    }
}

#[test]
fn tables_in_memory_keep_the_contract_of_connectors() {
    for producer in ["rows", "scanned"] {
        block_on(contract::connector(&Fixture::new(producer)));
    }
}

#[test]
fn buckets_in_memory_keep_the_contract_of_connectors() {
    for versioning in [Versioning::Never, Versioning::On] {
        block_on(contract::connector(&Fixture::bucket(versioning)));
    }
}

#[test]
#[should_panic(expected = "Done")]
fn a_store_that_removes_whatever_stands_there_breaks_the_contract() {
    block_on(contract::connector(&Fixture::with("rows", Some(Mutant::DeleteWithoutVersion))));
}

#[test]
#[should_panic(expected = "gone, and not by this try")]
fn a_store_that_takes_what_is_gone_for_its_own_doing_breaks_the_contract() {
    block_on(contract::connector(&Fixture::with("rows", Some(Mutant::NotFoundIsErased))));
}

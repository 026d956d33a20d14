//! The contract of connectors on tables: compared as a whole, by a version attribute, and found through an index.

use crate::{
    support::{meddler::forgetful, producer},
    world::{Fixture, connected, number, orders, scan, select, text},
};
use async_trait::async_trait;
use oubli_domain::datamap::Producer;
use oubli_engine::ports::Connector;
use oubli_simulation::contract::{self, ConnectorFixture};
use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

struct Orders {
    world: Fixture,
    producer: Producer,
    written: AtomicI64,
}

#[async_trait]
impl ConnectorFixture for Orders {
    fn connector(&self) -> &dyn Connector {
        self.world.connector.as_ref()
    }

    fn producer(&self) -> &Producer {
        &self.producer
    }

    async fn write(&self, subject: &str, n: u32, content: &str) {
        let version = number(self.written.fetch_add(1, Ordering::Relaxed));
        self.world.put(subject, n.into(), &[("email", text(subject)), ("v", version), ("content", text(content))]).await;
    }

    async fn delete(&self, subject: &str, n: u32) {
        let request = self.world.client.delete_item().table_name("orders");
        request.key("user", text(subject)).key("n", number(n.into())).send().await.expect("deleted");
    }

    async fn raw(&self, subject: &str, n: u32) -> Option<Vec<u8>> {
        let item: BTreeMap<_, _> = self.world.get(subject, n.into()).await?.into_iter().collect();
        Some(format!("{item:?}").into_bytes())
    }

    fn loses_a_reply(&self) -> Option<Arc<dyn Connector>> {
        Some(Arc::new(connected(&self.world.client, forgetful("DeleteItem"))))
    }
}

async fn keeps_the_contract(producer: Producer) {
    let orders = Orders { world: Fixture::new().await, producer, written: AtomicI64::new(1) };
    contract::connector(&orders).await;
}

#[tokio::test]
async fn items_compared_attribute_by_attribute_keep_the_contract() {
    keeps_the_contract(orders(None)).await;
}

#[tokio::test]
async fn items_with_a_version_attribute_keep_the_contract() {
    keeps_the_contract(orders(Some("v"))).await;
}

#[tokio::test]
async fn items_found_through_an_index_keep_the_contract() {
    keeps_the_contract(producer(orders(None).location, vec![select("email", Some("by_email"))])).await;
}

#[tokio::test]
async fn items_found_by_a_scan_keep_the_contract() {
    keeps_the_contract(producer(orders(None).location, vec![scan("email", 1_000)])).await;
}

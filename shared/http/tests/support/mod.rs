//! The whole API on ports behind which nobody answers: enough for everything that is decided before a port is asked.

use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode},
};
use bytes::Bytes;
use jiff::Timestamp;
use oubli_domain::{datamap::Store, ids::StoreName};
use oubli_engine::{
    Engine,
    ports::{
        ByteStream, Clock, Connector, DataKey, Entropy, Envelope, Item, Key, KeyService, KeyServiceError, ObjectError,
        ObjectWriter, Objects, Page, Ports, Query, Queue, QueueError, Stores, Table, TableError, WrappedKey, Write,
    },
};
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tower::ServiceExt as _;

struct Nobody;

fn table<T>() -> Result<T, TableError> {
    Err(TableError::Unavailable("nobody".to_owned()))
}

fn objects<T>() -> Result<T, ObjectError> {
    Err(ObjectError::Unavailable("nobody".to_owned()))
}

fn keys<T>() -> Result<T, KeyServiceError> {
    Err(KeyServiceError::Unavailable("nobody".to_owned()))
}

#[async_trait]
impl Table for Nobody {
    async fn get_many(&self, _: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        table()
    }

    async fn query(&self, _: Query) -> Result<Page, TableError> {
        table()
    }

    async fn transact(&self, _: Vec<Write>) -> Result<(), TableError> {
        table()
    }

    async fn put_all(&self, _: Vec<(Key, Item)>) -> Result<(), TableError> {
        table()
    }

    async fn delete_all(&self, _: Vec<Key>) -> Result<(), TableError> {
        table()
    }
}

#[async_trait]
impl Objects for Nobody {
    async fn put(&self, _: &str, _: Bytes) -> Result<(), ObjectError> {
        objects()
    }

    async fn writer(&self, _: &str) -> Result<Box<dyn ObjectWriter>, ObjectError> {
        objects()
    }

    async fn reader(&self, _: &str) -> Result<Option<ByteStream>, ObjectError> {
        objects()
    }

    async fn delete(&self, _: &[String]) -> Result<(), ObjectError> {
        objects()
    }
}

#[async_trait]
impl KeyService for Nobody {
    async fn generate(&self, _: &BTreeMap<String, String>) -> Result<(DataKey, WrappedKey), KeyServiceError> {
        keys()
    }

    async fn unwrap(&self, _: &WrappedKey, _: &BTreeMap<String, String>) -> Result<DataKey, KeyServiceError> {
        keys()
    }

    async fn mac(&self, _: &[u8]) -> Result<[u8; 32], KeyServiceError> {
        keys()
    }
}

#[async_trait]
impl Queue for Nobody {
    async fn send(&self, _: Vec<Envelope>) -> Result<(), QueueError> {
        Err(QueueError("nobody".to_owned()))
    }
}

#[async_trait]
impl Clock for Nobody {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    async fn sleep(&self, _: Duration) {}
}

impl Entropy for Nobody {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

impl Stores for Nobody {
    fn connector(&self, _: &StoreName, _: &Store) -> Arc<dyn Connector> {
        unreachable!("no HTTP call tested here reaches a store")
    }
}

/// An engine that nobody answers.
pub fn engine() -> Engine {
    let nobody = Arc::new(Nobody);
    Engine::new(Ports {
        table: nobody.clone(),
        objects: nobody.clone(),
        keys: nobody.clone(),
        queue: nobody.clone(),
        stores: nobody.clone(),
        clock: nobody.clone(),
        entropy: nobody,
    })
}

/// Every route of every function.
pub fn app() -> Router {
    oubli_http::everything(engine())
}

/// An answer, read.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
}

/// Makes one call.
pub async fn call(app: &Router, request: Request<Body>) -> Answer {
    let response = app.clone().oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.expect("a body");
    Answer { status: parts.status, headers: parts.headers, body: serde_json::from_slice(&bytes).unwrap_or_default() }
}

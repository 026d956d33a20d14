//! Items in DynamoDB tables, hidden through the vault.

mod discover;
mod query;
mod read;
mod sample;
mod scan;
mod schema;
mod survey;
mod value;
mod write;

use crate::{
    Options,
    failure::{Resource, all},
};
use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_dynamodb::Client;
use oubli_domain::datamap::{DynamoTable, Location, Producer};
use oubli_engine::ports::{
    Applied, Capabilities, Connector, Discovered, Effect, Expected, ExportForm, Found, PutBack, Queries, RecordRef, Returned,
    Row, Rows, Selector, Snapshot, StoreError, Survey,
};
use schema::Schema;
use serde_json::Value;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use value::Attributes;

/// Calls on single items under way at once.
const PARALLEL: usize = 32;

/// [`Connector`] for DynamoDB tables.
#[derive(Debug)]
pub struct DynamoDb {
    client: Client,
    schemas: Mutex<HashMap<String, Arc<Schema>>>,
}

impl DynamoDb {
    /// A connector that calls through this client.
    pub fn new(client: Client) -> Self {
        Self { client, schemas: Mutex::default() }
    }

    /// The table as last described; its keys never change, its indexes seldom.
    async fn schema(&self, resource: &Resource, table: &str) -> Result<Arc<Schema>, StoreError> {
        let known = self.schemas.lock().unwrap_or_else(PoisonError::into_inner).get(table).cloned();
        match known {
            Some(schema) => Ok(schema),
            None => self.describe(resource, table).await,
        }
    }

    async fn describe(&self, resource: &Resource, table: &str) -> Result<Arc<Schema>, StoreError> {
        let reply = self.client.describe_table().table_name(table).send().await.map_err(|e| resource.failed(&e))?;
        let description = reply.table.ok_or_else(|| resource.unavailable("IncompleteReply"))?;
        let schema = Arc::new(Schema::new(description));
        let mut schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        schemas.insert(table.to_owned(), schema.clone());
        Ok(schema)
    }
}

/// The connector of this deployment.
pub(crate) fn connect(config: &SdkConfig, options: &Options) -> Arc<dyn Connector> {
    let mut config = aws_sdk_dynamodb::config::Builder::from(config);
    options.observer.clone().map(|observer| config.push_interceptor(observer));
    Arc::new(DynamoDb::new(Client::from_conf(config.build())))
}

/// The producer's table, and its name for errors.
fn table(producer: &Producer) -> Result<(&DynamoTable, Resource), StoreError> {
    let resource = Resource::table(producer.location.name());
    match &producer.location {
        Location::Table(table) => Ok((table, resource)),
        _ => Err(resource.unusable("its store's connector is dynamodb: correct the data map")),
    }
}

/// A record's primary key, if it can be one of this table: DynamoDB refuses a whole call for one that cannot.
fn key(resource: &Resource, table: &DynamoTable, schema: &Schema, record: &RecordRef) -> Result<Attributes, StoreError> {
    let complete = |k: &Attributes| k.len() == table.key.len() && table.key.iter().all(|n| k.contains_key(n));
    let key = value::item_from_json(&record.key).filter(complete).filter(|k| schema.admits(k));
    key.ok_or_else(|| resource.record("its address is not a key of this table: was the table's key changed in the data map?"))
}

/// The primary key of an item, as JSON.
fn key_json(table: &DynamoTable, item: &Attributes) -> Option<Value> {
    let key = table.key.iter().map(|name| Some((name.clone(), item.get(name)?.clone()))).collect::<Option<_>>()?;
    value::item_to_json(&key)
}

#[async_trait]
impl Connector for DynamoDb {
    async fn capabilities(&self, producer: &Producer, _: Duration) -> Result<Capabilities, StoreError> {
        let (table, resource) = table(producer)?;
        self.describe(&resource, &table.table).await?.capabilities(&resource, producer, table)
    }

    async fn discover(
        &self,
        producer: &Producer,
        selector: Selector<'_>,
        after: Option<&Value>,
        limit: usize,
    ) -> Result<Discovered, StoreError> {
        match scan::scan_of(selector.way.selection) {
            Some(scanned) => self.scan(producer, scanned, selector, after, limit).await,
            None => self.find(producer, selector, after, limit).await,
        }
    }

    async fn reread(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Vec<Result<Option<Found>, StoreError>> {
        self.find_again(producer, records, fields).await.unwrap_or_else(|error| all(records.len(), &error))
    }

    async fn read(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Vec<Result<Option<Snapshot>, StoreError>> {
        self.snapshots(producer, records, fields).await.unwrap_or_else(|error| all(records.len(), &error))
    }

    fn form(&self) -> ExportForm<'_> {
        ExportForm::Rows(self)
    }

    async fn apply(&self, producer: &Producer, changes: &[(Expected, Effect)]) -> Vec<Result<Applied, StoreError>> {
        self.remove_unchanged(producer, changes).await
    }

    async fn put_back(&self, producer: &Producer, returned: Vec<Returned>) -> Vec<Result<PutBack, StoreError>> {
        self.put_where_absent(producer, returned).await
    }

    fn queries(&self) -> Option<&dyn Queries> {
        Some(self)
    }

    fn survey(&self) -> Option<&dyn Survey> {
        Some(self)
    }
}

impl Rows for DynamoDb {
    fn row(&self, body: &[u8]) -> Option<Row> {
        value::row(&value::item_from_json(&serde_json::from_slice(body).ok()?)?)
    }
}

//! The control plane's items in DynamoDB.

mod expression;
mod read;
mod write;

use crate::{
    failure,
    settings::{Settings, SettingsError},
};
use async_trait::async_trait;
use aws_sdk_dynamodb::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::AttributeValue,
};
use oubli_engine::ports::{Item, Key, Page, Query, Table, TableError, TableName, Write};
use serde_json::Value;
use std::{collections::HashMap, sync::Arc};

/// [`Table`] on DynamoDB.
#[derive(Debug, Clone)]
pub struct DynamoDb {
    client: Client,
    settings: Arc<Settings>,
}

type Attributes = HashMap<String, AttributeValue>;

impl DynamoDb {
    /// The tables that the settings name.
    pub fn new(client: Client, settings: Arc<Settings>) -> Self {
        Self { client, settings }
    }

    fn table(&self, table: TableName) -> Result<&str, TableError> {
        Ok(self.settings.table(table)?)
    }
}

#[async_trait]
impl Table for DynamoDb {
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        self.read_items(keys).await
    }

    async fn query(&self, query: Query) -> Result<Page, TableError> {
        self.read_page(query).await
    }

    async fn transact(&self, writes: Vec<Write>) -> Result<(), TableError> {
        self.write_together(writes).await
    }

    async fn put_all(&self, items: Vec<(Key, Item)>) -> Result<(), TableError> {
        self.put_apart(items).await
    }

    async fn delete_all(&self, keys: Vec<Key>) -> Result<(), TableError> {
        self.delete_apart(keys).await
    }
}

impl From<SettingsError> for TableError {
    fn from(error: SettingsError) -> Self {
        TableError::Invalid(error.to_string())
    }
}

/// A failed call that is not about conditions. What the caller got wrong stays wrong; all else may pass or be mended.
fn failed<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> TableError {
    let code = failure::code(error);
    match code.as_str() {
        "ValidationException" | "ItemCollectionSizeLimitExceededException" | "IdempotentParameterMismatchException" => {
            TableError::Invalid(code)
        }
        _ => TableError::Unavailable(code),
    }
}

fn key_attributes(key: &Key) -> Attributes {
    HashMap::from([("pk".to_owned(), AttributeValue::S(key.pk.clone())), ("sk".to_owned(), AttributeValue::S(key.sk.clone()))])
}

fn to_attributes(key: &Key, item: Item) -> Result<Attributes, TableError> {
    let mut attributes: Attributes = serde_dynamo::to_item(item).map_err(|_| unreadable())?;
    attributes.extend(key_attributes(key));
    Ok(attributes)
}

fn to_item(attributes: Attributes) -> Result<Item, TableError> {
    match serde_dynamo::from_item(attributes) {
        Ok(Value::Object(item)) => Ok(item),
        _ => Err(unreadable()),
    }
}

fn unreadable() -> TableError {
    TableError::Invalid("an item that is not JSON".to_owned())
}

//! Saved queries, in PartiQL.

use super::{
    DynamoDb,
    schema::{self, Schema},
    value,
};
use crate::failure::Resource;
use async_trait::async_trait;
use aws_sdk_dynamodb::types::{AttributeValue, ScalarAttributeType};
use oubli_domain::saved_query::SavedQuery;
use oubli_engine::ports::{Queries, QueryPage, StoreError};

/// Items looked at for a page.
const PAGE: i32 = 1_000;

#[async_trait]
impl Queries for DynamoDb {
    async fn query(&self, query: &SavedQuery, values: &[String], after: Option<String>) -> Result<QueryPage, StoreError> {
        let resource = Resource::query(query.name.as_str());
        let schema = self.schema(&resource, &query.table).await?;
        let compared = query.compared();
        let values = values.iter().enumerate().map(|(place, text)| {
            let attribute = compared.get(place).and_then(Option::as_deref);
            parameter(&resource, &schema, attribute, text)
        });
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let request = self.client.execute_statement().statement(&query.statement).set_parameters(Some(values));
        let request = request.consistent_read(!query.by_index).limit(PAGE).set_next_token(after);
        let reply = request.send().await.map_err(|e| resource.failed(&e))?;
        let rows: Option<_> = reply.items.unwrap_or_default().iter().map(value::row).collect();
        let rows = rows.ok_or_else(|| resource.unavailable("IncompleteReply"))?;
        Ok(QueryPage { rows, next: reply.next_token })
    }
}

/// A value in the type of what it is compared with: that of a key, where it is one. No text equals a number, and DynamoDB says
/// so of keys only.
fn parameter(resource: &Resource, schema: &Schema, attribute: Option<&str>, text: &str) -> Result<AttributeValue, StoreError> {
    let key = attribute.and_then(|name| Some((name, schema.type_of(name)?)));
    match key {
        Some((name, ScalarAttributeType::N)) => {
            // Two spellings of one number could be two people.
            schema::plain_number(resource, name, text).map(AttributeValue::N)
        }
        Some((name, ScalarAttributeType::B)) => {
            Err(resource.unusable(format!("{name} is binary: no identifier can be compared with it")))
        }
        _ => Ok(AttributeValue::S(text.to_owned())),
    }
}

//! Saved queries, in PartiQL.

use super::{DynamoDb, value};
use crate::failure::Resource;
use async_trait::async_trait;
use aws_sdk_dynamodb::types::AttributeValue;
use oubli_domain::saved_query::SavedQuery;
use oubli_engine::ports::{Queries, QueryPage, StoreError};

/// Items looked at for a page.
const PAGE: i32 = 1_000;

#[async_trait]
impl Queries for DynamoDb {
    async fn query(&self, query: &SavedQuery, values: &[String], after: Option<String>) -> Result<QueryPage, StoreError> {
        let resource = Resource::query(query.name.as_str());
        let values = values.iter().cloned().map(AttributeValue::S).collect();
        let request = self.client.execute_statement().statement(&query.statement).set_parameters(Some(values));
        let request = request.consistent_read(!query.by_index).limit(PAGE).set_next_token(after);
        let reply = request.send().await.map_err(|e| resource.failed(&e))?;
        let rows: Option<_> = reply.items.unwrap_or_default().iter().map(value::row).collect();
        let rows = rows.ok_or_else(|| resource.unavailable("IncompleteReply"))?;
        Ok(QueryPage { rows, next: reply.next_token })
    }
}

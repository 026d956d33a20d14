//! Conditional removals and returns.

use super::{
    DynamoDb, PARALLEL, key, key_json,
    read::{BATCH, unknown_type},
    schema::Schema,
    table, value,
    value::Attributes,
};
use crate::failure::{Resource, all, code, pauses};
use aws_sdk_dynamodb::{
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    operation::{delete_item::DeleteItemError, put_item::PutItemError},
    types::{AttributeValue, ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use backon::Retryable as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oubli_domain::datamap::{DynamoTable, Producer};
use oubli_engine::ports::{Applied, Effect, Expected, PutBack, Returned, StoreError};
use serde_json::Value;

/// Most attributes that one condition can compare: two operators each, of the 300 that DynamoDB takes.
const MAX_COMPARED: usize = 140;
/// Longest text of an item that can come back, in bytes: 400 KB, written as JSON with binary in base64.
const MAX_BODY: u64 = 8 << 20;

/// What an item must be to be removed.
struct Guard {
    attributes: Vec<(String, AttributeValue)>,
    /// The whole item, when it is compared attribute by attribute.
    item: Option<Value>,
}

impl Guard {
    fn new(resource: &Resource, table: &DynamoTable, expected: &Expected) -> Result<Self, StoreError> {
        let foreign = || resource.record("its version is not one of this connector's");
        let version = &expected.version.0;
        if let Some(item) = version.get("item") {
            let mut attributes: Vec<_> = value::item_from_json(item).ok_or_else(foreign)?.into_iter().collect();
            attributes.retain(|(name, _)| !table.key.contains(name));
            if attributes.len() > MAX_COMPARED {
                let count = attributes.len();
                return Err(resource.record(format!(
                    "it has {count} attributes, more than the {MAX_COMPARED} that one condition can compare: declare a version_attribute"
                )));
            }
            return Ok(Self { attributes, item: Some(item.clone()) });
        }
        let name = version.get("attribute").and_then(Value::as_str).ok_or_else(foreign)?;
        let value = version.get("value").and_then(value::from_json).ok_or_else(foreign)?;
        Ok(Self { attributes: vec![(name.to_owned(), value)], item: None })
    }
}

impl DynamoDb {
    pub(super) async fn remove_unchanged(
        &self,
        producer: &Producer,
        removals: &[(Expected, Effect)],
    ) -> Vec<Result<Applied, StoreError>> {
        let (table, resource) = match table(producer) {
            Ok(found) => found,
            Err(error) => return all(removals.len(), &error),
        };
        let schema = match self.schema(&resource, &table.table).await {
            Ok(schema) => schema,
            Err(error) => return all(removals.len(), &error),
        };
        let mut applied = Vec::with_capacity(removals.len());
        // A reading is followed at once by the deletions it speaks of.
        for some in removals.chunks(BATCH) {
            applied.extend(self.remove_some(&resource, table, &schema, some).await);
        }
        applied
    }

    /// A condition cannot see an attribute that was added to an item, so items that are compared whole are read once more
    /// and only those that have not grown are deleted.
    async fn remove_some(
        &self,
        resource: &Resource,
        table: &DynamoTable,
        schema: &Schema,
        removals: &[(Expected, Effect)],
    ) -> Vec<Result<Applied, StoreError>> {
        let wanted: Vec<_> = removals
            .iter()
            .map(|(expected, Effect::Remove)| {
                Ok((key(resource, table, schema, &expected.record)?, Guard::new(resource, table, expected)?))
            })
            .collect();
        let whole = |guard: &Guard| guard.item.is_some();
        let keys: Vec<_> = wanted.iter().flatten().filter(|(_, guard)| whole(guard)).map(|(key, _)| key.clone()).collect();
        let mut standing = self.items(resource, table, &keys).await.map(Vec::into_iter);
        let applied: Vec<_> = wanted
            .into_iter()
            .map(|wanted: Result<_, StoreError>| {
                let now = match &wanted {
                    Ok((_, guard)) if whole(guard) => standing.as_mut().map(|s| Some(s.next().flatten())).map_err(|e| e.clone()),
                    _ => Ok(None),
                };
                async move {
                    let (key, guard) = wanted?;
                    match now?.map(|item| item.map(|item| value::item_to_json(&item))) {
                        Some(None) => Ok(Applied::Absent),
                        Some(Some(item)) if item != guard.item => Ok(Applied::Changed),
                        _ => self.remove_one(resource, table, key, guard).await,
                    }
                }
            })
            .collect();
        stream::iter(applied).buffered(PARALLEL).collect().await
    }

    async fn remove_one(
        &self,
        resource: &Resource,
        table: &DynamoTable,
        key: Attributes,
        guard: Guard,
    ) -> Result<Applied, StoreError> {
        let delete = || {
            let mut condition = "attribute_exists(#k)".to_owned();
            let mut request = self.client.delete_item().table_name(&table.table).set_key(Some(key.clone()));
            request = request.set_expression_attribute_names(table.key.first().map(|k| [("#k".to_owned(), k.clone())].into()));
            for (n, (name, value)) in guard.attributes.iter().enumerate() {
                condition.push_str(&format!(" AND #{n} = :{n}"));
                request = request.expression_attribute_names(format!("#{n}"), name);
                request = request.expression_attribute_values(format!(":{n}"), value.clone());
            }
            request
                .condition_expression(condition)
                .set_return_values(guard.item.is_some().then_some(ReturnValue::AllOld))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
        };
        match delete.retry(pauses()).when(in_conflict).await {
            Ok(reply) => self.settle(resource, table, &guard, reply.attributes.unwrap_or_default()).await,
            Err(error) => match error.as_service_error() {
                Some(DeleteItemError::ConditionalCheckFailedException(refused)) => {
                    Ok(if refused.item().is_some_and(|i| !i.is_empty()) { Applied::Changed } else { Applied::Absent })
                }
                _ => Err(resource.failed_record(&error)),
            },
        }
    }

    /// What was deleted is looked at: an item that grew in the instant since it was read goes back, unless a newer one
    /// stands there by now. Until it stands again its newest state is here alone, so this is tried for longer than most.
    async fn settle(
        &self,
        resource: &Resource,
        table: &DynamoTable,
        guard: &Guard,
        deleted: Attributes,
    ) -> Result<Applied, StoreError> {
        let Some(expected) = &guard.item else { return Ok(Applied::Done) };
        if value::item_to_json(&deleted).as_ref() == Some(expected) {
            return Ok(Applied::Done);
        }
        let put = || self.put(table, deleted.clone());
        let refused = |error: &_| standing(error).is_none();
        match put.retry(pauses()).when(refused).await {
            Ok(()) => Ok(Applied::Changed),
            Err(error) if standing(&error).is_some() => Ok(Applied::Changed),
            Err(error) => Err(resource.unavailable(format!(
                "{}: an item that grew while it was deleted could not be put back, and its copy lacks what was added",
                code(&error)
            ))),
        }
    }

    pub(super) async fn put_where_absent(
        &self,
        producer: &Producer,
        returned: Vec<Returned>,
    ) -> Vec<Result<PutBack, StoreError>> {
        let (table, resource) = match table(producer) {
            Ok(found) => found,
            Err(error) => return all(returned.len(), &error),
        };
        let returns: Vec<_> = returned.into_iter().map(|returned| self.put_one(&resource, table, returned)).collect();
        stream::iter(returns).buffered(PARALLEL).collect().await
    }

    async fn put_one(&self, resource: &Resource, table: &DynamoTable, returned: Returned) -> Result<PutBack, StoreError> {
        let unreadable = || resource.record("its copy cannot be read as an item");
        if returned.length > MAX_BODY {
            return Err(unreadable());
        }
        let mut body = Vec::with_capacity(usize::try_from(returned.length).unwrap_or_default());
        let mut pieces = returned.body;
        while let Some(piece) = pieces.try_next().await? {
            body.extend_from_slice(&piece);
            if body.len() as u64 > returned.length {
                return Err(unreadable());
            }
        }
        let json: Value = serde_json::from_slice(&body).map_err(|_| unreadable())?;
        let item = value::item_from_json(&json).ok_or_else(unreadable)?;
        if key_json(table, &item).as_ref() != Some(&returned.record.key) {
            return Err(resource.record("its copy is of another item"));
        }
        match self.put(table, item).await {
            Ok(()) => Ok(PutBack::Restored),
            Err(error) => match standing(&error) {
                Some(other) => {
                    let equal = value::item_to_json(other).ok_or_else(|| unknown_type(resource))? == json;
                    Ok(if equal { PutBack::Restored } else { PutBack::Conflict })
                }
                None => Err(resource.failed_record(&error)),
            },
        }
    }

    async fn put(&self, table: &DynamoTable, item: Attributes) -> Result<(), SdkError<PutItemError, HttpResponse>> {
        let put = || {
            let request = self.client.put_item().table_name(&table.table).set_item(Some(item.clone()));
            request
                .condition_expression("attribute_not_exists(#k)")
                .set_expression_attribute_names(table.key.first().map(|k| [("#k".to_owned(), k.clone())].into()))
                .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
                .send()
        };
        put.retry(pauses()).when(in_conflict).await.map(drop)
    }
}

/// The item that kept another from being put.
fn standing(error: &SdkError<PutItemError, HttpResponse>) -> Option<&Attributes> {
    match error.as_service_error() {
        Some(PutItemError::ConditionalCheckFailedException(refused)) => refused.item(),
        _ => None,
    }
}

/// Somebody's transaction is under way on the item, which the SDK does not wait for.
fn in_conflict<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    code(error) == "TransactionConflictException"
}

//! Transactions and bulk writes.

use super::{DynamoDb, expression::Expression, failed, key_attributes, to_attributes};
use crate::failure::pauses;
use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        CancellationReason, ConditionCheck, Delete, DeleteRequest, Put, PutRequest, TransactWriteItem, Update, WriteRequest,
    },
};
use backon::BackoffBuilder as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oubli_engine::ports::{Item, Key, TableError, Write};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// Most writes of one BatchWriteItem.
const BATCH: usize = 25;
/// BatchWriteItem calls under way at once.
const PARALLEL: usize = 4;

impl DynamoDb {
    /// Always a transaction, even of one: only its token lets a repeated call after a lost reply be told from a
    /// condition that somebody else broke.
    pub(super) async fn write_together(&self, writes: Vec<Write>) -> Result<(), TableError> {
        if writes.is_empty() {
            return Ok(());
        }
        let items = writes.into_iter().map(|w| self.action(w)).collect::<Result<Vec<_>, _>>()?;
        let token = Uuid::now_v7().to_string();
        let mut pauses = pauses().build();
        loop {
            let request = self.client.transact_write_items().set_transact_items(Some(items.clone()));
            let Err(error) = request.client_request_token(&token).send().await else {
                return Ok(());
            };
            let reason = match verdict(&error) {
                Verdict::Final(error) => return Err(error),
                Verdict::Again(reason) => reason,
            };
            let pause = pauses.next().ok_or(TableError::Unavailable(reason))?;
            tokio::time::sleep(pause).await;
        }
    }

    fn action(&self, write: Write) -> Result<TransactWriteItem, TableError> {
        let table = self.table(write.key().table)?;
        let mut expression = Expression::default();
        let built = match write {
            Write::Put { key, item, when } => {
                let put = Put::builder().table_name(table).set_item(Some(to_attributes(&key, item)?));
                let put = put.set_condition_expression(expression.condition(&when)?);
                let (names, values) = expression.placeholders();
                let put = put.set_expression_attribute_names(names).set_expression_attribute_values(values).build();
                put.map(|put| TransactWriteItem::builder().put(put))
            }
            Write::Update { key, changes, when } => {
                let update = Update::builder().table_name(table).set_key(Some(key_attributes(&key)));
                let update = update.update_expression(expression.update(&changes)?);
                let update = update.set_condition_expression(expression.condition(&when)?);
                let (names, values) = expression.placeholders();
                let update = update.set_expression_attribute_names(names).set_expression_attribute_values(values).build();
                update.map(|update| TransactWriteItem::builder().update(update))
            }
            Write::Delete { key, when } => {
                let delete = Delete::builder().table_name(table).set_key(Some(key_attributes(&key)));
                let delete = delete.set_condition_expression(expression.condition(&when)?);
                let (names, values) = expression.placeholders();
                let delete = delete.set_expression_attribute_names(names).set_expression_attribute_values(values).build();
                delete.map(|delete| TransactWriteItem::builder().delete(delete))
            }
            Write::Check { key, when } => {
                let check = ConditionCheck::builder().table_name(table).set_key(Some(key_attributes(&key)));
                let check = check.set_condition_expression(expression.condition(&when)?);
                let (names, values) = expression.placeholders();
                let check = check.set_expression_attribute_names(names).set_expression_attribute_values(values).build();
                check.map(|check| TransactWriteItem::builder().condition_check(check))
            }
        };
        built.map(|b| b.build()).map_err(|_| TableError::Invalid("a check without conditions".to_owned()))
    }

    pub(super) async fn put_apart(&self, items: Vec<(Key, Item)>) -> Result<(), TableError> {
        let mut requests = Vec::new();
        for (key, item) in items.into_iter().collect::<BTreeMap<_, _>>() {
            let put = PutRequest::builder().set_item(Some(to_attributes(&key, item)?)).build();
            let put = put.map_err(|_| TableError::Invalid("RequestNotBuilt".to_owned()))?;
            requests.push((self.table(key.table)?, WriteRequest::builder().put_request(put).build()));
        }
        self.write_apart(requests).await
    }

    pub(super) async fn delete_apart(&self, keys: Vec<Key>) -> Result<(), TableError> {
        let mut requests = Vec::new();
        for key in keys.into_iter().collect::<BTreeSet<_>>() {
            let delete = DeleteRequest::builder().set_key(Some(key_attributes(&key))).build();
            let delete = delete.map_err(|_| TableError::Invalid("RequestNotBuilt".to_owned()))?;
            requests.push((self.table(key.table)?, WriteRequest::builder().delete_request(delete).build()));
        }
        self.write_apart(requests).await
    }

    async fn write_apart(&self, requests: Vec<(&str, WriteRequest)>) -> Result<(), TableError> {
        let batches: Vec<_> = requests.chunks(BATCH).map(|chunk| self.write_batch(chunk)).collect();
        stream::iter(batches).buffer_unordered(PARALLEL).try_collect().await
    }

    async fn write_batch(&self, requests: &[(&str, WriteRequest)]) -> Result<(), TableError> {
        let mut pending: HashMap<String, Vec<WriteRequest>> = HashMap::new();
        for (table, request) in requests {
            pending.entry((*table).to_owned()).or_default().push(request.clone());
        }
        let mut pauses = pauses().build();
        loop {
            let request = self.client.batch_write_item().set_request_items(Some(pending));
            let reply = request.send().await.map_err(|e| failed(&e))?;
            pending = reply.unprocessed_items.unwrap_or_default();
            if pending.is_empty() {
                return Ok(());
            }
            let pause = pauses.next().ok_or_else(|| TableError::Unavailable("UnprocessedItems".to_owned()))?;
            tokio::time::sleep(pause).await;
        }
    }
}

enum Verdict {
    Final(TableError),
    Again(String),
}

fn verdict<R>(error: &SdkError<TransactWriteItemsError, R>) -> Verdict {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => judge(cancelled.cancellation_reasons()),
        Some(TransactWriteItemsError::TransactionInProgressException(_)) => Verdict::Again("TransactionInProgress".to_owned()),
        _ => Verdict::Final(failed(error)),
    }
}

/// A refused condition outweighs a conflict beside it: it was evaluated, and nothing was written.
fn judge(reasons: &[CancellationReason]) -> Verdict {
    let coded = || reasons.iter().enumerate().filter_map(|(place, r)| Some((place, r.code()?)));
    let refused: Vec<_> = coded().filter(|(_, code)| *code == "ConditionalCheckFailed").map(|(place, _)| place).collect();
    if !refused.is_empty() {
        return Verdict::Final(TableError::Refused(refused));
    }
    let code = coded().map(|(_, code)| code).find(|code| *code != "None").unwrap_or("TransactionCanceled").to_owned();
    match code.as_str() {
        "ValidationError" | "ItemCollectionSizeLimitExceeded" => Verdict::Final(TableError::Invalid(code)),
        _ => Verdict::Again(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(codes: &[&str]) -> Vec<CancellationReason> {
        codes.iter().map(|c| CancellationReason::builder().code(*c).build()).collect()
    }

    #[test]
    fn refusals_name_their_places_and_conflicts_are_tried_again() {
        let refused = judge(&reasons(&["None", "ConditionalCheckFailed", "TransactionConflict", "ConditionalCheckFailed"]));
        assert!(matches!(refused, Verdict::Final(TableError::Refused(places)) if places == [1, 3]));
        for code in ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "DuplicateItem"] {
            assert!(matches!(judge(&reasons(&["None", code])), Verdict::Again(c) if c == code));
        }
        let invalid = judge(&reasons(&["ValidationError"]));
        assert!(matches!(invalid, Verdict::Final(TableError::Invalid(_))));
        assert!(matches!(judge(&[]), Verdict::Again(_)));
    }
}

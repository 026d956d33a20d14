//! Reads by key and by partition.

use super::{Attributes, DynamoDb, failed, key_attributes, to_item};
use crate::failure::pauses;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes};
use backon::BackoffBuilder as _;
use oubli_engine::ports::{Cursor, Index, Item, Key, Page, Query, Range, TableError};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

impl DynamoDb {
    pub(super) async fn read_items(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        match keys {
            [] => Ok(Vec::new()),
            // Also what a role may do that has no right to BatchGetItem.
            [key] => {
                let request = self.client.get_item().table_name(self.table(key.table)?).consistent_read(true);
                let reply = request.set_key(Some(key_attributes(key))).send().await.map_err(|e| failed(&e))?;
                Ok(vec![reply.item.map(to_item).transpose()?])
            }
            _ => self.read_many(keys).await,
        }
    }

    async fn read_many(&self, keys: &[Key]) -> Result<Vec<Option<Item>>, TableError> {
        let mut wanted: HashMap<String, Vec<Attributes>> = HashMap::new();
        for key in keys.iter().collect::<BTreeSet<_>>() {
            wanted.entry(self.table(key.table)?.to_owned()).or_default().push(key_attributes(key));
        }
        let mut pending = HashMap::new();
        for (table, keys) in wanted {
            let keys = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(true).build();
            pending.insert(table, keys.map_err(|_| TableError::Invalid("RequestNotBuilt".to_owned()))?);
        }
        let mut found = HashMap::new();
        let mut pauses = pauses().build();
        while !pending.is_empty() {
            let asked = count(&pending);
            let request = self.client.batch_get_item().set_request_items(Some(pending));
            let reply = request.send().await.map_err(|e| failed(&e))?;
            for (table, items) in reply.responses.unwrap_or_default() {
                for attributes in items {
                    let item = to_item(attributes)?;
                    let part = |name| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                    found.insert((table.clone(), part("pk"), part("sk")), item);
                }
            }
            pending = reply.unprocessed_keys.unwrap_or_default();
            // A reply cut at 16 MB makes progress and is not throttling.
            if !pending.is_empty() && count(&pending) == asked {
                let pause = pauses.next().ok_or_else(|| TableError::Unavailable("UnprocessedKeys".to_owned()))?;
                tokio::time::sleep(pause).await;
            }
        }
        let answer = |key: &Key| {
            let table = self.table(key.table)?.to_owned();
            Ok(found.get(&(table, key.pk.clone(), key.sk.clone())).cloned())
        };
        keys.iter().map(answer).collect()
    }

    pub(super) async fn read_page(&self, query: Query) -> Result<Page, TableError> {
        let limit = i32::try_from(query.limit).unwrap_or(i32::MAX);
        if limit == 0 {
            return Err(TableError::Invalid("a page of no items".to_owned()));
        }
        let (pk, sk) = query.index.map_or(("pk", "sk"), Index::attributes);
        let Some(keys) = KeyCondition::new(query.partition.clone(), query.range) else {
            return Ok(Page::default());
        };
        let start = query.after.map(|cursor| start(cursor, pk, &query.partition)).transpose()?;
        let reply = self
            .client
            .query()
            .table_name(self.table(query.table)?)
            .set_index_name(query.index.map(|i| index_name(i).to_owned()))
            .consistent_read(query.index.is_none())
            .scan_index_forward(!query.descending)
            .limit(limit)
            .key_condition_expression(keys.text)
            .set_expression_attribute_names(keys.names(pk, sk))
            .set_expression_attribute_values(Some(keys.values))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|e| failed(&e))?;
        let next = reply.last_evaluated_key.filter(|k| !k.is_empty()).map(to_item).transpose()?.map(Cursor);
        let items = reply.items.unwrap_or_default().into_iter().map(to_item).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }
}

/// A partition and the range of its sort keys. DynamoDB refuses empty texts and upside-down ranges, which callers may
/// well compute: they mean what they say here.
struct KeyCondition {
    text: &'static str,
    values: Attributes,
}

impl KeyCondition {
    /// `None` when no sort key can be in the range.
    fn new(partition: String, range: Range) -> Option<Self> {
        let (text, bounds) = match range {
            Range::All => ("#p = :p", Vec::new()),
            Range::Prefix(prefix) if prefix.is_empty() => ("#p = :p", Vec::new()),
            Range::Prefix(prefix) => ("#p = :p AND begins_with(#s, :a)", vec![(":a", prefix)]),
            Range::Between(low, high) if low > high || high.is_empty() => return None,
            Range::Between(low, high) if low.is_empty() => ("#p = :p AND #s <= :a", vec![(":a", high)]),
            Range::Between(low, high) => ("#p = :p AND #s BETWEEN :a AND :b", vec![(":a", low), (":b", high)]),
        };
        let values = bounds.into_iter().chain([(":p", partition)]);
        Some(Self { text, values: values.map(|(k, v)| (k.to_owned(), AttributeValue::S(v))).collect() })
    }

    fn names(&self, pk: &str, sk: &str) -> Option<HashMap<String, String>> {
        let sort = self.text.contains("#s").then(|| ("#s".to_owned(), sk.to_owned()));
        Some(sort.into_iter().chain([("#p".to_owned(), pk.to_owned())]).collect())
    }
}

/// Cursors come back from callers of the API: one of another partition must not lead there.
fn start(cursor: Cursor, pk: &str, partition: &str) -> Result<Attributes, TableError> {
    let foreign = || TableError::Invalid("a cursor of another query".to_owned());
    if cursor.0.get(pk).and_then(Value::as_str) != Some(partition) || !cursor.0.values().all(Value::is_string) {
        return Err(foreign());
    }
    serde_dynamo::to_item(cursor.0).map_err(|_| foreign())
}

const fn index_name(index: Index) -> &'static str {
    match index {
        Index::ByOrganization => "by_org",
        Index::ByDue => "by_due",
    }
}

fn count(pending: &HashMap<String, KeysAndAttributes>) -> usize {
    pending.values().map(|k| k.keys.len()).sum()
}

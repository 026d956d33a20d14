//! A bounded look at tables, for who drafts a data map.

use super::{DynamoDb, value::Attributes};
use crate::sampling::not_sampled;
use async_trait::async_trait;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConsumedCapacity, KeySchemaElement, KeyType, ReturnConsumedCapacity, Select, TableDescription, TableStatus,
};
use oubli_suggest::{Contents, Index, Keys, NotSampled, Read, Record, Sampling, See, Seen, Table, Value};
use std::time::Duration;

const NEEDS: &str = "dynamodb:ListTables, DescribeTable, Query and Scan";

/// Parts of a large table that are read from: records beside each other belong to few people.
const SEGMENTS: i32 = 10;

/// Records of a page.
const PAGE: usize = 100;

/// Read capacity units a second that a look may use: a table has an application, too.
const PACE: f64 = 100.0;

/// Read capacity units after which a look at one table ends: large records are seen in fewer numbers.
const MOST: f64 = 2_000.0;

#[async_trait]
impl Sampling for DynamoDb {
    fn places_are(&self) -> &'static str {
        "tables"
    }

    async fn places(&self) -> Result<Vec<String>, NotSampled> {
        let mut pages = self.client.list_tables().into_paginator().items().send();
        let mut tables = Vec::new();
        while let Some(table) = pages.next().await {
            tables.push(table.map_err(|e| not_sampled(&e, NEEDS))?);
        }
        Ok(tables)
    }

    async fn contents(&self, place: &str) -> Result<Contents, NotSampled> {
        let description = self.described(place).await?;
        match description.table_status() {
            Some(TableStatus::Active | TableStatus::Updating) => {}
            status => {
                let status = status.map_or("in no state", TableStatus::as_str);
                return Err(NotSampled { reason: format!("it is {status}"), remedy: "wait until it is active".to_owned() });
            }
        }
        let unreadable = || NotSampled {
            reason: "its key has several attributes in one place".to_owned(),
            remedy: "a data map cannot say that".to_owned(),
        };
        let own = keys(description.key_schema()).ok_or_else(unreadable)?;
        let indexes = description.global_secondary_indexes().iter();
        let indexes =
            indexes.filter_map(|index| Some(Index { name: index.index_name()?.to_owned(), keys: keys(index.key_schema())? }));
        // A description is hours old: none is what a table has that was just filled.
        let records = description.item_count().and_then(|count| u64::try_from(count).ok()).filter(|count| *count > 0);
        Ok(Contents::Table(Table { name: place.to_owned(), keys: own, indexes: indexes.collect(), records }))
    }

    async fn has(&self, table: &str, attribute: &str, value: &Value) -> Result<bool, NotSampled> {
        let value = match value {
            Value::Text(text) => AttributeValue::S(text.clone()),
            Value::Number(number) => AttributeValue::N(number.clone()),
            _ => return Ok(false),
        };
        let query = self.client.query().table_name(table).key_condition_expression("#k = :v").limit(1).select(Select::Count);
        let query = query.expression_attribute_names("#k", attribute).expression_attribute_values(":v", value);
        let reply = query.send().await.map_err(|e| not_sampled(&e, NEEDS))?;
        Ok(reply.count() > 0)
    }

    async fn sample(&self, place: &str, limit: usize, see: &mut See<'_>) -> Result<Read, NotSampled> {
        let count = self.described(place).await?.item_count().and_then(|count| usize::try_from(count).ok()).unwrap_or_default();
        let segments = if count > limit { SEGMENTS } else { 1 };
        let mut read = Read { calls: 1, ..Read::default() };
        let (mut seen, mut open): (usize, Vec<(i32, Option<Attributes>)>) =
            (0, (0..segments).map(|segment| (segment, None)).collect());
        // What one part has not, others may have: parts are of equal size only in large tables.
        while !open.is_empty() && seen < limit && read.capacity < MOST {
            let share = (limit - seen).div_ceil(open.len());
            for (segment, start) in std::mem::take(&mut open) {
                let quota = share.min(limit - seen);
                if quota == 0 || read.capacity >= MOST {
                    open.push((segment, start));
                    continue;
                }
                let part = Part { table: place, segment, segments, quota };
                let (records, next) = self.part(part, start, &mut read, see).await?;
                seen += records;
                open.extend(next.map(|next| (segment, Some(next))));
            }
        }
        read.whole = open.is_empty();
        Ok(read)
    }
}

impl DynamoDb {
    async fn described(&self, table: &str) -> Result<TableDescription, NotSampled> {
        let reply = self.client.describe_table().table_name(table).send().await.map_err(|e| not_sampled(&e, NEEDS))?;
        reply.table.ok_or_else(|| NotSampled { reason: "IncompleteReply".to_owned(), remedy: "try again".to_owned() })
    }

    /// Records of one part of a table from here on, and where they go on.
    async fn part(
        &self,
        part: Part<'_>,
        mut start: Option<Attributes>,
        read: &mut Read,
        see: &mut See<'_>,
    ) -> Result<(usize, Option<Attributes>), NotSampled> {
        let mut seen = 0;
        let several = part.segments > 1;
        while seen < part.quota && read.capacity < MOST {
            let reply = self
                .client
                .scan()
                .table_name(part.table)
                .set_segment(several.then_some(part.segment))
                .set_total_segments(several.then_some(part.segments))
                .limit(i32::try_from(PAGE.min(part.quota - seen)).unwrap_or(i32::MAX))
                .return_consumed_capacity(ReturnConsumedCapacity::Total)
                .set_exclusive_start_key(start.take())
                .send()
                .await
                .map_err(|e| not_sampled(&e, NEEDS))?;
            let used = reply.consumed_capacity().and_then(ConsumedCapacity::capacity_units).unwrap_or_default();
            read.calls += 1;
            read.capacity += used;
            for item in reply.items.unwrap_or_default() {
                seen += 1;
                see(Seen::Record(record(item)));
            }
            start = reply.last_evaluated_key.filter(|key| !key.is_empty());
            if start.is_none() {
                return Ok((seen, None));
            }
            tokio::time::sleep(Duration::from_secs_f64((used / PACE).min(10.0))).await;
        }
        Ok((seen, start))
    }
}

/// One part of a table, and how much of it is read.
#[derive(Clone, Copy)]
struct Part<'a> {
    table: &'a str,
    segment: i32,
    segments: i32,
    quota: usize,
}

fn keys(schema: &[KeySchemaElement]) -> Option<Keys> {
    let of = |kind: &KeyType| {
        schema.iter().filter(|key| key.key_type() == kind).map(|key| key.attribute_name().to_owned()).collect::<Vec<_>>()
    };
    // Keys of several attributes each cannot be said in a data map.
    let [partition] = <[String; 1]>::try_from(of(&KeyType::Hash)).ok()?;
    let sort = match of(&KeyType::Range).as_slice() {
        [] => None,
        [sort] => Some(sort.clone()),
        _ => return None,
    };
    Some(Keys { partition, sort })
}

fn record(item: Attributes) -> Record {
    item.into_iter().map(|(name, value)| (name, value_of(value))).collect()
}

fn value_of(value: AttributeValue) -> Value {
    let texts = |members: Vec<String>, make: fn(String) -> Value| Value::Members(members.into_iter().map(make).collect());
    match value {
        AttributeValue::S(text) => Value::Text(text),
        AttributeValue::N(number) => Value::Number(number),
        AttributeValue::Bool(truth) => Value::Truth(truth),
        AttributeValue::Ss(members) => texts(members, Value::Text),
        AttributeValue::Ns(members) => texts(members, Value::Number),
        AttributeValue::L(members) => Value::Members(members.into_iter().map(value_of).collect()),
        AttributeValue::M(fields) => Value::Fields(record(fields)),
        AttributeValue::B(_) | AttributeValue::Bs(_) => Value::Bytes,
        _ => Value::Null,
    }
}

//! Consistent reads by key.

use super::{DynamoDb, key, key_json, table, value, value::Attributes};
use crate::failure::{Resource, pauses};
use aws_sdk_dynamodb::types::KeysAndAttributes;
use backon::BackoffBuilder as _;
use bytes::Bytes;
use data_encoding::HEXLOWER;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use oubli_domain::datamap::{DynamoTable, ItemSelection, Producer, Selection};
use oubli_engine::ports::{Fields, Found, RecordRef, Snapshot, StoreError, Version};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, HashMap};

/// Most keys of one BatchGetItem.
pub(super) const BATCH: usize = 100;
/// BatchGetItem calls under way at once: each reply may be 16 MB.
const PARALLEL: usize = 4;

impl DynamoDb {
    /// Items by their keys, in the order asked.
    pub(super) async fn items(
        &self,
        resource: &Resource,
        table: &DynamoTable,
        keys: &[Attributes],
    ) -> Result<Vec<Option<Attributes>>, StoreError> {
        let names = keys.iter().map(|k| name(resource, table, k)).collect::<Result<Vec<_>, _>>()?;
        let distinct: BTreeMap<_, _> = names.iter().zip(keys).collect();
        let distinct: Vec<_> = distinct.into_values().cloned().collect();
        let batches: Vec<_> = distinct.chunks(BATCH).map(|batch| self.batch(resource, table, batch.to_vec())).collect();
        let found: Vec<_> = stream::iter(batches).buffer_unordered(PARALLEL).try_collect().await?;
        let mut by_name = HashMap::new();
        for item in found.into_iter().flatten() {
            by_name.insert(name(resource, table, &item)?, item);
        }
        // Items are large: only what is asked for twice is there twice.
        let later = |at: usize, name: &String| names[at + 1..].contains(name);
        let mut take =
            |(at, name): (usize, &String)| if later(at, name) { by_name.get(name).cloned() } else { by_name.remove(name) };
        Ok(names.iter().enumerate().map(&mut take).collect())
    }

    /// What there is to say of items by their keys, in the order asked. Some are read at a time and let go: the keys of one page
    /// of an index may lead to 400 MB. To read parts of them would spare no capacity, and not tell their sizes.
    pub(super) async fn look<T>(
        &self,
        resource: &Resource,
        table: &DynamoTable,
        keys: &[Attributes],
        see: impl Fn(Attributes) -> T + Copy,
    ) -> Result<Vec<Option<T>>, StoreError> {
        let batches = keys.chunks(BATCH).map(|some| async move {
            let items = self.items(resource, table, some).await?;
            Ok(items.into_iter().map(|item| item.map(see)).collect::<Vec<_>>())
        });
        let seen: Vec<Vec<_>> = stream::iter(batches.collect::<Vec<_>>()).buffered(PARALLEL).try_collect().await?;
        Ok(seen.into_iter().flatten().collect())
    }

    async fn batch(
        &self,
        resource: &Resource,
        table: &DynamoTable,
        keys: Vec<Attributes>,
    ) -> Result<Vec<Attributes>, StoreError> {
        let (mut pending, mut found, mut pauses) = (keys, Vec::new(), pauses().build());
        while !pending.is_empty() {
            let asked = pending.len();
            let keys = KeysAndAttributes::builder().set_keys(Some(pending)).consistent_read(true).build();
            let keys = keys.map_err(|_| resource.unavailable("RequestNotBuilt"))?;
            let reply =
                self.client.batch_get_item().request_items(&table.table, keys).send().await.map_err(|e| resource.failed(&e))?;
            found.extend(reply.responses.into_iter().flatten().flat_map(|(_, items)| items));
            pending = reply.unprocessed_keys.into_iter().flatten().flat_map(|(_, keys)| keys.keys).collect();
            // A reply cut at 16 MB makes progress and is not throttling.
            if pending.len() == asked {
                let pause = pauses.next().ok_or_else(|| resource.unavailable("UnprocessedKeys"))?;
                tokio::time::sleep(pause).await;
            }
        }
        Ok(found)
    }

    async fn by_records(
        &self,
        producer: &Producer,
        records: &[RecordRef],
    ) -> Result<Vec<Result<Option<Attributes>, StoreError>>, StoreError> {
        let (table, resource) = table(producer)?;
        let schema = self.schema(&resource, &table.table).await?;
        let keys: Vec<_> = records.iter().map(|r| key(&resource, table, &schema, r)).collect();
        let wanted: Vec<_> = keys.iter().flatten().cloned().collect();
        let mut items = self.items(&resource, table, &wanted).await?.into_iter();
        Ok(keys.into_iter().map(|key| key.map(|_| items.next().flatten())).collect())
    }

    pub(super) async fn find_again(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Result<Vec<Result<Option<Found>, StoreError>>, StoreError> {
        let again = |(record, item): (&RecordRef, Result<Option<Attributes>, StoreError>)| {
            let item = item?.filter(|item| still_selected(producer, record, item));
            Ok(item.map(|item| found(record.clone(), &item, fields)))
        };
        let batches = records.chunks(BATCH).map(|some| async move {
            let items = self.by_records(producer, some).await?;
            Ok(some.iter().zip(items).map(again).collect::<Vec<_>>())
        });
        let seen: Vec<Vec<_>> = stream::iter(batches.collect::<Vec<_>>()).buffered(PARALLEL).try_collect().await?;
        Ok(seen.into_iter().flatten().collect())
    }

    pub(super) async fn snapshots(
        &self,
        producer: &Producer,
        records: &[RecordRef],
        fields: &[String],
    ) -> Result<Vec<Result<Option<Snapshot>, StoreError>>, StoreError> {
        let (table, resource) = table(producer)?;
        let items = self.by_records(producer, records).await?;
        let snapshot = |(record, item): (&RecordRef, Result<Option<Attributes>, StoreError>)| {
            item?.map(|item| snapshot(&resource, (producer, table), record, &item, fields)).transpose()
        };
        Ok(records.iter().zip(items).map(snapshot).collect())
    }
}

fn snapshot(
    resource: &Resource,
    (producer, table): (&Producer, &DynamoTable),
    record: &RecordRef,
    item: &Attributes,
    fields: &[String],
) -> Result<Snapshot, StoreError> {
    let json = value::item_to_json(item).ok_or_else(|| unknown_type(resource))?;
    let body = serde_json::to_vec(&json).map(Bytes::from).map_err(|_| unknown_type(resource))?;
    let versioned = table.version_attribute.as_ref().and_then(|name| Some((name, item.get(name)?)));
    let version = match versioned {
        // An item written anew may begin with the same version: its copy is told by all of it.
        Some((name, version)) => {
            json!({ "attribute": name, "value": value::to_json(version), "sha256": HEXLOWER.encode(&Sha256::digest(&body)) })
        }
        None => json!({ "item": json }),
    };
    Ok(Snapshot {
        version: Version(version),
        still_selected: still_selected(producer, record, item),
        fields: texts(item, fields),
        envelope: Value::Null,
        length: body.len() as u64,
        body: stream::iter([Ok(body)]).boxed(),
    })
}

pub(super) fn found(record: RecordRef, item: &Attributes, fields: &[String]) -> Found {
    Found { record, bytes: value::size(item), fields: texts(item, fields), locked_until: None }
}

/// Whether an item is still what it was found as: it has the value it was found by, and meets the conditions of some
/// selection by that attribute. A primary key cannot change, so that only conditions are looked at where it was found by it.
fn still_selected(producer: &Producer, record: &RecordRef, item: &Attributes) -> bool {
    let by_value = record.matched.as_ref().is_none_or(|m| value::equals_text(item.get(&m.attribute), &m.value));
    let attribute = record.matched.as_ref().map(|matched| matched.attribute.as_str());
    let fits =
        |items: &ItemSelection| item.get(&items.attribute).and_then(value::word).is_some_and(|word| items.value.fits(&word));
    let own = producer.select.iter().enumerate().filter(|(place, _)| record.may_be_found_by(*place));
    let mut ways = own.filter_map(|(_, s)| if let Selection::Items(items) = s { Some(items) } else { None });
    by_value && ways.any(|items| items.may_have_found_by(attribute) && fits(items) && meets(items, item))
}

/// Whether an item meets the conditions of a selection.
pub(super) fn meets(items: &ItemSelection, item: &Attributes) -> bool {
    items.is_met(|name| value::word(item.get(name)?))
}

fn texts(item: &Attributes, fields: &[String]) -> Fields {
    let mut texts = Fields::default();
    for field in fields {
        match item.get(field).and_then(value::word) {
            Some(word) => texts.add(field, word.into_owned()),
            None => match value::texts_at(item, field) {
                (members, false) if members.is_empty() => {}
                (members, other) => texts.add_list(field, members, other),
            },
        }
    }
    texts
}

/// A key as text, to tell items apart by.
fn name(resource: &Resource, table: &DynamoTable, item: &Attributes) -> Result<String, StoreError> {
    key_json(table, item).map(|json| json.to_string()).ok_or_else(|| unknown_type(resource))
}

pub(super) fn unknown_type(resource: &Resource) -> StoreError {
    resource.record("it has an attribute of a type this version of Oubli does not know: update Oubli")
}

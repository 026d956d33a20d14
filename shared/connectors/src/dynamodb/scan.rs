//! Whole tables, read because no key of theirs has what is looked for; and no further than the data map allows.

use super::{DynamoDb, discover::is_found, key_json, read, table, value, value::Attributes};
use crate::failure::Resource;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use oubli_domain::{
    datamap::{ItemSelection, Producer, ScanBound, Selection},
    decimal::decimal,
};
use oubli_engine::ports::{Discovered, Found, Matched, RecordRef, Selector, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;

/// Most items read together.
const PAGE: u64 = 1_000;

/// Bytes of a strongly consistent read unit
/// ([read consumption](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html)).
pub(super) const UNIT: u64 = 4_096;

/// Where a scan goes on, and how much of the table it has read.
#[derive(Serialize, Deserialize)]
struct After {
    key: Value,
    items: u64,
    read_units: f64,
}

/// A selection that reads the whole table, with how much of it that may be.
pub(super) fn scan_of(selection: &Selection) -> Option<(&ItemSelection, ScanBound)> {
    match selection {
        Selection::Items(items) => Some((items, items.scan?)),
        Selection::Objects(_) => None,
    }
}

/// Whether what was read is no more than may be.
pub(super) fn is_within(bound: ScanBound, items: u64, read_units: f64) -> bool {
    let units = bound.max_read_units.is_none_or(|most| read_units <= as_units(most));
    units && bound.max_items.is_none_or(|most| items <= most)
}

/// As read units are told. No table has more than can be written so.
pub(super) fn as_units(units: u64) -> f64 {
    f64::from(u32::try_from(units).unwrap_or(u32::MAX))
}

impl DynamoDb {
    pub(super) async fn scan(
        &self,
        producer: &Producer,
        (items, bound): (&ItemSelection, ScanBound),
        selector: Selector<'_>,
        after: Option<&Value>,
        limit: usize,
    ) -> Result<Discovered, StoreError> {
        let (table, resource) = table(producer)?;
        let text = selector.way.value;
        if text.is_empty() {
            return Err(resource.record("an empty identity selects nothing: correct the record it comes from"));
        }
        let start_over = || resource.unusable("it has no such page: start over");
        let after = after.map(After::deserialize).transpose().map_err(|_| start_over())?;
        let (before, units_before) = after.as_ref().map_or((0, 0.0), |a| (a.items, a.read_units));
        let start = after.map(|a| value::item_from_json(&a.key).ok_or_else(start_over)).transpose()?;
        // All of them may be wanted. One item more than may be tells that there is more.
        let page = u64::try_from(limit).unwrap_or(PAGE).clamp(1, PAGE);
        let room = bound.max_items.map_or(page, |most| (most.saturating_sub(before) + 1).min(page));
        let request = self.client.scan().table_name(&table.table).consistent_read(true);
        let request = request.limit(i32::try_from(room).unwrap_or(i32::MAX)).set_exclusive_start_key(start);
        let request = request.return_consumed_capacity(ReturnConsumedCapacity::Total);
        let filter = filter(items, text);
        let request = request.filter_expression(filter.expression).expression_attribute_names("#a", &items.attribute);
        let request = request.set_expression_attribute_values(Some(filter.values));
        let page = request.send().await.map_err(|e| resource.failed(&e))?;
        let read = before + u64::try_from(page.scanned_count).unwrap_or_default();
        let consumed = page.consumed_capacity.as_ref().and_then(|c| c.capacity_units);
        if bound.max_read_units.is_some() && consumed.is_none() {
            return Err(resource.unusable("it does not tell the read units of a scan: bound it by max_items in the data map"));
        }
        let read_units = units_before + consumed.unwrap_or_default();
        let next = page.last_evaluated_key.filter(|key| !key.is_empty());
        let over = !is_within(bound, read, read_units);
        // What is read to its end is known whole, whatever the last page took.
        if bound.max_items.is_some_and(|most| read > most) || (over && next.is_some()) {
            return Err(too_much(&resource, bound));
        }
        let next = next.map(|key| value::item_to_json(&key).ok_or_else(|| read::unknown_type(&resource))).transpose()?;
        let next = next.map(|key| serde_json::to_value(After { key, items: read, read_units }).unwrap_or(Value::Null));
        let matched = Matched { attribute: items.attribute.clone(), value: items.value.fill(text) };
        let wanted = |item: &Attributes| is_found(selector.way, item) && !selector.but.iter().any(|other| is_found(*other, item));
        let found = |item: Attributes| -> Result<Found, StoreError> {
            let key = key_json(table, &item).ok_or_else(|| read::unknown_type(&resource))?;
            let record = RecordRef { key, matched: Some(matched.clone()), selection: None };
            Ok(read::found(record, &item, selector.fields))
        };
        let records = page.items.unwrap_or_default().into_iter().filter(wanted).map(found).collect::<Result<_, _>>()?;
        Ok(Discovered { records, next })
    }
}

fn too_much(resource: &Resource, bound: ScanBound) -> StoreError {
    let items = bound.max_items.map(|most| format!("{most} items"));
    let units = bound.max_read_units.map(|most| format!("{most} read units"));
    let most = items.into_iter().chain(units).collect::<Vec<_>>().join(" or ");
    resource.too_large(format!(
        "it is larger than the {most} that scan allows: raise the bound in the data map, or select by an index"
    ))
}

struct Filter {
    expression: &'static str,
    values: HashMap<String, AttributeValue>,
}

/// What is asked of each item; whatever comes back is looked at again.
fn filter(items: &ItemSelection, text: &str) -> Filter {
    let as_text = (":t".to_owned(), AttributeValue::S(items.value.fill(text)));
    let number = items.value.is_plain() && decimal(text).is_some() && value::is_plain(text);
    let as_number = number.then(|| (":n".to_owned(), AttributeValue::N(text.to_owned())));
    let expression = if number { "#a = :t OR #a = :n" } else { "#a = :t" };
    Filter { expression, values: [as_text].into_iter().chain(as_number).collect() }
}

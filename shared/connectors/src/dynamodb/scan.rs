//! Whole tables, read because no key of theirs has what is looked for; and no further than the data map allows.

use super::{DynamoDb, discover::is_found, key_json, read, table, value, value::Attributes};
use crate::failure::Resource;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnConsumedCapacity};
use oubli_domain::{
    datamap::{ItemSelection, Producer, ScanBound, Selection},
    decimal::decimal,
};
use oubli_engine::ports::{Discovered, Fields, Found, Matched, RecordRef, Selector, StoreError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{HashMap, VecDeque};

/// Most items read together.
const PAGE: u64 = 1_000;

/// Fewest bytes that DynamoDB reads together where more items are asked for: a page ends at 1 MiB, before an item of up to
/// 400 KiB.
const PAGE_BYTES: u64 = (1024 - 400) * 1024;

/// Most bytes of records that are kept for a later page: the place where a walk goes on is kept in one item.
const KEPT_BYTES: usize = 128 * 1024;

/// Bytes of a strongly consistent read unit
/// ([read consumption](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html)).
const UNIT: u64 = 4_096;

/// Where a scan goes on, and how much of the table it has read.
#[derive(Default, Serialize, Deserialize)]
struct After {
    /// None at its beginning; and at its end, where something is left of what was found.
    key: Option<Value>,
    items: u64,
    read_units: f64,
    /// What was found on the last page and nobody has asked for yet.
    #[serde(default, skip_serializing_if = "VecDeque::is_empty")]
    left: VecDeque<Left>,
}

/// A record found on a page that had more of them than were asked for. To read it again would take as much again.
#[derive(Serialize, Deserialize)]
struct Left {
    record: RecordRef,
    bytes: u64,
    fields: Fields,
}

/// A selection that reads the whole table, with how much of it that may be.
pub(super) fn scan_of(selection: &Selection) -> Option<(&ItemSelection, ScanBound)> {
    match selection {
        Selection::Items(items) => Some((items, items.scan?)),
        Selection::Objects(_) => None,
    }
}

/// Most read units that reading so much takes: by its size, and one more for each call but the last, which is charged whole units.
pub(super) const fn whole_table(items: u64, bytes: u64) -> u64 {
    bytes.div_ceil(UNIT) + items / PAGE + bytes / PAGE_BYTES
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
        let (_, resource) = table(producer)?;
        if selector.way.value.is_empty() {
            return Err(resource.record("an empty identity selects nothing: correct the record it comes from"));
        }
        let start_over = || resource.unusable("it has no such page: start over");
        let after = after.map(After::deserialize).transpose().map_err(|_| start_over())?.unwrap_or_default();
        let mut after = if after.left.is_empty() { self.read_on(producer, items, bound, selector, after).await? } else { after };
        let page = after.left.drain(..limit.max(1).min(after.left.len())).map(Found::from).collect::<Vec<_>>();
        // What is too much to be kept is read again.
        let mut kept = 0;
        let fits = |left: &&Left| {
            kept += serde_json::to_vec(left).map_or(KEPT_BYTES, |json| json.len());
            kept <= KEPT_BYTES
        };
        let fit = after.left.iter().take_while(fits).count();
        if fit < after.left.len() {
            after.left.truncate(fit);
            let last = after.left.back().map(|left| &left.record).or(page.last().map(|found| &found.record));
            after.key = last.map(|record| record.key.clone());
        }
        let ended = after.key.is_none() && after.left.is_empty();
        let place = serde_json::to_value(after).unwrap_or(Value::Null);
        let (next, looked) = if ended { (None, Some(place)) } else { (Some(place), None) };
        Ok(Discovered { records: page, next, looked })
    }

    /// A page of the table, as large as it is read together: each call is charged whole read units, so that few items of a
    /// call cost more than they are.
    async fn read_on(
        &self,
        producer: &Producer,
        items: &ItemSelection,
        bound: ScanBound,
        selector: Selector<'_>,
        before: After,
    ) -> Result<After, StoreError> {
        let (table, resource) = table(producer)?;
        let text = selector.way.value;
        let start_over = || resource.unusable("it has no such page: start over");
        let start = before.key.map(|key| value::item_from_json(&key).ok_or_else(start_over)).transpose()?;
        // One item more than may be tells that there is more.
        let room = bound.max_items.map_or(PAGE, |most| (most.saturating_sub(before.items) + 1).min(PAGE));
        let request = self.client.scan().table_name(&table.table).consistent_read(true);
        let request = request.limit(i32::try_from(room).unwrap_or(i32::MAX)).set_exclusive_start_key(start);
        let request = request.return_consumed_capacity(ReturnConsumedCapacity::Total);
        let filter = filter(items, text);
        let request = request.filter_expression(filter.expression).expression_attribute_names("#a", &items.attribute);
        let request = request.set_expression_attribute_values(Some(filter.values));
        let page = request.send().await.map_err(|e| resource.failed(&e))?;
        let read = before.items + u64::try_from(page.scanned_count).unwrap_or_default();
        let consumed = page.consumed_capacity.as_ref().and_then(|c| c.capacity_units);
        if bound.max_read_units.is_some() && consumed.is_none() {
            return Err(resource.unusable("it does not tell the read units of a scan: bound it by max_items in the data map"));
        }
        let read_units = before.read_units + consumed.unwrap_or_default();
        let next = page.last_evaluated_key.filter(|key| !key.is_empty());
        let over = !is_within(bound, read, read_units);
        // What is read to its end is known whole, whatever the last page took.
        if bound.max_items.is_some_and(|most| read > most) || (over && next.is_some()) {
            return Err(too_much(&resource, bound));
        }
        let key = next.map(|key| value::item_to_json(&key).ok_or_else(|| read::unknown_type(&resource))).transpose()?;
        let matched = Matched { attribute: items.attribute.clone(), value: items.value.fill(text) };
        let wanted = |item: &Attributes| is_found(selector.way, item) && !selector.but.iter().any(|other| is_found(*other, item));
        let found = |item: Attributes| -> Result<Left, StoreError> {
            let key = key_json(table, &item).ok_or_else(|| read::unknown_type(&resource))?;
            let record = RecordRef { key, matched: Some(matched.clone()), selection: None };
            let Found { record, bytes, fields, .. } = read::found(record, &item, selector.fields);
            Ok(Left { record, bytes, fields })
        };
        let left = page.items.unwrap_or_default().into_iter().filter(wanted).map(found).collect::<Result<_, _>>()?;
        Ok(After { key, items: read, read_units, left })
    }
}

impl From<Left> for Found {
    fn from(Left { record, bytes, fields }: Left) -> Self {
        Found { record, bytes, fields, locked_until: None }
    }
}

fn too_much(resource: &Resource, bound: ScanBound) -> StoreError {
    let items = bound.max_items.map(|most| format!("{most} items"));
    let units = bound.max_read_units.map(|most| format!("{most} read units"));
    let most = items.into_iter().chain(units).collect::<Vec<_>>().join(" or ");
    resource.too_large(format!(
        "it takes more than the {most} that scan allows for all identifiers and spellings of a person together: raise the bound in \
         the data map, or select by an index"
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

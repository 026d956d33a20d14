//! The way from an identity to a subject's items.

use super::{DynamoDb, key_json, read, table, value, value::Attributes};
use aws_sdk_dynamodb::error::ProvideErrorMetadata as _;
use oubli_domain::datamap::{Producer, Selection};
use oubli_engine::ports::{Discovered, Found, Matched, RecordRef, Selector, StoreError, Way};
use serde_json::Value;

impl DynamoDb {
    pub(super) async fn find(
        &self,
        producer: &Producer,
        selector: Selector<'_>,
        after: Option<&Value>,
        limit: usize,
    ) -> Result<Discovered, StoreError> {
        let (table, resource) = table(producer)?;
        let schema = self.schema(&resource, &table.table).await?;
        let route = schema.route(&resource, selector.way.selection)?;
        let value = schema.value(&resource, route, selector.way.value)?;
        let start =
            after.map(|json| value::item_from_json(json).ok_or_else(|| resource.unusable("it has no such page: start over")));
        let reply = self
            .client
            .query()
            .table_name(&table.table)
            .set_index_name(route.index.map(str::to_owned))
            .consistent_read(route.index.is_none())
            .key_condition_expression(route.condition())
            .set_expression_attribute_names(Some(route.names()))
            .set_expression_attribute_values(Some(route.values(value)))
            .limit(i32::try_from(limit.max(1)).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start.transpose()?)
            .send()
            .await;
        let page = match reply.map_err(|error| (resource.failed(&error), error.code() == Some("ValidationException"))) {
            Ok(page) => page,
            Err((failed, false)) => return Err(failed),
            Err((failed, true)) => {
                // Perhaps the index is gone: the table, described again, tells. If not, and nothing was answered yet, it is the
                // value that cannot be asked for.
                self.describe(&resource, &table.table).await?.route(&resource, selector.way.selection)?;
                let of_value = "ValidationException: the table cannot be asked for it: correct the record it comes from";
                return Err(if after.is_none() { resource.record(of_value) } else { failed });
            }
        };
        let next = page.last_evaluated_key.filter(|key| !key.is_empty());
        let next = next.map(|key| value::item_to_json(&key).ok_or_else(|| read::unknown_type(&resource))).transpose()?;

        let matched = Matched { attribute: route.items.attribute.clone(), value: route.items.value.fill(selector.way.value) };
        let wanted = |item: &Attributes| is_found(selector.way, item) && !selector.but.iter().any(|other| is_found(*other, item));
        let found = |item: Attributes| -> Result<Found, StoreError> {
            let key = key_json(table, &item).ok_or_else(|| read::unknown_type(&resource))?;
            // A primary key cannot change, so what was found by it needs no second look.
            let record = RecordRef { key, matched: route.index.map(|_| matched.clone()), selection: None };
            Ok(read::found(record, &item, selector.fields))
        };
        let see = |item: Attributes| if wanted(&item) { found(item).map(Some) } else { Ok(None) };
        let items = page.items.unwrap_or_default();
        let seen: Vec<Result<Option<Found>, StoreError>> = if route.index.is_some() {
            // An index lags behind its table and may carry part of an item only: what it names is looked at.
            self.look(&resource, table, &keys_only(&table.key, items), see).await?.into_iter().flatten().collect()
        } else {
            items.into_iter().map(see).collect()
        };
        let records = seen.into_iter().filter_map(Result::transpose).collect::<Result<_, _>>()?;
        Ok(Discovered { records, next, looked: None })
    }
}

/// Whether a way leads to an item.
pub(super) fn is_found(way: Way<'_>, item: &Attributes) -> bool {
    let Selection::Items(items) = way.selection else { return false };
    value::equals_text(item.get(&items.attribute), &items.value.fill(way.value)) && read::meets(items, item)
}

fn keys_only(key: &[String], items: Vec<Attributes>) -> Vec<Attributes> {
    items.into_iter().map(|item| item.into_iter().filter(|(name, _)| key.contains(name)).collect()).collect()
}

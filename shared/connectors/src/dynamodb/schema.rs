//! What DynamoDB says about a table, and what follows for a producer.

use super::{
    scan::{as_units, is_within, scan_of, whole_table},
    value,
};
use crate::failure::Resource;
use aws_sdk_dynamodb::types::{
    AttributeValue, IndexStatus, KeySchemaElement, KeyType, ScalarAttributeType, TableDescription, TableStatus,
};
use oubli_domain::{
    datamap::{DynamoTable, ItemSelection, Producer, ScanBound, Selection, SortKey, SortKeyIs},
    decimal::decimal,
};
use oubli_engine::ports::{Capabilities, Caution, ConditionalDelete, HideMethod, Listing, OldVersions, RecordKind, StoreError};
use std::collections::HashMap;

/// Most bytes of a partition key, and of a sort key
/// ([constraints](https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html)).
const PARTITION_KEY: usize = 2_048;
const SORT_KEY: usize = 1_024;

/// A table's keys and indexes.
#[derive(Debug)]
pub(super) struct Schema {
    arn: Option<String>,
    ready: bool,
    replicated: bool,
    key: Keys,
    types: HashMap<String, ScalarAttributeType>,
    indexes: HashMap<String, Index>,
    /// How many items it has, and how large they are, as of some hours ago.
    items: u64,
    bytes: u64,
}

#[derive(Debug, Default)]
struct Keys {
    partition: Vec<String>,
    sort: Vec<String>,
}

#[derive(Debug)]
struct Index {
    ready: bool,
    key: Keys,
}

/// A selection found fit for its table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Route<'a> {
    pub(super) items: &'a ItemSelection,
    pub(super) index: Option<&'a str>,
    /// The sort key that is queried by.
    sort: Option<&'a SortKey>,
}

impl Route<'_> {
    /// What is asked of the keys.
    pub(super) fn condition(self) -> &'static str {
        match self.sort.map(|sort| &sort.is) {
            None => "#a = :v",
            Some(SortKeyIs::Equal(_)) => "#a = :v AND #s = :s",
            Some(SortKeyIs::BeginningWith(_)) => "#a = :v AND begins_with(#s, :s)",
        }
    }

    pub(super) fn names(self) -> HashMap<String, String> {
        let sort = self.sort.map(|sort| ("#s".to_owned(), sort.attribute.clone()));
        sort.into_iter().chain([("#a".to_owned(), self.items.attribute.clone())]).collect()
    }

    pub(super) fn values(self, value: AttributeValue) -> HashMap<String, AttributeValue> {
        let sort = self.sort.map(|sort| match &sort.is {
            SortKeyIs::Equal(text) | SortKeyIs::BeginningWith(text) => (":s".to_owned(), AttributeValue::S(text.clone())),
        });
        sort.into_iter().chain([(":v".to_owned(), value)]).collect()
    }
}

impl Schema {
    pub(super) fn new(description: TableDescription) -> Self {
        let indexes = description.global_secondary_indexes().iter().filter_map(|index| {
            let ready = index.index_status() == Some(&IndexStatus::Active) && index.backfilling() != Some(true);
            Some((index.index_name()?.to_owned(), Index { ready, key: Keys::new(index.key_schema()) }))
        });
        let types = description.attribute_definitions().iter();
        Self {
            arn: description.table_arn().map(str::to_owned),
            ready: matches!(description.table_status(), Some(TableStatus::Active | TableStatus::Updating)),
            replicated: !description.replicas().is_empty(),
            key: Keys::new(description.key_schema()),
            types: types.map(|a| (a.attribute_name.clone(), a.attribute_type.clone())).collect(),
            indexes: indexes.collect(),
            items: description.item_count().and_then(|n| u64::try_from(n).ok()).unwrap_or_default(),
            bytes: description.table_size_bytes().and_then(|n| u64::try_from(n).ok()).unwrap_or_default(),
        }
    }

    /// The table's ARN.
    pub(super) fn arn(&self) -> Option<&str> {
        self.arn.as_deref()
    }

    /// What the table promises for this producer.
    pub(super) fn capabilities(
        &self,
        resource: &Resource,
        producer: &Producer,
        table: &DynamoTable,
    ) -> Result<Capabilities, StoreError> {
        if !self.ready {
            return Err(resource.unusable("it is not active"));
        }
        if self.key.partition.iter().chain(&self.key.sort).ne(&table.key) {
            let real = self.key.partition.iter().chain(&self.key.sort).map(String::as_str).collect::<Vec<_>>().join(", ");
            return Err(resource.unusable(format!("its key is [{real}]: correct `key` in the data map")));
        }
        let (mut cautions, mut listing) = (Vec::new(), Listing::Consistent);
        for selection in &producer.select {
            if let Some((items, bound)) = scan_of(selection) {
                cautions.push(self.scanned(items, bound));
                continue;
            }
            let route = self.route(resource, selection)?;
            let Some((name, index)) = route.index.and_then(|name| Some((name, self.indexes.get(name)?))) else { continue };
            listing = Listing::Lagging;
            if let [sort] = index.key.sort.as_slice() {
                cautions.push(Caution::IndexLeavesOut { index: name.to_owned(), sort_key: sort.clone() });
            }
        }
        let conditional_delete = match table.version_attribute {
            Some(_) => ConditionalDelete::Version,
            None => ConditionalDelete::Attributes,
        };
        cautions.extend(table.version_attribute.is_none().then_some(Caution::NoVersionAttribute));
        cautions.extend(self.replicated.then_some(Caution::WrittenInOtherRegions));
        Ok(Capabilities {
            hide: HideMethod::Vault,
            conditional_delete,
            old_versions: OldVersions::None,
            listing,
            records: RecordKind::Document,
            cautions,
        })
    }

    /// The type of an attribute that is part of a key, its own or an index's.
    pub(super) fn type_of(&self, attribute: &str) -> Option<&ScalarAttributeType> {
        self.types.get(attribute)
    }

    /// What reading the whole of it takes.
    fn scanned(&self, items: &ItemSelection, bound: ScanBound) -> Caution {
        let read_units = whole_table(self.items, self.bytes);
        let enough = is_within(bound, self.items, as_units(read_units));
        Caution::Scanned { attribute: items.attribute.clone(), items: self.items, read_units, enough }
    }

    /// Whether values are such as the table's key is made of.
    pub(super) fn admits(&self, key: &HashMap<String, AttributeValue>) -> bool {
        key.iter().all(|(name, value)| match (self.types.get(name), value) {
            (Some(ScalarAttributeType::S), AttributeValue::S(text)) => !text.is_empty(),
            (Some(ScalarAttributeType::N), AttributeValue::N(number)) => decimal(number).is_some(),
            (Some(ScalarAttributeType::B), AttributeValue::B(bytes)) => !bytes.as_ref().is_empty(),
            _ => false,
        })
    }

    /// How to follow a selection in this table.
    pub(super) fn route<'a>(&self, resource: &Resource, selection: &'a Selection) -> Result<Route<'a>, StoreError> {
        let Selection::Items(items) = selection else {
            return Err(resource.unusable("a prefix selects objects, not items: use `attribute` in the data map"));
        };
        let ItemSelection { attribute, index, sort, value, .. } = items;
        let key = match index {
            None => &self.key,
            Some(name) => {
                let index = self.indexes.get(name).ok_or_else(|| {
                    resource.unusable(format!("it has no global secondary index {name}: create it, or correct the data map"))
                })?;
                if !index.ready {
                    return Err(resource.unusable(format!("index {name} is still being built: wait for it")));
                }
                &index.key
            }
        };
        if key.partition != [attribute.as_str()] {
            let what = index.as_ref().map_or_else(|| "the table".to_owned(), |name| format!("index {name}"));
            let real = key.partition.join(", ");
            return Err(resource.unusable(format!("{what} is partitioned by [{real}], not by {attribute}: correct the data map")));
        }
        let kind = |name: &String| self.types.get(name);
        if kind(attribute) == Some(&ScalarAttributeType::B) {
            return Err(resource.unusable(format!("{attribute} is binary: no identity can be compared with it")));
        }
        if kind(attribute) == Some(&ScalarAttributeType::N) && !value.is_plain() {
            return Err(resource.unusable(format!("{attribute} is a number, which no text is part of: correct `value`")));
        }
        if let Some(sort) = sort {
            if key.sort != [sort.attribute.as_str()] {
                let real = if key.sort.is_empty() { "none".to_owned() } else { key.sort.join(", ") };
                return Err(resource.unusable(format!("its sort key is {real}, not {}: correct `sort`", sort.attribute)));
            }
            if kind(&sort.attribute) != Some(&ScalarAttributeType::S) {
                return Err(resource.unusable(format!("{} is not a text: what does not begin so cannot be told", sort.attribute)));
            }
            let (SortKeyIs::Equal(text) | SortKeyIs::BeginningWith(text)) = &sort.is;
            if text.len() > SORT_KEY {
                let attribute = &sort.attribute;
                return Err(resource.unusable(format!("{attribute} has at most {SORT_KEY} bytes, and `sort` more: correct it")));
            }
        }
        Ok(Route { items, index: index.as_deref(), sort: sort.as_ref() })
    }

    /// A selection's value in the attribute's own type.
    pub(super) fn value(&self, resource: &Resource, route: Route<'_>, text: &str) -> Result<AttributeValue, StoreError> {
        if text.is_empty() {
            return Err(resource.record("an empty identity selects nothing: correct the record it comes from"));
        }
        let attribute = &route.items.attribute;
        match self.types.get(attribute) {
            Some(ScalarAttributeType::N) => plain_number(resource, attribute, text).map(AttributeValue::N),
            _ => {
                let text = route.items.value.fill(text);
                if text.len() > PARTITION_KEY {
                    return Err(resource.record(format!(
                        "{attribute} has at most {PARTITION_KEY} bytes, and what it was to be compared with has more: correct the \
                         record it comes from"
                    )));
                }
                Ok(AttributeValue::S(text))
            }
        }
    }
}

/// An identity as a number that an attribute is compared with.
pub(super) fn plain_number(resource: &Resource, attribute: &str, text: &str) -> Result<String, StoreError> {
    if decimal(text).is_none() {
        let reason = format!("{attribute} is a number and the identity to compare it with is not: correct `by` in the data map");
        return Err(resource.record(reason));
    }
    if !value::is_plain(text) {
        return Err(resource.record(format!(
            "{attribute} is a number and the identity is written otherwise than that number is: declare its kind with form: number \
             in the data map"
        )));
    }
    Ok(text.to_owned())
}

impl Keys {
    fn new(schema: &[KeySchemaElement]) -> Self {
        let mut keys = Self::default();
        for element in schema {
            let name = element.attribute_name.clone();
            if element.key_type == KeyType::Hash { keys.partition.push(name) } else { keys.sort.push(name) }
        }
        keys
    }
}

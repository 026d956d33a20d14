//! Items of DynamoDB tables.

use super::{StoreKey, StoreKeys, non_empty};
use crate::datamap::{
    selection::{ItemSelection, ScanBound, SelectBy, SortKey, SortKeyIs},
    template::Template,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A DynamoDB table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DynamoTable {
    /// Its name.
    pub table: String,
    /// Attributes of its primary key: partition key, then sort key if it has one.
    pub key: Vec<String>,
    /// An attribute that changes with every write. Without one, a record is compared attribute by attribute.
    pub version_attribute: Option<String>,
}

impl DynamoTable {
    pub(super) fn is_whole_key(&self, items: &ItemSelection) -> bool {
        let sorted =
            |name: &String| items.sort.as_ref().is_some_and(|s| s.attribute == *name && matches!(s.is, SortKeyIs::Equal(_)));
        let of_table = items.index.is_none() && self.key.first() == Some(&items.attribute);
        of_table && self.key.get(1).is_none_or(sorted)
    }

    /// Whether a field is the whole of the primary key.
    pub(super) fn is_key(&self, field: &str) -> bool {
        matches!(self.key.as_slice(), [only] if only == field)
    }
}

pub(super) const LOCATION: [StoreKey; 3] = [StoreKey::Text("table"), StoreKey::Texts("key"), StoreKey::Text("version_attribute")];

pub(super) const SELECTION: [StoreKey; 6] = [
    StoreKey::Text("attribute"),
    StoreKey::Text("index"),
    StoreKey::Text("value"),
    StoreKey::Mapping("sort"),
    StoreKey::Mapping("where"),
    StoreKey::Mapping("scan"),
];

pub(super) fn location(mut keys: StoreKeys) -> Result<DynamoTable, String> {
    let table = non_empty(keys.text("table"), "table")?;
    let key = keys.texts("key").unwrap_or_default();
    if key.is_empty() || key.len() > 2 || key.iter().any(String::is_empty) {
        return Err("key must name the attributes of the table's primary key, one or two".to_owned());
    }
    Ok(DynamoTable { table, key, version_attribute: keys.text("version_attribute") })
}

pub(super) fn selection(by: SelectBy, mut keys: StoreKeys, table: &DynamoTable) -> Result<ItemSelection, String> {
    let (attribute, scan) = match keys.mapping("scan") {
        Some(given) => scanned(given, &mut keys, table).map(|(attribute, bound)| (attribute, Some(bound)))?,
        None => (non_empty(keys.text("attribute"), "select: attribute")?, None),
    };
    let index = keys.text("index");
    let value = match keys.text("value") {
        Some(text) => Template::parse(&text).map_err(|wrong| format!("select: value {wrong}, as in USER#{{}}"))?,
        None => Template::plain(),
    };
    if index.is_none() && scan.is_none() && table.key.first() != Some(&attribute) {
        let key = table.key.first().map(String::as_str).unwrap_or_default();
        return Err(format!(
            "select: attribute {attribute} is not the table's partition key, which is {key} by its key: name that, or the index \
             that {attribute} is the partition key of, or have the whole table read: scan: {{attribute: {attribute}, max_items: \
             100000}}"
        ));
    }
    let of_table = table.key.get(1).filter(|_| index.is_none());
    let sort = keys.mapping("sort").map(|given| sort_key(given, of_table)).transpose()?;
    let conditions = keys.mapping("where").unwrap_or_default();
    if let Some((name, _)) = conditions.iter().find(|(_, values)| values.is_empty()) {
        return Err(format!("select: where: {name} has no value to be equal to"));
    }
    if let Some(name) = conditions.keys().find(|name| name.contains('.')) {
        return Err(format!("select: where: {name} is a path, and conditions are of attributes"));
    }
    let is_key = |name: &&String| {
        let of_table = index.is_none() && scan.is_none() && table.key.contains(name);
        of_table || **name == attribute || sort.as_ref().is_some_and(|s| s.attribute == **name)
    };
    if let Some(name) = conditions.keys().find(is_key) {
        return Err(format!("select: where: {name} is part of a key: say what it has to be under value or sort"));
    }
    Ok(ItemSelection { by, attribute, index, value, sort, conditions, scan })
}

/// The attribute that a whole table is read for, and how much of it is read at most.
fn scanned(
    mut given: BTreeMap<String, Vec<String>>,
    beside: &mut StoreKeys,
    table: &DynamoTable,
) -> Result<(String, ScanBound), String> {
    let accepted = "select: scan takes attribute, and max_items, max_read_units or both, such as {attribute: email, max_items: \
                    100000}";
    let mut one = |name: &str| match given.remove(name).map(<[String; 1]>::try_from) {
        None => Ok(None),
        Some(Ok([word])) if !word.is_empty() => Ok(Some(word)),
        Some(_) => Err(format!("{accepted}: {name} is empty, or more than one")),
    };
    let (attribute, items, units) = (one("attribute")?, one("max_items")?, one("max_read_units")?);
    if let Some(unknown) = given.keys().next() {
        return Err(format!("{accepted}: there is no {unknown}"));
    }
    let attribute = attribute.ok_or_else(|| format!("{accepted}: attribute is missing"))?;
    if attribute.contains('.') {
        return Err(format!(
            "select: scan: {attribute} is a path, and a scan compares attributes: name one that holds the value by itself, or find \
             these records through another producer, as in by: {{producer: orders, field: order_id}}"
        ));
    }
    let most = |name: &str, word: Option<String>| {
        let number = word.map(|word| word.parse::<u64>().ok().filter(|n| *n > 0).ok_or(word)).transpose();
        number.map_err(|word| format!("{accepted}: {name} is {word}, which is no whole number above 0"))
    };
    let bound = ScanBound { max_items: most("max_items", items)?, max_read_units: most("max_read_units", units)? };
    if bound == (ScanBound { max_items: None, max_read_units: None }) {
        return Err(format!("{accepted}: say how much of the table may be read each time somebody is looked for"));
    }
    if table.key.first() == Some(&attribute) {
        return Err(format!("select: {attribute} is the table's partition key, which needs no scan: attribute: {attribute}"));
    }
    let foreign = ["attribute", "index"].into_iter().find(|name| beside.text(name).is_some());
    if let Some(foreign) = foreign.or_else(|| beside.mapping("sort").map(|_| "sort")) {
        return Err(format!(
            "select: scan reads every item, and takes no {foreign} beside it: name the attribute within scan, and conditions \
             under where"
        ));
    }
    Ok((attribute, bound))
}

fn sort_key(mut given: BTreeMap<String, Vec<String>>, of_table: Option<&String>) -> Result<SortKey, String> {
    let accepted = "select: sort takes attribute, and one of equals and begins_with, each with one text";
    let mut one = |name: &str| match given.remove(name) {
        None => Ok(None),
        Some(words) => match <[String; 1]>::try_from(words) {
            Ok([word]) if !word.is_empty() => Ok(Some(word)),
            _ => Err(format!("{accepted}: {name} is empty, or more than one")),
        },
    };
    let (attribute, equal, beginning) = (one("attribute")?, one("equals")?, one("begins_with")?);
    if let Some(unknown) = given.keys().next() {
        return Err(format!("{accepted}: there is no {unknown}"));
    }
    let is = match (equal, beginning) {
        (Some(value), None) => SortKeyIs::Equal(value),
        (None, Some(beginning)) => SortKeyIs::BeginningWith(beginning),
        _ => return Err(accepted.to_owned()),
    };
    let attribute = attribute.or_else(|| of_table.cloned());
    let attribute = attribute.ok_or("select: sort: name the attribute that is the sort key of the index, under attribute")?;
    if of_table.is_some_and(|own| *own != attribute) {
        return Err(format!("select: sort: {attribute} is not the sort key of the table, by its key"));
    }
    Ok(SortKey { attribute, is })
}

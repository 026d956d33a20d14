//! The ways from an identity to records.

use super::{pattern::Pattern, template::Template};
use crate::{ids::ProducerName, personal::IdentifierKind};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap};

/// One way from an identity to a producer's records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Selection {
    /// Items of a table.
    Items(ItemSelection),
    /// Objects of a bucket.
    Objects(ObjectSelection),
}

/// Items whose `attribute` equals a value, as far as they meet the conditions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemSelection {
    /// Where the value comes from.
    pub by: SelectBy,
    /// The attribute compared: the partition key of the table or of `index`.
    pub attribute: String,
    /// The global secondary index to query; the table itself without one.
    pub index: Option<String>,
    /// How the value is written in the attribute: `USER#{}`.
    pub value: Template,
    /// What the sort key has to be.
    pub sort: Option<SortKey>,
    /// Attributes that must have one of these values, as text.
    pub conditions: BTreeMap<String, Vec<String>>,
    /// The whole table is read, since no key of it has the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scan: Option<ScanBound>,
}

/// How much of a table is read at most. Where there is more, nothing is said of what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScanBound {
    /// Items.
    pub max_items: Option<u64>,
    /// Read units.
    pub max_read_units: Option<u64>,
}

/// What a sort key has to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SortKey {
    /// The attribute.
    pub attribute: String,
    /// What it has to be.
    pub is: SortKeyIs,
}

/// How a sort key is compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortKeyIs {
    /// This, and nothing else.
    Equal(String),
    /// Whatever begins so.
    BeginningWith(String),
}

/// Objects named after a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectSelection {
    /// Where the value comes from.
    pub by: SelectBy,
    /// Which of them.
    pub keys: ObjectKeys,
}

/// Keys of objects, made from a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ObjectKeys {
    /// All under a prefix such as `users/{}/`: a delimiter follows the value.
    Under(Template),
    /// The one of this key, such as `avatars/{}.png`.
    Exactly(Template),
    /// Those of a pattern such as `logs/*/{}/**`.
    Matching {
        /// The pattern.
        pattern: Pattern,
        /// How many keys are listed at most. Where there are more, nothing is said of what was found.
        max_keys: u64,
    },
}

/// What a selection starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SelectBy {
    /// An identifier of the person.
    Identity(IdentifierKind),
    /// A field of another producer's records.
    Parent {
        /// The producer whose records carry the value.
        producer: ProducerName,
        /// The field that carries it.
        field: String,
    },
}

impl Selection {
    /// Where its value comes from.
    pub fn by(&self) -> &SelectBy {
        match self {
            Selection::Items(items) => &items.by,
            Selection::Objects(objects) => &objects.by,
        }
    }
}

/// The field in which stores of objects tell their keys.
const OBJECT_KEY: &str = "key";

impl Selection {
    /// What all its keys begin with, where it is about objects.
    pub fn head(&self) -> Option<&str> {
        match self {
            Selection::Objects(objects) => Some(objects.keys.head()),
            Selection::Items(_) => None,
        }
    }

    /// Whether it reads the whole of a table.
    pub fn scans(&self) -> bool {
        matches!(self, Selection::Items(items) if items.scan.is_some())
    }

    /// Whether it looks at other people's records, too: it reads a whole table, or lists keys by a pattern.
    pub fn looks_at_others(&self) -> bool {
        let by_pattern = matches!(self, Selection::Objects(objects) if matches!(objects.keys, ObjectKeys::Matching { .. }));
        self.scans() || by_pattern
    }

    /// Whether it looks in an index beside the table.
    pub fn goes_by_index(&self) -> bool {
        matches!(self, Selection::Items(items) if items.index.is_some())
    }

    /// The fields of a record by which [`Selection::may_find`] tells.
    pub fn telling_fields(&self) -> impl Iterator<Item = &str> {
        let (items, objects) = match self {
            Selection::Items(items) => (Some(items), None),
            Selection::Objects(_) => (None, Some(OBJECT_KEY)),
        };
        let sort = items.and_then(|items| items.sort.as_ref()).map(|sort| sort.attribute.as_str());
        let conditions = items.into_iter().flat_map(|items| items.conditions.keys()).map(String::as_str);
        let value = items.map(|items| items.attribute.as_str());
        objects.into_iter().chain(value).chain(sort).chain(conditions)
    }

    /// The value by which it finds a record, as far as the record tells. `text` reads a field.
    pub fn value_in<'t>(&self, text: impl Fn(&str) -> Option<Cow<'t, str>>) -> Option<String> {
        match self {
            Selection::Items(items) => items.value.value_in(&text(&items.attribute)?).map(str::to_owned),
            Selection::Objects(objects) => objects.keys.value_in(&text(OBJECT_KEY)?).map(str::to_owned),
        }
    }

    /// The whole key of a record, where rows name it. `text` reads a field.
    pub fn whole_key<'t>(&self, text: impl Fn(&str) -> Option<Cow<'t, str>>) -> Option<String> {
        match self {
            Selection::Objects(ObjectSelection { keys: ObjectKeys::Exactly(template), .. }) if template.is_plain() => {
                text(OBJECT_KEY).map(Cow::into_owned)
            }
            _ => None,
        }
    }

    /// Whether it says by more than a value which records it finds: by a condition, or by how the value is written.
    pub fn is_specific(&self) -> bool {
        match self {
            Selection::Items(items) => items.sort.is_some() || !items.conditions.is_empty() || !items.value.is_plain(),
            Selection::Objects(objects) => match &objects.keys {
                ObjectKeys::Under(template) | ObjectKeys::Exactly(template) => !template.is_plain(),
                ObjectKeys::Matching { .. } => true,
            },
        }
    }

    /// Whether it finds a record for some value. `text` reads a field.
    pub fn may_find<'t>(&self, text: impl Fn(&str) -> Option<Cow<'t, str>>) -> bool {
        match self {
            Selection::Items(items) => text(&items.attribute).is_some_and(|value| items.value.fits(&value)) && items.is_met(text),
            Selection::Objects(objects) => text(OBJECT_KEY).is_some_and(|key| objects.keys.may_hold(&key)),
        }
    }
}

impl ObjectKeys {
    /// None of a whole key, which rows name in more than one way.
    fn value_in<'k>(&self, key: &'k str) -> Option<&'k str> {
        match self {
            ObjectKeys::Exactly(template) if template.is_plain() => None,
            // What stands beside the value can be anything: it is not told where the value is.
            ObjectKeys::Matching { .. } => None,
            ObjectKeys::Exactly(template) => template.value_in(key),
            ObjectKeys::Under(template) => {
                let rest = key.strip_prefix(template.before())?;
                let delimiter = template.after().chars().next().unwrap_or('/');
                let value = rest.split(['/', delimiter]).next().filter(|value| !value.is_empty())?;
                rest[value.len()..].starts_with(template.after()).then_some(value)
            }
        }
    }

    /// What all keys begin with, whatever the value.
    pub fn head(&self) -> &str {
        match self {
            ObjectKeys::Under(key) | ObjectKeys::Exactly(key) => key.before(),
            ObjectKeys::Matching { pattern, .. } => pattern.head(),
        }
    }

    fn may_hold(&self, key: &str) -> bool {
        match self {
            ObjectKeys::Matching { pattern, .. } => pattern.may_hold(key),
            ObjectKeys::Exactly(template) if template.is_plain() => !key.is_empty(),
            ObjectKeys::Exactly(template) => template.value_in(key).is_some_and(|value| !value.contains('/')),
            ObjectKeys::Under(_) => self.value_in(key).is_some(),
        }
    }
}

impl SortKeyIs {
    /// Whether a sort key is so.
    pub fn holds(&self, text: &str) -> bool {
        match self {
            SortKeyIs::Equal(value) => text == value,
            SortKeyIs::BeginningWith(beginning) => text.starts_with(beginning),
        }
    }

    /// Whether whatever is so is as the other says, too.
    fn implies(&self, other: &Self) -> bool {
        match (self, other) {
            (SortKeyIs::Equal(a) | SortKeyIs::BeginningWith(a), SortKeyIs::BeginningWith(_)) => other.holds(a),
            (SortKeyIs::Equal(a), SortKeyIs::Equal(b)) => a == b,
            (SortKeyIs::BeginningWith(_), SortKeyIs::Equal(_)) => false,
        }
    }

    fn excludes(&self, other: &Self) -> bool {
        match (self, other) {
            (SortKeyIs::Equal(a), other) | (other, SortKeyIs::Equal(a)) => !other.holds(a),
            (SortKeyIs::BeginningWith(a), SortKeyIs::BeginningWith(b)) => !a.starts_with(b) && !b.starts_with(a),
        }
    }
}

impl ItemSelection {
    /// Whether it may have found an item of which this attribute is remembered as what it was found by; none is of what was found
    /// by the table's own key, which does not change.
    pub fn may_have_found_by(&self, attribute: Option<&str>) -> bool {
        let by_key = self.index.is_none() && self.scan.is_none();
        attribute.map_or(by_key, |attribute| !by_key && self.attribute == attribute)
    }

    /// Whether an item meets the conditions, whatever value its attribute has. `text` reads an attribute.
    pub fn is_met<'t>(&self, text: impl Fn(&str) -> Option<Cow<'t, str>>) -> bool {
        let sorted = self.sort.as_ref().is_none_or(|sort| text(&sort.attribute).is_some_and(|text| sort.is.holds(&text)));
        let one_of = |(name, values): (&String, &Vec<String>)| text(name).is_some_and(|text| values.iter().any(|v| *v == text));
        sorted && self.conditions.iter().all(one_of)
    }

    /// Whether no item can meet the conditions of both.
    pub(super) fn excludes(&self, other: &Self) -> bool {
        let by_sort = match (&self.sort, &other.sort) {
            (Some(a), Some(b)) => a.attribute == b.attribute && a.is.excludes(&b.is),
            _ => false,
        };
        let apart = |one: &Self, another: &Self| {
            one.conditions.iter().any(|(name, values)| {
                let by_values = another.conditions.get(name).is_some_and(|others| values.iter().all(|v| !others.contains(v)));
                let sort = another.sort.as_ref().filter(|sort| sort.attribute == *name);
                by_values || sort.is_some_and(|sort| !values.iter().any(|value| sort.is.holds(value)))
            })
        };
        by_sort || apart(self, other) || apart(other, self)
    }

    /// Whether the conditions of this one are met by whatever meets those of the other.
    pub(super) fn covers(&self, other: &Self) -> bool {
        let by_sort = match (&self.sort, &other.sort) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(theirs)) => mine.attribute == theirs.attribute && theirs.is.implies(&mine.is),
        };
        let within = |name: &String, values: &Vec<String>| {
            other.conditions.get(name).is_some_and(|others| others.iter().all(|v| values.contains(v)))
        };
        by_sort && self.conditions.iter().all(|(name, values)| within(name, values))
    }
}

//! One table for everything: its records by what their keys begin with.

use crate::{
    column::{is_fixed, is_of_a_design, literal},
    hash::HashKey,
    names,
    shape::Shape,
    value::{Keys, Record, Value},
};
use oubli_domain::datamap::words_of;
use std::collections::{BTreeMap, BTreeSet};

/// Kinds of records in one table from which on their keys say something else.
const MOST_KINDS: usize = 25;

/// Attributes that say what a record is.
const KINDS: [&str; 11] =
    ["type", "entitytype", "entity", "kind", "typename", "et", "itemtype", "recordtype", "objecttype", "modeltype", "entityname"];

/// What sort keys call the one record that the others of a partition stand around: it is what the partition is.
const GENERAL: [&str; 8] = ["metadata", "meta", "info", "details", "data", "a", "root", "item"];

/// What the sort keys of a group are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sort {
    /// Anything.
    Any,
    /// Whatever begins so.
    Beginning(String),
    /// This.
    Equal(String),
}

impl Sort {
    fn beginning(&self) -> Option<&str> {
        match self {
            Sort::Beginning(beginning) => Some(beginning),
            Sort::Any | Sort::Equal(_) => None,
        }
    }
}

/// Records of a table that belong together.
pub(crate) struct Group<'a> {
    /// What they are called, in a table of several.
    pub label: Option<String>,
    pub sort: Sort,
    pub records: Vec<&'a Record>,
}

type Signature = (Option<String>, Sort);

/// The records of a table in groups, and the fixed beginnings of their keys; in one group where their keys do not tell them apart.
pub(crate) fn groups<'a>(keys: &Keys, records: &'a [Record], key: &HashKey) -> (Vec<Group<'a>>, BTreeSet<String>) {
    let one = || (vec![Group { label: None, sort: Sort::Any, records: records.iter().collect() }], BTreeSet::new());
    let mut by_signature: BTreeMap<Signature, Vec<&Record>> = BTreeMap::new();
    for record in records {
        by_signature.entry(signature(keys, record)).or_default().push(record);
    }
    let told_apart = by_signature.keys().any(|(partition, sort)| partition.is_some() || *sort != Sort::Any);
    let values = many_values(keys, records, key);
    let partitions: BTreeSet<&str> = by_signature.keys().filter_map(|(partition, _)| partition.as_deref()).collect();
    let sorts: BTreeSet<&str> = by_signature.keys().filter_map(|(_, sort)| sort.beginning()).collect();
    let fixed = by_signature.iter().all(|((partition, sort), of)| {
        let part = |name: &str| of.iter().filter_map(|record| text(record, name)).collect::<BTreeSet<_>>().len();
        let by_partition = part(&keys.partition);
        let by_sort = keys.sort.as_deref().map_or(0, part).max(by_partition);
        let is_data = |word: &str| {
            let word = word.trim_matches(|c: char| !c.is_ascii_alphabetic());
            let there = |word: &str| values.contains(&key.hash(word));
            !is_of_a_design(word) && (there(word) || there(&word.to_lowercase()))
        };
        let partition_fixed = partition.as_ref().is_none_or(|p| is_fixed(p, by_partition, partitions.len() == 1) && !is_data(p));
        let sort_fixed = match sort {
            Sort::Any => true,
            Sort::Beginning(beginning) => is_fixed(beginning, by_sort, sorts.len() == 1) && !is_data(beginning),
            Sort::Equal(word) => is_fixed(word, by_partition, false) && !is_data(word),
        };
        partition_fixed && sort_fixed
    });
    // Where an attribute says of each what it is, its beginnings are a design, however short.
    let said = said(&by_signature);
    if !told_apart || !fixed && said.is_none() || by_signature.len() > MOST_KINDS {
        return one();
    }
    let beginnings = by_signature.keys().flat_map(|(partition, sort)| {
        let of_sort = if let Sort::Beginning(beginning) = sort { Some(beginning) } else { None };
        partition.iter().chain(of_sort).cloned()
    });
    let beginnings = beginnings.collect();
    if by_signature.len() == 1 {
        let (_, sort) = by_signature.into_keys().next().unwrap_or((None, Sort::Any));
        return (vec![Group { label: None, sort, records: records.iter().collect() }], beginnings);
    }
    let labels = labels(&by_signature, said);
    let groups = by_signature.into_iter().zip(labels);
    (groups.map(|(((_, sort), records), label)| Group { label: Some(label), sort, records }).collect(), beginnings)
}

/// What an attribute says of each group.
fn said(groups: &BTreeMap<Signature, Vec<&Record>>) -> Option<Vec<String>> {
    let names: BTreeSet<&str> = groups.values().flatten().flat_map(|record| record.keys()).map(String::as_str).collect();
    let kinds = names.into_iter().filter(|name| KINDS.contains(&words_of(name).concat().as_str()));
    kinds.filter_map(|name| said_by(name, groups)).next()
}

fn signature(keys: &Keys, record: &Record) -> Signature {
    let partition = text(record, &keys.partition).and_then(literal).map(|(beginning, _)| beginning.to_owned());
    let sort = keys.sort.as_deref().and_then(|name| text(record, name));
    let sort = match sort.map(|sort| (sort, literal(sort))) {
        Some((_, Some((beginning, _)))) => Sort::Beginning(beginning.to_owned()),
        Some((sort, None)) if is_constant(sort) => Sort::Equal(sort.to_owned()),
        _ => Sort::Any,
    };
    (partition, sort)
}

fn is_constant(text: &str) -> bool {
    let word = text.trim_matches('#');
    let capitals = word.len() >= 2 && word.chars().all(|c| c.is_ascii_uppercase() || c == '_');
    capitals || names::is_entity(word) || oubli_domain::datamap::is_role(word)
}

fn text<'r>(record: &'r Record, name: &str) -> Option<&'r str> {
    match record.get(name) {
        Some(Value::Text(text)) => Some(text),
        _ => None,
    }
}

/// Hashes of the values of attributes that have many, keys aside, and of the words of names among them: what is there is data.
fn many_values(keys: &Keys, records: &[Record], key: &HashKey) -> BTreeSet<u64> {
    let mut by_name: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for record in records {
        for (name, value) in record.iter().filter(|(name, _)| !keys.names().contains(&name.as_str())) {
            if let Value::Text(text) = value {
                by_name.entry(name).or_default().insert(text);
            }
        }
    }
    let all: Vec<&str> = by_name.into_values().filter(|values| values.len() > MOST_KINDS).flatten().collect();
    let of_people = all.iter().filter(|value| Shape::of_text(value) == Shape::PersonName);
    let words = of_people.flat_map(|value| value.split_whitespace()).map(|word| key.hash(&word.to_lowercase()));
    all.iter().map(|value| key.hash(value)).chain(words).collect()
}

/// What each group is called: by the attribute that says it, else by its keys.
fn labels(groups: &BTreeMap<Signature, Vec<&Record>>, said: Option<Vec<String>>) -> Vec<String> {
    let by_keys = groups.keys().map(|(partition, sort)| {
        let word = |text: &str| names::plain(text.trim_matches(|c: char| !c.is_ascii_alphabetic()));
        match (partition, sort) {
            (_, Sort::Beginning(beginning)) => word(beginning),
            (Some(partition), Sort::Equal(equal)) if GENERAL.contains(&word(equal).as_str()) => word(partition),
            (_, Sort::Equal(equal)) => word(equal),
            (Some(partition), Sort::Any) => word(partition),
            (None, Sort::Any) => "others".to_owned(),
        }
    });
    let labels: Vec<String> = said.unwrap_or_else(|| by_keys.collect());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let numbered = labels.into_iter().map(|label| {
        let times = seen.entry(label.clone()).and_modify(|times| *times += 1).or_insert(1);
        if *times == 1 { label } else { format!("{label}_{times}") }
    });
    numbered.collect()
}

/// One word for each group in an attribute; none if groups have several, or all the same.
fn said_by(name: &str, groups: &BTreeMap<Signature, Vec<&Record>>) -> Option<Vec<String>> {
    let word = |records: &Vec<&Record>| {
        let words: BTreeSet<Option<&str>> = records.iter().map(|record| text(record, name)).collect();
        let plain = |word: &str| word.len() <= 32 && word.chars().all(|c| c.is_ascii_alphabetic() || "_-".contains(c));
        match words.into_iter().collect::<Vec<_>>().as_slice() {
            [Some(word)] if plain(word) => Some(names::plain(word)),
            _ => None,
        }
    };
    let labels: Vec<String> = groups.values().map(word).collect::<Option<_>>()?;
    (labels.len() > 1 && labels.iter().collect::<BTreeSet<_>>().len() == labels.len()).then_some(labels)
}

//! From YAML to a checked map.

use super::{
    check::{Finding, Severity, check},
    duties::RawDuties,
    erase::{self, RawErase, RawExport},
    keyed::{Keyable, Keyed},
    model::{DataMap, EraseAction, ExportRules, Producer, Store},
    selection::{SelectBy, Selection},
    stores::{Location, StoreKey, StoreKeys, StoreKind},
    words::Word,
};
use crate::{
    ids::{Anchor, Category, ProducerName, StoreName},
    personal::{IdentifierKind, KindRules, NormalForm},
};
use serde::{
    Deserialize,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_saphyr::Spanned;
use std::{collections::BTreeMap, fmt};

/// Largest map accepted, in bytes.
pub const MAX_BYTES: usize = 256 * 1024;

/// Why a text is not a data map.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum InvalidMap {
    /// Larger than [`MAX_BYTES`].
    #[error("the data map is larger than {MAX_BYTES} bytes")]
    TooLarge,
    /// Not YAML of the expected shape; the text says where.
    #[error("{0}")]
    Shape(String),
    /// Well-formed, but wrong.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Refused(Vec<Finding>),
}

/// Reads a map; answers it with its warnings.
///
/// # Errors
/// [`InvalidMap`], naming what and where.
pub fn parse(text: &str) -> Result<(DataMap, Vec<Finding>), InvalidMap> {
    if text.len() > MAX_BYTES {
        return Err(InvalidMap::TooLarge);
    }
    let file: File = serde_saphyr::from_str(text).map_err(|e| InvalidMap::Shape(in_words(&e.to_string())))?;
    if file.version != 1 {
        return Err(InvalidMap::Shape("version: 1 is the only version of the data map's format".to_owned()));
    }
    let mut lines = BTreeMap::new();
    let mut refused = Vec::new();
    let mut producers = Vec::new();
    for entry in file.producers {
        let line = entry.referenced.line();
        let Keyed { common: producer, keys } = entry.value;
        let name = producer.name.clone();
        if lines.insert(name.clone(), line).is_some() {
            refused.push(Finding::refuse(Some(line), format!("producer {name} is declared twice")));
        }
        match producer.into_producer(keys, &file.stores) {
            Ok(producer) => producers.push(producer),
            Err(reason) => refused.push(Finding::refuse(Some(line), format!("producer {name}: {reason}"))),
        }
    }
    if !refused.is_empty() {
        return Err(InvalidMap::Refused(refused));
    }
    let stores = file.stores.into_iter().map(|(name, s)| (name, Store { connector: s.connector, region: s.region })).collect();
    let anchor_lines = file.anchors.iter().map(|(name, tables)| (name.clone(), tables.referenced.line())).collect();
    let anchors = file.anchors.into_iter().map(|(name, tables)| (name, tables.value)).collect();
    let identifiers = rules(file.identifiers);
    let nobody = file.nobody.into_iter().map(|word| word.0).collect();
    let map = DataMap { identifiers, nobody, stores, anchors, producers };
    let findings = check(&map, &lines, &anchor_lines);
    if findings.iter().any(|f| f.severity == Severity::Refused) {
        return Err(InvalidMap::Refused(findings.into_iter().filter(|f| f.severity == Severity::Refused).collect()));
    }
    Ok((map, findings))
}

/// What the parser says in its own terms, in those of a map.
const WORDS: [(&str, &str); 5] = [
    (", set DuplicateKeyPolicy in Options if acceptable", " is written twice: leave one"),
    ("expected string scalar", "expected one text, without brackets"),
    ("expected sequence start", "expected a list, such as [a, b]"),
    ("expected mapping start", "expected keys of its own, indented below it or in braces"),
    (
        "did not find expected '-' indicator",
        "a list goes on with - at the same indent, and keys beside it belong above or below it",
    ),
];

fn in_words(error: &str) -> String {
    WORDS.iter().fold(error.to_owned(), |error, (theirs, ours)| error.replace(theirs, ours))
}

/// The line each producer of an accepted map is written on, from 1.
pub fn producer_lines(text: &str) -> BTreeMap<ProducerName, u64> {
    let file = serde_saphyr::from_str::<File>(text).ok();
    let producers = file.into_iter().flat_map(|f| f.producers);
    producers.map(|p| (p.value.common.name, p.referenced.line())).collect()
}

/// A map that says what a text says of kinds of identifiers, and nothing else: also where the rest is no longer accepted.
pub fn kinds_alone(text: &str) -> DataMap {
    let identifiers = serde_saphyr::from_str::<File>(text).map(|file| rules(file.identifiers)).unwrap_or_default();
    DataMap { identifiers, ..DataMap::default() }
}

fn rules(declared: BTreeMap<IdentifierKind, RawKind>) -> BTreeMap<IdentifierKind, KindRules> {
    declared.into_iter().map(|(kind, rules)| (kind.clone(), rules.into_rules(&kind))).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    #[serde(default)]
    identifiers: BTreeMap<IdentifierKind, RawKind>,
    #[serde(default)]
    nobody: Vec<Word>,
    stores: BTreeMap<StoreName, RawStore>,
    #[serde(default)]
    anchors: BTreeMap<Anchor, Spanned<Vec<String>>>,
    producers: Vec<Spanned<Keyed<RawProducer>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawKind {
    form: Option<NormalForm>,
    unique: Option<bool>,
}

impl RawKind {
    fn into_rules(self, kind: &IdentifierKind) -> KindRules {
        let otherwise = KindRules::built_in(kind).unwrap_or(KindRules { form: NormalForm::Exact, unique: false });
        KindRules { form: self.form.unwrap_or(otherwise.form), unique: self.unique.unwrap_or(otherwise.unique) }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawStore {
    connector: StoreKind,
    region: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawProducer {
    name: ProducerName,
    category: Category,
    store: StoreName,
    #[serde(default)]
    identifies: BTreeMap<IdentifierKind, String>,
    select: Vec<Keyed<RawSelection>>,
    erase: Option<RawErase>,
    because: Option<String>,
    retention: Option<RawDuties>,
    #[serde(default)]
    derived: bool,
    #[serde(default)]
    backup: bool,
    #[serde(default)]
    log: bool,
    export: Option<RawExport>,
    #[serde(default)]
    owns: Vec<Anchor>,
    #[serde(default)]
    reads_as_discriminator: Vec<Anchor>,
    #[serde(default)]
    reads_as_reference: Vec<Anchor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSelection {
    by: RawBy,
    export: Option<String>,
    because: Option<String>,
}

impl Keyable for RawProducer {
    fn keys_of(kind: StoreKind) -> &'static [StoreKey] {
        kind.location_keys()
    }
}

impl Keyable for RawSelection {
    fn keys_of(kind: StoreKind) -> &'static [StoreKey] {
        kind.selection_keys()
    }
}

enum RawBy {
    Identity(IdentifierKind),
    Parent(RawParent),
}

impl<'de> Deserialize<'de> for RawBy {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = RawBy;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a kind of identifier such as subject_id, or {producer: orders, field: order_id}")
            }

            fn visit_str<E: Error>(self, kind: &str) -> Result<RawBy, E> {
                kind.parse().map(RawBy::Identity).map_err(|wrong| E::custom(format!("by: {kind:?}: {wrong}")))
            }

            fn visit_map<A: MapAccess<'de>>(self, parent: A) -> Result<RawBy, A::Error> {
                RawParent::deserialize(MapAccessDeserializer::new(parent)).map(RawBy::Parent)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawParent {
    producer: ProducerName,
    field: String,
}

impl RawProducer {
    fn into_producer(self, keys: StoreKeys, stores: &BTreeMap<StoreName, RawStore>) -> Result<Producer, String> {
        let store = stores.get(&self.store).ok_or_else(|| format!("store {} is not declared", self.store))?;
        let location = store.connector.location(keys)?;
        if self.select.is_empty() {
            return Err("select must hold at least one way to its records".to_owned());
        }
        let mut select = Vec::new();
        let mut show_only = BTreeMap::new();
        for (place, Keyed { common, keys }) in (0_u16..).zip(self.select) {
            let RawSelection { by, export, because } = common;
            show_only.extend(erase::of_selection(export, because)?.map(|because| (place, because)));
            select.push(by.into_selection(keys, store.connector, &location)?);
        }
        let (only, export) = match self.export {
            Some(RawExport::Only) => (true, ExportRules::default()),
            Some(RawExport::Rules(rules)) => (false, rules),
            None => (false, ExportRules::default()),
        };
        let export = erase::checked(export, &location)?;
        let erase = erase::action(self.erase, only, self.because)?;
        if erase != EraseAction::Delete && !show_only.is_empty() {
            return Err("select: export: only, and nothing of the producer is erased anyway: leave one of them out".to_owned());
        }
        if erase == EraseAction::Delete && show_only.len() == select.len() {
            return Err("select: export: only stands in every selection: write erase: false and because once instead".to_owned());
        }
        let has_fields = location.has_fields();
        if !self.identifies.is_empty() && !has_fields {
            return Err("identifies belongs to tables: objects have no fields".to_owned());
        }
        if let Some((kind, _)) = self.identifies.iter().find(|(_, field)| field.trim().is_empty()) {
            return Err(format!("identifies: the field of {kind} is empty"));
        }
        if let Some((kind, field)) = self.identifies.iter().find(|(_, field)| field.contains(['{', '}'])) {
            return Err(format!("identifies: {field} is no name of a field that holds {kind}"));
        }
        Ok(Producer {
            name: self.name,
            category: self.category,
            store: self.store,
            location,
            identifies: self.identifies,
            select,
            erase,
            show_only,
            retention: self.retention.map(RawDuties::into_duties).transpose()?.unwrap_or_default(),
            derived: self.derived,
            backup: self.backup,
            log: self.log,
            export,
            owns: self.owns,
            reads_as_discriminator: self.reads_as_discriminator,
            reads_as_reference: self.reads_as_reference,
        })
    }
}

impl RawBy {
    fn into_selection(self, keys: StoreKeys, connector: StoreKind, location: &Location) -> Result<Selection, String> {
        let by = match self {
            RawBy::Identity(kind) => SelectBy::Identity(kind),
            RawBy::Parent(parent) => SelectBy::Parent { producer: parent.producer, field: parent.field },
        };
        connector.selection(by, keys, location)
    }
}

//! What a map consists of, as it is written.

use super::{
    duties::RawDuties,
    erase::{self, GoesBy, RawErase, RawExport},
    keyed::{Keyable, Keyed},
    model::{EraseAction, ExportRules, Producer},
    nearest::nearest,
    retention::Duties,
    selection::{SelectBy, Selection},
    stores::{Location, StoreKey, StoreKeys, StoreKind},
    words::Word,
};
use crate::{
    ids::{AccountId, Anchor, Category, ProducerName, StoreName},
    personal::{IdentifierKind, KindRules, NormalForm},
};
use serde::{
    Deserialize,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{collections::BTreeMap, fmt};

pub(super) fn rules(declared: BTreeMap<IdentifierKind, RawKind>) -> BTreeMap<IdentifierKind, KindRules> {
    declared.into_iter().map(|(kind, rules)| (kind.clone(), rules.into_rules(&kind))).collect()
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub version: u32,
    #[serde(default)]
    pub identifiers: BTreeMap<IdentifierKind, RawKind>,
    #[serde(default)]
    pub nobody: Vec<Word>,
    pub stores: BTreeMap<StoreName, RawStore>,
    #[serde(default)]
    pub anchors: BTreeMap<Anchor, Vec<String>>,
    pub producers: Vec<Keyed<RawProducer>>,
}

impl File {
    /// Its keys.
    pub const SECTIONS: [&'static str; 6] = ["version", "identifiers", "nobody", "stores", "anchors", "producers"];

    /// Those that producers name what is in.
    pub const BESIDE: [&'static str; 3] = ["identifiers", "stores", "anchors"];

    /// Those that every map has.
    pub const NEEDED: [&'static str; 3] = ["version", "stores", "producers"];
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawKind {
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
pub(super) struct RawStore {
    pub connector: StoreKind,
    pub region: Option<String>,
    pub account: Option<AccountId>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawProducer {
    pub name: ProducerName,
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
                kind.parse()
                    .map(RawBy::Identity)
                    .map_err(|wrong| E::custom(format!("{kind:?} is none: {wrong}, or {{producer: orders, field: order_id}}")))
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

/// A mistake of a producer, or of its selection at this place.
pub(super) struct Wrong {
    pub selection: Option<usize>,
    pub text: String,
}

impl From<String> for Wrong {
    fn from(text: String) -> Self {
        Self { selection: None, text }
    }
}

impl RawProducer {
    /// What it says, or all that is wrong with it. Unless all `stores` could be read, one that is not among them is no mistake.
    pub fn into_producer(
        self,
        keys: StoreKeys,
        stores: &BTreeMap<StoreName, RawStore>,
        all_stores: bool,
    ) -> Result<Producer, Vec<Wrong>> {
        let Some(store) = stores.get(&self.store) else {
            let declared: Vec<&str> = stores.keys().map(StoreName::as_str).collect();
            let meant =
                nearest(self.store.as_str(), &declared).map(|near| format!("did you mean {near}? Or ")).unwrap_or_default();
            let text = format!(
                "store {} is not declared: {meant}write it under stores, as {}: {{connector: dynamodb}}",
                self.store, self.store
            );
            return Err(all_stores.then(|| text.into()).into_iter().collect());
        };
        let location = store.connector.location(keys).map_err(|text| vec![text.into()])?;
        let has_fields = location.has_fields();
        let mut wrong: Vec<Wrong> = Vec::new();
        if self.select.is_empty() {
            wrong.push("select must hold at least one way to its records, such as {by: subject_id, …}".to_owned().into());
        }
        let (mut select, mut show_only) = (Vec::new(), BTreeMap::new());
        for (place, Keyed { common, keys }) in (0_u16..).zip(self.select) {
            let RawSelection { by, export, because } = common;
            let mut of_selection = |text: String| wrong.push(Wrong { selection: Some(usize::from(place)), text });
            match erase::of_selection(export, because) {
                Ok(because) => show_only.extend(because.map(|because| (place, because))),
                Err(text) => of_selection(text),
            }
            match by.into_selection(keys, store.connector, &location) {
                Ok(selection) => select.push(selection),
                Err(text) => of_selection(text),
            }
        }
        wrong.extend(misnamed(&self.identifies, has_fields).map(Wrong::from));
        let (only, export) = match self.export {
            Some(RawExport::Only) => (true, ExportRules::default()),
            Some(RawExport::Rules(rules)) => (false, rules),
            None => (false, ExportRules::default()),
        };
        let mut right = |result: Result<(), String>| wrong.extend(result.err().map(Wrong::from));
        let mut retention = Duties::default();
        right(self.retention.map(RawDuties::into_duties).transpose().map(|duties| retention = duties.unwrap_or_default()));
        let mut rules = ExportRules::default();
        right(erase::checked(export, &location).map(|checked| rules = checked));
        let mut erase = EraseAction::Delete;
        right(erase::action(self.erase, only, self.because).map(|action| erase = action));
        if let EraseAction::Fields(fields) = &erase {
            let by = GoesBy { location: &location, identifies: &self.identifies, select: &select };
            erase::irreplaceable(fields, &by).into_iter().for_each(|text| right(Err(text)));
        }
        let whole = matches!(erase, EraseAction::ShowOnly { .. });
        if whole && !show_only.is_empty() {
            let text = "select: export: only, and nothing of the producer is erased anyway: leave one of them out";
            right(Err(text.to_owned()));
        }
        if !whole && !select.is_empty() && show_only.len() == select.len() {
            let text = "select: export: only stands in every selection: write erase: false and because once instead";
            right(Err(text.to_owned()));
        }
        if !wrong.is_empty() {
            return Err(wrong);
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
            retention,
            derived: self.derived,
            backup: self.backup,
            log: self.log,
            export: rules,
            owns: self.owns,
            reads_as_discriminator: self.reads_as_discriminator,
            reads_as_reference: self.reads_as_reference,
        })
    }
}

/// What under `identifies` cannot be a field.
fn misnamed(identifies: &BTreeMap<IdentifierKind, String>, has_fields: bool) -> Option<String> {
    if identifies.is_empty() {
        return None;
    }
    if !has_fields {
        return Some("identifies belongs to tables: objects have no fields. Leave it out".to_owned());
    }
    let empty = identifies.iter().find(|(_, field)| field.trim().is_empty());
    let template = || identifies.iter().find(|(_, field)| field.contains(['{', '}']));
    empty.map(|(kind, _)| format!("identifies: the field of {kind} is empty: name the field that holds it")).or_else(|| {
        template().map(|(kind, field)| {
            format!("identifies: {field} is no name of a field that holds {kind}: write the name alone, such as customer_id")
        })
    })
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

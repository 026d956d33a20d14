//! The data map as checked types. [`super::parse()`] is the only way to make one from text.

use super::{
    retention::Duties,
    selection::{SelectBy, Selection},
    stores::{Location, StoreKind},
};
use crate::{
    access::Role,
    ids::{AccountId, Anchor, Category, ProducerName, StoreName},
    personal::{Identifier, IdentifierKind, InvalidIdentifier, KindRules, Known, NormalForm},
    replacement::Replacement,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One version of one organization's map.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataMap {
    /// Kinds of identifiers besides the built-in ones, or what is said otherwise of these.
    #[serde(default)]
    pub identifiers: BTreeMap<IdentifierKind, KindRules>,
    /// Values that are nobody, whatever kind of identifier has them: `0`, `guest`.
    #[serde(default)]
    pub nobody: Vec<String>,
    /// The stores that producers name.
    pub stores: BTreeMap<StoreName, Store>,
    /// Logical things and the real tables or buckets behind them, as `store/table`.
    pub anchors: BTreeMap<Anchor, Vec<String>>,
    /// What may hold personal data, in the order written.
    pub producers: Vec<Producer>,
}

impl DataMap {
    /// The producer of this name.
    pub fn producer(&self, name: &ProducerName) -> Option<&Producer> {
        self.producers.iter().find(|p| &p.name == name)
    }

    /// What is said of a kind of identifier; none for one that nobody declared.
    pub fn rules_of(&self, kind: &IdentifierKind) -> Option<KindRules> {
        self.identifiers.get(kind).copied().or_else(|| KindRules::built_in(kind))
    }

    /// Every kind of identifier, the built-in ones first.
    pub fn kinds(&self) -> Vec<IdentifierKind> {
        let declared = self.identifiers.keys().filter(|kind| !kind.is_built_in()).cloned();
        [IdentifierKind::SUBJECT_ID, IdentifierKind::SUBJECT_EMAIL].into_iter().chain(declared).collect()
    }

    /// Whether two identifiers of a kind are two people.
    pub fn tells_apart(&self, kind: &IdentifierKind) -> bool {
        self.rules_of(kind).is_some_and(|rules| rules.unique)
    }

    /// The kinds of which a newer map compares identifiers otherwise, or that it does not know: what was hashed by this map is
    /// not found by that one.
    pub fn compared_otherwise(&self, newer: &DataMap) -> Vec<IdentifierKind> {
        let form = |map: &DataMap, kind: &IdentifierKind| map.rules_of(kind).map(|rules| rules.form);
        self.kinds().into_iter().filter(|kind| form(self, kind) != form(newer, kind)).collect()
    }

    /// The kinds whose identifiers are compared by the controller's country too.
    pub fn compared_by_country(&self) -> Vec<IdentifierKind> {
        self.kinds().into_iter().filter(|kind| self.form_of(kind) == NormalForm::Phone).collect()
    }

    /// An identifier of a kind in both its forms. `country` is the controller's, for phone numbers that name none.
    ///
    /// # Errors
    /// It has no such form.
    pub fn known(&self, kind: &IdentifierKind, given: Identifier, country: &str) -> Result<Known, InvalidIdentifier> {
        let normal = self.form_of(kind).normalize(&given, Some(country))?;
        Ok(Known { kind: kind.clone(), given, normal, also: vec![] })
    }

    /// How identifiers of a kind are compared.
    pub fn form_of(&self, kind: &IdentifierKind) -> NormalForm {
        self.rules_of(kind).map(|rules| rules.form).unwrap_or_default()
    }

    /// Whether an identifier means nobody.
    pub fn is_nobody(&self, known: &Known) -> bool {
        let form = self.form_of(&known.kind);
        self.nobody.iter().any(|word| {
            // Blanks around it make it nobody else.
            let normal = Identifier::parse(word.trim()).ok().and_then(|word| form.normalize(&word, None).ok());
            word.trim() == known.given.expose().trim()
                || normal.is_some_and(|normal| normal.expose() == known.normal.expose().trim())
        })
    }

    /// Every category, once, in the order written.
    pub fn categories(&self) -> Vec<&Category> {
        let mut seen = Vec::new();
        for producer in &self.producers {
            if !seen.contains(&&producer.category) {
                seen.push(&producer.category);
            }
        }
        seen
    }
}

/// One store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    /// Which connector speaks to it.
    pub connector: StoreKind,
    /// The AWS region, where it is not the function's own.
    pub region: Option<String>,
    /// The AWS account that its buckets belong to, where it is not the function's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<AccountId>,
}

/// One kind of data in one store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Producer {
    /// Its name, unique in the map.
    pub name: ProducerName,
    /// What people call it.
    pub category: Category,
    /// Where it lives.
    pub store: StoreName,
    /// Table or bucket, with what the connector needs to address a record.
    pub location: Location,
    /// The fields of its records that are identifiers of the person they are about.
    #[serde(default)]
    pub identifies: BTreeMap<IdentifierKind, String>,
    /// The ways to its records; a record found by two of them counts once.
    pub select: Vec<Selection>,
    /// What erasing one of its records means.
    pub erase: EraseAction,
    /// The places of selections whose finds are shown and not erased, with why.
    #[serde(default)]
    pub show_only: BTreeMap<u16, String>,
    /// What keeps its records, if anything does.
    #[serde(default)]
    pub retention: Duties,
    /// Computed from other data (embeddings, statistics): left out unless the scope includes derived data.
    pub derived: bool,
    /// A copy kept as a backup: left out unless the scope includes backups.
    pub backup: bool,
    /// A log: left out unless the scope includes logs.
    pub log: bool,
    /// What a person is told of it, and shown.
    #[serde(default)]
    pub export: ExportRules,
    /// Anchors this producer deletes.
    pub owns: Vec<Anchor>,
    /// Anchors it inspects to decide whether a record may go: it runs before their owner.
    pub reads_as_discriminator: Vec<Anchor>,
    /// Anchors it only displays: never orders anything.
    pub reads_as_reference: Vec<Anchor>,
}

impl Producer {
    /// The kinds of identifiers that its selections start from.
    pub fn kinds(&self) -> impl Iterator<Item = &IdentifierKind> {
        self.select.iter().filter_map(|selection| match selection.by() {
            SelectBy::Identity(kind) => Some(kind),
            SelectBy::Parent { .. } => None,
        })
    }

    /// Why what a selection finds is shown and not erased, by its place; none where it is erased.
    pub fn shown_only(&self, place: usize) -> Option<&str> {
        match &self.erase {
            EraseAction::ShowOnly { because } => Some(because),
            EraseAction::Delete | EraseAction::Fields(_) => {
                u16::try_from(place).ok().and_then(|place| self.show_only.get(&place)).map(String::as_str)
            }
        }
    }

    /// Whether some of its records are shown and not erased.
    pub fn shows_only_some(&self) -> bool {
        (0..self.select.len()).any(|place| self.shown_only(place).is_some())
    }

    /// Its selections with their places, those that erase first: what two of them find goes by the first.
    pub fn select_in_order(&self) -> impl Iterator<Item = (usize, &Selection)> {
        let all = || self.select.iter().enumerate();
        let (erasing, showing) = (all(), all());
        let erasing = erasing.filter(|(place, _)| self.shown_only(*place).is_none());
        erasing.chain(showing.filter(|(place, _)| self.shown_only(*place).is_some()))
    }

    /// Whether one of its records is found by its own key: it is the one record of a person, as an identifier of these kinds
    /// that tells people apart names it.
    pub fn is_found_by_own_key(&self, map: &DataMap, known: &BTreeSet<IdentifierKind>) -> bool {
        // Of keys that are written in several ways, one says nothing of the others.
        let key = |kind: &IdentifierKind| self.identifies.get(kind).is_some_and(|field| self.location.is_key(field));
        self.kinds().any(|kind| known.contains(kind) && map.tells_apart(kind) && key(kind))
    }

    /// The kinds of identifiers, of those that its records identify, that are or make the whole key of a record.
    pub fn own_kinds(&self) -> impl Iterator<Item = &IdentifierKind> {
        let by_field = self.identifies.iter().filter(|(_, field)| self.location.is_key(field)).map(|(kind, _)| kind);
        let by_template = self.select.iter().filter_map(|selection| match (selection.by(), selection) {
            (SelectBy::Identity(kind), Selection::Items(items)) if self.location.is_whole_key(items) => {
                Some(kind).filter(|kind| self.identifies.contains_key(kind))
            }
            _ => None,
        });
        by_field.chain(by_template)
    }
}

/// What goes into an export, and what Art. 15(1) GDPR has told about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExportRules {
    /// Only these fields, each under its name for people; all of them if none is named.
    pub fields: BTreeMap<String, String>,
    /// Fields about other people: shown as there, without what they say.
    pub mask: Vec<String>,
    /// Only these roles may open an export that holds it; any that may open exports, if none is named.
    pub roles: Vec<Role>,
    /// What it is used for.
    pub purpose: Option<String>,
    /// Art. 6(1) GDPR, in words.
    pub legal_basis: Option<String>,
    /// Where it came from.
    pub source: Option<String>,
    /// Who else gets it.
    pub recipients: Vec<String>,
}

impl ExportRules {
    /// The fields that it names, to be masked or shown, each once.
    pub fn named(&self) -> impl Iterator<Item = &String> {
        self.mask.iter().chain(self.fields.keys().filter(|field| !self.mask.contains(field)))
    }

    /// Those of them that are not among these.
    pub fn not_in<'a>(&'a self, seen: &'a BTreeSet<String>) -> impl Iterator<Item = &'a String> {
        self.named().filter(|field| !seen.contains(*field))
    }
}

/// What erasing a record means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EraseAction {
    /// The record goes.
    Delete,
    /// It is shown in exports, and stays: not by a duty, but because it is not the person's to erase.
    ShowOnly {
        /// Why, in words.
        because: String,
    },
    /// It stays, and these fields of it are to be replaced.
    Fields(BTreeMap<String, Replacement>),
}

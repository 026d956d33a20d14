//! What a map says under `erase`, of fields that are to be replaced, and of what is shown only.

use super::{
    finding::Finding,
    model::{DataMap, EraseAction, ExportRules, Producer},
    selection::{SelectBy, Selection},
    stores::Location,
};
use crate::{personal::IdentifierKind, replacement::Replacement};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{collections::BTreeMap, fmt};

/// What `erase` says: `delete`, `false`, or which fields are to be replaced.
pub(super) enum RawErase {
    Delete,
    Never,
    Fields(BTreeMap<String, Replacement>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawFields {
    fields: BTreeMap<String, Replacement>,
}

impl<'de> Deserialize<'de> for RawErase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = RawErase;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("erase: delete, which it is unless said otherwise, false, or {fields: {name: redaction}}")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<RawErase, E> {
                if word == "delete" { Ok(RawErase::Delete) } else { Err(E::custom(accepted(word))) }
            }

            fn visit_bool<E: Error>(self, word: bool) -> Result<RawErase, E> {
                if word { Err(E::custom(accepted("true"))) } else { Ok(RawErase::Never) }
            }

            fn visit_map<A: MapAccess<'de>>(self, named: A) -> Result<RawErase, A::Error> {
                RawFields::deserialize(MapAccessDeserializer::new(named)).map(|raw| RawErase::Fields(raw.fields))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

fn accepted(word: &str) -> String {
    format!(
        "erase: {word:?} is not known: write delete, which it is unless said otherwise, false, or {{fields: {{name: redaction}}}}"
    )
}

/// What `export` says: rules, or that a producer is there for exports only.
pub(super) enum RawExport {
    Only,
    Rules(ExportRules),
}

impl<'de> Deserialize<'de> for RawExport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = RawExport;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("only, or keys such as fields, mask and purpose")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<RawExport, E> {
                if word == "only" {
                    return Ok(RawExport::Only);
                }
                Err(E::custom(format!("export: {word:?} is not known: write only, or keys such as fields, mask and purpose")))
            }

            fn visit_map<A: MapAccess<'de>>(self, rules: A) -> Result<RawExport, A::Error> {
                ExportRules::deserialize(MapAccessDeserializer::new(rules)).map(RawExport::Rules)
            }
        }
        deserializer.deserialize_any(Either)
    }
}

/// What erasing a producer's records means.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn action(erase: Option<RawErase>, only: bool, because: Option<String>) -> Result<EraseAction, String> {
    match (erase, only) {
        (Some(RawErase::Fields(_)), true) => {
            Err("export: only says that nothing of it is changed, and erase: fields that some is: leave one of them out"
                .to_owned())
        }
        (Some(RawErase::Fields(fields)), false) => unexplained(because).map(|()| EraseAction::Fields(fields)),
        (Some(RawErase::Delete), true) => {
            Err("export: only says that nothing of it is erased, and erase: delete that it is: leave one of them out".to_owned())
        }
        (Some(RawErase::Never), _) | (None, true) => {
            reason(because, "erase: false").map(|because| EraseAction::ShowOnly { because })
        }
        (Some(RawErase::Delete) | None, false) => unexplained(because).map(|()| EraseAction::Delete),
    }
}

fn unexplained(because: Option<String>) -> Result<(), String> {
    match because {
        None => Ok(()),
        Some(_) => Err("because says why something is not erased: it belongs beside erase: false or export: only".to_owned()),
    }
}

/// What of its own a producer goes by, so that no field of it can be replaced.
pub(super) struct GoesBy<'a> {
    pub location: &'a Location,
    pub identifies: &'a BTreeMap<IdentifierKind, String>,
    pub select: &'a [Selection],
}

/// Why fields cannot be replaced where they are, each in words.
pub(super) fn irreplaceable(fields: &BTreeMap<String, Replacement>, by: &GoesBy<'_>) -> Vec<String> {
    if !by.location.has_fields() {
        let text = "erase: fields belong to tables, and an object goes or stays as a whole: write erase: delete, or erase: false \
                    with because";
        return vec![text.to_owned()];
    }
    if fields.is_empty() {
        return vec!["erase: fields: none is named: write {name: redaction}, or erase: delete".to_owned()];
    }
    let wrong = fields.keys().filter_map(|field| {
        if field.split('.').any(|part| part.trim().is_empty()) {
            return Some(format!("erase: fields: {field:?} is no name of a field, nor a path such as address.street"));
        }
        if let Some(parent) = fields.keys().find(|parent| lies_in(field, parent)) {
            return Some(format!("erase: fields: {field} lies in {parent}, which is replaced whole: leave one of them out"));
        }
        let touches = |other: &str| touches(field, other);
        let key = by.location.key_fields().iter().any(|key| touches(key)).then_some("is part of the table's key");
        let version = || by.location.version_field().is_some_and(touches).then_some("is its version_attribute");
        let identifies =
            || by.identifies.values().any(|of| touches(of)).then_some("is an identifier of the person, by identifies");
        let selects = || {
            let telling = by.select.iter().flat_map(Selection::telling_fields).any(touches);
            telling.then_some("is what its records are selected by")
        };
        key.or_else(version).or_else(identifies).or_else(selects).map(|why| not_found_without(field, why))
    });
    wrong.collect()
}

fn not_found_without(field: &str, why: &str) -> String {
    format!("erase: fields: {field} {why}, without which the record is not found again: leave it out, or write erase: delete")
}

/// Whether two fields are one, or one lies in the other.
pub(super) fn touches(field: &str, other: &str) -> bool {
    field == other || lies_in(field, other) || lies_in(other, field)
}

/// What is wrong with fields that are to be replaced, by what others of the map go by; and that they are not replaced yet.
pub(super) fn check_replaced(map: &DataMap, producer: &Producer, at: Option<u64>) -> Vec<Finding> {
    let EraseAction::Fields(fields) = &producer.erase else { return vec![] };
    let mut findings = Vec::new();
    let name = &producer.name;
    for field in fields.keys() {
        let leads = map.producers.iter().find(|child| {
            child.select.iter().any(|way| match way.by() {
                SelectBy::Parent { producer: parent, field: led_by } => {
                    map.with_those_within(parent).contains(&name) && touches(field, led_by)
                }
                SelectBy::Identity(_) => false,
            })
        });
        let duty = || {
            let mut periods = map.duties(producer).into_iter().filter_map(|duty| duty.retention.period);
            periods.any(|period| touches(field, &period.from))
        };
        let why = match leads {
            Some(child) => not_found_without(field, &format!("is what {} is found through", child.name)),
            None if duty() => format!(
                "erase: fields: {field} is the date that a duty is counted from, and without it the record is kept for ever: leave it \
                 out"
            ),
            None => continue,
        };
        findings.push(Finding::refuse(at, format!("producer {name}: {why}")));
    }
    let text = format!(
        "producer {name}: erase: fields: not replaced by this version: {}: its records are found, counted and left as they are, and \
         an erasure that finds some ends completed_with_exceptions",
        Replacement::in_words(fields)
    );
    findings.push(Finding::warn(at, text));
    findings
}

/// Why what a selection finds is not erased; none where it is.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn of_selection(export: Option<String>, because: Option<String>) -> Result<Option<String>, String> {
    match (export.as_deref(), because) {
        (None, None) => Ok(None),
        (None, Some(_)) => Err("select: because says why something is not erased: it belongs beside export: only".to_owned()),
        (Some("only"), because) => reason(because, "export: only").map(Some).map_err(|wrong| format!("select: {wrong}")),
        (Some(word), _) => Err(format!("select: export: {word:?} is not known: write export: only, or leave it out")),
    }
}

fn reason(because: Option<String>, of: &str) -> Result<String, String> {
    let given = because.filter(|because| !because.trim().is_empty());
    given.ok_or_else(|| {
        format!(
            "{of} needs because: why this is shown and not erased, in words for reviewers and certificates. What law keeps \
             belongs under retention"
        )
    })
}

/// Rules that fit where the records are, and each other.
///
/// # Errors
/// What is wrong, in words.
pub(super) fn checked(rules: ExportRules, location: &Location) -> Result<ExportRules, String> {
    let about_fields = !rules.fields.is_empty() || !rules.mask.is_empty();
    if about_fields && !location.has_fields() {
        return Err("export: fields and mask belong to tables; objects go into an export as they are".to_owned());
    }
    let mut names: Vec<&String> = rules.fields.values().collect();
    names.sort();
    if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(format!("export: fields: two fields are named {}: give each a name of its own", twice[0]));
    }
    if let Some(wrong) = rules.named().find(|field| field.split('.').any(|part| part.trim().is_empty())) {
        return Err(format!("export: {wrong:?} is no name of a field, nor a path such as replies.agent"));
    }
    for (place, field) in rules.mask.iter().enumerate() {
        if location.key_fields().contains(field) {
            return Err(format!(
                "export: mask: {field} is part of the table's key, by which records are told apart: leave it out"
            ));
        }
        if rules.mask[..place].contains(field) {
            return Err(format!("export: mask: {field} is written twice"));
        }
        let lies_in = |parent: &&String| lies_in(field, parent);
        if let Some(parent) = rules.mask.iter().find(lies_in) {
            return Err(format!("export: mask: {field} lies in {parent}, which is masked whole: leave one of them out"));
        }
        let shown = |shown: &String| shown == field || self::lies_in(field, shown) || self::lies_in(shown, field);
        if !rules.fields.is_empty() && !rules.fields.keys().any(shown) {
            return Err(format!(
                "export: mask: {field} is none of the fields that are shown, so that nothing is to mask: leave it out"
            ));
        }
    }
    let masked_whole = |field: &String| rules.mask.iter().find(|mask| lies_in(field, mask)).cloned();
    if let Some((field, mask)) = rules.fields.keys().find_map(|field| Some((field, masked_whole(field)?))) {
        return Err(format!(
            "export: fields: {field} lies in {mask}, which is masked whole: mask what else is in it, or leave it out"
        ));
    }
    Ok(rules)
}

fn lies_in(field: &str, parent: &str) -> bool {
    field.strip_prefix(parent).is_some_and(|rest| rest.starts_with('.'))
}

#[cfg(test)]
#[path = "erase_tests.rs"]
mod tests;

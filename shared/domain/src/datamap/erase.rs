//! What a map says under `erase`, and of what is shown only.

use super::{
    model::{EraseAction, ExportRules},
    stores::Location,
};
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::fmt;

/// What `erase` says: `delete`, `false`, or something that is not done yet.
pub(super) enum RawErase {
    Delete,
    Never,
    Fields,
}

impl<'de> Deserialize<'de> for RawErase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = RawErase;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("erase: delete, which it is unless said otherwise, or erase: false")
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<RawErase, E> {
                if word == "delete" { Ok(RawErase::Delete) } else { Err(E::custom(accepted(word))) }
            }

            fn visit_bool<E: Error>(self, word: bool) -> Result<RawErase, E> {
                if word { Err(E::custom(accepted("true"))) } else { Ok(RawErase::Never) }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut named: A) -> Result<RawErase, A::Error> {
                while named.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(RawErase::Fields)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

fn accepted(word: &str) -> String {
    format!("erase: {word:?} is not known: write delete, which it is unless said otherwise, or false")
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
        (Some(RawErase::Fields), _) => {
            let text = "erase: fields are not blanked or replaced yet: a record goes or stays as a whole. Write erase: delete, or \
                        erase: false with because";
            Err(text.to_owned())
        }
        (Some(RawErase::Delete), true) => {
            Err("export: only says that nothing of it is erased, and erase: delete that it is: leave one of them out".to_owned())
        }
        (Some(RawErase::Never), _) | (None, true) => {
            reason(because, "erase: false").map(|because| EraseAction::ShowOnly { because })
        }
        (Some(RawErase::Delete) | None, false) => match because {
            None => Ok(EraseAction::Delete),
            Some(_) => Err("because says why something is not erased: it belongs beside erase: false or export: only".to_owned()),
        },
    }
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

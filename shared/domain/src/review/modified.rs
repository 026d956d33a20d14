//! What a reviewer writes who approves something else than was proposed: a sentence, and one JSON object.

use crate::{
    ids::Category,
    plan::Exclusion,
    written_time::{iso_date, rfc3339},
};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use thiserror::Error;

/// Longest text of the two, in bytes.
pub const LONGEST_MODIFIED_ACTION: usize = 16 * 1024;

/// Most categories, and most exclusions.
const MOST: usize = 100;

/// Longest reason of an exclusion, in characters.
const LONGEST_REASON: usize = 2_000;

/// The field in which it stands.
const FIELD: &str = "modified_action";

const ACCEPTED: &str = "a sentence, then one JSON object of any of scheduled_at, categories, exclude_categories and \
     exclusions, is accepted: Delete only the chats. {\"categories\": [\"chat_history\"]}";

/// Why a modified action is not accepted: where, the reason, and what would be accepted. No value is repeated.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{path}: {reason}; {accepted}")]
pub struct InvalidModifiedAction {
    /// Where, as in `modified_action.categories[0]`.
    pub path: String,
    /// What is wrong.
    pub reason: &'static str,
    /// What would be accepted.
    pub accepted: &'static str,
}

fn refused(path: impl Into<String>, reason: &'static str, accepted: &'static str) -> InvalidModifiedAction {
    InvalidModifiedAction { path: path.into(), reason, accepted }
}

/// A sentence for people and what it means for Oubli.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModifiedAction {
    /// What was written before the object.
    pub sentence: String,
    /// What the object says. Something, always.
    pub modification: Modification,
}

/// What is to be otherwise than it was proposed. What it does not name stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modification {
    /// When it is to begin.
    #[serde(default)]
    pub scheduled_at: Option<Timestamp>,
    /// Only these categories.
    #[serde(default)]
    pub categories: Vec<Category>,
    /// Not these categories.
    #[serde(default)]
    pub exclude_categories: Vec<Category>,
    /// Not these categories either, with the reasons.
    #[serde(default)]
    pub exclusions: Vec<Exclusion>,
}

impl Modification {
    /// Whether everything stays.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl ModifiedAction {
    /// Reads what a reviewer of Oubli's own proposals writes.
    ///
    /// # Errors
    /// There is no sentence, no object, or something after it; the object cannot be read, or says nothing.
    pub fn parse(text: &str) -> Result<Self, InvalidModifiedAction> {
        if text.len() > LONGEST_MODIFIED_ACTION {
            return Err(refused(FIELD, "it is too long", "up to 16384 bytes are accepted"));
        }
        let sentence = Self::sentence(text).to_owned();
        if sentence.is_empty() {
            return Err(refused(FIELD, "no sentence says what is meant", ACCEPTED));
        }
        let Some((_, json, after)) = apart(text) else {
            return Err(refused(FIELD, "no object says what is to be otherwise", ACCEPTED));
        };
        if !after.trim().is_empty() {
            return Err(refused(FIELD, "something follows the object", ACCEPTED));
        }
        let modification = read(json)?;
        if modification.is_empty() {
            return Err(refused(FIELD, "nothing would be otherwise than it was proposed", ACCEPTED));
        }
        Ok(Self { sentence, modification })
    }

    /// What stands before the object, or all of it, where there is none; white space at its ends removed.
    pub fn sentence(text: &str) -> &str {
        apart(text).map_or(text, |(before, ..)| before).trim()
    }

    /// Whether a text holds a JSON object, whatever it says: all from the first `{` to the last `}`, and nothing else where it
    /// begins with one, as clients of others read it.
    pub fn names_an_object(text: &str) -> bool {
        let is_object = |json: &str| serde_json::from_str::<Map<String, Value>>(json).is_ok();
        if text.starts_with('{') { is_object(text) } else { apart(text).is_some_and(|(_, json, _)| is_object(json)) }
    }

    /// What the object in a text says, which reaches from the first `{` to the last `}`; none, where there is no such thing.
    /// Others write whatever they like beside it, and instead of it.
    pub fn object(text: &str) -> Option<Result<Modification, InvalidModifiedAction>> {
        apart(text).map(|(_, json, _)| read(json))
    }
}

/// What stands before the object, the object, and what stands after it.
fn apart(text: &str) -> Option<(&str, &str, &str)> {
    let (first, last) = (text.find('{')?, text.rfind('}')?);
    (first < last).then(|| (&text[..first], &text[first..=last], &text[last + 1..]))
}

/// The object, its values not looked at yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    scheduled_at: Option<Value>,
    categories: Option<Value>,
    exclude_categories: Option<Value>,
    exclusions: Option<Value>,
}

/// One exclusion, its values not looked at yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExclusion {
    category: Option<Value>,
    reason: Option<Value>,
    retention_until: Option<Value>,
}

fn read(json: &str) -> Result<Modification, InvalidModifiedAction> {
    let raw: Raw = serde_json::from_str(json).map_err(|error| misread(&error, FIELD, ACCEPTED))?;
    let scheduled_at = raw.scheduled_at.map(|value| time(&value)).transpose()?;
    let categories = categories(raw.categories.as_ref(), "modified_action.categories")?;
    if raw.categories.is_some() && categories.is_empty() {
        // It must not come to mean all of them.
        return Err(refused(
            "modified_action.categories",
            "it names no category",
            "at least one, or none of this field, is accepted",
        ));
    }
    let exclude_categories = self::categories(raw.exclude_categories.as_ref(), "modified_action.exclude_categories")?;
    if let Some(place) = exclude_categories.iter().position(|category| categories.contains(category)) {
        let (path, reason) = (format!("modified_action.exclude_categories[{place}]"), "categories names it, too");
        return Err(refused(path, reason, "each category in one of the two is accepted"));
    }
    let exclusions = exclusions(raw.exclusions.as_ref())?;
    Ok(Modification { scheduled_at, categories, exclude_categories, exclusions })
}

fn misread(error: &serde_json::Error, path: &str, accepted: &'static str) -> InvalidModifiedAction {
    let message = error.to_string();
    let reason = if message.starts_with("unknown field") {
        "it has a field that there is not"
    } else if message.starts_with("duplicate field") {
        "a field of it is given twice"
    } else {
        "it is not one JSON object"
    };
    refused(path, reason, accepted)
}

fn time(value: &Value) -> Result<Timestamp, InvalidModifiedAction> {
    let accepted = "a time as in RFC 3339 with its offset, such as 2026-01-31T12:00:00Z, is accepted";
    let time = value.as_str().and_then(rfc3339);
    time.ok_or_else(|| refused("modified_action.scheduled_at", "it is not a time with an offset", accepted))
}

fn list<'a>(value: Option<&'a Value>, path: &str) -> Result<&'a [Value], InvalidModifiedAction> {
    match value {
        None => Ok(&[]),
        Some(Value::Array(list)) if list.len() <= MOST => Ok(list),
        Some(Value::Array(_)) => Err(refused(path, "the list is too long", "up to 100 entries are accepted")),
        Some(_) => Err(refused(path, "it is not a list", "a list is accepted")),
    }
}

fn category(value: Option<&Value>, path: &str) -> Result<Category, InvalidModifiedAction> {
    let category = value.and_then(Value::as_str).and_then(|name| name.parse().ok());
    category.ok_or_else(|| refused(path, "it is not the name of a category", "a category of the data map is accepted"))
}

fn categories(value: Option<&Value>, path: &str) -> Result<Vec<Category>, InvalidModifiedAction> {
    let mut categories = Vec::new();
    for (place, name) in list(value, path)?.iter().enumerate() {
        let path = format!("{path}[{place}]");
        let category = category(Some(name), &path)?;
        if categories.contains(&category) {
            return Err(refused(path, "it is named twice", "each category once is accepted"));
        }
        categories.push(category);
    }
    Ok(categories)
}

fn exclusions(value: Option<&Value>) -> Result<Vec<Exclusion>, InvalidModifiedAction> {
    let accepted = "an object of category, reason and, if there is one, retention_until is accepted";
    let mut exclusions: Vec<Exclusion> = Vec::new();
    for (place, value) in list(value, "modified_action.exclusions")?.iter().enumerate() {
        let path = format!("modified_action.exclusions[{place}]");
        if !value.is_object() {
            return Err(refused(path, "it is not an object", accepted));
        }
        let raw = RawExclusion::deserialize(value).map_err(|error| misread(&error, &path, accepted))?;
        let category = category(raw.category.as_ref(), &format!("{path}.category"))?;
        if exclusions.iter().any(|exclusion| exclusion.category == category) {
            return Err(refused(format!("{path}.category"), "it is named twice", "each category once is accepted"));
        }
        let reason = reason(raw.reason.as_ref(), &format!("{path}.reason"))?;
        let retention_until = raw.retention_until.map(|value| date(&value, &format!("{path}.retention_until"))).transpose()?;
        exclusions.push(Exclusion { category, reason, retention_until });
    }
    Ok(exclusions)
}

fn reason(value: Option<&Value>, path: &str) -> Result<String, InvalidModifiedAction> {
    let reason = value.and_then(Value::as_str).map(str::trim);
    let reason = reason.filter(|text| !text.is_empty() && text.chars().count() <= LONGEST_REASON);
    reason.map(str::to_owned).ok_or_else(|| refused(path, "it gives no reason", "a text of 1 to 2000 characters is accepted"))
}

fn date(value: &Value, path: &str) -> Result<Date, InvalidModifiedAction> {
    let date = value.as_str().and_then(iso_date);
    date.ok_or_else(|| refused(path, "it is not a date", "a date such as 2026-01-31 is accepted"))
}

#[cfg(test)]
#[path = "modified_tests.rs"]
mod tests;

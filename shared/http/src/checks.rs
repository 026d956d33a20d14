//! What the shape of the input cannot say: bounds, formats, words. Every field is looked at, so that one answer
//! names everything that is wrong.

use crate::problem::{FieldError, Problem};
use axum::http::StatusCode;
use jiff::{Timestamp, civil::Date};
use oubli_domain::{
    datamap::DataMap,
    ids::{Category, QueryName},
    written_time::{iso_date, rfc3339},
};
use oubli_engine::ProblemCode;

/// Longest free text accepted, in characters.
pub(crate) const MAX_TEXT: usize = 2000;
/// Longest label (a name, a method, a reference) accepted, in characters.
pub(crate) const MAX_LABEL: usize = 200;
/// Longest list accepted.
pub(crate) const MAX_LIST: usize = 100;

/// Fields refused so far.
#[derive(Debug, Default)]
pub(crate) struct Checks(Vec<FieldError>);

impl Checks {
    /// Refuses a field.
    pub fn refuse(&mut self, code: ProblemCode, field: &str, reason: &str, accepted: impl Into<String>) {
        self.0.push(FieldError { field: field.to_owned(), code, reason: reason.to_owned(), accepted: accepted.into() });
    }

    /// Whether every field was accepted.
    ///
    /// # Errors
    /// All that were refused, as one problem.
    pub fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::fields(StatusCode::BAD_REQUEST, self.0)) }
    }

    /// What stands behind every field that was accepted. A field refused leaves `None` behind, so this cannot fail
    /// once [`Checks::finish`] passed.
    ///
    /// # Errors
    /// As [`Checks::finish`].
    pub fn finish_with<T>(self, value: Option<T>) -> Result<T, Problem> {
        self.finish()?;
        value.ok_or_else(|| Problem::fields(StatusCode::BAD_REQUEST, Vec::new()))
    }

    /// A text that says something, white space at its ends removed.
    pub fn text(&mut self, field: &str, value: Option<String>, max: usize) -> Option<String> {
        let value = value?;
        let text = value.trim();
        if text.is_empty() || text.chars().count() > max {
            let reason = if text.is_empty() { "it is empty" } else { "it is too long" };
            self.refuse(ProblemCode::InvalidValue, field, reason, format!("a text of 1 to {max} characters"));
            return None;
        }
        Some(text.to_owned())
    }

    /// A text that must be there.
    pub fn required_text(&mut self, field: &str, value: Option<String>, max: usize) -> Option<String> {
        if value.is_none() {
            self.missing(field, format!("a text of 1 to {max} characters"));
        }
        self.text(field, value, max)
    }

    /// Refuses a field that is not there.
    pub fn missing(&mut self, field: &str, accepted: impl Into<String>) {
        self.refuse(ProblemCode::MissingField, field, "it is missing", accepted);
    }

    /// A point in time, written with its offset.
    pub fn timestamp(&mut self, field: &str, value: Option<&str>) -> Option<Timestamp> {
        let parsed = rfc3339(value?);
        if parsed.is_none() {
            self.refuse(ProblemCode::InvalidDate, field, "it is not a time with an offset", RFC3339);
        }
        parsed
    }

    /// A calendar date.
    pub fn date(&mut self, field: &str, value: Option<&str>) -> Option<Date> {
        let parsed = iso_date(value?);
        if parsed.is_none() {
            self.refuse(ProblemCode::InvalidDate, field, "it is not a date", "a date such as 2026-01-31");
        }
        parsed
    }

    /// One of a few words.
    pub fn word<T>(
        &mut self,
        code: ProblemCode,
        field: &str,
        value: &str,
        parse: fn(&str) -> Option<T>,
        all: &[&str],
    ) -> Option<T> {
        let parsed = parse(value);
        if parsed.is_none() {
            self.refuse(code, field, "there is no such word for it", all.join(", "));
        }
        parsed
    }

    /// A list that is not longer than accepted.
    pub fn bounded<T>(&mut self, field: &str, list: &[T]) -> bool {
        let bounded = list.len() <= MAX_LIST;
        if !bounded {
            self.refuse(ProblemCode::InvalidValue, field, "the list is too long", format!("at most {MAX_LIST} entries"));
        }
        bounded
    }

    /// Categories to narrow something to. A list that names none is refused: it must not come to mean all.
    pub fn narrowing(&mut self, field: &str, names: Option<&[String]>, map: Option<&DataMap>) -> Vec<Category> {
        if names.is_some_and(<[String]>::is_empty) {
            self.refuse(ProblemCode::EmptyScope, field, "it names no category", "at least one category, or the field left out");
        }
        self.categories(field, names.unwrap_or_default(), map)
    }

    /// Names of saved queries.
    pub fn queries(&mut self, field: &str, names: &[String]) -> Vec<QueryName> {
        let mut queries = Vec::new();
        if self.bounded(field, names) {
            for (place, name) in names.iter().enumerate() {
                match name.parse() {
                    Ok(name) if !queries.contains(&name) => queries.push(name),
                    Ok(_) => self.refuse(
                        ProblemCode::InvalidValue,
                        &format!("{field}[{place}]"),
                        "it is named twice",
                        "each query once",
                    ),
                    Err(_) => {
                        let accepted = "short names of saved queries";
                        self.refuse(
                            ProblemCode::UnknownSavedQuery,
                            &format!("{field}[{place}]"),
                            "there is no such query",
                            accepted,
                        );
                    }
                }
            }
        }
        queries
    }

    /// Categories that the data map has, each named once.
    pub fn categories(&mut self, field: &str, names: &[String], map: Option<&DataMap>) -> Vec<Category> {
        if !self.bounded(field, names) {
            return Vec::new();
        }
        let mut categories = Vec::new();
        for (place, name) in names.iter().enumerate() {
            if let Some(category) = self.category(&format!("{field}[{place}]"), name, map) {
                if categories.contains(&category) {
                    self.refuse(
                        ProblemCode::InvalidValue,
                        &format!("{field}[{place}]"),
                        "it is named twice",
                        "each category once",
                    );
                } else {
                    categories.push(category);
                }
            }
        }
        categories
    }

    /// A category that the data map has.
    pub fn category(&mut self, field: &str, name: &str, map: Option<&DataMap>) -> Option<Category> {
        let known = map.map(DataMap::categories).unwrap_or_default();
        let found = known.iter().find(|c| c.as_str() == name).map(|c| (*c).clone());
        if found.is_none() {
            let names: Vec<_> = known.iter().map(|c| c.as_str()).collect();
            let accepted = if names.is_empty() { "none: the data map has no category".to_owned() } else { names.join(", ") };
            self.refuse(ProblemCode::UnknownCategory, field, "the data map has no such category", accepted);
        }
        found
    }
}

const RFC3339: &str = "a time as in RFC 3339 with its offset, such as 2026-01-31T12:00:00Z";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_with_an_offset_are_times() {
        for good in ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.123+02:00", "2026-01-31t12:00:00z"] {
            assert!(rfc3339(good).is_some(), "{good}");
        }
        for bad in [
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-01-31T12:00Z",
            "2026-01-31 12:00:00Z",
            "2026-02-30T12:00:00Z",
            "2026-01-31T12:00:00+02:00[Europe/Paris]",
            "2026-01-31T12:00:00.Z",
            "31.01.2026",
            "yesterday",
            "",
        ] {
            assert!(rfc3339(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn texts_are_bounded() {
        let mut checks = Checks::default();
        assert_eq!(checks.text("a", Some("  yes ".to_owned()), 3).as_deref(), Some("yes"));
        assert_eq!(checks.text("b", Some("é".repeat(4)), 3), None);
        assert_eq!(checks.text("c", Some(" ".to_owned()), 3), None);
        assert_eq!(checks.required_text("d", None, 3), None);
        assert_eq!(checks.0.iter().map(|e| e.field.as_str()).collect::<Vec<_>>(), ["b", "c", "d"]);
    }
}

//! What people decided about earlier drafts.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

/// Why a text is no file of decisions.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{0}")]
pub struct InvalidDecisions(String);

/// What people decided about fields, edges and producers of a draft.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decisions {
    pub(crate) fields: BTreeMap<String, FieldDecision>,
    pub(crate) edges: BTreeMap<String, EdgeDecision>,
    pub(crate) ignored: BTreeMap<String, PlaceDecision>,
}

/// What a field was decided to be, and by which evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldDecision {
    pub personal: bool,
    pub evidence: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EdgeDecision {
    pub evidence: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PlaceDecision {
    pub evidence: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    decisions: Raw,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    fields: BTreeMap<String, OneField>,
    edges: BTreeMap<String, OneEdge>,
    producers: BTreeMap<String, OnePlace>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum OneField {
    Word(String),
    /// What YAML makes of `yes`.
    Truth(bool),
    Known(RawDecision),
}

type OneEdge = OneField;
type OnePlace = OneField;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDecision {
    is: String,
    evidence: Option<String>,
}

impl OneField {
    fn parts(self) -> (String, Option<String>) {
        match self {
            OneField::Word(is) => (is, None),
            OneField::Truth(is) => (is.to_string(), None),
            OneField::Known(RawDecision { is, evidence }) => (is, evidence),
        }
    }
}

impl Decisions {
    /// Reads a file of decisions.
    ///
    /// # Errors
    /// [`InvalidDecisions`], naming what and where.
    pub fn parse(text: &str) -> Result<Self, InvalidDecisions> {
        const SHAPE: &str = "a file of decisions has decisions:, with fields, edges and producers below it; each entry is a word, or \
                             {is: word, evidence: text}";
        let File { decisions } = serde_saphyr::from_str(text).map_err(|e| {
            let location = e.location().map(|at| format!("line {}: ", at.line())).unwrap_or_default();
            InvalidDecisions(format!("{location}{SHAPE}"))
        })?;
        let wrong = |entry: &str, is: &str, accepted: &str| {
            InvalidDecisions(format!("{entry}: {is:?} is not accepted: write {accepted}"))
        };
        let mut read = Self::default();
        for (name, one) in decisions.fields {
            let (is, evidence) = one.parts();
            let personal = match is.as_str() {
                "personal" => true,
                "not_personal" => false,
                _ => return Err(wrong(&format!("fields: {name}"), &is, "personal or not_personal")),
            };
            read.fields.insert(name, FieldDecision { personal, evidence });
        }
        for (name, one) in decisions.edges {
            let (is, evidence) = one.parts();
            if is != "none" {
                return Err(wrong(&format!("edges: {name}"), &is, "none"));
            }
            read.edges.insert(name, EdgeDecision { evidence });
        }
        for (name, one) in decisions.producers {
            let (is, evidence) = one.parts();
            if is != "ignore" {
                return Err(wrong(&format!("producers: {name}"), &is, "ignore"));
            }
            read.ignored.insert(name, PlaceDecision { evidence });
        }
        Ok(read)
    }

    pub(crate) fn refused_edges(&self) -> BTreeSet<String> {
        self.edges.keys().cloned().collect()
    }

    pub(crate) fn ignored_places(&self) -> BTreeSet<String> {
        self.ignored.keys().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_decided_is_read_with_its_evidence_or_without() {
        let text = "decisions:\n  fields:\n    orders.note: {is: personal, evidence: sentences}\n    orders.code: not_personal\n  \
                    edges: {orders.a -> b: none}\n  producers: {tmp: ignore}\n";
        let read = Decisions::parse(text).expect("read");
        assert_eq!(read.fields["orders.note"], FieldDecision { personal: true, evidence: Some("sentences".to_owned()) });
        assert_eq!(read.fields["orders.code"], FieldDecision { personal: false, evidence: None });
        assert!(read.refused_edges().contains("orders.a -> b") && read.ignored_places().contains("tmp"));
    }

    #[test]
    fn a_decision_that_is_none_is_refused_with_what_to_write() {
        for (text, says) in [
            ("decisions: {fields: {a.b: maybe}}", "fields: a.b: \"maybe\" is not accepted: write personal or not_personal"),
            ("decisions: {edges: {a.b -> c: yes}}", "write none"),
            ("decisions: {producers: {tmp: drop}}", "write ignore"),
            ("decisions: {tables: {}}", "with fields, edges and producers"),
            ("fields: {}", "a file of decisions has decisions:"),
        ] {
            let refused = Decisions::parse(text).expect_err("refused").to_string();
            assert!(refused.contains(says), "{refused}");
        }
    }
}

//! What an export says of itself: `manifest.json`, the last file of the archive.

pub use crate::objects::ObjectFacts;
use crate::zip::Entry;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The manifest's format.
pub const FORMAT: &str = "oubli-export/v1";

/// The manifest's name in the archive.
pub const MANIFEST: &str = "manifest.json";

/// What an export holds and what it lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// [`FORMAT`].
    pub format: String,
    /// The export request.
    pub export_id: String,
    /// Who holds the data, by name.
    pub controller: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When the data was read.
    pub collected_at: Timestamp,
    /// Every record found is in it, and everything asked for was searched by all that leads to it.
    pub complete: bool,
    /// What is in it, by producer.
    pub parts: Vec<Part>,
    /// Searched, with nothing found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub searched: Vec<Searched>,
    /// Removed by an erasure, with copies that are not destroyed yet and not in the archive.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hidden: Vec<Hidden>,
    /// Records of the person were found that are in no part of it, since their kind was not asked for: what was asked for is
    /// found through them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub withheld: bool,
    /// Left out by a reviewer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// What saved queries found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// What was not searched, or only in part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unsearched: Vec<NotSearched>,
    /// Identifiers that may be the person's and that nothing was searched by: the kind, and why, as one word.
    #[serde(default)]
    pub not_searched_by: Vec<(String, String)>,
    /// There may be more identifiers of the person than were found.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub identifiers_incomplete: bool,
    /// Records that could not be read, at most [`MOST_MISSING`] of them.
    pub missing: Vec<Missing>,
}

/// Most records listed as missing; the counts are of all.
pub const MOST_MISSING: usize = 1_000;

/// A kind of records that was not searched, or only in part: nothing found there says nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotSearched {
    /// What people call it.
    pub category: String,
    /// The kind.
    pub producer: String,
    /// Why, as one word.
    pub reason: String,
    /// It was searched, though not by everything that leads to it.
    pub by_part: bool,
}

/// A kind of records that a reviewer left out of the archive, whatever was found of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// What people call it.
    pub category: String,
    /// The kind.
    pub producer: String,
}

/// A kind of records that was searched, and nothing was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Searched {
    /// What people call it.
    pub category: String,
    /// The kind.
    pub producer: String,
}

/// Records that an erasure removed, and of which a copy is still kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hidden {
    /// The erasure.
    pub request_id: String,
    /// What people call them.
    pub category: String,
    /// How many.
    pub records: u64,
    /// Until when they can be put back; none of what cannot be any more, and is not destroyed yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Records of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// What people call it.
    pub category: String,
    /// The kind.
    pub producer: String,
    /// Where its files are: `data/…` or `objects/…`.
    pub folder: String,
    /// Tables in it, each as JSON and for spreadsheets; none of objects.
    #[serde(default)]
    pub tables: u32,
    /// Pages that show it.
    #[serde(default)]
    pub pages: u32,
    /// Records in the archive.
    pub records: u64,
    /// Records that discovery found.
    pub found: u64,
    /// Of these, gone or somebody else's by the time they were read.
    pub gone: u64,
    /// Of these, not to be read.
    pub missing: u64,
    /// Fields that are about other people, and masked; those that some record here has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub masked: Vec<String>,
    /// Fields that the data map masks or names, and that no record here has: perhaps they are called otherwise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields_not_found: Vec<String>,
    /// Art. 15(1) GDPR.
    #[serde(flatten)]
    pub about: About,
}

/// What a saved query of the organization's found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The query.
    pub query: String,
    /// What it belongs to.
    pub category: String,
    /// What it shows, in the organization's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its table.
    pub file: Option<String>,
    /// Rows of its table.
    pub rows: u64,
    /// Files of its table, the first included, where one is not enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<u32>,
    /// Why there is none, or why some of it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

impl Answer {
    /// The files of its table, in their order.
    pub fn names(&self) -> Vec<String> {
        let Some(first) = &self.file else { return vec![] };
        (1..=self.files.unwrap_or(1)).map(|number| numbered(first, number)).collect()
    }
}

/// What the file of this number, from 1, is called of a table of a saved query, by the name of its first.
pub fn numbered(first: &str, number: u32) -> String {
    match first.rsplit_once('.') {
        Some((stem, ending)) if number > 1 => format!("{stem}-{number:04}.{ending}"),
        _ => first.to_owned(),
    }
}

/// What Art. 15(1) GDPR asks for besides the data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// What it is used for: (a).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Art. 6(1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_basis: Option<String>,
    /// Where it came from: (g).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Who else gets it: (c).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recipients: Vec<String>,
    /// Why it is kept, and for how long: (d).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duties: Vec<Duty>,
    /// It is kept as long as what it belongs to, besides.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub kept_with_parent: bool,
}

/// A duty to keep records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duty {
    /// Why, in the organization's words.
    pub reason: String,
    /// For how long; none where no end is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
}

/// How long records are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Period {
    /// Calendar years.
    pub years: u16,
    /// Calendar months, besides.
    pub months: u16,
    /// Days, besides.
    pub days: u16,
    /// The field with the date that it is counted from, by its name for people where it has one.
    pub from: String,
    /// It begins with the end of the year of that date.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_end_of_year: bool,
    /// It begins with the end of the financial year of that date, which ends on this day: `06-30`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_end_of_fiscal_year: Option<String>,
}

/// A record that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The kind.
    pub producer: String,
    /// Its key in its store.
    pub record: serde_json::Value,
    /// Why, in words.
    pub reason: String,
}

/// A manifest as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Manifest {
    /// What it says.
    #[serde(flatten)]
    pub summary: Summary,
    /// Every other file of the archive.
    pub files: Vec<Listed>,
}

/// A file in a manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Its name in the archive.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
    /// Records in it.
    pub records: u64,
    /// The object it is a copy of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<ObjectFacts>,
}

impl Summary {
    /// Whether nothing was found, nothing of it was left out or not asked for, and nothing removed is kept.
    pub fn is_of_nothing(&self) -> bool {
        let lists = self.parts.is_empty() && self.answers.is_empty() && self.left_out.is_empty() && self.hidden.is_empty();
        lists && !self.withheld
    }
}

impl From<&Entry> for Listed {
    fn from(entry: &Entry) -> Self {
        let Entry { name, bytes, sha256, records, object, .. } = entry.clone();
        Self { name, bytes, sha256, records, object }
    }
}

/// The beginning of a manifest; its files follow, a line each.
pub fn begin(summary: &Summary) -> String {
    let text = serde_json::to_string_pretty(summary).unwrap_or_default();
    format!("{},\n  \"files\": [", text.trim_end_matches('}').trim_end())
}

/// A file's line.
pub fn file(entry: &Entry, first: bool) -> String {
    let line = serde_json::to_string(&Listed::from(entry)).unwrap_or_default();
    format!("{}\n    {line}", if first { "" } else { "," })
}

/// The end of a manifest.
pub const END: &str = "\n  ]\n}\n";

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn summary() -> Summary {
        Summary {
            format: FORMAT.to_owned(),
            export_id: "req_1".to_owned(),
            controller: "Demo <Shop>".to_owned(),
            requested_at: Timestamp::UNIX_EPOCH,
            collected_at: Timestamp::UNIX_EPOCH,
            complete: false,
            parts: vec![Part {
                category: "chat_history".to_owned(),
                producer: "chat-messages".to_owned(),
                folder: "data/chat_history".to_owned(),
                tables: 1,
                pages: 1,
                records: 2,
                found: 4,
                gone: 1,
                missing: 1,
                masked: vec!["agent".to_owned()],
                fields_not_found: vec![],
                about: About {
                    purpose: Some("Support".to_owned()),
                    recipients: vec!["Helpdesk Ltd".to_owned()],
                    duties: vec![Duty {
                        reason: "Messages are kept".to_owned(),
                        period: Some(Period { years: 2, months: 1, from: "sent_at".to_owned(), ..Period::default() }),
                    }],
                    kept_with_parent: true,
                    ..About::default()
                },
            }],
            searched: vec![Searched { category: "invoices".to_owned(), producer: "invoices".to_owned() }],
            hidden: vec![Hidden {
                request_id: "req_2".to_owned(),
                category: "profile".to_owned(),
                records: 1_234,
                until: Some(Timestamp::UNIX_EPOCH),
            }],
            withheld: false,
            left_out: vec![LeftOut { category: "notes".to_owned(), producer: "staff-notes".to_owned() }],
            answers: vec![Answer {
                query: "logins".to_owned(),
                category: "profile".to_owned(),
                description: Some("When you <signed in>".to_owned()),
                file: Some("queries/shop_logins_20261121T120000Z.csv".to_owned()),
                rows: 3,
                files: None,
                failed: None,
            }],
            unsearched: vec![NotSearched {
                category: "order_history".to_owned(),
                producer: "orders".to_owned(),
                reason: "no_identifier".to_owned(),
                by_part: false,
            }],
            not_searched_by: vec![("subject_email".to_owned(), "shared".to_owned())],
            identifiers_incomplete: true,
            missing: vec![Missing {
                producer: "chat-messages".to_owned(),
                record: serde_json::json!({ "id": "7" }),
                reason: "AccessDenied".to_owned(),
            }],
        }
    }

    #[test]
    fn a_manifest_written_line_by_line_reads_back() {
        let entry = |name: &str| Entry {
            name: name.to_owned(),
            bytes: 3,
            sha256: "ab".to_owned(),
            records: 5,
            object: Some(ObjectFacts { key: "u/\"1\"".to_owned(), current: Some(true), ..ObjectFacts::default() }),
            ..Entry::default()
        };
        for names in [vec![], vec!["a"], vec!["a", "b\"c"]] {
            let lines = names.iter().enumerate().map(|(n, name)| file(&entry(name), n == 0));
            let text = format!("{}{}{END}", begin(&summary()), lines.collect::<String>());
            let manifest: Manifest = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
            assert_eq!(manifest.summary, summary());
            assert_eq!(manifest.files.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), names);
        }
    }
}

//! What a store promises for a producer, and the words in which a reviewer reads what it cannot promise.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What a store promises for a producer: facts, and what to mind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// How it hides.
    pub hide: HideMethod,
    /// What it compares before it deletes.
    pub conditional_delete: ConditionalDelete,
    /// What becomes of a record's old versions.
    pub old_versions: OldVersions,
    /// How soon what was written is found.
    pub listing: Listing,
    /// What its records are.
    pub records: RecordKind,
    /// What a reviewer should know.
    pub cautions: Vec<Caution>,
}

/// How a store hides records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HideMethod {
    /// Encrypted copies in Oubli's vault, then conditional deletion.
    Vault,
    /// The store's own reversible delete.
    Native,
}

/// What a store compares, in the call that deletes, with what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConditionalDelete {
    /// A version that every write changes.
    Version,
    /// The record itself, attribute by attribute.
    Attributes,
}

/// What becomes of a record's old versions when it is written or deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OldVersions {
    /// There are none.
    None,
    /// They stay, each a record of its own.
    Kept,
    /// Those of earlier stay, newer ones replace one another.
    Suspended,
}

/// How soon a search finds what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// At once.
    Consistent,
    /// After a while.
    Lagging,
}

/// What a store's records are, for whoever counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// Rows, items, objects.
    Document,
    /// Embeddings.
    Vector,
}

/// Something that a store cannot promise, and that a reviewer reads before approving.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caution {
    /// An index has a sort key, and holds no item without it.
    IndexLeavesOut {
        /// The index.
        index: String,
        /// Its sort key.
        sort_key: String,
    },
    /// Records are compared attribute by attribute, since the data map names no version attribute.
    NoVersionAttribute,
    /// A global table: other Regions write to it, too.
    WrittenInOtherRegions,
    /// Versioning is suspended: old versions cannot be put back.
    VersioningSuspended,
    /// A lifecycle rule drops old versions.
    OldVersionsDropped {
        /// After so many days.
        days: u32,
    },
}

impl Capabilities {
    /// The cautions in words, as plans keep them.
    pub fn words(&self) -> Vec<String> {
        self.cautions.iter().map(Caution::to_string).collect()
    }
}

impl fmt::Display for Caution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Caution::IndexLeavesOut { index, sort_key } => {
                write!(f, "index {index} leaves out items that have no `{sort_key}`: they cannot be found through it")
            }
            Caution::NoVersionAttribute => f.write_str(
                "no version_attribute is declared: items are compared attribute by attribute, and an attribute that an \
                 application adds in the instant of the deletion is lost if the worker dies in that same instant",
            ),
            Caution::WrittenInOtherRegions => f.write_str(
                "it is a global table: a write in another Region at the same moment may go unnoticed or bring an item back",
            ),
            Caution::VersioningSuspended => f.write_str(
                "versioning is suspended: only the current version of an object can be restored, and removing it may show an \
                 older one for an instant; turn versioning on to have all of them restored",
            ),
            Caution::OldVersionsDropped { days } => write!(
                f,
                "a lifecycle rule drops old versions after {days} days, also those that a hold was placed on after they were \
                 hidden"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cautions_keep_the_words_that_plan_digests_cover() {
        let said = [
            (
                Caution::IndexLeavesOut { index: "by_email".to_owned(), sort_key: "at".to_owned() },
                "index by_email leaves out items that have no `at`: they cannot be found through it",
            ),
            (
                Caution::NoVersionAttribute,
                "no version_attribute is declared: items are compared attribute by attribute, and an attribute that an application adds in the instant of the deletion is lost if the worker dies in that same instant",
            ),
            (
                Caution::WrittenInOtherRegions,
                "it is a global table: a write in another Region at the same moment may go unnoticed or bring an item back",
            ),
            (
                Caution::VersioningSuspended,
                "versioning is suspended: only the current version of an object can be restored, and removing it may show an older one for an instant; turn versioning on to have all of them restored",
            ),
            (
                Caution::OldVersionsDropped { days: 7 },
                "a lifecycle rule drops old versions after 7 days, also those that a hold was placed on after they were hidden",
            ),
        ];
        for (caution, words) in said {
            assert_eq!(caution.to_string(), words);
        }
    }
}

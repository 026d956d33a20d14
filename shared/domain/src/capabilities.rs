//! What a store promises for a producer, and the words in which a reviewer reads what it cannot promise.

use crate::datamap::{DataMap, Producer};
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
    /// They are uploads that nobody finished.
    UnfinishedUploads,
    /// A table is read as a whole.
    Scanned {
        /// For this attribute.
        attribute: String,
        /// About so many items are in it.
        items: u64,
        /// Read units that takes, each time.
        read_units: u64,
        /// It is allowed to be read as a whole.
        enough: bool,
    },
    /// Every key that begins so is listed.
    Listed {
        /// What they begin with.
        head: String,
        /// So many were counted.
        keys: u64,
        /// There are more.
        more: bool,
        /// As many may be listed.
        max_keys: u64,
    },
    /// Objects are replicated to another bucket.
    ReplicatedTo {
        /// Which.
        bucket: String,
    },
    /// Inventories in another bucket list its objects.
    InventoriedIn {
        /// Which.
        bucket: String,
    },
    /// Access logs in another bucket name its objects.
    LoggedIn {
        /// Which.
        bucket: String,
    },
    /// A lifecycle rule moves objects to an archive.
    Archived {
        /// After so many days.
        days: u32,
    },
    /// The store did not say where else its records are.
    NotAsked {
        /// What was asked.
        what: Asked,
        /// An error code.
        reason: String,
    },
}

/// What a bucket is asked about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Where it is replicated to.
    Replication,
    /// Where its inventories are.
    Inventories,
    /// Where its access logs are.
    AccessLogs,
}

impl Asked {
    /// In words, with what whoever asks must be allowed.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Asked::Replication => ("whether it is replicated to another bucket", "s3:GetReplicationConfiguration"),
            Asked::Inventories => ("whether inventories list its objects in another bucket", "s3:GetInventoryConfiguration"),
            Asked::AccessLogs => ("whether access logs in another bucket name its objects", "s3:GetBucketLogging"),
        }
    }
}

impl Capabilities {
    /// The cautions in words, as plans keep them. Copies in another bucket are searched where producers of the map look there
    /// by the same selections: nothing has to be said of them. Inventories and access logs name keys, and no selection finds them.
    pub fn words(&self, producer: &Producer, map: &DataMap) -> Vec<String> {
        let own = producer.location.name();
        let searched = |bucket: &str| {
            let there = || map.declared().filter(move |p| p.location.is_named_worldwide() && p.location.name() == bucket);
            bucket != own && producer.select.iter().all(|way| there().any(|p| p.select.contains(way)))
        };
        let is_searched = |caution: &&Caution| matches!(caution, Caution::ReplicatedTo { bucket } if searched(bucket));
        self.cautions.iter().filter(|caution| !is_searched(caution)).map(Caution::to_string).collect()
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
            Caution::UnfinishedUploads => f.write_str(
                "these are uploads that nobody finished: nobody can read, show or copy them. They stay as they are until the \
                 recovery window ends, are then aborted for good, and can be finished until then by whoever began them",
            ),
            Caution::Scanned { attribute, items, read_units, enough } => {
                let enough = if *enough { "" } else { ". That is more than scan allows: it will count as not searched" };
                write!(
                    f,
                    "the whole table is read for `{attribute}` each time somebody is looked for, about {items} items and \
                     {read_units} read units, and once for each identifier and spelling of it; scan bounds all of them together: an \
                     index on `{attribute}` would save that{enough}"
                )
            }
            Caution::Listed { head, keys, more, max_keys } => {
                let many = if *more { format!("{keys} and more") } else { keys.to_string() };
                write!(
                    f,
                    "every key under {head} is listed each time somebody is looked for, {many} of at most {max_keys}, and once for \
                     each identifier and spelling of it; list bounds all of them together: keys that begin with the identity, or \
                     records that name them, would save that"
                )
            }
            Caution::ReplicatedTo { bucket } => write!(
                f,
                "its objects are or were replicated to bucket {bucket}, where what is destroyed here stays: replication passes on no \
                 deletion of a version. Declare {bucket} in the data map, with the same selections, or erase there by hand"
            ),
            Caution::InventoriedIn { bucket } => write!(
                f,
                "inventories in bucket {bucket} list the keys of its objects, and go on doing so: let a lifecycle rule drop \
                 them"
            ),
            Caution::LoggedIn { bucket } => write!(
                f,
                "access logs in bucket {bucket} name the keys of its objects and who asked for them, and stay: let a \
                 lifecycle rule drop them"
            ),
            Caution::Archived { days } => write!(
                f,
                "a lifecycle rule moves objects to an archive after {days} days: from there they can be neither copied nor \
                 erased until somebody restores them, and are flagged"
            ),
            Caution::NotAsked { what, reason } => {
                let (words, right) = what.words();
                write!(f, "{words} could not be asked ({reason}): allow the deployment's role {right}, or look yourself")
            }
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
            (
                Caution::Scanned { attribute: "email".to_owned(), items: 90, read_units: 12, enough: true },
                "the whole table is read for `email` each time somebody is looked for, about 90 items and 12 read units, and once for each identifier and spelling of it; scan bounds all of them together: an index on `email` would save that",
            ),
            (
                Caution::Scanned { attribute: "email".to_owned(), items: 90, read_units: 12, enough: false },
                "the whole table is read for `email` each time somebody is looked for, about 90 items and 12 read units, and once for each identifier and spelling of it; scan bounds all of them together: an index on `email` would save that. That is more than scan allows: it will count as not searched",
            ),
            (
                Caution::Listed { head: "logs/".to_owned(), keys: 1_000, more: true, max_keys: 50_000 },
                "every key under logs/ is listed each time somebody is looked for, 1000 and more of at most 50000, and once for each identifier and spelling of it; list bounds all of them together: keys that begin with the identity, or records that name them, would save that",
            ),
            (
                Caution::ReplicatedTo { bucket: "copies".to_owned() },
                "its objects are or were replicated to bucket copies, where what is destroyed here stays: replication passes on no deletion of a version. Declare copies in the data map, with the same selections, or erase there by hand",
            ),
            (
                Caution::InventoriedIn { bucket: "lists".to_owned() },
                "inventories in bucket lists list the keys of its objects, and go on doing so: let a lifecycle rule drop them",
            ),
            (
                Caution::LoggedIn { bucket: "logs".to_owned() },
                "access logs in bucket logs name the keys of its objects and who asked for them, and stay: let a lifecycle rule drop them",
            ),
            (
                Caution::Archived { days: 90 },
                "a lifecycle rule moves objects to an archive after 90 days: from there they can be neither copied nor erased until somebody restores them, and are flagged",
            ),
            (
                Caution::NotAsked { what: Asked::AccessLogs, reason: "AccessDenied".to_owned() },
                "whether access logs in another bucket name its objects could not be asked (AccessDenied): allow the deployment's role s3:GetBucketLogging, or look yourself",
            ),
            (
                Caution::UnfinishedUploads,
                "these are uploads that nobody finished: nobody can read, show or copy them. They stay as they are until the recovery window ends, are then aborted for good, and can be finished until then by whoever began them",
            ),
        ];
        for (caution, words) in said {
            assert_eq!(caution.to_string(), words);
        }
    }

    #[test]
    fn p3_another_bucket_is_spoken_of_unless_copies_there_are_found_by_the_same_selections() {
        let producer = |bucket: &str, prefixes: &[&str]| {
            let ways: Vec<_> = prefixes.iter().map(|prefix| format!("{{by: subject_id, prefix: '{prefix}/{{}}/'}}")).collect();
            format!("  - {{name: {bucket}, category: c, store: s, bucket: {bucket}, select: [{}]}}\n", ways.join(", "))
        };
        let files = producer("files", &["u", "v"]);
        let with = |copies: &str| {
            let text = format!("version: 1\nstores: {{s: {{connector: s3}}}}\nproducers:\n{files}{copies}");
            crate::datamap::parse(&text).expect("a map").0
        };
        let copies = producer("copies", &["u", "v", "w"]);
        let map = |n: usize| with(if n > 1 { &copies } else { "" });
        let to = |bucket: &str| Caution::ReplicatedTo { bucket: bucket.to_owned() };
        let said = |map: &DataMap, caution: Caution| {
            let capabilities = Capabilities {
                hide: HideMethod::Native,
                conditional_delete: ConditionalDelete::Version,
                old_versions: OldVersions::Kept,
                listing: Listing::Consistent,
                records: RecordKind::Document,
                cautions: vec![caution],
            };
            capabilities.words(&map.producers[0], map).len()
        };
        assert_eq!((said(&map(1), to("copies")), said(&map(2), to("copies"))), (1, 0));
        for part in [&["u"][..], &["x"], &["v", "x"]] {
            assert_eq!(said(&with(&producer("copies", part)), to("copies")), 1, "{part:?} finds not all of them");
        }
        for names in [Caution::InventoriedIn { bucket: "copies".to_owned() }, Caution::LoggedIn { bucket: "copies".to_owned() }] {
            assert_eq!(said(&map(2), names), 1, "no selection finds what is in a list or a log");
        }
        // What a bucket sends to itself is under other keys than its producer's.
        assert_eq!((said(&map(2), to("files")), said(&map(2), Caution::VersioningSuspended)), (1, 1));
    }
}

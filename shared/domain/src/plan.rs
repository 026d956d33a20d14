//! What will be done: the plan a reviewer approves, by its digest.

use crate::{
    asking::Unasked,
    ids::{ActorId, Category, HoldId, ProducerName},
    personal::{Ambiguity, IdentifierKind, Origin, Person, Standing},
    replacement::Replacement,
};
use data_encoding::HEXLOWER;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fmt};

/// The SHA-256 of a plan, written `sha256:…`.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlanDigest(String);

impl fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PlanDigest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.strip_prefix("sha256:") {
            Some(hex) if hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) => {
                Ok(Self(text))
            }
            _ => Err("a plan digest is sha256: and 64 lower-case hexadecimal digits"),
        }
    }
}

impl From<PlanDigest> for String {
    fn from(digest: PlanDigest) -> String {
        digest.0
    }
}

/// A plan: what goes, what stays and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The round of discovery it came from, from 1.
    pub round: u32,
    /// The version of the data map it was made by.
    pub map_version: u64,
    /// When discovery began: what was written later is not in it.
    pub discovered_at: Timestamp,
    /// What goes, in order.
    pub steps: Vec<PlannedStep>,
    /// What stays.
    pub kept: Vec<Kept>,
    /// What was not looked at, or only in part.
    #[serde(default)]
    pub unsearched: Vec<Unsearched>,
    /// Saved queries of an export's scope that are not asked, or not by everything.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unasked: Vec<Unasked>,
    /// What a reviewer should know about the stores.
    pub cautions: Vec<String>,
    /// By which identifiers the person is known, those that were given first.
    #[serde(default)]
    pub identifiers: Vec<PlannedIdentifier>,
    /// There may be more identifiers: the search for them went past what it is bound to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub identifiers_incomplete: bool,
}

/// An identifier that a plan was made by, without its value: the request keeps that under its own key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedIdentifier {
    /// What the plan calls it: `i1`, `i2`.
    pub label: String,
    /// Its kind.
    pub kind: IdentifierKind,
    /// The commitment to it under the request's opening, so that an approval is about this one and no other.
    pub commitment: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Whether records are found by it.
    pub standing: Standing,
    /// Somebody named it for this request.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub named: bool,
}

impl PlannedIdentifier {
    /// What an approval acknowledges when there may be more identifiers than were found.
    pub const INCOMPLETE: &'static str = "identifiers_incomplete";

    /// What the identifier at this place is called.
    pub fn label(place: usize) -> String {
        format!("i{}", place + 1)
    }

    /// Whether a word stands for an identifier, or for those that were not found, where an approval acknowledges them.
    pub fn means_identifiers(word: &str) -> bool {
        let place = word.strip_prefix('i').unwrap_or_default();
        word == Self::INCOMPLETE || (!place.is_empty() && place.bytes().all(|b| b.is_ascii_digit()))
    }

    /// Those of a person, with the commitments to them in the same order.
    pub fn of(person: &Person, commitments: &[String]) -> Vec<Self> {
        let identifiers = person.identifiers.iter().zip(commitments).enumerate();
        let planned = identifiers.map(|(place, (resolved, commitment))| Self {
            label: Self::label(place),
            kind: resolved.known.kind.clone(),
            commitment: commitment.clone(),
            origin: resolved.origin.clone(),
            standing: resolved.standing,
            named: resolved.named,
        });
        planned.collect()
    }
}

/// A producer that was not looked at, or only in part: nothing found there says nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unsearched {
    /// The producer.
    pub producer: ProducerName,
    /// Its category.
    pub category: Category,
    /// Why.
    pub why: UnsearchedBecause,
}

/// Why a producer was not looked at, or only in part.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum UnsearchedBecause {
    /// None of its selections starts from an identifier that is known.
    NoIdentifier,
    /// Some of its selections start from an identifier that is not known: records that only these lead to were missed.
    SomeIdentifiers,
    /// The request leaves copies of this kind out.
    LeftOutCopies {
        /// Which.
        which: Copies,
    },
    /// The request does not ask for its category.
    NotAsked,
    /// Its store or table could not be searched.
    Unusable {
        /// What the store said.
        reason: String,
    },
    /// A value that leads to some of its records could not be used.
    Identifier {
        /// What is wrong with it, without the value.
        reason: String,
    },
}

/// Copies that a request can leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Copies {
    /// Producers that the map marks `backup`.
    Backups,
    /// Producers that it marks `log`.
    Logs,
    /// Producers that it marks `derived`.
    Derived,
}

impl UnsearchedBecause {
    /// Why, as one word: in the log, in certificates and in answers.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoIdentifier => "no_identifier",
            Self::SomeIdentifiers => "some_identifiers",
            Self::LeftOutCopies { which: Copies::Backups } => "backups_left_out",
            Self::LeftOutCopies { which: Copies::Logs } => "logs_left_out",
            Self::LeftOutCopies { which: Copies::Derived } => "derived_left_out",
            Self::NotAsked => "not_asked",
            Self::Unusable { .. } => "unusable",
            Self::Identifier { .. } => "unusable_identifier",
        }
    }

    /// Whether it was looked at, though not by everything that leads to it.
    pub const fn by_part(&self) -> bool {
        matches!(self, Self::SomeIdentifiers | Self::Identifier { .. })
    }

    /// Whether whoever asked chose it so. Any other reason is a gap that nobody chose.
    pub const fn chosen(&self) -> bool {
        matches!(self, Self::LeftOutCopies { .. } | Self::NotAsked)
    }
}

/// One producer's records that go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The producer.
    pub producer: ProducerName,
    /// Its category.
    pub category: Category,
    /// Manifest parts.
    pub batches: u32,
    /// Records in them that go.
    pub records: u64,
    /// Their size.
    pub bytes: u64,
    /// The parts' SHA-256, chained in order.
    pub parts_digest: String,
    /// Of the records, those that only an identifier led to which was not given, by its label.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub found_through: BTreeMap<String, u64>,
    /// Of the records, in a later round, those that no earlier one found, or that it kept: written since, perhaps by a person who
    /// came back, or there all the while, where an index lagged, a look-up failed or a bound was reached.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub found_late: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// Records that stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The producer.
    pub producer: ProducerName,
    /// Its category.
    pub category: Category,
    /// How many.
    pub records: u64,
    /// Their size.
    pub bytes: u64,
    /// Why.
    pub why: KeptBecause,
}

/// Why records stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum KeptBecause {
    /// A retention duty of the data map.
    Retention {
        /// The duty in words.
        reason: String,
        /// The last of their dates; none: without end.
        until: Option<Date>,
    },
    /// What they are found through stays, and the data map keeps them as long.
    WithParent {
        /// The producer of what stays.
        producer: ProducerName,
        /// Why that stays, in words.
        reason: String,
        /// The last of its dates; none: without end, or not known.
        until: Option<Date>,
    },
    /// The data map has them shown and not erased. No duty keeps them.
    ExportOnly {
        /// Why, in its words.
        reason: String,
    },
    /// The data map has fields of them replaced, which this version does not do. Nothing of them was changed.
    FieldsNotReplaced {
        /// Which, and by what.
        fields: BTreeMap<String, Replacement>,
    },
    /// The store forbids it until a date (Object Lock).
    Locked {
        /// The last of their dates; none: without end.
        until: Option<Date>,
    },
    /// A legal hold.
    Hold {
        /// Which.
        hold: HoldId,
    },
    /// The request leaves the category out.
    OutOfScope,
    /// The reviewer left it out; the reason is kept sealed with the decision.
    Excluded {
        /// Until when.
        until: Option<Date>,
    },
    /// A person had it restored.
    Restored,
    /// They are larger than one worker can copy to the vault in its time.
    TooLarge {
        /// The most that it can, in bytes.
        limit: u64,
    },
    /// A shared or mistaken identifier led to them, and by their own words they are about somebody else.
    AnotherPerson,
    /// Two rounds could not hide or destroy them: their store refused, somebody undid it, or what they may have to stay with
    /// could not be read. They are flagged for a person, and what is flagged is not asked for again without end.
    Refused,
    /// They were found once an earlier round had been destroyed, and their own was cancelled, by a person or by policy,
    /// before they were hidden.
    Cancelled,
}

impl KeptBecause {
    /// Why, as one word: in the log, in certificates and in answers.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Retention { .. } => "retention",
            Self::WithParent { .. } => "with_parent",
            Self::ExportOnly { .. } => "export_only",
            Self::FieldsNotReplaced { .. } => "fields_not_replaced",
            Self::Locked { .. } => "locked",
            Self::Hold { .. } => "legal_hold",
            Self::OutOfScope => "out_of_scope",
            Self::Excluded { .. } => "excluded_by_reviewer",
            Self::Restored => "restored",
            Self::TooLarge { .. } => "too_large",
            Self::AnotherPerson => "another_person",
            Self::Refused => "refused",
            Self::Cancelled => "cancelled",
        }
    }

    /// Until when, where that is known.
    pub const fn until(&self) -> Option<Date> {
        match self {
            Self::Retention { until, .. }
            | Self::WithParent { until, .. }
            | Self::Locked { until }
            | Self::Excluded { until } => *until,
            Self::Hold { .. }
            | Self::ExportOnly { .. }
            | Self::FieldsNotReplaced { .. }
            | Self::OutOfScope
            | Self::Restored
            | Self::TooLarge { .. }
            | Self::AnotherPerson
            | Self::Refused
            | Self::Cancelled => None,
        }
    }

    /// Why, in words, where there are more than the one.
    pub fn words(&self) -> Option<String> {
        match self {
            Self::AnotherPerson => Some("by their own words about somebody else".to_owned()),
            Self::Cancelled => Some("found late, and their erasure was cancelled".to_owned()),
            Self::TooLarge { limit } => Some(format!("larger than the {} MiB that one worker can hide", limit >> 20)),
            Self::WithParent { producer, reason, .. } => Some(format!("as long as {producer}: {reason}")),
            Self::FieldsNotReplaced { fields } => {
                Some(format!("not replaced by this version: {}", Replacement::in_words(fields)))
            }
            _ => self.words_of_the_map(),
        }
    }

    /// The duty to keep it, in the words of the data map; of what stays with something else, that's.
    pub fn duty(&self) -> Option<&str> {
        match self {
            Self::Retention { reason, .. } | Self::WithParent { reason, .. } => Some(reason),
            _ => None,
        }
    }

    /// What the data map says of it: the duty, why it is shown and not erased, or which fields are to be replaced.
    pub fn words_of_the_map(&self) -> Option<String> {
        match self {
            Self::ExportOnly { reason } => Some(reason.clone()),
            Self::FieldsNotReplaced { fields } => Some(Replacement::in_words(fields)),
            _ => self.duty().map(str::to_owned),
        }
    }

    /// Why something stays that stays as long as this does; none where this stays only because nobody asked for it, or because
    /// it could not be removed: neither is a reason to keep anything else.
    pub fn of_children(&self, producer: &ProducerName) -> Option<Self> {
        let words = match self {
            Self::Retention { reason, .. } | Self::WithParent { reason, .. } | Self::ExportOnly { reason } => reason.clone(),
            Self::FieldsNotReplaced { .. } => "fields of it are replaced, and it stays".to_owned(),
            Self::Locked { .. } => "locked by its store".to_owned(),
            Self::Hold { .. } => "under legal hold".to_owned(),
            Self::Excluded { .. } => "left out by a reviewer".to_owned(),
            Self::Restored => "restored by a person".to_owned(),
            Self::OutOfScope | Self::TooLarge { .. } | Self::AnotherPerson | Self::Refused | Self::Cancelled => return None,
        };
        Some(Self::WithParent { producer: producer.clone(), reason: words, until: self.until() })
    }
}

impl Plan {
    /// The digest that a decision names: SHA-256 over canonical JSON (RFC 8785) of everything in the plan.
    pub fn digest(&self) -> PlanDigest {
        let mut hash = Sha256::new();
        hash.update(b"oubli plan 1\n");
        hash.update(serde_json_canonicalizer::to_vec(self).unwrap_or_default());
        PlanDigest(format!("sha256:{}", HEXLOWER.encode(&hash.finalize())))
    }

    /// Records that go.
    pub fn records(&self) -> u64 {
        self.steps.iter().map(|s| s.records).sum()
    }

    /// The identifiers that selected nothing, though they may be the person's.
    pub fn ambiguous(&self) -> impl Iterator<Item = &PlannedIdentifier> {
        self.identifiers.iter().filter(|i| i.standing != Standing::Selects)
    }

    /// Those of them that nobody has told apart: whoever is behind a shared one is somebody else until somebody says
    /// otherwise.
    pub fn unclear(&self) -> impl Iterator<Item = &PlannedIdentifier> {
        self.ambiguous().filter(|i| i.standing != Standing::Ambiguous(Ambiguity::BehindShared))
    }

    /// Records that stay, and must not count as left behind.
    pub fn kept_records(&self) -> u64 {
        self.kept.iter().map(|k| k.records).sum()
    }
}

/// Chains one part's SHA-256 onto those before it.
pub fn chain_part(previous: &str, part_sha256: &[u8; 32]) -> String {
    let mut hash = Sha256::new();
    hash.update(previous.as_bytes());
    hash.update(part_sha256);
    HEXLOWER.encode(&hash.finalize())
}

/// A category left out of the plan, without the words that say why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Which.
    pub category: Category,
    /// Until when it is kept.
    pub retention_until: Option<Date>,
    /// Who decided so.
    pub decided_by: ActorId,
}

impl LeftOut {
    /// What a reviewer leaves out.
    pub fn new(exclusion: &Exclusion, decided_by: ActorId) -> Self {
        Self { category: exclusion.category.clone(), retention_until: exclusion.retention_until, decided_by }
    }
}

/// A category that a reviewer leaves out of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exclusion {
    /// Which.
    pub category: Category,
    /// Why, in words.
    pub reason: String,
    /// Until when it is kept.
    pub retention_until: Option<Date>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        Plan {
            round: 1,
            map_version: 3,
            discovered_at: Timestamp::UNIX_EPOCH,
            steps: vec![PlannedStep {
                producer: "orders".parse().expect("name"),
                category: "orders".parse().expect("name"),
                batches: 2,
                records: 1500,
                bytes: 9,
                parts_digest: chain_part("", &[7; 32]),
                found_through: BTreeMap::new(),
                found_late: 0,
            }],
            kept: vec![],
            unsearched: vec![],
            unasked: vec![],
            cautions: vec![],
            identifiers: vec![],
            identifiers_incomplete: false,
        }
    }

    #[test]
    fn any_change_changes_the_digest() {
        let base = plan();
        let mut other = plan();
        other.steps[0].parts_digest = chain_part("", &[8; 32]);
        assert_ne!(base.digest(), other.digest());
        let mut other = plan();
        other.map_version = 4;
        assert_ne!(base.digest(), other.digest());
        let mut other = plan();
        other.unsearched.push(Unsearched {
            producer: "chat".parse().expect("name"),
            category: "chat".parse().expect("name"),
            why: UnsearchedBecause::NoIdentifier,
        });
        assert_ne!(base.digest(), other.digest());
        assert_eq!(base.digest(), plan().digest());
    }

    #[test]
    fn the_order_of_parts_matters() {
        let ab = chain_part(&chain_part("", &[1; 32]), &[2; 32]);
        let ba = chain_part(&chain_part("", &[2; 32]), &[1; 32]);
        assert_ne!(ab, ba);
    }

    #[test]
    fn what_stays_for_no_reason_of_its_own_keeps_nothing_else() {
        use KeptBecause as Why;
        let orders: ProducerName = "orders".parse().expect("a name");
        let until = Some(Date::constant(2027, 1, 1));
        let tax = Why::Retention { reason: "tax law".to_owned(), until };
        let with = tax.of_children(&orders).expect("it stays too");
        assert_eq!((with.code(), with.duty(), with.until()), ("with_parent", Some("tax law"), until));
        assert_eq!(with.words().as_deref(), Some("as long as orders: tax law"));
        let lines: ProducerName = "lines".parse().expect("a name");
        let of_lines = with.of_children(&lines).expect("and so on");
        assert_eq!(of_lines.words().as_deref(), Some("as long as lines: tax law"));
        let hold = HoldId::from_uuid(uuid::Uuid::nil());
        for why in [Why::Locked { until: None }, Why::Hold { hold }, Why::Excluded { until }, Why::Restored] {
            assert!(why.of_children(&orders).is_some(), "{why:?}");
        }
        for why in [Why::OutOfScope, Why::TooLarge { limit: 1 }, Why::AnotherPerson, Why::Refused, Why::Cancelled] {
            assert_eq!(why.of_children(&orders), None, "{why:?}");
        }
        let shown = Why::ExportOnly { reason: "somebody else wrote it".to_owned() };
        assert_eq!((shown.duty(), shown.words_of_the_map().as_deref()), (None, Some("somebody else wrote it")));
        let fields = BTreeMap::from([("email".to_owned(), Replacement::Hashing), ("name".to_owned(), Replacement::Redaction)]);
        let replaced = Why::FieldsNotReplaced { fields };
        assert_eq!((replaced.code(), replaced.duty(), replaced.until()), ("fields_not_replaced", None, None));
        assert_eq!(replaced.words().as_deref(), Some("not replaced by this version: email (hashing), name (redaction)"));
        assert_eq!(replaced.words_of_the_map().as_deref(), Some("email (hashing), name (redaction)"));
        assert!(replaced.of_children(&orders).is_some(), "a record that stays keeps what stays with it");
    }

    #[test]
    fn a_digest_of_another_shape_is_refused() {
        assert!(PlanDigest::try_from("sha256:12".to_owned()).is_err());
        assert!(PlanDigest::try_from(String::from(plan().digest())).is_ok());
    }
}

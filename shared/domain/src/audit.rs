//! Audit events and the entries they become.

use crate::{
    ids::{ActorId, Category, RequestId},
    plan::{Kept, KeptBecause, LeftOut, Unsearched},
};
use data_encoding::HEXLOWER;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventType {
    /// A request was accepted.
    RequestReceived,
    /// The person's identity must be confirmed first.
    VerificationRequested,
    /// A person's identity was confirmed, or attested.
    IdentityVerified,
    /// Discovery ended with a plan.
    PlanCreated,
    /// An old plan was looked at again and still holds.
    PlanConfirmed,
    /// An old approval was set aside, to look again first.
    PlanRefreshStarted,
    /// A reviewer named ambiguous identifiers as the person's: it is looked for by them, too.
    IdentifiersNamed,
    /// A reviewer approved a plan.
    RequestApproved,
    /// A reviewer rejected it.
    RequestRejected,
    /// An erasure waits for the export that goes before it.
    ExportAwaited,
    /// The export that goes before an erasure can be opened: the erasure goes on.
    ExportMade,
    /// An email about a request was sent to those whom the organization wants told.
    NotificationSent,
    /// An email about a request could not be sent.
    NotificationFailed,
    /// A delivered copy of an export that is over could not be taken back.
    DeliveryLeft,
    /// An export was downloaded.
    ExportDownloaded,
    /// Somebody gave a wrong one-time code.
    CodeRefused,
    /// A saved query was registered.
    SavedQueryRegistered,
    /// A saved query was removed.
    SavedQueryRemoved,
    /// An export began.
    ExportStarted,
    /// An export is whole and can be opened.
    ExportReady,
    /// Somebody was given what opens an export.
    ExportAccessed,
    /// Somebody revoked an export: it is gone.
    ExportRevoked,
    /// An export's time is over: it is gone.
    ExportExpired,
    /// The erasure began.
    GdprErasureStarted,
    /// A batch was hidden, held, skipped or settled.
    BatchHidden,
    /// A batch failed for good.
    BatchFailed,
    /// Everything of the plan is hidden; the recovery window opened.
    DataHidden,
    /// The erasure found nothing to hide.
    NothingToErase,
    /// Somebody cancelled.
    RequestCancelled,
    /// Batches in flight at a cancellation are settled.
    CancellationSettled,
    /// A restore was asked for.
    RestoreStarted,
    /// A batch was put back.
    BatchRestored,
    /// A restore ended.
    RestoreCompleted,
    /// The window closed and destruction began.
    PurgeStarted,
    /// A step's vault key was destroyed: from here on nobody can restore it.
    VaultKeyDestroyed,
    /// A batch was destroyed.
    BatchPurged,
    /// The erasure itself: what was hidden is destroyed.
    GdprErasureExecuted,
    /// The second look found more; a new plan was made.
    LateArrivalsFound,
    /// The request is complete.
    RequestCompleted,
    /// A hold that kept some of it was released: it is looked for again.
    RequestReopened,
    /// The request stands still until a person looks.
    RequestFailed,
    /// A person retried it.
    RequestRetried,
    /// Somebody looked at what could not be put back.
    ConflictsRead,
    /// Somebody was shown by what a person is known, or the words about them.
    IdentityRevealed,
    /// Somebody decided to go on without what failed.
    RequestResolved,
    /// A batch that failed was left as it is, on somebody's word.
    BatchResolved,
    /// The deadline was extended.
    DeadlineExtended,
    /// A legal hold was placed.
    LegalHoldPlaced,
    /// A legal hold was released.
    LegalHoldReleased,
    /// A hold was extended to more identifiers of the same person.
    LegalHoldExtended,
    /// The words of a released hold were made unreadable, by policy.
    LegalHoldWordsForgotten,
    /// Somebody asked whether a person is on hold.
    LegalHoldsSearched,
    /// What a request had gathered about the person was removed.
    RequestForgotten,
    /// Somebody looked at what is there for a subject.
    DiscoveryPerformed,
    /// Somebody read the audit log.
    AuditLogRead,
    /// Somebody had a part of the audit log exported.
    AuditLogExported,
    /// Somebody had a certificate made.
    CertificateIssued,
    /// Somebody had a compliance report made.
    ReportCreated,
    /// Somebody fetched a compliance report made earlier.
    ReportRead,
    /// Nothing happened for a day: the log says that it is alive.
    LogHeartbeat,
    /// An index of people was made unreadable, by policy.
    SubjectIndexForgotten,
    /// Entries were removed, by policy; the tree above them stays.
    AuditEntriesPruned,
    /// The organization was made.
    OrganizationCreated,
    /// Its settings changed.
    SettingsChanged,
    /// Somebody became a member.
    MemberAdded,
    /// A member's roles, teams or standing changed.
    MemberChanged,
    /// An API key was made.
    ApiKeyCreated,
    /// An API key was replaced by another.
    ApiKeyRotated,
    /// An API key was revoked.
    ApiKeyRevoked,
    /// Tokens of an issuer are taken, or otherwise than before.
    IssuerSet,
    /// Tokens of an issuer are taken no more.
    IssuerRemoved,
    /// Somebody was given new one-time codes.
    OneTimeCodesEnrolled,
    /// A version of the data map was published.
    DataMapPublished,
    /// A data map waits for a second member.
    DataMapProposed,
    /// A data map that waited was taken back.
    DataMapDiscarded,
    /// Stores became the organization's.
    StoresClaimed,
    /// A store of another organization was shared with it.
    StoreShared,
    /// Somebody asked for a review.
    ReviewRequested,
    /// Somebody decided on a review.
    ReviewDecided,
    /// A review closed because nobody decided in time: that is no approval.
    ReviewTimedOut,
    /// Somebody said something of a review afterwards.
    ReviewFeedbackGiven,
    /// The words of a month's reviews were made unreadable, by policy.
    ReviewsForgotten,
    /// A rule that says who is asked was made.
    RoutingRuleAdded,
    /// A rule that says who is asked changed.
    RoutingRuleChanged,
    /// A rule that says who is asked was removed.
    RoutingRuleRemoved,
    /// A team was made.
    TeamAdded,
    /// A team was renamed.
    TeamChanged,
    /// A team was removed.
    TeamRemoved,
}

/// How much was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataErased {
    /// Records other than vectors.
    pub documents: u64,
    /// Vectors.
    pub vectors: u64,
    /// Their size.
    pub size_bytes: u64,
}

/// A category kept, or not looked at, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditExclusion {
    /// Which.
    pub category: Category,
    /// Why: [`KeptBecause::code`] or [`crate::plan::UnsearchedBecause::code`].
    pub reason: String,
    /// Until when, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention_until: Option<Date>,
}

impl From<&Kept> for AuditExclusion {
    fn from(kept: &Kept) -> Self {
        Self { category: kept.category.clone(), reason: kept.why.code().to_owned(), retention_until: kept.why.until() }
    }
}

impl From<&LeftOut> for AuditExclusion {
    fn from(left_out: &LeftOut) -> Self {
        let why = KeptBecause::Excluded { until: left_out.retention_until };
        Self { category: left_out.category.clone(), reason: why.code().to_owned(), retention_until: why.until() }
    }
}

impl From<&Unsearched> for AuditExclusion {
    fn from(unsearched: &Unsearched) -> Self {
        let reason = unsearched.why.code().to_owned();
        Self { category: unsearched.category.clone(), reason, retention_until: None }
    }
}

/// What may be left of a person, each category and reason once.
pub fn exclusions(kept: &[Kept], left_out: &[LeftOut], unsearched: &[Unsearched]) -> Vec<AuditExclusion> {
    let kept = kept.iter().map(AuditExclusion::from);
    each_once(kept.chain(left_out.iter().map(Into::into)).chain(unsearched.iter().map(Into::into)))
}

pub(crate) fn each_once(all: impl Iterator<Item = AuditExclusion>) -> Vec<AuditExclusion> {
    let mut once: Vec<AuditExclusion> = Vec::new();
    for exclusion in all {
        if !once.contains(&exclusion) {
            once.push(exclusion);
        }
    }
    once
}

/// An event as it waits in the outbox. It holds no identifier of a person and no free text: where somebody wrote
/// something, it carries the SHA-256 of a salted copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEvent {
    /// Deterministic: the same change always makes the same id.
    pub audit_id: String,
    /// What happened.
    pub event_type: EventType,
    /// When.
    pub timestamp: Timestamp,
    /// To which request, if to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// A commitment to the subject: SHA-256 of a random opening and the identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_id_hash: Option<String>,
    /// Who did it; none: Oubli by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<ActorId>,
    /// What was erased.
    #[serde(default)]
    pub data_erased: DataErased,
    /// What stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusions: Vec<AuditExclusion>,
    /// Further facts: codes, counts, digests.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub details: serde_json::Map<String, serde_json::Value>,
}

impl AuditEvent {
    /// An event about nobody yet. `order` is its place in the outbox, and names it.
    pub fn new(order: &str, event_type: EventType, timestamp: Timestamp) -> Self {
        Self {
            audit_id: format!("aud_{order}").replace('#', "_"),
            event_type,
            timestamp,
            request_id: None,
            subject_id_hash: None,
            actor: None,
            data_erased: DataErased::default(),
            exclusions: vec![],
            details: serde_json::Map::new(),
        }
    }

    /// The event in at most so many bytes of JSON: where it is longer, exclusions of one category and reason become one
    /// with the last of their dates, then as many are named as there is room for, and the others counted. None where
    /// even that is too long.
    #[must_use]
    pub fn within(mut self, most: usize) -> Option<Self> {
        if self.bytes() <= most {
            return Some(self);
        }
        let mut sums: std::collections::BTreeMap<(Category, String), AuditExclusion> = std::collections::BTreeMap::new();
        for exclusion in std::mem::take(&mut self.exclusions) {
            let key = (exclusion.category.clone(), exclusion.reason.clone());
            let sum = sums.entry(key).or_insert_with(|| exclusion.clone());
            // Without a date it is kept without a known end, which outlasts every date.
            sum.retention_until = sum.retention_until.zip(exclusion.retention_until).map(|(a, b)| a.max(b));
        }
        self.exclusions = sums.into_values().collect();
        let named = self.exclusions.len();
        while self.bytes() > most && !self.exclusions.is_empty() {
            let sizes = self.exclusions.iter().rev().map(|e| serde_json::to_vec(e).map_or(0, |v| v.len() + 1));
            let excess = self.bytes() - most;
            let going = sizes
                .scan(0, |gone, size| {
                    let before = *gone;
                    *gone += size;
                    Some(before)
                })
                .take_while(|gone| *gone < excess)
                .count();
            self.exclusions.truncate(self.exclusions.len() - going.max(1));
            self.details.insert(EXCLUSIONS_NOT_NAMED.to_owned(), (named - self.exclusions.len()).into());
        }
        (self.bytes() <= most).then_some(self)
    }

    fn bytes(&self) -> usize {
        serde_json::to_vec(self).map_or(usize::MAX, |json| json.len())
    }
}

/// In an event's details: how many exclusions there was no room for.
const EXCLUSIONS_NOT_NAMED: &str = "exclusions_not_named";

/// The version of the log's entries: docs/ledger-format.md.
pub const ENTRY_VERSION: u32 = 1;

/// An event sealed into the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEntry {
    /// [`ENTRY_VERSION`].
    pub version: u32,
    /// Its place in the organization's log, from 0.
    pub index: u64,
    /// The event.
    #[serde(flatten)]
    pub event: AuditEvent,
    /// 32 random bytes in hexadecimal: without them, whoever sees an entry's hash could try out what it says.
    pub nonce: String,
    /// The hash of the entry before it; of nothing for the first.
    pub previous_hash: String,
    /// SHA-256 of this entry without this field, written `sha256:…`.
    pub hash: String,
}

/// What the first entry of a log names as its predecessor.
pub const GENESIS: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

impl AuditEntry {
    /// Seals an event behind the entry of hash `previous_hash`.
    pub fn seal(index: u64, event: AuditEvent, previous_hash: String, nonce: String) -> Self {
        let mut entry = Self { version: ENTRY_VERSION, index, event, nonce, previous_hash, hash: String::new() };
        entry.hash = entry.right_hash();
        entry
    }

    /// An event that has no place in the log yet.
    pub fn unsealed(event: AuditEvent) -> Self {
        let none = String::new;
        Self { version: ENTRY_VERSION, index: 0, event, nonce: none(), previous_hash: none(), hash: none() }
    }

    /// Its bytes in the log: canonical JSON (RFC 8785).
    pub fn leaf(&self) -> String {
        serde_json_canonicalizer::to_string(self).unwrap_or_default()
    }

    /// Whether its hash is right and it follows an entry of hash `previous_hash`.
    pub fn follows(&self, previous_hash: &str) -> bool {
        self.previous_hash == previous_hash && self.hash == self.right_hash()
    }

    /// Over canonical JSON of the entry without its hash.
    fn right_hash(&self) -> String {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            map.remove("hash");
        }
        format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(serde_json_canonicalizer::to_vec(&value).unwrap_or_default())))
    }
}

/// A commitment to a text that cannot be guessed from it: SHA-256 of a random opening and the text.
pub fn commitment(opening: &[u8; 32], text: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(opening);
    hash.update(text.as_bytes());
    format!("sha256:{}", HEXLOWER.encode(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(order: &str) -> AuditEvent {
        AuditEvent::new(order, EventType::RequestReceived, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn entries_chain_and_a_changed_one_breaks_the_chain() {
        let first = AuditEntry::seal(0, event("a"), GENESIS.to_owned(), "00".repeat(32));
        let second = AuditEntry::seal(1, event("b"), first.hash.clone(), "01".repeat(32));
        assert!(first.follows(GENESIS) && second.follows(&first.hash));
        let mut forged = first.clone();
        forged.event.data_erased.documents = 1;
        assert!(!forged.follows(GENESIS));
        let read: AuditEntry = serde_json::from_str(&serde_json::to_string(&second).expect("json")).expect("entry");
        assert!(read.follows(&first.hash));
    }

    #[test]
    fn an_event_that_is_too_long_sums_what_it_excludes_and_counts_what_it_cannot_name() {
        let exclusion = |n: usize, day: i8| AuditExclusion {
            category: format!("category-{n}").parse().expect("name"),
            reason: "retention".to_owned(),
            retention_until: Some(jiff::civil::date(2030, 1, day)),
        };
        let short = AuditEvent { exclusions: vec![exclusion(1, 1), exclusion(1, 2)], ..event("a") };
        assert_eq!(short.clone().within(65_000), Some(short));
        let rounds = AuditEvent { exclusions: (0..2_000).map(|n| exclusion(n % 20, 1 + (n % 28) as i8)).collect(), ..event("b") };
        let summed = rounds.within(64_000).expect("room");
        assert_eq!(summed.exclusions.len(), 20);
        assert!(!summed.details.contains_key(EXCLUSIONS_NOT_NAMED));
        let many = AuditEvent { exclusions: (0..2_000).map(|n| exclusion(n, 1)).collect(), ..event("c") };
        let cut = many.within(64_000).expect("room");
        assert!(cut.bytes() <= 64_000 && cut.bytes() > 63_000);
        assert_eq!(cut.details[EXCLUSIONS_NOT_NAMED], 2_000 - cut.exclusions.len());
        let mut endless = event("d");
        endless.details.insert("text".to_owned(), "x".repeat(70_000).into());
        assert_eq!(endless.within(64_000), None);
    }

    #[test]
    fn a_commitment_depends_on_its_opening() {
        assert_ne!(commitment(&[1; 32], "user-1"), commitment(&[2; 32], "user-1"));
    }
}

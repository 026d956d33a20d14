//! Certificates of an erasure, which a person checks without trusting whoever issued them.
//!
//! Whatever a certificate claims is bound to the log: the entry `request_completed` carries the digest of the claims,
//! and the certificate carries that entry with its proof.

use super::{
    Checkpoint, CheckpointError, Cosigned, LeafError, LedgerKey, Period, Policy, PolicyRefusal, ProofError, TlogProof, check_leaf,
};
use crate::{
    audit::{AuditExclusion, commitment, each_once},
    deadline::{Country, Deadlines},
    ids::{ActorId, Category, OrganizationId, ProducerName, RequestId},
    personal::{Ambiguity, Identifier, IdentifierKind, NormalForm, Origin, Standing},
    plan::{KeptBecause, PlanDigest, PlannedIdentifier, UnsearchedBecause},
};
use data_encoding::HEXLOWER;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// The format of certificates, and its version.
pub const CERTIFICATE_FORMAT: &str = "oubli-erasure-certificate/v5";

/// The one before: its claims name no plan. Those that were issued stay good.
const WITHOUT_PLANS: &str = "oubli-erasure-certificate/v4";

/// What a certificate claims.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    /// The controller.
    pub organization: OrganizationId,
    /// Its name, at the time.
    pub organization_name: String,
    /// The request.
    pub request_id: RequestId,
    /// `full_erasure` or `partial_erasure`.
    pub request_type: String,
    /// What exactly was asked for.
    pub asked: AskedClaim,
    /// Why it was asked, as submitted.
    pub reason: String,
    /// `completed` or `completed_with_exceptions`.
    pub status: String,
    /// When the request was received.
    pub received_at: Timestamp,
    /// When the person's identity was confirmed.
    pub identity_verified_at: Option<Timestamp>,
    /// When the plan was approved; of several rounds, the first one.
    pub approved_at: Option<Timestamp>,
    /// The plans that were approved and carried out, in the order of their rounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub plan_digests: Vec<PlanDigest>,
    /// When the erasure began.
    pub started_at: Option<Timestamp>,
    /// When the last look found nothing left.
    pub completed_at: Timestamp,
    /// When it was due.
    pub deadlines: Deadlines,
    /// The day by which the law wanted it, where the controller is.
    pub due: Date,
    /// What was erased: no copy and no key to one is left.
    pub erased: Vec<CategoryClaim>,
    /// What was pseudonymized, which is not erased.
    pub pseudonymized: Vec<CategoryClaim>,
    /// What stays, and why.
    pub kept: Vec<KeptClaim>,
    /// What reviewers left out, whether anything of it was there or not.
    pub left_out: Vec<LeftOutClaim>,
    /// What was not looked at, or only in part.
    pub unsearched: Vec<UnsearchedClaim>,
    /// Records that somebody else had deleted before.
    pub already_absent: u64,
    /// Records that are gone, though it is not known whether this request or somebody else removed them.
    pub uncertain: u64,
    /// Records that a person had restored before the recovery window closed.
    pub restored: u64,
    /// Records that were not put back by a restore, those given up by a person included.
    pub conflicts: u64,
    /// Records that could not be handled.
    pub failed: u64,
    /// The last look; none if it failed, and somebody went on without it.
    pub verification: Option<VerificationClaim>,
    /// Whose data it was.
    pub subject: SubjectClaim,
    /// The identifiers that the person is known by; those that were given come first. None of anybody else.
    pub identifiers: Vec<IdentifierClaim>,
    /// There may be more identifiers than were found.
    pub identifiers_incomplete: bool,
}

/// An identifier of the person, without saying which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentifierClaim {
    /// Its kind.
    pub kind: IdentifierKind,
    /// How identifiers of this kind are compared.
    pub form: NormalForm,
    /// The controller's country, by which phone numbers that name none are read; none for other forms.
    pub country: Option<Country>,
    /// SHA-256 of the opening and the identifier in its normal form.
    pub commitment: String,
    /// The producer whose records have it; none if the request gave it.
    pub found_in: Option<ProducerName>,
    /// Why nothing was searched by it ([`Ambiguity::code`]); none if it was.
    pub not_searched_by: Option<String>,
}

impl IdentifierClaim {
    /// What is claimed of an identifier of a plan; nothing of one that is somebody else's, behind a shared one. The opening
    /// is of all commitments, and whoever has it guesses the rest.
    pub fn of(planned: &PlannedIdentifier, form: NormalForm, country: Country) -> Option<Self> {
        if planned.standing == Standing::Ambiguous(Ambiguity::BehindShared) {
            return None;
        }
        let found_in = match &planned.origin {
            Origin::Given => None,
            Origin::Found { producer, .. } => Some(producer.clone()),
        };
        Some(Self {
            kind: planned.kind.clone(),
            form,
            country: (form == NormalForm::Phone).then_some(country),
            commitment: planned.commitment.clone(),
            found_in,
            not_searched_by: planned.standing.ambiguity().map(|why| why.code().to_owned()),
        })
    }

    /// Whether a text is this identifier, as it stands or in the form of its kind.
    fn is(&self, opening: &[u8; 32], text: &str) -> bool {
        let country = self.country.map(Country::code);
        let normal = Identifier::parse(text).and_then(|given| self.form.normalize(&given, country)).ok();
        let texts = [Some(text), normal.as_ref().map(Identifier::expose)];
        texts.into_iter().flatten().any(|text| commitment(opening, text) == self.commitment)
    }
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedClaim {
    /// Only these categories, if any are named.
    pub categories: Vec<Category>,
    /// Not these.
    pub exclude_categories: Vec<Category>,
    /// Backups too.
    pub include_backups: bool,
    /// Logs too.
    pub include_logs: bool,
    /// Data computed from other data too.
    pub include_derived_data: bool,
}

/// A category that a reviewer left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeftOutClaim {
    /// Which.
    pub category: Category,
    /// Until when it is kept, where that was said.
    pub until: Option<Date>,
    /// The opaque id of whoever decided so.
    pub decided_by: ActorId,
}

/// What was not looked at, or only in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnsearchedClaim {
    /// The kind of data in one store.
    pub producer: ProducerName,
    /// Its category.
    pub category: Category,
    /// Why: [`UnsearchedBecause::code`].
    pub reason: String,
    /// It was looked at, though not by everything that leads to it.
    pub by_part: bool,
}

impl UnsearchedClaim {
    /// For something that was not searched.
    pub fn new(producer: ProducerName, category: Category, why: &UnsearchedBecause) -> Self {
        Self { producer, category, reason: why.code().to_owned(), by_part: why.by_part() }
    }
}

/// How much of a category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryClaim {
    /// Which.
    pub category: Category,
    /// Records other than vectors.
    pub documents: u64,
    /// Vectors.
    pub vectors: u64,
    /// Their size.
    pub size_bytes: u64,
}

/// What stays of a category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptClaim {
    /// Which.
    pub category: Category,
    /// Records.
    pub documents: u64,
    /// Their size.
    pub size_bytes: u64,
    /// `retention`, `with_parent`, `export_only`, `fields_not_replaced`, `locked`, `legal_hold`, `out_of_scope`,
    /// `excluded_by_reviewer`, `restored`, `too_large`, `another_person`, `refused` or `cancelled`.
    pub reason: String,
    /// In the data map's words, where it has some: the duty, why it is shown and not erased, or which fields are to be
    /// replaced.
    pub duty: Option<String>,
    /// Until when, where that is known.
    pub until: Option<Date>,
}

/// The look at the live stores after everything was destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerificationClaim {
    /// When it began.
    pub began_at: Timestamp,
    /// Rounds of discovery it took, this last one included.
    pub rounds: u32,
    /// Records found besides those that are kept.
    pub found: u64,
}

/// Whose data it was, without saying who: two commitments.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectClaim {
    /// SHA-256 of the opening and the person's identifier, as in every entry of the request.
    pub commitment: String,
    /// SHA-256 of the opening; none where it was forgotten by then.
    pub opening_sha256: Option<String>,
}

impl Claims {
    /// The categories that may not be gone, and why: what the entry `request_completed` lists.
    pub fn exclusions(&self) -> Vec<AuditExclusion> {
        let line = |category: &Category, reason: &str, until: Option<Date>| AuditExclusion {
            category: category.clone(),
            reason: reason.to_owned(),
            retention_until: until,
        };
        let kept = self.kept.iter().map(|k| line(&k.category, &k.reason, k.until));
        let excluded = KeptBecause::Excluded { until: None };
        let left_out = self.left_out.iter().map(|l| line(&l.category, excluded.code(), l.until));
        let unsearched = self.unsearched.iter().map(|u| line(&u.category, &u.reason, None));
        each_once(kept.chain(left_out).chain(unsearched))
    }

    /// Whether nothing of the person is left, as far as is known.
    pub fn nothing_is_left(&self) -> bool {
        let named = self.kept.is_empty() && self.left_out.is_empty() && self.unsearched.is_empty();
        let by_all = self.identifiers.iter().all(|i| i.not_searched_by.is_none()) && !self.identifiers_incomplete;
        named
            && by_all
            && self.restored == 0
            && self.conflicts == 0
            && self.failed == 0
            && self.verification.as_ref().is_some_and(|v| v.found == 0)
    }

    /// Whether no record of the person was ever there: they may have been given by a mistyped identifier.
    pub fn found_nobody(&self) -> bool {
        let gone = self.erased.is_empty() && self.pseudonymized.is_empty() && self.already_absent == 0 && self.uncertain == 0;
        gone && self.kept.is_empty() && self.restored == 0 && self.conflicts == 0 && self.failed == 0
    }

    /// What the entry `request_completed` carries as `claims_sha256`: SHA-256 of the claims as canonical JSON.
    pub fn digest(&self) -> String {
        sha256(&[b"oubli claims 1\n", &serde_json_canonicalizer::to_vec(self).unwrap_or_default()])
    }
}

fn sha256(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    format!("sha256:{}", HEXLOWER.encode(&hash.finalize()))
}

impl SubjectClaim {
    /// For a commitment and its opening.
    pub fn new(commitment: String, opening: Option<&[u8]>) -> Self {
        Self { commitment, opening_sha256: opening.map(|o| sha256(&[o])) }
    }
}

/// An entry of the log with its proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProvenEntry {
    /// The entry's bytes, as text.
    pub entry: String,
    /// A C2SP tlog-proof.
    pub proof: String,
}

/// A certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// [`CERTIFICATE_FORMAT`].
    pub format: String,
    /// What it claims.
    pub claims: Claims,
    /// The opening of the subject's commitment, in hexadecimal; none where it was forgotten.
    pub subject_opening: Option<String>,
    /// The entry `request_completed` first, then those of the approvals, of what was hidden first and what was destroyed last,
    /// or on request all of the request's other entries, in order.
    pub entries: Vec<ProvenEntry>,
    /// The log's key as the issuer states it. Whoever checks brings their own copy.
    pub log_key: String,
}

/// What a certificate is checked against.
#[derive(Debug, Clone)]
pub enum Trust {
    /// The log's key, known from elsewhere.
    Key(LedgerKey),
    /// A checkpoint, known from elsewhere; whoever signed it.
    Checkpoint(Checkpoint),
}

/// Why a certificate is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum CertificateError {
    /// Not a certificate of this version, or not one byte for byte.
    #[error("this is not a certificate of the format {CERTIFICATE_FORMAT}, byte for byte as it was issued: {0}")]
    Format(String),
    /// No entry, or an entry of another kind.
    #[error("it carries no entry of the log that says the request was completed")]
    NoCompletion,
    /// An entry was changed.
    #[error("entry {0}: {1}")]
    Entry(usize, LeafError),
    /// A proof does not hold.
    #[error("entry {0}: {1}")]
    Proof(usize, ProofError),
    /// The entry names another place than its proof.
    #[error("entry {0} names another place in the log than its proof")]
    Index(usize),
    /// The entries are not in a chain.
    #[error("entry {0} does not follow the one before it")]
    Chain(usize),
    /// An entry is about another request, or another person.
    #[error("entry {0} is about another request or another person")]
    OtherRequest(usize),
    /// Something was done before it was approved, or after the request was completed.
    #[error("entry {0} is not in the order in which an erasure goes: approved, hidden, destroyed, completed")]
    Order(usize),
    /// Something was done by another plan than the claims name.
    #[error("entry {0} is of another plan than the certificate names")]
    OtherPlan(usize),
    /// What is claimed is not what was logged.
    #[error("what the certificate claims is not what the log's entry is about")]
    Claims,
    /// The opening was changed.
    #[error("the opening is not the one the log's entry is about")]
    Opening,
    /// Its checkpoint is not cosigned as somebody asks.
    #[error(transparent)]
    Policy(#[from] PolicyRefusal),
    /// It states another key than the one it is checked against.
    #[error("it names the log key {stated}, and was to be checked against {given}")]
    OtherKey {
        /// In the certificate.
        stated: String,
        /// Brought by whoever checks.
        given: String,
    },
    /// The checkpoint is another one than the one pinned.
    #[error("its checkpoint has {found} entries, the one given has {given}: ask for a certificate at that checkpoint")]
    OtherCheckpoint {
        /// In the certificate.
        found: u64,
        /// Brought by whoever checks.
        given: u64,
    },
    /// The same size, and another root: the log was rewritten, or shows itself differently to different people.
    #[error("its checkpoint has the same number of entries as the one given and another root: one of the logs is forged")]
    Fork,
    /// The identifier is not the one committed to.
    #[error("it is not about the person of the identifier given")]
    OtherPerson,
    /// Nothing to check an identifier with.
    #[error("it carries no opening, so an identifier cannot be checked")]
    NoOpening,
}

/// What a check found to hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What it claims, and is proved to have been logged.
    pub claims: Claims,
    /// The checkpoint that the entries are in.
    pub checkpoint: Checkpoint,
    /// Entries proved.
    pub entries: usize,
    /// In which order it was done; none where the entries do not show that.
    pub order: Option<Order>,
    /// It is about the person of the identifier given, which opened this; none if none was given.
    pub person: Option<Opened>,
}

/// What entries show of one plan.
#[derive(Default)]
struct Round {
    approved: Option<u64>,
    hidden: Option<u64>,
    purged: bool,
}

/// The places in the log of what was done, each behind the one before: nobody can put an entry before another one later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Order {
    /// Of the first approval.
    pub approved: u64,
    /// Of what was hidden first, of those shown; none where nothing was.
    pub hidden: Option<u64>,
    /// Of what was destroyed last, of those shown; none where nothing was.
    pub purged: Option<u64>,
    /// Of the completion.
    pub completed: u64,
}

/// What an identifier opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opened {
    /// What is claimed of an identifier of this kind, by which was searched.
    Identifier(IdentifierKind),
    /// The commitment of the entries, where the claims name no identifiers.
    Subject,
}

impl Certificate {
    /// The bytes of a certificate: canonical JSON (RFC 8785), so that the same certificate is the same file.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json_canonicalizer::to_vec(self).unwrap_or_default()
    }

    /// A short form of the file's SHA-256, for print: eight groups of four hexadecimal digits.
    pub fn fingerprint(&self) -> String {
        let hex = HEXLOWER.encode(&Sha256::digest(self.to_bytes())[..16]).to_uppercase();
        hex.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`CertificateError::Format`] for anything but the bytes of [`Certificate::to_bytes`].
    pub fn read(bytes: &[u8]) -> Result<Self, CertificateError> {
        let certificate: Self = serde_json::from_slice(bytes).map_err(|e| CertificateError::Format(e.to_string()))?;
        // What names its plans is not taken for what names none, and so needs no order.
        let without_plans = certificate.format == WITHOUT_PLANS && certificate.claims.plan_digests.is_empty();
        if certificate.format != CERTIFICATE_FORMAT && !without_plans {
            return Err(CertificateError::Format(format!("its format is {}", certificate.format)));
        }
        if certificate.to_bytes() != bytes {
            return Err(CertificateError::Format("its JSON is not canonical".to_owned()));
        }
        Ok(certificate)
    }

    /// Checks everything that can be checked without a network and without trust in the issuer.
    ///
    /// # Errors
    /// The first check that fails.
    pub fn check(&self, trust: &Trust, identifier: Option<&str>) -> Result<Verified, CertificateError> {
        let key = self.log_key()?;
        if let Trust::Key(given) = trust
            && *given != key
        {
            return Err(CertificateError::OtherKey { stated: key.to_string(), given: given.to_string() });
        }
        let mut checkpoint = None;
        let mut entries: Vec<Value> = Vec::with_capacity(self.entries.len());
        for (place, proven) in self.entries.iter().enumerate() {
            let (entry, found) = self.check_entry(place, proven, &key)?;
            // The key is the issuer's word then: nothing but this checkpoint vouches for an entry.
            if let Trust::Checkpoint(given) = trust {
                same_checkpoint(&found, given)?;
            }
            // The completion comes first; the others are in the log's order.
            if place > 1 {
                follows(entries.last(), &entry).ok_or(CertificateError::Chain(place))?;
            }
            entries.push(entry);
            checkpoint = Some(found);
        }
        let checkpoint = checkpoint.ok_or(CertificateError::NoCompletion)?;
        self.check_opening()?;
        let person = match identifier {
            None => None,
            Some(identifier) => Some(self.check_person(identifier)?),
        };
        let order = self.check_order(&entries)?;
        Ok(Verified { claims: self.claims.clone(), checkpoint, entries: self.entries.len(), order, person })
    }

    /// Of each plan: nothing was hidden before it was approved, destroyed before it was hidden, or either after the
    /// completion. What the entries do not show is not said; what they show otherwise is refused.
    fn check_order(&self, entries: &[Value]) -> Result<Option<Order>, CertificateError> {
        if self.format == WITHOUT_PLANS {
            return Ok(None);
        }
        let index = |entry: &Value| entry["index"].as_u64().unwrap_or_default();
        let completed = entries.first().map(index).unwrap_or_default();
        let plans: Vec<String> = self.claims.plan_digests.iter().map(ToString::to_string).collect();
        let (mut hidden, mut purged, mut untold) = (None, None, false);
        let mut rounds: Vec<Round> = plans.iter().map(|_| Round::default()).collect();
        for (place, entry) in entries.iter().enumerate().skip(1) {
            let at = index(entry);
            let done = match entry["event_type"].as_str() {
                Some("request_approved") => None,
                Some("batch_hidden") => Some(true),
                Some("batch_purged") => Some(false),
                _ => continue,
            };
            let plan = entry["details"]["plan_digest"].as_str();
            let Some(round) = plans.iter().position(|own| Some(own.as_str()) == plan).map(|place| &mut rounds[place]) else {
                // A plan that was approved and never carried out is no other's.
                if done.is_some() {
                    return Err(CertificateError::OtherPlan(place));
                }
                continue;
            };
            match done {
                None if round.hidden.is_some() || round.purged => return Err(CertificateError::Order(place)),
                None => round.approved = round.approved.or(Some(at)),
                Some(true) if round.purged && round.hidden.is_none() => return Err(CertificateError::Order(place)),
                Some(true) => {
                    untold |= round.approved.is_none();
                    round.hidden = round.hidden.or(Some(at));
                    hidden = hidden.or(Some(at));
                }
                Some(false) => {
                    untold |= round.hidden.is_none();
                    round.purged = true;
                    purged = Some(at);
                }
            }
            if at > completed {
                return Err(CertificateError::Order(place));
            }
        }
        let approved = rounds.iter().map(|round| round.approved).collect::<Option<Vec<_>>>();
        let shown = self.claims.erased.is_empty() || (hidden.is_some() && purged.is_some());
        let approved = approved.filter(|_| shown && !untold).and_then(|approved| approved.first().copied());
        Ok(approved.map(|approved| Order { approved, hidden, purged, completed }))
    }

    /// The checkpoint of the completion's proof, a signed note; none if there is no such proof. Not checked yet.
    pub fn checkpoint_note(&self) -> Option<String> {
        self.entries.first()?.proof.parse::<TlogProof>().ok().map(|proof| proof.checkpoint)
    }

    /// Checks that every checkpoint it goes by is cosigned as a policy asks, and not before the entry it proves was written.
    /// Answers who cosigned that of the completion. Everything else is checked by [`Certificate::check`].
    ///
    /// # Errors
    /// The first entry whose checkpoint is not.
    pub fn check_policy(&self, policy: &Policy, now: Timestamp) -> Result<Vec<Cosigned>, CertificateError> {
        let key = self.log_key()?;
        let mut by = None;
        for (place, proven) in self.entries.iter().enumerate() {
            let proof: TlogProof = proven.proof.parse().map_err(|e| CertificateError::Proof(place, e))?;
            let entry = check_leaf(proven.entry.as_bytes()).map_err(|e| CertificateError::Entry(place, e))?;
            let written = entry["timestamp"].as_str().and_then(|at| at.parse().ok());
            let cosigned = policy.check(&proof.checkpoint, &key, Period { since: written, until: now })?;
            by.get_or_insert(cosigned);
        }
        by.ok_or(CertificateError::NoCompletion)
    }

    fn log_key(&self) -> Result<LedgerKey, CertificateError> {
        let key: LedgerKey = self.log_key.parse().map_err(|e: CheckpointError| CertificateError::Format(e.to_string()))?;
        // The same key can be written in other letters: its hash in capitals.
        if key.to_string() != self.log_key {
            return Err(CertificateError::Format("its log key is written in another way".to_owned()));
        }
        Ok(key)
    }

    fn check_entry(&self, place: usize, proven: &ProvenEntry, key: &LedgerKey) -> Result<(Value, Checkpoint), CertificateError> {
        let leaf = proven.entry.as_bytes();
        let entry = check_leaf(leaf).map_err(|e| CertificateError::Entry(place, e))?;
        let proof: TlogProof = proven.proof.parse().map_err(|e| CertificateError::Proof(place, e))?;
        let checkpoint = proof.check(leaf, key).map_err(|e| CertificateError::Proof(place, e))?;
        if entry["index"].as_u64() != Some(proof.index) {
            return Err(CertificateError::Index(place));
        }
        let request = self.claims.request_id.to_string();
        if entry["request_id"].as_str() != Some(&request) || entry["subject_id_hash"] != self.claims.subject.commitment.as_str() {
            return Err(CertificateError::OtherRequest(place));
        }
        if place == 0 {
            if entry["event_type"] != "request_completed" {
                return Err(CertificateError::NoCompletion);
            }
            if entry["details"]["claims_sha256"].as_str() != Some(&self.claims.digest()) {
                return Err(CertificateError::Claims);
            }
        }
        Ok((entry, checkpoint))
    }

    fn opening(&self) -> Result<Option<[u8; 32]>, CertificateError> {
        let Some(text) = &self.subject_opening else { return Ok(None) };
        let bytes = HEXLOWER.decode(text.as_bytes()).ok().and_then(|b| <[u8; 32]>::try_from(b).ok());
        bytes.map(Some).ok_or(CertificateError::Opening)
    }

    fn check_opening(&self) -> Result<(), CertificateError> {
        match self.opening()? {
            Some(opening) if self.claims.subject.opening_sha256.as_deref() != Some(&sha256(&[&opening])) => {
                Err(CertificateError::Opening)
            }
            _ => Ok(()),
        }
    }

    fn check_person(&self, identifier: &str) -> Result<Opened, CertificateError> {
        let opening = self.opening()?.ok_or(CertificateError::NoOpening)?;
        let mut searched = self.claims.identifiers.iter().filter(|i| i.not_searched_by.is_none());
        if let Some(claim) = searched.find(|claim| claim.is(&opening, identifier)) {
            return Ok(Opened::Identifier(claim.kind.clone()));
        }
        // The entries commit to what was given first, whether anything was searched by it or not. Only claims without
        // identifiers, as they were before version 3, leave nothing else to go by.
        if self.claims.identifiers.is_empty() && commitment(&opening, identifier) == self.claims.subject.commitment {
            return Ok(Opened::Subject);
        }
        Err(CertificateError::OtherPerson)
    }
}

/// In the log's order; and where one comes right after the other, chained.
fn follows(before: Option<&Value>, entry: &Value) -> Option<()> {
    let Some(before) = before else { return Some(()) };
    let (earlier, later) = (before["index"].as_u64()?, entry["index"].as_u64()?);
    let chained = entry["previous_hash"] == before["hash"];
    (later > earlier && (later != earlier + 1 || chained)).then_some(())
}

fn same_checkpoint(found: &Checkpoint, given: &Checkpoint) -> Result<(), CertificateError> {
    if found.origin != given.origin {
        return Err(CertificateError::OtherKey { stated: found.origin.clone(), given: given.origin.clone() });
    }
    if found.size != given.size {
        return Err(CertificateError::OtherCheckpoint { found: found.size, given: given.size });
    }
    if found.root == given.root { Ok(()) } else { Err(CertificateError::Fork) }
}

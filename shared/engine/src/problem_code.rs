//! Why a call was refused or failed, as programs see it.

use serde::{Serialize, Serializer};
use std::fmt;

macro_rules! problem_codes {
    ($($name:ident = $code:literal: $meaning:literal,)+) => {
        /// A stable code of a problem (RFC 9457). Once published, one keeps its meaning and never goes.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ProblemCode {
            $(#[doc = $meaning] $name,)+
        }

        impl ProblemCode {
            /// All there are, by name.
            pub const ALL: &[ProblemCode] = &[$(ProblemCode::$name,)+];

            /// As it is written in answers.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(ProblemCode::$name => $code,)+
                }
            }

            /// What it says, in a sentence.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $(ProblemCode::$name => $meaning,)+
                }
            }
        }
    };
}

problem_codes! {
    AlreadyDecided = "already_decided": "Somebody decided before, or the time to decide is over.",
    AlreadyExecuting = "already_executing": "The request was approved before.",
    AlreadyExtended = "already_extended": "The deadline was extended before; that is possible once.",
    AlreadyReleased = "already_released": "The hold was released before.",
    AlreadyVerified = "already_verified": "The identity was confirmed before.",
    AnswerNotKept = "answer_not_kept": "The call was made before, and its answer held a secret that nobody keeps.",
    BodyTooLarge = "body_too_large": "The body is larger than is accepted.",
    CategoriesNotAccepted = "categories_not_accepted": "This kind of request takes everything: it names no categories.",
    CategoryConflict = "category_conflict": "A category is asked for and left out at the same time, or something else needs one that is left out.",
    CategoryRestricted = "category_restricted": "The export holds a category that this role may not see.",
    ChangedMeanwhile = "changed_meanwhile": "Somebody else changed it at the same moment; nothing was changed by this call.",
    CodeNeeded = "code_needed": "A one-time code is needed for this.",
    CodeNotEnrolled = "code_not_enrolled": "Whoever calls has no one-time codes yet.",
    CodeWrong = "code_wrong": "The one-time code is wrong, or was used before.",
    ConfirmationNeeded = "confirmation_needed": "It has to be said in words that this is meant.",
    DataMapMissing = "data_map_missing": "The organization has no data map yet.",
    DeliveryNotSet = "delivery_not_set": "The organization has no bucket that exports are delivered to.",
    DiscoveryRunning = "discovery_running": "The person's data is still looked for: there is no plan yet.",
    EmptyHold = "empty_hold": "A hold has to say whom or what it is about.",
    EmptyIdentity = "empty_identity": "Nothing says whose data is meant.",
    EmptyScope = "empty_scope": "Nothing would be left to do.",
    EntryPruned = "entry_pruned": "The entry is older than the log keeps entries.",
    ExportExpired = "export_expired": "The export cannot be opened any more: its time is over.",
    ExportNotReady = "export_not_ready": "The export is not packaged yet.",
    ExportRevoked = "export_revoked": "Somebody revoked the export.",
    ExtensionTooLate = "extension_too_late": "The person had to be told of an extension earlier.",
    Forbidden = "forbidden": "The credential's role may not do this.",
    FourEyesNeeded = "four_eyes_needed": "Several members could approve, so nobody approves what they asked for.",
    IdempotencyInProgress = "idempotency_in_progress": "A call with the same Idempotency-Key is being answered.",
    IdempotencyKeyReused = "idempotency_key_reused": "The Idempotency-Key came with another body to the same path before.",
    IdentifierFormInUse = "identifier_form_in_use": "Holds in force or open requests go by how identifiers of a kind are compared, and it would change.",
    IdentifierNeeded = "identifier_needed": "What is asked for needs an identifier that the request does not give.",
    IdentifierOfNobody = "identifier_of_nobody": "The data map says that an identifier is nobody.",
    Internal = "internal": "Something is not as it must be; the function's log says what.",
    InvalidCursor = "invalid_cursor": "The cursor is not one of ours, or belongs to another list.",
    InvalidDataMap = "invalid_data_map": "The data map cannot be used; the answer names the line.",
    InvalidDate = "invalid_date": "It is no date or time, or lies on the wrong side of another.",
    InvalidEmail = "invalid_email": "It is no email address.",
    InvalidIdempotencyKey = "invalid_idempotency_key": "The Idempotency-Key is not 1 to 255 visible ASCII characters without spaces.",
    InvalidIdentity = "invalid_identity": "The identifier is too long or holds characters that none has.",
    InvalidPeriod = "invalid_period": "The period ends before it starts, or begins in the future.",
    InvalidQuery = "invalid_query": "The saved query is not of the kind that is accepted; the answer names the field.",
    InvalidRecord = "invalid_record": "It is no name of a record.",
    InvalidSetting = "invalid_setting": "The setting is out of its bounds.",
    InvalidState = "invalid_state": "It does not fit the state that the request is in.",
    InvalidType = "invalid_type": "The value has the wrong JSON type.",
    InvalidValue = "invalid_value": "The value is out of its bounds or cannot be read.",
    IssuerClaimed = "issuer_claimed": "Tokens of the issuer for this audience are another organization's, or another issuer's of this one.",
    LanguageNotAvailable = "language_not_available": "Certificates are not written in this language.",
    LastAdministrator = "last_administrator": "Nobody active could administer the organization any more.",
    LegalHoldActive = "legal_hold_active": "A legal hold keeps it.",
    LogEmpty = "log_empty": "Nothing was sealed into the log yet.",
    MalformedJson = "malformed_json": "The body is not well-formed JSON.",
    MemberExists = "member_exists": "Another member has this address.",
    MethodNotAllowed = "method_not_allowed": "The path does not know this method.",
    MissingField = "missing_field": "A field that is needed is not there.",
    NotAcknowledged = "not_acknowledged": "What was not searched, or is ambiguous, has to be named by whoever approves.",
    NotCompleted = "not_completed": "The request is not completed, so there is nothing to certify.",
    NotFound = "not_found": "There is no such thing, or not for this organization.",
    NotSealed = "not_sealed": "It is not sealed into the log yet; that takes some seconds.",
    OidcSubjectTaken = "oidc_subject_taken": "Another member is whom the issuer means.",
    OwnAttestation = "own_attestation": "Whoever attested the identity does not decide, where the organization asks for that.",
    OwnProposal = "own_proposal": "Whoever proposed a data map does not confirm it.",
    OwnRequest = "own_request": "Whoever submitted a request does not decide it (four eyes).",
    PlanChanged = "plan_changed": "The plan is no longer the one that was shown.",
    PurgeRunning = "purge_running": "It is being destroyed already.",
    RateLimited = "rate_limited": "The organization uses up more than it may at the moment; Retry-After says when to come again.",
    RegimeNotOffered = "regime_not_offered": "The law named is not one that this is done under.",
    ReportNotReady = "report_not_ready": "The report is still being made.",
    RequestTypeNotOffered = "request_type_not_offered": "Requests of this type are submitted elsewhere, or not offered yet.",
    RuleNotReview = "rule_not_review": "It is a rule that says who is asked, and not something to ask: rules have a path of their own.",
    SavedQueryExists = "saved_query_exists": "There is a saved query of this name.",
    StoreClaimed = "store_claimed": "The store belongs to another organization of this deployment, or to Oubli itself.",
    TeamExists = "team_exists": "There is a team of this name.",
    TeamInUse = "team_in_use": "A rule names the team, or it is the default.",
    TooMany = "too_many": "More are named than are accepted at once.",
    TooManyCodes = "too_many_codes": "Too many wrong codes were given; wait.",
    TooManySavedQueries = "too_many_saved_queries": "The organization has as many saved queries as it may have.",
    Unauthenticated = "unauthenticated": "No valid credential came with the call.",
    Unavailable = "unavailable": "Something this call needs cannot be reached; send it again in a moment.",
    UnknownCategory = "unknown_category": "The data map has no such category, or the request does not ask for it.",
    UnknownCheckpoint = "unknown_checkpoint": "There is no checkpoint of this size.",
    UnknownEventType = "unknown_event_type": "There is no audit event of this type.",
    UnknownField = "unknown_field": "There is no such field.",
    UnknownFormat = "unknown_format": "There is no such format.",
    UnknownIdentifier = "unknown_identifier": "There is no such kind of identifier, or no such identifier in the plan.",
    UnknownMember = "unknown_member": "The token is accepted, but no member of the organization is who it means.",
    UnknownReason = "unknown_reason": "There is no such reason.",
    UnknownRecord = "unknown_record": "The request has no such record, or this cannot be done with it.",
    UnknownRegime = "unknown_regime": "There is no such law.",
    UnknownRequestType = "unknown_request_type": "There is no such type of request.",
    UnknownSavedQuery = "unknown_saved_query": "There is no saved query of this name.",
    UnknownSection = "unknown_section": "Reports have no such section.",
    UnknownStatus = "unknown_status": "There is no such status.",
    UnknownTeam = "unknown_team": "There is no such team.",
    UnknownType = "unknown_type": "There is no such type.",
    UnsupportedMediaType = "unsupported_media_type": "The body is not announced as application/json.",
    VerificationRequired = "verification_required": "The person's identity is not confirmed yet.",
    WindowClosed = "window_closed": "The recovery window is closed; nothing can be put back any more.",
}

impl fmt::Display for ProblemCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl PartialEq<&str> for ProblemCode {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl Serialize for ProblemCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

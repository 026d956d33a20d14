//! How each operation can be refused: what the description says beside each status, and which codes there are for input that
//! fits its description.

use crate::problem::MEDIA_TYPE;
use oubli_engine::ProblemCode as C;
use serde::Serialize;
use utoipa::{
    ToSchema,
    openapi::{
        ContentBuilder, Header, ObjectBuilder, Ref, ResponseBuilder, Type, extensions::ExtensionsBuilder, path::Operation,
    },
};

/// What API Gateway answers by itself, before or instead of a function: too many calls, or one that does not answer.
#[derive(Serialize, ToSchema)]
#[schema(as = GatewayAnswer)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) struct GatewayBody {
    /// What happened.
    message: String,
}

/// The codes that input has which fits its description: of what it says (400), of who says it (403), and of the state that
/// things are in (409).
struct Refused {
    operation: &'static str,
    input: &'static [&'static [C]],
    caller: &'static [C],
    state: &'static [C],
}

const fn refused(operation: &'static str, input: &'static [&'static [C]], state: &'static [C]) -> Refused {
    Refused { operation, input, caller: &[], state }
}

impl Refused {
    const fn and_by_caller(self, caller: &'static [C]) -> Self {
        Self { caller, ..self }
    }
}

/// Of a person who is named.
const PERSON: &[C] = &[C::EmptyIdentity, C::InvalidIdentity, C::InvalidEmail, C::IdentifierOfNobody];
/// Of identifiers of any kind.
const IDENTIFIERS: &[C] = &[C::TooMany, C::UnknownIdentifier];
const CATEGORIES: &[C] = &[C::UnknownCategory];
const DATE: &[C] = &[C::InvalidDate];
const CURSOR: &[C] = &[C::InvalidCursor];
const RECORDS: &[C] = &[C::InvalidRecord, C::UnknownRecord];
const MAP: &[C] = &[C::InvalidDataMap];
const VALUE: &[C] = &[C::InvalidValue];
/// Of a rule that says who is asked.
const RULE: &[C] = &[C::UnknownTeam, C::UnknownField, C::MissingField, C::InvalidType, C::TooMany];
/// Of whoever decides on what they asked for or attested.
const OWN: &[C] = &[C::OwnRequest, C::OwnAttestation];
/// Of a request that has no plan to decide on.
const UNDECIDABLE: &[C] = &[C::VerificationRequired, C::DiscoveryRunning, C::AlreadyExecuting, C::InvalidState];

const OPERATIONS: &[Refused] = &[
    refused("query_audit_log", &[PERSON, DATE, CURSOR], &[]),
    refused("search_audit_log", &[PERSON, IDENTIFIERS, DATE, CURSOR], &[]),
    refused("get_log_checkpoint", &[], &[C::LogEmpty]),
    refused("export_audit_log", &[DATE], &[C::LogEmpty]),
    refused("get_log_proof", &[VALUE, &[C::UnknownCheckpoint]], &[C::LogEmpty, C::NotSealed, C::EntryPruned]),
    refused("discover_data", &[PERSON, IDENTIFIERS], &[C::DataMapMissing]),
    refused("list_erasure_requests", &[CURSOR], &[]),
    refused(
        "submit_erasure_request",
        &[PERSON, IDENTIFIERS, DATE, CATEGORIES, &[C::CategoriesNotAccepted, C::CategoryConflict, C::EmptyScope]],
        &[C::DataMapMissing],
    ),
    refused("cancel_erasure_request", &[], &[C::InvalidState, C::PurgeRunning]),
    refused("certify_erasure_request", &[], &[C::NotCompleted, C::NotSealed, C::LogEmpty, C::EntryPruned]),
    refused("list_erasure_request_conflicts", &[CURSOR], &[]),
    refused("give_up_erasure_request_conflicts", &[RECORDS], &[C::InvalidState, C::WindowClosed, C::LegalHoldActive]),
    refused(
        "execute_erasure_request",
        &[CATEGORIES, DATE, VALUE, &[C::NotAcknowledged]],
        &[
            C::VerificationRequired,
            C::DiscoveryRunning,
            C::AlreadyExecuting,
            C::InvalidState,
            C::PlanChanged,
            C::NotAcknowledged,
            C::LegalHoldActive,
            C::DataMapMissing,
        ],
    )
    .and_by_caller(OWN),
    refused("extend_erasure_request", &[], &[C::InvalidState, C::AlreadyExtended, C::ExtensionTooLate]),
    refused(
        "name_erasure_identifiers",
        &[&[C::UnknownIdentifier]],
        &[C::VerificationRequired, C::DiscoveryRunning, C::AlreadyExecuting, C::InvalidState, C::PlanChanged],
    ),
    refused("reject_erasure_request", &[], UNDECIDABLE).and_by_caller(OWN),
    refused("resolve_erasure_request", &[], &[C::InvalidState]),
    refused("restore_erasure_request", &[CATEGORIES, RECORDS], &[C::InvalidState, C::WindowClosed, C::DataMapMissing]),
    refused("retry_erasure_request", &[], &[C::InvalidState]),
    refused("verify_erasure_request", &[DATE], &[C::InvalidState, C::AlreadyVerified]),
    refused("list_export_requests", &[CURSOR], &[]),
    refused(
        "submit_export_request",
        &[
            PERSON,
            IDENTIFIERS,
            DATE,
            CATEGORIES,
            &[C::CategoryConflict, C::EmptyScope, C::UnknownSavedQuery, C::IdentifierNeeded, C::DeliveryNotSet],
        ],
        &[C::DataMapMissing],
    ),
    refused("open_export", &[], &[C::ExportNotReady, C::ExportExpired, C::ExportRevoked, C::AnswerNotKept]).and_by_caller(&[
        C::CategoryRestricted,
        C::OwnRequest,
        C::CodeNeeded,
        C::CodeNotEnrolled,
        C::CodeWrong,
        C::TooManyCodes,
    ]),
    refused("revoke_export", &[], &[C::InvalidState]),
    refused("cancel_export_request", &[], &[C::InvalidState]),
    refused(
        "execute_export_request",
        &[CATEGORIES, DATE, VALUE, &[C::NotAcknowledged]],
        &[
            C::VerificationRequired,
            C::DiscoveryRunning,
            C::AlreadyExecuting,
            C::InvalidState,
            C::PlanChanged,
            C::NotAcknowledged,
            C::DataMapMissing,
        ],
    )
    .and_by_caller(OWN),
    refused(
        "name_export_identifiers",
        &[&[C::UnknownIdentifier]],
        &[C::VerificationRequired, C::DiscoveryRunning, C::AlreadyExecuting, C::InvalidState, C::PlanChanged],
    ),
    refused("reject_export_request", &[], UNDECIDABLE).and_by_caller(OWN),
    refused("retry_export_request", &[], &[C::InvalidState]),
    refused("verify_export_request", &[DATE], &[C::InvalidState, C::AlreadyVerified]),
    refused("list_legal_holds", &[PERSON, CURSOR], &[]),
    refused("search_legal_holds", &[PERSON, IDENTIFIERS, CURSOR], &[]),
    refused("place_legal_hold", &[PERSON, IDENTIFIERS, CATEGORIES, &[C::EmptyHold]], &[C::DataMapMissing]),
    refused("release_legal_hold", &[], &[C::AlreadyReleased]),
    refused("create_compliance_report", &[DATE, &[C::InvalidPeriod]], &[]),
    refused("get_compliance_report_file", &[], &[C::ReportNotReady]),
    refused(
        "register_saved_query",
        &[CATEGORIES, VALUE, &[C::InvalidQuery]],
        &[C::SavedQueryExists, C::TooManySavedQueries, C::DataMapMissing],
    ),
    refused(
        "change_settings",
        &[&[C::InvalidSetting]],
        &[C::ConfirmationNeeded, C::FourEyesNeeded, C::IdentifierFormInUse, C::StoreClaimed],
    ),
    refused("add_member", &[&[C::InvalidEmail], VALUE], &[C::MemberExists, C::OidcSubjectTaken]),
    refused("change_member", &[&[C::InvalidEmail], VALUE], &[C::MemberExists, C::LastAdministrator, C::OidcSubjectTaken]),
    refused("set_issuer", &[VALUE], &[C::IssuerClaimed]),
    refused("request_review", &[VALUE, &[C::RuleNotReview]], &[]),
    refused("list_reviews", &[&[C::UnknownStatus]], &[]),
    refused("decide_review", &[VALUE, &[C::MissingField]], &[C::AlreadyDecided]).and_by_caller(&[C::OwnRequest]),
    refused("post_review_decision", &[VALUE, &[C::MissingField]], &[C::AlreadyDecided]).and_by_caller(&[C::OwnRequest]),
    refused("give_review_feedback", &[VALUE], &[C::TooMany]),
    refused("add_routing_rule", &[VALUE, RULE], &[C::TooMany]),
    refused("change_routing_rule", &[VALUE, RULE], &[]),
    refused("try_routing_rules", &[VALUE, &[C::RuleNotReview]], &[]),
    refused("add_team", &[], &[C::TeamExists, C::TooMany]),
    refused("change_team", &[], &[C::TeamExists]),
    refused("remove_team", &[], &[C::TeamInUse]),
    refused("create_key", &[VALUE, DATE], &[C::AnswerNotKept]),
    refused("rotate_key", &[], &[C::AnswerNotKept]),
    refused("enroll_codes", &[], &[C::AnswerNotKept]),
    refused("publish_map", &[MAP], &[C::IdentifierFormInUse, C::StoreClaimed]),
    refused("preview_map", &[MAP], &[]),
    refused("confirm_map", &[MAP], &[C::IdentifierFormInUse, C::StoreClaimed]).and_by_caller(&[C::OwnProposal]),
];

/// Reading that is noted in the log, which two can do at the same moment.
const READING_NOTED: &[&str] = &[
    "query_audit_log",
    "search_audit_log",
    "get_log_proof",
    "list_legal_holds",
    "get_erasure_request",
    "get_export_request",
    "get_legal_hold",
    "list_erasure_request_conflicts",
    "get_compliance_report_file",
];

/// Safe to repeat without remembering their answers.
const NOT_REMEMBERED: &[&str] = &[
    "certify_erasure_request",
    "create_compliance_report",
    "export_audit_log",
    "preview_map",
    "search_audit_log",
    "search_legal_holds",
    "try_routing_rules",
];

/// Of which wrong input is answered 422, as clients of theirs that others made expect.
pub(crate) const UNPROCESSABLE: &[&str] = &[
    "request_review",
    "list_reviews",
    "get_review",
    "decide_review",
    "post_review_decision",
    "get_review_decision",
    "give_review_feedback",
    "list_review_feedback",
    "get_review_stats",
    "add_routing_rule",
    "list_routing_rules",
    "get_routing_rule",
    "change_routing_rule",
    "remove_routing_rule",
    "try_routing_rules",
];

/// What a method takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    /// No body, and it changes nothing.
    Nothing,
    /// No body.
    NoBody,
    /// A body.
    Body,
    /// A body, and an `Idempotency-Key`.
    BodyAndKey,
}

/// Says of an operation that needs a credential how it can be refused. What it says by itself stays.
pub(crate) fn describe(operation: &mut Operation, takes: Takes) {
    let id = operation.operation_id.clone().unwrap_or_default();
    let own = OPERATIONS.iter().find(|refused| refused.operation == id);
    let (input, caller, state) = own.map_or((&[][..], &[][..], &[][..]), |own| (own.input, own.caller, own.state));
    let input: Vec<C> = input.iter().copied().flatten().copied().collect();
    let mut responses = vec![
        ("401", problem("No valid credential.", &[C::Unauthenticated])),
        (
            "403",
            problem(
                "The credential, or whoever it belongs to, may not do this.",
                &[&[C::Forbidden, C::UnknownMember][..], caller].concat(),
            ),
        ),
        ("404", problem("There is no such thing for the credential's organization.", &[C::NotFound])),
        ("429", gateway(again(problem("Too many calls. Try again later.", &[C::RateLimited])))),
        ("500", gateway(problem("Something is not as it must be.", &[C::Internal]))),
        ("503", gateway(again(problem("Something is unreachable. Try again in a moment.", &[C::Unavailable])))),
    ];
    let remembered = takes == Takes::BodyAndKey && !NOT_REMEMBERED.contains(&id.as_str());
    let wrong = "The input is wrong; `errors` names the fields.";
    let other_body = "The `Idempotency-Key` belongs to another body.";
    match (UNPROCESSABLE.contains(&id.as_str()), remembered) {
        (true, true) => {
            let codes = [&input[..], &[C::IdempotencyKeyReused]].concat();
            responses.push(("422", problem(&format!("{wrong} Or: {other_body}"), &codes)));
        }
        (true, false) => responses.push(("422", problem(wrong, &input))),
        (false, _) => responses.push(("400", problem(wrong, &input))),
    }
    let mut conflicts = state.to_vec();
    if takes != Takes::Nothing || READING_NOTED.contains(&id.as_str()) {
        conflicts.push(C::ChangedMeanwhile);
    }
    if remembered {
        conflicts.push(C::IdempotencyInProgress);
        if !UNPROCESSABLE.contains(&id.as_str()) {
            responses.push(("422", problem(other_body, &[C::IdempotencyKeyReused])));
        }
    }
    if !conflicts.is_empty() {
        responses.push(("409", problem("It does not fit the state of things.", &conflicts)));
    }
    if matches!(takes, Takes::Body | Takes::BodyAndKey) {
        let text = "The body is larger than 64 KiB, than 5 MiB where it is a review, or than 512 KiB where it is a data map.";
        responses.push(("413", gateway(problem(text, &[C::BodyTooLarge]))));
        responses.push(("415", problem("The body is not declared as JSON.", &[C::UnsupportedMediaType])));
    }
    for (status, response) in responses {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| response.into());
    }
}

/// A refusal with a problem document. The codes are those that a call can have whose input fits its description.
fn problem(text: &str, codes: &[C]) -> ResponseBuilder {
    let names: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
    let description = match names.as_slice() {
        [] => text.to_owned(),
        names => format!("{text} What fits its description can be answered: `{}`.", names.join("`, `")),
    };
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response = ResponseBuilder::new().description(description).content(MEDIA_TYPE, content);
    response.extensions(Some(ExtensionsBuilder::new().add("x-problems", names).build()))
}

/// And that API Gateway can answer so by itself.
fn gateway(response: ResponseBuilder) -> ResponseBuilder {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("GatewayAnswer"))).build();
    response.content("application/json", content)
}

/// And that it may say when to try again.
fn again(response: ResponseBuilder) -> ResponseBuilder {
    let seconds = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0));
    let mut header = Header::new(seconds);
    header.description = Some("Seconds after which to try again, where it is known.".to_owned());
    response.header("Retry-After", header)
}

#[cfg(test)]
mod tests {
    use super::*;
    use utoipa::openapi::{RefOr, Response};

    /// The codes that a response says it can have.
    fn codes_of(response: &Response) -> Vec<String> {
        let codes = response.extensions.as_ref().and_then(|all| all.get("x-problems")).and_then(|codes| codes.as_array());
        codes.into_iter().flatten().filter_map(|code| code.as_str().map(ToOwned::to_owned)).collect()
    }

    fn operations() -> Vec<Operation> {
        let items = crate::openapi().paths.paths.into_values();
        items.flat_map(|item| [item.get, item.post, item.put, item.patch, item.delete]).flatten().collect()
    }

    #[test]
    fn every_operation_named_is_one_and_none_is_named_twice() {
        let there: Vec<String> = operations().into_iter().filter_map(|operation| operation.operation_id).collect();
        let mut named: Vec<&str> = OPERATIONS.iter().map(|refused| refused.operation).collect();
        for operation in named.iter().chain(READING_NOTED).chain(NOT_REMEMBERED) {
            assert!(there.iter().any(|id| id == operation), "there is no operation {operation}");
        }
        named.sort_unstable();
        let all = named.len();
        named.dedup();
        assert_eq!(named.len(), all);
    }

    #[test]
    fn every_refusal_says_its_codes_in_words_too() {
        let mut seen = 0;
        for operation in operations() {
            for (status, response) in &operation.responses.responses {
                let RefOr::T(response) = response else { panic!("a reference") };
                for code in codes_of(response) {
                    assert!(response.description.contains(&format!("`{code}`")), "{:?} {status} {code}", operation.operation_id);
                    seen += 1;
                }
            }
        }
        assert!(seen > 400, "{seen}");
    }
}

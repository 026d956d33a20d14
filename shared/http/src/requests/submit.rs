//! Submitting a request.

use super::{Erasure, answers::RequestAnswer};
use crate::{
    call::{Post, scoped},
    checks::{Checks, MAX_LABEL},
    idempotency::Answer,
    json::Object,
    problem::Problem,
    requests::kind::{self, Submission},
    rooms::IntakeRooms,
    shapes,
    subject::{GivenIdentifiers, IdentifierBody},
    words::{Reason, RequestType, Word},
};
use axum::extract::State;
use oubli_domain::{
    datamap::DataMap,
    ids::{Category, RequestId},
};
use oubli_engine::{
    Naming, ProblemCode,
    api::{NewRequest, RequestKind, Scope, Verification},
};
use serde::Deserialize;
use utoipa::ToSchema;

/// A request to submit.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "subject_id": "cust-00042",
    "subject_email": "mara.lindqvist@example.com",
    "request_type": "full_erasure",
    "reason": "consent_withdrawn",
    "verification": { "method": "email_link", "verified_at": "2026-01-05T09:00:00Z" },
    "scope": { "include_backups": true, "include_logs": true, "include_derived_data": true }
}))]
pub(crate) struct NewErasureRequest {
    /// Accepted where it is the credential's own; any other answers 404.
    #[schema(value_type = Option<shapes::OrganizationId>)]
    organization_id: Option<String>,
    /// The organization's own id of the person. This, or `subject_email`, or both.
    #[schema(value_type = Option<shapes::Identifier>)]
    subject_id: Option<String>,
    /// The person's email address.
    #[schema(value_type = Option<shapes::EmailAddress>)]
    subject_email: Option<String>,
    /// More identifiers of the person, of kinds that the data map declares.
    #[schema(max_items = 10, value_type = Option<Vec<IdentifierBody>>)]
    identifiers: Option<Vec<Object<IdentifierBody>>>,
    /// What is asked: `full_erasure` or `partial_erasure`.
    #[schema(value_type = shapes::ErasureType)]
    request_type: Option<String>,
    /// Why.
    #[schema(value_type = Reason)]
    reason: Option<String>,
    /// When the request reached the controller, if that was before it is submitted here: `deadline` and `legal_deadline`
    /// count from then. Now unless given; from 2018-05-25T00:00:00Z on, and not in the future.
    #[schema(format = DateTime, example = "2026-01-04T08:00:00Z")]
    received_at: Option<String>,
    /// That the person's identity was checked. Without it the request waits for `verify`.
    #[schema(value_type = Option<VerificationBody>)]
    verification: Option<Object<VerificationBody>>,
    /// Copies covered besides the data itself.
    #[schema(value_type = Option<ScopeBody>)]
    scope: Option<Object<ScopeBody>>,
    /// Only these categories; for `partial_erasure`.
    #[schema(value_type = Option<shapes::SomeCategories>)]
    categories: Option<Vec<String>>,
    /// All but these categories; for `partial_erasure`.
    #[schema(value_type = Option<shapes::CategoryList>)]
    exclude_categories: Option<Vec<String>>,
    /// Do not begin before this time.
    #[schema(format = DateTime)]
    scheduled_at: Option<String>,
    /// Hide nothing before an export of the same can be opened. The export is a request of its own; the approval of the
    /// erasure covers it.
    export_first: Option<bool>,
    /// The law that sets the deadline; only `gdpr` is accepted yet.
    #[schema(value_type = Option<shapes::Regime>)]
    regime: Option<String>,
}

/// A caller's attestation.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewVerification, example = json!({ "method": "email_link", "verified_at": "2026-01-05T09:00:00Z" }))]
pub(crate) struct VerificationBody {
    /// How, in the caller's words. Kept sealed.
    #[schema(value_type = shapes::Label)]
    pub method: Option<String>,
    /// When: not in the future, nor longer ago than the organization takes.
    #[schema(format = DateTime, value_type = String)]
    pub verified_at: Option<String>,
}

impl VerificationBody {
    pub fn check(self, checks: &mut Checks, prefix: &str) -> Option<Verification> {
        let method = checks.required_text(&format!("{prefix}method"), self.method, MAX_LABEL);
        let field = format!("{prefix}verified_at");
        if self.verified_at.is_none() {
            checks.missing(&field, "a time as in RFC 3339 with its offset");
        }
        let verified_at = checks.timestamp(&field, self.verified_at.as_deref());
        Some(Verification { method: method?, verified_at: verified_at? })
    }
}

/// Copies covered; each is covered unless it says `false`.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewScope, example = json!({ "include_backups": true, "include_logs": true, "include_derived_data": true }))]
pub(crate) struct ScopeBody {
    /// Copies kept as backups.
    #[schema(default = true)]
    include_backups: Option<bool>,
    /// Logs.
    #[schema(default = true)]
    include_logs: Option<bool>,
    /// What was computed from the data.
    #[schema(default = true)]
    include_derived_data: Option<bool>,
}

scoped!(NewErasureRequest);

impl Submission for NewErasureRequest {
    fn names_categories(&self) -> bool {
        any_named([&self.categories, &self.exclude_categories])
    }

    fn check(self, id: RequestId, naming: &Naming, map: Option<&DataMap>) -> Result<NewRequest, Problem> {
        let mut checks = Checks::default();
        let identity = checks.identity(naming, GivenIdentifiers::of(&self.subject_id, &self.subject_email, &self.identifiers));
        let kind = request_type(&mut checks, self.request_type.as_deref());
        if self.reason.is_none() {
            checks.missing("reason", Reason::all().join(", "));
        }
        let reason =
            self.reason.and_then(|r| checks.word(ProblemCode::UnknownReason, "reason", &r, Reason::parse, Reason::all()));
        let received_at = checks.timestamp("received_at", self.received_at.as_deref());
        let verification = self.verification.and_then(|Object(v)| v.check(&mut checks, "verification."));
        let Object(scope) = self.scope.unwrap_or(Object(ScopeBody::default()));
        let (categories, exclude_categories) =
            scope_of_categories(&mut checks, kind, self.categories.as_deref(), self.exclude_categories.as_deref(), map);
        let scheduled_at = checks.timestamp("scheduled_at", self.scheduled_at.as_deref());
        match self.regime.as_deref() {
            None | Some("gdpr") => {}
            Some("uk_gdpr" | "ccpa") => {
                checks.refuse(ProblemCode::RegimeNotOffered, "regime", "this deployment does not count by this law", "gdpr");
            }
            Some(_) => checks.refuse(ProblemCode::UnknownRegime, "regime", "there is no such word for it", "gdpr"),
        }
        let all = match (identity, kind, reason) {
            (Some(identity), Some(kind), Some(reason)) => Some(NewRequest {
                id,
                identity,
                kind,
                reason,
                received_at,
                verification,
                scope: Scope {
                    include_backups: scope.include_backups.unwrap_or(true),
                    include_logs: scope.include_logs.unwrap_or(true),
                    include_derived_data: scope.include_derived_data.unwrap_or(true),
                },
                categories,
                exclude_categories,
                scheduled_at,
                export_first: self.export_first.unwrap_or_default(),
                saved_queries: None,
                deliver: false,
            }),
            _ => None,
        };
        checks.finish_with(all)
    }
}

fn request_type(checks: &mut Checks, word: Option<&str>) -> Option<RequestKind> {
    let accepted = "full_erasure, partial_erasure";
    match word {
        None => checks.missing("request_type", accepted),
        Some("export") => {
            let accepted = "full_erasure, partial_erasure; exports have a place of their own, /v1/compliance/export-requests";
            checks.refuse(ProblemCode::RequestTypeNotOffered, "request_type", "this is where erasures are asked for", accepted);
        }
        Some("pseudonymize") => {
            checks.refuse(ProblemCode::RequestTypeNotOffered, "request_type", "this deployment does not offer it", accepted);
        }
        Some(word) => {
            let erasures = |word: &str| RequestType::parse(word).filter(|kind| kind.changes_records());
            return checks.word(
                ProblemCode::UnknownRequestType,
                "request_type",
                word,
                erasures,
                &["full_erasure", "partial_erasure"],
            );
        }
    }
    None
}

/// Whether any of these lists names a category.
pub(crate) fn any_named(lists: [&Option<Vec<String>>; 2]) -> bool {
    lists.into_iter().flatten().any(|list| !list.is_empty())
}

/// The categories of the two lists, and what they mean together.
pub(crate) fn scope_of_categories(
    checks: &mut Checks,
    kind: Option<RequestKind>,
    only: Option<&[String]>,
    exclude: Option<&[String]>,
    map: Option<&DataMap>,
) -> (Vec<Category>, Vec<Category>) {
    let excluded = exclude.unwrap_or_default();
    if kind == Some(RequestKind::FullErasure) && (only.is_some_and(|o| !o.is_empty()) || !excluded.is_empty()) {
        let field = if excluded.is_empty() { "categories" } else { "exclude_categories" };
        let accepted = "no categories; or request_type partial_erasure with them";
        checks.refuse(ProblemCode::CategoriesNotAccepted, field, "a full erasure covers every category", accepted);
    }
    if kind == Some(RequestKind::PartialErasure) && only.is_none() && excluded.is_empty() {
        let reason = "a partial erasure must say what it covers";
        checks.refuse(
            ProblemCode::EmptyScope,
            "categories",
            reason,
            "categories, or exclude_categories, with at least one category",
        );
    }
    for (place, name) in excluded.iter().enumerate() {
        if only.is_some_and(|only| only.contains(name)) {
            let field = format!("exclude_categories[{place}]");
            checks.refuse(
                ProblemCode::CategoryConflict,
                &field,
                "categories names it too",
                "each category in one of the two lists",
            );
        }
    }
    let known = map.map(DataMap::categories).unwrap_or_default();
    if only.is_none() && !known.is_empty() && known.iter().all(|c| excluded.iter().any(|e| e == c.as_str())) {
        let reason = "it leaves out every category there is";
        checks.refuse(ProblemCode::EmptyScope, "exclude_categories", reason, "a list that leaves at least one category");
    }
    (checks.narrowing("categories", only, map), checks.categories("exclude_categories", excluded, map))
}

/// Submit a request
///
/// Without `verification` the request waits in `awaiting_verification`. A repeated request for the same person is
/// accepted and names the first in `duplicate_of`.
#[utoipa::path(
    post,
    path = "/v1/compliance/erasure-requests",
    tag = "erasure requests",
    operation_id = "submit_erasure_request",
    request_body = NewErasureRequest,
    responses((status = 201, description = "Accepted.", body = RequestAnswer)),
)]
pub(crate) async fn submit(engine: State<IntakeRooms>, post: Post<NewErasureRequest>) -> Result<Answer, Problem> {
    kind::submit::<Erasure>(engine, post).await
}

#[cfg(test)]
#[path = "submit_tests.rs"]
mod tests;

//! Refusals on the wire: problem details (RFC 9457) with a stable code, the field, and what to do instead.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use oubli_domain::access::Action;
use oubli_engine::{EngineError, ProblemCode, Refusal, RefusalKind};
use serde::Serialize;
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

/// What an answer of this kind is, for clients that look at content types.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

/// Why a call was refused or failed. It never repeats a value that was sent.
#[derive(Debug, Clone)]
pub struct Problem {
    body: Box<ProblemBody>,
    retry_after: Option<u16>,
}

/// Why a call was refused or failed (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// `urn:oubli:problem:` and the code.
    #[serde(rename = "type")]
    #[schema(example = "urn:oubli:problem:legal_hold_active")]
    kind: String,
    /// The code in words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong with this very call.
    detail: String,
    /// The same again: some clients print this field and nothing else.
    message: String,
    /// Stable, for programs.
    #[schema(example = "legal_hold_active")]
    #[schema(value_type = Code)]
    code: ProblemCode,
    /// What to do instead.
    remedy: String,
    /// The fields concerned, if any are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldError>,
}

/// One field that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// Its path, such as `verification.verified_at` or `exclusions[0].category`.
    pub field: String,
    /// Stable, for programs.
    #[schema(value_type = Code)]
    pub code: ProblemCode,
    /// What is wrong.
    pub reason: String,
    /// What would be accepted.
    pub accepted: String,
}

impl Problem {
    /// A problem that concerns no field.
    pub fn new(status: StatusCode, code: ProblemCode, detail: impl Into<String>, remedy: impl Into<String>) -> Self {
        let (title, detail) = (title(code.as_str()), detail.into());
        let message = if detail.is_empty() { title.clone() } else { detail.clone() };
        let body = ProblemBody {
            kind: format!("urn:oubli:problem:{code}"),
            title,
            status: status.as_u16(),
            detail,
            message,
            code,
            remedy: remedy.into(),
            errors: Vec::new(),
        };
        Self { body: Box::new(body), retry_after: None }
    }

    /// Input with fields that cannot be accepted; its code is that of the first.
    pub fn fields(status: StatusCode, errors: Vec<FieldError>) -> Self {
        let Some(first) = errors.first() else {
            return Self::new(
                status,
                ProblemCode::InvalidValue,
                "The input cannot be accepted.",
                "Correct it and send it again.",
            );
        };
        let detail = match errors.len() {
            1 => format!("{}: {}.", first.field, first.reason),
            n => format!("{}: {} (and {} more, see errors).", first.field, first.reason, n - 1),
        };
        let remedy = format!("Accepted: {}.", first.accepted);
        let mut problem = Self::new(status, first.code, detail, remedy);
        problem.body.errors = errors;
        problem
    }

    /// One field that cannot be accepted.
    pub fn field(code: ProblemCode, field: &str, reason: &str, accepted: impl Into<String>) -> Self {
        let error = FieldError { field: field.to_owned(), code, reason: reason.to_owned(), accepted: accepted.into() };
        Self::fields(StatusCode::BAD_REQUEST, vec![error])
    }

    /// With this status where the input is what is wrong.
    pub(crate) fn unfit(mut self, status: StatusCode) -> Self {
        if self.status() == StatusCode::BAD_REQUEST {
            self.body.status = status.as_u16();
        }
        self
    }

    /// No credential, or one that is not known.
    pub fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            ProblemCode::Unauthenticated,
            "No valid credential came with the call.",
            "Send the header Authorization: Bearer with an API key that has not been revoked, or a token of your issuer.",
        )
    }

    /// A credential whose role may not do this.
    pub(crate) fn forbidden(action: Action) -> Self {
        Refusal::of_role(action).into()
    }

    /// The stable code.
    pub fn code(&self) -> ProblemCode {
        self.body.code
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.body.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(crate) fn retry_after(mut self, seconds: u16) -> Self {
        self.retry_after = Some(seconds);
        self
    }
}

/// [`ProblemCode`] in the description of the API.
pub(crate) struct Code;

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        let words = ProblemCode::ALL.iter().map(|code| code.as_str());
        let description = "Stable, for programs; more may come. What each says: docs/problems.md.";
        ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).description(Some(description)).build().into()
    }
}

impl ToSchema for Code {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("ProblemCode")
    }
}

fn title(code: &str) -> String {
    let mut title = code.replace('_', " ");
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.kind {
            RefusalKind::Invalid => StatusCode::BAD_REQUEST,
            RefusalKind::NotFound => StatusCode::NOT_FOUND,
            RefusalKind::Forbidden if refusal.code == ProblemCode::Unauthenticated => return Self::unauthenticated(),
            RefusalKind::Forbidden => StatusCode::FORBIDDEN,
            RefusalKind::Conflict => StatusCode::CONFLICT,
            RefusalKind::Throttled { .. } => StatusCode::TOO_MANY_REQUESTS,
        };
        let mut problem = Self::new(status, refusal.code, refusal.detail.clone(), refusal.remedy.clone());
        if let RefusalKind::Throttled { seconds } = refusal.kind {
            problem = problem.retry_after(seconds);
        }
        problem.body.errors.extend(refusal.field.map(|field| FieldError {
            field,
            code: refusal.code,
            reason: refusal.detail,
            accepted: refusal.remedy,
        }));
        problem
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Refused(refusal) => refusal.into(),
            EngineError::Transient(fault) => {
                tracing::warn!(reason = %fault, "unavailable");
                let detail = "Something this call needs cannot be reached at the moment.";
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    ProblemCode::Unavailable,
                    detail,
                    "Send the same call again in a moment.",
                )
                .retry_after(1)
            }
            EngineError::Conflict(reason) => {
                tracing::info!(reason, "conflict");
                let detail = "Somebody else changed it at the same moment; nothing was changed by this call.";
                Self::new(
                    StatusCode::CONFLICT,
                    ProblemCode::ChangedMeanwhile,
                    detail,
                    "Read it again, then repeat the call if it still fits.",
                )
            }
            EngineError::Internal(fault) => {
                tracing::error!(reason = %fault, "internal");
                let detail = "Something is not as it must be; the log of this call says what.";
                Self::new(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    ProblemCode::Internal,
                    detail,
                    "Ask whoever runs this deployment to look.",
                )
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = (status, Json(&*self.body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // For the log line of the call, which knows nothing else of the body.
        if let Ok(code) = HeaderValue::from_str(self.body.code.as_str()) {
            headers.insert(CODE_HEADER, code);
        }
        response
    }
}

/// Repeats the code outside the body.
pub(crate) const CODE_HEADER: HeaderName = HeaderName::from_static("oubli-problem");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_stays_inside() {
        let problem = Problem::from(EngineError::internal("item pk=secret"));
        assert_eq!(problem.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!format!("{problem:?}").contains("secret"));
        assert!(!format!("{:?}", Problem::from(EngineError::transient("secret"))).contains("secret"));
    }

    #[test]
    fn each_kind_of_refusal_has_its_status() {
        let status = |error: EngineError| Problem::from(error).status().as_u16();
        assert_eq!(status(Refusal::invalid(ProblemCode::InvalidValue, "f", "d", "r").into()), 400);
        assert_eq!(status(Refusal::forbidden(ProblemCode::Unauthenticated, "d", "r").into()), 401);
        assert_eq!(status(Refusal::forbidden(ProblemCode::Forbidden, "d", "r").into()), 403);
        assert_eq!(status(Refusal::not_found("request").into()), 404);
        assert_eq!(status(Refusal::conflict(ProblemCode::InvalidValue, "d", "r").into()), 409);
        let throttled = Refusal { kind: RefusalKind::Throttled { seconds: 3 }, ..Refusal::not_found("request") };
        assert_eq!(status(throttled.clone().into()), 429);
        assert_eq!(Problem::from(throttled).into_response().headers()[header::RETRY_AFTER], "3");
        assert_eq!(status(EngineError::Conflict("x")), 409);
        assert_eq!(status(EngineError::transient("x")), 503);
    }

    #[test]
    fn a_problem_has_a_message_for_clients_that_print_nothing_else() {
        let of = |detail: &str| {
            let problem = Problem::new(StatusCode::CONFLICT, ProblemCode::PlanChanged, detail, "Read it again.");
            crate::samples::body(&problem)["message"].clone()
        };
        assert_eq!(of("Another plan stands."), "Another plan stands.");
        assert_eq!(of(""), "Plan changed");
    }

    #[test]
    fn a_title_is_the_code_in_words() {
        assert_eq!(title("legal_hold_active"), "Legal hold active");
    }
}

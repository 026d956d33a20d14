//! The description of the API, generated from its code.

use crate::{audit, exports, holds, ledger, meta, problem::ProblemBody, queries, reports, requests};
use oubli_engine::Engine;
use utoipa::{
    IntoParams, Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::router::OpenApiRouter;

/// A header that every POST accepts.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "only its description is used")]
pub(crate) struct IdempotencyKey {
    /// Makes it safe to repeat this call: within 24 hours the same key with the same body, from the same credential,
    /// has its effect once and gets the same answer. 1 to 255 printable ASCII characters, such as a UUID.
    #[param(rename = "Idempotency-Key", required = false, example = "5f0c0c1e-6b1f-4f0e-9d39-0f6f6f1c9a11")]
    idempotency_key: Option<String>,
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Oubli",
        description = "The right to be forgotten inside your own AWS account: find a person's data, have its erasure \
                       approved, hide it, remove it for good after a recovery window, and prove it.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    modifiers(&Bearer),
    // Refusals name it, and what they name is not collected by itself.
    components(schemas(ProblemBody)),
    tags(
        (name = "erasure requests", description = "Submit, watch, cancel and restore."),
        (name = "export requests", description = "A person's data as one encrypted archive."),
        (name = "saved queries", description = "What an export shows besides the records of the data map."),
        (name = "decisions", description = "Approve or reject a plan."),
        (name = "data discovery", description = "What is there for a subject, before anything is submitted."),
        (name = "legal holds", description = "What must not be touched."),
        (name = "audit log", description = "Every change, in order."),
        (name = "reports", description = "How many, how long, and whether targets were met."),
        (name = "about", description = "The API itself."),
    ),
)]
struct Oubli;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut Document) {
        let description = "An API key of the organization: `oubli admin key create`.";
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some(description)).build();
        openapi.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// What intake serves.
pub(crate) fn intake() -> OpenApiRouter<Engine> {
    OpenApiRouter::new()
        .merge(requests::intake())
        .merge(exports::intake())
        .merge(queries::intake())
        .merge(holds::intake())
        .merge(audit::intake())
        .merge(ledger::intake())
        .merge(meta::intake())
}

/// What all functions serve.
pub(crate) fn everything() -> OpenApiRouter<Engine> {
    OpenApiRouter::with_openapi(Oubli::openapi())
        .merge(intake())
        .merge(review())
        .merge(discovery())
        .merge(report())
        .merge(exports::export())
}

/// What review serves.
pub(crate) fn review() -> OpenApiRouter<Engine> {
    OpenApiRouter::new().merge(requests::review()).merge(exports::review())
}

/// What discovery serves.
pub(crate) fn discovery() -> OpenApiRouter<Engine> {
    OpenApiRouter::new().merge(crate::discovery::discovery()).merge(requests::discovery())
}

/// What report serves.
pub(crate) fn report() -> OpenApiRouter<Engine> {
    OpenApiRouter::new().merge(requests::report()).merge(reports::report())
}

/// The description of everything that any function serves.
pub fn openapi() -> Document {
    everything().into_openapi()
}

/// The same as JSON, with a line break at its end.
pub(crate) fn document() -> String {
    let mut text = serde_json::to_string_pretty(&openapi()).unwrap_or_default();
    text.push('\n');
    text
}

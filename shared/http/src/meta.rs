//! What needs no credential: the description of the API, and whether it is there.

use crate::{
    rooms::IntakeRooms,
    routes::{Routes, routes},
};
use axum::{
    Extension, Json,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use std::sync::OnceLock;
use utoipa::ToSchema;

/// What intake serves of it.
pub(crate) fn intake() -> Routes<IntakeRooms> {
    routes!(openapi, health)
}

/// Writes the description of the API, once somebody asks for it.
#[derive(Clone, Copy)]
pub(crate) struct Describe(pub fn() -> String);

/// That the API is there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`.
    status: &'static str,
    /// The version that is deployed.
    version: &'static str,
}

/// Say that the API is there
///
/// It needs no credential, and asks nothing that is behind the API.
#[utoipa::path(
    get,
    path = "/health",
    tag = "about",
    operation_id = "get_health",
    security(()),
    responses((status = 200, description = "It is.", body = Health)),
)]
pub(crate) async fn health() -> Json<Health> {
    Json(Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// Describe this API
///
/// In OpenAPI 3.1. `x-roles` names the roles that may call an operation, `x-problems` the codes that a refusal can have of
/// what fits its description.
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "about",
    operation_id = "get_openapi",
    security(()),
    responses((status = 200, description = "This document, OpenAPI 3.1.", body = utoipa::openapi::Object)),
)]
pub(crate) async fn openapi(Extension(Describe(describe)): Extension<Describe>) -> Response {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    let document = DOCUMENT.get_or_init(describe);
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], document.as_str()).into_response()
}

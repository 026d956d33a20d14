//! The HTTP API: requests and answers, problems, authentication, idempotency, and their description.
//!
//! Each function serves its own routes; [`openapi()`] describes them all. The rules live in the engine: what is
//! checked here is the shape of the input, and nothing here decides who may do what.
#![forbid(unsafe_code)]

mod audit;
mod call;
mod checks;
mod costs;
mod discovery;
mod exports;
mod files;
mod holds;
mod idempotency;
mod json;
mod ledger;
mod meta;
mod openapi;
mod organization;
mod page;
mod problem;
mod queries;
mod refusals;
mod reports;
mod requests;
mod reviews;
mod roles;
mod rooms;
mod routes;
mod serve;
mod shapes;
mod subject;
mod words;

#[cfg(test)]
mod samples;

pub use openapi::openapi;
pub use problem::{FieldError, Problem};

use axum::Router;
use oubli_engine::Engine;

/// What `intake` serves: requests, holds, the audit log, and the description of the API. It also refuses what no function
/// takes.
pub fn intake(engine: Engine) -> Router {
    serve::router_for_the_rest(serve::given(openapi::intake(), engine))
}

/// What `review` serves: decisions, reviews, the organization.
pub fn review(engine: Engine) -> Router {
    serve::router_also_below_v1(serve::given(openapi::review(), engine))
}

/// What `discovery` serves: looking at what is there for a subject.
pub fn discovery(engine: Engine) -> Router {
    serve::router(serve::given(openapi::discovery(), engine))
}

/// What `report` serves: certificates and compliance reports.
pub fn report(engine: Engine) -> Router {
    serve::router(serve::given(openapi::report(), engine))
}

/// What `export` serves: opening and revoking exports.
pub fn export(engine: Engine) -> Router {
    serve::router(serve::given(openapi::export(), engine))
}

/// What all functions serve, as one: for tests and simulations.
pub fn everything(engine: Engine) -> Router {
    let all = serve::given(openapi::intake(), engine.clone())
        .merge(serve::given(openapi::review(), engine.clone()))
        .merge(serve::given(openapi::discovery(), engine.clone()))
        .merge(serve::given(openapi::report(), engine.clone()))
        .merge(serve::given(openapi::export(), engine));
    serve::router_also_below_v1(all)
}

//! Around every call: a span for its log lines, one line when it is answered, and problems for what no route takes.

use crate::{
    meta::Describe,
    openapi,
    problem::{CODE_HEADER, Problem},
    rooms::Gate,
    routes::Routes,
};
use axum::{
    Extension, Router,
    extract::{MatchedPath, Request, State},
    http::{HeaderValue, StatusCode, Uri, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{MethodFilter, on},
};
use oubli_domain::ids::is_id;
use oubli_engine::{Engine, ProblemCode};
use std::{sync::OnceLock, time::Instant};
use tower::{ServiceExt as _, util::MapRequest};
use tracing::{Instrument, field::Empty};

/// Routes, given the rooms they may use.
pub(crate) fn given<G: Gate>(routes: Routes<G>, engine: Engine) -> Router {
    let resting = from_fn_with_state(engine.clone(), rested);
    routes.into_router().with_state(G::of(engine)).layer(resting)
}

/// Answers are whole when they are given, and so nothing needs a key after them.
async fn rested(State(engine): State<Engine>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    engine.rest();
    response
}

/// A router that can be served.
pub(crate) fn router(routes: Router) -> Router {
    around(refusing(routes))
}

/// The same for the function that is sent what no other function's routes take.
pub(crate) fn router_for_the_rest(routes: Router) -> Router {
    around(refusing(routes).fallback(elsewhere))
}

fn around(router: Router) -> Router {
    router.layer(from_fn(traced)).layer(Extension(Describe(openapi::document)))
}

fn refusing(router: Router) -> Router {
    router.fallback(no_route).method_not_allowed_fallback(no_method)
}

/// The same for the function whose paths others made: all of them are also below `/v1`, as everything else is.
pub(crate) fn router_also_below_v1(routes: Router) -> Router {
    let inner = MapRequest::new(router(routes), |mut request: Request| {
        if let Some(uri) = without_version(request.uri()) {
            *request.uri_mut() = uri;
        }
        request
    });
    Router::new().fallback_service(inner)
}

/// Where something is that is not below `/v1`.
fn without_version(uri: &Uri) -> Option<Uri> {
    let path = uri.path_and_query()?.as_str();
    let rest = path.strip_prefix("/v1")?;
    let first = rest.trim_start_matches('/').split(['/', '?']).next()?;
    let parts = Uri::builder().path_and_query(rest);
    ["reviews", "routing-rules", "stats"].contains(&first).then(|| parts.build().ok()).flatten()
}

/// At a path of another function it is the method that is wrong.
async fn elsewhere(request: Request) -> Response {
    // Made when first needed, which is never for most processes.
    static PATHS: OnceLock<Router> = OnceLock::new();
    PATHS.get_or_init(described).clone().oneshot(request).await.into_response()
}

/// Every path of the API with its methods, and nothing behind them: what belongs to another function is not done here.
fn described() -> Router {
    let mut router = Router::new();
    for (path, item) in openapi::openapi().paths.paths {
        let operations = [
            (MethodFilter::GET, item.get),
            (MethodFilter::POST, item.post),
            (MethodFilter::PUT, item.put),
            (MethodFilter::PATCH, item.patch),
            (MethodFilter::DELETE, item.delete),
        ];
        let methods = operations.into_iter().filter_map(|(method, operation)| operation.map(|_| method)).reduce(MethodFilter::or);
        if let Some(methods) = methods {
            router = router.route(&path, on(methods, no_route));
        }
    }
    refusing(router)
}

async fn no_route() -> Problem {
    let detail = "There is nothing at this path.";
    Problem::new(StatusCode::NOT_FOUND, ProblemCode::NotFound, detail, "GET /openapi.json describes every path there is.")
}

async fn no_method() -> Problem {
    let detail = "This path does not take this method.";
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        ProblemCode::MethodNotAllowed,
        detail,
        "The header Allow names the methods it takes.",
    )
}

/// Paths hold ids of Oubli's own, which may be logged. Names in paths are not, and no queries and bodies, which may name
/// people.
async fn traced(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let id = route.contains("{id}").then(|| request.uri().path().split('/').find(|part| is_id(part))).flatten();
    let span = tracing::info_span!("call", method = %request.method(), route, request_id = Empty, organization = Empty);
    if let Some(id) = id {
        span.record("request_id", id);
    }
    let since = Instant::now();
    async move {
        let mut response = next.run(request).await;
        let millis = u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let headers = response.headers_mut();
        let code = headers.remove(CODE_HEADER);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=63072000; includeSubDomains"));
        let code = code.as_ref().and_then(|c| c.to_str().ok()).unwrap_or_default();
        tracing::info!(status = response.status().as_u16(), code, millis, "answered");
        response
    }
    .instrument(span)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_made_is_below_v1_too_and_nothing_else_moves() {
        let moved = |path: &str| without_version(&path.parse().expect("a path")).map(|uri| uri.to_string());
        assert_eq!(moved("/v1/reviews").as_deref(), Some("/reviews"));
        assert_eq!(moved("/v1/reviews/7/decide?x=1").as_deref(), Some("/reviews/7/decide?x=1"));
        assert_eq!(moved("/v1/reviews?status=pending").as_deref(), Some("/reviews?status=pending"));
        assert_eq!(moved("/v1/stats").as_deref(), Some("/stats"));
        for other in ["/reviews", "/v1/organization/members", "/v1/reviewsx", "/v1", "/v1/compliance/reviews", "/v1x/reviews"] {
            assert_eq!(moved(other), None, "{other}");
        }
    }
}

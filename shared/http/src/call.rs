//! What every call brings: who calls, and what with. Every extractor authenticates before it reads
//! anything else.

use crate::{checks::Checks, idempotency::Key, json, problem::Problem, rooms::Gate, routes::Cost, shapes};
use axum::{
    RequestPartsExt,
    body::to_bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use jiff::Timestamp;
use lambda_http::request::RequestContext;
use oubli_domain::access::Caller;
use oubli_engine::ProblemCode;
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    convert::Infallible,
    net::IpAddr,
    str::FromStr,
    time::{Duration, Instant},
};
use utoipa::IntoParams;

/// Input that may name the organization. It is accepted where it names the credential's own; another one does not
/// exist for the caller.
pub(crate) trait Scoped: Sized {
    /// The organization named, if one is.
    fn organization_id(&self) -> Option<&str>;

    /// The largest body of this kind, in bytes.
    fn most_bytes() -> usize {
        json::MAX_BODY_BYTES
    }

    /// Reads it.
    ///
    /// # Errors
    /// What cannot be read, by its field.
    fn read(bytes: &[u8]) -> Result<Self, Problem>
    where
        Self: DeserializeOwned,
    {
        json::body(bytes)
    }

    /// The status of a refusal of this input.
    fn unfit() -> StatusCode {
        StatusCode::BAD_REQUEST
    }
}

macro_rules! scoped {
    ($($name:ty),+ $(,)?) => {
        $(impl $crate::call::Scoped for $name {
            fn organization_id(&self) -> Option<&str> {
                self.organization_id.as_deref()
            }
        })+
    };
}
pub(crate) use scoped;

/// A query with nothing of its own.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct NoQuery {
    /// Accepted where it is the credential's own; any other answers 404.
    #[param(value_type = Option<shapes::OrganizationId>)]
    pub organization_id: Option<String>,
}

/// Whether whoever is meant is to be shown.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RevealQuery {
    /// Accepted where it is the credential's own; any other answers 404.
    #[param(value_type = Option<shapes::OrganizationId>)]
    pub organization_id: Option<String>,
    /// `identity`: also by what the person is known. For officers, administrators and reviewers, of a request those who are to
    /// decide on it or did; noted in the audit log.
    #[param(pattern = "^identity$", example = "identity")]
    reveal: Option<String>,
}

impl RevealQuery {
    /// Whether it asks for the person.
    ///
    /// # Errors
    /// Another word than `identity`.
    pub fn reveals(&self) -> Result<bool, Problem> {
        let mut checks = Checks::default();
        let asked = self.reveal.as_deref();
        if asked.is_some_and(|word| word != "identity") {
            checks.refuse(ProblemCode::InvalidValue, "reveal", "there is nothing of this name to reveal", "identity");
        }
        checks.finish_with(Some(asked.is_some()))
    }
}

scoped!(NoQuery, RevealQuery);

/// A call without a body.
pub(crate) struct Call<Q> {
    /// Who calls.
    pub caller: Caller,
    /// The query.
    pub query: Q,
}

impl<Q: DeserializeOwned + Scoped, G: Gate> FromRequestParts<G> for Call<Q> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gate: &G) -> Result<Self, Problem> {
        let caller = authenticate(parts, gate).await?;
        let query: Q = json::query(parts.uri.query()).map_err(|problem| problem.unfit(Q::unfit()))?;
        same_organization(&caller, &query)?;
        Ok(Self { caller, query })
    }
}

/// A POST with its body and its place among repeated calls.
pub(crate) struct Post<B> {
    /// Who calls.
    pub caller: Caller,
    /// The body.
    pub body: B,
    /// The `Idempotency-Key`, bound to caller, route and body.
    pub key: Option<Key>,
}

impl<B: DeserializeOwned + Scoped, G: Gate> FromRequest<G> for Post<B> {
    type Rejection = Problem;

    async fn from_request(request: Request, gate: &G) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = authenticate(&mut parts, gate).await?;
        let unfit = |problem: Problem| problem.unfit(B::unfit());
        same_organization(&caller, &json::query::<NoQuery>(parts.uri.query()).map_err(unfit)?)?;
        json_or_nothing(&parts.headers)?;
        let bytes = to_bytes(body, B::most_bytes()).await.map_err(|_| too_large(B::most_bytes()))?;
        let body = B::read(&bytes).map_err(unfit)?;
        same_organization(&caller, &body)?;
        let key = Key::read(&parts.headers, &caller, parts.uri.path(), &bytes).map_err(unfit)?;
        Ok(Self { caller, body, key })
    }
}

/// When a call arrived: what whoever called has waited since is part of their patience.
pub(crate) struct Arrival {
    here: Instant,
    /// How long it was on its way here, as API Gateway's clock says.
    before: Duration,
}

impl Arrival {
    /// How long ago that was.
    pub fn ago(&self) -> Duration {
        self.before.saturating_add(self.here.elapsed())
    }
}

impl<G: Gate> FromRequestParts<G> for Arrival {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &G) -> Result<Self, Infallible> {
        let before = at_the_gateway(parts).and_then(|at| Duration::try_from(Timestamp::now().duration_since(at)).ok());
        Ok(Self { here: Instant::now(), before: before.unwrap_or_default() })
    }
}

fn at_the_gateway(parts: &Parts) -> Option<Timestamp> {
    match parts.extensions.get()? {
        RequestContext::ApiGatewayV2(context) if context.time_epoch > 0 => Timestamp::from_millisecond(context.time_epoch).ok(),
        _ => None,
    }
}

/// Who calls, let in as far as its organization may call at the moment; asked of the gate once per call, however many extractors
/// want to know.
pub(crate) async fn authenticate<G: Gate>(parts: &mut Parts, gate: &G) -> Result<Caller, Problem> {
    if let Some(caller) = parts.extensions.get::<Caller>() {
        return Ok(caller.clone());
    }
    let bearer = parts.headers.get(header::AUTHORIZATION).and_then(|v| v.to_str().ok()).and_then(|v| v.split_once(' '));
    let token = match bearer {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        _ => return Err(Problem::unauthenticated()),
    };
    if token.is_empty() {
        return Err(Problem::unauthenticated());
    }
    let caller = gate.identify(token, address(parts)).await?;
    tracing::Span::current().record("organization", caller.organization.as_str());
    let cost = parts.extensions.get::<Cost>().map_or(1, Cost::tokens);
    gate.directory().charge(&caller, cost).await?;
    parts.extensions.insert(caller.clone());
    Ok(caller)
}

/// Where a call comes from, as API Gateway saw it; headers that anybody can write say nothing.
fn address(parts: &Parts) -> Option<IpAddr> {
    match parts.extensions.get()? {
        RequestContext::ApiGatewayV2(context) => context.http.source_ip.as_deref()?.parse().ok(),
        _ => None,
    }
}

fn same_organization(caller: &Caller, input: &impl Scoped) -> Result<(), Problem> {
    match input.organization_id() {
        Some(named) if named != caller.organization.as_str() => Err(Problem::new(
            StatusCode::NOT_FOUND,
            ProblemCode::NotFound,
            "There is no such organization for this credential.",
            "Leave organization_id out: the credential says which organization is meant.",
        )),
        _ => Ok(()),
    }
}

fn json_or_nothing(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(value) = headers.get(header::CONTENT_TYPE) else { return Ok(()) };
    let essence = value.to_str().unwrap_or_default().split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json")) {
        return Ok(());
    }
    let detail = "The body is not declared as JSON.";
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ProblemCode::UnsupportedMediaType,
        detail,
        "Send the header Content-Type: application/json.",
    ))
}

fn too_large(most: usize) -> Problem {
    let detail = format!("The body is larger than {most} bytes.");
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, ProblemCode::BodyTooLarge, detail, "Send less in one call.")
}

/// The id in a path. One of another shape belongs to nothing that exists.
pub(crate) struct Id<T>(pub T);

impl<T: FromStr<Err = oubli_domain::ids::InvalidId>, G: Gate> FromRequestParts<G> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gate: &G) -> Result<Self, Problem> {
        authenticate(parts, gate).await?;
        let text = match parts.extract_with_state::<Path<String>, G>(gate).await {
            Ok(Path(text)) => text,
            Err(_) => String::new(),
        };
        text.parse().map(Self).map_err(|invalid: oubli_domain::ids::InvalidId| {
            let error = crate::problem::FieldError {
                field: "id".to_owned(),
                code: ProblemCode::NotFound,
                reason: format!("this is not {}", invalid.kind),
                accepted: invalid.reason.to_owned(),
            };
            Problem::fields(StatusCode::NOT_FOUND, vec![error])
        })
    }
}

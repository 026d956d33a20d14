//! Kinds of requests, and what is served of each of them. A kind has paths, bodies and a description of its own; what is
//! done with them is here.

use crate::{
    call::{Call, Id, NoQuery, Post, RevealQuery, Scoped, authenticate},
    idempotency::{Answer, once},
    problem::Problem,
    requests::{
        ApprovalBody, AttestationBody, CancellationBody, ListQuery, NamedIdentifiersBody, RejectionBody, StatusAnswer, allowed,
        map_for,
    },
    rooms::{Gate, IntakeRooms, ReviewRooms},
};
use axum::{
    Json,
    extract::{FromRequestParts, State},
    http::{StatusCode, request::Parts},
};
use oubli_domain::{access::Action, datamap::DataMap, ids::RequestId};
use oubli_engine::{
    EngineError, Naming, Refusal,
    api::{Cancelled, NewRequest, RequestDetail, RequestKind, RequestPage, RequestView},
};
use serde::{Serialize, de::DeserializeOwned};
use std::marker::PhantomData;

/// A kind of requests, as the API serves it.
pub(crate) trait Kind: Send + Sync + 'static {
    /// What is submitted.
    type New: Submission;
    /// A request.
    type Answer: From<RequestView> + Serialize;
    /// A request with everything a reviewer looks at.
    type Detail: From<RequestDetail> + Serialize;
    /// A page of requests.
    type Page: From<RequestPage> + Serialize;
    /// A cancelled request.
    type Cancelled: From<Cancelled> + Serialize;
    /// By which the engine lists them.
    const LISTED: RequestKind;
    /// What one is called in a refusal.
    const NAME: &'static str;

    /// Whether a request of this kind is one of them.
    fn serves(kind: RequestKind) -> bool;
}

/// What is submitted, as a caller wrote it.
pub(crate) trait Submission: DeserializeOwned + Scoped {
    /// It names categories, which are those of the data map.
    fn names_categories(&self) -> bool;

    /// What it asks for, checked.
    fn check(self, id: RequestId, naming: &Naming, map: Option<&DataMap>) -> Result<NewRequest, Problem>;
}

/// The id in a path of a request of this kind. A request of another kind does not exist there.
pub(crate) struct IdOf<K> {
    /// The id.
    pub id: RequestId,
    kind: PhantomData<K>,
}

impl<K: Kind, G: Gate> FromRequestParts<G> for IdOf<K> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, gate: &G) -> Result<Self, Problem> {
        let Id(id) = Id::<RequestId>::from_request_parts(parts, gate).await?;
        let caller = authenticate(parts, gate).await?;
        match gate.kind(&caller, &id).await? {
            Some(kind) if !K::serves(kind) => Err(EngineError::from(Refusal::not_found(K::NAME)).into()),
            _ => Ok(Self { id, kind: PhantomData }),
        }
    }
}

/// Submits a request.
pub(crate) async fn submit<K: Kind>(State(engine): State<IntakeRooms>, post: Post<K::New>) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |id| {
        let map = map_for(&engine, &caller, body.names_categories()).await?;
        let naming = engine.subjects().naming(&caller).await?;
        let request = allowed(&caller, Action::Submit, body.check(RequestId::from_uuid(id), &naming, map.as_ref()))?;
        Answer::new(StatusCode::CREATED, &K::Answer::from(engine.requests().submit(&caller, request).await?))
    })
    .await
}

/// Lists requests.
pub(crate) async fn list<K: Kind>(State(engine): State<IntakeRooms>, call: Call<ListQuery>) -> Result<Json<K::Page>, Problem> {
    let Call { caller, query } = call;
    Ok(Json(engine.requests().list(&caller, allowed(&caller, Action::Read, query.of(K::LISTED))?).await?.into()))
}

/// Shows a request.
pub(crate) async fn show<K: Kind>(
    State(engine): State<IntakeRooms>,
    Call { caller, query }: Call<RevealQuery>,
    IdOf { id, .. }: IdOf<K>,
) -> Result<Json<K::Detail>, Problem> {
    let requests = engine.requests();
    let detail = if query.reveals()? { requests.reveal(&caller, id).await? } else { requests.request(&caller, id).await? };
    Ok(Json(detail.into()))
}

/// Shows how far a request is.
pub(crate) async fn status<K: Kind>(
    State(engine): State<IntakeRooms>,
    Call { caller, .. }: Call<NoQuery>,
    IdOf { id, .. }: IdOf<K>,
) -> Result<Json<StatusAnswer>, Problem> {
    Ok(Json(engine.requests().status(&caller, id).await?.into()))
}

/// Records the caller's attestation of a person's identity.
pub(crate) async fn verify<K: Kind>(
    State(engine): State<IntakeRooms>,
    IdOf { id, .. }: IdOf<K>,
    post: Post<AttestationBody>,
) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        Answer::new(StatusCode::OK, &K::Answer::from(body.attest(&engine, &caller, id).await?))
    })
    .await
}

/// Cancels a request.
pub(crate) async fn cancel<K: Kind>(
    State(engine): State<IntakeRooms>,
    IdOf { id, .. }: IdOf<K>,
    post: Post<CancellationBody>,
) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        Answer::new(StatusCode::OK, &K::Cancelled::from(body.cancel(&engine, &caller, id).await?))
    })
    .await
}

/// Tries again what failed.
pub(crate) async fn retry<K: Kind>(
    State(engine): State<IntakeRooms>,
    IdOf { id, .. }: IdOf<K>,
    post: Post<NoQuery>,
) -> Result<Answer, Problem> {
    let Post { caller, key, .. } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        Answer::new(StatusCode::ACCEPTED, &K::Answer::from(engine.requests().retry(&caller, id).await?))
    })
    .await
}

/// Approves a request.
pub(crate) async fn execute<K: Kind>(
    State(engine): State<ReviewRooms>,
    IdOf { id, .. }: IdOf<K>,
    post: Post<ApprovalBody>,
) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| Answer::new(StatusCode::ACCEPTED, &body.approve(&engine, &caller, id).await?))
        .await
}

/// Names ambiguous identifiers of a request.
pub(crate) async fn name_identifiers<K: Kind>(
    State(engine): State<ReviewRooms>,
    IdOf { id, .. }: IdOf<K>,
    post: Post<NamedIdentifiersBody>,
) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        Answer::new(StatusCode::ACCEPTED, &K::Answer::from(body.name(&engine, &caller, id).await?))
    })
    .await
}

/// Rejects a request.
pub(crate) async fn reject<K: Kind>(
    State(engine): State<ReviewRooms>,
    IdOf { id, .. }: IdOf<K>,
    post: Post<RejectionBody>,
) -> Result<Answer, Problem> {
    let Post { caller, body, key } = post;
    once(&engine, &caller, key.as_ref(), async |_| {
        Answer::new(StatusCode::OK, &K::Answer::from(body.reject(&engine, &caller, id).await?))
    })
    .await
}

//! The rooms of the engine that a function may use: what its routes are given, and nothing else.

use oubli_domain::{access::Caller, ids::RequestId};
use oubli_engine::{
    Directory, Discovery, Engine, Exports, Holds, Idempotency, Ledger, Reports, Requests, Result, Reviews, Subjects,
    api::RequestKind,
};
use std::net::IpAddr;

/// What a call needs of the engine before it reaches its use case, whichever function takes it.
pub(crate) trait Gate: Clone + Send + Sync + 'static {
    /// Of a whole engine.
    fn of(engine: Engine) -> Self;

    /// Who calls with a bearer token, from this address.
    fn identify(&self, bearer: &str, from: Option<IpAddr>) -> impl Future<Output = Result<Caller>> + Send;

    /// What the caller's organization has set.
    fn directory(&self) -> Directory;

    /// Calls that were answered before.
    fn idempotency(&self) -> Idempotency;

    /// That a request is there for the caller.
    fn finds(&self, caller: &Caller, id: RequestId) -> impl Future<Output = Result<()>> + Send;

    /// What a request asks for.
    fn kind(&self, caller: &Caller, id: &RequestId) -> impl Future<Output = Result<Option<RequestKind>>> + Send;
}

macro_rules! rooms {
    ($($(#[$doc:meta])* $name:ident $identify:ident { $($room:ident: $type:ty),+ })+) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub(crate) struct $name(Engine);

        impl $name {
            $(pub fn $room(&self) -> $type {
                self.0.$room()
            })+
        }

        impl Gate for $name {
            fn of(engine: Engine) -> Self {
                Self(engine)
            }

            async fn identify(&self, bearer: &str, from: Option<IpAddr>) -> Result<Caller> {
                self.0.directory().$identify(bearer, from).await
            }

            fn directory(&self) -> Directory {
                self.0.directory()
            }

            fn idempotency(&self) -> Idempotency {
                self.0.idempotency()
            }

            async fn finds(&self, caller: &Caller, id: RequestId) -> Result<()> {
                self.0.requests().status(caller, id).await.map(drop)
            }

            async fn kind(&self, caller: &Caller, id: &RequestId) -> Result<Option<RequestKind>> {
                self.0.requests().kind(caller, id).await
            }
        }
    )+};
}

rooms! {
    /// What intake may use.
    IntakeRooms authenticate { requests: Requests, holds: Holds, ledger: Ledger, subjects: Subjects }
    /// What review may use. It alone writes the directory, so whoever is first seen becomes a member here.
    ReviewRooms admit { reviews: Reviews }
    /// What discovery may use.
    DiscoveryRooms authenticate { discovery: Discovery, requests: Requests, subjects: Subjects }
    /// What report may use.
    ReportRooms authenticate { reports: Reports, ledger: Ledger }
    /// What export may use.
    ExportRooms authenticate { exports: Exports }
}

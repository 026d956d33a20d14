//! Something that comes between a connector and its store.

use aws_smithy_runtime_api::client::{
    http::{HttpClient as _, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use futures::{FutureExt as _, future::BoxFuture};
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// What happens to a call.
pub enum CallOutcome {
    Passes,
    /// The service never hears of it.
    Fails,
    /// The service does it, and nobody hears its reply.
    Unanswered,
}

/// Asked before each call, by its name, or by its method and what it asks for; what it does meanwhile is done before the call.
type Meddling = Arc<dyn Fn(String) -> BoxFuture<'static, CallOutcome> + Send + Sync>;

struct Meddler {
    inner: SharedHttpConnector,
    meddling: Meddling,
}

impl fmt::Debug for Meddler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meddler")
    }
}

impl HttpConnector for Meddler {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, meddling) = (self.inner.clone(), self.meddling.clone());
        let asked = request.uri().split_once('?').and_then(|(_, query)| query.split(['=', '&']).next()).unwrap_or_default();
        let operation = match request.headers().get("x-amz-target") {
            Some(target) => target.rsplit('.').next().unwrap_or_default().to_owned(),
            None => format!("{} {asked}", request.method()),
        };
        HttpConnectorFuture::new(async move {
            match meddling(operation).await {
                CallOutcome::Passes => inner.call(request).await,
                CallOutcome::Fails => Err(ConnectorError::io("cut".into())),
                CallOutcome::Unanswered => inner.call(request).await.and(Err(ConnectorError::io("cut".into()))),
            }
        })
    }
}

/// A way to the service on which calls are meddled with.
pub fn meddled(meddling: impl Fn(String) -> BoxFuture<'static, CallOutcome> + Send + Sync + 'static) -> SharedHttpClient {
    let http: SharedHttpClient = aws_smithy_http_client::Builder::new().build_http();
    let meddling: Meddling = Arc::new(meddling);
    http_client_fn(move |settings, components| {
        let inner = http.http_connector(settings, components);
        SharedHttpConnector::new(Meddler { inner, meddling: meddling.clone() })
    })
}

/// A way on which the reply to the first call of this name is lost.
pub fn forgetful(name: &'static str) -> SharedHttpClient {
    let lost = Arc::new(AtomicBool::new(false));
    meddled(move |operation| {
        let lose = operation == name && !lost.swap(true, Ordering::Relaxed);
        async move { if lose { CallOutcome::Unanswered } else { CallOutcome::Passes } }.boxed()
    })
}

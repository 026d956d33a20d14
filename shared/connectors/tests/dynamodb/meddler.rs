//! Something that comes between the connector and its table.

use aws_sdk_dynamodb::{Client, config::retry::RetryConfig};
use aws_smithy_runtime_api::client::{
    http::{HttpClient as _, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use futures::future::BoxFuture;
use oubli_connectors::DynamoDb;
use std::{fmt, sync::Arc, time::Duration};

/// What happens to a call.
pub enum CallOutcome {
    Passes,
    /// The service never hears of it.
    Fails,
}

/// Asked before each call, by its name; what it does meanwhile is done before the call.
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
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let operation = target.rsplit('.').next().unwrap_or_default().to_owned();
        HttpConnectorFuture::new(async move {
            match meddling(operation).await {
                CallOutcome::Passes => inner.call(request).await,
                CallOutcome::Fails => Err(ConnectorError::io("cut".into())),
            }
        })
    }
}

/// A connector to the same tables, whose calls are meddled with.
pub fn meddled(
    client: &Client,
    meddling: impl Fn(String) -> BoxFuture<'static, CallOutcome> + Send + Sync + 'static,
) -> DynamoDb {
    let http: SharedHttpClient = aws_smithy_http_client::Builder::new().build_http();
    let meddling: Meddling = Arc::new(meddling);
    let impatient = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let config = client.config().to_builder().retry_config(impatient).http_client(http_client_fn(move |settings, components| {
        let inner = http.http_connector(settings, components);
        SharedHttpConnector::new(Meddler { inner, meddling: meddling.clone() })
    }));
    DynamoDb::new(Client::from_conf(config.build()))
}

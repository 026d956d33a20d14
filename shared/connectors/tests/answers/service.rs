//! A service that answers as it is told, in the client's own process.

use crate::support::{producer, under};
use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    primitives::SdkBody,
};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn},
        orchestrator::HttpRequest,
        result::ConnectorError,
    },
    http::{Headers, Response, StatusCode},
};
use oubli_connectors::{DynamoDb, S3};
use oubli_domain::datamap::{Location, Producer, S3Objects};
use std::{fmt, sync::Arc, time::Duration};

/// No status: the connection breaks once the call was served.
const RESET: u16 = 0;

/// What is answered: status, headers, body.
pub type Answer = (u16, Vec<(&'static str, String)>, String);

/// What a service is asked.
pub struct Asked<'a> {
    pub method: &'a str,
    pub path: &'a str,
    pub query: &'a str,
    pub body: &'a str,
    headers: &'a Headers,
}

impl Asked<'_> {
    /// A header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)
    }

    /// Whether the query has a parameter, with or without a value.
    pub fn asks(&self, what: &str) -> bool {
        self.query.split('&').any(|q| q.split('=').next() == Some(what))
    }

    /// A parameter of the query, decoded.
    pub fn parameter(&self, name: &str) -> Option<String> {
        let value = self.query.split('&').filter_map(|q| q.split_once('=')).find(|(own, _)| *own == name)?.1;
        Some(percent_encoding::percent_decode_str(value).decode_utf8().expect("UTF-8").into_owned())
    }

    /// The key that the path names, decoded.
    pub fn key(&self) -> String {
        let key = self.path.split_once('/').map_or("", |(_, key)| key);
        percent_encoding::percent_decode_str(key).decode_utf8().expect("UTF-8").into_owned()
    }
}

/// Says what is answered.
type Script = Arc<dyn Fn(&Asked<'_>) -> Answer + Send + Sync>;

struct Service(Script);

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Service")
    }
}

impl HttpConnector for Service {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let uri = request.uri();
        let rest = uri.split_once("://").map_or(uri, |(_, rest)| rest);
        let target = rest.split_once('/').map_or("", |(_, target)| target);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let body = std::str::from_utf8(request.body().bytes().unwrap_or_default()).unwrap_or_default();
        let asked = Asked { method: request.method(), path, query, body, headers: request.headers() };
        let (status, headers, body) = (self.0)(&asked);
        if status == RESET {
            return HttpConnectorFuture::ready(Err(ConnectorError::io("connection reset by peer".into())));
        }
        let mut response = Response::new(StatusCode::try_from(status).expect("a status"), SdkBody::from(body));
        for (name, value) in headers {
            response.headers_mut().insert(name, value);
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}

/// A connector and a producer for the bucket `data` of a service that answers so to a method, a path and a query.
pub fn bucket(script: impl Fn(&str, &str, &str) -> Answer + Send + Sync + 'static) -> (S3, Producer) {
    let select = vec![under("users/{}/")];
    let producer = producer(Location::Bucket(S3Objects { bucket: "data".to_owned() }), select);
    (service(move |asked| script(asked.method, asked.path, asked.query)), producer)
}

/// A connector to a service of tables that answers so to the body of a call.
pub fn table_service(script: impl Fn(&str) -> Answer + Send + Sync + 'static) -> DynamoDb {
    let service = SharedHttpConnector::new(Service(Arc::new(move |asked: &Asked<'_>| script(asked.body))));
    let config = aws_sdk_dynamodb::Config::builder()
        .behavior_version(aws_sdk_dynamodb::config::BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url("http://dynamodb.test")
        .retry_config(RetryConfig::disabled())
        .http_client(http_client_fn(move |_, _| service.clone()))
        .build();
    DynamoDb::new(aws_sdk_dynamodb::Client::from_conf(config))
}

/// A client of a service with this script, for a configuration.
pub fn script(script: impl Fn(&Asked<'_>) -> Answer + Send + Sync + 'static) -> SharedHttpClient {
    let service = SharedHttpConnector::new(Service(Arc::new(script)));
    http_client_fn(move |_, _| service.clone())
}

/// A connector to a service with this script.
pub fn service(script: impl Fn(&Asked<'_>) -> Answer + Send + Sync + 'static) -> S3 {
    client(RetryConfig::disabled(), script)
}

/// The same, whose SDK tries again by itself, as it does in a deployment.
pub fn retried(script: impl Fn(&Asked<'_>) -> Answer + Send + Sync + 'static) -> S3 {
    let at_once = Duration::from_millis(1);
    client(RetryConfig::standard().with_max_attempts(5).with_initial_backoff(at_once).with_max_backoff(at_once), script)
}

fn client(retries: RetryConfig, script: impl Fn(&Asked<'_>) -> Answer + Send + Sync + 'static) -> S3 {
    let service = SharedHttpConnector::new(Service(Arc::new(script)));
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-central-1"))
        .credentials_provider(Credentials::new("test", "test", None, None, "test"))
        .endpoint_url("http://s3.test")
        .retry_config(retries)
        .force_path_style(true)
        .http_client(http_client_fn(move |_, _| service.clone()))
        .build();
    S3::new(Client::from_conf(config))
}

/// An answer without a body.
pub fn bare(status: u16, headers: &[(&'static str, &str)]) -> Answer {
    (status, headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(), String::new())
}

/// What is served, and answered by a connection that breaks.
pub fn reset() -> Answer {
    bare(RESET, &[])
}

/// An answer of this XML.
pub fn xml(status: u16, body: &str) -> Answer {
    (status, vec![("content-type", "application/xml".to_owned())], body.to_owned())
}

/// An error as S3 writes it.
pub fn error(status: u16, code: &str) -> Answer {
    xml(status, &format!("<Error><Code>{code}</Code><Message>users/u1/secret</Message></Error>"))
}

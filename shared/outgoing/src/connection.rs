//! One request on a connection of its own, to addresses that were judged.

use crate::{answer::Answer, failure::Why};
use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    dns::{DnsFuture, ResolveDns},
    http::{HttpConnector as _, HttpConnectorSettings},
    orchestrator::HttpRequest,
    result::ConnectorError,
};
use aws_smithy_types::body::SdkBody;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use std::{error::Error, io, iter, net::IpAddr, time::Duration};

/// Stands for any name: the connection goes to these addresses, whatever the name stands for by now.
#[derive(Debug, Clone)]
struct Pinned(Vec<IpAddr>);

impl ResolveDns for Pinned {
    fn resolve_dns<'a>(&'a self, _: &'a str) -> DnsFuture<'a> {
        DnsFuture::ready(Ok(self.0.clone()))
    }
}

/// Sends a request, by a connection to one of these addresses. `connect` bounds the time for the connection with its TLS.
///
/// An address in place of a name is connected to without a look at the addresses: it is the one that was judged.
pub(crate) async fn exchange(
    request: http::Request<SdkBody>,
    addresses: Vec<IpAddr>,
    connect: Duration,
    most_bytes: usize,
) -> Result<Answer, Why> {
    let request = HttpRequest::try_from(request).map_err(|_| Why::NoUrl)?;
    // A connector for each request, since it holds to the request's addresses. The trust roots are read once for all of them; and
    // a connection kept open would not outlive the pause between two invocations.
    let connector = Connector::builder()
        .connector_settings(HttpConnectorSettings::builder().connect_timeout(connect).build())
        .pool_max_idle_per_host(0)
        // A proxy of the environment would connect on our behalf, to whatever the name stands for there.
        .proxy_config(ProxyConfig::disabled())
        .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
        .build_with_resolver(Pinned(addresses));
    let answer = connector.call(request).await.map_err(|error| why(&error))?;
    let status = answer.status().as_u16();
    let headers = answer.headers().iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    let body = Limited::new(answer.into_body(), most_bytes).collect().await;
    let body = body.map_err(|error| if error.is::<LengthLimitError>() { Why::TooLong { status } } else { Why::Broken })?;
    Ok(Answer::new(status, headers, body.to_bytes()))
}

fn why(error: &ConnectorError) -> Why {
    if error.is_timeout() {
        Why::TooSlow
    } else if causes(error).any(|cause| cause.is::<rustls::Error>()) {
        Why::Untrusted
    } else if error.is_io() {
        Why::Unreachable
    } else {
        Why::Broken
    }
}

/// An error and what it comes from. [`io::Error`] hides what it wraps: its source is that one's source.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    iter::successors(Some(error), |&error| match error.downcast_ref::<io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => error.source(),
    })
}

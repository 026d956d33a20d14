//! Witnesses over HTTP (C2SP tlog-witness).

use async_trait::async_trait;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, HttpConnectorSettings},
    orchestrator::HttpRequest,
};
use oubli_domain::ledger::{MOST_ANSWERED, Submission, WitnessAnswer};
use oubli_engine::ports::{Witness, WitnessAddress};
use std::time::Duration;
use tokio::time::timeout;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// For the whole answer: well below the time limit of whoever asks.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// [`Witness`] over HTTP. Follows no redirects, and reads no more of an answer than one has.
#[derive(Debug)]
pub struct HttpWitness {
    connector: Connector,
}

impl Default for HttpWitness {
    fn default() -> Self {
        let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(ANSWER_TIMEOUT).build();
        let builder = Connector::builder().connector_settings(settings);
        Self { connector: builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build() }
    }
}

impl HttpWitness {
    async fn post(&self, url: &str, body: String) -> Result<WitnessAnswer, &'static str> {
        let request = http::Request::post(url).header("content-type", "text/plain; charset=utf-8").body(SdkBody::from(body));
        let request = HttpRequest::try_from(request.map_err(|_| "RequestNotBuilt")?).map_err(|_| "RequestNotBuilt")?;
        let reply = self.connector.call(request).await.map_err(|_| "Unreachable")?;
        let (status, kind) = (reply.status().as_u16(), reply.headers().get("content-type").map(str::to_owned));
        let (mut stream, mut answered) = (ByteStream::new(reply.into_body()), Vec::new());
        while let Some(bytes) = stream.next().await {
            answered.extend_from_slice(&bytes.map_err(|_| "StreamBroken")?);
            if answered.len() > MOST_ANSWERED {
                break;
            }
        }
        Ok(WitnessAnswer::of_http(status, kind.as_deref(), &answered))
    }
}

#[async_trait]
impl Witness for HttpWitness {
    async fn add_checkpoint(&self, witness: &WitnessAddress, submission: &Submission) -> WitnessAnswer {
        let url = format!("{}/add-checkpoint", witness.url);
        match timeout(ANSWER_TIMEOUT, self.post(&url, submission.to_string())).await {
            Ok(answer) => answer.unwrap_or_else(WitnessAnswer::unavailable),
            Err(_) => WitnessAnswer::unavailable("Timeout"),
        }
    }
}

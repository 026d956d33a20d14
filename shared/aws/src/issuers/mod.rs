//! What OpenID providers publish, fetched over HTTPS.

mod addresses;

use addresses::Reachable;
use async_trait::async_trait;
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    dns::{DnsFuture, ResolveDns, ResolveDnsError},
    http::HttpConnector,
    orchestrator::HttpRequest,
};
use http_body_util::{BodyExt as _, Limited};
use oubli_domain::issuer::ProviderUrl;
use oubli_engine::ports::{IssuerDocuments, IssuerUnreachable};
use std::{fmt, net::IpAddr, sync::OnceLock, time::Duration};

/// How long a document may take, all in all.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Longest document that is read, in bytes.
const MOST_BYTES: usize = 128 * 1024;

/// [`IssuerDocuments`] from the internet. No document leads to another: an answer that points elsewhere is none.
pub struct HttpsIssuers {
    reachable: Reachable,
    // Trust roots are read from files: functions that take no tokens do without.
    connector: OnceLock<Connector>,
}

impl fmt::Debug for HttpsIssuers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpsIssuers").field("reachable", &self.reachable).finish_non_exhaustive()
    }
}

impl HttpsIssuers {
    /// Those of the internet; and of this machine itself, where `local` says so, which is for trials.
    pub fn new(local: bool) -> Self {
        Self { reachable: Reachable { local }, connector: OnceLock::new() }
    }

    fn connector(&self) -> &Connector {
        self.connector.get_or_init(|| {
            let tls = Provider::Rustls(CryptoMode::AwsLc);
            // A connection kept open would not outlive the pause between two invocations.
            Connector::builder().tls_provider(tls).pool_max_idle_per_host(0).build_with_resolver(self.reachable)
        })
    }

    async fn fetch(&self, url: &ProviderUrl) -> Result<Vec<u8>, IssuerUnreachable> {
        let failed = |why: &str| IssuerUnreachable(why.to_owned());
        if url.literal().is_some_and(|address| !self.reachable.has(address)) {
            return Err(failed("its address is one of a private network"));
        }
        let mut request = HttpRequest::get(url.as_str()).map_err(|_| failed("it cannot be asked for"))?;
        request.headers_mut().insert("accept", "application/json");
        let answer = self.connector().call(request).await.map_err(|_| failed("nobody can be reached there"))?;
        let status = answer.status().as_u16();
        if status != 200 {
            return Err(IssuerUnreachable(format!("it is answered {status}")));
        }
        let body = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
        body.map(|body| body.to_bytes().to_vec()).map_err(|_| failed("it breaks off, or is too long"))
    }
}

#[async_trait]
impl IssuerDocuments for HttpsIssuers {
    async fn get(&self, url: &ProviderUrl) -> Result<Vec<u8>, IssuerUnreachable> {
        let fetched = tokio::time::timeout(TIMEOUT, self.fetch(url)).await;
        fetched.unwrap_or_else(|_| Err(IssuerUnreachable("it takes too long".to_owned())))
    }
}

/// Names lead nowhere else than addresses: what a name stands for is looked at when it is connected to.
impl ResolveDns for Reachable {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
            let reachable: Vec<IpAddr> = found.map(|found| found.ip()).filter(|address| self.leads_to(name, *address)).collect();
            if reachable.is_empty() {
                return Err(ResolveDnsError::new("it leads into a private network"));
            }
            Ok(reachable)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::TcpListener,
    };

    /// Somebody on this machine who answers every call like this, after some time.
    async fn answering(answer: Vec<u8>, after: Duration) -> ProviderUrl {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut asked = [0; 4096];
                    let _ = stream.read(&mut asked).await;
                    tokio::time::sleep(after).await;
                    let _ = stream.write_all(&answer).await;
                });
            }
        });
        format!("http://{address}/keys").parse().expect("an address")
    }

    fn http(status: &str, headers: &str, body: &str) -> Vec<u8> {
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).into_bytes()
    }

    async fn fetched(answer: Vec<u8>) -> Result<Vec<u8>, IssuerUnreachable> {
        HttpsIssuers::new(true).get(&answering(answer, Duration::ZERO).await).await
    }

    #[tokio::test]
    async fn a_document_is_read_and_nothing_that_it_points_to() {
        assert_eq!(fetched(http("200 OK", "", "{\"keys\":[]}")).await, Ok(b"{\"keys\":[]}".to_vec()));
        let there = answering(http("200 OK", "", "{\"keys\":[]}"), Duration::ZERO).await;
        let moved = fetched(http("302 Found", &format!("location: {there}\r\n"), "")).await;
        assert_eq!(moved, Err(IssuerUnreachable("it is answered 302".to_owned())));
        let missing = fetched(http("404 Not Found", "", "{\"keys\":[]}")).await;
        assert_eq!(missing, Err(IssuerUnreachable("it is answered 404".to_owned())));
    }

    #[tokio::test]
    async fn a_document_is_bounded_in_size_and_time() {
        assert_eq!(fetched(http("200 OK", "", &"a".repeat(MOST_BYTES))).await.map(|bytes| bytes.len()), Ok(MOST_BYTES));
        let too_long = Err(IssuerUnreachable("it breaks off, or is too long".to_owned()));
        assert_eq!(fetched(http("200 OK", "", &"a".repeat(MOST_BYTES + 1))).await, too_long);
        let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}".to_vec();
        assert_eq!(fetched(cut).await, too_long);
        let slow = answering(http("200 OK", "", "{}"), TIMEOUT * 2).await;
        let too_late = HttpsIssuers::new(true).get(&slow).await;
        assert_eq!(too_late, Err(IssuerUnreachable("it takes too long".to_owned())));
    }

    #[tokio::test]
    async fn what_is_not_on_the_internet_is_not_asked() {
        let private = Err(IssuerUnreachable("its address is one of a private network".to_owned()));
        let here = answering(http("200 OK", "", "{}"), Duration::ZERO).await;
        assert_eq!(HttpsIssuers::new(false).get(&here).await, private);
        for local in [true, false] {
            for url in ["https://169.254.169.254/latest/meta-data", "https://10.0.0.1/", "https://[fd00::1]/"] {
                assert_eq!(HttpsIssuers::new(local).get(&url.parse().expect("an address")).await, private, "{url}");
            }
        }
        let port = here.as_str().trim_start_matches("http://127.0.0.1:").trim_end_matches("/keys");
        let by_name: ProviderUrl = format!("http://localhost:{port}/keys").parse().expect("an address");
        assert_eq!(HttpsIssuers::new(true).get(&by_name).await, Ok(b"{}".to_vec()));
        let unreached = Err(IssuerUnreachable("nobody can be reached there".to_owned()));
        assert_eq!(HttpsIssuers::new(false).get(&by_name).await, unreached);
    }
}

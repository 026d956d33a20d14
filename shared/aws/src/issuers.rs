//! What OpenID providers publish, fetched over HTTPS.

use async_trait::async_trait;
use jiff::Timestamp;
use oubli_domain::issuer::ProviderUrl;
use oubli_engine::ports::{IssuerDocuments, IssuerUnreachable};
use oubli_outgoing::{Allowed, Outgoing, Policy, Request};
use std::time::Duration;

/// How long a document may take, all in all.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Longest document that is read, in bytes.
const MOST_BYTES: usize = 128 * 1024;

/// [`IssuerDocuments`] from the internet. No document leads to another: an answer that points elsewhere is none.
#[derive(Debug)]
pub struct HttpsIssuers(Outgoing);

impl HttpsIssuers {
    /// Those of the internet; and of this machine itself, where `local` says so, which is for trials.
    pub fn new(local: bool) -> Self {
        let allowed = if local { Allowed::this_machine() } else { Allowed::default() };
        // Who asks waits already before asking again, and an issuer that one organization names is not closed for another.
        Self(Outgoing::new(Policy { connect: TIMEOUT, whole: TIMEOUT, most_bytes: MOST_BYTES, allowed, breaker: None }))
    }
}

#[async_trait]
impl IssuerDocuments for HttpsIssuers {
    async fn get(&self, url: &ProviderUrl) -> Result<Vec<u8>, IssuerUnreachable> {
        let request = Request::get(url.as_str()).with("accept", "application/json");
        let request = request.map_err(|error| IssuerUnreachable(error.to_string()))?;
        let answer = self.0.send(&request, Timestamp::now()).await;
        let answer = answer.map_err(|failure| IssuerUnreachable(failure.why.to_string()))?;
        match answer.status() {
            200 => Ok(answer.into_body().to_vec()),
            status => Err(IssuerUnreachable(format!("it is answered {status}"))),
        }
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
        let too_long = Err(IssuerUnreachable("its answer, 200, is too long".to_owned()));
        assert_eq!(fetched(http("200 OK", "", &"a".repeat(MOST_BYTES + 1))).await, too_long);
        let cut = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{}".to_vec();
        assert_eq!(fetched(cut).await, Err(IssuerUnreachable("its answer is none, or breaks off".to_owned())));
        let slow = answering(http("200 OK", "", "{}"), TIMEOUT * 2).await;
        let too_late = HttpsIssuers::new(true).get(&slow).await;
        assert_eq!(too_late, Err(IssuerUnreachable("it takes too long".to_owned())));
    }

    #[tokio::test]
    async fn what_is_not_on_the_internet_is_not_asked() {
        let private = Err(IssuerUnreachable("its address is one of a private network".to_owned()));
        let here = answering(http("200 OK", "", "{}"), Duration::ZERO).await;
        let not_secret = Err(IssuerUnreachable("it is not https".to_owned()));
        assert_eq!(HttpsIssuers::new(false).get(&here).await, not_secret);
        for local in [true, false] {
            for url in ["https://169.254.169.254/latest/meta-data", "https://10.0.0.1/", "https://[fd00::1]/"] {
                assert_eq!(HttpsIssuers::new(local).get(&url.parse().expect("an address")).await, private, "{url}");
            }
        }
        let port = here.as_str().trim_start_matches("http://127.0.0.1:").trim_end_matches("/keys");
        let by_name: ProviderUrl = format!("http://localhost:{port}/keys").parse().expect("an address");
        assert_eq!(HttpsIssuers::new(true).get(&by_name).await, Ok(b"{}".to_vec()));
        assert_eq!(HttpsIssuers::new(false).get(&by_name).await, not_secret);
        let with_tls: ProviderUrl = format!("https://localhost:{port}/keys").parse().expect("an address");
        assert_eq!(HttpsIssuers::new(false).get(&with_tls).await, private);
    }
}

//! The HTTP API, called so that an interrupted or repeated call does no harm.

use crate::{failure::Failure, output::list};
use serde_json::{Map, Value};
use std::{net::IpAddr, thread::sleep, time::Duration};
use ureq::{
    Agent, Body,
    http::{Response, Uri, header},
};
use uuid::Uuid;

const TIMEOUT: Duration = Duration::from_secs(40);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
const TRIES: u32 = 6;
/// A wrong URL never starts to answer, so fewer tries are made to find somebody there.
const CONNECTION_TRIES: u32 = 3;

/// Most bytes of a file in one answer.
const MOST_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// A file that came as an answer.
pub struct File {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// 200, or another code of success.
    pub status: u16,
    headers: Vec<(String, String)>,
}

impl File {
    /// What came along with it.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// The API of one deployment, with one key.
pub struct Client {
    agent: Agent,
    base: String,
    key: String,
}

/// A parameter of a query, left out where it has no value.
pub type Parameter<'a> = (&'a str, Option<String>);

impl Client {
    /// A client.
    ///
    /// # Errors
    /// URL or key are not given.
    pub fn new(url: Option<String>, key: Option<String>) -> Result<Self, Failure> {
        let missing = |flag: &str, variable: &str| Failure::Usage(format!("set {variable} or give {flag}"));
        let url = url.filter(|u| !u.is_empty()).ok_or_else(|| missing("--url", "OUBLI_URL"))?;
        let key = key.filter(|k| !k.is_empty()).ok_or_else(|| missing("--api-key", "OUBLI_API_KEY"))?;
        keeps_secrets(&url)?;
        let config = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .user_agent(concat!("oubli/", env!("CARGO_PKG_VERSION")));
        Ok(Self { agent: config.build().into(), base: url.trim_end_matches('/').to_owned(), key: format!("Bearer {key}") })
    }

    /// Reads.
    ///
    /// # Errors
    /// Any [`Failure`] of the service.
    pub fn get(&self, path: &str, parameters: &[Parameter<'_>]) -> Result<Value, Failure> {
        self.repeat(|| self.getting(path, parameters).call())
    }

    /// Reads a page of a list, or the first after it that has entries: one may be empty and still have a next one.
    ///
    /// # Errors
    /// Any [`Failure`] of the service.
    pub fn page(&self, path: &str, parameters: &[Parameter<'_>], entries: &str) -> Result<Value, Failure> {
        let mut parameters = parameters.to_vec();
        loop {
            let page = self.get(path, &parameters)?;
            let next = page["next_cursor"].as_str().filter(|_| list(&page[entries]).is_empty()).map(str::to_owned);
            let Some(next) = next else { return Ok(page) };
            parameters.retain(|(name, _)| *name != "cursor");
            parameters.push(("cursor", Some(next)));
        }
    }

    /// Reads with one try, within so long; none if that fails.
    pub fn glance(&self, path: &str, within: Duration) -> Option<Value> {
        let request = self.agent.get(self.url(path)).header(header::AUTHORIZATION, &self.key);
        let mut response = request.config().timeout_global(Some(within)).build().call().ok()?;
        let text = response.body_mut().read_to_string().ok().filter(|_| response.status().is_success())?;
        serde_json::from_str(&text).ok()
    }

    /// Asks something whose parameters are in a body.
    ///
    /// # Errors
    /// Any [`Failure`] of the service.
    pub fn ask(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.repeat(|| self.agent.post(self.url(path)).header(header::AUTHORIZATION, &self.key).send_json(body))
    }

    /// Asks for a page of a list so, or for the first after it that has entries.
    ///
    /// # Errors
    /// Any [`Failure`] of the service.
    pub fn ask_page(&self, path: &str, body: &Value, entries: &str) -> Result<Value, Failure> {
        let mut body = body.clone();
        loop {
            let page = self.ask(path, &body)?;
            let next = page["next_cursor"].as_str().filter(|_| list(&page[entries]).is_empty()).map(str::to_owned);
            let Some(next) = next else { return Ok(page) };
            body["cursor"] = next.into();
        }
    }

    /// Does something, once.
    ///
    /// # Errors
    /// Any [`Failure`] of the service.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let key = Uuid::now_v7().to_string();
        self.repeat(|| {
            let request = self.agent.post(self.url(path)).header(header::AUTHORIZATION, &self.key);
            request.header("idempotency-key", &key).send_json(body)
        })
    }

    /// Changes what is named, to what is named: the same again does nothing more.
    ///
    /// # Errors
    /// Any [`Failure`] of the service.
    pub fn patch(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.repeat(|| self.agent.patch(self.url(path)).header(header::AUTHORIZATION, &self.key).send_json(body))
    }

    /// Puts something in the place of what is there.
    ///
    /// # Errors
    /// Any [`Failure`] of the service.
    pub fn put(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        self.repeat(|| self.agent.put(self.url(path)).header(header::AUTHORIZATION, &self.key).send_json(body))
    }

    /// Deletes.
    ///
    /// # Errors
    /// Any [`Failure`] of the service.
    pub fn delete(&self, path: &str) -> Result<Value, Failure> {
        self.repeat(|| self.agent.delete(self.url(path)).header(header::AUTHORIZATION, &self.key).call())
    }

    /// Asks for a file.
    ///
    /// # Errors
    /// Any [`Failure`] of the service.
    pub fn post_file(&self, path: &str, body: &Value) -> Result<File, Failure> {
        let key = Uuid::now_v7().to_string();
        let request = || {
            let request = self.agent.post(self.url(path)).header(header::AUTHORIZATION, &self.key);
            request.header("idempotency-key", &key).send_json(body)
        };
        self.repeat_for(request, |response| self.file(response))
    }

    /// Fetches a file.
    ///
    /// # Errors
    /// Any [`Failure`] of the service.
    pub fn get_file(&self, path: &str, parameters: &[Parameter<'_>]) -> Result<File, Failure> {
        self.repeat_for(|| self.getting(path, parameters).call(), |response| self.file(response))
    }

    /// Fetches something from elsewhere, as a stream, without the key of this service.
    ///
    /// # Errors
    /// It cannot be had.
    pub fn download(&self, url: &str) -> Result<impl std::io::Read + use<>, Failure> {
        // No limit on the whole: however large it is, it may take its time.
        let config = Agent::config_builder().timeout_connect(Some(TIMEOUT)).timeout_recv_response(Some(TIMEOUT));
        let agent: Agent = config.http_status_as_error(false).build().into();
        let response = agent.get(url).call().map_err(|e| Failure::Unreachable(format!("the download does not begin: {e}")))?;
        if !response.status().is_success() {
            let text = format!("the download is answered {}: the link's time is over, or it was revoked", response.status());
            return Err(Failure::Refused(text));
        }
        Ok(response.into_body().into_reader())
    }

    fn file(&self, mut response: Response<Body>) -> Result<File, Failure> {
        let status = response.status().as_u16();
        let headers = response.headers().iter();
        let headers = headers.filter_map(|(n, v)| Some((n.as_str().to_owned(), v.to_str().ok()?.to_owned()))).collect();
        let bytes = response.body_mut().with_config().limit(MOST_FILE_BYTES).read_to_vec();
        Ok(File { bytes: bytes.map_err(|e| self.unreachable(&e))?, status, headers })
    }

    fn getting(&self, path: &str, parameters: &[Parameter<'_>]) -> ureq::RequestBuilder<ureq::typestate::WithoutBody> {
        let mut request = self.agent.get(self.url(path)).header(header::AUTHORIZATION, &self.key);
        for (name, value) in parameters {
            if let Some(value) = value {
                request = request.query(name, value);
            }
        }
        request
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn repeat(&self, call: impl Fn() -> Result<Response<Body>, ureq::Error>) -> Result<Value, Failure> {
        self.repeat_for(call, |mut response| {
            let text = response.body_mut().read_to_string().map_err(|e| self.unreachable(&e))?;
            serde_json::from_str(&text).map_err(|_| Failure::Unreachable(format!("no JSON came from {}", self.base)))
        })
    }

    fn repeat_for<T>(
        &self,
        call: impl Fn() -> Result<Response<Body>, ureq::Error>,
        take: impl Fn(Response<Body>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let (failure, wait) = match call() {
                Ok(mut response) => {
                    let status = response.status().as_u16();
                    let wait = response.headers().get(header::RETRY_AFTER).and_then(|v| v.to_str().ok()?.parse().ok());
                    if response.status().is_success() {
                        return take(response);
                    }
                    let text = response.body_mut().read_to_string().map_err(|e| self.unreachable(&e))?;
                    let body = serde_json::from_str(&text);
                    let failure = Failure::Problem { status, body: body.unwrap_or_default() };
                    if attempt >= TRIES || !passes(&failure) {
                        return Err(failure);
                    }
                    (failure, wait.map(Duration::from_secs))
                }
                Err(error) => (self.unreachable(&error), None),
            };
            if matches!(failure, Failure::Unreachable(_)) && attempt >= CONNECTION_TRIES {
                return Err(failure);
            }
            sleep(wait.unwrap_or(pause).min(LONGEST_PAUSE));
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
        Err(self.unreachable(&ureq::Error::ConnectionFailed))
    }

    fn unreachable(&self, error: &ureq::Error) -> Failure {
        Failure::Unreachable(format!("no answer from {}: {error}", self.base))
    }
}

/// A key goes over an encrypted connection, or to this very machine.
fn keeps_secrets(url: &str) -> Result<(), Failure> {
    let refused = |why: &str| Err(Failure::Usage(format!("--url: {why}: https://… is accepted, and http:// to this machine")));
    let Ok(uri) = url.parse::<Uri>() else { return refused("it is no URL") };
    match (uri.scheme_str(), uri.host()) {
        (Some("https"), Some(_)) => Ok(()),
        (Some("http"), Some(host)) => {
            let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
            let here = host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback());
            if here { Ok(()) } else { refused("the key would be sent to another machine for everybody on the way to read") }
        }
        _ => refused("it is no URL of a service"),
    }
}

/// Whether a failure may be gone in a moment.
fn passes(failure: &Failure) -> bool {
    match failure {
        Failure::Problem { status: 429 | 502 | 503 | 504, .. } => true,
        Failure::Problem { status: 409, body } => body["code"] == "idempotency_in_progress",
        _ => false,
    }
}

/// A body of the fields that were given.
pub fn given<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let given = fields.into_iter().filter(|(_, value)| !value.is_null());
    given.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into()
}

/// An id as a part of a path: nothing in it can lead elsewhere.
///
/// # Errors
/// [`Failure::Usage`] for a text that cannot be an id.
pub fn path_id(id: &str) -> Result<&str, Failure> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    if !id.is_empty() && id.bytes().all(plain) {
        Ok(id)
    } else {
        Err(Failure::Usage("an id holds letters, digits, _ and - only, such as req_0199a4c5d8b07c3a9a6c1f2e3d4c5b6a".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sent_to_this_machine_or_encrypted() {
        for sent in
            ["https://api.example.org", "http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:80/x", "HTTP://LOCALHOST"]
        {
            assert!(keeps_secrets(sent).is_ok(), "{sent}");
        }
        for kept in
            ["http://api.example.org", "http://127.0.0.1.example.org", "http://10.0.0.1", "ftp://localhost", "localhost", ""]
        {
            assert!(matches!(keeps_secrets(kept), Err(Failure::Usage(_))), "{kept}");
        }
    }
    use serde_json::json;

    #[test]
    fn only_what_may_pass_is_repeated() {
        let problem = |status, code: &str| passes(&Failure::Problem { status, body: json!({ "code": code }) });
        assert!(problem(503, "unavailable") && problem(409, "idempotency_in_progress"));
        assert!(!problem(409, "changed_meanwhile") && !problem(400, "x") && !problem(500, "internal"));
    }

    #[test]
    fn an_id_stays_inside_its_path() {
        assert!(path_id("req_0a").is_ok());
        for bad in ["", "../x", "a/b", "a?b", "a b"] {
            assert!(path_id(bad).is_err(), "{bad}");
        }
    }
}

//! What is asked.

use crate::failure::{Failure, Why};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{CONTENT_TYPE, USER_AGENT},
};
use std::fmt;
use thiserror::Error;
use url::Url;

/// Headers that say where and how a message goes. They are the connection's.
const OF_THE_CONNECTION: [&str; 13] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// A request to whoever somebody named. URL, headers and body may be secrets: `Debug` shows none of them.
#[derive(Clone)]
pub struct Request {
    url: String,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
    behalf: String,
}

/// A header that no request may have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0} is no header that a request may have, or its value is none")]
pub struct InvalidHeader(String);

impl Request {
    /// Asks for what a URL has. What is wrong with the URL says [`Outgoing::send`](crate::Outgoing::send), or before it
    /// [`Outgoing::check`](crate::Outgoing::check).
    pub fn get(url: impl Into<String>) -> Self {
        Self { url: url.into(), method: Method::GET, headers: HeaderMap::new(), body: Bytes::new(), behalf: String::new() }
    }

    /// Sends JSON to a URL, byte for byte as it is given: what is signed is these bytes.
    pub fn post_json(url: impl Into<String>, json: impl Into<Bytes>) -> Self {
        let mut request = Self::get(url);
        request.method = Method::POST;
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.body = json.into();
        request
    }

    /// With a header, instead of one with this name.
    ///
    /// # Errors
    /// [`InvalidHeader`], also for those that are the connection's own.
    pub fn with(mut self, name: &str, value: &str) -> Result<Self, InvalidHeader> {
        let invalid = || InvalidHeader(name.to_owned());
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
        if OF_THE_CONNECTION.contains(&name.as_str()) {
            return Err(invalid());
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| invalid())?;
        value.set_sensitive(true);
        self.headers.insert(name, value);
        Ok(self)
    }

    /// For whom it is. A host that does not answer for one is asked for others all the same: nobody closes it for somebody else.
    #[must_use]
    pub fn on_behalf_of(mut self, whom: impl Into<String>) -> Self {
        self.behalf = whom.into();
        self
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn behalf(&self) -> &str {
        &self.behalf
    }

    /// As it is sent to the URL, which is this one as it was judged.
    pub(crate) fn to(&self, url: &str) -> Result<http::Request<SdkBody>, Why> {
        let built = http::Request::builder().method(self.method.clone()).uri(url).body(SdkBody::from(self.body.clone()));
        let mut built = built.map_err(|_| Why::NoUrl)?;
        *built.headers_mut() = self.headers.clone();
        built.headers_mut().insert(USER_AGENT, HeaderValue::from_static("oubli"));
        Ok(built)
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = Url::parse(&self.url).ok();
        let host = url.as_ref().and_then(Url::host_str).unwrap_or(Failure::NO_HOST);
        let mut shown = f.debug_struct("Request");
        shown.field("method", &self.method.as_str()).field("host", &host).field("bytes", &self.body.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_holds_is_not_shown() {
        let url = "https://ada:secret@hooks.acme.example/secret?token=secret";
        let request = Request::post_json(url, "{\"secret\":1}").with("authorization", "Bearer secret").expect("a header");
        let shown = format!("{:?}", request.on_behalf_of("org"));
        assert!(shown.contains("hooks.acme.example") && shown.contains("POST") && !shown.contains("secret"), "{shown}");
        assert!(!format!("{:?}", Request::get("secret")).contains("secret"));
    }

    #[test]
    fn where_and_how_it_goes_is_not_for_headers_to_say() {
        for bad in ["host", "Host", "content-length", "transfer-encoding", "user-agent", "connection", "a b", ""] {
            assert_eq!(Request::get("https://a.example").with(bad, "x").err(), Some(InvalidHeader(bad.to_owned())));
        }
        let split = Request::get("https://a.example").with("accept", "x\r\nhost: b.example");
        assert_eq!(split.err(), Some(InvalidHeader("accept".to_owned())));
        let again = Request::get("https://a.example").with("accept", "a").and_then(|request| request.with("Accept", "b"));
        let sent = again.ok().and_then(|request| request.to("https://a.example").ok()).expect("a request");
        assert_eq!(sent.headers().get_all("accept").iter().collect::<Vec<_>>(), ["b"]);
        assert_eq!(sent.headers()["user-agent"], "oubli");
    }
}

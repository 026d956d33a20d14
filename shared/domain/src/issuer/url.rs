//! Where an OpenID provider is reached.

use serde::{Deserialize, Serialize};
use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};
use thiserror::Error;
use url::{Host, Url};

/// Longest address that is taken, in bytes.
const MOST_BYTES: usize = 512;

/// An address of an OpenID provider: `https`, or `http` where it is this machine itself.
///
/// It is kept as it was given, since what a token says is compared with it byte for byte; and only what every reader takes
/// for the same place is accepted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProviderUrl(String);

/// Why a text is no address of an OpenID provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidProviderUrl {
    /// It is no address at all, or a very long one.
    #[error("it is no address of at most 512 bytes")]
    NoAddress,
    /// Anybody on the way could answer.
    #[error("it is not https")]
    NotSecret,
    /// It holds a name, a password or a fragment.
    #[error("it holds a user, a password or a fragment")]
    MoreThanAPlace,
    /// Readers could take it for another place.
    #[error("it is not written as addresses are: host in lower case, default port left out")]
    OtherwiseWritten,
}

impl ProviderUrl {
    /// As it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is on this machine itself.
    pub fn is_local(&self) -> bool {
        self.host().is_some_and(|host| is_local(&host))
    }

    /// The address of its host, where that is no name.
    pub fn literal(&self) -> Option<IpAddr> {
        match self.host()? {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
        }
    }

    /// Whether it asks for something besides a place.
    pub fn has_query(&self) -> bool {
        self.0.contains('?')
    }

    fn host(&self) -> Option<Host<String>> {
        Url::parse(&self.0).ok()?.host().map(|host| host.to_owned())
    }
}

fn is_local(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => *address == Ipv4Addr::LOCALHOST,
        Host::Ipv6(address) => *address == Ipv6Addr::LOCALHOST,
    }
}

impl FromStr for ProviderUrl {
    type Err = InvalidProviderUrl;

    fn from_str(text: &str) -> Result<Self, InvalidProviderUrl> {
        if text.len() > MOST_BYTES {
            return Err(InvalidProviderUrl::NoAddress);
        }
        let url = Url::parse(text).map_err(|_| InvalidProviderUrl::NoAddress)?;
        let host = url.host().ok_or(InvalidProviderUrl::NoAddress)?.to_owned();
        if url.scheme() != "https" && !(url.scheme() == "http" && is_local(&host)) {
            return Err(InvalidProviderUrl::NotSecret);
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(InvalidProviderUrl::MoreThanAPlace);
        }
        if url.as_str() != text && url.as_str().strip_suffix('/') != Some(text) {
            return Err(InvalidProviderUrl::OtherwiseWritten);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for ProviderUrl {
    type Error = InvalidProviderUrl;

    fn try_from(text: String) -> Result<Self, InvalidProviderUrl> {
        text.parse()
    }
}

impl From<ProviderUrl> for String {
    fn from(url: ProviderUrl) -> String {
        url.0
    }
}

impl fmt::Display for ProviderUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use InvalidProviderUrl::{MoreThanAPlace, NoAddress, NotSecret, OtherwiseWritten};

    #[test]
    fn only_what_every_reader_takes_for_the_same_place_is_an_address() {
        for good in [
            "https://login.acme.example",
            "https://login.acme.example/",
            "https://login.acme.example:8443/realms/acme",
            "https://login.acme.example/keys?p=policy",
            "http://127.0.0.1:9400",
            "http://localhost:9400/",
            "http://[::1]:9400",
        ] {
            assert_eq!(good.parse::<ProviderUrl>().map(String::from), Ok(good.to_owned()));
        }
        for (bad, why) in [
            ("", NoAddress),
            ("login.acme.example", NoAddress),
            ("https://", NoAddress),
            (&format!("https://login.acme.example/{}", "a".repeat(500)), NoAddress),
            ("http://login.acme.example", NotSecret),
            ("http://127.0.0.2", NotSecret),
            ("http://localhost.acme.example", NotSecret),
            ("ftp://login.acme.example", NotSecret),
            ("https://ada@login.acme.example", MoreThanAPlace),
            ("https://:secret@login.acme.example", MoreThanAPlace),
            ("https://login.acme.example/#keys", MoreThanAPlace),
            ("https://Login.acme.example", OtherwiseWritten),
            ("https://login.acme.example:443", OtherwiseWritten),
            ("https://login.acme.example\\@10.0.0.1", OtherwiseWritten),
            ("https://login.acme.example/a/../b", OtherwiseWritten),
            ("https://lögin.example", OtherwiseWritten),
            (" https://login.acme.example", OtherwiseWritten),
            ("https://2130706433", OtherwiseWritten),
            ("https://0x7f.1", OtherwiseWritten),
            ("http://[0:0:0:0:0:0:0:1]", OtherwiseWritten),
        ] {
            assert_eq!(bad.parse::<ProviderUrl>(), Err(why), "{bad}");
        }
    }

    #[test]
    fn it_is_told_what_is_on_this_machine() {
        let of = |text: &str| text.parse::<ProviderUrl>().expect("an address");
        assert!(of("https://127.0.0.1").is_local() && of("http://[::1]:1").is_local() && of("http://localhost").is_local());
        assert!(!of("https://127.0.0.2").is_local() && !of("https://login.acme.example").is_local());
        assert_eq!(of("https://169.254.169.254/x").literal(), Some(IpAddr::from([169, 254, 169, 254])));
        assert_eq!(of("https://login.acme.example").literal(), None);
    }
}

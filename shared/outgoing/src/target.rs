//! Where a URL leads.

use crate::{
    addresses::is_public,
    allowed::Allowed,
    failure::{Failure, Why},
};
use std::net::IpAddr;
use url::{Host, Url};

/// Longest URL that is taken, in bytes. [`Why::NoUrl`] says it.
const MOST_BYTES: usize = 2048;

const HTTPS: u16 = 443;

/// Below are ports of services that are not the web, some of which can be made to take HTTP for their own language.
const FIRST_UNRESERVED: u16 = 1024;

/// Where a URL leads, if it may be asked.
///
/// Everything goes by the URL as a browser reads it: whoever is asked is who was judged, however the text writes an address.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) host: Host<String>,
    pub(crate) port: u16,
}

impl Target {
    pub(crate) fn new(text: &str, allowed: &Allowed) -> Result<Self, Failure> {
        let no_url = || Failure::new(Failure::NO_HOST, Why::NoUrl);
        if text.len() > MOST_BYTES {
            return Err(no_url());
        }
        let mut url = Url::parse(text).map_err(|_| no_url())?;
        let host = url.host().ok_or_else(no_url)?.to_owned();
        let fault = |why| Err(Failure::new(&host, why));
        let Some(port) = url.port_or_known_default() else { return fault(Why::NotHttps) };
        let is_allowed = allowed.place(&host, port);
        if url.scheme() != "https" && !(url.scheme() == "http" && is_allowed) {
            return fault(Why::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return fault(Why::Credentials);
        }
        if matches!(&host, Host::Domain(name) if name.ends_with('.')) {
            return fault(Why::TrailingDot);
        }
        if port != HTTPS && port < FIRST_UNRESERVED && !is_allowed {
            return fault(Why::Port);
        }
        url.set_fragment(None);
        let target = Self { url: url.into(), host, port };
        match target.literal() {
            Some(address) if !target.may_be(address, allowed) => Err(target.failure(Why::Private)),
            _ => Ok(target),
        }
    }

    /// The address of its host, where that is no name.
    pub(crate) fn literal(&self) -> Option<IpAddr> {
        match self.host {
            Host::Domain(_) => None,
            Host::Ipv4(address) => Some(IpAddr::V4(address)),
            Host::Ipv6(address) => Some(IpAddr::V6(address)),
        }
    }

    /// Whether it may be at an address.
    pub(crate) fn may_be(&self, address: IpAddr, allowed: &Allowed) -> bool {
        is_public(address) || allowed.address(&self.host, address, self.port)
    }

    pub(crate) fn failure(&self, why: Why) -> Failure {
        Failure::new(&self.host, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Why::{Credentials, NoUrl, NotHttps, Port, Private, TrailingDot};

    fn why(url: &str) -> Option<Why> {
        Target::new(url, &Allowed::default()).err().map(|failure| failure.why)
    }

    #[test]
    fn what_leads_to_the_internet_is_taken() {
        for good in [
            "https://hooks.acme.example",
            "https://hooks.acme.example/services/T0/B0?key=1",
            "https://hooks.acme.example:443/",
            "https://hooks.acme.example:8443/",
            "https://HOOKS.acme.example/",
            "https://hökser.example/",
            "https://1.1.1.1/",
            "https://0x01010101/",
            "https://[2606:4700::1111]/",
        ] {
            assert_eq!(why(good), None, "{good}");
        }
    }

    #[test]
    fn what_leads_elsewhere_is_refused_however_it_is_written() {
        for (bad, expected) in [
            ("", NoUrl),
            ("hooks.acme.example", NoUrl),
            ("https://", NoUrl),
            ("https://256.1.1.1/", NoUrl),
            ("https://1.2.3.4.5/", NoUrl),
            ("https://[fe80::1%25eth0]/", NoUrl),
            ("http://hooks.acme.example/", NotHttps),
            ("http://127.0.0.1/", NotHttps),
            ("ftp://hooks.acme.example/", NotHttps),
            ("gopher://hooks.acme.example/", NotHttps),
            ("https://ada@hooks.acme.example/", Credentials),
            ("https://ada:secret@hooks.acme.example/", Credentials),
            ("https://:secret@hooks.acme.example/", Credentials),
            ("https://1.1.1.1@127.0.0.1/", Credentials),
            ("https://localhost./", TrailingDot),
            ("https://hooks.acme.example./", TrailingDot),
            ("https://hooks.acme.example:80/", Port),
            ("https://hooks.acme.example:22/", Port),
            ("https://hooks.acme.example:1023/", Port),
            ("https://127.0.0.1/", Private),
            ("https://127.0.0.1:8443/", Private),
            ("https://127.1/", Private),
            ("https://127.0.0.1./", Private),
            ("https://2130706433/", Private),
            ("https://0x7f000001/", Private),
            ("https://0x7f.0.0.1/", Private),
            ("https://0x7F.1/", Private),
            ("https://017700000001/", Private),
            ("https://0177.0.0.01/", Private),
            ("https://%31%32%37.0.0.1/", Private),
            ("https://\u{ff11}\u{ff12}\u{ff17}.0.0.1/", Private),
            ("https://127\u{3002}0\u{3002}0\u{3002}1/", Private),
            ("https://2852039166/latest/meta-data", Private),
            ("https://0xa9fea9fe/", Private),
            ("https://0251.0376.0251.0376/", Private),
            ("https://169.254.169.254/", Private),
            ("https://10.0.0.1/", Private),
            ("https://0/", Private),
            ("https://[::]/", Private),
            ("https://[::1]/", Private),
            ("https://[0:0:0:0:0:0:0:1]/", Private),
            ("https://[::ffff:127.0.0.1]/", Private),
            ("https://[::ffff:a9fe:a9fe]/", Private),
            ("https://[::127.0.0.1]/", Private),
            ("https://[64:ff9b::169.254.169.254]/", Private),
            ("https://[2002:7f00:1::]/", Private),
            ("https://[fd00:ec2::254]/", Private),
            ("https://[fe80::1]/", Private),
            ("https:\\\\127.0.0.1\\", Private),
            ("https:127.0.0.1", Private),
            ("\thttps://127.0.0.1/\n", Private),
            ("https://127.0.0.1\\@1.1.1.1/", Private),
            ("https://127.0.0.1#@1.1.1.1/", Private),
        ] {
            assert_eq!(why(bad), Some(expected), "{bad}");
        }
        assert_eq!(why(&format!("https://hooks.acme.example/{}", "a".repeat(MOST_BYTES))), Some(NoUrl));
    }

    #[test]
    fn what_is_allowed_is_taken_as_it_is() {
        let allowed: Allowed = "127.0.0.1:80,hooks.test:81".parse().expect("places");
        let why = |url: &str| Target::new(url, &allowed).err().map(|failure| failure.why);
        for good in
            ["http://127.0.0.1/", "http://127.0.0.1:80/", "http://2130706433/", "http://hooks.test:81", "https://hooks.test:81/"]
        {
            assert_eq!(why(good), None, "{good}");
        }
        assert_eq!(why("http://127.0.0.1:81/"), Some(NotHttps));
        assert_eq!(why("http://127.0.0.2/"), Some(NotHttps));
        assert_eq!(why("https://127.0.0.1/"), Some(Private), "at another port");
        assert_eq!(why("http://ada@127.0.0.1/"), Some(Credentials));
    }

    #[test]
    fn a_fragment_is_not_sent() {
        let target = Target::new("https://hooks.acme.example/a?b#c", &Allowed::default()).map(|target| target.url);
        assert_eq!(target, Ok("https://hooks.acme.example/a?b".to_owned()));
    }

    #[test]
    fn a_refusal_names_the_host_only() {
        let refused = Target::new("http://hooks.acme.example/services/secret?token=secret", &Allowed::default()).err();
        let refused = refused.expect("refused");
        assert_eq!(refused.to_string(), "hooks.acme.example: it is not https");
        assert!(!format!("{refused:?}").contains("secret"));
    }
}

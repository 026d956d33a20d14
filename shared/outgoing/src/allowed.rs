//! Who may be asked besides the public internet: for trials, and for stacks on one machine.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};
use thiserror::Error;
use url::Host;

/// Places that may be asked wherever they are, also by `http` and at any port. Nobody, unless they are named.
///
/// A text of them has commas in between: `127.0.0.1:9400,[::1]:9400,hooks.test:8080`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed {
    places: Vec<(Host<String>, u16)>,
    this_machine: bool,
}

/// A text that names no place.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0} is no host and port")]
pub struct InvalidPlace(String);

impl Allowed {
    /// This machine itself, at every port: `127.0.0.1`, `[::1]`, and `localhost` where it stands for these.
    pub fn this_machine() -> Self {
        Self { places: Vec::new(), this_machine: true }
    }

    /// Also one place, `host:port` or `address:port`. Whatever addresses a host has are allowed with it; an address is allowed
    /// under every name, by `https`.
    ///
    /// # Errors
    /// [`InvalidPlace`].
    pub fn and(mut self, place: &str) -> Result<Self, InvalidPlace> {
        let invalid = || InvalidPlace(place.to_owned());
        let (host, port) = place.trim().rsplit_once(':').ok_or_else(invalid)?;
        let host = Host::parse(host).map_err(|_| invalid())?;
        self.places.push((host, port.parse().map_err(|_| invalid())?));
        Ok(self)
    }

    /// Whether a URL may lead there by `http` and at any port.
    pub(crate) fn place(&self, host: &Host<String>, port: u16) -> bool {
        let this_machine = match host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => *address == Ipv4Addr::LOCALHOST,
            Host::Ipv6(address) => *address == Ipv6Addr::LOCALHOST,
        };
        self.listed(host, port) || (self.this_machine && this_machine)
    }

    /// Whether an address of a host may be connected to, although the internet does not reach it.
    pub(crate) fn address(&self, host: &Host<String>, address: IpAddr, port: u16) -> bool {
        let itself = match address {
            IpAddr::V4(address) => Host::Ipv4(address),
            IpAddr::V6(address) => Host::Ipv6(address),
        };
        let local = address == IpAddr::V4(Ipv4Addr::LOCALHOST) || address == IpAddr::V6(Ipv6Addr::LOCALHOST);
        self.listed(host, port) || self.listed(&itself, port) || (self.this_machine && local && self.place(host, port))
    }

    fn listed(&self, host: &Host<String>, port: u16) -> bool {
        self.places.iter().any(|(listed, at)| listed == host && *at == port)
    }
}

impl FromStr for Allowed {
    type Err = InvalidPlace;

    fn from_str(text: &str) -> Result<Self, InvalidPlace> {
        text.split(',').filter(|place| !place.trim().is_empty()).try_fold(Self::default(), Self::and)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(text: &str) -> Host<String> {
        Host::parse(text).expect("a host")
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn what_is_listed_is_allowed_and_nothing_beside_it() {
        let allowed: Allowed = "127.0.0.1:9400, [::1]:9401,hooks.test:8080,".parse().expect("places");
        for (name, port) in [("127.0.0.1", 9400), ("[::1]", 9401), ("hooks.test", 8080), ("HOOKS.test", 8080)] {
            assert!(allowed.place(&host(name), port), "{name}:{port}");
        }
        for (name, port) in
            [("127.0.0.1", 9401), ("127.0.0.2", 9400), ("hooks.test", 443), ("a.hooks.test", 8080), ("localhost", 9400)]
        {
            assert!(!allowed.place(&host(name), port), "{name}:{port}");
        }
        assert!(allowed.address(&host("hooks.test"), address("10.0.0.1"), 8080), "whatever it stands for");
        assert!(!allowed.address(&host("hooks.test"), address("10.0.0.1"), 8081));
        assert!(allowed.address(&host("hooks.acme.example"), address("127.0.0.1"), 9400), "under any name");
        assert!(!allowed.address(&host("hooks.acme.example"), address("127.0.0.1"), 443));
        assert!(!Allowed::default().place(&host("127.0.0.1"), 443));
    }

    #[test]
    fn this_machine_has_one_name() {
        let open = Allowed::this_machine();
        for own in ["127.0.0.1", "::1"] {
            assert!(open.address(&host("localhost"), address(own), 9400), "{own}");
            assert!(!open.address(&host("login.acme.example"), address(own), 9400), "{own}: a name that somebody else gave it");
        }
        assert!(open.place(&host("127.0.0.1"), 1) && open.place(&host("[::1]"), 1) && open.place(&host("localhost"), 1));
        assert!(!open.place(&host("127.0.0.2"), 1) && !open.place(&host("localhost.acme.example"), 1));
        assert!(!open.address(&host("localhost"), address("10.0.0.1"), 1));
    }

    #[test]
    fn what_names_no_place_is_refused() {
        for bad in
            ["hooks.test", "127.0.0.1", "hooks.test:", "hooks.test:port", "hooks.test:70000", ":80", "http://hooks.test:80"]
        {
            assert_eq!(bad.parse::<Allowed>(), Err(InvalidPlace(bad.to_owned())), "{bad}");
        }
    }
}

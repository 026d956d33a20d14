//! Which addresses may be asked for what an issuer publishes: those that the whole internet reaches. Any other could be of
//! the network that a function runs in, and an administrator of one organization is a stranger there.

use ipnet::{Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const fn v4(a: u8, b: u8, c: u8, length: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), length)
}

const fn v6(a: u16, b: u16, length: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), length)
}

/// Not globally reachable, or not one host: the IANA IPv4 Special-Purpose Address Registry (RFC 6890), multicast (RFC 5771),
/// and relays that lead into IPv6 (RFC 7526).
const NOT_V4: [Ipv4Net; 15] = [
    v4(0, 0, 0, 8),
    v4(10, 0, 0, 8),
    v4(100, 64, 0, 10),
    v4(127, 0, 0, 8),
    v4(169, 254, 0, 16),
    v4(172, 16, 0, 12),
    v4(192, 0, 0, 24),
    v4(192, 0, 2, 24),
    v4(192, 88, 99, 24),
    v4(192, 168, 0, 16),
    v4(198, 18, 0, 15),
    v4(198, 51, 100, 24),
    v4(203, 0, 113, 24),
    v4(224, 0, 0, 4),
    v4(240, 0, 0, 4),
];

/// Addresses of the internet (RFC 4291, section 2.4): all others are unassigned, or lead elsewhere.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 3);

/// Of those, what is not (the IANA IPv6 Special-Purpose Address Registry, RFC 6890), or hides an IPv4 address: Teredo, 6to4.
const NOT_V6: [Ipv6Net; 4] = [v6(0x2001, 0, 23), v6(0x2001, 0x0db8, 32), v6(0x2002, 0, 16), v6(0x3fff, 0, 20)];

/// What may be asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reachable {
    /// Also this machine itself.
    pub(super) local: bool,
}

impl Reachable {
    /// Whether an address may be asked.
    pub(super) fn has(self, address: IpAddr) -> bool {
        (self.local && is_this_machine(address)) || is_global(address)
    }

    /// Whether an address may be asked that a name stands for: only one name stands for this machine.
    pub(super) fn leads_to(self, name: &str, address: IpAddr) -> bool {
        (name == "localhost" && self.has(address)) || is_global(address)
    }
}

fn is_this_machine(address: IpAddr) -> bool {
    address == IpAddr::V4(Ipv4Addr::LOCALHOST) || address == IpAddr::V6(Ipv6Addr::LOCALHOST)
}

fn is_global(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !NOT_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => GLOBAL_V6.contains(&address) && !NOT_V6.iter().any(|net| net.contains(&address)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn only_the_internet_is_reached() {
        for public in ["1.1.1.1", "8.8.8.8", "52.94.236.248", "172.15.255.255", "172.32.0.1", "192.0.1.1", "2606:4700::1111"] {
            assert!(is_global(address(public)), "{public}");
        }
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.1.2.3",
            "169.254.169.254",
            "169.254.170.2",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.168.1.1",
            "198.19.255.255",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:169.254.169.254",
            "::ffff:1.1.1.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "2001::1",
            "2001:db8::1",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_global(address(private)), "{private}");
        }
    }

    #[test]
    fn this_machine_is_reached_by_its_own_name_where_that_is_set() {
        let (open, closed) = (Reachable { local: true }, Reachable { local: false });
        for own in ["127.0.0.1", "::1"] {
            assert!(open.has(address(own)) && !closed.has(address(own)), "{own}");
            assert!(open.leads_to("localhost", address(own)) && !closed.leads_to("localhost", address(own)), "{own}");
            assert!(!open.leads_to("login.acme.example", address(own)), "{own}: a name that somebody else gave it");
        }
        assert!(!open.has(address("127.0.0.2")) && !open.leads_to("localhost", address("10.0.0.1")));
        assert!(closed.leads_to("login.acme.example", address("1.1.1.1")));
    }
}

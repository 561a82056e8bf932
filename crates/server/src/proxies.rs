//! Who called, when a proxy stands between: its `X-Forwarded-For` and `X-Forwarded-Proto` count only
//! when it is trusted, because everybody else can write there what they like.

use std::net::IpAddr;

use http::HeaderMap;

const FORWARDED: &str = "x-forwarded-for";
const PROTOCOL: &str = "x-forwarded-proto";

/// Who is at the other end of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visitor {
    pub address: IpAddr,
    /// A trusted proxy says that it was called over TLS.
    pub is_https: bool,
}

/// The trusted proxies: addresses and networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Proxies(Vec<Network>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    fn parse(text: &str) -> Option<Network> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(all);
        (bits <= all).then_some(Network { address, bits })
    }

    fn has(&self, other: IpAddr) -> bool {
        let ahead = |bits: u8, width: u8| width - bits;
        match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.checked_shr(ahead(self.bits, 32).into()).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let differ = own.to_bits() ^ other.to_bits();
                differ.checked_shr(ahead(self.bits, 128).into()).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl Proxies {
    /// Addresses and networks (`10.0.0.0/8`), separated by commas; empty for none.
    ///
    /// # Errors
    /// What it has to be.
    pub fn parse(text: &str) -> Result<Proxies, &'static str> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let networks: Option<Vec<Network>> = parts.map(Network::parse).collect();
        networks.map(Proxies).ok_or("addresses or networks such as 10.0.0.0/8, separated by commas")
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.has(address))
    }

    pub fn visitor(&self, peer: IpAddr, headers: &HeaderMap) -> Visitor {
        let is_trusted = !self.0.is_empty() && self.trusts(peer);
        // Of several the last one is from the nearest proxy.
        let told =
            || headers.get_all(PROTOCOL).iter().next_back()?.to_str().ok()?.rsplit(',').next();
        let is_https = || told().is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"));
        Visitor { address: self.caller(peer, headers), is_https: is_trusted && is_https() }
    }

    /// The caller's address. Proxies append the address that they saw, so the last one that no
    /// trusted proxy has is the last that can be believed.
    fn caller(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        if self.0.is_empty() || !self.trusts(peer) {
            return peer;
        }
        let lines = headers.get_all(FORWARDED).iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        let mut caller = peer;
        for hop in hops.into_iter().rev() {
            let Some(address) = address(hop) else { break };
            caller = address;
            if !self.trusts(address) {
                break;
            }
        }
        caller
    }
}

/// An address as proxies write it: also with a port, and IPv6 in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.parse().ok();
    let bracketed = || text.strip_prefix('[')?.split_once(']')?.0.parse().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|address| address.ip());
    plain.or_else(with_port).or_else(bracketed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(trusted: &str, peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED, line.parse().unwrap());
        }
        Proxies::parse(trusted).unwrap().caller(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(caller("", "10.0.0.1", &["1.1.1.1"]), "10.0.0.1");
        assert_eq!(caller("10.0.0.2", "10.0.0.1", &["1.1.1.1"]), "10.0.0.1");
        assert_eq!(caller("10.0.0.1", "10.0.0.1", &["1.1.1.1"]), "1.1.1.1");
        assert_eq!(caller("10.0.0.0/8", "10.9.9.9", &[]), "10.9.9.9");
    }

    #[test]
    fn the_last_address_of_no_proxy_counts() {
        let trusted = "10.0.0.0/8, ::1";
        assert_eq!(caller(trusted, "10.0.0.1", &["9.9.9.9, 1.1.1.1, 10.0.0.7"]), "1.1.1.1");
        assert_eq!(caller(trusted, "10.0.0.1", &["9.9.9.9", "1.1.1.1:4711"]), "1.1.1.1");
        assert_eq!(caller(trusted, "::1", &["[2001:db8::1]:4711"]), "2001:db8::1");
        assert_eq!(caller(trusted, "::ffff:10.0.0.1", &["1.1.1.1"]), "1.1.1.1");
        assert_eq!(caller(trusted, "10.0.0.1", &["1.1.1.1, rubbish"]), "10.0.0.1");
        assert_eq!(caller("0.0.0.0/0", "10.0.0.1", &["1.1.1.1, 2.2.2.2"]), "1.1.1.1");
    }

    #[test]
    fn the_scheme_is_what_a_trusted_proxy_says() {
        let is_https = |trusted: &str, lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(PROTOCOL, line.parse().unwrap());
            }
            let peer = "10.0.0.1".parse().unwrap();
            Proxies::parse(trusted).unwrap().visitor(peer, &headers).is_https
        };
        assert!(is_https("10.0.0.0/8", &["https"]) && is_https("10.0.0.1", &["http", "HTTPS"]));
        assert!(is_https("10.0.0.1", &["http, https"]));
        for (trusted, lines) in [
            ("", &["https"][..]),
            ("10.0.0.2", &["https"]),
            ("10.0.0.1", &[]),
            ("10.0.0.1", &["http"]),
            ("10.0.0.1", &["https, http"]),
            ("10.0.0.1", &["https", "http"]),
        ] {
            assert!(!is_https(trusted, lines), "{trusted} {lines:?}");
        }
    }

    #[test]
    fn wrong_networks_are_refused() {
        for text in ["10.0.0.0/33", "10.0.0", "::1/129", "proxy", "10.0.0.1 10.0.0.2", "10.0.0.1/x"]
        {
            assert!(Proxies::parse(text).is_err(), "{text}");
        }
    }
}

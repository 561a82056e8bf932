//! Where a webhook may be sent: addresses of the public internet, and the networks that the settings
//! allow. Everything else would let whoever sets up a webhook talk to what only this machine reaches.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use http::Uri;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Addresses that are not of the public internet (the IANA special-purpose registries).
const PRIVATE_V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Carrier-grade NAT.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Link-local; cloud providers serve credentials here.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, reserved, broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 3),
];

/// The global unicast addresses: all others are local, multicast, mapped or reserved.
const PUBLIC_V6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// What of them is no host of the internet, or hides an IPv4 address (Teredo, 6to4).
const PRIVATE_V6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// The prefix under which networks without IPv4 reach it: the IPv4 address at the end counts.
const NAT64: [u16; 6] = [0x64, 0xff9b, 0, 0, 0, 0];

/// The address that decides: an IPv4 address in IPv6 clothes is that IPv4 address.
fn plain(address: IpAddr) -> IpAddr {
    let IpAddr::V6(v6) = address else { return address };
    if let Some(v4) = v6.to_ipv4_mapped() {
        return IpAddr::V4(v4);
    }
    let segments = v6.segments();
    if segments[..6] == NAT64 {
        let [a, b] = segments[6].to_be_bytes();
        let [c, d] = segments[7].to_be_bytes();
        return IpAddr::V4(Ipv4Addr::new(a, b, c, d));
    }
    address
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => !PRIVATE_V4
            .iter()
            .any(|(net, bits)| Ipv4Net::new(*net, *bits).is_ok_and(|net| net.contains(&v4))),
        IpAddr::V6(v6) => {
            let within = |(net, bits): &(Ipv6Addr, u8)| {
                Ipv6Net::new(*net, *bits).is_ok_and(|net| net.contains(&v6))
            };
            within(&PUBLIC_V6) && !PRIVATE_V6.iter().any(within)
        }
    }
}

/// True when webhooks may be sent to this address.
pub fn is_allowed(address: IpAddr, networks: &[IpNet]) -> bool {
    let plain = plain(address);
    is_public(plain) || networks.iter().any(|net| net.contains(&plain) || net.contains(&address))
}

/// Reads the setting `webhooks.allow_networks`.
///
/// # Errors
/// The end of a sentence that starts with the setting.
pub fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    let parts = text.split([',', ' ']).filter(|part| !part.is_empty());
    let network = |part: &str| {
        let one = |address: IpAddr| IpNet::from(address);
        part.parse::<IpNet>().or_else(|_| part.parse::<IpAddr>().map(one))
    };
    parts
        .map(|part| {
            network(part).map_err(|_| {
                format!("has to be networks such as 10.0.0.0/8, fd00::/8, not {part:?}")
            })
        })
        .collect()
}

/// An address to send to.
#[derive(Clone, Debug)]
pub struct Target {
    pub uri: Uri,
    pub is_tls: bool,
    /// A name, or an IP address without brackets.
    pub host: String,
    pub port: u16,
}

impl Target {
    /// Reads a URL.
    ///
    /// # Errors
    /// The end of a sentence that starts with the field.
    pub fn parse(text: &str) -> Result<Target, String> {
        let wrong = || "must be an address such as https://example.com/hook".to_owned();
        if text.contains('#') || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(wrong());
        }
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let is_tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        if authority.as_str().contains('@') {
            return Err("must not have a user name or password in it".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(wrong());
        }
        let rest = authority.as_str().strip_prefix(authority.host()).unwrap_or("");
        let port = match rest.strip_prefix(':') {
            None if is_tls => 443,
            None => 80,
            Some(text) => text.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?,
        };
        Ok(Target { uri, is_tls, host, port })
    }

    /// Refuses what can be refused without asking for the name's addresses.
    ///
    /// # Errors
    /// The end of a sentence that starts with the field.
    pub fn check(&self, networks: &[IpNet]) -> Result<(), String> {
        match self.host.parse::<IpAddr>() {
            Ok(address) if !is_allowed(address, networks) => Err(refusal(&self.host, address)),
            _ => Ok(()),
        }
    }
}

/// The end of a sentence on a target that is out of bounds.
pub fn refusal(host: &str, address: IpAddr) -> String {
    let named = if host == address.to_string() {
        format!("points at {address}")
    } else {
        format!("points at {host}, which is {address}")
    };
    format!(
        "{named}: not an address of the public internet, and webhooks.allow_networks does not allow it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_refused_in_any_clothes() {
        for text in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.8.8.8",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "::7f00:1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd12::1",
            "ff02::1",
            "64:ff9b::7f00:1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::1",
            "2002:7f00:1::",
            "2001:0:7f00::1",
            "2001:db8::1",
            "100::1",
            "5f00::1",
        ] {
            assert!(!is_allowed(text.parse().unwrap(), &[]), "{text}");
        }
    }

    #[test]
    fn public_addresses_are_allowed() {
        for text in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.167.1.1",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
        ] {
            assert!(is_allowed(text.parse().unwrap(), &[]), "{text}");
        }
    }

    #[test]
    fn the_setting_opens_networks() {
        let open = networks("10.0.0.0/8, 127.0.0.1 fd00::/8").unwrap();
        for (text, allowed) in [
            ("10.9.8.7", true),
            ("127.0.0.1", true),
            ("::ffff:127.0.0.1", true),
            ("127.0.0.2", false),
            ("fd00::1", true),
            ("fc00::1", false),
        ] {
            assert_eq!(is_allowed(text.parse().unwrap(), &open), allowed, "{text}");
        }
        assert!(networks("").unwrap().is_empty());
        assert!(networks("10.0.0.0/33").is_err() && networks("localhost").is_err());
    }

    #[test]
    fn targets_are_read_strictly() {
        for (text, host, port) in [
            ("https://example.com/hook?a=1", "example.com", 443),
            ("http://example.com", "example.com", 80),
            ("http://[::1]:8080/x", "::1", 8080),
        ] {
            let target = Target::parse(text).unwrap();
            assert_eq!((target.host.as_str(), target.port), (host, port), "{text}");
        }
        for text in [
            "",
            "example.com",
            "/hook",
            "ftp://example.com",
            "https://",
            "https://user:pw@example.com",
            "https://example.com/#part",
            "https://example.com/a b",
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://example.com:/",
            "javascript:alert(1)",
            "https:///x",
            "http://example.com\r\nX-Evil: 1",
        ] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
    }
}

//! Which addresses may be connected to.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use hyper::Uri;
use tokio::net::lookup_host;

/// How far connections may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To any address: for what the operator of the server has set.
    Anywhere,
    /// To public addresses only: for what comes through the API.
    PublicOnly,
}

/// Why a host has no address to connect to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The name is not known, or cannot be asked for now.
    #[error("the host has no address: {0}")]
    Unknown(#[from] io::Error),
    /// One of its addresses is not public.
    #[error("the host has an address that is not public")]
    NotAllowed,
}

impl Reach {
    /// The addresses of a host (a name or an address; IPv6 without brackets), all of which may be connected to.
    ///
    /// Connect to these, and do not look the host up again: its name may lead elsewhere by then. A host with public and
    /// other addresses is refused whole, as none has both by honest means.
    pub async fn resolve(self, host: &str, port: u16) -> Result<Vec<SocketAddr>, ResolveError> {
        let addresses: Vec<_> = lookup_host((host, port)).await?.collect();
        self.admit(addresses)
    }

    fn admit(self, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, ResolveError> {
        if addresses.is_empty() {
            return Err(io::Error::from(io::ErrorKind::NotFound).into());
        }
        if self == Self::PublicOnly && !addresses.iter().all(|address| is_public(address.ip())) {
            return Err(ResolveError::NotAllowed);
        }
        Ok(addresses)
    }
}

/// Whether an address is one of the public internet: not of this machine, a private network, a provider's inside, a group
/// or a reserved range, also where such an IPv4 address is written as an IPv6 one.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

/// Ranges that the registry of special addresses (RFC 6890 and its updates) does not call global, multicast included:
/// network and length of its prefix.
const SPECIAL_V4: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),       // this host
    ([10, 0, 0, 0], 8),      // private
    ([100, 64, 0, 0], 10),   // carriers' translation (CGNAT)
    ([127, 0, 0, 0], 8),     // loopback
    ([169, 254, 0, 0], 16),  // link-local, cloud metadata
    ([172, 16, 0, 0], 12),   // private
    ([192, 0, 0, 0], 24),    // protocol assignments
    ([192, 0, 2, 0], 24),    // documentation
    ([192, 88, 99, 0], 24),  // relays of 6to4
    ([192, 168, 0, 0], 16),  // private
    ([198, 18, 0, 0], 15),   // benchmarks
    ([198, 51, 100, 0], 24), // documentation
    ([203, 0, 113, 0], 24),  // documentation
    ([224, 0, 0, 0], 4),     // multicast
    ([240, 0, 0, 0], 4),     // reserved, broadcast
];

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !SPECIAL_V4.iter().any(|(network, length)| (bits ^ u32::from_be_bytes(*network)).leading_zeros() >= *length)
}

/// Of IPv6 only global unicast (2000::/3) is public. What it holds of special ranges, and what carries an IPv4 address
/// through a translator, is looked at apart.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let bits = address.to_bits();
    let within = |network: u128, length: u32| (bits ^ network).leading_zeros() >= length;
    let mapped = within(0xffff << 32, 96);
    let translated = within(0x0064_ff9b << 96, 96); // NAT64
    if mapped || translated {
        let [.., a, b, c, d] = address.octets();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    within(0x2000 << 112, 3)
        && !within(0x2001 << 112, 23) // protocol assignments, Teredo
        && !within(0x2001_0db8 << 96, 32) // documentation
        && !within(0x2002 << 112, 16) // 6to4
        && !within(0x3fff << 112, 20) // documentation
}

/// Where a provider is: a URL that its paths are added to, and how far it may lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BaseUrl {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) encrypted: bool,
    pub(crate) reach: Reach,
    authority: String,
    path: String,
}

/// Why a text is no base URL. It does not repeat the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the base URL {0}")]
pub struct InvalidBaseUrl(&'static str);

impl BaseUrl {
    /// Reads `http://host:port/path` or `https://…`.
    pub fn parse(text: &str, reach: Reach) -> Result<Self, InvalidBaseUrl> {
        let uri: Uri = text.trim().parse().map_err(|_| InvalidBaseUrl("is not a URL"))?;
        let encrypted = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(InvalidBaseUrl("must begin with http:// or https://")),
        };
        let authority = uri.authority().ok_or(InvalidBaseUrl("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(InvalidBaseUrl("must not hold a user or password: give the key apart"));
        }
        if uri.query().is_some() {
            return Err(InvalidBaseUrl("must not have a query"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err(InvalidBaseUrl("names no host"));
        }
        Ok(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(if encrypted { 443 } else { 80 }),
            encrypted,
            reach,
            authority: authority.to_string(),
            path: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// The host and port as requests name them.
    pub(crate) fn authority(&self) -> &str {
        &self.authority
    }

    /// The path of a request, whose own part begins with a slash.
    pub(crate) fn path(&self, own: &str) -> String {
        format!("{}{own}", self.path)
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.encrypted { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.authority, self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(address: &str) -> bool {
        is_public(address.parse().unwrap())
    }

    #[test]
    fn special_addresses_are_not_public() {
        let special = "0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 100.127.255.255 127.0.0.1 127.255.255.254 169.254.169.254 \
                       172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 \
                       198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 \
                       :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 \
                       ::ffff:0:8.8.8.8 64:ff9b::127.0.0.1 64:ff9b::10.0.0.1 64:ff9b::192.168.0.1 64:ff9b:1::8.8.8.8 \
                       100::1 2001::1 2001:1ff:ffff::1 2001:db8::1 2002:7f00:1::1 2002:808:808::1 3fff:fff::1 \
                       5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1 4000::1";
        for address in special.split_whitespace() {
            assert!(!public(address), "{address}");
        }
    }

    #[test]
    fn neighbours_of_special_addresses_are_public() {
        let usual = "1.1.1.1 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255 \
                     169.255.0.0 172.15.255.255 172.32.0.0 192.0.1.0 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 \
                     223.255.255.255 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2000:: 2001:200::1 2001:4860:4860::8888 2001:db9::1 \
                     2003::1 2606:4700::1111 3fff:1000::1";
        for address in usual.split_whitespace() {
            assert!(public(address), "{address}");
        }
    }

    #[test]
    fn one_address_that_is_not_public_refuses_the_host() {
        let addresses: Vec<SocketAddr> =
            ["1.1.1.1:80", "10.0.0.1:80"].iter().map(|text| text.parse().unwrap()).collect();
        assert!(matches!(Reach::PublicOnly.admit(addresses.clone()), Err(ResolveError::NotAllowed)));
        assert_eq!(Reach::Anywhere.admit(addresses.clone()).unwrap(), addresses);
        assert_eq!(Reach::PublicOnly.admit(addresses[..1].to_vec()).unwrap(), addresses[..1]);
        assert!(matches!(Reach::Anywhere.admit(Vec::new()), Err(ResolveError::Unknown(_))));
    }

    #[tokio::test]
    async fn hosts_are_judged_by_where_they_lead() {
        // The last ones are old ways to write 127.0.0.1, which resolvers understand.
        for host in ["localhost", "127.0.0.1", "::1", "::ffff:127.0.0.1", "2130706433", "0x7f.1", "127.1"] {
            let resolved = Reach::PublicOnly.resolve(host, 80).await;
            assert!(resolved.is_err(), "{host}: {resolved:?}");
        }
        assert!(Reach::Anywhere.resolve("127.0.0.1", 80).await.is_ok());
        assert!(Reach::PublicOnly.resolve("1.1.1.1", 80).await.is_ok());
    }

    #[test]
    fn base_urls_are_read() {
        let base = BaseUrl::parse(" https://API.example.org/v1/ ", Reach::Anywhere).unwrap();
        assert_eq!((base.host.as_str(), base.port, base.encrypted), ("API.example.org", 443, true));
        assert_eq!(base.path("/models"), "/v1/models");
        assert_eq!(base.to_string(), "https://API.example.org/v1");
        let base = BaseUrl::parse("http://[::1]:11434", Reach::Anywhere).unwrap();
        assert_eq!((base.host.as_str(), base.port, base.authority()), ("::1", 11434, "[::1]:11434"));
        assert_eq!(base.path("/api/chat"), "/api/chat");
    }

    #[test]
    fn what_is_no_base_url_is_told_without_repeating_it() {
        let bad =
            ["", "localhost:11434", "ftp://host", "/v1", "http://", "http://me:pass@host", "http://host?key=pass"];
        for text in bad {
            let error = BaseUrl::parse(text, Reach::Anywhere).unwrap_err().to_string();
            assert!(!error.contains("pass@") && !error.contains("key="), "{text}: {error}");
        }
    }
}

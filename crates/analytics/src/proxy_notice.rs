//! Warns of a proxy that is not trusted: all visitors behind it look like one.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use tracing::warn;

use crate::client_address::{FORWARDED, X_FORWARDED_FOR};
use crate::{TrustedProxies, Visit};

/// Warns once.
#[derive(Debug, Default)]
pub(crate) struct ProxyNotice(AtomicBool);

impl ProxyNotice {
    /// Warns if a request has a forwarding header, but comes from a peer that is not trusted.
    pub(crate) fn check(&self, trusted: &TrustedProxies, visit: &Visit<'_>) {
        if self.0.load(Ordering::Relaxed) {
            return;
        }
        let headers = [X_FORWARDED_FOR, FORWARDED];
        let mut sent = headers
            .iter()
            .filter(|name| visit.headers.first(name).is_some());
        let Some(header) = sent.next() else {
            return;
        };
        if trusted.trusts_peer(visit.peer) || self.0.swap(true, Ordering::Relaxed) {
            return;
        }
        // A visitor may send the header without a proxy: their address is never logged.
        let peer = match visit.peer.map(|peer| peer.to_canonical()) {
            Some(peer) => private_network(peer).map(|network| network.to_string()),
            None => Some("unix".to_owned()),
        };
        warn!(
            header,
            peer,
            "a request was forwarded by a peer that is not in WAYPOST_TRUSTED_PROXIES; if it is \
             your proxy, add it: until then all its visitors count as one and share one limit"
        );
    }
}

/// Returns the network of a loopback or private address; `None` for all other addresses, which may
/// be those of visitors.
fn private_network(address: IpAddr) -> Option<IpNet> {
    match address {
        address if address.is_loopback() => Some(address.into()),
        IpAddr::V4(address) if address.is_private() || address.is_link_local() => {
            Some(Ipv4Net::new(address, 24).ok()?.trunc().into())
        }
        IpAddr::V6(address) if address.is_unique_local() || address.is_unicast_link_local() => {
            Some(Ipv6Net::new(address, 64).ok()?.trunc().into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::visit::HeaderList;

    #[test]
    fn only_networks_that_are_not_public_are_named() {
        for (address, expected) in [
            ("127.0.0.1", Some("127.0.0.1/32")),
            ("::1", Some("::1/128")),
            ("10.1.2.3", Some("10.1.2.0/24")),
            ("172.17.0.2", Some("172.17.0.0/24")),
            ("192.168.1.9", Some("192.168.1.0/24")),
            ("fd00:1:2:3:4::5", Some("fd00:1:2:3::/64")),
            ("203.0.113.7", None),
            ("100.64.0.1", None),
            ("2001:db8::1", None),
        ] {
            let network = private_network(address.parse().unwrap());
            let network = network.map(|network| network.to_string());
            assert_eq!(network.as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn it_warns_once_and_only_of_peers_that_are_not_trusted() {
        let trusted: TrustedProxies = "10.0.0.0/8".parse().unwrap();
        let notice = ProxyNotice::default();
        let is_told = |peer: &str, headers: &[(&'static str, &str)]| {
            let headers = HeaderList::new(headers);
            notice.check(&trusted, &headers.visit(peer));
            notice.0.load(Ordering::Relaxed)
        };
        assert!(!is_told("10.0.0.1", &[(X_FORWARDED_FOR, "192.0.2.1")]));
        assert!(!is_told("192.168.0.1", &[]));
        assert!(is_told("192.168.0.1", &[(FORWARDED, "for=192.0.2.1")]));
        let unix = ProxyNotice::default();
        let headers = HeaderList::new(&[(X_FORWARDED_FOR, "192.0.2.1")]);
        let visit = Visit {
            peer: None,
            ..headers.visit("192.0.2.1")
        };
        unix.check(&"unix".parse().unwrap(), &visit);
        assert!(!unix.0.load(Ordering::Relaxed));
        unix.check(&trusted, &visit);
        assert!(unix.0.load(Ordering::Relaxed));
    }
}

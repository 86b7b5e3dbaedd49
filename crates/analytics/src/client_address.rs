//! The IP address of the client: that of the connection, or the one that trusted proxies forward.
//! [`TrustedProxies`] documents the rule and the reasons for it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};

use crate::Visit;
use crate::hops;

pub(crate) const X_FORWARDED_FOR: &str = "x-forwarded-for";
pub(crate) const FORWARDED: &str = "forwarded";

/// The proxies whose forwarding headers are trusted: none by default.
///
/// # The rule
/// No proxy is trusted unless the operator lists it. If the peer is not trusted, it is the client,
/// and headers are ignored. If it is trusted, the hops of the forwarding header are read from the
/// right, the side on which each proxy appends. The first hop that is not trusted is the client. A
/// hop without a readable address ends the reading, and the last known address is the client. If
/// every hop is trusted, the leftmost is the client.
///
/// # Which header
/// `X-Forwarded-For` if the request has one, otherwise `Forwarded` (RFC 7239); never both. A proxy
/// usually writes one of the two and passes on the other as the visitor sent it, so that a visitor
/// can forge the one it does not write. Nearly every proxy (nginx, Apache, `HAProxy`, Caddy,
/// Traefik, Envoy, the load balancers of the large clouds) writes `X-Forwarded-For` and passes on
/// `Forwarded`: with them, this order cannot be exploited, while the opposite order could be (the
/// hazard is described in quarkusio/quarkus issue 35751). A proxy that writes only `Forwarded` must
/// remove `X-Forwarded-For` from the requests of visitors.
///
/// # Unix sockets
/// Who connects to a Unix socket has no IP address. The word `unix` trusts them: only a proxy on the
/// same machine can connect.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    unix: bool,
}

/// The entry that stands for the peers of Unix sockets.
const UNIX: &str = "unix";

impl TrustedProxies {
    /// Returns the IP address of the client of a visit, by the rule above. Returns `None` only if
    /// the connection has no IP address and no trusted proxy forwards one. IPv4 written as IPv6 (`::ffff:192.0.2.1`) is returned as
    /// IPv4.
    ///
    /// Does not allocate, except if a trusted proxy quotes an address with backslashes.
    #[must_use]
    pub fn client_address(&self, visit: &Visit<'_>) -> Option<IpAddr> {
        let peer = visit.peer.map(|peer| peer.to_canonical());
        if !self.trusts_peer(peer) {
            return peer;
        }
        let mut walk = Walk {
            trusted: self,
            client: None,
        };
        if visit.headers.first(X_FORWARDED_FOR).is_some() {
            visit.headers.each(X_FORWARDED_FOR, &mut |line| {
                hops::x_forwarded_for(line, &mut |hop| walk.pass(hop));
            });
        } else {
            visit.headers.each(FORWARDED, &mut |line| {
                hops::forwarded(line, &mut |hop| walk.pass(hop));
            });
        }
        walk.client.or(peer)
    }

    /// Returns the IP address of the client like [`TrustedProxies::client_address`], and the reason
    /// for it.
    #[must_use]
    pub fn explain(&self, visit: &Visit<'_>) -> BelievedAddress {
        let address = self.client_address(visit);
        let Some(peer) = visit.peer.map(|peer| peer.to_canonical()) else {
            let because = match address {
                Some(_) => {
                    "the connection is that of a trusted proxy on a Unix socket, which \
                            forwards this IP address"
                }
                None => "the connection has no IP address",
            };
            return BelievedAddress {
                address,
                because: because.to_owned(),
            };
        };
        let believed = address.unwrap_or(peer);
        let because = if self.networks.is_empty() {
            "no proxy is trusted (WAYPOST_TRUSTED_PROXIES is not set), so the IP address of the \
             connection is used and forwarding headers are ignored"
                .to_owned()
        } else if !self.trusts(peer) {
            format!(
                "the IP address of the connection, {peer}, is not in WAYPOST_TRUSTED_PROXIES, so \
                 it is used and forwarding headers are ignored"
            )
        } else {
            let header = [X_FORWARDED_FOR, FORWARDED].into_iter();
            let mut present = header.filter(|name| visit.headers.first(name).is_some());
            match present.next() {
                None => format!(
                    "{peer} is a trusted proxy, but sends neither X-Forwarded-For nor Forwarded"
                ),
                Some(name) if believed == peer => format!(
                    "{peer} is a trusted proxy, but {name} names no other IP address that can be \
                     read, so the IP address of the connection is used"
                ),
                Some(name) if self.trusts(believed) => format!(
                    "{peer} is a trusted proxy; every readable hop in {name} is also trusted, so \
                     the leftmost of them is used"
                ),
                Some(name) => format!(
                    "{peer} is a trusted proxy; read from the right, {believed} is the first hop \
                     in {name} that is not trusted"
                ),
            }
        };
        BelievedAddress { address, because }
    }

    /// Returns whether the peer of a connection is a trusted proxy. `None` is the peer of a Unix
    /// socket.
    #[must_use]
    pub fn trusts_peer(&self, peer: Option<IpAddr>) -> bool {
        peer.map_or(self.unix, |peer| self.trusts(peer.to_canonical()))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks
            .iter()
            .any(|network| network.contains(&address))
    }
}

/// The IP address of a client, and the reason for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BelievedAddress {
    /// The IP address of the client.
    pub address: Option<IpAddr>,
    /// The reason, as a text for people.
    pub because: String,
}

/// Reads hops from the right, computed from the left in the order of the header. `client` is the
/// result if the header ended here; `None` means that the next hop is the client.
struct Walk<'a> {
    trusted: &'a TrustedProxies,
    client: Option<IpAddr>,
}

impl Walk<'_> {
    fn pass(&mut self, hop: Option<IpAddr>) {
        self.client = match hop {
            Some(address) if self.trusted.trusts(address) => self.client.or(hop),
            other => other,
        };
    }
}

impl FromStr for TrustedProxies {
    type Err = TrustedProxiesError;

    /// Parses IP addresses, networks (`10.0.0.0/8`) and `unix`, separated by commas or white space.
    fn from_str(text: &str) -> Result<Self, TrustedProxiesError> {
        let mut proxies = Self::default();
        let entries = text.split(|character: char| character == ',' || character.is_whitespace());
        for entry in entries.filter(|entry| !entry.is_empty()) {
            if entry == UNIX {
                proxies.unix = true;
                continue;
            }
            let network = network(entry).ok_or_else(|| TrustedProxiesError {
                entry: entry.to_owned(),
            })?;
            proxies.networks.push(network);
        }
        Ok(proxies)
    }
}

fn network(entry: &str) -> Option<IpNet> {
    let network = match entry.parse::<IpAddr>() {
        Ok(address) => IpNet::from(address),
        Err(_) => entry.parse::<IpNet>().ok()?,
    };
    // IP addresses are compared in canonical form, so networks must be in it too.
    if let IpNet::V6(mapped) = network
        && let Some(address) = mapped.addr().to_ipv4_mapped()
        && let Some(prefix) = mapped.prefix_len().checked_sub(96)
    {
        return Ipv4Net::new(address, prefix).ok().map(IpNet::V4);
    }
    Some(network.trunc())
}

impl fmt::Display for TrustedProxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for network in &self.networks {
            write!(f, "{separator}{network}")?;
            separator = ",";
        }
        if self.unix {
            write!(f, "{separator}{UNIX}")?;
        }
        Ok(())
    }
}

/// An entry of the list is neither an IP address nor a network nor `unix`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("contains {entry:?}, expected an IP address, a network such as 10.0.0.0/8, or unix")]
pub struct TrustedProxiesError {
    /// The first such entry.
    pub entry: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::visit::HeaderList;

    const XFF: &str = X_FORWARDED_FOR;

    fn client(trusted: &str, peer: &str, headers: &[(&'static str, &str)]) -> String {
        let trusted: TrustedProxies = trusted.parse().unwrap();
        let headers = HeaderList::new(headers);
        let address = trusted.client_address(&headers.visit(peer));
        address.unwrap().to_string()
    }

    #[test]
    fn by_default_no_header_is_trusted() {
        let forged = [(XFF, "192.0.2.66"), (FORWARDED, "for=192.0.2.66")];
        for peer in ["127.0.0.1", "10.0.0.1", "::1"] {
            assert_eq!(client("", peer, &forged), peer);
        }
        assert_eq!(client("10.0.0.0/8", "11.0.0.1", &forged), "11.0.0.1");
    }

    #[test]
    fn the_explanation_names_the_address_and_the_rule_that_led_to_it() {
        for (trusted, peer, headers, address, part) in [
            (
                "",
                "10.0.0.1",
                vec![(XFF, "192.0.2.66")],
                "10.0.0.1",
                "no proxy is trusted",
            ),
            (
                "10.0.0.0/8",
                "11.0.0.1",
                vec![(XFF, "192.0.2.66")],
                "11.0.0.1",
                "is not in",
            ),
            (
                "10.0.0.0/8",
                "10.0.0.1",
                vec![],
                "10.0.0.1",
                "sends neither",
            ),
            (
                "10.0.0.0/8",
                "10.0.0.1",
                vec![(XFF, "203.0.113.7, 10.0.0.2")],
                "203.0.113.7",
                "first hop in x-forwarded-for",
            ),
            (
                "10.0.0.0/8",
                "10.0.0.1",
                vec![(FORWARDED, "for=203.0.113.7")],
                "203.0.113.7",
                "first hop in forwarded",
            ),
            (
                "10.0.0.0/8",
                "10.0.0.1",
                vec![(XFF, "10.0.0.3, 10.0.0.2")],
                "10.0.0.3",
                "is also trusted",
            ),
        ] {
            let trusted: TrustedProxies = trusted.parse().unwrap();
            let headers = HeaderList::new(&headers);
            let visit = headers.visit(peer);
            let believed = trusted.explain(&visit);
            assert_eq!(believed.address, trusted.client_address(&visit));
            assert_eq!(believed.address.unwrap().to_string(), address);
            assert!(believed.because.contains(part), "{}", believed.because);
        }
    }

    #[test]
    fn the_walk_goes_from_the_right_past_trusted_hops() {
        let trusted = "10.0.0.0/8, 2001:db8:1::/48";
        for (line, expected) in [
            // Hops that the visitor forged are to the left of those that proxies appended.
            ("192.0.2.66, 203.0.113.7, 10.0.0.2", "203.0.113.7"),
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7, 2001:db8:1::5, 10.0.0.2", "203.0.113.7"),
            ("10.0.0.3, 203.0.113.7", "203.0.113.7"),
            // All trusted: the leftmost.
            ("10.0.0.3, 10.0.0.2", "10.0.0.3"),
            // An unreadable hop ends the reading at the last good address.
            ("203.0.113.7, unknown, 10.0.0.3, 10.0.0.2", "10.0.0.3"),
            ("203.0.113.7, unknown", "10.0.0.1"),
            ("unknown", "10.0.0.1"),
            ("unknown, 203.0.113.7", "203.0.113.7"),
            // No hop at all.
            ("", "10.0.0.1"),
            // An unreadable hop is never passed, whatever is left of it.
            ("203.0.113.7, 192.0.2.1:99999, 10.0.0.2", "10.0.0.2"),
            ("203.0.113.7, _hidden", "10.0.0.1"),
            // With ports, zones and empty items, as proxies write them.
            ("192.0.2.66, ::ffff:203.0.113.7:12345", "203.0.113.7"),
            (
                "::ffff:203.0.113.7:12345, ::ffff:10.0.0.2:80",
                "203.0.113.7",
            ),
            ("fe80::1%eth0, [2001:db8:1::5]:443, 10.0.0.2:80", "fe80::1"),
            // IPv4 written as IPv6 is IPv4, trusted hops included.
            ("::ffff:203.0.113.7, ::ffff:10.0.0.2", "203.0.113.7"),
        ] {
            assert_eq!(
                client(trusted, "10.0.0.1", &[(XFF, line)]),
                expected,
                "{line:?}"
            );
            assert_eq!(
                client(trusted, "::ffff:10.0.0.1", &[(XFF, line)]),
                expected,
                "{line:?}"
            );
            let standard: Vec<String> = line
                .split(", ")
                .map(|hop| format!("for=\"{hop}\""))
                .collect();
            let standard = [(FORWARDED, standard.join(", "))];
            let standard = standard
                .each_ref()
                .map(|(name, value)| (*name, value.as_str()));
            assert_eq!(
                client(trusted, "10.0.0.1", &standard),
                expected,
                "{standard:?}"
            );
        }
    }

    #[test]
    fn several_lines_are_one_list() {
        let lines = [
            (XFF, "192.0.2.66"),
            ("via", "x"),
            (XFF, "203.0.113.7"),
            (XFF, "10.0.0.2"),
        ];
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &lines), "203.0.113.7");
        let lines = [
            (FORWARDED, "for=192.0.2.66"),
            (FORWARDED, "for=203.0.113.7, for=10.0.0.2"),
        ];
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &lines), "203.0.113.7");
    }

    #[test]
    fn x_forwarded_for_decides_where_both_headers_are_present() {
        let both = [(FORWARDED, "for=192.0.2.66"), (XFF, "203.0.113.7")];
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &both), "203.0.113.7");
        let both = [(FORWARDED, "for=192.0.2.66"), (XFF, "unknown")];
        assert_eq!(client("10.0.0.0/8", "10.0.0.1", &both), "10.0.0.1");
    }

    #[test]
    fn a_connection_without_an_address_has_no_client() {
        let headers = HeaderList::new(&[(XFF, "203.0.113.7")]);
        let visit = Visit {
            session: None,
            peer: None,
            headers: &headers,
        };
        let trusted: TrustedProxies = "0.0.0.0/0,::/0".parse().unwrap();
        assert_eq!(trusted.client_address(&visit), None);
    }

    #[test]
    fn the_list_is_read_in_any_usual_form() {
        for (text, expected) in [
            ("", ""),
            (" , ", ""),
            ("127.0.0.1", "127.0.0.1/32"),
            ("::1 10.0.0.0/8", "::1/128,10.0.0.0/8"),
            ("10.1.2.3/8,\n192.168.0.0/16", "10.0.0.0/8,192.168.0.0/16"),
            (
                "::ffff:10.0.0.0/104 ::ffff:192.0.2.1",
                "10.0.0.0/8,192.0.2.1/32",
            ),
        ] {
            let proxies: TrustedProxies = text.parse().unwrap();
            assert_eq!(proxies.to_string(), expected, "{text:?}");
        }
        for bad in [
            "proxy.example",
            "10.0.0.0/33",
            "10.0.0",
            "10.0.0.1;10.0.0.2",
            "*",
        ] {
            let text = format!("127.0.0.1, {bad}");
            let error = text.parse::<TrustedProxies>().unwrap_err();
            assert_eq!(error.entry, bad);
        }
    }

    /// Generates addresses, about half of them trusted, and unreadable hops.
    fn hop() -> impl Strategy<Value = String> {
        prop_oneof![
            (0_u8..4).prop_map(|host| format!("10.0.0.{host}")),
            (0_u8..4).prop_map(|host| format!("203.0.113.{host}")),
            Just("2001:db8::1".to_owned()),
            Just("unknown".to_owned()),
        ]
    }

    /// Implements the rule as documented, literally.
    fn walked_from_the_right(hops: &[String], peer: &str) -> String {
        let mut last = peer;
        for hop in hops.iter().rev() {
            if hop == "unknown" {
                return last.to_owned();
            }
            if !hop.starts_with("10.") {
                return hop.clone();
            }
            last = hop;
        }
        last.to_owned()
    }

    proptest! {
        #[test]
        fn the_answer_is_the_walks(hops in prop::collection::vec(hop(), 0..8), split in 0_usize..8) {
            let (first, second) = hops.split_at(split.min(hops.len()));
            let lines = [(XFF, first.join(",")), (XFF, second.join(", "))];
            let lines = lines.each_ref().map(|(name, value)| (*name, value.as_str()));
            let expected = walked_from_the_right(&hops, "10.0.0.1");
            prop_assert_eq!(client("10.0.0.0/8", "10.0.0.1", &lines), expected);
        }

        #[test]
        fn a_visitor_cannot_forge_its_address(forged in "[ -~]{0,60}", which in 0_usize..3) {
            // The proxy appends the address it sees, to the same line or as a further line.
            let appended = format!("{forged}, 203.0.113.7");
            let lines: Vec<(&str, &str)> = match which {
                0 => vec![(XFF, appended.as_str())],
                1 => vec![(XFF, forged.as_str()), (XFF, "203.0.113.7")],
                _ => vec![(FORWARDED, forged.as_str()), (XFF, "203.0.113.7")],
            };
            prop_assert_eq!(client("10.0.0.0/8", "10.0.0.1", &lines), "203.0.113.7");
        }

        #[test]
        fn headers_of_an_untrusted_peer_change_nothing(peer: std::net::Ipv4Addr, line: String) {
            prop_assume!(peer.octets()[0] != 10);
            let headers = [(XFF, line.as_str()), (FORWARDED, line.as_str())];
            prop_assert_eq!(client("10.0.0.0/8", &peer.to_string(), &headers), peer.to_string());
        }
    }
}

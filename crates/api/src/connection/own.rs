//! The addresses under which this server is reached, as far as this machine knows them. Links to
//! them would be links to the server itself.

use std::net::SocketAddr;

use nix::ifaddrs::getifaddrs;
use tracing::debug;

use super::ListenAddress;

/// Returns the IP addresses and ports of these addresses; for an unspecified address (`0.0.0.0`,
/// `[::]`) also those of each interface of this machine.
pub(crate) fn own_sockets<'a>(
    addresses: impl IntoIterator<Item = &'a ListenAddress>,
) -> Vec<SocketAddr> {
    let mut sockets: Vec<SocketAddr> = addresses
        .into_iter()
        .filter_map(ListenAddress::socket_address)
        // A free port that is not chosen yet.
        .filter(|socket| socket.port() != 0)
        .collect();
    let unspecified = sockets.iter().filter(|socket| socket.ip().is_unspecified());
    let unspecified: Vec<SocketAddr> = unspecified.copied().collect();
    if !unspecified.is_empty() {
        for address in interfaces() {
            // An IPv6 socket also accepts connections to IPv4 addresses.
            let answers = |socket: &&SocketAddr| socket.is_ipv6() || address.is_ipv4();
            let answering = unspecified.iter().filter(answers);
            sockets.extend(answering.map(|socket| SocketAddr::new(address.ip(), socket.port())));
        }
    }
    sockets
}

/// Returns the addresses of all interfaces.
fn interfaces() -> Vec<SocketAddr> {
    let found = match getifaddrs() {
        Ok(found) => found,
        Err(error) => {
            debug!(%error, "cannot read the addresses of the interfaces");
            return Vec::new();
        }
    };
    found
        .filter_map(|interface| {
            let address = interface.address?;
            let v4 = address.as_sockaddr_in();
            let v6 = address.as_sockaddr_in6();
            v4.map(|v4| SocketAddr::new(v4.ip().into(), 0))
                .or_else(|| v6.map(|v6| SocketAddr::new(v6.ip().into(), 0)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sockets(text: &str) -> Vec<String> {
        let addresses = ListenAddress::parse_all(text).unwrap();
        let sockets = own_sockets(&addresses).into_iter();
        sockets.map(|socket| socket.to_string()).collect()
    }

    #[test]
    fn an_unspecified_address_is_every_address_of_the_machine() {
        let text = "192.0.2.1:80,unix:/run/waypost.sock,127.0.0.1:0";
        assert_eq!(sockets(text), ["192.0.2.1:80"]);
        for text in ["0.0.0.0:8080", "[::]:8080"] {
            let all = sockets(text);
            assert!(all.contains(&text.to_owned()), "{all:?}");
            assert!(all.contains(&"127.0.0.1:8080".to_owned()), "{all:?}");
        }
    }
}

//! What the server prints on standard output when it listens: its address and a command to try it.

use std::fmt;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tracing::warn;
use waypost_api::{ListenAddress, RunningServer};

/// The first line is stable, for programs that wait for it: `Waypost VERSION listening on URL`, with
/// further addresses after commas.
struct Banner<'a> {
    addresses: &'a [ListenAddress],
    /// The base URL, for which cookies are set.
    base: &'a str,
    metrics: &'a [ListenAddress],
    /// Whether anyone can create links without signing in.
    open: bool,
    /// The set-up link for the first admin; `None` if there are users.
    set_up: Option<String>,
}

/// Prints the banner. `open` is whether anyone can create links without signing in. The set-up link
/// is shown nowhere else.
pub(crate) fn print(server: &RunningServer, base: &str, open: bool, set_up: Option<String>) {
    let banner = Banner {
        addresses: server.addresses(),
        base,
        metrics: server.metrics_addresses(),
        open,
        set_up,
    };
    let mut stdout = std::io::stdout().lock();
    let printed = write!(stdout, "{banner}").and_then(|()| stdout.flush());
    if let Err(error) = printed {
        // The server also runs with a closed standard output.
        warn!(%error, "cannot print the address");
    }
}

/// Returns a URL that this machine can connect to, also if the server listens on all interfaces, or
/// the base URL if there is no IP address.
fn reachable(addresses: &[ListenAddress], base: &str) -> String {
    let mut ports = addresses.iter().filter_map(ListenAddress::socket_address);
    let Some(address) = ports.next() else {
        return base.to_owned();
    };
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

/// Returns the addresses, separated by commas; those with a port as URLs.
fn listed(addresses: &[ListenAddress]) -> String {
    let urls = addresses.iter().map(|address| match address {
        ListenAddress::Tcp(address) => format!("http://{address}"),
        other => other.to_string(),
    });
    urls.collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = env!("CARGO_PKG_VERSION");
        let near = reachable(self.addresses, self.base);
        let addresses = listed(self.addresses);
        writeln!(f, "Waypost {version} listening on {addresses}")?;
        if let Some(url) = &self.set_up {
            writeln!(
                f,
                "\nCreate the first admin account in a browser (link works once, for 1 \
                 hour):\n{url}"
            )?;
        }
        writeln!(f, "\nDashboard: {}/dashboard", self.base)?;
        if self.set_up.is_none() {
            // The first steps have been taken.
        } else if self.open {
            writeln!(f, "\nShorten a URL:")?;
        } else {
            writeln!(f, "\nOr add yourself, create a token and shorten a URL:")?;
            writeln!(f, "linkctl user add you@example.com --admin")?;
            writeln!(
                f,
                "TOKEN=$(linkctl token create --user you@example.com --name curl)"
            )?;
        }
        if self.set_up.is_some() {
            let credentials = if self.open {
                ""
            } else {
                " -H \"Authorization: Bearer $TOKEN\""
            };
            writeln!(
                f,
                "curl -s -X POST {near}/shorten{credentials} \
                 -H 'Content-Type: application/json' -d '{{\"url\":\"https://example.com/\"}}'"
            )?;
        }
        writeln!(f, "\nAPI reference: {near}/api/docs/")?;
        if let [first, ..] = self.metrics {
            let near = reachable(std::slice::from_ref(first), self.base);
            writeln!(f, "Metrics: {near}/metrics")
        } else {
            let who = "with the token of an admin, unless WAYPOST_METRICS_PUBLIC is true";
            writeln!(f, "Metrics: {near}/metrics ({who})")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_begins_with_the_address_and_has_a_command_to_paste() {
        let banner = |open, is_new: bool| {
            let address = "0.0.0.0:8080 unix:/run/waypost.sock";
            let banner = Banner {
                addresses: &ListenAddress::parse_all(address).unwrap(),
                base: "http://localhost:8080",
                metrics: &[],
                open,
                set_up: is_new.then(|| "http://localhost:8080/setup?token=wpi_x".to_owned()),
            };
            banner.to_string()
        };
        let text = banner(true, true);
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            text.lines().next(),
            Some(
                format!(
                    "Waypost {version} listening on http://0.0.0.0:8080, unix:/run/waypost.sock"
                )
                .as_str()
            )
        );
        let curl = "curl -s -X POST http://127.0.0.1:8080/shorten \
                    -H 'Content-Type: application/json' -d '{\"url\":\"https://example.com/\"}'";
        assert!(text.lines().any(|line| line == curl), "{text}");
        let closed = banner(false, true);
        let (_, token) = closed.split_once("linkctl token create").unwrap();
        assert!(token.contains("Bearer $TOKEN"), "{closed}");
        let set_up = "http://localhost:8080/setup?token=wpi_x";
        assert!(closed.lines().any(|line| line == set_up), "{closed}");
        let dashboard = "Dashboard: http://localhost:8080/dashboard";
        assert!(text.lines().any(|line| line == dashboard), "{text}");
        // Once there is a user, the first steps have been taken.
        for open in [true, false] {
            let later = banner(open, false);
            for step in ["/setup", "curl", "linkctl"] {
                assert!(!later.contains(step), "{later}");
            }
            assert!(later.lines().any(|line| line == dashboard), "{later}");
        }
    }
}

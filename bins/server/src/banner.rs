//! What the server prints on standard output when it listens: its address and a command to try it.

use std::fmt;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tracing::warn;
use waypost_api::RunningServer;

/// The first line is stable, for programs that wait for it: `Waypost VERSION listening on URL`.
struct Banner<'a> {
    address: SocketAddr,
    /// The base URL, for which cookies are set.
    base: &'a str,
    metrics: Option<SocketAddr>,
    /// Whether anyone can create links without signing in.
    open: bool,
    /// The set-up link for the first admin; `None` if there are users.
    set_up: Option<String>,
}

/// Prints the banner. `open` is whether anyone can create links without signing in. The set-up link
/// is shown nowhere else.
pub(crate) fn print(server: &RunningServer, base: &str, open: bool, set_up: Option<String>) {
    let banner = Banner {
        address: server.address(),
        base,
        metrics: server.metrics_address(),
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

/// Returns an address that this machine can connect to, also if the server listens on all
/// interfaces.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = env!("CARGO_PKG_VERSION");
        let near = reachable(self.address);
        writeln!(f, "Waypost {version} listening on http://{}", self.address)?;
        if let Some(url) = &self.set_up {
            writeln!(
                f,
                "\nCreate the first admin account in a browser (link works once, for 1 \
                 hour):\n{url}"
            )?;
        }
        writeln!(f, "\nDashboard: {}/dashboard", self.base)?;
        if self.open {
            writeln!(f, "\nShorten a URL:")?;
        } else if self.set_up.is_some() {
            writeln!(f, "\nOr add yourself, create a token and shorten a URL:")?;
            writeln!(f, "linkctl user add you@example.com --admin")?;
            writeln!(
                f,
                "TOKEN=$(linkctl token create --user you@example.com --name curl)"
            )?;
        }
        if self.open || self.set_up.is_some() {
            let credentials = if self.open {
                ""
            } else {
                " -H \"Authorization: Bearer $TOKEN\""
            };
            writeln!(
                f,
                "curl -s -X POST http://{near}/shorten{credentials} \
                 -H 'Content-Type: application/json' -d '{{\"url\":\"https://example.com/\"}}'"
            )?;
        }
        writeln!(f, "\nAPI reference: http://{near}/api/docs/")?;
        match self.metrics {
            Some(address) => writeln!(f, "Metrics: http://{address}/metrics"),
            None => writeln!(f, "Metrics: http://{near}/metrics"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_banner_begins_with_the_address_and_has_a_command_to_paste() {
        let banner = |open| {
            let address = ([0, 0, 0, 0], 8080).into();
            let metrics = None;
            let banner = Banner {
                address,
                base: "http://localhost:8080",
                metrics,
                open,
                set_up: (!open).then(|| "http://localhost:8080/setup?token=wpi_x".to_owned()),
            };
            banner.to_string()
        };
        let text = banner(true);
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            text.lines().next(),
            Some(format!("Waypost {version} listening on http://0.0.0.0:8080").as_str())
        );
        let curl = "curl -s -X POST http://127.0.0.1:8080/shorten \
                    -H 'Content-Type: application/json' -d '{\"url\":\"https://example.com/\"}'";
        assert!(text.lines().any(|line| line == curl), "{text}");
        let closed = banner(false);
        let (_, token) = closed.split_once("linkctl token create").unwrap();
        assert!(token.contains("Bearer $TOKEN"), "{closed}");
        let set_up = "http://localhost:8080/setup?token=wpi_x";
        assert!(closed.lines().any(|line| line == set_up), "{closed}");
        assert!(!text.contains("/setup"), "{text}");
        let dashboard = "Dashboard: http://localhost:8080/dashboard";
        assert!(text.lines().any(|line| line == dashboard), "{text}");
    }
}

//! What is printed on standard output when the server listens: where, and a line to try it.

use std::fmt;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tracing::warn;
use waypost_api::RunningServer;

/// The first line is a contract with whoever waits for it: `Waypost VERSION listening on URL`.
struct Banner<'a> {
    address: SocketAddr,
    /// What short links begin with: the place that cookies are for.
    base: &'a str,
    metrics: Option<SocketAddr>,
    /// Whether everybody may shorten.
    open: bool,
    /// Where the first admin is made, while there is none.
    set_up: Option<String>,
}

/// Prints the banner of a server, which is `open` where everybody may shorten. This is the only place where
/// the address to set up is shown.
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
        // Nobody may be reading: that is no reason not to serve.
        warn!(%error, "the address could not be printed");
    }
}

/// An address under which a server that listens on every interface is reached from its machine.
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
                "\nMake the first admin, with a browser, once and within an hour:\n{url}"
            )?;
        }
        writeln!(f, "\nThe dashboard: {}/dashboard", self.base)?;
        if self.open {
            writeln!(f, "\nShorten a URL:")?;
        } else {
            writeln!(f, "\nAdd yourself, make a token, and shorten a URL:")?;
            writeln!(f, "linkctl user add you@example.com --admin")?;
            writeln!(
                f,
                "TOKEN=$(linkctl token create --user you@example.com --name curl)"
            )?;
        }
        let credentials = if self.open {
            ""
        } else {
            " -H \"Authorization: Bearer $TOKEN\""
        };
        writeln!(
            f,
            "curl -s -X POST http://{near}/shorten{credentials} -H 'Content-Type: application/json' \
             -d '{{\"url\":\"https://example.com/\"}}'"
        )?;
        writeln!(f, "\nThe API, to read and to try: http://{near}/api/docs/")?;
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
    fn the_banner_begins_with_the_address_and_has_a_line_to_paste() {
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
        let dashboard = "The dashboard: http://localhost:8080/dashboard";
        assert!(text.lines().any(|line| line == dashboard), "{text}");
    }
}

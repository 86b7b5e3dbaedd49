//! The addresses to listen on.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// The prefix of the path of a Unix socket.
const UNIX: &str = "unix:";
/// Stands for the sockets that systemd hands over.
const SYSTEMD: &str = "systemd";

/// An address that a server listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListenAddress {
    /// An IP address and port; port 0 selects a free port.
    Tcp(SocketAddr),
    /// The absolute path of a Unix socket, for a proxy on the same machine.
    Unix(PathBuf),
    /// The sockets that systemd hands over (`sd_listen_fds(3)`), all of them.
    Systemd,
}

impl ListenAddress {
    /// Parses addresses separated by commas or white space.
    ///
    /// # Errors
    /// [`ListenAddressError`] if one of them is invalid, one is given twice, or there is none.
    pub fn parse_all(text: &str) -> Result<Vec<Self>, ListenAddressError> {
        let entries = text.split(|character: char| character == ',' || character.is_whitespace());
        let mut addresses = Vec::new();
        for entry in entries.filter(|entry| !entry.is_empty()) {
            let address = entry.parse()?;
            let free_port = matches!(address, Self::Tcp(address) if address.port() == 0);
            if addresses.contains(&address) && !free_port {
                return Err(ListenAddressError::Duplicate(entry.to_owned()));
            }
            addresses.push(address);
        }
        if addresses.is_empty() {
            return Err(ListenAddressError::Invalid(text.to_owned()));
        }
        Ok(addresses)
    }

    /// Returns the IP address and port, if it has one.
    #[must_use]
    pub const fn socket_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(address) => Some(*address),
            Self::Unix(_) | Self::Systemd => None,
        }
    }
}

impl FromStr for ListenAddress {
    type Err = ListenAddressError;

    fn from_str(text: &str) -> Result<Self, ListenAddressError> {
        if text == SYSTEMD {
            return Ok(Self::Systemd);
        }
        if let Some(path) = text.strip_prefix(UNIX).map(Path::new) {
            return if path.is_absolute() && path.file_name().is_some() {
                Ok(Self::Unix(path.to_owned()))
            } else {
                Err(ListenAddressError::Invalid(text.to_owned()))
            };
        }
        text.parse()
            .map(Self::Tcp)
            .map_err(|_| ListenAddressError::Invalid(text.to_owned()))
    }
}

impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        Self::Tcp(address)
    }
}

/// `127.0.0.1:8080`, `unix:/run/waypost.sock` or `systemd`.
impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "{UNIX}{}", path.display()),
            Self::Systemd => f.write_str(SYSTEMD),
        }
    }
}

/// The text is not a list of addresses to listen on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ListenAddressError {
    /// An entry is not an address.
    #[error(
        "must be an IP address and port such as 127.0.0.1:8080 or [::]:8080, unix:/absolute/path \
         or systemd, not `{0}`"
    )]
    Invalid(String),
    /// An address is given twice.
    #[error("`{0}` is given twice")]
    Duplicate(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written_alike() {
        let text = "127.0.0.1:8080, [::]:80,unix:/run/waypost/http.sock systemd";
        let addresses = ListenAddress::parse_all(text).unwrap();
        let written: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        let path = "unix:/run/waypost/http.sock";
        assert_eq!(written, ["127.0.0.1:8080", "[::]:80", path, "systemd"]);
        let two_free_ports = ListenAddress::parse_all("127.0.0.1:0,127.0.0.1:0");
        assert_eq!(two_free_ports.unwrap().len(), 2);
    }

    #[test]
    fn what_is_no_address_or_given_twice_is_refused() {
        for bad in [
            "",
            ",",
            "localhost:80",
            "8080",
            "unix:",
            "unix:relative.sock",
            "unix:/",
            "Systemd",
            "127.0.0.1:80,nowhere",
            "127.0.0.1:80,127.0.0.1:80",
            "unix:/a,unix:/a",
        ] {
            assert!(ListenAddress::parse_all(bad).is_err(), "{bad}");
        }
    }
}

//! The parts of the URL of a database server.
//!
//! `scheme://user:password@a:1,[::1]:2,c/database?parameters` becomes one URL for each server.
//! The parameters `host`, `hostaddr` and `port` hold lists as well, as in
//! [libpq](https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS). A host
//! that begins with a slash, percent-encoded in the place of the host, is a Unix socket: for
//! PostgreSQL its directory, for MySQL and MariaDB the socket itself.

use std::fmt::{self, Write as _};
use std::iter;

use url::Url;

use super::parameters::{self, Parameter, decoded};
use super::{DatabaseKind, DatabaseUrlError};

/// The host of a URL whose server is a Unix socket. The driver of MariaDB does not connect to it.
const THIS_MACHINE: &str = "localhost";

/// The parts of the URL of a database server.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    kind: DatabaseKind,
    /// The name and the password, including the `@`.
    user: String,
    hosts: Vec<Host>,
    path: String,
    /// The parameters common to all hosts, as they were written.
    parameters: Vec<Parameter>,
}

#[derive(Clone, PartialEq, Eq)]
struct Host {
    /// A name, an address, or the percent-encoded path of a socket.
    name: String,
    port: Option<u16>,
    /// The numeric address to use instead of looking up the name.
    address: Option<String>,
}

impl ServerUrl {
    /// Parses the part of a URL after its scheme and `://`.
    pub(crate) fn parse(kind: DatabaseKind, rest: &str) -> Result<Self, DatabaseUrlError> {
        let (authority, tail) = match rest.find(['/', '?', '#']) {
            Some(end) => rest.split_at(end),
            None => (rest, ""),
        };
        let path = tail.split('?').next().unwrap_or_default();
        if tail.contains('#') || path.contains('@') {
            return Err(DatabaseUrlError::Unencoded);
        }
        Self::parse_parts(kind, authority, tail).map_err(|error| {
            let may_end_a_password = !authority.contains('@') || names(tail).contains('@');
            if tail.contains('@') && may_end_a_password {
                return DatabaseUrlError::Unencoded;
            }
            error
        })
    }

    fn parse_parts(
        kind: DatabaseKind,
        authority: &str,
        tail: &str,
    ) -> Result<Self, DatabaseUrlError> {
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let mut hosts = match hosts {
            "" => Vec::new(),
            hosts => hosts.split(',').map(host).collect::<Result<_, _>>()?,
        };
        // Neither the scheme nor the host matters here.
        let url = Url::parse(&format!("x://{user}@h{tail}"));
        let url = url.map_err(|_| DatabaseUrlError::Scheme)?;
        let given = parameters::read(kind, url.query().unwrap_or_default())?;
        let mut given = take_lists(&mut hosts, given)?;
        let mut path = url.path().to_owned();
        if let Some(name) = take(&mut given, "dbname")
            && path.len() < 2
        {
            path = format!("/{name}");
        }
        if kind == DatabaseKind::Postgres {
            parameters::choose_session(&mut given, hosts.len())?;
        }
        if hosts.is_empty() || hosts.iter().any(|host| host.name.is_empty()) {
            return Err(DatabaseUrlError::Host);
        }
        if path.len() < 2 {
            return Err(DatabaseUrlError::Name);
        }
        let this = Self {
            kind,
            user: match (url.username(), url.password()) {
                ("", None) => String::new(),
                (user, None) => format!("{user}@"),
                (user, Some(password)) => format!("{user}:{password}@"),
            },
            hosts,
            path,
            parameters: given,
        };
        for url in this.urls() {
            parameters::check(kind, &url)?;
        }
        Ok(this)
    }

    /// Returns a URL for each server, in order, passwords included.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.hosts.iter().map(|host| self.url(host)).collect()
    }

    fn url(&self, host: &Host) -> String {
        let Self { user, path, .. } = self;
        let scheme = self.scheme();
        let socket = host.socket().filter(|_| self.kind == DatabaseKind::Mysql);
        let mut url = match socket {
            Some(_) => format!("{scheme}://{user}{THIS_MACHINE}{path}"),
            None => format!("{scheme}://{user}{host}{path}"),
        };
        let parameters = self.parameters.iter();
        let parameters = parameters.map(|(name, value)| (name.as_str(), value.as_str()));
        let address = host.address.iter();
        let address = address.map(|address| ("hostaddr", address.as_str()));
        for ((name, value), mark) in parameters
            .chain(address)
            .chain(socket.map(|path| ("socket", path)))
            .zip(iter::once("?").chain(iter::repeat("&")))
        {
            // The driver of PostgreSQL takes everything before an `@` for the user.
            url.extend([mark, name, "=", &value.replace('@', "%40")]);
        }
        url
    }

    const fn scheme(&self) -> &'static str {
        match self.kind {
            // The driver of MariaDB knows the protocol by its original name.
            DatabaseKind::Mysql => "mysql",
            DatabaseKind::Postgres | DatabaseKind::Sqlite => "postgres",
        }
    }
}

/// Leaves out the user, the password and the parameters.
impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme())?;
        for (number, host) in self.hosts.iter().enumerate() {
            if number > 0 {
                f.write_char(',')?;
            }
            write!(f, "{host}")?;
        }
        f.write_str(&self.path)
    }
}

impl Host {
    const fn named(name: String) -> Self {
        Self {
            name,
            port: None,
            address: None,
        }
    }

    /// Returns the percent-encoded path, if the host is a socket.
    fn socket(&self) -> Option<&str> {
        Some(self.name.as_str()).filter(|name| decoded(name).starts_with('/'))
    }
}

/// Formats a host as in a URL.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

/// Returns the names of the parameters after a path.
fn names(tail: &str) -> String {
    let (_, query) = tail.split_once('?').unwrap_or_default();
    let parameters = query.split('&');
    parameters
        .filter_map(|parameter| parameter.split('=').next())
        .collect()
}

/// Parses `name`, `name:port`, `[address]` or `[address]:port`.
fn host(text: &str) -> Result<Host, DatabaseUrlError> {
    let end = match text.find(']') {
        Some(bracket) if text.starts_with('[') => bracket + 1,
        _ => text.find(':').unwrap_or(text.len()),
    };
    let (name, rest) = text.split_at(end);
    let port = match rest.strip_prefix(':') {
        Some(port) => self::port(port)?,
        None if rest.is_empty() => None,
        None => return Err(DatabaseUrlError::Port),
    };
    Ok(Host {
        port,
        ..Host::named(name.into())
    })
}

/// Parses a port; an empty text means the default.
fn port(text: &str) -> Result<Option<u16>, DatabaseUrlError> {
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse() {
        Ok(0) | Err(_) => Err(DatabaseUrlError::Port),
        Ok(port) => Ok(Some(port)),
    }
}

/// Removes a parameter and returns its value as it was written. Of several, the last one counts.
fn take(parameters: &mut Vec<Parameter>, name: &str) -> Option<String> {
    let taken = parameters.extract_if(.., |(found, _)| found == name);
    taken.last().map(|(_, value)| value)
}

/// Applies the parameters that contain lists to the hosts, and returns the other ones.
fn take_lists(
    hosts: &mut Vec<Host>,
    mut parameters: Vec<Parameter>,
) -> Result<Vec<Parameter>, DatabaseUrlError> {
    let mut list = |name| take(&mut parameters, name).map(|value| decoded(&value));
    let (names, ports, addresses) = (list("host"), list("port"), list("hostaddr"));
    if let Some(socket) = list("socket") {
        if hosts.len() > 1 {
            return Err(DatabaseUrlError::Lists);
        }
        *hosts = vec![named(&socket)];
    }
    if let Some(names) = names {
        *hosts = names.split(',').map(named).collect();
    }
    if let Some(addresses) = addresses {
        let addresses: Vec<&str> = addresses.split(',').collect();
        if hosts.is_empty() {
            hosts.extend(addresses.iter().map(|address| named(address)));
        }
        if addresses.len() != hosts.len() {
            return Err(DatabaseUrlError::Lists);
        }
        for (host, address) in hosts.iter_mut().zip(addresses) {
            if host.name.is_empty() {
                host.name = named(address).name;
            }
            host.address = Some(address.into()).filter(|address: &String| !address.is_empty());
        }
    }
    if let Some(ports) = ports {
        let ports: Vec<&str> = ports.split(',').collect();
        if ports.len() != 1 && ports.len() != hosts.len() {
            return Err(DatabaseUrlError::Lists);
        }
        for (host, text) in hosts.iter_mut().zip(ports.iter().cycle()) {
            host.port = port(text)?;
        }
    }
    Ok(parameters)
}

/// Returns the host of a parameter: a name, an address without brackets, or the path of a socket.
fn named(text: &str) -> Host {
    if text.starts_with('[') {
        return Host::named(text.to_owned());
    }
    if text.contains(':') && !text.starts_with('/') {
        return Host::named(format!("[{text}]"));
    }
    let mut name = String::new();
    for byte in text.bytes() {
        let plain = char::from(byte);
        if plain.is_ascii_alphanumeric() || "-._~".contains(plain) {
            name.push(plain);
        } else {
            // Writing to a string does not fail.
            let _ = write!(name, "%{byte:02X}");
        }
    }
    Host::named(name)
}

#[cfg(test)]
mod tests;

//! The servers that a database URL names, and connecting to one of them.
//!
//! `scheme://user:password@a:1,[::1]:2,c/database?parameters` becomes one URL for each server.
//! PostgreSQL's parameters `host`, `hostaddr` and `port` hold lists as well, as in
//! [libpq](https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-MULTIPLE-HOSTS).

use std::fmt::{self, Write as _};
use std::iter;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::{ConnectionError, ConnectionResult};
use tokio::time::timeout;
use url::Url;
use url::form_urlencoded;

use crate::{DatabaseKind, DatabaseUrlError};

/// PostgreSQL's parameter for what a session must be able to do.
const SESSION: &str = "target_session_attrs";
/// The values of [`SESSION`] that the driver knows.
const SESSIONS: [&str; 3] = ["any", READ_WRITE, "read-only"];
const READ_WRITE: &str = "read-write";

/// Maximum time for all servers together. Less than callers wait for a connection, so that a server
/// that does not answer at all does not keep callers from the next one.
const ALL: Duration = Duration::from_millis(4_500);
/// Maximum time for each of several servers.
const EACH: Duration = Duration::from_millis(1_500);

/// The parts of the URL of a database server.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct ServerUrl {
    scheme: String,
    /// The name and the password, including the `@`.
    user: String,
    hosts: Vec<Host>,
    path: String,
    /// The parameters common to all hosts, as they were written.
    parameters: Vec<Parameter>,
}

type Parameter = (String, String);

#[derive(Clone, PartialEq, Eq)]
struct Host {
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
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let mut hosts = match hosts {
            "" => Vec::new(),
            hosts => hosts.split(',').map(host).collect::<Result<_, _>>()?,
        };
        // Neither the scheme nor the host matters here.
        let url = Url::parse(&format!("x://{user}@h{tail}"));
        let url = url.map_err(|_| DatabaseUrlError::Scheme)?;
        let mut parameters: Vec<Parameter> = url.query().into_iter().flat_map(pairs).collect();
        if kind == DatabaseKind::Postgres {
            parameters = take_lists(&mut hosts, parameters)?;
            let session = parameters.iter().find(|(name, _)| name == SESSION);
            match session {
                Some((_, value)) if !SESSIONS.contains(&value.as_str()) => {
                    return Err(DatabaseUrlError::Session);
                }
                None if hosts.len() > 1 => parameters.push((SESSION.into(), READ_WRITE.into())),
                _ => {}
            }
        }
        if hosts.is_empty() || hosts.iter().any(|host| host.name.is_empty()) {
            return Err(DatabaseUrlError::Host);
        }
        if url.path().trim_start_matches('/').is_empty() {
            return Err(DatabaseUrlError::Name);
        }
        let this = Self {
            // The driver of MariaDB knows the protocol by its original name.
            scheme: match kind {
                DatabaseKind::Mysql => "mysql".into(),
                _ => "postgres".into(),
            },
            user: match (url.username(), url.password()) {
                ("", None) => String::new(),
                (user, None) => format!("{user}@"),
                (user, Some(password)) => format!("{user}:{password}@"),
            },
            hosts,
            path: url.path().into(),
            parameters,
        };
        for url in this.urls() {
            Url::parse(&url).map_err(|_| DatabaseUrlError::Host)?;
        }
        Ok(this)
    }

    /// Returns a URL for each server, in order, passwords included.
    pub(crate) fn urls(&self) -> Vec<String> {
        self.hosts.iter().map(|host| self.url(host)).collect()
    }

    fn url(&self, host: &Host) -> String {
        let mut url = format!("{}://{}{host}{}", self.scheme, self.user, self.path);
        let parameters = self.parameters.iter();
        let parameters = parameters.map(|(name, value)| (name.as_str(), value.as_str()));
        let address = host.address.iter();
        let address = address.map(|address| ("hostaddr", address.as_str()));
        for ((name, value), mark) in parameters
            .chain(address)
            .zip(iter::once("?").chain(iter::repeat("&")))
        {
            url.extend([mark, name, "=", value]);
        }
        url
    }
}

/// Leaves out the user, the password and the parameters.
impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        for (number, host) in self.hosts.iter().enumerate() {
            if number > 0 {
                f.write_char(',')?;
            }
            write!(f, "{host}")?;
        }
        f.write_str(&self.path)
    }
}

/// Formats a host as in a URL.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
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
        name: name.into(),
        port,
        address: None,
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

/// Returns the parameters of a query, as they are written.
fn pairs(query: &str) -> impl Iterator<Item = Parameter> {
    let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
    parameters.map(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        (name.into(), value.into())
    })
}

/// Decodes the value of a parameter. PostgreSQL does not read a plus as a space.
fn decoded(value: &str) -> String {
    let pair = format!("={}", value.replace('+', "%2B"));
    let mut decoded = form_urlencoded::parse(pair.as_bytes());
    decoded
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

/// Applies the parameters that contain lists to the hosts, and returns the other ones.
fn take_lists(
    hosts: &mut Vec<Host>,
    parameters: Vec<Parameter>,
) -> Result<Vec<Parameter>, DatabaseUrlError> {
    let (mut ports, mut addresses) = (None, None);
    let mut others = Vec::new();
    for (name, value) in parameters {
        match name.as_str() {
            "host" => {
                *hosts = decoded(&value).split(',').map(named).collect();
            }
            "port" => ports = Some(decoded(&value)),
            "hostaddr" => addresses = Some(decoded(&value)),
            _ => others.push((name, value)),
        }
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
    Ok(others)
}

/// Returns the host of a parameter: a name, an address without brackets, or the directory of a
/// socket.
fn named(text: &str) -> Host {
    let name = if text.contains(':') {
        format!("[{text}]")
    } else {
        text.replace('%', "%25").replace('/', "%2F")
    };
    Host {
        name,
        port: None,
        address: None,
    }
}

/// The servers of one database. Remembers which one answered last.
///
/// A process uses one of them at a time: a connection opened before it switched to another server
/// is not used again. The old server may be back, and accept writes that the others do not know of.
pub(crate) struct Servers {
    urls: Vec<String>,
    last: AtomicUsize,
    /// When the process switched to the present server.
    since: Mutex<Option<Instant>>,
}

impl Servers {
    pub(crate) const fn new(urls: Vec<String>) -> Self {
        Self {
            urls,
            last: AtomicUsize::new(0),
            since: Mutex::new(None),
        }
    }

    /// Returns whether there are several servers.
    pub(crate) const fn are_several(&self) -> bool {
        self.urls.len() > 1
    }

    /// Returns the only server of SQLite: the path of the file.
    pub(crate) fn first(&self) -> &str {
        self.urls.first().map_or("", String::as_str)
    }

    /// Connects to the server that answered last, or else to the first of the others that can be
    /// used.
    pub(crate) async fn connect<C, Connecting>(
        &self,
        connect: impl Fn(String) -> Connecting + Send,
    ) -> ConnectionResult<C>
    where
        C: Send,
        Connecting: Future<Output = ConnectionResult<C>> + Send,
    {
        let last = self.last.load(Ordering::Relaxed);
        let (later, first) = self
            .urls
            .split_at_checked(last)
            .unwrap_or((&self.urls, &[]));
        let mut failures: Vec<ConnectionError> = Vec::new();
        for (number, url) in (last..).zip(first).chain((0..).zip(later)) {
            match self.limited(connect(url.clone())).await {
                Ok(connection) => {
                    self.use_server(number);
                    return Ok(connection);
                }
                Err(failure) => failures.push(failure),
            }
        }
        Err(one_of(failures))
    }

    /// Records which server is used from now on.
    fn use_server(&self, number: usize) {
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if self.last.swap(number, Ordering::Relaxed) != number {
            *since = Some(Instant::now());
            let number = number.saturating_add(1);
            tracing::info!(number, "connected to another database server");
        }
    }

    /// Returns whether a connection is to the server that is used now.
    pub(crate) fn is_current(&self, connected: Instant) -> bool {
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_none_or(|since| connected >= since)
    }

    /// Limits the time of a connection attempt to one of several servers.
    async fn limited<C>(
        &self,
        connecting: impl Future<Output = ConnectionResult<C>> + Send,
    ) -> ConnectionResult<C> {
        let count = u32::try_from(self.urls.len()).unwrap_or(u32::MAX);
        if count <= 1 {
            return connecting.await;
        }
        let limit = (ALL / count).min(EACH);
        timeout(limit, connecting).await.unwrap_or_else(|_| {
            let silent = format!("no answer within {limit:?}");
            Err(ConnectionError::BadConnection(silent))
        })
    }
}

/// Returns the failure of an only server as it is, or one with the texts of all.
fn one_of(mut failures: Vec<ConnectionError>) -> ConnectionError {
    match failures.pop() {
        Some(failure) if failures.is_empty() => failure,
        last => {
            let failures = failures.iter().chain(&last);
            let texts: Vec<String> = failures.map(ToString::to_string).collect();
            ConnectionError::BadConnection(texts.join("; "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(kind: DatabaseKind, rest: &str) -> Vec<String> {
        ServerUrl::parse(kind, rest).unwrap().urls()
    }

    #[test]
    fn each_host_becomes_a_url() {
        for (kind, rest, expected) in [
            (
                DatabaseKind::Postgres,
                "u:p@a:1,[::1]:2,c/w?connect_timeout=2",
                [
                    "postgres://u:p@a:1/w?connect_timeout=2&target_session_attrs=read-write",
                    "postgres://u:p@[::1]:2/w?connect_timeout=2&target_session_attrs=read-write",
                    "postgres://u:p@c/w?connect_timeout=2&target_session_attrs=read-write",
                ]
                .as_slice(),
            ),
            (
                DatabaseKind::Postgres,
                "a,b/w?target_session_attrs=any",
                &[
                    "postgres://a/w?target_session_attrs=any",
                    "postgres://b/w?target_session_attrs=any",
                ],
            ),
            (
                DatabaseKind::Mysql,
                "u:p%2C@a,b:3307/w",
                &["mysql://u:p%2C@a/w", "mysql://u:p%2C@b:3307/w"],
            ),
            (
                DatabaseKind::Postgres,
                "u:p@db/w?options=-c%20a=1+1",
                &["postgres://u:p@db/w?options=-c%20a=1+1"],
            ),
        ] {
            assert_eq!(urls(kind, rest), expected, "{rest}");
        }
    }

    #[test]
    fn the_lists_of_libpq_are_read() {
        for (rest, expected) in [
            (
                "/w?host=a,b&port=1,&target_session_attrs=any",
                [
                    "postgres://a:1/w?target_session_attrs=any",
                    "postgres://b/w?target_session_attrs=any",
                ]
                .as_slice(),
            ),
            (
                "u@/w?host=a%2Cb&port=7&target_session_attrs=any",
                &[
                    "postgres://u@a:7/w?target_session_attrs=any",
                    "postgres://u@b:7/w?target_session_attrs=any",
                ],
            ),
            (
                "/w?host=/run/postgresql",
                &["postgres://%2Frun%2Fpostgresql/w"],
            ),
            ("/w?hostaddr=::1", &["postgres://[::1]/w?hostaddr=::1"]),
        ] {
            assert_eq!(urls(DatabaseKind::Postgres, rest), expected, "{rest}");
        }
    }

    #[test]
    fn lists_that_make_no_sense_are_refused() {
        for (rest, error) in [
            ("a,/w", DatabaseUrlError::Host),
            (",a/w", DatabaseUrlError::Host),
            ("a:x,b/w", DatabaseUrlError::Port),
            ("a:0,b/w", DatabaseUrlError::Port),
            ("[::1]x,b/w", DatabaseUrlError::Port),
            ("a,b", DatabaseUrlError::Name),
            ("a,b/w?port=1,2,3", DatabaseUrlError::Lists),
            ("a,b/w?hostaddr=::1", DatabaseUrlError::Lists),
            (
                "a,b/w?target_session_attrs=primary",
                DatabaseUrlError::Session,
            ),
        ] {
            let parsed = ServerUrl::parse(DatabaseKind::Postgres, rest);
            assert_eq!(parsed.err(), Some(error), "{rest}");
        }
    }

    #[test]
    fn all_hosts_print_and_no_secret() {
        let rest = "user:hunter2@a:1,[::1],c/w?password=hunter2";
        let url = ServerUrl::parse(DatabaseKind::Postgres, rest).unwrap();
        assert_eq!(url.to_string(), "postgres://a:1,[::1],c/w");
    }

    #[tokio::test(start_paused = true)]
    async fn the_server_that_answered_last_is_asked_first() {
        let servers = Servers::new(["a", "b", "c"].map(String::from).into());
        let connect = async |usable: &str| {
            let asked = std::sync::Mutex::new(Vec::new());
            let connected = servers.connect(|url| {
                asked.lock().unwrap().push(url.clone());
                let is_usable = usable == url;
                async move {
                    match url.as_str() {
                        _ if is_usable => Ok(url),
                        "a" => std::future::pending().await,
                        _ => Err(ConnectionError::BadConnection(url)),
                    }
                }
            });
            let connected = connected.await.map_err(|error| error.to_string());
            (connected, asked.into_inner().unwrap().concat())
        };
        let before = Instant::now();
        assert!(servers.is_current(before));
        assert_eq!(connect("b").await, (Ok("b".into()), "ab".into()));
        assert!(!servers.is_current(before) && servers.is_current(Instant::now()));
        assert_eq!(connect("b").await, (Ok("b".into()), "b".into()));
        assert_eq!(connect("a").await, (Ok("a".into()), "bca".into()));
        let (failed, asked) = connect("none").await;
        assert_eq!(asked, "abc");
        assert!(failed.unwrap_err().contains("no answer within 1.5s; b; c"));
    }
}

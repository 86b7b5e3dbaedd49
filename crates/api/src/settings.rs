//! The settings of the HTTP server and of the log.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::str::FromStr;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use waypost_core::settings::{Invalid, Setting, SettingsReader};
use waypost_core::{BaseUrl, BaseUrlError, OwnName, SessionLifetime, TokenHash};

use crate::connection::{Limits, ListenAddress, own_sockets};
use crate::request::credentials::is_signed;
use crate::server::listen_addresses;

const LISTEN: Setting = Setting::new(
    "listen",
    "127.0.0.1:8080, or the sockets of systemd",
    "Where to listen: addresses with a port, unix:/path of a socket, or systemd for the sockets it \
     hands over; separated by commas",
);
const BASE_URL: Setting = Setting::new(
    "base_url",
    "http://localhost:8080",
    "Public URL of the server, with which short links begin",
);
const HOST_NAMES: Setting = Setting::new(
    "host_names",
    "none",
    "Other names of this server (host, host:port or *.domain), separated by commas; links to them \
     are refused",
);
const WORKERS: Setting = Setting::new(
    "workers",
    "number of cores",
    "HTTP worker threads (1 to 512)",
);
const MAX_CONNECTIONS: Setting = Setting::new(
    "max_connections",
    "10000",
    "Connections at a time (1 to 1000000); idle ones are closed for new ones, and others wait",
);
const MAX_CONNECTIONS_PER_ADDRESS: Setting = Setting::new(
    "max_connections_per_address",
    "a quarter of max_connections, at least 8",
    "Connections at a time of one IP address, or of one /64 network for IPv6 (0: no limit); trusted \
     proxies are exempt",
);
const PROXY_PROTOCOL: Setting = Setting::new(
    "proxy_protocol",
    "false",
    "Whether connections from trusted proxies begin with a header of the PROXY protocol, version 2",
);
const METRICS_LISTEN: Setting = Setting::new(
    "metrics_listen",
    "unset: /metrics on the main address",
    "Separate addresses for /metrics, as for listen",
);
const SHUTDOWN_GRACE_S: Setting = Setting::new(
    "shutdown_grace_s",
    "30",
    "Seconds to finish running requests and store the journal when the server stops (0 to 3600)",
);
const LOG: Setting = Setting::new(
    "log",
    "info",
    "What to log: a level, or levels by module such as info,waypost_api=debug",
);
const LOG_FORMAT: Setting = Setting::new("log_format", "text", "Log format: text or json");

const ADMIN_TOKEN: Setting = Setting::new(
    "admin_token",
    "unset",
    "API token chosen by the operator, at least 32 visible ASCII characters, with all rights",
)
.secret();
const ANONYMOUS_LINKS: Setting = Setting::new(
    "anonymous_links",
    "false",
    "Whether anyone can use /shorten and /urls without signing in, for links without an owner",
);

const RATE_LIMIT_API: Setting = Setting::new(
    "rate_limit_api",
    "600",
    "API requests per minute and user, or per IP address without a user (0: no limit)",
);
const RATE_LIMIT_CREATE: Setting = Setting::new(
    "rate_limit_create",
    "2000",
    "Links created and codes changed per hour and user, or per IP address without a user (0: no \
     limit)",
);

const AUDIT_DAYS: Setting = Setting::new(
    "audit_days",
    "365",
    "Days after which entries of the audit trail are purged (1 to 36500)",
);
const SESSION_DAYS: Setting = Setting::new(
    "session_days",
    "14",
    "Days without use after which a session expires (1 to 365)",
);

/// Maximum number of workers of the HTTP server.
const MAX_WORKERS: u64 = 512;

/// The settings of the HTTP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpSettings {
    /// The addresses to listen on. `None` means the sockets that systemd hands over, or else
    /// [`HttpSettings::DEFAULT_LISTEN`].
    pub listen: Option<Vec<ListenAddress>>,
    /// The public URL, with which short links begin. It does not depend on `listen`, because a
    /// proxy may stand in between.
    pub base_url: BaseUrl,
    /// HTTP worker threads, 1 to 512.
    pub workers: usize,
    /// Maximum number of connections, shared by the workers.
    pub max_connections: usize,
    /// Maximum number of connections of one client; `None` for no limit.
    pub max_connections_per_client: Option<usize>,
    /// Whether connections from trusted proxies begin with a header of the PROXY protocol.
    pub proxy_protocol: bool,
    /// Separate addresses for `/metrics`; none serves them on the main addresses.
    pub metrics_listen: Vec<ListenAddress>,
    /// How long running requests may take when the server stops; whole seconds.
    pub shutdown_grace: Duration,
}

impl HttpSettings {
    /// The settings of this section.
    pub const SETTINGS: &'static [Setting] = &[
        LISTEN,
        BASE_URL,
        HOST_NAMES,
        WORKERS,
        MAX_CONNECTIONS,
        MAX_CONNECTIONS_PER_ADDRESS,
        PROXY_PROTOCOL,
        METRICS_LISTEN,
        SHUTDOWN_GRACE_S,
    ];
    /// Where a server listens by default.
    pub const DEFAULT_LISTEN: ListenAddress =
        ListenAddress::Tcp(SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 8080)));

    /// Reads this section.
    ///
    /// # Errors
    /// [`Invalid`] if one of its settings has a problem; the reader has recorded all of them.
    pub fn read(reader: &mut SettingsReader) -> Result<Self, Invalid> {
        let listen = reader.optional(&LISTEN, ListenAddress::parse_all);
        let base_url = reader.value(&BASE_URL, || None, |text| text.parse().map(Some));
        let names = reader.value(&HOST_NAMES, Vec::new, OwnName::parse_all);
        let base_url = base_url.and_then(|given| match given {
            Some(base_url) => Ok(base_url),
            None => default_base_url(reader),
        });
        let max_connections = reader.number(&MAX_CONNECTIONS, 10_000, 1..=1_000_000);
        let share = reader.value(
            &MAX_CONNECTIONS_PER_ADDRESS,
            || None,
            |text| match text.parse() {
                Ok(share @ 0..=1_000_000) => Ok(Some(share)),
                _ => Err("must be a number from 0 to 1000000"),
            },
        );
        let proxy_protocol = reader.value(&PROXY_PROTOCOL, || false, switch);
        let workers = reader.number(&WORKERS, cores(), 1..=MAX_WORKERS);
        let metrics_listen = reader.value(&METRICS_LISTEN, Vec::new, ListenAddress::parse_all);
        let grace = reader.number(&SHUTDOWN_GRACE_S, 30, 0..=3_600);
        let max_connections = usize::try_from(max_connections?).unwrap_or(usize::MAX);
        Ok(Self {
            listen: listen?,
            base_url: base_url?.also_known_as(names?),
            workers: usize::try_from(workers?).unwrap_or(1),
            max_connections,
            max_connections_per_client: match share? {
                Some(0) => None,
                Some(share) => Some(share),
                None => Some((max_connections / 4).max(8)),
            },
            proxy_protocol: proxy_protocol?,
            metrics_listen: metrics_listen?,
            shutdown_grace: Duration::from_secs(grace?),
        })
    }

    /// Returns the IP addresses and ports on which a server with these settings listens, without
    /// sockets of systemd and free ports.
    #[must_use]
    pub fn own_sockets(&self) -> Vec<SocketAddr> {
        own_sockets(listen_addresses(self).iter().chain(&self.metrics_listen))
    }

    pub(crate) const fn connection_limits(&self) -> Limits {
        Limits {
            connections: self.max_connections,
            per_client: self.max_connections_per_client,
        }
    }
}

/// Parses a setting that is on or off.
pub(crate) fn switch(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "must be true or false")
}

/// Parses the documented default. A test verifies that this succeeds.
fn default_base_url(reader: &mut SettingsReader) -> Result<BaseUrl, Invalid> {
    BASE_URL.default.parse().map_err(|error: BaseUrlError| {
        reader.problem(&BASE_URL.variable(), error.to_string());
        Invalid
    })
}

fn cores() -> u64 {
    std::thread::available_parallelism().map_or(1, |cores| {
        u64::try_from(cores.get()).map_or(MAX_WORKERS, |cores| cores.min(MAX_WORKERS))
    })
}

/// The settings of access to the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessSettings {
    /// The hash of the operator's API token. The token itself is not kept.
    pub admin_token: Option<TokenHash>,
    /// Whether anyone may create, list and delete links without an owner.
    pub anonymous_links: bool,
    /// The lifetime of sessions.
    pub sessions: SessionLifetime,
    /// Days after which entries of the audit trail are purged.
    pub audit_days: u32,
}

impl AccessSettings {
    /// Minimum length of the operator's token in characters.
    pub const MIN_TOKEN_CHARS: usize = 32;
    /// Maximum length of the operator's token in characters.
    pub const MAX_TOKEN_CHARS: usize = 1_024;
    /// The settings of this section.
    pub const SETTINGS: &'static [Setting] =
        &[ADMIN_TOKEN, ANONYMOUS_LINKS, SESSION_DAYS, AUDIT_DAYS];

    /// Reads this section.
    ///
    /// # Errors
    /// [`Invalid`] if one of its settings has a problem; the reader has recorded all of them.
    pub fn read(reader: &mut SettingsReader) -> Result<Self, Invalid> {
        let admin_token = reader.optional(&ADMIN_TOKEN, admin_token);
        let anonymous_links = reader.value(&ANONYMOUS_LINKS, || false, switch);
        let sessions = reader.value(&SESSION_DAYS, SessionLifetime::default, session_days);
        let audit_days = reader.number(&AUDIT_DAYS, 365, 1..=36_500);
        Ok(Self {
            admin_token: admin_token?,
            anonymous_links: anonymous_links?,
            sessions: sessions?,
            audit_days: u32::try_from(audit_days?).unwrap_or(u32::MAX),
        })
    }
}

fn admin_token(text: &str) -> Result<TokenHash, &'static str> {
    let lengths = AccessSettings::MIN_TOKEN_CHARS..=AccessSettings::MAX_TOKEN_CHARS;
    if !lengths.contains(&text.len()) || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            "must have 32 to 1024 visible ASCII characters; `openssl rand -hex 32` generates one",
        );
    }
    if is_signed(text.as_bytes()) {
        return Err("must not be a signed token (JWT); `openssl rand -hex 32` generates one");
    }
    Ok(TokenHash::of(text))
}

fn session_days(text: &str) -> Result<SessionLifetime, &'static str> {
    let days = text.parse().ok().and_then(SessionLifetime::of_days);
    days.ok_or("must be a number of days from 1 to 365")
}

/// The limits on the use of the API. Each server counts for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitSettings {
    /// Requests per minute; 0 for no limit.
    pub requests_per_minute: u32,
    /// Links created per hour; 0 for no limit.
    pub links_per_hour: u32,
}

impl LimitSettings {
    /// No limits.
    pub const NONE: Self = Self {
        requests_per_minute: 0,
        links_per_hour: 0,
    };
    /// Maximum value of a limit.
    pub const MAX: u64 = 1_000_000;
    /// The settings of this section.
    pub const SETTINGS: &'static [Setting] = &[RATE_LIMIT_API, RATE_LIMIT_CREATE];

    /// Reads this section.
    ///
    /// # Errors
    /// [`Invalid`] if one of its settings has a problem; the reader has recorded all of them.
    pub fn read(reader: &mut SettingsReader) -> Result<Self, Invalid> {
        let requests = reader.number(&RATE_LIMIT_API, 600, 0..=Self::MAX);
        let links = reader.number(&RATE_LIMIT_CREATE, 2_000, 0..=Self::MAX);
        let limit = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Self {
            requests_per_minute: limit(requests?),
            links_per_hour: limit(links?),
        })
    }
}

/// The settings of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// What is logged, as a valid [`EnvFilter`] directive.
    pub filter: String,
    /// The format of a line.
    pub format: LogFormat,
}

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text for people.
    Text,
    /// A JSON object per line, for programs.
    Json,
}

impl LogSettings {
    /// The settings of this section.
    pub const SETTINGS: &'static [Setting] = &[LOG, LOG_FORMAT];

    /// Reads this section.
    ///
    /// # Errors
    /// [`Invalid`] if one of its settings has a problem; the reader has recorded all of them.
    pub fn read(reader: &mut SettingsReader) -> Result<Self, Invalid> {
        let filter = reader.value(&LOG, || LOG.default.to_owned(), filter);
        let format = reader.value(&LOG_FORMAT, || LogFormat::Text, str::parse);
        Ok(Self {
            filter: filter?,
            format: format?,
        })
    }
}

fn filter(text: &str) -> Result<String, String> {
    // `EnvFilter` would take a word that is not a level as the name of a target and log nothing,
    // and an empty word as `error`.
    let lonely_word = |part: &&str| {
        part.is_empty() || (!part.contains(['=', ':', '[']) && part.parse::<LevelFilter>().is_err())
    };
    let mut parts = text.split(',').map(str::trim);
    if let Some(word) = parts.find(lonely_word) {
        return Err(format!(
            "must be a log filter: expected off, error, warn, info, debug or trace, not `{word}`"
        ));
    }
    EnvFilter::builder()
        .parse(text)
        .map(|_| text.to_owned())
        .map_err(|error| {
            format!("must be a log filter such as info or info,waypost_api=debug: {error}")
        })
}

impl FromStr for LogFormat {
    type Err = LogFormatError;

    fn from_str(text: &str) -> Result<Self, LogFormatError> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(LogFormatError),
        }
    }
}

impl fmt::Display for LogFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// The text is not a log format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be text or json")]
pub struct LogFormatError;

#[cfg(test)]
mod tests;

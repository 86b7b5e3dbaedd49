//! The parameters of the URL of a database server: which ones there are, and what they ask for.
//!
//! People copy URLs from other programs, so names that only say what Waypost does anyway are
//! accepted. A parameter that would have to be ignored is an error: a connection that is not
//! encrypted although the URL asks for it would be worse than none.

use url::form_urlencoded;

use super::{DatabaseKind, DatabaseUrlError};

pub(super) type Parameter = (String, String);

/// PostgreSQL's parameter for what a session must be able to do.
const SESSION: &str = "target_session_attrs";
/// The values of [`SESSION`] that the driver knows.
const SESSIONS: [&str; 3] = ["any", READ_WRITE, "read-only"];
const READ_WRITE: &str = "read-write";

/// The parameters that the driver of PostgreSQL knows.
const OF_POSTGRES: [&str; 13] = [
    "user",
    "password",
    "options",
    "application_name",
    "connect_timeout",
    "hostaddr",
    TCP_USER_TIMEOUT,
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "load_balance_hosts",
    SESSION,
];
/// The parameters that the driver of MySQL and MariaDB knows, and that matter here.
const OF_MYSQL: [&str; 8] = [
    "compression",
    "enable_cleartext_plugin",
    "max_allowed_packet",
    "prefer_socket",
    "socket",
    "tcp_keepalive",
    "tcp_nodelay",
    "wait_timeout",
];
/// The parameters that this module reads itself.
const OF_BOTH: [&str; 3] = ["host", "port", "dbname"];

/// In milliseconds for everyone but the driver, which reads seconds.
const TCP_USER_TIMEOUT: &str = "tcp_user_timeout";
const MILLISECONDS: u64 = 1_000;

/// Names of parameters that say whether a connection is encrypted, in lower case with underscores.
const MODES_OF_TLS: [&str; 10] = [
    "channel_binding",
    "gssencmode",
    "require_ssl",
    "requiressl",
    "ssl",
    "ssl_mode",
    "sslmode",
    "tls",
    "usessl",
    "use_ssl",
];
/// The beginnings of the names of other parameters of TLS, such as files of certificates.
const OF_TLS: [&str; 5] = [
    "ssl",
    "tls",
    "verify_ca",
    "verify_identity",
    "built_in_roots",
];
/// Values with which a connection is never encrypted.
const NEVER: [&str; 6] = ["disable", "disabled", "false", "0", "no", "off"];
/// Values with which a connection need not be encrypted.
const PERHAPS: [&str; 5] = ["allow", "prefer", "preferred", "postgres", ""];

/// Reads the parameters of a query, as they are written, in the names of the driver. Leaves out
/// those that only say what is the case anyway.
pub(super) fn read(kind: DatabaseKind, query: &str) -> Result<Vec<Parameter>, DatabaseUrlError> {
    let given: Vec<Parameter> = pairs(query).collect();
    refuse_tls(&given)?;
    let has_password = given.iter().any(|(name, _)| name == "password");
    let mut all = Vec::new();
    for (name, value) in given {
        if of_tls(&name).is_some() {
            continue;
        }
        match known(kind, &name) {
            Known::Driver(name) => all.push((name.to_owned(), units(name, value)?)),
            Known::Encoding if is_utf8(&value) => {}
            Known::Encoding => return Err(DatabaseUrlError::Encoding),
            // It may be the end of a password.
            Known::No if has_password => return Err(DatabaseUrlError::Parameter(None)),
            Known::No => return Err(DatabaseUrlError::Parameter(Some(name))),
        }
    }
    Ok(all)
}

enum Known {
    /// A parameter, by its name in the driver.
    Driver(&'static str),
    /// The encoding of texts, which is always UTF-8.
    Encoding,
    No,
}

fn known(kind: DatabaseKind, name: &str) -> Known {
    let name = match name {
        "charset" | "client_encoding" | "characterEncoding" => return Known::Encoding,
        "database" | "db" => "dbname",
        "fallback_application_name" => "application_name",
        "keepalives_count" => "keepalives_retries",
        "unix_socket" => "socket",
        name => name,
    };
    let of_driver = match kind {
        DatabaseKind::Mysql => OF_MYSQL.as_slice(),
        DatabaseKind::Postgres | DatabaseKind::Sqlite => OF_POSTGRES.as_slice(),
    };
    let mut known = of_driver.iter().chain(&OF_BOTH);
    known
        .find(|known| **known == name)
        .map_or(Known::No, |name| Known::Driver(name))
}

fn is_utf8(value: &str) -> bool {
    let value = value.to_ascii_lowercase().replace(['-', '_'], "");
    matches!(value.as_str(), "auto" | "utf8" | "utf8mb4" | "unicode")
}

/// Converts a value to the unit of the driver.
fn units(name: &'static str, value: String) -> Result<String, DatabaseUrlError> {
    if name != TCP_USER_TIMEOUT {
        return Ok(value);
    }
    let milliseconds: Result<u64, _> = value.parse();
    let milliseconds = milliseconds.map_err(|_| DatabaseUrlError::Value(name.to_owned()))?;
    Ok(milliseconds.div_ceil(MILLISECONDS).to_string())
}

/// Whether the name is that of a mode, or of another parameter, of TLS.
enum OfTls {
    Mode,
    Other,
}

fn of_tls(name: &str) -> Option<OfTls> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    if MODES_OF_TLS.contains(&name.as_str()) {
        return Some(OfTls::Mode);
    }
    let mut others = OF_TLS.iter();
    others
        .any(|start| name.starts_with(start))
        .then_some(OfTls::Other)
}

/// Refuses parameters that ask for an encrypted connection.
fn refuse_tls(given: &[Parameter]) -> Result<(), DatabaseUrlError> {
    let mut asking = None;
    let mut is_off = false;
    for (name, value) in given {
        let value = decoded(value).to_ascii_lowercase();
        let (never, perhaps) = (
            NEVER.contains(&value.as_str()),
            PERHAPS.contains(&value.as_str()),
        );
        match of_tls(name) {
            Some(OfTls::Mode) if never => is_off = true,
            Some(OfTls::Mode) if !perhaps => return Err(DatabaseUrlError::Tls(name.clone())),
            Some(OfTls::Other) if !never && !perhaps => asking = asking.or(Some(name)),
            _ => {}
        }
    }
    match asking {
        Some(name) if !is_off => Err(DatabaseUrlError::Tls(name.clone())),
        _ => Ok(()),
    }
}

/// Translates PostgreSQL's parameter for what a session must be able to do to a value that the
/// driver knows. Of several servers, one that accepts writes is chosen by default.
pub(super) fn choose_session(
    parameters: &mut Vec<Parameter>,
    servers: usize,
) -> Result<(), DatabaseUrlError> {
    match parameters.iter_mut().find(|(name, _)| name == SESSION) {
        Some((_, value)) if value == "primary" => READ_WRITE.clone_into(value),
        Some((_, value)) if SESSIONS.contains(&value.as_str()) => {}
        Some(_) => return Err(DatabaseUrlError::Session),
        None if servers > 1 => parameters.push((SESSION.into(), READ_WRITE.into())),
        None => {}
    }
    Ok(())
}

/// Lets the driver read the URL of a server. It checks the values of parameters.
pub(super) fn check(kind: DatabaseKind, url: &str) -> Result<(), DatabaseUrlError> {
    let value = |name: &str| DatabaseUrlError::Value(name.to_owned());
    match kind {
        DatabaseKind::Mysql => match mysql_async::Opts::from_url(url) {
            Ok(_) => Ok(()),
            Err(mysql_async::UrlError::InvalidParamValue { param, .. }) => Err(value(&param)),
            Err(_) => Err(DatabaseUrlError::Host),
        },
        DatabaseKind::Postgres | DatabaseKind::Sqlite => {
            if url.parse::<tokio_postgres::Config>().is_ok() {
                return Ok(());
            }
            // The driver does not say which one it is.
            let (start, query) = url.split_once('?').unwrap_or((url, ""));
            for (name, text) in pairs(query) {
                let alone = format!("{start}?{name}={text}");
                if start.parse::<tokio_postgres::Config>().is_ok()
                    && alone.parse::<tokio_postgres::Config>().is_err()
                {
                    return Err(value(&name));
                }
            }
            Err(DatabaseUrlError::Host)
        }
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
pub(super) fn decoded(value: &str) -> String {
    let pair = format!("={}", value.replace('+', "%2B").replace('&', "%26"));
    let mut decoded = form_urlencoded::parse(pair.as_bytes());
    decoded
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

//! Database URLs. They contain passwords, so these are never printed.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::hosts::Servers;
use server::ServerUrl;

mod parameters;
mod server;

/// The databases that Waypost runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseKind {
    /// SQLite, embedded: one process, one file.
    Sqlite,
    /// PostgreSQL.
    Postgres,
    /// MySQL or MariaDB.
    Mysql,
}

impl fmt::Display for DatabaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::Mysql => "MySQL/MariaDB",
        })
    }
}

/// The location of the database: `sqlite://path` (or `sqlite:path`), `postgres://…`
/// (`postgresql://…`) or `mysql://…` (`mariadb://…`). Servers of the same database are separated by
/// commas: `postgres://user:password@host1:5432,host2:5432/database`. A Unix socket is named by a
/// parameter (`postgres://user@/database?host=/run/postgresql`,
/// `mysql://user@/database?socket=/run/mysqld/mysqld.sock`) or in the place of the host, with `%2F`
/// for each slash.
///
/// [`fmt::Display`] and [`fmt::Debug`] leave out the user, the password and all parameters.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(Inner);

#[derive(Clone, PartialEq, Eq)]
enum Inner {
    Sqlite(PathBuf),
    Server(DatabaseKind, ServerUrl),
}

impl DatabaseUrl {
    /// Returns the URL of the SQLite file at `path`.
    #[must_use]
    pub const fn sqlite(path: PathBuf) -> Self {
        Self(Inner::Sqlite(path))
    }

    /// Returns the kind of the database.
    #[must_use]
    pub const fn kind(&self) -> DatabaseKind {
        match &self.0 {
            Inner::Sqlite(_) => DatabaseKind::Sqlite,
            Inner::Server(kind, _) => *kind,
        }
    }

    /// Returns the file of an SQLite database.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<&Path> {
        match &self.0 {
            Inner::Sqlite(path) => Some(path),
            Inner::Server(..) => None,
        }
    }

    /// Returns the servers to connect to, passwords included. For SQLite it is the path of the
    /// file.
    pub(crate) fn servers(&self) -> Servers {
        Servers::new(match &self.0 {
            Inner::Sqlite(path) => vec![path.to_string_lossy().into_owned()],
            Inner::Server(_, url) => url.urls(),
        })
    }
}

impl FromStr for DatabaseUrl {
    type Err = DatabaseUrlError;

    fn from_str(text: &str) -> Result<Self, DatabaseUrlError> {
        // Files end with a newline.
        let (scheme, rest) = text
            .trim()
            .split_once(':')
            .ok_or(DatabaseUrlError::Scheme)?;
        let authority = rest.strip_prefix("//");
        let kind = match (scheme.to_ascii_lowercase().as_str(), authority) {
            ("sqlite", _) => return sqlite_file(authority.unwrap_or(rest)),
            ("postgres" | "postgresql", Some(_)) => DatabaseKind::Postgres,
            ("mysql" | "mariadb", Some(_)) => DatabaseKind::Mysql,
            _ => return Err(DatabaseUrlError::Scheme),
        };
        let rest = authority.unwrap_or_default();
        Ok(Self(Inner::Server(kind, ServerUrl::parse(kind, rest)?)))
    }
}

/// Reads the part of a URL after `sqlite:` or `sqlite://`: the path of a file, literally.
fn sqlite_file(path: &str) -> Result<DatabaseUrl, DatabaseUrlError> {
    let is_foreign = |character: char| character == '?' || character.is_control();
    let is_special = path == ":memory:" || path.starts_with("file:");
    if path.is_empty() || path.ends_with('/') || is_special || path.contains(is_foreign) {
        return Err(DatabaseUrlError::SqlitePath);
    }
    Ok(DatabaseUrl::sqlite(path.into()))
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Inner::Server(_, url) => url.fmt(f),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

/// Why a text is not a database URL. The message never repeats the text, because it may contain a
/// password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DatabaseUrlError {
    /// None of the known schemes.
    #[error("must be a database URL that begins with sqlite://, postgres:// or mysql://")]
    Scheme,
    /// `sqlite://` without a valid path.
    #[error(
        "must have the path of a file after sqlite://, such as sqlite:///var/lib/waypost/waypost.db"
    )]
    SqlitePath,
    /// No host.
    #[error("must name a host: postgres://user:password@host/database")]
    Host,
    /// No database.
    #[error("must name a database: postgres://user:password@host/database")]
    Name,
    /// An invalid port.
    #[error(
        "must have a port from 1 to 65535, and IPv6 addresses in brackets: \
         postgres://user:password@host1:5432,[::1]:5433/database"
    )]
    Port,
    /// Parameters that name more or fewer ports or addresses than there are hosts.
    #[error("must name as many values of port and hostaddr as hosts, or one port for all hosts")]
    Lists,
    /// An unknown kind of session.
    #[error("must have any, read-write or read-only as target_session_attrs")]
    Session,
    /// A character of the password that ends the password in a URL.
    #[error(
        "percent-encode `#`, `/`, `?`, `@` and `%` in the password: write %23, %2F, %3F, %40 and %25"
    )]
    Unencoded,
    /// A parameter that asks for an encrypted connection.
    #[error(
        "must not ask for TLS with `{0}`: TLS to the database is not supported yet; remove the \
         parameter and use a network that you trust"
    )]
    Tls(String),
    /// A text encoding other than UTF-8.
    #[error("must not ask for another text encoding: Waypost uses UTF-8")]
    Encoding,
    /// An unknown parameter, with its name unless that may be a part of a password.
    #[error("has an unknown parameter{}; remove it", .0.as_deref().map(|name| format!(" `{name}`")).unwrap_or_default())]
    Parameter(Option<String>),
    /// An invalid value of the named parameter.
    #[error("has an invalid value of the parameter `{0}`")]
    Value(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_databases_are_known_by_their_scheme() {
        for (text, kind) in [
            ("sqlite://waypost.db", DatabaseKind::Sqlite),
            ("postgres://u:p@db/w", DatabaseKind::Postgres),
            (
                "postgresql://db:5433/w?sslmode=disable",
                DatabaseKind::Postgres,
            ),
            ("mysql://u:p@db/w", DatabaseKind::Mysql),
            ("mariadb://u:p@db/w", DatabaseKind::Mysql),
        ] {
            assert_eq!(text.parse::<DatabaseUrl>().unwrap().kind(), kind, "{text}");
        }
        let url: DatabaseUrl = "mariadb://u:p@db/w".parse().unwrap();
        assert_eq!(url.to_string(), "mysql://db/w");
    }

    #[test]
    fn a_scheme_may_be_in_upper_case_and_the_slashes_of_sqlite_may_be_missing() {
        for (text, path) in [
            ("sqlite:waypost.db", "waypost.db"),
            ("sqlite:/var/lib/waypost.db", "/var/lib/waypost.db"),
            ("sqlite:./waypost.db", "./waypost.db"),
            ("sqlite://data/waypost.db", "data/waypost.db"),
            ("sqlite:///var/lib/waypost.db", "/var/lib/waypost.db"),
            ("SQLite:///var/lib/waypost.db", "/var/lib/waypost.db"),
            (" sqlite:///var/lib/waypost.db\n\n", "/var/lib/waypost.db"),
            (
                "sqlite:///backup/12:30/a b%20.db",
                "/backup/12:30/a b%20.db",
            ),
        ] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!(url.sqlite_path(), Some(Path::new(path)), "{text}");
        }
        for text in ["POSTGRES://u:p@DB/w", "PostgreSQL://u:p@DB/w"] {
            let url: DatabaseUrl = text.parse().unwrap();
            assert_eq!(url.to_string(), "postgres://DB/w", "{text}");
        }
        let url: DatabaseUrl = "MariaDB://u:p@db/w".parse().unwrap();
        assert_eq!(url.kind(), DatabaseKind::Mysql);
    }

    #[test]
    fn what_is_none_is_refused() {
        for (text, error) in [
            ("", DatabaseUrlError::Scheme),
            ("waypost.db", DatabaseUrlError::Scheme),
            ("redis://x/y", DatabaseUrlError::Scheme),
            ("sqlite://", DatabaseUrlError::SqlitePath),
            ("sqlite://:memory:", DatabaseUrlError::SqlitePath),
            ("sqlite:", DatabaseUrlError::SqlitePath),
            ("sqlite:///w.db\n\nx", DatabaseUrlError::SqlitePath),
            ("sqlite:///var/lib/waypost/", DatabaseUrlError::SqlitePath),
            ("sqlite://waypost.db?mode=rwc", DatabaseUrlError::SqlitePath),
            ("sqlite:file:waypost.db", DatabaseUrlError::SqlitePath),
            ("postgres:db/w", DatabaseUrlError::Scheme),
            ("postgres:///w", DatabaseUrlError::Host),
            ("postgres://db", DatabaseUrlError::Name),
            ("mysql://u:p@db/", DatabaseUrlError::Name),
        ] {
            assert_eq!(text.parse::<DatabaseUrl>(), Err(error), "{text}");
        }
    }

    #[test]
    fn no_secret_is_printed() {
        let url: DatabaseUrl = "postgres://user:hunter2@db:5433/w?password=hunter2"
            .parse()
            .unwrap();
        assert_eq!(url.to_string(), "postgres://db:5433/w");
        assert!(!format!("{url:?}").contains("hunter2"));
    }
}

//! The settings of the database.

use std::convert::Infallible;
use std::path::PathBuf;

use waypost_core::settings::{Invalid, Setting, SettingsReader};

use crate::{DatabaseUrl, DatabaseUrlError};

const DATA_DIR: Setting = Setting::new(
    "data_dir",
    "./waypost-data",
    "Directory of the click journal and the embedded database",
);
const URL: Setting = Setting::new(
    "database_url",
    "sqlite://{data dir}/waypost.db",
    "Database: sqlite://path, postgres://user:password@host/database or \
     mysql://user:password@host/database; several hosts are separated by commas",
)
.secret();
const POOL_SIZE: Setting = Setting::new(
    "database_pool_size",
    "10",
    "Database connections of this process (1 to 1000)",
);
const MIGRATE: Setting = Setting::new(
    "migrate",
    "true",
    "Whether the server migrates the database when it starts",
);

/// Which database to use, and how.
#[derive(Debug, Clone)]
pub struct DatabaseSettings {
    /// The URL of the database.
    pub url: DatabaseUrl,
    /// Maximum number of connections of this process. Storing clicks uses one more, or two more on
    /// MySQL and MariaDB.
    pub pool_size: usize,
    /// The directory of the embedded database; created when it is missing.
    pub data_dir: PathBuf,
    /// Whether the server migrates the schema when it starts.
    pub migrate: bool,
}

impl DatabaseSettings {
    /// The settings of this section.
    pub const SETTINGS: &'static [Setting] = &[DATA_DIR, URL, POOL_SIZE, MIGRATE];

    /// Reads this section.
    ///
    /// # Errors
    /// [`Invalid`] when one of its settings has a problem.
    pub fn read(reader: &mut SettingsReader) -> Result<Self, Invalid> {
        let data_dir = reader.value(
            &DATA_DIR,
            || PathBuf::from("waypost-data"),
            |text| Ok::<_, Infallible>(PathBuf::from(text)),
        );
        let url = reader.optional(&URL, str::parse::<DatabaseUrl>);
        let pool_size = reader.number(&POOL_SIZE, 10, 1..=1_000);
        let migrate = reader.value(
            &MIGRATE,
            || true,
            |text| match text {
                "true" | "1" | "yes" | "on" => Ok(true),
                "false" | "0" | "no" | "off" => Ok(false),
                _ => Err("must be true or false"),
            },
        );
        let data_dir = data_dir?;
        Ok(Self {
            url: url?.unwrap_or_else(|| DatabaseUrl::sqlite(data_dir.join("waypost.db"))),
            pool_size: usize::try_from(pool_size?).unwrap_or(usize::MAX),
            migrate: migrate?,
            data_dir,
        })
    }

    /// Returns the defaults with another database, for embedding.
    ///
    /// # Errors
    /// [`DatabaseUrlError`] when `url` is invalid.
    pub fn for_url(url: &str) -> Result<Self, DatabaseUrlError> {
        Ok(Self {
            url: url.parse()?,
            pool_size: 10,
            data_dir: PathBuf::from("waypost-data"),
            migrate: true,
        })
    }
}

//! How this server was started, for the system page. Nothing in it is secret.

use waypost_analytics::Privacy;

/// How this server was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installation {
    /// The kind of database, such as `PostgreSQL`.
    pub database: String,
    /// The version of the database, if it is known.
    pub database_version: Option<String>,
    /// The number of migrations of the schema, and the name of the latest.
    pub schema: Option<(usize, String)>,
    /// Age in days after which click records are purged; `None` keeps them.
    pub retention_days: Option<u32>,
    /// What is stored of clicks.
    pub privacy: Privacy,
    /// Maximum number of links kept in memory.
    pub cache_capacity: usize,
}

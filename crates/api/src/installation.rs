//! What the page about the system says of how this server was started: nothing of it is secret.

use waypost_analytics::Privacy;

/// How this server was started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Installation {
    /// The kind of its database: `PostgreSQL`.
    pub database: String,
    /// Its version, where it says so.
    pub database_version: Option<String>,
    /// How many migrations the schema has, and the name of the newest.
    pub schema: Option<(usize, String)>,
    /// Age in days at which raw clicks are purged; `None` keeps them.
    pub retention_days: Option<u32>,
    /// How much is kept of clicks.
    pub privacy: Privacy,
    /// Links that are kept in memory at the most.
    pub cache_capacity: usize,
}

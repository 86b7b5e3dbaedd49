//! How this server was started, for the system page. Nothing in it is secret.

use time::{Duration, OffsetDateTime};
use waypost_analytics::Privacy;

use crate::pages::text::many;

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
    /// Days for which a deleted link can be restored.
    pub deleted_link_days: u32,
    /// What is stored of clicks.
    pub privacy: Privacy,
    /// Maximum number of links kept in memory.
    pub cache_capacity: usize,
}

impl Installation {
    /// Returns for how long a deleted link can be restored, in words.
    pub(crate) fn restorable(&self) -> String {
        many(self.deleted_link_days.into(), "day")
    }

    /// Returns until when a link that was deleted at `deleted_at` can be restored.
    pub(crate) fn restorable_until(&self, deleted_at: OffsetDateTime) -> OffsetDateTime {
        deleted_at.saturating_add(Duration::days(self.deleted_link_days.into()))
    }
}

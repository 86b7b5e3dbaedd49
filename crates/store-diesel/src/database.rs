//! Opening a database: connecting, preparing its schema, handing out the store.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use waypost_store::{Space, Store, StoreError};

use crate::migrations::{self, Task};
use crate::opened::Opened;
use crate::waiting::{self, PATIENCE};
use crate::{
    DatabaseError, DatabaseKind, DatabaseSettings, DatabaseUrl, MigrationState, mysql, postgres,
    sqlite, version,
};

/// Maximum time for the first connection.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// An open database.
pub struct Database {
    url: DatabaseUrl,
    opened: Opened,
}

impl Database {
    /// Connects to the database. Creates a missing SQLite file and its directory. Does not touch
    /// the schema: see [`Database::prepare_schema`].
    ///
    /// # Errors
    /// [`DatabaseError::Unwritable`], [`DatabaseError::NotSqlite`], [`DatabaseError::Connect`],
    /// [`DatabaseError::Locked`] or [`DatabaseError::Pooler`].
    pub async fn connect(settings: &DatabaseSettings) -> Result<Self, DatabaseError> {
        if let Some(path) = settings.url.sqlite_path() {
            sqlite::prepare_file(path)?;
            let url = settings.url.clone();
            let connect = move || waiting::connect_to_file(&url, PATIENCE).map(drop);
            let connected = tokio::task::spawn_blocking(connect).await;
            connected
                .map_err(|source| DatabaseError::connecting(&settings.url)(source.into()))??;
        }
        if settings.url.kind() == DatabaseKind::Postgres
            && postgres::lends_sessions(&settings.url.servers()).await
        {
            return Err(DatabaseError::Pooler {
                url: settings.url.to_string(),
            });
        }
        let opened = match settings.url.kind() {
            DatabaseKind::Sqlite => sqlite::open(settings)?,
            DatabaseKind::Postgres => postgres::open(settings)?,
            DatabaseKind::Mysql => mysql::open(settings)?,
        };
        let database = Self {
            url: settings.url.clone(),
            opened,
        };
        let answer = tokio::time::timeout(CONNECT_LIMIT, database.opened.store.ping())
            .await
            .unwrap_or_else(|elapsed| Err(StoreError::unavailable(elapsed)));
        match answer {
            Ok(()) => Ok(database),
            Err(
                StoreError::Unavailable { source }
                | StoreError::Refused { source }
                | StoreError::Internal { source },
            ) => Err(DatabaseError::connecting(&database.url)(source)),
            Err(error) => Err(error.into()),
        }
    }

    /// Returns the store on this database.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.opened.store)
    }

    /// Returns the URL of the database, which prints without secrets.
    #[must_use]
    pub const fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// Returns the version that the database reports: `17.5`, `11.8.2-MariaDB`.
    ///
    /// # Errors
    /// [`DatabaseError::Connect`].
    pub async fn version(&self) -> Result<String, DatabaseError> {
        version::read(&self.url).await
    }

    /// Returns whether the database does not accept writes, as a standby or a replica. Returns
    /// `false` if it does not answer.
    pub async fn is_read_only(&self) -> bool {
        version::is_read_only(&self.url).await
    }

    /// Checks that the schema is the one this program needs: migrates an older one if `migrate` is
    /// set and refuses it otherwise, and always refuses a newer one. Returns the names of the
    /// applied migrations.
    ///
    /// # Errors
    /// [`DatabaseError::SchemaOlder`], [`DatabaseError::SchemaNewer`],
    /// [`DatabaseError::SchemaUnread`], [`DatabaseError::Locked`] or [`DatabaseError::Migration`].
    pub async fn prepare_schema(&self, migrate: bool) -> Result<Vec<String>, DatabaseError> {
        if migrate {
            return self.migrate_up().await;
        }
        let states = self.migration_status().await?;
        if let Some(newer) = states.iter().rev().find(|state| !state.known) {
            return Err(DatabaseError::SchemaNewer {
                migration: newer.name.clone(),
            });
        }
        match states.iter().filter(|state| !state.applied).count() {
            0 => Ok(Vec::new()),
            count => Err(DatabaseError::SchemaOlder { count }),
        }
    }

    /// Returns every migration known to the program or the database, in order. Only reads.
    ///
    /// # Errors
    /// [`DatabaseError::SchemaUnread`] or [`DatabaseError::Locked`].
    pub async fn migration_status(&self) -> Result<Vec<MigrationState>, DatabaseError> {
        match migrations::run(&self.url, Task::Status).await {
            Ok(outcome) => Ok(outcome.states),
            Err(DatabaseError::Migration { source }) => Err(DatabaseError::SchemaUnread { source }),
            Err(error) => Err(error),
        }
    }

    /// Applies all missing migrations and returns their names. Several processes may do this at the
    /// same time.
    ///
    /// # Errors
    /// [`DatabaseError::SchemaNewer`] or [`DatabaseError::Migration`].
    pub async fn migrate_up(&self) -> Result<Vec<String>, DatabaseError> {
        Ok(migrations::run(&self.url, Task::Up).await?.changed)
    }

    /// Reverts the newest migration and returns its name. The contents of its tables are lost.
    ///
    /// # Errors
    /// [`DatabaseError::SchemaNewer`] or [`DatabaseError::Migration`].
    pub async fn migrate_down(&self) -> Result<Option<String>, DatabaseError> {
        Ok(migrations::run(&self.url, Task::Down).await?.changed.pop())
    }

    /// Rewrites the file of an SQLite database without its unused space, in the form that releases
    /// space in steps (see [`SpaceStore`](waypost_store::SpaceStore)). Returns its sizes before and
    /// after. No process may have the database open, this one included. If it is interrupted, the
    /// file is as it was. Needs free disk space for two copies of the data.
    ///
    /// # Errors
    /// [`DatabaseError::InUse`], [`DatabaseError::NoRoom`] or [`DatabaseError::Compact`].
    pub async fn compact(path: &Path) -> Result<(Space, Space), DatabaseError> {
        let file = path.to_owned();
        let compacted = tokio::task::spawn_blocking(move || sqlite::compact(&file)).await;
        compacted.map_err(|source| DatabaseError::Compact {
            path: path.to_owned(),
            source: source.into(),
        })?
    }

    /// Closes all connections. Running operations end; later ones fail as unavailable.
    pub fn close(&self) {
        (self.opened.close)();
    }
}

//! Opens the database of the settings.

use std::sync::Arc;

use waypost_core::{Clock, SessionLifetime, SystemClock, SystemRandom};
use waypost_service::{
    Accounts, AccountsParts, CacheSettings, Requester, Resolver, Shortener, ShortenerParts,
};
use waypost_store::DatabaseClock;
use waypost_store_diesel::{Database, DatabaseSettings};

use crate::failure::{Failure, Status};
use waypost_settings::Settings;

/// Opens the database with any schema version. Creates a missing SQLite file.
pub(crate) async fn open_or_make(settings: &DatabaseSettings) -> Result<Database, Failure> {
    Ok(Database::connect(settings).await?)
}

/// Opens the database with any schema version. A missing SQLite file is an error.
pub(crate) async fn open(settings: &DatabaseSettings) -> Result<Database, Failure> {
    if let Some(path) = settings.url.sqlite_path()
        && !path.exists()
    {
        return Err(Failure::NoDatabase(path.to_owned()));
    }
    open_or_make(settings).await
}

/// Opens the database and its clock. The schema must be at the version that this program knows.
pub(crate) async fn open_current(
    settings: &Settings,
) -> Result<(Database, Arc<DatabaseClock>), Failure> {
    let database = open(&settings.database).await?;
    database.prepare_schema(false).await?;
    let clock = DatabaseClock::new(database.store(), Arc::new(SystemClock));
    clock.measure().await?;
    Ok((database, Arc::new(clock)))
}

/// Closes the database. If the command failed because the database is read-only, such as a standby,
/// that is the failure: the database only says which statement it refused.
pub(crate) async fn end(
    database: &Database,
    ended: Result<Status, Failure>,
) -> Result<Status, Failure> {
    let is_read_only = match &ended {
        Err(failure) if failure.status() == Status::Database => database.is_read_only().await,
        _ => false,
    };
    database.close();
    if is_read_only {
        return Err(Failure::ReadOnly(database.url().to_string()));
    }
    ended
}

/// Returns the domain functions for links, the same as the server's.
pub(crate) fn shortener(
    settings: &Settings,
    database: &Database,
    clock: Arc<dyn Clock>,
) -> Shortener {
    Shortener::new(ShortenerParts {
        store: database.store(),
        clock,
        random: Arc::new(SystemRandom),
        reserved: waypost_api::reserved_words(),
        base_url: settings.http.base_url.clone(),
        resolver: None,
    })
    .listening_on(settings.http.own_sockets())
}

/// Returns a resolver that finds links as the server does, with an empty cache.
pub(crate) fn resolver(database: &Database) -> Resolver {
    Resolver::new(database.store(), &CacheSettings::default())
}

/// Returns the domain functions for users and API tokens.
pub(crate) fn accounts(database: &Database, clock: Arc<dyn Clock>) -> Accounts {
    let accounts = Accounts::new(AccountsParts {
        store: database.store(),
        clock,
        random: Arc::new(SystemRandom),
        // `linkctl` does not authenticate tokens.
        operator: None,
        sessions: SessionLifetime::default(),
        resolver: None,
    });
    accounts.requested_by(Arc::new(Requester::operator()))
}

//! Opening the database that the settings name.

use std::sync::Arc;

use waypost_core::{Clock, SessionLifetime, SystemClock, SystemRandom};
use waypost_service::{
    Accounts, AccountsParts, CacheSettings, Resolver, Shortener, ShortenerParts,
};
use waypost_store::DatabaseClock;
use waypost_store_diesel::{Database, DatabaseSettings};

use crate::failure::Failure;
use waypost_settings::Settings;

/// Opens the database as it is, whatever its schema. An SQLite file that is missing is made.
pub(crate) async fn open_or_make(settings: &DatabaseSettings) -> Result<Database, Failure> {
    Ok(Database::connect(settings).await?)
}

/// Opens the database as it is, whatever its schema. An SQLite file that is missing is not made.
pub(crate) async fn open(settings: &DatabaseSettings) -> Result<Database, Failure> {
    if let Some(path) = settings.url.sqlite_path()
        && !path.exists()
    {
        return Err(Failure::NoDatabase(path.to_owned()));
    }
    open_or_make(settings).await
}

/// Opens a database whose schema is the one that this program knows, with its clock, by which everything
/// is dated.
pub(crate) async fn open_current(
    settings: &Settings,
) -> Result<(Database, Arc<DatabaseClock>), Failure> {
    let database = open(&settings.database).await?;
    database.prepare_schema(false).await?;
    let clock = DatabaseClock::new(database.store(), Arc::new(SystemClock));
    clock.measure().await?;
    Ok((database, Arc::new(clock)))
}

/// The domain functions that the server works with, too.
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
}

/// What finds links as the server does, from an empty memory.
pub(crate) fn resolver(database: &Database) -> Resolver {
    Resolver::new(database.store(), &CacheSettings::default())
}

/// Users and their API tokens in an open database.
pub(crate) fn accounts(database: &Database, clock: Arc<dyn Clock>) -> Accounts {
    Accounts::new(AccountsParts {
        store: database.store(),
        clock,
        random: Arc::new(SystemRandom),
        // Nobody presents tokens here.
        operator: None,
        sessions: SessionLifetime::default(),
        resolver: None,
    })
}

//! The commands, one file per group. They call the domain crates and print the results.

mod audit;
mod block;
mod explain;
mod journal;
mod keyword;
mod link;
mod migrate;
mod orphans;
mod privacy;
mod purge;
mod reclassify;
mod reindex;
mod token;
mod transfer;
mod user;
mod vacuum;
mod verify;

use waypost_analytics::Journal;
use waypost_core::{Clock as _, SystemClock, SystemRandom};
use waypost_service::Blocklist;
use waypost_store::run_when_idle;

use crate::cli::{Command, Journal as JournalCommand, Migrate, Privacy};
use crate::console::Console;
use crate::database;
use crate::failure::{Failure, Status};
use waypost_settings::Settings;

/// Runs a command.
pub(crate) async fn run(
    command: Command,
    settings: Settings,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    if let Command::Migrate(command) = command {
        let database = match command {
            Migrate::Up => database::open_or_make(&settings.database).await?,
            Migrate::Status | Migrate::Down { .. } => database::open(&settings.database).await?,
        };
        let ended = migrate::run(command, &database, console).await;
        return database::end(&database, ended).await;
    }
    if let Command::Vacuum = command {
        run_when_idle("releases disk space");
        return vacuum::run(&settings.database, console).await;
    }
    let journal = Journal::directory_in(&settings.database.data_dir);
    if let Command::Journal(JournalCommand::Status) = command {
        return journal::status(&journal, &settings, &SystemClock, console).await;
    }
    if let Command::Privacy(Privacy::Report) = command {
        return privacy::run(&settings, console).await;
    }
    if matches!(
        command,
        Command::Purge(_) | Command::Reclassify(_) | Command::Reindex(_)
    ) {
        // They take long and must not slow down a server on this machine.
        run_when_idle("changes clicks or indexes links");
    }
    let (database, clock) = database::open_current(&settings).await?;
    let shortener = database::shortener(&settings, &database, clock.clone());
    let store = shortener.store();
    let ended = match command {
        Command::Link(command) => link::run(command, &shortener, console).await,
        Command::Transfer(command) => transfer::run(command, &shortener, console).await,
        Command::Keyword(command) => keyword::run(command, &shortener, console).await,
        Command::User(command) => {
            let accounts = database::accounts(&database, clock.clone());
            user::run(command, &accounts, console).await
        }
        Command::Token(command) => {
            let accounts = database::accounts(&database, clock.clone());
            token::run(command, &accounts, &*clock, console).await
        }
        Command::Block(command) => {
            let accounts = database::accounts(&database, clock.clone());
            let audit = accounts.audit().clone();
            let blocklist = Blocklist::new(database.store(), clock.clone(), None, audit);
            block::run(command, &blocklist, console).await
        }
        Command::Audit(command) => {
            let accounts = database::accounts(&database, clock.clone());
            audit::run(&command, &accounts, console).await
        }
        Command::Orphans(command) => {
            let zone = &settings.clicks.zone;
            orphans::run(&command, store, zone, &*clock, console).await
        }
        Command::Explain(command) => {
            let rules = explain::Rules {
                base_url: &settings.http.base_url,
                clicks: &settings.clicks,
            };
            let resolver = database::resolver(&database);
            explain::run(&command, &rules, resolver, &shortener, &*clock, console).await
        }
        Command::Purge(command) => {
            let accounts = database::accounts(&database, clock.clone());
            let days = settings.clicks.deleted_link_days;
            purge::run(&command, store, days, accounts.audit(), &*clock, console).await
        }
        Command::Reclassify(command) => {
            let zone = &settings.clicks.zone;
            reclassify::run(&command, store, zone, clock.now(), console).await
        }
        Command::Reindex(command) => reindex::run(command, store, console).await,
        Command::Verify(command) => {
            let parts = verify::Parts {
                store,
                journal: &journal,
                clock: &SystemClock,
                random: &SystemRandom,
            };
            verify::run(&command, &parts, console).await
        }
        Command::Journal(command) => {
            let parts = journal::Parts {
                store: database.store(),
                local: &journal,
                clock: clock.clone(),
                settings: &settings,
            };
            journal::run(command, &parts, console).await
        }
        // Handled above, because they do not need a current schema.
        Command::Migrate(_) | Command::Privacy(_) | Command::Vacuum => Ok(Status::Done),
    };
    database::end(&database, ended).await
}

//! `linkctl migrate`: the version of the schema.

use serde::Serialize;
use waypost_store_diesel::{Database, DatabaseError, MigrationState};

use crate::cli::{Confirmation, Migrate};
use crate::console::{Console, HEADING};
use crate::failure::{Failure, Status};

pub(super) async fn run(
    command: Migrate,
    database: &Database,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    match command {
        Migrate::Status => status(&database.migration_status().await?, console)?,
        Migrate::Up => up(database, console).await?,
        Migrate::Down { confirmation } => down(database, confirmation, console).await?,
    }
    Ok(Status::Done)
}

#[derive(Serialize)]
struct StatusRecord<'a> {
    migrations: Vec<MigrationRecord<'a>>,
    pending: usize,
}

#[derive(Serialize)]
struct MigrationRecord<'a> {
    name: &'a str,
    applied: bool,
    known: bool,
}

fn status<'a>(migrations: &'a [MigrationState], console: &mut Console<'_>) -> Result<(), Failure> {
    let pending = migrations.iter().filter(|state| !state.applied).count();
    if console.json {
        let record = |state: &'a MigrationState| MigrationRecord {
            name: &state.name,
            applied: state.applied,
            known: state.known,
        };
        return console.json(&StatusRecord {
            migrations: migrations.iter().map(record).collect(),
            pending,
        });
    }
    console.line(format_args!(
        "{HEADING}{:<9}  MIGRATION{HEADING:#}",
        "STATE"
    ))?;
    for state in migrations {
        console.line(format_args!("{:<9}  {}", describe(state), state.name))?;
    }
    if pending > 0 {
        console.say("`linkctl migrate up` applies pending migrations");
    }
    Ok(())
}

const fn describe(state: &MigrationState) -> &'static str {
    match (state.applied, state.known) {
        (true, true) => "applied",
        (false, _) => "pending",
        // A newer version of Waypost has migrated this database.
        (true, false) => "unknown",
    }
}

#[derive(Serialize)]
struct UpRecord<'a> {
    applied: &'a [String],
}

async fn up(database: &Database, console: &mut Console<'_>) -> Result<(), Failure> {
    let applied = database.migrate_up().await?;
    if console.json {
        return console.json(&UpRecord { applied: &applied });
    }
    for name in &applied {
        console.line(format_args!("applied {name}"))?;
    }
    if applied.is_empty() {
        console.say("schema is up to date");
    }
    Ok(())
}

#[derive(Serialize)]
struct DownRecord<'a> {
    reverted: Option<&'a str>,
}

async fn down(
    database: &Database,
    confirmation: Confirmation,
    console: &mut Console<'_>,
) -> Result<(), Failure> {
    let states = database.migration_status().await?;
    let newest = states.iter().rev().find(|state| state.applied);
    let reverted = match newest {
        None => None,
        Some(state) if !state.known => {
            return Err(Failure::Database(DatabaseError::SchemaNewer {
                migration: state.name.clone(),
            }));
        }
        Some(state) => {
            console.say(format_args!(
                "{} of {} will be reverted; the tables and columns that it created are lost with \
                 their contents",
                state.name,
                database.url()
            ));
            console.confirm("Revert it?", confirmation)?;
            database.migrate_down().await?
        }
    };
    if console.json {
        return console.json(&DownRecord {
            reverted: reverted.as_deref(),
        });
    }
    if let Some(name) = reverted {
        return console.line(format_args!("reverted {name}"));
    }
    console.say("no migration to revert");
    Ok(())
}

#[cfg(test)]
mod tests {
    use waypost_store_diesel::DatabaseSettings;

    use super::*;
    use crate::console::Printed;

    fn states() -> Vec<MigrationState> {
        let state = |name: &str, applied, known| MigrationState {
            name: name.to_owned(),
            applied,
            known,
        };
        vec![
            state("0001_links", true, true),
            state("0002_clicks", false, true),
            state("0003", true, false),
        ]
    }

    #[tokio::test]
    async fn the_state_of_each_migration_is_listed() {
        let (_, printed) = Printed::by(false, None, async |c| status(&states(), c)).await;
        assert_eq!(
            printed.output,
            "STATE      MIGRATION\n\
             applied    0001_links\n\
             pending    0002_clicks\n\
             unknown    0003\n"
        );
        assert!(printed.messages.contains("linkctl migrate up"));
    }

    #[tokio::test]
    async fn the_state_is_one_json_document() {
        let (_, printed) = Printed::by(true, None, async |c| status(&states()[..2], c)).await;
        assert_eq!(
            printed.output,
            "{\"migrations\":[\
             {\"name\":\"0001_links\",\"applied\":true,\"known\":true},\
             {\"name\":\"0002_clicks\",\"applied\":false,\"known\":true}],\"pending\":1}\n"
        );
        assert_eq!(printed.messages, "");
    }

    async fn database(directory: &tempfile::TempDir) -> Database {
        let path = directory.path().join("waypost.db");
        let settings = DatabaseSettings::for_url(&format!("sqlite://{}", path.display()));
        Database::connect(&settings.unwrap()).await.unwrap()
    }

    #[tokio::test]
    async fn the_schema_goes_up_and_after_confirmation_down() {
        let directory = tempfile::tempdir().unwrap();
        let database = database(&directory).await;
        let (ended, printed) = Printed::by(true, None, async |c| up(&database, c).await).await;
        ended.unwrap();
        assert!(printed.output.starts_with("{\"applied\":[\"0001_"));
        let (ended, printed) = Printed::by(false, None, async |c| up(&database, c).await).await;
        ended.unwrap();
        assert_eq!(printed.output, "");
        assert_eq!(printed.messages, "schema is up to date\n");

        let asked = Confirmation { yes: false };
        for (answer, reverted) in [(None, false), (Some("n\n"), false), (Some("y\n"), true)] {
            let (ended, printed) =
                Printed::by(false, answer, async |c| down(&database, asked, c).await).await;
            assert!(printed.messages.contains("will be reverted"));
            assert_eq!(ended.is_ok(), reverted);
            let states = database.migration_status().await.unwrap();
            let last = states.last().unwrap();
            assert_eq!(last.applied, !reverted);
        }
    }

    #[tokio::test]
    async fn where_nothing_is_applied_there_is_nothing_to_revert_or_to_ask() {
        let directory = tempfile::tempdir().unwrap();
        let database = database(&directory).await;
        let asked = Confirmation { yes: false };
        let (ended, printed) =
            Printed::by(true, None, async |c| down(&database, asked, c).await).await;
        ended.unwrap();
        assert_eq!(printed.output, "{\"reverted\":null}\n");
    }
}

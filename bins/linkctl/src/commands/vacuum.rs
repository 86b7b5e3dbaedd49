//! `linkctl vacuum`: releases the disk space that deleted data left in an SQLite file.
//!
//! A file that can shrink in steps does so beside a running server. A file of an older version is
//! rewritten once, for which nobody else may have it open.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use serde::Serialize;
use waypost_analytics::space::release;
use waypost_store::{Space, Store};
use waypost_store_diesel::{Database, DatabaseSettings};

use crate::console::Console;
use crate::database;
use crate::failure::{Failure, Status};
use crate::progress::Progress;

/// How often the progress of rewriting is looked at.
const LOOK: Duration = Duration::from_millis(200);
const MIB: u64 = 1_024 * 1_024;

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct VacuumRecord {
    database: String,
    /// Whether the file was rewritten.
    rewritten: bool,
    /// The size of the file; `null` for a database server.
    bytes_before: Option<u64>,
    bytes_after: Option<u64>,
}

pub(super) async fn run(
    settings: &DatabaseSettings,
    console: &mut Console<'_>,
) -> Result<Status, Failure> {
    let kind = settings.url.kind();
    let Some(path) = settings.url.sqlite_path() else {
        if console.json {
            return done(&VacuumRecord::of(kind.to_string(), false, None), console);
        }
        console.say(format_args!(
            "{kind} releases and reuses the space of deleted rows itself; nothing to do"
        ));
        return Ok(Status::Done);
    };
    let database = database::open(settings).await?;
    let store = database.store();
    let before = store.space().await?;
    let shrinks = before.is_none_or(|space| space.shrinks);
    let sizes = if shrinks {
        let released = release_in_steps(&*store, before, console).await;
        database.close();
        released?
    } else {
        // Rewriting needs the file for itself.
        database.close();
        drop((store, database));
        Some(rewrite(path, console).await?)
    };
    done(
        &VacuumRecord::of(kind.to_string(), !shrinks, sizes),
        console,
    )
}

/// Returns the sizes before and after.
async fn release_in_steps(
    store: &dyn Store,
    before: Option<Space>,
    console: &Console<'_>,
) -> Result<Option<(Space, Space)>, Failure> {
    let Some(before) = before else {
        return Ok(None);
    };
    let progress = Progress::start(console, before.unused, "pages");
    release(store, |released| progress.at(released)).await?;
    Ok(store.space().await?.map(|after| (before, after)))
}

/// Rewrites the file, and shows how much is written meanwhile.
async fn rewrite(path: &Path, console: &mut Console<'_>) -> Result<(Space, Space), Failure> {
    console.say("rewriting the file once, so that it can shrink in steps from now on");
    let progress = Progress::counting(console, "MiB written");
    let mut log = OsString::from(path);
    log.push("-wal");
    let mut rewriting = std::pin::pin!(Database::compact(path));
    loop {
        if let Ok(rewritten) = tokio::time::timeout(LOOK, &mut rewriting).await {
            return Ok(rewritten?);
        }
        let written = std::fs::metadata(&log).map_or(0, |metadata| metadata.len());
        progress.at(written / MIB);
    }
}

impl VacuumRecord {
    fn of(database: String, rewritten: bool, sizes: Option<(Space, Space)>) -> Self {
        Self {
            database,
            rewritten,
            bytes_before: sizes.map(|(before, _)| before.bytes()),
            bytes_after: sizes.map(|(_, after)| after.bytes()),
        }
    }
}

fn done(record: &VacuumRecord, console: &mut Console<'_>) -> Result<Status, Failure> {
    if console.json {
        console.json(record)?;
        return Ok(Status::Done);
    }
    let (before, after) = (record.bytes_before, record.bytes_after);
    let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
    let released = before.saturating_sub(after);
    console.line(format_args!(
        "released {} MiB; the database has {} MiB",
        released / MIB,
        after.div_ceil(MIB)
    ))?;
    Ok(Status::Done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::Printed;

    #[tokio::test]
    async fn a_database_server_releases_space_itself() {
        for (url, name) in [
            ("postgres://u:hunter2@nowhere/w", "PostgreSQL"),
            ("mysql://u:hunter2@nowhere/w", "MySQL/MariaDB"),
        ] {
            let settings = DatabaseSettings::for_url(url).unwrap();
            let (ended, printed) =
                Printed::by(false, None, async |console| run(&settings, console).await).await;
            assert_eq!(ended.unwrap(), Status::Done);
            assert!(printed.messages.starts_with(name), "{printed:?}");
            let (ended, printed) =
                Printed::by(true, None, async |console| run(&settings, console).await).await;
            ended.unwrap();
            let document: serde_json::Value = serde_json::from_str(&printed.output).unwrap();
            assert_eq!(document["database"], name);
            assert_eq!(document["rewritten"], false);
            assert_eq!(document["bytesBefore"], serde_json::Value::Null);
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_new_file_has_nothing_to_release() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("waypost.db");
        let settings = DatabaseSettings::for_url(&format!("sqlite://{}", path.display()));
        let settings = settings.unwrap();
        let (missing, _) =
            Printed::by(false, None, async |console| run(&settings, console).await).await;
        assert!(matches!(missing, Err(Failure::NoDatabase(_))));
        let database = Database::connect(&settings).await.unwrap();
        database.migrate_up().await.unwrap();
        let (ended, printed) =
            Printed::by(false, None, async |console| run(&settings, console).await).await;
        ended.unwrap();
        database.close();
        assert_eq!(printed.output, "released 0 MiB; the database has 1 MiB\n");
    }
}

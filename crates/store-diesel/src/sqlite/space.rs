//! The size of the file: releasing the pages of deleted rows, and rewriting the file.
//!
//! SQLite releases pages in small steps (`incremental_vacuum`) only in a file that was created for
//! it. A file of an older version is converted when it is rewritten (`VACUUM`).

use std::path::Path;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel::{Connection as _, ConnectionError};
use waypost_store::Space;

use super::connection::{BUSY_TIMEOUT, Connection, use_temporary_files};
use super::fault::of_error;
use super::file::{directory_of, users_of};
use super::sql::transaction::WorkError;
use crate::DatabaseError;
use crate::error::Fault;

const SPACE: &str = "SELECT page_size, page_count, freelist_count, auto_vacuum
    FROM pragma_page_size, pragma_page_count, pragma_freelist_count, pragma_auto_vacuum";
/// The value of `auto_vacuum` of a file that releases pages in steps.
const INCREMENTAL: i64 = 2;

#[derive(QueryableByName)]
struct Pages {
    #[diesel(sql_type = BigInt)]
    page_size: i64,
    #[diesel(sql_type = BigInt)]
    page_count: i64,
    #[diesel(sql_type = BigInt)]
    freelist_count: i64,
    #[diesel(sql_type = BigInt)]
    auto_vacuum: i64,
}

fn read(connection: &mut SqliteConnection) -> QueryResult<Space> {
    let pages: Pages = diesel::sql_query(SPACE).get_result(connection)?;
    let number = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(Space {
        page_bytes: number(pages.page_size),
        pages: number(pages.page_count),
        unused: number(pages.freelist_count),
        shrinks: pages.auto_vacuum == INCREMENTAL,
    })
}

pub(super) async fn space(connection: &mut Connection) -> Result<Option<Space>, WorkError> {
    Ok(Some(connection.spawn_blocking(read).await?))
}

/// The file becomes smaller when the pages of the write-ahead log are written back to it, which the
/// last step does as far as no reader needs an older state.
pub(super) async fn release_space(
    connection: &mut Connection,
    pages: u32,
) -> Result<u64, WorkError> {
    let release = move |connection: &mut SqliteConnection| {
        let before = read(connection)?;
        if before.unused == 0 || !before.shrinks || pages == 0 {
            connection.batch_execute("PRAGMA wal_checkpoint(PASSIVE)")?;
            return Ok(0);
        }
        connection.batch_execute(&format!("PRAGMA incremental_vacuum({pages})"))?;
        Ok(before.pages.saturating_sub(read(connection)?.pages))
    };
    Ok(connection.spawn_blocking(release).await?)
}

/// Rewrites a file without unused pages, in the form that can release pages in steps. Returns the
/// sizes before and after. No other process may have the file open, nor may this one: a server could
/// not write for as long as it takes. If it is interrupted, the file is as it was.
///
/// # Errors
/// [`DatabaseError::InUse`], [`DatabaseError::NoRoom`], or [`DatabaseError::Compact`].
pub(crate) fn compact(path: &Path) -> Result<(Space, Space), DatabaseError> {
    let failed = |source: Box<dyn std::error::Error + Send + Sync>| DatabaseError::Compact {
        path: path.to_owned(),
        source,
    };
    let mut connection = SqliteConnection::establish(&path.to_string_lossy())
        .map_err(|error: ConnectionError| failed(error.into()))?;
    let of_query = |error: diesel::result::Error| match of_error(&error) {
        Fault::Contention => DatabaseError::InUse {
            path: path.to_owned(),
            users: users_of(path),
        },
        _ => failed(error.into()),
    };
    // With this mode, the first access fails while any other connection to the file is open.
    connection
        .batch_execute("PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE")
        .map_err(of_query)?;
    connection
        .batch_execute("BEGIN IMMEDIATE; COMMIT")
        .map_err(of_query)?;
    connection.batch_execute(BUSY_TIMEOUT).map_err(of_query)?;
    let before = read(&mut connection).map_err(of_query)?;
    check_room(path, before)?;
    use_temporary_files(&mut connection, path).map_err(of_query)?;
    // Deleted rows, above all salts, are not copied, and what is copied over them is written back.
    connection
        .batch_execute(
            "PRAGMA secure_delete = ON; PRAGMA auto_vacuum = INCREMENTAL; VACUUM; \
             PRAGMA wal_checkpoint(TRUNCATE)",
        )
        .map_err(of_query)?;
    let after = read(&mut connection).map_err(of_query)?;
    Ok((before, after))
}

/// Checks that there is room for the temporary copy and for the write-ahead log, each of which has
/// all used pages.
fn check_room(path: &Path, space: Space) -> Result<(), DatabaseError> {
    let used = space.bytes().saturating_sub(space.unused_bytes());
    let needed = used.saturating_mul(2);
    let directory = directory_of(path);
    let Ok(disk) = rustix::fs::statvfs(directory) else {
        return Ok(());
    };
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    if free >= needed {
        return Ok(());
    }
    Err(DatabaseError::NoRoom {
        path: directory.to_owned(),
        needed_mib: mib(needed),
        free_mib: mib(free),
    })
}

const fn mib(bytes: u64) -> u64 {
    bytes.div_ceil(1_024 * 1_024)
}

#[cfg(test)]
mod tests {
    use super::super::connection::connect_blocking;
    use super::*;

    /// Creates a file in the form of older versions, of which two thirds are unused.
    fn old_file(path: &Path) {
        let mut connection = SqliteConnection::establish(&path.to_string_lossy()).unwrap();
        connection
            .batch_execute(
                "pragma journal_mode = wal; create table t (n integer primary key, b blob); \
                 with recursive c (n) as (select 1 union all select n + 1 from c where n < 300) \
                 insert into t select n, randomblob(4000) from c; delete from t where n > 100",
            )
            .unwrap();
    }

    #[test]
    fn an_old_file_is_rewritten_and_shrinks_in_steps_from_then_on() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("way'post.db");
        old_file(&path);
        let (before, after) = compact(&path).unwrap();
        assert!(!before.shrinks && before.unused > 150, "{before:?}");
        assert!(after.shrinks && after.unused == 0, "{after:?}");
        assert_eq!(path.metadata().unwrap().len(), after.bytes());
        let mut connection = connect_blocking(&path.to_string_lossy()).unwrap();
        let sum = diesel::dsl::sql::<BigInt>("(SELECT SUM(n) FROM t)");
        let sum: i64 = diesel::select(sum).get_result(&mut connection).unwrap();
        assert_eq!(sum, 5_050);
    }

    #[test]
    fn a_file_that_another_connection_has_open_is_not_rewritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("waypost.db");
        old_file(&path);
        let mut other = connect_blocking(&path.to_string_lossy()).unwrap();
        assert!(!read(&mut other).unwrap().shrinks);
        let error = compact(&path).unwrap_err();
        assert!(matches!(error, DatabaseError::InUse { .. }), "{error:?}");
        drop(other);
        compact(&path).unwrap();
    }

    #[test]
    fn without_room_for_two_copies_a_file_is_not_rewritten() {
        let huge = Space {
            page_bytes: 4_096,
            pages: u64::MAX / 8_192,
            unused: 0,
            shrinks: false,
        };
        let error = check_room(Path::new("waypost.db"), huge).unwrap_err();
        assert!(matches!(error, DatabaseError::NoRoom { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("MiB"), "{text}");
    }
}

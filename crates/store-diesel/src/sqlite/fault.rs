//! The meaning of the errors of SQLite, by their [codes](https://sqlite.org/rescode.html).
//!
//! diesel keeps the code of violated constraints. Of other errors it keeps only the text, and
//! reading the code of a connection requires `unsafe`. SQLite has a fixed text for each code
//! (`sqlite3ErrStr`), which is compiled into this program and never translated: [`code_of`] is the
//! inverse of that table. An error for which SQLite composes its own text has no code here.

use diesel::result::Error as DieselError;
use libsqlite3_sys::{
    SQLITE_AUTH, SQLITE_BUSY, SQLITE_CANTOPEN, SQLITE_FULL, SQLITE_IOERR, SQLITE_LOCKED,
    SQLITE_MISMATCH, SQLITE_NOMEM, SQLITE_PERM, SQLITE_PROTOCOL, SQLITE_READONLY, SQLITE_TOOBIG,
};

use crate::error::Fault;

/// Returns the fault of an error of diesel.
pub(super) fn of_error(error: &DieselError) -> Fault {
    match error {
        DieselError::DatabaseError(kind, information) => Fault::of_kind(*kind)
            .or_else(|| code_of(information.message()).map(of_code))
            .unwrap_or(Fault::Other),
        DieselError::RollbackErrorOnCommit { .. } | DieselError::BrokenTransactionManager => {
            Fault::ConnectionLost
        }
        _ => Fault::Other,
    }
}

fn of_code(code: i32) -> Fault {
    match code {
        SQLITE_BUSY | SQLITE_LOCKED => Fault::Contention,
        SQLITE_MISMATCH | SQLITE_TOOBIG => Fault::Refused,
        _ => Fault::Unavailable,
    }
}

/// Returns the code with this text. Returns `None` for the codes that [`of_code`] does not know.
fn code_of(text: &str) -> Option<i32> {
    Some(match text {
        "access permission denied" => SQLITE_PERM,
        "database is locked" => SQLITE_BUSY,
        "database table is locked" => SQLITE_LOCKED,
        "out of memory" => SQLITE_NOMEM,
        "attempt to write a readonly database" => SQLITE_READONLY,
        "disk I/O error" => SQLITE_IOERR,
        "database or disk is full" => SQLITE_FULL,
        "unable to open database file" => SQLITE_CANTOPEN,
        "locking protocol" => SQLITE_PROTOCOL,
        "string or blob too big" => SQLITE_TOOBIG,
        "datatype mismatch" => SQLITE_MISMATCH,
        "not authorized" => SQLITE_AUTH,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, SqliteConnection};

    use super::*;

    fn fails(connection: &mut SqliteConnection, sql: &str) -> Fault {
        let error = connection.batch_execute(sql).unwrap_err();
        let fault = of_error(&error);
        assert_ne!(fault, Fault::Other, "{sql}: {error:?}");
        fault
    }

    #[test]
    fn real_errors_have_the_texts_of_their_codes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("waypost.db");
        let open = || SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        let (mut one, mut other) = (open(), open());
        one.batch_execute(
            "create table t (n integer primary key, u text unique, c text check (c <> ''), \
             r integer references t (n), m text not null default 'm'); \
             pragma foreign_keys = on",
        )
        .unwrap();
        for (sql, fault) in [
            ("insert into t (u) values ('a'), ('a')", Fault::Conflict),
            ("insert into t (n) values (1), (1)", Fault::Conflict),
            ("insert into t (c) values ('')", Fault::Refused),
            ("insert into t (r) values (7)", Fault::Refused),
            ("insert into t (m) values (null)", Fault::Refused),
            ("insert into t (n) values ('text')", Fault::Refused),
            (
                "insert into t (u) values (zeroblob(1 << 31))",
                Fault::Refused,
            ),
        ] {
            assert_eq!(fails(&mut one, sql), fault, "{sql}");
        }

        other.batch_execute("begin immediate").unwrap();
        let insert = "insert into t default values";
        assert_eq!(fails(&mut one, insert), Fault::Contention);
        other.batch_execute("rollback").unwrap();

        one.batch_execute("pragma query_only = on").unwrap();
        assert_eq!(fails(&mut one, insert), Fault::Unavailable);
        one.batch_execute("pragma query_only = off; pragma max_page_count = 1")
            .unwrap();
        let large = "insert into t (u) values (zeroblob(100000))";
        assert_eq!(fails(&mut one, large), Fault::Unavailable);
        let missing = one.batch_execute("select * from missing").unwrap_err();
        assert_eq!(of_error(&missing), Fault::Other);
    }
}

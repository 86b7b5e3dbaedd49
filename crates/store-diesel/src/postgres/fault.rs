//! The meaning of the errors of PostgreSQL, by their SQLSTATE
//! ([codes](https://www.postgresql.org/docs/current/errcodes-appendix.html)).

use std::io;

use diesel::result::Error as DieselError;
use diesel_async::AsyncConnection as _;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

use super::connection::Connection;
use super::listener::Listener;
use crate::error::Fault;

/// A transaction took longer than `transaction_timeout` (PostgreSQL 17). The driver has no name for
/// it.
const TRANSACTION_TIMEOUT: &str = "25P04";

/// Returns the fault of an error of diesel, which has no SQLSTATE: the listener of the connection
/// keeps it.
pub(super) async fn fault(connection: &mut Connection, error: &DieselError) -> Fault {
    match error {
        DieselError::DatabaseError(kind, _) => {
            let listener = connection.instrumentation().downcast_ref::<Listener>();
            let heard = listener.and_then(Listener::error);
            heard
                .map(|error| of_error(&error.state, error.is_fatal))
                .or(Fault::of_kind(*kind))
                .unwrap_or(Fault::Other)
        }
        DieselError::RollbackErrorOnCommit { .. } | DieselError::BrokenTransactionManager => {
            Fault::ConnectionLost
        }
        _ => Fault::Other,
    }
}

/// Returns the fault of an error of the driver.
pub(super) fn of_driver(error: &Error) -> Fault {
    if let Some(error) = error.as_db_error() {
        return of_error(error.code(), is_fatal(error));
    }
    match std::error::Error::source(error) {
        // The connection was closed, or the server broke the protocol.
        None => Fault::ConnectionLost,
        Some(source) if source.is::<io::Error>() => Fault::ConnectionLost,
        // A value that cannot be written or read.
        Some(_) => Fault::Other,
    }
}

fn is_fatal(error: &DbError) -> bool {
    let severity = error.parsed_severity();
    matches!(severity, Some(Severity::Fatal | Severity::Panic))
}

/// Returns the fault of an error of the server. After a fatal error the server closes the
/// connection.
fn of_error(state: &SqlState, is_fatal: bool) -> Fault {
    if is_fatal {
        return Fault::ConnectionLost;
    }
    match *state {
        SqlState::UNIQUE_VIOLATION => Fault::Conflict,
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => Fault::Contention,
        SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::DATABASE_DROPPED
        | SqlState::IDLE_SESSION_TIMEOUT
        | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
        // The statements were prepared in another session of the server: a pooler is in between.
        | SqlState::INVALID_SQL_STATEMENT_NAME
        | SqlState::DUPLICATE_PSTATEMENT
        // The server is a standby, perhaps only since a moment ago.
        | SqlState::READ_ONLY_SQL_TRANSACTION => Fault::ConnectionLost,
        SqlState::LOCK_NOT_AVAILABLE | SqlState::INSUFFICIENT_PRIVILEGE => Fault::Unavailable,
        _ => of_class(state.code()),
    }
}

fn of_class(code: &str) -> Fault {
    match code.get(..2) {
        _ if code == TRANSACTION_TIMEOUT => Fault::ConnectionLost,
        // Connection exceptions, and PgBouncer's own errors.
        Some("08") => Fault::ConnectionLost,
        // Data exceptions, integrity constraint violations, WITH CHECK OPTION.
        Some("22" | "23" | "44") => Fault::Refused,
        // Authorization, insufficient resources, program limits, operator intervention, system errors.
        Some("28" | "53" | "54" | "57" | "58") => Fault::Unavailable,
        _ => Fault::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_by_its_code() {
        for (code, fault) in [
            ("23505", Fault::Conflict),
            ("40001", Fault::Contention),
            ("40P01", Fault::Contention),
            ("57P01", Fault::ConnectionLost),
            ("57P05", Fault::ConnectionLost),
            ("25P03", Fault::ConnectionLost),
            ("25P04", Fault::ConnectionLost),
            ("08006", Fault::ConnectionLost),
            ("08P01", Fault::ConnectionLost),
            ("26000", Fault::ConnectionLost),
            ("42P05", Fault::ConnectionLost),
            ("55P03", Fault::Unavailable),
            ("57014", Fault::Unavailable),
            ("57P03", Fault::Unavailable),
            ("25006", Fault::ConnectionLost),
            ("42501", Fault::Unavailable),
            ("28P01", Fault::Unavailable),
            ("53100", Fault::Unavailable),
            ("53300", Fault::Unavailable),
            ("54000", Fault::Unavailable),
            ("58030", Fault::Unavailable),
            ("22001", Fault::Refused),
            ("22021", Fault::Refused),
            ("23502", Fault::Refused),
            ("23503", Fault::Refused),
            ("23514", Fault::Refused),
            ("23P01", Fault::Refused),
            ("44000", Fault::Refused),
            ("42P01", Fault::Other),
            ("42703", Fault::Other),
            ("42601", Fault::Other),
            ("25P02", Fault::Other),
            ("XX000", Fault::Other),
            ("P0001", Fault::Other),
        ] {
            assert_eq!(of_error(&SqlState::from_code(code), false), fault, "{code}");
        }
    }

    #[test]
    fn a_fatal_error_ends_the_connection() {
        let state = SqlState::from_code("53300");
        assert_eq!(of_error(&state, true), Fault::ConnectionLost);
    }
}

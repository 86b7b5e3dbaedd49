//! The meaning of the errors of MySQL and MariaDB, by their numbers
//! ([MySQL](https://dev.mysql.com/doc/mysql-errors/8.4/en/server-error-reference.html),
//! [MariaDB](https://mariadb.com/docs/server/reference/error-codes/mariadb-error-code-reference)).
//! They share the numbers below 1900.

use diesel::QueryableByName;
use diesel::result::Error as DieselError;
use diesel::sql_types::{BigInt, Nullable, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use mysql_async::Error;

use super::connection::Connection;
use crate::error::Fault;

/// Copies the first and the last condition of the failed statement. Such statements do not clear
/// them.
const COPY_CONDITIONS: &str = "
    GET DIAGNOSTICS @waypost_last = NUMBER;
    GET DIAGNOSTICS CONDITION 1 @waypost_first_number = MYSQL_ERRNO, @waypost_first_state = RETURNED_SQLSTATE,
        @waypost_first_text = MESSAGE_TEXT;
    GET DIAGNOSTICS CONDITION @waypost_last @waypost_last_number = MYSQL_ERRNO,
        @waypost_last_state = RETURNED_SQLSTATE, @waypost_last_text = MESSAGE_TEXT
";
const CONDITIONS: &str = "
    SELECT CAST(@waypost_first_number AS SIGNED) AS number, CAST(@waypost_first_state AS CHAR) AS state,
        CAST(@waypost_first_text AS CHAR) AS text
    UNION ALL SELECT CAST(@waypost_last_number AS SIGNED), CAST(@waypost_last_state AS CHAR),
        CAST(@waypost_last_text AS CHAR)
";

/// The number of a `SIGNAL` that sets no other.
const SIGNALLED: u16 = 1644;

#[derive(QueryableByName)]
struct Condition {
    #[diesel(sql_type = Nullable<BigInt>)]
    number: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    state: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<String>,
}

/// Returns the fault of an error of diesel, which has no number: asks the server for it.
pub(super) async fn fault(connection: &mut Connection, error: &DieselError) -> Fault {
    match error {
        DieselError::DatabaseError(kind, information) => match Fault::of_kind(*kind) {
            Some(fault) => fault,
            // A connection that does not answer is lost.
            None => of_last_error(connection, information.message())
                .await
                .unwrap_or(Fault::ConnectionLost),
        },
        DieselError::RollbackErrorOnCommit { .. } | DieselError::BrokenTransactionManager => {
            Fault::ConnectionLost
        }
        _ => Fault::Other,
    }
}

/// Finds the number of the error by its text. In MySQL the error is the last condition, after
/// warnings; in MariaDB it is the first one, before notes.
async fn of_last_error(connection: &mut Connection, text: &str) -> Result<Fault, DieselError> {
    connection.batch_execute(COPY_CONDITIONS).await?;
    let conditions: Vec<Condition> = diesel::sql_query(CONDITIONS).load(connection).await?;
    let is_error = |condition: &&Condition| condition.text.as_deref() == Some(text);
    let error = conditions.iter().find(is_error).or(conditions.last());
    let state = error.and_then(|error| error.state.as_deref());
    let number = error.and_then(|error| error.number);
    let number = number.and_then(|number| u16::try_from(number).ok());
    Ok(number.map_or(Fault::Other, |number| {
        of_condition(number, state.unwrap_or_default())
    }))
}

/// Returns the fault of an error of the driver.
pub(super) fn of_driver(error: &Error) -> Fault {
    match error {
        Error::Server(error) => of_condition(error.code, &error.state),
        Error::Io(_) | Error::Driver(_) => Fault::ConnectionLost,
        Error::Other(_) | Error::Url(_) => Fault::Other,
    }
}

/// Returns the fault of a condition. All signals of triggers and procedures share one number, and
/// their SQLSTATE tells the kind: classes 22 (data exception) and 23 (integrity constraint
/// violation) are about values, and 45000 is unspecific.
fn of_condition(number: u16, state: &str) -> Fault {
    if number == SIGNALLED && (state.starts_with("22") || state.starts_with("23")) {
        return Fault::Refused;
    }
    of_number(number)
}

const fn of_number(number: u16) -> Fault {
    match number {
        // Duplicate entry or key.
        1022 | 1062 | 1169 | 1586 | 1859 => Fault::Conflict,
        // Record has changed; lock wait timeout; deadlock, also as reported by Galera; the definition of a
        // table has changed; rolled back by a plugin such as group replication.
        1020 | 1205 | 1213 | 1412 | 3101 => Fault::Contention,
        // Shutdown; aborted, killed and idle connections; statements that a proxy prepared on another server.
        // A server or transaction that only reads: the server may have become a replica. A node that is not, or
        // no longer, part of its Galera cluster.
        1047
        | 1053
        | 1077..=1080
        | 1152
        | 1158..=1161
        | 1184
        | 1243
        | 1290
        | 1615
        | 1792
        | 1836
        | 1927
        | 3169
        | 4031 => Fault::ConnectionLost,
        _ => {
            if is_refusal(number) {
                Fault::Refused
            } else if is_unavailability(number) {
                Fault::Unavailable
            } else {
                Fault::Other
            }
        }
    }
}

/// Returns whether a value breaks a rule of the data.
const fn is_refusal(number: u16) -> bool {
    matches!(
        number,
        // NULL, or no default value.
        1048 | 1263 | 1364
        // References.
        | 1216 | 1217 | 1451 | 1452
        // Out of range, truncated, incorrect, divided by zero, too long.
        | 1264 | 1265 | 1292 | 1365 | 1366 | 1367 | 1406 | 1411 | 1441 | 1690
        // Invalid text, and text that cannot be converted.
        | 1300 | 3854
        // CHECK, views WITH CHECK OPTION, JSON.
        | 1369 | 3140 | 3819 | 4025 | 4038
        // A statement or row that is too large.
        | 1118 | 1153
    )
}

/// Returns whether waiting may help.
const fn is_unavailability(number: u16) -> bool {
    matches!(
        number,
        // A full disk or table, unreadable or unwritable files, errors of the storage engine.
        1004 | 1016 | 1021 | 1023 | 1024 | 1026 | 1030 | 1114
        // Out of memory, threads, locks, prepared statements or log space.
        | 1037 | 1038 | 1041 | 1135 | 1197 | 1206 | 1461
        // Too many connections in total or of the user; a host or user that may not connect.
        | 1040 | 1129 | 1130 | 1203 | 1226 | 1698
        // Access denied.
        | 1044 | 1045 | 1142 | 1143 | 1227 | 1370
        // A commit refused by the storage engine or a plugin.
        | 1180 | 3100
        // A read-only table, or one that is locked completely.
        | 1015 | 1036 | 1223
        // Interrupted, or timed out.
        | 1317 | 1969 | 3024
        // ProxySQL's own errors.
        | 9000..=9999
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_told_by_its_number() {
        for (number, fault) in [
            (1062, Fault::Conflict),
            (1213, Fault::Contention),
            (1205, Fault::Contention),
            (1020, Fault::Contention),
            (1053, Fault::ConnectionLost),
            (1927, Fault::ConnectionLost),
            (1243, Fault::ConnectionLost),
            (1040, Fault::Unavailable),
            (1047, Fault::ConnectionLost),
            (1114, Fault::Unavailable),
            (1142, Fault::Unavailable),
            (1290, Fault::ConnectionLost),
            (1317, Fault::Unavailable),
            (1792, Fault::ConnectionLost),
            (1836, Fault::ConnectionLost),
            (1048, Fault::Refused),
            (1264, Fault::Refused),
            (1366, Fault::Refused),
            (1406, Fault::Refused),
            (1452, Fault::Refused),
            (3819, Fault::Refused),
            (4025, Fault::Refused),
            (1054, Fault::Other),
            (1064, Fault::Other),
            (1146, Fault::Other),
            (1644, Fault::Other),
        ] {
            assert_eq!(of_condition(number, ""), fault, "{number}");
        }
    }

    #[test]
    fn a_signal_is_told_by_its_state() {
        for (state, fault) in [
            ("22003", Fault::Refused),
            ("23000", Fault::Refused),
            ("45000", Fault::Other),
            ("42000", Fault::Other),
        ] {
            assert_eq!(of_condition(1644, state), fault, "{state}");
        }
    }
}

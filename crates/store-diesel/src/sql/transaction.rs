//! The two ways to the database: a named transaction and a named look-up. Both run again what failed
//! for a reason that passes; a transaction never, once its commit was sent and its fate is unknown.

use std::time::Duration;

use deadpool::managed::Object;
use diesel::result::Error as DieselError;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::{AsyncConnection, TransactionManager};
use tokio::time::{Instant, timeout_at};
use waypost_store::StoreError;

use super::pool::connection;
use super::{Connection, begin, classify};
use crate::error::Fault;
use crate::metrics::{OperationName, retried};

/// So often an operation is tried. Each try but the last is followed by a growing pause.
const TRIES: u32 = 6;
const FIRST_PAUSE: Duration = Duration::from_millis(5);

/// An operation on the database, before it is said what it does.
pub(super) struct Operation<'a> {
    pool: &'a Pool<Connection>,
    name: OperationName,
    mode: Mode,
}

#[derive(Clone, Copy)]
enum Mode {
    Transaction,
    LookUp,
}

/// A transaction of its own.
pub(super) const fn transaction(pool: &Pool<Connection>, name: OperationName) -> Operation<'_> {
    Operation {
        pool,
        name,
        mode: Mode::Transaction,
    }
}

/// No transaction: for what changes nothing, or does so in one statement that may run twice.
pub(super) const fn look_up(pool: &Pool<Connection>, name: OperationName) -> Operation<'_> {
    Operation {
        pool,
        name,
        mode: Mode::LookUp,
    }
}

/// An asynchronous function of which it can be said that its future is [`Send`]: `AsyncFn` alone
/// does not let us name it.
pub(super) trait Work<A, R>: AsyncFn(A) -> R + Fn(A) -> <Self as Work<A, R>>::Fut {
    type Fut: Future<Output = R>;
}

impl<W, A, Fut, R> Work<A, R> for W
where
    W: AsyncFn(A) -> R + Fn(A) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}

/// Why work did not succeed.
#[derive(Debug)]
pub(super) enum WorkError {
    /// The database said so.
    Database(DieselError),
    /// The work itself gave up; never run again.
    Store(StoreError),
}

impl From<DieselError> for WorkError {
    fn from(error: DieselError) -> Self {
        Self::Database(error)
    }
}

impl From<StoreError> for WorkError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// A failed try, and whether another one is safe.
struct Failure {
    error: WorkError,
    may_repeat: bool,
}

impl Failure {
    const fn repeatable(error: WorkError) -> Self {
        Self {
            error,
            may_repeat: true,
        }
    }
}

impl Operation<'_> {
    /// Does `work` on a connection of the pool, several times if need be.
    pub(super) async fn run<T, W>(self, work: W) -> Result<T, StoreError>
    where
        T: Send,
        W: for<'c> Work<&'c mut Connection, Result<T, WorkError>, Fut: Send> + Send + Sync,
    {
        let deadline = Instant::now() + self.name.time_limit();
        let mut pause = FIRST_PAUSE;
        let mut tries = 1;
        loop {
            let mut connection = connection(self.pool).await?;
            let attempt = timeout_at(deadline, self.attempt(&mut connection, &work));
            let done = match attempt.await {
                Ok(done) => done,
                Err(elapsed) => {
                    // It may still be at work.
                    drop(Object::take(connection));
                    return Err(StoreError::unavailable(elapsed));
                }
            };
            let (error, may_repeat) = match done {
                Ok(value) => return Ok(value),
                Err(Failure { error, may_repeat }) => (error, may_repeat),
            };
            let error = match error {
                WorkError::Store(error) => return Err(error),
                WorkError::Database(error) => error,
            };
            let fault = classify(&error);
            if fault == Fault::ConnectionLost {
                // Its neighbours are likely to be dead too: let the next try open a new one.
                drop(Object::take(connection));
                self.pool.retain(|_, _| false);
            } else {
                drop(connection);
            }
            if !may_repeat || !fault.may_pass() || tries == TRIES || Instant::now() > deadline {
                return Err(fault.into_store_error(error));
            }
            retried(self.name);
            tracing::debug!(operation = self.name.as_str(), tries, %error, "trying again");
            tokio::time::sleep(pause).await;
            pause *= 2;
            tries += 1;
        }
    }

    async fn attempt<T, W>(&self, connection: &mut Connection, work: &W) -> Result<T, Failure>
    where
        T: Send,
        W: for<'c> Work<&'c mut Connection, Result<T, WorkError>, Fut: Send> + Send + Sync,
    {
        match self.mode {
            Mode::Transaction => in_transaction(connection, work).await,
            Mode::LookUp => work(connection).await.map_err(Failure::repeatable),
        }
    }
}

async fn in_transaction<T, W>(connection: &mut Connection, work: &W) -> Result<T, Failure>
where
    T: Send,
    W: for<'c> Work<&'c mut Connection, Result<T, WorkError>, Fut: Send> + Send + Sync,
{
    begin(connection)
        .await
        .map_err(|error| Failure::repeatable(error.into()))?;
    match work(connection).await {
        Ok(value) => match Transactions::commit_transaction(connection).await {
            Ok(()) => Ok(value),
            Err(error) => Err(Failure {
                // A conflict that the database found at the commit undid everything. When the
                // connection broke, nobody knows whether the commit arrived.
                may_repeat: classify(&error) == Fault::Contention,
                error: error.into(),
            }),
        },
        Err(error) => {
            if let Err(rollback) = Transactions::rollback_transaction(connection).await {
                // The pool discards a connection that is still in a transaction.
                tracing::debug!(error = %rollback, "rolling back failed");
            }
            Err(Failure::repeatable(error))
        }
    }
}

type Transactions = <Connection as AsyncConnection>::TransactionManager;

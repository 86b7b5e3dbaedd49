//! The two kinds of database access: a named transaction and a named look-up. Both retry after a
//! temporary failure; a transaction is never retried once its commit was sent and the outcome is
//! unknown.

use deadpool::managed::Object;
use diesel::result::Error as DieselError;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::{AsyncConnection, TransactionManager};
use tokio::time::{Instant, timeout_at};
use waypost_store::StoreError;

use super::pool::connection;
use super::{Connection, begin, fault};
use crate::error::Fault;
use crate::metrics::OperationName;
use crate::retry::{Failure, retrying};

/// An operation on the database, before its work is given.
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

/// Runs in a transaction of its own.
pub(super) const fn transaction(pool: &Pool<Connection>, name: OperationName) -> Operation<'_> {
    Operation {
        pool,
        name,
        mode: Mode::Transaction,
    }
}

/// Runs without a transaction: for reads, or for one statement that may run twice.
pub(super) const fn look_up(pool: &Pool<Connection>, name: OperationName) -> Operation<'_> {
    Operation {
        pool,
        name,
        mode: Mode::LookUp,
    }
}

/// An asynchronous function whose future can be required to be [`Send`]: `AsyncFn` alone cannot
/// name it.
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

/// Why the work failed.
#[derive(Debug)]
pub(crate) enum WorkError {
    /// The database failed.
    Database(DieselError),
    /// The work itself gave up; it is never retried.
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

impl Operation<'_> {
    /// Runs `work` on a connection of the pool, several times if necessary.
    pub(super) async fn run<T, W>(self, work: W) -> Result<T, StoreError>
    where
        T: Send,
        W: for<'c> Work<&'c mut Connection, Result<T, WorkError>, Fut: Send> + Send + Sync,
    {
        retrying(self.name, |deadline| self.try_once(deadline, &work)).await
    }

    async fn try_once<T, W>(&self, deadline: Instant, work: &W) -> Result<T, Failure>
    where
        T: Send,
        W: for<'c> Work<&'c mut Connection, Result<T, WorkError>, Fut: Send> + Send + Sync,
    {
        let mut connection = connection(self.pool).await.map_err(Failure::last)?;
        let attempt = timeout_at(deadline, self.attempt(&mut connection, work));
        let (fault, failure) = match attempt.await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(Failed::Work(error))) => return Err(Failure::last(error)),
            Ok(Err(Failed::Database(fault, error))) => (fault, Failure::of(fault, error)),
            Ok(Err(Failed::Commit(fault, error))) => (fault, Failure::of_commit(fault, error)),
            Err(elapsed) => {
                // It may still be busy.
                drop(Object::take(connection));
                return Err(Failure::last(StoreError::unavailable(elapsed)));
            }
        };
        if fault == Fault::ConnectionLost {
            // The other connections are probably dead too: let the next attempt open a new one.
            drop(Object::take(connection));
            self.pool.retain(|_, _| false);
        }
        Err(failure)
    }

    async fn attempt<T, W>(&self, connection: &mut Connection, work: &W) -> Result<T, Failed>
    where
        T: Send,
        W: for<'c> Work<&'c mut Connection, Result<T, WorkError>, Fut: Send> + Send + Sync,
    {
        match self.mode {
            Mode::Transaction => in_transaction(connection, work).await,
            Mode::LookUp => match work(connection).await {
                Ok(value) => Ok(value),
                Err(error) => Err(Failed::at_work(connection, error).await),
            },
        }
    }
}

/// Where an attempt failed.
enum Failed {
    /// The work gave up. Nothing was changed.
    Work(StoreError),
    /// The database failed before the commit was sent. Nothing was changed.
    Database(Fault, DieselError),
    Commit(Fault, DieselError),
}

impl Failed {
    /// Finds out the fault. The connection must not have been used since.
    async fn at_work(connection: &mut Connection, error: WorkError) -> Self {
        match error {
            WorkError::Store(error) => Self::Work(error),
            WorkError::Database(error) => Self::Database(fault(connection, &error).await, error),
        }
    }
}

async fn in_transaction<T, W>(connection: &mut Connection, work: &W) -> Result<T, Failed>
where
    T: Send,
    W: for<'c> Work<&'c mut Connection, Result<T, WorkError>, Fut: Send> + Send + Sync,
{
    if let Err(error) = begin(connection).await {
        return Err(Failed::at_work(connection, error.into()).await);
    }
    match work(connection).await {
        Ok(value) => match Transactions::commit_transaction(connection).await {
            Ok(()) => Ok(value),
            Err(error) => Err(Failed::Commit(fault(connection, &error).await, error)),
        },
        Err(error) => {
            let failed = Failed::at_work(connection, error).await;
            if let Err(rollback) = Transactions::rollback_transaction(connection).await {
                // The pool discards a connection that is still in a transaction.
                tracing::debug!(error = %rollback, "rolling back failed");
            }
            Err(failed)
        }
    }
}

type Transactions = <Connection as AsyncConnection>::TransactionManager;

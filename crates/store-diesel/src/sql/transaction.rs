//! The two ways to the database: a named transaction and a named look-up. Both run again what failed
//! for a reason that passes; a transaction never, once its commit was sent and its fate is unknown.

use deadpool::managed::Object;
use diesel::result::Error as DieselError;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::{AsyncConnection, TransactionManager};
use tokio::time::{Instant, timeout_at};
use waypost_store::StoreError;

use super::pool::connection;
use super::{Connection, begin, classify};
use crate::error::Fault;
use crate::metrics::OperationName;
use crate::retry::{Failure, retrying};

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

impl Operation<'_> {
    /// Does `work` on a connection of the pool, several times if need be.
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
        let (error, sent_commit) = match attempt.await {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(Failed::Work(WorkError::Store(error)))) => return Err(Failure::last(error)),
            Ok(Err(Failed::Work(WorkError::Database(error)))) => (error, false),
            Ok(Err(Failed::Commit(error))) => (error, true),
            Err(elapsed) => {
                // It may still be at work.
                drop(Object::take(connection));
                return Err(Failure::last(StoreError::unavailable(elapsed)));
            }
        };
        let fault = classify(&error);
        if fault == Fault::ConnectionLost {
            // Its neighbours are likely to be dead too: let the next try open a new one.
            drop(Object::take(connection));
            self.pool.retain(|_, _| false);
        }
        Err(if sent_commit {
            Failure::of_commit(fault, error)
        } else {
            Failure::of(fault, error)
        })
    }

    async fn attempt<T, W>(&self, connection: &mut Connection, work: &W) -> Result<T, Failed>
    where
        T: Send,
        W: for<'c> Work<&'c mut Connection, Result<T, WorkError>, Fut: Send> + Send + Sync,
    {
        match self.mode {
            Mode::Transaction => in_transaction(connection, work).await,
            Mode::LookUp => work(connection).await.map_err(Failed::Work),
        }
    }
}

/// Where an attempt failed.
enum Failed {
    /// Before the commit was sent: nothing was changed.
    Work(WorkError),
    Commit(DieselError),
}

async fn in_transaction<T, W>(connection: &mut Connection, work: &W) -> Result<T, Failed>
where
    T: Send,
    W: for<'c> Work<&'c mut Connection, Result<T, WorkError>, Fut: Send> + Send + Sync,
{
    begin(connection)
        .await
        .map_err(|error| Failed::Work(error.into()))?;
    match work(connection).await {
        Ok(value) => {
            let committed = Transactions::commit_transaction(connection).await;
            committed.map_err(Failed::Commit)?;
            Ok(value)
        }
        Err(error) => {
            if let Err(rollback) = Transactions::rollback_transaction(connection).await {
                // The pool discards a connection that is still in a transaction.
                tracing::debug!(error = %rollback, "rolling back failed");
            }
            Err(Failed::Work(error))
        }
    }
}

type Transactions = <Connection as AsyncConnection>::TransactionManager;

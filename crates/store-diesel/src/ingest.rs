//! Stores clicks in a database server on connections of its own, which live on the runtime of the
//! caller: the transaction of a low-priority ingester does not run on the threads of the pool.
//!
//! Compiled for PostgreSQL and for MySQL/MariaDB, whose `settle` performs the transaction. SQLite
//! has a writer of its own.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant as SystemInstant;

use tokio::runtime::{Handle, Id};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};
use waypost_store::{Ingested, StoreError};

use super::settle::{self, Client};
use super::sql::pool::PATIENCE;
use crate::hosts::Servers;
use crate::job::Job;
use crate::metrics::OperationName;
use crate::retry::{Failure, retrying};

/// Maximum number of connections. A process has one ingester; more than one connection is opened
/// only for callers that record clicks without a journal.
const CONNECTIONS: usize = 4;

/// Stores clicks.
#[derive(Clone)]
pub(super) struct Ingester {
    servers: Arc<Servers>,
    turns: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Idle>>>,
}

/// An unused connection, and the runtime that it lives on.
struct Idle {
    home: Id,
    connected: SystemInstant,
    client: Client,
}

impl Ingester {
    pub(super) fn new(servers: Arc<Servers>) -> Self {
        Self {
            servers,
            turns: Arc::new(Semaphore::new(CONNECTIONS)),
            idle: Arc::default(),
        }
    }

    /// Stores all clicks of a job, or none.
    pub(super) async fn settle(
        &self,
        name: OperationName,
        job: Job,
    ) -> Result<Ingested, StoreError> {
        retrying(name, |deadline| self.try_once(deadline, &job)).await
    }

    /// Closes the connections; busy ones are closed when they finish.
    pub(super) fn close(&self) {
        self.turns.close();
        self.idle().clear();
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn try_once(&self, deadline: Instant, job: &Job) -> Result<Ingested, Failure> {
        // Interruptions and failures close the connection: the database then rolls back.
        match timeout_at(deadline, self.attempt(job)).await {
            Ok(done) => done,
            Err(elapsed) => Err(Failure::last(StoreError::unavailable(elapsed))),
        }
    }

    async fn attempt(&self, job: &Job) -> Result<Ingested, Failure> {
        let turn = self.turns.acquire().await;
        let _turn = turn.map_err(|closed| Failure::last(StoreError::unavailable(closed)))?;
        let home = Handle::current().id();
        let idle = self.take_idle(home);
        let mut used = match idle {
            Some(idle) => idle,
            None => Idle {
                home,
                client: self.open().await.map_err(Failure::last)?,
                connected: SystemInstant::now(),
            },
        };
        match settle::settle(&mut used.client, job).await {
            Ok(done) => {
                self.give_back(used);
                Ok(done)
            }
            Err(failure) => {
                if matches!(failure.error, StoreError::Unavailable { .. }) {
                    // The others are probably dead too: let the next attempt open a new one.
                    self.idle().clear();
                }
                Err(failure)
            }
        }
    }

    async fn open(&self) -> Result<Client, StoreError> {
        timeout(PATIENCE, settle::open(&self.servers))
            .await
            .unwrap_or_else(|elapsed| Err(StoreError::unavailable(elapsed)))
    }

    /// Takes a connection of this runtime. A connection of another runtime would do its work there,
    /// or not at all if that runtime has ended.
    fn take_idle(&self, home: Id) -> Option<Idle> {
        let mut idle = self.idle();
        idle.retain(|idle| {
            !settle::is_closed(&idle.client) && self.servers.is_current(idle.connected)
        });
        let found = idle.iter().rposition(|idle| idle.home == home)?;
        Some(idle.remove(found))
    }

    fn give_back(&self, client: Idle) {
        let mut idle = self.idle();
        if self.turns.is_closed() {
            return;
        }
        if idle.len() == CONNECTIONS {
            // The oldest one; its runtime may have ended long ago.
            idle.remove(0);
        }
        idle.push(client);
    }
}

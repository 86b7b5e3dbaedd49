//! The connections of this process.

use std::sync::Arc;
use std::time::Duration;

use deadpool::Runtime;
use deadpool::managed::{Hook, HookError, PoolConfig};
use diesel::ConnectionError;
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use tokio::runtime::Handle;
use waypost_store::StoreError;

use super::{Connection, connect};
use crate::hosts::Servers;

/// How long to wait for a free connection, and for a new one. A request that cannot be served
/// within this time is better answered with 503.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// The pools of one database. If the database allows concurrent writes, both are the same.
#[derive(Clone)]
pub(crate) struct Pools {
    pub(crate) reads: Pool<Connection>,
    pub(crate) writes: Pool<Connection>,
}

impl Pools {
    pub(crate) fn close(&self) {
        self.reads.close();
        self.writes.close();
    }
}

/// Creates a pool of at most `size` connections, each set up by the backend. Opens none yet. Must
/// be called within a runtime.
pub(crate) fn pool(servers: &Arc<Servers>, size: usize) -> Result<Pool<Connection>, StoreError> {
    let mut manager = ManagerConfig::default();
    // A connection lives on the runtime that opened it. Callers may have short-lived runtimes of
    // their own, as HTTP workers do; the pool outlives them.
    let runtime = Handle::current();
    let used = Arc::clone(servers);
    let servers = Arc::clone(servers);
    manager.custom_setup = Box::new(move |_| {
        let servers = Arc::clone(&servers);
        let connecting = runtime.spawn(async move {
            let has_choice = servers.are_several();
            let connect = |url: String| async move { connect(&url, has_choice).await };
            servers.connect(connect).await
        });
        Box::pin(async move {
            connecting
                .await
                .unwrap_or_else(|error| Err(ConnectionError::BadConnection(error.to_string())))
        })
    });
    // Checking each time whether a connection is alive would cost a round trip per operation.
    manager.recycling_method = RecyclingMethod::Fast;
    // The servers know their URLs.
    let manager = AsyncDieselConnectionManager::new_with_config("", manager);
    let mut config = PoolConfig::new(size);
    config.timeouts.wait = Some(PATIENCE);
    config.timeouts.create = Some(PATIENCE);
    config.timeouts.recycle = Some(PATIENCE);
    Pool::builder(manager)
        .config(config)
        .pre_recycle(Hook::sync_fn(move |_, metrics| {
            if used.is_current(metrics.created) {
                return Ok(());
            }
            Err(HookError::message("another server is used now"))
        }))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(StoreError::internal)
}

pub(crate) async fn connection(pool: &Pool<Connection>) -> Result<Object<Connection>, StoreError> {
    pool.get().await.map_err(StoreError::unavailable)
}

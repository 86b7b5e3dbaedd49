//! An opened database: what each backend returns, and `database` keeps.

use std::sync::Arc;

use waypost_store::Store;

/// The store that a backend opens, and how to close it.
pub(crate) struct Opened {
    pub(crate) store: Arc<dyn Store>,
    /// Closes the connections.
    pub(crate) close: Box<dyn Fn() + Send + Sync>,
}

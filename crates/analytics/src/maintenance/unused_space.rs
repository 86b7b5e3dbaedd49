//! Whether the file of the database has so much unused space that it is made smaller.

use std::sync::atomic::Ordering;

use tracing::info;

use super::{Maintenance, Old, Pass};

/// Unused space that is not released, in bytes: new rows use it soon.
const KEPT: u64 = 1_024 * 1_024;

impl Maintenance {
    /// Whether it is worth moving pages to make the database's file smaller. New rows use a little
    /// unused space soon.
    pub(super) async fn has_much_unused_space(&self, pass: &mut Pass) -> bool {
        match self.parts.store.space().await {
            Ok(space) => space.is_some_and(|space| {
                let is_much = space.unused_bytes() > KEPT;
                if is_much && !space.shrinks && !self.unused_told.swap(true, Ordering::Relaxed) {
                    let unused_mib = space.unused_bytes() >> 20_u32;
                    info!(
                        unused_mib,
                        "the database file has unused space and was created by an older version; \
                         stop the server and run `linkctl vacuum` to make it smaller"
                    );
                }
                is_much && space.shrinks
            }),
            Err(error) => {
                pass.failed(Old::UnusedSpace.kept(), &error);
                false
            }
        }
    }
}

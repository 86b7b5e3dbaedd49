//! How many files this process may have open, connections included: as many as it is let.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Files that are open beside connections: the journal, the database, the log.
const OTHERS: u64 = 100;

/// Raises the limit to the highest that this process may set, and says where that is too few for so many
/// connections: then some of them are not accepted until others are closed.
pub(crate) fn raise_limit(connections: usize) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let kept = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            warn!(%error, "the limit of open files could not be raised");
            limit.current
        }
    };
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX);
    let wanted = wanted.saturating_add(OTHERS);
    if let Some(files) = kept.filter(|files| *files < wanted) {
        warn!(
            files,
            wanted,
            "fewer files may be open than WAYPOST_MAX_CONNECTIONS takes: raise the limit (`ulimit -n`, \
             LimitNOFILE) or lower the setting"
        );
    }
}

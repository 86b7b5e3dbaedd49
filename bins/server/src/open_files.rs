//! The limit of open files, which includes connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing::warn;

/// Number of open files besides connections: the journal, the database, the log.
const OTHERS: u64 = 100;

/// Raises the limit to the maximum for this process. Logs a warning if that is too low for
/// `connections`: some are then not accepted until others are closed.
pub(crate) fn raise_limit(connections: usize) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let kept = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            warn!(%error, "cannot raise the open file limit");
            limit.current
        }
    };
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX);
    let wanted = wanted.saturating_add(OTHERS);
    if let Some(files) = kept.filter(|files| *files < wanted) {
        warn!(
            files,
            wanted,
            "open file limit too low for WAYPOST_MAX_CONNECTIONS; raise the limit (`ulimit -n`, \
             LimitNOFILE) or lower the setting"
        );
    }
}

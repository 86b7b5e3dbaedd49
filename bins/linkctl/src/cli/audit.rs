//! The arguments of `linkctl audit`.

use clap::Args;
use waypost_core::{AuditEvent, Email};

/// Which entries of the audit trail to list.
#[derive(Debug, Clone, Args)]
pub(crate) struct Audit {
    /// Only entries of this event, such as `sign_in_failed`
    #[arg(long, value_name = "EVENT")]
    pub(crate) event: Option<AuditEvent>,
    /// Only what this user did
    #[arg(long, value_name = "EMAIL", value_parser = Email::parse)]
    pub(crate) user: Option<Email>,
    /// Maximum number of entries
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
}
